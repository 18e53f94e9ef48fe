"""The fault catalogue of time: clocks that are set, a week of downtime, many sources on one host, a network that is down. Simulated.

F10, F55, F56 of the intake. Each guard is once switched off.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import fakenet
import pytest
from apscheduler.schedulers import base
from apscheduler.triggers import interval
from fakefeeds import DAY, HOUR, MINUTE, Clock, Receiver, answer, item, rss
from structlog.testing import capture_logs

from monitor import feeds, rhythm, schedule, steps
from monitor.app import daemon
from monitor.app.daemon import App
from monitor.config import Config, Watched
from monitor.errors import FetchFailed
from monitor.policy import Office, Route
from monitor.schedule import Schedule
from monitor.sources.feed import FeedSource
from monitor.steps import Bench
from monitor.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.wire import Response

SECOND = timedelta(seconds=1)
LOST = FetchFailed("cannot connect", kind="unreachable")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


async def parse(body: bytes, **about: Any) -> feeds.Parsed:
    """The real reader, in this process."""
    return feeds.parse(body, **about)


@dataclass
class Life:
    """The real wiring on a simulated clock. `down`: nobody can be reached. `asked`: who was asked, and when."""

    clock: Clock
    app: App = field(init=False)
    receiver: Receiver = field(default_factory=Receiver)
    store: MemoryStore = field(default_factory=MemoryStore)
    down: bool = False
    news: int = 0
    asked: list[tuple[datetime, str]] = field(default_factory=list)
    now_at: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        host = urlsplit(url).hostname or ""
        self.asked.append((self.clock.now, url))
        self.now_at[host] += 1
        self.most_at_once = max(self.most_at_once, *self.now_at.values())
        await asyncio.sleep(0)
        self.now_at[host] -= 1
        if self.down:
            raise LOST
        return answer(rss(item(f"{host}-{self.news}", date=self.clock.now)))

    def watch(self, addresses: Mapping[str, str], every: timedelta | None = 15 * MINUTE) -> Life:
        """Opens the app for these sources."""
        watched = tuple(Watched(id=name, place=url, every=every) for name, url in addresses.items())
        sources = {one.id: FeedSource(id=one.id, url=one.place, get=self.get, parse=parse, clock=self.clock) for one in watched}
        bench = Bench(store=self.store, match=self.match, rules={}, moment=lambda _: self.clock())
        self.app = App(
            config=Config(sources=watched),
            rules=None,  # type: ignore[arg-type]
            store=self.store,
            sources=sources,
            sinks={"desk": self.receiver},
            bench=bench,
            free=lambda _: True,
            office=Office(routes=[Route(id="desk", render=self.receiver.render)]),
            opened=self.clock(),
            checked=self.clock(),
        )
        return self

    async def match(self, articles: Any) -> list[Any]:
        return [[] for _ in articles]

    async def wake(self) -> None:
        """What `start` does, without its timers."""
        self.app.pending = set(self.app.sources) - await self.app._plan(self.clock())

    async def tick(self, slots: int = 50) -> list[str]:
        """One tick: what is due is visited, all at once."""
        claimed = await self.app.claim(slots)
        await asyncio.gather(*(self.app.ingest(source) for source in claimed))
        return claimed

    async def run(self, span: timedelta, step: timedelta = 10 * SECOND) -> None:
        """Ticks until a time has passed."""
        end = self.clock.now + span
        while self.clock.now < end:
            await self.tick()
            self.clock.now += step

    async def told(self) -> list[str]:
        """What was raised of sources."""
        return sorted(f"{one.article.source} {one.kind}" for one in await self.store.alerts(limit=1_000))


@pytest.fixture
def life(monkeypatch: pytest.MonkeyPatch) -> Life:
    clock = Clock()
    monkeypatch.setattr(daemon, "now", clock)
    return Life(clock)


def apart(count: int) -> dict[str, str]:
    """Sources, each on a host of its own."""
    return {f"s{n}": f"https://s{n}.example/feed" for n in range(count)}


def together(count: int) -> dict[str, str]:
    """Sources on one host."""
    return {f"s{n}": f"https://one.example/{n}" for n in range(count)}


# F55: one host.


async def test_a_thousand_sources_on_one_host_are_asked_one_at_a_time_and_all_of_them(life: Life) -> None:
    life.watch(together(1_000))
    await life.wake()
    life.clock.now += MINUTE  # all are due
    for _ in range(1_000):
        assert len(await life.tick()) == 1

    assert life.most_at_once == 1
    assert len({url for _, url in life.asked}) == len(life.asked) == 1_000


async def test_a_host_that_is_busy_or_wants_a_pause_is_not_asked(life: Life) -> None:
    life.watch(together(3))
    await life.wake()
    life.clock.now += MINUTE
    assert len(await life.app.claim(50)) == 1
    assert await life.app.claim(50) == []  # the first is under way
    await life.store.release()
    life.app.free = lambda _: False
    assert await life.app.claim(50) == []


async def test_if_each_source_counted_as_a_host_they_would_be_asked_at_once(life: Life) -> None:
    life.watch(together(40))
    life.app.hosts = {source: source for source in life.app.sources}
    await life.wake()
    life.clock.now += MINUTE
    await life.tick()
    assert life.most_at_once > 20


# F56: after a week.


async def week_later(life: Life, count: int) -> datetime:
    """A monitor that ran, was down for a week, and is back."""
    life.watch(apart(count))
    await life.wake()
    await life.run(HOUR)
    life.clock.now += 7 * DAY
    life.watch({one.id: one.place for one in life.app.config.sources})
    life.asked.clear()
    life.news += 1
    return life.clock.now


def peak(life: Life, window: timedelta) -> int:
    """The most requests within so long."""
    times = [at for at, _ in life.asked]
    return max(sum(start <= at < start + window for at in times) for start in set(times))


async def test_after_a_week_of_downtime_all_are_asked_within_an_interval_at_twice_the_usual_rate_at_most(life: Life) -> None:
    began = await week_later(life, 300)
    await life.wake()
    await life.run(20 * MINUTE)

    usual = 300 / 15  # a minute
    first = {url: at for at, url in reversed(life.asked)}
    assert len(first) == 300
    assert max(first.values()) - began <= 15 * MINUTE * 1.05 + MINUTE
    assert peak(life, MINUTE) <= 2 * usual


async def test_without_the_spread_all_would_be_asked_at_once(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythm, "spread", lambda *_: {})
    await week_later(life, 300)
    await life.wake()
    await life.run(2 * MINUTE)
    assert peak(life, MINUTE) == 300


# F10: the clock is set.


@pytest.mark.parametrize("back", [DAY, 365 * DAY])
async def test_a_clock_set_back_while_running_freezes_no_source(life: Life, back: timedelta) -> None:
    life.watch(apart(10))
    await life.wake()
    await life.run(HOUR)
    life.asked.clear()
    life.clock.now -= back
    await life.run(20 * MINUTE)

    assert {url for _, url in life.asked} == set(apart(10).values())
    assert len(life.asked) <= 30  # the first at once, and then as often as ever
    assert await life.told() == []


async def test_a_clock_set_back_during_a_visit_freezes_no_source(life: Life) -> None:
    life.watch(apart(3))
    await life.wake()
    life.clock.now += MINUTE
    claimed = await life.app.claim(50)
    life.clock.now -= DAY
    await asyncio.gather(*(life.app.ingest(source) for source in claimed))
    life.asked.clear()
    await life.run(20 * MINUTE)
    assert {url for _, url in life.asked} == set(apart(3).values())


async def test_if_nobody_noticed_sources_would_be_frozen_for_as_long(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "BACK", 1_000 * DAY)
    life.watch(apart(10))
    await life.wake()
    await life.run(HOUR)
    life.asked.clear()
    life.clock.now -= DAY
    await life.run(HOUR)
    assert life.asked == []


async def test_a_clock_that_jumps_ahead_makes_each_source_due_once_and_spread(life: Life) -> None:
    life.watch(apart(300))
    await life.wake()
    await life.run(HOUR)
    life.asked.clear()
    life.clock.now += DAY
    await life.run(14 * MINUTE)

    assert max(Counter(url for _, url in life.asked).values()) == 1
    assert peak(life, MINUTE) <= 40


async def test_if_nobody_noticed_all_would_be_asked_at_once(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "AHEAD", 1_000 * DAY)
    life.watch(apart(300))
    await life.wake()
    await life.run(HOUR)
    life.asked.clear()
    life.clock.now += DAY
    await life.run(2 * MINUTE)
    assert peak(life, MINUTE) == 300


async def test_the_scheduler_wakes_though_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ticks_after_a_day_back(monkeypatch) > 0


async def test_unless_it_is_wound_it_sleeps_until_the_day_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "STANDSTILL", 10**9)
    assert await ticks_after_a_day_back(monkeypatch) == 0


async def ticks_after_a_day_back(monkeypatch: pytest.MonkeyPatch) -> int:
    """Ticks of a real scheduler within a minute after its clock was set back by a day."""
    wall = Wall.ticking(monkeypatch)
    loop, ticks = fakenet.Clock(), 0

    async def claim(_: int) -> list[str]:
        nonlocal ticks
        ticks += 1
        return []

    async def nothing(*_: object) -> Any:
        return 0

    running = Schedule(
        claim=claim,
        ingest=nothing,
        senders=steps.senders({}, store=MemoryStore(), clock=Clock(), jitter=lambda: 0.0),
        refill=nothing,
        tidy=nothing,
    )
    running.start()
    await pass_(loop, wall, 3)
    assert ticks > 1
    wall.ahead, ticks = -DAY, 0
    await pass_(loop, wall, 60)
    await running.drain(1, asyncio.Event())
    return ticks


async def pass_(loop: fakenet.Clock, wall: type[Wall], seconds: int) -> None:
    """Both clocks go on."""
    for _ in range(seconds):
        wall.ahead += SECOND
        await loop.jump(1)


class Wall(dt.datetime):
    """The scheduler's wall clock, which can be set."""

    ahead = timedelta(0)

    @classmethod
    def ticking(cls, monkeypatch: pytest.MonkeyPatch) -> type[Wall]:
        monkeypatch.setattr(cls, "ahead", timedelta(0))
        for module in (base, interval):
            monkeypatch.setattr(module, "datetime", cls)
        return cls

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return dt.datetime.now(tz) + cls.ahead


# Our own network is down.


async def test_when_our_network_is_down_no_source_is_blamed_and_afterwards_all_are_asked_soon(life: Life) -> None:
    life.watch(apart(30))
    await life.wake()
    await life.run(HOUR)
    life.down = True
    await life.run(DAY, MINUTE)
    visits = await life.store.visits()
    assert max(visit.failures for visit in visits) <= 1  # the first of them, before it was clear
    assert await life.told() == []

    life.down = False
    life.news += 1
    life.asked.clear()
    back = life.clock.now
    await life.run(15 * MINUTE)
    first = {url: at for at, url in reversed(life.asked)}
    assert len(first) == 30
    assert max(first.values()) - back <= 5 * MINUTE + 10 * SECOND
    assert await life.told() == []
    assert {(visit.failures, visit.trouble) for visit in await life.store.visits()} == {(0, None)}


async def test_if_nobody_suspected_our_network_there_would_be_a_storm_of_alerts(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "offline", lambda _: False)
    life.watch(apart(30))
    await life.wake()
    await life.run(HOUR)
    life.down = True
    await life.run(DAY, MINUTE)
    assert await life.told() == sorted(f"s{n} silent" for n in range(30))
