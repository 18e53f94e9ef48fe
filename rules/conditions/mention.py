"""`mention`: an event is named, with when, where, which, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import ClassVar, Self

from rules import shape
from rules.conditions.base import Context, TermList, leaf, one_of
from rules.events.around import own_group
from rules.events.called_off import called_off, is_of_event
from rules.events.event import Event
from rules.events.parties import officials
from rules.events.senses import is_article_about_something_else, is_near_another_field, is_no_event
from rules.events.signs import reader
from rules.events.venue import Setting, hosts
from rules.evidence import Clause, Evidence, Finding
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec
from rules.speech.phrases import Range
from rules.terms import Terms

TIMES = ("upcoming", "under way", "past")
STATUSES = ("planned", "proposed", "held", "cancelled", "ruled-out", "hypothetical")
_MOST = 8  # events looked at in one sentence
SPECIFICS = ("date", "place", "ordinal", "name", "parties")
BETWEEN = ("states",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event named: its finding, or what it lacks (time, status or with) and how near it came.

    `labels` are those of the event where nothing else is known of it.
    """

    event: Event
    labels: Mapping[str, str | None] | None = None
    lacks: str = ""
    near: float = 0.0
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """An event is named: when it is, where, which one, and how sure.

        mention:
          of: $summit
          between: states
          time: upcoming
          status: [planned, proposed]
          with: [date, place, ordinal]

    `of` may be nouns ("summit", "talks") and verbs ("meet"). Signs around the event tell whether it lies ahead: the tense of the verbs that
    it hangs on, its date, the words of its noun phrase ("upcoming", "failed", "after the …"); each weighs something, and `monitor explain`
    shows what spoke for and against. `between: states` asks that those who meet be countries, their leaders and ministers, bodies of states
    or those that they negotiate with: a union's talks with an airline are none.

    Two answers, kept apart: the labels `time` (upcoming, under way, past, or nothing where the words do not tell) and `status`. "Similar
    gatherings earlier this year" are past, "set to be held this weekend" is upcoming, "rules out a summit" is ruled out, and a side that
    "will not attend a second planned summit" leaves it planned. Where two events of one number are named, the past one wins. English only.

    That an event is called off matches no rule that asks for planned or proposed ones; where such a rule told of the event, it is told as
    an update of the kind `cancelled`. What is put off is not called off.

    It captures `place` (where it is held, never what it is about), `date` (ISO 8601, counted from the article's own date; a range as
    start/end), `when` (the date as written), `ordinal` ("2" for "a second summit"), `name` ("G20"), `parties` (the states
    named beside it: "Russia, Ukraine") and `refused_by`, a side that will not come.
    """

    KEY: ClassVar[str] = "mention"
    SHAPE: ClassVar[shape.Shape] = {
        "of": shape.Key(shape.TERMS, "what the event may be called", default=TermList(Terms()), required=True),
        "time": shape.Key(shape.choices(TIMES), "when it is; left out: any time", default=()),
        "status": shape.Key(shape.choices(STATUSES), "how sure it is; left out: any", default=()),
        "between": shape.Key(
            shape.choice(BETWEEN),
            "who meets: states (their leaders, ministers, delegations, or bodies of states); left out: anybody",
            default="",
        ),
        "with": shape.Key(shape.choices(SPECIFICS), "at least one of these must be known", default=()),
    }

    of: TermList
    times: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    specifics: tuple[str, ...] = ()
    between: str = ""

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{of, between, time, status, with}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        return cls(values["of"], values["time"], values["status"], values["with"], values["between"])

    @classmethod
    def schema(cls) -> Json:
        """`{of, between, time, status, with}`."""
        return shape.mapping(cls.SHAPE)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether the event could be named."""
        return self.of.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        told = [one_of(words) for words in (self.times, self.statuses) if words]
        known = f", and gives its {one_of(self.specifics)}" if self.specifics else ""
        between = f" between {self.between}" if self.between else ""
        return f"it names {self.of.describe()}{between}{' that is ' + ', and '.join(told) if told else ''}{known}"

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
                found.append((_rank(one.event, finding), sentence.number, finding))
        found.sort(key=lambda item: (-item[0], item[1]))
        return Evidence(findings=tuple(finding for _, _, finding in found)) if found else None

    def later(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """One finding an event that it would find, were it not called off; only of events that were still to come."""
        open_to_it = {"planned", "proposed"}.intersection(self.statuses) or (not self.statuses and "upcoming" in self.times)
        if not open_to_it or not self.possible(reading.vocabulary) or is_article_about_something_else(reading):
            return None
        found: dict[tuple[str | None, ...], Finding] = {}
        for event in self._named(reading, within):
            one = self._called_off(event)
            if one is not None:
                found.setdefault(_which(one), one)
        return Evidence(findings=tuple(found.values())) if found else None

    def _called_off(self, event: Event) -> Finding | None:
        cue = called_off(event.around)
        if cue is None:
            return None
        captures, shown = event.captures, event.shown()
        if event.date and not is_of_event(event.around, cue, event.date):
            captures = {**captures, "date": None, "when": None}
            shown.remove((event.date.lo, event.date.hi))
        elsewhere = (
            self.between and not captures["parties"] and is_near_another_field(event.section.words, event.span, event.sentence)
        )
        if elsewhere or not self._is_specific(captures):
            return None
        return _finding(event, {**event.labels, "status": "cancelled"}, captures, [*shown, cue])

    def _is_specific(self, captures: Mapping[str, str | None]) -> bool:
        known = {**captures, "date": captures["date"] or captures["when"]}
        return not self.specifics or any(known[one] for one in self.specifics)

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The event that came nearest, and what it lacks."""
        return leaf(self, self.search(reading, within), lambda: self._miss(reading, within))

    def _miss(self, reading: Reading, within: Sequence[Sentence]) -> tuple[str, float]:
        best = max(self._verdicts(reading, within), key=lambda one: one.near, default=None)
        return (self._why(best), best.near) if best else (f"the article does not name {self.of.describe()}", 0.0)

    def _why(self, verdict: Verdict) -> str:
        """What an event lacks."""
        event, labels = verdict.event, verdict.labels or verdict.event.labels
        signs = f" ({event.told_by})" if "upcoming" in self.times else ""
        lacks = {
            "time": f"is {labels['time'] or 'at no time that the words tell'}{signs}",
            "status": f"is {labels['status'] or 'of no certain status'}",
            "with": f"has no {one_of(self.specifics)}",
        }
        return f"“{event.name}” {lacks[verdict.lacks]}: “{shorten(event.sentence.text, 120, placeholder=' …')}”"

    def _verdicts(self, reading: Reading, within: Sequence[Sentence]) -> list[Verdict]:
        if not self.between and is_article_about_something_else(reading):
            return []
        events = self._named(reading, within)
        over = {event.ordinal for event in events if event.ordinal and event.labels["time"] == "past"}
        return [self._judge(event, over) for event in events]

    def _named(self, reading: Reading, within: Sequence[Sentence]) -> list[Event]:
        """Every event that the sentences name; conditions that ask different things of the same events share them."""
        key = (Mention, self.of.terms.written, self.of.besides.written, self.between, *within)
        return reading.once(key, lambda: self._events(reading, within))

    def _events(self, reading: Reading, within: Sequence[Sentence]) -> list[Event]:
        """Every event that the sentences name."""
        return [event for sentence in within for event in self._events_of(sentence, reading)]

    def _events_of(self, sentence: Sentence, reading: Reading) -> list[Event]:
        words = sentence.section.words
        spans = self.of.search(words, sentence.lo, sentence.hi)[:_MOST]
        real = [span for span in spans if not is_no_event(words, span, sentence)]
        if not real:
            return []
        published = reading.article.published
        known, places = reading.once(officials, lambda: officials(reading)), reading.once(hosts, lambda: hosts(reading))
        read = reader(sentence, published.date() if published else None, known)
        settings = [Setting(sentence, span, tuple(other for other in real if other != span), places) for span in real]
        found = [Event(read(one.span), one, bool(self.between)) for one in settings]
        return [one for one in found if not _is_told_by(one, found)]

    def _judge(self, event: Event, over: set[str]) -> Verdict:
        """The event as a finding, or the first thing it lacks; one whose number is `over` elsewhere in the article lies behind."""
        if not event.may_be(self.times):
            return Verdict(event, lacks="time", near=0.4)
        labels = event.labels
        if event.ordinal in over and labels["time"] == "upcoming" and not event.dated_ahead:
            labels = {"time": "past", "status": "held"}
        if self.times and labels["time"] not in self.times:
            return Verdict(event, labels, lacks="time", near=0.4)
        if self.statuses and labels["status"] not in self.statuses:
            return Verdict(event, labels, lacks="status", near=0.6)
        if not self._is_specific(event.captures):
            return Verdict(event, labels, lacks="with", near=0.8)
        return Verdict(event, labels, near=1.0, finding=_finding(event, labels, event.captures, event.shown()))


