"""`monitor events`: what happened, as far as one can tell, who reported it, and who heard of it."""

from __future__ import annotations

import asyncio
import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor import report
from monitor.app import kept, story
from monitor.app.book import read_rules
from monitor.cli import held, options
from monitor.cli.times import Since
from monitor.envelope import stamp
from monitor.errors import ConfigError
from rules import Invalid, Once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from monitor.app.story import Change, Step, Story
    from monitor.config import Config
    from monitor.model import Alert, Hush, Told
    from monitor.ports import Store
    from monitor.report import Style

COLOURS = {"open": "green", "cancelled": "magenta", "retracted": "magenta"}
_CHANGES = {
    "opened": "opened the event",
    "updated": "brought something new",
    "repeated": "said so too",
    "retracted": "does not say so any more",
    "cancelled": "says it is called off",
}


@click.group(epilog="Example: monitor events show evt_0123456789abcdefghijklmnop")
def events() -> None:
    """List the events that articles told of; show one's timeline: who reported what and when, and who heard of it."""


# list


@events.command(
    "list",
    epilog="Example: monitor events list --rule summit-announced --since 2w",
    short_help="List events, those seen last first.",
)
@options.config
@click.option("--rule", help="Only of this rule.")
@click.option("--since", type=Since(), default="7d", show_default=True, help="Seen since then, or so long ago: 12h, 7d, 2w.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many.")
@options.as_json
def list_(config_file: Path | None, rule: str | None, since: datetime, limit: int, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List events, those seen last first, also those of which nobody was told.

    An event is open for as long as its rule says (once: within) after it was last seen: articles that tell of it are counted to
    it and alert nobody, unless they bring something new. Then it is past. It may also be cancelled (called off, as was reported) or
    retracted (the article that told of it does not say so any more).
    """
    config = options.load(config_file)
    now, within = datetime.now(UTC), _within(config)
    found = asyncio.run(_lately(config, rule, since, limit, now))
    if as_json:
        for one in found:
            options.line(facts(one, one.state(now, within(one.event.rule))))
        return
    for one in found:
        options.show("\n".join(summary(one, one.state(now, within(one.event.rule)), options.style())) + "\n")
    if not found:
        of = f" of the rule '{report.clean(rule)[:100]}'" if rule else ""
        click.echo(
            f"No events{of} since {_when(since)}: --since goes further back, 'monitor rules list' has the rules.", err=True
        )


async def _lately(config: Config, rule: str | None, since: datetime, limit: int, now: datetime) -> list[Story]:
    async with kept.open_kept(config) as store:
        hushes = await _holding(store, now)
        events = [event for event in await store.events(rule=rule, limit=limit) if event.seen >= since]
        return [await story.tell(store, event, hushes) for event in events]


async def _holding(store: Store, now: datetime) -> list[Hush]:
    return [hush for hush in await store.hushes() if hush.until > now]


def _within(config: Config) -> Callable[[str], timedelta | None]:
    """How long events of a rule are open. Rules that are being edited are no reason not to look at events."""
    try:
        return {rule.id: rule.once.within for rule in read_rules(config.rules, config.limits).ruleset.rules}.get
    except (ConfigError, Invalid) as error:
        click.echo(f"{str(error).splitlines()[0]} (warning: which events are open is a guess)", err=True)
        return lambda _: Once().within


def summary(one: Story, state: str, style: Style) -> Iterator[str]:
    """What there is to say of an event in a few lines."""
    event = one.event
    yield f"{event.id}  {_states(one, state, style)}  last seen {_when(event.seen)}"
    yield from _wrapped(one.title, "    ", style, bold=True)
    copies = f", {report.count(one.copies, 'of them a copy', 'of them copies')}" if one.copies else ""
    many = f"{report.count(event.articles, 'article')}{copies}, of {report.count(len(event.sources), 'source')}"
    yield f"    {style.paint(f'{report.clean(event.rule)} · {many} · opened {_when(event.opened)}', dim=True)}"
    if event.acknowledged:
        yield from _wrapped(f"acknowledged {_when(event.acknowledged)}{': ' if event.note else ''}{event.note}", "    ", style)
    for hush in one.hushes:
        yield from _wrapped(f"{hush.target} is silenced until {_when(hush.until)}: {hush.reason}", "    ", style)


def _states(one: Story, state: str, style: Style) -> str:
    """What it is, and what was done about it."""
    words = [style.paint(state, fg=COLOURS.get(state))]
    words += ["acknowledged"] if one.event.acknowledged else []
    words += ["silenced"] if one.hushes else []
    words += ["nobody was told"] if one.event.silent else []
    return ", ".join(words)


def facts(one: Story, state: str) -> dict[str, Any]:
    """The same for programs."""
    event = one.event
    return {
        "id": event.id,
        "rule": event.rule,
        "title": one.title,
        "state": state,
        "acknowledged": stamp(event.acknowledged) if event.acknowledged else None,
        "note": event.note,
        "silenced": [{"target": hush.target, "until": stamp(hush.until), "reason": hush.reason} for hush in one.hushes],
        "told": not event.silent,
        "articles": event.articles,
        "copies": one.copies,
        "sources": list(event.sources),
        "opened": stamp(event.opened),
        "seen": stamp(event.seen),
        "values": dict(event.values),
    }


# show


@events.command(
    epilog="Example: monitor events show evt_0123456789abcdefghijklmnop --json | jq '.timeline[].source'",
    short_help="Show an event's timeline, and who heard of it.",
)
@click.argument("id", metavar="EVENT|ALERT")
@options.config
@options.as_json
def show(id: str, config_file: Path | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Show the timeline of an event, or by the id of an alert those of the events that it tells of.

    \b
    ●  an article that somebody was alerted to, or would have been
    ○  an article that was only counted to the event

    With each: why it was counted to the event or opened it, which values it was the first to give or changed, and whether it is
    a copy of another. With --json, one event a line.
    """  # noqa: D301 - \b is the character that tells click to leave lines as they are
    config = options.load(config_file)
    now, within = datetime.now(UTC), _within(config)
    for number, one in enumerate(asyncio.run(_stories(config, id, now))):
        state = within(one.event.rule)
        if as_json:
            options.line({**facts(one, one.state(now, state)), **history(one)})
        else:
            lines = [*summary(one, one.state(now, state), options.style()), "", *timeline(one, now, options.style())]
            options.show("\n".join([""] * (number > 0) + lines))


async def _stories(config: Config, id: str, now: datetime) -> list[Story]:
    async with kept.open_kept(config) as store:
        hushes = await _holding(store, now)
        return [await story.tell(store, event, hushes) for event in await story.find(store, id)]


def timeline(one: Story, now: datetime, style: Style) -> Iterator[str]:
    """Report by report, from the first to the last, and what each of them brought."""
    if not one.steps:
        yield "No timeline: it was last seen before there were any."
    for number, step in enumerate(one.steps, 1):
        said = step.report
        words = [_CHANGES.get(said.change, said.change), *["an edit"] * step.edited, *["a copy"] * said.copy]
        dot = style.paint("●", fg="red") if said.alert else "○"
        yield f"{dot} {_when(said.at)}  {style.paint(report.clean(said.source), bold=True)} {', '.join(words)}"
        bar = "│   " if number < len(one.steps) else "    "
        for line in _step(one, step, now, style):
            yield bar + line
        if number < len(one.steps):
            yield "│"


def _step(one: Story, step: Step, now: datetime, style: Style) -> Iterator[str]:
    said = step.report
    yield from _wrapped(said.title or said.article, "", style)
    if said.url:
        yield style.paint(report.clean(said.url), fg="blue", underline=True)
    if said.published:
        yield style.paint(f"published {_when(said.published)}", dim=True)
    for change in step.changes:
        yield from _wrapped(_changed(change), "  ", style)
    if said.why:
        yield from _wrapped(f"why: {said.why}", "", style)
    if said.alert:
        yield from _heard(said.alert, one.alerts.get(said.alert), one.told.get(said.alert, ()), now, style)


def _changed(change: Change) -> str:
    """ "stance: open → rejects", "place: Malta, not known before"."""
    name = change.name.replace("_", " ")
    if not change.kept:
        return f"{name}: {change.value}, too, though it is known to be {change.before}"
    return f"{name}: {change.before} → {change.value}" if change.before else f"{name}: {change.value}"


def _heard(id: str, alert: Alert | None, told: Sequence[Told], now: datetime, style: Style) -> Iterator[str]:
    """Which alert told of it, and to whom."""
    yield f"alert {report.clean(id)}{f' ({alert.kind})' if alert else ''}"
    if alert and alert.held:
        yield from _wrapped(f"nobody was told: {held.why(alert.held)}", "  ", style)
    for one in told:
        yield from _wrapped(held.reached(one, now), "  ", style)


def history(one: Story) -> dict[str, Any]:
    """The timeline and the alerts, for programs."""
    return {
        "timeline": [_reported(step) for step in one.steps],
        "alerts": [_alerted(alert, one.told.get(alert.id, ())) for alert in one.alerts.values()],
    }


def _reported(step: Step) -> dict[str, Any]:
    said = step.report
    return {
        "at": stamp(said.at),
        "published": stamp(said.published) if said.published else None,
        "source": said.source,
        "article": said.article,
        "title": said.title,
        "url": said.url,
        "change": said.change,
        "edited": step.edited,
        "copy": said.copy,
        "why": said.why,
        "alert": said.alert,
        "values": dict(said.values),
        "changed": [{"name": one.name, "before": one.before, "value": one.value, "kept": one.kept} for one in step.changes],
    }


def _alerted(alert: Alert, told: Sequence[Told]) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "title": alert.title,
        "level": alert.level,
        "raised": stamp(alert.raised),
        "held": alert.held,
        "deliveries": [
            {"receiver": one.sink, "state": one.state, "at": stamp(one.at), "attempts": one.attempts, "reason": one.reason}
            for one in told
        ],
    }


def _wrapped(text: str, indent: str, style: Style, **how: Any) -> Iterator[str]:
    """Text from outside in lines, harmless to a terminal."""
    width = max(40, style.width - 4)
    for line in textwrap.wrap(report.clean(text), width, initial_indent=indent, subsequent_indent=indent):
        yield style.paint(line, **how)


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
