"""Which step runs when. The only place that knows about time; the steps run once and return, but for the senders, which wait to be woken.

A tick claims the sources that are due, as many as there are free slots, and starts their visits; nothing waits in memory.
Deliveries start at once when an alert was recorded (`nudge`) and by the tick for those that are due again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.errors import MonitorError
from monitor.lag import Lag
from monitor.service import Pulse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from monitor.steps import Senders

log = structlog.get_logger("monitor.schedule")

TICK = 0.2
"""Seconds between looks at what is due. With one a second, all that is due in it starts at once and stands in its own way: an alert then
took 150 ms from the fetch to the receiver, where it takes 60 (`benchmarks/load.py`)."""

REFILL = 30
"""Seconds between tries for pages that are still missing."""

LOOK = 60
"""Seconds between what is logged of the loop's lateness."""

STANDSTILL = 15
"""Seconds without a tick after which the plan is made anew."""

ATTEND = 5
"""Seconds between looks at whether a digest or a daily line is due."""

REREAD = 0.25
"""Seconds between looks at whether the rules were edited: with the moment that they have to lie still, they are in force within 2 s."""


@dataclass(slots=True)
class Schedule:
    """The clock of a running monitor.

    `claim(n)` minds the clock and gives up to n sources that are due, `ingest(id)` visits one; the `senders` run all the time and are woken
    where something is due; `refill()` asks again for missing pages; `tidy()` is called once an hour; `reread()` looks whether the rules were
    edited; `attend()` sends what is due at set times.
    What one of them raises is logged, and all goes on.
    """

    claim: Callable[[int], Awaitable[list[str]]]
    ingest: Callable[[str], Awaitable[None]]
    senders: Senders
    refill: Callable[[], Awaitable[None]]
    tidy: Callable[[], Awaitable[None]]
    reread: Callable[[], Awaitable[None]] | None = None
    attend: Callable[[], Awaitable[None]] | None = None
    slots: int = 20
    lag: Lag = field(default_factory=Lag)
    pulse: Pulse = field(default_factory=Pulse)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)
    _looks: set[asyncio.Task[None]] = field(default_factory=set)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _others: set[asyncio.Task[None]] = field(default_factory=set)
    _housework: set[asyncio.Task[None]] = field(default_factory=set)
    _rereading: set[asyncio.Task[None]] = field(default_factory=set)
    _attending: set[asyncio.Task[None]] = field(default_factory=set)
    _scheduler: AsyncIOScheduler | None = None
    _winder: asyncio.TimerHandle | None = None
    _wound: int = -1
    """Ticks when it was last looked whether there are any."""
    _looking: bool = False
    _again: bool = False
    _trouble: str = ""
    """What the last tick failed on."""
    _closing: bool = False

    def start(self) -> None:
        """Starts ticking, the first time at once. Needs the running loop."""
        # The library's defaults skip a run that is a second late, and keep local time.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._plan(self._scheduler)
        self._scheduler.start()
        self.lag.start()
        self._wind()
        self._spawn(self.senders.run(), self._sending)
        self._spawn(self.tick(), self._others)

    def _plan(self, scheduler: AsyncIOScheduler) -> None:
        """Says what runs when, from now on."""
        every = partial(scheduler.add_job, trigger="interval", replace_existing=True)
        every(
            self.tick, seconds=TICK, id="tick", max_instances=100
        )  # each but the first returns at once, and the library is quiet
        every(self.later, seconds=REFILL, id="refill")
        every(self.look, seconds=LOOK, id="look")
        every(self.consult, seconds=REREAD, id="consult")
        every(self.attend_to, seconds=ATTEND, id="attend")
        scheduler.add_job(self.hourly, "cron", minute=17, id="tidy", replace_existing=True)

    def _wind(self) -> None:
        """Plans anew where nothing has ticked for a while, and looks again later.

        The scheduler sleeps until a time of day: if the clock is set back by a year, it sleeps for a year.
        """
        if self._scheduler is not None and self.pulse.ticks == self._wound:
            log.warning("no ticks")
            self._plan(self._scheduler)
        self._wound = self.pulse.ticks
        self._winder = asyncio.get_running_loop().call_later(STANDSTILL, self._wind)

    async def tick(self) -> None:
        """Starts what is due: deliveries, and visits up to the free slots."""
        self.pulse.beat()
        free = self.slots - len(self._visits)
        if self._looking or self._closing:
            return
        self._looking = True
        try:
            due = await self.claim(free)
        except MonitorError as error:  # the next tick tries again; nothing is lost by a late one
            self._tell(str(error))
            return
        except Exception:
            log.exception("tick failed")
            return
        finally:
            self._looking = False
            self.nudge()
        self._tell("")
        for source in due:
            self._spawn(self.ingest(source), self._visits)

    def _tell(self, trouble: str) -> None:
        """Says once what a tick fails on, a full disk say, and once that it no longer does."""
        if trouble and trouble != self._trouble:
            log.error("tick failed", error=trouble)
        elif self._trouble and not trouble:
            log.info("ticks again")
        self._trouble = trouble

    async def later(self) -> None:
        """Starts a round of asking for missing pages, unless one is still under way."""
        if not self._others and not self._closing:
            self._spawn(self.refill(), self._others)

    async def hourly(self) -> None:
        """Tidies up, unless that is still under way."""
        if not self._housework and not self._closing:
            self._spawn(self.tidy(), self._housework)

    async def consult(self) -> None:
        """Looks whether the rules were edited, unless that is still under way."""
        self.consult_now()

    def consult_now(self) -> None:
        """The same, for somebody who cannot wait for it."""
        if self.reread is not None and not self._rereading and not self._closing:
            self._spawn(self.reread(), self._rereading)

    async def attend_to(self) -> None:
        """Sends what is due at set times, unless that is still under way."""
        if self.attend is not None and not self._attending and not self._closing:
            self._spawn(self.attend(), self._attending)

    async def look(self) -> None:
        """Says how late the event loop was."""
        late = self.lag.take()
        log.info(
            "loop", late_p99_ms=round(1000 * late.p99, 1), late_most_ms=round(1000 * late.longest, 1), visits=len(self._visits)
        )

    def nudge(self) -> None:
        """Wakes whoever has something to send; while that is being looked up, once more after it."""
        if self._closing:
            return
        if self._looks:
            self._again = True
            return
        self._spawn(self.senders.look(), self._looks)

    def _spawn(self, work: Coroutine[object, object, None] | Awaitable[None], group: set[asyncio.Task[None]]) -> None:
        task = asyncio.ensure_future(_whole(work))
        group.add(task)
        task.add_done_callback(group.discard)
        task.add_done_callback(self._follow)

    def _follow(self, _: object) -> None:
        if self._again and not self._looks:
            self._again = False
            self.nudge()

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Starts nothing more, gives what is under way so many seconds (or until `hurry`), then cancels it.

        Cancelled work is not lost: its leases lapse, and it is done again.
        """
        self._closing = True
        self.senders.close()
        self.lag.stop()
        if self._winder is not None:
            self._winder.cancel()
        if self._scheduler is not None:
            self._scheduler.pause()
        work = self._visits | self._looks | self._sending | self._others | self._housework | self._rereading | self._attending
        await _finished(work, seconds, hurry)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # it stops in the next turn of the loop


async def _whole(work: Awaitable[None]) -> None:
    """One whole unit of work: what it raises is told, and stays its own."""
    try:
        await work
    except MonitorError as error:  # a full disk, say: expected, so in one line
        log.error("failed", error=str(error))  # noqa: TRY400 - as above
    except Exception:  # a bug in one visit must not stop the others
        log.exception("failed")


async def _finished(work: set[asyncio.Task[None]], seconds: float, hurry: asyncio.Event) -> None:
    if not work:
        return
    impatience = asyncio.ensure_future(hurry.wait())
    done = asyncio.ensure_future(asyncio.wait(work))
    await asyncio.wait({impatience, done}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for waiting in (impatience, done):
        waiting.cancel()
    await asyncio.gather(impatience, done, return_exceptions=True)
