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
_NO_HEADS = frozenset(("that", "and", "but", "which", "who", "to", "than", "'s"))
_LEADING = frozenset(("of", "for", "to", "in", "at", "on", "and", "'s", "with", "by", "from", "as", "while"))
_BREAKS = frozenset('"“”\n')
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
TIME = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow on this last late early earlier week month "
    "year morning afternoon evening night january february march april may june july august september october november december "
    "in day days hours ago the same previous".split(),
)
# Words that begin "hours later, …", and names and nouns that end like a participle.
LATER = frozenset(
    "shortly immediately minutes moments hours days weeks months years monday tuesday wednesday thursday friday saturday sunday".split()
)
_ONCE_MORE = frozenset("after before when while as during amid in on at shortly".split())
_WHERE = frozenset(("in", "at", "near", "outside", "of", "from"))
_NO_PARTICIPLES = frozenset("beijing nothing anything everything something during meeting building king".split())


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
        if end > i and (ends_clause(words, end) or any(mark in token.gap for mark in '"“”\n') or _full_stop(words, end)):
            break
        bridge = token.word in ("of", "for", "to", "in", "at") and end > i and words[end - 1].word in words_of("offices")
        part = token.capital or token.word in words_of("offices") or token.word in words_of("modifiers") or token.word == "'s"
        if token.word in WEEKDAYS or not (part or bridge or token.glued) or (token.word in verbs() and end > i):
            break
        end += 1
    while end > i and words[end - 1].word in ("of", "for", "to", "in", "at", "the", "a", "'s", "then", "both"):
        end -= 1
    if end == i or not any(w.capital or w.word in words_of("offices") for w in words[i:end]):
        return None
    return _with_name_after_comma(words, i, end, hi)


def described_np(words: list[Token], i: int, hi: int) -> Range | None:
    """The noun phrase that starts at word `i` with words for what somebody is: "retired surgeon Ben Carson"."""
    for k in range(i, min(hi, i + 6)):
        if words[k].capital:
            found = right_np(words, k, hi)
            return (i, found[1]) if found else None
        if not words[k].word.isalpha() or words[k].word in _STOPPERS or (k > i and ends_clause(words, k)):
            return None
    return None


def anybody_np(words: list[Token], i: int, hi: int) -> Range | None:
    """The noun phrase that an article opens at word `i`, whatever its noun: `…," said a woman close to the club`."""
    if i >= hi or words[i].word not in ("a", "an", "the", "one", "another", "his", "her"):
        return None
    k = i + 1
    while k < min(hi, i + 6) and words[k].word.isalpha() and words[k].word not in _STOPPERS and not _breaks_np(words, k):
        k += 1
    return (i, k) if k > i + 1 else None


def _breaks_np(words: list[Token], k: int) -> bool:
    return ends_clause(words, k) or bool(_BREAKS.intersection(words[k].gap)) or _full_stop(words, k)


def subject(sentence: Sentence) -> Range | None:
    """The noun phrase that a sentence begins with, an introduction up to the first comma left aside."""
    words, lo, hi = sentence.section.words, _after_dateline(sentence), sentence.hi
    if words[lo].word in words_of("introductions") or words[lo].word in LATER or _is_participle(words, lo, hi):
        after = next((k for k in range(lo + 1, hi) if "," in words[k].gap and words[k].word not in _ONCE_MORE), None)
        if after is not None:
            lo = _past_region(words, after, hi)
        elif words[lo].word in ("but", "and", "however", "still"):
            lo += 1
        else:
            return None
    nobody = lo >= hi or sentence.section.quoted[lo] or words[lo].word in ("that", "this", "so", "there", "here")
    return None if nobody else right_np(words, lo, hi)


def _past_region(words: list[Token], k: int, hi: int) -> int:
    """Past "Norway, on Sunday," where an introduction ends with a town: "At a fair in Bergen, Norway, on Sunday, Berg …"."""
    span = right_np(words, k, hi) if words[k - 1].capital and words[k - 1].word not in TIME else None
    if span is None or span[1] >= hi or "," not in words[span[1]].gap or not all(word.capital for word in words[slice(*span)]):
        return k
    if words[span[1]].word in _ONCE_MORE:
        return next((n for n in range(span[1] + 1, min(hi, span[1] + 8)) if "," in words[n].gap), k)
    return span[1] if words[span[1]].capital else k


def _after_dateline(sentence: Sentence) -> int:
    """The first word after "OSLO (Reuters) —", where a sentence begins with that; else its first word."""
    words, lo = sentence.section.words, sentence.lo
    for k in range(lo + 2, min(sentence.hi, lo + 10)):
        if ")" in words[k].gap:
            return k if any(dash in words[k].gap for dash in "-–—") else lo
    return lo


def _is_participle(words: list[Token], lo: int, hi: int) -> bool:
    """Whether a participle begins an introduction: "Facing a storm, Berg …"."""
    word, after = words[lo].word, words[lo + 1] if lo + 1 < hi else words[lo]
    plain = word.endswith("ing") and len(word) > 5 and word not in _NO_PARTICIPLES and not after.capital
    return plain and after.word not in _OTHER_VERBS and after.word not in verbs() and not ends_clause(words, lo + 1)


def np_ending(words: list[Token], k: int, lo: int) -> Range | None:
    """The noun phrase whose last word is `k`, by the words it can be made of."""
    if k < lo:
        return None
    head = words[k].word
    if head in _PRONOUNS:
        return (k, k + 1)
    if head in _OTHER_VERBS or head in _PREPOSITIONS or head in _NO_HEADS:
        return None
    start = _np_start(words, k, lo)
    alone = k == start
    if alone and (head in words_of("introductions") or not (words[k].capital or head in words_of("offices"))):
        return None
    return (start, k + 1)


