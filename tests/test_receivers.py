"""The fault catalogue of receivers: outages of days, asking to wait, poison, 410, clocks that are set. Simulated, hour by hour.

F70, F71, F74, F75, F79, F80, F09–F11 of the outbox. Each guard is once switched off. That mutes, digests and daily lines come once where
the clocks change is in test_desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from simulated import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    TICK,
    Clock,
    Receiver,
    World,
    down,
    hanging,
    http,
    opened,
    poison,
    simulated,
)
from structlog.testing import capture_logs

from monitor import breaker, policy
from monitor.app import daemon
from monitor.app.attend import Attendant
from monitor.app.daemon import App
from monitor.config import Config
from monitor.model import Again, Breaker
from monitor.policy import Office, Route
from monitor.steps import Bench

if TYPE_CHECKING:
    from monitor.model import Delivery

BOTH = pytest.mark.parametrize("kind", ["memory", "sqlite"])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


async def world(path: Path, *receivers: Receiver, kind: str = "memory", **more: Any) -> World:
    """These receivers, and their senders at work."""
    store = await opened(kind, path / "monitor.db")
    clock = receivers[0].clock
    assert isinstance(clock, Clock)
    return World(store=store, receivers=receivers, clock=clock, **more).open()


async def end(made: World) -> None:
    await made.close()
    await made.store.close()


def asked(receiver: Receiver, alert: str | None = None) -> list[datetime]:
    """When it was asked to take it, or anything."""
    return [at for at, one in receiver.asked if alert in (None, one.alert)]


def waits(times: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(times)]


async def states(made: World, sink: str = "desk") -> set[str]:
    return {one.state for one in await made.store.deliveries(sink=sink, limit=100_000)}


# F70: down for a day


@pytest.mark.parametrize(("kind", "count"), [("memory", 200), ("sqlite", 10_000)])
def test_after_a_day_all_that_waited_is_there_within_ten_minutes_of_the_return_oldest_first(
    tmp_path: Path, kind: str, count: int
) -> None:
    async def scenario() -> None:
        back = NOON + DAY
        clock = Clock()
        desk = Receiver("desk", clock, down(NOON, back), takes=0.1)
        made = await world(tmp_path, desk, kind=kind)
        await made.raises(count, apart=SECOND)
        await made.until(back)

        tried = [one for _, one in desk.asked]
        assert (await made.store.breaker("desk")).state == "open"
        assert sum(not one.probe for one in tried) == desk.at_once  # the fifth opened it; the others were under way already
        assert 280 <= sum(one.probe for one in tried) <= 300

        await made.until(lambda: len(desk.took) == count)
        first, last = min(desk.took.values()), max(desk.took.values())
        assert first - back <= 5 * MINUTE
        assert last - back <= 10 * MINUTE
        assert max(one.attempts for _, one in desk.asked) <= 6
        assert set(desk.times.values()) == {1}
        after = [one for at, one in desk.asked if at >= back]
        assert after[0].probe
        order = [one.alert for one in after[1:]]  # the probe is whatever is due first
        assert order == sorted(order)
        await end(made)

    simulated(scenario())


def test_a_drain_begins_narrow_and_widens_with_each_that_is_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        back = NOON + HOUR
        desk = Receiver("desk", Clock(), down(NOON, back), takes=1, at_once=32)
        made = await world(tmp_path, desk)
        await made.raises(200)
        await made.until(lambda: len(desk.took) == 200)
        after = [at for at, _ in desk.asked if at >= back]
        begun = [after.count(at) for at in dict.fromkeys(after)]
        # Each that is taken makes room for two: its own place, and one more.
        assert begun[:6] == [1, 4, 8, 16, 32, 32]
        assert desk.most == 32
        await end(made)

    simulated(scenario())


def test_without_a_breaker_much_would_wait_for_hours_after_the_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of F70."""

    async def late(folder: Path) -> int:
        desk = Receiver("desk", Clock(), down(NOON, NOON + DAY), takes=0.1)
        made = await world(folder, desk)
        await made.raises(20)
        await made.until(NOON + DAY + 10 * MINUTE)
        await end(made)
        assert max(one.attempts for _, one in desk.asked) <= (6 if breaker.FAILURES == 5 else 12)
        return 20 - len(desk.took)

    assert simulated(late(tmp_path)) == 0
    monkeypatch.setattr(breaker, "FAILURES", 10**9)
    assert simulated(late(tmp_path)) == 20


