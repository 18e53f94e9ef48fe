"""What a second pair of eyes found on the way from an alert to its receivers, each with the test that showed it."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from simulated import HOUR, MINUTE, NOON, Clock, Receiver, World, an_alert, http, simulated
from structlog.testing import capture_logs

from monitor import breaker, steps
from monitor.app.attend import Attendant
from monitor.app.postroom import shut
from monitor.errors import StoreError
from monitor.model import Attempt, Breaker, Delivery, GaveUp
from monitor.policy import Office, Route
from monitor.stores import open_store
from monitor.stores.memory import MemoryStore
from monitor.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from conftest import Desk, Settings

RULES = "rules: [{id: talks, title: Talks, level: high, when: {any: [talks]}}]"
FULL = "database or disk is full"

# What was taken and could not be kept


async def an_hour_in_which_nothing_can_be_settled() -> tuple[Receiver, list[Any], list[str]]:
    """Claims go well, for they need no new page. The receiver, what was logged, and how all stands five minutes later."""
    clock, store = Clock(), MemoryStore()
    desk = Receiver("desk", clock, takes=0.1)
    settle = store.settle

    async def refused(*arguments: Any) -> None:
        if clock() < NOON + HOUR:
            raise StoreError(FULL)
        await settle(*arguments)

    async def probed() -> None:
        if clock() < NOON + HOUR:
            raise StoreError(FULL)

    store.settle = refused  # type: ignore[method-assign, assignment]
    store.probe = probed  # type: ignore[method-assign]
    made = World(store=store, receivers=[desk], clock=clock).open()
    await made.raises(20)
    with capture_logs() as lines:
        await made.until(NOON + HOUR + 5 * MINUTE)
    states = [one.state for one in await store.deliveries(limit=100)]
    await made.close()
    return desk, lines, states


def test_what_was_taken_and_cannot_be_kept_is_not_sent_again_and_nothing_more_is_until_it_can() -> None:
    desk, lines, states = simulated(an_hour_in_which_nothing_can_be_settled())
    assert states == ["sent"] * 20
    assert set(desk.times.values()) == {1}
    assert sum(at < NOON + HOUR for at, _ in desk.asked) == desk.at_once
    assert sum(one["log_level"] == "error" for one in lines) <= desk.at_once + 1


def test_one_outcome_that_can_never_be_kept_does_not_silence_its_receiver() -> None:
    async def scenario() -> None:
        clock, store = Clock(), MemoryStore()
        settle = store.settle

        async def refused(delivery: Delivery, *arguments: Any) -> None:
            if delivery.alert == "a00000":
                raise StoreError("this one alone")
            await settle(delivery, *arguments)

        store.settle = refused  # type: ignore[method-assign, assignment]
        made = World(store=store, receivers=[Receiver("desk", clock)], clock=clock).open()
        with capture_logs() as lines:
            await made.raises(3)
            await made.until(NOON + HOUR)
        assert sorted(one.state for one in await store.deliveries()) == ["sent", "sent", "waiting"]
        assert "outcome dropped" in {line["event"] for line in lines}
        await made.close()

    simulated(scenario())


def test_it_is_kept_as_soon_as_there_is_room_and_not_only_when_its_lease_is_over() -> None:
    async def scenario() -> None:
        clock, store = Clock(), MemoryStore()
        made = World(store=store, receivers=[Receiver("desk", clock)], clock=clock).open()
        settle = store.settle

        async def refused(*_: Any) -> None:
            raise StoreError(FULL)

        store.settle = store.probe = refused  # type: ignore[method-assign, assignment]
        await made.raises(1)
        with capture_logs():
            for _ in range(20):
                await made.senders.look()
                await asyncio.sleep(0.2)
                store.settle = refused if clock() < NOON + timedelta(seconds=3) else settle  # type: ignore[method-assign, assignment]
        assert [one.state for one in await store.deliveries()] == ["sent"]
        await made.close()

    simulated(scenario())


def test_if_it_were_forgotten_all_would_be_sent_again_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""

    async def forgets(self: steps.Sender) -> None:
        self._unkept.clear()

    monkeypatch.setattr(steps.Sender, "_keep_up", forgets)
    desk, _, _ = simulated(an_hour_in_which_nothing_can_be_settled())
    assert min(desk.times.values()) > 50


# What a receiver refuses though it is well


async def one_in_ten_refused() -> timedelta:
    """An alert every 20 seconds, of which one in ten is refused for ever: the longest that another one took."""
    clock, chance = Clock(), random.Random(2)
    names = [f"{n:03}-" for n in range(200)]
    bad = {f"{name}00000" for name in names if chance.random() < 0.1}

    async def refuses(_: datetime, delivery: Delivery) -> None:
        if delivery.alert in bad:
            raise http(422)

    desk = Receiver("desk", clock, refuses)
    made = World(store=MemoryStore(), receivers=[desk], clock=clock).open()
    with capture_logs():
        for name in names:
            await made.raises(1, prefix=name)
            await made.until(clock() + timedelta(seconds=20))
        await made.until(clock() + HOUR)
    await made.close()
    assert len(desk.took) == 200 - len(bad)
    return max(at - NOON - int(name[:3]) * timedelta(seconds=20) for name, at in desk.took.items())


def test_a_receiver_that_refuses_one_alert_in_ten_has_the_others_at_once() -> None:
    assert simulated(one_in_ten_refused()) < timedelta(seconds=10)


def test_if_trying_them_again_counted_against_it_the_others_would_wait_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(breaker, "OWN_FAULT", frozenset())
    assert simulated(one_in_ten_refused()) > 3 * MINUTE


def test_one_that_refuses_everything_is_left_alone_after_five_of_them() -> None:
    """It is not the alerts then."""

    async def scenario() -> None:
        clock = Clock()

        async def refuses(*_: object) -> None:
            raise http(400)

        desk = Receiver("desk", clock, refuses, at_once=1)
        made = World(store=MemoryStore(), receivers=[desk], clock=clock).open()
        with capture_logs():
            await made.raises(10)
            await made.until(NOON + timedelta(seconds=3))
        assert (len(desk.asked), (await made.store.breaker("desk")).state) == (5, "open")
        await made.close()

    simulated(scenario())


# What cannot be read


@pytest.mark.parametrize("error", [StoreError("disk I/O error"), RuntimeError("a bug")])
@pytest.mark.parametrize("broken", ["due", "breaker"])
def test_an_outbox_that_cannot_be_read_is_told_once_and_not_five_times_a_second(broken: str, error: Exception) -> None:
    async def scenario() -> None:
        clock, store = Clock(), MemoryStore()
        made = World(store=store, receivers=[Receiver("desk", clock)], clock=clock).open()
        await made.raises(1)
        real = getattr(store, broken)

        async def fails(*_: object) -> None:
            raise error

        setattr(store, broken, fails)
        with capture_logs() as lines:
            for _ in range(50):
                await made.senders.look()
                await asyncio.sleep(0.2)
            setattr(store, broken, real)
            await made.senders.look()
            await asyncio.sleep(1)
        assert Counter(one["event"] for one in lines) == {"deliveries not read": 1, "delivered": 1}
        await made.close()

    simulated(scenario())


# What is told of receivers


async def attended(count: int, looks: int) -> list[int]:
    """How many deliveries each look makes where so many receivers fail at the same time, and one is well."""
    store = MemoryStore()
    routes = [Route(id=f"r{n}", render=lambda _: b"") for n in range(count)]
    attendant = Attendant(store=store, office=Office(routes=routes), since=NOON)
    for one in routes:
        await store.keep_breaker(Breaker(sink=one.id, state="open", failures=5, since=NOON - HOUR), NOON)
    attendant.office = Office(routes=[*routes, Route(id="well", render=lambda _: b"")])
    with capture_logs():
        return [await attendant.attend(NOON + n * timedelta(seconds=5), {}) for n in range(looks)]


async def test_however_many_receivers_fail_each_is_told_of_once() -> None:
    assert await attended(120, 3) == [120, 0, 0]


async def test_where_the_breakers_cannot_be_read_nothing_is_left_half_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()

    async def fails() -> list[Breaker]:
        raise StoreError("disk I/O error")

    monkeypatch.setattr(store, "breakers", fails)
    attendant = Attendant(store=store, office=Office(routes=[Route(id="desk", render=lambda _: b"")]), since=NOON)
    with warnings.catch_warnings(record=True) as never_awaited, pytest.raises(StoreError):
        await attendant.attend(NOON, {})
    assert never_awaited == []


def test_what_was_under_way_when_it_was_disabled_by_hand_leaves_the_reason_as_it_was() -> None:
    before = shut(Breaker(sink="desk"), "its server moves on Sunday", NOON)
    assert breaker.after(before, Attempt(began=NOON, trouble="http", reason="HTTP 503")) == before


# Digests


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    made = await open_store(f"{request.param}:{tmp_path / 'monitor.db'}")
    yield made
    await made.close()


async def test_replaying_what_was_told_in_a_digest_replays_the_digest(store: Any) -> None:
    for name in "ab":
        await store.tell(an_alert(name, NOON), [Delivery(alert=name, sink="desk", body=b"one", due=NOON, digest=True)])
    digest = Delivery(alert="both", sink="desk", body=b"both", due=NOON)
    await store.digested(["a", "b"], digest, an_alert("both", NOON))
    [held] = await store.claim("desk", NOON, MINUTE, 9)
    await store.settle(held, GaveUp(NOON, "HTTP 500"), Attempt(began=NOON, trouble="http"))
    assert [one.state for one in await store.told("a")] == ["dead"]

    assert await store.requeue([("a", "desk"), ("b", "desk"), ("c", "desk")], NOON + HOUR) == 2
    [again] = await store.claim("desk", NOON + HOUR, MINUTE, 9)
    assert (again.alert, again.body, again.attempts) == ("both", b"both", 1)
    assert await store.requeue([("a", "desk")], NOON + HOUR) == 0  # it is under way


# Stopping


async def test_what_nobody_waits_for_any_more_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Each of them might wait five seconds for another process that writes; of ten receivers each has one."""
    kept = await open_store(f"sqlite:{tmp_path / 'monitor.db'}")
    assert isinstance(kept, SqliteStore)
    gate, begun, ran = threading.Event(), threading.Event(), []

    def held() -> None:
        begun.set()
        gate.wait()

    waits = [asyncio.create_task(kept._run(work)) for work in (held, lambda: ran.append("left"))]
    still = asyncio.create_task(kept._run(lambda: ran.append("waited for")))
    await asyncio.to_thread(begun.wait)
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    closing = asyncio.create_task(kept.close())
    for _ in range(3):  # it begins; what is called off is told so
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(closing, still)
    assert ran == ["waited for"]


# Starting


async def test_a_start_that_may_go_well_later_does_not_end_as_a_mistake_in_the_settings(desk: Desk, settings: Settings) -> None:
    """After exit code 2 the service manager does not try again: a reboot on a full disk would be the last."""
    desk.write(settings(), RULES)
    (desk.folder / "monitor.db").mkdir()  # as good a store that cannot be opened now as a full disk
    code, _, err = await desk.command("run")
    assert (code, err.count("cannot be used")) == (75, 1)
    assert "Traceback" not in err

    unit = (Path(__file__).parent.parent / "docs" / "monitor.service").read_text()
    assert re.findall(r"^(?:RestartPrevent|StartLimit).*$", unit, re.MULTILINE) == [
        "StartLimitIntervalSec=0",
        "RestartPreventExitStatus=2",
    ]
