"""The commands of those who write rules: what they print, what they write, and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from monitor.app import marks
from monitor.app.book import read_rules
from monitor.errors import ConfigError
from rules import Article, Invalid, emit

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk, Newsroom

pytestmark = pytest.mark.usefixtures("unlogged")

EXAMPLES = """    examples:
      match: [Peskov said that talks make no sense.]
"""
PROOF = "Dmitry Peskov said that talks with Kyiv make no sense."
MISSED = "Dmitry Peskov called the meeting in Oslo a farce."
Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules, a test file and saved articles, in which commands run."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(rules + EXAMPLES)
    (tmp_path / "rules_test.yaml").write_text(
        "tests:\n  - name: rain\n    rule: on-talks\n    text: Peskov said it would rain.\n    skip: true\n"
    )
    (tmp_path / "a.txt").write_text(f"A headline\n\nFirst came the weather. {PROOF}\n")
    (tmp_path / "b.txt").write_text(f"Another\n\nFirst came the weather. {MISSED}\n")
    return tmp_path


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def fail(here: Path) -> None:
    with (here / "rules_test.yaml").open("a") as file:
        file.write(f"  - {{name: sunshine, rule: on-talks, text: '{MISSED}'}}\n")


# test


def test_all_tests_pass(do: Do) -> None:
    code, out, err = do("test")
    assert (code, err) == (0, "")
    assert out == "rule      match  skip\non-talks      1     1\n\n2 tests: 2 passed, 0 failed\n"


def test_a_failure_says_where_which_what_and_how_near(do: Do, here: Path) -> None:
    fail(here)
    code, out, _ = do("test")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "FAILED rules_test.yaml:6: on-talks: sunshine"
    assert lines[1] == "    should match, but does not"
    assert lines[2].startswith("    nearest: ")
    assert lines[-1] == "3 tests: 2 passed, 1 failed"


def test_for_machines_each_test_is_a_line_and_the_figures_come_last(do: Do, here: Path) -> None:
    fail(here)
    code, out, _ = do("test", "--json")
    own, rain, sunshine, total = values(out)
    assert code == 1
    assert (own["passed"], rain["passed"], sunshine["passed"]) == (True, True, False)
    assert (rain["test"], rain["rule"], rain["file"], rain["line"], rain["missed"]) == (
        *("rain", "on-talks", "rules_test.yaml", 2),
        [],
    )
    assert sunshine["missed"][0]["message"] == "should match, but does not"
    assert total == {"passed": 2, "failed": 1, "coverage": [{"rule": "on-talks", "match": 2, "skip": 1}]}


@pytest.mark.parametrize(
    ("pattern", "count"), [("rain", 1), ("RAIN", 1), ("on-talks", 3), ("sun*", 1), ("s*?shine", 1), ("*pesk*", 1)]
)
def test_a_pattern_chooses_tests_by_rule_or_name(do: Do, here: Path, pattern: str, count: int) -> None:
    fail(here)
    _, out, _ = do("test", "--run", pattern, "--json")
    assert len(values(out)) - 1 == count


def test_a_pattern_that_chooses_nothing_is_a_usage_error(do: Do) -> None:
    code, out, err = do("test", "--run", "snow")
    assert (code, out) == (2, "")
    assert "none of the 2 tests has 'snow' in its rule or name" in err


def test_the_results_are_written_as_junit_too(do: Do, here: Path) -> None:
    fail(here)
    code, out, _ = do("test", "--junit", "results.xml")
    root = ET.parse(here / "results.xml").getroot()
    assert (code, root.get("tests"), root.get("failures")) == (1, "3", "1")
    assert next(root.iter("failure")).text.startswith("rules_test.yaml:6: should match")  # type: ignore[union-attr]
    assert "3 tests" in out
    assert do("test", "--junit", "gone/results.xml")[0] == 2


def test_a_rule_without_both_kinds_of_examples_is_named_and_nothing_fails(do: Do, here: Path) -> None:
    (here / "rules_test.yaml").unlink()
    code, out, err = do("test")
    assert (code, err) == (0, "rules.yaml:6: on-talks has no examples that it must skip (warning)\n")
    assert "on-talks      1     0" in out


def test_problems_of_test_files_are_told_and_nothing_is_run(do: Do, here: Path) -> None:
    (here / "rules_test.yaml").write_text("tests: [{rule: nix, text: a}, {rule: on-talks}]")
    code, out, err = do("test")
    assert (code, out) == (2, "")
    assert [line.split(" ")[0] for line in err.splitlines()] == ["rules_test.yaml:1:16:", "rules_test.yaml:1:31:"]


def test_rules_without_tests_are_no_failure(do: Do, here: Path, rules: str) -> None:
    (here / "rules_test.yaml").unlink()
    (here / "rules.yaml").write_text(rules)
    code, out, err = do("test")
    assert (code, out.splitlines()[-1]) == (0, "0 tests: 0 passed, 0 failed")
    assert "match or skip" in err


def test_text_from_articles_cannot_steer_a_terminal(do: Do, here: Path) -> None:
    with (here / "rules_test.yaml").open("a") as file:
        file.write(
            '  - {name: "a\\e[31mb", rule: on-talks, text: "Peskov said that talks make \\e]0;x\\a no sense.\\r", skip: true}\n'
        )
    code, out, _ = do("test")
    assert code == 1
    assert not set(out) & {"\x1b", "\x07", "\r"}


# alerts wrong


@pytest.fixture
def alert(do: Do, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an alert in a store."""
    do("replay", "a.txt", "--db", "kept.db")
    monkeypatch.setenv("MONITOR_STORE", "kept.db")
    (found,) = values(do("alerts", "--json")[1])
    return str(found["data"]["id"])


