"""Completes an article from its web page, where its source gave only a teaser: what a rule looks for seldom stands in one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed, Unreadable
from monitor.model import Filled, Fresh, Original
from monitor.wire import Get, failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from monitor.pages import Page
    from monitor.ports import Clock
    from rules import Article

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
TEASER = 1_200
"""Characters: a shorter text is taken for a teaser."""
_CUT = ("...", "…", "[…]", "[...]", "read more", "continue reading", "read more »", "more »", "читать далее", "читати далі")


class Read(Protocol):
    """Takes the article out of a page somewhere that it can do no harm. Raises Unreadable."""

    async def __call__(self, body: bytes, *, url: str, content_type: str, title: str = "", summary: str = "") -> Page | None:
        """The article on the page; None: nothing on it, with this title and summary, is of interest to any rule."""
        ...


class Extract(Protocol):
    """Takes the article out of a page somewhere that it can do no harm, whatever the rules want. Raises Unreadable."""

    async def __call__(self, body: bytes, *, url: str, content_type: str) -> Page:
        """The article on the page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiller:
    """Fetches pages. `wanted` says for each source: "auto" (the default: teasers only), "always" or "never".

    The page of an edited article is always read, by `extract`: what is not said any more matters, too.
    """

    get: Get = field(repr=False)
    read: Read = field(repr=False)
    extract: Extract = field(repr=False)
    clock: Clock = field(repr=False)
    wanted: Mapping[str, str] = field(default_factory=dict)

    async def fill(self, fresh: Fresh) -> Filled:
        """The article with its page; as it is where none is wanted or we are asked to stay away. Raises FetchFailed."""
        article = fresh.article
        if not article.url or not wants_page(article, self.wanted.get(article.source, "auto")):
            return Filled(article=article)
        try:
            page = await self._fetched(article.url)
        except FetchFailed as error:
            if error.kind == "robots":  # it will not change its mind within hours: what the source gave has to do
                return Filled(article=article)
            raise
        return await self._completed(fresh, page)

    async def _fetched(self, url: str) -> Original:
        answer = await self.get(url, headers={"Accept": ACCEPT})
        if answer.status != 200:
            raise failure(answer, self.clock())
        kind = answer.headers.get("content-type", "")
        return Original(url=answer.url, at=self.clock(), body=answer.body, kind="page", content_type=kind)

    async def _completed(self, fresh: Fresh, page: Original) -> Filled:
        article, about = fresh.article, {"url": page.url, "content_type": page.content_type}
        try:
            if fresh.first_seen is None:
                found = await self.read(page.body, **about, title=article.title, summary=article.summary)
            else:
                found = await self.extract(page.body, **about)
        except Unreadable as error:
            raise FetchFailed(str(error), kind="unreadable") from error
        if found is None:
            return Filled(article=article, page=page, read=False)
        return Filled(article=completed(article, found, self.clock()), page=page)


def wants_page(article: Article, setting: str) -> bool:
    """Whether the article's page is to be fetched."""
    if setting != "auto":
        return setting == "always"
    text = (article.body or article.summary).rstrip().lower()
    return len(article.summary) + len(article.body) < TEASER or text.endswith(_CUT)


def completed(article: Article, page: Page, now: datetime) -> Article:
    """The article with what its page adds; what its source said stays, except that the longer text is the body.

    A date that the page states is better than that of the first sight, unless it lies in the future.
    """
    known = article.published is not None and article.dating in ("stated", "zoneless")
    stated = not known and page.published is not None and page.published <= now
    return replace(
        article,
        title=article.title or page.title,
        body=page.text if len(page.text) > len(article.body) else article.body,
        url=page.url or article.url,
        author=article.author or page.author,
        language=article.language or page.language,
        published=page.published if stated else article.published,
        dating=page.dating if stated else article.dating,
        updated=article.updated or page.updated,
    )
