"""Where an event is held: "in Malta", "hosted by Qatar", "the Istanbul talks"; never what it is about ("peace in Ukraine")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rules import dates, places
from rules.data import table
from rules.fold import Token
from rules.reading import Reading, Section, Sentence
from rules.speech.phrases import Range

REACH = 14
"""Words within which a cue or a place belongs to an event."""
CUTS = frozenset("but while although though whereas because when which who where".split())
_TRAVEL = frozenset(
    "travel travels traveled travelled travelling traveling go goes going fly flies flew head heads heading headed come comes "
    "arrive visit trip delegation delegations team teams envoys return back".split()
)
_SET = frozenset("planned scheduled set slated due moved proposed".split())
_MEET = frozenset(
    "meet meets met meeting gather gathers convene convenes hold holds held holding resume again host hosts assemble attend reconvene sit".split()
)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where to look: an event's words in its sentence, the other events there, and the whole article."""

    sentence: Sentence
    span: Range
    others: tuple[Range, ...]
    hosts: frozenset[str] = frozenset()
    """Places that the article meets in, by `hosts`."""

    @property
    def section(self) -> Section:
        """The field it stands in."""
        return self.sentence.section


def hosts(reading: Reading) -> frozenset[str]:
    """Every place that an article puts an "in" before, outside topics: "the Malta talks" are then in Malta."""
    found = set()
    for section in reading.sections:
        words = section.words
        for k in words.standing("in"):
            sentence = section.around(k)
            if sentence and (named := places.at(words, k + 1, sentence.hi)) and not _topical(words, k, sentence.lo):
                found.add(named[0].name)
    return frozenset(found)


def venue(event: Setting) -> tuple[str, Range] | None:
    """Where the event is held, as news says it; None where it does not."""
    return _compound(event) or _after(event) or _hosts(event) or _before(event)


def _compound(event: Setting) -> tuple[str, Range] | None:
    """ "the Istanbul talks": a city before the event. A country there is mostly the topic, unless the article meets in it."""
    words, lo = event.section.words, event.sentence.lo
    for k in range(event.span[0] - 1, max(lo, event.span[0] - 4) - 1, -1):
        if breaks(words[k + 1]):
            return None
        found = places.at(words, k, event.span[0])
        if found:
            place, end = found
            if words[k].glued or words[min(end, len(words) - 1)].glued or (end < event.span[0] and words[end].word == "'s"):
                return None
            hosts = place.name in event.hosts
            return (place.name, (k, end)) if (not place.is_country or hosts) and not _is_seat(place.name) else None
        if words[k].word not in fillers() and not words[k].capital:
            return None
    return None


def _is_seat(name: str) -> bool:
    """Whether a capital's name mostly stands for its government ("Moscow talks" may be either, "Washington summit" is a place)."""
    return name in ("Moscow", "Kyiv", "Beijing", "Tehran", "Pyongyang")


def _topical(words: Sequence[Token], k: int, lo: int) -> bool:
    """Whether the words before "in" make the place what something is about: "peace in Ukraine", "said in Vienna"."""
    topics = _topics()
    return any(word.word in topics for word in words[max(lo, k - 2) : k])


def _after(event: Setting) -> tuple[str, Range] | None:
    words, hi = event.section.words, event.sentence.hi
    limit = min([hi, event.span[1] + 22, *[a for a, _ in event.others if a > event.span[1]]])
    for k in range(event.span[1], limit - 1):
        if (words[k].word in CUTS or any(mark in words[k].gap for mark in ";—–:")) and words[k].word not in ("which", "where"):
            return None
        if words[k].word in ("for", "to") and words[k - 1].word in _SET:
            found = _place_after(event.section, k + 1, limit)
            if found:
                return found
        if words[k].word in ("in", "at", "near", "outside") and not _topical(words, k, event.span[1]):
            found = _place_after(event.section, k + 1, limit)
            if found:
                return found
        if words[k].word == "by" and words[k - 1].word in ("hosted", "convened", "organized", "organised"):
            found = _place_after(event.section, k + 1, limit)
            if found:
                return found
    return None


