"""How right `statement` and `mention` are: on the blind cases of tests/golden/cases.yaml, and on labelled articles.

    python benchmarks/quality.py cases [--misses]
    python benchmarks/quality.py labelled ARTICLES.jsonl [--misses]    # labels as in the corpus guide

Prints precision, recall and F1; `--misses` also what went wrong, one line each.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests/golden")]

from checking import cases, shown  # noqa: E402 - found beside the tests that share it

import rules  # noqa: E402
from rules import Article, Finding  # noqa: E402


def main() -> int:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cases", "labelled"))
    parser.add_argument("articles", nargs="?", type=Path)
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    failed = blind() if given.what == "cases" else labelled(given.articles)
    if given.misses:
        print("\n".join(failed))
    return 0


# Blind cases


def blind() -> list[str]:
    """Every case of the file; returns what is wrong, a line each."""
    known = cases()
    lines = []
    for kind in ("statements", "mentions"):
        told = known.data[kind]
        wrong = {case["id"]: why for case in told if (why := known.wrong(kind, case))}
        hard = {case["id"] for case in told if case.get("hard")}
        plain = len(told) - len(hard)
        print(
            f"{kind}: {len(told) - len(wrong)} of {len(told)} right; without the hard ones {plain - len(wrong.keys() - hard)} of {plain}"
        )
        lines += [f"{name}{' (hard)' if name in hard else ''}: {why}" for name, why in wrong.items()]
    return lines


# Labelled articles


def labelled(path: Path) -> list[str]:
    """The shipped rules on labelled articles; returns the errors, a line each."""
    ruleset = rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    matches = [{match.rule: match.findings for match in ruleset.match(article(row))} for row in rows]
    failed = []
    for rule, question in (("kremlin-on-negotiations", "statement"), ("summit-announced", "announcement")):
        failed += _score(rule, question, rows, matches)
    return failed


def article(row: dict[str, Any]) -> Article:
    """A row as an article; a date that is only a year is none."""
    written = str(row.get("published") or "")
    published = datetime.fromisoformat(written) if len(written) >= 10 else None
    if published and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Article(id=row["id"], title=row["title"] or "", body=row["text"], source=row["source"], published=published)


def _score(rule: str, question: str, rows: list[dict[str, Any]], matches: list[dict[str, Any]]) -> list[str]:
    hit = miss = false = right = main = main_missed = 0
    stances = [0, 0]
    failed = []
    for row, found_by in zip(rows, matches, strict=True):
        label, got = row["label"], found_by.get(rule)
        if label[question] == "yes":
            hit, miss = hit + bool(got), miss + (not got)
            if label.get(f"{question}_main"):
                main += 1
                main_missed += not got
            wanted = label[f"{question}_sents"]
            if got:
                first = _sentences(row, got[0])
                good = bool(first & set(wanted))
                right += good
                if not good:
                    failed.append(f"{rule} wrong evidence {row['id']}: {shown(got[0])}")
                elif question == "statement":
                    n = next(k for k, s in enumerate(wanted) if s in first)
                    stances[0] += got[0].labels["stance"] == label["stances"][n]
                    stances[1] += 1
            else:
                failed.append(
                    f"{rule} missed {row['id']} {row['title'][:60] if row['title'] else ''}: {[_text(row, s)[:200] for s in wanted[:2]]}"
                )
        elif label[question] == "no" and got:
            false += 1
            failed.append(f"{rule} false {row['id']}: {shown(got[0])}")
    precision, recall = hit / (hit + false or 1), hit / (hit + miss or 1)
    print(
        f"{rule}: precision {precision:.3f} recall {recall:.3f} F1 {2 * precision * recall / (precision + recall or 1):.3f}"
        f" (hit {hit}, missed {miss}, false {false}); first evidence right {right}/{hit}; main news missed {main_missed}/{main}"
        + (f"; stance right {stances[0]}/{stances[1]}" if question == "statement" else "")
    )
    return failed


def _text(row: dict[str, Any], n: int) -> str:
    if n == 0:
        return row["title"] or ""
    start, end = row["sentences"][n - 1] if n <= len(row["sentences"]) and row["sentences"][n - 1] else (0, 0)
    return str(row["text"][start:end])


def _sentences(row: dict[str, Any], one: Finding) -> set[int]:
    if one.field == "title":
        return {0}
    return {n for n, span in enumerate(row["sentences"], 1) if span and span[0] < one.end and one.start < span[1]}


if __name__ == "__main__":
    sys.exit(main())
