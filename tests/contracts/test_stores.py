"""What every store promises. If these pass for a new store, it works."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.errors import ConfigError, Outdated, StoreError
from monitor.model import (
    Again,
    Alert,
    Attempt,
    Backlog,
    Breaker,
    Claim,
    Delivery,
    Event,
    Fresh,
    GaveUp,
    Hush,
    Ledger,
    Original,
    Outcome,
    Plan,
    Pruned,
    Report,
    Sent,
    Sighting,
    Tally,
    Told,
    Visit,
)
from monitor.stores import STORES, articles, open_store, shelf
from rules import Article, Finding, Hit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
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


def apart(sources: Iterable[str]) -> dict[str, str]:
    """These sources, each on a host of its own."""
    return {source: f"{source}.example" for source in sources}


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
        acknowledged=after(7),
        note="Anna \ud800",
        ended="cancelled",
    )
    return dataclasses.replace(given, **changes)


def a_report(n: int = 1, **changes: Any) -> Report:
    """What article n said of the first event."""
    given = Report(
        event="e1",
        rule="summit",
        article=f"a{n}",
        source="agency",
        at=after(n),
        published=NOON - 5 * MINUTE,
        title="Talks \ud800",
        url=f"https://news.example/{n}",
        change="opened",
        why="opened: of no open event",
        values={"place": "Malta", "date": None},
        copy=True,
        alert="alert-1",
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
        sightings=(Sighting(event="e1", finding=finding, why="opened: why"), Sighting(event="e2", finding=finding)),
        held="backlog",
    )
    return dataclasses.replace(given, **changes)


def a_delivery(n: int = 1, **changes: Any) -> Delivery:
    """As it is given, and, with its token and when it was first due, as it comes back."""
    return dataclasses.replace(Delivery(alert=f"alert-{n}", sink="desk", body=b"\x00bytes\xff", due=NOON), **changes)


def a_plan(n: int = 1, **changes: Any) -> Plan:
    return dataclasses.replace(Plan(article=an_article(n), revision=f"revision-{n}", first_seen=NOON, at=NOON), **changes)


def an_alerting_plan(n: int = 1, **changes: Any) -> Plan:
    return a_plan(n, **{"alerts": (an_alert(n),), "deliveries": (a_delivery(n),), **changes})


RECEIVERS = ("desk", "archive", "night", "a", "b", "c", "d", "e")


async def claim(store: Store, now: datetime, lease: timedelta, limit: int, **how: Any) -> list[Delivery]:
    """What is due for any of the receivers of these tests."""
    return [one for sink in RECEIVERS for one in await store.claim(sink, now, lease, limit, **how)]


def tried(outcome: Outcome, **changes: Any) -> Attempt:
    """The attempt that ends so."""
    failed = {} if isinstance(outcome, Sent) else {"trouble": "http", "reason": outcome.reason}
    return Attempt(**{"began": outcome.at, **failed, **changes})


async def settle(store: Store, delivery: Delivery, outcome: Outcome, **changes: Any) -> None:
    await store.settle(delivery, outcome, tried(outcome, **changes))


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


# The ladder: known by id, by address and title or text, by address and text from elsewhere


SPELLINGS = (
    "https://news.example/talks",
    "http://news.example/talks/",
    "https://www.news.example/talks?utm_source=feed",
    "https://news.example/talks#top",
)


def spelt(n: int, **changes: Any) -> Article:
    """One article under an id and a spelling of its address of its own."""
    return an_article(n, url=SPELLINGS[n % len(SPELLINGS)], digest="one text", **changes)


async def test_a_feed_that_changes_all_its_ids_at_every_poll_brings_nothing_new(store: Store) -> None:
    """F47."""
    given = [an_article(n, title=f"Title {n}", url=f"https://news.example/{n}") for n in range(5)]
    for one in given:
        await store.record(a_plan(article=one))

    for poll in range(50):
        renamed = [
            dataclasses.replace(one, id=f"{poll}/{one.id}", url=f"{one.url}?utm_campaign={poll}&fbclid={poll}") for one in given
        ]
        assert await store.unseen(renamed) == []


async def test_an_article_edited_under_a_new_id_is_a_version_of_the_known_one(store: Store) -> None:
    """F47 and F50."""
    await store.record(a_plan())
    renamed = an_article(id="another guid", url="http://www.news.example/1?utm_source=x", body="Edited.", digest="edited")

    assert await store.unseen([renamed, dataclasses.replace(renamed, id="a third")]) == [
        Fresh(article=dataclasses.replace(renamed, id="a1"), first_seen=NOON)
    ]


async def test_another_story_at_a_known_address_is_another_article(store: Store) -> None:
    """F48: all entries of a feed may link to its home page, and have no other id."""
    home = "https://news.example/"
    await store.record(a_plan(article=an_article(1, url=home)))
    other = an_article(2, url=home, title="Something else altogether", digest="other text")

    assert await store.unseen([other]) == [Fresh(article=other)]


async def test_of_a_home_page_that_stands_under_thousands_of_articles_the_newest_are_compared(store: Store) -> None:
    home = "https://news.example/"
    for n in range(1, 101):
        await store.record(a_plan(n, article=an_article(n, url=home, title=f"Title {n}")))
    old, new = (an_article(url=home, id="another guid", title=f"Title {n}", digest="edited") for n in (1, 100))

    assert await store.unseen([old]) == [Fresh(article=old)]
    assert [fresh.article.id for fresh in await store.unseen([new])] == ["a100"]


async def test_a_known_id_that_comes_with_another_story_is_not_swallowed(store: Store) -> None:
    """F48: an id used again."""
    await store.record(a_plan())
    other = an_article(title="Something else", url="https://news.example/other", digest="other text")

    assert await store.unseen([other]) == [Fresh(article=other, first_seen=NOON)]


async def test_what_another_source_gave_word_for_word_at_the_same_address_is_seen(store: Store) -> None:
    """F49: over many feeds, and however its address is spelt."""
    await store.record(a_plan(article=spelt(0)))

    assert await store.unseen([spelt(n, source=f"feed {n}") for n in range(1, 40)]) == []


async def test_without_the_ladder_both_would_be_new(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the tests above: it is the address and the title that they are known by."""
    await store.record(a_plan(article=spelt(0)))
    copy, edited = spelt(1, source="aggregator"), dataclasses.replace(spelt(1), digest="edited")

    assert len(await store.unseen([copy])) == 0
    assert [fresh.article.id for fresh in await store.unseen([edited])] == ["a0"]

    monkeypatch.setattr(shelf, "same_page", lambda *_: False)
    monkeypatch.setattr(articles, "same_page", lambda *_: False)
    assert [fresh.article.id for fresh in await store.unseen([edited])] == ["a1"]
    monkeypatch.setattr(articles, "address", lambda url: url)
    assert [fresh.article.id for fresh in await store.unseen([copy])] == ["a1"]


async def test_another_source_s_version_of_what_is_at_an_address_is_an_article_of_its_own(store: Store) -> None:
    await store.record(a_plan(article=spelt(0)))
    shorter = dataclasses.replace(spelt(1, source="aggregator"), digest="shorter text")

    assert await store.unseen([shorter]) == [Fresh(article=shorter)]


async def test_an_article_without_a_source_is_no_version_of_another(store: Store) -> None:
    await store.record(a_plan(article=an_article(source="")))
    other = an_article(id="another guid", source="", digest="other text")

    assert await store.unseen([other]) == [Fresh(article=other)]


async def test_an_article_keeps_its_url_as_it_was_given(store: Store) -> None:
    await store.record(a_plan(article=an_article(url=SPELLINGS[2])))

    [fresh] = await store.articles(NOON)
    assert fresh.article.url == SPELLINGS[2]


async def test_an_article_that_moved_is_known_at_its_new_address_only(store: Store) -> None:
    await store.record(a_plan())
    await store.record(a_plan(article=an_article(url="https://news.example/moved")))
    twin = an_article(id="another guid")

    assert await store.unseen([twin]) == [Fresh(article=twin)]
    assert await store.unseen([dataclasses.replace(twin, url="https://news.example/moved")]) == []


# Versions and the bytes that they were read from


def a_page(n: int = 1, **changes: Any) -> Original:
    given = Original(
        url=f"https://news.example/{n}\x00\ud800",
        at=after(n),
        body=b"<p>\x00\xff page %d" % n,
        kind="page",
        content_type="text/html; charset=\udc80",
    )
    return dataclasses.replace(given, **changes)


def a_version(n: int, *originals: Original, **changes: Any) -> Plan:
    """The first article, edited n times."""
    article = an_article(title=f"Version {n} \ud800", digest=f"digest-{n}")
    return a_plan(**{"article": article, "revision": f"revision-{n}", "at": after(n), "originals": originals, **changes})


async def test_bytes_come_back_equal_with_the_version_that_was_read_from_them(store: Store) -> None:
    feed, page = a_page(1, kind="feed", url="https://news.example/feed"), a_page(2)
    await store.record(a_plan(originals=(feed, page)))

    [version] = await store.revisions("a1")

    assert (version.article, version.revision, version.at) == (an_article(), "revision-1", NOON)
    assert version.originals == (feed, page)
    assert await store.original(page.sha256) == page.body
    assert await store.original("no such digest \ud800") is None
    assert await store.revisions("no such article \ud800") == []


async def test_every_version_of_an_article_is_kept_oldest_first(store: Store) -> None:
    for n in (1, 2, 3):
        await store.record(a_version(n, a_page(n)))

    versions = await store.revisions("a1")

    assert [version.article for version in versions] == [a_version(n).article for n in (1, 2, 3)]
    assert [version.at for version in versions] == [after(1), after(2), after(3)]
    assert [version.originals for version in versions] == [(a_page(1),), (a_page(2),), (a_page(3),)]
    assert (await store.tally()).articles == 1


async def test_an_article_that_is_examined_again_as_it_was_has_one_version(store: Store) -> None:
    await store.record(a_version(1, a_page(1)))
    await store.record(a_version(1, a_page(1), at=after(9)))

    [version] = await store.revisions("a1")
    assert (version.at, version.originals) == (after(1), (a_page(1),))


async def test_a_version_that_comes_back_stands_once_and_last(store: Store) -> None:
    """A page that is served now old, now new, must not fill the disk."""
    for n in (1, 2, 1, 2, 1):
        await store.record(a_version(n, a_page(n)))

    assert [version.revision for version in await store.revisions("a1")] == ["revision-2", "revision-1"]


