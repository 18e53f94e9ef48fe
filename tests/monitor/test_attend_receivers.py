"""Who is told that a receiver takes nothing, and that it does again: the others, once each, whatever is restarted meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor import breaker, desk, policy
from monitor.app.attend import Attendant
from monitor.model import Again, Alert, Attempt, Breaker, Delivery
from monitor.policy import Office, Route
from monitor.stores import open_store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


@dataclass
class Bureau:
    """A store, receivers of these names, and somebody who attends, every five seconds or so."""

    path: Path
    kind: str
    store: Any = None
    names: Sequence[str] = ("desk", "pager", "archive")
    ways: Sequence[desk.Route] = ()
    attendant: Attendant = field(init=False)

    async def open(self) -> Bureau:
        self.store = await open_store(f"{self.kind}:{self.path}") if self.kind == "sqlite" or not self.store else self.store
        routes = [Route(id=name, render=lambda alert: alert.title.encode()) for name in self.names]
        self.attendant = Attendant(store=self.store, office=Office(routes=routes, ways=self.ways), since=NOON)
        return self

    async def restarts(self) -> None:
        """Another process; what it knows is what is in the store."""
        if self.kind == "sqlite":
            await self.store.close()
        await self.open()

    async def attends(self, at: datetime, times: int = 3) -> None:
        for n in range(times):
            await self.attendant.attend(at + n * timedelta(seconds=5), {})

    async def is_(self, state: str, at: datetime, sink: str = "desk", since: datetime | None = NOON, **more: Any) -> None:
        """The receiver's breaker is so, and somebody attends."""
        await self.store.keep_breaker(Breaker(sink=sink, state=state, since=since, **more), at)
        await self.attends(at)

    async def told(self, sink: str) -> list[str]:
        """What a receiver is to be told, oldest first."""
        rows = await self.store.deliveries(sink=sink, limit=1_000)
        found = [await self.store.delivery(row.alert, sink) for row in reversed(rows)]
        return [one.body.decode().removeprefix("Receiver ") for one in found]

    async def alerts(self) -> list[Alert]:
        found: list[Alert] = await self.store.alerts(rule=policy.FAILING, limit=1_000)
        return found[::-1]


@pytest.fixture(params=["memory", "sqlite"])
async def bureau(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bureau]:
    made = await Bureau(tmp_path / "monitor.db", request.param).open()
    yield made
    await made.store.close()


async def test_the_others_are_told_once_of_each_turn_and_it_is_not(bureau: Bureau) -> None:
    await bureau.is_("open", NOON + 20 * MINUTE, reason="HTTP 500")
    await bureau.is_("disabled", NOON + 5 * DAY, reason="HTTP 500")
    await bureau.is_("closed", NOON + 6 * DAY, since=None)

    turns = ["unreachable: desk", "disabled: desk", "reachable: desk"]
    assert await bureau.told("pager") == await bureau.told("archive") == turns
    assert await bureau.told("desk") == []
    assert [one.kind for one in await bureau.alerts()] == ["unreachable", "disabled", "reachable"]
    assert [one.article.summary for one in await bureau.alerts()] == [
        "HTTP 500, since 2026-07-01 12:00 UTC",
        "HTTP 500, since 2026-07-01 12:00 UTC",
        "it takes what it is sent",
    ]


async def test_nobody_is_told_before_a_quarter_of_an_hour(bureau: Bureau) -> None:
    await bureau.is_("open", NOON + 14 * MINUTE)
    await bureau.is_("closed", NOON + 14.5 * MINUTE, since=None)
    assert await bureau.alerts() == []

    await bureau.is_("open", NOON + 15 * MINUTE)
    assert await bureau.told("pager") == ["unreachable: desk"]


async def test_one_that_is_gone_is_told_of_at_once(bureau: Bureau) -> None:
    await bureau.is_("disabled", NOON + MINUTE, reason="HTTP 410")
    assert await bureau.told("pager") == ["disabled: desk"]


async def test_a_failure_or_a_rest_is_nothing_to_tell(bureau: Bureau) -> None:
    await bureau.is_("closed", NOON + DAY, failures=4, due=NOON + 2 * DAY)
    assert await bureau.alerts() == []


@pytest.mark.parametrize("state", ["open", "disabled"])
async def test_a_restart_tells_nobody_again_and_forgets_nothing(bureau: Bureau, state: str) -> None:
    await bureau.is_(state, NOON + 20 * MINUTE)
    await bureau.restarts()
    await bureau.attends(NOON + DAY)
    assert len(await bureau.told("pager")) == 1

    await bureau.restarts()
    await bureau.is_("closed", NOON + 2 * DAY, since=None)
    assert (await bureau.told("pager"))[1:] == ["reachable: desk"]


