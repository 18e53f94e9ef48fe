"""What comes back over HTTP, and the functions that fetch and send: the words that `egress` shares with sources and sinks."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from monitor.errors import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_WAIT = timedelta(days=1)
"""More than a day is nobody's business: a receiver that says "year 9999" would silence itself for ever."""

_KINDS = {410: "gone", 429: "asked-to-wait", 503: "asked-to-wait"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer: `url` is where it came from after redirects; the names of headers are in lower case.

    `moved`: the same, where every redirect on the way said "for good" (301, 308); None also where there was none.
    """

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    moved: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """What a mail server answered to a letter that it took. `refused`: the addresses that it did not take it for, and what it said."""

    status: int
    said: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


class Mailing(Protocol):
    """Hands a letter to the mail server. Raises DeliveryFailed where it is taken for nobody."""

    async def __call__(self, sender: str, recipients: Sequence[str], letter: bytes, *, together: bool = False) -> Mailed:
        """What the server said. `together`: where it will take it for one of them later, nobody gets it now; that has failed."""
        ...


def retry_after(answer: Response, now: datetime | None) -> timedelta | None:
    """How long a 429 or 503 asks to be left alone, up to a day; None where it does not say, or nothing sensible.

    Without `now` a date says nothing.
    """
    said = answer.headers.get("retry-after", "").strip()
    if answer.status not in (429, 503) or not said:
        return None
    asked = _seconds(said) if _whole(said) else _until(said, now)
    return min(asked, LONGEST_WAIT) if asked is not None and asked >= timedelta(0) else None


def kind(status: int) -> str:
    """What kind of failure (errors.TROUBLES) a status is that is no success."""
    return _KINDS.get(status, "http")


def failure(answer: Response, now: datetime) -> FetchFailed:
    """The error for an answer that is of no use."""
    return FetchFailed(f"HTTP {answer.status}", kind=kind(answer.status), wait=retry_after(answer, now))


def sent(answer: Response) -> datetime | None:
    """When the answer was sent, by its own clock; None: it does not say."""
    return _date(answer.headers.get("date", ""))


def lasting(answer: Response, now: datetime) -> timedelta | None:
    """How long the answer says that it is good for, up to a day: max-age, else Expires; None: not at all, or nothing sensible.

    `s-maxage` is for caches that many share, and we are none.
    """
    said = _directives(answer.headers.get("cache-control", ""))
    if "no-cache" in said or "no-store" in said:
        return None
    if "max-age" in said:
        age = said["max-age"]
        return min(_seconds(age), LONGEST_WAIT) if _whole(age) else None
    until = _date(answer.headers.get("expires", ""))
    return min(max(until - (sent(answer) or now), timedelta(0)), LONGEST_WAIT) if until else None


def _directives(said: str) -> dict[str, str]:
    """What Cache-Control says, by lower-case name; of a repeated one the first counts."""
    pairs = [part.partition("=") for part in reversed(said.split(","))]
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _whole(said: str) -> bool:
    return said.isascii() and said.isdigit()


def _seconds(digits: str) -> timedelta:
    return timedelta(seconds=int(digits)) if len(digits) < 7 else LONGEST_WAIT


def _until(said: str, now: datetime | None) -> timedelta | None:
    when = _date(said)
    return max(when - now, timedelta(0)) if when and now else None


def _date(said: str) -> datetime | None:
    try:
        when = email.utils.parsedate_to_datetime(said)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
