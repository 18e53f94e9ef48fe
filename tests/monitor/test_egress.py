"""What is fetched and what is delivered, over real sockets; what breaks is in test_faults.py, what is forbidden in test_ssrf.py."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpcore
import pytest
import trustme
from fakenet import (
    OK,
    PRIVATE,
    PUBLIC,
    Clock,
    Names,
    Script,
    Server,
    answer,
    answers,
    drip,
    egress,
    ended,
    flood,
    redirect,
    reset_after,
    serving,
    settled,
    silence,
    until,
)

from monitor.egress import Egress, clients
from monitor.errors import DeliveryFailed, FetchFailed
from monitor.unpack import MIB


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
    assert "User-Agent: tripwire-test/1.0" in server.seen[0]
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
    async with serving(answers(redirect("/moved"), OK)) as server:
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
    clock = Clock()

    async def script(writer: asyncio.StreamWriter) -> None:
        await clock.jump(10)
        writer.write(redirect("/feed"))

    async with serving(script) as server:
        with pytest.raises(FetchFailed, match="timed out after 25 s"):
            await out.get(server.url(), deadline=25)
    assert len(server.seen) == 3


async def test_waiting_for_our_turn_with_a_host_does_not_count(out: Egress) -> None:
    clock = Clock()

    async def script(writer: asyncio.StreamWriter) -> None:
        await clock.jump(10)
        writer.write(OK)

    async with serving(script) as server:
        got = await asyncio.gather(*(out.get(server.url(), deadline=15) for _ in range(5)))

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
    assert "user-agent: tripwire-test/1.0" in head


@pytest.mark.parametrize("status", ["301 M", "302 F", "307 T", "308 P"])
async def test_a_receiver_s_redirect_is_an_answer_and_never_followed(out: Egress, forbidden: Server, status: str) -> None:
    async with serving(answer(redirect(forbidden.url(), status))) as server:
        got = await out.post(server.url(), body=b"", headers={})

    assert got.status == int(status[:3])
    assert forbidden.connections == 0


SLOW: dict[str, Script] = {
    "silent": silence,
    "dripping its first line": drip(b"HTTP/1.1 "),
    "dripping headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
async def test_a_receiver_that_is_slow_is_cut_at_the_deadline_and_only_its_host_is_named(out: Egress, script: Script) -> None:
    async with serving(script) as server:
        with pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.2: timed out after 0.2 s$") as failed:
            await out.post(server.url() + "?token=secret", body=b"", headers={}, deadline=0.2)

    assert failed.value.kind == "slow"


async def test_a_deadline_for_each_read_alone_would_never_end_a_drip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: httpx has no deadline for the whole."""
    monkeypatch.setattr(asyncio, "timeout", lambda _: nullcontext_async())
    dripped: list[float] = []

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        clock = asyncio.get_running_loop().time
        began = clock()
        while clock() < began + 0.5:
            writer.write(b"x")
            await writer.drain()
            dripped.append(clock() - began)
            await asyncio.sleep(0.01)
        writer.write(b"\r\nContent-Length: 0\r\n\r\n")

    async with egress() as out, serving(script) as server:
        assert (await out.post(server.url(), body=b"", headers={}, deadline=0.1)).status == 200
    assert dripped[-1] > 0.2


@asynccontextmanager
async def nullcontext_async() -> AsyncIterator[None]:
    yield


async def test_a_slow_receiver_holds_up_no_other(out: Egress) -> None:
    async with serving(silence) as slow, serving(answer(OK)) as quick:
        stuck = [asyncio.ensure_future(out.post(slow.url(), body=b"", headers={})) for _ in range(8)]
        await until(lambda: len(slow.seen) == 8)
        for _ in range(20):
            assert (await out.post(quick.url(), body=b"", headers={})).status == 200
        assert not [task for task in stuck if task.done()]
        for task in stuck:
            await ended(task)


BODIES: dict[str, Script] = {
    "dripping": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
    "dripping chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "cut short": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nok"),
    "reset": reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
    "no chunks": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
}


@pytest.mark.parametrize("script", BODIES.values(), ids=BODIES)
async def test_the_status_counts_even_where_the_rest_of_the_answer_is_late_or_broken(out: Egress, script: Script) -> None:
    async with serving(script) as server:
        assert (await out.post(server.url(), body=b"", headers={}, deadline=0.2)).status == 200


@pytest.mark.parametrize("status", ["200 OK", "500 No"])
@pytest.mark.parametrize("length", ["", "Content-Length: 10000000000\r\n"], ids=["endless", "announced"])
async def test_no_more_than_16_kib_of_an_answer_is_read(out: Egress, status: str, length: str) -> None:
    """The server gives up writing long before its 10 GB: what is read is bounded by what the kernel keeps for both sides."""
    given = 0

    async def script(writer: asyncio.StreamWriter) -> None:
        nonlocal given
        writer.write(f"HTTP/1.1 {status}\r\n{length}\r\n".encode())
        while given < 10**10:
            writer.write(bytes(65536))
            await writer.drain()
            given += 65536

    async with serving(script) as server:
        got = await out.post(server.url(), body=b"", headers={})

    assert (got.status, len(got.body)) == (int(status[:3]), 16 * 1024)
    assert given < 64 * MIB


