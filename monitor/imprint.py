"""What a page says of itself: title, authors, dates, language and address, in JSON-LD, meta tags and microdata. Pure."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from trafilatura.metadata import extract_author, extract_title

from monitor import dates
from monitor.text import clean

if TYPE_CHECKING:
    from datetime import datetime

Meta = dict[str, list[str]]
Node = dict[str, Any]

_TITLES = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "title", "headline")
_AUTHORS = ("author", "article:author", "parsely-author", "sailthru.author", "byl", "dc.creator", "dcterms.creator")
_PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date", "pubdate", "dc.date.issued",
    "dcterms.created", "publish-date", "publishdate", "date.created",
)  # fmt: skip
_UPDATED = ("article:modified_time", "og:article:modified_time", "datemodified", "og:updated_time", "lastmod", "dcterms.modified")
_TEXTS = frozenset(("headline", "alternativeHeadline", "name", "description", "abstract", "articleBody", "reviewBody", "text"))
_NESTED = frozenset(("recipeInstructions", "step"))
_ABOUT_THE_TEXT = ("title", "headline", "description")
_MOST_NODES = 2_000
_MOST_SAID = 20
_MOST_DATES = 20
_LONGEST_URL = 2_048
_TIMED = re.compile(r"\d:\d\d|\dT\d\d|^\d{10,14}$")
_BY = re.compile(r"^(?:(?:written|words|reported|story|posted) )?(?:by|von|от|текст)\s*:?\s+", re.IGNORECASE)
_JOINED = re.compile(r"\s*[;,|/]\s*|\s+(?:and|und|и|&)\s+")
_NO_NAME = re.compile(r"https?:|www\.|[@<>{}()_]|\.(?:com|org|net)\b|\d{3}|^[a-z-]+$")
"""What is in no name of a person; small Latin letters throughout are a login or a placeholder."""
_AT_END = re.compile(r"\s*(?:[|*·•ㅣ–—]|-(?=\s|$))\s*|-(?=\S+[|ㅣ])")
_STRAIGHT = str.maketrans("’‘“”`\u00a0", "''\"\"' ")
_MOBILE = re.compile(r"^(?:www\d?|m|amp|mobile|wap)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """What a page says of itself, as far as it says it. `dating` is one of rules.article.DATINGS."""

    title: str = ""
    author: str | None = None
    language: str | None = None
    url: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    dating: str = "absent"


@dataclass(frozen=True, slots=True)
class Head:
    """The meta tags of a page by their names, and the objects of its JSON-LD."""

    meta: Meta = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def said(self, *names: str) -> list[str]:
        """What the meta tags of these names say, in the order of the names."""
        return [text for name in names for text in self.meta.get(name, ())]

    @property
    def articles(self) -> list[Node]:
        """The objects of JSON-LD that are articles; where no object says what it is, all of them."""
        found = [node for node in self.nodes if any(_is_article(kind) for kind in _each(node.get("@type")))]
        return found or [node for node in self.nodes if "@type" not in node]

    def texts(self) -> Iterator[str]:
        """Everything in it that could be the title or the text of the article."""
        yield from (text for name, said in self.meta.items() if any(one in name for one in _ABOUT_THE_TEXT) for text in said)
        yield from (text for node in self.nodes for key, value in node.items() if key in _TEXTS for text in _strings(value))
        yield from (text for node in self.nodes for key in _NESTED & node.keys() for text in _strings(node[key]))


def head(tree: Any) -> Head:
    """The head of a page. What cannot be read is left out."""
    found = Head()
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        text = meta.get("content")
        if name and text and len(said := found.meta.setdefault(name, [])) < _MOST_SAID:
            said.append(text)
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        found.nodes.extend(_nodes(script.text or ""))
    return found


def read(tree: Any, url: str, found: Head | None = None) -> Imprint:
    """What the page at `url` says of itself. Not to be asked once the text was taken out: what is not text is cut from the tree."""
    found = found or head(tree)
    published = _date(_stated(tree, found, "datePublished", _PUBLISHED))
    updated = _date(_stated(tree, found, "dateModified", _UPDATED))
    later = (
        published is None or updated is None or published.at is None or (updated.at is not None and updated.at >= published.at)
    )
    return Imprint(
        title=_title(tree, found),
        author=_author(tree, found),
        language=_language(tree, found),
        url=_address(tree, found, url),
        published=published.at if published else None,
        updated=updated.at if updated and later else None,
        dating=published.dating if published else "absent",
    )


def _nodes(script: str) -> list[Node]:
    """The objects of a JSON-LD script at any depth, 2,000 at most; none where it is no JSON."""
    try:
        waiting = deque([json.loads(script, strict=False)])
    except (ValueError, RecursionError):
        return []
    found: list[Node] = []
    while waiting and len(found) < _MOST_NODES:
        one = waiting.popleft()
        if isinstance(one, dict):
            found.append(one)
            waiting.extend(value for value in one.values() if isinstance(value, dict | list))
        elif isinstance(one, list):
            waiting.extend(value for value in one if isinstance(value, dict | list))
    return found


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _strings(value: Any) -> list[str]:
    return [one for one in _each(value) if isinstance(one, str)]


def _is_article(kind: Any) -> bool:
    return isinstance(kind, str) and (kind.endswith(("Article", "Posting")) or kind == "Report")


def _title(tree: Any, found: Head) -> str:
    """The headline, without the name of the site where the page says elsewhere what it is without it."""
    headlines = [text for node in found.articles for text in _strings(node.get("headline"))]
    told = [line for line in map(line_of, (*found.said(*_TITLES), *headlines)) if line]
    heading = line_of(extract_title(tree))
    if not told:
        return heading or ""
    return next((one for one in (*told, heading) if one and _is_more(told[0], one)), told[0])


def _is_more(title: str, bare: str) -> bool:
    """Whether a title is a bare one, whatever its quotation marks, and behind a stroke the name of its site."""
    same = title.translate(_STRAIGHT).startswith(bare.translate(_STRAIGHT))
    return same and len(bare) < len(title) and bool(_AT_END.match(title, len(bare)))


def _author(tree: Any, found: Head) -> str | None:
    signed = [one for node in found.articles for one in _each(node.get("author"))]
    persons = [name for one in signed if not _is_organization(one) for name in _names(one)]
    houses = [name for one in signed if _is_organization(one) for name in _names(one)]
    own = {name.casefold() for name in (*_cleaned(houses), *found.said("og:site_name"))}
    for names in _signatures(tree, found, persons):
        cleaned = [name for name in _cleaned(names) if name.casefold() not in own]
        if cleaned:
            return "; ".join(cleaned)[:300]
    return "; ".join(_cleaned([*houses, *persons, *found.said(*_AUTHORS)]))[:300] or None


def _signatures(tree: Any, found: Head, persons: list[str]) -> Iterator[list[str]]:
    """Where a page may be signed. The last place to look is dear: it takes as long as half of the rest of reading a page."""
    yield persons
    yield found.said(*_AUTHORS)
    yield [extract_author(tree) or ""]


def _is_organization(author: Any) -> bool:
    return isinstance(author, dict) and any("Organization" in kind for kind in _strings(author.get("@type")))


def _names(author: Any) -> list[str]:
    if isinstance(author, dict):
        return [name for one in _each(author.get("name")) for name in _strings(one)]
    return _strings(author)


def _cleaned(names: Iterable[str]) -> list[str]:
    """Names of persons, each once: without "By", and without addresses, handles and what else is no name."""
    parts = [part for name in names for part in _JOINED.split(_BY.sub("", line_of(name) or ""))]
    bare = [_BY.sub("", part).strip(" .,-–—") for part in parts]
    kept = {
        part.casefold().replace("-", " "): part for part in reversed(bare) if 1 < len(part) <= 80 and not _NO_NAME.search(part)
    }
    return list(reversed(kept.values()))[:20]


def _stated(tree: Any, found: Head, name: str, metas: tuple[str, ...]) -> Iterator[str]:
    """Every date that the page gives for this, the most trustworthy place first."""
    yield from (text for node in found.articles for text in _strings(node.get(name)))
    yield from (text for node in found.nodes for text in _strings(node.get(name)))
    yield from found.said(*metas)
    for one in tree.iterfind(f".//*[@itemprop='{name}']"):
        yield from filter(None, (one.get("datetime"), one.get("content")))
    if name == "datePublished":
        yield from (one.get("datetime") for one in tree.iterfind(".//time[@pubdate]") if one.get("datetime"))
        yield from [one.get("datetime") for one in tree.iterfind(".//article//time[@datetime]")][:1]


def _date(stated: Iterable[str]) -> dates.Stated | None:
    """The first that can be read, else the first of all. A day without a time of day says too little, and is not asked."""
    first = None
    for text in islice(stated, _MOST_DATES):
        if not _TIMED.search(text.strip()[:100]):
            continue
        read = dates.read(text.strip())
        if read.at is not None:
            return read
        first = first or read
    return first


def _language(tree: Any, found: Head) -> str | None:
    stated = [*tree.xpath("/html/@lang"), *found.said("og:locale")]
    words = (one.strip().lower().replace("_", "-").partition("-")[0] for one in stated)
    return next((word for word in words if word.isascii() and word.isalpha() and len(word) in (2, 3)), None)


def _address(tree: Any, found: Head, url: str) -> str | None:
    links = [one.get("href") for one in tree.iter("link") if "canonical" in (one.get("rel") or "").lower().split()]
    return next((own for one in (*links, *found.said("og:url")) if one and (own := _own(one.strip(), url))), None)


def _own(stated: str, url: str) -> str | None:
    """The address that a page gives for itself; None where that is on another site, or is the front page of its own.

    A page that names an article of another site, or all of whose site's pages name one, would make articles disappear as known.
    """
    try:
        full = urljoin(url, stated)
        here, there = urlsplit(url), urlsplit(full)
        port = there.port
    except ValueError:
        return None
    front = not there.path.strip("/") and not there.query
    if (
        len(full) > _LONGEST_URL
        or there.scheme not in ("http", "https")
        or "@" in there.netloc
        or port not in (None, here.port, 80, 443)
    ):
        return None
    if not full.isprintable() or " " in full or not _same_site(here.hostname or "", there.hostname or ""):
        return None
    return None if front and (here.path.strip("/") or here.query) else full.partition("#")[0]


def _same_site(one: str, other: str) -> bool:
    """Whether two hosts are one apart from www. and the like, or one lies under the other."""
    a, b = _MOBILE.sub("", one), _MOBILE.sub("", other)
    return bool(a and b) and (a == b or ("." in b and a.endswith("." + b)) or ("." in a and b.endswith("." + a)))


def line_of(text: str | None) -> str | None:
    """A text as one line, 1,000 characters at most; None where it holds nothing."""
    return " ".join(clean(text or "").split())[:1_000] or None
