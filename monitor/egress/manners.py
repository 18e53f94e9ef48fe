"""How we behave towards a host: one request at a time, a pause between two, and none while it asks to be left alone.

All times are the event loop's, so that a clock that is set changes nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from monitor.errors import FetchFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from yarl import URL

HOSTS = 10_000
"""How many hosts are remembered."""
LONGEST_PAUSE = 30.0
"""A Crawl-delay beyond this many seconds is not kept: it would keep us from the news."""


@dataclass(slots=True)
class _Host:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    guests: int = 0
    """Who is at it, or waits to be."""
    left: float = -inf
    """When the last request ended."""
    pause: float = 0.0
    rest: float = -inf
    """Until when it asked to be left alone."""

    def quiet(self, now: float) -> bool:
        return not self.guests and now >= self.rest and now >= self.left + self.pause


@dataclass(slots=True, kw_only=True)
class Manners:
    """What is remembered of each host. `pause`: seconds from the end of a request to the start of the next."""

    pause: float = 2.0
    _hosts: dict[str, _Host] = field(default_factory=dict)

    def free(self, host: str) -> bool:
        """Whether a request could start now."""
        known = self._hosts.get(_plain(host))
        return known is None or known.quiet(_now())

    @asynccontextmanager
    async def turn(self, host: str, *, pause: bool = True) -> AsyncIterator[None]:
        """Holds the host, once those who came before are done and the pause is over. Raises FetchFailed while it rests."""
        known = self._known(host)
        _spare(host, known)
        known.guests += 1
        try:
            async with known.turn:
                _spare(host, known)  # the one before us may have been told to stay away
                await _until(known.left + known.pause if pause else -inf)
                try:
                    yield
                finally:
                    known.left = _now()
        finally:
            known.guests -= 1

    def rest(self, host: str, wait: timedelta) -> None:
        """Leaves the host alone for `wait`, or as long as it asked for before."""
        known = self._known(host)
        known.rest = max(known.rest, _now() + wait.total_seconds())

    def slow(self, host: str, delay: float) -> None:
        """Keeps to the host's own Crawl-delay (seconds), where that is longer than our pause."""
        self._known(host).pause = max(self.pause, min(delay, LONGEST_PAUSE))

    def _known(self, host: str) -> _Host:
        name = _plain(host)
        known = self._hosts.pop(name, None)
        if known is None:
            self._forget()
            known = _Host(pause=self.pause)
        self._hosts[name] = known  # last, as the one used most recently
        return known

    def _forget(self) -> None:
        """Makes room: first those of whom nothing matters, then those not used for longest; never one that is in use."""
        if len(self._hosts) < HOSTS:
            return
        now = _now()
        idle = [name for name, host in self._hosts.items() if host.quiet(now)]
        if len(idle) < HOSTS // 10:  # many at a time, or each new host would cost a walk through all
            idle = [name for name, host in self._hosts.items() if not host.guests][: HOSTS // 10]
        for name in idle:
            del self._hosts[name]


def called(url: URL) -> str:
    """The name under which the manners know a URL's host."""
    return _plain(url.raw_host or "")


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _spare(host: str, known: _Host) -> None:
    rest = known.rest - _now()
    if rest > 0:
        wait = timedelta(seconds=rest)
        raise FetchFailed(f"{host} asked to be left alone for another {_said(wait)}", kind="asked-to-wait", wait=wait)


def _said(wait: timedelta) -> str:
    minutes, seconds = divmod(round(wait.total_seconds()), 60)
    return f"{minutes} min" if minutes else f"{seconds} s"


async def _until(when: float) -> None:
    """Returns at `when`: one timer, and none left behind where we are cancelled."""
    loop = asyncio.get_running_loop()
    if when <= loop.time():
        return
    over = loop.create_future()
    timer = loop.call_at(when, _end, over)
    try:
        await over
    finally:
        timer.cancel()


def _end(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)
