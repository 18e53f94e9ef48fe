"""Which paragraphs are the site's own voice and not the article's: appeals, newsletter boxes, buttons, photo credits.

They are masked, never cut: the article keeps its text and its offsets, and the engine does not look there. What gives them away
is how publishers write in general (`data/boilerplate.yaml`): in the first person outside quotation marks, to the reader, or as a button.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rules.data import table
from rules.fold import Token, tokens
from rules.terms import Terms, terms

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


def boilerplate(paragraphs: Sequence[str], spoken: Sequence[list[Token]] | None = None) -> list[bool]:
    """For each paragraph of a page, in order, whether it is the site's own voice rather than the article's.

    `spoken` are the paragraphs' words outside quotation marks, where the caller has them.
    """
    words = spoken if spoken is not None else [tokens(_QUOTED.sub(" ", one)) for one in paragraphs]
    scores = [_score(text, found) for text, found in zip(paragraphs, words, strict=True)]
    masked = [score >= 2 for score in scores]
    _spread(masked, scores)
    _appeal_to_the_end(masked, words, scores)
    _banner(masked, words)
    return [flag or _credit(text) for flag, text in zip(masked, paragraphs, strict=True)]


def _score(text: str, words: list[Token]) -> int:
    """2 and more: certainly the site; 1: perhaps."""
    signals = _signals()
    if not words:  # all of it is quoted, and so somebody's; or there is no word in it at all
        return 0 if any(char.isalpha() for char in text) else 2
    if len(words) <= _SHORT and any(span == (0, len(words)) for span in signals["whole"].search(words)):
        return 2
    if len(words) <= _SHORT and text.rstrip().endswith("!") and words[0].word in _APPEALS:
        return 2
    strong = len(signals["strong"].search(words))
    weak = len(signals["weak"].search(words))
    if _names_somebody_speaking(text) and strong < 2:
        return min(1, strong + weak)
    return 2 * strong + weak


def _names_somebody_speaking(text: str) -> bool:
    """Whether a quotation of some length is in it: then the first person outside it is the article's more often than not."""
    return any(len(found.group()) > 60 for found in _QUOTED.finditer(text))


def _spread(masked: list[bool], scores: list[int]) -> None:
    """A paragraph with a faint signal beside one that is certain belongs to it."""
    for order in (range(1, len(masked)), range(len(masked) - 2, -1, -1)):
        step = 1 if order.step == 1 else -1
        for i in order:
            if scores[i] == 1 and masked[i - step]:
                masked[i] = True


def _appeal_to_the_end(masked: list[bool], words: Sequence[list[Token]], scores: Sequence[int]) -> None:
    """An appeal in the last part of a page runs to its end, unless a paragraph of news follows."""
    heads = _signals()["heads"]
    for i, found in enumerate(words):
        if i < len(words) // 3 or not heads.search(found):
            continue
        rest = range(i, len(words))
        if all(masked[k] or scores[k] or len(words[k]) <= _SHORT for k in rest):
            masked[i:] = [True] * len(rest)
            return


def _banner(masked: list[bool], words: Sequence[list[Token]]) -> None:
    """Short lines among the site's own at the very top are part of its banner."""
    top = 0
    for i in range(min(len(masked), 8)):
        if masked[i] and i - top <= 2:
            top = i + 1
    for i in range(top):
        if masked[i] or len(words[i]) <= 4:
            masked[i] = True


def _credit(text: str) -> bool:
    """A photo's caption with its credit: short, and ending in who took it rather than in a sentence."""
    if len(text) > _LONGEST_CREDIT:
        return False
    return bool(_CREDIT_HEAD.match(text)) or bool(_CREDIT.search(text) and text.rstrip()[-1:] not in '.!?"”')
