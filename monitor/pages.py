"""Takes the article out of a web page: its text without menus, comments and tables, and what the page says of itself. Pure.

That is dear, and few pages matter to anybody: `read` looks first whether a word that a rule needs is on the page at all.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any, Protocol

from lxml import etree
from trafilatura import bare_extraction, load_html

from monitor import imprint
from monitor.errors import Unreadable
from monitor.text import clean, plain, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import TypeVar

    Made = TypeVar("Made")

LONGEST = 200_000
"""Characters of an article's text that are kept, as of a feed's: what is longer takes longer to match than there is time."""

_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.ASCII)
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x7fELF")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# The extractor takes posts out of this attribute, where forums of one make keep them; no text hides from us in an attribute.
_HIDING_PLACE = "data-preloaded"
# For a page that libxml2 has written down as XML: no "<" and ">" but those of tags.
_SCRIPTS = re.compile(r"<(?:script|style)\b[^>]*>[^<]*</(?:script|style)>")
# What nobody has heard of is no block, for browsers and the extractor alike.
_INLINE = re.compile(
    r"</?(?!(?:address|article|aside|base|blockquote|body|br|button|canvas|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt"
    r"|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6r]|head|header|hgroup|html|iframe|input|label|legend|li|link|main|menu"
    r"|meta|nav|noframes|noscript|object|ol|optgroup|option|p|pre|search|section|select|summary|table|tbody|td|template|textarea|tfoot|th"
    r"|thead|title|tr|ul|video)[\s/>])[^>]*>"
)
_TAG = re.compile(r"<[^>]*>")
_CODE_IN_HEADINGS = etree.XPath("//*[self::h1 or self::h2 or self::h3]//*[self::script or self::style]")


class Wanting(Protocol):
    """Compiled rules, as far as they are asked here."""

    def possible(self, *texts: str) -> bool:
        """Whether they could find anything in an article made of these texts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The article on a page. `text` has a line a paragraph; dates are UTC, `dating` says how far to believe `published`."""

    title: str
    text: str
    language: str | None = None
    published: datetime | None = None
    author: str | None = None
    url: str | None = None
    """The address that the page gives for itself, on its own site."""
    updated: datetime | None = None
    dating: str = "absent"


def read(  # noqa: PLR0913 - a worker is handed all that it needs to know
    body: bytes, *, url: str, content_type: str = "", title: str = "", summary: str = "", ruleset: Wanting
) -> Page | None:
    """The article on the page; None where no rule could want it, whatever it says. Raises Unreadable as `extract` does.

    `title` and `summary` are what is known of the article already.
    """

    def made() -> Page | None:
        tree = _tree(body, content_type.lower())
        head = imprint.head(tree)
        wanted = ruleset.possible(title, summary) or ruleset.possible(title, summary, _visible(tree, head))
        return _page(tree, url, head) if wanted else None

    return _whatever_happens(made)


def extract(body: bytes, *, url: str, content_type: str = "") -> Page:
    """The article on the page. Raises Unreadable: binary, not HTML, or without text."""

    def made() -> Page:
        tree = _tree(body, content_type.lower())
        return _page(tree, url, imprint.head(tree))

    return _whatever_happens(made)


def promising(body: bytes, content_type: str, ruleset: Wanting, *texts: str) -> bool:
    """Whether any rule could want the article on the page, of which `texts` are known already: never wrongly no."""
    return ruleset.possible(*texts) or ruleset.possible(visible(body, content_type), *texts)


def visible(body: bytes, content_type: str = "") -> str:
    """Everything on the page that could be in the article's title or text, and more. Raises Unreadable.

    Words are never glued across blocks, and stand whole as well as in the parts that a page's tags make of them.
    """

    def made() -> str:
        tree = _tree(body, content_type.lower())
        return _visible(tree, imprint.head(tree))

    return _whatever_happens(made)


def _whatever_happens(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except Unreadable:
        raise
    except Exception as error:  # what libraries raise on pages that nobody foresaw
        raise Unreadable(f"not a page: {type(error).__name__} while reading it") from error


def _page(tree: Any, url: str, head: imprint.Head) -> Page:
    # Read before the text is taken out: what is not text is cut from the tree. The extractor could read it, too, but looks for
    # a date by any means, which takes longer than all of this.
    said = imprint.read(tree, url, head)
    found: Any = bare_extraction(tree, url=url, fast=True, include_comments=False, include_tables=False, with_metadata=False)
    text = tidy(clean(found.text or ""))[:LONGEST] if found is not None else ""
    if not text:
        raise Unreadable("no text on the page")
    return Page(
        title=said.title,
        text=text,
        language=said.language,
        published=said.published,
        author=said.author,
        url=said.url,
        updated=said.updated,
        dating=said.dating,
    )


def _visible(tree: Any, head: imprint.Head) -> str:
    """What `visible` gives, of a tree."""
    written = _SCRIPTS.sub("<wbr/>", etree.tostring(tree, method="xml", encoding="unicode"))
    whole, in_parts = _TAG.sub("\n", _INLINE.sub("", written)), _TAG.sub("\n", written)
    return "\n".join(_as_it_may_come_out((unescape(whole), unescape(in_parts), *_told(head))))


def _told(head: imprint.Head) -> Iterable[str]:
    """The texts of meta tags and JSON-LD, which may hold markup of their own."""
    for text in head.texts():
        yield text
        if "<" in text or "&" in text:
            yield plain(unescape(text))


def _as_it_may_come_out(texts: Iterable[str]) -> Iterable[str]:
    """The texts, and as the extractor changes them: what was escaped twice is unescaped, and what is never seen is left out."""
    for text in texts:
        yield text
        if "&" in text and (twice := unescape(text)) != text:
            yield twice
            text += "\n" + twice  # noqa: PLW2901 - both may hold what is never seen
        if not text.isascii() and (unseen := {char for char in set(text) if not (char.isprintable() or char.isspace())}):
            yield re.sub(f"[{re.escape(''.join(unseen))}]+", "", text)
            yield clean(text)


def _tree(body: bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip()
    if kind.partition("/")[0] in ("image", "audio", "video", "font") or body.startswith(_BINARY):
        raise Unreadable(f"not a page but {kind or 'a binary file'}")
    text = decoded(body, content_type)
    if "\0" in text[:4096]:
        raise Unreadable("not a page but a binary file")
    if text.startswith("<?xml"):  # lxml looks through a declaration for a square of its length, and the encoding is known
        text = text.partition(">")[2]
    tree = load_html(clean(text).replace(_HIDING_PLACE, "data-left-out")) if text.strip() else None
    if tree is None:
        raise Unreadable("no HTML on the page")
    for code in _CODE_IN_HEADINGS(tree):
        code.text = None  # the extractor would take it for words of the title
    return tree


def decoded(body: bytes, content_type: str = "") -> str:
    """The text of a page: by its byte order mark, else the charset of the header, the page's own, UTF-8, or Windows-1252."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    named = [found.group(1).decode("ascii") for found in map(_CHARSET.search, (content_type.encode(), body[:4096])) if found]
    for encoding in (*named, "utf-8"):
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeError):  # an unknown name, or not what it says
            continue
    return body.decode(_known(named[0]) if named else "cp1252", "replace")


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"
