"""Remarks on rules that load: each says what is meant otherwise than written, where it stands."""

from __future__ import annotations

import time
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import article

from rules.lint import CAPTURES, Known, captured, lint
from rules.load import parse_files

RULE = """
rules:
  - id: it
    when: {when}
    examples: {{match: [a], skip: [b]}}
"""
"""The condition stands on line 4, from column 11 on."""

WHO = "lists: {who: {Ann Lee: [Lee]}, w: [flood, high water]}"


def remarks(text: str, known: Known | None = None) -> list[str]:
    """What is said of a file without errors: line, column, severity and message."""
    parsed = parse_files({"rules.yaml": dedent(text).encode()}, "rules.yaml")
    assert parsed.problems == ()
    found = lint(parsed, known)
    return [f"{one.line}:{one.column}: {one.severity}: {one.message}" for one in found]


def of(when: str, lists: str = "") -> list[str]:
    """What is said of a rule with this condition."""
    return remarks(lists + RULE.format(when=when))


def keyed(keys: str, when: str = "flood") -> list[str]:
    """What is said of a rule with these keys; they start on line 3, in column 5."""
    return remarks(
        f"rules:\n  - id: it\n{indent(dedent(keys), ' ' * 4)}\n    when: {when}\n    examples: {{match: [a], skip: [b]}}\n"
    )


def test_of_a_rule_that_is_as_it_should_be_nothing_is_said() -> None:
    assert of("{sentence: {all: [[flood*, high water], [warning, evacuat*]], none: [flood of applications]}}") == []


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("'peace, plan'", "never found where the comma stands: a phrase ends there. Two terms are a list: [peace, plan]"),
        ("No. 10", "never found written so, since '.' ends a phrase; a regular expression finds it: /No\\. 10/"),
        ("nego*ate", "'*' stands only at the end of a word"),
        ("'*gate'", "'*' stands only at the end of a word"),
        ("/flood/i", "not read as a regular expression"),
        ("the", "stands in nearly every article"),
        ("не", "stands in nearly every article"),
        ("May", "stands in nearly every article"),
        ("a", "stands in nearly every article"),
        ("x*", "begins very many words"),
        ("/.*/", "matches nearly every sentence"),
        ("'/[aeiou]+/'", "matches nearly every sentence"),
        ("'/(a{1,100}){1,9}/'", "large regular expression"),
        (" ".join(["word"] * 41), "a term of 41 words"),
    ],
)
def test_a_term_that_never_matches_or_always_does_is_named_where_it_stands(term: str, said: str) -> None:
    (one,) = of(f"[flood, {term}]")
    assert one.startswith("4:19: warning: ")
    assert said in one


@pytest.mark.parametrize(
    "term",
    ["peace plan", "cease-fire", "don't", "U.S.-led", "O'Brien", "Moscow's", "NATO", "IT", "US", "UNESCO", "~переговоры", "negotiat*",
     "/\\d+ dead/", "G20", "9/11", "2026", "out of the question", "“red line”", "Müller", "Kyiv!"],
)  # fmt: skip
def test_an_ordinary_term_gives_no_cause_for_remarks(term: str) -> None:
    assert of(f"[flood, {term}]") == []


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("SUMMIT", "“SUMMIT” in capitals matches only capitals: write summit for any case"),
        ("FLOOD", "“FLOOD” in capitals"),
        ("flood", "“flood” is here twice (first on line 4)"),
        ("Flood!", "“Flood!” is the same as “flood” (first on line 4)"),
        ("/.*dead/", "'.*' at either end of /.*dead/ is not needed"),
    ],
)
def test_what_is_only_worth_a_look_is_a_hint(term: str, said: str) -> None:
    (one,) = of(f"[flood, {term}]")
    assert one.startswith("4:19: hint: ")
    assert said in one


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [("talk*", "talks"), ("peace tal*", "peace talks"), ("~talk", "talks"), ("nato", "NATO"), ("tal*", "talk*")],
)
def test_a_term_that_another_one_finds_already_is_named(wide: str, narrow: str) -> None:
    assert [f"“{narrow}” is found by “{wide}” already" in one for one in of(f"[{wide}, {narrow}]")] in ([True], [])
    assert of(f"[{wide}, peace plan talks]") == []


