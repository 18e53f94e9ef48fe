"""The ways in which a source of the farm can be broken. Each answers one request on a connection, or does not."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable
from functools import cache
from typing import Protocol

from farm_text import FORMATS, Channel

DRIP = 1.0
"""Seconds between the bytes of a source that drips."""
BOMB = 100 << 20
"""Bytes that a small answer unpacks to."""


class Line(Protocol):
    """A connection that a request came in on."""

    transport: asyncio.Transport

    def reply(self, status: int, body: bytes = b"", *, kind: str = "text/html", headers: str = "") -> None:
        """Answers, with whatever header lines besides."""
        ...


Fault = Callable[[Line, Channel], None]


def web_page(line: Line, _feed: Channel) -> None:
    """A page where the feed should be."""
    line.reply(200, b"<!doctype html><html><head><title>Moved</title></head><body><h1>We have a new site</h1></body></html>")


def truncated(line: Line, feed: Channel) -> None:
    """The first half of a feed."""
    body = feed.render()
    line.reply(200, body[: len(body) // 2], kind="application/rss+xml")


def wrong_length(line: Line, feed: Channel) -> None:
    """Less than was announced."""
    body = feed.render()
    line.transport.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: %d\r\n\r\n" % (len(body) + 999)
    )
    line.transport.write(body)
    line.transport.close()


def reset(line: Line, _feed: Channel) -> None:
    """The connection is torn down in the middle of the headers."""
    line.transport.write(b"HTTP/1.1 200 OK\r\nContent-")
    line.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.transport.abort()


def bomb(line: Line, _feed: Channel) -> None:
    """A little that becomes a lot."""
    line.reply(200, powder(), kind="application/rss+xml", headers="Content-Encoding: gzip\r\n")


@cache
def powder() -> bytes:
    """The little. Takes its time once: whoever serves it makes it before."""
    return gzip.compress(bytes(BOMB), 6)


def drip(line: Line, _feed: Channel) -> None:
    """One byte of a header now and then, for as long as somebody listens."""
    line.transport.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drop(line)


def _drop(line: Line) -> None:
    if not line.transport.is_closing():
        line.transport.write(b"a")
        asyncio.get_running_loop().call_later(DRIP, _drop, line)


def redirects_for_ever(line: Line, feed: Channel) -> None:
    """To itself."""
    line.reply(302, headers=f"Location: {feed.url}/feed\r\n")


def bad_charset(line: Line, feed: Channel) -> None:
    """Bytes that are not in the encoding that they claim."""
    line.reply(
        200,
        feed.render().replace(b"utf-8", b"klingon-8", 1).replace(b"e", b"\xff\xfe", 50),
        kind="application/rss+xml; charset=x-no",
    )


def silent(_line: Line, _feed: Channel) -> None:
    """Takes the request and never answers."""


def _status(number: int) -> Fault:
    def answer(line: Line, _feed: Channel) -> None:
        line.reply(number, b"<html><body>Sorry</body></html>")

    return answer


FAULTS: dict[str, Fault] = {
    "web page": web_page,
    "truncated": truncated,
    "500": _status(500),
    "404": _status(404),
    "410": _status(410),
    "reset": reset,
    "wrong length": wrong_length,
    "bomb": bomb,
    "drip": drip,
    "redirects for ever": redirects_for_ever,
    "bad charset": bad_charset,
    "silent": silent,
}

TYPES = dict(
    zip(FORMATS, ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"), strict=True)
)
