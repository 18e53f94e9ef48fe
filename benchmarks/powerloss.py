"""Cuts the power under the real store, at any of the calls that SQLite makes to the disk, and looks what is left.

    python benchmarks/powerloss.py [--points 20000] [--seed 0] [--journal wal,truncate] [--synchronous NORMAL] [--deaf] [--jobs 1]

A day of a monitor's work is cut at 20 places, the next one has another seed; every fourth time the power is lost again soon after it was
back. Prints, for each kind of journal: outages, alerts that were acknowledged before them, how many of these were lost, outages that
forgot anything acknowledged, and whatever else is wrong, with where it happened. `--synchronous NORMAL` and `--deaf` (the disk says
that it syncs and does not) are controls: they must lose some. Ends with 1 if something was lost or wrong without them, or nothing
with them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]  # the tests have a file of this name: theirs is meant

from outages import JOURNALS, Count, Setting, outages  # noqa: E402 - found beside this folder

A_DAY = 20
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - what is synced here need not last
SHOWN = 20


def tried(setting: Setting, points: int) -> Count:
    """A day, cut at so many places."""
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        return outages(setting, points, Path(folder))


def days(asked: argparse.Namespace, journal: str) -> Iterator[tuple[Setting, int]]:
    """The days that it takes, each with its number of places."""
    for number, done in enumerate(range(0, asked.points, A_DAY)):
        setting = Setting(seed=asked.seed + number, journal=journal, synchronous=asked.synchronous, deaf=asked.deaf)
        yield setting, min(A_DAY, asked.points - done)


def total(asked: argparse.Namespace, journal: str) -> Count:
    """What all of them came to."""
    settings, points = zip(*days(asked, journal), strict=True)
    with ProcessPoolExecutor(asked.jobs) as pool:
        return reduce(add, pool.map(tried, settings, points))


def report(journal: str, count: Count, seconds: float) -> None:
    """A line for people, and what is wrong."""
    print(
        f"{journal}: {count.points} outages in {seconds:.0f} s; alerts acknowledged {count.acknowledged}, lost {count.lost}"
        f" (in {count.losing} outages); forgot something {count.forgetting}; wrong {len(count.faults)}",
        flush=True,
    )
    for fault in count.faults[:SHOWN]:
        print(f"  {fault}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """1 if it did not come out as it must."""
    parser = argparse.ArgumentParser(description="Cuts the power under the real store.")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", default=",".join(JOURNALS))
    parser.add_argument("--synchronous", default="FULL", choices=("FULL", "NORMAL", "OFF"))
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args(arguments)
    control, good = asked.deaf or asked.synchronous != "FULL", True
    for journal in asked.journal.split(","):
        began = time.perf_counter()
        count = total(asked, journal)
        report(journal, count, time.perf_counter() - began)
        good &= count.lost > 0 if control else not (count.forgetting or count.faults)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
