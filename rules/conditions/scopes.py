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


@dataclass(frozen=True, slots=True)
class Scope:
    """What the scopes share: the inner condition is asked group by group, and a scope says which sentences make a group."""

    KEY: ClassVar[str]
    WHERE: ClassVar[str]
    MANY: ClassVar[bool] = True
    """Whether there may be several groups, of which an explanation shows the nearest."""

    inner: Condition

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """Any condition."""
        return cls(_inner(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Any condition."""
        return _INNER

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:
        """The groups of sentences in one of which the condition must hold."""
        raise NotImplementedError

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of every group in which it holds."""
        if not self.possible(reading.vocabulary):
            return None
        found = [one for group in self.groups(reading, within) if (one := self.inner.search(reading, group)) is not None]
        return sum(found[1:], found[0]) if found else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The inner condition in the group in which it holds, or comes nearest."""
        groups = self.groups(reading, within)
        clauses = [self.inner.explain(reading, group) for group in groups] or [self.inner.explain(reading, [])]
        best = max(range(len(clauses)), key=lambda n: (clauses[n].near, -n))
        clause = replace(clauses[best], says=f"{self.WHERE}, {clauses[best].says}")
        shown = " ".join(groups[best][0].text.split())[:120] if self.MANY and groups and groups[best] else ""
        return clause if clause.holds or not shown else replace(clause, why=f"{clause.why}; nearest: “{shown}”")

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"{self.WHERE}, {self.inner.describe()}"


@dataclass(frozen=True, slots=True)
class Title(Scope):
    """It holds in the headline.

    title: [breaking, urgent]
    """

    KEY: ClassVar[str] = "title"
    WHERE: ClassVar[str] = "in the title"
    MANY: ClassVar[bool] = False

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:
        """The title; where it is read as the body's first sentence, that one."""
        titles = [one for one in within if one.is_title]
        return [titles or [one for one in within if one.number == 0 and reading.title_in_body]]


@dataclass(frozen=True, slots=True)
class Lead(Scope):
    """It holds in the title or the first three sentences.

    lead: {all: [$company, [profit warning, loss]]}
    """

    KEY: ClassVar[str] = "lead"
    WHERE: ClassVar[str] = "in the lead"
    MANY: ClassVar[bool] = False

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:
        """The title and the first sentences after it."""
        titles = sum(one.is_title for one in reading.sentences)
        return [[one for one in within if one.number < titles + LEAD]]


@dataclass(frozen=True, slots=True)
class Body(Scope):
    """It holds below the headline.

    body: {none: [opinion, editorial]}
    """

    KEY: ClassVar[str] = "body"
    WHERE: ClassVar[str] = "in the body"
    MANY: ClassVar[bool] = False

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:  # noqa: ARG002 - the others ask it
        """All but the title."""
        return [[one for one in within if not one.is_title]]


@dataclass(frozen=True, slots=True)
class InSentence(Scope):
    """It holds within one sentence.

    sentence: {all: [[missile*, drone*], [Odesa, Kharkiv]]}
    """

    KEY: ClassVar[str] = "sentence"
    WHERE: ClassVar[str] = "in one sentence"

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:  # noqa: ARG002 - the others ask it
        """Each sentence."""
        return [[one] for one in within]


@dataclass(frozen=True, slots=True)
class InParagraph(Scope):
    """It holds within one paragraph.

    paragraph: {all: [$ministers, resign*]}
    """

    KEY: ClassVar[str] = "paragraph"
    WHERE: ClassVar[str] = "in one paragraph"

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:  # noqa: ARG002 - the others ask it
        """The sentences of each paragraph."""
        found: dict[tuple[str, int], Group] = {}
        for one in within:
            found.setdefault((one.section.field, one.paragraph), []).append(one)
        return list(found.values())


@dataclass(frozen=True, slots=True)
class InQuote(Scope):
    """It holds inside quotation marks, in one sentence.

    quote: [never again, red line]
    """

    KEY: ClassVar[str] = "quote"
    WHERE: ClassVar[str] = "in a quotation"

    def groups(self, reading: Reading, within: Sequence[Sentence]) -> list[Group]:  # noqa: ARG002 - the others ask it
        """The quoted stretches of each sentence, as sentences of their own."""
        return [[stretch] for one in within for stretch in _quoted(one)]


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
