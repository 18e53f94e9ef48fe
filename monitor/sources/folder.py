"""A watched folder: saved articles are read as they are put there, and again when they change."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.arrivals import mark, remembered
from monitor.errors import FetchFailed, Unreadable
from monitor.model import Cursor, Fetched, Original
from monitor.saved import READERS, Saved
from monitor.sources.labels import Labels
from monitor.sources.replay import LARGEST

if TYPE_CHECKING:
    from monitor.ports import Clock
    from rules import Article

Parse = Callable[[bytes, str], Awaitable[Saved]]
"""The articles in a file's bytes, by its name; raises Unreadable. May do its work in another process."""

MOST = 10_000
"""Files that are watched, those changed last: a mark of each is kept."""
AT_ONCE = 200
"""Files that are read at one visit; the rest waits for the next one."""
BYTES_AT_ONCE = 100 << 20
HALF_WRITTEN = 2.0
"""Seconds: whoever changed a file so lately may still be writing it."""
_SEEN = 100_000
"""Names that are looked at, files and folders."""
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True)
class File:
    """A file that was found: its path from the folder on, where it is, and what changes when it does. `changed`: ns."""

    name: str
    path: Path
    size: int
    changed: int

    @property
    def mark(self) -> str:
        """By what it is known in this state."""
        return mark(f"{self.name}\0{self.size}\0{self.changed}")


@dataclass(slots=True)
class _Found:
    """What a look at the folder brought, and what is odd about it."""

    files: list[File] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What came of reading a file. `done`: there is no use in reading it again as it is."""

    file: File
    done: bool = True
    body: bytes = b""
    articles: tuple[Article, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """One folder, with those in it. Hidden files are left alone, links that lead out are not followed."""

    id: str
    folder: Path
    parse: Parse = field(repr=False)
    clock: Clock = field(repr=False)
    labels: Labels = field(default_factory=Labels)

    async def fetch(self, cursor: Cursor) -> Fetched:
        """The articles in files that are new or changed, those changed first first. Raises FetchFailed where there is no folder.

        A file that was changed within two seconds waits for the next visit. One that cannot be read is told of, and not read
        again before it changes.
        """
        now = self.clock()
        found = await asyncio.to_thread(look, self.folder)
        known = frozenset(cursor.get("known", "").split())
        due = [file for file in found.files if file.mark not in known and not _being_written(file, now)]
        turn = _turn(due)
        if not turn and not found.remarks:
            return Fetched(cursor=cursor, unchanged=True)
        if len(due) > len(turn):
            found.remarks.append(f"{len(due) - len(turn):,} more files wait for the next visit")
        read = [await self._read(file) for file in turn]
        marks = [one.file.mark for one in read if one.done] + [file.mark for file in found.files if file.mark in known]
        return Fetched(
            articles=tuple(article for one in read for article in one.articles),
            cursor={"known": " ".join(remembered(marks, (), MOST))},
            listed=len(found.files),
            original=_original(read[0], now) if len(read) == 1 else None,  # of several, it would prove what it does not say
            remarks=_few([*found.remarks, *(remark for one in read for remark in one.remarks)]),
        )

    async def _read(self, file: File) -> _Read:
        """The file's articles; what cannot be opened or is being changed is looked at again, what is no article is not."""
        body = b""
        try:
            body = await asyncio.to_thread(content, file)
            saved = await self.parse(body, file.name)
        except OSError as error:
            return _Read(file=file, done=False, remarks=(f"{file.name}: {error.strerror or error}",))
        except Unreadable as error:
            return _Read(file=file, body=body, remarks=(f"{file.name}: {error}",))
        named = tuple(self._named(article, file.name) for article in saved.articles)
        return _Read(file=file, body=body, articles=named, remarks=tuple(f"{file.name}: {one}" for one in saved.problems))

    def _named(self, article: Article, name: str) -> Article:
        """The article under an id that begins with its file: two files may use one id for two articles."""
        own = article.id if article.id == name or article.id.startswith(f"{name}#") else f"{name}#{article.id}"
        kept = own if len(own) <= _LONGEST_ID else f"{own[: _LONGEST_ID - 13]}~{mark(own)}"
        return self.labels.on(replace(article, id=f"{self.id}#{kept}", source=self.id))


