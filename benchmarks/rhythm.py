"""How soon an article is seen for how many requests, and how often a silence alarm cries wolf, by policy.

python benchmarks/rhythm.py [../shared/corpus] [--streams]

Polls streams of dated articles in simulated time: the dates of real feeds and their sections (`rss_items.jsonl`, from the day on which
they were collected whole; what the collector missed is cut out) and of a live blog (`headlines.jsonl`), where the corpus is there, and made
ones beside them: a wire, a ministry in office hours, a daily, a weekly, a blog. `this` is the code that we ship, the others are what it
was chosen from. Each stream counts the same, whatever its length; an article's delay is counted at its stream's articles a day.
`clusters.jsonl` and TASS have days without hours and tell nothing here.
"""

from __future__ import annotations

import argparse
import math
import random
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from corpus import rows_of

from monitor import rhythm
from monitor.model import Fetched, Visit

Stream = list[datetime]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
WHOLE = datetime(2022, 2, 10, tzinfo=UTC)  # from here on, the feeds were collected whole
HOLE = 20 * HOUR  # no pause of CNN's, but of its collector
KNOWN = 20  # articles that a feed shows when it is met


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?", default=Path("../shared/corpus"))
    parser.add_argument("--streams", action="store_true", help="also print each stream under the policy that we ship")
    given = parser.parse_args()
    streams = real(given.corpus) | made()
    print(f"{len(streams)} streams, {sum(map(len, streams.values()))} articles")
    delays(streams)
    if given.streams:
        each(streams)
    alarms(streams)
    ends()
    return 0


# Streams


def real(corpus: Path) -> dict[str, Stream]:
    """What the corpus has: two papers, their sections, a live blog."""
    if not corpus.exists():
        print(f"{corpus} is not there: made streams only")
        return {}
    found: dict[str, Stream] = defaultdict(list)
    for row in rows_of(corpus / "rss_items.jsonl"):
        published = datetime.fromisoformat(row["published"])
        if published >= WHOLE and row["source"] != "The Guardian":  # of which hardly more than a day was collected
            found[row["source"]].append(published)
            found[f"{row['source']}/{_section(row['url'])}"].append(published)
    holes = [(a, b) for a, b in pairwise(sorted(found["CNN"])) if b - a > HOLE]
    found = {name: [_closed(at, holes) if name.startswith("CNN") else at for at in sorted(when)] for name, when in found.items()}
    for row in rows_of(corpus / "headlines.jsonl"):
        if row["source"] == "CNN live blog" and "2023-06" <= row["first_seen"][:7] <= "2023-08":
            found.setdefault("live blog", []).append(datetime.fromisoformat(row["first_seen"]))
    return {name: sorted(stream) for name, stream in found.items() if len(stream) >= 40}


def _section(url: str) -> str:
    found = re.search(r"/news/([a-z]+)", url) or re.search(r"//[^/]+/(?:\d{4}/\d\d/\d\d/)?([a-z]+)", url)
    return found[1] if found else "?"


def _closed(at: datetime, holes: Sequence[tuple[datetime, datetime]]) -> datetime:
    return at - sum((b - a - HOUR for a, b in holes if b <= at), timedelta(0))


def made() -> dict[str, Stream]:
    """Streams by articles an hour, as a function of the hour of the week; the same at every run."""
    office = {hour for day in range(5) for hour in range(24 * day + 6, 24 * day + 15)}
    return {
        "made: wire": _poisson(lambda hour: 15 if 6 <= hour % 24 < 20 else 4, 14),
        "made: ministry": _poisson(lambda hour: 0.75 if hour in office else 0, 60),
        "made: daily": _poisson(lambda hour: 0.33 if 9 <= hour % 24 < 12 else 0, 120),
        "made: weekly": _poisson(lambda hour: 0.33 if 57 <= hour < 60 else 0, 700),
        "made: blog": _poisson(lambda _: 1 / 48, 400),
    }


def _poisson(rate: Callable[[int], float], days: int) -> Stream:
    chance = random.Random(7)  # noqa: S311 - no secret
    most = max(map(rate, range(168)))
    stream, hours = [], chance.expovariate(most)
    while hours < 24 * days:
        if chance.random() < rate(int(hours) % 168) / most:
            stream.append(START + hours * HOUR)
        hours += chance.expovariate(most)
    return stream


# Delay against requests

Policy = Callable[[Visit, datetime, timedelta, int], timedelta]
"""The next interval, by the visit as we ship it, the time, the interval before, and how much was new."""


def _gaps(visit: Visit) -> list[timedelta]:
    return [b - a for a, b in pairwise(visit.arrivals)] or [DAY]


