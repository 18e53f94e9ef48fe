"""Words of a text: found, folded so that spelling variants meet, and never losing where they stood.

Folding takes away case, accents, soft hyphens and the other marks that nobody sees, and straightens quotes. It is done
word by word, so that offsets stay those of the text as given, whatever a fold does to a word's length (ß, İ, NFD).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, takewhile

_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
# A word: letters and digits with the invisible and combining marks inside them; or a dotted abbreviation (U.S., a.m.).
# An apostrophe joins only what follows as part of the word (don't, O'Brien); the possessive is a word of its own.
# The marks are thousands, and asking for one after every word took most of the time of reading: first whether it can be one at all.
_MARKS = "\u00ad\u200b-\u200d\u2060\ufeff" + "".join(
    chr(c) for c in range(0x300, 0x20000) if unicodedata.category(chr(c))[0] == "M"
)
_MARKED = rf"(?:(?=[^\x00-\xac])[{_MARKS}][\w{_MARKS}]*)?"
_WORD = re.compile(rf"\w\w+{_MARKED}|[^\W\d_]\.(?:[^\W\d_]\.)+|['’]s\b|\w{_MARKED}")
_LETTERS = frozenset("йўїґ")  # with a mark, but letters of their own: мой is not мои
_HYPHENS = frozenset("-‐‑")
_JOINED = frozenset(("t", "re", "ve", "ll", "d", "m"))


@dataclass(slots=True)
class Token:
    """A word: where it stands, as folded, as written, and what stands between it and the word before.

    Never changed, but not frozen: a frozen one takes twice as long to make, and an article has a thousand.
    """

    start: int
    end: int
    word: str
    raw: str
    gap: str
    capital: bool
    """Whether it is written with a capital first letter."""
    caps: bool
    """Whether all its letters are capitals, and there are at least two (US, U.S., NATO)."""

    @property
    def glued(self) -> bool:
        """Whether a hyphen joins it to the word before ("based" in "Moscow-based")."""
        return self.gap in _HYPHENS


class Tokens(list[Token]):
    """The words of a text in order, and where each of them stands; not to be changed."""

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Every folded word, and its indices in order."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for i, token in enumerate(self):
            found[token.word].append(i)
        return dict(found)

    def standing(self, *words: str) -> list[int]:
        """The indices at which one of these words stands, in order."""
        return sorted(i for word in words for i in self.places.get(word, ()))

    def beginning(self, letters: str) -> list[str]:
        """The different words that begin so."""
        words = self._alphabetical
        first = bisect_left(words, letters)
        return list(takewhile(lambda word: word.startswith(letters), islice(words, first, None)))

    @cached_property
    def _alphabetical(self) -> list[str]:
        return sorted(self.places)

    @cached_property
    def starts(self) -> dict[object, list[int]]:
        """Where terms may start, kept by whoever looks for them."""
        return {}


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    """One word as it is compared: lower case, no accents, nothing invisible; a dotted abbreviation loses its dots."""
    if word.isascii():
        return word.lower().replace(".", "") if "." in word else word.lower()
    letters = unicodedata.normalize("NFKC", word.translate(_INVISIBLE)).casefold()
    plain = "".join(c if c in _LETTERS else _bare(c) for c in unicodedata.normalize("NFC", letters))
    return plain.replace("’", "'").replace(".", "")


def _bare(char: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))


def tokens(text: str) -> Tokens:
    """The words of a text in order; linear in its length."""
    found = Tokens()
    at = 0
    for start, end in _spans(text):
        raw = text[start:end]
        word, capital, caps = _read(raw)
        if word:
            found.append(Token(start, end, word, raw, text[at:start], capital, caps))
            at = end
    return found


@lru_cache(maxsize=8192)
def _read(raw: str) -> tuple[str, bool, bool]:
    """A word as folded, whether it has a capital first letter, and whether it is all capitals."""
    letters = [c for c in raw if c.isalpha()]
    return fold(raw), raw[:1].isupper(), len(letters) > 1 and all(c.isupper() for c in letters)


def vocabulary(text: str) -> set[str]:
    """The different words of a text, folded: what `tokens` would find, in a third of its time."""
    # No word has white space in it; a page says most of its words several times.
    once = " ".join(dict.fromkeys(text.split()))
    return {fold(once[start:end]) for start, end in _spans(once)} - {""}


def _spans(text: str) -> list[tuple[int, int]]:
    """Word spans, with contractions joined: "don't" is one word, "Moscow's" is two ("moscow", "'s")."""
    spans: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        if spans and start == spans[-1][1] + 1 and text[start - 1] in "'’" and _continues(text, spans[-1], start, end):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _continues(text: str, before: tuple[int, int], start: int, end: int) -> bool:
    """Whether an apostrophe between two words makes them one: a contraction (n't, we're) or a name (O'Brien, D'Arc)."""
    return text[start:end].lower() in _JOINED or before[1] - before[0] == 1
