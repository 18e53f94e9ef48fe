from __future__ import annotations

import pytest
from writing import article, findings, hits, rule, wrong

from rules.fold import tokens
from rules.names import Name, Names, Office

STATE = Names(
    (
        Name("Dmitry Peskov", ("Peskov", "Kremlin spokesman", "Dmitry Peskov")),
        Name("Sergei Lavrov", ("Lavrov", "Sergei Lavrov")),
        Name("Kremlin", ("Kremlin",)),
        Name("Russia", ("Russia", "Moscow"), ("The Moscow Times", "Moscow region")),
        Name("Reformers", ("reform*",)),
    ),
    (Office(("foreign minister", "envoy"), ("Russia",)),),
)


def named(text: str) -> list[str]:
    return [found.name.name for found in STATE.search(tokens(text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Peskov met LAVROV", ["Dmitry Peskov", "Sergei Lavrov"]),
        ("the Kremlin spokesman", ["Dmitry Peskov"]),
        ("the Kremlin's spokesman", ["Kremlin"]),
        ("Dmitry Peskov", ["Dmitry Peskov"]),
        ("The Moscow Times wrote from Moscow", ["Russia"]),
        ("in the Moscow region", []),
        ("Moscow. Region", ["Russia"]),
        ("the reformers", ["Reformers"]),
        ("Peskova, Moscowites", []),
    ],
)
def test_whoever_is_written_comes_out_by_the_canonical_name(text: str, names: list[str]) -> None:
    assert named(text) == names


def test_a_name_with_a_surname_that_stands_alone_is_a_person() -> None:
    assert [one.name for one in STATE.names if one.person] == ["Dmitry Peskov", "Sergei Lavrov"]


def test_a_list_of_names_is_a_list_of_terms_too() -> None:
    known = "who:\n  Russia: {any: [Russia, Moscow], except: [The Moscow Times]}\n"
    found = rule("any: [$who]", lists=known)
    assert hits(found, "The Moscow Times reports from Moscow.") == ["Moscow"]


OFFICES = """
who:
  Kremlin: [Kremlin]
  Russia: {any: [Russia, Moscow]}
  officials: {office: [foreign minister, deputy foreign minister, envoy, spokeswoman, diplomat], of: [Russia, Kremlin, Russian Foreign Ministry]}
"""


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Russian Deputy Foreign Minister Andrei Rudenko said that it rains.", "Andrei Rudenko"),
        ("Russia's foreign minister said that it rains.", "Russia's foreign minister"),
        ("A senior Russian diplomat said that it rains.", "senior Russian diplomat"),
        ("Kremlin envoy Kirill Dmitriev said that it rains.", "Kirill Dmitriev"),
        ("Ukrainian Foreign Minister Andrii Sybiha said that it rains.", None),
        ("The former Russian envoy Ivan Petrov said that it rains.", None),
        ("Russia's rivals said that it rains.", None),
        ("The US envoy to Russia said that it rains.", None),
        ("Ukraine's envoy in Moscow said that it rains.", None),
        ("Russian actress Anna Petrova said that it rains.", None),
    ],
)
def test_an_office_of_a_state_on_the_list_is_listened_to(text: str, speaker: str | None) -> None:
    found = findings(rule("statement: {by: $who}", lists=OFFICES), article(text))
    assert [one.captures["speaker"] for one in found] == ([speaker] if speaker else [])


@pytest.mark.parametrize("name", ["'*'", "'/(/'"])
@pytest.mark.parametrize(
    "text", ["rules: [{id: a, when: {statement: {by: [NAME]}}}]", "lists: {a: {include: [NAME]}}\nrules: [{id: a, when: $a}]"]
)
def test_what_can_never_be_a_name_is_a_problem(text: str, name: str) -> None:
    (problem,) = wrong(text.replace("NAME", name))
    assert "never match" in problem or "cannot be a name" in problem


def test_a_pattern_cannot_be_a_name() -> None:
    (problem,) = wrong("lists: {who: {Dmitry Peskov: ['/pesk.v/']}}\nrules: [{id: a, when: {statement: {by: $who}}}]")
    assert "cannot be a name: write out what people write" in problem
