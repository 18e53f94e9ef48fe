"""RSS, Atom and RDF, well-formed or not, through feedparser. The only place that imports it.

Run it in a worker process: feedparser has an unfixed pattern that hangs on hostile author names.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import feedparser

from monitor.errors import Unreadable
from monitor.feeds import sift
from monitor.feeds.entry import (
    LONGEST,
    MOST,
    Entry,
    Listed,
    dated,
    ends,
    guid_of,
    language_of,
    link_of,
    one_line,
    tags_of,
    told_apart,
)
from monitor.text import clean, plain, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PERIODS = {"hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24}
_LONGEST_WAIT = timedelta(days=365)
_FIRST = re.compile(rb"<\0{0,3}\w")
_BLANK = re.compile(rb"\s{100,}|(?:\s\0){100,}|(?:\0\s){100,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What feedparser found: the entries, at most 2,000, in order."""

    entries: list[Entry]
    cut: bool = False
    ttl: timedelta | None = None
    title: str = ""


def listed(body: bytes, url: str, headers: Mapping[str, str], known: frozenset[str]) -> Listed:
    """The feed, with the entries that are not known. Only those are given to feedparser where that is sure to do."""
    sifted = sift.sift(body, url, headers.get("content-type", ""))
    if sifted is not None:
        found = read(sifted.without(known), url, headers)
        fresh = told_apart(found.entries, url, frozenset()).fresh
        if len(found.entries) == sifted.unknown(known):
            return Listed(marks=sifted.marks, fresh=fresh, cut=sifted.cut, ttl=found.ttl, title=found.title)
    found = read(body, url, headers)
    return replace(told_apart(found.entries, url, known), cut=found.cut, ttl=found.ttl, title=found.title)


def read(body: bytes, url: str, headers: Mapping[str, str]) -> Read:
    """All of it. Raises Unreadable, and whatever feedparser does on broken input."""
    feed = feedparser.parse(
        io.BytesIO(_begun(body)),  # bytes or str that happen to name a file would be opened, an address fetched
        # No address: it would be joined to guids, too, and an entry would change its id when the feed moves.
        response_headers={"content-type": headers.get("content-type") or "application/xml"},
        sanitize_html=False,  # quadratic on hostile input, and only the plain text is kept
        resolve_relative_uris=False,
    )
    if not feed.get("version") and not feed.entries:
        raise Unreadable(_instead(body, feed))
    head = {**feed.feed}
    language, atom = language_of(head.get("language")), str(feed.get("version", "")).startswith("atom")
    entries = [replace(_entry(one, url, atom=atom), language=language) for one in ends(feed.entries)]
    return Read(
        entries=entries,
        cut=len(feed.entries) > MOST,
        ttl=_ttl(head),
        title=one_line(plain(str(head.get("title") or "")[:LONGEST])) or "",
    )


def _begun(body: bytes) -> bytes:
    """The feed without much blank space before its first element, in which feedparser looks for a DOCTYPE for a square of its length."""
    first = _FIRST.search(body)
    start = first.start() if first else 0
    return _BLANK.sub(_line_end, body[:start]) + body[start:]


def _line_end(blank: re.Match[bytes]) -> bytes:
    """One end of a line, in UTF-16 as well, whichever byte comes first there."""
    return b"\n" if b"\0" not in blank[0] else b"\0\n" if blank[0][:1] == b"\0" else b"\n\0"


def _instead(body: bytes, feed: Any) -> str:
    start = body[:2048].lower()
    if b"<html" in start or b"<!doctype html" in start:
        return "HTML where a feed should be"
    why = " ".join(clean(str(feed.get("bozo_exception", ""))).split())[:120]
    return f"not a feed: {why}" if why else "not a feed"


def _ttl(head: Mapping[str, Any]) -> timedelta | None:
    """How long the feed says that it stays as it is: minutes, or so many updates in a period."""
    minutes = _count(head.get("ttl"))
    hours = _PERIODS.get(str(head.get("sy_updateperiod", "")).strip().lower())
    if minutes:
        return min(timedelta(minutes=minutes), _LONGEST_WAIT)
    return timedelta(hours=hours) / (_count(head.get("sy_updatefrequency")) or 1) if hours else None


def _count(said: object) -> int:
    digits = str(said or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 7 else 0


def _entry(one: Any, url: str, *, atom: bool) -> Entry:
    # `get` of the dict itself: feedparser's own answers for missing keys with others, and warns.
    get = {**one}.get
    summary, body = _text(get("summary_detail"), get("summary"), atom=atom), _content(get("content") or (), atom=atom)
    return Entry(
        guid=guid_of(str(get("id") or "")),
        link="" if _made_up(get) else link_of(str(get("link") or ""), url),
        title=" ".join(_text(get("title_detail"), get("title"), atom=atom).split()),
        summary=summary if summary != body else "",
        body=body if len(body) > len(summary) or summary == body else "",
        author=one_line(get("author")),
        tags=tags_of(tag.get("term") or tag.get("label") for tag in get("tags") or ()),
        # As they were written: feedparser takes 2026/07/01 for November and CEST for UTC.
        **dated(*(str(get(name) or "") for name in ("published", "updated", "created"))),
    )


def _made_up(get: Any) -> bool:
    """Whether the link is a guid that is no address: feedparser takes every guid for one unless the feed says it is not."""
    link = str(get("link") or "")
    return bool(get("guidislink")) and link == get("id") and not link.lower().startswith(("http://", "https://"))


def _content(parts: Iterable[Any], *, atom: bool) -> str:
    """The longest of the texts that an entry carries."""
    texts = (_text(part, part.get("value"), atom=atom) for part in parts if _readable(part.get("type")))
    return max(texts, key=len, default="")


def _readable(kind: object) -> bool:
    return not kind or str(kind).startswith("text/") or "xml" in str(kind)


def _text(detail: Any, value: object, *, atom: bool) -> str:
    """Plain text. Atom says what is markup and is believed; RSS does not, so whatever could be markup is read as such."""
    text = clean(str(value or ""))[: 4 * LONGEST]
    declared = (detail or {}).get("type", "")
    literal = declared == "text/plain" and (atom or not ("<" in text or "&" in text))
    return (tidy(text) if literal else plain(text))[:LONGEST].rstrip()
