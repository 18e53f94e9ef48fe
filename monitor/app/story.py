"""An event as people are told of it: who reported what, what each report changed, and who has heard of it. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.errors import ConfigError
from monitor.report import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.model import Alert, Event, Hush, Report, Told
    from monitor.ports import Store

SILENT = frozenset({"content", "cue", "kind", "via"})
"""Values that are different in every sentence, and say nothing of the event."""
MOST = 200
"""Events of a rule among which those are looked for of which an alert without findings tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that a report brought. `kept`: it is the event's from then on; else it was said once more of how things were."""

    name: str
    before: str | None
    value: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A report, and what it brought. `edited`: its article had reported of the event before."""

    report: Report
    changes: tuple[Change, ...] = ()
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An event with its timeline, the alerts that told of it, and how far they got, both by the alerts' ids, oldest first."""

    event: Event
    steps: tuple[Step, ...]
    alerts: Mapping[str, Alert]
    told: Mapping[str, Sequence[Told]]
    hushes: tuple[Hush, ...] = ()
    """What keeps its alerts from being told now."""

    @property
    def title(self) -> str:
        """What its latest alert says; where there is none, what its first article does."""
        return next((alert.title for alert in reversed(tuple(self.alerts.values()))), self.event.content)

    @property
    def copies(self) -> int:
        """How many of its articles are copies of others."""
        return len({step.report.article for step in self.steps if step.report.copy})

    def state(self, now: datetime, within: timedelta | None) -> str:
        """ "cancelled", "retracted", "open" or "past"; `within` is its rule's, None: there is no such rule any more."""
        if self.event.ended:
            return self.event.ended
        return "open" if within is not None and now - self.event.seen <= within else "past"


async def find(store: Store, id: str) -> list[Event]:
    """The event of this id, or those of which the alert of this id tells. Raises ConfigError where there is none."""
    if id.startswith("alt_"):
        return await _told_by(store, id)
    event = await store.event(id)
    if event is None:
        raise ConfigError(f"there is no event '{clean(id)[:100]}': 'monitor events list' lists them with their ids")
    return [event]


async def _told_by(store: Store, id: str) -> list[Event]:
    alert = await store.alert(id)
    if alert is None:
        raise ConfigError(f"there is no alert '{clean(id)[:100]}': 'monitor alerts' lists them with their ids")
    named = [await store.event(one) for one in dict.fromkeys(sighting.event for sighting in alert.sightings)]
    found = [event for event in named if event] or await _reporting(store, alert)
    if not found:
        raise ConfigError(f"the alert {id} tells of no event: {clean(alert.title)}")
    return found


async def _reporting(store: Store, alert: Alert) -> list[Event]:
    """Of an alert that something is not so any more, which has nothing to show: the events whose timelines name it."""
    events = await store.events(rule=alert.rule, limit=MOST)
    return [event for event in events if any(report.alert == alert.id for report in await store.reports(event.id))]


async def tell(store: Store, event: Event, hushes: Sequence[Hush] = ()) -> Story:
    """All that is kept of an event; `hushes` are those that hold now."""
    reports = await store.reports(event.id)
    named = dict.fromkeys(report.alert for report in reports if report.alert)
    alerts = {id: alert for id in named if (alert := await store.alert(id))}
    return Story(
        event=event,
        steps=tuple(steps(reports)),
        alerts=alerts,
        told={id: await store.told(id) for id in alerts},
        hushes=tuple(hush for hush in hushes if hush.target in (f"event:{event.id}", f"rule:{event.rule}")),
    )


def steps(reports: Sequence[Report]) -> Iterator[Step]:
    """Each report with the values that it was the first to give, or in which it differs from what was known before."""
    known: dict[str, str] = {}
    heard: set[str] = set()
    for report in reports:
        changes = tuple(_changes(report, known))
        yield Step(report=report, changes=changes, edited=report.article in heard)
        known |= {one.name: one.value for one in changes if one.kept}
        heard.add(report.article)


def _changes(report: Report, known: Mapping[str, str]) -> Iterator[Change]:
    for name, value in report.values.items():
        before = known.get(name)
        if value and name not in SILENT and _fold(value) != _fold(before):
            # What a mere repetition says otherwise is no news of the event, or it would have been an update.
            yield Change(name=name, before=before, value=value, kept=before is None or report.change != "repeated")


def _fold(value: str | None) -> str:
    return " ".join((value or "").casefold().split())
