"""Looks up names, and gives up on those that take too long: a name server that hangs must hold up nobody else's look-up."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

LIMIT = 5.0
"""Seconds for one name."""


class NoAddress(OSError):
    """A name that cannot be looked up, in words."""


@dataclass(frozen=True, slots=True)
class Lookups(AbstractResolver):
    """Any resolver, with the limit. Raises OSError, never a TimeoutError, which would be taken for the whole request's."""

    inner: AbstractResolver

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses of `host`, at least one. Raises OSError."""
        try:
            async with asyncio.timeout(LIMIT):
                found = await self.inner.resolve(host, port, family)
        except TimeoutError as error:
            raise NoAddress(f"looking up the host name took more than {LIMIT:g} s") from error
        if not found:
            raise NoAddress("the host name has no address")
        return found

    async def close(self) -> None:
        """Lets go of its threads, if it has any."""
        await self.inner.close()


@dataclass(frozen=True, slots=True)
class System(AbstractResolver):
    """The system's look-up, in threads of its own: six hanging names would fill the loop's, which others need."""

    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32, "look-up"))

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self.threads, ask)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            {"hostname": host, "host": str(address[0]), "port": port, "family": kind, "proto": proto, "flags": numeric}
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Lets go of the threads; one that hangs ends by itself."""
        self.threads.shutdown(wait=False, cancel_futures=True)
