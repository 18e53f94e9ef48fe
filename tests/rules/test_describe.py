"""A rule read back in plain English: what is asked of several matches."""

from __future__ import annotations

import pytest
from writing import files

from rules.describe import read_back
from rules.load import parse_files


def fires(keys: str) -> tuple[str, ...]:
    """When a rule with these keys fires, in sentences."""
    return read_back(parse_files(files(f"rules: [{{id: it, when: flood, {keys}}}]"), "rules.yaml"), "it").fires


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            "frequency: {at_least: 5, within: 1h, per: [speaker, place]}",
            "It is told only once at least 5 articles with the same speaker and place matched within 1 hour; copies count once.",
        ),
        (
            "frequency: {at_least: 5, within: 90m}",
            "It is told only once at least 5 articles matched within 90 minutes; copies count once.",
        ),
        (
            "spike: {times: 2.5, within: 1h, against: 7d}",
            "It is told only when 2.5 times as many articles match within 1 hour as is usual over 7 days, and at least 3; copies count once.",
        ),
        ("silence: 24h", "When nothing matched for 1 day, that is told, and so is the next match."),
        (
            "sources: {min_independent: 2, single_source_level: low}",
            "It is told once at least 2 sources that do not copy one another report it; until then its level is low.",
        ),
        (
            "sources: {min_independent: 3}",
            "It is told once at least 3 sources that do not copy one another report it; until then nobody is told.",
        ),
    ],
)
def test_what_is_asked_of_several_matches_is_said_in_a_sentence(keys: str, said: str) -> None:
    assert fires(keys) == ('Fires when it says "flood".', said)


def test_a_rule_that_asks_for_one_match_says_nothing_of_it() -> None:
    assert fires("level: low") == ('Fires when it says "flood".',)
