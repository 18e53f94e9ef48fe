"""`monitor run` from its beginning to its end: everything is opened, watched until somebody asks to stop, and closed again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

import rules
from monitor import report, steps
from monitor.app import receivers, sources
from monitor.app.book import Book, now
from monitor.app.daemon import App
from monitor.app.health import answering
from monitor.app.reload import InForce
from monitor.meters import Meters
from monitor.policy import Office
from monitor.service import stall_watch, supervised
from monitor.sources.page import PageFiller
from monitor.steps import Bench
from monitor.stores import open_store
from monitor.workers import Workers
from rules import Article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.config import Config
    from monitor.errors import Damaged
    from monitor.ports import Fill, Sink, Store
    from monitor.service import Supervisor

DRAIN = 5.0
"""Seconds that what is under way gets when asked to stop; the rest of the 8 s is for closing."""

log = structlog.get_logger("monitor.app")


@asynccontextmanager
async def open_app(config: Config, book: Book, terminal: Sink) -> AsyncIterator[App]:
    """Everything that `monitor run` needs, opened, and closed again whatever happens.

    `terminal` is told where there are no receivers. Raises ConfigError, or StoreError where another monitor has the store.
    """
    receivers.check(config.complete(), book)
    async with AsyncExitStack() as stack:
        store = await open_store(config.store, sole=True)
        stack.push_async_callback(store.close)
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
