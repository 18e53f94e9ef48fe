"""Hundreds of feeds, many broken on purpose, and what chance makes of small ones of our own."""

from __future__ import annotations

import json
import random
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import feeds
from monitor.errors import Unreadable
from monitor.feeds.entry import article, told_apart
from monitor.feeds.sift import sift
from rules import Article

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "feeds"
URL = "https://news.example/feed.xml"

needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="../shared/corpus/feeds is not here")

OTHERWISE = {"feedvalidator/atom/2_missing-self.xml": "an entry within the source of an entry counts, too"}
"""Well-formed files of which another number of entries is read than their manifest says, and why."""


@cache
def manifest() -> list[dict[str, object]]:
    return [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text("utf-8").splitlines()]


def body(row: dict[str, object]) -> bytes:
    return (CORPUS / str(row["file"])).read_bytes()


def parse(data: bytes, known: frozenset[str] = frozenset()) -> feeds.Parsed:
    return feeds.parse(data, source="s", url=URL, headers={}, known=known)


def whole(data: bytes) -> list[Article]:
    """The articles as feedparser alone has them."""
    found = told_apart(feeds.entries(data, url=URL, headers={}), URL, frozenset()).fresh
    return [article("s", key, entry) for key, entry in found]


def storable(found: feeds.Parsed) -> bool:
    f"{found}".encode()  # raises for half a surrogate pair
    return all(one.url is None or one.url.startswith(("http://", "https://")) for one in found.articles)


@needs_corpus
def test_of_hundreds_of_feeds_none_raises_anything_but_unreadable() -> None:
    for row in manifest():
        try:
            assert storable(parse(body(row)))
        except Unreadable:
            assert not row["n_items"] or not row.get("wellformed_xml"), row["file"]


@needs_corpus
def test_every_well_formed_feed_yields_its_entries() -> None:
    wrong = set()
    for row in manifest():
        if row.get("wellformed_xml") and row["n_items"]:
            wrong |= {row["file"]} if len(parse(body(row)).marks) != row["n_items"] else set()

    assert wrong == OTHERWISE.keys()


@needs_corpus
def test_sifting_and_feedparser_agree_entry_by_entry_whatever_is_known() -> None:
    chance, sifted = random.Random(7), 0
    for row in manifest():
        data = body(row)
        try:
            full = parse(data)
        except Unreadable:
            continue
        assert list(full.articles) == whole(data), row["file"]
        assert parse(data, frozenset(full.marks)).articles == ()
        if sift(data, URL, "") is None or len(full.articles) < len(full.marks):
            continue
        sifted += 1
        for share in (0.2, 0.5, 0.9):
            known = frozenset(one for one in full.marks if chance.random() < share)
            left = [one for one, mark in zip(full.articles, full.marks, strict=True) if mark not in known]
            assert list(parse(data, known).articles) == left, row["file"]
    assert sifted > 200


@needs_corpus
def test_titles_and_dates_are_those_of_another_parser() -> None:
    """Of feed-rs."""
    unequal = []
    for row in manifest():
        if "expected/feed-rs" not in str(row.get("expected_file", "")):
            continue
        expected = json.loads((CORPUS / str(row["expected_file"])).read_text("utf-8"))
        found = feeds.entries(body(row), url=URL, headers={})
        for ours, theirs in zip(found, (expected.get("feed") or expected).get("entries", []), strict=False):
            stated = theirs.get("published") or theirs.get("updated")
            same_date = stated is None or ours.published == datetime.fromisoformat(stated)
            same_title = ours.title == " ".join((theirs.get("title") or {}).get("content", "").split())
            unequal += [] if same_date and same_title else [row["file"]]

    assert unequal == []


# Feeds of our own, mutated.

_OURS = (
    (
        b"<?xml version='1.0' encoding='utf-8'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>T</title>"
        b"<ttl>5</ttl><item><guid>1</guid><title>A &amp; b</title><link>https://a.example/1</link><pubDate>Wed, 01 Jul 2026 10:00:00 CEST"
        b"</pubDate><dc:creator>N</dc:creator></item><item><guid isPermaLink='false'>2</guid><title>\xd0\x9c</title><description>"
        b"<![CDATA[<p>x</p>]]></description></item></channel></rss>"
    ),
    (
        b"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><entry><id>tag:1</id><title type='html'>&lt;b&gt;x</title><link "
        b"href='/1'/><updated>2026-07-01T10:00:00Z</updated><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>y</p></div>"
        b"</content></entry><entry><id>tag:2</id><title>z</title></entry></feed>"
    ),
    (
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel><title>T</title>"
        b"</channel><item rdf:about='u:1'><title>a</title><link>http://a.example/</link></item><item rdf:about='u:2'><title>b</title>"
        b"</item></rdf:RDF>"
    ),
    (
        b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": 1, "title": "a", "content_html": "<p>x", "date_published": '
        b'"1782900000"}, {"id": "2", "url": "http://a.example/2", "content_text": "\\ud800"}]}'
    ),
)
_PIECES = st.sampled_from(
    b"< > </item> <item> <entry/> <guid>1</guid> <link>javascript:x</link> & &#xd800; \0 \xff ]]> <!-- <!DOCTYPE <svg> <div> <title/> "
    b"<x:y> xmlns:x='u' { \" \xef\xbb\xbf".split(b" ")
)


def mutated(start: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for where, gone, instead in changes:
        at = where % (len(start) + 1)
        start = start[:at] + instead + start[at + gone :]
    return start


@given(
    st.sampled_from(_OURS),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 12), _PIECES | st.binary(max_size=4)), max_size=4),
)
def test_whatever_becomes_of_a_feed_it_is_read_or_unreadable(start: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    data = mutated(start, changes)
    try:
        found = parse(data)
    except Unreadable:
        return
    assert storable(found)
    assert list(found.articles) == whole(data)
    assert parse(data, frozenset(found.marks)).articles == ()
    for one in found.marks:
        some = parse(data, frozenset({one})).articles
        assert set(some) <= set(found.articles)


@pytest.mark.parametrize("start", _OURS)
def test_unchanged_they_are_what_they_should_be(start: bytes) -> None:
    assert len(parse(start).articles) == 2
