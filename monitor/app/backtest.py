"""What `monitor backtest` is: one rule over saved or stored articles, and beside it the rule as it was before a change.

Every article is matched once by each version; what matched then goes through the steps of the daemon, on the articles' own clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import rules
from monitor import steps
from monitor.app import kept
from monitor.app.book import read_rules
from monitor.app.replay import Rehearsal
from monitor.errors import ConfigError
from monitor.sources.replay import EPOCH, Collected, in_order, moments
from monitor.stores import open_store
from rules import Article, Clause, Match, Problem, Rule, RuleSet
from rules.spec import unknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from monitor.model import Alert
    from monitor.ports import Store


# What is tried


@dataclass(slots=True, kw_only=True)
class Version:
    """A rule as some file has it, and what it matched so far, by article id. `warnings` are those of the file."""

    rehearsal: Rehearsal
    warnings: tuple[Problem, ...] = ()
    matches: dict[str, Match] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.rehearsal.book.ruleset.rules[0]

    async def ask(self, articles: Sequence[Article]) -> None:
        """Matches some more articles."""
        self.matches |= {match.article: match for found in await self.rehearsal.match(articles) for match in found}

    def explain(self, article: Article) -> Clause:
        """Why the rule matches an article or does not."""
        return self.rehearsal.book.ruleset.explain(article)[0][1]


def read_version(path: Path, rule: str, jobs: int | None) -> Version:
    """The rule of this id in a file, by itself. Raises ConfigError or Invalid."""
    book = read_rules(path)
    if rule not in book.rules:
        raise ConfigError(f"{path}: {unknown('rule', rule, book.rules)}")
    single = replace(book, ruleset=_by_itself(book.ruleset, rule))
    rehearsal = Rehearsal(book=single, jobs=jobs, load=partial(load_one, rule))
    return Version(rehearsal=rehearsal, warnings=book.ruleset.warnings)


def load_one(rule: str, files: Mapping[str, bytes], main: str) -> RuleSet:
    """As rules.load, with one rule: the workers need not ask the others."""
    return _by_itself(rules.load(files, main), rule)


def _by_itself(ruleset: RuleSet, rule: str) -> RuleSet:
    """The rule alone. It was asked for by name, so drafts and deprecated rules answer like any other."""
    return RuleSet((replace(ruleset.rule(rule), status="active"),))


# What it is tried on


@dataclass(frozen=True, slots=True)
class Window:
    """Dates to look at; without a bound, all of them, and those that nobody dated."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime | None) -> bool:
        """Whether a date is one of them."""
        if at is None:
            return self.since is None and self.until is None
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


async def from_files(collected: Collected, window: Window) -> AsyncIterator[list[Article]]:
    """Articles that were read from files, all at once, first seen when a replay would have seen them."""
    moment = moments(collected.articles, None)
    yield [replace(one, seen=moment(one)) for one in collected.articles if window.holds(one.published)]


async def from_store(store: Store, window: Window, versions: Sequence[Version]) -> AsyncIterator[list[Article]]:
    """The articles that a monitor has kept, page by page, seen when it saw them; one without a date is dated then.

    Web pages that the rules of the day had no use for are read now, where one of the versions has.
    """
    readers = [version.rehearsal.workers.read_page for version in versions]
    # Nothing is published after it was first seen, so what was seen before the window is not in it.
    async for page in kept.pages(store, window.since or EPOCH):
        dated = [replace(one.article, published=one.article.published or one.first_seen, seen=one.first_seen) for one in page]
        wanted = [(fresh, one) for fresh, one in zip(page, dated, strict=True) if window.holds(one.published)]
        yield [await kept.read_late(replace(fresh, article=one), store, readers) for fresh, one in wanted]


# Trying it


@dataclass(slots=True, kw_only=True)
class Ground:
    """The articles that were tried: how many, on which days, and those still needed, by id and in order."""

    articles: int = 0
    undated: int = 0
    days: set[date] = field(default_factory=set)
    kept: dict[str, Article] = field(default_factory=dict)

    def add(self, batch: Sequence[Article], wanted: Collection[str]) -> None:
        """Counts some more articles, and keeps those that are wanted."""
        self.articles += len(batch)
        self.undated += sum(one.published is None for one in batch)
        self.days |= {one.published.date() for one in batch if one.published}
        self.kept |= {one.id: one for one in batch if one.id in wanted}

    def forget(self, ids: Collection[str]) -> None:
        """Leaves out articles that could not be matched after all."""
        self.articles -= len(ids)
        for id in ids:
            self.kept.pop(id, None)


async def match(versions: Sequence[Version], batches: AsyncIterator[Sequence[Article]], *, labelled: Collection[str]) -> Ground:
    """Has each version match every article. Kept are those that any of them matched, and the labelled.

    What broke the engine in one counts in none.
    """
    ground = Ground()
    async for batch in batches:
        for version in versions:
            await version.ask(batch)
        ground.add(batch, {*labelled}.union(*(version.matches for version in versions)))
    broken = {trouble.path for version in versions for trouble in version.rehearsal.broken}
    ground.forget(broken)
    for version in versions:
        version.matches = {id: match for id, match in version.matches.items() if id not in broken}
    return ground


async def alerts(version: Version, ground: Ground) -> tuple[Alert, ...]:
    """The alerts that its matches would have raised, one an event, in order."""
    store = await open_store("memory:")

    async def found(articles: Sequence[Article]) -> list[list[Match]]:
        return [[version.matches[article.id]] for article in articles]

    bench = steps.Bench(store=store, match=found, rules={version.rule.id: version.rule}, moment=_moment)
    matched = [ground.kept[id] for id in version.matches]
    return (await steps.examine(in_order(matched, _moment), bench=bench)).alerts


def _moment(article: Article) -> datetime:
    """The clock of a replay, also over what was stored: events follow the dates of the news, not our first run's."""
    moment = article.published or article.seen
    assert moment is not None
    return moment
