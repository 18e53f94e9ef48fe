from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import article, rule

from rules import RuleSet
from rules.fold import tokens, vocabulary
from rules.reading import Reading


def read(body: str, title: str = "", **more: str) -> list[tuple[str, str]]:
    """The sentences that count, each with its field."""
    return [(one.section.field, one.text) for one in Reading(article(body, title, **more)).sentences]


def test_title_summary_and_body_are_read_in_this_order() -> None:
    assert read("The body. It ends.", "The title", summary="The summary.") == [
        ("title", "The title"),
        ("summary", "The summary."),
        ("body", "The body."),
        ("body", "It ends."),
    ]


@pytest.mark.parametrize("body", ["Talks end in Oslo. More.", "  Talks end\n in Oslo. More.", "Talks end in Oslo\n\nMore."])
def test_a_title_that_the_body_begins_with_is_read_once(body: str) -> None:
    found = read(body, "Talks end in Oslo")
    assert {field for field, _ in found} == {"body"}
    assert sum("Oslo" in text for _, text in found) == 1


@pytest.mark.parametrize(("title", "body"), [("Talks end", "Talks ended in Oslo."), ("War", "Warsaw hosts talks.")])
def test_a_title_that_ends_within_a_word_of_the_body_is_read(title: str, body: str) -> None:
    assert read(body, title)[0] == ("title", title)


def test_a_teaser_that_the_body_repeats_is_read_once() -> None:
    assert read("Talks end in Oslo, and all go home.", "Oslo", summary="Talks end in Oslo…") == [
        ("title", "Oslo"),
        ("body", "Talks end in Oslo, and all go home."),
    ]


def test_offsets_count_in_the_field_as_given() -> None:
    told = article("\n\n  😀 One talks.\r\n\tTwo\u00a0go. ", "Title")
    for one in Reading(told).sentences:
        assert told.text(one.section.field)[one.start : one.end] == one.text
        for word in one.words:
            assert told.text(one.section.field)[word.start : word.end] == word.raw


def test_words_know_whether_they_are_quoted() -> None:
    section = Reading(article("“Come,” he said. ‘Go.’")).sections[0]
    assert [word.raw for word, quoted in zip(section.words, section.quoted, strict=True) if quoted] == ["Come", "Go"]


def test_an_article_without_words_has_no_sentence() -> None:
    assert read(" \n… 😀 —", " ") == []


def test_sentences_are_numbered_over_all_fields() -> None:
    assert [one.number for one in Reading(article("One. Two.", "Title", summary="Sum.")).sentences] == [0, 1, 2, 3]


def test_a_word_that_is_masked_stands_in_no_sentence() -> None:
    section = Reading(article("The ministers met in Oslo on Friday.\n\nSubscribe now to our newsletter!")).sections[0]
    assert [section.words[k].word for k in range(len(section.words)) if section.around(k) is None] == [
        "subscribe", "now", "to", "our", "newsletter",
    ]  # fmt: skip


def test_what_two_conditions_need_is_made_once() -> None:
    reading, numbers = Reading(article("Ministers met.")), iter((1, 2))
    assert [reading.once("key", lambda: next(numbers)) for _ in range(2)] == [1, 1]


APPEAL = "The minister thanks all who read about the talks."


def with_site(body: str, *spans: tuple[int, int], title: str = "") -> Reading:
    return Reading(replace(article(body, title), site=spans))


def test_what_the_site_prints_everywhere_holds_no_sentence() -> None:
    body = f"One met. {APPEAL}\n\n{APPEAL} Again it thanks.\n\nTwo went home."
    at = body.rindex(APPEAL)
    reading = with_site(body, (at, at + len(APPEAL) + len(" Again it thanks.")))

    assert [(one.number, one.text) for one in reading.sentences] == [(0, "One met."), (1, APPEAL), (2, "Two went home.")]
    assert all(body[one.start : one.end] == one.text for one in reading.sentences)
    assert reading.sentences[1].section.around(reading.sentences[1].lo) is reading.sentences[1]


