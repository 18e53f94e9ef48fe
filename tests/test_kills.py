"""The real daemon dies forty times, at any moment and at every step: nothing is lost, and nothing is raised twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from killing import Kill, anywhere, at_each_step, campaign, gone, survivors
from quays import Got
from reckoning import Tale, judged, repeats

KILLS = 40
SEED = 20261122

MEMORY = Path("/dev/shm")
"""Files in memory, where there are such: kill -9 does not ask what is on the disk, and two daemons would wait for it."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as made:
        yield Path(made)


async def killed(folder: Path, seed: int, kills: list[Kill], wrong: str = "") -> Tale:
    place = folder / str(seed)
    place.mkdir()
    return await campaign(place, seed, kills, wrong=wrong)


@pytest.mark.timeout(400)  # a minute, where nobody else is on the machine
async def test_forty_kills_lose_nothing_and_raise_nothing_twice(folder: Path) -> None:
    chance = Random(SEED)
    steps = at_each_step(chance)
    random = anywhere(chance, KILLS - len(steps))
    half = len(steps) // 2
    async with asyncio.TaskGroup() as both:
        lives = [
            both.create_task(killed(folder, 1, [*steps[:half], *random[::2]])),
            both.create_task(killed(folder, 2, [*steps[half:], *random[1::2]])),
        ]
    tales = [one.result() for one in lives]

    assert sum(tale.kills for tale in tales) == KILLS
    for tale in tales:
        assert len(tale.raised) > 20, "too few alerts to say anything"
        assert not judged(tale), judged(tale)


# What finds nothing must be able to find something


async def test_settled_before_it_is_sent_a_delivery_is_lost(folder: Path) -> None:
    tale = await killed(folder, 1, [Kill(step="settled")], wrong="settled first")
    assert judged(tale).untold


async def test_with_the_cursor_moved_first_an_article_is_lost(folder: Path) -> None:
    tale = await killed(folder, 1, [Kill(step="planned")], wrong="cursor first")
    assert judged(tale).lost


async def test_with_ids_at_random_an_alert_is_raised_twice(folder: Path) -> None:
    tale = await killed(folder, 1, [Kill(step="planned")], wrong="ids at random")
    assert judged(tale).duplicates


WELL = Got("desk", "alt_1", "bytes", signed=True, taken=True, names=("a1",))
GOOD = Tale(
    sent=frozenset({"a1"}),
    raised=(("alt_1", "a1"),),
    due=(("alt_1", "desk", "alt_1"), ("alt_1", "wire", "alt_1"), ("alt_1", "paper", "alt_2")),
    got=(WELL, replace(WELL, receiver="wire"), replace(WELL, receiver="paper", id="alt_2")),
)


def test_all_that_is_well_is_found_well() -> None:
    assert not judged(GOOD)
    again = replace(GOOD, got=(*GOOD.got, WELL, replace(WELL, taken=False)))
    assert not judged(again)
    assert repeats(again) == 1


@pytest.mark.parametrize(
    ("fault", "tale"),
    [
        ("lost", replace(GOOD, sent=frozenset({"a1", "a2"}))),
        ("duplicates", replace(GOOD, raised=(*GOOD.raised, ("alt_9", "a1")))),
        ("duplicates", replace(GOOD, got=(*GOOD.got, replace(WELL, id="alt_9")))),
        ("invented", replace(GOOD, sent=frozenset())),
        ("untold", replace(GOOD, got=GOOD.got[1:])),
        ("untold", replace(GOOD, got=(replace(WELL, taken=False), *GOOD.got[1:]))),
        ("untold", replace(GOOD, got=GOOD.got[:2])),
        ("untold", replace(GOOD, due=GOOD.due[:1])),
        ("changed", replace(GOOD, got=(*GOOD.got, replace(WELL, body="others")))),
        ("unsigned", replace(GOOD, got=(*GOOD.got, replace(WELL, signed=False)))),
        ("damage", replace(GOOD, check="row 3 missing from index")),
    ],
)
def test_whatever_is_wrong_is_found(fault: str, tale: Tale) -> None:
    assert getattr(judged(tale), fault)


async def test_a_worker_that_outlives_its_daemon_is_found() -> None:
    leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", leaves, start_new_session=True)
    await parent.wait()
    (left,) = survivors(parent.pid)
    assert not await gone(left, patience=0.0)
    os.kill(left, signal.SIGKILL)
    assert await gone(left)
    assert survivors(parent.pid) == []
