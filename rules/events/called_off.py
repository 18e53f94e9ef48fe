"""Whether a sentence says that an event which was planned is off: called off, scrapped, "will not take place after all".

What is put off is not off, and neither is what somebody fears, threatens, denies, or asks for. One side that will not come or rules
the event out does not call it off; its host does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

from rules import dates
from rules.data import table
from rules.events.around import Around
from rules.events.groups import Group
from rules.fold import Token
from rules.reading import Sentence
from rules.speech.phrases import Range
from rules.terms import Terms, terms

_NEAR = 7  # words between the event and what calls it off, where no verb links the two
_FAR = 40  # words after the event in which that is looked for at all
_OBJECT = 9  # words between "scrapped plans to host" and the event
_DOUBT = 14  # words within which a doubt is about it
_OLD = timedelta(days=31)
"""What was called off longer ago is told as the past."""
_DENYING = ("will", "would", "is to", "is due to", "is doing", "does")


def called_off(around: Around, *, denied: bool = True) -> Range | None:
    """The words that call an event off; None where none do. `denied`: a flat "will not take place" does too."""
    found = _before(around) or _after(around) or (flatly_denied(around) if denied else None)
    if found is None or _is_of_the_past(around) or _is_doubted(around, found):
        return None
    return found


def is_of_event(around: Around, cue: Range, day: dates.Dated) -> bool:
    """Whether a date is the event's, and not that of its calling off: "was called off on Wednesday"."""
    words, (start, end) = around.words, around.span
    if day.hi <= start:
        return day.hi == start or words[day.hi].word == "'s"
    follows = day.lo >= end and (cue[1] <= start or day.hi <= cue[0])
    over = around.day is not None and day.value is not None and date.fromisoformat(day.value.rpartition("/")[2]) < around.day
    return follows and not over and not (day.weekday and words[day.lo - 1].word not in _SET)


_SET = frozenset("for due this next by set scheduled planned".split())


# What calls it off


def _before(around: Around) -> Range | None:
    """Words whose object is the event."""
    sentence, start = around.sentence, around.span[0]
    if around.span[1] < sentence.hi and around.words[around.span[1]].word in _words("of_it"):
        return None  # "scraps summit statement"
    found = _terms("before").search(around.words, max(sentence.lo, start - _OBJECT - _LONGEST), start)
    return next((cue for cue in found if _has_as_object(around, cue) and _is_said(around, cue, own=True)), None)


_LONGEST = 4  # words of what calls an event off


def _has_as_object(around: Around, cue: Range) -> bool:
    """Whether the event, and nothing else, is what is called off."""
    words, (lo, hi), start = around.words, cue, around.span[0]
    if start - hi > _OBJECT or around.stopped(hi, start + 1) or around.commas(hi, start + 1) % 2:
        return False
    if _is_order(words, lo, around.sentence) or _is_passive(words, lo, around.sentence):
        return False
    return not _leads_elsewhere([word.word for word in words[hi:start]])


def _leads_elsewhere(between: Sequence[str]) -> bool:
    """Whether something else is called off: "cancelled a speech at the summit"."""
    prepositions = {"to", "for", "of", "on"} & set(between)
    return bool(_words("other_things") & set(between)) or (
        bool(prepositions) and not _words("plans_to") & (set(between) - prepositions)
    )


def _is_order(words: Sequence[Token], cue: int, sentence: Sentence) -> bool:
    """ "Cancel the meeting", "or cancel the meeting"."""
    bare = words[cue].word in ("cancel", "call", "scrap", "abandon", "shelve")
    return bare and (cue == sentence.lo or words[cue - 1].word in ("or", "not", "please", "must", "should", "'ll"))


def _is_passive(words: Sequence[Token], cue: int, sentence: Sentence) -> bool:
    return cue > sentence.lo and words[cue - 1].word in ("was", "were", "been", "be", "being", "is", "are")


def _after(around: Around) -> Range | None:
    """Words whose subject is the event."""
    kinds = ("after", "plans") if _is_planned(around) else ("after",)
    for kind in kinds:
        for cue in _terms(kind).search(around.words, around.span[1], _end(around)):
            if _belongs(around, cue) and not _has_object(around, cue) and _is_said(around, cue):
                return cue
    last = around.sentence.hi - 1
    if around.sentence.is_title and around.words[last].word == "off" and last - around.span[1] <= _NEAR:
        return last, last + 1  # "Budapest summit between Trump and Putin off"
    return None


def _end(around: Around) -> int:
    """Where the words end that are looked through after an event: sentences have no end that one can count on."""
    return min(around.sentence.hi, around.span[1] + _FAR)


def _is_planned(around: Around) -> bool:
    """Whether the words before an event say that it was planned."""
    lo = max(around.sentence.lo, around.span[0] - _NEAR)
    return any(word.word in _words("planned") for word in around.words[lo : around.span[0]]) and not around.stopped(
        lo + 1, around.span[0]
    )