def _mean(visit: Visit, now: datetime, latest: int = 20) -> timedelta:
    lately = visit.arrivals[-latest:]
    return (now - lately[0]) / len(lately)


def _by_hour(visit: Visit, now: datetime) -> timedelta:
    """The mean gap, as the hours of the day of the latest articles suggest for this one."""
    if now - visit.arrivals[0] < 2 * DAY:
        return _mean(visit, now)
    away = [abs((at.hour + at.minute / 60) - (now.hour + now.minute / 60)) for at in visit.arrivals]
    near = sum(min(one, 24 - one) <= 1.5 for one in away) / len(away) * 8
    return _mean(visit, now) / (0.3 + 0.7 * near)


def _root(gap: timedelta, busy: timedelta = 20 * MINUTE) -> timedelta:
    return 5 * MINUTE * math.sqrt(gap / busy)


POLICIES: dict[str, Policy] = {
    "every 5 min": lambda *_: 5 * MINUTE,
    "every 15 min": lambda *_: 15 * MINUTE,
    "every 30 min": lambda *_: 30 * MINUTE,
    "×0.5 at news, ×1.5 at none": lambda _v, _n, before, news: before * (0.5 if news else 1.5),
    "median gap / 2": lambda visit, *_: median(_gaps(visit)) / 2,  # type: ignore[type-var]
    "median gap / 4": lambda visit, *_: median(_gaps(visit)) / 4,  # type: ignore[type-var]
    "mean gap / 2": lambda visit, now, *_: _mean(visit, now) / 2,
    "mean gap / 8": lambda visit, now, *_: _mean(visit, now) / 8,
    "cube root of the mean gap": lambda visit, now, *_: 5 * MINUTE * (_mean(visit, now) / (20 * MINUTE)) ** (1 / 3),
    "root, 3 latest": lambda visit, now, *_: _root(_mean(visit, now, 3)),
    "root, 20 latest": lambda visit, now, *_: _root(_mean(visit, now)),
    "root × 1.5": lambda visit, now, *_: 1.5 * _root(_mean(visit, now, 8)),
    "root × 2": lambda visit, now, *_: 2 * _root(_mean(visit, now, 8)),
    "root by the hour of the day": lambda visit, now, *_: _root(_by_hour(visit, now)),
    "this": lambda visit, *_: visit.due - visit.at,
}


@dataclass(frozen=True, slots=True)
class Polled:
    """What polling one stream came to: delays in minutes, requests a day, and how many days it took."""

    delays: list[float]
    requests: float
    days: float


