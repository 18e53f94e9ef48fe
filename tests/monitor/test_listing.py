"""A page without a feed: which of its links are articles, what they are called, and when they are from."""

from __future__ import annotations

import contextlib
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from monitor import hrefs, identity, listing
from monitor.errors import Unreadable
from rules import Article

URL = "https://www.news.example/world/"


def page(inside: str, head: str = "") -> bytes:
    return f"<!doctype html><html><head><meta charset='utf-8'>{head}</head><body>{inside}</body></html>".encode()


def read(body: bytes, links: str | None = None, url: str = URL) -> listing.Listed:
    return listing.parse(body, source="s", url=url, content_type="text/html", links=links)


def titles(body: bytes, links: str | None = None) -> list[str]:
    return [article.title for article in read(body, links).articles]


def test_a_picked_link_becomes_an_article() -> None:
    found = read(
        page("<div class=n><a href='/a/1/?utm_source=x#top'> Talks  open </a><a href='/more'>More</a></div>"),
        "div > a:first-child",
    )
    (article,) = found.articles

    assert article == Article(
        id="s#https://www.news.example/a/1",
        source="s",
        url="https://www.news.example/a/1",
        title="Talks open",
        dating="absent",
        digest=identity.digest("Talks open", "", ""),
    )
    assert found.listed == 1


CARD = (
    "<li class=card><a href='/a/1'><img alt='A photograph'></a><span><a href='/tag/war'>War</a></span>"
    "<h3><a href='/a/1'>Ministers to meet</a></h3><p>They will.</p><a href='/a/1#comments'>12 comments</a></li>"
)


@pytest.mark.parametrize(
    ("inside", "links", "title"),
    [
        (CARD, "li.card", "Ministers to meet"),
        (CARD, "h3 a", "Ministers to meet"),
        (CARD, "h3", "Ministers to meet"),
        (CARD, "img", "A photograph"),
        ("<a class=c href='/a/1'><h3>Ministers to meet</h3><p>They will, it is said.</p></a>", "a.c", "Ministers to meet"),
        ("<a href='/a/1'><b class=t>Ministers to meet</b> 3 hours ago</a>", "b.t", "Ministers to meet"),
        ("<article><h3>Ministers to meet</h3><a href='/a/1'>Read more</a></article>", "article", "Ministers to meet"),
        ("<a href='/a/1' aria-label='Ministers to meet'><svg></svg></a>", "a", "Ministers to meet"),
        ("<a href='/a/1' title='Ministers to meet'></a>", "a", "Ministers to meet"),
        ("<a href='/a/1'><img alt='Ministers to meet'></a>", "a", "Ministers to meet"),
        ("<a href='/a/1'><img></a>", "a", ""),
        ("<a href='/a/1'><img alt='x'></a><a href='/a/1'>Ministers to meet</a>", "a", "Ministers to meet"),
    ],
)
def test_a_selector_may_pick_the_link_what_holds_it_or_what_is_in_it(inside: str, links: str, title: str) -> None:
    (article,) = read(page(inside), links).articles

    assert (article.url, article.title) == ("https://www.news.example/a/1", title)


def test_relative_links_start_from_where_the_page_says() -> None:
    body = page("<a href='a/1'>A</a>", "<base href='/elsewhere/'>")

    assert read(body, "a").articles[0].url == "https://www.news.example/elsewhere/a/1"
    assert read(page("<a href='a/1'>A</a>"), "a").articles[0].url == "https://www.news.example/world/a/1"


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "mailto:a@b.example", "file:///etc/passwd", "https://user:pw@news.example/a", "https://", "", "http://[::1", "data:,x", "https://a.example:99999/"],
)  # fmt: skip
def test_only_the_web_is_linked_to(href: str) -> None:
    body = page(f"<a href='{href}'>Bad</a><a href='/a/1'>Good</a>")

    assert titles(body, "a") == ["Good"]


def test_without_that_guard_other_schemes_would_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(hrefs, "absolute", lambda href, base="": href)

    assert "javascript:alert(1)" in {article.url for article in read(page("<a href='javascript:alert(1)'>Bad</a>"), "a").articles}


