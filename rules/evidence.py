"""What a condition found, and where: the answer type of the whole engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Hit:
    """A stretch of one field: `article.text(field)[start:end] == text`, counted in code points."""

    field: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One occurrence: the whole sentence that proves it, the words in it that did, and what was read off them.

    `hits` may lie outside the sentence (a topic in the sentence before, that "such talks" points back to).
    `captures` and `labels` hold strings, or None where the article does not say.
    """

    field: str
    start: int
    end: int
    text: str
    hits: tuple[Hit, ...] = ()
    captures: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str | None] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An article's findings for one rule, best first; empty only where somebody asked for `later` and there is some."""

    rule: str
    article: str
    findings: tuple[Finding, ...]
    later: tuple[Finding, ...] = ()
    """What it says is called off. They would be findings if it were not: they end events that are known, and open none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a condition holds; always true, even without hits (`none` finds nothing). Findings come from conditions that make them."""

    hits: tuple[Hit, ...] = ()
    findings: tuple[Finding, ...] = ()
    captures: Mapping[str, str | None] = dataclasses.field(default_factory=dict)

    def __add__(self, other: Evidence) -> Evidence:
        """Both together; of a value captured twice the first counts."""
        return Evidence(
            hits=self.hits + other.hits, findings=self.findings + other.findings, captures={**other.captures, **self.captures}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A condition as it was evaluated: what it says, why it holds (`evidence`) or does not (`why`), and its parts likewise.

    `near` is how much of it holds, from 0 to 1.
    """

    says: str
    evidence: Evidence | None
    why: str = ""
    near: float = 1.0
    parts: tuple[Clause, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the condition holds."""
        return self.evidence is not None
