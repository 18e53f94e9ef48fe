"""Terms: what a user writes to be looked for, and finding many of them in one walk over the words.

- `peace plan`   whole words, any case, accents and hyphens aside; several words are a phrase
- `negotiat*`    a word that begins so
- `US`, `NATO`   all capitals: matches capitals only
- `~переговоры`  the word in any of its grammatical forms (Snowball stems, English or Russian by its script)
- `/peace (talk|plan)s?/`  a regular expression (RE2), in any case
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import re2
import Stemmer

from rules.fold import Token, Tokens, tokens

_GLUE = frozenset(" \t\u00a0\u202f-‐‑–'’\"“”«»‘/")


class BadTerm(ValueError):
    """A term that can never match, with the reason."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a term: `text` is folded; `kind` is exact, prefix, cased or stem; `gap` is what was written before it."""

    text: str
    kind: str
    gap: str = " "

    def fits(self, token: Token) -> bool:
        """Whether the token is this word."""
        if self.kind == "exact":
            return token.word == self.text
        if self.kind == "prefix":
            return token.word.startswith(self.text)
        if self.kind == "cased":
            return token.word == self.text and token.caps
        return stem(token.word) == self.text


@dataclass(frozen=True, slots=True)
class Term:
    """A term as written, and the words it is made of."""

    written: str
    words: tuple[Word, ...]

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether all its words stand somewhere among these; of those that are a beginning or a stem that is not asked."""
        return all(word.text in vocabulary for word in self.words if word.kind in ("exact", "cased"))

    def at(self, words: Sequence[Token], i: int) -> int | None:
        """The index after the term if it stands at word `i`, else None."""
        end = i + len(self.words)
        if end > len(words):
            return None
        for j, word in enumerate(self.words):
            token = words[i + j]
            if not word.fits(token) or (j and token.gap != word.gap and not _GLUE.issuperset(token.gap)):
                return None
        return end


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The Snowball stem of a folded word: Russian for Cyrillic, English otherwise."""
    language = "russian" if any("а" <= c <= "я" for c in word) else "english"
    stemmed: str = _stemmer(language).stemWord(word)
    return stemmed


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language)


def parse(written: str) -> Term:
    """A term from the words a user wrote; raises BadTerm where it has none."""
    stemmed = written.startswith("~")
    parts = []
    for chunk in written.removeprefix("~").split():
        found = tokens(chunk.rstrip("*"))
        for n, token in enumerate(found):
            last = n == len(found) - 1
            word = _word(token, prefix=last and chunk.endswith("*"), stemmed=stemmed)
            parts.append(replace(word, gap=token.gap) if n else word)
    if not parts:
        raise BadTerm(f"'{written}' has no letter or digit, so it can never match")
    return Term(written, tuple(parts))


