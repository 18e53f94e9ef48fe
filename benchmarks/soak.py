"""A week of a monitor in minutes: does it grow?

    PYTHONPATH=. python benchmarks/soak.py [--days 7] [--sources 500] [--json]

The real steps, rhythm, rules, parsers and SQLite store in one process, on a simulated clock that jumps from one source that is due
to the next; feeds are made up, and so is the receiver, which refuses one delivery in twenty. Parsing and matching, which the daemon
does in workers that it replaces now and then, are done here, so that whatever they leak counts. After each day: memory after a full
collection, what the caches hold, the size of the store. The slope is that of the memory from the second day on; goal: at most 1 MB a day.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import heapq
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import structlog
from farm_faults import TYPES
from farm_text import FORMATS, SHOWN, Channel, entry, stock

import rules
from monitor import feeds, steps
from monitor.app import memory
from monitor.errors import DeliveryFailed, FetchFailed
from monitor.model import Alert, Delivery, Original, Receipt
from monitor.policy import Office, Route
from monitor.ports import Source, Store
from monitor.sources.feed import FeedSource
from monitor.steps import Bench, Round
from monitor.stores import open_store
from monitor.wire import Response
from rules import Article, Match, RuleSet

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 11, 1, tzinfo=UTC)
SIZES = (20_000, 60_000, 120_000)
A_DAY = (1.0, 4.0, 12.0, 30.0)
"""Articles that a source brings a day."""
ALERTS = 0.02
FAILS = 0.02
REFUSES = 0.05
LEASE = timedelta(minutes=15)
TIDY = timedelta(hours=1)
KEPT = timedelta(days=3)
"""How long articles are kept: less than the soak takes, so that pruning is part of it."""
GOAL = 1.0


@dataclass(slots=True)
class Clock:
    """What time it is."""

    at: datetime = START

    def __call__(self) -> datetime:
        """Now."""
        return self.at


@dataclass(slots=True, kw_only=True)
class Publisher:
    """One made-up feed that grows with the clock."""

    channel: Channel
    gap: timedelta
    """Between two articles, on average."""
    size: int
    stock: Sequence[str]
    next: datetime
    number: int = 0

    def grow(self, now: datetime, chance: Random) -> None:
        """Publishes all that is due."""
        while self.next <= now:
            self.publish(self.next, chance, alerts=chance.random() < ALERTS)
            self.next += self.gap * chance.expovariate(1.0) + timedelta(seconds=1)

    def publish(self, when: datetime, chance: Random, *, alerts: bool) -> None:
        """One more article."""
        self.number += 1
        made = entry(chance, f"{self.number}", self.stock, self.size // SHOWN, when, alerts=alerts)
        self.channel.entries.append(made)


@dataclass(slots=True)
class Web:
    """All feeds by address, as `Get` asks for them."""

    clock: Clock
    chance: Random
    publishers: dict[str, Publisher] = field(default_factory=dict)
    asked: int = 0

    async def __call__(self, url: str, *, headers: Mapping[str, str]) -> Response:
        """The feed, 304 where it is known, or now and then nothing at all."""
        self.asked += 1
        if self.chance.random() < FAILS:
            raise FetchFailed("nobody listens", kind="unreachable")
        one = self.publishers[url]
        one.grow(self.clock(), self.chance)
        tag = f'"{one.number}"'
        if headers.get("If-None-Match") == tag:
            return Response(status=304, url=url, headers={"etag": tag})
        return Response(
            status=200, url=url, headers={"etag": tag, "content-type": TYPES[one.channel.format]}, body=one.channel.render()
        )


@dataclass(slots=True)
class Receiver:
    """A sink that refuses now and then."""

    chance: Random
    id: str = "desk"
    at_once: int = 8
    taken: int = 0

    def render(self, alert: Alert) -> bytes:
        """A few bytes."""
        return json.dumps({"id": alert.id, "title": alert.title}).encode()

    async def send(self, _delivery: Delivery) -> Receipt:
        """Takes it, mostly."""
        if self.chance.random() < REFUSES:
            raise DeliveryFailed("busy")
        self.taken += 1
        return Receipt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How things stood after a day."""

    day: int
    memory: float
    """Megabytes that are resident."""
    cached: int
    """Results that functions remember."""
    objects: int
    articles: int
    alerts: int
    file: float
    """Megabytes of the store."""
    visits: int
    seconds: float


async def main() -> int:
    """Runs the soak and prints a line a day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        days = await soak(Path(folder), days=given.days, sources=given.sources, seed=given.seed, tell=not given.json)
    report = judged(days)
    print(json.dumps({"days": [asdict(day) for day in days], **report}) if given.json else told(report))
    return 0


def quiet() -> None:
    """No log: a week of it says little."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def soak(folder: Path, *, days: int, sources: int, seed: int = 1, tell: bool = False) -> list[Day]:
    """So many days of so many sources."""
    began, path, found = time.monotonic(), folder / "soak.db", []
    store = await open_store(f"sqlite:{path}", sole=True)
    try:
        place = town(sources, seed, store)
        for number in range(1, days + 1):
            await place.live_until(START + timedelta(days=number))
            found.append(await stood(number, place, path, time.monotonic() - began))
            if tell:
                print(line(found[-1]), flush=True)
    finally:
        await store.close()
    return found


