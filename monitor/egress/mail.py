"""Hands a letter to a mail server: guarded at the socket, encrypted unless the operator says otherwise, never longer than its deadline."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from monitor.egress.troubles import undelivered
from monitor.errors import DeliveryFailed
from monitor.spoken import clean
from monitor.wire import Mailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiohttp.abc import AbstractResolver, ResolveResult

    from monitor.addresses import Guard

CONNECT = 5.0
"""Seconds for a connection to one address."""

EXCERPT = 500
"""Characters of an answer that are kept."""

_WORK = 0.9  # of the deadline; what is left is for taking leave, which must not spoil what was delivered
_LATER = frozenset({421, 450, 451, 452})
_LEAVING = 421
_MASK = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail. `tls`: "starttls" (encrypted after a first word), "tls" (from the first byte on) or "none"."""

    host: str
    port: int
    tls: str = "starttls"
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a relay is reached: who allows its address, who is asked for it, whom TLS trusts."""

    guard: Guard
    lookups: AbstractResolver
    tls: ssl.SSLContext


async def hand_over(  # noqa: PLR0913 - a letter has all of these
    relay: Relay, way: Way, sender: str, recipients: Sequence[str], letter: bytes, *, deadline: float, together: bool = False
) -> Mailed:
    """What the server said, and whom it refused; it took the letter for all others. Raises DeliveryFailed where for nobody.

    `together`: nobody gets it while the server will take it for one of them later. `deadline` (seconds) holds for the whole attempt.
    """
    client = SMTP(hostname=relay.host, timeout=None, start_tls=False, tls_context=way.tls, local_hostname=_domain(sender))
    line: socket.socket | None = None
    try:
        async with asyncio.timeout(_WORK * deadline):
            line = await _connected(relay, way)
            await _welcomed(client, relay, line)
            refused = await _announced(client, sender, recipients)
            waits = together and any(_later(one) for one in refused.values())
            answer = None if waits else await client.data(letter)
        await _take_leave(client, (1 - _WORK) * deadline)
    except (SMTPException, OSError) as error:
        raise _failure(error, relay, deadline) from error
    finally:
        _hang_up(client, line)
    told = {address: f"{one.code} {_shown(one.message, relay)}" for address, one in refused.items()}
    if answer is None:
        raise _not_yet(list(refused.values()), told, relay)
    return Mailed(status=answer.code, said=_shown(answer.message, relay), refused=told)


# To the server


async def _connected(relay: Relay, way: Way) -> socket.socket:
    """A connection to the first address that is allowed and answers; TLS still checks the name. Raises OSError."""
    failed = OSError("the name has no address")
    for found in await way.lookups.resolve(relay.host, relay.port, socket.AF_UNSPEC):
        try:
            # The port was set by the operator, for this server alone; nothing from outside has a say in it.
            way.guard.check(found["host"], relay.port, ports=frozenset({relay.port}))
            _discreet(relay, found["host"])
            return await _connection(found, relay.port)
        except OSError as error:
            failed = error
    raise failed


async def _connection(found: ResolveResult, port: int) -> socket.socket:
    made = socket.socket(found["family"], socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        async with asyncio.timeout(CONNECT):
            await asyncio.get_running_loop().sock_connect(made, (found["host"], port))
    except BaseException as error:
        made.close()
        if isinstance(error, TimeoutError):
            raise OSError("connecting took too long") from error  # a bare TimeoutError is taken for the whole attempt's
        raise
    return made


def _discreet(relay: Relay, host: str) -> None:
    """Raises DeliveryFailed where a password would leave the machine unencrypted."""
    if relay.tls == "none" and relay.user is not None and not _local(host):
        words = "a password is never sent over a line that is not encrypted: write tls: starttls under mail"
        raise DeliveryFailed(f"{relay.host}: {words}", kind="tls")


def _local(host: str) -> bool:
    return ip_address(host.partition("%")[0]).is_loopback


async def _welcomed(client: SMTP, relay: Relay, line: socket.socket) -> None:
    """A session, encrypted and logged in as the relay asks."""
    await client.connect(sock=line, port=None, use_tls=relay.tls == "tls")
    await client.ehlo()
    if relay.tls == "starttls":
        if not client.supports_extension("starttls"):  # or somebody between took the offer away
            raise DeliveryFailed(f"{relay.host}: it offers no encryption (STARTTLS), and nothing was sent", kind="tls")
        await client.starttls()
    if relay.user is not None:
        await client.login(relay.user, relay.password)


async def _announced(client: SMTP, sender: str, recipients: Sequence[str]) -> Mapping[str, SMTPRecipientRefused]:
    """Whom the server refuses; the letter would go to all others. Raises SMTPRecipientsRefused where there are none."""
    await client.mail(sender)
    refused: dict[str, SMTPRecipientRefused] = {}
    for address in recipients:
        try:
            await client.rcpt(address)
        except SMTPRecipientRefused as error:
            if error.code == _LEAVING:
                raise
            refused[address] = error
    if len(refused) == len(recipients):
        raise SMTPRecipientsRefused(list(refused.values()))
    return refused


async def _take_leave(client: SMTP, moment: float) -> None:
    """Says goodbye; the letter is delivered, whatever comes of that."""
    with suppress(SMTPException, OSError):  # TimeoutError is one
        async with asyncio.timeout(moment):
            await client.quit()


def _hang_up(client: SMTP, line: socket.socket | None) -> None:
    """Closes at once: a polite end of TLS would wait for an answer that may never come."""
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    client.close()


# What went wrong


def _failure(error: Exception, relay: Relay, deadline: float) -> DeliveryFailed:
    """The error as receivers have it: in our words, with the beginning of what the server said."""
    if isinstance(error, SMTPRecipientsRefused):
        return _nobody(error, relay)
    if isinstance(error, SMTPAuthenticationError):
        return _answered(error, relay, "it does not take user and password")
    if isinstance(error, SMTPResponseException):
        return _answered(error, relay, "it refused")
    if isinstance(error, OSError):
        return undelivered(error, relay.host, deadline)
    return DeliveryFailed(f"{relay.host}: it lets nobody log in", kind="http")  # or in no way that we know


def _nobody(error: SMTPRecipientsRefused, relay: Relay) -> DeliveryFailed:
    """It takes the letter for none; where it may take it later for one of them, that is what counts."""
    return _answered(_first(error.recipients), relay, "it takes the mail for no address")


def _not_yet(refused: Sequence[SMTPRecipientRefused], told: Mapping[str, str], relay: Relay) -> DeliveryFailed:
    """It will take the letter for some of them later; whom it said so of is in the excerpt."""
    failed = _answered(_first(refused), relay, "it does not take the mail for every address yet")
    failed.excerpt = clean("; ".join(f"not for {address}: {why}" for address, why in told.items()), EXCERPT)
    return failed


def _first(refused: Sequence[SMTPRecipientRefused]) -> SMTPRecipientRefused:
    """The refusal that counts: one that asks to wait before one that is for now, and that before one for good."""
    return min(refused, key=lambda one: (one.code not in _LATER, not _later(one)))


def _later(refused: SMTPRecipientRefused) -> bool:
    """Whether it may take it later (4xx)."""
    return refused.code // 100 == 4


def _answered(error: SMTPResponseException, relay: Relay, words: str) -> DeliveryFailed:
    known = 200 <= error.code < 600
    return DeliveryFailed(
        f"{relay.host}: {words} ({error.code})" if known else f"{relay.host}: its answer makes no sense",
        kind="asked-to-wait" if error.code in _LATER else "http",
        status=error.code if known else None,
        excerpt=_shown(error.message, relay),
    )


def _shown(said: str, relay: Relay) -> str:
    """The beginning of what the server said, in one line, without the password that it may echo."""
    for secret in _forms(relay):
        said = said.replace(secret, _MASK)
    return clean(said, EXCERPT)


def _forms(relay: Relay) -> Iterable[str]:
    """The password as it is, and as it goes over the line."""
    if relay.password:
        whole = f"\0{relay.user or ''}\0{relay.password}"
        yield from (b64encode(text.encode()).decode() for text in (whole, relay.password))
        yield from (relay.password, quote(relay.password, safe=""))


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
