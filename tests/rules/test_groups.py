from __future__ import annotations

import pytest
from writing import article

from rules.events.groups import groups
from rules.reading import Reading


def told(text: str, *, title: bool = False) -> list[tuple[str, str]]:
    """Tense and verb of every group of one sentence; a negated tense begins with "not"."""
    reading = Reading(article(title=text) if title else article(text))
    return [(f"{'not ' if one.negated else ''}{one.tense}", one.verb) for one in groups(reading.sentences[0])]


@pytest.mark.parametrize(
    ("text", "tense", "verb"),
    [
        ("The envoys will meet in Accra.", "will", "meet"),
        ("The envoys won't meet in Accra.", "not will", "meet"),
        ("The envoys will not be meeting in Accra.", "not will", "meet"),
        ("The envoys are to meet in Accra.", "is to", "meet"),
        ("The envoys are finally due to meet in Accra.", "is due to", "meet"),
        ("The envoys were due to meet in Accra.", "was due to", "meet"),
        ("The envoys were to have met in Accra.", "was to have", "meet"),
        ("The envoys plan to meet in Accra.", "plans to", "meet"),
        ("The envoys have agreed to meet in Accra.", "plans to", "meet"),
        ("Ghana invited the two envoys to meet in Accra.", "plans to", "meet"),
        ("Ghana urged the two envoys to meet in Accra.", "wants to", "meet"),
        ("The envoys refused to meet in Accra.", "refuses to", "meet"),
        ("The envoys could meet in Accra.", "may", "meet"),
        ("The envoys could one day meet in Accra.", "may", "meet"),
        ("The envoys met in Accra.", "past", "meet"),
        ("The envoys have met in Accra.", "has", "meet"),
        ("The envoys had never met before.", "not had", "meet"),
        ("The envoys are meeting in Accra.", "is doing", "meet"),
        ("The talks were held in Accra.", "was done", "hold"),
        ("The talks are scheduled for Friday.", "is due to", "scheduled"),
        ("Ghana hosts the talks.", "does", "host"),
        ("Both leaders meet in Accra on Friday.", "does", "meet"),
    ],
)
def test_a_verb_tells_its_tense(text: str, tense: str, verb: str) -> None:
    assert (tense, verb) in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "The planned meeting of the envoys.",  # an adjective and a noun
        "Their visits, the hosts and the talks.",  # plurals, no verbs
        "Talks on May 20 in Accra.",  # a month
        "The US, NATO and the EU.",
        "A plan of the host.",
    ],
)
def test_a_noun_is_no_verb(text: str) -> None:
    assert all(tense in ("done", "doing") for tense, _ in told(text))


def test_a_second_verb_takes_the_tense_of_the_first() -> None:
    assert ("is due to", "hold") in told("She is expected to attend a dinner and hold talks in Accra.")


def test_an_infinitive_takes_its_time_from_what_it_hangs_on() -> None:
    assert ("came to", "meet") in told("She arrived in Accra to meet the envoy.")
    assert ("plans to", "meet") in told("She will come to Accra to meet the envoy.")
    assert ("plans to", "meet") in told("The invitation to meet in Accra stands.")


def test_a_headline_needs_no_auxiliary() -> None:
    assert ("is to", "host") in told("Ghana to host peace talks", title=True)
    assert ("is to", "meet") in told("Ghana Warns of Tariffs; Trade Ministers to Meet in Accra")
    assert ("to", "host") in told("Nobody in Ghana to host them.")


def test_a_participle_behind_its_noun_is_no_past() -> None:
    assert ("done", "host") in told("The talks hosted by Ghana.")
    assert ("past", "host") in told("Ghana hosted the talks.")