async def test_the_same_bytes_are_kept_once_and_each_version_knows_where_they_came_from(store: Store) -> None:
    feed = a_page(1, kind="feed", body=b"a feed of many articles " * 1000)
    await store.record(a_plan(1, originals=(feed,)))
    before = (await store.sizes())["originals"]
    other = dataclasses.replace(feed, url="https://mirror.example/feed", at=after(5))
    await store.record(a_plan(2, originals=(other,)))

    assert (await store.sizes())["originals"] == before < len(feed.body)
    assert [(await store.revisions(id))[0].originals for id in ("a1", "a2")] == [(feed,), (other,)]


async def test_20_megabytes_come_back(store: Store) -> None:
    page = a_page(body=bytes(range(256)) * 80_000)

    await store.record(a_plan(originals=(page, a_page(2, body=b""))))

    assert await store.original(page.sha256) == page.body
    assert await store.original(a_page(body=b"").sha256) == b""


async def test_a_page_that_is_still_to_be_read_is_told_of(store: Store) -> None:
    page = a_page()
    await store.record(a_plan(1, originals=(page,), unread=page.sha256))
    await store.record(a_plan(2, originals=(page,), unread=page.sha256, refill=after(1)))

    assert [fresh.unread for fresh in await store.articles(NOON)] == [page.sha256] * 2
    assert [fresh.unread for fresh in await store.unfilled(after(1), 10)] == [page.sha256]

    await store.record(a_plan(1))
    assert [fresh.unread for fresh in await store.articles(NOON)] == [None, page.sha256]


async def test_a_refused_plan_keeps_no_bytes_and_no_version(store: Store) -> None:
    await store.record(a_version(1))
    with pytest.raises(StoreError):
        await store.record(a_version(2, a_page(), deliveries=(a_delivery(alert="no such alert"),), paragraphs=(1,)))

    assert [version.revision for version in await store.revisions("a1")] == ["revision-1"]
    assert await store.original(a_page().sha256) is None


# What a source repeats


async def read(store: Store, *texts: tuple[int, ...], day: int = 0) -> None:
    """Records an article with each of these texts, given as hashes of paragraphs."""
    for n, paragraphs in enumerate(texts):
        article = an_article(id=f"{day}-{n}", url=None)
        await store.record(a_plan(article=article, paragraphs=paragraphs, at=NOON + timedelta(days=day)))


async def test_a_paragraph_that_stands_under_many_articles_of_a_source_is_its_own_voice(store: Store) -> None:
    appeal, widest = 7, 2**63 - 1
    await read(store, *((appeal, widest, 100 + n, appeal) for n in range(30)))

    assert await store.repeated("agency", [appeal, widest, 103, 999]) == {appeal, widest}
    assert await store.repeated("agency", [103]) == set()
    assert await store.repeated("agency", []) == set()
    assert await store.repeated("daily", [appeal]) == set(), "another source's"


async def test_a_paragraph_that_stands_twice_in_an_article_counts_once(store: Store) -> None:
    await read(store, (7,) * 50)

    assert await store.repeated("agency", [7]) == set()


async def test_an_article_counts_once_however_often_it_is_examined(store: Store) -> None:
    for n in range(20):
        await store.record(a_version(n, paragraphs=(7,)))

    assert await store.repeated("agency", [7]) == set()


async def test_an_article_whose_page_came_late_counts_when_it_has_come(store: Store) -> None:
    for _ in range(2):
        await read(store, *[()] * 30)
    await read(store, *[(7,)] * 30)

    assert await store.repeated("agency", [7]) == {7}


async def test_what_a_source_has_stopped_to_print_is_not_its_voice_for_ever(store: Store) -> None:
    await read(store, *[(7,)] * 30)
    assert await store.repeated("agency", [7]) == {7}

    await read(store, *((100 + n,) for n in range(200)), day=1)

    assert await store.repeated("agency", [7]) == set()


# Pruning


async def test_old_articles_and_their_bytes_go_oldest_first(store: Store) -> None:
    for n in range(1, 6):
        await store.record(a_plan(n, originals=(a_page(n),), first_seen=after(n)))
    size = (await store.sizes())["originals"]

    dry = await store.prune(after(4), NOON, 2, dry=True)
    assert (await store.tally()).articles == 5
    gone = await store.prune(after(4), NOON, 2)

    assert gone == dry == Pruned(articles=2, originals=2, bytes=size - (await store.sizes())["originals"])
    assert [fresh.article.id for fresh in await store.articles(NOON)] == ["a3", "a4", "a5"]
    assert await store.revisions("a1") == []
    assert await store.original(a_page(1).sha256) is None
    assert await store.original(a_page(3).sha256) == a_page(3).body
    assert (await store.prune(after(4), NOON, 500)).articles == 1
    assert await store.prune(after(4), NOON, 500) == Pruned()


async def test_what_an_alert_tells_of_stays_with_all_its_versions_and_bytes(store: Store) -> None:
    await store.record(a_version(1, a_page(1)))
    await store.record(a_version(2, a_page(2), alerts=(an_alert(),), deliveries=(a_delivery(),), events=(an_event(),)))
    await store.record(a_version(3, a_page(3)))
    before = await store.revisions("a1")

    assert await store.prune(after(99), after(99), 500) == Pruned()

    assert await store.revisions("a1") == before
    assert [len(version.originals) for version in before] == [1, 1, 1]
    assert await store.alert("alert-1") == an_alert()
    assert (await store.tally()).waiting == 1
    assert (await store.ledger(["summit"], NOON)).events == (an_event(),)


async def test_without_the_alert_all_of_it_would_go(store: Store) -> None:
    """The control of the test above."""
    for n in (1, 2, 3):
        await store.record(a_version(n, a_page(n)))

    gone = await store.prune(after(99), after(99), 500)

    assert (gone.articles, gone.originals) == (1, 3)
    assert (await store.sizes())["originals"] == 0


async def test_bytes_may_go_before_their_article(store: Store) -> None:
    old, new = a_page(1), a_page(2)
    await store.record(a_plan(1, originals=(old,), unread=old.sha256))
    await store.record(a_plan(2, originals=(new,), unread=new.sha256))

    assert await store.prune(NOON, after(2), 500) == Pruned(originals=1, bytes=(await store.prune(NOON, after(9), 500)).bytes)

    assert [fresh.unread for fresh in await store.articles(NOON)] == [None, None]


async def test_bytes_that_several_articles_were_read_from_go_with_the_last(store: Store) -> None:
    feed = a_page(1)
    await store.record(a_plan(1, originals=(feed,), first_seen=NOON))
    await store.record(a_plan(2, originals=(feed,), first_seen=after(9)))
    await store.record(an_alerting_plan(3, originals=(a_page(5),)))
    await store.record(a_plan(4, originals=(a_page(5),), first_seen=NOON))

    gone = await store.prune(after(5), NOON, 500)

    assert (gone.articles, gone.originals) == (2, 0)
    assert await store.original(feed.sha256) == feed.body
    assert (await store.revisions("a3"))[0].originals == (a_page(5),)
    assert (await store.prune(after(10), NOON, 500)).originals == 1


async def test_what_was_pruned_is_new_when_it_comes_again(store: Store) -> None:
    await store.record(a_plan())
    await store.prune(after(1), NOON, 500)

    assert await store.unseen([an_article()]) == [Fresh(article=an_article())]
    await store.record(a_plan(first_seen=after(60)))
    assert [fresh.first_seen for fresh in await store.articles(NOON)] == [after(60)]


@pytest.mark.parametrize(("day", "found"), [(30, set()), (31, {1}), (60, {1}), (61, {1, 2}), (999, {1, 2})])
async def test_a_paragraph_is_forgotten_30_days_after_each_time_it_was_seen(store: Store, day: int, found: set[int]) -> None:
    """Forgotten, it begins anew, and stands under all articles since; else under a few of many."""
    await read(store, (1, 2), (2,), *((100 + n,) for n in range(200)))
    await read(store, (999,), day=day)
    await store.prune(NOON, NOON, 500)
    await read(store, *[(1, 2)] * 30, day=day + 1)

    assert await store.repeated("agency", [1, 2]) == found


async def test_without_pruning_no_paragraph_is_forgotten(store: Store) -> None:
    """The control of the test above."""
    await read(store, (1, 2), (2,), *((100 + n,) for n in range(200)))
    await read(store, *[(1, 2)] * 30, day=999)

    assert await store.repeated("agency", [1, 2]) == set()


async def test_sizes_tell_what_takes_the_room(store: Store) -> None:
    empty = await store.sizes()
    await store.record(a_version(1, a_page(body=bytes(range(256)) * 99)))
    told = {"alerts": (an_alert(),), "deliveries": (a_delivery(),), "events": (an_event(),), "reports": (a_report(),)}
    await store.record(a_version(2, **told))

    full = await store.sizes()

    assert set(full) == set(empty) == {*GROWING, "file", "idle"}
    assert {kind for kind in GROWING if full[kind] > empty[kind] == 0} == set(GROWING)


GROWING = ("articles", "revisions", "originals", "events", "reports", "alerts", "deliveries")


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


async def test_events_come_those_seen_last_first_and_can_be_paged_and_chosen_by_rule(store: Store) -> None:
    seen = {1: after(1), 2: after(3), 3: after(2), 4: after(3)}
    events = tuple(an_event(n, seen=at, rule="odd" if n % 2 else "even") for n, at in seen.items())
    await store.record(a_plan(events=events))

    async def ids(**choice: Any) -> list[str]:
        return [event.id for event in await store.events(**choice)]

    assert await ids() == ["e4", "e2", "e3", "e1"]
    assert await ids(limit=1) == ["e4"]
    assert await ids(before=after(3)) == ["e3", "e1"]
    assert await ids(rule="odd") == ["e3", "e1"]
    assert await ids(rule="even", before=after(3)) == []
    assert await store.event("e1") == events[0]
    assert await store.event("e9 \ud800") is None


# What was reported of them


async def test_a_timeline_comes_back_equal_in_every_field_oldest_first(store: Store) -> None:
    bare = Report(event="e1", rule="summit", article="a2", source="", at=NOON)
    late, other = a_report(1, at=after(9)), a_report(1, event="e2")
    await store.record(a_plan(1, events=(an_event(1), an_event(2)), reports=(late, other)))
    await store.record(a_plan(2, reports=(bare,)))

    assert await store.reports("e1") == [bare, late]
    assert await store.reports("e2") == [other]
    assert await store.reports("e9 \ud800") == []


