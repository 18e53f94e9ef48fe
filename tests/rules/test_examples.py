from __future__ import annotations

from pathlib import Path

import pytest
from writing import load, wrong

import rules
from rules.examples import failures

ROOT = Path(__file__).parents[2]
RULE = """
lists:
  who: {Dmitry Peskov: [Peskov]}
rules:
  - id: it
    when: {statement: {by: $who, about: talks}}
    examples:
"""


def failed(text: str) -> list[str]:
    ruleset = load(text)
    return failures(ruleset, ruleset.rules[0])


def test_examples_that_are_right_say_nothing() -> None:
    assert (
        failed(
            RULE
            + """
      match:
        - Peskov said the talks go on.
        - {text: "“No talks,” Peskov said.", speaker: Dmitry Peskov, kind: direct}
        - {title: "Peskov says talks go on", published: 2026-05-01, source: dw, language: en}
      skip:
        - Peskov said it rains.
        - {text: Zelensky said the talks go on.}
"""
        )
        == []
    )


def test_examples_that_are_wrong_say_where_and_how() -> None:
    found = failed(
        RULE
        + """
      match:
        - Peskov said it rains.
        - text: Peskov said the talks go on.
          stance: blames
      skip:
        - Peskov said the talks go on.
"""
    )
    assert [line.split(": ", 1)[0] for line in found] == ["rules.yaml:10", "rules.yaml:11", "rules.yaml:14"]
    assert [line.split(": ", 1)[1][:20] for line in found] == [
        "it: should match, bu",
        "it: matches, but not",
        "it: should be skippe",
    ]
    assert "blames" in found[1]


def test_what_is_expected_must_be_so_in_one_finding() -> None:
    found = failed(
        RULE.replace("{Dmitry Peskov: [Peskov]}", "{Dmitry Peskov: [Peskov], Sergei Lavrov: [Lavrov]}")
        + """
      match:
        - text: Peskov called the talks a farce. “We are ready for talks,” Lavrov said.
          speaker: Dmitry Peskov
          stance: open
"""
    )
    assert len(found) == 1


def test_nothing_is_expected_by_a_tilde() -> None:
    found = "rules: [{id: it, when: {mention: {of: talks}}, examples: {match: [{text: 'Talks in Oslo.', place: Oslo, date: ~}]}}]"
    assert failed(found) == []
    assert len(failed(found.replace("~", "2026-05-01"))) == 1


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ("{match: [{speaker: x}]}", "an example needs a text or a title"),
        ("{match: [{text: x, published: soon}]}", "expected a date such as 2026-05-01"),
        ("{match: x}", "expected a list"),
        ("[x]", "expected a mapping"),
        ("{match: [[x]]}", "expected text"),
    ],
)
def test_an_example_that_cannot_be_used_is_a_problem(examples: str, said: str) -> None:
    assert any(said in line for line in wrong(f"rules: [{{id: it, when: x, examples: {examples}}}]"))


@pytest.mark.parametrize("name", ["rules.yaml", "monitor/starter/rules.yaml"])
def test_the_rules_that_are_shipped_pass_their_own_examples(name: str) -> None:
    ruleset = rules.load({name: (ROOT / name).read_bytes()}, name)
    assert ruleset.rules
    assert [line for one in ruleset.rules for line in failures(ruleset, one)] == []
