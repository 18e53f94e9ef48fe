"""What a monitor has kept, for looking at beside it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import StoreError, Unreadable
from monitor.model import Pruned
from monitor.sources.page import Read, completed
from monitor.stores import open_store
from monitor.stores.sqlite import is_held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.model import Fresh, Original
    from monitor.pages import Page
    from monitor.ports import Store
    from rules import Article

PAGE = 500
"""Articles that are read at a time."""


@asynccontextmanager
async def open_kept(config: Config, *, sole: bool = False) -> AsyncIterator[Store]:
    """The store as it is, for reading beside a running monitor; `sole`: instead of one. Raises StoreError where there is none yet."""
    if not exists(config):
        raise StoreError(f"{config.store} is not there yet: 'monitor run' makes it")
    store = await open_store(config.store, sole=sole)
    try:
        yield store
    finally:
        await store.close()


async def pages(store: Store, since: datetime) -> AsyncIterator[list[Fresh]]:
    """All articles first seen at or after `since`, in the order they came, some hundred at a time."""
    after = None
    while page := await store.articles(since, after=after, limit=PAGE):
        after = page[-1].article.id
        yield page


async def read_late(fresh: Fresh, store: Store, readers: Sequence[Read]) -> Article:
    """The article with the text of its page, where that was kept and not read when it came, and one of the readers wants it."""
    page = await unread_page(fresh, store)
    if page is None:
        return fresh.article
    for read in readers:
        if (found := await _read(read, fresh.article, page)) is not None:
            return completed(fresh.article, found, page.at)
    return fresh.article


async def unread_page(fresh: Fresh, store: Store) -> Original | None:
    """Its page, where that is kept and was not read."""
    if fresh.unread is None:
        return None
    originals = [one for version in await store.revisions(fresh.article.id) for one in version.originals]
    return next((one for one in originals if one.sha256 == fresh.unread), None)


async def _read(read: Read, article: Article, page: Original) -> Page | None:
    try:
        return await read(page.body, url=page.url, content_type=page.content_type, title=article.title, summary=article.summary)
    except Unreadable:
        return None


async def prune(store: Store, articles: datetime, originals: datetime, step: int) -> Pruned:
    """Removes all that is older, `step` articles at a time, so that others can write in between; what was removed in all."""
    total = Pruned()
    while True:
        gone = await store.prune(articles, originals, step)
        if not gone.articles and not gone.originals:
            return total
        total = Pruned(
            articles=total.articles + gone.articles, originals=total.originals + gone.originals, bytes=total.bytes + gone.bytes
        )


def exists(config: Config) -> bool:
    """Whether a monitor ever kept anything there."""
    return _path(config.store).exists()


def _path(store: str) -> Path:
    return Path(store.removeprefix("sqlite:").removeprefix("//"))


def beside(config: Config, ending: str) -> Path | None:
    """The file of this ending beside the store; None: the store is no file."""
    store = file(config)
    return None if store is None else store.with_name(f"{store.name}.{ending}")


def file(config: Config) -> Path | None:
    """Where the store lies; None: it is no file."""
    return None if config.store.startswith("memory:") else _path(config.store)


def is_running(config: Config) -> bool:
    """Whether a monitor has the store open."""
    return is_held(_path(config.store))
