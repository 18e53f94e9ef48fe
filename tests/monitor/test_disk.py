"""What a bad disk, other processes and a kill in the wrong place do to the SQLite store: nothing half, nothing lost, said in words."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlite_utils import Database
from test_sqlite import RECORDER, a_plan, an_article, as_nobody, fingerprint, forbid_writing, line, python

from monitor.errors import Damaged, StoreError
from monitor.model import Attempt, Sent, Visit
from monitor.stores import migrations, opening
from monitor.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rows(file: Path, sql: str) -> list[Any]:
    with closing(opening.reader(file)) as conn:
        return list(conn.execute(sql))


# Every statement fails once

FAULTS = {
    "FULL": opening.Unable("database or disk is full"),
    "IOERR": opening.Unable("disk I/O error"),
    "BUSY": opening.Unable("database is locked"),
    "CORRUPT": opening.Broken("database disk image is malformed"),
}


class Disk:
    """Counts statements and fails at one of them, before it is done or after; and at the rollback that follows, if asked to."""

    def __init__(self, fault: opening.Error | None = None, at: int = -1, *, after: bool = False, rollback: bool = False) -> None:
        self.fault, self.at, self.after, self.rollback = fault, at, after, rollback
        self.statements: list[str] = []
        self.struck = False

    def connect(self, uri: str) -> opening.Connection:
        return _failing(self)(uri, uri=True, timeout=opening.BUSY, isolation_level=None)

    def statement(self, sql: str, do: Callable[[], Any]) -> Any:
        if sql == "ROLLBACK" and self.rollback and self.struck:
            self.rollback = False
            assert self.fault
            raise type(self.fault)(str(self.fault))
        self.statements.append(" ".join(sql.split()))
        strikes = len(self.statements) - 1 == self.at and self.fault is not None
        if not strikes:
            return do()
        self.struck = True
        if self.after:
            do()
        assert self.fault
        raise type(self.fault)(str(self.fault))


def _failing(disk: Disk) -> type[opening.Connection]:
    class Failing(opening.Connection):
        def execute(self, sql: str, *values: Any) -> Any:
            return disk.statement(sql, lambda: super(Failing, self).execute(sql, *values))

        def executemany(self, sql: str, *values: Any) -> Any:
            return disk.statement(sql, lambda: super(Failing, self).executemany(sql, *values))

    return Failing


async def life(store: SqliteStore, told: list[str]) -> None:
    """What a monitor does of an article: a visit, its plan, the cursor, the delivery and what came of it."""
    await store.release()
    if await store.claim_sources({"paper": "host"}, NOON, MINUTE, 9):
        await store.last_visit("paper")
        if fresh := await store.unseen([an_article()]):
            assert len(fresh) == 1
            await store.record(a_plan())
        await store.visited(Visit(source="paper", at=NOON, due=NOON + MINUTE, cursor={"etag": "1"}))
    for delivery in await store.claim("desk", NOON, MINUTE, 9):
        told.append(delivery.alert)
        await store.settle(delivery, Sent(NOON), Attempt(began=NOON))


async def a_life(file: Path, told: list[str]) -> None:
    store = await SqliteStore.open(file, sole=True)
    try:
        await life(store, told)
    finally:
        with suppress(StoreError):
            await store.close()


def statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that a life says to its database, its opening included."""
    disk = Disk()
    with monkeypatch.context() as patch:
        patch.setattr(opening, "connect", disk.connect)
        asyncio.run(a_life(tmp_path / "counted.db", []))
    return disk.statements


def is_whole(file: Path) -> bool:
    """The article with its alert and delivery, or none of them; and the cursor never ahead of them."""
    if not file.exists() or not rows(file, "SELECT 1 FROM sqlite_schema WHERE name = 'breakers'"):
        return True
    [(articles, alerts, deliveries, visits)] = rows(
        file,
        "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM alerts), (SELECT count(*) FROM deliveries),"
        " (SELECT count(*) FROM visits WHERE whole IS NOT NULL)",
    )
    return (articles, alerts, deliveries) in ((0, 0, 0), (1, 1, 1)) and visits <= articles