def test_a_longer_phrase_is_not_the_same_term() -> None:
    assert of("[summit, peace summit, talks, peace talks]") == []


@pytest.mark.parametrize("terms", ["[ready for talks, but not now]", "[Ministry of, Defence]", "[talks, and negotiations]"])
def test_a_comma_that_split_a_phrase_is_noticed(terms: str) -> None:
    assert [("the comma makes two terms" in one) for one in of(terms)] == [True]


@pytest.mark.parametrize(
    "terms", ["[Ministry of Defence, Russia]", "['ready for talks', 'but not now']", "\n      - the end of\n      - talks"]
)
def test_a_comma_between_two_terms_is_no_cause_for_remarks(terms: str) -> None:
    assert of(terms) == []


# Lists


def test_a_list_that_no_rule_uses_is_named_even_where_another_such_list_does() -> None:
    text = "lists:\n  used: [flood]\n  other: [$lonely]\n  lonely: [river]\n" + RULE.format(when="$used")
    assert remarks(text) == ["3:3: warning: no rule uses the list 'other'", "4:3: warning: no rule uses the list 'lonely'"]


def test_a_list_that_another_one_includes_is_used() -> None:
    lists = "lists: {a: {Ann Lee: [Lee]}, b: {include: $a, Bo Ek: [Ek]}, t: [flood], u: [$t]}"
    assert of("{statement: {by: $b, about: $u}}", lists) == []


def test_an_empty_list_finds_nothing() -> None:
    assert of("[$none, flood]", "lists: {none: []}") == [
        "1:15: warning: the list 'none' is empty, so nothing is ever found by it"
    ]


def test_an_alias_of_two_names_is_said_to_be_taken() -> None:
    lists = "lists: {who: {Ann Lee: [Lee, chair], Bo Ek: [Ek, Chair]}}"
    assert of("$who", lists) == ["1:50: warning: “Chair” is written for 'Ann Lee' too (line 1); 'Ann Lee' gets it"]


# Conditions


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{all: [flood], none: [flood]}", "4:33: warning: this can never hold: “flood” is wanted (line 4) and refused here"),
        ("{any: [floods, flooding], none: [flood*]}", "this can never hold: “floods” is wanted"),
        ("{all: [flood warning, {not: flood}]}", "this can never hold: “flood warning” is wanted"),
        ("{title: flood, none: [flood]}", "this can never hold"),
        ("{capture: {what: [flood]}, none: [$w]}", "this can never hold"),
        ("{near: {terms: [flood, river]}, none: [flood]}", "this can never hold"),
        ("{mention: {of: [high water]}, none: $w}", "this can never hold"),
        ("{title: {body: flood}}", "4:20: warning: the body is what stands below the title"),
        ("{body: {all: [{title: flood}]}}", "the body is what stands below the title"),
        ("{any: flood, sentence: {none: [river]}}", "4:24: warning: this holds as soon as one sentence is without it"),
        ("{none: [flood]}", "nearly every article matches"),
        ("{all: [{none: [flood]}, {title: {not: river}}]}", "nearly every article matches"),
        ("{mention: {of: $w, time: past, status: [held, planned]}}", "an event that is past is never 'planned'"),
        ("{mention: {of: $w, time: [upcoming, past], status: held}}", None),
        ("{mention: {of: $w, time: upcoming, status: held}}", "an event that is upcoming is never 'held'"),
        ("{article: {language: ru}, mention: {of: $w}}", "4:37: warning: mention reads English only"),
        ("{article: {language: [en, ru]}, mention: {of: $w}}", None),
        ("{capture: {what: []}}", "this group is empty"),
        ("{any: $w, none: [flood]}", None),
        ("{any: [flood, river], none: [flood]}", None),
        ("{any: flood, none: [{title: flood}]}", None),
        ("{any: flood, none: [flood of letters]}", None),
        ("{any: flood, none: {any: [flood], except: [great flood]}}", None),
    ],
)  # fmt: skip
def test_a_clause_that_can_never_hold_or_always_does_is_named(when: str, said: str | None) -> None:
    found = [one for one in of(when, WHO) if "no rule uses" not in one]
    assert [said in one for one in found] == [True] if said else found == []


