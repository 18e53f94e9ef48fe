"""What is saved by reading only those pages on which a rule could find anything.

    python benchmarks/prefilter.py CORPUS

CORPUS is a folder with `gold.jsonl`, one object a line: `file`, `url`. Prints, for the rules that we ship and for others that are broad,
how many pages are not read, and the CPU time of a page with and without looking first; and whether the same articles match.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpus import rows_of, shipped

import rules
from monitor import pages
from monitor.errors import Unreadable
from rules import Article, RuleSet

_RUNS = 3
_OTHERS = {
    "a rare word": "[zeppelin]",
    "a name": "[Zelensky, Zelenskyy]",
    "a topic": "{all: [[talks, negotiat*, summit], [ceasefire, truce, peace]]}",
    "a broad topic": "[war, court, police, election*]",
    "anything": "{none: [zeppelin]}",
}


@dataclass(frozen=True, slots=True)
class Saved:
    """A page as it was saved."""

    body: bytes
    url: str


def main(corpus: Path) -> None:
    """Prints a line for every set of rules."""
    saved = [Saved((corpus / row["file"]).read_bytes(), row["url"]) for row in rows_of(corpus / "gold.jsonl")]
    print(
        f"{len(saved)} pages, {sum(len(one.body) for one in saved) / len(saved) / 1000:.0f} kB each; CPU ms a page, best of {_RUNS}"
    )
    every = _measured(saved, lambda one: pages.extract(one.body, url=one.url))
    seen = _measured(saved, lambda one: pages.visible(one.body))
    print(f"every page is read: {every:.1f}; only its visible text is taken: {seen:.1f}")
    chosen = {"the shipped rules": shipped(), **{name: _rule(when) for name, when in _OTHERS.items()}}
    for name, ruleset in chosen.items():
        first = _measured(saved, partial(_first, ruleset))
        unread = sum(_first(ruleset, one) is None for one in saved)
        same = all(_matches(ruleset, _first(ruleset, one)) == _matches(ruleset, _always(one)) for one in saved)
        print(f"{name:18} {unread:3} of {len(saved)} not read  {first:5.1f} ms  {first / every:4.2f} of reading all  ", end="")
        print("same matches" if same else "OTHER MATCHES")


def _rule(when: str) -> RuleSet:
    return rules.load({"rules.yaml": f"rules: [{{id: it, when: {when}}}]".encode()}, "rules.yaml")


def _first(ruleset: RuleSet, one: Saved) -> pages.Page | None:
    try:
        return pages.read(one.body, url=one.url, ruleset=ruleset)
    except Unreadable:
        return None


def _always(one: Saved) -> pages.Page | None:
    try:
        return pages.extract(one.body, url=one.url)
    except Unreadable:
        return None


def _matches(ruleset: RuleSet, page: pages.Page | None) -> object:
    return ruleset.match(Article(id="it", title=page.title, body=page.text, published=page.published)) if page else []


def _measured(saved: list[Saved], ask: Callable[[Saved], object]) -> float:
    """CPU milliseconds a page, the best of several runs: others may use the machine."""
    return min(_seconds(saved, ask) for _ in range(_RUNS)) * 1000 / len(saved)


def _seconds(saved: list[Saved], ask: Callable[[Saved], object]) -> float:
    began = time.process_time()
    for one in saved:
        ask(one)
    return time.process_time() - began


if __name__ == "__main__":
    main(Path(sys.argv[1]))
