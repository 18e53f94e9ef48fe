"""Lines of a crontab: which times they stand for, and what is wrong with those that stand for none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from rules import cron

FRIDAY = datetime.fromisoformat("2026-07-03T06:59:30")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("07:00", "2026-07-03 07:00"),
        ("6:59", "2026-07-04 06:59"),
        ("0 7 * * *", "2026-07-03 07:00"),
        ("0 7 * * 1", "2026-07-06 07:00"),  # cron's Monday, which APScheduler takes for Tuesday
        ("0 7 * * 0", "2026-07-05 07:00"),
        ("0 7 * * 7", "2026-07-05 07:00"),
        ("0 7 * * sat-sun", "2026-07-04 07:00"),
        ("0 7 * * MON-fri", "2026-07-03 07:00"),
        ("*/15 8-10 * * *", "2026-07-03 08:00"),
        ("30 6,18 * * *", "2026-07-03 18:30"),
        ("0 7 1 * mon", "2026-07-06 07:00"),  # either day will do
        ("0 7 1 */2 *", "2026-09-01 07:00"),
        ("0 0 29 feb *", "2028-02-29 00:00"),
        ("10/20 * * * *", "2026-07-03 07:10"),
    ],
)
def test_the_first_time_after_another(text: str, due: str) -> None:
    assert cron.parse(text).after(FRIDAY) == datetime.fromisoformat(due)


def test_a_leap_day_comes_even_when_a_century_has_none() -> None:
    assert cron.parse("0 0 29 2 *").after(datetime.fromisoformat("2096-03-01")) == datetime.fromisoformat("2104-02-29")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a time of day such as"),
        ("7", "expected a time of day such as"),
        ("25:00", "expected a time of day such as"),
        ("0 7 * *", "expected a time of day such as"),
        ("60 7 * * *", "'60' is no minute: it goes from 0 to 59"),
        ("0 7 * * 8", "'8' is no weekday"),
        ("0 7 * * monday", "'monday' is no weekday"),
        ("0 7-5 * * *", "'7-5' holds no hour"),
        ("*/0 * * * *", "'*/0' holds no minute"),
        ("0 7 31 2,4 *", "that day never comes"),
        ("0 ٧ * * *", "is no hour"),
        ("a,b 7 * * *", "'a' is no minute"),
        (", 7 * * *", "is no minute"),
    ],
)
def test_what_is_no_line_of_a_crontab_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        cron.parse(text)


def values(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        one.map(str),
        st.tuples(one, one).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.integers(1, 11).map(lambda step: f"*/{step}"),
        st.lists(one, min_size=1, max_size=4).map(lambda many: ",".join(map(str, many))),
    )


SPAN = datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2090-01-01")


@given(values(0, 59), values(0, 23), values(1, 28), values(1, 12), st.datetimes(*SPAN))
def test_apscheduler_finds_the_same_time(minute: str, hour: str, day: str, month: str, at: datetime) -> None:
    """Weekdays aside, which it counts otherwise."""
    text = f"{minute} {hour} {day} {month} *"
    ours, after = cron.parse(text).after(at), at.replace(tzinfo=UTC) + timedelta(microseconds=1)
    theirs = CronTrigger.from_crontab(text, timezone=UTC).get_next_fire_time(after, after)
    assert ours.replace(tzinfo=UTC) == theirs


@given(st.text(st.sampled_from("0123456789*-/, mon:x"), max_size=20))
def test_any_text_is_a_time_that_comes_or_is_refused(text: str) -> None:
    try:
        found = cron.parse(text)
    except ValueError:
        return
    assert found.after(FRIDAY) > FRIDAY
