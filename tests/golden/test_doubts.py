"""Sentences of every modality: as many are read rightly as were when they were last counted, on either half."""

from __future__ import annotations

import pytest
from checking import fires, modality

# Right of 120, counted by `benchmarks/quality.py modality`; a change that loses some shows here.
RIGHT = {"ours": 113, "blind": 106}


@pytest.mark.parametrize("whose", sorted(RIGHT))
def test_most_doubts_are_understood(whose: str) -> None:
    wrong = [case["id"] for case in modality(whose) if fires(case) != case["fires"]]
    assert 120 - len(wrong) >= RIGHT[whose], wrong


@pytest.mark.parametrize("whose", sorted(RIGHT))
def test_every_kind_of_doubt_has_passages_that_announce_and_that_do_not(whose: str) -> None:
    told = {(case["kind"], case["fires"]) for case in modality(whose)}
    assert len(told) == 2 * 10
