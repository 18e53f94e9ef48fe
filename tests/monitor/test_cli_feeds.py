"""`monitor feeds`: what is found, written, listed, imported and exported, and what is said about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor import config as settings
from monitor import opml, rhythm
from monitor.cli.feeds import facts, table
from monitor.cli.look import Health
from monitor.config import Watched
from monitor.model import Tally, Visit
from monitor.report import Style
from monitor.stores import open_store

if TYPE_CHECKING:
    from conftest import Do, Newsroom

pytestmark = pytest.mark.usefixtures("unlogged")

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LOCAL = "settings: {allow: [127.0.0.0/8], pause: 0s}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which commands run."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Ask = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def ask(do: Do) -> Ask:
    """As `do`, while a server of this test's loop answers."""

    async def run(*arguments: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(do, *arguments)

    return run


def sources(folder: Path) -> dict[str, str]:
    config = settings.load(folder / "monitor.yaml", {})
    return {one.id: one.place for one in config.sources}


# add


async def test_a_feed_is_tried_shown_and_written_and_the_file_keeps_its_comments(
    here: Path, ask: Ask, newsroom: Newsroom
) -> None:
    (here / "monitor.yaml").write_text(f"# mine\nsources: []  # none yet\n\n# how\n{LOCAL}")
    for number in range(7):
        newsroom.publish(f"n{number}", f"Title {number}", "…", "…", when=NOW + timedelta(minutes=number))
    code, out, err = await ask("feeds", "add", f"{newsroom.url}/feed/feed", "--kind", "wire", "--tag", "a", "--tag", "b c")
    assert (code, err) == (0, f"trying {newsroom.url}/feed/feed\n1 source added to monitor.yaml, as 'local-news'.\n")
    assert out.splitlines() == [
        f"Local News: {newsroom.url}/feed/feed",
        "7 articles, the newest:",
        *(f"  2026-07-01 12:0{number}  Title {number}" for number in (6, 5, 4, 3, 2)),
    ]
    assert (here / "monitor.yaml").read_text() == (
        "# mine\nsources:  # none yet\n"
        f'  - id: local-news  # Local News\n    feed: "{newsroom.url}/feed/feed"\n    kind: wire\n    tags: [a, "b c"]\n'
        f"\n# how\n{LOCAL}"
    )


async def test_what_is_watched_is_neither_asked_nor_written_again(here: Path, ask: Ask, newsroom: Newsroom) -> None:
    text = f"sources: [{{id: paper, feed: '{newsroom.url}/feed/feed'}}]\n{LOCAL}"
    (here / "monitor.yaml").write_text(text)
    code, out, err = await ask("feeds", "add", f"{newsroom.url}/feed/feed/")
    assert (code, out, err) == (0, "", "Nothing written: it is watched already, as 'paper'.\n")
    assert newsroom.asked == []
    assert (here / "monitor.yaml").read_text() == text


async def test_a_page_that_leads_to_what_is_watched_adds_nothing(here: Path, ask: Ask, newsroom: Newsroom) -> None:
    (here / "monitor.yaml").write_text(f"sources: [{{id: paper, feed: '{newsroom.url}/feed/feed'}}]\n{LOCAL}")
    newsroom.pages["home"] = "<html><head><link rel=alternate type='application/rss+xml' href='/feed/feed'></head></html>"
    code, _, err = await ask("feeds", "add", f"{newsroom.url}/page/home")
    assert code == 0
    assert (
        err
        == f"trying {newsroom.url}/page/home\ntrying {newsroom.url}/feed/feed\nNothing written: it is watched already, as 'paper'.\n"
    )


async def test_a_dry_run_writes_nothing(here: Path, ask: Ask, newsroom: Newsroom) -> None:
    (here / "monitor.yaml").write_text(LOCAL)
    code, out, err = await ask("feeds", "add", f"{newsroom.url}/feed/feed", "--dry-run")
    assert code == 0
    assert err.endswith("\nNothing written: this would add 1 source to monitor.yaml.\n")
    assert out.endswith("0 articles, for now\n")
    assert (here / "monitor.yaml").read_text() == LOCAL


async def test_a_page_without_a_feed_can_be_watched_itself(here: Path, ask: Ask, newsroom: Newsroom) -> None:
    (here / "monitor.yaml").write_text(LOCAL)
    newsroom.pages["list"] = "<html><body><h3><a href='/page/one'>A headline of some length</a></h3></body></html>"
    code, _, err = await ask("feeds", "add", f"{newsroom.url}/page/list")
    assert code == 2
    assert f"monitor feeds add {newsroom.url}/page/list --page" in err
    code, out, _ = await ask("feeds", "add", f"{newsroom.url}/page/list", "--page", "--links", "h3 a", "--id", "ministry")
    assert code == 0
    assert "A headline of some length" in out
    (source,) = settings.load(here / "monitor.yaml", {}).sources
    assert (source.form, source.place, source.links, source.id) == ("page", f"{newsroom.url}/page/list", "h3 a", "ministry")


async def test_what_a_feed_calls_itself_cannot_break_the_file_or_steer_the_terminal(
    here: Path, ask: Ask, newsroom: Newsroom
) -> None:
    (here / "monitor.yaml").write_text(LOCAL)
    title = 'News: "today" #1 🎉\nreceivers: []\u202e \x9b31m'
    newsroom.pages["feed"] = f"<rss version='2.0'><channel><title>{title}</title></channel></rss>"
    code, out, _ = await ask("feeds", "add", f"{newsroom.url}/page/feed")
    assert code == 0
    assert all(char.isprintable() or char == "\n" for char in out)
    assert list(sources(here)) == ["news-today-1-receivers-31m"]
    assert (here / "monitor.yaml").read_text().count("receivers") == 2  # in the id and in the comment


async def test_a_private_address_is_not_asked_and_leaves_no_file_behind(here: Path, ask: Ask, newsroom: Newsroom) -> None:
    code, _, err = await ask("feeds", "add", f"{newsroom.url}/feed/feed")
    assert code == 2
    assert "blocked address 127.0.0.1: what is not public is asked only where monitor.yaml allows it" in err
    assert newsroom.asked == []
    assert not (here / "monitor.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://",), "'http://' is no address such as https://www.example.org"),
        (("ftp://a.example/",), "is no address such as"),
        (("https://a.example/", "--id", "paper"), "there is a source 'paper' already: give this one another --id"),
        (("https://a.example/", "--links", "a"), "--links goes with --page"),
        (("https://a.example/", "--page", "--links", "h3 >> a"), "--links: not a CSS selector"),
    ],
)
def test_what_cannot_be_is_told_before_anybody_is_asked(here: Path, do: Do, arguments: tuple[str, ...], message: str) -> None:
    (here / "monitor.yaml").write_text("sources: [{id: paper, feed: 'https://p.example/'}]\n")
    code, out, err = do("feeds", "add", *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("text", ["sources:\n\t- feed: x\n", "sources: [\n", "sources: 3\n"])
def test_a_broken_file_is_told_with_its_place_and_stays(here: Path, do: Do, text: str) -> None:
    (here / "monitor.yaml").write_text(text)
    code, _, err = do("feeds", "add", "https://a.example/")
    assert code == 2
    assert err.startswith("monitor.yaml:")
    assert (here / "monitor.yaml").read_text() == text


# list


def visit(**changes: Any) -> Visit:
    return Visit(**{"source": "paper", "at": NOW, "due": NOW + timedelta(minutes=5), "answered": NOW, **changes})


def test_before_any_run_every_source_is_new(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text(
        "sources:\n  - {id: paper, feed: 'https://p.example/x'}\n  - {id: a-longer-id, folder: in}\n"
    )
    code, out, err = do("feeds", "list")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "SOURCE       STATE         NEXT (UTC)        WHY",
        "paper        new                             not looked at yet",
        "a-longer-id  new                             not looked at yet",
        "",
        "2 sources: 2 new; no monitor is running",
    ]
    assert list(here.iterdir()) == [here / "monitor.yaml"]


def test_without_sources_it_says_how_to_begin(here: Path, do: Do) -> None:
    assert do("feeds", "list") == (0, "", "No sources yet: add one with 'monitor feeds add URL'.\n")


def test_each_source_shows_its_state_and_why_and_when_it_is_asked_next(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text(
        "sources:\n  - {id: paper, feed: 'https://p.example/key', kind: wire}\n  - {id: other, feed: 'https://o.example/'}\n"
    )
    failed = visit(failures=2, trouble="http", error="HTTP 500", remarks=("cut at 2,000 entries",), answered=None)

    async def keep() -> None:
        store = await open_store("monitor.db")
        await store.visited(failed)
        await store.close()

    asyncio.run(keep())
    _, out, _ = do("feeds", "list")
    assert out.splitlines()[1] == (
        "paper  failing       2026-07-01 12:05  "
        "HTTP 500 (it answered with an error; 2× in a row, never well); cut at 2,000 entries"
    )
    assert out.splitlines()[-1] == "2 sources: 1 new, 1 failing; no monitor is running"
    _, out, _ = do("feeds", "list", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["state"] for one in told] == ["failing", "new"]
    assert told[0] == {
        "id": "paper",
        "form": "feed",
        "host": "p.example",
        "kind": "wire",
        "state": "failing",
        "reason": "HTTP 500 (it answered with an error; 2× in a row, never well)",
        "visited": "2026-07-01T12:00:00Z",
        "answered": None,
        "newest": None,
        "due": "2026-07-01T12:05:00Z",
        "failures": 2,
        "remarks": ["cut at 2,000 entries"],
    }


def test_what_a_source_said_cannot_steer_the_terminal() -> None:
    told = facts(Watched(id="a", place="https://a.example/"), visit(failures=1, trouble="http", error="\x1b[31mHTTP\n500"), NOW)
    assert all(line.isprintable() for line in "\n".join(table([told], Style())).split("\n"))


def test_states_have_colours_on_a_terminal_and_columns_all_the_same() -> None:
    told = [facts(Watched(id="a", place="https://a.example/"), None, NOW)]
    plain, colourful = (list(table(told, Style(colour=colour)))[1] for colour in (False, True))
    assert "\x1b[36mnew         \x1b[0m" in colourful
    assert colourful.replace("\x1b[36m", "").replace("\x1b[0m", "") == plain


def test_help_explains_every_state_in_lines_that_fit(do: Do) -> None:
    _, out, _ = do("feeds", "list", "--help")
    lines = out.splitlines()
    assert all(any(line.startswith(f"  {word} ") for line in lines) for word in rhythm.WORDS)
    assert max(map(len, lines)) <= 80


# status


def health(*visits: Visit) -> list[str]:
    ids = [one.source for one in visits]
    watched = {one: Watched(id=one, place="https://a.example/") for one in ids}
    told = Health(now=NOW, running=True, sources=ids, visits=visits, tally=Tally(), lately=0, watched=watched).told()
    lines = list(told)
    return lines[next(at for at, line in enumerate(lines) if line.startswith("sources")) :]


def test_the_status_tells_of_each_of_a_few_sources() -> None:
    failed = visit(source="longer-id", failures=1, trouble="http", error="HTTP \x1b500", answered=None)
    assert health(visit(), failed) == [
        "sources     2: 1 ok, 1 failing",
        "  paper      ok            answers; it has brought nothing yet",
        "  longer-id  failing       HTTP 500 (it answered with an error; 1× in a row, never well)",
    ]


def test_the_status_tells_of_many_sources_only_those_that_are_not_well() -> None:
    well = [visit(source=f"s{number}") for number in range(1_000)]
    failed = [visit(source=f"f{number}", failures=1, trouble="http", error="HTTP 500") for number in range(30)]
    lines = health(*well, failed[0])
    assert (lines[0], len(lines)) == ("sources     1,001: 1,000 ok, 1 failing", 3)
    assert lines[1].startswith("  f0  failing")
    assert lines[2] == "  'monitor feeds list' has all of them"
    lines = health(*well, *failed)
    assert (len(lines), lines[-1]) == (22, "  10 more are not well; 'monitor feeds list' has all of them")


# import and export


def outlines(*titles: str) -> bytes:
    return opml.write(
        [opml.Outline(title=one, url=f"https://f.example/{n}?a=1&b=2", folders=("World",)) for n, one in enumerate(titles)]
    )


def test_an_import_adds_what_is_new_and_twice_adds_nothing(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text("# mine\nsources:\n  - {id: a, feed: 'http://f.example/0/?a=1&b=2'}\n")
    (here / "feeds.opml").write_bytes(outlines("A", "A", "B: #2"))
    code, out, err = do("feeds", "import", "feeds.opml")
    assert (code, err) == (0, "2 sources added to monitor.yaml.\n")
    assert [line.split()[0] for line in out.splitlines()] == ["a-2", "b-2"]
    text = (here / "monitor.yaml").read_text()
    assert text.startswith("# mine\n")
    assert settings.load(here / "monitor.yaml", {}).sources[-1].tags == ("world",)
    assert do("feeds", "import", "feeds.opml") == (0, "", "Nothing written: all of them are watched already.\n")
    assert (here / "monitor.yaml").read_text() == text


def test_a_dry_import_only_tells(here: Path, do: Do) -> None:
    (here / "feeds.opml").write_bytes(outlines("A", "B"))
    assert do("feeds", "import", "feeds.opml", "--dry-run")[2] == "Nothing written: this would add 2 sources to monitor.yaml.\n"
    assert not (here / "monitor.yaml").exists()


def test_what_is_no_opml_is_told_with_its_name(here: Path, do: Do) -> None:
    (here / "feeds.opml").write_text("<html></html>")
    assert do("feeds", "import", "feeds.opml") == (2, "", "monitor: feeds.opml: not OPML but <html>\n")


def test_thousands_of_feeds_are_written_and_read_back(here: Path, do: Do) -> None:
    """One after the other, each read the whole file again: that took minutes."""
    (here / "feeds.opml").write_bytes(outlines(*["News"] * 6_000))
    assert do("feeds", "import", "feeds.opml")[0] == 0
    assert len(sources(here)) == 6_000


def test_what_is_exported_can_be_imported_elsewhere(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text(
        "sources:\n"
        "  - {feed: 'https://www.p.example/news/rss.xml?a=1&b=2', tags: [world, x]}\n"
        "  - {id: тасс, feed: 'https://t.example/'}\n"
        "  - {id: wire_2.a, feed: 'https://w.example/'}\n"
        "  - {id: left-out, page: 'https://l.example/'}\n"
    )
    before = {name: place for name, place in sources(here).items() if name != "left-out"}
    code, out, err = do("feeds", "export")
    assert (code, err) == (0, "Left out, as they are no feeds: 1 source.\n")
    (here / "feeds.opml").write_text(out)
    (here / "monitor.yaml").unlink()
    assert do("feeds", "import", "feeds.opml")[0] == 0
    assert sources(here) == before
    assert settings.load(here / "monitor.yaml", {}).sources[0].tags == ("world",)


def test_lists_from_the_wild_are_imported_and_read_back(here: Path, do: Do) -> None:
    files = sorted((Path(__file__).parents[3] / "shared" / "corpus" / "feeds" / "opml").glob("*.opml"))
    if not files:
        pytest.skip("no ../shared/corpus here: OPML files from the wild are not imported")
    for file in files:
        assert do("feeds", "import", str(file))[0] == 0
    assert len(sources(here)) > 100


# Settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "sources: [{page: 'https://a.example/', feed: 'https://a.example/'}]",
            "1:11: a source is one of feed, page, sitemap, folder",
        ),
        ("sources: [{page: 'https://a.example/', links: 'h3 >> a'}]", "1:47: not a CSS selector"),
        ("sources: [{feed: 'https://a.example/', links: a}]", "1:47: only a 'page' has links to select"),
        ("sources: [{feed: 'https://a.example/', full_text: allways}]", "1:51: unknown value 'allways'; did you mean 'always'?"),
        ("sources: [{feed: 'https://a.example/', kind: [a]}]", "1:46: expected text, found a list"),
        ("sources: [{feed: 'https://a.example/', silent_after: soon}]", "1:54: expected a length of time"),
        ("sources: [{sitemap: 'ftp://a.example/'}]", "1:21: expected an address"),
        ("sources: [{folder: ' '}]", "1:20: expected the path of a folder with saved articles, such as inbox"),
        ("sources: ['https://a.example/']", "1:11: expected a source such as {feed: https://example.org/feed.xml}, found text"),
        ("settings: {keep: 90d}", "1:18: expected such as {articles: 90d, pages: 3d}, found '90d'"),
        ("settings: {keep: {page: 1d}}", "1:19: unknown key 'page'; did you mean 'pages'?"),
        ("settings: {pause: 2}", "1:19: expected a length of time"),
        ("settings: {allow: {source: [10.0.0.0/8]}}", "1:20: unknown key 'source'; did you mean 'sources'?"),
        ("settings: {allow: {sources: [10.0.0.0/99]}}", "1:30: expected a network such as 10.1.0.0/16"),
    ],
)
def test_a_setting_that_is_wrong_is_told_once_at_its_place(here: Path, do: Do, text: str, message: str) -> None:
    (here / "monitor.yaml").write_text(text)
    code, out, err = do("feeds", "list")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"monitor.yaml:{message}")


