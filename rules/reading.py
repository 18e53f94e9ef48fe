"""An article made ready to search, once: its words, sentences and quotations, and which of them count."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from rules.article import FIELDS, Article
from rules.boilerplate import masked
from rules.evidence import Hit
from rules.fold import Token, Tokens, tokens
from rules.sentences import Span, paragraphs, quotations, sentences

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A sentence that counts: its place in the field, its words as a range of the section's words, and its paragraph."""

    section: Section
    number: int
    """Place among the sentences of the whole reading, title first."""
    start: int
    end: int
    lo: int
    hi: int
    paragraph: int

    @property
    def text(self) -> str:
        """The sentence as written."""
        return self.section.text[self.start : self.end]

    @property
    def words(self) -> list[Token]:
        """Its words."""
        return self.section.words[self.lo : self.hi]

    @property
    def is_title(self) -> bool:
        """Whether it is the headline."""
        return self.section.field == "title"


@dataclass(slots=True, eq=False)
class Section:
    """One field of an article: its text, all its words, and those of its sentences that are not masked."""

    field: str
    text: str
    words: Tokens
    sentences: list[Sentence]
    quotes: list[Span]
    quoted: list[bool]
    """For each word, whether it stands inside a quotation."""

    def place(self, word: int) -> int:
        """The index of the sentence that word `word` stands in, or else of the one before it; 0 at the least."""
        return max(0, bisect_right(self.sentences, word, key=lambda one: one.lo) - 1)

    def around(self, word: int) -> Sentence | None:
        """The sentence that word `word` stands in; None where that is masked."""
        one = self.sentences[self.place(word)] if self.sentences else None
        return one if one and one.lo <= word < one.hi else None

    def sentence_ending(self, at: int) -> int:
        """The index of the first sentence that ends at or after code point `at`; past the last where none does."""
        return bisect_left(self.sentences, at, key=lambda one: one.end)

    def quote_around(self, at: int) -> Span | None:
        """The quotation that code point `at` stands in."""
        k = bisect_right(self.quotes, at, key=lambda span: span[0]) - 1
        return self.quotes[k] if k >= 0 and self.quotes[k][0] <= at < self.quotes[k][1] else None

    def hit(self, lo: int, hi: int) -> Hit:
        """The stretch from word `lo` to the end of word `hi - 1`."""
        return self.stretch(self.words[lo].start, self.words[hi - 1].end)

    def stretch(self, start: int, end: int) -> Hit:
        """The stretch between two code points."""
        return Hit(field=self.field, start=start, end=end, text=self.text[start:end])


class Reading:
    """An article's sections in the order they are read: title, summary, body. What repeats is read once."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self.title_in_body = bool(article.title.strip()) and self._repeats("title", article.title)
        fields = [(field, article.text(field)) for field in FIELDS]
        read = [(field, text) for field, text in fields if text.strip() and not self._repeats(field, text)]
        self._words = {field: tokens(text) for field, text in read}
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made the first time that anybody asks for `key`: conditions share what they read."""
        if key not in self._known:
            self._known[key] = make()
        made: Made = self._known[key]
        return made

    def _repeats(self, field: str, text: str) -> bool:
        """A title that is the body's first sentence and a summary that the body begins with are read in the body."""
        if field == "body":
            return False
        bare = " ".join(text.split()).rstrip(".…")
        others = [self._opening] if field == "title" else [self._opening, self.article.title]
        starts = [" ".join(other[: 2 * len(text) + 80].split()) for other in others]
        return any(bare and one.startswith(bare) and not one[len(bare) : len(bare) + 1].isalnum() for one in starts)

    @property
    def _opening(self) -> str:
        """The body; nothing where it opens with what its source prints under many articles: that is not read for anything else."""
        article = self.article
        return "" if article.site and not article.body[: min(article.site)[0]].strip() else article.body

    @cached_property
    def sections(self) -> list[Section]:
        """Its fields, made ready when somebody asks: most articles are told by their words to be of no interest."""
        found: list[Section] = []
        for field, words in self._words.items():
            first = sum(len(section.sentences) for section in found)
            found.append(_section(field, self.article.text(field), words, first))
            if field == "body" and self.article.site:
                found[-1].sentences = _apart(found[-1].sentences, self.article.site, first)
        return found

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Every sentence that counts, title first."""
        return [one for section in self.sections for one in section.sentences]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The folded words of the whole article."""
        return frozenset(word.word for words in self._words.values() for word in words)


def _section(field: str, text: str, words: Tokens, first: int) -> Section:
    starts = [word.start for word in words]
    quotes = quotations(text)
    section = Section(field, text, words, [], quotes, _flags(words, quotes))
    spans = paragraphs(text)
    hidden = _masked(section, spans, starts) if field == "body" else [False] * len(spans)
    for n, (span, skipped) in enumerate(zip(spans, hidden, strict=True)):
        if skipped:
            continue
        for start, end in sentences(text, span):
            lo, hi = bisect_left(starts, start), bisect_left(starts, end)
            if lo < hi:
                number = first + len(section.sentences)
                section.sentences.append(Sentence(section, number, start, end, lo, hi, n))
    return section


def _apart(found: list[Sentence], site: Iterable[Span], first: int) -> list[Sentence]:
    """Those that touch no stretch of the site's own, numbered anew from `first`."""
    own = sorted(site)
    free = [one for one in found if not _touches(one, own)]
    return [replace(one, number=first + n) for n, one in enumerate(free)]


def _touches(one: Sentence, spans: list[Span]) -> bool:
    """Whether a sentence overlaps one of the stretches, which are in order and do not overlap one another."""
    before = bisect_left(spans, one.end, key=lambda span: span[0])
    return before > 0 and spans[before - 1][1] > one.start


def _masked(section: Section, spans: list[Span], starts: list[int]) -> list[bool]:
    """Which paragraphs are the site's own voice, judged by their words outside quotation marks."""
    spoken, ranges = Tokens(), []
    for start, end in spans:
        first = len(spoken)
        spoken += [section.words[i] for i in range(bisect_left(starts, start), bisect_left(starts, end)) if not section.quoted[i]]
        ranges.append((first, len(spoken)))
    return masked([section.text[a:b] for a, b in spans], spoken, ranges)


def _flags(words: list[Token], quotes: list[Span]) -> list[bool]:
    flags = [False] * len(words)
    i = 0
    for start, end in quotes:
        while i < len(words) and words[i].end <= start:
            i += 1
        while i < len(words) and words[i].start < end:
            flags[i] = True
            i += 1
    return flags
