"""A copy of a SQLite store beside the monitor that writes to it, and such a copy put back in its place.

Cut short anywhere, either leaves what was there before as it was. Copying the file by hand does not: its last commits lie in the log
beside it, and a log that is left beside another file is written into that one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import Damaged, StoreError
from monitor.stores import opening
from monitor.stores.opening import connect, explained, inspect, is_held, only_one, reader

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[int, int], None]
"""Is told how many pages are done, and of how many."""

PAGES = 1_000
"""Pages that are copied between two words on how far it is: 4 MB."""

LOGS = ("-wal", "-journal", "-shm")
"""What SQLite keeps beside a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What is in a copy."""

    path: Path
    bytes: int
    alerts: int
    waiting: int
    """Deliveries still to be made."""


def back_up(store: Path, target: Path, *, force: bool = False, progress: Progress = lambda _done, _all: None) -> Saved:
    """Copies the store to `target` as it is at one moment, read through and on the disk before it bears that name.

    Nobody who writes to the store is held up. `force`: in the place of what is there. Raises StoreError.
    """
    with explained(store):
        _must_exist(store, "'monitor run' makes it")
        inspect(store, thoroughly=False)  # the copy is
    with explained(target):
        _refuse(store, target, force)
        with _spare(target) as spare:
            saved = _copied(store, spare, progress)
            _refuse(store, target, force)
            _put(spare, target)
    return Saved(path=target, bytes=saved.bytes, alerts=saved.alerts, waiting=saved.waiting)


def restore(backup: Path, store: Path, aside: Path, *, progress: Progress = lambda _done, _all: None) -> Saved:
    """Puts a copy of `backup` in the place of the store, which is kept as `aside`. Raises StoreError, also while a monitor runs on it."""
    with explained(backup):
        _must_exist(backup, "name a file that 'monitor backup' made")
        inspect(backup)
    with explained(store):
        if store.exists() and backup.samefile(store):
            raise StoreError(f"{backup} is the store itself: name a file that 'monitor backup' made")
        with closing(only_one(store)), _spare(store) as spare:
            saved = _copied(backup, spare, progress)
            if store.exists():
                _like(store, spare)
                _keep(store, aside)
            _clear(store, aside)
            _put(spare, store)
    return Saved(path=store, bytes=saved.bytes, alerts=saved.alerts, waiting=saved.waiting)


# What is refused


def _must_exist(path: Path, otherwise: str) -> None:
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        raise StoreError(f"{path} is {'empty' if path.exists() else 'not there'}: {otherwise}")


def _refuse(store: Path, target: Path, force: bool) -> None:  # noqa: FBT001 - an option
    if target.is_dir():
        raise StoreError(f"{target} is a folder: name the file to make, such as {target / 'monitor-backup.db'}")
    if target.exists() and target.samefile(store):
        raise StoreError(f"{target} is the store itself: name another file")
    if is_held(target) or any(_weighs(f"{target}{ending}") for ending in LOGS):
        raise StoreError(f"{target} is a store in use: name another file")
    if target.exists() and not force:
        raise StoreError(f"{target} is there already: name another file, or say --force to put the backup in its place")


def _weighs(name: str) -> bool:
    return Path(name).exists() and Path(name).stat().st_size > 0


# Copying


@contextmanager
def _spare(target: Path) -> Iterator[Path]:
    """An empty file beside it for us alone, that only we may read; gone afterwards, unless it has taken its place."""
    spare = target.with_name(f".{target.name}.new")
    fd = os.open(spare, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _claim(fd, spare, target)
        try:
            yield spare
        finally:
            _remove(spare, "", *LOGS)
    finally:
        os.close(fd)


def _claim(fd: int, spare: Path, target: Path) -> None:
    """Makes it ours, empty, whatever one that was killed has left in it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = spare.exists() and os.fstat(fd).st_ino == spare.stat().st_ino  # else the other has just put it in place
    except BlockingIOError:
        ours = False
    if not ours:
        raise StoreError(f"another process is writing {target} right now: wait for it, or name another file")
    _remove(spare, *LOGS)
    os.fchmod(fd, 0o600)
    os.ftruncate(fd, 0)


def _remove(path: Path, *endings: str) -> None:
    for ending in endings:
        Path(f"{path}{ending}").unlink(missing_ok=True)


def _copied(source: Path, spare: Path, progress: Progress) -> Saved:
    """All that is in `source` at this moment, in one file without a log, and sound."""
    with closing(reader(source)) as given, closing(connect(spare.absolute().as_uri())) as copy:
        copy.execute("PRAGMA journal_mode=OFF")  # if we are killed, nobody wants what there is of it
        copy.execute("PRAGMA synchronous=OFF")
        _hold(given)
        given.backup(copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
    with closing(connect(spare.absolute().as_uri())) as copy:
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()
        return _proved(copy, source, spare)


def _hold(conn: opening.Connection) -> None:
    """What it reads stays as it is now. Else a copy begins anew whenever another process writes, and beside a busy one never ends."""
    conn.execute("BEGIN")
    conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _proved(copy: opening.Connection, source: Path, spare: Path) -> Saved:
    (result,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if result != "ok":
        raise Damaged(f"{source} is no sound database ({' '.join(result.split())}): {opening.RESTORE}")
    waiting = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'leased')"
    (alerts,), (deliveries,) = (copy.execute(sql).fetchone() for sql in ("SELECT count(*) FROM alerts", waiting))
    return Saved(path=spare, bytes=spare.stat().st_size, alerts=alerts, waiting=deliveries)


def _put(spare: Path, target: Path) -> None:
    """Gives it its name, once it is on the disk; and that name, too, is there to stay."""
    _sync(spare)
    spare.replace(target)
    _sync(target.absolute().parent)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# What was there before


def _like(store: Path, spare: Path) -> None:
    """Whoever could read the store can read what comes in its place."""
    shutil.copymode(store, spare)
    if os.geteuid() == 0:
        os.chown(spare, store.stat().st_uid, store.stat().st_gid)


def _keep(store: Path, aside: Path) -> None:
    """The store under another name, too. A sound one has its log written back first, so that one step can take its place."""
    try:
        inspect(store)
        _fold(store)
    except opening.Unable:  # a disk that is full, or somebody who reads: nothing was changed
        raise
    except (StoreError, opening.Error):
        pass  # damaged: kept as it is, with its log
    try:
        os.link(store, aside)
    except PermissionError:  # a disk that knows no links
        shutil.copy2(store, aside)


def _fold(store: Path) -> None:
    """Refused while anybody has it open."""
    with closing(connect(store.absolute().as_uri())) as conn:
        conn.execute("PRAGMA journal_mode=DELETE").fetchone()


def _clear(store: Path, aside: Path) -> None:
    """No log of the former file is left beside the next, which it would be written into."""
    for ending in LOGS[:2]:
        if Path(f"{store}{ending}").exists():
            Path(f"{store}{ending}").rename(f"{aside}{ending}")
    _remove(store, LOGS[2])
