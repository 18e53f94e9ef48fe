"""Where everything is kept: stores by the scheme of their URL."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from monitor.errors import ConfigError
from monitor.ports import Store
from monitor.stores import opening
from monitor.stores.memory import MemoryStore
from monitor.stores.sqlite import SqliteStore

Opener = Callable[[str, bool], Awaitable[Store]]
"""Opens a store by what follows the scheme; True: and refuses if another process has done so."""


async def _memory(_rest: str, _sole: bool) -> Store:  # noqa: FBT001 - an Opener
    return MemoryStore()


async def _sqlite(rest: str, sole: bool) -> Store:  # noqa: FBT001 - an Opener
    path = rest.removeprefix("//")
    if not path:
        raise ConfigError("store 'sqlite:' names no file: write it as sqlite:monitor.db")
    return await SqliteStore.open(Path(path), sole=sole)


STORES: Mapping[str, Opener] = {"memory": _memory, "sqlite": _sqlite}

ENGINES: Mapping[str, Callable[[], str]] = {"memory": lambda: "memory", "sqlite": opening.engine}
"""What each of them is made of, in words for the log."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(.*)", re.DOTALL)


async def open_store(url: str, *, sole: bool = False) -> Store:
    """The store at `memory:`, `sqlite:monitor.db`, `sqlite:///srv/monitor.db` or a bare path, which is a SQLite file.

    `sole`: for a process that must be the only one of its kind. Raises ConfigError for an unknown scheme, StoreError if
    it cannot be opened.
    """
    found = _SCHEME.fullmatch(url)
    if not found:
        return await _sqlite(url, sole)
    scheme, rest = found.groups()
    if scheme not in STORES:
        raise ConfigError(f"unknown store '{scheme}' in '{scheme}:…'; expected one of {', '.join(STORES)}, or the path of a file")
    return await STORES[scheme](rest, sole)


def engine(url: str) -> str:
    """What keeps the store at this address, and how it writes."""
    found = _SCHEME.fullmatch(url)
    return ENGINES[found[1] if found else "sqlite"]()
