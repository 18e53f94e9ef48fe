"""Kill -9 in the middle, receivers that fail, two daemons on one store: nothing is lost and nothing is told under two ids."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from conftest import Desk, Newsroom, Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAGE = """The capital woke up to grey skies and to a long list of appointments, as it does on most days of the week.

Kremlin spokesman Dmitry Peskov said on Tuesday that talks with Kyiv make no sense at this stage.

The market nearby opened on time, and vendors there said that they expected a quiet day with few customers from abroad."""


async def alerts(desk: Desk) -> list[str]:
    code, out, _ = await desk.command("alerts", "--json")
    assert code == 0
    return [json.loads(line)["data"]["id"] for line in out.splitlines()]


async def test_killed_while_the_receiver_holds_the_request(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.open_hooks.clear()
    desk.write(settings(), rules)

    first = await desk.start()
    before = await newsroom.told()
    assert await first.stop(signal.SIGKILL) == -signal.SIGKILL
    newsroom.open_hooks.set()

    second = await desk.start()
    after = await newsroom.told()
    assert before.headers["webhook-id"] == after.headers["webhook-id"]
    assert before.body == after.body
    Webhook(SECRET).verify(after.body, after.headers)
    await newsroom.until_asked("/feed/feed", times=3)
    assert await second.stop() == 0
    assert newsroom.hooks.empty()
    assert await alerts(desk) == [after.headers["webhook-id"]]


async def test_killed_while_the_page_is_fetched(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.open_pages.clear()
    desk.write(settings(), rules)

    first = await desk.start()
    await newsroom.until_asked("/page/one")
    await first.stop(signal.SIGKILL)
    newsroom.open_pages.set()

    second = await desk.start()
    hook = await newsroom.told()
    assert await second.stop() == 0
    assert await alerts(desk) == [hook.headers["webhook-id"]]


async def test_a_receiver_that_answers_500_is_told_again_with_the_same_bytes(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.answers = [500]
    desk.write(settings(), rules)

    first = await desk.start()
    before = await newsroom.told()
    await first.says("500")
    await first.stop(signal.SIGKILL)  # recorded, tried once, not delivered

    second = await desk.start()
    after = await newsroom.told()
    assert await second.stop() == 0
    assert (before.headers["webhook-id"], before.body) == (after.headers["webhook-id"], after.body)
    assert await alerts(desk) == [after.headers["webhook-id"]]


async def test_sigterm_while_the_receiver_holds_the_request(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.open_hooks.clear()
    desk.write(settings(), rules)

    first = await desk.start()
    before = await newsroom.told()
    async with asyncio.timeout(8):
        assert await first.stop() == 0
    newsroom.open_hooks.set()

    second = await desk.start()
    after = await newsroom.told()
    assert before.headers["webhook-id"] == after.headers["webhook-id"]
    assert await second.stop(signal.SIGINT) == 0


async def test_a_second_signal_ends_it_at_once(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.open_hooks.clear()
    desk.write(settings(), rules)
    daemon = await desk.start()
    await newsroom.told()
    daemon.process.terminate()
    await daemon.says("stopping")
    async with asyncio.timeout(4):  # the first alone would wait longer for the receiver
        assert await daemon.stop() == 0


async def test_a_second_daemon_on_the_same_store_refuses(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    desk.write(settings(), rules)
    first = await desk.start()
    await newsroom.told()
    code, out, err = await desk.command("run")
    assert (code, out) == (2, "")
    assert str(first.process.pid) in err
    assert "Traceback" not in err
    assert await first.stop() == 0
