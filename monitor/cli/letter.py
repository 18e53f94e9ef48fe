"""`monitor deliveries show`: one delivery with each attempt, and what is sent."""

from __future__ import annotations

import asyncio
import json
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import click

from monitor import report
from monitor.app import kept, postroom
from monitor.cli import options
from monitor.cli.deliveries import COLOURS, find, plain, stands
from monitor.envelope import stamp
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import Alert, Attempt, Breaker, Delivery, Told
    from monitor.ports import Store
    from monitor.report import Style

TEXT = 20_000
"""Characters of a body that are shown."""


@click.command(
    epilog="Example: monitor deliveries show alt_0123456789abcdefghijklmnop desk", short_help="Show all there is of a delivery."
)
@click.argument("alert")
@click.argument("receiver", required=False)
@options.as_json
@options.config
def show(alert: str, receiver: str | None, as_json: bool, config_file: Path | None) -> None:  # noqa: FBT001 - an option
    """Show all there is of an alert's deliveries, or of the one to RECEIVER: how it stands, each attempt, and what is sent."""
    config, now = options.load(config_file), datetime.now(UTC)
    letters = asyncio.run(_letters(config, alert, receiver))
    if as_json:
        for one in letters:
            options.line({**plain(one.told, one.alert.title), **_inside(one)})
    else:
        options.show("\n\n".join("\n".join(_shown(one, now, options.style())) for one in letters))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One delivery with all there is of it."""

    alert: Alert
    told: Told
    delivery: Delivery
    attempts: Sequence[Attempt]
    breaker: Breaker
    named: Collection[str]


async def _letters(config: Config, id: str, receiver: str | None) -> list[Letter]:
    async with kept.open_kept(config) as store:
        alert = await find(store, id)
        told = await store.told(alert.id)
        if receiver is not None and receiver not in {one.sink for one in told}:
            raise ConfigError(f"{alert.id} is not for '{report.clean(receiver)[:60]}': it is for {_names(told)}")
        if not told:
            raise ConfigError(
                f"{alert.id} is for nobody{f' ({report.clean(alert.held)})' if alert.held else ''}: nothing is sent of it"
            )
        wanted = [one for one in told if receiver in (None, one.sink)]
        return [letter for one in wanted if (letter := await _letter(store, config, alert, one))]


async def _letter(store: Store, config: Config, alert: Alert, one: Told) -> Letter | None:
    delivery = await store.delivery(one.alert, one.sink)
    if delivery is None:
        return None  # it went with a digest in between
    attempts = await store.attempts(one.alert, one.sink)
    breaker = await store.breaker(one.sink)
    return Letter(alert=alert, told=one, delivery=delivery, attempts=attempts, breaker=breaker, named=postroom.names(config))


def _names(told: Collection[Told]) -> str:
    return ", ".join(report.clean(one.sink) for one in told) or "nobody"


def _inside(one: Letter) -> dict[str, Any]:
    return {"body": _body(one.delivery.body), "attempts_made": [_tried(each) for each in one.attempts]}


def _tried(one: Attempt) -> dict[str, Any]:
    return {
        "at": stamp(one.began),
        "took": round(one.took.total_seconds(), 3),
        "status": one.status,
        "trouble": one.trouble,
        "reason": one.reason or None,
        "answer": one.excerpt,
        "probe": one.probe,
    }


def _body(body: bytes) -> Any:
    """What is sent, as a JSON value where it is one, else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _shown(one: Letter, now: datetime, style: Style) -> Iterator[str]:
    told = one.told
    state = style.paint(told.state, fg=COLOURS.get(told.state, "red"), bold=True)
    yield f"{state}  {style.paint(report.clean(one.alert.title), bold=True)}"
    for name, value in (
        ("alert", told.alert),
        ("receiver", told.sink),
        ("first due", f"{told.since or told.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("stands", stands(told, one.breaker, now, one.named)),
    ):
        yield from _fact(name, value, style)
    yield from _fact("attempts", "" if one.attempts else "none yet", style)
    for each in one.attempts:
        yield from _attempt(each, style)
    yield from _fact("body", f"{len(one.delivery.body):,} bytes, the same with every attempt", style)
    yield from _lines(one.delivery.body)


def _fact(name: str, value: str, style: Style) -> Iterator[str]:
    first, *others = textwrap.wrap(report.clean(value), max(20, style.width - 15)) or [""]
    yield f"    {style.paint(f'{name:<11}', dim=True)}{first}".rstrip()
    yield from (f"{'':15}{line}" for line in others)


def _attempt(one: Attempt, style: Style) -> Iterator[str]:
    well = one.trouble is None
    said = f"taken{f', {one.status}' if one.status else ''}" if well else report.clean(one.reason or str(one.trouble))
    head = f"      {one.began:%Y-%m-%d %H:%M:%S}  {one.took.total_seconds():6.2f} s  "
    first, *others = textwrap.wrap(f"{said}{' (a probe, not counted)' if one.probe else ''}", max(20, style.width - len(head)))
    yield head + style.paint(first, fg="green" if well else "red")
    yield from (" " * len(head) + line for line in others)
    if one.excerpt.strip():
        answer = f'it said "{report.clean(one.excerpt)}"'
        yield from textwrap.wrap(answer, max(20, style.width), initial_indent=" " * 8, subsequent_indent=" " * 8)


def _lines(body: bytes) -> Iterator[str]:
    """What is sent, line by line, harmless to a terminal."""
    value = _body(body)
    text = _read(body, value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    for line in text[:TEXT].splitlines():
        yield f"      {' ' * (len(line) - len(line.lstrip(' ')))}{report.clean(line)}".rstrip()
    if len(text) > TEXT:
        yield f"      … and {len(text) - TEXT:,} more characters: --json has them"


def _read(body: bytes, text: str) -> str:
    """A letter as it is read: its main headers and its text, decoded. What is none, as it is."""
    letter = message_from_bytes(body, policy=default)
    part = letter.get_body(("plain",)) if "MIME-Version" in letter else None
    if part is None:
        return text
    head = "".join(f"{name}: {letter[name]}\n" for name in ("From", "To", "Subject", "Date") if name in letter)
    return f"{head}\n{part.get_content()}"
