"""What the desk is told at set times: what has gathered, that all is well, and that a rule has found nothing for too long.

All of it may be done again at any time: ids come from what is told and from when it was due, not from when we look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor import desk, policy, tempo
from monitor.model import Alert, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.policy import Office, Route
    from monitor.ports import Store
    from rules import Rule

DAY = timedelta(days=1)
PAGE = 500
MOST = 100
"""Alerts of a rule that are looked through for the last word on its silence."""


@dataclass(slots=True, kw_only=True)
class Attendant:
    """Sends what is due. `since` is when somebody began to look."""

    store: Store
    office: Office
    since: datetime
    told: dict[str, datetime] = field(default_factory=dict)
    """When each receiver was told last that all is well."""

    async def attend(self, at: datetime, rules: Mapping[str, Rule]) -> int:
        """All that is due now; how many deliveries that makes."""
        made = [await self._gathered(route, at) + await self._alive(route, at) for route in self.office.routes]
        return sum(made) + sum([await self._quiet(rule, at) for rule in rules.values() if rule.silence])

    async def _gathered(self, route: Route, at: datetime) -> int:
        waiting = await self.store.waiting_for_digest(route.id, at)
        if not waiting:
            return 0
        alert = desk.gathered(waiting, route.receiver, at, "What has gathered since the last one:")
        await self.store.digested([one.id for one in waiting], _delivery(alert, route, at), alert)
        return 1

    async def _alive(self, route: Route, at: datetime) -> int:
        due = desk.daily_due(route.receiver, self.told.get(route.id, self.since), at)
        if due is None:
            return 0
        self.told[route.id] = due
        alert = await self._line(route, due)
        if await self.store.alert(alert.id) is None:
            await self.store.digested([], _delivery(alert, route, at), alert)
        return 1

    async def _line(self, route: Route, due: datetime) -> Alert:
        visits = await self.store.visits()
        failing = [visit.source for visit in visits if visit.failures]
        raised = [one for one in await self.store.alerts(limit=PAGE) if due - DAY < one.raised <= due and one.held is None]
        return desk.alive(
            route.receiver,
            due,
            sources=len(visits),
            answering=len(visits) - len(failing),
            articles=await self._articles(due - DAY),
            alerts=len(raised),
            silent=failing,
        )

    async def _articles(self, since: datetime) -> int:
        """How many came since then."""
        count, after = 0, None
        while page := await self.store.articles(since, after=after, limit=PAGE):
            count, after = count + len(page), page[-1].article.id
        return count

    async def _quiet(self, rule: Rule, at: datetime) -> int:
        """Tells that a rule matched nothing for too long, once, and that it does again."""
        told = await self._told_silent(rule)
        latest = await self.store.events(rule=rule.id, limit=1)
        word = tempo.silence(rule, latest[0].seen if latest else None, self.since, told, at)
        if word is None:
            return 0
        alert = policy.quiet(rule, word, told or (latest[0].seen if latest else self.since), at)
        deliveries = policy.deliveries(alert, rule.notify, self.office)
        for one in deliveries:
            await self.store.digested([], one, alert)
        return len(deliveries)

    async def _told_silent(self, rule: Rule) -> datetime | None:
        """When somebody was told last that it is silent; None: it was told since that it is not."""
        told = await self.store.alerts(rule=rule.id, limit=MOST)
        last = next((one for one in told if one.kind in ("silent", "recovered")), None)
        return last.raised if last and last.kind == "silent" else None


def _delivery(alert: Alert, route: Route, at: datetime) -> Delivery:
    return Delivery(alert=alert.id, sink=route.id, body=route.render(alert), due=at)
