"""What every condition is, and what it is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

from rules.evidence import Clause, Evidence
from rules.fold import Token
from rules.names import Found, Name, Names, Office
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec, unknown
from rules.terms import BadTerm, Terms, terms


class Condition(Protocol):
    """Something that can hold for an article, or for some of its sentences."""

    KEY: ClassVar[str]
    """The key that a rule writes."""

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """The condition from the value of its key; notes what is wrong and gives something usable in any case."""
        ...

    @classmethod
    def schema(cls) -> Json:
        """What the value of its key may be, as JSON Schema."""
        ...

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Why it holds within these sentences, or None."""
        ...

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The same answer told clause by clause, with why it does not hold and how near it came."""
        ...

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold for an article with these folded words: cheap, and never wrongly no."""
        ...

    def describe(self) -> str:
        """What it asks for, as the end of a sentence in plain English."""
        ...


def leaf(condition: Condition, evidence: Evidence | None, miss: Callable[[], tuple[str, float]]) -> Clause:
    """The clause of a condition without parts. `miss` says why it does not hold, and how near it came (0 to 1)."""
    why, near = ("", 1.0) if evidence is not None else miss()
    return Clause(says=condition.describe(), evidence=evidence, why=why, near=near)


@dataclass(frozen=True, slots=True)
class TermList:
    """Terms, and the contexts in which they do not count. `who` are names whose canonical form is to be captured."""

    terms: Terms
    besides: Terms = field(default_factory=Terms)
    who: Names | None = None
    label: str = ""

    def search(self, words: Sequence[Token], lo: int, hi: int) -> list[tuple[int, int]]:
        """Word spans of the terms in words[lo:hi], those inside an exception left out."""
        found = self.terms.search(words, lo, hi)
        if not found or not self.besides.written:
            return found
        around = self.besides.search(words, max(0, lo - 8), min(len(words), hi + 8))
        return [(a, b) for a, b in found if not any(x <= a and b <= y for x, y in around)]

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether any term could occur."""
        return self.terms.possible(vocabulary)

    def canonical(self, words: Sequence[Token], lo: int, hi: int) -> str | None:
        """The name that a list gives for these words, if they are a name of one."""
        found: list[Found] = self.who.search(words, lo, hi) if self.who else []
        return found[0].name.name if found else None

    def describe(self) -> str:
        """What they are called, or the first few of them."""
        return f"one of {self.label}" if self.label else one_of([f'"{word}"' for word in self.terms.written])


def one_of(words: Sequence[str], shown: int = 4) -> str:
    """ "a, b, c or 12 more"."""
    if len(words) > shown + 1:
        return ", ".join(words[:shown]) + f" or {len(words) - shown} more"
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition may refer to while it is read: the lists of all files, and which of them were used."""

    lists: Mapping[str, TermList | Names]
    used: set[str] = field(default_factory=set)

    def terms(self, spec: Spec) -> TermList:
        """Terms written out, `$list` references, or a mapping of `any:` and `except:`."""
        if isinstance(spec.value, dict):
            spec.only(("any", "except"))
            wanted, besides = spec.get("any"), spec.get("except")
            if wanted is None:
                spec.need("any", "the terms to look for")
                return TermList(Terms())
            inner = self.terms(wanted)
            return TermList(inner.terms, self.terms(besides).terms if besides else inner.besides, inner.who, inner.label)
        return self._gathered(spec)

    def _gathered(self, spec: Spec) -> TermList:
        written: list[str] = []
        besides: list[str] = []
        who: list[Name] = []
        for one in spec.each():
            text = one.string()
            if text.startswith("$"):
                found = self.list(one)
                if isinstance(found, Names):
                    written += [term for name in found.names for term in name.written]
                    besides += [term for name in found.names for term in name.besides]
                    who += found.names
                elif found is not None:
                    written += found.terms.written
                    besides += found.besides.written
                    who += found.who.names if found.who else ()
            elif usable(one, text):
                written.append(text)
        label = spec.value if isinstance(spec.value, str) and spec.value.startswith("$") else ""
        return TermList(terms(written), terms(besides), Names(tuple(who)) if who else None, label)

    def names(self, spec: Spec) -> Names | None:
        """A list of who by `$reference`; names written out count as a list too."""
        if isinstance(spec.value, str) and spec.value.startswith("$"):
            found = self.list(spec)
            if isinstance(found, TermList):
                spec.wrong(
                    f"{spec.value} is a list of terms; a speaker needs a list of names, written  name: [what people write]"
                )
                return None
            return found
        return names(spec, self)

    def list(self, spec: Spec) -> TermList | Names | None:
        """The list that a `$reference` names."""
        name = spec.string().removeprefix("$")
        if name not in self.lists:
            spec.wrong(unknown("list", name, self.lists) if self.lists else f"unknown list '{name}'; no lists are defined")
            return None
        self.used.add(name)
        return self.lists[name]


def usable(spec: Spec, text: str) -> bool:
    """Whether a text is a term; what is wrong with it is noted."""
    try:
        terms([text])
    except BadTerm as error:
        spec.wrong(str(error))
        return False
    return True


def names(spec: Spec, context: Context | None = None, label: str = "") -> Names | None:
    """A list of who, as written under `lists:`; `include:` among its names takes in other lists."""
    found: list[Name] = []
    offices: list[Office] = []
    if not isinstance(spec.value, dict):
        return Names(tuple(Name(one, (one,)) for one in _usable(spec)), label=label)
    for name, entry in spec.mapping().items():
        if name == "include" and context is not None:
            for one in entry.each():
                other = context.names(one)
                found += other.names if other else ()
                offices += other.offices if other else ()
        elif entry.get("office") is not None:
            entry.only(("office", "of"))
            office, of = entry.get("office"), entry.need("of", "the states or institutions whose offices these are")
            offices.append(Office(_usable(office), _usable(of)))
        elif isinstance(entry.value, dict):
            entry.only(("any", "except"))
            found.append(Name(name, _with_name(name, _usable(entry.get("any"))), _usable(entry.get("except"))))
        else:
            found.append(Name(name, _with_name(name, _usable(entry) if entry.value is not None else ())))
    return Names(tuple(found), tuple(offices), label)


def _with_name(name: str, written: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*written, name)))


def _usable(spec: Spec | None) -> tuple[str, ...]:
    return tuple(text for one in spec.each() if _nameable(one, text := one.string())) if spec else ()


def _nameable(spec: Spec, text: str) -> bool:
    """Whether a text can stand in a list of who; what is wrong with it is noted."""
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        spec.wrong("a regular expression cannot be a name: write out what people write")
        return False
    return usable(spec, text)
