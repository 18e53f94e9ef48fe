"""A store in dictionaries, gone when the process is: for replays and dry runs, and the shortest spec of a store."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from monitor.errors import Outdated, StoreError
from monitor.model import Again, Alert, Delivery, Event, Fresh, GaveUp, Ledger, Outcome, Plan, Tally, Visit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

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


class MemoryStore:
    """Keeps the promises of a store until the process ends. No method awaits, so each is one transaction."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._source_leases: dict[str, datetime] = {}
        self._articles: dict[str, Plan] = {}
        self._pages: Counter[tuple[str | None, str]] = Counter()
        self._events: dict[str, Event] = {}
        self._stamps: Counter[str] = Counter()
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[tuple[str, str], _Row] = {}

    async def claim_sources(self, ids: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` of `ids` that are due, longest due first, those never visited before all others."""
        leases, visits = self._source_leases, self._visits
        free = [source for source in dict.fromkeys(ids) if source not in leases or leases[source] <= now]
        new = [source for source in free if source not in visits]
        due = [source for source in free if source in visits and visits[source].due <= now]
        claimed = [*new, *sorted(due, key=lambda source: visits[source].due)][:limit]
        self._source_leases |= dict.fromkeys(claimed, now + lease)
        return claimed

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last."""
        return self._visits.get(source)

    async def visited(self, visit: Visit) -> None:
        """Keeps the visit and gives the source's lease back."""
        self._visits[visit.source] = visit
        self._source_leases.pop(visit.source, None)

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        return [self._visits[source] for source in sorted(self._visits)]

    async def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those with a new id and no known page of the same digest, or with a new digest; the first of each id."""
        once: dict[str, Article] = {}
        for article in articles:
            once.setdefault(article.id, article)
        return [fresh for article in once.values() if (fresh := self._fresh(article))]

    def _fresh(self, article: Article) -> Fresh | None:
        known = self._articles.get(article.id)
        if known is None:
            twin = article.url is not None and self._pages[article.url, article.digest] > 0
            return None if twin else Fresh(article=article)
        if known.article.digest == article.digest:
            return None
        return Fresh(article=article, first_seen=known.first_seen)

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is to be asked for again by now, oldest first."""
        due = [(plan.refill, plan) for plan in self._articles.values() if plan.refill and plan.refill <= now]
        oldest = [plan for _, plan in sorted(due, key=lambda pair: pair[0])]
        return [Fresh(article=plan.article, first_seen=plan.first_seen, fills=plan.fills) for plan in oldest[:limit]]

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came; a page of them."""
        came = list(self._articles)
        start = came.index(after) + 1 if after in self._articles else 0
        plans = (plan for id in came[start:] if (plan := self._articles[id]).first_seen >= since)
        return [Fresh(article=plan.article, first_seen=plan.first_seen) for plan in islice(plans, limit)]

    async def ledger(self, rules: Sequence[str], since: datetime) -> Ledger:
        """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps."""
        events = [event for event in self._events.values() if event.rule in rules and event.seen >= since]
        ordered = sorted(events, key=lambda event: event.opened)
        return Ledger(events=tuple(ordered), stamps={rule: self._stamps[rule] for rule in rules})

    async def record(self, plan: Plan) -> None:
        """Refuses first, so that what follows cannot stop half-way."""
        self._refuse(plan)
        self._keep_article(plan)
        self._events |= {event.id: event for event in plan.events}
        self._stamps.update({event.rule for event in plan.events})
        for alert in plan.alerts:
            self._alerts.setdefault(alert.id, alert)
        for delivery in plan.deliveries:
            self._deliveries.setdefault((delivery.alert, delivery.sink), _Row(delivery, since=delivery.due))

    def _refuse(self, plan: Plan) -> None:
        moved = [rule for rule, stamp in plan.stamps.items() if self._stamps[rule] != stamp]
        if moved:
            raise Outdated(f"events of {', '.join(moved)} have changed since they were read")
        new = {alert.id for alert in plan.alerts}
        if orphans := [given.alert for given in plan.deliveries if given.alert not in new and given.alert not in self._alerts]:
            raise StoreError(f"a delivery of alert {orphans[0]}, which does not exist")

    def _keep_article(self, plan: Plan) -> None:
        known = self._articles.get(plan.article.id)
        if known:
            self._pages[known.article.url, known.article.digest] -= 1
            plan = replace(plan, first_seen=known.first_seen)
        self._articles[plan.article.id] = plan
        self._pages[plan.article.url, plan.article.digest] += 1

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
            articles=len(self._articles),
            alerts=len(self._alerts),
            unfilled=sum(plan.refill is not None for plan in self._articles.values()),
            waiting=len(waiting),
            dead=len(dead),
            oldest_waiting=min((row.since for row in waiting), default=None),
            newest_dead=max((row.delivery.due for row in dead), default=None),
        )

    async def close(self) -> None:
        """Nothing is under way, and nothing is kept."""

    def _open(self) -> list[_Row]:
        return [row for row in self._deliveries.values() if row.outcome is None]
