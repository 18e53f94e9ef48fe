"""What `monitor run` does while it watches: the steps and the schedule, wired to one another, and a clock that may be set."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import breaker, policy, rhythm, steps
from monitor.app import kept, memory, sources
from monitor.app.attend import Attendant
from monitor.app.book import jitter, now, steady
from monitor.app.health import Health, store_files
from monitor.app.reload import InForce
from monitor.errors import StoreError
from monitor.meters import Meters
from monitor.policy import NOBODY, Office
from monitor.schedule import Schedule
from monitor.sources import polite
from monitor.steps import Bench, Round

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.config import Config, Watched
    from monitor.model import Alert, Original, Visit
    from monitor.ports import Sink, Source, Store
    from rules import Article

VISIT = timedelta(minutes=15)
"""How long a source is ours: longer than most visits with all their pages take."""

PRUNED = 200
"""Articles removed in one go: the writer is not held up for long."""

BACK = timedelta(minutes=1)
"""A clock that goes back by more was set; by less, it was put right a little."""

AHEAD = timedelta(minutes=30)
"""One that goes ahead by more between two ticks was set, or the machine slept."""

LATELY = timedelta(minutes=10)
"""Visits older than this say nothing about whether our own network is down."""

STRAYED = timedelta(days=4)
"""How long deliveries wait for a receiver that is not configured: it may be a slip, and has as long to be mended as any failure."""

log = structlog.get_logger("monitor.app")


@dataclass(slots=True, kw_only=True)
class App:
    """A monitor that is open. `sources` and `sinks` are what it watches and whom it tells; `free` says whether a host may be asked."""

    config: Config
    rules: InForce
    store: Store
    sources: Mapping[str, Source]
    sinks: Mapping[str, Sink]
    bench: Bench
    free: Callable[[str], bool]
    office: Office = NOBODY
    meter: Meters = field(default_factory=lambda: Meters(clock=now))
    schedule: Schedule = field(init=False)
    attendant: Attendant = field(init=False)
    watched: Mapping[str, Watched] = field(init=False)
    hosts: Mapping[str, str] = field(init=False)
    due: dict[str, datetime] = field(default_factory=dict)
    """When each source is to be visited next. The store knows, too; this spares it the question, once a second."""
    reached: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    """Whether a host answered at all, the last time."""
    visiting: set[str] = field(default_factory=set)
    """Sources that are being visited now: a visit with many pages may outlast its lease."""
    unkept: set[str] = field(default_factory=set)
    """Sources whose visit could not be kept: the disk was full, say."""
    pending: set[str] = field(default_factory=set)
    """Sources whose first visit is still to come."""
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all of them were visited."""
    opened: datetime = field(default_factory=now)
    checked: datetime = field(default_factory=now)
    """When the clock was read last."""
    steady: Callable[[], float] = steady
    """Seconds by a clock that nobody sets."""
    steadily: float = field(init=False)
    """What that one said then."""

    def __post_init__(self) -> None:
        self.steadily = self.steady()
        self.watched = {one.id: one for one in self.config.sources}
        self.hosts = {one.id: sources.machine(one) for one in self.config.sources}
        self.attendant = Attendant(store=self.store, office=self.office, since=self.opened)
        self.schedule = Schedule(
            claim=self.claim,
            ingest=self.ingest,
            senders=steps.senders(self.sinks, store=self.store, clock=now, jitter=jitter, meter=self.meter),
            refill=self.refill,
            tidy=self.tidy,
            reread=self.consult,
            attend=self.attend,
            slots=self.config.fetches,
        )

    async def start(self) -> None:
        """Starts watching."""
        await self._reconnect(self.opened)
        await self.store.set_clock(timedelta(0), self.opened, policy.LONGEST)
        self.pending = set(self.sources) - await self._plan(self.opened)
        self._first_round()
        self.schedule.start()

    async def _reconnect(self, at: datetime) -> None:
        """Tries receivers at once that failed when we were stopped, and forgets what is known of an address that is no longer theirs."""
        addresses = {one.id: one.where for one in self.config.receivers}
        for name, sink in self.sinks.items():
            before = await self.store.breaker(name)
            after = breaker.started(before, addresses.get(name, ""), at)
            if after != before:
                await self._reword(sink, _form(before.address), _form(after.address))  # first: cut short, it is done again
                await self.store.keep_breaker(after, at)

    async def _reword(self, sink: Sink, before: str, now: str) -> None:
        """Has what waits for a receiver made anew where its form was changed: it cannot read the bytes that were made for the other."""
        if before and now and before != now:
            many = await self.store.reword(sink.id, sink.render)
            log.info("made anew", receiver=sink.id, was=before, form=now, deliveries=many)

    async def _plan(self, at: datetime) -> set[str]:
        """Decides when each source is due, what is due already spread so that nobody is rushed; gives those that are due later."""
        visits = await self._visits(at)
        self.meter.known(visits.values())
        spread = rhythm.spread(list(self.sources), visits, at)
        later = {source: visit.due for source, visit in visits.items() if visit.due > at}
        self.due = {source: later.get(source, at + spread.get(source, timedelta(0))) for source in self.sources}
        return set(later)

    async def _visits(self, at: datetime) -> dict[str, Visit]:
        """The last visits; what a clock that was far ahead, or another address, has put off is put right."""
        visits = {visit.source: visit for visit in await self.store.visits() if visit.source in self.sources}
        for source, visit in visits.items():
            sane = rhythm.sane(visit, at)
            if polite.is_of_another(visit.cursor, self.watched[source].place):
                sane = replace(sane, due=min(sane.due, at))
            if sane != visit:
                log.warning("due sooner", source=source, was=str(visit.due), now=str(sane.due))
                await self.store.visited(sane)
                visits[source] = sane
        return visits

    async def claim(self, limit: int) -> list[str]:
        """Sources that are due, whose host is free; they are ours until visited."""
        at = now()
        await self._mind_the_clock(at)
        await self._let_go()
        busy = {self.hosts[source] for source in self.visiting}
        ready = {
            source: self.hosts[source]
            for source, due in self.due.items()
            if due <= at and self.hosts[source] not in busy and self.free(self.hosts[source])
        }
        return await self.store.claim_sources(ready, at, VISIT, limit) if ready and limit > 0 else []

    async def _let_go(self) -> None:
        """Has visits made again that could not be kept, as soon as something can be: they would wait for their leases to end."""
        if unkept := set(self.unkept):
            await self.store.let_go(unkept)
            self.unkept -= unkept

    async def _mind_the_clock(self, at: datetime) -> None:
        """Puts right what waits for a time of day, where the clock was set: nothing would be due for as long, or all at once."""
        ran = timedelta(seconds=self.steady() - self.steadily)
        by = at - self.checked - ran
        if not -BACK <= at - self.checked <= AHEAD:
            log.warning("clock jumped", was=str(self.checked), now=str(at))
            await self.store.set_clock(by, at, policy.LONGEST)
            await self._plan(at)
        self.checked, self.steadily = at, self.steady()

    async def ingest(self, source: str) -> None:
        """Visits one source."""
        self.visiting.add(source)
        try:
            visit = await steps.ingest(self.sources[source], self._round(source))
        except StoreError:
            self.unkept.add(source)
            raise
        finally:
            self.visiting.discard(source)
        self.due[source] = visit.due
        self.reached[self.hosts[source]] = (visit.at, visit.trouble not in rhythm.UNREACHED)
        self.pending.discard(source)
        self._first_round()

    def _round(self, source: str) -> Round:
        wanted = self.watched[source]
        return Round(
            store=self.store,
            accept=self.accept,
            clock=now,
            every=wanted.every,
            patience=wanted.patience,
            offline=self.offline,
            office=self.office,
            meter=self.meter,
        )

    def offline(self) -> bool:
        """Whether it is our own network that is down."""
        since = now() - LATELY
        return rhythm.offline([(host, well) for host, (at, well) in self.reached.items() if at >= since])

    async def accept(self, articles: Sequence[Article], original: Original | None) -> None:
        """Examines, and has what was found delivered at once."""
        try:
            await steps.examine(articles, original, bench=self.bench, backlog=steps.new_source(self.store, now))
        finally:
            self.schedule.nudge()

    async def refill(self) -> None:
        """Asks again for missing pages."""
        await steps.refill(bench=self.bench, now=now())
        self.schedule.nudge()

    async def attend(self) -> None:
        """Sends digests, daily lines, and what is to be said of rules that found nothing."""
        if await self.attendant.attend(now(), self.rules.rules):
            self.schedule.nudge()

    async def consult(self) -> None:
        """Looks whether the rules were edited; what one of them broke on is examined again once it is mended."""
        await self.rules.look()
        mended, self.rules.mended = self.rules.mended, frozenset()
        if mended:
            await steps.anew(mended, bench=self.bench)
            self.schedule.nudge()

    def reread(self) -> None:
        """Reads the rules again at once, whether their files seem to have changed or not."""
        self.rules.asked = True
        self.schedule.consult_now()

    async def tidy(self) -> None:
        """Removes what is older than it is to be kept."""
        keep, at = self.config.keep, now()
        lost = await self.store.give_up(self.sinks.keys(), at - STRAYED, "no receiver of this name is configured any more")
        gone = await kept.prune(self.store, at - keep.articles, at - keep.pages, PRUNED)
        log.info("pruned", articles=gone.articles, originals=gone.originals, bytes=gone.bytes, undeliverable=lost)
        memory.give_back()

    def health(self) -> Health:
        """Says how it is."""
        return Health(
            store=self.store,
            meters=self.meter,
            pulse=self.schedule.pulse,
            standing=lambda: self.rules.standing,
            rules=lambda: self.rules.rules,
            receivers=tuple(self.sinks),
            files=store_files(self.config.store),
            lag=self.schedule.lag.ever,
            now=now,
        )

    def _first_round(self) -> None:
        if not self.pending:
            self.polled.set()

    async def first_round(self) -> tuple[list[Visit], list[Alert]]:
        """Once every source was visited: the visits, and the alerts raised since we opened, in order."""
        await self.polled.wait()
        visits = [visit for visit in await self.store.visits() if visit.source in self.sources]
        alerts = [alert for alert in await self.store.alerts(limit=1_000) if alert.raised >= self.opened]
        return visits, alerts[::-1]


def _form(address: str) -> str:
    """The form of a receiver, from config.Receiver.where; empty where that was not kept."""
    return address.partition(":")[0] if ":" in address else ""
