"""A signed webhook, as https://www.standardwebhooks.com has it: any of its libraries can verify what we send."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor import envelope
from monitor.errors import ConfigError, DeliveryFailed
from monitor.sinks.answers import Hearer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import Alert, Delivery, Receipt
    from monitor.ports import Clock
    from monitor.wire import Post

_PREFIX = "whsec_"
_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A secret, and the time from which it signs no more (None: never): the old one of a rotation has such a time."""

    secret: str = field(repr=False)
    until: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Whether it still signs."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """One receiver. Each of `secrets` that is live signs (two during a rotation); neither they nor the URL show in the repr.

    Raises ConfigError where a secret cannot be used.
    """

    id: str
    url: str = field(repr=False)
    secrets: tuple[Signing, ...] = field(repr=False)
    post: Post = field(repr=False)
    clock: Clock = field(repr=False)
    at_once: int = 8
    hearer: Hearer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ConfigError(f"receiver {self.id}: no secret to sign with")
        if len(self.secrets) > _MOST:
            raise ConfigError(f"receiver {self.id}: at most two secrets sign at a time, the new one and the old one")
        for one in self.secrets:
            key(one.secret, self.id)
        hearer = Hearer(url=self.url, secrets=tuple(one.secret for one in self.secrets))
        object.__setattr__(self, "hearer", hearer)

    def render(self, alert: Alert) -> bytes:
        """The envelope."""
        return envelope.render(alert)

    async def send(self, delivery: Delivery) -> Receipt:
        """Sends the frozen bytes, freshly signed. Raises DeliveryFailed unless the answer is 2xx, Refused on 410."""
        now = self.clock()
        answer = await self.post(self.url, body=delivery.body, headers=self._headers(delivery, now))
        return self.hearer.receipt(answer, now)

    def _headers(self, delivery: Delivery, now: datetime) -> dict[str, str]:
        at = int(now.timestamp())
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery.alert,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(self._keys(now), delivery.alert, at, delivery.body),
        }

    def _keys(self, now: datetime) -> list[bytes]:
        """Those that sign now. Nothing is ever sent unsigned."""
        if live := [key(one.secret, self.id) for one in self.secrets if one.live(now)]:
            return live
        ended = max(one.until for one in self.secrets if one.until)
        raise DeliveryFailed(
            f"no secret of receiver {self.id} signs any more (the last one ended {ended:%Y-%m-%d %H:%M} UTC): "
            "give it a new `secret` in the configuration, and the receiver the same one",
            kind="ours",
        )


def sign(keys: Sequence[bytes], id: str, at: int, body: bytes) -> str:
    """One `v1,` signature for each key, over exactly these bytes; `at` is in Unix seconds."""
    signed = b"%s.%d.%s" % (id.encode(), at, body)
    return " ".join("v1," + base64.b64encode(hmac.digest(one, signed, hashlib.sha256)).decode() for one in keys)


def key(secret: str, receiver: str) -> bytes:
    """The bytes that a secret stands for. Raises ConfigError, without the secret in it."""
    try:
        found = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(found) <= 64:
        raise ConfigError(f"receiver {receiver}: the secret must be whsec_ and base64 of 24 to 64 bytes")
    return found
