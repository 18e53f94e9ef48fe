"""The three steps of an article's life: ingest, examine, deliver. Each reads, decides in pure code, and writes once.

Doing any of them twice is harmless. Two commits on purpose: an article is recorded with all that it changes, then the visit that
brought it; so the cursor moves last, and nothing hides behind an unchanged feed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from monitor import policy
from monitor.errors import DeliveryFailed, MonitorError, Outdated, StoreError
from monitor.model import Again, Alert, Delivery, Fresh, GaveUp, Ledger, Outcome, Plan, Sent, Visit
from rules import Article, Match, Rule

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from monitor.policy import Route
    from monitor.ports import Clock, Fill, Matcher, Moment, Sink, Source, Store

PAGES = 4
"""Pages fetched at once for one batch."""

BATCH = 16
"""Articles that are filled, matched and recorded together where pages are fetched."""

REPLANS = 100
"""Tries at recording one article. Each that fails means that another plan for the same rules got through."""

log = structlog.get_logger("monitor.steps")

# Ingest


async def ingest(
    source: Source,
    *,
    store: Store,
    accept: Callable[[Sequence[Article]], Awaitable[object]],
    clock: Clock,
    every: timedelta,
) -> Visit:
    """Looks at a source once and hands on what is new there. A failure is kept in the visit, never raised."""
    last = await store.last_visit(source.id)
    try:
        fetched = await source.fetch(last.cursor if last else {})
        fresh = await store.unseen(fetched.articles)
    except StoreError:
        raise  # nothing can be kept, this visit included; its lease lapses and it is made again
    except Exception as error:  # noqa: BLE001 - told below; whatever breaks one source, it is shown as failing and visited again
        visit = policy.failed(last, error, source.id, clock(), every)
        _tell_failure(visit, error)
    else:
        trouble = await _accepted(accept, [_dated(one, clock()) for one in fresh])
        visit = policy.answered(last, fetched, source.id, clock(), every, news=len(fresh))
        if trouble:
            visit = policy.unfinished(last, visit, trouble)
            _tell_trouble(visit, trouble)
        log.info("fetched", source=source.id, articles=len(fetched.articles), fresh=len(fresh), unchanged=fetched.unchanged)
    await store.visited(visit)
    return visit


async def _accepted(accept: Callable[[Sequence[Article]], Awaitable[object]], articles: Sequence[Article]) -> Exception | None:
    """Why not all of the articles were taken charge of, or nothing."""
    try:
        await accept(articles)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - told below; the articles are fetched again, whatever it was
        return error
    return None


def _dated(fresh: Fresh, now: datetime) -> Article:
    """The article with a date: where the source gives none, that of the first sight; never one in the future."""
    published = fresh.article.published or fresh.first_seen or now
    return replace(fresh.article, published=policy.clamp(published, now))


def _tell_failure(visit: Visit, error: Exception) -> None:
    if isinstance(error, MonitorError):
        log.warning("fetch failed", source=visit.source, error=visit.error, failures=visit.failures, again=str(visit.due))
    else:
        log.error("fetch broke", source=visit.source, failures=visit.failures, exc_info=error)


def _tell_trouble(visit: Visit, error: Exception) -> None:
    bug = None if isinstance(error, MonitorError) else error
    log.error("not all examined", source=visit.source, error=visit.error, exc_info=bug)


# Examine

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


async def as_it_is(article: Article) -> Article:
    """The `fill` where no pages are to be fetched."""
    return article


async def never(_fresh: Fresh) -> bool:
    """The `backlog` of a replay: every article counts."""
    return False


def new_source(store: Store) -> Backlog:
    """The `backlog` of the daemon: a source is new until a visit to it went well."""

    async def backlog(fresh: Fresh) -> bool:
        visit = await store.last_visit(fresh.article.source)
        return visit is None or visit.known is None

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
    routes: Sequence[Route] = ()
    batch: int | None = None


async def examine(articles: Sequence[Article], *, bench: Bench, backlog: Backlog = never) -> Examined:
    """Takes charge of articles: once it returns, each is recorded with all that follows from it.

    One that breaks us is set aside, and a refill examines it again. Raises MonitorError, after all others are recorded, where not
    even that could be done.
    """
    return await _examine(await bench.store.unseen(articles), bench, backlog)


async def refill(*, bench: Bench, now: datetime, limit: int = 20) -> Examined:
    """Asks again for pages that are still missing and due, and examines those articles again, and those that were set aside."""
    return await _examine(await bench.store.unfilled(now, limit), bench, was_new(bench.store))


@dataclass(frozen=True, slots=True)
class _Filled:
    fresh: Fresh
    article: Article
    failed: bool
    wait: timedelta | None = None
    """How long its page asked to be left alone."""


async def _examine(fresh: Sequence[Fresh], bench: Bench, backlog: Backlog) -> Examined:
    """Batch after batch, in order: it decides which sighting of an event is first."""
    if not fresh:
        return Examined()
    size = bench.batch or len(fresh)
    batches = [await _batch(fresh[at : at + size], bench, backlog) for at in range(0, len(fresh), size)]
    plans = [plan for batch in batches for plan in batch]
    result = _summary([plan for plan in plans if plan])
    _tell(result)
    if broken := [one.article.id for one, plan in zip(fresh, plans, strict=True) if plan is None]:
        raise MonitorError(f"{len(broken)} of {len(fresh)} articles could not be examined, the first is {broken[0]}")
    return result


async def _batch(fresh: Sequence[Fresh], bench: Bench, backlog: Backlog) -> list[Plan | None]:
    """Pages a few at a time, matching in one go, then one article after the other."""
    filled = await _fill_all(fresh, bench.fill)
    matches = await bench.match([_seen(one, bench) for one in filled])
    return [await _whole(one, found, bench, backlog) for one, found in zip(filled, matches, strict=True)]


def _seen(one: _Filled, bench: Bench) -> Article:
    """The article with the time of its first sight, which a rule may ask how old it was then."""
    return replace(one.article, seen=one.fresh.first_seen or bench.moment(one.article))


async def _fill_all(fresh: Sequence[Fresh], fill: Fill) -> list[_Filled]:
    slots = asyncio.Semaphore(PAGES)

    async def one(piece: Fresh) -> _Filled:
        async with slots:
            return await _fill(piece, fill)

    return list(await asyncio.gather(*map(one, fresh)))


async def _fill(fresh: Fresh, fill: Fill) -> _Filled:
    wait = None
    try:
        return _Filled(fresh, await fill(fresh.article), failed=False)
    except MonitorError as error:
        wait = getattr(error, "wait", None)
        log.info("page missing", article=fresh.article.id, error=str(error), fills=fresh.fills + 1)
    except Exception:  # a page that breaks us is a page that is missing
        log.exception("page broke", article=fresh.article.id)
    return _Filled(fresh, fresh.article, failed=True, wait=wait)


async def _whole(one: _Filled, matches: Sequence[Match] | None, bench: Bench, backlog: Backlog) -> Plan | None:
    """The plan that was recorded. One article's trouble is its own: it is set aside, or at worst None, and the rest goes on."""
    if matches is not None:
        try:
            return await _record(one, matches, bench, backlog)
        except StoreError:
            raise
        except Exception:
            log.exception("examine failed", article=one.article.id, source=one.article.source, fills=one.fresh.fills)
    try:
        return await _record(replace(one, failed=True), (), bench, never)
    except StoreError:
        raise
    except Exception:
        log.exception("not even set aside", article=one.article.id, source=one.article.source)
        return None


