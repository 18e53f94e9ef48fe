"""`monitor articles` and `monitor prune`: what was fetched, as it was fetched, and what changed in it since."""

from __future__ import annotations

import asyncio
import difflib
import itertools
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor import report
from monitor.app import kept
from monitor.cli import options
from monitor.cli.times import Since, Span
from monitor.envelope import stamp
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Fresh, Original, Pruned, Revision
    from rules import Article

PAGE = 500
STEP = 500
"""Articles that are removed in one go, so that a running monitor can write in between."""


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
    """List articles in the order in which they came."""
    config = options.load(config_file)
    for one in asyncio.run(_fresh(config, since)):
        if source in (None, one.article.source):
            if as_json:
                options.line({**described(one.article), "first_seen": stamp(one.first_seen) if one.first_seen else None})
            else:
                seen = f"{one.first_seen:%Y-%m-%d %H:%M}" if one.first_seen else ""
                options.show(f"{seen}  {report.clean(one.article.id)}\n                  {report.clean(one.article.title)[:120]}")


async def _fresh(config: Config, since: datetime) -> list[Fresh]:
    async with kept.open_kept(config) as store:
        found: list[Fresh] = []
        while page := await store.articles(since, after=found[-1].article.id if found else None, limit=PAGE):
            found += page
        return found


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


@articles.command(epilog="Example: monitor articles show bbc-world#https://www.bbc.example/news/1 --raw > page.html")
@click.argument("id")
@options.config
@click.option("--raw", is_flag=True, help="Write the bytes as they were fetched to standard output.")
@click.option("--diff", is_flag=True, help="Show what changed from each version to the next.")
@click.option("--version", "number", type=click.IntRange(1), help="Only this version; 1 is the first [default: the latest].")
@click.option("--kind", type=click.Choice(["page", "feed"]), help="With --raw: which bytes [default: the page, else the feed].")
@options.as_json
def show(  # noqa: PLR0913, PLR0917 - options
    id: str,
    config_file: Path | None,
    raw: bool,  # noqa: FBT001 - an option
    diff: bool,  # noqa: FBT001 - an option
    number: int | None,
    kind: str | None,
    as_json: bool,  # noqa: FBT001 - an option
) -> None:
    """Show an article (or, by the id of an alert, the article that it tells of): its text, where and when it was fetched,
    and the SHA-256 of the bytes that are kept of it.

    The bytes are kept for as long as the settings say ('keep'), and for ever where an alert tells of the article.
    """  # noqa: D205 - one sentence
    config = options.load(config_file)
    versions = asyncio.run(_versions(config, id))
    chosen = _chosen(versions, number)
    if raw:
        _write(_bytes(chosen, kind))
    elif diff:
        for line in difference(versions):
            options.show(line)
    elif as_json:
        for at, version in enumerate(versions, 1):
            options.line(plain(version, at))
    else:
        options.show("\n".join(shown(chosen, versions.index(chosen) + 1, len(versions))))


async def _versions(config: Config, id: str) -> list[Revision]:
    async with kept.open_kept(config) as store:
        alert = await store.alert(id) if id.startswith("alt_") else None
        found = await store.revisions(alert.article.id if alert else id)
    if not found:
        raise ConfigError(f"no article '{id}' is kept: 'monitor articles list' shows which are")
    return found


def _chosen(versions: Sequence[Revision], number: int | None) -> Revision:
    if number is None:
        return versions[-1]
    if number > len(versions):
        raise ConfigError(f"there are {report.count(len(versions), 'version')} of it, none has the number {number}")
    return versions[number - 1]


def _bytes(version: Revision, kind: str | None) -> Original:
    wanted = [one for one in version.originals if kind in (None, one.kind)]
    if not wanted:
        raise ConfigError("no such bytes are kept of this version: they are kept for some days, or because of an alert")
    return max(wanted, key=lambda one: one.kind == "page")


def _write(original: Original) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(original.body)
    sys.stdout.buffer.flush()
    click.echo(f"{original.kind} of {original.url}, fetched {stamp(original.at)}, sha256 {original.sha256}", err=True)


def difference(versions: Sequence[Revision]) -> Iterator[str]:
    """What changed from each version to the next, line by line as `diff -u` tells it."""
    if len(versions) == 1:
        yield "There is one version of it: nothing has changed."
    for at, (old, new) in enumerate(itertools.pairwise(versions), 1):
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
    for text in (article.summary, article.body):
        for line in text.splitlines():
            if line.strip():
                yield f"\n{report.clean(line)}"


@click.command(epilog="Example: monitor prune --dry-run")
@options.config
@click.option("--articles", "articles_", type=Span(), help="Remove articles first seen longer ago [default: settings, keep].")
@click.option("--pages", type=Span(), help="Remove the bytes of pages fetched longer ago [default: settings, keep].")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def prune(config_file: Path | None, articles_: timedelta | None, pages: timedelta | None, dry_run: bool) -> None:  # noqa: FBT001 - an option
    """Remove what is older than it is to be kept; what an alert tells of stays. A running monitor does so by itself."""
    config = options.load(config_file)
    gone = asyncio.run(_pruned(config, articles_ or config.keep.articles, pages or config.keep.pages, dry_run=dry_run))
    what = f"{report.count(gone.articles, 'article')} and {report.count(gone.originals, 'original')} ({gone.bytes / 1e6:,.1f} MB)"
    options.show(f"{'Would remove' if dry_run else 'Removed'} {what}.")


async def _pruned(config: Config, articles: timedelta, pages: timedelta, *, dry_run: bool) -> Pruned:
    at = datetime.now(UTC)
    async with kept.open_kept(config) as store:
        if dry_run:
            return await store.prune(at - articles, at - pages, sys.maxsize >> 1, dry=True)
        return await kept.prune(store, at - articles, at - pages, STEP)
