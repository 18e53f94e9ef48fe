"""What is fetched and what is delivered, over real sockets; what breaks is in test_faults.py, what is forbidden in test_ssrf.py."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import pytest
from fakenet import OK, PRIVATE, PUBLIC, Clock, Script, Server, answer, answers, drip, egress, flood, redirect, serving, silence

from monitor.egress import Egress
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


async def test_the_environment_s_proxy_is_not_used(forbidden: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, forbidden.url())
    async with egress() as out, serving(answer(OK)) as server:
        await out.get(server.url())
        await out.post(server.url(), body=b"", headers={})

    assert forbidden.connections == 0
