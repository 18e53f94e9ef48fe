"""Reads and writes OPML, the format in which feed readers hand over lists of feeds. Pure.

Files from the wild break the rules in every way: addresses with bare `&`, names of attributes in any case, `url` for `xmlUrl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from monitor import hrefs, markup
from monitor.errors import Unreadable
from monitor.text import clean

MOST = 10_000
"""Feeds of one file that are read."""
_LONGEST = 300
_DEEPEST = 20
"""Folders in folders that are told apart; what lies deeper counts to the last."""
_NOT_FEEDS = ("link", "include")
"""Types of outlines whose `url` is that of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A feed on the list: its address, its site's, and the names of the folders that it lies in, outermost first."""

    title: str
    url: str
    page: str | None = None
    folders: tuple[str, ...] = ()


def read(data: bytes) -> list[Outline]:
    """The feeds of the file in its order, one an address, at most 10,000. Raises Unreadable where there are none."""
    if not data.strip():
        raise Unreadable("empty: nothing where an OPML file should be")
    parser = markup.parser(remove_pis=True)
    try:
        tree = etree.fromstring(hrefs.mended(data), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"not OPML: {' '.join(clean(str(error)).split())[:120]}") from error
    if tree is None or _local(tree) != "opml":
        raise Unreadable("not OPML: no <opml> at its beginning" if tree is None else f"not OPML but <{_local(tree)[:40]}>")
    found: dict[str, Outline] = {}
    for outline in _outlines(tree):
        if len(found) < MOST:
            found.setdefault(outline.url, outline)
    if not found:
        raise Unreadable("no feeds in it: no outline has an xmlUrl with an http address")
    return list(found.values())


def _outlines(tree: Any) -> Iterator[Outline]:
    """Every outline that is a feed; the others are folders to those inside them."""
    folders: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if _local(element) != "outline":
            continue
        said = _said(element)
        title, url = _title(said), _feed(said)
        if event == "end":
            folders.pop()
            continue
        if url:
            inside = tuple(name for name in folders if name)[:_DEEPEST]
            yield Outline(
                title=title or _line(url), url=url, page=hrefs.absolute(said.get("htmlurl", "")) or None, folders=inside
            )
        folders.append("" if url else title)


def _local(element: Any) -> str:
    """Its name without a prefix, declared or not; nothing for what is no element."""
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(element.tag, str) else ""


def _said(element: Any) -> dict[str, str]:
    """Its attributes; none where libxml2 let through what is no text."""
    try:
        return {str(name).lower(): value for name, value in element.attrib.items()}
    except UnicodeDecodeError:
        return {}


def _title(said: dict[str, str]) -> str:
    return next(filter(None, (_line(said.get(name, "")) for name in ("title", "text"))), "")


def _line(text: str) -> str:
    return " ".join(clean(text).split())[:_LONGEST].rstrip()


def _feed(said: dict[str, str]) -> str:
    """The feed's address, or nothing."""
    kind = said.get("type", "").lower()
    address = said.get("xmlurl") or ("" if kind in _NOT_FEEDS else said.get("url", ""))
    return hrefs.feed(address)


def write(outlines: Iterable[Outline], title: str = "Feeds") -> bytes:
    """An OPML 2.0 file that any feed reader takes; feeds lie in their folders, each folder once."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = clean(title)
    places: dict[tuple[str, ...], Any] = {(): etree.SubElement(root, "body")}
    for outline in outlines:
        name = clean(outline.title)
        said = {"type": "rss", "text": name, "title": name, "xmlUrl": outline.url}
        etree.SubElement(_folder(places, outline.folders), "outline", said | ({"htmlUrl": outline.page} if outline.page else {}))
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True))


def _folder(places: dict[tuple[str, ...], Any], folders: Sequence[str]) -> Any:
    """The element of a folder, made with those around it where it is not there yet."""
    for depth in range(1, len(folders) + 1):
        path = tuple(folders[:depth])
        if path not in places:
            places[path] = etree.SubElement(places[path[:-1]], "outline", text=clean(path[-1]))
    return places[tuple(folders)]
