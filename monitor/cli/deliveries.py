"""`monitor deliveries`: what was sent to whom, what waits, what was given up; look into one, and send again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from monitor import report
from monitor.app import kept, postroom
from monitor.cli import options
from monitor.envelope import stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Alert, Backlog, Breaker, Told
    from monitor.ports import Store
    from monitor.report import Style

STATES = {
    "dead": "given up: kept, and sent again by 'monitor deliveries replay'",
    "parked": "its receiver is disabled",
    "waiting": "to be sent, or under way",
    "digest": "gathered for the receiver's next digest",
    "sent": "the receiver took it",
}
"""How a delivery can stand, and what that means; what somebody should look at first."""
COLOURS = {"dead": "red", "parked": "magenta", "waiting": "yellow", "digest": "cyan", "sent": "green"}
NEAR = 200
"""Latest alerts among which one that is misspelt is looked for."""


@click.group(epilog="Example: monitor deliveries list --state dead")
def deliveries() -> None:
    """List what was sent to whom, what waits and what was given up; look into one; send again."""


# list


def _words() -> str:
    """What the states mean, in lines that click leaves as they are."""
    wide = max(map(len, STATES)) + 2
    return "\n".join(f"{word:<{wide}}{means}" for word, means in STATES.items())


@deliveries.command(
    "list",
    epilog="Example: monitor deliveries list --receiver desk --state dead --json | jq -r .alert",
    help=(
        "List deliveries: the time at which each was first due, its state, its receiver, and why it is so.\n\n"
        "What was given up comes first, then what is not sent yet, then what was sent; of each the newest first. The states:\n\n"
        f"\b\n{_words()}"
    ),
    short_help="List deliveries, those that need a look first.",
)
@click.option("--state", type=click.Choice(list(STATES)), help="Only in this state.")
@click.option("--receiver", metavar="NAME", help="Only for this receiver.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many, newest first.")
@options.as_json
@options.config
def list_(state: str | None, receiver: str | None, limit: int, as_json: bool, config_file: Path | None) -> None:  # noqa: D103, FBT001 - its help stands above; an option
    found = asyncio.run(_found(options.load(config_file), state, receiver, limit))
    now = datetime.now(UTC)
    if as_json:
        for one in found.told:
            options.line(plain(one, found.titles.get(one.alert, "")))
        return
    if found.told:
        options.show("\n".join(table(found, now, options.style())))
    click.echo(_sum(found), err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Deliveries, the titles of their alerts, and how their receivers are. `lying`: how many there are in all."""

    told: Sequence[Told]
    titles: Mapping[str, str]
    breakers: Mapping[str, Breaker]
    named: Collection[str] = ()
    """The receivers that there are."""
    lying: Sequence[Backlog] = ()


async def _found(config: Config, state: str | None, receiver: str | None, limit: int) -> Found:
    async with kept.open_kept(config) as store:
        lying = await store.backlog()
        if receiver is not None:
            known(receiver, config, lying)
        told: list[Told] = []
        for one in [state] if state else STATES:
            told += await store.deliveries(sink=receiver, state=one, limit=limit - len(told)) if len(told) < limit else []
        return Found(
            told=told,
            titles=await _titles(store, told),
            breakers={one.sink: one for one in await store.breakers()},
            named=postroom.names(config),
            lying=[one for one in lying if receiver in (None, one.sink)],
        )


async def _titles(store: Store, told: Sequence[Told]) -> dict[str, str]:
    found = {id: await store.alert(id) for id in dict.fromkeys(one.alert for one in told)}
    return {id: alert.title for id, alert in found.items() if alert}


def known(receiver: str, config: Config, lying: Sequence[Backlog]) -> None:
    """Raises ConfigError where neither monitor.yaml nor the outbox knows of the receiver."""
    there = {one.id for one in config.receivers} | {one.sink for one in lying}
    if receiver not in there:
        raise postroom.nobody(receiver, there)


def plain(one: Told, title: str) -> dict[str, Any]:
    """A delivery for programs. `next`: when it is tried; None: it is not, or not before somebody does something."""
    waits = one.state in ("waiting", "digest")
    return {
        "alert": one.alert,
        "receiver": one.sink,
        "state": one.state,
        "title": title,
        "since": stamp(one.since or one.at),
        "sent": stamp(one.at) if one.state == "sent" else None,
        "next": stamp(one.at) if waits else None,
        "attempts": one.attempts,
        "reason": one.reason,
    }


def table(found: Found, now: datetime, style: Style) -> Iterator[str]:
    """Two lines each, under a heading: how it stands; what it is."""
    wide = max(len("RECEIVER"), *(len(report.clean(one.sink)) for one in found.told))
    start = 16 + 2 + 7 + 2 + wide + 2
    yield style.paint(f"{'FIRST DUE (UTC)':<16}  STATE    {'RECEIVER':<{wide}}  HOW IT STANDS", dim=True)
    for one in found.told:
        state = style.paint(f"{one.state:<7}", fg=COLOURS.get(one.state, "red"))
        how = _cut(stands(one, found.breakers.get(one.sink), now, found.named), style.width - start)
        yield f"{one.since or one.at:%Y-%m-%d %H:%M}  {state}  {report.clean(one.sink):<{wide}}  {how}".rstrip()
        title = _cut(report.clean(found.titles.get(one.alert, "")), style.width - 18 - len(one.alert) - 2)
        yield f"{'':18}{style.paint(report.clean(one.alert), dim=True)}  {title}".rstrip()


def stands(one: Told, breaker: Breaker | None, now: datetime, named: Collection[str]) -> str:
    """How far it got, and what is next, in a few words. `named`: the receivers that there are."""
    tries, why = report.count(one.attempts, "try", "tries"), f": {report.clean(one.reason)}" if one.reason else ""
    match one.state:
        case "sent":
            return f"{postroom.clock(one.at, now)}, {tries}"
        case "dead":
            return f"given up after {tries}{why}"
        case "parked":
            return f"{report.clean(one.sink)} is disabled{f', {tries}{why}' if one.attempts else ''}"
        case "digest":
            return f"with the digest of {postroom.clock(one.at, now)}" if one.at > now else "with the next digest"
        case _ if one.sink not in named:
            return f"{report.clean(one.sink)} is not in monitor.yaml"
        case _ if breaker and breaker.state == "open":
            return f"once {report.clean(one.sink)} is back{f', {tries}{why}' if one.attempts else ''}"
        case _ if one.attempts:
            return f"{tries}, next {postroom.clock(one.at, now)}{why}"
        case _:
            return f"from {postroom.clock(one.at, now)}" if one.at > now else "is due"


def _sum(found: Found) -> str:
    """How many there are in all, and whether some are not shown."""
    lying = found.lying
    dead, waiting = sum(one.dead for one in lying), sum(one.waiting for one in lying)
    gathered, sent = sum(one.collected for one in lying), sum(one.sent for one in lying)
    left = dead + waiting + gathered + sent
    told = f"In all {dead:,} given up, {waiting:,} waiting, {gathered:,} gathered for a digest, {sent:,} sent"
    return told + ("; more with --limit or --state." if left > len(found.told) else ".")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: max(0, longest - 1)].rstrip() + "…"


async def find(store: Store, id: str) -> Alert:
    """The alert of this id. Raises ConfigError, with those that are spelt nearly so."""
    found = await store.alert(id)
    if found is None:
        latest = [one.id for one in await store.alerts(limit=NEAR)]
        raise postroom.no_alert(id, latest)
    return found
