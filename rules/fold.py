"""Words of a text: found, folded so that spelling variants meet, and never losing where they stood.

Folding takes away case, accents, soft hyphens and the other marks that nobody sees, and straightens quotes. It is done
word by word, so that offsets stay those of the text as given, whatever a fold does to a word's length (ß, İ, NFD).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
# A word: letters and digits with the invisible and combining marks inside them; or a dotted abbreviation (U.S., a.m.).
# An apostrophe joins only what follows as part of the word (don't, O'Brien); the possessive is a word of its own.
_MARKS = "\u00ad\u200b-\u200d\u2060\ufeff" + "".join(
    chr(c) for c in range(0x300, 0x20000) if unicodedata.category(chr(c))[0] == "M"
)
_WORD = re.compile(rf"[^\W\d_]\.(?:[^\W\d_]\.)+|['’]s\b|\w[\w{_MARKS}]*")
_LETTERS = frozenset("йўїґ")  # with a mark, but letters of their own: мой is not мои
_JOINED = frozenset(("t", "re", "ve", "ll", "d", "m"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word: where it stands, as folded, as written, and what stands between it and the word before."""

    start: int
    end: int
    word: str
    raw: str
    gap: str

    @property
    def capital(self) -> bool:
        """Whether it is written with a capital first letter."""
        return self.raw[:1].isupper()

    @property
    def caps(self) -> bool:
        """Whether all its letters are capitals, and there are at least two (US, U.S., NATO)."""
        letters = [c for c in self.raw if c.isalpha()]
        return len(letters) > 1 and all(c.isupper() for c in letters)

    @property
    def glued(self) -> bool:
        """Whether a hyphen joins it to the word before ("based" in "Moscow-based")."""
        return self.gap in ("-", "‐", "‑")


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """One word as it is compared: lower case, no accents, nothing invisible; a dotted abbreviation loses its dots."""
    if word.isascii():
        return word.lower().replace(".", "") if "." in word else word.lower()
    letters = unicodedata.normalize("NFKC", word.translate(_INVISIBLE)).casefold()
    plain = "".join(c if c in _LETTERS else _bare(c) for c in unicodedata.normalize("NFC", letters))
    return plain.replace("’", "'").replace(".", "")


def _bare(char: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))


def tokens(text: str) -> list[Token]:
    """The words of a text in order; linear in its length."""
    found: list[Token] = []
    at = 0
    for start, end in _spans(text):
        raw = text[start:end]
        word = fold(raw)
        if word:
            found.append(Token(start, end, word, raw, text[at:start]))
            at = end
    return found


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
