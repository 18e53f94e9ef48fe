"""Who meets when states meet: countries, their leaders and ministers, organisations of states, and those they negotiate with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from rules import places
from rules.data import table
from rules.fold import tokens
from rules.reading import Reading, Sentence
from rules.speech.phrases import Range
from rules.terms import Terms, terms


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is named in a sentence, and where; and words for several, or for one, that name none."""

    named: Mapping[str, tuple[Range, ...]]
    several: tuple[Range, ...]
    one: tuple[Range, ...]
    officials: bool = False
    """Whether one of them is a person in office, or an office."""

    def near(self, span: Range, before: int, after: int) -> list[str]:
        """Those named within so many words of a stretch."""
        first, last = span[0] - before, span[1] + after
        return [who for who, many in self.named.items() if any(first <= lo and hi <= last for lo, hi in many)]

    def between(self, lo: int, hi: int) -> bool:
        """Whether anybody is named among these words."""
        return any(lo <= a < hi for many in self.named.values() for a, _ in many)


def parties(sentence: Sentence, known: Mapping[str, str]) -> Parties:
    """Everybody in a sentence who may meet for a state; `known` are the surnames that the article gives an office."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    named: dict[str, list[Range]] = {}
    officials = bool(_offices().search(words, lo, hi))
    for span in _bodies().search(words, lo, hi):
        written = " ".join(word.word for word in words[slice(*span)])
        named.setdefault(_who()[written], []).append(span)
        officials = officials or written in _leaders()
    taken = {k for many in named.values() for span in many for k in range(*span)}
    for k in range(lo, hi):
        token = words[k]
        if not token.capital or k in taken or (k > lo and words[k - 1].word in _WHERE):
            continue
        who = places.country_of(token.word) or known.get(token.word)
        officials = officials or token.word in known
        if who is None and k + 1 < hi:
            who = places.country_of(f"{token.word} {words[k + 1].word}")
        if who and not (token.word == "us" and not token.caps):
            named.setdefault(who, []).append((k, k + 1))
    several, one = (tuple(each.search(words, lo, hi)) for each in _unnamed())
    return Parties(
        MappingProxyType({who: tuple(many) for who, many in named.items()}), several, one, bool(officials or several or one)
    )


def officials(reading: Reading) -> dict[str, str]:
    """Surnames that the article gives an office ("Rwandan President Paul Kagame"), each its own party unless a state is named before."""
    found: dict[str, str] = {}
    for section in reading.sections:
        words = section.words
        for k in words.standing(*table("parties")["offices"]):
            if k + 1 == len(words) or not words[k + 1].capital or words[k + 1].gap.strip():
                continue
            end = k + 2
            while end < len(words) and end - k <= _NAMES and words[end].capital and not words[end].gap.strip():
                end += 1
            surname = words[end - 1].word
            state = next((s for w in words[max(0, k - 4) : k] if w.capital and (s := places.country_of(w.word))), None)
            if not places.country_of(surname) and (state or words[k].capital):
                found.setdefault(surname, state or surname)
    return found


_NAMES = 4  # words of a name after an office


_WHERE = frozenset(("in", "at", "near", "outside"))
"""Words that make a place where they meet, and nobody who meets, of the place that follows."""


@cache
def _who() -> dict[str, str]:
    """What people write, folded, to who it is."""
    groups = (*table("parties")["bodies"].items(), *table("parties")["leaders"].items())
    return {_folded(written): who for who, many in groups for written in many}


def _folded(written: str) -> str:
    return " ".join(token.word for token in tokens(written))


@cache
def _bodies() -> Terms:
    groups = (*table("parties")["bodies"].values(), *table("parties")["leaders"].values())
    return terms(written for many in groups for written in many)


@cache
def _leaders() -> frozenset[str]:
    return frozenset(_folded(written) for many in table("parties")["leaders"].values() for written in many)


@cache
def _offices() -> Terms:
    return terms(table("parties")["offices"])


@cache
def _unnamed() -> tuple[Terms, Terms]:
    return terms(table("parties")["several"]), terms(table("parties")["one"])
