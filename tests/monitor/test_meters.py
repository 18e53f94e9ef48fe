"""What went by, in figures: each counted where it belongs, read back with prometheus-client's own parser, and told in the manual."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from monitor import meters, steps
from monitor.errors import TROUBLES, FetchFailed
from monitor.lag import BOUNDS, Histogram
from monitor.meters import METRICS, SUPPRESSED, Meters, Readings, showing, suppressed
from monitor.model import (
    Again,
    Alert,
    Attempt,
    Backlog,
    Breaker,
    Cursor,
    Delivery,
    Fetched,
    GaveUp,
    Original,
    Plan,
    Report,
    Sent,
    Visit,
)
from monitor.steps import Bench, Round
from monitor.stores.memory import MemoryStore
from rules import Article, Finding, Match, Once, Rule

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
HOSTILE = 'a"b\\c\nmonitor_rules 666\n# HELP \ud800 \u202e'
TALKS = Rule(id="talks", title="Talks", when=None, version="abc", once=Once())  # type: ignore[arg-type]

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(counted: Meters, **given: Any) -> Figures:
    """Every sample by name and labels, as a scraper reads it."""
    text, _ = counted.text(Readings(**given))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def counting(now: datetime = NOON) -> Meters:
    return Meters(clock=lambda: now)


def figure(found: Figures, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def article(**changes: Any) -> Article:
    return replace(Article(id="a1", source="agency", digest="d", published=NOON - 90 * SECOND), **changes)


def alert(**changes: Any) -> Alert:
    given = Alert(
        id="alt_1",
        kind="new",
        rule="talks",
        rule_title="Talks",
        level="high",
        version="abc",
        tags=(),
        title="Talks",
        article=article(),
        first_seen=NOON,
        raised=NOON,
        sightings=(),
    )
    return replace(given, **changes)


def plan(**changes: Any) -> Plan:
    return replace(Plan(article=article(), revision="r", first_seen=NOON, at=NOON), **changes)


def report(**changes: Any) -> Report:
    return replace(Report(event="e", rule="talks", article="a1", source="agency", at=NOON), **changes)


def delivery(**changes: Any) -> Delivery:
    return replace(Delivery(alert="alt_1", sink="desk", body=b"", due=NOON), **changes)


MATCH = Match(rule="talks", article="a1", findings=())

# Rules


def test_of_each_rule_it_counts_what_was_asked_matched_and_raised() -> None:
    counted = counting()
    counted.examined(plan(alerts=(alert(),), deliveries=(delivery(),)), ["talks", "floods"], [MATCH])
    counted.examined(plan(), ["talks", "floods"], [])

    found = read(counted)
    assert figure(found, "monitor_rule_examined_total", rule="talks") == 2
    assert figure(found, "monitor_rule_examined_total", rule="floods") == 2
    assert figure(found, "monitor_rule_matched_total", rule="talks") == 1
    assert figure(found, "monitor_alerts_raised_total", rule="talks", kind="new") == 1
    assert not [key for key in found if key[0] == "monitor_rule_suppressed_total"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (plan(reports=(report(),)), "repeated"),
        (plan(), "repeated"),
        (plan(reports=(report(copy=True),)), "copy"),
        (plan(reports=(report(copy=True), report(event="f"))), "repeated"),
        (plan(alerts=(alert(held="draft"),)), "draft"),
        (plan(alerts=(alert(held="backlog"),)), "backlog"),
        (plan(alerts=(alert(held="silenced until 14:00: holiday"),)), "silenced"),
        (plan(alerts=(alert(held="waits: 1 of 3 sources"),)), "waiting"),
        (plan(alerts=(alert(),)), "unwanted"),
        (plan(alerts=(alert(),), deliveries=(delivery(digest=True),)), "gathered"),
        (plan(alerts=(alert(),), deliveries=(delivery(digest=True), delivery(sink="night"))), None),
        (plan(alerts=(alert(rule="floods"),), deliveries=(delivery(),)), "repeated"),
    ],
)
def test_it_says_why_nobody_was_told_at_once(given: Plan, reason: str | None) -> None:
    assert suppressed("talks", given) == reason
    assert reason is None or reason in SUPPRESSED


def test_an_alert_that_is_held_back_was_not_raised() -> None:
    counted = counting()
    counted.examined(plan(alerts=(alert(held="draft"),)), ["talks"], [MATCH])

    found = read(counted)
    assert figure(found, "monitor_rule_suppressed_total", rule="talks", reason="draft") == 1
    assert not [key for key in found if key[0] == "monitor_alerts_raised_total"]


# How long it takes


def test_an_article_is_timed_from_its_date_to_the_fetch_to_the_decision() -> None:
    counted = counting()
    counted.examined(plan(), ["talks"], [], seen=NOON - 30 * SECOND)

    found = read(counted)
    assert figure(found, "monitor_published_to_seen_seconds_sum") == 60
    assert figure(found, "monitor_published_to_seen_seconds_bucket", le="15") == 0
    assert figure(found, "monitor_published_to_seen_seconds_bucket", le="60") == 1
    assert figure(found, "monitor_published_to_seen_seconds_bucket", le="604800") == 1
    assert figure(found, "monitor_published_to_seen_seconds_bucket", le="+Inf") == 1
    assert figure(found, "monitor_seen_to_matched_seconds_sum") == 30


@pytest.mark.parametrize(
    ("given", "late"),
    [
        (plan(first_seen=NOON - 60 * SECOND), False),  # an edit, or its page came later
        (plan(article=article(published=None)), False),
        (plan(article=article(dating="absent")), False),
        (plan(), True),
    ],
)
def test_what_says_nothing_of_the_source_is_not_timed_against_its_date(given: Plan, *, late: bool) -> None:
    counted = counting()
    counted.examined(given, ["talks"], [], seen=NOON, late=late)

    assert ("monitor_published_to_seen_seconds_count", ()) not in read(counted)


def test_a_date_in_the_future_took_no_time() -> None:
    counted = counting()
    counted.examined(plan(article=article(published=NOON + 60 * SECOND)), [], [], seen=NOON)

    assert figure(read(counted), "monitor_published_to_seen_seconds_sum") == 0


# Receivers


def attempt(**changes: Any) -> Attempt:
    return replace(Attempt(began=NOON), **changes)


def test_of_each_receiver_it_counts_what_was_sent_failed_and_given_up() -> None:
    counted = counting()
    counted.attempted(delivery(due=NOON), Again(NOON, NOON, "down"), attempt(trouble="unreachable"))
    counted.attempted(delivery(due=NOON), Again(NOON, NOON, "odd"), attempt(trouble="https://example.org/secret"))
    counted.attempted(delivery(since=NOON - 9 * SECOND), Sent(NOON), attempt())
    counted.attempted(delivery(alert="alt_2"), GaveUp(NOON, "gone"), attempt(trouble="gone"))

    found = read(counted)
    assert figure(found, "monitor_deliveries_sent_total", receiver="desk") == 1
    assert figure(found, "monitor_delivery_failures_total", receiver="desk", reason="unreachable") == 1
    assert figure(found, "monitor_delivery_failures_total", receiver="desk", reason="other") == 1
    assert figure(found, "monitor_deliveries_given_up_total", receiver="desk") == 1
    assert figure(found, "monitor_matched_to_delivered_seconds_sum", receiver="desk") == 9
    reasons = {dict(labels)["reason"] for name, labels in found if name == "monitor_delivery_failures_total"}
    assert reasons <= {*TROUBLES, "other"}


def test_what_waits_is_read_from_the_store() -> None:
    found = read(
        counting(),
        receivers=("desk", "night"),
        backlogs=[Backlog(sink="desk", waiting=3, collected=2, dead=1, oldest=NOON - 90 * SECOND)],
        breakers=[Breaker(sink="desk", state="open")],
    )

    assert figure(found, "monitor_deliveries_waiting", receiver="desk") == 3
    assert figure(found, "monitor_deliveries_gathered", receiver="desk") == 2
    assert figure(found, "monitor_deliveries_dead", receiver="desk") == 1
    assert figure(found, "monitor_deliveries_oldest_waiting_seconds", receiver="desk") == 90
    states = [figure(found, "monitor_receiver_state", receiver="desk", state=word) for word in showing.STATES]
    assert states == [0, 1, 0]
    assert figure(found, "monitor_deliveries_waiting", receiver="night") == 0
    assert figure(found, "monitor_receiver_state", receiver="night", state="closed") == 1


def test_what_the_store_does_not_say_is_left_out() -> None:
    found = read(counting(), receivers=("desk",), store_answers=False)

    assert figure(found, "monitor_store_answers") == 0
    assert not [key for key in found if key[0].startswith(("monitor_deliveries_", "monitor_receiver_"))]


# Sources


def test_of_each_source_it_shows_visits_entries_and_how_old_its_last_answer_is() -> None:
    counted = counting(NOON + 60 * SECOND)
    counted.known([Visit(source="mute", at=NOON, due=NOON + 90 * SECOND, since=NOON - 40 * SECOND)])
    counted.visited(Visit(source="agency", at=NOON, due=NOON + 30 * SECOND, articles=25, answered=NOON))
    counted.visited(Visit(source="agency", at=NOON, due=NOON + 30 * SECOND, trouble="slow", answered=NOON, failures=1))
    counted.examined(plan(), [], [])

    found = read(counted)
    assert figure(found, "monitor_source_visits_total", source="agency", result="ok") == 1
    assert figure(found, "monitor_source_visits_total", source="agency", result="slow") == 1
    assert figure(found, "monitor_source_entries", source="agency") == 25
    assert figure(found, "monitor_source_articles_total", source="agency") == 1
    assert figure(found, "monitor_source_answered_age_seconds", source="agency") == 60
    assert figure(found, "monitor_source_overdue_seconds", source="agency") == 30
    assert figure(found, "monitor_source_answered_age_seconds", source="mute") == 100  # it never answered
    assert figure(found, "monitor_source_overdue_seconds", source="mute") == 0
    assert counted.failing() == ["agency"]


def test_of_too_many_sources_the_rest_are_shown_as_their_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "MOST", 2)
    monkeypatch.setattr(meters, "MOST", 2)
    counted = counting(NOON)
    for n in range(5):
        counted.visited(Visit(source=f"s{n}", at=NOON, due=NOON, answered=NOON - n * SECOND))

    found = read(counted)
    ages = {
        dict(labels)["source"]: value for (name, labels), value in found.items() if name == "monitor_source_answered_age_seconds"
    }
    visits = {dict(labels)["source"]: value for (name, labels), value in found.items() if name == "monitor_source_visits_total"}
    assert ages == {"s0": 0, "s1": 1, "other": 4}
    assert visits == {"s0": 1, "s1": 1, "other": 3}


# Bounds and escapes


def test_ids_beyond_a_thousand_are_others() -> None:
    counted = counting()
    counted.examined(plan(), [f"r{n}" for n in range(1_200)], [])

    rules = {
        dict(labels)["rule"]: value for (name, labels), value in read(counted).items() if name == "monitor_rule_examined_total"
    }
    assert len(rules) == 1_001
    assert rules["other"] == 200


def test_hostile_ids_stay_labels() -> None:
    counted = counting()
    counted.examined(plan(article=article(source=HOSTILE)), [HOSTILE], [])
    counted.visited(Visit(source=HOSTILE, at=NOON, due=NOON))

    found = read(counted, receivers=(HOSTILE,), rules=1)
    shown = HOSTILE.encode("utf-8", "backslashreplace").decode()
    assert figure(found, "monitor_rule_examined_total", rule=shown) == 1
    assert figure(found, "monitor_source_visits_total", source=shown, result="ok") == 1
    assert figure(found, "monitor_deliveries_waiting", receiver=shown) == 0
    assert figure(found, "monitor_rules") == 1  # not 666


def test_a_bug_in_counting_costs_no_article() -> None:
    counted = counting()
    with capture_logs() as logs:
        counted.examined(None, [], [])  # type: ignore[arg-type]
        counted.visited(None)  # type: ignore[arg-type]
        counted.attempted(None, None, None)  # type: ignore[arg-type]

    assert [one["event"] for one in logs] == ["not counted"] * 3


# The monitor


def test_the_monitor_tells_of_itself() -> None:
    found = read(
        counting(),
        ticks=7,
        tick_age=0.2,
        uptime=5,
        build=("1.0", "3.11"),
        rules=3,
        rules_version="abc",
        stale=True,
        store_bytes=4096,
    )

    assert figure(found, "monitor_ticks_total") == 7
    assert figure(found, "monitor_tick_age_seconds") == 0.2
    assert figure(found, "monitor_uptime_seconds") == 5
    assert figure(found, "monitor_build_info", version="1.0", python="3.11") == 1
    assert figure(found, "monitor_rules_info", version="abc") == 1
    assert (figure(found, "monitor_rules"), figure(found, "monitor_rules_stale")) == (3, 1)
    assert figure(found, "monitor_store_bytes") == 4096
    assert figure(found, "monitor_store_answers") == 1


def test_the_loop_s_lateness_is_a_histogram_of_all_time() -> None:
    lag = Histogram()
    for seconds in (0.0005, 0.002, 0.02, 500.0):
        lag.add(seconds)

    found = read(counting(), lag=lag.coarse(5))
    buckets = [value for (name, _), value in found.items() if name == "monitor_loop_lag_seconds_bucket"]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-2], buckets[-1]) == (2, 3, 4)  # up to 2.44 ms; up to a minute; all
    assert len(buckets) == len(BOUNDS) // 5 + 1
    assert figure(found, "monitor_loop_lag_seconds_count") == 4
    assert figure(found, "monitor_loop_lag_seconds_sum") == pytest.approx(500.0225)


def test_the_content_type_is_the_library_s() -> None:
    assert counting().text(Readings())[1] == "text/plain; version=0.0.4; charset=utf-8"


def test_two_meters_share_nothing() -> None:
    one, other = counting(), counting()
    one.visited(Visit(source="agency", at=NOON, due=NOON))

    assert ("monitor_source_visits_total", (("result", "ok"), ("source", "agency"))) not in read(other)


# In the steps


async def match(articles: Any) -> list[list[Match]]:
    found = Finding(field="body", start=0, end=5, text="Talks")
    return [[Match(rule="talks", article=one.id, findings=(found,))] for one in articles]


async def test_examining_and_ingesting_are_metered() -> None:
    class Paper:
        id = "agency"

        async def fetch(self, _: Cursor) -> Fetched:
            original = Original(url="https://example.org/", at=NOON - SECOND, body=b"")
            return Fetched(articles=(article(body="Talks"),), listed=1, original=original)

    counted, store = counting(), MemoryStore()
    bench = Bench(store=store, match=match, rules={"talks": TALKS}, moment=lambda _: NOON, meter=counted)

    async def accept(articles: Any, original: Any) -> None:
        await steps.examine(articles, original, bench=bench)

    await steps.ingest(Paper(), Round(store=store, accept=accept, clock=lambda: NOON, meter=counted))

    found = read(counted)
    assert figure(found, "monitor_source_visits_total", source="agency", result="ok") == 1
    assert figure(found, "monitor_rule_examined_total", rule="talks") == 1
    assert figure(found, "monitor_rule_suppressed_total", rule="talks", reason="unwanted") == 1
    assert figure(found, "monitor_seen_to_matched_seconds_sum") == 1


async def test_a_failed_visit_is_metered_by_its_kind() -> None:
    class Gone:
        id = "agency"

        async def fetch(self, _: Cursor) -> Fetched:
            raise FetchFailed("410", kind="gone")

    async def accept(*_: Any) -> None:
        raise AssertionError

    counted = counting()
    await steps.ingest(Gone(), Round(store=MemoryStore(), accept=accept, clock=lambda: NOON, meter=counted))

    assert figure(read(counted), "monitor_source_visits_total", source="agency", result="gone") == 1


async def test_rules_that_could_not_be_asked_were_not_asked() -> None:
    async def breaks(articles: Any) -> list[None]:
        return [None for _ in articles]

    counted = counting()
    bench = Bench(store=MemoryStore(), match=breaks, rules={"talks": TALKS}, moment=lambda _: NOON, meter=counted)
    await steps.examine([article(body="Talks")], bench=bench)

    found = read(counted)
    assert ("monitor_rule_examined_total", (("rule", "talks"),)) not in found
    assert figure(found, "monitor_source_articles_total", source="agency") == 1


# The manual


def documented() -> dict[str, tuple[str, str, str]]:
    rows = re.findall(r"^\| `(monitor_\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (kind, labels.strip(), help.strip()) for name, kind, labels, help in rows}


def test_the_manual_and_the_figures_agree() -> None:
    assert documented() == {
        one.name: (one.kind, ", ".join(f"`{label}`" for label in one.labels), one.help) for one in METRICS.values()
    }


def test_the_manual_tells_every_reason() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for word, meaning in SUPPRESSED.items():
        assert f"| `{word}` | {meaning} |" in text


def test_the_manual_s_alerts_ask_for_figures_that_there_are() -> None:
    asked = re.findall(r"^ +expr: (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    names = {name for one in asked for name in re.findall(r"monitor_\w+", one)}

    assert len(asked) >= 5
    assert names <= METRICS.keys()


def test_every_figure_is_named_as_prometheus_wants_it_and_explained() -> None:
    for one in METRICS.values():
        assert re.fullmatch(r"monitor_[a-z_]+", one.name)
        assert (one.kind == "counter") == one.name.endswith("_total")
        assert one.name.endswith("_seconds") or one.kind != "histogram"
        assert one.help.endswith(".")
    assert set(read(counting())) >= {("monitor_ticks_total", ()), ("monitor_rules", ())}


def test_every_family_has_its_help_in_the_answer() -> None:
    text = counting().text(Readings())[0].decode()
    for name in METRICS:
        assert f"# HELP {name} " in text
