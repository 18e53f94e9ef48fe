"""The engine's word lists: how people write, kept as data so that they can be read, checked and extended."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def table(name: str) -> dict[str, Any]:
    """The table `name`.yaml of this folder; each file's head says how it was made."""
    text = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - our own files; every scalar stays text
    return loaded
