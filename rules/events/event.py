"""An event in its sentence: when it is, how sure, where, which one, and who will not come.

What is dear to tell is told when somebody asks: of most events it is enough that they do not lie ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest

from rules import dates
from rules.events.around import Around
from rules.events.dated import of_another_verb
from rules.events.groups import AHEAD
from rules.events.modality import status
from rules.events.refusals import refused_by
from rules.events.signs import weighed
from rules.events.venue import Setting, venue
from rules.events.when import Cue, cues, own_date
from rules.events.which import name, ordinal
from rules.reading import Section, Sentence
from rules.speech.phrases import Range

_TOLD = 4  # signs that are told, the weightiest first
_PARTIES_BEFORE, _PARTIES_AFTER = 10, 12  # words within which somebody named may be one of those who meet


@dataclass(frozen=True, eq=False)
class Event:
    """One event term in its sentence, and what the words around it say of it.

    `between_states`: whether those who meet for states are asked for; they then weigh too.
    """

    around: Around
    setting: Setting
    between_states: bool = False

    @property
    def sentence(self) -> Sentence:
        """The sentence that names it."""
        return self.around.sentence

    @property
    def span(self) -> Range:
        """The words that name it."""
        return self.around.span

    @property
    def section(self) -> Section:
        """The field it stands in."""
        return self.sentence.section

    @property
    def name(self) -> str:
        """What it is called in the text."""
        return self.section.hit(*self.span).text

    @cached_property
    def weighed(self) -> dict[str, float]:
        """Every sign of its being ahead, and what it weighs."""
        place = {"place": 1.0} if self._place else {}
        return weighed({**self.around.found, **place}, between_states=self.between_states)

    @cached_property
    def weight(self) -> float:
        """How surely it lies ahead, in log-odds."""
        return sum(self.weighed.values())

    @property
    def ahead(self) -> bool:
        """Whether the signs together say that it is still to come."""
        return self.weight > 0

    @property
    def told_by(self) -> str:
        """The signs that weigh most, for and against its being ahead: "against: date: none -0.6"."""
        most = nlargest(
            _TOLD, ((sign, weight) for sign, weight in self.weighed.items() if sign != "start"), lambda one: abs(one[1])
        )
        ahead = ", ".join(f"{sign} {weight:+.1f}" for sign, weight in most if weight > 0)
        behind = ", ".join(f"{sign} {weight:+.1f}" for sign, weight in most if weight < 0)
        return "; ".join(told for told in (ahead and f"for: {ahead}", behind and f"against: {behind}") if told)

    @property
    def dated_ahead(self) -> bool:
        """Whether a date says that it is still to come."""
        return self.date is not None and self.date.sense == "future"

    @cached_property
    def ordinal(self) -> str | None:
        """Which of its kind it is: "2" for "a second summit"."""
        return ordinal(self.setting)

    @cached_property
    def captures(self) -> dict[str, str | None]:
        """What is known of it."""
        return {
            "place": self._place[0] if self._place else None,
            "date": self.date.value if self.date else None,
            "when": self.section.hit(self.date.lo, self.date.hi).text if self.date else None,
            "ordinal": self.ordinal,
            "name": name(self.setting),
            "parties": ", ".join(self.around.parties.near(self.span, _PARTIES_BEFORE, _PARTIES_AFTER)) or None,
            "refused_by": self._refused_by,
        }

    @cached_property
    def labels(self) -> dict[str, str | None]:
        """When it is, and how sure."""
        how_sure = status(self.around, self._time, dated=self.dated_ahead, refused=bool(self._refused_by))
        return {"time": None if how_sure == "hypothetical" and self._time == "past" else self._time, "status": how_sure}

    def may_be(self, times: tuple[str, ...]) -> bool:
        """Whether it may be at one of these times: cheap, and never wrongly no."""
        return times != ("upcoming",) or self.ahead

    def shown(self) -> list[Range]:
        """The words to highlight: the event, its date, its place, and the verb or cue that told."""
        spans = [self.span]
        if self.date:
            spans.append((self.date.lo, self.date.hi))
        if self._place:
            spans.append(self._place[1])
        if self.ahead:
            return spans + [(one.lo, one.hi) for _, one in self.around.links if one.tense in AHEAD][:1]
        wanted = (self._time or "").replace(" ", "_")
        return spans + [cue.span for cue in self._cues if cue.kind == wanted][:1]

    @cached_property
    def _time(self) -> str | None:
        """Ahead where the signs say so; else as its date and the nearest words tell."""
        if any(one.tense == "was to have" for _, one in self.around.links):
            return "past"
        if self.ahead:
            return "upcoming"
        said = self._by_words
        if self.date and self.date.sense == "past" and said != "under_way":
            return "past"
        return said.replace("_", " ") if said else None

    @property
    def _by_words(self) -> str | None:
        return self._cues[0].kind if self._cues else None

    @cached_property
    def _cues(self) -> list[Cue]:
        return cues(self.setting)

    @cached_property
    def _place(self) -> tuple[str, Range] | None:
        return venue(self.setting)

    @cached_property
    def date(self) -> dates.Dated | None:
        """Its own date."""
        sense = "future" if self.ahead else "past" if self._by_words == "past" else ""
        found = own_date(self.setting, self.around.day, sense, lambda: self._cues)
        if found is not None:
            return None if of_another_verb(self.around, found) else found
        nearest = self.around.nearest
        return nearest if self.ahead and nearest is not None and nearest.sense == "future" else None

    @cached_property
    def _refused_by(self) -> str | None:
        return refused_by(self.setting)
