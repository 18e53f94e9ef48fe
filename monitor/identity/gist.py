"""How far two findings speak of the same: the content words that they share."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from rules.fold import tokens
from rules.terms import stem

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words that say nothing of what a sentence is about. Negations are not among them: "will meet" is not "will not meet".
_SMALL_WORDS = """
    a an the this that these those it its he she they his her their him them we our us i you your who whom whose which what
    is are was were be been being has have had do does did will would shall should can could may might must
    of in on at to for from by with as about into over after before during between under than then so if or and but also
    there here when where while said says say told added 's
    и в во на с со к ко о об от до по за из у для при над под без через между это этот эта эти того тот та те что чтобы как так
    а но или же бы ли он она оно они его ее их ему им мы наш вы ваш я был была было были быть будет будут есть который которая
    которые которых также уже еще сказал сказала заявил заявила отметил отметила
"""
_STOP = frozenset(_SMALL_WORDS.split())


def alike(one: str, other: str) -> float:
    """How far two findings speak of the same, 0 to 1: the cosine of their sets of stemmed content words.

    The share of words in common, measured against the geometric mean of both counts. Order and repetition do not count.
    """
    left, right = gist(one), gist(other)
    if not left or not right:
        return float(left == right)
    return len(left & right) / math.sqrt(len(left) * len(right))


@lru_cache(maxsize=2048)
def gist(text: str) -> frozenset[str]:
    """The content words of a text, stemmed as English or Russian by their script; negations count, other small words do not."""
    return frozenset(stems(text))


def stems(text: str) -> Iterator[str]:
    """The content words of a text in order, stemmed."""
    return (stem(token.word) for token in tokens(text) if token.word not in _STOP)
