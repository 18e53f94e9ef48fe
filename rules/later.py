"""What an article says later of events that a rule told of: that they are called off, which by itself matches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rules.conditions.base import Condition
from rules.conditions.counts import All, Any, AtLeast
from rules.conditions.mention import Mention
from rules.conditions.scopes import Scope
from rules.evidence import Evidence
from rules.reading import Reading, Sentence


def later(condition: Condition, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
    """What a condition would find within these sentences, were it not called off; whatever else it asks must hold."""
    if isinstance(condition, Mention):
        return condition.later(reading, within)
    if isinstance(condition, Scope):
        return _together([later(condition.inner, reading, group) for group in condition.groups(reading, within)])
    if isinstance(condition, Any):
        return _together([later(part, reading, within) for part in condition.parts])
    if isinstance(condition, All):
        return _enough(condition.parts, len(condition.parts), reading, within)
    return _enough(condition.parts, condition.count, reading, within) if isinstance(condition, AtLeast) else None


def _together(found: Sequence[Evidence | None]) -> Evidence | None:
    held = [one for one in found if one is not None]
    return sum(held[1:], held[0]) if held else None


def _enough(parts: Sequence[Condition], count: int, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
    """Of several that must hold, what is called off; of those that hold as they are, only what they captured."""
    off = [later(part, reading, within) for part in parts]
    if not any(off):
        return None
    held = [part.search(reading, within) for part, gone in zip(parts, off, strict=True) if gone is None]
    besides = [replace(one, findings=()) for one in held if one is not None]
    return _together([*off, *besides]) if sum(map(bool, off)) + len(besides) >= count else None
