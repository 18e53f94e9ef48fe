"""Asking again, politely: only for what changed since the last time, and where the source says that it is now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import Fetched, Original
from monitor.wire import Get, Response, failure, lasting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model import Cursor

WHOLE = timedelta(hours=17)
"""After so long it is asked for as if for the first time: some servers say "not modified" for ever.

Even where it is asked only every 6 h, what is new is then seen within a day.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking. `original` is None where nothing changed; `cursor` is for the next time, with what the last one held."""

    cursor: Cursor
    original: Original | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lasting: timedelta | None = None
    moved: str | None = None

    def unchanged(self) -> Fetched:
        """What a source gives where nothing changed."""
        return Fetched(cursor=self.cursor, unchanged=True, lasting=self.lasting, moved=self.moved)


async def ask(url: str, *, get: Get, cursor: Cursor, now: datetime, headers: Mapping[str, str]) -> Answer:
    """What `url` says now. `cursor` may hold an `address` where it is by now. Raises FetchFailed.

    A cursor that was made of another address (the operator changed it) counts for nothing.
    """
    cursor = {} if is_of_another(cursor, url) else cursor
    address = cursor.get("address", url)
    conditions = _since(cursor, now)
    answer = await get(address, headers={**headers, **conditions})
    if answer.status != 200 and not (answer.status == 304 and conditions):
        raise failure(answer, now)
    kept = {name: value for name, value in cursor.items() if name != "address"}
    moved = answer.moved or (address if address != url else None)
    said = Answer(cursor=kept, headers=answer.headers, lasting=lasting(answer, now), moved=moved)
    if answer.status == 304:
        return said
    seen = _mark(answer.body)
    unchanged = seen == cursor.get("body")
    return replace(
        said,
        cursor={**kept, **_validators(answer), "of": _mark(url.encode()), "body": seen, "whole": now.isoformat()},
        original=None if unchanged else _original(answer, now),
    )


def is_of_another(cursor: Cursor, url: str) -> bool:
    """Whether the cursor was made of another address: the operator changed it."""
    return "of" in cursor and cursor["of"] != _mark(url.encode())


def _original(answer: Response, now: datetime) -> Original:
    return Original(url=answer.url, at=now, body=answer.body, content_type=answer.headers.get("content-type", ""))


def _validators(answer: Response) -> dict[str, str]:
    """Empty where the answer has none: those of an earlier answer do not hold for this one."""
    return {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}


def _since(cursor: Cursor, now: datetime) -> dict[str, str]:
    """The conditions under which it is not sent again; none, at first and once in a while."""
    whole = cursor.get("whole")
    if whole is None or not timedelta(0) <= now - datetime.fromisoformat(whole) < WHOLE:
        return {}
    asked = {"If-None-Match": cursor.get("etag"), "If-Modified-Since": cursor.get("modified")}
    return {name: value for name, value in asked.items() if value}


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
