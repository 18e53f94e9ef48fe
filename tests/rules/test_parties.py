from __future__ import annotations

import pytest
from writing import article

from rules.events.parties import officials, parties
from rules.reading import Reading


def named(text: str) -> list[str]:
    """Who is named in a sentence, in alphabetical order."""
    reading = Reading(article(text))
    return sorted(parties(reading.sentences[0], officials(reading)).named)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Ghana and Togo will meet.", ["Ghana", "Togo"]),
        ("The Ghanaian and the Togolese minister will meet in Lome.", ["Ghana", "Togo"]),
        ("Accra and Lome agreed.", ["Ghana", "Togo"]),
        ("Trump and Putin will meet.", ["Russia", "United States"]),
        ("The US and the EU will meet.", ["EU", "United States"]),
        ("Tell us about NATO.", ["NATO"]),
        ("South Korean and North Korean envoys will meet.", ["North Korea", "South Korea"]),
        ("The White House and the Kremlin agreed.", ["Russia", "United States"]),
        ("Teachers and employers will meet.", []),
    ],
)
def test_states_their_leaders_and_their_bodies_are_parties(text: str, who: list[str]) -> None:
    assert named(text) == who


def test_whoever_an_article_gives_an_office_stands_for_a_state() -> None:
    reading = Reading(article("Ghanaian President Kofi Mensah spoke.\nMensah will meet President Afi Lawson."))
    assert officials(reading) == {"mensah": "Ghana", "lawson": "lawson"}
    assert sorted(parties(reading.sentences[1], officials(reading)).named) == ["Ghana", "lawson"]


def test_a_president_of_a_club_is_no_official() -> None:
    assert officials(Reading(article("The club's president Kofi Mensah spoke."))) == {}


def test_nearness_counts_every_place_where_somebody_is_named() -> None:
    reading = Reading(article("In Ghana, where rain fell for many days and the roads were closed, envoys of Ghana will meet."))
    sentence = reading.sentences[0]
    who = parties(sentence, {})
    assert who.near((sentence.hi - 2, sentence.hi), 4, 0) == ["Ghana"]
