"""Makes the deliveries that are due."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import policy
from monitor.errors import DeliveryFailed
from monitor.model import (
    Again,
    Delivery,
    GaveUp,
    Outcome,
    Sent,
)

if TYPE_CHECKING:
    from monitor.ports import Clock, Sink, Store

log = structlog.get_logger("monitor.steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round of deliveries came to."""

    sent: int = 0
    again: int = 0
    gave_up: int = 0

    @property
    def attempts(self) -> int:
        """How many deliveries were due."""
        return self.sent + self.again + self.gave_up


async def deliver(  # noqa: PLR0913 - all that it depends on, named
    *,
    store: Store,
    sinks: Mapping[str, Sink],
    clock: Clock,
    jitter: Callable[[], float],
    lease: timedelta,
    limit: int,
) -> Delivered:
    """Makes up to `limit` deliveries that are due, all at once, each on its own, and settles each as soon as it is known.

    `jitter` gives a number from -1 to 1. `lease` has to be longer than an attempt may take; one that is not done when nine tenths
    of it are over has failed.
    """

    async def one(delivery: Delivery) -> Outcome:
        outcome = await _attempt(delivery, sinks.get(delivery.sink), clock, jitter, 0.9 * lease)
        await store.settle(delivery, outcome)
        return outcome

    due = await store.claim(clock(), lease, limit)
    outcomes = await asyncio.gather(*map(one, due), return_exceptions=True)  # what breaks one must not cut the others short
    result = _tally(outcomes)
    if due:
        log.info("delivered", sent=result.sent, again=result.again, gave_up=result.gave_up)
    return result


async def _attempt(
    delivery: Delivery, sink: Sink | None, clock: Clock, jitter: Callable[[], float], longest: timedelta
) -> Outcome:
    failure = await _failure(delivery, sink, longest)
    if failure is None:
        return Sent(clock())
    outcome = policy.after_failure(delivery.attempts, failure, clock(), jitter())
    again = str(outcome.due) if isinstance(outcome, Again) else None
    log.warning(
        "delivery failed",
        sink=delivery.sink,
        alert=delivery.alert,
        reason=outcome.reason,
        attempts=delivery.attempts,
        again=again,
    )
    return outcome


async def _failure(delivery: Delivery, sink: Sink | None, longest: timedelta) -> DeliveryFailed | None:
    """What went wrong with an attempt, or nothing. A sink's bug costs the attempt and no more."""
    if sink is None:  # may be a slip in the configuration: it has as long to be mended as any failure
        return DeliveryFailed(f"no receiver is called '{delivery.sink}'")
    try:
        async with asyncio.timeout(longest.total_seconds()):
            await sink.send(delivery)
    except DeliveryFailed as error:
        return error
    except TimeoutError:
        return DeliveryFailed(f"not done after {longest.total_seconds():.0f} s")
    except Exception as error:
        log.exception("sink broke", sink=delivery.sink, alert=delivery.alert)
        return DeliveryFailed(f"broke: {type(error).__name__}")
    return None


def _tally(outcomes: Sequence[Outcome | BaseException]) -> Delivered:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    kinds = Counter(type(outcome) for outcome in outcomes)
    return Delivered(sent=kinds[Sent], again=kinds[Again], gave_up=kinds[GaveUp])
