"""How far a time rule lets an event's alerts through, before an article came and with it."""

from __future__ import annotations

from dataclasses import dataclass

HELD, LOWER, OPEN = range(3)
"""Nobody is told; somebody is, at a lower level; at the rule's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One time rule's word on an article: `before` it came and `now`, each one of HELD, LOWER, OPEN; `why` in a line for people."""

    before: int
    now: int
    why: str
