"""A site's own list of its addresses, asked politely: what is on it and was not the last time.

An index is a list of such lists. Of those, at most three are read at a visit: the newest of those that say that they changed, and
of those that do not say when they did, the one that was read longest ago.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from monitor.arrivals import mark, remembered
from monitor.errors import FetchFailed, Unreadable
from monitor.model import Cursor, Fetched, Original
from monitor.sitemaps import AGAIN, FIRST, FOUND, MARKS, Look
from monitor.sources import polite
from monitor.sources.labels import Labels
from monitor.wire import Get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.ports import Clock
    from monitor.sitemaps import Child, Sifted
    from rules import Article

ACCEPT = "application/xml, text/xml;q=0.9, text/plain;q=0.8, application/gzip;q=0.8, */*;q=0.5"
AT_ONCE = 3
"""Sitemaps of an index that are read at one visit."""


class Sift(Protocol):
    """Reads a sitemap somewhere that it can do no harm, and keeps what is new. Raises Unreadable."""

    async def __call__(self, body: bytes, *, source: str, url: str, look: Look) -> Sifted:
        """What is new, and what is to be remembered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A sitemap that was read, and what was new in it."""

    original: Original
    found: Sifted


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapSource:
    """One sitemap or index of sitemaps. `headers` may hold secrets and go to every one of them."""

    id: str
    url: str
    get: Get = field(repr=False)
    sift: Sift = field(repr=False)
    clock: Clock = field(repr=False)
    labels: Labels = field(default_factory=Labels)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def fetch(self, cursor: Cursor) -> Fetched:
        """The articles that were not listed before. Raises FetchFailed, also where it is no sitemap.

        At the first visit only what was published within a day counts as new; the rest is remembered.
        """
        now = self.clock()
        answer = await polite.ask(self.url, get=self.get, cursor=cursor, now=now, headers=self._headers(self.url))
        if answer.original is None:
            return answer.unchanged()
        before = answer.cursor.get("known", "").split()
        first = "known" not in answer.cursor
        look = Look(now=now, known=frozenset(before), reading=FIRST if first else AGAIN)
        top = _Read(original=answer.original, found=await self._sifted(answer.original, look))
        index = _Index.of(top.found.children, answer.cursor, first=first)
        read = [top, *await self._children(index, look)]
        marks = remembered((one for document in read for one in document.found.marks), before, MARKS)
        after = {**answer.cursor, "known": " ".join(marks), **index.cursor()}
        return Fetched(
            articles=self._united(read),
            cursor=after if index.settled else _unconditional(after),
            listed=sum(document.found.listed for document in read),
            original=max(read, key=lambda document: len(document.found.articles)).original,
            lasting=answer.lasting,
            moved=answer.moved,
            remarks=tuple(dict.fromkeys((*(word for document in read for word in document.found.remarks), *index.remarks))),
        )

    async def _children(self, index: _Index, look: Look) -> list[_Read]:
        """The sitemaps of the index that are due. One that fails is tried again; where all do, so did the visit."""
        read: list[_Read] = []
        failure: FetchFailed | None = None
        for child in index.due():
            try:
                read.append(await self._child(child, replace(look, reading=index.reading(child))))
            except FetchFailed as error:
                if error.wait is not None:  # the host wants to be left alone, and that goes for the rest, too
                    raise
                failure = error
                index.failed(child, str(error))
            else:
                index.was_read(child, look.now)
        if failure is not None and not read:
            raise failure
        return read

    async def _child(self, child: Child, look: Look) -> _Read:
        answer = await polite.ask(child.url, get=self.get, cursor={}, now=look.now, headers=self._headers(child.url))
        if answer.original is None:  # asked without conditions, it cannot be; but the world is wide
            raise FetchFailed("nothing came")
        return _Read(original=answer.original, found=await self._sifted(answer.original, look))

    async def _sifted(self, sitemap: Original, look: Look) -> Sifted:
        try:
            return await self.sift(sitemap.body, source=self.id, url=sitemap.url, look=look)
        except Unreadable as error:
            raise FetchFailed(str(error), kind="unreadable") from error

    def _headers(self, url: str) -> dict[str, str]:
        """What is sent along. An index may name any address, and the operator's secrets are for one site only."""
        own = self.headers if urlsplit(url)[:2] == urlsplit(self.url)[:2] else {}
        return {"Accept": ACCEPT, **own}

    def _united(self, read: Sequence[_Read]) -> tuple[Article, ...]:
        """The new articles of all that was read, one an address."""
        found = {article.id: article for document in reversed(read) for article in reversed(document.found.articles)}
        return tuple(self.labels.on(article) for article in reversed(found.values()))


