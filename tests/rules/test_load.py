from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import article, load, loaded_or_not, wrong

import rules
from rules import Invalid, Limits, RuleSet
from rules.rule import Frequency, Sources, Spike

GOOD = """
lists:
  talks: [talks, ceasefire]
  who: {Dmitry Peskov: [Peskov]}
rules:
  - id: one
    title: Talks
    when: {statement: {by: $who, about: $talks}}
    examples: {match: ["Peskov said the talks go on."]}
"""


def test_a_rule_has_what_was_written_and_else_the_defaults() -> None:
    (one,) = load(GOOD).rules
    assert (one.id, one.title, one.level, one.status, one.notify, one.tags) == ("one", "Talks", "medium", "active", None, ())
    (two,) = load("rules: [{id: two, when: war, level: high, tags: [a, b], notify: desk, once: {per: place, within: 2d}}]").rules
    assert (two.title, two.level, two.tags, two.notify, two.once.per, two.once.within.days) == (
        "two",
        "high",
        ("a", "b"),
        ("desk",),
        ("place",),
        2,
    )


def test_what_is_asked_of_several_matches_is_read() -> None:
    (one,) = load(
        """
        rules:
          - id: one
            when: {statement: {by: any}}
            frequency: {at_least: 5, within: 1h, per: speaker}
            spike: {times: 2.5, within: 6h, against: 2w}
            silence: 24h
            sources: {min_independent: 2, single_source_level: low}
        """
    ).rules
    assert one.frequency == Frequency(at_least=5, within=timedelta(hours=1), per=("speaker",))
    assert one.spike == Spike(times=2.5, within=timedelta(hours=6), against=timedelta(weeks=2), at_least=3)
    assert one.silence == timedelta(days=1)
    assert one.sources == Sources(min_independent=2, single_source_level="low")


