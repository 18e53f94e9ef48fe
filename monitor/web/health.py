"""The three answers for machines: /livez, /readyz, /metrics."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the monitor does its work. `reasons` say why it does not; `warnings`, what is wrong though it does."""

    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Nothing keeps it from its work."""
        return not self.reasons


Ready = Callable[[], Awaitable[Readiness]]
Expose = Callable[[], Awaitable[tuple[bytes, str]]]
"""The figures, and their content type."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def alive(_: web.Request) -> web.StreamResponse:
    """That the event loop turns; it asks nobody."""
    return web.Response(text="alive\n")


def readiness(ready: Ready) -> Handler:
    """Answers 200, or 503 where the monitor does not do its work, and says why."""

    async def answer(_: web.Request) -> web.StreamResponse:
        found = await ready()
        said = {"ready": found.ready, "reasons": list(found.reasons), "warnings": list(found.warnings)}
        text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
        # A file name may hold a lone surrogate.
        body = text.encode("utf-8", "backslashreplace")
        return web.Response(status=200 if found.ready else 503, body=body, content_type="application/json", charset="utf-8")

    return answer


def exposed(metrics: Expose) -> Handler:
    """Answers with the figures."""

    async def answer(_: web.Request) -> web.StreamResponse:
        body, kind = await metrics()
        return web.Response(body=body, headers={"Content-Type": kind})

    return answer
