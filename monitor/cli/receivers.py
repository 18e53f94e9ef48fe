"""`monitor receivers`: who is told, whether they take it, and what lies there for them; try one out, park it, let it flow again."""

from __future__ import annotations

import asyncio
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from monitor import breaker, report
from monitor.app import book, kept, postroom, tryout
from monitor.cli import options
from monitor.envelope import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.app.postroom import Box
    from monitor.app.tryout import Answer
    from monitor.config import Config
    from monitor.report import Style

LONGEST = 500
"""Characters of a reason."""
SAID = 300
"""Characters of an answer that are shown."""
COLOURS = {"ok": "green", "new": "cyan", "unsure": "yellow", "unknown": "yellow"}
"""Of the states; what is not here is for somebody to look after."""


@click.group(epilog="Example: monitor receivers test desk")
def receivers() -> None:
    """List the receivers and how they are; send one a sample; park what is for one, and let it flow again."""


def _words() -> str:
    """What the states mean, in lines that click leaves as they are."""
    wide = max(map(len, postroom.STATES)) + 2
    told = (textwrap.fill(f"{word:<{wide}}{means}", 78, subsequent_indent=" " * wide) for word, means in postroom.STATES.items())
    return "\n".join(told)


@receivers.command(
    "list",
    epilog="Example: monitor receivers list --json | jq 'select(.state == \"disabled\")'",
    help=f"List every receiver: its state, why it is so, and what lies in the outbox for it.\n\nThe states:\n\n\b\n{_words()}",
    short_help="List every receiver: its state, why, and what lies there for it.",
)
@options.config
@options.as_json
def list_(config_file: Path | None, as_json: bool) -> None:  # noqa: D103, FBT001 - its help stands above; an option
    config, now = options.load(config_file), datetime.now(UTC)
    found = asyncio.run(_boxes(config))
    if as_json:
        for one in found:
            options.line(plain(one, now))
    elif found:
        options.show("\n".join(table(found, now, options.style())))
    else:
        click.echo("No receivers: all alerts go to the terminal, and to 'monitor alerts'.", err=True)


async def _boxes(config: Config) -> list[Box]:
    if not kept.exists(config):
        return postroom.boxes(config)  # no monitor ever ran: all are new
    async with kept.open_kept(config) as store:
        return await postroom.look(store, config)


def plain(one: Box, now: datetime) -> dict[str, Any]:
    """A receiver for programs."""
    wishes, state, lying = one.receiver.wishes if one.receiver else None, one.breaker, one.backlog
    return {
        "id": one.id,
        "form": one.form,
        "host": one.host,
        "levels": list(wishes.levels) if wishes else [],
        "tags": list(wishes.tags) if wishes else [],
        "rules": list(wishes.rules) if wishes else [],
        "kinds": list(wishes.kinds) if wishes else [],
        "state": one.state,
        "why": one.why(now),
        "failures": state.failures,
        "since": _iso(state.since),
        "due": _iso(state.due),
        "reason": state.reason,
        "waiting": lying.waiting,
        "gathered": lying.collected,
        "oldest": _iso(lying.oldest),
        "sent": lying.sent,
        "dead": lying.dead,
    }


def table(found: Sequence[Box], now: datetime, style: Style) -> Iterator[str]:
    """A line each, in columns; below it what it wants, and what is the matter."""
    rows = [("RECEIVER", "STATE", "FORM", "HOST"), *((report.clean(one.id), one.state, one.form, one.host) for one in found)]
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    wide[3] = max(len("HOST"), min(wide[3], style.width - sum(wide[:3]) - 6 - len(_NUMBERS)))
    head, *others = ("  ".join(f"{_cut(text, n):<{n}}" for text, n in zip(row, wide, strict=True)) for row in rows)
    yield style.paint(head + _NUMBERS, dim=True)
    for one, line in zip(found, others, strict=True):
        start, end = wide[0] + 2, wide[0] + 2 + wide[1]
        state = style.paint(line[start:end], fg=COLOURS.get(one.state, "red"))
        yield f"{line[:start]}{state}{line[end:]}{one.backlog.waiting:>9,}{one.backlog.sent:>9,}{one.backlog.dead:>10,}"
        yield from _below(one, now, style)


_NUMBERS = "  WAITING     SENT  GIVEN UP"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _below(one: Box, now: datetime, style: Style) -> Iterator[str]:
    paint: list[tuple[str, dict[str, Any]]] = [
        (wants(one), {"dim": True}),
        (one.why(now), {"fg": COLOURS.get(one.state, "red")}),
        (_lying(one, now), {}),
    ]
    for text, how in paint:
        for line in textwrap.wrap(text, style.width, initial_indent="    ", subsequent_indent="      "):
            yield style.paint(line, **how)


def wants(one: Box) -> str:
    """What it takes, where that is not everything."""
    if one.receiver is None:
        return ""
    wishes = one.receiver.wishes
    told = {"levels": wishes.levels, "tags": wishes.tags, "rules": wishes.rules, "kinds": wishes.kinds}
    only = [f"{name} {', '.join(map(report.clean, values))}" for name, values in told.items() if values]
    return f"takes {'; '.join(only)}" if only else ""


def _lying(one: Box, now: datetime) -> str:
    """What waits, where that is not said with the state."""
    said = one.lying(now) if one.backlog.waiting and one.state in ("ok", "new", "unsure") else ""
    gathered = f"{one.backlog.collected:,} gathered for its digest" if one.backlog.collected else ""
    return "; ".join(filter(None, (said, gathered)))


