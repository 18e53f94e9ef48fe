"""What a source prints under many of its articles: appeals, newsletter boxes, "read more". Learnt by counting, not by words. Pure.

A paragraph is known by a hash of its folded words. How many articles of the source it stood in is counted elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import blake2b

from rules.sentences import Span, quotations
from rules.sentences import paragraphs as lines

_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 3
_MOST = 400
_LONG_QUOTATION = 60
_OFTEN = 8
_SHARE = 0.3


def standing(count: int, since: int) -> bool:
    """Whether a paragraph seen in `count` articles is the source's own voice: of the `since` that came since its first, that one included.

    News repeats itself, too, in the follow-ups of a day, but not in every third article of a source for long.
    """
    return count >= _OFTEN and count >= _SHARE * since


def paragraphs(body: str) -> list[tuple[int, Span]]:
    """The paragraphs that could be standing texts: a 63-bit hash of the words of each, and where it stands, in code points.

    Left out are those of a word or two, what somebody is quoted with (a quotation is news however often it is repeated),
    and the middle of a text of more than 400 paragraphs.
    """
    quoted = [span for span in quotations(body) if span[1] - span[0] > _LONG_QUOTATION]
    found = []
    for start, end in _ends(lines(body)):
        words = _WORD.findall(body[start:end].casefold())
        if len(words) >= _FEWEST_WORDS and not any(start <= one < end for one, _ in quoted):
            found.append((_hash(words), (start, end)))
    return found


def masks(body: str, repeated: Collection[int]) -> tuple[Span, ...]:
    """Where the paragraphs with these hashes stand: `Article.site`.

    Nothing where they are more than half of the text: an appeal stands under an article, and what is all there is may be the
    news, such as the same warning of a missile every night.
    """
    spans = tuple(span for known, span in paragraphs(body) if known in repeated) if repeated else ()
    return spans if 2 * sum(end - start for start, end in spans) <= len(body.strip()) else ()


def _ends(spans: list[Span]) -> list[Span]:
    return spans if len(spans) <= _MOST else [*spans[: _MOST // 2], *spans[-_MOST // 2 :]]


def _hash(words: list[str]) -> int:
    digest = blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
