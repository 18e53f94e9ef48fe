"""Why nobody was told of an alert, or somebody not yet, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import report

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import Breaker, Told

WORDS = {"backlog": "it was older than a day when its source was new", "draft": "its rule is a draft"}
"""Reasons that are kept as a word; all others are kept as people are to read them."""


def why(held: str) -> str:
    """What kept an alert back."""
    return WORDS.get(held) or report.clean(held)


def reached(one: Told, now: datetime, breaker: Breaker | None = None) -> str:
    """How far it got with one receiver: "desk was told 2026-07-01 12:00 UTC". `breaker`: the receiver's, where that is known."""
    return report.clean(f"{one.sink} {_how(one, now, breaker)}")


def _how(one: Told, now: datetime, breaker: Breaker | None) -> str:
    when, why = f"{one.at:%Y-%m-%d %H:%M} UTC", f": {one.reason}" if one.reason else ""
    match one.state:
        case "sent":
            return f"was told {when}"
        case "dead":
            return f"was not told, given up after {report.count(one.attempts, 'attempt')}{why}"
        case "parked":
            because = f" ({breaker.reason})" if breaker and breaker.reason else ""
            return f"is disabled{because} and is told once it is enabled: monitor receivers enable {one.sink}"
        case "digest":
            return "gets it with the next digest"
        case _ if breaker and breaker.state == "open":
            asked = f", asked again {breaker.due:%Y-%m-%d %H:%M} UTC" if breaker.due else ""
            return f"is told once it answers{asked}: {breaker.reason or one.reason or 'it fails'}"
        case _ if one.attempts:
            return f"is told once it answers, tried again {when}{why}"
        case _ if one.at > now:
            return f"is told {when}: it is muted until then, or its rule had told enough in that hour"
        case _:
            return "is about to be told"
