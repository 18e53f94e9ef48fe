"""`statement`: somebody on a list says something about a topic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import ClassVar, Self

from rules import dates, shape
from rules.conditions.base import Context, TermList, leaf, one_of
from rules.data import table
from rules.evidence import Clause, Evidence, Finding, Hit
from rules.fold import Token
from rules.names import Names
from rules.reading import Reading, Section, Sentence
from rules.shape import Json
from rules.spec import Spec
from rules.speech.cast import Cast, Who
from rules.speech.contents import Report
from rules.speech.phrases import Range
from rules.speech.sides import Side
from rules.speech.stance import STANCES, Lexicon
from rules.speech.verbs import words_of
from rules.terms import Terms, terms

KINDS = ("direct", "mixed", "indirect", "second-hand")
TIMES = ("current", "background", "any")
_PAPERS = frozenset(
    "agency agencies news media newspaper newspapers television tv channel broadcaster website transcript readout statement report reports "
    "daily wire press".split(),
)
_VERBS = frozenset(
    "is was are were will would can could cannot may might must should has have had does did be means makes".split()
)
_OBJECT = {
    "reject": 16,
    "favor": 16,
    "demand": 16,
    "blame": 28,
}  # words after "rejected" within which the topic is what was rejected
_ASKED = frozenset("asked commenting discussing answering responding response regarding concerning addressing pressed".split())
_OCCASIONS = frozenset("meeting meetings conversation conversations call".split())
_DEFINITE = frozenset("the this that its such these those their his".split())


@dataclass(frozen=True, slots=True)
class Topic:
    """What shows that a statement is about the topic: words in it, or words that point back to the sentence before."""

    spans: tuple[Range, ...]
    back: tuple[Range, ...] = ()
    pointed: bool = False
    pronoun: bool = False


@dataclass(slots=True)
class Topics:
    """What statements so far were about, by report, and where an article names the topic, by the noun at its end."""

    of: dict[int, Topic] = field(default_factory=dict)
    _named: dict[tuple[str, str], list[Range]] | None = None

    def ending(self, section: Section, about: TermList | None, noun: str, before: int) -> Range | None:
        """The last words for the topic before word `before` that end in this noun."""
        if self._named is None:
            self._named = {}
        if about is None:
            return None
        if (section.field, "") not in self._named:
            self._named[section.field, ""] = []
            for span in about.search(section.words, 0, len(section.words)):
                if span[1] - span[0] > 1:
                    self._named.setdefault((section.field, _one(section.words[span[1] - 1].word)), []).append(span)
        found = self._named.get((section.field, _one(noun)), [])
        return next((span for span in reversed(found) if span[1] <= before), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one report: its finding, or why it is none and how near it came."""

    sentence: int
    why: str = ""
    near: float = 0.0
    finding: Finding | None = None
    weight: float = 0.0
    of_another: Report | None = None
    """What somebody said who is not on the list: whether it was on the topic is only looked at to explain."""


def _lexicon(spec: Spec, context: Context) -> Lexicon:
    spec.only(STANCES[:4], "stance")
    return Lexicon(
        tuple((key, context.terms(value).terms.written) for key, value in spec.mapping().items() if key in STANCES[:4])
    )


