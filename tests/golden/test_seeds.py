"""What the shipped rules find in seeds/, as seeds.yaml tells it; and the five articles that the product was asked for, where they are."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checking import agrees, shown, written

import rules
from monitor import saved
from monitor.sources.replay import collect
from rules import Article, Finding, Hit, RuleSet

if TYPE_CHECKING:
    from monitor.saved import Saved

ROOT = Path(__file__).parents[2]
GIVEN = ROOT.parent / "shared/seeds"
RULES = ("summit-announced", "kremlin-on-negotiations")
Found = dict[str, tuple[Finding, ...]]


@cache
def shipped() -> RuleSet:
    return rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")


@cache
def articles(folder: Path) -> dict[str, Article]:
    """The articles of a folder by id, read as a replay reads them."""

    async def parse(data: bytes, name: str) -> Saved:
        return saved.parse(data, name)

    collected = asyncio.run(collect([folder], parse))
    assert collected.problems == ()
    return {one.id: one for one in collected.articles}


def matched(ruleset: RuleSet, article: Article) -> Found:
    return {match.rule: match.findings for match in ruleset.match(article)}


@cache
def alerts(folder: Path) -> list[tuple[str, str]]:
    """Article and rule of every alert that the command gives for a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    command = [sys.executable, "-m", "monitor", "replay", str(folder), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True)
    data = [json.loads(line)["data"] for line in done.stdout.splitlines()]
    return sorted((one["article"]["id"], one["rule"]["id"]) for one in data)


def points_at_its_words(article: Article, found: Found) -> bool:
    """Whether every finding and every hit is what the article says there."""
    stretches: list[Finding | Hit] = []
    for findings in found.values():
        for one in findings:
            stretches += [one, *one.hits]
    return all(article.text(one.field)[one.start : one.end] == one.text for one in stretches)


# Our own

SEEDS: list[dict[str, Any]] = written("seeds.yaml")["articles"]
EACH = pytest.mark.parametrize("seed", [pytest.param(seed, id=seed["article"]) for seed in SEEDS])


def found_in(seed: dict[str, Any]) -> Found:
    return matched(shipped(), articles(ROOT / "seeds")[seed["article"]])


def test_every_seed_is_told_of() -> None:
    assert sorted(articles(ROOT / "seeds")) == sorted(seed["article"] for seed in SEEDS)


EACH_RULE = pytest.mark.parametrize(
    ("seed", "rule"), [pytest.param(seed, rule, id=f"{seed['article']}-{rule}") for seed in SEEDS for rule in RULES]
)


@EACH_RULE
def test_what_is_required_is_found(seed: dict[str, Any], rule: str) -> None:
    found = found_in(seed).get(rule, ())
    required = [one for one in seed.get(rule, ()) if one["required"]]
    assert [one for one in required if not any(agrees(each, one) for each in found)] == [], [shown(one) for one in found]


@EACH_RULE
def test_nothing_is_found_that_is_not_told_of(seed: dict[str, Any], rule: str) -> None:
    found = found_in(seed).get(rule, ())
    assert [shown(each) for each in found if not any(agrees(each, one) for one in seed.get(rule, ()))] == []


@EACH
def test_where_nothing_should_fire_nothing_does(seed: dict[str, Any]) -> None:
    found = [(rule, " ".join(one.text.split())) for rule, findings in found_in(seed).items() for one in findings]
    fired = [
        never for never in seed["never"] for rule, text in found if never["contains"] in text and never.get("rule", rule) == rule
    ]
    assert fired == []


@EACH
def test_findings_point_at_their_words(seed: dict[str, Any]) -> None:
    article = articles(ROOT / "seeds")[seed["article"]]
    assert points_at_its_words(article, matched(shipped(), article))


def test_a_replay_gives_the_alerts_that_are_told_of_and_no_others() -> None:
    assert alerts(ROOT / "seeds") == sorted((seed["article"], rule) for seed in SEEDS for rule in seed["alerts"])


def test_what_seeds_yaml_quotes_stands_in_the_articles() -> None:
    """Against misprints: words that are in no article can never be found, nor wrongly found."""
    for seed in SEEDS:
        article = articles(ROOT / "seeds")[seed["article"]]
        text = " ".join(f"{article.title} {article.summary} {article.body}".split())
        quoted = [one["contains"] for rule in RULES for one in seed.get(rule, ()) if one["required"]]
        assert [words for words in quoted if words not in text] == []


# Those that the product was asked for

given = pytest.mark.skipif(not GIVEN.is_dir(), reason="the five articles (../shared/seeds) are not here")

