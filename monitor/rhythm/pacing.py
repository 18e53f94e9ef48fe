"""How often a source is asked, learnt from when its articles came.

The interval grows with the square root of the mean gap between the latest articles: 5 min for one every 20 min, 15 min for one in
3 h, 42 min for one a day. That is how a given number of requests buys the shortest mean delay where articles come at random
(Cho and Garcia-Molina, "Effective page refresh policies for web crawlers", 2003), and so it measures: `benchmarks/rhythm.py`,
19 streams with the dates of real feeds and of made ones, an article's mean delay from published to seen, and nine of ten within:

    policy                     requests a day   mean    p90
    ×0.5 at news, ×1.5 at none             25    26      82
    half the median gap                    55    10      18
    an eighth of the mean gap              77   5.5      11
    the square root (this)                 92   4.1     8.3
    every 15 min                           96   7.5    13.5
    the square root, by hour of the day    92   3.7     7.1

Half as late as every quarter of an hour for no more requests, and the slow sources are asked less: one a day 34 times instead of
96. How many of the latest articles count (3 to 20) hardly matters; knowing the hours of the day wins a tenth of the delay, which
is not worth what it takes to explain it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

FIRST = timedelta(minutes=15)
"""The interval of a source of which too little is known."""

QUICKEST = timedelta(minutes=5)
SLOWEST = timedelta(hours=6)
"""No learnt interval is longer, and no pause after failures, but for a source that is asked more rarely anyway."""

DAY = timedelta(days=1)

FEW = 5
"""Articles without which there is no rhythm to speak of."""

_BUSY = timedelta(minutes=20)  # the mean gap of a source that is asked as often as we ask
_LATELY = 8  # articles: few enough that one that wakes up is asked often within a morning
_KEPT = 20
_FADING = timedelta(days=28)


def pace(arrivals: Sequence[datetime], pause: timedelta | None, since: datetime, now: datetime) -> timedelta:
    """The interval that suits a source with these latest articles; `since` is when we met it.

    One that is silent for more than twice its longest pause (two days at least) is asked ever more rarely.
    """
    lately = arrivals[-_LATELY:] or (since,)
    gap = max(now - lately[0], timedelta(0)) / len(lately)
    overdue = (now - lately[-1]) / (2 * max(pause or DAY, DAY))
    interval = QUICKEST * math.sqrt(gap / _BUSY) * max(overdue, 1)
    return max(QUICKEST if len(arrivals) >= FEW else FIRST, min(interval, SLOWEST))


def arrived(known: Sequence[datetime], news: Iterable[datetime], now: datetime) -> tuple[datetime, ...]:
    """The latest arrivals, in order. What came at one moment is one arrival; nothing comes from the future."""
    return tuple(sorted({*known, *(min(one, now) for one in news)}))[-_KEPT:]


def longest_pause(before: timedelta | None, known: Sequence[datetime], arrivals: Sequence[datetime]) -> timedelta | None:
    """The longest gap between articles of late, 28 days at most; one of four weeks ago counts for half."""
    for earlier, later in pairwise([*known[-1:], *(one for one in arrivals if not known or one > known[-1])]):
        gap = later - earlier
        faded = (before or gap) * 0.5 ** (gap / _FADING)
        before = min(max(gap, faded), _FADING)
    return before


def wobble(source: str) -> float:
    """0.95 to 1.05, always the same for a source: sources added together drift apart."""
    return 0.95 + 0.1 * share(source)


def share(source: str) -> float:
    """0 to 1, always the same for a source, evenly over many."""
    return zlib.crc32(source.encode("utf-8", "surrogatepass")) / 0xFFFFFFFF
