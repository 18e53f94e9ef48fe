from __future__ import annotations

import pytest
from writing import article

from rules.reading import Reading


def kept(*paragraphs: str) -> list[str]:
    """The paragraphs of a page that count as the article's own."""
    body = "\n\n".join(paragraphs)
    reading = Reading(article(body))
    numbers = {one.paragraph for one in reading.sentences}
    return [text for n, text in enumerate(paragraphs) if n in numbers]


NEWS = (
    "The two ministers met for the third time in a month on Tuesday, and left without a word to those who waited at the gate.",
    "“We refuse to sign what we have not read,” one of the delegates said later. “Our work is done here.”",
    "The talks will go on in Bergen next week, according to the host, unless the storm that has closed the airport lasts.",
)


@pytest.mark.parametrize(
    "appeal",
    [
        "Support us!",
        "Sign up for our free weekly newsletter",
        "Our journalism costs money. Please make a donation today.",
        "The Lantern is paid for by its readers: your contribution keeps our reporters on the road. Become a member.",
        "By signing up you accept our privacy policy.",
        "Subscribe to The Lantern and get it in your inbox each morning.",
        "Read more",
        "Advertisement",
        "Photo: Lena Brandt",
        "The harbour at dusk. Lena Brandt / Lantern",
        "A tank on the road. (AP Photo/Jo Field)",
        "Фото: Лена Брандт",
        "© 2031 The Lantern. All rights reserved.",
        "We use cookies to improve your reading experience.",
    ],
)
@pytest.mark.parametrize("place", [0, 2, 3])
def test_the_sites_own_voice_is_masked_wherever_it_stands(appeal: str, place: int) -> None:
    page = [*NEWS[:place], appeal, *NEWS[place:]]
    assert kept(*page) == list(NEWS)


@pytest.mark.parametrize(
    "own",
    [
        "The minister said that he would not sign up for another round of talks before the ceasefire holds.",
        "Norway and Sweden did not subscribe to the final statement of the summit, which Russia had refused to attend.",
    ],
)
def test_to_sign_up_for_and_subscribe_to_are_things_that_states_do_too(own: str) -> None:
    assert own in kept(NEWS[0], own, NEWS[2])


def test_an_appeal_in_the_middle_leaves_what_follows() -> None:
    appeal = "Dear readers, our journalism costs money. Please make a donation today."
    assert kept(NEWS[0], NEWS[1], appeal, NEWS[2]) == list(NEWS)


def test_an_appeal_at_the_end_takes_its_buttons_with_it() -> None:
    appeal = (
        "A message from The Lantern",
        "Dear readers,",
        "The authorities of Borduria have put our newsroom on a list. We refuse to be silent, but we need your help.",
        "Monthly",
        "Not today",
    )
    assert kept(*NEWS, *appeal) == list(NEWS)


@pytest.mark.parametrize(
    "own",
    [
        "“We need your help,” the mayor told the crowd. “Your support means a lot to us.”",
        "“Support us,” the premier asked parliament in a speech that lasted for more than three hours on Monday evening.",
        "«Мы благодарим вас за поддержку», — сказал министр журналистам в Осло.",
        "The newspaper’s journalists went on strike on Monday, and its readers found a blank page.",
        "Donors pledged two billion crowns in donations at the conference, more than ever before.",
        "Thousands of subscribers lost their connection when the mast fell, the operator said.",
        "He was born in Oslo / Norway.",
        "I met the president in 1994, and we talked about the harvest.",
    ],
)
def test_news_about_such_things_is_not_masked(own: str) -> None:
    assert own in kept(NEWS[0], own, NEWS[2])


def test_masked_text_keeps_its_place_and_the_rest_its_offsets() -> None:
    told = article("Support us!\n\n" + NEWS[0])
    first = Reading(told).sentences[0]
    assert told.body[first.start : first.end] == first.text == NEWS[0]


def test_a_page_of_nothing_but_appeals_says_nothing() -> None:
    assert kept("Support us!", "Dear readers, our journalism needs your help.", "Read more") == []
