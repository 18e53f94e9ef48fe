"""How a host is treated, on a clock that jumps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fakenet import (
    NOT_FOUND,
    OK,
    PUBLIC,
    Clock,
    Names,
    answer,
    answers,
    egress,
    ended,
    head,
    redirect,
    serving,
    settled,
    text,
    until,
)

from monitor.egress import manners
from monitor.egress.manners import Manners
from monitor.errors import FetchFailed


async def visit(to: Manners, host: str, done: list[str], *, pause: bool = True) -> None:
    async with to.turn(host, pause=pause):
        done.append(host)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


async def test_between_two_requests_to_a_host_there_is_a_pause(clock: Clock) -> None:
    polite, done = Manners(pause=2), list[str]()
    await visit(polite, "a.example", done)
    second = asyncio.create_task(visit(polite, "a.example", done))
    await visit(polite, "b.example", done)
    await clock.jump(1.9)
    assert done == ["a.example", "b.example"]
    await clock.jump(0.2)
    assert done == ["a.example", "b.example", "a.example"]
    await second


async def test_the_pause_begins_when_the_request_is_over(clock: Clock) -> None:
    polite = Manners(pause=2)
    async with polite.turn("a.example"):
        await clock.jump(60)

    assert not polite.free("a.example")
    await clock.jump(2.1)
    assert polite.free("a.example")


async def test_without_a_pause_nobody_waits(clock: Clock) -> None:
    hasty, done = Manners(pause=0), list[str]()
    for _ in range(3):
        await visit(hasty, "a.example", done)

    assert len(done) == 3


async def test_a_host_is_free_when_nobody_is_at_it_and_nothing_runs(clock: Clock) -> None:
    polite = Manners(pause=2)
    assert polite.free("a.example")
    async with polite.turn("A.example."):
        assert not polite.free("a.example")
        assert polite.free("b.example")
    polite.rest("b.example", timedelta(minutes=1))
    assert not polite.free("b.example")
    await clock.jump(60.1)
    assert polite.free("a.example")
    assert polite.free("b.example")


async def test_who_waits_is_served_in_order_and_one_who_gives_up_holds_up_nobody(clock: Clock) -> None:
    polite, done = Manners(pause=2), list[str]()
    await visit(polite, "a.example", done)
    waiting = [asyncio.create_task(visit(polite, "a.example", done)) for _ in range(3)]
    await settled()
    await ended(waiting[0])  # in the pause
    await ended(waiting[1])  # in the queue
    await clock.jump(2.1)

    assert len(done) == 2
    await waiting[2]
    await clock.jump(2.1)
    assert polite.free("a.example")


async def test_a_request_that_is_cancelled_gives_the_host_back(clock: Clock) -> None:
    polite = Manners(pause=0)

    async def hang() -> None:
        async with polite.turn("a.example"):
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await settled()
    assert not polite.free("a.example")
    await ended(hanging)
    assert polite.free("a.example")


async def test_a_host_s_own_delay_counts_up_to_half_a_minute(clock: Clock) -> None:
    polite, done = Manners(pause=2), list[str]()
    await visit(polite, "a.example", done)
    polite.slow("a.example", 10)
    await clock.jump(9)
    assert not polite.free("a.example")
    polite.slow("a.example", 3_600)
    await clock.jump(20)
    assert not polite.free("a.example")
    await clock.jump(2)
    assert polite.free("a.example")
    await visit(polite, "a.example", done)
    polite.slow("a.example", 0)
    await clock.jump(1)
    assert not polite.free("a.example")
    await clock.jump(1.1)
    assert polite.free("a.example")


async def test_a_host_that_asked_is_left_alone_even_by_those_who_waited(clock: Clock) -> None:
    polite, done = Manners(pause=2), list[str]()
    async with polite.turn("a.example"):
        waiting = asyncio.create_task(visit(polite, "a.example", done))
        await settled()
        polite.rest("a.example", timedelta(hours=1))
    with pytest.raises(FetchFailed, match=r"^a\.example asked to be left alone for another 60 min$") as failed:
        await waiting
    assert (failed.value.kind, done) == ("asked-to-wait", [])
    assert failed.value.wait is not None
    assert timedelta(minutes=59) < failed.value.wait <= timedelta(hours=1)

    polite.rest("a.example", timedelta(seconds=1))  # a shorter wish does not take the longer back
    await clock.jump(3_590)
    with pytest.raises(FetchFailed, match=r"another \d+ s$"):
        await visit(polite, "a.example", done)
    await clock.jump(11)
    await visit(polite, "a.example", done)
    assert done == ["a.example"]


async def test_memory_is_bounded_and_forgets_first_what_does_not_matter(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "HOSTS", 100)
    polite, done = Manners(pause=2), list[str]()
    polite.rest("resting.example", timedelta(hours=1))
    async with polite.turn("busy.example"):
        for n in range(1_000):
            await visit(polite, f"{n}.example", done)
            await clock.jump(1)
            assert len(polite._hosts) <= 100
        assert not polite.free("busy.example")
        assert not polite.free("resting.example")
        for n in range(1_000):
            polite.rest(f"{n}.example", timedelta(days=1))
        assert len(polite._hosts) <= 100
        assert not polite.free("busy.example")


# Over the wire.


async def test_a_redirect_within_a_host_is_followed_at_once_and_one_to_another_host_waits_for_that(clock: Clock) -> None:
    names = Names({"a.example": [[PUBLIC]], "b.example": [[PUBLIC]]})
    async with egress(names, pause=2) as out, serving(answer(OK)) as server:
        server.pages = {"/in": redirect("/out"), "/out": redirect(server.url("b.example"))}
        await out.get(server.url("b.example"))
        going = asyncio.create_task(out.get(server.url("a.example", "/in")))
        await until(lambda: len(server.seen) == 3)
        await settled()
        assert server.paths() == ["/feed", "/in", "/out"]
        assert not going.done()
        await clock.jump(2.1)
        assert (await going).body == b"news"
    assert server.paths() == ["/feed", "/in", "/out", "/feed"]


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (("Retry-After: 120",), 120),
        (("Retry-After: Wed, 01 Jul 2026 12:05:00 GMT", "Date: Wed, 01 Jul 2026 12:00:00 GMT"), 300),
        (("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", "Date: Wed, 01 Jul 2026 12:00:00 GMT"), 86_400),
        (("Retry-After: 999999999999",), 86_400),
        (("Retry-After: 0",), 0),
        (("Retry-After: -5",), 0),
        (("Retry-After: soon",), 0),
        (("Retry-After: Wed, 01 Jul 2026 12:05:00 GMT",), 0),
        (("Retry-After: Wed, 01 Jul 2026 11:05:00 GMT", "Date: Wed, 01 Jul 2026 12:00:00 GMT"), 0),
        ((), 0),
    ],
)
@pytest.mark.parametrize("status", ["429 Too Many", "503 Busy"])
async def test_a_retry_after_keeps_everybody_from_the_whole_host(
    clock: Clock, lines: tuple[str, ...], seconds: int, status: str
) -> None:
    async with egress() as out, serving(answers(head(*lines, status=status), OK)) as server:
        assert (await out.get(server.url())).status == int(status[:3])
        assert out.free(PUBLIC) is (seconds == 0)
        if seconds:
            await clock.jump(seconds - 10)
            for go in (out.get, out.page):
                with pytest.raises(FetchFailed, match="left alone") as failed:
                    await go(server.url(path="/another"))
                assert failed.value.kind == "asked-to-wait"
                assert failed.value.wait is not None
            assert server.connections == 1
            await clock.jump(11)
        assert (await out.get(server.url(path="/another"))).body == b"news"


async def test_other_answers_ask_for_no_rest(clock: Clock) -> None:
    async with egress() as out, serving(answers(head("Retry-After: 99", status="500 Oops"), OK)) as server:
        await out.get(server.url())
        assert (await out.get(server.url())).body == b"news"


async def test_a_thousand_feeds_on_one_host_are_fetched_one_at_a_time() -> None:
    async with egress() as out, serving(answer(OK)) as server:
        got = await asyncio.gather(*(out.get(server.url(path=f"/{n}"), deadline=5) for n in range(1_000)))

    assert [one.status for one in got] == [200] * 1_000
    assert server.most_at_once == 1


async def test_without_turns_they_would_come_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(Manners, "turn", lambda *_, **__: asyncio.Semaphore(1))
    release = asyncio.Event()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(OK)

    async with egress() as out, serving(slowly) as server:
        going = [asyncio.create_task(out.get(server.url(path=f"/{n}"))) for n in range(20)]
        await until(lambda: server.most_at_once == 20)
        release.set()
        await asyncio.gather(*going)


async def test_the_crawl_delay_of_a_robots_txt_is_kept(clock: Clock) -> None:
    pages = {"/robots.txt": text("User-agent: *\nCrawl-delay: 20\n")}
    async with egress(pause=2) as out, serving(answer(OK), pages=pages) as server:
        going = asyncio.create_task(out.page(server.url()))
        await until(lambda: bool(server.seen))
        await until(lambda: out.manners._hosts[PUBLIC].pause == 20)
        await clock.jump(19)
        assert server.paths() == ["/robots.txt"]
        await clock.jump(1.1)
        assert (await going).body == b"news"


async def test_a_missing_robots_txt_slows_nobody_down(clock: Clock) -> None:
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": NOT_FOUND}) as server:
        await out.page(server.url())
        assert out.manners._hosts[PUBLIC].pause == 0