@BOTH
def test_a_receiver_beside_it_gets_everything_in_the_moment_in_which_it_would_have_had_it_anyway(
    tmp_path: Path, kind: str
) -> None:
    async def beside(folder: Path, *, outage: bool) -> dict[str, datetime]:
        back, clock = NOON + 6 * HOUR, Clock()
        desk = Receiver("desk", clock, down(NOON, back) if outage else None, takes=0.1)
        other = Receiver("other", clock, takes=0.1)
        made = await world(folder, desk, other, kind=kind)
        await made.raises(300, "desk", apart=SECOND)
        for at in [*(n * HOUR for n in range(6)), *(6 * HOUR + n * 5 * SECOND for n in range(60))]:  # and all through the drain
            await made.until(NOON + at)
            await made.raises(1, "other", prefix=f"{at} ")
        await made.until(lambda: len(desk.took) == 300 and len(other.took) == 66)
        await end(made)
        return other.took

    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    with_it = simulated(beside(tmp_path / "with", outage=True))
    without = simulated(beside(tmp_path / "without", outage=False))
    assert {name: at.replace(microsecond=0) for name, at in with_it.items()} == {
        name: at.replace(microsecond=0) for name, at in without.items()
    }


# F71: down for five days


@dataclass
class Watched:
    """Two receivers, and somebody who attends to what is to be told of them, every ten minutes."""

    made: World
    attendant: Attendant

    @classmethod
    def of(cls, made: World) -> Watched:
        office = Office(routes=[Route(id=one.id, render=one.render) for one in made.receivers])
        return cls(made, Attendant(store=made.store, office=office, since=made.clock()))

    async def until(self, end: datetime) -> None:
        while self.made.clock() < end:
            await self.made.until(min(end, self.made.clock() + 10 * MINUTE))
            await self.attendant.attend(self.made.clock(), {})

    async def told(self) -> list[str]:
        return [one.title for one in reversed(await self.made.store.alerts(rule=policy.FAILING))]


def test_after_five_days_it_is_disabled_and_nothing_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = Clock()
        desk, other = Receiver("desk", clock, down(NOON, NOON + 30 * DAY)), Receiver("other", clock)
        made = await world(tmp_path, desk, other)
        seen = Watched.of(made)
        names = await made.raises(20, "desk", apart=MINUTE)
        before = {name: (await made.store.delivery(name, "desk")).body for name in names}
        await seen.until(NOON + 5 * DAY - 10 * MINUTE)
        assert (await made.store.breaker("desk")).state == "open"
        await seen.until(NOON + 5 * DAY + 30 * MINUTE)

        state = await made.store.breaker("desk")
        assert (state.state, state.reason) == ("disabled", "cannot connect")
        assert state.probes >= 1_000
        assert {(one.alert, one.state) for one in await made.store.deliveries(sink="desk")} == {
            (name, "parked") for name in names
        }
        assert await seen.told() == ["Receiver unreachable: desk", "Receiver disabled: desk"]
        assert [next(iter(body)).decode().partition(" ")[2] for body in other.bodies.values()] == await seen.told()

        times = len(desk.asked)
        await made.raises(1, "desk", prefix="later-")
        desk.behave = None
        await seen.until(clock() + 2 * DAY)
        assert len(desk.asked) == times  # nobody asks it, though it is back

        await made.store.keep_breaker(breaker.enabled(await made.store.breaker("desk")), clock())
        await seen.until(clock() + 10 * MINUTE)
        assert {name: desk.bodies[name] for name in names} == {name: {body} for name, body in before.items()}
        assert "later-00000" in desk.took
        assert set(desk.times.values()) == {1}
        assert await seen.told() == ["Receiver unreachable: desk", "Receiver disabled: desk", "Receiver reachable: desk"]
        await end(made)

    simulated(scenario())


