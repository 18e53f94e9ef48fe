"""The fault catalogue of sources: what one says of itself is believed slowly, and what it does is told once. F38, F45, F46, silence.

Each through the real source and steps and every store, on a simulated clock; each guard is once switched off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Desk as Office
from fakefeeds import DAY, HOUR, MINUTE, NOON, SUBJECTS, URL, Desk, answer, item, rss, statement
from mortal import Killed, Mortal
from structlog.testing import capture_logs

from monitor import policy, rhythm
from monitor.desk import Receiver
from monitor.errors import FetchFailed
from monitor.rhythm import visits as visiting
from monitor.stores import STORES, open_store
from monitor.stores.memory import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Newsroom, Settings

    from monitor.model import Alert, Visit

NEW = "https://new.example/feed"
LOST = FetchFailed("cannot connect", kind="unreachable")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(params=sorted(STORES))
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    store = await open_store(f"{request.param}:{tmp_path / 'monitor.db'}")
    yield Desk(store)
    await store.close()


def paper(n: int = 0, moved: str | None = None) -> Any:
    """A feed of one report."""
    return answer(rss(item(f"{n}", statement(SUBJECTS[n]))), moved=moved)


# F38: for good.


async def test_a_move_is_followed_after_three_equal_answers_over_a_day_and_can_be_seen(desk: Desk) -> None:
    desk.web.says[NEW] = paper(1)
    for wait in (timedelta(0), HOUR, HOUR, HOUR, DAY):
        assert (await desk.store.last_visit("paper") is None) or await desk.word() == "ok"
        visit = await desk.later(wait, says=paper(moved=NEW))
    assert desk.web.addresses() == [URL] * 5
    assert await desk.word() == "moved"

    visit = await desk.later(HOUR)
    assert desk.web.addresses()[-1] == NEW
    assert visit.moved is not None
    assert (visit.moved.told, visit.moved.since, visit.moved.times) == (NEW, NOON, 6)
    assert [alert.article.id for alert in await desk.alerts()] == [
        "paper#https://paper.example/0",
        "paper#https://paper.example/1",
    ]


async def test_three_answers_within_a_day_or_to_different_places_are_no_move(desk: Desk) -> None:
    for _ in range(20):
        await desk.later(HOUR, says=paper(moved=NEW))
    await desk.later(HOUR, says=paper(moved="https://elsewhere.example/feed"))
    for n in range(6):
        await desk.later(DAY / 2, says=paper(moved=f"{NEW}?{n}"))
    assert set(desk.web.addresses()) == {URL}


async def test_a_new_address_in_the_settings_forgets_the_move(desk: Desk) -> None:
    desk.web.says[NEW] = paper(1)
    for _ in range(4):
        await desk.later(DAY, says=paper(moved=NEW))
    desk.addresses["paper"] = "https://chosen.example/feed"
    visit = await desk.later(HOUR, says=paper(2))

    assert desk.web.asked[-1][0] == "https://chosen.example/feed"
    assert not desk.web.asked[-1][1].keys() & {"If-None-Match", "If-Modified-Since"}
    assert visit.moved is None
    await desk.later(HOUR)
    assert desk.web.addresses()[-1] == "https://chosen.example/feed"


async def test_where_nobody_answers_at_the_new_address_the_old_one_is_asked_again(desk: Desk) -> None:
    desk.web.says[NEW] = paper(1)
    for _ in range(4):
        await desk.later(DAY, says=paper(moved=NEW))
    desk.web.says[NEW] = LOST
    for _ in range(3):
        await desk.later(7 * HOUR)
    assert desk.web.addresses()[-3:] == [NEW] * 3
    assert (await desk.later(7 * HOUR, says=paper(1))).failures == 0
    assert desk.web.addresses()[-1] == URL


async def test_if_moves_were_believed_at_once_one_bad_answer_would_lead_astray(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "_believed", lambda claim, _: claim is not None)
    desk.web.says[NEW] = paper(1)
    await desk.visit(says=paper(moved=NEW))
    await desk.later(HOUR)
    assert desk.web.addresses() == [URL, NEW]


# F45: asked to wait.

WAITS = {
    "7200": 2 * HOUR,
    "Wed, 01 Jul 2026 22:00:00 GMT": 10 * HOUR,
    "Fri, 31 Dec 9999 23:59:59 GMT": DAY,
    "99999999999999999999": DAY,
    "-5": timedelta(0),
    "soon": timedelta(0),
    "": timedelta(0),
    "Mon, 01 Jan 2024 00:00:00 GMT": timedelta(0),
}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("said", "least"), WAITS.items(), ids=[said or "nothing" for said in WAITS])
async def test_a_source_is_left_alone_for_as_long_as_it_asks_up_to_a_day(said: str, least: timedelta, status: int) -> None:
    desk = Desk(MemoryStore(), every=15 * MINUTE)
    visit = await desk.visit(says=answer(status=status, retry_after=said))

    usual = 15 * MINUTE * rhythm.pacing.wobble("paper")
    assert visit.due - NOON == max(usual, least)
    assert (visit.trouble, visit.failures) == ("asked-to-wait", 1)


async def test_other_errors_may_not_ask_for_a_wait() -> None:
    desk = Desk(MemoryStore(), every=15 * MINUTE)
    visit = await desk.visit(says=answer(status=500, retry_after="7200"))
    assert visit.due - NOON < HOUR


# F46: gone, and other refusals.


async def test_a_source_that_says_it_is_gone_is_believed_after_a_day_asked_weekly_and_told_and_comes_back(desk: Desk) -> None:
    await desk.visit(says=paper())
    desk.web.says[URL] = answer(status=410)
    visits = await desk.visits(NOON + 60 * DAY)

    words = [rhythm.state(visit, visit.at, every=None, patience=None).word for visit in visits]
    first = words.index("gone")
    assert words == ["failing"] * first + ["gone"] * (len(words) - first)
    assert first >= 2
    assert visits[first].at - visits[0].at >= DAY
    assert {DAY * 6 < one.due - one.at <= DAY * 7 for one in visits[first:]} == {True}
    assert await desk.notices() == ["paper silent"]

    visit = await desk.later(DAY * 7, says=answer(rss(item("1", statement(SUBJECTS[1]), date=desk.clock.now + DAY * 7))))
    assert (visit.gone, visit.failures, await desk.word()) == (None, 0, "ok")
    assert await desk.notices() == ["paper silent", "paper recovered"]
    assert [alert.held for alert in await desk.alerts()] == [None, None]


async def test_if_one_410_were_believed_it_would_be_lost_for_a_week(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "_believed", lambda claim, _: claim is not None)
    visit = await desk.visit(says=answer(status=410))
    assert visit.due - visit.at > 6 * DAY


@pytest.mark.parametrize("status", [401, 403, 404, 451, 500])
async def test_other_refusals_are_asked_again_for_ever_at_least_every_six_hours_and_told_once(desk: Desk, status: int) -> None:
    await desk.visit(says=paper())
    desk.web.says[URL] = answer(status=status)
    visits = await desk.visits(NOON + 60 * DAY)

    pauses = [one.due - one.at for one in visits]
    assert pauses[-1] == max(pauses) <= 6 * HOUR * 1.05
    assert len(visits) > 200
    assert await desk.word() == "failing"
    assert await desk.notices() == ["paper silent"]
    assert (await desk.later(7 * HOUR, says=paper(1))).failures == 0
    assert await desk.notices() == ["paper silent", "paper recovered"]


# Silence is told once, and its end once, through the outbox.


async def heard(desk: Desk) -> list[tuple[str, str]]:
    """What receivers got: type and source."""
    await desk.tell()
    told = [json.loads(body) for body in desk.receiver.got]
    return [(one["type"], one["data"]["article"]["source"]) for one in told]


async def test_a_silence_is_told_to_receivers_once_and_so_is_its_end(desk: Desk) -> None:
    desk.patience = 6 * HOUR
    await desk.visit(says=paper(0))
    for _ in range(20):
        await desk.later(HOUR)
    assert (await heard(desk))[1:] == [("source.silent", "paper")]
    assert await desk.word() == "stale"
    for n in (1, 2, 3):
        await desk.later(HOUR, says=paper(n))
    told = [kind for kind in await heard(desk) if kind[0] != "alert.new"]
    assert told == [("source.silent", "paper"), ("source.recovered", "paper")]


async def test_each_silence_is_told_though_nothing_new_came_in_between(desk: Desk) -> None:
    """It fails, answers with what is known, fails again: its last news is the same both times."""
    await twice_silent(desk)
    told = [kind for kind, _ in await heard(desk) if kind != "alert.new"]
    assert told == ["source.silent", "source.recovered"] * 2


async def test_a_silence_named_after_its_last_news_would_be_told_but_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    notice = policy.notice

    def after_news(visit: Visit, word: str, *rest: Any) -> Alert:
        return notice(visit if visit.silent else dated_by_news(visit), word, *rest)

    monkeypatch.setattr(policy, "notice", after_news)
    await twice_silent(desk)
    assert [kind for kind, _ in await heard(desk)].count("source.silent") == 1


def dated_by_news(visit: Visit) -> Visit:
    return replace(visit, at=visit.news or visit.at)


async def twice_silent(desk: Desk) -> None:
    await desk.visit(says=paper())
    for _ in range(2):
        for _ in range(8):
            await desk.later(30 * MINUTE, says=LOST)
        await desk.later(30 * MINUTE, says=paper())


async def test_a_source_whose_articles_another_gave_first_is_not_silent(desk: Desk) -> None:
    desk.addresses["other"] = "https://other.example/feed"
    desk.patience = 6 * HOUR
    for n in range(10):
        said = answer(rss(item(f"{n}", statement(SUBJECTS[n]), date=desk.clock.now)))
        await desk.later(4 * HOUR, says=said)
        visit = await desk.visit("other", says=said)
    assert await desk.notices() == []
    assert (await desk.word("other"), len(visit.arrivals)) == ("ok", 10)

    counted = rss(item("9", statement(SUBJECTS[9]), date=desk.clock.now - 4 * HOUR))
    for n in range(10):  # a counter of comments is no sign of life
        await desk.later(HOUR, "other", answer(counted.replace(b"</item>", b"<x>%d</x></item>" % n)))
    assert await desk.notices() == ["other silent"]


async def silent_and_back(store: Any, desk: Desk) -> None:
    """The visit at which it has been silent for too long, then the one at which it is back; each is told."""
    desk.store = store
    await store.release()
    if not await desk.notices():
        await desk.later(7 * HOUR)
    await desk.tell()
    await desk.later(HOUR, says=paper(1))
    await desk.tell()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_anywhere_the_silence_and_its_end_are_raised_once_and_told(desk: Desk, *, after: bool) -> None:
    counting = Mortal(MemoryStore())
    rehearsal = Desk(counting.store, patience=6 * HOUR)
    await rehearsal.visit(says=paper())
    await silent_and_back(counting, rehearsal)
    assert counting.calls.count("visited") == 2
    for dies_at in range(len(counting.calls)):
        store = MemoryStore()
        alive = Desk(store, patience=6 * HOUR)
        await alive.visit(says=paper())
        with pytest.raises(Killed):
            await silent_and_back(Mortal(store, dies_at, after), alive)
        await silent_and_back(store, alive)
        notices = await alive.notices()
        ids = {json.loads(body)["data"]["id"] for body in alive.receiver.got}
        assert notices == ["paper silent", "paper recovered"]
        assert ids == {one.id for one in await store.alerts()}
        assert (await store.tally()).waiting == 0


async def test_nobody_is_told_who_did_not_ask_for_such_a_level(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    low = policy.Route(id="desk", render=desk.receiver.render, wishes=Receiver(id="desk", levels=("low",)))
    monkeypatch.setattr(Desk, "routes", lambda _: (low,))
    desk.patience = 6 * HOUR
    await desk.visit(says=paper())
    await desk.later(7 * HOUR)
    assert (await desk.notices(), await heard(desk)) == (["paper silent"], [])


async def test_the_daemon_tells_of_a_silence_and_of_its_end(
    newsroom: Newsroom, office: Office, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", "Grey skies and nothing else to tell of.")
    office.write(settings().replace("every: 1s", "every: 1s, silent_after: 2s"), rules)
    daemon = await office.start()
    silent = json.loads((await newsroom.told()).body)
    assert (silent["type"], silent["data"]["article"]["source"]) == ("source.silent", "feed")
    assert silent["data"]["reason"].startswith("nothing new")

    newsroom.publish("two", "A quiet Wednesday", "Grey skies.", "Grey skies again.")
    back = json.loads((await newsroom.told()).body)
    assert back["type"] == "source.recovered"
    assert await daemon.stop() == 0


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """The real daemon's folder; `desk` is the simulated one here."""
    made = Office(tmp_path)
    yield made
    for daemon in made.daemons:
        if daemon.process.returncode is None:
            daemon.process.kill()
        await daemon.ends()
