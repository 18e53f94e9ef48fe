"""`monitor feeds`: which sources there are and how they are, and where to find more."""

from __future__ import annotations

import asyncio
import textwrap
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import config as settings
from monitor import hrefs, listing, opml, report, rhythm
from monitor.app import entries, finder, kept
from monitor.cli import options
from monitor.errors import ConfigError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.app.entries import Entry
    from monitor.app.finder import Found
    from monitor.config import Config, Watched
    from monitor.model import Visit
    from monitor.report import Style
    from rules import Article

SHOWN = 5
"""Articles of a feed that are shown when it is tried."""
WIDEST = 42
"""Characters of an id, before the columns after it are pushed to the right."""
COLOURS = {"ok": "green", "new": "cyan", "quiet": "green", "moved": "yellow", "unstable-ids": "yellow", "offline": "yellow"}
"""Of the states; what is not here is for somebody to look after."""


@click.group(epilog="Example: monitor feeds add https://www.example.org")
def feeds() -> None:
    """List the sources and how they are; find, import and export feeds."""


def _words() -> str:
    """What the states mean, in lines that click leaves as they are."""
    wide = max(map(len, rhythm.WORDS)) + 2
    told = (textwrap.fill(f"{word:<{wide}}{means}", 78, subsequent_indent=" " * wide) for word, means in rhythm.WORDS.items())
    return "\n".join(told)


@feeds.command(
    "list",
    epilog="Example: monitor feeds list --json | jq 'select(.state != \"ok\")'",
    help=f"List every source: its state, why it is so, and when it is asked next.\n\nThe states:\n\n\b\n{_words()}",
    short_help="List every source: its state, why, and when it is asked next.",
)
@options.config
@options.as_json
def list_(config_file: Path | None, as_json: bool) -> None:  # noqa: D103, FBT001 - its help stands above; an option
    config = options.load(config_file)
    now, visits = datetime.now(UTC), asyncio.run(_visits(config))
    told = [facts(one, visits.get(one.id), now) for one in config.sources]
    if as_json:
        for one in told:
            options.line(one)
    elif told:
        options.show("\n".join(table(told, options.style())) + ("" if kept.is_running(config) else "; no monitor is running"))
    else:
        click.echo("No sources yet: add one with 'monitor feeds add URL'.", err=True)


async def _visits(config: Config) -> Mapping[str, Visit]:
    if not kept.exists(config):
        return {}  # no monitor ever ran: all are new
    async with kept.open_kept(config) as store:
        return {visit.source: visit for visit in await store.visits()}


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


