"""The listening socket, and what one client may cost: aiohttp's server waits for ever for a request that never ends.

A connection is cut off when it has not sent a whole request within ten seconds, from its first moment or from the first byte of the
next request, and when it does not take its answer; so many connections there are at most, and so many from one address.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import structlog
from aiohttp import web

from monitor.errors import ConfigError

log = structlog.get_logger("monitor.web")

LINE = 4_096
"""Characters of the request line, and of one header."""
HEADERS = 64
CLOSING = 1.0
"""Seconds that requests under way get when the monitor stops."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""On every answer, unless it says otherwise."""


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Calls it off."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something after so many seconds, as a loop's call_later does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`request` and `answer`: seconds for a whole request, and for taking its answer; `idle`: seconds between two requests."""

    connections: int = 256
    per_address: int = 16
    request: float = 10.0
    answer: float = 30.0
    idle: float = 30.0


def dressed(response: web.StreamResponse) -> None:
    """Gives an answer the headers that all have."""
    response.headers["Server"] = "monitor"  # aiohttp names its version, and Python's
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)


@dataclass(slots=True)
class Guests:
    """Who is connected."""

    limits: Limits
    later: Later
    _count: Counter[str] = field(default_factory=Counter)
    _full: bool = False

    def admit(self, address: str) -> bool:
        """Whether one more may come from there."""
        if self._count.total() >= self.limits.connections or self._count[address] >= self.limits.per_address:
            if not self._full:
                log.warning("connections refused", connections=self._count.total(), address=address)
            self._full = True
            return False
        self._full = False
        self._count[address] += 1
        return True

    def leave(self, address: str) -> None:
        """One of them is gone."""
        self._count[address] -= 1
        if self._count[address] <= 0:
            del self._count[address]


class Connection(web.RequestHandler):
    """One client, cut off when it is too slow."""

    __slots__ = ("_address", "_busy", "_cut", "_guests")

    def __init__(self, server: web.Server, guests: Guests, **limits: Any) -> None:
        super().__init__(server, **limits)
        self._guests = guests
        self._address: str | None = None
        self._cut: Timer | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets it in, or closes it at once."""
        address = str((transport.get_extra_info("peername") or ("?",))[0])
        if not self._guests.admit(address):
            cast("asyncio.Transport", transport).abort()
            return
        self._address = address
        super().connection_made(transport)
        self._cut_after(self._guests.limits.request)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone."""
        self._keep()
        if self._address is not None:
            self._guests.leave(self._address)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request has come; the time for all of it runs from its first byte."""
        if self._address is None:
            return
        if self._cut is None and not self._busy:
            self._cut_after(self._guests.limits.request)
        super().data_received(data)

    def complete(self) -> None:
        """The whole request is here: it may take its time now."""
        self._busy = True
        self._keep()

    def over(self) -> None:
        """It was dealt with."""
        self._busy = False

    async def finish_response(self, request: Any, resp: Any, start_time: float | None) -> tuple[web.StreamResponse, bool]:
        """Sends the answer, to a client that takes it."""
        self._cut_after(self._guests.limits.answer)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._keep()

    def handle_error(  # the request and the message are what was sent, or say it
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """The answer to what is no HTTP: no word of what was sent comes back, nor into the log."""
        response = web.Response(status=status, text=f"{status}: {'Bad Request' if status < 500 else 'Internal Server Error'}\n")
        response.force_close()
        dressed(response)
        if status >= 500:
            log.error("no answer", exc_info=exc)
        return response

    def _cut_after(self, seconds: float) -> None:
        self._keep()
        self._cut = self._guests.later(seconds, self._cut_off)

    def _keep(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None

    def _cut_off(self) -> None:
        self._cut = None
        if self.transport is not None:
            self.transport.abort()


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, limits: Limits | None = None, later: Later | None = None
) -> AsyncIterator[list[tuple[str, int]]]:
    """Answers on this address while this lasts; gives the addresses, the port chosen where it was 0. Raises ConfigError."""
    loop, allowed = asyncio.get_running_loop(), limits or Limits()
    guests = Guests(allowed, later or loop.call_later)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING)
    await runner.setup()
    try:
        listener = await _listen(loop, lambda: _connection(runner, guests, allowed), host, port)
        try:
            yield [one.getsockname()[:2] for one in listener.sockets]
        finally:
            listener.close()
    finally:
        await runner.cleanup()


async def _listen(
    loop: asyncio.AbstractEventLoop, connection: Callable[[], Connection], host: str, port: int
) -> asyncio.base_events.Server:
    try:
        return await loop.create_server(connection, host, port, backlog=128)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"settings: listen: {host}:{port} cannot be listened on: {reason}: name another port") from error


def _connection(runner: web.AppRunner, guests: Guests, limits: Limits) -> Connection:
    assert runner.server is not None
    return Connection(
        runner.server,
        guests,
        loop=asyncio.get_running_loop(),
        access_log=None,
        keepalive_timeout=limits.idle,
        max_line_size=LINE,
        max_field_size=LINE,
        max_headers=HEADERS,
        lingering_time=limits.request,
    )
