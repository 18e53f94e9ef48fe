"""`capture`: find terms and remember which, for titles and for telling events apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rules.conditions.base import Context, TermList, leaf
from rules.evidence import Clause, Evidence, Hit
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec


@dataclass(frozen=True, slots=True)
class Capture:
    """One term of every group is there, and is remembered under the group's name.

        capture:
          weapon: [missile*, drone*]
          city: $cities

    `{weapon}` and `{city}` can then stand in the rule's title and in `once: {per: [city]}`. Of a list of names the canonical name is
    remembered, of terms the words as written. Around it, a scope says how close they must be: `sentence: {capture: …}`.
    """

    KEY: ClassVar[str] = "capture"

    groups: tuple[tuple[str, TermList], ...]

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Names to terms."""
        groups = tuple((name, context.terms(value)) for name, value in spec.mapping().items())
        if isinstance(spec.value, dict) and not groups:
            spec.wrong("capture needs a name and its terms:  city: [Odesa, Kharkiv]")
        return cls(groups)

    @classmethod
    def schema(cls) -> Json:
        """Names to terms."""
        return {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/terms"}}

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The first term of every group."""
        if not self.possible(reading.vocabulary):
            return None
        hits: list[Hit] = []
        captures: dict[str, str | None] = {}
        for name, group in self.groups:
            found = _first(group, within)
            if found is None:
                return None
            hits.append(found[0])
            captures[name] = found[1]
        return Evidence(hits=tuple(hits), captures=captures) if hits else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """Which group has nothing."""
        return leaf(self, self.search(reading, within), lambda: self._miss(within))

    def _miss(self, within: Sequence[Sentence]) -> tuple[str, float]:
        missing = [name for name, group in self.groups if _first(group, within) is None]
        return f"nothing for {', '.join(missing)}", 1 - len(missing) / max(1, len(self.groups))

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether every group could occur."""
        return all(group.possible(vocabulary) for _, group in self.groups)

    def describe(self) -> str:
        """In plain English."""
        return " and ".join(f"it says {group.describe()} (the {name})" for name, group in self.groups)


def _first(group: TermList, within: Sequence[Sentence]) -> tuple[Hit, str] | None:
    for one in within:
        words = one.section.words
        for lo, hi in group.search(words, one.lo, one.hi):
            hit = one.section.hit(lo, hi)
            return hit, group.canonical(words, lo, hi) or hit.text
        for (start, end), _ in group.terms.in_text(one.section.text, one.start, one.end):
            hit = one.section.stretch(start, end)
            return hit, hit.text
    return None
