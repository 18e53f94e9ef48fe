"""The one place where outgoing connections are made: guarded at the socket, capped, polite, and never longer than their deadline.

aiohttp fetches, because it is quick; httpx delivers, because answers are small and tests can mock it. Both ask the guard about
the very address they are about to connect to: a check of the URL or of the name would miss literals, redirects and names that
change between two look-ups.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import aiohttp
import httpx
from yarl import URL

from monitor.addresses import Guard
from monitor.egress.answers import Caps, heard, taste
from monitor.egress.clients import fetching, sending, trusted
from monitor.egress.lookups import Lookups, System
from monitor.egress.mail import Relay, Way, hand_over
from monitor.egress.manners import Manners, called
from monitor.egress.robots import LONGEST, Robots, forbidden
from monitor.egress.troubles import Unusable, fetch_failed, sendable, undelivered, usable
from monitor.errors import DeliveryFailed, FetchFailed, Unreadable
from monitor.unpack import MIB
from monitor.wire import Mailed, Response, retry_after, sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from aiohttp.abc import AbstractResolver

__all__ = ["Egress", "Relay"]

HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FOR_GOOD = frozenset({301, 308})
ROBOTS_DEADLINE = 15.0

Permit = Callable[[URL], Awaitable[None]]
"""Raises FetchFailed where an address may not be asked for."""


@dataclass(slots=True, kw_only=True)
class Egress:
    """Fetches and delivers; use it as an async context manager.

    `fetches` and `deliveries` say which private networks may be reached all the same, each for its purpose. `pause` is how many
    seconds a host is left in peace between two fetches. `resolver` and `tls` are there for tests.
    """

    fetches: Guard = field(default_factory=Guard)
    deliveries: Guard = field(default_factory=Guard)
    user_agent: str = "news-tripwire-monitor"
    pause: float = 2.0
    resolver: AbstractResolver | None = None
    tls: ssl.SSLContext | None = None
    manners: Manners = field(init=False, repr=False)
    robots: Robots = field(init=False, repr=False)
    fetcher: aiohttp.ClientSession = field(init=False, repr=False)
    sender: httpx.AsyncClient = field(init=False, repr=False)
    way: Way = field(init=False, repr=False)
    _open: AsyncExitStack = field(init=False, default_factory=AsyncExitStack, repr=False)

    def __post_init__(self) -> None:
        self.manners = Manners(pause=self.pause)
        self.robots = Robots(ask=self._robots_txt, agent=self.user_agent)

    async def __aenter__(self) -> Self:
        lookups = Lookups(self.resolver or System())
        self._open.push_async_callback(lookups.close)
        tls = self.tls or trusted()
        self.fetcher = await self._open.enter_async_context(fetching(self.fetches, lookups, tls, self.user_agent))
        self.sender = await self._open.enter_async_context(sending(self.deliveries, lookups, tls, self.user_agent))
        self.way = Way(guard=self.deliveries, lookups=lookups, tls=tls)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of every connection."""
        await self._open.aclose()

    def free(self, host: str) -> bool:
        """Whether a fetch from this host could start now: nobody is at it, and it need not be left in peace."""
        return self.manners.free(host)

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

        One request at a time goes to a host, with a pause between two, and none while it asked to be left alone (429, 503).
        Waiting for our turn does not count towards `deadline` (seconds), all else does.
        """
        return await self._fetch(url, headers or {}, Caps(wire=cap_wire, body=cap_body), deadline, _anyone)

    async def page(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        cap_wire: int = 10 * MIB,
        cap_body: int = 20 * MIB,
        deadline: float = 30.0,
    ) -> Response:
        """As `get`, but only where robots.txt lets us; the one of each origin that a redirect leads to counts, too.

        The first page of an origin in a day asks for its robots.txt first, which has a deadline of its own.
        """
        return await self._fetch(url, headers or {}, Caps(wire=cap_wire, body=cap_body), deadline, self._permit)

    async def _fetch(self, url: str, headers: Mapping[str, str], caps: Caps, deadline: float, permit: Permit) -> Response:
        try:
            return await self._follow(usable(URL(url)), headers, caps, deadline, permit)
        except (aiohttp.ClientError, Unreadable, OSError, ValueError) as error:
            raise fetch_failed(error, deadline) from error

    async def _follow(self, here: URL, headers: Mapping[str, str], caps: Caps, left: float, permit: Permit) -> Response:
        moved: str | None = str(here)
        came_from = None
        for _ in range(HOPS + 1):
            await permit(here)
            answer, took = await self._visit(here, headers, caps, left, came_from)
            left -= took
            there = _next(answer, here)
            if there is None:
                return replace(answer, moved=moved if came_from else None)
            moved = str(there) if moved and answer.status in FOR_GOOD else None
            if there.origin() != here.origin():  # an ETag, a key or a cookie is meant for one place only
                headers = {name: value for name, value in headers.items() if name.lower() == "accept"}
            came_from, here = here, there
        raise FetchFailed(f"more than {HOPS} redirects")

    async def _visit(
        self, url: URL, headers: Mapping[str, str], caps: Caps, left: float, came_from: URL | None
    ) -> tuple[Response, float]:
        clock = asyncio.get_running_loop().time
        host = called(url)
        # Whom a host sends on to itself need not wait: it is the same visit.
        async with self.manners.turn(host, pause=came_from is None or called(came_from) != host):
            began = clock()
            async with asyncio.timeout(left), self.fetcher.get(url, headers=headers, allow_redirects=False) as answer:
                got = await heard(answer, str(url), caps)
            self.manners.rest(host, retry_after(got, sent(got)) or timedelta(0))
            return got, clock() - began

    async def _permit(self, url: URL) -> None:
        rules = await self.robots.rules(url)
        self.manners.slow(called(url), rules.delay)
        if not await rules.allow(str(url)):
            raise forbidden(url)

    async def _robots_txt(self, url: str) -> Response:
        caps = Caps(wire=2 * LONGEST, body=LONGEST, cut=True)
        return await self._fetch(url, {"Accept": "text/plain, */*;q=0.5"}, caps, ROBOTS_DEADLINE, _anyone)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float = 15.0) -> Response:
        """Sends `body` once and gives back the answer: any status, redirects not followed, 16 KiB at most. Raises DeliveryFailed.

        `deadline` (seconds) holds for the whole attempt. Where only the rest of the answer is late, its status still counts.
        Messages name the host alone: a webhook's path is often its secret.
        """
        try:
            target = sendable(url)
        except (Unusable, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"not a usable address: {error}", kind="blocked") from error
        known: list[Response] = []
        try:
            async with asyncio.timeout(deadline), self.sender.stream("POST", target, content=body, headers=headers) as answer:
                known.append(Response(status=answer.status_code, url=url, headers=dict(answer.headers)))
                return replace(known[0], body=await taste(answer))
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            if known:
                return known[0]
            raise undelivered(error, target.host, deadline) from error

    async def mail(  # noqa: PLR0913 - a letter has all of these
        self,
        relay: Relay,
        sender: str,
        recipients: Sequence[str],
        letter: bytes,
        *,
        together: bool = False,
        deadline: float = 15.0,
    ) -> Mailed:
        """Hands a letter to the mail server: what it said, and whom it refused. Raises DeliveryFailed where it is taken for nobody.

        `together`: nobody gets it while one of them is to have it later. `deadline` (seconds) holds for the whole attempt.
        The server is a receiver like any other: the same guard lets us reach it.
        """
        return await hand_over(relay, self.way, sender, recipients, letter, together=together, deadline=deadline)


async def _anyone(_: URL) -> None:
    """A feed is there to be fetched: nobody is asked."""


def _next(answer: Response, here: URL) -> URL | None:
    """Where a redirect leads; None: this is the answer."""
    there = answer.headers.get("location")
    if answer.status not in REDIRECTS or not there:
        return None
    return usable(here.join(URL(there)).with_fragment(None))
