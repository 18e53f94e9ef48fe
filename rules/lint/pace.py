"""Remarks on keys that ask for more than one match: what tells too much, nothing, or what needs no asking."""

from __future__ import annotations

from datetime import timedelta

from rules.lint.terms import Remarks, at
from rules.rule import LEVELS, Rule
from rules.spec import Spec

ALWAYS_TOLD = ("retracted", "cancelled")
"""What some write into `update_on`, and is told in any case."""

_QUIET = timedelta(hours=1)
_WINDOWS = 4
"""Times of the length compared that a baseline holds at least, for its average to tell what is usual."""


def pace(spec: Spec, rule: Rule) -> Remarks:
    """What could be better about `frequency`, `spike`, `silence` and `sources`."""
    yield from _each_by_itself(spec)
    if rule.spike and rule.spike.against < _WINDOWS * rule.spike.within:
        yield at(
            spec.get("spike") or spec,
            f"less than {_WINDOWS} times as long as within: too short to tell what is usual",
            "hint",
            key="against",
        )
    if rule.silence and rule.silence < _QUIET:
        yield at(spec, "feeds are asked every few minutes to hours: a silence this short says nothing of the news", key="silence")
    yield from _single(spec, rule)


def _each_by_itself(spec: Spec) -> Remarks:
    """What is counted tells of many articles; without `once` each that is unlike the others is told by itself."""
    for key in ("frequency", "spike"):
        if spec.get(key) and not spec.get("once"):
            yield at(
                spec,
                f"while it lasts, every article unlike the others is told: say what is told once  {_EXAMPLE}",
                "hint",
                key=key,
            )


_EXAMPLE = "once: {per: [speaker], within: 1d}"


def _single(spec: Spec, rule: Rule) -> Remarks:
    level = rule.sources.single_source_level if rule.sources else None
    if level and LEVELS.index(level) >= LEVELS.index(rule.level):
        yield at(
            spec.get("sources") or spec, f"'{level}' is not below the rule's own level, '{rule.level}'", key="single_source_level"
        )
