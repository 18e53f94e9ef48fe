"""The blind cases of cases.yaml, one test each. What is marked hard there may fail; what else fails today is listed here."""

from __future__ import annotations

from typing import Any

import pytest
from checking import cases

TODAY: dict[str, str] = {}
"""Cases that are not understood today, by id, and why."""


def _marked(case: dict[str, Any]) -> Any:
    marks = []
    if case.get("hard"):
        marks.append(pytest.mark.xfail(reason="hard: reasonable people differ", strict=False))
    elif case["id"] in TODAY:
        marks.append(pytest.mark.xfail(reason=TODAY[case["id"]], strict=True))
    return pytest.param(case, id=case["id"], marks=marks)


@pytest.mark.parametrize("case", [_marked(case) for case in cases().data["statements"]])
def test_a_statement_is_found_as_a_careful_reader_finds_it(case: dict[str, Any]) -> None:
    assert cases().wrong("statements", case) == "", case["text"]


@pytest.mark.parametrize("case", [_marked(case) for case in cases().data["mentions"]])
def test_an_event_is_understood_as_a_careful_reader_understands_it(case: dict[str, Any]) -> None:
    assert cases().wrong("mentions", case) == "", case["text"]


def test_every_case_that_fails_today_is_one() -> None:
    assert set(TODAY) <= {
        case["id"] for kind in ("statements", "mentions") for case in cases().data[kind] if not case.get("hard")
    }