async def _record(one: _Filled, matches: Sequence[Match], bench: Bench, backlog: Backlog) -> Plan:
    """Plans on the events as they are and records; where another was quicker, on the events as they are then."""
    at = bench.moment(one.article)
    late = policy.is_old(one.article, one.fresh.first_seen or at) and await backlog(one.fresh)
    for _ in range(REPLANS):
        plan = await _plan(one, matches, bench, at, late=late)
        try:
            await bench.store.record(plan)
        except Outdated:
            continue
        return plan
    raise MonitorError(f"its events changed {REPLANS} times while it was being recorded")


async def _plan(one: _Filled, matches: Sequence[Match], bench: Bench, at: datetime, *, late: bool) -> Plan:
    rules = {match.rule: bench.rules[match.rule] for match in matches if match.rule in bench.rules}
    fills = one.fresh.fills + one.failed
    return policy.plan(
        one.fresh,
        one.article,
        matches,
        rules=rules,
        ledger=await _ledger(rules, one.fresh, at, bench.store),
        at=at,
        routes=bench.routes,
        backlog=late,
        refill=policy.next_fill(fills, at, one.wait) if one.failed else None,
        fills=fills,
    )


async def _ledger(rules: Mapping[str, Rule], fresh: Fresh, at: datetime, store: Store) -> Ledger:
    if not rules:
        return Ledger()
    return await store.ledger(sorted(rules), policy.since(rules.values(), fresh, at))


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