async def test_if_it_were_remembered_only_in_the_process_they_would_be_told_again(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""

    async def forgets(_: Attendant) -> dict[str, str]:
        return {}

    monkeypatch.setattr(Attendant, "_told_failing", forgets)
    await bureau.is_("open", NOON + 20 * MINUTE)
    await bureau.restarts()
    await bureau.attends(NOON + DAY)
    assert len(await bureau.told("pager")) == 2


async def test_each_outage_is_told_of_by_itself(bureau: Bureau) -> None:
    for n in range(3):
        start = NOON + n * DAY
        await bureau.is_("open", start + 20 * MINUTE, since=start)
        await bureau.is_("closed", start + 40 * MINUTE, since=None)
    assert await bureau.told("pager") == ["unreachable: desk", "reachable: desk"] * 3


async def test_who_fails_himself_is_not_told_of_others(bureau: Bureau) -> None:
    await bureau.is_("open", NOON + 20 * MINUTE)
    await bureau.is_("open", NOON + 21 * MINUTE, "pager")
    assert await bureau.told("archive") == ["unreachable: desk", "unreachable: pager"]
    assert await bureau.told("pager") == ["unreachable: desk"]
    assert await bureau.told("desk") == []


async def test_where_it_is_the_only_one_it_is_kept_and_logged_and_nobody_can_be_told(tmp_path: Path, logs: list[Any]) -> None:
    alone = await Bureau(tmp_path / "monitor.db", "memory", names=("desk",)).open()
    await alone.is_("open", NOON + 20 * MINUTE, reason="HTTP 500")
    assert [one.kind for one in await alone.alerts()] == ["unreachable"]
    assert await alone.told("desk") == []
    assert [line["event"] for line in logs] == ["unreachable"]


async def test_what_is_known_of_a_name_that_is_gone_is_told_to_nobody(bureau: Bureau) -> None:
    await bureau.is_("disabled", NOON + DAY, "formerly")
    assert await bureau.alerts() == []


async def test_ways_and_wishes_hold_for_it_as_for_any_alert(tmp_path: Path) -> None:
    ways = [desk.Route(to=("archive",))]
    made = await Bureau(tmp_path / "monitor.db", "memory", ways=ways).open()
    await made.is_("open", NOON + 20 * MINUTE)
    assert (await made.told("pager"), await made.told("archive")) == ([], ["unreachable: desk"])


async def test_enabling_by_hand_and_another_address_count_as_reachable(bureau: Bureau) -> None:
    await bureau.is_("disabled", NOON + DAY, address="here")
    now = await bureau.store.breaker("desk")
    await bureau.store.keep_breaker(breaker.started(now, "there", NOON + DAY), NOON + DAY)
    await bureau.attends(NOON + DAY + MINUTE)
    await bureau.is_("disabled", NOON + 2 * DAY, address="there", since=NOON + 2 * DAY)
    await bureau.store.keep_breaker(breaker.enabled(await bureau.store.breaker("desk")), NOON + 3 * DAY)
    await bureau.attends(NOON + 3 * DAY)
    assert await bureau.told("pager") == ["disabled: desk", "reachable: desk"] * 2


async def test_what_attempts_say_is_what_is_told(bureau: Bureau) -> None:
    """From five refusals to the alert, through the store's own settling."""
    alert = replace(policy.failing(Breaker(sink="x", state="disabled"), "reachable", NOON), id="alt_1", rule="talks")  # type: ignore[type-var]
    assert isinstance(alert, Alert)
    await bureau.store.tell(alert, [Delivery(alert="alt_1", sink="desk", body=b"Receiver -", due=NOON)])
    for n in range(5):
        [held] = await bureau.store.claim("desk", NOON + n * MINUTE, MINUTE, 1)
        failed = Attempt(began=NOON + n * MINUTE, trouble="unreachable", reason="cannot connect")
        await bureau.store.settle(held, Again(failed.ended, NOON, failed.reason), failed)
    await bureau.attends(NOON + 14 * MINUTE)
    assert await bureau.told("pager") == []
    await bureau.attends(NOON + 15 * MINUTE)
    assert await bureau.told("pager") == ["unreachable: desk"]
    assert "cannot connect, since 2026-07-01 12:00 UTC" in (await bureau.alerts())[0].article.summary


async def test_where_all_of_them_fail_nobody_is_told_until_one_of_them_is_back(bureau: Bureau) -> None:
    """It is rather our own network: each would hear of all the others, and then that all are back."""
    for sink in ("desk", "pager", "archive"):
        await bureau.store.keep_breaker(Breaker(sink=sink, state="open", since=NOON, due=NOON), NOON)
    await bureau.attends(NOON + 60 * MINUTE)
    assert await bureau.alerts() == []

    await bureau.is_("closed", NOON + 120 * MINUTE, sink="pager", since=None)
    assert sorted(await bureau.told("pager")) == ["unreachable: archive", "unreachable: desk"]
    assert await bureau.told("archive") == []


async def test_where_the_routes_lead_to_nobody_else_the_others_are_told_all_the_same(bureau: Bureau) -> None:
    bureau.attendant.office = replace(bureau.attendant.office, ways=(desk.Route(to=("desk",)),))
    await bureau.is_("disabled", NOON + 60 * MINUTE)
    assert await bureau.told("pager") == ["disabled: desk"]
