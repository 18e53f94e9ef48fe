"""All time rules of a rule together: whether an alert is told now, and at which level.

Each time rule answers with a stage: how far alerts come through before this article, and with it; all of them must let it through,
so the lowest stage counts. `frequency` and `spike` tell only at the article with which they open, and at one that raises the stage
while they are open; `sources` alone lets everything through that is worth telling, once there are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.tempo.bursts import LATE, frequency, spike
from monitor.tempo.stage import HELD, LOWER, Stage
from monitor.tempo.voices import confirmed

if TYPE_CHECKING:
    from monitor.model import Event, Report
    from rules import Rule

_TAKEN_BACK = ("retracted", "cancelled")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an alert that is worth telling is told now, at which level, and why (or why not), in a line for people."""

    told: bool
    level: str
    why: str = ""
    reached: bool = False
    """It is this article with which the threshold is reached: an alert is due even if the article itself is no news of its event."""


def history(rule: Rule, at: datetime) -> datetime | None:
    """How far back a rule's reports are needed; None: not at all."""
    spans = list(_spans(rule))
    return at - max(spans) if spans else None


def verdict(  # noqa: PLR0913 - a decision names all that it rests on
    rule: Rule,
    event_reports: Sequence[Report],
    rule_reports: Sequence[Report],
    fresh: Sequence[Report],
    at: datetime,
    *,
    event: Event | None = None,
    started: datetime | None = None,
) -> Verdict:
    """Whether an alert that novelty found worth telling is told now. The order of reports does not matter.

    `event_reports` and `rule_reports`: what is known of the event and of the rule (its event included), as far back as `history`
    says, without `fresh`: what the article under examination is about to add to this event. `event`: as it was before, if known;
    without it, one that runs for longer than the history may be found confirmed twice. `started`: since when the rule's articles
    are watched; None: for long. That an event is called off or no longer reported is told if the event was.
    """
    if history(rule, at) is None:
        return Verdict(told=True, level=rule.level)
    if fresh and all(one.change in _TAKEN_BACK for one in fresh):
        return _taken_back(rule, event_reports, event, at)
    bursts = list(_bursts(rule, rule_reports, fresh, started))
    voices = [confirmed(rule.sources, event, event_reports, fresh, at)] if rule.sources else []
    return _together(rule, bursts, voices)


def _spans(rule: Rule) -> Iterator[timedelta]:
    """How far back each time rule looks. A burst: to the burst before it, whose windows are as long; an event: to its opening."""
    if rule.frequency:
        yield 2 * rule.frequency.within + LATE
    if rule.spike:
        yield 2 * rule.spike.within + rule.spike.against + LATE
    if rule.sources:
        yield max(2 * rule.once.within, _WEEK)


def _bursts(rule: Rule, earlier: Sequence[Report], fresh: Sequence[Report], started: datetime | None) -> Iterator[Stage]:
    if rule.frequency:
        yield frequency(rule.frequency, earlier, fresh)
    if rule.spike:
        yield spike(rule.spike, earlier, fresh, started)


def _together(rule: Rule, bursts: Sequence[Stage], voices: Sequence[Stage]) -> Verdict:
    stages = [*bursts, *voices]
    before, now = min(one.before for one in stages), min(one.now for one in stages)
    told = now > HELD and (now > before or not bursts)
    holding = stages if told else [one for one in stages if one.now == HELD] or bursts
    return Verdict(
        told=told,
        level=_level(rule, now),
        why="; ".join(one.why for one in holding if one.why),
        reached=now > before,
    )


def _taken_back(rule: Rule, reports: Sequence[Report], event: Event | None, at: datetime) -> Verdict:
    """What is taken back is told to those who were told of it."""
    told = not event.silent if event else any(one.alert for one in reports)
    stage = confirmed(rule.sources, event, reports, (), at).now if rule.sources else None
    return Verdict(told=told, level=_level(rule, stage), why="" if told else "nobody was told of the event")


def _level(rule: Rule, stage: int | None) -> str:
    lower = rule.sources.single_source_level if rule.sources and stage == LOWER else None
    return lower or rule.level
