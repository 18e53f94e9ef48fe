"""Kill -9 of the real daemon, again and again, in a world that goes on.

It is killed and started again on the same file; in the end it is left alone until it has nothing more to do. Then there is a tale to tell,
which `reckoning` judges. What it watches and whom it tells is in `quays`, how it is made to die at a step in `doomed`.
"""

from __future__ import annotations

import asyncio
import collections
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from quays import RULES, SECRET, World, opened, settings
from reckoning import Tale
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # the one that the store uses, too

HERE = Path(__file__).parent
PATIENCE = 150.0
"""Seconds that anything may take on a busy machine before the harness gives up."""

# One life of the daemon


class Broken(AssertionError):
    """It did not die as it was to, did not start again, or did not come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """How a life ends: at the n-th time that it comes to `step`; else after so many requests and lines, or after a while."""

    step: str = ""
    at: int = 1
    after: float | None = None
    """Seconds: for the command only, in tests nothing depends on time."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.step}:{self.at}" if self.step else f"{self.after:.3f} s" if self.after is not None else f"event {self.at}"


@dataclass
class Life:
    """A process, and the latest of what it said."""

    process: asyncio.subprocess.Process
    world: World
    log: BinaryIO
    """All that it said, and those before it."""
    began: float = field(default_factory=time.monotonic)
    events: int = 0
    """How many there had been when it began."""
    lines: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=60))
    committed: float | None = None
    """Seconds from the start of the process to the first articles that it recorded."""
    over: bool = False
    reader: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Reads until nobody holds the other end any more: not the process, and none of its workers."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode())
            self.log.write(line)
            if self.committed is None and "examined" in self.lines[-1]:
                self.committed = time.monotonic() - self.began
            await self.world.note()
        self.over = True
        await self.world.note()

    async def until(self, what: str, true: Callable[[], bool]) -> None:
        """Waits until that is so, as long as it lives."""
        try:
            async with asyncio.timeout(PATIENCE), self.world.moved:
                await self.world.moved.wait_for(lambda: self.over or true())
        except TimeoutError:
            raise Broken(f"never {what}:\n{self}") from None

    async def says(self, text: str) -> None:
        """Waits until a line holds that."""
        await self.until(f"said {text!r}", lambda: any(text in line for line in self.lines))

    async def ends(self) -> int:
        """Its exit code, once it and all that it had started are gone."""
        try:
            async with asyncio.timeout(PATIENCE):
                code = await self.process.wait()
                assert self.reader is not None
                await self.reader
        except TimeoutError:
            raise Broken(f"it, or what it started, is still there: {survivors(self.process.pid)}\n{self}") from None
        if left := [pid for pid in survivors(self.process.pid) if not await gone(pid)]:
            raise Broken(f"outlived by {left}")
        return code

    def __str__(self) -> str:
        """The end of what it said."""
        return "".join(self.lines)


def survivors(session: int) -> list[int]:
    """The processes of a session that live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, _group, its = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has gone meanwhile
            continue
        if int(its) == session and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


async def gone(pid: int, patience: float = 10.0) -> bool:
    """Whether it ends soon."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool((await asyncio.to_thread(select.select, [watched], [], [], patience))[0])
    finally:
        os.close(watched)


# All of its lives