_WORDS: Json = {
    "type": "object",
    "properties": {one: {"$ref": "#/$defs/terms"} for one in STANCES[:4]},
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Statement:
    """Somebody on a list says something about a topic: who said what, through whom, and where they stand.

        statement:
          by: $russian-state
          about: $negotiation
          stance: [rejects, blames]

    Direct quotations, indirect speech, "according to", refusals and accusations count. A title or a pronoun stands for the last speaker
    ("she added"); a content that only points back ("such gatherings", "it") counts where the sentence before was on the topic, and both
    are shown. What one speaker reports of another ("Zelensky said that Putin …") is second-hand, and history ("previously", "last year",
    "repeatedly") is background; neither fires unless asked for. English only.

    It captures `speaker` (the person where one is named, else the institution), `via` (the outlet that was told, or whoever passed it
    on), `cue`, `content`, `kind` and `as` (the words that named the speaker, where they are not the name), and gives the label `stance`.
    """

    KEY: ClassVar[str] = "statement"
    SHAPE: ClassVar[shape.Shape] = {
        "by": shape.Key(shape.WHO, "who speaks: a $list of names, or any", required=True),
        "about": shape.Key(shape.TERMS, "what it is about; left out: anything"),
        "stance": shape.Key(shape.choices(STANCES), "which stances; left out: all", default=()),
        "time": shape.Key(shape.choice(TIMES), "news (current) or history (background)", default="current"),
        "kind": shape.Key(shape.choices(KINDS), "which kinds; left out: all but second-hand", default=KINDS[:3]),
        "words": shape.Key(shape.Kind(_lexicon, _WORDS), "more words that show a stance", default=Lexicon()),
    }

    by: Names | None
    about: TermList | None
    stances: tuple[str, ...] = ()
    time: str = "current"
    kinds: tuple[str, ...] = KINDS[:3]
    lexicon: Lexicon = field(default_factory=Lexicon)
    by_name: str = "anybody"

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{by, about, stance, time, kind, words}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        by = spec.get("by")
        who = (
            "anybody"
            if by is None or by.value == "any"
            else f"somebody on {by.value}"
            if isinstance(by.value, str)
            else "somebody listed"
        )
        return cls(values["by"], values["about"], values["stance"], values["time"], values["kind"], values["words"], who)

    @classmethod
    def schema(cls) -> Json:
        """`{by, about, stance, time, kind, words}`."""
        return shape.mapping(cls.SHAPE)

    def possible(self, vocabulary: frozenset[str]) -> bool:
        """Whether both the speakers and the topic could occur."""
        return (self.by is None or self.by.possible(vocabulary)) and (self.about is None or self.about.possible(vocabulary))

    def describe(self) -> str:
        """In plain English."""
        now = ", now" if self.time == "current" else ", as history" if self.time == "background" else ""
        about = f"{',' if now else ''} about {self.about.label or self.about.describe()}" if self.about else ""
        stance = f", with the stance {one_of(self.stances)}" if self.stances else ""
        how = "" if self.kinds == KINDS[:3] else f" ({one_of(self.kinds)})"
        return f"{self.by_name} says something{how}{now}{about}{stance}"

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        """One finding a statement, best first."""
        if not self.possible(reading.vocabulary):
            return None
        found = [one for one in self._verdicts(reading, within) if one.finding is not None]
        best = _one_each(sorted(found, key=lambda one: (-one.weight, one.sentence)), apart=self.about is None)
        return Evidence(findings=tuple(best)) if best else None

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """The report that came nearest, and what it lacks."""
        return leaf(self, self.search(reading, within), lambda: self._miss(reading, within))

    def _miss(self, reading: Reading, within: Sequence[Sentence]) -> tuple[str, float]:
        if self.about is not None and not self.about.possible(reading.vocabulary):
            return f"the article does not say {self.about.describe()}", 0.0
        best = max(self._verdicts(reading, within), key=self._nearness, default=None)
        return (best.why, self._nearness(best)) if best else ("nobody is reported to say anything", 0.0)

    def _nearness(self, verdict: Verdict) -> float:
        on_topic = verdict.of_another is not None and bool(self._direct(verdict.of_another))
        return 0.4 if on_topic else verdict.near

    def _verdicts(self, reading: Reading, within: Sequence[Sentence]) -> list[Verdict]:
        cast = Cast(self.by or Names(), reading)
        allowed = {sentence.number for sentence in within}
        topics = Topics()
        found = [self._judge(report, cast, reading.article.published, topics) for report in cast.reports]
        return [one for one in found if one.sentence in allowed]

    def _judge(self, report: Report, cast: Cast, published: datetime | None, topics: Topics) -> Verdict:
        """One report of speech: a finding, or the first thing that it lacks."""
        who = cast.who(report)
        outer = cast.who(report.within) if report.within else None
        number = report.sentence.number
        name = who.name if who else "somebody"
        if who is None or not (who.listed or self.by is None):
            return Verdict(number, f"{name} is not {self.by_name}: “{_short(report)}”", 0.1, of_another=report)
        if outer is not None and outer.listed:
            return Verdict(number, f"it is part of what {outer.name} says", 0.3)
        passed_on = report.within is not None and _by_outlet(report.within)
        second = report.hedged or (report.within is not None and not passed_on)
        kind = "second-hand" if second else report.kind
        topic = self._topic(report, cast, topics) if report.content else None
        if topic is None:
            return Verdict(number, f"{name} speaks, but not on the topic: “{_short(report)}”", 0.5)
        if kind not in self.kinds:
            told = f" through {outer.name}" if outer else ""
            return Verdict(number, f"{name} speaks on the topic, but {kind}{told}: “{_short(report)}”", 0.8)
        time = "background" if background(report, published) else "current"
        if self.time not in (time, "any"):
            return Verdict(number, f"{name} speaks on the topic, but it is {time}: “{_short(report)}”", 0.9)
        topics.of[id(report)] = topic
        side = replace(Side.of(f"{who.name} {who_as(report, who) or ''}", self.by), person=who.person)
        stance = self.lexicon.read(report.section.words, report.content, report.verb, side).name
        if stance == "neutral" and report.verb.kind not in _OBJECT:
            stance = self.lexicon.read(report.section.words, _rest(report), report.verb, side).name
        if (topic.pronoun and stance == "neutral") or (self.stances and stance not in self.stances):
            return Verdict(number, f"{name} speaks on the topic, but {stance}: “{_short(report)}”", 0.9)
        sentence = self._sentence(report, topic)
        captures = {
            "speaker": who.name,
            "via": (outer.name if outer else None) if report.within else _outlet(report),
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
        return Verdict(sentence.number, near=1.0, finding=finding, weight=_weight(report, topic, who, stance, sentence))

    def _topic(self, report: Report, cast: Cast, topics: Topics) -> Topic | None:
        if self.about is None:
            return Topic(())
        spans = self._direct(report)
        if spans:
            return Topic(tuple(spans))
        asked = self._asked(report)
        if asked:
            return Topic((), tuple(asked), pointed=True)
        return self._pointing_back(report, cast, topics) or self._named_before(report, topics)

    def _direct(self, report: Report) -> list[Range]:
        """Where the topic stands in the content in so many words; after "rejected" and the like, not far from the verb."""
        words = report.section.words
        found = [span for lo, hi in report.content for span in self.about.search(words, lo, hi)] if self.about else []
        reach = _OBJECT.get(report.verb.kind)
        if reach is None or any(report.section.quoted[lo] for lo, _ in found):
            return found
        return [span for span in found if span[0] - report.content[0][0] < reach and not _is_setting(words, span)]

    def _asked(self, report: Report) -> list[Range]:
        """ "Asked about the talks, Peskov said …": the question is part of what the answer is about."""
        sentence, words, source = report.sentence, report.section.words, report.source
        if self.about is None or source is None:
            return []
        for lo, hi in ((sentence.lo, source[0]), (source[1], report.cue[0])):
            if any(word.word in _ASKED for word in words[lo : min(hi, lo + 3)]) and not report.section.quoted[lo]:
                return self.about.search(words, lo, hi)
        return []

    def _named_before(self, report: Report, topics: Topics) -> Topic | None:
        """ "the deal", where the article has called it a peace deal: the last words before that end in the same noun."""
        section, words = report.section, report.section.words
        for lo, hi in report.content:
            for k in range(lo, hi):
                if words[k].word not in _DEFINITE:
                    continue
                noun = next((n for n in range(k + 1, min(hi, k + 4)) if _one(words[n].word) in _nouns()), None)
                back = topics.ending(section, self.about, words[noun].word, lo) if noun is not None else None
                if noun is not None and back:
                    return Topic(((k, noun + 1),), (back,), pointed=True)
        return None

    def _pointing_back(self, report: Report, cast: Cast, topics: Topics) -> Topic | None:
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
            found = [
                span for span in pronouns.search(section.words, lo, min(hi, lo + 12)) if _stands_alone(section.words, span[0])
            ]
            opens = (
                bool(found) and found[0][0] == lo and section.words[lo].word in ("they", "it") and _is_subject(section, back[-1])
            )
            if found and cast.who(report) is not None and (opens or self._same_hands(report, cast)):
                return Topic(tuple(found[:1]), tuple(back), pointed=True, pronoun=True)
        return None

    def _sentence_before(self, section: Section, first: int, report: Report) -> list[Range]:
        """Topic words in the sentence before the one where the content begins."""
        if self.about is None:
            return []
        n = section.place(first)
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
    def _carried(report: Report, cast: Cast, topics: Topics) -> list[Range]:
        """The topic that the same speaker's statement in the sentence before was about, if that only pointed back too."""
        mine = cast.who(report)
        for one in cast.near(report, 1):
            topic = topics.of.get(id(one))
            if topic and cast.who(one) == mine:
                return list(topic.back or topic.spans)[-1:]
        return []

    @staticmethod
    def _same_hands(report: Report, cast: Cast) -> bool:
        """Whether the sentence before is of the same speaker, or about him: "it" then means the same thing."""
        if report.source and report.section.words[report.source[0]].word in ("he", "she"):
            return True
        if any(one.cue < report.cue for one in cast.near(report, 0)):
            return True
        mine = cast.who(report)
        return any(
            (who := cast.who(one)) is not None and mine is not None and who.name == mine.name for one in cast.near(report, 1)
        )

    @staticmethod
    def _sentence(report: Report, topic: Topic) -> Sentence:
        """The sentence to show: the one where the topic stands in the content, else the one that names the speaker."""
        spans = topic.spans if not topic.pointed else ()
        cue = report.sentence
        inside = [span for span in spans if cue.lo <= span[0] < cue.hi]
        if inside or not spans:
            return cue
        at = spans[-1][0]
        one = report.section.sentences[report.section.place(at)]
        return one if one.lo <= at < one.hi else cue


def _is_setting(words: Sequence[Token], span: Range) -> bool:
    """Whether a meeting is where or when somebody spoke: "praised the harvest at a brief meeting with farmers"."""
    if words[span[1] - 1].word not in _OCCASIONS:
        return False
    before = [word.word for word in words[max(0, span[0] - 3) : span[0]]]
    return any(word in ("in", "at", "during", "after", "following", "before", "over") for word in before)


def _stands_alone(words: Sequence[Token], k: int) -> bool:
    """Whether "this" and "these" are pronouns, with no noun of their own after them."""
    after = words[k + 1] if k + 1 < len(words) else None
    return words[k].word not in ("this", "these") or after is None or after.word in _VERBS or not after.gap.isspace()


def _one(noun: str) -> str:
    """A noun without its plural s."""
    return noun.removesuffix("s")


@cache
def _nouns() -> frozenset[str]:
    return frozenset(_one(noun) for noun in table("anaphora")["nouns"])


def _is_subject(section: Section, span: Range) -> bool:
    """Whether words open their sentence: "The talks failed. They were a farce": what else could they be?"""
    one = section.sentences[section.place(span[0])]
    return one.lo <= span[0] <= one.lo + 2


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
    reach = 4 if report.verb.kind in ("say", "quote", "deny") else 12  # "agreed a prisoner swap last month"
    spans.append((report.cue[1], min(sentence.hi, report.cue[1] + reach)))
    if any(lo <= sentence.lo < hi for lo, hi in report.content):
        return _marked(report, spans)
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
    return _marked(report, spans)


def _marked(report: Report, spans: Sequence[Range]) -> bool:
    """Whether words in these stretches, or the pluperfect, put it in the past."""
    words, quoted = report.section.words, report.section.quoted
    markers = _markers()
    if any(markers.search(words, lo, hi) for lo, hi in spans if lo < hi and not all(quoted[lo:hi])):
        return True
    return words[report.cue[0] - 1].word == "had" and report.cue[0] > report.sentence.lo


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


@cache
def _markers() -> Terms:
    return terms(table("background")["markers"])


@cache
def _pointers() -> tuple[Terms, Terms]:
    """What points back to the sentence before: a pointer with a noun, and the pronouns."""
    data = table("anaphora")
    pairs = [f"{pointer} {noun}" for pointer in data["pointers"] for noun in data["nouns"] if pointer != "the"]
    return terms(pairs), terms(data["pronouns"])


@cache
def _outlets() -> Terms:
    return terms(outlet for row in table("outlets").values() for outlet in row)


def _by_outlet(report: Report) -> bool:
    """Whether it is a news outlet, or a paper, that passes on what it says: "…, according to RIA", "the transcript said"."""
    words, source = report.section.words, report.source
    if source is None:
        return False
    return any(word.word in _PAPERS for word in words[source[0] : source[1]]) or bool(_outlets().search(words, *source))


def _outlet(report: Report) -> str | None:
    """Whom it was told to, where that is named: "told RIA Novosti"."""
    words, hi = report.section.words, report.sentence.hi
    at = report.cue[1]
    if report.source and report.source[0] >= at:
        at = report.source[1]
    lead = [word.word for word in words[at : at + 6]]
    if report.verb.lemma != "tell" and lead[:1] not in (["in"], ["to"], ["on"]):
        return None
    found = _outlets().search(words, at, min(hi, at + 10))
    return report.section.hit(*found[0]).text if found else None


def _rest(report: Report) -> list[Range]:
    """What else the sentence says, beside who speaks."""
    taken = {k for lo, hi in [*report.content, report.cue, *([report.source] if report.source else [])] for k in range(lo, hi)}
    found: list[Range] = []
    for k in range(report.sentence.lo, report.sentence.hi):
        if k in taken:
            continue
        if found and found[-1][1] == k:
            found[-1] = (found[-1][0], k + 1)
        else:
            found.append((k, k + 1))
    return found


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
    lead = sentence.number < _LEAD and not sentence.is_title
    weight += 1.0 * lead - 0.8 * _is_aside(report)
    return weight + 0.6 * (sentence.number < 6) - 0.2 * sentence.is_title


_LEAD = 3  # sentences in which an article says what is new


def _is_aside(report: Report) -> bool:
    """Whether a report stands in a clause of time: "he said so one day after Lavrov said …"."""
    if report.source is None or report.source[0] <= report.sentence.lo:
        return False
    return report.section.words[report.source[0] - 1].word in ("after", "before", "as", "when", "while", "since")


def _one_each(ranked: Sequence[Verdict], *, apart: bool) -> list[Finding]:
    """The best finding of each sentence and speaker, best first; `apart`: of each thing he says in it."""
    kept: dict[tuple[str, int, str | None, str | None], Finding] = {}
    for one in ranked:
        if one.finding is not None:
            said = one.finding.captures["content"] if apart else None
            kept.setdefault((one.finding.field, one.finding.start, one.finding.captures["speaker"], said), one.finding)
    return list(kept.values())


def _short(report: Report) -> str:
    return " ".join(report.sentence.text.split())[:120]
