"""Reads a sitemap: a site's list of addresses, or a list of such lists. Pure; run it in a worker.

Three kinds are read: XML with dates of change, news sitemaps with titles and dates of publication, and plain text with an
address a line; each packed with gzip or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from monitor import dates, hrefs, identity, markup
from monitor.arrivals import LATE, RECENT, arrived, mark, within
from monitor.errors import Unreadable
from monitor.text import clean
from monitor.unpack import MIB, Unpacker
from rules import Article

MOST = 50_000
"""Addresses of one sitemap that are read, as the protocol has it."""
NEW = 500
"""New articles that are taken from one sitemap at a time: more is a site that was rebuilt."""
MARKS = 5_000
"""Marks of known addresses that are kept."""
CHILDREN = 500
"""Sitemaps of an index that are looked at, newest first."""
FIRST, FOUND, AGAIN = "first", "found", "again"
"""How it comes that a sitemap is read: at the first look at its index; it is itself new in the index; it was read before."""

_UNPACKED = 50 * MIB
_PACKED = 20 * MIB
_LONGEST = 4_000
_FEEDS = ("rss", "feed", "RDF")
_UNTITLED = identity.digest("", "", "")
_NEVER = datetime.min.replace(tzinfo=UTC)
_FIELDS = {
    ("url", "loc"): "loc",
    ("url", "lastmod"): "lastmod",
    ("sitemap", "loc"): "loc",
    ("sitemap", "lastmod"): "lastmod",
    ("news", "title"): "title",
    ("news", "publication_date"): "published",
    ("publication", "language"): "language",
}
"""What is read, by the element that holds it: an image has a `loc`, a video a `title`, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A sitemap in an index, and when it changed, as far as that is said."""

    url: str
    changed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """What a sitemap lists, newest first: articles, or further sitemaps. What is not dated comes last, in its order."""

    articles: tuple[Article, ...] = ()
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What tells new from old: the time, the marks of what is known, and how it comes that the sitemap is read."""

    now: datetime
    known: frozenset[str] = frozenset()
    reading: str = AGAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is new in a sitemap. `marks` are those of the addresses in it that are to be remembered, newest first."""

    articles: tuple[Article, ...] = ()
    children: tuple[Child, ...] = ()
    marks: tuple[str, ...] = ()
    listed: int = 0
    remarks: tuple[str, ...] = ()


def parse(body: bytes, *, source: str, url: str) -> Map:
    """What the sitemap at `url` lists, one an address, at most 50,000. An article is known by `source#address`.

    Raises Unreadable.
    """
    data = _unpacked(body).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not data:
        raise Unreadable("empty: nothing where a sitemap should be")
    rows = _xml(data) if data.startswith(b"<") else _lines(data)
    return Map(
        articles=_newest(_articles((row for row in rows if row.kind == "url"), source, url)),
        children=_children((row for row in rows if row.kind == "sitemap"), url),
    )


def sift(body: bytes, *, source: str, url: str, look: Look) -> Sifted:
    """What is new in the sitemap at `url`, and what is to be remembered of it. Raises Unreadable."""
    found = parse(body, source=source, url=url)
    fresh = [article for article in found.articles if _is_new(article, look)]
    marks = [mark(article.id) for article in found.articles if _ages_unseen(article, look.now)]
    remarks = (
        f"{len(fresh):,} new addresses at once: only the newest {NEW} count" if len(fresh) > NEW else "",
        f"{len(marks):,} addresses without a date of publication: old ones may pass for new" if len(marks) > MARKS else "",
    )
    return Sifted(
        articles=tuple(fresh[:NEW]),
        children=found.children[:CHILDREN],
        marks=tuple(marks[:MARKS]),
        listed=len(found.articles),
        remarks=tuple(filter(None, remarks)),
    )


def _is_new(article: Article, look: Look) -> bool:
    """Whether it counts as new. In a list that is itself new, only what is dated within a day: it may be a rebuilt archive."""
    if look.reading != FOUND:
        return arrived(article, look.now, look.known, first=look.reading == FIRST)
    return mark(article.id) not in look.known and within(article.published or article.updated, look.now, RECENT)


def _ages_unseen(article: Article, now: datetime) -> bool:
    """Whether it must be remembered. What was published long ago never counts as new; a date of change does not tell."""
    return article.published is None or article.published > now - LATE


# Bytes to rows.


@dataclass(slots=True)
class _Row:
    """One entry as it stands there. `kind` is "url" or "sitemap"."""

    kind: str
    said: dict[str, str] = field(default_factory=dict)


def _unpacked(body: bytes) -> bytes:
    """The body itself, or what was packed: many sitemaps are files with .gz in their name. Raises Unreadable for a bomb."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacker = Unpacker("gzip", wire=_PACKED, body=_UNPACKED)
    unpacker.feed(body)
    return bytes(unpacker.unpacked)


