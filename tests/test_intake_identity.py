"""The fault catalogue of identity: which article is which, whatever a feed calls it, dates it or does to it. F42-F44, F47-F53.

Each through the real source, the real reader, the real rules and every store; each guard is once switched off.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from fakefeeds import DAY, HOUR, MINUTE, NOON, SUBJECTS, URL, Desk, answer, item, rss, statement
from mortal import Killed
from structlog.testing import capture_logs

from monitor import habits, novelty, rhythm
from monitor.feeds import MOST
from monitor.model import Visit
from monitor.sources import polite
from monitor.stores import STORES, open_store
from monitor.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from monitor.model import Fresh
    from monitor.wire import Response
    from rules import Article

LINK = "https://paper.example"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(params=sorted(STORES))
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    store = await open_store(f"{request.param}:{tmp_path / 'monitor.db'}")
    yield Desk(store)
    await store.close()


def feed(*names: int, **said: Any) -> Response:
    """A feed of some of the subjects, each under its number."""
    return answer(rss(*(item(f"{n}", statement(SUBJECTS[n]), **said) for n in names)))


# F43, F44: what is not modified.


async def test_an_unmodified_feed_is_not_read_and_is_well(desk: Desk) -> None:
    await desk.visit(says=answer(rss(item("a")), etag='W/"1"'))
    visit = await desk.later(HOUR, says=answer(status=304))

    assert (desk.reader.calls, visit.answered, visit.failures) == (1, desk.clock.now, 0)
    assert desk.web.asked[-1][1]["If-None-Match"] == 'W/"1"'


async def test_the_same_bytes_under_a_new_etag_each_time_are_not_read(desk: Desk) -> None:
    for visit in range(10):
        await desk.later(HOUR, says=answer(rss(item("a", statement("x"))), etag=f'"{visit}"'))
    assert desk.reader.calls == 1
    assert len(await desk.alerts()) == 1


async def test_a_server_that_says_not_modified_for_ever_hides_nothing_for_a_day(desk: Desk) -> None:
    assert await longest_hidden(desk) <= DAY


async def test_if_everything_were_asked_for_once_a_day_it_would_hide_for_longer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polite, "WHOLE", DAY)
    assert await longest_hidden(desk) > DAY


async def longest_hidden(desk: Desk) -> timedelta:
    """The longest time between two whole answers of a slow source that always says that nothing is new."""
    whole: list[datetime] = []

    def broken(_: str, headers: Mapping[str, str]) -> Response:
        if headers.keys() & {"If-None-Match", "If-Modified-Since"}:
            return answer(status=304)
        whole.append(desk.clock.now)
        return answer(rss(item("old", date=NOON - 20 * DAY)), etag='"1"')

    desk.web.says[URL] = broken
    visits = await desk.visits(NOON + 10 * DAY)
    assert visits[-1].due - visits[-1].at > 5 * HOUR
    return max(later - earlier for earlier, later in pairwise(whole))


# F42: what is no feed.

NO_FEEDS = {
    "login": b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form></form></body></html>",
    "json": b'{"error": "forbidden"}',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
    "empty": b"",
}


@pytest.mark.parametrize("body", NO_FEEDS.values(), ids=NO_FEEDS)
async def test_something_else_in_its_place_is_told_once_and_the_next_good_answer_catches_up(desk: Desk, body: bytes) -> None:
    await desk.visit(says=feed(0, 1, 2))
    words = [await said_after(desk, answer(body)) for _ in range(6)]

    assert words == ["failing"] * 2 + ["not-a-feed"] * 4
    assert await desk.notices() == ["paper silent"]
    assert (await desk.store.tally()).articles == 3
    visit = await desk.later(HOUR, says=feed(3, 0, 1, 2))
    assert (visit.articles, visit.remarks, await desk.word()) == (1, (), "ok")
    assert [alert.article.id for alert in await desk.alerts()] == [f"paper#{LINK}/{n}" for n in (0, 1, 2, 3)]
    assert await desk.notices() == ["paper silent", "paper recovered"]


async def said_after(desk: Desk, says: Response) -> str:
    await desk.later(HOUR, says=says)
    return await desk.word()


async def test_a_feed_that_is_empty_for_a_while_gives_nothing_twice_and_blames_no_ids(desk: Desk) -> None:
    await desk.visit(says=feed(0, 1, 2))
    for _ in range(4):
        visit = await desk.later(HOUR, says=answer(rss()))
        assert (visit.failures, visit.articles) == (0, 0)
        visit = await desk.later(HOUR, says=feed(0, 1, 2, 3))
        assert (visit.failures, visit.unstable) == (0, 0)
    assert len(await desk.alerts()) == 4


# F47: ids that change.


def restless(poll: int) -> Response:
    """The same five articles, all ids new, and tracking parameters that differ."""
    names = [(f"guid-{n}-{poll}", f"{LINK}/{n}?utm_source=rss&utm_campaign=p{poll}&fbclid={poll}{n}") for n in range(5)]
    items = [item(f"{n}", statement(SUBJECTS[n]), guid=guid, link=link) for n, (guid, link) in enumerate(names)]
    return answer(rss(*items))


async def test_ids_that_change_at_each_of_fifty_polls_tell_nothing_twice_and_are_flagged_at_the_third(desk: Desk) -> None:
    visits = [await desk.later(10 * MINUTE, says=restless(poll)) for poll in range(50)]

    assert len(await desk.alerts()) == (await desk.store.tally()).articles == 5
    assert [visit.unstable for visit in visits[:5]] == [0, 1, 2, 3, 4]
    assert await desk.word() == "unstable-ids"
    assert [event.articles for event in await desk.events()] == [1] * 5


class Naive(MemoryStore):
    """A store that knows articles by nothing but their ids."""

    async def unseen(self, articles: Any) -> list[Fresh]:
        self._shelf._texts.clear()
        self._shelf._places.clear()
        return await super().unseen(articles)


async def test_without_the_ladder_fifty_polls_are_fifty_times_the_articles_and_without_events_the_alerts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(Naive())
    for poll in range(50):
        await desk.later(10 * MINUTE, says=restless(poll))
    assert (await desk.store.tally()).articles == 250
    assert len(await desk.alerts()) == 5  # they are copies, at least

    monkeypatch.setattr("monitor.novelty.homes", opening(novelty.homes))
    desk = Desk(Naive())
    for poll in range(50):
        await desk.later(10 * MINUTE, says=restless(poll))
    assert len(await desk.alerts()) == 250


def opening(homes: Any) -> Any:
    """Every finding opens an event."""
    return lambda look, rule, findings, _: homes(look, rule, findings, [])


async def test_a_counter_of_comments_is_no_new_id(desk: Desk) -> None:
    for poll in range(6):
        items = [item(f"{n}", statement(SUBJECTS[n])).replace("</item>", f"<x>{poll}</x></item>") for n in range(5)]
        visit = await desk.later(10 * MINUTE, says=answer(rss(*items)))
    assert (visit.unstable, visit.remarks, await desk.word()) == (0, (), "ok")


async def test_what_another_source_gave_first_is_no_new_id(desk: Desk) -> None:
    desk.addresses["other"] = "https://other.example/feed"
    for poll in range(5):
        items = [item(f"{poll}-{n}", f"{poll} {statement(SUBJECTS[n])}") for n in range(5)]
        await desk.later(10 * MINUTE, says=answer(rss(*items)))
        visit = await desk.visit("other", says=answer(rss(*items)))
    assert (visit.unstable, await desk.word("other")) == (0, "ok")


# F48: ids that say nothing.


async def test_an_id_that_is_used_again_for_another_article_hides_nothing(desk: Desk) -> None:
    for n in range(5):
        said = item(f"{n}", statement(SUBJECTS[n]), guid="latest", date=NOON + n * HOUR)
        await desk.later(HOUR, says=answer(rss(said)))
    assert len(await desk.alerts()) == 5


@pytest.mark.parametrize("guid", ["same", URL, ""])
async def test_an_id_that_all_share_hides_nothing_and_tells_nothing_twice(desk: Desk, guid: str) -> None:
    for newest in range(3, len(SUBJECTS)):
        items = [item(f"{n}", statement(SUBJECTS[n]), guid=guid) for n in range(newest, newest - 4, -1)]
        await desk.later(HOUR, says=answer(rss(*items)))
    assert len(await desk.alerts()) == len(SUBJECTS)


@pytest.mark.parametrize("guid", ["same", None])
async def test_without_id_and_link_the_text_says_which_article_it_is(desk: Desk, guid: str | None) -> None:
    for newest in range(3, len(SUBJECTS)):
        items = [item(f"{n}", statement(SUBJECTS[n]), guid=guid, link=None) for n in range(newest, newest - 4, -1)]
        await desk.later(HOUR, says=answer(rss(*items)))
    await desk.later(HOUR, says=answer(rss(item("9", statement(SUBJECTS[9]), guid=guid, link=None))))  # the id is its own now
    assert len(await desk.alerts()) == len(SUBJECTS)


# F49: one article everywhere.

COPY = "\n\n".join((statement("grain and barges"), "Wheat left the port. " * 4, "Nobody else said anything of note on that day."))


def spellings(host: str) -> list[str]:
    """Four addresses of one page."""
    page = f"{host}.example/world/2026/grain-talks-123"
    return [
        f"https://{page}",
        f"http://www.{page}/?utm_source=feed",
        f"https://amp.{page}/amp",
        f"https://m.{page}/index.html?fbclid=x#top",
    ]


async def test_one_article_under_forty_addresses_in_ten_feeds_is_one_alert_though_we_are_killed_in_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    copies = [(f"paper{n}", link) for n in range(10) for link in spellings(f"paper{n}")]
    chance.shuffle(copies)
    desk.addresses = {f"paper{n}": f"https://paper{n}.example/feed" for n in range(10)}
    for at, (source, link) in enumerate(copies):
        says = answer(rss(item(f"{at}", COPY, title="Grain talks make no sense", guid=f"{at}", link=link, date=desk.clock.now)))
        if at % 7 == 3:
            with monkeypatch.context() as patch:
                patch.setattr(type(desk.store), "visited", killed)
                with pytest.raises(Killed):
                    await desk.visit(source, says=says)
        await desk.later(3 * MINUTE, source, says=says)

    (alert,) = await desk.alerts()
    (event,) = await desk.events()
    assert alert.article.source == copies[0][0]
    assert sorted(event.sources) == sorted(desk.addresses)
    assert event.articles == 10  # the other spellings of each were known


async def killed(*_: object) -> None:
    raise Killed


async def test_without_likeness_each_paper_would_alert(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.novelty.homes", opening(novelty.homes))
    desk.addresses = {f"paper{n}": f"https://paper{n}.example/feed" for n in range(10)}
    for source in desk.addresses:
        await desk.visit(source, says=answer(rss(item("a", COPY, link=f"https://{source}.example/a"))))
    assert len(await desk.alerts()) == 10


# F50: edits.


async def test_an_edit_is_a_revision_and_tells_no_more_than_what_has_changed(desk: Desk) -> None:
    text = "Dmitry Peskov said on Tuesday that talks about grain, barges and canal tariffs in Odessa make no sense."
    turned = "Dmitry Peskov said on Tuesday that talks about grain, barges and canal tariffs in Odessa are welcome."
    for said in (text, text + " The harbour was quiet.", "Corrected. " + text, turned, turned + " It rained.", turned):
        await desk.later(HOUR, says=answer(rss(item("a", said))))

    alerts = await desk.alerts()
    versions = await desk.store.revisions(f"paper#{LINK}/a")
    assert [alert.kind for alert in alerts] == ["new", "update"]
    assert len(await desk.events()) == 1
    assert [one.article.summary for one in versions] == [
        text,
        text + " The harbour was quiet.",
        "Corrected. " + text,
        turned + " It rained.",
        turned,
    ]


async def test_a_retitled_article_is_the_same_one(desk: Desk) -> None:
    for title in ("Grain", "GRAIN!", "Wheat: no sense, says Kremlin"):
        await desk.later(HOUR, says=answer(rss(item("a", statement("grain barges"), title=title))))
    assert (len(await desk.alerts()), (await desk.store.tally()).articles) == (1, 1)


# F51: dates.

DATES = {
    "future": ("Sat, 01 Aug 2026 12:00:00 GMT", "future"),
    "far": ("Fri, 31 Dec 9999 23:59:59 GMT", "future"),
    "absent": (None, "absent"),
    "empty": ("", "absent"),
    "unreadable": ("soon", "unreadable"),
    "two days": ("01/07/2026", "unreadable"),
    "epoch": ("Thu, 01 Jan 1970 00:00:00 GMT", "implausible"),
    "zoneless": ("2026-07-01T11:00:00", "zoneless"),
    "stated": ("Wed, 01 Jul 2026 11:00:00 GMT", "stated"),
}


@pytest.mark.parametrize(("date", "dating"), DATES.values(), ids=DATES)
async def test_whatever_its_date_it_is_told_once_and_says_how_far_its_date_can_be_believed(
    desk: Desk, date: str | None, dating: str
) -> None:
    await desk.visit(says=answer(rss(item("first"))))
    said = item("a", statement("grain barges"), date=date)
    await desk.later(MINUTE, says=answer(rss(said)))
    for _ in range(45):  # until the first of August, and after
        await desk.later(DAY, says=answer(rss(said.replace("quiet", f"quiet on day {desk.clock.now.day}"))))

    (alert,) = await desk.alerts()
    assert alert.article.dating == dating
    assert alert.article.published is not None
    assert NOON - HOUR <= alert.article.published <= NOON + MINUTE
    assert (alert.kind, alert.held) == ("new", None)


async def test_if_its_date_were_believed_it_would_be_of_the_future(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.steps.ingesting.AHEAD", 60 * DAY)
    monkeypatch.setattr("monitor.steps.ingesting.min", lambda *_: _[0], raising=False)
    await desk.visit(says=answer(rss(item("a", statement("grain"), date="Sat, 01 Aug 2026 12:00:00 GMT"))))
    assert (await desk.alerts())[0].article.published == datetime(2026, 8, 1, 12, tzinfo=UTC)


# F52: floods.


def crowd(now: datetime) -> Response:
    """Five hundred statements of the last year."""
    words = [f"{a} {b} {c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxy"]
    dates = [now - (2 + n / 2) * DAY for n in range(len(words))]
    said = [statement(" ".join(f"{letter}{n}{letter}" for letter in word.split())) for n, word in enumerate(words)]
    return answer(rss(*(item(f"old-{n}", text, date=date) for n, (text, date) in enumerate(zip(said, dates, strict=True)))))


async def test_the_first_look_at_five_hundred_old_articles_tells_nobody_and_counts_them() -> None:
    desk = Desk(MemoryStore())
    await desk.visit(says=crowd(NOON))
    assert [alert.held for alert in await desk.alerts()] == ["backlog"] * 500
    assert (await desk.store.tally()).waiting == 0

    await desk.later(HOUR, says=feed(0, date=desk.clock.now))
    assert [alert.held for alert in (await desk.alerts())[500:]] == [None]


async def test_a_source_that_comes_back_after_thirty_days_floods_nobody_and_what_is_of_today_is_told() -> None:
    desk = Desk(MemoryStore())
    await desk.visit(says=feed(0))
    await desk.later(30 * DAY, says=crowd(NOON + 30 * DAY))
    assert {alert.held for alert in (await desk.alerts())[1:]} == {"backlog"}
    await desk.later(HOUR, says=feed(1, date=NOON + 30 * DAY))
    assert [alert.held for alert in (await desk.alerts())[501:]] == [None]


@pytest.mark.parametrize("held", [True, False])
async def test_without_the_rule_it_would_flood(held: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    if not held:
        monkeypatch.setattr(rhythm, "was_away", lambda *_: False)
    desk = Desk(MemoryStore())
    await desk.visit(says=feed(0))
    await desk.later(30 * DAY, says=feed(*range(1, 10), date=NOON + 5 * DAY))
    assert [alert.held for alert in await desk.alerts()] == [None] + ["backlog" if held else None] * 9


async def test_after_an_outage_of_two_days_all_is_told(desk: Desk) -> None:
    await desk.visit(says=feed(0))
    await desk.later(2 * DAY + HOUR, says=feed(1, 2, 3, date=NOON + HOUR))
    assert [alert.held for alert in await desk.alerts()] == [None] * 4


async def test_what_could_not_be_kept_on_the_first_visit_after_a_month_is_a_backlog_still(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.visit(says=feed(0))
    with monkeypatch.context() as patch:
        patch.setattr(desk, "accept", broken)
        visit = await desk.later(30 * DAY, says=feed(1, 2, date=NOON + 5 * DAY))
    assert visit.trouble == "ours"
    await desk.later(HOUR)
    assert [alert.held for alert in await desk.alerts()] == [None, "backlog", "backlog"]


async def broken(*_: object) -> None:
    raise ValueError("a bug")


# F53: too many.


async def test_of_fifty_thousand_entries_two_thousand_are_read_and_that_is_said(desk: Desk) -> None:
    handed: list[int] = []

    async def accept(articles: list[Article], _: object) -> None:
        handed.append(len(articles))

    desk.accept = accept  # type: ignore[assignment, method-assign]
    visit: Visit = await desk.visit(
        says=answer(rss(*(f"<item><guid>g{n}</guid><title>t{n}</title></item>" for n in range(50_000))))
    )
    assert (handed, visit.articles, visit.remarks) == ([MOST], MOST, ("cut at 2,000 entries",))


# What a source prints under everything.

APPEAL = "Dmitry Peskov said that talks with readers make no sense, and so we go on printing, as our founder likes to recall."


def printed(n: int, fresh: str = "") -> str:
    words = " ".join(f"word{n}x{k}" for k in range(40))
    return item(f"{n}", f"<p>{words}</p><p>{fresh or words[::-1]}</p><p>{APPEAL}</p>").replace("description", "content:encoded")


def edition(*items: str) -> Response:
    whole = rss(*items).replace(b"<rss ", b"<rss xmlns:content='http://purl.org/rss/1.0/modules/content/' ")
    return answer(whole)


async def test_an_appeal_under_every_article_is_one_event_and_stops_matching_and_a_statement_beside_it_is_found(
    desk: Desk,
) -> None:
    for n in range(20):
        await desk.later(DAY / 4, says=edition(printed(n)))
    assert len(await desk.alerts()) == len(await desk.events()) == 1
    learnt = (await desk.events())[0].articles
    assert 0 < learnt <= 10

    await desk.later(DAY, says=edition(printed(20, "Dmitry Peskov said that a ceasefire at sea could begin with fishing boats.")))
    assert [alert.sightings[0].finding.text for alert in (await desk.alerts())[1:]] == [
        "Dmitry Peskov said that a ceasefire at sea could begin with fishing boats."
    ]
    assert (await desk.events())[0].articles == learnt


async def test_if_nothing_were_learnt_the_appeal_would_match_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habits, "masks", lambda *_: ())
    for n in range(20):
        await desk.later(DAY / 4, says=edition(printed(n)))
    assert (await desk.events())[0].articles == 20