def test_most_rules_ask_for_one_match() -> None:
    (one,) = load(GOOD).rules
    assert (one.frequency, one.spike, one.silence, one.sources) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ruls: []", "rules.yaml:1:1: unknown key 'ruls'; did you mean 'rules'? expected one of include, lists, rules"),
        ("rules: [{id: a, wen: x, when: y}]", "rules.yaml:1:17: unknown key 'wen'; did you mean 'when'?"),
        ("rules: [{id: a, when: {wrods: x}}]", "rules.yaml:1:24: unknown condition 'wrods'; expected one of all, any,"),
        ("rules: [{id: a, when: {statment: x}}]", "rules.yaml:1:24: unknown condition 'statment'; did you mean 'statement'?"),
        ("rules: [{id: a, when: $tlaks}]\nlists: {talks: [x]}", "rules.yaml:1:23: unknown list 'tlaks'; did you mean 'talks'?"),
        ("rules: [{id: a, when: $talks}]", "rules.yaml:1:23: unknown list 'talks'; no lists are defined"),
        ("rules: [{when: x}]", "rules.yaml:1:9: 'id' is missing: a short name such as summit-announced"),
        ("rules: [{id: a}]", "rules.yaml:1:9: 'when' is missing: the condition under which it fires"),
        ("rules: [{id: A b, when: x}]", "rules.yaml:1:14: an id is made of small letters, digits, - and _, at most 64 of them"),
        ("rules: [{id: a, when: {}}]", "rules.yaml:1:23: a condition is missing here"),
        (
            "rules: [{id: a, when: x, level: hihg}]",
            "rules.yaml:1:33: unknown value 'hihg'; did you mean 'high'? expected one of critical, high, low, medium",
        ),
        (
            "rules: [{id: a, when: x, once: {within: 3d}}]",
            "rules.yaml:1:32: say what makes it the same event: per: [place, date], alike: 0.6, or both",
        ),
        ("rules: [{id: a, when: x, once: {alike: 6}}]", "rules.yaml:1:40: expected a number from 0 to 1, found 6"),
        ("rules: [{id: a, when: x, frequency: 5}]", "rules.yaml:1:37: expected a mapping (key: value), found a number"),
        ("rules: [{id: a, when: x, frequency: {within: 1h}}]", "rules.yaml:1:37: 'at_least' is missing: how many articles"),
        (
            "rules: [{id: a, when: x, frequency: {at_least: 1, within: 1h}}]",
            "rules.yaml:1:48: one match is enough without it: write 2 or more, or leave it out",
        ),
        (
            "rules: [{id: a, when: x, frequency: {at_least: 5, within: 0h}}]",
            "rules.yaml:1:59: nothing happens in no time: write a length such as 15m, 6h or 3d",
        ),
        (
            "rules: [{id: a, when: x, frequency: {at_least: 5, within: 91d}}]",
            "rules.yaml:1:59: matches are counted over 90d at most",
        ),
        (
            "rules: [{id: a, when: x, frequency: {at_least: 5, within: 1h, by: x}}]",
            "rules.yaml:1:63: unknown key 'by'; expected one of at_least, per, within",
        ),
        (
            "rules: [{id: a, when: x, spike: {times: 3, within: 7d, against: 7d}}]",
            "rules.yaml:1:56: what is usual is read off a longer time than the one compared with it: within: 1h, against: 7d",
        ),
        (
            "rules: [{id: a, when: x, spike: {times: 1, within: 1h, against: 7d}}]",
            "rules.yaml:1:41: expected a number from 1.1 to 1000, found 1",
        ),
        ("rules: [{id: a, when: x, spike: {times: 3, within: 1h}}]", "rules.yaml:1:33: 'against' is missing"),
        ("rules: [{id: a, when: x, silence: 0s}]", "rules.yaml:1:35: nothing happens in no time"),
        ("rules: [{id: a, when: x, silence: soon}]", "rules.yaml:1:35: expected a length of time such as 30s, 15m, 6h, 3d or 2w"),
        ("rules: [{id: a, when: x, sources: {}}]", "rules.yaml:1:35: 'min_independent' is missing"),
        ("rules: [{id: a, when: x, sources: {min_independent: 1}}]", "rules.yaml:1:53: one match is enough without it"),
        (
            "rules: [{id: a, when: x, sources: {min_independent: 2, single_source_level: lo}}]",
            "rules.yaml:1:77: unknown value 'lo'; did you mean 'low'? expected one of critical, high, low, medium",
        ),
        ("rules: [{id: a, when: '*'}]", "rules.yaml:1:23: '*' has no letter or digit, so it can never match"),
        ("rules: [{id: a, when: '/(/'}]", "rules.yaml:1:23: /(/ is not a regular expression RE2 can run: missing )"),
        ("rules: [{id: a, when: x}, {id: a, when: y}]", "rules.yaml:1:28: the rule id 'a' is used twice (first at rules.yaml:1)"),
        ("rules: x", "rules.yaml:1:8: expected a list, found text"),
        ("lists: [x]", "rules.yaml:1:8: expected a mapping (key: value), found a list"),
        ("lists: {a: $b, b: $a}", "names itself: a > b"),
        ("lists: {a: [$a]}", "names itself: a > a"),
        ("rules: [{id: a, when: {all: []}}]", "rules.yaml:1:29: an empty list never matches anything: add a term or remove it"),
        ("rules: [{id: a, when: {near: {terms: [x]}}}]", "near needs at least two terms"),
        ("rules: [{id: a, when: {at_least: {of: [x, y]}}}]", "'count' is missing"),
        ("rules: [{id: a, when: {at_least: {count: 3, of: [x, y]}}}]", "3 of 2 can never hold"),
        ("rules: [{id: a, when: {statement: {about: x}}}]", "'by' is missing"),
        ("rules: [{id: a, when: {statement: {by: any, stance: agains}}}]", "unknown value 'agains'"),
        ("rules: [{id: a, when: {mention: {of: x, time: upcomming}}}]", "unknown value 'upcomming'; did you mean 'upcoming'?"),
        ("rules: [{id: a, when: x, examples: {mach: [y]}}]", "unknown key 'mach'; did you mean 'match'?"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(text: str, said: str) -> None:
    assert any(said in line for line in wrong(text)), wrong(text)


def test_all_problems_of_all_files_come_at_once_in_order() -> None:
    found = wrong(
        "include: more.yaml\nrules:\n  - {id: a, when: {wrods: x}}\n  - {id: b, wen: x}\n",
        more_yaml="rules: [{id: c, when: '*'}]",
    )
    assert [line.split(": ")[0] for line in found] == ["more.yaml:1:23", "rules.yaml:3:20", "rules.yaml:4:5", "rules.yaml:4:13"]


def test_a_file_with_a_problem_gives_no_rules_at_all() -> None:
    with pytest.raises(Invalid):
        load(GOOD + "  - {id: two, when: '*'}\n")


# More files


def test_included_files_share_their_lists() -> None:
    found = load("include: [more.yaml]\nrules: [{id: a, when: $b}]", more_yaml="lists: {b: [talks]}\nrules: [{id: c, when: $b}]")
    assert [one.id for one in found.rules] == ["a", "c"]


def test_a_list_or_a_rule_of_two_files_is_one_too_many() -> None:
    found = wrong("lists: {b: x}\nrules: [{id: a, when: x}]", more_yaml="lists: {b: y}\nrules: [{id: a, when: x}]")
    assert any("the list 'b' is defined twice" in line for line in found)
    assert any("the rule id 'a' is used twice" in line for line in found)


def test_a_bundle_follows_includes_from_where_they_stand() -> None:
    tree = {
        "r/rules.yaml": b"include: [a/b.yaml, c.yaml]",
        "r/a/b.yaml": b"include: d.yaml",
        "r/a/d.yaml": b"rules: []",
        "r/c.yaml": b"rules: []",
    }
    assert rules.bundle("r/rules.yaml", lambda name: tree[name]) == tree


def test_files_that_include_each_other_are_read_once() -> None:
    tree = {"a.yaml": b"include: b.yaml", "b.yaml": b"include: a.yaml"}
    assert rules.bundle("a.yaml", lambda name: tree[name]) == tree


def test_an_included_file_that_is_not_there_is_said_where_it_is_named() -> None:
    def reader(name: str) -> bytes:
        if name == "a.yaml":
            return b"lists: {}\ninclude:\n  - gone.yaml\n"
        raise FileNotFoundError(2, "No such file or directory", name)

    with pytest.raises(Invalid) as raised:
        rules.bundle("a.yaml", reader)
    assert str(raised.value) == "a.yaml:3:5: cannot read gone.yaml: No such file or directory"


def test_a_chain_of_includes_without_end_is_cut() -> None:
    with pytest.raises(Invalid, match="more than 100 files are included"):
        rules.bundle("0", lambda name: f"include: '{int(name) + 1}'".encode())


# Versions


def version(text: str) -> str:
    return load(text).rules[0].version


def test_a_version_is_twelve_hex_digits_and_stable() -> None:
    assert len(version(GOOD)) == 12
    assert int(version(GOOD), 16)
    assert version(GOOD) == version(GOOD)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('["Peskov said the talks go on."]', '["Peskov said the talks end."]'),
        ("    title: Talks\n", "    title: Talks\n    notify: [desk]\n"),
        ("    title: Talks\n", "    title: Talks\n    owner: me\n"),
        ("    title: Talks\n", "    title:   Talks   # the same\n"),
        ("lists:\n", "lists:\n  other: [a, b]\n"),
        ("{statement: {by: $who, about: $talks}}", "{statement: {about: $talks, by: $who}}"),
        ("rules:\n", "rules:\n  # a remark\n"),
    ],
)
def test_a_version_stays_where_the_meaning_does(written: str, instead: str) -> None:
    assert written in GOOD
    assert version(GOOD.replace(written, instead)) == version(GOOD)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("title: Talks", "title: On talks"),
        ("title: Talks", "title: Talks\n    level: high"),
        ("title: Talks", "title: Talks\n    once: {per: place}"),
        ("title: Talks", "title: Talks\n    frequency: {at_least: 5, within: 1h}"),
        ("title: Talks", "title: Talks\n    spike: {times: 3, within: 1h, against: 7d}"),
        ("title: Talks", "title: Talks\n    silence: 24h"),
        ("title: Talks", "title: Talks\n    sources: {min_independent: 2}"),
        ("talks: [talks, ceasefire]", "talks: [talks, ceasefire, truce]"),
        ("{Dmitry Peskov: [Peskov]}", "{Dmitry Peskov: [Peskov, Kremlin spokesman]}"),
        ("{Dmitry Peskov: [Peskov]}", "{Dmitry Peskov: {any: [Peskov], except: [Peskov Street]}}"),
        ("about: $talks}", "about: $talks, stance: open}"),
    ],
)
def test_a_version_changes_with_the_meaning_and_with_that_of_a_list(written: str, instead: str) -> None:
    assert written in GOOD
    assert version(GOOD.replace(written, instead)) != version(GOOD)


