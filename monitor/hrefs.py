"""Addresses as they stand in documents: pages, sitemaps and lists of feeds. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from monitor.text import clean

LONGEST = 2_000
"""Characters: no server takes a longer address, and no reader made one by hand."""
_PLAIN = re.compile(r"https?://[a-z0-9][a-z0-9.-]{0,250}/[A-Za-z0-9/._~%!$&'()*+,;=:@?-]{0,1600}")
"""What nothing has to be done about; taking an address apart and together again is slow, and sitemaps have 50,000."""
_BREAKS = re.compile("[\t\n\f\r\x85\u2028\u2029]+")
"""What browsers leave out of addresses, and what would make two lines of one in a log."""
_BARE = re.compile(rb"&(?!(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{0,31});)")


def absolute(href: str, base: str = "") -> str:
    """The whole address without its fragment, or nothing: only http and https lead to news, and nobody's password is used."""
    if _PLAIN.fullmatch(href):
        return href
    if not href.strip() or len(href) > LONGEST:
        return ""
    try:
        whole = urljoin(base, _BREAKS.sub("", clean(href)).strip())
        parts = urlsplit(whole)
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and (parts.port or 80)
    except ValueError:
        return ""
    return parts._replace(fragment="").geturl().strip() if usable else ""


def mended(data: bytes) -> bytes:
    """Markup in which a bare `&` is written as it should be: addresses have many, and what follows one would be lost.

    Left as it is where it is no matter (CDATA) or where bytes are not letters (UTF-16).
    """
    return data if b"<![CDATA[" in data or b"\0" in data else _BARE.sub(b"&amp;", data)


def feed(href: str, base: str = "") -> str:
    """As `absolute`, of a feed: some write a scheme of their own for those, `feed:https://…` or `feed://…`."""
    bare = href.strip()
    if bare[:5].lower() == "feed:":
        bare = f"http:{bare[5:]}" if bare[5:7] == "//" else bare[5:]
    return absolute(bare, base)


def host(address: str) -> str:
    """The site's name without "www.", in lower case; nothing where there is none."""
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return name.removeprefix("www.") or name


def same_site(one: str, other: str) -> bool:
    """Whether both addresses are of one site: the same host, or one below the other."""
    left, right = host(one), host(other)
    return bool(left and right) and (left == right or left.endswith("." + right) or right.endswith("." + left))
