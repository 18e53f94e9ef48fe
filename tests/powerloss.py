"""A disk that loses its power: SQLite on apsw writes through it, and what would be left is known for every moment of the run.

Nothing is stopped for that. Each call that changes a file is written down, in order, and takes effect at once, as in the cache of
an operating system. Power lost at call number N leaves what the calls before N made durable, and as much of the rest as the disk
got round to. Files are durable after `xSync`; that a file is there, or gone, after a sync of its folder, which SQLite asks for
with the first sync of a journal or log, and with some deletions.

`Connection` is as much of a `sqlite3.Connection` as our code and sqlite-utils ask for, and raises what that would raise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

from monitor.stores import opening

sqlite3 = opening.sqlite3  # type: ignore[attr-defined] # the very module, for its exceptions

SECTOR = 512

Image = dict[str, bytes]
"""What lies on the disk: files by name."""


# What is done to a disk


@dataclass(frozen=True, slots=True)
class Wrote:
    file: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Shortened:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Made:
    file: int
    name: str


@dataclass(frozen=True, slots=True)
class Deleted:
    name: str


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done to a file before, or to the names in the folder, is durable."""

    file: int | None = None
    folder: bool = False


Change = Wrote | Shortened | Made | Deleted
Call = Change | Synced


@dataclass
class Disk:
    """A folder whose files lose what was not synced, and the journal of all that was done to them.

    `journal` also takes whatever else others want to remember between the calls: what was committed, what was told.
    """

    folder: Path
    start: Image = field(default_factory=dict)
    journal: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, content in self.start.items():
            (self.folder / name).write_bytes(content)
        self.names = {name: number for number, name in enumerate(self.start)}
        self._numbers = itertools.count(len(self.start))

    def number(self, path: str) -> int:
        """The file of this name, which is made if there is none."""
        name = Path(path).name
        if name not in self.names:
            self.names[name] = next(self._numbers)
            self.journal.append(Made(self.names[name], name))
        return self.names[name]

    def delete(self, path: str, *, folder: bool) -> None:
        """The name is gone; the file of the next one of this name is another."""
        name = Path(path).name
        if self.names.pop(name, None) is not None:
            self.journal.append(Deleted(name))
        if folder:
            self.journal.append(Synced(folder=True))

    def calls(self) -> list[int]:
        """Where in the journal the disk is asked for something: power is lost before one of these, or after the last."""
        return [at for at, entry in enumerate(self.journal) if isinstance(entry, Call)]

    def left(self, at: int, how: Survival, chance: Random, *, deaf: bool = False) -> Image:
        """What is there when power was lost at this place in the journal. `deaf`: the disk only says that it syncs."""
        files = {number: bytearray(content) for number, content in enumerate(self.start.values())}
        names = {name: number for number, name in enumerate(self.start)}
        pending: list[Change] = []
        for entry in self.journal[:at]:
            if isinstance(entry, Change):
                pending.append(entry)
            elif isinstance(entry, Synced) and not deaf:
                _apply([one for one in pending if _settled(one, entry)], files, names)
                pending = [one for one in pending if not _settled(one, entry)]
        _apply(how(pending, chance), files, names)
        return {name: bytes(files.get(number, b"")) for name, number in names.items()}


def _settled(change: Change, sync: Synced) -> bool:
    if isinstance(change, Made | Deleted):
        return sync.folder
    return change.file == sync.file


def _apply(changes: Collection[Change], files: dict[int, bytearray], names: dict[str, int]) -> None:
    for one in changes:
        match one:
            case Made(file, name):
                names[name] = file
            case Deleted(name):
                names.pop(name, None)
            case Shortened(file, size):
                del files.setdefault(file, bytearray())[size:]
            case Wrote(file, start, data):
                content = files.setdefault(file, bytearray())
                content.extend(bytes(max(0, start - len(content))))  # a hole reads as zeros
                content[start : start + len(data)] = data


# What survives of that which was not synced

Survival = Callable[[Sequence[Change], Random], Sequence[Change]]


def nothing(_pending: Sequence[Change], _chance: Random) -> Sequence[Change]:
    """Only what was synced."""
    return ()


def some(pending: Sequence[Change], chance: Random) -> Sequence[Change]:
    """Any of it; now and then nearly none, or nearly all."""
    share = chance.choice((0.1, 0.5, 0.9))
    return [one for one in pending if chance.random() < share]


def torn(pending: Sequence[Change], chance: Random) -> Sequence[Change]:
    """All until some moment; of the last write, only its beginning."""
    kept = list(pending[: chance.randint(0, len(pending))])
    if kept and isinstance(last := kept[-1], Wrote):
        kept[-1] = chance.choice(list(_sectors(last, start=True)))
    return kept


def reordered(pending: Sequence[Change], chance: Random) -> Sequence[Change]:
    """Any sectors of it, in any order; where one was written twice, either may be the one that stays."""
    pieces = [piece for one in pending for piece in (_sectors(one) if isinstance(one, Wrote) else [one])]
    share = chance.choice((0.2, 0.5, 0.8))
    kept = [one for one in pieces if chance.random() < share]
    chance.shuffle(kept)
    return kept


SURVIVALS: Mapping[str, Survival] = {"nothing": nothing, "some": some, "torn": torn, "reordered": reordered}


def _sectors(write: Wrote, *, start: bool = False) -> Iterator[Wrote]:
    """The write in pieces that end where sectors do; `start`: each from the beginning of the write."""
    end = write.at + len(write.data)
    ends = [*range(write.at - write.at % SECTOR + SECTOR, end, SECTOR), end]
    for begin, stop in zip([write.at, *ends], ends, strict=False):
        first = write.at if start else begin
        yield Wrote(write.file, first, write.data[first - write.at : stop - write.at])


