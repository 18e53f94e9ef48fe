"""What each source repeats, counted: under how many of its articles a paragraph stood, and out of how many since it first did."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.habits import standing
from monitor.stores.rows import dump, micros, utf8

if TYPE_CHECKING:
    from sqlite_utils import Database

REMEMBERED = timedelta(days=30)
"""How long a paragraph is remembered after it was last seen, for each time that it was."""

AT_MOST = 12
"""Times that count towards that: nothing that stands no more is remembered for longer than a year."""

COUNTED = 1_000
"""Paragraphs of one article that are counted: more say nothing but that somebody wants to fill the disk."""


def until(at: datetime, times: int) -> datetime:
    """How long a paragraph that was seen so often, and last at this time, is remembered."""
    return at + REMEMBERED * min(times, AT_MOST)


def different(paragraphs: Iterable[int]) -> list[int]:
    """The hashes that are counted: each once, in order, and not too many."""
    return list(dict.fromkeys(paragraphs))[:COUNTED]


def learn(db: Database, row: int, source: str, paragraphs: Collection[int], at: datetime) -> None:
    """Counts the paragraphs of the article in this row, unless that was done before."""
    if not paragraphs or not db.execute("UPDATE articles SET learnt = 1 WHERE row = ? AND learnt = 0", (row,)).rowcount:
        return
    heard = """
        INSERT INTO voices (source, articles, at) VALUES (?, 1, ?)
        ON CONFLICT (source) DO UPDATE SET articles = articles + 1, at = max(at, excluded.at) RETURNING row, articles
    """
    [(voice, number)] = db.execute(heard, (utf8(source), micros(at))).fetchall()
    count = """
        INSERT INTO paragraphs (voice, hash, times, first, until) VALUES (?, ?, 1, ?, ?)
        ON CONFLICT (voice, hash) DO UPDATE SET times = times + 1, until = ? + ? * min(times + 1, ?)
    """
    rest = (number, micros(until(at, 1)), micros(at), REMEMBERED // timedelta(microseconds=1), AT_MOST)
    db.conn.executemany(count, ((voice, one, *rest) for one in different(paragraphs)))


def repeated(db: Database, source: str, paragraphs: Collection[int]) -> set[int]:
    """Which of these paragraphs are the source's own voice."""
    sql = """
        SELECT hash, times, articles - first + 1 FROM voices JOIN paragraphs ON voice = voices.row
        WHERE source = ? AND hash IN (SELECT value FROM json_each(?))
    """
    found = db.execute(sql, (utf8(source), dump(list(paragraphs))))
    return {one for one, times, since in found if standing(times, since)}


def forget(db: Database, limit: int) -> None:
    """Removes up to `limit` paragraphs that were not seen for too long before the newest article. That is what time it is here."""
    sql = """
        DELETE FROM paragraphs WHERE (voice, hash) IN (
            SELECT voice, hash FROM paragraphs WHERE until < (SELECT max(at) FROM voices) ORDER BY until LIMIT ?
        )
    """
    db.execute(sql, (limit,))
