"""What a visit leaves behind: when to look again, and what is believed of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.errors import Unreadable
from monitor.model import Claim, Fetched, Visit
from monitor.rhythm.pacing import DAY, FIRST, QUICKEST, SLOWEST, arrived, longest_pause, pace, share, wobble
from monitor.rhythm.start import UNREACHED

UNSTABLE = "unstable ids"
"""The remark of a visit on which a source gave known articles new ids."""

_BELIEVED = 3  # times that a source has to say something, over a day at least
_DOUBTING = timedelta(hours=13)  # three 410s fit in about a day and a half
_MOURNING = timedelta(hours=160)  # with the wobble a week at most
_AT_LONGEST = timedelta(hours=1)  # that max-age and the like may put off the next visit
_AWAY = timedelta(days=7)
_ASTRAY = 3  # failures in a row at an address that was moved to, before the one that was configured is asked again


def answered(  # noqa: PLR0913 - all that it depends on, named
    last: Visit | None,
    fetched: Fetched,
    source: str,
    now: datetime,
    *,
    news: Sequence[datetime],
    every: timedelta | None,
) -> Visit:
    """The record of a visit that went well. `news`: when the articles that were new were published, or seen first.

    The interval is the one that the operator wrote (`every`), or follows the source's own rhythm.
    """
    before = last or Visit(source=source, at=now, due=now)
    arrivals = arrived(before.arrivals, news, now)
    visit = Visit(
        source=source,
        at=now,
        due=now,
        cursor=fetched.cursor,
        articles=len(fetched.articles),
        answered=now,
        known=now if before.known is None or (news and was_away(before, now)) else before.known,
        since=before.since or now,
        news=now if news else before.news,
        arrivals=arrivals,
        pause=longest_pause(before.pause, before.arrivals, arrivals),
        moved=_said(before.moved, fetched.moved, now) if fetched.moved else None,
        unstable=_unstable(before, fetched),
        remarks=before.remarks if fetched.unchanged else fetched.remarks,
        silent=before.silent,
    )
    return replace(visit, due=now + _interval(visit, fetched.lasting, every))


def was_away(visit: Visit, now: datetime) -> bool:
    """Whether it has not answered for so long, or we have not asked, that what it gives next is a backlog, as of a new source."""
    return visit.answered is not None and now - visit.answered > _AWAY


def _interval(visit: Visit, lasting: timedelta | None, every: timedelta | None) -> timedelta:
    """What the operator wrote stands, whatever the source says that its answer is good for."""
    if every:
        return every * wobble(visit.source)
    return max(_learnt(visit) * wobble(visit.source), min(lasting or timedelta(0), _AT_LONGEST))


def _learnt(visit: Visit) -> timedelta:
    return pace(visit.arrivals, visit.pause, visit.since or visit.at, visit.at)


def _unstable(before: Visit, fetched: Fetched) -> int:
    if fetched.unchanged:
        return before.unstable
    return before.unstable + 1 if UNSTABLE in fetched.remarks else 0


def unfinished(last: Visit | None, visit: Visit, error: Exception) -> Visit:
    """The record of a visit that went well, but what it gave could not all be taken charge of, which is no fault of the source.

    It is fetched again at the usual time, since the cursor stays.
    """
    cursor, known = (last.cursor, last.known) if last else ({}, None)
    known = known if known == visit.known else None  # it was new, or as good as new, and still is
    return replace(visit, cursor=cursor, known=known, error=_reason(error), trouble="ours")


def failed(  # noqa: PLR0913 - all that it depends on, named
    last: Visit | None,
    error: Exception,
    source: str,
    now: datetime,
    *,
    every: timedelta | None,
    offline: bool = False,
) -> Visit:
    """The record of a visit that failed. The cursor stays, and the pauses double up to 6 h, for ever.

    `offline`: our own network is down, so that a source that was not reached is not to blame, and is asked again soon.
    """
    before = last or Visit(source=source, at=now, due=now, since=now)
    trouble = _trouble(error)
    if offline and trouble in UNREACHED:
        reason = f"our own network seems to be down: {_reason(error)}"
        return replace(before, at=now, due=now + _soon(source), articles=0, error=reason, trouble=trouble)
    failures = before.failures + 1
    visit = replace(
        before,
        at=now,
        articles=0,
        error=_reason(error),
        trouble=trouble,
        failures=failures,
        gone=_said(before.gone, "", now) if trouble == "gone" else before.gone,
        moved=before.moved if failures < _ASTRAY else None,
    )
    asked = min(getattr(error, "wait", None) or timedelta(0), DAY)
    return replace(visit, due=now + max(_pause(visit, every) * wobble(source), asked))


def _trouble(error: Exception) -> str:
    """A word of TROUBLES; what is none of the expected failures is our own."""
    return getattr(error, "kind", "unreadable" if isinstance(error, Unreadable) else "ours")


def _reason(error: Exception) -> str:
    return (" ".join(f"{error}".split()) or type(error).__name__)[:500]


def _soon(source: str) -> timedelta:
    return QUICKEST * (0.5 + 0.5 * share(source))


def _pause(visit: Visit, every: timedelta | None) -> timedelta:
    """The first one is short where the interval was learnt: what a slow source says is as urgent as what a busy one does."""
    if is_gone(visit):
        return max(_MOURNING, every or _MOURNING)
    first = every or min(_learnt(visit), FIRST)
    pause = min(first * (1 << min(visit.failures - 1, 15)), max(SLOWEST, first))
    return max(pause, _DOUBTING) if visit.trouble == "gone" else pause


def _said(claim: Claim | None, told: str, now: datetime) -> Claim:
    if claim and claim.told == told:
        return replace(claim, times=claim.times + 1)
    return Claim(since=now, told=told)


def _believed(claim: Claim | None, at: datetime) -> bool:
    return claim is not None and claim.times >= _BELIEVED and at - claim.since >= DAY


def is_gone(visit: Visit) -> bool:
    """Whether it said three times, over a day at least, that it is gone for good. It is asked once a week all the same."""
    return _believed(visit.gone, visit.at)


def address(visit: Visit | None, configured: str) -> str:
    """Where to ask now: where it moved to for good, if it said so on three visits over a day at least, else as configured."""
    return visit.moved.told if visit and visit.moved and _believed(visit.moved, visit.at) else configured


def sane(visit: Visit, now: datetime) -> Visit:
    """The visit as if no clock had ever been ahead of `now`: it is due within the pause that was chosen for it."""
    return replace(
        visit,
        at=min(visit.at, now),
        due=min(visit.due, now + max(visit.due - visit.at, timedelta(0))),
        answered=_past(visit.answered, now),
        known=_past(visit.known, now),
        since=_past(visit.since, now),
        news=_past(visit.news, now),
        arrivals=arrived((), visit.arrivals, now),
        gone=_claimed(visit.gone, now),
        moved=_claimed(visit.moved, now),
        silent=_past(visit.silent, now),
    )


def _past(at: datetime | None, now: datetime) -> datetime | None:
    return min(at, now) if at else None


def _claimed(claim: Claim | None, now: datetime) -> Claim | None:
    return replace(claim, since=min(claim.since, now)) if claim else None
