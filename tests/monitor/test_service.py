"""What the service manager is told, over a real socket; and a loop that stands still, in a real process."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor import config
from monitor.cli import monitor
from monitor.service import Pulse, Supervisor, stall_watch, supervised

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "docs" / "monitor.service"


@dataclass
class Manager:
    """A service manager's socket, and what came."""

    socket: socket.socket
    address: str

    def told(self) -> list[str]:
        """All that has come since it was asked last. A datagram is there once it is sent."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4_096).decode())
            except BlockingIOError:
                return found


@dataclass
class Timers:
    """Calls nothing later until it is told that the time has come."""

    waiting: list[Timer] = field(default_factory=list)

    def __call__(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.waiting.append(Timer(self, seconds, call))
        return self.waiting[-1]

    def passed(self) -> None:
        """What waits is called, what it asks for waits."""
        due, self.waiting = self.waiting, []
        for one in due:
            one.call()


@dataclass(eq=False)
class Timer:
    timers: Timers
    seconds: float
    call: Callable[[], None]

    def cancel(self) -> None:
        if self in self.timers.waiting:
            self.timers.waiting.remove(self)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = f"@monitor-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + address[1:] if request.param == "abstract" else address)
        listening.setblocking(False)
        yield Manager(listening, address)


async def turns() -> None:
    """Lets what is ready run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_it_is_ready_with_the_first_tick_and_not_before(manager: Manager) -> None:
    pulse = Pulse()
    async with supervised(Supervisor(address=manager.address), pulse, "Watching 3 sources\nREADY=0"):
        await turns()
        before = manager.told()
        pulse.beat()
        await turns()
        ready = manager.told()

    assert before == []
    assert ready == ["READY=1\nSTATUS=Watching 3 sources READY=0"]  # one line, whatever is in it
    assert manager.told() == ["STOPPING=1\nSTATUS=Stopping"]


async def test_signs_of_life_come_twice_as_often_as_asked_for_while_it_ticks(manager: Manager) -> None:
    pulse, timers = Pulse(), Timers()
    async with supervised(Supervisor(address=manager.address, watchdog=30.0), pulse, later=timers):
        assert [one.seconds for one in timers.waiting] == [15.0]
        for _ in range(3):
            pulse.beat()
            timers.passed()
        await turns()

        assert manager.told().count("WATCHDOG=1") == 3
    assert timers.waiting == []


async def test_without_ticks_there_is_no_sign_of_life_though_the_loop_turns(manager: Manager) -> None:
    pulse, timers = Pulse(), Timers()
    with capture_logs() as logs:
        async with supervised(Supervisor(address=manager.address, watchdog=30.0), pulse, later=timers):
            pulse.beat()
            timers.passed()
            first = manager.told()
            timers.passed()
            timers.passed()
            second = manager.told()
            pulse.beat()
            timers.passed()
            third = manager.told()

    assert "WATCHDOG=1" in first
    assert [one for one in second if "WATCHDOG" in one] == []
    assert "WATCHDOG=1" in third
    assert [one["event"] for one in logs] == ["no ticks: the service manager is not told that we are alive"] * 2


@pytest.mark.parametrize(
    "given",
    [
        Supervisor(watchdog=None),
        Supervisor(watchdog=0.0),
        Supervisor(watchdog=30.0, pid=1),  # it means another process
    ],
)
async def test_who_is_not_asked_for_signs_of_life_gives_none(given: Supervisor) -> None:
    timers = Timers()
    async with supervised(given, Pulse(), later=timers):
        assert timers.waiting == []


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all", "relative", "vsock:2:1234", "/" + "x" * 300, "/a\0b"])
async def test_a_service_manager_that_cannot_be_told_stops_nobody(address: str | None) -> None:
    assert Supervisor(address=address).tell("READY=1") is False


