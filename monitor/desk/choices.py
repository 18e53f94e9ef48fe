"""Who is told of an alert, when, and why; and who is not, and why not.

First it must be told at all: not held back, not silenced. A rule's own `notify` says who, else the routes: the first that fits
decides, and those below it count too where it says so; where none fits, everybody is asked. Then each receiver's own wishes count: of
those that `notify` names only its kinds. Who is to be told gets it at once, with the digest where that holds such a level, or at the
end of the window in which it is muted. Beyond so many alerts of one rule in an hour the others wait for its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from monitor.desk.hours import muted_until, next_digest, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from monitor.model import Alert, Hush
    from rules.receivers import Receiver, Route

_HOUR = timedelta(hours=1)
_NAMED = 5
_HELD = {"draft": "a draft tells nobody", "backlog": "backlog: it was old when its source was new"}

How = Literal["now", "digest", "later", "not"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is decided for one receiver. `until`: when it is told, where that is not at once."""

    receiver: str
    how: How
    until: datetime | None = None
    why: str = ""

    @property
    def told(self) -> bool:
        """Whether it is told at all, now or later."""
        return self.how != "not"

    def __str__(self) -> str:
        """One line for people: "night: later, muted until 06:00"."""
        return f"{self.receiver}: {_WORDS[self.how]}, {self.why}"


_WORDS: Mapping[How, str] = {"now": "told", "digest": "in the digest", "later": "later", "not": "not told"}


class _Wishes(Protocol):
    """A receiver or a route, as far as it narrows."""

    @property
    def levels(self) -> tuple[str, ...]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def rules(self) -> tuple[str, ...]: ...
    @property
    def kinds(self) -> tuple[str, ...]: ...


def decide(  # noqa: PLR0913 - a decision names all that it rests on
    alert: Alert,
    notify: Collection[str] | None,
    *,
    receivers: Sequence[Receiver],
    routes: Sequence[Route] = (),
    hushes: Iterable[Hush] = (),
    told_last_hour: Mapping[str, int] | None = None,
    cap: int = 0,
) -> list[Choice]:
    """What becomes of an alert, for each receiver in order.

    `told_last_hour` counts the alerts of each rule that were told at once in the hour before; `cap` 0: as many as there are.
    """
    nobody = _HELD.get(alert.held, alert.held) if alert.held else hushed(alert, hushes, alert.raised)
    if nobody:
        return [Choice(receiver=one.id, how="not", why=nobody) for one in receivers]
    choices = told_to(alert, notify, routes, receivers)
    if not capped(alert.rule, told_last_hour or {}, cap):
        return choices
    why = f"more than {cap} alerts of {alert.rule} in an hour: together at its end"
    due = next_hour(alert.raised)
    asleep = {one.id: muted_until(one, due, alert.level) for one in receivers}
    return [replace(one, how="later", until=asleep[one.receiver] or due, why=why) if one.how == "now" else one for one in choices]


def told_to(alert: Alert, notify: Collection[str] | None, routes: Sequence[Route], receivers: Sequence[Receiver]) -> list[Choice]:
    """For each receiver whether and when it gets an alert that is to be told, in order."""
    decided = _routed(alert, routes) if notify is None else None
    return [_choice(alert, one, notify, decided) for one in receivers]


def hushed(alert: Alert, hushes: Iterable[Hush], at: datetime) -> str | None:
    """Why nobody wants to be told of it now: its rule or source, or each of its events, is silenced. None: it is told."""
    on = {one.target: one for one in hushes if one.since <= at < one.until}
    events = [on.get(f"event:{one.event}") for one in alert.sightings]
    found = [on.get(f"rule:{alert.rule}"), on.get(f"source:{alert.article.source}"), *(events if all(events) else ())]
    longest = max((one for one in found if one), key=lambda one: one.until, default=None)
    if longest is None:
        return None
    return f"silenced until {shown(longest.until, at)}" + (f": {longest.reason}" if longest.reason else "")


def capped(rule: str, told_last_hour: Mapping[str, int], cap: int) -> bool:
    """Whether one more alert of the rule would be too many in an hour; `cap` 0: never."""
    return 0 < cap <= told_last_hour.get(rule, 0)


