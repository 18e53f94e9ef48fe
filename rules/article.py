"""The article: the one noun that the engine and the service share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FIELDS = ("title", "summary", "body")


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
    seen: datetime | None = None
    """When it was first seen, where that matters to a rule; never part of what the article is."""
    digest: str = ""

    def text(self, field: str) -> str:
        """The string that offsets of `field` (title, summary or body) count in, in code points."""
        if field not in FIELDS:
            raise KeyError(field)
        value: str = getattr(self, field)
        return value
