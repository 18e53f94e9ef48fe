"""The rules in force, and their exchange for others when their files change while the monitor runs.

The files are looked at four times a second. What has changed and then lain still for a moment is read, checked and compiled beside the
event loop, and swapped in whole between two batches of articles. Where anything is wrong with it, the old rules stay in force,
the log says why, and so does `monitor status`; the next change is tried again.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from monitor.app import receivers
from monitor.app.book import Book, content, now, read_rules, told_to_all
from monitor.app.faults import Fault, noted, split
from monitor.app.standing import Standing, left_faulty, tell
from monitor.errors import ConfigError
from rules import Invalid, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from monitor.config import Config
    from monitor.ports import Clock, Fill
    from monitor.steps import Bench
    from monitor.workers import Shift, Workers
    from rules import Article

QUIET = 0.5
"""Seconds that the files lie still before they are read: an editor may write one in several goes, and save several one by one."""

FEW = 5
"""Problems of a bad set that are told."""

log = structlog.get_logger("monitor.app")

# When to read them

Stamp = tuple[tuple[str, tuple[int, int, int] | None], ...]
"""Of each file its time, size and inode, or that it is not there: what changes when it is written or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How the files looked when they were read last, and how they look since when, by a clock that only goes forward."""

    tried: Stamp = ()
    seen: Stamp = ()
    since: float = 0.0

    def looked(self, stamp: Stamp, at: float) -> Watch:
        """Having looked at them."""
        return self if stamp == self.seen else replace(self, seen=stamp, since=at)

    def ready(self, at: float) -> bool:
        """Whether they have changed, and lain still since."""
        return self.seen != self.tried and at - self.since >= QUIET


def stamped(names: Iterable[str]) -> Stamp:
    """How these files look now."""
    return tuple((name, _stamp(name)) for name in sorted(names))


def _stamp(name: str) -> tuple[int, int, int] | None:
    try:
        about = Path(name).stat()
    except (OSError, ValueError):
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


# Reading and exchanging them


@dataclass(slots=True, kw_only=True)
class InForce:
    """The rules in force: `book` as it was read, and the same in `workers`. `fill` makes the filler of pages that goes with them.

    `exchanged` is told of rules that have just come into force; `clock` counts seconds, `now` is the time of day.
    """

    config: Config
    book: Book
    workers: Workers
    fill: Callable[[Workers], Fill]
    exchanged: Callable[[Book], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    now: Clock = now
    asked: bool = False
    """Somebody wants them read now, whether they seem to have changed or not."""
    names: frozenset[str] = field(init=False)
    """The files that the last reading asked for, there or not."""
    watch: Watch = Watch()
    standing: Standing = field(init=False)
    mended: frozenset[str] = frozenset()
    """Articles that a rule broke on which is another now: they are to be examined again."""
    _untold: bool = False
    """Something was noted that is still to be written down."""
    _settings: bytes | None = field(init=False, default=None)
    _settings_stamp: Stamp = ()
    _settings_told: bool = False

    def __post_init__(self) -> None:
        self.names = frozenset(self.book.files)
        left, self.mended = split(left_faulty(self.config), self.book.rules)
        self.standing = Standing(file=self.book.main, rules=len(self.rules), since=self.now(), faults=left)

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules by id, as they are examined with."""
        return self.book.rules if self.config.receivers else told_to_all(self.book.rules)

    @contextmanager
    def turn(self, bench: Bench) -> Iterator[Bench]:
        """The bench with rules, workers and filler of one version, which stay for as long as this lasts."""
        with self.workers.present() as workers:
            yield replace(bench, match=workers.match, rules=self.rules, fill=self.fill(workers))

    def broke(self, article: Article, rule: str, reason: str) -> None:
        """Notes that a rule broke on an article, for `monitor status` and until the rule is mended."""
        log.error("rule broke", rule=rule, article=article.id, reason=reason)
        version = self.book.rules[rule].version if rule in self.book.rules else ""
        fault = Fault(rule=rule, version=version, article=article.id, reason=reason, at=self.now())
        self.standing = replace(self.standing, faults=noted(self.standing.faults, fault))
        self._untold = True

    async def look(self) -> None:
        """Looks at the files, and reads them where they have changed and lie still, or somebody asked for it."""
        if self._untold:
            self._untold = False
            await tell(self.config, self.standing)
        await self._look_at_settings()
        stamp, at = await asyncio.to_thread(stamped, self.names), self.clock()
        self.watch = self.watch.looked(stamp, at)
        if self.asked or self.watch.ready(at):
            asked, self.asked = self.asked, False
            await self.take(stamp, asked=asked)

    async def take(self, stamp: Stamp, *, asked: bool = False) -> None:
        """Reads the files, which looked like this a moment ago, and puts what they say in force, or says why not."""
        names: set[str] = set()
        known = not asked and set(self.watch.tried) <= set(
            stamp
        )  # nothing was written: it is read again for a file that is new to us
        try:
            book = await asyncio.to_thread(self._read, names)
            if book.files == self.book.files:
                await self._mended(asked=asked)
            elif not await self._exchange(book):
                return  # they were written meanwhile: they are read again once they lie still
        except (Invalid, ConfigError) as error:
            await self._refused(reasons(error), known=known)
        except Exception as error:  # whatever it was, it is the new rules' fault, and not to be tried again until they change
            log.exception("rules broke")
            await self._refused([f"reading them raised {type(error).__name__}: {error}"], known=known)
        # A file that was asked for the first time has not been looked at before it was read: the next look reads it once more.
        self.names = frozenset(names)
        self.watch = replace(self.watch, tried=tuple(one for one in stamp if one[0] in names))

    def _read(self, names: set[str]) -> Book:
        def reader(name: str) -> bytes:
            names.add(name)
            return content(name)

        return read_rules(Path(self.book.main), self.book.limits, reader)

    async def _exchange(self, book: Book) -> bool:
        """Puts the rules in force, unless their files have changed since. Raises ConfigError where they cannot be."""
        receivers.check(self.config, book)
        shift = await self.workers.prepare(book.files, book.main)
        try:
            again = await asyncio.to_thread(self._read, set())
        except (Invalid, ConfigError):
            again = None
        except BaseException:
            await shift.close()
            raise
        if again is None or again.files != book.files:
            await shift.close()
            return False
        old = self._swap(book, shift)
        log.info("rules exchanged", file=book.main, **difference(old.rules, book.rules), warnings=len(book.ruleset.warnings))
        left, mended = split(self.standing.faults, book.rules)
        self.mended |= mended
        self.standing = Standing(file=book.main, rules=len(book.rules), since=self.now(), faults=left)
        await tell(self.config, self.standing)
        return True

    def _swap(self, book: Book, shift: Shift) -> Book:
        """At once: no article is examined between the first line and the last."""
        old = self.book
        self.workers.swap(shift)
        self.book = book
        self.exchanged(book)
        return old

    async def _mended(self, *, asked: bool) -> None:
        """They say what is in force: they were touched, or a mistake was taken back."""
        if asked or self.standing.stale:
            log.info("rules as they were", file=self.book.main)
        self.standing = replace(self.standing, stale=None, why=())
        await tell(self.config, self.standing)

    async def _refused(self, problems: Sequence[str], *, known: bool) -> None:
        """Says what is wrong; once, however often the same is read."""
        why = tuple(problems[:FEW])
        if known and why == self.standing.why:
            return
        log.error("rules refused: the old ones stay in force", problem=why[0], problems=len(problems), next=why[1:])
        self.standing = replace(self.standing, stale=self.standing.stale or self.now(), why=why)
        await tell(self.config, self.standing)

    async def _look_at_settings(self) -> None:
        """The settings are not read again: says so once, where they are edited."""
        if self.config.file is None or self._settings_told:
            return
        stamp = await asyncio.to_thread(stamped, [str(self.config.file)])
        if stamp == self._settings_stamp:
            return
        self._settings_stamp = stamp
        written = await asyncio.to_thread(_settings, str(self.config.file))
        if self._settings is None:
            self._settings = written
        elif written is not None and written != self._settings:
            self._settings_told = True
            log.warning("settings edited: restart to take them up", file=str(self.config.file))


def reasons(error: Invalid | ConfigError) -> list[str]:
    """What is wrong, errors first, each in a line with file, line and column where it has them."""
    if isinstance(error, Invalid):
        return [str(one) for one in error.problems if one.severity == "error"] or [str(error)]
    return [str(error)]


def difference(old: Mapping[str, Rule], new: Mapping[str, Rule]) -> dict[str, list[str]]:
    """The ids of rules that are new, that mean something else now, and that are gone."""
    return {
        "new": [id for id in new if id not in old],
        "changed": [id for id, rule in new.items() if id in old and rule.version != old[id].version],
        "gone": [id for id in old if id not in new],
    }


def _settings(name: str) -> bytes | None:
    try:
        return content(name)
    except OSError:
        return None
