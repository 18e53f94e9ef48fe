"""How a running monitor is: whether it does its work, and the figures that only it knows.

What the store is asked is asked once at a time, waited for one second, and kept for five: whoever asks us a thousand times a second
costs the store no more than somebody who asks now and then.
"""

from __future__ import annotations

import asyncio
import platform
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from monitor import __version__, report
from monitor.errors import ConfigError, MonitorError
from monitor.meters import Meters, Readings
from monitor.web import Readiness, make_web, serve

if TYPE_CHECKING:
    from monitor.app.standing import Standing
    from monitor.config import Config
    from monitor.lag import Histogram
    from monitor.model import Backlog, Breaker
    from monitor.ports import Clock, Store
    from monitor.service import Pulse
    from rules import Rule

T = TypeVar("T")

log = structlog.get_logger("monitor.health")

DEADLINE = 1.0
"""Seconds that the store has for an answer."""
KEPT = 5.0
"""Seconds that an answer is good for."""
TICKS = 3.0
"""Seconds without a tick after which nothing is watched."""
WAITED = timedelta(hours=1)
"""Deliveries that wait for longer are worth a word."""
NAMED = 10
"""Sources or receivers that are named one by one."""
LONGEST = 300
"""Characters of a reason that somebody else gave."""
COARSE = 5
"""Buckets of the loop's lateness that are shown as one."""


@dataclass(slots=True)
class Asked(Generic[T]):
    """What `ask` gives, asked once at a time, waited for `deadline` seconds, kept for `kept`. `clock` only goes forward."""

    ask: Callable[[], Awaitable[T]]
    clock: Callable[[], float] = time.monotonic
    deadline: float = DEADLINE
    kept: float = KEPT
    _task: asyncio.Future[T] | None = None
    _at: float = 0.0

    async def get(self) -> T:
        """The answer. Raises TimeoutError where there is none yet; and what `ask` raised."""
        if self._task is None or (self._task.done() and self.clock() - self._at >= self.kept):
            self._task, self._at = asyncio.ensure_future(self.ask()), self.clock()
            self._task.add_done_callback(_seen)
        task = self._task
        await asyncio.wait({task}, timeout=self.deadline)
        if not task.done():
            raise TimeoutError
        return task.result()


def _seen(task: asyncio.Future[T]) -> None:
    """What nobody waited for any more is no news for the log."""
    if not task.cancelled():
        task.exception()


@dataclass(slots=True, kw_only=True)
class Health:
    """Answers /readyz and /metrics. `standing` and `rules` say how the rules are now; `files` are the store's, where it has some."""

    store: Store
    meters: Meters
    pulse: Pulse
    standing: Callable[[], Standing]
    rules: Callable[[], Mapping[str, Rule]]
    receivers: Collection[str] = ()
    files: Sequence[Path] = ()
    lag: Histogram | None = None
    now: Clock
    clock: Callable[[], float] = time.monotonic
    deadline: float = DEADLINE
    started: float = field(init=False)
    _probe: Asked[None] = field(init=False)
    _outbox: Asked[tuple[list[Backlog], list[Breaker]]] = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()
        self._probe = Asked(self.store.probe, self.clock, self.deadline)
        self._outbox = Asked(self._look, self.clock, self.deadline)

    async def _look(self) -> tuple[list[Backlog], list[Breaker]]:
        return await self.store.backlog(), await self.store.breakers()

    # Readiness

    async def ready(self) -> Readiness:
        """Whether it does its work, and what is wrong."""
        reasons = [*await self._store(), *self._ticks(), *self._rules()]
        return Readiness(reasons=tuple(reasons), warnings=tuple(await self._warnings()))

    async def _store(self) -> list[str]:
        try:
            await self._probe.get()
        except TimeoutError:
            return [f"the store has not answered for {self.deadline:g} s: is the disk slow, or another process writing?"]
        except MonitorError as error:
            return [f"the store cannot be written: {said(error.__cause__ or error)}"]
        return []

    def _ticks(self) -> list[str]:
        age = self.pulse.age()
        if age is None:
            return ["the schedule has not ticked yet"]
        return [f"the schedule has not ticked for {age:.0f} s: nothing is visited"] if age > TICKS else []

    def _rules(self) -> list[str]:
        return [] if self.rules() else ["no rules are in force"]

    async def _warnings(self) -> list[str]:
        found = [*self._stale(), *self._failing()]
        try:
            backlogs, breakers = await self._outbox.get()
        except TimeoutError:
            return [*found, "what waits for receivers is not known: the store has not said"]
        except MonitorError as error:
            return [*found, f"what waits for receivers is not known: {said(error.__cause__ or error)}"]
        return [*found, *_few(map(_of_breaker, _troubled(breakers))), *_few(_of_backlogs(backlogs, self.now()))]

    def _stale(self) -> Iterator[str]:
        standing = self.standing()
        if standing.stale:
            why = said(standing.why[0]) if standing.why else "they cannot be used"
            yield f"config: stale since {_when(standing.stale)}, the rules before it stay in force: {why}"

    def _failing(self) -> Iterator[str]:
        failing = self.meters.failing()
        if failing:
            more = f" and {len(failing) - NAMED:,} more" if len(failing) > NAMED else ""
            yield f"{report.count(len(failing), 'source')} failing: {', '.join(failing[:NAMED])}{more}: monitor feeds list"

    # Figures

    async def metrics(self) -> tuple[bytes, str]:
        """All figures as Prometheus reads them, and their content type."""
        readings = await self._read()
        return await asyncio.to_thread(self.meters.text, readings)  # thousands of figures take a while

    async def _read(self) -> Readings:
        try:
            backlogs, breakers = await self._outbox.get()
            answers = True
        except (TimeoutError, MonitorError):
            backlogs, breakers, answers = [], [], False
        rules = self.rules()
        return Readings(
            backlogs=backlogs,
            breakers=breakers,
            receivers=self.receivers,
            store_answers=answers,
            store_bytes=await asyncio.to_thread(_size, self.files) if self.files else None,
            lag=self.lag.coarse(COARSE) if self.lag else None,
            ticks=self.pulse.ticks,
            tick_age=self.pulse.age(),
            uptime=self.clock() - self.started,
            build=(__version__, platform.python_version()),
            rules=len(rules),
            rules_version=_digest(rules),
            stale=self.standing().stale is not None,
        )


