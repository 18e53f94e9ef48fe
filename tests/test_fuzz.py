"""Whatever comes in, what comes out is sound: broken documents of every kind, the same ones every time.

`benchmarks/fuzz.py` tries as many as one likes. Here are 20,000 of them, and parsers broken on purpose, which it has to notice.
"""

from __future__ import annotations

import base64
import json
import sys
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # they are scripts, and lend one another what they know

import fuzz  # type: ignore[import-not-found]  # noqa: E402
import fuzz_holds  # type: ignore[import-not-found]  # noqa: E402
import fuzz_made  # type: ignore[import-not-found]  # noqa: E402, TC002

from monitor import dates, feeds, hrefs, pages  # noqa: E402
from monitor.errors import Unreadable  # noqa: E402

CASES = {"feeds": 350, "html": 400, "listing": 600, "sitemaps": 700, "opml": 1_000, "robots": 700, "dates": 9_000, "urls": 6_000}
CASES["headers"] = 20_000 - sum(CASES.values())
PATIENT = float("inf")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("target", "cases"), CASES.items())
def test_nothing_unsound_comes_out(target: str, cases: int) -> None:
    run = fuzz.ran(target, 2026, range(cases), PATIENT)

    assert [(one.number, one.what) for one in run.found] == []
    assert run.cases == cases


def test_every_target_is_fuzzed_here_too() -> None:
    assert set(CASES) == set(fuzz_holds.TARGETS)


def test_the_same_seed_and_number_make_the_same_case() -> None:
    assert all(fuzz.case(target, 1, 7) == fuzz.case(target, 1, 7) for target in CASES)
    assert all(fuzz.case(target, 1, 7) != fuzz.case(target, 2, 7) for target in CASES)


def test_most_cases_are_broken_and_many_can_be_read() -> None:
    read = 0
    for number in range(60):
        one = fuzz.case("feeds", 2026, number)
        with suppress(Unreadable):
            read += bool(feeds.parse(one.body, source="s", url=one.url, headers={}).articles)

    assert 30 < read < 60


# Parsers broken on purpose.


def found(target: str, cases: int = 20) -> set[str]:
    return {one.what for one in fuzz.ran(target, 2026, range(cases), PATIENT).found}


def changed(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Feeds come with something else in their articles."""
    whole = feeds.parse

    def parse(*args: Any, **named: Any) -> feeds.Parsed:
        parsed = whole(*args, **named)
        return replace(parsed, articles=tuple(replace(one, **fields) for one in parsed.articles))

    monkeypatch.setattr(feeds, "parse", parse)


def test_a_parser_that_raises_on_a_rare_input_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feeds.parse

    def parse(body: bytes, **named: Any) -> feeds.Parsed:
        if body.startswith(b"\xef\xbb\xbf"):
            raise KeyError("bom")
        return whole(body, **named)

    monkeypatch.setattr(feeds, "parse", parse)

    assert found("feeds", 60) == {"KeyError: 'bom'"}


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"url": "javascript:alert(1)"}, "the link leads to javascript:"),
        ({"url": "https://user@news.example/"}, "the link has credentials"),
        ({"title": "two\nlines"}, "the title is not on one line"),
        ({"body": "\x1b[2J"}, "the body has '\\x1b' in it"),
        ({"summary": "\ud800"}, "the summary has '\\ud800' in it"),
        ({"id": "s#"}, "an article has no id"),
        ({"dating": "absent", "published": fuzz_holds.NOW}, "the date is absent, but there"),
        ({"published": fuzz_holds.NOW.replace(year=1970), "dating": "stated"}, "the date lies before 1990"),
        ({"published": fuzz_holds.NOW.replace(tzinfo=None), "dating": "stated"}, "the date is not in UTC"),
    ],
)
def test_an_article_that_is_not_sound_is_noticed(fields: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, **fields)

    assert what in found("feeds", 10)


def test_an_entry_that_comes_again_although_it_is_known_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feeds.parse
    monkeypatch.setattr(feeds, "parse", lambda body, **named: whole(body, **(named | {"known": frozenset()})))

    assert "what is known comes again" in found("feeds")


def test_a_page_wrongly_left_unread_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "read", lambda *_, **__: None)

    assert "a page on which the rules match is not read" in found("html", 60)


def test_a_page_whose_words_are_not_all_seen_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "visible", lambda *_: "nothing")

    assert any(one.startswith("its text has words that are not seen") for one in found("html", 20))


def test_a_guessed_date_and_an_open_scheme_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "read", lambda text: dates.Stated(fuzz_holds.NOW, "future" if "x" in text else "stated"))
    monkeypatch.setattr(hrefs, "absolute", lambda href, _base="": href)

    assert "only who knows the time knows the future" in found("dates")
    assert "the link leads to javascript:" in found("urls", 100)


def test_a_slow_case_is_noticed() -> None:
    run = fuzz.ran("dates", 2026, range(3), 0.0)

    assert {one.what for one in run.found} == {"took more than 0 s"}


def test_the_command_says_what_was_found_and_saves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_case: fuzz_made.Case) -> None:
        raise fuzz_holds.Broken("nothing holds")

    monkeypatch.setitem(fuzz_holds.TARGETS, "opml", replace(fuzz_holds.TARGETS["opml"], check=broken))
    runs = fuzz.together([fuzz.ran("opml", 1, [number], PATIENT) for number in range(3)])
    saved = tmp_path / "found"

    assert fuzz.ended([runs], str(saved)) == 1
    assert "3 × nothing holds   --seed 1 --case opml:0" in capsys.readouterr().out
    first = json.loads(saved.read_text().splitlines()[0])
    assert base64.b64decode(first["document"]) == fuzz.case("opml", 1, 0).body


def test_one_case_is_shown_and_read_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(Namespace(case="dates:3", seed=2026)) == 0
    assert repr(fuzz.case("dates", 2026, 3)) in capsys.readouterr().out


def test_cases_are_shared_out_among_the_targets_asked_for() -> None:
    assert fuzz.shares(1_000, ["feeds", "dates"]) == {"feeds": 375, "dates": 625}
    assert sum(fuzz.shares(1_000_000, list(CASES)).values()) == 1_000_000
