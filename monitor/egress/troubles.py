"""What may be asked for, and what went wrong: in one plain line, without the URL, and as a kind (errors.TROUBLES)."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import httpcore
import httpx

from monitor.addresses import Blocked
from monitor.egress.lookups import NoAddress
from monitor.errors import DeliveryFailed, FetchFailed, Unreadable
from monitor.unpack import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yarl import URL

_LONGEST_URL = 4_096


class Unusable(ValueError):
    """An address that is not asked for, whatever machine it leads to."""


def usable(url: URL) -> URL:
    """The URL, if it may be asked for at all; which machine it leads to is for the guard to see. Raises Unusable."""
    if url.scheme not in ("http", "https") or not url.host:
        raise Unusable("not an http or https address")
    if url.user is not None or url.password is not None:
        raise Unusable("addresses with a user name or password are not used")
    if len(str(url)) > _LONGEST_URL:
        raise Unusable("the address is too long")
    return url


def sendable(url: str) -> httpx.URL:
    """As `usable`, by the parser that will make the connection: two parsers may differ on what the host is."""
    target = httpx.URL(url)
    if target.scheme not in ("http", "https") or not target.host:
        raise Unusable("neither http nor https")
    if target.userinfo:
        raise Unusable("it has a user name or password in it")
    if len(url) > _LONGEST_URL:
        raise Unusable("it is too long")
    return target


_OWN_WORDS: Sequence[tuple[type[Exception], str]] = (
    (TooLarge, "too-large"),
    (Unreadable, "unreadable"),
    (Blocked, "blocked"),
    (Unusable, "blocked"),
    (NoAddress, "unreachable"),
)
_WORDS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str, str]] = (
    (
        (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError),
        "tls", "the TLS certificate is not valid for this host",
    ),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "unreachable", "the host name was not found"),
    (
        (aiohttp.ServerTimeoutError, httpx.TimeoutException, httpcore.TimeoutException, TimeoutError),
        "slow", "connecting took too long",
    ),
    ((aiohttp.ClientSSLError, ssl.SSLError), "tls", "TLS failed"),
    (
        (aiohttp.ClientConnectorError, httpx.ConnectError, httpcore.ConnectError, ConnectionRefusedError),
        "unreachable", "cannot connect",
    ),
    ((aiohttp.InvalidURL, httpx.InvalidURL), "blocked", "not a usable address"),
    ((aiohttp.ClientResponseError, httpx.ProtocolError), "http", "the answer is not proper HTTP"),
    (ValueError, "blocked", "not a usable address"),
)  # fmt: skip


def fetch_failed(error: Exception, deadline: float) -> FetchFailed:
    """The error as sources know it."""
    kind, words = _trouble(error, deadline)
    return FetchFailed(words, kind=kind)


def undelivered(error: Exception, host: str, deadline: float) -> DeliveryFailed:
    """The error as receivers have it: it names the host alone."""
    kind, words = _trouble(error, deadline)
    return DeliveryFailed(f"{host}: {words}", kind=kind)


def _trouble(error: Exception, deadline: float) -> tuple[str, str]:
    if type(error) is TimeoutError:
        return "slow", f"timed out after {deadline:g} s"
    chain = list(_chain(error))
    for one in chain:
        for own, kind in _OWN_WORDS:
            if isinstance(one, own):
                return kind, str(one)
        if "blocked " in str(one) and isinstance(one, OSError):
            return "blocked", "blocked address"  # several addresses, each refused in its own words
    for kinds, kind, words in _WORDS:
        if any(isinstance(one, kinds) for one in chain):
            return kind, words
    return "unreachable", "the connection broke off"


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    """An error and what it was raised from, or while."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
