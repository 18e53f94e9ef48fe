"""Connections to the outside, over real sockets: 127.0.0.2 plays the public internet, 127.0.0.1 the private network."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.addresses import Guard
from monitor.egress import Egress
from monitor.errors import DeliveryFailed, FetchFailed
from monitor.unpack import MIB

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnews"


@dataclass
class Server:
    """A raw server: `script` writes whatever it likes, and `seen` holds the head of every request."""

    script: Script
    host: str = PUBLIC
    port: int = 0
    seen: list[str] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _now: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            self.seen.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            await self.script(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._now -= 1
            writer.close()

    def url(self, host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}/feed"

    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.seen]


@asynccontextmanager
async def serving(script: Script, host: str = PUBLIC) -> AsyncIterator[Server]:
    server = Server(script, host)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await server.serve(reader, writer)

    listening = await asyncio.start_server(accept, host, 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def answer(data: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return script


def redirect(target: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


def drip(head: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return script


def flood(head: bytes, piece: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return script


@dataclass
class Names(AbstractResolver):
    """Answers look-ups from a script, one answer after the other, the last for ever; figures by the system, never by DNS."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        if host in self.names:
            found = self.names[host].pop(0) if len(self.names[host]) > 1 else self.names[host][0]
        elif host.rstrip(".") == "localhost":
            found = [PRIVATE]
        else:
            flags = socket.AI_NUMERICHOST
            found = [str(info[4][0]) for info in socket.getaddrinfo(host.rstrip("."), port, type=socket.SOCK_STREAM, flags=flags)]
        return [
            {
                "hostname": host,
                "host": one,
                "port": port,
                "family": socket.AF_INET6 if ":" in one else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for one in found
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def egress(names: Names | None = None, allow: str = f"{PUBLIC}/32") -> AsyncIterator[Egress]:
    async with Egress(guard=Guard.of([allow]), user_agent="tripwire-test", resolver=names or Names()) as out:
        yield out


@pytest.fixture
async def out() -> AsyncIterator[Egress]:
    async with egress() as out:
        yield out


@pytest.fixture
async def forbidden() -> AsyncIterator[Server]:
    """A listener in the private network: it must see nobody."""
    async with serving(answer(OK), PRIVATE) as server:
        yield server


# What is fetched.


async def test_a_page_comes_with_its_headers_in_lower_case(out: Egress) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: W/"1"\r\nContent-TYPE: text/xml\r\nContent-Length: 4\r\nConnection: close\r\n\r\n'
    async with serving(answer(head + b"news")) as server:
        got = await out.get(server.url(), headers={"If-None-Match": '"0"'})

    assert (got.status, got.body, got.url) == (200, b"news", server.url())
    assert (got.headers["etag"], got.headers["content-type"]) == ('W/"1"', "text/xml")
    assert "User-Agent: tripwire-test" in server.seen[0]
    assert 'If-None-Match: "0"' in server.seen[0]
    assert "Accept-Encoding: gzip, deflate\r\n" in server.seen[0]


async def test_a_packed_page_is_unpacked(out: Egress) -> None:
    body = gzip.compress(b"news " * 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    async with serving(answer(head + body)) as server:
        assert (await out.get(server.url())).body == b"news " * 1000


async def test_any_other_status_is_an_answer_without_a_body(out: Egress) -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: close\r\n\r\nplease wait"
    async with serving(answer(head)) as server:
        got = await out.get(server.url())

    assert (got.status, got.headers["retry-after"], got.body) == (503, "7", b"")


async def test_no_cookie_is_kept(out: Egress) -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=me; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with serving(answer(head)) as server:
        await out.get(server.url())
        await out.get(server.url())

    assert not [head for head in server.seen if "ookie" in head]


async def test_redirects_are_followed_and_lose_private_headers_on_the_way_to_another_host(out: Egress) -> None:
    async with serving(answer(OK)) as second, serving(answer(redirect(second.url()))) as first:
        got = await out.get(first.url(), headers={"X-Api-Key": "k"})

    assert (got.body, got.url) == (b"news", second.url())
    assert "X-Api-Key: k" in first.seen[0]
    assert "X-Api-Key" not in second.seen[0]


async def test_a_redirect_to_the_same_host_keeps_them(out: Egress) -> None:
    answers = [redirect("/moved"), OK]

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))

    async with serving(script) as server:
        await out.get(server.url(), headers={"X-Api-Key": "k"})

    assert server.paths() == ["/feed", "/moved"]
    assert "X-Api-Key: k" in server.seen[1]


async def test_a_ring_of_redirects_ends_after_five(out: Egress) -> None:
    async with serving(answer(redirect("/feed"))) as server:
        with pytest.raises(FetchFailed, match="more than 5 redirects"):
            await out.get(server.url())

    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.org/x", "gopher://example.org", "http://a:b@127.0.0.2/", "http://[bad"]
)
async def test_a_redirect_to_anything_but_a_plain_web_address_is_refused(out: Egress, target: str) -> None:
    async with serving(answer(redirect(target))) as server:
        with pytest.raises(FetchFailed):
            await out.get(server.url())

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "",
        "http://",
        "http://u:p@127.0.0.2/",
        "http:///x",
        "http://[::1",
        "http://127.0.0.2/" + "x" * 5000,
    ],
)
async def test_what_is_not_a_plain_web_address_is_refused(out: Egress, url: str) -> None:
    with pytest.raises(FetchFailed):
        await out.get(url)
    with pytest.raises(DeliveryFailed):
        await out.post(url, body=b"", headers={})


