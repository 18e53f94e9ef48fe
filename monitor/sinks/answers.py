"""What an HTTP receiver answered, fit to be kept and shown: short, in one line, and without the secrets that it may echo."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from monitor.errors import DeliveryFailed, Refused
from monitor.model import Receipt
from monitor.spoken import clean
from monitor.wire import kind, retry_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from monitor.wire import Response

EXCERPT = 1_024
"""Bytes of an answer that are kept."""
MASK = "***"

_LOOKED_AT = 4_096  # what begins later is left aside: a secret that the end of what was read cuts in two would not be recognised
_SHORTEST = 6  # parts of an address that are shorter say nothing: v1, hook
_ENOUGH = 64  # characters by which a long secret is known
_NOT_FOLLOWED = "redirects are not followed"


@dataclass(frozen=True, kw_only=True)
class Hearer:
    """Takes the answers of one receiver; knows its `url` and `secrets`, and masks them however they are echoed."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def receipt(self, answer: Response, now: datetime) -> Receipt:
        """What a 2xx came with. Raises DeliveryFailed for any other status, Refused for 410."""
        if 200 <= answer.status < 300:
            return Receipt(status=answer.status, excerpt=self.excerpt(answer))
        raise self.failure(answer, now)

    def failure(self, answer: Response, now: datetime) -> DeliveryFailed:
        """The error for an answer that is no success."""
        if answer.status == 410:
            return self.refused(answer, "the receiver is gone")
        why = f": {self._elsewhere(answer)}" if 300 <= answer.status < 400 else ""
        return DeliveryFailed(
            f"HTTP {answer.status}{why}",
            kind=kind(answer.status),
            wait=retry_after(answer, now),
            status=answer.status,
            excerpt=self.excerpt(answer),
        )

    def refused(self, answer: Response, why: str) -> Refused:
        """The error for a receiver that says that it is gone for good."""
        return Refused(f"HTTP {answer.status}: {why}", kind="gone", status=answer.status, excerpt=self.excerpt(answer))

    def excerpt(self, answer: Response) -> str:
        """The beginning of what it said, if it can be read as it is."""
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            return ""
        said = clean(self.masked(answer.body.decode("utf-8", "replace")), EXCERPT)
        return said.encode()[:EXCERPT].decode("utf-8", "ignore").rstrip()

    def masked(self, text: str) -> str:
        """The beginning of the text with *** for the address and secrets: as they are, or in percent-encoding, JSON, HTML or base64."""
        parts, at = [], 0
        for found in self._telling.finditer(text):
            if found.start() >= _LOOKED_AT:
                break
            parts += [text[at : found.start()], MASK]
            at = found.end()
        return "".join([*parts, text[at : max(at, _LOOKED_AT)]])

    @cached_property
    def _telling(self) -> re.Pattern[str]:
        known = sorted({*_of_address(self.url), *self.secrets, *(one.partition("_")[2] for one in self.secrets)} - {""}, key=len)
        return re.compile("|".join(form for one in reversed(known) for form in _forms(one)) or r"(?!)")

    def _elsewhere(self, answer: Response) -> str:
        """That it wants us to go elsewhere, and to which host; the rest of that address may be a secret, too."""
        try:
            host = urlsplit(answer.headers.get("location", "")).hostname or ""
        except ValueError:
            host = ""
        there = clean(self.masked(host), 100)
        return f"{_NOT_FOLLOWED} (it points to {there})" if there else _NOT_FOLLOWED


def _of_address(url: str) -> Iterator[str]:
    """The address and all of its parts that may be secret, as they are and percent-decoded; hosts are not."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    small = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    whole = [one for one in (url, target, parts.path, parts.query, parts.fragment) if one != "/"]
    for one in [*whole, *(one for one in small if len(one) >= _SHORTEST)]:
        yield from (one, unquote(one))


def _forms(secret: str) -> Iterator[str]:
    """Patterns for the ways to write it. Of a long one the beginning counts, and takes with it all that follows without a gap.

    So time is bounded by the text alone, even where text and secret repeat themselves.
    """
    yield f"(?i:{''.join(map(_written, secret[:_ENOUGH]))})" + (r"[^\s<>\"']*+" if len(secret) > _ENOUGH else "")
    for core in sorted(set(_in_base64(secret.encode("utf-8", "replace"))), key=len, reverse=True):
        yield re.escape(core[:_ENOUGH]) + (r"[\w+/=-]*+" if len(core) > _ENOUGH else "")


def _written(char: str) -> str:
    """One character: as it is, escaped, percent-encoded (twice at most), or as JSON or HTML spell it."""
    percent = "".join(f"%(?:25){{0,2}}{byte:02x}" for byte in char.encode("utf-8", "replace"))
    html = {"&": "|&amp;", "<": "|&lt;", ">": "|&gt;", '"': "|&quot;"}.get(char, "")
    return rf"(?:\\?{re.escape(char)}|{percent}|\\u{ord(char):04x}|&#0*{ord(char)};|&#x0*{ord(char):x};{html})"


def _in_base64(secret: bytes) -> Iterable[str]:
    """What of it cannot look otherwise inside anything in base64, for each of the three ways to lie in its groups of three."""
    for before in range(3):
        first, whole = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        core = b64encode(bytes(before) + secret).decode()[first:whole]
        if len(core) >= _SHORTEST:
            yield from (core, core.replace("+", "-").replace("/", "_"))
