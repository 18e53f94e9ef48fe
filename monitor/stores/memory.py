"""A store in dictionaries, gone when the process is: for replays and dry runs, and the shortest spec of a store."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor.habits import standing
from monitor.model import Tally
from monitor.stores.articles import pack
from monitor.stores.claims import one_per_host
from monitor.stores.diary import Diary
from monitor.stores.outbox import Outbox
from monitor.stores.rows import dump
from monitor.stores.shelf import Kept, Shelf
from monitor.stores.voices import different, until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.errors import Damaged
    from monitor.model import (
        Alert,
        Attempt,
        Backlog,
        Breaker,
        Delivery,
        Event,
        Fresh,
        Hush,
        Ledger,
        Outcome,
        Plan,
        Pruned,
        Report,
        Revision,
        Told,
        Visit,
    )
    from rules import Article


@dataclass(slots=True)
class _Voice:
    """What a source repeats: how many articles it had, and of each paragraph the first, how often, and until when remembered."""

    articles: int = 0
    paragraphs: dict[int, tuple[int, int, datetime]] = field(default_factory=dict)


class MemoryStore:
    """Keeps the promises of a store until the process ends. No method awaits, so each is one transaction."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._source_leases: dict[str, tuple[datetime, str]] = {}
        self._shelf = Shelf()
        self._voices: defaultdict[str, _Voice] = defaultdict(_Voice)
        self._newest: datetime | None = None
        self._diary = Diary()
        self._outbox = Outbox()

    async def claim_sources(self, hosts: Mapping[str, str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` sources that are due, longest due first, of each host one, those never visited before all others."""
        leases, visits = {source: one for source, one in self._source_leases.items() if one[0] > now}, self._visits
        free = [source for source in hosts if source not in leases]
        new = [source for source in free if source not in visits]
        due = [source for source in free if source in visits and visits[source].due <= now]
        ordered = [*new, *sorted(due, key=lambda source: visits[source].due)]
        claimed = one_per_host(ordered, hosts, (host for _, host in leases.values()), limit)
        self._source_leases |= {source: (now + lease, hosts[source]) for source in claimed}
        return claimed

    async def let_go(self, sources: Collection[str]) -> None:
        """Voids the leases of these sources."""
        for source in sources:
            self._source_leases.pop(source, None)

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last."""
        return self._visits.get(source)

    async def visited(self, visit: Visit, alerts: Sequence[Alert] = (), deliveries: Sequence[Delivery] = ()) -> None:
        """Refuses first, so that what follows cannot stop half-way; gives the source's lease back."""
        self._outbox.refuse_orphans(alerts, deliveries)
        self._visits[visit.source] = visit
        self._source_leases.pop(visit.source, None)
        self._keep_alerts(alerts, deliveries)

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        return [self._visits[source] for source in sorted(self._visits)]

    async def repeated(self, source: str, paragraphs: Collection[int]) -> set[int]:
        """Which of these hashes of paragraphs are the source's own voice."""
        voice = self._voices.get(source, _Voice())
        known = {one: voice.paragraphs[one] for one in paragraphs if one in voice.paragraphs}
        return {one for one, (first, times, _) in known.items() if standing(times, voice.articles - first + 1)}

    async def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those that are new, or new versions of what is known by id, or by address and title."""
        return self._shelf.unseen(articles)

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is to be asked for again by now, oldest first."""
        return self._shelf.unfilled(now, limit)

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came; a page of them."""
        return self._shelf.page(since, after, limit)

    async def revisions(self, article: str) -> list[Revision]:
        """Every version of an article, each once, oldest first, the present one last, with what is kept of its bytes."""
        return self._shelf.revisions(article)

    async def original(self, sha256: str) -> bytes | None:
        """Kept bytes by their digest."""
        return next((one.body for one in self._shelf.originals() if one.sha256 == sha256), None)

    async def record(self, plan: Plan) -> None:
        """Refuses first, so that what follows cannot stop half-way."""
        self._diary.refuse_outdated(plan)
        self._outbox.refuse_orphans(plan.alerts, plan.deliveries)
        kept = self._shelf.keep(plan)
        self._learn(kept, plan)
        self._diary.keep(plan, kept.plan.first_seen)
        self._keep_alerts(plan.alerts, plan.deliveries)

    def _keep_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> None:
        self._outbox.keep(alerts, deliveries)
        for alert in alerts:
            self._diary.stay(sighting.event for sighting in alert.sightings)
            if kept := self._shelf.get(alert.article.id):
                kept.told = True

    def _learn(self, kept: Kept, plan: Plan) -> None:
        if kept.learnt or not plan.paragraphs:
            return
        kept.learnt = True
        voice = self._voices[plan.article.source]
        voice.articles += 1
        self._newest = max(self._newest or plan.at, plan.at)
        for one in different(plan.paragraphs):
            first, times, _ = voice.paragraphs.get(one, (voice.articles, 0, plan.at))
            voice.paragraphs[one] = first, times + 1, until(plan.at, times + 1)

    async def prune(self, articles: datetime, originals: datetime, limit: int, *, dry: bool = False) -> Pruned:
        """Removes what is old; all at once, since nobody waits."""
        gone = self._shelf.prune(articles, originals, limit, dry=dry)
        if not dry:
            self._diary.prune(articles, limit)
            self._forget()
        return gone

    def _forget(self) -> None:
        for voice in self._voices.values():
            known = voice.paragraphs.items()
            voice.paragraphs = {one: told for one, told in known if not self._newest or told[2] >= self._newest}

    # Events

    async def ledger(
        self, rules: Sequence[str], since: datetime, history: Mapping[str, datetime] | None = None, at: datetime | None = None
    ) -> Ledger:
        """Events of these rules seen at or after `since`, stamps, what was reported of rules in `history`, and every hush."""
        return self._diary.ledger(rules, since, history or {}, self._outbox.told_lately(rules, at) if at else {})

    async def reported(self, article: str) -> list[str]:
        """The rules that have events of which this article reported."""
        return self._diary.reported(article)

    async def reports(self, event: str) -> list[Report]:
        """The timeline of an event, oldest first."""
        return self._diary.timeline(event)

    async def event(self, id: str) -> Event | None:
        """One event by its id."""
        return self._diary.events.get(id)

    async def events(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Event]:
        """Events, those seen last first."""
        return self._diary.latest(before, rule, limit)

    async def acknowledge(self, event: str, at: datetime, note: str = "") -> bool:
        """Notes that somebody looks after the event, as it was said last; whether there is one."""
        return self._diary.acknowledge(event, at, note)

    async def hush(self, hush: Hush) -> None:
        """Keeps it in the place of another of the same target."""
        self._diary.hushes[hush.target] = hush

    async def unhush(self, target: str) -> bool:
        """Ends it; whether there was one."""
        return self._diary.hushes.pop(target, None) is not None

    async def hushes(self) -> list[Hush]:
        """All that there are, by target."""
        return self._diary.hushed()

    # Alerts, deliveries, digests

    async def due(self, sinks: Collection[str], now: datetime) -> list[str]:
        """Those of these receivers that there is something to send to."""
        return self._outbox.due(sinks, now)

    async def claim(self, sink: str, now: datetime, lease: timedelta, limit: int, *, probe: bool = False) -> list[Delivery]:
        """A receiver's due deliveries, oldest first, each under a fresh lease token; or, uncounted, the one that is due first."""
        return self._outbox.claim(sink, now, lease, limit, probe=probe)

    async def settle(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """Keeps outcome, attempt and what they mean for the breaker, if the delivery is still held under this token."""
        self._outbox.settle(delivery, outcome, attempt)

    async def breaker(self, sink: str) -> Breaker:
        """How a receiver's breaker is."""
        return self._outbox.breaker(sink)

    async def breakers(self) -> list[Breaker]:
        """All that something is known of, by receiver."""
        return [self._outbox.breakers[sink] for sink in sorted(self._outbox.breakers)]

    async def keep_breaker(self, breaker: Breaker, at: datetime) -> None:
        """Keeps it; where it closes, all that waits for this receiver is due."""
        self._outbox.keep_breaker(breaker, at)

    async def attempts(self, alert: str, sink: str) -> list[Attempt]:
        """The latest attempts at a delivery, oldest first."""
        row = self._outbox.deliveries.get((alert, sink))
        return list(row.attempts) if row else []

    async def deliveries(
        self, *, sink: str | None = None, state: str | None = None, before: datetime | None = None, limit: int = 50
    ) -> list[Told]:
        """Deliveries, those first due last first."""
        return self._outbox.listed(sink, state, before, limit)

    async def delivery(self, alert: str, sink: str) -> Delivery | None:
        """One delivery, with its bytes."""
        row = self._outbox.deliveries.get((alert, sink))
        return replace(row.delivery, since=row.since, token="", probe=False) if row else None

    async def requeue(self, chosen: Collection[tuple[str, str]], at: datetime) -> int:
        """Makes these deliveries due, as if they were new; how many."""
        return self._outbox.requeue(chosen, at)

    async def reword(self, sink: str, render: Callable[[Alert], bytes]) -> int:
        """Renders anew what this receiver has not had yet; how many."""
        return self._outbox.reword(sink, render)

    async def give_up(self, known: Collection[str], before: datetime, reason: str) -> int:
        """Gives up what is for receivers that there are no longer; how many that were."""
        return self._outbox.give_up(known, before, reason)

    async def set_clock(self, by: timedelta, now: datetime, longest: timedelta) -> None:
        """What waits, waits as long as it would have, though the clock was set."""
        self._outbox.set_clock(by, now, now + longest)
        self._shelf.set_clock(by, now + longest)
        self._source_leases = {source: (until + by, host) for source, (until, host) in self._source_leases.items()}

    async def release(self) -> None:
        """Voids all leases."""
        self._source_leases.clear()
        self._outbox.release()

    async def next_due(self) -> datetime | None:
        """When the next open delivery is due; of one under way, when its lease ends."""
        return min((row.next() for row in self._outbox.waiting()), default=None)

    async def waiting_for_digest(self, sink: str, due: datetime) -> list[Alert]:
        """The alerts that wait for this receiver's digest, oldest first."""
        return self._outbox.waiting_for_digest(sink, due)

    async def digested(self, alerts: Sequence[str], digest: Delivery, alert: Alert) -> None:
        """Puts one delivery in the place of those that waited; where none of them waits any more, nothing."""
        if self._outbox.digested(alerts, digest, alert):
            self._keep_alerts([alert], [digest])

    async def tell(self, alert: Alert, deliveries: Sequence[Delivery] = ()) -> None:
        """Keeps an alert that is of no article, and its deliveries, in one transaction."""
        self._outbox.refuse_orphans([alert], deliveries)
        self._keep_alerts([alert], deliveries)

    async def alerts(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Alert]:
        """The newest alerts first, those held back included."""
        return self._outbox.latest(before, rule, limit)

    async def alert(self, id: str) -> Alert | None:
        """One alert by its id."""
        return self._outbox.alerts.get(id)

    async def told(self, alert: str) -> list[Told]:
        """How each delivery of an alert stands, by receiver."""
        return self._outbox.told(alert)

    # How much there is

    async def backlog(self) -> list[Backlog]:
        """What lies in the outbox, by receiver."""
        return self._outbox.backlog()

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        waiting, dead = self._outbox.waiting(), self._outbox.rows("dead")
        return Tally(
            articles=len(self._shelf),
            alerts=len(self._outbox.alerts),
            unfilled=sum(one.plan.refill is not None for one in self._shelf),
            waiting=len(waiting),
            collected=len(self._outbox.rows("digest")),
            dead=len(dead),
            oldest_waiting=min((row.since for row in waiting), default=None),
            newest_dead=max((row.delivery.due for row in dead), default=None),
        )

    async def sizes(self) -> dict[str, int]:
        """Bytes by kind, as they would be written; there is no file."""
        earlier = [plan.article for one in self._shelf for plan in one.earlier.values()]
        written: dict[str, Sequence[object]] = {
            "articles": [one.plan.article for one in self._shelf],
            "revisions": earlier,
            "events": list(self._diary.events.values()),
            "reports": list(self._diary.reports.values()),
            "alerts": list(self._outbox.alerts.values()),
        }
        sizes = {kind: sum(len(dump(one).encode()) for one in values) for kind, values in written.items()}
        sizes["deliveries"] = sum(len(row.delivery.body) for row in self._outbox.deliveries.values())
        bodies = {one.sha256: one.body for one in self._shelf.originals()}
        sizes["originals"] = sum(len(pack(body)) for body in bodies.values())
        return {**sizes, "file": 0, "idle": 0}

    async def ruined(self) -> Damaged:
        """Waits for ever."""
        never: asyncio.Future[Damaged] = asyncio.get_running_loop().create_future()
        return await never

    async def probe(self) -> None:
        """Nothing is written."""

    async def close(self) -> None:
        """Nothing is under way, and nothing is kept."""
