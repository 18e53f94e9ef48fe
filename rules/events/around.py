"""An event term where it stands: the verbs, dates and people of its sentence, and what has been read around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from rules import dates
from rules.data import table
from rules.events.groups import AHEAD, BEHIND, Group
from rules.events.parties import Parties
from rules.fold import Token
from rules.reading import Sentence
from rules.speech.phrases import Range
from rules.terms import Terms, terms

COMING = frozenset("attend join participate take go travel come send".split())
"""Verbs by which a side comes to a meeting: that it does not come leaves the meeting as it is."""
SPEAKING = frozenset("say tell report add write claim deny warn insist stress note think".split())
"""Verbs whose object is what is said, and no meeting."""

_STOPS = frozenset(';:—–"“”')


@dataclass(slots=True)
class Around:
    """An event term where it stands, and what has been read around it."""

    sentence: Sentence
    span: Range
    groups: Sequence[Group]
    parties: Parties
    day: date | None
    dated: Sequence[dates.Dated] = ()
    found: dict[str, float] = field(default_factory=dict)
    nearest: dates.Dated | None = None
    """The date that was read as its own."""
    links: list[tuple[str, Group]] = field(default_factory=list)
    """The verb groups that it hangs on: its own, the one it is the object of (before), those it is the subject of (after)."""

    @property
    def words(self) -> list[Token]:
        """The words of its section."""
        return self.sentence.section.words

    def add(self, sign: str, strength: float = 1.0) -> None:
        """Notes a sign; of two of a name the stronger counts."""
        self.found[sign] = max(self.found.get(sign, 0.0), strength)

    def stopped(self, lo: int, hi: int) -> bool:
        """Whether a mark that ends a clause or a quotation stands before one of these words."""
        return any(not _STOPS.isdisjoint(self.words[k].gap) for k in range(lo, min(hi, self.sentence.hi)))

    def commas(self, lo: int, hi: int) -> int:
        """Commas before these words."""
        return sum("," in self.words[k].gap for k in range(lo, min(hi, self.sentence.hi)))


def own_group(around: Around) -> Group | None:
    """The verb group that the term itself is the verb of: "will meet"."""
    last = around.span[0]
    return next((one for one in around.groups if one.hi - 1 == last), None)


def told(one: Group) -> str:
    """A verb group as a sign: its tense, and whether it is a verb by which meetings come about."""
    return f"{tense_of(one)}{', holding' if one.kind in ('hold', 'refuse') else ''}"


def tense_of(one: Group) -> str:
    """The tense as far as it tells a time, with its negation."""
    tense = "ahead" if one.tense in AHEAD else "behind" if one.tense in BEHIND else one.tense
    return f"not {tense}" if one.negated else tense


def strength(words: int, commas: int) -> float:
    """How strong a sign is that stands so many words and commas off."""
    return (1.0 if words <= 2 else 0.8 if words <= 6 else 0.6) * (0.6 if commas % 2 else 1.0)


@cache
def prepositions() -> tuple[tuple[str, Terms], ...]:
    """Prepositions by what they tell."""
    return tuple((kind, terms(words)) for kind, words in table("signs")["prepositions"].items())
