"""What it costs to ask once a second which sources are due: `python benchmarks/claims.py [SOURCES]`. Milliseconds of CPU a call.

Beside it, in the same run, what it costs to read every source's state each time and choose in Python.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

from monitor.model import Visit
from monitor.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=5)
LEASE = timedelta(minutes=15)
CALLS = 60


async def main(sources: int) -> None:
    """Prints a line for each situation."""
    apart = {f"source-{n}": f"host-{n}.example" for n in range(sources)}
    together = {f"source-{n}": f"host-{n % 5}.example" for n in range(sources)}
    for name, hosts, spread in (
        ("spread", apart, True),
        ("all due at once", apart, False),
        ("all due, on 5 hosts", together, False),
    ):
        with tempfile.TemporaryDirectory() as folder:
            store = await SqliteStore.open(Path(folder) / "monitor.db")
            await _visit_all(store, hosts, spread=spread)
            claims = await _times(lambda now: store.claim_sources(hosts, now, LEASE, 64))  # noqa: B023 - awaited within
            whole = await _times(lambda now: _all_states(store))  # noqa: ARG005, B023 - the same
            print(f"{sources} sources, {name}: {_told(claims)}; reading all their states: {_told(whole)}")
            await store.close()


async def _visit_all(store: SqliteStore, hosts: dict[str, str], *, spread: bool) -> None:
    for n, source in enumerate(hosts):
        due = START + (n / len(hosts) * EVERY if spread else timedelta())
        await store.visited(Visit(source=source, at=START, due=due, cursor={"etag": "x" * 64, "known": "y" * 1000}))


async def _all_states(store: SqliteStore) -> object:
    return await store._rows("SELECT source, due, leased_until FROM visits")  # noqa: SLF001 - the road not taken has no method


async def _times(call: Callable[[datetime], Awaitable[object]]) -> list[float]:
    taken = []
    for second in range(CALLS):
        before = process_time()
        await call(START + timedelta(seconds=second))
        taken.append((process_time() - before) * 1000)
    return sorted(taken)


def _told(taken: list[float]) -> str:
    return f"{median(taken):.2f} ms, at worst {taken[-1]:.2f} ms"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
