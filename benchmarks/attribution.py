"""How well `statement: {by: any}` finds who said what: on attributions as PolNeAR annotates them.

    python benchmarks/attribution.py QUOTES.jsonl [--split dev] [--every N] [--misses N]

A finding is right if at least half of its content's characters lie in one annotated content (the one it shares most with), and the head of
its speaker lies in that content's speaker: the last word of the name, or of the words that named the speaker there ("he", "the senator").
An annotated attribution is found if at least half of its content's characters lie in contents of findings with the right speaker. This is
the soft overlap of Johansson and Moschitti (2010), which Pareti (2015) uses for quotations, cut at one half: contents of several sentences,
which come out as several findings, count once each way.

PolNeAR annotates beliefs, wishes, deeds and evidence too ("thinks", "adopted the stance", "polls show"), which are no speech. Precision is
measured against every attribution that has a speaker, since to report one of those is no error; recall against those whose cue holds a verb
of speech (SPEECH below), or is only punctuation beside a quotation. Both are given apart by whether words stand in quotation marks and by how the
speaker is named: a name, a pronoun, or a description ("aides", "the campaign").
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import rules  # noqa: E402 - found beside it
from rules import Article, Finding  # noqa: E402

RULE = b"rules:\n  - id: said\n    title: said\n    when: {statement: {by: any, time: any, kind: [direct, mixed, indirect, second-hand]}}\n"
PRONOUNS = frozenset("he she they it i we you who which that his her their its my our your him them me us one this".split())
SMALL = PRONOUNS | frozenset(
    "the a an some many most others other several two three four both all no but and in on at mr mrs ms dr".split()
)
# Stems of verbs of communication, after VerbNet's classes of them (say, tell, advise, complain, promise, judge, characterize, manner of speaking).
SPEECH = re.compile(
    r"\b(sa(?:y|ys|id|ying)|t(?:ell|ells|old|elling)|speak|according|add(?:s|ed|ing)?|not(?:e|es|ed|ing)|announc|declar|stat(?:e|es|ed|ing)|claim|insist|"
    r"assert|argu|explain|ask|answer|repl(?:y|ies|ied)|respond|retort|quip|jok|wr(?:ite|ites|ote|itten|iting)|tweet|post(?:s|ed)|warn|caution|threaten|"
    r"promis|pledg|vow|sw(?:ear|ore)|predict|admit|acknowledg|conced|confess|confirm|den(?:y|ies|ied|ying)|reject|dismiss|refus|declin|"
    r"rul(?:e|es|ed|ing) out|"
    r"accus|blam|critici|condemn|denounc|slam|blast|mock|ridicul|prais|hail|thank|credit|congratulat|welcom|applaud|urg|call|demand|propos|"
    r"suggest|recommend|advis|offer|invit|agree|report|reveal|disclos|describ|character|dub|label|brand|repeat|reiterat|stress|emphasi|"
    r"underlin|underscor|point(?:s|ed|ing)? out|remark|observ|comment|mention|complain|lament|bemoan|boast|brag|maintain|contend|alleg|"
    r"recall|recount|conclud|exclaim|shout|yell|scream|chant|interject|chim|continu|went on|quot|cit(?:e|es|ed|ing)|inform|brief|assur|"
    r"remind|impl(?:y|ies|ied|ying)|hint|signal|indicat|testif|question|wonder|speculat|object|protest|oppos|apolog)"
)


@dataclass(frozen=True)
class Said:
    """An attribution, annotated or found: stretches of content, the speaker's words, and how it was written."""

    spans: tuple[tuple[int, int], ...]
    speakers: tuple[str, ...]
    kind: str
    cue: str = ""

    @property
    def size(self) -> int:
        """Characters of content."""
        return sum(hi - lo for lo, hi in self.spans)

    @property
    def named(self) -> str:
        """How the speaker is named here: name, pronoun, description or nobody."""
        words = re.findall(r"\w+", self.speakers[0])
        if not words:
            return "nobody"
        if len(words) == 1 and words[0].lower() in PRONOUNS:
            return "pronoun"
        return "name" if any(word[0].isupper() and word.lower() not in SMALL for word in words) else "description"

    @property
    def group(self) -> str:
        """What it is counted under."""
        kind = self.kind if self.kind in ("indirect", "second-hand") else "quoted"
        return f"{kind}, {self.named}"


