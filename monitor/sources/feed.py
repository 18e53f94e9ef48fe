"""A feed, asked politely: only for what is new since the last time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed, Unreadable
from monitor.model import Cursor, Fetched
from monitor.wire import Get, Response, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.ports import Clock
    from rules import Article

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
WHOLE = timedelta(days=1)
"""After so long the feed is asked for as if for the first time: some servers say "not modified" for ever."""


class Parse(Protocol):
    """Reads a feed somewhere that it can do no harm. Raises Unreadable."""

    async def __call__(self, body: bytes, *, source: str, url: str, headers: Mapping[str, str]) -> tuple[Article, ...]:
        """The feed's articles."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """One feed. `language` and `tags` are what the operator says of its articles; `headers` may hold secrets."""

    id: str
    url: str
    get: Get = field(repr=False)
    parse: Parse = field(repr=False)
    clock: Clock = field(repr=False)
    language: str | None = None
    tags: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def fetch(self, cursor: Cursor) -> Fetched:
        """The articles in the feed, or `unchanged`. Raises FetchFailed, also where it is no feed."""
        now = self.clock()
        conditions = _since(cursor, now)
        answer = await self.get(self.url, headers={"Accept": ACCEPT, **self.headers, **conditions})
        if answer.status == 304 and conditions:
            return Fetched(cursor=cursor, unchanged=True)
        if answer.status != 200:
            raise failure(answer, now)
        seen = hashlib.sha256(answer.body).hexdigest()
        after = _cursor(answer, seen, now)
        if seen == cursor.get("body"):
            return Fetched(cursor=after, unchanged=True)
        return Fetched(cursor=after, articles=await self._articles(answer))

    async def _articles(self, answer: Response) -> tuple[Article, ...]:
        try:
            found = await self.parse(answer.body, source=self.id, url=answer.url, headers=answer.headers)
        except Unreadable as error:
            raise FetchFailed(str(error)) from error
        return tuple(self._told(article) for article in found)

    def _told(self, article: Article) -> Article:
        tags = tuple(dict.fromkeys((*self.tags, *article.tags)))
        return replace(article, language=self.language or article.language, tags=tags)


def _cursor(answer: Response, seen: str, now: datetime) -> Cursor:
    said = {"etag": answer.headers.get("etag"), "modified": answer.headers.get("last-modified")}
    return {**{name: value for name, value in said.items() if value}, "body": seen, "whole": now.isoformat()}


def _since(cursor: Cursor, now: datetime) -> dict[str, str]:
    """The conditions under which the feed is not sent again; none, once a day and at first."""
    whole = cursor.get("whole")
    if whole is None or now - datetime.fromisoformat(whole) >= WHOLE:
        return {}
    asked = {"If-None-Match": cursor.get("etag"), "If-Modified-Since": cursor.get("modified")}
    return {name: value for name, value in asked.items() if value}
