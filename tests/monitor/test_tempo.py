"""Whether an alert is told now: `frequency`, `spike`, `sources`, `silence`. The clock is a number of minutes in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import policy, tempo
from monitor.model import Event, Report
from monitor.tempo import bursts, words
from rules import Once, Rule
from rules.rule import Frequency, Sources, Spike

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RULE = Rule(id="talks", title="Talks", when=None, version="abc", level="high")  # type: ignore[arg-type]

THREE = Frequency(at_least=3, within=HOUR)
EACH = Frequency(at_least=2, within=HOUR, per=("place",))
TWICE = Spike(times=2, within=HOUR, against=10 * HOUR)
TWO = Sources(min_independent=2)
LOW = Sources(min_independent=2, single_source_level="low")


def rule(
    *,
    frequency: Frequency | None = None,
    spike: Spike | None = None,
    sources: Sources | None = None,
    silence: timedelta | None = None,
) -> Rule:
    return replace(RULE, frequency=frequency, spike=spike, sources=sources, silence=silence)


def clock(minute: float) -> datetime:
    return NOON + minute * MINUTE


def report(
    article: str,
    minute: float,
    source: str = "tass",
    *,
    late: float = 0,
    event: str = "e",
    change: str = "repeated",
    copy: bool = False,
    place: str | None = None,
    alert: str | None = None,
) -> Report:
    """What an article said that was examined at a minute and published `late` minutes before."""
    return Report(
        event=event,
        rule=RULE.id,
        article=article,
        source=source,
        at=clock(minute),
        published=clock(minute - late),
        change=change,
        copy=copy,
        values={"place": place},
        alert=alert,
    )


def asked(
    asking: Rule,
    earlier: Sequence[Report],
    fresh: Report,
    *,
    event: Event | None = None,
    started: datetime | None = None,
) -> tempo.Verdict:
    """The verdict on one more article."""
    own = [one for one in earlier if one.event == fresh.event]
    return tempo.verdict(asking, own, earlier, [fresh], fresh.at, event=event, started=started)


def told(asking: Rule, reports: Sequence[Report], *, started: datetime | None = None) -> list[Report]:
    """Those, of reports that come one after the other, that are told."""
    return [one for n, one in enumerate(reports) if asked(asking, reports[:n], one, started=started).told]


def minutes(asking: Rule, at: Sequence[float]) -> list[float]:
    """The minutes at which somebody is told, of articles that come at these."""
    return [(one.at - NOON) / MINUTE for one in told(asking, [report(f"a{n}", each) for n, each in enumerate(at)])]


def test_without_time_rules_everything_is_told_at_the_level_of_the_rule() -> None:
    assert asked(RULE, [], report("a", 0)) == tempo.Verdict(told=True, level="high")
    assert tempo.history(RULE, NOON) is None


# frequency


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ((0, 10), ()),
        ((0, 10, 20), (20,)),
        ((0, 30, 60), ()),  # what came exactly an hour ago is out
        ((0, 30, 59), (59,)),
        ((0, 0, 0), (0,)),
        ((0, 10, 20, 30, 40, 50, 60, 70, 80, 90), (20,)),  # it keeps holding
        ((0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200), (40,)),  # at the very rate that holds, just
        ((0, 29, 58, 87, 116, 145), (58,)),
        ((0, 10, 20, 70, 80, 90), (20, 90)),  # it ceased at 60, and had for an hour at 80
        ((0, 10, 20, 65, 70, 75), (20,)),  # it holds again before it had ceased for an hour: the same burst
        ((0, 1, 2, 61, 62, 63), (2, 63)),
        ((0, 10, 20, 500, 510, 520), (20, 520)),
    ],
)
def test_a_frequency_is_told_when_it_is_reached_and_again_after_it_had_ceased(at: tuple[int, ...], told: tuple[int, ...]) -> None:
    assert minutes(rule(frequency=THREE), at) == list(told)


def test_a_frequency_says_which_of_how_many_in_what_time() -> None:
    known = [report("a", 0), report("b", 10)]

    assert asked(rule(frequency=THREE), known[:1], known[1]).why == "the 2nd of 3 within 1 h"
    assert asked(rule(frequency=THREE), known, report("c", 20)) == tempo.Verdict(
        told=True, level="high", why="the 3rd of 3 within 1 h", reached=True
    )
    again = asked(rule(frequency=THREE), [*known, report("c", 20)], report("d", 30))
    assert (again.told, again.why) == (False, "4 within 1 h: the same burst, which had reached 3 before")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (report("c", 20, copy=True), "a copy does not count"),
        (report("a", 20), "the 2nd of 3 within 1 h"),  # an edit: it was counted
        (report("c", 20, late=3 * 60), "the 1st of 3 within 1 h"),  # we were late: it came out hours before
        (report("c", 20, late=25 * 60), "an article that was a day old when it was seen does not count"),
    ],
)
def test_what_does_not_count_for_a_frequency(odd: Report, why: str) -> None:
    known = [report("a", 0), report("b", 10)]
    verdict = asked(rule(frequency=THREE), known, odd)

    assert (verdict.told, verdict.reached, verdict.why) == (False, False, why)
    assert asked(rule(frequency=THREE), [known[0], odd], report("d", 30)).told is False
    assert asked(rule(frequency=THREE), [known[0], report("c", 20)], report("d", 30)).told  # the control


def test_an_outage_of_ours_makes_no_burst_of_what_came_out_hours_apart() -> None:
    apart = [report(f"a{n}", 600, late=100 * n) for n in range(6)]
    together = [report(f"a{n}", 600, late=300 + n) for n in range(6)]

    assert told(rule(frequency=THREE), apart) == []
    assert told(rule(frequency=THREE), together) == [together[2]]
    assert told(rule(frequency=THREE), [replace(one, published=None) for one in apart])  # the control: by when we saw them


def test_the_backlog_of_a_new_feed_is_no_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = [report(f"a{n}", 0, late=25 * 60 + n) for n in range(9)]

    assert told(rule(frequency=THREE), backlog) == []
    monkeypatch.setattr(bursts, "LATE", 9 * DAY)
    assert told(rule(frequency=THREE), backlog)  # the control


def test_an_undated_article_counts_at_the_time_when_it_was_examined() -> None:
    undated = [replace(report(f"a{n}", n), published=None) for n in range(3)]

    assert told(rule(frequency=THREE), undated) == [undated[2]]


def test_articles_of_any_event_count_once_each() -> None:
    known = [report("a", 0, event="x"), report("a", 0, event="y"), report("b", 1, event="z")]

    assert not told(rule(frequency=THREE), known)
    assert asked(rule(frequency=THREE), known, report("c", 2, event="q")).told


def test_a_value_is_counted_by_itself() -> None:
    reports = [
        report("a", 0, place="Malta"),
        report("b", 1, place="Cairo"),
        report("c", 2, place=" MALTA "),
        report("d", 3, place="Malta"),
        report("e", 4, place="Cairo"),
    ]

    assert [one.article for one in told(rule(frequency=EACH), reports)] == ["c", "e"]
    assert asked(rule(frequency=EACH), reports[:1], reports[3]).why == "the 2nd of 2 within 1 h, place Malta"


def test_an_article_without_the_value_counts_for_none() -> None:
    nowhere = [report("a", 0), report("b", 1), report("c", 2, place=" ")]

    assert told(rule(frequency=EACH), nowhere) == []
    assert asked(rule(frequency=EACH), nowhere[:1], nowhere[1]).why == "its place is not known, and counted is by that"


def test_a_value_from_outside_is_cut_in_the_reason() -> None:
    long = "x\n" * 10_000
    verdict = asked(rule(frequency=EACH), [report("a", 0, place=long)], report("b", 1, place=long))

    assert verdict.told
    assert len(verdict.why) < 120
    assert "\n" not in verdict.why


# spike


@pytest.mark.parametrize(
    ("usual", "now", "told", "why"),
    [
        (0, 2, False, "2 within 1 h, where there were none in 10 h; it takes 3 articles"),
        (0, 3, True, "3 within 1 h, where there were none in 10 h"),
        (10, 2, False, "2 times the usual 1 an hour; it takes 3 articles"),
        (10, 3, True, "3 times the usual 1 an hour"),
        (20, 3, False, "1.5 times the usual 2 an hour; it takes 2 times"),
        (13, 3, True, "2.3 times the usual 1.3 an hour"),
        (2, 3, True, "15 times the usual 0.2 an hour"),
    ],
)
def test_a_spike_is_so_many_times_as_many_as_are_usual(usual: int, now: int, told: bool, why: str) -> None:  # noqa: FBT001
    baseline = [report(f"u{n}", -60 - 600 * n / max(usual, 1)) for n in range(usual)]
    rising = [report(f"n{n}", n / 10) for n in range(now)]
    verdict = asked(rule(spike=TWICE), [*baseline, *rising[:-1]], rising[-1])

    assert (verdict.told, verdict.reached, verdict.why) == (told, told, why)


def test_a_spike_is_told_once_while_it_lasts_and_again_after_an_hour_without() -> None:
    calm = [-600 + 60 * n for n in range(10)]
    first = [0, 1, 2, 3, 10, 20, 30, 40, 50]
    second = [200 + n for n in range(6)]

    assert minutes(rule(spike=TWICE), [*calm, *first, *second]) == [2, 203]
    assert minutes(rule(spike=TWICE), [*calm, *first, *[n - 100 for n in second]]) == [2]


def test_a_spike_that_goes_on_says_that_it_is_the_same() -> None:
    known = [report(f"n{n}", n) for n in range(3)]
    verdict = asked(rule(spike=TWICE), known, report("more", 5))

    assert (verdict.told, verdict.why) == (False, "4 within 1 h, where there were none in 10 h: the same spike as before")


def test_a_copy_is_no_spike() -> None:
    known = [report(f"n{n}", n) for n in range(2)]

    assert asked(rule(spike=TWICE), known, report("c", 3, copy=True)).why == "a copy does not count"
    assert not told(rule(spike=TWICE), [*known, *[report(f"c{n}", n, copy=True) for n in range(9)]])


@pytest.mark.parametrize(("minute", "told"), [(1, False), (239, False), (240, True), (1000, True)])
def test_a_young_rule_waits_until_it_knows_what_is_usual(minute: int, told: bool) -> None:  # noqa: FBT001
    known = [report(f"n{n}", minute) for n in range(4)]
    verdict = asked(rule(spike=TWICE), known[:2], known[2], started=NOON)

    assert verdict.told is told
    assert told or verdict.why == "what is usual is not known yet: the rule is too young"
    assert asked(rule(spike=TWICE), known[:2], known[2]).told  # the control: one that was always watched


def test_a_young_rule_is_measured_by_the_time_it_was_watched() -> None:
    busy = [report(f"u{n}", 20 * n) for n in range(12)]  # 3 an hour, for 4 h
    more = [report(f"n{n}", 240 + n) for n in range(4)]
    verdict = asked(rule(spike=TWICE), [*busy, *more[:3]], more[3], started=NOON)

    assert (verdict.told, verdict.why) == (False, "1.8 times the usual 3.3 an hour; it takes 2 times")
    assert told(rule(spike=TWICE), [*busy, *more])  # the control: as if nothing had come in the 6 h before


def test_reports_from_before_the_start_show_that_it_was_watched() -> None:
    reports = [report("old", -700), *[report(f"n{n}", n) for n in range(3)]]

    assert told(rule(spike=TWICE), reports, started=NOON) == [reports[-1]]


# sources


@pytest.mark.parametrize(
    ("earlier", "fresh", "told", "why"),
    [
        ([], report("a", 0, "tass"), False, "1 of 2 independent sources: tass"),
        ([report("a", 0)], report("b", 5), False, "1 of 2 independent sources: tass"),
        ([report("a", 0)], report("b", 5, "bbc-world"), True, "2nd independent source: bbc-world after tass"),
        ([report("a", 0)], report("b", 5, "bbc", copy=True), False, "1 of 2 independent sources: tass; a copy does not count"),
        (
            [report("a", 0), report("b", 1, "bbc", copy=True), report("c", 2, "cnn", copy=True)],
            report("d", 5, "afp"),
            True,
            "2nd independent source: afp after tass",
        ),
        (
            [report("a", 0), report("b", 1, "bbc", copy=True)],
            report("d", 5, "bbc"),
            True,
            "2nd independent source: bbc after tass",
        ),
        ([report("a", 0), report("a", 1, change="retracted")], report("b", 5, "bbc"), False, "1 of 2 independent sources: bbc"),
        ([report("a", 0, "")], report("b", 5, "bbc"), False, "1 of 2 independent sources: bbc"),
        ([report("a", 0, "")], report("b", 5, ""), False, "1 of 2 independent sources: an unnamed source"),
        ([report("a", 0)], report("b", 5, "bbc", late=5000), True, "2nd independent source: bbc after tass"),
    ],
)
def test_an_event_is_told_once_enough_sources_report_it_that_do_not_copy_one_another(
    earlier: list[Report],
    fresh: Report,
    told: bool,  # noqa: FBT001
    why: str,
) -> None:
    verdict = asked(rule(sources=TWO), earlier, fresh)

    assert (verdict.told, verdict.reached, verdict.why) == (told, told, why)


def test_once_enough_sources_report_it_all_that_is_news_is_told_and_nothing_is_reached_again() -> None:
    known = [report("a", 0), report("b", 1, "bbc")]

    assert asked(rule(sources=TWO), known, report("c", 2, "afp")) == tempo.Verdict(
        told=True, level="high", why="independent sources: tass, bbc, afp"
    )


def test_until_then_it_is_told_at_the_level_of_a_single_source() -> None:
    one, two = report("a", 0), report("b", 5, "bbc")
    alone, again, both = (asked(rule(sources=LOW), known, fresh) for known, fresh in (([], one), ([one], one), ([one], two)))

    assert alone == again == tempo.Verdict(told=True, level="low", why="1 of 2 independent sources: tass")
    assert both == tempo.Verdict(told=True, level="high", why="2nd independent source: bbc after tass", reached=True)


def test_other_events_of_the_rule_confirm_nothing() -> None:
    assert not asked(rule(sources=TWO), [report("a", 0, "tass", event="other")], report("b", 1, "bbc")).told


def test_an_article_that_says_it_again_stands_again() -> None:
    turned = [report("a", 0), report("a", 1, change="retracted"), report("a", 2)]

    assert asked(rule(sources=TWO), turned, report("b", 3, "bbc")).told
    assert asked(rule(sources=TWO), [*turned[:2], report("b", 3, "bbc")], report("a", 4)).reached


def test_the_second_source_is_due_though_it_is_coverage() -> None:
    event = Event(id="e", rule=RULE.id, article="a", opened=NOON, seen=NOON, values={}, content="talks", sources=("tass",))
    known, second = [report("a", 0)], report("b", 5, "bbc")

    def reached(asked: Rule, earlier: Sequence[Report], fresh: Report) -> bool:
        return tempo.verdict(asked, earlier, (), [fresh], fresh.at, event=event).reached

    assert reached(rule(sources=TWO), known, second)
    assert reached(rule(sources=LOW), known, second)
    assert not reached(rule(sources=TWO), [*known, second], report("c", 6, "afp"))
    assert not reached(RULE, known, second)


def test_the_last_of_a_frequency_is_due_though_it_is_coverage() -> None:
    event = Event(id="e", rule=RULE.id, article="a", opened=NOON, seen=NOON, values={}, content="talks")
    known = [report("a", 0), report("b", 1, event="other")]
    third = report("c", 2)

    assert tempo.verdict(rule(frequency=THREE), known[:1], known, [third], third.at, event=event).reached
    assert not tempo.verdict(rule(frequency=THREE), known[:1], known[:1], [third], third.at, event=event).reached


@pytest.mark.parametrize(
    ("sources", "reached"),
    [(("tass", "bbc"), False), (("tass",), True)],
    ids=["told long ago", "only one was known"],
)
def test_an_event_that_outlived_its_history_is_not_confirmed_twice(sources: tuple[str, ...], reached: bool) -> None:  # noqa: FBT001
    event = Event(id="e", rule=RULE.id, article="a", opened=clock(-99_999), seen=NOON, values={}, content="", sources=sources)
    known, fresh = [report("n", 0, "tass")], report("m", 1, "afp")

    verdict = asked(rule(sources=TWO), known, fresh, event=event)
    assert (verdict.told, verdict.reached) == (True, reached)
    assert asked(rule(sources=TWO), known, fresh).reached  # the control: nobody said how old it is


@pytest.mark.parametrize("change", ["retracted", "cancelled"])
def test_what_is_taken_back_is_told_to_those_who_were_told(change: str) -> None:
    back = report("a", 5, change=change)
    event = Event(id="e", rule=RULE.id, article="a", opened=NOON, seen=NOON, values={}, content="", sources=("tass",))

    for asking, level in ((rule(sources=LOW), "low"), (rule(frequency=THREE), "high")):
        for known in ([report("a", 0, alert="1")], [report("a", 0)]):
            verdict = asked(asking, known, back)
            assert (verdict.told, verdict.level, verdict.reached) == (known[0].alert is not None, level, False)
    assert asked(rule(sources=TWO), [report("a", 0)], back, event=event).told
    assert (
        asked(rule(sources=TWO), [report("a", 0)], back, event=replace(event, silent=True)).why == "nobody was told of the event"
    )


# Several together


def test_a_burst_and_sources_must_both_be_there() -> None:
    both = rule(frequency=THREE, sources=TWO)
    alone = [report(f"a{n}", n) for n in range(4)]
    second = report("b", 10, "bbc")

    assert told(both, alone) == []
    assert asked(both, alone[:2], alone[2]).why == "1 of 2 independent sources: tass"
    assert asked(both, alone, second).reached
    assert not asked(both, alone[:1], second).told
    assert not asked(both, [*alone, second], report("c", 11, "afp")).told


def test_a_burst_of_one_source_is_told_lower_and_again_when_another_joins() -> None:
    lower = rule(frequency=THREE, sources=LOW)
    reports = [*[report(f"a{n}", n) for n in range(4)], report("b", 10, "bbc"), report("c", 11, "afp")]
    verdicts = [asked(lower, reports[:n], one) for n, one in enumerate(reports)]

    assert [(n, one.level) for n, one in enumerate(verdicts) if one.told] == [(2, "low"), (4, "high")]


# History


@pytest.mark.parametrize(
    ("asking", "back"),
    [
        (rule(frequency=THREE), 2 * HOUR + DAY),
        (rule(spike=TWICE), 12 * HOUR + DAY),
        (rule(sources=TWO), 14 * DAY),
        (replace(rule(sources=TWO), once=Once(within=HOUR)), 7 * DAY),
        (rule(frequency=THREE, sources=TWO), 14 * DAY),
        (rule(silence=DAY), None),
    ],
)
def test_history_goes_back_as_far_as_it_takes(asking: Rule, back: timedelta | None) -> None:
    assert tempo.history(asking, NOON) == (NOON - back if back else None)


def test_a_day_old_is_what_policy_calls_old() -> None:
    assert bursts.LATE == policy.NEWS


# Properties

GAPS = st.lists(st.integers(0, 40), max_size=40)


@given(GAPS, st.integers(2, 5))
def test_no_frequency_is_told_twice_within_one_window_nor_missed(gaps: list[int], at_least: int) -> None:
    asking = rule(frequency=Frequency(at_least=at_least, within=HOUR))
    times = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    tellings = minutes(asking, times)

    assert all(later - earlier >= 60 for earlier, later in pairwise(tellings))
    assert tellings == [t for n, t in enumerate(times) if is_new_burst(times[: n + 1], at_least)]


def is_new_burst(times: Sequence[int], at_least: int) -> bool:
    """The definition, word for word: with the last of them it holds, and for an hour before it did not."""

    def holds(minute: int, known: Sequence[int]) -> bool:
        return sum(minute - 60 < each <= minute for each in known) >= at_least

    *before, last = times
    return holds(last, times) and not any(holds(each, before) for each in before if each > last - 60)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 200)), max_size=30))
def test_late_articles_make_no_frequency_be_told_twice_of_one_window(steps: list[tuple[int, int]]) -> None:
    now = 0
    reports = []
    for n, (gap, late) in enumerate(steps):
        now += gap
        reports.append(report(f"a{n}", now, late=late))
    published = sorted(one.published for one in told(rule(frequency=THREE), reports) if one.published)

    assert all(later - earlier >= HOUR for earlier, later in pairwise(published))


@given(GAPS)
def test_no_spike_is_told_twice_within_one_window(gaps: list[int]) -> None:
    tellings = minutes(rule(spike=TWICE), [sum(gaps[: n + 1]) for n in range(len(gaps))])

    assert all(later - earlier >= 60 for earlier, later in pairwise(tellings))


REPORTS = st.lists(
    st.builds(
        report,
        st.sampled_from("abcdefgh"),
        st.integers(0, 3).map(lambda n: n * 20),
        st.sampled_from(["tass", "bbc", "afp", ""]),
        copy=st.booleans(),
        place=st.sampled_from([None, "Malta", "Cairo"]),
        change=st.sampled_from(["repeated", "repeated", "retracted"]),
        event=st.sampled_from(["e", "f"]),
    ),
    max_size=12,
)
RULES = st.builds(
    rule,
    frequency=st.sampled_from([None, THREE, EACH]),
    spike=st.sampled_from([None, TWICE]),
    sources=st.sampled_from([None, TWO, LOW]),
)


@given(REPORTS, st.integers(2, 4))
def test_nobody_is_told_of_what_fewer_sources_say_in_their_own_words(reports: list[Report], number: int) -> None:
    asking = rule(sources=Sources(min_independent=number))
    for n, one in enumerate(reports):
        said = {each.source for each in reports[: n + 1] if each.event == one.event and not each.copy}
        if one.change != "retracted" and asked(asking, reports[:n], one).told:
            assert len(said - {""}) >= number


@given(RULES, REPORTS, st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_does_not_matter(asking: Rule, reports: list[Report], chance: Any) -> None:
    fresh = report("new", 60, "cnn", place="Malta")
    shuffled = list(reports)
    chance.shuffle(shuffled)

    assert asked(asking, shuffled, fresh) == asked(asking, reports, fresh)


@given(RULES, REPORTS, st.booleans())
def test_what_is_due_is_told_and_whatever_is_not_told_says_why(asking: Rule, reports: list[Report], copy: bool) -> None:  # noqa: FBT001
    verdict = asked(asking, reports, report("new", 60, "cnn", copy=copy, place="Malta"))

    assert verdict.told or not verdict.reached
    assert verdict.told or verdict.why


class Counted(datetime):
    """A time that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: Any) -> bool:
        Counted.compared += 1
        return super().__lt__(other)

    def __le__(self, other: Any) -> bool:
        Counted.compared += 1
        return super().__le__(other)