def main() -> int:
    """Measures a file of annotated attributions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quotes", type=Path)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--every", type=int, default=1, help="only every nth article")
    parser.add_argument("--misses", type=int, default=0, help="show so many errors of each kind")
    parser.add_argument("--group", default="", help="only errors of this group")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.quotes.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["split"] == given.split][:: given.every]
    counts: Counter[tuple[str, str]] = Counter()
    failed: dict[str, list[str]] = {}
    for row in rows:
        for what, one, good in _judged(row):
            counts[(what, one.group)] += 1
            counts[(f"{what} right", one.group)] += good
            if not good and one.group.startswith(given.group):
                failed.setdefault(what, []).append(_shown(row, one))
    _print(counts)
    for what, lines in failed.items():
        step = max(1, len(lines) // given.misses) if given.misses else 0
        print("\n".join(f"{what}, {line}" for line in (lines[::step][: given.misses] if step else [])))
    return 0


def _print(counts: Counter[tuple[str, str]]) -> None:
    for group in sorted({group for what, group in counts if what in ("found", "said")}):
        of = {what: counts[(what, group)] for what in ("found", "found right", "said", "said right")}
        print(
            f"{group}: precision {of['found right'] / (of['found'] or 1):.3f} ({of['found right']}/{of['found']})"
            f" recall {of['said right'] / (of['said'] or 1):.3f} ({of['said right']}/{of['said']})"
        )


def _judged(row: dict[str, Any]) -> Iterator[tuple[str, Said, bool]]:
    """Each finding and each annotated attribution of speech, and whether it is right, or found."""
    gold = [_annotated(one) for one in _quotes(row)]
    ours = list(_found(row))
    pairs = [(one, _best(one, gold)) for one in ours]
    for one, other in pairs:
        if other is not None and _covered(one, [other]) and other.named == "nobody":
            continue
        yield "found", one, other is not None and _covered(one, [other]) and _same(one, other)
    for one in gold:
        if one.named != "nobody" and _is_speech(one):
            yield "said", one, _covered(one, [other for other in ours if _same(other, one)])


def _is_speech(one: Said) -> bool:
    return bool(SPEECH.search(one.cue.lower())) or (one.kind == "direct" and not re.search(r"\w", one.cue))


def _best(one: Said, gold: list[Said]) -> Said | None:
    return max(gold, key=lambda other: (_covered(one, [other]) and _same(one, other), _shared(one, [other])), default=None)


def _shared(one: Said, others: Iterable[Said]) -> int:
    inside = {k for other in others for lo, hi in other.spans for k in range(lo, hi)}
    return sum(k in inside for lo, hi in one.spans for k in range(lo, hi))


def _covered(one: Said, others: Iterable[Said]) -> bool:
    return bool(one.size) and _shared(one, others) >= one.size / 2


def _same(ours: Said, gold: Said) -> bool:
    """Whether the head of a name for our speaker, or of the words that named him there, lies in the annotated speaker."""
    theirs = set(re.findall(r"\w+", gold.speakers[0].lower()))
    return any((words := re.findall(r"\w+", one.lower())) and _head(words) in theirs for one in ours.speakers)


def _head(words: list[str]) -> str:
    """The last word before "of", "for", "in" …: "spokesman for the ministry" is a spokesman."""
    end = next(
        (k for k, word in enumerate(words) if k and word in ("of", "for", "in", "at", "to", "from", "with", "who")), len(words)
    )
    return words[end - 1]


def _quotes(row: dict[str, Any]) -> list[dict[str, Any]]:
    quotes = row["quotes"]
    return list(ast.literal_eval(quotes) if isinstance(quotes, str) else quotes)


def _annotated(one: dict[str, Any]) -> Said:
    spans = tuple((lo, hi) for lo, hi in one.get("spans") or [[one["start"], one["end"]]])
    return Said(spans, (one.get("speaker") or "",), one["type"], one.get("cue") or "")


def _found(row: dict[str, Any]) -> Iterator[Said]:
    published = datetime.fromisoformat(row["published"]).replace(tzinfo=UTC) if row.get("published") else None
    # The title is the body's first line.
    article = Article(id=row["id"], title="", body=row["text"], source=row["source"], published=published)
    for match in _ruleset().match(article):
        for one in match.findings:
            spans = tuple(_places(row["text"], one))
            speakers = tuple(str(one.captures[key]) for key in ("as", "speaker") if one.captures.get(key))
            if spans and speakers:
                yield Said(spans, speakers, one.captures["kind"] or "", one.captures["cue"] or "")


def _places(text: str, one: Finding) -> Iterator[tuple[int, int]]:
    """Where the pieces of a finding's content stand: the nearest places to its sentence."""
    for piece in (one.captures["content"] or "").split(" … "):
        inside = text.find(piece, one.start, one.end + len(piece))
        at = inside if inside >= 0 else text.rfind(piece, 0, one.end)
        at = at if at >= 0 else text.find(piece, one.start)
        if at >= 0 and piece:
            yield at, at + len(piece)


_cache: list[rules.RuleSet] = []


def _ruleset() -> rules.RuleSet:
    if not _cache:
        _cache.append(rules.load({"rules.yaml": RULE}, "rules.yaml"))
    return _cache[0]


def _shown(row: dict[str, Any], one: Said) -> str:
    lo, hi = one.spans[0][0], one.spans[-1][1]
    around = row["text"][max(0, lo - 150) : lo] + "[[" + row["text"][lo : min(hi, lo + 300)] + "]]" + row["text"][hi : hi + 100]
    return f"{one.group}: {one.speakers} {one.cue!r} {one.kind}: {' '.join(around.split())}"


if __name__ == "__main__":
    sys.exit(main())
