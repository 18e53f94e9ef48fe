"""What commands on saved articles share: reading them with a bar on a terminal, and telling what was left out."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.app.replay import Rehearsal
    from monitor.sources.replay import Collected, Trouble

MANY = 50
"""Files or articles from which on a progress bar is worth its line."""


async def collect(rehearsal: Rehearsal, paths: Sequence[Path]) -> Collected:
    """The articles of these paths; told on stderr what was left out."""
    if not any(path.exists() for path in paths):
        raise click.UsageError(f"{', '.join(map(str, paths))}: not there")
    with _files() as read:
        collected = await rehearsal.collect(paths, read)
    for note in collected.notes:
        click.echo(f"note: {note}", err=True)
    for problem in collected.problems:
        click.echo(f"skipped: {problem.path}: {problem.reason.removeprefix('skipped: ')}", err=True)
    return collected


def skipped(collected: Collected, broken: Iterable[Trouble]) -> int:
    """How much was left out; told on stderr which articles could not be matched."""
    return len(collected.problems) + unmatched(broken)


def unmatched(broken: Iterable[Trouble]) -> int:
    """How many articles could not be matched; told on stderr which."""
    troubles = {trouble.path: trouble for trouble in broken}
    for trouble in troubles.values():
        click.echo(f"skipped: {trouble}", err=True)
    return len(troubles)


@contextlib.contextmanager
def matching(articles: int) -> Iterator[Callable[[int], None]]:
    """A bar for the articles, where they are many and somebody watches; told of how many more are done."""
    if articles <= MANY or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=articles, label="matching", file=sys.stderr) as bar:
        yield bar.update


@contextlib.contextmanager
def _files() -> Iterator[Callable[[int, int], None]]:
    """A bar for the files, from the first report on that says that they are many."""
    with contextlib.ExitStack() as stack:
        bars: list[Any] = []

        def read(_done: int, of: int) -> None:
            if not bars and of > MANY and sys.stderr.isatty():
                bars.append(stack.enter_context(click.progressbar(length=of, label="reading ", file=sys.stderr)))
            for bar in bars:
                bar.update(1)

        yield read
