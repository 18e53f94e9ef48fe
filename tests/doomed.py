"""The real command line, with a place to die: `python tests/doomed.py run`, told by the environment where.

DOOM says at which step and at which time it comes there ("recorded:3"): the process then says so, and kills itself as kill -9 does.
WRONG names a mistake that is built in ("settled first"), for negative controls. HASTE shortens what would be waited for: the waits
before another attempt at a delivery, and those for a digest. The product knows nothing of this: its objects are patched here, in the
daemon's own process, before its `main` is called. Its workers import this file, too, and must not be patched.
"""

# ruff: noqa: PLC0415 - workers import this file, and want nothing of it; the daemon imports what it patches
from __future__ import annotations

import functools
import inspect
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAID = "doomed at"
"""What it says last, with the step."""

Patch = Callable[[], object]
Die = Callable[[], None]
"""Called whenever the step is reached; the n-th call does not return."""

Keen = Callable[[Any], bool]


def dying(step: str, at: int) -> Die:
    """Dies when called for the n-th time."""
    left = at

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.write(2, f"{SAID} {step}\n".encode())  # nothing else would be sure to be out in time
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def instead(owner: Any, name: str, other: object) -> None:
    """Puts something else in the place of a function, method or value of `owner`."""
    setattr(owner, name, other)


def before(owner: Any, name: str, die: Die, keen: Keen = lambda _: True) -> None:
    """Dies just before this function or method of `owner` does anything; `keen` says of which arguments, as a tuple."""
    wrapped = getattr(owner, name)

    @functools.wraps(wrapped)
    def call(*args: Any, **named: Any) -> Any:
        if keen(args):
            die()
        return wrapped(*args, **named)

    instead(owner, name, call)


def after(owner: Any, name: str, die: Die, keen: Keen = lambda _: True) -> None:
    """Dies when it has done all that it does, and nobody knows of it yet; `keen` says of which results."""
    wrapped = getattr(owner, name)

    @functools.wraps(wrapped)
    async def later(*args: Any, **named: Any) -> Any:
        result = await wrapped(*args, **named)
        if keen(result):
            die()
        return result

    @functools.wraps(wrapped)
    def now(*args: Any, **named: Any) -> Any:
        result = wrapped(*args, **named)
        if keen(result):
            die()
        return result

    instead(owner, name, later if inspect.iscoroutinefunction(wrapped) else now)


# Where it may die


def _migrating(die: Die) -> None:
    """After any statement of a migration."""
    from monitor.stores.migrations import migrations

    wrapped = migrations.apply

    def apply(db: Any, *args: Any, **named: Any) -> Any:
        after(db, "execute", die)
        try:
            return wrapped(db, *args, **named)
        finally:
            del db.execute

    instead(migrations, "apply", apply)


SPARE = 3
"""Pages by which the file may grow before it is over."""


def _checkpointing(die: Die) -> None:
    """In the middle of what SQLite does on its own, where no Python is called: writing the log into the file.

    Files may not grow any more beyond the size that this one has, but for a few pages, and who tries is killed by the system. Only a
    checkpoint makes this file grow, and the log is kept far shorter. `die` is not called: the signal is another one.
    """
    from monitor.stores import opening

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and can only change that here
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wrapped = opening.transaction

    def transaction(db: Any, *args: Any) -> Any:
        result = wrapped(db, *args)
        file = next(row[2] for row in db.execute("PRAGMA database_list"))
        if file and Path(file).stat().st_size > SIZE and not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            instead(opening, "transaction", wrapped)
            most = Path(file).stat().st_size + SPARE * db.execute("PRAGMA page_size").fetchone()[0]
            db.execute("PRAGMA wal_autocheckpoint=20")
            os.write(2, f"{SAID} checkpoint with {most} bytes\n".encode())
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        return result

    instead(opening, "transaction", transaction)


SIZE = 300_000
"""Bytes that the file has when it may die so: more than the log ever has then."""


