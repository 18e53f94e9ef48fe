"""A rule as the service sees it: what it is called, who is told, and what counts as the same event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.conditions.base import Condition, TermList
    from rules.examples import Example

LEVELS = ("low", "medium", "high", "critical")
STATUSES = ("draft", "active", "deprecated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """When two findings tell of the same event.

    Values of `per` that are known on both sides are equal, and, if `alike` is given, what is said is at least that
    alike (0 to 1): of a statement or event what it says, of an ordinary condition without `per` what the articles are about.
    `within` counts from the last sighting. A change of a value in `update_on` is an update.

    That an event is called off, or that an article no longer says what was told of it, needs no entry there: of an event that was
    told it is always told.
    """

    per: tuple[str, ...] = ()
    alike: float | None = None
    within: timedelta = timedelta(days=7)
    update_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """Told only once so many articles that are no copies matched within a time; where `per` is given, of one value each."""

    at_least: int
    within: timedelta
    per: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """Told only when `times` as many articles matched within a time as do on average in as long a time of the baseline `against`."""

    times: float
    within: timedelta
    against: timedelta
    at_least: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Told once so many sources that do not copy one another report it. `single_source_level` is the level until then; left out, nobody is."""

    min_independent: int
    single_source_level: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A value read off the evidence: the first whose terms stand in the sentence; None where none does."""

    name: str
    values: tuple[tuple[str, TermList], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing to be told about. `version`: first 12 hex digits of the SHA-256 of what it means."""

    id: str
    title: str
    when: Condition
    version: str
    description: str = ""
    level: str = "medium"
    status: str = "active"
    tags: tuple[str, ...] = ()
    owner: str = ""
    references: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    once: Once = Once()
    frequency: Frequency | None = None
    spike: Spike | None = None
    silence: timedelta | None = None
    """Somebody is told when it matched nothing for so long, and when it does again."""
    sources: Sources | None = None
    notify: tuple[str, ...] | None = None
    """Receivers by id; None: all of them."""
    examples: tuple[Example, ...] = ()
    file: str = ""
    line: int = 0
