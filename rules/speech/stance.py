"""Where a speaker stands toward the topic of a statement: rejects, open, conditional, blames or neutral.

Read off the statement's own words (`data/stance.yaml`). Each clue pulls one way; a negation before it in the same clause turns it around, and
who is spoken of decides what a refusal means: "we refuse to talk" rejects, "Kyiv refuses to talk" blames, "nobody refuses to talk" is open.
The verb of the report pulls too ("rejected", "accused"). Blame goes before a condition, a condition before the rest, since "ready, if Kyiv
withdraws" is a condition and "they refuse to talk" is blame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rules.data import table
from rules.fold import Token
from rules.speech.clues import Clue, Content
from rules.speech.phrases import Range
from rules.speech.sides import Side, grammar
from rules.speech.verbs import Verb
from rules.terms import Terms, terms

STANCES = ("rejects", "open", "conditional", "blames", "neutral")


@dataclass(frozen=True, slots=True)
class Stance:
    """Where somebody stands, and the words that showed it."""

    name: str
    shown: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """The words that show a stance, a rule's own added."""

    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @cached_property
    def by_kind(self) -> Mapping[str, Terms]:
        """The terms of each kind."""
        own = dict(self.extra)
        return {kind: terms([*written, *own.get(kind, ())]) for kind, written in table("stance").items()}

    def read(self, words: Sequence[Token], ranges: Sequence[Range], verb: Verb, side: Side | None = None) -> Stance:
        """The stance of a content, given as word ranges, reported with this verb by somebody of a side."""
        if verb.lemma == "welcome" and _greets(words, ranges):
            return Stance("neutral")
        contents = [Content(words, lo, hi, side or Side(), self.by_kind, verb) for lo, hi in ranges]
        clues = [clue for content in contents for clue in content.clues()]
        asks = verb.lemma == "ask" and bool(ranges) and words[ranges[0][0]].word == "for"
        name = _decide(clues, Verb("ask for", "favor") if asks else verb)
        return Stance(name, tuple(clue.span for clue in clues if clue.pull == name))


def _greets(words: Sequence[Token], ranges: Sequence[Range]) -> bool:
    """ "Welcomed Erdogan to Sochi": a host, not a stance."""
    first = words[ranges[0][0] : min(ranges[0][1], ranges[0][0] + 4)] if ranges else ()
    return any(one.word == "to" and first[n - 1].capital for n, one in enumerate(first) if n)


def _decide(clues: Sequence[Clue], verb: Verb) -> str:
    pulls: dict[str, float] = defaultdict(float)
    for clue in clues:
        pulls[clue.pull] += clue.weight
    against, for_it, blame, conditions = (pulls[one] for one in ("rejects", "open", "blames", "conditional"))
    wishing = verb.kind == "favor" or verb.lemma in grammar("hoping") or pulls["wishes"] > 0
    if verb.kind == "blame" or (blame and verb.lemma in grammar("scolding")):
        return "blames"
    if verb.kind == "reject":
        return "conditional" if conditions >= 1 else "open" if for_it > against + 1 else "rejects"
    if verb.kind == "demand" and not against:
        return "conditional"
    if blame > conditions and blame >= sum(clue.pull == "rejects" for clue in clues) and not wishing:
        return "blames"
    if conditions >= 1 or (conditions > for_it and not against):
        return "conditional"
    if wishing:
        return "rejects" if against > 1 else "open"
    return _for_or_against(for_it, against) if verb.kind != "deny" else _for_or_against(against, for_it)


def _for_or_against(for_it: float, against: float) -> str:
    if against > for_it:
        return "rejects"
    return "open" if for_it else "neutral"
