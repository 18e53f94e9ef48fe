"""A site's list of its addresses: what it says, what is new in it, and what it cannot do to us."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from monitor import identity, sitemaps
from monitor.arrivals import mark
from monitor.errors import Unreadable
from monitor.sitemaps import AGAIN, FIRST, FOUND, Child, Look
from rules import Article

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://news.example/sitemap.xml"
XMLNS = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"


def urlset(*rows: str, xmlns: str = XMLNS) -> bytes:
    inside = "".join(f"<url>{row}</url>" for row in rows)
    return f"<?xml version='1.0' encoding='UTF-8'?><urlset {xmlns}>{inside}</urlset>".encode()


def row(path: str, *, lastmod: datetime | None = None, published: datetime | None = None) -> str:
    changed = f"<lastmod>{lastmod.isoformat()}</lastmod>" if lastmod else ""
    news = f"<news:news><news:publication_date>{published.isoformat()}</news:publication_date></news:news>" if published else ""
    return f"<loc>https://news.example{path}</loc>{changed}{news}"


def read(body: bytes) -> sitemaps.Map:
    return sitemaps.parse(body, source="s", url=URL)


def paths(found: sitemaps.Map | sitemaps.Sifted) -> list[str]:
    return [str(article.url).removeprefix("https://news.example") for article in found.articles]


NEWS = (
    "<loc>https://news.example/a/1?utm_source=map</loc><lastmod>2026-07-01T11:00:00Z</lastmod>"
    "<image:image xmlns:image='i'><image:loc>https://news.example/photo.jpg</image:loc><image:title>Photo</image:title></image:image>"
    "<news:news><news:publication><news:name>The News</news:name><news:language>zh-cn</news:language></news:publication>"
    "<news:publication_date>2026-07-01T10:00:00+02:00</news:publication_date><news:title>Talks &amp; <![CDATA[truce]]></news:title></news:news>"
    "<video:video xmlns:video='v'><video:title>Film</video:title><video:publication_date>2001-01-01</video:publication_date></video:video>"
)


def test_an_entry_of_a_news_sitemap_becomes_an_article() -> None:
    assert read(urlset(NEWS)).articles == (
        Article(
            id="s#https://news.example/a/1",
            source="s",
            url="https://news.example/a/1",
            title="Talks & truce",
            language="zh",
            published=datetime(2026, 7, 1, 8, 0, tzinfo=UTC),
            updated=datetime(2026, 7, 1, 11, 0, tzinfo=UTC),
            digest=identity.digest("Talks & truce", "", ""),
        ),
    )


@pytest.mark.parametrize("xmlns", ["", "xmlns='https://www.sitemaps.org/schemas/sitemap/0.9/' xmlns:news='https://x'"])
def test_one_that_misspells_its_namespaces_is_read_all_the_same(xmlns: str) -> None:
    (article,) = read(urlset(NEWS, xmlns=xmlns)).articles

    assert (article.title, article.language) == ("Talks & truce", "zh")


def test_the_newest_comes_first_and_what_is_not_dated_last() -> None:
    day = timedelta(days=1)
    body = urlset(
        row("/old", lastmod=NOW - 9 * day), row("/none"), row("/new", published=NOW), row("/mid", lastmod=NOW - day), row("/none")
    )

    assert paths(read(body)) == ["/new", "/mid", "/old", "/none"]


def test_an_index_lists_sitemaps_those_changed_last_first() -> None:
    body = (
        f"<sitemapindex {XMLNS}><sitemap><loc>https://news.example/1.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
        "<sitemap><loc>/2.xml</loc></sitemap><sitemap><loc>ftp://news.example/4.xml</loc></sitemap>"
        "<sitemap><loc>https://news.example/3.xml</loc><lastmod>2026-07-01T10:00Z</lastmod></sitemap></sitemapindex>"
    ).encode()

    assert read(body) == sitemaps.Map(
        children=(
            Child(url="https://news.example/3.xml", changed=datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
            Child(url="https://news.example/1.xml", changed=datetime(2026, 1, 1, tzinfo=UTC)),
            Child(url="https://news.example/2.xml"),
        )
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_list_of_lines_is_read_and_what_is_packed_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    body = pack(
        b"\xef\xbb\xbfhttps://news.example/a/1\r\nhttps://news.example/a/2\n\nnonsense\njavascript:alert(1)\nhttps://news.example/a/1\n"
    )

    assert paths(read(body)) == ["/a/1", "/a/2"]


def test_no_more_than_50_000_addresses_are_read() -> None:
    assert len(read(urlset(*(row(f"/{at}") for at in range(50_001)))).articles) == 50_000


def test_one_that_is_cut_off_gives_what_it_has() -> None:
    assert paths(read(urlset(row("/1"), row("/2"))[:-40])) == ["/1"]


def test_a_bare_ampersand_costs_nothing_of_an_address() -> None:
    assert paths(read(urlset("<loc>https://news.example/?a=1&b=2&amp;c=3&#38;d=4</loc>"))) == ["/?a=1&b=2&c=3&d=4"]


def test_an_empty_one_is_one() -> None:
    assert read(urlset()) == sitemaps.Map()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"<!doctype html><html><body><p>Log in</body></html>", "HTML where a sitemap should be"),
        (b"<rss version='2.0'><channel/></rss>", "a feed where a sitemap should be"),
        (b"<note/>", "not a sitemap: <note>"),
        (b"%PDF-1.4 and so on", "not a sitemap"),
        (b"\0\1\2\3", "not a sitemap"),
        (b"<", "not a sitemap"),
        (b"\x1f\x8b nonsense", "broken compression"),
        (b"<urlset>&a;&b;", "not a sitemap that can be read"),
    ],
)
def test_what_is_no_sitemap_is_said_so(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(body)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * (60 << 20) + b"</urlset>")
    with pytest.raises(Unreadable, match="times its size"):
        read(bomb)

    monkeypatch.setattr(sitemaps, "_unpacked", gzip.decompress)  # the negative control: without the guard it goes off
    assert read(bomb) == sitemaps.Map()


LAUGHS = b"<!DOCTYPE urlset [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghi"
)


def test_entities_are_neither_fetched_nor_blown_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "canary"
    file.write_text("canary")
    outside = f"<!DOCTYPE urlset [<!ENTITY x SYSTEM '{file.as_uri()}'>]>".encode()
    named = urlset("<loc>https://news.example/1</loc><news:news><news:title>n &x; m</news:title></news:news>").split(b"?>")[1]
    assert read(outside + named).articles[0].title == "n m"
    with pytest.raises(Unreadable, match="not a sitemap that can be read"):
        read(LAUGHS + b"]>" + named.replace(b"&x;", b"&i;"))

    careless = etree.XMLParser  # the negative control: a parser that was told otherwise reads the file

    def told_otherwise(**options: Any) -> Any:
        return careless(**{**options, "resolve_entities": True, "load_dtd": True})

    monkeypatch.setattr(etree, "XMLParser", told_otherwise)
    assert "canary" in read(outside + named).articles[0].title


# What is new.


def sift(*rows: str, known: tuple[str, ...] = (), reading: str = AGAIN) -> sitemaps.Sifted:
    marks = frozenset(mark(f"s#https://news.example{path}") for path in known)
    return sitemaps.sift(urlset(*rows), source="s", url=URL, look=Look(now=NOW, known=marks, reading=reading))


HOUR = timedelta(hours=1)
ALL = (
    row("/published-now", published=NOW - HOUR),
    row("/published-two-days-ago", published=NOW - 48 * HOUR),
    row("/published-long-ago", published=NOW - 100 * HOUR, lastmod=NOW),
    row("/changed-now", lastmod=NOW - HOUR),
    row("/changed-long-ago", lastmod=NOW - 100 * HOUR),
    row("/undated"),
    row("/published-tomorrow", published=NOW + 24 * HOUR),
)


@pytest.mark.parametrize(
    ("reading", "new"),
    [
        (FIRST, {"/published-now"}),
        (FOUND, {"/published-now", "/changed-now"}),
        (AGAIN, {"/published-now", "/published-two-days-ago", "/changed-now", "/undated", "/published-tomorrow"}),
    ],
)
def test_what_counts_as_new_depends_on_what_is_known(reading: str, new: set[str]) -> None:
    assert set(paths(sift(*ALL, reading=reading))) == new


def test_what_is_known_is_not_new() -> None:
    assert paths(sift(row("/1"), row("/2"), known=("/1",))) == ["/2"]


def test_all_is_remembered_but_what_was_published_long_ago_since_its_date_tells() -> None:
    found = sift(*ALL)

    assert len(found.marks) == found.listed - 1
    assert mark("s#https://news.example/published-long-ago") not in found.marks


def test_a_site_that_was_rebuilt_is_no_flood() -> None:
    found = sift(*(row(f"/{at}", lastmod=NOW - timedelta(seconds=at)) for at in range(6_000)))

    assert (len(found.articles), len(found.marks), found.listed) == (500, 5_000, 6_000)
    assert paths(found)[:2] == ["/0", "/1"]
    assert found.remarks == (
        "6,000 new addresses at once: only the newest 500 count",
        "6,000 addresses without a date of publication: old ones may pass for new",
    )


def test_it_can_be_sent_to_and_from_a_worker() -> None:
    found = sift(*ALL)

    assert pickle.loads(pickle.dumps((sitemaps.sift, found, Look(now=NOW)))) == (sitemaps.sift, found, Look(now=NOW))


PIECES = st.lists(
    st.sampled_from(
        ["<urlset>", "<sitemapindex>", "<url>", "</url>", "<sitemap>", "<loc>", "</loc>", "https://news.example/1", "<lastmod>2026-13-45",
         "<lastmod>",         "</lastmod>", "<news:news>", "<news:title>", "</news:title>", "&amp;", "&x;", "\0", "é", "<![CDATA[", "]]>",
         "\n", "<!--", "</urlset>", "<?x ?>"]
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(body=PIECES.map("".join).map(str.encode) | st.binary(max_size=300), packed=st.booleans())
def test_any_bytes_are_read_or_refused(body: bytes, *, packed: bool) -> None:
    try:
        found = read(gzip.compress(body) if packed else body)
    except Unreadable:
        return
    for article in found.articles:
        assert str(article.url).startswith(("http://", "https://"))


def test_the_reason_is_one_line_without_control_characters_whatever_the_document_says() -> None:
    with pytest.raises(Unreadable) as refused:
        sitemaps.parse(b"<urlset><![CDATA[a\nb\x7f\n", source="s", url="https://news.example/sitemap.xml")

    assert str(refused.value).isprintable()
