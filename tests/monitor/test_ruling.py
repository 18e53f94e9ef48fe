"""What one rule makes of one article: what opens, changes and ends events, what waits, what is hushed, and what the alert says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor import identity, novelty
from monitor.model import Alert, Event, Hush, Ledger, Report
from monitor.ruling import Ruling, ruling
from rules import Article, Finding, Match, Once, Rule
from rules.rule import Frequency, Sources, Spike

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PLACE = Once(per=("place",), update_on=("status",))
TWO = Sources(min_independent=2)
LOW = Sources(min_independent=2, single_source_level="low")
FLOODS = ("barges", "pumps", "sandbags", "boats", "roofs", "dikes")


def rule(**changes: Any) -> Rule:
    return replace(
        Rule(id="talks", title="Talks: {place}", when=None, version="abc", level="high", once=PLACE),  # type: ignore[arg-type]
        **changes,
    )


def talks(place: str, status: str = "planned", start: int = 0) -> Finding:
    text = f"Talks in {place} are {status}."
    return Finding(
        field="body", start=start, end=start + len(text), text=text, captures={"place": place}, labels={"status": status}
    )


def article(name: str, text: str | None = None, minute: float = 0) -> Article:
    """Of the source that has the first letter of its name."""
    body = text or " ".join(f"{name} {word} {number}" for number, word in enumerate(FLOODS))
    return Article(id=name, title=f"Story {name}", body=body, source=name[0], published=NOON + minute * MINUTE)


@dataclass
class Desk:
    """Rules article after article, and keeps what is ruled."""

    rule: Rule = field(default_factory=rule)
    events: dict[str, Event] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    hushes: tuple[Hush, ...] = ()
    seen: set[str] = field(default_factory=set)
    minute: int = -1

    def says(
        self,
        name: str,
        *found: Finding,
        off: tuple[Finding, ...] = (),
        held: str | None = None,
        text: str | None = None,
        minute: float | None = None,
    ) -> Ruling:
        """What is made of an article, a minute after the one before; of a known name, it is an edit."""
        self.minute += 1
        one = article(name, text, self.minute if minute is None else minute)
        match = Match(rule=self.rule.id, article=name, findings=found, later=off) if found or off else None
        made = ruling(self.look(one), self.rule, match, self.ledger(), held=held, wakes=held is None)
        self.seen.add(name)
        self.events |= {event.id: event for event in made.events}
        self.reports += made.reports
        return made

    def look(self, one: Article) -> novelty.Look:
        sketch, at = identity.sketch(identity.substance(one)), NOON + self.minute * MINUTE
        return novelty.Look(
            article=one, first_seen=at, edited=one.id in self.seen, revision=f"r{self.minute}", sketch=sketch, at=at
        )

    def ledger(self) -> Ledger:
        return Ledger(events=tuple(self.events.values()), reports=tuple(self.reports), hushes=self.hushes)

    @property
    def event(self) -> Event:
        """The only one there is."""
        (one,) = self.events.values()
        return one

    def hush(self, target: str) -> None:
        self.hushes = (Hush(target=target, until=NOON + HOUR, since=NOON, reason="we read it live"),)


def alert(made: Ruling) -> Alert:
    assert made.alert is not None
    return made.alert


def told(made: Ruling) -> str | None:
    """The kind of what is told now; None: nobody is."""
    return made.alert.kind if made.alert and made.alert.held is None else None


# Retracted


def test_an_edit_after_which_the_rule_no_longer_holds_takes_its_event_back() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("a", text="The harbour was quiet.")

    (report,) = made.reports
    assert (alert(made).kind, alert(made).title, alert(made).level, alert(made).held) == (
        "retracted",
        "Talks: Malta",
        "high",
        None,
    )
    assert desk.event.ended == "retracted"
    assert (report.change, report.why, report.alert) == ("retracted", "a no longer says so", alert(made).id)
    assert [one.event for one in alert(made).sightings] == [desk.event.id]


@pytest.mark.parametrize("held", ["draft", "backlog"])
def test_what_nobody_was_told_of_is_taken_back_in_silence(held: str) -> None:
    desk = Desk()
    desk.says("a", talks("Malta"), held=held)
    made = desk.says("a", text="The harbour was quiet.")

    assert made.alert is None
    assert desk.event.ended == "retracted"
    assert [one.alert for one in made.reports] == [None]


def test_the_event_stands_while_another_source_says_it_in_words_of_its_own() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("b", talks("Malta"))
    made = desk.says("a", text="The harbour was quiet.")

    assert made.alert is None
    assert desk.event.ended is None
    assert [(one.change, one.why) for one in made.reports] == [("retracted", "a no longer says so; b still do")]


def test_a_copy_keeps_no_event_alive() -> None:
    desk = Desk()
    words = article("a").body
    desk.says("a", talks("Malta"), text=words)
    desk.says("b", talks("Malta"), text=f"{words} By our desk.")
    assert [one.copy for one in desk.reports] == [False, True]

    assert told(desk.says("a", text="The harbour was quiet.")) == "retracted"


def test_the_last_who_said_it_takes_it_back_for_all() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("b", talks("Malta"))
    kinds = [told(desk.says(name, text="The harbour was quiet.")) for name in ("b", "a")]

    assert kinds == [None, "retracted"]
    assert desk.event.ended == "retracted"


def test_what_is_taken_back_is_taken_back_once() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("b", talks("Malta"))
    desk.says("a", text="The harbour was quiet.")
    assert desk.says("a", text="The harbour was quiet, we said.") == Ruling()

    desk.says("b", text="The market was quiet.")
    assert desk.says("b", text="The market was quiet, we said.") == Ruling()


def test_what_is_said_again_after_all_is_an_update() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("a", text="The harbour was quiet.")
    made = desk.says("a", talks("Malta"))

    assert told(made) == "update"
    assert desk.event.ended is None
    assert told(desk.says("a", text="The harbour was quiet once more.")) == "retracted"


def test_an_edit_that_says_something_else_instead_opens_one_event_and_ends_the_other_in_one_alert() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("a", talks("Riga"), text="Riga it is, by plane, on Sunday, with twelve guests.")

    assert (told(made), alert(made).title) == ("new", "Talks: Riga")
    assert [desk.events[one.event].values["place"] for one in alert(made).sightings] == ["Riga", "Malta"]
    assert sorted(str(one.ended) for one in desk.events.values()) == ["None", "retracted"]


def test_an_article_that_never_said_it_takes_nothing_back() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.seen.add("b")
    assert desk.says("b", text="The harbour was quiet.") == Ruling()


# Called off


def test_a_later_article_that_calls_it_off_is_told() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("b", off=(talks("Malta", "cancelled"),))

    (report,) = made.reports
    assert (told(made), alert(made).title) == ("cancelled", "Talks: Malta")
    assert (desk.event.ended, desk.event.values["status"]) == ("cancelled", "cancelled")
    assert (report.change, report.alert) == ("cancelled", alert(made).id)
    assert report.why.startswith("joined: same place (Malta)")
    assert desk.event.sources == ("a", "b")


@pytest.mark.parametrize("held", ["draft", "backlog"])
def test_of_an_event_that_nobody_was_told_of_it_is_not_told_that_it_is_off(held: str) -> None:
    desk = Desk()
    desk.says("a", talks("Malta"), held=held)
    made = desk.says("b", off=(talks("Malta", "cancelled"),))

    assert made.alert is None
    assert desk.event.ended == "cancelled"


def test_what_was_not_known_cannot_be_called_off() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("b", off=(talks("Riga", "cancelled"),))

    assert made == Ruling()
    assert desk.event.ended is None


def test_that_it_is_off_is_told_once() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    kinds = [told(desk.says(name, off=(talks("Malta", "cancelled"),))) for name in ("b", "c", "d")]
    assert kinds == ["cancelled", None, None]


def test_the_summit_is_back_on() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("b", off=(talks("Malta", "cancelled"),))
    made = desk.says("c", talks("Malta"))

    assert told(made) == "update"
    assert (desk.event.ended, desk.event.values["status"]) == (None, "planned")
    assert told(desk.says("d", off=(talks("Malta", "cancelled"),))) == "cancelled"


def test_what_was_written_before_it_was_off_does_not_bring_it_back() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.says("b", off=(talks("Malta", "cancelled"),))
    made = desk.says("c", talks("Malta"), minute=0)

    assert made.alert is None
    assert desk.event.ended == "cancelled"


def test_an_edit_that_calls_off_what_its_article_announced_is_cancelled_not_retracted() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("a", off=(talks("Malta", "cancelled"),), text="It is off.")

    assert told(made) == "cancelled"
    assert [one.change for one in made.reports] == ["cancelled"]


def test_one_article_may_call_one_thing_off_and_announce_another() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("b", talks("Riga"), off=(talks("Malta", "cancelled", start=50),))

    assert (told(made), alert(made).title) == ("new", "Talks: Riga")
    assert [one.finding.labels["status"] for one in alert(made).sightings] == ["planned", "cancelled"]


# Time rules


def test_what_waits_for_a_second_source_is_recorded_and_says_what_for() -> None:
    desk = Desk(rule(sources=TWO))
    made = desk.says("a", talks("Malta"))

    assert (alert(made).kind, alert(made).held) == ("new", "waits: 1 of 2 independent sources: a")
    assert desk.event.silent
    assert alert(made).sightings[0].why.endswith("; 1 of 2 independent sources: a")


def test_the_second_independent_source_catches_up_and_the_third_is_coverage() -> None:
    desk = Desk(rule(sources=TWO))
    desk.says("a", talks("Malta"))
    second, third = desk.says("b", talks("Malta")), desk.says("c", talks("Malta"))

    assert (told(second), alert(second).level) == ("new", "high")
    assert [(one.event, one.why.split("; ")[1]) for one in alert(second).sightings] == [
        (desk.event.id, "2nd independent source: b after a")
    ]
    assert third.alert is None
    assert not desk.event.silent


def test_a_copy_is_no_second_source() -> None:
    desk = Desk(rule(sources=TWO))
    words = article("a").body
    desk.says("a", talks("Malta"), text=words)
    copied = desk.says("b", talks("Malta"), text=f"{words} By our desk.")

    assert told(copied) is None
    assert desk.event.silent
    assert told(desk.says("c", talks("Malta"))) == "new"


def test_one_source_is_told_low_and_the_second_lifts_it_to_the_rules_level() -> None:
    desk = Desk(rule(sources=LOW))
    first, second = desk.says("a", talks("Malta")), desk.says("b", talks("Malta"))

    assert (told(first), alert(first).level) == ("new", "low")
    assert (told(second), alert(second).level) == ("update", "high")
    assert desk.says("c", talks("Malta")).alert is None


@pytest.mark.parametrize(("sources", "level"), [(("a",), "low"), (("a", "b"), "high")])
def test_that_it_is_off_is_told_at_the_level_that_the_event_had(sources: tuple[str, ...], level: str) -> None:
    desk = Desk(rule(sources=LOW))
    for name in sources:
        desk.says(name, talks("Malta"))
    made = desk.says("z", off=(talks("Malta", "cancelled"),))
    assert (told(made), alert(made).level) == ("cancelled", level)


def test_that_it_is_taken_back_is_told_at_the_level_that_the_event_had() -> None:
    desk = Desk(rule(sources=LOW))
    desk.says("a", talks("Malta"))
    made = desk.says("a", text="The harbour was quiet.")
    assert (told(made), alert(made).level) == ("retracted", "low")


def test_what_still_waits_is_called_off_in_silence() -> None:
    desk = Desk(rule(sources=TWO))
    desk.says("a", talks("Malta"))
    assert desk.says("b", off=(talks("Malta", "cancelled"),)).alert is None


def test_what_still_waits_is_taken_back_in_silence() -> None:
    desk = Desk(rule(sources=TWO))
    desk.says("a", talks("Malta"))
    assert desk.says("a", text="The harbour was quiet.").alert is None


def test_the_third_of_three_is_told_and_no_other() -> None:
    desk = Desk(rule(frequency=Frequency(at_least=3, within=HOUR)))
    made = [desk.says(name, talks("Malta")) for name in "abcde"]

    assert [told(one) for one in made] == [None, None, "new", None, None]
    assert alert(made[0]).held == "waits: the 1st of 3 within 1 h"
    assert alert(made[1]).held == "waits: the 2nd of 3 within 1 h"
    assert [one.alert for one in made[3:]] == [None, None]


def test_a_rule_that_is_young_does_not_know_what_is_usual() -> None:
    desk = Desk(rule(spike=Spike(times=2, within=HOUR, against=10 * HOUR)))
    desk.says("a", talks("Malta"))
    started = {"talks": NOON}
    one = article("b", minute=1)
    match = Match(rule="talks", article="b", findings=(talks("Riga"),))
    made = ruling(desk.look(one), desk.rule, match, replace(desk.ledger(), started=started), held=None, wakes=True)
    assert alert(made).held == "waits: what is usual is not known yet: the rule is too young"


def test_a_draft_waits_for_nothing_and_is_a_draft() -> None:
    desk = Desk(rule(sources=TWO))
    desk.says("a", talks("Malta"), held="draft")
    assert alert(desk.says("b", talks("Malta"), held="draft")).held == "draft"


def test_what_waits_beside_what_is_told_is_not_said_to_be_told() -> None:
    desk = Desk(rule(sources=TWO))
    desk.says("a", talks("Malta"))
    made = desk.says("b", talks("Malta"), talks("Riga", start=50))

    assert told(made) == "new"
    assert [desk.events[one.event].values["place"] for one in alert(made).sightings] == ["Malta"]
    assert {desk.events[one.event].values["place"]: one.alert is not None for one in made.reports} == {
        "Malta": True,
        "Riga": False,
    }


# Silenced


@pytest.mark.parametrize("target", ["rule:talks", "source:a"])
def test_what_is_silenced_is_recorded_with_the_reason(target: str) -> None:
    desk = Desk()
    desk.hush(target)
    made = desk.says("a", talks("Malta"))

    assert alert(made).held == "silenced until 13:00 UTC: we read it live"
    assert alert(made).kind == "new"


def test_of_a_silenced_event_no_update_is_told_and_of_others_all() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    desk.hush(f"event:{desk.event.id}")
    quiet = desk.says("b", talks("Malta", "proposed"))
    both = desk.says("c", talks("Malta", "confirmed"), talks("Riga", start=50))

    assert (alert(quiet).kind, alert(quiet).held) == ("update", "silenced until 13:00 UTC: we read it live")
    assert told(both) == "new"


def test_a_silence_that_is_over_holds_nothing() -> None:
    desk = Desk(minute=60)
    desk.hush("rule:talks")
    assert told(desk.says("a", talks("Malta"))) == "new"


def test_a_draft_that_is_silenced_is_a_draft() -> None:
    desk = Desk()
    desk.hush("rule:talks")
    assert alert(desk.says("a", talks("Malta"), held="draft")).held == "draft"


# Several events in one article, and what the alert is called


def test_one_article_on_two_events_is_one_alert_called_after_the_first() -> None:
    desk = Desk()
    made = desk.says("a", talks("Malta"), talks("Riga", start=50))

    assert (told(made), alert(made).title) == ("new", "Talks: Malta")
    assert len({one.event for one in alert(made).sightings}) == len(desk.events) == 2
    assert {one.alert for one in made.reports} == {alert(made).id}


def test_of_what_is_known_already_an_alert_on_something_else_says_nothing() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("b", talks("Malta"), talks("Riga", start=50))

    assert (told(made), alert(made).title) == ("new", "Talks: Riga")
    assert [one.finding.captures["place"] for one in alert(made).sightings] == ["Riga"]
    assert [(one.change, one.alert is not None) for one in made.reports] == [("repeated", False), ("opened", True)]


def test_an_update_and_something_new_are_new_with_the_findings_in_the_matchs_order() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"))
    made = desk.says("b", talks("Malta", "confirmed"), talks("Riga", start=50))

    assert (told(made), alert(made).title) == ("new", "Talks: Malta")
    assert [one.finding.captures["place"] for one in alert(made).sightings] == ["Malta", "Riga"]


def test_an_update_is_called_after_what_changed() -> None:
    desk = Desk(rule(title="{place}: {status}"))
    assert alert(desk.says("a", talks("Malta"))).title == "Malta: planned"
    assert alert(desk.says("b", talks("Malta", "confirmed"))).title == "Malta: confirmed"
    assert alert(desk.says("c", off=(talks("Malta", "cancelled"),))).title == "Malta: cancelled"


def test_what_is_taken_back_is_called_after_what_was_known() -> None:
    desk = Desk(rule(title="{place}: {status}"))
    desk.says("a", talks("Malta"))
    assert alert(desk.says("a", text="The harbour was quiet.")).title == "Malta: planned"


def test_two_events_that_one_edit_takes_back_are_one_alert() -> None:
    desk = Desk()
    desk.says("a", talks("Malta"), talks("Riga", start=50))
    made = desk.says("a", text="The harbour was quiet.")

    assert told(made) == "retracted"
    assert [one.finding.captures["place"] for one in alert(made).sightings] == ["Malta", "Riga"]


def test_an_alert_keeps_what_the_rule_was() -> None:
    made = alert(Desk(rule(tags=("diplomacy",), level="critical")).says("a", talks("Malta")))
    assert (made.rule, made.rule_title, made.level, made.version, made.tags) == (
        "talks",
        "Talks: {place}",
        "critical",
        "abc",
        ("diplomacy",),
    )
