"""`monitor deliveries replay`: what was given up, or is named, is due again, with the same id and bytes."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from monitor import report
from monitor.app import book, kept, postroom
from monitor.cli import options
from monitor.cli.deliveries import find, known
from monitor.cli.times import Since

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Told

ALL = 1_000_000
"""Deliveries that are replayed at once, at most."""
STEP = 500
"""Deliveries that are made due in one go."""


@click.command(
    epilog="Example: monitor deliveries replay --receiver desk --since 7d --dry-run", short_help="Send again what was given up."
)
@click.argument("alerts", nargs=-1, metavar="[ALERT]...")
@click.option("--receiver", metavar="NAME", help="Only what is for this receiver.")
@click.option(
    "--state", type=click.Choice(["dead", "waiting", "parked", "sent"]), help="Only in this state [default: dead; of ALERT: all]."
)
@click.option("--since", type=Since(), help="Only what was first due since then: a time, or how long ago (7d).")
@click.option("--dry-run", is_flag=True, help="Only say how many of which there are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.config
def replay(  # noqa: PLR0913, PLR0917 - options
    alerts: tuple[str, ...],
    receiver: str | None,
    state: str | None,
    since: datetime | None,
    dry_run: bool,  # noqa: FBT001 - an option
    yes: bool,  # noqa: FBT001 - an option
    config_file: Path | None,
) -> None:
    """Send again what was given up, or what is named: the same bytes under the same webhook-id, with all attempts anew.

    Without ALERT and --state it is all that was given up. A running monitor sends it at once, else the next one does. What was
    sent already goes out again only by its name or with --state sent; receivers that heed the webhook-id drop it as a repeat.
    """
    config = options.load(config_file)
    wish = Wish(alerts=alerts, receiver=receiver, state=state, since=since)
    chosen = asyncio.run(_chosen(config, wish))
    if not chosen:
        click.echo("Nothing to replay: 'monitor deliveries list' has all there is.", err=True)
        return
    for line in _announced(chosen, config):
        click.echo(line, err=True)
    if dry_run:
        options.show(f"Would replay {report.count(len(chosen), 'delivery', 'deliveries')}.")
        return
    if not yes and sys.stdin.isatty():
        click.confirm("Replay them?", abort=True, err=True)
    done = asyncio.run(_requeue(config, chosen))
    left = f"; {len(chosen) - done:,} of them under way or settled meanwhile" if done < len(chosen) else ""
    by = "the running monitor sends now" if kept.is_running(config) else "'monitor run' sends"
    options.show(f"{report.count(done, 'delivery', 'deliveries')} due again{left}: {by}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to replay."""

    alerts: Sequence[str] = ()
    receiver: str | None = None
    state: str | None = None
    since: datetime | None = None

    def fits(self, one: Told) -> bool:
        """Whether it is to be replayed, given that it is of a named alert, or that none is named."""
        wanted = {self.state} if self.state else {"dead", "waiting", "parked", "sent"} if self.alerts else {"dead"}
        late = self.since is None or (one.since or one.at) >= self.since
        return one.state in wanted and late and self.receiver in (None, one.sink)


async def _chosen(config: Config, wish: Wish) -> list[Told]:
    async with kept.open_kept(config) as store:
        if wish.receiver is not None:
            known(wish.receiver, config, await store.backlog())
        if wish.alerts:
            named = [(await find(store, id)).id for id in dict.fromkeys(wish.alerts)]
            told = [one for id in named for one in await store.told(id)]
        else:
            told = await store.deliveries(sink=wish.receiver, state=wish.state or "dead", limit=ALL)
        return [one for one in told if wish.fits(one)]


def _announced(chosen: Sequence[Told], config: Config) -> Iterator[str]:
    """How many of which, and what is to be known before."""
    states, sinks = Counter(one.state for one in chosen), Counter(one.sink for one in chosen)
    words = {"dead": "given up", "waiting": "waiting", "parked": "parked", "sent": "sent already"}
    which = ", ".join(f"{states[state]:,} {word}" for state, word in words.items() if states[state])
    whose = ", ".join(f"{number:,} for {report.clean(sink)}" for sink, number in sorted(sinks.items()))
    yield f"{report.count(len(chosen), 'delivery', 'deliveries')}: {which}; {whose}."
    if states["sent"]:
        yield "What was sent already carries the same webhook-id as before: a receiver that heeds it drops the repeat."
    if states["parked"]:
        yield "What is parked stays so until its receiver is enabled: monitor receivers enable NAME"
    for sink in sorted(set(sinks) - postroom.names(config)):
        yield f"'{report.clean(sink)}' is not in monitor.yaml: what is for it waits until it is."


async def _requeue(config: Config, chosen: Sequence[Told]) -> int:
    """How many were made due, some hundred at a time, so that a running monitor can write in between."""
    keys, at = [(one.alert, one.sink) for one in chosen], book.now()
    async with kept.open_kept(config) as store:
        return sum([await store.requeue(keys[start : start + STEP], at) for start in range(0, len(keys), STEP)])
