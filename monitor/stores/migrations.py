"""The schema of the SQLite store, step by step. Append only: a released step is never edited, its name is its key.

Times are integers: microseconds since 1970, UTC. Not milliseconds: a datetime has microseconds, and what was put in has to
come back equal. Texts called `whole` are values as JSON; the columns beside them are what is searched by.
"""

from __future__ import annotations

import json

from sqlite_utils import Database, Migrations

from monitor.identity import address
from monitor.stores.rows import utf8

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


@migrations()
def m002_proof(db: Database) -> None:
    """Addresses, earlier versions, kept bytes, what sources repeat, and one source of a host at a time."""
    for statement in _PROOF:
        db.execute(statement)
    _catch_up(db)
    for statement in _PROOF_INDEXES:
        db.execute(statement)


# `source` and `address` (identity.address, as it was when the row was written) are what an article is known by beside its id.
# `at` is when the present revision was first examined. `told`: an alert tells of it, so it stays. `learnt`: its paragraphs were counted.
# `revisions` has versions that are no longer the present one, compressed. `proofs` says which bytes a version was read from.
# `paragraphs.first` is how many articles of the source there were when it first stood; past `until` it is forgotten.
_PROOF = (
    "ALTER TABLE articles ADD COLUMN source TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE articles ADD COLUMN address TEXT",
    "ALTER TABLE articles ADD COLUMN at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE articles ADD COLUMN unread TEXT",
    "ALTER TABLE articles ADD COLUMN told INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE articles ADD COLUMN learnt INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE visits ADD COLUMN host TEXT",
    """
    CREATE TABLE revisions (
        row INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES articles (row) ON DELETE CASCADE,
        revision TEXT NOT NULL, at INTEGER NOT NULL, whole BLOB NOT NULL, UNIQUE (article, revision)
    ) STRICT
    """,
    """
    CREATE TABLE originals (
        row INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, body BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE proofs (
        article INTEGER NOT NULL REFERENCES articles (row) ON DELETE CASCADE, revision TEXT NOT NULL,
        original INTEGER NOT NULL REFERENCES originals (row), at INTEGER NOT NULL, told INTEGER NOT NULL, whole TEXT NOT NULL,
        PRIMARY KEY (article, revision, original)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE voices (
        row INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, articles INTEGER NOT NULL, at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE paragraphs (
        voice INTEGER NOT NULL REFERENCES voices (row), hash INTEGER NOT NULL,
        times INTEGER NOT NULL, first INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (voice, hash)
    ) STRICT, WITHOUT ROWID
    """,
)


def _catch_up(db: Database) -> None:
    """Gives what is there already the new columns. In Python: SQL would not read JSON with surrogates as we wrote it."""
    db.register_function(_address_of)
    db.register_function(_source_of)
    db.register_function(_article_of)
    db.execute("UPDATE articles SET source = _source_of(whole), address = _address_of(whole), at = first_seen")
    db.execute("UPDATE articles SET told = 1 WHERE id IN (SELECT _article_of(whole) FROM alerts)")


def _address_of(article: str) -> str | None:
    url = json.loads(article)["url"]
    return (utf8(address(url)) or None) if url else None


def _source_of(article: str) -> str:
    return utf8(json.loads(article)["source"])


def _article_of(alert: str) -> str:
    return utf8(json.loads(alert)["article"]["id"])


_PROOF_INDEXES = (
    "DROP INDEX articles_page",
    "CREATE INDEX articles_text ON articles (address, digest) WHERE address IS NOT NULL",
    "CREATE INDEX articles_page ON articles (source, address) WHERE address IS NOT NULL",
    "CREATE INDEX articles_oldest ON articles (first_seen) WHERE told = 0",
    "CREATE INDEX originals_size ON originals (size)",
    "CREATE INDEX proofs_original ON proofs (original)",
    "CREATE INDEX proofs_oldest ON proofs (at) WHERE told = 0",
    "CREATE INDEX paragraphs_forgotten ON paragraphs (until)",
    "CREATE INDEX visits_due ON visits (due, leased_until, source)",
    "CREATE INDEX visits_leased ON visits (leased_until, host) WHERE leased_until IS NOT NULL",
)


