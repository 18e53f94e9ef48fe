"""Where a speaker stands toward the topic of a statement: rejects, open, conditional, blames or neutral.

Read off the statement's own words, with negation: each word of `data/stance.yaml` pulls one way, a negation before it in the same
clause turns it around, and the verb of the report pulls too ("rejected", "accused"). Blame goes before a condition, a condition
before the rest, since "ready, if Kyiv withdraws" is a condition and "they refuse to talk" is blame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rules.data import table
from rules.fold import Token
from rules.terms import Terms, terms

Range = tuple[int, int]
STANCES = ("rejects", "open", "conditional", "blames", "neutral")
_REACH = 6  # words within which a negation turns a word around
_WISHES = frozenset("would want wants wish hope hopes hoped ready prepared willing interested".split())
_FAR = 14  # … and "neither" and "never", which govern a whole clause


@dataclass(frozen=True)
class Lexicon:
    """The words that show a stance, a rule's own added."""

    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def _terms(self, kind: str) -> Terms:
        return terms([*table("stance")[kind], *dict(self.extra).get(kind, ())])

    @cached_property
    def by_kind(self) -> Mapping[str, Terms]:
        """The terms of each kind."""
        return {
            kind: self._terms(kind)
            for kind in ("rejects", "open", "engage", "conditional", "blames", "negations", "others", "own")
        }

    def read(self, words: Sequence[Token], ranges: Sequence[tuple[int, int]], verb: str) -> str:
        """The stance of a content, given as word ranges, reported with a verb of this kind (say, reject, blame, …)."""
        kinds = self.by_kind
        against = for_it = blame = conditions = 0.0
        for lo, hi in ranges:
            faults = [span for span in kinds["blames"].search(words, lo, hi) if self._stands(words, span, lo)]
            refusals = kinds["rejects"].search(words, lo, hi)
            refused = [self._negated(words, span, lo) and words[span[0]].word != "no" for span in refusals]
            for_it += sum(refused)
            against += len(refused) - sum(refused)
            for span in _outside(kinds["open"].search(words, lo, hi), refusals + faults):
                if words[span[0]].word in _WISHES and self._of_others(words, span, lo):
                    continue
                negated = self._negated(words, span, lo)
                against += negated
                for_it += 0.6 * (not negated)
            engaging = _outside(kinds["engage"].search(words, lo, hi), refusals + faults)
            against += sum(self._negated(words, span, lo) for span in engaging)
            blame += len(faults)
            found = [span for span in kinds["conditional"].search(words, lo, hi) if not self._waived(words, span, lo)]
            conditions += sum(0.5 if words[a].word in ("condition", "conditions") else 1.0 for a, _ in found)
        return _decide(against, for_it, blame, conditions, verb)

    def _stands(self, words: Sequence[Token], span: Range, lo: int) -> bool:
        """Whether a reproach is made rather than denied."""
        return not self._negated(words, span, lo) or words[span[0]].word in ("not", "no")

    def _of_others(self, words: Sequence[Token], span: Range, lo: int) -> bool:
        """Whether the wish is somebody else's: "those in Kyiv would like to"."""
        start = max(lo, span[0] - _FAR)
        others, own = (self.by_kind[kind].search(words, start, span[0]) for kind in ("others", "own"))
        return bool(others) and (not own or own[-1] < others[-1])

    def _waived(self, words: Sequence[Token], span: Range, lo: int) -> bool:
        """Whether a condition is said not to be one: "without preconditions"."""
        return "condition" in words[span[0]].word and self._negated(words, span, lo)

    def _negated(self, words: Sequence[Token], span: Range, lo: int) -> bool:
        """Whether an odd number of negations stands shortly before, in the same clause; "neither … nor" is one and reaches far."""
        start = max(lo, span[0] - _FAR)
        for k in range(span[0], start, -1):
            if any(mark in words[k].gap for mark in ",;:.—–") or words[k].word == "but":
                start = k
                break
        found = [words[a].word for a, _ in self.by_kind["negations"].search(words, max(start, span[0] - _REACH), span[0])]
        far = [
            words[k].word
            for k in range(start, max(start, span[0] - _REACH))
            if words[k].word in ("neither", "never", "nobody", "denied", "denies")
        ]
        count = len(found) + len(far) - ("neither" in far + found and "nor" in found)
        return count % 2 == 1


def _outside(spans: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    return [span for span in spans if not any(a <= span[0] < b for a, b in others)]


def _decide(against: float, for_it: float, blame: float, conditions: float, verb: str) -> str:
    if verb == "blame":
        return "blames"
    if verb == "deny":
        against, for_it = for_it, against
    if verb == "reject":
        return "open" if for_it > against + 1 else "rejects"
    if blame and blame >= against:
        return "blames"
    if conditions >= 1 or (conditions and against <= for_it and not (against and not for_it)):
        return "conditional"
    if verb == "demand" and not against:
        return "conditional"
    if verb == "favor":
        return "rejects" if against > 1 else "open"
    if against > for_it:
        return "rejects"
    if for_it:
        return "open"
    return "rejects" if against else "neutral"
