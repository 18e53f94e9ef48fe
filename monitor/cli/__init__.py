"""The command line. Results go to stdout; what goes on and what went wrong, to stderr.

Exit codes: 0 done; 1 what was asked about is not well; 2 usage or configuration; 3 done, some input was skipped;
75 'run' cannot open or write its store for now.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from monitor import __version__
from monitor.cli import letter, options, resend
from monitor.cli.ack import ack
from monitor.cli.articles import articles
from monitor.cli.author import missed, test, wrong
from monitor.cli.backtest import backtest
from monitor.cli.backup import backup, restore
from monitor.cli.begin import init
from monitor.cli.check import check, print_schema
from monitor.cli.deliveries import deliveries
from monitor.cli.events import events
from monitor.cli.explain import explain
from monitor.cli.feeds import feeds
from monitor.cli.look import alerts, status
from monitor.cli.prune import prune
from monitor.cli.receivers import receivers
from monitor.cli.replay import match, replay
from monitor.cli.rules import rules
from monitor.cli.silence import silence
from monitor.cli.watch import run
from monitor.errors import MonitorError
from rules import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_SETTINGS = 2
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="monitor", message="%(prog)s %(version)s")
def monitor() -> None:
    """A tripwire for news: one alert per event, with the sentence that proves it.

    \b
    monitor init             write monitor.yaml and rules.yaml to start from
    monitor replay seeds/    see what the rules find in saved articles
    monitor run              watch the feeds, and tell the receivers
    """  # noqa: D301 - \b is the character that tells click to leave lines as they are


for command in (
    run,
    replay,
    match,
    test,
    missed,
    backtest,
    status,
    feeds,
    articles,
    alerts,
    events,
    deliveries,
    receivers,
    silence,
    prune,
    backup,
    restore,
    init,
    check,
    explain,
    rules,
    print_schema,
):
    monitor.add_command(command)
alerts.add_command(wrong)
alerts.add_command(ack)
deliveries.add_command(letter.show)
deliveries.add_command(resend.replay)


def main() -> None:
    """The `monitor` command."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Runs one command line, says in plain words what went wrong, and gives its exit code."""
    try:
        code = monitor.main(list(arguments), prog_name="monitor", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Invalid as error:
        return _told(str(error))
    except MonitorError as error:
        return _told(f"monitor: {error}")
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (options.Enough, BrokenPipeError):
        # What is left in the buffer must go somewhere, or Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a folder that cannot be written to, a full disk
        return _told(f"monitor: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")
    return code if isinstance(code, int) else 0


def _told(message: str) -> int:
    click.echo(message, err=True)
    return BAD_SETTINGS
