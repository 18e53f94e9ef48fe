"""The sign of an event's date: ahead, behind or either, and how that goes with the tense of its verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from rules import dates
from rules.events.around import Around
from rules.events.groups import AHEAD, BEHIND
from rules.events.venue import breaks
from rules.fold import Token
from rules.reading import Sentence
from rules.speech.verbs import verbs

_FAR = 16


def of_date(around: Around) -> None:
    """Adds the sign of the nearest date."""
    tense = _leaning(around.found)
    best = _nearest_date(around)
    if best is None:
        around.add("date: none")
        around.add(f"date: none, {tense}")
        return
    distance, one = best
    around.nearest = one
    kind = _date_kind(one, around.day, tense)
    strength = 1.0 if distance <= 3 else 0.7 if distance <= 8 else 0.4
    around.add(f"date: {kind}", strength)
    around.add(f"date: {kind}, {tense}", strength)


def _leaning(found: Mapping[str, float]) -> str:
    """Which way the verbs point: ahead, behind, present or neither."""
    tenses = {sign.rpartition(": ")[2].partition(",")[0].removeprefix("not ") for sign in found if sign.startswith(_VERBAL)}
    if tenses & {"ahead", "planning"} or found.keys() & {
        "inviting",
        "fixed",
        "moved",
        "adjective: ahead",
        "head: ahead",
        "preposition: ahead",
    }:
        return "ahead"
    if "opens" in found:
        return "present"
    return "behind" if tenses & {"behind", "came to"} else "present" if "does" in tenses else "neither"


_VERBAL = ("it: ", "before: ", "after: ", "headline: it", "headline before: ")


def _nearest_date(around: Around) -> tuple[int, dates.Dated] | None:
    lo, hi = around.span
    best: tuple[int, dates.Dated] | None = None
    for one in around.dated:
        if of_another_verb(around, one):
            continue
        between = (hi, one.lo) if one.lo >= hi else (one.hi, lo)
        for how, group in around.links:
            if how == "after" and group.tense in AHEAD and one.lo >= group.hi:
                between = (group.hi, one.lo)  # "… and will now open on June 12"
        distance = max(0, between[1] - between[0])
        distance += 4 * around.stopped(between[0], between[1] + 1) + 2 * around.commas(between[0], between[1] + 1)
        if distance <= _FAR and (best is None or distance < best[0]):
            best = (distance, one)
    return best


def _date_kind(one: dates.Dated, day: date | None, tense: str) -> str:
    if one.weekday and not one.sense:
        if day is None or one.value is None:
            return "weekday"
        ahead = (date.fromisoformat(one.value) - day).days % 7
        return "weekday today" if ahead == 0 else "weekday soon" if ahead <= 4 else "weekday just past"
    if one.sense == "future" and one.bare and tense != "ahead" and day and one.value:
        months = (date.fromisoformat(one.value[:10]) - day).days / 30
        return "behind" if months > 5 else "either" if tense == "behind" else "ahead"
    return {"future": "ahead", "past": "behind"}.get(one.sense, "either")


def of_another_verb(around: Around, one: dates.Dated) -> bool:
    """Whether a weekday dates what was done to a plan for the event: "renewed an offer of talks late Monday"."""
    if not one.weekday or one.sense or one.lo < around.span[1] or not around.found.keys() & {"head: ahead", "head: maybe"}:
        return False
    last = around.links[0] if around.links else None
    return last is not None and last[0] == "before" and last[1].tense in BEHIND and len(around.links) == 1


def of_speech(words: Sequence[Token], one: dates.Dated, sentence: Sentence) -> bool:
    """Whether a date says when something was said: "Russia on Thursday criticized", "he said Monday"."""
    before = one.lo - 1
    while before > sentence.lo and words[before].word in ("on", "late", "early", "earlier", "last", "this"):
        before -= 1
    if before >= sentence.lo and verbs().get(words[before].word) and not breaks(words[before + 1]):
        return words[before].word not in ("agreed", "back", "support", "order", "question")
    if (
        words[before].word in ("reporters", "journalists", "statement", "interview", "speaking", "spoke", "speech")
        and before >= sentence.lo
    ):
        return True
    if words[before].word == "conference" and words[before - 1].word in ("news", "press"):
        return True
    after = words[one.hi].word if one.hi < sentence.hi else ""
    spoken = bool(verbs().get(after)) and not breaks(words[one.hi]) and after != "back"
    return spoken and not one.sense


def only_since(words: Sequence[Token], at: int, sentence: Sentence) -> bool:
    """Whether a date that begins at word `at` only says how long it has been: "the first talks since 2018"."""
    return any(word.word == "since" for word in words[max(sentence.lo, at - 2) : at])