def test_an_address_is_listed_once_and_at_most_500_are() -> None:
    twice = "".join(f"<a href='/a/{at}'>Article {at}</a><a href='/a/{at}?utm_medium=x'>Again</a>" for at in range(600))
    found = read(page(twice), "a")

    assert (len(found.articles), found.listed) == (500, 600)
    assert found.articles[0].title == "Article 0"


def test_a_date_beside_a_link_is_its_date() -> None:
    body = page(
        "<ul><li><a href='/a/1'>One</a><div><time datetime='2026-07-01T10:00:00+02:00'>today</time></div></li>"
        "<li><a href='/a/2'>Two</a></li><li><time datetime='soon'></time><a href='/a/3'>Three</a></li>"
        "<li><a href='/a/4'><time datetime='2026-07-01'>1 July</time> Four</a></li></ul>"
    )

    assert [(article.published, article.dating) for article in read(body, "li").articles] == [
        (datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "stated"),
        (None, "absent"),
        (None, "unreadable"),
        (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), "zoneless"),
    ]


def test_a_date_that_may_be_another_article_s_counts_for_none() -> None:
    body = page("<div><a href='/a/1'>One</a><a href='/a/2'>Two</a><time datetime='2026-07-01T10:00:00Z'></time></div>")

    assert {article.published for article in read(body, "a").articles} == {None}


FRONT = page(
    "<nav><ul><li><a href='/news/2026/all-the-news-of-today'>All the news of today here</a></li></ul></nav>"
    "<h2><a href='/news/ministers-to-meet-in-geneva'>Ministers to meet in Geneva on Friday</a></h2>"
    "<article><a href='/news/12345'>Ceasefire holds for a second day</a></article>"
    "<ul><li><a href='/новости/2026/07/01/пресс-конференция'>Пресс-конференция министра прошла в Москве</a></li>"
    "<li><a href='/news/20260701-1'>両国の外相が来週ジュネーブで会談へ</a></li>"
    "<li><a href='/tag/geneva-talks-2026'>All we have on the Geneva talks</a></li>"
    "<li><a href='https://other.example/news/12345'>What another site has to say on it</a></li>"
    "<li><a href='/world'>The world as we see it</a></li><li><a href='/news/12346'>World</a></li></ul>"
    "<article><p>He said so <a href='/news/2026/07/01/earlier-piece-of-his'>in an earlier piece of his</a>.</p></article>"
    "<aside><ul><li><a href='/news/11111'>Most read: the old story again</a></li></ul></aside>"
    "<footer><h3><a href='/2026/how-we-use-cookies'>How we use cookies on this site</a></h3></footer>"
)


def test_without_a_selector_headlines_of_the_site_count() -> None:
    assert titles(FRONT) == [
        "Ministers to meet in Geneva on Friday",
        "Ceasefire holds for a second day",
        "Пресс-конференция министра прошла в Москве",
        "両国の外相が来週ジュネーブで会談へ",
    ]


