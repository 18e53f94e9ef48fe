"""The key under which the spellings of one page's address meet. Generous, since title or text have to be the same as well."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import idna

from monitor.identity.trackers import tracks

LONGEST = 4096
"""An address with more characters is its own key: no publisher writes one, and what follows stays cheap."""

_FRONTS = frozenset(("www", "m", "mobile", "amp"))
_SECOND_LEVEL = re.compile(r"(?:com?|org|net|gov|ac|edu|go|or|ne)\.[a-z]{2}\Z")
_WIKI = re.compile(r"(?<=[a-z])(?:\.m)+(?=\.wik[a-z]+\.org\Z)")
_INDEX = re.compile(r"(?:index\.(?:html?|php|shtml)|default\.(?:html?|aspx?))\Z", re.IGNORECASE)
_AMP_FILE = re.compile(r"(?<!\.amp)(?:\.amp)+(?=(?:\.html?)?\Z)")
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^;/]*", re.IGNORECASE)
_AND = re.compile(r"&(?:amp;)*")  # escaped once too often, as in many feeds
_CODE = re.compile(r"%(?:([0-9A-Fa-f]{2}))?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN = frozenset(_UNRESERVED | frozenset(b"!$&'()*+,;=:@/?%"))

_CACHES = re.compile(
    r"https?://(?:[\w-]+\.cdn\.ampproject\.org|[\w-]+\.bing-amp\.com|cdn\.ampproject\.org)/[cv]/(s/)?(?=[\w-]+\.\w)"
    r"|https?://(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?/amp/(s/)?(?=[\w-]+\.\w)",
    re.IGNORECASE,
)
# Doors of others that name the page behind them in a parameter. Where it is hidden in a code (news.google.com/rss/articles, t.co,
# feedproxy.google.com) the address is left as it is: only a request would tell.
_DOORS = re.compile(
    r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?/url|news\.google\.com/news/url|(?:www\.)?bing\.com/news/apiclick\.aspx"
    r"|lm?\.facebook\.com/l\.php|(?:www\.)?vk\.com/away\.php|(?:www\.)?youtube\.com/redirect",
    re.IGNORECASE,
)
_DEEPEST = 8
_BEHIND = ("url", "q", "u", "to")


def address(url: str) -> str:
    """The key under which the spellings of one page's address meet; never to be fetched. An address that is none comes back stripped.

    Scheme, the hosts www, m, mobile and amp, AMP's paths and caches, default ports, slashes, index pages, trackers and fragments do not
    count. The path's case, the order of the query, and everything in it that is not known to track readers do.
    """
    url = url.strip()
    if len(url) > LONGEST:
        return url
    try:
        for _ in range(_DEEPEST):  # a spelling may hide a door, and the page behind it has spellings of its own
            url, given = _key(_behind(url)), url
            if url == given:
                break
    except ValueError:
        pass  # it is no address: as far as it came
    return url


def _key(url: str) -> str:
    parts = urlsplit(url)
    host = _host(parts.hostname or "")
    if parts.scheme.lower() not in ("http", "https") or not host:
        return url
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    query = _query(host, parts.query)
    route = _spelled(parts.fragment) if parts.fragment.startswith(("!", "/")) else ""  # pages that a script makes
    return f"https://{host}{port}{_path(parts.path)}{query and '?'}{query}{route and '#'}{route}"


def _behind(url: str) -> str:
    """The page's own address behind the caches and doors of others."""
    while (inner := _opened(url)) and len(inner) < len(url):
        url = inner
    return url


def _opened(url: str) -> str:
    if cache := _CACHES.match(url):
        return f"http{'s' if cache[1] or cache[2] else ''}://{url[cache.end() :]}"
    parts = urlsplit(url)
    if not _DOORS.fullmatch(f"{parts.hostname}{parts.path}"):
        return ""
    given = dict(pair.partition("=")[::2] for pair in reversed(parts.query.split("&")))
    pages = (unquote(given[name]) for name in _BEHIND if name in given)
    return next((page.strip() for page in pages if page.lower().startswith(("http://", "https://"))), "")


def _host(name: str) -> str:
    name = _ascii(name.strip("."))
    if ":" in name:
        return f"[{name}]"
    labels = [label for label in _WIKI.sub("", name).split(".") if label]
    while len(labels) > 2 and labels[0] in _FRONTS and not _SECOND_LEVEL.fullmatch(".".join(labels[1:])):
        labels = labels[1:]
    return ".".join(labels)


def _ascii(name: str) -> str:
    """The name as DNS has it; one that DNS cannot have stays as it is."""
    if name.isascii():
        return name.lower()
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return _spelled(name).lower()


def _path(path: str) -> str:
    kept: list[str] = []
    for segment in _SESSION.sub("", _spelled(path)).split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(_shortened(_unamped(kept)))


def _unamped(path: list[str]) -> list[str]:
    """Without the segments "amp" that lead to an article: /amp/some/story, /news/amp/world-123."""
    kept: list[str] = []
    for segment in reversed(path):
        if not (segment == "amp" and kept and any(letter.isdigit() for letter in kept[-1])):
            kept.append(segment)
    while len(kept) > 1 and kept[-1] == "amp":
        kept.pop()
    return kept[::-1]


def _shortened(path: list[str]) -> list[str]:
    """Without an ending that says how the page is made: index.html, amp, .amp."""
    while path:
        last = _AMP_FILE.sub("", path[-1])
        if last == path[-1] and not _INDEX.match(last) and (last != "amp" or len(path) == 1):
            return path
        path = [*path[:-1], last] if last not in (path[-1], "") else path[:-1]
    return path


def _query(host: str, query: str) -> str:
    pairs = _AND.split(f"&{_spelled(query)}")
    return "&".join(pair for pair in pairs if pair and not tracks(host, pair))


def _spelled(text: str) -> str:
    """One spelling for percent-codes: none for what needs none, capitals in the others (RFC 3986, 6.2.2); a stray % is one itself."""
    plain = _CODE.sub(_decoded, text).encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in plain)


def _decoded(code: re.Match[str]) -> str:
    byte = int(code[1], 16) if code[1] else 0x25
    return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
