"""A store in dictionaries, gone when the process is: for replays and dry runs, and the shortest spec of a store."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor.errors import Outdated, StoreError
from monitor.habits import standing
from monitor.model import Again, Alert, Delivery, Event, GaveUp, Ledger, Outcome, Plan, Tally, Visit
from monitor.stores.articles import pack
from monitor.stores.claims import one_per_host
from monitor.stores.rows import dump
from monitor.stores.shelf import Kept, Shelf
from monitor.stores.voices import different, until

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.model import Fresh, Pruned, Revision
    from rules import Article


@dataclass(slots=True)
class _Row:
    """A delivery and how it stands; without an outcome it is still to be made."""

    delivery: Delivery
    since: datetime
    leased_until: datetime | None = None
    outcome: Outcome | None = None

    def free(self, now: datetime) -> bool:
        return self.delivery.due <= now and (self.leased_until is None or self.leased_until <= now)

    def next(self) -> datetime:
        return max(self.delivery.due, self.leased_until or self.delivery.due)


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
        self._events: dict[str, Event] = {}
        self._stamps: Counter[str] = Counter()
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[tuple[str, str], _Row] = {}

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

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last."""
        return self._visits.get(source)

    async def visited(self, visit: Visit, alerts: Sequence[Alert] = (), deliveries: Sequence[Delivery] = ()) -> None:
        """Refuses first, so that what follows cannot stop half-way; gives the source's lease back."""
        self._refuse_orphans(alerts, deliveries)
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

    async def ledger(self, rules: Sequence[str], since: datetime) -> Ledger:
        """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps."""
        events = [event for event in self._events.values() if event.rule in rules and event.seen >= since]
        ordered = sorted(events, key=lambda event: event.opened)
        return Ledger(events=tuple(ordered), stamps={rule: self._stamps[rule] for rule in rules})

    async def record(self, plan: Plan) -> None:
        """Refuses first, so that what follows cannot stop half-way."""
        self._refuse(plan)
        kept = self._shelf.keep(plan)
        self._learn(kept, plan)
        self._events |= {event.id: event for event in plan.events}
        self._stamps.update({event.rule for event in plan.events})
        self._keep_alerts(plan.alerts, plan.deliveries)

    def _refuse(self, plan: Plan) -> None:
        moved = [rule for rule, stamp in plan.stamps.items() if self._stamps[rule] != stamp]
        if moved:
            raise Outdated(f"events of {', '.join(moved)} have changed since they were read")
        self._refuse_orphans(plan.alerts, plan.deliveries)

    def _refuse_orphans(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> None:
        new = {alert.id for alert in alerts}
        if orphans := [given.alert for given in deliveries if given.alert not in new and given.alert not in self._alerts]:
            raise StoreError(f"a delivery of alert {orphans[0]}, which does not exist")

    def _keep_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> None:
        for alert in alerts:
            self._alerts.setdefault(alert.id, alert)
            if kept := self._shelf.get(alert.article.id):
                kept.told = True
        for delivery in deliveries:
            self._deliveries.setdefault((delivery.alert, delivery.sink), _Row(delivery, since=delivery.due))

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
            self._forget()
        return gone

    def _forget(self) -> None:
        for voice in self._voices.values():
            known = voice.paragraphs.items()
            voice.paragraphs = {one: told for one, told in known if not self._newest or told[2] >= self._newest}

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun."""
        due = sorted((row for row in self._open() if row.free(now)), key=lambda row: row.since)[:limit]
        for row in due:
            row.delivery = replace(row.delivery, attempts=row.delivery.attempts + 1, token=secrets.token_hex(8))
            row.leased_until = now + lease
        return [row.delivery for row in due]

    async def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keeps the outcome, if the delivery is still held under this token."""
        row = self._deliveries.get((delivery.alert, delivery.sink))
        if row is None or row.leased_until is None or row.delivery.token != delivery.token:
            return
        self._let_go(row)
        if isinstance(outcome, Again):
            row.delivery = replace(row.delivery, due=outcome.due)
        else:
            row.outcome = outcome

    async def release(self) -> None:
        """Voids all leases."""
        self._source_leases.clear()
        for row in self._open():
            self._let_go(row)

    def _let_go(self, row: _Row) -> None:
        row.leased_until = None
        row.delivery = replace(row.delivery, token="")

    async def next_due(self) -> datetime | None:
        """When the next open delivery is due; of one under way, when its lease ends."""
        return min((row.next() for row in self._open()), default=None)

    async def alerts(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Alert]:
        """The newest alerts first, those held back included."""
        found = [
            alert
            for alert in reversed(self._alerts.values())
            if (rule is None or alert.rule == rule) and (before is None or alert.raised < before)
        ]
        return sorted(found, key=lambda alert: alert.raised, reverse=True)[:limit]

    async def alert(self, id: str) -> Alert | None:
        """One alert by its id."""
        return self._alerts.get(id)

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        waiting = self._open()
        dead = [row for row in self._deliveries.values() if isinstance(row.outcome, GaveUp)]
        return Tally(
            articles=len(self._shelf),
            alerts=len(self._alerts),
            unfilled=sum(one.plan.refill is not None for one in self._shelf),
            waiting=len(waiting),
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
            "events": list(self._events.values()),
            "alerts": list(self._alerts.values()),
        }
        sizes = {kind: sum(len(dump(one).encode()) for one in values) for kind, values in written.items()}
        sizes["deliveries"] = sum(len(row.delivery.body) for row in self._deliveries.values())
        bodies = {one.sha256: one.body for one in self._shelf.originals()}
        sizes["originals"] = sum(len(pack(body)) for body in bodies.values())
        return {**sizes, "file": 0, "idle": 0}

    async def close(self) -> None:
        """Nothing is under way, and nothing is kept."""

    def _open(self) -> list[_Row]:
        return [row for row in self._deliveries.values() if row.outcome is None]
