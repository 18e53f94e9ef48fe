"""A signed webhook, as https://www.standardwebhooks.com has it: any of its libraries can verify what we send."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor import envelope
from monitor.errors import ConfigError, DeliveryFailed, Refused
from monitor.wire import Post, Response, retry_after

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import Alert, Delivery
    from monitor.ports import Clock

_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """One receiver. Each of `secrets` signs (two during a rotation); neither they nor the URL show in the repr.

    Raises ConfigError where a secret cannot be used.
    """

    id: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    post: Post = field(repr=False)
    clock: Clock = field(repr=False)

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ConfigError(f"receiver {self.id}: no secret to sign with")
        for secret in self.secrets:
            key(secret, self.id)

    def render(self, alert: Alert) -> bytes:
        """The envelope."""
        return envelope.render(alert)

    async def send(self, delivery: Delivery) -> None:
        """Sends the frozen bytes, freshly signed. Raises DeliveryFailed unless the answer is 2xx, Refused on 410."""
        now = self.clock()
        answer = await self.post(self.url, body=delivery.body, headers=self._headers(delivery, now))
        if not 200 <= answer.status < 300:
            raise _failure(answer, now)

    def _headers(self, delivery: Delivery, now: datetime) -> dict[str, str]:
        at = int(now.timestamp())
        keys = [key(secret, self.id) for secret in self.secrets]
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery.alert,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(keys, delivery.alert, at, delivery.body),
        }


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


def _failure(answer: Response, now: datetime) -> DeliveryFailed:
    if answer.status == 410:
        return Refused("HTTP 410: the receiver is gone")
    if 300 <= answer.status < 400:
        return DeliveryFailed(f"HTTP {answer.status}: redirects are not followed")
    return DeliveryFailed(f"HTTP {answer.status}", wait=retry_after(answer, now))
