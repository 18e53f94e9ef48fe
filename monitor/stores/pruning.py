"""What is old enough goes, in small steps, and the disk gets its room back. What an alert tells of stays, and so do events.

Events are about as many as alerts and as small; which of them can still be joined only the rules know, so none is removed. What
was reported of an event goes with its article, or would if that had to; where an alert tells of the event, it stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.model import Pruned
from monitor.stores.rows import micros
from monitor.stores.voices import forget

if TYPE_CHECKING:
    from sqlite_utils import Database

STEP = 100
"""Articles, and originals, that go in one transaction: other writers wait for no more than that."""

PARAGRAPHS = 100
"""Paragraphs that go for each article that may: more than an article brings."""

SLACK = 8
"""One page in so many may lie idle, for what comes next; the rest is given back to the disk."""

# In the temporary database: filling them takes no lock that a writer waits for.
_DOOMED = (
    "DROP TABLE IF EXISTS temp.doomed_reports",
    "DROP TABLE IF EXISTS temp.doomed_articles",
    "DROP TABLE IF EXISTS temp.doomed_proofs",
    "DROP TABLE IF EXISTS temp.doomed_originals",
    "CREATE TEMP TABLE doomed_articles (row INTEGER PRIMARY KEY)",
    "CREATE TEMP TABLE doomed_reports (row INTEGER PRIMARY KEY)",
    """
    CREATE TEMP TABLE doomed_proofs (
        article INTEGER, revision TEXT, original INTEGER, PRIMARY KEY (article, revision, original)
    ) WITHOUT ROWID
    """,
    "CREATE TEMP TABLE doomed_originals (row INTEGER PRIMARY KEY, size INTEGER)",
)


def doom(db: Database, articles: datetime, originals: datetime, limit: int) -> tuple[Pruned, int]:
    """Marks what is to go and counts it; the number is how many rows that are, which may be some where the counts are all 0.

    Bytes go with the last version that was read from them.
    """
    for statement in _DOOMED:
        db.execute(statement)
    old = "SELECT row FROM articles WHERE told = 0 AND first_seen < ? ORDER BY first_seen, row LIMIT ?"
    db.execute(f"INSERT INTO doomed_articles {old}", (micros(articles), limit))
    lines = "SELECT row FROM reports WHERE told = 0 AND first_seen < ? ORDER BY first_seen, row LIMIT ?"
    db.execute(f"INSERT INTO doomed_reports {lines}", (micros(articles), limit))
    every = "SELECT article, revision, original FROM proofs WHERE article IN (SELECT row FROM doomed_articles)"
    db.execute(f"INSERT INTO doomed_proofs {every}")
    stale = "SELECT article, revision, original FROM proofs WHERE told = 0 AND at < ? ORDER BY at LIMIT ?"
    db.execute(f"INSERT OR IGNORE INTO doomed_proofs {stale}", (micros(originals), limit))
    db.execute("""
        INSERT INTO doomed_originals
        SELECT row, size FROM originals WHERE row IN (SELECT original FROM doomed_proofs) AND NOT EXISTS (
            SELECT 1 FROM proofs WHERE original = originals.row
            AND (article, revision, original) NOT IN (SELECT article, revision, original FROM doomed_proofs)
        )
    """)
    return _counted(db)


def _counted(db: Database) -> tuple[Pruned, int]:
    sql = """
        SELECT (SELECT count(*) FROM doomed_articles), (SELECT count(*) FROM doomed_proofs),
               (SELECT count(*) FROM doomed_originals), (SELECT coalesce(sum(size), 0) FROM doomed_originals),
               (SELECT count(*) FROM doomed_reports)
    """
    [(articles, proofs, originals, size, reports)] = db.execute(sql).fetchall()
    return Pruned(articles=articles, originals=originals, bytes=size), articles + proofs + reports


def step(db: Database, articles: datetime, originals: datetime, limit: int) -> tuple[Pruned, int]:
    """Removes up to `limit` articles and originals, and what was forgotten of paragraphs meanwhile."""
    gone = doom(db, articles, originals, limit)
    db.execute("DELETE FROM proofs WHERE (article, revision, original) IN (SELECT * FROM doomed_proofs)")
    db.execute("DELETE FROM articles WHERE row IN (SELECT row FROM doomed_articles)")
    db.execute("DELETE FROM reports WHERE row IN (SELECT row FROM doomed_reports)")
    _no_longer_unread(db)
    db.execute("DELETE FROM originals WHERE row IN (SELECT row FROM doomed_originals)")
    forget(db, limit * PARAGRAPHS)
    return gone


def _no_longer_unread(db: Database) -> None:
    """A page that is not kept any more cannot be read later."""
    db.execute("""
        UPDATE articles SET unread = NULL
        WHERE unread IS NOT NULL AND row IN (SELECT article FROM doomed_proofs) AND NOT EXISTS (
            SELECT 1 FROM proofs JOIN originals ON originals.row = original
            WHERE article = articles.row AND sha256 = articles.unread
        )
    """)


def give_back(db: Database) -> bool:
    """Shrinks the file by some pages if many lie idle; whether there is more to do. Only files made since m002 can.

    Their first transaction is what makes them able to; an older one can be made so by `PRAGMA auto_vacuum=INCREMENTAL; VACUUM`.
    """
    (idle,), (pages,) = (db.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count"))
    if idle <= pages // SLACK:
        return False
    db.execute(f"PRAGMA incremental_vacuum({min(idle - pages // SLACK, 10 * STEP)})").fetchall()
    (left,) = db.execute("PRAGMA freelist_count").fetchone()
    return bool(left < idle)


# How much there is

_SAMPLE = 1_000

_WEIGHTS = {
    "articles": ("articles", "length(CAST(whole AS BLOB)) + length(CAST(sketch AS BLOB))"),
    "revisions": ("revisions", "length(whole)"),
    "events": ("events", "length(CAST(whole AS BLOB))"),
    "reports": ("reports", "length(CAST(whole AS BLOB))"),
    "alerts": ("alerts", "length(CAST(whole AS BLOB))"),
    "deliveries": ("deliveries", "length(body)"),
}


def sizes(db: Database) -> dict[str, int]:
    """Bytes by kind. Originals and the file exactly; the others as their number times the mean of the latest 1,000."""
    found = {kind: _about(db, table, weight) for kind, (table, weight) in _WEIGHTS.items()}
    [(originals,)] = db.execute("SELECT coalesce(sum(size), 0) FROM originals").fetchall()
    page, pages, idle = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count"))
    return {**found, "originals": originals, "file": page * pages, "idle": page * idle}


def _about(db: Database, table: str, weight: str) -> int:
    latest = f"SELECT {weight} AS bytes FROM {table} ORDER BY rowid DESC LIMIT {_SAMPLE}"  # noqa: S608 - the table above
    [(count, mean)] = db.execute(f"SELECT (SELECT count(*) FROM {table}), coalesce(avg(bytes), 0) FROM ({latest})").fetchall()  # noqa: S608 - the same
    return int(count * mean)
