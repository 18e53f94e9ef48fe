"""The outbox in SQL: what is due for a receiver, under a lease; what came of each attempt; and the receiver's breaker."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor import breaker as breaking
from monitor.model import Again, Attempt, Backlog, Breaker, Delivery, GaveUp, Outcome, Sent, Told
from monitor.stores.rows import FAR, dump, load, micros, moment, utf8

if TYPE_CHECKING:
    from sqlite_utils import Database

REMEMBERED = 30
"""Attempts at a delivery that are kept: a probe every five minutes for days would be thousands."""

# Making deliveries


def due(db: Database, sinks: Collection[str], now: datetime) -> list[str]:
    """Those of these receivers that there is something to send to."""
    rows = db.execute(_DUE, {"sinks": dump(list(sinks)), "now": micros(now)})
    return [sink for (sink,) in rows]


# The indexes are named: ten thousand that wait are not to be sorted, or looked through, for every one that is claimed.
_DUE = """
    SELECT value FROM json_each(:sinks) LEFT JOIN breakers ON breakers.sink = value
    WHERE coalesce(breakers.state = 'disabled' OR breakers.due > :now, 0) = 0 AND (
        EXISTS (
            SELECT 1 FROM deliveries INDEXED BY deliveries_due
            WHERE deliveries.sink = value AND deliveries.state IN ('waiting', 'leased') AND deliveries.due <= :now
            AND (leased_until IS NULL OR leased_until <= :now)
        )
        OR breakers.state = 'open' AND EXISTS (
            SELECT 1 FROM deliveries INDEXED BY deliveries_due
            WHERE deliveries.sink = value AND deliveries.state IN ('waiting', 'leased')
            AND (leased_until IS NULL OR leased_until <= :now)
        )
    )
"""


def claim(  # noqa: PLR0913, PLR0917 - what is to be known of a claim
    db: Database,
    sink: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    probe: bool,  # noqa: FBT001 - as above
) -> list[Delivery]:
    """Due deliveries, oldest first, each counted as one more attempt begun; or the one that is due first, not counted."""
    at = micros(now)
    rows = db.execute(_CLAIM_ANY if probe else _CLAIM_DUE, (sink, at, *(() if probe else (at,)), limit)).fetchall()
    return [_lease(db, _delivery(row), now + lease, probe=probe) for row in rows]


_CLAIM_DUE = """
    SELECT alert, sink, body, due, attempts, since FROM deliveries INDEXED BY deliveries_oldest
    WHERE sink = ? AND state IN ('waiting', 'leased') AND due <= ? AND (leased_until IS NULL OR leased_until <= ?)
    ORDER BY since, rowid LIMIT ?
"""
_CLAIM_ANY = """
    SELECT alert, sink, body, due, attempts, since FROM deliveries INDEXED BY deliveries_due
    WHERE sink = ? AND state IN ('waiting', 'leased') AND (leased_until IS NULL OR leased_until <= ?)
    ORDER BY due, rowid LIMIT ?
