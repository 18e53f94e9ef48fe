"""The verbs by which news reports speech, found in a sentence: one word or several ("ruled out"), softened or turned around."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from rules.data import table
from rules.fold import Token
from rules.reading import Sentence

_MODAL_REFUSAL = frozenset("attend participate join take send negotiate hold engage sign meet".split())
# Their bare forms are nouns or adverbs more often than verbs ("stepped back", "the order"); the others still count.
_NOUNS = frozenset(
    "back fault state report order question mock brand label note comment support doubt request hail favor favour hope".split()
)
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday today yesterday again also jointly publicly".split())
_PLURAL_NOUNS = frozenset(
    "claim call offer demand promise pledge threat remark appeal dispute comment signal tweet answer blame hint".split()
)
KINDS = ("say", "reject", "blame", "favor", "demand", "deny", "quote")
_CALLED = frozenset("the a an such any this that these those it its their his ukraine kyiv plans talks".split())
_SAYING = frozenset("say comment specify answer elaborate disclose confirm discuss reveal name speculate give provide".split())
_NEGATIONS = frozenset("not never no nor neither hardly didn't doesn't don't hasn't haven't won't cannot".split())


@dataclass(frozen=True, slots=True)
class Verb:
    """A cue as a lemma, what kind of thing follows it, and how many words it takes."""

    lemma: str
    kind: str
    words: int = 1


@cache
def verbs() -> dict[str, list[Verb]]:
    """Every form of every speech verb by its first word."""
    forms: dict[str, list[Verb]] = {}
    for kind in KINDS:
        for entry in table("speech")[kind]:
            lemma, written = next(iter(entry.items())) if isinstance(entry, dict) else (entry, _inflected(entry))
            for form in written:
                parts = form.split("_")
                forms.setdefault(parts[0], []).append(Verb(lemma, kind, len(parts)))
                if len(parts) > 1:
                    _particles().setdefault(parts[0], set()).add(tuple(parts[1:]))
    return forms


@cache
def _particles() -> dict[str, set[tuple[str, ...]]]:
    return {}


def _inflected(lemma: str) -> list[str]:
    head, *rest = lemma.split("_")
    bare = [] if head in _NOUNS and not rest else [head]
    stem = head.removesuffix("e")
    forms = [*bare, head + ("es" if head.endswith(("s", "sh", "ch", "x")) else "s"), stem + "ed", stem + "ing"]
    return ["_".join([form, *rest]) for form in forms]


@cache
def _bare() -> frozenset[str]:
    """The forms without an ending: "say", "appeal"."""
    written = [entry for kind in KINDS for entry in table("speech")[kind]]
    return frozenset((one if isinstance(one, str) else next(iter(one))).split("_")[0] for one in written)


def is_bare(word: str) -> bool:
    """Whether a form is that of the infinitive."""
    return word in _bare()


def is_noun(word: str) -> bool:
    """Whether a form with -s is a plural noun as often as a verb: "states", "claims"."""
    return word.endswith("s") and word[:-1] in _NOUNS | _PLURAL_NOUNS


@cache
def words_of(name: str) -> frozenset[str]:
    """One of the word lists of `data/speech.yaml`."""
    return frozenset(table("speech")[name])


def verb_at(sentence: Sentence, i: int) -> Verb | None:
    """The verb of speech that begins at word `i`, if one does."""
    words = sentence.section.words
    word = words[i].word
    if word in ("will", "won't", "would", "wouldn't", "cannot", "can't"):
        return _refusal_at(sentence, i)
    if word == "according" and i + 1 < sentence.hi and words[i + 1].word == "to":
        return Verb("according to", "say", 2)
    if (
        word == "words"
        and i + 1 < sentence.hi
        and words[i + 1].word == "of"
        and [w.word for w in words[max(sentence.lo, i - 2) : i]] == ["in", "the"]
    ):
        return Verb("in the words of whom", "say", 2)
    if word == "words" and i - 2 >= sentence.lo and words[i - 1].word == "'s":
        start = next((k for k in range(i - 1, max(sentence.lo, i - 6) - 1, -1) if words[k].word == "in"), None)
        return None if start is None else Verb("in the words of", "say", 1)
    fits = (_fits(words, i, verb, sentence.hi) for verb in verbs().get(word, ()))
    verb = max((one for one in fits if one), key=lambda one: one.words, default=None)
    if verb and verb.kind == "quote" and not _is_beside_quotation(sentence, i, i + verb.words):
        return None
    if verb and verb.lemma == "call" and not _is_called(sentence, i + 1):
        return None
    return _softened(words, i, verb, sentence.hi) if verb and verb.kind == "reject" else verb


def _is_beside_quotation(sentence: Sentence, i: int, after: int) -> bool:
    """Whether a quotation stands before a verb in its sentence or just before that, or opens right after it: `joked: "…"`."""
    words, quoted, lo = sentence.section.words, sentence.section.quoted, sentence.lo
    opens = after < sentence.hi and quoted[after] and any(mark in words[after].gap for mark in ",:")
    inverted = i == lo and any(quoted[i + 1 : min(sentence.hi, i + 8)])  # `Continued Peskov: "…"`
    return opens or inverted or any(quoted[max(0, lo - (i - lo < 6)) : i])


def _is_called(sentence: Sentence, k: int) -> bool:
    """Whether something is called something ("called the plan naive", "called Kyiv a liar"), and nobody on the telephone."""
    words, quoted = sentence.section.words, sentence.section.quoted
    if k >= sentence.hi:
        return False
    named = any(quoted[n] or words[n].word in ("a", "an", "the") for n in range(k + 1, min(sentence.hi, k + 5)))
    so = quoted[k] or any(quoted[n] for n in range(k + 1, min(sentence.hi, k + 16)))  # called “x”, called her use of it “x”
    return words[k].word in _CALLED or (words[k].capital and named) or (so and not quoted[k - 1])


def _softened(words: list[Token], i: int, verb: Verb, hi: int) -> Verb:
    """ "declined to say" rejects nothing, and "refused to rule out" leaves it open."""
    rest = [word.word for word in words[i + verb.words : min(hi, i + verb.words + 3)]]
    if rest[:1] == ["to"] and rest[1:2] and rest[1] in _SAYING:
        return Verb(verb.lemma, "say", verb.words)
    negated = rest[:3] == ["to", "rule", "out"] or any(w.word in _NEGATIONS for w in words[max(0, i - 3) : i])
    return Verb(verb.lemma, "favor", verb.words) if negated else verb


def _fits(words: list[Token], i: int, verb: Verb, hi: int) -> Verb | None:
    """The verb, if the words after it are its particle: "ruled out", "called on Monday for"."""
    if verb.words == 1:
        return verb
    between = next((n for n in range(3) if i + 1 + n < hi and words[i + 1 + n].word not in _DAYS), 0)
    start = i + 1 + between
    if any(mark in words[k].gap for k in range(i + 1, min(hi, start + verb.words - 1)) for mark in ',“"'):
        return None  # `said, "No comment"`
    rest = tuple(word.word for word in words[start : min(hi, start + verb.words - 1)])
    whole = len(rest) == verb.words - 1  # "went on" at the end of a sentence is not "went on to say"
    return replace(verb, words=verb.words + between) if whole and rest in _particles().get(words[i].word, ()) else None


def _refusal_at(sentence: Sentence, i: int) -> Verb | None:
    """ "will not attend": a refusal without a verb of speech."""
    words = sentence.section.words[i : min(i + 4, sentence.hi)]
    rest = [word.word for word in words]
    negated = rest[0].endswith("n't") or rest[0] == "cannot"
    verb = rest[1:2] if negated else rest[2:3] if rest[1:2] == ["not"] else []
    if verb and verb[0] in _MODAL_REFUSAL:
        return Verb("refuse", "reject", 2 if negated else 3)
    return None
