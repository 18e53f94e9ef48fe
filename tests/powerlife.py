"""What a monitor does all day, done to the real store, and what has to hold of the store when the power was lost in between.

Three sources come out in two editions, three receivers are told; one of them in digests. All of it follows from a number, so that after
an outage the same day goes on where it was. What the outside knows (what receivers have heard) outlives every outage.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from monitor import breaker as breaking
from monitor.model import (
    Again,
    Alert,
    Attempt,
    Delivery,
    Event,
    Fresh,
    GaveUp,
    Hush,
    Original,
    Outcome,
    Plan,
    Report,
    Sent,
    Sighting,
    Visit,
)
from rules import Article, Finding

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=30)
LEASE = timedelta(minutes=1)
SOURCES = {f"paper{n}": f"host{n}" for n in range(3)}
EDITIONS = 2
SINKS = ("desk", "pager", "evening")
STEPS = 8
OLD = tuple(f"old-{n}" for n in range(5))
"""Alerts that a file of an older version holds; the desk waits for them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A receiver was told. `settled` is what became of it."""

    alert: str
    sink: str
    body: bytes
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Returned:
    """A method of the store has returned: what it did is acknowledged."""

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """A step of the day is over."""

    step: int


@dataclass
class Witness:
    """A store that writes into the journal when a method of it has returned."""

    store: Any
    journal: list[Any]

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            result = await getattr(self.store, name)(*args, **named)
            self.journal.append(Returned(name))
            return result

        return call


@dataclass
class Day:
    """A day in a monitor's life, written into the journal. `heard`: what receivers heard before an outage."""

    seed: int
    store: Any
    journal: list[Any]
    heard: Sequence[Heard] = ()

    async def live(self, first: int = 0, last: int = STEPS) -> None:
        """The steps from the first one on, and, if the last is reached, all that is still to be done then."""
        await self.store.release()
        for step, kind in list(enumerate(kinds(self.seed)))[first:last]:
            await getattr(self, kind)(NOON + step * STEP)
            self.journal.append(Done(step))
        if last == STEPS:
            await self.finish()

    async def finish(self) -> None:
        for round in range(STEPS, 4 * STEPS):
            now = NOON + round * STEP
            for work in (self.visit, self.visit, self.digest, self.deliver):
                await work(now)
            tally = await self.store.tally()
            read = [visit for visit in await self.store.visits() if visit.cursor["edition"] == str(EDITIONS)]
            if (tally.waiting, tally.collected, len(read)) == (0, 0, len(SOURCES)):
                return
        raise AssertionError(f"the day does not end: {tally}, {len(read)} sources read")

    # Sources

    async def visit(self, now: datetime) -> None:
        for source in await self.store.claim_sources(SOURCES, now, LEASE, 2):
            last = await self.store.last_visit(source)
            number = min(int(last.cursor["edition"]) + 1 if last else 1, EDITIONS)
            for fresh in await self.store.unseen(edition(self.seed, source, number)):
                ledger = await self.store.ledger(["talks"], NOON - STEP, at=now)
                await self.store.record(plan(self.seed, fresh, ledger.stamps, now))
            notice = alert(f"notice-{source}-{number}", now)
            visit = Visit(source=source, at=now, due=now + STEP, cursor={"edition": str(number)})
            await self.store.visited(visit, [notice], deliveries(self.seed, notice))

    async def prune(self, now: datetime) -> None:
        await self.store.prune(now - 4 * STEP, now - 2 * STEP, 50)

    async def talk(self, now: datetime) -> None:
        """What people say, and what the monitor says of itself."""
        await self.store.hush(Hush(target="rule:talks", until=now, since=now, reason="enough"))
        await self.store.acknowledge("event paper0#1.0", now, f"seen at {now}")
        dead = [(one.alert, one.sink) for one in await self.store.deliveries(state="dead", limit=2)]
        await self.store.requeue(dead, now)
        alive = alert(f"alive-{now:%d%H%M}", now)
        await self.store.tell(alive, deliveries(self.seed, alive))
        await self.store.unhush("rule:talks")

    # Receivers

    async def rest(self, now: datetime) -> None:
        known = await self.store.breaker("pager")
        await self.store.keep_breaker(replace(known, width=1 + now.minute // 10, reason=f"as of {now}"), now)

    async def digest(self, now: datetime) -> None:
        waiting = await self.store.waiting_for_digest("evening", now)
        if not waiting:
            return
        ids = [one.id for one in waiting]
        together = alert(f"digest-{sha256(json.dumps(ids).encode()).hexdigest()[:12]}", now, kind="digest")
        whole = waiting[0] if len(ids) == 1 else together
        delivery = Delivery(alert=whole.id, sink="evening", body=json.dumps(ids).encode(), due=now)
        await self.store.digested(ids, delivery, whole)

    async def deliver(self, now: datetime) -> None:
        for sink in await self.store.due(SINKS, now):
            room = breaking.room(await self.store.breaker(sink), now, 0, 6)
            if room is None:
                continue
            for one in await self.store.claim(sink, now, LEASE, room.limit, probe=room.probe):
                outcome = self.send(one, now)
                await self.store.settle(one, outcome, attempt(outcome, now, probe=one.probe))

    def send(self, one: Delivery, now: datetime) -> Outcome:
        """The receiver refuses some, takes others at the second try only, and most at once."""
        heard = (entry for entry in (*self.heard, *self.journal) if isinstance(entry, Heard))
        before = any((entry.alert, entry.sink) == (one.alert, one.sink) for entry in heard)
        fate = Random(f"{self.seed} {one.alert} {one.sink}").random()
        outcome: Outcome = Sent(now)
        if refused(self.seed, one.alert, one.sink):
            outcome = GaveUp(now, "400 Bad Request")
        elif fate < 0.4 and not before:
            outcome = Again(now, now + STEP // 2, "503 Service Unavailable")
        self.journal.append(Heard(one.alert, one.sink, one.body, outcome))
        return outcome


def kinds(seed: int) -> list[str]:
    """What is done in each step of the day."""
    work = ["visit"] * 3 + ["deliver"] * 3 + ["digest", "prune", "rest", "talk"]
    return Random(seed).choices(work, k=STEPS)


def refused(seed: int, alert: str, sink: str) -> bool:
    """Whether the receiver never takes this."""
    return sink != "evening" and Random(f"{seed} {alert} {sink}").random() < 0.1


def attempt(outcome: Outcome, now: datetime, *, probe: bool) -> Attempt:
    if isinstance(outcome, Sent):
        return Attempt(began=now, status=200, excerpt="ok", probe=probe)
    return Attempt(began=now, status=503, trouble="http", reason=outcome.reason, probe=probe)


# What there is to tell


def edition(seed: int, source: str, number: int) -> list[Article]:
    """What a source has to say: one to three articles, and at times the correction of an earlier one."""
    chance = Random(f"{seed} {source} {number}")
    articles = [_article(source, f"{source}#{number}.{n}", "1", chance) for n in range(chance.randint(1, 3))]
    if number > 1 and chance.random() < 0.4:
        articles.append(_article(source, f"{source}#{number - 1}.0", "2", chance))
    return articles


def _article(source: str, id: str, version: str, chance: Random) -> Article:
    body = " ".join(chance.choices(["talks", "in", "Malta", "tonight", "again"], k=chance.randint(20, 300)))
    url = f"https://{source}.example/{id.partition('#')[2]}"
    return Article(id=id, title=f"Talks {id}", body=body, source=source, url=url, digest=f"{id} {version}", published=NOON)


def plan(seed: int, fresh: Fresh, stamps: Mapping[str, int], now: datetime) -> Plan:
    """All that an article changes: it opens an event, and most are told."""
    article, chance = fresh.article, Random(f"{seed} {fresh.article.digest}")
    event = Event(
        id=f"event {article.id}",
        rule="talks",
        article=article.id,
        opened=now,
        seen=now,
        values={"place": "Malta"},
        content=article.title,
    )
    told = [told_of(article, now)] if is_told(seed, article) else []
    original = Original(url=article.url or "", at=now, body=chance.randbytes(chance.choice((500, 5000))), kind="page")
    return Plan(
        article=article,
        revision=article.digest,
        first_seen=fresh.first_seen or now,
        at=now,
        stamps=stamps,
        events=(event,),
        reports=(Report(event=event.id, rule="talks", article=article.id, source=article.source, at=now),),
        alerts=tuple(told),
        deliveries=tuple(one for alert in told for one in deliveries(seed, alert)),
        originals=(original,),
        paragraphs=tuple(chance.randrange(2**40) for _ in range(5)),
    )


def is_told(seed: int, article: Article) -> bool:
    return Random(f"told {seed} {article.digest}").random() < 0.7


def told_of(article: Article, now: datetime) -> Alert:
    finding = Finding(field="body", start=0, end=5, text=article.body[:5])
    sighting = Sighting(event=f"event {article.id}", finding=finding)
    return replace(alert(f"alert {article.digest}", now), article=article, sightings=(sighting,))


def alert(id: str, now: datetime, kind: str = "new") -> Alert:
    return Alert(
        id=id,
        kind=kind,
        rule="talks",
        rule_title="Talks",
        level="high",
        version="1",
        tags=(),
        title=id,
        article=Article(id=f"of {id}", source="paper0"),
        first_seen=now,
        raised=now,
        sightings=(),
    )


def deliveries(seed: int, alert: Alert) -> list[Delivery]:
    """Every alert is for the desk; some are for others, too."""
    sinks = addressed(seed, alert.id)
    return [
        Delivery(alert=alert.id, sink=sink, body=body(alert.id), due=alert.raised, digest=sink == "evening") for sink in sinks
    ]


def addressed(seed: int, alert: str) -> list[str]:
    if alert in OLD:
        return ["desk"]
    return ["desk", *(sink for sink in SINKS[1:] if Random(f"{seed} {alert} for {sink}").random() < 0.4)]


def body(alert: str) -> bytes:
    return json.dumps([alert]).encode() + b" " * Random(alert).randint(0, 2000)


# What has to be true in the end


def missing(seed: int, journal: Sequence[Any], *, old: bool, outages: int) -> list[str]:
    """What was not told, or told twice in effect, or in other words; nothing if the day ended well."""
    taken = [(one.alert, one.sink, one.body) for one in journal if isinstance(one, Heard) and isinstance(one.outcome, Sent)]
    messages = set(taken)
    told = Counter((one, sink) for _, sink, body in messages for one in json.loads(body))
    wanted = {(one, sink) for one in expected(seed, old=old) for sink in addressed(seed, one) if not refused(seed, one, sink)}
    wordings = Counter((alert, sink) for alert, sink, _ in messages)
    return [
        *(f"never told: {one}" for one in sorted(wanted - told.keys())),
        *(f"told, but there was nothing to tell: {one}" for one in sorted(told.keys() - wanted)),
        *(f"told in other words: {one}" for one, times in wordings.items() if times > 1),
        *(f"told in two messages: {one}" for one, times in told.items() if times > 1),
        *([f"{len(taken) - len(messages)} repeats"] if len(taken) - len(messages) > outages else []),
    ]


def expected(seed: int, *, old: bool) -> set[str]:
    """The ids of all alerts of the day."""
    numbers = [(source, number) for source in SOURCES for number in range(1, EDITIONS + 1)]
    articles = [one for source, number in numbers for one in edition(seed, source, number)]
    told = {f"alert {one.digest}" for one in articles if is_told(seed, one)}
    alive = {f"alive-{NOON + step * STEP:%d%H%M}" for step, kind in enumerate(kinds(seed)) if kind == "talk"}
    return told | alive | {f"notice-{source}-{number}" for source, number in numbers} | set(OLD if old else ())
