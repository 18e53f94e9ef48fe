"""Tests of rules, found and run: which files count, what a sequence sees, and what is said of a miss."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from monitor import config, junit
from monitor.app import shelf, trials
from monitor.errors import ConfigError
from rules import Article, Invalid, RuleSet, trial
from rules.receivers import Route
from rules.spec import Notes
from rules.trial import Case

if TYPE_CHECKING:
    from monitor.app.trials import Result
    from monitor.config import Config

RULES = """
lists:
  officials: {Dmitry Peskov: [Peskov]}
rules:
  - id: on-talks
    title: "{speaker} on talks: {stance}"
    level: high
    when: {statement: {by: $officials, about: [talks]}}
    once: {alike: 0.6, within: 3d, update_on: [stance]}
    examples:
      match: [Peskov said he was ready for talks.]
      skip: [Peskov said it would rain.]
  - id: flood
    level: low
    notify: [night]
    when: [flood]
  - id: fresh
    when: {all: [bulletin, {article: {younger_than: 1d}}]}
  - {id: idea, status: draft, when: [idea]}
  - {id: past, status: deprecated, when: [past], examples: {match: [nothing of it]}}
"""
SETTINGS = """
receivers:
  - {id: desk, webhook: 'https://h.example/', secret: {env: UNSET}, levels: [high]}
  - {id: night, webhook: 'https://h.example/', secret: {env: UNSET}, tags: [urgent]}
