"""What to do: whom to tell and in what words, and when to try again. Pure: time and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor import desk, identity, novelty, tempo
from monitor.breaker import OWN_FAULT
from monitor.model import Again, Alert, Attempt, Breaker, Delivery, Fresh, GaveUp, Ledger, Outcome, Plan, Sent, Visit
from monitor.ruling import Ruling, ruling
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
    """A receiver as the planner sees it, and how it is told. `wishes` narrow what it is told; None: everything."""

    id: str
    render: Callable[[Alert], bytes]
    wishes: desk.Receiver | None = None

    @property
    def receiver(self) -> desk.Receiver:
        """What it asks for."""
        return self.wishes or desk.Receiver(id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who is told, and how. `ways` send alerts to some of them; `cap`: alerts of a rule that are told at once in an hour, 0: all."""

    routes: Sequence[Route] = ()
    ways: Sequence[desk.Route] = ()
    cap: int = 0


NOBODY = Office()


def plan(  # noqa: PLR0913 - a decision names all that it rests on
    fresh: Fresh,
    article: Article,
    matches: Sequence[Match],
    *,
    rules: Mapping[str, Rule],
    ledger: Ledger,
    at: datetime,
    office: Office = NOBODY,
    backlog: bool = False,
    refill: datetime | None = None,
    fills: int = 0,
    whole: bool = True,
) -> Plan:
    """All that this article changes. `article` is `fresh.article`, with its page where that was fetched.

    `rules` are those that it matches, and those that it matched before it was edited. `backlog` says that its source is new: an
    article that was a day old when first seen is then recorded and not told. `whole`: its page could be had, and the rules could be
    asked, so that what it does not say any longer is taken back.
    """
    matched = {match.rule: match for match in matches if match.rule in rules}
    look = _look(fresh, article, at, sketched=bool(rules))
    late = backlog and is_old(article, look.first_seen)
    asked = [*matched, *(sorted(set(rules) - set(matched)) if look.edited and whole else ())]
    rulings = [_ruling(look, rules[id], matched.get(id), ledger, late=late, whole=whole) for id in asked]
    alerts = [one.alert for one in rulings if one.alert]
    return Plan(
        article=article,
        revision=look.revision,
        first_seen=look.first_seen,
        at=at,
        sketch=look.sketch,
        refill=refill,
        fills=fills,
        stamps={id: ledger.stamps.get(id, 0) for id in asked},
        events=tuple(event for one in rulings for event in one.events),
        reports=tuple(report for one in rulings for report in one.reports),
        alerts=tuple(alerts),
        deliveries=tuple(d for alert in alerts for d in deliveries(alert, rules[alert.rule].notify, office, ledger.told)),
    )


def _ruling(  # noqa: PLR0913 - as above
    look: novelty.Look, rule: Rule, match: Match | None, ledger: Ledger, *, late: bool, whole: bool
) -> Ruling:
    held = "draft" if rule.status == "draft" else "backlog" if late else None
    wakes = held is None and not is_old(look.article, look.first_seen)
    return ruling(look, rule, match, ledger, held=held, wakes=wakes, whole=whole)


def histories(rules: Iterable[Rule], fresh: Fresh, at: datetime) -> dict[str, datetime]:
    """How far back what was reported is needed, of the rules that need it: for time rules, and of an edited article's own."""
    needed = {rule.id: [tempo.history(rule, at), fresh.first_seen] for rule in rules}
    return {id: min(filter(None, since)) for id, since in needed.items() if any(since)}


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


def deliveries(
    alert: Alert, notify: Collection[str] | None, office: Office, told: Mapping[str, int] | None = None
) -> list[Delivery]:
    """The alert for each receiver that is to have it, now or later. `told`: alerts of each rule in the hour before."""
    if alert.held is not None:
        return []
    receivers = [route.receiver for route in office.routes]
    choices = desk.decide(alert, notify, receivers=receivers, routes=office.ways, told_last_hour=told, cap=office.cap)
    render = {route.id: route.render for route in office.routes}
    return [
        Delivery(
            alert=alert.id,
            sink=one.receiver,
            body=render[one.receiver](alert),
            due=one.until or alert.raised,
            digest=one.how != "now",
        )
        for one in choices
        if one.told
    ]


# What is to be told of a source

SILENT = "source-silent"
"""The rule, as it were, that a silent source is told under."""


