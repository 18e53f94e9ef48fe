"""What the benchmarks share: the rules that we ship, rows of the corpus as articles, and the halves that these are split into."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import rules  # noqa: E402 - found beside this folder, installed or not
from rules import Article  # noqa: E402

_DAY = len("2026-05-13")


def shipped() -> rules.RuleSet:
    """The rules that we ship."""
    return rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file."""
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


def article(row: dict[str, Any]) -> Article:
    """A row as an article; a date that is only a year is none."""
    written = str(row.get("published") or row.get("first_seen") or "")
    published = datetime.fromisoformat(written) if len(written) >= _DAY else None
    if published and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Article(
        id=row["id"],
        title=row["title"] or "",
        summary=row.get("summary") or "",
        body=row.get("text") or "",
        source=row["source"],
        published=published,
    )


def half_of(name: str) -> str:
    """The half of the articles that one belongs to, by its id: tune or held."""
    return "held" if int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 2 else "tune"
