"""`monitor backtest`: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.app import backtest as stage
from monitor.app import kept
from monitor.app.book import read_rules
from monitor.cli import invoke
from monitor.model import Plan
from monitor.stores import open_store
from rules import Article, Found, RuleSet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("unlogged")

NARROW = """
rules:
  - id: floods
    title: A flood
    when: {all: [flood*, river]}
    once: {alike: 0.9, within: 3d}
  - id: other
    when: {any: [never]}
"""
WIDE = NARROW.replace("{all: [flood*, river]}", "{any: [flood*, storm]}")

ROWS: list[dict[str, Any]] = [
    {"id": "hit", "text": "The river has flooded the town.", "published": "2026-07-01T10:00:00Z", "label": {"flood": "yes"}},
    {"id": "missed", "text": "A flood in the valley.", "published": "2026-07-02T10:00:00Z", "label": {"flood": "yes"}},
    {
        "id": "false",
        "text": "Applications flood in, like a river.",
        "published": "2026-07-02T11:00:00Z",
        "label": {"flood": "no"},
    },
    {"id": "passed", "text": "Nothing happened.", "published": "2026-07-04T10:00:00Z", "label": {"flood": "no"}},
    {"id": "doubtful", "text": "The river may flood.", "published": "2026-07-04T11:00:00Z", "label": {"flood": "borderline"}},
    {"id": "storm", "text": "A storm over the sea.", "label": {"flood": "no"}},
    {"id": "plain", "text": "No label here."},
]

Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and labelled articles, in which commands run."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(NARROW)
    (tmp_path / "wide.yaml").write_text(WIDE)
    write(tmp_path / "rows.jsonl", ROWS)
    return tmp_path


@pytest.fixture
def do(here: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """Backtests the rule `floods`; exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["backtest", "--rule", "floods", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def named(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["what"], item["article"]["id"]) for item in items]


# with labels


def test_labelled_articles_give_figures_and_what_is_wrong(do: Do) -> None:
    code, out, err = do("rows.jsonl", "--label", "label.flood", "--json")
    summary, *items = values(out)
    assert (code, err) == (0, "")
    assert {name: summary[name] for name in ("articles", "labelled", "hits", "false", "missed", "passed_over")} == {
        "articles": 7,
        "labelled": 5,
        "hits": 1,
        "false": 1,
        "missed": 1,
        "passed_over": 2,
    }
    assert summary["left_out"] == {"borderline": 1, "(none)": 1}
    assert [summary[name]["value"] for name in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]
    assert named(items) == [("false", "false"), ("missed", "missed")]


def test_a_false_one_shows_what_fired_and_a_missed_one_what_failed(do: Do) -> None:
    _, out, _ = do("rows.jsonl", "--label", "label.flood", "--json")
    _, false, missed = values(out)
    assert false["findings"][0]["text"] == "Applications flood in, like a river."
    assert missed["nearest"]["near"] == 0.5
    assert "river" in missed["nearest"]["clause"]


def test_figures_for_people(do: Do) -> None:
    code, out, _ = do("rows.jsonl", "--label", "label.flood")
    assert code == 0
    assert "5 labelled label.flood (left out: 1 (none), 1 borderline)" in out
    assert "F1         0.500 (0.116–0.884)\n" in out
    assert "1 right, 1 false, 1 missed, 2 rightly passed over\n" in out
    assert "False: they match and should not (1)\n  2026-07-02  - (false)\n    > Applications «flood» in, like a «river»." in out
    assert (
        'Missed: they should match and do not (1)\n  2026-07-02  - (missed)\n      50% there: it says "river": not there\n' in out
    )


@pytest.mark.parametrize(("floor", "code", "verdict"), [("0.5", 0, "not below"), ("0.51", 1, "below")])
def test_a_floor_decides_the_exit_code(do: Do, floor: str, code: int, verdict: str) -> None:
    got, out, _ = do("rows.jsonl", "--label", "label.flood", "--floor", floor)
    assert got == code
    assert out.endswith(f"F1 is {verdict} the floor of {floor}\n")
    summary = values(do("rows.jsonl", "--label", "label.flood", "--floor", floor, "--json")[1])[0]
    assert (summary["floor"], summary["passed"]) == (float(floor), code == 0)


def test_labels_may_be_any_words(do: Do) -> None:
    _, out, _ = do("rows.jsonl", "--label", "label.flood", "--positive", "yes", "--positive", "Borderline", "--json")
    summary = values(out)[0]
    assert (summary["labelled"], summary["hits"], summary["left_out"]) == (6, 2, {"(none)": 1})


