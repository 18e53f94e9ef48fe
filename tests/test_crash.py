"""The crash walk: the program is killed before and after every call of its store, and started again.

However it dies, it ends with exactly one alert, told at least once and always under the same id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mortal import Killed, Mortal
from structlog.testing import capture_logs

from monitor import steps
from monitor.model import Alert, Cursor, Delivery, Fetched, Receipt
from monitor.policy import Office, Route
from monitor.rhythm import answered
from monitor.steps import Bench
from monitor.stores.memory import MemoryStore
from rules import Article, Finding, Match, Once, Rule

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
TALKS = Rule(id="talks", title="Talks: {place}", when=None, version="abc", once=Once(per=("place",)))  # type: ignore[arg-type]
STORY = Article(id="paper#1", body="Talks in Malta", source="paper", digest="1", published=NOON)

Life = Callable[[Any, "World"], Awaitable[None]]


@dataclass
class World:
    """What survives a crash outside: a paper that says nothing to those who have its latest edition, and is told itself."""

    id: str = "paper"
    at_once: int = 1
    got: list[tuple[str, bytes]] = field(default_factory=list)

    async def fetch(self, cursor: Cursor) -> Fetched:
        if cursor == {"etag": "1"}:
            return Fetched(cursor=cursor, unchanged=True)
        return Fetched(articles=(STORY,), cursor={"etag": "1"})

    def render(self, alert: Alert) -> bytes:
        return f"{alert.id} {alert.title}".encode()

    async def send(self, delivery: Delivery) -> Receipt:
        self.got.append((delivery.alert, delivery.body))
        return Receipt()


async def match(articles: Sequence[Article]) -> list[list[Match]]:
    found = Finding(field="body", start=0, end=14, text="Talks in Malta", captures={"place": "Malta"})
    return [[Match(rule="talks", article=one.id, findings=(found,))] for one in articles]


async def accept(store: Any, world: World, articles: Sequence[Article]) -> None:
    routes = (Route(id=world.id, render=world.render),)
    bench = Bench(store=store, match=match, rules={"talks": TALKS}, moment=lambda _: NOON, office=Office(routes=routes))
    await steps.examine(articles, bench=bench, backlog=steps.new_source(store))


async def life(store: Any, world: World) -> None:
    """A visit and a round of deliveries: what the daemon does, in its order."""
    await store.release()
    around = steps.Round(
        store=store, accept=lambda articles, _: accept(store, world, articles), clock=lambda: NOON, every=timedelta(minutes=15)
    )
    await steps.ingest(world, around)
    await steps.deliver({world.id: world}, store=store, clock=lambda: NOON, jitter=lambda: 0.0, lease=LEASE)


async def cursor_first(store: Any, world: World) -> None:
    """The same with the cursor moved before the articles are recorded: the mistake that the order of commits prevents."""
    await store.release()
    last = await store.last_visit("paper")
    fetched = await world.fetch(last.cursor if last else {})
    await store.visited(answered(last, fetched, "paper", NOON, news=[NOON], every=timedelta(minutes=15)))
    await accept(store, world, await fresh(store, fetched))
    await steps.deliver({world.id: world}, store=store, clock=lambda: NOON, jitter=lambda: 0.0, lease=LEASE)


async def fresh(store: Any, fetched: Fetched) -> list[Article]:
    return [one.article for one in await store.unseen(fetched.articles)]


async def killed_and_restarted(live: Life, dies_at: int, *, after: bool) -> tuple[MemoryStore, World]:
    store, world = MemoryStore(), World()
    with capture_logs():
        with pytest.raises(Killed):
            await live(Mortal(store, dies_at, after), world)
        await live(store, world)
    return store, world


async def calls(live: Life) -> list[str]:
    mortal = Mortal(MemoryStore())
    with capture_logs():
        await live(mortal, World())
    return mortal.calls


async def test_the_walk_meets_every_call_of_a_life() -> None:
    assert await calls(life) == [
        "release",
        "last_visit",
        "unseen",
        "unseen",
        "repeated",
        "ledger",
        "record",
        "visited",
        "breaker",
        "claim",
        "settle",
        "breaker",
        "claim",
    ]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(13))
async def test_killed_anywhere_it_ends_with_one_alert_told_under_one_id(dies_at: int, *, after: bool) -> None:
    store, world = await killed_and_restarted(life, dies_at, after=after)

    (alert,) = await store.alerts()
    assert set(world.got) == {(alert.id, f"{alert.id} Talks: Malta".encode())}
    assert len(world.got) == (2 if (dies_at, after) == (10, False) else 1)  # sent twice only between sending and settling
    assert (await store.tally()).waiting == 0
    assert [event.articles for event in (await store.ledger(["talks"], NOON)).events] == [1]


async def test_with_the_cursor_first_a_kill_loses_the_article() -> None:
    """The control: the walk finds the fault that it is there to find."""
    at = (await calls(cursor_first)).index("visited")
    store, world = await killed_and_restarted(cursor_first, at, after=True)

    assert (await store.alerts(), world.got) == ([], [])