def test_a_list_within_a_list_counts_for_the_version() -> None:
    text = "lists: {a: [$b], b: [x]}\nrules: [{id: r, when: $a}]"
    assert version(text) != version(text.replace("[x]", "[y]"))


def test_the_version_of_one_rule_does_not_depend_on_another() -> None:
    assert load(GOOD + "  - {id: two, when: war}\n").rules[0].version == version(GOOD)


# Whatever is written

_YAML = st.recursive(
    st.sampled_from(["x", "$a", "1", "~", "no", "'*'", "''", "/(/", "/a+/", "any", "3d", "true", "~x", "US", "a*"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda many: f"[{', '.join(many)}]"),
        st.dictionaries(
            st.sampled_from(
                "id when title once per alike within any all none not at_least count of near terms ordered title lead body sentence paragraph "
                "quote statement by about stance time kind words mention with article capture include lists rules examples match skip text "
                "labels a except office notify level status language source published frequency spike silence sources times against".split()
            ),
            inner,
            max_size=4,
        ).map(lambda many: "{" + ", ".join(f"{key}: {value}" for key, value in many.items()) + "}"),
    ),
    max_leaves=12,
)
_KEY = st.sampled_from(["examples", "once", "labels", "frequency", "spike", "silence", "sources"])
_FILE = st.tuples(_YAML, _YAML, _KEY, _YAML).map(
    lambda of: f"lists: {{a: {of[0]}}}\nrules: [{{id: r, when: {of[1]}, {of[2]}: {of[3]}}}]"
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), _YAML.map(str.encode), _FILE.map(str.encode)))
def test_any_bytes_are_rules_or_invalid(data: bytes) -> None:
    found = loaded_or_not(data)
    if isinstance(found, RuleSet):
        assert all(one.when.describe() for one in found.rules)
        found.match(article("a x said the x talks. “x 1 2 a”", "x said US"), ended=True)


def test_limits_are_the_operators_to_set() -> None:
    text = b"lists: {a: [x, y, z]}\nrules: [{id: a, when: $a}]\n"
    assert rules.load({"a.yaml": text}, "a.yaml", Limits(values=100)).rules
    with pytest.raises(Invalid, match="more than 10 values in one file"):
        rules.load({"a.yaml": text}, "a.yaml", Limits(values=10))
    with pytest.raises(Invalid, match="nested more than 2 levels deep"):
        rules.load({"a.yaml": text}, "a.yaml", Limits(depth=2))
