"""The fault catalogue of the network: what servers, name servers and wires do to us. Each guard is once switched off.

Deadlines pass on a clock that jumps; nobody waits for real.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from fakenet import (
    OK,
    PUBLIC,
    Clock,
    Names,
    Script,
    answer,
    drip,
    egress,
    ended,
    flood,
    head,
    redirect,
    reset_after,
    serving,
    settled,
    silence,
    text,
    until,
)

import monitor.egress
from monitor import unpack
from monitor.egress import lookups
from monitor.egress.lookups import Lookups, System
from monitor.errors import TROUBLES, DeliveryFailed, FetchFailed
from monitor.unpack import MIB
from monitor.wire import failure


async def failing(going: asyncio.Task[object] | asyncio.Future[object]) -> tuple[str, str]:
    """The kind of failure and its words."""
    with pytest.raises(FetchFailed) as failed:
        await going
    assert failed.value.kind in TROUBLES
    return failed.value.kind, str(failed.value)


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


# F30: names.


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "the host name was not found"),
        (socket.gaierror(socket.EAI_AGAIN, "server failure"), "the host name was not found"),
        (OSError("anything"), "the host name was not found"),
    ],
)
async def test_a_name_that_cannot_be_looked_up_is_unreachable(error: OSError, words: str) -> None:
    async with egress(Names(broken={"gone.example": error})) as out:
        assert await failing(asyncio.ensure_future(out.get("http://gone.example/"))) == ("unreachable", words)
        with pytest.raises(DeliveryFailed, match=rf"^gone\.example: {words if 'name' in str(error) else ''}"):
            await out.post("http://gone.example/", body=b"", headers={})


async def test_a_name_without_an_address_is_unreachable() -> None:
    async with egress(Names({"empty.example": [[]]})) as out:
        got = await failing(asyncio.ensure_future(out.get("http://empty.example/")))
        assert got == ("unreachable", "the host name has no address")
        with pytest.raises(DeliveryFailed, match=r"^empty\.example: the host name has no address$"):
            await out.post("http://empty.example/", body=b"", headers={})


async def test_a_look_up_that_hangs_is_given_up_after_five_seconds_and_holds_up_nobody() -> None:
    clock, never = Clock(), asyncio.Event()
    async with egress(Names(hanging={"slow.example": never})) as out, serving(answer(OK)) as server:
        fetching = asyncio.ensure_future(out.get("http://slow.example/"))
        telling = asyncio.ensure_future(out.post("http://slow.example/", body=b"", headers={}))
        await settled()
        assert (await out.get(server.url())).body == b"news"
        await clock.jump(5.1)
        assert await failing(fetching) == ("unreachable", "looking up the host name took more than 5 s")
        with pytest.raises(DeliveryFailed, match="took more than 5 s"):
            await telling


async def test_without_the_limit_it_hangs_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "LIMIT", 10_000)
    clock, never = Clock(), asyncio.Event()
    async with egress(Names(hanging={"slow.example": never})) as out:
        fetching = asyncio.ensure_future(out.get("http://slow.example/"))
        await settled()
        await clock.jump(29)
        assert not fetching.done()
        await clock.jump(2)
        assert await failing(fetching) == ("slow", "timed out after 30 s")


async def test_names_that_hang_leave_the_loop_s_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    release, hanging = threading.Event(), threading.Semaphore(0)

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        if "hang" in host:
            hanging.release()
            release.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 80))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    system = Lookups(System())
    waiting = [asyncio.ensure_future(system.resolve(f"hang{n}.example", 80)) for n in range(20)]
    try:
        await settled()
        for _ in waiting:
            assert hanging.acquire(timeout=5)
        assert [one["host"] for one in await system.resolve("good.example", 80)] == [PUBLIC]
        assert await asyncio.to_thread(lambda: "free") == "free"
    finally:
        release.set()
        await asyncio.gather(*waiting)
        await system.close()


async def test_the_system_s_own_look_up_knows_this_machine() -> None:
    system = Lookups(System())

    assert PUBLIC in [one["host"] for one in await system.resolve(PUBLIC, 80)]
    await system.close()


# F32: slowness.

SLOW = {
    "silent": silence,
    "in its headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "in its body": drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    "in its chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
async def test_a_slow_server_is_cut_off_at_the_deadline_and_holds_up_nobody(script: Script) -> None:
    clock = Clock()
    names = Names({"slow.example": [[PUBLIC]], "good.example": [[PUBLIC]]})
    async with egress(names) as out, serving(script) as slow, serving(answer(OK)) as good:
        fetching = asyncio.ensure_future(out.get(slow.url("slow.example")))
        await until(lambda: bool(slow.seen))
        for _ in range(20):
            assert (await out.get(good.url("good.example"))).body == b"news"
        assert not fetching.done()
        assert not out.free("slow.example")
        await clock.jump(30.1)
        assert await failing(fetching) == ("slow", "timed out after 30 s")
        assert out.free("slow.example")


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
async def test_without_a_deadline_it_would_never_end(script: Script) -> None:
    clock = Clock()
    async with egress() as out, serving(script) as slow:
        fetching = asyncio.ensure_future(out.get(slow.url(), deadline=1e9))
        await until(lambda: bool(slow.seen))
        for _ in range(5):
            await clock.jump(3_600)
        assert not fetching.done()
        await ended(fetching)


# F33 to F35: size.


ZEROS = bytes(64 * 1024)
HUGE = {
    "without a length": (head(), ZEROS),
    "with a length": (head("Content-Length: 10000000000"), ZEROS),
    "in chunks": (head("Transfer-Encoding: chunked"), chunked(ZEROS)),
    "in small chunks": (head("Transfer-Encoding: chunked"), chunked(b"x") * 4096),
}


@pytest.mark.parametrize(("start", "piece"), HUGE.values(), ids=HUGE.keys())
async def test_an_endless_body_is_left_at_the_cap(start: bytes, piece: bytes) -> None:
    async with egress() as out, serving(flood(start, piece)) as server:
        got = await failing(asyncio.ensure_future(out.get(server.url(), cap_wire=MIB)))

    assert got == ("too-large", "too large: more than 1 MiB")


async def test_without_the_cap_the_bytes_do_come() -> None:
    async with egress() as out, serving(flood(head(), ZEROS, times=48)) as server:
        assert len((await out.get(server.url(), cap_wire=4 * MIB)).body) == 3 * MIB


def many_members(size: int) -> bytes:
    return gzip.compress(b"") * 1000 + gzip.compress(bytes(size))


def deflated(size: int) -> bytes:
    return zlib.compress(bytes(size))


def bare(size: int) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(bytes(size)) + packer.flush()


def zipped(size: int) -> bytes:
    return gzip.compress(bytes(size))


BOMBS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "gzip": ("gzip", zipped),
    "deflate": ("deflate", deflated),
    "bare deflate": ("deflate", bare),
}


@pytest.mark.parametrize(("encoding", "pack"), BOMBS.values(), ids=BOMBS.keys())
async def test_a_bomb_is_defused(encoding: str, pack: Callable[[int], bytes]) -> None:
    data = head(f"Content-Encoding: {encoding}") + pack(16 * MIB)
    async with egress() as out, serving(answer(data)) as server:
        got = await failing(asyncio.ensure_future(out.get(server.url())))

    assert got == ("too-large", "unpacks to more than 200 times its size")


@pytest.mark.parametrize(("encoding", "pack"), BOMBS.values(), ids=BOMBS.keys())
async def test_without_the_caps_it_goes_off(encoding: str, pack: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "RATIO", 1_000_000)
    data = head(f"Content-Encoding: {encoding}") + pack(16 * MIB)
    async with egress() as out, serving(answer(data)) as server:
        assert len((await out.get(server.url())).body) == 16 * MIB


async def test_below_the_ratio_the_size_still_counts() -> None:
    data = head("Content-Encoding: gzip") + gzip.compress(bytes(range(256)) * 4096, 1)
    async with egress() as out, serving(answer(data)) as server:
        got = await failing(asyncio.ensure_future(out.get(server.url(), cap_body=MIB // 2)))

    assert got == ("too-large", "too large: more than 524288 bytes")


async def test_of_many_members_only_the_first_is_unpacked() -> None:
    data = head("Content-Encoding: gzip") + many_members(16 * MIB)
    async with egress() as out, serving(answer(data)) as server:
        assert (await out.get(server.url())).body == b""


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate, gzip", "compress", "x" * 1_000])
async def test_an_encoding_that_was_not_asked_for_is_unreadable(encoding: str) -> None:
    data = head(f"Content-Encoding: {encoding}") + zipped(MIB)
    async with egress() as out, serving(answer(data)) as server:
        kind, words = await failing(asyncio.ensure_future(out.get(server.url())))

    assert (kind, len(words) < 100) == ("unreadable", True)


HEADERS = {
    "one of 20 kB": b"X: " + b"x" * 20_000 + b"\r\n",
    "a name of 20 kB": b"x" * 20_000 + b": x\r\n",
    "ten thousand": b"X: y\r\n" * 10_000,
    "ten thousand different": b"".join(b"X-%d: y\r\n" % n for n in range(10_000)),
    "ten thousand cookies": b"Set-Cookie: a=b\r\n" * 10_000,
    "one folded ten thousand times": b"X: y\r\n" + b" z\r\n" * 10_000,
}


@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS.keys())
async def test_too_many_or_too_long_headers_are_refused(lines: bytes) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 4\r\n\r\nnews"
    async with egress() as out, serving(answer(data)) as server:
        got = await failing(asyncio.ensure_future(out.get(server.url())))
        assert got == ("http", "the answer is not proper HTTP")


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: "], ids=["lines", "one line"])
async def test_endless_headers_end_the_fetch_and_the_delivery(start: bytes) -> None:
    async with egress() as out, serving(flood(start, b"X: y\r\n" * 100 if start.endswith(b"\n") else b"x" * 1000)) as server:
        got = await failing(asyncio.ensure_future(out.get(server.url())))
        assert got == ("http", "the answer is not proper HTTP")
        with pytest.raises(DeliveryFailed, match="not proper HTTP"):
            await out.post(server.url(), body=b"", headers={})


async def test_with_wider_limits_the_headers_do_come() -> None:
    data = b"HTTP/1.1 200 OK\r\n" + HEADERS["one of 20 kB"] + b"Content-Length: 4\r\n\r\nnews"
    async with egress() as out, serving(answer(data)) as server, out.fetcher.get(server.url(), max_field_size=MIB) as got:
        assert len(got.headers["X"]) == 20_000


async def test_endless_trailers_end_the_fetch() -> None:
    start = head("Transfer-Encoding: chunked") + chunked(b"news") + b"0\r\n"
    async with egress() as out, serving(flood(start, b"X: y\r\n" * 100)) as server:
        kind, _ = await failing(asyncio.ensure_future(out.get(server.url())))
        assert kind in ("http", "unreachable")
    async with egress() as out, serving(answer(start + b"X: y\r\n\r\n")) as server:
        assert (await out.get(server.url())).body == b"news"  # the negative control: a trailer as such does no harm


# F36: redirects.

MAPS = {
    "a ring of two": {"/feed": redirect("/b"), "/b": redirect("/feed")},
    "to itself": {"/feed": redirect("/feed")},
    "eleven hops": {"/feed": redirect("/1")} | {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 11)} | {"/11": OK},
}


@pytest.mark.parametrize("pages", MAPS.values(), ids=MAPS.keys())
async def test_after_five_redirects_it_ends(pages: dict[str, bytes]) -> None:
    async with egress() as out, serving(silence, pages=pages) as server:
        assert await failing(asyncio.ensure_future(out.get(server.url()))) == ("http", "more than 5 redirects")
        assert server.connections == 6


async def test_a_new_query_each_time_does_not_help() -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(redirect(f"?{server.connections}"))

    async with egress() as out, serving(script) as server:
        assert await failing(asyncio.ensure_future(out.get(server.url()))) == ("http", "more than 5 redirects")
        assert server.connections == 6


async def test_with_more_hops_allowed_all_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.egress, "HOPS", 20)
    async with egress() as out, serving(silence, pages=MAPS["eleven hops"]) as server:
        assert (await out.get(server.url())).body == b"news"


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [
        ([], False),
        ([301], True),
        ([308], True),
        ([301, 308, 301], True),
        ([302], False),
        ([307], False),
        ([301, 302], False),
        ([302, 301], False),
        ([301, 303, 301], False),
    ],
)
async def test_it_has_moved_for_good_where_every_redirect_says_so(statuses: list[int], moved: bool) -> None:  # noqa: FBT001
    hops = {f"/{n}": redirect(f"/{n + 1}#top", f"{status} Moved") for n, status in enumerate(statuses)}
    async with egress() as out, serving(answer(OK), pages=hops) as server:
        got = await out.get(server.url(path="/0"))

    last = server.url(path=f"/{len(statuses)}")
    assert (got.url, got.moved) == (last, last if moved else None)


# F39: TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def showing(authority: trustme.CA, name: str = "good.example", *, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=until).configure_cert(context)
    return context


def old_fashioned(authority: trustme.CA) -> ssl.SSLContext:
    context = showing(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


NOT_VALID = "the TLS certificate is not valid for this host"
TLS: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext], str]] = {
    "expired": (lambda ca: showing(ca, until=datetime(2020, 1, 1, tzinfo=UTC)), NOT_VALID),
    "of another host": (lambda ca: showing(ca, "other.example"), NOT_VALID),
    "of an unknown authority": (lambda _: showing(trustme.CA()), NOT_VALID),
}


@pytest.mark.parametrize(("server_side", "words"), TLS.values(), ids=TLS.keys())
async def test_a_bad_certificate_ends_it_before_a_byte_is_asked_for(
    authority: trustme.CA, server_side: Callable[[trustme.CA], ssl.SSLContext], words: str
) -> None:
    names = Names({"good.example": [[PUBLIC]]})
    async with egress(names, tls=trusting(authority)) as out, serving(answer(OK), tls=server_side(authority)) as server:
        assert await failing(asyncio.ensure_future(out.get(server.url("good.example")))) == ("tls", words)
        assert (await failing(asyncio.ensure_future(out.page(server.url("good.example")))))[0] == "tls"
        with pytest.raises(DeliveryFailed, match=rf"^good\.example: {words}$"):
            await out.post(server.url("good.example"), body=b"secret", headers={})
        assert server.seen == []


@pytest.mark.filterwarnings("ignore:ssl")
async def test_tls_from_before_2008_is_not_spoken(authority: trustme.CA) -> None:
    names = Names({"good.example": [[PUBLIC]]})
    async with egress(names, tls=trusting(authority)) as out, serving(answer(OK), tls=old_fashioned(authority)) as server:
        assert (await failing(asyncio.ensure_future(out.get(server.url("good.example")))))[0] in ("tls", "unreachable")
        assert server.seen == []
    lax = trusting(authority)
    lax.set_ciphers("ALL:@SECLEVEL=0")
    lax.minimum_version = ssl.TLSVersion.TLSv1_1
    async with egress(names, tls=lax) as out, serving(answer(OK), tls=old_fashioned(authority)) as server:
        assert (await out.get(server.url("good.example"))).body == b"news"  # the negative control


@pytest.mark.parametrize(("server_side", "words"), TLS.values(), ids=TLS.keys())
async def test_without_the_check_such_a_server_is_believed(
    authority: trustme.CA, server_side: Callable[[trustme.CA], ssl.SSLContext], words: str
) -> None:
    gullible = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    gullible.check_hostname, gullible.verify_mode = False, ssl.CERT_NONE
    names = Names({"good.example": [[PUBLIC]]})
    async with egress(names, tls=gullible) as out, serving(answer(OK), tls=server_side(authority)) as server:
        assert (await out.get(server.url("good.example"))).body == b"news"


async def test_a_good_certificate_is_accepted_for_the_name_though_the_address_was_looked_up(authority: trustme.CA) -> None:
    names = Names({"good.example": [[PUBLIC]]})
    async with egress(names, tls=trusting(authority)) as out, serving(answer(OK), tls=showing(authority)) as server:
        assert (await out.get(server.url("good.example"))).body == b"news"
        assert (await out.post(server.url("good.example"), body=b"", headers={})).status == 200


async def test_a_handshake_that_stalls_is_given_up(authority: trustme.CA) -> None:
    clock = Clock()
    async with egress(tls=trusting(authority)) as out, serving(silence) as server:
        url = server.url().replace("http:", "https:")
        fetching = asyncio.ensure_future(out.get(url))
        await until(lambda: server.connections == 1)
        await clock.jump(30.1)
        assert (await failing(fetching))[0] == "slow"


async def test_plain_http_where_tls_was_asked_for_is_given_up(authority: trustme.CA) -> None:
    clock = Clock()
    async with egress(tls=trusting(authority)) as out, serving(answer(OK)) as server:
        telling = asyncio.ensure_future(out.post(server.url().replace("http:", "https:"), body=b"secret", headers={}))
        await until(lambda: server.connections == 1)
        await clock.jump(5.1)
        with pytest.raises(DeliveryFailed, match=r"connecting took too long$"):
            await telling
        assert server.seen == []


# F43, F44: conditions.


async def test_a_304_is_an_answer_without_a_body_whatever_length_it_tells() -> None:
    etag = 'W/"weak, with a comma"'
    async with egress() as out, serving(answer(head(f"ETag: {etag}", "Content-Length: 4", status="304 Same"))) as server:
        got = await out.get(server.url(), headers={"If-None-Match": etag, "If-Modified-Since": "yesterday"})

    assert (got.status, got.body, got.headers["etag"]) == (304, b"", etag)
    assert f"If-None-Match: {etag}\r\n" in server.seen[0]
    assert "If-Modified-Since: yesterday\r\n" in server.seen[0]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(410, "gone"), (429, "asked-to-wait"), (503, "asked-to-wait"), (404, "http"), (403, "http"), (500, "http"), (204, "http")],
)
async def test_an_answer_of_no_use_has_its_kind(status: int, kind: str) -> None:
    async with egress() as out, serving(answer(head("Retry-After: 7", "Content-Length: 0", status=f"{status} X"))) as server:
        error = failure(await out.get(server.url()), datetime(2026, 7, 1, tzinfo=UTC))

    assert (str(error), error.kind) == (f"HTTP {status}", kind)
    assert error.wait == (timedelta(seconds=7) if kind == "asked-to-wait" else None)


# F57: broken off.

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nX-Long: " + b"x" * 80 + b"\r\nContent-Length: 80\r\n\r\n" + b"n" * 80


async def test_a_reset_after_any_byte_is_unreachable_and_the_next_fetch_goes_well() -> None:
    assert len(WHOLE) > 200
    for size in range(201):
        async with egress() as out, serving(reset_after(WHOLE[:size])) as server:
            kind, words = await failing(asyncio.ensure_future(out.get(server.url(), deadline=5)))
            assert (kind, words) in {("unreachable", "the connection broke off"), ("http", "the answer is not proper HTTP")}, size
            server.script = answer(OK)
            assert (await out.get(server.url())).body == b"news"


async def test_a_reset_after_any_byte_fails_a_delivery_or_leaves_it_its_status() -> None:
    failed: list[str] = []
    answered: list[int] = []
    for size in range(201):
        async with egress() as out, serving(reset_after(WHOLE[:size])) as server:
            try:
                assert (await out.post(server.url(), body=b"x", headers={}, deadline=5)).status == 200
                answered.append(size)
            except DeliveryFailed as error:
                failed.append(str(error))
    assert all(words.startswith(f"{PUBLIC}: ") for words in failed)
    assert not answered or min(answered) > 100
    assert len(failed) > 100


async def test_the_whole_answer_before_the_reset_is_an_answer() -> None:
    """The negative control: it is the missing bytes that make it fail."""
    async with egress() as out, serving(answer(WHOLE)) as server:
        assert len((await out.get(server.url())).body) == 80


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (head("Content-Length: 10") + b"news", "unreachable"),
        (head("Content-Length: -1") + b"news", "http"),
        (head("Content-Length: x") + b"news", "http"),
        (head("Content-Length: 4", "Content-Length: 5") + b"newss", "http"),
        (head("Transfer-Encoding: chunked") + b"zz\r\nnews", "http"),
        (head("Transfer-Encoding: chunked") + b"ff\r\nnews", "unreachable"),
        (head("Content-Encoding: gzip") + b"\x1f\x8bjunk" * 50, "unreadable"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "http"),
        (b"\x00" * 100, "http"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "http"),
        (b"HTTP/1.1 200 OK\r\nContent Length: 4\r\n\r\nnews", "http"),
    ],
)
async def test_a_broken_answer_has_its_kind(data: bytes, kind: str) -> None:
    async with egress() as out, serving(answer(data)) as server:
        assert (await failing(asyncio.ensure_future(out.get(server.url()))))[0] in (kind, "http"), data


async def test_more_bytes_than_were_announced_are_never_taken_for_the_next_answer() -> None:
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    async with egress() as out, serving(answer(smuggled + b"news" + smuggled + b"evil")) as server:
        for _ in range(4):
            with suppress(FetchFailed):
                assert (await out.get(server.url())).body == b"news"


@pytest.mark.parametrize(
    "location", ["\xff\xfe", "http://[", "http://a:99999/", "http://\x00/", "//", "http://" + "a." * 3000, "\udcff"]
)
async def test_a_hostile_location_fails_in_plain_words(location: str) -> None:
    data = b"HTTP/1.1 302 F\r\nLocation: " + location.encode("utf-8", "surrogatepass") + b"\r\nContent-Length: 0\r\n\r\n"
    async with egress() as out, serving(answer(data)) as server:
        kind, words = await failing(asyncio.ensure_future(out.get(server.url(), deadline=1)))

    assert kind in TROUBLES
    assert len(words) < 100


async def test_a_page_is_as_guarded_as_a_feed() -> None:
    async with egress() as out, serving(flood(head(), ZEROS), pages={"/robots.txt": text("")}) as server:
        assert (await failing(asyncio.ensure_future(out.page(server.url(), cap_wire=MIB))))[0] == "too-large"