@pytest.mark.parametrize(("probed", "state"), [(breaker.PROBED, "open"), (0, "disabled")])
def test_a_machine_that_slept_for_six_days_has_not_tried_for_six_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probed: int, state: str
) -> None:
    """With its negative control: if the time alone counted."""
    monkeypatch.setattr(breaker, "PROBED", probed)

    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + 30 * DAY))
        made = await world(tmp_path, desk)
        await made.raises(20)
        await made.until(NOON + HOUR)
        sleeps(6 * DAY)
        await made.until(desk.clock() + 10 * MINUTE)
        assert (await made.store.breaker("desk")).state == state
        await end(made)

    simulated(scenario())


def sleeps(span: timedelta) -> None:
    """The machine is suspended: all clocks go on, and nothing runs."""
    loop: Any = asyncio.get_running_loop()
    loop.passed += span.total_seconds()


# F74: the schedule, poison, asking to wait


@pytest.mark.parametrize("jitter", [-1.0, 0.0, 1.0])
def test_what_alone_is_refused_is_tried_fourteen_times_on_schedule_and_then_dead(tmp_path: Path, jitter: float) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), poison("a00000"))
        made = await world(tmp_path, desk, jitter=lambda: jitter)
        [bad] = await made.raises(1)
        for n in range(1, 15):
            await made.until(lambda n=n: len(asked(desk, bad)) == n)  # type: ignore[misc]
            [good] = await made.raises(1, prefix=f"good-{n}-")
            await made.until(made.clock() + 2 * SECOND)
            assert desk.took[good] - asked(desk, good)[0] < SECOND  # it does not stand in anybody's way
        await made.until(made.clock() + 5 * DAY)

        scheduled = [wait * (1 + 0.2 * jitter) for wait in policy.TRIES[1:]]
        slips = [gap - wait for gap, wait in zip(waits(asked(desk, bad)), scheduled, strict=True)]
        assert all(timedelta(0) <= slip <= 3 * TICK * SECOND for slip in slips)
        assert sum(policy.TRIES, timedelta(0)) == 99 * HOUR + 42 * MINUTE + 35 * SECOND
        assert [one.state for one in await made.store.told(bad)] == ["dead"]
        assert (await made.store.breaker("desk")).state == "closed"
        await end(made)

    simulated(scenario())


@BOTH
def test_a_probe_that_is_poison_is_followed_by_another_one(tmp_path: Path, kind: str) -> None:
    assert simulated(probing(tmp_path, kind)) == 9


def test_if_the_same_one_were_probed_again_and_again_nothing_would_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    real = policy.outcome

    def stays(delivery: Delivery, attempt: Any, jitter: float) -> Any:
        outcome = real(delivery, attempt, jitter)
        return replace(outcome, due=delivery.due) if attempt.probe and isinstance(outcome, Again) else outcome

    monkeypatch.setattr(policy, "outcome", stays)
    assert simulated(probing(tmp_path, "memory")) == 0


async def probing(path: Path, kind: str) -> int:
    """How many are taken within ten minutes of its return where the first probe of all is poison."""
    clock, back = Clock(), NOON + 30 * SECOND
    outage, bad = down(NOON, back), poison("a00005")

    async def both(now: datetime, delivery: Delivery) -> None:
        await outage(now, delivery)
        await bad(now, delivery)

    desk = Receiver("desk", clock, both, at_once=1)
    made = await world(path, desk, kind=kind)
    await made.raises(10, apart=MINUTE)
    await made.until(back + 10 * MINUTE)
    assert next((one.alert, one.probe) for at, one in desk.asked if at >= back) == ("a00005", True)
    await end(made)
    return len(desk.took)


def test_poison_in_a_quiet_time_delays_the_next_alert_by_five_minutes_at_most(tmp_path: Path) -> None:
    """It is all that there is to judge the receiver by, so the breaker opens; what comes next closes it."""

    async def breaks(_: datetime, delivery: Delivery) -> None:
        if delivery.alert == "a00000":
            raise http(500)

    async def scenario() -> None:
        desk = Receiver("desk", Clock(), breaks)
        made = await world(tmp_path, desk)
        await made.raises(1)
        await made.until(NOON + 2 * HOUR)
        assert (await made.store.breaker("desk")).state == "open"
        [good] = await made.raises(1, prefix="good-")
        raised = made.clock()
        await made.until(lambda: good in desk.took)
        assert desk.took[good] - raised <= 5 * MINUTE + SECOND
        assert (await made.store.breaker("desk")).failures <= 1
        await end(made)

    simulated(scenario())


