"""What the operator wrote: `monitor.yaml` and a few MONITOR_* variables, read once, into frozen values.

This is the only reader of the environment. All problems of the file are found at once, each with line and column.
Secrets are named in the file, never written there; they show in no repr and no message.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from monitor.config.reader import Environment, Reader, Secrets
from monitor.config.values import (
    CHANNELS,
    FORMS,
    FULL_TEXT,
    Allow,
    Config,
    Keep,
    Listen,
    Logging,
    Mail,
    Receiver,
    Secret,
    Signing,
    Watched,
)
from monitor.errors import ConfigError
from monitor.service import Supervisor
from rules import Limits
from rules.spec import Notes, read, unknown

__all__ = [
    "CHANNELS",
    "FORMS",
    "FULL_TEXT",
    "LIMITS",
    "Allow",
    "Config",
    "Environment",
    "Keep",
    "Listen",
    "Logging",
    "Mail",
    "Receiver",
    "Secret",
    "Signing",
    "Watched",
    "colours",
    "environment",
    "load",
    "logging",
    "parse",
    "supervisor",
]


LIMITS = Limits(bytes=1 << 24, values=1_000_000)
"""How much monitor.yaml may hold: 10,000 sources and more, with all that may be said of each."""


def environment() -> Environment:
    """The variables that this process was started with."""
    return os.environ


def colours(environment: Environment) -> bool:
    """Whether colour is welcome at all: https://no-color.org."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def supervisor(environment: Environment) -> Supervisor:
    """The service manager that started us, as it says. What it says wrongly is as good as nothing."""
    pid, waits = (environment.get(name, "") for name in ("WATCHDOG_PID", "WATCHDOG_USEC"))
    return Supervisor(
        address=environment.get("NOTIFY_SOCKET") or None,
        watchdog=int(waits) / 1e6 if _NUMBER.fullmatch(waits) else None,
        pid=int(pid) if _NUMBER.fullmatch(pid) else None,
    )


_NUMBER = re.compile(r"[0-9]{1,18}")


def logging(environment: Environment) -> Logging:
    """What MONITOR_LOG says: a style, a level, or both ("json,debug"). Raises ConfigError."""
    chosen = Logging()
    for word in re.split(r"[,\s]+", environment.get("MONITOR_LOG", "").strip().lower()):
        if word in ("console", "json"):
            chosen = replace(chosen, style=word)
        elif word in ("debug", "info", "warning", "error"):
            chosen = replace(chosen, level=word.upper())
        elif word:
            raise ConfigError("MONITOR_LOG: " + unknown("word", word, ("console", "json", "debug", "info", "warning", "error")))
    return chosen


def load(file: Path | None, environment: Environment) -> Config:
    """Reads `file`, else what MONITOR_CONFIG names, else monitor.yaml if there is one, else nothing but defaults.

    Raises Invalid with all problems of the file, or ConfigError where it was asked for and is not there.
    """
    named = file or (Path(environment["MONITOR_CONFIG"]) if environment.get("MONITOR_CONFIG") else None)
    path = named or Path("monitor.yaml")
    if named is None and not path.exists():
        return _overridden(Config(), environment)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: name another with --config, or write one: monitor init") from error
    return _overridden(parse(data, path, environment), environment)


def parse(data: bytes, path: Path, environment: Environment, now: datetime | None = None) -> Config:
    """The settings that `data`, found at `path`, holds. Raises Invalid with all problems. `now`, left out, is now."""
    notes = Notes(limits=LIMITS)
    spec = read(data, str(path), notes)
    config = Config(file=path)
    secrets = Secrets(path.parent, environment, now or datetime.now(UTC))
    if spec is not None and spec.value is not None:
        config = Reader(path.parent, secrets).config(spec, config)
    notes.settle()
    return replace(config, warnings=tuple(p for p in notes.problems if p.severity != "error"))


def _overridden(config: Config, environment: Environment) -> Config:
    if environment.get("MONITOR_STORE"):
        config = replace(config, store=environment["MONITOR_STORE"])
    if environment.get("MONITOR_RULES"):
        config = replace(config, rules=Path(environment["MONITOR_RULES"]))
    return config
