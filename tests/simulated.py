"""Days in a moment: an event loop whose time jumps to whatever is due next, and receivers that behave as a test says, hour by hour.

Nothing waits for real but for the thread of the real store; while that works, time stands still. If nothing is due any more and
somebody still waits, the loop says so instead of hanging: a lost wake-up is a failed test.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from monitor import steps
from monitor.errors import DeliveryFailed, Refused
from monitor.model import Alert, Delivery, Receipt, Visit
from monitor.stores import open_store
from rules import Article

T = TypeVar("T")

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = 0.2
"""As the schedule's."""
IDLE = 60.0
"""Seconds between looks where the store cannot say what is due next, for something overdue stands before it."""

# Time


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: where the loop would, its time jumps."""

    jump: Callable[[float | None], bool]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        return ready if ready or timeout == 0 or self.jump(timeout) else super().select()


class Jumping(asyncio.SelectorEventLoop):
    """A loop whose time jumps, but not while a thread is at work."""

    def __init__(self) -> None:
        self.passed, self.at_work = 0.0, 0
        selector = _Selector()
        selector.jump = self._jump
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def _jump(self, timeout: float | None) -> bool:
        if self.at_work:
            return False
        assert timeout is not None, "somebody waits, and nothing is ever due"
        self.passed += timeout
        return True

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        self.at_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self.at_work -= 1


def simulated(scenario: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end, in no time."""
    with asyncio.Runner(loop_factory=Jumping) as runner:
        return runner.run(scenario)


@dataclass
class Clock:
    """The time of day: it goes with the loop's time, and can be set."""

    set_by: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return NOON + self.set_by + timedelta(seconds=asyncio.get_running_loop().time())


# Receivers

Behaviour = Callable[[datetime, Delivery], Awaitable[None]]
"""Takes a delivery, after a while perhaps, or raises."""


def http(status: int, wait: timedelta | None = None) -> DeliveryFailed:
    """What the egress makes of this answer."""
    if status == 410:
        return Refused("HTTP 410", kind="gone", status=410)
    return DeliveryFailed(f"HTTP {status}", kind="asked-to-wait" if status in (429, 503) else "http", status=status, wait=wait)


def unreachable() -> DeliveryFailed:
    return DeliveryFailed("cannot connect", kind="unreachable")


@dataclass
class Receiver:
    """Takes what it is sent in `takes` seconds, unless `behave` raises. `asked` and `took`: when it was asked what, and what it took."""

    id: str
    clock: Callable[[], datetime]
    behave: Behaviour | None = None
    takes: float = 0.0
    at_once: int = 8
    asked: list[tuple[datetime, Delivery]] = field(default_factory=list)
    took: dict[str, datetime] = field(default_factory=dict)
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    most: int = 0

    def render(self, alert: Alert) -> bytes:
        return f"{alert.id} {alert.title}".encode()

    async def send(self, delivery: Delivery) -> Receipt:
        self.asked.append((self.clock(), delivery))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.behave:
                await self.behave(self.clock(), delivery)
            if self.takes:
                await asyncio.sleep(self.takes)
        finally:
            self.under_way -= 1
        self.took.setdefault(delivery.alert, self.clock())
        self.bodies.setdefault(delivery.alert, set()).add(delivery.body)
        self.times[delivery.alert] += 1
        return Receipt(status=200)


def down(start: datetime, until: datetime, error: Callable[[], Exception] = unreachable) -> Behaviour:
    """Fails between these times."""

    async def behave(now: datetime, _: Delivery) -> None:
        if start <= now < until:
            raise error()

    return behave


def poison(*alerts: str) -> Behaviour:
    """Refuses these, always."""

    async def behave(_: datetime, delivery: Delivery) -> None:
        if delivery.alert in alerts:
            raise http(400)

    return behave


async def hanging(*_: object) -> None:
    """Never answers."""
    await asyncio.get_running_loop().create_future()


# Alerts


def an_alert(name: str, at: datetime, title: str = "Talks") -> Alert:
    return Alert(
        id=name, kind="new", rule="talks", rule_title="Talks", level="high", version="1", tags=(), title=title,
        article=Article(id=name, title=title), first_seen=at, raised=at, sightings=(),
    )  # fmt: skip


# The world


@dataclass
class World:
    """A store, receivers and their senders on one simulated clock. `jitter` as in policy."""

    store: Any
    receivers: Sequence[Receiver]
    clock: Callable[[], datetime]
    jitter: Callable[[], float] = lambda: 0.0
    lease: timedelta = steps.LEASE
    idle: float = IDLE
    senders: steps.Senders = field(init=False)
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def open(self) -> World:
        """Starts the senders."""
        sinks = {one.id: one for one in self.receivers}
        self.senders = steps.senders(sinks, store=self.store, clock=self.clock, jitter=self.jitter, lease=self.lease)
        self.running = [asyncio.ensure_future(self.senders.run())]
        return self

    async def close(self) -> None:
        """Stops them, once what is under way is done."""
        self.senders.close()
        await asyncio.gather(*self.running)
        self.running = []

    async def kill(self) -> None:
        """Stops them as a crash would, and voids their leases as the next start does."""
        for task in self.running:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self.running)
        self.running = []
        await self.store.release()

    async def raises(self, count: int, *sinks: str, prefix: str = "a", apart: timedelta = timedelta(0)) -> list[str]:
        """So many alerts for these receivers (or all), raised this far apart, the last one now; their ids, oldest first."""
        names = [f"{prefix}{n:05}" for n in range(count)]
        times = [self.clock() - (count - 1 - n) * apart for n in range(count)]
        alerts = [an_alert(name, at) for name, at in zip(names, times, strict=True)]
        told = [one for one in self.receivers if one.id in (sinks or [one.id])]
        deliveries = [
            Delivery(alert=alert.id, sink=one.id, body=one.render(alert), due=at)
            for alert, at in zip(alerts, times, strict=True)
            for one in told
        ]
        await self.store.visited(Visit(source="paper", at=self.clock(), due=self.clock()), alerts, deliveries)
        return names

    async def until(self, end: datetime | Callable[[], bool], most: timedelta = 30 * DAY) -> None:
        """Looks at what is due as the schedule does, until this time, or until something holds."""
        last = self.clock() + most
        while not (end() if callable(end) else self.clock() >= end):
            assert self.clock() < last, "it never came to that"
            await self.senders.look()
            await asyncio.sleep(TICK)  # for those that were woken
            await asyncio.sleep(await self._rest(None if callable(end) else end))

    async def _rest(self, end: datetime | None) -> float:
        """Seconds to the tick after which something falls due."""
        now = self.clock()
        breakers = await self.store.breakers()
        times = [one.due for one in breakers if one.state != "disabled"]
        stopped = {one.sink for one in breakers if one.state != "closed"} >= {one.id for one in self.receivers}
        due = None if stopped else await self.store.next_due()
        later = [(at - now).total_seconds() for at in (due, end, *times) if at is not None and at > now]
        overdue = due is not None and due <= now
        wait: float = min([self.idle, *later] if overdue or not later else later)
        return -(-wait // TICK) * TICK


async def opened(kind: str, path: Any) -> Any:
    """A store of this kind; not one that the power may fail, which would take its time."""
    store: Any = await open_store(f"{kind}:{path}")
    if kind == "sqlite":
        await store._run(lambda: store._db.conn.execute("PRAGMA synchronous = OFF").close())
    return store