@dataclass
class Campaign:
    """One folder, one world, and a daemon that is killed in it. `wrong` is a mistake of doomed.py; `haste`: waits are short."""

    folder: Path
    world: World
    wrong: str = ""
    haste: bool = True
    kills: int = 0
    starts: list[float] = field(default_factory=list)
    """Seconds from each start to the first articles recorded."""
    edits: int = 0
    lives: list[Life] = field(default_factory=list)
    log: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self.log = (self.folder / "log").open("ab", buffering=0)

    async def over(self) -> None:
        """Nothing of it is left, however it went."""
        for life in self.lives:
            if life.process.returncode is None:
                life.process.kill()
                await life.ends()
        self.log.close()

    def write(self) -> None:
        """Settings and rules."""
        (self.folder / "monitor.yaml").write_text(settings(self.world))
        self.edit()

    def edit(self) -> None:
        """Writes the rules, each time a little differently, though they mean the same."""
        self.edits += 1
        (self.folder / "rules.yaml").write_text(f"# edition {self.edits}\n{RULES}")

    @property
    def file(self) -> Path:
        """The store."""
        return self.folder / "monitor.db"

    async def start(self, *arguments: str, kill: Kill | None = None) -> Life:
        """The real command line as a process of its own session."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
        mine = {"PYTHONPATH": str(HERE.parent), "DESK_SECRET": SECRET, "WRONG": self.wrong, "HASTE": "1" if self.haste else ""}
        doom = f"{kill.step}:{kill.at}" if kill and kill.step else ""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(HERE / "doomed.py"), *(arguments or ("run",))),
            cwd=self.folder,
            env={**kept, **mine, "DOOM": doom},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
            start_new_session=True,
        )
        life = Life(process, self.world, self.log, events=self.world.events)
        life.reader = asyncio.ensure_future(life.listen())
        self.lives.append(life)
        return life

    async def live(self, kill: Kill) -> None:
        """One life, to its violent end."""
        backup = kill.step == BACKUP
        life = await self.start(kill=None if backup else kill)
        if backup:
            await self._backed_up(life, kill)
        await (self._by_itself(life, kill) if kill.step and not backup else self._by_us(life, Kill() if backup else kill))
        self.kills += 1
        if life.committed is not None:
            self.starts.append(life.committed)

    async def _by_us(self, life: Life, kill: Kill) -> None:
        if kill.after is not None:
            await asyncio.sleep(kill.after)
        else:
            await life.until(f"came to {kill}", lambda: self.world.events - life.events >= kill.at)
        if not life.over:
            life.process.kill()
        if (code := await life.ends()) != -signal.SIGKILL:
            raise Broken(f"ended with {code} before {kill}:\n{life}")

    async def _by_itself(self, life: Life, kill: Kill) -> None:
        if kill.step == "reloading":
            await life.says("examined")
            self.edit()
        await life.until(f"died at {kill}", lambda: life.over)
        code = await life.ends()
        if code not in (-signal.SIGKILL, -signal.SIGXFSZ) or not any(f"doomed at {kill.step}" in line for line in life.lines):
            raise Broken(f"ended with {code}, not at {kill}:\n{life}")
        if kill.step == "checkpoint":
            self._in_a_checkpoint(code, life)

    def _in_a_checkpoint(self, code: int, life: Life) -> None:
        """The file has grown as far as it was allowed to, which nothing but a checkpoint does."""
        most = next(int(line.split()[4]) for line in life.lines if "doomed at checkpoint" in line)
        if (code, self.file.stat().st_size) != (-signal.SIGXFSZ, most):
            raise Broken(f"ended with {code}, the file at {self.file.stat().st_size} bytes instead of {most}:\n{life}")

    async def _backed_up(self, life: Life, kill: Kill) -> None:
        """The command is killed while the daemon runs, and leaves nothing that looks like a backup; said again, it makes one."""
        await life.says("examined")
        saved = self.folder / f"saved-{self.kills}.db"
        command = await self.start("backup", str(saved), kill=kill)
        await self._by_itself(command, kill)
        if saved.exists():
            raise Broken(f"killed at {kill}, and there is a backup")
        again = await self.start("backup", str(saved))
        if code := await again.ends():
            raise Broken(f"the next backup ended with {code}:\n{again}")
        if (sound := _rows(saved, "PRAGMA integrity_check")) != [("ok",)]:
            raise Broken(f"the next backup is not sound: {sound}")

    async def rest(self) -> None:
        """A last life without harm: until every paper has been read to its end and nothing waits to be sent."""
        self.world.growing = False
        life = await self.start()
        await life.until("came to rest", lambda: all(one.finished for one in self.world.papers) and self._idle())
        if life.over:
            raise Broken(f"ended by itself:\n{life}")
        life.process.terminate()
        if code := await life.ends():
            raise Broken(f"ended with {code}:\n{life}")

    def _idle(self) -> bool:
        """Whether nothing waits: no delivery, no digest, no page."""
        waiting = "SELECT count(*) FROM deliveries WHERE state NOT IN ('sent', 'digested', 'dead')"
        unfilled = "SELECT count(*) FROM articles WHERE refill IS NOT NULL"
        return self.asked(waiting) == self.asked(unfilled) == [(0,)]

    def asked(self, sql: str) -> list[Any]:
        """Rows of the store, which is not disturbed."""
        return _rows(self.file, sql)

    def tale(self) -> Tale:
        """What there is to compare."""
        raised = [
            (id, _gates(json.loads(whole))) for id, whole in self.asked("SELECT id, whole FROM alerts WHERE rule LIKE 'gate-%'")
        ]
        due = [(alert, sink, digest or alert) for alert, sink, digest in self.asked(_DUE)]
        return Tale(
            sent=frozenset(self.world.sent()),
            raised=tuple((id, gate) for id, gates in raised for gate in gates),
            due=tuple(due),
            got=tuple(self.world.got),
            check=str(self.asked("PRAGMA integrity_check")[0][0]),
            kills=self.kills,
            starts=tuple(self.starts),
        )


def _rows(file: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        found: list[Any] = db.execute(sql).fetchall()
    return found


_DUE = "SELECT alert, sink, digest FROM deliveries"


def _gates(alert: dict[str, Any]) -> list[str]:
    return sorted({one["finding"]["captures"]["gate"] for one in alert["sightings"]})


async def campaign(folder: Path, seed: int, kills: Sequence[Kill], *, wrong: str = "", haste: bool = True) -> Tale:
    """All of these kills, one after the other, and then rest."""
    async with opened(World(seed)) as world:
        made = Campaign(folder, world, wrong=wrong, haste=haste)
        try:
            made.write()
            for kill in kills:
                await made.live(kill)
            await made.rest()
            return made.tale()
        finally:
            await made.over()


BACKUP = "backup"
"""The step that another command comes to, beside the daemon."""

STEPS: Mapping[str, int] = {
    "started": 1,
    "fetched": 6,
    "parsed": 6,
    "planned": 3,
    "recording": 8,
    "recorded": 8,
    "visiting": 10,
    "visited": 10,
    "claimed": 3,
    "sent": 6,
    "settled": 6,
    "gathered": 1,
    "digested": 1,
    "reloading": 1,
    "checkpoint": 1,
    BACKUP: 2,
}
"""Where it is killed, and how often it may come there first. "migrating" is for a new file."""

STATEMENTS = 50
"""Statements of the migrations, about."""


def at_each_step(chance: Random, steps: Sequence[str] = tuple(STEPS)) -> list[Kill]:
    """One kill at each step, in any order, the first while the file is made."""
    kills = [Kill(step=step, at=chance.randint(1, STEPS[step])) for step in steps]
    chance.shuffle(kills)
    return [Kill(step="migrating", at=chance.randint(1, STATEMENTS)), *kills]


def anywhere(chance: Random, number: int, most: int = 100) -> list[Kill]:
    """Kills at what is any moment: after so many requests and lines, of which the first thirty or so are its introduction."""
    return [Kill(at=chance.randint(20, most)) for _ in range(number)]
