from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.fold import Token, tokens
from rules.terms import BadTerm, Terms, parse, terms


def found(written: str | list[str], text: str) -> list[str]:
    words = tokens(text)
    spans = terms([written] if isinstance(written, str) else written).search(words)
    return [text[words[a].start : words[b - 1].end] for a, b in spans]


@pytest.mark.parametrize(
    ("term", "text", "there"),
    [
        # whole words, in any case
        ("talks", "Talks about TALKS.", ["Talks", "TALKS"]),
        ("talk", "talks talkative", []),
        # phrases
        ("peace plan", "a Peace Plan", ["Peace Plan"]),
        ("peace plan", "peace, plan", []),
        ("peace plan", "Peace. Plan ahead", []),
        ("peace plan", "peace\nplan", []),
        ("peace plan", "peace\u2028plan", []),
        ("peace plan", "peace: plan; peace – plan", ["peace – plan"]),
        ("peace plan", "peace (plan)", []),
        ("peace plan", "peace-plan", ["peace-plan"]),
        ("peace plan", "peace\u00a0plan", ["peace\u00a0plan"]),
        ("peace plan", "peace  plan", ["peace  plan"]),
        ("peace plan", "“peace” plan", ["peace” plan"]),
        ("cease-fire", "a cease fire, a cease‑fire", ["cease fire", "cease‑fire"]),
        ("cease fire", "ceasefire", []),
        # prefixes
        ("negotiat*", "negotiations, Negotiators renegotiate", ["negotiations", "Negotiators"]),
        ("peace negotiat*", "peace negotiators", ["peace negotiators"]),
        ("ядерн*", "ядерное оружие", ["ядерное"]),
        # capitals
        ("US", "The US told us", ["US"]),
        ("US", "the U.S. told U.S.-backed", ["U.S.", "U.S."]),
        ("U.S.", "the US", ["US"]),
        ("us", "The US told us", ["US", "us"]),
        ("NATO", "Nato, nato, NATO's", ["NATO"]),
        ("NATO summit", "NATO summit, nato summit, NATO Summit", ["NATO summit", "NATO Summit"]),
        # accents, marks that nobody sees, quotes
        ("Embalo", "Embaló, Embalo\u0301", ["Embaló", "Embalo\u0301"]),
        ("Embaló", "Embalo", ["Embalo"]),
        ("ceasefire", "cease\u00adfire", ["cease\u00adfire"]),
        ("O'Brien", "O’Brien", ["O’Brien"]),
        ("Russia's president", "Russia’s president", ["Russia’s president"]),
        ("strasse", "Straße", ["Straße"]),
        ("киев", "Киев, КИЕВ", ["Киев", "КИЕВ"]),
        # stems
        ("~negotiate", "negotiated, negotiating, negotiation", ["negotiated", "negotiating", "negotiation"]),
        ("~переговоры", "о переговорах, переговоров", ["переговорах", "переговоров"]),
        ("~peace talk", "peace talks", ["peace talks"]),
    ],
)
def test_terms_are_found(term: str, text: str, there: list[str]) -> None:
    assert found(term, text) == there


@pytest.mark.parametrize("text", ["мирного", "мирным", "мирные"])
def test_a_russian_adjective_is_found_in_all_its_forms(text: str) -> None:
    assert found("~мирный", text) == [text]


def test_short_i_is_a_letter_of_its_own() -> None:
    assert found("мой", "мои") == []


def test_the_longest_term_at_a_word_wins_and_none_stands_in_another() -> None:
    assert found(["peace", "peace talks", "talks", "talks in Doha"], "peace talks in Doha, talks in Doha") == [
        "peace talks",
        "talks in Doha",
    ]


def test_a_search_keeps_to_its_range() -> None:
    words = tokens("one peace plan two")
    assert terms(["peace plan"]).search(words, 0, 2) == []
    assert terms(["peace plan"]).search(words, 1, 3) == [(1, 3)]


@pytest.mark.parametrize("term", ["", " ", "*", "—", "...", "~", "/(/", "/a{1001}{1001}/", r"/(?=a)/", r"/\1/"])
def test_what_can_never_match_or_never_run_is_refused(term: str) -> None:
    with pytest.raises(BadTerm):
        terms([term])


def test_a_star_means_nothing_but_at_the_end() -> None:
    assert found("neg*ate", "neg ate, negotiate") == ["neg ate"]