@BOTH
@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_a_rest_is_left_alone_with_everything(tmp_path: Path, kind: str, status: int) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + SECOND, lambda: http(status, HOUR)), at_once=1)
        made = await world(tmp_path, desk, kind=kind)
        await made.raises(3, apart=SECOND)
        await made.until(NOON + 30 * MINUTE)
        await made.raises(1, prefix="later-")
        await made.until(NOON + 2 * HOUR)
        [first, *others] = asked(desk)
        assert first < NOON + SECOND
        assert len(others) == 4
        assert all(HOUR <= at - first <= HOUR + SECOND for at in others)
        assert (await made.store.breaker("desk")).width == 1 + 4
        await end(made)

    simulated(scenario())


@pytest.mark.parametrize("guarded", [True, False])
def test_what_was_under_way_and_is_taken_does_not_end_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, guarded: bool
) -> None:
    """With its negative control: a success that forgets all."""
    if not guarded:
        monkeypatch.setattr(breaker, "_worked", lambda before, _: Breaker(sink=before.sink))

    async def asks_one(_: datetime, delivery: Delivery) -> None:
        if delivery.alert == "a00000" and delivery.attempts == 1:
            raise http(429, HOUR)
        await asyncio.sleep(2)

    async def scenario() -> int:
        desk = Receiver("desk", Clock(), asks_one, at_once=2)
        made = await world(tmp_path, desk)
        await made.raises(5, apart=SECOND)
        await made.until(NOON + HOUR - MINUTE)
        await end(made)
        return len(desk.asked)

    assert simulated(scenario()) == (2 if guarded else 5)


@BOTH
def test_five_hundreds_now_and_then_cost_nothing_but_a_repeat(tmp_path: Path, kind: str) -> None:
    async def one_in_ten(_: datetime, delivery: Delivery) -> None:
        if delivery.attempts == 1 and delivery.alert.endswith("7"):
            raise http(500)

    async def scenario() -> None:
        desk = Receiver("desk", Clock(), one_in_ten, takes=0.1)
        made = await world(tmp_path, desk, kind=kind, idle=1)
        await made.raises(200)
        await made.until(lambda: len(desk.took) == 200)
        assert max(desk.took.values()) - NOON < 10 * SECOND
        assert len(desk.asked) == 220
        assert set(desk.times.values()) == {1}
        assert (await made.store.breaker("desk")).state == "closed"
        await end(made)

    simulated(scenario())


# F75: one is gone for good


@BOTH
def test_one_that_is_gone_is_asked_once_and_what_comes_later_is_parked(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + 9 * DAY, lambda: http(410)))
        made = await world(tmp_path, desk, kind=kind)
        await made.raises(1)
        await made.until(NOON + MINUTE)
        await made.raises(5, prefix="later-")
        await made.until(NOON + 2 * DAY)
        assert len(desk.asked) == 1
        assert (await made.store.breaker("desk")).state == "disabled"
        assert await states(made) == {"parked"}
        await end(made)

    simulated(scenario())


@pytest.mark.parametrize("guarded", [True, False])
def test_what_was_under_way_when_it_said_that_it_is_gone_does_not_enable_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, guarded: bool
) -> None:
    """With its negative control: a success that forgets all."""
    if not guarded:
        monkeypatch.setattr(breaker, "_worked", lambda before, _: Breaker(sink=before.sink))

    async def one_is_gone(_: datetime, delivery: Delivery) -> None:
        if delivery.alert == "a00000":
            raise http(410)
        await asyncio.sleep(1)

    async def scenario() -> int:
        desk = Receiver("desk", Clock(), one_is_gone, at_once=2)
        made = await world(tmp_path, desk)
        await made.raises(4, apart=SECOND)
        await made.until(NOON + HOUR)
        assert (await made.store.breaker("desk")).state == "disabled"
        await end(made)
        return len(desk.asked)

    assert (simulated(scenario()) == 2) is guarded


