"""Takes charge of articles: fetches their pages, has them matched, decides what is news, and records all of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import habits, policy, rhythm
from monitor.errors import MonitorError, Outdated, StoreError
from monitor.model import (
    Alert,
    Filled,
    Fresh,
    Ledger,
    Original,
    Partly,
    Plan,
)
from monitor.policy import NOBODY, Office
from monitor.steps.unmetered import UNMETERED
from rules import Article, Match, Rule

if TYPE_CHECKING:
    from monitor.ports import Clock, Fill, Matcher, Meter, Moment, Store

PAGES = 4
"""Pages fetched at once for one batch."""

BATCH = 16
"""Articles that are filled, matched and recorded together where pages are fetched."""

REPLANS = 100
"""Tries at recording one article. Each that fails means that another plan for the same rules got through."""

_ALL = 1_000_000
"""More articles than ever wait to be examined again."""

_EVER = datetime(9999, 1, 1, tzinfo=UTC)

log = structlog.get_logger("monitor.steps")

Backlog = Callable[[Fresh], Awaitable[bool]]
"""Whether an article comes from a source that is new, so that what is old in it is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a batch came to: how many articles were fresh, which of them are to be examined again, and the alerts in order."""

    fresh: int = 0
    pending: tuple[str, ...] = ()
    """Articles that lack their page, or were set aside."""
    alerts: tuple[Alert, ...] = ()
    deliveries: int = 0

    @property
    def unfilled(self) -> int:
        """How many are to be examined again."""
        return len(self.pending)


async def as_it_is(fresh: Fresh) -> Filled:
    """The `fill` where no pages are to be fetched."""
    return Filled(article=fresh.article)


async def never(_fresh: Fresh) -> bool:
    """The `backlog` of a replay: every article counts."""
    return False


def new_source(store: Store, clock: Clock | None = None) -> Backlog:
    """The `backlog` of the daemon: a source is new until a visit to it went well, and again when it comes back after a week."""

    async def backlog(fresh: Fresh) -> bool:
        visit = await store.last_visit(fresh.article.source)
        return visit is None or visit.known is None or (clock is not None and rhythm.was_away(visit, clock()))

    return backlog


def was_new(store: Store) -> Backlog:
    """The `backlog` of a refill: what was no news when it was first seen is none now."""

    async def backlog(fresh: Fresh) -> bool:
        visit = await store.last_visit(fresh.article.source)
        return visit is None or visit.known is None or fresh.first_seen is None or fresh.first_seen <= visit.known

    return backlog


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What examining takes. `rules` and `match` are of one version; `moment` says what time it is for an article.

    `batch` articles are recorded before the next are begun, so that no page and no article holds up many others; None: all at once.
    """

    store: Store
    match: Matcher
    rules: Mapping[str, Rule]
    moment: Moment
    fill: Fill = as_it_is
    office: Office = NOBODY
    batch: int | None = None
    turn: Callable[[Bench], AbstractContextManager[Bench]] = nullcontext
    """What the next batch is examined with: rules that are edited while we run are exchanged between two batches."""
    meter: Meter = UNMETERED
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Planning and recording: twenty sources that report of one rule would otherwise overtake one another, and plan again and again."""


async def examine(
    articles: Sequence[Article], original: Original | None = None, *, bench: Bench, backlog: Backlog = never
) -> Examined:
    """Takes charge of articles, read from `original`: once it returns, each is recorded with all that follows from it.

    One that breaks us is set aside, and a refill examines it again. Raises MonitorError, after all others are recorded, where not
    even that could be done.
    """
    return await _examine(await bench.store.unseen(articles), bench, backlog, original)


async def refill(*, bench: Bench, now: datetime, limit: int = 20) -> Examined:
    """Asks again for pages that are still missing and due, and examines those articles again, and those that were set aside."""
    return await _examine(await bench.store.unfilled(now, limit), bench, was_new(bench.store))


async def anew(articles: Collection[str], *, bench: Bench) -> Examined:
    """Examines at once those of these articles that wait to be examined again: what broke on them is mended."""
    waiting = await bench.store.unfilled(_EVER, _ALL)
    return await _examine([one for one in waiting if one.article.id in articles], bench, was_new(bench.store))


async def again(fresh: Sequence[Fresh], *, bench: Bench, backlog: Backlog = never) -> Examined:
    """Examines these articles, though they may be known: for a rule that had not seen them."""
    return await _examine(fresh, bench, backlog)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A fresh article on its way: with its page, the hashes of its paragraphs, and what is masked in it."""

    fresh: Fresh
    filled: Filled
    failed: bool = False
    wait: timedelta | None = None
    """How long its page asked to be left alone."""
    paragraphs: tuple[int, ...] = ()

    @property
    def article(self) -> Article:
        return self.filled.article


