"""Alerts on standard output, where nobody may be reading: nothing but this one receiver is held up by that."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import pytest
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # the one that the store uses, too

from monitor.errors import DeliveryFailed
from monitor.model import Delivery
from monitor.sinks import terminal
from monitor.sinks.terminal import TerminalSink

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk, Newsroom, Settings

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LARGE = b"x" * 8_000
PATIENCE = 40
"""Seconds for another thread or process on a busy machine."""


def delivery(alert: str, body: bytes = b"") -> Delivery:
    return Delivery(alert=alert, sink="terminal", body=body or alert.encode(), due=NOON)


@dataclass
class Pipe:
    """A real one, that is read when the test says so, by a loop that turns meanwhile."""

    reading: int
    out: TextIO
    got: bytearray = field(default_factory=bytearray)

    async def read(self, until: Callable[[bytes], bool]) -> bytes:
        """Reads until that much has come."""
        while not until(bytes(self.got)):
            await readable(self.reading)
            self.got += os.read(self.reading, 65_536)
        return bytes(self.got)

    def fill(self) -> int:
        """Writes until nothing more fits; how many bytes."""
        written = 0
        os.set_blocking(self.out.fileno(), False)
        for size in (4_096, 1):
            with suppress(BlockingIOError):
                while True:
                    written += os.write(self.out.fileno(), b"." * size)
        os.set_blocking(self.out.fileno(), True)
        return written

    def swallow(self, number: int) -> None:
        """Reads so many bytes, however long that takes."""
        while number > 0:
            number -= len(os.read(self.reading, min(number, 65_536)))

    def leave(self) -> None:
        """Nobody reads any more."""
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1


async def readable(file: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(file, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(file)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    out = os.fdopen(writing, "w", encoding="utf-8")
    made = Pipe(reading, out)
    try:
        yield made
    finally:
        made.leave()  # whoever is still writing fails now
        for thread in threading.enumerate():
            if thread.name == "terminal":
                thread.join()
        with suppress(OSError):
            out.close()


async def until(true: Callable[[], bool]) -> None:
    """Until that is so; nobody tells us when."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def turns(number: int = 50) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def stuck(sink: TerminalSink, alert: str) -> asyncio.Task[object]:
    """An attempt that writes into a full pipe."""
    attempt: asyncio.Task[object] = asyncio.create_task(sink.send(delivery(alert)))
    await turns()
    assert not attempt.done()
    return attempt


async def cut(attempt: asyncio.Task[object]) -> None:
    """As the sender does after nine tenths of the lease, and whoever stops."""
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    assert attempt.cancelled()


async def test_what_is_more_than_a_pipe_holds_arrives_in_order_as_it_is_read(pipe: Pipe) -> None:
    sink = TerminalSink(id="terminal", out=pipe.out)

    async def send_all() -> None:
        for n in range(30):
            await sink.send(delivery(str(n), b"%d " % n + LARGE))

    sending = asyncio.create_task(send_all())
    got = await pipe.read(lambda got: got.count(b"\n") == 30)
    await sending
    assert got.splitlines() == [b"%d " % n + LARGE for n in range(30)]


@pytest.mark.parametrize("guarded", [True, False])
async def test_the_loop_turns_while_nobody_reads(pipe: Pipe, monkeypatch: pytest.MonkeyPatch, *, guarded: bool) -> None:
    """With its negative control: what is written in the loop's own thread holds up the loop, here until another thread reads."""

    async def here(_: object, __: str, work: Callable[[], None]) -> None:
        work()

    if not guarded:
        monkeypatch.setattr(terminal._Pen, "write", here)
    full, turned = pipe.fill(), asyncio.Event()
    reader = threading.Thread(target=pipe.swallow, args=(full,))
    asyncio.get_running_loop().call_soon(turned.set)
    reader.start()

    await TerminalSink(id="terminal", out=pipe.out).send(delivery("a"))
    assert turned.is_set() is guarded

    await asyncio.to_thread(reader.join)


