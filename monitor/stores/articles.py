"""Articles in SQL: which are new, how they are kept with their earlier versions and the bytes that they were read from."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.identity import address, same_page
from monitor.model import Fresh, Original, Plan, Revision
from monitor.stores.rows import dump, load, micros, moment, utf8
from rules import Article

if TYPE_CHECKING:
    from sqlite_utils import Database

LOOKED_AT = 20
"""Articles that one source gave under one address of which the titles are compared, the newest: a home page may stand in thousands."""


def key(article: Article) -> str | None:
    """What the spellings of an article's address have in common; None: it has none."""
    return (address(article.url) or None) if article.url else None


def once(fresh: Iterable[Fresh | None]) -> list[Fresh]:
    """Those that are something, the first of each id."""
    found: dict[str, Fresh] = {}
    for one in fresh:
        if one:
            found.setdefault(one.article.id, one)
    return list(found.values())


def first_of_each(articles: Iterable[Article]) -> list[Article]:
    """The articles with each id once."""
    found: dict[str, Article] = {}
    for one in articles:
        found.setdefault(one.id, one)
    return list(found.values())


# New or not


def unseen(db: Database, articles: Sequence[Article]) -> list[Fresh]:
    """Those that are new, or new versions of what is known by id, or by address and title."""
    return once(_fresh(db, one) for one in first_of_each(articles))


def _fresh(db: Database, article: Article) -> Fresh | None:
    known = db.execute("SELECT digest, first_seen FROM articles WHERE id = ?", (utf8(article.id),)).fetchone()
    if known is None:
        return _by_address(db, article)
    digest, first_seen = known
    return None if digest == article.digest else Fresh(article=article, first_seen=moment(first_seen))


def _by_address(db: Database, article: Article) -> Fresh | None:
    """One with an unknown id: not new if somebody gave the same text there; else perhaps what its source gave there before."""
    at = key(article)
    if at is None:
        return Fresh(article=article)
    same = "SELECT 1 FROM articles WHERE address = ? AND digest = ?"
    if db.execute(same, (utf8(at), article.digest)).fetchone():
        return None
    return _renamed(db, article, at) or Fresh(article=article)


def _renamed(db: Database, article: Article, at: str) -> Fresh | None:
    sql = "SELECT digest, first_seen, whole FROM articles WHERE source = ? AND address = ? ORDER BY row DESC LIMIT ?"
    for digest, first_seen, whole in db.execute(sql, (utf8(article.source), utf8(at), LOOKED_AT if article.source else 0)):
        known = json.loads(whole)
        if same_page(known["title"], digest, article):
            return Fresh(article=replace(article, id=known["id"]), first_seen=moment(first_seen))
    return None


# Reading


def unfilled(db: Database, now: datetime, limit: int) -> list[Fresh]:
    """Articles whose page is to be asked for again by now, oldest first."""
    sql = "SELECT whole, first_seen, unread, fills FROM articles WHERE refill <= ? ORDER BY refill, row LIMIT ?"
    return [_read(*row) for row in db.execute(sql, (micros(now), limit))]


def page(db: Database, since: datetime, after: str | None, limit: int) -> list[Fresh]:
    """Articles first seen at or after `since` that came after the one called `after`, in the order they came."""
    sql = """
        SELECT whole, first_seen, unread FROM articles
        WHERE first_seen >= ? AND row > coalesce((SELECT row FROM articles WHERE id = ?), 0) ORDER BY row LIMIT ?
    """
    return [_read(*row) for row in db.execute(sql, (micros(since), after and utf8(after), limit))]


def _read(whole: str, first_seen: int, unread: str | None, fills: int = 0) -> Fresh:
    return Fresh(article=load(Article, whole), first_seen=moment(first_seen), fills=fills, unread=unread)


def revisions(db: Database, article: str) -> list[Revision]:
    """Every version of the article, the present one last."""
    sql = "SELECT row, unread, revision, at, whole FROM articles WHERE id = ?"
    found = db.execute(sql, (utf8(article),)).fetchone()
    if found is None:
        return []
    row, unread, *present = found
    earlier = db.execute("SELECT revision, at, whole FROM revisions WHERE article = ? ORDER BY row", (row,)).fetchall()
    versions = [_version(db, row, revision, at, unpacked(whole)) for revision, at, whole in earlier]
    return [*versions, replace(_version(db, row, *present), unread=unread)]


def _version(db: Database, row: int, revision: str, at: int, whole: str | bytes) -> Revision:
    kept = tuple(_originals(db, row, revision))
    return Revision(article=load(Article, whole), revision=revision, at=moment(at), originals=kept)


