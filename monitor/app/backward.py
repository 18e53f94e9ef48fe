"""`monitor replay --since`: what a rule makes of the articles that a monitor has kept, as if it had been in force when they came.

A new rule looks forward only; this is looking backward, on request. Every kept article is matched; those that match go through the
steps of the daemon, on the clock of their first sight: on a store of its own, or, where somebody is to be told, on the kept one.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from monitor import steps
from monitor.app import backtest, kept
from monitor.app.book import read_rules
from monitor.app.replay import Rehearsal
from monitor.errors import ConfigError
from monitor.model import Filled
from monitor.policy import Office
from monitor.sources.replay import Trouble
from monitor.steps import Bench
from monitor.stores import open_store
from rules import Article, Match, RuleSet
from rules.spec import unknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from monitor.config import Config
    from monitor.model import Alert, Fresh
    from monitor.policy import Route
    from monitor.ports import Store


ALL = 1_000_000
"""More articles than ever wait for their page at a time."""

EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An article as it was kept: when it was first seen, and with its page, which the rules of the day may not have wanted."""

    fresh: Fresh
    filled: Filled
    matches: Sequence[Match]

    @property
    def seen(self) -> datetime:
        """When it was first seen."""
        assert self.fresh.first_seen is not None
        return self.fresh.first_seen


@dataclass(slots=True, kw_only=True)
class Backward:
    """One rule over the articles in `kept`; what follows goes into `store`, which is `kept` itself where it is to last."""

    rehearsal: Rehearsal
    kept: Store
    store: Store
    routes: Sequence[Route] = ()
    articles: int = 0
    """How many were matched."""
    waiting: int = 0
    """How many were left to the monitor, which still asks for their pages, and examines them with the rules of then."""
    told: int = 0
    """How many had been examined with the rule before, so that nobody is told twice."""
    alerts: list[Alert] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether what follows is kept."""
        return self.store is self.kept

    async def run(self, since: datetime, progress: Callable[[int], None] = lambda _: None) -> None:
        """Goes through all that was first seen at or after `since`, in the order of its first sight."""
        pending = {one.article.id for one in await self.kept.unfilled(EVER, ALL)} if self.lasting else set()
        found: list[Kept] = []
        async for page in kept.pages(self.kept, since):
            self.waiting += sum(one.article.id in pending for one in page)
            found += await self._matched([one for one in page if one.article.id not in pending])
            progress(len(page))
        for one in sorted(found, key=lambda one: one.seen):
            await self._examine(one)

    async def _matched(self, page: Sequence[Fresh]) -> list[Kept]:
        """Those that the rule matches. Masked is what was when they came."""
        filled = [await self._filled(one) for one in page]
        seen = [replace(one.article, seen=fresh.first_seen) for fresh, one in zip(page, filled, strict=True)]
        found = await self.rehearsal.match(seen)
        self.articles += len(page)
        return [
            Kept(fresh=fresh, filled=one, matches=matches)
            for fresh, one, matches in zip(page, filled, found, strict=True)
            if matches
        ]

    async def _filled(self, fresh: Fresh) -> Filled:
        """With its page, where that was kept and not read, and the rule wants it."""
        page = await kept.unread_page(fresh, self.kept)
        if page is None:
            return Filled(article=fresh.article)
        article = await kept.read_late(fresh, self.kept, [self.rehearsal.workers.read_page])
        return Filled(article=article, page=page, read=article is not fresh.article)

    async def _examine(self, one: Kept) -> None:
        """One article, unless the rule has examined it before."""
        (rule,) = self.rehearsal.book.rules
        if self.lasting and rule in await self.kept.reported(one.fresh.article.id):
            self.told += 1
            return
        result = await steps.again(
            [replace(one.fresh, first_seen=None)], bench=self._bench(one), backlog=partial(self._late, one)
        )
        self.alerts += result.alerts
        self.rehearsal.broken += [Trouble(id, "could not be examined") for id in result.pending]

    def _bench(self, one: Kept) -> Bench:
        async def match(_: Sequence[Article]) -> list[Sequence[Match]]:
            return [one.matches]

        async def fill(_: Fresh) -> Filled:
            return one.filled

        return Bench(
            store=self.store,
            match=match,
            rules=self.rehearsal.book.rules,
            moment=lambda _: one.seen,
            fill=fill,
            office=Office(routes=self.routes),
        )

    async def _late(self, one: Kept, _: Fresh) -> bool:
        """Whether its source was new when it came, so that what was old then was no news."""
        visit = await self.kept.last_visit(one.fresh.article.source)
        return visit is None or visit.known is None or one.seen <= visit.known


def rehearsal(config: Config, rule: str, jobs: int | None) -> Rehearsal:
    """One rule of those in force, by itself. Raises ConfigError or Invalid."""
    book = read_rules(config.rules, config.limits)
    if rule not in book.rules:
        raise ConfigError(f"{config.rules}: {unknown('rule', rule, book.rules)}")
    if book.rules[rule].status == "deprecated":
        raise ConfigError(f"{config.rules}: the rule '{rule}' is deprecated: it is not asked, and finds nothing")
    single = replace(book, ruleset=RuleSet((book.rules[rule],), book.ruleset.warnings))
    return Rehearsal(book=single, jobs=jobs, load=partial(backtest.load_one, rule))


@asynccontextmanager
async def stores(config: Config, *, lasting: bool, beside: bool) -> AsyncIterator[tuple[Store, Store]]:
    """The kept store, and the one that is written to. Raises StoreError where nothing was kept yet.

    `beside`: a monitor runs. It is the only one that visits and delivers, but not the only one that may record: a plan that was
    made on events that another has changed since is refused and made anew. Without one, we are it until we are done.
    """
    async with kept.open_kept(config, sole=lasting and not beside) as store:
        if lasting:
            yield store, store
            return
        own = await open_store("memory:")
        yield store, own
        await own.close()
