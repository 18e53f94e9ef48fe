"""Alerts and deliveries in dictionaries: the part of the memory store that knows who has heard what, and who is yet to."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.model import Again, Alert, Delivery, GaveUp, Outcome, Sent, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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

    def free(self, now: datetime) -> bool:
        """Whether it may be claimed."""
        return self.delivery.due <= now and (self.leased_until is None or self.leased_until <= now)

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

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun."""
        due = sorted((row for row in self.waiting() if row.free(now)), key=lambda row: row.since)[:limit]
        for row in due:
            row.delivery = replace(row.delivery, attempts=row.delivery.attempts + 1, token=secrets.token_hex(8))
            row.leased_until = now + lease
        return [row.delivery for row in due]

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keeps the outcome, if the delivery is still held under this token."""
        row = self.deliveries.get((delivery.alert, delivery.sink))
        if row is None or row.leased_until is None or row.delivery.token != delivery.token:
            return
        row.let_go()
        match outcome:
            case Sent(at):
                row.state, row.sent = "sent", at
            case Again(_, due, reason):
                row.delivery, row.reason = replace(row.delivery, due=due), reason
            case GaveUp(_, reason):
                row.state, row.reason = "dead", reason

    def release(self) -> None:
        """Voids all leases."""
        for row in self.waiting():
            row.let_go()

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
            return replace(self._told(row.digest, sink), alert=alert)
        reason, attempts = None if row.sent else row.reason, row.delivery.attempts
        return Told(alert=alert, sink=sink, state=row.state, at=row.sent or row.delivery.due, attempts=attempts, reason=reason)

    def latest(self, before: datetime | None, rule: str | None, limit: int) -> list[Alert]:
        """The newest alerts first."""
        found = [
            alert
            for alert in reversed(self.alerts.values())
            if (rule is None or alert.rule == rule) and (before is None or alert.raised < before)
        ]
        return sorted(found, key=lambda alert: alert.raised, reverse=True)[:limit]
