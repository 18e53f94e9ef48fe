from __future__ import annotations

from datetime import date

import pytest

from rules.dates import find
from rules.fold import tokens

WEDNESDAY = date(2026, 5, 13)


def dated(text: str, day: date | None = WEDNESDAY, sense: str = "") -> list[tuple[str, str | None]]:
    words = tokens(text)
    return [(text[words[one.lo].start : words[one.hi - 1].end], one.value) for one in find(words, 0, len(words), day, sense)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("today", "2026-05-13"),
        ("tonight", "2026-05-13"),
        ("tomorrow", "2026-05-14"),
        ("yesterday", "2026-05-12"),
        ("Friday", "2026-05-15"),
        ("Wednesday", "2026-05-13"),
        ("next Friday", "2026-05-15"),
        ("next Wednesday", "2026-05-20"),
        ("last Friday", "2026-05-08"),
        ("last Wednesday", "2026-05-06"),
        ("this weekend", "2026-05-16/2026-05-17"),
        ("next weekend", "2026-05-23/2026-05-24"),
        ("last weekend", "2026-05-09/2026-05-10"),
        ("this week", "2026-05-11/2026-05-17"),
        ("next week", "2026-05-18/2026-05-24"),
        ("the coming week", "2026-05-18/2026-05-24"),
        ("last week", "2026-05-04/2026-05-10"),
        ("later this week", "2026-05-13/2026-05-17"),
        ("earlier this week", "2026-05-11/2026-05-13"),
        ("this month", "2026-05-01/2026-05-31"),
        ("later this month", "2026-05-01/2026-05-31"),
        ("next month", "2026-06-01/2026-06-30"),
        ("last month", "2026-04-01/2026-04-30"),
        ("next year", "2027-01-01/2027-12-31"),
        ("last year", "2025-01-01/2025-12-31"),
        ("in June", "2026-06-01/2026-06-30"),
        ("June 2024", "2024-06-01/2024-06-30"),
        ("next February", "2027-02-01/2027-02-28"),
        ("last June", "2025-06-01/2025-06-30"),
        ("June 15", "2026-06-15"),
        ("June 15, 2024", "2024-06-15"),
        ("June 15-16", "2026-06-15/2026-06-16"),
        ("June 15–16, 2024", "2024-06-15/2024-06-16"),
        ("June 15 and 16", "2026-06-15/2026-06-16"),
        ("June 15 to 16", "2026-06-15/2026-06-16"),
        ("15 June", "2026-06-15"),
        ("15 June 2024", "2024-06-15"),
        ("the 15th of June", "2026-06-15"),
        ("June 1st", "2026-06-01"),
        ("Feb. 24", "2026-02-24"),
        ("Sept. 3", "2026-09-03"),
        ("May 14", "2026-05-14"),
        ("in May", "2026-05-01/2026-05-31"),
        ("Dec 30", "2025-12-30"),
        ("two weeks ago", None),
        ("in two weeks", None),
        ("in the coming days", None),
        ("in the coming weeks", None),
        ("next summer", None),
    ],
)
def test_a_date_is_counted_from_the_day_of_the_article(text: str, value: str | None) -> None:
    found = dated(f"They meet {text}")
    assert [one for _, one in found] == [value]


@pytest.mark.parametrize(
    "text",
    ["We may meet", "the march on Rome", "a Sunday Times reporter"[2:8], "15 people", "June", "the second", "21", "may 5 people"],
)
def test_words_that_look_like_dates_are_not_resolved_to_a_day(text: str) -> None:
    assert all(value is None or "/" in value or text == "Sunday" for _, value in dated(text))


@pytest.mark.parametrize(
    ("text", "past", "future"),
    [
        ("Friday", "2026-05-08", "2026-05-15"),
        ("June 1", "2025-06-01", "2026-06-01"),
        ("in March", "2026-03-01/2026-03-31", "2027-03-01/2027-03-31"),
    ],
)
def test_a_bare_day_points_where_the_sentence_does(text: str, past: str, future: str) -> None:
    assert dated(text, sense="past")[0][1] == past
    assert dated(text, sense="future")[0][1] == future


@pytest.mark.parametrize("text", ["tomorrow", "on Friday", "this weekend", "in June", "June 15", "next month"])
def test_without_a_day_to_count_from_a_date_has_no_value(text: str) -> None:
    assert [value for _, value in dated(text, None)] == [None]


def test_a_date_that_is_said_in_full_needs_no_day_to_count_from() -> None:
    assert dated("June 15, 2024", None) == [("June 15, 2024", "2024-06-15")]


@pytest.mark.parametrize("text", ["February 30", "Feb. 29, 2025", "June 31, 2024", "June 16-15"])
def test_days_that_no_calendar_has_are_no_days(text: str) -> None:
    assert all(value is None or not value.startswith(("2026-02-30", "2025-02-29", "2024-06-31")) for _, value in dated(text))


@pytest.mark.parametrize("day", [date.min, date.max, date(2024, 2, 29), date(2025, 12, 31), date(2026, 1, 1)])
def test_every_day_can_be_counted_from(day: date) -> None:
    counted_from(day)


def counted_from(day: date) -> None:
    for text in (
        "yesterday",
        "tomorrow",
        "last week",
        "next week",
        "next weekend",
        "last year",
        "next year",
        "next month",
        "last month",
        "Friday",
        "last Friday",
        "Feb. 29",
        "in December",
        "next January",
        "June 15",
        "earlier this week",
        "later this week",
    ):
        for sense in ("", "past", "future"):
            dated(text, day, sense)


def test_several_dates_are_found_in_order() -> None:
    assert dated("From June 1 to July 2, or next week") == [
        ("June 1", "2026-06-01"),
        ("July 2", "2026-07-02"),
        ("next week", "2026-05-18/2026-05-24"),
    ]
