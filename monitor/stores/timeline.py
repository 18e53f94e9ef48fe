"""Events in SQL: what was reported of them and by whom, who looks after them, and what nobody wants to hear of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.errors import Outdated
from monitor.model import Event, Hush, Ledger, Plan, Report
from monitor.stores.rows import FAR, dump, load, micros, moment, utf8

if TYPE_CHECKING:
    from sqlite_utils import Database

# What a plan is decided on


HOUR = timedelta(hours=1)


def ledger(
    db: Database, rules: Sequence[str], since: datetime, history: Mapping[str, datetime], at: datetime | None = None
) -> Ledger:
    """Events of these rules seen at or after `since` with the rules' stamps, what `history` and `at` ask for, and every hush."""
    events = """
        SELECT whole FROM events WHERE rule IN (SELECT value FROM json_each(?)) AND seen >= ? ORDER BY opened, row
    """
    found = db.execute(events, (dump(rules), micros(since))).fetchall()
    return Ledger(
        events=tuple(load(Event, whole) for (whole,) in found),
        stamps={rule: _stamp(db, rule) for rule in rules},
        reports=tuple(_history(db, history)),
        hushes=tuple(hushes(db)),
        told=_told(db, rules, at) if at else {},
        started={rule: first for rule in history if (first := _started(db, rule))},
    )


def _told(db: Database, rules: Sequence[str], at: datetime) -> dict[str, int]:
    """How many alerts of each rule were raised in the hour before, and told to somebody at once."""
    sql = """
        SELECT rule, count(*) FROM alerts WHERE rule IN (SELECT value FROM json_each(?)) AND raised > ? AND raised <= ?
        AND EXISTS (SELECT 1 FROM deliveries WHERE alert = alerts.id AND state NOT IN ('collected', 'digested')) GROUP BY rule
    """
    return dict(db.execute(sql, (dump(rules), micros(at - HOUR), micros(at))).fetchall())


def _started(db: Database, rule: str) -> datetime | None:
    [(first,)] = db.execute("SELECT min(opened) FROM events WHERE rule = ?", (rule,)).fetchall()
    return None if first is None else moment(first)


def _history(db: Database, since: Mapping[str, datetime]) -> list[Report]:
    sql = "SELECT at, row, whole FROM reports WHERE rule = ? AND at >= ?"
    found = [row for rule, at in since.items() for row in db.execute(sql, (rule, micros(at)))]
    return [load(Report, whole) for _, _, whole in sorted(found)]


def _stamp(db: Database, rule: str) -> int:
    found: tuple[int] | None = db.execute("SELECT stamp FROM stamps WHERE rule = ?", (rule,)).fetchone()
    return found[0] if found else 0


def refuse_outdated(db: Database, plan: Plan) -> None:
    """Raises Outdated where a rule's stamp is not the one that the plan was decided on."""
    if moved := [rule for rule, stamp in plan.stamps.items() if _stamp(db, rule) != stamp]:
        raise Outdated(f"events of {', '.join(moved)} have changed since they were read")


# Keeping


def keep(db: Database, row: int, plan: Plan) -> None:
    """Opens or changes the plan's events, keeps what its article, in this row, reports, and moves the stamps of their rules on."""
    for event in plan.events:
        _keep_event(db, event)
    for report in plan.reports:
        _keep_report(db, row, plan.revision, report)
    _move_on(db, {event.rule for event in plan.events} | {report.rule for report in plan.reports})


def _move_on(db: Database, rules: Iterable[str]) -> None:
    for rule in sorted(rules):
        db.execute("INSERT INTO stamps VALUES (?, 1) ON CONFLICT (rule) DO UPDATE SET stamp = stamp + 1", (rule,))


def _keep_event(db: Database, event: Event) -> None:
    sql = """
        INSERT INTO events (id, rule, opened, seen, whole) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            rule = excluded.rule, opened = excluded.opened, seen = excluded.seen, whole = excluded.whole
    """
    db.execute(sql, (event.id, event.rule, micros(event.opened), micros(event.seen), dump(event)))


def _keep_report(db: Database, row: int, revision: str, report: Report) -> None:
    sql = """
        INSERT INTO reports (event, article, revision, rule, at, whole, first_seen, told) VALUES (?, ?, ?, ?, ?, ?,
            (SELECT first_seen FROM articles WHERE row = ?), coalesce((SELECT told FROM events WHERE id = ?), 0))
        ON CONFLICT (event, article, revision) DO NOTHING
    """
    values = (report.event, utf8(report.article), revision, report.rule, micros(report.at), dump(report), row, report.event)
    db.execute(sql, values)


def stay(db: Database, events: Iterable[str]) -> None:
    """What was and will be reported of these events is never pruned: an alert tells of them."""
    for event in events:
        if db.execute("UPDATE events SET told = 1 WHERE id = ? AND told = 0", (event,)).rowcount:
            db.execute("UPDATE reports SET told = 1 WHERE event = ? AND told = 0", (event,))


# Reading


def reported(db: Database, article: str) -> list[str]:
    """The rules that have events of which this article reported."""
    sql = "SELECT DISTINCT rule FROM reports WHERE article = ? ORDER BY rule"
    return [rule for (rule,) in db.execute(sql, (utf8(article),))]


def reports(db: Database, event: str) -> list[Report]:
    """The timeline of an event, oldest first."""
    sql = "SELECT whole FROM reports WHERE event = ? ORDER BY at, row"
    return [load(Report, whole) for (whole,) in db.execute(sql, (utf8(event),))]


def event(db: Database, id: str) -> Event | None:
    """One event by its id."""
    found = db.execute("SELECT whole FROM events WHERE id = ?", (utf8(id),)).fetchone()
    return load(Event, found[0]) if found else None


def events(db: Database, before: datetime | None, rule: str | None, limit: int) -> list[Event]:
    """Events, those seen last first."""
    end = FAR if before is None else micros(before)
    if rule is None:
        rows = db.execute("SELECT whole FROM events WHERE seen < ? ORDER BY seen DESC, row DESC LIMIT ?", (end, limit))
    else:
        sql = "SELECT whole FROM events WHERE rule = ? AND seen < ? ORDER BY seen DESC, row DESC LIMIT ?"
        rows = db.execute(sql, (utf8(rule), end, limit))
    return [load(Event, whole) for (whole,) in rows]


# What people say


def acknowledge(db: Database, id: str, at: datetime, note: str) -> bool:
    """Notes that somebody looks after the event, as it was said last; whether there is one.

    Moves the rule's stamp on: a plan decided before would write the event as it was.
    """
    known = event(db, id)
    if known:
        _keep_event(db, replace(known, acknowledged=at, note=note or known.note))
        _move_on(db, [known.rule])
    return known is not None


def hush(db: Database, given: Hush) -> None:
    """Keeps it in the place of another of the same target."""
    sql = "INSERT INTO hushes (target, whole) VALUES (?, ?) ON CONFLICT (target) DO UPDATE SET whole = excluded.whole"
    db.execute(sql, (utf8(given.target), dump(given)))


def unhush(db: Database, target: str) -> bool:
    """Ends it; whether there was one."""
    return bool(db.execute("DELETE FROM hushes WHERE target = ?", (utf8(target),)).rowcount)


def hushes(db: Database) -> list[Hush]:
    """All that there are, by target."""
    return [load(Hush, whole) for (whole,) in db.execute("SELECT whole FROM hushes ORDER BY target")]
