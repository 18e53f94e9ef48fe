"""The circuit breaker of a receiver: when it is sent nothing but a probe, when it is asked again, how the backlog drains. Pure.

Five failures in a row open it; that one alert is refused again, as it was before, is none of them. Then one delivery is tried now and
then, and counts as no attempt, however long the outage lasts. The first that is taken closes it: all that waits is due at once, four at
a time, one more with each that is taken. After five days without one success, or a 410, it is disabled: what waits is parked until
somebody enables it, or it has a new address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import Attempt, Breaker

FAILURES = 5
"""Failures in a row that open it."""

PROBES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
"""The wait before each probe; the last one again and again."""

LOST = timedelta(hours=120)
"""Without one success for so long, it is disabled."""

PROBED = 1_000
"""Probes that have to fail, too: a machine that slept for a week has not tried for a week."""

DRAIN = 4
"""Deliveries that are under way at once when it has just closed."""

WIDEST = 64

DAY = timedelta(days=1)

OWN_FAULT = frozenset({400, 413, 415, 422, 552, 554})
"""Statuses of HTTP and SMTP by which a receiver that is well refuses one alert: tried again and again, a few such would open it."""

OVERLOADED = ("asked-to-wait", "slow")
"""Failures that say that it is sent too much at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many further deliveries may be claimed. `probe`: the one that shows whether it is back."""

    limit: int
    probe: bool = False


def room(breaker: Breaker, now: datetime, under_way: int, at_once: int) -> Room | None:
    """What may be sent now, `under_way` being under way already; None: nothing."""
    if breaker.state == "disabled" or (breaker.due is not None and now < breaker.due):
        return None
    if breaker.state == "open":
        return None if under_way else Room(limit=1, probe=True)
    free = min(breaker.width, at_once) - under_way
    return Room(limit=free) if free > 0 else None


def after(breaker: Breaker, attempt: Attempt, *, again: bool = False) -> Breaker:
    """The breaker after one more attempt. `again`: at a delivery that was tried before; refused once more, it says nothing new."""
    if again and attempt.status in OWN_FAULT and attempt.trouble is not None and not attempt.probe:
        return breaker
    return _worked(breaker, attempt) if attempt.trouble is None else _failed(breaker, attempt)


def _worked(breaker: Breaker, attempt: Attempt) -> Breaker:
    """What was under way already when it was disabled, or asked for a rest, takes neither back."""
    if breaker.state == "disabled":
        return breaker
    closed = breaker.state == "closed"
    rests = closed and breaker.due is not None and attempt.ended < breaker.due
    width = breaker.width + 1 if closed else DRAIN
    return Breaker(sink=breaker.sink, width=min(width, WIDEST), due=breaker.due if rests else None, address=breaker.address)


def _failed(breaker: Breaker, attempt: Attempt) -> Breaker:
    """As above: why it was disabled, and since when, stays as it was."""
    if breaker.state == "disabled":
        return breaker
    failures, since, probes = breaker.failures + 1, breaker.since or attempt.ended, breaker.probes + attempt.probe
    disabled = attempt.trouble == "gone" or (probes >= PROBED and attempt.ended - since >= LOST)
    opened = breaker.state == "open" or failures >= FAILURES
    overloaded = attempt.trouble in OVERLOADED
    return replace(
        breaker,
        state="disabled" if disabled else "open" if opened else "closed",
        failures=failures,
        since=since,
        probes=probes,
        due=None if disabled else max(_waits(breaker, attempt, opened=opened), default=None),
        width=max(1, min(breaker.width, attempt.width) // 2) if overloaded else breaker.width,
        reason=attempt.reason,
    )


def _waits(breaker: Breaker, attempt: Attempt, *, opened: bool) -> Iterator[datetime]:
    """All that says when to try again. What was under way already when it opened does not put the probe off."""
    if breaker.due is not None:
        yield breaker.due
    if attempt.wait:
        yield attempt.ended + min(attempt.wait, DAY)
    if opened and (attempt.probe or breaker.state == "closed"):
        yield attempt.ended + PROBES[min(breaker.probes + attempt.probe, len(PROBES) - 1)]


def started(breaker: Breaker, address: str, now: datetime) -> Breaker:
    """The breaker as a monitor starts: anew at a new address, else as it was, but an open one is tried at once."""
    if breaker.address != address:
        return Breaker(sink=breaker.sink, address=address) if breaker.address else replace(breaker, address=address)
    return replace(breaker, due=now) if breaker.state == "open" else breaker


def enabled(breaker: Breaker) -> Breaker:
    """The breaker of a receiver that somebody says is well; what waits starts to flow as after an outage."""
    return Breaker(sink=breaker.sink, width=DRAIN, address=breaker.address)


def moved(breaker: Breaker, by: timedelta, latest: datetime) -> Breaker:
    """The breaker where the clock was set ahead by so much; nothing is put off beyond `latest`."""
    due = min(breaker.due + by, latest) if breaker.due else None
    return replace(breaker, due=due, since=breaker.since + by if breaker.since else None)
