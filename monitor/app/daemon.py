"""What `monitor run` is: everything opened, wired to the steps and the schedule, and closed again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

import rules
from monitor import steps
from monitor.app import receivers
from monitor.app.book import Book, jitter, now
from monitor.schedule import Schedule
from monitor.sources.feed import FeedSource
from monitor.sources.page import PageFiller
from monitor.steps import Bench
from monitor.stores import open_store
from monitor.workers import Workers
from rules import Article, Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from monitor.config import Config
    from monitor.egress import Egress
    from monitor.model import Alert, Visit
    from monitor.ports import Sink, Source, Store

DRAIN = 5.0
"""Seconds that what is under way gets when asked to stop; the rest of the 8 s is for closing."""

VISIT = timedelta(minutes=15)
"""How long a source is ours: longer than most visits with all their pages take."""

log = structlog.get_logger("monitor.app")


@dataclass(slots=True, kw_only=True)
class App:
    """A monitor that is open. `sources` and `sinks` are what it watches and whom it tells."""

    config: Config
    book: Book
    store: Store
    sources: Mapping[str, Source]
    sinks: Mapping[str, Sink]
    bench: Bench
    schedule: Schedule = field(init=False)
    visiting: set[str] = field(default_factory=set)
    """Sources that are being visited now: a visit with many pages may outlast its lease."""
    pending: set[str] = field(default_factory=set)
    """Sources whose first visit is still to come."""
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all of them were visited."""
    opened: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        self.schedule = Schedule(
            claim=self.claim, ingest=self.ingest, deliver=self.deliver, refill=self.refill, slots=self.config.fetches
        )

    async def start(self) -> None:
        """Starts watching."""
        settled = {visit.source for visit in await self.store.visits() if visit.due > self.opened}
        self.pending = set(self.sources) - settled
        self._first_round()
        self.schedule.start()

    async def claim(self, limit: int) -> list[str]:
        """Sources that are due, and ours until visited."""
        idle = [source for source in self.sources if source not in self.visiting]
        return await self.store.claim_sources(idle, now(), VISIT, limit)

    async def ingest(self, source: str) -> None:
        """Visits one source."""
        every = next(feed.every for feed in self.config.sources if feed.id == source)
        self.visiting.add(source)
        try:
            await steps.ingest(self.sources[source], store=self.store, accept=self.accept, clock=now, every=every)
        finally:
            self.visiting.discard(source)
        self.pending.discard(source)
        self._first_round()

    async def accept(self, articles: Sequence[Article]) -> None:
        """Examines, and has what was found delivered at once."""
        try:
            await steps.examine(articles, bench=self.bench, backlog=steps.new_source(self.store))
        finally:
            self.schedule.nudge()

    async def refill(self) -> None:
        """Asks again for missing pages."""
        await steps.refill(bench=self.bench, now=now())
        self.schedule.nudge()

    async def deliver(self) -> int:
        """One round of deliveries; how many were due."""
        done = await steps.deliver(
            store=self.store, sinks=self.sinks, clock=now, jitter=jitter, lease=receivers.ATTEMPT, limit=receivers.BATCH
        )
        return done.attempts

    def _first_round(self) -> None:
        if not self.pending:
            self.polled.set()

    async def first_round(self) -> tuple[list[Visit], list[Alert]]:
        """Once every source was visited: the visits, and the alerts raised since we opened, in order."""
        await self.polled.wait()
        visits = [visit for visit in await self.store.visits() if visit.source in self.sources]
        alerts = [alert for alert in await self.store.alerts(limit=1_000) if alert.raised >= self.opened]
        return visits, alerts[::-1]


@asynccontextmanager
async def open_app(config: Config, book: Book, terminal: Sink) -> AsyncIterator[App]:
    """Everything that `monitor run` needs, opened, and closed again whatever happens.

    `terminal` is told where there are no receivers. Raises ConfigError, or StoreError where another monitor has the store.
    """
    receivers.check(config.complete(), book)
    async with AsyncExitStack() as stack:
        store = await open_store(config.store, sole=True)
        stack.push_async_callback(store.close)
        await store.release()  # of a predecessor that was killed
        egress = await stack.enter_async_context(receivers.open_egress(config))
        workers = _workers(config, book)
        stack.push_async_callback(workers.close)
        sinks = receivers.sinks(config, egress) or {terminal.id: terminal}
        filler = PageFiller(
            get=egress.get, extract=workers.extract, clock=now, wanted={feed.id: feed.page for feed in config.sources}
        )
        bench = Bench(
            store=store,
            match=workers.match,
            rules=book.rules if config.receivers else told_to_all(book.rules),
            moment=lambda _: now(),
            fill=filler.fill,
            batch=steps.BATCH,
            routes=receivers.routes(config.receivers, sinks),
        )
        yield App(config=config, book=book, store=store, sources=_sources(config, egress, workers), sinks=sinks, bench=bench)


async def run(app: App, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Watches until `stop`, then finishes what is under way: not for long, and not at all once `hurry` is set."""
    await app.start()
    await stop.wait()
    log.info("stopping")
    await app.schedule.drain(DRAIN, hurry)
    log.info("stopped")


def told_to_all(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Rules that name nobody: where there are no receivers, all alerts go to the terminal."""
    return {name: replace(rule, notify=None) for name, rule in rules.items()}


def _workers(config: Config, book: Book) -> Workers:
    return Workers(
        load=partial(rules.load, limits=book.limits), files=book.files, main=book.main, broken=_broken, matchers=config.workers
    )


def _broken(article: Article, reason: str) -> None:
    log.error("match broke", article=article.id, reason=reason)


def _sources(config: Config, egress: Egress, workers: Workers) -> dict[str, Source]:
    return {
        feed.id: FeedSource(
            id=feed.id,
            url=feed.url,
            get=egress.get,
            parse=workers.parse_feed,
            clock=now,
            language=feed.language,
            tags=feed.tags,
            headers={name: value.reveal for name, value in feed.headers.items()},
        )
        for feed in config.sources
    }