# test


@receivers.command(
    epilog="Example: monitor receivers test desk && echo 'desk hears us'",
    short_help="Send NAME a sample, and say what came back.",
)
@click.argument("name")
@options.as_json
@options.config
@click.pass_context
def test(context: click.Context, name: str, as_json: bool, config_file: Path | None) -> None:  # noqa: FBT001 - an option
    """Send NAME one sample alert, and say what came back: 0 if it was taken, 1 if not.

    It is signed and in the receiver's own format, says that it is a test, and has the type monitor.test where there are types.
    Nothing is kept of it, and a disabled receiver stays so.
    """
    config = options.load(config_file)
    receiver = next((one for one in config.receivers if one.id == name), None)
    if receiver is None:
        raise postroom.nobody(name, [one.id for one in config.receivers])
    answer = asyncio.run(tryout.try_out(config, receiver, book.now))
    advice = tryout.advice(answer.failure, receiver.form) if answer.failure else ""
    if as_json:
        options.line(_answered(name, answer, advice))
    else:
        box = next(one for one in postroom.boxes(config) if one.id == name)
        options.show("\n".join(_told(box, answer, advice, options.style())))
    context.exit(1 if answer.failure else 0)


def _answered(name: str, answer: Answer, advice: str) -> dict[str, Any]:
    failure = answer.failure
    return {
        "receiver": name,
        "taken": failure is None,
        "id": answer.id,
        "took": round(answer.took, 3),
        "status": answer.receipt.status,
        "answer": answer.receipt.excerpt,
        "trouble": failure.kind if failure else None,
        "reason": str(failure) if failure else None,
        "advice": advice or None,
    }


def _told(box: Box, answer: Answer, advice: str, style: Style) -> Iterator[str]:
    failure, took = answer.failure, f"after {answer.took:.2f} s"
    status = f": {_status(box.form, answer.receipt.status)}" if answer.receipt.status else ""
    word = style.paint("taken", fg="green", bold=True) if failure is None else style.paint("not taken", fg="red", bold=True)
    yield f"{report.clean(box.id)} ({box.form}, {report.clean(box.host)}): {word} {took}{status}"
    if failure is not None:
        yield from _wrapped(f"why      {report.clean(str(failure))}", style)
    if answer.receipt.excerpt:
        yield from _wrapped(f"it said  {report.clean(answer.receipt.excerpt)[:SAID]}", style)
    if advice:
        yield from _wrapped(f"look at  {advice}", style)
    yield from _wrapped(f"id       {answer.id}", style)


def _status(form: str, status: int) -> str:
    return f"{'SMTP' if form == 'email' else 'HTTP'} {status}"


def _wrapped(text: str, style: Style) -> list[str]:
    return textwrap.wrap(text, style.width, initial_indent="    ", subsequent_indent=" " * 13)


# enable, disable


@receivers.command(epilog="Example: monitor receivers enable desk", short_help="Let what is for NAME flow again.")
@click.argument("name")
@options.config
def enable(name: str, config_file: Path | None) -> None:
    """Let what is for NAME flow again, though it was disabled or fails: all that waits is due at once, oldest first."""
    config = options.load(config_file)
    before = asyncio.run(_enable(config, name))
    if before.state not in ("disabled", "failing"):
        options.show(f"{name} is enabled already: {postroom.STATES[before.state]}.")
        return
    by = "the running monitor sends now" if kept.is_running(config) else "'monitor run' sends"
    options.show(f"{name} is enabled: {_what(before.backlog.waiting, by)}.")


def _what(waiting: int, by: str) -> str:
    return (
        f"{by} what waited, {report.count(waiting, 'delivery', 'deliveries')}, oldest first"
        if waiting
        else "nothing waited for it"
    )


async def _enable(config: Config, name: str) -> Box:
    async with kept.open_kept(config) as store:
        box = _picked(await postroom.look(store, config), name)
        if box.breaker.state != "closed":
            await store.keep_breaker(breaker.enabled(box.breaker), book.now())
        return box


@receivers.command(
    epilog="Example: monitor receivers disable desk --reason 'its server moves on Sunday'", short_help="Park what is for NAME."
)
@click.argument("name")
@click.option("--reason", required=True, help="Why: others will want to know.")
@options.config
def disable(name: str, reason: str, config_file: Path | None) -> None:
    """Send NAME nothing more until it is enabled: what is for it is parked, and nothing of it is lost."""
    config, reason = options.load(config_file), report.clean(reason)
    if not 0 < len(reason) <= LONGEST:
        raise click.UsageError(f"--reason has {len(reason)} characters: expected 1 to {LONGEST}")
    asyncio.run(_disable(config, name, reason))
    options.show(f"{name} is disabled: what is for it is parked. To let it flow again: monitor receivers enable {name}")


async def _disable(config: Config, name: str, reason: str) -> None:
    now = book.now()
    async with kept.open_kept(config) as store:
        box = _picked(await postroom.look(store, config), name)
        await store.keep_breaker(postroom.shut(box.breaker, reason, now), now)


def _picked(found: Sequence[Box], name: str) -> Box:
    box = next((one for one in found if one.id == name and one.named), None)
    if box is None:
        raise postroom.nobody(name, [one.id for one in found if one.named])
    return box


def _iso(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
