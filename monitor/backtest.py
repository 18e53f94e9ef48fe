"""How right a rule is, in figures: precision, recall and F1 with their intervals, and whether a change made it better.

An article counts once: it matches or it does not, and its label says whether it should.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import comb, sqrt
from typing import Any

from rules import Clause

YES = ("yes", "true", "1")
NO = ("no", "false", "0")
NONE = "(none)"
"""What an article without a label counts under."""

_Z = 1.959964  # of 95 %


# What the labels say


@dataclass(frozen=True, slots=True)
class Labels:
    """What should match, by article id; what else was found in the place of a label is `left_out`, with how often."""

    by_id: Mapping[str, bool]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """Where a label stands in a row (`label.statement`), and which of its values mean yes and no; case does not matter."""

    field: str
    yes: tuple[str, ...] = YES
    no: tuple[str, ...] = NO

    def labels(self, ids: Iterable[str], rows: Mapping[str, Mapping[str, Any]]) -> Labels:
        """The labels of these articles. `rows` is what their files say of them besides, by id."""
        said = {id: self.said(rows.get(id, {})) for id in ids}
        known = {word.casefold(): True for word in self.yes} | {word.casefold(): False for word in self.no}
        left_out = Counter(word for word in said.values() if word.casefold() not in known)
        return Labels({id: known[word.casefold()] for id, word in said.items() if word.casefold() in known}, dict(left_out))

    def said(self, row: Mapping[str, Any]) -> str:
        """The value of one row as a word, or NONE."""
        value: Any = row
        for key in self.field.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return str(value).strip() if isinstance(value, str | int | float) and str(value).strip() else NONE


def fields(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The dotted paths at which rows have a value that could be a label."""
    return sorted({path for row in rows for path in _paths(row)})


def _paths(row: Mapping[str, Any]) -> Iterable[str]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{path}" for path in _paths(value))
        elif isinstance(value, str | int | float):
            yield key


# How right the matches are


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, and between what bounds the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float

    def plain(self) -> dict[str, float]:
        """For programs: to five places."""
        return {name: round(getattr(self, name), 5) for name in ("value", "low", "high")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many match and should (`hits`), match and should not (`false`), should and do not (`missed`), and neither (`passed_over`)."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    passed_over: int = 0

    @property
    def precision(self) -> Estimate | None:
        """Of those that match, how many should; None: none does."""
        return wilson(self.hits, self.hits + self.false)

    @property
    def recall(self) -> Estimate | None:
        """Of those that should match, how many do; None: none should."""
        return wilson(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> Estimate | None:
        """Both in one figure.

        Its interval is "Wilson indirect": F1 = 2p / (1 + p), p being the share of hits among hits, false and missed, and so a
        binomial proportion (Lam, Gopal, Qian 2023, arXiv:2309.14621; it covers better than the delta method and never overshoots).
        """
        share = wilson(self.hits, self.hits + self.false + self.missed)
        return share and Estimate(*(2 * p / (1 + p) for p in (share.value, share.low, share.high)))

    def plain(self) -> dict[str, Any]:
        """For programs."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {
            "hits": self.hits,
            "false": self.false,
            "missed": self.missed,
            "passed_over": self.passed_over,
            **{name: share and share.plain() for name, share in shares.items()},
        }


def score(labels: Mapping[str, bool], matched: Collection[str]) -> Score:
    """How the matched articles agree with the labels."""
    counts = Counter((wanted, id in matched) for id, wanted in labels.items())
    return Score(hits=counts[True, True], false=counts[False, True], missed=counts[True, False], passed_over=counts[False, False])


def wilson(hits: int, of: int) -> Estimate | None:
    """A share with its Wilson interval, which stays honest for few and for extreme counts; None: a share of nothing."""
    if not of:
        return None
    share, square = hits / of, _Z * _Z
    middle = share + square / (2 * of)
    reach = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    return Estimate(share, max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


# What a change gains and loses


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change of a rule did: articles that match only now, and only before. `p`: McNemar's exact test on the labelled."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    mended: int = 0
    """Labelled articles that it got right."""
    broken: int = 0
    """Labelled articles that it got wrong."""

    @property
    def p(self) -> float:
        """How likely so lopsided a change is if both versions are equally right."""
        return mcnemar(self.mended, self.broken)


def change(new: Collection[str], old: Collection[str], labels: Mapping[str, bool]) -> Change:
    """What separates the articles that match now from those that did before, in the order given."""
    gained, lost = tuple(id for id in new if id not in old), tuple(id for id in old if id not in new)
    turned = [(labels[id], id in new) for id in (*gained, *lost) if id in labels]
    mended = sum(wanted == now for wanted, now in turned)
    return Change(gained=gained, lost=lost, mended=mended, broken=len(turned) - mended)


def mcnemar(mended: int, broken: int) -> float:
    """The two-sided exact p value: of so many that turned, as few or fewer turned the rarer way by chance alone."""
    turned, few = mended + broken, min(mended, broken)
    tail: float = sum(comb(turned, k) for k in range(few + 1)) / 2**turned
    return min(1.0, 2 * tail)


# Why something was missed


def nearest(clause: Clause) -> Clause:
    """The part of a condition that failed and came nearest to holding; itself where no part of it failed."""
    failed = [part for part in clause.parts if not part.holds]
    return nearest(max(failed, key=lambda part: part.near)) if failed else clause