@migrations()
def m003_timeline(db: Database) -> None:
    """What articles reported of events, hushes, and deliveries that wait for a digest."""
    for statement in _TIMELINE:
        db.execute(statement)
    _tell(db)
    for statement in _DIGESTS:
        db.execute(statement)


# `events.told`: an alert tells of it, so what was reported of it stays; `reports.told` says the same beside each report.
# `reports.first_seen` is that of its article, with which it goes otherwise.
_TIMELINE = (
    "ALTER TABLE events ADD COLUMN told INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX events_latest ON events (seen)",
    """
    CREATE TABLE reports (
        row INTEGER PRIMARY KEY, event TEXT NOT NULL, article TEXT NOT NULL, revision TEXT NOT NULL, rule TEXT NOT NULL,
        at INTEGER NOT NULL, first_seen INTEGER NOT NULL, told INTEGER NOT NULL, whole TEXT NOT NULL,
        UNIQUE (event, article, revision)
    ) STRICT
    """,
    "CREATE INDEX reports_history ON reports (rule, at)",
    "CREATE INDEX reports_of_article ON reports (article, rule)",
    "CREATE INDEX reports_oldest ON reports (first_seen) WHERE told = 0",
    "CREATE TABLE hushes (target TEXT PRIMARY KEY, whole TEXT NOT NULL) STRICT",
)


def _tell(db: Database) -> None:
    """Marks the events that there are alerts of. In Python for the reason given in `_catch_up`."""
    db.register_function(_events_of)
    db.execute("UPDATE events SET told = 1 WHERE id IN (SELECT value FROM alerts, json_each(_events_of(alerts.whole)))")


def _events_of(alert: str) -> str:
    return json.dumps([sighting["event"] for sighting in json.loads(alert)["sightings"]])


# A table is copied where what its CHECK allows is to grow. `since` orders, and so does the rowid among equals: it is kept.
# `digest` is the alert that stands for the digest in which this one was told.
_DIGESTS = (
    """
    CREATE TABLE deliveries_with_digests (
        alert TEXT NOT NULL REFERENCES alerts (id), sink TEXT NOT NULL, body BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'leased', 'sent', 'dead', 'collected', 'digested')),
        since INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
        token TEXT NOT NULL DEFAULT '', leased_until INTEGER, reason TEXT, sent_at INTEGER,
        digest TEXT REFERENCES alerts (id),
        PRIMARY KEY (alert, sink)
    ) STRICT
    """,
    """
    INSERT INTO deliveries_with_digests
        (rowid, alert, sink, body, state, since, due, attempts, token, leased_until, reason, sent_at)
    SELECT rowid, alert, sink, body, state, since, due, attempts, token, leased_until, reason, sent_at FROM deliveries
    """,
    "DROP TABLE deliveries",
    "ALTER TABLE deliveries_with_digests RENAME TO deliveries",
    "CREATE INDEX deliveries_open ON deliveries (since, due, leased_until) WHERE state IN ('waiting', 'leased')",
    "CREATE INDEX deliveries_collected ON deliveries (sink, alert) WHERE state = 'collected'",
)


@migrations()
def m004_breakers(db: Database) -> None:
    """Each receiver by itself: its breaker, its due deliveries, and what came back from every attempt."""
    for statement in _BREAKERS:
        db.execute(statement)


# `attempts` names a delivery by its key: rowids that no column stands for may change in a VACUUM.
_BREAKERS = (
    "CREATE TABLE breakers (sink TEXT PRIMARY KEY, state TEXT NOT NULL, due INTEGER, whole TEXT NOT NULL) STRICT",
    """
    CREATE TABLE attempts (
        row INTEGER PRIMARY KEY, alert TEXT NOT NULL, sink TEXT NOT NULL, whole TEXT NOT NULL,
        FOREIGN KEY (alert, sink) REFERENCES deliveries (alert, sink) ON DELETE CASCADE
    ) STRICT
    """,
    "CREATE INDEX attempts_of_delivery ON attempts (alert, sink)",
    "DROP INDEX deliveries_open",
    "CREATE INDEX deliveries_oldest ON deliveries (sink, since) WHERE state IN ('waiting', 'leased')",
    "CREATE INDEX deliveries_due ON deliveries (sink, due) WHERE state IN ('waiting', 'leased')",
    "CREATE INDEX deliveries_latest ON deliveries (since)",
    "CREATE INDEX deliveries_states ON deliveries (sink, state, since)",
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
