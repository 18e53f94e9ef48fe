"""Completes an article from its web page, where the feed gave only a teaser: what a rule looks for seldom stands in one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed, Unreadable
from monitor.wire import Get, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.pages import Page
    from monitor.ports import Clock
    from rules import Article

TEASER = 1_200
"""Characters: a shorter text is taken for a teaser."""
_CUT = ("...", "…", "[…]", "[...]", "read more", "continue reading", "read more »", "more »", "читать далее", "читати далі")


class Extract(Protocol):
    """Takes the article out of a page somewhere that it can do no harm. Raises Unreadable."""

    async def __call__(self, body: bytes, *, url: str, content_type: str) -> Page:
        """The article on the page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiller:
    """Fetches pages. `wanted` says for each source: "auto" (the default: teasers only), "always" or "never"."""

    get: Get = field(repr=False)
    extract: Extract = field(repr=False)
    clock: Clock = field(repr=False)
    wanted: Mapping[str, str] = field(default_factory=dict)

    async def fill(self, article: Article) -> Article:
        """The article with the text of its page; as it is where none is wanted, or the page has less. Raises FetchFailed."""
        if not article.url or not wants_page(article, self.wanted.get(article.source, "auto")):
            return article
        answer = await self.get(article.url, headers={"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"})
        if answer.status != 200:
            raise failure(answer, self.clock())
        try:
            page = await self.extract(answer.body, url=answer.url, content_type=answer.headers.get("content-type", ""))
        except Unreadable as error:
            raise FetchFailed(str(error)) from error
        return completed(article, page)


def wants_page(article: Article, setting: str) -> bool:
    """Whether the article's page is to be fetched."""
    if setting != "auto":
        return setting == "always"
    text = (article.body or article.summary).rstrip().lower()
    return len(article.summary) + len(article.body) < TEASER or text.endswith(_CUT)


def completed(article: Article, page: Page) -> Article:
    """The article with what its page adds; what the feed said stays, except that the longer text is the body."""
    return replace(
        article,
        title=article.title or page.title,
        body=page.text if len(page.text) > len(article.body) else article.body,
        author=article.author or page.author,
        language=article.language or page.language,
        published=article.published or page.published,
    )
