"""Figures in the words of prometheus-client: those that were counted, and those that are read when somebody asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from monitor.meters.table import METRICS, Metric
from monitor.model import Backlog, Breaker, Visit

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

MOST = 1_000
"""Ids of one kind that are told apart."""
OTHER = "other"
STATES = ("closed", "open", "disabled")

Key = tuple[str, tuple[str, ...]]
"""A metric, and the values of its labels."""
Figure = tuple[Key, float]
Span = tuple[Sequence[int], float]
"""Counts by bucket, and the sum of what was counted."""

_LAG = "monitor_loop_lag_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What is read when somebody asks. `lag` has counts by bucket, as lag.Histogram has them, and their sum; None: not known."""

    backlogs: Sequence[Backlog] = ()
    breakers: Sequence[Breaker] = ()
    receivers: Collection[str] = ()
    """All that there are: one that was never told anything has figures, too."""
    store_answers: bool = True
    store_bytes: int | None = None
    lag: tuple[Sequence[float], Sequence[int], float] | None = None
    ticks: int = 0
    tick_age: float | None = None
    uptime: float = 0.0
    build: tuple[str, str] = ("", "")
    rules: int = 0
    rules_version: str = ""
    stale: bool = False


def text(
    counts: Mapping[Key, float], spans: Mapping[Key, Span], gauges: Iterable[Figure], readings: Readings
) -> tuple[bytes, str]:
    """All figures as Prometheus reads them, and the content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(list(_families(counts, spans, gauges, readings))))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def _families(
    counts: Mapping[Key, float], spans: Mapping[Key, Span], gauges: Iterable[Figure], readings: Readings
) -> Iterator[Family]:
    plain = _by_name({**counts, ("monitor_ticks_total", ()): readings.ticks, **dict(gauges)})
    bounds, *lag = readings.lag or ((), (), 0.0)
    spread = _by_name(spans) | ({_LAG: {(): tuple(lag)}} if readings.lag else {})
    for name, one in METRICS.items():
        if one.kind == "histogram":
            yield _histogram(one, bounds if name == _LAG else one.bounds, spread.get(name, {}))
        else:
            yield _plain(one, plain.get(name, {}))


# Figures that are made when they are shown


def of_monitor(readings: Readings, now: datetime) -> Iterator[Figure]:
    """What is read when somebody asks."""
    yield ("monitor_store_answers", ()), float(readings.store_answers)
    if readings.store_answers:
        yield from _of_receivers(readings, now)
    if readings.store_bytes is not None:
        yield ("monitor_store_bytes", ()), readings.store_bytes
    if readings.tick_age is not None:
        yield ("monitor_tick_age_seconds", ()), readings.tick_age
    yield ("monitor_uptime_seconds", ()), readings.uptime
    yield ("monitor_build_info", readings.build), 1
    yield ("monitor_rules_info", (readings.rules_version,)), 1
    yield ("monitor_rules", ()), readings.rules
    yield ("monitor_rules_stale", ()), float(readings.stale)


def of_sources(visits: Mapping[str, Visit], entries: Mapping[str, int], now: datetime) -> Iterator[Figure]:
    """How each source is, by its last visit; of those too many to tell apart, how the worst is."""
    for place, (source, visit) in enumerate(visits.items()):
        if place == MOST:
            break
        if source in entries:
            yield ("monitor_source_entries", (source,)), entries[source]
        for name, age in _ages(visit, now):
            yield (name, (source,)), age
    rest = [_ages(visit, now) for visit in islice(visits.values(), MOST, None)]
    for ages in zip(*rest, strict=True):
        yield (ages[0][0], (OTHER,)), max(age for _, age in ages)


def _ages(visit: Visit, now: datetime) -> tuple[tuple[str, float], ...]:
    since = visit.answered or visit.since or visit.at
    return (
        ("monitor_source_answered_age_seconds", _seconds(now - since)),
        ("monitor_source_overdue_seconds", _seconds(now - visit.due)),
    )


def _of_receivers(readings: Readings, now: datetime) -> Iterator[Figure]:
    ids = list(dict.fromkeys((*readings.receivers, *(one.sink for one in readings.backlogs))))[:MOST]
    backlogs = {one.sink: one for one in readings.backlogs}
    states = {one.sink: one.state for one in readings.breakers}
    for sink in ids:
        one = backlogs.get(sink) or Backlog(sink=sink)
        yield ("monitor_deliveries_waiting", (sink,)), one.waiting
        yield ("monitor_deliveries_gathered", (sink,)), one.collected
        yield ("monitor_deliveries_dead", (sink,)), one.dead
        yield ("monitor_deliveries_oldest_waiting_seconds", (sink,)), _seconds(now - one.oldest) if one.oldest else 0
        for word in STATES:
            yield ("monitor_receiver_state", (sink, word)), float(word == states.get(sink, "closed"))


def _seconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds())


# In the library's words


class _Shown:
    """A collector of what was made before, on the loop's thread."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families


def _by_name(given: Mapping[tuple[str, tuple[str, ...]], Any]) -> dict[str, dict[tuple[str, ...], Any]]:
    found: dict[str, dict[tuple[str, ...], Any]] = {}
    for (name, values), value in given.items():
        found.setdefault(name, {})[values] = value
    return found


def _plain(metric: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(metric.name, metric.help, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(_clean(labels), value)
    return family


def _histogram(metric: Metric, bounds: Sequence[float], values: Mapping[tuple[str, ...], Span]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    names = [*(f"{bound:.10g}" for bound in bounds), "+Inf"]
    for labels, (counts, total) in values.items():
        family.add_metric(_clean(labels), list(zip(names, accumulate(counts), strict=True)), total)
    return family


def _clean(labels: Iterable[str]) -> list[str]:
    """The library escapes what is special to the format; what is no Unicode at all it cannot write."""
    return [one.encode("utf-8", "backslashreplace").decode() for one in labels]
