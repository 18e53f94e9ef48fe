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
        # an introduction before the speaker, and what stands beside his name
        ("BERGEN (AP) — Anna Berg opened a bridge, saying it was “a wonder.”", "Anna Berg", "it was “a wonder"),
        ("Hours later, Berg opened a bridge, telling a paper, “It is a wonder.”", "Berg", "It is a wonder"),
        ("Shortly after the storm, in Bergen, Berg opened a bridge, saying it was safe.", "Berg", "it was safe"),
        ("At a fair in Bergen, Norway, on Sunday, Anna Berg opened a bridge, saying it was safe.", "Anna Berg", "it was safe"),
        ("Speaking in Bergen, Norway, Berg opened a bridge, saying it was safe.", "Berg", "it was safe"),
        ("In Bergen, Anna Berg, a farmer, opened a bridge, saying it was safe.", "Anna Berg", "it was safe"),
        ("Facing a storm, Berg opened a bridge, saying it was safe.", "Berg", "it was safe"),
        ("On Radio Bergen’s “Morning Hour,” Anna Berg said it rained.", "Anna Berg", "it rained"),
        ("Asked about rain on “Morning Hour,” Berg said it was mild.", "Berg", "it was mild"),
        ("Anna Berg, 22, of Voss, Norway, said it rained.", "Anna Berg", "it rained"),
        ("Sen. Anna Berg (D-Ohio), a former farmer, said it rained.", "Sen. Anna Berg", "it rained"),
        ("A Norwegian official who wrote to discuss wheat prices said it rained.", "A Norwegian official", "it rained"),
        # whoever is named behind what was said
        (
            "The rain would spoil half of the harvest, said Anna Berg, a farmer.",
            "Anna Berg",
            "The rain would spoil half of the harvest",
        ),
        (
            "“It rains” more than it did, partly because of the sea, says Anna Berg, a farmer.",
            "Anna Berg",
            "It rains” more than it did, partly because of the sea",
        ),
        ("“The rain,” said Anna Berg, a farmer who is the head of a club, “is a wonder.”", "Anna Berg", "The rain … is a wonder"),
        ("Anna Berg opened her speech saying “it rains” a lot.", "Anna Berg", "it rains” a lot"),
        ("Berg opened a bridge, telling farmers in Voss, Norway, that it was safe.", "Berg", "that it was safe"),
        ("“It rains,” said a woman close to the club.", "a woman close", "It rains"),
        ("“It rains,” said the boy, who had no coat.", "the boy", "It rains"),
        (
            "“It rains” in the whole of the valley, said Anna Berg, executive director of a club.",
            "Anna Berg, executive director of a club",
            "It rains” in the whole of the valley",
        ),
        ("Rain would be “a wonder” now, Anna Berg said after the long drought.", "Anna Berg", "Rain would be “a wonder” now"),
        ("“It is over,” agrees Anna Berg.", "Anna Berg", "It is over"),
        ("The bridge is “a wonder,” as Berg said on Monday.", "Berg", "The bridge is “a wonder"),
        ("“Where is my boat?” Berg asked, looking around.", "Berg", "Where is my boat"),
        ("“It rains, no?” Berg went on, as if nobody had spoken.", "Berg", "It rains, no"),
        # verbs
        ("Continued Berg: “It rains.”", "Berg", "It rains"),
        ("Berg continued, “It rains.”", "Berg", "It rains"),
        ("“It rains,” Berg sighed.", "Berg", "It rains"),
        ("Berg went on to say that it rained.", "Berg", "that it rained"),
        ("Berg called her neighbour’s old red boat “a wreck.”", "Berg", "her neighbour’s old red boat “a wreck"),
        ("Berg said only, “No comment.”", "Berg", "No comment"),
        ("Berg issued a statement on Monday night saying it rained.", "Berg", "it rained"),
        ("Instead, Berg told Radio Bergen, her boat would be “for sale.”", "Berg", "her boat would be “for sale"),
        # what was said before is not said again
        ("Berg called the rain “mild,” adding that it would end.", "Berg", "that it would end"),
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
        "The Bergen Post posted a loss.",
        "Berg finished the book and the boat.",
        "Beijing is far away, and nothing was heard.",
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


def test_short_sentences_do_not_break_a_quotation() -> None:
    found = said("“It is cold here,” Berg said. “The rain. The wind. Nobody stays in such weather.”")
    assert [content for _, content in found] == ["It is cold here", "The rain", "The wind", "Nobody stays in such weather"]


def test_each_line_of_a_dialogue_has_its_own_speaker() -> None:
    found = said("“It is cold,” Berg said. “Where is your coat?” Hansen asked. “At home,” Berg said.")
    assert found == [("Berg", "It is cold"), ("Hansen", "Where is your coat"), ("Berg", "At home")]


def test_a_word_with_a_colon_inside_a_quotation_names_nobody() -> None:
    assert [who for who, _ in said("“It rains a lot,” Berg said. “Look: the boats are full.”")] == ["Berg", "Berg"]