# Deliver


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round of deliveries came to."""

    sent: int = 0
    again: int = 0
    gave_up: int = 0

    @property
    def attempts(self) -> int:
        """How many deliveries were due."""
        return self.sent + self.again + self.gave_up


async def deliver(  # noqa: PLR0913 - all that it depends on, named
    *,
    store: Store,
    sinks: Mapping[str, Sink],
    clock: Clock,
    jitter: Callable[[], float],
    lease: timedelta,
    limit: int,
) -> Delivered:
    """Makes up to `limit` deliveries that are due, all at once, each on its own, and settles each as soon as it is known.

    `jitter` gives a number from -1 to 1. `lease` has to be longer than an attempt may take; one that is not done when nine tenths
    of it are over has failed.
    """

    async def one(delivery: Delivery) -> Outcome:
        outcome = await _attempt(delivery, sinks.get(delivery.sink), clock, jitter, 0.9 * lease)
        await store.settle(delivery, outcome)
        return outcome

    due = await store.claim(clock(), lease, limit)
    outcomes = await asyncio.gather(*map(one, due), return_exceptions=True)  # what breaks one must not cut the others short
    result = _tally(outcomes)
    if due:
        log.info("delivered", sent=result.sent, again=result.again, gave_up=result.gave_up)
    return result


async def _attempt(
    delivery: Delivery, sink: Sink | None, clock: Clock, jitter: Callable[[], float], longest: timedelta
) -> Outcome:
    failure = await _failure(delivery, sink, longest)
    if failure is None:
        return Sent(clock())
    outcome = policy.after_failure(delivery.attempts, failure, clock(), jitter())
    again = str(outcome.due) if isinstance(outcome, Again) else None
    log.warning(
        "delivery failed",
        sink=delivery.sink,
        alert=delivery.alert,
        reason=outcome.reason,
        attempts=delivery.attempts,
        again=again,
    )
    return outcome


async def _failure(delivery: Delivery, sink: Sink | None, longest: timedelta) -> DeliveryFailed | None:
    """What went wrong with an attempt, or nothing. A sink's bug costs the attempt and no more."""
    if sink is None:  # may be a slip in the configuration: it has as long to be mended as any failure
        return DeliveryFailed(f"no receiver is called '{delivery.sink}'")
    try:
        async with asyncio.timeout(longest.total_seconds()):
            await sink.send(delivery)
    except DeliveryFailed as error:
        return error
    except TimeoutError:
        return DeliveryFailed(f"not done after {longest.total_seconds():.0f} s")
    except Exception as error:
        log.exception("sink broke", sink=delivery.sink, alert=delivery.alert)
        return DeliveryFailed(f"broke: {type(error).__name__}")
    return None


def _tally(outcomes: Sequence[Outcome | BaseException]) -> Delivered:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    kinds = Counter(type(outcome) for outcome in outcomes)
    return Delivered(sent=kinds[Sent], again=kinds[Again], gave_up=kinds[GaveUp])
