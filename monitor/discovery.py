"""Finds the feeds of a web page: those that it states, those that it links to, and where feeds usually are. Pure; nobody is asked.

The best comes first: somebody else tries them in that order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from monitor import hrefs
from monitor.listing import base_of, tree_of
from monitor.text import clean

MOST = 50
"""Feeds of one page that are looked at, guesses not counted: some pages link to one a reporter."""
STATED = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "application/rdf+xml": "rss",
    "text/xml": "rss",
    "application/xml": "rss",
    "application/json": "json",
}
GUESSES = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json")
_VAGUE = ("text/xml", "application/xml", "application/json", "application/rdf+xml")
"""Types that are not only those of feeds: the address, too, has to look like one's."""
_WORDS = frozenset("rss feed feeds atom rss2 rdf".split())
_FILE = re.compile(
    r"(?:(?:rss|atom|feed)\w{0,20}|index|news|\w{0,40}(?:rss|atom|feed))\.(?:xml|rdf|json|php|aspx?)\Z"
    r"|[\w-]{1,80}\.(?:rss|atom|rdf)\Z"
)
_ELSEWHERE = (
    "feedly.com",
    "inoreader.com",
    "netvibes.com",
    "yahoo.com",
    "newsblur.com",
    "theoldreader.com",
    "feedspot.com",
    "follow.it",
)
"""Readers: their links say "add this feed" and are none."""
_COMMENTS = re.compile(r"comment|комментар|коментар|kommentar|comentari|commentair|yorum", re.IGNORECASE)
_STARTS = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What may be a feed. `kind`: "rss", "atom" or "json" as the page states; "link" for a link to one; "guess"."""

    url: str
    title: str = ""
    kind: str = "guess"


def feeds(body: bytes, url: str, content_type: str = "") -> list[Candidate]:
    """Where the feeds of the page at `url` may be, one an address, the most trusted first; feeds of comments come last.

    An address that holds a feed itself comes back as it is. One that holds no page at all leaves but the guesses.
    """
    own = _itself(body)
    if own:
        return [Candidate(url=url, kind=own)]
    try:
        tree = tree_of(body, content_type)
        base = base_of(tree, url)
        stated = [*_stated(tree, base), *_linked(tree, base)]
    except Exception:  # noqa: BLE001 - what libraries raise on pages that nobody foresaw; guesses are left
        stated = []
    return _ranked(stated, url)


def _itself(body: bytes) -> str:
    """What kind of feed the bytes are; nothing for a page."""
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return "json" if b"jsonfeed.org" in start else ""
    found = _STARTS.search(start) if not re.search(rb"<html|<!doctype html", start, re.IGNORECASE) else None
    return "" if found is None else "atom" if found[0].startswith(b"<feed") else "rss"


def _stated(tree: Any, base: str) -> Iterator[Candidate]:
    """The page's `<link rel="alternate">`."""
    for link in tree.iter("link"):
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        relation = (link.get("rel") or "").lower().split()
        address = hrefs.feed(link.get("href") or "", base)
        if not address or not {"alternate", "feed"} & set(relation):
            continue
        if kind in STATED and (kind not in _VAGUE or _looks_like_one(address)):
            yield Candidate(url=address, title=_line(link.get("title")), kind=STATED[kind])
        elif not kind and "feed" in relation:
            yield Candidate(url=address, title=_line(link.get("title")), kind="rss")


def _linked(tree: Any, base: str) -> Iterator[Candidate]:
    """Links to what looks like a feed by its address."""
    for link in tree.iter("a"):
        said = link.get("href") or ""
        address = hrefs.feed(said, base)
        if address and (said.strip().lower().startswith("feed:") or _looks_like_one(address)):
            yield Candidate(url=address, title=_line(link.get("title")) or _line(" ".join(link.itertext())), kind="link")


def _looks_like_one(address: str) -> bool:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if any(host == one or host.endswith("." + one) for one in _ELSEWHERE):
        return False
    if host.startswith(("feeds.", "feed.", "rss.")) and parts.path.strip("/"):
        return True
    path = unquote(parts.path).lower().rstrip("/")
    last = path.rpartition("/")[2]
    asked = {name.lower(): value.lower() for name, value in parse_qsl(parts.query, max_num_fields=20)}
    below = last.endswith((".xml", ".rdf", ".json")) and not _WORDS.isdisjoint(path.split("/"))
    return (
        last in _WORDS
        or below
        or bool(_FILE.match(last))
        or any(asked.get(name, "") in _WORDS for name in ("feed", "format", "type"))
    )


def _ranked(found: Iterable[Candidate], url: str) -> list[Candidate]:
    """Each address once, under the best of what is said of it; then the guesses; and last what is but comments."""
    unique: dict[str, Candidate] = {}
    for one in found:
        unique.setdefault(one.url, one)
    stated = sorted(unique.values(), key=lambda one: (_is_comments(one), one.kind == "link"))[:MOST]
    guesses = [Candidate(url=address) for address in _guesses(url) if address not in unique]
    news = [one for one in stated if not _is_comments(one)]
    return [*news, *guesses, *(one for one in stated if _is_comments(one))]


def _is_comments(one: Candidate) -> bool:
    return bool(_COMMENTS.search(f"{unquote(urlsplit(one.url).path)} {one.title}"))


def _guesses(url: str) -> Iterator[str]:
    """Where feeds usually are: under the page's own path first, which may be a section's, then at the root."""
    path = urlsplit(url).path
    own = path if path.endswith("/") else path.rpartition("/")[0] + "/" if "." in path.rpartition("/")[2] else path + "/"
    for place in dict.fromkeys((own, "/")):
        yield from filter(None, (hrefs.absolute(place + name, url) for name in GUESSES))


def _line(text: str | None) -> str:
    return " ".join(clean((text or "")[:2_000]).split())[:200].rstrip()
