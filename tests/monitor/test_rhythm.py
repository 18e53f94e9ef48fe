"""When a source is looked at again, what is believed of it, and when somebody is told. The clock is a number in a test."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import rhythm
from monitor.errors import TROUBLES, FetchFailed, StoreError, Unreadable
from monitor.model import Claim, Fetched, Visit
from monitor.rhythm.pacing import longest_pause

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
GONE = FetchFailed("410 Gone", kind="gone")
LOST = FetchFailed("cannot connect", kind="unreachable")
NEW = "https://example.org/new.xml"


def steady(gap: timedelta, *, until: datetime = NOON, count: int = 40) -> list[datetime]:
    """Dates of articles, the last of them at `until`."""
    return [until - n * gap for n in reversed(range(count))]


def met(news: Sequence[datetime] = (), *, at: datetime = NOON, every: timedelta | None = None) -> Visit:
    """A source after its first visit."""
    return rhythm.answered(None, Fetched(cursor={"etag": "1"}), "paper", at, news=news, every=every)


def again(
    last: Visit | None,
    at: datetime,
    news: Sequence[datetime] = (),
    fetched: Fetched | None = None,
    every: timedelta | None = None,
) -> Visit:
    return rhythm.answered(last, fetched or Fetched(), "paper", at, news=news, every=every)


def fail(last: Visit | None, error: Exception, at: datetime, every: timedelta | None = None, *, offline: bool = False) -> Visit:
    return rhythm.failed(last, error, "paper", at, every=every, offline=offline)


def failing(visit: Visit | None, error: Exception, times: int, every: timedelta | None = None) -> Visit:
    """After so many failures in a row, each when it was due."""
    for _ in range(times):
        visit = fail(visit, error, visit.due if visit else NOON, every)
    assert visit
    return visit


def pause(visit: Visit) -> timedelta:
    return visit.due - visit.at


def about(expected: timedelta, found: timedelta) -> bool:
    """Within the wobble."""
    return 0.949 * expected <= found <= 1.051 * expected


# How often


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (MINUTE, timedelta(minutes=5)),
        (20 * MINUTE, timedelta(minutes=4.7)),  # just after an article: the gap that began counts, too
        (3 * HOUR, timedelta(minutes=14)),
        (DAY, timedelta(minutes=39.7)),
        (WEEK, timedelta(minutes=105)),
        (300 * DAY, timedelta(hours=6)),
    ],
)
def test_the_interval_follows_the_root_of_the_mean_gap(gap: timedelta, expected: timedelta) -> None:
    assert about(max(expected, rhythm.QUICKEST), pause(met(steady(gap))))


@pytest.mark.parametrize("news", [[], [NOON], [NOON] * 30, steady(MINUTE, count=3)])
def test_a_source_of_which_little_is_known_is_asked_every_quarter_of_an_hour(news: list[datetime]) -> None:
    assert about(QUARTER, pause(met(news)))


def test_a_source_that_dies_goes_slowly_to_six_hours() -> None:
    visit = met(steady(10 * MINUTE))
    found = {}
    while visit.at < NOON + 30 * DAY:
        visit = again(visit, visit.due)
        found[(visit.at - NOON) // DAY] = pause(visit)

    assert list(found.values()) == sorted(found.values())
    assert found[0] < 20 * MINUTE
    assert found[3] < 90 * MINUTE
    assert about(rhythm.SLOWEST, found[29])


def test_a_source_that_wakes_up_is_asked_often_again_at_once() -> None:
    visit = met(steady(10 * MINUTE, until=NOON - 60 * DAY))
    assert about(rhythm.SLOWEST, pause(visit))

    back = again(visit, visit.due, steady(10 * MINUTE, until=visit.due, count=8))

    assert about(rhythm.QUICKEST, pause(back))


def test_one_that_wakes_up_with_a_single_article_is_asked_every_two_hours_until_its_rhythm_shows() -> None:
    visit = met(steady(10 * MINUTE, until=NOON - 60 * DAY))
    found = []
    for _ in range(8):
        visit = again(visit, visit.due, [visit.due])
        found.append(pause(visit))

    assert found[0] < 2 * HOUR
    assert found[-1] < HOUR


def test_what_the_operator_wrote_is_kept_whatever_the_rhythm_and_whatever_the_source_says() -> None:
    for every in (timedelta(seconds=1), HOUR, 3 * DAY):
        visit = again(met(steady(MINUTE)), NOON, [NOON], Fetched(lasting=HOUR), every)

        assert about(every, pause(visit))


@pytest.mark.parametrize(("lasting", "expected"), [(MINUTE, 5 * MINUTE), (40 * MINUTE, 40 * MINUTE), (30 * DAY, HOUR)])
def test_a_source_may_put_off_the_next_visit_up_to_an_hour(lasting: timedelta, expected: timedelta) -> None:
    assert about(expected, pause(again(met(steady(MINUTE)), NOON, [], Fetched(lasting=lasting))))


def test_sources_added_together_drift_apart() -> None:
    dues = {rhythm.answered(None, Fetched(), f"paper-{n}", NOON, news=[], every=QUARTER).due for n in range(50)}

    assert len(dues) == 50


def test_articles_of_the_future_and_of_one_moment_teach_no_haste() -> None:
    visit = met([*steady(DAY, count=6), *[NOON + 900 * DAY] * 50])

    assert visit.arrivals[-1] == NOON
    assert pause(visit) > 30 * MINUTE


def test_arrivals_are_the_twenty_latest_in_order() -> None:
    visit = again(met(steady(HOUR)), NOON + HOUR, [NOON + HOUR, NOON + MINUTE])

    assert len(visit.arrivals) == 20
    assert list(visit.arrivals) == sorted(visit.arrivals)


def test_a_visit_that_went_well_says_so() -> None:
    visit = again(failing(met([NOON]), LOST, 3), NOON + DAY)

    assert (visit.failures, visit.trouble, visit.error) == (0, None, None)
    assert (visit.since, visit.known, visit.news, visit.answered) == (NOON, NOON, NOON, NOON + DAY)


# Failures


def test_a_failing_source_keeps_its_cursor_and_is_asked_more_and_more_rarely_but_for_ever() -> None:
    visit, pauses = met([NOON]), []
    for _ in range(500):
        visit = fail(visit, FetchFailed("HTTP 500"), visit.due)
        pauses.append(pause(visit))

    assert visit.cursor == {"etag": "1"}
    assert (visit.failures, visit.error, visit.trouble, visit.answered) == (500, "HTTP 500", "http", NOON)
    assert [round(one / pauses[0]) for one in pauses[:5]] == [1, 2, 4, 8, 16]
    assert about(QUARTER, pauses[0])
    assert about(rhythm.SLOWEST, pauses[-1])


def test_a_source_that_never_answered_is_visited_for_ever_too() -> None:
    visit = failing(None, FetchFailed(""), 5000)

    assert visit.error == "FetchFailed"
    assert visit.since == NOON
    assert about(rhythm.SLOWEST, pause(visit))


@pytest.mark.parametrize(
    ("every", "first", "last"),
    [(timedelta(seconds=1), timedelta(seconds=1), 6 * HOUR), (HOUR, HOUR, 6 * HOUR), (2 * DAY, 2 * DAY, 2 * DAY)],
)
def test_failures_never_make_it_more_frequent_than_the_operator_wrote(
    every: timedelta, first: timedelta, last: timedelta
) -> None:
    assert about(first, pause(failing(None, LOST, 1, every)))
    assert about(last, pause(failing(None, LOST, 30, every)))


def test_the_first_retry_is_quick_even_where_the_source_is_slow() -> None:
    slow = met(steady(30 * DAY))
    assert pause(slow) > 3 * HOUR

    assert about(QUARTER, pause(fail(slow, LOST, slow.due)))


@pytest.mark.parametrize(("asked", "least"), [(HOUR, HOUR), (timedelta(days=9000), DAY), (-DAY, 14 * MINUTE)])
def test_a_source_may_ask_to_be_left_alone_up_to_a_day(asked: timedelta, least: timedelta) -> None:
    """F45: what it asks for is added to nothing and shortens nothing."""
    for every in (None, QUARTER):
        visit = fail(None, FetchFailed("429", kind="asked-to-wait", wait=asked), NOON, every)

        assert least <= pause(visit) <= max(least, 16 * MINUTE)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(LOST, "unreachable"), (Unreadable("HTML"), "unreadable"), (StoreError("full"), "ours"), (ZeroDivisionError(), "ours")],
)
def test_every_failure_has_a_kind(error: Exception, trouble: str) -> None:
    visit = fail(None, error, NOON)

    assert visit.trouble == trouble
    assert visit.error
    assert trouble in TROUBLES


def test_what_was_not_taken_charge_of_is_fetched_again_and_held_against_nobody() -> None:
    last = met(steady(MINUTE))
    visit = rhythm.unfinished(last, again(last, last.due, [last.due], Fetched(cursor={"etag": "2"})), OSError("disk\nfull"))

    assert (visit.cursor, visit.error, visit.failures) == ({"etag": "1"}, "disk full", 0)
    assert visit.known == NOON
    assert rhythm.unfinished(None, met(), OSError()).known is None
    assert rhythm.state(visit, visit.at, every=None, patience=None).word == "held-up"


# Gone, moved, unstable


def test_a_source_that_says_it_is_gone_is_believed_after_three_times_over_a_day_and_asked_weekly_for_ever() -> None:
    """F46."""
    visit, asked = met([NOON]), []
    for _ in range(20):
        visit = fail(visit, GONE, visit.due)
        asked.append((visit.at, rhythm.is_gone(visit)))

    believed = [gone for _, gone in asked]
    assert believed == [False, False, *[True] * 18]
    assert DAY <= asked[2][0] - asked[0][0] <= 1.5 * DAY
    assert 6 * DAY < pause(visit) <= WEEK


def test_three_hasty_410s_are_not_believed() -> None:
    visit = fail(fail(fail(None, GONE, NOON), GONE, NOON + HOUR), GONE, NOON + 2 * HOUR)

    assert not rhythm.is_gone(visit)
    assert pause(visit) < DAY


@pytest.mark.parametrize("error", [LOST, FetchFailed("404"), Unreadable("HTML")])
def test_other_failures_are_never_taken_for_gone(error: Exception) -> None:
    assert not rhythm.is_gone(failing(None, error, 500))


def test_a_source_that_comes_back_from_the_dead_is_well_again() -> None:
    """F46, F52: told once that it is gone, once that it is back."""
    visit = failing(met(steady(HOUR)), GONE, 6)
    assert rhythm.silence(visit, visit.at, patience=None) == "silent"
    visit = rhythm.told(visit, visit.at)

    back = again(visit, visit.due, [visit.due])

    assert (back.gone, back.trouble, back.failures) == (None, None, 0)
    assert pause(back) < 2 * HOUR
    assert rhythm.silence(back, back.at, patience=None) == "recovered"
    assert not rhythm.is_gone(failing(back, GONE, 2))


def moved(visit: Visit | None, at: datetime, to: str | None = NEW) -> Visit:
    return again(visit, at, [], Fetched(moved=to))


def test_a_move_is_believed_after_three_visits_over_a_day() -> None:
    """F38."""
    visit, asked = None, []
    for hours in (0, 1, 2, 23, 25, 26):
        visit = moved(visit, NOON + hours * HOUR)
        asked.append(rhythm.address(visit, "old") == NEW)

    assert asked == [False, False, False, False, True, True]
    assert rhythm.address(None, "old") == "old"


@pytest.mark.parametrize("to", [None, "https://example.org/elsewhere.xml"])
def test_any_other_answer_resets_a_move(to: str | None) -> None:
    visit = moved(moved(None, NOON), NOON + DAY)

    visit = moved(moved(visit, NOON + 2 * DAY, to), NOON + 3 * DAY)

    assert rhythm.address(visit, "old") == "old"


def test_a_move_to_where_nobody_answers_is_forgotten() -> None:
    visit = moved(moved(moved(None, NOON), NOON + DAY), NOON + 2 * DAY)

    assert rhythm.address(failing(visit, LOST, 2), "old") == NEW
    assert rhythm.address(failing(visit, LOST, 3), "old") == "old"


def test_ids_that_change_are_flagged_after_three_visits_in_a_row() -> None:
    """F47. An answer without contents says nothing about ids."""
    visit, words = None, []
    for remarks in ((rhythm.UNSTABLE,), (rhythm.UNSTABLE,), None, (rhythm.UNSTABLE,), ()):
        fetched = Fetched(unchanged=True) if remarks is None else Fetched(remarks=remarks)
        visit = again(visit, NOON, [NOON], fetched)
        words.append(rhythm.state(visit, NOON, every=None, patience=None).word)

    assert words == ["ok", "ok", "ok", "unstable-ids", "ok"]


# Silence


def watch(visit: Visit, hours: int, *, news: bool, patience: timedelta | None = None) -> tuple[Visit, list[str]]:
    """So many hours later, visited every hour, and what was told meanwhile. One article an hour, or none."""
    heard = []
    for _ in range(hours):
        now = visit.at + HOUR
        visit = again(visit, now, [now] if news else [])
        if word := rhythm.silence(visit, now, patience=patience):
            heard.append(word)
            visit = rhythm.told(visit, now)
    return visit, heard


def test_one_alert_for_a_silence_and_one_for_its_end() -> None:
    """F44, too: a server that says "not modified" for ever is told of like any that is silent."""
    visit, first = watch(met(steady(HOUR)), 24 * 8, news=True)
    visit, silent = watch(visit, 100, news=False)
    visit, back = watch(visit, 24 * 8, news=True)
    visit, patient = watch(visit, 100, news=False)  # it was silent for 101 h before

    assert (first, silent, back, patient) == ([], ["silent"], ["recovered"], [])


@pytest.mark.parametrize(("patience", "hours"), [(None, 7), (3 * HOUR, 4), (20 * HOUR, 21)])
def test_silence_begins_after_what_the_operator_says_or_six_hours_at_least(patience: timedelta | None, hours: int) -> None:
    visit, _ = watch(met(steady(20 * MINUTE)), 24 * 8, news=True, patience=patience)

    assert watch(visit, hours - 1, news=False, patience=patience)[1] == []
    assert watch(visit, hours, news=False, patience=patience)[1] == ["silent"]


def test_nights_and_weekends_are_no_silence_once_they_are_known() -> None:
    """And the negative control: whoever counts mean gaps calls every night a silence."""
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    office = [at for at in (monday + n * HOUR for n in range(6 * 168)) if at.weekday() < 5 and 8 <= at.hour < 17]
    visit, heard, naive = met(office[:60], at=office[59]), [], 0
    for now in (office[59] + n * HOUR for n in range(1, 4 * 168)):
        visit = again(visit, now, [at for at in office if visit.at < at <= now])
        heard.append(rhythm.silence(visit, now, patience=None))
        gaps = (visit.arrivals[-1] - visit.arrivals[0]) / (len(visit.arrivals) - 1)
        naive += now - visit.arrivals[-1] > max(6 * HOUR, 4 * gaps)

    assert set(heard) == {None}
    assert naive > 50


def test_in_its_first_week_a_source_may_be_silent_for_a_day() -> None:
    assert watch(met(steady(MINUTE)), 24, news=False)[1] == []
    assert watch(met(steady(MINUTE)), 25, news=False)[1] == ["silent"]


def test_a_source_that_was_dead_when_we_met_it_has_not_fallen_silent() -> None:
    dead = met(steady(HOUR, until=NOON - 300 * DAY))

    visit, heard = watch(dead, 200, news=False)

    assert heard == []
    assert rhythm.state(visit, visit.at, every=None, patience=None).word == "quiet"


def test_of_a_source_of_which_nothing_is_known_nothing_is_expected_unless_the_operator_does() -> None:
    assert watch(met(), 500, news=False)[1] == []
    assert watch(met(), 25, news=False, patience=DAY)[1] == ["silent"]


def test_articles_with_dates_of_long_ago_break_a_silence_all_the_same() -> None:
    visit = again(met(steady(HOUR)), NOON + 60 * HOUR, [NOON - 900 * DAY])

    assert rhythm.silence(visit, visit.at, patience=None) is None


@pytest.mark.parametrize("visit", [None, met(steady(HOUR))])
def test_five_failures_over_more_than_an_hour_are_told_once_and_its_answer_once(visit: Visit | None) -> None:
    """A source that never answered, too."""
    heard = []
    for _ in range(12):
        visit = failing(visit, LOST, 1)
        if word := rhythm.silence(visit, visit.at, patience=None):
            heard.append((visit.failures, word))
            visit = rhythm.told(visit, visit.at)
    back = again(visit, visit.at + HOUR, [visit.at + HOUR]) if visit else met()

    assert heard == [(5, "silent")]
    assert rhythm.silence(back, back.at, patience=None) == "recovered"


def test_five_failures_within_an_hour_are_not_told_yet() -> None:
    visit = failing(met(), LOST, 5, timedelta(seconds=10))

    assert rhythm.silence(visit, visit.at, patience=None) is None


def test_what_is_no_feed_is_told_the_third_time_and_keeps_what_it_had() -> None:
    """F42."""
    visit = met(steady(HOUR))
    html = Unreadable("not a feed: HTML")

    words = [rhythm.silence(failing(visit, html, n), NOON + DAY, patience=None) for n in (1, 2, 3)]
    third = failing(visit, html, 3)

    assert words == [None, None, "silent"]
    assert rhythm.state(third, third.at, every=None, patience=None).word == "not-a-feed"
    assert (third.cursor, third.known, third.arrivals) == (visit.cursor, visit.known, visit.arrivals)


def test_a_source_that_fails_is_not_called_silent_for_bringing_nothing_new() -> None:
    visit = met(steady(MINUTE))

    assert rhythm.silence(fail(visit, LOST, NOON + 30 * HOUR), NOON + 30 * HOUR, patience=HOUR) is None


def test_one_that_answers_again_but_brings_nothing_stays_silent() -> None:
    visit = failing(met(steady(HOUR)), LOST, 40)
    visit = rhythm.told(visit, visit.at)

    assert rhythm.silence(again(visit, visit.due), visit.due, patience=None) is None


# Offline


@pytest.mark.parametrize(("lost", "reached"), [(5, 0), (4, 1), (8, 2)])
def test_we_are_offline_when_four_of_five_hosts_are_not_reached(lost: int, reached: int) -> None:
    assert rhythm.offline(hosts(lost, reached))


@pytest.mark.parametrize(("lost", "reached"), [(4, 0), (7, 3), (0, 9), (0, 0)])
def test_we_are_not_offline_for_fewer(lost: int, reached: int) -> None:
    assert not rhythm.offline(hosts(lost, reached))


def hosts(lost: int, reached: int) -> list[tuple[str, bool]]:
    return [(f"lost-{n}", False) for n in range(lost)] + [(f"well-{n}", True) for n in range(reached)]


def test_one_host_with_many_feeds_is_no_network() -> None:
    assert not rhythm.offline([("host", False)] * 50)
    assert not rhythm.offline([(f"host-{n % 5}", n > 4) for n in range(10)])  # each was reached once


def test_our_own_network_counts_against_no_source() -> None:
    visit = failing(met(steady(HOUR)), LOST, 2)
    away = visit
    for _ in range(200):
        away = fail(away, LOST, away.due, offline=True)
        assert pause(away) <= 5 * MINUTE
        assert rhythm.silence(away, away.at, patience=HOUR) is None

    assert (away.failures, away.cursor) == (2, visit.cursor)
    assert rhythm.state(fail(met(), LOST, NOON, offline=True), NOON, every=None, patience=None).word == "offline"


def test_offline_one_that_answered_with_an_error_is_still_to_blame() -> None:
    assert fail(met(), FetchFailed("HTTP 500"), NOON, offline=True).failures == 1


def test_after_an_outage_of_ours_the_sources_are_not_asked_all_at_once() -> None:
    dues = [rhythm.failed(None, LOST, f"paper-{n}", NOON, every=None, offline=True).due for n in range(500)]

    assert max(Counter((due - NOON) // timedelta(seconds=10) for due in dues).values()) < 60


# The start


def after_downtime(count: int, away: timedelta, *, bad: int = 0) -> tuple[list[str], dict[str, Visit]]:
    sources = [f"paper-{n}" for n in range(count)]
    visits = {one: rhythm.answered(None, Fetched(), one, NOON, news=[], every=QUARTER) for one in sources}
    for one in sources[:bad]:
        visits[one] = rhythm.failed(visits[one], LOST, one, NOON, every=QUARTER)
    return sources, {one: replace(visit, at=visit.at - away, due=visit.due - away) for one, visit in visits.items()}


def rates(delays: Sequence[timedelta], window: timedelta = MINUTE) -> list[int]:
    return list(Counter(delay // window for delay in delays).values())


def test_new_sources_are_asked_within_fifteen_seconds_in_an_order_that_is_always_the_same() -> None:
    sources = [f"paper-{n}" for n in range(300)]
    delays = rhythm.spread(sources, {}, NOON)

    assert delays == rhythm.spread(sources[::-1], {}, NOON)
    assert max(delays.values()) <= timedelta(seconds=15)
    assert max(rates(list(delays.values()), timedelta(seconds=1))) < 40


def test_after_a_week_of_downtime_all_are_asked_within_one_interval_at_the_usual_rate() -> None:
    """F56, with its negative control: without spreading, all are due at one moment."""
    sources, visits = after_downtime(1000, WEEK, bad=100)
    delays = rhythm.spread(sources, visits, NOON)
    usual = 1000 / 15  # a minute

    assert len(delays) == 1000
    assert max(delays.values()) <= 1.05 * QUARTER
    assert max(rates(list(delays.values()))) <= 2 * usual
    assert all(visit.due <= NOON for visit in visits.values())


def test_the_failing_ones_come_last() -> None:
    sources, visits = after_downtime(1000, WEEK, bad=100)
    order = sorted(sources, key=rhythm.spread(sources, visits, NOON).__getitem__)

    assert sum(visits[one].failures for one in order[800:]) == 100  # not quite 900, for the wobble of the intervals


def test_a_handful_is_asked_at_once_and_what_is_not_due_keeps_its_time() -> None:
    sources, visits = after_downtime(12, WEEK)
    visits["paper-3"] = replace(visits["paper-3"], due=NOON + MINUTE)
    delays = rhythm.spread(sources, visits, NOON)

    assert "paper-3" not in delays
    assert max(delays.values()) <= timedelta(seconds=15)


@pytest.mark.parametrize("ahead", [DAY, 365 * DAY])
def test_a_clock_that_was_ahead_freezes_nothing(ahead: timedelta) -> None:
    """F10, with its negative control: as it was written, it is not due for a year."""
    visit = again(met(steady(HOUR, until=NOON + ahead), at=NOON + ahead), NOON + ahead, [NOON + ahead])
    assert visit.due > NOON + DAY - HOUR

    sane = rhythm.sane(visit, NOON)

    assert sane.due <= NOON + rhythm.SLOWEST
    assert max(sane.arrivals) <= NOON
    assert all(at is None or at <= NOON for at in (sane.at, sane.answered, sane.known, sane.since, sane.news, sane.silent))
    assert rhythm.sane(sane, NOON) == sane


def test_what_was_visited_in_the_past_is_sane() -> None:
    for visit in (met(steady(HOUR)), failing(None, GONE, 5), met(every=20 * DAY), moved(None, NOON)):
        assert rhythm.sane(visit, visit.at) == visit


def test_a_clock_that_jumps_ahead_makes_each_source_due_once() -> None:
    """F09."""
    visit = met(steady(20 * MINUTE))
    jumped = again(visit, NOON + DAY)

    assert pause(jumped) >= rhythm.QUICKEST * 0.95


# States


def test_the_first_word_is_new_and_a_source_that_nobody_looks_at_is_overdue() -> None:
    visit = met(steady(HOUR))

    assert rhythm.state(None, NOON, every=None, patience=None).word == "new"
    assert rhythm.state(visit, NOON, every=None, patience=None).word == "ok"
    assert rhythm.state(visit, NOON + DAY, every=None, patience=None).word == "overdue"
    assert rhythm.state(met(every=3 * DAY), NOON + 4 * DAY, every=3 * DAY, patience=None).word == "ok"


@pytest.mark.parametrize(
    ("visit", "word", "says"),
    [
        (met(), "ok", "nothing yet"),
        (met([NOON - 90 * MINUTE]), "ok", "10:30 UTC"),
        (failing(met(), FetchFailed("HTTP 500"), 2), "failing", "HTTP 500"),
        (failing(None, LOST, 2), "failing", "never well"),
        (failing(None, FetchFailed("10.0.0.1 is private", kind="blocked"), 1), "blocked", "monitor.yaml"),
        (failing(None, FetchFailed("disallowed", kind="robots"), 1), "blocked", "remove"),
        (failing(None, GONE, 4), "gone", "2026-07-01 12:00"),
        (failing(failing(None, GONE, 4), LOST, 3), "gone", "new address"),
        (moved(moved(moved(None, NOON), NOON + DAY), NOON + 2 * DAY), "moved", NEW),
        (again(met(steady(HOUR)), NOON + 30 * HOUR), "stale", "30 h"),
        (again(met(steady(HOUR)), NOON + 4 * DAY), "stale", "4 days"),
        (again(met(steady(HOUR)), NOON + 10 * HOUR), "quiet", "10 h"),
        (again(met(steady(MINUTE)), NOON + 90 * MINUTE), "quiet", "90 min"),
    ],
)
def test_the_state_of_a_source_in_a_word_and_a_line(visit: Visit, word: str, says: str) -> None:
    found = rhythm.state(visit, visit.at, every=None, patience=None)

    assert found.word == word
    assert says in found.reason
    assert "\n" not in found.reason


def test_a_source_that_only_the_operator_expects_something_of_is_stale_without_an_article() -> None:
    visit = again(met(), NOON + 2 * DAY)

    assert rhythm.state(visit, visit.at, every=None, patience=DAY).reason.startswith("nothing new since it is watched")


def test_every_word_is_in_the_table() -> None:
    source = Path(rhythm.__file__).with_name("states.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "State"]
    words = {leaf.value for call in calls for leaf in ast.walk(call.args[0]) if isinstance(leaf, ast.Constant)}

    assert words == set(rhythm.WORDS)


# Whatever happens

SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            ["news", "nothing", "old news", "future", "unchanged", "gone", "lost", "html", "wait", "moved", "offline"]
        ),
        SPANS | st.just(timedelta(0)),
    ),
    max_size=40,
)
EVERY = st.none() | st.timedeltas(min_value=timedelta(seconds=1), max_value=WEEK)


def happen(last: Visit | None, what: str, now: datetime, every: timedelta | None) -> Visit:
    """One visit to which this happens."""
    failures = {"gone": GONE, "lost": LOST, "html": Unreadable("HTML"), "offline": LOST}
    if what in failures:
        return fail(last, failures[what], now, every, offline=what == "offline")
    if what == "wait":
        return fail(last, FetchFailed("429", kind="asked-to-wait", wait=timedelta(days=999)), now, every)
    news = {"news": [now], "old news": [NOON - 9000 * DAY], "future": [now + 9000 * DAY]}.get(what, [])
    fetched = Fetched(unchanged=what == "unchanged", moved=NEW if what == "moved" else None, lasting=timedelta(days=99))
    return again(last, now, news, fetched, every)


@given(HAPPENINGS, EVERY)
@settings(max_examples=150, deadline=None)
def test_a_source_never_stops_being_asked_and_intervals_stay_within_bounds(
    happenings: list[tuple[str, timedelta]], every: timedelta | None
) -> None:
    visit = None
    for what, late in happenings:
        visit = happen(visit, what, (visit.due if visit else NOON) + late, every)

        assert timedelta(0) < pause(visit) <= max(WEEK, 1.05 * (every or WEEK)) + DAY
        if visit.failures == 0 and visit.trouble is None and every is None:
            assert 0.95 * rhythm.QUICKEST <= pause(visit) <= 1.05 * rhythm.SLOWEST
        assert rhythm.sane(visit, visit.at) == visit
        assert len(visit.arrivals) <= 20
        assert rhythm.state(visit, visit.at + late, every=every, patience=None).word in rhythm.WORDS


@given(HAPPENINGS, EVERY, st.none() | st.timedeltas(min_value=HOUR, max_value=WEEK))
@settings(max_examples=150, deadline=None)
def test_silences_and_recoveries_alternate(
    happenings: list[tuple[str, timedelta]], every: timedelta | None, patience: timedelta | None
) -> None:
    visit, heard = None, []
    for what, late in happenings:
        visit = happen(visit, what, (visit.due if visit else NOON) + late, every)
        if word := rhythm.silence(visit, visit.at, patience=patience):
            heard.append(word)
            visit = rhythm.told(visit, visit.at)
        assert rhythm.silence(visit, visit.at, patience=patience) is None or word is None

    assert heard == ["silent", "recovered"] * (len(heard) // 2) + ["silent"] * (len(heard) % 2)


@given(st.sets(st.text(max_size=8), max_size=120), st.data())
@settings(max_examples=50, deadline=None)
def test_everything_that_is_new_or_due_is_asked_within_its_interval(sources: set[str], data: st.DataObject) -> None:
    seen = data.draw(st.sets(st.sampled_from(sorted(sources)))) if sources else set()
    visits = {one: rhythm.answered(None, Fetched(), one, NOON - DAY, news=[], every=QUARTER) for one in seen}

    delays = rhythm.spread(sorted(sources), visits, NOON)

    assert set(delays) == sources
    assert all(timedelta(0) <= delay <= 1.05 * QUARTER for delay in delays.values())


def test_a_longest_pause_fades() -> None:
    long = longest_pause(None, (), [NOON - 10 * DAY, NOON])
    faded = longest_pause(long, [NOON], [NOON, *(NOON + n * HOUR for n in range(1, 28 * 24 + 1))])

    assert long == 10 * DAY
    assert faded
    assert abs(faded - 5 * DAY) < HOUR


def test_a_claim_is_only_of_what_was_said() -> None:
    assert moved(None, NOON).moved == Claim(since=NOON, told=NEW)
    assert set(TROUBLES) >= rhythm.UNREACHED
