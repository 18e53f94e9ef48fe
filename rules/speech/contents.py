"""What was said: which words around a report of speech are its content."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.fold import Token
from rules.reading import Section, Sentence
from rules.speech.phrases import TIME, Range
from rules.speech.verbs import Verb, words_of

_ADDRESS = frozenset(
    "reporters journalists media a an the news conference briefing tass ria interfax agency agencies state run russian television tv radio "
    "interview statement address speech his her their its press daily newspaper channel correspondents audience novosti by with to "
    "local international new separate joint written video telegram post call phone weekly regular after meeting".split(),
)
_LONGEST_QUOTE = 2_000  # characters that a quotation may have run before its speaker is named
_FINITE = frozenset("is was are were be would will could can should must has had have may might he she they it there we".split())


@dataclass(slots=True, eq=False)
class Report:
    """One report of speech. Ranges are of words of the section."""

    section: Section
    sentence: Sentence
    cue: Range
    verb: Verb
    source: Range | None
    content: list[Range] = field(default_factory=list)
    inherited: Report | None = None
    """The report whose speaker this one continues ("…, adding that …"), where it names none of its own."""
    within: Report | None = None
    """The report whose content this one is part of: second-hand."""
    hedged: bool = False
    """"allegedly": the article does not vouch for it."""
    opens: int | None = None
    """Where its own words begin, if before the source ("Interfax quoted Peskov as saying")."""
    continued: bool = False
    """A quotation that goes on after the sentence that names its speaker."""

    @property
    def kind(self) -> str:
        """direct, mixed or indirect: whether the content stands in quotation marks, partly, or not."""
        flags = [self.section.quoted[i] for lo, hi in self.content for i in range(lo, hi)]
        quoted = sum(flags)
        return "indirect" if not quoted else "direct" if quoted >= len(flags) * 0.9 else "mixed"


def fill_content(report: Report, own: list[Report]) -> None:
    """Finds what a report says, given the other reports of its sentence."""
    if report.content:
        return
    sentence, words = report.sentence, report.section.words
    later = [one for one in own if one.cue[0] > report.cue[0] and one.within is None]
    end = clause_start(later[0]) if later else sentence.hi
    earlier = [one for one in own if one.cue[1] <= report.cue[0] and one.within is None and not closes_sentence(report)]
    begin = sentence.lo if not earlier else max(earlier[-1].cue[1], sentence.lo)
    inverted = report.source is not None and report.source[0] >= report.cue[1]
    after = (max(report.cue[1], report.source[1]) if inverted and report.source else report.cue[1], end)
    before = (begin, clause_start(report))
    if report.verb.lemma.startswith("in the words of"):
        report.content = [span for span in (before, after) if span[1] > span[0]]
        return
    if report.verb.lemma == "according to":
        aside = "," in words[after[0]].gap if after[0] < sentence.hi else False
        whole = [before, after] if aside or before[1] - before[0] <= 2 else [before]
        report.content = [span for span in whole if span[1] > span[0]]
        return
    if report.cue[1] < sentence.hi and words[report.cue[1]].word == "by" and inverted:
        report.content = [span for span in (before, after) if span[1] > span[0]]
        return
    spoken = report.verb.kind in ("say", "quote", "deny")
    after = _complement(report, after) if spoken else after
    takes_before = spoken and (_said_before(report, before, after) or _aside(report, before, after))
    if report.verb.kind == "quote" and not (takes_before and report.section.quoted[before[1] - 1]):
        return
    ranges = [_back_to_quote(report, before)] if takes_before else []
    if after[0] < after[1] or not takes_before:
        ranges.append(after)
    report.content = [span for span in ranges if span[1] > span[0]]


def closes_sentence(report: Report) -> bool:
    """Whether it stands at the end, after what was said: then all that goes before is its content."""
    if report.verb.kind != "say" or report.source is None or report.source[0] <= report.sentence.lo:
        return False
    words, sentence = report.section.words, report.sentence
    start = clause_start(report)
    comma = "," in words[start].gap or "”" in words[start].gap or '"' in words[start].gap
    rest = (max(report.cue[1], report.source[1]), sentence.hi)
    lo, hi = _complement(report, rest)
    return comma and lo >= hi and words[sentence.lo].word not in words_of("introductions")


def clause_start(report: Report) -> int:
    """The first word of the report's own words: its source or its cue, whichever comes first."""
    if report.opens is not None:
        return report.opens
    return min(report.cue[0], report.source[0]) if report.source else report.cue[0]


