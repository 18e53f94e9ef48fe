"""The power goes, and comes back: a day on a disk that forgets, cut at any call, and what is left judged against all that there was.

What lies there after an outage has to be, to the letter, what the database held after some commit: none older than the last one that
was acknowledged, none younger than the one under way. Then the same day goes on, on the ordinary library, to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from powerlife import NOON, OLD, STEPS, Day, Done, Heard, Returned, Witness, alert, missing, refused
from powerloss import SURVIVALS, Disk, Image, Tuning, connections, sqlite3
from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.stores import opening
from monitor.stores.migrations import migrations
from monitor.stores.rows import dump, micros
from monitor.stores.sqlite import SqliteStore

FILE = "monitor.db"
JOURNALS = {"wal": (0, 0, 0), "truncate": (99, 0, 0)}
"""How the store keeps what is not in its file yet, and the SOUND_WAL that makes it do so."""
VERSIONS = (None, *(one.name for one in migrations._migrations))
"""The last step of the schema that there was when the day began; None: there was no file."""


@dataclass(frozen=True, slots=True)
class State:
    """All that a database holds, as a digest, and the alerts by name."""

    digest: str
    alerts: frozenset[str] = frozenset()


EMPTY = State(sha256(b"[]").hexdigest())


def state(conn: Any) -> State:
    """What the database holds now, schema and all, to the letter."""
    schema = sorted(
        conn.execute("SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall()
    )
    tables = [name for name, kind, _ in schema if kind == "table"]
    rows = {name: conn.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    alerts = conn.execute("SELECT id FROM alerts").fetchall() if "alerts" in tables else []
    whole = repr([schema, *((name, rows[name]) for name in tables)] if schema else [])
    return State(sha256(whole.encode()).hexdigest(), frozenset(id for (id,) in alerts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an outage has done: alerts that were acknowledged before it, those of them that are gone, and what is wrong."""

    acknowledged: int
    lost: int = 0
    forgotten: int = 0
    """Acknowledged commits that are gone."""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a day is lived. `control`: nothing goes on after the outage, for something is expected to be lost."""

    seed: int
    journal: str = "wal"
    synchronous: str = "FULL"
    deaf: bool = False
    """The disk says that it syncs and does not."""

    @property
    def control(self) -> bool:
        """Whether something is expected to be lost, so that the day cannot go on after an outage."""
        return self.deaf or self.synchronous != "FULL"

    @property
    def version(self) -> str | None:
        """The schema that the day begins with."""
        return VERSIONS[self.seed % len(VERSIONS)]

    @property
    def tuning(self) -> Tuning:
        """Small logs and caches, so that the log is copied and started anew often and some transactions spill."""
        chance = Random(f"tuning {self.seed}")
        if self.control:  # each copy of the log is synced: as it is by default, much hangs on its own syncs
            return Tuning(checkpoint=1000, synchronous=self.synchronous)
        return Tuning(checkpoint=chance.choice((6, 20, 80)), cache=chance.choice((None, 10)))


@dataclass(kw_only=True)
class Lived:
    """A day, or the rest of one, with all that was done to the disk."""

    setting: Setting
    disk: Disk
    began: State
    heard: list[Heard]
    """What receivers had heard before."""
    first: int = 0

    def states(self, at: int) -> tuple[list[State], int]:
        """What the database held after each commit, until the one under way at this place, and how many were acknowledged."""
        found, acknowledged = [self.began], 0
        for entry in self.disk.journal[:at]:
            if isinstance(entry, State):
                found.append(entry)
            elif isinstance(entry, Returned):
                acknowledged = len(found) - 1
        under_way = next((entry for entry in self.disk.journal[at:] if isinstance(entry, State)), None)
        return [*found, *([under_way] if under_way else [])], acknowledged

    def step(self, at: int) -> int:
        """The step that was under way."""
        return max([self.first, *(entry.step + 1 for entry in self.disk.journal[:at] if isinstance(entry, Done))])

    def told(self, at: int) -> list[Heard]:
        """What receivers had heard by then."""
        return [*self.heard, *(entry for entry in self.disk.journal[:at] if isinstance(entry, Heard))]


# A day, written down


async def lived(
    setting: Setting, folder: Path, image: Image, began: State, heard: Sequence[Heard] = (), steps: range | None = None
) -> Lived:
    """The day, or some steps of it, on a disk in this folder that holds the image at first."""
    disk = Disk(_emptied(folder), image)
    day = steps or range(STEPS)
    with connections(disk, setting.tuning, state) as connect, _opening(setting, connect):
        store = await SqliteStore.open(folder / FILE)
        disk.journal.append(Returned("open"))
        witness = Witness(store, disk.journal)
        await Day(setting.seed, witness, disk.journal, list(heard)).live(day.start, day.stop)
        await store.close()
    return Lived(setting=setting, disk=disk, began=began, heard=list(heard), first=day.start)


@contextmanager
def _opening(setting: Setting, connect: Callable[[str], Any] | None = None) -> Iterator[None]:
    """Stores are opened as the setting says, and through `connect`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(opening, "SOUND_WAL", JOURNALS[setting.journal])
        patched.setattr(opening, "connect", connect or opening.connect)
        yield


