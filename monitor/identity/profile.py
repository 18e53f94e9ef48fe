"""What an article is about, in few weighted words: how two reports of one event are known, whatever sentences they begin with.

Chosen by measurement (`python benchmarks/events.py CLUSTERS`): the words of the headline and of the sentence found, three times
each, and the first 150 of the text; how often a word occurs counts by its logarithm. Names weighted up made
it worse (those of the day stand in the reports of all its events), numbers changed nothing, nor did weights by how many open events
have a word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from monitor.identity.gist import stems

if TYPE_CHECKING:
    from rules import Article, Finding

Profile = Mapping[str, float]
"""Stems with their weights, as a vector of length 1."""

TERMS = 60
"""Stems kept of an article: the weightiest."""

WORDS = 150
"""Words of the text that count. What comes later is background, which other events share."""

LETTERS = 12 * WORDS
"""Letters of the text that are looked at for them."""

WEIGHTY = 3
"""What a word of the headline or of the sentence found counts for: so many of the text."""


def profile(article: Article, finding: Finding) -> dict[str, float]:
    """The profile of an article, as far as it was found for this sentence."""
    told = Counter(stems(article.title))
    if finding.field != "title":
        told.update(stems(finding.text[:LETTERS]))
    counts = Counter({stem: WEIGHTY * count for stem, count in told.items()})
    counts.update(islice(stems(_text(article)), WORDS))
    return _unit({stem: 1 + math.log(count) for stem, count in counts.items()})


def resemblance(one: Profile, other: Profile) -> float:
    """How far two profiles are of one subject, 0 to 1: their cosine."""
    weight = other.get
    return min(1.0, sum(mine * weight(stem, 0.0) for stem, mine in one.items()))


def _text(article: Article) -> str:
    """The beginning of the text, without what the source prints under many articles."""
    parts, at = [article.summary[:LETTERS]], 0
    for start, end in article.site:
        parts.append(article.body[at : min(start, at + LETTERS)])
        at = max(at, end)
    return "\n".join((*parts, article.body[at : at + LETTERS]))[: 2 * LETTERS]


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    """The weightiest, in order, scaled to a vector of length 1; rounded, so that it is the same on every machine."""
    best = sorted(weights.items(), key=_weightiest)[:TERMS]
    length = math.sqrt(sum(weight * weight for _, weight in best)) or 1.0
    return {stem: round(weight / length, 4) for stem, weight in best}


def _weightiest(pair: tuple[str, float]) -> tuple[float, str]:
    return -round(pair[1], 6), pair[0]
