"""How sure an event is, class by class of doubt; every denial beside the same words that deny something else."""

from __future__ import annotations

import pytest
from writing import article, findings, rule

ANY = rule("mention: {of: [summit, talks, meeting, meet, gather]}")
DAY = "2026-05-13"  # a Wednesday


def status(text: str) -> str | None:
    """The status of the first event of a text."""
    return findings(ANY, article(text, day=DAY))[0].labels["status"]


@pytest.mark.parametrize(
    "text",
    [
        "The Kremlin ruled out a summit in June.",
        "There will be no summit in June.",
        "A summit in June is out of the question.",
        "The summit will not take place in June.",
        "Neither side plans a summit in June.",
        "He is not going to meet her in June.",
        "Ghana denied reports that a summit would be held in June.",
        "Reports of a summit in June are pure invention.",
    ],
)
def test_a_denial_rules_out_what_it_governs(text: str) -> None:
    assert status(text) == "ruled-out"


@pytest.mark.parametrize(
    "text",
    [
        "The Kremlin ruled out concessions before the summit in June.",
        "Having ruled it out in March, she will now meet him in Accra on Friday.",
        "He has no plans to speak at the summit, which will be held in June.",
        "Ghana is not ruling out a visit before the talks, which open in Accra on Friday.",
        "Ghana denies a rift as ministers prepare to meet in Accra on Friday.",
        "The summit, which was not called off, will be held in June.",
    ],
)
def test_a_denial_of_something_else_leaves_the_event_planned(text: str) -> None:
    assert status(text) == "planned"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The summit was called off.", "cancelled"),
        ("The summit has been postponed indefinitely.", "cancelled"),
        ("The summit was to have taken place in May.", "cancelled"),
        ("The summit has been postponed until June 12.", "planned"),
        ("The summit has been put off because of floods and will now open on June 12.", "planned"),
        ("After two postponements the summit will open on June 12.", "planned"),
    ],
)
def test_what_is_called_off_is_told_from_what_is_moved(text: str, expected: str) -> None:
    assert status(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("If the truce holds, a summit will be held in June.", "hypothetical"),
        ("Were the two to hold a summit, it would be their first.", "hypothetical"),
        ("A summit could one day be held in Accra.", "hypothetical"),
        ("It is unclear whether a summit will be held.", "hypothetical"),
        ("Will they hold a summit?", "hypothetical"),
        ("Even if the truce fails, a summit will be held in June.", "planned"),
        ("It is unclear whether she will attend the summit that Ghana is to host in June.", "planned"),
        ("Who will speak when the ministers meet on Friday?", "planned"),
    ],
)
def test_conditions_and_questions_are_told_from_those_about_something_else(text: str, expected: str) -> None:
    assert status(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ghana offered to host talks in Accra in June.", "proposed"),
        ("Ghana has agreed to host talks in Accra in June.", "planned"),
    ],
)
def test_an_offer_is_told_from_a_plan(text: str, expected: str) -> None:
    assert status(text) == expected
