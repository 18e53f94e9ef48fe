"""What runs in a worker process: it prepares itself, says so, and answers one task after the other.

Nothing here keeps the time: whoever asks does, at the other end of the pipe, and kills the process. What a task raises is told in
words; what libraries say of hostile input is not told at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from monitor import pages
from monitor.errors import Unreadable
from rules import Article, Found

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
Task = Callable[..., T]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which rules are asked: `only` these, if any are named, and none of `besides`."""

    only: frozenset[str] | None = None
    besides: frozenset[str] = frozenset()

    def without(self, rules: Collection[str]) -> Asked:
        """The same, but for these."""
        return replace(self, besides=self.besides | frozenset(rules))


def serve(pipe: Connection, setup: Task[None], parent: int) -> None:
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


def compile_rules(load: Load, files: Mapping[str, bytes], main: str) -> None:
    """What a matching worker does first."""
    global _engine  # noqa: PLW0603 - a worker is one process with one rule set, which is too large to send with each task
    _engine = load(files, main)


def prepare(most: int, load: Load, files: Mapping[str, bytes], main: str) -> None:
    """A parsing worker compiles the rules only when a page is read: most parse feeds, or nothing but saved files."""
    global _rules  # noqa: PLW0603 - as below
    _limit_memory(most)
    _rules = load, files, main


def read_page(body: bytes, *, url: str, content_type: str, title: str, summary: str) -> pages.Page | None:
    """As pages.read, with the rules that this worker was prepared with."""
    if _engine is None and _rules is not None:
        compile_rules(*_rules)
    assert _engine is not None
    return pages.read(body, url=url, content_type=content_type, title=title, summary=summary, ruleset=_engine)


def match(articles: Sequence[Article], asked: Asked) -> list[Found | str]:
    """What these rules find in each article, or in words why nothing could be found."""
    return [_matched(article, asked) for article in articles]


def match_aloud(article: Article, asked: Asked) -> Found | str:
    """The same for one, saying before each rule which it is: should it never come back, that one did it."""
    return _matched(article, asked, _asking)


def _asking(rule: str) -> None:
    assert _pipe is not None
    _pipe.send(("asking", rule))


def _matched(article: Article, asked: Asked, asking: Callable[[str], None] | None = None) -> Found | str:
    """What was found, or in words why nothing could be."""
    assert _engine is not None
    try:
        return _engine.attempt(article, ended=True, only=asked.only, besides=asked.besides, asking=asking)
    except Exception as error:  # noqa: BLE001 - one article must not take the batch with it
        return f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def nothing() -> None:
    """A task to see whether a worker starts."""
