"""The one place where outgoing connections are made: guarded at the socket, capped, and never longer than their deadline.

aiohttp fetches, because it is quick; httpx delivers, because answers are small and tests can mock it. Both ask the guard about
the very address they are about to connect to: a check of the URL or of the name would miss literals, redirects and names that
change between two look-ups.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

import aiohttp
import certifi
import httpcore
import httpx
from yarl import URL

from monitor.addresses import Blocked, Guard
from monitor.errors import DeliveryFailed, FetchFailed, Unreadable
from monitor.unpack import MIB, Unpacker
from monitor.wire import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from aiohttp.abc import AbstractResolver

HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TASTE = 16 * 1024
"""How much of a receiver's answer is read."""
_LONGEST_URL = 4_096


@dataclass(slots=True, kw_only=True)
class Egress:
    """Fetches and delivers; use it as an async context manager.

    `guard` says which private networks may be reached all the same. `resolver` and `tls` are there for tests.
    """

    guard: Guard = field(default_factory=Guard)
    user_agent: str = "news-tripwire-monitor"
    resolver: AbstractResolver | None = None
    tls: ssl.SSLContext | None = None
    per_host: int = 1
    fetcher: aiohttp.ClientSession = field(init=False)
    sender: httpx.AsyncClient = field(init=False)
    _open: AsyncExitStack = field(init=False, default_factory=AsyncExitStack, repr=False)
    _hosts: WeakValueDictionary[str, asyncio.Semaphore] = field(init=False, default_factory=WeakValueDictionary, repr=False)

    async def __aenter__(self) -> Self:
        resolver = self.resolver or aiohttp.ThreadedResolver()
        tls = self.tls or _trusted()
        self.fetcher = await self._open.enter_async_context(_fetcher(self.guard, resolver, tls, self.user_agent))
        self.sender = await self._open.enter_async_context(_sender(self.guard, resolver, tls, self.user_agent))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of every connection."""
        await self._open.aclose()

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        cap_wire: int = 10 * MIB,
        cap_body: int = 20 * MIB,
        deadline: float = 30.0,
    ) -> Response:
        """What `url` answers, after at most five redirects; any status, but only a 200 with its body. Raises FetchFailed.

        One request at a time goes to a host; waiting for our turn does not count towards `deadline` (seconds), all else does.
        """
        try:
            return await self._follow(url, headers or {}, _Caps(cap_wire, cap_body), deadline)
        except TimeoutError as error:
            raise FetchFailed(f"timed out after {deadline:g} s") from error
        except (Unreadable, aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(_reason(error)) from error

    async def _follow(self, url: str, headers: Mapping[str, str], caps: _Caps, left: float) -> Response:
        here = _checked(URL(url))
        for _ in range(HOPS + 1):
            answer, took = await self._visit(here, headers, caps, left)
            left -= took
            there = _next(answer, here)
            if there is None:
                return answer
            if there.origin() != here.origin():
                headers = {}  # an ETag, a key or a cookie is meant for one place only
            here = there
        raise Unreadable(f"more than {HOPS} redirects")

    async def _visit(self, url: URL, headers: Mapping[str, str], caps: _Caps, left: float) -> tuple[Response, float]:
        turn = self._hosts.setdefault(str(url.host), asyncio.Semaphore(self.per_host))
        clock = asyncio.get_running_loop().time
        async with turn:
            began = clock()
            async with asyncio.timeout(left), self.fetcher.get(url, headers=headers, allow_redirects=False) as answer:
                body = await _body(answer, caps) if answer.status == 200 else b""
                heard = Response(status=answer.status, url=str(url), headers=_lower(answer.headers.items()), body=body)
            return heard, clock() - began

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float = 15.0) -> Response:
        """Sends `body` once and gives back the answer: any status, redirects not followed, 16 KiB at most. Raises DeliveryFailed.

        `deadline` (seconds) holds for the whole attempt. Where only the rest of the answer is late, its status still counts.
        Messages name the host alone: a webhook's path is often its secret.
        """
        try:
            target = _sendable(url)
        except (Unreadable, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"not a usable address: {error}") from error
        heard: list[Response] = []
        try:
            async with asyncio.timeout(deadline):
                async with self.sender.stream("POST", target, content=body, headers=headers) as answer:
                    heard.append(Response(status=answer.status_code, url=url, headers=_lower(answer.headers.items())))
                    tasted = await _taste(answer)
                return Response(status=heard[0].status, url=url, headers=heard[0].headers, body=tasted)
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            if heard:
                return heard[0]
            why = f"timed out after {deadline:g} s" if isinstance(error, TimeoutError) else _reason(error)
            raise DeliveryFailed(f"{target.host}: {why}") from error


# Addresses, before anything is connected.


def _checked(url: URL) -> URL:
    """The URL, if it may be asked for at all; which machine it leads to is for the guard to see."""
    if url.scheme not in ("http", "https") or not url.host:
        raise Unreadable("not an http or https address")
    if url.user is not None or url.password is not None:
        raise Unreadable("addresses with a user name or password are not used")
    if len(str(url)) > _LONGEST_URL:
        raise Unreadable("the address is too long")
    return url


def _sendable(url: str) -> httpx.URL:
    """As `_checked`, by the parser that will make the connection: two parsers may differ on what the host is."""
    target = httpx.URL(url)
    if target.scheme not in ("http", "https") or not target.host:
        raise Unreadable("neither http nor https")
    if target.userinfo:
        raise Unreadable("it has a user name or password in it")
    return target


def _next(answer: Response, here: URL) -> URL | None:
    """Where a redirect leads; None: this is the answer."""
    there = answer.headers.get("location")
    if answer.status not in REDIRECTS or not there:
        return None
    return _checked(here.join(URL(there)))


# The two clients, each with the guard at its socket.


@asynccontextmanager
async def _fetcher(
    guard: Guard, resolver: AbstractResolver, tls: ssl.SSLContext, agent: str
) -> AsyncIterator[aiohttp.ClientSession]:
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
async def _sender(guard: Guard, resolver: AbstractResolver, tls: ssl.SSLContext, agent: str) -> AsyncIterator[httpx.AsyncClient]:
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
                return await self.inner.connect_tcp(found["host"], port, timeout, local_address, socket_options)
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

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _trusted() -> ssl.SSLContext:
    """The system's certificate authorities (a company's own are there) and Mozilla's (slim containers have no others)."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