def comparisons(asking: Rule, count: int) -> int:
    first = Counted(2026, 7, 1, tzinfo=UTC)
    reports = [replace(report(f"a{n}", 0), at=first + n * MINUTE, published=None) for n in range(count)]
    Counted.compared = 0
    asked(asking, reports, replace(report("new", 0), at=first + count * MINUTE, published=None))
    return Counted.compared


@pytest.mark.parametrize("asking", [rule(frequency=THREE), rule(spike=TWICE), rule(sources=TWO)])
def test_the_work_grows_with_the_number_of_reports(asking: Rule) -> None:
    assert 0 < comparisons(asking, 2000) < 2.5 * comparisons(asking, 1000)


# silence

SILENT = rule(silence=DAY)


@pytest.mark.parametrize(
    ("last", "told", "hours", "expected"),
    [
        (None, None, 23, None),
        (None, None, 24, "silent"),
        (0, None, 24, "silent"),
        (10, None, 33, None),
        (10, None, 34, "silent"),
        (-500, None, 23, None),  # nobody looked before
        (10, 34, 35, None),
        (10, 34, 500, None),
        (None, 24, 500, None),
        (40, 34, 41, "recovered"),
        (34, 34, 34, "recovered"),
        (40, 34, 70, None),  # it had matched, and is silent again
        (40, None, 41, None),
        (50, None, 41, None),  # a clock that went back
    ],
)
def test_somebody_is_told_of_a_silence(last: int | None, told: int | None, hours: int, expected: str | None) -> None:
    def hour(number: int | None) -> datetime | None:
        return None if number is None else NOON + number * HOUR

    assert tempo.silence(SILENT, hour(last), NOON, hour(told), NOON + hours * HOUR) == expected


