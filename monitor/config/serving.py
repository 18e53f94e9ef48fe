"""Reads which servers we use and are: the one that takes our e-mail, and the one that answers for health and metrics."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from monitor.config.places import address, host, loopback, text
from monitor.config.secret import Secrets, where
from monitor.config.values import TLS_PORTS, Listen, Mail, Secret
from rules import shape
from rules.conditions.base import Context
from rules.shape import Key, Kind, Shape
from rules.spec import Spec

TOKEN = 32
"""Characters that a token has at least."""

_PLACE = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[0-9A-Za-z.]{1,100}):([0-9]{1,5})\Z")


def mail(spec: Spec, secrets: Secrets) -> Mail:
    """`mail: {host: smtp.example.org, user: news, password: {env: MAIL_PASSWORD}, sender: monitor@example.org}`."""
    values = shape.fill(spec, _MAIL, _NOTHING)
    tls: str = values["tls"]
    found = Mail(
        host=values["host"],
        port=values["port"] or TLS_PORTS[tls],
        sender=values["sender"],
        tls=tls,
        user=values["user"],
        password=Secret(secrets.elsewhere(values["password"]) if values["password"] else ""),
    )
    _logs_in(spec, values)
    if tls == "none" and found.host and not loopback(found.host):
        _bare(spec, found)
    return found


def _logs_in(spec: Spec, values: dict[str, Any]) -> None:
    if values["user"] is None and values["password"] is not None:
        spec.wrong("a password, but no 'user': write who logs in, or take it away", key="password")
    if values["user"] is not None and values["password"] is None:
        spec.wrong("a user, but no 'password': write {env: NAME} or {file: PATH}, or take it away", key="user")


def _bare(spec: Spec, found: Mail) -> None:
    """A line to another machine that is not encrypted."""
    if found.user is not None:
        spec.wrong("a password is never sent over a line that is not encrypted: write tls: starttls, or tls: tls", key="tls")
    else:
        words = "what is sent to this mail server can be read and changed on its way: write tls: starttls, if it can"
        spec.wrong(words, key="tls", severity="warning")


def _user(spec: Spec) -> str:
    said = text(spec)
    if said is not None and not (said.isprintable() and 0 < len(said) < 256):
        spec.wrong("expected a user name: one line of printable text")
    return said or ""


# Where we answer


def listen(spec: Spec) -> Listen | None:
    """`listen: 127.0.0.1:8585`, or off."""
    said = text(spec)
    if said == "off":
        return None
    found = _PLACE.match(said or "")
    place = _own(found[1].strip("[]")) if found else ""
    if not found or not place or not 0 < int(found[2]) < 65_536:
        if said is not None:
            spec.wrong("expected an address and a port such as 127.0.0.1:8585 or [::1]:8585, or off")
        return Listen(explicit=True)
    return Listen(host=place, port=int(found[2]), explicit=True)


def _own(said: str) -> str:
    """An address of this machine: a name could lead anywhere."""
    try:
        return said if said == "localhost" else str(ipaddress.ip_address(said))
    except ValueError:
        return ""


def token(spec: Spec, secrets: Secrets) -> Secret:
    """What those who ask have to know."""
    found = secrets.elsewhere(spec)
    if found and (len(found) < TOKEN or not found.isascii() or not found.isprintable() or " " in found):
        secrets.missing(spec, f"what {where(spec)} holds is no token: {TOKEN} letters and digits at least, {_MAKE}")
    return Secret(found)


def guarded(spec: Spec, found: Listen | None, token: Secret | None) -> None:
    """Notes where others could ask without a token."""
    if found is not None and not loopback(found.host) and token is None:
        spec.wrong(
            f"whoever reaches {found.host} could read what is watched and how it is: listen on 127.0.0.1, or let them know a token "
            f"first, token: {{env: MONITOR_TOKEN}} ({_MAKE})"
        )


def names(spec: Spec) -> tuple[str, ...]:
    """Names of hosts, as the wire has them."""
    return tuple(found for one in spec.each() if (found := host(one)))


_MAKE = "make one with: head -c 32 /dev/urandom | base64"
_NOTHING = Context({})
_WHOLE = Kind(lambda spec, _: spec, {})

_MAIL: Shape = {
    "host": Key(Kind(lambda spec, _: host(spec), {}), "the server that takes our e-mail", "", required=True),
    "port": Key(shape.whole(1, 65_535), "its port; left out: 587, or what is usual for `tls`"),
    "tls": Key(shape.choice(TLS_PORTS), "how the line is encrypted", "starttls"),
    "user": Key(Kind(lambda spec, _: _user(spec), {}), "who logs in; left out: nobody"),
    "password": Key(_WHOLE, "{env: NAME} or {file: PATH}"),
    "sender": Key(Kind(lambda spec, _: address(spec), {}), "the address that it is from", "", required=True),
}
"""What may be said of the mail server."""
