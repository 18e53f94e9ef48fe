"""What must be true when all is over: what the papers sent, what was raised and what came in are compared. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from quays import AT_ONCE, GATHERED, Got


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """What happened, inside and outside. `due`: alert, receiver, and under which id it is told (of a digest, another)."""

    sent: frozenset[str] = frozenset()
    raised: tuple[tuple[str, str], ...] = ()
    due: tuple[tuple[str, str, str], ...] = ()
    got: tuple[Got, ...] = ()
    check: str = "ok"
    kills: int = 0
    starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong: all of it empty where nothing is."""

    lost: tuple[str, ...] = ()
    """Gates that a paper told of, and no alert."""
    duplicates: tuple[str, ...] = ()
    """Gates with more than one alert, or told to a receiver under more than one id."""
    invented: tuple[str, ...] = ()
    """Gates with an alert, of which no paper told."""
    untold: tuple[str, ...] = ()
    """Alert and receiver: it never took it."""
    changed: tuple[str, ...] = ()
    """Receiver and id: it got other bytes another time."""
    unsigned: tuple[str, ...] = ()
    damage: str = ""

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return any((self.lost, self.duplicates, self.invented, self.untold, self.changed, self.unsigned, self.damage))


def judged(tale: Tale) -> Verdict:
    """Compares the sets."""
    gates = collections.Counter(gate for _, gate in tale.raised)
    return Verdict(
        lost=tuple(sorted(tale.sent - gates.keys())),
        duplicates=tuple(sorted({gate for gate, times in gates.items() if times > 1} | set(_told_as_two(tale)))),
        invented=tuple(sorted(gates.keys() - tale.sent)),
        untold=tuple(sorted(_untold(tale))),
        changed=tuple(sorted(f"{receiver} {id}" for (receiver, id), bodies in _bodies(tale).items() if len(bodies) > 1)),
        unsigned=tuple(sorted(f"{one.receiver} {one.id}" for one in tale.got if not one.signed)),
        damage="" if tale.check == "ok" else tale.check,
    )


def _told_as_two(tale: Tale) -> Iterator[str]:
    ids: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for one in tale.got:
        for name in one.names if one.receiver in AT_ONCE else ():
            ids[one.receiver, name].add(one.id)
    return (name for (_, name), told in ids.items() if len(told) > 1)


def _untold(tale: Tale) -> Iterator[str]:
    """What is due and was never taken; and what should be due and is not."""
    taken = {(one.receiver, one.id) for one in tale.got if one.taken}
    told = {(alert, sink): id for alert, sink, id in tale.due}
    for alert, _ in tale.raised:
        for sink in (*AT_ONCE, GATHERED):
            if (sink, told.get((alert, sink), "")) not in taken:
                yield f"{alert} {sink}"


def _bodies(tale: Tale) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for one in tale.got:
        found[one.receiver, one.id].add(one.body)
    return found


def repeats(tale: Tale) -> int:
    """Requests for what the receiver had taken before."""
    taken = collections.Counter((one.receiver, one.id) for one in tale.got if one.taken)
    return sum(times - 1 for times in taken.values())


def figures(tale: Tale, verdict: Verdict) -> dict[str, Any]:
    """What the command prints."""
    return {
        "kills": tale.kills,
        "alerts": len(tale.raised),
        "lost": len(verdict.lost) + len(verdict.untold),
        "duplicates": len(verdict.duplicates),
        "requests": len(tale.got),
        "http repeats per kill": round(repeats(tale) / max(1, tale.kills), 3),
        "restart to first commit, median s": round(median(tale.starts), 2) if tale.starts else None,
    }
