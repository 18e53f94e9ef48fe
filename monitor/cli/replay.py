"""`monitor replay` and `monitor match`: what the rules make of saved articles."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import envelope, report
from monitor.app import backward, kept
from monitor.app import replay as stage
from monitor.app.backward import Backward
from monitor.app.book import now, read_rules
from monitor.app.replay import Rehearsal
from monitor.cli import options, reading
from monitor.cli.times import Moment, Since
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from monitor.config import Config
    from monitor.model import Alert
    from monitor.ports import Sink
    from monitor.sources.replay import Collected
    from rules import Article, Match

FAILED = 1
USAGE = 2
SKIPPED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to. `undelivered`: alerts that receivers did not take."""

    collected: Collected
    alerts: Sequence[Alert]
    skipped: int
    undelivered: int = 0


@click.command(epilog="Example: monitor replay seeds/ --json | jq .data.title")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--since", type=Since(), help="Instead of files, what the monitor has kept, first seen since then: 12h, 7d, 2w.")
@click.option("--rule", help="With --since, the rule to look back with, by id.")
@options.as_json
@click.option(
    "--deliver",
    "--send",
    "deliver",
    is_flag=True,
    help="Send the alerts to the configured receivers; with --since, keep them, too.",
)
@click.option("--db", type=options.FILE, help="Keep articles, events and alerts in this file; without it nothing is left behind.")
@click.option("--now", "at", type=Moment(), help="The time to replay at; else each article's own date.")
@options.rules
@options.config
@options.jobs
@click.pass_context
def replay(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    paths: tuple[Path, ...],
    since: datetime | None,
    rule: str | None,
    as_json: bool,  # noqa: FBT001 - an option
    deliver: bool,  # noqa: FBT001 - an option
    db: Path | None,
    at: datetime | None,
    rules_file: Path | None,
    config_file: Path | None,
    jobs: int | None,
) -> None:
    """Show the alerts that saved articles raise, or with --since those that the monitor has kept.

    PATHs are files or folders of .txt, .html, .json, .jsonl and feed files (.xml, .rss, .atom). What cannot be read is
    named and skipped, and the exit code is then 3.

    A new rule looks forward only. 'monitor replay --since 7d --rule ID' shows what it would have raised in the last week, one
    alert for each event, in the order in which it was first seen; nothing is written. With --send, the alerts and their events are
    kept as if the rule had been there, and sent, by the monitor itself where one is running. What the rule has examined before is
    left out then, so that it may be repeated.
    """
    _refuse(paths, since, rule, db, at)
    if since and rule:
        config = options.load(config_file, rules_file)
        looked = asyncio.run(_look_back(config, rule, since, jobs, send=deliver))
        _show_past(looked, as_json=as_json)
        context.exit(FAILED if looked.undelivered else SKIPPED if looked.skipped else 0)
    config = options.load_or_lend(config_file, rules_file)
    done = asyncio.run(_replay(config, paths, jobs, Wish(at=at, db=db, deliver=deliver)))
    for alert in done.alerts:
        options.show(envelope.render(alert).decode() if as_json else _shown(alert))
    if not as_json:
        options.show(_summary(done))
    context.exit(FAILED if done.undelivered else SKIPPED if done.skipped else 0)


