"""Remarks on terms: those that never match, those that always do, those that another one finds as well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise

from rules.fold import Token, tokens
from rules.problems import Problem
from rules.spec import Spec
from rules.terms import BadTerm, Term, Word, parse, stem, terms

LONGEST = 40
"""Words: hardly a sentence is longer. Letters: hardly a word is."""
MOST = 50
"""Terms that one term is compared with."""
_LARGE = 1_000
_COMMON = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his i if in into is it its may more no not"
    " of on one or our out over said say says she so than that the their them then there these they this those to up was we were what"
    " when which who will with would you your и в во на не что он она они с со по как это из за от к у о а но же бы для і й та не що".split()
)
_JOINS_ON = frozenset("and or nor but of which who whose".split())
_LEAVES_OPEN = frozenset("and or nor the a an of".split())
_ACRONYMS = frozenset(
    "ASEAN AUKUS CENTCOM ECOWAS EUROPOL FIFA FRONTEX INTERPOL MERCOSUR NASDAQ UNESCO UNHCR UNICEF UNIFIL UNRWA USAID".split()
)
_PROBES = (
    "The cat sat on the mat.",
    "Rain fell over green hills all day.",
    "Nobody knew why it was so.",
    "Two ships left port early.",
    "Her brother sold his old bicycle.",
)

Remarks = Iterator[Problem]


def at(spec: Spec, message: str, severity: str = "warning", *, key: str = "") -> Problem:
    """A remark at a value, or at one of its keys."""
    line, column = spec.keys.get(key, (spec.line, spec.column))
    return Problem(spec.file, line, column, message, severity)


def empty(spec: Spec, what: str) -> Remarks:
    """Something to look for that is nothing."""
    if spec.value is None or spec.value in ("", [], {}):
        yield at(spec, f"{what} is empty, so nothing is ever found by it")


def named(spec: Spec) -> Remarks:
    """A list of who: each name's terms, and what is written for two names."""
    claimed: dict[tuple[Word, ...], tuple[str, Spec]] = {}
    for name, entry in spec.mapping().items():
        if name == "include" or not isinstance(entry.value, str | list | dict):
            continue
        for part in ("office", "of") if entry.get("office") else ():
            yield from group(entry.get(part))
        if entry.get("office"):
            continue
        yield from group(entry)
        for term, one in written_terms(entry):
            other, first = claimed.setdefault(term.words, (name, one))
            if other != name:
                yield at(one, f"“{term.written}” is written for '{other}' too (line {first.line}); '{other}' gets it")


# One term, and terms beside each other


def group(spec: Spec | None, *, words: bool = False) -> Remarks:
    """Terms that stand together. `words`: small words that say yes or no are welcome among them."""
    if spec is None:
        return
    if isinstance(spec.value, dict):
        yield from group(spec.get("any"))
        return
    written = [one for one in spec.each() if is_term(one)]
    for one in written:
        yield from term_remarks(one, common=words)
    yield from repeated(spec)
    if not words:
        yield from split(spec)


def is_term(spec: Spec) -> bool:
    """Whether a value is a term that is written out, a regular expression included."""
    return not isinstance(spec.value, dict | list | None) and not spec.string().startswith("$")


def term_remarks(spec: Spec, *, common: bool) -> Remarks:
    """What there is to say of one term. `common`: small words are welcome here."""
    text = spec.string()
    if is_pattern(text):
        yield from _pattern(spec, text)
        return
    if text.startswith("/"):
        yield at(
            spec, f"“{text}” is not read as a regular expression: one begins and ends with '/', and capitals never matter in it"
        )
    term = parsed_term(text)
    if term is None:
        return
    yield from _never(spec, text, term)
    if not common:
        yield from _always(spec, text, term)
    shouted = [w for w in text.split() if w.isalpha() and w.isupper() and len(w) > 4 and w not in _ACRONYMS]
    if shouted:
        yield at(spec, f"“{shouted[0]}” in capitals matches only capitals: write {shouted[0].lower()} for any case", "hint")


def is_pattern(text: str) -> bool:
    """Whether a term is a regular expression."""
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def parsed_term(text: str) -> Term | None:
    """The term; None where it has no word to look for."""
    try:
        return parse(text)
    except BadTerm:  # noted as an error by the loader
        return None


def _never(spec: Spec, text: str, term: Term) -> Remarks:
    """A term that does not find itself finds nothing that is written like it."""
    if len(term.words) > LONGEST:
        yield at(spec, f"a term of {len(term.words)} words: hardly a sentence is so long, and a term never runs over its end")
        return
    if re.search(r"\*\S", text) or re.search(r"(^|\s)\*", text):
        yield at(spec, f"“{text}”: '*' stands only at the end of a word, for any ending; use a /regular expression/ for more")
        return
    mark = _breaking(tokens(text.removeprefix("~")))
    if mark == ",":
        parts = ", ".join(part.strip() for part in text.split(",") if part.strip())
        yield at(spec, f"“{text}” is never found where the comma stands: a phrase ends there. Two terms are a list: [{parts}]")
    elif mark:
        yield at(
            spec,
            f"“{text}” is never found written so, since '{mark}' ends a phrase; a regular expression finds it: /{_escaped(text)}/",
        )


