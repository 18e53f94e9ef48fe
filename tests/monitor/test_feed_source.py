"""A feed asked politely, and pages asked for where they are needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.errors import FetchFailed, Unreadable
from monitor.feeds import Parsed
from monitor.model import Fresh, Original
from monitor.pages import Page
from monitor.sources.feed import FeedSource
from monitor.sources.labels import Labels
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

    async def __call__(
        self, body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> Parsed:
        self.calls += 1
        if body == b"odd":
            raise Unreadable("HTML where a feed should be")
        article = Article(id=f"{source}#1", title=body.decode(), language="de", tags=("a", "b"))
        mark = f"mark-of-{body.decode()}"
        return Parsed(articles=() if mark in known else (article,), marks=(mark, "old"), ttl=timedelta(minutes=30))


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


async def test_an_entry_that_was_there_the_last_time_is_not_handed_on_again(source: FeedSource, web: Web, parser: Parser) -> None:
    cursor = (await source.fetch({})).cursor
    web.answer = replace(OK, body=b"feed" if parser.calls > 1 else b"more")
    more = await source.fetch(cursor)
    web.answer = OK
    back = await source.fetch({**more.cursor, "known": more.cursor["known"] + " mark-of-feed"})

    assert [article.title for article in more.articles] == ["more"]
    assert (back.articles, back.listed, back.unchanged) == ((), 2, False)


async def test_the_bytes_that_articles_were_read_from_come_with_them(source: FeedSource) -> None:
    fetched = await source.fetch({})

    assert fetched.original == Original(url=URL, at=NOW, body=b"feed")
    assert fetched.original
    assert fetched.original.sha256 == hashlib.sha256(b"feed").hexdigest()


async def test_how_long_an_answer_is_good_for_is_the_longer_of_what_server_and_feed_say(source: FeedSource, web: Web) -> None:
    web.answer = replace(OK, headers={"cache-control": "max-age=60"})

    assert (await source.fetch({})).lasting == timedelta(minutes=30)


async def test_it_is_asked_where_it_has_moved_to_and_says_so_again(source: FeedSource, web: Web) -> None:
    web.answer = replace(OK, moved="https://new.example/feed")
    first = await source.fetch({})
    web.answer = Response(status=304, url="https://new.example/feed")
    second = await source.fetch({**first.cursor, "address": "https://new.example/feed"})

    assert [url for url, _ in web.asked] == [URL, "https://new.example/feed"]
    assert (first.moved, second.moved) == ("https://new.example/feed", "https://new.example/feed")
    assert "address" not in second.cursor


async def test_what_was_learnt_of_another_address_counts_for_nothing(source: FeedSource, web: Web) -> None:
    cursor = {**(await source.fetch({})).cursor, "address": "https://new.example/feed"}
    await replace(source, url="https://other.example/feed").fetch(cursor)

    assert web.asked[-1][0] == "https://other.example/feed"
    assert "If-None-Match" not in web.sent()


async def test_a_clock_that_was_ahead_does_not_keep_it_from_being_asked_whole(source: FeedSource, web: Web) -> None:
    cursor = (await replace(source, clock=lambda: NOW + timedelta(days=400)).fetch({})).cursor
    await source.fetch(cursor)

    assert "If-None-Match" not in web.sent()


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
    labels = Labels(language="en", kind="state-media", tags=("wire", "a"))
    told = replace(source, labels=labels, headers={"X-Key": "secret"})
    (article,) = (await told.fetch({})).articles

    assert (article.language, article.source_kind, article.tags) == ("en", "state-media", ("wire", "a", "b"))
    assert web.sent()["X-Key"] == "secret"
    assert "secret" not in repr(told)


# Pages.

TEASER = Article(id="a", source="s", url="https://news.example/a", title="T", summary="A teaser.", digest="d")
LONG = "A long text. " * 100
PAGE = Page(title="Page", text=LONG, language="en", published=NOW, dating="stated", author="Ann")


@dataclass
class Extractor:
    """Finds one page; on one that is dull, nothing of interest."""

    page: Page = PAGE

    async def __call__(self, body: bytes, *, url: str, content_type: str, title: str = "", summary: str = "") -> Page | None:
        if body == b"odd":
            raise Unreadable("no text on the page")
        return None if body == b"dull" else self.page

    async def all(self, body: bytes, *, url: str, content_type: str) -> Page:
        return self.page


@pytest.fixture
def filler(web: Web) -> PageFiller:
    return PageFiller(get=web.get, read=Extractor(), extract=Extractor().all, clock=lambda: NOW)


async def test_a_teaser_is_completed_from_its_page(filler: PageFiller) -> None:
    filled = await filler.fill(Fresh(article=TEASER))

    assert filled.article == replace(TEASER, body=LONG, language="en", published=NOW, author="Ann")
    assert filled.page == Original(url=URL, at=NOW, body=b"feed", kind="page")
    assert filled.read


async def test_a_page_that_no_rule_can_want_is_kept_and_not_read(filler: PageFiller, web: Web) -> None:
    web.answer = replace(OK, body=b"dull")
    filled = await filler.fill(Fresh(article=TEASER))

    assert (filled.article, filled.read) == (TEASER, False)
    assert filled.page
    assert filled.page.body == b"dull"


async def test_the_page_of_an_edited_article_is_read_whatever_the_rules_want(filler: PageFiller, web: Web) -> None:
    web.answer = replace(OK, body=b"dull")
    filled = await filler.fill(Fresh(article=TEASER, first_seen=NOW))

    assert (filled.article.body, filled.read) == (LONG, True)


async def test_a_page_that_robots_txt_keeps_us_from_is_not_missing(filler: PageFiller) -> None:
    async def get(url: str, *, headers: Mapping[str, str]) -> Response:
        raise FetchFailed("robots.txt asks us to stay away", kind="robots")

    assert (await replace(filler, get=get).fill(Fresh(article=TEASER))).article == TEASER


async def test_the_date_of_a_page_is_better_than_that_of_the_first_sight(filler: PageFiller) -> None:
    given = replace(TEASER, published=NOW, dating="absent")
    page = replace(PAGE, published=NOW - timedelta(hours=5))
    told = (await replace(filler, read=Extractor(page)).fill(Fresh(article=given))).article
    ahead = (
        await replace(filler, read=Extractor(replace(PAGE, published=NOW + timedelta(hours=5)))).fill(Fresh(article=given))
    ).article

    assert (told.published, told.dating) == (NOW - timedelta(hours=5), "stated")
    assert (ahead.published, ahead.dating) == (NOW, "absent")


async def test_what_the_feed_said_stays(filler: PageFiller) -> None:
    given = replace(TEASER, title="", language="de", author="Bob", published=NOW - timedelta(days=1))
    filled = (await filler.fill(Fresh(article=given))).article

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
    await replace(filler, wanted={"s": wanted}).fill(Fresh(article=article))

    assert bool(web.asked) == asked


async def test_a_page_with_less_text_than_the_feed_changes_nothing_of_it(web: Web) -> None:
    filler = PageFiller(
        get=web.get,
        read=Extractor(replace(PAGE, text="Log in")),
        extract=Extractor().all,
        clock=lambda: NOW,
        wanted={"s": "always"},
    )

    assert (await filler.fill(Fresh(article=replace(TEASER, body=LONG)))).article.body == LONG


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
        await filler.fill(Fresh(article=TEASER))

    assert failed.value.wait == wait