# Bodies.


@dataclass(frozen=True, slots=True)
class _Caps:
    wire: int
    body: int


async def _body(answer: aiohttp.ClientResponse, caps: _Caps) -> bytes:
    """The unpacked body, refused as soon as it is seen to be too large."""
    unpacker = Unpacker(answer.headers.get("Content-Encoding", ""), caps.wire, caps.body)
    unpacker.expect(answer.content_length)
    async for chunk in answer.content.iter_chunked(64 * 1024):
        unpacker.feed(chunk)
    return bytes(unpacker.unpacked)


async def _taste(answer: httpx.Response) -> bytes:
    """The first 16 KiB as they came; leaving the rest unread closes the connection."""
    tasted = bytearray()
    async for chunk in answer.aiter_raw(4096):
        tasted += chunk
        if len(tasted) >= TASTE:
            break
    return bytes(tasted[:TASTE])


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name; of a repeated one the last counts."""
    return {name.lower(): value for name, value in headers}


# What went wrong, in one plain line and without the URL.

_REASONS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str]] = (
    ((aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError), "the TLS certificate is not valid for this host"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "TLS failed"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "the host name was not found"),
    ((aiohttp.ServerTimeoutError, httpx.TimeoutException, httpcore.TimeoutException, TimeoutError), "connecting took too long"),
    ((aiohttp.ClientConnectorError, httpx.ConnectError, httpcore.ConnectError, ConnectionRefusedError), "cannot connect"),
    ((aiohttp.InvalidURL, httpx.InvalidURL, ValueError), "not a usable address"),
    ((aiohttp.ClientResponseError, httpx.ProtocolError), "the answer is not proper HTTP"),
)


def _reason(error: BaseException) -> str:
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, Unreadable | Blocked):
            return str(one)
        if "blocked " in str(one) and isinstance(one, OSError):
            return "blocked address"  # several addresses, each refused in its own words
    for kinds, words in _REASONS:
        if any(isinstance(one, kinds) for one in chain):
            return words
    return "the connection broke off"


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    """An error and what it was raised from, or while."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
