"""The schema of the SQLite store, step by step. Append only: a released step is never edited, its name is its key.

Times are integers: microseconds since 1970, UTC. Not milliseconds: a datetime has microseconds, and what was put in has to
come back equal. Texts called `whole` are values as JSON; the columns beside them are what is searched by.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("monitor")


@migrations()
def m001_spine(db: Database) -> None:
    """Articles, events, alerts, deliveries, and visits to sources."""
    for statement in _SPINE:
        db.execute(statement)


# `row` is the order of arrival: it breaks ties between equal times the same way for ever, and survives VACUUM.
_SPINE = (
    """
    CREATE TABLE articles (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, url TEXT, revision TEXT NOT NULL,
        first_seen INTEGER NOT NULL, refill INTEGER, fills INTEGER NOT NULL, sketch TEXT NOT NULL, whole TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX articles_page ON articles (url, digest) WHERE url IS NOT NULL",
    "CREATE INDEX articles_unfilled ON articles (refill) WHERE refill IS NOT NULL",
    """
    CREATE TABLE events (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL,
        opened INTEGER NOT NULL, seen INTEGER NOT NULL, whole TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX events_open ON events (rule, seen)",
    "CREATE TABLE stamps (rule TEXT PRIMARY KEY, stamp INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE alerts (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, raised INTEGER NOT NULL, whole TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX alerts_newest ON alerts (raised, row)",
    "CREATE INDEX alerts_newest_of_rule ON alerts (rule, raised, row)",
    """
    CREATE TABLE deliveries (
        alert TEXT NOT NULL REFERENCES alerts (id), sink TEXT NOT NULL, body BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'sent', 'dead')),
        since INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
        token TEXT NOT NULL DEFAULT '', leased_until INTEGER, reason TEXT, sent_at INTEGER,
        PRIMARY KEY (alert, sink)
    ) STRICT
    """,
    "CREATE INDEX deliveries_open ON deliveries (since, due, leased_until) WHERE state IN ('waiting', 'leased')",
    "CREATE TABLE visits (source TEXT PRIMARY KEY, due INTEGER, leased_until INTEGER, whole TEXT) STRICT",
)


def objection(db: Database) -> str | None:
    """Why this file is not for us to write to; None: it is ours and of a version that we know, or empty."""
    tables = db.table_names()
    applied = {migration.name for migration in migrations.applied(db)}
    if tables and not applied:
        return f"it belongs to another program (it has a table '{tables[0]}')"
    if newer := applied - {migration.name for migration in migrations._migrations}:  # noqa: SLF001 - there is no public list
        return f"a newer version of the monitor made it (it has '{max(newer)}'): upgrade this one"
    return None
