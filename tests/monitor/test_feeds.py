"""Feeds become articles; what is no feed is said so."""

from __future__ import annotations

import io
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from monitor import feeds
from monitor.errors import Unreadable
from monitor.feeds.sift import sift
from rules import Article

URL = "https://news.example/feed.xml"


def rss(*items: str, more: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f"<?xml version='1.0'?><rss version='2.0' {more}><channel><title>T</title>{inside}</channel></rss>".encode()


def atom(entry: str) -> bytes:
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry>{entry}</entry></feed>".encode()


def parsed(body: bytes, **headers: str) -> tuple[Article, ...]:
    return feeds.parse(body, source="s", url=URL, headers=headers).articles


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
        dating="stated",
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
    here, there = (feeds.parse(body, source="s", url=url, headers={}).articles[0] for url in (URL, "http://other.example/"))

    assert here == there
    assert (here.id, here.url) == ("s#1", None)


def test_an_entry_that_says_nothing_is_left_out() -> None:
    assert ids("<guid>1</guid>", "<guid>2</guid><title>A</title>") == ["s#2"]


def test_the_digest_changes_with_the_text_and_with_nothing_else() -> None:
    base = "<guid>1</guid><title>A</title><description>{}</description><category>{}</category>"
    one, tagged, edited = (only(rss(base.format(*words))).digest for words in (("x", "a"), ("x", "b"), ("y", "a")))

    assert one == tagged != edited


# What was read before.


def items(*numbers: int, say: str = "text") -> list[str]:
    return [f"<guid>{n}</guid><title>{n}</title><description>{say}</description>" for n in numbers]


def seen(body: bytes, known: tuple[str, ...] = ()) -> feeds.Parsed:
    return feeds.parse(body, source="s", url=URL, headers={}, known=frozenset(known))


def titles(body: bytes, known: tuple[str, ...] = ()) -> list[str]:
    return [article.title for article in seen(body, known).articles]


def test_only_what_is_not_known_comes_back_and_everything_has_a_mark() -> None:
    before = seen(rss(*items(1, 2, 3)))
    after = seen(rss(*items(0, 1, 2)), before.marks)

    assert [article.id for article in after.articles] == ["s#0"]
    assert (len(after.marks), after.marks[1:]) == (3, before.marks[:2])
    assert titles(rss(*items(1, 2, 3)), before.marks) == []


def test_an_edited_entry_is_unknown_again() -> None:
    before = seen(rss(*items(1, 2)))

    assert titles(rss(*items(1), *items(2, say="edited")), before.marks) == ["2"]


def test_items_of_a_json_feed_are_known_again_until_edited() -> None:
    def body(*texts: str) -> bytes:
        found = [{"id": n, "title": f"{n}", "content_text": text} for n, text in enumerate(texts)]
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": found}).encode()

    assert titles(body("a", "b"), seen(body("a", "b")).marks) == []
    assert titles(body("a", "c"), seen(body("a", "b")).marks) == ["1"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(rss(*["<guid>x</guid><title>A</title>"] * 2, "<title>B</title>"), id="guids that do not tell"),
        pytest.param(b"<!DOCTYPE rss [<!ENTITY e 'x'>]>" + rss(*items(1, 2)).split(b"?>")[1], id="doctype"),
        pytest.param(rss(*items(1, 2)).replace(b"<title>2", b"<title>&nbsp; 2"), id="ill-formed"),
        pytest.param(rss(*items(1, 2)).replace(b"<title>2", b"<x:y/><title>2"), id="undeclared prefix"),
        pytest.param(rss(*items(1, 2)).decode().replace("?>", " encoding='utf-16'?>").encode("utf-16"), id="utf-16"),
        pytest.param(
            rss(*(f"<guid>{n}</guid><x:a xmlns:x='urn:{n}'/><title>{n}</title>" for n in (1, 2))), id="a prefix of two meanings"
        ),
        pytest.param(rss("<guid>1</guid><title>1</title><item><guid>2</guid><title>2</title></item>"), id="nested"),
    ],
)
def test_what_cannot_be_sifted_is_read_whole_and_known_all_the_same(body: bytes) -> None:
    found = seen(body)

    assert sift(body, URL, "") is None
    assert found.marks
    assert seen(body, found.marks) == feeds.Parsed(marks=found.marks, title=found.title)


def test_known_entries_never_reach_feedparser(monkeypatch: pytest.MonkeyPatch) -> None:
    body = rss(*items(*range(50)))
    known = seen(body).marks[1:]
    given: list[bytes] = []
    real = feedparser.parse

    def watched(stream: io.BytesIO, **more: object) -> object:
        given.append(stream.getvalue())
        return real(stream, **more)

    monkeypatch.setattr(feedparser, "parse", watched)

    assert titles(body, known) == ["0"]
    assert [one.count(b"<item>") for one in given] == [1]


def test_if_prefixes_were_not_watched_an_entry_would_read_differently_without_another() -> None:
    """The negative control: feedparser remembers what a prefix meant in the entry before."""
    one = "<guid>1</guid><x:creator xmlns:x='http://purl.org/dc/elements/1.1/'>A</x:creator>"
    other = "<guid>2</guid><title>2</title><x:creator xmlns:x='urn:other'>B</x:creator>"
    whole, alone = (feedparser.parse(io.BytesIO(rss(*some))).entries[-1] for some in ((one, other), (other,)))

    assert ("author" in whole) != ("author" in alone)
    assert sift(rss(one, other), URL, "") is None


