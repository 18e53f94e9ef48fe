"""An event in its sentence: what the words around it tell of when it is, how sure, which one, and who will not come.

In the manner of ConText (Harkema et al. 2009): cue words pull on the event from before or behind it, the nearest one wins, and clauses and
other events stand in between. The words are in `data/mention.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from rules import dates, places
from rules.data import table
from rules.events.venue import Setting, breaks, venue
from rules.fold import Token
from rules.reading import Reading, Section, Sentence
from rules.speech.phrases import Range, left_np
from rules.speech.verbs import verbs
from rules.terms import Terms, terms

_FAR = 25
_CLOSE = 9
_REACH = 14  # words within which a cue or a place belongs to an event
_CUTS = frozenset("but while although though whereas because when which who where".split())


@dataclass(slots=True)
class Cue:
    """Words that tell something about an event, and how far from it they stand."""

    kind: str
    span: Range
    distance: int


@dataclass(slots=True)
class Event:
    """One event term in its sentence, and what the words around it say of it."""

    sentence: Sentence
    span: Range
    others: tuple[Range, ...]
    day: date | None
    hosts: frozenset[str] = frozenset()
    _cues: list[Cue] = field(default_factory=list)
    _date: dates.Dated | None = None
    _place: tuple[str, Range] | None = None

    def __post_init__(self) -> None:
        self._cues = sorted(self._find_cues(), key=lambda cue: cue.distance)
        sense = {"upcoming": "future", "past": "past"}.get(self._by_words() or "", "")
        self._date = self._find_date(sense)
        self._place = venue(Setting(self.sentence, self.span, self.others, self.hosts))

    @property
    def section(self) -> Section:
        """The field it stands in."""
        return self.sentence.section

    @property
    def dated_ahead(self) -> bool:
        """Whether a date says that it is still to come."""
        return self._date is not None and self._date.sense == "future"

    @property
    def name(self) -> str:
        """What it is called in the text."""
        return self.section.hit(*self.span).text

    def captures(self) -> dict[str, str | None]:
        """What is known of it."""
        return {
            "place": self._place[0] if self._place else None,
            "date": self._date.value if self._date else None,
            "when": self.section.hit(self._date.lo, self._date.hi).text if self._date else None,
            "ordinal": self._ordinal(),
            "name": self._name(),
            "refused_by": self._refused_by(),
        }

    def labels(self) -> dict[str, str | None]:
        """When it is, and how sure."""
        time = self._time()
        return {"time": time, "status": self._status(time)}

    def shown(self) -> list[Range]:
        """The words to highlight: the event, its date, its place, and the cue that told."""
        spans = [self.span]
        if self._date:
            spans.append((self._date.lo, self._date.hi))
        if self._place:
            spans.append(self._place[1])
        wanted = self._time() or ""
        spans += [cue.span for cue in self._cues if cue.kind == wanted.replace(" ", "_")][:1]
        return spans

    def _time(self) -> str | None:
        """The date says it where there is one that lies clearly ahead or behind; else the nearest words do."""
        said = self._by_words()
        if said == "upcoming" and self._years_ago():
            return "past"
        if self._date and self._date.sense and said != "under_way":
            return "upcoming" if self._date.sense == "future" else "past"
        return said.replace("_", " ") if said else None

    def _years_ago(self) -> bool:
        """Whether the sentence names a year that is over."""
        words = self.section.words[self.sentence.lo : self.sentence.hi]
        if self._date and any(len(w.word) == 4 and w.word.isdigit() for w in self.section.words[self._date.lo : self._date.hi]):
            return False  # "a summit in June 2027, the first since 2019"
        return self.day is not None and any(
            len(w.word) == 4 and w.word.isdigit() and 1900 < int(w.word) < self.day.year for w in words
        )

    def _by_words(self) -> str | None:
        near = [cue for cue in self._cues if cue.kind in ("upcoming", "past", "under_way")]
        return near[0].kind if near else None

    def _status(self, time: str | None) -> str | None:
        nearest: dict[str, int] = {}
        for cue in self._cues:
            nearest.setdefault(cue.kind, cue.distance)
        if self.sentence.text.rstrip('"”’ ').endswith("?"):
            return "hypothetical"
        if nearest.get("cancelled", 99) <= 5:
            return "cancelled"
        if nearest.get("ruled_out", 99) <= 4 and not self._refused_by() and time != "past":
            return "ruled-out"
        if time in ("past", "under way"):
            return "held"
        planned, proposed = nearest.get("planned", 99), nearest.get("proposed", 99)
        hypothetical = nearest.get("hypothetical", 99)
        if self._date and self._date.sense == "future" and proposed > 6 and hypothetical > 6:
            return "planned"
        if min(planned, proposed, hypothetical) == 99:
            return "planned" if time == "upcoming" else None
        if hypothetical < min(planned, proposed):
            return "hypothetical"
        return "proposed" if proposed < planned else "planned"

    def _find_cues(self) -> list[Cue]:
        words, lo, hi = self.section.words, self.sentence.lo, self.sentence.hi
        found = []
        for kind, where, cue_terms in _cue_terms():
            for span in cue_terms.search(words, lo, hi):
                if where == "both" and _is_of_speech(words, span, self.sentence):
                    continue  # "announced last week that he would …"
                if words[span[0]].word == "will" and span[1] < hi and words[span[0] + 1].word == "to":
                    continue  # "lacking will to continue talks"
                distance = self._distance(span, where)
                if distance is not None and distance <= (_CLOSE if kind == "loose" else _REACH):
                    found.append(Cue("upcoming" if kind == "loose" else kind, span, distance))
        return [replace(cue, kind="upcoming") if cue.kind == "approach" and self._looks_ahead() else cue for cue in found]

    def _looks_ahead(self) -> bool:
        """Whether a sentence that only approaches the event ("ahead of the summit, he said") dates something ahead, or nothing behind.

        A past verb tells nothing: what came before a summit is told of before and after it. A date in the past tells that it is over.
        """
        found = dates.find(self.section.words, self.sentence.lo, self.sentence.hi, self.day, "future")
        if any(one.sense == "past" for one in found):
            return False
        own = [one for one in found if not _of_speech(self.section.words, one, self.sentence)]
        return bool(own) or self.sentence.number < 8

    def _distance(self, cue: Range, where: str) -> int | None:
        """Words between a cue and the event; None where the cue stands on the wrong side or speaks of something else."""
        words = self.section.words
        if cue[1] <= self.span[0]:
            if where == "after":
                return None
            between = (cue[1], self.span[0])
        elif cue[0] >= self.span[1]:
            if where == "before":
                return None
            between = (self.span[1], cue[0])
        else:
            return 0 if where != "after" else None
        if any(between[0] <= a and b <= between[1] for a, b in self.others):
            return None
        inner = range(between[0], min(between[1] + 1, self.sentence.hi))
        cut = sum(
            words[k].word in _CUTS or any(m in words[k].gap for m in ";—–:") or (words[k].word == "and" and "," in words[k].gap)
            for k in inner
        )
        commas = sum("," in words[k].gap for k in range(between[0], min(between[1] + 1, self.sentence.hi)))
        quote = (
            any(self.section.quoted[k] != self.section.quoted[self.span[0]] for k in range(*between))
            if between[0] < between[1]
            else False
        )
        return between[1] - between[0] + 4 * cut + 2 * commas + 3 * quote

    def _find_date(self, sense: str) -> dates.Dated | None:
        words = self.section.words
        best: tuple[int, dates.Dated] | None = None
        for one in dates.find(words, self.sentence.lo, self.sentence.hi, self.day, sense):
            if _of_speech(words, one, self.sentence):
                continue
            distance = self._distance((one.lo, one.hi), "both")
            reach = _REACH if one.sense == "future" or sense == "future" else 6
            if _own_date(words, one, self.sentence):
                reach = _FAR
            if distance is None or distance > reach:
                continue
            if one.lo > self.sentence.lo and words[one.lo - 1].word == "since":
                continue
            if not one.sense and self._introduces(one):
                continue  # "Late on Monday he proposed to hold talks" dates the proposal
            if one.weekday and not one.sense and not sense:
                continue  # "an offer … late Monday" dates the offer
            if (
                sense
                and one.sense
                and sense != one.sense
                and self._cues
                and min(c.distance for c in self._cues if c.kind in ("upcoming", "past")) < distance
            ):
                continue
            if best is None or distance < best[0]:
                best = (distance, one)
        return best[1] if best else None

    def _introduces(self, one: dates.Dated) -> bool:
        """Whether a date opens the sentence and what follows is not ahead: then it dates the main verb, not the event."""
        words, lo = self.section.words, self.sentence.lo
        between = [word.word for word in words[one.hi : self.span[0]]]
        return one.lo - lo <= 3 and self.span[0] > one.hi + 4 and not {"will", "is", "are"} & set(between[:6])

    def _ordinal(self) -> str | None:
        words = self.section.words
        k = self.span[0]
        numbers = table("mention")["ordinals"]
        for token in (*words[self.span[0] : self.span[1]], *_words_before(words, k, self.sentence.lo)):
            if token.word in numbers:
                return str(numbers[token.word])
            digits = token.word[:-2]
            if digits.isdigit() and token.word[-2:] in ("st", "nd", "rd", "th"):
                return digits
        return None

    def _name(self) -> str | None:
        """A proper name right before the event: G20, BRICS, Trump-Putin; not a place or a nation's adjective."""
        words, k = self.section.words, self.span[0]
        start = k
        while (
            start - 1 >= self.sentence.lo
            and words[start - 1].capital
            and not breaks(words[start])
            and start > self.sentence.lo + 1
        ):
            if places.country_of(words[start - 1].word) or words[start - 1].word in table("mention")["between"]:
                break
            if places.at(words, start - 1, k) and not words[start].glued:
                break
            start -= 1
        if start < k and start > self.sentence.lo and places.at(words, start - 1, k):
            return None  # "White House talks"
        return self.section.hit(start, k).text if start < k and not self.sentence.is_title else None

    def _refused_by(self) -> str | None:
        words = self.section.words
        for span in _refusals().search(words, self.sentence.lo, self.sentence.hi):
            distance = self._distance(span, "both")
            if distance is None or distance > 9:
                continue
            who = left_np(words, span[0], self.sentence.lo)
            named = _party(self.section, who) if who else None
            if named:
                return named
        return None