def table(told: Sequence[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """All sources in columns, and how many there are of each state."""
    wide = min(max(len(one["id"]) for one in told), WIDEST)
    yield style.paint(f"{'SOURCE':<{wide}}  {'STATE':<12}  {'NEXT (UTC)':<16}  WHY", dim=True)
    for one in told:
        state = style.paint(f"{one['state']:<12}", fg=COLOURS.get(one["state"], "red"))
        why = report.clean("; ".join((one["reason"], *one["remarks"])))
        yield f"{one['id']:<{wide}}  {state}  {_minute(one['due']):<16}  {why}".rstrip()
    many = Counter(one["state"] for one in told)
    yield f"\n{report.count(len(told), 'source')}: {', '.join(f'{many[word]:,} {word}' for word in rhythm.WORDS if many[word])}"


def _minute(stamp: str | None) -> str:
    return stamp[:16].replace("T", " ") if stamp else ""


@feeds.command(
    epilog="Example: monitor feeds add https://www.example.org --kind wire", short_help="Find a site's feed, try it, watch it."
)
@click.argument("url")
@options.config
@click.option("--id", "name", help="What to call it; else its title decides.")
@click.option("--kind", help="What it is: government, state-media, wire, independent … Alerts carry it.")
@click.option("--language", help="Its language, such as en; else what it says itself.")
@click.option("--tag", "tags", multiple=True, help="A tag for all of its articles; may be repeated.")
@click.option("--page", is_flag=True, help="Watch the page at URL itself for new links: for sites without a feed.")
@click.option("--links", help='With --page, which links are articles: a CSS selector such as "h3 a".')
@click.option("--dry-run", is_flag=True, help="Only try it; write nothing.")
def add(  # noqa: PLR0913, PLR0917 - options
    url: str,
    config_file: Path | None,
    name: str | None,
    kind: str | None,
    language: str | None,
    tags: Sequence[str],
    page: bool,  # noqa: FBT001 - an option
    links: str | None,
    dry_run: bool,  # noqa: FBT001 - an option
) -> None:
    """Find the feed of the page at URL (or the feed itself), try it, show its newest articles, and watch it from now on.

    It is written into monitor.yaml, which keeps all else that is there, comments included.
    """
    config, url = options.load(config_file), _address(url)
    _refuse(config, name, links, page=page)
    if (there := entries.watched(config, url)) is not None:
        click.echo(f"Nothing written: it is watched already, as '{there.id}'.", err=True)
        return
    found = asyncio.run(_found(config, url, links, page=page))
    _tell_found(found)
    if (there := entries.watched(config, found.url)) is not None:
        click.echo(f"Nothing written: it is watched already, as '{there.id}'.", err=True)
        return
    new = entries.entry(found, config)
    new = replace(new, id=name or new.id, kind=kind, language=language, tags=tuple(tags))
    _write(config, [new], dry_run=dry_run)


def _address(url: str) -> str:
    """What was typed or pasted, as an address. Raises ConfigError."""
    whole = hrefs.feed(url if "://" in url or url.lower().startswith("feed:") else f"https://{url}")
    if not whole:
        raise ConfigError(f"'{report.clean(url)[:100]}' is no address such as https://www.example.org")
    return whole


def _refuse(config: Config, name: str | None, links: str | None, *, page: bool) -> None:
    """Raises what can be said before anybody is asked."""
    if name is not None and name in {one.id for one in config.sources}:
        raise ConfigError(f"there is a source '{name}' already: give this one another --id")
    if links is not None and not page:
        raise click.UsageError("--links goes with --page")
    if links is not None:
        try:
            listing.selector(links)
        except ValueError as error:
            raise click.UsageError(f"--links: {error}") from error


async def _found(config: Config, url: str, links: str | None, *, page: bool) -> Found:
    async with finder.open_finder(config, lambda tried: click.echo(f"trying {tried}", err=True)) as finding:
        return await (finding.page(url, links) if page else finding.feed(url))


def _tell_found(found: Found) -> None:
    options.show(f"{report.clean(found.title) or 'Found'}: {found.url}")
    options.show(f"{report.count(len(found.articles), 'article')}{', the newest:' if found.articles else ', for now'}")
    for article in found.articles[:SHOWN]:
        options.show(f"  {_date(article)}  {report.clean(article.title or article.summary or article.url or '')[:100]}")


def _date(article: Article) -> str:
    return f"{article.published:%Y-%m-%d %H:%M}" if article.published else f"{'(no date)':<16}"


@feeds.command("import", epilog="Example: monitor feeds import subscriptions.opml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.config
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
def import_(file: Path, config_file: Path | None, dry_run: bool) -> None:  # noqa: FBT001 - an option
    """Watch the feeds of an OPML file, as feed readers export it. Folders become tags; what is watched already is left out."""
    config = options.load(config_file)
    try:
        new = entries.entries(opml.read(file.read_bytes()), config)
    except (Unreadable, OSError) as error:
        raise ConfigError(f"{file}: {error}") from error
    for one in new:
        options.show(f"{one.id:<42} {one.place}")
    _write(config, new, dry_run=dry_run)


@feeds.command(epilog="Example: monitor feeds export > subscriptions.opml")
@options.config
def export(config_file: Path | None) -> None:
    """Print the feeds that are watched as OPML, for any feed reader. The first tag of each becomes its folder."""
    config = options.load(config_file)
    outlines = [opml.Outline(title=one.id, url=one.place, folders=one.tags[:1]) for one in config.sources if one.form == "feed"]
    options.show(opml.write(outlines).decode().rstrip("\n"))
    if others := len(config.sources) - len(outlines):
        click.echo(f"Left out, as they are no feeds: {report.count(others, 'source')}.", err=True)


def _write(config: Config, new: Sequence[Entry], *, dry_run: bool) -> None:
    file = config.file or Path("monitor.yaml")
    if not new:
        click.echo("Nothing written: all of them are watched already.", err=True)
        return
    if dry_run:
        click.echo(f"Nothing written: this would add {report.count(len(new), 'source')} to {file}.", err=True)
        return
    entries.write(file, new, settings.environment())
    called = f", as '{new[0].id}'" if len(new) == 1 else ""
    again = "; the monitor that runs takes it up when it is started again" if kept.is_running(config) else ""
    click.echo(f"{report.count(len(new), 'source')} added to {file}{called}{again}.", err=True)


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
