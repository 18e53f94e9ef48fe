"""Worker processes for what hostile input could make slow, huge or crash: parsing, and matching with the compiled rules.

A thread cannot be stopped, a process can. Each worker serves one task at a time over a pipe; whoever overstays the deadline is
killed, and the next task starts another. Every worker has a thread of its own here, in which all the waiting is done, so that
the event loop never blocks and nothing has to poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import ctypes
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from monitor import feeds, pages
from monitor.errors import ConfigError, MonitorError, Unreadable
from monitor.model import Partly
from rules import Article, Found, Match

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

T = TypeVar("T")
Task = Callable[..., T]
Broken = Callable[[Article, str], None]
"""Told of an article that broke the engine, and how."""
Faulty = Callable[[Article, str, str], None]
"""Told of an article that a rule broke on, of the rule, and how."""

START = 60.0
"""Seconds that a worker may take to start, compiling the rules included."""
TASKS = 500
"""Tasks after which a worker makes room for a fresh one: libraries leak."""
STRIKES = 3
"""Articles that a rule may hang or crash on among the others; from then on it is asked apart from them."""
MOST_BROKEN = 5
"""Rules that may hang or crash on one article; after them it is given up."""

_spawn = multiprocessing.get_context("spawn")  # a fork would copy our threads' locks, held


class Engine(Protocol):
    """Compiled rules."""

    def attempt(
        self,
        article: Article,
        *,
        ended: bool = False,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
        asking: Callable[[str], None] | None = None,
    ) -> Found:
        """What they find in one article, and which of them broke; `ended`: also what it says is called off.

        `only` these are asked, none of `besides`; `asking` is told of each before.
        """
        ...

    def possible(self, *texts: str) -> bool:
        """Whether they could find anything in an article made of these texts."""
        ...


Load = Callable[[Mapping[str, bytes], str], Engine]
"""Compiles rules: files by name, and the name of the main one. A module's function, so that a worker can import it."""


class Failed(MonitorError):
    """A task that was not finished: too slow, out of memory, crashed, or raised. It was the task's fault."""

    rule: str | None = None
    """The rule that it was at, where it said so."""


class Unavailable(MonitorError):
    """Workers that were stopped or cannot start: it was not the task's fault, and nothing is known about it."""


