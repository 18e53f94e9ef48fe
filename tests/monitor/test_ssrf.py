"""S01: whatever leads to a forbidden address, by whatever way out, in whatever spelling, is never connected to.

127.0.0.2 plays the internet. Two witnesses: listeners on this machine's private addresses, which must see nobody, and a tap on
the loop, which notes every address that anybody tries to connect to, those included that are not on this machine.
"""

from __future__ import annotations

import asyncio
import re
from asyncio.selector_events import BaseSelectorEventLoop
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import pytest
from fakenet import OK, PRIVATE, PUBLIC, Names, Server, answer, egress, redirect, serving

from monitor.addresses import Guard
from monitor.egress import Egress
from monitor.egress.robots import Rules
from monitor.errors import DeliveryFailed, FetchFailed

if TYPE_CHECKING:
    from yarl import URL

FORBIDDEN = """
    127.0.0.1 127.0.0.3 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 168.63.129.16
    169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    ::1 :: fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 2001:db8::1
""".split()
TRICKS = """
    localhost localhost. LOCALHOST 0 127.0.0.1%2f@127.0.0.2 127.0.0.1\\@127.0.0.2 127.0.0.2@127.0.0.1 127.0.0.1#@127.0.0.2
    127.0.0.1%00.good.example [::1%25lo] [::ffff:127.0.0.1%25lo] 127。0。0。1
""".split()
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def written(address: str) -> list[str]:
    """The ways to write an address into a URL."""
    known = ip_address(address)
    if isinstance(known, IPv6Address):
        return [f"[{known}]", f"[{known.exploded}]", f"[{str(known).upper()}]", f"[{known.exploded[:-1]}{known.exploded[-1]}]"]
    a, b, c, d = known.packed
    number = int(known)
    return [
        address,
        f"{address}.",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        str(number),
        hex(number),
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        address.translate(FULL_WIDTH),
        *(f"[{one}]" for one in meant(address)[1:]),
    ]


def meant(address: str) -> list[str]:
    """The ways in which a name server may give an address: as it is, and inside an IPv6 one."""
    known = ip_address(address)
    if isinstance(known, IPv6Address):
        return [address]
    high, low = divmod(int(known), 1 << 16)
    return [address, f"::ffff:{address}", f"64:ff9b::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1"]


class Anything:
    """Stands in for robots.txt files that allow all, so that the page itself is what is asked for."""

    async def rules(self, url: URL) -> Rules:
        return Rules()


@dataclass
class World:
    """The internet (one server of many names) and the private network (listeners) with one way out between them."""

    out: Egress
    names: Names
    public: Server
    private: list[Server]
    closed: int
    """A port on which only the private network listens."""
    sends_to: dict[str, str]
    """Where the names of the internet redirect to."""

    @property
    def reached(self) -> int:
        return sum(server.connections for server in self.private)

    def direct(self, host: str) -> str:
        return f"http://{host}:{self.closed}/"

    def by_redirect(self, host: str) -> str:
        self.names.names["hop.example"] = [[PUBLIC]]
        self.sends_to["hop.example"] = self.direct(host)
        return self.public.url("hop.example")

    def by_rebinding(self, address: str) -> str:
        """The second look-up of the name leads elsewhere."""
        self.names.names["flip.example"] = [[PUBLIC], [address]]
        self.sends_to["flip.example"] = "/there"
        return self.public.url("flip.example")

    def by_mixture(self, address: str) -> str:
        """The public address of the name does not answer; the others would."""
        self.names.names["mixed.example"] = [[PUBLIC, address, PUBLIC]]
        return f"http://mixed.example:{self.closed}/"

    async def go(self, way: str, url: str) -> None:
        """Raises FetchFailed or DeliveryFailed, unless it led somewhere."""
        connector: Any = self.out.fetcher.connector
        connector.clear_dns_cache()
        self.out.robots._known.clear()
        await WAYS[way](self, url)


async def get(world: World, url: str) -> None:
    await world.out.get(url, deadline=5)


async def page(world: World, url: str) -> None:
    robots: Any = Anything()
    world.out.robots, real = robots, world.out.robots
    try:
        await world.out.page(url, deadline=5)
    finally:
        world.out.robots = real


async def robots_txt(world: World, url: str) -> None:
    await world.out.page(url, deadline=5)


async def post(world: World, url: str) -> None:
    """Twice, as redirects are not followed: a name may lead elsewhere by then."""
    await world.out.post(url, body=b"x", headers={}, deadline=5)
    await world.out.post(url, body=b"x", headers={}, deadline=5)


WAYS: dict[str, Callable[[World, str], Awaitable[None]]] = {"get": get, "page": page, "robots.txt": robots_txt, "post": post}


ROUTES: dict[str, Callable[[World, str], str]] = {
    "direct": World.direct,
    "redirect": World.by_redirect,
    "rebinding": World.by_rebinding,
    "mixed": World.by_mixture,
}


def cases(world: World) -> Iterator[tuple[str, str]]:
    """Every route to every address in every spelling: its kind, and the URL, prepared when it is asked for."""
    for address in FORBIDDEN:
        for route, prepare in ROUTES.items():
            for host in written(address) if route in ("direct", "redirect") else meant(address):
                yield route, prepare(world, host)


async def twins(stack: AsyncExitStack, handler: Any) -> tuple[Server, Server]:
    """A public server and a private one on the same port; a port that somebody else has on the private side is no good."""
    for _ in range(50):
        async with AsyncExitStack() as both:
            public = await both.enter_async_context(serving(handler))
            with suppress(OSError):
                private = await both.enter_async_context(serving(answer(OK), PRIVATE, port=public.port))
                stack.push_async_callback(both.pop_all().aclose)
                return public, private
    raise AssertionError("no port is free on both sides")


