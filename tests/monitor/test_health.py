"""Whether a running monitor does its work: what keeps it from it, what is wrong though it does it, and what asking costs the store."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from monitor.app import health
from monitor.app.health import NAMED, Asked, Health, answering, said, store_files
from monitor.app.standing import Standing
from monitor.config import Config, Secret
from monitor.config.values import Listen
from monitor.errors import ConfigError, StoreError
from monitor.lag import Histogram
from monitor.meters import Meters
from monitor.model import Backlog, Breaker, Visit
from monitor.service import Pulse
from monitor.stores.memory import MemoryStore
from monitor.stores.sqlite import SqliteStore
from rules import Once, Rule

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TALKS = Rule(id="talks", title="Talks", when=None, version="abc", once=Once())  # type: ignore[arg-type]


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stuck(MemoryStore):
    """A store that answers when it is let, with what it is told to; it counts how often it was asked."""

    error: Exception | None = None
    backlogs: list[Backlog] = field(default_factory=list)
    found: list[Breaker] = field(default_factory=list)
    probes: int = 0
    looks: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()
        self.free.set()

    async def probe(self) -> None:
        self.probes += 1
        await self.free.wait()
        if self.error:
            raise self.error

    async def backlog(self) -> list[Backlog]:
        self.looks += 1
        await self.free.wait()
        if self.error:
            raise self.error
        return self.backlogs

    async def breakers(self) -> list[Breaker]:
        return self.found


def refused(why: str, path: str = "/var/lib/monitor/monitor.db") -> StoreError:
    error = StoreError(f"{path}: {why}")
    error.__cause__ = OSError(why)
    return error


def a_health(store: Any, **changes: Any) -> Health:
    clock = changes.pop("clock", Clock())
    pulse = changes.pop("pulse", None)
    if pulse is None:
        pulse = Pulse(clock=clock)
        pulse.beat()
    given: dict[str, Any] = {
        "store": store,
        "meters": Meters(clock=lambda: NOON),
        "pulse": pulse,
        "standing": lambda: Standing(file="rules.yaml", rules=1, since=NOON),
        "rules": lambda: {"talks": TALKS},
        "receivers": ("desk",),
        "now": lambda: NOON,
        "clock": clock,
    }
    return Health(**{**given, **changes})


async def test_a_monitor_that_does_its_work_is_ready_and_has_nothing_to_say() -> None:
    found = await a_health(MemoryStore()).ready()

    assert (found.ready, found.reasons, found.warnings) == (True, (), ())


# Reasons


async def test_a_store_that_cannot_be_written_is_a_reason_without_its_path() -> None:
    found = await a_health(Stuck(error=refused("database or disk is full"))).ready()

    assert not found.ready
    assert found.reasons == ("the store cannot be written: database or disk is full",)
    assert "/var/lib" not in str(found)


async def test_a_store_that_does_not_answer_is_a_reason_and_is_asked_once() -> None:
    store = Stuck()
    store.free.clear()
    here = a_health(store, deadline=0)
    found = [await here.ready() for _ in range(5)]

    assert found[0].reasons == ("the store has not answered for 0 s: is the disk slow, or another process writing?",)
    assert found[0].warnings == ("what waits for receivers is not known: the store has not said",)
    assert (store.probes, store.looks) == (1, 1)  # no pile of questions behind the one that hangs

    store.free.set()
    await asyncio.gather(here._probe.get(), here._outbox.get(), return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
    assert (await here.ready()).ready


async def test_the_store_is_asked_at_most_every_five_seconds() -> None:
    store, clock = Stuck(), Clock()
    here = a_health(store, clock=clock)
    for _ in range(100):
        await here.ready()
    before = (store.probes, store.looks)
    clock.now += 5
    await here.ready()

    assert before == (1, 1)
    assert (store.probes, store.looks) == (2, 2)


async def test_without_keeping_answers_every_question_reaches_the_store() -> None:
    """The control: it is the keeping that spares it."""
    asked = []

    async def ask() -> None:
        asked.append(1)

    one = Asked(ask, Clock(), kept=0)
    for _ in range(3):
        await one.get()

    assert len(asked) == 3


async def test_who_gives_up_waiting_does_not_stop_the_question() -> None:
    go, asked = asyncio.Event(), asyncio.Event()

    async def ask() -> str:
        asked.set()
        await go.wait()
        return "well"

    one = Asked(ask, Clock(), deadline=30)
    first = asyncio.ensure_future(one.get())
    await asked.wait()
    first.cancel()
    go.set()

    assert await one.get() == "well"


async def test_it_is_ready_again_once_there_is_room() -> None:
    store, clock = Stuck(error=refused("database or disk is full")), Clock()
    here = a_health(store, clock=clock)
    here.pulse.clock = lambda: 0.0
    here.pulse.beat()
    before = await here.ready()
    store.error, clock.now = None, clock.now + 5

    assert (before.ready, (await here.ready()).ready) == (False, True)


@pytest.mark.parametrize(("age", "ready"), [(0.2, True), (3.0, True), (3.1, False), (400.0, False)])
async def test_a_schedule_that_does_not_tick_is_a_reason(age: float, ready: bool) -> None:  # noqa: FBT001
    clock = Clock()
    here = a_health(MemoryStore(), clock=clock)
    clock.now += age

    found = await here.ready()

    assert found.ready is ready
    assert found.reasons == (() if ready else (f"the schedule has not ticked for {age:.0f} s: nothing is visited",))


async def test_before_the_first_tick_it_is_not_ready() -> None:
    found = await a_health(MemoryStore(), pulse=Pulse()).ready()

    assert found.reasons == ("the schedule has not ticked yet",)


async def test_without_rules_it_is_not_ready() -> None:
    assert (await a_health(MemoryStore(), rules=dict).ready()).reasons == ("no rules are in force",)


# Warnings


async def test_rules_that_cannot_be_used_are_a_warning() -> None:
    why = ("rules.yaml:6:7: unknown condition 'sentense'", "another")
    stale = Standing(file="rules.yaml", rules=1, since=NOON, stale=NOON, why=why)
    found = await a_health(MemoryStore(), standing=lambda: stale).ready()

    assert found.ready
    assert found.warnings == (
        "config: stale since 2026-07-01 12:00 UTC, the rules before it stay in force: rules.yaml:6:7: unknown condition 'sentense'",
    )


async def test_sources_that_fail_are_named() -> None:
    here = a_health(MemoryStore())
    for n in range(NAMED + 2):
        visit = Visit(source=f"s{n:02}", at=NOON, due=NOON, failures=1, trouble="slow", error="https://x.example/key=1 is slow")
        here.meters.visited(visit)
    here.meters.visited(Visit(source="well", at=NOON, due=NOON))

    [warning] = (await here.ready()).warnings
    assert warning.startswith("12 sources failing: s00, s01, ")
    assert warning.endswith("s09 and 2 more: monitor feeds list")


async def test_receivers_that_fail_are_told_with_since_and_why() -> None:
    store = Stuck(
        found=[
            Breaker(sink="desk", state="open", since=NOON, reason="https://user:pw@hooks.example/T0/secret?x=1 answered\n503"),
            Breaker(sink="night", state="disabled", since=NOON, reason="410 Gone"),
            Breaker(sink="well"),
        ]
    )

    found = await a_health(store).ready()

    assert found.ready
    assert found.warnings == (
        "receiver desk fails since 2026-07-01 12:00 UTC, and is only probed: https://hooks.example answered 503",
        "receiver night is disabled, failing since 2026-07-01 12:00 UTC, and what is for it is parked: 410 Gone",
    )


async def test_what_waits_for_long_and_what_was_given_up_are_told() -> None:
    store = Stuck(
        backlogs=[
            Backlog(sink="desk", waiting=3, oldest=NOON - 2.5 * HOUR),
            Backlog(sink="quick", waiting=3, oldest=NOON - 0.5 * HOUR),
            Backlog(sink="night", dead=1),
        ]
    )

    assert (await a_health(store).ready()).warnings == (
        "receiver desk: 3 deliveries waiting, the oldest for 2 h",
        "receiver night: 1 delivery given up: monitor deliveries list",
    )


async def test_there_are_never_many_warnings() -> None:
    store = Stuck(found=[Breaker(sink=f"r{n}", state="open") for n in range(500)])

    found = await a_health(store).ready()

    assert len(found.warnings) == NAMED + 1
    assert found.warnings[-1] == "… and 490 more of the kind"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("no answer from https://hooks.example/services/T0/B0/secret", "no answer from https://hooks.example"),
        ("HTTPS://user:pw@hooks.example:8443?token=1: 503", "HTTPS://hooks.example:8443 503"),
        ("two\nlines\x0b", "two lines"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_of_an_address_only_the_host_is_told(given: str, expected: str) -> None:
    assert said(given) == expected


# Figures


async def test_figures_hold_what_only_the_app_knows(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    file.write_bytes(b"x" * 500)
    lag = Histogram()
    lag.add(0.001)
    store, clock = Stuck(backlogs=[Backlog(sink="desk", waiting=3)]), Clock()
    here = a_health(store, clock=clock, files=store_files(f"sqlite:{file}"), lag=lag)
    clock.now += 60

    body, kind = await here.metrics()

    found = {sample.name: sample.value for family in text_string_to_metric_families(body.decode()) for sample in family.samples}
    assert kind.startswith("text/plain")
    assert found["monitor_store_bytes"] == 500
    assert found["monitor_deliveries_waiting"] == 3
    assert (found["monitor_ticks_total"], found["monitor_tick_age_seconds"], found["monitor_uptime_seconds"]) == (1, 60, 60)
    assert (found["monitor_rules"], found["monitor_loop_lag_seconds_count"], found["monitor_store_answers"]) == (1, 1, 1)


async def test_figures_come_though_the_store_does_not_answer() -> None:
    store = Stuck()
    store.free.clear()

    body, _ = await a_health(store, deadline=0).metrics()

    assert b"monitor_store_answers 0.0" in body
    assert b"monitor_deliveries_waiting{" not in body
    store.free.set()


async def test_the_digest_of_the_rules_changes_when_what_they_mean_does() -> None:
    one = health._digest({"talks": TALKS, "floods": TALKS})

    assert one == health._digest({"floods": TALKS, "talks": TALKS})
    assert one != health._digest({"talks": TALKS})


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("monitor.db", ["monitor.db", "monitor.db-wal"]),
        ("sqlite:///var/monitor.db", ["/var/monitor.db", "/var/monitor.db-wal"]),
        ("memory:", []),
    ],
)
def test_the_files_of_a_store(store: str, expected: list[str]) -> None:
    assert [str(one) for one in store_files(store)] == expected


# Answering


async def asked(port: int, path: str, host: str = "localhost") -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return status


async def test_it_answers_where_the_settings_say_and_to_whom() -> None:
    config = Config(listen=Listen(port=0, explicit=True), token=Secret("t" * 40), hosts=("news.example",))

    async with answering(config, a_health(Stuck(error=refused("full")))) as [(_, port)]:
        statuses = [
            await asked(port, *one)
            for one in (("/livez",), ("/readyz", "news.example"), ("/metrics",), ("/livez", "evil.example"))
        ]

    assert statuses == [200, 503, 401, 421]  # the store is broken, and it lives


async def test_without_an_address_nobody_is_answered() -> None:
    async with answering(Config(listen=None), a_health(MemoryStore())) as addresses:
        assert addresses == []


async def test_a_port_that_was_asked_for_must_be_free_and_another_need_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="name another port"):
            async with answering(Config(listen=Listen(port=port, explicit=True)), a_health(MemoryStore())):
                pass
        with capture_logs() as logs:
            async with answering(Config(listen=Listen(port=port)), a_health(MemoryStore())) as addresses:
                assert addresses == []

    assert [one["event"] for one in logs] == ["no health, no metrics"]


async def test_what_goes_wrong_while_it_answers_is_not_taken_for_a_port() -> None:
    with pytest.raises(ConfigError, match="something else"):
        async with answering(Config(listen=Listen(port=0)), a_health(MemoryStore())):
            raise ConfigError("something else")


# The probe of the SQLite store


async def full(store: SqliteStore) -> None:
    """Leaves it not one page more than it has."""
    await store._on_thread(lambda: store._db.execute("PRAGMA incremental_vacuum").fetchall())
    (pages,) = await store._on_thread(lambda: store._db.execute("PRAGMA page_count").fetchone())
    await store._on_thread(lambda: store._db.execute(f"PRAGMA max_page_count={pages}").fetchone())


async def test_a_full_store_is_noticed_and_so_is_that_there_is_room_again(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    await full(store)

    clock = Clock()
    here = a_health(store, clock=clock)
    found = await here.ready()
    await store._on_thread(lambda: store._db.execute("PRAGMA max_page_count=1000000").fetchone())
    clock.now += 5
    here.pulse.beat()
    again = await here.ready()
    await store.close()

    assert found.reasons == ("the store cannot be written: database or disk is full",)
    assert again.ready


async def test_a_change_that_needs_no_room_would_not_have_noticed(tmp_path: Path) -> None:
    """The control: why the probe writes more than a row that is there already."""
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    await store.visited(Visit(source="agency", at=NOON, due=NOON))
    await full(store)

    await store.visited(Visit(source="agency", at=NOON, due=NOON))
    with pytest.raises(StoreError, match="full"):
        await store.probe()
    await store.close()


async def test_a_read_only_store_is_noticed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    await store._on_thread(lambda: store._db.execute("PRAGMA query_only=ON").fetchall())

    with pytest.raises(StoreError, match="readonly"):
        await store.probe()
    await store.close()


async def test_probes_do_not_make_the_file_grow(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    await store.probe()
    first = (await store.sizes())["file"]
    for _ in range(20):
        await store.probe()
    last = (await store.sizes())["file"]
    await store.close()

    assert last == first


NO_ROOM = """
import asyncio, resource, signal, sys
from pathlib import Path
from monitor.config import Config, Secret
from monitor.config.values import Listen
from monitor.errors import ConfigError, StoreError
from monitor.stores.sqlite import SqliteStore

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await SqliteStore.open(Path(sys.argv[1]))
    await store.probe()
    most = max(one.stat().st_size for one in Path(sys.argv[1]).parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        await store.probe()
        print("written")
    except StoreError as error:
        print("refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.probe()
    print("written again")
    await store.close()

asyncio.run(main())
"""


def test_a_disk_on_which_no_file_may_grow_is_noticed(tmp_path: Path) -> None:
    """Not SQLite's own limit but the system's, in a process of its own: the write itself fails."""
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(tmp_path / "monitor.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )

    assert done.stdout.split("\n")[:2] == ["refused", "written again"], done.stderr
