"""Terms by themselves: what a bare list stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rules.conditions.base import Context, TermList, leaf
from rules.evidence import Clause, Evidence, Hit
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec
from rules.terms import parse


@dataclass(frozen=True, slots=True)
class Words:
    r"""At least one of some terms is there.

    A term stands where a condition can, and so does a list of them or a `$list`:

        when: [flood*, high water]

    | written | matches |
    | --- | --- |
    | `peace plan` | these whole words, in any case, accents and hyphens aside |
    | `negotiat*` | words that begin so |
    | `NATO` | all capitals: only capitals |
    | `~переговоры` | the word in any grammatical form (English or Russian, by its script) |
    | `/(\d+) (dead|killed)/` | an RE2 regular expression, in any case; `(?P<name>…)` captures |
    | `{any: [Moscow], except: [The Moscow Times]}` | terms, but not inside these words |
    """

    KEY: ClassVar[str] = "any"

    terms: TermList

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Terms as written."""
        return cls(context.terms(spec))

    @classmethod
    def schema(cls) -> Json:
        """Terms."""
        return {"$ref": "#/$defs/terms"}

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Every place where one of the terms stands."""
        if not self.possible(reading.vocabulary):
            return None
        hits: list[Hit] = []
        captures: dict[str, str | None] = {}
        for one in within:
            section = one.section
            hits += [section.hit(lo, hi) for lo, hi in self.terms.search(section.words, one.lo, one.hi)]
            for (start, end), groups in self.terms.terms.in_text(section.text, one.start, one.end):
                hits.append(section.stretch(start, end))
                captures = {**groups, **captures}
        return Evidence(hits=tuple(sorted(set(hits))), captures=captures) if hits else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """Found, or what is missing; words that begin alike are the near misses."""
        return leaf(self, self.search(reading, within), lambda: self._miss(within))

    def _miss(self, within: Sequence[Sentence]) -> tuple[str, float]:
        stems = {start for written in self.terms.terms.written[:50] for start in _beginnings(written)}
        alike = [token.raw for one in within for token in one.words if len(token.word) > 4 and token.word[:5] in stems]
        seen = list(dict.fromkeys(alike))[:3]
        return (f"not there; near: {', '.join(seen)}", 0.2) if seen else ("not there", 0.0)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether any term could occur."""
        return self.terms.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"it says {self.terms.describe()}"


def _beginnings(written: str) -> list[str]:
    """How the longer words of a term begin."""
    return [] if written.startswith("/") else [word.text[:5] for word in parse(written).words if len(word.text) > 4]
