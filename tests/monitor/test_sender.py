"""A sender by itself: what wakes it, what stops it, and what goes wrong beside it. On simulated time, where a lost wake-up is a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mortal import Killed
from simulated import MINUTE, NOON, Clock, Receiver, World, hanging, http, poison, simulated
from structlog.testing import capture_logs

from monitor import steps
from monitor.errors import DeliveryFailed, StoreError
from monitor.model import Again, Attempt, Delivery, GaveUp, Outcome, Receipt, Sent
from monitor.steps import Sender
from monitor.stores.memory import MemoryStore


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def of(receiver: Receiver, store: Any = None) -> World:
    """A world with this receiver; its senders are not at work yet."""
    return World(store=store or MemoryStore(), receivers=[receiver], clock=receiver.clock)


def sender(made: World) -> Sender:
    return made.senders.senders["desk"]


async def states(made: World) -> list[str]:
    return sorted(one.state for one in await made.store.deliveries(limit=1_000))


# Flowing


@pytest.mark.usefixtures("logs")
def test_one_that_is_done_makes_room_for_the_next_though_nobody_looks() -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), takes=1, at_once=3)
        made = of(desk).open()
        await made.raises(10)
        await made.senders.look()  # once
        await asyncio.sleep(4.1)
        assert [at - NOON for at in desk.took.values()] == [timedelta(seconds=n) for n in (1, 1, 1, 2, 2, 2, 3, 3, 3, 4)]
        assert desk.most == 3
        await made.close()

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_who_has_nothing_due_is_not_woken() -> None:
    async def scenario() -> None:
        made = of(Receiver("desk", Clock())).open()
        claims = counted(made.store)
        await made.senders.look()
        await asyncio.sleep(1)
        assert claims == []
        await made.raises(1)
        await made.senders.look()
        await asyncio.sleep(1)
        assert len(claims) == 2  # and once more for what might be due after it
        await made.close()

    simulated(scenario())


def counted(store: Any) -> list[datetime]:
    """When something was claimed from this store, from now on."""
    claims: list[datetime] = []
    real = store.claim

    async def claim(sink: str, now: datetime, *arguments: Any, **more: Any) -> Any:
        claims.append(now)
        return await real(sink, now, *arguments, **more)

    store.claim = claim
    return claims


# Stopping


@pytest.mark.usefixtures("logs")
def test_closing_lets_what_is_under_way_finish_and_starts_nothing_more() -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), takes=5, at_once=2)
        made = of(desk).open()
        await made.raises(5)
        await made.senders.look()
        await asyncio.sleep(1)
        made.senders.close()
        await made.senders.look()
        await asyncio.gather(*made.running)
        assert made.clock() == NOON + timedelta(seconds=5)
        assert (len(desk.asked), len(desk.took)) == (2, 2)
        assert await states(made) == ["sent"] * 2 + ["waiting"] * 3

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_one_that_has_nothing_under_way_closes_at_once() -> None:
    async def scenario() -> None:
        made = of(Receiver("desk", Clock())).open()
        await asyncio.sleep(1)
        await made.close()
        assert made.clock() == NOON + timedelta(seconds=1)

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_who_is_cancelled_cancels_what_is_under_way_and_leaves_the_leases_to_be_voided() -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), hanging, at_once=2)
        made = of(desk).open()
        await made.raises(3)
        await made.senders.look()
        await asyncio.sleep(1)
        assert desk.under_way == 2
        for task in made.running:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*made.running)
        assert desk.under_way == 0
        assert len(await made.store.claim("desk", made.clock(), MINUTE, 9)) == 1  # the others are still held
        await made.store.release()
        assert len(await made.store.claim("desk", made.clock(), MINUTE, 9)) == 3

    simulated(scenario())


# What goes wrong


@dataclass
class Faulty:
    """A store of which a verb fails so many times."""

    inner: MemoryStore = field(default_factory=MemoryStore)
    verb: str = "claim"
    times: int = 1
    error: Exception = field(default_factory=lambda: StoreError("disk full"))

    def __getattr__(self, name: str) -> Any:
        return self.fail if name == self.verb and self.times else getattr(self.inner, name)

    async def fail(self, *_: Any, **__: Any) -> None:
        self.times -= 1
        raise self.error


@pytest.mark.parametrize(
    ("verb", "error", "event", "level"),
    [
        ("claim", StoreError("disk full"), "deliveries not read", "error"),
        ("breaker", StoreError("disk full"), "deliveries not read", "error"),
        ("claim", ValueError("a bug"), "deliveries not read", "error"),
    ],
)
def test_a_store_that_fails_to_claim_is_one_line_and_asked_again(
    logs: list[Any], verb: str, error: Exception, event: str, level: str
) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock())
        made = of(desk, Faulty(verb=verb, error=error)).open()
        await made.raises(1)
        await made.senders.look()
        await asyncio.sleep(1)
        assert desk.asked == []
        assert [(line["event"], line["log_level"], "exc_info" in line) for line in logs] == [
            (event, level, not isinstance(error, StoreError))
        ]
        await made.senders.look()
        await asyncio.sleep(1)
        assert len(desk.took) == 1
        assert isinstance(sender(made).refusal, StoreError) is isinstance(error, StoreError)
        await made.close()

    simulated(scenario())


@pytest.mark.parametrize(
    ("error", "event", "times"),
    [(StoreError("disk full"), "delivery not settled", 1), (ValueError("a bug"), "delivery broke", 2)],
)
def test_what_could_not_be_settled_is_one_line_and_after_a_bug_sent_again_with_the_same_id_once_the_lease_is_over(
    logs: list[Any], error: Exception, event: str, times: int
) -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock())
        made = of(desk, Faulty(verb="settle", error=error)).open()
        await made.raises(1)
        await made.until(NOON + timedelta(seconds=59))
        assert [line["event"] for line in logs] == ["delivered", event]
        assert len(desk.asked) == 1
        await made.until(NOON + timedelta(seconds=62))
        assert [(one.alert, one.body) for _, one in desk.asked] == [("a00000", b"a00000 Talks")] * times
        assert await states(made) == ["sent"]
        await made.close()

    simulated(scenario())


def test_a_sink_s_bug_costs_one_attempt_and_nobody_else_anything(logs: list[Any]) -> None:
    async def scenario() -> None:
        async def breaks(_: datetime, delivery: Delivery) -> None:
            if delivery.alert == "a00000" and delivery.attempts == 1:
                raise ZeroDivisionError

        desk = Receiver("desk", Clock(), breaks)
        made = of(desk).open()
        await made.raises(2)
        await made.until(NOON + MINUTE)
        [first, second] = await made.store.attempts("a00000", "desk")
        assert (first.trouble, first.reason, second.trouble) == ("ours", "broke: ZeroDivisionError", None)
        assert len(desk.took) == 2
        assert [line["event"] for line in logs].count("sink broke") == 1
        await made.close()

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_an_attempt_that_does_not_end_is_cut_before_its_lease_is_over_and_counts_as_slow() -> None:
    async def scenario() -> None:
        desk = Receiver("desk", Clock(), hanging)
        made = of(desk).open()
        await made.raises(1)
        await made.until(NOON + timedelta(seconds=55))
        [attempt] = await made.store.attempts("a00000", "desk")
        assert (attempt.trouble, attempt.took) == ("slow", timedelta(seconds=54))
        assert (await made.store.breaker("desk")).width == 4
        await made.kill()

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_what_the_receiver_said_is_kept_with_each_attempt() -> None:
    async def scenario() -> None:
        async def busy(_: datetime, delivery: Delivery) -> None:
            if delivery.attempts == 1:
                raise http(503, MINUTE)

        made = of(Receiver("desk", Clock(), busy, takes=2)).open()
        await made.raises(1)
        await made.until(NOON + 2 * MINUTE)
        kept = await made.store.attempts("a00000", "desk")
        began = kept[1].began
        assert timedelta(0) <= began - NOON - MINUTE <= timedelta(seconds=1)
        assert kept == [
            Attempt(began=NOON, status=503, trouble="asked-to-wait", reason="HTTP 503", wait=MINUTE, width=8),
            Attempt(began=began, took=timedelta(seconds=2), status=200, width=8),
        ]
        await made.close()

    simulated(scenario())


# No wake-up is lost


class Gated:
    """A store that answers a claim only when it is let; what is claimed is decided before, as it is on a thread."""

    def __init__(self) -> None:
        self.inner, self.gates = MemoryStore(), list[asyncio.Future[None]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def claim(self, *arguments: Any, **more: Any) -> list[Delivery]:
        found = await self.inner.claim(*arguments, **more)
        await self.gate()
        return found

    async def gate(self) -> None:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate


@dataclass
class Held(Receiver):
    """A receiver that answers only when it is let."""

    gates: list[asyncio.Future[None]] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> Receipt:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return await Receiver.send(self, delivery)


def let(gates: list[asyncio.Future[None]]) -> None:
    """Lets the one go on that waits longest."""
    if waiting := [gate for gate in gates if not gate.done()]:
        waiting[0].set_result(None)


async def played(moves: str) -> int:
    """Plays (n)ew alerts, each with one wake-up, (w)ake-ups for nothing, (c)laims and (s)ends that go on, and turns of the loop (.).

    Gives how many alerts were left behind.
    """
    desk, store = Held("desk", Clock(), at_once=2), Gated()
    made = of(desk, store).open()
    raised = 0
    for move in moves:
        if move == "n":
            await made.raises(1, prefix=f"{raised}-")
            raised += 1
            sender(made).wake()
        elif move == "w":
            sender(made).wake()
        elif move == ".":
            await asyncio.sleep(0)
        else:
            let(store.gates if move == "c" else desk.gates)
    for _ in range(20 * len(moves)):  # nobody looks any more: what was missed stays so
        let(store.gates)
        let(desk.gates)
        await asyncio.sleep(0)
    left = raised - len(desk.took)
    await made.kill()
    return left


@pytest.mark.usefixtures("logs")
def test_no_wake_up_is_lost_in_any_order() -> None:
    @given(st.text("nwcs.", min_size=1, max_size=30))
    @example("w..n")
    def in_any_order(moves: str) -> None:
        assert simulated(played(moves)) == 0

    in_any_order()


@pytest.mark.usefixtures("logs")
def test_if_it_forgot_wake_ups_while_it_claims_some_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: the event is cleared after the claim, not before."""

    async def run(self: Sender) -> None:
        while True:
            await self._waking.wait()
            await self._take()
            self._waking.clear()

    monkeypatch.setattr(Sender, "run", run)
    assert simulated(played("w..n")) == 1


