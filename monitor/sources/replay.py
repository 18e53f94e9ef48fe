"""Saved articles as a source: files and folders, read in a fixed order, with the clock of a replay.

The same paths give the same articles in the same order on any machine: neither the times of files nor the wall clock count.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.errors import Unreadable
from monitor.saved import READERS, Saved

if TYPE_CHECKING:
    from monitor.ports import Moment
    from rules import Article

LARGEST = 20 << 20
"""Bytes of one file that are read."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Parse = Callable[[bytes, str], Awaitable[Saved]]
"""The articles in a file's bytes, by its name; raises Unreadable. May do its work in another process."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to read: where it is, what messages call it, and the name that its articles' ids begin with."""

    path: Path
    shown: str
    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something about a file: why it, or a part of it, was left out, or what was understood otherwise than written."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The articles in input order, ids unique. `problems`: what was skipped; `notes`: what is worth knowing.

    `extras`: what JSON says of an article besides, such as labels, by id.
    """

    articles: tuple[Article, ...] = ()
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[Trouble, ...] = ()
    notes: tuple[Trouble, ...] = ()


async def collect(paths: Sequence[Path], parse: Parse, read: Callable[[int, int], None] | None = None) -> Collected:
    """Everything in these files and folders. `read` is told after each file how many of how many are done."""
    files, problems = walk(paths)
    articles: list[Article] = []
    extras: dict[str, Mapping[str, Any]] = {}
    notes: list[Trouble] = []
    taken: set[str] = set()
    for done, file in enumerate(files, 1):
        try:
            saved = await parse(content(file.path), file.name)
        except (Unreadable, OSError) as error:
            problems.append(Trouble(file.shown, _why(error)))
        else:
            problems += [Trouble(file.shown, problem) for problem in saved.problems]
            notes += [Trouble(file.shown, note) for note in saved.notes]
            named = list(_unique(saved, file, taken, notes))
            articles += named
            extras |= {
                final.id: saved.extras[own.id] for final, own in zip(named, saved.articles, strict=True) if own.id in saved.extras
            }
        if read:
            read(done, len(files))
    return Collected(articles=tuple(articles), extras=extras, problems=tuple(problems), notes=tuple(notes))


def moments(articles: Sequence[Article], now: datetime | None) -> Moment:
    """The clock of a replay: `now`, else an article's own date, else the newest date of the input, else the epoch."""
    newest = max((article.published for article in articles if article.published), default=EPOCH)
    return lambda article: now or article.published or newest


def in_order(articles: Sequence[Article], moment: Moment) -> list[Article]:
    """The articles as they would have come in: by the clock; of one moment, as given."""
    return sorted(articles, key=moment)


def walk(paths: Sequence[Path]) -> tuple[list[File], list[Trouble]]:
    """The files to read, each once, paths in the order given and folders sorted; and what is not read, and why."""
    files: dict[Path, File] = {}
    problems: list[Trouble] = []
    for path in paths:
        for file in _below(path, problems) if path.is_dir() else [File(path, str(path), path.name)]:
            why = _unfit(file.path, path)
            if why:
                problems.append(Trouble(file.shown, why))
            else:
                files.setdefault(file.path.resolve(), file)
    return list(files.values()), problems


def content(path: Path) -> bytes:
    """A file's bytes. Raises Unreadable where there are too many, OSError where it cannot be read."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"larger than {LARGEST >> 20} MiB")
    return data


def _below(folder: Path, problems: list[Trouble]) -> Iterator[File]:
    """The files in a folder and its folders, by their path; hidden ones are left alone, links to folders not followed."""
    found = []
    unread: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unread.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place) / name for name in names if not name.startswith(".")]
    problems += [Trouble(str(error.filename), _why(error)) for error in unread]
    for path in sorted(found, key=lambda path: path.relative_to(folder).parts):
        yield File(path, str(path), path.relative_to(folder).as_posix())


def _unfit(path: Path, root: Path) -> str | None:
    """Why a file is not read. A link that leads out of the folder it was found in is not followed."""
    if not path.exists():
        return "not there"
    if not path.is_file():
        return "not a file"
    if root.is_dir() and path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        return "a link that leads out of the folder"
    return None if path.suffix.lower() in READERS else f"skipped: not one of {', '.join(READERS)}"


def _why(error: Unreadable | OSError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _unique(saved: Saved, file: File, taken: set[str], notes: list[Trouble]) -> Iterator[Article]:
    """The file's articles, those with an id that another file has had under a spare one."""
    for article, spare in zip(saved.articles, saved.spare, strict=True):
        id = article.id
        if id in taken:
            id = next(one for one in _spares(file.name, spare) if one not in taken)
            notes.append(Trouble(file.shown, f"the id {article.id} is taken: called {id}"))
        taken.add(id)
        yield replace(article, id=id)


def _spares(name: str, spare: str) -> Iterator[str]:
    yield spare
    number = 2
    while True:
        yield f"{name}#{number}"
        number += 1