def town(number: int, seed: int, store: Store) -> Town:
    """Sources that have been there for long, and a monitor that has never seen them."""
    chance, clock = Random(seed), Clock()  # noqa: S311 - made-up news
    web = Web(clock, chance)
    paragraphs = stock(chance, 2_000)
    found: dict[str, Source] = {}
    for at in range(number):
        url = f"http://news-{at}.example/feed"
        gap = timedelta(days=1) / chance.choice(A_DAY)
        channel = Channel(url=f"http://news-{at}.example", format=chance.choice(FORMATS), name=f"News {at}")
        one = Publisher(channel=channel, gap=gap, size=chance.choice(SIZES), stock=paragraphs, next=START + gap * chance.random())
        for age in range(SHOWN, 0, -1):
            one.publish(START - gap * age, chance, alerts=False)
        web.publishers[url] = one
        found[f"news-{at}"] = FeedSource(id=f"news-{at}", url=url, get=web, parse=_parse, clock=clock)
    return Town(store=store, clock=clock, web=web, sources=found, desk=Receiver(chance), ruleset=_shipped())


def _shipped() -> RuleSet:
    return rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")


async def _parse(
    body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
) -> feeds.Parsed:
    return feeds.parse(body, source=source, url=url, headers=headers, known=known)


@dataclass(slots=True, kw_only=True)
class Town:
    """A monitor and the world that it watches, on one clock."""

    store: Store
    clock: Clock
    web: Web
    sources: Mapping[str, Source]
    desk: Receiver
    ruleset: RuleSet
    due: list[tuple[datetime, str]] = field(default_factory=list)
    tidied: datetime = START

    async def live_until(self, end: datetime) -> None:
        """Visits whatever is due, one source after the other, until then."""
        if not self.due:
            self.due = [(START + timedelta(seconds=at), source) for at, source in enumerate(self.sources)]
        while self.due[0][0] < end:
            when, source = heapq.heappop(self.due)
            self.clock.at = max(self.clock.at, when)
            await self.visit(source)
            if self.clock.at - self.tidied >= TIDY:
                await self.tidy()
        self.clock.at = max(self.clock.at, end)

    async def visit(self, source: str) -> None:
        """One visit, as the daemon makes it, and the deliveries that follow."""
        claimed = await self.store.claim_sources({source: source}, self.clock(), LEASE, 1)
        assert claimed == [source], f"{source} was due and could not be had"
        visit = await steps.ingest(self.sources[source], self.round())
        assert visit.due > self.clock(), f"{source} is due at once, for ever"
        heapq.heappush(self.due, (visit.due, source))
        if await self.store.next_due() is not None:
            await self.deliver()

    def round(self) -> Round:
        """What a visit takes."""
        return Round(store=self.store, accept=self.accept, clock=self.clock, office=Office(routes=self.routes()))

    def routes(self) -> list[Route]:
        """The one receiver."""
        return [Route(id=self.desk.id, render=self.desk.render)]

    def bench(self) -> Bench:
        """What examining takes."""
        book = {rule.id: rule for rule in self.ruleset.rules}
        return Bench(
            store=self.store,
            match=self.match,
            rules=book,
            moment=lambda _: self.clock(),
            office=Office(routes=self.routes()),
            batch=16,
        )

    async def match(self, articles: Sequence[Article]) -> list[list[Match]]:
        """What the shipped rules find."""
        return [self.ruleset.match(article) for article in articles]

    async def accept(self, articles: Sequence[Article], original: Original | None) -> None:
        """Examines."""
        await steps.examine(articles, original, bench=self.bench(), backlog=steps.new_source(self.store))

    async def deliver(self) -> None:
        """All deliveries that are due."""
        await steps.deliver({self.desk.id: self.desk}, store=self.store, clock=self.clock, jitter=float)

    async def tidy(self) -> None:
        """What the daemon does now and then."""
        self.tidied = now = self.clock()
        await steps.refill(bench=self.bench(), now=now)
        await self.deliver()
        while (gone := await self.store.prune(now - KEPT, now - KEPT, 200)).articles or gone.originals:
            pass


async def stood(day: int, place: Town, path: Path, seconds: float) -> Day:
    """How things stand, after a full collection."""
    gc.collect()
    memory.give_back()  # as the daemon does once an hour
    tally = await place.store.tally()
    return Day(
        day=day,
        memory=resident(),
        cached=remembered(),
        objects=len(gc.get_objects()),
        articles=tally.articles,
        alerts=tally.alerts,
        file=sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*")) / 1e6,
        visits=place.web.asked,
        seconds=round(seconds, 1),
    )


def resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def remembered() -> int:
    """How many results all functions with a memory hold, ours and the libraries'."""
    return sum(one.cache_info().currsize for one in gc.get_objects() if type(one).__name__ == "_lru_cache_wrapper")


def judged(days: Sequence[Day]) -> dict[str, Any]:
    """What the days come to."""
    last, later = days[-1], [(day.day, day.memory) for day in days if day.day >= 2]
    fullest = max(days, key=lambda day: day.articles)  # what was pruned leaves room in the file, which is used again
    return {
        "MB a day": round(slope(later), 2) if len(later) > 1 else None,
        "goal": GOAL,
        "visits": last.visits,
        "articles": last.articles,
        "alerts": last.alerts,
        "store MB": round(last.file, 1),
        "store MB per 1,000 articles": round(fullest.file / max(1, fullest.articles) * 1_000, 2),
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line that fits best."""
    middle = sum(x for x, _ in points) / len(points)
    return sum((x - middle) * y for x, y in points) / sum((x - middle) ** 2 for x, _ in points)


def line(day: Day) -> str:
    """A day in one line."""
    shown = (f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}" for name, value in asdict(day).items())
    return "  ".join(shown)


def told(report: Mapping[str, Any]) -> str:
    """The report as lines."""
    return "\n".join(f"{name:28} {value}" for name, value in report.items())


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
