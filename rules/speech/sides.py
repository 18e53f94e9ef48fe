"""Whose words are: the speaker's own side, another side, both or nobody.

"We refuse to talk" and "they refuse to talk" differ in nothing else. Told by pronouns, by the names and the country of whoever speaks, and by
where a name stands: "talks with Kyiv" are nothing that Kyiv does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache

from rules.data import table
from rules.fold import Token, tokens
from rules.names import Names
from rules.places import country_of
from rules.speech.phrases import TIME, Range
from rules.speech.verbs import words_of

FAR = 14  # words within which the subject of a clue stands
NEAR = 6
HARD = frozenset(".;:?!—–")


@cache
def grammar(name: str) -> frozenset[str]:
    """One of the word lists of `data/stance_grammar.yaml`."""
    return frozenset(table("stance_grammar")[name])


@dataclass(frozen=True)
class Side:
    """Whom a speaker speaks for: the names of that side, and its countries."""

    names: Names | None = None
    countries: frozenset[str] = frozenset()
    inside: bool = False
    """Whether what was said names it: "Armenia has declined, its foreign ministry said"."""
    called: frozenset[str] = field(default=frozenset(), compare=False)
    """The words that name the speaker: "a Hamas official" speaks for Hamas."""
    person: bool | None = field(default=None, compare=False)
    """Whether one person speaks, by whom "they" are others; None: nobody knows."""

    @classmethod
    def of(cls, written: str, listed: Names | None = None) -> Side:
        """The side of a speaker described so: "Iran's foreign minister" speaks for Iran, as "Tehran" does.

        A list he is on is his side too, if it is of one country only; where it is of one person whose country nobody tells, the country
        he speaks about is taken for his own.
        """
        countries = _countries(listed) if listed else frozenset()
        if listed and len(countries) == 1:
            return cls(listed, countries)
        words = tokens(written)
        named = frozenset([next((found for k in range(len(words)) if (found := _country(words, k))), "")]) - {""}
        called = frozenset(one.word for one in words if one.capital and one.word not in grammar("common"))
        alone = listed is not None and len(listed.names) == 1
        return cls(None, named, not named and (alone or any(one.word in ("its", "their") for one in words)), called)


def _country(words: Sequence[Token], k: int) -> str | None:
    """The country that a word names, or begins or ends to name: Tehran, Iranians, North Koreans."""
    word = words[k]
    if not word.capital:
        return None
    before = f"{words[k - 1].word} " if k and not words[k].gap.strip() else ""
    after = f" {words[k + 1].word}" if k + 1 < len(words) else ""
    named = [f"{word.word}{after}", f"{before}{word.word}", word.word]
    found = (_speakers().get(one) or country_of(one) or country_of(one.removesuffix("s")) for one in named)
    return next((one for one in found if one), None)


@cache
def _speakers() -> dict[str, str]:
    """Whom an official, an office or a movement speaks for."""
    return {one: side for side, names in table("stance_speakers").items() for one in names}


@lru_cache(maxsize=256)
def _countries(listed: Names) -> frozenset[str]:
    written = [each for one in listed.names for each in one.written]
    return frozenset(found for each in written for one in tokens(each) if one.capital and (found := country_of(one.word)))


@dataclass(frozen=True)
class Told:
    """A stretch of what was said, and by whom: answers who does what in it."""

    words: Sequence[Token]
    lo: int
    hi: int
    side: Side

    def doer(self, span: Range) -> str:
        """Whose the words are: "own", "other", "together" (both or nobody), "" where nobody is named before them."""
        if any(one.word in grammar("possessed") for one in self.words[span[0] : span[1]]):
            owner = self._owner(span)
            if owner:
                return owner
        for k in range(span[0] - 1, max(self.lo, span[0] - FAR) - 1, -1):
            found = self.whose(k)
            if found and not self._beside(k):
                return "together" if found == "other" and self._joined(k) else found
            if self.words[k].word in ("he", "she", "it") and (k == self._head or self.words[k].word != "it"):
                return self._opens_with_pronoun(k)
            if self.words[k].word == "and" and self.words[k + 1].word in ("would", "will") and self._head < k:
                return self.whose(self._head) or self._opens_with_pronoun(self._head)  # "it was studying it and would reply"
            if self._begins_clause(k):
                return self._opens_with_pronoun(k)
        return self._opens_with_pronoun(max(self.lo, span[0] - FAR))

    def _begins_clause(self, k: int) -> bool:
        """Whether the words before are of another clause; the point of "Mr." is no boundary."""
        gap = self.words[k].gap
        return (gap.strip() != "." and not HARD.isdisjoint(gap)) or self.words[k].word in ("but", "because")

    def _joined(self, k: int) -> bool:
        """ "Moscow and Washington": not the other side alone."""
        return k - 2 >= self.lo and self.words[k - 1].word == "and" and self.whose(k - 2) == "own"

    def _owner(self, span: Range) -> str:
        """Whose a noun is: "no will among the rebels", "from Kyiv we see no readiness"."""
        lo, hi = max(self.lo, span[0] - FAR), min(self.hi, span[1] + NEAR)
        for k in [*range(span[1], hi), *range(span[0] - 1, lo - 1, -1)]:
            if self.words[k].word in ("of", "by", "from", "among") and self.words[k + 1 : hi]:
                found = next((one for n in range(k + 1, min(self.hi, k + 4)) if (one := self.whose(n))), "")
                if found:
                    return found
            if HARD.intersection(self.words[k].gap):
                break
        return ""

    def _opens_with_pronoun(self, at: int) -> str:
        """ "Said it would", "said they were": at the head of what is reported, the speaker."""
        own = ("it",) if self.side.person is False else ("he", "she", "it")
        heads = at == self._head or (self.side.person is True and self.words[at].word != "it")
        return "own" if heads and self.words[at].word in own and not self._direct else ""

    @cached_property
    def _head(self) -> int:
        """Where what is reported begins, after "that", "on Monday night" and the like."""
        before = (k for k in range(self.lo, max(self.lo, self.hi - 1)) if not self._leads(self.words[k].word))
        return next(before, self.lo)

    @staticmethod
    def _leads(word: str) -> bool:
        return word in ("that", "on", "late", "early", "night", "morning", "evening", "afternoon") or word in TIME

    def whose(self, k: int) -> str:
        """The side that a word names."""
        words, word = self.words, self.words[k]
        if word.word in grammar("own") and not word.caps:  # "U.S." is not "us"
            return "own"
        if self._is_own(k):
            return "own"
        if word.word in ("side", "party") and k > self.lo and words[k - 1].word in ("other", "another", "opposing", "opposite"):
            return "other"
        if k in self._own_names:
            return "own"
        country = _country(self.words, k)
        if country and country in self._countries:
            return "own"
        if word.word in grammar("together"):
            return "together"
        if self._is_other(k) or (country and self._countries):
            return "other"
        inside = (k > self.lo or k > 0) and not word.gap.strip() and words[k - 1].word != "the"
        opens = (
            (k == self.lo or not HARD.isdisjoint(word.gap))
            and word.word not in grammar("common")
            and k + 1 < self.hi
            and words[k + 1].word in grammar("auxiliaries")
        )
        named = word.capital and (inside or opens or (country and k > self.lo)) and word.word not in TIME
        if not named or self._titled:
            return ""
        return "other" if self.side.names else "somebody"

    def _is_own(self, k: int) -> bool:
        """ "His country", "our delegation"; the speaker's own name; "they" at the head of what is reported."""
        word, before = self.words[k], self.words[k - 1].word if k > self.lo else ""
        if word.word in ("they", "their"):
            return k == self._head and not self._direct and not (self.side.person and word.word == "they")
        owners = ("our",) if self._direct else ("his", "her", "its", "our", "my")
        return (word.word in grammar("ours") and before in owners) or (word.capital and word.word in self.side.called)

    def _is_other(self, k: int) -> bool:
        word = self.words[k].word
        return word in grammar("others") or (word in grammar("blocs") and bool(self.side.names or self._countries))

    @cached_property
    def _direct(self) -> bool:
        """Whether it begins as a quotation, where "they" are not those who speak."""
        return self.lo < self.hi and any(mark in self.words[self.lo].gap for mark in '"“«„‘')

    @cached_property
    def _titled(self) -> bool:
        """Whether it is written as a Headline Is, where a capital letter tells nothing."""
        return 2 * sum(one.capital for one in self.words[self.lo : self.hi]) > self.hi - self.lo

    @cached_property
    def _countries(self) -> frozenset[str]:
        """The speaker's own."""
        if not self.side.inside:
            return self.side.countries
        named = (_country(self.words, k) for k in range(self.lo, self.hi))
        return frozenset([next((one for one in named if one), "")])

    @cached_property
    def _own_names(self) -> frozenset[int]:
        found = self.side.names.search(self.words, self.lo, self.hi) if self.side.names else ()
        return frozenset(k for one in found for k in range(one.lo, one.hi))

    def _beside(self, k: int) -> bool:
        """Whether a name is only what a preposition brings in: "talks with the new government of Ukraine"."""
        words = self.words
        for n in range(k - 1, max(self.lo, k - 4) - 1, -1):
            if HARD.intersection(words[n + 1].gap) or "," in words[n + 1].gap:
                return False
            if words[n].word in grammar("besides"):
                return words[n].word != "of" or n == self.lo or words[n - 1].word not in words_of("offices")
            if not (words[n].capital or words[n].word in ("the", "this", "that", "a", "new", "any", "s", "'s", "and")):
                return False
        return False
