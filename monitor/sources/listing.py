"""A web page without a feed, asked politely: what is linked from it and was not the last time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from monitor.arrivals import arrived, mark, remembered
from monitor.errors import FetchFailed, Unreadable
from monitor.model import Cursor, Fetched
from monitor.sources import polite
from monitor.sources.labels import Labels
from monitor.wire import Get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.listing import Listed
    from monitor.model import Original
    from monitor.ports import Clock

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
MARKS = 2_000
"""Marks of known articles that are kept."""


class Parse(Protocol):
    """Reads a page of links somewhere that it can do no harm. Raises Unreadable, also where no link is meant."""

    async def __call__(self, body: bytes, *, source: str, url: str, content_type: str, links: str | None) -> Listed:
        """The articles that it lists."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingSource:
    """One page. `links` is the CSS selector of what counts on it; `headers` may hold secrets.

    An article is known by its address alone: a list's words on it change for no reason (a count of comments, "2 hours ago").
    """

    id: str
    url: str
    get: Get = field(repr=False)
    parse: Parse = field(repr=False)
    clock: Clock = field(repr=False)
    links: str | None = None
    labels: Labels = field(default_factory=Labels)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def fetch(self, cursor: Cursor) -> Fetched:
        """The articles that were not on the page before. Raises FetchFailed, also where the selector picks nothing (any more).

        At the first visit, and when the selector was changed, those that are not dated within a day are only remembered.
        """
        now = self.clock()
        headers = {"Accept": ACCEPT, **self.headers}
        answer = await polite.ask(self.url, get=self.get, cursor=self._ours(cursor), now=now, headers=headers)
        if answer.original is None:
            return answer.unchanged()
        found = await self._parsed(answer.original)
        before = answer.cursor.get("known", "").split()
        first, known = "known" not in answer.cursor, frozenset(before)
        fresh = (article for article in found.articles if arrived(article, now, known, first=first))
        marks = remembered((mark(article.id) for article in found.articles), before, MARKS)
        return Fetched(
            articles=tuple(self.labels.on(article) for article in fresh),
            cursor={**answer.cursor, "known": " ".join(marks), "links": self._selector},
            listed=found.listed,
            original=answer.original,
            lasting=answer.lasting,
            moved=answer.moved,
            remarks=(f"cut at {len(found.articles)} links",) if found.listed > len(found.articles) else (),
        )

    @property
    def _selector(self) -> str:
        return mark(self.links or "")

    def _ours(self, cursor: Cursor) -> Cursor:
        """The cursor as far as it holds for this selector: what another one picked says nothing of what is new."""
        if cursor.get("links", self._selector) == self._selector:
            return cursor
        return {name: value for name, value in cursor.items() if name in ("of", "address")}

    async def _parsed(self, page: Original) -> Listed:
        try:
            return await self.parse(page.body, source=self.id, url=page.url, content_type=page.content_type, links=self.links)
        except Unreadable as error:
            raise FetchFailed(str(error), kind="unreadable") from error
