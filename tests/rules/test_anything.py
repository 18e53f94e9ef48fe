"""The engine against any text at all: it answers, never breaks, and every answer is where it says."""

from __future__ import annotations

import runpy
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import article, sound

import rules
from rules import Article, RuleSet

ROOT = Path(__file__).parents[2]

EVERYTHING = """
lists:
  who: {Vladimir Putin: {any: [Putin, Russian president], except: [Putin spoke]}, Rest: [pesk*, ~minister]}
  talks: {any: [talk*, summit, ~встреча], except: [talks talks]}
rules:
  - {id: near, when: {near: {terms: [$talks, [Geneva, said], [a*, e*]], within: 9}}}
  - {id: quote, when: {quote: {all: [$talks], none: [war]}}}
  - {id: sentence, when: {sentence: {any: $talks, none: [Geneva]}}}
  - {id: paragraph, when: {paragraph: {all: [$talks, said]}}}
  - {id: parts, when: {any: [{title: $talks}, {lead: said}, {body: {none: [Geneva]}}]}}
  - {id: regex, when: {any: ['/(?P<what>a|e)+ .* (talks|said)/', '/[a-z]+ [a-z]+/', '/./']}}
  - {id: counted, when: {at_least: {count: 2, of: [$talks, said, $who]}}}
  - {id: captured, when: {sentence: {capture: {topic: $talks, who: $who}}}, labels: {mood: {bad: [war]}}}
  - {id: said, when: {statement: {by: $who}}}
  - {id: anybody, when: {statement: {by: any, about: $talks, kind: [direct, mixed, indirect, second-hand], time: any}}}
  - {id: event, when: {mention: {of: $talks}}}
"""


@cache
def shipped() -> RuleSet:
    return rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")


@cache
def everything() -> RuleSet:
    return rules.load({"r": EVERYTHING.encode()}, "r")


WHO = [
    "Putin",
    "Peskov",
    "the Kremlin",
    "Kremlin spokesman Dmitry Peskov",
    "Zelensky",
    "he",
    "she",
    "it",
    "Russia",
    "Sergei Lavrov, Russia’s foreign minister,",
    "the minister",
    "a senior Russian diplomat",
    "the envoy to Moscow",
    "Песков",
    "who",
    "U.S. President Joe Biden",
    "Moscow’s",
    "Putin’s envoy",
]
SAID = [
    "said",
    "told reporters",
    "told",
    "said that",
    "added:",
    "rejected",
    "accused",
    "according to",
    "was rejected by",
    "adding that",
    "will not attend",
    "refused to",
    "declined to say",
    "in the words of",
    "in",
    "called",
    "ruled out",
    "as saying",
    "quoted",
    "has repeatedly",
    "allegedly",
    "сказал",
    "won’t",
    "said by",
    "claims",
    "asked about",
]
WHAT = [
    "talks",
    "the talks",
    "a second summit",
    "peace talks in Geneva",
    "no ceasefire",
    "negotiations on Friday",
    "“farce”",
    "the 3rd round of talks",
    "June 15-16",
    "in the Turkish capital",
    "this weekend",
    "of",
    "by",
    "in",
    "hosted by Malta",
    "earlier this year",
    "to travel to Doha for talks",
    "переговоры",
    "such gatherings",
    "it",
    "they",
    "G20 summit",
    "by 5 p.m.",
    "May 5, 2024",
    "not",
    "if",
]
MARKS = [
    " ",
    " ",
    " ",
    ", ",
    ". ",
    "; ",
    ": ",
    " – ",
    " “",
    "” ",
    ",” ",
    ".” ",
    ' "',
    '" ',
    " ‘",
    "’ ",
    "\n",
    "\n\n",
    "«",
    "»",
    "? ",
    "! ",
    "…",
    "(",
    ")",
    "-",
    "'s ",
    "\r\n",
    "\x85",
    "\u2028",
    ".",
    "",
]

newsy = st.lists(st.tuples(st.sampled_from(WHO + SAID + WHAT), st.sampled_from(MARKS)), max_size=30).map(
    lambda parts: "".join(word + mark for word, mark in parts)
)
loose = st.lists(st.one_of(st.sampled_from(WHO + SAID + WHAT + MARKS), st.text(max_size=4)), max_size=30).map("".join)
texts = st.one_of(newsy, newsy, loose, st.text(max_size=80))
days = st.one_of(st.none(), st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis wants them bare


@settings(max_examples=400, deadline=None)
@given(texts, st.one_of(st.just(""), texts), st.one_of(st.just(""), texts), days)
def test_any_article_is_matched_or_not_and_every_finding_is_where_it_says(
    body: str, title: str, summary: str, day: datetime | None
) -> None:
    told = Article(id="it", title=title, summary=summary, body=body, published=day)
    sound(shipped(), told)
    sound(everything(), told)


@settings(max_examples=100, deadline=None)
@given(newsy, days)
def test_the_same_article_gives_the_same_findings(body: str, day: datetime | None) -> None:
    told = Article(id="it", title="Putin on talks", body=body, published=day)
    fresh = rules.load({"r": EVERYTHING.encode()}, "r")
    assert everything().match(told) == everything().match(told) == fresh.match(told)


@settings(max_examples=100, deadline=None)
@given(newsy, newsy)
def test_every_rule_can_be_explained_as_it_matched(body: str, title: str) -> None:
    told = article(body, title)
    matched = {match.rule for match in everything().match(told)}
    assert {one.id for one, clause in everything().explain(told) if clause.holds} == matched


@pytest.mark.parametrize("field", ["title", "summary", "body"])
@pytest.mark.parametrize(
    "text",
    [
        "A proposal for talks was rejected by the Kremlin",
        "Putin said",
        "said",
        "according to",
        "Putin told",
        "“",
        "Putin: ",
        "the talks – Putin",
        "in Putin’s words",
    ],
)
def test_words_that_end_a_text_early_do_no_harm(field: str, text: str) -> None:
    for end in ("", ".", "\n", " talks", ", "):
        fields = {field: text + end}
        told = article(fields.get("body", ""), fields.get("title", ""), summary=fields.get("summary", ""))
        sound(shipped(), told)
        sound(everything(), told)


BENCHMARK = runpy.run_path(str(ROOT / "benchmarks/linear.py"))


@pytest.mark.parametrize("shape", BENCHMARK["SHAPES"])
def test_no_shape_of_text_holds_the_engine_up(shape: str) -> None:
    """Generous, since machines differ: what is quadratic in the article or in a sentence takes far longer."""
    told = article(BENCHMARK["LEAD"] + BENCHMARK["SHAPES"][shape](15_000) + BENCHMARK["END"], "Putin on talks")
    start = time.process_time()
    shipped().match(told)
    assert time.process_time() - start < 3