@pytest.mark.parametrize("when", ["before", "after", "and its rollback"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_statement_fails_nothing_is_half_done_and_the_next_life_ends_with_one_alert(
    fault: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "TURNS", 1)  # else a lock that passes is waited for, and nothing fails
    said = statements(tmp_path, monkeypatch)
    assert {sql.split()[0] for sql in said} >= {"PRAGMA", "BEGIN", "INSERT", "UPDATE", "SELECT", "COMMIT"}
    for number in range(0, len(said), 1 if when == "before" and fault == "IOERR" else 7):
        file, told = tmp_path / f"{number}.db", list[str]()
        disk = Disk(FAULTS[fault], number, after=when == "after", rollback=when == "and its rollback")
        with monkeypatch.context() as patch:
            patch.setattr(opening, "connect", disk.connect)
            with pytest.raises(StoreError):
                asyncio.run(a_life(file, told))
        assert is_whole(file), said[number]

        asyncio.run(a_life(file, told))

        assert rows(file, "SELECT id, state FROM alerts JOIN deliveries ON alert = id") == [("alert-1", "sent")]
        assert set(told) == {"alert-1"}
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]


async def test_after_a_rollback_that_failed_the_same_store_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(opening, "connect", disk.connect)
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    disk.fault, disk.at, disk.rollback = FAULTS["FULL"], len(disk.statements) + 5, True

    with pytest.raises(StoreError, match="disk is full"):
        await store.record(a_plan())
    assert (disk.struck, disk.rollback) == (True, False)
    assert await store.alerts() == []

    await store.record(a_plan())
    assert [one.id for one in await store.alerts()] == ["alert-1"]
    await store.close()


def test_without_the_transaction_a_failing_statement_leaves_half_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the walk finds the fault that it is there to find."""

    def unguarded(db: Any, begin: str, work: Callable[[Any], Any]) -> Any:  # each statement by itself
        return work(db)

    monkeypatch.setattr(opening, "transaction", unguarded)
    said = statements(tmp_path, monkeypatch)
    halves = 0
    for number in range(len(said) - 60, len(said)):
        file = tmp_path / f"{number}.db"
        with monkeypatch.context() as patch:
            patch.setattr(opening, "connect", Disk(FAULTS["FULL"], number).connect)
            with pytest.raises(StoreError):
                asyncio.run(a_life(file, []))
        halves += not is_whole(file)
    assert halves


# A full disk


async def a_full_store(file: Path) -> SqliteStore:
    """One that can hold no more than it does."""
    store = await SqliteStore.open(file, sole=True)
    await store.record(a_plan(0))
    [(pages,)] = await store._rows("PRAGMA page_count")
    await store._rows(f"PRAGMA max_page_count = {pages}")
    return store


async def test_on_a_full_disk_no_cursor_moves_and_all_that_was_recorded_can_be_read(tmp_path: Path) -> None:
    store = await a_full_store(tmp_path / "monitor.db")
    refused = []
    for n in range(1, 40):
        try:
            await store.record(a_plan(n))
        except StoreError as error:
            refused.append(str(error))
    recorded = {one.id for one in await store.alerts(limit=99)}
    assert set(refused) == {f"{tmp_path / 'monitor.db'}: database or disk is full"}
    assert len(recorded) == 40 - len(refused)

    await store._rows("PRAGMA max_page_count = 100000")
    for n in range(1, 40):
        await store.record(a_plan(n))
    assert {one.id for one in await store.alerts(limit=99)} == {f"alert-{n}" for n in range(40)}
    await store.close()


# Others who write


async def test_while_another_process_writes_the_loop_goes_on_and_the_work_is_done_after(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    with closing(opening.connect((tmp_path / "monitor.db").as_uri())) as other:
        other.execute("BEGIN IMMEDIATE")
        recording = asyncio.ensure_future(store.record(a_plan()))
        for _ in range(100):
            await asyncio.sleep(0)  # the loop turns
        assert not recording.done()
        other.execute("COMMIT")
        await recording
    assert len(await store.alerts()) == 1
    await store.close()


async def test_who_never_stops_writing_is_waited_for_no_longer_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY", 0)
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    with closing(opening.connect((tmp_path / "monitor.db").as_uri())) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="database is locked"):
            await store.record(a_plan())
        assert await store.alerts() == []  # reading waits for nobody

        beside = await SqliteStore.open(tmp_path / "monitor.db")  # nor does opening
        assert await beside.alerts() == []
        await beside.close()
        other.execute("ROLLBACK")
    await store.record(a_plan())
    await store.close()


async def test_an_older_monitors_store_is_not_moved_on_under_it(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    store = await SqliteStore.open(file, sole=True)
    last = migrations.migrations._migrations[-1].name
    await store._rows("DELETE FROM _sqlite_migrations WHERE name = ?", last)

    with pytest.raises(StoreError, match="is of an older version: restart that one first"):
        await SqliteStore.open(file)

    assert await store._rows("SELECT 1 FROM _sqlite_migrations WHERE name = ?", last) == []
    await store.close()


# The log


async def grown(file: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How long the log got while somebody read, and how long it is a little after."""
    monkeypatch.setattr(opening, "LOG", limit)
    store = await SqliteStore.open(file, sole=True)
    await store._rows("PRAGMA wal_autocheckpoint = 20")
    log = file.with_name("monitor.db-wal")
    with closing(opening.connect(file.as_uri())) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alerts").fetchall()
        for n in range(60):
            await store.record(a_plan(n))
        held = log.stat().st_size
    for n in range(60, 64):
        await store.record(a_plan(n))
    after = log.stat().st_size
    await store.close()
    return held, after


async def test_a_log_that_a_reader_made_grow_shrinks_once_he_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, after = await grown(tmp_path / "monitor.db", 200_000, monkeypatch)

    assert held > 1_000_000
    assert after <= 250_000


async def test_without_a_limit_it_stays_as_long_as_it_ever_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, after = await grown(tmp_path / "monitor.db", -1, monkeypatch)

    assert after >= held > 1_000_000


# Damage


async def a_used_file(file: Path) -> Path:
    store = await SqliteStore.open(file)
    for n in range(30):
        await store.record(a_plan(n))
    for n in range(10):
        await store._rows("DELETE FROM deliveries WHERE alert = ?", f"alert-{n}")
        await store._rows("DELETE FROM alerts WHERE id = ?", f"alert-{n}")
    await store.close()
    return file


async def everything(file: Path) -> list[Any]:
    store = await SqliteStore.open(file, sole=True)
    try:
        found = [await store.alerts(limit=999), await store.articles(datetime(2000, 1, 1, tzinfo=UTC))]
        await store.record(a_plan(99))
        return found
    finally:
        await store.close()


def outcome(file: Path) -> str:
    """What is said when everything is read; "" if nothing."""
    try:
        asyncio.run(everything(file))
    except StoreError as error:
        return str(error)
    except ValueError:  # a text that is no JSON any more: SQLite does not know that its bytes were others
        pass
    return ""


def test_wherever_the_tree_is_damaged_the_file_is_refused_and_untouched(tmp_path: Path) -> None:
    file = asyncio.run(a_used_file(tmp_path / "monitor.db"))
    sound = file.read_bytes()
    refused = 0
    for place in [*range(0, 100, 9), *range(100, len(sound), len(sound) // 60)]:
        damaged = bytearray(sound)
        damaged[place : place + 64] = bytes(byte ^ 0xFF for byte in damaged[place : place + 64])
        file.write_bytes(damaged)
        file.with_name("monitor.db-wal").unlink(missing_ok=True)
        if said := outcome(file):
            refused += 1
            assert said.startswith(str(file))
            assert file.read_bytes() == damaged, said
    assert refused >= 10


def test_of_a_damaged_log_the_commits_before_the_damage_stay_and_no_half_one(tmp_path: Path) -> None:
    file, log = tmp_path / "monitor.db", tmp_path / "monitor.db-wal"
    with python(RECORDER, file) as process:
        assert [line(process.stdout) for _ in range(5)]
    content = bytearray(log.read_bytes())
    middle = content.rindex(b"alert-3")
    content[middle : middle + 64] = b"\xff" * 64
    log.write_bytes(content)

    _brought_up(file)

    kept = [id for (id,) in rows(file, "SELECT id FROM alerts ORDER BY row")]
    assert kept == [f"alert-{n}" for n in range(len(kept))]
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]


async def test_what_is_damaged_while_it_is_in_use_is_not_touched_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(opening, "connect", disk.connect)
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    ruined = asyncio.ensure_future(store.ruined())
    disk.fault, disk.at = FAULTS["CORRUPT"], len(disk.statements) + 3
    with pytest.raises(Damaged, match=r"malformed.*restore a backup"):
        await store.record(a_plan())
    said = len(disk.statements)

    with pytest.raises(Damaged, match="restore a backup"):
        await store.alerts()
    with pytest.raises(Damaged):
        await store.record(a_plan())

    assert len(disk.statements) == said
    assert "restore a backup" in str(await ruined)
    await store.close()


@pytest.mark.parametrize("fault", ["FULL", "IOERR", "BUSY"])
async def test_what_passes_is_no_damage(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "TURNS", 1)  # as above
    disk = Disk()
    monkeypatch.setattr(opening, "connect", disk.connect)
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    ruined = asyncio.ensure_future(store.ruined())
    disk.fault, disk.at = FAULTS[fault], len(disk.statements) + 3
    with pytest.raises(StoreError) as failure:
        await store.record(a_plan())

    assert not isinstance(failure.value, Damaged)
    await store.record(a_plan())
    assert not ruined.done()
    ruined.cancel()
    await store.close()


async def test_a_store_that_somebody_works_on_is_read_through_by_him_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(opening, "connect", disk.connect)
    sole = await SqliteStore.open(await a_used_file(tmp_path / "monitor.db"), sole=True)
    assert any("quick_check" in sql for sql in disk.statements)
    disk.statements.clear()

    beside = await SqliteStore.open(tmp_path / "monitor.db")

    assert not any("quick_check" in sql for sql in disk.statements)
    assert not any("IMMEDIATE" in sql for sql in disk.statements)
    await beside.close()
    await sole.close()


# An upgrade that is killed


def of_schema(file: Path, steps: int) -> Path:
    """A file as a release with so many migrations left it, with something in it."""
    with closing(opening.connect(file.as_uri())) as conn:
        db = Database(conn, execute_plugins=False)
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL").fetchone()
        later = [one.name for one in migrations.migrations._migrations[steps:]]
        opening.transaction(db, "BEGIN IMMEDIATE", lambda db: migrations.migrations.apply(db, stop_before=later))
        whole = '{"url": "https://example.org/a", "source": "s", "article": {"id": "a"}, "sightings": [{"event": "e"}]}'
        db.execute(
            "INSERT INTO articles (id, digest, revision, first_seen, fills, sketch, whole) VALUES ('a', 'd', '', 1, 0, '[]', ?)",
            (whole,),
        )
        db.execute("INSERT INTO alerts (id, rule, raised, whole) VALUES ('alt', 'r', 1, ?)", (whole,))
        db.execute("INSERT INTO deliveries (alert, sink, body, since, due, attempts) VALUES ('alt', 'desk', x'00', 1, 1, 0)")
    return file


def schema(file: Path) -> list[Any]:
    return rows(file, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")


def applied(file: Path) -> list[str]:
    return [name for (name,) in rows(file, "SELECT name FROM _sqlite_migrations ORDER BY rowid")]


def killed_at(number: int, file: Path) -> bool:
    """Opens it in a child that kills itself before the n-th statement of the move; whether it did."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    try:
        left, plain = [number], opening.connect

        def trace(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(uri: str) -> opening.Connection:
            conn = plain(uri)
            conn.set_trace_callback(None if "mode=" in uri else trace)
            return conn

        opening.connect = traced
        opening.open_file(file, True)
    finally:
        os._exit(0)


NAMES = [one.name for one in migrations.migrations._migrations]


@pytest.mark.parametrize("steps", range(1, len(NAMES)))
def test_an_upgrade_killed_at_any_statement_leaves_the_old_schema_or_the_new_one(steps: int, tmp_path: Path) -> None:
    new = schema(_brought_up(of_schema(tmp_path / "new.db", steps)))
    as_left = of_schema(tmp_path / "old.db", steps)
    old, outcomes = schema(as_left), []
    for number in range(1_000):
        file = Path(shutil.copyfile(as_left, tmp_path / f"{number}.db"))
        if not killed_at(number, file):
            break
        found = schema(file)
        assert found in (old, new), number
        assert applied(file) == (NAMES[:steps] if found == old else NAMES)
        outcomes.append(found == new)
        assert schema(_brought_up(file)) == new
        assert rows(file, "SELECT id, state FROM alerts JOIN deliveries ON alert = id") == [("alt", "waiting")]
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert len(outcomes) > 20
    assert outcomes == sorted(outcomes)  # the old one up to the commit
    assert outcomes[0] is False


def _brought_up(file: Path) -> Path:
    _, held = opening.open_file(file, True)
    held.close()
    return file


def unguarded(db: Database) -> None:
    for one in migrations.migrations.pending(db):
        one.fn(db)


def test_without_the_transaction_an_upgrade_that_is_killed_stays_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "transaction", lambda db, _begin, _work: unguarded(db))
    steps = len(NAMES) - 1
    as_left = of_schema_plainly(tmp_path / "old.db", steps)
    old, between = schema(as_left), 0
    for number in range(100):
        file = Path(shutil.copyfile(as_left, tmp_path / f"{number}.db"))
        if not killed_at(number, file):
            break
        between += schema(file) != old
    assert between > 1


def of_schema_plainly(file: Path, steps: int) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "transaction", lambda db, _, work: work(db))
        return of_schema(file, steps)


# Which SQLite


def test_it_can_be_said_which_sqlite_this_is_and_how_it_keeps_its_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opening.connect("file::memory:")) as conn:
        [(version,)] = conn.execute("SELECT sqlite_version()")
    monkeypatch.setattr(opening, "SOUND_WAL", (3, 0, 0))
    assert opening.engine() == f"SQLite {version}, journal wal"

    monkeypatch.setattr(opening, "SOUND_WAL", (9, 9, 9))
    assert opening.engine() == f"SQLite {version}, journal truncate"


# Not allowed to write


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody may look into, which is not so of tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o700)


def test_where_nothing_may_be_written_nothing_is_and_that_is_said(place: Path) -> None:
    file = asyncio.run(a_used_file(place / "monitor.db"))
    before = fingerprint(file), sorted(one.name for one in place.iterdir())
    forbid_writing(file)

    with as_nobody(), pytest.raises(StoreError) as refusal:
        opening.open_file(file, True)

    assert str(refusal.value) == f"{file} cannot be used: Permission denied"
    assert (fingerprint(file), sorted(one.name for one in place.iterdir())) == before
