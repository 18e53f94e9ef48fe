"""Takes what came over the wire, and no more of it than the caps allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.unpack import TooLarge, Unpacker
from monitor.wire import Response

if TYPE_CHECKING:
    import aiohttp
    import httpx

TASTE = 16 * 1024
"""How much of a receiver's answer is read."""
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most bytes that may come (`wire`), and come out of them (`body`). `cut`: the first ones will do, if there are more."""

    wire: int
    body: int
    cut: bool = False


async def heard(answer: aiohttp.ClientResponse, url: str, caps: Caps) -> Response:
    """The answer with its body, if it is a 200. Raises Unreadable, TooLarge."""
    headers = {name.lower(): value for name, value in answer.headers.items()}  # of a repeated one the last counts
    body = await _body(answer, caps) if answer.status == 200 else b""
    return Response(status=answer.status, url=url, headers=headers, body=body)


async def _body(answer: aiohttp.ClientResponse, caps: Caps) -> bytes:
    """The unpacked body, refused (or cut) as soon as it is seen to be too large."""
    unpacker = Unpacker(answer.headers.get("Content-Encoding", ""), caps.wire, caps.body)
    try:
        unpacker.expect(None if caps.cut else answer.content_length)
        async for chunk in answer.content.iter_chunked(_CHUNK):
            unpacker.feed(chunk)
    except TooLarge:
        if not caps.cut:
            raise
    return bytes(unpacker.unpacked[: caps.body])


async def taste(answer: httpx.Response) -> bytes:
    """The first 16 KiB as they came; leaving the rest unread closes the connection."""
    tasted = bytearray()
    async for chunk in answer.aiter_raw(4096):
        tasted += chunk
        if len(tasted) >= TASTE:
            break
    return bytes(tasted[:TASTE])
