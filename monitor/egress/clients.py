"""The two clients, each with a guard at its socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import certifi
import httpcore
import httpx

from monitor.addresses import Blocked, Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from aiohttp.abc import AbstractResolver


@asynccontextmanager
async def fetching(
    guard: Guard, resolver: AbstractResolver, tls: ssl.SSLContext, agent: str
) -> AsyncIterator[aiohttp.ClientSession]:
    """The client that fetches."""
    connector = aiohttp.TCPConnector(resolver=resolver, ssl=tls, socket_factory=_guarded(guard), limit=100)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        # We unpack by ourselves, so that what came over the wire and what it became can both be counted.
        auto_decompress=False,
        headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        trust_env=False,  # a proxy would resolve names behind the guard's back
    ) as session:
        yield session


def _guarded(guard: Guard) -> Callable[[Any], socket.socket]:
    def make(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, proto, _, address = info
        guard.check(str(address[0]), int(address[1]))
        return socket.socket(family, kind, proto)

    return make


@asynccontextmanager
async def sending(guard: Guard, resolver: AbstractResolver, tls: ssl.SSLContext, agent: str) -> AsyncIterator[httpx.AsyncClient]:
    """The client that delivers."""
    transport = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=httpx.Limits(max_keepalive_connections=20))
    # httpx 0.28 has no public way to give its pool a backend (hence the pin); a test connects to a forbidden address to watch it.
    transport._pool._network_backend = _Backend(guard, resolver)  # noqa: SLF001
    async with httpx.AsyncClient(
        transport=transport,
        headers={"User-Agent": agent, "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(None, connect=5.0, pool=5.0),
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield client


@dataclass(frozen=True, slots=True)
class _Backend(httpcore.AsyncNetworkBackend):
    """Looks a name up once and connects to the address that was checked; TLS still checks the name."""

    guard: Guard
    resolver: AbstractResolver
    inner: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception = OSError("the name has no address")
        for found in await self.resolver.resolve(host, port, socket.AF_UNSPEC):
            try:
                self.guard.check(found["host"], port)
                return _Stream(await self.inner.connect_tcp(found["host"], port, timeout, local_address, socket_options))
            except (OSError, httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        raise Blocked(f"blocked socket {path}")


@dataclass(frozen=True, slots=True)
class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed where its TLS handshake is cancelled: httpcore 1.0 closes it only where the handshake fails."""

    inner: httpcore.AsyncNetworkStream

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self.inner.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self.inner.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        return await self.inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        await self.inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


def trusted() -> ssl.SSLContext:
    """The system's certificate authorities (a company's own are there) and Mozilla's (slim containers have no others)."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
