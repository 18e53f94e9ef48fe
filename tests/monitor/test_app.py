"""The wiring: what a monitor is made of, and what it says of itself. The daemon as a process is in test_life and test_kill."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import pytest
import structlog

from monitor import config
from monitor.app import kept, receivers
from monitor.app import replay as stage
from monitor.app.book import Book, read_rules, told_to_all
from monitor.app.daemon import App
from monitor.cli.watch import first_round, introduction
from monitor.desk import Receiver as Wishes
from monitor.errors import ConfigError, DeliveryFailed, StoreError
from monitor.model import Alert, Delivery, Receipt, Visit
from monitor.policy import Route
from monitor.stores.memory import MemoryStore
from rules import Article, Invalid

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = """
sources: [{id: world, feed: 'https://news.example/rss?key=SOURCEKEY'}]
receivers: [{id: desk, webhook: 'https://hooks.example/SECRETPATH', secret: {env: DESK_KEY}, levels: [high]}]
"""


@pytest.fixture
def book(tmp_path: Path, rules: str) -> Book:
    (tmp_path / "rules.yaml").write_text(rules)
    return read_rules(tmp_path / "rules.yaml")


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config.parse(SETTINGS.encode(), tmp_path / "monitor.yaml", {"DESK_KEY": KEY})


class Sink:
    """A receiver that takes everything but what `fails` says."""

    id = "desk"
    at_once = 1

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.got: list[str] = []

    def render(self, alert: Alert) -> bytes:
        return alert.id.encode()

    async def send(self, delivery: Delivery) -> Receipt:
        self.got.append(delivery.alert)
        if self.fails:
            raise DeliveryFailed("HTTP 500")
        return Receipt()


# Rules


def test_rules_may_include_others_beside_them(tmp_path: Path, rules: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "talks.yaml").write_text(rules)
    (tmp_path / "rules.yaml").write_text("include: [more/talks.yaml]\n")
    found = read_rules(tmp_path / "rules.yaml")
    assert list(found.rules) == ["on-talks"]
    assert len(found.files) == 2


def test_a_problem_names_the_file_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("ruls: []\n")
    with pytest.raises(Invalid) as caught:
        read_rules(tmp_path / "rules.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/rules.yaml:1:1: ")


# Receivers


def test_a_rule_may_not_notify_a_receiver_that_there_is_not(settings: Config, book: Book) -> None:
    (rule,) = book.ruleset.rules
    other = replace(book, ruleset=replace(book.ruleset, rules=(replace(rule, notify=("desk", "nobody")),)))
    with pytest.raises(ConfigError, match="'on-talks' notifies 'nobody': no such receiver"):
        receivers.check(settings, other)
    receivers.check(replace(settings, receivers=()), other)  # without any, all goes to the terminal


def test_a_receiver_takes_what_it_asked_for_and_the_terminal_everything(settings: Config) -> None:
    desk, terminal = receivers.routes(settings.receivers, {"desk": Sink(), "terminal": Sink()})
    assert desk.receiver.levels == ("high",)
    assert terminal.receiver == Wishes(id="terminal")


def test_without_receivers_rules_that_name_some_go_to_the_terminal(book: Book) -> None:
    (rule,) = told_to_all({"a": replace(book.ruleset.rules[0], notify=("desk",))}).values()
    assert rule.notify is None


BEFORE = """
sources: [{id: world, feed: 'https://news.example/rss'}]
receivers:
  - {id: desk, webhook: 'https://hooks.example/a', secret: {env: DESK_KEY}}
  - {id: hook, webhook: 'https://h.example/', secret: {env: DESK_KEY}}
