"""Twenty newspapers and three receivers on this machine: all that is outside of a daemon, and goes on when it dies.

A paper brings new stories when it is asked, and trusts the cursor that it is handed: what came before it is not sent again. Receivers fail
one time in ten, always at the same requests for the same seed.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

PAPERS = 20
AT_ONCE = ("desk", "wire")
GATHERED = "paper"
"""The receiver that has all in digests."""

LETTERS = "abcdefgh"

RULES = "rules:\n" + "".join(
    f"""  - id: gate-{letter}
    title: "Gate {{gate}} closed"
    level: high
    when: {{any: ['/gate (?P<gate>{letter}\\d+) was closed/']}}
    once: {{per: [gate], within: 30d}}
"""
    for letter in LETTERS
)

_WHO = "the harbour office|the council|a spokeswoman|the night shift|the pilots' guild|a clerk".split("|")
_SAID = "said|wrote|noted|added|recalled|confirmed".split("|")
_WHAT = "the dredging would take a week|two cranes stood idle|nobody was waiting|the ferry left on time|the tide was late".split(
    "|"
)


@dataclass(frozen=True, slots=True)
class Story:
    """One story as a paper has it. `gate` is what the rule looks for; None: nothing is in it. A copy has another's gate and text."""

    paper: int
    number: int
    gate: str | None
    title: str
    text: str
    at: datetime


def told(chance: Random, gate: str | None) -> str:
    """A text of our own; the same for the same chance."""
    lines = [f"Along the quays {chance.choice(_WHO)} {chance.choice(_SAID)} that {chance.choice(_WHAT)}." for _ in range(6)]
    if gate:
        lines.insert(
            chance.randrange(1, 5), f"In the morning gate {gate} was closed, {chance.choice(_WHO)} {chance.choice(_SAID)}."
        )
    return " ".join(lines)


@dataclass(slots=True)
class Paper:
    """A feed that only grows. `taken`: up to where its reader has said that it has everything."""

    number: int
    stories: list[Story] = field(default_factory=list)
    asked: int = 0
    served: int = 0
    taken: int = 0

    @property
    def teases(self) -> bool:
        """Its feed has teasers only, and the texts stand on pages."""
        return self.number % 5 == 4

    @property
    def finished(self) -> bool:
        """Its reader has said that it has all there is."""
        return self.taken == len(self.stories) and self.asked > 0


@dataclass(frozen=True, slots=True)
class Got:
    """A request that a receiver had whole: whose, its webhook-id, a digest of its bytes, whether they were signed, and its answer."""

    receiver: str
    id: str
    body: str
    signed: bool
    taken: bool
    names: tuple[str, ...] = ()
    """What it tells of."""


