"""A receiver comes back after a day, and much has waited for it: when is all of it there, and does anybody else notice?

    PYTHONPATH=. python benchmarks/outage.py                          10,000 alerts; the receiver takes 100 ms for each
    PYTHONPATH=. python benchmarks/outage.py --alerts 1000 --takes 0.02      a quick look

The real store, senders and egress, and two receivers as processes of their own. `desk` is down (nobody listens) until its breaker is open
and a probe has failed; then it is back. All the while `other` gets an alert now and then: before the return (the same 10,000 wait, and none
of them flows), and during the drain. Its latency runs from the moment at which an alert is decided to the moment at which it has arrived.

The probes of a real outage are five minutes apart, so the first delivery is up to five minutes (300 s) after the return. Here they are
`--probe` seconds apart, to be soon over: add the difference to the times after the return.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import signal
import socket
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from monitor import breaker, steps
from monitor.addresses import Guard
from monitor.egress import Egress
from monitor.model import Alert, Delivery, Visit
from monitor.schedule import TICK
from monitor.sinks.webhook import Signing, WebhookSink
from monitor.stores import open_store
from rules import Article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from monitor.ports import Store
    from monitor.steps import Senders

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of no use to anybody
DAY = timedelta(days=1)
PROMISED = "promised: first within 300 s (a probe every 5 minutes), all within 600 s"


def main() -> int:
    """Runs it, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--takes", type=float, default=0.1, help="seconds that the receiver takes for each")
    parser.add_argument("--at-once", type=int, default=8, help="deliveries under way at the same time")
    parser.add_argument("--probe", type=float, default=5, help="seconds between probes, instead of five minutes")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between alerts for the other receiver")
    parser.add_argument("--quiet", type=float, default=30, help="seconds for which the other is measured before the return")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.takes))
        return 0
    structlog.configure(processors=[_drop])
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(measured(given, Path(folder))))
    return 0


def _drop(*_: object) -> structlog.typing.EventDict:
    raise structlog.DropEvent


# A receiver, in a process of its own


async def serve(port: int, takes: float) -> None:
    """Takes webhooks until it is stopped, then prints when it got which."""
    got: list[tuple[float, str]] = []

    async def hook(request: web.Request) -> web.Response:
        got.append((time.monotonic(), request.headers["webhook-id"]))
        await request.read()
        await asyncio.sleep(takes)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hook)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await stop.wait()
    await runner.cleanup()
    print(json.dumps(got))


@dataclass
class Served:
    """A receiver that runs, and what it got, once it was stopped."""

    port: int
    process: asyncio.subprocess.Process
    got: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    async def start(cls, port: int, takes: float) -> Served:
        """Returns once it listens."""
        command = (sys.executable, __file__, f"--serve={port}", f"--takes={takes}")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, env=os.environ, limit=2**26)
        assert process.stdout
        await process.stdout.readline()
        return cls(port, process)

    async def stop(self) -> Served:
        """Stops it, and asks what it got."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = await self.process.communicate()
        self.got = [(at, alert) for at, alert in json.loads(out)]
        return self


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# The monitor's own part


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass
class Newsroom:
    """A store, its senders, and two receivers' ports. `decided`: when each alert for the other one was."""

    store: Store
    senders: Senders
    decided: dict[str, float] = field(default_factory=dict)

    async def ticks(self) -> None:
        """Looks at what is due as the schedule does."""
        while True:
            await self.senders.look()
            await asyncio.sleep(TICK)

    async def waits(self, count: int) -> None:
        """So many alerts for the desk, raised over the day before."""
        times = [now() - DAY + n * DAY / count for n in range(count)]
        alerts = [an_alert(f"alt_{n}", at) for n, at in enumerate(times)]
        deliveries = [Delivery(alert=one.id, sink="desk", body=b"{}" * 2_000, due=one.raised) for one in alerts]
        await self.store.visited(Visit(source="paper", at=now(), due=now()), alerts, deliveries)

    async def tells_the_other(self, every: float) -> None:
        """An alert now and then, and whoever is to be told is woken at once."""
        while True:
            alert = an_alert(f"other_{len(self.decided)}", now())
            self.decided[alert.id] = time.monotonic()
            await self.store.tell(alert, [Delivery(alert=alert.id, sink="other", body=b"{}" * 2_000, due=alert.raised)])
            await self.senders.look()
            await asyncio.sleep(every)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Looks once a second whether something holds."""
        while not await holds():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(1)

    async def probed(self) -> bool:
        """Whether the desk's breaker is open and a probe has failed."""
        return (await self.store.breaker("desk")).probes > 0

    async def drained(self) -> bool:
        """Whether nothing waits for the desk any more."""
        return not sum(one.waiting for one in await self.store.backlog() if one.sink == "desk")


