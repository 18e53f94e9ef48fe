"""How many of some conditions hold: `any`, `all`, `none`, `at_least`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rules import shape
from rules.conditions.base import Condition, Context
from rules.conditions.words import Words
from rules.evidence import Clause, Evidence
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec

Parse = Callable[[Spec, Context], Condition]

_PARTS: Json = {"$ref": "#/$defs/conditions"}


def parts(spec: Spec, context: Context) -> tuple[Condition, ...]:
    """The entries of a list: terms, `$lists` and nested conditions."""
    if isinstance(spec.value, list) and not spec.value:
        spec.wrong("an empty list never matches anything: add a term or remove it")
    return tuple(_one(entry, context) for entry in spec.each())


def _one(spec: Spec, context: Context) -> Condition:
    from rules.conditions import parse  # noqa: PLC0415 - conditions hold conditions

    nested = isinstance(spec.value, dict) and not set(spec.value) <= {"any", "except"}
    return parse(spec, context) if nested else Words.parse(spec, context)


def _enough(found: Sequence[Evidence], count: int) -> Evidence | None:
    return sum(found[1:], found[0]) if found and len(found) >= count else None


def _held(members: Sequence[Condition], reading: Reading, within: Sequence[Sentence]) -> list[Evidence]:
    return [evidence for part in members if (evidence := part.search(reading, within)) is not None]


def _said(part: Condition, outer: Condition) -> str:
    """A part in plain English, in brackets where "and" and "or" would otherwise run together."""
    said = part.describe()
    inner: object = part
    while hasattr(inner, "inner"):  # a scope around it
        inner = inner.inner
    several = isinstance(inner, Any | All | AtLeast) and len(inner.parts) > 1
    return f"({said})" if several and not (inner is part and type(part) is type(outer)) else said


def _explained(condition: Any | All | AtLeast, reading: Reading, within: Sequence[Sentence], count: int) -> Clause:
    clauses = tuple(part.explain(reading, within) for part in condition.parts)
    best = sorted((clause.near for clause in clauses), reverse=True)[: max(1, count)]
    evidence = condition.search(reading, within)
    held = sum(clause.holds for clause in clauses)
    why = "" if evidence is not None else f"{held} of {len(clauses)} hold, {count} {'is' if count == 1 else 'are'} needed"
    near = 1.0 if evidence is not None else sum(best) / max(1, count)
    return Clause(says=condition.describe(), evidence=evidence, why=why, near=min(near, 1.0), parts=clauses)


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of these holds.

    any: [flood*, {near: {terms: [river, burst], within: 5}}]
    """

    KEY: ClassVar[str] = "any"

    parts: tuple[Condition, ...]

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """A list of terms and conditions; terms by themselves are searched for together."""
        plain = [one for one in spec.each() if not isinstance(one.value, dict)]
        if plain and len(plain) == len(spec.each()):
            return cls((Words.parse(spec, context),))
        return cls(parts(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Terms and conditions."""
        return _PARTS

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of all that hold."""
        return _enough(_held(self.parts, reading, within), 1)

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """Each of them; a single one speaks for itself."""
        return self.parts[0].explain(reading, within) if len(self.parts) == 1 else _explained(self, reading, within, 1)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether any of them could hold."""
        return any(part.possible(vocabulary) for part in self.parts)

    def describe(self) -> str:
        """In plain English."""
        return " or ".join(_said(part, self) for part in self.parts)


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds. Keys side by side mean the same.

    all: [$weapons, $cities, {none: [exercise, drill]}]
    """

    KEY: ClassVar[str] = "all"

    parts: tuple[Condition, ...]

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """A list of terms and conditions."""
        return cls(parts(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Terms and conditions."""
        return _PARTS

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of all, if all hold."""
        return _enough(_held(self.parts, reading, within), len(self.parts))

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """Each of them."""
        return _explained(self, reading, within, len(self.parts))

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether all of them could hold."""
        return all(part.possible(vocabulary) for part in self.parts)

    def describe(self) -> str:
        """In plain English."""
        return " and ".join(_said(part, self) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Not one of these holds. `not` is another word for it.

    none: [exercise, drill, flood of applications]
    """

    KEY: ClassVar[str] = "none"

    parts: tuple[Condition, ...]

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """A list of terms and conditions, or one."""
        return cls(parts(spec, context))

    @classmethod
    def schema(cls) -> Json:
        """Terms and conditions."""
        return _PARTS

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Empty evidence, if none of them holds."""
        return None if any(part.search(reading, within) for part in self.parts) else Evidence()

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """What was found that should not be there."""
        found = _held(self.parts, reading, within)
        words = list(dict.fromkeys(hit.text for evidence in found for hit in evidence.hits))[:3]
        why = f"it is there: {', '.join(words)}" if words else "it holds" if found else ""
        return Clause(says=self.describe(), evidence=None if found else Evidence(), why=why, near=0.0 if found else 1.0)

    def possible(self, vocabulary: frozenset[str]) -> bool:  # noqa: ARG002 - the seam asks for it
        """Always: what is absent needs no words."""
        return True

    def describe(self) -> str:
        """In plain English."""
        said = [part.describe() for part in self.parts]
        if all(one.startswith("it says ") for one in said):
            return "it does not say " + " or ".join(one.removeprefix("it says ") for one in said)
        return f"it is not so that {said[0]}" if len(said) == 1 else "none of these holds: " + "; ".join(said)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least so many of these hold.

    at_least: {count: 2, of: [$weapons, $cities, $casualties]}
    """

    KEY: ClassVar[str] = "at_least"
    SHAPE: ClassVar[shape.Shape] = {
        "count": shape.Key(shape.whole(1, 100), "how many of them", default=1, required=True),
        "of": shape.Key(shape.Kind(parts, _PARTS), "the terms and conditions to count", default=(), required=True),
    }

    count: int
    parts: tuple[Condition, ...]

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{count: 2, of: […]}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        if values["count"] > len(values["of"]) > 0:
            spec.wrong(f"{values['count']} of {len(values['of'])} can never hold", key="count")
        return cls(values["count"], values["of"])

    @classmethod
    def schema(cls) -> Json:
        """`{count, of}`."""
        return shape.mapping(cls.SHAPE)

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """The evidence of those that hold, if they are enough."""
        return _enough(_held(self.parts, reading, within), self.count)

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """Each of them."""
        return _explained(self, reading, within, self.count)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether enough of them could hold."""
        return sum(part.possible(vocabulary) for part in self.parts) >= self.count

    def describe(self) -> str:
        """In plain English."""
        return f"at least {self.count} of these hold: " + "; ".join(part.describe() for part in self.parts)
