"""`monitor prune`: what is older than it is to be kept goes now."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from monitor import report
from monitor.app import kept
from monitor.cli import options
from monitor.cli.times import Span

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Pruned

STEP = 500
"""Articles that are removed in one go, so that a running monitor can write in between."""


@click.command(epilog="Example: monitor prune --dry-run")
@options.config
@click.option("--articles", "articles_", type=Span(), help="Remove articles first seen longer ago [default: settings, keep].")
@click.option("--pages", type=Span(), help="Remove the bytes of pages fetched longer ago [default: settings, keep].")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def prune(config_file: Path | None, articles_: timedelta | None, pages: timedelta | None, dry_run: bool) -> None:  # noqa: FBT001 - an option
    """Remove what is older than it is to be kept; what an alert tells of stays. A running monitor does so by itself."""
    config = options.load(config_file)
    gone = asyncio.run(_pruned(config, *_limits(config, articles_, pages), dry_run=dry_run))
    what = (
        f"{report.count(gone.articles, 'article')} and {report.count(gone.originals, 'kept page')} ({gone.bytes / 1e6:,.1f} MB)"
    )
    options.show(f"{'Would remove' if dry_run else 'Removed'} {what}.")


def _limits(config: Config, articles: timedelta | None, pages: timedelta | None) -> tuple[timedelta, timedelta]:
    keep = config.keep
    return keep.articles if articles is None else articles, keep.pages if pages is None else pages


async def _pruned(config: Config, articles: timedelta, pages: timedelta, *, dry_run: bool) -> Pruned:
    at = datetime.now(UTC)
    async with kept.open_kept(config) as store:
        if dry_run:
            return await store.prune(at - articles, at - pages, sys.maxsize >> 1, dry=True)
        return await kept.prune(store, at - articles, at - pages, STEP)
