"""Feeds become articles; what is no feed is said so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from monitor import feeds
from monitor.errors import Unreadable
from rules import Article

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "feeds"
URL = "https://news.example/feed.xml"


def rss(*items: str, more: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f"<?xml version='1.0'?><rss version='2.0' {more}><channel><title>T</title>{inside}</channel></rss>".encode()


def atom(entry: str) -> bytes:
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry>{entry}</entry></feed>".encode()


def parsed(body: bytes, **headers: str) -> tuple[Article, ...]:
    return feeds.parse(body, source="s", url=URL, headers=headers)


def only(body: bytes) -> Article:
    (article,) = parsed(body)
    return article


CONTENT = "xmlns:content='http://purl.org/rss/1.0/modules/content/'"


def test_an_rss_item_becomes_an_article() -> None:
    article = only(
        rss(
            "<guid isPermaLink='false'>id-1</guid><title>Talks &amp;amp; truce</title><link>HTTPS://News.Example/a?utm_source=x</link>"
            "<description>&lt;p&gt;A teaser.&lt;/p&gt;</description><author>A. Writer</author><category>world</category>"
            "<content:encoded><![CDATA[<p>First  paragraph.</p><p>Second<br>line.</p><script>evil()</script>]]></content:encoded>"
            "<pubDate>Wed, 01 Jul 2026 12:00:00 +0300</pubDate>",
            more=CONTENT,
        ).replace(b"<title>T</title>", b"<title>T</title><language>en-GB</language>")
    )

    assert article == Article(
        id="s#id-1",
        digest=article.digest,
        source="s",
        title="Talks & truce",
        summary="A teaser.",
        body="First paragraph.\n\nSecond\nline.",
        url="https://news.example/a",
        author="A. Writer",
        language="en",
        tags=("world",),
        published=datetime(2026, 7, 1, 9, 0, tzinfo=UTC),
    )
    assert len(article.digest) == 64


def test_an_atom_entry_is_believed_on_what_is_markup() -> None:
    article = only(
        atom(
            "<id>tag:1</id><title type='text'>x &lt;b&gt; y</title><summary type='html'>&lt;i&gt;so&lt;/i&gt;</summary>"
            "<link href='/a'/><updated>2026-07-01T10:00:00Z</updated>"
        )
    )

    assert (article.title, article.summary, article.url) == ("x <b> y", "so", "https://news.example/a")
    assert article.published == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def test_a_json_feed_is_read() -> None:
    item = {
        "id": 7,
        "url": "https://news.example/7",
        "title": "T",
        "summary": "S",
        "content_html": "<p>One.</p><p>Two.</p>",
        "date_published": "2026-07-01T10:00:00+02:00",
        "authors": [{"name": "A"}],
        "tags": ["x"],
        "language": "uk",
    }
    article = only(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item, "odd"]}).encode())

    assert (article.id, article.body, article.author, article.language) == ("s#7", "One.\n\nTwo.", "A", "uk")
    assert article.published == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \n\xef\xbb\xbf ", "empty"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "HTML where a feed should be"),
        (b"%PDF-1.4 nonsense", "not a feed"),
        (b"\x00\x01\x02\xff", "not a feed"),
        (b"<note><to>you</to></note>", "not a feed"),
        (b'{"items": []}', "no JSON Feed"),
        (b"[1, 2]", "no JSON Feed"),
        (b'{"version": ', "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
def test_what_is_no_feed_is_said_so(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        parsed(body)


def test_a_body_that_names_a_file_does_not_open_it(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(rss("<title>secret</title>"))
    for body in (str(file).encode(), str(file).encode() + b"\n", file.as_uri().encode()):
        with pytest.raises(Unreadable):
            parsed(body)


def test_without_our_care_it_would(tmp_path: Path) -> None:
    """The negative control: given the bytes themselves, feedparser opens the file that they name."""
    file = tmp_path / "feed.xml"
    file.write_bytes(rss("<title>secret</title>"))

    assert feedparser.parse(str(file).encode()).entries[0].title == "secret"


def test_entities_are_neither_fetched_nor_blown_up(tmp_path: Path) -> None:
    file = tmp_path / "canary"
    file.write_text("canary")
    outside = f"<!DOCTYPE rss [<!ENTITY x SYSTEM '{file.as_uri()}'>]>".encode()
    laughs = b"<!DOCTYPE rss [<!ENTITY a 'ha'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghi"
    )

    for article in parsed(outside + rss("<title>n &x; m</title>").split(b"?>")[1]):
        assert "canary" not in article.title
    try:
        found = parsed(laughs + b"]>" + rss("<title>n &i; m</title>").split(b"?>")[1])
    except Unreadable:
        found = ()
    assert sum(len(article.title) for article in found) < 1_000_000


# Which article is which.


def ids(*items: str) -> list[str]:
    return [article.id for article in parsed(rss(*items))]


def test_without_a_guid_the_link_says_which_article_it_is_and_without_a_link_its_text() -> None:
    first, second, third = ids(
        "<title>A</title><link>https://news.example/a</link>",
        "<title>B</title>",
        "<title>B</title><description>other</description>",
    )

    assert first == "s#https://news.example/a"
    assert second != third
    assert len(second) == len(third) == len("s#") + 64


def test_a_guid_that_several_articles_share_is_not_used() -> None:
    assert ids(
        "<guid isPermaLink='false'>x</guid><title>A</title><link>https://news.example/a</link>",
        "<guid isPermaLink='false'>x</guid><title>B</title><link>https://news.example/b</link>",
    ) == ["s#https://news.example/a", "s#https://news.example/b"]


def test_a_guid_that_is_the_feed_itself_is_not_used() -> None:
    assert ids(f"<guid>{URL}</guid><title>A</title><link>https://news.example/a</link>") == ["s#https://news.example/a"]


def test_the_same_entry_twice_is_one_article_and_the_first_counts() -> None:
    same = "<guid>https://news.example/a</guid><title>A</title><description>{}</description>"

    assert [article.summary for article in parsed(rss(same.format("new"), same.format("old")))] == ["new"]


def test_a_guid_stays_the_same_wherever_the_feed_is_and_is_no_address_unless_it_looks_like_one() -> None:
    body = rss("<guid>1</guid><title>A</title>")
    here, there = (feeds.parse(body, source="s", url=url, headers={})[0] for url in (URL, "http://other.example/"))

    assert here == there
    assert (here.id, here.url) == ("s#1", None)


def test_an_entry_that_says_nothing_is_left_out() -> None:
    assert ids("<guid>1</guid>", "<guid>2</guid><title>A</title>") == ["s#2"]


def test_the_digest_changes_with_the_text_and_with_nothing_else() -> None:
    base = "<guid>1</guid><title>A</title><description>{}</description><category>{}</category>"
    one, tagged, edited = (only(rss(base.format(*words))).digest for words in (("x", "a"), ("x", "b"), ("y", "a")))

    assert one == tagged != edited


# Hostile and careless feeds.


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "http://[bad",
        "http://u:p@news.example/",
        "mailto:a@b.example",
        "",
    ],
)
def test_a_link_that_is_no_plain_web_address_is_none(link: str) -> None:
    assert only(rss(f"<guid>1</guid><title>A</title><link>{link}</link>")).url is None


@pytest.mark.parametrize(
    ("said", "published"),
    [
        ("2026/07/01 10:00", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("20260701T100000Z", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("Wed, 01 Jul 2026 10:00:00 GMT", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1782900000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_utc_and_absurd_ones_are_none(said: str, published: datetime | None) -> None:
    assert only(rss(f"<title>A</title><pubDate>{said}</pubDate>")).published == published


def test_no_more_than_two_thousand_entries_are_read() -> None:
    assert len(parsed(rss(*(f"<guid>{n}</guid><title>{n}</title>" for n in range(2_100))))) == 2_000


def test_texts_hold_nothing_that_a_store_could_choke_on() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1",
        "items": [{"id": "\ud800", "title": "a\x00b\ud800c", "content_text": "\udfff\x08x"}],
    }
    article = only(json.dumps(feed).encode())

    assert (article.title, article.body) == ("abc", "x")
    article.id.encode("utf-8")


@pytest.mark.parametrize("piece", ["<!--", "<a ", "<b>", "<div>", "&lt;", "<![CDATA[", "<script>", "</p>", "&#", "<"])
def test_hostile_markup_costs_time_in_proportion(piece: str) -> None:
    """A quadratic reader would need minutes for these and run into the test's own time limit."""
    content = (piece * 60_000).replace("&", "&amp;").replace("<", "&lt;")

    parsed(rss(f"<guid>1</guid><title>A</title><description>{content}</description>"))