def _emptied(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder


def beginning(setting: Setting, folder: Path) -> tuple[Image, State]:
    """The file that there is before the day begins, and what it holds: nothing, or what an older version left behind."""
    if setting.version is None:
        return {}, EMPTY
    path = _emptied(folder) / FILE
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute(f"PRAGMA journal_mode={Random(setting.seed).choice(('wal', 'delete', 'truncate'))}")
    _leave_behind(Database(conn, execute_plugins=False), VERSIONS.index(setting.version))
    held = state(conn)
    conn.close()
    return {FILE: path.read_bytes()}, held


def _leave_behind(db: Database, version: int) -> None:
    later = [str(name) for name in VERSIONS[version + 1 :]]
    migrations.apply(db, stop_before=VERSIONS[2])
    for number, id in enumerate(OLD):
        told = alert(id, NOON - timedelta(hours=number))
        db.execute(
            "INSERT INTO alerts (id, rule, raised, whole) VALUES (?, ?, ?, ?)", (id, "talks", micros(told.raised), dump(told))
        )
        add = "INSERT INTO deliveries (alert, sink, body, state, since, due, attempts, token, leased_until) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)"
        leased = ("leased", "abc", micros(NOON)) if number % 3 == 0 else ("waiting", "", None)
        due = micros(told.raised)
        db.execute(add, (id, "desk", f'["{id}"]'.encode() + b" " * 500, leased[0], due, due, *leased[1:]))
        article = dump(told.article)
        keep = "INSERT INTO articles (id, digest, revision, first_seen, fills, sketch, whole) VALUES (?, '1', '1', ?, 0, '[]', ?)"
        db.execute(keep, (told.article.id, due, article))
        db.execute("INSERT INTO events (id, rule, opened, seen, whole) VALUES (?, 'talks', ?, ?, '{}')", (f"old {id}", 0, 0))
    if version > 1:
        migrations.apply(db, stop_before=later)


# An outage


@dataclass(kw_only=True)
class Outage:
    """The power is lost at a place in a day's journal; `how` says what survives of what was not synced."""

    lived: Lived
    at: int
    how: str
    chance: Random
    outages: int = 1

    def image(self) -> Image:
        """What lies on the disk."""
        return self.lived.disk.left(self.at, SURVIVALS[self.how], self.chance, deaf=self.lived.setting.deaf)

    def judged(self, image: Image, folder: Path) -> tuple[Verdict, State | None]:
        """Whether what is left is sound and one of the states that are allowed; and what it is."""
        states, acknowledged = self.lived.states(self.at)
        known = states[acknowledged].alerts
        try:
            found = self._found(_written(folder, image, self.chance))
        except sqlite3.DatabaseError as error:
            return Verdict(acknowledged=len(known), lost=len(known), faults=(f"damaged: {error}",)), None
        forgotten = acknowledged - max((n for n, one in enumerate(states) if one == found), default=acknowledged)
        faults = () if found in states else ("a state that never was",)
        lost = len(known - found.alerts)
        return Verdict(acknowledged=len(known), lost=lost, forgotten=max(0, forgotten), faults=faults), found

    @staticmethod
    def _found(path: Path) -> State:
        conn = sqlite3.connect(path, isolation_level=None)
        try:
            [(word,)] = conn.execute("PRAGMA integrity_check(1)").fetchall()
            if word != "ok" or conn.execute("PRAGMA foreign_key_check").fetchall():
                raise sqlite3.DatabaseError(word)
            return state(conn)
        finally:
            conn.close()

    async def went_on(self, image: Image, folder: Path) -> list[str]:
        """What is wrong at the end of the day, which went on with the ordinary library from what was left."""
        setting, journal = self.lived.setting, list[Any](self.lived.told(self.at))
        with _opening(setting):
            try:
                store = await SqliteStore.open(_written(folder, image, self.chance))
            except StoreError as error:
                return [f"does not open: {error}"]
            await Day(setting.seed, store, journal).live(self.lived.step(self.at))
            stand = {(one.alert, one.sink): one.state for one in await store.deliveries(limit=10_000)}
            await store.close()
        wrong = [key for key, word in stand.items() if word != ("dead" if refused(setting.seed, *key) else "sent")]
        old = setting.version is not None
        return [
            *missing(setting.seed, journal, old=old, outages=self.outages),
            *(f"stands as {stand[key]}: {key}" for key in wrong),
        ]


def _written(folder: Path, image: Image, chance: Random) -> Path:
    """The files, and at times shared memory that nobody has written: it is no file to rely on."""
    _emptied(folder)
    for name, content in image.items():
        (folder / name).write_bytes(content)
    if chance.random() < 0.5:
        (folder / f"{FILE}-shm").write_bytes(chance.randbytes(32768))
    return folder / FILE


# Many of them


@dataclass(kw_only=True)
class Count:
    """What many outages came to."""

    points: int = 0
    acknowledged: int = 0
    lost: int = 0
    losing: int = 0
    """Outages that lost an alert."""
    forgetting: int = 0
    """Outages after which something acknowledged was gone, be it an alert, an outcome, a breaker or a cursor."""
    faults: list[str] = field(default_factory=list)

    def add(self, outage: Outage, verdict: Verdict) -> None:
        self.points += 1
        self.acknowledged += verdict.acknowledged
        self.lost += verdict.lost
        self.losing += verdict.lost > 0
        self.forgetting += verdict.forgotten > 0 or verdict.lost > 0
        where = f"seed {outage.lived.setting.seed}, {outage.how} at {outage.at}, {outage.outages} outages"
        self.faults += [f"{where}: {fault}" for fault in verdict.faults]

    def __add__(self, other: Count) -> Count:
        return Count(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


async def day_of_outages(setting: Setting, points: int, folder: Path) -> Count:
    """A day, cut at so many places, in each of the ways in turn; every fourth time, the power is lost once more soon after."""
    count, chance = Count(), Random(f"outages {setting}")
    image, began = beginning(setting, folder / "old")
    day = await lived(setting, folder / "day", image, began)
    for number in range(points):
        outage = Outage(lived=day, at=_place(day.disk, chance), how=_way(number), chance=chance)
        count.add(outage, await _suffered(outage, folder, again=number % 16 < 4))
    return count


async def _suffered(outage: Outage, folder: Path, *, again: bool) -> Verdict:
    image = outage.image()
    verdict, found = outage.judged(image, folder / "left")
    if outage.lived.setting.control or found is None:
        return verdict
    faults = list(verdict.faults)
    if again:
        faults += await _once_more(outage, image, found, folder)
    else:
        faults += await outage.went_on(image, folder / "left")
    return Verdict(acknowledged=verdict.acknowledged, lost=verdict.lost, forgotten=verdict.forgotten, faults=tuple(faults))


async def _once_more(outage: Outage, image: Image, found: State, folder: Path) -> list[str]:
    """What is wrong after a second outage, while the store was opened after the first one, or soon after that."""
    step = outage.lived.step(outage.at)
    steps = range(step, max(step + 1, min(step + 2, STEPS)))
    soon = await lived(outage.lived.setting, folder / "soon", image, found, outage.lived.told(outage.at), steps)
    second = Outage(
        lived=soon, at=_place(soon.disk, outage.chance), how=outage.how, chance=outage.chance, outages=outage.outages + 1
    )
    verdict = await _suffered(second, folder, again=False)
    lost = [f"{verdict.lost} alerts lost"] if verdict.lost else []
    gone = [f"{verdict.forgotten} commits forgotten"] if verdict.forgotten else []
    return [f"and again, {second.how} at {second.at}: {fault}" for fault in (*verdict.faults, *lost, *gone)]


def _place(disk: Disk, chance: Random) -> int:
    """Before a call, or just after it; every third, one of opening the store: of a migration, or of the recovery before."""
    calls, opened = disk.calls() or [0], disk.journal.index(Returned("open"))
    opens = [call for call in calls if call < opened]
    return chance.choice(opens if opens and chance.random() < 1 / 3 else calls) + chance.randint(0, 1)


def _way(number: int) -> str:
    return list(SURVIVALS)[number % len(SURVIVALS)]


def outages(setting: Setting, points: int, folder: Path) -> Count:
    """As `day_of_outages`, for whoever is not asynchronous."""
    return asyncio.run(day_of_outages(setting, points, folder))
