"""Articles written into test files: they read back exactly, and what was there stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules import Article, emit, trial
from rules.spec import Limits, Notes, Spec, read

WHEN = datetime(2026, 7, 1, 10, tzinfo=UTC)
TRICKY = (
    "\n\n",
    " leading space\nand more",
    "\ttab first",
    "\n  blank, then indented",
    "trailing\n",
    "trailing\n\n\n",
    "trailing spaces  \n  \n x",
    "# no comment",
    "- no list\n--- \n...",
    "key: value",
    "'single' \"double\" \\ backslash \\n",
    "%percent",
    "carriage\r\nreturn\rhere",
    "odd\x85line\u2028ends\u2029here",
    "\x00\x07\x1b[31mred\x7f\x9f",
    "\ufeffmark",
    "\ufffe\uffff",
    "𝄞 😀",
    "ß İ е́ soft\u00adhyphen",
    "no",
    "12:30",
    "true",
    "null",
    "~",
    "1e3",
    "  ",
    "a\n \n  \nb",
    "\u00a0 not white space for YAML",
    "\u2003em space first",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.text(" \n\t-#:'\"\\ab\r\x85\u2028", max_size=40)


def parsed(text: str) -> Spec:
    notes = Notes()
    root = read(text.encode(), "rules_test.yaml", notes)
    assert notes.problems == []
    assert root is not None
    return root


def back(text: str) -> Article:
    """The article of a file's last test, as the reader of test files gives it."""
    root = parsed(text)
    test = trial.suite(root, ["it"])[-1]
    assert root.notes.problems == []
    assert isinstance(test, trial.Case)
    return test.example.article


def written(article: Article, existing: str = emit.start("rules.yaml"), *, match: bool = True) -> str:
    return emit.add(existing, emit.entry(article, rule="it", match=match, name="a test"))


# Exactly as it was


@pytest.mark.parametrize("text", TRICKY)
def test_any_text_reads_back_as_it_was(text: str) -> None:
    article = Article(id="a", title="x", summary=text, body=text)
    assert back(written(article)) == article


@given(texts, texts, texts, st.lists(texts, max_size=3))
@example(title="x", summary="", body="\x85", tags=["true", "a, b"])
def test_any_article_reads_back_as_it_was(title: str, summary: str, body: str, tags: list[str]) -> None:
    article = Article(id="a", title="x" + title, summary=summary, body=body, tags=tuple(tags), published=WHEN, seen=WHEN)
    assert back(written(article)) == article


@given(texts)
def test_a_text_that_is_all_there_is_reads_back(body: str) -> None:
    article = Article(id="a", body="." + body)
    assert back(written(article)) == article


def test_all_that_is_known_of_an_article_is_kept() -> None:
    article = Article(
        id="https://news.example/a?b=1#c",
        title="Talks: on",
        summary="s",
        body="One.\n\nTwo.",
        source="world",
        url="https://news.example/a",
        author="A. B.",
        language="en",
        tags=("x y", "z"),
        published=WHEN,
        seen=WHEN,
    )
    assert back(written(article)) == article


def test_half_a_surrogate_pair_becomes_a_sign_of_the_same_length() -> None:
    assert back(written(Article(id="a", title="\udcff", body="x\ud800y"))).body == "x\ufffdy"


def test_an_entry_is_for_people_to_read() -> None:
    article = Article(id="a.txt", title="Talks: on", body="One.\n\nTwo.")
    assert emit.entry(article, rule="on-talks", match=False, name="wrong") == [
        "- name: wrong",
        "  rule: on-talks",
        "  skip: true",
        '  id: "a.txt"',
        '  title: "Talks: on"',
        "  text: |-",
        "    One.",
        "",
        "    Two.",
    ]


# What was there stays

EXISTING = (
    "tests:\n",
    "tests: # none yet\n",
    "rules: rules.yaml\n",
    "# mine\ntests:\n  - {rule: it, text: old}",
    "tests:\n- {rule: it, text: old}\n",
    "tests:\n      - rule: it\n        text: old\n\n\n# the end\n",
    "tests:\n  - {rule: it, text: old}\n\n# who there is\nreceivers: []\n",
    "tests:\nreceivers: []\n",
    "tests:\r\n  - rule: it\r\n    text: old\r\n",
    "\ufefftests:\n  - {rule: it, text: old}\n",
    "tests:\n  - rule: it\n    text: |\n      old",
    "tests:\n  - rule: it\n    text: |+\n      old\n\n\n",
    'tests:\n  - rule: it\n    text: "old\u2028\u2028"\nreceivers: []\n',
)


@pytest.mark.parametrize("existing", EXISTING)
def test_what_was_there_stays_to_the_letter(existing: str) -> None:
    article = Article(id="a", body="First.\n\nSecond.")
    new = written(article, existing)
    assert back(new) == article
    assert any(new.startswith(existing[:at]) and new.endswith(existing[at:]) for at in range(len(existing) + 1))


@pytest.mark.parametrize("existing", EXISTING)
def test_adding_goes_on_from_what_was_added(existing: str) -> None:
    once = written(Article(id="a", body="First."), existing)
    twice = written(Article(id="b", body="Second."), once)
    before: Any = parsed(once).plain()
    after: Any = parsed(twice).plain()
    assert after["tests"][:-1] == before["tests"]
    assert after["tests"][-1]["id"] == "b"


@pytest.mark.parametrize(
    ("existing", "why"),
    [
        ("tests: [{rule: it, text: old}]\n", "not written as a list of dashes"),
        ("{tests: []}\n", "not written as a list of dashes"),
        ("tests: none\n", "not written as a list of dashes"),
        ("tests:\n  - {rule: it, text: old}\n...\n", "not valid YAML"),
        ("tests: ~\n", "not valid YAML"),
        ("- a\n", "no mapping"),
        ("tests: [\n", "not valid YAML"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_leaves_no_place_is_not_touched(existing: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        written(Article(id="a", body="x"), existing)


def test_a_new_file_says_what_it_is_for() -> None:
    assert emit.start("../rules.yaml").splitlines() == [
        "# Tests of ../rules.yaml: run them with 'monitor test'.",
        'rules: "../rules.yaml"',
        "tests:",
    ]


# Twice


@given(texts, texts)
def test_an_article_is_found_again(title: str, body: str) -> None:
    article = Article(id="a", title=title, body="." + body)
    found = emit.find(parsed(written(article)), article, "it")
    assert found is not None
    assert found.line == 4


@pytest.mark.parametrize(("body", "rule"), [("other", "it"), ("same", "another")])
def test_another_text_or_rule_is_another_test(body: str, rule: str) -> None:
    root = parsed(written(Article(id="a", body="same")))
    assert emit.find(root, Article(id="a", body=body), rule) is None


def test_a_long_article_takes_little_more_room_than_its_text() -> None:
    body = "A sentence of some length, as they are in articles.\n" * 10_000
    assert len(body) < len(written(Article(id="a", body=body))) < 1.2 * len(body) < Limits().bytes
