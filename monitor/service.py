"""What the service manager and the operator hear of a running monitor: that it is ready, that it is alive, where it stands still.

systemd is told over its own socket (sd_notify): READY=1 after the first tick, WATCHDOG=1 only while the schedule ticks, STOPPING=1. An
event loop that does not turn for two seconds has all stacks written to stderr, by a thread, for the loop itself cannot say anything then.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import IO, Protocol

import structlog

STALL = 2.0
"""Seconds without a turn of the loop after which stacks are dumped."""
TURNS = 0.5
"""Seconds between the turns that put that off."""
BEATS = 2
"""Beats in the time after which the service manager believes us dead."""

log = structlog.get_logger("monitor.service")


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Calls it off."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something after so many seconds, as a loop's call_later does."""


@dataclass(slots=True)
class Pulse:
    """The ticks of the schedule, counted. `clock` counts seconds and only goes forward."""

    clock: Callable[[], float] = time.monotonic
    ticks: int = 0
    last: float | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first tick."""

    def beat(self) -> None:
        """A tick."""
        self.ticks += 1
        self.last = self.clock()
        self.begun.set()

    def age(self) -> float | None:
        """Seconds since the last tick; None: there was none."""
        return None if self.last is None else self.clock() - self.last


# The service manager


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The service manager that started us. `address` is its socket (NOTIFY_SOCKET), None: there is none.

    `watchdog`: seconds after which it believes us dead (WATCHDOG_USEC), None: it does not; `pid`: whom it means (WATCHDOG_PID).
    """

    address: str | None = None
    watchdog: float | None = None
    pid: int | None = None

    def tell(self, *lines: str) -> bool:
        """Tells it; whether it could be told. That it could not stops nobody."""
        if not self.address or self.address[0] not in "/@":
            return False
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address  # @: an abstract socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(lines).encode("utf-8", "backslashreplace"), address)
        except (OSError, ValueError) as error:
            log.debug("service manager not told", error=str(error))
            return False
        return True

    def every(self, pid: int) -> float | None:
        """Seconds between signs of life; None: it does not ask process `pid` for any."""
        if not self.watchdog or self.watchdog <= 0 or self.pid not in (None, pid):
            return None
        return self.watchdog / BEATS


@asynccontextmanager
async def supervised(
    supervisor: Supervisor, pulse: Pulse, status: str = "", *, later: Later | None = None
) -> AsyncIterator[None]:
    """Tells the service manager that we are ready once the schedule ticks, that we are alive while it does, and that we stop."""
    ready = asyncio.ensure_future(_ready(supervisor, pulse, status))
    beats = _Beats(supervisor, pulse, later or asyncio.get_running_loop().call_later)
    beats.start()
    try:
        yield
    finally:
        ready.cancel()
        beats.stop()
        supervisor.tell("STOPPING=1", "STATUS=Stopping")


async def _ready(supervisor: Supervisor, pulse: Pulse, status: str) -> None:
    await pulse.begun.wait()
    supervisor.tell("READY=1", *([f"STATUS={' '.join(status.split())}"] if status else []))


@dataclass(slots=True)
class _Beats:
    """Signs of life, as long as the schedule ticks: a loop that turns and does nothing is dead, too."""

    supervisor: Supervisor
    pulse: Pulse
    later: Later
    _seen: int = 0
    _timer: Timer | None = None

    def start(self) -> None:
        every = self.supervisor.every(os.getpid())
        self._timer = self.later(every, self._beat) if every else None

    def _beat(self) -> None:
        if self.pulse.ticks != self._seen:
            self._seen = self.pulse.ticks
            self.supervisor.tell("WATCHDOG=1")
        else:
            log.error("no ticks: the service manager is not told that we are alive")
        self.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


# A loop that stands still


@contextmanager
def stall_watch(stall: float = STALL, out: IO[str] | None = None) -> Iterator[None]:
    """While this lasts, a loop that does not turn for `stall` seconds has all stacks dumped to `out` (stderr), once each time.

    When it turns again, that is logged. Needs the running loop. There is one such watch in a process: it is the interpreter's.
    """
    watch = _Watch(asyncio.get_running_loop(), stall, out or sys.stderr)
    watch.turn()
    try:
        yield
    finally:
        watch.stop()


@dataclass(slots=True)
class _Watch:
    loop: asyncio.AbstractEventLoop
    stall: float
    out: IO[str]
    _last: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def turn(self) -> None:
        """Puts the dump off, for the loop turns."""
        now = self.loop.time()
        if self._last is not None and now - self._last >= self.stall:
            log.error("the event loop stood still", seconds=round(now - self._last, 1))
        self._last = now
        faulthandler.dump_traceback_later(self.stall, file=self.out)
        self._timer = self.loop.call_later(min(TURNS, self.stall / 4), self.turn)

    def stop(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        if self._timer is not None:
            self._timer.cancel()