async def test_of_equal_times_what_was_recorded_first_comes_first(store: Store) -> None:
    for n in (3, 1, 2):
        await store.record(a_plan(n, reports=(a_report(n, at=NOON),)))

    assert [report.article for report in await store.reports("e1")] == ["a3", "a1", "a2"]
    assert [report.article for report in (await store.ledger([], NOON, {"summit": NOON})).reports] == ["a3", "a1", "a2"]


async def test_an_article_reports_of_an_event_once_in_each_revision(store: Store) -> None:
    first, second = a_report(), a_report(at=after(5), change="retracted")
    await store.record(a_version(1, reports=(first,)))
    await store.record(a_version(1, reports=(a_report(change="repeated", why="joined: again"),)))
    assert await store.reports("e1") == [first]

    await store.record(a_version(2, reports=(second,)))
    await store.record(a_version(1, reports=(a_report(at=after(6)),)))
    assert await store.reports("e1") == [first, second], "and one that comes back does not fill the disk"


async def test_reports_of_several_events_by_one_article_all_stand(store: Store) -> None:
    reports = tuple(a_report(event=f"e{n}", rule=rule) for n, rule in enumerate(["summit", "other", "summit"]))
    await store.record(a_plan(reports=reports))

    assert [await store.reports(f"e{n}") for n in range(3)] == [[report] for report in reports]
    assert await store.reported("a1") == ["other", "summit"]


async def test_the_rules_that_an_article_reported_for_are_known_by_its_id(store: Store) -> None:
    odd = "odd \ud800"
    await store.record(a_plan(1, article=an_article(id=odd), reports=(a_report(article=odd),)))
    await store.record(a_plan(2))

    assert await store.reported(odd) == ["summit"]
    assert await store.reported("a2") == []


async def test_the_ledger_has_the_history_that_was_asked_for_oldest_first(store: Store) -> None:
    for n in (3, 1, 2):
        await store.record(a_plan(n, reports=(a_report(n), a_report(n, event="e2", rule="other", at=after(n + 0.5)))))

    async def history(**since: datetime) -> list[Report]:
        return list((await store.ledger(["summit"], NOON, since)).reports)

    assert await history(summit=after(2)) == [a_report(2), a_report(3)]
    assert [report.rule for report in await history(other=after(3), summit=after(3))] == ["summit", "other"]
    assert await history(summit=after(3) + timedelta(microseconds=1), unknown=NOON) == []
    assert (await store.ledger(["summit"], NOON)).reports == ()


async def test_a_report_moves_the_stamp_of_its_rule_on(store: Store) -> None:
    await store.record(a_plan(1, events=(an_event(),), reports=(a_report(),)))
    assert (await store.ledger(["summit"], NOON)).stamps == {"summit": 1}, "once for a plan"

    await store.record(a_plan(2, stamps={"summit": 1}, reports=(a_report(2),)))

    assert (await store.ledger(["summit"], NOON)).stamps == {"summit": 2}
    with pytest.raises(Outdated):
        await store.record(a_plan(3, stamps={"summit": 1}, reports=(a_report(3),)))
    assert [report.article for report in await store.reports("e1")] == ["a1", "a2"]


async def test_two_that_count_the_reports_at_once_do_not_both_count_to_the_same_number(store: Store) -> None:
    """Of two articles that would each be the third of three, one has to count again."""
    stamps = (await store.ledger(["summit"], NOON, {"summit": NOON})).stamps
    plans = [a_plan(n, stamps=stamps, reports=(a_report(n),)) for n in (1, 2)]

    results = await asyncio.gather(*map(store.record, plans), return_exceptions=True)

    assert [type(result) for result in results if result is not None] == [Outdated]
    assert len((await store.ledger(["summit"], NOON, {"summit": NOON})).reports) == 1


async def test_a_plan_that_does_not_name_its_stamps_is_not_stopped(store: Store) -> None:
    """The control of the tests above: it is the stamp that stops the second."""
    await asyncio.gather(*(store.record(a_plan(n, reports=(a_report(n),))) for n in (1, 2)))

    assert len((await store.ledger(["summit"], NOON, {"summit": NOON})).reports) == 2


async def test_a_refused_plan_leaves_no_report_behind(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.record(a_plan(reports=(a_report(),), deliveries=(a_delivery(alert="no such alert"),)))

    assert await store.reports("e1") == []
    assert await store.reported("a1") == []
    assert await store.ledger(["summit"], NOON) == Ledger(stamps={"summit": 0})


async def test_what_was_reported_of_an_event_goes_with_its_article_s_age(store: Store) -> None:
    for n in (1, 2, 3):
        await store.record(a_plan(n, first_seen=after(n), events=(an_event(),), reports=(a_report(n),)))

    await store.prune(after(3), NOON, 500, dry=True)
    assert len(await store.reports("e1")) == 3
    await store.prune(after(3), NOON, 1)
    assert [report.article for report in await store.reports("e1")] == ["a2", "a3"], "oldest first, and no more than asked for"
    await store.prune(after(3), NOON, 500)

    assert [report.article for report in await store.reports("e1")] == ["a3"]
    assert await store.reported("a2") == []
    assert await store.event("e1") == an_event(), "events stay"


async def test_the_age_of_an_article_counts_from_its_first_sight_however_often_it_was_edited(store: Store) -> None:
    await store.record(a_version(1, first_seen=after(1), reports=(a_report(),)))
    await store.record(a_version(2, first_seen=after(99), reports=(a_report(at=after(99)),)))

    await store.prune(after(2), NOON, 500)

    assert await store.reports("e1") == []


@pytest.mark.parametrize("told_by", [1, 2, 3])
async def test_the_timeline_of_an_event_that_an_alert_tells_of_stays(store: Store, told_by: int) -> None:
    """Whether the alert came before or after the report: the timeline is the alert's coverage."""
    for n in (1, 2, 3):
        alerts = (an_alert(n),) if n == told_by else ()
        await store.record(a_plan(n, events=(an_event(),), reports=(a_report(n), a_report(n, event="e9")), alerts=alerts))

    await store.prune(after(99), after(99), 500)

    assert [report.article for report in await store.reports("e1")] == ["a1", "a2", "a3"]
    assert await store.reports("e9") == [], "the control: nobody was told of that one"
    assert (await store.tally()).articles == 1


# What people say of them


async def test_an_acknowledged_event_says_since_when_and_who(store: Store) -> None:
    await store.record(a_plan(events=(an_event(acknowledged=None, note=""),)))

    assert await store.acknowledge("e1", after(1), "Anna \ud800") is True
    assert await store.event("e1") == an_event(acknowledged=after(1), note="Anna \ud800")
    assert await store.acknowledge("e1", after(2)) is True
    assert await store.event("e1") == an_event(acknowledged=after(2), note="Anna \ud800"), "what was noted stays noted"
    assert await store.acknowledge("e1", after(3), "Boris") is True
    assert await store.event("e1") == an_event(acknowledged=after(3), note="Boris")


async def test_an_event_that_there_is_not_cannot_be_acknowledged(store: Store) -> None:
    assert await store.acknowledge("e1 \ud800", NOON) is False
    assert await store.events() == []


async def test_a_plan_decided_before_an_acknowledgement_does_not_undo_it(store: Store) -> None:
    await store.record(a_plan(1, events=(an_event(acknowledged=None),)))
    ledger = await store.ledger(["summit"], NOON)
    await store.acknowledge("e1", after(1))

    with pytest.raises(Outdated):
        await store.record(a_plan(2, stamps=ledger.stamps, events=ledger.events))

    [event] = (await store.ledger(["summit"], NOON)).events
    assert event.acknowledged == after(1)


async def test_without_its_stamps_such_a_plan_would_undo_it(store: Store) -> None:
    """The control of the test above."""
    await store.record(a_plan(1, events=(an_event(acknowledged=None),)))
    ledger = await store.ledger(["summit"], NOON)
    await store.acknowledge("e1", after(1))

    await store.record(a_plan(2, events=ledger.events))

    assert [event.acknowledged for event in (await store.ledger(["summit"], NOON)).events] == [None]


def a_hush(target: str, **changes: Any) -> Hush:
    given = Hush(target=target, until=after(60), since=NOON, reason="maintenance \ud800")
    return dataclasses.replace(given, **changes)


async def test_hushes_come_back_equal_by_target_and_with_every_ledger(store: Store) -> None:
    rule, event = a_hush("rule:summit"), a_hush("event:e1 \ud800", until=after(-1))
    for one in (rule, event, rule):
        await store.hush(one)

    assert await store.hushes() == [event, rule]
    assert await store.ledger([], NOON) == Ledger(hushes=(event, rule))


async def test_a_later_hush_of_the_same_target_takes_the_place_of_the_earlier(store: Store) -> None:
    await store.hush(a_hush("rule:summit"))
    longer = a_hush("rule:summit", until=after(999), reason="still")
    await store.hush(longer)

    assert await store.hushes() == [longer]


async def test_a_hush_that_was_ended_is_gone(store: Store) -> None:
    await store.hush(a_hush("source:agency \ud800"))
    await store.hush(a_hush("rule:summit"))

    assert await store.unhush("source:agency \ud800") is True
    assert await store.unhush("source:agency \ud800") is False
    assert await store.hushes() == [a_hush("rule:summit")]


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
    assert [delivery.body for delivery in await claim(store, NOON, MINUTE, 10)] == [b"\x00bytes\xff"]


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

    [claimed] = await claim(store, NOON, MINUTE, 10)

    assert claimed.token
    assert claimed == a_delivery(attempts=1, token=claimed.token, since=NOON)
    assert await claim(store, after(0.5), MINUTE, 10) == []


async def test_deliveries_are_claimed_when_due_oldest_first_and_no_more_than_asked_for(store: Store) -> None:
    for n, minutes in {1: 2, 2: 1, 3: 1, 4: 9}.items():
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n, due=after(minutes)),)))

    assert await claim(store, after(0.9), MINUTE, 10) == []
    assert [delivery.alert for delivery in await claim(store, after(2), MINUTE, 2)] == ["alert-2", "alert-3"]
    assert [delivery.alert for delivery in await claim(store, after(2), MINUTE, 2)] == ["alert-1"]


