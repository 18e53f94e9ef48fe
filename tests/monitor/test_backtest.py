"""The figures of a backtest: shares and their intervals, labels, what a change turned, and the nearest miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.backtest import NONE, Change, Estimate, Labels, Question, Score, change, fields, mcnemar, nearest, score, wilson
from rules import Clause, Evidence


def rounded(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate
    return round(estimate.value, 4), round(estimate.low, 4), round(estimate.high, 4)


# shares


@pytest.mark.parametrize(
    ("hits", "of", "expected"),
    [  # as R's prop.test(…, correct=FALSE) and statsmodels' proportion_confint(…, method="wilson") give them
        (8, 10, (0.8, 0.4902, 0.9433)),
        (0, 10, (0.0, 0.0, 0.2775)),
        (10, 10, (1.0, 0.7225, 1.0)),
        (1, 1, (1.0, 0.2065, 1.0)),
        (50, 100, (0.5, 0.4038, 0.5962)),
    ],
)
def test_a_share_has_its_wilson_interval(hits: int, of: int, expected: tuple[float, float, float]) -> None:
    assert rounded(wilson(hits, of)) == expected


def test_a_share_of_nothing_is_none() -> None:
    assert wilson(0, 0) is None


def test_precision_recall_and_f1() -> None:
    counted = Score(hits=36, false=4, missed=9, passed_over=100)
    assert rounded(counted.precision)[0] == 0.9
    assert rounded(counted.recall)[0] == 0.8
    assert rounded(counted.f1)[0] == round(2 * 0.9 * 0.8 / 1.7, 4)


def test_the_interval_of_f1_is_that_of_the_share_of_hits_turned_into_f1() -> None:
    share = wilson(36, 49)
    f1 = Score(hits=36, false=4, missed=9).f1
    assert share
    assert f1
    assert f1.low == pytest.approx(2 * share.low / (1 + share.low))
    assert f1.high == pytest.approx(2 * share.high / (1 + share.high))
    assert 0 < f1.low < f1.value < f1.high < 1


def test_what_never_matches_has_no_precision_and_an_f1_of_nothing() -> None:
    never = Score(missed=3, passed_over=7)
    assert never.precision is None
    assert rounded(never.f1)[0] == 0
    assert Score(passed_over=7).f1 is None


def test_articles_are_counted_by_label_and_match() -> None:
    labels = {"a": True, "b": True, "c": False, "d": False, "e": False}
    assert score(labels, {"a", "c", "unlabelled"}) == Score(hits=1, false=1, missed=1, passed_over=2)


def test_figures_for_programs_say_what_cannot_be_said() -> None:
    assert Score(missed=1).plain() == {
        "hits": 0,
        "false": 0,
        "missed": 1,
        "passed_over": 0,
        "precision": None,
        "recall": {"value": 0.0, "low": 0.0, "high": 0.79345},
        "f1": {"value": 0.0, "low": 0.0, "high": 0.88483},
    }


# labels


@pytest.mark.parametrize(
    ("value", "expected"),
    [("yes", True), ("YES ", True), (True, True), (1, True), ("true", True), ("no", False), (False, False), (0, False)],
)
def test_a_label_is_read_whatever_its_kind(value: Any, *, expected: bool) -> None:
    assert Question("label").labels(["a"], {"a": {"label": value}}).by_id == {"a": expected}


@pytest.mark.parametrize("row", [{}, {"label": None}, {"label": ["yes"]}, {"label": {"deep": "yes"}}, {"label": " "}])
def test_what_is_no_label_is_left_out_and_counted(row: dict[str, Any]) -> None:
    assert Question("label").labels(["a", "b"], {"a": row, "b": {"label": "yes"}}) == Labels({"b": True}, {NONE: 1})


def test_labels_stand_at_dotted_paths_and_have_the_words_that_one_says() -> None:
    rows = {name: {"label": {"relevant": word}} for name, word in {"a": "relevant", "b": "spam", "c": "perhaps"}.items()}
    question = Question("label.relevant", yes=("relevant",), no=("spam",))
    assert question.labels(["a", "b", "c", "d"], rows) == Labels({"a": True, "b": False}, {"perhaps": 1, NONE: 1})


def test_only_the_articles_asked_about_are_labelled() -> None:
    assert Question("x").labels(["a"], {"a": {"x": "yes"}, "b": {"x": "yes"}}).by_id == {"a": True}


def test_fields_are_where_a_label_could_stand() -> None:
    assert fields([{"x": "yes", "label": {"a": 1, "list": [1]}}, {"x": "no", "none": None}]) == ["label.a", "x"]


# a change


def test_a_change_is_what_matches_only_now_and_only_before() -> None:
    labels = {"a": True, "b": False, "c": True, "d": False}
    turned = change(["same", "a", "b", "new"], ["d", "same", "c"], labels)
    assert turned == Change(gained=("a", "b", "new"), lost=("d", "c"), mended=2, broken=2)


@pytest.mark.parametrize(
    ("mended", "broken", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 0.5), (5, 0, 0.0625), (6, 0, 0.03125), (10, 2, 0.0386), (2, 10, 0.0386), (7, 7, 1.0)],
)
def test_mcnemars_exact_test(mended: int, broken: int, p: float) -> None:
    assert round(mcnemar(mended, broken), 5) == pytest.approx(p, abs=5e-5)


def test_mcnemars_test_bears_large_numbers() -> None:
    assert 0 < mcnemar(2_400, 2_600) < 0.01


# the nearest miss


def clause(says: str, near: float, *parts: Clause) -> Clause:
    return Clause(says=says, evidence=None, why=f"{says} failed", near=near, parts=parts)


def test_the_nearest_miss_is_the_failed_part_that_came_nearest() -> None:
    held = replace(clause("held", 1.0), evidence=Evidence())
    inner = clause("inner", 0.6, clause("far", 0.1), clause("near", 0.5))
    assert nearest(clause("whole", 0.7, held, clause("other", 0.3), inner)).says == "near"


def test_a_condition_whose_parts_all_hold_is_its_own_miss() -> None:
    held = replace(clause("held", 1.0), evidence=Evidence())
    assert nearest(clause("whole", 0.5, held)).says == "whole"
