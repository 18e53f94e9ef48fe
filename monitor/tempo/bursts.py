"""`frequency` and `spike`: so many articles within a time; so many more than is usual.

What is counted: each article once, copies not at all, at the time when it was published (where that is not known, when it was
examined). So a slow feed, or our own outage, makes no burst of what came out hours apart. An article that was a day old when it
was seen does not count, as it raises no alarm by itself: a new feed's backlog is no burst.

When it is told: at the article with which the condition holds, if it did not hold for as long as `within` before. While it keeps
holding, or flickers, nobody is told again; once it has ceased for a whole `within`, it is a new burst. The windows are half-open:
what came exactly `within` ago is out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from monitor.tempo.stage import HELD, OPEN, Stage
from monitor.tempo.words import figure, length, nth, rate, short

if TYPE_CHECKING:
    from monitor.model import Report
    from rules.rule import Frequency, Spike

LATE = timedelta(days=1)
"""An article that was older when it was examined does not count (`policy.is_old` has the same measure)."""

YOUNG = 3
"""Windows that a rule must have been watched for, beside the present one, before anything is compared with what is usual."""

_Key = tuple[str, ...]
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class _Moment:
    """How many came in the window that ends at `end`, and how many in the baseline before that window."""

    end: datetime
    count: int
    base: int = 0


_Hot = Callable[[_Moment], bool]


def frequency(asked: Frequency, earlier: Sequence[Report], fresh: Sequence[Report]) -> Stage:
    """Whether so many articles, of one value of each of `per`, came within the time. An article without such a value counts for none."""
    stages = [_frequent(asked, key, earlier, fresh) for key in sorted({_key(one, asked.per) for one in fresh})]
    return max(stages, key=lambda one: (one.now - one.before, one.now), default=_held("no article"))


def spike(asked: Spike, earlier: Sequence[Report], fresh: Sequence[Report], started: datetime | None) -> Stage:
    """Whether so many times as many came within the time as come on average in as long a time of the baseline.

    `started`: since when the rule's articles are watched; it takes YOUNG windows until anything is told, and until the baseline is
    full the mean is that of the time watched. None: for longer than the baseline. Where nothing came in the baseline, `at_least`
    decides.
    """
    burst = _Burst.of(earlier, fresh, asked.within)
    if burst is None:
        return _held(_uncounted(fresh))
    since = min(started, *burst.before[:1]) if started and burst.before else started

    def lasting(end: datetime) -> timedelta:
        return asked.against if since is None else min(asked.against, end - asked.within - since)

    def hot(one: _Moment) -> bool:
        known = lasting(one.end)
        enough = one.count >= asked.at_least and known >= min(YOUNG * asked.within, asked.against)
        return enough and one.count >= asked.times * _usual(one, asked, known)

    best, stage = burst.judged(hot, asked.against)
    return Stage(before=stage.before, now=stage.now, why=_spiked(asked, best, lasting(best.end), stage))


# Counting


@dataclass(frozen=True, slots=True)
class _Burst:
    """When articles came before this one, and with it; `when` is this one's time."""

    before: list[datetime]
    after: list[datetime]
    when: datetime
    within: timedelta

    @classmethod
    def of(cls, earlier: Sequence[Report], fresh: Sequence[Report], within: timedelta) -> _Burst | None:
        """None where the article counts for nothing."""
        counted = [one for one in fresh if _counts(one)]
        if not counted:
            return None
        before, after = _times(earlier), _times(chain(earlier, counted))
        return cls(sorted(before.values()), sorted(after.values()), after[counted[0].article], within)

    def judged(self, hot: _Hot, against: timedelta = _NONE) -> tuple[_Moment, Stage]:
        """The fullest window that the article is in, and whether it was a burst before the article came, and is one with it."""
        when, within = self.when, self.within
        near = _moments(self.before, within, against, since=when - within, until=when + 2 * within)
        before = any(hot(one) for one in near if one.end > when - within)
        mine = list(_moments(self.after, within, against, since=when, until=when + within))
        now = before or any(hot(one) for one in mine)
        best = max(mine, key=lambda one: (hot(one), one.count))
        return best, Stage(before=OPEN if before else HELD, now=OPEN if now else HELD, why="")


