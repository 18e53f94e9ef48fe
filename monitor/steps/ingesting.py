"""Looks at a source, and hands on what is new there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import desk, policy, rhythm
from monitor.errors import MonitorError, StoreError
from monitor.model import (
    Alert,
    Cursor,
    Delivery,
    Fetched,
    Fresh,
    Original,
    Visit,
)
from monitor.policy import NOBODY, Office
from monitor.steps.unmetered import UNMETERED
from rules import Article

if TYPE_CHECKING:
    from monitor.ports import Accept, Clock, Meter, Source, Store

AHEAD = timedelta(hours=1)
"""A date that lies further ahead is a wrong one; nearer, it is a clock that is a little fast."""

FEW = 3
"""Entries: fewer under new ids may be chance."""

SAMPLE = 20
"""Entries that are looked up to see whether ids are new: the others will be no different."""

log = structlog.get_logger("monitor.steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What looking at a source takes, beside the source. `every` and `patience` are the operator's; None: learnt.

    `offline` says whether our own network seems to be down; `office` says who is told that a source is silent.
    """

    store: Store
    accept: Accept
    clock: Clock
    every: timedelta | None = None
    patience: timedelta | None = None
    offline: Callable[[], bool] = lambda: False
    office: Office = NOBODY
    meter: Meter = UNMETERED


async def ingest(source: Source, around: Round) -> Visit:
    """Looks at a source once and hands on what is new there. A failure is kept in the visit, never raised."""
    store, clock = around.store, around.clock
    last = await store.last_visit(source.id)
    try:
        fetched = await source.fetch(_cursor(last))
        fresh = await store.unseen(fetched.articles) if fetched.articles else []
        known = await _known(fetched, fresh, store)
    except StoreError:
        raise  # nothing can be kept, this visit included; its lease lapses and it is made again
    except Exception as error:  # noqa: BLE001 - told below; whatever breaks one source, it is shown as failing and visited again
        visit = rhythm.failed(last, error, source.id, clock(), every=around.every, offline=around.offline())
        _tell_failure(visit, error)
    else:
        dated = [_dated(one, clock()) for one in fresh]
        trouble = await _accepted(around.accept, _in_order(dated), fetched.original) if dated else None
        news = [*_new(fresh, dated), *_late(known, last, clock())]
        visit = rhythm.answered(last, _remarked(fetched, fresh, known), source.id, clock(), news=news, every=around.every)
        if trouble:
            visit = rhythm.unfinished(last, visit, trouble)
            _tell_trouble(visit, trouble)
        log.info("fetched", source=source.id, articles=fetched.listed, fresh=len(fresh), unchanged=fetched.unchanged)
    visit, alerts, deliveries = await _noticed(visit, around)
    await store.visited(visit, alerts, deliveries)
    around.meter.visited(visit)
    return visit


def _cursor(last: Visit | None) -> Cursor:
    """Where the source left off, and the address that it has moved to for good."""
    if last is None:
        return {}
    moved = rhythm.address(last, "")
    return {**last.cursor, "address": moved} if moved else last.cursor


def _in_order(dated: Sequence[Article]) -> list[Article]:
    """As they were published, of one moment by id: in whatever order a source lists them, the first to say something opens the event."""
    return sorted(dated, key=lambda one: (one.published or datetime.max.replace(tzinfo=UTC), one.id))


def _new(fresh: Sequence[Fresh], dated: Sequence[Article]) -> list[datetime]:
    """When the articles that are no edits were published."""
    return [one.published for seen, one in zip(fresh, dated, strict=True) if seen.first_seen is None and one.published]


async def _known(fetched: Fetched, fresh: Sequence[Fresh], store: Store) -> list[Fresh]:
    """How the store knows those that are not fresh, a sample of them: it is asked as what it would take another version of each.

    Under their own ids; under others, which their source gave them before; or, never seen, as those of another source.
    """
    new = {one.article.id for one in fresh}
    known = [one for one in fetched.articles if one.id not in new][:SAMPLE]
    return await store.unseen([replace(one, digest=f"{one.digest}?") for one in known]) if known else []


def _remarked(fetched: Fetched, fresh: Sequence[Fresh], known: Sequence[Fresh]) -> Fetched:
    """With a remark where most of what it said was new is known under other ids."""
    given = {one.id for one in fetched.articles}
    renamed = sum(one.article.id not in given for one in known)
    changed = renamed >= FEW and 2 * renamed > len(known) and len(fetched.articles) > 2 * len(fresh)
    return replace(fetched, remarks=(*fetched.remarks, rhythm.UNSTABLE)) if changed else fetched


def _late(known: Sequence[Fresh], last: Visit | None, now: datetime) -> list[datetime]:
    """When those were published that are news of this source though they are recorded already.

    Another source gave them first; or we died after they were recorded, and before the visit was.
    """
    latest = last.arrivals[-1] if last and last.arrivals else None
    ours = [
        one.article.published or one.first_seen
        for one in known
        if one.first_seen and (not last or last.at < one.first_seen <= now)
    ]
    theirs = [one.article.published for one in known if one.first_seen is None]
    return [at for at in (*ours, *(at for at in theirs if at and (not latest or at > latest))) if at <= now]


async def _noticed(visit: Visit, around: Round) -> tuple[Visit, list[Alert], list[Delivery]]:
    """The visit, and what somebody is to be told of its source."""
    now = around.clock()
    word = None if around.offline() else rhythm.silence(visit, now, patience=around.patience)
    if word is None:
        return visit, [], []
    reason = rhythm.state(visit, now, every=around.every, patience=around.patience).reason
    alert = policy.notice(visit, word, reason, now)
    alert = replace(alert, held=desk.hushed(alert, await around.store.hushes(), now))
    log.warning("source", source=visit.source, now=word, why=reason)
    return rhythm.told(visit, now), [alert], policy.deliveries(alert, None, around.office)


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
