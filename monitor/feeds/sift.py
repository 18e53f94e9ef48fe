"""Takes the entries that are known out of a feed before anybody reads it. Pure.

expat, which feedparser builds on, too, walks once over a well-formed feed and says where each entry begins and ends; the bytes of
an entry and what stands around it (names and attributes of its ancestors) make its mark; the known ones are cut out of the very
bytes, and nothing else is touched. So a reader cannot tell the rest from a shorter feed. Whatever could make one entry's reading
depend on another is not sifted but read whole: a DOCTYPE, encodings other than the usual ones, prefixes that change their meaning,
entries within entries, and entries that neither their guids nor their links tell apart.
"""

from __future__ import annotations

import codecs
import html
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING
from xml.parsers import expat

from monitor.feeds.entry import ends, guid_of, link_of, mark, stand_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENTRIES = frozenset({"item", "entry"})
_ROOTS = frozenset({"rss", "feed", "rdf"})
_RDF = frozenset({("", "http://purl.org/rss/1.0/"), ("", "http://my.netscape.com/rdf/simple/0.9/")})
_BETWEEN = "\n"
_ABOUT = _BETWEEN.join(("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "about", "rdf"))
_PLAIN = frozenset(
    {"utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-15", "cp1250", "cp1251", "cp1252", "koi8-r"}
)
"""Encodings in which a byte below 128 is always its character."""
_OPEN = 32
"""An entry lies no deeper than this."""


class _Unsure(Exception):
    """The entries cannot be looked at one by one."""


@dataclass(slots=True)
class _Piece:
    """One entry in the bytes."""

    start: int
    around: str
    guid: str = ""
    link: str | None = None
    links: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """A feed and where its entries are: at most 2,000 with a mark, and others that are left out."""

    body: bytes = field(repr=False)
    spans: Sequence[tuple[int, int]]
    marks: Sequence[str]

    @property
    def cut(self) -> bool:
        """Whether it holds more entries than are read."""
        return len(self.spans) > len(self.marks)

    def unknown(self, known: frozenset[str]) -> int:
        """How many entries `without` leaves in."""
        return sum(one not in known for one in self.marks)

    def without(self, known: frozenset[str]) -> bytes:
        """The bytes of the feed without its known entries, and without those that are too many."""
        parts, at = [], 0
        half = len(self.marks) // 2
        marks = (*self.marks[:half], *[""] * (len(self.spans) - len(self.marks)), *self.marks[half:])
        for (start, end), one in zip(self.spans, marks, strict=True):
            if not one or one in known:
                parts.append(self.body[at:start])
                at = end
        return b"".join((*parts, self.body[at:]))


def sift(body: bytes, url: str, content_type: str) -> Sifted | None:
    """Where the feed's entries are; None: it has to be read whole."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in body[:4]:
        return None
    watch = _Watch(body)
    try:
        watch.parser.Parse(body, True)
        pieces = watch.pieces
        if not _agreed(watch.encoding, content_type) or not _apart(ends(pieces), url):
            return None
    except (expat.ExpatError, _Unsure, ValueError, LookupError):
        return None
    marks = [mark(body[one.start : one.end] + f"\0{one.around}\0{content_type}".encode()) for one in ends(pieces)]
    return Sifted(body=body, spans=[(one.start, one.end) for one in pieces], marks=marks)


def _agreed(declared: str, content_type: str) -> bool:
    """Whether the server and the feed mean the same encoding, and a plain one."""
    message = Message()
    message["content-type"] = content_type
    name = codecs.lookup(declared).name
    return name in _PLAIN and name == codecs.lookup(message.get_content_charset() or declared).name


def _apart(pieces: Sequence[_Piece], url: str) -> bool:
    guids = [guid_of(html.unescape(one.guid)) for one in pieces]
    if all(guids):
        return stand_apart(guids, (), url)
    return stand_apart(guids, [link_of(one.link, url) if one.link and one.links == 1 else "" for one in pieces], url)


@dataclass(slots=True)
class _Watch:
    """What expat tells of the feed as it goes."""

    body: bytes
    encoding: str = "utf-8"
    parser: expat.XMLParserType = field(init=False)
    pieces: list[_Piece] = field(default_factory=list)
    depth: int = 0
    level: int = 0
    """How deep the entries lie."""
    above: list[str] = field(default_factory=list)
    """What the elements around are, until an entry begins."""
    inside: _Piece | None = None
    text: list[str] | None = None
    prefixes: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    declared: set[tuple[str, str]] = field(default_factory=set)
    renamed: bool = False
    """The element that begins changes what names without a prefix mean."""

    def __post_init__(self) -> None:
        # With namespaces, as feedparser does: an undeclared prefix is an error for both.
        self.parser = parser = expat.ParserCreate(namespace_separator=_BETWEEN)
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.doctype
        parser.StartNamespaceDeclHandler = self.namespace
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end

    def declaration(self, _version: str, encoding: str | None, _alone: int) -> None:
        """<?xml ... encoding="..."?>."""
        self.encoding = encoding or self.encoding

    def doctype(self, *_: object) -> None:
        """<!DOCTYPE ...>, which can define what the rest means."""
        raise _Unsure("doctype")

    def namespace(self, prefix: str | None, address: str | None) -> None:
        """xmlns:prefix="address": one means one thing, for feedparser remembers them from entry to entry."""
        said, meant = prefix or "", (address or "").lower()
        self.renamed = not prefix
        self.declared.add((said, meant))
        if prefix and (self.prefixes.setdefault(said, meant) != meant or self.addresses.setdefault(meant, said) != said):
            raise _Unsure(prefix)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """<name ...>: address, name and prefix of it, or the name alone."""
        self.depth += 1
        if self.inside is None:
            self._outside(name, attributes)
        elif self.depth == self.level + 1:
            self._child(name)
        elif self.text is not None or _local(name) in _ENTRIES:
            raise _Unsure(name)
        self.renamed = False

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if self.depth == 1 and (local not in _ROOTS or (local == "rdf" and not _RDF & self.declared)):
            raise _Unsure(name)
        if local in _ENTRIES and self.depth > 1:
            self._begin(attributes)
        elif self.depth <= _OPEN:
            del self.above[self.depth - 1 :]
            self.above.append(f"{name} {sorted(attributes.items())}")

    def _begin(self, attributes: dict[str, str]) -> None:
        self.level = self.level or self.depth
        if self.depth != self.level or self.depth > _OPEN:
            raise _Unsure("entries at different depths")
        around = "\n".join(self.above[: self.depth - 1])
        self.inside = _Piece(self.parser.CurrentByteIndex, around, guid=attributes.get(_ABOUT, ""))
        self.pieces.append(self.inside)

    def _child(self, name: str) -> None:
        assert self.inside is not None
        local = _local(name)
        if local in ("guid", "id"):
            if self.inside.guid or name.count(_BETWEEN) > 1 or self.renamed:  # feedparser may not take it for the guid
                raise _Unsure(name)
            self._listen()
        elif local == "link":
            self.inside.links += 1
            self._listen()
        elif local in _ENTRIES:
            raise _Unsure(name)

    def _listen(self) -> None:
        self.text = []
        self.parser.CharacterDataHandler = self.text.append

    def end(self, name: str) -> None:
        """</name>."""
        self.depth -= 1
        if self.inside is None:
            return
        if self.depth < self.level:
            self._finish()
        elif self.depth == self.level and self.text is not None:
            said = "".join(self.text)
            self.text = self.parser.CharacterDataHandler = None
            if _local(name) == "link":
                self.inside.link = said
            else:
                self.inside.guid = said

    def _finish(self) -> None:
        assert self.inside is not None
        tag = self.parser.CurrentByteIndex
        if self.body[tag : tag + 2] != b"</" or self.body[self.inside.start : self.inside.start + 1] != b"<":
            raise _Unsure("empty entry")
        self.inside.end = self.body.index(b">", tag) + 1
        self.inside = None


def _local(name: str) -> str:
    return name.split(_BETWEEN)[1 if _BETWEEN in name else 0].lower()
