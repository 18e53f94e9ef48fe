"""`monitor replay --since`: a rule that looks backward over what the monitor has kept."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from monitor import steps
from monitor.app.book import now
from monitor.cli import invoke
from monitor.errors import FetchFailed
from monitor.model import Filled, Original, Visit
from monitor.steps import Bench
from monitor.stores import open_store
from monitor.stores.sqlite import SqliteStore
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conftest import Desk, Do, Newsroom, Settings

    from monitor.model import Event, Fresh, Tally

pytestmark = pytest.mark.usefixtures("unlogged")

TODAY = now().replace(microsecond=0)
DAY = timedelta(days=1)

RULES = """
rules:
  - id: flood
    title: "A flood: {place}"
    when: {any: [flood*]}
    once: {alike: 0.5, within: 3d}
  - id: attempt
    status: draft
    when: {any: [flood*]}
  - id: gone
    status: deprecated
    when: {any: [flood*]}
"""
FIRST = "The river Elbow has flooded the old town of Marshwick after a week of rain, and hundreds left their houses."
AGAIN = "Hundreds left their houses in the old town of Marshwick, which the river Elbow has flooded after a week of rain."
SECOND = "A flood swept away two bridges near Highfield on Monday night, and the road to the coast is closed."
DULL = "The council has put off the debate on parking."

PAGE = (
    "<html><head><title>Weather</title></head><body><article><h1>Weather</h1>"
    + "".join(f"<p>{text}</p>" for text in (DULL * 3, SECOND, DULL * 3))
    + "</article></body></html>"
)


def article(id: str, body: str, ago: float, **more: Any) -> Article:
    return Article(id=id, title=f"Number {id}", body=body, digest=id, published=TODAY - ago * DAY, source="paper", **more)


ARTICLES = [
    article("a", FIRST, 3),
    article("b", AGAIN, 2.5),
    article("c", DULL, 2),
    article("d", SECOND, 1),
    article("long-ago", FIRST, 30),
]


async def no_matches(articles: Sequence[Article]) -> list[Any]:
    return [[] for _ in articles]


async def keep(
    path: Path, articles: Sequence[Article], fill: Callable[[Fresh], Any] = steps.as_it_is, seen: datetime | None = None
) -> None:
    """Has a monitor examine these, whose rules wanted nothing of them; they were seen when they were published."""
    store = await open_store(str(path))
    known = Visit(source="paper", at=TODAY, due=TODAY, known=TODAY - 20 * DAY, answered=TODAY)
    await store.visited(known)
    with capture_logs():
        for one in articles:
            at = seen or one.published or TODAY
            bench = Bench(store=store, match=no_matches, rules={}, moment=lambda _, at=at: at, fill=fill)  # type: ignore[misc]
            await steps.examine([one], bench=bench)
    await store.close()


async def kept(path: Path) -> tuple[Tally, list[Event], dict[str, int]]:
    """What is in the store now."""
    store = await open_store(str(path))
    result = await store.tally(), await store.events(), dict(await store.sizes())
    await store.close()
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules, and a store with articles that were no news to the rules of their day."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)
    asyncio.run(keep(tmp_path / "monitor.db", ARTICLES))
    return tmp_path


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def look(do: Do, *more: str, rule: str = "flood") -> tuple[int, list[dict[str, Any]], str]:
    code, out, err = do("replay", "--since", "7d", "--rule", rule, "--json", *more)
    return code, values(out), err


def test_one_alert_an_event_in_the_order_of_first_sight(do: Do) -> None:
    code, alerts, err = look(do)
    assert (code, err) == (0, "")
    assert [one["data"]["article"]["id"] for one in alerts] == ["a", "d"]  # b tells of the event of a
    assert [one["type"] for one in alerts] == ["alert.new", "alert.new"]
    assert [one["held"] for one in alerts] == [None, None]
    assert alerts[0]["data"]["article"]["first_seen"] == f"{TODAY - 3 * DAY:%Y-%m-%dT%H:%M:%SZ}"


def test_for_people_it_says_when_and_sums_up(do: Do) -> None:
    code, out, _ = do("replay", "--since", "7d", "--rule", "flood")
    assert code == 0
    assert out.startswith(f"first seen {TODAY - 3 * DAY:%Y-%m-%d %H:%M} UTC\n")
    assert out.endswith("2 alerts from 4 articles\n")


def test_twice_it_says_the_same_and_nothing_is_written(do: Do, here: Path) -> None:
    before = asyncio.run(kept(here / "monitor.db"))
    assert look(do) == look(do) == look(do, "--jobs", "2")
    assert asyncio.run(kept(here / "monitor.db")) == before
    assert before[0].alerts == 0


def test_a_page_that_nobody_wanted_is_read_where_the_rule_wants_it(do: Do, here: Path) -> None:
    async def fill(fresh: Fresh) -> Filled:
        page = Original(url="http://paper.example/w", at=TODAY, body=PAGE.encode(), kind="page", content_type="text/html")
        return Filled(article=fresh.article, page=page, read=False)

    (here / "monitor.db").unlink()
    asyncio.run(keep(here / "monitor.db", [article("teaser", "", 0.5, url="http://paper.example/w")], fill))
    _, alerts, _ = look(do)
    assert [one["data"]["article"]["id"] for one in alerts] == ["teaser"]
    assert alerts[0]["data"]["findings"][0]["text"] == SECOND


def test_what_was_backlog_or_a_draft_is_shown_as_what_nobody_is_told_of(do: Do, here: Path) -> None:
    assert [one["held"] for one in look(do, rule="attempt")[1]] == ["draft", "draft"]
    (here / "monitor.db").unlink()
    old = article("old", FIRST, 25)
    asyncio.run(keep(here / "monitor.db", [old], seen=TODAY - 21 * DAY))  # the paper was known a day later
    _, out, _ = do("replay", "--since", "30d", "--rule", "flood", "--json")
    assert [one["held"] for one in values(out)] == ["backlog"]


# What is refused

REFUSED = {
    "nothing": ([], "name files or folders"),
    "no rule": (["--since", "7d"], "--since needs --rule ID"),
    "a rule for files": (["saved", "--rule", "flood"], "--rule goes with --since"),
    "both": (["saved", "--since", "7d", "--rule", "flood"], "no PATH, --db or --now beside it"),
    "a clock": (["--now", "2026-07-01", "--since", "7d", "--rule", "flood"], "no PATH, --db or --now beside it"),
    "an unknown rule": (["--since", "7d", "--rule", "floods"], "floods"),
    "a deprecated rule": (["--since", "7d", "--rule", "gone"], "the rule 'gone' is deprecated"),
    "nobody to tell": (["--since", "7d", "--rule", "flood", "--send"], "names no receivers"),
}


@pytest.mark.parametrize(("arguments", "why"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(do: Do, arguments: list[str], why: str) -> None:
    code, out, err = do("replay", *arguments)
    assert (code, out) == (2, "")
    assert why in err


def test_where_nothing_was_kept_it_says_so(do: Do, here: Path) -> None:
    (here / "monitor.db").unlink()
    code, _, err = do("replay", "--since", "7d", "--rule", "flood")
    assert code == 2
    assert "is not there yet" in err
    assert not (here / "monitor.db").exists()


# Sending

SEND = ("replay", "--since", "7d", "--rule", "flood", "--send", "--json")


@pytest.fixture
async def open_desk(desk: Desk, newsroom: Newsroom, settings: Settings) -> Desk:
    """A desk with the articles, and a receiver."""
    desk.write(settings(), RULES)
    await keep(desk.folder / "monitor.db", ARTICLES)
    return desk


async def test_sent_they_are_kept_and_delivered(open_desk: Desk, newsroom: Newsroom) -> None:
    code, out, err = await open_desk.command(*SEND)
    hooks = [await newsroom.told(), await newsroom.told()]
    tally, events, _ = await kept(open_desk.folder / "monitor.db")

    assert code == 0
    assert "2 deliveries made, 0 failed" in err
    alerts = {one["data"]["id"] for one in values(out)}
    assert {hook.headers["webhook-id"] for hook in hooks} == alerts
    assert (tally.alerts, tally.waiting, tally.articles) == (2, 0, 5)
    assert sorted((event.article, event.articles) for event in events) == [("a", 2), ("d", 1)]


async def test_sent_twice_nobody_is_told_twice(open_desk: Desk, newsroom: Newsroom) -> None:
    await open_desk.command(*SEND)
    before = await kept(open_desk.folder / "monitor.db")
    code, out, err = await open_desk.command(*SEND)
    assert (code, out) == (0, "")
    assert "3 articles known to the rule already: nobody is told again" in err
    assert newsroom.hooks.qsize() == 2
    assert await kept(open_desk.folder / "monitor.db") == before


async def test_without_a_look_at_what_was_reported_articles_would_count_twice(
    here: Path, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above, in this process."""

    async def none(*_: object) -> list[str]:
        return []

    monkeypatch.setattr(SqliteStore, "reported", none)
    monkeypatch.setenv("DESK_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (here / "monitor.yaml").write_text("receivers: [{id: a, webhook: 'http://127.0.0.1:9/', secret: {env: DESK_KEY}}]\n")
    for _ in range(2):
        await asyncio.to_thread(invoke, SEND)
    _, events, _ = await kept(here / "monitor.db")
    assert max(event.articles for event in events) > 2


async def test_one_that_is_not_taken_waits_and_shows(open_desk: Desk, newsroom: Newsroom) -> None:
    newsroom.answers = [500, 500]
    code, _, err = await open_desk.command(*SEND)
    tally, _, _ = await kept(open_desk.folder / "monitor.db")
    assert code == 1
    assert "0 deliveries made, 2 failed: the monitor tries again when it runs" in err
    assert tally.waiting == 2


async def test_an_article_whose_page_is_still_to_come_is_left_to_the_monitor(open_desk: Desk, newsroom: Newsroom) -> None:
    async def fill(fresh: Fresh) -> Filled:
        raise FetchFailed("HTTP 503")

    await keep(open_desk.folder / "monitor.db", [article("late", "A flood, details to follow.", 0.1)], fill)
    before, _, _ = await kept(open_desk.folder / "monitor.db")
    code, _, err = await open_desk.command(*SEND)
    after, _, _ = await kept(open_desk.folder / "monitor.db")
    assert code == 0
    assert "1 article still without the page: left to the monitor" in err
    assert (before.unfilled, after.unfilled, after.alerts) == (1, 1, 2)


async def test_beside_a_running_monitor_it_delivers_what_was_found(open_desk: Desk, newsroom: Newsroom) -> None:
    daemon = await open_desk.start()
    await daemon.says('"first poll"')
    code, out, err = await open_desk.command(*SEND)
    hooks = {(await newsroom.told()).headers["webhook-id"], (await newsroom.told()).headers["webhook-id"]}

    assert code == 0
    assert "2 alerts handed to the running monitor, which delivers them" in err
    assert hooks == {one["data"]["id"] for one in values(out)}
    assert (await open_desk.command(*SEND))[1] == ""
    assert await daemon.stop() == 0
    assert newsroom.hooks.empty()
