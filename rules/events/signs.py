"""The signs by which a reader tells that an event lies ahead: its own words, the verbs around it, its date, and who is named with it.

Each sign has a name and a strength (1 close by, less further off). What they weigh is in `data/signs.yaml`; their sum is log-odds that a
newspaper reader would call the event announced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from rules import dates
from rules.data import table
from rules.events.around import SPEAKING, Around, own_group, prepositions, tense_of
from rules.events.dated import of_date, of_speech, only_since
from rules.events.groups import BEHIND, Group, groups
from rules.events.nouns import of_noun
from rules.events.parties import parties
from rules.reading import Sentence
from rules.speech.phrases import Range
from rules.terms import Terms, terms

_SAYING = SPEAKING | frozenset("announce confirm know be have".split())


def reader(sentence: Sentence, day: date | None, known: Mapping[str, str]) -> Callable[[Range], Around]:
    """Reads the signs of an event, given its words; what they share in a sentence is read once. `known`: officials by surname."""
    words = sentence.section.words
    grouped, who = groups(sentence), parties(sentence, known)
    found = dates.find(words, sentence.lo, sentence.hi, day)
    dated = [one for one in found if not of_speech(words, one, sentence) and not only_since(words, one.lo, sentence)]
    return lambda span: _read(Around(sentence, span, grouped, who, day, dated))


def _read(around: Around) -> Around:
    """With every sign of the event, and the verbs that it hangs on."""
    group = own_group(around)
    if group is not None:
        around.links.append(("own", group))
        _of_verb(around, group)
    else:
        of_noun(around)
    of_date(around)
    _of_sentence(around)
    _of_parties(around, verb=group is not None)
    return around


def weighed(found: Mapping[str, float], *, between_states: bool) -> dict[str, float]:
    """What each sign weighs, in log-odds; those that tell who meets only where it is asked."""
    weights = _weights(between_states=between_states)
    return {"start": weights["start"]} | {sign: weights[sign] * strength for sign, strength in found.items() if sign in weights}


@cache
def _weights(*, between_states: bool) -> dict[str, float]:
    kinds = ("weights", "between") if between_states else ("weights",)
    weights = {sign: float(weight) for kind in kinds for sign, weight in table("signs")[kind].items()}
    return weights | {"start": sum(float(table("signs")[kind]["start"]) for kind in kinds)}


# The event is a verb


def _of_verb(around: Around, group: Group) -> None:
    words, lo = around.words, around.sentence.lo
    headline = "headline: " if around.sentence.is_title else ""
    if group.verb == "invite":
        around.add("inviting" if _invites(around, group) else "inviting somebody")
    elif group.hi - 2 >= group.lo and words[group.hi - 2].word in ("be", "been", "being", "was", "were"):
        around.add("passive")
    else:
        around.add(f"{headline}it: {tense_of(group)}")
    if group.verb in ("visit", "travel", "fly", "head"):
        around.add("going abroad" if around.parties.near((around.span[1], around.span[1]), 0, 4) else "going somewhere")
    for word in _conjunction(around, group):
        around.add(f"{word} it {'happens' if group.tense in ('does', 'will') else 'happened'}")
    for kind, found in prepositions():
        if kind in ("ahead", "before", "behind") and any(
            b == group.lo for _, b in found.search(words, max(lo, group.lo - 5), group.lo)
        ):
            around.add(f"{kind} of doing it")


def _invites(around: Around, group: Group) -> bool:
    """Whether one state invites another somewhere: "invited the Turkish president to the White House"."""
    invited = around.parties.near((group.hi, group.hi), 0, 7)
    to = any(word.word in ("to", "for") for word in around.words[group.hi : min(around.sentence.hi, group.hi + 10)])
    return bool(invited) and to and not group.negated


def _conjunction(around: Around, group: Group) -> list[str]:
    """ "when the two presidents meet": the conjunction of the verb's own clause."""
    words = around.words
    for k in range(group.lo - 1, max(around.sentence.lo, group.lo - 9) - 1, -1):
        if words[k].word in _CONJUNCTIONS:
            return [words[k].word]
        if around.stopped(k, k + 1) or "," in words[k].gap:
            break
    return []


_CONJUNCTIONS = frozenset("when as while whether if after since until unless".split())


# Its sentence, and who is there


def _of_sentence(around: Around) -> None:
    sentence, words = around.sentence, around.words
    for kind, found in _in_sentence():
        if found.search(words, sentence.lo, sentence.hi):
            # "Kamala Harris, the Democratic nominee, will meet Zelensky"
            abroad = kind == "home" and len(around.parties.named) > 1
            around.add(f"sentence: {kind}", 0.4 if abroad else 1.0)
    if any(one.tense == "will" for one in around.groups):
        around.add("sentence: will")
    if any(one.tense in BEHIND and one.verb not in _SAYING for one in around.groups):
        around.add("sentence: past")
    if any(one.sense == "past" and one.lo <= sentence.lo + 1 for one in around.dated):
        around.add("sentence: told of the past")
    if _old_year(around):
        around.add("sentence: old year")
    if sentence.text.rstrip('"”’ ').endswith("?"):
        around.add("sentence: question")
    if sentence.is_title:
        around.add("sentence: headline")
    around.add("place: early" if sentence.number <= 3 else "place: late" if sentence.number > 15 else "place: middle")
    if sentence.section.quoted[around.span[0]]:
        around.add("quoted")


def _old_year(around: Around) -> bool:
    day = around.day
    words, sentence = around.words, around.sentence
    years = [k for k in range(sentence.lo, sentence.hi) if len(words[k].word) == 4 and words[k].word.isdigit()]
    return day is not None and any(1900 < int(words[k].word) < day.year for k in years if not only_since(words, k, sentence))


def _of_parties(around: Around, *, verb: bool) -> None:
    who, hi = around.parties, around.span[1]
    around.add(f"who: {min(len(who.named), 3)}" if who.named or not who.several else "who: unnamed")
    if who.several:
        around.add("who: several")
    if who.one:
        around.add("who: one more")
    near = who.near(around.span, 4, 7)
    around.add(f"who near: {min(len(near), 2)}")
    if not who.officials and around.words[around.span[0]].word.startswith(_GOING):
        around.add("who: no official")
    if verb and not near and not who.several:
        around.add("who: nobody near")
    if verb and who.near(around.span, 10, 0) and who.near(around.span, 0, 7):
        around.add("who: on both sides")
    if not verb and hi < around.sentence.hi and around.words[hi].word in ("with", "between") and who.near((hi, hi), 0, 8):
        around.add("who: with")


_GOING = ("visit", "trip", "travel", "fl", "head", "host", "invit")
"""How the words begin by which people of all kinds go abroad, or ask others to come: "Russian tourists will visit Turkey"."""


@cache
def _in_sentence() -> tuple[tuple[str, Terms], ...]:
    return tuple((kind, terms(words)) for kind, words in table("signs")["sentence"].items())