def test_labels_follow_articles_whose_ids_repeat(do: Do, here: Path) -> None:
    (here / "more").mkdir()
    row = ROWS[0]
    write(here / "more" / "a.jsonl", [row, {**row, "label": {"flood": "no"}}])
    (here / "more" / "b.json").write_text(json.dumps({**row, "text": "Nothing."}))
    summary, *items = values(do("more", "--label", "label.flood", "--json")[1])
    assert [summary[name] for name in ("hits", "false", "missed")] == [1, 1, 1]
    assert named(items) == [("false", "a.jsonl#2"), ("missed", "b.json#1")]


def test_a_label_that_is_nowhere_is_told_with_those_that_are(do: Do) -> None:
    code, out, err = do("rows.jsonl", "--label", "label.floods")
    assert (code, out) == (2, "")
    assert "no article is labelled yes or no at 'label.floods', which holds nothing; the fields are: label.flood" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["rows.jsonl", "--floor", "0.9"], "--floor needs --label"),
        (["--label", "label.flood"], "--label needs a CORPUS"),
        (["rows.jsonl", "--label", "x", "--positive", "no"], "'no' cannot be both"),
        (["gone.jsonl"], "not there"),
        (["rows.jsonl", "--since", "soon"], "'soon' is not a time"),
        (["rows.jsonl", "--rule", "flods"], "rules.yaml: unknown rule 'flods'; did you mean 'floods'?"),
        (["rows.jsonl", "--compare", "gone.yaml"], "gone.yaml: No such file"),
        ([], "monitor.db is not there yet"),
    ],
)
def test_what_makes_no_sense_is_refused(do: Do, arguments: list[str], complaint: str) -> None:
    code, out, err = do(*arguments)
    assert (code, out) == (2, "")
    assert complaint in err


# without labels


def test_a_stream_gives_its_alerts_and_how_many_a_day(do: Do) -> None:
    code, out, _ = do("rows.jsonl", "--json")
    summary, *items = values(out)
    assert code == 0
    assert {name: summary[name] for name in ("articles", "undated", "days", "matches", "alerts", "per_day")} == {
        "articles": 7,
        "undated": 2,
        "days": 3,
        "matches": 3,
        "alerts": 3,
        "per_day": 1.0,
    }
    assert (summary["first"], summary["last"]) == ("2026-07-01", "2026-07-04")
    assert named(items) == [("alert", "hit"), ("alert", "false"), ("alert", "doubtful")]


def test_one_event_is_one_alert_however_many_articles_match(do: Do, here: Path) -> None:
    write(here / "rows.jsonl", [{**ROWS[0], "id": f"copy {number}"} for number in range(3)])
    assert values(do("rows.jsonl", "--json")[1])[0]["matches"] == 3
    assert values(do("rows.jsonl", "--json")[1])[0]["alerts"] == 1


def test_each_alert_is_one_line_for_people(do: Do) -> None:
    _, out, _ = do("rows.jsonl")
    assert "3 matches, 3 alerts; 1.00 a day on 3 days with articles\n" in out
    assert "  2026-07-01  - (hit)  A flood: The river has flooded the town.\n" in out


def test_as_many_are_listed_as_one_asks_for(do: Do) -> None:
    assert do("rows.jsonl", "--limit", "1")[1].endswith("  … and 2 more: --limit, or --json\n")
    assert len(values(do("rows.jsonl", "--limit", "2", "--json")[1])) == 3


def test_undated_articles_have_no_rate(do: Do, here: Path) -> None:
    write(here / "rows.jsonl", [{"id": "x", "text": ROWS[0]["text"]}])
    assert values(do("rows.jsonl", "--json")[1])[0]["per_day"] is None
    assert "1 match, 1 alert\n" in do("rows.jsonl")[1]


def test_dates_can_be_narrowed(do: Do) -> None:
    _, out, _ = do("rows.jsonl", "--since", "2026-07-02", "--until", "2026-07-04", "--json")
    summary, *items = values(out)
    assert (summary["articles"], summary["undated"]) == (2, 0)
    assert named(items) == [("alert", "false")]


def test_the_same_input_gives_the_same_bytes_whatever_the_number_of_processes(do: Do) -> None:
    once = do("rows.jsonl", "--json")
    assert do("rows.jsonl", "--json") == once
    assert do("rows.jsonl", "--json", "--jobs", "2") == once


