"""Which step runs when. The tests call the ticks themselves; only one lets the scheduler do it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from monitor.errors import StoreError
from monitor.schedule import Schedule


@dataclass
class World:
    """Sources that are due, and visits and deliveries that last until they are told to end."""

    due: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    looks: int = 0
    looking: asyncio.Event | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    tidied: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, limit: int) -> list[str]:
        claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    async def ingest(self, source: str) -> None:
        self.started.append(source)
        self.moved.set()
        if source == "broken":
            raise RuntimeError("a bug")
        await self.gate.wait()

    async def run(self) -> None:
        await self.closing.wait()

    async def look(self) -> None:
        self.looks += 1
        self.moved.set()
        if self.looking:
            await self.looking.wait()

    def close(self) -> None:
        self.closing.set()

    async def tidy(self) -> None:
        self.tidied += 1

    async def refill(self) -> None:
        self.started.append("refill")

    def schedule(self, slots: int = 2) -> Schedule:
        senders: Any = self
        return Schedule(claim=self.claim, ingest=self.ingest, senders=senders, refill=self.refill, tidy=self.tidy, slots=slots)


async def settle() -> None:
    """Lets every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def hurry() -> asyncio.Event:
    return asyncio.Event()


async def test_no_more_visits_start_than_there_are_slots(hurry: asyncio.Event) -> None:
    world = World(due=["a", "b", "c"])
    clock = world.schedule(slots=2)
    await clock.tick()
    await clock.tick()
    await settle()
    assert world.started == ["a", "b"]
    world.gate.set()
    await settle()
    await clock.tick()
    await settle()
    assert world.started == ["a", "b", "c"]
    await clock.drain(1, hurry)


async def test_a_visit_that_breaks_leaves_the_others_alone(hurry: asyncio.Event) -> None:
    world = World(due=["broken", "fine"])
    clock = world.schedule()
    with structlog.testing.capture_logs() as logs:
        await clock.tick()
        await settle()
    assert world.started == ["broken", "fine"]
    assert [line["event"] for line in logs] == ["failed"]
    world.gate.set()
    await clock.drain(1, hurry)


async def test_a_nudge_during_a_look_is_followed_by_another_look(hurry: asyncio.Event) -> None:
    world = World()
    clock = world.schedule()
    world.looking = asyncio.Event()
    for _ in range(5):
        clock.nudge()
    await settle()
    assert world.looks == 1
    world.looking.set()
    await settle()
    assert world.looks == 2
    await clock.drain(1, hurry)
    assert world.closing.is_set()


async def test_draining_waits_for_what_is_under_way_and_starts_nothing(hurry: asyncio.Event) -> None:
    world = World(due=["a"])
    clock = world.schedule()
    await clock.tick()
    await settle()
    draining = asyncio.ensure_future(clock.drain(60, hurry))
    await settle()
    world.due = ["b"]
    await clock.tick()
    clock.nudge()
    await clock.later()
    assert not draining.done()
    world.gate.set()
    await draining
    assert world.started == ["a"]


@pytest.mark.parametrize("seconds", [0, 60])
async def test_draining_ends_at_its_deadline_or_at_the_second_signal(hurry: asyncio.Event, seconds: float) -> None:
    world = World(due=["a"])
    clock = world.schedule()
    await clock.tick()
    await settle()
    if seconds:
        hurry.set()
    async with asyncio.timeout(5):
        await clock.drain(seconds, hurry)
    assert world.started == ["a"]


async def test_a_store_that_fails_once_is_asked_again(hurry: asyncio.Event) -> None:
    world = World(due=["a"])
    clock = world.schedule()
    good = clock.claim

    async def claim(_: int) -> list[str]:
        clock.claim = good
        raise OSError("disk")

    clock.claim = claim
    with structlog.testing.capture_logs() as logs:
        await clock.tick()
    assert logs[0]["event"] == "tick failed"
    await clock.tick()
    await settle()
    assert world.started == ["a"]
    world.gate.set()
    await clock.drain(1, hurry)


async def test_a_full_disk_is_told_in_one_line_and_a_bug_in_full(hurry: asyncio.Event) -> None:
    for error, shown in ((StoreError("disk full"), False), (ValueError("a bug"), True)):
        clock = World(due=[]).schedule()

        async def visit(_: str, error: Exception = error) -> None:
            raise error

        async def claim(_: int) -> list[str]:
            return ["a"]

        clock.ingest, clock.claim = visit, claim
        with structlog.testing.capture_logs() as logs:
            await clock.tick()
            await settle()
        assert [("exc_info" in told) for told in logs if told["event"] == "failed"] == [shown]
        await clock.drain(1, hurry)


async def test_the_scheduler_ticks_at_once_and_stops_quietly(hurry: asyncio.Event) -> None:
    world = World(due=["a"])
    clock = world.schedule()
    clock.start()
    async with asyncio.timeout(5):
        await world.moved.wait()
    await settle()
    assert world.started == ["a"]
    world.gate.set()
    with structlog.testing.capture_logs() as logs:
        await clock.drain(1, hurry)
    assert logs == []