"""


def _delivery(row: tuple[str, str, bytes, int, int, int]) -> Delivery:
    alert, sink, body, due, attempts, since = row
    return Delivery(alert=alert, sink=sink, body=body, due=moment(due), attempts=attempts, since=moment(since))


def _lease(db: Database, delivery: Delivery, until: datetime, *, probe: bool) -> Delivery:
    counted = delivery.attempts + (not probe)
    held = dataclasses.replace(delivery, attempts=counted, token=secrets.token_hex(8), probe=probe)
    sql = "UPDATE deliveries SET state = 'leased', leased_until = ?, attempts = ?, token = ? WHERE alert = ? AND sink = ?"
    db.execute(sql, (micros(until), held.attempts, held.token, held.alert, held.sink))
    return held


def settle(db: Database, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
    """Keeps outcome, attempt and what they mean for the breaker, if the delivery is still held under this token."""
    sql = """
        UPDATE deliveries SET state = ?, due = coalesce(?, due), reason = coalesce(?, reason), sent_at = ?,
            token = '', leased_until = NULL
        WHERE state = 'leased' AND alert = ? AND sink = ? AND token = ?
    """
    given = (*_settled(outcome), delivery.alert, delivery.sink, delivery.token)
    if not db.execute(sql, given).rowcount:
        return
    _remember(db, delivery, attempt)
    before = breaker(db, delivery.sink)
    after = breaking.after(before, attempt, again=delivery.attempts > 1)
    if after != before:
        keep_breaker(db, after, attempt.ended)


def _settled(outcome: Outcome) -> tuple[str, int | None, str | None, int | None]:
    """State, due, reason and sent_at; None: as before."""
    match outcome:
        case Sent(at):
            return "sent", None, None, micros(at)
        case Again(_, due, reason):
            return "waiting", micros(due), utf8(reason), None
        case GaveUp(_, reason):
            return "dead", None, utf8(reason), None


def _remember(db: Database, delivery: Delivery, attempt: Attempt) -> None:
    key = (delivery.alert, delivery.sink)
    db.execute("INSERT INTO attempts (alert, sink, whole) VALUES (?, ?, ?)", (*key, dump(attempt)))
    forget = """
        DELETE FROM attempts WHERE row IN (
            SELECT row FROM attempts WHERE alert = ? AND sink = ? ORDER BY row DESC LIMIT -1 OFFSET ?
        )
    """
    db.execute(forget, (*key, REMEMBERED))


def release(db: Database) -> None:
    """Voids all leases."""
    db.execute("UPDATE visits SET leased_until = NULL WHERE leased_until IS NOT NULL")
    db.execute("UPDATE deliveries SET state = 'waiting', token = '', leased_until = NULL WHERE state = 'leased'")


def next_due(db: Database) -> datetime | None:
    """When the next open delivery is due; of one under way, when its lease ends."""
    sql = "SELECT min(max(due, coalesce(leased_until, due))) FROM deliveries WHERE state IN ('waiting', 'leased')"
    [(due,)] = db.execute(sql).fetchall()
    return None if due is None else moment(due)


# Breakers


def breaker(db: Database, sink: str) -> Breaker:
    """How a receiver's breaker is."""
    found = db.execute("SELECT whole FROM breakers WHERE sink = ?", (sink,)).fetchone()
    return load(Breaker, found[0]) if found else Breaker(sink=sink)


def breakers(db: Database) -> list[Breaker]:
    """All that something is known of, by receiver."""
    return [load(Breaker, whole) for (whole,) in db.execute("SELECT whole FROM breakers ORDER BY sink")]


def keep_breaker(db: Database, given: Breaker, at: datetime) -> None:
    """Keeps it. Where it closes, all that waits for this receiver is due."""
    if given.state == "closed" and breaker(db, given.sink).state != "closed":
        hasten = "UPDATE deliveries SET due = ? WHERE sink = ? AND state IN ('waiting', 'leased') AND due > ?"
        db.execute(hasten, (micros(at), given.sink, micros(at)))
    sql = """
        INSERT INTO breakers (sink, state, due, whole) VALUES (?, ?, ?, ?)
        ON CONFLICT (sink) DO UPDATE SET state = excluded.state, due = excluded.due, whole = excluded.whole
    """
    db.execute(sql, (given.sink, given.state, micros(given.due) if given.due else None, dump(given)))


# When something is not as it was


def requeue(db: Database, chosen: Collection[tuple[str, str]], at: datetime) -> int:
    """Makes these deliveries due, as if they were new; of one that was told in a digest, that digest."""
    sql = """
        UPDATE deliveries SET state = 'waiting', since = ?, due = ?, attempts = 0, sent_at = NULL
        WHERE (alert, sink) = (SELECT coalesce(digest, alert), sink FROM deliveries WHERE alert = ? AND sink = ?)
            AND state IN ('waiting', 'sent', 'dead')
    """
    return sum(db.execute(sql, (micros(at), micros(at), utf8(alert), utf8(sink))).rowcount for alert, sink in chosen)


def give_up(db: Database, known: Collection[str], before: datetime, reason: str) -> int:
    """Gives up what is for receivers that there are no longer, gathered alerts included."""
    sql = """
        UPDATE deliveries SET state = 'dead', reason = ? WHERE state IN ('waiting', 'collected') AND since < ?
        AND sink NOT IN (SELECT value FROM json_each(?))
    """
    return int(db.execute(sql, (utf8(reason), micros(before), dump(list(known)))).rowcount)


