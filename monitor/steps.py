"""The three steps of an article's life: ingest, examine, deliver. Each reads, decides in pure code, and writes once.

Doing any of them twice is harmless. Two commits on purpose: an article is recorded with all that it changes, then the visit that
brought it; so the cursor moves last, and nothing hides behind an unchanged feed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import habits, policy, rhythm
from monitor.errors import DeliveryFailed, MonitorError, Outdated, StoreError
from monitor.model import (
    Again,
    Alert,
    Cursor,
    Delivery,
    Fetched,
    Filled,
    Fresh,
    GaveUp,
    Ledger,
    Original,
    Outcome,
    Plan,
    Sent,
    Visit,
)
from rules import Article, Match, Rule

if TYPE_CHECKING:
    from monitor.policy import Route
    from monitor.ports import Accept, Clock, Fill, Matcher, Moment, Sink, Source, Store

PAGES = 4
"""Pages fetched at once for one batch."""

BATCH = 16
"""Articles that are filled, matched and recorded together where pages are fetched."""

REPLANS = 100
"""Tries at recording one article. Each that fails means that another plan for the same rules got through."""

AHEAD = timedelta(hours=1)
"""A date that lies further ahead is a wrong one; nearer, it is a clock that is a little fast."""

FEW = 3
"""Entries: fewer under new ids may be chance."""

SAMPLE = 20
"""Entries that are looked up to see whether ids are new: the others will be no different."""

log = structlog.get_logger("monitor.steps")

# Ingest


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What looking at a source takes, beside the source. `every` and `patience` are the operator's; None: learnt.

    `offline` says whether our own network seems to be down; `routes` are those who are told that a source is silent.
    """

    store: Store
    accept: Accept
    clock: Clock
    every: timedelta | None = None
    patience: timedelta | None = None
    offline: Callable[[], bool] = lambda: False
    routes: Sequence[Route] = ()


async def ingest(source: Source, around: Round) -> Visit:
    """Looks at a source once and hands on what is new there. A failure is kept in the visit, never raised."""
    store, clock = around.store, around.clock
    last = await store.last_visit(source.id)
    try:
        fetched = await source.fetch(_cursor(last))
        fresh = await store.unseen(fetched.articles) if fetched.articles else []
    except StoreError:
        raise  # nothing can be kept, this visit included; its lease lapses and it is made again
    except Exception as error:  # noqa: BLE001 - told below; whatever breaks one source, it is shown as failing and visited again
        visit = rhythm.failed(last, error, source.id, clock(), every=around.every, offline=around.offline())
        _tell_failure(visit, error)
    else:
        dated = [_dated(one, clock()) for one in fresh]
        trouble = await _accepted(around.accept, dated, fetched.original) if dated else None
        fetched = await _remarked(fetched, fresh, store)
        visit = rhythm.answered(last, fetched, source.id, clock(), news=_new(fresh, dated), every=around.every)
        if trouble:
            visit = rhythm.unfinished(last, visit, trouble)
            _tell_trouble(visit, trouble)
        log.info("fetched", source=source.id, articles=fetched.listed, fresh=len(fresh), unchanged=fetched.unchanged)
    visit, alerts, deliveries = _noticed(visit, around)
    await store.visited(visit, alerts, deliveries)
    return visit


def _cursor(last: Visit | None) -> Cursor:
    """Where the source left off, and the address that it has moved to for good."""
    if last is None:
        return {}
    moved = rhythm.address(last, "")
    return {**last.cursor, "address": moved} if moved else last.cursor


def _new(fresh: Sequence[Fresh], dated: Sequence[Article]) -> list[datetime]:
    """When the articles that are no edits were published."""
    return [one.published for seen, one in zip(fresh, dated, strict=True) if seen.first_seen is None and one.published]


async def _remarked(fetched: Fetched, fresh: Sequence[Fresh], store: Store) -> Fetched:
    """With a remark where most of what it said was new is known under other ids."""
    new = {one.article.id for one in fresh}
    known = [one for one in fetched.articles if one.id not in new]
    changed = len(known) >= FEW and len(known) > len(fresh) and await _renamed(known[:SAMPLE], store)
    return replace(fetched, remarks=(*fetched.remarks, rhythm.UNSTABLE)) if changed else fetched