async def test_while_one_write_is_stuck_others_fail_at_once(pipe: Pipe) -> None:
    sink = TerminalSink(id="terminal", out=pipe.out)
    full = pipe.fill()
    await cut(await stuck(sink, "first"))

    for alert in ("first", "second"):
        with pytest.raises(DeliveryFailed, match="nobody reads what was written before") as failed:
            await sink.send(delivery(alert))
        assert failed.value.kind == "slow"

    assert (await pipe.read(lambda got: got.endswith(b"\n")))[full:] == b"first\n"


async def test_what_was_written_late_is_not_written_again(pipe: Pipe) -> None:
    sink = TerminalSink(id="terminal", out=pipe.out)
    full = pipe.fill()
    await cut(await stuck(sink, "first"))
    await pipe.read(lambda got: got.endswith(b"\n"))
    await until(lambda: not sink.pen.writing)  # the thread has written, and tells the loop

    await sink.send(delivery("first"))  # the attempt that follows the one that was cut
    await sink.send(delivery("second"))
    await sink.send(delivery("first"))  # somebody replays it

    assert (await pipe.read(lambda got: got.count(b"\n") == 3))[full:] == b"first\nsecond\nfirst\n"


async def test_if_that_was_forgotten_it_would_be_written_twice(pipe: Pipe) -> None:
    """The negative control of the test above."""
    sink = TerminalSink(id="terminal", out=pipe.out)
    full = pipe.fill()
    await cut(await stuck(sink, "first"))
    await pipe.read(lambda got: got.endswith(b"\n"))
    await until(lambda: not sink.pen.writing)
    sink.pen.late.clear()

    await sink.send(delivery("first"))

    assert (await pipe.read(lambda got: got.count(b"\n") == 2))[full:] == b"first\nfirst\n"


async def test_what_failed_late_is_tried_again(pipe: Pipe) -> None:
    sink = TerminalSink(id="terminal", out=pipe.out)
    pipe.fill()
    await cut(await stuck(sink, "first"))
    pipe.leave()
    await until(lambda: not sink.pen.writing)

    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(delivery("first"))

    assert failed.value.kind == "unreachable"


async def test_a_pipe_that_does_not_block_gets_all_of_it_too(pipe: Pipe) -> None:
    os.set_blocking(pipe.out.fileno(), False)
    sink = TerminalSink(id="terminal", out=pipe.out)
    sending = asyncio.create_task(sink.send(delivery("a", LARGE * 30)))

    assert await pipe.read(lambda got: got.endswith(b"\n")) == LARGE * 30 + b"\n"
    await sending


async def test_a_stream_that_is_closed_is_a_failed_delivery(pipe: Pipe) -> None:
    pipe.out.close()
    with pytest.raises(DeliveryFailed, match="closed file") as failed:
        await TerminalSink(id="terminal", out=pipe.out).send(delivery("a"))
    assert failed.value.kind == "unreachable"


# The daemon


async def test_a_daemon_whose_output_nobody_reads_goes_on_and_stops_when_asked(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str, pipe: Pipe
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", "Dmitry Peskov said on Tuesday that talks with Kyiv make no sense.")
    desk.write(settings(receiver=False), rules)
    pipe.fill()
    with (desk.folder / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "run"), cwd=desk.folder, env=desk.environment, stdout=pipe.out, stderr=err
        )
        try:
            await until(lambda: under_way(desk.folder / "monitor.db"))
            await newsroom.until_asked("/feed/feed", times=newsroom.asked.count("/feed/feed") + 2)  # it goes on watching
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    said = (desk.folder / "err").read_text()
    assert code == 0, said
    assert "Fatal Python error" not in said


def under_way(file: Path) -> bool:
    """Whether the daemon that has this store is about to write an alert, or has begun to."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("SELECT 1 FROM deliveries WHERE state = 'leased'").fetchall())
    except sqlite3.Error:  # it is not there yet
        return False