def polled(stream: Stream, policy: Policy) -> Polled:
    """Polls a stream from the time on at which a third of it, or 20 articles, are there."""
    at = min(KNOWN, len(stream) // 3)
    now = begin = stream[at - 1] + MINUTE
    visit = rhythm.answered(None, Fetched(), "stream", now, news=stream[:at], every=None)
    interval, requests, delays = 15 * MINUTE, 0, []
    while now < stream[-1]:
        now, requests = now + interval, requests + 1
        after = bisect_right(stream, now, at)
        news = stream[at:after]
        visit = rhythm.answered(visit, Fetched(), "stream", now, news=news, every=None)
        interval = max(4.7 * MINUTE, min(policy(visit, now, interval, len(news)), 6.4 * HOUR))
        delays += [(now - one) / MINUTE for one in news]
        at = after
    days = (now - begin) / DAY
    return Polled(delays, requests / days, days)


def delays(streams: dict[str, Stream]) -> None:
    """Prints, by policy, requests a day and source, and the delay of an article and of a source's mean article."""
    rows = []
    for name, policy in POLICIES.items():
        found = [polled(stream, policy) for stream in streams.values()]
        weighed = sorted((delay, 1 / one.days) for one in found for delay in one.delays)
        by_source = mean(mean(one.delays) for one in found)
        rows.append((mean(one.requests for one in found), name, _weighed_mean(weighed), _weighed_p90(weighed), by_source))
    print(f"\n{'policy':28} {'requests/day':>12} {'article mean':>13} {'p90':>7} {'source mean':>12}   minutes")
    for requests, name, middle, high, source in sorted(rows):
        print(f"{name:28} {requests:12.1f} {middle:13.1f} {high:7.1f} {source:12.1f}")


def _weighed_mean(weighed: Sequence[tuple[float, float]]) -> float:
    return sum(value * weight for value, weight in weighed) / sum(weight for _, weight in weighed)


def _weighed_p90(weighed: Sequence[tuple[float, float]]) -> float:
    left = 0.9 * sum(weight for _, weight in weighed)
    for value, weight in weighed:
        left -= weight
        if left <= 0:
            return value
    return weighed[-1][0]


def each(streams: dict[str, Stream]) -> None:
    """Prints every stream under the policy that we ship."""
    print(f"\n{'stream':22} {'articles/day':>12} {'requests/day':>12} {'mean':>7} {'p90':>7}   minutes")
    for name, stream in streams.items():
        one = polled(stream, POLICIES["this"])
        high = sorted(one.delays)[int(0.9 * len(one.delays))]
        print(f"{name:22} {len(one.delays) / one.days:12.1f} {one.requests:12.1f} {mean(one.delays):7.1f} {high:7.1f}")


# Silence

Patience = Callable[[Visit], timedelta]


def _young(visit: Visit) -> timedelta:
    return DAY if visit.known and visit.at - visit.known < 7 * DAY else 6 * HOUR


def _shipped(visit: Visit) -> timedelta:
    return rhythm.patience_of(visit) or 365 * DAY


PATIENCE: dict[str, Patience] = {
    "4 × median gap": lambda visit: max(6 * HOUR, 4 * median(_gaps(visit))),  # type: ignore[type-var]
    "4 × mean gap": lambda visit: max(6 * HOUR, 4 * sum(_gaps(visit), timedelta(0)) / len(_gaps(visit))),
    "16 × mean gap": lambda visit: max(6 * HOUR, 16 * sum(_gaps(visit), timedelta(0)) / len(_gaps(visit))),
    "longest pause × 1.5": lambda visit: max(_young(visit), 1.5 * (visit.pause or DAY)),
    "longest pause × 2": lambda visit: max(_young(visit), 2 * (visit.pause or DAY)),
    "longest pause × 3": lambda visit: max(_young(visit), 3 * (visit.pause or DAY)),
    "this (× 2.5)": _shipped,
}


def alarms(streams: dict[str, Stream]) -> None:
    """Prints how often living streams are called silent, and after how many hours they would be, had they died."""
    shown = [name for name in ("made: wire", "BBC News", "live blog", "made: ministry") if name in streams]
    print(f"\n{'silent after':22} {'false/source/week':>18} {'worst':>7}   told after, hours: {', '.join(shown)}")
    for name, patience in PATIENCE.items():
        found = {stream: _alarms(when, patience) for stream, when in streams.items()}
        told = ", ".join(f"{found[stream][1]:.0f}" for stream in shown)
        print(f"{name:22} {mean(one[0] for one in found.values()):18.2f} {max(one[0] for one in found.values()):7.2f}   {told}")


def _alarms(stream: Stream, patience: Patience) -> tuple[float, float]:
    """False alarms a week, and the median patience in hours, seen at every article."""
    at = min(KNOWN, len(stream) // 3)
    visit = rhythm.answered(None, Fetched(), "stream", stream[at - 1], news=stream[:at], every=None)
    false, waits = 0, []
    for now in stream[at:]:
        waits.append(patience(visit))
        false += now - visit.arrivals[-1] > waits[-1]
        visit = rhythm.answered(visit, Fetched(), "stream", now, news=[now], every=None)
    return false / ((stream[-1] - stream[at - 1]) / (7 * DAY)), median(waits) / HOUR


# Dying, and waking up


def ends() -> None:
    """Prints the intervals of a wire that dies, and those of one that wakes up after two months."""
    stream = [START + n * 10 * MINUTE for n in range(300)]
    visit = rhythm.answered(None, Fetched(), "wire", stream[-1], news=stream, every=None)
    shown = {}
    while visit.at < stream[-1] + 60 * DAY:
        visit = rhythm.answered(visit, Fetched(), "wire", visit.due, news=[], every=None)
        shown[(visit.at - stream[-1]) // DAY] = (visit.due - visit.at) / MINUTE
    print(
        "\na wire dies: minutes between visits on day", ", ".join(f"{day}: {shown[day]:.0f}" for day in (0, 1, 3, 7, 14, 30, 59))
    )
    awake, met, delays = visit.at, visit.at, []
    while visit.at < awake + 12 * HOUR:
        now = visit.due
        news = [awake + n * 10 * MINUTE for n in range(100) if met < awake + n * 10 * MINUTE <= now]
        visit, met = rhythm.answered(visit, Fetched(), "wire", now, news=news, every=None), now
        delays.append(f"{(now - awake) / MINUTE:.0f}: {(visit.due - now) / MINUTE:.0f}")
    print("it wakes up: minutes since, and to the next visit:", ", ".join(delays[:6]))


if __name__ == "__main__":
    raise SystemExit(main())
