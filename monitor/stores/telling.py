"""Alerts and their deliveries in SQL: what was said, and who has heard it, or is to hear it in a digest."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.model import Again, Alert, Delivery, GaveUp, Outcome, Sent, Tally, Told
from monitor.stores import timeline
from monitor.stores.rows import FAR, dump, load, micros, moment, utf8

if TYPE_CHECKING:
    from sqlite_utils import Database

# Alerts


def keep_alerts(db: Database, alerts: Iterable[Alert], deliveries: Iterable[Delivery]) -> None:
    """Alerts and then their deliveries; what exists stays as it is, and so does what was reported of what they tell of."""
    for alert in alerts:
        _keep_alert(db, alert)
        timeline.stay(db, {sighting.event for sighting in alert.sightings})
    for delivery in deliveries:
        _keep_delivery(db, delivery)


def _keep_alert(db: Database, alert: Alert) -> None:
    sql = "INSERT INTO alerts (id, rule, raised, whole) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    db.execute(sql, (alert.id, alert.rule, micros(alert.raised), dump(alert)))


def alerts(db: Database, before: datetime | None, rule: str | None, limit: int) -> list[Alert]:
    """The newest alerts first."""
    end = FAR if before is None else micros(before)
    if rule is None:
        rows = db.execute("SELECT whole FROM alerts WHERE raised < ? ORDER BY raised DESC, row DESC LIMIT ?", (end, limit))
    else:
        sql = "SELECT whole FROM alerts WHERE rule = ? AND raised < ? ORDER BY raised DESC, row DESC LIMIT ?"
        rows = db.execute(sql, (rule, end, limit))
    return [load(Alert, whole) for (whole,) in rows]


def alert(db: Database, id: str) -> Alert | None:
    """One alert by its id."""
    found = db.execute("SELECT whole FROM alerts WHERE id = ?", (utf8(id),)).fetchone()
    return load(Alert, found[0]) if found else None


# Deliveries


def _keep_delivery(db: Database, delivery: Delivery) -> None:
    sql = """
        INSERT INTO deliveries (alert, sink, body, state, since, due, attempts) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (alert, sink) DO NOTHING
    """
    due, state = micros(delivery.due), "collected" if delivery.digest else "waiting"
    db.execute(sql, (delivery.alert, delivery.sink, delivery.body, state, due, due, delivery.attempts))


def claim(db: Database, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
    """Due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun."""
    due = """
        SELECT alert, sink, body, due, attempts FROM deliveries
        WHERE state IN ('waiting', 'leased') AND due <= ? AND (leased_until IS NULL OR leased_until <= ?)
        ORDER BY since, rowid LIMIT ?
    """
    rows = db.execute(due, (micros(now), micros(now), limit)).fetchall()
    return [_lease(db, _delivery(row), now + lease) for row in rows]


def _delivery(row: tuple[str, str, bytes, int, int]) -> Delivery:
    alert, sink, body, due, attempts = row
    return Delivery(alert=alert, sink=sink, body=body, due=moment(due), attempts=attempts)


def _lease(db: Database, delivery: Delivery, until: datetime) -> Delivery:
    held = dataclasses.replace(delivery, attempts=delivery.attempts + 1, token=secrets.token_hex(8))
    sql = "UPDATE deliveries SET state = 'leased', leased_until = ?, attempts = ?, token = ? WHERE alert = ? AND sink = ?"
    db.execute(sql, (micros(until), held.attempts, held.token, held.alert, held.sink))
    return held


def settle(db: Database, delivery: Delivery, outcome: Outcome) -> None:
    """Keeps the outcome, if the delivery is still held under this token."""
    sql = """
        UPDATE deliveries SET state = ?, due = coalesce(?, due), reason = coalesce(?, reason), sent_at = ?,
            token = '', leased_until = NULL
        WHERE state = 'leased' AND alert = ? AND sink = ? AND token = ?
    """
    db.execute(sql, (*_settled(outcome), delivery.alert, delivery.sink, delivery.token))


def _settled(outcome: Outcome) -> tuple[str, int | None, str | None, int | None]:
    """State, due, reason and sent_at; None: as before."""
    match outcome:
        case Sent(at):
            return "sent", None, None, micros(at)
        case Again(_, due, reason):
            return "waiting", micros(due), utf8(reason), None
        case GaveUp(_, reason):
            return "dead", None, utf8(reason), None


def release(db: Database) -> None:
    """Voids all leases."""
    db.execute("UPDATE visits SET leased_until = NULL WHERE leased_until IS NOT NULL")
    db.execute("UPDATE deliveries SET state = 'waiting', token = '', leased_until = NULL WHERE state = 'leased'")


def next_due(db: Database) -> datetime | None:
    """When the next open delivery is due; of one under way, when its lease ends."""
    sql = "SELECT min(max(due, coalesce(leased_until, due))) FROM deliveries WHERE state IN ('waiting', 'leased')"
    [(due,)] = db.execute(sql).fetchall()
    return None if due is None else moment(due)


def told(db: Database, alert: str) -> list[Told]:
    """How each delivery of an alert stands, by receiver; of one that was told in a digest, how that stands."""
    sql = """
        SELECT given.alert, given.sink, stands.state, coalesce(stands.sent_at, stands.due), stands.attempts, stands.reason
        FROM deliveries AS given
        JOIN deliveries AS stands ON stands.alert = coalesce(given.digest, given.alert) AND stands.sink = given.sink
        WHERE given.alert = ? ORDER BY given.sink
    """
    return [_told(*row) for row in db.execute(sql, (utf8(alert),))]


def _told(alert: str, sink: str, state: str, at: int, attempts: int, reason: str | None) -> Told:  # noqa: PLR0913, PLR0917 - a row
    word = {"leased": "waiting", "collected": "digest"}.get(state, state)
    failed = None if state == "sent" else reason
    return Told(alert=alert, sink=sink, state=word, at=moment(at), attempts=attempts, reason=failed)


# Digests


def waiting_for_digest(db: Database, sink: str, due: datetime) -> list[Alert]:
    """The alerts that wait for this receiver's digest and are due, oldest first."""
    sql = """
        SELECT whole FROM deliveries JOIN alerts ON alerts.id = alert
        WHERE sink = ? AND state = 'collected' AND due <= ? ORDER BY raised, alerts.row
    """
    return [load(Alert, whole) for (whole,) in db.execute(sql, (sink, micros(due)))]


