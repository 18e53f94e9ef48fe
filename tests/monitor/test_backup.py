"""Backups: whole, sound and of one moment while others write; put back in one step; never over what is not meant."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_sqlite import RECORDER, a_plan, fingerprint, line, python

from monitor.app import saving
from monitor.errors import Damaged, StoreError
from monitor.stores import backup, migrations, opening
from monitor.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Do

pytestmark = pytest.mark.usefixtures("unlogged")

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def a_store(file: Path, *numbers: int) -> Path:
    """A store with an article and an alert of each number."""

    async def make() -> None:
        store = await SqliteStore.open(file)
        for n in numbers:
            await store.record(a_plan(n))
        await store.close()

    asyncio.run(make())
    return file


def rows(file: Path, sql: str) -> list[Any]:
    with closing(opening.reader(file)) as conn:
        return list(conn.execute(sql))


def alerts(file: Path) -> set[int]:
    """The numbers of its alerts."""
    return {int(id.removeprefix("alert-")) for (id,) in rows(file, "SELECT id FROM alerts")}


def sound(file: Path) -> bool:
    return rows(file, "PRAGMA integrity_check") == [("ok",)]


def folder(path: Path) -> set[str]:
    return {one.name for one in path.iterdir() if not one.name.endswith(".lock")}


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    file.write_bytes(content)


# Making one


def test_a_backup_is_one_file_that_only_we_may_read_and_holds_all(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1, 2, 3)

    saved = backup.back_up(store, tmp_path / "news.db")

    assert (saved.path, saved.alerts, saved.waiting) == (tmp_path / "news.db", 3, 3)
    assert saved.bytes == saved.path.stat().st_size
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
    assert folder(tmp_path) - {"monitor.db-wal", "monitor.db-shm"} == {"monitor.db", "news.db"}
    assert (alerts(saved.path), sound(saved.path)) == ({1, 2, 3}, True)


def test_a_backup_holds_what_is_in_the_log_and_not_yet_in_the_file(tmp_path: Path) -> None:
    with python(RECORDER, tmp_path / "monitor.db") as process:
        assert line(process.stdout) == "0"  # and it goes on
        saved = backup.back_up(tmp_path / "monitor.db", tmp_path / "news.db")
        shutil.copyfile(tmp_path / "monitor.db", tmp_path / "by-hand.db")

    assert 0 in alerts(saved.path)
    assert rows(tmp_path / "by-hand.db", "SELECT name FROM sqlite_schema WHERE name = 'alerts'") == []  # the control


def copied_beside_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[backup.Saved, list[int]]:
    """A backup page by page; after each of the first pages another process commits. And how many pages were left each time."""
    monkeypatch.setattr(backup, "PAGES", 1)
    store, left = a_store(tmp_path / "monitor.db", 1, 2, 3), []
    with closing(opening.connect(store.as_uri())) as other:
        other.execute("PRAGMA busy_timeout = 0")  # it waits for nobody

        def step(done: int, all_: int) -> None:
            left.append(all_ - done)
            if len(left) <= times:
                other.execute(
                    "INSERT INTO alerts (id, rule, raised, whole) VALUES (?, 'r', 0, '{}')", (f"alert-{99 + len(left)}",)
                )

        return backup.back_up(store, tmp_path / "news.db", progress=step), left


def test_a_backup_holds_up_no_writer_and_is_of_the_moment_at_which_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, left = copied_beside_a_writer(tmp_path, monkeypatch, times=20)

    assert alerts(tmp_path / "monitor.db") == {1, 2, 3, *range(100, 120)}
    assert (alerts(saved.path), sound(saved.path)) == ({1, 2, 3}, True)
    assert left == list(range(len(left) - 1, -1, -1))  # each page once


def test_without_holding_that_moment_it_begins_anew_with_every_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_hold", lambda _: None)

    _, left = copied_beside_a_writer(tmp_path, monkeypatch, times=20)

    assert len(left) >= left[0] + 20


def test_it_is_on_the_disk_before_it_bears_its_name_and_the_name_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, done = a_store(tmp_path / "monitor.db", 1), []
    fsync, replace = os.fsync, Path.replace

    def synced(fd: int) -> None:
        done.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        fsync(fd)

    def named(self: Path, target: Path) -> Path:
        done.append("named")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    backup.back_up(store, tmp_path / "news.db")

    assert done == [str(tmp_path / ".news.db.new"), "named", str(tmp_path)]


def test_an_older_schema_is_backed_up_as_it_is(tmp_path: Path) -> None:
    """For this is when one wants a backup: before an upgrade."""
    store = a_store(tmp_path / "monitor.db", 1)
    last = migrations.migrations._migrations[-1].name
    with closing(opening.connect(store.as_uri())) as conn:
        conn.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (last,))

    saved = backup.back_up(store, tmp_path / "news.db")

    for file in (store, saved.path):
        assert rows(file, f"SELECT 1 FROM _sqlite_migrations WHERE name = '{last}'") == []


# What it does not do


def refused(store: Path, target: Path, *, force: bool = False) -> str:
    with pytest.raises(StoreError) as refusal:
        backup.back_up(store, target, force=force)
    return str(refusal.value).replace(f"{store.parent}{os.sep}", "")


def test_a_file_that_is_there_stays_unless_asked(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    (tmp_path / "news.db").write_text("a diary")

    said = refused(store, tmp_path / "news.db")
    assert said == "news.db is there already: name another file, or say --force to put the backup in its place"
    assert (tmp_path / "news.db").read_text() == "a diary"

    assert backup.back_up(store, tmp_path / "news.db", force=True).alerts == 1


def test_the_store_is_never_its_own_backup(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    (tmp_path / "link.db").symlink_to(store)
    before = fingerprint(store)

    for target in (store, tmp_path / "link.db"):
        assert refused(store, target, force=True) == f"{target.name} is the store itself: name another file"
    assert fingerprint(store) == before


async def test_a_store_that_a_monitor_works_on_is_never_overwritten(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    other = await SqliteStore.open(tmp_path / "other.db", sole=True)

    said = refused(tmp_path / "monitor.db", tmp_path / "other.db", force=True)

    assert said == "other.db is a store in use: name another file"
    await other.record(a_plan())
    await other.close()
    await store.close()


@pytest.mark.parametrize(
    ("store", "target", "said"),
    [
        ("none.db", "news.db", "none.db is not there: 'monitor run' makes it"),
        ("empty.db", "news.db", "empty.db is empty: 'monitor run' makes it"),
        (
            "diary.txt",
            "news.db",
            "diary.txt is no sound database (file is not a database): restore a backup, or name another file",
        ),
        ("monitor.db", "no/news.db", "no/news.db cannot be used: No such file or directory"),
        ("monitor.db", "folder", "folder is a folder: name the file to make, such as folder/monitor-backup.db"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(store: str, target: str, said: str, tmp_path: Path) -> None:
    a_store(tmp_path / "monitor.db", 1)
    (tmp_path / "empty.db").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "diary.txt").write_text("dear diary, " * 100)

    assert refused(tmp_path / store, tmp_path / target) == said


def test_of_a_damaged_store_no_backup_is_made_and_the_last_good_one_stays(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", *range(9))
    backup.back_up(store, tmp_path / "news.db")
    flip(store)
    before = fingerprint(store), fingerprint(tmp_path / "news.db")

    with pytest.raises(Damaged, match=r"monitor\.db is no sound database \(.*\): restore a backup"):
        backup.back_up(store, tmp_path / "news.db", force=True)

    assert (fingerprint(store), fingerprint(tmp_path / "news.db")) == before


def test_unread_it_would_take_the_damage_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(tmp_path / "monitor.db", *range(9))
    flip(store)
    monkeypatch.setattr(backup, "_proved", lambda *_: backup.Saved(path=store, bytes=0, alerts=0, waiting=0))

    saved = backup.back_up(store, tmp_path / "news.db")

    assert not sound(saved.path)


def test_a_disk_that_gets_full_leaves_nothing_behind(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)

    def full(_done: int, _all: int) -> None:
        raise opening.Unable("database or disk is full")

    with pytest.raises(StoreError, match=r"news\.db cannot be used: database or disk is full"):
        backup.back_up(store, tmp_path / "news.db", progress=full)
    assert folder(tmp_path) - {"monitor.db-wal", "monitor.db-shm"} == {"monitor.db"}


KILLED = """
    import pathlib, sys
    from monitor.stores import backup

    def step(done, all):
        print("half-way", flush=True)
        sys.stdin.read()

    backup.PAGES = 3
    backup.back_up(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), progress=step)
