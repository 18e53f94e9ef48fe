"""What counts as the same event, why, and that it does not depend on luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import identity, novelty
from monitor.identity import kinship
from monitor.model import Event
from monitor.steps import Bench, examine
from monitor.stores.memory import MemoryStore
from rules import Article, Finding, Match, Once, Rule

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLACE = Once(per=("place",), update_on=("status",))
OURS = Once()

FLOOD = Article(
    id="flood",
    title="River Orle bursts its banks at Brenholm, hundreds leave their homes",
    body="Hundreds of people left their homes in Brenholm on Tuesday after the river Orle burst its banks. Rescue teams took families"
    " from their roofs by boat. The mayor, Ida Lund, asked the army for sandbags and pumps.",
    source="one",
    published=NOON,
)
SAME = Article(
    id="same",
    title="Army sends boats as Brenholm floods",
    body="Soldiers with boats and pumps reached Brenholm, where the river Orle has burst its banks and families wait on roofs to be"
    " taken off. Mayor Ida Lund said hundreds had left their homes.",
    source="two",
    published=NOON,
)
OTHER = Article(
    id="other",
    title="Parliament in Varnau votes down the budget",
    body="The coalition lost the vote on the budget in Varnau by three votes. The finance minister, Per Holt, offered to resign.",
    source="three",
    published=NOON,
)


def rule(once: Once = OURS) -> Rule:
    return Rule(id="r", title="R", when=None, version="1", once=once)  # type: ignore[arg-type]


def headline(article: Article, **values: str | None) -> Finding:
    labels = {name: value for name, value in values.items() if name == "status"}
    captures = {name: value for name, value in values.items() if name not in labels}
    return Finding(field="title", start=0, end=len(article.title), text=article.title, captures=captures, labels=labels)


def sentence(text: str, start: int = 0, **values: str | None) -> Finding:
    return replace(headline(Article(id="", title=text), **values), field="body", start=start, end=start + len(text))


def look(article: Article, at: datetime = NOON, *, edited: bool = False) -> novelty.Look:
    return novelty.Look(
        article=article,
        first_seen=at,
        edited=edited,
        revision=identity.revision(article),
        sketch=identity.sketch(identity.substance(article)),
        at=at,
    )


def told(article: Article, events: Sequence[Event], *found: Finding, once: Once = OURS, **how: Any) -> list[novelty.Home]:
    return novelty.homes(look(article, **how), rule(once), found or (headline(article),), events)


def opened(article: Article, *found: Finding, once: Once = OURS, **changes: Any) -> Event:
    (home,) = told(article, (), *found, once=once)
    return replace(novelty.after(look(article), home, once), **changes)


# Why


def why(article: Article, events: Sequence[Event], *found: Finding, once: Once = OURS, **how: Any) -> str:
    return told(article, events, *found, once=once, **how)[0].why[0]


def test_an_event_that_opens_says_that_none_is_open_or_none_is_like_it() -> None:
    flood = opened(FLOOD, once=replace(OURS, within=DAY))

    assert why(FLOOD, ()) == "opened: no event of this rule is open"
    assert why(OTHER, [replace(flood, profile={"none": 1.0})]) == "opened: no open event of this rule is like it"
    assert why(OTHER, [flood], at=NOON + 3 * DAY, once=replace(OURS, within=DAY)) == "opened: no event of this rule is open"


def test_an_event_that_opens_names_the_nearest_and_what_keeps_them_apart() -> None:
    oslo = opened(FLOOD, sentence("Talks will be held in Oslo", place="Oslo"), once=PLACE)
    malta = sentence("Talks will be held in Malta", place="Malta")

    assert why(OTHER, [oslo], malta, once=PLACE) == f"opened: the nearest, {oslo.id}, names another place (Oslo)"


def test_an_event_that_opens_says_how_alike_the_nearest_is() -> None:
    talks = opened(FLOOD, sentence("Envoys meet for talks on grain", content="talks on grain"))
    said = sentence("The grain ships have left", content="grain ships have left")

    assert why(OTHER, [talks], said).startswith(f"opened: the nearest, {talks.id}, is alike 0.")
    assert why(OTHER, [talks], said).endswith("and 0.60 is asked for")


def test_a_finding_that_joins_says_by_which_values_and_how_alike() -> None:
    malta = sentence("Talks will be held in Malta", place="Malta")
    assert why(OTHER, [opened(FLOOD, malta, once=PLACE)], malta, once=PLACE) == "joined: same place (Malta), alike 1.00"
    assert why(SAME, [opened(FLOOD)]).startswith("joined: alike 0.")


def test_a_copy_says_how_much_it_shares_and_an_edit_that_it_is_one() -> None:
    flood = opened(FLOOD)
    copy = replace(FLOOD, id="copy", title="Flood", published=None)

    assert why(copy, [flood]).startswith("joined: a copy, shares ")
    assert why(copy, [flood]).endswith(" % of its three-word runs")
    assert why(FLOOD, [flood], edited=True) == "joined: its own article, edited"


def test_an_undated_article_that_opens_says_that_it_is_undated() -> None:
    assert why(replace(OTHER, published=None), [opened(FLOOD)]) == "opened: undated, and no copy of what is known"


def test_a_value_from_outside_is_shown_short_and_on_one_line() -> None:
    hostile = sentence("Talks", place="X\n" * 5000)
    shown = why(OTHER, [opened(FLOOD, hostile, once=PLACE)], hostile, once=PLACE)

    assert len(shown) < 120
    assert "\n" not in shown


# Reports


def test_a_report_says_what_changed_and_whether_it_is_a_copy() -> None:
    malta = sentence("Talks will be held in Malta", place="Malta", status="planned")
    off = sentence("Talks in Malta are off", place="Malta", status="cancelled")
    (first,) = told(FLOOD, (), malta, once=PLACE)
    event = novelty.after(look(FLOOD), first, PLACE)
    (again,), (turned,) = told(OTHER, [event], malta, once=PLACE), told(OTHER, [event], off, once=PLACE)
    (copied,) = told(replace(FLOOD, id="copy"), [event], malta, once=PLACE)

    reports = [novelty.report(look(OTHER), home, PLACE, "alert") for home in (first, again, turned, copied)]
    assert [one.change for one in reports] == ["opened", "repeated", "updated", "repeated"]
    assert [one.copy for one in reports] == [False, False, False, True]
    assert (reports[2].event, reports[2].alert, reports[2].values["status"]) == (event.id, "alert", "cancelled")
    assert reports[0].why == first.why[0]


# Likeness of articles


def test_another_report_of_an_ordinary_event_joins_it_whatever_its_headline() -> None:
    flood = opened(FLOOD)

    assert identity.alike(FLOOD.title, SAME.title) < kinship.ABOUT  # by its headline alone it would not
    assert [home.event.id for home in told(SAME, [flood])] == [flood.id]
    assert [home.known for home in told(OTHER, [flood])] == [False]


def test_the_longer_nothing_was_heard_of_an_event_the_more_alike_a_report_has_to_be() -> None:
    flood = opened(FLOOD)
    later = replace(SAME, published=NOON + 6 * DAY)

    assert [home.known for home in told(later, [flood], at=NOON + 6 * DAY)] == [False]
    assert [home.known for home in told(later, [replace(flood, seen=NOON + 6 * DAY)], at=NOON + 6 * DAY)] == [True]


def test_statements_are_told_apart_by_what_was_said_not_by_their_articles() -> None:
    yes = sentence('"We are ready for talks", he said', content="We are ready for talks")
    no = sentence('"Gas exports will go on", he said', content="Gas exports will go on")
    event = opened(FLOOD, yes)

    assert not event.profile
    assert [home.known for home in told(replace(FLOOD, id="x", body=SAME.body), [event], no)] == [False]


def test_a_sentence_that_an_edit_adds_is_news_though_its_article_is_known() -> None:
    event = opened(FLOOD)
    added = sentence("UPDATED: a dam upstream near Karsk has broken, too", 500)

    homes = told(replace(FLOOD, body=FLOOD.body + added.text), [event], headline(FLOOD), added, edited=True)
    assert [home.known for home in homes] == [True, False]


def test_an_event_of_before_profiles_is_compared_by_its_content() -> None:
    assert [home.known for home in told(SAME, [replace(opened(FLOOD), profile={})])] == [False]
    assert [home.known for home in told(SAME, [replace(opened(FLOOD), profile={}, content=SAME.title)])] == [True]


def test_a_profile_is_small_whatever_the_article() -> None:
    huge = Article(id="huge", title="a1 " * 9000, summary="b2 c3 " * 90000, body=" ".join(f"w{n}" for n in range(90000)))
    profile = identity.profile(huge, sentence("z " * 90000))

    assert len(profile) <= 60
    assert identity.resemblance(profile, profile) == pytest.approx(1.0, abs=0.01)


# What has ended


@pytest.mark.parametrize(
    ("article", "status", "revived"),
    [
        (replace(OTHER, published=NOON + DAY), "planned", True),
        (replace(OTHER, published=NOON - DAY), "planned", False),  # written before it was called off
        (replace(OTHER, published=NOON + DAY), "cancelled", False),
        (replace(FLOOD, id="copy", published=NOON + DAY), "planned", False),
        (FLOOD, "planned", True),  # its own article says so again
    ],
)
def test_an_event_that_ended_is_told_of_again_where_it_stands(article: Article, status: str, *, revived: bool) -> None:
    once = Once(per=("place",))
    place = sentence("Talks will be held in Malta", place="Malta", status="planned")
    event = opened(FLOOD, place, once=once, ended="cancelled")
    now = sentence("The Malta talks will take place after all", place="Malta", status=status)
    (home,) = told(article, [event], now, once=once)

    assert (home.known, home.revived, bool(novelty.news(home, once))) == (True, revived, revived)
    assert novelty.after(look(article), home, once).ended == (None if revived else "cancelled")


def test_an_event_that_has_not_ended_is_not_told_of_again() -> None:
    (home,) = told(SAME, [opened(FLOOD)])

    assert (home.revived, novelty.news(home, OURS)) == (False, {})


# Luck

TOPICS = (
    "flood river boats roofs Brenholm",
    "budget vote coalition Varnau",
    "storks delta spring Karsk",
    "strike pilots airline Orle",
)


def story(number: int, topic: int, hour: int) -> Article:
    words = TOPICS[topic].split()
    shifted = words[number % 3 :] + words[: number % 3]
    text = f"{' '.join(shifted)} report {number}"
    return Article(id=f"a{number}", title=text, body=f"{text}. More of {words[0]}.", published=NOON + hour * timedelta(hours=1))


async def run(articles: Sequence[Article], together: int) -> tuple[list[str], list[tuple[str, int, str]]]:
    """Alerts, and events with their articles and openers, after all of it."""
    store = MemoryStore()
    ordered = sorted(articles, key=lambda one: (one.published, one.id))  # as sources hand them over: by time, then by id

    async def match(some: Sequence[Article]) -> list[list[Match]]:
        return [[Match(rule="r", article=one.id, findings=(headline(one),))] for one in some]

    bench = Bench(store=store, match=match, rules={"r": rule()}, moment=lambda one: one.published or NOON)
    for at in range(0, len(ordered), together):
        await examine(ordered[at : at + together], bench=bench)
        await examine(ordered[: at + together], bench=bench)  # the same again: harmless
    alerts = [one.id for one in await store.alerts(limit=500)]
    events = (await store.ledger(["r"], NOON - 30 * DAY)).events
    return sorted(alerts), sorted((one.id, one.articles, one.article) for one in events)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=14),
    st.randoms(use_true_random=False),
    st.data(),
)
async def test_shuffled_input_and_repeated_runs_give_the_same_alerts_and_events(
    made: Any, luck: Any, data: st.DataObject
) -> None:
    articles = [story(n, topic, hour) for n, (topic, hour) in enumerate(made)]
    shuffled = articles[:]
    luck.shuffle(shuffled)

    first = await run(articles, len(articles))
    assert await run(shuffled, data.draw(st.integers(1, len(articles)))) == first
    assert await run(articles, len(articles)) == first
