"""A feed, asked politely: only for what is new since the last time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed, Unreadable
from monitor.model import Cursor, Fetched
from monitor.sources import polite
from monitor.sources.labels import Labels
from monitor.wire import Get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.feeds import Parsed
    from monitor.model import Original
    from monitor.ports import Clock

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"


class Parse(Protocol):
    """Reads a feed somewhere that it can do no harm. Raises Unreadable."""

    async def __call__(
        self, body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> Parsed:
        """The feed's articles that are not `known`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """One feed. `labels` are what the operator says of its articles; `headers` may hold secrets."""

    id: str
    url: str
    get: Get = field(repr=False)
    parse: Parse = field(repr=False)
    clock: Clock = field(repr=False)
    labels: Labels = field(default_factory=Labels)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def fetch(self, cursor: Cursor) -> Fetched:
        """The articles in the feed that were not in it the last time. Raises FetchFailed, also where it is no feed."""
        headers = {"Accept": ACCEPT, **self.headers}
        answer = await polite.ask(self.url, get=self.get, cursor=cursor, now=self.clock(), headers=headers)
        if answer.original is None:
            return answer.unchanged()
        found = await self._parsed(answer.original, answer.headers, frozenset(answer.cursor.get("known", "").split()))
        return Fetched(
            articles=tuple(self.labels.on(article) for article in found.articles),
            cursor={**answer.cursor, "known": " ".join(found.marks)},
            listed=len(found.marks),
            original=answer.original,
            lasting=max(filter(None, (answer.lasting, found.ttl)), default=None),
            moved=answer.moved,
            remarks=found.remarks,
        )

    async def _parsed(self, original: Original, headers: Mapping[str, str], known: frozenset[str]) -> Parsed:
        try:
            return await self.parse(original.body, source=self.id, url=original.url, headers=headers, known=known)
        except Unreadable as error:
            raise FetchFailed(str(error), kind="unreadable") from error