"""


def test_one_that_is_killed_leaves_no_file_of_that_name_and_the_next_takes_its_place(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    with python(KILLED, store, tmp_path / "news.db") as process:
        assert line(process.stdout) == "half-way"
        said = refused(store, tmp_path / "news.db")
    assert said == "another process is writing news.db right now: wait for it, or name another file"
    assert {"monitor.db", ".news.db.new"} <= folder(tmp_path)
    assert not (tmp_path / "news.db").exists()

    assert backup.back_up(store, tmp_path / "news.db").alerts == 1
    assert not (tmp_path / ".news.db.new").exists()


def test_nobody_leads_it_astray_with_a_link(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".news.db.new").symlink_to(tmp_path / "precious")

    assert "cannot be used" in refused(store, tmp_path / "news.db")
    assert (tmp_path / "precious").read_text() == "mine"


# Putting it back


def test_a_backup_takes_the_place_of_the_store_which_is_kept(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    saved = backup.back_up(store, tmp_path / "news.db")
    a_store(store, 2)

    restored = backup.restore(saved.path, store, tmp_path / "former.db")

    assert (restored.path, restored.alerts) == (store, 1)
    assert (alerts(store), alerts(tmp_path / "former.db"), alerts(saved.path)) == ({1}, {1, 2}, {1})


def test_it_may_be_read_by_whoever_could_read_the_store(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 1)
    saved = backup.back_up(store, tmp_path / "news.db")
    store.chmod(0o640)

    backup.restore(saved.path, store, tmp_path / "former.db")

    assert stat.S_IMODE(store.stat().st_mode) == 0o640


def test_a_backup_is_restored_where_there_is_no_store_yet(tmp_path: Path) -> None:
    saved = backup.back_up(a_store(tmp_path / "monitor.db", 1), tmp_path / "news.db")

    backup.restore(saved.path, tmp_path / "new.db", tmp_path / "former.db")

    assert alerts(tmp_path / "new.db") == {1}
    assert not (tmp_path / "former.db").exists()


async def test_while_a_monitor_runs_nothing_is_restored(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    await store.record(a_plan(1))
    backup.back_up(tmp_path / "monitor.db", tmp_path / "news.db")

    with pytest.raises(StoreError, match=rf"monitor\.db is in use by another monitor \(pid {os.getpid()}\)"):
        backup.restore(tmp_path / "news.db", tmp_path / "monitor.db", tmp_path / "former.db")

    await store.record(a_plan(2))
    assert len(await store.alerts()) == 2
    await store.close()


def test_while_anybody_reads_the_store_nothing_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY", 0)
    store = a_store(tmp_path / "monitor.db", 1, 2)
    saved = backup.back_up(store, tmp_path / "news.db")
    with closing(opening.connect(store.as_uri())) as other:
        other.execute("SELECT * FROM alerts").fetchall()

        with pytest.raises(StoreError, match=r"monitor\.db cannot be used: database is locked"):
            backup.restore(saved.path, store, tmp_path / "former.db")

    assert alerts(store) == {1, 2}


@pytest.mark.parametrize("what", ["damaged", "missing", "itself", "newer"])
def test_what_is_no_backup_changes_nothing(what: str, tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", *range(9))
    given = tmp_path / ("monitor.db" if what == "itself" else "news.db")
    if what not in ("missing", "itself"):
        backup.back_up(store, given)
    if what == "damaged":
        flip(given)
    if what == "newer":
        with closing(opening.connect(given.as_uri())) as conn:
            conn.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('monitor', 'm999_later', 'now')"
            )
    before = fingerprint(store)

    with pytest.raises(StoreError):
        backup.restore(given, store, tmp_path / "former.db")

    assert fingerprint(store) == before
    assert not (tmp_path / "former.db").exists()


def test_a_damaged_store_is_kept_with_its_log_and_replaced(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", *range(9))
    saved = backup.back_up(store, tmp_path / "news.db")
    with python(RECORDER, store) as process:
        assert line(process.stdout)
    flip(store)
    before = fingerprint(store), fingerprint(tmp_path / "monitor.db-wal")

    backup.restore(saved.path, store, tmp_path / "former.db")

    assert (alerts(store), sound(store)) == (set(range(9)), True)
    assert (fingerprint(tmp_path / "former.db"), fingerprint(tmp_path / "former.db-wal")) == before


CALLS = ("link", "rename", "replace", "unlink", "fsync", "chown", "ftruncate")


def dies_at(number: int, work: Callable[[], object]) -> bool:
    """Does it in a child that is gone, as by kill -9, just before its n-th call that changes a folder; whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = [number]

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def one(*args: object, **named: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return call(*args, **named)

        return one

    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))
    try:
        work()
    finally:
        os._exit(0)