def digested(db: Database, given: Sequence[str], digest: Delivery, alert: Alert) -> None:
    """Puts one delivery in the place of those that waited. If alerts are given of which none waits any more, that was done before.

    Raises StoreError where this very delivery was made before, of others: these would never be told.
    """
    waiting = _collected(db, given, digest.sink)
    if given and not waiting:
        return
    if digest.alert in waiting:  # a single one is sent as it is
        alone = "UPDATE deliveries SET state = 'waiting', due = ? WHERE alert = ? AND sink = ?"
        db.execute(alone, (micros(digest.due), digest.alert, digest.sink))
        return
    made = db.execute("SELECT 1 FROM deliveries WHERE alert = ? AND sink = ?", (digest.alert, digest.sink)).fetchone()
    if waiting and made:
        raise StoreError(f"digest {digest.alert} for {digest.sink} was made before, of other alerts: it needs another id")
    keep_alerts(db, [alert], [digest])
    told = "UPDATE deliveries SET state = 'digested', digest = ? WHERE alert = ? AND sink = ?"
    db.conn.executemany(told, ((digest.alert, one, digest.sink) for one in waiting))


def _collected(db: Database, alerts: Sequence[str], sink: str) -> list[str]:
    """Which of these alerts wait for the receiver's digest."""
    sql = "SELECT alert FROM deliveries WHERE sink = ? AND state = 'collected' AND alert IN (SELECT value FROM json_each(?))"
    return [alert for (alert,) in db.execute(sql, (sink, dump(alerts)))]


# How much there is


def tally(db: Database) -> Tally:
    """How much there is, and what waits."""
    sql = """
        SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM alerts),
               (SELECT count(*) FROM articles WHERE refill IS NOT NULL),
               (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'leased')),
               (SELECT count(*) FROM deliveries WHERE state = 'collected'),
               (SELECT count(*) FROM deliveries WHERE state = 'dead'),
               (SELECT min(since) FROM deliveries WHERE state IN ('waiting', 'leased')),
               (SELECT max(due) FROM deliveries WHERE state = 'dead')
    """
    [(articles, alerts, unfilled, waiting, collected, dead, oldest, newest)] = db.execute(sql).fetchall()
    return Tally(
        articles=articles,
        alerts=alerts,
        unfilled=unfilled,
        waiting=waiting,
        collected=collected,
        dead=dead,
        oldest_waiting=None if oldest is None else moment(oldest),
        newest_dead=None if newest is None else moment(newest),
    )
