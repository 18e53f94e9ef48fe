"""Alerts and matches for people to read on a terminal: the sentence that proves it, who said it, where they stand.

It renders the envelope that a webhook sends, so that what one reads is what a receiver gets. Text from outside is
stripped of everything that could steer a terminal.
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FACTS = ("speaker", "via", "stance", "kind", "parties", "refused_by", "place", "date", "ordinal", "name", "time", "status")
_WORDS = {"parties": "states", "refused_by": "refused by"}
_LEVELS = {"critical": "bright_red", "high": "red", "medium": "yellow", "low": "cyan"}
_ON, _OFF = "\ue000", "\ue001"  # stand for the marks of a hit while lines are wrapped; cleaning removes them from foreign text
_INDENT = "    "
_QUOTED = _INDENT + "> "


@dataclass(frozen=True, slots=True)
class Style:
    """How to write: with colour or with plain marks, and how wide."""

    colour: bool = False
    width: int = 100

    def paint(self, text: str, **how: Any) -> str:
        """The text, styled as click.style would, or as it is."""
        return click.style(text, **how) if self.colour else text

    def mark(self, text: str) -> str:
        """Wrapped text with its hits made to stand out."""
        on, off = ("\x1b[1;33m", "\x1b[0m") if self.colour else ("«", "»")
        return text.replace(_ON, on).replace(_OFF, off)


def alert(data: Mapping[str, Any], style: Style) -> str:
    """An alert: `data` is what its envelope holds under "data"."""
    rule = data["rule"]
    kind = "" if data["kind"] == "new" else f"  {style.paint(data['kind'], fg='magenta')}"
    level = style.paint(rule["level"].upper(), fg=_LEVELS.get(rule["level"]), bold=True)
    head = f"{level}  {style.paint(clean(data['title']), bold=True)}{kind}"
    lines = [head, _INDENT + style.paint(f"{rule['id']} · {_origin(data['article'])}", dim=True)]
    about = [_INDENT + clean(data["reason"])] if data.get("reason") else list(article(data["article"], style))
    return "\n".join([*lines, *about, *findings(data["findings"], style)]) + "\n"


def match(found: Mapping[str, Any], about: Mapping[str, Any], style: Style) -> str:
    """A match of one rule in one article, as `monitor match` finds it."""
    head = f"{style.paint(found['rule'], bold=True)}  {clean(found['article'])}"
    return "\n".join([head, *article(about, style), *findings(found["findings"], style)]) + "\n"


def article(about: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Its title and address, where it has them."""
    if about.get("title"):
        yield from textwrap.wrap(clean(about["title"]), style.width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    if about.get("url"):
        yield _INDENT + style.paint(clean(about["url"]), fg="blue", underline=True)


def findings(found: Iterable[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """Each finding: its sentence with the hits marked, and below it what was read off it."""
    for one in found:
        yield ""
        yield from _sentence(one, style)
        if elsewhere := [hit["text"] for hit in one["hits"] if not _within(one, hit)]:
            yield _fact("nearby", ", ".join(elsewhere), style)
        for name, value in _facts(one):
            yield _fact(name, value, style)


def clean(text: str) -> str:
    """One line, without control characters, escapes, and marks that reverse or hide text."""
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())


def count(number: int, thing: str, things: str = "") -> str:
    """How many: 1 source, 2 sources, 3 matches."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def _origin(about: Mapping[str, Any]) -> str:
    parts = (about.get("source") or about.get("id") or "", (about.get("published") or "")[:16].replace("T", " "))
    return " · ".join(clean(part) for part in parts if part) or "?"


def _sentence(one: Mapping[str, Any], style: Style) -> Iterator[str]:
    text, start = one["text"], one["start"]
    pieces, at = [], 0
    for low, high in _merged((hit["start"] - start, hit["end"] - start) for hit in one["hits"] if _within(one, hit)):
        pieces += [_kept(text[at:low]), _ON, _kept(text[low:high]), _OFF]
        at = high
    whole = " ".join("".join([*pieces, _kept(text[at:])]).split())
    for line in textwrap.wrap(whole, style.width, initial_indent=_QUOTED, subsequent_indent=_QUOTED):
        yield style.mark(line)


def _kept(text: str) -> str:
    """Cleaned, with white space at its ends as it was: pieces are joined again."""
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def _within(one: Mapping[str, Any], hit: Mapping[str, Any]) -> bool:
    same = hit.get("field", one["field"]) == one["field"]
    return bool(same and one["start"] <= hit["start"] < hit["end"] <= one["start"] + len(one["text"]))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _facts(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Who, stance, place, time …: first what readers look for, then whatever else a rule captured; the event last."""
    known = {**one["captures"], **one["labels"]}
    for name in (*_FACTS, *sorted(set(known) - {*_FACTS, "content", "cue"})):
        if known.get(name):
            yield _WORDS.get(name, name), known[name]
    if one.get("event"):
        yield "event", one["event"]


def _fact(name: str, value: str, style: Style) -> str:
    return f"{_INDENT}  {style.paint(f'{clean(name):<11}', dim=True)}{clean(value)}"
