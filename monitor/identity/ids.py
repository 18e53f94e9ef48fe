"""Ids and digests, derived from content; and whether what stands under one address is still the same article."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from rules.fold import tokens

if TYPE_CHECKING:
    from rules import Article


def digest(*texts: str) -> str:
    """SHA-256 of the texts in order, in hex; where one ends and the next begins counts."""
    told = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        told.update(b"%d:" % len(data))
        told.update(data)
    return told.hexdigest()


def revision(article: Article) -> str:
    """Which text this is: changes whenever title, summary or body do, and with nothing else."""
    return digest(article.title, article.summary, article.body)


def same_page(title: str, digest: str, article: Article) -> bool:
    """Whether an article is the one known by this title and digest, given that source and address are the same.

    It is if the digests are equal, or the titles in all but case, accents and punctuation. The address alone says nothing: all
    entries of a feed may link to its home page, a live page, or nowhere in particular.
    """
    return bool(digest and digest == article.digest) or _same_title(title, article.title)


def event_id(rule: str, article: str, place: str) -> str:
    """The id of the event that a finding at this place of this article opened."""
    return "evt_" + _short(rule, article, place)


def alert_id(rule: str, article: str, text: str) -> str:
    """The id of the one alert that a rule may raise on an article in this revision."""
    return "alt_" + _short(rule, article, text)


def _same_title(one: str, other: str) -> bool:
    if not one.strip() or not other.strip():
        return False  # titles that are not there are nobody's
    return one.strip() == other.strip() or _words(one) == _words(other) != []


def _words(text: str) -> list[str]:
    return [token.word for token in tokens(text)]


def _short(*texts: str) -> str:
    """26 letters and digits, 130 bits: beyond chance, and never a '.', which webhook signatures use as separator."""
    return base64.b32encode(bytes.fromhex(digest(*texts))).decode("ascii").lower()[:26]
