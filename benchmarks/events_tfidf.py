"""What everybody tries first: TF-IDF cosine over whole texts, one article after the other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from monitor.identity.gist import stems
from rules import Article

Vector = dict[str, float]


class TfIdf:
    """The articles as vectors, each weighted by those before it and itself."""

    def __init__(self, articles: Sequence[Article], within: timedelta = timedelta(days=7)) -> None:
        self.within = within
        self.vectors: dict[str, Vector] = {}
        self._known: dict[tuple[str, str], float] = {}
        seen: Counter[str] = Counter()
        for count, one in enumerate(articles, 1):
            words = Counter(stems(f"{one.title}\n{one.summary}\n{one.body}"))
            seen.update(words.keys())
            self.vectors[one.id] = _unit({w: (1 + math.log(n)) * math.log((1 + count) / (1 + seen[w])) for w, n in words.items()})

    def alerted(self, articles: Sequence[Article], bar: float) -> list[str]:
        """The articles that no open event is so much like."""
        opened: list[list[Article]] = []  # of each event, the article that opened it and the one seen last
        for one in articles:
            near = [(self._cosine(one.id, event[0].id), event) for event in opened if self._open(event[1], one)]
            share, best = max(near, key=lambda pair: pair[0], default=(0.0, None))
            if best and share >= bar:
                best[1] = one
            else:
                opened.append([one, one])
        return [event[0].id for event in opened]

    def _open(self, last: Article, now: Article) -> bool:
        return last.published is not None and now.published is not None and now.published - last.published <= self.within

    def _cosine(self, one: str, other: str) -> float:
        if (one, other) not in self._known:
            small, large = sorted((self.vectors[one], self.vectors[other]), key=len)
            self._known[one, other] = sum(weight * large.get(word, 0.0) for word, weight in small.items())
        return self._known[one, other]


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
    return {word: weight / length for word, weight in vector.items()}
