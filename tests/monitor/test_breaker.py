"""The circuit breaker by itself: a table of states, and a few days of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import breaker
from monitor.breaker import DRAIN, FAILURES, LOST, PROBED, PROBES, WIDEST, Room
from monitor.model import Attempt, Breaker

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FRESH = Breaker(sink="desk", address="here")
OPEN = replace(FRESH, state="open", failures=5, since=NOON - HOUR, due=NOON + MINUTE, reason="HTTP 500")
DISABLED = replace(FRESH, state="disabled", failures=9, since=NOON - 6 * DAY, probes=1_500, reason="HTTP 500")


def taken(**changes: Any) -> Attempt:
    return Attempt(began=NOON, **changes)


def failed(trouble: str = "http", **changes: Any) -> Attempt:
    return Attempt(**{"began": NOON, "trouble": trouble, "reason": f"it is {trouble}", **changes})


# What may be sent


@pytest.mark.parametrize(
    ("given", "under_way", "at_once", "room"),
    [
        pytest.param(FRESH, 0, 8, Room(limit=8), id="all that its receiver takes at once"),
        pytest.param(FRESH, 3, 8, Room(limit=5), id="less what is under way"),
        pytest.param(FRESH, 8, 8, None, id="nothing where that is all"),
        pytest.param(FRESH, 9, 8, None, id="nor where it is more, since the width shrank"),
        pytest.param(replace(FRESH, width=4), 1, 8, Room(limit=3), id="no more than the width"),
        pytest.param(replace(FRESH, due=NOON + SECOND), 0, 8, None, id="nothing while it rests"),
        pytest.param(replace(FRESH, due=NOON), 0, 8, Room(limit=8), id="all once it has rested"),
        pytest.param(OPEN, 0, 8, None, id="no probe before its time"),
        pytest.param(replace(OPEN, due=NOON), 0, 8, Room(limit=1, probe=True), id="one probe at its time"),
        pytest.param(replace(OPEN, due=NOON), 1, 8, None, id="no second one beside it"),
        pytest.param(replace(OPEN, due=None), 0, 8, Room(limit=1, probe=True), id="a probe at once where no time is known"),
        pytest.param(DISABLED, 0, 8, None, id="nothing where it is disabled"),
        pytest.param(replace(DISABLED, due=NOON), 0, 8, None, id="nothing even if something were due"),
    ],
)
def test_so_much_may_be_sent(given: Breaker, under_way: int, at_once: int, room: Room | None) -> None:
    assert breaker.room(given, NOON, under_way, at_once) == room


# After an attempt


@pytest.mark.parametrize(
    ("before", "attempt", "changes"),
    [
        pytest.param(FRESH, taken(), {}, id="what is well stays well"),
        pytest.param(replace(FRESH, width=4), taken(), {"width": 5}, id="each that is taken widens it"),
        pytest.param(
            replace(FRESH, failures=4, since=NOON, reason="x"), taken(), {}, id="one that is taken forgets all failures"
        ),
        pytest.param(
            OPEN, taken(probe=True), {"width": DRAIN}, id="the first that is taken closes it, and the drain begins narrow"
        ),
        pytest.param(OPEN, taken(), {"width": DRAIN}, id="also one that was under way when it opened"),
        pytest.param(DISABLED, taken(), None, id="nothing that was under way enables it"),
        pytest.param(
            replace(FRESH, due=NOON + HOUR, failures=1, since=NOON), taken(), {"due": NOON + HOUR}, id="nor takes back a rest"
        ),
        pytest.param(replace(FRESH, due=NOON), taken(), {}, id="a rest that is over is forgotten"),
        pytest.param(
            FRESH, failed(), {"failures": 1, "since": NOON, "reason": "it is http"}, id="one failure is noted, and all goes on"
        ),
        pytest.param(
            replace(FRESH, failures=4, since=NOON - HOUR),
            failed(took=SECOND),
            {"state": "open", "failures": 5, "since": NOON - HOUR, "due": NOON + SECOND + MINUTE, "reason": "it is http"},
            id="five in a row open it",
        ),
        pytest.param(
            OPEN,
            failed(),
            {"state": "open", "failures": 6, "since": OPEN.since, "due": OPEN.due, "reason": "it is http"},
            id="what was under way when it opened does not put the probe off",
        ),
        pytest.param(
            OPEN,
            failed(probe=True),
            {"state": "open", "failures": 6, "since": OPEN.since, "probes": 1, "due": NOON + 2 * MINUTE, "reason": "it is http"},
            id="the second probe is two minutes after the first",
        ),
        pytest.param(
            replace(OPEN, probes=1),
            failed(probe=True),
            {"state": "open", "failures": 6, "since": OPEN.since, "probes": 2, "due": NOON + 5 * MINUTE, "reason": "it is http"},
            id="the third five minutes after the second",
        ),
        pytest.param(
            replace(OPEN, probes=70),
            failed(probe=True),
            {"state": "open", "failures": 6, "since": OPEN.since, "probes": 71, "due": NOON + 5 * MINUTE, "reason": "it is http"},
            id="and so are all others",
        ),
        pytest.param(
            FRESH,
            failed("asked-to-wait", wait=HOUR),
            {"failures": 1, "since": NOON, "due": NOON + HOUR, "width": 32, "reason": "it is asked-to-wait"},
            id="one that asks for a rest gets it whole, and half as much at once",
        ),
        pytest.param(
            FRESH,
            failed("asked-to-wait", wait=400 * DAY),
            {"failures": 1, "since": NOON, "due": NOON + DAY, "width": 32, "reason": "it is asked-to-wait"},
            id="but no longer than a day",
        ),
        pytest.param(
            replace(FRESH, due=NOON + HOUR),
            failed(wait=MINUTE),
            {"failures": 1, "since": NOON, "due": NOON + HOUR, "reason": "it is http"},
            id="a shorter rest does not end a longer one",
        ),
        pytest.param(
            replace(OPEN, probes=3),
            failed("asked-to-wait", wait=HOUR, probe=True),
            {
                "state": "open",
                "failures": 6,
                "since": OPEN.since,
                "probes": 4,
                "due": NOON + HOUR,
                "width": 32,
                "reason": "it is asked-to-wait",
            },
            id="nor does a probe",
        ),
        pytest.param(
            FRESH,
            failed("slow"),
            {"failures": 1, "since": NOON, "width": 32, "reason": "it is slow"},
            id="who is slow gets half, too",
        ),
        pytest.param(
            replace(FRESH, width=1),
            failed("slow"),
            {"failures": 1, "since": NOON, "width": 1, "reason": "it is slow"},
            id="but never nothing",
        ),
        pytest.param(
            FRESH,
            failed("gone"),
            {"state": "disabled", "failures": 1, "since": NOON, "reason": "it is gone"},
            id="one that is gone is disabled at once",
        ),
        pytest.param(
            OPEN,
            failed("gone", wait=HOUR),
            {"state": "disabled", "failures": 6, "since": OPEN.since, "due": None, "reason": "it is gone"},
            id="and nothing is due for it",
        ),
        pytest.param(
            DISABLED,
            failed("gone"),
            None,
            id="what is disabled stays so",
        ),
        pytest.param(
            DISABLED,
            failed(),
            None,
            id="whatever was under way",
        ),
    ],
)
def test_an_attempt_leaves_it_so(before: Breaker, attempt: Attempt, changes: dict[str, Any] | None) -> None:
    """`changes`: against a fresh one; None: it stays as it was."""
    assert breaker.after(before, attempt) == (before if changes is None else replace(FRESH, **changes))


def test_it_widens_no_further_than_the_widest() -> None:
    one = replace(FRESH, width=DRAIN)
    widths = []
    for _ in range(100):
        one = breaker.after(one, taken())
        widths.append(one.width)
    assert widths == [*range(DRAIN + 1, WIDEST + 1), *[WIDEST] * (100 - WIDEST + DRAIN)]


# After five days


@pytest.mark.parametrize(
    ("lasted", "probes", "state"),
    [
        pytest.param(LOST, PROBED - 1, "disabled", id="both"),
        pytest.param(LOST - SECOND, 5_000, "open", id="many probes in a shorter time"),
        pytest.param(60 * DAY, PROBED - 2, "open", id="a long time in which we hardly tried"),
    ],
)
def test_it_is_disabled_after_five_days_in_which_it_was_tried_a_thousand_times(
    lasted: timedelta, probes: int, state: str
) -> None:
    after = breaker.after(replace(OPEN, since=NOON - lasted, probes=probes), failed(probe=True))
    assert (after.state, after.due is None) == (state, state == "disabled")


def test_a_thousand_probes_are_made_well_within_five_days() -> None:
    """Else the time alone would not disable it."""
    one, now = replace(FRESH, failures=FAILURES - 1), NOON
    while one.state != "disabled":
        one = breaker.after(one, failed(began=now, probe=one.state == "open"))
        now = one.due or now
    assert one.since == NOON
    assert LOST <= now - NOON < LOST + 2 * PROBES[-1]
    assert PROBED < one.probes <= 120 * 12 + len(PROBES)


# Starting, enabling, setting the clock


@pytest.mark.parametrize(
    ("before", "address", "after"),
    [
        pytest.param(FRESH, "here", FRESH, id="nothing happened"),
        pytest.param(OPEN, "here", replace(OPEN, due=NOON), id="one that failed is tried at once"),
        pytest.param(DISABLED, "here", DISABLED, id="one that is disabled stays so"),
        pytest.param(DISABLED, "there", Breaker(sink="desk", address="there"), id="at a new address it starts anew"),
        pytest.param(OPEN, "there", Breaker(sink="desk", address="there"), id="whatever it was"),
        pytest.param(replace(DISABLED, address=""), "here", DISABLED, id="one whose address was not known keeps what it is"),
        pytest.param(
            replace(FRESH, due=NOON + HOUR), "here", replace(FRESH, due=NOON + HOUR), id="one that rests goes on resting"
        ),
    ],
)
def test_a_monitor_starts_with_it_so(before: Breaker, address: str, after: Breaker) -> None:
    assert breaker.started(before, address, NOON) == after


@pytest.mark.parametrize("before", [FRESH, OPEN, DISABLED])
def test_one_that_is_enabled_has_no_past_and_drains_narrow(before: Breaker) -> None:
    assert breaker.enabled(before) == replace(FRESH, width=DRAIN)


@pytest.mark.parametrize(
    ("before", "by", "after"),
    [
        pytest.param(FRESH, DAY, FRESH, id="there is nothing to move"),
        pytest.param(OPEN, DAY, replace(OPEN, due=NOON + DAY + MINUTE, since=NOON + DAY - HOUR), id="all moves with it"),
        pytest.param(OPEN, -DAY, replace(OPEN, due=NOON - DAY + MINUTE, since=NOON - DAY - HOUR), id="back, too"),
        pytest.param(
            replace(OPEN, due=NOON + 400 * DAY),
            -DAY,
            replace(OPEN, due=NOON + 2 * DAY, since=NOON - DAY - HOUR),
            id="but not too far",
        ),
    ],
)
def test_the_clock_is_set(before: Breaker, by: timedelta, after: Breaker) -> None:
    assert breaker.moved(before, by, NOON + 2 * DAY) == after


# Whatever happens

ATTEMPTS = st.builds(
    Attempt,
    began=st.timedeltas(timedelta(0), 31 * DAY).map(lambda after: NOON + after),
    took=st.timedeltas(timedelta(0), MINUTE),
    trouble=st.sampled_from([None, "http", "slow", "asked-to-wait", "unreachable", "gone"]),
    wait=st.none() | st.timedeltas(timedelta(0), timedelta(days=9_000)),
    probe=st.booleans(),
)


@given(st.lists(ATTEMPTS, max_size=30))
def test_it_always_knows_when_to_try_again(attempts: list[Attempt]) -> None:
    one = FRESH
    for attempt in attempts:
        before, one = one, breaker.after(one, attempt)
        assert 1 <= one.width <= WIDEST
        assert (one.sink, one.address) == ("desk", "here")
        if one.state == "open":
            assert one.failures >= FAILURES
            assert one.due is not None
        if one.state == "disabled":
            assert one.due is None
        if before.state == "disabled":
            assert one.state == "disabled"
        if one.due is not None:
            assert one.due <= max(at.ended for at in attempts) + DAY


# What people were promised, in figures


def test_five_failures_four_at_once_a_thousand_probes() -> None:
    four = breaker.after(replace(FRESH, failures=3, since=NOON), failed())
    assert (four.state, breaker.after(four, failed()).state) == ("closed", "open")
    assert breaker.after(OPEN, taken(probe=True)).width == 4
    assert breaker.enabled(OPEN).width == 4
    lost = replace(OPEN, since=NOON - 5 * DAY)
    probes = {probes: breaker.after(replace(lost, probes=probes - 1), failed(probe=True)).state for probes in (999, 1_000)}
    assert probes == {999: "open", 1_000: "disabled"}


def test_the_last_free_place_is_used() -> None:
    assert breaker.room(FRESH, NOON, 7, 8) == Room(limit=1)


def test_half_of_an_odd_width_is_a_whole_number() -> None:
    width = breaker.after(replace(FRESH, width=5), failed("slow")).width
    assert (width, type(width)) == (2, int)


def test_what_is_open_stays_so_whatever_it_took_to_open_it() -> None:
    """It may have been kept by a monitor for which fewer failures were enough."""
    assert breaker.after(replace(OPEN, failures=1), failed(probe=True)).state == "open"


@pytest.mark.parametrize("status", [400, 413, 415, 422, 552, 554])
def test_one_alert_that_is_refused_again_says_nothing_of_its_receiver(status: int) -> None:
    """By HTTP or by mail: too large, not understood. Tried again and again, it alone would stop all others."""
    refused = failed(status=status)

    assert breaker.after(FRESH, refused, again=True) == FRESH
    assert breaker.after(FRESH, refused).failures == 1  # the first time it may be the receiver's fault
    assert breaker.after(OPEN, replace(refused, probe=True), again=True).probes == 1  # and a probe says how the receiver is
    assert breaker.after(OPEN, taken(status=status), again=True).state == "closed"


@pytest.mark.parametrize("status", [None, 401, 403, 404, 408, 414, 416, 423, 429, 500, 503, 550, 551, 553, 555])
def test_any_other_failure_counts_each_time(status: int | None) -> None:
    assert breaker.after(FRESH, failed(status=status), again=True).failures == 1