# Rules


def test_a_value_that_nothing_gives_is_named_wherever_it_stands() -> None:
    found = remarks("""
        lists: {who: {Ann Lee: [Lee]}}
        rules:
          - id: it
            title: "{speeker} and {stance}"
            when: {statement: {by: $who}}
            once: {per: [place], alike: 0.5, update_on: [stance, mood]}
            examples: {match: [{text: a, speaker: Ann Lee, tone: bad}], skip: [b]}
    """)
    known = "this rule gives as, cue, kind, speaker, stance, via"
    assert found == [
        f"5:12: warning: unknown value 'speeker'; did you mean 'speaker'? {known}",
        f"7:18: warning: unknown value 'place'; {known}",
        f"7:58: warning: unknown value 'mood'; {known}",
        f"8:58: warning: unknown value 'tone'; did you mean 'stance'? {known}",
    ]


def test_a_value_that_matches_are_counted_by_must_be_given_too() -> None:
    found = keyed("frequency: {at_least: 5, within: 1h, per: [city]}\nonce: {alike: 0.5}", "{capture: {town: [Odesa]}}")
    assert found == ["3:48: warning: unknown value 'city'; this rule gives town"]


def test_what_is_told_in_any_case_needs_no_entry() -> None:
    found = keyed("once: {alike: 0.5, update_on: [retracted, cancelled]}")
    assert found == [
        f"3:{column}: hint: '{name}' needs no entry: of an event that was told it is always told"
        for column, name in ((36, "retracted"), (47, "cancelled"))
    ]
    assert keyed("once: {alike: 0.5, update_on: cancelled}\nlabels: {cancelled: {true: [off]}}") == []


@pytest.mark.parametrize("key", ["frequency: {at_least: 5, within: 1h}", "spike: {times: 3, within: 1h, against: 7d}"])
def test_counted_matches_want_to_know_what_is_told_once(key: str) -> None:
    (found,) = keyed(key)
    assert found.startswith("3:5: hint: while it lasts, every article unlike the others is told")
    assert keyed(f"{key}\nonce: {{alike: 0.5}}") == []


def test_a_baseline_too_short_to_average_is_named() -> None:
    spike = "spike: {{times: 3, within: 1d, against: {}}}\nonce: {{alike: 0.5}}"
    assert keyed(spike.format("3d")) == ["3:35: hint: less than 4 times as long as within: too short to tell what is usual"]
    assert keyed(spike.format("4d")) == []


def test_a_silence_shorter_than_the_pause_between_two_polls_is_named() -> None:
    assert keyed("silence: 10m") == [
        "3:5: warning: feeds are asked every few minutes to hours: a silence this short says nothing of the news"
    ]
    assert keyed("silence: 1h") == []


@pytest.mark.parametrize(("level", "said"), [("low", 0), ("medium", 1), ("critical", 1)])
def test_a_single_source_is_told_at_a_lower_level_than_several(level: str, said: int) -> None:
    found = keyed(f"sources: {{min_independent: 2, single_source_level: {level}}}")
    assert found == [f"3:35: warning: '{level}' is not below the rule's own level, 'medium'"] * said


@pytest.mark.parametrize(
    "when",
    ["{capture: {city: [Odesa]}}", "{sentence: {any: [/(?P<city>Odesa|Kyiv)/, x1]}}", "{all: [flood, {title: {capture: {city: [Odesa]}}}]}"],
)  # fmt: skip
def test_a_capture_can_fill_a_blank(when: str) -> None:
    assert keyed('title: "In {city}"', when) == []


def test_a_label_can_fill_a_blank() -> None:
    assert keyed('title: "{toll}"\nlabels: {toll: {deaths: [dead, no]}}') == []


