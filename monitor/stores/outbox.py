"""Alerts and deliveries in dictionaries: the part of the memory store that knows who has heard what, and who is yet to."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor import breaker as breaking
from monitor.errors import StoreError
from monitor.model import Again, Alert, Attempt, Backlog, Breaker, Delivery, GaveUp, Outcome, Sent, Told
from monitor.stores.flowing import REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime


HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Row:
    """A delivery and how it stands: "waiting", "digest" (it waits for one), "digested" (it was told in one), "sent" or "dead"."""

    delivery: Delivery
    since: datetime
    state: str
    leased_until: datetime | None = None
    sent: datetime | None = None
    reason: str | None = None
    digest: str = ""
    """The alert that stands for the digest in which it was told."""
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def free(self, now: datetime) -> bool:
        """Whether nobody holds it."""
        return self.leased_until is None or self.leased_until <= now

    def requeues(self) -> bool:
        """Whether it may be made due again: it is not under way, nor gathered."""
        return self.leased_until is None and self.state in ("waiting", "sent", "dead")

    def next(self) -> datetime:
        """When it is due; under way, when its lease ends."""
        return max(self.delivery.due, self.leased_until or self.delivery.due)

    def let_go(self) -> None:
        """Voids its lease."""
        self.leased_until = None
        self.delivery = replace(self.delivery, token="")


class Outbox:
    """All alerts, and their deliveries by alert and receiver, in the order they came."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.deliveries: dict[tuple[str, str], Row] = {}
        self.breakers: dict[str, Breaker] = {}

    def refuse_orphans(self, alerts: Iterable[Alert], deliveries: Iterable[Delivery]) -> None:
        """Raises StoreError for a delivery of an alert that there is not."""
        known = {alert.id for alert in alerts} | self.alerts.keys()
        if orphans := [given.alert for given in deliveries if given.alert not in known]:
            raise StoreError(f"a delivery of alert {orphans[0]}, which does not exist")

    def keep(self, alerts: Iterable[Alert], deliveries: Iterable[Delivery]) -> None:
        """What exists stays as it is."""
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)
        for one in deliveries:
            row = Row(replace(one, digest=False), since=one.due, state="digest" if one.digest else "waiting")
            self.deliveries.setdefault((one.alert, one.sink), row)

    # Deliveries

    def due(self, sinks: Iterable[str], now: datetime) -> list[str]:
        """Those of these receivers that there is something to send to."""
        return [sink for sink in sinks if self._flows(self.breaker(sink), now)]

    def _flows(self, breaker: Breaker, now: datetime) -> bool:
        if breaker.state == "disabled" or (breaker.due is not None and breaker.due > now):
            return False
        free = (row for row in self.waiting() if row.delivery.sink == breaker.sink and row.free(now))
        return any(row.delivery.due <= now or breaker.state == "open" for row in free)

    def claim(self, sink: str, now: datetime, lease: timedelta, limit: int, *, probe: bool) -> list[Delivery]:
        """Due deliveries, oldest first, each counted as one more attempt begun; or the one that is due first, not counted."""
        free = [row for row in self.waiting() if row.delivery.sink == sink and row.free(now)]
        if probe:
            chosen = sorted(free, key=lambda row: row.delivery.due)[:limit]
        else:
            chosen = sorted((row for row in free if row.delivery.due <= now), key=lambda row: row.since)[:limit]
        for row in chosen:
            counted = row.delivery.attempts + (not probe)
            row.delivery = replace(row.delivery, attempts=counted, token=secrets.token_hex(8), probe=probe, since=row.since)
            row.leased_until = now + lease
        return [row.delivery for row in chosen]

    def settle(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """Keeps outcome, attempt and what they mean for the breaker, if the delivery is still held under this token."""
        row = self.deliveries.get((delivery.alert, delivery.sink))
        if row is None or row.leased_until is None or row.delivery.token != delivery.token:
            return
        row.let_go()
        row.attempts.append(attempt)
        match outcome:
            case Sent(at):
                row.state, row.sent = "sent", at
            case Again(_, due, reason):
                row.delivery, row.reason = replace(row.delivery, due=due), reason
            case GaveUp(_, reason):
                row.state, row.reason = "dead", reason
        self.keep_breaker(breaking.after(self.breaker(delivery.sink), attempt, again=delivery.attempts > 1), attempt.ended)

    def release(self) -> None:
        """Voids all leases."""
        for row in self.waiting():
            row.let_go()

    # Breakers

    def breaker(self, sink: str) -> Breaker:
        """How a receiver's breaker is."""
        return self.breakers.get(sink, Breaker(sink=sink))

    def keep_breaker(self, given: Breaker, at: datetime) -> None:
        """Keeps it. Where it closes, all that waits for this receiver is due."""
        if given.state == "closed" and self.breaker(given.sink).state != "closed":
            for row in self.waiting():
                if row.delivery.sink == given.sink:
                    row.delivery = replace(row.delivery, due=min(row.delivery.due, at))
        if given != self.breaker(given.sink):
            self.breakers[given.sink] = given

    # When something is not as it was

    def requeue(self, chosen: Iterable[tuple[str, str]], at: datetime) -> int:
        """Makes these deliveries due, as if they were new; of one that was told in a digest, that digest."""
        meant = [(row.digest or key[0], key[1]) for key in chosen if (row := self.deliveries.get(key))]
        rows = [row for key in meant if (row := self.deliveries[key]).requeues()]
        for row in rows:
            row.state, row.since, row.sent = "waiting", at, None
            row.delivery = replace(row.delivery, due=at, attempts=0)
        return len(rows)

    def reword(self, sink: str, render: Callable[[Alert], bytes]) -> int:
        """Renders anew what this receiver has not had yet."""
        rows = [row for state in ("waiting", "digest", "dead") for row in self.rows(state) if row.delivery.sink == sink]
        bodies = [render(self.alerts[row.delivery.alert]) for row in rows]  # what breaks here leaves all as it was
        for row, body in zip(rows, bodies, strict=True):
            row.delivery = replace(row.delivery, body=body)
        return len(rows)

    def give_up(self, known: Collection[str], before: datetime, reason: str) -> int:
        """Gives up what is for receivers that there are no longer, gathered alerts included."""
        rows = [row for row in [*self.waiting(), *self.rows("digest")] if row.leased_until is None and row.since < before]
        orphans = [row for row in rows if row.delivery.sink not in known]
        for row in orphans:
            row.state, row.reason = "dead", reason
        return len(orphans)

    def set_clock(self, by: timedelta, now: datetime, latest: datetime) -> None:
        """What waits, waits as long as it would have; what was first due at a time that is yet to come waits no longer."""
        for row in self.waiting():
            row.delivery = replace(row.delivery, due=min(row.delivery.due + by, now if row.since + by > now else latest))
            row.since = min(row.since + by, now)
            row.leased_until = row.leased_until + by if row.leased_until else None
        self.breakers = {sink: breaking.moved(one, by, latest) for sink, one in self.breakers.items()}

    # Digests

    def told_lately(self, rules: Sequence[str], at: datetime) -> dict[str, int]:
        """How many alerts of each rule were raised in the hour before, and told to somebody at once."""
        told = {alert for (alert, _), row in self.deliveries.items() if row.state not in ("digest", "digested")}
        lately = (one.rule for one in self.alerts.values() if at - HOUR < one.raised <= at and one.id in told)
        return dict(Counter(rule for rule in lately if rule in rules))

    def waiting_for_digest(self, sink: str, due: datetime) -> list[Alert]:
        """The alerts that wait for this receiver's digest and are due, oldest first."""
        came = [
            one
            for one in self.alerts.values()
            if self._collected(one.id, sink) and self.deliveries[one.id, sink].delivery.due <= due
        ]
        return sorted(came, key=lambda alert: alert.raised)

    def digested(self, alerts: Sequence[str], digest: Delivery, alert: Alert) -> bool:
        """Takes what waited for this digest away; whether there was any, or nothing was to be.

        Raises StoreError where this very delivery was made before, of others: these would never be told.
        """
        self.refuse_orphans([alert], [digest])
        waiting = [self.deliveries[id, digest.sink] for id in alerts if self._collected(id, digest.sink)]
        if self._collected(digest.alert, digest.sink) and digest.alert in alerts:  # a single one is sent as it is
            alone = self.deliveries[digest.alert, digest.sink]
            alone.state, alone.delivery = "waiting", replace(alone.delivery, due=digest.due, digest=False)
            return False
        if waiting and (digest.alert, digest.sink) in self.deliveries:
            raise StoreError(f"digest {digest.alert} for {digest.sink} was made before, of other alerts: it needs another id")
        for row in waiting:
            row.state, row.digest = "digested", digest.alert
        return bool(waiting) or not alerts

    def _collected(self, alert: str, sink: str) -> bool:
        row = self.deliveries.get((alert, sink))
        return row is not None and row.state == "digest"

    # Reading

    def waiting(self) -> list[Row]:
        """Deliveries still to be made, those under way included."""
        return self.rows("waiting")

    def rows(self, state: str) -> list[Row]:
        """Deliveries that stand so."""
        return [row for row in self.deliveries.values() if row.state == state]

    def told(self, alert: str) -> list[Told]:
        """How each delivery of an alert stands, by receiver; of one that was told in a digest, how that stands."""
        return [self._told(alert, sink) for id, sink in sorted(self.deliveries) if id == alert]

    def _told(self, alert: str, sink: str) -> Told:
        row = self.deliveries[alert, sink]
        if row.state == "digested":
            return replace(self._told(row.digest, sink), alert=alert, since=row.since)
        parked = row.state == "waiting" and self.breaker(sink).state == "disabled"
        return Told(
            alert=alert,
            sink=sink,
            state="parked" if parked else row.state,
            at=row.sent or row.delivery.due,
            attempts=row.delivery.attempts,
            reason=None if row.sent else row.reason,
            since=row.since,
        )

    def listed(self, sink: str | None, state: str | None, before: datetime | None, limit: int) -> list[Told]:
        """Deliveries, those first due last first."""
        keys = sorted(self.deliveries, key=lambda key: self.deliveries[key].since)[::-1]
        found = (self._told(*key) for key in keys if before is None or self.deliveries[key].since < before)
        return [one for one in found if sink in (None, one.sink) and state in (None, one.state)][:limit]

    def backlog(self) -> list[Backlog]:
        """What lies in the outbox, by receiver."""
        return [self._backlog(sink) for sink in sorted({sink for _, sink in self.deliveries})]

    def _backlog(self, sink: str) -> Backlog:
        rows = [row for (_, one), row in self.deliveries.items() if one == sink]
        many = Counter(row.state for row in rows)
        return Backlog(
            sink=sink,
            waiting=many["waiting"],
            collected=many["digest"],
            sent=many["sent"],
            dead=many["dead"],
            oldest=min((row.since for row in rows if row.state == "waiting"), default=None),
        )

    def latest(self, before: datetime | None, rule: str | None, limit: int) -> list[Alert]:
        """The newest alerts first."""
        found = [
            alert
            for alert in reversed(self.alerts.values())
            if (rule is None or alert.rule == rule) and (before is None or alert.raised < before)
        ]
        return sorted(found, key=lambda alert: alert.raised, reverse=True)[:limit]