def _complement(report: Report, after: Range) -> Range:
    """What follows the verb as what was said: nothing where a comma follows whom it was told and when."""
    words, section = report.section.words, report.section
    lo, hi = after
    that = _that(report, lo, hi)
    if that is not None:
        return (that, hi)
    k = lo
    told = report.verb.lemma in ("tell", "inform", "ask", "brief", "quote")
    while k < hi and not (k > lo and _breaks_off(words, k)):
        if section.quoted[k]:
            return (lo, hi)
        word = words[k].word
        if word == "that" or (not told and not _addressed(words, k, lo)):
            return (lo, hi)
        if told and not _addressed(words, k, lo) and k - lo > 12:
            return (lo, hi)
        if told and word in _FINITE:
            return (lo, hi)
        k += 1
    if k >= hi:
        plain = sum(not words[n].capital and not _addressed(words, n, lo) for n in range(lo, hi))
        told_so = told and plain >= 3 and "," not in words[clause_start(report)].gap
        return (lo, hi) if told_so and not section.quoted[clause_start(report) - 1] else (hi, hi)
    opens = any(mark in words[k].gap for mark in ':"“«‘') or section.quoted[k]
    first = clause_start(report)
    aside = "," in words[first].gap and "," in words[k].gap and first - report.sentence.lo < 8 and not section.quoted[first - 1]
    if aside and words[k].word in _FINITE | {"would", "is", "had"}:
        return (k, hi)  # "any truce, she told reporters, would have to …"
    return (k, hi) if opens or words[k].word == "that" else (hi, hi)


def _that(report: Report, lo: int, hi: int) -> int | None:
    """Where "that" opens what was said, when, where and to whom it was said left out: "admitted at the summit that he …"."""
    words, quoted = report.section.words, report.section.quoted
    for k in range(lo, min(hi, lo + 12)):
        if words[k].word == "that":
            return k
        if quoted[k] or words[k].word in _FINITE or (k > lo and _breaks_off(words, k)):
            return None
    return None


def _addressed(words: list[Token], k: int, lo: int) -> bool:
    """Whether a word after the verb says when, where or to whom it was said."""
    word = words[k].word
    if word in _ADDRESS or word in TIME or word.isdigit():
        return True
    before = words[k - 1].word if k > lo else ""
    return (
        words[k].capital
        and before in ("in", "at", "to", "on", "with", "by", "news", "agency", "the", "television", "channel", "network")
    ) or (words[k].capital and k > lo and words[k - 1].capital and _addressed(words, k - 1, lo))


def _said_before(report: Report, before: Range, after: Range) -> bool:
    """Whether the words before the speaker are what was said, rather than an introduction."""
    lo, hi = before
    words, section = report.section.words, report.section
    if hi - lo < 2:
        return False
    gap = words[hi].gap
    if not any(mark in gap for mark in (",", "”", '"', "»", "?", "!", "’", "…", "—", "–")):
        return False
    if section.quoted[hi - 1]:
        return True
    return after[0] >= after[1]


def _aside(report: Report, before: Range, after: Range) -> bool:
    """Whether the report stands in the middle of what was said: "any truce, she told reporters, would have to …"."""
    words = report.section.words
    told = max(report.cue[1], report.source[1]) if report.source else report.cue[1]
    return (
        before[1] > before[0]
        and "," in words[before[1]].gap
        and after[0] > told
        and after[0] < after[1]
        and "," in words[after[0]].gap
    )


def _back_to_quote(report: Report, span: Range) -> Range:
    """The span, begun where its quotation does, if that was sentences earlier."""
    words, section = report.section.words, report.section
    quote = section.quote_around(words[span[0]].start)
    if quote is None or quote[0] < words[span[0]].start - _LONGEST_QUOTE:
        return span
    lo = span[0]
    while lo > 0 and words[lo - 1].start >= quote[0]:
        lo -= 1
    return (lo, span[1])


def _breaks_off(words: list[Token], k: int) -> bool:
    return any(mark in words[k].gap for mark in (",", ";", ":", "–", "—", "("))