def an_alert(id: str, at: datetime) -> Alert:
    """One alert of no particular content."""
    return Alert(
        id=id, kind="new", rule="talks", rule_title="Talks", level="high", version="1", tags=(), title="Talks",
        article=Article(id=id, title="Talks"), first_seen=at, raised=at, sightings=(),
    )  # fmt: skip


@asynccontextmanager
async def newsroom(folder: Path, ports: dict[str, int], at_once: int) -> AsyncIterator[Newsroom]:
    """The store, the way out, and the senders at work."""
    store = await open_store(f"sqlite:{folder / 'monitor.db'}", sole=True)
    here = Guard((ip_network("127.0.0.0/8"),))
    async with Egress(fetches=here, deliveries=here) as egress:
        secret = (Signing(secret=SECRET),)
        sinks = {
            name: WebhookSink(
                id=name, url=f"http://127.0.0.1:{port}/", secrets=secret, post=egress.post, clock=now, at_once=at_once
            )
            for name, port in ports.items()
        }
        chance = random.Random(7)  # noqa: S311 - spreads retries
        made = Newsroom(store, steps.senders(sinks, store=store, clock=now, jitter=lambda: chance.uniform(-1, 1)))
        tasks = [asyncio.create_task(work) for work in (made.senders.run(), made.ticks())]
        try:
            yield made
        finally:
            made.senders.close()
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)
            await store.close()


# What came of it


async def measured(given: argparse.Namespace, folder: Path) -> str:
    """One outage and its end."""
    breaker.PROBES = (timedelta(seconds=given.probe),) * 3
    other = await Served.start(free_port(), 0)
    port = free_port()
    async with newsroom(folder, {"desk": port, "other": other.port}, given.at_once) as room:
        await room.waits(given.alerts)
        await room.until(room.probed)
        telling = asyncio.create_task(room.tells_the_other(given.every))
        await asyncio.sleep(given.quiet)
        refused = (await room.store.breaker("desk")).failures
        desk, back = await Served.start(port, given.takes), time.monotonic()
        await room.until(room.drained)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await asyncio.sleep(1)  # for the last one
    return report(given, refused, back, await desk.stop(), await other.stop(), room.decided)


def report(  # noqa: PLR0913, PLR0917 - all that was measured
    given: argparse.Namespace, refused: int, back: float, desk: Served, other: Served, decided: dict[str, float]
) -> str:
    """What is printed."""
    times = [at - back for at, _ in desk.got]
    ids = [alert for _, alert in desk.got]
    drained = [at for at, _ in desk.got[1:]] or [back]
    arrived = {alert: at for at, alert in other.got}
    before = [arrived[one] - at for one, at in decided.items() if at < back]
    during = [arrived[one] - at for one, at in decided.items() if drained[0] <= at <= drained[-1]]
    lasted = times[-1] - times[0]
    lines = [
        f"{given.alerts} alerts waited; {refused} attempts failed before the return; probes were {given.probe:g} s apart (really 300 s)",
        f"first delivery {times[0]:.1f} s after the return, last {times[-1]:.1f} s; {len(ids) / lasted:.0f} a second",
        f"the receiver by itself takes {given.alerts * given.takes / given.at_once:.0f} s for all",
        f"with probes 300 s apart, the last would be there {300 + lasted:.0f} s after the return at most",
        PROMISED,
        f"taken {len(set(ids))} of {given.alerts}, {len(ids) - len(set(ids))} of them twice",
        f"oldest first: at most {most_out_of_order(ids[1:])} places off, the probe aside",
        f"the other receiver: {row(before)} before ({len(before)} alerts), {row(during)} during the drain ({len(during)})",
        f"ratio: p50 {quantile(during, 0.5) / quantile(before, 0.5):.2f}, p99 {quantile(during, 0.99) / quantile(before, 0.99):.2f}",
    ]
    return "\n".join(lines)


def most_out_of_order(ids: list[str]) -> int:
    """How far any was from where it would be, oldest first."""
    numbers = [int(one.removeprefix("alt_")) for one in dict.fromkeys(ids)]
    rank = {number: at for at, number in enumerate(sorted(numbers))}
    return max((abs(at - rank[number]) for at, number in enumerate(numbers)), default=0)


def row(values: Iterable[float]) -> str:
    """Half of them and nearly all of them, in ms."""
    found = list(values)
    return f"p50 {1000 * quantile(found, 0.5):.0f} ms, p99 {1000 * quantile(found, 0.99):.0f} ms"


def quantile(values: list[float], share: float) -> float:
    """The least value that this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.nan


if __name__ == "__main__":
    sys.exit(main())
