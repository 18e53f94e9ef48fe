"""Unpacks a compressed body piece by piece, counting what came and what it became, and stops at the first sign of a bomb."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
RATIO = 200
"""How many times larger than what was sent a body may become, once it is above 1 MiB."""


class TooLarge(Unreadable):
    """More than the limits allow, or a bomb."""


@dataclass(slots=True)
class Unpacker:
    """Takes the chunks of one body. `wire` and `body` are the most bytes that may come, and may come out of it."""

    encoding: str
    wire: int
    body: int
    received: int = 0
    unpacked: bytearray = field(default_factory=bytearray)
    _unzip: Any = None

    def __post_init__(self) -> None:
        if self.encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Unreadable(f"unknown content encoding {self.encoding[:40]!r}")

    def expect(self, length: int | None) -> None:
        """Raises TooLarge where the announced length is too large already."""
        if length is not None and length > self.wire:
            raise too_large(self.wire)

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises Unreadable where they are broken, TooLarge where they are too many, or a bomb."""
        self.received += len(chunk)
        self.expect(self.received)
        try:
            for piece in self._pieces(chunk):
                self.unpacked += piece
                self._weigh()
        except zlib.error as error:
            raise Unreadable("broken compression") from error

    def _weigh(self) -> None:
        if len(self.unpacked) > self.body:
            raise too_large(self.body)
        if len(self.unpacked) > max(MIB, RATIO * self.received):
            raise TooLarge(f"unpacks to more than {RATIO} times its size")

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        """At most a MiB at a time, so that a bomb is noticed before it has gone off."""
        if self.encoding.strip().lower() in ("", "identity"):
            yield chunk
            return
        if self._unzip is None:
            self._unzip = zlib.decompressobj(wbits=_wbits(chunk))
        while chunk and not self._unzip.eof:  # what follows the end is left aside, as browsers do
            yield self._unzip.decompress(chunk, MIB)
            chunk = self._unzip.unconsumed_tail


def _wbits(start: bytes) -> int:
    """Gzip or zlib, whichever it is (32 + 15); else bare deflate, which some send under that name."""
    return 47 if start[:1] in (b"\x1f", b"\x78") else -zlib.MAX_WBITS


def too_large(cap: int) -> TooLarge:
    """The error for more than `cap` bytes."""
    return TooLarge(f"too large: more than {f'{cap / MIB:g} MiB' if cap >= MIB else f'{cap} bytes'}")
