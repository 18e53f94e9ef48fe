"""How right `statement` and `mention` are: on the blind cases, on sentences of every modality, and on labelled articles.

    python benchmarks/quality.py cases [--misses]                      # tests/golden/cases.yaml
    python benchmarks/quality.py modality [--misses]                   # tests/golden/modality_*.yaml; misses of our half only
    python benchmarks/quality.py labelled ARTICLES.jsonl [--half tune|held] [--labels LABELS.jsonl] [--misses]

Articles are labelled as in the corpus guide, or by a file of labels (benchmarks/labels). `--half` takes the half of the articles that rules
were tuned on, or the other. Prints precision, recall and F1; `--misses` also what went wrong, one line each.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from corpus import ROOT, article, half_of, rows_of, shipped

from rules import Finding

sys.path[:0] = [str(ROOT / "tests/golden")]

from checking import cases, fires, modality, shown  # noqa: E402 - found beside the tests that share it

READ = 5_500  # code points of an article that its labels were read from


def main() -> int:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cases", "modality", "labelled"))
    parser.add_argument("articles", nargs="?", type=Path)
    parser.add_argument("--half", choices=("tune", "held"))
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    measures = {"cases": blind, "modality": moods, "labelled": lambda: labelled(_rows(given.articles, given.labels, given.half))}
    failed = measures[given.what]()
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


# Modality


def moods() -> list[str]:
    """Whether the shipped rule fires where it should, kind by kind, on both halves; returns the misses of our own half."""
    lines = []
    for whose in ("ours", "blind"):
        right: Counter[str] = Counter()
        told: Counter[str] = Counter()
        for case in modality(whose):
            good = fires(case) == case["fires"]
            kind = f"{case['kind']}{'+' if case['fires'] else '-'}"
            told[kind] += 1
            right[kind] += good
            if not good and whose == "ours":
                lines.append(f"{case['id']} {'does not fire' if case['fires'] else 'fires'}: {' '.join(case['text'].split())}")
        share = right.total() / told.total()
        print(f"{whose}: {right.total()} of {told.total()} right ({share:.1%})")
        print("  " + ", ".join(f"{kind} {right[kind]}/{told[kind]}" for kind in sorted(told)))
    return lines


# Labelled articles


def _rows(path: Path, labels: Path | None, half: str | None) -> list[dict[str, Any]]:
    rows = list(rows_of(path))
    if labels:
        known = {label["id"]: label for label in rows_of(labels)}
        rows = [_with_label(row, known[row["id"]]) for row in rows if row["id"] in known]
    return [row for row in rows if half in (None, half_of(row["id"]))]


def _with_label(row: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    """An article with a label of ours, in the shape of the corpus: the sentences that it names are numbered from 1, the title is 0."""
    spans: list[Any] = []
    numbered: dict[str, Any] = {}
    for question in ("statement", "announcement"):
        named = label.get(f"{question}_spans", [])
        numbered[f"{question}_sents"] = [0 if one == "title" else len(spans) + n for n, one in enumerate(named, 1)]
        spans += named
    places = [None if one == "title" else one for one in spans]
    return {**row, "text": row["text"][:READ], "sentences": places, "label": {**label, **numbered}}


def labelled(rows: list[dict[str, Any]]) -> list[str]:
    """The shipped rules on labelled articles; returns the errors, a line each."""
    ruleset = shipped()
    matches = [{match.rule: match.findings for match in ruleset.match(article(row))} for row in rows]
    failed = []
    for rule, question in (("kremlin-on-negotiations", "statement"), ("summit-announced", "announcement")):
        failed += _score(rule, question, rows, matches)
    return failed


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
                first = sentences(row, got[0])
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


def sentences(row: dict[str, Any], one: Finding) -> set[int]:
    """The numbers of the labelled sentences that a finding shows; the title is 0."""
    if one.field == "title":
        return {0}
    return {n for n, span in enumerate(row["sentences"], 1) if span and span[0] < one.end and one.start < span[1]}


if __name__ == "__main__":
    sys.exit(main())
