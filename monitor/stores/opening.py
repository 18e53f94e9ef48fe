"""Opening a SQLite file: one owner at a time, damaged and foreign files left alone to the byte, every commit on the disk."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from sqlite_utils import Database

from monitor.errors import Damaged, Held, StoreError
from monitor.stores.migrations import migrations, objection

if TYPE_CHECKING:
    import sqlite3
else:
    try:  # the very choice that sqlite-utils makes: a recent SQLite, where there is one
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

T = TypeVar("T")

Connection = sqlite3.Connection
Error = sqlite3.Error
"""What SQLite raises."""
Unable = sqlite3.OperationalError
"""What it raises where the file may be well: the disk is full or fails, or another process has it."""
Broken = sqlite3.DatabaseError
"""What it raises, and nothing more exact, where what is in the file is not as it was written."""

BUSY = 5.0
"""Seconds to wait for another process that is writing."""

TURNS = 10
"""So many times a store waits for a part of that, and looks between them whether it is being closed."""

CLOSING = 0.05
"""Seconds to wait for it once the store is being closed."""

SOUND_WAL = (3, 51, 3)
"""Before this SQLite, a WAL may be corrupted when one connection writes while another checkpoints (sqlite.org/wal.html)."""

CHECKED = 256 * 1024 * 1024
"""Files up to this many bytes are read through on opening, so that damage is found before anything is built on it."""

LOG = 16 * 1024 * 1024
"""Bytes of the write-ahead log that stay on the disk once it is written back; a reader that held it up for hours may have made it grow."""

RESTORE = "restore a backup, or name another file"


def open_file(path: Path, sole: bool) -> tuple[Database, ExitStack]:  # noqa: FBT001 - run_in_executor takes no keywords
    """The database in this file, brought up to date, and what to close when done with it. Raises StoreError."""
    with explained(path), ExitStack() as held:
        if sole:
            held.callback(only_one(path).close)
        beside = not sole and is_held(path)  # by one that has read it through
        with _one_at_a_time(path.absolute().parent):
            inspect(path, thoroughly=not beside)
            conn = connect(path.absolute().as_uri())
            held.callback(conn.close)
            db = Database(conn, execute_plugins=False)
            _harden(db)
            _bring_up(db, beside=beside)
            wait(db, BUSY / TURNS)
        return db, held.pop_all()


def _bring_up(db: Database, *, beside: bool) -> None:
    """To the present schema; nothing is written where that is what it has, so that who only reads waits for nobody."""
    if not migrations.pending(db):
        return
    if beside:
        raise sqlite3.OperationalError("the monitor that runs on it is of an older version: restart that one first")
    transaction(db, "BEGIN IMMEDIATE", migrations.apply)


def connect(uri: str) -> sqlite3.Connection:
    """A connection that begins no transaction by itself. Tests of power loss put a disk of their own in its place."""
    return sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)


def reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, lest closing it moves the log of a damaged file. Only a journal left by a crash needs more."""
    mode = "rw" if Path(f"{path}-journal").exists() else "ro"
    return connect(f"{path.absolute().as_uri()}?mode={mode}")


def transaction(db: Database, begin: str, work: Callable[[Database], T]) -> T:
    """What `work` gives; all that it wrote is kept, or, if it raises, nothing."""
    if db.conn.in_transaction:  # the disk failed as the one before was rolled back
        db.rollback()
    try:
        db.execute(begin)
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
    return result


def wait(db: Database, seconds: float) -> None:
    """So long this connection waits for another process from now on."""
    db.execute(f"PRAGMA busy_timeout={round(1000 * seconds)}")


def busy(error: Exception) -> bool:
    """Whether it failed because another process writes, and for nothing else; nothing of it is kept."""
    return isinstance(error, Unable) and "locked" in str(error)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What goes wrong with this file is a StoreError that says so in words."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise trouble(f"{path} cannot be used", path, error) from error


def trouble(failed: str, path: Path, error: sqlite3.Error) -> StoreError:
    """What SQLite said of this file as something failed, in words. Damage is told from a full disk, which passes."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _PASSING):
        return Damaged(f"{path} is no sound database ({error}): {RESTORE}")
    return StoreError(f"{failed}: {error}")


_PASSING = (
    sqlite3.OperationalError,
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)
"""The disk, other processes, or our own mistake. Of damage alone SQLite's wrapper has nothing more exact to say than DatabaseError."""


def only_one(path: Path) -> IO[str]:
    """The locked `<path>.lock`: open until closed or killed. Its text is the pid, for whoever comes second."""
    lock = Path(f"{path}.lock").open("a+")  # noqa: SIM115 - stays open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Held(f"{path} is in use by another monitor (pid {holder}): stop that one, or name another file") from error
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


def inspect(path: Path, *, thoroughly: bool = True) -> None:
    """Raises StoreError or DatabaseError for a file that is damaged or not ours, which stays as it is, to the byte.

    `thoroughly`: reads it through, unless it is very large.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not path.exists() or path.stat().st_size == 0:
        return
    _refuse_foreign_log(path)
    with closing(reader(path)) as conn:
        _check(conn, path, CHECKED if thoroughly else 0)
        if reason := objection(Database(conn, execute_plugins=False)):
            raise StoreError(f"{path} cannot be used: {reason}")


def _refuse_foreign_log(path: Path) -> None:
    """A file that keeps no log, beside one: SQLite would write the log of the file that was there before into this one.

    What `monitor backup` makes keeps none; a file is marked to keep one before its log has anything in it.
    """
    log = Path(f"{path}-wal")
    with path.open("rb") as file:
        keeps_none = file.read(20)[18:] == b"\1\1"
    if keeps_none and log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path} was copied over another file, whose log {log.name} is still there and would damage it: 'monitor restore'"
            f" puts a backup in place rightly; if {path.name} is what you want, remove {log.name} and {path.name}-shm"
        )


def _check(conn: sqlite3.Connection, path: Path, most: int) -> None:
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    size = path.stat().st_size  # now: a journal may just have been rolled back
    if size and not pages:  # SQLite takes a very short text for an empty database
        raise sqlite3.DatabaseError("file is not a database")
    (result,) = conn.execute("PRAGMA quick_check(1)").fetchone() if size <= most else ("ok",)
    if result != "ok":
        raise sqlite3.DatabaseError(" ".join(result.split()))


def engine() -> str:
    """Which SQLite this is, and how it keeps what is being written: for people to know."""
    return f"SQLite {sqlite3.sqlite_version}, journal {_journal()}"


def _journal() -> str:
    return "wal" if sqlite3.sqlite_version_info >= SOUND_WAL else "truncate"


def _harden(db: Database) -> None:
    """Every commit is on the disk before it is reported. Asserted, not hoped: some file systems have no WAL."""
    if not db.execute("PRAGMA page_count").fetchone()[0]:
        db.execute(
            "PRAGMA auto_vacuum=INCREMENTAL"
        )  # heeded by a file that is still empty; of any other it waits for all who write
    journal = _journal()
    (mode,) = db.execute(f"PRAGMA journal_mode={journal}").fetchone()
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute(f"PRAGMA journal_size_limit={LOG}")
    (synchronous,) = db.execute("PRAGMA synchronous").fetchone()
    if (mode, synchronous) != (journal, 2):
        raise sqlite3.OperationalError(f"this disk does not keep it safe (journal {mode}, synchronous {synchronous})")
