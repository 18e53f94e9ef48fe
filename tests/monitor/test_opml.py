"""Lists of feeds come in from other readers, and go out to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from monitor import opml
from monitor.errors import Unreadable
from monitor.opml import Outline
from monitor.text import clean

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "feeds" / "opml"


def listed(inside: str) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><opml version='1.0'><head/><body>{inside}</body></opml>".encode()


def urls(inside: str) -> list[str]:
    return [outline.url for outline in opml.read(listed(inside))]


def test_feeds_are_read_with_the_folders_that_they_lie_in() -> None:
    inside = (
        "<outline text='World'><outline title='Ukraine &amp; Russia'>"
        "<outline type='rss' text='The News' title='The News: world' xmlUrl='https://a.example/feed?x=1&amp;y=2' htmlUrl='https://a.example/'/>"
        "</outline></outline><outline text='  Alone\n' xmlUrl=' https://b.example/rss '/>"
    )

    assert opml.read(listed(inside)) == [
        Outline(
            title="The News: world",
            url="https://a.example/feed?x=1&y=2",
            page="https://a.example/",
            folders=("World", "Ukraine & Russia"),
        ),
        Outline(title="Alone", url="https://b.example/rss"),
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        "xmlurl='https://a.example/feed'",
        "XMLURL='https://a.example/feed'",
        "type='rss' url='https://a.example/feed'",
        "url='https://a.example/feed'",
        "xmlUrl='feed:https://a.example/feed'",
    ],
)
def test_an_address_may_stand_in_any_of_the_usual_places(attributes: str) -> None:
    assert urls(f"<outline text='A' {attributes}/>") == ["https://a.example/feed"]


def test_feeds_beside_feeds_in_a_feed_are_found() -> None:
    assert urls("<outline text='A' xmlUrl='feed://a.example/f'><outline text='B' xmlUrl='https://b.example/f'/></outline>") == [
        "http://a.example/f",
        "https://b.example/f",
    ]


@pytest.mark.parametrize(
    "attributes",
    ["type='link' url='https://a.example/'", "xmlUrl='file:///etc/passwd'", "xmlUrl='javascript:x'", "xmlUrl='/feed'", "xmlUrl='http://['", "htmlUrl='https://a.example/'"],
)  # fmt: skip
def test_what_is_no_feed_s_address_is_left_out(attributes: str) -> None:
    assert urls(f"<outline text='A' {attributes}/><outline text='B' xmlUrl='https://b.example/f'/>") == ["https://b.example/f"]


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert urls(
        "<outline text='A & B' xmlUrl='https://a.example/f?a=1&b=2'/><outline text='C' xmlUrl='https://c.example/f'>"
    ) == [
        "https://a.example/f?a=1&b=2",
        "https://c.example/f",
    ]


def test_a_feed_counts_once_and_10_000_at_most() -> None:
    twice = "".join(f"<outline text='{at}' xmlUrl='https://a.example/{at}'/>" * 2 for at in range(10_001))

    assert len(urls(twice)) == 10_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"no markup", "not OPML"),
        (b"<rss version='2.0'/>", "not OPML but <rss>"),
        (b"\0\1\2", "not OPML"),
        (listed("<outline text='A'/>"), "no feeds in it"),
        (listed("<outline>" * 50_000), "no feeds in it|not OPML"),
    ],
)
def test_what_is_no_list_of_feeds_is_said_so(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        opml.read(data)


def test_entities_are_neither_fetched_nor_blown_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "canary"
    file.write_text("canary")
    laughs = b"<!DOCTYPE opml [<!ENTITY a 'ha'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghi"
    )
    body = "<outline text='A' xmlUrl='https://a.example/f'/><outline text='{}' xmlUrl='https://b.example/f'/>"
    try:
        found = opml.read(laughs + b"]>" + listed(body.format("&i;")).split(b"?>")[1])
    except Unreadable:
        found = []
    assert sum(len(outline.title) for outline in found) < 1_000

    inside = listed("&x;<outline text='B' xmlUrl='https://b.example/f'/>").split(b"?>")[1]
    data = f"<!DOCTYPE opml [<!ENTITY x SYSTEM '{file.as_uri()}'>]>".encode() + inside
    file.write_text("<outline text='canary' xmlUrl='https://evil.example/f'/>")
    assert [outline.url for outline in opml.read(data)] == ["https://b.example/f"]

    careless = etree.XMLParser  # the negative control: a parser that was told otherwise takes the file in
    monkeypatch.setattr(etree, "XMLParser", lambda **options: careless(**{**options, "resolve_entities": True, "load_dtd": True}))
    assert [outline.url for outline in opml.read(data)] == ["https://evil.example/f", "https://b.example/f"]


def test_what_is_written_is_what_other_readers_expect() -> None:
    written = opml.write(
        [Outline(title="A & B", url="https://a.example/f?x=1&y=2", page="https://a.example/", folders=("World",))]
    )
    root = etree.fromstring(written)

    (outline,) = root.xpath("/opml[@version='2.0']/body/outline[@text='World']/outline")
    assert dict(outline.attrib) == {
        "type": "rss",
        "text": "A & B",
        "title": "A & B",
        "xmlUrl": "https://a.example/f?x=1&y=2",
        "htmlUrl": "https://a.example/",
    }


def test_a_folder_is_written_once() -> None:
    several = [Outline(title=str(at), url=f"https://a.example/{at}", folders=("A", "BC"[at % 2])) for at in range(4)]

    assert len(etree.fromstring(opml.write(several)).xpath("//outline[not(@xmlUrl)]")) == 3


WORDS = st.text(max_size=20).map(lambda text: " ".join(clean(text).split())).filter(bool)
OUTLINES = st.lists(
    st.builds(
        Outline,
        title=WORDS,
        url=st.from_regex(r"https://[a-z]{1,5}\.example/[a-z0-9]{0,5}(\?[a-z]=[a-z&]{1,9})?", fullmatch=True),
        page=st.none() | st.just("https://a.example/"),
        folders=st.lists(WORDS, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.url,
)


@settings(max_examples=100, deadline=None)
@given(OUTLINES)
def test_what_was_written_is_read_back(outlines: list[Outline]) -> None:
    assert sorted(map(repr, opml.read(opml.write(outlines)))) == sorted(map(repr, outlines))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<opml>", "<body>", "<outline", " text='A'", " xmlUrl='https://a.example/f'", " url='x'",
             ">", "/>", "</outline>", "&x;", "\0", "é", "<!--", "'"]
        ),
        max_size=30,
    ).map(lambda parts: "".join(parts).encode())
    | st.binary(max_size=200)
)  # fmt: skip
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = opml.read(data)
    except Unreadable:
        return
    assert all(outline.url.startswith(("http://", "https://")) for outline in found)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not there")
def test_lists_from_the_wild_are_read_whole_and_survive_the_round_trip() -> None:
    files = sorted(CORPUS.glob("*.opml"))
    for file in files:
        found = opml.read(file.read_bytes())
        assert len(found) == file.read_bytes().lower().count(b"xmlurl="), file.name
        assert sorted(map(repr, opml.read(opml.write(found)))) == sorted(map(repr, found))
    assert len(files) >= 15


# Found by benchmarks/fuzz.py.


def test_a_prefix_that_nobody_declared_is_no_obstacle() -> None:
    assert [one.url for one in opml.read(b"<opml><body><x:y/><outline xmlUrl='https://news.example/f'/></body></opml>")] == [
        "https://news.example/f"
    ]


def test_attributes_that_are_no_text_are_left_out_with_their_outline() -> None:
    body = b"<opml><body><outline text='\xed\xa0\x80' xmlUrl='https://a.example/f'/><outline xmlUrl='https://b.example/f'/></body></opml>"

    assert opml.read(body)[-1].url == "https://b.example/f"


def test_a_feed_that_is_called_by_its_address_is_called_so_on_one_short_line() -> None:
    [one] = opml.read(f"<opml><body><outline xmlUrl='https://a.example/a  b{'c' * 400}'/></body></opml>".encode())

    assert one.title.startswith("https://a.example/a bcc")
    assert len(one.title) == 300
