"""Times that come again, as a line of a crontab has them: "0 7 * * mon-fri", or "07:00" for every day.

Minute, hour, day of the month, month, weekday, as cron reads them: 0 and 7 are Sunday, and where both kinds of day are limited,
either will do. (APScheduler's `from_crontab` counts weekdays from Monday and wants both.) The times are those that a clock on the
wall shows; what they are in UTC is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_YEARS = 9 * 366  # days in which even 29 February comes, across a century without a leap day
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {
    "month": {name: at for at, name in enumerate(_MONTHS, 1)},
    "weekday": {name: (at + 1) % 7 for at, name in enumerate(WEEKDAYS)},
}
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/([0-9]{1,2}))?\Z", re.ASCII)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """When something is due; `text` as it was written. At least one time in nine years is among them."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool = False
    """Both kinds of day are limited, and one of them is enough."""

    def after(self, wall: datetime) -> datetime:
        """The first time after `wall`; neither has a zone."""
        later = wall.replace(second=0, microsecond=0, fold=0) + _MINUTE
        for day in (later.date() + n * _DAY for n in range(_YEARS)):
            if self._falls_on(day) and (found := self._first(day, later)):
                return found
        raise AssertionError(f"{self.text} never comes")  # `parse` refuses such a one

    def _falls_on(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and ((of_month or of_week) if self.either else (of_month and of_week))

    def _first(self, day: date, later: datetime) -> datetime | None:
        times = (datetime.combine(day, time(hour, minute)) for hour in self.hours for minute in self.minutes)
        return next((at for at in times if at >= later), None)


def clock(text: str) -> time | None:
    """A time of day such as 07:00; None: it is none."""
    found = _CLOCK.match(text)
    return time(int(found[1]), int(found[2])) if found else None


def parse(text: str) -> Cron:
    """The times that a text stands for. Raises ValueError, saying what is wrong with it."""
    daily = clock(text.strip())
    parts = [str(daily.minute), str(daily.hour), "*", "*", "*"] if daily else text.lower().split()
    if len(parts) != len(_FIELDS):
        raise ValueError('expected a time of day such as "07:00", or minute, hour, day, month and weekday: "0 7 * * mon-fri"')
    minutes, hours, days, months, weekdays = (
        {value for one in part.split(",") for value in _values(one, *field)} for part, field in zip(parts, _FIELDS, strict=True)
    )
    either = not parts[2].startswith("*") and not parts[4].startswith("*")
    if not either and not any(min(days) <= _LONGEST_MONTH[month - 1] for month in months):
        raise ValueError("that day never comes")
    return Cron(
        text=text,
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays),
        either=either,
    )


def _values(part: str, field: str, low: int, high: int) -> range:
    """What one part of a field stands for: *, */5, 3, mon, 1-5, 8-18/2."""
    found = _PART.match(part)
    if not found:
        raise ValueError(f"'{part[:20]}' is no {field}: expected such as *, {low}, {low}-{high} or */2")
    whole, first, last, step = found.groups()
    start = low if whole else _value(first, field, low, high)
    end = _value(last, field, low, high) if last else start if first and not step else high - (field == "weekday")
    if field == "weekday" and end == 0 < start:
        end = 7  # fri-sun
    if start > end or step == "0":
        raise ValueError(f"'{part[:20]}' holds no {field}: it goes from {low} up to {high}")
    return range(start, end + 1, int(step or 1))


def _value(word: str, field: str, low: int, high: int) -> int:
    value = _NAMES.get(field, {}).get(word, int(word) if word.isdigit() and len(word) < 3 else -1)
    if not low <= value <= high:
        raise ValueError(f"'{word[:20]}' is no {field}: it goes from {low} to {high}")
    return value