def test_a_selector_that_picks_no_link_is_said_so() -> None:
    with pytest.raises(Unreadable, match=r"the selector 'h2\.gone a' picks no link"):
        read(FRONT, "h2.gone a")
    with pytest.raises(Unreadable, match="say which are with `links`"):
        read(page("<a href='/'>Home</a>"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", ""), (b" \n ", "text/html"), (b"%PDF-1.4\0\0\0", ""), (b"<a href='/a/1'>A</a>", "image/png"), (b"\0\0\0\0", "")],
)
def test_what_is_no_page_is_said_so(body: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable):
        listing.parse(body, source="s", url=URL, content_type=content_type, links="a")


@pytest.mark.parametrize("text", ["h2 a", "a:not(.ad)", "a[href*='/news/']", "li:has(time), article", ":scope > a"])
def test_a_good_selector_is_good(text: str) -> None:
    assert listing.selector(text) == text


@pytest.mark.parametrize("text", ["", " ", "//a", "a,", "[", "a::text", "a{}", "a" * 501, "(" * 400])
def test_a_bad_selector_is_said_so(text: str) -> None:
    with pytest.raises(ValueError, match="selector"):
        listing.selector(text)


def test_entities_of_the_page_s_own_are_not_read(tmp_path: Path) -> None:
    """The negative control stands beside it: a parser that was told nothing reads the file."""
    file = tmp_path / "canary"
    file.write_text("canary")
    body = f"<!DOCTYPE html [<!ENTITY x SYSTEM '{file.as_uri()}'>]><html><body><a href='/a/1'>n &x; m</a></body></html>".encode()

    assert "canary" not in read(body, "a").articles[0].title
    careless = etree.XMLParser(resolve_entities=True, load_dtd=True)
    assert "canary" in "".join(etree.fromstring(body, careless).itertext())


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_deep_and_wide_page_is_read_or_refused(depth: int) -> None:
    wide = "".join(f"<a href='/b/{at}'>x</a>" for at in range(20_000))
    with contextlib.suppress(Unreadable):
        assert read(page("<div>" * depth + wide), "a").listed == 20_000


def test_what_follows_the_end_of_the_page_is_read_too() -> None:
    assert titles(page("<a href='/a/1'>One</a>") + page("<a href='/a/2'>Two</a>"), "a") == ["One", "Two"]


def test_what_it_finds_can_be_sent_from_a_worker() -> None:
    found = read(FRONT)

    assert pickle.loads(pickle.dumps(found)) == found
    assert pickle.loads(pickle.dumps(listing.parse)) is listing.parse


PIECES = st.lists(
    st.sampled_from(
        ["<a href='/a/1'>", "<a href=", "</a>", "<h2>", "</h2>", "<li>", "<time datetime='2026-07-01'>", "<time datetime=>", "text", "é",
         "<base href='//x'>",
         "<base href='http://['>", "\0", "<!--", "-->", "<![CDATA[", "&#x110000;", "<svg>", "<a href='http://[::'>x", "&amp;", "'", ">", "<article>"]
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PIECES.map("".join) | st.binary(max_size=300), st.sampled_from(["a", "li", "*", "time", None]))
def test_any_bytes_are_read_or_refused(body: str | bytes, links: str | None) -> None:
    try:
        found = read(body.encode() if isinstance(body, str) else body, links)
    except Unreadable:
        return
    assert found.articles
    for article in found.articles:
        assert str(article.url).startswith(("http://", "https://"))
        article.title.encode("utf-8")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="a.#[]()=:^$*~|'\"> ,+-0n\\x", max_size=20))
def test_any_selector_is_taken_or_refused(text: str) -> None:
    try:
        listing.selector(text)
    except ValueError:
        return
    with contextlib.suppress(Unreadable):
        read(FRONT, text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="htps:/.ab@[]?#&%\\ \n\t0é", max_size=40), st.sampled_from([URL, "", "http://["]))
def test_any_address_is_whole_or_none(href: str, base: str) -> None:
    found = hrefs.absolute(href, base)

    assert not found or (found.startswith(("http://", "https://")) and "#" not in found and hrefs.host(found))
    assert hrefs.absolute(found) == found


# Found by benchmarks/fuzz.py.


@pytest.mark.parametrize(
    "href", ["https://:word@news.example/", "https://@news.example/", "//:@news.example/a", "https://news.example:99999/"]
)
def test_an_address_with_anything_of_credentials_or_a_port_that_is_none_is_none(href: str) -> None:
    assert hrefs.absolute(href, "https://news.example/") == ""


@pytest.mark.parametrize("sign", ["\t", "\n", "\f", "\r", "\x1b", "\x7f", "\u2028", "\ud800"])
def test_no_sign_that_ends_a_line_or_moves_a_cursor_stays_in_an_address(sign: str) -> None:
    assert hrefs.absolute(f"https://news.example/a{sign}b") == "https://news.example/ab"


def test_a_host_that_is_called_www_alone_is_of_its_own_site() -> None:
    assert hrefs.same_site("https://www./a", "https://www./b")