async def _examine(fresh: Sequence[Fresh], bench: Bench, backlog: Backlog, original: Original | None = None) -> Examined:
    """Batch after batch, in order: it decides which sighting of an event is first."""
    if not fresh:
        return Examined()
    size = bench.batch or len(fresh)
    batches = [await _batch(fresh[at : at + size], bench, backlog, original) for at in range(0, len(fresh), size)]
    plans = [plan for batch in batches for plan in batch]
    result = _summary([plan for plan in plans if plan])
    _tell(result)
    if broken := [one.article.id for one, plan in zip(fresh, plans, strict=True) if plan is None]:
        raise MonitorError(f"{len(broken)} of {len(fresh)} articles could not be examined, the first is {broken[0]}")
    return result


async def _batch(fresh: Sequence[Fresh], bench: Bench, backlog: Backlog, original: Original | None) -> list[Plan | None]:
    """Pages a few at a time, matching in one go, then one article after the other."""
    with bench.turn(bench) as present:
        pieces = [await _masked(piece, present.store) for piece in await _fill_all(fresh, present.fill)]
        matches = await present.match([_seen(one, present) for one in pieces])
        return [await _whole(one, found, present, backlog, original) for one, found in zip(pieces, matches, strict=True)]


def _seen(one: _Piece, bench: Bench) -> Article:
    """The article with the time of its first sight, which a rule may ask how old it was then."""
    return replace(one.article, seen=one.fresh.first_seen or bench.moment(one.article))


async def _masked(piece: _Piece, store: Store) -> _Piece:
    """With those paragraphs masked that stand under many articles of its source."""
    article = piece.article
    found = habits.paragraphs(article.body) if article.source else []
    if not found:
        return piece
    hashes = tuple(dict.fromkeys(one for one, _ in found))
    repeated = await store.repeated(article.source, hashes)
    masks = habits.masks(article.body, repeated) if repeated else ()
    return replace(piece, filled=replace(piece.filled, article=replace(article, site=masks)), paragraphs=hashes)


async def _fill_all(fresh: Sequence[Fresh], fill: Fill) -> list[_Piece]:
    slots = asyncio.Semaphore(PAGES)

    async def one(piece: Fresh) -> _Piece:
        async with slots:
            return await _fill(piece, fill)

    return list(await asyncio.gather(*map(one, fresh)))


async def _fill(fresh: Fresh, fill: Fill) -> _Piece:
    wait = None
    try:
        return _Piece(fresh, await fill(fresh))
    except MonitorError as error:
        wait = getattr(error, "wait", None)
        log.info("page missing", article=fresh.article.id, error=str(error), fills=fresh.fills + 1)
    except Exception:  # a page that breaks us is a page that is missing
        log.exception("page broke", article=fresh.article.id)
    return _Piece(fresh, Filled(article=fresh.article), failed=True, wait=wait)


async def _whole(
    one: _Piece, matches: Sequence[Match] | None, bench: Bench, backlog: Backlog, original: Original | None
) -> Plan | None:
    """The plan that was recorded. One article's trouble is its own: it is set aside, or at worst None, and the rest goes on."""
    if matches is not None:
        try:
            partly = isinstance(matches, Partly)
            return await _record(replace(one, failed=True) if partly else one, matches, bench, backlog, original)
        except StoreError:
            raise
        except Exception:
            log.exception("examine failed", article=one.article.id, source=one.article.source, fills=one.fresh.fills)
    try:
        return await _record(replace(one, failed=True), None, bench, never, original)
    except StoreError:
        raise
    except Exception:
        log.exception("not even set aside", article=one.article.id, source=one.article.source)
        return None