def _words_before(words: Sequence[Token], k: int, lo: int) -> list[Token]:
    """The words of the noun phrase before word `k`, nearest first."""
    found = []
    fillers = frozenset(table("mention")["between"])
    for i in range(k - 1, max(lo, k - 7) - 1, -1):
        token = words[i]
        if breaks(words[i + 1]) and not words[i + 1].glued:
            break
        found.append(token)
        known = (
            token.word in fillers
            or token.capital
            or token.glued
            or token.word in table("mention")["ordinals"]
            or token.word == "'s"
        )
        if not known and not places.country_of(token.word):
            break
    return found


def is_no_event(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether the term is something else here: a mountain top, or talks about wages and players."""
    near = [word.word for word in words[max(sentence.lo, span[0] - 8) : min(sentence.hi, span[1] + 8)]]
    if any(word in _not_events() for word in near):
        return True
    if (
        span[1] < sentence.hi
        and words[span[0]].capital
        and words[span[1]].capital
        and not words[span[1]].gap.strip()
        and not sentence.is_title
        and span[1] - span[0] == 1
    ) and words[span[1]].word in (
        "bank",
        "group",
        "inc",
        "ltd",
        "county",
        "avenue",
        "street",
        "school",
        "entertainment",
        "hotel",
        "partners",
        "capital",
        "health",
    ):
        return True
    fields = _other_fields().search(words, sentence.lo, sentence.hi)
    close = [a for a, b in fields if -6 <= a - span[1] <= 5]
    return bool(close or len(fields) >= 2) and not any(places.country_of(w.word) for w in words[sentence.lo : sentence.hi])


def _of_speech(words: Sequence[Token], one: dates.Dated, sentence: Sentence) -> bool:
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


def _party(section: Section, who: Range) -> str | None:
    """Who will not come: the country where one is named as such, else the name as written."""
    words = section.words
    for k in range(who[1] - 1, who[0] - 1, -1):
        nation = places.country_of(words[k].word)
        if nation and words[k].capital and (k + 1 == who[1]):
            return nation
    capitals = [k for k in range(*who) if words[k].capital]
    if not capitals:
        return None
    named = [k for k in capitals if not places.country_of(words[k].word)]
    if named and named[-1] == who[1] - 1:
        start = named[-1]
        while start - 1 >= who[0] and words[start - 1].capital and not places.country_of(words[start - 1].word):
            start -= 1
        return section.hit(max(start, named[-1] - 1), who[1]).text
    return None


@cache
def _cue_terms() -> tuple[tuple[str, str, Terms], ...]:
    data = table("mention")
    found = [
        (kind, where, terms(words))
        for kind in ("upcoming", "loose", "approach", "past", "under_way")
        for where, words in data[kind].items()
    ]
    found += [(kind, "both", terms(data[kind])) for kind in ("planned", "proposed", "cancelled", "ruled_out", "hypothetical")]
    return tuple(found)


@cache
def _refusals() -> Terms:
    return terms(table("mention")["refusals"])


@cache
def _not_events() -> frozenset[str]:
    return frozenset(table("mention")["not_events"])


@cache
def _other_fields() -> Terms:
    return terms(table("mention")["other_fields"])


def _is_of_speech(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether a date among the cues says when something was said: "announced last week"."""
    before = span[0] - 1
    if before < sentence.lo or breaks(words[span[0]]):
        return False
    return any(verb.kind == "say" for verb in verbs().get(words[before].word, ()))


def _own_date(words: Sequence[Token], one: dates.Dated, sentence: Sentence) -> bool:
    """Whether the words right before a date make it an event's: "will take place by May"."""
    near = {word.word for word in words[max(sentence.lo, one.lo - 4) : one.lo]}
    return bool(near & {"place", "held", "begin", "start", "scheduled", "slated", "planned", "set", "due", "open"})


def is_article_about_something_else(reading: Reading) -> bool:
    """Whether the article's own words show that its summits are mountain tops."""
    return len(_not_events() & reading.vocabulary) > 1
