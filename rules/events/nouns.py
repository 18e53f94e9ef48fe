"""The signs of an event that is a noun ("a second round of talks"): its own phrase, and the verbs and prepositions that it hangs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rules.data import table
from rules.events.around import COMING, SPEAKING, Around, prepositions, strength, told
from rules.events.groups import BEHIND, Group
from rules.events.venue import breaks
from rules.terms import Terms, terms

_FUNCTION = frozenset(
    (
        *"of in on at for to from by with about over during after before since ahead into between among through until".split(),
        *"and or but that which who as than if when while not also said says he she it they we i you".split(),
        *"is are was were be been has have had will would could may might can should".split(),
    )
)
_DETERMINERS = frozenset("the a an this his her their its our my any another each some no".split())
_FAR = 14
_LINKED = 3
_MOVED_FAR = 16


def of_noun(around: Around) -> None:
    """Adds every sign that the event has as a noun."""
    start = _phrase_start(around)
    outer = _of_heads(around, start)
    _of_adjectives(around, outer, start)
    governed = _of_preposition(around, outer)
    if governed == "during":
        around.found.pop("head: ahead", None)  # "at the opening of the summit"
    _of_verb_before(around, outer, governed)
    _of_stay(around, outer)
    _of_verb_after(around, governed, headed=outer < start)
    _of_proposal(around, outer)
    _of_fixed(around)
    if any(one.lo == around.span[1] and one.tense == "doing" and one.verb == "take" for one in around.groups):
        around.add("adjective: now")  # "negotiations taking place in Berlin"
    _of_move(around)
    if around.span[1] < around.sentence.hi and "behind" in _heads().get(around.words[around.span[1]].word, ()):
        around.add("head: behind")  # "summit breakdown"
    last = around.words[around.span[1] - 1].word
    around.add(f"noun: {last.removesuffix('s') if last != 'talks' else last}")


def _phrase_start(around: Around) -> int:
    """Where the event's noun phrase begins: "Putin's planned second [summit]"."""
    words, k = around.words, around.span[0]
    lo = max([around.sentence.lo, *(one.hi for one in around.groups if one.hi <= k and one.tense not in ("done", "doing"))])
    while k - 1 >= lo and around.span[0] - k < 9:
        word = words[k - 1]
        if (breaks(words[k]) and not words[k].glued) or word.word in _FUNCTION:
            break
        k -= 1
        if word.word in _DETERMINERS and not (k - 1 >= lo and words[k - 1].word in _adjectives()):
            break
    return k


def _of_adjectives(around: Around, outer: int, start: int) -> None:
    words = around.words
    for k in range(outer, around.span[0]):
        for kind in _adjectives().get(words[k].word, ()):
            around.add(f"adjective: {kind}")
    first = words[start].word if start < around.span[0] else ""
    owned = first in ("his", "her", "their", "its") or any(words[k].word == "'s" for k in range(start, around.span[0]))
    kind = (
        "no" if first == "no" else "any" if first in ("any", "some") else "owned" if owned
        else "a" if first in ("a", "an", "another") else "the" if first in ("the", "this", "that") else "bare"
    )  # fmt: skip
    around.add(f"determiner: {kind}")


def _of_heads(around: Around, start: int) -> int:
    """ "the resumption of the talks": adds what the heads tell, and gives where the outermost phrase begins."""
    words, lo = around.words, around.sentence.lo
    for _ in range(2):
        if start - 2 < lo or words[start - 1].word not in ("of", "for", "to", "on") or words[start - 2].word not in _heads():
            break
        for kind in _heads()[words[start - 2].word]:
            around.add(f"head: {kind}")
        inner = Around(around.sentence, (start - 2, start - 1), around.groups, around.parties, around.day)
        start = _phrase_start(inner)
    return start


def _of_preposition(around: Around, start: int) -> str:
    """Adds what the preposition before the phrase tells, and gives the kind."""
    words = around.words
    for kind, found in prepositions():
        if any(b == start for _, b in found.search(words, max(around.sentence.lo, start - 5), start)):
            around.add(f"preposition: {kind}")
            return kind
    return ""


def _of_verb_before(around: Around, start: int, preposition: str) -> None:
    last = next((one for one in reversed(around.groups) if one.hi <= start), None)
    if last is None or start - last.hi > _FAR or around.stopped(last.hi, start + 1):
        return
    if start - last.hi <= _LINKED:
        around.links.append(("before", last))
    if last.verb in SPEAKING and preposition != "during":
        return  # "said talks would resume"
    special = _special_before(around, last, start, preposition)
    if special:
        around.add(special)
    else:
        around.add(f"before: {told(last)}", strength(start - last.hi, around.commas(last.hi, start + 1)))


def _special_before(around: Around, last: Group, start: int, preposition: str) -> str:
    """What a verb before the event tells by itself, whatever its tense; "" where only the tense tells."""
    planning = last.kind in ("plan", "wish") and last.verb not in _PROMISING
    if planning and start - last.hi <= 2 and preposition in ("", "toward"):
        return f"before: {'not ' if last.negated else ''}{'planning' if last.kind == 'plan' else 'wishing'}"
    if last.negated and last.verb in COMING and last.tense not in BEHIND:
        return "before: refuses to, holding"  # one side will not come: the others will
    if last.verb == "continue" and last.tense in _NOW:
        return "adjective: now"  # "continue their talks today"
    if last.verb in _looking_back():
        return "before: looking back"
    return "headline before: does" if around.sentence.is_title and last.tense == "does" else ""


