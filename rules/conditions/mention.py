"""`mention`: an event is named, with when, where, which, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from rules import dates, places
from rules.attribution import Range, left_np, verbs
from rules.conditions.base import Context, TermList, one_of
from rules.data import table
from rules.evidence import Evidence, Finding
from rules.fold import Token
from rules.reading import Reading, Section, Sentence
from rules.spec import Spec
from rules.terms import Terms, terms

TIMES = ("upcoming", "under-way", "past")
STATUSES = ("planned", "proposed", "held", "cancelled", "ruled-out", "hypothetical")
SPECIFICS = ("date", "place", "ordinal", "name")
_REACH = 14  # words within which a cue or a place belongs to an event


@dataclass(frozen=True, slots=True)
class Mention:
    """An event is named: when it is, where, which one, and how sure.

        mention:
          of: $summit                     # what the event may be called
          time: upcoming                  # upcoming, under-way, past; left out: any
          status: [planned, proposed]     # held, cancelled, ruled-out, hypothetical; left out: any
          with: [date, place, ordinal]    # at least one of these must be known; also: name

    Two answers, kept apart: the labels `time` (upcoming, under-way, past, or nothing where the words do not tell) and `status`. The captures
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
            if finding is not None and not any(_same(finding, other) for _, number, other in found if number == event.sentence.number):
                found.append((_weight(finding, event.sentence), event.sentence.number, finding))
        found.sort(key=lambda item: (-item[0], item[1]))
        return Evidence(findings=tuple(finding for _, _, finding in found)) if found else None

    def _events(self, sentence: Sentence, reading: Reading, day: date | None) -> list[Event]:
        words = sentence.section.words
        spans = [span for span in self.of.search(words, sentence.lo, sentence.hi) if not _no_event(words, span, sentence)]
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
            field=section.field, start=sentence.start, end=sentence.end, text=sentence.text, hits=tuple(sorted(hits)), captures=captures, labels=labels,
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
    reading: Reading
    _cues: list[Cue] = field(default_factory=list)
    _date: dates.Dated | None = None
    _place: tuple[str, Range] | None = None

    def __post_init__(self) -> None:
        self._cues = sorted(self._find_cues(), key=lambda cue: cue.distance)
        sense = {"upcoming": "future", "past": "past"}.get(self._by_words() or "", "")
        self._date = self._find_date(sense)
        self._place = _venue(self)

    @property
    def section(self) -> Section:
        """The field it stands in."""
        return self.sentence.section

    @property
    def dated_ahead(self) -> bool:
        """Whether a date says that it is still to come."""
        return self._date is not None and self._date.sense == "future"

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
        spans += [cue.span for cue in self._cues if cue.kind == wanted.replace("-", "_")][:1]
        return spans

    def _time(self) -> str | None:
        """The date says it where there is one that lies clearly ahead or behind; else the nearest words do."""
        said = self._by_words()
        if self._date and self._date.sense and not (said == "under_way"):
            return "upcoming" if self._date.sense == "future" else "past"
        return said.replace("_", "-") if said else None

    def _by_words(self) -> str | None:
        near = [cue for cue in self._cues if cue.kind in ("upcoming", "past", "under_way")]
        return near[0].kind if near else None

    def _status(self, time: str | None) -> str | None:
        nearest = {}
        for cue in self._cues:
            nearest.setdefault(cue.kind, cue.distance)
        if nearest.get("cancelled", 99) <= 5:
            return "cancelled"
        if nearest.get("ruled_out", 99) <= 4 and not self._refused_by() and time != "past":
            return "ruled-out"
        if time in ("past", "under-way"):
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
                distance = self._distance(span, where)
                if distance is not None and distance <= _REACH:
                    found.append(Cue(kind, span, distance))
        return found

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
        cut = sum(words[k].word in _CUTS or any(m in words[k].gap for m in ";—–:") for k in range(between[0], min(between[1] + 1, self.sentence.hi)))
        commas = sum("," in words[k].gap for k in range(between[0], min(between[1] + 1, self.sentence.hi)))
        quote = any(self.section.quoted[k] != self.section.quoted[self.span[0]] for k in range(*between)) if between[0] < between[1] else False
        return between[1] - between[0] + 4 * cut + 2 * commas + 3 * quote

    def _find_date(self, sense: str) -> dates.Dated | None:
        words = self.section.words
        best: tuple[int, dates.Dated] | None = None
        for one in dates.find(words, self.sentence.lo, self.sentence.hi, self.day, sense):
            if _of_speech(words, one, self.sentence):
                continue
            distance = self._distance((one.lo, one.hi), "both")
            if distance is None or distance > (_REACH if one.sense == "future" or sense == "future" else 6):
                continue
            if one.weekday and not one.sense and not sense:
                continue  # "an offer … late Monday" dates the offer
            if best is None or distance < best[0]:
                best = (distance, one)
        return best[1] if best else None

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
        while start - 1 >= self.sentence.lo and words[start - 1].capital and not _breaks(words[start]) and start > self.sentence.lo + 1:
            if places.country_of(words[start - 1].word) or words[start - 1].word in table("mention")["between"]:
                break
            if places.at(words, start - 1, k) and not words[start].glued:
                break
            start -= 1
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


