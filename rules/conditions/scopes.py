"""Where a condition must hold: `title`, `lead`, `body`, `sentence`, `paragraph`, `quote`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from rules.conditions.base import Condition, Context
from rules.evidence import Clause, Evidence
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec

LEAD = 3
"""How many sentences after the title make the lead."""

_INNER: Json = {"$ref": "#/$defs/condition"}
Group = list[Sentence]


def _inner(spec: Spec, context: Context) -> Condition:
    from rules.conditions import parse  # noqa: PLC0415 - conditions hold conditions

    return parse(spec, context)


def _told(where: str, clause: Clause) -> Clause:
    return replace(clause, says=f"{where}, {clause.says}")


@dataclass(frozen=True, slots=True)
class Title:
    """It holds in the headline.

    title: [breaking, urgent]
    """

    KEY: ClassVar[str] = "title"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    def _part(self, reading: Reading, within: Sequence[Sentence]) -> Group:
        """The title; where it is read as the body's first sentence, that one."""
        titles = [one for one in within if one.is_title]
        return titles or [one for one in within if one.number == 0 and reading.title_in_body]

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence found there."""
        return self.inner.search(reading, self._part(reading, within))

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The inner condition, there."""
        return _told("in the title", self.inner.explain(reading, self._part(reading, within)))

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in the title, {self.inner.describe()}"


@dataclass(frozen=True, slots=True)
class Lead:
    """It holds in the title or the first three sentences.

    lead: {all: [$company, [profit warning, loss]]}
    """

    KEY: ClassVar[str] = "lead"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    @staticmethod
    def _part(reading: Reading, within: Sequence[Sentence]) -> Group:
        titles = sum(one.is_title for one in reading.sentences)
        return [one for one in within if one.number < titles + LEAD]

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence found there."""
        return self.inner.search(reading, self._part(reading, within))

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The inner condition, there."""
        return _told("in the lead", self.inner.explain(reading, self._part(reading, within)))

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in the lead, {self.inner.describe()}"


@dataclass(frozen=True, slots=True)
class Body:
    """It holds below the headline.

    body: {none: [opinion, editorial]}
    """

    KEY: ClassVar[str] = "body"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence found there."""
        return self.inner.search(reading, [one for one in within if not one.is_title])

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The inner condition, there."""
        return _told("in the body", self.inner.explain(reading, [one for one in within if not one.is_title]))

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in the body, {self.inner.describe()}"


def _each(inner: Condition, reading: Reading, groups: Sequence[Group]) -> Evidence | None:
    """The evidence of every group in which the condition holds."""
    found = [evidence for group in groups if (evidence := inner.search(reading, group)) is not None]
    return sum(found[1:], found[0]) if found else None


def _nearest(inner: Condition, reading: Reading, groups: Sequence[Group], where: str) -> Clause:
    """The condition in the group in which it holds, or comes nearest."""
    clauses = [inner.explain(reading, group) for group in groups] or [inner.explain(reading, [])]
    best = max(range(len(clauses)), key=lambda n: (clauses[n].near, -n))
    clause = _told(where, clauses[best])
    shown = " ".join(groups[best][0].text.split())[:120] if groups else ""
    return clause if clause.holds or not shown else replace(clause, why=f"{clause.why}; nearest: “{shown}”")


@dataclass(frozen=True, slots=True)
class InSentence:
    """It holds within one sentence.

    sentence: {all: [[missile*, drone*], [Odesa, Kharkiv]]}
    """

    KEY: ClassVar[str] = "sentence"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of every sentence in which it holds."""
        return _each(self.inner, reading, [[one] for one in within]) if self.possible(reading.vocabulary) else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The sentence in which it holds, or comes nearest."""
        return _nearest(self.inner, reading, [[one] for one in within], "in one sentence")

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in one sentence, {self.inner.describe()}"


@dataclass(frozen=True, slots=True)
class InParagraph:
    """It holds within one paragraph.

    paragraph: {all: [$ministers, resign*]}
    """

    KEY: ClassVar[str] = "paragraph"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    @staticmethod
    def _groups(within: Sequence[Sentence]) -> list[Group]:
        groups: dict[tuple[str, int], Group] = {}
        for one in within:
            groups.setdefault((one.section.field, one.paragraph), []).append(one)
        return list(groups.values())

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of every paragraph in which it holds."""
        return _each(self.inner, reading, self._groups(within)) if self.possible(reading.vocabulary) else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The paragraph in which it holds, or comes nearest."""
        return _nearest(self.inner, reading, self._groups(within), "in one paragraph")

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in one paragraph, {self.inner.describe()}"


@dataclass(frozen=True, slots=True)
class InQuote:
    """It holds inside quotation marks, in one sentence.

    quote: [never again, red line]
    """

    KEY: ClassVar[str] = "quote"

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    @staticmethod
    def _groups(within: Sequence[Sentence]) -> list[Group]:
        """The quoted stretches of each sentence, as sentences of their own."""
        return [[stretch] for one in within for stretch in _quoted(one)]

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of every quotation in which it holds."""
        return _each(self.inner, reading, self._groups(within)) if self.possible(reading.vocabulary) else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The quotation in which it holds, or comes nearest."""
        return _nearest(self.inner, reading, self._groups(within), "in a quotation")

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in a quotation, {self.inner.describe()}"


def _quoted(one: Sentence) -> list[Sentence]:
    """The stretches of a sentence that stand in quotation marks."""
    flags = one.section.quoted
    found = []
    lo = one.lo
    while lo < one.hi:
        hi = lo
        while hi < one.hi and flags[hi]:
            hi += 1
        if hi > lo:
            words = one.section.words
            found.append(replace(one, lo=lo, hi=hi, start=words[lo].start, end=words[hi - 1].end))
        lo = max(hi, lo) + 1
    return found
