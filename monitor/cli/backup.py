"""`monitor backup` and `monitor restore`: a copy of all that is kept, beside a running monitor, and that copy put back."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from monitor import report
from monitor.app import saving
from monitor.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.stores.backup import Saved


@click.command(epilog="Example: monitor backup backups/news.db --keep 7", short_help="Copy the store to a file.")
@click.argument("path", type=options.FILE)
@options.config
@click.option("--force", is_flag=True, help="Put it in the place of a file that is there.")
@click.option(
    "--keep", type=click.IntRange(1, 10_000), help="Write the time into the name, and remove the oldest but for so many."
)
def backup(path: Path, config_file: Path | None, force: bool, keep: int | None) -> None:  # noqa: FBT001 - an option
    """Copy all that is kept, as it is at one moment, to one file; a running monitor is not held up.

    It is read through and on the disk before it bears its name. Only you may read it: it holds what receivers answered.
    'monitor restore' puts it back.
    """
    config = options.load(config_file)
    place = saving.dated(path, datetime.now(UTC)) if keep else path
    saved = saving.back_up(config, place, _progress, force=force)
    options.show(f"Backed up to {saved.path}: {_told(saved)}.")
    gone = saving.thin_out(path, keep) if keep else 0
    if gone:
        options.show(f"Removed {report.count(gone, 'older backup')}.")


@click.command(epilog="Example: monitor restore backups/news.db", short_help="Put a backup in the place of the store.")
@click.argument("path", type=options.FILE)
@options.config
def restore(path: Path, config_file: Path | None) -> None:
    """Put a backup in the place of the store, which is kept under another name. Stop the monitor first.

    What came since is found again where its sources still have it, under the same ids as before: receivers that know an id may be
    told once more.
    """
    saved, aside = saving.restore(options.load(config_file), path, datetime.now(UTC), _progress)
    options.show(f"Restored {saved.path} from {path}: {_told(saved)}.")
    if aside:
        options.show(f"What was there before is {aside}: remove it once all is well.")


def _told(saved: Saved) -> str:
    waiting = f"{report.count(saved.waiting, 'delivery', 'deliveries')} waiting"
    return f"{saved.bytes / 1e6:,.1f} MB, {report.count(saved.alerts, 'alert')}, {waiting}"


def _progress(done: int, all_: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{100 * done // max(1, all_):3} %" + ("\n" if done == all_ else ""), nl=False, err=True)
