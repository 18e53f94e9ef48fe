"""`monitor events`, `monitor silence` and `monitor alerts ack`: what happened is told as it was kept, and what people say is kept."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.app.story import steps
from monitor.cli import held
from monitor.model import Alert, Attempt, Delivery, Event, GaveUp, Hush, Plan, Report, Sent, Sighting, Told, Visit
from monitor.stores import open_store
from rules import Article, Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Desk, Do, Newsroom, Settings

    from monitor.ports import Store

pytestmark = pytest.mark.usefixtures("unlogged")

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR = timedelta(days=365)
MORNING = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOSTILE = "Peace\x1b[2J talks\u202e"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def event(id: str, **changes: Any) -> Event:
    whole: dict[str, Any] = {"id": id, "rule": "on-talks", "article": "a1", "opened": NOW - 3 * HOUR, "seen": NOW - HOUR}
    return Event(**{**whole, "values": {"stance": "open"}, "content": "talks would be good", "sources": ("paper",), **changes})


def report(n: int, **changes: Any) -> Report:
    """What the article number n says."""
    whole: dict[str, Any] = {"event": "evt_talks", "rule": "on-talks", "article": f"a{n}", "source": f"source{n}"}
    return Report(**{**whole, "at": NOW - (4 - n) * HOUR, "title": f"Title {n}", "url": f"https://p.example/{n}", **changes})


def alert(id: str, events: tuple[str, ...] = (), **changes: Any) -> Alert:
    finding = Finding(field="title", start=0, end=5, text="Peace", hits=(), captures={}, labels={})
    whole: dict[str, Any] = {"id": id, "kind": "new", "rule": "on-talks", "rule_title": "Talks", "level": "high", "version": "v"}
    whole |= {"tags": (), "title": "Peskov: open", "article": article(), "first_seen": NOW - 3 * HOUR, "raised": NOW - 3 * HOUR}
    return Alert(**{**whole, "sightings": tuple(Sighting(event=one, finding=finding) for one in events), **changes})


def article(**changes: Any) -> Article:
    return Article(**{"id": "a1", "title": "Peace", "source": "paper", "digest": "d", **changes})


def plan(n: int, **changes: Any) -> Plan:
    at = NOW - 3 * HOUR
    return Plan(**{"article": article(id=f"a{n}", digest=f"d{n}"), "revision": f"r{n}", "first_seen": at, "at": at, **changes})


def delivery(alert: str, sink: str, **changes: Any) -> Delivery:
    return Delivery(**{"alert": alert, "sink": sink, "body": b"{}", "due": NOW - 3 * HOUR, **changes})


TALKS = event("evt_talks", articles=3, sources=("source1", "source2", "source3"), values={"stance": "rejects", "place": "Malta"})
OLD = event("evt_old", article="a4", opened=NOW - 9 * DAY, seen=NOW - 8 * DAY, content="an old thing")
CALLED_OFF = event("evt_off", article="a5", seen=NOW - 2 * HOUR, ended="cancelled", silent=True, content=HOSTILE)
GONE = event("evt_gone", article="a6", rule="a-rule-since-deleted", seen=NOW - 4 * HOUR)
FIRST = report(
    1, change="opened", why="opened: no open event is like it", values={"stance": "open", "cue": "said"}, alert="alt_new"
)
COPY = report(2, copy=True, why="joined: a copy", values={"stance": "open", "cue": "told us"}, published=NOW - 5 * HOUR)
TURN = report(3, change="updated", why="joined: 82 % alike", values={"stance": "rejects", "place": "Malta"}, alert="alt_turn")
PLANS = (
    plan(
        1,
        events=(TALKS,),
        reports=(FIRST,),
        alerts=(alert("alt_new", ("evt_talks",)),),
        deliveries=(delivery("alt_new", "chat"), delivery("alt_new", "desk")),
    ),
    plan(2, reports=(COPY,)),
    plan(
        3,
        reports=(TURN,),
        alerts=(
            alert(
                "alt_turn",
                ("evt_talks",),
                kind="update",
                title="Peskov: rejects",
                held="silenced until 18:00 UTC: the river is high",
            ),
        ),
    ),
    plan(4, events=(OLD,), alerts=(alert("alt_old", ("evt_old",), held="backlog", raised=NOW - 8 * DAY),)),
    plan(5, events=(CALLED_OFF,), reports=(report(1, event="evt_off", source=HOSTILE, title=HOSTILE, url=HOSTILE, why=HOSTILE),)),
    plan(6, events=(GONE,), alerts=(alert("alt_gone", ("evt_gone",), rule="a-rule-since-deleted"),)),
)


@pytest.fixture
def here(tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and a store: an open event of three articles, one past, one called off, one of a rule that is gone."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(rules)

    async def fill(store: Store) -> None:
        for one in PLANS:
            await store.record(one)
        (desk,), (chat,) = [await store.claim(sink, NOW, HOUR, 9) for sink in ("desk", "chat")]
        await store.settle(desk, Sent(NOW - HOUR), Attempt(began=NOW - HOUR))
        await store.settle(chat, GaveUp(NOW, "it answered 500"), Attempt(began=NOW, trouble="http", reason="it answered 500"))
        notice = alert("alt_notice", kind="silent", rule="source-silent", title="Source silent: paper")
        await store.visited(Visit(source="paper", at=NOW, due=NOW), [notice])

    stored(fill)
    return tmp_path


def stored(work: Callable[[Store], Any]) -> Any:
    async def run() -> Any:
        store = await open_store("monitor.db")
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# events list


def test_events_are_listed_with_their_latest_title_those_seen_last_first(do: Do) -> None:
    code, out, err = do("events", "list")
    assert (code, err) == (0, "")
    assert out.split("\n\n")[0].splitlines() == [
        f"evt_talks  open  last seen {moment(NOW - HOUR)}",
        "    Peskov: rejects",
        f"    on-talks · 3 articles, 1 of them a copy, of 3 sources · opened {moment(NOW - 3 * HOUR)}",
    ]
    assert [line.split()[0] for line in out.splitlines() if line.startswith("evt")] == ["evt_talks", "evt_off", "evt_gone"]


def test_what_is_over_is_said_to_be(do: Do) -> None:
    found = {one["id"]: one for one in values(do("events", "list", "--since", "30d", "--json")[1])}
    assert {id: one["state"] for id, one in found.items()} == {
        "evt_talks": "open",
        "evt_off": "cancelled",
        "evt_gone": "past",  # its rule is not there any more: nothing can be counted to it
        "evt_old": "past",
    }
    assert "cancelled, nobody was told" in do("events", "list")[1]
    assert (found["evt_off"]["told"], found["evt_talks"]["told"]) == (False, True)


def test_a_list_can_be_narrowed(do: Do) -> None:
    assert [one["id"] for one in values(do("events", "list", "--limit", "1", "--json")[1])] == ["evt_talks"]
    assert [one["id"] for one in values(do("events", "list", "--rule", "a-rule-since-deleted", "--json")[1])] == ["evt_gone"]
    assert [one["id"] for one in values(do("events", "list", "--since", "90m", "--json")[1])] == ["evt_talks"]


def test_where_there_is_nothing_to_list_it_is_said_what_to_do(do: Do) -> None:
    code, out, err = do("events", "list", "--rule", "nix")
    assert (code, out) == (0, "")
    assert "No events of the rule 'nix' since" in err
    assert "--since goes further back" in err


def test_broken_rules_do_not_hide_events(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules:\n  - id: a\n    when: {wrods: y}\n")
    code, out, err = do("events", "list", "--json")
    assert (code, len(values(out))) == (0, 3)
    assert err.startswith("rules.yaml:")
    assert "which events are open is a guess" in err


def test_events_in_json_are_whole(do: Do) -> None:
    assert values(do("events", "list", "--json")[1])[0] == {
        "id": "evt_talks",
        "rule": "on-talks",
        "title": "Peskov: rejects",
        "state": "open",
        "acknowledged": None,
        "note": "",
        "silenced": [],
        "told": True,
        "articles": 3,
        "copies": 1,
        "sources": ["source1", "source2", "source3"],
        "opened": iso(NOW - 3 * HOUR),
        "seen": iso(NOW - HOUR),
        "values": {"stance": "rejects", "place": "Malta"},
    }


# events show


def test_a_timeline_says_who_reported_what_changed_and_who_heard_of_it(do: Do) -> None:
    code, out, err = do("events", "show", "evt_talks")
    assert (code, err) == (0, "")
    assert out.split("\n\n", 1)[1].splitlines() == [
        f"● {moment(NOW - 3 * HOUR)}  source1 opened the event",
        "│   Title 1",
        "│   https://p.example/1",
        "│     stance: open",
        "│   why: opened: no open event is like it",
        "│   alert alt_new (new)",
        "│     chat was not told, given up after 1 attempt: it answered 500",
        f"│     desk was told {moment(NOW - HOUR)}",
        "│",
        f"○ {moment(NOW - 2 * HOUR)}  source2 said so too, a copy",
        "│   Title 2",
        "│   https://p.example/2",
        f"│   published {moment(NOW - 5 * HOUR)}",
        "│   why: joined: a copy",
        "│",
        f"● {moment(NOW - HOUR)}  source3 brought something new",
        "    Title 3",
        "    https://p.example/3",
        "      stance: open → rejects",
        "      place: Malta",
        "    why: joined: 82 % alike",
        "    alert alt_turn (update)",
        "      nobody was told: silenced until 18:00 UTC: the river is high",
    ]


def test_an_alert_leads_to_its_event(do: Do) -> None:
    assert do("events", "show", "alt_new") == do("events", "show", "evt_talks")


def test_an_alert_of_two_events_leads_to_both(do: Do) -> None:
    stored(lambda store: store.record(plan(7, alerts=(alert("alt_both", ("evt_talks", "evt_off", "evt_talks")),))))
    assert [one["id"] for one in values(do("events", "show", "alt_both", "--json")[1])] == ["evt_talks", "evt_off"]
    assert "\n\nevt_off  cancelled" in do("events", "show", "alt_both")[1]


def test_an_alert_that_has_nothing_to_show_is_found_in_a_timeline(do: Do) -> None:
    """That an article does not say so any more has no sentence that proves it."""
    taken_back = report(1, event="evt_talks", article="a8", at=NOW, change="retracted", alert="alt_back")
    stored(lambda store: store.record(plan(8, reports=(taken_back,), alerts=(alert("alt_back", kind="retracted"),))))
    _, out, _ = do("events", "show", "alt_back")
    assert out.startswith("evt_talks")
    assert "does not say so any more" in out


def test_a_timeline_in_json_is_whole(do: Do) -> None:
    (found,) = values(do("events", "show", "evt_talks", "--json")[1])
    assert (found["id"], len(found["timeline"]), [one["id"] for one in found["alerts"]]) == (
        "evt_talks",
        3,
        ["alt_new", "alt_turn"],
    )
    assert found["timeline"][2] == {
        "at": iso(NOW - HOUR),
        "published": None,
        "source": "source3",
        "article": "a3",
        "title": "Title 3",
        "url": "https://p.example/3",
        "change": "updated",
        "edited": False,
        "copy": False,
        "why": "joined: 82 % alike",
        "alert": "alt_turn",
        "values": {"stance": "rejects", "place": "Malta"},
        "changed": [
            {"name": "stance", "before": "open", "value": "rejects", "kept": True},
            {"name": "place", "before": None, "value": "Malta", "kept": True},
        ],
    }
    assert found["alerts"][0]["deliveries"] == [
        {"receiver": "chat", "state": "dead", "at": iso(NOW - 3 * HOUR), "attempts": 1, "reason": "it answered 500"},
        {"receiver": "desk", "state": "sent", "at": iso(NOW - HOUR), "attempts": 1, "reason": None},
    ]


def test_an_event_from_before_there_were_timelines_is_shown_without(do: Do) -> None:
    assert "No timeline" in do("events", "show", "evt_old")[1]


@pytest.mark.parametrize("command", [("show", "evt_off"), ("list",)])
def test_what_feeds_smuggle_in_does_not_reach_the_terminal(do: Do, command: tuple[str, ...]) -> None:
    _, out, _ = do("events", *command)
    assert "[2J talks" in out
    assert not {"\x1b", "\u202e"} & {*out}


def test_in_json_it_is_as_it_was_given(do: Do) -> None:
    """The negative control: programs get the very text, escaped as JSON asks."""
    (found,) = values(do("events", "show", "evt_off", "--json")[1])
    assert found["timeline"][0]["title"] == HOSTILE


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("evt_nix", "there is no event 'evt_nix': 'monitor events list' lists them with their ids"),
        ("nix\x1b", "there is no event 'nix': 'monitor events list' lists them with their ids"),
        ("alt_nix", "there is no alert 'alt_nix': 'monitor alerts' lists them with their ids"),
        ("alt_notice", "the alert alt_notice tells of no event: Source silent: paper"),
    ],
)
@pytest.mark.parametrize("command", [("events", "show"), ("alerts", "ack")])
def test_what_is_not_there_is_told(do: Do, command: tuple[str, ...], id: str, message: str) -> None:
    code, out, err = do(*command, id)
    assert (code, out) == (2, "")
    assert message in err


# What a report brought


def brought(*reports: Report) -> list[list[tuple[str, str | None, str, bool]]]:
    return [[(one.name, one.before, one.value, one.kept) for one in step.changes] for step in steps(reports)]


def test_a_value_is_told_once_and_again_when_it_changes() -> None:
    told = brought(
        report(1, change="opened", values={"stance": "open", "place": None}),
        report(2, values={"stance": "Open "}),
        report(3, change="updated", values={"stance": "rejects"}),
        report(4, change="updated", values={"stance": "open"}),
    )
    assert told == [
        [("stance", None, "open", True)],
        [],
        [("stance", "open", "rejects", True)],
        [("stance", "rejects", "open", True)],
    ]


def test_what_a_mere_repetition_says_otherwise_does_not_change_the_event() -> None:
    told = brought(
        report(1, change="opened", values={"stance": "rejects"}),
        report(2, values={"stance": "open", "place": "Malta"}),
        report(3, values={"stance": "rejects", "place": "Malta"}),
    )
    assert told[1:] == [[("stance", "rejects", "open", False), ("place", None, "Malta", True)], []]


def test_what_differs_in_every_sentence_is_no_change() -> None:
    assert brought(report(1, values={"cue": "said", "content": "x"}), report(2, values={"cue": "told", "content": "y"})) == [
        [],
        [],
    ]


def test_a_second_report_of_one_article_is_an_edit() -> None:
    assert [one.edited for one in steps([report(1), report(2), report(1)])] == [False, False, True]


# alerts ack


def test_an_event_is_acknowledged_by_its_alert_and_lists_show_it(do: Do) -> None:
    code, out, err = do("alerts", "ack", "alt_new", "--note", "Anna calls\x1b the ministry")
    assert (code, out, err) == (0, "evt_talks is acknowledged: Peskov: rejects\n", "")
    listed = do("events", "list")[1]
    assert "evt_talks  open, acknowledged  last seen" in listed
    assert ": Anna calls the ministry" in listed
    assert do("alerts", "--limit", "9")[1].count(": Anna calls the ministry") == 2
    (turn,) = (one for one in values(do("alerts", "--json")[1]) if one["data"]["id"] == "alt_turn")
    assert [(one["event"], one["note"]) for one in turn["acknowledged"]] == [("evt_talks", "Anna calls the ministry")]
    assert turn["acknowledged"][0]["at"] >= iso(NOW)


def test_an_event_is_acknowledged_by_its_id_and_the_note_can_change(do: Do) -> None:
    do("alerts", "ack", "evt_talks", "--note", "Anna")
    do("alerts", "ack", "evt_talks", "--note", "Ben")
    found = values(do("events", "list", "--json")[1])[0]
    assert (found["note"], found["acknowledged"] >= iso(NOW)) == ("Ben", True)


def test_the_settings_may_be_named_before_the_command(do: Do, here: Path) -> None:
    (here / "other.yaml").write_text("settings: {store: elsewhere.db}\n")
    for command in (
        ("alerts", "--config", "other.yaml", "ack", "alt_new"),
        ("alerts", "ack", "alt_new", "--config", "other.yaml"),
    ):
        code, _, err = do(*command)
        assert (code, "elsewhere.db is not there yet" in err) == (2, True)


def test_a_note_is_a_line_and_no_book(do: Do) -> None:
    code, _, err = do("alerts", "ack", "evt_talks", "--note", "x" * 501)
    assert code == 2
    assert "--note has 501 characters: 500 at most" in err


# silence


def test_what_is_silenced_is_listed_with_its_reason_until_it_ends(do: Do) -> None:
    end = f"{NOW + FAR:%Y-%m-%dT%H:%M:%SZ}"
    code, out, err = do("silence", "rule:on-talks", "--until", end, "--reason", "the desk\x1b reads it live")
    assert (code, err) == (0, "")
    assert out == (f"rule:on-talks is silenced until {moment(NOW + FAR)}. To end it earlier: monitor silence end rule:on-talks\n")
    heading, line = do("silence", "list")[1].splitlines()
    assert heading.split() == ["TARGET", "SINCE", "(UTC)", "UNTIL", "(UTC)", "REASON"]
    assert line.startswith("rule:on-talks  ")
    assert line.endswith(f"{NOW + FAR:%Y-%m-%d %H:%M}  the desk reads it live")
    (one,) = values(do("silence", "list", "--json")[1])
    assert (one["target"], one["until"], one["over"], one["reason"]) == ("rule:on-talks", end, False, "the desk reads it live")
    assert do("silence", "end", "rule:on-talks") == (0, "rule:on-talks is silenced no more.\n", "")
    assert do("silence", "list") == (0, "", "Nothing is silenced.\n")


def test_events_show_that_they_or_their_rule_are_silenced(do: Do) -> None:
    do("silence", "event:evt_talks", "--for", "6h", "--reason", "the river is high")
    assert "event:evt_talks is silenced until" in do("events", "show", "evt_talks")[1]
    do("silence", "rule:on-talks", "--for", "6h", "--reason", "all of it")
    found = {one["id"]: one["silenced"] for one in values(do("events", "list", "--json")[1])}
    assert [one["target"] for one in found["evt_talks"]] == ["event:evt_talks", "rule:on-talks"]
    assert [one["target"] for one in found["evt_off"]] == ["rule:on-talks"]
    assert found["evt_gone"] == []
    assert "evt_talks  open, silenced  last seen" in do("events", "list")[1]


def test_a_silence_that_is_over_silences_nothing_and_is_listed_on_request(do: Do) -> None:
    stored(lambda store: store.hush(Hush(target="event:evt_talks", since=NOW - DAY, until=NOW - HOUR, reason="it was night")))
    assert values(do("events", "list", "--json")[1])[0]["silenced"] == []
    assert do("silence", "list")[1] == ""
    assert "(over) it was night" in do("silence", "list", "--all")[1]
    assert values(do("silence", "list", "--all", "--json")[1])[0]["over"] is True


def test_silencing_again_gives_a_new_time_and_reason(do: Do) -> None:
    do("silence", "rule:on-talks", "--for", "6h", "--reason", "one")
    do("silence", "start", "rule:on-talks", "--for", "2d", "--reason", "two")
    (one,) = values(do("silence", "list", "--json")[1])
    assert (one["reason"], one["until"] > iso(NOW + DAY)) == ("two", True)


def test_a_source_that_is_watched_or_was_can_be_silenced(do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("sources:\n  - {id: wire, feed: 'https://w.example/rss'}\n")
    for source in ("wire", "paper"):
        assert do("silence", f"source:{source}", "--for", "30m", "--reason", "hacked")[0] == 0
    assert [one["target"] for one in values(do("silence", "list", "--json")[1])] == ["source:paper", "source:wire"]


def test_a_rule_that_alerted_can_be_silenced_though_its_file_is_broken(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules:\n  - id: a\n    when: {wrods: y}\n")
    code, _, err = do("silence", "rule:on-talks", "--for", "6h", "--reason", "it is night")
    assert (code, "(warning)" in err) == (0, True)
    assert do("silence", "rule:nix", "--for", "6h", "--reason", "it is night")[0] == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("rule:on-talk", "there is no rule 'on-talk': did you mean rule:on-talks? 'monitor rules list' lists them"),
        ("rule:zzz", "there is no rule 'zzz': 'monitor rules list' lists them"),
        ("event:evt_tals", "there is no event 'evt_tals': did you mean event:evt_talks? 'monitor events list' lists them"),
        ("event:alt_new", "alt_new is an alert; the event that it tells of: event:evt_talks"),
        ("source:papers", "there is no source 'papers': did you mean source:paper? 'monitor feeds list' lists them"),
        ("source:\x1b[2J", "there is no source '[2J': 'monitor feeds list' lists them"),
        ("on-talks", "'on-talks' is no target: expected rule:ID, event:ID or source:ID, or a command: list, end"),
        ("rules:on-talks", "'rules:on-talks' is no target"),
        ("rule:", "'rule:' is no target"),
    ],
)
def test_what_is_not_known_is_not_silenced(do: Do, target: str, message: str) -> None:
    code, out, err = do("silence", target, "--for", "6h", "--reason", "x")
    assert (code, out) == (2, "")
    assert message in err
    assert do("silence", "list")[1] == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--reason", "x"), "say for how long (--for 6h) or until when"),
        (("--for", "6h", "--until", "2100-01-01", "--reason", "x"), "and not both"),
        (("--for", "0h", "--reason", "x"), "is over: it is"),
        (("--until", "2020-01-01", "--reason", "x"), "2020-01-01 00:00 UTC is over"),
        (("--until", "soon", "--reason", "x"), "'soon' is not a time such as"),
        (("--for", "long", "--reason", "x"), "'long' is not a length of time such as"),
        (("--for", "6h"), "Missing option '--reason'"),
        (("--for", "6h", "--reason", " \x1b "), "--reason has 0 characters: expected 1 to 500"),
        (("--for", "6h", "--reason", "x" * 501), "--reason has 501 characters: expected 1 to 500"),
    ],
)
def test_a_silence_has_an_end_and_a_reason(do: Do, options: tuple[str, ...], message: str) -> None:
    code, out, err = do("silence", "rule:on-talks", *options)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_options_may_come_before_the_target(do: Do) -> None:
    assert do("silence", "--for", "6h", "--reason", "x", "rule:on-talks")[0] == 0


def test_only_what_is_silenced_can_be_ended(do: Do) -> None:
    code, _, err = do("silence", "end", "rule:on-talks")
    assert (code, "'rule:on-talks' is not silenced; what is: nothing is" in err) == (2, True)
    do("silence", "event:evt_talks", "--for", "6h", "--reason", "x")
    assert "what is: event:evt_talks" in do("silence", "end", "rule:on-talks")[2]


@pytest.mark.parametrize("command", [(), ("--help",), ("start", "--help"), ("rule:x", "--help")])
def test_help_says_how_to_silence(do: Do, command: tuple[str, ...]) -> None:
    code, out, err = do("silence", *command)
    assert "TARGET" in out + err
    assert "rule:" in out + err
    assert code == (0 if command else 2)


# alerts


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("draft", "its rule is a draft"),
        ("backlog", "it was older than a day when its source was new"),
        ("silenced until 18:00 UTC: the\x1b river is high", "silenced until 18:00 UTC: the river is high"),
        ("whatever\x1b else", "whatever else"),
    ],
)
def test_why_nobody_was_told_is_said_in_words(word: str, said: str) -> None:
    assert held.why(word) == said


def test_alerts_say_why_nobody_was_told(do: Do) -> None:
    _, out, _ = do("alerts")
    assert "    nobody was told: it was older than a day when its source was new\n" in out
    assert out.count("nobody was told") == 2
    assert {one["data"]["id"]: one["held"] for one in values(do("alerts", "--json")[1])}["alt_turn"].startswith("silenced")
    assert "    chat was not told, given up after 1 attempt: it answered 500\n" in out
    assert "desk" not in out  # it was told, and that is what one expects


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"state": "sent", "attempts": 1}, "desk was told 2026-07-01 12:00 UTC"),
        ({"state": "digest"}, "desk gets it with the next digest"),
        ({"state": "waiting"}, "desk is about to be told"),
        (
            {"state": "waiting", "at": MORNING + HOUR},
            "desk is told 2026-07-01 13:00 UTC: it is muted until then, or its rule had told enough in that hour",
        ),
        (
            {"state": "waiting", "attempts": 2, "reason": "it\x1b answered 500"},
            "desk is told once it answers, tried again 2026-07-01 12:00 UTC: it answered 500",
        ),
        ({"state": "dead", "attempts": 14, "reason": "refused"}, "desk was not told, given up after 14 attempts: refused"),
    ],
)
def test_how_far_an_alert_got_is_said_in_words(told: dict[str, Any], said: str) -> None:
    assert held.reached(Told(**{"alert": "alt", "sink": "desk", "at": MORNING, **told}), MORNING) == said


# The real thing


async def test_what_people_say_beside_a_running_monitor_stays_said(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    proof = "Dmitry Peskov said that talks with Kyiv make no sense."
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", f"First came the weather. {proof}")
    desk.write(settings(), rules)
    daemon = await desk.start()
    told = json.loads((await newsroom.told()).body)["data"]
    code, out, _ = await desk.command("alerts", "ack", told["id"], "--note", "Anna")
    assert (code, out.split()[0]) == (0, told["findings"][0]["event"])
    assert (await desk.command("silence", "source:feed", "--for", "6h", "--reason", "hacked"))[0] == 0
    newsroom.publish("two", "A loud Wednesday", "Blue skies.", f"{proof} Nobody was surprised by that, it seems.")
    await newsroom.until_asked("/page/two")
    await newsroom.until_asked("/feed/feed", newsroom.asked.count("/feed/feed") + 2)  # by then the one before was examined
    (found,) = values((await desk.command("events", "list", "--json"))[1])
    assert (found["id"], found["articles"], found["note"]) == (out.split()[0], 2, "Anna")
    assert [one["target"] for one in values((await desk.command("silence", "list", "--json"))[1])] == ["source:feed"]
    assert newsroom.hooks.empty()
    assert await daemon.stop() == 0
