"""Writes files that people wrote, too: all of it or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from monitor.errors import ConfigError


def whole(file: Path, text: str) -> None:
    """Puts the text into the file, which is not lost to a full disk, and keeps its mode. Raises ConfigError."""
    place = file.resolve()  # a link stays one
    spare = place.with_name(f".{place.name}.new")
    try:
        spare.write_bytes(text.encode())
        if place.exists():
            shutil.copymode(place, spare)
        spare.replace(place)
    except OSError as error:
        spare.unlink(missing_ok=True)
        raise ConfigError(f"{file}: {error.strerror or error}") from error
