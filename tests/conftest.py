"""What tests share: a newsroom on this machine (feeds, pages, a receiver) and the real daemon as a process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.cli import invoke

ROOT = Path(__file__).parents[1]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENCE = 40
"""Seconds that a test waits for another process on a busy machine before it gives up."""


@dataclass(frozen=True)
class Hook:
    """One request that the receiver got."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Newsroom:
    """A local web server: feeds of teasers, their pages, and a receiver that answers as it is told."""

    url: str = ""
    items: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hooks: asyncio.Queue[Hook] = field(default_factory=asyncio.Queue)
    answers: list[int] = field(default_factory=list)
    """Statuses that the receiver gives next; 200 after them."""
    open_hooks: asyncio.Event = field(default_factory=asyncio.Event)
    """The receiver does not answer until it is set."""
    open_pages: asyncio.Event = field(default_factory=asyncio.Event)
    """Pages do not come until it is set."""
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def publish(self, name: str, title: str, teaser: str, text: str, when: datetime | None = None, feed: str = "feed") -> None:
        """Adds an article: its teaser to a feed, its text to a page."""
        published = format_datetime(when or datetime.now(UTC))
        link = f"{self.url}/page/{name}"
        self.items.setdefault(feed, []).insert(
            0,
            f"<item><guid>{link}</guid><title>{escape(title)}</title><link>{link}</link>"
            f"<description>{escape(teaser)}</description><pubDate>{published}</pubDate></item>",
        )
        paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
        self.pages[name] = (
            f"<html><head><title>{escape(title)}</title></head><body><nav><a href='/'>Home</a></nav>"
            f"<article><h1>{escape(title)}</h1>{paragraphs}</article></body></html>"
        )

    async def feed(self, request: web.Request) -> web.Response:
        await self.note(request)
        items = "".join(self.items.get(request.match_info["name"], ()))
        xml = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Local News</title>{items}</channel></rss>"
        return web.Response(text=xml, content_type="application/rss+xml")

    async def page(self, request: web.Request) -> web.Response:
        await self.note(request)
        await self.open_pages.wait()
        return web.Response(text=self.pages[request.match_info["name"]], content_type="text/html")

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.hooks.put_nowait(Hook({name.lower(): value for name, value in request.headers.items()}, body))
        await self.note(request)
        await self.open_hooks.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def note(self, request: web.Request) -> None:
        async with self.moved:
            self.asked.append(request.path)
            self.moved.notify_all()

    async def until_asked(self, path: str, times: int = 1) -> None:
        """Returns once a path was asked for so many times."""
        async with asyncio.timeout(PATIENCE), self.moved:
            await self.moved.wait_for(lambda: self.asked.count(path) >= times)

    async def told(self) -> Hook:
        """The next request that the receiver got."""
        async with asyncio.timeout(PATIENCE):
            return await self.hooks.get()


@pytest.fixture
async def newsroom() -> AsyncIterator[Newsroom]:
    room = Newsroom()
    room.open_hooks.set()
    room.open_pages.set()
    app = web.Application()
    app.router.add_get("/feed/{name}", room.feed)
    app.router.add_get("/page/{name}", room.page)
    app.router.add_post("/hook", room.hook)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    room.url = str(server.make_url("")).rstrip("/")
    yield room
    room.open_hooks.set()
    room.open_pages.set()
    await server.close()


@dataclass
class Daemon:
    """`monitor run` as a process, and what it says."""

    process: asyncio.subprocess.Process
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    async def listen(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        async for line in stream:
            async with self.moved:
                lines.append(line.decode())
                self.moved.notify_all()
        async with self.moved:
            self.moved.notify_all()

    async def says(self, text: str) -> str:
        """The first line on stderr that holds `text`, as soon as it is there."""
        return await self._line(self.err, text)

    async def prints(self, text: str) -> str:
        """The same for stdout."""
        return await self._line(self.out, text)

    async def _line(self, lines: list[str], text: str) -> str:
        try:
            async with asyncio.timeout(PATIENCE), self.moved:
                await self.moved.wait_for(lambda: any(text in line for line in lines) or self._over())
        except TimeoutError:
            pytest.fail(f"never said {text!r}, but:\n{''.join(self.err)}")
        found = [line for line in lines if text in line]
        assert found, f"ended without saying {text!r}, but:\n{''.join(self.err)}"
        return found[0]

    def _over(self) -> bool:
        return all(reader.done() for reader in self.readers) or self.process.returncode is not None

    async def ends(self) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
        await asyncio.gather(*self.readers)
        return code

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return await self.ends()


@dataclass
class Desk:
    """A folder with monitor.yaml and rules.yaml, and daemons that run on it."""

    folder: Path
    daemons: list[Daemon] = field(default_factory=list)

    def write(self, monitor: str, rules: str) -> None:
        (self.folder / "monitor.yaml").write_text(monitor)
        (self.folder / "rules.yaml").write_text(rules)

    @property
    def environment(self) -> dict[str, str]:
        """Ours, without settings of ours; warnings in the daemon are errors there too where we can see to it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
        return {**kept, "PYTHONPATH": str(ROOT), "DESK_SECRET": SECRET}

    async def start(self, *arguments: str, **environment: str) -> Daemon:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "monitor", *(arguments or ("run",))),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        assert process.stderr
        daemon = Daemon(process)
        daemon.readers = [
            asyncio.ensure_future(daemon.listen(process.stdout, daemon.out)),
            asyncio.ensure_future(daemon.listen(process.stderr, daemon.err)),
        ]
        self.daemons.append(daemon)
        return daemon

    async def command(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `monitor` with these arguments."""
        daemon = await self.start(*arguments, **environment)
        code = await daemon.ends()
        return code, "".join(daemon.out), "".join(daemon.err)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for daemon in made.daemons:
        if daemon.process.returncode is None:
            daemon.process.kill()
        await daemon.ends()


Settings = Callable[..., str]


@pytest.fixture
def settings(newsroom: Newsroom) -> Settings:
    """A monitor.yaml for feeds of the newsroom, telling its receiver."""

    def write(*feeds: str, receiver: bool = True) -> str:
        sources = "".join(f"  - {{id: {name}, feed: '{newsroom.url}/feed/{name}', every: 1s}}\n" for name in feeds or ("feed",))
        told = f"receivers:\n  - {{id: desk, webhook: '{newsroom.url}/hook', secret: {{env: DESK_SECRET}}}}\n" if receiver else ""
        return f"sources:\n{sources}{told}settings: {{allow: [127.0.0.0/8], pause: 0s, listen: off}}\n"

    return write


RULES = """
lists:
  officials: {Dmitry Peskov: [Peskov]}
  talks: [talks, ceasefire]
rules:
  - id: on-talks
    title: "{speaker} on talks: {stance}"
    level: high
    when:
      statement: {by: $officials, about: $talks}
    once: {alike: 0.6, within: 3d, update_on: [stance]}
"""


@pytest.fixture
def rules() -> str:
    """A small rules.yaml."""
    return RULES


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Leaves logging as it was: commands set it up for their whole process."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


# The command line

Do = Callable[..., tuple[int, str, str]]
"""Runs a command: exit code, stdout, stderr."""


@pytest.fixture
def do(here: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """Runs a command in the folder `here`, which a test file lays out."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = invoke(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run