# Restarts


async def again(path: Path, receiver: Receiver, address: str = "here", **more: Any) -> World:
    """As the daemon opens: leases void, what failed is tried at once, what has moved starts anew."""
    made = await world(path, receiver, kind="sqlite", **more)
    await made.store.release()
    before = await made.store.breaker(receiver.id)
    await made.store.keep_breaker(breaker.started(before, address, made.clock()), made.clock())
    return made


def test_an_open_breaker_survives_a_restart_and_is_tried_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + DAY))
        made = await again(tmp_path, desk)
        await made.raises(20)
        await made.until(NOON + HOUR + MINUTE)
        before = await made.store.breaker("desk")
        await end(made)

        times, at = len(desk.asked), made.clock()
        made = await again(tmp_path, desk)
        kept = await made.store.breaker("desk")
        assert kept == replace(before, due=kept.due)
        assert (kept.state, kept.since is not None, kept.probes > 10) == ("open", True, True)
        await made.until(at + SECOND)
        assert len(desk.asked) == times + 1
        assert desk.asked[-1][1].probe
        await end(made)

    simulated(scenario())


@pytest.mark.parametrize(("address", "state", "asked_then"), [("here", "disabled", 0), ("there", "closed", 5)])
def test_one_that_is_disabled_stays_so_over_a_restart_unless_it_has_moved(
    tmp_path: Path, address: str, state: str, asked_then: int
) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + HOUR, lambda: http(410)), at_once=1)
        made = await again(tmp_path, desk)
        await made.raises(5)
        await made.until(NOON + HOUR)
        await end(made)

        made, times = await again(tmp_path, desk, address), len(desk.asked)
        await made.until(NOON + 2 * HOUR)
        assert (await made.store.breaker("desk")).state == state
        assert len(desk.asked) - times == asked_then == len(desk.took)
        await end(made)

    simulated(scenario())


# F79: one among a hundred hangs


async def a_thousand(path: Path, receivers: list[Receiver], names: list[str]) -> World:
    """A thousand alerts, ten for each of a hundred; a few moments later."""
    made = await world(path, *receivers)
    for n in range(10):
        for at, one in enumerate(names):
            await made.raises(1, one, prefix=f"{n} {at} ")
    await made.until(NOON + SECOND)
    return made


def test_one_that_hangs_among_a_hundred_holds_nobody_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = Clock()
        receivers = [Receiver(f"r{n}", clock, hanging if n == 50 else None) for n in range(100)]
        made = await a_thousand(tmp_path, receivers, [one.id for one in receivers])
        assert [len(one.took) for one in receivers] == [0 if n == 50 else 10 for n in range(100)]
        assert {at for one in receivers for at in one.took.values()} == {NOON}  # the first round, before anything was waited for
        assert receivers[50].most == receivers[50].at_once
        await made.kill()
        await made.store.close()

    simulated(scenario())


def test_if_all_shared_one_sender_the_one_that_hangs_would_hold_up_all(tmp_path: Path) -> None:
    """The negative control of F79."""

    async def one_in_a_hundred(_: datetime, delivery: Delivery) -> None:
        if delivery.alert.split()[1] == "50":
            await hanging()

    async def scenario() -> None:
        everybody = Receiver("all", Clock(), one_in_a_hundred)
        made = await a_thousand(tmp_path, [everybody], ["all"] * 100)
        assert len(everybody.took) < 800
        await made.kill()
        await made.store.close()

    simulated(scenario())


# The daemon's own part: names that are gone, clocks that are set