@pytest.mark.parametrize("log", ["written back", "left by kill -9"])
def test_killed_at_any_step_the_store_is_the_old_or_the_new_one_and_doing_it_again_ends_well(log: str, tmp_path: Path) -> None:
    place, outcomes = tmp_path / "place", []
    place.mkdir()
    store = a_store(place / "monitor.db", 0)
    backup.back_up(store, tmp_path / "news.db")
    if log == "left by kill -9":
        with python(RECORDER, store) as process:
            assert [line(process.stdout) for _ in range(3)]
        shutil.copytree(place, tmp_path / "as it was")
    else:
        a_store(store, 1, 2)
        shutil.copytree(place, tmp_path / "as it was")
    old = alerts(store)
    assert old >= {0, 1, 2}
    for number in range(100):
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "as it was", place)

        if not dies_at(number, lambda: backup.restore(tmp_path / "news.db", store, place / "former.db")):
            break

        found = alerts(a_store(store))
        assert found in (old, {0})
        outcomes.append(found == old)
        (place / "former.db").unlink(missing_ok=True)
        backup.restore(tmp_path / "news.db", store, place / "former.db")
        assert (alerts(store), sound(store)) == ({0}, True)
    assert (outcomes[0], outcomes[-1]) == (True, False)
    assert len(outcomes) >= 5