@dataclass(slots=True, kw_only=True)
class Workers:
    """Two pools, each started when first asked for. `files` and `main` are handed to `load` in the matching workers.

    Limits are in seconds, `memory` in bytes for one parsing worker. `broken` is told where an article costs all its matches,
    `faulty` where it costs those of one rule.
    """

    load: Load
    files: Mapping[str, bytes] = field(repr=False)
    main: str
    broken: Broken = lambda _article, _reason: None
    faulty: Faulty = lambda _article, _rule, _reason: None
    parsers: int = 2
    matchers: int = 1
    parse_limit: float = 10.0
    match_limit: float = 5.0
    article_limit: float = 0.5
    apart_limit: float = 1.0
    memory: int = 1 << 30
    _parsing: Pool = field(init=False)
    _matching: Pool = field(init=False)
    _strikes: dict[str, set[str]] = field(init=False, default_factory=dict)
    """The articles that a rule hung or crashed on, by rule."""
    _retired: dict[asyncio.Task[None], tuple[Pool, ...]] = field(init=False, default_factory=dict)
    """Pools with rules of before that somebody still holds, by what waits to close them."""

    def __post_init__(self) -> None:
        self._parsing = self._parsing_pool(self.files, self.main)
        self._matching = self._matching_pool(self.files, self.main)

    def _parsing_pool(self, files: Mapping[str, bytes], main: str) -> Pool:
        return Pool(self.parsers, partial(_prepare, self.memory, self.load, dict(files), main))

    def _matching_pool(self, files: Mapping[str, bytes], main: str) -> Pool:
        return Pool(self.matchers, partial(_compile, self.load, dict(files), main))

    async def parse_feed(
        self, body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> feeds.Parsed:
        """As feeds.parse. Raises Unreadable, also where the parser was too slow or crashed."""
        return await self.parse(feeds.parse, body, source=source, url=url, headers=dict(headers), known=known)

    async def read_page(
        self, body: bytes, *, url: str, content_type: str = "", title: str = "", summary: str = ""
    ) -> pages.Page | None:
        """As pages.read, with the rules in force. Raises Unreadable, also where it was too slow or crashed."""
        return await self.parse(_read_page, body, url=url, content_type=content_type, title=title, summary=summary)

    async def extract(self, body: bytes, *, url: str, content_type: str = "") -> pages.Page:
        """As pages.extract: whatever is on the page. Raises Unreadable, also where it was too slow or crashed."""
        return await self.parse(pages.extract, body, url=url, content_type=content_type)

    async def parse(self, function: Task[T], *args: Any, **named: Any) -> T:
        """Runs a module's function in a parsing worker, within its limits. Raises Unreadable."""
        try:
            with self._parsing.held() as pool:
                return await pool.run(partial(function, *args, **named), self.parse_limit)
        except (Failed, Unavailable) as error:
            raise Unreadable(f"the parser {error}") from error

    async def match(self, articles: Sequence[Article]) -> list[list[Match] | None]:
        """The matches of each article, in order; Partly where a rule broke on it, None where the engine did, and that is told.

        Among them are those without a finding, where an article only says that something is called off.
        All of them are matched with one version of the rules. Raises Unavailable: then nothing was matched.
        """
        if not articles:
            return []
        apart = self._apart()
        with self._matching.held() as pool:
            results = await self._asked(
                pool, articles, _Asked(besides=apart), self.match_limit + self.article_limit * len(articles)
            )
            if apart:
                rest = await self._asked(pool, articles, _Asked(only=apart), self.apart_limit)
                results = [_together(one, other) for one, other in zip(results, rest, strict=True)]
        return [self._told(article, found) for article, found in zip(articles, results, strict=True)]

    def _apart(self) -> frozenset[str]:
        """The rules that have broken so often that they are asked apart from the others, and get less time."""
        return frozenset(rule for rule, articles in self._strikes.items() if len(articles) >= STRIKES)

    async def _asked(self, pool: Pool, articles: Sequence[Article], asked: _Asked, limit: float) -> list[Found | str]:
        """What these rules find in the articles. Where they do not all come through, each is taken by itself."""
        try:
            return await pool.run(partial(_match, tuple(articles), asked), limit)
        except Failed:
            one = limit if asked.only is not None else self.match_limit + self.article_limit
            return [await self._alone(pool, article, asked, one) for article in articles]

    async def _alone(self, pool: Pool, article: Article, asked: _Asked, limit: float) -> Found | str:
        """One article of a batch that failed: a rule that breaks on it is left out, so that only that one loses its match."""
        broken: dict[str, str] = {}
        while True:
            try:
                found = await pool.run(partial(_match_aloud, article, asked.without(broken)), limit)
            except Failed as error:
                if error.rule is None or error.rule in broken or len(broken) == MOST_BROKEN:
                    return str(error)
                broken[error.rule] = str(error)
                self._strike(error.rule, article)
            else:
                return found if isinstance(found, str) else replace(found, broken={**found.broken, **broken})

    def _strike(self, rule: str, article: Article) -> None:
        struck = self._strikes.setdefault(rule, set())
        if len(struck) < STRIKES:
            struck.add(article.id)

    def _told(self, article: Article, found: Found | str) -> list[Match] | None:
        if isinstance(found, str):
            self.broken(article, found)
            return None
        for rule, reason in found.broken.items():
            self.faulty(article, rule, reason)
        return Partly(found.matches) if found.broken else list(found.matches)

    @contextlib.contextmanager
    def present(self) -> Iterator[Workers]:
        """These workers as they are now: what is asked of them meanwhile is answered by the rules of now, whatever is swapped in."""
        with self._parsing.held(), self._matching.held():
            yield copy.copy(self)

    async def prepare(self, files: Mapping[str, bytes], main: str) -> Shift:
        """Pools with other rules, which are compiled in one of them. Raises ConfigError where they cannot be."""
        matching = self._matching_pool(files, main)
        try:
            await matching.run(_nothing, self.match_limit)
        except BaseException as error:
            await matching.close()
            if isinstance(error, (Failed, Unavailable)):
                raise ConfigError(f"the rules cannot be loaded: {error}") from error
            raise
        return Shift(files, main, self._parsing_pool(files, main), matching)

    def swap(self, shift: Shift) -> None:
        """Puts both pools in the place of those that are here, at once; what is under way ends with the old."""
        old = self._parsing, self._matching
        self._parsing, self._matching = shift.parsing, shift.matching
        self.files, self.main = shift.files, shift.main
        self._strikes = {}
        closing = asyncio.ensure_future(_close_gently(*old))
        self._retired[closing] = old
        closing.add_done_callback(self._retired.pop)

    async def reload(self, files: Mapping[str, bytes], main: str) -> None:
        """Swaps in new rules once they are compiled. Raises ConfigError and keeps the old."""
        self.swap(await self.prepare(files, main))

    async def close(self) -> None:
        """Kills every worker, at once."""
        retired = dict(self._retired)
        for closing in retired:
            closing.cancel()
        old = [pool for pools in retired.values() for pool in pools]
        await asyncio.gather(*(pool.close() for pool in (self._parsing, self._matching, *old)))


@dataclass(frozen=True, slots=True)
class Shift:
    """Both pools with one version of the rules, ready to be swapped in."""

    files: Mapping[str, bytes] = field(repr=False)
    main: str
    parsing: Pool
    matching: Pool

    async def close(self) -> None:
        """Kills their workers: for one that is not wanted after all."""
        await asyncio.gather(self.parsing.close(), self.matching.close())


async def _close_gently(*pools: Pool) -> None:
    await asyncio.gather(*(pool.close(gently=True) for pool in pools))


class Pool:
    """A fixed number of workers that take turns; each prepares itself with `setup`."""

    def __init__(self, size: int, setup: Task[None]) -> None:
        self._workers = [Worker(setup) for _ in range(size)]
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._holders = 0
        self._unheld = asyncio.Event()
        self._unheld.set()
        self._closed = False

    @contextlib.contextmanager
    def held(self) -> Iterator[Pool]:
        """Keeps it from being closed gently meanwhile."""
        self._holders += 1
        self._unheld.clear()
        try:
            yield self
        finally:
            self._holders -= 1
            if not self._holders:
                self._unheld.set()

    async def run(self, task: Task[T], limit: float) -> T:
        """What `task` returns. Raises Unreadable as the task did, Failed, or Unavailable."""
        worker = await self._idle.get()
        if self._closed:
            self._idle.put_nowait(worker)
            raise Unavailable("was stopped")
        running = asyncio.get_running_loop().run_in_executor(worker.thread, worker.run, task, limit)
        # A cancelled caller leaves the task to end by itself; until then the worker is not idle.
        running.add_done_callback(lambda _: self._idle.put_nowait(worker))
        return await asyncio.shield(running)

    async def close(self, *, gently: bool = False) -> None:
        """Kills the workers; `gently`: once nobody holds it."""
        if gently:
            await self._unheld.wait()
        if not self._closed:
            self._closed = True
            await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in self._workers))