async def test_the_oldest_alert_goes_first_however_often_it_was_tried(store: Store) -> None:
    await store.record(an_alerting_plan(1))
    [tried] = await claim(store, NOON, MINUTE, 10)
    await settle(store, tried, Again(at=NOON, due=after(5), reason="500"))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, due=after(1)),)))

    assert [delivery.alert for delivery in await claim(store, after(5), MINUTE, 10)] == ["alert-1", "alert-2"]
    assert (await store.tally()).oldest_waiting == NOON


async def test_two_claims_at_once_never_share_a_delivery(store: Store) -> None:
    for n in range(20):
        await store.record(an_alerting_plan(n))

    batches = await asyncio.gather(*(claim(store, NOON, MINUTE, 7) for _ in range(4)))

    alerts = [delivery.alert for batch in batches for delivery in batch]
    assert sorted(alerts) == sorted(f"alert-{n}" for n in range(20))


async def test_a_delivery_whose_lease_ran_out_is_claimed_again_under_another_token(store: Store) -> None:
    await store.record(an_alerting_plan())
    [first] = await claim(store, NOON, MINUTE, 10)

    [second] = await claim(store, after(1), MINUTE, 10)

    assert second == a_delivery(attempts=2, token=second.token, since=NOON)
    assert second.token != first.token


async def test_a_sent_delivery_is_done(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await claim(store, NOON, MINUTE, 10)

    await settle(store, claimed, Sent(at=NOON))
    await settle(store, claimed, GaveUp(at=NOON, reason="a repeated settle says nothing"))

    assert await claim(store, after(99), MINUTE, 10) == []
    assert await store.next_due() is None
    assert await store.tally() == Tally(articles=1, alerts=1)


async def test_a_delivery_to_be_tried_again_waits_until_it_is_due(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await claim(store, NOON, MINUTE, 10)

    await settle(store, claimed, Again(at=NOON, due=after(5), reason="500"))

    assert await claim(store, after(4), MINUTE, 10) == []
    [again] = await claim(store, after(5), MINUTE, 10)
    assert again == a_delivery(attempts=2, token=again.token, due=after(5), since=NOON)


async def test_a_delivery_given_up_is_counted_and_not_claimed(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await claim(store, NOON, MINUTE, 10)

    await settle(store, claimed, GaveUp(at=NOON, reason="410"))
    await store.record(an_alerting_plan())

    assert await claim(store, after(99), MINUTE, 10) == []
    assert await store.tally() == Tally(articles=1, alerts=1, dead=1, newest_dead=NOON)


async def test_settling_with_a_token_that_is_no_longer_valid_does_nothing(store: Store) -> None:
    await store.record(an_alerting_plan())
    [late] = await claim(store, NOON, MINUTE, 10)
    [current] = await claim(store, after(1), MINUTE, 10)

    await settle(store, late, GaveUp(at=after(1), reason="too late to say"))
    await settle(store, a_delivery(), GaveUp(at=after(1), reason="never claimed"))
    await settle(store, a_delivery(7, token="unknown"), Sent(at=after(1)))

    assert (await store.tally()).waiting == 1
    await settle(store, current, Sent(at=after(1)))
    assert (await store.tally()).waiting == 0


async def test_settling_late_counts_while_nobody_else_has_claimed_it(store: Store) -> None:
    await store.record(an_alerting_plan())
    [claimed] = await claim(store, NOON, MINUTE, 10)

    await settle(store, claimed, Sent(at=after(99)))

    assert await claim(store, after(99), MINUTE, 10) == []


async def test_release_voids_the_leases_of_deliveries_and_sources(store: Store) -> None:
    await store.record(an_alerting_plan())
    [held] = await claim(store, NOON, MINUTE, 10)
    await store.claim_sources(apart(["agency"]), NOON, MINUTE, 10)

    await store.release()
    await settle(store, held, Sent(at=NOON))

    assert await store.claim_sources(apart(["agency"]), NOON, MINUTE, 10) == ["agency"]
    [again] = await claim(store, NOON, MINUTE, 10)
    assert again.attempts == 2


async def test_sources_that_are_let_go_can_be_claimed_at_once(store: Store) -> None:
    await store.claim_sources(apart(["agency", "paper"]), NOON, MINUTE, 10)
    await store.let_go(["paper", "nobody"])
    assert await store.claim_sources(apart(["agency", "paper"]), NOON, MINUTE, 10) == ["paper"]


async def test_each_receiver_has_its_own_delivery(store: Store) -> None:
    deliveries = (a_delivery(sink="desk"), a_delivery(sink="archive"))
    await store.record(an_alerting_plan(deliveries=deliveries))
    desk, archive = await claim(store, NOON, MINUTE, 10)

    await settle(store, desk, Sent(at=NOON))
    await settle(store, archive, Again(at=NOON, due=after(1), reason="503"))

    assert [delivery.sink for delivery in await claim(store, after(1), MINUTE, 10)] == ["archive"]


async def test_next_due_is_when_there_is_something_to_do(store: Store) -> None:
    assert await store.next_due() is None
    await store.record(an_alerting_plan(1, deliveries=(a_delivery(1, due=after(3)),)))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, due=after(1)),)))
    assert await store.next_due() == after(1)

    await claim(store, after(1), 10 * MINUTE, 1)

    assert await store.next_due() == after(3)
    await claim(store, after(3), MINUTE, 1)
    assert await store.next_due() == after(4), "the end of a lease that nobody may be left to settle"


async def test_it_is_known_how_each_delivery_of_an_alert_stands(store: Store) -> None:
    sinks = ["a", "b", "c", "d", "e"]
    await store.record(an_alerting_plan(deliveries=tuple(a_delivery(sink=sink, digest=sink == "e") for sink in reversed(sinks))))
    held = {one.sink: one for one in await claim(store, NOON, MINUTE, 10)}
    await settle(store, held["a"], Again(at=NOON, due=after(1), reason="503"))
    await settle(store, held["b"], GaveUp(at=NOON, reason="410"))
    await settle(store, held["c"], Sent(at=after(0.5)))

    assert await store.told("alert-1") == [
        Told(alert="alert-1", sink="a", state="waiting", at=after(1), attempts=1, reason="503", since=NOON),
        Told(alert="alert-1", sink="b", state="dead", at=NOON, attempts=1, reason="410", since=NOON),
        Told(alert="alert-1", sink="c", state="sent", at=after(0.5), attempts=1, since=NOON),
        Told(alert="alert-1", sink="d", state="waiting", at=NOON, attempts=1, since=NOON),
        Told(alert="alert-1", sink="e", state="digest", at=NOON, since=NOON),
    ]
    assert await store.told("no such alert \ud800") == []


async def test_what_was_sent_in_the_end_has_no_reason_why_it_was_not(store: Store) -> None:
    await store.record(an_alerting_plan())
    for outcome in (Again(at=NOON, due=after(1), reason="503"), Sent(at=after(2))):
        [held] = await claim(store, after(1), MINUTE, 10)
        await settle(store, held, outcome)

    assert await store.told("alert-1") == [Told(alert="alert-1", sink="desk", state="sent", at=after(2), attempts=2, since=NOON)]


# Each receiver by itself


async def waiting(store: Store, count: int, sink: str = "desk") -> None:
    """So many alerts for this receiver, each a minute younger than the one before."""
    for n in range(1, count + 1):
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n, sink=sink, due=after(n)),)))


async def fail(store: Store, sink: str, at: datetime, times: int = 1, **changes: Any) -> None:
    """So many attempts at this receiver, which all fail."""
    for _ in range(times):
        [held] = await store.claim(sink, at, MINUTE, 1, **({"probe": True} if changes.get("probe") else {}))
        await settle(store, held, Again(at=at, due=at, reason="503"), **changes)


async def test_a_claim_takes_what_is_for_this_receiver_and_no_other(store: Store) -> None:
    await store.record(an_alerting_plan(deliveries=(a_delivery(sink="desk"), a_delivery(sink="archive"))))

    assert [one.sink for one in await store.claim("archive", NOON, MINUTE, 9)] == ["archive"]
    assert await store.claim("archive", NOON, MINUTE, 9) == []
    assert await store.claim("nobody", NOON, MINUTE, 9) == []
    assert [one.sink for one in await store.claim("desk", NOON, MINUTE, 9)] == ["desk"]


async def test_a_probe_is_what_is_due_first_even_if_not_yet_and_is_not_counted(store: Store) -> None:
    await waiting(store, 3)
    await fail(store, "desk", after(1))
    [tried] = await store.claim("desk", after(1), MINUTE, 9)
    await settle(store, tried, Again(at=after(1), due=after(50), reason="503"))

    [probe] = await store.claim("desk", after(1), MINUTE, 1, probe=True)

    assert (probe.alert, probe.attempts, probe.probe) == ("alert-2", 0, True)
    [other] = await store.claim("desk", after(1), MINUTE, 1, probe=True)
    assert other.alert == "alert-3"  # nobody else has it


async def test_who_has_something_due_is_known(store: Store) -> None:
    await waiting(store, 1, "desk")
    await store.record(an_alerting_plan(5, deliveries=(a_delivery(5, sink="archive", due=after(2)),)))
    await store.record(an_alerting_plan(7, deliveries=(a_delivery(7, sink="night", due=after(99)),)))
    asked = ["archive", "desk", "night", "nobody"]

    assert await store.due(asked, NOON) == []
    assert sorted(await store.due(asked, after(1))) == ["desk"]
    assert sorted(await store.due(asked, after(2))) == ["archive", "desk"]
    assert await store.due(["night"], after(2)) == []
    assert await store.due([], after(2)) == []

    await store.claim("desk", after(2), MINUTE, 9)
    assert await store.due(asked, after(2.5)) == ["archive"]
    assert sorted(await store.due(asked, after(3))) == ["archive", "desk"]  # the lease is over


async def test_nothing_is_due_for_a_receiver_whose_breaker_waits_or_is_disabled(store: Store) -> None:
    await waiting(store, 1)
    await store.keep_breaker(Breaker(sink="desk", state="open", due=after(5)), NOON)
    assert await store.due(["desk"], after(4)) == []
    assert await store.due(["desk"], after(5)) == ["desk"]

    await store.keep_breaker(Breaker(sink="desk", state="disabled"), NOON)
    assert await store.due(["desk"], after(99)) == []

    await store.keep_breaker(Breaker(sink="desk", due=after(5)), NOON)  # closed, but it asked for a rest
    assert await store.due(["desk"], after(4)) == []
    assert await store.due(["desk"], after(5)) == ["desk"]


