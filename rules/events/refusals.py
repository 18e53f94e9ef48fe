"""Who will not come: "Russia will not attend", "the summit that Beijing boycotts"."""

from __future__ import annotations

from functools import cache

from rules import places
from rules.data import table
from rules.events.venue import Setting
from rules.events.when import distance
from rules.reading import Section
from rules.speech.phrases import Range, left_np
from rules.terms import Terms, terms

_REACH = 9  # words between a refusal and the event


def refused_by(event: Setting) -> str | None:
    """The side that will not come to an event; None where none is named."""
    words, sentence = event.section.words, event.sentence
    for span in _refusals().search(words, sentence.lo, sentence.hi):
        away = distance(event, span)
        if away is None or away > _REACH:
            continue
        who = left_np(words, span[0], sentence.lo)
        named = _party(event.section, who) if who else None
        if named:
            return named
    return None


def _party(section: Section, who: Range) -> str | None:
    """The country where one is named as such, else the name as written."""
    words, last = section.words, who[1] - 1
    if not words[last].capital:
        return None
    nation = places.country_of(words[last].word)
    if nation:
        return nation
    before = last - 1
    two = before >= who[0] and words[before].capital and not places.country_of(words[before].word)
    return section.hit(before if two else last, who[1]).text


@cache
def _refusals() -> Terms:
    return terms(table("mention")["refusals"])
