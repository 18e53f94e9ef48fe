"""Who is let in: the one middleware through which every request goes, whatever its path, and the headers that every answer has.

Closed by default: what is not named as open needs the token. The host that is asked for must be one of ours, or a web page that a
user of this machine looks at could ask us in its own name (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import structlog
from aiohttp import web

from monitor.web.connections import Connection, dressed

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[^:\[\]\s]{1,255})(?::[0-9]{1,5})?", re.ASCII)

MINUTE = 60.0
WRONG = 5
"""Wrong tokens a minute and address."""
STRANGERS = 1_000
"""Addresses that are remembered for wrong tokens."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("monitor.web")


@dataclass(slots=True)
class Tries:
    """Wrong tokens by address, of the last minute."""

    clock: Callable[[], float]
    _wrong: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    def too_many(self, address: str) -> bool:
        """Whether this address has to wait."""
        return len(self._recent(address)) >= WRONG

    def note(self, address: str) -> None:
        """One more; of too many addresses the one heard of longest ago is forgotten."""
        self._wrong[address] = [*self._recent(address), self.clock()]
        self._wrong.move_to_end(address)
        if len(self._wrong) > STRANGERS:
            self._wrong.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self.clock() - MINUTE
        return [at for at in self._wrong.get(address, ()) if at > since]


class Door:
    """Lets requests in. `public` are the handlers that need no token; `token` None: none does."""

    def __init__(self, *, token: str | None, hosts: Collection[str], public: Collection[Any], clock: Callable[[], float]) -> None:
        self._digest = sha256(token.encode()).digest() if token is not None else None
        self._hosts = LOCAL | {one.lower() for one in hosts}
        self._public = frozenset(public)
        self._tries = Tries(clock)

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._let_in(request, handler)

        self.middleware = middleware

    async def dress(self, _: web.BaseRequest, response: web.StreamResponse) -> None:
        """Gives an answer the headers that all have."""
        dressed(response)

    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._refuse(request)
        await request.read()  # the whole request is here before anything is done; a large one is refused, a slow one is cut off
        with _under_way(request):
            try:
                return await handler(request)
            except web.HTTPException:
                raise
            except Exception:  # one answer is lost; what is wrong is for the log, not for whoever asks
                log.exception("no answer", path=request.path[:200])
                raise web.HTTPInternalServerError from None

    def _refuse(self, request: web.Request) -> None:
        """Raises what is answered to a request that is not let in."""
        if not request.raw_path.startswith("/"):  # "GET http://elsewhere/": we are nobody's proxy
            raise web.HTTPBadRequest(text="400: Bad Request")
        if not self._is_ours(request.headers.getall("Host", [])):
            raise web.HTTPMisdirectedRequest(text="421: this monitor is not called that: name it under settings: hosts\n")
        if self._digest is not None and request.match_info.handler not in self._public:
            self._ask(request, self._digest)

    def _is_ours(self, given: list[str]) -> bool:
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        return found is not None and found[1] in self._hosts

    def _ask(self, request: web.Request, digest: bytes) -> None:
        address = network(request.remote)
        if self._tries.too_many(address):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "60"}, text="429: too many wrong tokens: wait a minute\n")
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        right = compare_digest(sha256(given.strip().encode("utf-8", "surrogateescape")).digest(), digest)
        if kind.lower() == "bearer" and right:
            return
        if given:
            self._tries.note(address)
            log.warning("wrong token", address=address)
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}, text="401: Authorization: Bearer TOKEN is needed\n")


def network(address: str | None) -> str:
    """What one client has for itself: an IPv4 address; of IPv6, a /64."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class _under_way:  # noqa: N801 - reads as what it is: with _under_way(request)
    """While this lasts the request is complete, and its connection is not cut off."""

    def __init__(self, request: web.Request) -> None:
        self._connection = request.protocol if isinstance(request.protocol, Connection) else None

    def __enter__(self) -> None:
        if self._connection:
            self._connection.complete()

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.over()
