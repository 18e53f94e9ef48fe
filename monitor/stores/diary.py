"""Events in dictionaries: the part of the memory store that keeps timelines, stamps, and what nobody wants to hear of."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.errors import Outdated
from monitor.model import Event, Hush, Ledger, Plan, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

Place = tuple[str, str, str]
"""An event, and the article and its revision that reported of it."""


class Diary:
    """All events and what was reported of them, in the order they came."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.reports: dict[Place, Report] = {}
        self.hushes: dict[str, Hush] = {}
        self._first_seen: dict[Place, datetime] = {}
        self._stamps: Counter[str] = Counter()
        self._told: set[str] = set()

    # What a plan is decided on

    def ledger(self, rules: Sequence[str], since: datetime, history: Mapping[str, datetime], told: Mapping[str, int]) -> Ledger:
        """Events of these rules seen at or after `since` with the rules' stamps, what `history` asks for, and every hush."""
        events = [event for event in self.events.values() if event.rule in rules and event.seen >= since]
        opened = {rule: [event.opened for event in self.events.values() if event.rule == rule] for rule in history}
        reports = [one for one in self.reports.values() if one.rule in history and one.at >= history[one.rule]]
        return Ledger(
            events=tuple(sorted(events, key=lambda event: event.opened)),
            stamps={rule: self._stamps[rule] for rule in rules},
            reports=tuple(sorted(reports, key=lambda report: report.at)),
            hushes=tuple(self.hushed()),
            told=told,
            started={rule: min(times) for rule, times in opened.items() if times},
        )

    def refuse_outdated(self, plan: Plan) -> None:
        """Raises Outdated where a rule's stamp is not the one that the plan was decided on."""
        if moved := [rule for rule, stamp in plan.stamps.items() if self._stamps[rule] != stamp]:
            raise Outdated(f"events of {', '.join(moved)} have changed since they were read")

    # Keeping

    def keep(self, plan: Plan, first_seen: datetime) -> None:
        """Opens or changes the plan's events, keeps what its article reports, and moves the stamps of their rules on."""
        self.events |= {event.id: event for event in plan.events}
        for report in plan.reports:
            place = report.event, report.article, plan.revision
            self.reports.setdefault(place, report)
            self._first_seen.setdefault(place, first_seen)
        self._stamps.update({event.rule for event in plan.events} | {report.rule for report in plan.reports})

    def stay(self, events: Iterable[str]) -> None:
        """What was and will be reported of these events is never pruned: an alert tells of them."""
        self._told.update(id for id in events if id in self.events)

    def prune(self, before: datetime, limit: int) -> None:
        """Removes what articles first seen before then reported of events that no alert tells of, oldest first."""
        old = [place for place, seen in self._first_seen.items() if seen < before and place[0] not in self._told]
        for place in sorted(old, key=self._first_seen.__getitem__)[:limit]:
            del self.reports[place], self._first_seen[place]

    # Reading

    def reported(self, article: str) -> list[str]:
        """The rules that have events of which this article reported."""
        return sorted({report.rule for report in self.reports.values() if report.article == article})

    def timeline(self, event: str) -> list[Report]:
        """What was reported of an event, oldest first."""
        return sorted((one for one in self.reports.values() if one.event == event), key=lambda report: report.at)

    def latest(self, before: datetime | None, rule: str | None, limit: int) -> list[Event]:
        """Events, those seen last first."""
        found = [
            event
            for event in reversed(self.events.values())
            if (rule is None or event.rule == rule) and (before is None or event.seen < before)
        ]
        return sorted(found, key=lambda event: event.seen, reverse=True)[:limit]

    def hushed(self) -> list[Hush]:
        """All that nobody wants to hear of, by target."""
        return [self.hushes[target] for target in sorted(self.hushes)]

    # What people say

    def acknowledge(self, id: str, at: datetime, note: str) -> bool:
        """Notes that somebody looks after the event, as it was said last; whether there is one.

        Moves the rule's stamp on: a plan decided before would write the event as it was.
        """
        known = self.events.get(id)
        if known:
            self.events[id] = replace(known, acknowledged=at, note=note or known.note)
            self._stamps[known.rule] += 1
        return known is not None