settings: {mail: {host: mail.example, sender: monitor@news.example}}
"""
MOVED = BEFORE.replace("hooks.example/a", "hooks.example/b")
LETTERS = BEFORE.replace("webhook: 'https://hooks.example/a', secret: {env: DESK_KEY}", "email: [chief@desk.example]")


async def restarted(store: MemoryStore, said: str, tmp_path: Path) -> App:
    """A monitor that reads these settings as it starts, as far as its receivers go."""
    found = config.parse(said.encode(), tmp_path / "monitor.yaml", {"DESK_KEY": KEY})
    async with receivers.open_egress(found) as out:
        parts: Any = {"rules": None, "sources": {}, "bench": None, "free": None}
        app = App(config=found, store=store, sinks=receivers.sinks(found, out), **parts)
        await app._reconnect(NOW)
        return app


async def waiting(store: MemoryStore) -> dict[str, bytes]:
    """The bytes that wait for each receiver."""
    found = [await store.delivery("on-talks", sink) for sink in ("desk", "hook")]
    return {one.sink: one.body for one in found if one}


@pytest.fixture
async def store(tmp_path: Path) -> MemoryStore:
    """One in which something waits for two webhooks."""
    made = MemoryStore()
    app = await restarted(made, BEFORE, tmp_path)
    told = alert("on-talks")
    await made.tell(told, [Delivery(alert=told.id, sink=id, body=sink.render(told), due=NOW) for id, sink in app.sinks.items()])
    return made


async def test_what_waits_for_a_receiver_whose_form_was_changed_is_made_anew(store: MemoryStore, tmp_path: Path) -> None:
    before = await waiting(store)
    with structlog.testing.capture_logs() as logged:
        await restarted(store, LETTERS, tmp_path)

    after = await waiting(store)
    assert after["desk"].startswith(b"From: monitor@news.example\r\nTo: chief@desk.example\r\n")
    assert after["hook"] == before["hook"]
    (said,) = [one for one in logged if one["event"] == "made anew"]
    assert (said["receiver"], said["form"], said["deliveries"]) == ("desk", "email", 1)


async def test_at_another_address_the_bytes_stay_as_they_are(store: MemoryStore, tmp_path: Path) -> None:
    """The negative control of the test above: the breaker starts anew, what was made does not."""
    body = b"frozen, as an earlier version of us made it"
    await store.tell(alert("earlier"), [Delivery(alert="earlier", sink="desk", body=body, due=NOW)])
    before = await store.breaker("desk")

    await restarted(store, MOVED, tmp_path)

    assert (await store.breaker("desk")).address != before.address
    assert (found := await store.delivery("earlier", "desk"))
    assert found.body == body


async def test_what_was_cut_short_between_the_two_is_done_at_the_next_start(store: MemoryStore, tmp_path: Path) -> None:
    """What waits is made anew before it is written down where the receiver is."""
    kept, store.keep_breaker = store.keep_breaker, AsyncMock(side_effect=StoreError("killed"))  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        await restarted(store, LETTERS, tmp_path)
    store.keep_breaker = kept  # type: ignore[method-assign]
    await restarted(store, LETTERS, tmp_path)

    assert (await waiting(store))["desk"].startswith(b"From: ")


# What it says


def test_the_introduction_names_hosts_and_no_secrets(settings: Config, book: Book) -> None:
    said = "\n".join(introduction(settings, book))
    for fact in (
        "1 source",
        "world",
        "news.example",
        "as often as it has news",
        "on-talks (high)",
        "Fires when",
        "hooks.example, only high",
    ):
        assert fact in said
    for secret in ("SOURCEKEY", "SECRETPATH", KEY):
        assert secret not in said


def test_without_receivers_it_says_where_alerts_go(settings: Config, book: Book) -> None:
    assert "telling nobody but standard output" in "\n".join(introduction(replace(settings, receivers=()), book))


def alert(name: str, held: str | None = None) -> Alert:
    return Alert(
        id=name,
        kind="new",
        rule="on-talks",
        rule_title="t",
        level="high",
        version="v",
        tags=(),
        title=f"Title of {name}",
        article=Article(id=f"article-{name}", title=f"Article of {name}\x1b[2J"),
        first_seen=NOW,
        raised=NOW,
        sightings=(),
        held=held,
    )


def test_the_first_round_says_who_answered_and_what_was_found() -> None:
    visits = [Visit(source="a", at=NOW, due=NOW, articles=12), Visit(source="b", at=NOW, due=NOW, error="HTTP 404", failures=1)]
    assert list(first_round(visits, [alert("x"), alert("y", "backlog"), alert("z", "draft")])) == [
        "1 of 2 sources answered: 12 articles",
        "  b: HTTP 404",
        "Of the last 24 hours: 2 alerts",
        "  on-talks: Title of x",
        "    Article of x [2J",
        "  on-talks: Title of z (draft: nobody was told)",
        "    Article of z [2J",
        "Older, so nobody was told: 1 alert",
        "  on-talks: Title of y",
        "    Article of y [2J",
    ]


def test_a_long_list_is_cut() -> None:
    assert "  … and 5 more: monitor alerts" in list(first_round([], [alert(str(number)) for number in range(25)]))


# Replay


async def replayed(book: Book, store: MemoryStore, sink: Sink, at: datetime) -> tuple[Alert, ...]:
    article = Article(id="a", title="A headline", body="Dmitry Peskov said that talks with Kyiv make no sense.", digest="1")
    async with stage.rehearsing(stage.Rehearsal(book=book)) as rehearsal:
        return await stage.replay(rehearsal, [article], at=at, store=store, routes=[Route(id=sink.id, render=sink.render)])


@pytest.mark.parametrize("at", [NOW, datetime.now(UTC) + timedelta(days=400)], ids=["then", "in the future"])
async def test_what_was_replayed_is_delivered_whatever_its_time(book: Book, at: datetime) -> None:
    store, sink = MemoryStore(), Sink()
    (raised,) = await replayed(book, store, sink, at)
    told = await stage.deliver_all(store, {"desk": sink}, at)
    assert (told.sent, sink.got) == (1, [raised.id])


async def test_a_delivery_that_failed_is_tried_once_and_waits(book: Book) -> None:
    store, sink = MemoryStore(), Sink(fails=True)
    await replayed(book, store, sink, NOW)
    async with asyncio.timeout(5):
        told = await stage.deliver_all(store, {"desk": sink}, NOW)
    assert (told.again, len(sink.got), (await store.tally()).waiting) == (1, 1, 1)


# Looking on


def test_a_store_that_is_not_there_is_not_made_by_looking(settings: Config, tmp_path: Path) -> None:
    async def look() -> None:
        async with kept.open_kept(settings):
            pass

    with pytest.raises(StoreError, match="is not there yet"):
        asyncio.run(look())
    assert list(tmp_path.iterdir()) == []
