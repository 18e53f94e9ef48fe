"""Health and metrics over HTTP: who is let in, what they are told, and what one client may cost. Real sockets, no real waiting."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web as aioweb

from monitor import web
from monitor.errors import ConfigError
from monitor.web import Limits, Readiness, make_web, serve
from monitor.web.connections import ALWAYS, Connection
from monitor.web.door import STRANGERS, WRONG, Tries, network

TOKEN = "correct-horse-battery-staple-0123456789"
WELL = Readiness(warnings=("3 sources failing: a, b, c",))
PATIENCE = 20


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Timers:
    """Calls nothing later until it is told that the time has come."""

    waiting: list[Timer] = field(default_factory=list)

    def __call__(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self, seconds, call)
        self.waiting.append(timer)
        return timer

    def passed(self, seconds: float) -> None:
        """What was to be called within so many seconds is called now."""
        for timer in [one for one in self.waiting if one.seconds <= seconds]:
            self.waiting.remove(timer)
            timer.call()


@dataclass(eq=False)
class Timer:
    timers: Timers
    seconds: float
    call: Callable[[], None]

    def cancel(self) -> None:
        if self in self.timers.waiting:
            self.timers.waiting.remove(self)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    host: str
    port: int

    async def connect(self, local: str = "127.0.0.1") -> Wire:
        reader, writer = await asyncio.open_connection(self.host, self.port, local_addr=(local, 0))
        return Wire(reader, writer)

    async def ask(self, path: str = "/livez", method: str = "GET", host: str | None = "localhost", **headers: str) -> Answer:
        """One request on a connection of its own."""
        wire = await self.connect()
        try:
            named = {**({"Host": host} if host is not None else {}), "Connection": "close"}
            return await wire.ask(path, method, **named, **{name.replace("_", "-"): value for name, value in headers.items()})
        finally:
            await wire.close()


@dataclass
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, path: str = "/livez", method: str = "GET", **headers: str) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return await self.answer(bodiless=method == "HEAD")

    async def answer(self, *, bodiless: bool = False) -> Answer:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
            body = b"" if bodiless else await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split()[1]), headers, body)

    async def cut_off(self) -> bool:
        """Waits until the other side has closed."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.read() == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def well() -> Readiness:
    return WELL


async def figures() -> tuple[bytes, str]:
    return b"monitor_rules 3\n", "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def site(
    *, ready: web.health.Ready = well, limits: Limits | None = None, later: Any = None, app: Any = None, **given: Any
) -> AsyncIterator[Site]:
    made = app or make_web(ready=ready, metrics=figures, **given)
    async with serve(made, "127.0.0.1", 0, limits=limits, later=later) as [(host, port)]:
        yield Site(host, port)


# What is answered


async def test_a_monitor_that_turns_says_that_it_is_alive() -> None:
    async with site() as here:
        answer = await here.ask("/livez")

    assert (answer.status, answer.body) == (200, b"alive\n")


async def test_readiness_has_reasons_and_warnings() -> None:
    async def broken() -> Readiness:
        return Readiness(reasons=("the store cannot be written: disk full",), warnings=("a \ud800 name",))

    async with site() as here:
        good = await here.ask("/readyz")
    async with site(ready=broken) as here:
        bad = await here.ask("/readyz")

    assert (good.status, json.loads(good.body)) == (200, {"ready": True, "reasons": [], "warnings": list(WELL.warnings)})
    assert bad.status == 503
    assert json.loads(bad.body)["reasons"] == ["the store cannot be written: disk full"]
    assert bad.headers["content-type"] == "application/json; charset=utf-8"


async def test_life_does_not_depend_on_the_store() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def hangs() -> Readiness:
        asked.set()
        await go.wait()
        return WELL

    async with site(ready=hangs) as here:
        waiting = asyncio.ensure_future(here.ask("/readyz"))
        await asked.wait()
        assert (await here.ask("/livez")).status == 200
        go.set()
        assert (await waiting).status == 200


async def test_what_breaks_in_an_answer_stays_in_the_log() -> None:
    async def breaks() -> Readiness:
        raise ValueError("secret")

    async with site(ready=breaks) as here:
        answer = await here.ask("/readyz")

    assert answer.status == 500
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/livez/", 404),
        ("GET", "/metrics/../livez", 404),
        ("POST", "/livez", 405),
        ("DELETE", "/metrics", 405),
        ("OPTIONS", "/readyz", 405),
        ("HEAD", "/livez", 200),
        ("GET", "/metrics", 200),
    ],
)
async def test_paths_and_methods_that_there_are_not_are_refused(method: str, path: str, status: int) -> None:
    async with site() as here:
        assert (await here.ask(path, method)).status == status


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), ("/nowhere", 404), ("/metrics", 200)])
async def test_every_answer_forbids_what_a_browser_might_do_with_it(path: str, status: int) -> None:
    async with site() as here:
        answer = await here.ask(path)

    assert answer.status == status
    assert {name: answer.headers[name.lower()] for name in ALWAYS} == ALWAYS
    assert answer.headers["server"] == "monitor"  # no version


