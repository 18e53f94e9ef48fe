"""Finding a page's feeds: what it states, what it links to, where they usually are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import discovery
from monitor.discovery import Candidate

URL = "https://news.example/world/"
GUESSES = [
    *(f"https://news.example/world/{name}" for name in discovery.GUESSES),
    *(f"https://news.example/{name}" for name in discovery.GUESSES),
]


def page(head: str = "", body: str = "") -> bytes:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def found(head: str = "", body: str = "") -> list[Candidate]:
    """What is found but guesses."""
    return [one for one in discovery.feeds(page(head, body), URL, "text/html") if one.kind != "guess"]


def test_what_the_page_states_comes_first_then_links_then_guesses_and_comments_last() -> None:
    head = (
        "<link rel='alternate' type='application/rss+xml' title='News » Comments Feed' href='/comments/feed/'>"
        "<link rel='alternate' type='application/rss+xml; charset=utf-8' title='News' href='/feed.rss'>"
        "<link rel='ALTERNATE home' type='application/atom+xml' href='atom'><link rel=alternate type=application/feed+json href=/feed.json>"
    )
    body = "<a href='https://feeds.other.example/news'>RSS</a><a href='/feed.rss'>The feed</a><a href='/about'>About</a>"
    candidates = discovery.feeds(page(head, body), URL, "text/html")

    assert candidates[:4] == [
        Candidate(url="https://news.example/feed.rss", title="News", kind="rss"),
        Candidate(url="https://news.example/world/atom", kind="atom"),
        Candidate(url="https://news.example/feed.json", kind="json"),
        Candidate(url="https://feeds.other.example/news", title="RSS", kind="link"),
    ]
    assert [one.url for one in candidates[4:-1]] == [url for url in GUESSES if url != "https://news.example/feed.json"]
    assert candidates[-1] == Candidate(url="https://news.example/comments/feed/", title="News » Comments Feed", kind="rss")


@pytest.mark.parametrize(
    "link",
    [
        "<link rel='alternate' type='application/json' href='/wp-json/wp/v2/pages/2'>",
        "<link rel='alternate' type='application/json+oembed' href='/oembed?url=feed'>",
        "<link rel='alternate' hreflang='de' href='/de/'>",
        "<link rel='stylesheet' type='application/rss+xml' href='/feed'>",
        "<link rel='alternate' type='application/rss+xml' href='javascript:feed()'>",
        "<link rel='alternate' type='application/rss+xml'>",
        "<link rel='alternate' type='text/xml' href='/sitemap.xml'>",
    ],
)
def test_not_every_alternate_is_a_feed(link: str) -> None:
    assert found(link) == []


@pytest.mark.parametrize(
    "href",
    ["/rss", "/world/feed/", "/rss/world.xml", "/news.rss", "/world/rss.xml", "/index.xml", "/?feed=rss2", "/list?format=rss", "/a/atom.php",
     "feed:https://news.example/x", "https://feeds.feedburner.com/news", "/news_rss.aspx"],
)  # fmt: skip
def test_links_that_look_like_feeds_are_found(href: str) -> None:
    assert [one.kind for one in found(body=f"<a href='{href}'>x</a>")] == ["link"]


@pytest.mark.parametrize(
    "href",
    ["/feedback", "/rss-explained-in-ten-steps", "/sitemap.xml", "https://feedly.com/i/subscription/feed/https%3A%2F%2Fnews.example%2Ffeed",
     "/newsfeed-algorithms.html", "mailto:rss@news.example", "/atomic"],
)  # fmt: skip
def test_links_that_do_not_are_left_alone(href: str) -> None:
    assert found(body=f"<a href='{href}'>x</a>") == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<?xml version='1.0'?>\n<rss version='2.0'><channel/></rss>", "rss"),
        (b"\xef\xbb\xbf<feed xmlns='http://www.w3.org/2005/Atom'/>", "atom"),
        (b"<!-- hello --><rdf:RDF xmlns:rdf='x'/>", "rss"),
        (b'{"version": "https:\\/\\/jsonfeed.org\\/version\\/1.1", "items": []}', "json"),
    ],
)
def test_a_feed_is_its_own(body: bytes, kind: str) -> None:
    assert discovery.feeds(body, URL, "") == [Candidate(url=URL, kind=kind)]


@pytest.mark.parametrize("body", [b"", b"%PDF\0\0\0", b'{"a": 1}', b"<p>no head, no links"])
def test_what_states_nothing_leaves_the_guesses(body: bytes) -> None:
    assert discovery.feeds(body, URL, "") == [Candidate(url=url) for url in GUESSES]


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://news.example", "https://news.example/feed"),
        ("https://news.example/world", "https://news.example/world/feed"),
        ("https://news.example/world/index.html?x=1", "https://news.example/world/feed"),
    ],
)
def test_guesses_begin_under_the_page_s_own_path(url: str, first: str) -> None:
    candidates = discovery.feeds(b"", url, "")

    assert candidates[0].url == first
    assert len({one.url for one in candidates}) == len(candidates)


def test_a_page_that_links_to_a_thousand_feeds_gives_fifty_of_them() -> None:
    assert len(found(body="".join(f"<a href='/{at}/feed'>x</a>" for at in range(1_000)))) == 50


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<link rel=alternate type=application/rss+xml href=", "<a href=", "/feed", "'", ">", "http://[", "<base href='http://['>",
             "<base href=//x>",
             "é", "\0", "</a>", "feed://", "?feed=rss", "<!--", "<rss", "{"]
        ),
        max_size=25,
    ).map(lambda parts: "".join(parts).encode())
    | st.binary(max_size=200)
)  # fmt: skip
def test_whatever_the_page_is_addresses_of_the_web_come_out(body: bytes) -> None:
    candidates = discovery.feeds(body, URL, "text/html")

    assert all(one.url.startswith(("http://", "https://")) for one in candidates)
    assert len({one.url for one in candidates}) == len(candidates) > 0
