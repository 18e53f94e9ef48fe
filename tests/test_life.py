"""The life of one article: from a feed on one side to a signed webhook on the other, through the real daemon."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from conftest import Desk, Hook, Newsroom, Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROOF = "Kremlin spokesman Dmitry Peskov said on Tuesday that talks with Kyiv make no sense at this stage."
PAGE = f"""The capital woke up to grey skies and to a long list of appointments, as it does on most days of the week.

{PROOF}

The market nearby opened on time, and vendors there said that they expected a quiet day with few customers from abroad."""

OLD = """Rain fell on the coast all weekend, and the ferries stayed in port.

Dmitry Peskov said that a ceasefire would be welcome if both armies withdrew to the river first.

The harbour master expects the first boats to leave on Monday morning, weather permitting, with few passengers aboard."""


def opened(hook: Hook) -> dict[str, Any]:
    """What the receiver reads, having verified the signature as any receiver would."""
    verified = Webhook(SECRET).verify(hook.body, hook.headers)
    assert isinstance(verified, dict)
    return verified


async def test_an_article_becomes_a_signed_webhook(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "The capital woke up to grey skies.", PAGE)
    desk.write(settings(), rules)

    daemon = await desk.start()
    hook = await newsroom.told()

    envelope = opened(hook)
    alert = envelope["data"]
    finding = alert["findings"][0]
    assert envelope["type"] == "alert.new"
    assert hook.headers["webhook-id"] == alert["id"]
    assert alert["title"] == "Dmitry Peskov on talks: rejects"
    assert alert["rule"]["id"] == "on-talks"
    assert alert["article"]["url"] == f"{newsroom.url}/page/one"
    assert (finding["field"], finding["text"]) == ("body", PROOF)  # the page has it; the feed had only a teaser
    assert (finding["captures"]["speaker"], finding["labels"]["stance"]) == ("Dmitry Peskov", "rejects")

    await newsroom.until_asked("/feed/feed", times=3)
    assert newsroom.hooks.empty()  # the same feed again is no news
    assert await daemon.stop() == 0


async def test_the_first_lines_say_what_it_does_and_keep_the_secret(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    newsroom.publish("old", "Rain on the coast", "Ferries stay in port.", OLD, datetime.now(UTC) - timedelta(days=3))
    desk.write(settings(), rules)

    daemon = await desk.start()
    await newsroom.told()
    poll = json.loads(await daemon.says('"first poll"'))
    assert (poll["answered"], poll["sources"], poll["articles"]) == (1, 1, 2)
    assert [alert["held"] for alert in poll["alerts"]] == ["backlog", None]
    assert await daemon.stop() == 0

    said = "".join(daemon.err)
    events = [json.loads(line)["event"] for line in daemon.err]  # every line is JSON
    assert [event for event in events if event != "settings"][0] == "watching"  # noqa: RUF015 - all are read
    for fact in ("feed", "on-talks", "fires_when", "desk", "127.0.0.1", "monitor.db"):
        assert fact in said
    for secret in ("/hook", SECRET):
        assert secret not in said
    assert newsroom.hooks.empty()  # the old article was recorded, and nobody was told
    code, out, _ = await desk.command("alerts", "--json")
    assert code == 0
    assert sorted(str(json.loads(line)["held"]) for line in out.splitlines()) == ["None", "backlog"]


async def test_a_log_for_people_says_it_in_words(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    desk.write(settings(), rules)
    daemon = await desk.start("run", MONITOR_LOG="console")
    assert (await daemon.says("Watching")).strip() == "Watching 1 source:"
    await daemon.says("1 of 1 sources answered: 1 article")
    assert await daemon.stop() == 0


async def test_without_a_receiver_alerts_go_to_stdout(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    desk.write(settings(receiver=False), rules)
    daemon = await desk.start()
    line = await daemon.prints("alert.new")
    assert json.loads(line)["data"]["findings"][0]["text"] == PROOF
    assert await daemon.stop() == 0


async def test_a_dead_feed_and_a_page_in_its_place_are_warnings(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    monitor = settings().replace(
        "receivers:",
        f"  - {{id: dead, feed: 'http://127.0.0.1:9/feed.xml'}}\n  - {{id: html, feed: '{newsroom.url}/page/one'}}\nreceivers:",
    )
    desk.write(monitor, rules)
    daemon = await desk.start()
    assert opened(await newsroom.told())["type"] == "alert.new"
    poll = json.loads(await daemon.says('"first poll"'))
    assert (poll["answered"], poll["sources"]) == (1, 3)
    assert poll["failing"] == {"dead": "cannot connect", "html": "HTML where a feed should be"}
    code, out, _ = await desk.command("status")
    assert (code, out.splitlines()[0]) == (0, "All is well.")
    assert "warning: dead fails: cannot connect" in out
    assert await daemon.stop() == 0
    code, out, _ = await desk.command("status")
    assert code == 1
    assert "no monitor is running" in out


async def test_a_new_article_in_a_known_feed_is_told_at_once(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.publish("dull", "Nothing much", "Nothing.", "Nothing happened today, and nobody said anything at all about it.")
    desk.write(settings(), rules)
    daemon = await desk.start()
    await daemon.says('"first poll"')
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE)
    assert opened(await newsroom.told())["data"]["article"]["title"] == "A quiet Tuesday"
    code, out, _ = await desk.command("status")
    assert (code, out.splitlines()[0]) == (0, "All is well.")
    assert await daemon.stop() == 0