async def test_a_probe_falls_due_though_no_delivery_does(store: Store) -> None:
    await store.record(an_alerting_plan(deliveries=(a_delivery(due=after(600)),)))
    await store.keep_breaker(Breaker(sink="desk", state="open", due=after(5)), NOON)
    assert await store.due(["desk"], after(5)) == ["desk"]

    await store.claim("desk", after(5), MINUTE, 1, probe=True)
    assert await store.due(["desk"], after(5)) == []  # it is under way


async def test_failures_in_a_row_open_the_breaker_and_a_success_makes_all_that_waits_due(store: Store) -> None:
    await waiting(store, 7)
    await fail(store, "desk", after(7), times=5)
    opened = await store.breaker("desk")
    assert (opened.state, opened.failures, opened.since, opened.reason) == ("open", 5, after(7), "503")
    assert opened.due == after(8)
    [late] = await store.claim("desk", after(7), MINUTE, 1)
    await settle(store, late, Again(at=after(7), due=after(600), reason="503"))

    [probe] = await store.claim("desk", after(8), MINUTE, 1, probe=True)
    await settle(store, probe, Sent(at=after(8)), probe=True)

    closed = await store.breaker("desk")
    assert (closed.state, closed.failures, closed.due, closed.width) == ("closed", 0, None, 4)
    assert len(await store.claim("desk", after(8), MINUTE, 99)) == 6
    assert await store.breakers() == [closed]


async def test_a_late_settle_says_nothing_of_the_receiver(store: Store) -> None:
    await waiting(store, 1)
    [late] = await store.claim("desk", after(1), MINUTE, 1)
    await store.claim("desk", after(2), MINUTE, 1)
    await settle(store, late, Again(at=after(2), due=after(3), reason="503"))

    assert await store.breaker("desk") == Breaker(sink="desk")
    assert await store.breakers() == []
    assert await store.attempts("alert-1", "desk") == []


async def test_what_is_parked_says_so_and_flows_once_the_breaker_is_closed(store: Store) -> None:
    await waiting(store, 2)
    [gone] = await store.claim("desk", after(2), MINUTE, 1)
    await settle(store, gone, Again(at=after(2), due=after(2), reason="410"), trouble="gone")

    assert (await store.breaker("desk")).state == "disabled"
    assert [one.state for one in await store.deliveries(sink="desk")] == ["parked", "parked"]
    assert [one.state for one in await store.told("alert-2")] == ["parked"]

    await store.keep_breaker(Breaker(sink="desk", width=4), after(9))
    assert [(one.state, one.at) for one in await store.deliveries(sink="desk")] == [("waiting", after(2)), ("waiting", after(2))]


async def test_attempts_are_kept_the_latest_of_many(store: Store) -> None:
    await waiting(store, 1)
    [held] = await store.claim("desk", after(1), MINUTE, 1)
    first = Attempt(
        began=after(1), took=timedelta(seconds=1.5), status=503, trouble="asked-to-wait", reason="HTTP 503", excerpt="Überlast \ud800",
        wait=MINUTE, probe=False,
    )  # fmt: skip
    await store.settle(held, Again(at=after(1), due=after(1), reason="HTTP 503"), first)
    assert await store.attempts("alert-1", "desk") == [first]

    for n in range(2, 40):
        [held] = await store.claim("desk", after(n), MINUTE, 1, probe=True)
        await settle(store, held, Again(at=after(n), due=after(n), reason="503"), probe=True)
    kept = await store.attempts("alert-1", "desk")
    assert [one.began for one in kept] == [after(n) for n in range(10, 40)]
    assert await store.attempts("alert-1", "archive") == []


async def test_deliveries_are_listed_latest_first_by_receiver_and_state(store: Store) -> None:
    await waiting(store, 4)
    await store.record(an_alerting_plan(9, deliveries=(a_delivery(9, sink="archive", due=after(9), digest=True),)))
    sent, dead = await store.claim("desk", after(2), MINUTE, 2)
    await settle(store, sent, Sent(at=after(2)))
    await settle(store, dead, GaveUp(at=after(2), reason="500"))

    async def listed(**how: Any) -> list[tuple[str, str]]:
        return [(one.alert, one.state) for one in await store.deliveries(**how)]

    everything = [("alert-9", "digest"), ("alert-4", "waiting"), ("alert-3", "waiting"), ("alert-2", "dead"), ("alert-1", "sent")]
    assert await listed() == everything
    assert await listed(sink="desk", state="waiting") == [("alert-4", "waiting"), ("alert-3", "waiting")]
    assert await listed(state="dead") == [("alert-2", "dead")]
    assert await listed(before=after(3), limit=1) == [("alert-2", "dead")]
    assert await listed(sink="nobody \ud800") == []


async def test_one_delivery_comes_with_its_bytes(store: Store) -> None:
    await waiting(store, 1)
    assert await store.delivery("alert-1", "desk") == a_delivery(due=after(1), since=after(1))
    assert await store.delivery("alert-1", "archive") is None


async def test_what_was_given_up_or_sent_can_be_made_due_again_as_if_it_were_new(store: Store) -> None:
    await waiting(store, 4)
    sent, dead, held = await store.claim("desk", after(4), MINUTE, 3)
    await settle(store, sent, Sent(at=after(4)))
    await settle(store, dead, GaveUp(at=after(4), reason="500"))
    keys = [(f"alert-{n}", "desk") for n in (1, 2, 3, 4, 5)]

    assert await store.requeue(keys, after(60)) == 3  # not the one under way, nor one that there is not
    again = await store.claim("desk", after(60), MINUTE, 9)

    assert [(one.alert, one.attempts, one.since) for one in again] == [
        ("alert-3", 2, after(3)),
        ("alert-1", 1, after(60)),
        ("alert-2", 1, after(60)),
        ("alert-4", 1, after(60)),
    ]
    assert {one.body for one in again} == {held.body}
    assert [one.state for one in await store.told("alert-1")] == ["waiting"]


async def test_what_waits_for_nobody_is_given_up_in_the_end(store: Store) -> None:
    await waiting(store, 2)
    await store.record(an_alerting_plan(3, deliveries=(a_delivery(3, sink="archive", due=after(1), digest=True),)))
    await store.record(an_alerting_plan(4, deliveries=(a_delivery(4, sink="night", due=after(1)),)))

    assert await store.give_up(["night"], after(2), "nobody is called that") == 2
    found = [(one.alert, one.state, one.reason) for one in await store.deliveries(state="dead")]
    assert sorted(found) == [("alert-1", "dead", "nobody is called that"), ("alert-3", "dead", "nobody is called that")]
    assert await store.give_up(["night", "desk"], after(99), "") == 0


def reworded(alert: Alert) -> bytes:
    return f"{alert.id}, {alert.title}".encode()


async def test_what_a_receiver_has_not_had_yet_can_be_worded_anew(store: Store) -> None:
    await waiting(store, 4)
    await store.record(an_alerting_plan(8, deliveries=(a_delivery(8, sink="archive", due=after(8)),)))
    await store.record(an_alerting_plan(9, deliveries=(a_delivery(9, due=after(9), digest=True),)))
    sent, dead, again = await store.claim("desk", after(3), MINUTE, 3)
    await settle(store, sent, Sent(at=after(3)))
    await settle(store, dead, GaveUp(at=after(3), reason="500"))
    await settle(store, again, Again(at=after(3), due=after(60), reason="503"))
    before = {one.alert: one for one in await store.deliveries(sink="desk")}

    assert await store.reword("desk", reworded) == 4

    new = {n: reworded(an_alert(n)) for n in (2, 3, 4, 9)}
    for n, body in {**new, 1: b"\x00bytes\xff"}.items():
        assert (found := await store.delivery(f"alert-{n}", "desk"))
        assert (found.body, n) == (body, n)
    assert (other := await store.delivery("alert-8", "archive"))
    assert other.body == b"\x00bytes\xff"
    assert {one.alert: one for one in await store.deliveries(sink="desk")} == before  # due, attempts, reasons: as they were
    [told] = await store.claim("desk", after(4), MINUTE, 9)
    assert (told.alert, told.body, told.attempts) == ("alert-4", new[4], 1)
    assert await store.reword("night", reworded) == 0


async def test_a_digest_is_worded_anew_from_what_stands_for_it_and_what_is_in_it_not_at_all(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))
    await store.record(a_collecting_plan(2, "desk"))
    await store.digested(["alert-1", "alert-2"], *a_digest(100))

    assert await store.reword("desk", reworded) == 1
    [told] = await store.claim("desk", after(100), MINUTE, 9)
    assert (told.alert, told.body) == ("alert-100", reworded(an_alert(100)))


async def test_what_cannot_be_worded_anew_leaves_all_as_it_was(store: Store) -> None:
    await waiting(store, 2)

    def breaks(alert: Alert) -> bytes:
        if alert.id == "alert-2":
            raise ValueError("no words")
        return b"new"

    with pytest.raises(ValueError, match="no words"):
        await store.reword("desk", breaks)

    assert [one.body for one in await store.claim("desk", after(2), MINUTE, 9)] == [b"\x00bytes\xff"] * 2


async def test_where_the_clock_is_set_what_waits_waits_as_long_as_it_would_have(store: Store) -> None:
    await store.record(an_alerting_plan(1, deliveries=(a_delivery(1, due=NOON),)))
    await store.record(a_plan(2, refill=after(5), fills=1))
    [held] = await store.claim("desk", NOON, MINUTE, 1)
    await settle(store, held, Again(at=NOON, due=after(30), reason="503"))
    await store.keep_breaker(Breaker(sink="archive", state="open", since=after(-9), due=after(7)), NOON)

    await store.set_clock(timedelta(days=-1), NOON - timedelta(days=1), timedelta(hours=29))

    def then(minutes: float) -> datetime:
        return after(minutes) - timedelta(days=1)

    assert await store.next_due() == then(30)
    assert [one.since for one in await store.deliveries()] == [then(0)]
    assert await store.unfilled(then(4.9), 9) == []
    assert len(await store.unfilled(then(5), 9)) == 1
    moved = await store.breaker("archive")
    assert (moved.since, moved.due) == (then(-9), then(7))