def test_a_sentence_that_only_touches_what_the_site_prints_does_not_count() -> None:
    assert [one.text for one in with_site("One met. Two went. Three stayed.", (12, 13)).sentences] == [
        "One met.",
        "Three stayed.",
    ]


def test_a_rule_finds_nothing_where_the_site_speaks() -> None:
    rules = rule("[talks]")
    body = f"One met.\n\n{APPEAL}"
    masked = replace(article(body), site=((10, len(body)),))

    assert rules.match(article(body))
    assert rules.match(masked) == []
    assert rules.explain(masked)[0][1].holds is False


def test_an_article_that_is_all_the_sites_own_is_said_to_be() -> None:
    ((_, clause),) = rule("[talks]").explain(replace(article(APPEAL), site=((0, len(APPEAL)),)))

    assert "the site's own" in clause.why


def test_a_title_that_the_body_opens_with_is_read_where_the_opening_is_masked() -> None:
    body = f"{APPEAL}\n\nTwo went home."

    assert [one.text for one in with_site(body, (0, len(APPEAL)), title=APPEAL).sentences] == [APPEAL, "Two went home."]
    assert with_site(body, title=APPEAL).sentences[0].section.field == "body"


# Telling from words alone that no rule can match.


@given(
    st.lists(st.sampled_from([*"abЖ’'. -\n\u00ad\u0301\u200e", "don't", "O’Brien", "U.S.", "Moscow's", "naïve", "ﬁnd", "İ"])).map(
        "".join
    )
)
@settings(max_examples=300, deadline=None)
def test_the_vocabulary_of_a_text_is_its_words(text: str) -> None:
    assert vocabulary(text) == {word.word for word in tokens(text)}


@pytest.mark.parametrize(
    ("when", "possible"),
    [
        ("[talks]", True),
        ("[TALKS]", True),
        ("[talk*]", True),
        ("[summit]", False),
        ("[summit, talks]", True),
        ("[peace talks]", True),
        ("[peace summit]", False),
        ("{all: [talks, summit]}", False),
        ("{all: [talks], none: [peace]}", True),
        ("{none: [peace]}", True),
        ("{at_least: {count: 2, of: [talks, Oslo, summit]}}", True),
        ("{at_least: {count: 3, of: [talks, Oslo, summit]}}", False),
        ("{near: {terms: [talks, Oslo]}}", True),
        ("{near: {terms: [talks, summit]}}", False),
        ("{title: [talks]}", True),
        ("{sentence: {capture: {what: [talks], where: [summit]}}}", False),
        ("{article: {source: nobody}}", True),
        ("{statement: {by: any}}", True),
        ("{statement: {by: {Peskov: }}}", False),
        ("{statement: {by: {Peskov: , officials: {office: [minister], of: [Norway]}}, about: [talks]}}", True),
        ("{mention: {of: [summit]}}", False),
        ("{mention: {of: [talks]}}", True),
        ("['/summ.t/']", True),
    ],
)
def test_a_rule_is_possible_where_the_words_it_needs_are_there(when: str, possible: object) -> None:
    assert rule(when).possible("Talks in Oslo.", "The minister of Norway hopes for peace.") is possible


def test_a_rule_that_is_not_asked_is_not_possible() -> None:
    assert not rule("[talks]", status="deprecated").possible("talks")
    assert not RuleSet().possible("talks")


@given(
    st.lists(
        st.sampled_from(
            "Peskov said the talks in Oslo were over . \n “ ” Norway minister Kremlin summit on Friday will be held".split(" ")
        )
    )
)
@settings(max_examples=200, deadline=None)
def test_what_matches_was_possible_and_more_words_never_make_it_less(words: list[str]) -> None:
    text = " ".join(words)
    for when in (
        "{statement: {by: {Peskov: , Kremlin: }, about: [talks]}}",
        "{mention: {of: [talks, summit]}}",
        "{quote: {all: [talks, Oslo]}}",
    ):
        one = rule(when)
        if one.match(article(text)):
            assert one.possible(text)
        if one.possible(text[: len(text) // 2]):
            assert one.possible(text)
            assert one.possible("else", text[: len(text) // 2])
