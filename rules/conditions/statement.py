"""`statement`: somebody on a list says something about a topic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules import dates
from rules.conditions.base import Context, TermList, one_of
from rules.data import table
from rules.evidence import Evidence, Finding, Hit
from rules.names import Names
from rules.reading import Reading, Section, Sentence
from rules.spec import Spec
from rules.speech.cast import Cast, Who
from rules.speech.contents import Report
from rules.speech.phrases import Range
from rules.speech.stance import STANCES, Lexicon
from rules.speech.verbs import words_of
from rules.terms import Terms, terms

KINDS = ("direct", "mixed", "indirect", "second-hand")
TIMES = ("current", "background", "any")


@dataclass(frozen=True, slots=True)
class Topic:
    """What shows that a statement is about the topic: words in it, or words that point back to the sentence before."""

    spans: tuple[Range, ...]
    back: tuple[Range, ...] = ()
    pointed: bool = False
    pronoun: bool = False


@dataclass(frozen=True)
class Statement:
    """Who said what: somebody on a list is the source of reported speech whose content is about a topic.

        statement:
          by: $russian-state        # a list of names, or any
          about: $negotiation       # terms; left out: anything
          stance: [rejects, blames] # left out: any stance
          time: current             # current (default), background, any
          kind: [direct, second-hand]   # left out: all but second-hand

    Direct quotations, indirect speech, "according to", refusals and accusations count. It yields the captures `speaker` (the
    person where one is named, else the institution), `via` (through whom it came: the outlet told, or the one who passed it on), `cue`,
    `content`, `kind`, `as` (the words that named the speaker, where they are not the name), and the label `stance`: rejects, open,
    conditional, blames or neutral. A title or pronoun is resolved to the last speaker; a content that only points back ("such
    gatherings", "it") counts where the sentence before was on the topic, and both are shown.
    """

    by: Names | None
    about: TermList | None
    stances: tuple[str, ...] = ()
    time: str = "current"
    kinds: tuple[str, ...] = KINDS[:3]
    lexicon: Lexicon = field(default_factory=Lexicon)
    by_name: str = "anybody"
    about_name: str = ""

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether both the speakers and the topic could occur."""
        return (self.by is None or self.by.possible(vocabulary)) and (self.about is None or self.about.possible(vocabulary))

    def describe(self) -> str:
        """In plain English."""
        said = (
            f"says something{', now,' if self.time == 'current' else ''} about {self.about_name}"
            if self.about
            else "says something"
        )
        stance = f", and {one_of(self.stances)}" if self.stances else ""
        return f"{self.by_name} {said}{stance}"

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """One finding a statement, best first."""
        if not self.possible(reading.vocabulary):
            return None
        names = self.by or Names()
        cast = Cast(names, reading)
        allowed = {sentence.number for sentence in within}
        ranked: list[tuple[float, int, Finding]] = []
        topics: dict[int, Topic] = {}
        for report in cast.reports:
            ranked_finding = self._finding(report, cast, reading.article.published, topics)
            if ranked_finding and ranked_finding[1] in allowed:
                ranked.append(ranked_finding)
        best = _one_each(sorted(ranked, key=lambda item: (-item[0], item[1])))
        return Evidence(findings=tuple(best)) if best else None

    def _finding(
        self, report: Report, cast: Cast, published: datetime | None, topics: dict[int, Topic]
    ) -> tuple[float, int, Finding] | None:
        who = cast.who(report)
        outer = cast.who(report.within) if report.within else None
        if who is None or not (who.listed or self.by is None) or (outer is not None and outer.listed):
            return None  # what one of ours says of another of ours is one statement, the outer one
        second = report.hedged or (report.within is not None and not (outer and outer.listed))
        kind = "second-hand" if second else report.kind
        time = "background" if background(report, published) else "current"
        if kind not in self.kinds or self.time not in (time, "any") or not report.content:
            return None
        topic = self._topic(report, cast, topics)
        if topic is None:
            return None
        topics[id(report)] = topic
        stance = self.lexicon.read(report.section.words, report.content, report.verb.kind)
        if topic.pronoun and stance == "neutral":
            return None
        if self.stances and stance not in self.stances:
            return None
        sentence = self._sentence(report, topic)
        captures = {
            "speaker": who.name,
            "via": (outer.name if outer else None) if second and report.within else _outlet(report),
            "cue": report.section.hit(*report.cue).text if report.cue[1] > report.cue[0] else None,
            "kind": kind,
            "content": _content(report),
            "as": who_as(report, who),
        }
        finding = Finding(
            field=report.section.field,
            start=sentence.start,
            end=sentence.end,
            text=sentence.text,
            hits=_hits(report, topic),
            captures=captures,
            labels={"stance": stance},
        )
        return (_weight(report, topic, who, stance, sentence), sentence.number, finding)

    def _topic(self, report: Report, cast: Cast, topics: dict[int, Topic]) -> Topic | None:
        if self.about is None:
            return Topic(())
        words = report.section.words
        spans = [span for lo, hi in report.content for span in self.about.search(words, lo, hi)]
        if spans:
            return Topic(tuple(spans))
        asked = self._asked(report)
        if asked:
            return Topic((), tuple(asked), pointed=True)
        return self._pointing_back(report, cast, topics)

    def _asked(self, report: Report) -> list[Range]:
        """ "Asked about the talks, Peskov said …": the question is part of what the answer is about."""
        sentence, words = report.sentence, report.section.words
        if (
            self.about is None
            or report.source is None
            or words[sentence.lo].word not in ("asked", "commenting", "discussing", "answering")
        ):
            return []
        return self.about.search(words, sentence.lo, max(sentence.lo, report.source[0]))

    def _pointing_back(self, report: Report, cast: Cast, topics: dict[int, Topic]) -> Topic | None:
        section = report.section
        pointers, pronouns = _pointers()
        first = min(lo for lo, _ in report.content)
        back = self._sentence_before(section, first, report) or self._carried(report, cast, topics)
        if self.about is None or not back:
            return None
        for lo, hi in report.content:
            found = pointers.search(section.words, lo, hi)
            if found:
                return Topic(tuple(found[:1]), tuple(back), pointed=True)
        for lo, hi in report.content:
            found = list(pronouns.search(section.words, lo, min(hi, lo + 12)))
            if found and cast.who(report) is not None and self._same_hands(report, cast):
                return Topic(tuple(found[:1]), tuple(back), pointed=True, pronoun=True)
        return None

    def _sentence_before(self, section: Section, first: int, report: Report) -> list[Range]:
        """Topic words in the sentence before the one where the content begins."""
        if self.about is None:
            return []
        n = next((k for k, one in enumerate(section.sentences) if one.lo <= first < one.hi), 0)
        spans: list[Range] = []
        if n > 0:
            one = section.sentences[n - 1]
            spans = self.about.search(section.words, one.lo, one.hi)
            if not spans and n > 1 and report.continued:
                one = section.sentences[n - 2]
                spans = self.about.search(section.words, one.lo, one.hi)
        own = section.sentences[n] if section.sentences else None
        if not spans and own is not None and own.lo < first:
            spans = self.about.search(section.words, own.lo, first)
        return spans[-1:]

    @staticmethod
    def _carried(report: Report, cast: Cast, topics: dict[int, Topic]) -> list[Range]:
        """The topic that the same speaker's statement in the sentence before was about, if that only pointed back too."""
        mine = cast.who(report)
        for one in cast.reports:
            if (
                one.section is report.section
                and one.sentence.number == report.sentence.number - 1
                and id(one) in topics
                and cast.who(one) == mine
            ):
                return list(topics[id(one)].back or topics[id(one)].spans)[-1:]
        return []

    @staticmethod
    def _same_hands(report: Report, cast: Cast) -> bool:
        """Whether the sentence before is of the same speaker, or about him: "it" then means the same thing."""
        if report.source and report.section.words[report.source[0]].word in ("he", "she"):
            return True
        if any(one.sentence is report.sentence and one.cue < report.cue for one in cast.reports):
            return True
        earlier = [
            one
            for one in cast.reports
            if one.sentence.number in (report.sentence.number - 1, report.sentence.number)
            and one is not report
            and one.section is report.section
            and one.cue <= report.cue
        ]
        mine = cast.who(report)
        return any((who := cast.who(one)) is not None and mine is not None and who.name == mine.name for one in earlier)

    @staticmethod
    def _sentence(report: Report, topic: Topic) -> Sentence:
        """The sentence to show: the one where the topic stands in the content, else the one that names the speaker."""
        spans = topic.spans if not topic.pointed else ()
        cue = report.sentence
        inside = [span for span in spans if cue.lo <= span[0] < cue.hi]
        if inside or not spans:
            return cue
        at = spans[-1][0]
        return next((one for one in report.section.sentences if one.lo <= at < one.hi), cue)


def parse(spec: Spec, context: Context) -> Statement:
    """`statement:` as written in a rule."""
    spec.only(("by", "about", "stance", "time", "kind", "words"))
    by, about, stance, time, kind, extra = (spec.get(key) for key in ("by", "about", "stance", "time", "kind", "words"))
    if by is None:
        spec.need("by", "a $list of names, or any")
    anybody = by is None or by.value == "any"
    names = None if anybody or by is None else context.names(by)
    return Statement(
        by=names,
        about=context.terms(about) if about else None,
        stances=tuple(one.choice(STANCES) for one in stance.each()) if stance else (),
        time=time.choice(TIMES) if time else "current",
        kinds=tuple(one.choice(KINDS) for one in kind.each()) if kind else KINDS[:3],
        lexicon=Lexicon(tuple((key, tuple(context.terms(value).terms.written)) for key, value in _lexicon(extra).items())),
        by_name="anybody" if anybody or by is None else f"somebody of {by.shown()}".replace("'", ""),
        about_name=about.shown().replace("'", "") if about and isinstance(about.value, str) else "the given terms",
    )


def _lexicon(spec: Spec | None) -> dict[str, Spec]:
    if spec is None:
        return {}
    spec.only(STANCES[:4], "stance")
    return {key: value for key, value in spec.mapping().items() if key in STANCES}


def background(report: Report, published: datetime | None = None) -> bool:
    """Whether the article recalls the report as history: "previously accused", "said last year", "had rejected"."""
    words, sentence = report.section.words, report.sentence
    if report.cue[1] <= report.cue[0]:
        return False
    spans = (
        [(max(sentence.lo, report.cue[0] - 6), report.cue[0])]
        if not report.source
        else [(min(report.source[1], report.cue[0]), max(report.cue[0], report.source[0]))]
    )
    spans.append((report.cue[1], min(sentence.hi, report.cue[1] + 4)))
    if report.source and words[sentence.lo].word in words_of("introductions") | {
        "days",
        "weeks",
        "months",
        "years",
        "previously",
        "shortly",
    }:
        comma = next((k for k in range(sentence.lo + 1, report.source[0] + 1) if k < len(words) and "," in words[k].gap), None)
        spans.append((sentence.lo, comma if comma is not None else report.source[0]))
    elif report.source and not report.section.quoted[sentence.lo]:
        spans.append((sentence.lo, min(report.source[0], sentence.lo + 6)))
    if (
        report.source
        and report.source[0] > sentence.lo
        and not report.section.quoted[sentence.lo]
        and _long_ago(report, published)
    ):
        return True
    markers = _markers()
    if any(markers.search(words, lo, hi) for lo, hi in spans if lo < hi and not all(report.section.quoted[lo:hi])):
        return True
    return words[report.cue[0] - 1].word == "had" and report.cue[0] > sentence.lo


def _long_ago(report: Report, published: datetime | None) -> bool:
    """Whether the words before the speaker give a date more than ten days before the article: "In March 2022 Lavrov said"."""
    words, sentence = report.section.words, report.sentence
    assert report.source is not None
    lo, hi = sentence.lo, min(report.source[0], sentence.lo + 8)
    if published is None:
        return any(re.fullmatch(r"(19|20)\d\d", words[k].word) for k in range(lo, hi))
    day = published.date()
    if any(words[k].word.isdigit() and len(words[k].word) == 4 and 1900 < int(words[k].word) < day.year for k in range(lo, hi)):
        return True
    ends = [one.value.split("/")[-1] for one in dates.find(words, lo, hi, day, "past") if one.value and not one.weekday]
    return bool(ends) and max(ends) < (day - timedelta(10)).isoformat()


def _markers() -> Terms:
    return _cached("markers", lambda: terms(table("background")["markers"]))


def _pointers() -> tuple[Terms, Terms]:
    data = table("anaphora")
    pairs = [f"{pointer} {noun}" for pointer in data["pointers"] for noun in data["nouns"] if pointer != "the"]
    return (_cached("pointers", lambda: terms(pairs)), _cached("pronouns", lambda: terms(data["pronouns"])))


_CACHE: dict[str, Terms] = {}


def _cached(key: str, make: object) -> Terms:
    if key not in _CACHE:
        _CACHE[key] = make()  # type: ignore[operator]
    return _CACHE[key]


def _outlet(report: Report) -> str | None:
    """Whom it was told to, where that is named: "told RIA Novosti"."""
    words, hi = report.section.words, report.sentence.hi
    at = report.cue[1]
    if report.source and report.source[0] >= at:
        at = report.source[1]
    lead = [word.word for word in words[at : at + 6]]
    if report.verb.lemma != "tell" and lead[:1] not in (["in"], ["to"], ["on"]):
        return None
    found = _cached("outlets", lambda: terms(o for row in table("outlets").values() for o in row)).search(
        words, at, min(hi, at + 10)
    )
    return report.section.hit(*found[0]).text if found else None


def _content(report: Report) -> str:
    return " … ".join(report.section.hit(lo, hi).text for lo, hi in report.content)[:1_000]


def who_as(report: Report, who: Who) -> str | None:
    """The words that named the speaker, where they are not the name itself."""
    source = report.source or (report.inherited.source if report.inherited else None)
    if source is None:
        return None
    written = report.section.hit(*source).text
    return None if written == who.name else written


def _hits(report: Report, topic: Topic) -> tuple[Hit, ...]:
    section = report.section
    spans = list(topic.spans[:6]) + list(topic.back)
    if report.cue[1] > report.cue[0]:
        spans.append(report.cue)
    if report.source:
        spans.append(report.source)
    return tuple(sorted({section.hit(lo, hi) for lo, hi in spans}))


def _weight(report: Report, topic: Topic, who: Who, stance: str, sentence: Sentence) -> float:
    """How well a finding proves the statement: topic in so many words, a named person, his own words, near the top."""
    weight = 2.0 * (not topic.pointed) - 1.0 * topic.pronoun
    weight += 1.5 * (who.person and not who.unnamed) + 0.7 * (report.kind != "indirect")
    weight += 0.8 * (stance != "neutral") - 0.5 * report.continued - 1.0 * (report.inherited is not None and not report.continued)
    return weight + 0.6 * (sentence.number < 6) - 0.2 * sentence.is_title


def _one_each(ranked: list[tuple[float, int, Finding]]) -> list[Finding]:
    """The best finding of each sentence and speaker; best first."""
    seen: set[tuple[str, int, str | None]] = set()
    kept = []
    for _, _, finding in ranked:
        key = (finding.field, finding.start, finding.captures["speaker"])
        if key not in seen:
            seen.add(key)
            kept.append(finding)
    return kept
