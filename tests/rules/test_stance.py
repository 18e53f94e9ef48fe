from __future__ import annotations

import pytest

from rules.fold import tokens
from rules.speech.stance import Lexicon


def stance(content: str, verb: str = "say", lexicon: Lexicon | None = None) -> str:
    words = tokens(content)
    return (lexicon or Lexicon()).read(words, [(0, len(words))], verb)


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ("the talks make no sense", "rejects"),
        ("such gatherings are counterproductive", "rejects"),
        ("negotiations are out of the question", "rejects"),
        ("there will be no talks", "rejects"),
        ("we will not attend the summit", "rejects"),
        ("we won't take part in such talks", "rejects"),
        ("Moscow is not ready for talks", "rejects"),
        ("a ceasefire is impossible", "rejects"),
        ("we rule out a truce", "rejects"),
        ("neither a truce nor talks are possible", "rejects"),
        ("nobody in Moscow wants talks", "rejects"),
        ("we are ready for talks", "open"),
        ("we do not rule out talks", "open"),
        ("we never rejected talks", "open"),
        ("the door to negotiations is not closed", "open"),
        ("neither the president nor the minister have said the door is closed", "open"),
        ("talks are still possible", "open"),
        ("it is not impossible that talks resume", "open"),
        ("Russia welcomes the peace plan", "open"),
        ("we would like more substantial talks", "open"),
        ("we are ready for talks if Kyiv withdraws", "conditional"),
        ("there can be talks only after Kyiv withdraws", "conditional"),
        ("no talks until Kyiv withdraws", "conditional"),
        ("a truce is possible on condition that arms deliveries stop", "conditional"),
        ("Kyiv is to blame for the collapse of the talks", "blames"),
        ("Ukraine refuses to negotiate", "blames"),
        ("the West is sabotaging the talks", "blames"),
        ("Kyiv is unwilling to negotiate", "blames"),
        ("the talks will begin at ten o'clock", "neutral"),
        ("the delegation has arrived for the negotiations", "neutral"),
        ("", "neutral"),
    ],
)
def test_the_words_of_a_statement_tell_where_its_speaker_stands(content: str, read: str) -> None:
    assert stance(content) == read


@pytest.mark.parametrize(
    ("verb", "content", "read"),
    [
        ("reject", "a ceasefire", "rejects"),
        ("reject", "the talks", "rejects"),
        ("blame", "Kyiv for the failure of the talks", "blames"),
        ("blame", "the West of preparing for talks", "blames"),
        ("favor", "the peace plan", "open"),
        ("demand", "Ukraine's surrender before talks", "conditional"),
        ("deny", "that it rejected the talks", "open"),
        ("deny", "that talks are planned", "neutral"),
    ],
)
def test_the_verb_tells_too(verb: str, content: str, read: str) -> None:
    assert stance(content, verb) == read


def test_a_negation_stays_in_its_clause() -> None:
    assert stance("it is not summer, we are ready for talks") == "open"
    assert stance("he is not here; we reject the plan") == "rejects"


def test_a_rule_can_add_words_of_its_own() -> None:
    own = Lexicon((("rejects", ("cold porridge",)),))
    assert (stance("the plan is cold porridge"), stance("the plan is cold porridge", lexicon=own)) == ("neutral", "rejects")
