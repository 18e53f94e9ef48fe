from __future__ import annotations

import pytest

from rules.fold import tokens
from rules.names import Name, Names
from rules.speech.sides import Side
from rules.speech.stance import Lexicon, Stance
from rules.speech.verbs import Verb


def stance(content: str, verb: str = "say", lexicon: Lexicon | None = None) -> str:
    words = tokens(content)
    return (lexicon or Lexicon()).read(words, [(0, len(words))], Verb(verb, verb, 1), Side.of("Moscow")).name


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


def read(content: str, side: Side, verb: str = "say") -> Stance:
    words = tokens(content)
    return Lexicon().read(words, [(0, len(words))], Verb(verb, verb, 1), side)


@pytest.mark.parametrize(
    ("speaker", "content", "stance"),
    [
        ("Iran's foreign minister", "Tehran refuses to negotiate", "rejects"),
        ("Iran's foreign minister", "Washington refuses to negotiate", "blames"),
        ("the North Korean leader", "North Korea is not ready for talks", "rejects"),
        ("the North Korean leader", "South Korea is not ready for talks", "blames"),
        ("its foreign ministry", "Armenia has declined to negotiate", "rejects"),
        ("a spokesman", "we have walked out of the talks", "rejects"),
        ("a spokesman", "the rebels have walked out of the talks", "blames"),
        ("a spokesman", "nobody has walked out of the talks", "open"),
        ("Iran's foreign minister", "Tehran and Washington are ready for talks", "open"),
        ("Iran's foreign minister", "from the Americans we see no readiness for talks", "blames"),
        ("Iran's foreign minister", "it was the United States that left, not us", "blames"),
        ("Iran's foreign minister", "Hamas doesn't want to negotiate", "blames"),
    ],
)
def test_whose_a_refusal_is_decides_what_it_means(speaker: str, content: str, stance: str) -> None:
    assert read(content, Side.of(speaker)).name == stance


def test_a_list_of_one_country_is_its_speakers_side() -> None:
    listed = Names((Name("Kremlin", ("Kremlin",)), Name("Vladimir Putin", ("Putin",))))
    several = Names((Name("Kremlin", ("Kremlin",)), Name("Kyiv", ("Kyiv",))))
    assert Side.of("the envoy", listed) == Side(listed, frozenset(["Russia"]))
    assert Side.of("the envoy of Ukraine", several) == Side(None, frozenset(["Ukraine"]))
    assert read("he said that Putin refuses to negotiate", Side.of("the envoy", listed)).name == "rejects"


@pytest.mark.parametrize(
    ("content", "stance"),
    [
        ("we will negotiate if they withdraw", "conditional"),
        ("we shall prevail even if they do not withdraw", "neutral"),
        ("if they do not want to talk, it is their choice", "blames"),
        ("we are ready for talks as soon as possible", "open"),
        ("we are ready for talks as soon as they withdraw", "conditional"),
        ("the ministers will meet once again", "neutral"),
        ("there will be no meeting until Monday", "rejects"),
        ("we are mediating until peace comes", "neutral"),
        ("talks must begin at once", "open"),
        ("talks must take the realities into account", "conditional"),
        ("both sides must show restraint", "open"),
        ("without guarantees there can be no truce", "conditional"),
        ("talks can begin after the withdrawal", "conditional"),
        ("we want to create the conditions for a truce", "open"),
        ("a truce would only help them to regroup", "rejects"),
        ("I do not think that this is the right time for a summit", "rejects"),
        ("the delegation withdrew from the city", "neutral"),
        ("the rebels withdrew from the talks", "blames"),
        ("not only talks but a lasting peace is possible", "open"),
        ("the proposal is not serious", "rejects"),
        ("a truce of three days", "open"),
        ("we were disappointed, but we are ready for talks", "open"),
    ],
)
def test_small_words_decide(content: str, stance: str) -> None:
    assert read(content, Side.of("Moscow")).name == stance


def test_a_stance_names_the_words_that_showed_it() -> None:
    assert read("we are ready for talks if they withdraw", Side()) == Stance("conditional", ((5, 6),))
    assert read("the talks begin at ten", Side()) == Stance("neutral")


@pytest.mark.parametrize(
    ("lemma", "kind", "content", "stance"),
    [
        ("slam", "reject", "Kyiv for violating the truce", "blames"),
        ("reject", "reject", "any truce unless the ports are opened", "conditional"),
        ("hope", "say", "that the talks begin on Friday", "open"),
        ("urge", "favor", "both sides to stop undermining the truce", "open"),
        ("call for", "favor", "the enemy to surrender", "conditional"),
    ],
)
def test_what_the_verb_means_decides_too(lemma: str, kind: str, content: str, stance: str) -> None:
    words = tokens(content)
    assert Lexicon().read(words, [(0, len(words))], Verb(lemma, kind, 1), Side.of("Moscow")).name == stance


@pytest.mark.parametrize(
    ("content", "stance"),
    [
        ("the further they drag it out, the less there will be to discuss at talks", "conditional"),
        ("the sooner the army leaves, the sooner talks will begin", "conditional"),
        ("the talks are expected to start in April", "neutral"),
        ("there had been no talks with Ukraine in March", "neutral"),
        ("there will be no talks with Ukraine in March", "rejects"),
        ("we discussed ways to end the war", "neutral"),
        ("we are ready to discuss ways to end the war", "open"),
        ("it remains to be seen if the summit takes place", "neutral"),
        ("the minister's illness should not affect the talks", "neutral"),
        ("it is unclear whether the summit should be held in May", "neutral"),
        ("the settlement should be guaranteed by the neighbours", "conditional"),
        ("it was examining the plan and would remain open to talks", "open"),
        ("we urge both sides to stop violating the truce", "open"),
        ("the committee of opposition leaders spoke about the peace talks", "neutral"),
        ("the armed forces of both countries will be at the meeting", "neutral"),
    ],
)
def test_what_newspapers_write_is_read_as_they_mean_it(content: str, stance: str) -> None:
    assert read(content, Side.of("Moscow")).name == stance


def test_they_are_others_where_one_person_speaks() -> None:
    content = "they could undermine the truce"
    assert read(content, Side(person=True)).name == "blames"
    assert read(content, Side()).name == "neutral"