def set_clock(db: Database, by: timedelta, now: datetime, longest: timedelta) -> None:
    """What waits, waits as long as it would have; what was first due at a time that is yet to come waits no longer."""
    values = {"by": by // timedelta(microseconds=1), "now": micros(now), "last": micros(now + longest)}
    for sql in _SET_CLOCK:
        db.execute(sql, values)
    for one in breakers(db):
        moved = breaking.moved(one, by, now + longest)
        if moved != one:
            keep_breaker(db, moved, now)


_SET_CLOCK = (
    """
    UPDATE deliveries SET leased_until = leased_until + :by, since = min(since + :by, :now),
        due = CASE WHEN since + :by > :now THEN min(due + :by, :now) ELSE min(due + :by, :last) END
    WHERE state IN ('waiting', 'leased')
    """,
    "UPDATE articles SET refill = min(refill + :by, :last) WHERE refill IS NOT NULL",
    "UPDATE visits SET leased_until = leased_until + :by WHERE leased_until IS NOT NULL",
)


# Reading

# One that was told in a digest stands as the digest does.
_STANDS = """
    SELECT given.alert, given.sink,
        CASE stands.state WHEN 'collected' THEN 'digest' WHEN 'sent' THEN 'sent' WHEN 'dead' THEN 'dead'
            ELSE iif(breakers.state = 'disabled', 'parked', 'waiting') END AS word,
        coalesce(stands.sent_at, stands.due), stands.attempts, stands.reason, given.since
    FROM deliveries AS given
    JOIN deliveries AS stands ON stands.alert = coalesce(given.digest, given.alert) AND stands.sink = given.sink
    LEFT JOIN breakers ON breakers.sink = given.sink
"""


def told(db: Database, alert: str) -> list[Told]:
    """How each delivery of an alert stands, by receiver."""
    return [_told(row) for row in db.execute(f"{_STANDS} WHERE given.alert = ? ORDER BY given.sink", (utf8(alert),))]


def deliveries(db: Database, sink: str | None, state: str | None, before: datetime | None, limit: int) -> list[Told]:
    """Deliveries, those first due last first."""
    sql = f"{_STANDS} WHERE given.since < ?"
    values: list[object] = [FAR if before is None else micros(before)]
    for condition, value in ((" AND given.sink = ?", sink), (" AND word = ?", state)):
        if value is not None:
            sql, values = sql + condition, [*values, utf8(value)]
    return [_told(row) for row in db.execute(f"{sql} ORDER BY given.since DESC, given.rowid DESC LIMIT ?", [*values, limit])]


def _told(row: tuple[str, str, str, int, int, str | None, int]) -> Told:
    alert, sink, word, at, attempts, reason, since = row
    failed = None if word == "sent" else reason
    return Told(alert=alert, sink=sink, state=word, at=moment(at), attempts=attempts, reason=failed, since=moment(since))


def delivery(db: Database, alert: str, sink: str) -> Delivery | None:
    """One delivery with its bytes."""
    sql = "SELECT alert, sink, body, due, attempts, since FROM deliveries WHERE alert = ? AND sink = ?"
    found = db.execute(sql, (utf8(alert), utf8(sink))).fetchone()
    return _delivery(found) if found else None


def attempts(db: Database, alert: str, sink: str) -> list[Attempt]:
    """The latest attempts, oldest first."""
    sql = "SELECT whole FROM attempts WHERE alert = ? AND sink = ? ORDER BY row"
    return [load(Attempt, whole) for (whole,) in db.execute(sql, (utf8(alert), utf8(sink)))]


def backlog(db: Database) -> list[Backlog]:
    """What lies in the outbox, by receiver."""
    sql = """
        SELECT sink, sum(iif(state IN ('waiting', 'leased'), many, 0)), sum(iif(state = 'collected', many, 0)),
            sum(iif(state = 'sent', many, 0)), sum(iif(state = 'dead', many, 0)), min(iif(state IN ('waiting', 'leased'), first, NULL))
        FROM (SELECT sink, state, count(*) AS many, min(since) AS first FROM deliveries GROUP BY sink, state)
        GROUP BY sink ORDER BY sink
    """
    return [
        Backlog(sink=sink, waiting=waiting, collected=collected, sent=sent, dead=dead, oldest=moment(oldest) if oldest else None)
        for sink, waiting, collected, sent, dead, oldest in db.execute(sql)
    ]
