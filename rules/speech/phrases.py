"""Noun phrases: the words that name whoever speaks, found by the words such a description can be made of."""

from __future__ import annotations

from rules.fold import Token
from rules.reading import Sentence
from rules.speech.verbs import verbs, words_of

Range = tuple[int, int]
_CLAUSE = (",", ";", ":", "–", "—", "(", ")")
_PRONOUNS = frozenset(("he", "she", "they", "it"))
_PREPOSITIONS = frozenset("of for to in at on with from by under".split())
_RELATIVES = frozenset(
    "who which whose a an the speaking citing quoting in at on after during when asked also himself himself then now referring "
    "responding commenting writing himself one his her its their known seen left right center".split(),
)
_OTHER_VERBS = frozenset("is was are were be been has have had will would can could should must may might does did do".split())
_STOPPERS = frozenset(
    "that as after before while when where which who because since if whether although though but and or than then is was are were "
    "will would on in at of for to from by with about over into not".split(),
)
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
TIME = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow on this last late early earlier week month "
    "year morning afternoon evening night january february march april may june july august september october november december "
    "in day days hours ago the same previous".split(),
)


def left_np(words: list[Token], i: int, lo: int) -> Range | None:
    """The words that name whoever does the verb at `i`, looking left; None where there is no such thing."""
    k = i - 1
    if k < lo:
        return None
    if not ends_clause(words, i):
        k = skip_between(words, i, lo)
    if k + 1 < len(words) and k + 1 <= i and ends_clause(words, k + 1):
        return _before_apposition(words, k, lo)
    return np_ending(words, k, lo)


def right_np(words: list[Token], i: int, hi: int) -> Range | None:
    """The noun phrase that starts at word `i`; None where there is none."""
    if i >= hi:
        return None
    if words[i].word in _PRONOUNS:
        return (i, i + 1)
    end = i
    while end < hi and end - i < 14:
        token = words[end]
        if end > i and (ends_clause(words, end) or any(mark in token.gap for mark in '"“”.\n')):
            break
        bridge = token.word in ("of", "for", "to", "in", "at") and end > i and words[end - 1].word in words_of("offices")
        part = token.capital or token.word in words_of("offices") or token.word in words_of("modifiers") or token.word == "'s"
        if token.word in WEEKDAYS or not (part or bridge or token.glued) or (token.word in verbs() and end > i):
            break
        end += 1
    while end > i and words[end - 1].word in ("of", "for", "to", "in", "at", "the", "a", "'s"):
        end -= 1
    if end == i or not any(w.capital or w.word in words_of("offices") for w in words[i:end]):
        return None
    return _with_name_after_comma(words, i, end, hi)


