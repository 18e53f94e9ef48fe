from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.spec import Limits, Notes, Spec, read

MAX_BYTES, MAX_DEPTH = Limits().bytes, Limits().depth


def spec(text: str | bytes) -> Spec:
    """The file's value, which must be without problems."""
    notes = Notes()
    found = read(text.encode() if isinstance(text, str) else text, "a.yaml", notes)
    assert notes.problems == []
    assert found is not None
    return found


def problems(text: str | bytes) -> list[str]:
    notes = Notes()
    read(text.encode() if isinstance(text, str) else text, "a.yaml", notes)
    return [str(problem) for problem in notes.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("NO", "NO"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("1:2:3", "1:2:3"),
        ("2026-05-01", "2026-05-01"),
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("017", 17),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ('"true"', "true"),
        ("'~'", "~"),
        ("12345678901234567890", "12345678901234567890"),
        ("negotiat*", "negotiat*"),
        ("/a|b/", "/a|b/"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    assert spec(f"key: {written}\n").plain() == {"key": value}


def test_a_value_knows_where_it_stands() -> None:
    root = spec("# a comment\na:\n  - b: 1\n    c: [x, yy]\n")
    second = root.mapping()["a"].items()[0].mapping()["c"].items()[1]
    assert (second.value, second.file, second.line, second.column) == ("yy", "a.yaml", 4, 12)
    assert root.mapping()["a"].items()[0].keys == {"b": (3, 5), "c": (4, 5)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: 'a' is here twice (first on line 1)"),
        ("a: &x 1\n", "a.yaml:1:4: anchors are not used here: remove '&x'"),
        ("a: *x\n", "a.yaml:1:4: aliases are not used here: write out what '*x' stands for"),
        ("a:\n  <<: {b: 1}\n", "a.yaml:2:3: merge keys ('<<') are not used here: write the keys out"),
        (
            "a: !!python/object:os.system 1\n",
            "a.yaml:1:4: tags are not used here: remove 'tag:yaml.org,2002:python/object:os.system'",
        ),
        ("a: !x 1\n", "a.yaml:1:4: tags are not used here: remove '!x'"),
        ("? [a]\n: 1\n", "a.yaml:1:3: a key must be text, not a mapping or a list"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document ('---') in one file: use include: instead"),
        ("", "a.yaml:1:1: the file is empty"),
        ("# only a comment\n", "a.yaml:1:1: the file is empty"),
        ("a: [1, 2\n", "a.yaml:2:1: not valid YAML: "),
        ("a: b: c\n", "a.yaml:1:5: not valid YAML: "),
        (b"a: \xff\n", "a.yaml:1:1: not UTF-8 text (byte 3): save the file as UTF-8"),
        (b"a: 1\nb: \xff\n", "a.yaml:2:1: not UTF-8 text (byte 8): save the file as UTF-8"),
        (b"a: \x00\n", "a.yaml:1:1: not valid YAML: "),
    ],
)
def test_what_is_not_plain_yaml_is_said_with_its_place(text: str | bytes, said: str) -> None:
    assert any(one.startswith(said) for one in problems(text)), problems(text)


def test_a_tab_is_explained_without_the_parsers_words() -> None:
    assert problems("a:\n\t- b\n") == ["a.yaml:2:1: not valid YAML: a tab is used for indentation; use spaces"]


def test_all_problems_are_noted_at_once() -> None:
    assert len(problems("a: &x 1\na: *x\nb: !t 2\n")) == 4


def test_a_byte_order_mark_is_no_text() -> None:
    assert spec(b"\xef\xbb\xbfa: 1\n").plain() == {"a": 1}


# Limits


def test_a_file_may_not_be_too_big() -> None:
    assert problems(b"#" * (MAX_BYTES + 1)) == [
        f"a.yaml:1:1: the file has {MAX_BYTES + 1:,} bytes; the limit is 1,048,576: split it with include:"
    ]


def test_a_file_may_not_be_too_deep() -> None:
    assert problems("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert "nested more than 20 levels deep" in problems("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[0]


def test_a_file_may_not_hold_too_many_values() -> None:
    assert "more than 50,000 values" in problems("[" + "1," * 60_000 + "]")[0]


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "hostile",
    [
        LAUGHS,
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 50_000,
        "a: " + "x" * 500_000,
        "".join(f"k{n}: 1\n" for n in range(40_000)),
        "a: 1\n" * 40_000,
        "&a " * 50_000,
        "'" * 500_000,
        '"\\x' * 100_000,
        "|" * 100_000,
        "#" * 500_000,
        "a: " + "9" * 500_000,
    ],
    ids=[
        "laughs",
        "lists",
        "mappings",
        "dashes",
        "keys",
        "long",
        "wide",
        "twice",
        "anchors",
        "quotes",
        "escapes",
        "bars",
        "comment",
        "digits",
    ],
)
def test_hostile_input_is_soon_done_with(hostile: str) -> None:
    start = time.process_time()
    read(hostile.encode(), "a.yaml", Notes())
    assert time.process_time() - start < 5


def test_problems_without_end_are_not_all_kept() -> None:
    assert len(problems("a: 1\n" * 20_000)) <= 25_000


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(alphabet=st.sampled_from("ab:-[]{}&*!'\"|>?,# \n\t~<%@`\\\u2028\x85"), max_size=60).map(str.encode),
    )
)
def test_any_bytes_are_read_or_have_a_problem(data: bytes) -> None:
    notes = Notes()
    assert (read(data, "a.yaml", notes) is not None) or notes.failed


# Readers


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("6h", timedelta(hours=6)),
        ("3d", timedelta(3)),
        ("2 w", timedelta(14)),
    ],
)
def test_lengths_of_time(written: str, span: timedelta) -> None:
    assert spec(f"a: {written}").mapping()["a"].span() == span


@pytest.mark.parametrize(
    ("written", "reader", "said"),
    [
        ("soon", "span", "expected a length of time such as 30s, 15m, 6h, 3d or 2w, found 'soon'"),
        ("3", "span", "expected a length of time such as 30s, 15m, 6h, 3d or 2w, found 3"),
        ("[1]", "string", "expected text, found a list"),
        ("{a: 1}", "string", "expected text, found a mapping"),
        ("true", "string", "expected text, found yes or no"),
        ("~", "string", "expected text, found nothing"),
        ("x", "mapping", "expected a mapping (key: value), found text"),
        ("x", "items", "expected a list, found text"),
        ("no", "boolean", "expected true or false, found 'no'"),
    ],
)
def test_a_reader_says_what_it_expected_and_gives_something_usable(written: str, reader: str, said: str) -> None:
    value = spec(f"a: {written}").mapping()["a"]
    getattr(value, reader)()
    assert [str(problem) for problem in value.notes.problems] == [f"a.yaml:1:4: {said}"]


@pytest.mark.parametrize("written", ["0", "2.5", "nan", "1e999", "true", "x"])
def test_a_number_lies_between_its_limits(written: str) -> None:
    value = spec(f"a: {written}").mapping()["a"]
    assert 1 <= value.number(1, 2) <= 2
    assert value.notes.failed