SUMMITS: dict[str, list[dict[str, Any]]] = {
    "000": [{"time": "upcoming", "place": "Malta", "refused_by": None}],
    "002": [{"time": "upcoming", "status": "planned", "ordinal": "2", "place": None, "refused_by": "Russia"}],
}
STATEMENTS = {
    "000": [("Maria Zakharova", "rejects", "counterproductive")],
    "001": [("Dmitry Peskov", "open", "still possible"), ("Sergei Lavrov", "rejects", "make no sense")],
    "002": [("Mikhail Galuzin", "rejects", "participate in such")],
    "003": [("Dmitry Peskov", "blames", "unwillingness")],
    "004": [("Dmitry Peskov", "open", "substantial")],
}
OFFICIALS = ("Vladimir Putin", "Dmitry Peskov", "Sergei Lavrov", "Maria Zakharova", "Mikhail Galuzin", "Kremlin", "Russia")
NEVER = {
    "summit-announced": [
        "Jeddah",
        "key grain exports",
        "in Switzerland last month",
        "series of meetings",
        "renewed an offer",
        "several rounds",
    ],
    "kremlin-on-negotiations": [
        "previously accused",
        "has repeatedly accused",
        "has rejected any settlement",
        "He told me that he is ready",
        "allegedly told",
        "Yermak",
        "Zelensky said",
    ],
}
APPEALS = [
    "Support The Moscow Times",
    "Prosecutor General",
    "Russian leadership",
    "Sign up",
    "small favor",
    "Our journalism",
    "The Moscow Times,",
    "Dear readers",
]


def the(number: str) -> Article:
    return next(article for name, article in articles(GIVEN).items() if name.startswith(number))


def texts(found: Found, rule: str) -> list[str]:
    return [one.text for one in found.get(rule, ())]


@given
@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
def test_a_summit_is_announced_where_one_is(number: str) -> None:
    found = matched(shipped(), the(number)).get("summit-announced", ())
    wanted = SUMMITS.get(number, [])
    assert bool(found) is bool(wanted)
    for one in found:
        values = {**one.captures, **one.labels}
        assert any(all(values[key] == value for key, value in each.items()) for each in wanted), shown(one)


@given
@pytest.mark.parametrize(("number", "statement"), [(number, one) for number, many in STATEMENTS.items() for one in many])
def test_each_statement_of_the_table_is_found(number: str, statement: tuple[str, str, str]) -> None:
    speaker, stance, words = statement
    found = matched(shipped(), the(number))["kremlin-on-negotiations"]
    mine = [one for one in found if (one.captures["speaker"], one.labels["stance"]) == (speaker, stance)]
    assert any(words in one.text for one in mine), [shown(one) for one in found]


@given
@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
def test_nobody_but_russian_officials_speaks_and_nothing_else_fires(number: str) -> None:
    found = matched(shipped(), the(number))
    assert {one.captures["speaker"] for one in found["kremlin-on-negotiations"]} <= set(OFFICIALS)
    for rule in RULES:
        assert [text for text in texts(found, rule) for words in (*NEVER[rule], *APPEALS) if words in text] == []


@given
@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
def test_findings_in_the_five_point_at_their_words(number: str) -> None:
    assert points_at_its_words(the(number), matched(shipped(), the(number)))


@given
def test_a_replay_of_the_five_gives_an_alert_for_each() -> None:
    assert {article[:3] for article, _ in alerts(GIVEN)} == {"000", "001", "002", "003", "004"}


# With others on the list of speakers

OTHERS = (
    "    Volodymyr Zelensky: [Zelensky, Ukrainian President Zelensky]\n    Andriy Yermak: [Yermak]\n"
    "    Umaro Sissoco Embaló: [Embaló, Embolo, Umaro Sissoco Embalo]\n"
)
MARK = "  russian-state:\n"
ABOUT = ", about: $negotiation"
TRUE_SPEAKERS = [
    ("000", "optimistic about the meeting", "Andriy Yermak"),
    ("000", "absolutely no perspective", "Maria Zakharova"),
    ("003", "two warring sides", "Dmitry Peskov"),
    ("003", "ready to ensure our interests", "Dmitry Peskov"),
    ("003", "before pursuing negotiations", "Volodymyr Zelensky"),
    ("003", "He told me that he is ready", "Umaro Sissoco Embaló"),
    ("004", "some kind of process", "Dmitry Peskov"),
    ("004", "in any format", "Volodymyr Zelensky"),
]


@cache
def with_others() -> RuleSet:
    text = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    assert MARK in text
    assert ABOUT in text
    text = text.replace(MARK, MARK + OTHERS, 1).replace(ABOUT, "")
    return rules.load({"rules.yaml": text.encode()}, "rules.yaml")


@given
@pytest.mark.parametrize(("number", "words", "speaker"), TRUE_SPEAKERS)
def test_with_others_to_listen_to_each_sentence_goes_to_its_true_speaker(number: str, words: str, speaker: str) -> None:
    found = matched(with_others(), the(number)).get("kremlin-on-negotiations", ())
    said = [(one.captures["speaker"], one.text) for one in found if words in one.text or words in (one.captures["content"] or "")]
    assert {who for who, _ in said} == {speaker}, [shown(one) for one in found]