async def test_what_is_no_http_is_refused_without_an_echo() -> None:
    async with site() as here:
        wire = await here.connect()
        await wire.send(b"\x16\x03\x01 <script>\r\n\r\n")
        answer = await wire.answer()
        await wire.close()

    assert (answer.status, answer.body, answer.headers["server"]) == (400, b"400: Bad Request\n", "monitor")


# Who is let in


def every_route() -> list[tuple[str, str]]:
    app = make_web(ready=well, metrics=figures)
    return sorted((route.method, route.resource.canonical) for route in app.router.routes() if route.resource)


OPEN = {("GET", "/livez"), ("HEAD", "/livez"), ("GET", "/readyz"), ("HEAD", "/readyz")}
CLOSED = {("GET", "/metrics"), ("HEAD", "/metrics")}


def test_every_route_is_known_here_as_open_or_closed() -> None:
    assert set(every_route()) == OPEN | CLOSED


@pytest.mark.parametrize(("method", "path"), [*every_route(), ("GET", "/nowhere"), ("POST", "/livez"), ("POST", "/metrics")])
async def test_without_the_token_everything_but_health_is_closed(method: str, path: str) -> None:
    async with site(token=TOKEN) as here:
        answer = await here.ask(path, method)

    assert answer.status == (200 if (method, path) in OPEN else 401)
    assert ("www-authenticate" in answer.headers) == (answer.status == 401)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer", 401),
        ("Bearer \xff\xfe", 401),
    ],
)
async def test_the_token_and_nothing_else_opens_what_is_closed(given: str, status: int) -> None:
    async with site(token=TOKEN) as here:
        assert (await here.ask("/metrics", Authorization=given)).status == status


async def test_with_the_token_paths_that_there_are_not_are_told_from_those_that_there_are() -> None:
    async with site(token=TOKEN) as here:
        answers = [await here.ask(*asked, Authorization=f"Bearer {TOKEN}") for asked in (("/nowhere",), ("/metrics", "POST"))]

    assert [one.status for one in answers] == [404, 405]


async def test_a_new_route_is_closed_unless_it_says_otherwise() -> None:
    async def hello(_: aioweb.Request) -> aioweb.Response:
        return aioweb.Response(text="hello")

    app = make_web(ready=well, metrics=figures, token=TOKEN)
    app.router.add_get("/hello", hello)

    async with site(app=app) as here:
        assert (await here.ask("/hello")).status == 401


async def test_five_wrong_tokens_a_minute_and_no_more_are_looked_at() -> None:
    clock = Clock()
    async with site(token=TOKEN, clock=clock) as here:
        wrong = [(await here.ask("/metrics", Authorization=f"Bearer guess-{n}")).status for n in range(WRONG + 1)]
        right = await here.ask("/metrics", Authorization=f"Bearer {TOKEN}")
        health = await here.ask("/livez")
        clock.now = 61
        later = await here.ask("/metrics", Authorization=f"Bearer {TOKEN}")

    assert wrong == [401] * WRONG + [429]
    assert (right.status, right.headers["retry-after"]) == (429, "60")  # or a guess that is right would be seen to be
    assert (health.status, later.status) == (200, 200)


async def test_who_forgets_the_token_has_not_guessed() -> None:
    async with site(token=TOKEN, clock=Clock()) as here:
        assert {(await here.ask("/metrics")).status for _ in range(WRONG + 2)} == {401}


def test_wrong_tokens_of_many_addresses_take_no_more_room() -> None:
    tries = Tries(Clock())
    for n in range(STRANGERS + 50):
        tries.note(f"10.0.{n // 256}.{n % 256}")

    assert len(tries._wrong) == STRANGERS


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
    ],
)
def test_who_has_a_whole_network_is_one_guest(address: str | None, expected: str) -> None:
    assert network(address) == expected


# Names (DNS rebinding)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8585", "127.0.0.1", "127.0.0.1:1", "[::1]:8585", "news.example", "News.Example:443"]
)
async def test_it_answers_to_its_own_names(host: str) -> None:
    async with site(hosts=("news.example",)) as here:
        assert (await here.ask("/livez", host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.1.nip.io",
        "::1",
        "user@localhost",
        "localhost:x",
        "",
        "0.0.0.0",
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nowhere"])
async def test_under_any_other_name_it_does_not_answer(host: str, path: str) -> None:
    async with site() as here:
        assert (await here.ask(path, host=host)).status in (421, 400)


async def test_no_name_or_two_are_none() -> None:
    async with site() as here:
        nameless = await here.ask(host=None)
        wire = await here.connect()
        await wire.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        double = await wire.answer()
        await wire.close()

    assert nameless.status in (400, 421)
    assert double.status in (400, 421)


async def test_it_is_nobodys_proxy() -> None:
    async with site() as here:
        assert (await here.ask("http://evil.example/livez")).status == 400


async def test_a_rebound_name_is_let_in_where_it_is_listed() -> None:
    """The control: it is the list that keeps it out."""
    async with site(hosts=("evil.example",)) as here:
        assert (await here.ask("/livez", host="evil.example")).status == 200


# What one client may cost


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(100)) + b"\r\n",
    ],
    ids=["line", "header", "headers"],
)
async def test_headers_without_end_are_refused(request_: bytes) -> None:
    async with site() as here:
        wire = await here.connect()
        await wire.send(request_)
        assert (await wire.answer()).status == 400
        await wire.close()