def test_a_wrong_alert_becomes_a_test_that_fails_until_the_rule_is_mended(do: Do, here: Path, alert: str) -> None:
    before = (here / "rules_test.yaml").read_text()
    code, out, err = do("alerts", "wrong", alert)
    assert (code, err) == (0, "")
    assert out.startswith("rules_test.yaml:6: added: on-talks must skip “A headline”.\n")
    assert out.endswith("Run it: monitor test rules_test.yaml --run on-talks\n")
    assert (here / "rules_test.yaml").read_text().startswith(before)
    assert do("test", "rules_test.yaml")[0] == 1
    rules = (here / "rules.yaml").read_text()
    (here / "rules.yaml").write_text(rules.replace("about: $talks}", "about: [ceasefire]}"))
    assert do("test", "rules_test.yaml")[0] == 0


def test_a_wrong_alert_is_marked_once(do: Do, here: Path, alert: str) -> None:
    do("alerts", "wrong", alert)
    before = (here / "rules_test.yaml").read_text()
    code, out, _ = do("alerts", "wrong", alert)
    assert code == 0
    assert out.startswith("rules_test.yaml:6 says already that on-talks must skip “A headline”. Nothing was written.")
    assert (here / "rules_test.yaml").read_text() == before


def test_a_test_file_is_made_where_there_is_none(do: Do, here: Path, alert: str) -> None:
    (here / "rules_test.yaml").unlink()
    assert do("alerts", "wrong", alert)[1].startswith("rules_test.yaml:4: added: ")
    assert (here / "rules_test.yaml").read_text().splitlines()[1:3] == ['rules: "rules.yaml"', "tests:"]


def test_a_rule_that_was_mended_meanwhile_is_said_so(do: Do, here: Path, alert: str) -> None:
    rules = (here / "rules.yaml").read_text()
    (here / "rules.yaml").write_text(rules.replace("about: $talks}", "about: [ceasefire]}"))
    assert "on-talks skips it already" in do("alerts", "wrong", alert)[1]