# The file system as SQLite sees it

_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
_KEPT = apsw.SQLITE_OPEN_MAIN_DB | _JOURNALS


class _Vfs(apsw.VFS):
    """The files of the system, watched; temporary ones, which no recovery reads, and shared memory are left alone."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite calls it that
        if name is None or not flags[0] & _KEPT:
            return apsw.VFSFile("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(self._disk, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001 - the same
        if Path(filename).exists():  # else SQLite is content, but apsw raises what it was told in the end
            super().xDelete(filename, syncdir)
        self._disk.delete(filename, folder=syncdir)


class _File(apsw.VFSFile):
    """A file of the system, watched. What it says of the disk (powersafe overwrites, no atomic ones) is what Linux says."""

    def __init__(self, disk: Disk, path: str, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._number = disk.number(path)
        self._folder = bool(flags[0] & _JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)  # as os_unix.c decides it

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - the same
        super().xWrite(data, offset)
        self._disk.journal.append(Wrote(self._number, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - the same
        super().xTruncate(newsize)
        self._disk.journal.append(Shortened(self._number, newsize))

    def xSync(self, _flags: int) -> None:  # noqa: N802 - the same
        self._disk.journal.append(Synced(self._number, folder=self._folder))
        self._folder = False


# The connection as our code sees it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How SQLite is set, so that much happens in a short run; `synchronous`: in the place of the FULL that is asked for."""

    checkpoint: int = 16
    """Pages in the log at which it is copied into the database."""
    cache: int | None = None
    """Pages in memory: with few, a transaction spills onto the disk before it is committed."""
    synchronous: str = "FULL"


@contextmanager
def connections(disk: Disk, tuning: Tuning, committed: Callable[[apsw.Connection], object]) -> Iterator[Callable[[str], Any]]:
    """What makes connections to files of this disk. The journal remembers what `committed` gives after each COMMIT of a change."""
    vfs = _Vfs(f"powerloss-{id(disk)}", disk)
    try:
        yield lambda uri: Connection(uri, f"powerloss-{id(disk)}", tuning, lambda conn: disk.journal.append(committed(conn)))
    finally:
        vfs.unregister()


class Connection:
    """A `sqlite3.Connection` on apsw that begins no transaction by itself."""

    isolation_level = None

    def __init__(self, uri: str, vfs: str, tuning: Tuning, committed: Callable[[apsw.Connection], object]) -> None:
        flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        with _translated():
            self._conn = apsw.Connection(uri, flags=flags, vfs=vfs)
        self._conn.set_busy_timeout(5000)
        self._conn.wal_autocheckpoint(tuning.checkpoint)
        if tuning.cache:
            self._conn.execute(f"PRAGMA cache_size={tuning.cache}")
        self._reads = self._conn.readonly("main")
        self._synchronous = tuning.synchronous
        self._committed = committed
        self._changes = 0

    @property
    def in_transaction(self) -> bool:
        return self._conn.in_transaction

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        if self._synchronous != "FULL" and sql.startswith("PRAGMA synchronous"):
            sql = f"PRAGMA synchronous={self._synchronous}" if "=" in sql else "SELECT 2"  # it is told that all is well
        cursor = Cursor(self._conn, sql, parameters)
        if sql == "COMMIT" and self._conn.total_changes() != self._changes:  # else it only read
            self._changes = self._conn.total_changes()
            self._committed(self._conn)
        return cursor

    def executemany(self, sql: str, parameters: Any) -> None:
        for one in parameters:
            self.execute(sql, one)

    def create_function(self, name: str, arity: int, function: Callable[..., Any], *, deterministic: bool = False) -> None:
        self._conn.create_scalar_function(name, function, arity, deterministic=deterministic)

    def commit(self) -> None:
        if self.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        # One that only reads asks for a lock as it closes, does not get it, and is content; apsw raises that in the end.
        with suppress(apsw.IOError) if self._reads else _translated():
            self._conn.close()


class Cursor:
    """What a statement gives, read one row ahead, as `sqlite3` does it: one that was read to its end holds no lock."""

    def __init__(self, conn: apsw.Connection, sql: str, parameters: Any) -> None:
        columns: list[Any] = []

        # Not a method of ours: a ring of references would keep a statement open until the collector comes, on any thread.
        def began(cursor: apsw.Cursor, _sql: str, _parameters: Any) -> bool:
            columns.append(cursor.get_description())
            return True

        self._cursor = conn.cursor()
        self._cursor.exec_trace = began
        with _translated():
            self._cursor.execute(sql, parameters)
        self.description = columns[0] or None
        self._next = self._read()
        self.rowcount = conn.changes() if sql.split(None, 1)[0].upper() in _CHANGING else -1
        self.lastrowid = conn.last_insert_rowid()

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def _read(self) -> Any:
        with _translated():
            return next(self._cursor, None)

    def fetchone(self) -> Any:
        row = self._next
        if row is not None:
            self._next = self._read()
        return row

    def fetchall(self) -> list[Any]:
        return list(self)


_CHANGING = ("INSERT", "UPDATE", "DELETE", "REPLACE")

_CLASSES: Mapping[type[apsw.Error], type[Exception]] = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.MismatchError: sqlite3.IntegrityError,
    apsw.CorruptError: sqlite3.DatabaseError,
    apsw.NotADBError: sqlite3.DatabaseError,
    apsw.TooBigError: sqlite3.DataError,
    apsw.BindingsError: sqlite3.ProgrammingError,
    apsw.ConnectionClosedError: sqlite3.ProgrammingError,
}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise _CLASSES.get(type(error), sqlite3.OperationalError)(str(error)) from error
