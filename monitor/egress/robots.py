"""Keeps to robots.txt (RFC 9309): asks for it once per origin and day, and remembers what it says to us.

protego matches the paths. It is handed only the rules that are ours: on a file of many agents and many rules its parser is
quadratic (10 s for 64 KiB), and RFC 9309 wants the whole product token compared, where protego takes a beginning of it.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from protego import Protego

from monitor.errors import FetchFailed

if TYPE_CHECKING:
    from yarl import URL

    from monitor.wire import Response

LONGEST = 500 * 1024
"""Bytes of a robots.txt that are read, as the RFC asks; the rest is left aside."""
DAY = 86_400.0
SOON = 600.0
"""Seconds until a robots.txt that could not be had is asked for again."""
ORIGINS = 10_000
ROOM = 16 * 1024 * 1024
"""How many origins are remembered, and how many characters of rules altogether."""
_QUICK = 4 * 1024
"""Characters of rules that are dealt with in a few ms, even if written in malice; more than that goes to a thread."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a robots.txt says to us. `text` is kept, not what protego makes of it: that takes up to 75 times the room."""

    text: str = ""
    delay: float = 0.0

    async def allow(self, url: str) -> bool:
        """Whether the page may be fetched."""
        return not self.text or await _aside(len(self.text), self._allow, url)

    def _allow(self, url: str) -> bool:
        return bool(Protego.parse(f"User-agent: *\n{self.text}").can_fetch(url, "*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    until: float
    rules: Rules | None
    """None: it could not be had, for the reason in `why`, and so nothing may be fetched for now."""
    why: str = ""
    kind: str = "http"


@dataclass(slots=True, kw_only=True)
class Robots:
    """The robots.txt files of the web. `ask` fetches one; `agent` is our User-Agent."""

    ask: Callable[[str], Awaitable[Response]]
    agent: str
    _known: OrderedDict[str, _Known] = field(default_factory=OrderedDict)
    _size: int = 0
    _asking: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def rules(self, url: URL) -> Rules:
        """The rules of the page's origin. Raises FetchFailed where they cannot be had: then nothing is allowed for now."""
        origin = str(url.origin())
        async with self._asking.setdefault(origin, asyncio.Lock()):  # many pages, one robots.txt
            known = self._known.get(origin)
            if known is None or known.until <= _now():
                known = await self._asked(origin, known)
                self._keep(origin, known)
        self._known.move_to_end(origin)
        if known.rules is None:
            wait = timedelta(seconds=max(known.until - _now(), 0))
            raise FetchFailed(f"robots.txt of {url.host} could not be had: {known.why}", kind=known.kind, wait=wait)
        return known.rules

    async def _asked(self, origin: str, before: _Known | None) -> _Known:
        """What it says now; where it does not answer, what it said before still holds."""
        old = before.rules if before else None
        try:
            answer = await self.ask(f"{origin}/robots.txt")
        except FetchFailed as error:
            if error.kind == "asked-to-wait":  # nobody was asked
                raise
            if error.kind == "http" and "redirects" in str(error):  # the RFC: as if there were none
                return _Known(until=_now() + DAY, rules=Rules())
            return _Known(until=_now() + SOON, rules=old, why=str(error), kind=error.kind)
        if answer.status == 429 or answer.status >= 500:
            return _Known(until=_now() + SOON, rules=old, why=f"HTTP {answer.status}")
        text = whole_lines(answer.body)  # only a 200 has one; the RFC: 4xx means that all is allowed
        return _Known(until=_now() + DAY, rules=await _aside(len(text), ours, text, self.agent))

    def _keep(self, origin: str, known: _Known) -> None:
        self._drop(origin)
        self._known[origin] = known
        self._size += _weight(known)
        while len(self._known) > ORIGINS or (self._size > ROOM and len(self._known) > 1):
            self._drop(next(iter(self._known)))

    def _drop(self, origin: str) -> None:
        gone = self._known.pop(origin, None)
        self._size -= _weight(gone) if gone else 0


def forbidden(url: URL) -> FetchFailed:
    """The error for a page that robots.txt keeps from us."""
    return FetchFailed(f"robots.txt of {url.host} asks us to stay away from this page", kind="robots")


def whole_lines(body: bytes) -> str:
    """The text without the line in which it was cut: half of "Disallow: /private" is "Disallow: /"."""
    if len(body) >= LONGEST:
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    return body.decode("utf-8-sig", errors="replace")


_LINE = re.compile(r"\s*(user[- ]?agent|allow|dis+al+[oa]w|crawl[- ]delay)\s*:\s*([^#]*)", re.IGNORECASE)
_TOKEN = re.compile(r"[\w.-]+")


def ours(text: str, agent: str) -> Rules:
    """What the file says to us by name, or else to everybody. The name is the User-Agent up to the slash."""
    me = _name(agent)
    said: dict[str, list[str]] = {}
    hearers: set[str] = set()
    speaking = False
    for line in re.split(r"[\r\n]+", text):
        found = _LINE.match(line)
        if found is None:
            continue
        key, value = found[1].lower(), found[2].strip()
        if key.startswith("user"):
            hearers = {*(() if speaking else hearers), _name(value)} & {me, "*"}
            speaking = False
            said.update({one: said.get(one, []) for one in hearers})
        else:
            speaking = True
            for one in hearers:
                said[one].append(f"{'crawl-delay' if key.startswith('c') else key}: {value}")
    lines = dict.fromkeys(said.get(me, said.get("*", [])))
    delays = [line.partition(": ")[2] for line in lines if line.startswith("crawl-delay")]
    return Rules(
        text="\n".join(line for line in lines if not line.startswith("crawl-delay")),
        delay=max(map(_seconds, delays), default=0.0),
    )


def _name(agent: str) -> str:
    """The product token: the first word up to the slash, in lower case; a lone asterisk is everybody."""
    if re.match(r"\*(?:\s|$)", agent):
        return "*"
    found = _TOKEN.match(agent)
    return found[0].lower() if found else ""


def _seconds(said: str) -> float:
    return float(said) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", said, re.ASCII) else 0.0


def _weight(known: _Known) -> int:
    return len(known.rules.text) if known.rules else 0


async def _aside(size: int, work: Callable[..., _Result], *args: object) -> _Result:
    """Does it at once where it is little, else where it cannot hold up the others."""
    return work(*args) if size <= _QUICK else await asyncio.to_thread(work, *args)


def _now() -> float:
    return asyncio.get_running_loop().time()
