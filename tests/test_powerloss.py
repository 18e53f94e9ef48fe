"""Power loss: whatever the disk keeps, nothing is gone that the store has acknowledged, and nothing is there by half.

The real store runs on a disk that forgets what was not synced (`powerloss`), through a day of its work (`powerlife`), which is cut
anywhere (`outages`). `benchmarks/powerloss.py` tries as many places as one likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from outages import JOURNALS, VERSIONS, Setting, State, beginning, day_of_outages, lived
from powerlife import Returned
from powerloss import Deleted, Disk, Made, Shortened, Synced, Wrote, nothing, reordered, some, torn

from monitor.model import Plan
from monitor.stores import sqlite, telling

if TYPE_CHECKING:
    from sqlite_utils import Database

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is some: what is synced here need not last."""
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as found:
        yield Path(found)


# The store

POINTS = 10
"""Outages in each of 10 days: two kinds of journal, and each version of the schema that there was when the day began."""


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("version", range(5), ids=lambda number: f"from-{VERSIONS[number]}")
async def test_nothing_acknowledged_is_lost_and_nothing_is_there_by_half(journal: str, version: int, folder: Path) -> None:
    count = await day_of_outages(Setting(seed=version, journal=journal), POINTS, folder)

    assert (count.points, count.lost, count.forgetting, count.faults) == (POINTS, 0, 0, [])


@pytest.mark.parametrize("journal", JOURNALS)
async def test_without_full_synchronisation_acknowledged_alerts_are_lost(journal: str, folder: Path) -> None:
    """The control: the disk really forgets. With a log, files stay sound all the same; a journal that is half there may damage them."""
    count = await day_of_outages(Setting(seed=0, journal=journal, synchronous="NORMAL"), 60, folder)

    assert count.losing > 0
    assert count.forgetting >= count.losing
    assert journal != "wal" or count.faults == []


async def test_on_a_disk_that_does_not_sync_alerts_are_lost(folder: Path) -> None:
    """The other control: that the store asks is not enough."""
    count = await day_of_outages(Setting(seed=0, deaf=True), 60, folder)

    assert count.losing > 30


async def test_what_a_method_does_is_one_commit(folder: Path) -> None:
    """So it is there whole or not at all. Choosing sources makes them known first; pruning goes in small steps."""
    setting, done = Setting(seed=1), Counter[str]()
    commits = 0
    for entry in (await lived(setting, folder / "day", *beginning(setting, folder / "old"))).disk.journal:
        commits = commits + 1 if isinstance(entry, State) else commits
        if isinstance(entry, Returned):
            done[entry.name] = max(done[entry.name], commits)
            commits = 0

    assert {name for name, most in done.items() if most > 1} <= {"claim_sources", "prune"}
    assert done["open"] == 1  # all that was to migrate
    assert done["record"] == 1


async def test_a_plan_that_is_recorded_in_two_halves_is_found_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more control: an article that is known without its alert is never told."""

    def halves(db: Database, plan: Plan, packed: dict[str, bytes]) -> None:
        whole(db, replace(plan, alerts=(), deliveries=()), packed)
        db.execute("COMMIT")
        db.execute("BEGIN IMMEDIATE")
        telling.keep_alerts(db, plan.alerts, plan.deliveries)

    whole = sqlite._record
    monkeypatch.setattr(sqlite, "_record", halves)
    count = await day_of_outages(Setting(seed=0), 40, folder)

    assert any("never told" in fault for fault in count.faults)


# The disk

FIRST, SECOND = Wrote(0, 0, b"first"), Wrote(0, 5, b"second")


def disk(folder: Path, *journal: object, **start: bytes) -> Disk:
    return Disk(folder, {f"{name}.db": content for name, content in start.items()}, list(journal))


def test_what_was_synced_is_there_and_the_rest_is_not(folder: Path) -> None:
    calls = Made(0, "a.db"), FIRST, Synced(0, folder=True), SECOND

    assert disk(folder, *calls).left(4, nothing, Random(0)) == {"a.db": b"first"}
    assert disk(folder, *calls).left(3, nothing, Random(0)) == {"a.db": b"first"}
    assert disk(folder, *calls).left(2, nothing, Random(0)) == {}


def test_a_new_file_is_not_there_before_its_folder_was_synced(folder: Path) -> None:
    calls = Made(0, "a.db"), FIRST, Synced(0), Synced(folder=True)

    assert disk(folder, *calls).left(3, nothing, Random(0)) == {}
    assert disk(folder, *calls).left(4, nothing, Random(0)) == {"a.db": b"first"}


def test_a_deleted_file_comes_back_if_its_folder_was_not_synced(folder: Path) -> None:
    calls = Deleted("a.db"), Synced(folder=True)

    assert disk(folder, *calls, a=b"old").left(1, nothing, Random(0)) == {"a.db": b"old"}
    assert disk(folder, *calls, a=b"old").left(2, nothing, Random(0)) == {}


def test_a_disk_that_only_says_that_it_syncs_keeps_nothing(folder: Path) -> None:
    assert disk(folder, FIRST, Synced(0), a=b"").left(2, nothing, Random(0), deaf=True) == {"a.db": b""}


def test_any_of_the_writes_may_survive_by_itself(folder: Path) -> None:
    left = {disk(folder, FIRST, SECOND, a=b"").left(2, some, Random(n))["a.db"] for n in range(99)}

    assert left == {b"", b"first", bytes(5) + b"second", b"firstsecond"}


def test_the_last_write_is_torn_at_a_sector(folder: Path) -> None:
    calls = Wrote(0, 500, b"x" * 1000), Shortened(0, 9)
    left = {len(disk(folder, *calls, a=b"").left(1, torn, Random(n))["a.db"]) for n in range(99)}

    assert left == {0, 512, 1024, 1500}


def test_sectors_survive_in_any_order(folder: Path) -> None:
    calls = Wrote(0, 0, b"a" * 1024), Wrote(0, 0, b"b" * 1024)
    left = {disk(folder, *calls, a=b"").left(2, reordered, Random(n))["a.db"] for n in range(999)}

    assert {(one[:1], one[512:513]) for one in left} == {
        (b"", b""),
        *((first, second) for first in (b"a", b"b") for second in (b"", b"a", b"b")),
        *((b"\0", second) for second in (b"a", b"b")),
    }