@dataclass
class Life:
    """The real wiring of the daemon on simulated clocks, without its timers."""

    app: App
    clock: Clock
    desk: Receiver
    sending: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, made: World, desk: Receiver) -> Life:
        assert isinstance(made.clock, Clock)
        app = App(
            config=Config(),
            rules=None,  # type: ignore[arg-type]
            store=made.store,
            sources={},
            sinks={one.id: one for one in made.receivers},
            bench=Bench(store=made.store, match=None, rules={}, moment=None),  # type: ignore[arg-type]
            free=lambda _: True,
            opened=made.clock(),
            checked=made.clock(),
            steady=asyncio.get_running_loop().time,
        )
        life = cls(app, made.clock, desk)
        life.sending = asyncio.ensure_future(app.schedule.senders.run())
        return life

    async def until(self, end: float) -> None:
        """Ticks until so many seconds have passed since the start by the steady clock."""
        loop = asyncio.get_running_loop()
        while loop.time() < end:
            await self.app.schedule.tick()
            await asyncio.sleep(TICK)

    async def stop(self) -> None:
        self.app.schedule.senders.close()
        assert self.sending
        await self.sending
        await self.app.store.close()


async def living(path: Path, monkeypatch: pytest.MonkeyPatch, desk: Receiver, kind: str = "memory") -> Life:
    """A daemon with one receiver and one alert for it."""
    monkeypatch.setattr(daemon, "now", desk.clock)
    monkeypatch.setattr(daemon, "jitter", lambda: 0.0)
    made = await idle(path, desk, kind=kind)
    await made.raises(1)
    return Life.of(made, desk)


async def idle(path: Path, *receivers: Receiver, kind: str = "memory") -> World:
    """A world without senders of its own."""
    clock = receivers[0].clock
    assert isinstance(clock, Clock)
    return World(store=await opened(kind, path / "monitor.db"), receivers=receivers, clock=clock)


def steadily(at: datetime, desk: Receiver) -> float:
    """Seconds since the start by the steady clock."""
    assert isinstance(desk.clock, Clock)
    return (at - NOON - desk.clock.set_by).total_seconds()


FOURTH = 0 + 5 + 30 + 120
"""Seconds after which the fourth attempt is made; the fifth comes ten minutes later."""


@BOTH
@pytest.mark.parametrize("by", [DAY, -DAY, -365 * DAY])
def test_whatever_the_clock_is_set_to_what_waits_goes_out_on_time_and_no_storm_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by: timedelta
) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON - 400 * DAY, NOON + 400 * DAY))
        life = await living(tmp_path, monkeypatch, desk, kind)
        await life.until(FOURTH + 60)
        assert len(desk.asked) == 4
        life.clock.set_by = by
        await life.until(FOURTH + 615)
        counted = [steadily(at, desk) for at, one in desk.asked if not one.probe]
        assert len(counted) == 5
        assert FOURTH + 600 <= counted[4] <= FOURTH + 602
        await life.stop()

    simulated(scenario())


@pytest.mark.parametrize(("minded", "tries"), [(True, 4), (False, 5)])
def test_if_nobody_minded_a_clock_set_ahead_all_would_be_tried_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, minded: bool, tries: int
) -> None:
    async def scenario() -> int:
        desk = Receiver("desk", Clock(), down(NOON - 400 * DAY, NOON + 400 * DAY))
        life = await living(tmp_path, monkeypatch, desk)
        if not minded:
            monkeypatch.setattr(App, "_mind_the_clock", unminding)
        await life.until(FOURTH + 60)
        life.clock.set_by = DAY
        await life.until(FOURTH + 65)
        await life.stop()
        return len(desk.asked)

    assert simulated(scenario()) == tries


@pytest.mark.parametrize(("minded", "taken"), [(True, True), (False, False)])
def test_if_nobody_minded_a_clock_set_back_it_would_wait_for_a_year(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, minded: bool, taken: bool
) -> None:
    async def scenario() -> bool:
        desk = Receiver("desk", Clock(), down(NOON, NOON + SECOND))
        life = await living(tmp_path, monkeypatch, desk)
        if not minded:
            monkeypatch.setattr(App, "_mind_the_clock", unminding)
        await life.until(2)
        life.clock.set_by = -365 * DAY
        await life.until(700)
        await life.stop()
        return bool(desk.took)

    assert simulated(scenario()) is taken


async def unminding(*_: object) -> None:
    """Nobody looks whether the clock was set."""


