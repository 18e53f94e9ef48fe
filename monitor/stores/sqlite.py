"""The store in one SQLite file. What `record` has returned from is on the disk, and stays there whatever happens next.

One thread owns the connection; the event loop only waits for it. Every method is one transaction. What they do is told in the
files beside this one: articles, timeline (events), telling (alerts), flowing (deliveries), claims (sources), voices (what sources repeat), pruning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from monitor.errors import Damaged
from monitor.model import Pruned, Visit
from monitor.stores import articles, claims, flowing, opening, pruning, telling, timeline, voices
from monitor.stores.opening import is_held
from monitor.stores.rows import dump, load, micros

if TYPE_CHECKING:
    from contextlib import ExitStack
    from datetime import datetime, timedelta
    from pathlib import Path

    from sqlite_utils import Database

    from monitor.model import (
        Alert,
        Attempt,
        Backlog,
        Breaker,
        Delivery,
        Event,
        Fresh,
        Hush,
        Ledger,
        Original,
        Outcome,
        Plan,
        Report,
        Revision,
        Tally,
        Told,
    )
    from rules import Article

__all__ = ["SqliteStore", "is_held"]

T = TypeVar("T")


class SqliteStore:
    """A store that survives kill -9 and power loss."""

    def __init__(self, path: Path, db: Database, thread: ThreadPoolExecutor, held: ExitStack) -> None:
        self._path = path
        self._db = db
        self._thread = thread
        self._held = held
        self._closed = False
        self._left: set[asyncio.Future[Any]] = set()
        """What nobody waits for any more."""
        self._ruin: asyncio.Future[Damaged] = asyncio.get_running_loop().create_future()
        self._met: set[str] = set()
        """Sources that have a row in `visits`, which is never removed."""

    @classmethod
    async def open(cls, path: Path, *, sole: bool = False) -> SqliteStore:
        """The store in this file, which is made or brought up to date where needed.

        `sole`: the one process that may say so, until it closes or dies. Raises StoreError and leaves the file as it was.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            db, held = await asyncio.get_running_loop().run_in_executor(thread, opening.open_file, path, sole)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, db, thread, held)

    async def close(self) -> None:
        """Finishes what is under way and lets go of the file. May be repeated.

        What nobody waits for is not begun any more, and nothing waits long for another process that is writing: each call would
        take five seconds to fail.
        """
        if self._closed:
            return
        self._closed = True
        for one in self._left:
            one.cancel()
        try:
            await self._run(self._held.close)
        finally:
            self._thread.shutdown(wait=False)

    # Sources

    async def claim_sources(self, hosts: Mapping[str, str], now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Up to `limit` sources that are due, longest due first, of each host one, those never visited before all others."""
        unmet = hosts.keys() - self._met
        if unmet:
            await self._write(lambda db: claims.meet(db, unmet))
            self._met |= unmet
        return await self._write(lambda db: claims.claim_sources(db, hosts, now, lease, limit))

    async def let_go(self, sources: Collection[str]) -> None:
        """Voids the leases of these sources."""
        await self._write(lambda db: claims.let_go(db, sources))

    async def last_visit(self, source: str) -> Visit | None:
        """What `visited` kept last."""
        sql = "SELECT whole FROM visits WHERE source = ? AND whole IS NOT NULL"
        return next((load(Visit, whole) for (whole,) in await self._rows(sql, source)), None)

    async def visited(self, visit: Visit, alerts: Sequence[Alert] = (), deliveries: Sequence[Delivery] = ()) -> None:
        """Keeps the visit and what it is to tell, or nothing, and gives the source's lease back."""

        def work(db: Database) -> None:
            db.execute(_VISITED, (visit.source, micros(visit.due), dump(visit)))
            telling.keep_alerts(db, alerts, deliveries)

        await self._write(work)

    async def visits(self) -> list[Visit]:
        """The last visit of every source, by source id."""
        sql = "SELECT whole FROM visits WHERE whole IS NOT NULL ORDER BY source"
        return [load(Visit, whole) for (whole,) in await self._rows(sql)]

    async def repeated(self, source: str, paragraphs: Collection[int]) -> set[int]:
        """Which of these hashes of paragraphs are the source's own voice."""
        return await self._read(lambda db: voices.repeated(db, source, paragraphs))

    # Articles

    async def unseen(self, given: Sequence[Article]) -> list[Fresh]:
        """Those that are new, or new versions of what is known by id, or by address and title."""
        return await self._read(lambda db: articles.unseen(db, given))

    async def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is to be asked for again by now, oldest first."""
        return await self._read(lambda db: articles.unfilled(db, now, limit))

    async def articles(self, since: datetime, *, after: str | None = None, limit: int = 500) -> list[Fresh]:
        """Articles first seen at or after `since`, in the order they came; a page of them."""
        return await self._read(lambda db: articles.page(db, since, after, limit))

    async def revisions(self, article: str) -> list[Revision]:
        """Every version of an article, each once, oldest first, the present one last, with what is kept of its bytes."""
        return await self._read(lambda db: articles.revisions(db, article))

    async def original(self, sha256: str) -> bytes | None:
        """Kept bytes by their digest."""
        return await self._read(lambda db: articles.original(db, sha256))

    async def record(self, plan: Plan) -> None:
        """Writes all of a plan or nothing. Raises Outdated where a rule's stamp has moved on."""
        packed = await self._packed(plan.originals) if plan.originals else {}
        await self._write(lambda db: _record(db, plan, packed))

    async def _packed(self, originals: Sequence[Original]) -> dict[str, bytes]:
        """What is not kept yet, compressed: on another thread, for 20 MB take half a second that no other call is to wait for."""
        new = await self._read(lambda db: {one.sha256: one.body for one in originals if not articles.kept(db, one.sha256)})
        return await asyncio.to_thread(lambda: {digest: articles.pack(body) for digest, body in new.items()})

    async def prune(self, articles: datetime, originals: datetime, limit: int, *, dry: bool = False) -> Pruned:
        """Removes what is old in small transactions, so that other calls get their turn, and shrinks the file."""
        if dry:
            gone, _ = await self._read(lambda db: pruning.doom(db, articles, originals, limit))
            return gone
        gone = await self._prune(articles, originals, limit)
        while await self._on_thread(lambda: pruning.give_back(self._db)):
            pass
        return gone

    async def _prune(self, articles: datetime, originals: datetime, limit: int) -> Pruned:
        total = Pruned()
        for left in range(limit, 0, -pruning.STEP):
            step = min(left, pruning.STEP)
            gone, rows = await self._write(lambda db, n=step: pruning.step(db, articles, originals, n))  # type: ignore[misc]
            if not rows:
                break
            total = Pruned(
                articles=total.articles + gone.articles,
                originals=total.originals + gone.originals,
                bytes=total.bytes + gone.bytes,
            )
        return total

    # Events

    async def ledger(
        self, rules: Sequence[str], since: datetime, history: Mapping[str, datetime] | None = None, at: datetime | None = None
    ) -> Ledger:
        """Events of these rules seen at or after `since`, stamps, what was reported of rules in `history`, and every hush."""
        return await self._read(lambda db: timeline.ledger(db, rules, since, history or {}, at))

    async def reported(self, article: str) -> list[str]:
        """The rules that have events of which this article reported."""
        return await self._read(lambda db: timeline.reported(db, article))

    async def reports(self, event: str) -> list[Report]:
        """The timeline of an event, oldest first."""
        return await self._read(lambda db: timeline.reports(db, event))

    async def event(self, id: str) -> Event | None:
        """One event by its id."""
        return await self._read(lambda db: timeline.event(db, id))

    async def events(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Event]:
        """Events, those seen last first."""
        return await self._read(lambda db: timeline.events(db, before, rule, limit))

    async def acknowledge(self, event: str, at: datetime, note: str = "") -> bool:
        """Notes that somebody looks after the event, as it was said last; whether there is one."""
        return await self._write(lambda db: timeline.acknowledge(db, event, at, note))

    async def hush(self, hush: Hush) -> None:
        """Keeps it in the place of another of the same target."""
        await self._write(lambda db: timeline.hush(db, hush))

    async def unhush(self, target: str) -> bool:
        """Ends it; whether there was one."""
        return await self._write(lambda db: timeline.unhush(db, target))

    async def hushes(self) -> list[Hush]:
        """All that there are, by target."""
        return await self._read(timeline.hushes)

    # Alerts, deliveries, digests

    async def due(self, sinks: Collection[str], now: datetime) -> list[str]:
        """Those of these receivers that there is something to send to."""
        return await self._read(lambda db: flowing.due(db, sinks, now))

    async def claim(self, sink: str, now: datetime, lease: timedelta, limit: int, *, probe: bool = False) -> list[Delivery]:
        """A receiver's due deliveries, oldest first, each under a fresh lease token; or, uncounted, the one that is due first."""
        return await self._write(lambda db: flowing.claim(db, sink, now, lease, limit, probe))

    async def settle(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """Keeps outcome, attempt and what they mean for the breaker, if the delivery is still held under this token."""
        await self._write(lambda db: flowing.settle(db, delivery, outcome, attempt))

    async def breaker(self, sink: str) -> Breaker:
        """How a receiver's breaker is."""
        return await self._read(lambda db: flowing.breaker(db, sink))

    async def breakers(self) -> list[Breaker]:
        """All that something is known of, by receiver."""
        return await self._read(flowing.breakers)

    async def keep_breaker(self, breaker: Breaker, at: datetime) -> None:
        """Keeps it; where it closes, all that waits for this receiver is due."""
        await self._write(lambda db: flowing.keep_breaker(db, breaker, at))

    async def attempts(self, alert: str, sink: str) -> list[Attempt]:
        """The latest attempts at a delivery, oldest first."""
        return await self._read(lambda db: flowing.attempts(db, alert, sink))

    async def deliveries(
        self, *, sink: str | None = None, state: str | None = None, before: datetime | None = None, limit: int = 50
    ) -> list[Told]:
        """Deliveries, those first due last first."""
        return await self._read(lambda db: flowing.deliveries(db, sink, state, before, limit))

    async def delivery(self, alert: str, sink: str) -> Delivery | None:
        """One delivery, with its bytes."""
        return await self._read(lambda db: flowing.delivery(db, alert, sink))

    async def requeue(self, chosen: Collection[tuple[str, str]], at: datetime) -> int:
        """Makes these deliveries due, as if they were new; how many."""
        return await self._write(lambda db: flowing.requeue(db, chosen, at))

    async def reword(self, sink: str, render: Callable[[Alert], bytes]) -> int:
        """Renders anew what this receiver has not had yet; how many."""
        return await self._write(lambda db: telling.reword(db, sink, render))

    async def give_up(self, known: Collection[str], before: datetime, reason: str) -> int:
        """Gives up what is for receivers that there are no longer; how many that were."""
        return await self._write(lambda db: flowing.give_up(db, known, before, reason))

    async def set_clock(self, by: timedelta, now: datetime, longest: timedelta) -> None:
        """What waits, waits as long as it would have, though the clock was set."""
        await self._write(lambda db: flowing.set_clock(db, by, now, longest))

    async def release(self) -> None:
        """Voids all leases."""
        await self._write(flowing.release)

    async def next_due(self) -> datetime | None:
        """When the next open delivery is due; of one under way, when its lease ends."""
        return await self._read(flowing.next_due)

    async def waiting_for_digest(self, sink: str, due: datetime) -> list[Alert]:
        """The alerts that wait for this receiver's digest, oldest first."""
        return await self._read(lambda db: telling.waiting_for_digest(db, sink, due))

    async def digested(self, alerts: Sequence[str], digest: Delivery, alert: Alert) -> None:
        """Puts one delivery in the place of those that waited; where none of them waits any more, nothing."""
        await self._write(lambda db: telling.digested(db, alerts, digest, alert))

    async def tell(self, alert: Alert, deliveries: Sequence[Delivery] = ()) -> None:
        """Keeps an alert that is of no article, and its deliveries, in one transaction."""
        await self._write(lambda db: telling.keep_alerts(db, [alert], deliveries))

    async def alerts(self, *, before: datetime | None = None, rule: str | None = None, limit: int = 50) -> list[Alert]:
        """The newest alerts first, those held back included."""
        return await self._read(lambda db: telling.alerts(db, before, rule, limit))

    async def alert(self, id: str) -> Alert | None:
        """One alert by its id."""
        return await self._read(lambda db: telling.alert(db, id))

    async def told(self, alert: str) -> list[Told]:
        """How each delivery of an alert stands, by receiver."""
        return await self._read(lambda db: flowing.told(db, alert))

    # How much there is

    async def backlog(self) -> list[Backlog]:
        """What lies in the outbox, by receiver."""
        return await self._read(flowing.backlog)

    async def tally(self) -> Tally:
        """How much there is, and what waits."""
        return await self._read(telling.tally)

    async def sizes(self) -> dict[str, int]:
        """Bytes by kind, and of the whole file."""
        return await self._read(pruning.sizes)

    async def probe(self) -> None:
        """Writes something and takes it away again. Raises StoreError where nothing can be written."""
        await self._write(_probe)

    async def ruined(self) -> Damaged:
        """Waits until the file turns out to be damaged, and says so: from then on nothing is read from it or written to it."""
        return await asyncio.shield(self._ruin)

    # On the thread

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        return await self._read(lambda db: db.execute(sql, values).fetchall())

    async def _read(self, work: Callable[[Database], T]) -> T:
        return await self._on_thread(lambda: opening.transaction(self._db, "BEGIN", work))

    async def _write(self, work: Callable[[Database], T]) -> T:
        # IMMEDIATE: a transaction that reads before it writes would otherwise fail at once when another process writes.
        return await self._on_thread(lambda: opening.transaction(self._db, "BEGIN IMMEDIATE", work))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        if self._ruin.done():
            raise Damaged(str(self._ruin.result()))
        return await self._run(lambda: self._patiently(work))

    async def _run(self, work: Callable[[], T]) -> T:
        # Shielded: giving up the wait does not stop the thread, so what it does is finished, not left half-done.
        under_way = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            self._left.add(under_way)
            under_way.add_done_callback(self._forget)
            raise
        except opening.Error as error:
            trouble = opening.trouble(str(self._path), self._path, error)
            if isinstance(trouble, Damaged) and not self._ruin.done():
                self._ruin.set_result(trouble)
            raise trouble from error

    def _patiently(self, work: Callable[[], T]) -> T:
        """On the thread: does it, again and again while another process writes, unless we are being closed."""
        if self._closed:
            opening.wait(self._db, opening.CLOSING)
        for _ in range(opening.TURNS - 1):
            try:
                return work()
            except opening.Error as error:
                if self._closed or not opening.busy(error):
                    raise
        return work()

    def _forget(self, left: asyncio.Future[Any]) -> None:
        self._left.discard(left)
        if not left.cancelled():
            left.exception()  # asked for: else the log has a traceback of what nobody wants to know any more


_VISITED = """
    INSERT INTO visits (source, due, whole) VALUES (?, ?, ?)
    ON CONFLICT (source) DO UPDATE SET due = excluded.due, whole = excluded.whole, leased_until = NULL
"""


_PROBE = "x" * 16_384
"""More than most articles take. A change that needs no new page is no proof: it goes well on a full disk, where an article would not;
and what is rolled back was never written."""


def _probe(db: Database) -> None:
    """Needs new pages, and lets go of them in the same transaction. No source is called ""."""
    db.execute("INSERT INTO visits (source, whole) VALUES ('', ?)", (_PROBE,))
    db.execute("DELETE FROM visits WHERE source = ''")


def _record(db: Database, plan: Plan, packed: Mapping[str, bytes]) -> None:
    """A plan in one piece; what can refuse it comes first."""
    timeline.refuse_outdated(db, plan)
    row = articles.keep(db, plan, packed)
    voices.learn(db, row, plan.article.source, plan.paragraphs, plan.at)
    timeline.keep(db, row, plan)
    telling.keep_alerts(db, plan.alerts, plan.deliveries)
    articles.stay(db, (alert.article for alert in plan.alerts))
