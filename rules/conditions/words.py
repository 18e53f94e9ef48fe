"""Conditions made of words, and of other conditions: `any`, `all`, `none`, `at_least`, `near`, and the scopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.conditions.base import Condition, Context, TermList
from rules.evidence import Evidence, Hit
from rules.reading import Reading, Sentence
from rules.spec import Spec

Parse = Callable[[Spec, Context], Condition]


@dataclass(frozen=True, slots=True)
class Words:
    """Any of some terms, anywhere in the scope."""

    terms: TermList

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Every place where one of the terms stands."""
        if not self.possible(reading.vocabulary):
            return None
        hits: list[Hit] = []
        for one in within:
            hits += [one.section.hit(lo, hi) for lo, hi in self.terms.search(one.section.words, one.lo, one.hi)]
            hits += [one.section.stretch(a, b) for a, b in self.terms.terms.in_text(one.section.text, one.start, one.end)]
        return Evidence(hits=tuple(sorted(set(hits)))) if hits else None

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether any term could occur."""
        return self.terms.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"it says {self.terms.describe()}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least so many of some conditions hold; `any` is one of them, `all` is every one."""

    count: int
    parts: tuple[Condition, ...]

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of those that hold, if they are enough."""
        found = [evidence for part in self.parts if (evidence := part.search(reading, within)) is not None]
        return sum(found[1:], found[0]) if found and len(found) >= self.count else None

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether enough of them could hold."""
        return sum(part.possible(vocabulary) for part in self.parts) >= self.count

    def describe(self) -> str:
        """In plain English."""
        if len(self.parts) == 1:
            return self.parts[0].describe()
        said = [part.describe() for part in self.parts]
        if self.count == len(said):
            return " and ".join(said)
        lead = "" if self.count == 1 else f"at least {self.count} of these: "
        return lead + " or ".join(said)


@dataclass(frozen=True, slots=True)
class Without:
    """None of some conditions hold; the evidence is empty."""

    parts: tuple[Condition, ...]

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Empty evidence, if none of them holds."""
        return None if any(part.search(reading, within) for part in self.parts) else Evidence()

    def possible(self, vocabulary: frozenset[str]) -> bool:  # noqa: ARG002 - the seam asks for it
        """Always: what is absent needs no words."""
        return True

    def describe(self) -> str:
        """In plain English."""
        return "not (" + " or ".join(part.describe() for part in self.parts) + ")"


@dataclass(frozen=True, slots=True)
class Near:
    """Terms of every group within so many words of each other, in one sentence; in this order if `ordered`."""

    groups: tuple[TermList, ...]
    within_words: int
    ordered: bool = False

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The first such place of each sentence."""
        if not self.possible(reading.vocabulary):
            return None
        hits: list[Hit] = []
        for one in within:
            found = [group.search(one.section.words, one.lo, one.hi) for group in self.groups]
            hits += [one.section.hit(lo, hi) for lo, hi in self._closest(found)]
        return Evidence(hits=tuple(hits)) if hits else None

    def _closest(self, found: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
        for first in found[0]:
            chosen = [first]
            for spans in found[1:]:
                last = chosen[-1]
                near = [s for s in spans if self._gap(last, s) <= self.within_words and not (self.ordered and s[0] < last[1])]
                if not near:
                    break
                chosen.append(min(near, key=lambda s: self._gap(last, s)))
            else:
                return chosen
        return []

    @staticmethod
    def _gap(a: tuple[int, int], b: tuple[int, int]) -> int:
        """How many words stand between two spans; spans that overlap are not near, they are the same."""
        if a[0] < b[1] and b[0] < a[1]:
            return 1 << 30
        return b[0] - a[1] if b[0] >= a[1] else a[0] - b[1]

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether every group could occur."""
        return all(group.possible(vocabulary) for group in self.groups)

    def describe(self) -> str:
        """In plain English."""
        order = " in this order" if self.ordered else ""
        return f"within {self.within_words} words{order}: " + " and ".join(group.describe() for group in self.groups)


@dataclass(frozen=True, slots=True)
class Part:
    """A condition that must hold in one part of the article: title, lead (first three sentences) or body."""

    name: str
    inner: Condition

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence found there."""
        return self.inner.search(reading, [one for one in within if _IN[self.name](one, reading)])

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in the {self.name}, {self.inner.describe()}"


_LEAD = 3
_IN: dict[str, Callable[[Sentence, Reading], bool]] = {
    "title": lambda one, reading: one.is_title or (one.number == 0 and bool(reading.article.title)),
    "lead": lambda one, reading: one.number <= _LEAD if reading.sentences[0].is_title else one.number < _LEAD,
    "body": lambda one, _: not one.is_title,
}


@dataclass(frozen=True, slots=True)
class Each:
    """A condition that must hold within one sentence, one paragraph, or inside quotation marks."""

    name: str
    inner: Condition

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of every one in which it holds."""
        found = [evidence for group in self._groups(within) if (evidence := self.inner.search(reading, group)) is not None]
        if self.name == "quote":
            found = [kept for evidence in found if (kept := _quoted_only(evidence, within)) is not None]
        return sum(found[1:], found[0]) if found else None

    def _groups(self, within: Sequence[Sentence]) -> list[list[Sentence]]:
        groups: dict[tuple[str, int], list[Sentence]] = {}
        for one in within:
            groups.setdefault((one.section.field, one.paragraph if self.name == "paragraph" else one.number), []).append(one)
        return list(groups.values())

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold at all."""
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        return f"in one {self.name}, {self.inner.describe()}"


def _quoted_only(evidence: Evidence, within: Sequence[Sentence]) -> Evidence | None:
    quotes = {one.section.field: one.section.quotes for one in within}
    hits = tuple(h for h in evidence.hits if any(a <= h.start and h.end <= b for a, b in quotes.get(h.field, ())))
    return Evidence(hits=hits, findings=evidence.findings) if hits or evidence.findings else None


def parts(spec: Spec, context: Context, condition: Parse) -> tuple[Condition, ...]:
    """The entries of `any`, `all`, `none`: terms, `$lists` and nested conditions; neighbouring terms of `any` stay together."""
    found: list[Condition] = []
    for one in spec.each():
        nested = isinstance(one.value, dict) and not set(one.value) <= {"any", "except"}
        found.append(condition(one, context) if nested else Words(context.terms(one)))
    if not found:
        spec.wrong("an empty list never matches anything: add a term or remove it")
    return tuple(found)


def near(spec: Spec, context: Context) -> Condition:
    """`near: {terms: [[…], […]], within: 5, ordered: true}`."""
    spec.only(("terms", "within", "ordered"))
    groups, within, ordered = spec.need("terms", "two or more groups of terms"), spec.get("within"), spec.get("ordered")
    lists = [context.terms(one) for one in groups.items()] if groups else []
    if groups and len(lists) < 2:
        groups.wrong("near needs at least two terms, or groups of terms")
    return Near(tuple(lists), within.whole(1, 100) if within else 5, ordered.boolean() if ordered else False)
