"""Processes that can be killed: a pool of them takes turns at tasks, each within a limit of seconds.

A thread cannot be stopped, a process can. Each worker serves one task at a time over a pipe; whoever overstays the deadline is
killed, and the next task starts another. Every worker has a thread of its own here, in which all the waiting is done, so that
the event loop never blocks and nothing has to poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from monitor.errors import MonitorError, Unreadable
from monitor.workers.child import Task, serve

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

T = TypeVar("T")

START = 60.0
"""Seconds that a worker may take to start, compiling the rules included."""
TASKS = 500
"""Tasks after which a worker makes room for a fresh one: libraries leak."""

_spawn = multiprocessing.get_context("spawn")  # a fork would copy our threads' locks, held


class Failed(MonitorError):
    """A task that was not finished: too slow, out of memory, crashed, or raised. It was the task's fault."""

    rule: str | None = None
    """The rule that it was at, where it said so."""


class Unavailable(MonitorError):
    """Workers that were stopped or cannot start: it was not the task's fault, and nothing is known about it."""


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
            process = _spawn.Process(target=serve, args=(theirs, self.setup, os.getpid()), daemon=True)
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
