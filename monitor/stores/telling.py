"""Alerts and their deliveries in SQL: what was said, who is to hear it, at once or in a digest. How that goes is told in flowing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.model import Alert, Delivery, Tally
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


def reword(db: Database, sink: str, render: Callable[[Alert], bytes]) -> int:
    """Renders anew what this receiver has not had yet: only at `sent` and `digested` is nothing left to be done."""
    sql = "SELECT alert FROM deliveries WHERE sink = ? AND state IN ('waiting', 'leased', 'collected', 'dead')"
    chosen = [alert for (alert,) in db.execute(sql, (sink,)).fetchall()]
    for id in chosen:  # one at a time: all of them, with their alerts, may be too much to hold
        [(whole,)] = db.execute("SELECT whole FROM alerts WHERE id = ?", (id,)).fetchall()
        db.execute("UPDATE deliveries SET body = ? WHERE alert = ? AND sink = ?", (render(load(Alert, whole)), id, sink))
    return len(chosen)


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
