"""Lists of who: canonical names, what people write for them, contexts in which that does not count, and offices.

russian-state:
  Dmitry Peskov: [Peskov, Kremlin spokesman]
  Russia: {any: [Russia, Moscow], except: [The Moscow Times]}
  officials: {office: [foreign minister, ambassador], of: [Russia, Russian Foreign Ministry]}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rules.data import table
from rules.fold import Token, tokens
from rules.terms import Terms, terms


@dataclass(frozen=True, slots=True)
class Name:
    """One entry: the canonical name, what is written for it, and what around it takes it away."""

    name: str
    written: tuple[str, ...]
    besides: tuple[str, ...] = ()

    @property
    def person(self) -> bool:
        """Whether it names a person: several words, of which the last alone will do or nothing else is given."""
        last = self.name.split()[-1].casefold()
        alone = any(one.casefold() == last for one in self.written)
        return len(self.name.split()) > 1 and (alone or len(self.written) == 1)


@dataclass(frozen=True, slots=True)
class Office:
    """Whoever holds one of these offices of one of these states or institutions; the name comes out as written."""

    titles: tuple[str, ...]
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A name where it stands: a range of words."""

    lo: int
    hi: int
    name: Name


@dataclass(frozen=True)
class Names:
    """A list of who, ready to search."""

    names: tuple[Name, ...] = ()
    offices: tuple[Office, ...] = ()
    label: str = ""
    _by_term: dict[tuple[str, ...], Name] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def _terms(self) -> Terms:
        for one in self.names:
            for written in one.written:
                self._by_term.setdefault(tuple(word.word for word in tokens(written)), one)
        return terms(written for one in self.names for written in one.written)

    @cached_property
    def _besides(self) -> Terms:
        return terms(written for one in self.names for written in one.besides)

    @cached_property
    def titles(self) -> Terms:
        """Every title of every office."""
        return terms(title for office in self.offices for title in office.titles)

    @cached_property
    def states(self) -> Terms:
        """Every way to write what the offices are of, adjectives included."""
        demonyms = table("demonyms")
        written: list[str] = []
        for state in (one for office in self.offices for one in office.of):
            entry = next((name for name in self.names if name.name == state), None)
            written += [state, *(entry.written if entry else ()), *demonyms.get(state, ())]
        return terms(written)

    def search(self, words: Sequence[Token], lo: int = 0, hi: int | None = None) -> list[Found]:
        """Every name in words[lo:hi], the longest at each word; those inside an exception are left out."""
        hi = len(words) if hi is None else hi
        spans = self._terms.search(words, lo, hi)
        around = self._besides.search(words, max(0, lo - 6), min(len(words), hi + 6)) if self._besides.written else []
        found = []
        for a, b in spans:
            if any(x <= a and b <= y for x, y in around):
                continue
            name = self._entry(words, a, b)
            if name is not None:
                found.append(Found(a, b, name))
        return found

    def _entry(self, words: Sequence[Token], lo: int, hi: int) -> Name | None:
        exact = self._by_term.get(tuple(word.word for word in words[lo:hi]))
        if exact is not None:
            return exact
        loose = (one for one, written in self._each_apart if written.search(words, lo, hi))  # a prefix or a stem
        return next(loose, None)

    @cached_property
    def _each_apart(self) -> list[tuple[Name, Terms]]:
        return [(one, terms(one.written)) for one in self.names]

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether anybody on the list could be in a text with these folded words."""
        if self._terms.possible(vocabulary):
            return True
        return bool(self.offices) and self.titles.possible(vocabulary) and self.states.possible(vocabulary)