class Worker:
    """One process, started when needed and again after it was killed. `run` is called in `thread` only."""

    def __init__(self, setup: Task[None]) -> None:
        self.setup = setup
        self.thread = ThreadPoolExecutor(1, "worker")
        self.process: SpawnProcess | None = None
        self.pipe: Connection | None = None
        self.served = 0
        self.stopped = False

    def run(self, task: Task[T], limit: float) -> T:
        """What `task` returns there. Raises Unreadable as the task did, Failed, or Unavailable."""
        pipe = self._ready()
        try:
            pipe.send(task)
            kind, value = self._answer(pipe, limit)
        except (Failed, ConnectionError) as error:
            self._end()
            if self.stopped:
                raise Unavailable("was stopped") from error
            raise error if isinstance(error, Failed) else Failed("crashed") from error
        self.served += 1
        if self.served >= TASKS:
            self._end()
        if kind == "done":
            result: T = value
            return result
        raise (Unreadable if kind == "unreadable" else Failed)(value)

    def _ready(self) -> Connection:
        if self.pipe is None or self.process is None or not self.process.is_alive():
            self._end()
            self.pipe = self._start()
        return self.pipe

    def _start(self) -> Connection:
        try:
            pipe, theirs = _spawn.Pipe()
            process = _spawn.Process(target=_serve, args=(theirs, self.setup, os.getpid()), daemon=True)
            process.start()
        except OSError as error:  # no more files or processes to be had
            raise Unavailable(f"cannot start: {error.strerror or error}") from error
        theirs.close()
        self.process, self.pipe, self.served = process, pipe, 0
        try:
            kind, value = self._answer(pipe, START) if not self.stopped else ("failed", "was stopped")
        except Failed as error:
            kind, value = "failed", str(error)
        if kind != "done":
            self._end()
            raise Unavailable("was stopped" if self.stopped else f"cannot start: {value}")
        return pipe

    def _answer(self, pipe: Connection, limit: float) -> tuple[str, Any]:
        """What it says in the end; a task that fails may have said before which rule it is at."""
        until, rule = time.monotonic() + limit, None
        try:
            while pipe.poll(max(0.0, until - time.monotonic())):
                kind, value = pipe.recv()
                if kind != "asking":
                    return kind, value
                rule = value
        except (EOFError, ConnectionError) as error:
            raise _at(rule, Failed("crashed")) from error
        raise _at(rule, Failed(f"gave up after {limit:g} s"))

    def _end(self) -> None:
        if self.process is not None and self.pipe is not None:
            self.process.kill()  # it ignores SIGTERM, which a service manager sends to the whole group
            self.process.join()
            self.process.close()
            self.pipe.close()
        self.process = self.pipe = None

    def stop(self) -> None:
        """Kills it, whatever it does, for good; returns when it is gone. Not from `thread`."""
        self.stopped = True  # seen by a start that is under way
        process = self.process
        if process is not None:
            with contextlib.suppress(ValueError):  # ended by `thread` in the meantime
                process.kill()
        self.thread.submit(self._end)
        self.thread.shutdown()