async def test_a_bomb_for_an_answer_is_not_unpacked(out: Egress) -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    start = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    async with serving(answer(start + bomb)) as server:
        tracemalloc.start()
        try:
            got = await out.post(server.url(), body=b"", headers={})
            most = tracemalloc.get_traced_memory()[1]
            gzip.decompress(bomb)  # the negative control
            unpacked = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (got.status, got.body) == (200, bomb[: 16 * 1024])
    assert most < 5 * MIB
    assert unpacked > 60 * MIB


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (b"", "http", "the answer is not proper HTTP"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "http", "the answer is not proper HTTP"),
        (b"HTTP/1.1 2xx OK\r\n\r\n", "http", "the answer is not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "http", "the answer is not proper HTTP"),
    ],
    ids=["nothing", "another protocol", "no status", "a huge header"],
)
async def test_what_is_no_http_answer_is_a_failure(out: Egress, data: bytes, kind: str, why: str) -> None:
    async with serving(answer(data)) as server:
        with pytest.raises(DeliveryFailed, match=rf"^127\.0\.0\.2: {why}$") as failed:
            await out.post(server.url(), body=b"", headers={})

    assert (failed.value.kind, failed.value.status) == (kind, None)


async def test_a_reset_is_a_failure(out: Egress) -> None:
    async with serving(reset_after(b"HTTP/1.1 20")) as server:
        with pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.2: the connection broke off$") as failed:
            await out.post(server.url(), body=b"", headers={})

    assert failed.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:1/", "blocked"),
        ("http://nowhere.example/", "unreachable"),
        ("ftp://example.org/", "blocked"),
        ("http://me:hunter2@127.0.0.2/", "blocked"),
        ("http://127.0.0.2/" + "x" * 5000, "blocked"),
    ],
)
async def test_a_failure_has_its_kind(out: Egress, url: str, kind: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await out.post(url, body=b"", headers={})

    assert failed.value.kind == kind
    assert "hunter2" not in str(failed.value)


# … over TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def showing(authority: trustme.CA, name: str, until: datetime | None = None) -> ssl.SSLContext:
    """A server's side that shows a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=until).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = [PUBLIC, pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback"))]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_good_certificate_is_taken(authority: trustme.CA, host: str) -> None:
    names = Names({"good.example": [[host]]})
    async with (
        serving(answer(OK), host, tls=showing(authority, "good.example")) as server,
        egress(names, host, tls=trusting(authority)) as out,
    ):
        assert (await out.post(server.url("good.example"), body=b"", headers={})).status == 200


CERTIFICATES: dict[str, Callable[[trustme.CA], ssl.SSLContext]] = {
    "of another name": lambda good: showing(good, "other.example"),
    "of an authority that nobody knows": lambda _: showing(trustme.CA(), "good.example"),
    "out of date": lambda good: showing(good, "good.example", datetime(2020, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("shown", CERTIFICATES.values(), ids=CERTIFICATES)
async def test_any_other_certificate_is_a_failure_and_nothing_is_sent(
    authority: trustme.CA, shown: Callable[[trustme.CA], ssl.SSLContext], host: str
) -> None:
    names = Names({"good.example": [[host]]})
    async with serving(answer(OK), host, tls=shown(authority)) as server, egress(names, host, tls=trusting(authority)) as out:
        with pytest.raises(DeliveryFailed, match=r"^good\.example: the TLS certificate is not valid for this host$") as failed:
            await out.post(server.url("good.example"), body=b"", headers={})

    assert failed.value.kind == "tls"
    assert server.seen == []


async def test_what_does_not_speak_tls_is_a_failure(authority: trustme.CA) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, PUBLIC, 0) as listening, egress(tls=trusting(authority)) as out:
        with pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.2: TLS failed$") as failed:
            await out.post(f"https://{PUBLIC}:{listening.sockets[0].getsockname()[1]}/", body=b"", headers={})

    assert failed.value.kind == "tls"


class Hello:
    """A server that never answers the first words of a TLS handshake, and the connections that were made to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.greeted = asyncio.Event()
        self.streams: list[httpcore.AsyncNetworkStream] = []
        self.writers: list[asyncio.StreamWriter] = []
        connect = httpcore.AnyIOBackend.connect_tcp

        async def noted(backend: Any, *args: Any, **more: Any) -> Any:
            stream = await connect(backend, *args, **more)
            self.streams.append(stream)
            return stream

        monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", noted)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await reader.read(1)
        self.greeted.set()

    async def cancelled(self, out: Egress) -> bool:
        """Whether the socket of a delivery that was cancelled in its handshake is closed."""
        listening = await asyncio.start_server(self.serve, PUBLIC, 0)
        async with listening:
            url = f"https://{PUBLIC}:{listening.sockets[0].getsockname()[1]}/"
            task = asyncio.ensure_future(out.post(url, body=b"", headers={}))
            await self.greeted.wait()
            socket = self.streams[0].get_extra_info("socket")
            await ended(task)
            await settled()
            closed = socket.fileno() == -1
            for stream in self.streams:
                await stream.aclose()
            for writer in self.writers:
                writer.close()
            await settled()
            return bool(closed)


async def test_a_delivery_that_is_cancelled_in_its_tls_handshake_leaves_no_socket_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = Hello(monkeypatch)
    async with egress() as out:
        assert await hello.cancelled(out)


async def test_httpcore_by_itself_would_leave_it_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control; once this fails, httpcore has mended it, and clients._Stream can go."""
    hello = Hello(monkeypatch)
    monkeypatch.setattr(clients, "_Stream", lambda stream: stream)
    async with egress() as out:
        assert not await hello.cancelled(out)


async def test_the_environment_s_proxy_is_not_used(forbidden: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, forbidden.url())
    async with egress() as out, serving(answer(OK)) as server:
        await out.get(server.url())
        await out.post(server.url(), body=b"", headers={})

    assert forbidden.connections == 0
