"""`mention`: an event is named, with when, where, which, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rules.conditions.base import Context, TermList, one_of
from rules.events.event import Event, is_article_about_something_else, is_no_event
from rules.evidence import Evidence, Finding
from rules.reading import Reading, Sentence
from rules.spec import Spec
from rules.terms import Terms

TIMES = ("upcoming", "under way", "past")
STATUSES = ("planned", "proposed", "held", "cancelled", "ruled-out", "hypothetical")
SPECIFICS = ("date", "place", "ordinal", "name")


@dataclass(frozen=True, slots=True)
class Mention:
    """An event is named: when it is, where, which one, and how sure.

        mention:
          of: $summit                     # what the event may be called
          time: upcoming                  # upcoming, under way, past; left out: any
          status: [planned, proposed]     # held, cancelled, ruled-out, hypothetical; left out: any
          with: [date, place, ordinal]    # at least one of these must be known; also: name

    Two answers, kept apart: the labels `time` (upcoming, under way, past, or nothing where the words do not tell) and `status`. The captures
    are `place` (where it is held, never what it is about), `date` (ISO 8601, resolved against the article's own date; a range as start/end),
    `when` (the date as written), `ordinal` ("2" for "a second summit"), `name` ("G20"), and `refused_by`: a side that will not come, which
    leaves the event as planned as it was.
    """

    of: TermList
    times: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    specifics: tuple[str, ...] = ()
    of_name: str = "an event"

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether the event could be named."""
        return self.of.possible(vocabulary)

    def describe(self) -> str:
        """In plain English."""
        time = f"{one_of(self.times)} " if self.times else ""
        status = f", {one_of(self.statuses)}" if self.statuses else ""
        known = f", with a {one_of(self.specifics)}" if self.specifics else ""
        return f"it names {self.of_name}, {time}{status.lstrip(', ')}{known}"

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """One finding an event named, best first."""
        if not self.possible(reading.vocabulary):
            return None
        published = reading.article.published
        day = published.date() if published else None
        events = [event for sentence in within for event in self._events(sentence, reading, day)]
        over = {ordinal for event in events if event.labels()["time"] == "past" and (ordinal := event.captures()["ordinal"])}
        found: list[tuple[float, int, Finding]] = []
        for event in events:
            finding = self._finding(event, over)
            if finding is not None and not any(
                _same(finding, other) for _, number, other in found if number == event.sentence.number
            ):
                found.append((_weight(finding, event.sentence), event.sentence.number, finding))
        found.sort(key=lambda item: (-item[0], item[1]))
        return Evidence(findings=tuple(finding for _, _, finding in found)) if found else None

    def _events(self, sentence: Sentence, reading: Reading, day: date | None) -> list[Event]:
        words = sentence.section.words
        spans = self.of.search(words, sentence.lo, sentence.hi)
        if not spans or is_article_about_something_else(reading):
            return []
        spans = [span for span in spans if not is_no_event(words, span, sentence)]
        return [Event(sentence, span, tuple(other for other in spans if other != span), day, reading) for span in spans]

    def _finding(self, event: Event, over: set[str]) -> Finding | None:
        """The event as a finding, if it is what was asked for; one whose number is `over` elsewhere in the article lies behind."""
        captures, labels = event.captures(), event.labels()
        if captures["ordinal"] in over and labels["time"] == "upcoming" and not event.dated_ahead:
            labels = {"time": "past", "status": "held"}
        if self.times and labels["time"] not in self.times:
            return None
        if self.statuses and labels["status"] not in self.statuses:
            return None
        known = {**captures, "date": captures["date"] or captures["when"]}
        if self.specifics and not any(known[one] for one in self.specifics):
            return None
        sentence, section = event.sentence, event.sentence.section
        hits = {section.hit(*span) for span in event.shown() if span[0] < span[1]}
        return Finding(
            field=section.field,
            start=sentence.start,
            end=sentence.end,
            text=sentence.text,
            hits=tuple(sorted(hits)),
            captures=captures,
            labels=labels,
        )


def parse(spec: Spec, context: Context) -> Mention:
    """`mention:` as written in a rule."""
    spec.only(("of", "time", "status", "with"))
    of, time, status, specifics = (spec.get(key) for key in ("of", "time", "status", "with"))
    if of is None:
        spec.need("of", "what the event may be called")
    return Mention(
        of=context.terms(of) if of else TermList(Terms()),
        times=tuple(one.choice(TIMES) for one in time.each()) if time else (),
        statuses=tuple(one.choice(STATUSES) for one in status.each()) if status else (),
        specifics=tuple(one.choice(SPECIFICS) for one in specifics.each()) if specifics else (),
        of_name=of.shown().replace("'", "") if of and isinstance(of.value, str) else "one of the given events",
    )


def _weight(finding: Finding, sentence: Sentence) -> float:
    known = sum(bool(finding.captures[key]) for key in ("place", "date", "when", "ordinal"))
    return known + 1.0 * (finding.labels["time"] is not None) + 0.8 * (sentence.number < 5) - 0.3 * sentence.is_title


def _same(one: Finding, other: Finding) -> bool:
    keys = ("place", "date", "ordinal")
    return all(one.captures[key] == other.captures[key] for key in keys) and one.labels == other.labels
