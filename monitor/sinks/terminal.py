"""Alerts on standard output: for people on a terminal, one JSON line each in a pipe."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from monitor import envelope, report
from monitor.errors import DeliveryFailed
from monitor.model import Receipt

if TYPE_CHECKING:
    from monitor.model import Alert, Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSink:
    """Writes to `out`; `style` is how people like it, None: the very envelope that a webhook sends."""

    id: str
    out: TextIO
    style: report.Style | None = None
    at_once: int = 1
    """One after the other: lines of two alerts must not mix, and people read them in order."""

    @classmethod
    def to(cls, id: str, out: TextIO) -> TerminalSink:
        """In colour where `out` is a terminal, else JSON lines."""
        return cls(id=id, out=out, style=report.Style(colour=True) if out.isatty() else None)

    def render(self, alert: Alert) -> bytes:
        """The envelope."""
        return envelope.render(alert)

    async def send(self, delivery: Delivery) -> Receipt:
        """Writes one alert, whole. Raises DeliveryFailed where nobody reads any more."""
        try:
            self.out.write(self._shown(delivery.body) + "\n")
            self.out.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            raise DeliveryFailed(f"cannot write: {error}", kind="unreachable") from error
        return Receipt()

    def _shown(self, body: bytes) -> str:
        if self.style is None:
            return body.decode("utf-8").rstrip("\n")
        return report.alert(json.loads(body)["data"], self.style)