"""
OPEN = "Peskov said Moscow was ready for talks."
REJECTS = "Peskov said Moscow rejects talks."


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    (tmp_path / "rules.yaml").write_text(RULES)
    return config.parse(SETTINGS.encode(), tmp_path / "monitor.yaml", {})


def write(settings: Config, text: str, name: str = "rules_test.yaml") -> Path:
    path = settings.rules.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def run(settings: Config, text: str) -> list[Result]:
    """The results of the tests in one test file."""
    (found,) = await shelf.collect(settings, [write(settings, text)])
    return await trials.run(found, found.tests)


async def missed(settings: Config, text: str) -> list[str]:
    return [one.message for result in await run(settings, text) for one in result.missed]


def steps(*articles: str, rule: str = "on-talks") -> str:
    return f"tests:\n- rule: {rule}\n  articles:\n" + "".join(f"  - {{{one}}}\n" for one in articles)


FIRST = f"at: 2026-07-01T10:00, text: {OPEN}"

# One article


async def test_an_article_is_as_expected(settings: Config) -> None:
    text = f"tests: [{{rule: on-talks, text: {OPEN}, expect: {{stance: open}}}}, {{rule: flood, text: rain, skip: true}}]"
    assert await missed(settings, text) == []


async def test_a_miss_says_where_what_and_how_near(settings: Config) -> None:
    ((one,),) = [result.missed for result in await run(settings, "tests:\n- rule: on-talks\n  text: Peskov said it was late.\n")]
    assert (Path(one.file).name, one.line, one.message) == ("rules_test.yaml", 2, "should match, but does not")
    assert "talks" in one.near[0]


async def test_what_matches_and_should_not_is_shown(settings: Config) -> None:
    (found,) = await missed(settings, f"tests: [{{rule: on-talks, text: {OPEN}, skip: true}}]")
    assert found.startswith(f"should be skipped, but matches: “{OPEN}” (speaker: Dmitry Peskov")


async def test_a_test_is_about_its_rule_only(settings: Config) -> None:
    assert await missed(settings, f"tests: [{{rule: flood, text: {OPEN}, skip: true}}]") == []


async def test_the_time_of_first_sight_counts(settings: Config) -> None:
    old = "{rule: fresh, text: a bulletin, published: 2026-07-01, at: 2026-07-03, skip: true}"
    new = "{rule: fresh, text: a bulletin, published: 2026-07-01, at: 2026-07-01T01:00}"
    assert await missed(settings, f"tests: [{old}, {new}]") == []


async def test_saved_articles_are_read_from_beside_the_test_file(settings: Config) -> None:
    write(settings, f"A headline\n\nIt was a day in July. {OPEN}\n", "saved/a.txt")
    write(
        settings,
        f"<html><body><article><h1>T</h1><p>It was a day in July, all said.</p><p>{OPEN}</p></article></body></html>",
        "saved/b.html",
    )
    assert await missed(settings, "tests: [{rule: on-talks, file: saved/a.txt}, {rule: on-talks, file: saved/b.html}]") == []


async def test_saved_articles_that_cannot_be_read_are_problems_of_the_file(settings: Config) -> None:
    write(settings, "", "empty.txt")
    with pytest.raises(Invalid) as raised:
        await run(settings, "tests:\n- {rule: flood, file: gone.txt}\n- {rule: flood, file: empty.txt}\n")
    assert [str(one).partition("_test.yaml:")[2] for one in raised.value.problems] == [
        "2:23: cannot read 'gone.txt': No such file or directory",
        "3:23: cannot read 'empty.txt': empty",
    ]


async def test_a_deprecated_rule_is_not_asked(settings: Config) -> None:
    ((one,),) = [result.missed for result in await run(settings, "tests: [{rule: past, text: past}]")]
    assert one.near == ("the rule is deprecated: it is not asked any more",)


async def test_an_article_that_breaks_the_engine_fails_its_test_only(settings: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(kind: str) -> None:
        good = getattr(RuleSet, kind)

        def asked(self: RuleSet, article: Article, **how: Any) -> object:
            if "bug" in article.body:
                raise RuntimeError("no")
            return good(self, article, **how)

        monkeypatch.setattr(RuleSet, kind, asked)

    for kind in ("match", "attempt"):  # single articles are matched, those of a sequence attempted
        raising(kind)
    text = f"tests: [{{rule: flood, text: bug}}, {{rule: on-talks, text: {OPEN}}}]"
    assert await missed(settings, text) == ["breaks the engine: RuntimeError: no"]
    (found,) = await missed(settings, steps("at: 2026-07-01, text: bug", FIRST, rule="flood"))
    assert found.startswith("article 1: breaks the engine: ")


# Several


async def test_one_event_is_told_once_and_its_turn_as_an_update(settings: Config) -> None:
    text = steps(
        f"{FIRST}, expect: {{kind: new, title: Peskov on talks, stance: open}}, told: [desk], not_told: [night]",
        f"at: +2h, text: {OPEN} And more., skip: true, told: []",
        f"at: +1h, text: {REJECTS}, expect: {{kind: update, stance: rejects}}, told: desk",
        f"at: +10d, text: {OPEN}, expect: {{kind: new}}",
    )
    assert await missed(settings, text) == []


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            f"{FIRST}, skip: true",
            "should raise no alert, but raised an alert of on-talks (new, title: Dmitry Peskov on talks: open)",
        ),
        (
            f"{FIRST}, expect: {{kind: update, stance: rejects, place: null}}",
            (
                "expected an alert of on-talks (update, stance: rejects, place: nothing); "
                "found an alert of on-talks (new, title: Dmitry Peskov on talks: open, stance: open, place: nothing)"
            ),
        ),
        (
            f"{FIRST}, expect: {{title: Lavrov}}",
            "expected an alert of on-talks (title: …Lavrov…); found an alert of on-talks (new, title: Dmitry Peskov on talks: open)",
        ),
        ("at: 2026-07-01, text: rain, expect: {kind: new}", "expected an alert of on-talks (new); found none"),
        (f"{FIRST}, told: [night]", "expected night to be told; told: desk"),
        (f"{FIRST}, not_told: [desk]", "expected desk not to be told; told: desk"),
        (f"{FIRST}, told: []", "expected that nobody is told; told: desk"),
        ("at: 2026-07-01, text: rain, told: desk", "expected desk to be told; told: nobody"),
    ],
)
async def test_what_was_expected_of_a_step_and_what_came_are_said(settings: Config, step: str, message: str) -> None:
    assert await missed(settings, steps(step)) == [f"article 1: {message}"]


async def test_a_rule_that_matches_and_tells_nothing_new_is_said_so(settings: Config) -> None:
    results = await run(settings, steps(FIRST, f"at: +1h, text: {OPEN} And more., expect: {{kind: new}}"))
    (one,) = results[0].missed
    assert one.message == "article 2: expected an alert of on-talks (new); found none"
    assert one.line == 5
    assert "belongs to an event of an article before" in one.near[0]


async def test_the_example_in_the_manual_works(settings: Config) -> None:
    """What the module says of the format, run with a rule such as it speaks of."""
    write(settings, RULES.replace("id: on-talks", "id: on-talks\n    tags: [diplomacy]"), "rules.yaml")
    write(settings, "The harvest\n\nPeskov said that the harvest had been good.\n", "articles/harvest.txt")
    manual = (trial.__doc__ or "").partition("\n\n")[2].partition("\n\nAn article has")[0]
    results = await run(settings, textwrap.dedent(manual))
    assert [one.missed for one in results] == [(), (), ()]


async def test_an_edit_is_the_same_article_again(settings: Config) -> None:
    same = f"at: +1h, id: a, text: {OPEN}, skip: true"
    edit = f"at: +1h, id: a, text: {OPEN} {REJECTS}, expect: {{kind: update, stance: rejects}}"
    assert await missed(settings, steps(f"{FIRST}, id: a, expect: {{kind: new}}", same, edit)) == []


async def test_who_is_told_follows_the_rule_and_the_receivers(settings: Config) -> None:
    text = "tests: [{articles: [{at: 2026-07-01, text: A flood and an idea., expect: [{rule: flood}, {rule: idea}], told: night, not_told: desk}]}]"
    assert await missed(settings, text) == []
    own = "receivers: [{id: all}, {id: none, levels: low}]\n" + steps(f"{FIRST}, told: all, not_told: none")
    assert await missed(settings, own) == []


# When, and why not


DESK = """
receivers:
  - {id: desk, levels: [high]}
  - {id: night, timezone: Europe/Berlin, mute: [{from: "22:00", to: "06:00", except: [critical]}]}
  - {id: morning, digest: {at: "07:00"}}
  - {id: chief, kinds: [update]}
