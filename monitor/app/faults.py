"""Which rule broke on which article, for whoever is to mend the rule, and for examining the article again once that is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules import Rule

MOST = 20
"""Faults that are kept, the latest."""
LONGEST = 1_000
"""Characters of an article's id, and of a reason, that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A rule, in one version, that broke on an article: it raised, hung or crashed. `at` is the last time of `times`."""

    rule: str
    version: str
    article: str
    reason: str
    at: datetime
    times: int = 1

    def is_of(self, rules: Mapping[str, Rule]) -> bool:
        """Whether the rule still stands among these as it was."""
        return self.rule in rules and rules[self.rule].version == self.version


def noted(faults: Iterable[Fault], new: Fault) -> tuple[Fault, ...]:
    """With the new one last; of a rule and an article there is one."""
    rest = {(one.rule, one.article): one for one in faults}
    before = rest.pop((new.rule, new.article), None)
    same = before is not None and before.version == new.version
    latest = replace(new, times=before.times + 1) if before is not None and same else new
    return (*rest.values(), latest)[-MOST:]


def split(faults: Iterable[Fault], rules: Mapping[str, Rule]) -> tuple[tuple[Fault, ...], frozenset[str]]:
    """Those whose rule stands as it was; and the articles of the others, which may go well now."""
    known = tuple(faults)
    left = tuple(one for one in known if one.is_of(rules))
    return left, frozenset(one.article for one in known if one not in left)


def plain(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """They, for programs, oldest first."""
    return [
        {
            "rule": one.rule,
            "version": one.version,
            "article": one.article[:LONGEST],
            "reason": one.reason[:LONGEST],
            "at": one.at.isoformat(timespec="seconds"),
            "times": one.times,
        }
        for one in faults
    ]


def read(given: Any) -> tuple[Fault, ...]:
    """They again. Raises KeyError, TypeError or ValueError where they cannot be read."""
    return tuple(
        Fault(
            rule=str(one["rule"]),
            version=str(one["version"]),
            article=str(one["article"]),
            reason=str(one["reason"]),
            at=datetime.fromisoformat(one["at"]).astimezone(UTC),
            times=int(one["times"]),
        )
        for one in given
    )
