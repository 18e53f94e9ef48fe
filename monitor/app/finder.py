"""Finding the feed of a site and trying it: what `monitor feeds add` does before it writes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import rules
from monitor import discovery, listing
from monitor.app import receivers
from monitor.errors import FetchFailed, Unreadable
from monitor.sources.feed import ACCEPT
from monitor.sources.page import ACCEPT as ACCEPT_PAGE
from monitor.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.config import Config
    from monitor.egress import Egress
    from monitor.wire import Response
    from rules import Article

TRIES = 12
"""Addresses that are asked before we give up: each costs the site a request."""

_WHAT_TO_DO = {
    "blocked": "what is not public is asked only where monitor.yaml allows it, such as settings: {allow: {sources: [10.1.0.0/16]}}",
    "unreachable": "look whether it is spelt right, and whether a browser opens it",
    "tls": "look whether a browser opens it",
    "robots": "see whether the site has a feed, which anybody may fetch",
}
"""What somebody can do about a failure, by its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A source that works: where it is, its own name, and its articles, newest first where they are dated.

    `form` is "feed" or "page"; of a page, `links` is the selector that picked them.
    """

    url: str
    title: str
    articles: tuple[Article, ...]
    form: str = "feed"
    links: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Asks and reads as the monitor does. `tell` hears each address before it is asked: that may take a while."""

    egress: Egress
    workers: Workers
    tell: Callable[[str], None] = field(default=lambda _: None)

    async def feed(self, url: str) -> Found:
        """The feed at `url`, or the best of those that the page there leads to. Raises FetchFailed where none works."""
        answer = await self._ask(url, f"{ACCEPT}, text/html;q=0.9")
        try:
            return await self._read(answer, url)
        except Unreadable as error:
            return await self._led_to(answer, url, f"{url}: {error}")

    async def _led_to(self, answer: Response, url: str, why: str) -> Found:
        tried = [why]
        kind = answer.headers.get("content-type", "")
        candidates = await self.workers.parse(discovery.feeds, answer.body, answer.url, kind)
        for one in candidates[:TRIES]:
            try:
                found = await self._read(await self._ask(one.url, ACCEPT), one.url)
            except (FetchFailed, Unreadable) as error:
                tried.append(str(error) if one.url in str(error) else f"{one.url}: {error}")
            else:
                return replace(found, title=found.title or one.title)
        raise FetchFailed(_none_found(url, tried), kind="unreadable")

    async def page(self, url: str, links: str | None) -> Found:
        """The page at `url`, with the articles that it lists. Raises FetchFailed, also where it lists none."""
        self.tell(url)
        answer = await _explained(url, self.egress.page(url, headers={"Accept": ACCEPT_PAGE}))
        kind = answer.headers.get("content-type", "")
        try:
            read = partial(self.workers.parse, listing.parse, source="", url=answer.url, content_type=kind)
            listed = await read(answer.body, links=links)
        except Unreadable as error:
            raise FetchFailed(f'{url}: {error}, such as --links "h3 a"', kind="unreadable") from error
        return Found(url=answer.moved or url, title="", articles=listed.articles, form="page", links=links)

    async def _ask(self, url: str, accept: str) -> Response:
        self.tell(url)
        return await _explained(url, self.egress.get(url, headers={"Accept": accept}))

    async def _read(self, answer: Response, url: str) -> Found:
        parsed = await self.workers.parse_feed(answer.body, source="", url=answer.url, headers=answer.headers)
        newest = sorted(parsed.articles, key=lambda one: (one.published is not None, one.published), reverse=True)
        # Where it moved to for good is its address; where a site merely sends us today is not.
        return Found(url=answer.moved or url, title=parsed.title, articles=tuple(newest))


@asynccontextmanager
async def open_finder(config: Config, tell: Callable[[str], None]) -> AsyncIterator[Finder]:
    """A finder behind the guarded way out, reading in a worker."""
    workers = Workers(load=rules.load, files={}, main="", parsers=1)
    try:
        async with receivers.open_egress(config) as egress:
            yield Finder(egress=egress, workers=workers, tell=tell)
    finally:
        await workers.close()


async def _explained(url: str, asked: Awaitable[Response]) -> Response:
    """The answer, if it is a good one. Raises FetchFailed, which says what was asked and what to do about it."""
    try:
        answer = await asked
    except FetchFailed as error:
        hint = _WHAT_TO_DO.get(error.kind)
        raise FetchFailed(f"{url}: {error}{': ' + hint if hint else ''}", kind=error.kind) from error
    if answer.status != 200:
        raise FetchFailed(f"{url}: HTTP {answer.status}")
    return answer


def _none_found(url: str, tried: list[str]) -> str:
    asked = "\n  ".join(tried)
    return (
        f"no feed found from {url}; asked:\n  {asked}\n"
        f"A page that lists articles can be watched itself: monitor feeds add {url} --page\n"
        'Where that takes the wrong links, say which are meant with a CSS selector: --links "h3 a"'
    )
