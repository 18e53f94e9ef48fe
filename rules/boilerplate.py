"""Which paragraphs are the site's own voice and not the article's: appeals, newsletter boxes, buttons, photo credits.

They are masked, never cut: the article keeps its text and its offsets, and the engine does not look there. What gives them away
is how publishers write in general (`data/boilerplate.yaml`): in the first person outside quotation marks, to the reader, or as a button.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rules.data import table
from rules.fold import Tokens, tokens
from rules.terms import Terms, terms

Range = tuple[int, int]

_QUOTED = re.compile(r"[\"“«][^\"“”«»]*[\"”»]")
_CREDIT = re.compile(
    r"(?:\s/\s|\((?:AP|AFP|Reuters|EPA|Getty|TASS)[^)]*\)|©|\b(?:Getty Images|via (?:AP|Reuters|AFP)|Pool (?:Photo|via)))"
)
_CREDIT_HEAD = re.compile(r"(?:photo|picture|image|фото)(?:\s*:|\s+by\s|\s+credit)", re.IGNORECASE)
_LONGEST_CREDIT = 200
_SHORT = 8
_APPEALS = frozenset(("support", "subscribe", "donate", "join", "help", "keep", "sign", "follow", "register"))


@cache
def _signals() -> dict[str, Terms]:
    return {kind: terms(words) for kind, words in table("boilerplate").items()}


def boilerplate(paragraphs: Sequence[str]) -> list[bool]:
    """For each paragraph of a page, in order, whether it is the site's own voice rather than the article's."""
    spoken, ranges = Tokens(), []
    for one in paragraphs:
        first = len(spoken)
        spoken += tokens(_QUOTED.sub(" ", one))
        ranges.append((first, len(spoken)))
    return masked(paragraphs, spoken, ranges)


def masked(paragraphs: Sequence[str], spoken: Tokens, ranges: Sequence[Range]) -> list[bool]:
    """The same for paragraphs whose words outside quotation marks are known: `spoken`, and which of them are each paragraph's."""
    scores = [_score(text, spoken, *one) for text, one in zip(paragraphs, ranges, strict=True)]
    flags = [score >= 2 for score in scores]
    _spread(flags, scores)
    _appeal_to_the_end(flags, spoken, ranges, scores)
    _banner(flags, ranges)
    return [flag or _credit(text) for flag, text in zip(flags, paragraphs, strict=True)]


def _score(text: str, words: Tokens, lo: int, hi: int) -> int:
    """2 and more: certainly the site; 1: perhaps."""
    signals = _signals()
    if lo == hi:  # all of it is quoted, and so somebody's; or there is no word in it at all
        return 0 if any(char.isalpha() for char in text) else 2
    if hi - lo <= _SHORT and (lo, hi) in signals["whole"].search(words, lo, hi):
        return 2
    if hi - lo <= _SHORT and text.rstrip().endswith("!") and words[lo].word in _APPEALS:
        return 2
    strong = len(signals["strong"].search(words, lo, hi))
    weak = len(signals["weak"].search(words, lo, hi))
    if strong < 2 and (strong or weak) and _names_somebody_speaking(text):
        return 1
    return 2 * strong + weak


def _names_somebody_speaking(text: str) -> bool:
    """Whether a quotation of some length is in it: then the first person outside it is the article's more often than not."""
    return any(len(found.group()) > 60 for found in _QUOTED.finditer(text))


def _spread(flags: list[bool], scores: list[int]) -> None:
    """A paragraph with a faint signal beside one that is certain belongs to it."""
    for order in (range(1, len(flags)), range(len(flags) - 2, -1, -1)):
        step = 1 if order.step == 1 else -1
        for i in order:
            if scores[i] == 1 and flags[i - step]:
                flags[i] = True


def _appeal_to_the_end(flags: list[bool], words: Tokens, ranges: Sequence[Range], scores: Sequence[int]) -> None:
    """An appeal in the last part of a page runs to its end, unless a paragraph of news follows."""
    news = [k for k, (lo, hi) in enumerate(ranges) if not (flags[k] or scores[k] or hi - lo <= _SHORT)]
    for i in range(max(len(ranges) // 3, news[-1] + 1 if news else 0), len(ranges)):
        if _signals()["heads"].search(words, *ranges[i]):
            flags[i:] = [True] * (len(ranges) - i)
            return


def _banner(flags: list[bool], ranges: Sequence[Range]) -> None:
    """Short lines among the site's own at the very top are part of its banner."""
    top = 0
    for i in range(min(len(flags), 8)):
        if flags[i] and i - top <= 2:
            top = i + 1
    for i in range(top):
        if flags[i] or ranges[i][1] - ranges[i][0] <= 4:
            flags[i] = True


def _credit(text: str) -> bool:
    """A photo's caption with its credit: short, and ending in who took it rather than in a sentence."""
    if len(text) > _LONGEST_CREDIT:
        return False
    return bool(_CREDIT_HEAD.match(text)) or bool(_CREDIT.search(text) and text.rstrip()[-1:] not in '.!?"”')