# Copied by hand


def test_a_backup_copied_over_a_file_whose_log_is_still_there_is_refused(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 0)
    saved = backup.back_up(store, tmp_path / "news.db")
    with python(RECORDER, store) as process:
        assert [line(process.stdout) for _ in range(3)]
    shutil.copyfile(saved.path, store)
    before = fingerprint(store), fingerprint(tmp_path / "monitor.db-wal")

    with pytest.raises(StoreError, match=r"copied over another file, whose log monitor\.db-wal is still there"):
        a_store(store)
    assert (fingerprint(store), fingerprint(tmp_path / "monitor.db-wal")) == before

    (tmp_path / "monitor.db-wal").unlink()
    (tmp_path / "monitor.db-shm").unlink()
    assert alerts(a_store(store)) == {0}


def test_and_restore_puts_it_right(tmp_path: Path) -> None:
    store = a_store(tmp_path / "monitor.db", 0)
    saved = backup.back_up(store, tmp_path / "news.db")
    with python(RECORDER, store) as process:
        assert [line(process.stdout) for _ in range(3)]
    shutil.copyfile(saved.path, store)

    backup.restore(saved.path, store, tmp_path / "former.db")

    assert alerts(a_store(store)) == {0}


def test_unnoticed_the_log_of_another_file_would_be_written_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_refuse_foreign_log", lambda _: None)
    store = a_store(tmp_path / "monitor.db", *range(9))
    saved = backup.back_up(store, tmp_path / "news.db")
    with python(RECORDER, store) as process:
        assert [line(process.stdout) for _ in range(12)]
    shutil.copyfile(saved.path, store)

    assert alerts(a_store(store)) > set(range(9))


# The command


@pytest.fixture
def here(tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitor.yaml").write_text("settings: {store: 'sqlite:kept.db'}\n")
    (tmp_path / "rules.yaml").write_text(rules)
    return tmp_path


def test_the_command_says_what_is_in_it(do: Do, here: Path) -> None:
    a_store(here / "kept.db", 1, 2)
    size = f"{backup.back_up(here / 'kept.db', here / 'twin.db').bytes / 1e6:,.1f} MB"

    assert do("backup", "news.db") == (0, f"Backed up to news.db: {size}, 2 alerts, 2 deliveries waiting.\n", "")
    assert do("backup", "news.db")[::2] == (
        2,
        "monitor: news.db is there already: name another file, or say --force to put the backup in its place\n",
    )
    assert do("backup", "news.db", "--force")[0] == 0


def test_the_command_puts_it_back_and_says_where_the_former_store_is(do: Do, here: Path) -> None:
    a_store(here / "kept.db", 1)
    do("backup", "news.db")
    a_store(here / "kept.db", 2)

    code, out, err = do("restore", "news.db")

    (former,) = here.glob("kept.db.replaced-*")
    first, second = out.splitlines()
    assert (code, err) == (0, "")
    assert first.startswith("Restored kept.db from news.db: ")
    assert first.endswith(" MB, 1 alert, 1 delivery waiting.")
    assert second == f"What was there before is {former.name}: remove it once all is well."
    assert (alerts(here / "kept.db"), alerts(former)) == ({1}, {1, 2})


def test_of_backups_with_the_time_in_their_names_the_newest_are_kept(do: Do, here: Path) -> None:
    a_store(here / "kept.db", 1)
    older = [f"news-2026010{n}T120000Z.db" for n in range(1, 5)]
    others = ["news-old.db", "news.db", "mews-20260101T120000Z.db", "news-20260101T120000Z.db.gz"]
    for name in (*older, *others):
        (here / name).touch()

    code, out, _ = do("backup", "news.db", "--keep", "3")

    made = {one.name for one in here.glob("news-*T*Z.db")} - set(older)
    assert code == 0
    assert out.splitlines()[1:] == ["Removed 2 older backups."]
    assert len(made) == 1
    assert {one.name for one in here.glob("?ews*")} == {*older[2:], *others, *made}


def test_a_name_bears_the_time_in_order() -> None:
    assert saving.dated(Path("b/news.db"), NOON) == Path("b/news-20260701T120000Z.db")


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_store_that_is_no_file_has_no_backup(command: str, do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("settings: {store: 'memory:'}\n")

    assert do(command, "news.db")[::2] == (2, "monitor: the store 'memory:' is no file: there is nothing to copy\n")


async def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    with (tmp_path / ".news.db.new").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another process is writing" in refused(
            await asyncio.to_thread(a_store, tmp_path / "monitor.db", 1), tmp_path / "news.db"
        )
