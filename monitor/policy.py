"""What to do: whom to tell and in what words, when to try again, when to look again. Pure: time and chance are arguments."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor import identity, novelty
from monitor.errors import DeliveryFailed, Refused
from monitor.model import Again, Alert, Delivery, Event, Fetched, Fresh, GaveUp, Ledger, Plan, Sighting, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from rules import Article, Match, Rule

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

    `backlog` says that its source is new: an article that was a day old when first seen is then recorded and not told.
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
        deliveries=tuple(one for alert in alerts for one in _deliveries(alert, rules[alert.rule], routes)),
    )


def since(rules: Iterable[Rule], fresh: Fresh, at: datetime) -> datetime:
    """How far back a plan needs the ledger: the longest `within`; for an edit, as far as its article's own events."""
    longest = max((rule.once.within for rule in rules), default=REPRINTS)
    return min(at - max(longest, REPRINTS), fresh.first_seen or at)


def is_old(article: Article, at: datetime) -> bool:
    """Whether it was published more than a day before."""
    return article.published is not None and at - article.published > NEWS


def clamp(published: datetime, now: datetime) -> datetime:
    """A date of publication, not later than now: a wrong clock must not keep an event open for a year."""
    return min(published, now)


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


def _deliveries(alert: Alert, rule: Rule, routes: Sequence[Route]) -> list[Delivery]:
    wanted = [route for route in routes if alert.held is None and _wants(route, rule)]
    return [Delivery(alert=alert.id, sink=route.id, body=route.render(alert), due=alert.raised) for route in wanted]


def _wants(route: Route, rule: Rule) -> bool:
    """A rule that names its receivers reaches those; of the others each says what it takes."""
    if rule.notify is not None:
        return route.id in rule.notify
    return (not route.levels or rule.level in route.levels) and (not route.tags or bool({*route.tags} & {*rule.tags}))


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


# Looking again

QUICKEST = timedelta(minutes=5)
SLOWEST = timedelta(hours=6)
LOST = timedelta(days=7)
"""A source that has failed for so long is asked once a day."""


def answered(  # noqa: PLR0913 - as above
    last: Visit | None, fetched: Fetched, source: str, now: datetime, every: timedelta, *, news: int
) -> Visit:
    """The record of a visit that went well. The interval shrinks when there was news and grows when there was none."""
    interval = _interval(last, source, every) * (0.5 if news else 1.5)
    return Visit(
        source=source,
        at=now,
        due=now + _between(interval, every) * _wobble(source),
        cursor=fetched.cursor,
        articles=len(fetched.articles),
        answered=now,
        known=(last.known if last else None) or now,
    )


def unfinished(last: Visit | None, visit: Visit, error: Exception) -> Visit:
    """The record of a visit that went well, but what it gave could not all be taken charge of, which is no fault of the source.

    It is fetched again at the usual time, since the cursor stays.
    """
    return replace(visit, cursor=last.cursor if last else {}, known=last.known if last else None, error=_reason(error))


def failed(last: Visit | None, error: Exception, source: str, now: datetime, every: timedelta) -> Visit:
    """The record of a visit that failed. The cursor stays, and the pauses double up to 6 h, or a day for a lost source."""
    before = last or Visit(source=source, at=now, due=now)
    failures = before.failures + 1
    pause = min(every * 2 ** min(failures - 1, 20), max(SLOWEST, every))
    if _lost(before.answered, failures, now):
        pause = max(pause, DAY)
    asked = min(getattr(error, "wait", None) or timedelta(0), DAY)
    due = now + max(pause * _wobble(source), asked)
    return replace(before, at=now, due=due, articles=0, error=_reason(error), failures=failures)


def _reason(error: Exception) -> str:
    return (" ".join(f"{error}".split()) or type(error).__name__)[:500]


def _lost(answered: datetime | None, failures: int, now: datetime) -> bool:
    """One that never answered is judged by its failures: a week of pauses that have doubled to 6 h."""
    return now - answered > LOST if answered else failures > LOST / SLOWEST


def _interval(last: Visit | None, source: str, every: timedelta) -> timedelta:
    """The pause that was chosen last, read back from the visit; after a failure, the source's own."""
    if last is None or last.failures or last.answered is None:
        return every
    return (last.due - last.at) / _wobble(source)


def _between(interval: timedelta, every: timedelta) -> timedelta:
    """Within 5 min and 6 h, a third and 24 times of what was asked for; what was asked for itself is always allowed."""
    low = min(every, max(QUICKEST, every / 3))
    high = max(every, min(SLOWEST, every * 24))
    return max(low, min(interval, high))


def _wobble(source: str) -> float:
    """0.95 to 1.05, always the same for a source: sources added together drift apart."""
    return 0.95 + 0.1 * zlib.crc32(source.encode("utf-8", "surrogatepass")) / 0xFFFFFFFF
