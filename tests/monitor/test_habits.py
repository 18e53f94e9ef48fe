"""What stands under many articles of a source is told from news that is repeated."""

from __future__ import annotations

import pytest

from monitor import habits

APPEAL = "Sign up to our morning briefing about the talks in Geneva."
QUOTE = "“We have never left the table and we shall not leave it before there is peace,” the minister said."


def learnt(bodies: list[str]) -> set[int]:
    """The hashes that stand in so many of these articles of one source, in order, that they are its own voice."""
    first: dict[int, int] = {}
    count: dict[int, int] = {}
    for n, body in enumerate(bodies):
        for one in {known for known, _ in habits.paragraphs(body)}:
            first.setdefault(one, n)
            count[one] = count.get(one, 0) + 1
    return {one for one, times in count.items() if habits.standing(times, len(bodies) - first[one])}


@pytest.mark.parametrize(
    ("count", "since", "own"),
    [(8, 8, True), (8, 26, True), (7, 7, False), (8, 27, False), (300, 1000, True), (299, 1000, False), (0, 0, False)],
)
def test_a_standing_text_was_seen_eight_times_and_in_every_third_article(count: int, since: int, own: object) -> None:
    assert habits.standing(count, since) is own


def test_an_appeal_under_every_article_is_learnt_and_masked() -> None:
    bodies = [f"The ministers met for round {n} of what they call contacts.\n\n{APPEAL}" for n in range(8)]
    body = f"Something altogether different happened in the harbour today.\n\n{APPEAL}"

    spans = habits.masks(body, learnt(bodies))

    assert [body[start:end] for start, end in spans] == [APPEAL]


def test_what_the_follow_ups_of_a_day_repeat_is_news() -> None:
    told = [
        f"Update {n} of the story that everybody follows.\n\nThe delegations met on Friday for the first time." for n in range(6)
    ]
    others = [f"An article about something else, number {n}." for n in range(40)]

    assert learnt([*told, *others]) == set()


def test_a_long_quotation_is_never_a_standing_text() -> None:
    assert learnt([QUOTE] * 20) == set()
    assert learnt([QUOTE.replace("“", "").replace("”", "")] * 20) != set()


def test_a_warning_that_is_all_there_is_is_not_masked_however_often_it_comes() -> None:
    warning = "Air raid warning in the whole of the region."
    longer = f"{warning}\n\nTonight two more buildings were damaged, and people were asked to stay in the shelters."

    assert habits.masks(warning, learnt([warning] * 20)) == ()
    assert habits.masks(longer, learnt([warning] * 20)) == ((0, len(warning)),)


def test_a_paragraph_is_known_by_its_words() -> None:
    ((one, _),) = habits.paragraphs("  Sign up, to OUR   letter! ")
    ((other, span),) = habits.paragraphs("x\nSign up to our letter")

    assert one == other
    assert span == (2, 23)
    assert 0 <= one < 2**63


@pytest.mark.parametrize("body", ["", " \n ", "Read more", "Read more\n\n© — 2026"])
def test_a_word_or_two_are_no_paragraph_to_learn(body: str) -> None:
    assert habits.paragraphs(body) == []


def test_only_the_ends_of_an_endless_text_are_looked_at() -> None:
    found = habits.paragraphs("\n".join(f"The line {n} of many" for n in range(10_000)))

    assert len(found) == 400


def test_nothing_learnt_masks_nothing() -> None:
    assert habits.masks(APPEAL, ()) == ()
