"""The verbs by which news reports speech, found in a sentence: one word or several ("ruled out"), softened or turned around."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rules.data import table
from rules.fold import Token
from rules.reading import Sentence

_MODAL_REFUSAL = frozenset("attend participate join take send negotiate hold engage sign meet".split())
# Their bare forms are nouns or adverbs more often than verbs ("stepped back", "the order"); the others still count.
_NOUNS = frozenset(
    "back fault state report order question mock brand label note comment support doubt request hail favor favour hope".split()
)
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
    for kind in ("say", "reject", "blame", "favor", "demand", "deny", "quote"):
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
    found = [verb for verb in verbs().get(word, ()) if verb.words == 1 or _particle_follows(words, i, verb, sentence.hi)]
    verb = max(found, key=lambda one: one.words, default=None)
    if verb and verb.kind == "quote" and not any(sentence.section.quoted[sentence.lo : i]):
        return None
    if verb and verb.lemma == "call" and not (i + 1 < sentence.hi and words[i + 1].word in _CALLED):
        return None
    return _softened(words, i, verb, sentence.hi) if verb and verb.kind == "reject" else verb


def _softened(words: list[Token], i: int, verb: Verb, hi: int) -> Verb:
    """ "declined to say" rejects nothing, and "refused to rule out" leaves it open."""
    rest = [word.word for word in words[i + verb.words : min(hi, i + verb.words + 3)]]
    if rest[:1] == ["to"] and rest[1:2] and rest[1] in _SAYING:
        return Verb(verb.lemma, "say", verb.words)
    negated = rest[:3] == ["to", "rule", "out"] or any(w.word in _NEGATIONS for w in words[max(0, i - 3) : i])
    return Verb(verb.lemma, "favor", verb.words) if negated else verb


def _particle_follows(words: list[Token], i: int, verb: Verb, hi: int) -> bool:
    """Whether the words after the verb are its particle: "ruled out"."""
    rest = tuple(word.word for word in words[i + 1 : min(hi, i + verb.words)])
    return rest in _particles().get(words[i].word, ())


def _refusal_at(sentence: Sentence, i: int) -> Verb | None:
    """ "will not attend": a refusal without a verb of speech."""
    words = sentence.section.words[i : min(i + 4, sentence.hi)]
    rest = [word.word for word in words]
    negated = rest[0].endswith("n't") or rest[0] == "cannot"
    verb = rest[1:2] if negated else rest[2:3] if rest[1:2] == ["not"] else []
    if verb and verb[0] in _MODAL_REFUSAL:
        return Verb("refuse", "reject", 2 if negated else 3)
    return None
