"""The store in one SQLite file. What `record` has returned from is on the disk, and stays there whatever happens next.

One thread owns the connection; the event loop only waits for it. Every method is one transaction.
"""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import fcntl
import functools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import IO, TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from sqlite_utils import Database

from monitor.errors import Outdated, StoreError
from monitor.model import Again, Alert, Delivery, Event, Fresh, GaveUp, Ledger, Outcome, Plan, Sent, Tally, Visit
from monitor.stores.migrations import migrations, objection
from rules import Article

if TYPE_CHECKING:
    import sqlite3
else:
    try:  # the very choice that sqlite-utils makes: a recent SQLite, where there is one
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

T = TypeVar("T")

BUSY = 5.0
"""Seconds to wait for another process that is writing."""

SOUND_WAL = (3, 51, 3)
"""Before this SQLite, a WAL may be corrupted when one connection writes while another checkpoints (sqlite.org/wal.html)."""

CHECKED = 256 * 1024 * 1024
"""Files up to this many bytes are read through on opening, so that damage is found before anything is built on it."""


class SqliteStore:
    """A store that survives kill -9 and power loss."""

    def __init__(self, path: Path, db: Database, thread: ThreadPoolExecutor, held: ExitStack) -> None:
        self._path = path
        self._db = db
        self._thread = thread
        self._held = held
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, sole: bool = False) -> SqliteStore:
        """The store in this file, which is made or brought up to date where needed.

        `sole`: the one process that may say so, until it closes or dies. Raises StoreError and leaves the file as it was.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            db, held = await asyncio.get_running_loop().run_in_executor(thread, _open, path, sole)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, db, thread, held)

    async def close(self) -> None:
        """Finishes what is under way and lets go of the file. May be repeated."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._on_thread(self._held.close)
        finally:
            self._thread.shutdown(wait=False)

    async def claim_sources(self, ids: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` of `ids` that are due, longest due first, those never visited before all others."""
        return await self._write(lambda db: _claim_sources(db, ids, now, lease, limit))

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last."""
        sql = "SELECT whole FROM visits WHERE source = ? AND whole IS NOT NULL"
        return next((_load(Visit, whole) for (whole,) in await self._rows(sql, source)), None)

    async def visited(self, visit: Visit) -> None:
        """Keeps the visit and gives the source's lease back."""
        sql = """
            INSERT INTO visits (source, due, whole) VALUES (?, ?, ?)
            ON CONFLICT (source) DO UPDATE SET due = excluded.due, whole = excluded.whole, leased_until = NULL
        """
        await self._write(lambda db: db.execute(sql, (visit.source, _micros(visit.due), _dump(visit))))

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        sql = "SELECT whole FROM visits WHERE whole IS NOT NULL ORDER BY source"
        return [_load(Visit, whole) for (whole,) in await self._rows(sql)]

    async def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those with a new id and no known page of the same digest, or with a new digest; the first of each id."""
        once: dict[str, Article] = {}
        for article in articles:
            once.setdefault(article.id, article)
        return await self._read(lambda db: [fresh for article in once.values() if (fresh := _fresh(db, article))])

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is to be asked for again by now, oldest first."""
        sql = "SELECT whole, first_seen, fills FROM articles WHERE refill <= ? ORDER BY refill, row LIMIT ?"
        rows = await self._rows(sql, _micros(now), limit)
        return [Fresh(article=_load(Article, whole), first_seen=_moment(seen), fills=n) for whole, seen, n in rows]

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came; a page of them."""
        sql = """
            SELECT whole, first_seen FROM articles
            WHERE first_seen >= ? AND row > coalesce((SELECT row FROM articles WHERE id = ?), 0) ORDER BY row LIMIT ?
        """
        rows = await self._rows(sql, _micros(since), after and _utf8(after), limit)
        return [Fresh(article=_load(Article, whole), first_seen=_moment(seen)) for whole, seen in rows]

    async def ledger(self, rules: Sequence[str], since: datetime) -> Ledger:
        """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps."""
        return await self._read(lambda db: _ledger(db, rules, since))

    async def record(self, plan: Plan) -> None:
        """Writes all of a plan or nothing. Raises Outdated where a rule's stamp has moved on."""
        await self._write(lambda db: _record(db, plan))

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun."""
        return await self._write(lambda db: _claim(db, now, lease, limit))

    async def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keeps the outcome, if the delivery is still held under this token."""
        await self._write(lambda db: _settle(db, delivery, outcome))

    async def release(self) -> None:
        """Voids all leases."""
        await self._write(_release)

    async def next_due(self) -> datetime | None:
        """When the next open delivery is due; of one under way, when its lease ends."""
        sql = "SELECT min(max(due, coalesce(leased_until, due))) FROM deliveries WHERE state IN ('waiting', 'leased')"
        [(due,)] = await self._rows(sql)
        return None if due is None else _moment(due)

    async def alerts(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Alert]:
        """The newest alerts first, those held back included."""
        end = _FAR if before is None else _micros(before)
        if rule is None:
            rows = await self._rows(
                "SELECT whole FROM alerts WHERE raised < ? ORDER BY raised DESC, row DESC LIMIT ?", end, limit
            )
        else:
            sql = "SELECT whole FROM alerts WHERE rule = ? AND raised < ? ORDER BY raised DESC, row DESC LIMIT ?"
            rows = await self._rows(sql, rule, end, limit)
        return [_load(Alert, whole) for (whole,) in rows]

    async def alert(self, id: str) -> Alert | None:
        """One alert by its id."""
        return next((_load(Alert, whole) for (whole,) in await self._rows("SELECT whole FROM alerts WHERE id = ?", id)), None)

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        [(articles, alerts, unfilled, waiting, dead, oldest, newest)] = await self._rows("""
            SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM alerts),
                   (SELECT count(*) FROM articles WHERE refill IS NOT NULL),
                   (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'leased')),
                   (SELECT count(*) FROM deliveries WHERE state = 'dead'),
                   (SELECT min(since) FROM deliveries WHERE state IN ('waiting', 'leased')),
                   (SELECT max(due) FROM deliveries WHERE state = 'dead')
        """)
        return Tally(
            articles=articles,
            alerts=alerts,
            unfilled=unfilled,
            waiting=waiting,
            dead=dead,
            oldest_waiting=None if oldest is None else _moment(oldest),
            newest_dead=None if newest is None else _moment(newest),
        )

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        return await self._read(lambda db: db.execute(sql, values).fetchall())

    async def _read(self, work: Callable[[Database], T]) -> T:
        return await self._on_thread(lambda: transaction(self._db, "BEGIN", work))

    async def _write(self, work: Callable[[Database], T]) -> T:
        # IMMEDIATE: a transaction that reads before it writes would otherwise fail at once when another process writes.
        return await self._on_thread(lambda: transaction(self._db, "BEGIN IMMEDIATE", work))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        # Shielded: giving up the wait does not stop the thread, so what it does is finished, not left half-done.
        try:
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error


def transaction(db: Database, begin: str, work: Callable[[Database], T]) -> T:
    """What `work` gives; all that it wrote is kept, or, if it raises, nothing."""
    db.execute(begin)
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
    return result


# Opening


def _open(path: Path, sole: bool) -> tuple[Database, ExitStack]:  # noqa: FBT001 - run_in_executor takes no keywords
    """The database, and what to close when done with it."""
    with _explained(path), ExitStack() as held:
        if sole:
            held.callback(_only_one(path).close)
        with _one_at_a_time(path.absolute().parent):
            _inspect(path)
            conn = sqlite3.connect(path.absolute(), timeout=BUSY, isolation_level=None)
            held.callback(conn.close)
            db = Database(conn, execute_plugins=False)
            _harden(db)
            transaction(db, "BEGIN IMMEDIATE", migrations.apply)
        return db, held.pop_all()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}") from error
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is no sound database ({error}): restore a backup, or name another file") from error


def _only_one(path: Path) -> IO[str]:
    """The locked `<path>.lock`: open until closed or killed. Its text is the pid, for whoever comes second."""
    lock = Path(f"{path}.lock").open("a+")  # noqa: SIM115 - stays open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StoreError(f"{path} is in use by another monitor (pid {holder}): stop that one, or name another file") from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    # A forked child shares the lock: one that outlives us would keep the next monitor out.
    os.register_at_fork(after_in_child=lock.close)
    return lock


def is_held(path: Path) -> bool:
    """Whether a process has this store for itself. It only looks, and does not need to be allowed to write."""
    try:
        with Path(f"{path}.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Processes that open a store in this folder take turns: neither the change to WAL nor a migration bears two at once."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)  # closing alone would leave it to a child that was forked meanwhile
        os.close(fd)


def _inspect(path: Path) -> None:
    """Raises StoreError or DatabaseError for a file that is damaged or not ours, which stays as it is, to the byte."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not path.exists() or path.stat().st_size == 0:
        return
    # Read-only, lest closing it moves the log of a damaged file. Only a rollback journal left by a crash needs more.
    mode = "rw" if Path(f"{path}-journal").exists() else "ro"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY)) as conn:
        _check(conn, path)
        if reason := objection(Database(conn, execute_plugins=False)):
            raise StoreError(f"{path} cannot be used: {reason}")


def _check(conn: sqlite3.Connection, path: Path) -> None:
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    size = path.stat().st_size  # now: a journal may just have been rolled back
    if size and not pages:  # SQLite takes a very short text for an empty database
        raise sqlite3.DatabaseError("file is not a database")
    (result,) = conn.execute("PRAGMA quick_check(1)").fetchone() if size <= CHECKED else ("ok",)
    if result != "ok":
        raise sqlite3.DatabaseError(" ".join(result.split()))


def _harden(db: Database) -> None:
    """Every commit is on the disk before it is reported. Asserted, not hoped: some file systems have no WAL."""
    journal = "wal" if sqlite3.sqlite_version_info >= SOUND_WAL else "truncate"
    (mode,) = db.execute(f"PRAGMA journal_mode={journal}").fetchone()
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    (synchronous,) = db.execute("PRAGMA synchronous").fetchone()
    if (mode, synchronous) != (journal, 2):
        raise sqlite3.OperationalError(f"this disk does not keep it safe (journal {mode}, synchronous {synchronous})")


# What the methods do, inside a transaction


def _claim_sources(db: Database, ids: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[str]:
    due = """
        SELECT wanted.value FROM json_each(?) AS wanted LEFT JOIN visits ON visits.source = wanted.value
        WHERE (due IS NULL OR due <= ?) AND (leased_until IS NULL OR leased_until <= ?)
        ORDER BY due NULLS FIRST, wanted.key LIMIT ?
    """
    rows = db.execute(due, (_dump(list(dict.fromkeys(ids))), _micros(now), _micros(now), limit)).fetchall()
    hold = """
        INSERT INTO visits (source, leased_until) VALUES (?, ?)
        ON CONFLICT (source) DO UPDATE SET leased_until = excluded.leased_until
    """
    for (source,) in rows:
        db.execute(hold, (source, _micros(now + lease)))
    return [source for (source,) in rows]


def _fresh(db: Database, article: Article) -> Fresh | None:
    known = db.execute("SELECT digest, first_seen FROM articles WHERE id = ?", (_utf8(article.id),)).fetchone()
    if known is None:
        return None if _is_twin(db, article) else Fresh(article=article)
    digest, first_seen = known
    return None if digest == article.digest else Fresh(article=article, first_seen=_moment(first_seen))


def _is_twin(db: Database, article: Article) -> bool:
    sql = "SELECT 1 FROM articles WHERE url = ? AND digest = ?"
    return article.url is not None and db.execute(sql, (_utf8(article.url), article.digest)).fetchone() is not None


def _ledger(db: Database, rules: Sequence[str], since: datetime) -> Ledger:
    events = """
        SELECT whole FROM events WHERE rule IN (SELECT value FROM json_each(?)) AND seen >= ? ORDER BY opened, row
    """
    found = db.execute(events, (_dump(rules), _micros(since))).fetchall()
    return Ledger(events=tuple(_load(Event, whole) for (whole,) in found), stamps={rule: _stamp(db, rule) for rule in rules})


def _stamp(db: Database, rule: str) -> int:
    found: tuple[int] | None = db.execute("SELECT stamp FROM stamps WHERE rule = ?", (rule,)).fetchone()
    return found[0] if found else 0


def _record(db: Database, plan: Plan) -> None:
    if moved := [rule for rule, stamp in plan.stamps.items() if _stamp(db, rule) != stamp]:
        raise Outdated(f"events of {', '.join(moved)} have changed since they were read")
    _keep_article(db, plan)
    for event in plan.events:
        _keep_event(db, event)
    for rule in sorted({event.rule for event in plan.events}):
        db.execute("INSERT INTO stamps VALUES (?, 1) ON CONFLICT (rule) DO UPDATE SET stamp = stamp + 1", (rule,))
    for alert in plan.alerts:
        _keep_alert(db, alert)
    for delivery in plan.deliveries:
        _keep_delivery(db, delivery)


def _keep_article(db: Database, plan: Plan) -> None:
    sql = """
        INSERT INTO articles (id, digest, url, revision, first_seen, refill, fills, sketch, whole)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            digest = excluded.digest, url = excluded.url, revision = excluded.revision, refill = excluded.refill,
            fills = excluded.fills, sketch = excluded.sketch, whole = excluded.whole
    """
    article = plan.article
    url = None if article.url is None else _utf8(article.url)
    refill = None if plan.refill is None else _micros(plan.refill)
    keys = (_utf8(article.id), article.digest, url, plan.revision, _micros(plan.first_seen))
    db.execute(sql, (*keys, refill, plan.fills, _dump(plan.sketch), _dump(article)))


def _keep_event(db: Database, event: Event) -> None:
    sql = """
        INSERT INTO events (id, rule, opened, seen, whole) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            rule = excluded.rule, opened = excluded.opened, seen = excluded.seen, whole = excluded.whole
    """
    db.execute(sql, (event.id, event.rule, _micros(event.opened), _micros(event.seen), _dump(event)))


def _keep_alert(db: Database, alert: Alert) -> None:
    sql = "INSERT INTO alerts (id, rule, raised, whole) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    db.execute(sql, (alert.id, alert.rule, _micros(alert.raised), _dump(alert)))


def _keep_delivery(db: Database, delivery: Delivery) -> None:
    sql = """
        INSERT INTO deliveries (alert, sink, body, since, due, attempts) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (alert, sink) DO NOTHING
    """
    due = _micros(delivery.due)
    db.execute(sql, (delivery.alert, delivery.sink, delivery.body, due, due, delivery.attempts))


def _claim(db: Database, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
    due = """
        SELECT alert, sink, body, due, attempts FROM deliveries
        WHERE state IN ('waiting', 'leased') AND due <= ? AND (leased_until IS NULL OR leased_until <= ?)
        ORDER BY since, rowid LIMIT ?
    """
    rows = db.execute(due, (_micros(now), _micros(now), limit)).fetchall()
    return [_lease(db, _delivery(row), now + lease) for row in rows]


def _lease(db: Database, delivery: Delivery, until: datetime) -> Delivery:
    held = dataclasses.replace(delivery, attempts=delivery.attempts + 1, token=secrets.token_hex(8))
    sql = "UPDATE deliveries SET state = 'leased', leased_until = ?, attempts = ?, token = ? WHERE alert = ? AND sink = ?"
    db.execute(sql, (_micros(until), held.attempts, held.token, held.alert, held.sink))
    return held


def _settle(db: Database, delivery: Delivery, outcome: Outcome) -> None:
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
            return "sent", None, None, _micros(at)
        case Again(_, due, reason):
            return "waiting", _micros(due), _utf8(reason), None
        case GaveUp(_, reason):
            return "dead", None, _utf8(reason), None


def _release(db: Database) -> None:
    db.execute("UPDATE visits SET leased_until = NULL WHERE leased_until IS NOT NULL")
    db.execute("UPDATE deliveries SET state = 'waiting', token = '', leased_until = NULL WHERE state = 'leased'")


# Values to and from rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 2**63 - 1


def _micros(at: datetime) -> int:
    """Microseconds since 1970: the precision of a datetime, so that equal times come back."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


_LONE = re.compile("[\ud800-\udfff]")


def _utf8(text: str) -> str:
    r"""The text with surrogates, which UTF-8 and so SQLite cannot hold, as `\udxxx`, which JSON reads back."""
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dump(value: object) -> str:
    return _utf8(json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")))


def _plain(value: Any) -> object:
    """What JSON can hold of a value: one level of it, `json` asks for the next."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


_AS_IS = {str, int, float, bool}
_hints = functools.cache(get_type_hints)


def _load(kind: type[T], whole: str) -> T:
    """The value that `_dump` wrote. A field added since has its default."""
    value: T = _value(kind, json.loads(whole))
    return value


def _value(kind: Any, saved: Any) -> Any:
    if saved is None or kind in _AS_IS:
        return saved
    if kind is datetime:
        return datetime.fromisoformat(saved)
    if dataclasses.is_dataclass(kind):
        return _fields(kind, saved)
    return _compound(get_origin(kind), get_args(kind)[0], saved)


def _fields(kind: Any, saved: dict[str, Any]) -> Any:
    return kind(**{name: _value(_hints(kind)[name], part) for name, part in saved.items()})


def _compound(origin: Any, inner: Any, saved: Any) -> Any:
    """A tuple of `inner`, an optional `inner`, or a mapping, which JSON gives back as it was."""
    if origin is tuple:
        return tuple(saved) if inner in _AS_IS else tuple(_value(inner, part) for part in saved)
    return _value(inner, saved) if origin is UnionType else saved


def _delivery(row: tuple[str, str, bytes, int, int]) -> Delivery:
    alert, sink, body, due, attempts = row
    return Delivery(alert=alert, sink=sink, body=body, due=_moment(due), attempts=attempts)
