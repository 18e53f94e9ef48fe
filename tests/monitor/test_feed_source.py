"""A feed asked politely, and pages asked for where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.errors import FetchFailed, Unreadable
from monitor.pages import Page
from monitor.sources.feed import FeedSource
from monitor.sources.page import PageFiller
from monitor.wire import Response
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://news.example/feed"
OK = Response(status=200, url=URL, headers={"etag": '"1"', "last-modified": "Wed"}, body=b"feed")


@dataclass
class Web:
    """Gives one answer, and keeps what it was asked."""

    answer: Response = OK
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        self.asked.append((url, dict(headers)))
        return self.answer

    def sent(self) -> dict[str, str]:
        """The last request's headers."""
        return self.asked[-1][1]


@dataclass
class Parser:
    """Finds one article in any body but "odd"."""

    calls: int = 0

    async def __call__(self, body: bytes, *, source: str, url: str, headers: Mapping[str, str]) -> tuple[Article, ...]:
        self.calls += 1
        if body == b"odd":
            raise Unreadable("HTML where a feed should be")
        return (Article(id=f"{source}#1", title=body.decode(), language="de", tags=("a", "b")),)


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def parser() -> Parser:
    return Parser()


@pytest.fixture
def source(web: Web, parser: Parser) -> FeedSource:
    return FeedSource(id="s", url=URL, get=web.get, parse=parser, clock=lambda: NOW)


async def test_the_first_visit_asks_for_everything(source: FeedSource, web: Web) -> None:
    fetched = await source.fetch({})

    assert [article.id for article in fetched.articles] == ["s#1"]
    assert not fetched.unchanged
    assert "application/rss+xml" in web.sent()["Accept"]
    assert not web.sent().keys() & {"If-None-Match", "If-Modified-Since"}


async def test_the_next_one_asks_for_what_is_new(source: FeedSource, web: Web) -> None:
    cursor = (await source.fetch({})).cursor
    web.answer = Response(status=304, url=URL)
    fetched = await source.fetch(cursor)

    assert (web.sent()["If-None-Match"], web.sent()["If-Modified-Since"]) == ('"1"', "Wed")
    assert (fetched.unchanged, fetched.articles, fetched.cursor) == (True, (), cursor)


async def test_one_that_says_not_modified_without_being_asked_has_failed(source: FeedSource, web: Web) -> None:
    web.answer = Response(status=304, url=URL)

    with pytest.raises(FetchFailed, match="HTTP 304"):
        await source.fetch({})


async def test_the_same_bytes_are_not_parsed_again(source: FeedSource, web: Web, parser: Parser) -> None:
    cursor = (await source.fetch({})).cursor
    web.answer = replace(OK, headers={"etag": '"2"'})
    fetched = await source.fetch(cursor)

    assert (fetched.unchanged, fetched.cursor["etag"], parser.calls) == (True, '"2"', 1)


async def test_once_a_day_everything_is_asked_for_since_some_servers_say_not_modified_for_ever(
    source: FeedSource, web: Web
) -> None:
    cursor = (await source.fetch({})).cursor
    later = replace(source, clock=lambda: NOW + timedelta(days=1))
    await later.fetch(cursor)

    assert "If-None-Match" not in web.sent()


@pytest.mark.parametrize("status", [404, 410, 500, 204, 301])
async def test_any_other_status_is_a_failure(source: FeedSource, web: Web, status: int) -> None:
    web.answer = Response(status=status, url=URL)
    with pytest.raises(FetchFailed, match=f"^HTTP {status}$"):
        await source.fetch({})


async def test_a_busy_server_s_wish_to_be_left_alone_is_passed_on(source: FeedSource, web: Web) -> None:
    web.answer = Response(status=503, url=URL, headers={"retry-after": "600"})
    with pytest.raises(FetchFailed) as failed:
        await source.fetch({})

    assert failed.value.wait == timedelta(minutes=10)


async def test_what_is_no_feed_is_a_failure(source: FeedSource, web: Web) -> None:
    web.answer = replace(OK, body=b"odd")
    with pytest.raises(FetchFailed, match="HTML where a feed should be"):
        await source.fetch({})


async def test_what_the_operator_says_of_a_feed_counts_for_its_articles(source: FeedSource, web: Web) -> None:
    told = replace(source, language="en", tags=("wire", "a"), headers={"X-Key": "secret"})
    (article,) = (await told.fetch({})).articles

    assert (article.language, article.tags) == ("en", ("wire", "a", "b"))
    assert web.sent()["X-Key"] == "secret"
    assert "secret" not in repr(told)


# Pages.

TEASER = Article(id="a", source="s", url="https://news.example/a", title="T", summary="A teaser.", digest="d")
LONG = "A long text. " * 100
PAGE = Page(title="Page", text=LONG, language="en", published=NOW, author="Ann")


@dataclass
class Extractor:
    """Finds one page."""

    page: Page = PAGE

    async def __call__(self, body: bytes, *, url: str, content_type: str) -> Page:
        if body == b"odd":
            raise Unreadable("no text on the page")
        return self.page


@pytest.fixture
def filler(web: Web) -> PageFiller:
    return PageFiller(get=web.get, extract=Extractor(), clock=lambda: NOW)


async def test_a_teaser_is_completed_from_its_page(filler: PageFiller) -> None:
    filled = await filler.fill(TEASER)

    assert filled == replace(TEASER, body=LONG, language="en", published=NOW, author="Ann")


async def test_what_the_feed_said_stays(filler: PageFiller) -> None:
    given = replace(TEASER, title="", language="de", author="Bob", published=NOW - timedelta(days=1))
    filled = await filler.fill(given)

    assert (filled.title, filled.language, filled.author, filled.published) == ("Page", "de", "Bob", given.published)


@pytest.mark.parametrize(
    ("article", "wanted", "asked"),
    [
        (TEASER, "auto", True),
        (TEASER, "never", False),
        (replace(TEASER, body=LONG), "auto", False),
        (replace(TEASER, body=LONG), "always", True),
        (replace(TEASER, body=LONG + "and then …"), "auto", True),
        (replace(TEASER, body=LONG + "Read more"), "auto", True),
        (replace(TEASER, summary=LONG), "auto", False),
        (replace(TEASER, summary=LONG + "and then [...]"), "auto", True),
        (replace(TEASER, url=None), "always", False),
    ],
)
async def test_a_page_is_asked_for_where_it_is_wanted(
    filler: PageFiller, web: Web, article: Article, wanted: str, *, asked: bool
) -> None:
    await replace(filler, wanted={"s": wanted}).fill(article)

    assert bool(web.asked) == asked


async def test_a_page_with_less_text_than_the_feed_changes_nothing_of_it(web: Web) -> None:
    filler = PageFiller(get=web.get, extract=Extractor(replace(PAGE, text="Log in")), clock=lambda: NOW, wanted={"s": "always"})

    assert (await filler.fill(replace(TEASER, body=LONG))).body == LONG


@pytest.mark.parametrize(
    ("answer", "why", "wait"),
    [
        (Response(status=429, url=URL, headers={"retry-after": "9"}), "HTTP 429", timedelta(seconds=9)),
        (Response(status=403, url=URL), "HTTP 403", None),
        (replace(OK, body=b"odd"), "no text on the page", None),
    ],
)
async def test_a_page_that_does_not_come_is_a_failure(
    filler: PageFiller, web: Web, answer: Response, why: str, wait: timedelta | None
) -> None:
    web.answer = answer
    with pytest.raises(FetchFailed, match=why) as failed:
        await filler.fill(TEASER)

    assert failed.value.wait == wait
