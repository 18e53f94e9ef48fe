"""E-mail: a letter for each alert, in plain text and in HTML with the evidence marked, that mail programs sort by event and by rule.

The letter is written line by line, here: what comes from outside gets into a header only as one clean line, in an encoding that nothing
can break out of, and into HTML only escaped. Nothing is loaded from anywhere when it is read.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, encodebytes
from dataclasses import dataclass, field
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from quopri import encodestring
from typing import TYPE_CHECKING, Any

import structlog

from monitor import envelope, spoken
from monitor.model import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.model import Alert, Delivery
    from monitor.wire import Mailing

log = structlog.get_logger("monitor.sinks")

LIMIT = 100_000
"""Bytes that a letter may have; one whose HTML would take it beyond that is plain text."""

PATIENCE = 5
"""Attempts in which nobody gets a letter while the server will take it for one of the addresses later: some 12 minutes."""

_WORD = 39  # bytes of an encoded word, which must leave room for "Subject: " in 76 columns (RFC 2047)
_EVENTS = 5
_TAKEN = "not for"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSink:
    """People with e-mail. One letter goes to all `addresses`; where a server takes it for some of them, it is delivered.

    Only where it will take it for the others later they are waited for at first: nobody could be sent it later who was left out.
    """

    id: str
    addresses: tuple[str, ...]
    sender: str
    mail: Mailing = field(repr=False)
    at_once: int = 2

    def render(self, alert: Alert) -> bytes:
        """The whole letter."""
        return letter(alert, self.sender, self.addresses)

    async def send(self, delivery: Delivery) -> Receipt:
        """Hands the frozen letter over. Raises DeliveryFailed where it is taken for nobody, or for all of them later."""
        together = delivery.attempts <= PATIENCE and not delivery.probe  # a probe shows whether it takes anything
        answer = await self.mail(self.sender, self.addresses, delivery.body, together=together)
        if answer.refused:
            log.warning("addresses refused", sink=self.id, alert=delivery.alert, refused=dict(answer.refused))
        without = "".join(f"; {_TAKEN} {address}: {why}" for address, why in answer.refused.items())
        return Receipt(status=answer.status, excerpt=answer.said + without)


def letter(alert: Alert, sender: str, addresses: Sequence[str]) -> bytes:
    """The alert as a message of RFC 5322, ready to be sent: ASCII, lines that end as they must, at most LIMIT bytes."""
    data = json.loads(envelope.render(alert))["data"]  # what a webhook would get, cut to size
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(alert, data, sender, addresses))
    text = _part("plain", "\n".join(_lines(data)) + "\n")
    both = head + _alternatives(text, _part("html", _page(data)))
    return (both if len(both) <= LIMIT else head + text).encode("ascii")


# Its head


def _headers(alert: Alert, data: Mapping[str, Any], sender: str, addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    domain = sender.rpartition("@")[2]
    yield "From", sender
    yield "To", ",\r\n ".join(addresses)
    yield "Subject", _encoded(spoken.headline(data))
    yield "Date", format_datetime(alert.raised)
    yield "Message-ID", _name(alert.id, domain)
    events = list(dict.fromkeys(one.event for one in alert.sightings))[:_EVENTS]
    if events:  # each event is a letter that nobody ever got: all that answer it lie together
        yield "References", "\r\n ".join(_name(event, domain) for event in events)
        yield "In-Reply-To", _name(events[0], domain)
    yield "Auto-Submitted", "auto-generated"
    yield "List-Id", f"<{_slug(alert.rule)}.{domain}>"
    yield "X-Monitor-Alert", _encoded(spoken.clean(alert.id, 100))
    yield "X-Monitor-Rule", _encoded(spoken.clean(alert.rule, 100))
    yield "X-Monitor-Level", _encoded(spoken.clean(alert.level, 20))
    yield "MIME-Version", "1.0"


def _name(id: str, domain: str) -> str:
    """The id as a Message-ID; one that cannot stand there as it is goes by its digest."""
    plain = id if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", id) else sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<{plain}@{domain}>"


def _slug(rule: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", rule.lower())[:60].strip("-") or "alerts"


def _encoded(text: str) -> str:
    """Text for a header; as encoded words where it is not plain, or would be taken for one of those (RFC 2047)."""
    if text.isascii() and "=?" not in text:
        return text
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text))


def _words(text: str) -> Iterator[bytes]:
    """The text in pieces that each fit into an encoded word; no character is parted."""
    word = b""
    for char in text:
        data = char.encode()
        if len(word) + len(data) > _WORD:
            yield word
            word = b""
        word += data
    yield word


# Its body


def _alternatives(text: str, page: str) -> str:
    """Both parts; the last is the one that programs prefer. No body can hold the boundary: it is made of what they hold."""
    boundary = "=_" + sha256((text + page).encode()).hexdigest()[:40]
    return (
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n{text}\r\n--{boundary}\r\n{page}\r\n--{boundary}--\r\n"
    )


def _part(kind: str, text: str) -> str:
    """Text as a part of a letter, in whichever encoding it can still be read in, or takes less."""
    data = text.encode("utf-8", "replace")
    plain = 6 * sum(byte > 0x7F for byte in data) < len(data)
    name, body = ("quoted-printable", encodestring(data)) if plain else ("base64", encodebytes(data.replace(b"\n", b"\r\n")))
    lines = body.decode("ascii").replace("\n", "\r\n")
    return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {name}\r\n\r\n{lines}"


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    yield from spoken.lines(data)
    if data.get("truncated"):
        yield _MORE


def _page(data: Mapping[str, Any]) -> str:
    return "\n".join(
        (
            '<!doctype html>\n<html><head><meta charset="utf-8"></head>\n<body style="font-family: sans-serif; max-width: 45em">',
            *_top(data),
            *(f'<p dir="auto">{escape(line)}</p>' for line in spoken.notes(data)),
            *map(_quoted, spoken.passages(data)),
            *([f"<p>{_MORE}</p>"] if data.get("truncated") else []),
            f"<p><small>{escape(spoken.signed(data))}</small></p>",
            "</body></html>\n",
        )
    )


def _top(data: Mapping[str, Any]) -> Iterator[str]:
    """What it is, where it was read, and the way there."""
    yield f'<h3 dir="auto">{escape(spoken.headline(data))}</h3>'
    yield f"<p>{escape(spoken.origin(data))}</p>"
    link, title = spoken.link(data), spoken.clean(data["article"].get("title") or "", 300)
    if link:
        yield f'<p dir="auto"><a href="{escape(link)}" rel="noreferrer">{escape(title or link)}</a></p>'
    elif title:
        yield f'<p dir="auto">{escape(title)}</p>'


def _quoted(passage: spoken.Passage) -> str:
    """A sentence that proves it, its hits marked, and what was read off it."""
    said = "".join(f"<mark>{escape(text)}</mark>" if hit else escape(text) for text, hit in passage.pieces)
    facts = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in passage.facts)
    return f'<blockquote dir="auto">{said}</blockquote>' + (f"<table>{facts}</table>" if facts else "")


_MORE = "This is not all of it: there was too much for one message."
