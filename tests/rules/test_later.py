"""An event that is called off: told of what is known, never news of its own."""

from __future__ import annotations

import pytest
from writing import article, rule, values

from rules import Article, Finding, RuleSet

NEWS = rule(
    "mention: {of: [summit, talks, peace conference, visit, meet], between: states, time: upcoming, status: [planned, proposed],"
    " with: [date, place, ordinal, parties]}"
)
DAY = "2026-05-13"  # a Wednesday


def later(told: Article | str, ruleset: RuleSet = NEWS) -> tuple[Finding, ...]:
    """What the article calls off."""
    one = article(told, day=DAY) if isinstance(told, str) else told
    return tuple(finding for match in ruleset.match(one, ended=True) for finding in match.later)


OFF = [
    ("The summit planned for Malta was called off on Tuesday.", {"place": "Malta", "date": None}),
    ("Norway has cancelled next month's peace conference in Bergen.", {"place": "Bergen", "date": "2026-06-01/2026-06-30"}),
    ("Kenya has scrapped plans to host a summit of the two presidents in Nairobi.", {"place": "Nairobi"}),
    ("The Bern summit set for June 12 will not take place after all, the Swiss hosts said.", {"date": "2026-06-12"}),
    ("Plans for a peace conference in Lisbon have collapsed.", {"place": "Lisbon"}),
    ("Plans for talks between Ghana and Togo in Accra fell through on Monday.", {"place": "Accra", "parties": "Ghana, Togo"}),
    ("Malta said it would no longer host the summit in Valletta.", {"place": "Valletta"}),
    ("Qatar pulled out of hosting the peace talks in Doha.", {"place": "Doha"}),
    ("The presidents of Ghana and Togo will not meet in Lome after all, both offices said.", {"place": "Lome"}),
    ("The talks in Muscat, scheduled for May 20, have been scrapped.", {"place": "Muscat", "date": "2026-05-20"}),
    ("Swiss officials axe Bern peace summit", {"place": "Bern"}),
    ("The Oslo summit between Ghana and Togo is off, both sides say.", {"place": "Oslo"}),
    ("Friday's summit in Dublin won't go ahead, Ireland said.", {"place": "Dublin"}),
    ("Finland has withdrawn its offer to host peace talks in Helsinki.", {"place": "Helsinki"}),
    ("The second summit was abandoned by its host, Kenya.", {"ordinal": "2"}),
    ("Ireland ruled out hosting the talks in Dublin next week.", {"place": "Dublin", "date": "2026-05-18/2026-05-24"}),
    ("After Togo rejected a truce, Ghana called off the talks in Accra.", {"place": "Accra"}),
    ("Togo has decided to cancel the talks in Lome.", {"place": "Lome"}),
    ("Togo announced the cancellation of its summit with Ghana.", {"parties": "Togo, Ghana"}),
]
ON = [
    "Ghana denied reports that the Accra summit had been called off.",
    "Reports that the Accra summit has been cancelled are false, the ministry said.",
    "The Accra summit has not been cancelled, the ministry said.",
    "The Accra summit will not be cancelled, the ministry said.",
    "There are no plans to cancel the Accra summit, the ministry said.",
    "Ghana refused to call off the Accra summit.",
    "A summit in Minsk was cancelled in 2019.",
    "A summit in Minsk was called off four years ago.",
    "Last year's summit in Accra was cancelled over the floods.",
    "A similar summit in Lome was called off.",
    "Togo threatened to cancel the summit in Accra.",
    "Togo may cancel the summit in Accra on June 12.",
    "If the shelling goes on, the Accra summit will be cancelled, Ghana warned.",
    "The Accra summit will be cancelled unless the shelling stops, Ghana said.",
    "Protesters want the Accra summit cancelled.",
    "Senators urged Ghana to call off the Accra summit on June 12.",
    "Cancel the Accra summit.",
    "Will the Accra summit be cancelled?",
    "It is unclear whether the Accra summit was called off.",
    "The Accra summit was nearly called off on Monday.",
    "The Accra summit, cancelled last week, is on again for June 12.",
    "Togo ruled out a summit in Accra.",
    "Togo will not attend the summit in Accra on June 12.",
    "The summit in Accra will not take place before June 12.",
    "The talks in Accra collapsed on Monday without an agreement.",
    "A football match was cancelled ahead of the summit in Accra.",
    "Ghana cancelled a naval exercise before the Accra summit.",
    "Ghana cancelled a speech at the summit in Accra.",
    "Ghana scraps Accra summit statement",
    "The union and the airline called off wage talks in Oslo.",
]
POSTPONED = [
    "The Accra summit has been postponed until July 3.",
    "The Accra summit has been postponed, Ghana said.",
    "The talks in Accra have been put off indefinitely.",
]


