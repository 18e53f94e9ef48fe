"""The five stories told again by three outlets each: one alert per event, an update where the stance turns, and no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from checking import written
from structlog.testing import capture_logs
from test_seeds import shipped

from monitor import identity
from monitor.model import Event
from monitor.steps import Bench, examine
from monitor.stores.memory import MemoryStore
from rules import Article, Match

if TYPE_CHECKING:
    from collections.abc import Sequence

STORIES: list[dict[str, Any]] = written("outlets.yaml")["stories"]
EACH = pytest.mark.parametrize("story", [pytest.param(story, id=story["story"]) for story in STORIES])
TELLINGS = [one for story in STORIES for one in story["articles"]]
Raised = dict[str, dict[str, str]]


def article(told: dict[str, Any]) -> Article:
    return Article(
        id=told["id"],
        source=told["source"],
        title=told["title"],
        body=told["text"],
        published=datetime.fromisoformat(told["published"]),
        digest=told["id"],
    )


async def match(articles: Sequence[Article]) -> list[list[Match]]:
    return [shipped().match(one, ended=True) for one in articles]


async def replayed(told: Sequence[dict[str, Any]]) -> tuple[Raised, list[Event]]:
    """What each article raises by rule, and the events, after all of them came in the order of their dates."""
    store = MemoryStore()
    articles = sorted(map(article, told), key=lambda one: str(one.published))
    rules = {rule.id: rule for rule in shipped().rules}
    bench = Bench(store=store, match=match, rules=rules, moment=lambda one: one.published or datetime.max.replace(tzinfo=UTC))
    result = await examine(articles, bench=bench)
    raised: Raised = {one.id: {} for one in articles}
    for alert in result.alerts:
        raised[alert.article.id][alert.rule] = alert.kind
    return raised, [event for rule in rules for event in await store.events(rule=rule, limit=1_000)]


@cache
def all_replayed() -> tuple[Raised, list[Event]]:
    with capture_logs():
        return asyncio.run(replayed(TELLINGS))


@EACH
def test_a_story_has_its_events_and_no_others(story: dict[str, Any]) -> None:
    mine = {one["id"] for one in story["articles"]}
    events = [event for event in all_replayed()[1] if event.article in mine]
    assert Counter(event.rule for event in events) == story["events"], [(one.rule, one.content) for one in events]


@EACH
def test_all_three_outlets_are_counted_to_each_event(story: dict[str, Any]) -> None:
    mine = {one["id"] for one in story["articles"]}
    events = [event for event in all_replayed()[1] if event.article in mine]
    assert [(one.articles, len(one.sources)) for one in events] == [(3, 3)] * len(events)


@pytest.mark.parametrize("told", [pytest.param(told, id=told["id"]) for told in TELLINGS])
def test_each_telling_raises_what_it_should_and_no_more(told: dict[str, Any]) -> None:
    assert all_replayed()[0][told["id"]] == told["raises"]


def test_there_is_one_alert_per_event_and_an_update_where_the_stance_turned() -> None:
    raised, events = all_replayed()
    kinds = Counter((rule, kind) for one in raised.values() for rule, kind in one.items())
    assert kinds == {
        ("kremlin-on-negotiations", "new"): 5,
        ("kremlin-on-negotiations", "update"): 1,
        ("summit-announced", "new"): 2,
    }
    assert Counter(event.rule for event in events) == {"kremlin-on-negotiations": 5, "summit-announced": 2}


@EACH
def test_no_telling_is_a_copy_of_another(story: dict[str, Any]) -> None:
    """What is one event here is that by what is said, not for being the same text."""
    sketches = [identity.sketch(identity.substance(article(one))) for one in story["articles"]]
    assert [identity.near(one, other) for one, other in combinations(sketches, 2)] == [False] * 3
    assert len({one["source"] for one in story["articles"]}) == 3


@pytest.mark.parametrize("told", [pytest.param(told, id=told["id"]) for told in TELLINGS if "misread" in told])
def test_what_is_known_to_be_misread_still_is(told: dict[str, Any]) -> None:
    """Once it is not, it is to be taken out of outlets.yaml."""
    wrong = {name: value for name, value in told["misread"].items() if name != "why"}
    found = [{**one.captures, **one.labels} for found in shipped().match(article(told)) for one in found.findings]
    assert any(one.items() >= wrong.items() for one in found)


@EACH
async def test_a_story_is_the_same_by_itself(story: dict[str, Any]) -> None:
    with capture_logs():
        raised, _ = await replayed(story["articles"][::-1])
    assert raised == {one["id"]: one["raises"] for one in story["articles"]}
