"""All rules together: an article in, its matches out."""

from __future__ import annotations

from dataclasses import dataclass

from rules.article import Article
from rules.evidence import Evidence, Finding, Hit, Match
from rules.problems import Problem
from rules.reading import Reading, Sentence
from rules.rule import Rule

_MOST_HITS = 20


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that were loaded without an error. `warnings` are what could be better about them."""

    rules: tuple[Rule, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def match(self, article: Article) -> list[Match]:
        """The rules that the article satisfies, in the order they are written; deprecated rules are not asked."""
        reading = Reading(article)
        if not reading.sentences:
            return []
        found = []
        for rule in self.rules:
            if rule.status != "deprecated" and rule.when.possible(reading.vocabulary):
                evidence = rule.when.search(reading, reading.sentences)
                if evidence is not None:
                    found.append(Match(rule=rule.id, article=article.id, findings=findings(evidence, reading)))
        return found

    def rule(self, id: str) -> Rule:
        """The rule of this id; raises KeyError."""
        return next(rule for rule in self.rules if rule.id == id) if any(rule.id == id for rule in self.rules) else _missing(id)


def _missing(id: str) -> Rule:
    raise KeyError(id)


def findings(evidence: Evidence, reading: Reading) -> tuple[Finding, ...]:
    """What a condition found, as findings: its own, or the sentence that holds most of the hits."""
    if evidence.findings:
        return evidence.findings
    hits = tuple(dict.fromkeys(evidence.hits))[:_MOST_HITS]
    sentence = max(reading.sentences, key=lambda one: (len({h.text.casefold() for h in hits if _inside(h, one)}), -one.number))
    return (Finding(field=sentence.section.field, start=sentence.start, end=sentence.end, text=sentence.text, hits=hits),)


def _inside(hit: Hit, sentence: Sentence) -> bool:
    return hit.field == sentence.section.field and sentence.start <= hit.start and hit.end <= sentence.end
