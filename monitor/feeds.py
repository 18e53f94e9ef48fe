"""Reads a feed: RSS, Atom and RDF through feedparser, JSON Feed by itself. Pure, and the only place that imports feedparser.

Run it in a worker process: feedparser has an unfixed pattern that hangs on hostile author names.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import feedparser

from monitor import identity
from monitor.errors import Unreadable
from monitor.text import clean, plain, tidy
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST = 2_000
"""Entries of one feed that are read: more is a mistake or an attack."""
LONGEST = 200_000
"""Characters of a text that are kept."""
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing was published on the web before: an earlier date is a wrong one."""
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a feed says of one article, as plain text. `guid` and `link` may be empty; `published` is UTC or None."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    body: str = ""
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the texts: it changes when what the feed says does."""
        return identity.digest(self.title, self.summary, self.body)


def parse(body: bytes, *, source: str, url: str, headers: Mapping[str, str]) -> tuple[Article, ...]:
    """The feed's articles in its order, at most 2,000. Raises Unreadable.

    An article's id is `source#guid`, so that the same entry is the same article at every visit, and never one of another source.
    Where the guid is missing or does not tell entries apart it is `source#link`; failing that, `source#` and a hash of the texts.
    """
    found = [entry for entry in entries(body, url=url, headers=headers) if entry.title or entry.summary or entry.body]
    keys = _keys(found, url)
    unique = {key: _article(source, key, entry) for key, entry in reversed(list(zip(keys, found, strict=True)))}
    return tuple(unique[key] for key in dict.fromkeys(keys))


def entries(body: bytes, *, url: str, headers: Mapping[str, str]) -> list[Entry]:
    """The feed's entries, in its order, at most 2,000; names of headers are in lower case. Raises Unreadable."""
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unreadable("empty: nothing where a feed should be")
    read = _json_feed if start[:1] in (b"{", b"[") else _xml_feed
    try:
        return read(body, url, headers)
    except Unreadable:
        raise
    except Exception as error:  # feedparser and its sgmllib raise what they like on broken input
        raise Unreadable(f"not a feed: {type(error).__name__} while reading it") from error


# Which entry is which.


def _keys(found: Sequence[Entry], feed: str) -> list[str]:
    """One key an entry: the first of guid, link and hash that no other article of the feed has, too."""
    guids = _telling(found, lambda entry: entry.guid, {feed, ""})
    links = _telling(found, lambda entry: entry.link, {feed, ""})
    return [_key(entry, guids, links) for entry in found]


def _telling(found: Iterable[Entry], key: Any, useless: set[str]) -> set[str]:
    """The keys that stand for one article; the same article twice (same link, same title) does no harm."""
    articles = {(key(entry), entry.link, entry.title) for entry in found}
    counted = Counter(one for one, _, _ in articles)
    return {one for one, times in counted.items() if times == 1} - useless


def _key(entry: Entry, guids: set[str], links: set[str]) -> str:
    if entry.guid in guids:
        return entry.guid if len(entry.guid) <= _LONGEST_ID else hashlib.sha256(entry.guid.encode()).hexdigest()
    return entry.link if entry.link in links and len(entry.link) <= _LONGEST_ID else entry.digest


def _article(source: str, key: str, entry: Entry) -> Article:
    return Article(
        id=f"{source}#{key}",
        digest=entry.digest,
        source=source,
        url=entry.link or None,
        title=entry.title,
        summary=entry.summary,
        body=entry.body,
        author=entry.author,
        language=entry.language,
        tags=entry.tags,
        published=entry.published,
    )


# RSS, Atom, RDF.


def _xml_feed(body: bytes, url: str, headers: Mapping[str, str]) -> list[Entry]:
    feed = feedparser.parse(
        io.BytesIO(body),  # bytes or str that happen to name a file would be opened, an address fetched
        # No address: it would be joined to guids, too, and an entry would change its id when the feed moves.
        response_headers={"content-type": headers.get("content-type") or "application/xml"},
        sanitize_html=False,  # quadratic on hostile input, and only the plain text is kept
        resolve_relative_uris=False,
    )
    if not feed.get("version") and not feed.entries:
        raise Unreadable(_instead(body, feed))
    language = _language(feed.feed.get("language"))
    atom = str(feed.get("version", "")).startswith("atom")
    return [replace(_entry(one, url, atom=atom), language=language) for one in feed.entries[:MOST]]


