"""`monitor check` and `monitor schema`: what is wrong with rule files, all at once, and what may stand in them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor import config as settings
from monitor import report
from monitor.app import shelf
from monitor.cli import options
from monitor.cli.replay import FAILED
from monitor.config import Config
from monitor.errors import ConfigError
from rules import Invalid, Problem, schema, trial
from rules.lint import Known, lint
from rules.load import Parsed, gather, parse_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}
_SEVERITIES = tuple(_COLOURS)


@click.command(epilog="Example: monitor check rules.yaml --json | jq -r .message")
@click.argument("files", nargs=-1, metavar="[FILES]...", type=options.FILE)
@options.as_json
@options.rules
@options.config
@click.pass_context
def check(
    context: click.Context,
    files: tuple[Path, ...],
    as_json: bool,  # noqa: FBT001 - an option
    rules_file: Path | None,
    config_file: Path | None,
) -> None:
    """Name everything that is wrong with rule files, or could be better, with line and column.

    FILES are rule files; what they include is checked with them. Without any: the settings, and the rules that they name.
    The exit code is 1 where there is an error, 0 where there are warnings and hints only.
    """
    inspector = Inspector()
    config = inspector.settings(config_file, told=not files)
    for file in roots(files or [rules_file or config.rules]):
        inspector.rules(file, config)
    found = sorted(inspector.problems)
    for one in found:
        if as_json:
            options.line(plain(one))
        else:
            options.show(said(one))
    if not as_json:
        options.show(_summary(found, inspector))
    context.exit(FAILED if any(one.severity == "error" for one in found) else 0)


@dataclass(slots=True)
class Inspector:
    """Looks through files, each once, and keeps what it finds."""

    problems: set[Problem] = field(default_factory=set)
    seen: dict[Path, str] = field(default_factory=dict)
    count: int = 0
    """Rules that were looked at."""

    def settings(self, file: Path | None, *, told: bool) -> Config:
        """The settings, or defaults where they cannot be used. `told`: what is wrong with them is asked for."""
        try:
            config = settings.load(file, settings.environment())
        except Invalid as error:
            self.problems.update(error.problems if told else ())
            return Config()
        self.problems.update(config.warnings if told else ())
        return config

    def rules(self, file: Path, config: Config) -> None:
        """One rule file with all that it includes, and the tests beside it. Raises ConfigError where it cannot be read."""
        others, missing = gathered(file)
        self.seen |= {Path(name).resolve(): name for name in others}
        parsed = parse_files(others, str(file))
        self.count += len(parsed.rules)
        self.problems.update(parsed.problems, missing)
        known = self._known(file, parsed, config)
        self.problems.update(lint(parsed, known))

    def _known(self, file: Path, parsed: Parsed, config: Config) -> Known:
        """Receivers, and what the test files beside the rules prove."""
        tests: Iterable[trial.Test] = ()
        if not any(one.severity == "error" for one in parsed.problems):
            try:
                tests = [test for one in asyncio.run(shelf.collect(config, [file])) for test in one.tests]
            except Invalid as error:
                self.problems.update(error.problems)
            except ConfigError:
                pass  # `monitor test` tells
        covered = [trial.covered(test) for test in tests]
        return Known(
            receivers=[one.id for one in config.receivers],
            matched={id for positive, _ in covered for id in positive},
            skipped={id for _, negative in covered for id in negative},
        )


def roots(files: Sequence[Path]) -> list[Path]:
    """Those files that no other one of them includes, each once. Raises ConfigError where one cannot be read."""
    whole = {file: {Path(name).resolve() for name in gathered(file)[0]} - {file.resolve()} for file in files}
    return [file for file in whole if not any(file.resolve() in others for others in whole.values())] or list(whole)


def gathered(file: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """A rule file and what it includes, with what of that cannot be read. Raises ConfigError where it cannot be read itself."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}: name a rule file, or write one: monitor init") from error
    return gather(str(file), lambda name: content if name == str(file) else Path(name).read_bytes())


def said(problem: Problem) -> str:
    """`rules.yaml:6:18: error: unknown condition …`, as compilers and editors have it."""
    severity = options.style().paint(problem.severity, fg=_COLOURS[problem.severity], bold=True)
    return f"{problem.file}:{problem.line}:{problem.column}: {severity}: {report.clean(problem.message)}"


def _summary(found: Sequence[Problem], inspector: Inspector) -> str:
    counts = {one: sum(problem.severity == one for problem in found) for one in _SEVERITIES}
    listed = ", ".join(report.count(count, one) for one, count in counts.items() if count) or "nothing to mend"
    return f"{report.count(inspector.count, 'rule')} in {report.count(len(inspector.seen), 'file')}: {listed}"


def plain(problem: Problem) -> Mapping[str, object]:
    """A problem for programs."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity,
        "message": problem.message,
    }


@click.command("schema", epilog="Example: monitor schema > rules.schema.json")
def print_schema() -> None:
    """Print the JSON Schema of rule files, with which editors complete and check them."""
    options.show(json.dumps(schema(), ensure_ascii=False, indent=2))
