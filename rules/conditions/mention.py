"""`mention`: an event is named, with when, where, which, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from rules import shape
from rules.conditions.base import Context, TermList, leaf, one_of
from rules.events.event import Event, is_article_about_something_else, is_no_event
from rules.events.venue import hosts
from rules.evidence import Clause, Evidence, Finding
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec
from rules.terms import Terms

TIMES = ("upcoming", "under way", "past")
STATUSES = ("planned", "proposed", "held", "cancelled", "ruled-out", "hypothetical")
_MOST = 8  # events looked at in one sentence
SPECIFICS = ("date", "place", "ordinal", "name")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event named: its finding, or why it is none and how near it came."""

    event: Event
    why: str = ""
    near: float = 0.0
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """An event is named: when it is, where, which one, and how sure.

        mention:
          of: $summit
          time: upcoming
          status: [planned, proposed]
          with: [date, place, ordinal]

    Two answers, kept apart: the labels `time` (upcoming, under way, past, or nothing where the words do not tell) and `status`. "Similar
    gatherings earlier this year" are past, "set to be held this weekend" is upcoming, "rules out a summit" is ruled out, and a side that
    "will not attend a second planned summit" leaves it planned. Where two events of one number are named, the past one wins. English only.

    It captures `place` (where it is held, never what it is about), `date` (ISO 8601, counted from the article's own date; a range as
    start/end), `when` (the date as written), `ordinal` ("2" for "a second summit"), `name` ("G20") and `refused_by`, a side that will not
    come.
    """

    KEY: ClassVar[str] = "mention"
    SHAPE: ClassVar[shape.Shape] = {
        "of": shape.Key(shape.TERMS, "what the event may be called", default=TermList(Terms()), required=True),
        "time": shape.Key(shape.choices(TIMES), "when it is; left out: any time", default=()),
        "status": shape.Key(shape.choices(STATUSES), "how sure it is; left out: any", default=()),
        "with": shape.Key(shape.choices(SPECIFICS), "at least one of these must be known", default=()),
    }

    of: TermList
    times: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    specifics: tuple[str, ...] = ()

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{of, time, status, with}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        return cls(values["of"], values["time"], values["status"], values["with"])

    @classmethod
    def schema(cls) -> Json:
        """`{of, time, status, with}`."""
        return shape.mapping(cls.SHAPE)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether the event could be named."""
        return self.of.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        told = [one_of(words) for words in (self.times, self.statuses) if words]
        known = f", and gives its {one_of(self.specifics)}" if self.specifics else ""
        return f"it names {self.of.describe()}{' that is ' + ', and '.join(told) if told else ''}{known}"

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """One finding an event named, best first."""
        if not self.possible(reading.vocabulary):
            return None
        found: list[tuple[float, int, Finding]] = []
        by_sentence: dict[int, list[Finding]] = {}
        for one in self._verdicts(reading, within):
            sentence, finding = one.event.sentence, one.finding
            beside = by_sentence.setdefault(sentence.number, [])
            if finding is not None and not any(_same(finding, other) for other in beside):
                beside.append(finding)
                found.append((_weight(finding, sentence), sentence.number, finding))
        found.sort(key=lambda item: (-item[0], item[1]))
        return Evidence(findings=tuple(finding for _, _, finding in found)) if found else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The event that came nearest, and what it lacks."""
        return leaf(self, self.search(reading, within), lambda: self._miss(reading, within))

    def _miss(self, reading: Reading, within: Sequence[Sentence]) -> tuple[str, float]:
        best = max(self._verdicts(reading, within), key=lambda one: one.near, default=None)
        return (best.why, best.near) if best else (f"the article does not name {self.of.describe()}", 0.0)

    def _verdicts(self, reading: Reading, within: Sequence[Sentence]) -> list[Verdict]:
        published = reading.article.published
        day = published.date() if published else None
        places = hosts(reading)
        if is_article_about_something_else(reading):
            return []
        events = [event for sentence in within for event in self._events(sentence, day, places)]
        over = {ordinal for event in events if event.labels()["time"] == "past" and (ordinal := event.captures()["ordinal"])}
        return [self._judge(event, over) for event in events]

    def _events(self, sentence: Sentence, day: date | None, places: frozenset[str]) -> list[Event]:
        words = sentence.section.words
        spans = self.of.search(words, sentence.lo, sentence.hi)
        real = [span for span in spans[:_MOST] if not is_no_event(words, span, sentence)]
        return [Event(sentence, span, tuple(other for other in real if other != span), day, places) for span in real]

    def _judge(self, event: Event, over: set[str]) -> Verdict:
        """The event as a finding, or the first thing it lacks; one whose number is `over` elsewhere in the article lies behind."""
        captures, labels = event.captures(), event.labels()
        if captures["ordinal"] in over and labels["time"] == "upcoming" and not event.dated_ahead:
            labels = {"time": "past", "status": "held"}
        shown = f"“{' '.join(event.sentence.text.split())[:120]}”"
        if self.times and labels["time"] not in self.times:
            return Verdict(event, f"“{event.name}” is {labels['time'] or 'at no time that the words tell'}: {shown}", 0.4)
        if self.statuses and labels["status"] not in self.statuses:
            return Verdict(event, f"“{event.name}” is {labels['status'] or 'of no certain status'}: {shown}", 0.6)
        known = {**captures, "date": captures["date"] or captures["when"]}
        if self.specifics and not any(known[one] for one in self.specifics):
            return Verdict(event, f"“{event.name}” has no {one_of(self.specifics)}: {shown}", 0.8)
        sentence, section = event.sentence, event.sentence.section
        hits = {section.hit(*span) for span in event.shown() if span[0] < span[1]}
        finding = Finding(
            field=section.field,
            start=sentence.start,
            end=sentence.end,
            text=sentence.text,
            hits=tuple(sorted(hits)),
            captures=captures,
            labels=labels,
        )
        return Verdict(event, near=1.0, finding=finding)


def _weight(finding: Finding, sentence: Sentence) -> float:
    known = sum(bool(finding.captures[key]) for key in ("place", "date", "when", "ordinal"))
    return known + 1.0 * (finding.labels["time"] is not None) + 0.8 * (sentence.number < 5) - 0.3 * sentence.is_title


def _same(one: Finding, other: Finding) -> bool:
    keys = ("place", "date", "ordinal")
    return all(one.captures[key] == other.captures[key] for key in keys) and one.labels == other.labels