"""
LATE = f"at: 2026-07-01T21:00Z, text: {OPEN}"


async def test_who_is_muted_waits_or_takes_something_else_is_not_told_and_it_is_said_why(settings: Config) -> None:
    why = (
        "why: {night: 'muted until 2026-07-02 06:00 Europe/Berlin', "
        "morning: waits for the digest at 2026-07-02 07:00, chief: not new, desk: takes level}"
    )
    text = DESK + steps(f"{LATE}, told: [desk], not_told: [night, morning, chief], {why}")
    assert await missed(settings, text) == []


async def test_a_reason_that_is_another_is_shown(settings: Config) -> None:
    text = DESK + steps(
        f"{LATE}, why: {{desk: muted, chief: takes only kind}}, told: [night]", "at: +1h, text: x, why: {desk: a}"
    )
    results = await run(settings, text)
    told, why, none = results[0].missed
    assert told.message == "article 1: expected night to be told; told: desk"
    assert told.near == ("night: later, muted until 2026-07-02 06:00 Europe/Berlin",)
    assert why.message == "article 1: expected of desk: …muted…; found desk: told, takes level high"
    assert none.message == "article 2: expected of desk: …a…; found no alert"


@pytest.mark.parametrize("target", ["rule: on-talks", "source: paper", "article: 1"])
async def test_what_is_silenced_is_recorded_and_told_to_nobody_until_its_time(settings: Config, target: str) -> None:
    text = steps(
        f"{FIRST}, source: paper, told: [desk]",
        f"at: +1h, silence: {{{target}, until: +3h, reason: known exercise}}",
        f"at: +1h, text: {REJECTS}, source: paper, expect: {{kind: update}}, told: [], why: {{desk: 'silenced until 14:00 UTC: known exercise'}}",
        f"at: +2h, text: {OPEN} Again., source: paper, expect: {{kind: update}}, told: desk",
    )
    assert await missed(settings, text) == []


async def test_beyond_the_cap_an_alert_waits_for_the_end_of_the_hour(settings: Config) -> None:
    def flood(minutes: int, expected: str) -> str:
        return f"at: 2026-07-01T10:{minutes:02}Z, text: 'A flood: {chr(97 + minutes) * 9} {chr(98 + minutes) * 8}.', {expected}"

    write(settings, RULES.replace("when: [flood]", "when: [flood]\n    once: {alike: 1.0}"), "rules.yaml")
    third = "told: [], why: {night: 'more than 2 alerts of flood in an hour: together at its end'}"
    own = "cap: 2\nreceivers: [{id: night}]\n"
    text = own + steps(flood(0, "told: night"), flood(5, "told: night"), flood(9, third), rule="flood")
    assert await missed(settings, text) == []
    assert len(await missed(settings, text.replace("cap: 2", "cap: 0"))) == 2
    hour_later = text.replace("10:09", "11:09")
    assert "expected that nobody is told; told: night" in (await missed(settings, hour_later))[0]


async def test_routes_are_those_of_the_settings_unless_a_file_has_its_own(settings: Config) -> None:
    routed = replace(settings, routes=(Route(to=("night",), levels=("high",)),))
    text = steps(f"{FIRST}, told: [], why: {{desk: routed to night, night: takes only tag urgent}}")
    assert await missed(routed, text) == []
    assert (
        await missed(
            routed, "routes: []\n" + text.replace("told: [], why: {desk: routed to night", "told: desk, why: {desk: takes level")
        )
        == []
    )


async def test_a_draft_tells_nobody(settings: Config) -> None:
    text = steps("at: 2026-07-01, text: an idea, expect: {kind: new}, told: desk", rule="idea")
    assert await missed(settings, text) == ["article 1: expected desk to be told; told: nobody (a draft tells nobody)"]


async def test_alerts_of_other_rules_count_only_where_no_rule_is_named(settings: Config) -> None:
    assert await missed(settings, steps("at: 2026-07-01, text: a flood, skip: true")) == []
    (found,) = await missed(settings, "tests: [{articles: [{at: 2026-07-01, text: a flood, skip: true}]}]")
    assert "raised an alert of flood" in found


async def test_tests_do_not_see_one_another(settings: Config) -> None:
    one = steps(f"{FIRST}, expect: {{kind: new}}")
    assert await missed(settings, one + one.removeprefix("tests:\n")) == []


# Finding


async def names(settings: Config, *paths: Path) -> list[str]:
    return [test.name for one in await shelf.collect(settings, paths) for test in one.tests]


@pytest.fixture
def several(settings: Config) -> Config:
    """Rules that include others, and test files beside both and beside rules of their own."""
    write(settings, "include: topics/sea.yaml\n" + RULES, "rules.yaml")
    write(settings, "rules: [{id: sea, when: [$officials], examples: {skip: [calm]}}]", "topics/sea.yaml")
    write(settings, "tests: [{name: of rules, rule: sea, text: Peskov}]")
    write(settings, "tests: [{name: of sea, rule: sea, text: Peskov}]", "topics/sea_test.yaml")
    write(settings, "rules: ../rules.yaml\ntests: [{name: beside sea, rule: flood, text: flood}]", "topics/more_test.yaml")
    write(settings, "rules: [{id: lone, when: [a], examples: {match: [a]}}]", "lone.yml")
    write(settings, "tests: [{name: of lone, rule: lone, text: a}]", "lone_test.yml")
    return settings


OWN = ["match 1: Peskov said he was ready for talks.", "skip 1: Peskov said it would rain."]
SEA = "skip 1: calm"


async def test_without_files_all_rules_and_all_test_files_beside_them_are_tested(several: Config) -> None:
    assert sorted(await names(several)) == sorted([*OWN, SEA, "of rules", "of sea", "beside sea", "of lone"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rules.yaml", [*OWN, SEA, "of rules", "of sea", "beside sea"]),
        ("rules_test.yaml", ["of rules"]),
        ("topics/sea.yaml", [SEA, "of sea"]),
        ("topics/sea_test.yaml", ["of sea"]),
        ("topics", [SEA, "of sea", "beside sea"]),
        ("lone.yml", ["match 1: a", "of lone"]),
        (".", [*OWN, SEA, "of rules", "of sea", "beside sea", "match 1: a", "of lone"]),
    ],
)
async def test_files_and_folders_choose(several: Config, path: str, expected: list[str]) -> None:
    assert sorted(await names(several, several.rules.parent / path)) == sorted(expected)


async def test_nothing_is_run_twice(several: Config) -> None:
    folder = several.rules.parent
    found = await names(several, folder, folder / "rules.yaml", folder / "topics", folder / "rules_test.yaml")
    assert len(found) == len(set(found)) == 8


async def test_other_files_can_be_tested_while_the_rules_are_broken(several: Config) -> None:
    write(several, "rules: {", "rules.yaml")
    assert await names(several, several.rules.with_name("lone.yml")) == ["match 1: a", "of lone"]
    with pytest.raises(Invalid):
        await names(several)


async def test_files_included_by_others_that_were_named_belong_to_them(several: Config) -> None:
    elsewhere = replace(several, rules=several.rules.with_name("gone.yaml"))
    folder = several.rules.parent
    assert "of sea" in await names(elsewhere, folder / "rules.yaml", folder / "topics" / "sea.yaml")


async def test_problems_of_all_test_files_are_told_at_once(several: Config) -> None:
    write(several, "tests: [{rule: nix, text: a}]")
    write(several, "rules: gone.yaml\ntests: []", "topics/sea_test.yaml")
    with pytest.raises(Invalid) as raised:
        await names(several)
    problems = str(raised.value)
    assert "rules_test.yaml:1:16: unknown rule 'nix'" in problems
    assert "sea_test.yaml:1:8: " in problems
    assert "gone.yaml is not there" in problems


async def test_what_is_not_there_is_said(several: Config) -> None:
    empty = several.rules.parent / "empty"
    empty.mkdir()
    for path in (several.rules.with_name("gone.yaml"), several.rules.with_name("gone_test.yaml"), empty):
        with pytest.raises(ConfigError):
            await names(several, path)


async def test_a_test_file_of_its_own_name_goes_before_rules_yaml(several: Config) -> None:
    root = shelf.read_file(several.rules.with_name("lone_test.yml"), Notes())
    assert shelf.target(several.rules.with_name("lone_test.yml"), root, several).name == "lone.yml"
    assert shelf.target(several.rules.with_name("other_test.yaml"), root, several).name == "rules.yaml"
    nowhere = several.rules.parent / "nowhere" / "other_test.yaml"
    assert shelf.target(nowhere, root, several) == several.rules


# Coverage


async def test_coverage_counts_what_must_match_and_what_must_not(settings: Config) -> None:
    write(settings, "tests: [{rule: flood, text: flood}, {rule: on-talks, text: a, skip: true}]")
    (found,) = await shelf.collect(settings, [])
    counted = {one.rule.id: (one.match, one.skip, one.lacks) for one in trials.coverage(found)}
    assert counted == {
        "on-talks": (1, 2, ""),
        "flood": (1, 0, "skip"),
        "fresh": (0, 0, "match or skip"),
        "idea": (0, 0, "match or skip"),
    }


async def test_of_a_test_file_only_the_rules_it_names_are_measured(settings: Config) -> None:
    (found,) = await shelf.collect(settings, [write(settings, f"tests: [{{rule: on-talks, text: {OPEN}}}]")])
    assert [(one.rule.id, one.match, one.skip) for one in trials.coverage(found)] == [("on-talks", 2, 1)]
    assert all(isinstance(one, Case) for one in found.tests)


# JUnit


def test_junit_is_well_formed_whatever_the_text() -> None:
    rows = [
        junit.Row(rule="a", name="good", file="a.yaml", line=1),
        junit.Row(rule="a", name='<&"\x00\x1b\ud800', file="a.yaml", line=2, wrong=["one <b>\nmore", "two \x07"]),
        junit.Row(rule="", name="n", file="b.yaml", line=3),
    ]
    root = ET.fromstring(junit.render(rows))
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    assert [(one.get("name"), one.get("tests"), one.get("failures")) for one in root] == [
        ("a.yaml", "2", "1"),
        ("b.yaml", "1", "0"),
    ]
    (failure,) = root.iter("failure")
    assert (failure.get("message"), failure.text) == ("one <b>", "one <b>\nmore\ntwo ")
    assert [one.get("line") for one in root.iter("testcase")] == ["1", "2", "3"]
