"""Events, alerts and their deliveries in SQL: what was found, what was said of it, and who has heard it."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.errors import Outdated
from monitor.model import Again, Alert, Delivery, Event, GaveUp, Ledger, Outcome, Plan, Sent, Tally
from monitor.stores.rows import FAR, dump, load, micros, moment, utf8

if TYPE_CHECKING:
    from sqlite_utils import Database

# Events


def ledger(db: Database, rules: Sequence[str], since: datetime) -> Ledger:
    """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps."""
    events = """
        SELECT whole FROM events WHERE rule IN (SELECT value FROM json_each(?)) AND seen >= ? ORDER BY opened, row
    """
    found = db.execute(events, (dump(rules), micros(since))).fetchall()
    return Ledger(events=tuple(load(Event, whole) for (whole,) in found), stamps={rule: _stamp(db, rule) for rule in rules})


def _stamp(db: Database, rule: str) -> int:
    found: tuple[int] | None = db.execute("SELECT stamp FROM stamps WHERE rule = ?", (rule,)).fetchone()
    return found[0] if found else 0


def refuse_outdated(db: Database, plan: Plan) -> None:
    """Raises Outdated where a rule's stamp is not the one that the plan was decided on."""
    if moved := [rule for rule, stamp in plan.stamps.items() if _stamp(db, rule) != stamp]:
        raise Outdated(f"events of {', '.join(moved)} have changed since they were read")


def keep_events(db: Database, events: Sequence[Event]) -> None:
    """Opens or changes events and moves the stamps of their rules on."""
    for event in events:
        _keep_event(db, event)
    for rule in sorted({event.rule for event in events}):
        db.execute("INSERT INTO stamps VALUES (?, 1) ON CONFLICT (rule) DO UPDATE SET stamp = stamp + 1", (rule,))


def _keep_event(db: Database, event: Event) -> None:
    sql = """
        INSERT INTO events (id, rule, opened, seen, whole) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            rule = excluded.rule, opened = excluded.opened, seen = excluded.seen, whole = excluded.whole
    """
    db.execute(sql, (event.id, event.rule, micros(event.opened), micros(event.seen), dump(event)))


# Alerts


def keep_alerts(db: Database, alerts: Iterable[Alert], deliveries: Iterable[Delivery]) -> None:
    """Alerts and then their deliveries; what exists stays as it is."""
    for alert in alerts:
        _keep_alert(db, alert)
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
        INSERT INTO deliveries (alert, sink, body, since, due, attempts) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (alert, sink) DO NOTHING
    """
    due = micros(delivery.due)
    db.execute(sql, (delivery.alert, delivery.sink, delivery.body, due, due, delivery.attempts))


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


def tally(db: Database) -> Tally:
    """How much there is, and what waits."""
    sql = """
        SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM alerts),
               (SELECT count(*) FROM articles WHERE refill IS NOT NULL),
               (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'leased')),
               (SELECT count(*) FROM deliveries WHERE state = 'dead'),
               (SELECT min(since) FROM deliveries WHERE state IN ('waiting', 'leased')),
               (SELECT max(due) FROM deliveries WHERE state = 'dead')
    """
    [(articles, alerts, unfilled, waiting, dead, oldest, newest)] = db.execute(sql).fetchall()
    return Tally(
        articles=articles,
        alerts=alerts,
        unfilled=unfilled,
        waiting=waiting,
        dead=dead,
        oldest_waiting=None if oldest is None else moment(oldest),
        newest_dead=None if newest is None else moment(newest),
    )