def _place_after(section: Section, k: int, hi: int) -> tuple[str, Range] | None:
    """The place that starts at word `k`: named, "the Turkish capital", "the resort of Sochi", or a name no gazetteer has."""
    if k >= hi:
        return None
    words = section.words
    found = places.at(words, k, hi)
    if found is None:
        return _described_place(section, k, hi) if words[k].word in ("the", "a") else _unknown_place(section, k, hi)
    place, end = found
    if [word.word for word in words[end : min(end + 2, hi)]] == ["'s", "capital"]:
        return places.capitals().get(place.name, place.name), (k, end + 2)
    return None if end < len(words) and words[end].glued else (place.name, (k, end))


def _described_place(section: Section, k: int, hi: int) -> tuple[str, Range] | None:
    """ "the Turkish capital", "the Turkish capital Ankara", "the resort of Sochi"."""
    words = section.words
    for j in range(k + 1, min(k + 6, hi)):
        word = words[j]
        if word.word == "capital":
            country = places.country_of(words[j - 1].word)
            named = places.at(words, j + 1, hi) if j + 1 < hi else None
            if named:
                return named[0].name, (k, named[1])
            return (places.capitals().get(country, country), (k, j + 1)) if country else None
        inner = places.at(words, j, hi)
        if inner and not places.country_of(word.word):
            return inner[0].name, (j, inner[1])
        if word.word in ("in", "at", "on", "to"):
            return None
    return None


def _unknown_place(section: Section, k: int, hi: int) -> tuple[str, Range] | None:
    """A capitalised name straight after "summit in" or "held in": small places meet too."""
    words, token = section.words, section.words[k]
    if not token.capital or token.caps or token.word in dates.MONTHS or token.word in dates.WEEKDAYS:
        return None
    if k < 2 or words[k - 1].word != "in" or words[k - 2].word not in _HELD:
        return None
    end = k + 1
    while end < hi and words[end].capital and not breaks(words[end]) and end - k < 3:
        end += 1
    return section.hit(k, end).text, (k, end)


_HELD = frozenset("held place summit conference talks meeting meet convene negotiations gathering".split())


def _hosts(event: Setting) -> tuple[str, Range] | None:
    """ "Qatar will host the talks"."""
    words, lo = event.section.words, event.sentence.lo
    after = range(event.span[1], min(event.sentence.hi, event.span[1] + 8))
    if not any(words[k].word in ("that", "which") for k in list(after)[:2]):
        after = range(0)
    for k in (*range(event.span[0] - 1, max(lo, event.span[0] - 10) - 1, -1), *after):
        if words[k].word in ("host", "hosts", "hosting", "hosted"):
            for j in range(k - 1, max(lo, k - 7) - 1, -1):
                found = places.at(words, j, k)
                if found and (not j or words[j - 1].word not in ("in", "to", "with")):
                    return (found[0].name, (j, found[1]))
    return None


def _before(event: Setting) -> tuple[str, Range] | None:
    """ "travel to Doha for talks", "In Moscow, negotiators will hold talks", "meet in Geneva for a summit"."""
    words, lo = event.section.words, event.sentence.lo
    stop = max([lo, event.span[0] - REACH, *[b for _, b in event.others if b <= event.span[0]]])
    for k in range(event.span[0] - 1, stop - 1, -1):
        if words[k].word in CUTS or ";" in words[k].gap:
            return None
        movement = words[k].word == "to" and any(w.word in _TRAVEL for w in words[max(lo, k - 3) : k])
        meeting = words[k].word in ("in", "at") and (k == lo or any(w.word in _MEET for w in words[max(lo, k - 4) : k]))
        if not (movement or meeting) or _topical(words, k, lo):
            continue
        found = _place_after(event.section, k + 1, event.span[0])
        if found:
            return found
    return None


@cache
def fillers() -> frozenset[str]:
    """Words that stand between a number, a name or a place and the event that it belongs to."""
    return frozenset(table("mention")["between"])


@cache
def _topics() -> frozenset[str]:
    return frozenset(table("places")["topics"])


_BREAKS = frozenset(',;:.–—"“”')


def breaks(token: Token) -> bool:
    """Whether a mark before the word ends a phrase."""
    return not _BREAKS.isdisjoint(token.gap)