async def _renamed(known: Sequence[Article], store: Store) -> bool:
    """Whether most of these are known of their own source under other ids, not of another one, or for a counter of comments.

    The store says under which id it would keep another version of each.
    """
    kept = await store.unseen([replace(one, digest=f"{one.digest}?") for one in known])
    asked = {one.id for one in known}
    return 2 * sum(one.article.id not in asked for one in kept) > len(known)


def _noticed(visit: Visit, around: Round) -> tuple[Visit, list[Alert], list[Delivery]]:
    """The visit, and what somebody is to be told of its source."""
    now = around.clock()
    word = None if around.offline() else rhythm.silence(visit, now, patience=around.patience)
    if word is None:
        return visit, [], []
    reason = rhythm.state(visit, now, every=around.every, patience=around.patience).reason
    alert = policy.notice(visit, word, reason, now)
    log.warning("source", source=visit.source, now=word, why=reason)
    return rhythm.told(visit, now), [alert], policy.deliveries(alert, None, around.routes)


async def _accepted(accept: Accept, articles: Sequence[Article], original: Original | None) -> Exception | None:
    """Why not all of the articles were taken charge of, or nothing."""
    try:
        await accept(articles, original)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - told below; the articles are fetched again, whatever it was
        return error
    return None


def _dated(fresh: Fresh, now: datetime) -> Article:
    """The article with a date: where the source gives none that can be, that of the first sight."""
    article, seen = fresh.article, fresh.first_seen or now
    if article.published is None:
        return replace(article, published=seen, dating="absent" if article.dating == "stated" else article.dating)
    if article.published > now + AHEAD:
        return replace(article, published=seen, dating="future")
    return replace(article, published=min(article.published, now))


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


async def as_it_is(article: Article) -> Filled:
    """The `fill` where no pages are to be fetched."""
    return Filled(article=article)


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
    routes: Sequence[Route] = ()
    batch: int | None = None


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
    pieces = [await _masked(piece, bench.store) for piece in await _fill_all(fresh, bench.fill)]
    matches = await bench.match([_seen(one, bench) for one in pieces])
    return [await _whole(one, found, bench, backlog, original) for one, found in zip(pieces, matches, strict=True)]


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
        return _Piece(fresh, await fill(fresh.article))
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
            return await _record(one, matches, bench, backlog, original)
        except StoreError:
            raise
        except Exception:
            log.exception("examine failed", article=one.article.id, source=one.article.source, fills=one.fresh.fills)
    try:
        return await _record(replace(one, failed=True), (), bench, never, original)
    except StoreError:
        raise
    except Exception:
        log.exception("not even set aside", article=one.article.id, source=one.article.source)
        return None


async def _record(one: _Piece, matches: Sequence[Match], bench: Bench, backlog: Backlog, original: Original | None) -> Plan:
    """Plans on the events as they are and records; where another was quicker, on the events as they are then."""
    at = bench.moment(one.article)
    late = policy.is_backlog(one.article, one.fresh.first_seen or at) and await backlog(one.fresh)
    for _ in range(REPLANS):
        plan = _proven(await _plan(one, matches, bench, at, late=late), one, original)
        try:
            await bench.store.record(plan)
        except Outdated:
            continue
        return plan
    raise MonitorError(f"its events changed {REPLANS} times while it was being recorded")


async def _plan(one: _Piece, matches: Sequence[Match], bench: Bench, at: datetime, *, late: bool) -> Plan:
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


def _proven(plan: Plan, one: _Piece, original: Original | None) -> Plan:
    """With the bytes that are to be kept: the page; the feed only where it told something worth an alert."""
    page = one.filled.page
    kept = [each for each in (page, original if plan.alerts else None) if each]
    unread = page.sha256 if page and not one.filled.read else None
    return replace(plan, originals=tuple(kept), unread=unread, paragraphs=one.paragraphs)


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
