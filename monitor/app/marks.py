"""What `monitor alerts wrong` and `monitor missed` do: an article becomes an example in a test file beside the rule."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.app import receivers, written
from monitor.app.book import Book, now
from monitor.app.shelf import read_file
from monitor.errors import ConfigError, FetchFailed, Unreadable
from monitor.model import Fresh
from monitor.sources.page import PageFiller
from monitor.sources.replay import content
from rules import Article, Rule, emit
from rules.spec import Notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app.replay import Rehearsal
    from monitor.config import Config

MOST = 1_000
"""Test files of one rule file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Where the example is: written now, or there already."""

    file: Path
    line: int
    entry: str = ""
    """What was written; empty where it was there."""


def find_rule(book: Book, id: str) -> Rule:
    """The rule of this id. Raises ConfigError."""
    if id not in book.rules:
        raise ConfigError(f"{book.main} has no rule '{id}'; it has {', '.join(sorted(book.rules)) or 'none'}")
    return book.rules[id]


def mark(book: Book, rule: Rule, article: Article, *, match: bool, name: str) -> Marked:
    """Adds an example to a test file beside the rule's file, which it makes where there is none. Once is enough.

    Raises ConfigError where the opposite is written already, or a file cannot be added to; Invalid where a file is broken.
    """
    for file in _files(Path(rule.file)):
        if (there := _there(file, rule, article, match=match)) is not None:
            return there
    entry = emit.entry(article, rule=rule.id, match=match, name=name)
    for file in _files(Path(rule.file), spare=True):
        with suppress(emit.Full):
            written.whole(file, _written(file, entry, os.path.relpath(book.main, file.parent)))
            found = _there(file, rule, article, match=match)
            return Marked(file=file, line=found.line if found else 1, entry="\n".join(entry))
    raise ConfigError(
        f"the article is too long for a test file: save it to a file of its own, and name that with file: in {file}"
    )


def _files(rules: Path, *, spare: bool = False) -> Iterator[Path]:
    """The test files that are written to: rules_test.yaml, and when that is full, rules_2_test.yaml; the first unused, if wanted."""
    for number in range(1, MOST):
        path = rules.with_name(f"{rules.stem}{f'_{number}' if number > 1 else ''}_test.yaml")
        if path.exists() or spare:
            yield path
        if not path.exists():
            return


def _there(file: Path, rule: Rule, article: Article, *, match: bool) -> Marked | None:
    """The example, where it is written already."""
    notes = Notes()
    root = read_file(file, notes) if file.read_bytes().strip() else None
    notes.settle()
    found = emit.find(root, article, rule.id) if root is not None else None
    if found is None:
        return None
    skip = found.get("skip")
    if (skip is not None and skip.value is True) is match:
        opposite = "must skip" if match else "must match"
        raise ConfigError(f"{file}:{found.line}: says already that {rule.id} {opposite} this article: take that out first")
    return Marked(file=file, line=found.line)


def _written(file: Path, entry: list[str], rules: str) -> str:
    """The text of a test file with the entry. Raises ConfigError where what is there leaves no place for it."""
    existing = file.read_bytes().decode() if file.exists() else ""
    try:
        return emit.add(existing if existing.strip() else emit.start(Path(rules).as_posix()), entry)
    except emit.Full:
        raise
    except ValueError as error:
        said = "\n".join(entry)
        raise ConfigError(f"{file} cannot be added to: {error}. Put this under its tests:\n\n{said}\n") from error


# Articles that were missed


async def fetch(config: Config, rehearsal: Rehearsal, url: str) -> Article:
    """The article on a web page, fetched and read as the monitor does it. Raises FetchFailed."""
    async with receivers.open_egress(config) as egress:
        # Somebody asked for this very page, so its robots.txt is not: those are for machines that go by themselves.
        work, wanted = rehearsal.workers, {"": "always"}
        filler = PageFiller(get=egress.get, read=work.read_page, extract=work.extract, clock=now, wanted=wanted)
        article = (await filler.fill(Fresh(article=Article(id=url, url=url), first_seen=now()))).article
    if not article.body:
        raise FetchFailed(f"{url}: no text on the page")
    return article


async def read(rehearsal: Rehearsal, path: Path, id: str | None) -> Article:
    """The article in a saved file; `id` says which where it holds several. Raises ConfigError or Unreadable."""
    try:
        saved = await rehearsal.parse(content(path), path.name)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from error
    found = [one for one in saved.articles if id in (None, one.id)]
    if len(found) != 1:
        ids = ", ".join(one.id for one in (found or saved.articles)[:10])
        raise ConfigError(f"{path} holds {len(saved.articles)} articles: say which with --article ID ({ids})")
    return replace(found[0], digest="")
