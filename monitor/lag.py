"""How late the event loop is: a timer that should fire every tenth of a second, and by how much it fires late.

A late loop is late for everything: answers that are here already, deadlines, signals. What it was late by is counted in buckets, so
that a month costs no more memory than a minute.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

EVERY = 0.1
"""Seconds between samples."""

BOUNDS = tuple(round(0.001 * 1.25**n, 6) for n in range(50))
"""Upper bounds of the buckets in seconds: 1 ms to about a minute, each a quarter more than the one before."""

_MOST = 1_000  # missed samples that one standstill counts for


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What was measured, in seconds. A percentile is the upper bound of its bucket, so at most a quarter too high."""

    samples: int = 0
    p50: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


@dataclass(slots=True)
class Histogram:
    """Counts of values by bucket; nothing grows."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    longest: float = 0.0
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def summary(self) -> Lateness:
        """What was counted so far."""
        return Lateness(samples=sum(self.counts), p50=self.share(0.5), p99=self.share(0.99), longest=self.longest)

    def coarse(self, step: int) -> tuple[list[float], list[int], float]:
        """The upper bounds of every so many buckets together, the counts (the last: beyond all bounds), and the sum of the values."""
        edges = range(step - 1, len(BOUNDS), step)
        counts = [sum(self.counts[edge + 1 - step : edge + 1]) for edge in edges]
        return [BOUNDS[edge] for edge in edges], [*counts, sum(self.counts) - sum(counts)], self.total

    def share(self, part: float) -> float:
        """A value that `part` of all values do not exceed."""
        wanted = part * sum(self.counts)
        reached = next((at for at, count in enumerate(accumulate(self.counts)) if count and count >= wanted), 0)
        return min(BOUNDS[reached] if reached < len(BOUNDS) else self.longest, self.longest)


@dataclass(slots=True)
class Lag:
    """Samples the running loop between `start` and `stop`; `take` says what it found and begins anew, `ever` has all of it."""

    every: float = EVERY
    ever: Histogram = field(default_factory=Histogram)
    _found: Histogram = field(default_factory=Histogram)
    _due: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Starts sampling. Needs the running loop."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self.every
        self._timer = loop.call_at(self._due, self._sample, loop)

    def _sample(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = max(0.0, now - self._due)
        # While the loop stood still, samples that were due later were missed, too: leaving them out would flatter it.
        for missed in range(min(int(late / self.every), _MOST) + 1):
            self._found.add(late - missed * self.every)
            self.ever.add(late - missed * self.every)
        self._due = now + self.every
        self._timer = loop.call_at(self._due, self._sample, loop)

    def take(self) -> Lateness:
        """The lateness since the last time this was asked."""
        found, self._found = self._found, Histogram()
        return found.summary()

    def stop(self) -> None:
        """Stops sampling."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
