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

from monitor.errors import StoreError
from monitor.stores.migrations import migrations, objection

if TYPE_CHECKING:
    import sqlite3
else:
    try:  # the very choice that sqlite-utils makes: a recent SQLite, where there is one
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

T = TypeVar("T")

Error = sqlite3.Error
"""What SQLite raises."""

BUSY = 5.0
"""Seconds to wait for another process that is writing."""

SOUND_WAL = (3, 51, 3)
"""Before this SQLite, a WAL may be corrupted when one connection writes while another checkpoints (sqlite.org/wal.html)."""

CHECKED = 256 * 1024 * 1024
"""Files up to this many bytes are read through on opening, so that damage is found before anything is built on it."""


def open_file(path: Path, sole: bool) -> tuple[Database, ExitStack]:  # noqa: FBT001 - run_in_executor takes no keywords
    """The database in this file, brought up to date, and what to close when done with it. Raises StoreError."""
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
    db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heeded by a file that is still empty, before anything else is said to it
    journal = "wal" if sqlite3.sqlite_version_info >= SOUND_WAL else "truncate"
    (mode,) = db.execute(f"PRAGMA journal_mode={journal}").fetchone()
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    (synchronous,) = db.execute("PRAGMA synchronous").fetchone()
    if (mode, synchronous) != (journal, 2):
        raise sqlite3.OperationalError(f"this disk does not keep it safe (journal {mode}, synchronous {synchronous})")
