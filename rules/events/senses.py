"""Whether an event term is an event here: a summit is also a mountain top, a town, a bank; talks are also about wages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rules import places
from rules.data import table
from rules.fold import Token
from rules.reading import Reading, Sentence
from rules.speech.phrases import Range
from rules.terms import Terms, terms

_NEAR = 8  # words within which a word gives the sense away
_FIRMS = frozenset("bank group inc ltd county avenue street school entertainment hotel partners capital health".split())


def is_article_about_something_else(reading: Reading) -> bool:
    """Whether the article's own words show that its summits are mountain tops."""
    return len(_mountains() & reading.vocabulary) > 1


def is_no_event(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether the term is something else here."""
    near = words[max(sentence.lo, span[0] - _NEAR) : min(sentence.hi, span[1] + _NEAR)]
    if any(word.word in _mountains() for word in near):
        return True
    return (
        _is_met_by_nobody(words, span, sentence)
        or _is_named_so(words, span, sentence)
        or _is_of_another_field(words, span, sentence)
    )


def _is_met_by_nobody(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """ "meet the criteria", "host the championship", "tourists to visit Turkey"."""
    lo, hi = span
    if not words[lo].word.startswith(_VERBS):
        return False
    after = {word.word for word in words[hi : min(sentence.hi, hi + _OBJECT)]}
    before = {word.word for word in words[max(sentence.lo, lo - _OBJECT) : lo]}
    return bool(after & _words("not_met") or before & _words("not_meeting"))


_VERBS = ("meet", "met", "host", "visit", "travel", "fl", "head")
_OBJECT = 6  # words within which a verb's subject or object stands


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(table("mention")[name])


def _is_named_so(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """ "Summit Entertainment", "in Summit, New Jersey"."""
    lo, hi = span
    alone = hi - lo == 1 and hi < sentence.hi and words[lo].capital and words[hi].capital and not sentence.is_title
    if not alone:
        return False
    firm = words[hi].word in _FIRMS and not words[hi].gap.strip()
    town = "," in words[hi].gap and lo > sentence.lo and words[lo - 1].word in ("in", "of", "from")
    return firm or town


def _is_of_another_field(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether the sentence is of wages, players or budgets, and of no country."""
    return is_near_another_field(words, span, sentence) and not any(
        places.country_of(word.word) for word in words[sentence.lo : sentence.hi]
    )


def is_near_another_field(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether words of wages, players or budgets stand around the term."""
    fields = _other_fields().search(words, sentence.lo, sentence.hi)
    return len(fields) > 1 or any(-6 <= lo - span[1] <= 5 for lo, _ in fields)


@cache
def _mountains() -> frozenset[str]:
    return frozenset(table("mention")["not_events"])


@cache
def _other_fields() -> Terms:
    return terms(table("mention")["other_fields"])
