"""The article: the one noun that the engine and the service share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FIELDS = ("title", "summary", "body")

DATINGS = {
    "stated": "the source stated it",
    "zoneless": "the source stated it without a time zone, or without a time: it is taken as UTC",
    "future": "what the source stated lies more than an hour ahead: it is the time of the first sight",
    "implausible": "what the source stated lies before the web: it is the time of the first sight",
    "unreadable": "what the source stated is no date, or may be two: it is the time of the first sight",
    "absent": "the source stated none: it is the time of the first sight",
}
"""How far a date of publication can be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A piece of news as it was given, never rewritten: offsets in findings point into these very strings.

    `id` says which article, `digest` which version of it. `published` is UTC, or None where nobody said.
    """

    id: str
    title: str = ""
    summary: str = ""
    body: str = ""
    source: str = ""
    url: str | None = None
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    dating: str = "stated"
    """How far `published` can be believed: one of DATINGS."""
    updated: datetime | None = None
    """When it was last changed, as its source says, UTC."""
    source_kind: str | None = None
    """What its source is, in the operator's word: government, state-media, wire, independent."""
    site: tuple[tuple[int, int], ...] = ()
    """Stretches of the body (code points) that its source prints under many articles: nothing is looked for there."""
    seen: datetime | None = None
    """When it was first seen, where that matters to a rule; never part of what the article is."""
    digest: str = ""

    def text(self, field: str) -> str:
        """The string that offsets of `field` (title, summary or body) count in, in code points."""
        if field not in FIELDS:
            raise KeyError(field)
        value: str = getattr(self, field)
        return value
