"""How many alerts an event raises, and how many events raise none, by how alike articles have to be: the curves behind `once`.

    python benchmarks/events.py ../shared/corpus/clusters.jsonl             # dated sets, and ecb+ as a curve of its own
    ... --plot docs/events.svg                                              # draws them, too
    ... --inferred                                                          # with articles that have their date from their cluster

Articles of the dated sets go through `policy.plan` in the order of their dates, under a rule that every article matches; an event is
a cluster of the corpus. Alerts per event is the mean over all events, swallowed are those none of whose articles raised an alert. Beside it, in
the same run, TF-IDF cosine over whole texts: incremental (an article is weighted by those before it), the same time window, compared
with the article that opened the event. ecb+ is mostly undated, so all of it is taken for one day: look-alike events, side by side.

1,928 articles of 948 events have dates of their own (doing nothing: 2.03 alerts an event). Alerts an event, and events swallowed:

    alike     0.26         0.30         0.31         0.32         0.34         0.42         where 2 % are swallowed
    monitor   1.15, 4.0 %  1.24, 2.0 %  1.27, 1.9 %  1.29, 1.7 %  1.36, 1.6 %  1.60, 0.3 %  1.24
    TF-IDF    1.14, 6.1 %  1.26, 3.8 %                            1.39, 1.8 %  1.62, 0.2 %  1.37
    ecb+: monitor 1.99 where 2 % are swallowed, TF-IDF 3.10 (420 articles of 36 events, all of one day)

So 0.31 is what a rule asks for that says nothing (`identity.kinship.ABOUT`). With --inferred (2,844 articles, three an event; doing
nothing: 3.00) the monitor stands at 1.35 with 2.7 % swallowed and 1.54 with 1.4 %, TF-IDF at 1.47 with 3.4 % and 1.70 with 1.5 %.
On the dated sets the gain is the fading of what was not heard of for days: without it the monitor stands at about 1.35, and TF-IDF
given the same fading at 1.25, too. What a profile saves there is the store of document frequencies. The bar was chosen on these very
articles. A comparison takes 5 µs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus import article, rows_of
from events_plot import drawn
from events_tfidf import TfIdf

import rules
from monitor import identity, policy
from monitor.identity import kinship
from monitor.model import Event, Fresh, Ledger
from rules import Article, Once

EVERYTHING = b"rules:\n  - id: all\n    title: Everything\n    when: {any: ['/\\w+/']}\n"
SOME_DAY = datetime(2020, 1, 1, tzinfo=UTC)
BARS = [at / 100 for at in range(14, 64, 4)]
GOAL = 0.02

Alerted = Callable[[Sequence[Article], float], list[str]]
"""The ids of the articles that raise an alert, where likeness has to be so much."""


@dataclass(frozen=True, slots=True)
class Point:
    """What comes of a bar: mean alerts an event, and the share of events that raise none."""

    bar: float
    alerts: float
    swallowed: float


def main() -> int:
    """Prints, and draws where asked, the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clusters", type=Path)
    parser.add_argument("--inferred", action="store_true", help="take in articles that have their date from their cluster")
    parser.add_argument("--plot", type=Path, help="an SVG file to draw the curves into")
    given = parser.parse_args()
    rows = [{"source": "", **row} for row in rows_of(given.clusters)]
    curves = {}
    for name, (articles, clusters) in _sets(rows, inferred=given.inferred).items():
        print(f"{name}: {len(articles)} articles of {len(set(clusters.values()))} events")
        for how, alerted in (("monitor", _ours), ("TF-IDF", TfIdf(articles).alerted)):
            curves[f"{name}: {how}"] = _curve(f"{name}: {how}", alerted, articles, clusters)
    print(f"likeness of two profiles: {_micros(rows):.1f} µs")
    if given.plot:
        given.plot.write_text(drawn({name: [(p.swallowed, p.alerts) for p in curve] for name, curve in curves.items()}), "utf-8")
    return 0


def _sets(rows: list[dict[str, Any]], *, inferred: bool) -> dict[str, tuple[list[Article], dict[str, str]]]:
    dated = [row for row in rows if row["dataset"] != "ecb+" and (inferred or not row.get("published_from_cluster"))]
    articles = sorted(filter(lambda one: one.published, map(article, dated)), key=lambda one: str(one.published))
    alikes = [replace(article(row), published=SOME_DAY) for row in rows if row["dataset"] == "ecb+"]
    of = {row["id"]: row["cluster_id"] for row in rows}
    return {name: (some, {one.id: of[one.id] for one in some}) for name, some in (("dated", articles), ("ecb+", alikes))}


def _curve(name: str, alerted: Alerted, articles: Sequence[Article], clusters: dict[str, str]) -> list[Point]:
    events = len(set(clusters.values()))
    points = []
    for bar in BARS:
        told = [clusters[one] for one in alerted(articles, bar)]
        points.append(Point(bar, len(told) / events, 1 - len(set(told)) / events))
    for point in points:
        print(f"  {name} alike {point.bar:.2f}: {point.alerts:.2f} alerts an event, {point.swallowed:.1%} swallowed")
    print(f"{name}: {_at_goal(points)} alerts an event where {GOAL:.0%} are swallowed", flush=True)
    return points


def _at_goal(points: Sequence[Point]) -> str:
    """Alerts an event where as many are swallowed as may be, between the two nearest points."""
    for low, high in zip(points[1:], points, strict=False):
        if low.swallowed <= GOAL <= high.swallowed:
            part = (GOAL - low.swallowed) / ((high.swallowed - low.swallowed) or 1)
            return f"{low.alerts + part * (high.alerts - low.alerts):.3f}"
    return "no"


# Ours


def _ours(articles: Sequence[Article], bar: float) -> list[str]:
    """Plans article after article; the ledger is what a store would hand out."""
    rule = replace(_RULESET.rules[0], once=Once(alike=bar))
    open_events: dict[str, Event] = {}
    told = []
    for one in articles:
        at = one.published or SOME_DAY
        open_events = {id: event for id, event in open_events.items() if at - event.seen <= policy.REPRINTS}
        matches = _matches(one)
        plan = policy.plan(
            Fresh(article=one), one, matches, rules={"all": rule}, ledger=Ledger(events=tuple(open_events.values())), at=at
        )
        open_events |= {event.id: event for event in plan.events}
        told += [alert.article.id for alert in plan.alerts]
    return told


_RULESET = rules.load({"rules.yaml": EVERYTHING}, "rules.yaml")
_MATCHED: dict[str, tuple[rules.Match, ...]] = {}


def _matches(one: Article) -> tuple[rules.Match, ...]:
    """Its best finding: for this rule, the headline."""
    if one.id not in _MATCHED:
        _MATCHED[one.id] = tuple(replace(match, findings=match.findings[:1]) for match in _RULESET.match(one))
    return _MATCHED[one.id]


# Speed


def _micros(rows: list[dict[str, Any]]) -> float:
    """What one comparison of a finding with an open event takes."""
    some = [article(row) for row in rows[:200]]
    once = Once()
    views = [_view(one) for one in some]
    began = time.perf_counter()
    for mine in views:
        for other in views:
            kinship.kinship(once, mine, other)
    return (time.perf_counter() - began) / len(views) ** 2 * 1e6


def _view(one: Article) -> kinship.View:
    finding = _matches(one)[0].findings[0]
    return kinship.View({}, finding.text, identity.profile(one, finding))


if __name__ == "__main__":
    sys.exit(main())
