"""Which event it is: its number ("a second summit") and its name ("the G20 summit")."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rules import places
from rules.data import table
from rules.events.venue import Setting, breaks, fillers
from rules.fold import Token


def ordinal(event: Setting) -> str | None:
    """Its number, in digits."""
    words = event.section.words
    for token in (*words[event.span[0] : event.span[1]], *_words_before(words, event.span[0], event.sentence.lo)):
        if token.word in _ordinals():
            return _ordinals()[token.word]
        digits = token.word[:-2]
        if digits.isdigit() and token.word[-2:] in ("st", "nd", "rd", "th"):
            return digits
    return None


def _words_before(words: Sequence[Token], k: int, lo: int) -> list[Token]:
    """The words of the noun phrase before word `k`, nearest first."""
    found = []
    for i in range(k - 1, max(lo, k - 7) - 1, -1):
        token = words[i]
        if breaks(words[i + 1]) and not words[i + 1].glued:
            break
        found.append(token)
        known = token.capital or token.glued or token.word == "'s" or token.word in fillers() or token.word in _ordinals()
        if not known and not places.country_of(token.word):
            break
    return found


def name(event: Setting) -> str | None:
    """A proper name right before the event: G20, BRICS, Trump-Putin; not a place or a nation's adjective."""
    words, k, first = event.section.words, event.span[0], event.sentence.lo
    if event.sentence.is_title:
        return None
    start = k
    while start > first + 1 and words[start - 1].capital and not breaks(words[start]) and not _is_no_name(words, start, k):
        start -= 1
    if start < k and places.at(words, start - 1, k):
        return None  # "White House talks"
    return event.section.hit(start, k).text if start < k else None


def _is_no_name(words: Sequence[Token], start: int, k: int) -> bool:
    """Whether the word before word `start` is a nation's adjective, a place or a filler."""
    word = words[start - 1].word
    if places.country_of(word) or word in fillers():
        return True
    return places.at(words, start - 1, k) is not None and not words[start].glued


@cache
def _ordinals() -> dict[str, str]:
    ordinals: dict[str, str] = table("mention")["ordinals"]
    return ordinals