@pytest.mark.usefixtures("logs")
async def test_delivering_once_goes_on_until_nothing_is_due_and_says_what_came_of_it() -> None:
    store, desk = MemoryStore(), Receiver("desk", lambda: NOON, at_once=2)
    made = World(store=store, receivers=[desk], clock=lambda: NOON)
    await made.raises(9)
    done = await steps.deliver({"desk": desk}, store=store, clock=lambda: NOON, jitter=lambda: 0.0)
    assert (done.sent, done.attempts) == (9, 9)


@pytest.mark.usefixtures("logs")
async def test_delivering_once_says_what_the_store_refused_when_all_that_could_be_made_is_made() -> None:
    desk = Receiver("desk", lambda: NOON)
    made = of(desk, Faulty(verb="settle"))
    await made.raises(2)
    with pytest.raises(StoreError, match="disk full"):
        await steps.deliver({"desk": desk}, store=made.store, clock=lambda: NOON, jitter=lambda: 0.0)
    assert len(desk.took) == 2


class End(BaseException):
    """No error, but the end of all: as if the process were killed here."""


@pytest.mark.usefixtures("logs")
def test_what_is_no_error_but_the_end_of_all_ends_the_sender() -> None:
    async def scenario() -> None:
        async def ends(*_: object) -> None:
            raise End

        made = of(Receiver("desk", Clock(), ends)).open()
        await made.raises(1)
        await made.senders.look()
        with pytest.raises(End):
            await asyncio.gather(*made.running)

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_who_is_closed_while_it_claims_still_makes_what_it_has_claimed() -> None:
    async def scenario() -> None:
        desk, store = Receiver("desk", Clock()), Gated()
        made = of(desk, store).open()
        await made.raises(2)
        await made.senders.look()
        await asyncio.sleep(1)
        made.senders.close()
        let(store.gates)
        await asyncio.gather(*made.running)
        assert len(desk.took) == 2

    simulated(scenario())


