"""An alert's title: the rule's, with its blanks filled in. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_VALUE = 200
_BLANK = re.compile(r"\{([\w-]+)\}")
_UNKNOWN = {"stance": "stance unclear", "status": "status unclear", "time": "time unclear", "ordinal": "number not given"}


def headline(title: str, values: Mapping[str, str | None]) -> str:
    """A rule's title with its blanks filled in: "Talks announced: Malta", or "Talks announced: place not named".

    Plain substitution: a value is text from outside, and nothing in it is ever evaluated or filled in again.
    """
    return _BLANK.sub(lambda blank: _filling(blank[1], values.get(blank[1])), title)


def _filling(name: str, value: str | None) -> str:
    said = " ".join((value or "").split())
    if not said:
        return _UNKNOWN.get(name, f"{name.replace('_', ' ')} not named")
    return said if len(said) <= LONGEST_VALUE else said[: LONGEST_VALUE - 1] + "…"
