"""`monitor status` and `monitor alerts`: what a running monitor is up to, and what it found. They only read."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from monitor import envelope, report, rhythm, stores
from monitor.app import kept, postroom, standing
from monitor.cli import held, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from monitor.app.postroom import Box
    from monitor.app.standing import Standing
    from monitor.config import Config, Watched
    from monitor.model import Alert, Breaker, Event, Tally, Told, Visit
    from monitor.ports import Store

DAY = timedelta(days=1)
MOST = 1_000
FEW = 20
"""Sources, and warnings, that are told one by one."""
WELL = ("ok", "quiet", "new")
"""States that are as they should be."""
LATE = timedelta(hours=1)
"""A delivery that waits for longer means that a receiver is in trouble; visits that are later, that we are."""


@click.group(invoke_without_command=True, epilog="Example: monitor alerts --rule summit-announced --limit 5")
@options.config
@click.option("--rule", help="Only of this rule.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many, newest first.")
@options.as_json
@click.pass_context
def alerts(
    context: click.Context,
    config_file: Path | None,
    rule: str | None,
    limit: int,
    as_json: bool,  # noqa: FBT001 - an option
) -> None:
    """List what was found, newest first, also what nobody was told of, and why; say that you look after it, or that it is wrong.

    Nobody is told of what a draft finds, what is backlog or silenced, or what a rule is to wait with until more report it. Some
    are told later: with a digest, once they are not muted any more, or as the next hour begins where a rule had told enough.
    """
    if context.invoked_subcommand is not None:
        return
    config = options.load(config_file)
    found, breakers = asyncio.run(_alerts(config, rule, limit))
    for alert, seen_to, told in found:
        if as_json:
            done = [{"event": one.id, "at": _iso(one.acknowledged), "note": one.note} for one in seen_to]
            options.line({**envelope.envelope(alert), "held": alert.held, "acknowledged": done})
        else:
            options.show(_listed(alert, seen_to, [one for one in told if one.state != "sent"], breakers))


async def _alerts(
    config: Config, rule: str | None, limit: int
) -> tuple[list[tuple[Alert, list[Event], list[Told]]], dict[str, Breaker]]:
    """Alerts, those of their events that somebody looks after, and how far they got; and how the receivers are."""
    async with kept.open_kept(config) as store:
        found = await store.alerts(rule=rule, limit=limit)
        breakers = {one.sink: one for one in await store.breakers()}
        return [(alert, await _seen_to(store, alert), await store.told(alert.id)) for alert in found], breakers


async def _seen_to(store: Store, alert: Alert) -> list[Event]:
    named = dict.fromkeys(sighting.event for sighting in alert.sightings)
    return [event for id in named if (event := await store.event(id)) and event.acknowledged]


def _listed(alert: Alert, seen_to: Sequence[Event], untold: Sequence[Told], breakers: Mapping[str, Breaker]) -> str:
    style, now = options.style(), datetime.now(UTC)
    lines = [f"{alert.id}  raised {_when(alert.raised)}"]
    if alert.held:
        lines.append(style.paint(f"    nobody was told: {held.why(alert.held)}", fg="yellow"))
    lines += [style.paint(f"    {held.reached(one, now, breakers.get(one.sink))}", fg="yellow") for one in untold]
    for one in seen_to:
        note = f": {report.clean(one.note)}" if one.note else ""
        lines.append(style.paint(f"    acknowledged {_when(one.acknowledged)}{note}", fg="green"))
    return "\n".join([*lines, report.alert(envelope.envelope(alert)["data"], style)])


@click.command(epilog="Example: monitor status || echo 'look after the monitor'")
@options.config
@options.as_json
@click.pass_context
def status(context: click.Context, config_file: Path | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Say whether all is well: 0 if so, 1 if not.

    Not well is: no monitor runs, no source answers or is visited, a delivery waits for more than an hour, one was given up
    within a day, or a receiver is disabled or fails for more than 15 minutes. A source that fails while others answer, a receiver
    that fails for less, and what waits for a receiver that monitor.yaml does not name are warnings.
    """
    health = asyncio.run(_health(options.load(config_file)))
    if as_json:
        options.line(health.plain())
    else:
        options.show("\n".join(health.told()))
    context.exit(0 if not health.troubles() else 1)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What there is to know of a monitor, at one moment."""

    now: datetime
    running: bool
    sources: Sequence[str]
    visits: Sequence[Visit]
    tally: Tally
    lately: int
    """Alerts of the last day."""
    watched: Mapping[str, Watched] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes by kind of thing, in the file."""
    rules: Standing | None = None
    """What the running monitor says of its rules."""
    engine: str = ""
    """What keeps it all, and how it writes."""
    receivers: Sequence[Box] = ()

    @cached_property
    def visited(self) -> Mapping[str, Visit]:
        """The visits by source."""
        return {visit.source: visit for visit in self.visits}

    def troubles(self) -> list[str]:
        """What somebody should look after now, one line each."""
        tally, found = self.tally, [] if self.running else ["no monitor is running: start one with 'monitor run'"]
        if self.sources and sum(visit.failures > 0 for visit in self.visits) >= len(self.sources):
            found.append("no source answers")
        if self.visits and all(self.now - visit.due > LATE for visit in self.visits):
            found.append(f"no source was visited since {_when(max(visit.at for visit in self.visits))}, though all are due")
        if self._lately_dead():
            found.append(f"given up: {report.count(tally.dead, 'delivery', 'deliveries')}")
        if tally.oldest_waiting and self.now - tally.oldest_waiting > LATE:
            found.append(f"deliveries wait since {_when(tally.oldest_waiting)}")
        return [*found, *postroom.troubles(self.receivers, self.now)]

    def warnings(self) -> list[str]:
        """What is worth knowing, and goes on by itself."""
        found = [f"{visit.source} fails: {visit.error}{_since(visit)}" for visit in self.visits if visit.failures]
        found += [f"{visit.source} gave what we failed on: {visit.error}" for visit in self.visits if _unfinished(visit)]
        if self.rules and self.rules.stale:
            found.append(f"rules: stale since {_when(self.rules.stale)}, {'; '.join(map(report.clean, self.rules.why))}")
        if self.rules:
            found += [
                report.clean(f"rule {one.rule} {one.reason} on {one.article}: mend it, and the article is examined again")
                for one in self.rules.faults
            ]
        if self.tally.dead and not self._lately_dead():
            found.append(f"given up long ago: {report.count(self.tally.dead, 'delivery', 'deliveries')}")
        return [*found, *postroom.warnings(self.receivers, self.now)]

    def _lately_dead(self) -> bool:
        return self.tally.newest_dead is not None and self.now - self.tally.newest_dead <= DAY

    def told(self) -> Iterator[str]:
        """All of it, line by line."""
        troubles = self.troubles()
        yield "All is well." if not troubles else "Not all is well:"
        yield from (f"  {trouble}" for trouble in troubles)
        warnings = self.warnings()
        yield from (f"  warning: {warning}" for warning in warnings[:FEW])
        if len(warnings) > FEW:
            yield f"  … and {len(warnings) - FEW:,} more: monitor status --json"
        yield ""
        yield f"alerts      {self.lately} in the last day, {self.tally.alerts} in all, from {self.tally.articles} articles"
        yield f"deliveries  {self.tally.waiting} waiting, {self.tally.collected} gathered for later, {self.tally.dead} given up"
        yield f"pages       {self.tally.unfilled} still to be fetched"
        if self.rules:
            yield f"rules       {self.rules.rules} of {report.clean(self.rules.file)}, since {_when(self.rules.since)}"
        yield f"disk        {self.sizes.get('file', 0) / 1e6:,.1f} MB{f', {self.engine}' if self.engine else ''}"
        yield from self._receivers()
        yield from self._sources()

    def _receivers(self) -> Iterator[str]:
        """How many there are of each state; 'monitor receivers list' has the rest."""
        states = Counter(one.state for one in self.receivers)
        if states:
            counted = ", ".join(f"{states[word]:,} {word}" for word in postroom.STATES if states[word])
            yield f"receivers   {len(self.receivers):,}: {counted}"

    def _sources(self) -> Iterator[str]:
        """How many there are of each state; of a few each, of many those that are not well."""
        states = {source: self.state(source) for source in self.sources}
        many = Counter(state.word for state in states.values())
        yield f"sources     {len(states):,}{': ' if states else ''}{', '.join(f'{many[word]:,} {word}' for word in rhythm.WORDS if many[word])}"
        told = [source for source in self.sources if len(states) <= FEW or states[source].word not in WELL]
        wide = max(map(len, told[:FEW]), default=0)
        yield from (f"  {one:<{wide}}  {states[one].word:<12}  {report.clean(states[one].reason)}" for one in told[:FEW])
        if len(states) > FEW:
            more = f"{len(told) - FEW:,} more are not well; " if len(told) > FEW else ""
            yield f"  {more}'monitor feeds list' has all of them"

    def state(self, source: str) -> rhythm.State:
        """How a source is."""
        wanted = self.watched.get(source)
        every, patience = (wanted.every, wanted.patience) if wanted else (None, None)
        return rhythm.state(self.visited.get(source), self.now, every=every, patience=patience)

    def plain(self) -> dict[str, Any]:
        """The same for programs."""
        tally = self.tally
        return {
            "well": not self.troubles(),
            "troubles": self.troubles(),
            "warnings": self.warnings(),
            "running": self.running,
            "alerts": {"last_day": self.lately, "all": tally.alerts},
            "articles": tally.articles,
            "pages_missing": tally.unfilled,
            "deliveries": {"waiting": tally.waiting, "dead": tally.dead, "oldest_waiting": _iso(tally.oldest_waiting)},
            "receivers": [self._known(one) for one in self.receivers],
            "rules": standing.plain(self.rules) if self.rules else None,
            "disk": dict(self.sizes),
            "sources": [self._plain(source) for source in self.sources],
        }

    def _known(self, one: Box) -> dict[str, Any]:
        lying = one.backlog
        numbers = {"waiting": lying.waiting, "sent": lying.sent, "dead": lying.dead, "oldest": _iso(lying.oldest)}
        return {"id": one.id, "state": one.state, "reason": one.why(self.now), **numbers}

    def _plain(self, source: str) -> dict[str, Any]:
        visit, state = self.visited.get(source), self.state(source)
        told = {"id": source, "state": state.word, "reason": state.reason, "visited": None}
        if visit is None:
            return told
        return told | {
            "visited": _iso(visit.at),
            "answered": _iso(visit.answered),
            "due": _iso(visit.due),
            "articles": visit.articles,
            "failures": visit.failures,
            "error": visit.error,
        }


async def _health(config: Config) -> Health:
    now = datetime.now(UTC)
    async with kept.open_kept(config) as store:
        watched = {source.id for source in config.sources}
        visits = [visit for visit in await store.visits() if visit.source in watched or not watched]
        recent = [alert for alert in await store.alerts(limit=MOST) if now - alert.raised <= DAY]
        return Health(
            now=now,
            running=kept.is_running(config),
            sources=sorted(watched | {visit.source for visit in visits}),
            visits=visits,
            tally=await store.tally(),
            lately=len(recent),
            watched={source.id: source for source in config.sources},
            sizes=await store.sizes(),
            rules=standing.standing(config),
            engine=stores.engine(config.store),
            receivers=await postroom.look(store, config),
        )


def _unfinished(visit: Visit) -> bool:
    return bool(visit.error and not visit.failures)


def _since(visit: Visit) -> str:
    return f", last answered {_when(visit.answered)}" if visit.answered else ", has never answered"


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _when(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "never"