async def test_a_full_socket_is_not_waited_for(manager: Manager) -> None:
    supervisor = Supervisor(address=manager.address)
    sent = [supervisor.tell("WATCHDOG=1") for _ in range(5_000)]

    assert sent[0] is True
    assert sent[-1] is False


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Supervisor()),
        (
            {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"},
            Supervisor(address="/run/systemd/notify", watchdog=30.0, pid=42),
        ),
        ({"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "soon", "WATCHDOG_PID": "-1"}, Supervisor()),
        ({"WATCHDOG_USEC": "9" * 400}, Supervisor()),
        ({"WATCHDOG_USEC": "٣"}, Supervisor()),
    ],
)
def test_what_the_service_manager_wants_is_in_the_environment(given: dict[str, str], expected: Supervisor) -> None:
    assert config.supervisor(given) == expected


def test_a_pulse_says_how_long_ago_the_last_tick_was() -> None:
    now = 100.0
    pulse = Pulse(clock=lambda: now)
    assert pulse.age() is None

    pulse.beat()
    now = 103.5

    assert (pulse.ticks, pulse.age(), pulse.begun.is_set()) == (1, 3.5, True)


# A loop that stands still

CHILD = """
import asyncio, contextlib, os, sys, threading
from monitor.service import stall_watch

STALL = 0.2

def the_culprit():
    print("blocked", flush=True)
    os.read(0, 1)  # until somebody lets it go

def bystander():
    threading.Event().wait(STALL * 5)
    print("long enough", flush=True)

async def main(watched):
    with stall_watch(STALL) if watched else contextlib.nullcontext():
        await asyncio.sleep(0)
        threading.Thread(target=bystander, daemon=True).start()
        the_culprit()
        for _ in range(3):
            await asyncio.sleep(STALL)
    print("ended", flush=True)

asyncio.run(main(sys.argv[1] == "watched"))
"""


def stood_still(how: str) -> str:
    """What a process whose loop was blocked for five times the limit said on stderr."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout
        assert child.stdin
        assert child.stderr
        assert [child.stdout.readline() for _ in range(2)] == [b"blocked\n", b"long enough\n"]
        child.stdin.write(b"x")
        child.stdin.flush()
        rest, err = child.communicate(timeout=60)
    assert b"ended" in rest
    return err.decode() + rest.decode()


def test_a_loop_that_stands_still_shows_where_and_then_for_how_long() -> None:
    said = stood_still("watched")

    assert said.count("Timeout (0:00:00.200000)!") == 1  # once, not every two seconds
    assert "in the_culprit" in said
    assert "in bystander" in said  # all threads
    assert re.search(r"the event loop stood still.*seconds=[1-9]", re.sub(r"\x1b\[[0-9]*m", "", said))


def test_an_unwatched_loop_that_stands_still_says_nothing() -> None:
    """The control: it is the watch that says it."""
    said = stood_still("unwatched")

    assert "Timeout" not in said
    assert "stood still" not in said


async def test_a_watch_that_is_over_leaves_no_timer() -> None:
    timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    with stall_watch():
        await turns()
        during = [one for one in timers if not one.cancelled()]

    assert len(during) == 1
    assert [one for one in timers if not one.cancelled()] == []


# The unit


def unit() -> RawConfigParser:
    found = RawConfigParser(strict=False)  # keys of a unit may come twice
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(UNIT.read_text(encoding="utf-8"))
    return found


def test_the_unit_waits_for_us_watches_us_and_lets_us_end() -> None:
    service = unit()["Service"]

    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert int(service["WatchdogSec"]) > 8  # what a stop takes
    assert (service["KillSignal"], service["TimeoutStopSec"]) == ("SIGTERM", "15")
    assert (service["DynamicUser"], service["StateDirectory"], service["ProtectSystem"]) == ("yes", "monitor", "strict")
    assert service["CapabilityBoundingSet"] == ""


def test_the_unit_calls_the_monitor_with_options_that_it_has() -> None:
    _, name, *arguments = unit()["Service"]["ExecStart"].split()
    known = {option for param in monitor.commands[name].params for option in param.opts}
    assert {one for one in arguments if one.startswith("--")} <= known


def test_the_unit_gives_away_little() -> None:
    try:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)],
            capture_output=True,
            timeout=60,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no systemd-analyze here")
    assert done.returncode == 0, done.stdout.decode()
