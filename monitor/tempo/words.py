"""Numbers, lengths of time and names for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))
_RATES = {
    timedelta(minutes=1): "a minute",
    timedelta(hours=1): "an hour",
    timedelta(days=1): "a day",
    timedelta(days=7): "a week",
}
_NAMES = 3  # that are listed: a line stays a line
_LONGEST = 60


def length(span: timedelta) -> str:
    """A length of time in the largest unit that it is a whole number of: "1 h", "90 min"."""
    for unit, name in _UNITS:
        if span >= unit and not span % unit:
            return f"{span // unit} {name}"
    return f"{span.total_seconds():g} s"


def rate(span: timedelta) -> str:
    """What something is counted by: "an hour", "in 6 h"."""
    return _RATES.get(span) or f"in {length(span)}"


def nth(number: int) -> str:
    """ "1st", "2nd", "3rd", "11th"."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def figure(value: float) -> str:
    """A mean or a ratio, no more exact than it is worth: "4.2", "13", "0.05"."""
    if value < 0.01:
        return "less than 0.01" if value else "0"
    return f"{value:.1f}".removesuffix(".0") if value >= 1 else f"{value:.2g}"


def listed(names: Sequence[str]) -> str:
    """Names in a row, the first few of many: "tass, ap, bbc-world and 4 more"."""
    shown = ", ".join(name or "an unnamed source" for name in names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def short(value: str) -> str:
    """A value from outside, on one line and cut where it is long."""
    said = " ".join(value[: 4 * _LONGEST].split())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
