"""Sources that are not feeds: what they ask for, what they take for new, and what they remember."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import listing, saved, sitemaps
from monitor.errors import FetchFailed
from monitor.model import Cursor, Fetched
from monitor.saved import Saved
from monitor.sources import folder as folders
from monitor.sources.folder import FolderSource
from monitor.sources.labels import Labels
from monitor.sources.listing import ListingSource
from monitor.sources.replay import LARGEST
from monitor.sources.sitemap import SitemapSource
from monitor.wire import Response

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = "https://news.example"
LABELS = Labels(language="en", kind="wire", tags=("x",))


@dataclass
class Web:
    """Answers by address, and keeps what it was asked; an exception in place of an answer is raised."""

    pages: dict[str, bytes | Response | FetchFailed] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        self.asked.append((url, dict(headers)))
        answer = self.pages.get(url, Response(status=404, url=url))
        if isinstance(answer, FetchFailed):
            raise answer
        if isinstance(answer, Response):
            return answer
        return Response(status=200, url=url, headers={"etag": '"1"', "content-type": "text/html"}, body=answer)

    def urls(self) -> list[str]:
        """What was asked since the last call."""
        urls = [url.removeprefix(SITE) for url, _ in self.asked]
        self.asked.clear()
        return urls


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def paths(fetched: Fetched) -> list[str]:
    return [str(article.url).removeprefix(SITE) for article in fetched.articles]


# A page of links.

PAGE = f"{SITE}/news"


def links(*paths: str, dates: Mapping[str, datetime] | None = None) -> bytes:
    times = {path: f"<time datetime='{when.isoformat()}'></time>" for path, when in (dates or {}).items()}
    items = "".join(f"<li><a href='{path}'>Title of {path}</a>{times.get(path, '')}</li>" for path in paths)
    return f"<html><body><ul>{items}</ul></body></html>".encode()


async def parse_listing(body: bytes, *, source: str, url: str, content_type: str, links: str | None) -> listing.Listed:
    return listing.parse(body, source=source, url=url, content_type=content_type, links=links)


@pytest.fixture
def page(web: Web, clock: Clock) -> ListingSource:
    return ListingSource(id="p", url=PAGE, get=web.get, parse=parse_listing, clock=clock, links="li", labels=LABELS)


async def test_the_first_look_at_a_page_takes_only_what_is_of_today(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = links("/a", "/b", "/c", dates={"/b": NOW - HOUR, "/c": NOW - 30 * HOUR})
    fetched = await page.fetch({})

    assert (paths(fetched), fetched.listed) == (["/b"], 3)
    assert (fetched.articles[0].language, fetched.articles[0].source_kind, fetched.articles[0].tags) == ("en", "wire", ("x",))
    assert fetched.original is not None
    assert fetched.original.body == web.pages[PAGE]


async def test_later_what_was_not_there_before_is_new(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = links("/a", "/b")
    cursor = (await page.fetch({})).cursor
    web.pages[PAGE] = links("/c", "/a", "/d", dates={"/d": NOW - 100 * HOUR})
    fetched = await page.fetch(cursor)
    web.pages[PAGE] = links("/b", "/c", "/d")

    assert paths(fetched) == ["/c"]
    assert paths(await page.fetch(fetched.cursor)) == []


async def test_without_its_memory_everything_undated_would_be_old_for_ever(page: ListingSource, web: Web) -> None:
    """The negative control."""
    web.pages[PAGE] = links("/a")
    forgetful = {name: value for name, value in (await page.fetch({})).cursor.items() if name != "known"}
    web.pages[PAGE] = links("/c", "/a")

    assert paths(await page.fetch(forgetful)) == []


async def test_a_page_is_asked_for_politely(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = links("/a")
    cursor = (await page.fetch({})).cursor
    web.pages[PAGE] = Response(status=304, url=PAGE)
    fetched = await page.fetch(cursor)

    assert web.asked[-1][1]["If-None-Match"] == '"1"'
    assert (fetched.unchanged, fetched.cursor["known"]) == (True, cursor["known"])


async def test_a_changed_selector_is_a_first_look(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = links("/a").replace(b"</body>", b"<a href='/old'>An old one</a></body>")
    cursor = (await page.fetch({})).cursor
    fetched = await replace(page, links="a").fetch(cursor)

    assert "If-None-Match" not in web.asked[-1][1]
    assert (paths(fetched), fetched.listed) == ([], 2)


async def test_a_selector_that_picks_nothing_any_more_is_a_failure(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = links("/a")
    cursor = (await page.fetch({})).cursor
    web.pages[PAGE] = b"<html><body><p>We have a new look</p></body></html>"
    with pytest.raises(FetchFailed, match="the selector 'li' picks no link") as failed:
        await page.fetch(cursor)

    assert failed.value.kind == "unreadable"


async def test_what_is_remembered_of_a_page_is_bounded(page: ListingSource, web: Web) -> None:
    cursor: Cursor = {}
    for visit in range(6):
        web.pages[PAGE] = links(*(f"/{visit}/{at}" for at in range(500)))
        cursor = (await page.fetch(cursor)).cursor

    assert len(cursor["known"].split()) == 2_000


async def test_a_page_that_does_not_come_is_a_failure(page: ListingSource, web: Web) -> None:
    web.pages[PAGE] = Response(status=503, url=PAGE, headers={"retry-after": "60"})
    with pytest.raises(FetchFailed) as failed:
        await page.fetch({})

    assert failed.value.wait == timedelta(minutes=1)


# A sitemap.

MAP = f"{SITE}/sitemap.xml"


def urlset(**dated: datetime | None) -> bytes:
    rows = "".join(f"<url><loc>{SITE}/{name}</loc>{lastmod(when)}</url>" for name, when in dated.items())
    return f"<urlset>{rows}</urlset>".encode()


def news(**dated: datetime) -> bytes:
    rows = (
        f"<url><loc>{SITE}/{name}</loc><news><publication_date>{when.isoformat()}</publication_date><title>T</title></news></url>"
        for name, when in dated.items()
    )
    return f"<urlset>{''.join(rows)}</urlset>".encode()


def index(**dated: datetime | None) -> bytes:
    rows = "".join(f"<sitemap><loc>{SITE}/{name}.xml</loc>{lastmod(when)}</sitemap>" for name, when in dated.items())
    return f"<sitemapindex>{rows}</sitemapindex>".encode()


def lastmod(when: datetime | None) -> str:
    return f"<lastmod>{when.isoformat()}</lastmod>" if when else ""


async def sift(body: bytes, *, source: str, url: str, look: sitemaps.Look) -> sitemaps.Sifted:
    return sitemaps.sift(body, source=source, url=url, look=look)


@pytest.fixture
def sitemap(web: Web, clock: Clock) -> SitemapSource:
    return SitemapSource(id="m", url=MAP, get=web.get, sift=sift, clock=clock, labels=LABELS)


async def test_a_news_sitemap_gives_today_s_news_at_first_and_then_what_is_new(sitemap: SitemapSource, web: Web) -> None:
    web.pages[MAP] = news(a=NOW - HOUR, b=NOW - 30 * HOUR)
    first = await sitemap.fetch({})
    web.pages[MAP] = news(c=NOW, a=NOW - HOUR, b=NOW - 30 * HOUR, old=NOW - 100 * HOUR)
    second = await sitemap.fetch(first.cursor)

    assert (paths(first), first.listed, first.articles[0].source_kind) == (["/a"], 2, "wire")
    assert (paths(second), second.listed) == (["/c"], 4)
    assert second.original is not None
    assert second.original.url == MAP


async def test_a_sitemap_without_dates_of_publication_is_followed_by_its_addresses(sitemap: SitemapSource, web: Web) -> None:
    web.pages[MAP] = urlset(a=NOW, b=NOW - 900 * HOUR, c=None)
    first = await sitemap.fetch({})
    web.pages[MAP] = urlset(a=NOW + HOUR, b=NOW, c=None, d=NOW, e=None)

    assert paths(first) == []
    assert paths(await sitemap.fetch(first.cursor)) == ["/d", "/e"]  # b was edited, and is no news


async def test_of_an_index_the_newest_are_read_and_later_those_that_changed(
    sitemap: SitemapSource, web: Web, clock: Clock
) -> None:
    days = {name: NOW - timedelta(days=at) for at, name in enumerate("abcde")}
    web.pages |= {f"{SITE}/{name}.xml": urlset(**{f"{name}1": when}) for name, when in days.items()}
    web.pages[MAP] = index(**days)
    first = await sitemap.fetch({})
    assert web.urls() == ["/sitemap.xml", "/a.xml", "/b.xml", "/c.xml"]

    clock.now += HOUR
    unchanged = await sitemap.fetch(first.cursor)
    assert (web.urls(), unchanged.unchanged) == (["/sitemap.xml"], True)

    web.pages[MAP] = index(**{**days, "a": clock.now, "d": clock.now})
    web.pages[f"{SITE}/a.xml"] = urlset(a1=NOW, a2=clock.now)
    web.pages[f"{SITE}/d.xml"] = urlset(d1=NOW, d2=clock.now)
    second = await sitemap.fetch(unchanged.cursor)
    assert sorted(web.urls()) == ["/a.xml", "/d.xml", "/sitemap.xml"]
    assert paths(second) == ["/a2"]  # d is read for the first time: nobody knows which of its addresses are old
    assert second.original is not None
    assert second.original.url == f"{SITE}/a.xml"


async def test_a_sitemap_that_is_itself_new_in_the_index_brings_what_is_dated_today(sitemap: SitemapSource, web: Web) -> None:
    web.pages |= {MAP: index(june=NOW - 30 * HOUR), f"{SITE}/june.xml": urlset(j=NOW - 30 * HOUR)}
    first = await sitemap.fetch({})
    web.pages |= {MAP: index(june=NOW - 30 * HOUR, july=NOW), f"{SITE}/july.xml": urlset(k=NOW - HOUR, o=NOW - 50 * HOUR, u=None)}

    assert paths(await sitemap.fetch(first.cursor)) == ["/k"]


async def test_what_did_not_get_its_turn_is_read_the_next_time(sitemap: SitemapSource, web: Web) -> None:
    old = {name: NOW - timedelta(days=9) for name in "abcde"}
    web.pages |= {f"{SITE}/{name}.xml": urlset(**{f"{name}1": NOW}) for name in "abcde"} | {MAP: index(**old)}
    first = await sitemap.fetch({})
    web.urls()
    web.pages[MAP] = index(**dict.fromkeys("abcde", NOW))
    second = await sitemap.fetch(first.cursor)
    assert web.urls()[1:] == ["/a.xml", "/b.xml", "/c.xml"]

    third = await sitemap.fetch(second.cursor)
    assert "If-None-Match" not in web.asked[0][1]
    assert web.urls()[1:] == ["/d.xml", "/e.xml"]
    assert (await sitemap.fetch(third.cursor)).unchanged


async def test_sitemaps_that_do_not_say_when_they_changed_take_turns(sitemap: SitemapSource, web: Web, clock: Clock) -> None:
    web.pages |= {f"{SITE}/{name}.xml": urlset(**{name: NOW}) for name in "abcde"} | {MAP: index(**dict.fromkeys("abcde"))}
    cursor: Cursor = {}
    turns = []
    for _ in range(3):
        cursor = (await sitemap.fetch(cursor)).cursor
        turns.append([url[1] for url in web.urls()[1:]])
        clock.now += HOUR

    assert turns == [["a", "b", "c"], ["d", "e", "a"], ["b", "c", "a"]]


async def test_one_broken_sitemap_does_not_stop_the_others(sitemap: SitemapSource, web: Web) -> None:
    web.pages |= {MAP: index(a=NOW, b=NOW - HOUR), f"{SITE}/b.xml": news(n=NOW)}
    first = await sitemap.fetch({})
    web.urls()

    assert (paths(first), first.remarks) == (["/n"], ("a sitemap of the index could not be read: HTTP 404",))
    web.pages[f"{SITE}/a.xml"] = news(m=NOW)
    assert paths(await sitemap.fetch(first.cursor)) == ["/m"]
    assert web.urls() == ["/sitemap.xml", "/a.xml"]


async def test_a_broken_one_goes_last_so_that_it_cannot_keep_the_others_out(sitemap: SitemapSource, web: Web) -> None:
    web.pages |= {f"{SITE}/e.xml": news(n=NOW), MAP: index(**dict.fromkeys("abc", NOW - HOUR), e=NOW - 2 * HOUR)}
    web.pages[f"{SITE}/a.xml"] = urlset(a=NOW)
    first = await sitemap.fetch({})
    web.urls()
    web.pages[MAP] = index(**dict.fromkeys("abc", NOW - HOUR), e=NOW)
    await sitemap.fetch(first.cursor)

    assert web.urls()[1] == "/e.xml"


async def test_where_all_of_them_fail_the_visit_has_failed(sitemap: SitemapSource, web: Web) -> None:
    web.pages |= {MAP: index(a=NOW, b=NOW)}
    with pytest.raises(FetchFailed, match="HTTP 404"):
        await sitemap.fetch({})


async def test_a_host_that_asks_to_be_left_alone_is_left_alone_at_once(sitemap: SitemapSource, web: Web) -> None:
    busy = Response(status=429, url=f"{SITE}/a.xml", headers={"retry-after": "60"})
    web.pages |= {MAP: index(a=NOW, b=NOW - HOUR), f"{SITE}/a.xml": busy, f"{SITE}/b.xml": news(n=NOW)}
    with pytest.raises(FetchFailed) as failed:
        await sitemap.fetch({})

    assert (failed.value.wait, web.urls()) == (timedelta(minutes=1), ["/sitemap.xml", "/a.xml"])


async def test_an_index_that_names_another_site_does_not_get_our_secrets_sent_there(sitemap: SitemapSource, web: Web) -> None:
    rows = "".join(
        f"<sitemap><loc>{url}</loc></sitemap>"
        for url in (f"{SITE}/a.xml", "https://evil.example/b.xml", "http://news.example/c.xml")
    )
    web.pages |= {MAP: f"<sitemapindex>{rows}</sitemapindex>".encode(), f"{SITE}/a.xml": urlset()}
    await replace(sitemap, headers={"X-Key": "secret"}).fetch({})

    assert {url for url, headers in web.asked if "X-Key" in headers} == {MAP, f"{SITE}/a.xml"}
    assert len(web.asked) == 4  # the control: the others were asked, too
    assert "secret" not in repr(replace(sitemap, headers={"X-Key": "secret"}))


async def test_what_is_no_sitemap_is_a_failure(sitemap: SitemapSource, web: Web) -> None:
    web.pages[MAP] = b"<html><body>Log in</body></html>"
    with pytest.raises(FetchFailed, match="HTML where a sitemap should be") as failed:
        await sitemap.fetch({})

    assert failed.value.kind == "unreadable"


# A folder.


async def parse_saved(data: bytes, name: str) -> Saved:
    return saved.parse(data, name)


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    (tmp_path / "in").mkdir()

    def written(name: str, text: str = "A title\n\nA text.", *, age: timedelta = HOUR) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        changed = (NOW - age).timestamp()
        os.utime(path, (changed, changed))
        return path

    return written


@pytest.fixture
def drop(tmp_path: Path, clock: Clock) -> FolderSource:
    return FolderSource(id="d", folder=tmp_path / "in", parse=parse_saved, clock=clock, labels=LABELS)


def ids(fetched: Fetched) -> list[str]:
    return [article.id for article in fetched.articles]


async def test_files_are_read_once_those_changed_first_first(drop: FolderSource, put: Callable[..., Path]) -> None:
    put("b.txt", age=2 * HOUR)
    put("sub/a.txt")
    put("notes.md")
    put(".hidden.txt")
    put(".git/c.txt")
    first = await drop.fetch({})
    second = await drop.fetch(first.cursor)

    assert (ids(first), first.listed) == (["d#b.txt", "d#sub/a.txt"], 2)
    assert (first.articles[0].source, first.articles[0].tags, first.articles[0].title) == ("d", ("x",), "A title")
    assert (second.unchanged, second.articles) == (True, ())


async def test_a_changed_file_is_read_again_under_its_id(drop: FolderSource, put: Callable[..., Path]) -> None:
    put("a.txt")
    put("b.txt")
    first = await drop.fetch({})
    put("a.txt", "A title\n\nAnother text.", age=HOUR / 2)
    second = await drop.fetch(first.cursor)

    assert ids(second) == ["d#a.txt"]
    assert second.articles[0].digest != first.articles[0].digest
    assert second.original is not None
    assert b"Another" in second.original.body


async def test_two_files_may_use_one_id(drop: FolderSource, put: Callable[..., Path]) -> None:
    put("a.json", '{"id": "1", "title": "One", "source": "x"}')
    put("b.jsonl", '{"id": "1", "title": "Two"}\n{"title": "Three"}')

    assert ids(await drop.fetch({})) == ["d#a.json#1", "d#b.jsonl#1", "d#b.jsonl#2"]


async def test_a_file_that_is_being_written_waits(drop: FolderSource, put: Callable[..., Path], clock: Clock) -> None:
    put("a.txt", age=timedelta(seconds=1))
    put("of-another-clock.txt", age=-HOUR)
    first = await drop.fetch({})
    clock.now += timedelta(seconds=1)

    assert ids(first) == ["d#of-another-clock.txt"]
    assert ids(await drop.fetch(first.cursor)) == ["d#a.txt"]


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    drop: FolderSource, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put("a.txt")
    seen = folders.look

    def meanwhile(folder: Path) -> Any:
        found = seen(folder)
        path.write_text("Half")
        return found

    monkeypatch.setattr(folders, "look", meanwhile)
    first = await drop.fetch({})
    assert (ids(first), first.remarks, first.cursor["known"]) == ([], ("a.txt: it was changed while it was read",), "")

    monkeypatch.setattr(folders, "look", seen)
    assert ids(await replace(drop, clock=lambda: datetime.now(UTC) + HOUR).fetch(first.cursor)) == ["d#a.txt"]


async def test_a_file_that_cannot_be_read_is_told_of_once(drop: FolderSource, put: Callable[..., Path]) -> None:
    put("a.txt").write_bytes(b"\0\1")
    os.utime(drop.folder / "a.txt", (0, 0))
    put("b.txt")
    first = await drop.fetch({})
    second = await drop.fetch(first.cursor)

    assert (ids(first), first.remarks) == (["d#b.txt"], ("a.txt: a binary file",))
    assert second.unchanged


async def test_a_link_that_leads_out_is_not_followed(drop: FolderSource, put: Callable[..., Path], tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("A secret\n\nThat is nobody's business.")
    put(".data/real.txt")
    (drop.folder / "out.txt").symlink_to(secret)
    (drop.folder / "elsewhere").symlink_to(tmp_path)
    (drop.folder / "inside.txt").symlink_to(drop.folder / ".data" / "real.txt")
    (drop.folder / "gone.txt").symlink_to(drop.folder / "nothing.txt")
    fetched = await drop.fetch({})

    assert ids(fetched) == ["d#inside.txt"]
    assert fetched.remarks == ("out.txt: a link that leads out of the folder",)
    state = secret.stat()  # the control: it could be read
    assert b"secret" in folders.content(folders.File("out.txt", drop.folder / "out.txt", state.st_size, state.st_mtime_ns))


async def test_a_pipe_does_not_stop_it(drop: FolderSource, put: Callable[..., Path]) -> None:
    put("a.txt")
    os.mkfifo(drop.folder / "pipe.txt")

    assert ids(await drop.fetch({})) == ["d#a.txt"]
    with pytest.raises(OSError, match="not a file any more"):
        folders.content(folders.File("pipe.txt", drop.folder / "pipe.txt", 0, 0))


async def test_too_large_a_file_is_not_read(drop: FolderSource, put: Callable[..., Path]) -> None:
    os.truncate(put("a.txt"), LARGEST + 1)
    os.utime(drop.folder / "a.txt", (0, 0))

    assert (await drop.fetch({})).remarks == ("a.txt: larger than 20 MiB",)


async def test_many_files_are_read_in_turns(
    drop: FolderSource, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "AT_ONCE", 2)
    for at in range(3):
        put(f"{at}.txt")
    first = await drop.fetch({})
    second = await drop.fetch(first.cursor)

    assert (ids(first), first.remarks) == (["d#0.txt", "d#1.txt"], ("1 more files wait for the next visit",))
    assert (ids(second), (await drop.fetch(second.cursor)).unchanged) == (["d#2.txt"], True)


async def test_a_folder_that_is_not_there_is_a_failure(drop: FolderSource, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="the folder cannot be read") as failed:
        await replace(drop, folder=tmp_path / "nowhere").fetch({})

    assert failed.value.kind == "unreachable"
