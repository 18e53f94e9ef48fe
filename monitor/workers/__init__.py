"""Worker processes for what hostile input could make slow, huge or crash: parsing, and matching with the compiled rules.

`pool` has processes that can be killed, `child` is what runs in one of them. Here is what they are asked, with which rules, and what
becomes of an article, or of a rule, that they did not come through.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from monitor import feeds, pages
from monitor.errors import ConfigError, Unreadable
from monitor.model import Partly
from monitor.workers import child
from monitor.workers.child import Asked, Engine, Load, Task
from monitor.workers.pool import Failed, Pool, Unavailable
from rules import Article, Found, Match

__all__ = ["STRIKES", "Engine", "Failed", "Load", "Shift", "Unavailable", "Workers"]

T = TypeVar("T")
Broken = Callable[[Article, str], None]
"""Told of an article that broke the engine, and how."""
Faulty = Callable[[Article, str, str], None]
"""Told of an article that a rule broke on, of the rule, and how."""

STRIKES = 3
"""Articles that a rule may hang or crash on among the others; from then on it is asked apart from them."""
MOST_BROKEN = 5
"""Rules that may hang or crash on one article; after them it is given up."""


@dataclass(slots=True, kw_only=True)
class Workers:
    """Two pools, each started when first asked for. `files` and `main` are handed to `load` in the matching workers.

    Limits are in seconds, `memory` in bytes for one parsing worker. `broken` is told where an article costs all its matches,
    `faulty` where it costs those of one rule.
    """

    load: Load
    files: Mapping[str, bytes] = field(repr=False)
    main: str
    broken: Broken = lambda _article, _reason: None
    faulty: Faulty = lambda _article, _rule, _reason: None
    parsers: int = 2
    matchers: int = 1
    parse_limit: float = 10.0
    match_limit: float = 5.0
    article_limit: float = 0.5
    apart_limit: float = 1.0
    memory: int = 1 << 30
    _parsing: Pool = field(init=False)
    _matching: Pool = field(init=False)
    _strikes: dict[str, set[str]] = field(init=False, default_factory=dict)
    """The articles that a rule hung or crashed on, by rule."""
    _retired: dict[asyncio.Task[None], tuple[Pool, ...]] = field(init=False, default_factory=dict)
    """Pools with rules of before that somebody still holds, by what waits to close them."""

    def __post_init__(self) -> None:
        self._parsing = self._parsing_pool(self.files, self.main)
        self._matching = self._matching_pool(self.files, self.main)

    def _parsing_pool(self, files: Mapping[str, bytes], main: str) -> Pool:
        return Pool(self.parsers, partial(child.prepare, self.memory, self.load, dict(files), main))

    def _matching_pool(self, files: Mapping[str, bytes], main: str) -> Pool:
        return Pool(self.matchers, partial(child.compile_rules, self.load, dict(files), main))

    async def parse_feed(
        self, body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> feeds.Parsed:
        """As feeds.parse. Raises Unreadable, also where the parser was too slow or crashed."""
        return await self.parse(feeds.parse, body, source=source, url=url, headers=dict(headers), known=known)

    async def read_page(
        self, body: bytes, *, url: str, content_type: str = "", title: str = "", summary: str = ""
    ) -> pages.Page | None:
        """As pages.read, with the rules in force. Raises Unreadable, also where it was too slow or crashed."""
        return await self.parse(child.read_page, body, url=url, content_type=content_type, title=title, summary=summary)

    async def extract(self, body: bytes, *, url: str, content_type: str = "") -> pages.Page:
        """As pages.extract: whatever is on the page. Raises Unreadable, also where it was too slow or crashed."""
        return await self.parse(pages.extract, body, url=url, content_type=content_type)

    async def parse(self, function: Task[T], *args: Any, **named: Any) -> T:
        """Runs a module's function in a parsing worker, within its limits. Raises Unreadable."""
        try:
            with self._parsing.held() as pool:
                return await pool.run(partial(function, *args, **named), self.parse_limit)
        except (Failed, Unavailable) as error:
            raise Unreadable(f"the parser {error}") from error

    async def match(self, articles: Sequence[Article]) -> list[list[Match] | None]:
        """The matches of each article, in order; Partly where a rule broke on it, None where the engine did, and that is told.

        Among them are those without a finding, where an article only says that something is called off.
        All of them are matched with one version of the rules. Raises Unavailable: then nothing was matched.
        """
        if not articles:
            return []
        apart = self._apart()
        with self._matching.held() as pool:
            results = await self._asked(
                pool, articles, Asked(besides=apart), self.match_limit + self.article_limit * len(articles)
            )
            if apart:
                rest = await self._asked(pool, articles, Asked(only=apart), self.apart_limit)
                results = [_together(one, other) for one, other in zip(results, rest, strict=True)]
        return [self._told(article, found) for article, found in zip(articles, results, strict=True)]

    def _apart(self) -> frozenset[str]:
        """The rules that have broken so often that they are asked apart from the others, and get less time."""
        return frozenset(rule for rule, articles in self._strikes.items() if len(articles) >= STRIKES)

    async def _asked(self, pool: Pool, articles: Sequence[Article], asked: Asked, limit: float) -> list[Found | str]:
        """What these rules find in the articles. Where they do not all come through, each is taken by itself."""
        try:
            return await pool.run(partial(child.match, tuple(articles), asked), limit)
        except Failed:
            one = limit if asked.only is not None else self.match_limit + self.article_limit
            return [await self._alone(pool, article, asked, one) for article in articles]

    async def _alone(self, pool: Pool, article: Article, asked: Asked, limit: float) -> Found | str:
        """One article of a batch that failed: a rule that breaks on it is left out, so that only that one loses its match."""
        broken: dict[str, str] = {}
        while True:
            try:
                found = await pool.run(partial(child.match_aloud, article, asked.without(broken)), limit)
            except Failed as error:
                if error.rule is None or error.rule in broken or len(broken) == MOST_BROKEN:
                    return str(error)
                broken[error.rule] = str(error)
                self._strike(error.rule, article)
            else:
                return found if isinstance(found, str) else replace(found, broken={**found.broken, **broken})

    def _strike(self, rule: str, article: Article) -> None:
        struck = self._strikes.setdefault(rule, set())
        if len(struck) < STRIKES:
            struck.add(article.id)

    def _told(self, article: Article, found: Found | str) -> list[Match] | None:
        if isinstance(found, str):
            self.broken(article, found)
            return None
        for rule, reason in found.broken.items():
            self.faulty(article, rule, reason)
        return Partly(found.matches) if found.broken else list(found.matches)

    @contextlib.contextmanager
    def present(self) -> Iterator[Workers]:
        """These workers as they are now: what is asked of them meanwhile is answered by the rules of now, whatever is swapped in."""
        with self._parsing.held(), self._matching.held():
            yield copy.copy(self)

    async def prepare(self, files: Mapping[str, bytes], main: str) -> Shift:
        """Pools with other rules, which are compiled in one of them. Raises ConfigError where they cannot be."""
        matching = self._matching_pool(files, main)
        try:
            await matching.run(child.nothing, self.match_limit)
        except BaseException as error:
            await matching.close()
            if isinstance(error, (Failed, Unavailable)):
                raise ConfigError(f"the rules cannot be loaded: {error}") from error
            raise
        return Shift(files, main, self._parsing_pool(files, main), matching)

    def swap(self, shift: Shift) -> None:
        """Puts both pools in the place of those that are here, at once; what is under way ends with the old."""
        old = self._parsing, self._matching
        self._parsing, self._matching = shift.parsing, shift.matching
        self.files, self.main = shift.files, shift.main
        self._strikes = {}
        closing = asyncio.ensure_future(_close_gently(*old))
        self._retired[closing] = old
        closing.add_done_callback(self._retired.pop)

    async def reload(self, files: Mapping[str, bytes], main: str) -> None:
        """Swaps in new rules once they are compiled. Raises ConfigError and keeps the old."""
        self.swap(await self.prepare(files, main))

    async def close(self) -> None:
        """Kills every worker, at once."""
        retired = dict(self._retired)
        for closing in retired:
            closing.cancel()
        old = [pool for pools in retired.values() for pool in pools]
        await asyncio.gather(*(pool.close() for pool in (self._parsing, self._matching, *old)))


@dataclass(frozen=True, slots=True)
class Shift:
    """Both pools with one version of the rules, ready to be swapped in."""

    files: Mapping[str, bytes] = field(repr=False)
    main: str
    parsing: Pool
    matching: Pool

    async def close(self) -> None:
        """Kills their workers: for one that is not wanted after all."""
        await asyncio.gather(self.parsing.close(), self.matching.close())


async def _close_gently(*pools: Pool) -> None:
    await asyncio.gather(*(pool.close(gently=True) for pool in pools))


def _together(one: Found | str, other: Found | str) -> Found | str:
    """What some of the rules found, and the others."""
    if isinstance(one, str) or isinstance(other, str):
        return one if isinstance(one, str) else str(other)
    return Found((*one.matches, *other.matches), {**one.broken, **other.broken})
