"""Copies and round-ups made from articles, as editors and sites make them. For `copies.py`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import corpus  # noqa: F401 - puts the project on the path

from monitor import identity
from rules import Article
from rules.fold import tokens

Words = list[str]
Change = Callable[["Text", random.Random, "Stock"], "Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """An article as copies are made of it."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def words(self) -> Words:
        """What a sketch is made from: the words of its substance."""
        article = Article(id="", title=self.title, body="\n\n".join(self.paragraphs))
        return words_of(identity.substance(article))


@dataclass(frozen=True, slots=True)
class Stock:
    """What editors add: words, sentences and headlines of other articles in the same script."""

    words: Sequence[str]
    leads: Sequence[str]
    titles: Sequence[str]


def words_of(text: str) -> Words:
    """The folded words of a text."""
    return [token.word for token in tokens(text)]


def sourced(text: Text, chance: random.Random, _stock: Stock) -> Text:
    """With a dateline and credits."""
    city = chance.choice(("VALLETTA", "GENEVA", "ANKARA", "МОСКВА"))
    first, *rest = text.paragraphs
    credit = "Reporting by A. Writer and B. Stringer in Brussels; additional reporting by C. Desk; editing by D. Slot"
    return Text(text.title, (f"{city}, May 4 (Agency) — {first}", *rest, credit, "Photo: E. Lens / Agency / Getty Images"))


def appealed(text: Text, _chance: random.Random, _stock: Stock) -> Text:
    """With the site's appeal and newsletter between its paragraphs."""
    appeal = (
        "Dear readers, independent journalism needs you: support us with a monthly donation, however small it may be.",
        "Sign up for our free weekly newsletter and get the best of our reporting in your mailbox every Friday morning.",
        "We, the journalists of this paper, will not be silenced. If you are able to, please support us. It takes one minute.",
    )
    middle = len(text.paragraphs) // 2
    return Text(text.title, (*text.paragraphs[:middle], *appeal, *text.paragraphs[middle:]))


def cut(share: float) -> Change:
    """Only its beginning."""

    def change(text: Text, _chance: random.Random, _stock: Stock) -> Text:
        room, kept = share * sum(len(one.split()) for one in text.paragraphs), []
        for one in text.paragraphs:
            if room < 1:
                break
            kept.append(" ".join(one.split()[: int(room)]))
            room -= len(one.split())
        return Text(text.title, tuple(kept))

    return change


def retitled(text: Text, chance: random.Random, stock: Stock) -> Text:
    """Under a headline of its own, which keeps every third word."""
    kept = text.title.split()[::3]
    return Text(" ".join(chance.sample([*kept, *chance.choices(stock.words, k=6)], len(kept) + 6)), text.paragraphs)


def reworded(share: float) -> Change:
    """With this share of its words replaced, dropped or preceded by a new one."""

    def change(text: Text, chance: random.Random, stock: Stock) -> Text:
        return Text(text.title, tuple(" ".join(edited(one.split(), chance, stock)) for one in text.paragraphs))

    def edited(words: Words, chance: random.Random, stock: Stock) -> Iterator[str]:
        for word in words:
            if chance.random() >= share:
                yield word
                continue
            deed = chance.randrange(3)
            yield from ((), (chance.choice(stock.words),), (chance.choice(stock.words), word))[deed]

    return change


def reordered(text: Text, chance: random.Random, _stock: Stock) -> Text:
    """With its paragraphs in another order."""
    return Text(text.title, tuple(chance.sample(text.paragraphs, len(text.paragraphs))))


_BRITISH = (
    (r"iz(?=e[sdr]?\b|ing\b|ation)", "is"),
    (r"(?<=[lbnv])or(?=s?\b|ed\b|ing\b|able\b)", "our"),
    (r"\bdefense\b", "defence"),
    (r"\bcenter", "centre"),
    (r"\bpercent\b|%", " per cent"),
    (r"\bprogram\b", "programme"),
    (r"\bMr\. ", "Mr "),
    (r"(\d) (?=million|billion)", r"\1-"),
    (r"\bU\.S\.", "US"),
)