def _finding(
    event: Event, labels: Mapping[str, str | None], captures: Mapping[str, str | None], shown: Sequence[Range]
) -> Finding:
    sentence, section = event.sentence, event.section
    return Finding(
        field=section.field,
        start=sentence.start,
        end=sentence.end,
        text=sentence.text,
        hits=tuple(sorted({section.hit(*span) for span in shown if span[0] < span[1]})),
        captures=captures,
        labels=labels,
    )


def _is_told_by(one: Event, events: list[Event]) -> bool:
    """Whether an event is but the verb of another: "will host talks" is one event."""
    own = own_group(one.around)
    return own is not None and any((how, own) in other.around.links for other in events for how in ("before", "after"))


def _rank(event: Event, finding: Finding) -> float:
    """How good a proof a finding is: how sure, how much it tells, and how early."""
    known = sum(bool(finding.captures[key]) for key in ("place", "when", "ordinal"))
    several = "," in (finding.captures["parties"] or "")
    early = 1.0 if event.sentence.number < _EARLY else 0.0
    return 0.5 * event.weight + 0.6 * known + 0.8 * several + early - 0.3 * event.sentence.is_title


_EARLY = 5  # sentences in which news says what it is about


def _same(one: Finding, other: Finding) -> bool:
    return _which(one) == _which(other) and one.labels == other.labels


def _which(one: Finding) -> tuple[str | None, ...]:
    return tuple(one.captures[key] for key in ("place", "date", "ordinal"))
