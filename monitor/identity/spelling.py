"""The one spelling of an address that is fetched, shown and kept."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign|custom\d|link_\w+)|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|igshid|igsh"
    r"|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|oly_enc_id|oly_anon_id|vero_id|wickedid|cmpid|ns_mchannel|ns_source|ns_campaign"
    r"|ftag|ocid|smid|smtyp|spm|xtor|guccounter|guce_referrer(?:_sig)?|__twitter_impression)\Z",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_AMP = re.compile(r"(?<=[^/])(?:/amp)+\Z|(?:\.amp)+(?=(?:\.html?)?\Z)")


def canonical(url: str) -> str:
    """The one spelling of an address: what only tracks readers, and what never changes the page, is gone.

    The order of the query stays, since some sites mean something by it. An address that is none comes back stripped.
    """
    try:
        parts = urlsplit(url.strip())
        host = _host(parts)
    except ValueError:
        return url.strip()
    if parts.scheme.lower() not in _PORTS or not host:
        return url.strip()
    return urlunsplit((parts.scheme.lower(), host, _path(parts.path), _query(parts.query), ""))


def _host(parts: SplitResult) -> str:
    host, port = (parts.hostname or "").rstrip("."), parts.port
    host = f"[{host}]" if ":" in host else host
    return host if port in (None, _PORTS.get(parts.scheme.lower())) else f"{host}:{port}"


def _path(path: str) -> str:
    """Without what can end it any number of times, and means nothing."""
    while (shorter := _AMP.sub("", path.rstrip().rstrip("/"))) != path:
        path = shorter
    return path or "/"


def _query(query: str) -> str:
    pairs = filter(None, map(str.strip, query.split("&")))
    return "&".join(pair for pair in pairs if not _TRACKING.match(pair.partition("=")[0]) and pair.lower() != "amp=1")
