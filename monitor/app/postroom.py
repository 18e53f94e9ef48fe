"""How the receivers are: what monitor.yaml says of each, whether it takes what it is sent, and what lies in the outbox for it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.errors import ConfigError
from monitor.model import Backlog, Breaker
from monitor.report import clean, count
from rules.spec import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from monitor.config import Config, Receiver
    from monitor.ports import Store

TERMINAL = "terminal"
"""Who is told where there are no receivers."""

LONG = timedelta(minutes=15)
"""One that has failed for longer is somebody's business."""

STATES = {
    "ok": "it took what it was sent last",
    "new": "nothing was sent to it yet",
    "unsure": "it failed the last few times, and is sent more all the same",
    "failing": "five failures in a row: it is asked now and then whether it is back, and what is for it waits",
    "disabled": "it said that it is gone (410), failed for five days, or was disabled by hand: what is for it is parked",
    "unknown": "monitor.yaml does not name it, though there is something for it",
}
"""How a receiver can be, and what that means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One receiver. `receiver` is None for the terminal, and for one that monitor.yaml does not name (`named` tells them apart)."""

    id: str
    receiver: Receiver | None = None
    named: bool = True
    breaker: Breaker
    backlog: Backlog

    @property
    def form(self) -> str:
        """How it is told."""
        return self.receiver.form if self.receiver else TERMINAL if self.named else "?"

    @property
    def host(self) -> str:
        """Where it is, as far as anybody may know."""
        return self.receiver.host if self.receiver else "-"

    @property
    def state(self) -> str:
        """One of STATES."""
        if not self.named:
            return "unknown"
        if self.breaker.state == "disabled":
            return "disabled"
        if self.breaker.state == "open":
            return "failing"
        if self.breaker.failures:
            return "unsure"
        return "ok" if self.backlog.sent else "new"

    def why(self, now: datetime) -> str:
        """What there is to say of its state beyond the word; empty where all is well."""
        breaker, reason = self.breaker, f": {clean(self.breaker.reason)}" if self.breaker.reason else ""
        match self.state:
            case "unknown":
                return f"{self.lying(now)} for '{clean(self.id)}', which monitor.yaml does not name"
            case "disabled":
                return f"{disabled(breaker, now)}{reason}; {self._parked(now)}'monitor receivers enable {clean(self.id)}'"
            case "failing":
                return f"{_failing(breaker, now)}{reason}; {self.lying(now)}"
            case "unsure":
                return f"{count(breaker.failures, 'failure')} in a row{reason}"
            case _:
                return ""

    def lying(self, now: datetime) -> str:
        """How much waits, and since when: "3 deliveries wait, the oldest since 11:24 UTC"."""
        number, gathered = self.backlog.waiting, self.backlog.collected
        if not number:
            return f"{gathered:,} gathered for a digest" if gathered else "nothing waits"
        return f"{'1 delivery waits' if number == 1 else f'{number:,} deliveries wait'}{self._oldest(now)}"

    def _parked(self, now: datetime) -> str:
        return f"{self.backlog.waiting:,} parked{self._oldest(now)}: " if self.backlog.waiting else "nothing is parked: "

    def _oldest(self, now: datetime) -> str:
        number, since = self.backlog.waiting, self.backlog.oldest
        return f"{', the oldest' if number > 1 else ''} since {clock(since, now)}" if since else ""


def disabled(breaker: Breaker, now: datetime) -> str:
    """Since when: by hand that is when somebody did so; else the time of the first failure is what is known."""
    if breaker.since is None:
        return "disabled"
    return f"disabled{', has failed' if breaker.failures else ''} since {clock(breaker.since, now)}"


def _failing(breaker: Breaker, now: datetime) -> str:
    since = f" since {clock(breaker.since, now)}" if breaker.since else ""
    return f"failing{since}{f', asked again {clock(breaker.due, now)}' if breaker.due else ''}"


def clock(at: datetime, now: datetime) -> str:
    """A time in UTC; the day only where it is another one."""
    return at.strftime("%H:%M UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC")


async def look(store: Store, config: Config) -> list[Box]:
    """All of them, as the store has them."""
    return boxes(config, await store.breakers(), await store.backlog())


def names(config: Config) -> set[str]:
    """What the receivers are called that there are."""
    return {one.id for one in config.receivers} or {TERMINAL}


def boxes(config: Config, breakers: Iterable[Breaker] = (), backlog: Iterable[Backlog] = ()) -> list[Box]:
    """Every receiver in the order of monitor.yaml, then those that it does not name and that something waits for."""
    states, lying = {one.sink: one for one in breakers}, {one.sink: one for one in backlog}
    wanted = {one.id: one for one in config.receivers}
    strays = sorted(id for id, one in lying.items() if one.waiting + one.collected and id not in wanted)
    return [
        Box(
            id=id,
            receiver=wanted.get(id),
            named=id in names(config),
            breaker=states.get(id) or Breaker(sink=id),
            backlog=lying.get(id) or Backlog(sink=id),
        )
        for id in [*wanted, *strays]
    ]


def troubles(found: Sequence[Box], now: datetime) -> Iterator[str]:
    """What somebody should look after: who is disabled, and who fails for long."""
    for one in found:
        if one.state == "disabled" or (one.state == "failing" and _for_long(one.breaker, now)):
            yield f"receiver {one.id}: {one.why(now)}"


def warnings(found: Sequence[Box], now: datetime) -> Iterator[str]:
    """What is worth knowing: who fails for now, and what waits for nobody."""
    for one in found:
        if one.state == "failing" and not _for_long(one.breaker, now):
            yield f"receiver {one.id}: {one.why(now)}"
        elif one.state == "unknown":
            yield one.why(now)


def _for_long(breaker: Breaker, now: datetime) -> bool:
    return breaker.since is not None and now - breaker.since > LONG


def nobody(name: str, there: Iterable[str]) -> ConfigError:
    """What to say of a name that no receiver has."""
    known = sorted(set(there))
    said = unknown("receiver", clean(name), known) if known else f"there is no receiver '{clean(name)[:60]}', nor any other"
    return ConfigError(f"{said}: 'monitor receivers list' has them")


def no_alert(id: str, latest: Sequence[str]) -> ConfigError:
    """What to say of an id that no alert has; `latest` are those among which it may be meant to be."""
    near = difflib.get_close_matches(id[:200], latest, 1, 0.75)
    hint = f"; did you mean {near[0]}?" if near else ":"
    return ConfigError(f"there is no alert '{clean(id)[:100]}'{hint} 'monitor deliveries list' has their ids")


def shut(breaker: Breaker, reason: str, now: datetime) -> Breaker:
    """The breaker of a receiver that somebody takes out of service."""
    return replace(breaker, state="disabled", failures=0, since=now, probes=0, due=None, reason=reason)