@asynccontextmanager
async def answering(config: Config, health: Health) -> AsyncIterator[list[tuple[str, int]]]:
    """Answers where the settings say, while this lasts; gives the addresses.

    Raises ConfigError where that cannot be. The port that is taken unless another is named may be another monitor's: that is told, and no more.
    """
    async with AsyncExitStack() as stack:
        place, addresses = config.listen, []
        if place is not None:
            app = make_web(
                ready=health.ready,
                metrics=health.metrics,
                token=config.token.reveal if config.token else None,
                hosts=(*config.hosts, f"[{place.host}]" if ":" in place.host else place.host),
            )
            try:
                addresses = await stack.enter_async_context(serve(app, place.host, place.port))
            except ConfigError as error:
                if place.explicit:
                    raise
                log.warning("no health, no metrics", why=str(error))
        yield addresses


def store_files(store: str) -> list[Path]:
    """The files of a store as the settings name it; empty: it has none."""
    kind, colon, place = store.partition(":")
    if colon and kind != "sqlite":
        return []
    path = (place if colon else store).removeprefix("//")
    return [Path(path + more) for more in ("", "-wal")]


def said(given: object) -> str:
    """What somebody else said, in one line, of addresses the host only: the rest may be a secret."""
    text = _ADDRESS.sub(r"\1\2", " ".join(str(given).split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#@]*@)?([^\s/?#@]*)\S*", re.IGNORECASE)


def _troubled(breakers: Sequence[Breaker]) -> list[Breaker]:
    return [one for one in breakers if one.state != "closed"]


def _of_breaker(one: Breaker) -> str:
    since = f" since {_when(one.since)}" if one.since else ""
    why = f": {said(one.reason)}" if one.reason else ""
    if one.state == "open":
        return f"receiver {one.sink} fails{since}, and is only probed{why}"
    return f"receiver {one.sink} is disabled, failing{since}, and what is for it is parked{why}"


def _of_backlogs(backlogs: Sequence[Backlog], now: datetime) -> Iterator[str]:
    for one in backlogs:
        if one.waiting and one.oldest and now - one.oldest > WAITED:
            hours = int((now - one.oldest) / timedelta(hours=1))
            waiting = report.count(one.waiting, "delivery", "deliveries")
            yield f"receiver {one.sink}: {waiting} waiting, the oldest for {hours} h"
        if one.dead:
            yield f"receiver {one.sink}: {report.count(one.dead, 'delivery', 'deliveries')} given up: monitor deliveries list"


def _few(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [*found[:NAMED], f"… and {len(found) - NAMED:,} more of the kind"] if len(found) > NAMED else found


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _digest(rules: Mapping[str, Rule]) -> str:
    told = "\n".join(f"{id} {rules[id].version}" for id in sorted(rules))
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _size(files: Sequence[Path]) -> int:
    return sum(_size_of(one) for one in files)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
