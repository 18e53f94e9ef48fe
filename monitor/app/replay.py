"""What `monitor replay` and `monitor match` are: the same steps and rules over saved articles, on the articles' own clock."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rules
from monitor import saved, steps
from monitor.app import receivers
from monitor.app.book import Book, jitter, now
from monitor.policy import Office
from monitor.sources.replay import Collected, Trouble, collect, in_order, moments
from monitor.steps import Bench
from monitor.stores import open_store
from monitor.workers import Load, Workers
from rules import Article, Match

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.model import Alert
    from monitor.policy import Route
    from monitor.ports import Sink, Store
    from monitor.saved import Saved

PLAIN = (".txt", ".json", ".jsonl")
"""Saved articles that need no parser of markup."""

CHUNK = 16
"""Articles that a matching worker gets at a time."""

MANY = 64
"""From so many articles on, worker processes pay for their start."""


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """Reads and matches saved articles. Markup is parsed in a worker process, since it may be hostile; so is what is many.

    `load` compiles the rules for the workers. `broken` collects the articles that broke the engine, `progress` is told of each one
    matched.
    """

    book: Book
    load: Load | None = None
    jobs: int | None = None
    progress: Callable[[int], None] = lambda _: None
    broken: list[Trouble] = field(default_factory=list)
    workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        jobs = self.jobs or min(os.cpu_count() or 1, 8)
        self.workers = Workers(
            load=self.load or partial(rules.load, limits=self.book.limits),
            files=self.book.files,
            main=self.book.main,
            broken=self._broke,
            faulty=self._faulty,
            parsers=1,
            matchers=jobs,
        )

    async def collect(self, paths: Sequence[Path], read: Callable[[int, int], None]) -> Collected:
        """Everything in these files and folders, in order."""
        return await collect(paths, self.parse, read)

    async def parse(self, data: bytes, name: str) -> Saved:
        """The articles of one file."""
        if Path(name).suffix.lower() in PLAIN:
            return saved.parse(data, name)
        return await self.workers.parse(saved.parse, data, name)

    async def match(self, articles: Sequence[Article]) -> list[list[Match]]:
        """The matches of each article, in order."""
        return [[one for one in found if one.findings] for found in await self.sight(articles)]

    async def sight(self, articles: Sequence[Article]) -> list[list[Match]]:
        """The same with what is only called off, as the steps want it; in this process where that is quicker."""
        if self.jobs is None and len(articles) <= MANY:
            return [self._matched(article) for article in articles]
        chunks = [articles[at : at + CHUNK] for at in range(0, len(articles), CHUNK)]
        return [found for chunk in await asyncio.gather(*map(self._chunk, chunks)) for found in chunk]

    async def _chunk(self, articles: Sequence[Article]) -> list[list[Match]]:
        found = await self.workers.match(articles)
        self.progress(len(articles))
        return [list(matches or ()) for matches in found]

    def _matched(self, article: Article) -> list[Match]:
        try:
            found = self.book.ruleset.attempt(article, ended=True)
        except Exception as error:  # noqa: BLE001 - as in a worker, one article must not take the others with it
            self._broke(article, f"raised {type(error).__name__}: {error}")
            return []
        finally:
            self.progress(1)
        for rule, reason in found.broken.items():
            self._faulty(article, rule, reason)
        return list(found.matches)

    def _broke(self, article: Article, reason: str) -> None:
        self.broken.append(Trouble(article.id, f"could not be matched: {reason}"))

    def _faulty(self, article: Article, rule: str, reason: str) -> None:
        self.broken.append(Trouble(article.id, f"could not be matched with {rule}: {reason}"))

    async def close(self) -> None:
        """Ends the workers."""
        await self.workers.close()


@asynccontextmanager
async def rehearsing(rehearsal: Rehearsal) -> AsyncIterator[Rehearsal]:
    """The rehearsal, closed whatever happens."""
    try:
        yield rehearsal
    finally:
        await rehearsal.close()


async def replay(
    rehearsal: Rehearsal, articles: Sequence[Article], *, at: datetime | None, store: Store, routes: Sequence[Route] = ()
) -> tuple[Alert, ...]:
    """The alerts that these articles raise, in order, through the very steps of the daemon."""
    moment = moments(articles, at)
    bench = Bench(
        store=store,
        match=rehearsal.sight,
        rules=rehearsal.book.rules,
        moment=moment,
        fill=steps.as_it_is,
        office=Office(routes=routes),
    )
    result = await steps.examine(in_order(articles, moment), bench=bench)
    rehearsal.broken += [Trouble(id, "could not be examined") for id in result.pending]
    return result.alerts


@asynccontextmanager
async def open_kept_or_not(db: Path | None) -> AsyncIterator[Store]:
    """A store for a replay: in the file `db`, or one that leaves nothing behind."""
    store = await open_store(str(db) if db else "memory:", sole=True)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def receiving(config: Config, book: Book) -> AsyncIterator[tuple[Mapping[str, Sink], list[Route]]]:
    """The receivers, ready to be told. Raises Invalid or ConfigError where one cannot be."""
    receivers.check(config.complete(), book)
    async with receivers.open_egress(config) as egress:
        sinks = receivers.sinks(config, egress)
        yield sinks, receivers.routes(config.receivers, sinks)


async def deliver_all(store: Store, sinks: Mapping[str, Sink], after: datetime) -> steps.Delivered:
    """Tries each delivery that waits once, or fewer where a receiver keeps failing.

    Those decided up to `after`, which may be a time to come, are included.
    """
    at = max(now(), after)  # it stands still, so that what failed is not due again before the last has had its turn
    return await steps.deliver(sinks, store=store, clock=lambda: at, jitter=jitter)
