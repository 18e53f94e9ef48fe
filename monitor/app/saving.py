"""Backups of the store: made beside a running monitor, kept by number, and put back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.app import kept
from monitor.errors import ConfigError
from monitor.stores import backup

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.config import Config
    from monitor.stores.backup import Progress, Saved

WHEN = "%Y%m%dT%H%M%SZ"
"""How a time stands in the name of a file."""

_STAMP = r"-\d{8}T\d{6}Z"


def back_up(config: Config, path: Path, progress: Progress, *, force: bool = False) -> Saved:
    """A copy of the store at this path. Raises StoreError, or ConfigError where the store is no file."""
    return backup.back_up(_store(config), path, force=force, progress=progress)


def restore(config: Config, path: Path, at: datetime, progress: Progress) -> tuple[Saved, Path | None]:
    """Puts the backup at this path in the place of the store; says what is in it, and where the former store is kept now."""
    store = _store(config)
    aside = store.with_name(f"{store.name}.replaced-{at.strftime(WHEN)}")
    saved = backup.restore(path, store, aside, progress=progress)
    return saved, aside if aside.exists() else None


def dated(path: Path, at: datetime) -> Path:
    """The path with the time in its name: `news.db` as `news-20260701T120000Z.db`."""
    return path.with_name(f"{path.stem}-{at.strftime(WHEN)}{path.suffix}")


def thin_out(path: Path, keep: int) -> int:
    """Removes the oldest that bear this name and a time, but for so many; how many that were."""
    name = re.compile(re.escape(path.stem) + _STAMP + re.escape(path.suffix))
    ours = sorted(one for one in path.absolute().parent.iterdir() if name.fullmatch(one.name) and one.is_file())
    for one in ours[:-keep]:
        one.unlink()
    return len(ours[:-keep])


def _store(config: Config) -> Path:
    store = kept.file(config)
    if store is None:
        raise ConfigError(f"the store '{config.store}' is no file: there is nothing to copy")
    return store