async def _record(
    one: _Piece, matches: Sequence[Match] | None, bench: Bench, backlog: Backlog, original: Original | None
) -> Plan:
    """Plans on the events as they are and records; where another was quicker, on the events as they are then.

    `matches` None: the rules could not be asked.
    """
    at = bench.moment(one.article)
    late = policy.is_old(one.article, one.fresh.first_seen or at) and await backlog(one.fresh)
    async with bench.one_at_a_time:
        for _ in range(REPLANS):
            plan = _proven(await _plan(one, matches or (), bench, at, late=late), one, original)
            try:
                await bench.store.record(plan)
            except Outdated:
                continue
            asked = bench.rules.keys() if matches is not None else ()
            bench.meter.examined(plan, asked, matches or (), seen=original.at if original else None, late=late)
            return plan
    raise MonitorError(f"its events changed {REPLANS} times while it was being recorded")


async def _plan(one: _Piece, matches: Sequence[Match], bench: Bench, at: datetime, *, late: bool) -> Plan:
    earlier = await bench.store.reported(one.article.id) if one.fresh.first_seen is not None else []
    asked = dict.fromkeys((*(match.rule for match in matches), *earlier))
    rules = {id: bench.rules[id] for id in asked if id in bench.rules}
    fills = one.fresh.fills + one.failed
    return policy.plan(
        one.fresh,
        one.article,
        matches,
        rules=rules,
        ledger=await _ledger(rules, one.fresh, at, bench.store),
        at=at,
        office=bench.office,
        backlog=late,
        refill=policy.next_fill(fills, at, one.wait) if one.failed else None,
        fills=fills,
        whole=not one.failed,
    )


def _proven(plan: Plan, one: _Piece, original: Original | None) -> Plan:
    """With the bytes that are to be kept: the page; the feed only where it told something worth an alert."""
    page = one.filled.page
    kept = [each for each in (page, original if plan.alerts else None) if each]
    unread = page.sha256 if page and not one.filled.read else None
    return replace(plan, originals=tuple(kept), unread=unread, paragraphs=one.paragraphs)


async def _ledger(rules: Mapping[str, Rule], fresh: Fresh, at: datetime, store: Store) -> Ledger:
    if not rules:
        return Ledger()
    since, history = policy.since(rules.values(), fresh, at), policy.histories(rules.values(), fresh, at)
    ledger = await store.ledger(sorted(rules), since, history, at)
    further = history | _opened(ledger, fresh, history) if fresh.first_seen else history
    return ledger if further == history else await store.ledger(sorted(rules), since, further, at)


def _opened(ledger: Ledger, fresh: Fresh, history: Mapping[str, datetime]) -> dict[str, datetime]:
    """When the first of the events was opened that an edited article reported: others may have said so before it did."""
    reported = {one.event for one in ledger.reports if one.article == fresh.article.id}
    opened: dict[str, datetime] = {}
    for event in ledger.events:
        if event.id in reported:
            opened[event.rule] = min(event.opened, opened.get(event.rule, history[event.rule]))
    return opened


def _summary(plans: Sequence[Plan]) -> Examined:
    return Examined(
        fresh=len(plans),
        pending=tuple(plan.article.id for plan in plans if plan.refill),
        alerts=tuple(alert for plan in plans for alert in plan.alerts),
        deliveries=sum(len(plan.deliveries) for plan in plans),
    )


def _tell(result: Examined) -> None:
    held = sum(alert.held is not None for alert in result.alerts)
    log.info(
        "examined",
        fresh=result.fresh,
        alerts=len(result.alerts) - held,
        held=held,
        unfilled=result.unfilled,
        to=result.deliveries,
    )
