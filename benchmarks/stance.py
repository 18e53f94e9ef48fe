"""How right `stance` is on labelled articles: accuracy, macro-F1, the baseline of the commonest stance, and who is taken for whom.

    python benchmarks/stance.py ARTICLES.jsonl [--half tune|held] [--misses]    # labels as in the corpus guide

Two figures. `rule`: each finding of the shipped rule in a sentence that is labelled. `report`: each labelled sentence in which somebody is
reported to say something, whatever about (`about` left out) and whenever; the speaker is from the shipped list where one is, else anybody.
`--misses` prints the errors, of the tune half only: the other half is there to be measured, not read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from corpus import ROOT, article, half_of, rows_of
from quality import sentences

import rules
from rules import Finding, Match
from rules.speech.stance import STANCES

Row = dict[str, Any]
Read = tuple[str, str | None, Finding]  # as labelled, as read, and off what


def main() -> int:
    """Measures the articles that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--half", choices=("tune", "held"))
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    rows = [
        row for row in rows_of(given.articles) if row["label"]["statement"] == "yes" and given.half in (None, half_of(row["id"]))
    ]
    ruleset = asking()
    matches = [(row, {match.rule: match for match in ruleset.match(article(row))}) for row in rows]
    for name, read in (("rule", by_rule), ("report", by_report)):
        found = [one for row, by_name in matches for one in read(row, by_name)]
        print(report(name, found))
        if given.misses and given.half == "tune":
            print("\n".join(missed(found)))
    return 0


def asking() -> rules.RuleSet:
    """The shipped rule, and two that ask only who speaks."""
    told = yaml.safe_load((ROOT / "rules.yaml").read_text(encoding="utf-8"))
    asked = [one for one in told["rules"] if one["id"] == "kremlin-on-negotiations"]
    anything = {"time": "any", "kind": ["direct", "mixed", "indirect", "second-hand"]}
    for name, who in (("theirs", "$russian-state"), ("anybody's", "any")):
        asked.append({"id": name.replace("'", ""), "when": {"statement": {"by": who, **anything}}})
    return rules.load({"stance": json.dumps({"lists": told["lists"], "rules": asked}).encode()}, "stance")


def by_rule(row: Row, matches: dict[str, Match]) -> list[Read]:
    """Every finding of the shipped rule in a labelled sentence."""
    match = matches.get("kremlin-on-negotiations")
    found = [(label, one) for one in (match.findings if match else ()) if (label := labelled(row, one))]
    return [(label, one.labels["stance"], one) for label, one in found]


def by_report(row: Row, matches: dict[str, Match]) -> list[Read]:
    """The best report of each labelled sentence."""
    found: dict[int, Read] = {}
    for name in ("theirs", "anybodys"):
        mine: dict[int, Read] = {}
        for one in matches[name].findings if name in matches else ():
            for n in sorted(sentences(row, one) & wanted(row).keys() - found.keys() - mine.keys()):
                mine[n] = (wanted(row)[n], one.labels["stance"], one)
        found |= mine
    return list(found.values())


def wanted(row: Row) -> dict[int, str]:
    """The stance of each labelled sentence."""
    return dict(zip(row["label"]["statement_sents"], row["label"]["stances"], strict=False))


def labelled(row: Row, one: Finding) -> str | None:
    """The stance that the sentence of a finding is labelled with, if it is."""
    labels = wanted(row)
    return next((labels[n] for n in sorted(sentences(row, one)) if n in labels), None)


def report(name: str, found: list[Read]) -> str:
    """The figures, in lines."""
    pairs = Counter((label, read) for label, read, _ in found)
    labels = Counter(label for label, _, _ in found)
    right, all_ = sum(pairs[one, one] for one in STANCES), len(found) or 1
    commonest, most = labels.most_common(1)[0] if labels else ("-", 0)
    baseline = f"always {commonest!r} has {most / all_:.3f}"
    lines = [
        f"{name}: accuracy {right / all_:.3f} ({right}/{len(found)}), macro-F1 {macro(pairs):.3f}; {baseline}",
        f"  {'labelled as':12}" + "".join(f"{one:>12}" for one in STANCES) + "  <- read as",
    ]
    return "\n".join(lines + [f"  {one:12}" + "".join(f"{pairs[one, read]:12}" for read in STANCES) for one in STANCES])


def macro(pairs: Counter[tuple[str, str | None]]) -> float:
    """The mean F1 of the stances that are labelled at all."""
    scores = []
    for one in STANCES:
        said = sum(n for (label, _), n in pairs.items() if label == one)
        read = sum(n for (_, mine), n in pairs.items() if mine == one)
        if said:
            scores.append(2 * pairs[one, one] / (said + read))
    return sum(scores) / (len(scores) or 1)


def missed(found: list[Read]) -> list[str]:
    """The errors, a line each."""
    return [
        f"    {label} read as {read} | {one.captures['cue']} | {' '.join((one.captures['content'] or one.text).split())[:400]}"
        for label, read, one in found
        if label != read
    ]


if __name__ == "__main__":
    sys.exit(main())