def test_options_may_stand_before_or_after_wrong(do: Do, here: Path, alert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONITOR_STORE")
    (here / "mine.yaml").write_text("settings: {store: kept.db}\n")
    assert do("alerts", "--config", "mine.yaml", "wrong", alert)[0] == 0
    assert do("alerts", "wrong", alert, "--config", "mine.yaml")[0] == 0


def test_an_alert_that_is_not_there_is_said(do: Do, alert: str) -> None:
    code, out, err = do("alerts", "wrong", alert[:-1])
    assert (code, out) == (2, "")
    assert "'monitor alerts' lists them with their IDs" in err
    assert alert in do("alerts")[1]


def test_a_rule_that_is_gone_is_said(do: Do, here: Path, alert: str) -> None:
    (here / "rules.yaml").write_text("rules: [{id: other, when: [a]}]")
    code, _, err = do("alerts", "wrong", alert)
    assert (code, err) == (2, "monitor: rules.yaml has no rule 'on-talks'; it has other\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [{rule: on-talks, text: a}]\n", "cannot be added to: its tests are not written as a list of dashes"),
        ("tests:\n  - {rule: [\n", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(do: Do, here: Path, alert: str, text: str, message: str) -> None:
    (here / "rules_test.yaml").write_text(text)
    code, _, err = do("alerts", "wrong", alert)
    assert code == 2
    assert message in err
    assert (here / "rules_test.yaml").read_text() == text


def test_the_opposite_is_not_written_over(do: Do, here: Path, alert: str) -> None:
    do("alerts", "wrong", alert)
    book = read_rules(here / "rules.yaml")
    article = Article(id="a.txt", title="A headline", body=(here / "a.txt").read_text().partition("\n\n")[2])
    with pytest.raises(ConfigError, match=r"rules_test.yaml:6: says already that on-talks must skip this article"):
        marks.mark(book, book.rules["on-talks"], article, match=True, name="x")


# missed


def test_a_missed_article_is_explained_and_becomes_a_test(do: Do, here: Path) -> None:
    code, out, err = do("missed", "b.txt", "--rule", "on-talks")
    assert (code, err) == (0, "")
    assert out.startswith("on-talks does not match “Another”. Where it came nearest:\n  ")
    assert "Dmitry Peskov" in out
    assert "rules_test.yaml:6: added: on-talks must match “Another”." in out
    code, out, _ = do("test", "--run", "missed", "--json")
    assert (code, values(out)[0]["test"]) == (1, "missed: Another")
    assert "Nothing was written" in do("missed", "b.txt", "--rule", "on-talks")[1]


def test_an_article_that_the_rule_matches_was_not_missed(do: Do, here: Path) -> None:
    before = sorted((path, path.read_bytes()) for path in here.iterdir())
    code, out, _ = do("missed", "a.txt", "--rule", "on-talks")
    assert code == 0
    assert out.startswith(f"on-talks matches “A headline”: “{PROOF}”\nNothing was written.\n")
    assert "monitor alerts --rule on-talks" in out
    assert sorted((path, path.read_bytes()) for path in here.iterdir()) == before


def test_a_draft_that_matches_told_nobody(do: Do, here: Path) -> None:
    rules = (here / "rules.yaml").read_text()
    (here / "rules.yaml").write_text(rules.replace("    level: high\n", "    level: high\n    status: draft\n"))
    assert "It is a draft" in do("missed", "a.txt", "--rule", "on-talks")[1]


def test_of_a_file_with_several_articles_one_is_named(do: Do, here: Path) -> None:
    (here / "c.jsonl").write_text("".join(json.dumps({"id": name, "title": name, "text": MISSED}) + "\n" for name in "xy"))
    code, _, err = do("missed", "c.jsonl", "--rule", "on-talks")
    assert (code, err) == (2, "monitor: c.jsonl holds 2 articles: say which with --article ID (x, y)\n")
    assert do("missed", "c.jsonl", "--rule", "on-talks", "--article", "y")[0] == 0
    assert do("missed", "c.jsonl", "--rule", "on-talks", "--article", "z")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.txt", "--rule", "on-talks"), "gone.txt: No such file"),
        (("empty.txt", "--rule", "on-talks"), "empty.txt: empty"),
        (("b.txt", "--rule", "nix"), "rules.yaml has no rule 'nix'; it has on-talks"),
        (("http://127.0.0.1:9/a", "--rule", "on-talks"), "blocked address"),
        (("b.txt",), "Missing option '--rule'"),
    ],
)
def test_what_cannot_be_read_is_said(do: Do, here: Path, arguments: tuple[str, ...], message: str) -> None:
    (here / "empty.txt").write_text("")
    code, out, err = do("missed", *arguments)
    assert (code, out) == (2, "")
    assert message in err


