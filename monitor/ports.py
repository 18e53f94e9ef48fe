"""The seams: what the steps ask of the world. Everything that touches it implements one of these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.errors import Damaged
from monitor.model import (
    Alert,
    Attempt,
    Backlog,
    Breaker,
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
    Receipt,
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
"""The matches of each article, in order; Partly where a rule broke, None where the engine did: both are to be tried again later."""


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

    @property
    def at_once(self) -> int:
        """How many deliveries it is sent at the same time, at most."""
        ...

    async def send(self, delivery: Delivery) -> Receipt:
        """What the receiver answered, once it has it. Raises DeliveryFailed or Refused. May be repeated with the same alert id."""
        ...


class Store(Protocol):
    """What must survive. Domain verbs, never SQL; every method may be repeated harmlessly."""

    async def claim_sources(self, hosts: Mapping[str, str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` sources that are due, longest due first, of each host one; nobody else gets them until visited.

        `hosts` has the host of every source in question. One never visited is due at once; a lease lapses after `lease`.
        """
        ...

    async def let_go(self, sources: Collection[str]) -> None:
        """Voids the leases of these sources: their visits could not be kept, and are to be made again."""
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

    async def due(self, sinks: Collection[str], now: datetime) -> list[str]:
        """Those of these receivers that there is something to send to: what is due, or, where the breaker is open, the next probe."""
        ...

    async def claim(self, sink: str, now: datetime, lease: timedelta, limit: int, *, probe: bool = False) -> list[Delivery]:
        """This receiver's due deliveries, oldest first, each under a fresh lease token and counted as one more attempt begun.

        `probe`: the one that is due first, whether by now or later, and not counted.
        """
        ...

    async def settle(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """Keeps the outcome and the attempt, if the delivery is still held under this token, and what it means for the breaker.

        All in one transaction; what is the breaker's is as breaker.after says. A breaker that closes makes all that waits due.
        """
        ...

    async def breaker(self, sink: str) -> Breaker:
        """How a receiver's breaker is; closed, if nothing is known."""
        ...

    async def breakers(self) -> list[Breaker]:
        """All that something is known of, by receiver."""
        ...

    async def keep_breaker(self, breaker: Breaker, at: datetime) -> None:
        """Keeps it as it is given. Where it was not closed, and is now, all that waits for this receiver is due at `at`."""
        ...

    async def attempts(self, alert: str, sink: str) -> list[Attempt]:
        """The latest attempts at a delivery, oldest first."""
        ...

    async def deliveries(
        self, *, sink: str | None = None, state: str | None = None, before: datetime | None = None, limit: int = 50
    ) -> list[Told]:
        """Deliveries of this receiver and in this state (as Told has it), those first due last first; `before`: first due before then."""
        ...

    async def delivery(self, alert: str, sink: str) -> Delivery | None:
        """One delivery, with its bytes."""
        ...

    async def requeue(self, chosen: Collection[tuple[str, str]], at: datetime) -> int:
        """Makes these deliveries (alert and receiver) due at `at`, with no attempts made yet; how many. Leaves those under way and gathered.

        For one that was told in a digest, that digest is.
        """
        ...

    async def reword(self, sink: str, render: Callable[[Alert], bytes]) -> int:
        """Renders anew what waits for this receiver, gathered alerts and digests included, or was given up; how many.

        What is due, and how often it was tried, stays as it is. `render` is pure, and may be called on another thread.
        """
        ...

    async def give_up(self, known: Collection[str], before: datetime, reason: str) -> int:
        """Gives up what was first due before then and is for receivers that are not `known`; how many that were."""
        ...

    async def set_clock(self, by: timedelta, now: datetime, longest: timedelta) -> None:
        """The clock was set ahead (or back) by so much, to `now`: what waits, waits as long as it would have.

        Deliveries, leases, probes and pages to be asked for again move `by`; none of them then lies more than `longest` after `now`.
        """
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

    async def backlog(self) -> list[Backlog]:
        """What lies in the outbox, by receiver."""
        ...

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        ...

    async def sizes(self) -> Mapping[str, int]:
        """Bytes by kind: articles, revisions, originals, events, reports, alerts, deliveries, the whole file, and what lies idle.

        Originals and the file exactly, the others about.
        """
        ...

    async def ruined(self) -> Damaged:
        """Waits until it turns out to be damaged, and says so: from then on nothing is read from it or written to it."""
        ...

    async def probe(self) -> None:
        """Writes something and takes it away again. Raises StoreError where nothing can be written."""
        ...

    async def close(self) -> None:
        """Finishes what is under way and lets go of the file."""
        ...


class Meter(Protocol):
    """Counts what goes by; nothing depends on it, and nothing that it does may fail."""

    def visited(self, visit: Visit) -> None:
        """A source was visited."""
        ...

    def examined(
        self, plan: Plan, asked: Collection[str], matches: Sequence[Match], *, seen: datetime | None = None, late: bool = False
    ) -> None:
        """An article was examined and recorded: the rules that were asked, and what they matched.

        `seen`: when it was fetched; None: at `plan.first_seen`. `late`: it is backlog.
        """
        ...

    def attempted(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """A delivery was tried, and its outcome is settled."""
        ...