async def test_what_was_first_due_at_a_time_that_is_yet_to_come_waits_no_longer(store: Store) -> None:
    """The clock was set back while nobody ran: nobody knows by how much."""
    await waiting(store, 3)
    [held] = await store.claim("desk", after(1), MINUTE, 1)
    await settle(store, held, Again(at=after(1), due=after(30), reason="503"))

    await store.set_clock(timedelta(0), NOON, timedelta(hours=29))
    assert [one.at for one in await store.deliveries()] == [NOON] * 3
    assert [one.alert for one in await store.claim("desk", NOON, MINUTE, 9)] == ["alert-1", "alert-2", "alert-3"]


async def test_where_the_clock_is_set_ahead_nothing_is_due_at_once(store: Store) -> None:
    await waiting(store, 1)
    [held] = await store.claim("desk", after(1), 5 * MINUTE, 1)
    day = timedelta(days=1)

    await store.set_clock(day, after(1) + day, 2 * day)
    assert await store.claim("desk", after(5) + day, MINUTE, 1) == []  # the lease went along
    await settle(store, held, Again(at=after(2), due=after(2), reason="503"))
    assert len(await store.claim("desk", after(3), MINUTE, 1)) == 1


async def test_nothing_is_put_off_for_longer_than_is_ever_meant(store: Store) -> None:
    await waiting(store, 1)
    [held] = await store.claim("desk", after(1), MINUTE, 1)
    await settle(store, held, Again(at=after(1), due=NOON + timedelta(days=400), reason="503"))
    await store.keep_breaker(Breaker(sink="desk", state="open", due=NOON + timedelta(days=400)), NOON)

    await store.set_clock(timedelta(0), after(2), timedelta(hours=29))
    assert await store.next_due() == after(2) + timedelta(hours=29)
    assert (await store.breaker("desk")).due == after(2) + timedelta(hours=29)


async def test_the_backlog_is_counted_by_receiver(store: Store) -> None:
    assert await store.backlog() == []
    await waiting(store, 4)
    await store.record(an_alerting_plan(9, deliveries=(a_delivery(9, sink="archive", digest=True),)))
    sent, dead = await store.claim("desk", after(2), MINUTE, 2)
    await settle(store, sent, Sent(at=after(2)))
    await settle(store, dead, GaveUp(at=after(2), reason="500"))
    await store.claim("desk", after(3), MINUTE, 1)

    assert await store.backlog() == [
        Backlog(sink="archive", collected=1),
        Backlog(sink="desk", waiting=2, sent=1, dead=1, oldest=after(3)),
    ]


# Digests


def a_collecting_plan(n: int, *sinks: str, minutes: float | None = None) -> Plan:
    """An alert that each of these receivers is to have in its digest."""
    alert = an_alert(n, raised=after(n if minutes is None else minutes))
    return an_alerting_plan(n, alerts=(alert,), deliveries=tuple(a_delivery(n, sink=sink, digest=True) for sink in sinks))


def a_digest(n: int = 100, **changes: Any) -> tuple[Delivery, Alert]:
    return a_delivery(n, body=b"digest", due=after(n), **changes), an_alert(n, raised=after(n), sightings=())


async def test_what_waits_for_a_digest_is_not_sent_by_itself(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))

    assert await claim(store, after(99), MINUTE, 10) == []
    assert await store.next_due() is None
    await store.release()
    await settle(store, a_delivery(), Sent(at=NOON))
    assert await claim(store, after(99), MINUTE, 10) == []
    assert await store.tally() == Tally(articles=1, alerts=1, collected=1)


async def test_without_the_mark_it_would_be_sent_by_itself(store: Store) -> None:
    """The control of the test above."""
    plan = a_collecting_plan(1, "desk")
    await store.record(dataclasses.replace(plan, deliveries=tuple(dataclasses.replace(d, digest=False) for d in plan.deliveries)))

    assert len(await claim(store, after(99), MINUTE, 10)) == 1
    assert await store.waiting_for_digest("desk", after(100_000)) == []


async def test_each_receiver_has_its_own_digest_oldest_first(store: Store) -> None:
    for n, minutes in ((1, 3), (2, 1), (3, 3), (4, 2)):
        await store.record(a_collecting_plan(n, "desk", *(["archive"] if n == 4 else []), minutes=minutes))

    assert [alert.id for alert in await store.waiting_for_digest("desk", after(100_000))] == [
        "alert-2",
        "alert-4",
        "alert-1",
        "alert-3",
    ]
    assert await store.waiting_for_digest("archive", after(100_000)) == [an_alert(4, raised=after(2))]
    assert await store.waiting_for_digest("nobody", after(100_000)) == []


async def test_a_digest_is_one_delivery_in_the_place_of_those_that_waited(store: Store) -> None:
    for n in (1, 2, 3):
        await store.record(a_collecting_plan(n, "desk", "archive"))

    await store.digested(["alert-1", "alert-2"], *a_digest())

    assert [alert.id for alert in await store.waiting_for_digest("desk", after(100_000))] == ["alert-3"]
    assert len(await store.waiting_for_digest("archive", after(100_000))) == 3
    assert await store.tally() == Tally(articles=3, alerts=4, waiting=1, collected=4, oldest_waiting=after(100))
    [sent] = await claim(store, after(100), MINUTE, 10)
    assert sent == a_delivery(100, body=b"digest", due=after(100), attempts=1, token=sent.token, since=after(100))
    assert await store.alert("alert-100") == a_digest()[1]
    assert (await store.alerts(limit=1))[0].id == "alert-100"


async def test_an_alert_told_in_a_digest_stands_as_the_digest_does(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk", "archive"))
    await store.digested(["alert-1"], *a_digest())
    assert (await store.told("alert-1"))[1] == Told(alert="alert-1", sink="desk", state="waiting", at=after(100), since=NOON)

    [held] = await claim(store, after(100), MINUTE, 10)
    await settle(store, held, Sent(at=after(101)))

    assert await store.told("alert-1") == [
        Told(alert="alert-1", sink="archive", state="digest", at=NOON, since=NOON),
        Told(alert="alert-1", sink="desk", state="sent", at=after(101), attempts=1, since=NOON),
    ]


async def test_a_plan_recorded_again_is_not_collected_again(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))
    await store.digested(["alert-1"], *a_digest())
    await store.record(a_collecting_plan(1, "desk"))

    assert await store.waiting_for_digest("desk", after(100_000)) == []


async def test_nothing_is_told_in_two_digests(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))
    for n in (100, 100, 101):
        await store.digested(["alert-1"], *a_digest(n))

    assert [delivery.alert for delivery in await claim(store, after(999), MINUTE, 10)] == ["alert-100"]
    assert await store.alert("alert-101") is None


async def test_of_two_that_make_the_same_digest_at_once_one_does(store: Store) -> None:
    for n in (1, 2):
        await store.record(a_collecting_plan(n, "desk"))

    await asyncio.gather(*(store.digested(["alert-1", "alert-2"], *a_digest(n)) for n in (100, 101)))

    assert (await store.tally()).waiting == 1


async def test_a_digest_of_what_came_after_it_was_made_needs_another_id(store: Store) -> None:
    """Else what came after would count as told, in a digest whose bytes are frozen."""
    await store.record(a_collecting_plan(1, "desk"))
    await store.digested(["alert-1"], *a_digest())
    await store.record(a_collecting_plan(2, "desk"))

    with pytest.raises(StoreError, match="digest alert-100 for desk was made before, of other alerts: it needs another id"):
        await store.digested(["alert-1", "alert-2"], *a_digest())

    assert [alert.id for alert in await store.waiting_for_digest("desk", after(100_000))] == ["alert-2"]
    await store.digested(["alert-1", "alert-2"], *a_digest(101))
    assert await store.waiting_for_digest("desk", after(100_000)) == []


async def test_a_single_alert_that_waited_is_sent_as_it_is(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))
    for _ in range(2):
        await store.digested(["alert-1"], dataclasses.replace(a_delivery(1), due=after(5)), an_alert(1))

    tally = await store.tally()
    assert (tally.collected, tally.waiting) == (0, 1)
    [held] = await claim(store, after(5), timedelta(minutes=1), 9)
    assert held == a_delivery(1, due=after(5), attempts=1, token=held.token, since=NOON)


async def test_a_digest_of_nothing_says_so(store: Store) -> None:
    """Some ask for a line a day, whatever happened."""
    for _ in range(2):
        await store.digested([], *a_digest())

    assert await store.tally() == Tally(alerts=1, waiting=1, oldest_waiting=after(100))


