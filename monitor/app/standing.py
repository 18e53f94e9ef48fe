"""What a running monitor says of its rules, beside its store, for `monitor status`: which are in force, or that they are stale."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from monitor.app import faults, kept, written
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from monitor.app.faults import Fault
    from monitor.config import Config

LARGEST = 256 * 1024
"""Bytes that are read of it."""
LONGEST = 1_000
"""Characters of one reason that are kept."""

log = structlog.get_logger("monitor.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The rules in force: how many, of which file, since when. `stale`: since when that file says something that cannot be used."""

    file: str
    rules: int
    since: datetime
    stale: datetime | None = None
    why: tuple[str, ...] = ()
    """What is wrong with it, the first problems."""
    faults: tuple[Fault, ...] = ()
    """Rules that broke on an article, the latest last."""


async def tell(config: Config, standing: Standing) -> None:
    """Writes it down, for whoever asks. What cannot be written is logged: the monitor watches on."""
    place = kept.beside(config, "rules")
    if place is None:
        return
    try:
        await asyncio.to_thread(written.whole, place, json.dumps(plain(standing), ensure_ascii=False) + "\n")
    except ConfigError as error:
        log.warning("state not written", error=str(error))


def standing(config: Config) -> Standing | None:
    """What the running monitor says; None: none runs, or it says nothing that can be read."""
    return _written(config) if kept.is_running(config) else None


def left_faulty(config: Config) -> tuple[Fault, ...]:
    """The faults that the monitor before us wrote down."""
    before = _written(config)
    return before.faults if before else ()


def _written(config: Config) -> Standing | None:
    place = kept.beside(config, "rules")
    if place is None:
        return None
    try:
        with place.open("rb") as file:
            return _read(json.loads(file.read(LARGEST)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def plain(one: Standing) -> dict[str, Any]:
    """It, for programs."""
    return {
        "file": one.file,
        "rules": one.rules,
        "since": one.since.isoformat(timespec="seconds"),
        "stale": one.stale.isoformat(timespec="seconds") if one.stale else None,
        "why": [reason[:LONGEST] for reason in one.why],
        "faults": faults.plain(one.faults),
    }


def _read(given: Any) -> Standing:
    return Standing(
        file=str(given["file"]),
        rules=int(given["rules"]),
        since=_time(given["since"]),
        stale=_time(given["stale"]) if given["stale"] else None,
        why=tuple(map(str, given["why"])),
        faults=faults.read(given.get("faults", ())),
    )


def _time(given: Any) -> datetime:
    return datetime.fromisoformat(given).astimezone(UTC)
