"""`monitor receivers`: how each is, what a sample comes back with, and taking one out of service and in again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click import unstyle
from standardwebhooks import Webhook

from monitor import config as settings
from monitor.app import postroom, tryout
from monitor.app.book import now as clock
from monitor.errors import DeliveryFailed
from monitor.model import Alert, Backlog, Breaker, Delivery
from monitor.stores.sqlite import SqliteStore
from rules import Article, Invalid

if TYPE_CHECKING:
    from conftest import Desk, Newsroom, Settings

    from monitor.app.postroom import Box
    from monitor.config import Config
    from monitor.ports import Store

pytestmark = pytest.mark.usefixtures("unlogged")

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = """
receivers:
  - {id: desk, webhook: 'https://hooks.example.org/a-secret-path', secret: {env: DESK_KEY}, levels: [high, critical], tags: sea}
  - {id: night, webhook: 'https://night.example.org/another-path', secret: {env: DESK_KEY}}
"""

Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two receivers, and a store in which three alerts wait for each."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DESK_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitor.yaml").write_text(SETTINGS)
    in_store(tmp_path, lambda store: fill(store, "desk", "night"))
    return tmp_path


def in_store(folder: Path, work: Callable[[Store], Any]) -> Any:
    async def opened() -> Any:
        store = await SqliteStore.open(folder / "monitor.db", sole=False)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


async def fill(store: Store, *sinks: str) -> None:
    for number in range(3):
        one = Alert(
            id=f"alt_{number}", kind="new", rule="on-talks", rule_title="", level="high", version="", tags=(), title="Talks",
            article=Article(id="a"), first_seen=NOW, raised=NOW, sightings=(),
        )  # fmt: skip
        due = NOW + number * HOUR
        await store.tell(one, [Delivery(alert=one.id, sink=sink, body=b"{}", due=due) for sink in sinks])


def shut(folder: Path, sink: str = "desk", **changes: Any) -> None:
    whole = {"sink": sink, "state": "disabled", "failures": 1, "since": NOW, "reason": "HTTP 410: the receiver is gone"}
    in_store(folder, lambda store: store.keep_breaker(Breaker(**{**whole, **changes}), NOW))


def breaker(folder: Path, sink: str = "desk") -> Breaker:
    found: Breaker = in_store(folder, lambda store: store.breaker(sink))
    return found


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# list


def test_every_receiver_is_listed_with_what_it_wants_and_what_lies_there_for_it(do: Do, here: Path) -> None:
    shut(here)
    code, out, err = do("receivers", "list", "--json")
    desk, night = values(out)
    assert (code, err) == (0, "")
    assert desk == {
        "id": "desk",
        "form": "webhook",
        "host": "hooks.example.org",
        "levels": ["high", "critical"],
        "tags": ["sea"],
        "rules": [],
        "kinds": [],
        "state": "disabled",
        "why": (
            "disabled, has failed since 2024-05-01 12:00 UTC: HTTP 410: the receiver is gone; "
            "3 parked, the oldest since 2024-05-01 12:00 UTC: 'monitor receivers enable desk'"
        ),
        "failures": 1,
        "since": "2024-05-01T12:00:00Z",
        "due": None,
        "reason": "HTTP 410: the receiver is gone",
        "waiting": 3,
        "gathered": 0,
        "oldest": "2024-05-01T12:00:00Z",
        "sent": 0,
        "dead": 0,
    }
    assert (night["state"], night["why"], night["waiting"]) == ("new", "", 3)


def test_the_list_for_people_fits_a_terminal_of_80_columns(do: Do, here: Path) -> None:
    host = "a-rather-long-name-of-a-host." * 4 + "example.org"
    (here / "monitor.yaml").write_text(SETTINGS.replace("night.example.org", host))
    shut(here)
    code, out, _ = do("receivers", "list")
    lines = out.splitlines()
    assert code == 0
    assert max(map(len, lines)) < 80
    assert lines[0].split() == ["RECEIVER", "STATE", "FORM", "HOST", "WAITING", "SENT", "GIVEN", "UP"]
    assert lines[1].split() == ["desk", "disabled", "webhook", "hooks.example.org", "3", "0", "0"]
    assert lines[2] == "    takes levels high, critical; tags sea"
    assert "'monitor receivers enable desk'" in " ".join(out.split())


def test_neither_secrets_nor_the_paths_of_addresses_are_shown(do: Do, here: Path) -> None:
    shut(here, "night", state="open", due=NOW + MINUTE)
    shown = "".join(
        "".join(do(*command)[1:]) for command in (("receivers", "list"), ("receivers", "list", "--json"), ("status",))
    )
    assert "hooks.example.org" in shown
    for secret in ("a-secret-path", "another-path", KEY.removeprefix("whsec_")):
        assert secret not in shown
    assert "a-secret-path" in settings.load(None, settings.environment()).receivers[0].place.reveal  # or there is nothing to hide


def test_what_waits_for_a_receiver_that_is_no_longer_named_is_listed(do: Do, here: Path) -> None:
    in_store(here, lambda store: fill(store, "old-desk"))
    one = values(do("receivers", "list", "--json")[1])[-1]
    assert (one["id"], one["state"]) == ("old-desk", "unknown")
    assert (
        one["why"] == "3 deliveries wait, the oldest since 2024-05-01 12:00 UTC for 'old-desk', which monitor.yaml does not name"
    )


def test_before_the_first_run_all_are_new(do: Do, here: Path) -> None:
    (here / "monitor.db").unlink()
    assert [(one["id"], one["state"]) for one in values(do("receivers", "list", "--json")[1])] == [
        ("desk", "new"),
        ("night", "new"),
    ]


def test_without_receivers_all_goes_to_the_terminal(do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("settings: {}\n")
    (here / "monitor.db").unlink()
    code, out, err = do("receivers", "list")
    assert (code, out) == (0, "")
    assert "all alerts go to the terminal" in err


def box(*, named: bool = True, waiting: int = 0, sent: int = 1, **state: Any) -> Box:
    lying = Backlog(sink="desk", waiting=waiting, sent=sent, oldest=NOW - HOUR if waiting else None)
    return postroom.Box(id="desk", named=named, breaker=Breaker(sink="desk", **state), backlog=lying)


FAILING: dict[str, Any] = {
    "state": "open",
    "failures": 7,
    "since": NOW - timedelta(minutes=16),
    "due": NOW + MINUTE,
    "reason": "HTTP 502",
}


@pytest.mark.parametrize(
    ("one", "state", "why"),
    [
        (box(), "ok", ""),
        (box(sent=0), "new", ""),
        (box(failures=2, reason="HTTP 500"), "unsure", "2 failures in a row: HTTP 500"),
        (box(**FAILING), "failing", "failing since 11:44 UTC, asked again 12:01 UTC: HTTP 502; nothing waits"),
        (
            box(**FAILING, waiting=1),
            "failing",
            "failing since 11:44 UTC, asked again 12:01 UTC: HTTP 502; 1 delivery waits since 11:00 UTC",
        ),
        (
            box(state="disabled", since=NOW - 24 * HOUR, reason="moves", waiting=1_312),
            "disabled",
            "disabled since 2024-04-30 12:00 UTC: moves; 1,312 parked, the oldest since 11:00 UTC: 'monitor receivers enable desk'",
        ),
        (box(state="disabled"), "disabled", "disabled; nothing is parked: 'monitor receivers enable desk'"),
        (box(named=False, waiting=1), "unknown", "1 delivery waits since 11:00 UTC for 'desk', which monitor.yaml does not name"),
        (box(reason="x \x1b[31m", failures=1), "unsure", "1 failure in a row: x [31m"),
    ],
)
def test_the_state_of_a_receiver_is_said_in_words(one: Box, state: str, why: str) -> None:
    assert (one.state, one.why(NOW)) == (state, why)
    assert set(postroom.STATES) >= {state}


@pytest.mark.parametrize(
    ("one", "trouble", "warning"),
    [
        (box(), False, False),
        (box(failures=2), False, False),
        (box(state="disabled"), True, False),
        (box(**FAILING), True, False),
        (box(**{**FAILING, "since": NOW - timedelta(minutes=15)}), False, True),
        (box(named=False, waiting=1), False, True),
        (box(named=False, waiting=1, state="disabled"), False, True),
    ],
)
def test_what_is_a_trouble_and_what_a_warning(one: Box, *, trouble: bool, warning: bool) -> None:
    assert (bool(list(postroom.troubles([one], NOW))), bool(list(postroom.warnings([one], NOW)))) == (trouble, warning)


def test_the_terminal_is_no_stray_where_there_are_no_receivers() -> None:
    waiting = [Backlog(sink="terminal", waiting=1)]
    (alone,) = postroom.boxes(settings.Config(), [], waiting)
    assert (alone.state, alone.form) == ("new", "terminal")
    stray = postroom.boxes(settings.parse(SETTINGS.encode(), Path("monitor.yaml"), {"DESK_KEY": KEY}), [], waiting)[-1]
    assert (stray.id, stray.state) == ("terminal", "unknown")


# enable, disable


def test_enabling_lets_what_is_parked_flow_again(do: Do, here: Path) -> None:
    shut(here)
    code, out, _ = do("receivers", "enable", "desk")
    assert (code, out) == (0, "desk is enabled: 'monitor run' sends what waited, 3 deliveries, oldest first.\n")
    assert breaker(here) == Breaker(sink="desk", width=4)
    assert in_store(here, lambda store: store.due(["desk"], clock())) == ["desk"]


def test_an_open_breaker_can_be_closed_by_hand(do: Do, here: Path) -> None:
    shut(here, state="open", due=datetime(2999, 1, 1, tzinfo=UTC))
    assert do("receivers", "enable", "desk")[0] == 0
    assert breaker(here).state == "closed"


def test_enabling_what_is_enabled_changes_nothing(do: Do, here: Path) -> None:
    code, out, _ = do("receivers", "enable", "desk")
    assert (code, out) == (0, "desk is enabled already: nothing was sent to it yet.\n")


def test_what_is_for_a_disabled_receiver_is_parked(do: Do, here: Path) -> None:
    code, out, _ = do("receivers", "disable", "desk", "--reason", "moves  on\nSunday")
    assert code == 0
    assert out.startswith("desk is disabled: what is for it is parked.")
    found = breaker(here)
    assert (found.state, found.reason, found.failures) == ("disabled", "moves on Sunday", 0)
    assert {one["state"] for one in values(do("deliveries", "list", "--receiver", "desk", "--json")[1])} == {"parked"}
    assert {one["state"] for one in values(do("deliveries", "list", "--receiver", "night", "--json")[1])} == {"waiting"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("enable", "dask"),
        ("enable", "old-desk"),
        ("disable", "dask", "--reason", "x"),
        ("disable", "desk"),
        ("disable", "desk", "--reason", " "),
        ("disable", "desk", "--reason", "x" * 501),
        ("test", "dask"),
    ],
)
def test_nonsense_is_refused(do: Do, here: Path, arguments: tuple[str, ...]) -> None:
    in_store(here, lambda store: fill(store, "old-desk"))
    assert do("receivers", *arguments)[:2] == (2, "")
    assert in_store(here, lambda store: store.breakers()) == []


def test_a_receiver_that_is_misspelt_is_told_with_the_nearest(do: Do) -> None:
    assert "unknown receiver 'dask'; did you mean 'desk'? expected one of desk, night" in do("receivers", "enable", "dask")[2]


# test


@dataclass
class Counter:
    """A counter where alerts are handed in: it answers as it is told, and keeps what it got."""

    url: str = ""
    status: int = 200
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hook(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, text=self.text, headers=self.headers)


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    made, app = Counter(), web.Application()
    app.router.add_post("/hook/private-path", made.hook)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = str(server.make_url("/hook/private-path"))
        yield made


def asked(url: str, form: str = "webhook", allow: str = "settings: {allow: [127.0.0.0/8]}") -> Config:
    signed = ", secret: {env: DESK_KEY}" if form == "webhook" else ""
    where = {"email": "chief@example.org"}.get(form, "{env: PLACE}" if form == "slack" else f"'{url}'")
    text = f"receivers: [{{id: desk, {form}: {where}{signed}}}]\n{allow}\n"
    return settings.parse(text.encode(), Path("monitor.yaml"), {"DESK_KEY": KEY, "PLACE": url})


async def tried(config: Config) -> tryout.Answer:
    return await tryout.try_out(config, config.receivers[0], clock)


async def test_a_sample_is_signed_and_says_that_it_is_a_test(counter: Counter) -> None:
    counter.text = "thank you"
    answer = await tried(asked(counter.url))
    ((headers, body),) = counter.got
    assert (answer.failure, answer.receipt.status, answer.receipt.excerpt) == (None, 200, "thank you")
    told = Webhook(KEY).verify(body, headers)
    assert headers["webhook-id"] == answer.id == told["data"]["id"]
    assert (told["type"], told["data"]["kind"], told["data"]["title"]) == ("monitor.test", "test", "Test: this is a sample alert")
    (finding,) = told["data"]["findings"]
    assert finding["text"].startswith("This is a test of the receiver 'desk': nothing has happened")
    assert [finding["text"][hit["start"] : hit["end"]] for hit in finding["hits"]] == ["test"]


async def test_each_sample_has_an_id_of_its_own(counter: Counter) -> None:
    first, second = await tried(asked(counter.url)), await tried(asked(counter.url))
    assert first.id != second.id


async def test_a_sample_for_slack_is_in_its_format(counter: Counter) -> None:
    assert (await tried(asked(counter.url, "slack"))).failure is None
    ((_, body),) = counter.got
    assert "Test: this is a sample alert" in json.loads(body)["text"]


@pytest.mark.parametrize(
    ("form", "status", "text", "advice"),
    [
        ("webhook", 401, "bad signature", "is the secret on its side the one that monitor.yaml names"),
        ("webhook", 403, "", "is the secret on its side the one that monitor.yaml names"),
        ("webhook", 404, "", "there is nothing at this address: compare its path"),
        ("webhook", 410, "", "a running monitor would disable it"),
        ("webhook", 418, "", ""),
        ("webhook", 429, "", "try again later"),
        ("webhook", 502, "", "the failure is on its side: look at its log"),
        ("webhook", 400, "no_text", "write 'slack' in the place of 'webhook'"),
        ("slack", 400, "invalid_payload", "'slack' is for the incoming webhooks of Slack"),
        ("slack", 403, "invalid_token", "make a new incoming webhook"),
        ("slack", 404, "channel_not_found", "its channel is not there"),
    ],
)
async def test_a_refusal_comes_with_what_to_look_at(counter: Counter, form: str, status: int, text: str, advice: str) -> None:
    counter.status, counter.text = status, text
    config = asked(counter.url, form)
    failure = (await tried(config)).failure
    assert failure is not None
    assert failure.status == status
    assert advice in tryout.advice(failure, form)
    assert len(counter.got) == 1


async def test_a_redirect_is_not_followed_and_the_advice_is_the_final_address(counter: Counter) -> None:
    counter.status, counter.headers = 308, {"Location": counter.url}
    failure = (await tried(asked(counter.url))).failure
    assert failure is not None
    assert "write the address that it leads to" in tryout.advice(failure, "webhook")
    assert len(counter.got) == 1


async def test_a_private_address_is_blocked_unless_it_is_allowed(counter: Counter) -> None:
    failure = (await tried(asked(counter.url, allow=""))).failure
    assert failure is not None
    assert "allow: {receivers: " in tryout.advice(failure, "webhook")
    assert counter.got == []
    assert (await tried(asked(counter.url))).failure is None


async def test_nobody_there_is_told_as_such(counter: Counter) -> None:
    failure = (await tried(asked("http://127.0.0.1:1/hook"))).failure
    assert failure is not None
    assert "does it run" in tryout.advice(failure, "webhook")


async def test_plain_http_where_tls_is_spoken_is_a_matter_of_tls(counter: Counter) -> None:
    failure = (await tried(asked(counter.url.replace("http:", "https:")))).failure
    assert failure is not None
    assert "certificate" in tryout.advice(failure, "webhook")


@pytest.mark.parametrize(
    ("failure", "form", "advice"),
    [
        (DeliveryFailed("x", kind="slow"), "webhook", "within 15 seconds"),
        (DeliveryFailed("x", kind="http", status=535), "email", "does not accept user name and password"),
        (DeliveryFailed("x", kind="http", status=550), "email", "is there such a mailbox"),
        (DeliveryFailed("x", kind="tls"), "email", "certificate"),
        (DeliveryFailed("x", kind="ours"), "webhook", ""),
    ],
)
def test_what_to_look_at_follows_from_the_kind_of_failure(failure: DeliveryFailed, form: str, advice: str) -> None:
    found = tryout.advice(failure, form)
    assert advice in found
    assert bool(advice) is bool(found)


async def test_a_missing_secret_is_named_and_nothing_is_sent(counter: Counter) -> None:
    text = f"receivers: [{{id: desk, webhook: '{counter.url}', secret: {{env: DESK_KEY}}}}]"
    with pytest.raises(Invalid, match="the environment variable DESK_KEY is not set"):
        await tried(settings.parse(text.encode(), Path("monitor.yaml"), {}))
    assert counter.got == []


async def test_a_sink_that_takes_for_ever_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dumb:
        id = "desk"
        at_once = 1

        def render(self, _: Alert) -> bytes:
            return b""

        async def send(self, _: Delivery) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr(tryout, "LEASE", timedelta(0))
    monkeypatch.setattr(tryout, "sinks", lambda *_: {"desk": Dumb()})
    failure = (await tried(asked("https://hooks.example.org/"))).failure
    assert failure is not None
    assert failure.kind == "slow"


async def test_the_command_says_what_came_back_and_keeps_nothing(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    desk.write(settings(), rules)
    code, out, _ = await desk.command("receivers", "test", "desk")
    hook = await newsroom.told()
    assert code == 0
    assert out.startswith(f"desk (webhook, {newsroom.url.removeprefix('http://')}): taken after ")
    assert f"id       {hook.headers['webhook-id']}" in out
    assert not (desk.folder / "monitor.db").exists()


async def test_a_sample_that_is_not_taken_touches_no_breaker(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    newsroom.answers = [410]
    desk.write(settings(), rules)
    store = await SqliteStore.open(desk.folder / "monitor.db", sole=False)
    code, out, _ = await desk.command("receivers", "test", "desk", "--json")
    (told,) = values(out)
    assert code == 1
    assert (told["receiver"], told["taken"], told["status"], told["trouble"]) == ("desk", False, 410, "gone")
    assert told["reason"] == "HTTP 410: the receiver is gone"
    assert (await store.breakers(), await store.alerts(), await store.backlog()) == ([], [], [])
    await store.close()


@pytest.mark.parametrize("command", ["list", "test", "enable", "disable"])
def test_every_command_explains_itself_with_an_example(do: Do, command: str) -> None:
    code, out, _ = do("receivers", command, "--help")
    assert code == 0
    assert f"Example: monitor receivers {command}" in " ".join(unstyle(out).split())


def test_a_receiver_disabled_by_hand_starts_anew_once_it_is_enabled() -> None:
    closed = postroom.shut(Breaker(sink="desk", failures=3, probes=9, due=NOW, width=8, address="x"), "moves", NOW)
    assert closed == Breaker(sink="desk", state="disabled", since=NOW, width=8, address="x", reason="moves")
    assert replace(closed, state="closed").due is None
