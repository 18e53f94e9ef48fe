"""The command line: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor import __version__, policy
from monitor.app.book import read_rules
from monitor.app.postroom import Box
from monitor.cli import invoke, monitor, options
from monitor.cli.look import Health
from monitor.model import Backlog, Breaker, Tally, Visit
from rules import Article, Found, RuleSet

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk, Newsroom, Settings

pytestmark = pytest.mark.usefixtures("unlogged")

PROOF = "Dmitry Peskov said that talks with Kyiv make no sense."
OTHER = "Peskov said that a ceasefire would be a good beginning."
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and two saved articles, in which commands run."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(rules)
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "a.txt").write_text(f"A headline\n\nFirst came the weather. {PROOF}\n")
    (saved / "b.json").write_text(
        json.dumps({"id": "bee", "title": "Another", "text": OTHER, "published": "2026-07-01T10:00:00Z"})
    )
    return tmp_path


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# replay


def test_replay_reports_each_alert_and_sums_up(do: Do) -> None:
    code, out, err = do("replay", "saved")
    assert (code, err) == (0, "")
    assert "> First" not in out
    assert "> Dmitry «Peskov»" in out or "> «Dmitry Peskov» «said»" in out
    assert "stance     rejects" in out
    assert out.endswith("2 alerts from 2 articles\n")


def test_replay_in_json_is_what_a_webhook_sends_and_nothing_else(do: Do) -> None:
    code, out, err = do("replay", "saved", "--json")
    first, second = values(out)
    assert (code, err) == (0, "")
    assert (first["type"], first["data"]["rule"]["id"]) == ("alert.new", "on-talks")
    assert {first["data"]["article"]["id"], second["data"]["article"]["id"]} == {"a.txt", "bee"}


def test_the_same_input_gives_the_same_bytes_whatever_the_number_of_processes(do: Do) -> None:
    once = do("replay", "saved", "--json")
    assert do("replay", "saved", "--json") == once
    assert do("replay", "saved", "--json", "--jobs", "2") == once


def test_now_is_the_time_to_replay_at(do: Do) -> None:
    _, out, _ = do("replay", "saved", "--json", "--now", "2026-07-02T00:00:00+02:00")
    assert {value["timestamp"] for value in values(out)} == {"2026-07-01T22:00:00Z"}


def test_a_time_that_is_none_is_a_usage_error(do: Do) -> None:
    code, out, err = do("replay", "saved", "--now", "soon")
    assert (code, out) == (2, "")
    assert "is not a time" in err


def test_what_cannot_be_read_is_named_and_the_rest_is_replayed(do: Do, here: Path) -> None:
    (here / "saved" / "empty.txt").write_text("")
    (here / "saved" / "binary.txt").write_bytes(b"\x00\x01\x02" * 50)
    (here / "saved" / "broken.json").write_text("{")
    code, out, err = do("replay", "saved", "gone.txt", "--json")
    assert code == 3
    assert len(values(out)) == 2
    named = sorted(line.split(":")[1].strip() for line in err.splitlines())
    assert named == ["gone.txt", "saved/binary.txt", "saved/broken.json", "saved/empty.txt"]


def test_paths_of_which_none_is_there_are_a_usage_error(do: Do) -> None:
    code, out, err = do("replay", "gone", "lost")
    assert (code, out) == (2, "")
    assert "not there" in err


def test_all_problems_of_the_rules_are_told_and_nothing_is_replayed(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules:\n  - id: a\n    titel: x\n    when: {wrods: y}\n")
    code, out, err = do("replay", "saved")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) > 1
    assert all(line.startswith("rules.yaml:") for line in err.splitlines())


def test_missing_rules_are_told_with_what_to_do(do: Do, here: Path) -> None:
    (here / "rules.yaml").unlink()
    code, out, err = do("match", "saved", "--rules", "rules.yaml")
    assert (code, out) == (2, "")
    assert "rules.yaml: No such file" in err
    assert "monitor init" in err


def test_other_rules_may_be_named(do: Do, here: Path) -> None:
    (here / "rules.yaml").rename(here / "mine.yaml")
    assert do("replay", "saved", "--rules", "mine.yaml")[0] == 0


def test_problems_of_the_settings_are_told_with_their_places(do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("sorces: []\nsettings: {fetches: 0}\n")
    code, _, err = do("replay", "saved")
    assert code == 2
    assert [line.split(" ")[0] for line in err.splitlines()] == ["monitor.yaml:1:1:", "monitor.yaml:2:21:"]


def test_nothing_is_left_behind_unless_asked_for(do: Do, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(here.rglob("*"))
    do("replay", "saved")
    do("match", "saved")
    assert sorted(here.rglob("*")) == before
    do("replay", "saved", "--db", "kept.db")
    monkeypatch.setenv("MONITOR_STORE", "kept.db")
    code, out, _ = do("alerts", "--json")
    assert code == 0
    assert {value["data"]["article"]["id"] for value in values(out)} == {"a.txt", "bee"}


def test_an_article_that_breaks_the_engine_is_named_and_the_rest_goes_on(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    good = RuleSet.attempt

    def attempt(self: RuleSet, article: Article, **how: Any) -> Found:
        if article.id == "bee":
            raise RuntimeError("a bug")
        return good(self, article, **how)

    monkeypatch.setattr(RuleSet, "attempt", attempt)
    code, out, err = do("replay", "saved", "--json")
    assert code == 3
    assert [value["data"]["article"]["id"] for value in values(out)] == ["a.txt"]
    assert "skipped: bee: could not be matched: raised RuntimeError: a bug" in err


def test_an_article_that_cannot_be_decided_on_is_named_and_the_rest_goes_on(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = policy.plan

    def plan(fresh: Any, article: Article, matches: Any, **how: Any) -> Any:
        if article.id == "bee" and matches:
            raise ValueError("odd")
        return whole(fresh, article, matches, **how)

    monkeypatch.setattr(policy, "plan", plan)
    code, out, err = do("replay", "saved")
    assert code == 3
    assert "skipped: bee: could not be examined" in err
    assert out.endswith("1 alert from 2 articles; 1 skipped\n")


def test_many_articles_are_matched_in_workers_with_the_same_result(do: Do, here: Path) -> None:
    lines = [json.dumps({"id": f"n{number}", "text": PROOF if number % 10 == 0 else "Nothing."}) for number in range(80)]
    (here / "many.jsonl").write_text("\n".join(lines))
    code, out, _ = do("match", "many.jsonl", "--json")
    assert code == 0
    assert [value["article"] for value in values(out)] == [f"n{number}" for number in range(0, 80, 10)]


async def test_replay_delivers_to_the_receivers(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    desk.write(settings(), rules)
    (desk.folder / "a.txt").write_text(f"A headline\n\n{PROOF}\n")
    code, out, err = await desk.command("replay", "a.txt", "--json", "--deliver")
    hook = await newsroom.told()
    assert code == 0
    assert hook.body.decode() == out.rstrip("\n")
    assert "1 delivery made" in err


async def test_a_receiver_that_does_not_take_it_shows(newsroom: Newsroom, desk: Desk, settings: Settings, rules: str) -> None:
    newsroom.answers = [500]
    desk.write(settings(), rules)
    (desk.folder / "a.txt").write_text(f"A headline\n\n{PROOF}\n")
    code, _, err = await desk.command("replay", "a.txt", "--deliver")
    assert code == 1
    assert "0 deliveries made, 1 failed" in err


def test_delivering_without_the_secret_names_the_variable(do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("receivers: [{id: a, webhook: 'https://h.example/', secret: {env: DESK_KEY_1}}]\n")
    code, _, err = do("replay", "saved", "--deliver")
    assert (code, err) == (2, "monitor.yaml:1:66: the environment variable DESK_KEY_1 is not set\n")
    assert do("replay", "saved")[0] == 0  # nobody is told, so nothing is missing


# match


def test_match_shows_findings_with_offsets_into_the_given_strings(do: Do) -> None:
    code, out, _ = do("match", "saved", "--json")
    assert code == 0
    bee = next(value for value in values(out) if value["article"] == "bee")
    finding = bee["findings"][0]
    assert set(bee) == {"article", "rule", "findings"}
    assert OTHER[finding["start"] : finding["end"]] == finding["text"]
    assert finding["captures"]["speaker"] == "Dmitry Peskov"


def test_match_keeps_the_order_of_input_and_rules(do: Do, here: Path, rules: str) -> None:
    second = rules.split("rules:")[1].replace("on-talks", "before")
    (here / "rules.yaml").write_text(rules + second)
    _, out, _ = do("match", "saved", "--json")
    assert [(one["article"], one["rule"]) for one in values(out)] == [
        ("a.txt", "on-talks"),
        ("a.txt", "before"),
        ("bee", "on-talks"),
        ("bee", "before"),
    ]


def test_match_for_people(do: Do) -> None:
    code, out, _ = do("match", "saved")
    assert code == 0
    assert "on-talks  a.txt\n    A headline\n" in out
    assert out.endswith("2 matches in 2 articles\n")


def test_articles_shows_what_was_read(do: Do) -> None:
    code, out, _ = do("match", "saved", "--articles")
    assert code == 0
    assert values(out)[1] == {
        "id": "bee",
        "title": "Another",
        "summary": "",
        "body": OTHER,
        "url": None,
        "published": "2026-07-01T10:00:00Z",
        "source": "",
        "language": None,
    }


# looking


def visit(source: str, **changes: Any) -> Visit:
    return Visit(**{"source": source, "at": NOW, "due": NOW, "answered": NOW, "articles": 3, **changes})


def receiver(*, named: bool = True, waiting: int = 0, **state: Any) -> Box:
    lying = Backlog(sink="desk", waiting=waiting, sent=5, oldest=NOW - timedelta(minutes=20) if waiting else None)
    return Box(id="desk", named=named, breaker=Breaker(sink="desk", **state), backlog=lying)


def failing(minutes: int) -> Box:
    since, due = NOW - timedelta(minutes=minutes), NOW + timedelta(minutes=5)
    return receiver(waiting=3, state="open", failures=9, since=since, due=due, reason="HTTP 502")


def health(**changes: Any) -> Health:
    whole = {"now": NOW, "running": True, "sources": ["a"], "visits": [visit("a")], "tally": Tally(), "lately": 0}
    return Health(**{**whole, **changes})


def test_all_is_well() -> None:
    assert health().troubles() == []
    assert next(health().told()) == "All is well."
    assert health().plain()["well"] is True


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"running": False}, "no monitor is running: start one with 'monitor run'"),
        ({"visits": [visit("a", failures=2, error="HTTP 500")]}, "no source answers"),
        (
            {"visits": [visit("a", due=NOW - timedelta(hours=2))]},
            "no source was visited since 2026-07-01 12:00 UTC, though all are due",
        ),
        ({"tally": Tally(dead=1, newest_dead=NOW - timedelta(hours=23))}, "given up: 1 delivery"),
        ({"tally": Tally(waiting=1, oldest_waiting=NOW - timedelta(hours=2))}, "deliveries wait since 2026-07-01 10:00 UTC"),
        (
            {"receivers": [receiver(state="disabled", failures=1, since=NOW, reason="HTTP 410", waiting=2)]},
            (
                "receiver desk: disabled, has failed since 12:00 UTC: HTTP 410; "
                "2 parked, the oldest since 11:40 UTC: 'monitor receivers enable desk'"
            ),
        ),
        (
            {"receivers": [failing(16)]},
            (
                "receiver desk: failing since 11:44 UTC, asked again 12:05 UTC: HTTP 502; "
                "3 deliveries wait, the oldest since 11:40 UTC"
            ),
        ),
    ],
)
def test_what_is_not_well_is_said(changes: dict[str, Any], trouble: str) -> None:
    assert health(**changes).troubles() == [trouble]
    assert f"  {trouble}" in list(health(**changes).told())


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"visits": [visit("b", failures=2, error="HTTP 500")]}, "b fails: HTTP 500, last answered 2026-07-01 12:00 UTC"),
        ({"visits": [visit("b", failures=2, error="x", answered=None)]}, "b fails: x, has never answered"),
        ({"visits": [visit("b", error="1 of 9 articles")]}, "b gave what we failed on: 1 of 9 articles"),
        ({"tally": Tally(dead=1, newest_dead=NOW - timedelta(hours=25))}, "given up long ago: 1 delivery"),
        (
            {"receivers": [failing(14)]},
            (
                "receiver desk: failing since 11:46 UTC, asked again 12:05 UTC: HTTP 502; "
                "3 deliveries wait, the oldest since 11:40 UTC"
            ),
        ),
        (
            {"receivers": [receiver(named=False, waiting=1)]},
            "1 delivery waits since 11:40 UTC for 'desk', which monitor.yaml does not name",
        ),
    ],
)
def test_what_is_worth_knowing_is_said_and_all_is_well(changes: dict[str, Any], warning: str) -> None:
    found = health(sources=["a", "b"], **changes)
    assert (found.troubles(), found.warnings()) == ([], [warning])
    assert list(found.told())[:2] == ["All is well.", f"  warning: {warning}"]


def test_status_counts_the_receivers_by_their_state() -> None:
    found = health(receivers=[receiver(), receiver(), failing(3)])
    assert "receivers   3: 2 ok, 1 failing" in list(found.told())
    assert found.plain()["receivers"][2] == {
        "id": "desk",
        "state": "failing",
        "reason": "failing since 11:57 UTC, asked again 12:05 UTC: HTTP 502; 3 deliveries wait, the oldest since 11:40 UTC",
        "waiting": 3,
        "sent": 5,
        "dead": 0,
        "oldest": "2026-07-01T11:40:00Z",
    }
    assert not any(line.startswith("receivers") for line in health().told())


def test_while_the_first_round_is_under_way_nothing_is_wrong() -> None:
    assert health(sources=["a", "b"], visits=[]).troubles() == []
    assert health(sources=["a", "b"], visits=[visit("a", failures=1, error="HTTP 500")]).troubles() == []


def test_without_a_store_there_is_nothing_to_look_at(do: Do) -> None:
    for command in ("status", "alerts"):
        code, out, err = do(command)
        assert (code, out) == (2, "")
        assert "monitor.db is not there yet: 'monitor run' makes it" in err


def test_status_says_that_nothing_runs(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    do("replay", "saved", "--db", "kept.db")
    monkeypatch.setenv("MONITOR_STORE", "kept.db")
    code, out, _ = do("status", "--json")
    (found,) = values(out)
    assert code == 1
    assert (found["well"], found["running"], found["alerts"]["all"]) == (False, False, 2)
    assert do("status")[1].startswith("Not all is well:\n  no monitor is running")


def test_alerts_can_be_narrowed(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    do("replay", "saved", "--db", "kept.db")
    monkeypatch.setenv("MONITOR_STORE", "sqlite:kept.db")
    assert len(values(do("alerts", "--json", "--limit", "1")[1])) == 1
    assert do("alerts", "--json", "--rule", "other")[1] == ""
    assert "raised 2026-07-01 10:00 UTC\n" in do("alerts")[1]


# run


def test_run_without_sources_says_how_to_begin(do: Do) -> None:
    code, _, err = do("run")
    assert code == 2
    assert "monitor init" in err


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("{env: DESK_KEY_1}", "monitor.yaml:2:66: the environment variable DESK_KEY_1 is not set"),
        ("{env: DESK_KEY_2}", "rule 'on-talks' notifies 'nobody': no such receiver; monitor.yaml has a"),
    ],
)
def test_run_refuses_before_anything_starts(
    do: Do, here: Path, rules: str, monkeypatch: pytest.MonkeyPatch, secret: str, message: str
) -> None:
    monkeypatch.setenv("DESK_KEY_2", KEY)
    (here / "rules.yaml").write_text(rules.rstrip() + "\n    notify: [nobody]\n")
    (here / "monitor.yaml").write_text(
        f"sources: [{{feed: 'https://n.example/'}}]\nreceivers: [{{id: a, webhook: 'https://h.example/', secret: {secret}}}]\n"
    )
    code, out, err = do("run")
    assert (code, out) == (2, "")
    assert message in err
    assert not (here / "monitor.db").exists()


# beginning, helping, printing


def test_init_writes_files_that_work_and_never_overwrites(do: Do, here: Path) -> None:
    code, out, _ = do("init", "desk")
    assert code == 0
    assert "monitor run" in out
    assert read_rules(here / "desk" / "rules.yaml").ruleset.warnings == ()
    assert do("replay", "saved", "--config", "desk/monitor.yaml", "--json")[0] == 0
    (here / "desk" / "rules.yaml").write_text("mine")
    code, out, _ = do("init", "desk")
    assert code == 0
    assert "rules.yaml: is there already, left as it is" in out
    assert (here / "desk" / "rules.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told_in_one_line(do: Do, here: Path) -> None:
    (here / "file").write_text("")
    code, out, err = do("init", "file/folder")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Not a directory" in err


def test_version(do: Do) -> None:
    assert do("--version")[:2] == (0, f"monitor {__version__}\n")


@pytest.mark.parametrize("name", sorted(monitor.commands))
def test_every_command_explains_itself_with_an_example(do: Do, name: str) -> None:
    code, out, _ = do(name, "--help")
    assert code == 0
    assert f"Example: monitor {name}" in " ".join(out.split())


def test_an_unknown_command_is_a_usage_error(do: Do) -> None:
    code, out, err = do("rnu")
    assert (code, out) == (2, "")
    assert "rnu" in err


@pytest.mark.parametrize(("terminal", "no_color", "colour"), [(True, "", True), (True, "1", False), (False, "", False)])
def test_colour_is_for_terminals_and_no_color_is_honoured(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, no_color: str, colour: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    assert options.style().colour is colour


async def test_a_reader_that_has_seen_enough_ends_it_quietly(desk: Desk, rules: str) -> None:
    desk.write("settings: {}\n", rules)
    (desk.folder / "a.txt").write_text(f"A headline\n\n{PROOF}\n")
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "monitor", "replay", "a.txt"),
        cwd=desk.folder,
        env=desk.environment,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_a_terminal_that_knows_no_unicode_still_gets_the_report(desk: Desk, rules: str) -> None:
    desk.write("settings: {}\n", rules)
    (desk.folder / "a.txt").write_text(f"Заголовок\n\n{PROOF}\n", encoding="utf-8")
    code, out, err = await desk.command("replay", "a.txt", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, err) == (0, "")
    assert "1 alert from 1 article" in out


def test_where_no_rules_lie_those_that_the_monitor_came_with_are_lent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text(
        "Oman\n\nA third round of talks will be held in Muscat next week, Oman said.\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert invoke(["match", "a.txt", "--json"]) == 0
    told = capsys.readouterr()
    assert '"rule":"summit-announced"' in told.out
    assert "no rules.yaml here: using those that came with the monitor" in told.err
