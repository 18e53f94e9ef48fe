"""Reads a web page that lists articles and has no feed: the links on it that lead to one. Pure; run it in a worker.

Which links those are, a CSS selector says; without one, they are headlines in the page's own part that lead to an article of
its site. A selector picks the links, or what holds one link each (a card, a list item), or what stands inside a link.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from cssselect import SelectorError
from lxml import etree, html
from lxml.cssselect import CSSSelector

from monitor import dates, hrefs, identity
from monitor.errors import Unreadable
from monitor.pages import decoded
from monitor.text import clean
from rules import Article

MOST = 500
"""Articles of one page that are read."""
LONGEST = 300
"""Characters of a title: what is longer is a whole card, and cut."""
_LONGEST_SELECTOR = 500
_CLIMB = 6
"""Steps up from a link to the box that holds its date, too."""

_HEADS = ("h1", "h2", "h3", "h4")
_HEAD = " or ".join(f"self::{name}" for name in _HEADS)
_CARDS = ("article", "li", "tr", "main", "body")
_HEADLINES = etree.XPath(
    f"//a[@href][ancestor::*[{_HEAD} or self::article or self::li] or descendant::*[{_HEAD}]]"
    "[not(ancestor::*[self::nav or self::footer or self::aside or self::form or @role='navigation'])]"
    "[not(ancestor::p[not(ancestor::li)])]"  # a link in running text is no headline
)
_SECTIONS = frozenset(
    "tag tags topic topics theme themes category categories section sections author authors profile search login signin signup "
    "register subscribe subscription subscriptions newsletter newsletters about contact contacts privacy terms legal cookies jobs "
    "careers advertise page help faq shop store account user users rss feed feeds rubric rubrics kategorie kategorien thema themen "
    "temas sujet sujets autor auteur".split()
)
_END = re.compile(rb"</html\s{0,20}>", re.IGNORECASE)
_ARTICLE = re.compile(r"[0-9]{4}|[^/?=_-][-_][^/?=_-]+[-_][^/?=]|\.s?html?\Z|=[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The articles that a page lists, in its order. `listed`: how many there are, those above the limit included."""

    articles: tuple[Article, ...] = ()
    listed: int = 0


@dataclass(frozen=True, slots=True)
class _Pick:
    """What was picked, the link that goes with it, and where that leads."""

    spot: Any
    link: Any
    address: str


def selector(text: str) -> str:
    """The CSS selector as it is. Raises ValueError, which says what is wrong with it."""
    if not text.strip():
        raise ValueError("expected a CSS selector such as 'h2 a'")
    if len(text) > _LONGEST_SELECTOR:
        raise ValueError(f"a CSS selector of more than {_LONGEST_SELECTOR} characters")
    _compiled(text)
    return text


def parse(body: bytes, *, source: str, url: str, content_type: str = "", links: str | None = None) -> Listed:
    """The articles that the page at `url` lists, one an address, at most 500; known by `source#address`.

    Raises Unreadable: no page, or no link on it that is meant.
    """
    try:
        found = _listed(tree_of(body, content_type), source, url, links)
    except Unreadable:
        raise
    except Exception as error:  # what libraries raise on pages that nobody foresaw
        raise Unreadable(f"not a page: {type(error).__name__} while reading it") from error
    if not found.articles:
        raise Unreadable(_nothing(links))
    return found


def _nothing(links: str | None) -> str:
    if links:
        return f"the selector {links!r} picks no link: has the page changed? Correct `links`"
    return "no link looks like an article's: say which are with `links`, a CSS selector"


@lru_cache(maxsize=256)
def _compiled(text: str) -> CSSSelector:
    try:
        return CSSSelector(text, translator="html")
    except (SelectorError, etree.XPathError, RecursionError) as error:
        raise ValueError(f"not a CSS selector: {' '.join(str(error).split())[:120]}") from error


def tree_of(body: bytes, content_type: str) -> Any:
    """The parsed page. Raises Unreadable."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.partition("/")[0] in ("image", "audio", "video", "font") or kind == "application/pdf" or b"\0\0" in body[:4096]:
        raise Unreadable(f"not a page but {kind or 'a binary file'}")
    # libxml2 reads nothing after the end tag, and some pages are put together of several.
    data = _END.sub(b"", clean(decoded(body, content_type.lower())).encode("utf-8", "replace"))
    if not data.strip():
        raise Unreadable("empty: nothing where a page should be")
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    return html.document_fromstring(data, parser=parser)


def _listed(tree: Any, source: str, url: str, links: str | None) -> Listed:
    base, here = base_of(tree, url), identity.canonical(url)
    picks = list(_chosen(tree, base, here, _compiled(links)) if links else _likely(tree, base, here))
    by_address: dict[str, list[_Pick]] = defaultdict(list)
    for pick in picks:
        by_address[pick.address].append(pick)
    boxes = _boxes(picks)
    times = _times(tree)
    articles = (
        _article(source, address, _title(same), _dated(same[0], boxes, times))
        for address, same in islice(by_address.items(), MOST)
    )
    return Listed(articles=tuple(articles), listed=len(by_address))


def base_of(tree: Any, url: str) -> str:
    """What relative links start from: the page's own word, or its address."""
    stated = next((one.get("href") for one in tree.iter("base") if one.get("href")), "")
    return hrefs.absolute(stated, url) or url


