"""The first minutes of a run, where much may be due at once, and a network that is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.model import Visit
from monitor.rhythm.pacing import FIRST, share

UNREACHED = frozenset({"unreachable", "slow"})
"""Troubles that may be those of our own network."""

_AT_START = timedelta(seconds=15)
_EACH = timedelta(seconds=0.1)  # a few sources need not wait for one another
_HANDFUL = 30  # sources that are no storm, even within 15 s
_HOSTS = 5  # fewer of them say nothing about the network


def spread(sources: Sequence[str], visits: Mapping[str, Visit], now: datetime) -> dict[str, timedelta]:
    """How long to wait, from `now`, before each source that is new or due is asked; the others keep their time.

    New ones, and a handful, are asked within 15 s, a few of them at once. Many (after a week of downtime, say) are spread, each
    over its own interval: they are asked as often a second as ever, those that failed last.
    """
    new = [source for source in sources if source not in visits]
    due = [source for source in sources if source in visits and visits[source].due <= now]
    soon = min(_AT_START, _EACH * len([*new, *due]))
    if len(due) <= _HANDFUL:
        return {source: soon * share(source) for source in (*new, *due)}
    queue = sorted(due, key=lambda source: (visits[source].failures, share(source), source))
    places = {source: (place + 0.5) / len(queue) for place, source in enumerate(queue)}
    return {
        **{source: soon * share(source) for source in new},
        **{source: place * _interval(visits[source]) for source, place in places.items()},
    }


def _interval(visit: Visit) -> timedelta:
    """The pause that was chosen for it last."""
    return visit.due - visit.at if visit.due > visit.at else FIRST


def offline(outcomes: Sequence[tuple[str, bool]]) -> bool:
    """Whether our own network is down: of at least 5 hosts that were asked lately, 4 of 5 were not reached.

    `outcomes` has a host and whether it was reached; a host that was reached once counts as reached.
    """
    hosts = {host for host, _ in outcomes}
    lost = hosts - {host for host, reached in outcomes if reached}
    return len(hosts) >= _HOSTS and len(lost) >= 0.8 * len(hosts)
