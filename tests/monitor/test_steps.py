"""The three steps: what each keeps, in which order, and what one bad article, page, source or receiver costs the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor import steps
from monitor.errors import DeliveryFailed, FetchFailed, MonitorError, Outdated, Refused, StoreError
from monitor.model import Alert, Cursor, Delivery, Fetched, Filled, Fresh, Original, Plan, Receipt, Visit
from monitor.policy import Office, Route
from monitor.steps import Bench, Delivered, Examined, Round
from monitor.steps.examining import PAGES
from monitor.stores.memory import MemoryStore
from rules import Article, Finding, Match, Once, Rule

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
TALKS = Rule(id="talks", title="Talks: {place}", when=None, version="abc", once=Once(per=("place",)))  # type: ignore[arg-type]
DESK = Route(id="desk", render=lambda alert: alert.id.encode())


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as events:
        yield events


def story(name: str, place: str = "Malta", **changes: Any) -> Article:
    text = f"Talks in {place} as told by {name}"
    return replace(Article(id=name, body=text, source="paper", digest=text, published=NOON), **changes)


async def match(articles: Sequence[Article]) -> list[list[Match]]:
    """One finding for every line "Talks in PLACE …"."""
    return [[Match(rule="talks", article=one.id, findings=found)] if (found := findings(one)) else [] for one in articles]


def findings(article: Article) -> tuple[Finding, ...]:
    lines = [line for line in article.body.splitlines() if line.startswith("Talks in ")]
    places = {line.split()[2]: line for line in lines}
    return tuple(
        Finding(field="body", start=0, end=len(line), text=line, captures={"place": place}) for place, line in places.items()
    )


def bench(store: Any, **changes: Any) -> Bench:
    given = Bench(store=store, match=match, rules={"talks": TALKS}, moment=lambda _: NOON, office=Office(routes=(DESK,)))
    return replace(given, **changes)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Paper:
    """A source that gives what it is told to, or raises it."""

    gives: Any = ()
    id: str = "paper"
    asked: list[Cursor] = field(default_factory=list)

    async def fetch(self, cursor: Cursor) -> Fetched:
        self.asked.append(cursor)
        if isinstance(self.gives, Exception):
            raise self.gives
        return Fetched(articles=tuple(self.gives), cursor={"etag": f"v{len(self.asked)}"})


@dataclass
class Receiver:
    """A sink that takes deliveries, or answers each with the next of its errors."""

    errors: list[Exception | None] = field(default_factory=list)
    id: str = "desk"
    at_once: int = 8
    got: list[str] = field(default_factory=list)

    def render(self, alert: Alert) -> bytes:
        return alert.id.encode()

    async def send(self, delivery: Delivery) -> Receipt:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        self.got.append(delivery.alert)
        return Receipt(status=200)


async def ingest(source: Paper, store: Any, accept: Any = None, clock: Clock | None = None) -> Visit:
    async def examine(articles: Sequence[Article], original: Original | None) -> Examined:
        return await steps.examine(articles, original, bench=bench(store), backlog=steps.new_source(store))

    every = timedelta(minutes=15)
    return await steps.ingest(source, Round(store=store, accept=accept or examine, clock=clock or Clock(), every=every))


async def deliver(store: Any, *sinks: Any, clock: Clock | None = None) -> Delivered:
    return await steps.deliver(
        {sink.id: sink for sink in sinks}, store=store, clock=clock or Clock(), jitter=lambda: 0.0, lease=MINUTE
    )


# Ingest


async def test_a_visit_keeps_the_cursor_after_the_articles_are_taken_charge_of() -> None:
    store, paper = MemoryStore(), Paper([story("a"), story("b", "Riga")])
    first = await ingest(paper, store)
    await ingest(paper, store)

    assert paper.asked == [{}, {"etag": "v1"}]
    assert (first.articles, first.error, first.answered) == (2, None, NOON)
    assert (await store.tally()).alerts == 2


async def test_only_what_is_new_is_handed_on() -> None:
    store, paper = MemoryStore(), Paper([story("a")])
    handed: list[list[str]] = []
    await ingest(paper, store)
    paper.gives = [story("a"), story("b")]

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        handed.append([article.id for article in articles])

    await ingest(paper, store, accept)

    assert handed == [["b"]]


@pytest.mark.parametrize("error", [FetchFailed("HTTP 500"), ValueError("a bug")])
async def test_a_source_that_fails_is_kept_as_failing_and_its_cursor_stays(error: Exception) -> None:
    store, paper = MemoryStore(), Paper([])
    await ingest(paper, store)
    paper.gives = error
    visit = await ingest(paper, store)

    assert (visit.failures, visit.error, visit.cursor) == (1, str(error), {"etag": "v1"})
    assert await store.last_visit("paper") == visit


async def test_articles_that_were_not_taken_charge_of_are_fetched_again() -> None:
    store, paper = MemoryStore(), Paper([story("a")])

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        raise MonitorError("1 of 1 articles could not be examined")

    visit = await ingest(paper, store, accept)
    await ingest(paper, store)

    assert visit.cursor == {}
    assert (await store.tally()).alerts == 1


async def test_a_store_that_fails_is_no_fault_of_the_source() -> None:
    store = MemoryStore()

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        raise StoreError("disk full")

    with pytest.raises(StoreError):
        await ingest(Paper([story("a")]), store, accept)
    assert await store.last_visit("paper") is None


async def test_undated_articles_are_dated_at_first_sight_and_once() -> None:
    store, clock = MemoryStore(), Clock()
    paper = Paper([story("a", published=None)])
    handed: list[datetime | None] = []

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        handed.extend(article.published for article in articles)
        await steps.examine(articles, bench=bench(store, moment=lambda _: clock()))

    await ingest(paper, store, accept, clock)
    clock.now += DAY
    paper.gives = [story("a", published=None, body="Edited", digest="2"), story("b", published=clock.now + DAY)]
    await ingest(paper, store, accept, clock)

    assert handed == [NOON, NOON, NOON + DAY]


async def test_the_backlog_of_a_new_source_is_recorded_and_not_told() -> None:
    store, old = MemoryStore(), NOON - 2 * DAY
    paper = Paper([story("a", published=old), story("b", "Riga")])
    await ingest(paper, store)
    paper.gives = [story("c", "Oslo", published=old)]
    await ingest(paper, store)

    held = {alert.article.id: alert.held for alert in await store.alerts()}
    assert held == {"a": "backlog", "b": None, "c": None}
    assert (await store.tally()).waiting == 2


async def test_a_source_stays_new_until_it_has_answered() -> None:
    store, paper = MemoryStore(), Paper(FetchFailed("HTTP 500"))
    await ingest(paper, store)
    paper.gives = [story("a", published=NOON - 2 * DAY)]
    await ingest(paper, store)

    assert [alert.held for alert in await store.alerts()] == ["backlog"]


async def test_undated_articles_of_a_new_source_are_told_since_they_may_be_news() -> None:
    store, clock = MemoryStore(), Clock()
    paper = Paper([story("a", published=None), story("b", "Riga", published=NOON + 30 * DAY)])
    await ingest(paper, store, clock=clock)
    paper.gives = [story("c", "Oslo", published=None)]
    await ingest(paper, store, clock=clock)

    assert {alert.article.id: alert.held for alert in await store.alerts()} == {"a": None, "b": None, "c": None}


async def test_new_ids_are_remarked_and_new_versions_are_not() -> None:
    store, names = MemoryStore(), "abcd"
    urls = {name: f"https://paper.example/{name}" for name in names}
    paper = Paper([story(name, url=urls[name], title=f"On {name}") for name in names])
    assert (await ingest(paper, store)).remarks == ()
    assert (await ingest(paper, store)).remarks == ()
    paper.gives = [replace(one, id=f"new-{one.id}") for one in paper.gives]
    assert (await ingest(paper, store)).remarks == ("unstable ids",)
    paper.gives = [*paper.gives[:2], *(story(name, name, url=None) for name in "efgh")]
    assert (await ingest(paper, store)).remarks == ()  # two may be chance


# Examine


async def test_an_article_is_recorded_with_all_that_follows_from_it(logs: list[Any]) -> None:
    store = MemoryStore()
    result = await steps.examine([story("a"), story("b"), story("c", "Riga"), Article(id="d", body="Storks")], bench=bench(store))

    assert [alert.article.id for alert in result.alerts] == ["a", "c"]
    assert (result.fresh, result.unfilled, result.deliveries) == (4, 0, 2)
    assert logs[-1]["event"] == "examined"
    assert await steps.examine([story("a")], bench=bench(store)) == Examined()


async def test_order_decides_and_nothing_else() -> None:
    results = []
    for size in (1, 2, 5):
        store, articles = MemoryStore(), [story(name) for name in "abcde"]
        for at in range(0, 5, size):
            await steps.examine(articles[at : at + size], bench=bench(store))
        results.append(await store.alerts())

    assert results[0] == results[1] == results[2]


async def test_an_article_that_breaks_does_not_hold_up_the_rest() -> None:
    class Picky(MemoryStore):
        async def record(self, plan: Plan) -> None:
            if plan.article.id == "b":
                raise ValueError("cannot store this")
            await super().record(plan)

    store = Picky()
    with pytest.raises(MonitorError, match="1 of 3 articles could not be examined, the first is b"):
        await steps.examine([story("a"), story("b", "Oslo"), story("c", "Riga")], bench=bench(store))
    assert [alert.article.id for alert in await store.alerts()] == ["c", "a"]


async def test_a_store_that_fails_stops_the_batch() -> None:
    class Broken(MemoryStore):
        async def record(self, plan: Plan) -> None:
            raise StoreError("disk full")

    with pytest.raises(StoreError):
        await steps.examine([story("a"), story("b")], bench=bench(Broken()))


async def test_two_sightings_at_once_are_not_both_first() -> None:
    """Both plans are made before either is recorded."""

    class Meeting(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.both = asyncio.Barrier(2)
            self.first = True

        async def ledger(self, rules: Sequence[str], since: datetime, *more: Any) -> Any:
            ledger = await super().ledger(rules, since, *more)
            if self.first:
                await self.both.wait()
                self.first = False
            return ledger

    store = Meeting()
    async with asyncio.timeout(10):
        await asyncio.gather(*(steps.examine([story(name)], bench=bench(store)) for name in "ab"))

    assert len(await store.alerts()) == 1
    assert [event.articles for event in (await store.ledger(["talks"], NOON)).events] == [2]


async def test_a_store_that_ignores_stamps_lets_both_be_first() -> None:
    """The control of the test above."""

    class Careless(MemoryStore):
        async def record(self, plan: Plan) -> None:
            await super().record(replace(plan, stamps={}))

        async def ledger(self, rules: Sequence[str], since: datetime, *more: Any) -> Any:
            ledger = await super().ledger(rules, since, *more)
            await both.wait()
            return ledger

    store, both = Careless(), asyncio.Barrier(2)
    async with asyncio.timeout(10):
        await asyncio.gather(*(steps.examine([story(name)], bench=bench(store)) for name in "ab"))

    assert len(await store.alerts()) == 2


async def test_planning_again_has_an_end() -> None:
    class Restless(MemoryStore):
        async def record(self, plan: Plan) -> None:
            raise Outdated("changed")

    with pytest.raises(MonitorError, match="could not be examined"):
        await steps.examine([story("a")], bench=bench(Restless()))


async def test_a_rule_that_is_gone_since_is_left_alone() -> None:
    store = MemoryStore()
    result = await steps.examine([story("a")], bench=bench(store, rules={}))

    assert (result.fresh, result.alerts) == (1, ())


# Pages


async def test_pages_are_fetched_a_few_at_a_time() -> None:
    at_once = most = 0

    async def fill(fresh: Fresh) -> Filled:
        article = fresh.article
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return Filled(article=replace(article, body=article.body + "\nTalks in Oslo says the page"))

    result = await steps.examine([story(str(n)) for n in range(20)], bench=bench(MemoryStore(), fill=fill))

    assert most == PAGES
    assert len(result.alerts[0].sightings) == 2


@pytest.mark.parametrize("error", [FetchFailed("HTTP 503"), ValueError("a bug")])
async def test_a_page_that_is_missing_is_asked_for_again_and_the_teaser_counts_meanwhile(error: Exception) -> None:
    store, errors = MemoryStore(), [error, error]

    async def fill(fresh: Fresh) -> Filled:
        article = fresh.article
        if errors:
            raise errors.pop()
        return Filled(article=replace(article, body=article.body + "\nTalks in Oslo says the page"))

    desk = bench(store, fill=fill)
    first = await steps.examine([story("a")], bench=desk)
    assert (len(first.alerts), first.unfilled) == (1, 1)
    assert await steps.examine([story("a")], bench=desk) == Examined()  # pending is not unseen
    assert await steps.refill(bench=desk, now=NOON) == Examined()  # not due yet
    second = await steps.refill(bench=desk, now=NOON + MINUTE)
    assert (second.alerts, second.unfilled) == ((), 1)
    third = await steps.refill(bench=desk, now=NOON + 5 * MINUTE)

    assert [[one.finding.captures["place"] for one in alert.sightings] for alert in third.alerts] == [["Oslo"]]
    assert (await store.tally()).unfilled == 0


async def test_a_page_is_given_up_in_the_end() -> None:
    store, now = MemoryStore(), Clock()

    async def fill(_: Fresh) -> Filled:
        raise FetchFailed("HTTP 403")

    desk = bench(store, fill=fill, moment=lambda _: now())
    tries = (await steps.examine([story("a")], bench=desk)).fresh
    while (await store.tally()).unfilled:
        now.now += timedelta(hours=6)
        tries += (await steps.refill(bench=desk, now=now())).fresh

    assert tries == 6


# What must not be lost on the way


async def test_an_article_that_cannot_be_planned_on_is_set_aside_and_examined_again_later(logs: list[Any]) -> None:
    store, breaks = MemoryStore(), True

    def render(alert: Alert) -> bytes:
        if breaks and alert.article.id == "b":
            raise ValueError("a bug")
        return alert.id.encode()

    desk = bench(store, office=Office(routes=(replace(DESK, render=render),)))
    first = await steps.examine([story("a"), story("b", "Oslo"), story("c", "Riga")], bench=desk)
    assert ([alert.article.id for alert in first.alerts], first.unfilled) == (["a", "c"], 1)
    assert "examine failed" in [event["event"] for event in logs]

    breaks = False
    second = await steps.refill(bench=desk, now=NOON + MINUTE)
    assert [alert.article.id for alert in second.alerts] == ["b"]
    assert (await store.tally()).unfilled == 0


async def test_an_article_that_always_breaks_is_given_up_in_the_end_and_the_source_goes_on() -> None:
    store, now, paper = MemoryStore(), Clock(), Paper([story("a", "Oslo")])
    rounds = 0

    def render(alert: Alert) -> bytes:
        nonlocal rounds
        rounds += 1
        raise ValueError("a bug")

    desk = bench(store, office=Office(routes=(replace(DESK, render=render),)), moment=lambda _: now())

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> Examined:
        return await steps.examine(articles, bench=desk, backlog=steps.new_source(store))

    visit = await ingest(paper, store, accept, now)
    assert (visit.failures, visit.cursor) == (0, {"etag": "v1"})
    while (await store.tally()).unfilled:
        now.now += timedelta(hours=6)
        await steps.refill(bench=desk, now=now())
    assert rounds == 6


async def test_an_article_that_broke_the_engine_is_matched_again_later() -> None:
    store, breaks = MemoryStore(), True

    async def sometimes(articles: Sequence[Article]) -> list[list[Match] | None]:
        return [None if breaks and one.id == "b" else found for one, found in zip(articles, await match(articles), strict=True)]

    desk = bench(store, match=sometimes)
    first = await steps.examine([story("a"), story("b", "Oslo")], bench=desk)
    assert [alert.article.id for alert in first.alerts] == ["a"]
    breaks = False
    second = await steps.refill(bench=desk, now=NOON + MINUTE)
    assert [alert.article.id for alert in second.alerts] == ["b"]


async def test_trouble_of_our_own_does_not_slow_the_source_down() -> None:
    store, paper = MemoryStore(), Paper([])
    await ingest(paper, store)
    paper.gives = [story("a")]

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        raise MonitorError("the workers cannot start")

    visit = await ingest(paper, store, accept)
    assert (visit.failures, visit.error, visit.cursor) == (0, "the workers cannot start", {"etag": "v1"})
    assert visit.due - visit.at < timedelta(minutes=16)
    await ingest(paper, store)
    assert (await store.tally()).alerts == 1


async def test_an_old_article_of_a_known_source_is_told_though_its_page_came_late() -> None:
    store, missing, clock = MemoryStore(), True, Clock()

    async def fill(fresh: Fresh) -> Filled:
        article = fresh.article
        if missing:
            raise FetchFailed("HTTP 503")
        return Filled(article=replace(article, body=article.body + f"\nTalks in {article.author} says the page"))

    desk = bench(store, fill=fill, moment=lambda _: clock())

    async def accept(articles: Sequence[Article], _original: Original | None = None) -> None:
        await steps.examine(articles, bench=desk, backlog=steps.new_source(store))

    paper, old = Paper([story("first", published=NOON - 2 * DAY, body="Storks", author="Oslo")]), NOON - 2 * DAY
    await ingest(paper, store, accept, clock)
    clock.now += MINUTE
    paper.gives = [story("late", published=old, body="Storks, too", author="Riga")]
    await ingest(paper, store, accept, clock)
    missing = False
    clock.now += 10 * MINUTE
    result = await steps.refill(bench=desk, now=clock())

    assert [(alert.article.id, alert.held) for alert in result.alerts] == [("first", "backlog"), ("late", None)]


async def test_a_page_is_left_alone_for_as_long_as_it_asks() -> None:
    store = MemoryStore()

    async def fill(_: Fresh) -> Filled:
        raise FetchFailed("HTTP 429", wait=timedelta(hours=1))

    desk = bench(store, fill=fill)
    await steps.examine([story("a")], bench=desk)

    assert (await steps.refill(bench=desk, now=NOON + 59 * MINUTE)).fresh == 0
    assert (await steps.refill(bench=desk, now=NOON + 60 * MINUTE)).fresh == 1


async def test_the_first_of_many_are_recorded_before_the_pages_of_the_last_are_fetched() -> None:
    store, recorded = MemoryStore(), []

    async def fill(fresh: Fresh) -> Filled:
        article = fresh.article
        recorded.append((await store.tally()).articles)
        return Filled(article=article)

    articles = [story(str(number)) for number in range(10)]
    result = await steps.examine(articles, bench=bench(store, fill=fill, batch=4))

    assert recorded == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]
    assert (result.fresh, len(result.alerts)) == (10, 1)


@pytest.mark.parametrize(("in_turn", "often"), [(True, False), (False, True)])
async def test_twenty_that_report_of_one_rule_at_once_are_planned_once_each(*, in_turn: bool, often: bool) -> None:
    """With its control: where they do not take turns, they overtake one another."""

    class Counting(MemoryStore):
        plans = 0

        async def ledger(self, *args: Any, **named: Any) -> Any:
            self.plans += 1
            found = await super().ledger(*args, **named)
            await asyncio.sleep(0)  # as a real store lets others go on
            return found

    class Open:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *_: object) -> None: ...

    store = Counting()
    desk = bench(store) if in_turn else bench(store, one_at_a_time=Open())
    await asyncio.gather(*(steps.examine([story(f"s{n}", f"Town{n}")], bench=desk) for n in range(20)))
    assert len(await store.alerts()) == 20
    assert (store.plans > 20) is often


# Deliver


async def two_alerts() -> MemoryStore:
    store = MemoryStore()
    await steps.examine([story("a"), story("b", "Riga")], bench=bench(store))
    return store


async def test_what_is_delivered_is_settled(logs: list[Any]) -> None:
    store, desk = await two_alerts(), Receiver()

    assert await deliver(store, desk) == Delivered(sent=2)
    assert [(line["sink"], line["alert"]) for line in logs if line["event"] == "delivered"] == [("desk", one) for one in desk.got]
    assert (await deliver(store, desk)).attempts == 0
    assert sorted(desk.got) == sorted(alert.id for alert in await store.alerts())


async def test_one_receiver_that_fails_does_not_hold_up_another() -> None:
    store, desk, pager = MemoryStore(), Receiver([DeliveryFailed("HTTP 500")]), Receiver(id="pager")
    routes = (DESK, replace(DESK, id="pager"))
    await steps.examine([story("a")], bench=bench(store, office=Office(routes=routes)))

    assert await deliver(store, desk, pager) == Delivered(sent=1, again=1)
    assert await deliver(store, desk, pager, clock=Clock(NOON + MINUTE)) == Delivered(sent=1)
    assert desk.got == pager.got


async def test_a_sinks_bug_costs_one_attempt(logs: list[Any]) -> None:
    store, desk = await two_alerts(), Receiver([ValueError("a bug with a s3cret in it")])

    assert await deliver(store, desk) == Delivered(sent=1, again=1)
    assert not [event for event in logs if "s3cret" in str({**event, "exc_info": None})]


async def test_a_receiver_that_is_gone_is_not_asked_again_and_what_it_did_not_take_is_parked() -> None:
    gone = Refused("HTTP 410", kind="gone")
    store, desk = await two_alerts(), Receiver([gone, gone], at_once=1)

    assert await deliver(store, desk) == Delivered(again=1)
    assert await deliver(store, desk, clock=Clock(NOON + timedelta(days=30))) == Delivered()
    assert [one.state for one in await store.deliveries()] == ["parked", "parked"]


async def test_what_is_for_a_receiver_that_is_not_there_waits_for_it() -> None:
    store, desk = await two_alerts(), Receiver()

    assert await deliver(store) == Delivered()
    assert await deliver(store, desk, clock=Clock(NOON + MINUTE)) == Delivered(sent=2)


async def test_an_attempt_that_would_outlast_its_lease_has_failed() -> None:
    class Slow(Receiver):
        async def send(self, delivery: Delivery) -> Receipt:
            await asyncio.Event().wait()
            raise AssertionError

    store = await two_alerts()
    done = await steps.deliver({"desk": Slow()}, store=store, clock=Clock(), jitter=lambda: 0.0, lease=timedelta(milliseconds=10))

    assert done == Delivered(again=2)
    (attempt,) = await store.attempts((await store.alerts())[0].id, "desk")
    assert attempt.trouble == "slow"


async def test_a_store_that_fails_does_not_cut_the_other_sends_short() -> None:
    class Failing(MemoryStore):
        async def settle(self, delivery: Delivery, outcome: Any, attempt: Any) -> None:
            raise StoreError("disk full")

    store, desk = Failing(), Receiver()
    await steps.examine([story("a"), story("b", "Riga")], bench=bench(store))
    with pytest.raises(StoreError):
        await deliver(store, desk)
    assert len(desk.got) == 2


# Repeating


def kept(store: MemoryStore) -> tuple[Any, ...]:
    sent = {key: row.delivery for key, row in store._outbox.deliveries.items()}
    return store._shelf._articles, store._diary.events, store._outbox.alerts, sent


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["Malta", "Riga", "Oslo"])), min_size=1), st.randoms())
def test_the_same_batches_again_in_any_order_change_nothing(told: list[tuple[str, str]], chance: random.Random) -> None:
    articles = list({name: story(name, place) for name, place in told}.values())
    batches = [articles[at : at + 2] for at in range(0, len(articles), 2)]

    async def run(*rounds: list[list[Article]]) -> MemoryStore:
        store = MemoryStore()
        for batch in [batch for one in rounds for batch in one]:
            await steps.examine(batch, bench=bench(store))
        return store

    async def twice_and_shuffled() -> tuple[Any, Any]:
        shuffled = [chance.sample(batch, len(batch)) for batch in batches]
        chance.shuffle(shuffled)
        return kept(await run(batches)), kept(await run(batches, shuffled, batches))

    with capture_logs():
        once, often = asyncio.run(twice_and_shuffled())

    assert once == often