async def test_a_digest_that_cannot_be_delivered_takes_nothing_away(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk"))
    delivery, alert = a_digest()

    with pytest.raises(StoreError):
        await store.digested(["alert-1"], dataclasses.replace(delivery, alert="no such alert"), alert)

    assert [alert.id for alert in await store.waiting_for_digest("desk", after(100_000))] == ["alert-1"]
    assert await store.alert("alert-100") is None


async def test_one_digest_may_go_to_several_receivers(store: Store) -> None:
    await store.record(a_collecting_plan(1, "desk", "archive"))
    for sink in ("desk", "archive"):
        await store.digested(["alert-1"], *a_digest(sink=sink))

    assert await store.tally() == Tally(articles=1, alerts=2, waiting=2, oldest_waiting=after(100))


async def test_what_is_of_no_article_is_told_once(store: Store) -> None:
    for _ in range(2):
        await store.tell(an_alert(1), [a_delivery(1)])
    await store.tell(an_alert(2))

    assert {alert.id for alert in await store.alerts()} == {an_alert(1).id, an_alert(2).id}
    assert [len(await store.told(an_alert(n).id)) for n in (1, 2)] == [1, 0]


async def test_a_delivery_of_another_alert_is_not_told(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.tell(an_alert(1), [dataclasses.replace(a_delivery(1), alert="no such alert")])
    assert await store.alerts() == []


async def test_what_a_visit_tells_of_a_source_may_wait_for_a_digest(store: Store) -> None:
    silence = an_alert(kind="silent", sightings=())
    await store.visited(Visit(source="agency", at=NOON, due=NOON), [silence], [a_delivery(digest=True)])

    assert await store.waiting_for_digest("desk", after(100_000)) == [silence]
    assert await claim(store, after(99), MINUTE, 10) == []


# Sources


async def test_a_source_never_visited_is_due_at_once_and_held_until_its_lease_ends(store: Store) -> None:
    assert await store.claim_sources(apart(["b", "a", "b"]), NOON, MINUTE, 10) == ["b", "a"]
    assert await store.claim_sources(apart(["b", "a"]), after(0.5), MINUTE, 10) == []
    assert await store.claim_sources(apart(["b", "a"]), after(1), MINUTE, 10) == ["b", "a"]
    assert await store.last_visit("a") is None
    assert await store.visits() == []


async def test_sources_are_claimed_longest_due_first(store: Store) -> None:
    for source, minutes in {"a": 3, "b": 1, "c": 2, "d": 9}.items():
        await store.visited(Visit(source=source, at=NOON, due=after(minutes)))

    assert await store.claim_sources(apart(["a", "b", "c", "d", "new"]), after(3), MINUTE, 3) == ["new", "b", "c"]
    assert await store.claim_sources(apart(["a", "b", "c", "d", "new"]), after(3), MINUTE, 3) == ["a"]


async def test_only_the_sources_asked_for_are_claimed(store: Store) -> None:
    await store.visited(Visit(source="dropped from the configuration", at=NOON, due=NOON))

    assert await store.claim_sources(apart([]), NOON, MINUTE, 10) == []


async def test_two_claims_at_once_never_share_a_source(store: Store) -> None:
    ids = [f"s{n}" for n in range(10)]

    batches = await asyncio.gather(*(store.claim_sources(apart(ids), NOON, MINUTE, 4) for _ in range(3)))

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
    await store.claim_sources(apart(["agency"]), NOON, 99 * MINUTE, 10)

    await store.visited(visit)

    assert await store.last_visit("agency") == visit
    assert await store.claim_sources(apart(["agency"]), after(15), MINUTE, 10) == ["agency"]
    assert await store.last_visit("agency") == visit, "a claim changes nothing"


async def test_of_each_host_one_source_is_claimed_at_a_time(store: Store) -> None:
    """F55."""
    hosts = {"a1": "a", "a2": "a", "b1": "b", "a3": "a", "c1": "c"}

    assert await store.claim_sources(hosts, NOON, MINUTE, 10) == ["a1", "b1", "c1"]
    assert await store.claim_sources(hosts, NOON, MINUTE, 10) == []
    await store.visited(Visit(source="a1", at=NOON, due=after(15)))
    assert await store.claim_sources(hosts, NOON, MINUTE, 10) == ["a2"]
    assert await store.claim_sources(hosts, after(1), MINUTE, 2) == ["a2", "b1"], "the leases have lapsed"


async def test_a_host_is_busy_even_where_the_source_that_keeps_it_so_is_not_asked_for(store: Store) -> None:
    await store.claim_sources({"a1": "a"}, NOON, MINUTE, 10)

    assert await store.claim_sources({"a2": "a", "b1": "b"}, NOON, MINUTE, 10) == ["b1"]


async def test_of_a_host_the_source_that_is_longest_due_comes_first(store: Store) -> None:
    for source, minutes in {"a1": 2, "a2": 1, "b1": 3}.items():
        await store.visited(Visit(source=source, at=NOON, due=after(minutes)))

    assert await store.claim_sources({"a1": "a", "a2": "a", "b1": "b"}, after(3), MINUTE, 2) == ["a2", "b1"]


async def test_no_more_sources_are_claimed_than_there_is_room_for(store: Store) -> None:
    assert await store.claim_sources(apart("abc"), NOON, MINUTE, 0) == []
    assert await store.claim_sources(apart("abc"), NOON, MINUTE, 9) == ["a", "b", "c"], "and nothing was leased in vain"


async def test_a_visit_comes_back_equal_in_every_field(store: Store) -> None:
    said = Claim(since=after(-60), times=3, told="https://elsewhere.example/feed \ud800")
    visit = Visit(
        source="agency",
        at=NOON,
        due=after(15),
        since=after(-99),
        known=after(-98),
        news=after(-5),
        arrivals=(after(-7), after(-5)),
        trouble="gone",
        gone=said,
        moved=said,
        unstable=2,
        remarks=("unstable ids",),
        silent=after(-1),
    )

    await store.visited(visit)

    assert await store.last_visit("agency") == visit
    assert await store.visits() == [visit]


async def test_a_visit_is_kept_with_what_it_is_to_tell(store: Store) -> None:
    silence = an_alert(kind="silent", article=Article(id="agency", title="agency has said nothing for a day"), sightings=())
    visit = Visit(source="agency", at=NOON, due=after(15))

    for _ in range(2):
        await store.visited(visit, [silence], [a_delivery()])
    await store.visited(visit, [dataclasses.replace(silence, title="other words")], [a_delivery(body=b"other bytes")])

    assert await store.alerts() == [silence]
    assert [delivery.body for delivery in await claim(store, NOON, MINUTE, 10)] == [b"\x00bytes\xff"]
    assert (await store.tally()).articles == 0


async def test_a_visit_that_cannot_tell_what_it_is_to_tell_is_not_kept(store: Store) -> None:
    first, second = (Visit(source="agency", at=after(n), due=after(n + 15)) for n in (0, 1))
    await store.visited(first)
    await store.claim_sources(apart(["agency"]), after(15), MINUTE, 1)

    with pytest.raises(StoreError):
        await store.visited(second, [an_alert()], [a_delivery(), a_delivery(alert="no such alert")])

    assert await store.last_visit("agency") == first
    assert await store.alerts() == []
    assert await store.claim_sources(apart(["agency"]), after(15), MINUTE, 1) == [], "its lease holds"


async def test_the_last_visit_replaces_the_one_before_and_visits_come_by_source_id(store: Store) -> None:
    b, a, later = (Visit(source=source, at=after(n), due=after(9)) for n, source in enumerate(["b", "a", "b"]))
    for visit in (b, a, later):
        await store.visited(visit)

    assert await store.visits() == [a, later]


# All of it


async def test_the_tally_counts_everything(store: Store) -> None:
    for n in (1, 2, 3):
        await store.record(an_alerting_plan(n, refill=after(1) if n == 1 else None))
    sent, dead = await claim(store, NOON, MINUTE, 2)
    await settle(store, sent, Sent(at=NOON))
    await settle(store, dead, GaveUp(at=NOON, reason="410"))

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


# Whether it can be written


async def test_a_probe_leaves_nothing_behind(store: Store) -> None:
    await store.probe()
    await store.probe()

    assert (await store.visits(), await store.tally()) == ([], Tally())


async def test_a_probe_changes_nothing_that_is_kept(store: Store) -> None:
    await store.visited(Visit(source="agency", at=NOON, due=after(5)))

    await store.probe()

    assert [one.source for one in await store.visits()] == ["agency"]


# What lies near what is asked for


async def test_nothing_but_what_waits_is_ever_due_or_claimed(store: Store) -> None:
    """Whatever was sent, given up, gathered or told in a digest before, and is older."""
    for n in (1, 2, 3, 4):
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n, due=after(n), digest=n > 2),)))
    sent, dead = await store.claim("desk", after(9), MINUTE, 9)
    await settle(store, sent, Sent(at=after(9)))
    await settle(store, dead, GaveUp(at=after(9), reason="500"))
    await store.digested(["alert-4"], *a_digest())
    [digest] = await store.claim("desk", after(100), MINUTE, 9)
    await settle(store, digest, Sent(at=after(100)))
    assert await store.due(["desk"], after(999)) == []
    assert await store.next_due() is None
    assert await store.claim("desk", after(999), MINUTE, 9, probe=True) == []

    await store.keep_breaker(Breaker(sink="desk", state="open"), after(9))
    assert await store.due(["desk"], after(999)) == []
    await store.record(an_alerting_plan(5, deliveries=(a_delivery(5, due=after(2_000)),)))
    assert await store.due(["desk"], after(999)) == ["desk"]
    assert [one.alert for one in await store.claim("desk", after(999), MINUTE, 9, probe=True)] == ["alert-5"]


async def test_a_probe_that_nobody_settled_is_made_again_when_its_lease_is_over(store: Store) -> None:
    await store.record(an_alerting_plan(deliveries=(a_delivery(due=after(600)),)))
    await store.keep_breaker(Breaker(sink="desk", state="open", due=after(5)), NOON)
    await store.claim("desk", after(5), MINUTE, 1, probe=True)

    assert await store.due(["desk"], after(5.9)) == []
    assert await store.claim("desk", after(5.9), MINUTE, 1, probe=True) == []
    assert await store.due(["desk"], after(6)) == ["desk"]
    assert len(await store.claim("desk", after(6), MINUTE, 1, probe=True)) == 1


async def test_of_equal_times_what_was_recorded_first_is_sent_first_and_listed_last(store: Store) -> None:
    for n in (3, 1, 2):
        await store.record(an_alerting_plan(n))

    assert [one.alert for one in await store.deliveries()] == ["alert-2", "alert-1", "alert-3"]
    assert [one.alert for one in await store.deliveries(limit=2)] == ["alert-2", "alert-1"]
    assert [one.id for one in await store.alerts()] == ["alert-2", "alert-1", "alert-3"]
    assert [one.id for one in await store.alerts(rule="summit")] == ["alert-2", "alert-1", "alert-3"]
    assert [one.alert for one in await store.claim("desk", NOON, MINUTE, 1, probe=True)] == ["alert-3"]
    assert [one.alert for one in await store.claim("desk", NOON, MINUTE, 9)] == ["alert-1", "alert-2"]


async def test_one_receiver_s_breaker_that_closes_hastens_nothing_of_another_and_no_digest(store: Store) -> None:
    later = (a_delivery(1, sink="desk", due=after(60)), a_delivery(1, sink="archive", due=after(60)))
    await store.record(an_alerting_plan(1, deliveries=later))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, due=after(90), digest=True),)))
    await store.keep_breaker(Breaker(sink="desk", state="open"), NOON)
    await store.keep_breaker(Breaker(sink="desk", width=4), after(1))

    assert [(one.sink, one.at) for one in await store.told("alert-1")] == [("archive", after(60)), ("desk", after(1))]
    assert await store.waiting_for_digest("desk", after(89)) == []
    assert [one.id for one in await store.waiting_for_digest("desk", after(90))] == ["alert-2"]


async def test_a_breaker_that_stays_closed_hastens_nothing(store: Store) -> None:
    await store.record(an_alerting_plan(deliveries=(a_delivery(due=after(60)),)))
    await store.keep_breaker(Breaker(sink="desk", width=5), after(1))

    assert await store.next_due() == after(60)


