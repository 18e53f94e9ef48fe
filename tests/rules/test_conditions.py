from __future__ import annotations

from datetime import UTC, datetime

import pytest
from writing import article, findings, hits, load, loaded_or_not, rule, sound

from rules import Article, RuleSet

PAGE = article(
    "The mayor opened the bridge. Rain fell.\n\n“Never again,” said the engineer, who built the old bridge. "
    "The river burst its banks.\n\nFour people are missing.",
    "Bridge opened in Bergen",
    summary="A bridge at last.",
)


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("rain", ["Rain"]),
        ("[rain, flood]", ["Rain"]),
        ("any: [rain, river]", ["Rain", "river"]),
        ("any: [flood, storm]", None),
        ("all: [rain, river]", ["Rain", "river"]),
        ("all: [rain, flood]", None),
        ("all: [[rain, flood], river]", ["Rain", "river"]),
        ("none: [flood, storm]", []),
        ("none: [rain, storm]", None),
        ("not: storm", []),
        ("not: {all: [rain, storm]}", []),
        ("any: [rain]\nnone: [flood]", ["Rain"]),
        ("any: [rain]\nnone: [river]", None),
        ("at_least: {count: 2, of: [rain, river, flood]}", ["Rain", "river"]),
        ("at_least: {count: 3, of: [rain, river, flood]}", None),
        ("at_least: {count: 2, of: [[rain, river], flood]}", None),
        ("at_least: {count: 2, of: [{sentence: {all: [river, banks]}}, rain]}", ["river", "banks", "Rain"]),
        # near
        ("near: {terms: [river, banks], within: 2}", ["river", "banks"]),
        ("near: {terms: [river, banks], within: 1}", None),
        ("near: {terms: [banks, river], within: 2}", ["river", "banks"]),
        ("near: {terms: [banks, river], within: 2, ordered: true}", None),
        ("near: {terms: [river, banks], within: 2, ordered: true}", ["river", "banks"]),
        ("near: {terms: [bridge, river], within: 5}", None),
        ("near: {terms: [[mayor, king], [bridge, tunnel], opened], within: 3}", ["mayor", "opened", "bridge"]),
        ("near: {terms: [old bridge, bridge], within: 5}", None),
        # scopes
        ("title: bergen", ["Bergen"]),
        ("title: rain", None),
        ("body: bergen", None),
        ("body: bridge", ["bridge", "bridge", "bridge"]),
        ("lead: rain", ["Rain"]),
        ("lead: river", None),
        ("sentence: {all: [mayor, bridge]}", ["mayor", "bridge"]),
        ("sentence: {all: [mayor, rain]}", None),
        ("paragraph: {all: [mayor, rain]}", ["mayor", "Rain"]),
        ("paragraph: {all: [mayor, river]}", None),
        ("quote: never again", ["Never again"]),
        ("quote: engineer", None),
        ("quote: {all: [never, again]}", ["Never", "again"]),
        ("quote: {none: [again]}", None),
        ("sentence: {all: [bridge], none: [mayor]}", ["Bridge", "bridge"]),
        ("body: {paragraph: {sentence: {any: [river], none: [mayor]}}}", ["river"]),
        ("lead: {any: [{title: bergen}, flood]}", ["Bergen"]),
        ("title: {none: [storm]}", []),
        ("{any: [bridge], except: [old bridge, a bridge]}", ["Bridge", "bridge"]),
        ("'/(four|five) people/'", ["Four people"]),
        ("title: '/ber\\w+/'", ["Bergen"]),
    ],
)
def test_conditions_hold_with_the_words_that_satisfy_them_or_do_not(when: str, found: list[str] | None) -> None:
    ruleset = rule(when)
    matched = ruleset.match(PAGE)
    assert bool(matched) is (found is not None)
    if found:
        assert sorted({hit.text for one in matched[0].findings for hit in one.hits}) == sorted(set(found))
    sound(ruleset, PAGE)


def test_a_quotation_without_the_words_is_one_that_has_none() -> None:
    assert findings(rule("quote: {any: [go], none: [stay]}"), "“Go now,” he said. “Stay, do not go,” she said.")