@pytest.mark.parametrize(
    ("declared", "sent", "sifts"),
    [
        ("", "", True),
        ("utf-8", "text/xml; charset=UTF-8", True),
        ("windows-1251", "", True),
        ("windows-1251", "text/xml; charset=utf-8", False),
        ("", "application/rss+xml; charset=windows-1251", False),
        ("", "text/xml; charset=nonsense", False),
    ],
)
def test_a_feed_is_sifted_only_if_its_encoding_is_certain(declared: str, sent: str, sifts: object) -> None:
    body = rss(*items(1, 2)).replace(b"<?xml version='1.0'?>", f"<?xml version='1.0' encoding='{declared or 'utf-8'}'?>".encode())

    assert (sift(body, URL, sent) is not None) == sifts


@pytest.mark.parametrize(
    ("said", "ttl"),
    [
        ("<ttl>60</ttl>", timedelta(hours=1)),
        ("<ttl>0</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>9999999</ttl>", timedelta(days=365)),
        ("<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", timedelta(minutes=30)),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", timedelta(days=1)),
        ("<sy:updatePeriod>often</sy:updatePeriod>", None),
        ("", None),
    ],
)
def test_a_feed_may_say_how_long_it_stays_as_it_is(said: str, ttl: timedelta | None) -> None:
    namespace = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"
    body = rss(*items(1), more=namespace).replace(b"<title>T</title>", said.encode())

    assert seen(body).ttl == ttl
    assert seen(body, seen(body).marks).ttl == ttl


def test_what_parsing_gives_can_be_sent_to_another_process() -> None:
    found = seen(rss(*items(1)))

    assert pickle.loads(pickle.dumps(found)) == found


def test_an_entry_without_a_text_is_kept_for_the_sake_of_its_page() -> None:
    assert ids("<link>https://news.example/a</link>") == ["s#https://news.example/a"]


def test_an_entry_says_how_far_its_date_can_be_believed_and_when_it_was_changed() -> None:
    article = only(atom("<id>1</id><title>A</title><published>last week</published><updated>2026-07-01T10:00:00</updated>"))
    undated = only(rss("<title>A</title><pubDate>last week</pubDate>"))

    assert (article.dating, article.published) == ("zoneless", article.updated)
    assert (undated.dating, undated.published, undated.updated) == ("unreadable", None, None)
    assert only(rss("<title>A</title>")).dating == "absent"


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
        ("1782900000", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_utc_and_absurd_ones_are_none(said: str, published: datetime | None) -> None:
    assert only(rss(f"<title>A</title><pubDate>{said}</pubDate>")).published == published


@pytest.mark.parametrize("guid", ["<guid>{}</guid>", "<x>{}</x>"])
def test_no_more_than_two_thousand_entries_are_read_and_that_is_said(guid: str) -> None:
    found = seen(rss(*(f"{guid.format(n)}<title>{n}</title>" for n in range(2_100))))

    assert (len(found.articles), len(found.marks), found.remarks) == (2_000, 2_000, ("cut at 2,000 entries",))


@pytest.mark.parametrize("form", ["sifted", "whole", "json"])
def test_of_too_many_entries_the_first_and_the_last_are_read_as_new_ones_may_come_at_either_end(form: str) -> None:
    def feed(count: int) -> bytes:
        if form == "json":
            items = [{"id": f"{n}", "title": f"{n}", "content_text": "x"} for n in range(count)]
            return json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()
        whole = rss(*(f"<guid>{n}</guid><title>{n}</title>" for n in range(count)))
        return whole if form == "sifted" else whole.replace(b"<rss", b"<!DOCTYPE rss><rss", 1)

    before = seen(feed(2_500))
    after = seen(feed(2_501), before.marks)
    read = [one.title for one in before.articles]
    assert (read[0], read[999], read[1_000], read[-1], len(before.marks)) == ("0", "999", "1500", "2499", 2_000)
    assert [one.title for one in after.articles] == ["2500"]


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


# Found by benchmarks/fuzz.py.


@pytest.mark.parametrize(
    "link",
    [
        "https://:word@news.example/a",
        "https://@news.example/a",
        "https://news.example:99999/a",
        "https://news.example:-1/a",
        "https://[/a",
    ],
)
def test_a_link_with_credentials_or_a_port_that_is_none_is_none(link: str) -> None:
    assert only(rss(f"<guid isPermaLink='false'>1</guid><title>a</title><link>{link}</link>")).url is None


def test_nothing_that_ends_a_line_or_moves_a_cursor_comes_into_links_and_ids() -> None:
    article = only(
        rss("<guid isPermaLink='false'>one\ntwo\x7f</guid><title>a</title><link>https://news.example/a\x7f\x85b\u2028c</link>")
    )

    assert article.id == "s#one two"
    assert article.url == "https://news.example/a…bc"


def test_a_guid_is_the_same_on_one_line_and_on_two_whichever_way_the_feed_is_read() -> None:
    body = rss("<guid>a\nb</guid><title>x</title>", "<guid>a b</guid><title>y</title>")
    whole = parsed(body.replace(b"<rss", b"<!DOCTYPE rss><rss"))

    assert [one.id for one in parsed(body)] == [one.id for one in whole]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-16-le"])
def test_much_blank_space_before_the_first_element_does_not_hang_feedparser(encoding: str) -> None:
    """What is tested is that this ends: without the guard 100 kB of it take minutes."""
    blank = f" encoding='{encoding}'?>" + " \t\r\n" * 60_000
    feed = rss("<title>a</title><link>https://news.example/a</link>").decode().replace("?>", blank)

    assert only(feed.encode(encoding)).title == "a"


def test_the_guard_against_blank_space_leaves_other_feeds_alone() -> None:
    body = b"<?xml version='1.0'?>\n\n<!-- a  b -->\n<rss>" + b" " * 1_000 + b"</rss>"

    assert feeds.rss._begun(body) == body
    assert feeds.rss._begun(b" " * 1_000 + body) == b"\n" + body