def _instead(body: bytes, feed: Any) -> str:
    start = body[:2048].lower()
    if b"<html" in start or b"<!doctype html" in start:
        return "HTML where a feed should be"
    why = " ".join(str(feed.get("bozo_exception", "")).split())[:120]
    return f"not a feed: {why}" if why else "not a feed"


def _entry(one: Any, url: str, *, atom: bool) -> Entry:
    # `get` of the dict itself: feedparser's own answers for missing keys with others, and warns.
    get = {**one}.get
    summary, body = _text(get("summary_detail"), get("summary"), atom=atom), _content(get("content") or (), atom=atom)
    return Entry(
        guid=clean(str(get("id") or "")).strip(),
        link="" if _made_up(get) else _link(str(get("link") or ""), url),
        title=" ".join(_text(get("title_detail"), get("title"), atom=atom).split()),
        summary=summary if summary != body else "",
        body=body if len(body) > len(summary) or summary == body else "",
        author=_one_line(get("author")),
        tags=_tags(tag.get("term") or tag.get("label") for tag in get("tags") or ()),
        published=_first_date(get, ("published", "updated", "created")),
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


def _first_date(get: Any, names: Iterable[str]) -> datetime | None:
    dates = (_date(str(get(name) or ""), get(f"{name}_parsed")) for name in names)
    return next((date for date in dates if date is not None), None)


def _date(said: str, parsed: Any) -> datetime | None:
    """UTC. ISO dates are read here: feedparser takes 2026/07/01 for November."""
    when = _iso(said)
    try:
        if when is None and parsed is not None:
            when = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return when if when is not None and when >= OLDEST else None


def _iso(said: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(said.strip().replace("/", "-"))
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# JSON Feed: https://www.jsonfeed.org/version/1.1/


def _json_feed(body: bytes, url: str, _headers: Mapping[str, str]) -> list[Entry]:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not a feed: JSON that cannot be read") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed.org" not in str(feed.get("version")):
        raise Unreadable("not a feed: JSON, but no JSON Feed")
    return [_item(item, feed, url) for item in items[:MOST] if isinstance(item, dict)]


def _item(item: Mapping[str, Any], feed: Mapping[str, Any], url: str) -> Entry:
    marked, unmarked = item.get("content_html"), item.get("content_text")
    text = plain(_string(marked)) if marked else tidy(clean(_string(unmarked)))
    summary = tidy(clean(_string(item.get("summary"))))
    body = text[:LONGEST] if len(text) > len(summary) else ""
    return Entry(
        guid=clean(_string(item.get("id"))).strip(),
        link=_link(_string(item.get("url") or item.get("external_url")), url),
        title=" ".join(clean(_string(item.get("title"))).split())[:LONGEST],
        summary=summary[:LONGEST],
        body=body,
        author=_one_line(_json_author(item) or _json_author(feed)),
        language=_language(item.get("language") or feed.get("language")),
        tags=_tags(item.get("tags") if isinstance(item.get("tags"), list) else ()),
        published=_date(_string(item.get("date_published") or item.get("date_modified")), None),
    )


def _json_author(holder: Mapping[str, Any]) -> str:
    authors = holder.get("authors") or [holder.get("author")]
    first = authors[0] if isinstance(authors, list) else None
    return _string(first.get("name")) if isinstance(first, dict) else ""


def _string(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


# What both have.


def _link(link: str, base: str) -> str:
    """An absolute http or https address in its one spelling, else nothing: a `javascript:` link is none."""
    try:
        whole = urljoin(base, clean(link).strip())
        parts = urlsplit(whole)
    except ValueError:
        return ""
    usable = parts.scheme.lower() in ("http", "https") and parts.hostname and not parts.username and link.strip()
    return identity.canonical(whole) if usable else ""


def _language(code: object) -> str | None:
    """The language alone: "en" of "en-GB"."""
    word = str(code or "").strip().lower().replace("_", "-").partition("-")[0]
    return word if word.isascii() and word.isalpha() and len(word) in (2, 3) else None


def _one_line(text: object) -> str | None:
    return " ".join(clean(str(text or "")).split())[:200] or None


def _tags(words: Iterable[object] | None) -> tuple[str, ...]:
    kept = dict.fromkeys(tag for tag in map(_one_line, words or ()) if tag)
    return tuple(kept)[:50]
