"""Whether two texts are copies of one another: sketches of their three-word runs, compared.

Copies are cut, get another headline, a dateline, the site's furniture; other reports of the same event share a quotation at most. What
stands in between are short texts with a standing wording ("Week in pictures"), and round-ups that have the article among others.
Measured (`python benchmarks/copies.py CORPUS --every 40 --only '^now$'`): 97.8 % of copies are known, 93 % with the three hardest
kinds (a teaser under a new headline: 18 %); none of 4,265 articles is merged with one of another event, 0.37 % of 2,137 feed items with
another item, some of which are the same news indeed; 15 % of round-ups are taken for an article in them.
What is taken for a copy wrongly are columns with one standing text, and round-ups that open with the article or have little else,
so a copy's finding still has to resemble the event it is counted to.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from rules.boilerplate import boilerplate
from rules.fold import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from rules import Article

SKETCH = 128
"""Values in a sketch, besides those of the beginning: a text of fewer three-word runs is kept whole."""

HEAD = 16
"""Values kept of the beginning, by which a text cut short is told from one that stands among others in a round-up."""

OPENING = 60
"""Words that are a text's beginning: its headline and the first sentences."""

NEAR = 0.4
"""Share of three-word runs in common (Jaccard) from which two texts are copies: cut to half leaves 0.5, a tenth of the words changed
0.57, a seventh 0.44. Of 4,265 articles grouped by event the nearest two of different events stand at 0.39, the next two at 0.20."""

BRIEF = 60
"""Texts of fewer runs are a headline and a teaser, of which a standing wording can be half: for two of them the bar is NEAR_BRIEF."""
NEAR_BRIEF = 0.6

CONTAINED = 0.65
"""Share of the shorter text's runs that the longer one has, from which it is that text cut short: if both begin alike, and ..."""
SHORTEST = 0.3
"""... it has this part of its length. What is shorter may stand in many texts."""
ALIKE_HEADS = 0.35

FEWEST = 8
"""A text of fewer three-word runs says too little to be known again: it is near to its equal only."""

_HASHES = 2**32


def sketch(text: str) -> tuple[int, ...]:
    """A text's likeness to others in few numbers, in order: the lowest 128 hashes of its three-word runs.

    Before them, as negative numbers, the lowest 16 of its beginning.
    """
    words = [token.word for token in tokens(text)]
    whole = _runs(words)
    head = sorted(_runs(words[:OPENING]))[:HEAD] if len(whole) >= FEWEST else []
    return (*sorted(~value for value in head), *sorted(whole)[:SKETCH])


def near(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sketches are of copies of one text: much the same, or one the beginning of the other."""
    left, values = _kept(tuple(one)), other[bisect_left(other, 0) :]
    if min(len(left), len(values)) >= FEWEST and len(left.intersection(values)) < FEWEST:
        return False  # most pairs end here: nothing is made for them, as the first of the two is that of many pairs
    right = set(values)
    if min(len(left), len(right)) < FEWEST:
        return bool(left) and left == right
    share = overlap(left, right)
    if max(len(left), len(right)) < BRIEF:
        return share >= NEAR_BRIEF
    return share >= NEAR or (_cut(share, left, right) and _begin_alike(_head(one), _head(other)))


def overlap(left: AbstractSet[int], right: AbstractSet[int]) -> float:
    """The estimated Jaccard index: of the lowest values of both together, the share that both have."""
    lowest = sorted(left | right)[:SKETCH]
    both = left & right
    return sum(value in both for value in lowest) / len(lowest) if lowest else 0.0


def shared(one: Sequence[int], other: Sequence[int]) -> float:
    """The estimated share of the shorter text's three-word runs that the longer one has, too: what to say of two copies."""
    left, right = _whole(one), _whole(other)
    return _contained(overlap(left, right), *sorted((_size(left), _size(right)))) if left and right else 0.0


def substance(article: Article) -> str:
    """What an article says, without its site's own paragraphs: two articles are not copies for sharing an appeal."""
    paragraphs = [line for line in article.body.splitlines() if line.strip()]
    own = (text for text, site in zip(paragraphs, boilerplate(paragraphs), strict=True) if not site)
    return "\n".join((article.title, article.summary, *own))


@lru_cache(maxsize=64)
def _kept(sketch: tuple[int, ...]) -> frozenset[int]:
    return frozenset(_whole(sketch))


def _whole(sketch: Sequence[int]) -> set[int]:
    return set(sketch[bisect_left(sketch, 0) :])


def _head(sketch: Sequence[int]) -> set[int]:
    return set(sketch[: bisect_left(sketch, 0)])


def _runs(words: list[str]) -> set[int]:
    runs = {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))} if words else set()
    return {zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in runs}


def _cut(share: float, left: AbstractSet[int], right: AbstractSet[int]) -> bool:
    """Whether one may be the other cut short, going by how much of it the other has, and by their lengths."""
    shorter, longer = sorted((_size(left), _size(right)))
    return shorter >= SHORTEST * longer and _contained(share, shorter, longer) >= CONTAINED


def _contained(share: float, shorter: float, longer: float) -> float:
    """From what two sets share of both together: what they share of the smaller one."""
    return min(1.0, share / (1 + share) * (shorter + longer) / shorter)


def _size(values: AbstractSet[int]) -> float:
    """How many runs a text has: counted where all are kept, else by how densely the lowest lie."""
    return len(values) if len(values) < SKETCH else (SKETCH - 1) * _HASHES / max(values)


def _begin_alike(left: set[int], right: set[int]) -> bool:
    return len(left & right) >= ALIKE_HEADS * max(1, min(len(left), len(right)))