async def test_a_missed_page_is_fetched_as_the_monitor_fetches_it(newsroom: Newsroom, desk: Desk, rules: str) -> None:
    text = f"It was a warm day in July, people said.\n\n{MISSED}\n\nThen they all went home, and it began to rain."
    newsroom.publish("oslo", "Farce in Oslo", "", text)
    desk.write("settings: {allow: [127.0.0.0/8]}\n", rules)
    url = f"{newsroom.url}/page/oslo"
    code, out, err = await desk.command("missed", url, "--rule", "on-talks")
    assert (code, err) == (0, "")
    assert "on-talks must match “Farce in Oslo”" in out
    written = (desk.folder / "rules_test.yaml").read_text()
    assert MISSED in written
    assert f'url: "{url}"' in written


# Writing


@pytest.fixture
def folder(here: Path) -> Path:
    """The same for tests that run many times."""
    return here


def added(folder: Path, article: Article, *, match: bool = True) -> marks.Marked:
    book = read_rules(folder / "rules.yaml")
    return marks.mark(book, book.rules["on-talks"], article, match=match, name="x")


@how(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(), st.booleans())
def test_any_article_is_written_once_and_found_again(folder: Path, body: str, match: bool) -> None:  # noqa: FBT001 - Hypothesis
    (folder / "rules_test.yaml").unlink(missing_ok=True)
    article = Article(id="a", title="t", body=body)
    first, second = added(folder, article, match=match), added(folder, article, match=match)
    assert (first.line, bool(first.entry)) == (4, True)
    assert (second.file, second.line, second.entry) == (first.file, 4, "")


def test_a_full_file_is_followed_by_another(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "MOST", 2_000)
    places = [added(here, Article(id=str(n), body=f"{n} " + "x" * 700)) for n in range(5)]
    assert [one.file.name for one in places] == [*["rules_test.yaml"] * 2, *["rules_2_test.yaml"] * 2, "rules_3_test.yaml"]
    assert added(here, Article(id="2", body="2 " + "x" * 700)).entry == ""
    with pytest.raises(ConfigError, match="save it to a file of its own"):
        added(here, Article(id="z", body="x" * 2_000))


def test_a_rule_of_an_included_file_is_tested_beside_it(do: Do, here: Path, rules: str) -> None:
    lists, _, own = rules.partition("rules:")
    (here / "topics").mkdir()
    (here / "topics" / "talks.yaml").write_text(f"rules:{own}")
    (here / "rules.yaml").write_text(f"include: topics/talks.yaml\n{lists}")
    (here / "rules_test.yaml").unlink()
    code, out, _ = do("missed", "b.txt", "--rule", "on-talks")
    assert code == 0
    assert "Run it: monitor test topics/talks_test.yaml --run on-talks" in out
    assert 'rules: "../rules.yaml"' in (here / "topics" / "talks_test.yaml").read_text()
    assert do("test", "topics/talks_test.yaml")[0] == 1
    assert do("test")[0] == 1


def test_the_mode_of_a_file_stays(here: Path) -> None:
    (here / "rules_test.yaml").chmod(0o640)
    added(here, Article(id="a", body="x"))
    assert (here / "rules_test.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in here.iterdir()) == ["a.txt", "b.txt", "rules.yaml", "rules_test.yaml"]


def test_a_broken_test_file_is_told_with_its_place(here: Path) -> None:
    (here / "rules_test.yaml").write_text("tests: [")
    with pytest.raises(Invalid):
        added(here, Article(id="a", body="x"))
