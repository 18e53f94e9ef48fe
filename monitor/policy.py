"""What to do: whom to tell and in what words, and when to try again. Pure: time and chance are arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor import identity, novelty
from monitor.errors import DeliveryFailed, Refused
from monitor.model import Again, Alert, Delivery, Event, Fresh, GaveUp, Ledger, Plan, Sighting, Visit
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from rules import Match, Rule

DAY = timedelta(days=1)

NEWS = DAY
"""An article that is older than this when its source is new is backlog."""

REPRINTS = timedelta(days=7)
"""How far back copies are recognised, where the rule's own `within` is shorter."""

# Deciding on an article


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A receiver as the planner sees it. `levels` and `tags` narrow what it is told; empty: everything."""

    id: str
    render: Callable[[Alert], bytes]
    levels: Collection[str] = ()
    tags: Collection[str] = ()


def plan(  # noqa: PLR0913 - a decision names all that it rests on
    fresh: Fresh,
    article: Article,
    matches: Sequence[Match],
    *,
    rules: Mapping[str, Rule],
    ledger: Ledger,
    at: datetime,
    routes: Sequence[Route] = (),
    backlog: bool = False,
    refill: datetime | None = None,
    fills: int = 0,
) -> Plan:
    """All that this article changes. `article` is `fresh.article`, with its page where that was fetched.

    `backlog` says that its source is new: an article that was a day old when first seen, or is undated, is then recorded and not
    told.
    """
    known = [match for match in matches if match.rule in rules]
    look = _look(fresh, article, at, sketched=bool(known))
    late = backlog and is_old(article, look.first_seen)
    verdicts = [_verdict(look, rules[match.rule], match, ledger, late=late) for match in known]
    alerts = [alert for _, alert in verdicts if alert]
    return Plan(
        article=article,
        revision=look.revision,
        first_seen=look.first_seen,
        at=at,
        sketch=look.sketch,
        refill=refill,
        fills=fills,
        stamps={match.rule: ledger.stamps.get(match.rule, 0) for match in known},
        events=tuple(event for events, _ in verdicts for event in events),
        alerts=tuple(alerts),
        deliveries=tuple(one for alert in alerts for one in deliveries(alert, rules[alert.rule].notify, routes)),
    )


def since(rules: Iterable[Rule], fresh: Fresh, at: datetime) -> datetime:
    """How far back a plan needs the ledger: the longest `within`; for an edit, as far as its article's own events."""
    longest = max((rule.once.within for rule in rules), default=REPRINTS)
    return min(at - max(longest, REPRINTS), fresh.first_seen or at)


def is_old(article: Article, at: datetime) -> bool:
    """Whether it was published more than a day before."""
    return article.published is not None and at - article.published > NEWS


def _look(fresh: Fresh, article: Article, at: datetime, *, sketched: bool) -> novelty.Look:
    return novelty.Look(
        article=article,
        first_seen=fresh.first_seen or at,
        edited=fresh.first_seen is not None,
        revision=identity.revision(article),
        sketch=identity.sketch(identity.substance(article)) if sketched else (),
        at=at,
    )


def _verdict(look: novelty.Look, rule: Rule, match: Match, ledger: Ledger, *, late: bool) -> tuple[list[Event], Alert | None]:
    """One rule's events as they shall be, and the alert if any of its findings is worth one."""
    held = "draft" if rule.status == "draft" else "backlog" if late else None
    wakes = held is None and not is_old(look.article, look.first_seen)
    homes = novelty.homes(look, rule, match.findings, ledger.events)
    told = {
        place: Sighting(event=home.event.id, finding=finding)
        for home in homes
        for place, finding in novelty.news(home, rule.once, wakes=wakes).items()
    }
    events = [novelty.after(look, home, rule.once, held=held is not None, wakes=wakes) for home in homes]
    kind = "update" if all(home.known and not (wakes and home.event.silent) for home in homes) else "new"
    sightings = tuple(told[place] for place in sorted(told))
    return events, _alert(look, rule, sightings, kind=kind, held=held) if sightings else None


