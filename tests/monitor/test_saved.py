"""Saved articles in every format, what becomes their ids, and files that are not what they should be."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor import identity, saved
from monitor.errors import Unreadable
from monitor.sources import replay
from monitor.sources.replay import EPOCH, Collected
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.saved import Saved

PROSE = "The two delegations met in Valletta on Thursday. They will meet again in a week, the ministry said."
MORE = "Observers were not admitted. A spokesman called the mood good and said that lists of names had been exchanged."


def one(text: str, name: str = "story.txt") -> Article:
    (article,) = saved.parse(text.encode(), name).articles
    return article


# Text


def test_the_first_line_is_the_title_where_it_stands_alone() -> None:
    article = one(f"Talks Resume in Malta\n\n{PROSE}\n\n{MORE}\n")

    assert (article.id, article.title) == ("story.txt", "Talks Resume in Malta")
    assert article.body == f"{PROSE}\n\n{MORE}\n"
    assert article.published is None
    assert article.digest == identity.revision(article)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_a_paragraph_will_do(newline: str) -> None:
    assert one(newline.join(["Talks Resume in Malta", PROSE, MORE])).title == "Talks Resume in Malta"


def test_without_a_title_the_first_sentence_serves_and_the_body_is_everything() -> None:
    article = one(f"{PROSE}\n{MORE}\n")

    assert article.title == "The two delegations met in Valletta on Thursday."
    assert article.body == f"{PROSE}\n{MORE}\n"


def test_a_slogan_above_the_article_is_not_its_title() -> None:
    assert one(f"Read The Harbour Post!\n\nTalks Resume in Malta\n\n{PROSE}\n").title == "Talks Resume in Malta"


def test_the_first_line_of_a_wrapped_paragraph_is_not_a_title() -> None:
    wrapped = "The two delegations met in Valletta on\nThursday, in the absence of observers.\n\nA second paragraph follows.\n"

    assert one(wrapped).title.startswith("The two delegations met in Valletta")
    assert one(wrapped).body == wrapped


def test_a_title_is_all_there_is() -> None:
    assert one("Talks Resume in Malta").title == "Talks Resume in Malta"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_text(encoding: str) -> None:
    (article,) = saved.parse(f"Переговоры\n\n{PROSE}".encode(encoding), "story.txt").articles

    assert article.title == "Переговоры"


# JSON


def test_the_given_strings_stay_untouched() -> None:
    given = {
        "id": 7,
        "title": " A  B ",
        "summary": "\u00a0s",
        "body": "x\r\n\r\ny ",
        "url": "u",
        "lang": "en",
        "date": "2026-07-01",
    }
    article = one(json.dumps(given), "story.json")

    assert (article.id, article.title, article.summary, article.body) == ("7", " A  B ", "\u00a0s", "x\r\n\r\ny ")
    assert (article.url, article.language, article.published) == ("u", "en", datetime(2026, 7, 1, tzinfo=UTC))


def test_an_object_without_an_id_goes_by_its_file() -> None:
    assert one('{"text": "Talks"}', "a/story.json").id == "a/story.json"


@pytest.mark.parametrize("wrap", [lambda many: many, lambda many: {"articles": many}])
def test_entries_of_a_list_go_by_their_id_or_place(wrap: Callable[[list[Any]], Any]) -> None:
    many = [{"id": "x", "title": "1"}, {"title": "2"}, {"id": "x", "title": "3"}, {"id": True, "title": "4"}]
    found = saved.parse(json.dumps(wrap(many)).encode(), "list.json")

    assert [article.id for article in found.articles] == ["x", "list.json#2", "list.json#3", "list.json#4"]
    assert found.problems == ()
    assert found.notes == ("2 without an id: called by place, as in list.json#2", "3 repeats the id x: called list.json#3")


def test_what_an_article_has_no_place_for_is_kept_beside_it() -> None:
    lines = ['{"id": "a", "text": "One.", "label": {"talks": "yes"}}', '{"text": "no id", "n": 1}', '{"id": "b", "text": "Two."}']
    found = saved.parse("\n".join(lines).encode(), "x.jsonl")
    assert found.extras == {"a": {"label": {"talks": "yes"}}, "x.jsonl#2": {"n": 1}}
    assert saved.parse(lines[0].encode(), "one.json").extras == {"a": {"label": {"talks": "yes"}}}


def test_a_bad_line_is_named_and_the_others_stay() -> None:
    lines = [
        '{"title": "1"}',
        "",
        "{broken",
        "[]",
        '{"title": " "}',
        '{"title": "6", "published": "soon"}',
        '{"title": 7, "text": "t"}',
    ]
    found = saved.parse("\n".join(lines).encode(), "log.jsonl")

    assert [article.id for article in found.articles] == ["log.jsonl#1", "log.jsonl#6", "log.jsonl#7"]
    assert [problem.partition(":")[0] for problem in found.problems] == ["line 3", "line 4", "line 5"]
    assert found.notes[:2] == (
        "line 6: 'published' is not a date such as 2026-07-01T12:00:00Z: the article counts as undated",
        "line 7: 'title' is not text and was left out",
    )


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-07-01T14:00:00+02:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-07-01T12:00:00Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-07-01 12:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", None),
        ("yesterday", None),
        (20260701, None),
    ],
)
def test_dates_are_utc_or_unknown(said: object, utc: datetime | None) -> None:
    assert one(json.dumps({"title": "t", "published": said}), "a.json").published == utc


def test_half_a_character_is_replaced_by_one_as_long() -> None:
    assert one(r'{"title": "a\ud800b", "text": "\ud83c\udf89"}', "a.json").title == "a\ufffdb"
    assert one(r'{"title": "a\ud800b", "text": "\ud83c\udf89"}', "a.json").body == "\N{PARTY POPPER}"


# HTML and feeds


def test_a_page_is_its_article() -> None:
    page = (
        "<html lang='en'><head><title>Talks Resume in Malta</title></head><body><article><h1>Talks Resume in Malta</h1>"
        f"<p>{PROSE}</p><p>{MORE}</p></article></body></html>"
    )
    article = one(page, "story.html")

    assert (article.id, article.title, article.language) == ("story.html", "Talks Resume in Malta", "en")
    assert PROSE in article.body


def test_entries_of_a_feed_go_by_their_guid_or_place() -> None:
    feed = (
        "<rss version='2.0'><channel><title>Post</title><item><guid>g1</guid><title>One</title></item>"
        "<item><title>Two</title></item><item><guid>g1</guid><title>Three</title></item></channel></rss>"
    )
    found = saved.parse(feed.encode(), "post.xml")

    assert [(article.id, article.title) for article in found.articles] == [
        ("post.xml#g1", "One"),
        ("post.xml#2", "Two"),
        ("post.xml#3", "Three"),
    ]
    assert len(found.notes) == 2


def test_a_json_feed_is_a_feed() -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "i1", "title": "One", "content_text": "Text."}]}

    assert one(json.dumps(feed), "feed.json").id == "feed.json#i1"


# What cannot be read


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t ", "empty"),
        ("a.txt", "\N{NO-BREAK SPACE}".encode(), "empty"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        ("a.txt", "one\nÜbung".encode("latin-1"), "line 2"),
        ("a.json", b"{", "line 1"),
        ("a.json", b"[" * 100_000, "nested"),
        ("a.json", b'{"title": ' + b"9" * 5000 + b"}", "number"),
        ("a.json", b"[]", "no article"),
        ("a.json", b"3", "neither"),
        ("a.json", b'{"other": 1}', "no title"),
        ("a.jsonl", b"{\n{", "line 1"),
        ("a.xml", b"<html><body>Not a feed</body></html>", "feed"),
        ("a.html", b"\0\0\0\0", "binary"),
        ("a.pdf", b"%PDF", ".txt"),
        ("Makefile", b"all:", ".txt"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        saved.parse(data, name)


# Files and folders


async def parse(data: bytes, name: str) -> Saved:
    return saved.parse(data, name)


async def collect(*paths: Path) -> Collected:
    return await replay.collect(paths, parse)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    write(tmp_path, b_txt="B", a__z_txt="AZ", a_txt="A", _hidden_txt="H", a___cache__x_txt="X")
    read: list[tuple[int, int]] = []
    found = await replay.collect([tmp_path], parse, lambda done, of: read.append((done, of)))

    assert [article.id for article in found.articles] == ["a/z.txt", "a.txt", "b.txt"]
    assert read == [(1, 3), (2, 3), (3, 3)]
    assert found.problems == ()


async def test_a_file_goes_by_its_bare_name(tmp_path: Path) -> None:
    write(tmp_path, deep__a_txt="A")

    assert [article.id for article in (await collect(tmp_path / "deep" / "a.txt")).articles] == ["a.txt"]


async def test_one_file_given_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a_txt="A")

    assert [article.id for article in (await collect(tmp_path, tmp_path / "a.txt")).articles] == ["a.txt"]


async def test_files_of_one_name_keep_apart(tmp_path: Path) -> None:
    write(tmp_path, x__a_txt="1", y__a_txt="2", z__a_txt="3", w__list_json='[{"id": "a.txt", "text": "4"}]')
    found = await collect(*(tmp_path / name for name in "xyzw"))

    assert [article.id for article in found.articles] == ["a.txt", "a.txt#1", "a.txt#2", "list.json#1"]
    assert found.notes[0].reason == "the id a.txt is taken: called a.txt#1"


async def test_what_is_skipped_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, a_txt="A", b_txt="", c_md="# Notes", d_jsonl='{"title": "1"}\n{')
    (tmp_path / "e.txt").write_bytes(b"\0")
    found = await collect(tmp_path, tmp_path / "gone.txt")

    assert [article.id for article in found.articles] == ["a.txt", "d.jsonl#1"]
    assert sorted(Path(problem.path).name for problem in found.problems) == ["b.txt", "c.md", "d.jsonl", "e.txt", "gone.txt"]


async def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a_txt="A", in__b_txt="B")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "in":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = await collect(tmp_path)

    assert [article.id for article in found.articles] == ["a.txt"]
    assert [str(problem) for problem in found.problems] == [f"{tmp_path / 'in'}: Permission denied"]


async def test_a_file_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LARGEST", 10)
    write(tmp_path, a_txt="A" * 11, b_txt="B" * 10)
    found = await collect(tmp_path)

    assert [article.id for article in found.articles] == ["b.txt"]
    assert "larger than" in str(found.problems[0])


async def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, in__a_txt="A", out__secret_txt="S")
    (tmp_path / "in" / "link.txt").symlink_to(tmp_path / "out" / "secret.txt")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "same.txt").symlink_to(tmp_path / "in" / "a.txt")
    os.mkfifo(tmp_path / "in" / "pipe.txt")
    found = await collect(tmp_path / "in")

    assert [article.id for article in found.articles] == ["a.txt"]
    assert [Path(problem.path).name for problem in found.problems] == ["link.txt", "pipe.txt"]
    assert [article.id for article in (await collect(tmp_path / "in" / "link.txt")).articles] == ["link.txt"]  # the control


# The clock

JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def test_the_clock_is_the_one_given_else_the_articles_own_else_the_newest_else_the_epoch() -> None:
    old, new, undated = (Article(id=str(at), published=at) for at in (JUNE, JULY, None))
    own = replay.moments([old, new, undated], None)

    assert [own(one) for one in (old, new, undated)] == [JUNE, JULY, JULY]
    assert replay.moments([old], JULY)(old) == JULY
    assert replay.moments([undated], None)(undated) == EPOCH


def test_articles_come_in_by_the_clock_and_then_as_given() -> None:
    articles = [Article(id=str(n), published=at) for n, at in enumerate([None, JULY, JUNE, JULY])]

    assert [one.id for one in replay.in_order(articles, replay.moments(articles, None))] == ["2", "0", "1", "3"]
