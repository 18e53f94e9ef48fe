"""Reads a feed: RSS, Atom, RDF and JSON Feed become articles, and what was read before is not read again. Pure.

Cheap first: of a feed that changed, mostly one entry is new. `sift` cuts the known ones out of the bytes, `rss` gives the rest to
feedparser, which also reads whole whatever is ill-formed or cannot be sifted. A reader of our own was not written: it would have to
agree with feedparser on everything that feeds get wrong, and sifting agrees because it reads nothing. Measured by
benchmarks/feeds.py on feeds of 20 to 200 kB: with one entry new 0.13 of feedparser's time, with none 0.08, with all 1.08.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.errors import Unreadable
from monitor.feeds import jsonfeed, rss
from monitor.feeds.entry import LONGEST, MOST, Entry, article
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST", "MOST", "Entry", "Parsed", "entries", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A feed: the articles that were not known, in its order, and a mark for every entry that it holds now."""

    articles: tuple[Article, ...] = ()
    marks: tuple[str, ...] = ()
    """What to call `known` the next time. A mark covers all that an entry says: an edited one is unknown again."""
    ttl: timedelta | None = None
    """How long it says that it stays as it is."""
    title: str = ""
    """Its own name."""
    remarks: tuple[str, ...] = ()
    """What is odd about it, though it could be read."""


def parse(body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()) -> Parsed:
    """The feed, at most 2,000 entries of it; names of headers are in lower case. Raises Unreadable.

    An article's id is `source#guid`, so that the same entry is the same article at every visit, and never one of another source.
    Where the guid is missing or does not tell entries apart it is `source#link`; failing that, `source#` and a hash of the texts.
    An entry without any text is an article where it has a link, as its page may speak, and else is left out.
    """
    listed = jsonfeed.listed if _is_json(body) else rss.listed
    try:
        found = listed(body, url, headers, known)
    except Unreadable:
        raise
    except Exception as error:  # feedparser and its sgmllib raise what they like on broken input
        raise Unreadable(f"not a feed: {type(error).__name__} while reading it") from error
    return Parsed(
        articles=tuple(article(source, key, entry) for key, entry in found.fresh),
        marks=tuple(found.marks),
        ttl=found.ttl,
        title=found.title,
        remarks=(f"cut at {MOST:,} entries",) if found.cut else (),
    )


def entries(body: bytes, *, url: str, headers: Mapping[str, str]) -> list[Entry]:
    """The feed's entries, in its order, at most 2,000; names of headers are in lower case. Raises Unreadable."""
    try:
        return jsonfeed.entries(body, url) if _is_json(body) else rss.read(body, url, headers).entries
    except Unreadable:
        raise
    except Exception as error:  # as above
        raise Unreadable(f"not a feed: {type(error).__name__} while reading it") from error


def _is_json(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unreadable("empty: nothing where a feed should be")
    return start[:1] in (b"{", b"[")
