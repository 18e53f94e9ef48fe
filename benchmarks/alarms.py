"""How many alarms are false: every match of the shipped rules on streams of news, against verdicts that people gave on reading them.

    python benchmarks/alarms.py ../shared/corpus/rss_items.jsonl
    python benchmarks/alarms.py ../shared/corpus/headlines.jsonl --source TASS
    ... --unread        # matches without a verdict, one JSON line each, to be read

Verdicts are kept in benchmarks/labels/alarms.jsonl: the item's id, the rule, and whether the alarm was right, no text. Days are those
on which the stream has items; items a day are the stream's own, so that the alarms of another stream can be estimated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from corpus import ROOT, article, rows_of, shipped

import rules
from rules import Article

VERDICTS = ROOT / "benchmarks/labels/alarms.jsonl"


def main() -> int:
    """Counts the alarms of a stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=Path)
    parser.add_argument("--source", default="", help="only items whose source begins so")
    parser.add_argument("--unread", action="store_true")
    given = parser.parse_args()
    items = [article(row) for row in rows_of(given.items) if row["source"].startswith(given.source)]
    known = {(row["id"], row["rule"]): row["right"] for row in rows_of(VERDICTS)} if VERDICTS.exists() else {}
    ruleset = shipped()
    told = [(item, match) for item in items for match in ruleset.match(item)]
    if given.unread:
        for item, match in told:
            if (item.id, match.rule) not in known:
                print(json.dumps(_shown(item, match), ensure_ascii=False))
        return 0
    days = _days(items)
    print(f"{len(items)} items in {days:.0f} days, {len(items) / days:.0f} a day")
    for rule in ruleset.rules:
        counted = Counter(known.get((item.id, match.rule)) for item, match in told if match.rule == rule.id)
        read = counted[True] + counted[False]
        print(
            f"{rule.id}: {counted.total()} alarms, {counted.total() / days:.2f} a day, {1000 * counted.total() / len(items):.1f} in 1,000 items;"
            f" read {read}, right {counted[True]} ({counted[True] / (read or 1):.1%})"
        )
    return 0


def _days(items: list[Article]) -> float:
    """Days on which something was published."""
    return len({item.published.date() for item in items if item.published}) or 1


def _shown(item: Article, match: rules.Match) -> dict[str, Any]:
    one = match.findings[0]
    values = {key: value for key, value in {**one.captures, **one.labels}.items() if value and key != "content"}
    return {
        "id": item.id,
        "rule": match.rule,
        "published": str(item.published),
        "title": item.title,
        "summary": item.summary,
        **values,
    }


if __name__ == "__main__":
    sys.exit(main())
