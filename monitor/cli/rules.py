"""`monitor rules list` and `monitor rules show`: the rules that there are, and what one of them means in plain English."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

from monitor import report
from monitor.app import marks
from monitor.app.book import Book, read_rules
from monitor.cli import options
from rules.describe import ReadBack, read_back, shortened
from rules.load import parse_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config, Receiver
    from monitor.report import Style
    from rules import Rule
    from rules.examples import Example


@click.group(epilog="Example: monitor rules show summit-announced")
def rules() -> None:
    """List the rules, or read one back in plain English."""


@rules.command("list", epilog="Example: monitor rules list --json | jq -r 'select(.status == \"draft\") | .id'")
@options.as_json
@options.rules
@options.config
def list_(as_json: bool, rules_file: Path | None, config_file: Path | None) -> None:  # noqa: FBT001 - an option
    """List every rule: its level and status, who is told, and how many examples it has (+ to match, - to skip)."""
    config = options.load(config_file, rules_file)
    book = _book(config)
    if as_json:
        for rule in book.ruleset.rules:
            options.line(summary(rule, config.receivers))
    else:
        options.show("\n".join(table(book.ruleset.rules, config.receivers, options.style())))


@rules.command(epilog="Example: monitor rules show summit-announced --full")
@click.argument("id", metavar="ID")
@click.option("--full", is_flag=True, help="Write the lists out in full.")
@options.as_json
@options.rules
@options.config
def show(id: str, full: bool, as_json: bool, rules_file: Path | None, config_file: Path | None) -> None:  # noqa: FBT001 - options
    """Read the rule ID back: when it fires, what counts as the same event, and who is told."""
    config = options.load(config_file, rules_file)
    book = _book(config)
    rule = marks.find_rule(book, id)
    read = read_back(parse_files(book.files, book.main, limits=book.limits), id)
    if as_json:
        options.line(plain(rule, read, config.receivers))
    else:
        options.show("\n".join(told(rule, read, config.receivers, options.style(), full=full)))


def _book(config: Config) -> Book:
    book = read_rules(config.rules, config.limits)
    options.warn(book.ruleset.warnings)
    return book


# Who is told


def audience(rule: Rule, receivers: Sequence[Receiver]) -> list[str]:
    """The receivers that an alert of the rule goes to; `terminal` where there are none."""
    if rule.status != "active":
        return []
    if not receivers:
        return ["terminal"]
    if rule.notify is not None:
        return list(rule.notify)
    return [one.id for one in receivers if _takes(one, rule)]


def _takes(receiver: Receiver, rule: Rule) -> bool:
    """As the planner has it: a receiver takes what its levels and tags say."""
    return (not receiver.levels or rule.level in receiver.levels) and (not receiver.tags or bool({*receiver.tags} & {*rule.tags}))


def _audience_said(rule: Rule, receivers: Sequence[Receiver]) -> str:
    if rule.status == "draft":
        return "Tells nobody, since it is a draft: what it finds is only recorded."
    if rule.status == "deprecated":
        return "Tells nobody, since it is deprecated: it is not asked any more."
    if not receivers:
        return "Shows on the terminal, since no receivers are configured."
    found = audience(rule, receivers)
    return f"Tells {', '.join(found)}." if found else "Tells nobody: no receiver takes its level and tags."


# For people


def table(listed: Sequence[Rule], receivers: Sequence[Receiver], style: Style) -> Iterator[str]:
    """A line a rule, under a heading."""
    rows = [("ID", "LEVEL", "STATUS", "TAGS", "TELLS", "EXAMPLES"), *(_row(rule, receivers) for rule in listed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for n, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield style.paint(line, dim=True) if n == 0 else line
    yield report.count(len(listed), "rule")


def _row(rule: Rule, receivers: Sequence[Receiver]) -> tuple[str, ...]:
    plus, minus = _examples(rule.examples)
    told = ", ".join(audience(rule, receivers)) or "nobody"
    return rule.id, rule.level, rule.status, ", ".join(rule.tags) or "-", told, f"+{plus} -{minus}"


def told(rule: Rule, read: ReadBack, receivers: Sequence[Receiver], style: Style, *, full: bool = False) -> Iterator[str]:
    """A rule in sentences."""
    yield f"{style.paint(rule.id, bold=True)}  {report.clean(rule.title)}"
    yield style.paint(f"{rule.file}:{rule.line}, version {rule.version}", dim=True)
    yield from _paragraph(rule.description, style)
    yield ""
    for line in read.fires:
        yield from _lines(line, style)
    for name, entries in read.lists:
        yield ""
        yield from _list(name, entries, style, full=full)
    yield from _paragraph(read.same, style)
    for label in read.labels:
        yield from _paragraph(f"The label {label}.", style)
    yield from _paragraph(f"{_audience_said(rule, receivers)} {_about(rule)}", style)
    yield from _paragraph(_proof(rule), style)
    for reference in rule.references:
        yield f"See {report.clean(reference)}"


def _list(name: str, entries: Sequence[str], style: Style, *, full: bool) -> Iterator[str]:
    if not full:
        yield from _lines(f"${name}: {shortened([entry.partition(' (also ')[0] for entry in entries])}", style)
        return
    yield f"${name}:"
    for entry in entries:
        yield from _lines(f"  {entry}", style)


def _about(rule: Rule) -> str:
    tags = f", tagged {', '.join(rule.tags)}" if rule.tags else ""
    owner = f" {rule.owner} answers for it." if rule.owner else ""
    return f"Its level is {rule.level}{tags}.{owner}"


def _proof(rule: Rule) -> str:
    plus, minus = _examples(rule.examples)
    return f"Its own examples: {report.count(plus, 'article')} that it must match, {minus} that it must skip."


def _examples(examples: Sequence[Example]) -> tuple[int, int]:
    plus = sum(one.match for one in examples)
    return plus, len(examples) - plus


def _paragraph(text: str, style: Style) -> Iterator[str]:
    if text:
        yield ""
        yield from _lines(text, style)


def _lines(text: str, style: Style) -> list[str]:
    """The text at its own indentation, wrapped under its first word."""
    body = text.lstrip(" -")
    indent = text[: len(text) - len(body)]
    return textwrap.wrap(report.clean(body), max(40, style.width), initial_indent=indent, subsequent_indent=" " * len(indent))


# For programs


def summary(rule: Rule, receivers: Sequence[Receiver]) -> dict[str, Any]:
    """What the list knows of a rule."""
    plus, minus = _examples(rule.examples)
    return {
        "id": rule.id,
        "title": rule.title,
        "level": rule.level,
        "status": rule.status,
        "tags": list(rule.tags),
        "tells": audience(rule, receivers),
        "examples": {"match": plus, "skip": minus},
        "version": rule.version,
        "file": rule.file,
        "line": rule.line,
    }


def plain(rule: Rule, read: ReadBack, receivers: Sequence[Receiver]) -> dict[str, Any]:
    """All there is to know of a rule."""
    return {
        **summary(rule, receivers),
        "description": rule.description,
        "owner": rule.owner,
        "references": list(rule.references),
        "fires": "\n".join(read.fires),
        "same_event": read.same,
        "labels": list(read.labels),
        "lists": {name: list(entries) for name, entries in read.lists},
    }