def why_gathered(alerts: Iterable[Alert], receiver: Receiver, cap: int) -> str:
    """Why these alerts come together: they wait for the digest, or came while it was muted, or were too many in an hour."""
    over = [one for one in alerts if not _waits(one, receiver) and not muted_until(receiver, one.raised, one.level)]
    if not over:
        return "What has gathered since the last one:"
    rules = ", ".join(sorted({one.rule for one in over})[:_NAMED])
    return f"What has gathered since the last one; {len(over):,} of it because there were more than {cap} alerts in an hour of {rules}:"


def _waits(alert: Alert, receiver: Receiver) -> bool:
    """Whether it is of a level that waits for the receiver's digest."""
    return receiver.digest is not None and not _lacks(alert.level, receiver.digest.levels)


def next_hour(at: datetime) -> datetime:
    """When the digest is sent of what was too much in an hour: as the next one begins."""
    return at.replace(minute=0, second=0, microsecond=0) + _HOUR


def _choice(alert: Alert, receiver: Receiver, notify: Collection[str] | None, decided: Mapping[str, str] | None) -> Choice:
    against = _against(alert, receiver, notify, decided)
    if against:
        return Choice(receiver=receiver.id, how="not", why=against)
    digest, at = receiver.digest, alert.raised
    if digest and _waits(alert, receiver):
        due = next_digest(receiver, at)
        what = f"{alert.level} alerts wait" if digest.levels else "everything waits"
        why = f"{what} for the digest at {shown(due, at, digest.zone)}"
        return Choice(receiver=receiver.id, how="digest", until=due, why=why)
    until = muted_until(receiver, at, alert.level)
    if until:
        why = f"muted until {shown(until, at, receiver.mute[0].zone)}"
        return Choice(receiver=receiver.id, how="later", until=until, why=why)
    why = "the rule notifies it" if notify is not None else (decided or {}).get(receiver.id) or _takes(receiver)
    return Choice(receiver=receiver.id, how="now", why=why)


def _against(alert: Alert, receiver: Receiver, notify: Collection[str] | None, decided: Mapping[str, str] | None) -> str:
    """Why a receiver is not told; empty: it is."""
    if notify is not None and receiver.id not in notify:
        return f"the rule notifies {_either(notify) or 'nobody'}"
    if notify is not None:
        return _other_kind(alert, receiver)
    if decided is not None and receiver.id not in decided:
        return f"routed to {_either(decided) or 'nobody'}"
    return _misfit(alert, receiver)


def _routed(alert: Alert, routes: Sequence[Route]) -> dict[str, str] | None:
    """The receivers that the routes choose, each with the reason; None: no route fits."""
    chosen: dict[str, str] = {}
    for number, route in enumerate(routes, 1):
        if _misfit(alert, route):
            continue
        chosen = {**dict.fromkeys(route.to, f"route {number} fits"), **chosen}
        if not route.goes_on:
            return chosen
    return chosen or None


def _misfit(alert: Alert, wishes: _Wishes) -> str:
    """What somebody wishes that an alert is not; empty: nothing."""
    if _lacks(alert.level, wishes.levels):
        return f"takes only level {_either(wishes.levels)}, not {alert.level}"
    if wishes.tags and not {*wishes.tags} & {*alert.tags}:
        return f"takes only tag {_either(wishes.tags)}, not {_either(alert.tags) or 'one without tags'}"
    if _lacks(alert.rule, wishes.rules):
        return f"takes only rule {_either(wishes.rules)}, not {alert.rule}"
    return _other_kind(alert, wishes)


def _other_kind(alert: Alert, wishes: _Wishes) -> str:
    return f"takes only kind {_either(wishes.kinds)}, not {alert.kind}" if _lacks(alert.kind, wishes.kinds) else ""


def _lacks(value: str, wished: Collection[str]) -> bool:
    return bool(wished) and value not in wished


def _takes(wishes: _Wishes) -> str:
    """What somebody wishes, in words."""
    said = {"level": wishes.levels, "tag": wishes.tags, "rule": wishes.rules, "kind": wishes.kinds}
    return "takes " + (", ".join(f"{name} {_either(words)}" for name, words in said.items() if words) or "everything")


def _either(words: Collection[str]) -> str:
    return " or ".join(words)