# What is slow, huge or broken.


@pytest.mark.parametrize(
    "script", [silence, drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), drip(b"HTTP/1.1 200 OK\r\n\r\n")], ids=["silent", "headers", "body"]
)
async def test_a_slow_answer_is_cut_at_the_deadline(out: Egress, script: Script) -> None:
    async with serving(script) as server:
        with pytest.raises(FetchFailed, match=r"^timed out after 0.2 s$"):
            await out.get(server.url(), deadline=0.2)


async def test_the_deadline_holds_over_all_redirects_together(out: Egress) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(redirect("/feed"))

    async with serving(script) as server:
        with pytest.raises(FetchFailed, match="timed out"):
            await out.get(server.url(), deadline=0.4)
    assert len(server.seen) < 5


async def test_waiting_for_our_turn_with_a_host_does_not_count(out: Egress) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    async with serving(script) as server:
        got = await asyncio.gather(*(out.get(server.url(), deadline=0.3) for _ in range(5)))

    assert [one.body for one in got] == [b"news"] * 5
    assert server.most_at_once == 1


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"], ids=["endless", "announced"]
)
async def test_a_huge_body_is_refused(out: Egress, head: bytes) -> None:
    async with serving(flood(head, bytes(65536))) as server:
        with pytest.raises(FetchFailed, match="too large: more than 1 MiB"):
            await out.get(server.url(), cap_wire=MIB)


async def test_a_bomb_is_refused(out: Egress) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    async with serving(answer(head + gzip.compress(bytes(64 * MIB)))) as server:
        with pytest.raises(FetchFailed, match="more than 200 times"):
            await out.get(server.url())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nnews", "broke off"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000 + b"\r\n\r\n", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000 + b"\r\n", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nnews", "unknown content encoding 'br'"),
    ],
)
async def test_a_broken_answer_is_named_in_plain_words(out: Egress, data: bytes, why: str) -> None:
    async with serving(answer(data)) as server:
        with pytest.raises(FetchFailed, match=why):
            await out.get(server.url())


async def test_nobody_listening_and_no_such_name_are_told_apart() -> None:
    with socket.socket() as closed:
        closed.bind((PUBLIC, 0))
        url = f"http://{PUBLIC}:{closed.getsockname()[1]}/"
        async with egress() as out:
            with pytest.raises(FetchFailed, match="cannot connect"):
                await out.get(url)
            with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.2: cannot connect"):
                await out.post(url, body=b"", headers={})
            with pytest.raises(FetchFailed, match="name was not found"):
                await out.get("http://nowhere.example/")
            with pytest.raises(DeliveryFailed, match=r"nowhere\.example: the host name was not found"):
                await out.post("http://nowhere.example/", body=b"", headers={})


# What is delivered.


async def test_bytes_are_sent_as_they_are_and_the_answer_comes_back(out: Egress) -> None:
    async with serving(answer(b"HTTP/1.1 202 Taken\r\nX-A: b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")) as server:
        got = await out.post(server.url(), body=b'{"a":1}', headers={"webhook-id": "alt_1"})

    assert (got.status, got.headers["x-a"], got.body) == (202, "b", b"ok")
    head = server.seen[0].lower()
    assert "post /feed" in head
    assert "webhook-id: alt_1" in head
    assert "accept-encoding: identity" in head
    assert "user-agent: tripwire-test" in head


@pytest.mark.parametrize("status", ["301 M", "302 F", "307 T", "308 P"])
async def test_a_receiver_s_redirect_is_an_answer_and_never_followed(out: Egress, forbidden: Server, status: str) -> None:
    async with serving(answer(redirect(forbidden.url(), status))) as server:
        got = await out.post(server.url(), body=b"", headers={})

    assert got.status == int(status[:3])
    assert forbidden.connections == 0


