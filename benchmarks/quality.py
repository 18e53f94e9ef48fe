"""How right `statement` and `mention` are: on the blind cases of tests/golden/cases.yaml, and on labelled articles.

    python benchmarks/quality.py cases [--misses]
    python benchmarks/quality.py labelled ARTICLES.jsonl [--misses]    # labels as in the corpus guide

Prints precision, recall and F1; `--misses` also what went wrong, one line each.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

import rules
from rules import Article, Finding
from rules.conditions import Context, parse
from rules.conditions.base import names
from rules.reading import Reading
from rules.spec import Notes, read

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cases", "labelled"))
    parser.add_argument("articles", nargs="?", type=Path)
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    failed = cases() if given.what == "cases" else labelled(given.articles)
    if given.misses:
        print("\n".join(failed))
    return 0


# Blind cases


def cases() -> list[str]:
    """Every case of the file; returns what is wrong, a line each."""
    data = yaml.safe_load((ROOT / "tests/golden/cases.yaml").read_text(encoding="utf-8"))
    failed = {
        kind: {case["id"]: why for case in data[kind] if (why := check(kind, case, data))} for kind in ("statements", "mentions")
    }
    for kind, wrong in failed.items():
        hard = {case["id"] for case in data[kind] if case.get("hard")}
        total, plain = len(data[kind]), len(data[kind]) - len(hard)
        print(
            f"{kind}: {total - len(wrong)} of {total} right; without the hard ones {plain - len(wrong.keys() - hard)} of {plain}"
        )
    return [
        f"{name}{' (hard)' if any(c['id'] == name and c.get('hard') for c in data[kind]) else ''}: {why}"
        for kind, wrong in failed.items()
        for name, why in wrong.items()
    ]


def check(kind: str, case: dict[str, Any], data: dict[str, Any]) -> str:
    """What is wrong with one case; nothing where it is right."""
    return _statement(case, data) if kind == "statements" else _mention(case, data)


def condition(text: dict[str, Any], data: dict[str, Any]) -> Any:
    """A condition on the file's own lists."""
    notes = Notes()
    who: dict[str, Any] = {
        name: {"any": written, "except": ["The Moscow Times"]} if name == "Russia" else written
        for name, written in data["speakers"].items()
    }
    who["officials"] = {"office": data["offices"], "of": ["Russia", "Kremlin", "Russian Foreign Ministry"]}
    lists = read(json.dumps({"who": who, "about": data["about"], "of": data["of"]}).encode(), "lists", notes)
    assert lists is not None
    context = Context({})
    found = {
        "who": names(lists.mapping()["who"]),
        "about": context.terms(lists.mapping()["about"]),
        "of": context.terms(lists.mapping()["of"]),
    }
    spec = read(json.dumps(text).encode(), "case", notes)
    assert spec is not None
    made = parse(spec, Context(found))  # type: ignore[arg-type]
    notes.settle()
    return made


_made: dict[str, Any] = {}


def found(case: dict[str, Any], rule: dict[str, Any], data: dict[str, Any]) -> list[Finding]:
    """The findings of a condition in a case's text."""
    key = json.dumps(rule)
    if key not in _made:
        _made[key] = condition(rule, data)
    published = (
        datetime.fromisoformat(f"{case['published']}T12:00:00+00:00")
        if case.get("published") and len(str(case["published"])) == 10
        else (datetime.fromisoformat(str(case["published"])) if case.get("published") else None)
    )
    article = Article(
        id=case["id"],
        title=case["text"] if case.get("field") == "title" else "",
        body="" if case.get("field") == "title" else case["text"],
        published=published,
    )
    reading = Reading(article)
    evidence = _made[key].search(reading, reading.sentences)
    return list(evidence.findings) if evidence else []


def _statement(case: dict[str, Any], data: dict[str, Any]) -> str:
    got = found(case, {"statement": {"by": "$who", "about": "$about"}}, data)
    wrong = [f"unexpected {_shown(one)}" for one in got if not any(_agrees(one, wanted) for wanted in case["expect"])]
    missing = [
        f"missing {wanted}"
        for wanted in case["expect"]
        if wanted.get("required", True) and not any(_agrees(one, wanted) for one in got)
    ]
    return "; ".join(wrong + missing)


def _agrees(one: Finding, wanted: dict[str, Any]) -> bool:
    if wanted["contains"] not in one.text and wanted["contains"] not in " ".join(one.text.split()):
        return False
    values = {**one.captures, **one.labels}
    if "speaker_has" in wanted:
        speaker = (values["speaker"] or "").casefold()
        if not any(word.casefold() in speaker for word in _listed(wanted["speaker_has"])):
            return False
    return all(_fits(values.get(key), wanted[key]) for key in wanted if key not in ("contains", "required", "speaker_has"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(value: str | None, wanted: Any) -> bool:
    return any(
        (one is None and value is None) or (one is not None and value is not None and str(one).casefold() == value.casefold())
        for one in _listed(wanted)
    )


def _mention(case: dict[str, Any], data: dict[str, Any]) -> str:
    full = {"mention": {"of": "$of", "time": "upcoming", "status": ["planned", "proposed"], "with": ["date", "place", "ordinal"]}}
    fires, everything = found(case, full, data), found(case, {"mention": {"of": "$of"}}, data)
    wrong = []
    if bool(fires) != any(wanted.get("fires") for wanted in case["expect"]):
        wrong.append(f"{'fires' if fires else 'does not fire'}: {[_shown(one) for one in everything]}")
    for wanted in case["expect"]:
        if "time" not in wanted and "place" not in wanted:
            continue
        at = case["text"].find(wanted["of"])
        mine = [one for one in everything if any(h.start < at + len(wanted["of"]) and at < h.end for h in one.hits)]
        if not mine:
            wrong.append(f"missing {wanted}")
        elif not any(_event_agrees(one, wanted) for one in mine):
            wrong.append(f"{[_shown(one) for one in mine]} is not { ({k: v for k, v in wanted.items() if k != 'fires'}) }")
    return "; ".join(wrong)


def _event_agrees(one: Finding, wanted: dict[str, Any]) -> bool:
    values = {**one.captures, **one.labels}
    for key in ("place", "time", "status", "ordinal", "refused_by"):
        if key in wanted and not _fits(values.get(key), wanted[key]):
            return False
    return "date" not in wanted or days(values.get("date")) in [days(one) for one in _listed(wanted["date"])]


def days(value: Any) -> tuple[str, str] | None:
    """The first and last day that an ISO 8601 date, month or range covers."""
    if value is None:
        return None
    first, _, last = str(value).partition("/")
    last = last or first
    if len(first) == 7:
        start = date.fromisoformat(first + "-01")
        return start.isoformat(), ((start + timedelta(32)).replace(day=1) - timedelta(1)).isoformat()
    return first, last


def _shown(one: Finding) -> str:
    values = {
        k: v for k, v in {**one.captures, **one.labels}.items() if v and k not in ("content", "cue", "via", "as", "when", "kind")
    }
    return f"{values} | {one.text[:110]}"


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
                    failed.append(f"{rule} wrong evidence {row['id']}: {_shown(got[0])}")
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
            failed.append(f"{rule} false {row['id']}: {_shown(got[0])}")
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
