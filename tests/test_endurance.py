"""The daemon under strain, F12, F17, F19 and F20 of the fault catalogue: everybody is slow, the loop stands still, nothing can be opened.

Real processes that wait on events. Each feed has a loopback address of its own, as each host is asked one thing at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import rules
from monitor.workers import Unavailable, Workers
from rules import Article

if TYPE_CHECKING:
    from conftest import Daemon, Desk, Newsroom, Settings

MANY = 50
PATIENCE = 60
RULES = "rules:\n  - id: flood\n    title: A flood\n    when: {any: [flood]}\n    once: {per: [], alike: 1.0}\n"
ITEM = "<item><guid>{0}</guid><title>A flood in town {0}</title><description>It came at {0}.</description></item>"


@dataclass
class Town:
    """Feeds of one article each, and receivers; those whose number is not 0 answer once they may."""

    port: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: set[str] = field(default_factory=set)
    told: dict[str, list[str]] = field(default_factory=dict)
    """The ids that each receiver got."""
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def feed(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        async with self.moved:
            self.asked.add(number)
            self.moved.notify_all()
        if number != "0":
            await self.go.wait()
        text = f"<rss version='2.0'><channel><title>t</title>{ITEM.format(number)}</channel></rss>"
        return web.Response(text=text, content_type="application/rss+xml")

    async def hook(self, request: web.Request) -> web.Response:
        await request.read()
        async with self.moved:
            self.told.setdefault(request.match_info["number"], []).append(request.headers["webhook-id"])
            self.moved.notify_all()
        await self.go.wait()
        return web.Response()

    async def until(self, feeds: int = 0, receivers: int = 0, times: int = 1) -> None:
        """Returns once so many feeds were asked for, and so many receivers were told so often."""
        async with asyncio.timeout(PATIENCE), self.moved:
            await self.moved.wait_for(
                lambda: len(self.asked) >= feeds and sum(len(ids) >= times for ids in self.told.values()) >= receivers
            )

    def settings(self, feeds: int, receivers: int, fetches: int = 60) -> str:
        sources = "".join(
            f"  - {{id: f{n}, feed: 'http://127.0.1.{n + 1}:{self.port}/feed/{n}', every: 1s, full_text: never}}\n"
            for n in range(feeds)
        )
        told = "".join(
            f"  - {{id: r{n}, webhook: 'http://127.0.2.{n + 1}:{self.port}/hook/{n}', secret: {{env: DESK_SECRET}}}}\n"
            for n in range(receivers)
        )
        return f"sources:\n{sources}receivers:\n{told}settings: {{allow: [127.0.0.0/8], pause: 0s, fetches: {fetches}}}\n"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    made = Town()
    app = web.Application()
    app.router.add_get("/feed/{number}", made.feed)
    app.router.add_post("/hook/{number}", made.hook)
    server = TestServer(app, host="0.0.0.0")  # all of loopback
    await server.start_server(shutdown_timeout=0.1)
    assert server.port
    made.port = server.port
    yield made
    made.go.set()
    await server.close()


# F12: asked to stop, while everybody is slow


async def busy(town: Town, desk: Desk) -> Daemon:
    """A daemon that waits for 50 feeds and 50 receivers, each of which holds its request."""
    desk.write(town.settings(MANY + 1, MANY), RULES)
    daemon = await desk.start()
    await town.until(feeds=MANY + 1, receivers=MANY)
    return daemon


async def test_f12_asked_to_stop_while_all_are_slow_it_ends_well_and_tells_them_again_under_the_same_ids(
    town: Town, desk: Desk
) -> None:
    first = await busy(town, desk)
    before = {receiver: list(ids) for receiver, ids in town.told.items()}
    async with asyncio.timeout(8):
        assert await first.stop() == 0
    assert not [line for line in first.err if "Traceback" in line]
    assert {len(ids) for ids in before.values()} == {1}

    town.go.set()
    second = await desk.start()
    await town.until(receivers=MANY, times=2)
    assert {receiver: town.told[receiver][:1] for receiver in before} == before
    assert [receiver for receiver, ids in before.items() if ids[0] not in town.told[receiver][1:]] == []
    assert await second.stop() == 0


async def test_f12_a_second_signal_ends_it_without_waiting_for_anybody(town: Town, desk: Desk) -> None:
    daemon = await busy(town, desk)
    daemon.process.terminate()
    await daemon.says("stopping")
    assert daemon.process.returncode is None  # the first alone waits for those that are slow
    daemon.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(4):  # the first alone would wait for five seconds
        assert await daemon.ends() == 0


# F17: the loop stands still, F20: a feed that eats memory

SABOTAGE = """
import asyncio, threading
from monitor import lag

start = lag.Lag.start

def stalling(self):
    start(self)
    asyncio.get_running_loop().call_later(0.5, lambda: threading.Event().wait({seconds}))

lag.Lag.start = stalling
"""
GLUTTON = """
from monitor import feeds
from monitor.workers import child

parse = feeds.parse

def eating(body, **named):
    eaten = bytes(3 << 30) if b"glutton" in body else None
    return parse(body, **named)

