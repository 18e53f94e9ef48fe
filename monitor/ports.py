"""The seams: what the steps ask of the world. Everything that touches it implements one of these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.model import Alert, Cursor, Delivery, Fetched, Fresh, Ledger, Outcome, Plan, Tally, Visit
from rules import Article, Match

Clock = Callable[[], datetime]
"""The time now, UTC."""

Moment = Callable[[Article], datetime]
"""The time at which an article is examined: the clock in the daemon, the article's own date in a replay."""

Accept = Callable[[Sequence[Article]], Awaitable[None]]
"""Takes charge of articles; returns once they cannot be lost."""

Fill = Callable[[Article], Awaitable[Article]]
"""Completes an article from its page; raises FetchFailed. Gives it back as it is where nothing is to be fetched."""

Matcher = Callable[[Sequence[Article]], Awaitable[Sequence[Sequence[Match] | None]]]
"""The matches of each article, in order; None for one that broke the engine and is to be tried again later."""


class Source(Protocol):
    """Somewhere that articles come from."""

    @property
    def id(self) -> str:
        """What it is called in the configuration and the store."""
        ...

    async def fetch(self, cursor: Cursor) -> Fetched:
        """What is there now; `cursor` is what the last good fetch returned, or empty. Raises FetchFailed."""
        ...


class Sink(Protocol):
    """Somewhere that alerts go."""

    @property
    def id(self) -> str:
        """What it is called in the configuration and in `notify`."""
        ...

    def render(self, alert: Alert) -> bytes:
        """The bytes to send for this alert. Pure: called once, when the alert is decided."""
        ...

    async def send(self, delivery: Delivery) -> None:
        """Returns once the receiver has it. Raises DeliveryFailed or Refused. May be repeated with the same alert id."""
        ...


class Store(Protocol):
    """What must survive. Domain verbs, never SQL; every method may be repeated harmlessly."""

    async def claim_sources(self, ids: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` of `ids` that are due, longest due first; nobody else gets them until visited or `lease` passed.

        An id never visited is due at once.
        """
        ...

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last; None: never visited."""
        ...

    async def visited(self, visit: Visit) -> None:
        """Keeps the visit and gives the source's lease back."""
        ...

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        ...

    async def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those with a new id, or a new digest under a known id, in order; one id once."""
        ...

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is still missing and is to be asked for again by now, oldest first."""
        ...

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came, as they are now.

        `limit` at a time: `after` is the id of the last one of the page before.
        """
        ...

    async def ledger(self, rules: Sequence[str], since: datetime) -> Ledger:
        """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps."""
        ...

    async def record(self, plan: Plan) -> None:
        """Writes all of a plan in one transaction. Raises Outdated where a rule's stamp has moved on.

        A stamp is 0 for a rule without events and grows whenever a recorded plan names an event of that rule.
        Alerts and deliveries that exist already stay as they are.
        """
        ...

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun."""
        ...

    async def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keeps the outcome, if the delivery is still held under this token."""
        ...

    async def release(self) -> None:
        """Voids all leases: for a process that has just become the only one."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next waiting delivery is due; None: nothing waits."""
        ...

    async def alerts(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Alert]:
        """The newest alerts first, those held back included."""
        ...

    async def alert(self, id: str) -> Alert | None:
        """One alert by its id."""
        ...

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        ...

    async def close(self) -> None:
        """Finishes what is under way and lets go of the file."""
        ...
