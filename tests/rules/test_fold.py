from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.fold import fold, tokens


def words(text: str) -> list[str]:
    return [token.word for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Peace Talks", ["peace", "talks"]),
        ("Zelenskyy’s", ["zelenskyy", "'s"]),
        ("Zelenskyy's", ["zelenskyy", "'s"]),
        ("the ministers’ talks", ["the", "ministers", "talks"]),
        ("O'Brien and O’Brien", ["o'brien", "and", "o'brien"]),
        ("Jeanne d'Arc", ["jeanne", "d'arc"]),
        ("don't, don’t, we're, they’ll", ["don't", "don't", "we're", "they'll"]),
        ("‘talks’", ["talks"]),
        ("'talks'", ["talks"]),
        ("Embaló", ["embalo"]),
        (unicodedata.normalize("NFD", "Embaló"), ["embalo"]),
        ("cease\u00adfire", ["ceasefire"]),
        ("cease\u200bfire", ["ceasefire"]),
        ("\ufeffTalks", ["talks"]),
        ("Straße", ["strasse"]),
        ("STRASSE", ["strasse"]),
        ("İstanbul", ["istanbul"]),
        ("ISTANBUL", ["istanbul"]),
        ("ﬁre", ["fire"]),
        ("talks 😀 talks", ["talks", "talks"]),
        ("👩‍👩‍👧 talks", ["talks"]),
        ("Переговоры", ["переговоры"]),
        ("мой ёлки", ["мой", "елки"]),
        ("Київ", ["київ"]),
        ("U.S. and U.N.", ["us", "and", "un"]),
        ("the U.S.'s plan", ["the", "us", "'s", "plan"]),
        ("at 5 p.m. on", ["at", "5", "pm", "on"]),
        ("Moscow-based", ["moscow", "based"]),
        ("G20", ["g20"]),
        ("3.5 percent", ["3", "5", "percent"]),
        ("snake_case", ["snake_case"]),
        ("北京会谈", ["北京会谈"]),
        ("", []),
        ("… — “ ” ,", []),
    ],
)
def test_words_are_folded(text: str, folded: list[str]) -> None:
    assert words(text) == folded


@pytest.mark.parametrize(
    ("one", "other"), [("Embaló", "EMBALO"), ("Bürgenstock", "burgenstock"), ("café", "CAFE"), ("ЁЛКА", "елка"), ("Мой", "МОЙ")]
)
def test_spellings_meet_that_a_reader_takes_for_the_same(one: str, other: str) -> None:
    assert fold(unicodedata.normalize("NFC", one)) == fold(unicodedata.normalize("NFD", one)) == fold(other)


def test_offsets_count_code_points_of_the_text_as_given() -> None:
    text = "😀 İzmir Stra\u00adße — e\u0301te\u0301, “Talks”"
    assert [text[token.start : token.end] for token in tokens(text)] == ["İzmir", "Stra\u00adße", "e\u0301te\u0301", "Talks"]


def test_a_token_knows_what_stands_before_it() -> None:
    first, second, third = tokens("Moscow-based, “envoy")
    assert (first.gap, second.gap, third.gap) == ("", "-", ", “")
    assert second.glued
    assert not third.glued


@pytest.mark.parametrize(
    ("word", "caps"), [("US", True), ("U.S.", True), ("NATO", True), ("G20", False), ("I", False), ("Us", False), ("США", True)]
)
def test_capitals_are_two_letters_and_all_of_them(word: str, *, caps: bool) -> None:
    assert tokens(word)[0].caps is caps


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("aA.'’\u0301\u00adßİ😀- \n"))))
def test_tokens_stand_in_any_text_in_order_and_where_they_say(text: str) -> None:
    at = 0
    for token in tokens(text):
        assert token.start >= at
        assert text[token.start : token.end] == token.raw
        assert token.gap == text[at : token.start]
        assert token.word
        at = token.end


def test_a_text_knows_where_its_words_stand() -> None:
    words = tokens("The plan, the other plan and planners")
    assert words.standing("plan", "the") == [0, 1, 2, 4]
    assert words.standing("peace") == []
    assert words.beginning("plan") == ["plan", "planners"]
