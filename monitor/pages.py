"""Takes the article out of a web page: its text without menus, comments and tables, and what the page says of itself. Pure."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trafilatura import bare_extraction, load_html

from monitor.errors import Unreadable
from monitor.text import clean, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.ASCII)
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x7fELF")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DATES = "|".join(
    f"//meta[@{name}='{value}']/@content"
    for name, value in (
        ("property", "article:published_time"),
        ("property", "og:article:published_time"),
        ("itemprop", "datePublished"),
        ("name", "article:published_time"),
        ("name", "parsely-pub-date"),
        ("name", "pubdate"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The article on a page. `text` has a line a paragraph; `published` is UTC, and only what the page states in figures."""

    title: str
    text: str
    language: str | None = None
    published: datetime | None = None
    author: str | None = None


def extract(body: bytes, *, url: str, content_type: str = "") -> Page:
    """The article on the page. Raises Unreadable: binary, not HTML, or without text."""
    try:
        return _page(_tree(body, content_type.lower()), url)
    except Unreadable:
        raise
    except Exception as error:  # what libraries raise on pages that nobody foresaw
        raise Unreadable(f"not a page: {type(error).__name__} while reading it") from error


def _page(tree: Any, url: str) -> Page:
    # Read before the text is taken out: what is not text is cut from the tree.
    published, language = _published(tree), _language(tree)
    found: Any = bare_extraction(tree, url=url, fast=True, include_comments=False, include_tables=False, with_metadata=True)
    text = tidy(clean(found.text or "")) if found is not None else ""
    if not text:
        raise Unreadable("no text on the page")
    return Page(
        title=_line(found.title) or "",
        text=text,
        language=language,
        published=published,
        author=_line(found.author),
    )


def _tree(body: bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip()
    if kind.partition("/")[0] in ("image", "audio", "video", "font") or body.startswith(_BINARY):
        raise Unreadable(f"not a page but {kind or 'a binary file'}")
    text = decoded(body, content_type)
    if "\0" in text[:4096]:
        raise Unreadable("not a page but a binary file")
    tree = load_html(clean(text)) if text.strip() else None
    if tree is None:
        raise Unreadable("no HTML on the page")
    return tree


def decoded(body: bytes, content_type: str = "") -> str:
    """The text of a page: by its byte order mark, else the charset of the header, the page's own, UTF-8, or Windows-1252."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    named = [found.group(1).decode("ascii") for found in map(_CHARSET.search, (content_type.encode(), body[:4096])) if found]
    for encoding in (*named, "utf-8"):
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeError):  # an unknown name, or not what it says
            continue
    return body.decode(_known(named[0]) if named else "cp1252", "replace")


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"


def _published(tree: Any) -> datetime | None:
    stated = [*_linked_dates(tree), *tree.xpath(_DATES)]
    return next((when for when in map(_date, stated) if when is not None), None)


def _linked_dates(tree: Any) -> Iterator[str]:
    """The datePublished of the page's JSON-LD."""
    for script in tree.xpath("//script[@type='application/ld+json']/text()"):
        try:
            data = json.loads(script)
        except (ValueError, RecursionError):
            continue
        nodes = data if isinstance(data, list) else [data]
        nodes = [inner for node in nodes if isinstance(node, dict) for inner in (node, *_graph(node))]
        yield from (node["datePublished"] for node in nodes if isinstance(node.get("datePublished"), str))


def _graph(node: dict[str, Any]) -> list[dict[str, Any]]:
    inner = node.get("@graph")
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _date(stated: str) -> datetime | None:
    """A moment; a day alone says too little, and one without a zone is taken as UTC."""
    try:
        when = datetime.fromisoformat(stated.strip())
        return None if len(stated.strip()) < 12 else when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _language(tree: Any) -> str | None:
    stated = [*tree.xpath("/html/@lang"), *tree.xpath("//meta[@property='og:locale']/@content")]
    words = (one.strip().lower().replace("_", "-").partition("-")[0] for one in stated)
    return next((word for word in words if word.isascii() and word.isalpha() and len(word) in (2, 3)), None)


def _line(text: str | None) -> str | None:
    return " ".join(clean(text or "").split())[:1_000] or None