@BOTH
@pytest.mark.parametrize("by", [DAY, -DAY, -365 * DAY])
def test_what_is_under_way_while_the_clock_is_set_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by: timedelta
) -> None:
    assert simulated(under_way(tmp_path, monkeypatch, kind, by)) == 1


def test_if_nobody_minded_what_is_under_way_would_be_sent_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: its lease lies in the past."""
    monkeypatch.setattr(App, "_mind_the_clock", unminding)
    assert simulated(under_way(tmp_path, monkeypatch, "memory", DAY)) == 2


async def under_way(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by: timedelta) -> int:
    """How often an alert is sent where its receiver takes 20 s, and the clock is set meanwhile."""
    desk = Receiver("desk", Clock(), takes=20)
    life = await living(path, monkeypatch, desk, kind)
    await life.until(10)
    life.clock.set_by = by
    await life.until(90)
    assert [one.state for one in await life.app.store.deliveries()] == ["sent"]
    await life.stop()
    return len(desk.asked)


def test_a_machine_that_slept_sends_what_is_due_as_soon_as_it_wakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), down(NOON, NOON + HOUR))
        life = await living(tmp_path, monkeypatch, desk)
        await life.until(FOURTH + 60)
        sleeps(8 * HOUR)
        woke = life.clock()
        await life.until(FOURTH + 60 + 8 * 3600 + 1)
        [taken] = desk.took.values()
        assert taken - woke <= SECOND
        await life.stop()

    simulated(scenario())


@pytest.mark.parametrize(("days", "state"), [(3, "sent"), (5, "dead")])
def test_what_is_for_a_name_that_is_gone_waits_four_days_for_it_to_be_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, state: str
) -> None:
    async def scenario() -> None:
        desk, other = Receiver("desk", Clock()), Receiver("other", Clock())
        monkeypatch.setattr(daemon, "now", desk.clock)
        before = await idle(tmp_path, desk, other)
        await before.raises(3, "desk")
        life = Life.of(replace_receivers(before, other), other)
        for _ in range(days * 4):
            await life.until(asyncio.get_running_loop().time() + 1)
            await life.app.tidy()
            sleeps(6 * HOUR)
        assert (other.asked, desk.asked) == ([], [])
        life.app.schedule.senders.close()

        life = Life.of(before, desk)
        await life.until(asyncio.get_running_loop().time() + 1)
        told = await before.store.deliveries(sink="desk")
        assert {one.state for one in told} == {state}
        assert len(desk.took) == (3 if state == "sent" else 0)
        assert all(one.reason is None or "no receiver of this name" in one.reason for one in told)
        await life.stop()

    simulated(scenario())


def replace_receivers(made: World, *receivers: Receiver) -> World:
    return World(store=made.store, receivers=receivers, clock=made.clock)


# Two at work on one store


class Careless:
    """A store whose leases are over at once."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def claim(self, sink: str, now: datetime, lease: timedelta, limit: int, **more: Any) -> list[Delivery]:
        found: list[Delivery] = await self._store.claim(sink, now, -lease, limit, **more)
        return found


async def two(path: Path, kind: str, *, careless: bool = False) -> Receiver:
    """Two senders for one receiver, as two processes would have them."""
    desk = Receiver("desk", Clock(), takes=0.1)
    one = await idle(path, desk, kind=kind)
    await one.raises(200)
    store = one.store if kind == "memory" else await opened(kind, path / "monitor.db")
    other = World(store=store, receivers=[desk], clock=one.clock)
    worlds = [one, other]
    for made in worlds:
        made.store = Careless(made.store) if careless else made.store
        made.open()
    await asyncio.gather(*(made.until(NOON + 20 * SECOND) for made in worlds))
    for made in worlds:
        await end(made)
    return desk


@BOTH
def test_two_at_work_on_one_store_never_send_the_same(tmp_path: Path, kind: str) -> None:
    desk = simulated(two(tmp_path, kind))
    assert len(desk.took) == 200
    assert set(desk.times.values()) == {1}
    assert desk.most > desk.at_once  # both did


def test_if_leases_did_not_hold_they_would(tmp_path: Path) -> None:
    """The negative control of the test above."""
    assert max(simulated(two(tmp_path, "memory", careless=True)).times.values()) > 1