def respelled(text: Text, _chance: random.Random, _stock: Stock) -> Text:
    """In British spelling."""

    def british(line: str) -> str:
        for pattern, there in _BRITISH:
            line = re.sub(pattern, there, line)
        return line

    return Text(british(text.title), tuple(map(british, text.paragraphs)))


def retyped(text: Text, _chance: random.Random, _stock: Stock) -> Text:
    """With other quotes, dashes and spaces."""

    def typed(line: str) -> str:
        line = re.sub(r"[\"“](?=\w)", "«", line)
        line = re.sub(r"(?<=[\w.,])[\"”]", "»", line)
        return line.translate(str.maketrans("'-–—", "’‑—-")).replace("...", "…").replace(", ", ",\u00a0")

    return Text(typed(text.title), tuple(map(typed, text.paragraphs)))


def furnished(text: Text, chance: random.Random, stock: Stock) -> Text:
    """With what stands around it on the page: menus, buttons, links to other articles."""
    links = [f"Read more: {one}" for one in chance.sample(list(stock.titles), 4)]
    menu = "Home World Politics Business Sport Culture Opinion Video Podcasts Newsletters"
    middle = len(text.paragraphs) // 2
    before, after = text.paragraphs[:middle], text.paragraphs[middle:]
    foot = (
        "Most read",
        *chance.sample(list(stock.titles), 4),
        "Share this article on Facebook, X, WhatsApp",
        "© 2026 All rights reserved",
    )
    return Text(text.title, (menu, *before, *links[:2], *after, *links[2:], *foot))


def own_start(text: Text, chance: random.Random, stock: Stock) -> Text:
    """With a headline and a first paragraph of its own before the wire's text, which loses its own first one if it has several."""
    rest = text.paragraphs[1:] if len(text.paragraphs) > 3 else text.paragraphs
    return Text(retitled(text, chance, stock).title, (chance.choice(stock.leads), *rest))


def as_syndicated(text: Text, chance: random.Random, stock: Stock) -> Text:
    """All at once, as it happens: cut to 70 %, dateline and credits, new headline, 3 % of the words, site furniture."""
    for change in (cut(0.7), reworded(0.03), sourced, retitled, furnished):
        text = change(text, chance, stock)
    return text


COPIES: dict[str, Change] = {
    "dateline, credits": sourced,
    "appeal, newsletter": appealed,
    "cut to 80 %": cut(0.8),
    "cut to 60 %": cut(0.6),
    "cut to 50 %": cut(0.5),
    "cut to 40 %": cut(0.4),
    "headline rewritten": retitled,
    "5 % of words": reworded(0.05),
    "10 % of words": reworded(0.10),
    "15 % of words": reworded(0.15),
    "paragraphs reordered": reordered,
    "British spelling": respelled,
    "quotes, dashes": retyped,
    "site furniture": furnished,
    "own headline, start": own_start,
    "several of these": as_syndicated,
}
SHORT: dict[str, Change] = {
    "short: 5 % of words": reworded(0.05),
    "short: quotes, dashes": retyped,
    "short: British": respelled,
    "short: new headline": retitled,
    "short: half a teaser": cut(0.5),
}
HARD = frozenset(("15 % of words", "short: new headline", "short: half a teaser"))
"""What is reported but not counted into the mean: half of such a text is another's, or says too little."""

ROUNDUPS = {"2 whole": (2, 1.0), "3 whole": (3, 1.0), "5 whole": (5, 1.0), "4 halves": (4, 0.5), "8 halves": (8, 0.5)}


def roundup(parts: Sequence[Text], share: float, chance: random.Random, stock: Stock) -> Text:
    """A briefing or live blog that has (the beginnings of) these articles, each under its headline."""
    cuts = [cut(share)(one, chance, stock) for one in parts]
    return Text(
        "Morning briefing: what you need to know today", tuple(line for one in cuts for line in (one.title, *one.paragraphs))
    )
