"""`monitor backtest`: how right a rule is on labelled articles, what it would have told, and what a change of it does."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor import backtest as figures
from monitor.app import backtest as stage
from monitor.app import kept
from monitor.app.backtest import Window
from monitor.app.replay import rehearsing
from monitor.backtest import Labels, Question
from monitor.cli import options, reading
from monitor.cli.replay import FAILED, SKIPPED
from monitor.cli.scorecard import Result, told
from monitor.cli.times import Since
from monitor.errors import ConfigError
from monitor.sources.replay import Collected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from monitor.config import Config
    from rules import Article

LISTED = 20
"""Articles of a kind that are listed for people, unless they ask for more."""


# The command


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for."""

    corpus: tuple[Path, ...]
    rule: str
    question: Question | None
    compare: Path | None
    window: Window
    floor: float | None
    jobs: int | None


@click.command(epilog="Example: monitor backtest articles.jsonl --rule summit-announced --label label.announcement --floor 0.9")
@click.argument("corpus", nargs=-1, metavar="[CORPUS]...", type=click.Path(path_type=Path))
@click.option("--rule", required=True, help="The rule, by id.")
@click.option("--label", help="Where a JSON row says whether it should match, such as label.statement.")
@click.option("--positive", multiple=True, default=figures.YES, show_default=True, help="A label that means yes.")
@click.option(
    "--negative", multiple=True, default=figures.NO, show_default=True, help="A label that means no; others do not count."
)
@click.option("--floor", type=click.FloatRange(0, 1), metavar="F1", help="Exit with 1 where F1 is below it.")
@click.option("--compare", type=options.FILE, metavar="OLD_RULES", help="Show what changed since these rules.")
@click.option("--since", type=Since(), help="Only articles published since then.")
@click.option("--until", type=Since(), help="Only articles published before then.")
@click.option("--limit", type=click.IntRange(0), help=f"How many of a kind to list.  [default: {LISTED}; in JSON all]")
@options.as_json
@options.rules
@options.config
@options.jobs
@click.pass_context
def backtest(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    corpus: tuple[Path, ...],
    rule: str,
    label: str | None,
    positive: tuple[str, ...],
    negative: tuple[str, ...],
    floor: float | None,
    compare: Path | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,  # noqa: FBT001 - an option
    rules_file: Path | None,
    config_file: Path | None,
    jobs: int | None,
) -> None:
    """Try a rule on past articles: files or folders, else all that the monitor has stored.

    With --label: precision, recall and F1, each with its 95 % interval, the false and the missed. Without: the alerts that it
    would have raised, and how many a day. With --compare: what a change of the rule gains and loses.
    """
    question = Question(label, positive, negative) if label else None
    _refuse(corpus, question, floor)
    wish = Wish(corpus=corpus, rule=rule, question=question, compare=compare, window=Window(since, until), floor=floor, jobs=jobs)
    result = asyncio.run(_backtest(options.load(config_file, rules_file), wish))
    if as_json:
        options.line(result.plain())
        for _, items in result.items(limit):
            for item in items:
                options.line(item)
    else:
        options.show("\n".join(told(result, LISTED if limit is None else limit, options.style())))
    context.exit(FAILED if result.passed is False else SKIPPED if result.skipped else 0)


def _refuse(corpus: tuple[Path, ...], question: Question | None, floor: float | None) -> None:
    """Raises UsageError for what makes no sense together."""
    if floor is not None and question is None:
        raise click.UsageError("--floor needs --label: without labels there is no F1")
    if question and not corpus:
        raise click.UsageError("--label needs a CORPUS of .json or .jsonl: what the monitor has stored has no labels")
    if question and (both := {word.casefold() for word in question.yes} & {word.casefold() for word in question.no}):
        raise click.UsageError(f"'{min(both)}' cannot be both --positive and --negative")


# Running it


async def _backtest(config: Config, wish: Wish) -> Result:
    async with contextlib.AsyncExitStack() as stack:
        versions = [stage.read_version(path, wish.rule, wish.jobs) for path in (config.rules, wish.compare) if path]
        options.warn(versions[0].warnings)
        for version in versions:
            await stack.enter_async_context(rehearsing(version.rehearsal))
        collected = await reading.collect(versions[0].rehearsal, wish.corpus) if wish.corpus else Collected()
        labels = _labels(wish.question, wish.window, collected)
        batches, number = await _articles(stack, config, wish, collected, versions)
        with reading.matching(number * len(versions)) as progress:
            for version in versions:
                version.rehearsal.progress = progress
            ground = await stage.match(versions, batches, labelled=labels.by_id)
        skipped = reading.skipped(collected, (trouble for version in versions for trouble in version.rehearsal.broken))
        found = [() if wish.question else await stage.alerts(version, ground) for version in versions]
        known = Labels({id: label for id, label in labels.by_id.items() if id in ground.kept}, labels.left_out)
        return Result(
            versions=versions,
            ground=ground,
            label=wish.question.field if wish.question else None,
            labels=known,
            alerts=found,
            floor=wish.floor,
            skipped=skipped,
        )


def _labels(question: Question | None, window: Window, collected: Collected) -> Labels:
    """What the rows say. Raises ConfigError where no row says anything: the name is likely a slip."""
    if question is None:
        return Labels({})
    labels = question.labels([one.id for one in collected.articles if window.holds(one.published)], collected.extras)
    if not labels.by_id:
        found = ", ".join(repr(word) for word in labels.left_out if word != figures.NONE) or "nothing"
        known = ", ".join(figures.fields(collected.extras.values())[:20]) or "none at all"
        raise ConfigError(f"no article is labelled yes or no at '{question.field}', which holds {found}; the fields are: {known}")
    return labels


async def _articles(
    stack: contextlib.AsyncExitStack, config: Config, wish: Wish, collected: Collected, versions: Sequence[stage.Version]
) -> tuple[AsyncIterator[list[Article]], int]:
    """The articles in batches, and about how many they are."""
    if wish.corpus:
        return stage.from_files(collected, wish.window), len(collected.articles)
    store = await stack.enter_async_context(kept.open_kept(config))
    return stage.from_store(store, wish.window, versions), (await store.tally()).articles
