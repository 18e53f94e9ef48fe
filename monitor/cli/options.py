"""What commands share: their options, and how they print."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import config as settings
from monitor import log, report
from monitor.report import Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.config import Config
    from rules import Problem

FILE = click.Path(dir_okay=False, path_type=Path)

config = click.option("--config", "config_file", type=FILE, help="Settings; else $MONITOR_CONFIG, else monitor.yaml.")
rules = click.option("--rules", "rules_file", type=FILE, help="Rules; else $MONITOR_RULES, else what the settings say.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON value a line, whatever stdout is.")
paths = click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
jobs = click.option("--jobs", type=click.IntRange(1, 64), help="Processes that match [default: 1; more for many articles].")


def logs_json() -> bool:
    """Whether what is logged is read by programs, so that nothing else may stand there."""
    style = settings.logging(settings.environment()).style
    return style == "json" if style else not sys.stderr.isatty()


def load(
    config_file: Path | None,
    rules_file: Path | None = None,
    *,
    level: str = "WARNING",
    tell: Callable[[Iterable[Problem]], None] | None = None,
) -> Config:
    """The settings, having told their warnings and set up logging: from `level` on, unless MONITOR_LOG says otherwise."""
    environment = settings.environment()
    chosen = settings.logging(environment)
    log.start(
        sys.stderr, style=chosen.style, level=chosen.level or level, colour=sys.stderr.isatty() and settings.colours(environment)
    )
    config = settings.load(config_file, environment)
    (tell or warn)(config.warnings)
    return replace(config, rules=rules_file) if rules_file else config


def load_or_lend(config_file: Path | None, rules_file: Path | None) -> Config:
    """The settings; where nobody says where the rules are and none lie here, with the rules that the monitor came with."""
    config = load(config_file, rules_file)
    named = rules_file or settings.environment().get("MONITOR_RULES") or config.file
    if named or config.rules.exists():
        return config
    home = Path(report.__file__).resolve().parent
    lent = next(path for path in (home.parent / "rules.yaml", home / "starter" / "rules.yaml") if path.exists())
    click.echo(f"no rules.yaml here: using those that came with the monitor, {lent}", err=True)
    return replace(config, rules=lent)


def warn(problems: Iterable[Problem]) -> None:
    """Tells what is worth a look."""
    for problem in problems:
        click.echo(f"{problem} (warning)", err=True)


def style() -> Style:
    """How to write on stdout: colour on a terminal, unless NO_COLOR asks for none."""
    colour = sys.stdout.isatty() and settings.colours(settings.environment())
    return Style(colour=colour, width=min(100, shutil.get_terminal_size((100, 24)).columns - 1))


class Enough(Exception):
    """Nobody reads our results any more: `monitor alerts | head`."""


def show(text: str) -> None:
    """A result on stdout. What is not in its encoding shows as an escape rather than ending the command. Raises Enough."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    except BrokenPipeError as error:
        raise Enough from error


def line(value: Mapping[str, Any]) -> None:
    """A result as one line of JSON."""
    show(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
