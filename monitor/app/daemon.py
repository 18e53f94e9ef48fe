"""What `monitor run` is: everything opened, wired to the steps and the schedule, and closed again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

import rules
from monitor import breaker, policy, report, rhythm, steps
from monitor.app import kept, memory, receivers, sources
from monitor.app.attend import Attendant
from monitor.app.book import Book, jitter, now, steady
from monitor.app.health import Health, answering, store_files
from monitor.app.reload import InForce
from monitor.errors import StoreError
from monitor.meters import Meters
from monitor.policy import NOBODY, Office
from monitor.schedule import Schedule
from monitor.service import stall_watch, supervised
from monitor.sources import polite
from monitor.sources.page import PageFiller
from monitor.steps import Bench, Round
from monitor.stores import engine, open_store
from monitor.workers import Workers
from rules import Article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from monitor.config import Config, Watched
    from monitor.errors import Damaged
    from monitor.model import Alert, Original, Visit
    from monitor.ports import Fill, Sink, Source, Store
    from monitor.service import Supervisor

DRAIN = 5.0
"""Seconds that what is under way gets when asked to stop; the rest of the 8 s is for closing."""

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
        for sink in self.sinks:
            before = await self.store.breaker(sink)
            after = breaker.started(before, addresses.get(sink, ""), at)
            if after != before:
                await self.store.keep_breaker(after, at)

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


@asynccontextmanager
async def open_app(config: Config, book: Book, terminal: Sink) -> AsyncIterator[App]:
    """Everything that `monitor run` needs, opened, and closed again whatever happens.

    `terminal` is told where there are no receivers. Raises ConfigError, or StoreError where another monitor has the store.
    """
    receivers.check(config.complete(), book)
    async with AsyncExitStack() as stack:
        store = await open_store(config.store, sole=True)
        stack.push_async_callback(store.close)
        log.info("store open", at=config.store, engine=engine(config.store))
        await store.release()  # of a predecessor that was killed
        egress = await stack.enter_async_context(receivers.open_egress(config))
        workers = _workers(config, book)
        stack.push_async_callback(workers.close)
        sinks = receivers.sinks(config, egress) or {terminal.id: terminal}
        office = Office(routes=receivers.routes(config.receivers, sinks), ways=config.routes, cap=config.cap)
        wanted = {one.id: one.full_text for one in config.sources}

        def fill(workers: Workers) -> Fill:
            return PageFiller(get=egress.page, read=workers.read_page, extract=workers.extract, clock=now, wanted=wanted).fill

        meter = Meters(clock=now)
        in_force = InForce(config=config, book=book, workers=workers, fill=fill)
        workers.faulty = in_force.broke
        bench = Bench(
            store=store,
            match=workers.match,
            rules=in_force.rules,
            moment=lambda _: now(),
            fill=fill(workers),
            batch=steps.BATCH,
            office=office,
            turn=in_force.turn,
            meter=meter,
        )
        yield App(
            config=config,
            rules=in_force,
            store=store,
            sources=sources.open_sources(config, egress, workers),
            sinks=sinks,
            bench=bench,
            free=egress.free,
            office=office,
            meter=meter,
        )


async def run(app: App, stop: asyncio.Event, hurry: asyncio.Event, supervisor: Supervisor) -> None:
    """Watches until `stop`, then finishes what is under way: not for long, and not at all once `hurry` is set.

    Meanwhile it says how it is, to whoever asks and to the service manager. Raises ConfigError where it cannot listen at the place it was
    given, and Damaged as soon as the store turns out to be so.
    """
    async with answering(app.config, app.health()) as places:
        if places:
            log.info("answering", at=[f"{host}:{port}" for host, port in places])
        async with supervised(supervisor, app.schedule.pulse, f"Watching {report.count(len(app.sources), 'source')}"):
            with stall_watch():
                await app.start()
                damage = await _end(stop, app.store)
        log.info("stopping")
        await app.schedule.drain(DRAIN, hurry)
    if damage:
        raise damage
    log.info("stopped")


async def _end(stop: asyncio.Event, store: Store) -> Damaged | None:
    """Waits until we are asked to stop, or until the store is damaged: then what is wrong with it."""
    asked, ruined = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(store.ruined())
    await asyncio.wait({asked, ruined}, return_when=asyncio.FIRST_COMPLETED)
    damage = ruined.result() if ruined.done() else None
    for one in (asked, ruined):
        one.cancel()
    await asyncio.gather(asked, ruined, return_exceptions=True)
    return damage


def _workers(config: Config, book: Book) -> Workers:
    return Workers(
        load=partial(rules.load, limits=book.limits), files=book.files, main=book.main, broken=_broken, matchers=config.workers
    )


def _broken(article: Article, reason: str) -> None:
    log.error("match broke", article=article.id, reason=reason)
