"""JSON Feed: https://www.jsonfeed.org/version/1.1/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.errors import Unreadable
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
    mark,
    one_line,
    stand_apart,
    tags_of,
    told_apart,
)
from monitor.text import clean, plain, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    items: Sequence[Mapping[str, Any]]
    said: Mapping[str, Any]
    """What it says of all of them."""
    cut: bool

    @property
    def title(self) -> str:
        """Its own name."""
        return one_line(_string(self.said.get("title"))) or ""


def listed(body: bytes, url: str, _headers: Mapping[str, str], known: frozenset[str]) -> Listed:
    """The feed, with the items that are not known. Raises Unreadable."""
    feed = _read(body)
    guids = [_guid(item) for item in feed.items]
    if not stand_apart(guids, [] if all(guids) else [_link(item, url) for item in feed.items], url):
        found = told_apart([_entry(item, feed.said, url) for item in feed.items], url, known)
        return Listed(marks=found.marks, fresh=found.fresh, cut=feed.cut, title=feed.title)
    marks = [_mark(item, feed.said) for item in feed.items]
    unknown = [_entry(item, feed.said, url) for item, one in zip(feed.items, marks, strict=True) if one not in known]
    return Listed(marks=marks, fresh=told_apart(unknown, url, frozenset()).fresh, cut=feed.cut, title=feed.title)


def entries(body: bytes, url: str) -> list[Entry]:
    """The feed's items, at most 2,000. Raises Unreadable."""
    feed = _read(body)
    return [_entry(item, feed.said, url) for item in feed.items]


def _read(body: bytes) -> _Feed:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not a feed: JSON that cannot be read") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed.org" not in str(feed.get("version")):
        raise Unreadable("not a feed: JSON, but no JSON Feed")
    said = {name: feed.get(name) for name in ("language", "authors", "author")}
    return _Feed(items=[item for item in ends(items) if isinstance(item, dict)], said=said, cut=len(items) > MOST)


def _mark(item: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    return mark(json.dumps([item, said], sort_keys=True).encode())


def _guid(item: Mapping[str, Any]) -> str:
    return guid_of(_string(item.get("id")))


def _link(item: Mapping[str, Any], url: str) -> str:
    return link_of(_string(item.get("url") or item.get("external_url")), url)


def _entry(item: Mapping[str, Any], said: Mapping[str, Any], url: str) -> Entry:
    marked, unmarked = _string(item.get("content_html")), _string(item.get("content_text"))
    text = plain(marked[: 4 * LONGEST]) if marked else tidy(clean(unmarked[: 4 * LONGEST]))
    summary = tidy(clean(_string(item.get("summary"))))
    return Entry(
        guid=_guid(item),
        link=_link(item, url),
        title=" ".join(clean(_string(item.get("title"))).split())[:LONGEST],
        summary=summary[:LONGEST],
        body=text[:LONGEST] if len(text) > len(summary) else "",
        author=one_line(_author(item) or _author(said)),
        language=language_of(item.get("language") or said.get("language")),
        tags=tags_of(item.get("tags") if isinstance(item.get("tags"), list) else ()),
        **dated(_string(item.get("date_published")), _string(item.get("date_modified"))),
    )


def _author(holder: Mapping[str, Any]) -> str:
    authors = holder.get("authors") or [holder.get("author")]
    first = authors[0] if isinstance(authors, list) else None
    return _string(first.get("name")) if isinstance(first, dict) else ""


def _string(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
