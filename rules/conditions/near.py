"""`near`: terms close to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rules import shape
from rules.conditions.base import Context, TermList, leaf
from rules.evidence import Clause, Evidence, Hit
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec

Range = tuple[int, int]
_NEVER = 1 << 30


def _groups(spec: Spec, context: Context) -> tuple[TermList, ...]:
    groups = spec.items()
    if len(groups) < 2:
        spec.wrong("near needs at least two terms, or groups of terms")
    return tuple(context.terms(one) for one in groups)


@dataclass(frozen=True, slots=True)
class Near:
    """A term of every group stands within so many words of the others, in one sentence.

    near: {terms: [[tanker, freighter], [fire, explosion]], within: 6}
    near: {terms: [talks, collapse*], within: 3, ordered: true}
    """

    KEY: ClassVar[str] = "near"
    SHAPE: ClassVar[shape.Shape] = {
        "terms": shape.Key(
            shape.Kind(_groups, {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/terms"}}),
            "two or more terms, lists or groups of terms",
            default=(),
            required=True,
        ),
        "within": shape.Key(shape.whole(1, 100), "how many words may stand between two of them", default=5),
        "ordered": shape.Key(shape.BOOLEAN, "whether they must stand in this order", default=False),
    }

    groups: tuple[TermList, ...]
    within_words: int
    ordered: bool = False

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{terms: […], within: 5, ordered: true}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        return cls(values["terms"], values["within"], values["ordered"])

    @classmethod
    def schema(cls) -> Json:
        """`{terms, within, ordered}`."""
        return shape.mapping(cls.SHAPE)

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The closest such place of each sentence."""
        if not self.groups or not self.possible(reading.vocabulary):
            return None
        hits: list[Hit] = []
        for one in within:
            chosen, gap = self._closest(one)
            if gap <= self.within_words:
                hits += [one.section.hit(lo, hi) for lo, hi in chosen]
        return Evidence(hits=tuple(sorted(set(hits)))) if hits else None

    def _closest(self, one: Sentence) -> tuple[list[Range], int]:
        """A term of each group with the smallest gap between neighbours that can be had; each span is looked at once a group."""
        found = [group.search(one.section.words, one.lo, one.hi) for group in self.groups]
        if not all(found):
            return [], _NEVER
        best: tuple[list[Range], int] = ([], _NEVER)
        for first in found[0]:
            chain, widest = [first], 0
            for spans in found[1:]:
                following = min(spans, key=lambda span: self._gap(chain[-1], span))
                widest = max(widest, self._gap(chain[-1], following))
                chain.append(following)
            if widest < best[1]:
                best = chain, widest
        return best

    def _gap(self, a: Range, b: Range) -> int:
        """How many words stand between two spans; never, where they overlap or stand in the wrong order."""
        if (a[0] < b[1] and b[0] < a[1]) or (self.ordered and b[0] < a[1]):
            return _NEVER
        return b[0] - a[1] if b[0] >= a[1] else a[0] - b[1]

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """How near they came."""
        return leaf(self, self.search(reading, within), lambda: self._miss(within))

    def _miss(self, within: Sequence[Sentence]) -> tuple[str, float]:
        gaps = [gap for one in within if (gap := self._closest(one)[1]) < _NEVER]
        if gaps:
            return f"the closest are {min(gaps)} words apart, {self.within_words} are allowed", self.within_words / min(gaps)
        missing = [
            group.describe()
            for group in self.groups
            if not any(group.search(one.section.words, one.lo, one.hi) for one in within)
        ]
        if missing:
            return f"not there: {', '.join(missing)}", 0.5 * (1 - len(missing) / len(self.groups))
        return "never in one sentence" + (" in this order" if self.ordered else ""), 0.5

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether every group could occur."""
        return all(group.possible(vocabulary) for group in self.groups)

    def describe(self) -> str:
        """In plain English."""
        first, *others = [group.describe() for group in self.groups] or [""]
        order = ", in this order" if self.ordered else ""
        return f"it says {first} within {self.within_words} words of {' and '.join(others)}{order}"
