"""A farm of feeds on this machine, each on a host of its own (127.16.0.1 and on), good, slow and broken; and a receiver.

    python benchmarks/farm.py --sources 5000 --journal journal.json

Prints one line of JSON once it listens: its port, and the sources with their roles. Ends on SIGTERM, and then writes what happened:
when each source was asked, when each alerting entry was first sent out, when an alert of it came in at /hook. All times are of
the machine's monotonic clock, which other processes share.

Of the sources, 5 % are broken in every way there is, 2 % take 10 to 25 seconds, 70 % have nothing new and say so with 304, the rest
bring one to three new entries whenever they are asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from typing import Any

from farm_faults import FAULTS, TYPES, powder
from farm_text import FORMATS, SHOWN, Channel, Entry, backlog, entry, page, stock

FIRST = IPv4Address("127.16.0.1")
SLOW = (10.0, 25.0)
PAGE = 60_000
"""Bytes of a page, about."""
_ALL = (20_000, 45_000, 60_000, 90_000, 130_000, 200_000)
TEASERS = 45_000
"""Bytes: a smaller feed gives teasers only."""

now = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What a farm is made of: shares of sources, and of new entries that alert. The same for the same seed."""

    sources: int = 5_000
    bad: float = 0.05
    slow: float = 0.02
    quiet: float = 0.7
    alerts: float = 0.1
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class Source:
    """One feed on its host. `role` is "quiet", "busy", "slow", or the name of a fault."""

    number: int
    role: str
    channel: Channel
    size: int
    stock: Sequence[str]
    delay: float = 0.0
    asked: int = 0

    @property
    def good(self) -> bool:
        """Whether it can be read at all."""
        return self.role not in FAULTS

    def grow(self, chance: Random, when: datetime, *, alerts: bool) -> Entry:
        """A further entry, the newest."""
        key = f"{self.number}-{self.asked}-{chance.getrandbits(48):x}"
        teaser = self.size < TEASERS
        made = entry(chance, key, self.stock, 3_000 if teaser else self.size // SHOWN, when, alerts=alerts, teaser=teaser)
        self.channel.entries.append(made)
        return made


def host(number: int) -> str:
    """The address of a source."""
    return str(FIRST + number)


def roles(mix: Mix, chance: Random) -> list[str]:
    """The role of each source, in random order."""
    names = [list(FAULTS)[at % len(FAULTS)] for at in range(round(mix.sources * mix.bad))]
    names += ["slow"] * round(mix.sources * mix.slow) + ["quiet"] * round(mix.sources * mix.quiet)
    names += ["busy"] * (mix.sources - len(names))
    chance.shuffle(names)
    return names


@dataclass(slots=True)
class Journal:
    """What happened, and when."""

    asked: list[tuple[float, int]] = field(default_factory=list)
    sent: dict[str, tuple[float, str]] = field(default_factory=dict)
    """When the text of an alerting entry was first sent, by its key, and by what: "feed" or "page"."""
    told: list[tuple[float, str]] = field(default_factory=list)
    """When the receiver got an alert, and the key of its article."""


@dataclass(slots=True, kw_only=True)
class Farm:
    """All sources, the receiver, and the journal."""

    port: int
    sources: list[Source]
    alerts: float
    chance: Random
    journal: Journal = field(default_factory=Journal)
    entries: dict[str, Entry] = field(default_factory=dict)
    """Entries that have pages, by key."""

    def answer(self, line: Line, path: str, headers: bytes, body: bytes) -> None:
        """Answers one request."""
        if path == "/hook":
            self.take(line, body)
        elif path.startswith("/page/"):
            self.show(line, path.removeprefix("/page/"))
        elif path == "/feed" and 0 <= line.source < len(self.sources):
            self.feed(line, self.sources[line.source], headers)
        else:
            line.reply(404)

    def take(self, line: Line, body: bytes) -> None:
        """An alert came in."""
        when = now()
        line.reply(200)
        url = json.loads(body)["data"]["article"]["url"]  # none where it tells of a source
        if url:
            self.journal.told.append((when, url.rpartition("/")[2]))

    def show(self, line: Line, key: str) -> None:
        """The page of an entry."""
        one = self.entries.get(key)
        if one is None:
            return line.reply(404)
        line.reply(200, page(one, PAGE), kind="text/html; charset=utf-8")
        if one.alerts:
            self.journal.sent.setdefault(key, (now(), "page"))
        return None

    def feed(self, line: Line, source: Source, headers: bytes) -> None:
        """A feed, as its role is."""
        self.journal.asked.append((now(), source.number))
        if not source.good:
            FAULTS[source.role](line, source.channel)
        elif source.delay:
            asyncio.get_running_loop().call_later(source.delay, self.serve, line, source, headers)
        else:
            self.serve(line, source, headers)

    def serve(self, line: Line, source: Source, headers: bytes) -> None:
        """304 to who knows all there is, else the feed."""
        if line.transport.is_closing():
            return
        fresh = self.news(source) if source.asked and source.role != "quiet" else []
        known = source.role == "quiet" and (b"if-none-match:" in headers or b"if-modified-since:" in headers)
        source.asked += 1
        tag = f'ETag: "{source.number}-{source.asked if source.role != "quiet" else 0}"\r\n' if source.number % 2 else ""
        line.reply(
            304 if known else 200,
            b"" if known else source.channel.render(),
            kind=TYPES[source.channel.format],
            headers=tag + "Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n",
        )
        for one in fresh:
            if one.alerts and not one.teaser:
                self.journal.sent[one.key] = (now(), "feed")

    def news(self, source: Source) -> list[Entry]:
        """One to three new entries."""
        made = [
            source.grow(self.chance, datetime.now(UTC), alerts=self.chance.random() < self.alerts)
            for _ in range(self.chance.randint(1, 3))
        ]
        self.entries |= {one.key: one for one in made if one.teaser}
        return made


def planted(mix: Mix, port: int) -> Farm:
    """A farm as `mix` says."""
    chance = Random(mix.seed)  # noqa: S311 - made-up news
    english, russian = _stocks(mix.seed)
    farm = Farm(port=port, sources=[], alerts=mix.alerts, chance=chance)
    for at, role in enumerate(roles(mix, chance)):
        channel = Channel(url=f"http://{host(at)}:{port}", format=chance.choice(FORMATS), name=f"Source {at}")
        source = Source(
            number=at,
            role=role,
            channel=channel,
            size=chance.choice(_ALL),
            stock=russian if chance.random() < 0.05 else english,
            delay=chance.uniform(*SLOW) if role == "slow" else 0.0,
        )
        _fill(farm, source)
        farm.sources.append(source)
    return farm


@cache
def _stocks(seed: int) -> tuple[list[str], list[str]]:
    chance = Random(seed)  # noqa: S311 - as above
    return stock(chance, 3_000), stock(chance, 500, cyrillic=True)


def _fill(farm: Farm, source: Source) -> None:
    """What a feed holds before anybody asks: of a quiet one and of teasers little, so that the first round is soon over."""
    held = 2 if source.role == "quiet" else 4 if source.size < TEASERS else SHOWN
    for when in backlog(datetime.now(UTC), held):
        one = source.grow(farm.chance, when, alerts=False)
        if one.teaser:
            farm.entries[one.key] = one


class Line(asyncio.Protocol):
    """One connection: just enough HTTP/1.1 for clients that behave."""

    transport: asyncio.Transport

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.got = b""
        self.source = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notes which source the connection is for. Nobody but this machine is served."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        here = IPv4Address(transport.get_extra_info("sockname")[0])
        self.source = int(here) - int(FIRST)
        if not here.is_loopback:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answers every whole request."""
        self.got += data
        while (request := self._next()) is not None and not self.transport.is_closing():
            self.farm.answer(self, *request)

    def _next(self) -> tuple[str, bytes, bytes] | None:
        head, end, rest = self.got.partition(b"\r\n\r\n")
        if not end:
            return None
        headers = head.lower()
        length = int(headers.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return None
        self.got = rest[length:]
        return head.split(b" ", 2)[1].decode("latin-1"), headers, rest[:length]

    def reply(self, status: int, body: bytes = b"", *, kind: str = "text/html", headers: str = "") -> None:
        """Answers."""
        said = "" if status == 304 else f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(f"HTTP/1.1 {status} -\r\n{said}{headers}\r\n".encode() + body)


async def opened(mix: Mix, port: int = 0) -> tuple[Farm, asyncio.Server]:
    """A farm that listens on every loopback address."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))  # noqa: S104 - 127/8 cannot be bound as a whole; `Line` drops all others
    farm = planted(mix, listener.getsockname()[1])
    powder()
    server = await asyncio.get_running_loop().create_server(lambda: Line(farm), sock=listener, backlog=1_000)
    return farm, server


def described(farm: Farm) -> dict[str, Any]:
    """What a client must know."""
    return {
        "port": farm.port,
        "sources": [{"host": host(one.number), "role": one.role, "delay": one.delay} for one in farm.sources],
    }


def written(farm: Farm) -> dict[str, Any]:
    """The journal as JSON has it."""
    journal = farm.journal
    return {"asked": journal.asked, "sent": journal.sent, "told": journal.told, "cpu": time.process_time()}


async def main() -> int:
    """Serves until told to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for one in fields(Mix):
        parser.add_argument(f"--{one.name}", type=type(one.default), default=one.default)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, required=True)
    given = parser.parse_args()
    mix = Mix(**{one.name: getattr(given, one.name) for one in fields(Mix)})
    farm, server = await opened(mix, given.port)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    print(json.dumps(described(farm)), flush=True)
    await end.wait()
    server.close()
    given.journal.write_text(json.dumps(written(farm)))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
