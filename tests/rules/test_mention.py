from __future__ import annotations

import pytest
from writing import article, findings, hits, rule, sound, values

ANY = rule("mention: {of: [summit, talks, round of talks, peace conference]}")
NEWS = rule(
    "mention: {of: [summit, talks, round of talks, peace conference], time: upcoming, status: [planned, proposed], with: [date, place, ordinal]}"
)
DAY = "2026-05-13"  # a Wednesday


@pytest.mark.parametrize(
    ("text", "time", "status"),
    [
        ("A summit will be held in Geneva on Friday.", "upcoming", "planned"),
        ("Geneva will host a summit next week.", "upcoming", "planned"),
        ("A summit is planned for June.", "upcoming", "planned"),
        ("Norway has offered to host a summit in June.", "upcoming", "proposed"),
        ("A summit was held in Geneva last week.", "past", "held"),
        ("The summit ended in Geneva on Sunday.", "past", "held"),
        ("Talks are under way in Geneva.", "under way", "held"),
        ("The summit in Geneva was cancelled.", None, "cancelled"),
        ("The Kremlin ruled out a summit.", None, "ruled-out"),
        ("Similar talks in Jeddah earlier this year brought nothing.", "past", "held"),
        ("If a summit were held, what would it bring?", None, "hypothetical"),
    ],
)
def test_the_words_around_an_event_tell_when_it_is_and_how_sure(text: str, time: str | None, status: str) -> None:
    found = findings(ANY, article(text, day=DAY))
    assert len(found) == 1
    assert found[0].labels["status"] == status
    assert time is None or found[0].labels["time"] == time
    sound(ANY, article(text, day=DAY))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("A summit will be held in Geneva on Friday.", "place", "Geneva"),
        ("A summit will be held in Geneva on Friday.", "date", "2026-05-15"),
        ("Malta will host a summit this weekend.", "place", "Malta"),
        ("Malta will host a summit this weekend.", "date", "2026-05-16/2026-05-17"),
        ("The Istanbul talks will resume on Monday.", "place", "Istanbul"),
        ("A summit on peace in Ukraine will be held on Friday.", "place", None),
        ("A summit will be held in the Turkish capital on Friday.", "place", "Ankara"),
        ("A summit hosted by Qatar will be held on Friday.", "place", "Qatar"),
        ("Envoys will travel to Doha for talks on Friday.", "place", "Doha"),
        ("Talks with Russia will be held on Friday.", "place", None),
        ("A summit will be held soon.", "date", None),
        ("A second summit will be held on Friday.", "ordinal", "2"),
        ("The 12th summit will be held on Friday.", "ordinal", "12"),
        ("A third round of talks will be held on Friday.", "ordinal", "3"),
        ("A summit will be held on Friday.", "ordinal", None),
        ("The G20 summit will be held on Friday.", "name", "G20"),
        ("Russia will not attend a second planned summit.", "refused_by", "Russia"),
        ("Russia will not attend a second planned summit.", "status", "planned"),
        ("A summit will be held on June 15-16.", "date", "2026-06-15/2026-06-16"),
    ],
)
def test_what_is_known_of_an_event(text: str, key: str, value: str | None) -> None:
    (one,) = findings(ANY, article(text, day=DAY))
    assert values(one)[key] == value


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("A summit will be held in Geneva.", True),
        ("A summit will be held on Friday.", True),
        ("A second summit is planned.", True),
        ("A summit will be held.", False),
        ("A summit was held in Geneva on Monday.", False),
        ("The Kremlin ruled out a summit in Geneva.", False),
        ("They reached the summit of Mount Everest and will climb it again on Friday.", False),
        ("Nike will hold talks with players in Geneva about wages on Friday.", False),
    ],
)
def test_an_announcement_is_of_something_ahead_and_specific(text: str, *, fires: bool) -> None:
    assert bool(findings(NEWS, article(text, day=DAY))) is fires


def test_without_a_day_a_date_is_known_but_has_no_value() -> None:
    (one,) = findings(ANY, article("A summit will be held on Friday."))
    assert (one.captures["date"], one.captures["when"]) == (None, "Friday")


def test_what_shows_it_is_highlighted() -> None:
    told = article("A summit will be held in Geneva on Friday.", day=DAY)
    assert {"summit", "Geneva", "Friday"} <= set(hits(ANY, told))


def test_two_events_of_one_article_are_two_findings() -> None:
    found = findings(ANY, article("A summit will be held in Geneva on Friday. Talks were held in Oslo last week.", day=DAY))
    assert {one.captures["place"] for one in found} == {"Geneva", "Oslo"}


def test_the_first_summit_of_two_does_not_make_the_second_past() -> None:
    found = findings(
        NEWS, article("The first summit was held in Bern in June. A second summit will be held in Riyadh on Friday.", day=DAY)
    )
    assert [(one.captures["place"], one.captures["ordinal"]) for one in found] == [("Riyadh", "2")]


ANYBODY = rule("mention: {of: [hearing, talks, meet], time: upcoming}")
STATES = rule(
    "mention: {of: [talks, summit, meet, meets, visit, host], between: states, time: upcoming, status: [planned, proposed]}"
)


@pytest.mark.parametrize(
    "text",
    [
        "Ghana and Togo will hold talks in Accra on Friday.",
        "Ghanaian President Kofi Mensah will meet his Togolese counterpart on Friday.",
        "Foreign ministers of the region will meet in Accra on Friday.",
        "The Ghanaian president meets his counterpart from Togo on Friday.",
    ],
)
def test_states_that_meet_are_told_from_others(text: str) -> None:
    assert findings(STATES, article(text, day=DAY))


@pytest.mark.parametrize(
    "text",
    [
        "The gardeners will hold talks on Friday.",
        "The two chess players will meet in Reno on Friday.",
        "The choirs have agreed to meet on Friday.",
    ],
)
def test_others_that_meet_are_no_states(text: str) -> None:
    assert not findings(STATES, article(text, day=DAY))
    assert findings(ANYBODY, article(text, day=DAY))


def test_those_who_meet_are_named() -> None:
    found = findings(STATES, article("Ghana and Togo will hold talks in Accra on Friday.", day=DAY))
    assert found[0].captures["parties"] == "Ghana, Togo"


def test_a_verb_and_the_meeting_that_it_holds_are_one_event() -> None:
    assert len(findings(STATES, article("Ghana will host talks with Togo on Friday.", day=DAY))) == 1


@pytest.mark.parametrize(
    "text", ["Ghana and Togo continue their talks in Accra today.", "Talks between Ghana and Togo continue in Accra."]
)
def test_talks_that_go_on_are_not_ahead(text: str) -> None:
    assert not findings(STATES, article(text, day=DAY))
    assert findings(STATES, article("Ghana and Togo will continue their talks in Accra on Friday.", day=DAY))
