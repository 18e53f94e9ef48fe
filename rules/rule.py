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

    Values of `per` that are known on both sides are equal, and, if `alike` is given, the contents are at least that
    alike (0 to 1). `within` counts from the last sighting. A change of a value in `update_on` is an update.
    """

    per: tuple[str, ...] = ()
    alike: float | None = None
    within: timedelta = timedelta(days=7)
    update_on: tuple[str, ...] = ()


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
    once: Once = Once(alike=0.8)
    notify: tuple[str, ...] | None = None
    """Receivers by id; None: all of them."""
    examples: tuple[Example, ...] = ()
    file: str = ""
    line: int = 0