def _originals(db: Database, row: int, revision: str) -> Iterable[Original]:
    sql = """
        SELECT proofs.at, proofs.whole, body FROM proofs JOIN originals ON originals.row = original
        WHERE article = ? AND revision = ? ORDER BY proofs.at, original
    """
    for at, whole, body in db.execute(sql, (row, revision)).fetchall():
        yield Original(at=moment(at), body=unpacked(body), **json.loads(whole))


def original(db: Database, sha256: str) -> bytes | None:
    """Kept bytes by their digest."""
    found = db.execute("SELECT body FROM originals WHERE sha256 = ?", (utf8(sha256),)).fetchone()
    return unpacked(found[0]) if found else None


def kept(db: Database, sha256: str) -> bool:
    """Whether bytes of this digest are kept."""
    return db.execute("SELECT 1 FROM originals WHERE sha256 = ?", (sha256,)).fetchone() is not None


# Keeping


def keep(db: Database, plan: Plan, packed: Mapping[str, bytes]) -> int:
    """The row of the article, which is now as the plan says, with its bytes; what it was before has become an earlier version.

    `packed` are bytes compressed beforehand, by their digest.
    """
    _set_aside(db, plan)
    row = _keep(db, plan)
    for one in plan.originals:
        _prove(db, row, plan.revision, one, packed)
    return row


def _set_aside(db: Database, plan: Plan) -> None:
    """Moves the present version to the earlier ones, where each stands once, if the plan brings another."""
    sql = "SELECT row, revision, at, whole FROM articles WHERE id = ? AND revision <> ?"
    found = db.execute(sql, (utf8(plan.article.id), plan.revision)).fetchone()
    if found is None:
        return
    row, revision, at, whole = found
    db.execute("DELETE FROM revisions WHERE article = ? AND revision = ?", (row, plan.revision))
    add = "INSERT INTO revisions (article, revision, at, whole) VALUES (?, ?, ?, ?)"
    db.execute(add, (row, revision, at, pack(whole.encode())))


def _keep(db: Database, plan: Plan) -> int:
    sql = """
        INSERT INTO articles (id, digest, url, revision, first_seen, refill, fills, sketch, whole, source, address, at, unread)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            digest = excluded.digest, url = excluded.url, revision = excluded.revision, refill = excluded.refill,
            fills = excluded.fills, sketch = excluded.sketch, whole = excluded.whole, source = excluded.source,
            address = excluded.address, unread = excluded.unread,
            at = CASE WHEN articles.revision = excluded.revision THEN articles.at ELSE excluded.at END
        RETURNING row
    """
    article, at = plan.article, key(plan.article)
    values: list[Any] = [utf8(article.id), article.digest, article.url and utf8(article.url), plan.revision]
    values += [micros(plan.first_seen), plan.refill and micros(plan.refill), plan.fills, dump(plan.sketch), dump(article)]
    values += [utf8(article.source), at and utf8(at), micros(plan.at), plan.unread]
    [(row,)] = db.execute(sql, values).fetchall()
    return int(row)


def _prove(db: Database, row: int, revision: str, one: Original, packed: Mapping[str, bytes]) -> None:
    sql = """
        INSERT INTO proofs (article, revision, original, at, told, whole)
        VALUES (?, ?, ?, ?, (SELECT told FROM articles WHERE row = ?), ?) ON CONFLICT DO NOTHING
    """
    about = dump({"url": one.url, "kind": one.kind, "content_type": one.content_type})
    db.execute(sql, (row, revision, _row_of(db, one, packed), micros(one.at), row, about))


def _row_of(db: Database, one: Original, packed: Mapping[str, bytes]) -> int:
    """Where the bytes are: once, whoever gave them."""
    found = db.execute("SELECT row FROM originals WHERE sha256 = ?", (one.sha256,)).fetchone()
    if found is None:
        body = packed.get(one.sha256) or pack(one.body)
        sql = "INSERT INTO originals (sha256, size, body) VALUES (?, ?, ?) RETURNING row"
        [found] = db.execute(sql, (one.sha256, len(body), body)).fetchall()
    return int(found[0])


def stay(db: Database, articles: Iterable[Article]) -> None:
    """What an alert tells of is never pruned, nor what it was read from."""
    for one in articles:
        db.execute("UPDATE articles SET told = 1 WHERE id = ? AND told = 0", (utf8(one.id),))
        sql = "UPDATE proofs SET told = 1 WHERE told = 0 AND article = (SELECT row FROM articles WHERE id = ?)"
        db.execute(sql, (utf8(one.id),))


# Compressed

LEVEL = 6
"""Measured on pages: 18 % of their size in 1.5 ms each; level 1 takes 0.7 ms and 21 %."""


def pack(body: bytes) -> bytes:
    """The bytes, compressed."""
    return zlib.compress(body, LEVEL)


def unpacked(body: bytes) -> bytes:
    """The bytes that `pack` was given."""
    return zlib.decompress(body)
