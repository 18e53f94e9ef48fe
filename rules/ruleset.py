"""All rules together: an article in, its matches out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rules.article import Article
from rules.evidence import Clause, Evidence, Finding, Hit, Match
from rules.fold import vocabulary
from rules.later import later
from rules.problems import Problem
from rules.reading import Reading, Sentence
from rules.rule import Label, Rule

_MOST_HITS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What could be found in an article: the matches, and by id the rules that could not say, and why."""

    matches: tuple[Match, ...]
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that were loaded without an error. `warnings` are what could be better about them."""

    rules: tuple[Rule, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def match(self, article: Article, *, ended: bool = False) -> list[Match]:
        """The rules that the article satisfies, in the order they are written; deprecated rules are not asked.

        `ended`: also those that it would satisfy were not all that it names called off, which the match keeps apart as `later`.
        """
        reading = Reading(article)
        asked = [rule for rule in self.rules if rule.status != "deprecated" and rule.when.possible(reading.vocabulary)]
        return [one for rule in asked if reading.sentences and (one := _match(rule, reading, ended=ended)) is not None]

    def attempt(
        self,
        article: Article,
        *,
        ended: bool = False,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
        asking: Callable[[str], None] | None = None,
    ) -> Found:
        """As `match`, where a rule that raises costs its own match and no other.

        `only` these rules are asked, none of `besides`; `asking` is told of each before it is asked, for one that never answers.
        """
        reading = Reading(article)
        found: list[Match | None] = []
        broken: dict[str, str] = {}
        for rule in self.rules:
            if rule.status == "deprecated" or rule.id in besides or (only is not None and rule.id not in only):
                continue
            if asking is not None:
                asking(rule.id)
            try:
                if rule.when.possible(reading.vocabulary) and reading.sentences:
                    found.append(_match(rule, reading, ended=ended))
            except Exception as error:  # noqa: BLE001 - whatever one rule does with it is nothing to the others
                broken[rule.id] = f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Found(tuple(one for one in found if one is not None), broken)

    def possible(self, *texts: str) -> bool:
        """Whether any rule could match an article made of these texts, or of parts of them: cheap, and never wrongly no."""
        words = frozenset().union(*map(vocabulary, texts))
        return any(rule.status != "deprecated" and rule.when.possible(words) for rule in self.rules)

    def explain(self, article: Article) -> list[tuple[Rule, Clause]]:
        """For every rule, why the article satisfies it or does not: the same evaluation, told clause by clause."""
        reading = Reading(article)
        if not reading.sentences:
            nothing = "the article has no text, or none but the site's own"
            return [(rule, Clause(says=rule.when.describe(), evidence=None, why=nothing, near=0.0)) for rule in self.rules]
        return [(rule, rule.when.explain(reading, reading.sentences)) for rule in self.rules]

    def rule(self, id: str) -> Rule:
        """The rule of this id; raises KeyError."""
        return {rule.id: rule for rule in self.rules}[id]


def _match(rule: Rule, reading: Reading, *, ended: bool) -> Match | None:
    evidence = rule.when.search(reading, reading.sentences)
    gone = later(rule.when, reading, reading.sentences) if ended else None
    if evidence is None and gone is None:
        return None
    found = findings(evidence, reading, rule.labels) if evidence is not None else ()
    off = findings(gone, reading, rule.labels) if gone is not None else ()
    known = set(map(_said, found))
    return Match(
        rule=rule.id, article=reading.article.id, findings=found, later=tuple(one for one in off if _said(one) not in known)
    )


def findings(evidence: Evidence, reading: Reading, labels: Sequence[Label] = ()) -> tuple[Finding, ...]:
    """What a condition found, as findings: its own, or the sentence that holds most of the hits. Labels and captures are added."""
    found = _each_once(evidence.findings) or (_ordinary(evidence, reading),)
    if not labels and not evidence.captures:
        return found
    return tuple(
        replace(one, captures={**evidence.captures, **one.captures}, labels={**_read_off(one, reading, labels), **one.labels})
        for one in found
    )


def _each_once(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Without those that say the same of the same sentence, as two branches of a condition may."""
    kept: dict[tuple[object, ...], Finding] = {}
    for one in found:
        kept.setdefault(_said(one), one)
    return tuple(kept.values())


def _said(one: Finding) -> tuple[object, ...]:
    """What a finding says, and where."""
    return one.field, one.start, *sorted(one.captures.items(), key=str), *sorted(one.labels.items(), key=str)


def _read_off(finding: Finding, reading: Reading, labels: Sequence[Label]) -> dict[str, str | None]:
    sentence = next(one for one in reading.sentences if (one.section.field, one.start) == (finding.field, finding.start))
    words = sentence.section.words
    return {
        label.name: next((value for value, wanted in label.values if wanted.search(words, sentence.lo, sentence.hi)), None)
        for label in labels
    }


def _ordinary(evidence: Evidence, reading: Reading) -> Finding:
    hits = tuple(dict.fromkeys(evidence.hits))[:_MOST_HITS]
    best = max(reading.sentences, key=lambda one: (len({h.text.casefold() for h in hits if _inside(h, one)}), -one.number))
    return Finding(field=best.section.field, start=best.start, end=best.end, text=best.text, hits=hits)


def _inside(hit: Hit, sentence: Sentence) -> bool:
    return hit.field == sentence.section.field and sentence.start <= hit.start and hit.end <= sentence.end
