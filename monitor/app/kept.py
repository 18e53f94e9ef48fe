"""What a monitor has kept, for looking at beside it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.stores import open_store
from monitor.stores.sqlite import is_held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.config import Config
    from monitor.ports import Store


@asynccontextmanager
async def open_kept(config: Config) -> AsyncIterator[Store]:
    """The store as it is, for reading beside a running monitor. Raises StoreError where there is none yet."""
    if not _path(config.store).exists():
        raise StoreError(f"{config.store} is not there yet: 'monitor run' makes it")
    store = await open_store(config.store)
    try:
        yield store
    finally:
        await store.close()


def _path(store: str) -> Path:
    return Path(store.removeprefix("sqlite:").removeprefix("//"))


def is_running(config: Config) -> bool:
    """Whether a monitor has the store open."""
    return is_held(_path(config.store))
