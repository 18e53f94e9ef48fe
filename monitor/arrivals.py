"""What is new on a list that shows more old than new: a page of links, a sitemap. Pure.

A list says little of its articles, often not even a date, so what was on it before is remembered by marks; and what was on it
when it was first looked at is old, unless it is dated within the last day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules import Article

RECENT = timedelta(days=1)
"""At the first visit only what is dated within this counts as new."""
LATE = timedelta(days=3)
"""Later, too, what is dated longer ago is old: it came into sight because the site was rebuilt, or an archive was linked."""
AHEAD = timedelta(hours=1)
"""A date further in the future says nothing."""


def mark(text: str) -> str:
    """Twelve hex digits to know it again by: among 5,000, one new address in 50 billion passes for known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def arrived(article: Article, now: datetime, known: Collection[str], *, first: bool) -> bool:
    """Whether the article is new on its list; `first`: this is the first look at the list."""
    if mark(article.id) in known:
        return False
    if first:
        return within(article.published, now, RECENT)
    dated = article.published or article.updated
    return dated is None or dated > now - LATE


def within(when: datetime | None, now: datetime, span: timedelta) -> bool:
    """Whether it is known to have been within the last `span`."""
    return when is not None and now - span <= when <= now + AHEAD


def remembered(seen: Iterable[str], before: Iterable[str], most: int) -> tuple[str, ...]:
    """The marks to keep: those seen now, then those of before, the longest unseen of which go first."""
    return tuple(islice(dict.fromkeys((*seen, *before)), most))