_CUTS = frozenset("but while although though whereas because when which who where".split())


def _breaks(token: Token) -> bool:
    return any(mark in token.gap for mark in ",;:.–—\"“”")


def _words_before(words: Sequence[Token], k: int, lo: int) -> list[Token]:
    """The words of the noun phrase before word `k`, nearest first."""
    found = []
    fillers = frozenset(table("mention")["between"])
    for i in range(k - 1, max(lo, k - 7) - 1, -1):
        token = words[i]
        if _breaks(words[i + 1]) and not words[i + 1].glued:
            break
        found.append(token)
        known = token.word in fillers or token.capital or token.glued or token.word in table("mention")["ordinals"] or token.word == "'s"
        if not known and not places.country_of(token.word):
            break
    return found


def _no_event(words: Sequence[Token], span: Range, sentence: Sentence) -> bool:
    """Whether the term is something else here: a mountain top, or talks about wages and players."""
    near = [word.word for word in words[max(sentence.lo, span[0] - 8) : min(sentence.hi, span[1] + 8)]]
    if any(word in _not_events() for word in near):
        return True
    fields = _other_fields().search(words, sentence.lo, sentence.hi)
    return len(fields) >= 2 and not any(places.country_of(w.word) for w in words[sentence.lo : sentence.hi])


def _of_speech(words: Sequence[Token], one: dates.Dated, sentence: Sentence) -> bool:
    """Whether a date says when something was said: "Russia on Thursday criticized", "he said Monday"."""
    before = one.lo - 1
    while before > sentence.lo and words[before].word in ("on", "late", "early", "earlier", "last", "this"):
        before -= 1
    if before >= sentence.lo and any(v.kind == "say" for v in verbs().get(words[before].word, ())) and not _breaks(words[before + 1]):
        return words[before].word not in ("agreed",)
    if words[before].word in ("reporters", "journalists", "statement", "interview", "conference") and before >= sentence.lo:
        return True
    after = words[one.hi].word if one.hi < sentence.hi else ""
    spoken = bool(verbs().get(after)) and not _breaks(words[one.hi]) and after not in ("back",)
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


def _venue(event: Event) -> tuple[str, Range] | None:
    """Where the event is held, as news says it; None where it does not."""
    return _compound(event) or _after(event) or _hosts(event) or _before(event)


def _compound(event: Event) -> tuple[str, Range] | None:
    """"the Istanbul talks": a city before the event. A country there is mostly the topic, unless the article meets in it."""
    words, lo = event.section.words, event.sentence.lo
    for k in range(event.span[0] - 1, max(lo, event.span[0] - 4) - 1, -1):
        if _breaks(words[k + 1]):
            return None
        found = places.at(words, k, event.span[0])
        if found:
            place, end = found
            if words[k].glued or words[min(end, len(words) - 1)].glued or (end < event.span[0] and words[end].word == "'s"):
                return None
            hosts = place.name in _hosts_of_article(event.reading)
            return (place.name, (k, end)) if (not place.is_country or hosts) and not _is_seat(place.name) else None
        if words[k].word not in table("mention")["between"] and not words[k].capital:
            return None
    return None


def _is_seat(name: str) -> bool:
    """Whether a capital's name mostly stands for its government ("Moscow talks" may be either, "Washington summit" is a place)."""
    return name in ("Moscow", "Kyiv", "Beijing", "Tehran", "Pyongyang")


def _hosts_of_article(reading: Reading) -> frozenset[str]:
    """Every place that the article puts an "in" before, outside topics."""
    found = set()
    for sentence in reading.sentences:
        words = sentence.section.words
        for k in range(sentence.lo, sentence.hi - 1):
            if words[k].word == "in" and (named := places.at(words, k + 1, sentence.hi)) and not _topical(words, k, sentence.lo):
                found.add(named[0].name)
    return frozenset(found)


def _topical(words: Sequence[Token], k: int, lo: int) -> bool:
    """Whether the words before "in" make the place what something is about: "peace in Ukraine", "said in Vienna"."""
    topics = _topics()
    return any(word.word in topics for word in words[max(lo, k - 2) : k])


def _after(event: Event) -> tuple[str, Range] | None:
    words, hi = event.section.words, event.sentence.hi
    limit = min([hi, event.span[1] + 22, *[a for a, _ in event.others if a > event.span[1]]])
    for k in range(event.span[1], limit - 1):
        if words[k].word in _CUTS or any(mark in words[k].gap for mark in ";—–:"):
            if words[k].word not in ("which", "where"):
                return None
        if words[k].word in ("in", "at") and not _topical(words, k, event.span[1] if k - event.span[1] > 1 else event.span[1]):
            found = _place_after(event.section, k + 1, limit)
            if found:
                return found
        if words[k].word == "by" and words[k - 1].word in ("hosted", "convened", "organized", "organised"):
            found = _place_after(event.section, k + 1, limit)
            if found:
                return found
    return None


