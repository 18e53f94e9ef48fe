"""Who said what in general news, whoever speaks: `statement: {by: any}`."""

from __future__ import annotations

import pytest
from writing import article, findings, rule

SAID = rule("statement: {by: any}")
LISTS = """
who:
  Anton Berg: [Berg]
  Norway: {any: [Norway, Oslo]}
  officials: {office: [foreign minister, envoy], of: [Norway]}
topic: [talks, truce, peace plan, meeting]
"""
TOPIC = rule("statement: {by: $who, about: $topic}", lists=LISTS)


def said(text: str) -> list[tuple[str | None, str | None]]:
    return [(one.captures["as"] or one.captures["speaker"], one.captures["content"]) for one in findings(SAID, article(text))]


@pytest.mark.parametrize(
    ("text", "speaker", "content"),
    [
        # a quotation ends where its marks do
        ("“The harvest was good,” said Anna Berg, who runs a farm near Bergen.", "Anna Berg", "The harvest was good"),
        ("“The harvest was good,” Berg said at a fair that drew thousands.", "Berg", "The harvest was good"),
        ("Berg said the harvest was “a wonder”, a claim that others doubt.", "Berg", "the harvest was “a wonder"),
        ("Berg wrote to her many friends abroad, “It was a wonder.”", "Berg", "It was a wonder"),
        ("“We do not care,” Berg said.", "Berg", "We do not care"),
        ("“Why us?” Berg asked.", "Berg", "Why us"),
        ("“Never again!” said Berg.", "Berg", "Never again"),
        ("Harvests take long, Berg said, because summers are short.", "Berg", "Harvests take long … because summers are short"),
        # whoever stands beside it
        ("“It rains,” the campaign manager Anna Berg said.", "the campaign manager Anna Berg", "It rains"),
        ("“It rains,” said retired surgeon Anna Berg.", "retired surgeon Anna Berg", "It rains"),
        ("Anna Berg, 44, said it rained.", "Anna Berg", "it rained"),
        ("Sen. Anna Berg (D-Ohio) said it rained.", "Sen. Anna Berg", "it rained"),
        ("Anna Berg, lawyer for one of the groups in the suit, said it rained.", "Anna Berg", "it rained"),
        ("Anna Berg, at a rally in Bergen, Norway, said it rained.", "Anna Berg", "it rained"),
        ("A Norwegian official responded by saying it rained.", "A Norwegian official", "it rained"),
        ("Berg spoke to the press in Bergen. “It rains a lot.”", "Berg", "It rains a lot"),
        # what begins a sentence ends at its comma
        ("While Berg rejected the bill, others cheered.", "Berg", "the bill"),
    ],
)
def test_what_was_said_and_by_whom(text: str, speaker: str, content: str) -> None:
    assert (speaker, content) in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "The United States won.",
        "The people of the United States are many.",
        "The member states met.",
        "An appeal by farmers went nowhere.",
        "Berg could agree to it.",
        "If Berg rejects it, others will cheer.",
        "Berg may welcome a new law.",
        "Her “mean-spirited” comments were read out.",
        "Berg’s proposed law went nowhere.",
    ],
)
def test_nothing_is_said(text: str) -> None:
    assert said(text) == []


def test_a_quotation_goes_on_with_whoever_was_quoted() -> None:
    found = said("“It rains,” Berg told the paper in May, after Hansen stated an interest. “It pours at night.”")
    assert ("Berg", "It pours at night") in found


def test_each_thing_that_is_said_in_a_sentence_is_found() -> None:
    assert [content for _, content in said("Berg said it rained, adding that it was cold.")] == ["it rained", "that it was cold"]


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        # passed on by a news outlet, it is still his
        ("Berg said talks would go on, according to Reuters.", True),
        ("Reuters reported that Berg said talks would go on.", True),
        ("Hansen said that Berg said talks would go on.", False),
        ("As Hansen said, although Oslo claims that talks go on, nobody comes.", False),
        ("After Hansen said he was ready, Oslo said talks would go on.", True),
        # the topic is what was said, not where
        ("Berg hailed the harvest at a meeting with farmers.", False),
        ("Berg hailed the meeting.", True),
        ("Oslo agreed to sell a large fleet of old ferries to its neighbours in the south long before the talks began.", False),
        # what points back
        ("A peace plan is on the table. It rained. Berg said the plan was naive.", True),
        ("A plan to fish more is on the table. It rained. Berg said the plan was naive.", False),
        ("Berg, when asked about a truce, said he was waiting.", True),
        ("Hansen wants talks. Berg told reporters that he liked fish.", False),
        ("Talks broke down in 2015, Berg said.", True),
        ("Surveillance of Berg revealed talks on a truce.", False),
        ("Berg called on Monday for talks.", True),
        ("Berg and Hansen said talks would go on.", True),
    ],
)
def test_a_statement_is_his_and_about_the_topic(text: str, *, fires: bool) -> None:
    assert bool(findings(TOPIC, article(text))) is fires


@pytest.mark.parametrize(
    ("title", "speaker"),
    [
        ("Oslo, Helsinki Agree on Talks — Berg", "Anton Berg"),
        ("Helsinki Rejects Talks — Berg", "Anton Berg"),
        ("Oslo Rejects Talks — BBC", "Norway"),
    ],
)
def test_whoever_stands_behind_the_dash_of_a_headline_says_it(title: str, speaker: str) -> None:
    assert speaker in [one.captures["speaker"] for one in findings(TOPIC, article(title=title))]
