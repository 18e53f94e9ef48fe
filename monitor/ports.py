"""The seams: what the steps ask of the world. Everything that touches it implements one of these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.model import (
    Alert,
    Cursor,
    Delivery,
    Event,
    Fetched,
    Filled,
    Fresh,
    Hush,
    Ledger,
    Original,
    Outcome,
    Plan,
    Pruned,
    Report,
    Revision,
    Tally,
    Told,
    Visit,
)
from rules import Article, Match

Clock = Callable[[], datetime]
"""The time now, UTC."""

Moment = Callable[[Article], datetime]
"""The time at which an article is examined: the clock in the daemon, the article's own date in a replay."""

Accept = Callable[[Sequence[Article], Original | None], Awaitable[object]]
"""Takes charge of articles, and of the bytes that they were read from; returns once they cannot be lost."""

Fill = Callable[[Fresh], Awaitable[Filled]]
"""Completes a fresh article from its page; raises FetchFailed. Gives it back as it is where nothing is to be fetched."""

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

    async def claim_sources(self, hosts: Mapping[str, str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` sources that are due, longest due first, of each host one; nobody else gets them until visited.

        `hosts` has the host of every source in question. One never visited is due at once; a lease lapses after `lease`.
        """
        ...

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last; None: never visited."""
        ...

    async def visited(self, visit: Visit, alerts: Sequence[Alert] = (), deliveries: Sequence[Delivery] = ()) -> None:
        """Keeps the visit, and what it is to tell of the source, in one transaction, and gives the source's lease back.

        Alerts and deliveries that exist already stay as they are.
        """
        ...

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        ...

    async def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those with a new id, or a new digest under a known id, in order; one id once.

        An article that its source gives under another id than before, but with the address and the title or text that are known
        of it, is the known one, and comes back under its known id if at all. One that another source gave word for word under
        the same address does not come back.
        """
        ...

    async def repeated(self, source: str, paragraphs: Collection[int]) -> set[int]:
        """Which of these hashes of paragraphs stand under so many articles of the source that they are the source's own voice."""
        ...

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is still missing and is to be asked for again by now, oldest first."""
        ...

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came, as they are now.

        `limit` at a time: `after` is the id of the last one of the page before.
        """
        ...

    async def ledger(
        self, rules: Sequence[str], since: datetime, history: Mapping[str, datetime] | None = None, at: datetime | None = None
    ) -> Ledger:
        """Events of these rules seen at or after `since`, in the order they were opened, with the rules' stamps.

        For the rules in `history`, also what was reported since the time given there, and when the first event of all was opened;
        every hush that there is; and how many alerts of each rule were raised, and not held, in the hour before `at`.
        """
        ...

    async def reported(self, article: str) -> list[str]:
        """The rules that have events of which this article reported."""
        ...

    async def reports(self, event: str) -> list[Report]:
        """The timeline of an event, oldest first."""
        ...

    async def event(self, id: str) -> Event | None:
        """One event by its id."""
        ...

    async def events(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Event]:
        """Events, those seen last first; `before`: seen before then."""
        ...

    async def acknowledge(self, event: str, at: datetime, note: str = "") -> bool:
        """Notes that somebody looks after the event, and what they say; whether there is one."""
        ...

    async def hush(self, hush: Hush) -> None:
        """Keeps it; another one of the same target gives way to it."""
        ...

    async def unhush(self, target: str) -> bool:
        """Ends it; whether there was one."""
        ...

    async def hushes(self) -> list[Hush]:
        """All that there are, those that are over included, by target."""
        ...

    async def waiting_for_digest(self, sink: str, due: datetime) -> list[Alert]:
        """The alerts that wait for this receiver's digest and are due by then, oldest first."""
        ...

    async def digested(self, alerts: Sequence[str], digest: Delivery, alert: Alert) -> None:
        """Puts one delivery (of the alert that stands for the digest) in the place of those that waited, in one transaction.

        Nothing, where none of `alerts` waits any more. Raises StoreError for a delivery that exists, of other alerts.
        """
        ...

    async def tell(self, alert: Alert, deliveries: Sequence[Delivery] = ()) -> None:
        """Keeps an alert that is of no article, and its deliveries, in one transaction; what exists already stays as it is."""
        ...

    async def record(self, plan: Plan) -> None:
        """Writes all of a plan in one transaction. Raises Outdated where a rule's stamp has moved on.

        A stamp is 0 for a rule without events and grows whenever a recorded plan names an event or a report of that rule.
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

    async def told(self, alert: str) -> list[Told]:
        """How each delivery of an alert stands, by receiver."""
        ...

    async def revisions(self, article: str) -> list[Revision]:
        """Every version of an article that was examined, oldest first, each with what is kept of its bytes. Empty: not known."""
        ...

    async def original(self, sha256: str) -> bytes | None:
        """Kept bytes by their digest."""
        ...

    async def prune(self, articles: datetime, originals: datetime, limit: int, *, dry: bool = False) -> Pruned:
        """Removes up to `limit` articles first seen before `articles`, and originals fetched before `originals`, oldest first.

        What an alert tells of stays, with all its versions and bytes, and what was reported of its events; what was reported of
        others goes, once its article is so old. `dry`: only counts.
        """
        ...

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        ...

    async def sizes(self) -> Mapping[str, int]:
        """Bytes by kind: articles, revisions, originals, events, reports, alerts, deliveries, the whole file, and what lies idle.

        Originals and the file exactly, the others about.
        """
        ...

    async def close(self) -> None:
        """Finishes what is under way and lets go of the file."""
        ...