def _at(rule: str | None, error: Failed) -> Failed:
    error.rule = rule
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which rules are asked: `only` these, if any are named, and none of `besides`."""

    only: frozenset[str] | None = None
    besides: frozenset[str] = frozenset()

    def without(self, rules: Collection[str]) -> _Asked:
        return replace(self, besides=self.besides | frozenset(rules))


def _together(one: Found | str, other: Found | str) -> Found | str:
    """What some of the rules found, and the others."""
    if isinstance(one, str) or isinstance(other, str):
        return one if isinstance(one, str) else str(other)
    return Found((*one.matches, *other.matches), {**one.broken, **other.broken})


# In the worker.


def _serve(pipe: Connection, setup: Task[None], parent: int) -> None:
    """Prepares, says so, and then answers one task after the other for as long as somebody is there to ask."""
    global _pipe  # noqa: PLW0603 - as below
    _pipe = pipe
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # "read the rules again" is for the parent, too
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C and service managers mean the whole group;
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # when we go is for the parent to say
    _die_with(parent)
    _hush()
    pipe.send(_outcome(setup))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _reply(pipe, _outcome(pipe.recv()))


def _outcome(task: Task[Any]) -> tuple[str, Any]:
    try:
        return "done", task()
    except Unreadable as error:
        return "unreadable", str(error)
    except MemoryError:
        return "failed", "ran out of memory"
    except Exception as error:  # noqa: BLE001 - whatever it was must be told, not kill the worker
        return "failed", f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _reply(pipe: Connection, outcome: tuple[str, Any]) -> None:
    try:
        pipe.send(outcome)
    except (TypeError, AttributeError, ValueError) as error:  # it cannot be pickled
        pipe.send(("failed", f"returned something that cannot be sent: {error}"))
    except MemoryError:
        pipe.send(("failed", "ran out of memory"))


def _hush() -> None:
    """What libraries say of hostile input is of no use here, and would stand as bare text between our log lines."""
    logging.disable()
    warnings.simplefilter("ignore")


def _die_with(parent: int) -> None:
    """No worker outlives its parent, not even one that hangs in a library while the parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)
    else:
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    here = multiprocessing.parent_process()
    if here is not None:
        here.join()
        os._exit(1)


def _limit_memory(most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # an administrator's limit is lower, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


_pipe: Connection | None = None
_engine: Engine | None = None
_rules: tuple[Load, Mapping[str, bytes], str] | None = None


def _compile(load: Load, files: Mapping[str, bytes], main: str) -> None:
    global _engine  # noqa: PLW0603 - a worker is one process with one rule set, which is too large to send with each task
    _engine = load(files, main)


def _prepare(most: int, load: Load, files: Mapping[str, bytes], main: str) -> None:
    """A parsing worker compiles the rules only when a page is read: most parse feeds, or nothing but saved files."""
    global _rules  # noqa: PLW0603 - as below
    _limit_memory(most)
    _rules = load, files, main


def _read_page(body: bytes, *, url: str, content_type: str, title: str, summary: str) -> pages.Page | None:
    if _engine is None and _rules is not None:
        _compile(*_rules)
    assert _engine is not None
    return pages.read(body, url=url, content_type=content_type, title=title, summary=summary, ruleset=_engine)


def _match(articles: Sequence[Article], asked: _Asked) -> list[Found | str]:
    return [_matched(article, asked) for article in articles]


def _match_aloud(article: Article, asked: _Asked) -> Found | str:
    """The same for one, saying before each rule which it is: should it never come back, that one did it."""
    return _matched(article, asked, _asking)


def _asking(rule: str) -> None:
    assert _pipe is not None
    _pipe.send(("asking", rule))


def _matched(article: Article, asked: _Asked, asking: Callable[[str], None] | None = None) -> Found | str:
    """What was found, or in words why nothing could be."""
    assert _engine is not None
    try:
        return _engine.attempt(article, ended=True, only=asked.only, besides=asked.besides, asking=asking)
    except Exception as error:  # noqa: BLE001 - one article must not take the batch with it
        return f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _nothing() -> None:
    """A task to see whether a worker starts."""
