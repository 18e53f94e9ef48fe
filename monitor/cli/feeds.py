"""`monitor feeds`: which sources there are and how they are, and where to find more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import config as settings
from monitor import opml, report, rhythm
from monitor.app import finder, kept
from monitor.cli import options
from monitor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.app.finder import Found
    from monitor.config import Config, Watched
    from monitor.model import Visit
    from rules import Article

SHOWN = 5
"""Articles of a feed that are shown when it is tried."""


@click.group(epilog="Example: monitor feeds add https://www.example.org")
def feeds() -> None:
    """List the sources and how they are; find, import and export feeds."""


@feeds.command("list", epilog="Example: monitor feeds list --json | jq 'select(.state != \"ok\")'")
@options.config
@options.as_json
def list_(config_file: Path | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List every source: its state, why, when it was and will be asked.

    \b
    {words}
    """  # noqa: D301 - \b tells click to leave lines as they are
    config = options.load(config_file)
    now, visits = datetime.now(UTC), asyncio.run(_visits(config))
    for one in config.sources:
        told = facts(one, visits.get(one.id), now)
        if as_json:
            options.line(told)
        else:
            options.show(_shown(told))


list_.help = (list_.help or "").format(words="\n".join(f"{word:<13} {meaning}" for word, meaning in rhythm.WORDS.items()))


async def _visits(config: Config) -> Mapping[str, Visit]:
    try:
        async with kept.open_kept(config) as store:
            return {visit.source: visit for visit in await store.visits()}
    except StoreError:
        if kept.exists(config):
            raise
        return {}  # no monitor ever ran: all are new


def facts(source: Watched, visit: Visit | None, now: datetime) -> dict[str, Any]:
    """What there is to know of a source, for programs."""
    state = rhythm.state(visit, now, every=source.every, patience=source.patience)
    return {
        "id": source.id,
        "form": source.form,
        "host": source.host,
        "kind": source.kind,
        "state": state.word,
        "reason": state.reason,
        "visited": _iso(visit.at if visit else None),
        "answered": _iso(visit.answered if visit else None),
        "newest": _iso(visit.arrivals[-1] if visit and visit.arrivals else None),
        "due": _iso(visit.due if visit else None),
        "failures": visit.failures if visit else 0,
        "remarks": list(visit.remarks) if visit else [],
    }


def _shown(told: Mapping[str, Any]) -> str:
    due = f", next {told['due'][:16].replace('T', ' ')}" if told["due"] else ""
    remarks = "".join(f"; {report.clean(one)}" for one in told["remarks"])
    return f"{told['id']:<26} {told['state']:<13} {report.clean(told['reason'])}{remarks}{due}"


@feeds.command(epilog="Example: monitor feeds add https://www.example.org --kind government --tag russia")
@click.argument("url")
@options.config
@click.option("--id", "name", help="What to call it; else its title decides.")
@click.option("--kind", help="What it is: government, state-media, wire, independent … Alerts carry it.")
@click.option("--language", help="Its language, such as en; else what the feed says.")
@click.option("--tag", "tags", multiple=True, help="A tag for all of its articles; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Only try it; write nothing.")
def add(  # noqa: PLR0913, PLR0917 - options
    url: str,
    config_file: Path | None,
    name: str | None,
    kind: str | None,
    language: str | None,
    tags: Sequence[str],
    dry_run: bool,  # noqa: FBT001 - an option
) -> None:
    """Find the feed of the page at URL (or the feed itself), try it, show its newest articles, and watch it from now on.

    It is written into monitor.yaml, which keeps all else that is there, comments included.
    """
    config = options.load(config_file)
    url = url if "://" in url else f"https://{url}"
    found = asyncio.run(finder.find(config, url))
    _tell_found(found)
    if (there := finder.watched(config, found.url)) is not None:
        click.echo(f"It is watched already, as '{there.id}'.", err=True)
        return
    new = finder.entry(found, [one.id for one in config.sources])
    new = replace(new, id=name or new.id, kind=kind, language=language or new.language, tags=tuple(tags))
    _write(config, [new], dry_run=dry_run)


def _tell_found(found: Found) -> None:
    options.show(f"{report.clean(found.title) or 'A feed'}: {found.url}")
    options.show(f"{report.count(len(found.articles), 'article')}{', the newest:' if found.articles else ''}")
    for article in found.articles[:SHOWN]:
        options.show(f"  {_date(article)}  {report.clean(article.title or article.summary)[:100]}")


def _date(article: Article) -> str:
    return article.published.strftime("%Y-%m-%d %H:%M") if article.published else "without a date"[:16].ljust(16)


@feeds.command("import", epilog="Example: monitor feeds import subscriptions.opml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.config
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
def import_(file: Path, config_file: Path | None, dry_run: bool) -> None:  # noqa: FBT001 - an option
    """Watch the feeds of an OPML file, as feed readers export it. Folders become tags; what is watched already is left out."""
    config = options.load(config_file)
    new = finder.entries(opml.read(file.read_bytes()), config)
    for one in new:
        options.show(f"{one.id:<42} {one.feed}")
    _write(config, new, dry_run=dry_run)


@feeds.command(epilog="Example: monitor feeds export > subscriptions.opml")
@options.config
def export(config_file: Path | None) -> None:
    """Print the feeds that are watched as OPML, for any feed reader."""
    config = options.load(config_file)
    outlines = [opml.Outline(title=one.id, url=one.place, folders=one.tags[:1]) for one in config.sources if one.form == "feed"]
    options.show(opml.write(outlines).decode().rstrip("\n"))


def _write(config: Config, new: Sequence[finder.Entry], *, dry_run: bool) -> None:
    file = config.file or Path("monitor.yaml")
    if dry_run or not new:
        click.echo(f"Nothing written{'' if dry_run else ': all of them are watched already'}.", err=True)
        return
    finder.write(file, new, settings.environment())
    again = "; the monitor that runs takes them up when it is started again" if kept.is_running(config) else ""
    click.echo(f"{report.count(len(new), 'source')} added to {file}{again}.", err=True)


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
