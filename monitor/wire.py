"""What comes back over HTTP, and the functions that fetch and send: the words that `egress` shares with sources and sinks."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT = timedelta(days=1)
"""More than a day is nobody's business: a receiver that says "year 9999" would silence itself for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer: `url` is where it came from after redirects; the names of headers are in lower case."""

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Get(Protocol):
    """Fetches a page. Any status is an answer; only a 200 brings its body. Raises FetchFailed."""

    async def __call__(self, url: str, *, headers: Mapping[str, str]) -> Response:
        """The answer of `url`."""
        ...


class Post(Protocol):
    """Sends bytes. Any status is an answer, redirects included. Raises DeliveryFailed."""

    async def __call__(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Response:
        """The answer to `body`."""
        ...


def retry_after(answer: Response, now: datetime) -> timedelta | None:
    """How long a 429 or 503 asks to be left alone, up to a day; None where it does not say, or nothing sensible."""
    said = answer.headers.get("retry-after", "").strip()
    if answer.status not in (429, 503) or not said:
        return None
    asked = _seconds(said) if said.isascii() and said.isdigit() else _until(said, now)
    return min(asked, LONGEST_WAIT) if asked is not None and asked >= timedelta(0) else None


def failure(answer: Response, now: datetime) -> FetchFailed:
    """The error for an answer that is of no use."""
    return FetchFailed(f"HTTP {answer.status}", wait=retry_after(answer, now))


def _seconds(digits: str) -> timedelta:
    return timedelta(seconds=int(digits)) if len(digits) < 7 else LONGEST_WAIT


def _until(date: str, now: datetime) -> timedelta | None:
    try:
        when = email.utils.parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))