def _article(source: str, address: str, title: str, said: dates.Stated) -> Article:
    article = Article(id=f"{source}#{address}", source=source, url=address, title=title, published=said.at, dating=said.dating)
    return replace(article, digest=identity.revision(article))


# Which links.


def _chosen(tree: Any, base: str, here: str, select: CSSSelector) -> Iterator[_Pick]:
    """What the selector picks; what has no link, or one to the page itself, is passed over."""
    for spot in select(tree):
        link = _link_of(spot)
        address = _address(link, base)
        if address and address != here:
            yield _Pick(spot, link, address)


def _link_of(spot: Any) -> Any:
    """The link itself, the one it holds (that of its heading, or the one with the most text), or the one around it."""
    if spot.tag == "a":
        return spot
    inside = [link for link in spot.iter("a") if link.get("href")]
    if not inside:
        return next(spot.iterancestors("a"), None)
    headed = [link for link in inside if any(one.tag in _HEADS for one in islice(link.iterancestors(), 3))]
    return headed[0] if headed else max(inside, key=lambda link: len(_text(link)))


def _likely(tree: Any, base: str, here: str) -> Iterator[_Pick]:
    """Headlines that lead to what looks like an article of the same site."""
    for link in _HEADLINES(tree):
        address = _address(link, base)
        if address and address != here and _is_article(address, here) and _is_headline(_worded(_Pick(link, link, ""))):
            yield _Pick(link, link, address)


def _address(link: Any, base: str) -> str:
    whole = hrefs.absolute(link.get("href") or "", base) if link is not None else ""
    return identity.canonical(whole) if whole else ""


def _is_article(address: str, page: str) -> bool:
    parts = urlsplit(address)
    sections = not _SECTIONS.isdisjoint(parts.path.lower().split("/"))
    return hrefs.same_site(address, page) and not sections and bool(_ARTICLE.search(f"{parts.path}?{parts.query}".rstrip("?")))


def _is_headline(title: str) -> bool:
    """Four words or more; eight signs where words are written without spaces."""
    words = len(title.split())
    return (words >= 4 and len(title) >= 20) or (words <= 3 and sum("\u2e80" < char < "\uffef" for char in title) >= 8)


# What is said of them.


def _title(same: Sequence[_Pick]) -> str:
    """The first words that any of the links to one address has; else what stands for words."""
    return next(filter(None, map(_worded, same)), "") or next(filter(None, map(_spoken, same)), "")


def _worded(pick: _Pick) -> str:
    """The heading in the link, what was picked inside it, the one heading of what holds it, or all of its text."""
    heads = list(islice(pick.link.iter(*_HEADS), 1))
    if not heads and pick.spot is not pick.link:
        inside = any(one is pick.link for one in pick.spot.iterancestors("a"))
        heads = [pick.spot] if inside else list(islice(pick.spot.iter(*_HEADS), 2))
    return (_text(heads[0]) if len(heads) == 1 else "") or _text(pick.link)


def _spoken(pick: _Pick) -> str:
    said = [pick.link.get("aria-label"), pick.link.get("title"), *(image.get("alt") for image in pick.link.iter("img"))]
    return next(filter(None, map(_line, said)), "")


def _text(element: Any) -> str:
    return _line(" ".join(islice(element.itertext(), 200)))


def _line(text: str | None) -> str:
    return " ".join(clean((text or "")[: 20 * LONGEST]).split())[:LONGEST].rstrip()


def _boxes(picks: Iterable[_Pick]) -> dict[Any, set[str]]:
    """The addresses in what surrounds each link, a few steps up."""
    held: dict[Any, set[str]] = defaultdict(set)
    for pick in picks:
        for box in _around(pick.link):
            held[box].add(pick.address)
    return held


def _times(tree: Any) -> dict[Any, str]:
    """The first date in what surrounds each `time`, a few steps up."""
    found: dict[Any, str] = {}
    for time in tree.iter("time"):
        for box in _around(time) if time.get("datetime") else ():
            found.setdefault(box, time.get("datetime"))
    return found


def _around(element: Any) -> list[Any]:
    """The element and what surrounds it, a few steps up and not beyond its card."""
    found = [element]
    for box in islice(element.iterancestors(), _CLIMB):
        found.append(box)
        if box.tag in _CARDS:
            break
    return found


def _dated(pick: _Pick, boxes: dict[Any, set[str]], times: dict[Any, str]) -> dates.Stated:
    """The date in the smallest box around the link; one that another article's link is in, too, may be of that."""
    for box in _around(pick.link):
        if len(boxes[box]) > 1:
            break
        if box in times:
            return dates.read(times[box])
    return dates.ABSENT