def _lines(data: bytes) -> list[_Row]:
    lines = [line.strip() for line in data[:_UNPACKED].decode("utf-8", "replace").splitlines()]
    found = [_Row("url", {"loc": line}) for line in lines if hrefs.absolute(line)]
    if len(found) < len(list(filter(None, lines))) / 2:
        raise Unreadable("not a sitemap: neither XML nor an address a line")
    return found[:MOST]


def _xml(data: bytes) -> list[_Row]:
    reader = _Reader()
    parser = markup.parser(target=reader)
    try:
        etree.fromstring(hrefs.mended(data), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"not a sitemap: {_said(str(error))}") from error
    if reader.root not in ("urlset", "sitemapindex"):
        raise Unreadable(_instead(reader.root, data))
    rows = [row for row in reader.rows if row.said.get("loc")]
    if not rows and len(parser.error_log):  # an empty one is fine, one that breaks at once is not
        raise Unreadable(f"not a sitemap that can be read: {_said(parser.error_log[0].message)}")
    return rows


def _instead(root: str, data: bytes) -> str:
    if root in _FEEDS:
        return "a feed where a sitemap should be: make it a source of the kind `feed`"
    if root.lower() == "html" or b"<!doctype html" in data[:1024].lower():
        return "HTML where a sitemap should be"
    return f"not a sitemap: <{_said(root)[:40]}> where <urlset> or <sitemapindex> should be"


def _said(reason: str) -> str:
    """What libxml2 says, which quotes the document."""
    return " ".join(clean(reason).split())[:120]


@dataclass(slots=True)
class _Reader:
    """What libxml2 tells of the document as it goes: no tree is built, so that its size is no matter."""

    root: str = ""
    rows: list[_Row] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    row: _Row | None = None
    text: list[str] | None = None
    length: int = 0

    def start(self, tag: str, attributes: object) -> None:  # noqa: ARG002 - lxml's signature
        name = _local(tag)
        self.root = self.root or name
        if name in ("url", "sitemap") and len(self.open) == 1:
            self.row = _Row(name)
        self.text, self.length = [], 0
        self.open.append(name)

    def end(self, tag: str) -> None:
        name = _local(tag)
        self.open.pop()
        said = _FIELDS.get((self.open[-1], name)) if self.open else None
        if said and self.row is not None and self.text is not None:
            self.row.said.setdefault(said, "".join(self.text).strip())
        if name in ("url", "sitemap") and len(self.open) == 1 and self.row is not None:
            if len(self.rows) < MOST:
                self.rows.append(self.row)
            self.row = None
        self.text = None

    def data(self, text: str) -> None:
        if self.text is not None and self.length < _LONGEST:
            self.text.append(text[:_LONGEST])
            self.length += len(text)

    def close(self) -> None:
        """Nothing: what was read is read, however the document ended."""


def _local(tag: str) -> str:
    """The name without its namespace: some misspell that, or forget to declare it."""
    return tag.rpartition("}")[2].rpartition(":")[2]


# Rows to articles and sitemaps.


def _articles(rows: Iterable[_Row], source: str, url: str) -> Iterable[Article]:
    found: dict[str, Article] = {}
    for row in rows:
        whole = hrefs.absolute(row.said["loc"], url)
        if whole:
            address = identity.canonical(whole)
            found.setdefault(address, _article(source, address, row.said))
    return found.values()


def _article(source: str, address: str, said: dict[str, str]) -> Article:
    published = _date(said.get("published", ""))
    title = " ".join(clean(said.get("title", "")).split())[:1_000]
    return Article(
        id=f"{source}#{address}",
        source=source,
        url=address,
        title=title,
        language=_language(said.get("language", "")),
        published=published.at,
        dating=published.dating,
        updated=_date(said.get("lastmod", "")).at,
        digest=identity.digest(title, "", "") if title else _UNTITLED,
    )


def _date(said: str) -> dates.Stated:
    """As `dates.read`, which is slow: 50,000 dates in the form that the protocol asks for need no reader of dates."""
    try:
        when = datetime.fromisoformat(said)
        if when.tzinfo is not None and when >= dates.OLDEST:
            return dates.Stated(when.astimezone(UTC), "stated")
    except (ValueError, OverflowError):
        pass
    return dates.read(said)


def _language(code: str) -> str | None:
    """The language alone: "zh" of "zh-cn"."""
    word = code.strip().lower().replace("_", "-").partition("-")[0]
    return word if word.isascii() and word.isalpha() and len(word) in (2, 3) else None


def _newest(articles: Iterable[Article]) -> tuple[Article, ...]:
    return tuple(sorted(articles, key=lambda one: one.published or one.updated or _NEVER, reverse=True))


def _children(rows: Iterable[_Row], url: str) -> tuple[Child, ...]:
    found = {hrefs.absolute(row.said["loc"], url): row.said.get("lastmod", "") for row in rows}
    children = (Child(url=address, changed=_date(lastmod).at) for address, lastmod in found.items() if address)
    return tuple(sorted(children, key=lambda one: one.changed or _NEVER, reverse=True))