def _word(token: Token, *, prefix: bool, stemmed: bool) -> Word:
    if prefix:
        return Word(token.word, "prefix")
    if stemmed:
        return Word(stem(token.word), "stem")
    return Word(token.word, "cased" if token.caps else "exact")


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Many terms, found in one walk: exact first words by dictionary, prefixes by their lengths, stems by stem. Each is itself alone."""

    exact: dict[str, list[Term]] = field(default_factory=dict)
    prefixes: dict[int, dict[str, list[Term]]] = field(default_factory=dict)
    stems: dict[str, list[Term]] = field(default_factory=dict)
    patterns: tuple[re2._Regexp, ...] = ()
    written: tuple[str, ...] = ()

    def search(self, words: Sequence[Token], lo: int = 0, hi: int | None = None) -> list[tuple[int, int]]:
        """Word spans (first, after last) of every term in words[lo:hi], the longest at each word, none inside another."""
        found: list[tuple[int, int]] = []
        hi = len(words) if hi is None else hi
        at = lo
        for i in self._starts(words, lo, hi):
            if i < at:
                continue
            ends = [end for term in self._starting(words[i].word) if (end := term.at(words, i)) is not None and end <= hi]
            if ends:
                at = max(ends)
                found.append((i, at))
        return found

    def _starts(self, words: Sequence[Token], lo: int, hi: int) -> Sequence[int]:
        """The words at which a term may start. A text is looked through once for all of its sentences: most of them hold none."""
        if not isinstance(words, Tokens):
            return [i for i in range(lo, hi) if self._begins(words[i].word)]
        starts = words.starts.get(self)
        if starts is None:
            starts = words.starts[self] = words.standing(*self._heads(words))
        return starts[bisect_left(starts, lo) : bisect_left(starts, hi)] if starts else starts

    def _begins(self, word: str) -> bool:
        """Whether a term may start with a word."""
        if word in self.exact or any(word[:length] in heads for length, heads in self.prefixes.items()):
            return True
        return bool(self.stems) and stem(word) in self.stems

    def _heads(self, words: Tokens) -> set[str]:
        """The words of a text that a term may start with."""
        found = self.exact.keys() & words.places.keys()
        for heads in self.prefixes.values():
            for head in heads:
                found.update(words.beginning(head))
        if self.stems:
            found.update(word for word in words.places if stem(word) in self.stems)
        return found

    def _starting(self, word: str) -> list[Term]:
        """The terms that may start at a word."""
        found = self.exact.get(word, [])
        for length, heads in self.prefixes.items():
            if more := heads.get(word[:length]):
                found = found + more
        return [*found, *self.stems.get(stem(word), ())] if self.stems else found

    def in_text(self, text: str, start: int, end: int) -> list[tuple[tuple[int, int], dict[str, str | None]]]:
        """Code-point spans of the regular expressions among the terms within text[start:end], with their named groups."""
        if not self.patterns:
            return []
        piece = text[start:end]
        found = [(one, match) for one in self.patterns for match in one.finditer(piece) if match.group()]
        return [((start + m.start(), start + m.end()), {name: m.group(name) for name in one.groupindex}) for one, m in found]

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether any term could occur in a text with these folded words: cheap, and never wrongly no."""
        if self.stems or self.patterns:
            return True
        if any(term.possible(vocabulary) for word in vocabulary & self.exact.keys() for term in self.exact[word]):
            return True
        heads = tuple(head for many in self.prefixes.values() for head in many)
        return bool(heads) and any(word.startswith(heads) for word in vocabulary)


def terms(written: Iterable[str]) -> Terms:
    """Terms from what a user wrote; raises BadTerm at the first that cannot be one."""
    exact: dict[str, list[Term]] = {}
    prefixes: dict[int, dict[str, list[Term]]] = {}
    stems: dict[str, list[Term]] = {}
    patterns = []
    everything = tuple(written)
    for one in everything:
        if len(one) > 2 and one.startswith("/") and one.endswith("/"):
            patterns.append(_pattern(one[1:-1]))
            continue
        term = parse(one)
        head = term.words[0]
        if head.kind == "prefix":
            prefixes.setdefault(len(head.text), {}).setdefault(head.text, []).append(term)
        else:
            (stems if head.kind == "stem" else exact).setdefault(head.text, []).append(term)
    return Terms(exact, prefixes, stems, tuple(patterns), everything)


def _of_any_script(pattern: str) -> str:
    r"""The pattern with `\w` and `\d` of any script, where RE2's know only ASCII; its `\b` stays ASCII."""
    written, inside, i = [], False, 0
    while i < len(pattern):
        pair = pattern[i : i + 2]
        if pair in _CLASSES:
            written.append(_CLASSES[pair] if inside else f"[{_CLASSES[pair]}]")
        elif pair[:1] == "\\":
            written.append(pair)
        else:
            inside = pair[0] == "[" or (inside and pair[0] != "]")
            written.append(pair[0])
        i += 2 if pair[:1] == "\\" else 1
    return "".join(written)


_CLASSES = {"\\w": r"\p{L}\p{N}_", "\\d": r"\p{Nd}"}


def _pattern(text: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(_of_any_script(text), options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise BadTerm(f"/{text}/ is not a regular expression RE2 can run: {reason}") from error
