"""Compressed bodies, and bombs."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest

from monitor.errors import Unreadable
from monitor.unpack import MIB, TooLarge, Unpacker

if TYPE_CHECKING:
    from collections.abc import Callable


def unpacked(encoding: str, data: bytes, *, wire: int = 10 * MIB, body: int = 20 * MIB, step: int = 65536) -> bytes:
    unpacker = Unpacker(encoding, wire, body)
    for at in range(0, len(data), step):
        unpacker.feed(data[at : at + step])
    return bytes(unpacker.unpacked)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
def test_every_encoding_that_was_asked_for_is_unpacked(encoding: str, pack: Callable[[bytes], bytes], step: int) -> None:
    text = b"news of the day " * 100

    assert unpacked(encoding, pack(text), step=step) == text


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 1000])
def test_one_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(Unreadable, match="unknown content encoding"):
        unpacked(encoding, b"")


def test_broken_compression_is_refused() -> None:
    with pytest.raises(Unreadable, match="broken compression"):
        unpacked("gzip", b"\x1f\x8b" + b"junk" * 50)


def test_too_much_on_the_wire_is_refused() -> None:
    with pytest.raises(TooLarge, match="too large: more than 1 MiB"):
        unpacked("", bytes(MIB + 1), wire=MIB)


def test_too_much_out_of_it_is_refused() -> None:
    noise = bytes(range(256)) * 8  # packs by less than the ratio allows
    with pytest.raises(TooLarge, match="too large: more than 1000 bytes"):
        unpacked("gzip", gzip.compress(noise), body=1000)


def test_a_bomb_is_noticed_before_it_has_gone_off() -> None:
    unpacker = Unpacker("gzip", 10 * MIB, 200 * MIB)

    with pytest.raises(TooLarge, match="more than 200 times"):
        unpacker.feed(gzip.compress(bytes(64 * MIB))[:16_384])
    assert len(unpacker.unpacked) <= 4 * MIB


def test_an_announced_length_that_is_too_large_is_refused_at_once() -> None:
    with pytest.raises(TooLarge, match="too large"):
        Unpacker("", 10, 10).expect(11)
