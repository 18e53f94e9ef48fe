"""What the desk is told at set times: what has gathered, that all is well, and that a rule has found nothing for too long.

All of it may be done again at any time: ids come from what is told and from when it was due, not from when we look.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import desk, policy, tempo
from monitor.app import kept
from monitor.errors import MonitorError
from monitor.model import Alert, Delivery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Mapping

    from monitor.model import Breaker
    from monitor.policy import Office, Route
    from monitor.ports import Store
    from rules import Rule

DAY = timedelta(days=1)
LATEST = 500
"""Alerts that are looked through for those of a day."""
EVER = 100_000
"""Alerts of receivers that are read once, to know what was told last of each."""
MOST = 100
"""Alerts of a rule that are looked through for the last word on its silence."""

log = structlog.get_logger("monitor.app")


@dataclass(slots=True, kw_only=True)
class Attendant:
    """Sends what is due. `since` is when somebody began to look."""

    store: Store
    office: Office
    since: datetime
    told: dict[str, datetime] = field(default_factory=dict)
    """When each receiver was told last that all is well."""
    failing: dict[str, str] | None = None
    """What the others were told last of each receiver, once that was read."""

    async def attend(self, at: datetime, rules: Mapping[str, Rule]) -> int:
        """All that is due now; how many deliveries that makes."""
        known, breakers = {route.id for route in self.office.routes}, await self.store.breakers()
        due = [each(route, at) for route in self.office.routes for each in (self._gathered, self._alive)]
        due += [self._quiet(rule, at) for rule in rules.values() if rule.silence]
        failing = {one.sink for one in breakers if one.state != "closed"}
        due += [self._deaf(one, failing, at) for one in breakers if one.sink in known]
        return sum([await _counted(one) for one in due])

    async def _gathered(self, route: Route, at: datetime) -> int:
        waiting = await self.store.waiting_for_digest(route.id, at)
        if not waiting:
            return 0
        alert = desk.gathered(waiting, route.receiver, at, desk.why_gathered(waiting, route.receiver, self.office.cap))
        await self.store.digested([one.id for one in waiting], _delivery(alert, route, at), alert)
        return 1

    async def _alive(self, route: Route, at: datetime) -> int:
        due = desk.daily_due(route.receiver, self.told.get(route.id, self.since), at)
        if due is None:
            return 0
        alert = await self._line(route, due)
        if await self.store.alert(alert.id) is None:
            await self.store.tell(alert, [_delivery(alert, route, at)])
        self.told[route.id] = due
        return 1

    async def _line(self, route: Route, due: datetime) -> Alert:
        visits = await self.store.visits()
        failing = [visit.source for visit in visits if visit.failures]
        found = [one for one in await self.store.alerts(limit=LATEST) if due - DAY < one.raised <= due and one.held is None]
        raised = [one for one in found if one.kind not in (desk.DIGEST, desk.ALIVE)]
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
        return sum([len(page) async for page in kept.pages(self.store, since)])

    async def _quiet(self, rule: Rule, at: datetime) -> int:
        """Tells that a rule matched nothing for too long, once, and that it does again."""
        told = await self._told_silent(rule)
        latest = await self.store.events(rule=rule.id, limit=1)
        word = tempo.silence(rule, latest[0].seen if latest else None, self.since, told, at)
        if word is None:
            return 0
        alert = policy.quiet(rule, word, told or (latest[0].seen if latest else self.since), at)
        alert = replace(alert, held=desk.hushed(alert, await self.store.hushes(), at))
        deliveries = policy.deliveries(alert, rule.notify, self.office)
        await self.store.tell(alert, deliveries)  # also where nobody wants to know: it is said once, and then that it recovered
        return len(deliveries)

    async def _deaf(self, breaker: Breaker, failing: Collection[str], at: datetime) -> int:
        """Tells those who can be told that a receiver takes nothing, once, and that it does again.

        Where all of them fail, it is rather our own network that does, and there is nobody to tell.
        """
        others = [route for route in self.office.routes if route.id != breaker.sink and route.id not in failing]
        if not others and len(self.office.routes) > 1:
            return 0
        if self.failing is None:
            self.failing = await self._told_failing()
        alert = policy.failing(breaker, self.failing.get(breaker.sink, "reachable"), at)
        if alert is None:
            return 0
        log.warning(alert.kind, receiver=breaker.sink, reason=alert.article.summary)
        told = replace(self.office, routes=others)
        # Routes may lead to nobody but the one that fails: then they do not count.
        deliveries = policy.deliveries(alert, None, told) or policy.deliveries(alert, None, replace(told, ways=()))
        await self.store.tell(alert, deliveries)
        self.failing[breaker.sink] = alert.kind
        return len(deliveries)

    async def _told_failing(self) -> dict[str, str]:
        """What was told last of each receiver."""
        told = await self.store.alerts(rule=policy.FAILING, limit=EVER)
        return {one.article.id.removesuffix("#receiver"): one.kind for one in reversed(told)}

    async def _told_silent(self, rule: Rule) -> datetime | None:
        """When somebody was told last that it is silent; None: it was told since that it is not."""
        told = await self.store.alerts(rule=rule.id, limit=MOST)
        last = next((one for one in told if one.kind in ("silent", "recovered")), None)
        return last.raised if last and last.kind == "silent" else None


async def _counted(one: Awaitable[int]) -> int:
    """How many deliveries it makes. What breaks one receiver's digest must not cost the others theirs."""
    try:
        return await one
    except MonitorError as error:
        log.error("not told", error=str(error))  # noqa: TRY400 - expected, so in one line
    except Exception:
        log.exception("not told")
    return 0


def _delivery(alert: Alert, route: Route, at: datetime) -> Delivery:
    return Delivery(alert=alert.id, sink=route.id, body=route.render(alert), due=at)