def _np_start(words: list[Token], k: int, lo: int) -> int:
    """Where the noun phrase that ends at word `k` begins, leading prepositions left aside."""
    start = k
    while start > max(lo, k - 14) and not ends_clause(words, start) and not _BREAKS.intersection(words[start].gap):
        if not _inside_np(words, start - 1, lo, k):
            break
        start -= 1
    while start < k and words[start].word in _LEADING:
        start += 1
    return start


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
        before = words[k - 1]
        return before.word in words_of("offices") or (word == "of" and (before.capital or _is_thing(words, k - 1, lo)))
    if word == "and" and k - 1 >= lo:
        return words[k - 1].capital and words[k + 1].capital
    return k == head - 1 and not words[head].capital and word.isalpha() and word not in _STOPPERS


def _is_thing(words: list[Token], k: int, lo: int) -> bool:
    """Whether a word before "of" is what the phrase is about: "surveillance of Putin", "critics of Moscow"."""
    word = words[k].word
    function = word in _STOPPERS or word in _OTHER_VERBS or word in _PREPOSITIONS or word in words_of("introductions")
    return k >= lo and word.isalpha() and not function and word not in verbs()


def _noun_use(words: list[Token], k: int, lo: int) -> bool:
    return k > lo and words[k - 1].word in words_of("noun_before")


def _before_apposition(words: list[Token], k: int, lo: int) -> Range | None:
    """The name before "…, who is visiting Kyiv, said", or the one after "Russia's envoy, Kirill Dmitriev, said"."""
    gap = words[k + 1].gap
    if '"' in gap or "”" in gap or "’" in gap[:1] or not any(mark in gap for mark in ",–—()"):
        return None
    for start in range(k, max(lo, k - 30), -1):
        if ")" in words[start].gap and start < k:
            continue  # what stands in parentheses, "(D-Ohio)", is not the name
        named = np_ending(words, start - 1, lo) if ends_clause(words, start) else None
        if (
            named
            and named[0] > lo
            and words[named[0] - 1].word in ("in", "at", "near", "outside", "of", "from")
            and words[start].capital
        ):
            continue  # "…, in Bergen, Norway, said"
        found = _of_apposition(words, named, (start, k), lo) if ends_clause(words, start) else None
        if found:
            return found
    return None


def _of_apposition(words: list[Token], named: Range | None, after: Range, lo: int) -> Range | None:
    """Of a noun phrase before a comma and what stands after it, who is meant: either, both as one, or nobody."""
    start, k = after
    if named and "(" in words[start].gap:
        return named
    rest = np_ending(words, k, start)
    whole = rest is not None and rest[0] == start
    if whole and words[start].capital:
        return _name_or_description(words, named, (start, k + 1))
    describes = named and (_describes(words, start) or (not whole and _opens_clause(words, named[0], lo)))
    return named if describes else None


def _name_or_description(words: list[Token], named: Range | None, name: Range) -> Range:
    """Of two noun phrases side by side, the name with the office that describes it, or else the second."""
    offices = words_of("offices")
    if named is None:
        return name
    described = any(word.word in offices for word in words[name[0] : name[1]])
    if described and sum(word.capital for word in words[named[0] : named[1]]) > 1:
        return (named[0], name[1])  # "Vasily Nebenzya, Moscow's ambassador to the United Nations,"
    if any(word.word in offices for word in words[named[0] : named[1]]):
        return (named[0], name[1])
    return named if words[name[0]].word in _RELATIVES else name


def _describes(words: list[Token], start: int) -> bool:
    """Whether what begins at word `start`, after a comma, can describe the name before it: a relative, an office, an age."""
    word = words[start].word
    described = word in _RELATIVES or word in words_of("modifiers") or word in words_of("offices")
    return described or (word.isdigit() and len(word) == 2)


def _opens_clause(words: list[Token], k: int, lo: int) -> bool:
    """Whether a clause begins at word `k`."""
    fresh = k == lo or ends_clause(words, k) or any(mark in words[k].gap for mark in '"”“.')
    return fresh or words[k - 1].word in words_of("connectors") or words[k - 1].word in ("that", "said")


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


def _full_stop(words: list[Token], i: int) -> bool:
    """Whether a full stop stands before word `i`, and not only that of a title or an initial: "Sen. J. Doe"."""
    return "." in words[i].gap and words[i - 1].word not in words_of("abbreviations") and len(words[i - 1].word) > 1


def ends_clause(words: list[Token], i: int) -> bool:
    """Whether a comma or a stronger mark stands before word `i`."""
    return any(mark in words[i].gap for mark in _CLAUSE)


def clause_subject(words: list[Token], i: int, sentence: Sentence) -> Range | None:
    """The noun phrase at the start of the sentence, if only more of its own description stands between it and word `i`."""
    span = subject(sentence)
    if span is None or span[1] >= i or any(ends_clause(words, k) for k in range(span[1], i + 1)):
        return None
    between = [word.word for word in words[span[1] : i]]
    if between[0] == "who":
        return span
    described = between[0] in ("for", "of", "in", "at", "to", "from", "with", "on")
    return (
        span
        if described and not any(word in _OTHER_VERBS or word in verbs() or word == "that" for word in between[:-1])
        else None
    )


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