@asynccontextmanager
async def worlds() -> AsyncIterator[World]:
    names = Names()
    sends_to: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        out = await stack.enter_async_context(egress(names))

        async def internet(writer: asyncio.StreamWriter) -> None:
            connector: Any = out.fetcher.connector
            connector.clear_dns_cache()  # as if the name's time to live were over
            found = re.search(r"^host: ([\w.]+)", public.seen[-1], re.IGNORECASE | re.MULTILINE)
            target = sends_to.get(found[1]) if found else None
            writer.write(redirect(target) if target else OK)

        public, twin = await twins(stack, internet)
        first = await stack.enter_async_context(serving(answer(OK), PRIVATE))
        private = [first, twin]
        with suppress(OSError):  # not every machine has IPv6
            private += [await stack.enter_async_context(serving(answer(OK), "::1", port=server.port)) for server in private]
        yield World(out, names, public, private, first.port, sends_to)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with worlds() as world:
        yield world


@pytest.fixture
def tapped(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The addresses that anybody tries to connect to."""
    tried: set[str] = set()
    connect = BaseSelectorEventLoop.sock_connect

    async def tap(self: BaseSelectorEventLoop, sock: Any, address: Any) -> None:
        tried.add(address[0])
        await connect(self, sock, address)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", tap)
    return tried


@pytest.mark.parametrize("way", WAYS)
async def test_no_route_leads_to_a_forbidden_address(way: str, world: World, tapped: set[str]) -> None:
    led: list[tuple[str, str]] = []
    seen: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for route, url in cases(world):
        seen[route] += 1
        try:
            await world.go(way, url)
            led.append((route, url))
        except FetchFailed as error:
            kinds[error.kind] += 1
        except DeliveryFailed:
            pass

    assert world.reached == 0
    assert tapped == {PUBLIC}
    assert seen == {"direct": 332, "redirect": 332, "rebinding": 108, "mixed": 108}
    if way != "post":
        assert kinds == {"blocked": 332 + 332 + 108, "unreachable": 108}  # of a mixture the last one is told: nobody listens
    assert {route for route, _ in led} == ({"redirect"} if way == "post" else set())  # a redirect is a receiver's answer


@pytest.mark.parametrize("way", WAYS)
async def test_without_the_guard_every_route_leads_there(way: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: it is the guard that holds, and not something else that happens to fail."""
    monkeypatch.setattr(Guard, "check", lambda *_: None)
    reached: Counter[str] = Counter()
    for route, prepare in ROUTES.items():
        for host in (PRIVATE, "127.1", "2130706433", "[::ffff:127.0.0.1]") if route in ("direct", "redirect") else (PRIVATE,):
            before = world.reached
            with suppress(FetchFailed, DeliveryFailed):
                await world.go(way, prepare(world, host))
            reached[route] += world.reached > before

    routes = {"direct", "rebinding", "mixed"} | ({"redirect"} if way != "post" else set())
    assert {route for route, times in reached.items() if times} == routes


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", TRICKS)
async def test_nor_does_a_trick_with_the_parser(way: str, host: str, world: World, tapped: set[str]) -> None:
    for url in (world.direct(host), world.by_redirect(host)):
        with suppress(FetchFailed, DeliveryFailed):
            await world.go(way, url)

    assert world.reached == 0
    assert tapped <= {PUBLIC}


async def test_each_purpose_has_an_allow_list_of_its_own(world: World) -> None:
    inside, outside = Guard.of([f"{PRIVATE}/32"]), Guard()
    url = world.direct(PRIVATE)
    async with Egress(fetches=inside, deliveries=outside, resolver=Names(), pause=0) as out:
        assert (await out.get(url)).body == b"news"
        with pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.1: blocked address 127\.0\.0\.1$"):
            await out.post(url, body=b"", headers={})
    async with Egress(fetches=outside, deliveries=inside, resolver=Names(), pause=0) as out:
        assert (await out.post(url, body=b"", headers={})).status == 200
        with pytest.raises(FetchFailed, match=r"^blocked address 127\.0\.0\.1$") as failed:
            await out.get(url)
    assert failed.value.kind == "blocked"


@pytest.mark.parametrize("way", WAYS)
async def test_a_wide_allow_list_opens_no_metadata(way: str, tapped: set[str]) -> None:
    names = Names({"meta.example": [["169.254.169.254", "100.100.100.200", "fd00:ec2::254"]]})
    async with worlds() as world, egress(names, allow="0.0.0.0/0") as out:
        world.out = out
        for url in ("http://169.254.169.254/latest/", "http://meta.example/latest/", "http://[::ffff:169.254.169.254]/"):
            with pytest.raises((FetchFailed, DeliveryFailed)):
                await world.go(way, url)

    assert tapped == set()


async def test_a_name_that_points_to_the_public_host_is_reached(world: World) -> None:
    world.names.names["good.example"] = [[PUBLIC]]
    url = world.public.url("good.example")

    assert (await world.out.get(url)).body == b"news"
    assert (await world.out.page(url)).body == b"news"
    assert (await world.out.post(url, body=b"", headers={})).status == 200
    assert all(f"host: good.example:{world.public.port}" in head.lower() for head in world.public.seen)


async def test_a_blocked_address_is_named(world: World) -> None:
    world.names.names["evil.example"] = [[PRIVATE]]
    with pytest.raises(FetchFailed, match=r"^blocked address 127\.0\.0\.1$"):
        await world.out.get(world.direct("evil.example"))
    with pytest.raises(DeliveryFailed, match=r"^evil\.example: blocked address 127\.0\.0\.1$"):
        await world.out.post(world.direct("evil.example"), body=b"", headers={})
