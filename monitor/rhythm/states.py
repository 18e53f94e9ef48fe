"""The state of a source in one word, and one line that says what to do where something is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.errors import TROUBLES
from monitor.model import Visit
from monitor.rhythm.alarm import is_misread, is_silent, newest
from monitor.rhythm.start import UNREACHED
from monitor.rhythm.visits import address, is_gone

WORDS = {
    "new": "it was not looked at yet",
    "ok": "it answers, and is not silent for longer than usual",
    "quiet": "it answers, but has brought nothing new for longer than usual; nobody is told yet",
    "stale": "it answers, but has been silent for too long: somebody is told, once",
    "failing": "it does not answer, or with an error; it is asked ever more rarely, but at least every 6 h",
    "not-a-feed": "it answers, three times and more, but not with what can be read: a login page, say",
    "blocked": "we do not ask it: its address is not allowed, or its robots.txt asks us to stay away",
    "gone": "it said three times, over a day, that it is gone for good (410); it is asked once a week",
    "moved": "it said three times, over a day, that it has moved for good; it is asked there",
    "unstable-ids": "it gives its articles new ids at every visit; they are recognised by address and text",
    "held-up": "it answers, but not all that it gave could be kept, which is our own failure; it is fetched again",
    "offline": "our own network seems to be down: it is not to blame, and is asked again within 5 min",
    "overdue": "it should have been looked at long ago: the daemon is not running, or cannot keep up",
}
"""The states of a source, and what each means."""

_UNSTABLE = 3  # visits in a row
_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class State:
    """`word` is one of WORDS, `reason` a line for people."""

    word: str
    reason: str


def state(visit: Visit | None, now: datetime, *, every: timedelta | None, patience: timedelta | None) -> State:
    """How a source is, by its last visit; `every` and `patience` are the operator's. The worst that is known of it counts."""
    if visit is None:
        return State("new", "not looked at yet")
    return _trouble(visit) or _oddity(visit, now, every, patience) or _calm(visit)


def _trouble(visit: Visit) -> State | None:
    """What keeps its articles from us."""
    if is_gone(visit) and visit.gone:
        return State("gone", f"410 Gone since {_when(visit.gone.since)}: look for its new address, or remove it")
    if visit.trouble is None:
        return None
    if visit.failures == 0:
        return State("offline" if visit.trouble in UNREACHED else "held-up", visit.error or "")
    since = f"{visit.failures}× in a row" + (f", last well {_when(visit.answered)}" if visit.answered else ", never well")
    if visit.trouble == "blocked":
        return State("blocked", f"{visit.error}: allow it in monitor.yaml, or remove it")
    if visit.trouble == "robots":
        return State("blocked", f"{visit.error}: ask its publisher, watch another page of theirs, or remove it")
    if is_misread(visit):
        return State("not-a-feed", f"{visit.error} ({since}): open its address in a browser, it may have moved or want a login")
    return State("failing", f"{visit.error} ({TROUBLES.get(visit.trouble, visit.trouble)}; {since})")


def _oddity(visit: Visit, now: datetime, every: timedelta | None, patience: timedelta | None) -> State | None:
    """What is to be looked into, though it answers."""
    if is_silent(visit, patience):
        return State("stale", f"nothing new {_for(visit)}: see whether it still publishes there")
    if now - visit.due > max(_GRACE, every or _GRACE):
        return State("overdue", f"was due {_when(visit.due)}: is `monitor run` running?")
    if visit.unstable >= _UNSTABLE:
        return State(
            "unstable-ids", "gives known articles new ids at every visit: nothing to do, articles are told apart by text"
        )
    if moved := address(visit, ""):
        return State("moved", f"has moved to {moved}: write that address in monitor.yaml")
    return None


def _calm(visit: Visit) -> State:
    silent, latest = _silent_for(visit), newest(visit)
    if silent is None or latest is None:
        return State("ok", "answers; it has brought nothing yet")
    if visit.pause is not None and silent > max(visit.pause, _GRACE):
        return State("quiet", f"nothing new {_for(visit)}")
    return State("ok", f"latest article of {_when(latest)}")


def _silent_for(visit: Visit) -> timedelta | None:
    """From its latest article to its latest answer."""
    latest = newest(visit)
    return max(visit.answered - latest, timedelta(0)) if latest and visit.answered else None


def _for(visit: Visit) -> str:
    silent, latest = _silent_for(visit), newest(visit)
    return f"for {_span(silent)}, since {_when(latest)}" if silent is not None and latest else "since it is watched"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