def _belongs(around: Around, cue: Range) -> bool:
    """Whether the event is what the words after it are said of."""
    if any(how == "after" and one.lo < cue[1] and cue[0] < one.hi for how, one in around.links):
        return True
    end = around.span[1]
    between = {word.word for word in around.words[end : cue[0]]}
    if "between" in between:
        between.discard("and")
    far = cue[0] - end > _NEAR or around.stopped(end, cue[0] + 1) or around.commas(end, cue[0] + 1) % 2
    return not far and not between & {"and", "but", "that", "after", "when", "who", "which", "as", "while", "'s"}


def _has_object(around: Around, cue: Range) -> bool:
    """Whether it is the event that calls something else off: "the summit scrapped the tariffs"."""
    words, (lo, hi) = around.words, cue
    if hi >= around.sentence.hi or "," in words[hi].gap or _is_passive(words, lo, around.sentence):
        return False
    return words[hi].word in ("the", "a", "an", "its", "their", "his", "her", "all", "plans", "to", "limits")


def flatly_denied(around: Around) -> Range | None:
    """A negated verb that leaves nothing of the event: "will not take place", "will not meet after all"."""
    near = [one for one in around.groups if around.span[0] - _FAR <= one.lo < _end(around)]
    for one in [one for one in near if one.negated and one.tense in _DENYING]:
        own = ("own", one) in around.links and _is_final(around, one)
        after = one.lo >= around.span[1] and one.verb in _words("denied") and _belongs(around, (one.lo, one.hi))
        if (own or after) and not _is_partial(around, one):
            return one.lo, one.hi
    return None


def _is_partial(around: Around, one: Group) -> bool:
    """ "will not take place before June", "will not be easy": there will be one."""
    rest = around.words[one.hi : around.sentence.hi]
    limited = any(word.word in ("until", "before", "without", "behind", "only") for word in rest)
    return limited or (one.verb == "be" and not (rest and rest[0].word in ("held", "taking", "going", "happening")))


def _is_final(around: Around, one: Group) -> bool:
    return bool(_terms("final").search(around.words, one.lo, around.sentence.hi))


# Whether it is so


def _is_said(around: Around, cue: Range, *, own: bool = False) -> bool:
    """Whether the verb says that it is so: "has been called off", not "threatened to call off"; `own`: the cue may bring its own "not"."""
    words, lo = around.words, cue[0]
    if own and words[lo].word in ("not", "no"):
        return True
    group = next((one for one in around.groups if one.lo <= lo < one.hi), None)
    if group is None:
        return True
    if group.negated and words[lo].word not in ("will", "would", "won't", "not"):
        return False
    infinitive = group.tense in ("to", "came to", "wants to", "plans to", "refuses to")
    before = {word.word for word in words[max(around.sentence.lo, lo - 4) : lo]}
    return bool(before & _words("settled")) if infinitive and words[lo - 1].word in ("to", "be") else group.tense != "may"


def _is_of_the_past(around: Around) -> bool:
    """Whether it is told of long ago, or of an event before this one."""
    if around.found.keys() & {"adjective: behind", "adjective: such", "sentence: old year", "sentence: told of the past"} - _now(
        around
    ):
        return True
    return any(one.sense == "past" and _is_old(one, around.day) for one in around.dated)


def _now(around: Around) -> set[str]:
    """Signs of a past that a date within the last month takes back: "On Monday …"."""
    told = any(one.sense == "past" and not _is_old(one, around.day) for one in around.dated)
    return {"sentence: told of the past"} if told else set()


def _is_old(one: dates.Dated, day: date | None) -> bool:
    if one.value is None or day is None:
        return one.value is None and not one.weekday
    return day - date.fromisoformat(one.value.partition("/")[0]) > _OLD


def _is_doubted(around: Around, cue: Range) -> bool:
    words, sentence = around.words, around.sentence
    if sentence.text.rstrip('"”’ ').endswith("?") or _terms("condition").search(words, sentence.lo, sentence.hi):
        return True
    for lo, hi in _terms("doubt").search(words, max(sentence.lo, cue[0] - _DOUBT), cue[0]):
        if not _is_cut_off(around, hi, cue[0]) and not around.span[0] <= lo < around.span[1]:
            return True
    told = _words("reports") & {word.word for word in words[sentence.lo : cue[0]]}
    return bool(told) and bool(_terms("false").search(words, sentence.lo, sentence.hi))


def _is_cut_off(around: Around, after: int, until: int) -> bool:
    """Whether a doubt is of another clause: "after Moscow rejected a truce, the summit was called off"."""
    return around.stopped(after, until + 1) or around.commas(after, until + 1) % 2 == 1


@cache
def _terms(kind: str) -> Terms:
    return terms(table("called_off")[kind])


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(table("called_off")[kind])