async def test_what_is_under_way_when_the_breaker_closes_is_due_with_the_rest_if_it_fails_to_be_settled(store: Store) -> None:
    await store.record(an_alerting_plan(deliveries=(a_delivery(due=after(60)),)))
    await store.keep_breaker(Breaker(sink="desk", state="open"), NOON)
    await store.claim("desk", after(1), 2 * MINUTE, 1, probe=True)
    await store.keep_breaker(Breaker(sink="desk", width=4), after(2))

    assert await store.next_due() == after(3)
    assert len(await store.claim("desk", after(3), MINUTE, 1)) == 1


async def test_breakers_come_by_receiver(store: Store) -> None:
    for sink in ("b", "c", "a"):
        await store.keep_breaker(Breaker(sink=sink, failures=1), NOON)

    assert [one.sink for one in await store.breakers()] == ["a", "b", "c"]
    assert await store.breaker("b") == Breaker(sink="b", failures=1)


async def test_each_delivery_keeps_its_own_attempts(store: Store) -> None:
    for n in (1, 2):
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n), a_delivery(n, sink="archive"))))
    for n in range(40):
        for held in await claim(store, after(n), MINUTE, 9, probe=True):
            if n < 3 or (held.alert, held.sink) == ("alert-1", "desk"):
                await settle(store, held, Again(at=after(n), due=after(n), reason="503"), probe=True)

    kept = {
        (alert, sink): [one.began for one in await store.attempts(alert, sink)]
        for alert in ("alert-1", "alert-2")
        for sink in ("desk", "archive")
    }
    assert kept.pop(("alert-1", "desk")) == [after(n) for n in range(10, 40)]
    assert list(kept.values()) == [[NOON, after(1), after(2)]] * 3


async def test_one_delivery_of_several_comes_with_its_own_bytes(store: Store) -> None:
    for n in (1, 2):
        both = (a_delivery(n, body=b"desk %d" % n), a_delivery(n, sink="archive", body=b"archive %d" % n))
        await store.record(an_alerting_plan(n, deliveries=both))

    for n in (1, 2):
        for sink in ("desk", "archive"):
            found = await store.delivery(f"alert-{n}", sink)
            assert found is not None
            assert found.body == f"{sink} {n}".encode()


async def test_what_is_gathered_is_not_made_due_by_itself_and_of_what_was_told_in_a_digest_the_digest_is(store: Store) -> None:
    for n in (1, 2):
        await store.record(a_collecting_plan(n, "desk", "archive"))
    await store.digested(["alert-1"], *a_digest())

    assert await store.requeue([("alert-2", "desk"), ("alert-1", "archive"), ("alert-7", "desk")], after(5)) == 0
    assert await store.requeue([("alert-1", "desk")], after(5)) == 1
    assert [one.alert for one in await claim(store, after(5), MINUTE, 9)] == ["alert-100"]
    assert [one.id for one in await store.waiting_for_digest("desk", after(999))] == ["alert-2"]
    assert [one.id for one in await store.waiting_for_digest("archive", after(999))] == ["alert-1", "alert-2"]


async def test_only_what_was_chosen_is_made_due_again(store: Store) -> None:
    for n in (1, 2):
        await store.record(an_alerting_plan(n, deliveries=(a_delivery(n), a_delivery(n, sink="archive"))))
    for held in await claim(store, NOON, MINUTE, 9):
        await settle(store, held, Sent(at=NOON))

    assert await store.requeue([("alert-1", "desk")], after(5)) == 1
    assert [(one.alert, one.sink) for one in await store.deliveries(state="waiting")] == [("alert-1", "desk")]
    assert await store.told("alert-1") == [
        Told(alert="alert-1", sink="archive", state="sent", at=NOON, attempts=1, since=NOON),
        Told(alert="alert-1", sink="desk", state="waiting", at=after(5), since=after(5)),
    ]


async def test_what_was_sent_or_is_under_way_is_not_given_up_though_its_receiver_is_gone(store: Store) -> None:
    await waiting(store, 3)
    sent, _ = await store.claim("desk", after(2), MINUTE, 2)
    await settle(store, sent, Sent(at=after(2)))

    assert await store.give_up([], after(99), "nobody is called that") == 1
    assert [(one.alert, one.state) for one in await store.deliveries()] == [
        ("alert-3", "dead"),
        ("alert-2", "waiting"),
        ("alert-1", "sent"),
    ]


async def test_where_the_clock_is_set_all_that_is_leased_or_waits_goes_along(store: Store) -> None:
    """A lease that did not would be void, or hold for ever; a page that did not, would be asked for at once, or never."""
    await waiting(store, 1)
    await store.claim("desk", after(1), 5 * MINUTE, 1)
    await store.claim_sources(apart(["agency"]), after(1), 5 * MINUTE, 1)
    await store.record(a_plan(2, refill=after(9), fills=1))
    await store.record(a_plan(3, refill=NOON + timedelta(days=400), fills=1))
    await store.keep_breaker(Breaker(sink="archive", failures=1, since=NOON), NOON)
    await store.keep_breaker(Breaker(sink="night"), NOON)  # there is nothing to move
    hour = 60 * MINUTE

    await store.set_clock(hour, after(61), timedelta(hours=29))

    assert await store.claim_sources(apart(["agency"]), after(65.9), MINUTE, 1) == []
    assert await store.claim("desk", after(65.9), MINUTE, 1) == []
    assert await store.claim_sources(apart(["agency"]), after(66), MINUTE, 1) == ["agency"]
    assert len(await store.claim("desk", after(66), MINUTE, 1)) == 1
    assert await store.unfilled(after(68.9), 9) == []
    assert len(await store.unfilled(after(69), 9)) == 1
    assert len(await store.unfilled(after(61) + timedelta(hours=28.9), 9)) == 1
    assert len(await store.unfilled(after(61) + timedelta(hours=29), 9)) == 2
    assert (await store.breaker("archive")).since == after(60)
    assert await store.breaker("night") == Breaker(sink="night")


async def test_where_the_clock_is_set_what_was_tried_waits_on_and_what_is_done_stays_as_it_is(store: Store) -> None:
    for n in (1, 2):
        await store.record(an_alerting_plan(n))
    tried, dead = await store.claim("desk", NOON, MINUTE, 2)
    await settle(store, tried, Again(at=NOON, due=after(30), reason="503"))
    await settle(store, dead, GaveUp(at=NOON, reason="500"))
    await store.record(a_collecting_plan(3, "archive"))

    await store.set_clock(MINUTE, after(1), timedelta(hours=29))  # it was first due now, not at a time that is yet to come

    assert await store.next_due() == after(31)
    assert [one.since for one in await store.deliveries(sink="desk", state="waiting")] == [after(1)]
    assert [(one.at, one.since) for one in await store.deliveries(state="dead")] == [(NOON, NOON)]
    assert [one.id for one in await store.waiting_for_digest("archive", NOON)] == ["alert-3"]


async def test_where_the_clock_is_set_back_what_was_new_is_due_at_once(store: Store) -> None:
    await waiting(store, 1)
    await store.set_clock(-60 * MINUTE, after(-59), timedelta(hours=29))

    assert await store.next_due() == after(-59)
    await store.set_clock(-60 * MINUTE, after(-30), timedelta(hours=29))
    assert await store.next_due() == after(-119)


async def test_the_tally_counts_what_is_under_way_as_waiting_and_knows_the_last_that_was_given_up(store: Store) -> None:
    await waiting(store, 4)
    await store.record(an_alerting_plan(9, deliveries=(a_delivery(9, sink="archive", due=NOON, digest=True),)))
    first, second, _, _ = await store.claim("desk", after(4), MINUTE, 9)
    await settle(store, second, GaveUp(at=after(4), reason="500"))
    await settle(store, first, GaveUp(at=after(4), reason="500"))

    assert await store.tally() == Tally(
        articles=5, alerts=5, waiting=2, collected=1, dead=2, oldest_waiting=after(3), newest_dead=after(2)
    )
    assert (await store.backlog())[1] == Backlog(sink="desk", waiting=2, dead=2, oldest=after(3))


async def test_the_hour_before_counts_alerts_that_somebody_was_told_at_once(store: Store) -> None:
    """What is gathered does not count, nor what was raised at the very beginning of the hour, nor for other rules."""
    told = {"summit": 0, "other": 0}
    for n, minutes in enumerate((-60, -59, -1, 0, 1), 1):
        alert = an_alert(n, raised=after(minutes), rule="summit")
        await store.record(an_alerting_plan(n, alerts=(alert,), deliveries=(a_delivery(n), a_delivery(n, sink="archive"))))
    await store.record(a_collecting_plan(7, "desk", minutes=-2))
    await store.record(a_collecting_plan(6, "archive", minutes=-4))
    await store.digested(["alert-6"], *a_digest(sink="archive"))
    await store.record(an_alerting_plan(8, alerts=(an_alert(8, raised=after(-3)),), deliveries=()))
    await store.record(an_alerting_plan(9, alerts=(an_alert(9, raised=after(-3), rule="other"),), deliveries=(a_delivery(9),)))

    ledger = await store.ledger(["summit"], NOON, {}, NOON)
    assert {**told, **ledger.told} == {"summit": 3, "other": 0}


async def test_one_alert_that_is_refused_again_and_again_does_not_stop_the_others(store: Store) -> None:
    await waiting(store, 2)
    for _ in range(7):
        [held] = await store.claim("desk", after(1), MINUTE, 1)
        await settle(store, held, Again(at=after(1), due=after(1), reason="HTTP 400"), status=400)

    assert held.attempts == 7
    assert ((await store.breaker("desk")).state, (await store.breaker("desk")).failures) == ("closed", 1)


async def test_a_probe_is_of_what_is_for_this_receiver(store: Store) -> None:
    """Else its bytes would go to another."""
    await store.record(an_alerting_plan(1, deliveries=(a_delivery(1, sink="archive"),)))
    await store.record(an_alerting_plan(2, deliveries=(a_delivery(2, sink="desk", due=after(1)),)))

    assert await store.claim("night", NOON, MINUTE, 9, probe=True) == []
    assert [one.sink for one in await store.claim("desk", NOON, MINUTE, 9, probe=True)] == ["desk"]


async def test_what_is_made_due_again_says_why_it_failed_the_last_time(store: Store) -> None:
    await waiting(store, 1)
    for outcome in (Again(at=after(1), due=after(1), reason="HTTP 503"), Sent(at=after(2))):
        [held] = await store.claim("desk", after(1), MINUTE, 1)
        await settle(store, held, outcome)
    await store.requeue([("alert-1", "desk")], after(5))

    assert [(one.state, one.reason) for one in await store.told("alert-1")] == [("waiting", "HTTP 503")]
