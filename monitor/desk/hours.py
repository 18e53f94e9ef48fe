"""The clocks on people's walls, and what they are in UTC.

Where clocks are put forward, what falls into the hour that is left out comes at its end; where they are put back, a time that comes
twice counts the first time, and a window that ends with it ends the second time. So nothing fires twice or not at all, and whenever a
clock shows a time within a window, it is within the window.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.cron import Cron
    from rules.receivers import Mute, Receiver

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_WINDOWS = 32
"""Windows that may follow one upon the other; with more of them it is told in between."""


def next_digest(receiver: Receiver, after: datetime) -> datetime:
    """When its digest is sent next, after that time; a receiver without one has it at once."""
    return _next(receiver.digest.at, receiver.digest.zone, after) if receiver.digest else after


def daily_due(receiver: Receiver, last: datetime | None, at: datetime) -> datetime | None:
    """The latest time up to `at` at which it was to be told that all is well, unless that is not after `last`."""
    if receiver.daily is None:
        return None
    found, due = None, _next(receiver.daily.at, receiver.daily.zone, max(last or at - 2 * _DAY, at - 2 * _DAY))
    while due <= at:
        found, due = due, _next(receiver.daily.at, receiver.daily.zone, due)
    return found


def muted_until(receiver: Receiver, at: datetime, level: str) -> datetime | None:
    """The end of the window in which it is not told of that level now, and of those that follow at once; None: it is told."""
    until = at
    windows = [one for one in receiver.mute if level not in one.excepted]
    for _ in range(_WINDOWS):
        ends = [end for window in windows if (end := _end(window, until))]
        if not ends:
            break
        until = max(ends)
    return until if until > at else None


def _end(window: Mute, at: datetime) -> datetime | None:
    """The end of a window, where that time lies within it."""
    today = at.astimezone(window.zone).date()
    ends = (_within(window, day, at) for day in (today - _DAY, today) if day.weekday() in window.days)
    return max((end for end in ends if end), default=None)


def _within(window: Mute, day: date, at: datetime) -> datetime | None:
    start = datetime.combine(day, window.start)
    end = datetime.combine(day if window.start < window.end else day + _DAY, window.end)
    until = instant(end, window.zone, again=True)
    return until if instant(start, window.zone) <= at < until else None


def _next(cron: Cron, zone: tzinfo, after: datetime) -> datetime:
    """The first of the times after `after`. A clock that was put back shows times again that have been."""
    wall = after.astimezone(zone).replace(tzinfo=None)
    while (found := instant(wall := cron.after(wall), zone)) <= after:
        pass
    return found


def instant(wall: datetime, zone: tzinfo, *, again: bool = False) -> datetime:
    """When a clock in that zone shows it, in UTC; `again`: for the last time. One that it never shows: when it has jumped over it."""
    at = wall.replace(tzinfo=zone, fold=again).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return at
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return _jump(early, late, zone)


def _jump(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """When the clock is put forward between two times, to the second."""
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + ((late - early) // 2 // _SECOND) * _SECOND
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    return late


def shown(at: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """A time as a clock in that zone shows it, with the date where that is another day than now."""
    there = at.astimezone(zone)
    day = "" if there.date() == now.astimezone(zone).date() else f"{there:%Y-%m-%d} "
    return f"{day}{there:%H:%M} {zone}"