def _alert(look: novelty.Look, rule: Rule, sightings: tuple[Sighting, ...], *, kind: str, held: str | None) -> Alert:
    return Alert(
        id=identity.alert_id(rule.id, look.article.id, look.revision),
        kind=kind,
        rule=rule.id,
        rule_title=rule.title,
        level=rule.level,
        version=rule.version,
        tags=rule.tags,
        title=headline(rule.title, novelty.values(sightings[0].finding)),
        article=look.article,
        first_seen=look.first_seen,
        raised=look.at,
        sightings=sightings,
        held=held,
    )


def deliveries(alert: Alert, notify: Collection[str] | None, routes: Sequence[Route]) -> list[Delivery]:
    """The alert for each receiver that is to have it: those that its rule names, else each that takes such an alert."""
    wanted = [route for route in routes if alert.held is None and _wants(route, alert, notify)]
    return [Delivery(alert=alert.id, sink=route.id, body=route.render(alert), due=alert.raised) for route in wanted]


def _wants(route: Route, alert: Alert, notify: Collection[str] | None) -> bool:
    if notify is not None:
        return route.id in notify
    return (not route.levels or alert.level in route.levels) and (not route.tags or bool({*route.tags} & {*alert.tags}))


# What is to be told of a source

SILENT = "source-silent"
"""The rule, as it were, that a silent source is told under."""


def notice(visit: Visit, word: str, reason: str, now: datetime) -> Alert:
    """The alert that a source is "silent", or has "recovered". It has no findings; its article says why."""
    since = visit.silent or visit.at  # not its last news: it may fall silent twice without any in between
    title = f"Source {word}: {visit.source}"
    return Alert(
        id=identity.alert_id(SILENT, visit.source, f"{word} {since.isoformat()}"),
        kind=word,
        rule=SILENT,
        rule_title="A source is silent",
        level="high",
        version="",
        tags=(),
        title=title,
        article=Article(id=f"{visit.source}#{word}", source=visit.source, title=title, summary=reason),
        first_seen=now,
        raised=now,
        sightings=(),
    )


# Titles

LONGEST_VALUE = 200
_BLANK = re.compile(r"\{([\w-]+)\}")
_UNKNOWN = {"stance": "stance unclear", "status": "status unclear", "time": "time unclear", "ordinal": "number not given"}


def headline(title: str, values: Mapping[str, str | None]) -> str:
    """A rule's title with its blanks filled in: "Talks announced: Malta", or "Talks announced: place not named".

    Plain substitution: a value is text from outside, and nothing in it is ever evaluated or filled in again.
    """
    return _BLANK.sub(lambda blank: _filling(blank[1], values.get(blank[1])), title)


def _filling(name: str, value: str | None) -> str:
    said = " ".join((value or "").split())
    if not said:
        return _UNKNOWN.get(name, f"{name.replace('_', ' ')} not named")
    return said if len(said) <= LONGEST_VALUE else said[: LONGEST_VALUE - 1] + "…"


# Trying again

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)

TRIES = (
    timedelta(0),
    5 * _SECOND,
    30 * _SECOND,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    *(n * _HOUR for n in (1, 2, 4, 8, 12)),
    DAY,
    DAY,
    DAY,
)
"""The wait before each attempt at a delivery: 14 attempts over four days."""

FILLS = (_MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR)
"""The wait before each further attempt at a page, or at an article that could not be examined."""


def after_failure(attempts: int, error: DeliveryFailed, now: datetime, jitter: float) -> Again | GaveUp:
    """What becomes of a delivery whose attempt number `attempts` has failed. `jitter`, -1 to 1, moves the time by up to 20 %."""
    reason = str(error) or type(error).__name__
    if isinstance(error, Refused) or attempts >= len(TRIES):
        return GaveUp(now, reason)
    asked = min(error.wait or timedelta(0), DAY)
    return Again(now, now + max(TRIES[attempts] * (1 + 0.2 * jitter), asked), reason)


def next_fill(fills: int, now: datetime, asked: timedelta | None = None) -> datetime | None:
    """When to ask again for a page that was asked for in vain `fills` times, not before it `asked` for; None: no more."""
    return now + max(FILLS[fills - 1], min(asked or timedelta(0), DAY)) if 0 < fills <= len(FILLS) else None