def test_what_would_be_kept_for_less_than_a_day_is_told(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text("settings: {keep: {pages: 1h}}\n")
    assert "monitor.yaml:1:26: nothing is kept for less than a day: it is kept for 1d (warning)\n" in do("feeds", "list")[2]


def test_a_folder_has_the_same_id_from_wherever_the_monitor_is_started(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text("sources: [{folder: inbox}]\n")
    for file in ("monitor.yaml", str(here / "monitor.yaml"), f"../{here.name}/monitor.yaml"):
        assert json.loads(do("feeds", "list", "--json", "--config", file)[1])["id"] == "inbox"


def test_every_form_of_source_is_listed(here: Path, do: Do) -> None:
    (here / "monitor.yaml").write_text(
        "sources:\n"
        "  - {page: 'https://a.example/', links: 'h3 a', kind: government, silent_after: 2d}\n"
        "  - {sitemap: 'https://b.example/news.xml', every: 5m, full_text: never}\n"
        "  - {folder: inbox}\n"
        "settings: {keep: {articles: 30d, pages: 2d}, pause: 5s, allow: {sources: [10.1.0.0/16], receivers: 10.2.0.1}}\n"
    )
    code, out, err = do("feeds", "list", "--json")
    assert (code, err) == (0, "")
    assert [(one["form"], one["host"]) for one in map(json.loads, out.splitlines())] == [
        ("page", "a.example"),
        ("sitemap", "b.example"),
        ("folder", "inbox"),
    ]
