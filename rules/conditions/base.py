"""What every condition is, and what it is handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rules.evidence import Evidence
from rules.fold import Token
from rules.names import Names
from rules.reading import Reading, Sentence
from rules.spec import Spec
from rules.terms import BadTerm, Terms, terms


class Condition(Protocol):
    """Something that can hold for an article, or for some of its sentences."""

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """Why it holds within these sentences, or None."""
        ...

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether it could hold for an article with these folded words: cheap, and never wrongly no."""
        ...

    def describe(self) -> str:
        """What it asks for, as the end of a sentence in plain English."""
        ...


@dataclass(frozen=True, slots=True)
class TermList:
    """Terms, and the contexts in which they do not count."""

    terms: Terms
    besides: Terms = field(default_factory=Terms)

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

    def describe(self) -> str:
        """The first few of them."""
        return one_of(self.terms.written)


def one_of(words: Sequence[str], shown: int = 4) -> str:
    """ "a, b, c or 12 more"."""
    if len(words) > shown + 1:
        return ", ".join(words[:shown]) + f" or {len(words) - shown} more"
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition may refer to while it is read: the lists of all files."""

    lists: Mapping[str, TermList | Names]

    def terms(self, spec: Spec) -> TermList:
        """Terms written out, `$list` references, or a mapping of `any:` and `except:`."""
        if isinstance(spec.value, dict):
            spec.only(("any", "except"))
            wanted, besides = spec.get("any"), spec.get("except")
            if wanted is None:
                spec.need("any", "the terms to look for")
                return TermList(Terms())
            inner = self.terms(wanted)
            return TermList(inner.terms, self.terms(besides).terms if besides else inner.besides)
        written: list[str] = []
        besides_written: list[str] = []
        for one in spec.each():
            text = one.string()
            if text.startswith("$"):
                found = self.list(one)
                if isinstance(found, Names):
                    written += [term for name in found.names for term in name.written]
                    besides_written += [term for name in found.names for term in name.besides]
                elif found is not None:
                    written += found.terms.written
                    besides_written += found.besides.written
            elif self._usable(one, text):
                written.append(text)
        return TermList(terms(written), terms(besides_written))

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
        return names(spec)

    def list(self, spec: Spec) -> TermList | Names | None:
        """The list that a `$reference` names."""
        from rules.spec import unknown  # noqa: PLC0415 - only for the message

        name = spec.string().removeprefix("$")
        if name not in self.lists:
            spec.wrong(unknown("list", name, self.lists) if self.lists else f"unknown list '{name}'; no lists are defined")
            return None
        return self.lists[name]

    @staticmethod
    def _usable(spec: Spec, text: str) -> bool:
        try:
            terms([text])
        except BadTerm as error:
            spec.wrong(str(error))
            return False
        return True


def names(spec: Spec) -> Names | None:
    """A list of who, as written under `lists:`."""
    from rules.names import Name, Office  # noqa: PLC0415 - keeps the import graph of this module small

    found: list[Name] = []
    offices: list[Office] = []
    if not isinstance(spec.value, dict):
        found = [Name(one.string(), (one.string(),)) for one in spec.each() if one.string()]
        return Names(tuple(found))
    for name, entry in spec.mapping().items():
        if isinstance(entry.value, dict) and entry.get("office") is not None:
            entry.only(("office", "of"))
            of = entry.need("of", "the states or institutions whose offices these are")
            offices.append(Office(tuple(_checked(entry.value["office"])), tuple(_checked(of)) if of else ()))
        elif isinstance(entry.value, dict):
            entry.only(("any", "except"))
            written, besides = entry.get("any"), entry.get("except")
            found.append(
                Name(name, _with_name(name, _checked(written) if written else []), tuple(_checked(besides) if besides else ()))
            )
        else:
            found.append(Name(name, _with_name(name, _checked(entry) if entry.value is not None else [])))
    return Names(tuple(found), tuple(offices))


def _with_name(name: str, written: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*written, name)))


def _checked(spec: Spec) -> list[str]:
    usable = []
    for one in spec.each():
        text = one.string()
        try:
            terms([text])
        except BadTerm as error:
            one.wrong(str(error))
            continue
        usable.append(text)
    return usable
