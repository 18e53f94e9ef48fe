"""`monitor deliveries`: what is listed, what is shown of one, and what is sent again."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click import unstyle

from monitor import report
from monitor.cli import held, resend
from monitor.cli.deliveries import stands
from monitor.model import Alert, Attempt, Breaker, Delivery, GaveUp, Sent, Told
from monitor.stores.sqlite import SqliteStore
from rules import Article

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk, Newsroom, Settings

    from monitor.ports import Store

pytestmark = pytest.mark.usefixtures("unlogged")

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = """
receivers:
  - {id: desk, webhook: 'https://hooks.example.org/a-secret-path', secret: {env: DESK_KEY}}
  - {id: night, webhook: 'https://night.example.org/another-path', secret: {env: DESK_KEY}}
"""

Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two receivers, and a store with deliveries in every state."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DESK_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitor.yaml").write_text(SETTINGS)
    in_store(tmp_path, fill)
    return tmp_path


def in_store(folder: Path, work: Callable[[Store], Any]) -> Any:
    async def opened() -> Any:
        store = await SqliteStore.open(folder / "monitor.db", sole=False)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def alert(id: str, title: str = "Talks announced") -> Alert:
    article = Article(id="a", title=title)
    return Alert(
        id=id, kind="new", rule="on-talks", rule_title="", level="high", version="", tags=(), title=title,
        article=article, first_seen=NOW, raised=NOW, sightings=(),
    )  # fmt: skip


def told(state: str, **changes: Any) -> Told:
    return Told(**{"alert": "alt_a", "sink": "desk", "state": state, "at": NOW, **changes})


async def keep(store: Store, id: str, sink: str = "desk", *, title: str = "Talks announced", hours: int = 0, **how: Any) -> None:
    one = Delivery(alert=id, sink=sink, body=f'{{"id":"{id}"}}'.encode(), due=NOW + hours * HOUR)
    await store.tell(
        alert(id, title), [Delivery(**{**{name: getattr(one, name) for name in ("alert", "sink", "body", "due")}, **how})]
    )


async def settle(store: Store, sink: str, at: datetime, outcome: Any, **attempt: Any) -> None:
    (held,) = await store.claim(sink, at, MINUTE, 1)
    await store.settle(held, outcome, Attempt(began=at, took=timedelta(seconds=0.25), **attempt))


async def fill(store: Store) -> None:
    await keep(store, "alt_sent", hours=0, title="Sent long ago")
    await settle(store, "desk", NOW, Sent(NOW), status=200, excerpt="thanks")
    await keep(store, "alt_dead", hours=1, title="Evil \x1b[31mred\u202e title")
    await settle(
        store, "desk", NOW + HOUR, GaveUp(NOW + HOUR, "HTTP 500"), status=500, trouble="http", reason="HTTP 500", excerpt="oops"
    )
    await keep(store, "alt_wait", hours=2, title="Still to come")
    await keep(store, "alt_digest", hours=3, title="For the digest", digest=True)
    await keep(store, "alt_night", "night", hours=4, title="Parked")
    await store.keep_breaker(Breaker(sink="night", state="disabled", failures=1, since=NOW, reason="HTTP 410"), NOW)


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def ids(out: str) -> list[str]:
    return [one["alert"] for one in values(out)]


def states(folder: Path) -> dict[str, str]:
    return {one.alert: one.state for one in in_store(folder, lambda store: store.deliveries(limit=99))}


# list


def test_what_was_given_up_comes_first_and_what_was_sent_last(do: Do) -> None:
    code, out, err = do("deliveries", "list", "--json")
    assert (code, err) == (0, "")
    assert ids(out) == ["alt_dead", "alt_night", "alt_wait", "alt_digest", "alt_sent"]
    assert values(out)[0] == {
        "alert": "alt_dead",
        "receiver": "desk",
        "state": "dead",
        "title": "Evil \x1b[31mred\u202e title",
        "since": "2024-05-01T13:00:00Z",
        "sent": None,
        "next": None,
        "attempts": 1,
        "reason": "HTTP 500",
    }


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--state", "sent"), ["alt_sent"]),
        (("--state", "parked"), ["alt_night"]),
        (("--receiver", "night"), ["alt_night"]),
        (("--receiver", "desk", "--state", "waiting"), ["alt_wait"]),
        (("--receiver", "night", "--state", "sent"), []),
        (("--limit", "2"), ["alt_dead", "alt_night"]),
    ],
)
def test_the_list_can_be_narrowed(do: Do, arguments: tuple[str, ...], found: list[str]) -> None:
    assert ids(do("deliveries", "list", "--json", *arguments)[1]) == found


def test_of_each_state_the_newest_come_first(do: Do, here: Path) -> None:
    in_store(here, lambda store: keep(store, "alt_later", hours=9))
    assert ids(do("deliveries", "list", "--json", "--state", "waiting")[1]) == ["alt_later", "alt_wait"]


def test_the_list_for_people_fits_a_terminal_of_80_columns(do: Do, here: Path) -> None:
    in_store(here, lambda store: keep(store, "alt_long", hours=5, title="Talks " * 50))
    code, out, err = do("deliveries", "list")
    lines = out.splitlines()
    assert code == 0
    assert max(map(len, lines)) < 80
    assert lines[0] == "FIRST DUE (UTC)   STATE    RECEIVER  HOW IT STANDS"
    assert lines[1] == "2024-05-01 13:00  dead     desk      given up after 1 try: HTTP 500"
    assert lines[3] == "2024-05-01 16:00  parked   night     night is disabled"
    assert "alt_long  Talks Talks" in lines[6]
    assert lines[6].endswith("…")
    assert err == "In all 1 given up, 3 waiting, 1 gathered for a digest, 1 sent.\n"


def test_it_says_that_there_are_more(do: Do) -> None:
    assert do("deliveries", "list", "--limit", "1")[2].endswith("; more with --limit or --state.\n")


def test_text_from_outside_cannot_steer_the_terminal(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("list",), ("show", "alt_dead")):
        out = do("deliveries", *arguments)[1]
        assert "Evil [31mred title" in out
        assert "\x1b" not in out
        assert "\u202e" not in out
    monkeypatch.setattr(report, "clean", lambda text: text)
    assert "\x1b[31m" in do("deliveries", "list")[1]


def test_a_receiver_that_nothing_knows_of_is_refused_with_the_nearest(do: Do) -> None:
    code, out, err = do("deliveries", "list", "--receiver", "dask")
    assert (code, out) == (2, "")
    assert "unknown receiver 'dask'; did you mean 'desk'? expected one of desk, night" in err


def test_what_waits_for_a_receiver_that_is_no_longer_named_is_listed_as_such(do: Do, here: Path) -> None:
    in_store(here, lambda store: keep(store, "alt_stray", "old-desk"))
    code, out, _ = do("deliveries", "list", "--receiver", "old-desk")
    assert code == 0
    assert "old-desk is not in monitor.yaml" in out


def test_without_a_store_there_are_no_deliveries(do: Do, here: Path) -> None:
    (here / "monitor.db").unlink()
    code, out, err = do("deliveries", "list")
    assert (code, out) == (2, "")
    assert "'monitor run' makes it" in err


OPEN = Breaker(sink="desk", state="open", due=NOW + MINUTE, reason="HTTP 502")


@pytest.mark.parametrize(
    ("one", "breaker", "said"),
    [
        (told("sent", attempts=2), None, "12:00 UTC, 2 tries"),
        (told("dead", attempts=14, reason="HTTP 500"), None, "given up after 14 tries: HTTP 500"),
        (told("parked", attempts=3, reason="HTTP 410"), None, "desk is disabled, 3 tries: HTTP 410"),
        (told("parked"), None, "desk is disabled"),
        (told("digest", at=NOW + 24 * HOUR), None, "with the digest of 2024-05-02 12:00 UTC"),
        (told("digest"), None, "with the next digest"),
        (told("waiting", attempts=1, at=NOW + MINUTE, reason="HTTP 502"), None, "1 try, next 12:01 UTC: HTTP 502"),
        (told("waiting", attempts=1, reason="HTTP 502"), OPEN, "once desk is back, 1 try: HTTP 502"),
        (told("waiting"), OPEN, "once desk is back"),
        (told("waiting", at=NOW + HOUR), None, "from 13:00 UTC"),
        (told("waiting"), None, "is due"),
        (told("waiting", sink="gone"), None, "gone is not in monitor.yaml"),
    ],
)
def test_how_a_delivery_stands_is_said_in_a_few_words(one: Told, breaker: Breaker | None, said: str) -> None:
    assert stands(one, breaker, NOW, {"desk"}) == said


@pytest.mark.parametrize(
    ("one", "breaker", "said"),
    [
        (told("sent"), None, "desk was told 2024-05-01 12:00 UTC"),
        (
            told("dead", attempts=2, reason="HTTP 500"),
            None,
            "desk was not told, given up after 2 attempts: HTTP 500",
        ),
        (
            told("parked"),
            Breaker(sink="desk", state="disabled", reason="HTTP 410"),
            "desk is disabled (HTTP 410) and is told once it is enabled: monitor receivers enable desk",
        ),
        (told("waiting"), OPEN, "desk is told once it answers, asked again 2024-05-01 12:01 UTC: HTTP 502"),
        (told("waiting"), None, "desk is about to be told"),
    ],
)
def test_alerts_say_how_far_they_got(one: Told, breaker: Breaker | None, said: str) -> None:
    assert held.reached(one, NOW, breaker) == said


def test_alerts_say_that_the_receiver_is_disabled(do: Do) -> None:
    assert "night is disabled (HTTP 410) and is told once it is enabled: monitor receivers enable night" in do("alerts")[1]


# show


def test_a_delivery_is_shown_with_each_attempt_and_what_is_sent(do: Do) -> None:
    code, out, _ = do("deliveries", "show", "alt_sent", "desk")
    assert code == 0
    assert out.splitlines() == [
        "sent  Sent long ago",
        "    alert      alt_sent",
        "    receiver   desk",
        "    first due  2024-05-01 12:00:00 UTC",
        "    stands     2024-05-01 12:00 UTC, 1 try",
        "    attempts",
        "      2024-05-01 12:00:00    0.25 s  taken, 200",
        '        it said "thanks"',
        "    body       17 bytes, the same with every attempt",
        "      {",
        '        "id": "alt_sent"',
        "      }",
    ]


def test_a_delivery_for_programs_has_its_attempts_and_body(do: Do) -> None:
    (one,) = values(do("deliveries", "show", "alt_dead", "--json")[1])
    assert (one["state"], one["body"]) == ("dead", {"id": "alt_dead"})
    assert one["attempts_made"] == [
        {
            "at": "2024-05-01T13:00:00Z",
            "took": 0.25,
            "status": 500,
            "trouble": "http",
            "reason": "HTTP 500",
            "answer": "oops",
            "probe": False,
        }
    ]


def test_a_probe_is_shown_as_one(do: Do, here: Path) -> None:
    async def probe(store: Store) -> None:
        (one,) = await store.claim("desk", NOW + 9 * HOUR, MINUTE, 1, probe=True)
        again = GaveUp(NOW + 9 * HOUR, "HTTP 502")
        await store.settle(one, again, Attempt(began=NOW, status=502, trouble="http", reason="HTTP 502", probe=True))

    in_store(here, probe)
    assert "HTTP 502 (a probe, not counted)" in do("deliveries", "show", "alt_wait")[1]


def test_mail_is_shown_as_text_line_by_line(do: Do, here: Path) -> None:
    body = b"Subject: Talks\r\n\r\n  Malta \x1b[31m\r\n"
    in_store(here, lambda store: keep(store, "alt_mail", body=body))
    out = do("deliveries", "show", "alt_mail")[1]
    assert "      Subject: Talks\n\n        Malta [31m\n" in out
    assert values(do("deliveries", "show", "alt_mail", "--json")[1])[0]["body"] == body.decode()


def test_a_letter_is_shown_as_it_is_read(do: Do, here: Path) -> None:
    body = (
        b"From: monitor@example.org\r\nTo: chief@example.org\r\nSubject: =?utf-8?b?VGFsa3Mg0LIg?= =?utf-8?b?0JLQsNC70LXRgtGC0LU=?=\r\n"
        b"X-Other: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"TWFsdGEgd2lsbCBob3N0Lgo=\r\n"
    )
    in_store(here, lambda store: keep(store, "alt_mail", body=body))
    out = do("deliveries", "show", "alt_mail")[1]
    assert out.endswith(
        "      From: monitor@example.org\n      To: chief@example.org\n      Subject: Talks в Валетте\n\n      Malta will host.\n"
    )


def test_an_alert_that_there_is_not_is_refused_with_the_nearest(do: Do) -> None:
    code, out, err = do("deliveries", "show", "alt_daed")
    assert (code, out) == (2, "")
    assert "there is no alert 'alt_daed'; did you mean alt_dead? 'monitor deliveries list' has their ids" in err


def test_an_alert_for_somebody_else_is_refused(do: Do) -> None:
    code, _, err = do("deliveries", "show", "alt_dead", "night")
    assert code == 2
    assert "alt_dead is not for 'night': it is for desk" in err


def test_an_alert_for_nobody_says_so(do: Do, here: Path) -> None:
    in_store(here, lambda store: store.tell(alert("alt_none")))
    assert "alt_none is for nobody: nothing is sent of it" in do("deliveries", "show", "alt_none")[2]


# replay


def test_replay_makes_due_what_was_given_up_and_nothing_else(do: Do, here: Path) -> None:
    before = states(here)
    code, out, err = do("deliveries", "replay", "--yes")
    assert (code, out) == (0, "1 delivery due again: 'monitor run' sends.\n")
    assert err == "1 delivery: 1 given up; 1 for desk.\n"
    assert states(here) == {**before, "alt_dead": "waiting"}


def test_what_is_replayed_has_the_same_bytes_and_all_attempts_anew(do: Do, here: Path) -> None:
    before = in_store(here, lambda store: store.delivery("alt_dead", "desk"))
    do("deliveries", "replay", "--yes")
    after = in_store(here, lambda store: store.delivery("alt_dead", "desk"))
    assert (after.alert, after.body, after.attempts) == (before.alert, before.body, 0)
    assert before.attempts == 1


def test_what_was_sent_goes_out_again_only_by_name_or_state(do: Do, here: Path) -> None:
    assert do("deliveries", "replay", "--receiver", "desk", "--dry-run")[2].startswith("1 delivery: 1 given up")
    code, _, err = do("deliveries", "replay", "alt_sent", "--yes")
    assert code == 0
    assert "the same webhook-id as before: a receiver that heeds it drops the repeat" in err
    assert states(here)["alt_sent"] == "waiting"
    assert "Nothing to replay" in do("deliveries", "replay", "--state", "sent", "--yes")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "1 delivery: 1 given up; 1 for desk."),
        (("--state", "sent"), "1 delivery: 1 sent already; 1 for desk."),
        (("alt_dead", "alt_sent", "alt_night"), "3 deliveries: 1 given up, 1 parked, 1 sent already; 2 for desk, 1 for night."),
        (("alt_dead", "alt_night", "--receiver", "night"), "1 delivery: 1 parked; 1 for night."),
        (("alt_dead", "alt_sent", "--state", "dead"), "1 delivery: 1 given up; 1 for desk."),
        (("--since", "2024-05-01T12:30:00Z"), "1 delivery: 1 given up; 1 for desk."),
        (("--since", "2024-05-01T13:30:00Z"), "Nothing to replay: 'monitor deliveries list' has all there is."),
        (("--receiver", "night"), "Nothing to replay: 'monitor deliveries list' has all there is."),
        (("alt_digest",), "Nothing to replay: 'monitor deliveries list' has all there is."),
    ],
)
def test_a_dry_run_says_what_would_be_replayed_and_changes_nothing(
    do: Do, here: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = states(here)
    code, _, err = do("deliveries", "replay", "--dry-run", *arguments)
    assert (code, err.splitlines()[0]) == (0, said)
    assert states(here) == before


def test_what_is_parked_stays_parked_and_that_is_said(do: Do, here: Path) -> None:
    err = do("deliveries", "replay", "alt_night", "--yes")[2]
    assert "stays so until its receiver is enabled: monitor receivers enable NAME" in err
    assert states(here)["alt_night"] == "parked"


def test_what_is_under_way_is_left_alone(do: Do, here: Path) -> None:
    in_store(here, lambda store: store.claim("desk", NOW + 9 * HOUR, timedelta(days=36_500), 1))
    out = do("deliveries", "replay", "alt_wait", "alt_dead", "--yes")[1]
    assert out == "1 delivery due again; 1 of them under way or settled meanwhile: 'monitor run' sends.\n"


@pytest.mark.parametrize(("typed", "code", "state"), [("y\n", 0, "waiting"), ("n\n", 130, "dead"), ("", 130, "dead")])
def test_it_asks_on_a_terminal(do: Do, here: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, state: str) -> None:
    terminal = io.StringIO(typed)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert do("deliveries", "replay")[0] == code
    assert states(here)["alt_dead"] == state


def test_with_yes_it_does_not_ask(do: Do, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO("n\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert do("deliveries", "replay", "--yes")[0] == 0
    assert states(here)["alt_dead"] == "waiting"


def test_many_are_replayed_in_parts_and_all_are(do: Do, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "STEP", 2)
    out = do("deliveries", "replay", "alt_dead", "alt_sent", "alt_wait", "--yes")[1]
    assert out.startswith("3 deliveries due again")


@pytest.mark.parametrize("arguments", [("alt_daed",), ("--receiver", "dask"), ("--since", "soon"), ("--state", "digest")])
def test_nonsense_is_refused_before_anything_is_replayed(do: Do, here: Path, arguments: tuple[str, ...]) -> None:
    before = states(here)
    assert do("deliveries", "replay", "--yes", *arguments)[0] == 2
    assert states(here) == before


@pytest.mark.parametrize("command", ["list", "show", "replay"])
def test_every_command_explains_itself_with_an_example(do: Do, command: str) -> None:
    code, out, _ = do("deliveries", command, "--help")
    assert code == 0
    assert f"Example: monitor deliveries {command}" in " ".join(unstyle(out).split())


async def test_a_running_monitor_sends_what_is_replayed_at_once_with_the_same_id_and_bytes(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    desk.write(settings(), rules)
    store = await SqliteStore.open(desk.folder / "monitor.db", sole=False)
    await keep(store, "alt_dead")
    await settle(store, "desk", NOW, GaveUp(NOW, "HTTP 500"), status=500, trouble="http", reason="HTTP 500")
    await keep(store, "alt_wait", hours=1)
    await store.close()
    daemon = await desk.start()
    first = await newsroom.told()  # what waits is sent, what was given up is not
    assert first.headers["webhook-id"] == "alt_wait"
    code, out, err = await desk.command("deliveries", "replay", "alt_dead", "--yes")
    assert (code, out) == (0, "1 delivery due again: the running monitor sends now.\n")
    again = await newsroom.told()
    assert (again.headers["webhook-id"], again.body) == ("alt_dead", b'{"id":"alt_dead"}')
    assert "1 given up" in err
    assert await daemon.stop() == 0