eating.__module__, eating.__qualname__ = "monitor.feeds", "parse"
feeds.parse = eating
{lifted}
"""


def sabotaged(desk: Desk, text: str) -> str:
    """A path for Python with which every process of the daemon begins with this."""
    folder = desk.folder / "sabotage"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(text)
    return os.pathsep.join([str(folder), desk.environment["PYTHONPATH"]])


async def test_f17_a_loop_that_stands_still_shows_where_and_goes_on(newsroom: Newsroom, desk: Desk, settings: Settings) -> None:
    desk.write(settings(), RULES)
    daemon = await desk.start("run", PYTHONPATH=sabotaged(desk, SABOTAGE.replace("{seconds}", "3.5")))
    said = json.loads(await daemon.says('"the event loop stood still"'))
    assert said["seconds"] >= 2
    stacks = "".join(daemon.err)
    assert "Timeout (0:00:02)!" in stacks
    assert "sitecustomize.py" in stacks  # where it stood
    newsroom.publish(
        "one", "A flood", "It came at noon.", "A flood came to the town at noon and tore the roofs from nine houses."
    )
    await newsroom.told()
    assert await daemon.stop() == 0


async def test_f17_a_loop_that_turns_says_nothing(newsroom: Newsroom, desk: Desk, settings: Settings) -> None:
    desk.write(settings(), RULES)
    daemon = await desk.start("run", PYTHONPATH=sabotaged(desk, SABOTAGE.replace("{seconds}", "0.0")))
    await newsroom.until_asked("/feed/feed", times=3)
    assert await daemon.stop() == 0
    assert [line for line in daemon.err if "Timeout" in line or "stood still" in line] == []


@pytest.mark.parametrize("lifted", [False, True], ids=["limited", "with the limit lifted"])
async def test_f20_a_feed_that_eats_memory_costs_itself_and_says_so(
    lifted: bool,  # noqa: FBT001
    newsroom: Newsroom,
    desk: Desk,
    settings: Settings,
) -> None:
    newsroom.publish(
        "one", "A flood", "It came at noon.", "A flood came to the town at noon and tore the roofs from nine houses."
    )
    newsroom.publish("two", "Of a glutton", "It ate.", "Nothing at all.", feed="eater")
    desk.write(settings("eater", "feed"), RULES)
    text = GLUTTON.replace("{lifted}", "child._limit_memory = lambda most: None" if lifted else "")
    daemon = await desk.start("run", PYTHONPATH=sabotaged(desk, text))
    await newsroom.told()
    poll = json.loads(await daemon.says('"first poll"'))
    assert poll["failing"] == ({} if lifted else {"eater": "the parser ran out of memory"})
    assert await daemon.stop() == 0


# F19: nothing more can be opened

CROWD = 80
FILES = 64


def most_files(daemon: Daemon, most: int) -> int:
    """Lets the daemon open so many files from now on; how many it could before."""
    before, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (most, hard))
    return before


async def test_f19_without_files_to_open_it_stays_up_loses_nothing_and_goes_on(town: Town, desk: Desk) -> None:
    desk.write(town.settings(CROWD, 1, fetches=CROWD), RULES)
    daemon = await desk.start()
    await town.until(feeds=10)
    before = most_files(daemon, FILES)
    await daemon.says('"cannot connect"')
    code, _, _ = await desk.command("status", "--json")
    assert (code in {0, 1}, daemon.process.returncode) == (True, None)

    most_files(daemon, before)
    town.go.set()
    async with asyncio.timeout(PATIENCE), town.moved:
        await town.moved.wait_for(lambda: len(set(town.told.get("0", ()))) >= 10)
    assert await daemon.stop() == 0

    _, plain, _ = await desk.command("status", "--json")
    _, out, _ = await desk.command("alerts", "--json", "--limit", "1000")
    told = {json.loads(line)["data"]["article"]["source"] for line in out.splitlines()}
    sources = {one["id"]: one for one in json.loads(plain)["sources"]}
    well = {id for id, one in sources.items() if one.get("answered") and not one["error"]}
    assert len(well) >= 10
    assert well <= told  # who answered was heard; the others are asked again
    assert all(one["due"] for id, one in sources.items() if one["visited"] and id not in well)
    assert [line for line in daemon.err if '"log.exception' in line or '"fetch broke"' in line] == []


async def test_f19_with_files_enough_all_are_asked(town: Town, desk: Desk) -> None:
    desk.write(town.settings(CROWD, 1, fetches=CROWD), RULES)
    daemon = await desk.start()
    await town.until(feeds=CROWD)
    assert [line for line in daemon.err if '"cannot connect"' in line or "Too many open files" in line] == []
    town.go.set()
    assert await daemon.stop() == 0


@pytest.mark.parametrize("most", [None, 0], ids=["with files enough", "with none to open"])
async def test_f19_a_worker_that_cannot_be_started_is_nobodys_fault(most: int | None) -> None:
    crew = Workers(load=rules.load, files={"r": RULES.encode()}, main="r")
    article = Article(id="a", title="A flood in town")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most is None:
        assert [len(found or ()) for found in await crew.match([article])] == [1]
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        try:
            with pytest.raises(Unavailable, match="cannot start: Too many open files"):
                await crew.match([article])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert [len(found or ()) for found in await crew.match([article])] == [1]  # it can be started later
    await crew.close()
