"""What every store promises. If these pass for a new store, it works."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.errors import ConfigError, Outdated, StoreError
from monitor.model import Again, Alert, Delivery, Event, Fresh, GaveUp, Ledger, Plan, Sent, Sighting, Tally, Visit
from monitor.stores import STORES, open_store
from rules import Article, Finding, Hit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from monitor.ports import Store

NOON = datetime(2025, 6, 1, 12, 0, 0, 123456, UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(f"{request.param}:{tmp_path / 'monitor.db'}")
    yield opened
    await opened.close()


def after(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def an_article(n: int = 1, **changes: Any) -> Article:
    given = Article(
        id=f"a{n}",
        title="Переговоры: “talks” \N{PARTY POPPER}",
        summary="line\nbreak and a \x00 byte",
        body="A lone \ud800 surrogate, as hostile JSON has it.",
        source="agency",
        url=f"https://news.example/{n}",
        author="A. Writer",
        language="ru",
        tags=("world", "talks"),
        published=NOON - 5 * MINUTE,
        digest=f"digest-{n}",
    )
    return dataclasses.replace(given, **changes)


def an_event(n: int = 1, **changes: Any) -> Event:
    given = Event(
        id=f"e{n}",
        rule="summit",
        article="a1",
        opened=NOON,
        seen=NOON,
        values={"place": "Malta", "date": None},
        content="talks on Malta",
        sketches=((1, 2**64 - 1), (3,)),
        articles=2,
        sources=("agency", "daily"),
        told=("stance=open",),
    )
    return dataclasses.replace(given, **changes)


def an_alert(n: int = 1, **changes: Any) -> Alert:
    hit = Hit(field="title", start=3, end=8, text="talks")
    finding = Finding(
        field="body",
        start=0,
        end=9,
        text="A lone one",
        hits=(hit, dataclasses.replace(hit, field="body")),
        captures={"place": "Malta", "date": None},
        labels={"time": "upcoming"},
    )
    given = Alert(
        id=f"alert-{n}",
        kind="new",
        rule="summit",
        rule_title="Summit announced",
        level="high",
        version="0123456789ab",
        tags=("diplomacy",),
        title="Summit: Malta",
        article=an_article(n),
        first_seen=NOON,
        raised=NOON,
        sightings=(Sighting(event="e1", finding=finding), Sighting(event="e2", finding=finding)),
        held="backlog",
    )
    return dataclasses.replace(given, **changes)


def a_delivery(n: int = 1, **changes: Any) -> Delivery:
    return dataclasses.replace(Delivery(alert=f"alert-{n}", sink="desk", body=b"\x00bytes\xff", due=NOON), **changes)


def a_plan(n: int = 1, **changes: Any) -> Plan:
    return dataclasses.replace(Plan(article=an_article(n), revision=f"revision-{n}", first_seen=NOON, at=NOON), **changes)


def an_alerting_plan(n: int = 1, **changes: Any) -> Plan:
    return a_plan(n, **{"alerts": (an_alert(n),), "deliveries": (a_delivery(n),), **changes})


# Articles


async def test_an_article_is_unseen_until_it_is_recorded(store: Store) -> None:
    assert await store.unseen([an_article()]) == [Fresh(article=an_article())]

    await store.record(a_plan())

    assert await store.unseen([an_article()]) == []


async def test_a_new_digest_under_a_known_id_is_unseen_and_remembers_when_the_article_was_first_seen(store: Store) -> None:
    await store.record(a_plan(fills=3))
    edited = an_article(digest="edited")

    assert await store.unseen([edited]) == [Fresh(article=edited, first_seen=NOON)]


async def test_a_new_revision_of_the_page_alone_is_nothing_new(store: Store) -> None:
    await store.record(a_plan(revision="with its page"))

    assert await store.unseen([an_article(body="no page yet")]) == []


async def test_an_edited_article_keeps_when_it_was_first_seen(store: Store) -> None:
    await store.record(a_plan())
    await store.record(a_plan(article=an_article(digest="edited"), first_seen=after(60), refill=after(60)))

    assert await store.unfilled(after(60), 10) == [Fresh(article=an_article(digest="edited"), first_seen=NOON)]
    assert (await store.tally()).articles == 1


async def test_unseen_keeps_the_order_and_gives_each_id_once(store: Store) -> None:
    given = [an_article(3), an_article(1), an_article(3, digest="again"), an_article(2)]

    assert [fresh.article for fresh in await store.unseen(given)] == [an_article(3), an_article(1), an_article(2)]


async def test_the_same_page_under_another_id_is_seen(store: Store) -> None:
    await store.record(a_plan())
    renamed = an_article(id="another guid")

    assert await store.unseen([renamed]) == []
    assert await store.unseen([dataclasses.replace(renamed, digest="other words")]) != []
    assert await store.unseen([dataclasses.replace(renamed, url="https://news.example/elsewhere")]) != []


async def test_articles_without_a_url_are_told_apart_by_id_alone(store: Store) -> None:
    await store.record(a_plan(article=an_article(url=None)))

    assert await store.unseen([an_article(id="another guid", url=None)]) != []


async def test_a_page_that_was_edited_away_is_no_longer_known(store: Store) -> None:
    await store.record(a_plan())
    await store.record(a_plan(article=an_article(digest="edited")))

    assert await store.unseen([an_article(id="another guid")]) != []


async def test_articles_come_whole_and_in_order_from_a_first_sight_on(store: Store) -> None:
    for n, minutes in ((3, 2), (1, 0), (2, 1)):
        await store.record(a_plan(n, first_seen=after(minutes)))
    await store.record(a_plan(3, article=an_article(3, digest="edited"), first_seen=after(9)))

    late, early = (
        Fresh(article=an_article(3, digest="edited"), first_seen=after(2)),
        Fresh(article=an_article(2), first_seen=after(1)),
    )
    assert await store.articles(after(1)) == [late, early]
    assert await store.articles(after(3)) == []


async def test_articles_come_a_page_at_a_time(store: Store) -> None:
    for n in range(5):
        await store.record(a_plan(n, article=an_article(n, id=f"\ud800{n}")))

    first = await store.articles(NOON, limit=2)
    second = await store.articles(NOON, after=first[-1].article.id, limit=2)
    last = await store.articles(NOON, after=second[-1].article.id, limit=2)

    assert [fresh.article.title for fresh in (*first, *second, *last)] == [an_article().title] * 5
    assert [fresh.article.id for fresh in (*first, *second, *last)] == [f"\ud800{n}" for n in range(5)]
    assert await store.articles(NOON, after=last[-1].article.id) == []


async def test_unfilled_gives_whole_articles_that_are_due_oldest_first(store: Store) -> None:
    await store.record(a_plan(1, refill=after(2), fills=1))
    await store.record(a_plan(2, refill=after(1), fills=2))
    await store.record(a_plan(3, refill=after(3)))
    await store.record(a_plan(4))

    first = Fresh(article=an_article(2), first_seen=NOON, fills=2)
    assert await store.unfilled(after(2), 10) == [first, Fresh(article=an_article(1), first_seen=NOON, fills=1)]
    assert await store.unfilled(after(2), 1) == [first]
    assert (await store.tally()).unfilled == 3


async def test_a_filled_article_is_not_asked_for_again(store: Store) -> None:
    await store.record(a_plan(refill=after(1), fills=1))
    await store.record(a_plan(fills=1))

    assert await store.unfilled(after(99), 10) == []


# Events


async def test_a_rule_without_events_has_stamp_0(store: Store) -> None:
    assert await store.ledger(["summit"], NOON) == Ledger(stamps={"summit": 0})


async def test_the_ledger_gives_equal_events_back_in_the_order_they_were_opened(store: Store) -> None:
    late, early, tied = an_event(1, opened=after(1)), an_event(2, opened=NOON), an_event(3, opened=after(1), rule="other")
    await store.record(a_plan(1, events=(late, early)))
    await store.record(a_plan(2, events=(tied,)))

    ledger = await store.ledger(["summit", "other"], NOON)

    assert ledger == Ledger(events=(early, late, tied), stamps={"summit": 1, "other": 1})


async def test_the_ledger_leaves_out_other_rules_and_events_not_seen_since(store: Store) -> None:
    old, new, other = an_event(1), an_event(2, seen=after(1)), an_event(3, rule="other", seen=after(1))
    await store.record(a_plan(events=(old, new, other)))

    assert (await store.ledger(["summit"], after(1))).events == (new,)
    assert (await store.ledger(["summit"], after(1) + timedelta(microseconds=1))).events == ()


async def test_an_event_seen_again_is_changed_in_its_place(store: Store) -> None:
    await store.record(a_plan(1, events=(an_event(1), an_event(2))))
    again = an_event(1, seen=after(5), articles=3)
    await store.record(a_plan(2, events=(again,)))

    assert await store.ledger(["summit"], NOON) == Ledger(events=(again, an_event(2)), stamps={"summit": 2})


async def test_a_plan_decided_on_events_that_have_changed_is_refused_whole(store: Store) -> None:
    await store.record(a_plan(1, stamps={"summit": 0}, events=(an_event(1),)))
    stale = an_alerting_plan(2, stamps={"summit": 0, "other": 0}, events=(an_event(2), an_event(3, rule="other")))

    with pytest.raises(Outdated):
        await store.record(stale)

    assert await store.tally() == Tally(articles=1)
    assert await store.ledger(["summit", "other"], NOON) == Ledger(events=(an_event(1),), stamps={"summit": 1, "other": 0})


async def test_of_two_plans_on_the_same_stamp_one_is_recorded(store: Store) -> None:
    stamps = (await store.ledger(["summit"], NOON)).stamps
    plans = [an_alerting_plan(n, stamps=stamps, events=(an_event(n),)) for n in (1, 2)]

    results = await asyncio.gather(*map(store.record, plans), return_exceptions=True)

    assert [type(result) for result in results if result is not None] == [Outdated]
    assert (await store.tally()).alerts == 1


async def test_plans_about_other_rules_do_not_outdate_each_other(store: Store) -> None:
    await store.record(a_plan(1, stamps={"summit": 0}, events=(an_event(1),)))
    await store.record(a_plan(2, stamps={"other": 0}, events=(an_event(2, rule="other"),)))

    assert (await store.ledger(["summit", "other"], NOON)).stamps == {"summit": 1, "other": 1}


# Alerts


async def test_an_alert_comes_back_equal_in_every_field(store: Store) -> None:
    await store.record(an_alerting_plan())

    assert await store.alert("alert-1") == an_alert()
    assert await store.alerts() == [an_alert()]
    assert await store.alert("another") is None


async def test_an_alert_with_nothing_but_what_it_must_have_comes_back_equal(store: Store) -> None:
    bare = an_alert(article=Article(id="a1"), tags=(), sightings=(), held=None)
    await store.record(a_plan(alerts=(bare,)))

    assert await store.alert("alert-1") == bare


async def test_alerts_come_newest_first_and_can_be_paged_and_chosen_by_rule(store: Store) -> None:
    raised = {1: after(1), 2: after(3), 3: after(2), 4: after(3)}
    for n, at in raised.items():
        await store.record(a_plan(n, alerts=(an_alert(n, raised=at, rule="odd" if n % 2 else "even"),)))

    async def ids(**choice: Any) -> list[str]:
        return [alert.id for alert in await store.alerts(**choice)]

    assert await ids() == ["alert-4", "alert-2", "alert-3", "alert-1"]
    assert await ids(limit=1) == ["alert-4"]
    assert await ids(before=after(3)) == ["alert-3", "alert-1"]
    assert await ids(rule="odd") == ["alert-3", "alert-1"]
    assert await ids(rule="even", before=after(3)) == []


async def test_what_was_said_first_stays_said(store: Store) -> None:
    await store.record(an_alerting_plan())
    await store.record(an_alerting_plan(alerts=(an_alert(title="other words"),), deliveries=(a_delivery(body=b"other bytes"),)))

    assert await store.alerts() == [an_alert()]
    assert [delivery.body for delivery in await store.claim(NOON, MINUTE, 10)] == [b"\x00bytes\xff"]


async def test_a_plan_that_cannot_be_written_to_its_end_leaves_nothing_behind(store: Store) -> None:
    orphan = a_delivery(sink="other", alert="no such alert")
    plan = an_alerting_plan(events=(an_event(),), stamps={"summit": 0}, deliveries=(a_delivery(), orphan))

    with pytest.raises(StoreError):
        await store.record(plan)

    assert await store.tally() == Tally()
    assert await store.unseen([an_article()]) == [Fresh(article=an_article())]
    assert await store.ledger(["summit"], NOON) == Ledger(stamps={"summit": 0})


# Deliveries


async def test_a_claimed_delivery_has_a_token_and_one_more_attempt_and_nobody_else_gets_it(store: Store) -> None:
    await store.record(an_alerting_plan())

    [claimed] = await store.claim(NOON, MINUTE, 10)

    assert claimed.token
    assert claimed == a_delivery(attempts=1, token=claimed.token)
    assert await store.claim(after(0.5), MINUTE, 10) == []


async def test_deliveries_are_claimed_when_due_oldest_first_and_no_more_than_asked_for(store: Store) -> None:
    for n, minutes in {1: 2, 2: 1, 3: 1, 4: 9}.items():
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n, due=after(minutes)),)))

    assert await store.claim(after(0.9), MINUTE, 10) == []
    assert [delivery.alert for delivery in await store.claim(after(2), MINUTE, 2)] == ["alert-2", "alert-3"]
    assert [delivery.alert for delivery in await store.claim(after(2), MINUTE, 2)] == ["alert-1"]


async def test_the_oldest_alert_goes_first_however_often_it_was_tried(store: Store) -> None:
    await store.record(an_alerting_plan(1))
    [tried] = await store.claim(NOON, MINUTE, 10)
    await store.settle(tried, Again(at=NOON, due=after(5), reason="500"))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, due=after(1)),)))

    assert [delivery.alert for delivery in await store.claim(after(5), MINUTE, 10)] == ["alert-1", "alert-2"]
    assert (await store.tally()).oldest_waiting == NOON


async def test_two_claims_at_once_never_share_a_delivery(store: Store) -> None:
    for n in range(20):
        await store.record(an_alerting_plan(n))

    batches = await asyncio.gather(*(store.claim(NOON, MINUTE, 7) for _ in range(4)))

    alerts = [delivery.alert for batch in batches for delivery in batch]
    assert sorted(alerts) == sorted(f"alert-{n}" for n in range(20))


async def test_a_delivery_whose_lease_ran_out_is_claimed_again_under_another_token(store: Store) -> None:
    await store.record(an_alerting_plan())
    [first] = await store.claim(NOON, MINUTE, 10)

    [second] = await store.claim(after(1), MINUTE, 10)

    assert second == a_delivery(attempts=2, token=second.token)
    assert second.token != first.token


async def test_a_sent_delivery_is_done(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await store.claim(NOON, MINUTE, 10)

    await store.settle(claimed, Sent(at=NOON))
    await store.settle(claimed, GaveUp(at=NOON, reason="a repeated settle says nothing"))

    assert await store.claim(after(99), MINUTE, 10) == []
    assert await store.next_due() is None
    assert await store.tally() == Tally(articles=1, alerts=1)


async def test_a_delivery_to_be_tried_again_waits_until_it_is_due(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await store.claim(NOON, MINUTE, 10)

    await store.settle(claimed, Again(at=NOON, due=after(5), reason="500"))

    assert await store.claim(after(4), MINUTE, 10) == []
    [again] = await store.claim(after(5), MINUTE, 10)
    assert again == a_delivery(attempts=2, token=again.token, due=after(5))


async def test_a_delivery_given_up_is_counted_and_not_claimed(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await store.claim(NOON, MINUTE, 10)

    await store.settle(claimed, GaveUp(at=NOON, reason="410"))
    await store.record(an_alerting_plan())

    assert await store.claim(after(99), MINUTE, 10) == []
    assert await store.tally() == Tally(articles=1, alerts=1, dead=1, newest_dead=NOON)


async def test_settling_with_a_token_that_is_no_longer_valid_does_nothing(store: Store) -> None:
    await store.record(an_alerting_plan())
    [late] = await store.claim(NOON, MINUTE, 10)
    [current] = await store.claim(after(1), MINUTE, 10)

    await store.settle(late, GaveUp(at=after(1), reason="too late to say"))
    await store.settle(a_delivery(), GaveUp(at=after(1), reason="never claimed"))
    await store.settle(a_delivery(7, token="unknown"), Sent(at=after(1)))

    assert (await store.tally()).waiting == 1
    await store.settle(current, Sent(at=after(1)))
    assert (await store.tally()).waiting == 0


async def test_settling_late_counts_while_nobody_else_has_claimed_it(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await store.claim(NOON, MINUTE, 10)

    await store.settle(claimed, Sent(at=after(99)))

    assert await store.claim(after(99), MINUTE, 10) == []


async def test_release_voids_the_leases_of_deliveries_and_sources(store: Store) -> None:
    await store.record(an_alerting_plan())
    [held] = await store.claim(NOON, MINUTE, 10)
    await store.claim_sources(["agency"], NOON, MINUTE, 10)

    await store.release()
    await store.settle(held, Sent(at=NOON))

    assert await store.claim_sources(["agency"], NOON, MINUTE, 10) == ["agency"]
    [again] = await store.claim(NOON, MINUTE, 10)
    assert again.attempts == 2


async def test_each_receiver_has_its_own_delivery(store: Store) -> None:
    deliveries = (a_delivery(sink="desk"), a_delivery(sink="archive"))
    await store.record(an_alerting_plan(deliveries=deliveries))
    desk, archive = await store.claim(NOON, MINUTE, 10)

    await store.settle(desk, Sent(at=NOON))
    await store.settle(archive, Again(at=NOON, due=after(1), reason="503"))

    assert [delivery.sink for delivery in await store.claim(after(1), MINUTE, 10)] == ["archive"]


async def test_next_due_is_when_there_is_something_to_do(store: Store) -> None:
    assert await store.next_due() is None
    await store.record(an_alerting_plan(1, deliveries=(a_delivery(1, due=after(3)),)))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, due=after(1)),)))
    assert await store.next_due() == after(1)

    await store.claim(after(1), 10 * MINUTE, 1)

    assert await store.next_due() == after(3)
    await store.claim(after(3), MINUTE, 1)
    assert await store.next_due() == after(4), "the end of a lease that nobody may be left to settle"


# Sources


async def test_a_source_never_visited_is_due_at_once_and_held_until_its_lease_ends(store: Store) -> None:
    assert await store.claim_sources(["b", "a", "b"], NOON, MINUTE, 10) == ["b", "a"]
    assert await store.claim_sources(["b", "a"], after(0.5), MINUTE, 10) == []
    assert await store.claim_sources(["b", "a"], after(1), MINUTE, 10) == ["b", "a"]
    assert await store.last_visit("a") is None
    assert await store.visits() == []


async def test_sources_are_claimed_longest_due_first(store: Store) -> None:
    for source, minutes in {"a": 3, "b": 1, "c": 2, "d": 9}.items():
        await store.visited(Visit(source=source, at=NOON, due=after(minutes)))

    assert await store.claim_sources(["a", "b", "c", "d", "new"], after(3), MINUTE, 3) == ["new", "b", "c"]
    assert await store.claim_sources(["a", "b", "c", "d", "new"], after(3), MINUTE, 3) == ["a"]


async def test_only_the_sources_asked_for_are_claimed(store: Store) -> None:
    await store.visited(Visit(source="dropped from the configuration", at=NOON, due=NOON))

    assert await store.claim_sources([], NOON, MINUTE, 10) == []


async def test_two_claims_at_once_never_share_a_source(store: Store) -> None:
    ids = [f"s{n}" for n in range(10)]

    batches = await asyncio.gather(*(store.claim_sources(ids, NOON, MINUTE, 4) for _ in range(3)))

    assert sorted(source for batch in batches for source in batch) == ids


async def test_a_visit_is_kept_whole_and_gives_the_lease_back(store: Store) -> None:
    visit = Visit(
        source="agency",
        at=NOON,
        due=after(15),
        cursor={"etag": '"x"', "modified": "Sun, 01 Jun 2025"},
        articles=3,
        error="timed out",
        failures=2,
        answered=after(-15),
    )
    await store.claim_sources(["agency"], NOON, 99 * MINUTE, 10)

    await store.visited(visit)

    assert await store.last_visit("agency") == visit
    assert await store.claim_sources(["agency"], after(15), MINUTE, 10) == ["agency"]
    assert await store.last_visit("agency") == visit, "a claim changes nothing"


async def test_the_last_visit_replaces_the_one_before_and_visits_come_by_source_id(store: Store) -> None:
    b, a, later = (Visit(source=source, at=after(n), due=after(9)) for n, source in enumerate(["b", "a", "b"]))
    for visit in (b, a, later):
        await store.visited(visit)

    assert await store.visits() == [a, later]


# All of it


async def test_the_tally_counts_everything(store: Store) -> None:
    for n in (1, 2, 3):
        await store.record(an_alerting_plan(n, refill=after(1) if n == 1 else None))
    sent, dead = await store.claim(NOON, MINUTE, 2)
    await store.settle(sent, Sent(at=NOON))
    await store.settle(dead, GaveUp(at=NOON, reason="410"))

    assert await store.tally() == Tally(
        articles=3, alerts=3, unfilled=1, waiting=1, dead=1, oldest_waiting=NOON, newest_dead=NOON
    )


async def test_times_of_other_zones_come_back_equal(store: Store) -> None:
    kyiv = NOON.astimezone(datetime.strptime("+0300", "%z").tzinfo)
    await store.record(an_alerting_plan(first_seen=kyiv, refill=kyiv, alerts=(an_alert(raised=kyiv),)))

    [unfilled] = await store.unfilled(NOON, 10)
    assert unfilled.first_seen == NOON
    assert await store.alerts() == [an_alert()]


async def test_closing_twice_is_harmless(store: Store) -> None:
    await store.close()
    await store.close()


# Opening


@pytest.mark.parametrize("form", ["{}", "sqlite:{}", "sqlite://{}"])
async def test_a_file_is_named_by_url_or_bare_path(form: str, tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"

    store = await open_store(form.format(file))
    await store.close()

    assert file.stat().st_size > 0


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("oracle:db", "unknown store 'oracle' in 'oracle:…'; expected one of memory, sqlite, or the path of a file"),
        ("sqlite:", "store 'sqlite:' names no file: write it as sqlite:monitor.db"),
        ("", "store 'sqlite:' names no file: write it as sqlite:monitor.db"),
    ],
)
async def test_a_url_that_names_no_store_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace("(", r"\(")):
        await open_store(url)
