"""Why a rule fires or does not, what it means, and what is wrong with it: explain, rules, check, schema."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rules import schema

if TYPE_CHECKING:
    from conftest import Desk, Newsroom, Settings

pytestmark = pytest.mark.usefixtures("unlogged")

FLOODS = """
lists:
  river: [the Varn, river]
  officials: {Ada Holm: [Holm]}
rules:
  - id: flood
    title: Flood warning
    level: high
    tags: [weather]
    owner: the weather desk
    references: [https://example.org/floods]
    description: Rivers that burst their banks.
    when:
      sentence:
        all: [$river, [flood*, high water]]
        none: [drill]
    labels: {toll: {deaths: [dead, killed]}}
    once: {alike: 0.5, within: 2d}
    notify: [desk]
    examples:
      match: [The Varn flooded the market.]
      skip: [A drill.]
  - id: holm
    status: draft
    when: {statement: {by: $officials, about: $river}}
"""

WET = "A wet week\n\nThe shops stayed open. The Varn flooded the market on Monday.\n"
DRY = "A dry week\n\nThe Varn is low. A flood of letters came. Ada Holm spoke to reporters: she said the harvest was good.\n"

Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(FLOODS)
    (tmp_path / "wet.txt").write_text(WET)
    (tmp_path / "dry.txt").write_text(DRY)
    return tmp_path


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def squeezed(out: str) -> str:
    """What was said, wherever its lines were broken."""
    return " ".join(out.split())


# explain


def test_a_match_is_told_with_the_words_that_did_it_and_its_findings(do: Do) -> None:
    code, out, err = do("explain", "wet.txt", "--rule", "flood")
    assert (code, err) == (0, "")
    assert "✓ flood matches" in out
    assert "✓ it says one of $river\n              “The Varn”" in out
    assert '✓ it says "flood*" or "high water"\n              “flooded”' in out
    assert "> «The Varn» «flooded» the market on Monday." in out


def test_a_miss_is_told_with_the_clause_that_failed_and_how_near_it_was(do: Do) -> None:
    code, out, _ = do("explain", "dry.txt", "--rule", "flood")
    assert code == 0
    assert "✗ flood does not match, but comes 75% of the way" in out
    assert "✗ in one sentence, 1 of 2 hold, 2 are needed; nearest: “The Varn is low.”" in out
    assert '✗ it says "flood*" or "high water"\n              not there' in out


def test_rules_that_match_come_first_then_those_that_came_nearest(do: Do) -> None:
    _, out, _ = do("explain", "wet.txt")
    assert out.index("✓ flood") < out.index("✗ holm (a draft)")
    _, out, _ = do("explain", "dry.txt")
    assert out.index("✗ flood does") < out.index("✗ holm")
    assert "Ada Holm speaks, but not on the topic" in out


def test_for_programs_the_clauses_are_a_tree(do: Do) -> None:
    code, out, _ = do("explain", "dry.txt", "--json", "--rule", "flood")
    (told,) = values(out)
    assert (code, told["article"], told["rule"], told["matches"], told["findings"]) == (0, "dry.txt", "flood", False, [])
    held, failed = told["clause"]["parts"][0]["parts"]
    assert held["hits"] == [{"field": "body", "start": 0, "end": 8, "text": "The Varn"}]
    assert (failed["holds"], failed["why"], failed["near"]) == (False, "not there", 0.0)
    assert told["missing"][-1] == 'it says "flood*" or "high water": not there'


def test_a_text_can_be_piped_in(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WET.encode())))
    assert "✓ flood matches" in do("explain", "-")[1]


def test_an_article_can_be_piped_in_as_match_prints_it(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    _, printed, _ = do("match", "wet.txt", "--articles")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(printed.encode())))
    (told,) = values(do("explain", "-", "--json", "--rule", "flood")[1])
    assert (told["article"], told["matches"]) == ("wet.txt", True)


def test_of_a_file_with_several_articles_one_is_chosen(do: Do, here: Path) -> None:
    lines = [{"id": "a", "text": "Nothing."}, {"id": "b", "text": "The Varn flooded the market."}]
    (here / "many.jsonl").write_text("\n".join(map(json.dumps, lines)))
    code, _, err = do("explain", "many.jsonl")
    assert code == 2
    assert "--article" in err
    assert "✓ flood matches" in do("explain", "many.jsonl", "--article", "b")[1]


def test_a_draft_of_another_file_may_use_the_lists_of_the_rules(do: Do, here: Path) -> None:
    (here / "draft.yaml").write_text("rules: [{id: flood, when: {title: wet, any: $river}}]")
    code, out, err = do("explain", "wet.txt", "--with", "draft.yaml")
    assert (code, err) == (0, "")
    assert "✓ flood matches" in out
    assert "holm" not in out


def test_a_draft_goes_before_the_rules_where_both_have_a_list(do: Do, here: Path) -> None:
    (here / "draft.yaml").write_text("lists: {river: [shops]}\nrules: [{id: new, when: $river}]")
    assert "“shops”" in do("explain", "wet.txt", "--with", "draft.yaml")[1]


def test_a_draft_by_itself_needs_no_other_rules(do: Do, here: Path) -> None:
    (here / "draft.yaml").write_text("rules: [{id: new, when: shops}]")
    (here / "rules.yaml").unlink()
    assert "✓ new matches" in do("explain", "wet.txt", "--with", "draft.yaml")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.txt",), "gone.txt: No such file or directory"),
        (("wet.txt", "--rule", "fluud"), "no rule 'fluud'; it has flood, holm"),
        (("wet.txt", "--with", "gone.yaml"), "gone.yaml: No such file or directory"),
        (("alt_0123",), "is not there yet"),
        (("http://127.0.0.1:9/secret",), "127.0.0.1"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_line(do: Do, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = do("explain", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_deprecated_rule_is_explained_and_not_asked(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules: [{id: old, status: deprecated, when: shops}]")
    _, out, _ = do("explain", "wet.txt")
    assert "✗ old does not match\n    the rule is deprecated, so it is not asked\n  ✓ it says" in out


def test_what_an_article_says_cannot_steer_the_terminal(do: Do, here: Path) -> None:
    (here / "evil.txt").write_text("The Varn\x1b[2J is \u202elow.\n")
    _, out, _ = do("explain", "evil.txt")
    assert not {"\x1b", "\u202e"} & set(out)


async def test_a_web_page_is_fetched_and_read_as_the_daemon_does(desk: Desk, newsroom: Newsroom, settings: Settings) -> None:
    newsroom.publish("one", "A wet week", "", "The shops stayed open, said the mayor.\n\nThe Varn flooded the market on Monday.")
    desk.write(settings(receiver=False), FLOODS)
    code, out, err = await desk.command("explain", f"{newsroom.url}/page/one", "--rule", "flood")
    assert code == 0, err
    assert "✓ flood matches" in out
    assert "Home" not in out


async def test_a_private_address_is_refused_unless_the_settings_allow_it(
    desk: Desk, newsroom: Newsroom, settings: Settings
) -> None:
    newsroom.publish("one", "A wet week", "", "The Varn flooded the market on Monday.")
    desk.write(settings(receiver=False).partition("settings:")[0], FLOODS)
    code, out, err = await desk.command("explain", f"{newsroom.url}/page/one")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert newsroom.asked == []


# rules


def test_rules_are_listed_with_who_is_told_and_how_many_examples_they_have(do: Do) -> None:
    code, out, _ = do("rules", "list")
    heading, flood, holm, count = out.splitlines()
    assert (code, count) == (0, "2 rules")
    assert heading.split() == ["ID", "LEVEL", "STATUS", "TAGS", "TELLS", "EXAMPLES"]
    assert flood.split() == ["flood", "high", "active", "weather", "terminal", "+1", "-1"]
    assert holm.split() == ["holm", "medium", "draft", "-", "nobody", "+0", "-0"]


def test_for_programs_each_rule_is_a_line(do: Do) -> None:
    flood, holm = values(do("rules", "list", "--json")[1])
    assert (flood["id"], flood["line"], flood["tells"], flood["examples"]) == ("flood", 6, ["terminal"], {"match": 1, "skip": 1})
    assert (holm["status"], holm["tells"]) == ("draft", [])


def test_receivers_are_told_as_the_settings_say(do: Do, here: Path) -> None:
    receiver = "{{id: {id}, webhook: 'https://example.org/', secret: {{env: NONE}}{more}}}"
    listed = [receiver.format(id="desk", more=""), receiver.format(id="night", more=", levels: [critical]")]
    (here / "monitor.yaml").write_text(f"receivers: [{', '.join(listed)}]")
    (here / "rules.yaml").write_text(
        "rules: [{id: a, when: x1, notify: [night]}, {id: b, when: x1}, {id: c, when: x1, level: critical}]"
    )
    assert [one["tells"] for one in values(do("rules", "list", "--json")[1])] == [["night"], ["desk"], ["desk", "night"]]


def test_a_rule_is_read_back_in_plain_english(do: Do) -> None:
    code, out, _ = do("rules", "show", "flood")
    said = squeezed(out)
    assert code == 0
    assert "Rivers that burst their banks." in said
    assert "Fires when in one sentence, both of these hold: - both of these hold: - it says" in said
    assert "it says one of $river" in said
    assert 'it does not say "drill"' in said
    assert "$river: the Varn; river" in said
    assert "what they say is at least 50% alike, and no more than 2 days lie between them" in said
    assert 'The label toll is deaths where it says "dead" or "killed".' in said
    assert "Its level is high, tagged weather. the weather desk answers for it." in said
    assert "1 article that it must match, 1 that it must skip" in said
    assert "See https://example.org/floods" in said


def test_lists_are_shortened_unless_all_of_them_is_asked_for(do: Do, here: Path) -> None:
    words = ", ".join(f"word{n}" for n in range(20))
    (here / "rules.yaml").write_text(f"lists: {{w: [{words}]}}\nrules: [{{id: it, when: $w}}]")
    assert "… and 12 more" in do("rules", "show", "it")[1]
    full = do("rules", "show", "it", "--full")[1]
    assert "word19" in full
    assert "and 12 more" not in full
    (read,) = values(do("rules", "show", "it", "--json")[1])
    assert (len(read["lists"]["w"]), read["fires"]) == (20, "Fires when it says one of $w.")


def test_a_rule_that_is_not_there_is_said_with_those_that_are(do: Do) -> None:
    code, out, err = do("rules", "show", "fluud")
    assert (code, out) == (2, "")
    assert "flood, holm" in err


# check


def test_everything_wrong_is_named_at_once_with_its_place_and_severity(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text(
        "lists: {idle: [a1]}\nrules:\n  - {id: It, when: {wrods: [a1]}, level: huge}\n  - {id: b, when: the}\n"
    )
    code, out, err = do("check")
    lines = out.splitlines()
    assert (code, err) == (1, "")
    assert any(line.startswith("rules.yaml:3:10: error: an id is made of small letters") for line in lines)
    assert any(line.startswith("rules.yaml:3:21: error: unknown condition 'wrods'") for line in lines)
    assert any(line.startswith("rules.yaml:3:42: error: unknown value 'huge'") for line in lines)
    assert "rules.yaml:1:9: warning: no rule uses the list 'idle'" in lines
    assert "rules.yaml:4:19: warning: “the” stands in nearly every article (capitals make no difference here)" in lines
    assert lines[-1].startswith("2 rules in 1 file: 3 errors, 4 warnings")


def test_warnings_alone_are_no_failure(do: Do) -> None:
    code, out, _ = do("check")
    assert code == 0
    assert "rules.yaml:23:5: warning: 'holm' has no example of an article that it must match and none that it must skip" in out
    assert "rules.yaml:24:5: hint: 'holm' is a draft" in out


def test_rules_without_anything_to_mend_say_so(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules: [{id: a, when: flood, examples: {match: [a flood], skip: [no]}}]")
    assert do("check") == (0, "1 rule in 1 file: nothing to mend\n", "")


def test_a_file_that_cannot_be_read_is_a_usage_error(do: Do) -> None:
    code, out, err = do("check", "gone.yaml")
    assert (code, out) == (2, "")
    assert "gone.yaml: No such file or directory" in err


def test_for_programs_each_problem_is_a_line(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("rules: []\nrulez: []\n")
    code, out, _ = do("check", "--json")
    (one,) = values(out)
    assert code == 1
    assert {**one, "message": ""} == {"file": "rules.yaml", "line": 2, "column": 1, "severity": "error", "message": ""}


def test_included_files_are_checked_with_the_one_that_includes_them_and_once(do: Do, here: Path) -> None:
    (here / "rules.yaml").write_text("include: [more.yaml, gone.yaml]\nlists: {w: [flood]}\n")
    (here / "more.yaml").write_text("rules: [{id: a, when: {all: [$w, $x]}}]")
    code, out, _ = do("check", "more.yaml", "rules.yaml", "rules.yaml")
    assert code == 1
    assert out.count("unknown list 'x'") == 1
    assert "unknown list 'w'" not in out
    assert "rules.yaml:1:22: error: cannot read gone.yaml" in out


def test_settings_are_checked_with_the_rules_that_they_name(do: Do, here: Path) -> None:
    (here / "monitor.yaml").write_text("sauces: []\n")
    code, out, _ = do("check")
    assert code == 1
    assert out.startswith("monitor.yaml:1:1: error: unknown key 'sauces'")
    assert "'holm' is a draft" in out


def test_a_receiver_that_is_not_there_is_an_error_where_there_are_others(do: Do, here: Path) -> None:
    assert "receiver" not in do("check")[1]
    (here / "monitor.yaml").write_text("receivers: [{id: night, webhook: 'https://example.org/', secret: {env: NONE}}]")
    code, out, _ = do("check")
    assert code == 1
    assert "rules.yaml:19:14: error: unknown receiver 'desk'; expected one of night" in out


def test_tests_beside_the_rules_count_as_examples(do: Do, here: Path) -> None:
    test = "tests: [{rule: holm, text: Ada Holm said the Varn was low.}, {rule: holm, text: a, skip: true}]"
    (here / "rules_test.yaml").write_text(test)
    assert "no example" not in do("check")[1]
    (here / "rules_test.yaml").write_text(test.replace("skip", "skipp"))
    code, out, _ = do("check")
    assert code == 1
    assert "rules_test.yaml:1:" in out


def test_whatever_bytes_a_file_holds_check_says_what_is_wrong(do: Do, here: Path) -> None:
    for data in (b"\x00", b"\xff\xfe", b"[" * 10_000, b"a: &a [*a]", b"", b"- - -\n\t"):
        (here / "rules.yaml").write_bytes(data)
        code, out, err = do("check")
        assert (code, err) == (1, "")
        assert ": error: " in out


# schema


def test_the_schema_is_printed_as_json(do: Do) -> None:
    code, out, _ = do("schema")
    assert (code, json.loads(out)) == (0, schema())
