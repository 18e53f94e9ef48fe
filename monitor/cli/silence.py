"""`monitor silence`: nobody is told of a rule, an event or a source until a time, and why that is so stays written."""

from __future__ import annotations

import asyncio
import difflib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from monitor import report
from monitor.app import kept
from monitor.app.book import read_rules
from monitor.cli import options
from monitor.cli.times import Moment, Span
from monitor.envelope import stamp
from monitor.errors import ConfigError
from monitor.model import Hush
from rules import Invalid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.ports import Store
    from monitor.report import Style

LONGEST = 500
"""Characters of a reason."""
KINDS = ("rule", "event", "source")


class _Group(click.Group):
    """Takes what is no command of it as the target of `start`, which is what is nearly always meant."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        named = args and args[0] not in {*self.commands, *self.get_help_option_names(context)}
        return super().parse_args(context, ["start", *args] if named else args)


@click.group(
    cls=_Group,
    epilog="Example: monitor silence rule:summit-announced --for 6h --reason 'the summit is on: the desk reads it live'",
    subcommand_metavar="TARGET --for TIME --reason TEXT | COMMAND",
)
def silence() -> None:
    """Tell nobody of a rule, an event or a source until a time; list what is silenced; end it.

    Articles are read, alerts are raised and events are followed all the same: 'monitor alerts' lists what nobody was told of. A
    running monitor takes it up with the next article.
    """


@silence.command(
    epilog="Example: monitor silence start source:example-wire --until 2026-07-01T18:00:00Z --reason 'its feed is hacked'",
    short_help="Silence a TARGET. 'start' itself may be left out.",
)
@click.argument("target")
@click.option("--for", "span", type=Span(), help="For how long from now: 30m, 6h, 3d.")
@click.option("--until", type=Moment(), help="Until then; UTC where it does not say.")
@click.option("--reason", required=True, help="Why: others will want to know.")
@options.rules
@options.config
def start(  # noqa: PLR0913, PLR0917 - options
    target: str, span: timedelta | None, until: datetime | None, reason: str, rules_file: Path | None, config_file: Path | None
) -> None:
    """Tell nobody of TARGET, which is rule:ID, event:ID or source:ID, until a time.

    What is silenced already gets the new time and reason.
    """
    now = datetime.now(UTC)
    hush = Hush(target=_target(target), until=_end(now, span, until), since=now, reason=_reason(reason))
    asyncio.run(_start(options.load(config_file, rules_file), hush))
    options.show(f"{hush.target} is silenced until {_when(hush.until)}. To end it earlier: monitor silence end {hush.target}")


def _target(text: str) -> str:
    """Checked as far as that can be done without looking anything up. Raises UsageError."""
    kind, _, id = text.partition(":")
    if kind not in KINDS or not id.strip():
        raise click.UsageError(
            f"'{report.clean(text)[:100]}' is no target: expected rule:ID, event:ID or source:ID, or a command: list, end"
        )
    return f"{kind}:{id.strip()}"


def _end(now: datetime, span: timedelta | None, until: datetime | None) -> datetime:
    if (span is None) == (until is None):
        raise click.UsageError("say for how long (--for 6h) or until when (--until 2026-07-01T18:00:00Z), and not both")
    end = now + span if span is not None else until
    assert end is not None
    if end <= now:
        raise click.UsageError(f"{_when(end)} is over: it is {_when(now)} now")
    return end


def _reason(text: str) -> str:
    reason = report.clean(text)
    if not 0 < len(reason) <= LONGEST:
        raise click.UsageError(f"--reason has {len(reason)} characters: expected 1 to {LONGEST}")
    return reason


async def _start(config: Config, hush: Hush) -> None:
    kind, _, id = hush.target.partition(":")
    async with kept.open_kept(config) as store:
        await _CHECKS[kind](store, config, id)
        await store.hush(hush)


# What may be silenced


async def _rule(store: Store, config: Config, id: str) -> None:
    """A rule of the file, or one that has alerted: it is no time to mend a broken file first."""
    try:
        known = list(read_rules(config.rules, config.limits).rules)
    except (ConfigError, Invalid) as error:
        click.echo(f"{str(error).splitlines()[0]} (warning)", err=True)
        known = []
    if id not in known and not await store.alerts(rule=id, limit=1):
        raise _unknown("rule", id, known, "monitor rules list")


async def _event(store: Store, _config: Config, id: str) -> None:
    if await store.event(id):
        return
    alert = await store.alert(id)
    told = dict.fromkeys(sighting.event for sighting in alert.sightings) if alert else {}
    if told:
        raise ConfigError(f"{id} is an alert; the event that it tells of: {', '.join(f'event:{event}' for event in told)}")
    raise _unknown("event", id, [event.id for event in await store.events(limit=200)], "monitor events list")


async def _source(store: Store, config: Config, id: str) -> None:
    known = {source.id for source in config.sources} | {visit.source for visit in await store.visits()}
    if id not in known:
        raise _unknown("source", id, known, "monitor feeds list")


_CHECKS: Mapping[str, Callable[[Store, Config, str], Awaitable[None]]] = {"rule": _rule, "event": _event, "source": _source}


def _unknown(kind: str, id: str, known: Collection[str], where: str) -> ConfigError:
    near = difflib.get_close_matches(id[:200], sorted(known), 3, 0.75)
    hint = f": did you mean {' or '.join(f'{kind}:{report.clean(one)}' for one in near)}?" if near else ":"
    return ConfigError(f"there is no {kind} '{report.clean(id)[:100]}'{hint} '{where}' lists them")


# list


@silence.command("list", epilog="Example: monitor silence list --all --json")
@click.option("--all", "everything", is_flag=True, help="Also what is over.")
@options.as_json
@options.config
def list_(everything: bool, as_json: bool, config_file: Path | None) -> None:  # noqa: FBT001 - options
    """List what is silenced, until when and why."""
    now = datetime.now(UTC)
    found = [one for one in asyncio.run(_hushes(options.load(config_file))) if everything or one.until > now]
    if as_json:
        for one in found:
            options.line(plain(one, now))
    elif found:
        options.show("\n".join(table(found, now, options.style())))
    else:
        click.echo("Nothing is silenced.", err=True)


async def _hushes(config: Config) -> list[Hush]:
    async with kept.open_kept(config) as store:
        return await store.hushes()


def plain(one: Hush, now: datetime) -> dict[str, object]:
    """A silence for programs."""
    times = {"since": stamp(one.since), "until": stamp(one.until), "over": one.until <= now}
    return {"target": one.target, **times, "reason": one.reason}


def table(found: Sequence[Hush], now: datetime, style: Style) -> Iterator[str]:
    """A line each, under a heading."""
    wide = max(len("TARGET"), *(len(report.clean(one.target)) for one in found))
    yield style.paint(f"{'TARGET':<{wide}}  {'SINCE (UTC)':<16}  {'UNTIL (UTC)':<16}  REASON", dim=True)
    for one in found:
        over = "" if one.until > now else "(over) "
        line = f"{report.clean(one.target):<{wide}}  {one.since:%Y-%m-%d %H:%M}  {one.until:%Y-%m-%d %H:%M}  {over}{report.clean(one.reason)}"
        yield style.paint(line, dim=True) if over else line


# end


@silence.command(epilog="Example: monitor silence end rule:summit-announced")
@click.argument("target")
@options.config
def end(target: str, config_file: Path | None) -> None:
    """Tell of TARGET again from now on. What came in the meantime is not sent: 'monitor alerts' lists it."""
    target = _target(target)
    there = asyncio.run(_end_of(options.load(config_file), target))
    if there is not None:
        listed = ", ".join(report.clean(one) for one in there) or "nothing is"
        raise ConfigError(f"'{report.clean(target)[:100]}' is not silenced; what is: {listed}")
    options.show(f"{target} is silenced no more.")


async def _end_of(config: Config, target: str) -> list[str] | None:
    """Ends it; where there is nothing to end, what is silenced."""
    async with kept.open_kept(config) as store:
        return None if await store.unhush(target) else [hush.target for hush in await store.hushes()]


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
