"""Makes the deliveries that are due: each receiver by itself, so that none is held up by another.

A sender claims as much as its receiver may be sent at once, and more as soon as one of them is done. Between two attempts nothing is in
memory: what is due, and whether the receiver's breaker lets it through, is read from the store each time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from monitor import breaker, policy
from monitor.errors import DeliveryFailed, MonitorError
from monitor.model import Again, Attempt, Delivery, GaveUp, Outcome, Receipt, Sent
from monitor.steps.unmetered import UNMETERED

if TYPE_CHECKING:
    from monitor.ports import Clock, Meter, Sink, Store

log = structlog.get_logger("monitor.steps")

LEASE = timedelta(seconds=60)
"""How long a delivery is ours: longer than an attempt may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What some attempts came to."""

    sent: int = 0
    again: int = 0
    gave_up: int = 0

    @property
    def attempts(self) -> int:
        """How many there were."""
        return self.sent + self.again + self.gave_up


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends to one receiver what is due. `jitter` gives a number from -1 to 1.

    `lease` has to be longer than an attempt may take; one that is not done when nine tenths of it are over has failed.
    """

    sink: Sink
    store: Store
    clock: Clock
    jitter: Callable[[], float]
    lease: timedelta = LEASE
    meter: Meter = UNMETERED
    done: Counter[type[Outcome]] = field(default_factory=Counter)
    """What all attempts came to."""
    refusal: MonitorError | None = None
    """What the store said last when it could not be read or written."""
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _unkept: list[tuple[Delivery, Outcome, Attempt]] = field(default_factory=list)
    """What came of attempts and could not be kept: all of it would be sent again, so nothing more is sent before it is."""
    _waking: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: bool = False
    _said: str = ""
    """What the store could not be read for, as it was logged last."""
    _end: BaseException | None = None
    """What is no error but the end of all."""

    async def run(self) -> None:
        """Sends what is due whenever it is woken, until closed; then waits for what is under way, which may be cancelled."""
        try:
            while not self._closing or self._under_way:
                await self._woken()
                await self._take()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def empty(self) -> None:
        """Sends what is due now, and what falls due by it, until there is nothing left."""
        while await self._take() or self._under_way:
            await self._woken()

    @property
    def behind(self) -> bool:
        """Whether something is still to be kept: it is not due, for it is under way."""
        return bool(self._unkept)

    def wake(self) -> None:
        """Something may be due."""
        self._waking.set()

    def close(self) -> None:
        """Starts nothing more."""
        self._closing = True
        self.wake()

    async def _woken(self) -> None:
        await self._waking.wait()
        self._waking.clear()
        if self._end is not None:
            raise self._end

    async def _take(self) -> int:
        """Starts as many deliveries as there is room for; how many."""
        if self._closing:
            return 0
        try:
            due = await self._claim()
        except MonitorError as error:  # a full disk, say; the next tick tries again
            self.refusal = error
            self._said = _told(error, self._said, sink=self.sink.id)
            return 0
        except Exception as error:  # noqa: BLE001 - a bug must not silence a receiver until the next start
            self._said = _told(error, self._said, sink=self.sink.id)
            return 0
        self._said = ""
        for delivery in due:
            task = asyncio.create_task(self._make(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._made)
        return len(due)

    async def _claim(self) -> list[Delivery]:
        await self._keep_up()
        now = self.clock()
        room = breaker.room(await self.store.breaker(self.sink.id), now, len(self._under_way), self.sink.at_once)
        return await self.store.claim(self.sink.id, now, self.lease, room.limit, probe=room.probe) if room else []

    def _made(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            self._end = self._end or task.exception()
        self.wake()  # there is room for another

    async def _make(self, delivery: Delivery) -> None:
        """One attempt and its outcome. What breaks here has lost nothing: the lease lapses, and it is made again."""
        try:
            attempt = await self._attempt(delivery)
            outcome = self._outcome(delivery, attempt)
            try:
                await self._settle(delivery, outcome, attempt)
            except MonitorError as error:
                self._unkept.append((delivery, outcome, attempt))
                self.refusal = error
                log.error("delivery not settled", sink=self.sink.id, alert=delivery.alert, error=str(error))  # noqa: TRY400 - as above
        except Exception:
            log.exception("delivery broke", sink=self.sink.id, alert=delivery.alert)

    async def _settle(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        await self.store.settle(delivery, outcome, attempt)
        self.done[type(outcome)] += 1
        self.meter.attempted(delivery, outcome, attempt)

    async def _keep_up(self) -> None:
        """Keeps what could not be kept before. Its lease may have lapsed: nobody else has claimed it meanwhile."""
        while self._unkept:
            try:
                await self._settle(*self._unkept[0])
            except MonitorError:
                await (
                    self.store.probe()
                )  # raises where nothing can be kept; else it is this one alone, and the others must not wait for it
                log.exception("outcome dropped", sink=self.sink.id, alert=self._unkept[0][0].alert)
            del self._unkept[0]

    async def _attempt(self, delivery: Delivery) -> Attempt:
        began = self.clock()
        started = asyncio.get_running_loop().time()  # durations do not depend on the time of day

        def attempt(**what: Any) -> Attempt:
            took = timedelta(seconds=asyncio.get_running_loop().time() - started)
            return Attempt(began=began, took=took, probe=delivery.probe, width=self.sink.at_once, **what)

        try:
            receipt = await self._send(delivery)
        except DeliveryFailed as error:
            reason = str(error) or type(error).__name__
            return attempt(trouble=error.kind, reason=reason, status=error.status, excerpt=error.excerpt, wait=error.wait)
        return attempt(status=receipt.status, excerpt=receipt.excerpt)

    async def _send(self, delivery: Delivery) -> Receipt:
        """What the receiver answered. A sink's bug costs the attempt and no more."""
        longest = 0.9 * self.lease.total_seconds()
        try:
            async with asyncio.timeout(longest):
                return await self.sink.send(delivery)
        except DeliveryFailed:
            raise
        except TimeoutError as error:
            raise DeliveryFailed(f"not done after {longest:.0f} s", kind="slow") from error
        except Exception as error:
            log.exception("sink broke", sink=self.sink.id, alert=delivery.alert)
            raise DeliveryFailed(f"broke: {type(error).__name__}", kind="ours") from error

    def _outcome(self, delivery: Delivery, attempt: Attempt) -> Outcome:
        outcome = policy.outcome(delivery, attempt, self.jitter())
        if isinstance(outcome, Sent):
            log.info("delivered", sink=self.sink.id, alert=delivery.alert)
            return outcome
        log.warning(
            "delivery failed",
            sink=self.sink.id,
            alert=delivery.alert,
            reason=attempt.reason,
            attempts=delivery.attempts,
            probe=delivery.probe,
            again=str(outcome.due) if isinstance(outcome, Again) else None,
        )
        return outcome


@dataclass(slots=True, kw_only=True)
class Senders:
    """A sender for each receiver, and who of them is to be woken."""

    senders: Mapping[str, Sender]
    store: Store
    clock: Clock
    _said: str = ""

    async def run(self) -> None:
        """Runs all of them, until closed."""
        await asyncio.gather(*(sender.run() for sender in self.senders.values()))

    async def look(self) -> None:
        """Wakes those that there is something to send for."""
        try:
            due = await self.store.due(self.senders.keys(), self.clock())
        except Exception as error:  # noqa: BLE001 - the next tick asks again
            self._said = _told(error, self._said)
            return
        self._said = ""
        for name, sender in self.senders.items():
            if name in due or sender.behind:
                sender.wake()

    def close(self) -> None:
        """Starts nothing more."""
        for sender in self.senders.values():
            sender.close()


def _told(error: Exception, said: str, **where: str) -> str:
    """Logs why nothing could be read, unless that was said last: not five times a second. What is to be remembered as said."""
    expected = isinstance(error, MonitorError)
    why = str(error) if expected else repr(error)
    if why != said:
        log.error("deliveries not read", error=why, **where, **({} if expected else {"exc_info": error}))
    return why


def senders(  # noqa: PLR0913 - all that it depends on, named
    sinks: Mapping[str, Sink],
    *,
    store: Store,
    clock: Clock,
    jitter: Callable[[], float],
    lease: timedelta = LEASE,
    meter: Meter = UNMETERED,
) -> Senders:
    """A sender for each of these receivers."""
    each = {
        name: Sender(sink=sink, store=store, clock=clock, jitter=jitter, lease=lease, meter=meter) for name, sink in sinks.items()
    }
    return Senders(senders=each, store=store, clock=clock)


async def deliver(
    sinks: Mapping[str, Sink], *, store: Store, clock: Clock, jitter: Callable[[], float], lease: timedelta = LEASE
) -> Delivered:
    """Makes the deliveries that are due, and those that fall due meanwhile by this clock; what all of it came to.

    Raises what the store refused, once all that could be made is made.
    """
    every = senders(sinks, store=store, clock=clock, jitter=jitter, lease=lease).senders.values()
    await asyncio.gather(*(sender.empty() for sender in every))
    if refused := next((sender.refusal for sender in every if sender.refusal), None):
        raise refused
    total = sum((sender.done for sender in every), Counter[type[Outcome]]())
    return Delivered(sent=total[Sent], again=total[Again], gave_up=total[GaveUp])