@pytest.mark.parametrize("script", [silence, drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")], ids=["silent", "headers"])
async def test_a_receiver_that_is_slow_is_cut_at_the_deadline_and_only_its_host_is_named(out: Egress, script: Script) -> None:
    async with serving(script) as server:
        with pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.2: timed out after 0.2 s$"):
            await out.post(server.url() + "?token=secret", body=b"", headers={}, deadline=0.2)


async def test_the_status_counts_even_where_the_rest_of_the_answer_is_late(out: Egress) -> None:
    async with serving(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")) as server:
        assert (await out.post(server.url(), body=b"", headers={}, deadline=0.2)).status == 200


async def test_no_more_than_16_kib_of_an_answer_is_kept(out: Egress) -> None:
    async with serving(flood(b"HTTP/1.1 500 No\r\n\r\n", bytes(65536))) as server:
        got = await out.post(server.url(), body=b"", headers={})

    assert (got.status, len(got.body)) == (500, 16 * 1024)


# What must never be reached.

SPELLINGS = """
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 127.0.0.1. localhost localhost. LOCALHOST ①②⑦.⓪.⓪.① 0 0.0.0.0
    [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::1] 169.254.169.254 10.0.0.1
    [fd00:ec2::254] [fe80::1] 127.0.0.1%2f@127.0.0.2 127.0.0.1\\@127.0.0.2 127.0.0.2@127.0.0.1
""".split()


async def everywhere(out: Egress, url: str) -> None:
    """Asks for `url`, and sends to it; both must fail."""
    with pytest.raises(FetchFailed):
        await out.get(url, deadline=2)
    with pytest.raises(DeliveryFailed):
        await out.post(url, body=b"x", headers={}, deadline=2)


@pytest.mark.parametrize("host", SPELLINGS)
async def test_a_forbidden_address_is_not_reached_however_it_is_spelt(out: Egress, forbidden: Server, host: str) -> None:
    await everywhere(out, f"http://{host}:{forbidden.port}/feed")

    assert forbidden.connections == 0


@pytest.mark.parametrize("host", SPELLINGS)
async def test_nor_by_a_redirect(out: Egress, forbidden: Server, host: str) -> None:
    async with serving(answer(redirect(f"http://{host}:{forbidden.port}/"))) as server:
        with pytest.raises(FetchFailed):
            await out.get(server.url(), deadline=2)

    assert forbidden.connections == 0


async def test_nor_by_a_name_that_points_there(forbidden: Server) -> None:
    async with egress(Names({"evil.example": [[PRIVATE]]})) as out:
        await everywhere(out, forbidden.url("evil.example"))
        with pytest.raises(FetchFailed, match=r"^blocked address 127\.0\.0\.1$"):
            await out.get(forbidden.url("evil.example"))
        with pytest.raises(DeliveryFailed, match=r"^evil\.example: blocked address 127\.0\.0\.1$"):
            await out.post(forbidden.url("evil.example"), body=b"", headers={})

    assert forbidden.connections == 0


async def test_nor_by_a_name_that_changes_between_two_look_ups(forbidden: Server) -> None:
    """Whatever is looked up is what is connected to: the second answer is checked as the first was."""
    async with egress(Names({"flip.example": [[PUBLIC], [PRIVATE], [PUBLIC], [PRIVATE]]})) as out:
        for _ in range(2):
            await everywhere(out, forbidden.url("flip.example"))

    assert forbidden.connections == 0


async def test_nor_by_a_name_with_a_public_address_first(forbidden: Server) -> None:
    async with egress(Names({"mixed.example": [[PUBLIC, PRIVATE, "::ffff:127.0.0.1"]]})) as out:
        await everywhere(out, forbidden.url("mixed.example"))

    assert forbidden.connections == 0


async def test_a_name_that_points_to_the_public_host_is_reached(out: Egress) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(answer(OK)))
        named = await stack.enter_async_context(egress(Names({"good.example": [[PUBLIC]]})))

        assert (await named.get(server.url("good.example"))).body == b"news"
        assert (await named.post(server.url("good.example"), body=b"", headers={})).status == 200
        assert all(f"host: good.example:{server.port}" in head.lower() for head in server.seen)


async def test_without_the_guard_each_of_these_ways_leads_there(forbidden: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: it is the guard that holds, and not something else that happens to fail."""
    monkeypatch.setattr(Guard, "check", lambda *_: None)
    async with egress(Names({"evil.example": [[PRIVATE]]})) as out, serving(answer(redirect(forbidden.url()))) as server:
        for url in (forbidden.url(), forbidden.url("evil.example"), forbidden.url("[::ffff:127.0.0.1]"), server.url()):
            await out.get(url)
        for url in (forbidden.url(), forbidden.url("evil.example"), forbidden.url("[::ffff:127.0.0.1]")):
            await out.post(url, body=b"", headers={})

    assert forbidden.connections == 7


async def test_the_environment_s_proxy_is_not_used(forbidden: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, forbidden.url())
    async with egress() as out, serving(answer(OK)) as server:
        await out.get(server.url())
        await out.post(server.url(), body=b"", headers={})

    assert forbidden.connections == 0
