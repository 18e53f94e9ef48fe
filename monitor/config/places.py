"""Reads addresses: of the web, of machines, of people; and what things are called."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import idna

from rules.spec import Spec

_ID = re.compile(r"\w[\w.:/~-]{0,99}\Z")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?\Z")


def text(spec: Spec) -> str | None:
    """Text; None, with the reason noted, where it is none."""
    found = spec.string()
    return found if found or spec.value == "" else None


def url(spec: Spec) -> str:
    """An address, or nothing, with the reason noted."""
    found = text(spec)
    wrong = not_a_url(found or "")
    if wrong and found is not None:
        spec.wrong(wrong)
    return "" if wrong else found or ""


def not_a_url(url: str) -> str:
    """Why it cannot be asked or told; never quotes it."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "not a valid address"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or not url.isprintable() or " " in url:
        return "expected an address such as https://example.org/feed.xml"
    if "@" in parts.netloc:
        return "an address holds no user name or password: use 'headers' with {env: NAME}"
    return ""


def identifier(spec: Spec | None) -> str:
    """What a source or receiver is called; nothing where that is not said."""
    if spec is None:
        return ""
    if not _ID.match(spec.string()):
        spec.wrong("an id is 1 to 100 letters, digits and . - _ : / ~, and starts with a letter or digit")
    return spec.string()


def address(spec: Spec) -> str:
    """A bare e-mail address, its domain as the wire has it; nothing, with the reason noted, where it is none."""
    said = text(spec)
    local, _, domain = (said or "").partition("@")
    host = hostname(domain)
    if len(local) <= 64 and _LOCAL.match(local) and host and not host[-1].isdigit() and len(local) + len(host) < 254:
        return f"{local}@{host}"
    if said is not None:
        spec.wrong(
            "expected an e-mail address such as chief@example.org, without a name; before the @ only A-Z, 0-9 and . _ + - are safe"
        )
    return ""


def hostname(name: str) -> str:
    """A host's name in lower case, as the wire has it (münchen.example is xn--mnchen-3ya.example); nothing where it is none."""
    if len(name) > 253:
        return ""
    try:
        known = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""
    known = known.lower().removesuffix(".")
    return known if len(known) <= 253 and _NAME.match(known) else ""


def loopback(host: str) -> bool:
    """Whether it is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host(spec: Spec) -> str:
    """A host's name or address."""
    said = text(spec)
    try:
        return str(ipaddress.ip_address(said or ""))
    except ValueError:
        found = hostname(said or "")
    if not found and said is not None:
        spec.wrong("expected the name of a host such as smtp.example.org; the port is a setting of its own")
    return found