def notice(visit: Visit, word: str, reason: str, now: datetime) -> Alert:
    """The alert that a source is "silent", or has "recovered". It has no findings; its article says why."""
    since = visit.silent or visit.at  # not its last news: it may fall silent twice without any in between
    title = f"Source {word}: {visit.source}"
    return Alert(
        id=identity.alert_id(SILENT, visit.source, f"{word} {since.isoformat()}"),
        rule=SILENT,
        rule_title="A source is silent",
        level="high",
        version="",
        tags=(),
        article=Article(id=f"{visit.source}#{word}", source=visit.source, title=title, summary=reason),
        **_said(word, title, now),
    )


def quiet(rule: Rule, word: str, since: datetime, now: datetime) -> Alert:
    """The alert that a rule is "silent", having matched nothing for too long, or has "recovered". It has no findings."""
    title = f"Rule {word}: {rule.id}"
    reason = f"nothing has matched it since {since:%Y-%m-%d %H:%M} UTC" if word == "silent" else "it matches again"
    return Alert(
        id=identity.alert_id(rule.id, word, since.isoformat()),
        rule=rule.id,
        rule_title=rule.title,
        level=rule.level,
        version=rule.version,
        tags=rule.tags,
        article=Article(id=f"{rule.id}#{word}", title=title, summary=reason),
        **_said(word, title, now),
    )


# What is to be told of a receiver, to the others

FAILING = "receiver-failing"
"""The rule, as it were, that a receiver which cannot be reached is told under."""

DEAF = timedelta(minutes=15)
"""A receiver that takes nothing for so long is told of."""


def failing(breaker: Breaker, last: str, at: datetime) -> Alert | None:
    """The alert that a receiver is "unreachable", "disabled" or "reachable" again; None: there is nothing to say since `last` was said."""
    if breaker.state == "closed":
        word = "reachable"
    elif breaker.state == "disabled":
        word = "disabled"
    else:
        word = "unreachable" if breaker.since and at - breaker.since >= DEAF else last
    return None if word == last else _of_receiver(breaker, word, at)


def _of_receiver(breaker: Breaker, word: str, at: datetime) -> Alert:
    title = f"Receiver {word}: {breaker.sink}"
    since = f", since {breaker.since:%Y-%m-%d %H:%M} UTC" if breaker.since else ""
    reason = f"{breaker.reason}{since}" if breaker.reason else "it takes what it is sent"
    return Alert(
        id=identity.alert_id(FAILING, breaker.sink, f"{word} {at.isoformat()}"),
        rule=FAILING,
        rule_title="A receiver cannot be told",
        level="high",
        version="",
        tags=(),
        article=Article(id=f"{breaker.sink}#receiver", title=title, summary=reason),
        **_said(word, title, at),
    )


def _said(word: str, title: str, now: datetime) -> dict[str, Any]:
    return {"kind": word, "title": title, "first_seen": now, "raised": now, "sightings": ()}


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

LONGEST = DAY * 1.2
"""Nothing waits longer for its next attempt."""

SPAN = sum(TRIES, timedelta(0))
"""From the first attempt to the last."""

FILLS = (_MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR)
"""The wait before each further attempt at a page, or at an article that could not be examined."""


def outcome(delivery: Delivery, attempt: Attempt, jitter: float) -> Outcome:
    """What becomes of a delivery after this attempt. `jitter`, -1 to 1, moves the next one by up to 20 %.

    A probe is no attempt of its own, and what a receiver that is gone did not take waits until it is enabled again. But a message that
    the receiver minds, and no other, is given up in the end, however it was tried.
    """
    if attempt.trouble is None:
        return Sent(attempt.ended)
    tried = delivery.attempts >= len(TRIES) and not attempt.probe and attempt.trouble != "gone"
    minded = attempt.status in OWN_FAULT and attempt.ended - (delivery.since or attempt.began) >= SPAN
    if tried or minded:
        return GaveUp(attempt.ended, attempt.reason)
    wait = TRIES[min(delivery.attempts, len(TRIES) - 1)] * (1 + 0.2 * jitter)
    return Again(attempt.ended, attempt.ended + max(wait, min(attempt.wait or timedelta(0), DAY)), attempt.reason)


def next_fill(fills: int, now: datetime, asked: timedelta | None = None) -> datetime | None:
    """When to ask again for a page that was asked for in vain `fills` times, not before it `asked` for; None: no more."""
    return now + max(FILLS[fills - 1], min(asked or timedelta(0), DAY)) if 0 < fills <= len(FILLS) else None
