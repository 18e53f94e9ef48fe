"""One entry of a feed, whatever the format: what it says, which article it is, and the mark by which it is known again."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from monitor import dates, hrefs, identity
from monitor.text import clean
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Any = TypeVar("_Any")

MOST = 2_000
"""Entries of one feed that are read, half of them at its end, where some feeds put the new ones: more is a mistake or an attack."""
LONGEST = 200_000
"""Characters of a text that are kept."""
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a feed says of one article, as plain text. `guid` and `link` may be empty; dates are UTC."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    body: str = ""
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    dating: str = "absent"
    updated: datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the texts: it changes when what the feed says does."""
        return identity.digest(self.title, self.summary, self.body)

    @property
    def mark(self) -> str:
        """A short hash of all that it says."""
        return mark(repr(self).encode())

    @property
    def says_something(self) -> bool:
        """Whether it has a text, or at least a page that may have one."""
        return bool(self.title or self.summary or self.body or self.link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A feed as it was read: a mark for every entry, and those entries that are not known, each with its key."""

    marks: Sequence[str]
    fresh: Sequence[tuple[str, Entry]]
    cut: bool = False
    """It holds more entries than are read."""
    ttl: timedelta | None = None
    title: str = ""


def ends(found: Sequence[_Any]) -> Sequence[_Any]:
    """Those that are read."""
    return found if len(found) <= MOST else [*found[: MOST // 2], *found[-MOST // 2 :]]


def mark(said: bytes) -> str:
    """Sixteen hex digits by which what was said is known again."""
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def dated(published: str, updated: str = "", created: str = "") -> dict[str, Any]:
    """The fields of an Entry that are dates: the first that can be read counts as published; else it is said why none can."""
    stated = [dates.read(said) for said in (published, updated, created)]
    best = next((one for one in stated if one.at), None) or next((one for one in stated if one != dates.ABSENT), dates.ABSENT)
    return {"published": best.at, "dating": best.dating, "updated": stated[1].at}


# Which entry is which.


def told_apart(found: Sequence[Entry], feed: str, known: frozenset[str]) -> Listed:
    """The entries that are not known, each with its key. Of several with the same key the first counts."""
    saying = [entry for entry in found if entry.says_something]
    firsts: dict[str, Entry] = {}
    for key, entry in zip(_keys(saying, feed), saying, strict=True):
        firsts.setdefault(key, entry)
    fresh = [(key, entry) for key, entry in firsts.items() if not known or entry.mark not in known]
    return Listed(marks=[entry.mark for entry in found], fresh=fresh)


def stand_apart(guids: Sequence[str], links: Sequence[str], feed: str) -> bool:
    """Whether every one of these entries is told by its guid, or by its link, whichever of the others are looked at.

    `guids` and `links` have one for every entry, which may be empty.
    """
    own = [guid for guid in guids if guid]
    return _all_tell(own, feed) and (len(own) == len(guids) or _all_tell(links, feed))


def _all_tell(names: Sequence[str], feed: str) -> bool:
    return len({*names, feed, ""}) == len(names) + len({feed, ""})


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


def article(source: str, key: str, entry: Entry) -> Article:
    """The entry as an article of a source."""
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
        dating=entry.dating,
        updated=entry.updated,
    )


# What all formats have.


def link_of(said: str, base: str) -> str:
    """An absolute http or https address in its one spelling, else nothing: a `javascript:` link is none."""
    whole = hrefs.absolute(said, base)
    return identity.canonical(whole) if whole else ""


def guid_of(said: str) -> str:
    """What an entry is called, on one line."""
    return " ".join(clean(said).split())


def language_of(code: object) -> str | None:
    """The language alone: "en" of "en-GB"."""
    word = str(code or "").strip().lower().replace("_", "-").partition("-")[0]
    return word if word.isascii() and word.isalpha() and len(word) in (2, 3) else None


def one_line(text: object) -> str | None:
    """A short text on one line, such as a name."""
    return " ".join(clean(str(text or "")).split())[:200] or None


def tags_of(words: Iterable[object] | None) -> tuple[str, ...]:
    """Up to fifty tags, each once."""
    kept = dict.fromkeys(tag for tag in map(one_line, words or ()) if tag)
    return tuple(kept)[:50]