def _moments(
    times: Sequence[datetime], within: timedelta, against: timedelta, *, since: datetime, until: datetime
) -> Iterator[_Moment]:
    """The window that ends at each of the times from `since` to before `until`; the times are in order, and it is one walk over them."""
    start = bisect_left(times, since)
    oldest = first = bisect_left(times, since - within - against, hi=start)
    last = start
    for end in times[start : bisect_left(times, until)]:
        while last < len(times) and times[last] <= end:
            last += 1
        while times[first] <= end - within:
            first += 1
        while times[oldest] <= end - within - against:
            oldest += 1
        yield _Moment(end, last - first, first - oldest)


def _times(reports: Iterable[Report]) -> dict[str, datetime]:
    """When each article came that counts; one that was edited, when it came first."""
    times: dict[str, datetime] = {}
    for one in reports:
        if _counts(one):
            times[one.article] = min(_when(one), times.get(one.article, one.at))
    return times


def _counts(one: Report) -> bool:
    return not one.copy and one.change != "retracted" and one.at - _when(one) <= LATE


def _when(one: Report) -> datetime:
    return min(one.published or one.at, one.at)


def _key(one: Report, per: Sequence[str]) -> _Key:
    """Its values of `per`, empty where it has none."""
    return tuple(" ".join((one.values.get(name) or "").casefold().split()) for name in per)


def _frequent(asked: Frequency, key: _Key, earlier: Sequence[Report], fresh: Sequence[Report]) -> Stage:
    missing = [name for name, value in zip(asked.per, key, strict=True) if not value]
    if missing:
        return _held(f"its {missing[0].replace('_', ' ')} is not known, and counted is by that")
    mine = [one for one in fresh if _key(one, asked.per) == key]
    burst = _Burst.of([one for one in earlier if _key(one, asked.per) == key], mine, asked.within)
    if burst is None:
        return _held(_uncounted(mine))
    best, stage = burst.judged(lambda one: one.count >= asked.at_least)
    return Stage(before=stage.before, now=stage.now, why=_counted(asked, best, mine[0], stage))


def _usual(one: _Moment, asked: Spike, known: timedelta) -> float:
    return one.base * (asked.within / known)


# In words


def _held(why: str) -> Stage:
    return Stage(before=HELD, now=HELD, why=why)


def _uncounted(fresh: Sequence[Report]) -> str:
    if all(one.copy for one in fresh):
        return "a copy does not count"
    if all(one.copy or one.change == "retracted" for one in fresh):
        return "an article that no longer says it does not count"
    return "an article that was a day old when it was seen does not count"


def _counted(asked: Frequency, best: _Moment, one: Report, stage: Stage) -> str:
    of = "".join(f", {name.replace('_', ' ')} {short(one.values.get(name) or '')}" for name in asked.per)
    if stage.before:
        return f"{best.count} within {length(asked.within)}{of}: the same burst, which had reached {asked.at_least} before"
    return f"the {nth(best.count)} of {asked.at_least} within {length(asked.within)}{of}"


def _spiked(asked: Spike, best: _Moment, known: timedelta, stage: Stage) -> str:
    if known < min(YOUNG * asked.within, asked.against):
        return "what is usual is not known yet: the rule is too young"
    usual = _usual(best, asked, known)
    if not best.base:
        said = f"{best.count} within {length(asked.within)}, where there were none in {length(asked.against)}"
    else:
        said = f"{figure(best.count / usual)} times the usual {figure(usual)} {rate(asked.within)}"
    if stage.before:
        return f"{said}: the same spike as before"
    if stage.now:
        return said
    few = best.count < asked.at_least
    return f"{said}; it takes {f'{asked.at_least} articles' if few else f'{asked.times:g} times'}"
