"""Test files, read: what they may say, and what is said of those that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from writing import rule

from rules import Article, examples, trial
from rules.receivers import CAP, Receiver, Route
from rules.spec import Notes, Spec, read
from rules.trial import Case, Desk, Expected, Silence, Step, Story

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DESK = Receiver(id="desk", levels=("high",))
LIBRARY: trial.Library = {
    "one.txt": [Article(id="one.txt", title="T", body="saved")],
    "two.jsonl": [Article(id="a", body="first"), Article(id="b", body="second")],
    "gone.txt": "No such file",
}


def spec(text: str) -> Spec:
    found = read(dedent(text).encode(), "rules_test.yaml", Notes())
    assert found is not None
    return found


def suite(text: str) -> tuple[trial.Test, ...]:
    root = spec(text)
    found = trial.suite(root, ["flood", "talks"], desk=Desk(receivers=(DESK,)), library=LIBRARY)
    assert root.notes.problems == []
    return found


def case(keys: str) -> Case:
    (found,) = suite(f"tests: [{{rule: flood, {keys}}}]")
    assert isinstance(found, Case)
    return found


def story(text: str) -> Story:
    (found,) = suite(text)
    assert isinstance(found, Story)
    return found


def step(keys: str) -> Step:
    return story(f"tests: [{{rule: talks, articles: [{{at: 2026-07-01T12:00, text: x, {keys}}}]}}]").steps[0]


def problems(text: str) -> list[str]:
    root = spec(text)
    trial.suite(root, ["flood", "talks"], desk=Desk(receivers=(DESK,)), library=LIBRARY)
    return [str(one).removeprefix("rules_test.yaml:") for one in sorted(root.notes.problems)]


# One article


def test_an_article_must_match_unless_it_is_to_be_skipped() -> None:
    assert case("text: x").example.match
    assert case("text: x, skip: false").example.match
    assert not case("text: x, skip: true").example.match


def test_an_article_has_what_it_is_given() -> None:
    found = case("name: n, id: i, title: t, text: b, source: s, url: u, language: en, tags: [a, b], published: 2026-07-01")
    assert found.name == "n"
    assert found.example.article == Article(
        id="i",
        title="t",
        body="b",
        source="s",
        url="u",
        language="en",
        tags=("a", "b"),
        published=datetime(2026, 7, 1, tzinfo=UTC),
    )


def test_when_it_is_first_seen_can_be_said() -> None:
    assert case("text: x, at: '2026-07-01T14:00:00+02:00'").example.article.seen == NOON


def test_a_test_without_a_name_goes_by_its_line() -> None:
    assert (case("text: x").name, case("text: x").line) == ("line 1", 1)


def test_expected_values_are_texts_or_nothing() -> None:
    assert case("text: x, expect: {ordinal: 2, place: null}").example.expects == {"ordinal": "2", "place": None}


def test_a_saved_article_may_be_changed_in_part() -> None:
    assert case("file: one.txt").example.article == Article(id="one.txt", title="T", body="saved")
    assert case("file: one.txt, text: mine, source: s").example.article == Article(
        id="one.txt", title="T", body="mine", source="s"
    )
    assert case("file: two.jsonl, id: b").example.article.body == "second"


def test_the_files_that_are_named_are_known_beforehand() -> None:
    root = spec("tests: [{file: a}, {file: b}, {articles: [{file: c}, {file: a}, {text: x}]}, 5, {file: [d]}, {articles: e}]")
    assert trial.files(root) == ["a", "b", "c"]


# Several


def test_a_sequence_has_a_clock_of_its_own() -> None:
    found = story("""
        tests:
          - articles:
              - {text: a, published: 2026-07-01T12:00}
              - {text: b, at: +90m}
              - {text: c}
              - {text: d, at: 2026-07-02T12:00:00Z, published: 2026-06-01}
    """)
    assert [f"{one.at:%d %H:%M}" for one in found.steps] == ["01 12:00", "01 13:30", "01 13:30", "02 12:00"]
    assert [one.line for one in found.steps] == [4, 5, 6, 7]
    assert len({one.article.id for one in found.steps if one.article}) == 4


def test_an_alert_is_expected_by_rule_kind_title_and_values() -> None:
    assert step("expect: {kind: new, title: T, stance: open, place: null}").expects == (
        Expected(rule="talks", kind="new", title="T", values={"stance": "open", "place": None}),
    )
    assert step("expect: [{kind: new}, {kind: update}]").expects == (
        Expected(rule="talks", kind="new"),
        Expected(rule="talks", kind="update"),
    )


def test_without_a_rule_alerts_of_all_rules_count() -> None:
    found = story("tests: [{articles: [{at: 2026-07-01, text: x, expect: {rule: flood}}]}]")
    assert (found.rule, found.steps[0].expects) == (None, (Expected(rule="flood"),))


def test_nobody_and_anybody_are_not_the_same() -> None:
    assert step("told: []").told == ()
    assert step("not_told: desk").told is None
    assert step("told: desk").told == ("desk",)


def test_receivers_are_those_of_the_test_the_file_or_the_settings() -> None:
    text = "tests: [{{{} articles: [{{at: 2026-07-01, text: x, told: [{}]}}]}}]"
    assert story(text.format("", "desk")).receivers == (DESK,)
    night = Receiver(id="night", tags=("a",))
    assert story("receivers: [{id: night, tags: a}]\n" + text.format("", "night")).receivers == (night,)
    assert story(text.format("receivers: [{id: night, tags: a}],", "night")).receivers == (night,)


def test_what_tests_cover() -> None:
    assert trial.covered(case("text: x")) == ({"flood"}, set())
    assert trial.covered(case("text: x, skip: true")) == (set(), {"flood"})
    several = "{at: 2026-07-01, text: x, expect: {kind: new}}, {text: y, skip: true}"
    assert trial.covered(story(f"tests: [{{rule: talks, articles: [{several}]}}]")) == ({"talks"}, {"talks"})
    assert trial.covered(story(f"tests: [{{articles: [{several}]}}]")) == (set(), set())


# What cannot be used


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rule: x", "1:1: unknown key 'rule'; did you mean 'rules'? expected one of cap, receivers, routes, rules, tests"),
        ("rule: x", "1:1: 'tests' is missing: articles, and sequences of articles, with what must come of them"),
        ("tests: {}", "1:8: expected a list, found a mapping"),
        ("tests: [5]", "1:9: expected a mapping (key: value), found a number"),
        ("tests: [{text: x}]", "1:9: 'rule' is missing: the rule that is tested"),
        ("tests: [{rule: flod, text: x}]", "1:16: unknown rule 'flod'; did you mean 'flood'? expected one of flood, talks"),
        ("tests: [{rule: flood}]", "1:9: an article needs a text, a title or a file"),
        ("tests: [{rule: flood, text: x, skip: 1}]", "1:38: expected true or false, found 1"),
        ("tests: [{rule: flood, text: x, skip: true, expect: {a: b}}]", "1:44: an article to skip has no values to expect"),
        ("tests: [{rule: flood, text: x, expect: [a]}]", "1:40: expected a mapping (key: value), found a list"),
        ("tests: [{rule: flood, text: x, at: soon}]", "1:36: expected a date such as 2026-05-01 or 2026-05-01T12:00:00Z, found 'soon'"),
        ("tests: [{rule: flood, file: gone.txt}]", "1:29: cannot read 'gone.txt': No such file"),
        ("tests: [{rule: flood, file: other.txt}]", "1:29: cannot read 'other.txt': it was not read"),
        ("tests: [{rule: flood, file: [a]}]", "1:29: expected text, found a list"),
        ("tests: [{rule: flood, file: two.jsonl}]", "1:29: 2 articles are there: say which with id, such as a"),
        ("tests: [{rule: flood, file: two.jsonl, id: c}]", "1:29: no article there has the id 'c'; there are a, b"),
        ("receivers: [{levels: [hihg]}]\ntests: []", "1:13: 'id' is missing: what rules name under notify"),
        ("tests: [{articles: [{text: x}]}]", "1:21: say when the first article comes in, such as  at: 2026-07-01T10:00:00Z"),
        ("tests: [{articles: [{text: x, at: +2h}]}]", "1:35: say when the first article comes in, such as  at: 2026-07-01T10:00:00Z"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, problem: str) -> None:
    assert problem in problems(text)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("at: 2026-06-30", "it comes in before the one above it: put them in the order of time"),
        ("at: +2x", "expected a length of time such as 30s, 15m, 6h, 3d or 2w, found '2x'"),
        ("skip: true, expect: {kind: new}", "an article that raises no alert has none to expect"),
        (
            "expect: {kind: changed}",
            "expected one of cancelled, new, recovered, retracted, silent, update",
        ),
        ("expect: {rule: flood}", "this test is about the rule 'talks' only: take its 'rule' out to expect alerts of others"),
        ("expect: {rule: flod}", "unknown rule 'flod'; did you mean 'flood'? expected one of flood, talks"),
        ("told: [dsek]", "unknown receiver 'dsek'; did you mean 'desk'? expected one of desk"),
        ("not_told: night", "unknown receiver 'night'; expected one of desk"),
        ("why: {night: muted}", "unknown receiver 'night'; expected one of desk"),
        ("why: muted", "expected a mapping (key: value), found text"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(keys: str, problem: str) -> None:
    found = problems(f"tests: [{{rule: talks, articles: [{{at: 2026-07-01, text: x}}, {{text: y, {keys}}}]}}]")
    assert any(one.endswith(problem) for one in found)


# Silences, routes and the cap


def test_a_silence_is_a_step_of_its_own() -> None:
    text = "tests: [{articles: [{at: 2026-07-01, text: x}, {at: +1h, silence: {%s, until: +2h, reason: known}}, {at: +1h, text: y}]}]"
    first, silent, last = story(text % "rule: flood").steps
    assert first.article
    assert (silent.article, silent.at - first.at, last.at - silent.at) == (None, timedelta(hours=1), timedelta(hours=1))
    assert silent.silence == Silence(target="rule:flood", until=silent.at + timedelta(hours=2), reason="known")
    for said, target in (("source: paper", "source:paper"), ("article: 1", "article:1")):
        (found,) = [one.silence for one in story(text % said).steps if one.silence]
        assert found.target == target


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("silence: {rule: flod, until: +1h}", "unknown rule 'flod'; did you mean 'flood'? expected one of flood, talks"),
        ("silence: {until: +1h}", "say what is silenced: one of rule, source, article"),
        ("silence: {rule: flood, source: a, until: +1h}", "say what is silenced: one of rule, source, article"),
        ("silence: {rule: flood}", "'until' is missing: until when: a date and time, or +2h, after the step itself"),
        ("silence: {article: 2, until: +1h}", "there is no article 2 before it"),
        ("silence: {rule: flood, until: +1h}, told: desk", "unknown key of a silence 'told'; expected one of at, silence"),
        ("silence: flood", "expected a mapping (key: value), found text"),
    ],
)
def test_what_is_wrong_with_a_silence_is_said(keys: str, problem: str) -> None:
    found = problems(f"tests: [{{articles: [{{at: 2026-07-01, text: x}}, {{{keys}}}]}}]")
    assert any(one.endswith(problem) for one in found)


def test_routes_and_cap_are_those_of_the_test_the_file_or_the_settings() -> None:
    steps = "articles: [{at: 2026-07-01, text: x}]"
    assert (story(f"tests: [{{{steps}}}]").routes, story(f"tests: [{{{steps}}}]").cap) == ((), CAP)
    of_file = story(f"routes: [{{levels: low, to: desk}}]\ncap: 3\ntests: [{{{steps}}}]")
    assert (of_file.routes, of_file.cap) == ((Route(to=("desk",), levels=("low",)),), 3)
    of_test = story(f"routes: [{{to: desk}}]\ntests: [{{receivers: [{{id: night}}], cap: 0, {steps}}}]")
    assert (of_test.routes, of_test.cap) == ((), 0)
    assert "unknown receiver 'night'" in problems(f"tests: [{{routes: [{{to: night}}], {steps}}}]")[0]


def test_a_receiver_among_none_is_told_as_such() -> None:
    root = spec("tests: [{articles: [{at: 2026-07-01, text: x, told: [desk]}]}]")
    trial.suite(root, [])
    assert "there are no receivers" in str(root.notes.problems[0])


KEYS = sorted({**trial.FILE, **trial.STEP, **trial.STORY})
plain = st.recursive(
    st.sampled_from(["flood", "", "x", "+2h", "2026-07-01", "new", "desk", "one.txt"])
    | st.none()
    | st.booleans()
    | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(sorted(trial.FILE)), plain, max_size=3))
def test_anything_gives_tests_or_problems(value: dict[str, object]) -> None:
    root = spec(yaml.safe_dump(value))
    trial.files(root)
    assert trial.suite(root, ["flood"], library=LIBRARY) or root.notes.problems or not value.get("tests")


# What examples say of themselves

FLOOD = rule("{sentence: {all: [flood*, {capture: {who: [mayor, governor]}}]}}")
(RULE,) = FLOOD.rules


def failure(body: str, *, match: bool = True, **expects: str | None) -> str:
    return examples.failure(FLOOD, RULE, examples.Example(article=Article(id="a", body=body), match=match, expects=expects))


def test_what_is_as_expected_says_nothing() -> None:
    assert failure("The mayor saw a flood.") == ""
    assert failure("The mayor saw a flood.", who="mayor") == ""
    assert failure("The mayor saw a flood.", place=None) == ""
    assert failure("The mayor saw a bird.", match=False) == ""


def test_what_was_expected_and_what_was_found_are_said() -> None:
    assert (
        failure("The mayor saw a flood.", match=False) == "should be skipped, but matches: “The mayor saw a flood.” (who: mayor)"
    )
    assert failure("A bird.", who="mayor") == "should match, but does not (expected who: mayor)"
    assert failure("The mayor saw a flood.", who="governor", place="Bergen") == (
        "matches, but not as expected: who: expected governor, found mayor; place: expected Bergen, found nothing: "
        "“The mayor saw a flood.” (who: mayor)"
    )


def test_a_miss_leads_down_to_the_part_that_failed() -> None:
    ((_, clause),) = FLOOD.explain(Article(id="a", body="A quiet day. The mayor saw a bird."))
    lines = examples.nearest(clause)
    assert len(lines) == 2
    assert "1 of 2 hold" in lines[0]
    assert "The mayor saw a bird." in lines[0]
    assert "flood*" in lines[1]


def test_what_holds_has_no_miss() -> None:
    ((_, clause),) = FLOOD.explain(Article(id="a", body="The mayor saw a flood."))
    assert examples.nearest(clause) == []