def _unconditional(cursor: Cursor) -> Cursor:
    """The cursor without what would let it be answered with "not modified"."""
    return {**cursor, "etag": "", "modified": "", "body": ""}


# An index.


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a sitemap in an index: the change that was read, when it was read, and how often that failed since.

    Times are in seconds since the epoch; 0: none.
    """

    changed: int = 0
    read: int = 0
    failed: int = 0


@dataclass(slots=True, kw_only=True)
class _Index:
    """The sitemaps of an index at one visit, newest first, and what is known of each by its mark."""

    children: Sequence[Child]
    memory: dict[str, Memory]
    old: frozenset[str]
    """Those that were in the index before."""
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, children: Sequence[Child], cursor: Cursor, *, first: bool) -> _Index:
        """The index as the cursor remembers it; at the first look all that is not read is taken as it is."""
        kept = {name: Memory(*values) for name, values in json.loads(cursor.get("children", "{}")).items()}
        marks = [mark(child.url) for child in children]
        index = cls(children=children, memory={name: kept.get(name, Memory()) for name in marks}, old=frozenset(kept))
        if first:
            index.old = frozenset(marks)
            for child in children[AT_ONCE:]:
                index.memory[mark(child.url)] = Memory(changed=_seconds(child.changed))
        return index

    def due(self) -> list[Child]:
        """Those to read: changed ones, newest first and those that failed last; then those that do not say, longest unread first."""
        changed = sorted(filter(self._changed, self.children), key=lambda child: self._of(child).failed)
        silent = sorted((child for child in self.children if child.changed is None), key=self._turn)
        return [*changed, *silent][:AT_ONCE]

    def reading(self, child: Child) -> str:
        """How the child is to be read: FIRST, FOUND or AGAIN."""
        if self._of(child).read:
            return AGAIN
        return FIRST if mark(child.url) in self.old else FOUND

    def was_read(self, child: Child, now: datetime) -> None:
        self.memory[mark(child.url)] = Memory(changed=_seconds(child.changed), read=_seconds(now))

    def failed(self, child: Child, why: str) -> None:
        before = self._of(child)
        self.memory[mark(child.url)] = replace(before, failed=before.failed + 1)
        self.remarks.append(f"a sitemap of the index could not be read: {why}")

    @property
    def settled(self) -> bool:
        """Whether there is nothing to read until the index itself changes."""
        return not any(child.changed is None or self._changed(child) for child in self.children)

    def cursor(self) -> dict[str, str]:
        """What is to be remembered."""
        kept = {name: (one.changed, one.read, one.failed) for name, one in self.memory.items()}
        return {"children": json.dumps(kept, separators=(",", ":"))} if kept else {}

    def _of(self, child: Child) -> Memory:
        return self.memory[mark(child.url)]

    def _changed(self, child: Child) -> bool:
        return child.changed is not None and _seconds(child.changed) != self._of(child).changed

    def _turn(self, child: Child) -> tuple[int, int]:
        return self._of(child).failed, self._of(child).read


def _seconds(when: datetime | None) -> int:
    return int(when.timestamp()) if when else 0
