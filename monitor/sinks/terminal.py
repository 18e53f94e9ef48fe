"""Alerts on standard output: for people on a terminal, one JSON line each in a pipe."""

from __future__ import annotations

import asyncio
import json
import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import UnsupportedOperation
from threading import Thread
from typing import TYPE_CHECKING, TextIO

from monitor import envelope, report
from monitor.errors import DeliveryFailed
from monitor.model import Receipt

if TYPE_CHECKING:
    from monitor.model import Alert, Delivery

LATE = 1_000
"""Alerts that are remembered as written when nobody waited for it any more."""


@dataclass(slots=True, eq=False)
class _Pen:
    """Writes in a thread of its own: a pipe that nobody reads holds up whoever writes, for ever maybe.

    No write begins before the one before it is over. All of this but `work` happens in the event loop's thread.
    """

    writing: bool = False
    late: deque[str] = field(default_factory=lambda: deque(maxlen=LATE))
    """Alerts that were written when the attempt was over already."""

    async def write(self, alert: str, work: Callable[[], None]) -> None:
        """Writes it, unless that was done late. Raises DeliveryFailed while it cannot, and what `work` raises."""
        if self.writing:
            raise DeliveryFailed("cannot write: nobody reads what was written before", kind="slow")
        if alert in self.late:
            self.late.remove(alert)
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def tell(error: Exception | None) -> None:
            self.writing = False
            if done.cancelled():
                self.late.extend([] if error else [alert])
            elif error:
                done.set_exception(error)
            else:
                done.set_result(None)

        # No pool: it would wait for its threads at the end of the process. One of these may be left where it is.
        Thread(
            target=_work, args=(work, lambda error: loop.call_soon_threadsafe(tell, error)), name="terminal", daemon=True
        ).start()
        self.writing = True
        await done


def _work(work: Callable[[], None], tell: Callable[[Exception | None], object]) -> None:
    """In the thread: does it, and tells the loop how it went, if that is still there."""
    failed: Exception | None = None
    try:
        work()
    except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for it
        failed = error
    with suppress(RuntimeError):
        tell(failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSink:
    """Writes to `out`; `style` is how people like it, None: the very envelope that a webhook sends."""

    id: str
    out: TextIO
    style: report.Style | None = None
    at_once: int = 1
    """One after the other: lines of two alerts must not mix, and people read them in order."""
    pen: _Pen = field(default_factory=_Pen, repr=False)

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
            await self.pen.write(delivery.alert, partial(_put, self.out, self._shown(delivery.body) + "\n"))
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            raise DeliveryFailed(f"cannot write: {error}", kind="unreachable") from error
        return Receipt()

    def _shown(self, body: bytes) -> str:
        if self.style is None:
            return body.decode("utf-8").rstrip("\n")
        return report.alert(json.loads(body)["data"], self.style)


def _put(out: TextIO, text: str) -> None:
    """Writes all of it before it returns.

    Past the buffer, where there is a file below: Python wants the buffer's lock when it ends, and dies of it if a write still holds it.
    """
    try:
        file = out.fileno()
    except UnsupportedOperation:
        out.write(text)
        out.flush()
        return
    data = memoryview(text.encode(out.encoding or "utf-8", out.errors or "strict"))
    while data:
        try:
            data = data[os.write(file, data) :]
        except BlockingIOError:  # somebody has made it so; wait as if nobody had
            select.select([], [file], [])
