"""The JSON Schema that editors check by and the loader that has the last word take and refuse the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rules import schema
from rules.conditions import CONDITIONS
from rules.load import parse_files
from rules.spec import Notes, read

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "rules.yaml", ROOT / "monitor" / "starter" / "rules.yaml"]
VALIDATOR = Draft202012Validator(schema())


def refused_by_schema(text: str) -> list[str]:
    """What the schema has against a file."""
    root = read(text.encode(), "a.yaml", Notes())
    assert root is not None
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(root.plain())]


def refused_by_loader(text: str) -> list[str]:
    """What the loader has against it."""
    return [str(problem) for problem in parse_files({"a.yaml": text.encode()}, "a.yaml").problems]


def rule(when: str = "flood", more: str = "") -> str:
    lists = "lists: {w: [flood, high water], who: {Ann Lee: [Lee], Bo Ek: null, staff: {office: [chair], of: [Bank]}}}\n"
    return f"{lists}rules:\n  - {{id: it, when: {when}{more}}}\n"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_the_files_we_ship_are_as_the_schema_says(file: Path) -> None:
    assert refused_by_schema(file.read_text(encoding="utf-8")) == []


def test_every_condition_is_in_the_schema_with_its_first_sentence() -> None:
    known = schema()["$defs"]["condition"]["anyOf"][1]["properties"]
    assert set(known) == set(CONDITIONS)
    assert known["near"]["description"].startswith("A term of every group stands within")


GOOD = [
    rule(),
    rule("7"),
    rule("[flood, $w, /a+/]"),
    rule("{any: [Moscow], except: [The Moscow Times]}"),
    rule("{any: [flood, {near: {terms: [a1, [b1, c1]], within: 3, ordered: true}}]}"),
    rule("{all: [flood, {none: [drill]}]}"),
    rule("{not: {title: drill}}"),
    rule("{at_least: {count: 2, of: [flood, $w, river]}}"),
    *(rule(f"{{{scope}: {{all: [flood, river]}}}}") for scope in ("title", "lead", "body", "sentence", "paragraph", "quote")),
    rule("{article: {source: [a, b], language: en, tags: x, younger_than: 2d}}"),
    rule("{capture: {what: $w, where: [Odesa]}}"),
    rule("{statement: {by: $who, about: $w, stance: [rejects, open], time: any, kind: direct, words: {open: [fine]}}}"),
    rule("{statement: {by: any}}"),
    rule("{mention: {of: [summit], time: [upcoming, under way], status: planned, with: [date]}}"),
    rule(more=", level: high, status: draft, tags: [a], owner: me, references: x, description: y, title: z, notify: [desk]"),
    rule(more=", once: {per: [a], alike: 0.5, within: 3d, update_on: b}"),
    rule(more=", frequency: {at_least: 5, within: 1h, per: [a]}, silence: 24h"),
    rule(more=", spike: {times: 2.5, within: 1h, against: 7d, at_least: 4}"),
    rule(more=", sources: {min_independent: 2, single_source_level: low}"),
    rule(more=", labels: {toll: {deaths: [dead], injuries: hurt}}"),
    rule(
        more=", examples: {match: [a text, {title: t, text: b, published: 2026-05-01, tags: [x, y], toll: 3, who: null}], skip: []}"
    ),
    "rules: []",
    "lists: {a: [b1], c: {any: [d1], except: e1}}",
]
BAD = [
    "[]",
    "rulez: []",
    "rules: {id: it}",
    "rules: [{id: it}]",
    "rules: [{when: flood}]",
    rule("{}"),
    rule("{wrods: [flood]}"),
    rule("{near: {terms: [flood]}}"),
    rule("{near: {terms: [a1, b1], within: 0}}"),
    rule("{near: {terms: [a1, b1], ordered: perhaps}}"),
    rule("{at_least: {of: [flood]}}"),
    rule("{at_least: {count: 1.5, of: [flood]}}"),
    rule("{article: {}}"),
    rule("{article: {younger_than: soon}}"),
    rule("{article: {sources: a}}"),
    rule("{capture: {}}"),
    rule("{capture: [flood]}"),
    rule("{statement: {about: $w}}"),
    rule("{statement: {by: $who, stance: [angry]}}"),
    rule("{statement: {by: $who, words: {angry: [no]}}}"),
    rule("{mention: {time: upcoming}}"),
    rule("{mention: {of: [summit], with: [colour]}}"),
    rule(more=", level: urgent"),
    rule(more=", status: on"),
    rule(more=", colour: red"),
    rule(more=", once: {alike: 2, per: [a]}"),
    rule(more=", once: {within: 3 days, per: [a]}"),
    rule(more=", once: [place]"),
    rule(more=", frequency: {at_least: 1, within: 1h}"),
    rule(more=", frequency: {at_least: 2}"),
    rule(more=", spike: {times: 1, within: 1h, against: 7d}"),
    rule(more=", silence: 24"),
    rule(more=", sources: {single_source_level: low}"),
    rule(more=", sources: {min_independent: 2, single_source_level: none}"),
    rule(more=", labels: [toll]"),
    rule(more=", examples: [a]"),
    rule(more=", examples: {maybe: [a]}"),
    rule().replace("id: it", "id: It is"),
    "lists: [a]",
    "lists: {a: {any: [b1], but: [c1]}, d: {e: {office: [f1]}}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_loader_takes_the_schema_takes(text: str) -> None:
    assert refused_by_loader(text) == []
    assert refused_by_schema(text) == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_the_loader_refuses(text: str) -> None:
    assert refused_by_loader(text)
    assert refused_by_schema(text)


@pytest.mark.parametrize(
    "text",
    [
        rule("$nobody"),
        rule("{at_least: {count: 3, of: [a1, b1]}}"),
        rule("/(/"),
        rule("'!'"),
        rule(more=", spike: {times: 2, within: 7d, against: 1h}"),
        rule(more=", silence: 0h"),
        rule() + "  - {id: it, when: flood}\n",
    ],
)
def test_what_only_the_loader_can_know_it_still_refuses(text: str) -> None:
    """Names, sums and expressions are beyond a schema."""
    assert refused_by_schema(text) == []
    assert refused_by_loader(text)