def _place_after(section: Section, k: int, hi: int) -> tuple[str, Range] | None:
    """The place that starts at word `k`: named, "the Turkish capital", "the resort of Sochi", or a name no gazetteer has."""
    words = section.words
    if k >= hi:
        return None
    found = places.at(words, k, hi)
    if found:
        place, end = found
        if end < hi and words[end].word == "'s" and end + 1 < hi and words[end + 1].word == "capital":
            return (places.capitals().get(place.name, place.name), (k, end + 2))
        return (place.name, (k, end)) if not (end < len(words) and words[end].glued) else None
    if words[k].word in ("the", "a"):
        for j in range(k + 1, min(k + 6, hi)):
            nation = places.country_of(words[j].word) if words[j].capital else None
            if words[j].word == "capital":
                before = places.country_of(words[j - 1].word)
                named = _place_after(section, j + 1, hi) if j + 1 < hi and words[j + 1].capital else None
                return named or ((places.capitals().get(before, before), (k, j + 1)) if before else None)
            if words[j].word in ("of", "city", "resort", "town", "port") or nation or words[j].capital:
                inner = places.at(words, j, hi)
                if inner and not nation:
                    return (inner[0].name, (j, inner[1]))
                continue
            if words[j].word in ("in", "at", "on", "to"):
                return None
    token = words[k]
    if token.capital and not token.caps and token.word not in dates.MONTHS and token.word not in dates.WEEKDAYS and words[k - 1].word == "in":
        end = k
        while end < hi and words[end].capital and (end == k or not _breaks(words[end])) and end - k < 3:
            end += 1
        before = words[k - 2].word if k >= 2 else ""
        event_like = before in ("held", "place", "summit", "conference", "talks", "meeting", "meet", "convene", "negotiations", "gathering")
        return (section.hit(k, end).text, (k, end)) if event_like else None
    return None


def _hosts(event: Event) -> tuple[str, Range] | None:
    """"Qatar will host the talks"."""
    words, lo = event.section.words, event.sentence.lo
    for k in range(event.span[0] - 1, max(lo, event.span[0] - 10) - 1, -1):
        if words[k].word in ("host", "hosts", "hosting", "hosted"):
            for j in range(k - 1, max(lo, k - 7) - 1, -1):
                found = places.at(words, j, k)
                if found and (not j or words[j - 1].word not in ("in", "to", "with")):
                    return (found[0].name, (j, found[1]))
    return None


def _before(event: Event) -> tuple[str, Range] | None:
    """"travel to Doha for talks", "In Moscow, negotiators will hold talks", "meet in Geneva for a summit"."""
    words, lo = event.section.words, event.sentence.lo
    stop = max([lo, event.span[0] - _REACH, *[b for _, b in event.others if b <= event.span[0]]])
    for k in range(event.span[0] - 1, stop - 1, -1):
        if words[k].word in _CUTS or ";" in words[k].gap:
            return None
        movement = words[k].word == "to" and any(w.word in _TRAVEL for w in words[max(lo, k - 3) : k])
        meeting = words[k].word in ("in", "at") and (k == lo or any(w.word in _MEET for w in words[max(lo, k - 4) : k]))
        if not (movement or meeting) or _topical(words, k, lo):
            continue
        found = _place_after(event.section, k + 1, event.span[0])
        if found:
            return found
    return None


_TRAVEL = frozenset("travel travels traveled travelled travelling traveling go goes going fly flies flew head heads heading headed come comes arrive visit trip delegation delegations team teams envoys return back".split())
_MEET = frozenset("meet meets met meeting gather gathers convene convenes hold holds held holding resume again host hosts assemble attend reconvene sit".split())


def _weight(finding: Finding, sentence: Sentence) -> float:
    known = sum(bool(finding.captures[key]) for key in ("place", "date", "when", "ordinal"))
    return known + 1.0 * (finding.labels["time"] is not None) + 0.8 * (sentence.number < 5) - 0.3 * sentence.is_title


def _same(one: Finding, other: Finding) -> bool:
    keys = ("place", "date", "ordinal")
    return all(one.captures[key] == other.captures[key] for key in keys) and one.labels == other.labels


@cache
def _cue_terms() -> tuple[tuple[str, str, Terms], ...]:
    data = table("mention")
    found = [(kind, where, terms(words)) for kind in ("upcoming", "past", "under_way") for where, words in data[kind].items()]
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


@cache
def _topics() -> frozenset[str]:
    return frozenset(table("places")["topics"])
