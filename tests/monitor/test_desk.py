"""Whom the desk is told by, when and why; and what clocks on walls do to windows and digests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import desk, envelope
from monitor.desk import Choice, Daily, Digest, Mute, Receiver, Route
from monitor.desk.hours import instant
from monitor.model import Alert, Hush, Sighting
from rules import Article, Finding, cron

AT = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN, ST_JOHNS, LORD_HOWE = (ZoneInfo(name) for name in ("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"))


def alert(id: str = "alt_a", **said: object) -> Alert:
    bare = Alert(
        id=id,
        kind="new",
        rule="talks",
        rule_title="Talks announced: {place}",
        level="high",
        version="",
        tags=("diplomacy",),
        title="Talks announced: Malta",
        article=Article(id="a", source="paper", url="https://paper.example/a"),
        first_seen=AT,
        raised=AT,
        sightings=(Sighting(event="evt_1", finding=Finding(field="body", start=0, end=1, text="a")),),
    )
    return replace(bare, **said)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(receiver: Receiver, of: Alert, notify: tuple[str, ...] | None = None, routes: tuple[Route, ...] = ()) -> Choice:
    (found,) = desk.told_to(of, notify, routes, [receiver])
    return found


ALL = Receiver(id="all")

# Who


@pytest.mark.parametrize(
    ("wishes", "how", "why"),
    [
        ({}, "now", "takes everything"),
        ({"levels": ("high", "critical"), "rules": ("talks",)}, "now", "takes level high or critical, rule talks"),
        ({"levels": ("low",)}, "not", "takes only level low, not high"),
        ({"tags": ("sea", "diplomacy")}, "now", "takes tag sea or diplomacy"),
        ({"tags": ("sea",)}, "not", "takes only tag sea, not diplomacy"),
        ({"rules": ("flood",)}, "not", "takes only rule flood, not talks"),
        ({"kinds": ("update", "cancelled")}, "not", "takes only kind update or cancelled, not new"),
        ({"kinds": ("new",)}, "now", "takes kind new"),
    ],
)
def test_a_receiver_narrows_what_it_is_told(wishes: dict[str, tuple[str, ...]], how: str, why: str) -> None:
    found = only(Receiver(id="night", **wishes), alert())  # type: ignore[arg-type]
    assert (found.how, found.why) == (how, why)


def test_an_alert_without_tags_is_said_to_have_none() -> None:
    assert only(Receiver(id="a", tags=("sea",)), alert(tags=())).why == "takes only tag sea, not one without tags"


@pytest.mark.parametrize(
    ("notify", "how", "why"),
    [
        (("night",), "now", "the rule notifies it"),
        (("desk", "chief"), "not", "the rule notifies desk or chief"),
        ((), "not", "the rule notifies nobody"),
    ],
)
def test_what_a_rule_notifies_goes_before_routes_and_levels(notify: tuple[str, ...], how: str, why: str) -> None:
    night = Receiver(id="night", levels=("low",))
    found = only(night, alert(), notify, (Route(to=("desk",)),))
    assert (found.how, found.why) == (how, why)


def test_kinds_count_even_for_those_that_a_rule_notifies() -> None:
    pager = Receiver(id="pager", kinds=("new",))
    assert only(pager, alert(kind="update"), ("pager",)).why == "takes only kind new, not update"


def told(*routes: Route, of: Alert | None = None) -> dict[str, str]:
    people = [Receiver(id=name) for name in ("desk", "night", "chief")]
    return {one.receiver: one.why for one in desk.told_to(of or alert(), None, routes, people) if one.told}


def test_the_first_route_that_fits_decides() -> None:
    low, high, rest = (
        Route(to=("night",), levels=("low",)),
        Route(to=("desk",), levels=("high",)),
        Route(to=("chief",)),
    )
    assert told(low, high, rest) == {"desk": "route 2 fits"}
    assert told(low, replace(high, goes_on=True), rest) == {"desk": "route 2 fits", "chief": "route 3 fits"}
    assert told(replace(low, goes_on=True), high, rest) == {"desk": "route 2 fits"}


def test_a_route_looks_at_level_tag_rule_and_kind() -> None:
    fits = Route(to=("desk",), levels=("high",), tags=("diplomacy",), rules=("talks",), kinds=("new",))
    assert told(fits) == {"desk": "route 1 fits"}
    wide = {"levels": ("low",), "tags": ("sea",), "rules": ("flood",), "kinds": ("update",)}
    for key, value in wide.items():
        assert told(replace(fits, **{key: value}), Route(to=("night",))) == {"night": "route 2 fits"}  # type: ignore[arg-type]


def test_where_no_route_fits_everybody_is_asked() -> None:
    assert told(Route(to=("desk",), levels=("low",))) == dict.fromkeys(("desk", "night", "chief"), "takes everything")


def test_a_route_to_nobody_tells_nobody() -> None:
    found = only(ALL, alert(), routes=(Route(to=(), levels=("high",)), Route(to=("all",))))
    assert (found.how, found.why) == ("not", "routed to nobody")


def test_a_route_does_not_override_what_a_receiver_takes() -> None:
    assert only(Receiver(id="a", levels=("low",)), alert(), routes=(Route(to=("a",)),)).why == "takes only level low, not high"


def test_nobody_is_told_of_what_is_held_back_and_it_is_said_why() -> None:
    for held, why in (("draft", "a draft tells nobody"), ("backlog", "backlog: it was old when its source was new"), ("x", "x")):
        assert [str(one) for one in desk.decide(alert(held=held), None, receivers=[ALL])] == [f"all: not told, {why}"]


# Silenced


def hush(target: str, until: datetime = AT + HOUR, since: datetime = AT - HOUR, reason: str = "known exercise") -> Hush:
    return Hush(target=target, until=until, since=since, reason=reason)


@pytest.mark.parametrize("target", ["rule:talks", "source:paper", "event:evt_1"])
def test_a_silenced_rule_source_or_event_is_told_to_nobody_until_its_time(target: str) -> None:
    why = "silenced until 11:30 UTC: known exercise"
    assert desk.hushed(alert(), [hush(target)], AT) == why
    assert desk.hushed(alert(), [hush(target)], AT + HOUR) is None
    assert desk.hushed(alert(), [hush(target + "x")], AT) is None
    assert desk.decide(alert(), None, receivers=[ALL], hushes=[hush(target)]) == [Choice(receiver="all", how="not", why=why)]


def test_an_alert_is_silenced_only_where_all_its_events_are() -> None:
    one = alert().sightings[0]
    both = alert(sightings=(one, replace(one, event="evt_2")))
    assert desk.hushed(both, [hush("event:evt_1")], AT) is None
    assert desk.hushed(both, [hush("event:evt_1"), hush("event:evt_2")], AT)
    assert desk.hushed(alert(sightings=()), [], AT) is None


def test_the_longest_silence_is_named_with_its_day() -> None:
    found = desk.hushed(alert(), [hush("rule:talks"), hush("source:paper", AT + 24 * HOUR, reason="")], AT)
    assert found == "silenced until 2026-07-02 10:30 UTC"


# Too many


def test_beyond_the_cap_what_would_be_told_now_waits_for_the_end_of_the_hour() -> None:
    people = [ALL, Receiver(id="low", levels=("low",))]
    choices = desk.decide(alert(), None, receivers=people, told_last_hour={"talks": 20}, cap=20)
    assert choices[0] == Choice(
        receiver="all",
        how="later",
        until=utc("2026-07-01 11:00"),
        why="more than 20 alerts of talks in an hour: together at its end",
    )
    assert choices[1].how == "not"


@pytest.mark.parametrize(("before", "cap", "over"), [(19, 20, False), (20, 20, True), (500, 0, False), (0, 1, False)])
def test_a_cap_counts_a_rules_alerts_of_an_hour(before: int, cap: int, *, over: bool) -> None:
    assert desk.capped("talks", {"talks": before, "flood": 900}, cap) is over


# When


NIGHT = Mute(days=frozenset(range(5)), start=time(22), end=time(6), zone=BERLIN, excepted=("critical",))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-07-01 19:59", None),  # Wednesday, 21:59 there
        ("2026-07-01 20:00", "2026-07-02 04:00"),
        ("2026-07-02 03:59", "2026-07-02 04:00"),
        ("2026-07-02 04:00", None),
        ("2026-07-04 01:00", "2026-07-04 04:00"),  # the night that began on Friday
        ("2026-07-04 21:00", None),  # Saturday
        ("2026-07-06 01:00", None),  # the night that began on Sunday
    ],
)
def test_a_window_goes_over_midnight_on_the_days_on_which_it_begins(at: str, until: str | None) -> None:
    receiver = Receiver(id="night", mute=(NIGHT,))
    assert desk.muted_until(receiver, utc(at), "high") == (utc(until) if until else None)
    assert desk.muted_until(receiver, utc(at), "critical") is None


def test_windows_that_follow_one_another_are_one() -> None:
    weekend = Mute(days=frozenset({5, 6}), zone=BERLIN)
    receiver = Receiver(id="night", mute=(NIGHT, weekend))
    assert desk.muted_until(receiver, utc("2026-07-03 21:00"), "high") == utc("2026-07-05 22:00")
    assert desk.muted_until(receiver, utc("2026-07-04 05:00"), "critical") == utc("2026-07-05 22:00")


def test_windows_without_end_do_not_take_for_ever() -> None:
    receiver = Receiver(id="never", mute=(Mute(),))
    until = desk.muted_until(receiver, AT, "high")
    assert until
    assert until - AT < timedelta(days=40)


def test_who_is_muted_is_told_later_and_whom_the_level_excepts_at_once() -> None:
    receiver, late = Receiver(id="night", mute=(NIGHT,)), utc("2026-07-01 23:00")
    found = only(receiver, alert(raised=late))
    assert (found.how, found.until, found.why) == ("later", utc("2026-07-02 04:00"), "muted until 06:00 Europe/Berlin")
    assert only(receiver, alert(raised=late, level="critical")).how == "now"


def test_levels_of_a_digest_wait_for_it_and_others_do_not() -> None:
    receiver = Receiver(id="desk", digest=Digest(at=cron.parse("0 7 * * *"), zone=BERLIN, levels=("low",)), mute=(NIGHT,))
    found = only(receiver, alert(level="low"))
    assert (found.how, found.until) == ("digest", utc("2026-07-02 05:00"))
    assert found.why == "low alerts wait for the digest at 2026-07-02 07:00 Europe/Berlin"
    assert only(receiver, alert()).how == "now"
    whole = Receiver(id="desk", digest=Digest(at=cron.parse("11:00")))
    assert str(only(whole, alert())) == "desk: in the digest, everything waits for the digest at 11:00 UTC"


def test_without_a_digest_nothing_waits() -> None:
    assert desk.next_digest(ALL, AT) == AT


# Clocks that are put forward and back: Berlin by an hour at 2 and 3, St. John's likewise, Lord Howe by half an hour at 2.


@pytest.mark.parametrize(
    ("zone", "wall", "at"),
    [
        (BERLIN, "2026-03-29 02:30", "2026-03-29 01:00"),  # never shown: as 3:00 comes
        (BERLIN, "2026-03-29 03:00", "2026-03-29 01:00"),
        (BERLIN, "2026-10-25 02:30", "2026-10-25 00:30"),  # shown twice: the first time
        (ST_JOHNS, "2026-03-08 02:30", "2026-03-08 05:30"),
        (ST_JOHNS, "2026-11-01 01:30", "2026-11-01 04:00"),
        (LORD_HOWE, "2026-10-04 02:10", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-10-04 02:30", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45"),
    ],
)
def test_a_time_on_the_wall_is_one_moment(zone: ZoneInfo, wall: str, at: str) -> None:
    assert instant(datetime.fromisoformat(wall), zone) == utc(at)


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        (BERLIN, "2026-03-28 22:00", "2026-03-29 06:00", 7),
        (BERLIN, "2026-10-24 22:00", "2026-10-25 06:00", 9),
        (ST_JOHNS, "2026-03-07 22:00", "2026-03-08 06:00", 7),
        (ST_JOHNS, "2026-10-31 22:00", "2026-11-01 06:00", 9),
        (LORD_HOWE, "2026-10-03 22:00", "2026-10-04 06:00", 7.5),
        (LORD_HOWE, "2026-04-04 22:00", "2026-04-05 06:00", 8.5),
    ],
)
def test_a_night_is_as_long_as_it_is(zone: ZoneInfo, start: str, end: str, hours: float) -> None:
    receiver = Receiver(id="night", mute=(replace(NIGHT, zone=zone, days=frozenset(range(7))),))
    begins, ends = (datetime.fromisoformat(wall).replace(tzinfo=zone).astimezone(UTC) for wall in (start, end))
    assert ends - begins == timedelta(hours=hours)
    assert desk.muted_until(receiver, begins - timedelta(seconds=1), "high") is None
    assert {desk.muted_until(receiver, begins + n * HOUR / 2, "high") for n in range(int(hours * 2))} == {ends}
    assert desk.muted_until(receiver, ends, "high") is None


def test_a_window_within_the_hour_that_comes_twice_lasts_until_its_end_the_second_time() -> None:
    receiver = Receiver(id="a", mute=(Mute(start=time(2, 15), end=time(2, 45), zone=BERLIN),))
    assert desk.muted_until(receiver, utc("2026-10-25 00:20"), "low") == utc("2026-10-25 01:45")
    assert desk.muted_until(receiver, utc("2026-03-29 01:00"), "low") is None  # that day has no such time


ZONES = st.sampled_from([BERLIN, ST_JOHNS, LORD_HOWE, UTC])
TRANSITIONS = (
    "2026-03-29 01:00",
    "2026-10-25 01:00",
    "2026-03-08 05:30",
    "2026-11-01 04:30",
    "2026-10-03 15:30",
    "2026-04-04 15:00",
)


@given(ZONES, st.sampled_from(TRANSITIONS), st.integers(-2000, 2000), st.times(), st.times())
def test_one_is_muted_whenever_the_clock_shows_a_time_in_the_window(
    zone: ZoneInfo, near: str, minutes: int, start: time, end: time
) -> None:
    at = utc(near) + timedelta(minutes=minutes)
    start, end = (one.replace(second=0, microsecond=0) for one in (start, end))
    wall = at.astimezone(zone).time()
    inside = start <= wall < end if start < end else wall >= start or wall < end
    receiver = Receiver(id="a", mute=(Mute(start=start, end=end, zone=zone),))
    assert not inside or desk.muted_until(receiver, at, "low")


@pytest.mark.parametrize("zone", [BERLIN, ST_JOHNS, LORD_HOWE])
@pytest.mark.parametrize("clock", ["00:00", "01:45", "02:00", "02:10", "02:30", "03:00", "07:00"])
def test_a_digest_comes_once_on_every_day_of_a_year(zone: ZoneInfo, clock: str) -> None:
    receiver = Receiver(id="desk", digest=Digest(at=cron.parse(clock), zone=zone))
    at = datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC) - timedelta(minutes=1)
    days = []
    for _ in range(365):
        at = desk.next_digest(receiver, at)
        days.append(at.astimezone(zone).date())
    assert len(set(days)) == 365


def test_a_digest_of_every_half_hour_skips_the_hour_that_comes_again() -> None:
    receiver = Receiver(id="desk", digest=Digest(at=cron.parse("*/30 * * * *"), zone=BERLIN))
    at, found = utc("2026-10-25 00:10"), []
    for _ in range(3):
        at = desk.next_digest(receiver, at)
        found.append(f"{at:%H:%M}")
    assert found == ["00:30", "02:00", "02:30"]


# The daily line

MORNING = Receiver(id="desk", daily=Daily(at=cron.parse("08:00"), zone=BERLIN))


@pytest.mark.parametrize(
    ("last", "at", "due"),
    [
        (None, "2026-07-01 05:59", "2026-06-30 06:00"),
        (None, "2026-07-01 06:00", "2026-07-01 06:00"),
        ("2026-07-01 06:00", "2026-07-01 23:00", None),
        ("2026-07-01 06:00", "2026-07-02 05:59", None),
        ("2026-07-01 06:00", "2026-07-02 06:01", "2026-07-02 06:00"),
        ("2026-06-01 06:00", "2026-07-02 06:01", "2026-07-02 06:00"),  # after weeks of standstill: once
        ("2026-10-24 06:00", "2026-10-25 07:00", "2026-10-25 07:00"),  # the day of 25 hours
    ],
)
def test_the_daily_line_is_due_once_a_day(last: str | None, at: str, due: str | None) -> None:
    assert desk.daily_due(MORNING, utc(last) if last else None, utc(at)) == (utc(due) if due else None)


def test_who_does_not_ask_for_the_daily_line_does_not_get_it() -> None:
    assert desk.daily_due(ALL, None, AT) is None


def test_the_daily_line_says_what_there_was() -> None:
    line = desk.alive(MORNING, AT, sources=13, answering=12, articles=1340, alerts=1, silent=["paper"])
    assert line.title == "alive: 12 of 13 sources, 1,340 articles, 1 alert"
    assert (line.kind, line.level, line.article.summary) == ("alive", "low", "not answering: paper")
    again = desk.alive(MORNING, AT, sources=13, answering=13, articles=0, alerts=0)
    assert (line.id, again.article.summary) == (again.id, "every source answers")
    assert desk.alive(ALL, AT, sources=1, answering=1, articles=0, alerts=0).id != line.id


# Digests


def test_a_digest_counts_and_lists_what_it_stands_for() -> None:
    fire = alert("alt_b", rule="fire", rule_title="Fire", level="critical", title="Fire", kind="update", tags=("sea",))
    found = desk.digest([alert(), alert("alt_c"), fire], ALL, AT, "muted until 06:00")
    assert found.title == "3 alerts: 2 Talks announced, 1 Fire"
    assert found.article.summary.splitlines() == [
        "muted until 06:00",
        *["- Talks announced: Malta https://paper.example/a"] * 2,
        "- Fire (update) https://paper.example/a",
    ]
    assert (found.kind, found.level, found.tags, found.sightings) == ("digest", "critical", ("diplomacy", "sea"), ())


def test_the_same_alerts_make_the_same_digest() -> None:
    one, other = alert(), alert("alt_b")
    ids = {
        desk.digest([one, other], ALL, AT, "a").id,
        desk.digest([other, one], ALL, AT + HOUR, "b").id,
        desk.digest([one], ALL, AT, "a").id,
        desk.digest([one, other], MORNING, AT, "a").id,
    }
    assert len(ids) == 3


def test_a_single_alert_is_sent_as_it_is() -> None:
    assert desk.gathered([alert()], ALL, AT, "muted") == alert()
    assert desk.gathered([alert(), alert("alt_b")], ALL, AT, "muted").kind == "digest"


def test_of_many_rules_a_digest_names_the_most_frequent() -> None:
    many = [alert(f"alt_{n}", rule=f"r{n % 7}", rule_title="{speaker}: {stance}" if n % 7 else "First") for n in range(15)]
    assert desk.digest(many, ALL, AT, "").title == "15 alerts: 3 First, 2 r1, 2 r2, 2 r3, 2 r4 and 4 others"


HOSTILE = '\x00\u2028\U0001f4a5\ud800"\\\n'


def test_a_digest_of_thousands_is_within_what_a_webhook_may_have_and_says_how_many_it_leaves_out() -> None:
    evil = Article(id="a", url="https://paper.example/" + HOSTILE * 40)
    tags = tuple(HOSTILE * 5 + str(n) for n in range(50))
    many = [
        alert(f"alt_{n}", rule=f"r{n}", rule_title=HOSTILE * 900, title=HOSTILE * 900, article=evil, tags=tags)
        for n in range(2000)
    ]
    found = desk.digest(many, ALL, AT, "muted")
    body = envelope.render(found)
    data = json.loads(body)["data"]
    assert len(body) <= envelope.LIMIT
    assert "truncated" not in data
    left = 2001 - len(found.article.summary.splitlines()) + 1
    assert found.article.summary.splitlines()[-1].startswith("… and ")
    assert left > 1000


def test_without_room_kept_a_digest_would_be_cut_by_the_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.desk.notices.ROOM", 1_000_000)
    many = [alert(f"alt_{n}") for n in range(2000)]
    assert json.loads(envelope.render(desk.digest(many, ALL, AT, "muted")))["data"]["truncated"]


def test_a_line_of_a_digest_is_one_line() -> None:
    found = desk.digest([alert(title="a\nb"), alert("alt_b", article=Article(id="b", url="x" * 600))], ALL, AT, "why")
    assert found.article.summary.splitlines()[1:] == ["- a b https://paper.example/a", "- Talks announced: Malta"]