def _breaking(words: Sequence[Token]) -> str:
    """What stands between two words of a term and, in a text, would keep them from being one phrase; nothing where all is well."""
    for before, word in pairwise(words):
        if parse(f"{before.raw} {word.raw}").at(tokens(f"{before.raw}{word.gap}{word.raw}"), 0) is None:
            return word.gap.strip() or word.gap
    return ""


def _escaped(text: str) -> str:
    return re.sub(r"([.+?()\[\]{}|^$\\*])", r"\\\1", text)


def _always(spec: Spec, text: str, term: Term) -> Remarks:
    if all(
        word.kind == "exact" and (word.text in _COMMON or (len(word.text) == 1 and word.text.isalpha())) for word in term.words
    ):
        yield at(spec, f"“{text}” stands in nearly every article (capitals make no difference here)")
    elif len(term.words) == 1 and term.words[0].kind == "prefix" and len(term.words[0].text) < 3:
        yield at(spec, f"“{text}” begins very many words")


def _pattern(spec: Spec, text: str) -> Remarks:
    try:
        found = terms([text])
    except BadTerm:
        return
    pattern = found.patterns[0]
    if all(any(match.group() for match in pattern.finditer(probe)) for probe in _PROBES):
        yield at(spec, f"{text} matches nearly every sentence")
    elif text.startswith("/.*") or text.endswith(".*/"):
        yield at(
            spec, f"'.*' at either end of {text} is not needed: a match may stand anywhere, and what is shown grows by it", "hint"
        )
    if pattern.programsize > _LARGE:
        yield at(
            spec,
            f"{text[:40]}… is a large regular expression ({pattern.programsize:,} steps) and slow: repeat less, or use terms",
        )


def written_terms(spec: Spec) -> Iterator[tuple[Term, Spec]]:
    """The terms that are written out in a value; no `$lists`, no regular expressions, no exceptions."""
    wanted = spec.get("any") if isinstance(spec.value, dict) else spec
    for one in wanted.each() if wanted else ():
        if is_term(one) and not is_pattern(one.string()) and (term := parsed_term(one.string())):
            yield term, one


def repeated(spec: Spec) -> Remarks:
    """Terms that another one of the same list finds as well, word for word."""
    seen: dict[tuple[Word, ...], Spec] = {}
    listed = list(written_terms(spec))
    for term, one in listed:
        first = seen.setdefault(term.words, one)
        if first is not one:
            again = "is here twice" if first.string() == term.written else f"is the same as “{first.string()}”"
            yield at(one, f"“{term.written}” {again} (first on line {first.line})", "hint")
    wide: dict[str, list[Term]] = {}
    for term, _ in listed:
        if any(word.kind in ("prefix", "stem") for word in term.words):
            wide.setdefault(term.words[0].text, []).append(term)
    for term, one in listed if wide else ():
        cover = next((other for other in _candidates(term, wide) if other.words != term.words and _covers(other, term)), None)
        if cover:
            yield at(one, f"“{term.written}” is found by “{cover.written}” already", "hint")


def _candidates(term: Term, wide: Mapping[str, Sequence[Term]]) -> Iterator[Term]:
    """Terms whose first word may find that of `term`; so many at most that long lists cost no more than their length."""
    first = term.words[0].text
    starts = {first[:size] for size in range(1, min(len(first), LONGEST) + 1)} | {stem(first)}
    return islice((other for start in sorted(starts) for other in wide.get(start, ())), MOST)


def _covers(wide: Term, narrow: Term) -> bool:
    same = len(wide.words) == len(narrow.words)
    return same and all(includes(a, b) for a, b in zip(wide.words, narrow.words, strict=True))


def includes(wide: Word, narrow: Word) -> bool:
    """Whether every word that fits `narrow` fits `wide`."""
    if wide.kind == "prefix":
        return narrow.kind != "stem" and narrow.text.startswith(wide.text)
    if wide.kind == "stem":
        return (narrow.kind in ("exact", "cased") and stem(narrow.text) == wide.text) or wide == narrow
    return wide.text == narrow.text and narrow.kind in ("exact", "cased") and wide.kind in ("exact", narrow.kind)


def split(spec: Spec) -> Remarks:
    """Two entries of one line that look like one phrase with a comma in it: [ready for talks, but not now]."""
    entries = [one for one in spec.each() if is_term(one)]
    for before, one in pairwise(entries):
        first, second = before.string().split(), one.string().split()
        if before.line != one.line or before.quoted or one.quoted or not first or not second:
            continue
        if first[-1].lower() in _LEAVES_OPEN or (second[0].lower() in _JOINS_ON and second[0].islower()):
            yield at(one, f"the comma makes two terms of “{before.string()}” and “{one.string()}”: is that meant?")
