"""Whether somebody is to be told that a source has fallen silent, or that it is back: once each.

How long is too long, where the operator does not say: two and a half times its longest pause of late, 6 h at least, and a day at
least in its first week, in which its nights are not known yet. `benchmarks/rhythm.py`: that cries wolf once in about 20 weeks a
source; four times the mean gap, which knows no nights, three times in two. One that dies is told of after 6 h (a wire), 18 h (a
daily paper), or 6 days (a ministry that is closed at weekends): whoever cannot wait for so long says `silent_after`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.model import Visit
from monitor.rhythm.pacing import DAY, FEW
from monitor.rhythm.visits import is_gone

_FACTOR = 2.5
_LEAST = timedelta(hours=6)
_STRANGE = timedelta(days=7)  # for so long its habits are not known
_FAILURES = 5  # in a row, over more than an hour
_UNREADABLE = 3  # in a row: it answers, but not with a feed
_HOUR = timedelta(hours=1)


def silence(visit: Visit, now: datetime, *, patience: timedelta | None) -> str | None:
    """ "silent" or "recovered" where somebody is to be told now; None: nobody is.

    `patience`: how long it may bring nothing new; None: as its own rhythm suggests. After telling, keep `told(visit, now)`.
    """
    if visit.silent is None:
        return "silent" if is_down(visit, now) or is_silent(visit, patience) else None
    if not _well(visit) or is_silent(visit, patience):
        return None
    return "recovered"


def told(visit: Visit, now: datetime) -> Visit:
    """The visit once somebody was told what `silence` said."""
    return replace(visit, silent=now if visit.silent is None else None)


def is_down(visit: Visit, now: datetime) -> bool:
    """Whether it has failed for so long that somebody should know."""
    failing = now - (visit.answered or visit.since or visit.at)
    long = visit.failures >= _FAILURES and failing > _HOUR
    return long or is_misread(visit) or is_gone(visit)


def is_misread(visit: Visit) -> bool:
    """Whether it answers for the third time or more with something that is no feed."""
    return visit.failures >= _UNREADABLE and visit.trouble == "unreadable"


def is_silent(visit: Visit, patience: timedelta | None) -> bool:
    """Whether it answers, but has brought nothing new for too long. A source that was dead when we met it has not fallen silent."""
    if not _well(visit) or visit.answered is None or visit.known is None:
        return False
    if patience is not None:
        return visit.answered - max(newest(visit) or visit.known, visit.known) > patience
    enough, latest = patience_of(visit), newest(visit)
    if enough is None or latest is None:
        return False
    return visit.answered - latest > enough >= visit.known - latest


def _well(visit: Visit) -> bool:
    return visit.trouble is None and visit.failures == 0


def patience_of(visit: Visit) -> timedelta | None:
    """For how long its own rhythm lets us expect nothing; None: too little is known of it."""
    if visit.pause is None or visit.known is None or len(visit.arrivals) < FEW:
        return None
    strange = visit.at - visit.known < _STRANGE
    return max(_FACTOR * visit.pause, DAY if strange else _LEAST)


def newest(visit: Visit) -> datetime | None:
    """When its latest article came. A date that lies long before the visit that brought it counts only for a new source's."""
    watched = [visit.news] if visit.news and visit.known and visit.news > visit.known else []
    return max([*visit.arrivals[-1:], *watched], default=None)
