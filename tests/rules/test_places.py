from __future__ import annotations

import pytest

from rules.fold import tokens
from rules.places import at, capitals, country_of


def place(text: str) -> str | None:
    words = tokens(text)
    found = at(words, 0, len(words))
    return found[0].name if found else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Geneva", "Geneva"),
        ("Malta hosts", "Malta"),
        ("Saudi Arabia said", "Saudi Arabia"),
        ("New York", "New York"),
        ("Kiev", "Kyiv"),
        ("Kyiv", "Kyiv"),
        ("Türkiye", "Turkey"),
        ("Turkiye", "Turkey"),
        ("UK", "United Kingdom"),
        ("U.S.", "United States"),
        ("Sharm el-Sheikh", "Sharm el-Sheikh"),
        ("Camp David", "Camp David"),
        ("Bürgenstock", "Bürgenstock"),
        ("Buergenstock", "Bürgenstock"),
        ("Washington", "Washington"),
        ("Hong Kong", "Hong Kong"),
        ("São Paulo", "São Paulo"),
        ("geneva", None),
        ("us", None),
        ("Reading", None),
        ("Nice", None),
        ("Mobile", None),
        ("Peskov", None),
        ("Saudi, Arabia", None),
    ],
)
def test_places_are_known_by_the_names_that_people_write(text: str, name: str | None) -> None:
    assert place(text) == name


@pytest.mark.parametrize(
    ("word", "country"),
    [
        ("russian", "Russia"),
        ("moscow", "Russia"),
        ("kremlin", "Russia"),
        ("swiss", "Switzerland"),
        ("ankara", "Turkey"),
        ("us", "United States"),
        ("table", None),
    ],
)
def test_a_word_stands_for_a_country(word: str, country: str | None) -> None:
    assert country_of(word) == country


def test_countries_have_capitals() -> None:
    assert capitals()["Turkey"] == "Ankara"
