from __future__ import annotations

import pytest
from writing import article

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