def test_a_store_that_goes_on_failing_is_told_of_once_and_again_when_it_fails_anew(logs: list[Any]) -> None:
    async def scenario() -> None:
        store = Faulty(times=20)
        made = of(Receiver("desk", Clock()), store).open()
        await made.raises(1)
        for _ in range(25):
            await made.senders.look()
            await asyncio.sleep(1)
        assert [line["event"] for line in logs] == ["deliveries not read", "delivered"]
        store.times = 5
        await made.raises(1, prefix="later-")
        await made.senders.look()
        await asyncio.sleep(1)
        assert [line["event"] for line in logs][2:] == ["deliveries not read"]
        await made.kill()

    simulated(scenario())


# What others hear of it


class Counting:
    """A meter that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, int | None]] = []

    def attempted(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        self.heard.append((delivery.alert, type(outcome).__name__, attempt.status))


@pytest.mark.usefixtures("logs")
def test_the_meter_hears_of_each_attempt_once_when_it_is_settled() -> None:
    async def scenario() -> None:
        async def busy(_: datetime, delivery: Delivery) -> None:
            if delivery.attempts == 1:
                raise http(500)

        store, meter = Faulty(verb="settle"), Counting()
        made = of(Receiver("desk", Clock(), busy), store).open()
        sender(made).meter = meter  # type: ignore[assignment]
        await made.raises(1)
        await made.until(NOON + 2 * MINUTE)
        assert meter.heard == [("a00000", "Again", 500), ("a00000", "Sent", 200)]
        assert sender(made).done == {Again: 1, Sent: 1}
        await made.close()

    simulated(scenario())


def test_a_failure_is_one_line_that_says_what_failed_why_and_when_it_is_tried_again(logs: list[Any]) -> None:
    async def scenario() -> None:
        async def busy(_: datetime, delivery: Delivery) -> None:
            if delivery.attempts == 1:
                raise http(500)

        made = of(Receiver("desk", Clock(), busy)).open()
        await made.raises(1)
        await made.until(NOON + MINUTE)
        await made.close()

    simulated(scenario())
    failed, delivered = logs
    assert failed == {
        "event": "delivery failed",
        "log_level": "warning",
        "sink": "desk",
        "alert": "a00000",
        "reason": "HTTP 500",
        "attempts": 1,
        "probe": False,
        "again": "2026-07-01 12:00:05+00:00",
    }
    assert delivered == {"event": "delivered", "log_level": "info", "sink": "desk", "alert": "a00000"}


def test_of_what_is_given_up_the_line_names_no_time(logs: list[Any]) -> None:
    async def scenario() -> None:
        made = of(Receiver("desk", Clock(), poison("a00000"))).open()
        await made.raises(1)
        [held] = await made.store.claim("desk", made.clock(), timedelta(0), 1)
        for _ in range(12):
            await made.store.claim("desk", made.clock(), timedelta(0), 1)
        await made.senders.look()
        await asyncio.sleep(1)
        assert await states(made) == ["dead"]
        assert sender(made).done == {GaveUp: 1}
        await made.close()
        assert held.attempts == 1

    simulated(scenario())
    assert [(line["event"], line["attempts"], line["again"]) for line in logs] == [("delivery failed", 14, None)]


@pytest.mark.usefixtures("logs")
def test_a_failure_without_words_has_the_name_of_its_kind() -> None:
    async def scenario() -> None:
        async def wordless(*_: object) -> None:
            raise DeliveryFailed("", kind="http")

        made = of(Receiver("desk", Clock(), wordless)).open()
        await made.raises(1)
        await made.senders.look()
        await asyncio.sleep(1)
        [told] = await made.store.told("a00000")
        assert told.reason == "DeliveryFailed"
        await made.close()

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_of_an_attempt_that_is_cut_it_is_said_after_how_long() -> None:
    async def scenario() -> None:
        made = of(Receiver("desk", Clock(), hanging)).open()
        await made.raises(1)
        await made.until(NOON + MINUTE)
        assert [one.reason for one in await made.store.told("a00000")] == ["not done after 54 s"]
        await made.kill()

    simulated(scenario())


def test_what_could_not_be_read_or_settled_names_receiver_alert_and_reason(logs: list[Any]) -> None:
    async def scenario() -> None:
        for verb in ("claim", "settle"):
            made = of(Receiver("desk", Clock()), Faulty(verb=verb)).open()
            await made.raises(1)
            await made.senders.look()
            await asyncio.sleep(1)
            assert str(sender(made).refusal) == "disk full"
            await made.kill()

    simulated(scenario())
    read, _, settled = logs
    assert (read["event"], read["sink"], read["error"]) == ("deliveries not read", "desk", "disk full")
    assert (settled["event"], settled["sink"], settled["alert"], settled["error"]) == (
        "delivery not settled",
        "desk",
        "a00000",
        "disk full",
    )


@pytest.mark.parametrize(
    ("verb", "event"), [("claim", "deliveries not read"), ("settle", "delivery broke"), ("send", "sink broke")]
)
def test_a_bug_is_told_with_its_traceback_and_names_whom_it_concerns(logs: list[Any], verb: str, event: str) -> None:
    async def scenario() -> None:
        async def breaks(*_: object) -> None:
            if verb == "send":
                raise ZeroDivisionError

        store = Faulty(verb=verb, error=ZeroDivisionError()) if verb != "send" else MemoryStore()
        made = of(Receiver("desk", Clock(), breaks), store).open()
        await made.raises(1)
        await made.senders.look()
        await asyncio.sleep(1)
        await made.kill()

    simulated(scenario())
    [line] = [line for line in logs if line["event"] == event]
    assert line["exc_info"]
    assert line["sink"] == "desk"
    assert line.get("alert") == (None if verb == "claim" else "a00000")


def test_a_store_that_goes_on_failing_is_one_line_until_it_fails_otherwise_or_again(logs: list[Any]) -> None:
    async def scenario() -> None:
        store = Faulty(times=3)
        made = of(Receiver("desk", Clock()), store).open()
        await made.raises(1)
        for _ in range(3):
            await made.senders.look()
            await asyncio.sleep(1)
        store.times, store.error = 1, StoreError("damaged")
        await made.senders.look()
        await asyncio.sleep(1)
        await made.senders.look()
        await asyncio.sleep(1)
        await made.raises(1, prefix="b")
        store.times = 1
        await made.senders.look()
        await asyncio.sleep(1)
        await made.kill()

    simulated(scenario())
    assert [line["error"] for line in logs if line["event"] == "deliveries not read"] == ["disk full", "damaged", "damaged"]


@pytest.mark.usefixtures("logs")
def test_what_ends_the_process_ends_the_sender_and_is_not_swallowed() -> None:
    async def scenario() -> None:
        async def dies(*_: object) -> None:
            raise Killed

        desk = Receiver("desk", Clock(), dies)
        made = of(desk).open()
        await made.raises(1)
        await made.senders.look()
        with pytest.raises(Killed):
            await asyncio.gather(*made.running)
        assert await made.store.claim("desk", made.clock(), MINUTE, 1) == []  # it was not settled

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_chance_moves_the_next_attempt() -> None:
    async def scenario() -> None:
        made = of(Receiver("desk", Clock(), poison("a00000")))
        made.jitter = lambda: 1.0
        made.open()
        await made.raises(1)
        await made.senders.look()
        await asyncio.sleep(1)
        assert [one.at for one in await made.store.told("a00000")] == [NOON + timedelta(seconds=6)]
        await made.close()

    simulated(scenario())


@pytest.mark.usefixtures("logs")
async def test_delivering_once_says_what_became_of_each() -> None:
    store = MemoryStore()
    desk = Receiver("desk", lambda: NOON, poison("a00000", "a00001"))
    made = World(store=store, receivers=[desk], clock=lambda: NOON)
    await made.raises(3)
    for _ in range(13):
        await store.claim("desk", NOON, timedelta(0), 1)
    chance = iter([0.0, 1.0, 0.0])
    done = await steps.deliver({"desk": desk}, store=store, clock=lambda: NOON, jitter=lambda: next(chance))

    assert (done.sent, done.again, done.gave_up, done.attempts) == (1, 1, 1, 3)
    [again] = await store.deliveries(state="waiting")
    assert NOON + timedelta(seconds=6) <= again.at < NOON + timedelta(seconds=7)


@pytest.mark.parametrize("error", [StoreError("disk full"), ValueError("a bug")])
def test_a_store_that_cannot_say_what_is_due_is_one_line_and_asked_again(logs: list[Any], error: Exception) -> None:
    async def scenario() -> None:
        desk, store = Receiver("desk", Clock()), Faulty(verb="due", times=3, error=error)
        made = of(desk, store).open()
        await made.raises(1)
        for _ in range(3):
            await made.senders.look()
        await asyncio.sleep(1)
        assert desk.asked == []
        assert len(logs) == 1
        await made.senders.look()
        await asyncio.sleep(1)
        assert len(desk.took) == 1
        store.times = 1
        await made.senders.look()
        await made.close()

    simulated(scenario())
    assert [line["event"] for line in logs] == [logs[0]["event"], "delivered", logs[0]["event"]]
    assert str(error) in logs[0]["error"]


@pytest.mark.usefixtures("logs")
def test_delivering_once_waits_for_the_last_of_them() -> None:
    async def scenario() -> None:
        async def one_after_the_other(_: datetime, delivery: Delivery) -> None:
            await asyncio.sleep(int(delivery.alert[-1]))

        desk = Receiver("desk", Clock(), one_after_the_other)
        made = of(desk)
        await made.raises(4)
        done = await steps.deliver({"desk": desk}, store=made.store, clock=made.clock, jitter=made.jitter)
        assert (done.sent, desk.under_way) == (4, 0)

    simulated(scenario())


@pytest.mark.usefixtures("logs")
def test_who_is_cancelled_waits_until_what_was_under_way_has_cleaned_up_even_if_some_of_it_breaks() -> None:
    async def scenario() -> None:
        cleaned = []

        async def slow_to_go(_: datetime, delivery: Delivery) -> None:
            try:
                await hanging()
            finally:
                if delivery.alert == "a00000":
                    raise Killed
                await asyncio.sleep(1)
                cleaned.append(delivery.alert)

        desk = Receiver("desk", Clock(), slow_to_go)
        made = of(desk)
        await made.raises(3)
        one = steps.senders({"desk": desk}, store=made.store, clock=made.clock, jitter=made.jitter).senders["desk"]
        running = asyncio.ensure_future(one.run())
        one.wake()
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.wait([running])
        assert sorted(cleaned) == ["a00001", "a00002"]

    simulated(scenario())
