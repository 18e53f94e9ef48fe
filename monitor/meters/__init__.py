"""What went by, in figures, for Prometheus: counted as it goes by, and shown when somebody asks.

`table` has all there is, and what it means. Figures that only the store, the schedule or the event loop
know are brought along when they are shown (`Readings`). Ids come from the settings and the rules; of each kind 1,000 are told apart, and
the rest is "other", so that nothing grows without bound.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ParamSpec

import structlog

from monitor.errors import TROUBLES
from monitor.meters.showing import MOST, OTHER, Readings, of_monitor, of_sources, text
from monitor.meters.table import METRICS, SUPPRESSED, Metric
from monitor.model import GaveUp, Sent

if TYPE_CHECKING:
    from monitor.model import Alert, Attempt, Delivery, Outcome, Plan, Report, Visit
    from monitor.ports import Clock
    from rules import Match

__all__ = ["METRICS", "SUPPRESSED", "Meters", "Metric", "Readings", "suppressed"]

P = ParamSpec("P")

log = structlog.get_logger("monitor.meters")


@dataclass(slots=True)
class _Buckets:
    """Counts of values by bucket."""

    counts: list[int]
    total: float = 0.0


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Counting must cost nobody an article: what it raises is a bug, and logged as one."""

    @functools.wraps(count)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception:
            log.exception("not counted")

    return counted


@dataclass(slots=True, kw_only=True)
class Meters:
    """A ports.Meter, and what it shows. It belongs to the event loop; `text` may run beside it."""

    clock: Clock
    _counts: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=lambda: defaultdict(float))
    _buckets: dict[tuple[str, tuple[str, ...]], _Buckets] = field(default_factory=dict)
    _known: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _visits: dict[str, Visit] = field(default_factory=dict)
    _entries: dict[str, int] = field(default_factory=dict)

    # Counting

    @_harmless
    def known(self, visits: Iterable[Visit]) -> None:
        """What was known of the sources before: they have figures from the start."""
        for visit in visits:
            self._keep(visit)

    @_harmless
    def visited(self, visit: Visit) -> None:
        """A source was visited."""
        self._keep(visit)
        self._count("monitor_source_visits_total", visit.source, visit.trouble or "ok")
        if visit.articles:
            self._entries[visit.source] = visit.articles

    @_harmless
    def examined(
        self, plan: Plan, asked: Collection[str], matches: Sequence[Match], *, seen: datetime | None = None, late: bool = False
    ) -> None:
        """An article was examined and recorded: the rules that were asked, what they matched, and when it was fetched.

        `late`: it is backlog.
        """
        for rule in asked:
            self._count("monitor_rule_examined_total", rule)
        if _is_new(plan):
            self._count("monitor_source_articles_total", plan.article.source)
        for match in matches:
            self._count("monitor_rule_matched_total", match.rule)
            if reason := suppressed(match.rule, plan):
                self._count("monitor_rule_suppressed_total", match.rule, reason)
        for alert in plan.alerts:
            if alert.held is None:
                self._count("monitor_alerts_raised_total", alert.rule, alert.kind)
        self._time(plan, seen or plan.first_seen, asked, late=late)

    @_harmless
    def attempted(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """A delivery was tried, and its outcome is settled."""
        sink = delivery.sink
        if attempt.trouble is not None:
            reason = attempt.trouble if attempt.trouble in TROUBLES else OTHER
            self._count("monitor_delivery_failures_total", sink, reason)
        match outcome:
            case Sent(at):
                self._count("monitor_deliveries_sent_total", sink)
                self._observe("monitor_matched_to_delivered_seconds", at - (delivery.since or delivery.due), sink)
            case GaveUp():
                self._count("monitor_deliveries_given_up_total", sink)
            case _:
                pass

    def _time(self, plan: Plan, seen: datetime, asked: Collection[str], *, late: bool) -> None:
        """An edit was published long ago, and a date that nobody stated is that of the first sight: neither says how long it took."""
        article = plan.article
        if _is_new(plan) and article.published and article.dating == "stated" and not late:
            self._observe("monitor_published_to_seen_seconds", seen - article.published)
        if asked:
            self._observe("monitor_seen_to_matched_seconds", plan.at - seen)

    def _keep(self, visit: Visit) -> None:
        self._visits[visit.source] = visit

    def _count(self, name: str, *values: str) -> None:
        self._counts[name, self._bounded(name, values)] += 1

    def _observe(self, name: str, span: timedelta, *values: str) -> None:
        key, bounds = (name, self._bounded(name, values)), METRICS[name].bounds
        buckets = self._buckets.setdefault(key, _Buckets([0] * (len(bounds) + 1)))
        seconds = max(0.0, span.total_seconds())
        buckets.counts[bisect_left(bounds, seconds)] += 1
        buckets.total += seconds

    def _bounded(self, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """The first label is an id, the others are words of ours."""
        if not values:
            return ()
        known = self._known[METRICS[name].labels[0]]
        if values[0] not in known:
            if len(known) >= MOST:
                return (OTHER, *values[1:])
            known.add(values[0])
        return values

    # Showing

    def failing(self) -> list[str]:
        """The sources that do not answer well, by id."""
        return sorted(source for source, visit in self._visits.items() if visit.failures)

    def text(self, readings: Readings) -> tuple[bytes, str]:
        """All figures as Prometheus reads them, and the content type."""
        now = self.clock()
        buckets = {key: (one.counts[:], one.total) for key, one in self._buckets.copy().items()}
        gauges = (*of_sources(self._visits.copy(), self._entries.copy(), now), *of_monitor(readings, now))
        return text(self._counts.copy(), buckets, gauges, readings)


# What was made of a match


def suppressed(rule: str, plan: Plan) -> str | None:
    """Why nobody was told at once that the rule matched: a word of SUPPRESSED. None: somebody was."""
    alert = next((one for one in plan.alerts if one.rule == rule), None)
    if alert is None:
        said = [one for one in plan.reports if one.rule == rule]
        return "copy" if said and all(map(_is_copy, said)) else "repeated"
    return _held(alert.held) if alert.held is not None else _untold(alert, plan)


def _is_copy(report: Report) -> bool:
    return report.copy


def _held(held: str) -> str:
    if held in ("draft", "backlog"):
        return held
    return "silenced" if held.startswith("silenced") else "waiting"


def _untold(alert: Alert, plan: Plan) -> str | None:
    deliveries = [one for one in plan.deliveries if one.alert == alert.id]
    if not deliveries:
        return "unwanted"
    return "gathered" if all(one.digest for one in deliveries) else None


def _is_new(plan: Plan) -> bool:
    """It was never seen before: not an edit, not one whose page came later."""
    return plan.first_seen == plan.at