def _refuse(paths: Sequence[Path], since: datetime | None, rule: str | None, db: Path | None, at: datetime | None) -> None:
    """Raises UsageError for options that do not go together."""
    if since is None and not paths:
        raise click.UsageError(
            "name files or folders to replay; or --since and --rule, to look back at what the monitor has kept"
        )
    if since is None and rule:
        raise click.UsageError("--rule goes with --since; of files, all rules are asked")
    if since and (paths or db or at):
        raise click.UsageError("--since replays what the monitor has kept: no PATH, --db or --now beside it")
    if since and not rule:
        raise click.UsageError("--since needs --rule ID: the rule to look back with ('monitor rules list' has them)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to replay: at what time, kept in which file, and whether anybody is told."""

    at: datetime | None
    db: Path | None
    deliver: bool


async def _replay(config: Config, paths: Sequence[Path], jobs: int | None, wish: Wish) -> Replayed:
    async with contextlib.AsyncExitStack() as stack:
        rehearsal = await stack.enter_async_context(_rehearsing(config, jobs))
        collected = await reading.collect(rehearsal, paths)
        sinks, routes = await stack.enter_async_context(stage.receiving(config, rehearsal.book)) if wish.deliver else ({}, [])
        store = await stack.enter_async_context(stage.open_kept_or_not(wish.db))
        with reading.matching(len(collected.articles)) as rehearsal.progress:
            alerts = await stage.replay(rehearsal, collected.articles, at=wish.at, store=store, routes=routes)
        undelivered = 0
        if wish.deliver:
            told = await stage.deliver_all(store, sinks, max((alert.raised for alert in alerts), default=now()))
            undelivered = told.again + told.gave_up
            click.echo(f"{report.count(told.sent, 'delivery', 'deliveries')} made, {undelivered} failed", err=True)
        skipped = reading.skipped(collected, rehearsal.broken)
        return Replayed(collected=collected, alerts=alerts, skipped=skipped, undelivered=undelivered)


# Looking back


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What looking back came to."""

    alerts: Sequence[Alert]
    articles: int
    skipped: int
    undelivered: int = 0


async def _look_back(config: Config, rule: str, since: datetime, jobs: int | None, *, send: bool) -> Past:
    if send and not config.receivers:
        raise ConfigError(f"{config.file or 'monitor.yaml'} names no receivers: there is nobody to send to")
    running = kept.is_running(config)
    async with contextlib.AsyncExitStack() as stack:
        rehearsal = await stack.enter_async_context(stage.rehearsing(backward.rehearsal(config, rule, jobs)))
        sinks, routes = await stack.enter_async_context(stage.receiving(config, rehearsal.book)) if send else ({}, [])
        shelf, store = await stack.enter_async_context(backward.stores(config, lasting=send, beside=running))
        look = Backward(rehearsal=rehearsal, kept=shelf, store=store, routes=routes)
        await look.run(since)
        _note_left_out(look)
        undelivered = await _sent(look, sinks, running=running) if send else 0
        skipped = reading.unmatched(rehearsal.broken)
        return Past(alerts=look.alerts, articles=look.articles, skipped=skipped, undelivered=undelivered)


def _note_left_out(look: Backward) -> None:
    if look.waiting:
        left = report.count(look.waiting, "article")
        click.echo(f"{left} still without the page: left to the monitor, which asks for it and then examines them", err=True)
    if look.told:
        click.echo(f"{report.count(look.told, 'article')} known to the rule already: nobody is told again", err=True)


async def _sent(look: Backward, sinks: Mapping[str, Sink], *, running: bool) -> int:
    """How many deliveries failed. A running monitor makes them itself: two that deliver would tell somebody twice."""
    if running:
        waiting = [alert for alert in look.alerts if not alert.held]
        click.echo(f"{report.count(len(waiting), 'alert')} handed to the running monitor, which delivers them", err=True)
        return 0
    told = await stage.deliver_all(look.store, sinks, now())
    failed = told.again + told.gave_up
    later = ": the monitor tries again when it runs" if failed else ""
    click.echo(f"{report.count(told.sent, 'delivery', 'deliveries')} made, {failed} failed{later}", err=True)
    return failed


def _show_past(past: Past, *, as_json: bool) -> None:
    for alert in past.alerts:
        if as_json:
            options.line({**envelope.envelope(alert), "held": alert.held})
        else:
            options.show(f"first seen {alert.first_seen:%Y-%m-%d %H:%M} UTC{_held(alert)}\n{_shown(alert)}")
    if not as_json:
        skipped = f"; {past.skipped} skipped" if past.skipped else ""
        options.show(f"{report.count(len(past.alerts), 'alert')} from {report.count(past.articles, 'article')}{skipped}")


def _held(alert: Alert) -> str:
    return f" ({alert.held}: nobody is told)" if alert.held else ""


def _shown(alert: Alert) -> str:
    return report.alert(envelope.envelope(alert)["data"], options.style())


def _summary(done: Replayed) -> str:
    skipped = f"; {done.skipped} skipped" if done.skipped else ""
    articles = len(done.collected.articles)
    return f"{report.count(len(done.alerts), 'alert')} from {report.count(articles, 'article')}{skipped}"


@click.command(epilog="Example: monitor match seeds/ --json | jq 'select(.rule == \"summit-announced\")'")
@options.paths
@options.as_json
@click.option("--articles", is_flag=True, help="Print the articles as they were read, one JSON value a line, and no matches.")
@options.rules
@options.config
@options.jobs
@click.pass_context
def match(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    paths: tuple[Path, ...],
    as_json: bool,  # noqa: FBT001 - an option
    articles: bool,  # noqa: FBT001 - an option
    rules_file: Path | None,
    config_file: Path | None,
    jobs: int | None,
) -> None:
    """Show what each rule finds in each article, without asking whether it is news.

    One result for each article and rule that match: articles in the order of the input, rules in the order of their file.
    """
    config = options.load_or_lend(config_file, rules_file)
    collected, found, skipped = asyncio.run(_match(config, paths, jobs, matching=not articles))
    if articles:
        for article in collected.articles:
            options.line(_extracted(article))
    else:
        _print_matches(collected.articles, found, as_json=as_json)
    context.exit(SKIPPED if skipped else 0)


async def _match(
    config: Config, paths: Sequence[Path], jobs: int | None, *, matching: bool
) -> tuple[Collected, list[list[Match]], int]:
    async with _rehearsing(config, jobs) as rehearsal:
        collected = await reading.collect(rehearsal, paths)
        with reading.matching(len(collected.articles) if matching else 0) as rehearsal.progress:
            found = await rehearsal.match(collected.articles) if matching else []
        order = {rule: place for place, rule in enumerate(rehearsal.book.rules)}
        by_rule = [sorted(matches, key=lambda one: order[one.rule]) for matches in found]
        return collected, by_rule, reading.skipped(collected, rehearsal.broken)


def _print_matches(articles: Sequence[Article], found: Sequence[Sequence[Match]], *, as_json: bool) -> None:
    for article, matches in zip(articles, found, strict=True):
        for one in matches:
            result = {"article": article.id, "rule": one.rule, "findings": [envelope.finding(each) for each in one.findings]}
            if as_json:
                options.line(result)
            else:
                options.show(report.match(result, _extracted(article), options.style()))
    if not as_json:
        count = sum(len(matches) for matches in found)
        options.show(f"{report.count(count, 'match', 'matches')} in {report.count(len(articles), 'article')}")


def _extracted(article: Article) -> dict[str, Any]:
    """The fields that offsets count in, and what else is known."""
    return {
        "id": article.id,
        "title": article.title,
        "summary": article.summary,
        "body": article.body,
        "url": article.url,
        "published": envelope.stamp(article.published) if article.published else None,
        "source": article.source,
        "language": article.language,
    }


@contextlib.asynccontextmanager
async def _rehearsing(config: Config, jobs: int | None) -> AsyncIterator[Rehearsal]:
    """What reads and matches with the rules in force, whose warnings are told."""
    book = read_rules(config.rules, config.limits)
    options.warn(book.ruleset.warnings)
    async with stage.rehearsing(Rehearsal(book=book, jobs=jobs)) as rehearsal:
        yield rehearsal