@pytest.mark.parametrize(("text", "known"), OFF)
def test_what_is_called_off_is_told_apart_from_news(text: str, known: dict[str, str | None]) -> None:
    found = later(text)
    assert [one.labels["status"] for one in found] == ["cancelled"]
    assert {key: values(found[0])[key] for key in known} == known
    assert NEWS.match(article(text, day=DAY)) == []


@pytest.mark.parametrize("text", ON)
def test_what_is_not_said_to_be_off_is_not(text: str) -> None:
    assert later(text) == ()


@pytest.mark.parametrize("text", POSTPONED)
def test_what_is_put_off_is_not_called_off(text: str) -> None:
    assert later(text) == ()


def test_a_headline_calls_off_in_a_word() -> None:
    (one,) = later(article(title="Oslo summit between Ghana and Togo off", day=DAY))
    assert (one.field, one.captures["place"], one.hits[-1].text) == ("title", "Oslo", "off")


def test_a_match_without_findings_comes_only_where_it_is_asked_for() -> None:
    told = article("The summit planned for Malta was called off on Tuesday.", day=DAY)
    assert NEWS.match(told) == []
    (match,) = NEWS.match(told, ended=True)
    assert (match.rule, match.findings, len(match.later)) == ("it", (), 1)


def test_what_is_called_off_stands_beside_what_is_announced() -> None:
    told = article("The summit in Malta was called off. Ghana and Togo will hold talks in Oslo on Friday.", day=DAY)
    (match,) = NEWS.match(told, ended=True)
    assert [one.captures["place"] for one in match.findings] == ["Oslo"]
    assert [one.captures["place"] for one in match.later] == ["Malta"]
    assert match.findings == NEWS.match(told)[0].findings


def test_the_words_that_call_it_off_are_highlighted_where_they_stand() -> None:
    told = article("The summit planned for Malta was called off on Tuesday.", day=DAY)
    (one,) = later(told)
    assert [hit.text for hit in one.hits] == ["summit", "Malta", "called off"]
    assert all(told.text(hit.field)[hit.start : hit.end] == hit.text for hit in one.hits)


def test_it_must_be_as_specific_as_the_rule_asks() -> None:
    assert later("The summit was called off.") == ()


@pytest.mark.parametrize(
    ("mention", "asked"),
    [
        ("{of: summit, time: upcoming, status: [planned, proposed]}", True),
        ("{of: summit, time: upcoming}", True),
        ("{of: summit, status: proposed}", True),
        ("{of: summit, time: past}", False),
        ("{of: summit, status: held}", False),
        ("{of: talks, time: upcoming}", False),
    ],
)
def test_only_rules_on_what_lies_ahead_hear_that_it_is_off(mention: str, *, asked: bool) -> None:
    assert bool(later("The summit in Malta was called off.", rule(f"mention: {mention}"))) is asked


def test_a_rule_on_cancellations_finds_them_as_ever() -> None:
    one = rule("mention: {of: summit, status: cancelled}")
    (match,) = one.match(article("The summit in Malta was called off.", day=DAY), ended=True)
    assert (len(match.findings), match.later) == (1, ())


SUMMIT = "{of: summit, time: upcoming, status: planned}"


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        (f"all: [mention: {SUMMIT}, Tuesday]", True),
        (f"all: [mention: {SUMMIT}, Friday]", False),
        (f"mention: {SUMMIT}\nnone: [Tuesday]", False),
        (f"mention: {SUMMIT}\nnone: [Friday]", True),
        (f"any: [mention: {SUMMIT}, Friday]", True),
        (f"body: {{mention: {SUMMIT}}}", True),
        (f"title: {{mention: {SUMMIT}}}", False),
        (f"sentence: {{mention: {SUMMIT}, all: [Tuesday]}}", True),
        (f"at_least: {{count: 2, of: [mention: {SUMMIT}, Tuesday, Friday]}}", True),
        (f"at_least: {{count: 3, of: [mention: {SUMMIT}, Tuesday, Friday]}}", False),
        (f"none: [mention: {SUMMIT}]\nall: [Friday]", False),
    ],
)
def test_whatever_else_a_rule_asks_must_hold(when: str, *, asked: bool) -> None:
    told = article("The summit in Malta was called off on Tuesday.", title="From the capitals", day=DAY)
    assert bool(later(told, rule(when))) is asked


def test_labels_and_captures_come_as_with_any_finding() -> None:
    one = rule(f"mention: {SUMMIT}\ncapture: {{host: [Malta]}}", labels="{by: {storm: [storm], war: [war]}}")
    (found,) = later("The summit in Malta was called off over the storm.", one)
    assert (found.captures["host"], found.labels["by"], found.labels["status"]) == ("Malta", "storm", "cancelled")


def test_words_alone_call_nothing_off() -> None:
    assert later("The summit was called off.", rule("[summit]")) == ()