def test_a_list_is_named_by_a_dollar_and_brings_its_exceptions() -> None:
    known = "banks: {any: [bank], except: [river bank]}\nall: [$banks, money]\n"
    assert hits(rule("$all", lists=known), "The river bank and the money bank.") == ["money", "bank"]
    assert hits(rule("any: [$banks, tree]", lists=known), "The river bank, a tree.") == ["tree"]


def test_terms_are_never_found_in_what_the_site_says_of_itself() -> None:
    assert not findings(rule("contribution"), "The talks ended.\n\nSupport us! Every contribution counts for our newsroom.")


def test_the_sentence_shown_is_the_one_that_holds_most_of_the_terms() -> None:
    (one,) = findings(rule("all: [river, burst, rain]"), PAGE)
    assert one.text == "The river burst its banks."


def test_a_condition_that_finds_no_words_shows_the_first_sentence() -> None:
    (one,) = findings(rule("none: [storm]"), PAGE)
    assert (one.field, one.text, one.hits) == ("title", "Bridge opened in Bergen", ())


def test_the_same_words_in_a_title_that_begins_the_body_are_still_in_the_title() -> None:
    assert findings(rule("title: bridge"), article("Bridge opened. It rains.", "Bridge opened"))
    assert not findings(rule("title: rains"), article("Bridge opened. It rains.", "Bridge opened"))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("article: {source: bbc}", True),
        ("article: {source: [dw, bbc]}", True),
        ("article: {source: dw}", False),
        ("article: {kind: [wire, state-media]}", True),
        ("article: {kind: government}", False),
        ("article: {language: en}", True),
        ("article: {language: ru}", False),
        ("article: {tags: [world, sport]}", True),
        ("article: {tags: [sport]}", False),
        ("article: {source: bbc}\nany: [rain]", True),
        ("article: {source: bbc}\nany: [snow]", False),
        ("none: [{article: {source: bbc}}]", False),
    ],
)
def test_an_article_is_filtered_by_what_it_is(when: str, *, holds: bool) -> None:
    told = Article(
        id="it",
        body="Rain fell.",
        source="bbc",
        source_kind="wire",
        language="en-GB",
        tags=("world",),
        published=datetime(2026, 5, 1, tzinfo=UTC),
    )
    assert bool(findings(rule(when), told)) is holds


def test_captures_are_the_canonical_names() -> None:
    known = "cities: {Kyiv: [Kiev, Kyiv]}\n"
    (one,) = findings(
        rule("sentence: {capture: {weapon: [missile*, drone*], city: $cities}}", lists=known), "Drones fell on Kiev."
    )
    assert dict(one.captures) == {"weapon": "Drones", "city": "Kyiv"}


def test_labels_are_read_off_the_sentence() -> None:
    found = rule("fire", labels="{size: {big: [huge, vast], small: [little]}}")
    assert [dict(one.labels) for one in findings(found, "A vast fire broke out.")] == [{"size": "big"}]
    assert [dict(one.labels) for one in findings(found, "A fire broke out.")] == [{"size": None}]


def test_rules_match_in_the_order_they_are_written_and_deprecated_ones_never() -> None:
    found = load(
        "rules: [{id: b, when: rain}, {id: c, when: rain, status: deprecated}, {id: a, when: rain}, {id: d, when: snow}]"
    )
    assert [match.rule for match in found.match(article("Rain fell."))] == ["b", "a"]


def test_an_article_without_words_matches_nothing_not_even_none() -> None:
    assert rule("none: [storm]").match(article("… — …")) == []


@pytest.mark.parametrize(
    "key",
    [
        "any",
        "all",
        "none",
        "at_least",
        "near",
        "title",
        "lead",
        "body",
        "sentence",
        "paragraph",
        "quote",
        "article",
        "capture",
        "statement",
        "mention",
    ],
)
def test_every_condition_survives_any_value(key: str) -> None:
    for value in (
        "x",
        "~",
        "3",
        "[]",
        "{}",
        "[[x], [[y]]]",
        "{any: x}",
        "{a: b}",
        "$x",
        "['', '*']",
        "{by: any, of: {}, terms: 3, count: x}",
    ):
        loaded = loaded_or_not(f"rules: [{{id: a, when: {{{key}: {value}}}}}]".encode())
        if isinstance(loaded, RuleSet):
            loaded.match(PAGE)