def _points(die: Die) -> dict[str, Patch]:
    """How the process is made to die at each step."""
    from monitor import desk
    from monitor.sinks.webhook import WebhookSink
    from monitor.stores import backup, sqlite
    from monitor.stores.sqlite import SqliteStore
    from monitor.workers import Workers

    return {
        "migrating": lambda: _migrating(die),
        "started": lambda: after(SqliteStore, "release", die),
        "fetched": lambda: before(Workers, "parse_feed", die),
        "parsed": lambda: after(Workers, "parse_feed", die),
        "planned": lambda: before(SqliteStore, "record", die, keen=lambda args: bool(args[1].events)),
        "recording": lambda: after(sqlite, "_record", die),  # all is written and nothing committed
        "recorded": lambda: after(SqliteStore, "record", die),
        "visiting": lambda: before(SqliteStore, "visited", die),
        "visited": lambda: after(SqliteStore, "visited", die),
        "claimed": lambda: after(SqliteStore, "claim", die, keen=bool),
        "sent": lambda: after(WebhookSink, "send", die),
        "settled": lambda: after(SqliteStore, "settle", die),
        "gathered": lambda: after(desk, "gathered", die),
        "digested": lambda: after(SqliteStore, "digested", die),
        "reloading": lambda: after(Workers, "swap", die),  # new workers, old rules
        "checkpoint": lambda: _checkpointing(die),
        "backup": lambda: [before(backup, name, die) for name in ("_proved", "_put")],  # type: ignore[func-returns-value]  # copied; read through
    }


# What would take long


def hurry() -> None:
    """What failed is tried again within a second, and a digest is due at once: how long it waits is tested elsewhere."""
    from datetime import timedelta

    from monitor import breaker, policy, schedule
    from monitor.desk import choices

    soon = timedelta(milliseconds=100)
    instead(policy, "TRIES", tuple(soon * min(number, 8) for number in range(len(policy.TRIES))))
    instead(breaker, "PROBES", tuple(soon for _ in breaker.PROBES))
    instead(choices, "next_digest", lambda _receiver, after: after)
    instead(schedule, "ATTEND", 0.25)


# Mistakes


def _note_store(found: list[Any]) -> None:
    """Notes the store as it is opened."""
    from monitor.stores.sqlite import SqliteStore

    wrapped = SqliteStore.__init__

    def opened(self: Any, *args: Any, **named: Any) -> None:
        wrapped(self, *args, **named)
        found[:] = [self]

    instead(SqliteStore, "__init__", opened)


def _settled_first() -> None:
    """A delivery is settled as sent when it is claimed, and sent then."""
    from datetime import UTC, datetime

    from monitor.model import Attempt, Sent
    from monitor.stores.sqlite import SqliteStore

    wrapped = SqliteStore.claim

    async def claim(self: Any, *args: Any, **named: Any) -> Any:
        claimed = await wrapped(self, *args, **named)
        for one in claimed:
            await self.settle(one, Sent(datetime.now(UTC)), Attempt(began=datetime.now(UTC)))
        return claimed

    instead(SqliteStore, "claim", claim)


def _cursor_first() -> None:
    """The cursor is kept when a source has answered, and its articles are recorded then."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from monitor.model import Visit
    from monitor.sources.feed import FeedSource

    store: list[Any] = []
    _note_store(store)
    wrapped = FeedSource.fetch

    async def fetch(self: Any, cursor: Any) -> Any:
        fetched = await wrapped(self, cursor)
        now = datetime.now(UTC)
        last = await store[0].last_visit(self.id) or Visit(source=self.id, at=now, due=now)
        await store[0].visited(replace(last, cursor=fetched.cursor))
        return fetched

    instead(FeedSource, "fetch", fetch)


def _ids_at_random() -> None:
    """An alert has another id each time that it is decided on, and is kept in a transaction of its own before its article."""
    import secrets
    from dataclasses import replace

    from monitor.stores.sqlite import SqliteStore

    wrapped = SqliteStore.record

    async def record(self: Any, plan: Any) -> None:
        for alert in plan.alerts:
            other = replace(alert, id=f"alt_{secrets.token_hex(8)}")
            await self.tell(other, [replace(one, alert=other.id) for one in plan.deliveries if one.alert == alert.id])
        await wrapped(self, replace(plan, alerts=(), deliveries=()))

    instead(SqliteStore, "record", record)


MISTAKES: dict[str, Patch] = {
    "settled first": _settled_first,
    "cursor first": _cursor_first,
    "ids at random": _ids_at_random,
}


def main() -> None:
    """Makes it mortal, and runs it."""
    step, _, at = os.environ.pop("DOOM", "").partition(":")
    if step:
        _points(dying(step, int(at)))[step]()
    if wrong := os.environ.pop("WRONG", ""):
        MISTAKES[wrong]()
    if os.environ.pop("HASTE", ""):
        hurry()
    from monitor.cli import main

    main()


if __name__ == "__main__":
    main()