def subject(sentence: Sentence) -> Range | None:
    """The noun phrase that a sentence begins with, an introduction up to the first comma left aside."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    if words[lo].word in words_of("introductions"):
        after = next((k for k in range(lo + 1, hi) if "," in words[k].gap), None)
        if after is not None:
            lo = after
        elif words[lo].word in ("but", "and", "however", "still"):
            lo += 1
        else:
            return None
    return None if sentence.section.quoted[lo] else right_np(words, lo, hi)


def np_ending(words: list[Token], k: int, lo: int) -> Range | None:
    """The noun phrase whose last word is `k`, by the words it can be made of."""
    if k < lo:
        return None
    head = words[k]
    if head.word in _PRONOUNS:
        return (k, k + 1)
    if (
        head.word in _OTHER_VERBS
        or head.word in _PREPOSITIONS
        or head.word in ("that", "and", "but", "which", "who", "to", "than")
    ):
        return None
    start = k
    room = 14
    while start - 1 >= lo and room:
        here, _left = words[start], words[start - 1]
        if ends_clause(words, start) or "\n" in here.gap:
            break
        if '"' in here.gap or "“" in here.gap or "”" in here.gap:
            break
        if not _inside_np(words, start - 1, lo, k):
            break
        start -= 1
        room -= 1
    while start < k and words[start].word in (
        "of",
        "for",
        "to",
        "in",
        "at",
        "on",
        "and",
        "'s",
        "with",
        "by",
        "from",
        "as",
        "while",
    ):
        start += 1
    if not any(w.capital or w.word in words_of("offices") for w in words[start : k + 1]) and k - start < 1:
        return None
    return (start, k + 1)


def _inside_np(words: list[Token], k: int, lo: int, head: int) -> bool:
    """Whether word `k`, left of a noun phrase so far, belongs to it."""
    token = words[k]
    word = token.word
    if word in verbs() and word not in words_of("offices") and not _noun_use(words, k, lo):
        return False
    if word == "'s" or (token.capital and word not in words_of("introductions") and word not in _PREPOSITIONS):
        return word not in WEEKDAYS
    if words[k + 1].glued:
        return True
    if word in words_of("offices") or word in words_of("modifiers"):
        return True
    if word in ("of", "for", "to", "in", "at") and k - 1 >= lo and not ends_clause(words, k):
        return words[k - 1].word in words_of("offices") or (word == "of" and words[k - 1].capital)
    if word == "and" and k - 1 >= lo:
        return words[k - 1].capital and words[k + 1].capital
    return k == head - 1 and not words[head].capital and word.isalpha() and word not in _STOPPERS


def _noun_use(words: list[Token], k: int, lo: int) -> bool:
    return k > lo and words[k - 1].word in words_of("noun_before")


def _before_apposition(words: list[Token], k: int, lo: int) -> Range | None:
    """The name before "…, who is visiting Kyiv, said", or the one after "Russia's envoy, Kirill Dmitriev, said"."""
    if any(mark in words[k + 1].gap for mark in (";", ":", "–", "—")) and "," not in words[k + 1].gap:
        mark_ok = "–" in words[k + 1].gap or "—" in words[k + 1].gap
        if not mark_ok:
            return None
    if '"' in words[k + 1].gap or "”" in words[k + 1].gap or "’" in words[k + 1].gap[:1]:
        return None
    for start in range(k, max(lo, k - 30), -1):
        if not ends_clause(words, start):
            continue
        named = np_ending(words, start - 1, lo)
        whole_name = np_ending(words, k, start)
        if whole_name and whole_name[0] == start and words[start].capital:
            offices = words_of("offices")
            described = any(word.word in offices for word in words[start : k + 1])
            if named and described and sum(word.capital for word in words[named[0] : named[1]]) > 1:
                return (named[0], k + 1)  # "Vasily Nebenzya, Moscow's ambassador to the United Nations,"
            if named and any(word.word in offices for word in words[named[0] : named[1]]):
                return (named[0], whole_name[1])
            return whole_name if named is None or words[start].word not in _RELATIVES else named
        if named and (
            words[start].word in _RELATIVES
            or words[start].word in words_of("modifiers")
            or words[start].word in words_of("offices")
        ):
            return named
    return None


def _with_name_after_comma(words: list[Token], i: int, end: int, hi: int) -> Range:
    """ "said the envoy, Kirill Dmitriev": the name belongs to the office before the comma."""
    if end < hi and "," in words[end].gap and words[end].capital and words[end - 1].word in words_of("offices"):
        stop = end
        while stop < hi and words[stop].capital and (stop == end or not ends_clause(words, stop)):
            stop += 1
        if 1 < stop - end <= 4:
            return (i, stop)
    described = _description(words, end, hi)
    return (i, described) if described and sum(word.capital for word in words[i:end]) > 1 else (i, end)


def _description(words: list[Token], k: int, hi: int) -> int | None:
    """The end of an office after a name: "said Vasily Nebenzya, Moscow's ambassador to the United Nations"."""
    if k >= hi or "," not in words[k].gap:
        return None
    end = k
    while end < hi and end - k < 12 and not (end > k and ends_clause(words, end)) and words[end].word not in _OTHER_VERBS:
        end += 1
    offices = words_of("offices")
    return (
        end
        if any(word.word in offices for word in words[k:end]) and not any(word.word in verbs() for word in words[k:end])
        else None
    )


def ends_clause(words: list[Token], i: int) -> bool:
    """Whether a comma or a stronger mark stands before word `i`."""
    return any(mark in words[i].gap for mark in _CLAUSE)


def skip_between(words: list[Token], i: int, lo: int) -> int:
    """The index of the first word to the left of `i` that is not an adverb, auxiliary or date."""
    k = i - 1
    while k > lo and not ends_clause(words, k + 1) and is_between(words, k):
        k -= 1
    return k


def is_between(words: list[Token], k: int) -> bool:
    """Whether a word may stand between a speaker and the verb: an adverb, an auxiliary, a date."""
    word = words[k].word
    return (
        word in words_of("between")
        or word in words_of("hedges")
        or (word.endswith("ly") and not words[k].capital)
        or (word in TIME and not (word == "may" and not words[k].capital))
        or word.isdigit()
    )
