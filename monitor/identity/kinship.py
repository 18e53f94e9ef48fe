"""How well a finding fits an event: what both know, and how alike they are; and the same in words for people.

Where a rule tells events apart by what was said, or by values, the contents are compared: two statements of one man on one day are two.
Where it does not (an ordinary condition, without `once.per`), what the articles are about is: reports of one event share few sentences.
The longer nothing was heard of an event, the more alike an article has to be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.identity.gist import alike
from monitor.identity.profile import Profile, resemblance

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import Event
    from rules import Finding, Once

ALIKE = 0.5
"""How alike contents are where a value that tells events apart is missing, or the article is a copy."""

SAID = 0.6
"""How alike contents are where a rule gives neither values nor a likeness."""

ABOUT = 0.31
"""How alike articles are where a rule gives neither, and an ordinary condition found them: 1.27 alerts an event, and 1.9 % of events
without any (benchmarks/events.py)."""

FADE = 0.7
"""Likeness of articles that is lost by the end of `within`, steadily."""

LONGEST = 60
"""Characters of a value that are shown in a reason."""

Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class View:
    """A finding or an event, as far as telling events apart goes."""

    values: Values
    content: str
    profile: Profile = field(default_factory=dict)
    """What its article is about; empty: only its content is to be compared."""
    kept: float = 1.0
    """The part of its likeness to others that time has left."""


def values(finding: Finding) -> dict[str, str | None]:
    """Labels and captures together; a capture goes before a label of its name. The content is kept apart."""
    both = {**finding.labels, **finding.captures}
    both.pop("content", None)
    return both


def content(finding: Finding) -> str:
    """What likeness is measured on: what was said, where the finding knows, else its sentence."""
    return finding.captures.get("content") or finding.text


def is_ordinary(finding: Finding, once: Once) -> bool:
    """Whether nothing but what its article is about tells the finding's event from others."""
    return not once.per and not finding.captures.get("content")


def seen(event: Event, once: Once, at: datetime, *, whole: bool) -> View:
    """An event as it looks at a time; `whole`: with what its article is about."""
    age = max(0.0, (at - event.seen) / once.within) if once.within else 0.0
    return View(event.values, event.content, event.profile if whole else {}, 1 - FADE * min(1.0, age))


def likeness(one: View, other: View) -> float:
    """How alike two are, 0 to 1."""
    if one.profile and other.profile:
        return resemblance(one.profile, other.profile) * other.kept
    return alike(one.content, other.content)


def kinship(once: Once, mine: View, other: View, ceiling: float = math.inf) -> tuple[int, float] | None:
    """Equal values and likeness of two that tell of one event; None of two that do not. No more is asked than `ceiling`."""
    bar = _bar(once, mine, other)
    if bar > 1:
        return None
    share = likeness(mine, other)
    return (len(equal(once, mine.values, other.values)), share) if share >= min(bar, ceiling) else None


def equal(once: Once, mine: Values, theirs: Values) -> list[str]:
    """The names of `once.per` whose values both know and agree on."""
    return [name for name in once.per if (one := fold(mine.get(name))) and one == fold(theirs.get(name))]


def differing(once: Once, mine: Values, theirs: Values) -> list[str]:
    """The names of `once.per` whose values both know and do not agree on."""
    pairs = [(name, fold(mine.get(name)), fold(theirs.get(name))) for name in once.per]
    return [name for name, one, other in pairs if one and other and one != other]


def fold(value: str | None) -> str:
    """A value as it is compared: its case and white space do not count."""
    return " ".join((value or "").casefold().split())


def together(once: Once, mine: View, other: View) -> str:
    """What makes them one event: "same place (Malta), alike 0.71"."""
    same = [f"same {name} ({_shown(mine.values.get(name))})" for name in equal(once, mine.values, other.values)]
    return ", ".join([*same, f"alike {_down(likeness(mine, other))}"])


def apart(once: Once, mine: View, other: View) -> str:
    """What makes them two, said of the other one: "names another place (Oslo)", "is alike 0.31, and 0.80 is asked for"."""
    if names := differing(once, mine.values, other.values):
        return f"names another {names[0]} ({_shown(other.values.get(names[0]))})"
    return f"is alike {_down(likeness(mine, other))}, and {_bar(once, mine, other):.2f} is asked for"


def _bar(once: Once, mine: View, other: View) -> float:
    """How alike they have to be: infinitely where a value differs.

    A value that neither side knows asks for its share of likeness only: two reports of talks in one place on one day are of one
    event, though neither counts the rounds.
    """
    if once.alike is None and not once.per:
        return ABOUT if mine.profile and other.profile else SAID
    if differing(once, mine.values, other.values):
        return math.inf
    if once.alike is not None:
        return once.alike
    pairs = [(mine.values.get(name), other.values.get(name)) for name in once.per]
    if any(bool(one) != bool(theirs) for one, theirs in pairs):
        return ALIKE
    return ALIKE * sum(not one for one, _ in pairs) / len(pairs)


def _down(share: float) -> str:
    """Rounded down, so that 0.799 is not said to be the 0.80 that it fails."""
    return f"{math.floor(100 * share) / 100:.2f}"


def _shown(value: str | None) -> str:
    said = " ".join((value or "").split())
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