def _being_written(file: File, now: datetime) -> bool:
    """Whether it was changed just now; a time in the future is that of another machine's clock, and no reason to wait."""
    return abs(now.timestamp() - file.changed / 1e9) < HALF_WRITTEN


def _turn(due: Iterable[File]) -> list[File]:
    """Those to read at this visit: changed first, first."""
    turn: list[File] = []
    size = 0
    for file in sorted(due, key=lambda one: (one.changed, one.name))[:AT_ONCE]:
        size += file.size
        if turn and size > BYTES_AT_ONCE:
            break
        turn.append(file)
    return turn


def _original(read: _Read, now: datetime) -> Original | None:
    return Original(url=read.file.path.absolute().as_uri(), at=now, body=read.body) if read.articles else None


def _few(remarks: Sequence[str]) -> tuple[str, ...]:
    """At most five: the rest is counted."""
    rest = len(remarks) - 5
    return (*remarks[:5], f"and {rest:,} more") if rest > 0 else tuple(remarks)


# The folder itself, in a thread: a file system may be slow.


def look(folder: Path) -> _Found:
    """The files to watch, those changed last where there are too many. Raises FetchFailed."""
    found = _Found()
    try:
        root = folder.resolve(strict=True)
        seen = sorted(_below(folder, root, found), key=lambda file: file.changed, reverse=True)
    except OSError as error:
        raise FetchFailed(f"the folder cannot be read: {error.strerror or error}", kind="unreachable") from error
    if len(seen) > MOST:
        found.remarks.append(f"more than {MOST:,} files: only those changed last are watched")
    found.files = seen[:MOST]
    return found


def _below(folder: Path, root: Path, found: _Found) -> Iterator[File]:
    """The files in the folder and its folders that can be read by their name, each once."""
    links: list[Path] = []
    real: set[Path] = set()
    for path in _names(folder, found):
        if path.is_symlink():
            links.append(path)
        elif file := _file(path, folder):
            real.add(path)
            yield file
    for path in links:
        target = path.resolve()
        if not target.is_relative_to(root):
            found.remarks.append(f"{path.relative_to(folder).as_posix()}: a link that leads out of the folder")
        elif folder / target.relative_to(root) not in real and (file := _file(path, folder)):
            yield file


def _names(folder: Path, found: _Found) -> Iterator[Path]:
    """Paths of what may be read. A folder that a link leads to is not entered: it may be the one that we are in."""
    looked_at = 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        for entry in _entries(here, found, top=here == folder):
            looked_at += 1
            if looked_at > _SEEN:
                found.remarks.append(f"more than {_SEEN:,} files and folders: some were not looked at")
                return
            if entry.is_dir(follow_symlinks=False):
                waiting.append(here / entry.name)
            elif Path(entry.name).suffix.lower() in READERS:
                yield here / entry.name


def _entries(folder: Path, found: _Found, *, top: bool) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        if top:
            raise
        found.remarks.append(f"{folder.name}: {error.strerror or error}")


def _file(path: Path, folder: Path) -> File | None:
    """What it looks like now; None for what is no file, or gone."""
    try:
        state = path.stat()
        name = path.relative_to(folder).as_posix()
        name.encode()
    except (OSError, UnicodeEncodeError):  # a name that is no text could not be stored
        return None
    return File(name, path, state.st_size, state.st_mtime_ns) if stat.S_ISREG(state.st_mode) else None


def content(file: File) -> bytes:
    """The file's bytes. Raises Unreadable where there are too many, OSError where it cannot be read or is not what it was."""
    if file.size > LARGEST:
        raise Unreadable(f"larger than {LARGEST >> 20} MiB")
    # Not blocking: what was a file may be a pipe by now, and opening that would wait for ever.
    with open(os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError("not a file any more")
        data = opened.read(LARGEST + 1)
        after = os.fstat(opened.fileno())
    if (after.st_size, after.st_mtime_ns) != (file.size, file.changed):
        raise OSError("it was changed while it was read")
    return data
