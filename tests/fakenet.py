"""A small network to break: raw servers that follow a script, a resolver that does, and a clock that jumps.

127.0.0.2 plays the internet, 127.0.0.1 the private network; the guards in tests allow the first only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.addresses import Guard
from monitor.egress import Egress

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnews"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: spares tests without TLS the reading of all authorities."""

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A raw server: it writes what `pages` has for a path, else whatever `script` likes; `seen` holds the head of every request."""

    script: Script
    host: str = PUBLIC
    port: int = 0
    pages: Mapping[str, bytes] = field(default_factory=dict)
    secure: bool = False
    seen: list[str] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _now: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            self.seen.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            page = self.pages.get(self.paths()[-1])
            await (answer(page) if page is not None else self.script)(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._now -= 1
            writer.close()

    def url(self, host: str | None = None, path: str = "/feed") -> str:
        return f"http{'s' if self.secure else ''}://{host or self.host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.seen]


@asynccontextmanager
async def serving(
    script: Script,
    host: str = PUBLIC,
    *,
    port: int = 0,
    pages: Mapping[str, bytes] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    server = Server(script, host, pages=pages or {}, secure=tls is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await server.serve(reader, writer)

    listening = await asyncio.start_server(accept, host, port, ssl=tls, backlog=2_000)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


# Scripts.


def answer(data: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return script


def answers(*data: bytes) -> Script:
    """One after the other, the last for ever."""
    left = list(data)

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return script


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode()


def text(body: str) -> bytes:
    return head(f"Content-Length: {len(body.encode())}") + body.encode()


def redirect(target: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


def drip(start: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return script


def flood(start: bytes, piece: bytes, times: int | None = None) -> Script:
    """The same piece over and over: for ever, or so many times."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        sent = 0
        while times is None or sent < times:
            writer.write(piece)
            await writer.drain()
            sent += 1

    return script


def reset_after(data: bytes) -> Script:
    """Writes this much, then breaks off the hard way: a reset, not an end."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return script


# Names.


@dataclass
class Names(AbstractResolver):
    """Answers look-ups from a script, one answer after the other, the last for ever; figures by the system, never by DNS.

    A name that stands in `broken` raises; one in `hanging` waits until its event is set.
    """

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    broken: Mapping[str, OSError] = field(default_factory=dict)
    hanging: Mapping[str, asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        if host in self.hanging:
            await self.hanging[host].wait()
        if host in self.broken:
            raise self.broken[host]
        return [
            {
                "hostname": host,
                "host": one,
                "port": port,
                "family": socket.AF_INET6 if ":" in one else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for one in self._found(host, port)
        ]

    def _found(self, host: str, port: int) -> Sequence[str]:
        if host in self.names:
            return self.names[host].pop(0) if len(self.names[host]) > 1 else self.names[host][0]
        if host.rstrip(".") == "localhost":
            return [PRIVATE]
        flags = socket.AI_NUMERICHOST
        return [str(info[4][0]) for info in socket.getaddrinfo(host.rstrip("."), port, type=socket.SOCK_STREAM, flags=flags)]

    async def close(self) -> None:
        pass


# Time.


class Clock:
    """The running loop's clock, which can be moved on: timers that are due then ring at once."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        real = loop.time
        self.ahead = 0.0
        setattr(loop, "time", lambda: real() + self.ahead)  # noqa: B010 - a method is replaced, which mypy would not have

    async def jump(self, seconds: float) -> None:
        self.ahead += seconds
        await settled()


async def settled() -> None:
    """Lets everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(fact: Callable[[], bool]) -> None:
    """Returns once it is so; a test that waits in vain is ended by its timeout."""
    while not fact():  # noqa: ASYNC110 - a fact of any kind, on any object
        await asyncio.sleep(0.001)


async def ended(task: asyncio.Task[object]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


# The way out.


@asynccontextmanager
async def egress(
    names: AbstractResolver | None = None,
    allow: str = f"{PUBLIC}/32",
    *,
    pause: float = 0.0,
    tls: ssl.SSLContext = NO_TLS,
    agent: str = "tripwire-test/1.0",
) -> AsyncIterator[Egress]:
    guard = Guard.of([allow])
    async with Egress(fetches=guard, deliveries=guard, user_agent=agent, resolver=names or Names(), pause=pause, tls=tls) as out:
        yield out
