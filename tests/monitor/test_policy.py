"""What is news, who is told, and when to try or look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import policy
from monitor.desk import Digest, Receiver
from monitor.desk import Route as Way
from monitor.headline import headline
from monitor.model import Again, Attempt, Breaker, Delivery, Event, Fresh, GaveUp, Ledger, Outcome, Plan, Sent, Visit
from monitor.policy import Office, Route
from rules import Article, Finding, Match, Once, Rule, cron
from rules.rule import Frequency

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PLACE = Once(per=("place",), update_on=("status",))


def rule(once: Once = PLACE, **changes: Any) -> Rule:
    return replace(Rule(id="talks", title="Talks: {place}", when=None, version="abc", once=once), **changes)  # type: ignore[arg-type]


def finding(text: str, start: int = 0, **values: str | None) -> Finding:
    labels = {name: value for name, value in values.items() if name in ("status", "stance")}
    captures = {name: value for name, value in values.items() if name not in labels}
    return Finding(field="body", start=start, end=start + len(text), text=text, captures=captures, labels=labels)


def article(name: str = "a", body: str = "", **changes: Any) -> Article:
    given = Article(id=name, title=f"Story {name}", body=body or f"Body of {name}.", source=f"paper-{name}", published=NOON)
    return replace(given, **changes)


class Desk:
    """Plans article after article, as a store would keep them."""

    def __init__(self, *rules: Rule, routes: tuple[Route, ...] = ()) -> None:
        self.rules = {one.id: one for one in rules or (rule(),)}
        self.routes = routes
        self.events: dict[str, Event] = {}
        self.seen: dict[str, datetime] = {}

    def plan(self, article: Article, *findings: Finding, at: datetime = NOON, **how: Any) -> Plan:
        fresh = Fresh(article=article, first_seen=self.seen.get(article.id))
        matches = [Match(rule=one, article=article.id, findings=findings) for one in self.rules] if findings else []
        ledger = Ledger(events=tuple(self.events.values()), stamps=dict.fromkeys(self.rules, 7))
        plan = policy.plan(
            fresh, article, matches, rules=self.rules, ledger=ledger, at=at, office=Office(routes=self.routes), **how
        )
        self.events |= {event.id: event for event in plan.events}
        self.seen.setdefault(article.id, plan.first_seen)
        return plan

    def kinds(self, article: Article, *findings: Finding, **how: Any) -> list[str]:
        return [alert.kind for alert in self.plan(article, *findings, **how).alerts]


# Same event


def test_a_finding_of_no_event_opens_one() -> None:
    plan = Desk().plan(article(), finding("Talks in Malta", place="Malta", status="planned"))

    (alert,), (event,) = plan.alerts, plan.events
    assert (alert.kind, alert.title, alert.held) == ("new", "Talks: Malta", None)
    assert (event.articles, event.sources, event.values["status"]) == (1, ("paper-a",), "planned")
    assert alert.sightings[0].event == event.id
    assert plan.stamps == {"talks": 7}


def test_an_article_without_matches_is_recorded_and_no_more() -> None:
    plan = Desk().plan(article())

    assert (plan.events, plan.alerts, plan.stamps, plan.first_seen) == ((), (), {}, NOON)


def test_the_same_event_elsewhere_is_coverage() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks in Malta", place="Malta"))
    plan = desk.plan(article("b"), finding("Envoys fly to the island", place=" malta "), at=NOON + HOUR)

    (event,) = plan.events
    assert plan.alerts == ()
    assert (event.articles, event.sources, event.seen) == (2, ("paper-a", "paper-b"), NOON + HOUR)


def test_another_place_is_another_event() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks will be held in Malta on Saturday", place="Malta"))

    assert desk.kinds(article("b"), finding("Talks will be held in Riga on Saturday", place="Riga")) == ["new"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("Envoys will meet for talks on prisoners", []), ("Storks left the delta", ["new"])],
)
def test_where_a_value_is_missing_likeness_decides(text: str, kinds: list[str]) -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Envoys will meet for talks on prisoners", place="Malta"))

    assert desk.kinds(article("b"), finding(text, place=None)) == kinds


def test_likeness_is_asked_for_beside_equal_values_where_a_rule_says_so() -> None:
    desk = Desk(rule(Once(per=("place",), alike=0.6)))
    desk.plan(article("a"), finding("Talks on prisoners", place="Malta"))

    assert desk.kinds(article("b"), finding("Conference on fisheries quotas", place="Malta")) == ["new"]
    assert desk.kinds(article("c"), finding("The talks on prisoners", place="Malta")) == []


def test_a_value_that_nobody_gives_keeps_apart_less_than_one_that_somebody_gives() -> None:
    """Two reports of talks in one place on one day are of one event, though neither counts the rounds."""
    once = Once(per=("place", "date", "ordinal"))
    desk = Desk(rule(once))
    desk.plan(article("a"), finding("Russia criticised peace talks set to be held in Malta", place="Malta", date="2026-07-04"))
    other = "Officials from sixty countries meet in Malta for peace talks on Ukraine"

    assert desk.kinds(article("b"), finding(other, place="Malta", date="2026-07-04")) == []
    assert desk.kinds(article("c"), finding("A summit on bananas", place=None, date=None)) == ["new"]


def test_likeness_is_measured_on_the_content_where_there_is_one() -> None:
    desk = Desk(rule(Once(alike=0.6)))
    desk.plan(article("a"), finding('"We will not negotiate," he said in Moscow', content="We will not negotiate"))

    assert (
        desk.kinds(article("b"), finding("At noon the minister told a radio station so", content="we will not negotiate")) == []
    )


def test_an_event_closes_so_long_after_its_last_sighting() -> None:
    desk = Desk(rule(Once(per=("place",), within=DAY)))
    malta = finding("Talks in Malta", place="Malta")
    desk.plan(article("a"), malta)

    assert desk.kinds(article("b"), malta, at=NOON + DAY) == []
    assert desk.kinds(article("c"), malta, at=NOON + 2 * DAY) == []
    assert desk.kinds(article("d"), malta, at=NOON + 3 * DAY + HOUR) == ["new"]


def test_of_several_events_the_one_with_most_equal_values_wins() -> None:
    desk = Desk(rule(Once(per=("place", "date"), alike=0.1)))
    desk.plan(article("a"), finding("Talks begin", place="Malta"))
    desk.plan(article("b"), finding("Talks end", place=None, date="2026-07-04"))
    assert len(desk.events) == 1  # where nothing speaks against it, it is one event
    desk.plan(article("c"), finding("Talks begin", place="Riga", date="2026-07-04"))
    (event,) = desk.plan(article("d"), finding("Talks begin", place="Riga", date=None)).events

    assert event.article == "c"


def test_findings_of_one_article_share_the_event_that_it_opens() -> None:
    plan = Desk().plan(
        article(),
        finding("Talks in Malta", 0, place="Malta"),
        finding("Riga hosts others", 20, place="Riga"),
        finding("Back in Malta, envoys wait", 40, place="Malta"),
    )

    (alert,) = plan.alerts
    events = [one.event for one in alert.sightings]
    assert [one.finding.start for one in alert.sightings] == [0, 20, 40]
    assert events[0] == events[2] != events[1]
    assert [event.articles for event in plan.events] == [1, 1]


def test_two_events_in_one_sentence_stay_two() -> None:
    text = "Talks will be held in Malta on Saturday and in Riga on Sunday"
    plan = Desk().plan(article(), finding(text, place="Malta"), finding(text, place="Riga"))

    assert len({event.id for event in plan.events}) == 2


# Updates


def test_a_watched_value_that_changes_is_an_update() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks in Malta", place="Malta", status="planned"))

    assert desk.kinds(article("b"), finding("Malta talks ruled out", place="Malta", status="ruled-out")) == ["update"]


def test_an_event_that_is_called_off_is_cancelled_once() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks in Malta", place="Malta", status="planned"))
    plan = desk.plan(article("b"), finding("Malta talks are off", place="Malta", status="cancelled"))

    assert [alert.kind for alert in plan.alerts] == ["cancelled"]
    assert (plan.events[0].values["status"], plan.events[0].ended) == ("cancelled", "cancelled")
    assert desk.kinds(article("c"), finding("Malta talks off", place="Malta", status="cancelled")) == []


def test_a_value_that_becomes_known_is_an_update_and_one_that_is_not_repeated_is_none() -> None:
    desk = Desk(rule(Once(per=("place",), update_on=("place",))))
    desk.plan(article("a"), finding("Envoys will meet for talks", place=None))

    assert desk.kinds(article("b"), finding("Envoys will meet for talks", place="Malta")) == ["update"]
    assert desk.kinds(article("c"), finding("Envoys will meet for talks", place=None)) == []
    assert [event.values["place"] for event in desk.events.values()] == ["Malta"]


def test_an_article_that_recalls_the_earlier_state_does_not_turn_it_back() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks in Malta", place="Malta", status="planned"))
    was, now = (
        finding("Malta was to host talks", place="Malta", status="planned"),
        finding("Off", 50, place="Malta", status="cancelled"),
    )

    assert desk.kinds(article("b"), was, now) == ["cancelled"]
    assert desk.kinds(article("c"), was, now) == []
    assert [event.values["status"] for event in desk.events.values()] == ["cancelled"]


def test_one_alert_a_rule_and_article_is_new_if_anything_in_it_is() -> None:
    desk = Desk()
    desk.plan(article("a"), finding("Talks in Malta", place="Malta", status="planned"))
    plan = desk.plan(
        article("b"),
        finding("Malta is off", 0, place="Malta", status="cancelled"),
        finding("Riga hosts", 30, place="Riga", status="planned"),
        finding("Malta", 60, place="Malta", status="cancelled"),
    )

    (alert,) = plan.alerts
    assert alert.kind == "new"
    assert [one.finding.start for one in alert.sightings] == [0, 30, 60]


def test_coverage_beside_an_update_does_not_make_the_alert_new() -> None:
    desk = Desk()
    desk.plan(
        article("a"), finding("Malta", place="Malta", status="planned"), finding("Riga", 20, place="Riga", status="planned")
    )
    plan = desk.plan(
        article("b"), finding("Malta", place="Malta", status="planned"), finding("x", 9, place="Riga", status="held")
    )

    (alert,) = plan.alerts
    assert (alert.kind, alert.title) == ("update", "Talks: Riga")


# Copies and edits

STORY = (
    "Delegations of both countries will meet in Valletta on Saturday for a second round of talks on the exchange of prisoners. "
    "The first round in March ended without a result. Mediators hope for an agreement on the release of two hundred soldiers and "
    "on the return of civilians who were taken across the border in the first weeks of the war."
)


def test_a_copy_is_coverage_even_where_its_date_reads_differently() -> None:
    """ "On Saturday", reprinted a week later, would be another Saturday."""
    desk = Desk(rule(Once(per=("place", "date"), update_on=("date",))))
    text = STORY.split(". ", maxsplit=1)[0]
    desk.plan(article("a", STORY), finding(text, place="Valletta", date="2026-07-04"))
    late = NOON + 5 * DAY

    assert desk.kinds(article("b", "AGENCY – " + STORY), finding(text, place="Valletta", date="2026-07-11"), at=late) == []
    assert desk.kinds(article("c", "Another text."), finding(text, place="Valletta", date="2026-07-11"), at=late) == ["new"]


def test_a_copy_is_coverage_after_the_event_has_closed() -> None:
    desk = Desk(rule(Once(per=("place",), within=HOUR)))
    desk.plan(article("a", STORY), finding(STORY, place="Valletta"))

    assert desk.kinds(article("b", STORY), finding(STORY, place="Valletta"), at=NOON + DAY) == []


def test_an_undated_article_joins_as_a_copy_only() -> None:
    desk = Desk()
    desk.plan(article("a", STORY), finding("Talks in Malta", place="Malta"))

    assert desk.kinds(article("b", STORY, published=None), finding("Talks in Malta", place="Malta")) == []
    assert desk.kinds(article("c", "Other words.", published=None), finding("Talks in Malta", place="Malta")) == ["new"]


def test_an_edit_alerts_for_what_it_adds_and_under_another_id() -> None:
    desk = Desk()
    malta, riga = finding("Talks in Malta", place="Malta"), finding("Riga will host others", 30, place="Riga")
    first = desk.plan(article("a", "Talks in Malta"), malta)
    second = desk.plan(article("a", "Talks in Malta. UPDATED: Riga will host others"), malta, riga, at=NOON + 30 * DAY)

    (alert,) = second.alerts
    assert [one.finding for one in alert.sightings] == [riga]
    assert alert.id != first.alerts[0].id
    assert alert.first_seen == NOON
    assert desk.kinds(article("a", "Talks in Malta. Riga will host others!"), malta, riga, at=NOON + 31 * DAY) == []
    assert [event.articles for event in desk.events.values()] == [1, 1]


def test_an_event_opened_where_another_was_has_an_id_of_its_own() -> None:
    desk = Desk()
    desk.plan(article("a", "Talks in Malta"), finding("Talks in Malta", place="Malta"))
    desk.plan(article("a", "Talks in Narva"), finding("Talks in Narva", place="Narva"))

    assert sorted(str(event.values["place"]) for event in desk.events.values()) == ["Malta", "Narva"]


def test_the_ledger_reaches_back_as_far_as_a_plan_needs_it() -> None:
    long = rule(Once(within=30 * DAY))

    assert policy.since([long], Fresh(article=article()), NOON) == NOON - 30 * DAY
    assert policy.since([rule(Once(within=HOUR))], Fresh(article=article()), NOON) == NOON - 7 * DAY
    assert policy.since([long], Fresh(article=article(), first_seen=NOON - 90 * DAY), NOON) == NOON - 90 * DAY


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["Malta", "Riga", None])), max_size=8))
def test_planning_the_same_again_tells_nobody_again(told: list[tuple[str, str | None]]) -> None:
    desk = Desk()
    stories = [(article(name, f"Talks in {place}."), finding(f"Talks in {place}", place=place)) for name, place in told]
    runs = [[desk.plan(*story).alerts for story in stories] for _ in range(2)]

    assert not any(runs[1])
    assert len({alert.id for run in runs for alerts in run for alert in alerts}) == sum(map(len, runs[0]))


# Who is told


def route(name: str, **wants: Any) -> Route:
    return Route(id=name, render=lambda alert: alert.id.encode(), wishes=Receiver(id=name, **wants))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ["all", "low"]),
        ({"level": "high"}, ["all", "high"]),
        ({"tags": ("war",)}, ["all", "low", "war"]),
        ({"notify": ("high", "war")}, ["high", "war"]),
        ({"notify": ()}, []),
        ({"status": "draft"}, []),
    ],
)
def test_receivers_are_those_that_the_rule_names_or_that_want_it(changes: dict[str, Any], told: list[str]) -> None:
    routes = (route("all"), route("low", levels=("low",)), route("high", levels=("high",)), route("war", tags=("war",)))
    desk = Desk(rule(**{"level": "low", **changes}), routes=routes)
    plan = desk.plan(article(), finding("Talks", place="Malta"))

    assert [delivery.sink for delivery in plan.deliveries] == told
    assert all((one.body, one.due) == (plan.alerts[0].id.encode(), NOON) for one in plan.deliveries)


def test_a_draft_is_recorded_and_not_told() -> None:
    plan = Desk(rule(status="draft"), routes=(route("all"),)).plan(article(), finding("Talks", place="Malta"))

    assert [alert.held for alert in plan.alerts] == ["draft"]


@pytest.mark.parametrize(
    ("age", "new_source", "held"),
    [(25 * HOUR, True, "backlog"), (23 * HOUR, True, None), (25 * HOUR, False, None)],
)
def test_old_articles_of_a_new_source_are_recorded_and_not_told(age: timedelta, *, new_source: bool, held: str | None) -> None:
    desk = Desk(routes=(route("all"),))
    plan = desk.plan(article(published=NOON - age), finding("Talks", place="Malta"), backlog=new_source)

    assert [alert.held for alert in plan.alerts] == [held]
    assert len(plan.deliveries) == (held is None)


def test_what_nobody_was_told_of_is_told_with_the_first_fresh_article() -> None:
    desk = Desk(routes=(route("all"),))
    held = desk.plan(article("a", published=NOON - 2 * DAY), finding("Talks in Malta", place="Malta"), backlog=True)
    told = desk.plan(article("b", published=NOON), finding("Talks in Malta", place="Malta"), at=NOON + HOUR)
    coverage = desk.plan(article("c", published=NOON), finding("Talks in Malta", place="Malta"), at=NOON + HOUR)

    assert [alert.held for alert in held.alerts] == ["backlog"]
    assert [(alert.kind, alert.held, len(told.deliveries)) for alert in told.alerts] == [("new", None, 1)]
    assert told.alerts[0].sightings[0].event == held.events[0].id
    assert coverage.alerts == ()


def test_what_nobody_was_told_of_stays_so_when_its_old_article_is_edited() -> None:
    desk, old = Desk(), NOON - 2 * DAY
    desk.plan(article("a", published=old), finding("Talks in Malta", place="Malta"), backlog=True)

    assert desk.kinds(article("a", body="Edited", published=old), finding("Talks in Malta", place="Malta"), at=NOON + HOUR) == []


def test_a_second_old_article_of_what_nobody_was_told_of_is_coverage() -> None:
    desk, old = Desk(), NOON - 2 * DAY
    desk.plan(article("a", published=old), finding("Talks in Malta", place="Malta"), backlog=True)

    assert desk.kinds(article("b", published=old), finding("Talks in Malta", place="Malta"), backlog=True) == []


def test_what_a_draft_found_is_told_once_the_rule_is_active() -> None:
    desk = Desk(rule(status="draft"))
    desk.plan(article("a"), finding("Talks in Malta", place="Malta"))
    assert desk.kinds(article("b"), finding("Talks in Malta", place="Malta")) == []
    desk.rules["talks"] = rule()

    assert desk.kinds(article("c"), finding("Talks in Malta", place="Malta"), at=NOON + HOUR) == ["new"]
    assert desk.kinds(article("d"), finding("Talks in Malta", place="Malta"), at=NOON + HOUR) == []


@pytest.mark.parametrize(
    ("title", "values", "shown"),
    [
        ("Talks: {place}", {"place": "Malta"}, "Talks: Malta"),
        ("Talks: {place}", {}, "Talks: place not named"),
        ("{speaker}: {stance}", {"speaker": " A\nB ", "stance": None}, "A B: stance unclear"),
        ("{refused_by}", {}, "refused by not named"),
        ("{place.__class__} {0} {{x}}", {"x": "y"}, "{place.__class__} 0 not named {y}"),
        ("{a}", {"a": "{b}", "b": "secret"}, "{b}"),
        ("{a}", {"a": "x" * 500}, "x" * 199 + "…"),
    ],
)
def test_a_title_is_filled_in_and_nothing_more(title: str, values: dict[str, str | None], shown: str) -> None:
    assert headline(title, values) == shown


# When to try again


def outcome_of(attempts: int, jitter: float = 0, **attempt: Any) -> Outcome:
    """What becomes of a delivery whose attempt of this number has failed."""
    delivery = Delivery(alert="alt_1", sink="desk", body=b"", due=NOON, attempts=attempts)
    return policy.outcome(delivery, Attempt(**{"began": NOON, "trouble": "http", "reason": "HTTP 500", **attempt}), jitter)


def test_a_delivery_is_tried_fourteen_times_over_four_days() -> None:
    outcomes = [outcome_of(n) for n in range(1, 15)]
    waits = [outcome.due - NOON for outcome in outcomes if isinstance(outcome, Again)]

    assert waits[:4] == [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)]
    assert len(waits) == 13
    assert timedelta(hours=99) < sum(waits, timedelta(0)) < timedelta(hours=100)
    assert outcomes[-1] == GaveUp(NOON, "HTTP 500")


def test_waits_are_counted_from_the_end_of_the_attempt() -> None:
    assert outcome_of(1, took=timedelta(seconds=15)) == Again(
        NOON + timedelta(seconds=15), NOON + timedelta(seconds=20), "HTTP 500"
    )
    assert outcome_of(1, took=timedelta(seconds=2), trouble=None) == Sent(NOON + timedelta(seconds=2))


@pytest.mark.parametrize(("jitter", "wait"), [(-1, 24), (1, 36)])
def test_waits_differ_by_up_to_a_fifth(jitter: float, wait: int) -> None:
    assert outcome_of(2, jitter) == Again(NOON, NOON + timedelta(seconds=wait), "HTTP 500")


@pytest.mark.parametrize(
    ("asked", "wait"), [(timedelta(seconds=1), timedelta(seconds=5)), (HOUR, HOUR), (timedelta(days=9000), DAY)]
)
def test_a_receiver_may_ask_for_more_time_up_to_a_day(asked: timedelta, wait: timedelta) -> None:
    assert outcome_of(1, wait=asked) == Again(NOON, NOON + wait, "HTTP 500")


def test_a_probe_is_never_the_last_attempt() -> None:
    assert outcome_of(14, probe=True) == Again(NOON, NOON + DAY, "HTTP 500")
    assert outcome_of(0, probe=True) == Again(NOON, NOON, "HTTP 500")


@pytest.mark.parametrize(
    ("status", "hours", "ends"), [(400, 100, True), (422, 100, True), (400, 99, False), (401, 100, False), (502, 100, False)]
)
def test_a_message_that_its_receiver_minds_is_given_up_in_the_end_though_only_probes_were_made(
    status: int, hours: int, *, ends: bool
) -> None:
    """Else it alone would keep the breaker open, and have its receiver disabled."""
    delivery = Delivery(alert="alt_1", sink="desk", body=b"", due=NOON, attempts=5, since=NOON)
    attempt = Attempt(began=NOON + hours * HOUR, trouble="http", status=status, reason="no", probe=True)
    assert isinstance(policy.outcome(delivery, attempt, 0), GaveUp) is ends


def test_what_a_receiver_that_is_gone_did_not_take_is_not_given_up() -> None:
    assert outcome_of(14, trouble="gone") == Again(NOON, NOON + DAY, "HTTP 500")


def test_a_missing_page_is_asked_for_five_times_more() -> None:
    waits = [policy.next_fill(n, NOON) for n in range(8)]

    assert waits == [None, *(NOON + timedelta(minutes=n) for n in (1, 5, 30, 120, 360)), None, None]


def test_a_page_that_asks_for_more_time_gets_it_up_to_a_day() -> None:
    assert policy.next_fill(1, NOON, timedelta(seconds=1)) == NOON + timedelta(minutes=1)
    assert policy.next_fill(1, NOON, HOUR) == NOON + HOUR
    assert policy.next_fill(1, NOON, timedelta(days=9000)) == NOON + DAY
    assert policy.next_fill(6, NOON, HOUR) is None


# What else a plan says


def test_a_plan_says_what_it_was_told_and_what_its_article_is() -> None:
    given = article("a", STORY)
    plan = Desk().plan(given, finding("Talks", place="Malta"), refill=NOON + HOUR, fills=2, at=NOON + HOUR)
    again = Desk().plan(given, finding("Talks", place="Malta"))

    assert (plan.article, plan.at, plan.first_seen, plan.refill, plan.fills) == (given, NOON + HOUR, NOON + HOUR, NOON + HOUR, 2)
    assert plan.revision == again.revision != Desk().plan(article("a", STORY + " Edited.")).revision
    assert plan.sketch
    assert (again.refill, again.fills) == (None, 0)


def test_a_match_of_a_rule_that_is_gone_since_says_nothing() -> None:
    gone = Match(rule="gone", article="a", findings=(finding("Talks", place="Malta"),))
    plan = policy.plan(Fresh(article=article()), article(), [gone], rules={"talks": rule()}, ledger=Ledger(), at=NOON)

    assert (plan.alerts, plan.events, plan.stamps) == ((), (), {})


def test_a_rule_of_which_nothing_was_known_is_recorded_at_stamp_0() -> None:
    match = Match(rule="talks", article="a", findings=(finding("Talks", place="Malta"),))
    plan = policy.plan(Fresh(article=article()), article(), [match], rules={"talks": rule()}, ledger=Ledger(), at=NOON)

    assert plan.stamps == {"talks": 0}


def test_an_edit_is_asked_of_every_rule_that_it_matched_before_unless_its_page_could_not_be_had() -> None:
    """Each is outdated by what others say of it meanwhile; what could not be read takes nothing back."""
    edited = Fresh(article=article(body="Edited"), first_seen=NOON - HOUR)
    both = {"talks": rule(), "accords": rule(id="accords")}
    match = Match(rule="talks", article="a", findings=(finding("Talks", place="Malta"),))

    def stamps(fresh: Fresh, **how: Any) -> list[str]:
        return list(policy.plan(fresh, fresh.article, [match], rules=both, ledger=Ledger(), at=NOON, **how).stamps)

    assert stamps(edited) == ["talks", "accords"]
    assert stamps(edited, whole=False) == ["talks"]
    assert stamps(replace(edited, first_seen=None)) == ["talks"]


def test_an_article_is_old_once_it_is_more_than_a_day_old() -> None:
    assert not policy.is_old(article(published=NOON - DAY), NOON)
    assert policy.is_old(article(published=NOON - DAY - timedelta(seconds=1)), NOON)
    assert not policy.is_old(article(published=None), NOON)


def test_what_is_old_is_judged_by_when_it_was_first_seen() -> None:
    seen, published = NOON - 2 * DAY, NOON - 2 * DAY - HOUR
    fresh = Fresh(article=article(published=published), first_seen=seen)
    match = Match(rule="talks", article="a", findings=(finding("Talks", place="Malta"),))

    plan = policy.plan(fresh, fresh.article, [match], rules={"talks": rule()}, ledger=Ledger(), at=NOON, backlog=True)
    assert (plan.first_seen, [alert.held for alert in plan.alerts]) == (seen, [None])


def test_how_far_back_reports_are_needed_of_which_rules() -> None:
    """Rules without a rule of time need none, but for an article that was edited: what it said itself, and when."""
    plain, fresh = rule(), Fresh(article=article())

    assert policy.histories([plain], fresh, NOON) == {}
    assert policy.histories([plain], replace(fresh, first_seen=NOON - HOUR), NOON) == {"talks": NOON - HOUR}


def test_the_ledger_of_no_rule_reaches_back_as_far_as_copies_do() -> None:
    assert policy.since([], Fresh(article=article()), NOON) == NOON - 7 * DAY


# Who is told, and when


def test_a_receiver_without_wishes_is_told_everything() -> None:
    plain = Route(id="desk", render=lambda alert: alert.title.encode())
    plan = Desk(rule(level="low"), routes=(plain,)).plan(article(), finding("Talks", place="Malta"))

    (delivery,) = plan.deliveries
    assert (delivery.alert, delivery.sink, delivery.body) == (plan.alerts[0].id, "desk", b"Talks: Malta")
    assert (delivery.due, delivery.digest, delivery.attempts) == (NOON, False, 0)


def test_what_waits_for_a_digest_is_due_when_that_is() -> None:
    """Two receivers of one alert: one is told at once, the other with all else in the evening."""
    routes = (route("now"), route("later", digest=Digest(at=cron.parse("18:00"))))
    plan = Desk(routes=routes).plan(article(), finding("Talks", place="Malta"))

    assert [(one.sink, one.digest, one.due) for one in plan.deliveries] == [
        ("now", False, NOON),
        ("later", True, NOON + 6 * HOUR),
    ]


def test_more_alerts_of_a_rule_in_an_hour_than_the_cap_wait_for_a_digest() -> None:
    alert = Desk().plan(article(), finding("Talks", place="Malta")).alerts[0]
    office = Office(routes=(route("desk"),), cap=3)

    def digest(told: int) -> list[bool]:
        return [one.digest for one in policy.deliveries(alert, None, office, {"talks": told})]

    assert (digest(2), digest(3)) == ([False], [True])
    assert [one.digest for one in policy.deliveries(alert, None, Office(routes=office.routes), {"talks": 1_000})] == [False]


# What is told of sources, rules and receivers


def test_of_a_silent_source_all_is_told_that_somebody_needs_to_know() -> None:
    visit = Visit(source="agency", at=NOON, due=NOON + HOUR)
    alert = policy.notice(visit, "silent", "no article since Monday", NOON + HOUR)

    assert (alert.kind, alert.rule, alert.rule_title, alert.level) == ("silent", "source-silent", "A source is silent", "high")
    assert (alert.title, alert.article.title) == ("Source silent: agency",) * 2
    assert (alert.article.id, alert.article.source, alert.article.summary) == (
        "agency#silent",
        "agency",
        "no article since Monday",
    )
    assert (alert.first_seen, alert.raised) == (NOON + HOUR,) * 2
    assert (alert.sightings, alert.tags, alert.version, alert.held) == ((), (), "", None)


def test_one_silence_of_a_source_is_one_alert_and_so_is_its_end() -> None:
    """The source may be looked at again before the first was kept."""
    visit = Visit(source="agency", at=NOON, due=NOON + HOUR)
    ended = replace(visit, at=NOON + DAY, silent=NOON)

    def ids(*told: tuple[Visit, str]) -> set[str]:
        return {policy.notice(visit, word, "why", NOON + n * HOUR).id for n, (visit, word) in enumerate(told)}

    assert len(ids((visit, "silent"), (visit, "silent"))) == 1
    assert len(ids((ended, "recovered"), (replace(ended, at=NOON + 2 * DAY), "recovered"))) == 1
    assert len(ids((visit, "silent"), (ended, "recovered"), (replace(visit, source="daily"), "silent"))) == 3
    assert len(ids((visit, "silent"), (replace(visit, at=NOON + DAY), "silent"))) == 2  # the next time


@pytest.mark.parametrize(
    ("word", "reason"), [("silent", "nothing has matched it since 2026-07-01 12:00 UTC"), ("recovered", "it matches again")]
)
def test_of_a_rule_that_matched_nothing_for_too_long_it_is_told_who_that_concerns(word: str, reason: str) -> None:
    alert = policy.quiet(rule(level="low", tags=("war",)), word, NOON, NOON + DAY)

    assert (alert.kind, alert.title, alert.article.title) == (word, f"Rule {word}: talks", f"Rule {word}: talks")
    assert (alert.rule, alert.rule_title, alert.level, alert.version, alert.tags) == (
        "talks",
        "Talks: {place}",
        "low",
        "abc",
        ("war",),
    )
    assert (alert.article.id, alert.article.summary) == (f"talks#{word}", reason)
    assert (alert.first_seen, alert.raised, alert.sightings) == (NOON + DAY, NOON + DAY, ())


def test_one_silence_of_a_rule_is_one_alert() -> None:
    ids = {
        (word, since): policy.quiet(rule(id=id), word, since, now).id
        for id, word, since, now in (
            ("talks", "silent", NOON, NOON + DAY),
            ("talks", "silent", NOON, NOON + 2 * DAY),
            ("talks", "recovered", NOON, NOON + DAY),
            ("talks", "silent", NOON + HOUR, NOON + DAY),
        )
    }

    assert len(ids) == len(set(ids.values())) == 3
    assert policy.quiet(rule(id="other"), "silent", NOON, NOON + DAY).id not in ids.values()


DOWN = Breaker(sink="desk", state="open", since=NOON, reason="HTTP 500")


@pytest.mark.parametrize(
    ("breaker", "last", "after", "word"),
    [
        pytest.param(Breaker(sink="desk"), None, HOUR, None, id="all is well"),
        pytest.param(Breaker(sink="desk"), "reachable", HOUR, None, id="all is still well"),
        pytest.param(replace(DOWN, state="closed"), None, HOUR, None, id="now and then it fails"),
        pytest.param(DOWN, None, timedelta(minutes=15, seconds=-1), None, id="a quarter of an hour is nothing"),
        pytest.param(DOWN, None, timedelta(minutes=15), "unreachable", id="but no longer"),
        pytest.param(DOWN, "reachable", HOUR, "unreachable", id="the second time, too"),
        pytest.param(DOWN, "unreachable", HOUR, None, id="once"),
        pytest.param(replace(DOWN, since=None), None, HOUR, None, id="since when is not known"),
        pytest.param(DOWN, "disabled", timedelta(0), None, id="enabled, and failing again"),
        pytest.param(Breaker(sink="desk"), "unreachable", HOUR, "reachable", id="it is back"),
        pytest.param(replace(DOWN, state="disabled"), None, timedelta(0), "disabled", id="it said that it is gone"),
        pytest.param(replace(DOWN, state="disabled"), "unreachable", 5 * DAY, "disabled", id="it failed for days"),
        pytest.param(replace(DOWN, state="disabled"), "disabled", 6 * DAY, None, id="that is known"),
        pytest.param(Breaker(sink="desk"), "disabled", HOUR, "reachable", id="somebody enabled it"),
    ],
)
def test_the_others_are_told_of_a_receiver_so(breaker: Breaker, last: str | None, after: timedelta, word: str | None) -> None:
    alert = policy.failing(breaker, last or "reachable", NOON + after)

    assert (alert.kind if alert else None) == word


@pytest.mark.parametrize(
    ("breaker", "word", "reason"),
    [
        (DOWN, "unreachable", "HTTP 500, since 2026-07-01 12:00 UTC"),
        (replace(DOWN, state="disabled", since=None), "disabled", "HTTP 500"),
        (Breaker(sink="desk"), "reachable", "it takes what it is sent"),
    ],
)
def test_of_a_receiver_all_is_told_that_somebody_needs_to_know(breaker: Breaker, word: str, reason: str) -> None:
    alert = policy.failing(breaker, "unreachable" if word == "reachable" else "reachable", NOON + HOUR)

    assert alert is not None
    assert (alert.kind, alert.rule, alert.rule_title, alert.level) == (
        word,
        "receiver-failing",
        "A receiver cannot be told",
        "high",
    )
    assert (alert.title, alert.article.title) == (f"Receiver {word}: desk",) * 2
    assert (alert.article.id, alert.article.summary) == ("desk#receiver", reason)
    assert (alert.first_seen, alert.raised) == (NOON + HOUR,) * 2
    assert (alert.sightings, alert.tags, alert.version) == ((), (), "")


def test_of_each_receiver_and_each_time_it_is_another_alert() -> None:
    told = [
        policy.failing(replace(DOWN, sink=sink, state=state), "reachable", NOON + after)
        for sink, state, after in (
            ("desk", "open", HOUR),
            ("pager", "open", HOUR),
            ("desk", "disabled", HOUR),
            ("desk", "open", DAY),
        )
    ]

    assert len({alert.id for alert in told if alert}) == 4


def test_a_source_is_known_unless_it_is_said_to_be_new() -> None:
    plan = Desk(routes=(route("all"),)).plan(article(published=NOON - 2 * DAY), finding("Talks", place="Malta"))

    assert ([alert.held for alert in plan.alerts], len(plan.deliveries)) == ([None], 1)


@pytest.mark.parametrize(("whole", "kinds"), [(True, ["retracted"]), (False, [])])
def test_what_an_article_no_longer_says_is_taken_back_unless_its_page_could_not_be_had(*, whole: bool, kinds: list[str]) -> None:
    malta, riga = finding("Talks in Malta", place="Malta"), finding("Riga will host others", 30, place="Riga")
    first = Desk().plan(article("a", "Talks in Malta. Riga will host others"), malta, riga)
    edited = Fresh(article=article("a", "Talks in Malta"), first_seen=NOON)
    match = Match(rule="talks", article="a", findings=(malta,))
    ledger = Ledger(events=first.events, reports=first.reports)
    second = policy.plan(edited, edited.article, [match], rules={"talks": rule()}, ledger=ledger, at=NOON + HOUR, whole=whole)

    assert [len(plan.reports) for plan in (first, second)] == [2, 1 + len(kinds)]
    assert [alert.kind for alert in second.alerts] == kinds


def test_what_was_told_in_the_hour_before_counts_for_the_cap() -> None:
    match = Match(rule="talks", article="a", findings=(finding("Talks", place="Malta"),))
    office = Office(routes=(route("desk"),), cap=3)

    def digest(told: int) -> list[bool]:
        ledger = Ledger(told={"talks": told})
        plan = policy.plan(
            Fresh(article=article()), article(), [match], rules={"talks": rule()}, ledger=ledger, at=NOON, office=office
        )
        return [one.digest for one in plan.deliveries]

    assert (digest(2), digest(3)) == ([False], [True])


def test_ways_send_alerts_to_some_receivers() -> None:
    alert = Desk().plan(article(), finding("Talks", place="Malta")).alerts[0]
    office = Office(routes=(route("desk"), route("pager")), ways=(Way(to=("pager",)),))

    assert [one.sink for one in policy.deliveries(alert, None, office)] == ["pager"]


def test_the_reports_of_a_rule_of_time_are_needed_as_far_back_as_it_looks() -> None:
    burst = rule(frequency=Frequency(at_least=3, within=HOUR))
    since = policy.histories([burst], Fresh(article=article()), NOON)["talks"]

    assert NOON - 3 * DAY < since <= NOON - 2 * HOUR
    assert policy.histories([burst], Fresh(article=article(), first_seen=NOON - 9 * DAY), NOON) == {"talks": NOON - 9 * DAY}
    assert policy.histories([burst], Fresh(article=article(), first_seen=NOON), NOON) == {"talks": since}


def test_an_article_that_no_rule_is_asked_of_is_not_sketched() -> None:
    plan = policy.plan(Fresh(article=article("a", STORY)), article("a", STORY), [], rules={}, ledger=Ledger(), at=NOON)

    assert plan.sketch == ()


def test_the_waits_are_those_that_were_promised_and_none_is_longer_than_the_longest() -> None:
    waits = [outcome.due - NOON for n in range(1, 15) if isinstance(outcome := outcome_of(n), Again)]
    longest = max(outcome.due - NOON for n in range(1, 15) if isinstance(outcome := outcome_of(n, jitter=1), Again))
    hours = [timedelta(hours=n) for n in (1, 2, 4, 8, 12, 24, 24, 24)]

    assert waits == [timedelta(seconds=5), timedelta(seconds=30), *(timedelta(minutes=n) for n in (2, 10, 30)), *hours]
    assert longest == policy.LONGEST == timedelta(hours=28, minutes=48)
