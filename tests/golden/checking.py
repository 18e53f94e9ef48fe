"""Compares what the engine finds with what people wrote down that is there: for the golden tests, and for benchmarks/quality.py.

How it is written down is told at the head of seeds.yaml and cases.yaml.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import rules
from rules import Article, Finding, RuleSet

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
Wanted = dict[str, Any]
NOT_JUDGED = ("contains", "required", "why", "rule", "fires", "of", "speaker_has", "date")
ANNOUNCED = {"time": "upcoming", "status": ["planned", "proposed"], "with": ["date", "place", "ordinal"]}


def written(name: str) -> dict[str, Any]:
    """One of the files of this folder; dates stay text."""
    found: dict[str, Any] = yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=_Loader)
    return found


class _Loader(yaml.SafeLoader):
    """YAML as people read it: 2026-05-13 is not turned into a date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in many if not tag.endswith(":timestamp")]
    for first, many in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


# One finding


def agrees(one: Finding, wanted: Wanted) -> bool:
    """Whether a finding is the one that was written down: in this sentence, with these values."""
    if wanted["contains"] not in one.text and wanted["contains"] not in " ".join(one.text.split()):
        return False
    return has_values(one, wanted)


def has_values(one: Finding, wanted: Wanted) -> bool:
    """Whether its captures and labels are those that were written down; a key that is left out is not judged."""
    values = {**one.captures, **one.labels}
    if "speaker_has" in wanted and not _occurs(wanted["speaker_has"], values["speaker"]):
        return False
    if "date" in wanted and days(values.get("date")) not in [days(each) for each in _listed(wanted["date"])]:
        return False
    return all(_equal(values.get(key), wanted[key]) for key in wanted if key not in NOT_JUDGED)


def days(value: Any) -> tuple[str, str] | None:
    """The first and last day that an ISO 8601 date, month or range covers."""
    if value is None:
        return None
    first, _, last = str(value).partition("/")
    if len(first) == len("2026-05"):
        start = date.fromisoformat(first + "-01")
        return start.isoformat(), ((start + timedelta(32)).replace(day=1) - timedelta(1)).isoformat()
    return first, last or first


def shown(one: Finding) -> str:
    """A finding in a line, for the message of a failure."""
    hidden = ("content", "cue", "via", "as", "when", "kind")
    values = {key: value for key, value in {**one.captures, **one.labels}.items() if value and key not in hidden}
    return f"{values} | {one.text[:110]}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _equal(value: str | None, wanted: Any) -> bool:
    """Equal, case folded; a list holds alternatives, and None is nothing."""
    folded = None if value is None else value.casefold()
    return folded in [None if one is None else str(one).casefold() for one in _listed(wanted)]


def _occurs(words: Any, value: str | None) -> bool:
    return any(str(word).casefold() in (value or "").casefold() for word in _listed(words))


# The findings of a text


def differences(found: Sequence[Finding], wanted: Sequence[Wanted]) -> list[str]:
    """What was found and is not written down, and what is written down as required and was not found."""
    wrong = [f"not listed: {shown(one)}" for one in found if not any(agrees(one, each) for each in wanted)]
    missing = [
        f"missing: {each}" for each in wanted if each.get("required", True) and not any(agrees(one, each) for one in found)
    ]
    return wrong + missing


# Cases


@dataclass(frozen=True)
class Cases:
    """The file of cases, and the rules that they are about."""

    data: dict[str, Any]
    ruleset: RuleSet

    def wrong(self, kind: str, case: dict[str, Any]) -> str:
        """What is wrong with one case; nothing where it is right."""
        found = {match.rule: match.findings for match in self.ruleset.match(_told(case))}
        if kind == "statements":
            return "; ".join(differences(found.get("said", ()), case["expect"]))
        return "; ".join(_events(case, found.get("announced", ()), found.get("named", ())))


@cache
def cases() -> Cases:
    """The cases of cases.yaml."""
    data = written("cases.yaml")
    return Cases(data, rules.load({"cases": json.dumps(_rules(data)).encode()}, "cases"))


def _rules(data: dict[str, Any]) -> dict[str, Any]:
    """The rules that the head of the file describes, on its own lists."""
    who = dict(data["speakers"])
    who["Russia"] = {"any": who["Russia"], "except": ["The Moscow Times"]}
    who["officials"] = {"office": data["offices"], "of": ["Russia", "Kremlin", "Russian Foreign Ministry"]}
    return {
        "lists": {"who": who, "about": data["about"], "of": data["of"]},
        "rules": [
            {"id": "said", "when": {"statement": {"by": "$who", "about": "$about"}}},
            {"id": "announced", "when": {"mention": {"of": "$of", **ANNOUNCED}}},
            {"id": "named", "when": {"mention": {"of": "$of"}}},
        ],
    }


def _told(case: dict[str, Any]) -> Article:
    day = case.get("published")
    when = datetime.combine(date.fromisoformat(day[:10]), time(12), UTC) if day else None
    field = case.get("field", "body")
    return Article(id=case["id"], **{field: case["text"]}, published=when)


def _events(case: dict[str, Any], announced: Sequence[Finding], named: Sequence[Finding]) -> list[str]:
    wrong = []
    if bool(announced) != any(wanted.get("fires") for wanted in case["expect"]):
        wrong.append(f"{'fires' if announced else 'does not fire'}: {[shown(one) for one in named]}")
    for wanted in case["expect"]:
        if "time" not in wanted and "place" not in wanted:
            continue
        mine = [one for one in named if _is_of(one, wanted["of"], case["text"])]
        if not any(has_values(one, wanted) for one in mine):
            wrong.append(f"{[shown(one) for one in mine]} is not {wanted}")
    return wrong


def _is_of(one: Finding, words: str, text: str) -> bool:
    """Whether one of its hits stands inside the words that name an event."""
    at = text.find(words)
    return any(hit.start < at + len(words) and at < hit.end for hit in one.hits)


# Modality


def modality(whose: str) -> list[dict[str, Any]]:
    """The sentences of `modality_ours.yaml` or `modality_blind.yaml`."""
    found: list[dict[str, Any]] = yaml.load((HERE / f"modality_{whose}.yaml").read_text(encoding="utf-8"), Loader=_Loader)
    return found


def fires(case: dict[str, Any]) -> bool:
    """Whether the shipped rule says that a case announces a meeting."""
    day = datetime.combine(date.fromisoformat(case["published"]), time(12), UTC)
    told = Article(id=case["id"], title="", body=" ".join(case["text"].split()), published=day)
    return any(match.rule == "summit-announced" for match in _shipped().match(told))


@cache
def _shipped() -> RuleSet:
    root = HERE.parent.parent
    return rules.load({"rules.yaml": (root / "rules.yaml").read_bytes()}, "rules.yaml")