# Real ones.

needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="../shared/corpus/feeds is not here")


def manifest() -> list[dict[str, object]]:
    if not CORPUS.exists():
        return []
    return [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text("utf-8").splitlines()]


@needs_corpus
def test_of_hundreds_of_feeds_none_raises_anything_but_unreadable() -> None:
    for row in manifest():
        try:
            found = parsed((CORPUS / str(row["file"])).read_bytes())
        except Unreadable:
            continue
        for article in found:
            f"{article}".encode()


@needs_corpus
def test_every_well_formed_news_feed_yields_its_entries() -> None:
    wrong: dict[object, int] = {}
    for row in manifest():
        if row.get("wellformed_xml") and row["kind"] != "synthetic_test":
            found = feeds.entries((CORPUS / str(row["file"])).read_bytes(), url=URL, headers={})
            wrong |= {row["file"]: len(found)} if len(found) != row["n_items"] else {}

    assert wrong == {}


@needs_corpus
def test_titles_and_dates_are_those_of_another_parser() -> None:
    """Of feed-rs; it refuses none of these dates, and we one: Italian names of months."""
    unequal = []
    for row in manifest():
        if "expected/feed-rs" not in str(row.get("expected_file", "")):
            continue
        expected = json.loads((CORPUS / str(row["expected_file"])).read_text("utf-8"))
        found = feeds.entries((CORPUS / str(row["file"])).read_bytes(), url=URL, headers={})
        for ours, theirs in zip(found, (expected.get("feed") or expected).get("entries", []), strict=False):
            stated = theirs.get("published") or theirs.get("updated")
            same_date = stated is None or ours.published == datetime.fromisoformat(stated)
            same_title = ours.title == " ".join((theirs.get("title") or {}).get("content", "").split())
            unequal += [] if same_date and same_title else [row["file"]]

    assert unequal == ["feed-rs/rss_2.0_ilmessaggero.xml"]
