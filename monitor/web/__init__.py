"""What a running monitor answers over HTTP: whether it lives, whether it does its work, and in figures how it fares.

    async with serve(make_web(ready=…, metrics=…, token="…", hosts=()), "127.0.0.1", 8080): …

Everything is closed unless the table says otherwise (`door`), and nobody holds a connection without asking (`connections`).
A page or a call is one more line in the table.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from aiohttp import web

from monitor.web.connections import Limits, serve
from monitor.web.door import Door
from monitor.web.health import Expose, Readiness, Ready, alive, exposed, readiness

__all__ = ["Limits", "Readiness", "Route", "make_web", "routes", "serve"]

LARGEST = 64 * 1024
"""Bytes of a request's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table. `open`: it is answered without a token."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    open: bool = False


def routes(ready: Ready, metrics: Expose) -> tuple[Route, ...]:
    """All that there is."""
    return (
        Route(method="GET", path="/livez", handler=alive, open=True),
        Route(method="GET", path="/readyz", handler=readiness(ready), open=True),
        Route(method="GET", path="/metrics", handler=exposed(metrics)),
    )


def make_web(
    *,
    ready: Ready,
    metrics: Expose,
    token: str | None = None,
    hosts: Collection[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> web.Application:
    """The application. `token` opens what is closed, None: nothing is; `hosts` are names it is reached by, besides this machine's."""
    table = routes(ready, metrics)
    door = Door(token=token, hosts=hosts, public={one.handler for one in table if one.open}, clock=clock)
    app = web.Application(middlewares=[door.middleware], client_max_size=LARGEST)
    app.on_response_prepare.append(door.dress)
    for one in table:
        app.router.add_route(one.method, one.path, one.handler)
        if one.method == "GET":
            app.router.add_route("HEAD", one.path, one.handler)
    return app