def test_drafts_and_deprecated_rules_answer_when_asked_by_name(do: Do, here: Path) -> None:
    for status in ("draft", "deprecated"):
        (here / "rules.yaml").write_text(NARROW.replace("title: A flood", f"status: {status}"))
        assert values(do("rows.jsonl", "--json")[1])[0]["alerts"] == 3


# stored articles


async def keep(path: Path, articles: list[Article], seen: datetime) -> None:
    store = await open_store(str(path))
    for article in articles:
        await store.record(Plan(article=article, revision="r", first_seen=seen, at=seen))
    await store.close()


def stored(number: int, published: datetime | None) -> Article:
    return Article(id=f"n{number}", body=f"The river has flooded town {number}.", published=published, digest=f"d{number}")


def test_without_a_corpus_the_stored_articles_are_tried(do: Do, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    dates = [now - timedelta(days=40), now - timedelta(days=20), now - timedelta(days=1), None]
    asyncio.run(keep(here / "monitor.db", [stored(n, at) for n, at in enumerate(dates)], now - timedelta(hours=1)))
    monkeypatch.setattr(kept, "PAGE", 2)

    assert [one["article"] for one in values(do("--json")[1])[1:]] != []
    summary = values(do("--json")[1])[0]
    assert (summary["articles"], summary["matches"], summary["undated"]) == (4, 4, 0)
    recent = values(do("--since", "30d", "--until", "2h", "--json")[1])
    assert named(recent[1:]) == [("alert", "n1"), ("alert", "n2")]


# a comparison


def test_a_comparison_shows_what_is_gained_and_lost(do: Do) -> None:
    code, out, _ = do("rows.jsonl", "--rules", "wide.yaml", "--compare", "rules.yaml", "--json")
    summary, *items = values(out)
    assert code == 0
    assert summary["change"] == {"gained": 2, "lost": 0}
    assert (summary["alerts"], summary["before"]["alerts"]) == (5, 3)
    assert named(items) == [("gained", "missed"), ("gained", "storm")]

    summary, *items = values(do("rows.jsonl", "--compare", "wide.yaml", "--json")[1])
    assert summary["change"] == {"gained": 0, "lost": 2}
    assert named(items) == [("lost", "missed"), ("lost", "storm")]
    assert items[0]["findings"]
    assert items[0]["nearest"]["near"] == 0.5


def test_a_comparison_with_labels_says_whether_it_is_better(do: Do) -> None:
    arguments = ("rows.jsonl", "--rules", "wide.yaml", "--compare", "rules.yaml", "--label", "label.flood")
    summary, *items = values(do(*arguments, "--json")[1])
    assert summary["change"] == {"gained": 2, "lost": 0, "mended": 1, "broken": 1, "p": 1.0}
    assert (summary["hits"], summary["before"]["hits"]) == (2, 1)
    assert [item["label"] for item in items] == [True, False]
    _, out, _ = do(*arguments)
    assert "recall     1.000 (0.342–1.000)   before 0.500 (0.095–0.905)\n" in out
    assert "of the labelled 1 mended, 1 broken (McNemar's exact test: p = 1)" in out
    assert "(missed)  rightly\n" in out
    assert "(storm)  wrongly\n" in out


# what goes wrong


def test_what_cannot_be_read_is_named_and_the_rest_is_tried(do: Do, here: Path) -> None:
    (here / "broken.json").write_text("{")
    code, out, err = do("rows.jsonl", "broken.json", "--json")
    assert code == 3
    assert values(out)[0]["skipped"] == 1
    assert err.startswith("skipped: broken.json: ")


def test_an_article_that_breaks_the_engine_counts_nowhere(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    good = RuleSet.attempt

    def attempt(self: RuleSet, article: Article, **how: Any) -> Found:
        if article.id == "missed":
            raise RuntimeError("a bug")
        return good(self, article, **how)

    monkeypatch.setattr(RuleSet, "attempt", attempt)
    code, out, err = do("rows.jsonl", "--label", "label.flood", "--compare", "wide.yaml", "--json")
    summary = values(out)[0]
    assert code == 3
    assert (summary["articles"], summary["labelled"], summary["missed"], summary["skipped"]) == (6, 4, 0, 1)
    assert err == "skipped: missed: could not be matched: raised RuntimeError: a bug\n"


def test_workers_are_handed_one_rule_only(here: Path) -> None:
    book = read_rules(here / "rules.yaml")
    assert [rule.id for rule in stage.load_one("other", book.files, book.main).rules] == ["other"]