def test_a_rule_that_may_be_silent_is_never_told() -> None:
    assert tempo.silence(RULE, None, NOON, None, NOON + 9999 * DAY) is None


@given(st.lists(st.integers(1, 60), max_size=20))
def test_each_silence_is_told_once_and_so_is_its_end(gaps: list[int]) -> None:
    matches = {sum(gaps[: n + 1]) for n in range(len(gaps))}
    last: datetime | None = None
    known: datetime | None = None
    said = []
    for now in (NOON + n * HOUR for n in range(sum(gaps) + 60)):
        last = now if (now - NOON) // HOUR in matches else last
        if word := tempo.silence(SILENT, last, NOON, known, now):
            said.append(word)
            known = now if word == "silent" else None

    silences = sum(gap > 24 for gap in gaps) + 1
    assert said == (["silent", "recovered"] * silences)[: 2 * silences - 1]


# Words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([words.nth(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)], "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th"),
        ([words.figure(n) for n in (0, 0.001, 0.05, 1, 4.16, 12.7, 1234.0)], "0 less than 0.01 0.05 1 4.2 12.7 1234"),
        ([words.listed(["a"]), words.listed(list("abcde"))], "a a, b, c and 2 more"),
        ([words.rate(HOUR), words.rate(6 * HOUR)], "an hour in 6 h"),
    ],
)
def test_numbers_are_put_in_words(said: list[str], expected: str) -> None:
    assert " ".join(said) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(0.5, "30 s"), (90, "90 min"), (60, "1 h"), (36 * 60, "36 h"), (2880, "2 d")])
def test_a_length_of_time_is_in_the_largest_unit_that_fits(minutes: float, expected: str) -> None:
    assert words.length(minutes * MINUTE) == expected
