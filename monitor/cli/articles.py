"""`monitor articles`: what was fetched, as it was fetched, and what changed in it since."""

from __future__ import annotations

import asyncio
import difflib
import itertools
import sys
import textwrap
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

import rules
from monitor import report
from monitor.app import kept
from monitor.cli import options
from monitor.cli.times import Since
from monitor.envelope import stamp
from monitor.errors import ConfigError, Unreadable
from monitor.sources.page import completed
from monitor.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Fresh, Original, Revision
    from rules import Article


@click.group(epilog="Example: monitor articles show alt_abc… --diff")
def articles() -> None:
    """List the articles that were fetched; show one as it was fetched, and what changed in it since."""


@articles.command("list", epilog="Example: monitor articles list --since 6h --source bbc-world")
@options.config
@click.option(
    "--since", type=Since(), default="1d", show_default=True, help="First seen since then, or so long ago: 12h, 7d, 2w."
)
@click.option("--source", help="Only of this source.")
@options.as_json
def list_(config_file: Path | None, since: datetime, source: str | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List articles in the order in which they came, with their ids, which 'monitor articles show' takes."""
    asyncio.run(_list(options.load(config_file), since, source, _json if as_json else _line))


async def _list(config: Config, since: datetime, source: str | None, show: Callable[[Fresh], None]) -> None:
    async with kept.open_kept(config) as store:
        async for page in kept.pages(store, since):
            for one in page:
                if source in (None, one.article.source):
                    show(one)


def _json(one: Fresh) -> None:
    options.line({**described(one.article), "first_seen": stamp(one.first_seen) if one.first_seen else None})


def _line(one: Fresh) -> None:
    seen = f"{one.first_seen:%Y-%m-%d %H:%M}" if one.first_seen else ""
    options.show(f"{seen:<16}  {report.clean(one.article.id)}\n{'':<16}  {report.clean(one.article.title)[:120]}")


def described(article: Article) -> dict[str, Any]:
    """What is known of an article, without its text, for programs."""
    return {
        "id": article.id,
        "source": article.source,
        "source_kind": article.source_kind,
        "url": article.url,
        "title": article.title,
        "author": article.author,
        "language": article.language,
        "published": stamp(article.published) if article.published else None,
        "dating": article.dating if article.published else None,
        "updated": stamp(article.updated) if article.updated else None,
        "tags": list(article.tags),
    }


@articles.command(
    epilog="Example: monitor articles show alt_abc… --raw > page.html",
    short_help="Show an article as it was fetched, or its edits.",
)
@click.argument("id")
@options.config
@click.option("--raw", is_flag=True, help="Write the bytes as they were fetched to standard output.")
@click.option("--diff", is_flag=True, help="Show what changed from each version to the next.")
@click.option("--text", is_flag=True, help="Read the text of the kept page now, whatever the rules made of it then.")
@click.option(
    "--version", "number", type=click.IntRange(1), help="This version; 1 is the first [default: the alert's, the last]."
)
@click.option("--kind", type=click.Choice(["page", "feed"]), help="With --raw, which bytes [default: the page, else the feed].")
@options.as_json
def show(  # noqa: PLR0913, PLR0917 - options
    id: str,
    config_file: Path | None,
    raw: bool,  # noqa: FBT001 - an option
    diff: bool,  # noqa: FBT001 - an option
    text: bool,  # noqa: FBT001 - an option
    number: int | None,
    kind: str | None,
    as_json: bool,  # noqa: FBT001 - an option
) -> None:
    """Show an article, or by the id of an alert the one that it tells of: its text, where and when it was fetched, and the
    SHA-256 of the bytes that are kept of it. With --json, every version, one a line.

    The bytes are kept for as long as the settings say ('keep'), and for ever where an alert tells of the article.
    """  # noqa: D205 - one sentence
    if raw + diff + as_json > 1:
        raise click.UsageError("--raw, --diff and --json are different answers: ask for one")
    config = options.load(config_file)
    versions, own = asyncio.run(_versions(config, id))
    at = _chosen(versions, number, own)
    if text:
        _bytes(versions[at], at + 1, "page")  # says so where there is none
        versions[at] = asyncio.run(_read_now([versions[at]]))[0]
    elif diff:
        versions = _legible(versions)
    if raw:
        _write(_bytes(versions[at], at + 1, kind))
    elif diff:
        _show(difference(versions if number is None else versions[max(0, at - 1) : at + 1], 1 if number is None else max(1, at)))
    elif as_json:
        for place in range(len(versions)) if number is None else (at,):
            options.line(plain(versions[place], place + 1))
    else:
        _show(shown(versions[at], at + 1, len(versions)))


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        options.show(line)


async def _versions(config: Config, id: str) -> tuple[list[Revision], Article | None]:
    """All versions, and the article as the alert has it, where an alert was named. Raises ConfigError where there is none."""
    async with kept.open_kept(config) as store:
        alert = await store.alert(id) if id.startswith("alt_") else None
        found = await store.revisions(alert.article.id if alert else id)
    if alert and not found:
        raise ConfigError(f"the alert {id} tells of a source, not of an article: {report.clean(alert.title)}")
    if not found:
        where = "'monitor alerts' lists the alerts" if id.startswith("alt_") else "'monitor articles list --since 90d' lists them"
        raise ConfigError(f"nothing is kept under the id '{report.clean(id)}': {where}")
    return found, alert.article if alert else None


def _chosen(versions: Sequence[Revision], number: int | None, own: Article | None) -> int:
    """Which version is meant: the one of this number, else the one that the alert tells of, else the last."""
    if number is None:
        same = [at for at, one in enumerate(versions) if own and _lines(one.article) == _lines(own)]
        return same[-1] if same else len(versions) - 1
    if number > len(versions):
        there = "is 1 version" if len(versions) == 1 else f"are {len(versions)} versions"
        raise ConfigError(f"there {there} of it, none has the number {number}")
    return number - 1


def _bytes(version: Revision, number: int, kind: str | None) -> Original:
    wanted = [one for one in version.originals if kind in (None, one.kind)]
    if not wanted:
        kept = f"the {kind} of version {number} is not kept" if kind else f"no bytes are kept of version {number}"
        raise ConfigError(
            f"{kept}: pages are kept for as long as 'keep' says in monitor.yaml, feeds only where an alert tells of the article"
        )
    return max(wanted, key=lambda one: one.kind == "page")


async def _read_now(versions: Sequence[Revision], wanted: Callable[[Revision], bool] = lambda _: True) -> list[Revision]:
    """The versions, those that are wanted with what their kept pages say. Raises Unreadable where one says nothing."""
    workers = Workers(load=rules.load, files={}, main="", parsers=1)
    try:
        return [await _completed(one, workers) if wanted(one) else one for one in versions]
    finally:
        await workers.close()


def _legible(versions: list[Revision]) -> list[Revision]:
    """With the pages that were not read: their text was not taken out by an edit."""
    try:
        return asyncio.run(_read_now(versions, _is_unread))
    except Unreadable as error:
        click.echo(f"without the text of a page: {error}", err=True)
        return versions


def _is_unread(version: Revision) -> bool:
    """Whether its page is kept and was not read. Of earlier versions that is not written down, but they have no text then."""
    return version.unread is not None or (not version.article.body and any(one.kind == "page" for one in version.originals))


async def _completed(version: Revision, workers: Workers) -> Revision:
    page = next(one for one in reversed(version.originals) if one.kind == "page")
    try:
        found = await workers.extract(page.body, url=page.url, content_type=page.content_type)
    except Unreadable as error:
        raise Unreadable(f"the page that is kept of {page.url} cannot be read: {error}") from error
    return replace(version, article=completed(version.article, found, page.at), unread=None)


def _write(original: Original) -> None:
    if sys.stdout.isatty():
        raise ConfigError("what was fetched could steer a terminal: send it to a file (--raw > page.html) or a program")
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(original.body)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise options.Enough from error
    click.echo(f"{original.kind} of {original.url}, fetched {stamp(original.at)}, sha256 {original.sha256}", err=True)


def difference(versions: Sequence[Revision], first: int = 1) -> Iterator[str]:
    """What changed from each version to the next, line by line as `diff -u` tells it; `first` is the number of the first."""
    if len(versions) == 1:
        yield "There is no version before it: nothing has changed."
    for at, (old, new) in enumerate(itertools.pairwise(versions), first):
        yield from difflib.unified_diff(
            _lines(old.article),
            _lines(new.article),
            f"version {at}",
            f"version {at + 1}",
            stamp(old.at),
            stamp(new.at),
            lineterm="",
        )


def _lines(article: Article) -> list[str]:
    texts = (article.title, *article.summary.splitlines(), *article.body.splitlines())
    return [report.clean(line) for line in texts]


def plain(version: Revision, number: int) -> dict[str, Any]:
    """A version for programs."""
    article = version.article
    return {
        **described(article),
        "version": number,
        "revision": version.revision,
        "examined": stamp(version.at),
        "summary": article.summary,
        "text": article.body,
        "masked": [list(span) for span in article.site],
        "unread": version.unread is not None,
        "originals": [_kept(one) for one in version.originals],
    }


def _kept(original: Original) -> dict[str, Any]:
    return {
        "kind": original.kind,
        "url": original.url,
        "fetched": stamp(original.at),
        "content_type": original.content_type,
        "bytes": len(original.body),
        "sha256": original.sha256,
    }


def shown(version: Revision, number: int, of: int) -> Iterator[str]:
    """A version for people."""
    article, style = version.article, options.style()
    yield style.paint(report.clean(article.title or article.id), bold=True)
    yield f"  {report.clean(article.id)}, version {number} of {of}, examined {stamp(version.at)}"
    for name, value in described(article).items():
        if value and name not in ("id", "title"):
            yield f"  {name.replace('_', ' '):<12} {report.clean(', '.join(value) if isinstance(value, list) else str(value))}"
    for one in version.originals:
        yield f"  {one.kind + ' kept':<12} {len(one.body):,} bytes of {report.clean(one.url)}, fetched {stamp(one.at)}"
        yield f"  {'':<12} sha256 {one.sha256}"
    if not version.originals:
        yield f"  {'kept':<12} no bytes: none were fetched for it, or they were pruned"
    if version.unread:
        yield f"  {'page unread':<12} nothing in it could have been of interest to the rules of then: --text reads it now"
    for line in (line for text in (article.summary, article.body) for line in text.splitlines() if line.strip()):
        yield ""
        yield from textwrap.wrap(report.clean(line), style.width)