def test_what_must_not_be_there_captures_nothing() -> None:
    assert (
        "unknown value 'city'; this rule captures none"
        in keyed('title: "{city}"', "{any: flood, none: {capture: {city: [Odesa]}}}")[0]
    )


def test_a_rule_without_examples_is_named_with_what_it_lacks() -> None:
    text = "rules:\n  - {id: a, when: flood}\n  - {id: b, when: flood, examples: {match: [flood]}}\n"
    lacks = "has no example of an article that it must"
    assert remarks(text) == [
        f"2:6: warning: 'a' {lacks} match and none that it must skip",
        f"3:6: warning: 'b' {lacks} skip",
    ]
    assert remarks(text, Known(matched=["a"], skipped=["a", "b"])) == []


def test_receivers_are_looked_up_where_it_is_known_which_there_are() -> None:
    text = RULE.format(when="flood") + "    notify: [desk, dusk]\n"
    assert remarks(text) == []
    assert remarks(text, Known(receivers=["desk"])) == [
        "6:20: error: unknown receiver 'dusk'; did you mean 'desk'? expected one of desk"
    ]


@pytest.mark.parametrize(("status", "said"), [("draft", "nobody is told"), ("deprecated", "not asked")])
def test_a_rule_that_tells_nobody_says_so(status: str, said: str) -> None:
    (one,) = keyed(f"status: {status}")
    assert one.startswith("3:5: hint: ")
    assert said in one


def test_the_values_that_conditions_are_known_to_give_are_those_of_their_findings() -> None:
    text = """
        lists: {who: {Ann Lee: [Lee]}}
        rules:
          - {id: said, when: {statement: {by: $who}}}
          - {id: named, when: {mention: {of: summit}}}
    """
    rules = parse_files({"a": dedent(text).encode()}, "a").checked()
    told = article("Ann Lee said the summit will be held in Malta on May 3.", day="2026-05-01")
    given = {match.rule: {*match.findings[0].captures, *match.findings[0].labels} - {"content"} for match in rules.match(told)}
    assert given == {rule.id: set(captured(rule.when)) for rule in rules.rules}
    assert len(given) == len(CAPTURES)


_SCRAPS = st.lists(
    st.sampled_from(
        "lists rules id when any all none not near statement mention by of about title body sentence once per examples match text labels "
        "capture notify status time at_least count terms [ ] { } : - , $w /a.*/ talks \n \n\u0020\u0020 x* ~y 'a, b' null 3".split(
            " "
        )
    ),
    max_size=60,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(_SCRAPS | st.text(max_size=80).map("rules:\n  - id: a\n    when: {}".format))
def test_whatever_a_file_holds_remarks_come_without_breaking(text: str) -> None:
    parsed = parse_files({"a.yaml": text.encode("utf-8", "replace")}, "a.yaml")
    assert all(one.line > 0 and one.column > 0 for one in lint(parsed))


@pytest.mark.parametrize(
    "text",
    [
        "lists: {{w: [{}]}}\nrules: []".format(", ".join(f"aa bb{n}*" for n in range(15_000))),
        "lists: {{w: [{}]}}\nrules: []".format(", ".join(f"word{n}*" for n in range(15_000))),
        "rules: [{{id: it, when: {{any: [{0}], none: [{0}]}}}}]".format(", ".join(f"word{n}" for n in range(10_000))),
        'rules: [{{id: it, when: flood, title: "{}"}}]'.format("{a} {b}" * 30_000),
        "rules: [{{id: it, when: flood, once: {{per: [{}]}}}}]".format(", ".join(f"word{n}" for n in range(10_000))),
    ],
    ids=["phrases", "prefixes", "wanted and refused", "blanks", "values"],
)
def test_long_lists_cost_no_more_than_their_length(text: str) -> None:
    parsed = parse_files({"a.yaml": text.encode()}, "a.yaml")
    before = time.process_time()
    lint(parsed)
    assert time.process_time() - before < 5