_PROMISING = frozenset("expect promise decide intend vow pledge".split())  # "what to expect from the summit"


def _of_verb_after(around: Around, preposition: str, *, headed: bool) -> None:
    end = around.span[1]
    after = [
        one
        for one in around.groups
        if one.lo >= end and (one.tense not in ("doing", "done", "to") or (one.tense == "to" and one.lo == end))
    ]
    for n, one in enumerate(after[:2]):
        if one.lo - (after[0].hi if n else end) > _FAR or around.stopped(end, one.lo + 1):
            return
        if n and not _goes_on(around, after[0], one):
            return
        if headed and one.tense in BEHIND:
            return  # "preparations for the summit have begun"
        if one.verb == "continue" and one.tense in _NOW:
            around.add("adjective: now")  # "as negotiations continue in Lausanne"
        if around.words[one.lo - 1].word in ("which", "that") and one.lo - end <= 7:
            around.add(f"after: {told(one)}")
        elif preposition in ("", "behind", "ahead", "before") or one.lo - end <= 3:
            kind = "ending" if one.verb in _ending() else "after" if not preposition else "then"
            bare = around.sentence.is_title and not around.dated  # "Talks begin in Geneva": they have begun
            if one.verb in _OPENING and one.tense in ("does", "is doing") and not (one.negated or bare):
                around.add("opens")
            if not preposition and one.verb not in _ending() and _is_subject_of(around, one):
                around.links.append(("after", one))
            around.add(f"{kind}: {told(one)}", strength(one.lo - end, around.commas(end, one.lo + 1)))


_OPENING = frozenset("open begin start kick resume take proceed convene".split())


def _of_stay(around: Around, start: int) -> None:
    """ "is in Washington for talks"."""
    words = around.words
    last = next((one for one in reversed(around.groups) if one.hi <= start and one.tense != "to"), None)
    if (
        last
        and last.verb == "be"
        and last.tense in ("does", "will")
        and words[last.hi].word == "in"
        and words[last.hi + 1].capital
        and start - last.hi <= 7
    ):
        around.add("there for it")


def _of_proposal(around: Around, start: int) -> None:
    """ "pushing for a new round of talks", "suggested holding a summit"."""
    lo = max(around.sentence.lo, start - 6)
    found = _proposing().search(around.words, lo, start)
    if found and found[-1][1] == start:
        around.add("proposed")
    elif (
        found
        and start - found[-1][1] <= 2
        and any(one.hi == start and one.tense == "doing" and one.kind == "hold" for one in around.groups)
    ):
        around.add("proposed doing")


_NOW = ("does", "is doing", "past", "was doing")


def _goes_on(around: Around, first: Group, second: Group) -> bool:
    """Whether a second verb has the event as its subject too: "ended on Friday and are due to resume", "which failed in May, will resume"."""
    words = around.words
    if {"and", "but"} & {word.word for word in words[max(first.hi, second.lo - 2) : second.lo]}:
        return True
    return words[first.lo - 1].word in ("which", "that") and "," in words[second.lo].gap


def _is_subject_of(around: Around, one: Group) -> bool:
    """Whether nobody else is named between the event and a verb after it: "talks this weekend, and Russia was not invited"."""
    words, end = around.words, around.span[1]
    if "," in words[one.lo].gap or not around.commas(end, one.lo + 1):
        return True  # "the summit, planned for June, will not go ahead"
    return "and" not in {word.word for word in words[end : one.lo]} and not around.parties.between(max(end, one.lo - 4), one.lo)


@cache
def _proposing() -> Terms:
    return terms(table("signs")["proposing"])


@cache
def _looking_back() -> frozenset[str]:
    return frozenset(table("signs")["looking_back"])


@cache
def _ending() -> frozenset[str]:
    return frozenset(table("signs")["ending"])


def _of_fixed(around: Around) -> None:
    """ "a summit scheduled for Friday", "talks due next week", "a meeting in Doha planned for June"."""
    words, end = around.words, around.span[1]
    for k in range(end, min(around.sentence.hi - 1, end + 6)):
        to = words[k + 1].word == "to"
        if words[k].word == "due" and to and not any(one.lo == k + 1 for one in around.groups):
            return  # "talks stalled due to the vote"
        if words[k].word in _FIXED and words[k + 1].word in _FIXED_FOR:
            around.add("fixed")
            return
        if "," in words[k].gap or words[k].word in ("is", "are", "was", "were", "will"):
            return


_FIXED = frozenset("scheduled planned set due slated penned pencilled penciled expected proposed called announced".split())
_FIXED_FOR = frozenset("for on in next to at later this tomorrow by".split())


def _of_move(around: Around) -> None:
    """ "has been put back to May 26", "moved from Accra to Lome"."""
    end = around.span[1]
    for lo, _ in _moves().search(around.words, end, min(around.sentence.hi, end + _MOVED_FAR)):
        if not around.stopped(end, lo + 1):
            around.add("moved")


@cache
def _moves() -> Terms:
    return terms(table("signs")["moved"])


@cache
def _adjectives() -> dict[str, tuple[str, ...]]:
    return _kinds_by_word(table("signs")["adjectives"])


@cache
def _heads() -> dict[str, tuple[str, ...]]:
    return _kinds_by_word(table("signs")["heads"])


def _kinds_by_word(kinds: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind, words in kinds.items():
        for word in words:
            found[word] = (*found.get(word, ()), kind)
    return found
