"""The verb groups of a sentence and their tenses: "will meet", "was due to open", "agreed to hold", "has been held".

No tagger: auxiliaries are a closed class, and the verbs by which meetings come about are few. A verb that is not in `data/tenses.yaml`
counts as past where it ends in -ed, and is not seen otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from rules import dates
from rules.data import table
from rules.fold import Token
from rules.reading import Sentence

# Which form of a verb: its place in base, third person, past, participle, -ing form.
_BASE, _THIRD, _PAST, _PARTICIPLE, _ING = range(5)
_REACH = 6  # words between "agreed" and the "to" that it plans: "asked the two leaders to meet"
_CLAUSE_MARKS = ",;:—–"

AHEAD = frozenset(("will", "is to", "is due to", "plans to"))
BEHIND = frozenset(("past", "had", "has", "was done", "was doing"))


@dataclass(frozen=True, slots=True)
class Group:
    """A verb with its auxiliaries: a range of words, its tense and what kind of verb it is.

    `tense` is one of will, would, may, is to, was to, was to have, is due to, was due to, plans to, wants to, refuses to, came to, to,
    does, is doing, was doing, is done, was done, has, had, past, done, doing. `kind` is hold, plan, wish, refuse or other.
    """

    lo: int
    hi: int
    tense: str
    verb: str
    kind: str
    negated: bool = False


def groups(sentence: Sentence) -> list[Group]:
    """Every verb group of a sentence, in order."""
    return _in(sentence.section.words, sentence.lo, sentence.hi, headline=_is_headline(sentence))


def _is_headline(sentence: Sentence) -> bool:
    """Whether a sentence is written as headlines are: the title, or words that all begin with a capital."""
    words = [word for word in sentence.words if len(word.word) > _SMALL]
    return sentence.is_title or (len(words) > 2 and all(word.capital for word in words))


_SMALL = 4  # letters that a word has at most to stay small in a headline


def _in(words: Sequence[Token], lo: int, hi: int, *, headline: bool) -> list[Group]:
    found: list[Group] = []
    i = lo
    while i < hi:
        one = _at(words, i, lo, hi, headline=headline)
        if one is None:
            i += 1
            continue
        one = _holding(words, _planning(words, one, hi), hi)
        if one.tense == "to" and one.lo > lo:
            one = _after_what(words, one, found, headline=headline)
        if one.tense == "does" and i > lo and words[i - 1].word in ("and", "or") and _form(words[i].word, _BASE):
            one = _joined(words, one, found)
        found.append(one)
        i = max(one.hi, i + 1)
    return found


def _at(words: Sequence[Token], i: int, lo: int, hi: int, *, headline: bool) -> Group | None:
    """The verb group that begins at word `i`."""
    word = words[i].word
    if word in _of("will") and not (word == "will" and i > lo and words[i - 1].word in _of("np_before")):
        return _with_base(words, i, hi, "will")
    if word in _of("modal") and not (words[i].capital and i + 1 < hi and words[i + 1].word[:1].isdigit()):  # "for May 20"
        return _with_base(words, i, hi, "may")
    if word in _of("would"):
        return _with_base(words, i, hi, "would")
    if word in _of("be"):
        return _with_be(words, i, hi)
    if word in _of("have"):
        return _with_have(words, i, hi)
    if word in _of("do"):
        return _with_base(words, i, hi, "past" if word.startswith("did") else "does")
    if word == "to" and i + 1 < hi and _form(words[i + 1].word, _BASE) and (headline or not words[i + 1].capital):
        return _with_base(words, i, hi, "to")
    return _bare(words, i, lo, hi)


def _with_base(words: Sequence[Token], i: int, hi: int, tense: str) -> Group:
    """An auxiliary and its verb: "will meet", "could not be held"."""
    at, negated = _past_adverbs(words, i + 1, hi)
    negated = negated or _is_negation(words[i].word)
    if at < hi and words[at].word in ("be", "have", "been"):
        verb, more = _past_adverbs(words, at + 1, hi)
        form = _done(words[verb].word) or _form(words[verb].word, _ING) if verb < hi else None
        return Group(i, verb + 1, tense, *form, negated or more) if form else Group(i, at + 1, tense, "be", "other", negated)
    if at >= hi:
        return Group(i, at, tense, "", "other", negated)
    return Group(i, at + 1, tense, *(_form(words[at].word, _BASE) or (words[at].word, "other")), negated)


def _with_be(words: Sequence[Token], i: int, hi: int) -> Group | None:
    """ "is to meet", "was due to open", "are being held", "were held", or just "is"."""
    at, negated = _past_adverbs(words, i + 1, hi)
    word = words[at].word if at < hi else ""
    if words[i].word == "'s" and word not in _of("planned") | _of("wished"):
        return None
    negated = negated or _is_negation(words[i].word)
    past = words[i].word in _of("past_be")
    if word == "to":
        unreal = past and at + 1 < hi and words[at + 1].word == "have"  # "was to have taken place"
        tense = "was to have" if unreal else "was to" if past else "is to"
        return replace(_with_base(words, at, hi, tense), lo=i, negated=negated)
    alone = Group(i, at, "past" if past else "does", "be", "other", negated or word == "unlikely")
    if word in _of("planned") or word in _of("wished"):
        return _planned(words, alone, hi, past=past)
    doing = _form(word, _ING)
    if doing:
        return Group(i, at + 1, "was doing" if past else "is doing", *doing, negated)
    done = _done(word)
    return Group(i, at + 1, "was done" if past else "is done", *done, negated) if done else alone


def _planned(words: Sequence[Token], be: Group, hi: int, *, past: bool) -> Group:
    """ "is expected to attend", "was scheduled for Friday", "is ready": what follows "is" and "was"."""
    wished = words[be.hi].word in _of("wished")
    tense = "wants to" if wished else "was due to" if past else "is due to"
    to, _ = _past_adverbs(words, be.hi + 1, hi)
    if to < hi and words[to].word == "to":
        return replace(_with_base(words, to, hi, tense), lo=be.lo, negated=be.negated)
    fixed = words[be.hi].word
    if fixed in _of("fixed"):
        return replace(be, hi=be.hi + 1, tense=tense, verb=fixed, kind="plan")
    return replace(be, hi=be.hi + 1)


def _with_have(words: Sequence[Token], i: int, hi: int) -> Group:
    """ "has met", "had been scheduled", or just "has"."""
    at, negated = _past_adverbs(words, i + 1, hi)
    tense = "had" if words[i].word in ("had", "hadn't") else "has"
    negated = negated or _is_negation(words[i].word)
    been = at < hi and words[at].word == "been"
    if been:
        at, _ = _past_adverbs(words, at + 1, hi)
    word = words[at].word if at < hi else ""
    if been and word in _of("fixed"):
        return Group(i, at + 1, "was due to" if tense == "had" else "is due to", word, "plan", negated)
    form = _done(word)
    if form:
        return Group(i, at + 1, tense, *form, negated)
    return Group(i, max(at, i + 1), tense if been else "past" if tense == "had" else "does", "have", "other", negated)


def _bare(words: Sequence[Token], i: int, lo: int, hi: int) -> Group | None:
    """A verb without an auxiliary: "met", "meets", "meeting"."""
    token = words[i]
    known = _forms().get(token.word, {})
    if token.caps:
        return None
    nounish = i > lo and (words[i - 1].word in _of("np_before") or token.glued)
    if not known:
        past = token.word.endswith("ed") and len(token.word) > len("feed") and not token.capital and not nounish
        return Group(i, i + 1, "past", token.word, "other") if past else None
    same = _BASE in known and _PAST in known  # "set", "put"
    if _PAST in known and not same:
        return Group(i, i + 1, "done" if nounish or _is_participle(words, i, hi) else "past", *known[_PAST])
    if _PARTICIPLE in known and _BASE not in known:
        return Group(i, i + 1, "done", *known[_PARTICIPLE])
    if _THIRD in known and not nounish and _is_third(words, i, lo):
        return Group(i, i + 1, "does", *known[_THIRD])
    if _ING in known:
        noun = nounish or (i > lo and words[i - 1].capital) or (token.word == "meeting" and not _is_meeting(words, i, lo))
        return None if noun else Group(i, i + 1, "doing", *known[_ING])
    if _BASE in known and not nounish and not (token.capital and i == lo) and _is_bare_verb(words, i, lo, hi):
        return Group(i, i + 1, "does", *known[_BASE])
    return None


def _is_participle(words: Sequence[Token], i: int, hi: int) -> bool:
    """Whether a past form belongs to the noun before it: "talks hosted by Qatar", "a summit planned for June"."""
    follows = words[i + 1].word if i + 1 < hi else ""
    return follows == "by" or (words[i].word in _of("fixed") and follows in ("for", "in", "on", "next", "later", "to"))


def _is_third(words: Sequence[Token], i: int, lo: int) -> bool:
    """Whether a word in -s is a verb here and no plural: "Turkey hosts", not "the hosts"."""
    if words[i].word not in _of("plurals"):
        return True
    before = words[i - 1] if i > lo else None
    return before is not None and (before.capital or before.word in _SUBJECTS)


def _is_meeting(words: Sequence[Token], i: int, lo: int) -> bool:
    """Whether "meeting" is the verb: "after meeting Putin", "leaders meeting in Warsaw"."""
    before = words[i - 1].word if i > lo else ""
    if any(mark in words[i].gap for mark in "'’"):
        return False  # "the leaders' meeting"
    return before in ("after", "before", "since", "by", "when", "while", "not", "without") or before in _SUBJECTS


def _is_bare_verb(words: Sequence[Token], i: int, lo: int, hi: int) -> bool:
    """Whether a base form is a verb here: "leaders meet", "Putin and Xi meet in Beijing", not "the host"."""
    if i == lo:
        return False
    before, after = words[i - 1], words[i + 1].word if i + 1 < hi else ""
    if before.word in _SUBJECTS or (before.word.endswith("s") and words[i].word not in _of("nouns")):
        return True
    return before.capital and (after in _AFTER_VERB or after in dates.WEEKDAYS)


_SUBJECTS = frozenset(
    "and who they we i you he she it which that or leaders ministers both sides presidents talks officials delegations "
    "negotiators envoys president minister leader summit conference government two counterparts pair".split()
)
_AFTER_VERB = frozenset("in with for at the on his their her again next this tomorrow".split())


def _holding(words: Sequence[Token], one: Group, hi: int) -> Group:
    """ "take" is a verb of meetings in "take place" and "take part" only."""
    follows = words[one.hi].word if one.hi < hi else ""
    return replace(one, kind="other") if one.verb == "take" and follows not in ("place", "part") else one


def _planning(words: Sequence[Token], one: Group, hi: int) -> Group:
    """A verb that plans, with what it plans: "has asked the two leaders to meet" is one group that plans to meet."""
    tense = _PLANNED.get(one.kind)
    if tense is None:
        return one
    for k in range(one.hi, min(hi, one.hi + _REACH)):
        if any(mark in words[k].gap for mark in _CLAUSE_MARKS) or words[k].word in ("that", "which", "who", "and"):
            break
        if words[k].word == "to" and k + 1 < hi and _form(words[k + 1].word, _BASE):
            planned = _with_base(words, k, hi, tense)
            return replace(planned, lo=one.lo, negated=one.negated or planned.negated)
    return one


_PLANNED = {"plan": "plans to", "wish": "wants to", "refuse": "refuses to"}


def _after_what(words: Sequence[Token], one: Group, before: list[Group], *, headline: bool) -> Group:
    """An infinitive takes its time from what it hangs on: "plans to meet", "arrived to meet", "will come to meet"."""
    if words[one.lo - 1].word in _of("plan_nouns"):
        return replace(one, tense="plans to")
    if words[one.lo - 1].word in _of("wish_nouns"):
        return replace(one, tense="wants to")
    last = before[-1] if before else None
    if last is None or one.lo - last.hi >= 2 * _REACH or _marked(words, last.hi, one.lo):
        return replace(one, tense="is to") if headline else one  # "Malta to Host Peace Talks"
    if last.tense in AHEAD:
        return replace(one, tense="plans to")
    if last.tense == "wants to":
        return replace(one, tense="wants to")
    return replace(one, tense="came to") if last.tense in BEHIND or last.tense == "came to" else one


def _marked(words: Sequence[Token], lo: int, hi: int) -> bool:
    """Whether a mark stronger than a comma stands between."""
    return any(mark in words[k].gap for k in range(lo, hi + 1) for mark in _CLAUSE_MARKS[1:])


def _joined(words: Sequence[Token], one: Group, before: list[Group]) -> Group:
    """ "is expected to attend a dinner and hold talks": the second verb takes the tense of the first."""
    first = next((each for each in reversed(before) if each.tense not in ("doing", "done")), None)
    if first is None or one.lo - first.hi > 3 * _REACH or first.tense not in _JOINING:
        return one
    if _marked(words, first.hi, one.lo):
        return one
    return replace(one, tense=first.tense, negated=first.negated)


_JOINING = frozenset(
    ("will", "would", "may", "is to", "is due to", "plans to", "wants to", "was due to", "to", "came to", "refuses to")
)


def _past_adverbs(words: Sequence[Token], at: int, hi: int) -> tuple[int, bool]:
    """The first word from `at` that is no adverb, and whether one of them negated."""
    negated = False
    while at < hi and (words[at].word in _of("adverbs") or (words[at].word.endswith("ly") and len(words[at].word) > len("only"))):
        negated = negated or _is_negation(words[at].word)
        at += 1
    if [word.word for word in words[at : at + 2]] == ["one", "day"]:
        return at + 2, negated
    return at, negated


def _is_negation(word: str) -> bool:
    return word in _of("negations") or word.endswith("n't") or word == "cannot"


def _done(word: str) -> tuple[str, str] | None:
    """The verb and its kind, if the word may be a participle."""
    return _form(word, _PARTICIPLE, _PAST) or ((word, "other") if word.endswith("ed") else None)


def _form(word: str, *slots: int) -> tuple[str, str] | None:
    """The verb and its kind, if the word is one of these forms of a verb that is known."""
    known = _forms().get(word, {})
    return next((known[slot] for slot in slots if slot in known), None)


@cache
def _forms() -> dict[str, dict[int, tuple[str, str]]]:
    """Every form of every verb: which of its forms it can be, of which verb, of which kind."""
    irregular = {line.split()[0]: line.split() for line in table("tenses")["irregular"].splitlines()}
    forms: dict[str, dict[int, tuple[str, str]]] = {}
    for kind in ("other", "wish", "plan", "refuse", "hold"):
        for verb in table("tenses")[kind]:
            for slot, form in enumerate(irregular.get(verb) or _regular(verb)):
                forms.setdefault(form, {})[slot] = (verb, kind)
    del forms["talks"]  # the noun, in news about meetings
    forms["traveled"], forms["traveling"] = forms["travelled"], forms["travelling"]
    return forms


def _regular(verb: str) -> list[str]:
    stem = verb.removesuffix("e")
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return [verb, verb[:-1] + "ies", verb[:-1] + "ied", verb[:-1] + "ied", verb + "ing"]
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x")) else "s")
    return [verb, third, stem + "ed", stem + "ed", (verb if verb.endswith("ee") else stem) + "ing"]


@cache
def _of(name: str) -> frozenset[str]:
    return frozenset(table("tenses")[name])
