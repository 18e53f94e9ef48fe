from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.sentences import LONGEST, paragraphs, quotations, sentences


def split(text: str) -> list[str]:
    return [text[a:b] for paragraph in paragraphs(text) for a, b in sentences(text, paragraph)]


def quoted(text: str) -> list[str]:
    return [text[a:b] for a, b in quotations(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Talks ended. | Nobody knows why.",
        "Mr. Smith met Gen. Brown. | They talked.",
        "J. D. Vance and George W. Bush met. | They talked.",
        "It was Feb. 24 in the U.S. capital. | War came.",
        "He left the U.S. | The talks went on.",
        "They came at 5 p.m. on Friday. | They left at 6 p.m.",
        "Prices rose by 3.5 percent to 1.250 euros. | Nobody minded.",
        "“We will talk. | We will win.” | He smiled.",
        "“Will you come?” he asked. | She did not answer.",
        "“Stop!” they cried. | He stopped.",
        "Why? | Because! | Really?!",
        "He waited … and waited. | Nothing…",
        "He said so (he was tired.) | She left.",
        "The firm, Acme Inc., agreed. | It paid.",
        "It ended in the Kremlin.” | He left.",
        "Песков сказал, что переговоры идут. | Москва ждёт.",
        "В 2022 г. начались переговоры на ул. Ленина. | Они шли долго.",
        "Встретились И. И. Иванов и А. С. Пушкин. | Поговорили.",
        "«Мы готовы. | Мы ждём», — сказал он.",
        "A line without a stop",
        "See monitor.example for more. | Read it.",
        "No. 5 won. | No one lost.",
    ],
)
def test_sentences_end_where_a_reader_stops(text: str) -> None:
    assert split(text.replace(" | ", " ")) == text.split(" | ")


def test_lines_are_paragraphs_and_a_sentence_never_crosses_one() -> None:
    assert split("The title\n\n  Talks ended \r\nNobody knows. Why?\n\n\n") == [
        "The title",
        "Talks ended",
        "Nobody knows.",
        "Why?",
    ]


def test_a_sentence_without_end_is_cut_between_words() -> None:
    pieces = split("peace talks " * 1000)
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert all(set(piece.split()) == {"peace", "talks"} for piece in pieces)
    assert sum(len(piece.split()) for piece in pieces) == 2000


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("“We talk,” he said.", ["We talk,"]),
        ('"We talk," he said.', ["We talk,"]),
        ("«Мы говорим», — сказал он.", ["Мы говорим"]),
        ("„Wir reden“, sagte er.", ["Wir reden"]),
        ("„Мы говорим”, сказал он.", ["Мы говорим"]),
        ("‘We talk,’ he said.", ["We talk,"]),
        ("'We talk,' he said.", ["We talk,"]),
        ("“A,” he said, “B.”", ["A,", "B."]),
        ('He called it "a farce" and "a sham".', ["a farce", "a sham"]),
        ("It’s the ministers’ plan, isn’t it?", []),
        ("the '90s were long", []),
        ("He said ‘it’s over’ today.", ["it’s over"]),
        ("‘the ministers’ plan’ failed", ["the ministers’ plan"]),
        ("No quotes at all.", []),
        ("(“Talks”)", ["Talks"]),
        ("6'2\" tall", []),
    ],
)
def test_quotations_are_what_stands_between_quotation_marks(text: str, inside: list[str]) -> None:
    assert quoted(text) == inside


@pytest.mark.parametrize("marks", ["“”", '""', "«»"])
def test_a_quotation_that_opens_every_paragraph_runs_over_them(marks: str) -> None:
    opens, closes = marks[0], marks[1]
    text = f"{opens}One is long.\n\n{opens}Two is short,{closes} he said."
    assert quoted(text) == ["One is long.", "Two is short,"]


def test_a_quotation_that_never_ends_ends_with_its_paragraph() -> None:
    text = "“We talk, he said.\n\nProse follows. “More,” she said."
    assert quoted(text) == ["We talk, he said.", "More,"]


def test_a_closing_mark_by_itself_quotes_nothing() -> None:
    assert quoted("He left.” They stayed.\n\nIt rained.") == []


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("aA .!?…\"“”‘’'«»()\n\r\x85")), max_size=120))
def test_in_any_text_sentences_and_quotations_lie_where_they_can(text: str) -> None:
    for start, end in paragraphs(text):
        assert text[start:end].strip() == text[start:end] != ""
        at = start
        for a, b in sentences(text, (start, end)):
            assert at <= a < b <= end
            assert not text[at:a].strip()
            at = b
        assert at == end
    for a, b in quotations(text):
        assert 0 <= a <= b <= len(text)


@pytest.mark.parametrize("run", [".", "?!", "”)", '."', "“", "'", "‘", " 'a", "a.", ". ", "(", "…"])
def test_runs_of_marks_cost_no_more_than_their_length(run: str) -> None:
    text = "Talks " + run * 600 + "x"
    start = time.process_time()
    split(text)
    quoted(text)
    assert time.process_time() - start < 0.3
