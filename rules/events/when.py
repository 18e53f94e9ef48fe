"""When an event is by the words near it: cues ("held", "ongoing") and its date.

In the manner of ConText (Harkema et al. 2009): a cue pulls on the event from before or behind it, the nearest one wins, and clauses and
other events stand in between. The words are in `data/mention.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from rules import dates
from rules.data import table
from rules.events.dated import of_speech
from rules.events.venue import CUTS, REACH, Setting, breaks
from rules.fold import Token
from rules.reading import Sentence
from rules.speech.phrases import Range
from rules.speech.verbs import verbs
from rules.terms import Terms, terms

_NEAR = 6  # words within which a date belongs to an event that it does not place ahead
_FAR = 25  # and one that is said to be its own


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that tell when an event is, and how far from it they stand."""

    kind: str
    span: Range
    distance: int


def cues(event: Setting) -> list[Cue]:
    """Every cue that belongs to an event, the nearest first."""
    words, sentence = event.section.words, event.sentence
    found = []
    for kind, where, wanted in _kinds():
        for span in wanted.search(words, sentence.lo, sentence.hi):
            if where == "both" and _is_of_speech(words, span, sentence):
                continue  # "announced last week that he would …"
            away = distance(event, span, where)
            if away is not None and away <= REACH:
                found.append(Cue(kind, span, away))
    return sorted(found, key=lambda cue: cue.distance)


def distance(event: Setting, cue: Range, where: str = "both") -> int | None:
    """Words between a cue and the event; None where the cue stands on the wrong side or speaks of something else."""
    span = event.span
    if cue[1] <= span[0]:
        wrong, between = where == "after", (cue[1], span[0])
    elif cue[0] >= span[1]:
        wrong, between = where == "before", (span[1], cue[0])
    else:
        return None if where == "after" else 0
    if wrong or any(between[0] <= a and b <= between[1] for a, b in event.others):
        return None
    return between[1] - between[0] + _marks(event, *between)


def _marks(event: Setting, lo: int, hi: int) -> int:
    """How many words the marks and conjunctions between two places are worth."""
    words, quoted = event.section.words, event.section.quoted
    worth = 0
    for k in range(lo, min(hi + 1, event.sentence.hi)):
        word, gap = words[k].word, words[k].gap
        comma = "," in gap
        cut = word in CUTS or any(mark in gap for mark in ";—–:") or (word == "and" and comma)
        worth += 4 * cut + 2 * comma
    return worth + 3 * any(quoted[k] != quoted[event.span[0]] for k in range(lo, hi))


def own_date(event: Setting, day: date | None, sense: str, near: Callable[[], Sequence[Cue]]) -> dates.Dated | None:
    """The nearest date that is the event's own. `sense` says which way it points; `near` gives the event's cues."""
    words, sentence = event.section.words, event.sentence
    best: tuple[int, dates.Dated] | None = None
    for one in dates.find(words, sentence.lo, sentence.hi, day, sense):
        if of_speech(words, one, sentence) or _points_away(event, one, sense):
            continue
        away = distance(event, (one.lo, one.hi))
        if away is None or away > _reach(event, one, sense) or (best is not None and away >= best[0]):
            continue
        against = sense and one.sense and sense != one.sense
        if against and any(cue.kind == "past" and cue.distance < away for cue in near()):
            continue
        best = (away, one)
    return best[1] if best else None


def _points_away(event: Setting, one: dates.Dated, sense: str) -> bool:
    """Whether a date is not that of an event of this sense."""
    if one.lo > event.sentence.lo and event.section.words[one.lo - 1].word == "since":
        return True
    if one.sense:
        return sense == "future" and one.sense == "past"
    # "Late on Monday he proposed to hold talks", "an offer … late Monday": these date the proposal and the offer.
    return _introduces(event, one) or (one.weekday and not sense)


def _introduces(event: Setting, one: dates.Dated) -> bool:
    """Whether a date opens the sentence and what follows is not ahead: then it dates the main verb, not the event."""
    if one.lo - event.sentence.lo > 3 or event.span[0] <= one.hi + 4:
        return False
    return not any(word.word in ("will", "is", "are") for word in event.section.words[one.hi : min(one.hi + 6, event.span[0])])


def _reach(event: Setting, one: dates.Dated, sense: str) -> int:
    """Words within which a date belongs to the event; further where the words before it make it an event's: "will take place by May"."""
    before = event.section.words[max(event.sentence.lo, one.lo - 4) : one.lo]
    if any(word.word in _TAKING_PLACE for word in before):
        return _FAR
    return REACH if "future" in (one.sense, sense) else _NEAR


_TAKING_PLACE = frozenset("place held begin start scheduled slated planned set due open".split())


def _is_of_speech(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether a date among the cues says when something was said: "announced last week"."""
    before = span[0] - 1
    if before < sentence.lo or breaks(words[span[0]]):
        return False
    return any(verb.kind == "say" for verb in verbs().get(words[before].word, ()))


@cache
def _kinds() -> tuple[tuple[str, str, Terms], ...]:
    """Cues by what they tell and on which side of the event they stand."""
    data = table("mention")
    return tuple((kind, where, terms(words)) for kind in ("past", "under_way") for where, words in data[kind].items())