async def test_a_large_body_is_refused() -> None:
    async with site() as here:
        wire = await here.connect()
        size = web.LARGEST + 1
        await wire.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        assert (await wire.answer()).status == 413
        await wire.close()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /livez HT",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
    ],
    ids=["silent", "line", "headers", "body"],
)
async def test_a_request_that_does_not_end_is_cut_off(begun: bytes) -> None:
    timers = Timers()
    async with site(later=timers) as here:
        wire = await here.connect()
        await wire.send(begun)
        assert (await here.ask()).status == 200  # meanwhile others are answered, and what was sent has come
        timers.passed(9.9)
        assert not wire.reader.at_eof()
        timers.passed(10)
        assert await wire.cut_off()
        await wire.close()


async def test_dripping_on_does_not_put_it_off() -> None:
    timers = Timers()
    async with site(later=timers) as here:
        wire = await here.connect()
        for drop in (b"G", b"E", b"T", b" /"):
            await wire.send(drop)
            await here.ask()
        assert len(timers.waiting) == 1
        timers.passed(10)
        assert await wire.cut_off()
        await wire.close()


async def test_the_second_request_has_to_end_as_well() -> None:
    timers = Timers()
    async with site(later=timers) as here:
        wire = await here.connect()
        assert (await wire.ask(Host="localhost")).status == 200
        assert timers.waiting == []  # between two requests aiohttp's own keep-alive counts
        await wire.send(b"GET /li")
        await here.ask()
        timers.passed(10)
        assert await wire.cut_off()
        await wire.close()


async def test_an_answer_may_take_its_time() -> None:
    timers, asked, go = Timers(), asyncio.Event(), asyncio.Event()

    async def slow() -> Readiness:
        asked.set()
        await go.wait()
        return WELL

    async with site(ready=slow, later=timers) as here:
        waiting = asyncio.ensure_future(here.ask("/readyz"))
        await asked.wait()
        timers.passed(1_000)
        go.set()
        assert (await waiting).status == 200


async def test_without_the_reaper_a_slow_client_stays_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: aiohttp by itself never cuts a request off."""
    monkeypatch.setattr(Connection, "_cut_after", lambda *_: None)
    timers = Timers()
    async with site(later=timers) as here:
        wire = await here.connect()
        await wire.send(b"GET /livez HT")
        await here.ask()
        timers.passed(1_000_000)
        await wire.send(b"TP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await wire.answer()).status == 200
        await wire.close()


async def test_one_address_has_so_many_connections_and_others_have_theirs() -> None:
    async with site(limits=Limits(connections=8, per_address=3)) as here:
        first = [await here.connect("127.0.0.2") for _ in range(3)]
        refused = await here.connect("127.0.0.2")
        assert await refused.cut_off()
        assert (await here.ask()).status == 200  # from 127.0.0.1
        await first[0].close()
        await here.ask()
        again = await here.connect("127.0.0.2")
        assert (await again.ask(Host="localhost")).status == 200
        for wire in (*first, refused, again):
            await wire.close()


async def test_all_together_have_so_many_connections() -> None:
    async with site(limits=Limits(connections=4, per_address=3)) as here:
        wires = [await here.connect(f"127.0.0.{n}") for n in (2, 2, 3, 3)]
        refused = await here.connect("127.0.0.4")
        assert await refused.cut_off()
        for wire in (*wires, refused):
            await wire.close()


async def test_three_hundred_silent_clients_do_not_keep_health_from_answering() -> None:
    timers = Timers()
    async with site(later=timers, limits=Limits(per_address=256)) as here:
        silent = [await here.connect("127.0.0.2") for _ in range(250)]
        assert (await here.ask()).status == 200
        timers.passed(10)
        assert all([await one.cut_off() for one in silent])
        for wire in silent:
            await wire.close()


async def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"settings: listen: 127.0.0.1:{port} cannot be listened on: .*name another port"):
            async with serve(make_web(ready=well, metrics=figures), "127.0.0.1", port):
                pass


async def test_when_it_stops_nobody_is_connected_any_more() -> None:
    async with site() as here:
        wire = await here.connect()
        assert (await wire.ask(Host="localhost")).status == 200

    assert await wire.cut_off()
    await wire.close()