@pytest.mark.parametrize(
    ("pattern", "text", "there"),
    [
        (r"/\d+ (dead|missing)/", "12 dead, 3 Missing", ["12 dead", "3 Missing"]),
        ("/peace.talks/", "peace\ntalks peace-talks", ["peace-talks"]),
        ("/x*/", "axxb", ["xx"]),
        (r"/мир\p{L}*/", "МИРА", ["МИРА"]),
        ("/talks/", "😀 talks", ["talks"]),
    ],
)
def test_a_pattern_is_found_in_the_text_as_given(pattern: str, text: str, there: list[str]) -> None:
    assert [text[a:b] for (a, b), _ in terms([pattern]).in_text(text, 0, len(text))] == there


def test_word_characters_of_a_pattern_are_those_of_any_script() -> None:
    assert terms([r"/мир\w*/"]).in_text("мира", 0, 4) == [((0, 4), {})]


def test_a_hostile_pattern_takes_time_by_the_length_of_the_text() -> None:
    assert terms(["/(a+)+$/"]).in_text("a" * 50_000 + "b", 0, 50_001) == []


# Against the same thing written naively

_LETTERS = ["a", "b", "ab", "B", "AB"]
_TERMS = st.lists(st.lists(st.sampled_from(_LETTERS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=4)
_PREFIXED = _TERMS.map(lambda many: [one + "*" if len(one) % 3 == 0 else one for one in many])
_TEXT = st.lists(st.tuples(st.sampled_from(_LETTERS), st.sampled_from([" ", " ", "-", ", ", ". ", "\n"])), max_size=12)


def naive(written: list[str], words: list[Token]) -> list[tuple[int, int]]:
    """Every term at every word, the longest, from the left."""
    spans, at = [], 0
    while at < len(words):
        ends = [at + len(term.split()) for term in written if stands(term, words, at)]
        if ends:
            spans.append((at, max(ends)))
        at = max(ends, default=at + 1)
    return spans


def stands(term: str, words: list[Token], at: int) -> bool:
    parts = term.split()
    here = words[at : at + len(parts)]
    if len(here) < len(parts) or any(token.gap not in (" ", "-") for token in here[1:]):
        return False
    return all(fits(part, token) for part, token in zip(parts, here, strict=True))


def fits(part: str, token: Token) -> bool:
    if part.endswith("*"):
        return token.raw.lower().startswith(part[:-1].lower())
    return token.raw == part if part == "AB" else token.raw.lower() == part.lower()


@settings(max_examples=300, deadline=None)
@given(_PREFIXED, _TEXT)
def test_the_search_finds_what_a_naive_one_finds(written: list[str], pieces: list[tuple[str, str]]) -> None:
    words = tokens("".join(word + gap for word, gap in pieces))
    assert terms(written).search(words) == naive(written, words)


@settings(max_examples=200, deadline=None)
@given(_PREFIXED, _TEXT)
def test_what_is_found_was_possible(written: list[str], pieces: list[tuple[str, str]]) -> None:
    words = tokens("".join(word + gap for word, gap in pieces))
    made = terms(written)
    assert not made.search(words) or made.possible(frozenset(word.word for word in words))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_term_or_refused(written: str) -> None:
    try:
        made = terms([written])
    except BadTerm:
        return
    assert isinstance(made, Terms)
    assert made.patterns or parse(written).words


@pytest.mark.parametrize(
    ("written", "said", "possible"),
    [
        ("foreign ministry in moscow", "the foreign ministry", False),
        ("foreign ministry in moscow", "moscow has a foreign ministry in town", True),
        ("negotiat*", "they renegotiate", False),
        ("negotiat*", "negotiators left", True),
        ("peace negotiat*", "negotiators left", False),
        ("~talks", "nothing of the kind", True),
    ],
)
def test_a_term_is_possible_only_where_each_of_its_words_is(written: str, said: str, *, possible: bool) -> None:
    assert terms([written]).possible(frozenset(word.word for word in tokens(said))) is possible


def test_a_part_of_a_text_is_searched_as_the_whole_is() -> None:
    words = tokens("A peace plan, a plan for peace and another peace plan")
    wanted = terms(["peace plan", "plan", "for*"])
    assert wanted.search(words, 2, 8) == [(2, 3), (4, 5), (5, 6)]
    assert wanted.search(words, 2, 8) == [(a + 2, b + 2) for a, b in wanted.search(list(words)[2:8])]