@dataclass
class World:
    """The papers and the receivers: all that is outside, and goes on when the daemon dies."""

    seed: int
    port: int = 0
    papers: list[Paper] = field(default_factory=lambda: [Paper(number) for number in range(PAPERS)])
    growing: bool = True
    got: list[Got] = field(default_factory=list)
    events: int = 0
    """Requests that came in, of every kind."""
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _chance: Random = field(init=False)
    _tries: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)

    async def note(self) -> None:
        """Something happened."""
        async with self.moved:
            self.events += 1
            self.moved.notify_all()

    # Papers

    def publish(self, paper: Paper) -> None:
        """One more story, in three of five cases with a gate; one of four of these is in another paper, too."""
        name = f"{LETTERS[paper.number % len(LETTERS)]}{paper.number * 1_000_000 + len(paper.stories)}"
        gate = name if self._chance.random() < 0.6 else None
        self._print(paper, gate)
        if gate and self._chance.random() < 0.25:
            self._print(self.papers[(paper.number + self._chance.randrange(1, PAPERS)) % PAPERS], gate)

    def _print(self, paper: Paper, gate: str | None) -> None:
        number = len(paper.stories)
        text = told(Random(f"{self.seed} {gate or (paper.number, number)}"), gate)
        title = f"From the quays: {text[16:48]} {gate or number}"
        paper.stories.append(Story(paper.number, number, gate, title, text, datetime.now(UTC).replace(microsecond=0)))

    def sent(self) -> set[str]:
        """The gates of every story that was sent out in a feed."""
        return {story.gate for paper in self.papers for story in paper.stories[: paper.served] if story.gate}

    async def feed(self, request: web.Request) -> web.Response:
        """What is new since the cursor; nothing else is ever sent."""
        await self.note()
        paper = self.papers[int(request.match_info["paper"])]
        known = request.headers.get("If-None-Match", "")
        since = int(known.strip('"')) if known else 0
        paper.asked += 1
        paper.taken = since
        for _ in range(self._chance.randrange(3) if self.growing else 0):
            self.publish(paper)
        tag = {"ETag": f'"{len(paper.stories)}"'}
        if since == len(paper.stories) and known:
            return web.Response(status=304, headers=tag)
        paper.served = len(paper.stories)
        return web.Response(text=self._rss(request, paper, since), content_type="application/rss+xml", headers=tag)

    def _rss(self, request: web.Request, paper: Paper, since: int) -> str:
        items = "".join(self._item(request, paper, story) for story in reversed(paper.stories[since:]))
        return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Paper {paper.number}</title>{items}</channel></rss>"

    def _item(self, request: web.Request, paper: Paper, story: Story) -> str:
        link = f"http://{request.host}/page/{paper.number}/{story.number}"
        text = story.text[:40] if paper.teases else story.text
        return (
            f"<item><guid>{link}</guid><link>{link}</link><title>{story.title}</title><description>{text}</description>"
            f"<pubDate>{format_datetime(story.at)}</pubDate></item>"
        )

    async def page(self, request: web.Request) -> web.Response:
        """The text of a story of which the feed had a teaser."""
        await self.note()
        story = self.papers[int(request.match_info["paper"])].stories[int(request.match_info["number"])]
        html = f"<html><head><title>{story.title}</title></head><body><article><h1>{story.title}</h1><p>{story.text}</p></article></body></html>"
        return web.Response(text=html, content_type="text/html")

    # Receivers

    async def hook(self, request: web.Request) -> web.StreamResponse:
        """Takes it; or one time in ten fails, in one of three ways."""
        receiver, id = request.match_info["receiver"], request.headers.get("webhook-id", "")
        self._tries[receiver, id] += 1
        mood = Random(f"{self.seed} {receiver} {id} {self._tries[receiver, id]}").random() * 30
        if mood < 1:
            return _hung_up(request)
        try:
            body = await request.read()
        except ConnectionResetError:  # who sent it has just died
            return _hung_up(request)
        self.got.append(received(receiver, request.headers, body, taken=mood >= 3))
        await self.note()
        if mood < 2:
            return _hung_up(request)
        return web.Response(status=500 if mood < 3 else 200)


def _hung_up(request: web.Request) -> web.Response:
    """No answer: the connection is gone before one is sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def received(receiver: str, headers: Mapping[str, str], body: bytes, *, taken: bool) -> Got:
    """A request as the books have it."""
    try:
        Webhook(SECRET).verify(body, dict(headers))
        signed = True
    except WebhookVerificationError:
        signed = False
    names = tuple(sorted(set(re.findall(r"Gate ([a-z]+\d+) closed", body.decode()))))
    return Got(receiver, headers.get("webhook-id", ""), hashlib.sha256(body).hexdigest(), signed, taken, names)


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    """The world, reachable: each paper under an address of its own, as different publishers are."""
    app = web.Application()
    app.router.add_get("/feed/{paper}", world.feed)
    app.router.add_get("/page/{paper}/{number}", world.page)
    app.router.add_post("/hook/{receiver}", world.hook)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        for number in range(PAPERS):
            await web.TCPSite(runner, host(number), world.port, backlog=256).start()
            world.port = world.port or runner.addresses[0][1]
        yield world
    finally:
        await runner.cleanup()


def host(paper: int) -> str:
    """Where a paper is; the first of them is where the receivers are, too."""
    return f"127.18.0.{paper + 1}"


def settings(world: World) -> str:
    """The monitor.yaml of a daemon that is as busy as settings can make it."""
    sources = "".join(
        f"  - {{id: paper-{one.number}, feed: 'http://{host(one.number)}:{world.port}/feed/{one.number}', every: 1s, "
        f"full_text: {'always' if one.teases else 'never'}}}\n"
        for one in world.papers
    )
    there, secret = f"http://{host(0)}:{world.port}/hook", "secret: {env: DESK_SECRET}"
    receivers = "".join(f"  - {{id: {id}, webhook: '{there}/{id}', {secret}}}\n" for id in AT_ONCE)
    receivers += f"  - {{id: {GATHERED}, webhook: '{there}/{GATHERED}', {secret}, digest: {{at: '* * * * *'}}}}\n"
    return f"sources:\n{sources}receivers:\n{receivers}settings: {{allow: [127.0.0.0/8], pause: 0s}}\n"
