"""The sentences of stances.yaml, one test each: the stance that is read off what somebody is reported to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from checking import written

import rules
from rules import Article

SENTENCES = written("stances.yaml")
RULES = rules.load(
    {"stances": json.dumps({"rules": [{"id": "said", "when": {"statement": {"by": "any"}}}]}).encode()},
    "stances",
)
TODAY = {
    "Vance said the vice president": "an absence that is only reported is read as a rejection",
    '"They say that we refuse': "a reproach that is quoted to be denied in the next sentence is read as one's own",
}


def _marked(case: dict[str, Any]) -> Any:
    why = next((why for start, why in TODAY.items() if case["text"].startswith(start)), None)
    return pytest.param(case, id=case["text"][:50], marks=[pytest.mark.xfail(reason=why, strict=True)] if why else [])


def _read(text: str) -> str:
    found = RULES.match(Article(id="it", body=text))
    return found[0].findings[0].labels["stance"] or "" if found else "nothing is said"


@pytest.mark.parametrize("case", [_marked(case) for case in SENTENCES["first"] + SENTENCES["second"] + SENTENCES["third"]])
def test_a_stance_is_read_as_a_careful_reader_reads_it(case: dict[str, Any]) -> None:
    assert _read(case["text"]) == case["stance"]
