"""The real daemon is killed thousands of times, at random moments and at every step: is anything lost, or raised twice?

    PYTHONPATH=. python benchmarks/kills.py                       5,000 kills
    PYTHONPATH=. python benchmarks/kills.py --kills 500 --seed 7
    ... --control "settled first"      a daemon with a mistake built in: losses must be found ("cursor first": too;
                                       "ids at random": duplicates)

Every fifty kills begin on a new file, made by a daemon that is killed at that; one in four comes at a named step, and the others half
after so many requests and lines, half after so many milliseconds. Exit code 1 where anything was lost or raised twice, or is damaged; with
--control, where nothing was. What failed is tried again within a second (tests/doomed.py, `hurry`); the times are of this machine, with
the store in `--folder`, and only told for information. The harness is that of tests/test_kills.py: tests/killing.py, with quays.py and reckoning.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import killing  # noqa: E402 - lies beside the tests
import reckoning  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Sequence

EACH = 50
"""Kills on one file."""
STEPS = 0.25
"""Of the kills, those at a named step."""


def main() -> int:
    """Runs what the command line names, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--control", default="", help='"settled first", "cursor first" or "ids at random"')
    parser.add_argument("--at-once", type=int, default=2, help="daemons at once, each with a file of its own")
    parser.add_argument("--folder", type=Path, help="where the files lie; the system's folder for such unless told")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        tales = asyncio.run(campaigns(given, Path(folder)))
    verdicts = [reckoning.judged(tale) for tale in tales]
    print(json.dumps(total(tales), indent=1))
    for number, verdict in enumerate(verdicts):
        if verdict:
            print(f"campaign {number} of seed {given.seed}: {json.dumps(shown(verdict))}")
    return any(verdicts) != bool(given.control)


async def campaigns(given: argparse.Namespace, folder: Path) -> list[reckoning.Tale]:
    """All campaigns, so many at once."""
    mine = asyncio.current_task()
    assert mine is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, mine.cancel)  # no daemon is left behind
    slots = asyncio.Semaphore(given.at_once)
    sizes = [min(EACH, given.kills - done) for done in range(0, given.kills, EACH)]

    async def one(number: int, size: int) -> reckoning.Tale:
        async with slots:
            place = folder / str(number)
            place.mkdir()
            chance = Random(f"{given.seed} {number}")  # noqa: S311 - moments, not secrets
            tale = await killing.campaign(place, chance.randrange(1 << 30), kills(chance, size), wrong=given.control)
            print(f"campaign {number}: {json.dumps(total([tale]))}", file=sys.stderr, flush=True)
            return tale

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number, size)) for number, size in enumerate(sizes)]
    return [task.result() for task in tasks]


def kills(chance: Random, size: int) -> list[killing.Kill]:
    """How the lives on one file end."""
    found = [one(chance) for _ in range(size - 1)]
    return [killing.Kill(step="migrating", at=chance.randint(1, killing.STATEMENTS)), *found]


def one(chance: Random) -> killing.Kill:
    """One kill at a random moment, or at a step."""
    if chance.random() < STEPS:
        step = chance.choice(list(killing.STEPS))
        return killing.Kill(step=step, at=chance.randint(1, killing.STEPS[step]))
    if chance.random() < 0.5:
        return killing.Kill(at=chance.randint(1, 300))
    return killing.Kill(after=chance.uniform(0.5, 4.0))


def total(tales: Sequence[reckoning.Tale]) -> dict[str, Any]:
    """The figures of all campaigns together."""
    found = [reckoning.judged(tale) for tale in tales]
    numbers = [reckoning.figures(tale, verdict) for tale, verdict in zip(tales, found, strict=True)]
    starts = sorted(start for tale in tales for start in tale.starts)
    deaths = sum(tale.kills for tale in tales)
    return {
        **{name: sum(each[name] for each in numbers) for name in ("kills", "alerts", "lost", "duplicates", "requests")},
        "campaigns with any fault": sum(map(bool, found)),
        "http repeats per kill": round(sum(map(reckoning.repeats, tales)) / max(1, deaths), 3),
        "restart to first commit, median s": round(starts[len(starts) // 2], 2) if starts else None,
    }


def shown(verdict: reckoning.Verdict) -> dict[str, Any]:
    """What is wrong, as far as it can be shown in a line."""
    return {name: value[:5] for name, value in asdict(verdict).items() if value}


if __name__ == "__main__":
    sys.exit(main())
