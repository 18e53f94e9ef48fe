"""Finding the feed of a site, trying it, and writing it down in monitor.yaml: what `monitor feeds add` and `import` do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rules
from monitor import config as settings
from monitor import discovery
from monitor.app import receivers
from monitor.errors import ConfigError, FetchFailed, Unreadable
from monitor.sources.feed import ACCEPT
from monitor.workers import Workers
from rules import Invalid, emit

if TYPE_CHECKING:
    from monitor.config import Config, Watched
    from monitor.egress import Egress
    from monitor.opml import Outline
    from monitor.wire import Response
    from rules import Article

TRIES = 12
"""Addresses that are asked before we give up: each costs the site a request."""

_PAGE = ", text/html;q=0.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A feed that works: where it is, its site's name for it, and its articles, newest first where they are dated."""

    url: str
    title: str
    articles: tuple[Article, ...]
    language: str | None = None
    tried: tuple[str, ...] = ()
    """What was asked before, and why it was not it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A source as it is written into monitor.yaml: plain text by key, tags as a list."""

    id: str
    feed: str
    title: str = ""
    language: str | None = None
    kind: str | None = None
    tags: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Its lines, without indentation."""
        said = [("feed", self.feed), ("language", self.language), ("kind", self.kind)]
        lines = [f"- id: {emit.scalar(self.id)}" + (f"  # {_comment(self.title)}" if self.title else "")]
        lines += [f"  {key}: {emit.scalar(value)}" for key, value in said if value]
        return [*lines, f"  tags: [{', '.join(map(emit.scalar, self.tags))}]"] if self.tags else lines


async def find(config: Config, url: str) -> Found:
    """The feed at `url`, or the best of those that the page there leads to. Raises FetchFailed where none works."""
    workers = Workers(load=partial(rules.load), files={}, main="", parsers=1)
    try:
        async with receivers.open_egress(replace(config)) as egress:
            return await _found(egress, workers, url)
    finally:
        await workers.close()


async def _found(egress: Egress, workers: Workers, url: str) -> Found:
    answer = await _ask(egress, url, ACCEPT + _PAGE)
    try:
        return await _read(workers, answer, url)
    except Unreadable as error:
        tried = [f"{url}: {error}"]
    kind = answer.headers.get("content-type", "")
    candidates = await workers.parse(discovery.feeds, answer.body, answer.url, kind)
    for candidate in candidates[:TRIES]:
        try:
            found = await _read(workers, await _ask(egress, candidate.url, ACCEPT), candidate.url)
        except (FetchFailed, Unreadable) as error:
            tried.append(f"{candidate.url}: {error}")
        else:
            return replace(found, title=found.title or candidate.title, tried=tuple(tried))
    raise FetchFailed("\n  ".join((f"no feed found from {url}; asked:", *tried)), kind="unreadable")


async def _ask(egress: Egress, url: str, accept: str) -> Response:
    answer = await egress.get(url, headers={"Accept": accept})
    if answer.status != 200:
        raise FetchFailed(f"HTTP {answer.status}")
    return answer


async def _read(workers: Workers, answer: Response, url: str) -> Found:
    parsed = await workers.parse_feed(answer.body, source="", url=answer.url, headers=answer.headers)
    dated = sorted(parsed.articles, key=lambda one: (one.published is not None, one.published), reverse=True)
    language = next((one.language for one in parsed.articles if one.language), None)
    # Where it moved to for good is its address; where a site merely sends us today is not.
    return Found(url=answer.moved or url, title=parsed.title, articles=tuple(dated), language=language)


def entry(found: Found, taken: Iterable[str]) -> Entry:
    """The entry for a feed that was found; its id is made from its title."""
    return Entry(id=unused(found.title or found.url, taken), feed=found.url, title=found.title, language=found.language)


def entries(outlines: Sequence[Outline], config: Config) -> list[Entry]:
    """Entries for the feeds of an OPML file that are not watched yet; the folders that they lie in become tags."""
    watched, taken = {one.place for one in config.sources}, {one.id for one in config.sources}
    made = []
    for one in outlines:
        if one.url not in watched:
            name = unused(one.title or one.url, taken)
            taken.add(name)
            watched.add(one.url)
            made.append(Entry(id=name, feed=one.url, title=one.title, tags=tuple(map(slug, one.folders))))
    return made


def watched(config: Config, url: str) -> Watched | None:
    """The source that watches this address already."""
    return next((one for one in config.sources if one.place == url), None)


def write(file: Path, entries: Sequence[Entry], environment: settings.Environment) -> None:
    """Adds sources to monitor.yaml, which keeps all else, comments included; makes the file where there is none.

    Raises ConfigError where there is no place for them, and then nothing is written.
    """
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        for one in entries:
            text = emit.add(text or "sources:\n", one.lines(), under="sources")
        settings.parse(text.encode(), file, environment)
    except (ValueError, Invalid) as error:
        said = "\n".join(line for one in entries[:20] for line in one.lines())
        raise ConfigError(f"{file} cannot be added to: {error}. Put this under its sources:\n\n{said}\n") from error
    file.write_bytes(text.encode())


def unused(text: str, taken: Iterable[str]) -> str:
    """An id made from a title or address that no other source has."""
    name, others = slug(text), set(taken)
    return name if name not in others else next(new for n in range(2, 100_000) if (new := f"{name}-{n}") not in others)


def slug(text: str) -> str:
    """Letters and digits of any script in lower case, with '-' between words, 40 characters at most."""
    bare = re.sub(r"^https?://(www\.)?", "", text.strip().lower())
    return re.sub(r"[\W_]+", "-", bare).strip("-")[:40].strip("-") or "feed"


def _comment(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:80]
