"""What a second pair of eyes found in "one alert per event": each was wrong once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor import desk, steps
from monitor.app.attend import Attendant
from monitor.errors import FetchFailed, StoreError
from monitor.model import Alert, Delivery, Filled, Fresh, Hush
from monitor.policy import Office, Route
from monitor.steps import Bench
from monitor.stores.memory import MemoryStore
from rules import Article, Finding, Match, Once, Rule, cron
from rules.receivers import Daily, Mute

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TALKS = Rule(id="talks", title="Talks: {place}", when=None, version="abc", once=Once(per=("place",)))  # type: ignore[arg-type]
DESK = Route(id="desk", render=lambda alert: alert.id.encode())


def story(name: str, place: str = "Malta", **changes: Any) -> Article:
    text = f"Talks in {place} as told by {name}"
    return replace(Article(id=name, body=text, source=f"paper-{name}", digest=text, published=NOON), **changes)


async def match(articles: Sequence[Article]) -> list[list[Match]]:
    """One finding for every line "Talks in PLACE …"."""
    return [[Match(rule="talks", article=one.id, findings=found)] if (found := findings(one)) else [] for one in articles]


def findings(article: Article) -> tuple[Finding, ...]:
    lines = [line for line in article.body.splitlines() if line.startswith("Talks in ")]
    return tuple(Finding(field="body", start=0, end=len(line), text=line, captures={"place": line.split()[2]}) for line in lines)


def bench(store: Any, **changes: Any) -> Bench:
    given = Bench(store=store, match=match, rules={"talks": TALKS}, moment=lambda _: NOON, office=Office(routes=(DESK,)))
    return replace(given, **changes)


def kinds(*results: Any) -> list[list[str]]:
    return [[alert.kind for alert in result.alerts] for result in results]


# Taken back


class Site:
    """Pages that are there, or not."""

    def __init__(self, page: str | None) -> None:
        self.page = page

    async def fill(self, fresh: Fresh) -> Filled:
        if self.page is None:
            raise FetchFailed("HTTP 503")
        return Filled(article=replace(fresh.article, body=f"{fresh.article.body}\n{self.page}"))


async def test_an_edited_article_whose_page_cannot_be_had_takes_nothing_back() -> None:
    store, site = MemoryStore(), Site("Talks in Oslo says the page")
    desk = bench(store, fill=site.fill)
    teaser = Article(id="a", body="A quiet day", source="paper", digest="1", published=NOON)
    first = await steps.examine([teaser], bench=desk)
    site.page = None
    second = await steps.examine([replace(teaser, body="A quiet day, too", digest="2")], bench=desk)
    site.page = "Talks in Oslo says the page"
    third = await steps.refill(bench=desk, now=NOON + MINUTE)

    assert kinds(first, second, third) == [["new"], [], []]


async def test_an_edited_article_whose_page_says_it_no_longer_takes_it_back() -> None:
    store, site = MemoryStore(), Site("Talks in Oslo says the page")
    desk = bench(store, fill=site.fill)
    teaser = Article(id="a", body="A quiet day", source="paper", digest="1", published=NOON)
    await steps.examine([teaser], bench=desk)
    site.page = None
    await steps.examine([replace(teaser, body="A quiet day, too", digest="2")], bench=desk)
    site.page = "Nothing to see"
    third = await steps.refill(bench=desk, now=NOON + MINUTE)

    assert kinds(third) == [["retracted"]]


async def test_an_edited_article_that_breaks_the_engine_takes_nothing_back() -> None:
    async def broken(articles: Sequence[Article]) -> list[list[Match] | None]:
        return [None for _ in articles]

    store = MemoryStore()
    await steps.examine([story("a")], bench=bench(store))
    second = await steps.examine([story("a", digest="2")], bench=bench(store, match=broken))
    third = await steps.refill(bench=bench(store), now=NOON + MINUTE)

    assert (kinds(second, third), second.unfilled) == ([[], []], 1)


async def test_an_event_stands_while_its_edited_opener_says_so() -> None:
    store = MemoryStore()
    desk = bench(store, rules={"talks": replace(TALKS, once=Once(per=("place",), alike=0.1))})
    await steps.examine([story("a"), story("b", body="Talks in Malta we have learnt from its host")], bench=desk)
    await steps.examine([story("a", body="Talks in Malta as told by a.", digest="2")], bench=desk)
    result = await steps.examine([story("b", body="Nothing", digest="2")], bench=desk)
    [event] = await store.events()

    assert (kinds(result), event.ended) == ([[]], None)


async def test_a_page_that_is_asked_for_in_vain_does_not_keep_its_event_open() -> None:
    store, site, now = MemoryStore(), Site(None), [NOON]
    desk = bench(store, fill=site.fill, moment=lambda _: now[0])
    await steps.examine([story("a")], bench=desk)
    now[0] += HOUR
    await steps.refill(bench=desk, now=now[0])
    [event] = await store.events()

    assert event.seen == NOON


# Told at set times


def an_alert(name: str, **changes: Any) -> Alert:
    given = Alert(
        id=f"alt_{name}",
        kind="new",
        rule="talks",
        rule_title="Talks",
        level="high",
        version="abc",
        tags=(),
        title=f"Talks: {name}",
        article=Article(id=name),
        first_seen=NOON,
        raised=NOON,
        sightings=(),
    )
    return replace(given, **changes)


def attendant(store: Any, *routes: Route, **office: Any) -> Attendant:
    return Attendant(store=store, office=Office(routes=routes, **office), since=NOON)


def rendered(alert: Alert) -> bytes:
    return f"{alert.kind}: {alert.title}\n{alert.article.summary}".encode()


def wants(id: str, **wishes: Any) -> Route:
    return Route(id=id, render=rendered, wishes=desk.Receiver(id=id, **wishes))


ONES = Daily(at=cron.parse("0 13 * * *"))


async def test_of_a_daily_line_that_could_not_be_kept_it_is_told_later() -> None:
    class Full(MemoryStore):
        full = True

        async def tell(self, alert: Alert, deliveries: Sequence[Delivery] = ()) -> None:
            if self.full:
                raise StoreError("the disk is full")
            await super().tell(alert, deliveries)

    store = Full()
    attends = attendant(store, wants("desk", daily=ONES))
    assert await attends.attend(NOON + HOUR, {}) == 0
    store.full = False
    assert await attends.attend(NOON + HOUR + MINUTE, {}) == 1


async def test_what_breaks_one_receivers_digest_costs_the_others_nothing() -> None:
    class Odd(MemoryStore):
        async def waiting_for_digest(self, sink: str, due: datetime) -> list[Alert]:
            if sink == "first":
                raise StoreError("was made before")
            return await super().waiting_for_digest(sink, due)

    made = await attendant(Odd(), wants("first"), wants("desk", daily=ONES)).attend(NOON + HOUR, {})
    assert made == 1


async def test_lines_and_digests_are_no_alerts_to_the_daily_line() -> None:
    store = MemoryStore()
    attends = attendant(store, wants("early", daily=ONES), wants("late", daily=Daily(at=cron.parse("0 14 * * *"))))
    await store.tell(an_alert("Oslo", raised=NOON + MINUTE))
    await attends.attend(NOON + HOUR, {})
    await attends.attend(NOON + 2 * HOUR, {})
    assert {one.title for one in await store.alerts() if one.kind == "alive"} == {"alive: 0 of 0 sources, 0 articles, 1 alert"}


QUIET = replace(TALKS, silence=HOUR)


async def test_a_rule_falls_silent_twice_though_nobody_wants_to_hear_that_it_recovered() -> None:
    store = MemoryStore()
    attends = attendant(store, wants("desk", kinds=("silent",)))
    await attends.attend(NOON + HOUR, {"talks": QUIET})
    await steps.examine([story("a")], bench=bench(store, moment=lambda _: NOON + 2 * HOUR))
    await attends.attend(NOON + 2 * HOUR, {"talks": QUIET})
    again = await attends.attend(NOON + 3 * HOUR, {"talks": QUIET})

    assert again == 1
    assert [one.kind for one in await store.alerts() if not one.sightings] == ["silent", "recovered", "silent"]


async def test_a_silenced_rule_does_not_say_that_it_is_silent() -> None:
    store = MemoryStore()
    await store.hush(Hush(target="rule:talks", since=NOON, until=NOON + 2 * HOUR, reason="holidays"))
    assert await attendant(store, wants("desk")).attend(NOON + HOUR, {"talks": QUIET}) == 0
    assert [one.held for one in await store.alerts()] == ["silenced until 14:00 UTC: holidays"]


# Too much in an hour


async def test_a_digest_says_that_it_is_because_there_were_too_many() -> None:
    store, alerts = MemoryStore(), [an_alert(name) for name in ("Oslo", "Riga")]
    for one in alerts:
        await store.tell(one, [Delivery(alert=one.id, sink="desk", body=b"", due=NOON + HOUR, digest=True)])
    await attendant(store, wants("desk"), cap=5).attend(NOON + HOUR, {})
    [digest] = [one for one in await store.alerts() if one.kind == "digest"]

    assert "2 of it because there were more than 5 alerts in an hour of talks" in digest.article.summary


def test_what_is_too_much_as_somebody_goes_to_sleep_waits_until_they_wake() -> None:
    night = Mute(start=(NOON + HOUR).time(), end=(NOON + 9 * HOUR).time())
    [choice] = desk.decide(
        an_alert("Oslo", raised=NOON + 50 * MINUTE),
        None,
        receivers=[desk.Receiver(id="desk", mute=(night,))],
        told_last_hour={"talks": 5},
        cap=5,
    )
    assert (choice.how, choice.until) == ("later", NOON + 9 * HOUR)
