"""`monitor run`: the daemon, and what it says of itself: first what it is about to do, then how the first round went.

In words on a terminal; as events among the others where the log is JSON.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
import structlog

from monitor import config as settings
from monitor import report
from monitor.app import watching
from monitor.app.book import read_rules
from monitor.cli import options
from monitor.errors import ConfigError, Damaged, Held, StoreError
from monitor.sinks.terminal import TerminalSink
from monitor.stores import engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.app.book import Book
    from monitor.app.daemon import App
    from monitor.config import Config, Watched
    from monitor.model import Alert, Visit
    from rules import Problem

log = structlog.get_logger("monitor.run")

MOST = 20
"""Alerts of the first round that are listed one by one."""

LATER = 75
"""The exit code of a start that may go well later (EX_TEMPFAIL); after 2 the service manager does not try again."""


@click.command(epilog="Example: monitor run --config newsdesk/monitor.yaml")
@options.config
@options.rules
def run(config_file: Path | None, rules_file: Path | None) -> None:
    """Watch the sources and tell the receivers, until SIGTERM or Ctrl-C.

    Rules that are edited meanwhile are in force within two seconds, at once after SIGHUP; rules with a mistake are not taken, and
    'monitor status' says why. Settings are read once, at the start.
    """
    config = options.load(config_file, rules_file, level="INFO", tell=_warn)
    if not config.sources:
        raise ConfigError(f"{config.file or 'monitor.yaml'} names no sources to watch: 'monitor init' writes one to start from")
    book = read_rules(config.rules, config.limits)
    _warn(book.ruleset.warnings)
    try:
        asyncio.run(_run(config, book))
    except (Damaged, Held):
        raise
    except StoreError as error:  # a full disk, say: what started us may try again
        click.echo(f"monitor: {error}", err=True)
        click.get_current_context().exit(LATER)


def _warn(problems: Iterable[Problem]) -> None:
    if not options.logs_json():
        return options.warn(problems)
    for one in problems:
        log.warning("settings", file=one.file, line=one.line, column=one.column, problem=one.message)
    return None


async def _run(config: Config, book: Book) -> None:
    stop, hurry = _signals()
    terminal = TerminalSink(id="terminal", out=sys.stdout, style=options.style() if sys.stdout.isatty() else None)
    async with watching.open_app(config, book, terminal) as monitor:
        if not sys.stderr.isatty():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, monitor.reread)
        _say("watching", introduction(config, book), **facts(config, book))
        first = asyncio.ensure_future(_first_round(monitor))
        await watching.run(monitor, stop, hurry, settings.supervisor(settings.environment()))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first SIGTERM or SIGINT, and by the second.

    SIGHUP from a terminal says that it is closed, which ends us; from anybody else, that the rules are to be read again.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    # Until the monitor is open there is nothing to read again.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set if sys.stderr.isatty() else lambda: None)
    return stop, hurry


async def _first_round(monitor: App) -> None:
    visits, alerts = await monitor.first_round()
    _say("first poll", first_round(visits, alerts), **outcome(visits, alerts))


def _say(event: str, lines: Iterator[str], **facts: Any) -> None:
    """The same in words, or as an event."""
    if options.logs_json():
        log.info(event, **facts)
    else:
        click.echo("\n".join(lines) + "\n", err=True)


def introduction(config: Config, book: Book) -> Iterator[str]:
    """What it watches, for what, whom it tells and where it keeps things. Hosts only: the rest of an address may be secret."""
    yield f"Watching {report.count(len(config.sources), 'source')}:"
    yield from (f"  {one.id:<24} {one.host}, {_every(one)}" for one in config.sources)
    yield f"for {report.count(len(book.ruleset.rules), 'rule')} in {config.rules}:"
    for rule in book.ruleset.rules:
        draft = "" if rule.status != "draft" else ", a draft: recorded, nobody is told"
        yield f"  {rule.id} ({rule.level}{draft})"
        yield f"    Fires when {rule.when.describe()}."
    if config.receivers:
        yield f"telling {report.count(len(config.receivers), 'receiver')}:"
        yield from (f"  {one.id:<24} {one.host}{_narrowed(one.levels, one.tags)}" for one in config.receivers)
    else:
        yield "telling nobody but standard output: no receivers are configured"
    yield f"keeping everything in {config.store} ({engine(config.store)})"


def facts(config: Config, book: Book) -> dict[str, Any]:
    """The introduction for programs."""
    return {
        "sources": [{"id": one.id, "form": one.form, "host": one.host, "every": _every(one)} for one in config.sources],
        "rules_file": str(config.rules),
        "rules": [
            {"id": rule.id, "level": rule.level, "status": rule.status, "fires_when": rule.when.describe()}
            for rule in book.ruleset.rules
        ],
        "receivers": [{"id": one.id, "host": one.host, "levels": one.levels, "tags": one.tags} for one in config.receivers],
        "store": config.store,
        "engine": engine(config.store),
    }


def first_round(visits: Sequence[Visit], alerts: Sequence[Alert]) -> Iterator[str]:
    """Which sources answered, and what was found in what they had."""
    well = [visit for visit in visits if not visit.failures]
    articles = report.count(sum(visit.articles for visit in well), "article")
    yield f"{len(well)} of {len(visits)} sources answered: {articles}"
    yield from (f"  {visit.source}: {visit.error}" for visit in visits if visit.failures)
    backlog = [alert for alert in alerts if alert.held == "backlog"]
    news = [alert for alert in alerts if alert.held != "backlog"]
    yield f"Of the last 24 hours: {report.count(len(news), 'alert')}"
    yield from _listed(news)
    if backlog:
        yield f"Older, so nobody was told: {report.count(len(backlog), 'alert')}"
        yield from _listed(backlog)


def outcome(visits: Sequence[Visit], alerts: Sequence[Alert]) -> dict[str, Any]:
    """The first round for programs."""
    well = [visit for visit in visits if not visit.failures]
    return {
        "sources": len(visits),
        "answered": len(well),
        "articles": sum(visit.articles for visit in well),
        "failing": {visit.source: visit.error for visit in visits if visit.failures},
        "alerts": [_brief(alert) for alert in alerts[:MOST]],
        "more_alerts": max(0, len(alerts) - MOST),
    }


def _brief(alert: Alert) -> dict[str, Any]:
    return {"id": alert.id, "rule": alert.rule, "title": alert.title, "article": alert.article.title, "held": alert.held}


def _listed(alerts: Sequence[Alert]) -> Iterator[str]:
    for alert in alerts[:MOST]:
        draft = " (draft: nobody was told)" if alert.held == "draft" else ""
        yield f"  {alert.rule}: {report.clean(alert.title)}{draft}"
        yield f"    {report.clean(alert.article.title or alert.article.id)}"
    if len(alerts) > MOST:
        yield f"  … and {len(alerts) - MOST} more: monitor alerts"


def _narrowed(levels: Sequence[str], tags: Sequence[str]) -> str:
    wanted = [*levels, *(f"tagged {tag}" for tag in tags)]
    return f", only {', '.join(wanted)}" if wanted else ""


def _every(source: Watched) -> str:
    return f"every {_span(source.every.total_seconds())}" if source.every else "as often as it has news"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"
