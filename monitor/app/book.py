"""The rules in force, and the clock: what every wiring starts from."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rules
from monitor.errors import ConfigError
from rules import Limits, Rule, RuleSet
from rules.load import gather, parse_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


DEFAULT = Limits()


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def jitter() -> float:
    """Chance, from -1 to 1."""
    return random.uniform(-1, 1)  # noqa: S311 - spreads retries, protects nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The rules in force: their files as they were read, for the workers, and compiled, for us."""

    main: str
    files: Mapping[str, bytes] = field(repr=False)
    ruleset: RuleSet
    limits: Limits = field(default_factory=Limits)

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules by id."""
        return {rule.id: rule for rule in self.ruleset.rules}


def content(name: str) -> bytes:
    """The bytes of a rule file. Raises OSError."""
    return Path(name).read_bytes()


def read_rules(path: Path, limits: Limits = DEFAULT, reader: Callable[[str], bytes] = content) -> Book:
    """The rules in `path` and what it includes. Raises ConfigError where it cannot be read, Invalid with all problems."""
    files = _files(path, limits, reader)
    return Book(main=str(path), files=files, ruleset=rules.load(files, str(path), limits), limits=limits)


def read_draft(draft: Path, path: Path, limits: Limits = DEFAULT) -> Book:
    """The rules in `draft`, which may use the lists of those in `path`, if they are there. Raises as read_rules."""
    files = _files(draft, limits)
    lent, _ = gather(str(path), content, limits)
    ruleset = parse_files(files, str(draft), lent, limits).checked()
    return Book(main=str(draft), files=files, ruleset=ruleset, limits=limits)


def told_to_all(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Rules that name nobody: where there are no receivers, all alerts go to the terminal."""
    return {name: replace(rule, notify=None) for name, rule in rules.items()}


def _files(path: Path, limits: Limits, reader: Callable[[str], bytes] = content) -> dict[str, bytes]:
    try:
        reader(str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: name another with --rules, or write one: monitor init") from error
    return rules.bundle(str(path), reader, limits)
