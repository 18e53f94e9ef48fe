"""What is true of the SQLite store alone: what is on the disk stays there, one process at a time, bad files are left alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sqlite3 as stdlib_sqlite
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from monitor.errors import StoreError
from monitor.model import Alert, Delivery, Plan, Tally
from monitor.stores import sqlite
from monitor.stores.sqlite import SqliteStore, is_held
from rules import Article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def an_article(n: int = 1) -> Article:
    return Article(id=f"a{n}", body="word " * 200, digest=f"d{n}")


def a_plan(n: int = 1) -> Plan:
    article = an_article(n)
    alert = Alert(
        id=f"alert-{n}",
        kind="new",
        rule="r",
        rule_title="R",
        level="low",
        version="v",
        tags=(),
        title="t",
        article=article,
        first_seen=NOON,
        raised=NOON,
        sightings=(),
    )
    delivery = Delivery(alert=alert.id, sink="desk", body=b"{}", due=NOON)
    return Plan(article=article, revision="", first_seen=NOON, at=NOON, alerts=(alert,), deliveries=(delivery,))


def an_orphaned_plan() -> Plan:
    """A plan whose last insert fails, after its article was written."""
    return Plan(
        article=an_article(),
        revision="",
        first_seen=NOON,
        at=NOON,
        deliveries=(Delivery(alert="no such alert", sink="desk", body=b"{}", due=NOON),),
    )


@contextmanager
def python(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs this script, with its standard input and output; killed at the end."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=here) as process:
        try:
            yield process
        finally:
            process.kill()


def line(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline().strip()


def say(process: subprocess.Popen[str], text: object) -> None:
    assert process.stdin
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


# Nothing is lost


RECORDER = """
    import asyncio, itertools, pathlib, sys
    from monitor.stores.sqlite import SqliteStore
    from test_sqlite import a_plan

    async def main():
        store = await SqliteStore.open(pathlib.Path(sys.argv[1]), sole=True)
        for n in itertools.count():
            await store.record(a_plan(n))
            print(n, flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize("records", [1, 20, 150])
async def test_what_record_returned_from_survives_kill_9_and_nothing_is_half_there(records: int, tmp_path: Path) -> None:
    with python(RECORDER, tmp_path / "monitor.db") as process:
        for _ in range(records):
            assert line(process.stdout)
        process.send_signal(signal.SIGKILL)
        assert process.stdout
        acknowledged = records + sum(text.endswith("\n") for text in process.stdout)
        process.wait()

    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    tally = await store.tally()
    assert await store.unseen([an_article(n) for n in range(acknowledged)]) == []
    assert tally == Tally(articles=tally.articles, alerts=tally.articles, waiting=tally.articles, oldest_waiting=NOON)
    assert acknowledged <= tally.articles <= acknowledged + 1
    await store.close()


async def test_every_commit_is_synced_to_a_write_ahead_log(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")

    settings = [await store._rows(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]

    assert settings == [[("wal",)], [(2,)], [(1,)], [(5000,)]]
    await store.close()


async def test_an_sqlite_whose_wal_can_be_corrupted_gets_a_rollback_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SOUND_WAL", (99,))
    for n in (1, 2):
        store = await SqliteStore.open(tmp_path / "monitor.db")
        await store.record(a_plan(n))
        assert await store._rows("PRAGMA journal_mode") == [("truncate",)]
        await store.close()
    assert (tmp_path / "monitor.db-journal").stat().st_size == 0


async def test_a_plan_whose_last_insert_fails_is_rolled_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
        await store.record(an_orphaned_plan())

    assert (await store.tally()).articles == 0
    await store.record(a_plan())
    await store.close()


async def test_without_the_transaction_half_a_plan_would_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: it is the transaction that takes the article back."""
    monkeypatch.setattr(sqlite, "transaction", lambda db, begin, work: work(db))
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError):
        await store.record(an_orphaned_plan())

    assert (await store.tally()).articles == 1
    await store.close()


async def test_giving_up_the_wait_does_not_undo_or_halve_a_record(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    task = asyncio.create_task(store.record(a_plan()))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.tally() == Tally(articles=1, alerts=1, waiting=1, oldest_waiting=NOON)
    await store.close()


async def test_a_full_disk_refuses_the_plan_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    [(pages,)] = await store._rows("PRAGMA page_count")
    await store._rows(f"PRAGMA max_page_count = {pages}")

    results = [result async for result in attempts(store, 50)]

    assert "full" in results[-1]
    kept = await store.tally()
    assert kept.articles == kept.alerts == kept.waiting < 50

    await store._rows("PRAGMA max_page_count = 100000")

    await store.record(a_plan(50))
    await store.close()


async def attempts(store: SqliteStore, times: int) -> AsyncIterator[str]:
    """What became of each plan: an error, or nothing."""
    for n in range(times):
        try:
            await store.record(a_plan(n))
            yield ""
        except StoreError as error:
            yield str(error)


async def test_two_connections_never_claim_the_same_delivery(tmp_path: Path) -> None:
    one, two = [await SqliteStore.open(tmp_path / "monitor.db") for _ in range(2)]
    for n in range(30):
        await one.record(a_plan(n))

    batches = await asyncio.gather(*(store.claim(NOON, MINUTE, 4) for store in [one, two] * 5))

    alerts = [delivery.alert for batch in batches for delivery in batch]
    assert sorted(alerts) == sorted(f"alert-{n}" for n in range(30))
    await one.close()
    await two.close()


async def test_a_writer_waits_for_another_that_is_writing(tmp_path: Path) -> None:
    store, other = [await SqliteStore.open(tmp_path / "monitor.db") for _ in range(2)]
    await other._on_thread(lambda: other._db.execute("BEGIN IMMEDIATE"))
    await store._on_thread(lambda: store._db.execute("PRAGMA busy_timeout = 0"))
    with pytest.raises(StoreError, match="database is locked"):
        await store.record(a_plan())
    await store._on_thread(lambda: store._db.execute("PRAGMA busy_timeout = 5000"))

    waiting = asyncio.create_task(store.record(a_plan()))
    await asyncio.sleep(0)
    await other._on_thread(lambda: other._db.execute("COMMIT"))

    await waiting
    await store.close()
    await other.close()


# One at a time


OPENER = """
    import asyncio, pathlib, sys
    from monitor.errors import StoreError
    from monitor.stores.sqlite import SqliteStore

    async def main():
        print("ready", flush=True)
        for path in sys.stdin:
            try:
                store = await SqliteStore.open(pathlib.Path(path.strip()))
                await store.tally()
                await store.close()
                print("opened", flush=True)
            except StoreError as error:
                print(error, flush=True)

    asyncio.run(main())
"""


def test_processes_that_open_a_fresh_file_at_once_all_succeed(tmp_path: Path) -> None:
    with python(OPENER) as one, python(OPENER) as two, python(OPENER) as three:
        crowd = [one, two, three]
        assert [line(process.stdout) for process in crowd] == ["ready"] * 3
        for n in range(40):
            for process in crowd:
                say(process, tmp_path / f"{n}.db")
            assert [line(process.stdout) for process in crowd] == ["opened"] * 3


HOLDER = """
    import asyncio, os, pathlib, sys
    from monitor.stores.sqlite import SqliteStore

    async def main():
        store = await SqliteStore.open(pathlib.Path(sys.argv[1]), sole=True)
        if "forking" in sys.argv and os.fork() == 0:
            print("forked", flush=True)
            sys.stdin.read()
            os._exit(0)
        print(os.getpid(), flush=True)
        sys.stdin.read()

    asyncio.run(main())
"""


async def test_a_second_sole_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    with python(HOLDER, file) as holder:
        pid = line(holder.stdout)

        with pytest.raises(StoreError) as refused:
            await SqliteStore.open(file, sole=True)

    assert str(refused.value) == f"{file} is in use by another monitor (pid {pid}): stop that one, or name another file"


async def test_others_may_look_while_a_sole_owner_works(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db") as holder:
        assert line(holder.stdout)

        store = await SqliteStore.open(tmp_path / "monitor.db")

        assert await store.tally() == Tally()
        await store.close()


async def test_a_glance_says_whether_somebody_works_on_it_and_keeps_nobody_out(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    assert not is_held(file)
    with python(HOLDER, file) as holder:
        assert line(holder.stdout)
        assert is_held(file)
        holder.kill()
        holder.wait()
    assert not is_held(file)
    await (await SqliteStore.open(file, sole=True)).close()


async def test_a_killed_owner_leaves_no_lock_behind(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db") as holder:
        assert line(holder.stdout)
        holder.kill()
        holder.wait()

        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


async def test_a_child_that_outlives_its_killed_parent_does_not_keep_the_lock(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db", "forking") as holder:
        assert {line(holder.stdout), line(holder.stdout)} == {"forked", str(holder.pid)}
        holder.kill()
        holder.wait()

        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


async def test_closing_gives_the_lock_back(tmp_path: Path) -> None:
    for _ in range(2):
        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


# Files that are not for us


async def refusal(file: Path) -> str:
    with pytest.raises(StoreError) as refused:
        await SqliteStore.open(file, sole=True)
    text = str(refused.value)
    assert text.startswith(f"{file} ")
    assert "\n" not in text
    return text.removeprefix(f"{file} ")


async def a_used_file(folder: Path) -> Path:
    store = await SqliteStore.open(folder / "monitor.db")
    for n in range(200):
        await store.record(a_plan(n))
    await store.close()
    return folder / "monitor.db"


@pytest.mark.parametrize("content", [b"x", b"not a database, and longer than a header of one hundred bytes " * 50])
async def test_a_file_that_is_no_database_is_refused_and_untouched(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    file.write_bytes(content)

    assert await refusal(file) == "is no sound database (file is not a database): restore a backup, or name another file"
    assert file.read_bytes() == content


@pytest.mark.parametrize("damage", ["flipped", "cut short"])
async def test_a_damaged_database_is_refused_and_untouched(damage: str, tmp_path: Path) -> None:
    file = await a_used_file(tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    else:
        del content[len(content) // 2 :]
    file.write_bytes(content)

    assert (await refusal(file)).startswith("is no sound database (")
    assert file.read_bytes() == content


async def test_a_damaged_database_keeps_the_log_of_its_last_commits(tmp_path: Path) -> None:
    """Closing a database moves its log into it; not here, where both may be needed to save what can be saved."""
    file = await a_used_file(tmp_path)
    with python(RECORDER, file) as process:
        assert line(process.stdout)
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    before = fingerprint(file), fingerprint(tmp_path / "monitor.db-wal")

    assert (await refusal(file)).startswith("is no sound database (")
    assert (fingerprint(file), fingerprint(tmp_path / "monitor.db-wal")) == before


async def test_a_database_made_by_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    file = await a_used_file(tmp_path)
    with closing(stdlib_sqlite.connect(file)) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('monitor', 'm999_later', 'now')")
        db.commit()
    before = fingerprint(file)

    assert await refusal(file) == "cannot be used: a newer version of the monitor made it (it has 'm999_later'): upgrade this one"
    assert fingerprint(file) == before


async def test_the_database_of_another_program_is_refused_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite"
    with closing(stdlib_sqlite.connect(file)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
        db.commit()
    before = fingerprint(file)

    assert await refusal(file) == "cannot be used: it belongs to another program (it has a table 'bookmarks')"
    assert fingerprint(file) == before


async def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert await refusal(tmp_path / "missing" / "monitor.db") == "cannot be used: No such file or directory"


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert await refusal(tmp_path) == "cannot be used: it is a folder"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody may look into, which is not so of tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o700)


def forbid_writing(file: Path) -> None:
    file.chmod(0o444)
    file.parent.chmod(0o555)


@pytest.mark.parametrize("how", ["sole", "shared"])
async def test_a_file_that_may_not_be_written_is_refused(how: str, folder: Path) -> None:
    file = await a_used_file(folder)
    before = fingerprint(file)
    forbid_writing(file)

    with as_nobody(), pytest.raises(StoreError, match=r"monitor\.db cannot be used: "):
        await SqliteStore.open(file, sole=how == "sole")

    assert fingerprint(file) == before


KILLED_WHILE_MAKING = """
    import sys
    from monitor.stores.sqlite import sqlite3

    db = sqlite3.connect(sys.argv[1], isolation_level=None)
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN")
    db.execute("CREATE TABLE half_made (x)")
    for _ in range(50):
        db.execute("INSERT INTO half_made VALUES (randomblob(4000))")
    print("spilled", flush=True)
    sys.stdin.read()
"""


async def test_a_file_whose_making_was_cut_short_by_kill_9_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    with python(KILLED_WHILE_MAKING, file) as process:
        assert line(process.stdout) == "spilled"
    assert file.stat().st_size > 0

    store = await SqliteStore.open(file)

    await store.record(a_plan())
    await store.close()


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").touch()

    store = await SqliteStore.open(tmp_path / "monitor.db")

    assert await store.tally() == Tally()
    await store.close()


async def test_a_refused_file_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").write_bytes(b"garbage " * 100)
    await refusal(tmp_path / "monitor.db")
    (tmp_path / "monitor.db").unlink()

    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)

    assert await store.tally() == Tally()
    await store.close()
