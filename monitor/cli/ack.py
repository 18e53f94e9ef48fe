"""`monitor alerts ack`: somebody looks after an event, and says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from monitor import report
from monitor.app import kept, story
from monitor.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Event

LONGEST = 500
"""Characters of a note."""


@click.command(
    epilog="Example: monitor alerts ack alt_0123456789abcdefghijklmnop --note 'Anna calls the ministry'",
    short_help="Say that somebody looks after an alert's event.",
)
@click.argument("id", metavar="ALERT|EVENT")
@click.option("--note", default="", help="What to remember of it: who does what.")
@options.config
@click.pass_context
def ack(context: click.Context, id: str, note: str, config_file: Path | None) -> None:
    """Say that somebody looks after an event, by its id or that of an alert that told of it.

    'monitor events list' and 'monitor alerts' show it. What is new of the event is told all the same: 'monitor silence event:ID'
    stops that. Doing so once more gives it the new time, and the new note if there is one.
    """
    outer = context.parent.params if context.parent else {}
    config = options.load(config_file or outer.get("config_file"))
    note = report.clean(note)
    if len(note) > LONGEST:
        raise click.UsageError(f"--note has {len(note)} characters: {LONGEST} at most")
    for event, title in asyncio.run(_acknowledged(config, id, note, datetime.now(UTC))):
        options.show(f"{event.id} is acknowledged: {report.clean(title)}")


async def _acknowledged(config: Config, id: str, note: str, at: datetime) -> list[tuple[Event, str]]:
    async with kept.open_kept(config) as store:
        found = await story.find(store, id)
        return [(event, (await story.tell(store, event)).title) for event in found if await store.acknowledge(event.id, at, note)]
