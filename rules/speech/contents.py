"""What was said: which words around a report of speech are its content."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.fold import Token
from rules.reading import Section, Sentence
from rules.speech.phrases import LATER, TIME, Range, ends_clause
from rules.speech.verbs import Verb, words_of

_ADDRESS = frozenset(
    "reporters journalists media a an the news conference briefing tass ria interfax agency agencies state run russian television tv radio "
    "interview statement address speech his her their its press daily newspaper channel correspondents audience novosti by with to "
    "local international new separate joint written video telegram post call phone weekly regular after meeting".split(),
)
_TELLING = frozenset(("tell", "inform", "ask", "brief", "quote"))
_LONGEST_QUOTE = 2_000  # characters that a quotation may have run before its speaker is named
# Words with which a clause about the source begins: "according to the group, a charity", "according to Peskov, who …".
_DESCRIBING = frozenset("a an the which who whose one citing speaking".split())
_SUBORDINATE = frozenset("while although though after when as since if because before until asked despite whereas".split())
# … and with which the article's own remark on what was said does.
_ASIDES = frozenset(
    "a an which who while although though despite as whereas referring citing according with noting part words something leaving making".split(),
)
_FINITE = frozenset("is was are were be would will could can should must has had have may might he she they it there we".split())
_DETERMINERS = frozenset("his her its their this that these those".split())


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
        aside = after[0] < sentence.hi and "," in words[after[0]].gap and words[after[0]].word not in _DESCRIBING
        whole = [before, after] if aside or before[1] - before[0] <= 2 else [before]
        report.content = [span for span in whole if span[1] > span[0]]
        return
    if report.cue[1] < sentence.hi and words[report.cue[1]].word == "by" and inverted:
        report.content = [span for span in (before, after) if span[1] > span[0]]
        return
    if is_frame(report):
        begins = next(k for k in range(report.cue[1], sentence.hi) if "," in words[k].gap)
        report.content = [(begins, sentence.hi)]
        return
    told = _told(report, before, _within_clause(report, after))
    report.content = [span for span in told if span[1] > span[0]]


def _told(report: Report, before: Range, after: Range) -> list[Range]:
    """Of the words before a speaker and his verb and those after, what was said."""
    quoted = report.section.quoted
    spoken = report.verb.kind in ("say", "quote", "deny") or _follows_quotation(report, before, after)
    if spoken and _in_parentheses(report, before, after):
        return [_back_to_quote(report, before), after]
    after = _complement(report, after) if spoken else _up_to_aside(report, after)
    after = (after[1], after[1]) if _only_when(report, before, after) else after
    takes_before = spoken and (_said_before(report, before, after) or _aside(report, before, after))
    follows = takes_before and quoted[before[1] - 1]
    after = _resumed(report, after) if follows else after
    asked = None if takes_before else _question_before(report, after)
    opens = after[0] < after[1] and quoted[after[0]]
    if asked or (report.verb.kind == "quote" and not (follows or opens)):
        return [asked] if asked else []
    first = [_back_to_quote(report, before)] if takes_before else []
    return [*first, _to_last_quote(report, after)] if after[0] < after[1] or not takes_before else first


def _only_when(report: Report, before: Range, after: Range) -> bool:
    """Whether what follows tells only when or where: "Rain will be welcome, Berg said after the drought"."""
    words, sentence, (lo, hi) = report.section.words, report.sentence, before
    closed = lo == sentence.lo and hi - lo > 3 and "," in words[hi].gap and report.inherited is None
    if not closed or after[0] != report.cue[1] or not 0 < after[1] - after[0] < 9 or report.verb.kind != "say":
        return False
    opening = words_of("introductions") | LATER | _SUBORDINATE
    tail = [word.word for word in words[slice(*after)]]
    plain = not _FINITE.intersection(tail) and "that" not in tail and not any(report.section.quoted[slice(*after)])
    return plain and tail[0] in _WHEN and words[lo].word not in opening and not words[lo].word.endswith("ing")


_WHEN = frozenset("after during in at on before following".split())


def _follows_quotation(report: Report, before: Range, after: Range) -> bool:
    """Whether nothing but a quotation stands before whatever verb it is: `"It is over," agrees Berg`."""
    words, quoted, (lo, hi) = report.section.words, report.section.quoted, before
    if hi <= lo or lo != report.sentence.lo or not all(quoted[lo:hi]):
        return False
    return any(mark in words[hi].gap for mark in ",?!…") and (after[0] >= after[1] or ends_clause(words, after[0]))


def is_frame(report: Report) -> bool:
    """ "As Peskov said, …": all that follows is his, whatever it begins with."""
    words, sentence = report.section.words, report.sentence
    return (
        report.verb.kind == "say"
        and words[sentence.lo].word == "as"
        and report.source is not None
        and report.source[0] == sentence.lo + 1
        and any("," in words[k].gap for k in range(report.cue[1], min(sentence.hi, report.cue[1] + 7)))
    )


def _within_clause(report: Report, after: Range) -> Range:
    """What follows, up to the end of a clause that begins the sentence: "While Moscow rejected a truce, Kyiv waits"."""
    sentence, words = report.sentence, report.section.words
    so_far = range(sentence.lo + 1, min(sentence.hi, after[0] + 1))
    opened = words[sentence.lo].word in _SUBORDINATE and not any("," in words[k].gap for k in so_far)
    if not opened:
        return after
    ends = (k for k in range(after[0] + 1, after[1]) if "," in words[k].gap and not report.section.quoted[k - 1])
    return (after[0], next(ends, after[1]))


def ends_before(report: Report, start: int) -> bool:
    """Whether it stands in a clause that begins the sentence and ends before word `start`: "After Kyiv said no, Moscow …"."""
    sentence, words = report.sentence, report.section.words
    if words[sentence.lo].word not in _SUBORDINATE or is_frame(report):
        return False
    commas = [k for k in range(sentence.lo + 1, start + 1) if "," in words[k].gap and not report.section.quoted[k - 1]]
    return bool(commas) and commas[0] >= report.cue[1]


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
    words, start = report.section.words, min(report.cue[0], report.source[0]) if report.source else report.cue[0]
    framed = start - 1 > report.sentence.lo and words[start - 1].word == "as" and "," in words[start - 1].gap
    return start - 1 if framed else start  # "…, as Peskov said"


def _complement(report: Report, after: Range) -> Range:
    """What follows the verb as what was said: nothing where a comma follows whom it was told and when."""
    words = report.section.words
    lo, hi = after
    that = _that(report, lo, hi)
    if that is not None:
        return (that, hi)
    if spoken := _quotation_after(report, lo, hi):
        return spoken
    inverted = report.source is not None and report.source[0] >= report.cue[1] and report.cue[0] > report.sentence.lo
    if inverted and lo < hi and "," in words[lo].gap and words[lo].word in _DESCRIBING:
        again = next((k for k in range(lo, hi) if report.section.quoted[k]), hi)
        return (again, next((k for k in range(again, hi) if not report.section.quoted[k]), hi))  # "…, said Anna Berg, a farmer"
    if report.verb.lemma == "ask" and lo < hi and words[lo].word in ("for", "to", "about", "whether", "if", "why", "how"):
        return (lo, hi)
    k = lo
    while k < hi and not (k > lo and _breaks_off(words, k)):
        if _begins_to_say(report, k, lo):
            return (lo, hi)
        k += 1
    return _after_break(report, k, after) if k < hi else _unbroken(report, after)


def _begins_to_say(report: Report, k: int, lo: int) -> bool:
    """Whether word `k` belongs to what was said, and no longer to when, where and to whom."""
    words = report.section.words
    if report.section.quoted[k] or words[k].word == "that":
        return True
    addressed = _addressed(words, k, lo)
    if report.verb.lemma in _TELLING:
        return words[k].word in _FINITE or (not addressed and k - lo > 12)
    return not addressed


def _unbroken(report: Report, after: Range) -> Range:
    """All that follows, where somebody is told something in plain words; else it says only to whom and when."""
    words, first = report.section.words, clause_start(report)
    plain = sum(not words[n].capital and not _addressed(words, n, after[0]) for n in range(*after))
    told_so = report.verb.lemma in _TELLING and plain >= 3 and "," not in words[first].gap
    return after if told_so and not report.section.quoted[first - 1] else (after[1], after[1])


def _after_break(report: Report, k: int, after: Range) -> Range:
    """What stands behind the first comma or colon after the verb, if it is what was said."""
    section, words = report.section, report.section.words
    first = clause_start(report)
    opens = any(mark in words[k].gap for mark in ':"“«‘') or section.quoted[k] or words[k].word == "that"
    near = first - report.sentence.lo < 8 and not section.quoted[first - 1]
    aside = near and "," in words[first].gap and "," in words[k].gap and words[k].word in _FINITE | _DETERMINERS
    return (k, after[1]) if opens or aside else (after[1], after[1])  # aside: "any truce, she told reporters, would have to …"


def _quotation_after(report: Report, lo: int, hi: int) -> Range | None:
    """The quotation that a comma or a colon opens after the verb and whom it was said to: `wrote to his followers: "…"`."""
    words, quoted = report.section.words, report.section.quoted
    for k in range(lo, min(hi, lo + 14)):
        if quoted[k]:
            opens = k > lo and any(mark in words[k].gap for mark in ",:")
            return (k, next((n for n in range(k, hi) if not quoted[n]), hi)) if opens else None
        if words[k].word in _FINITE or words[k].word in ("that", "and", "but"):
            return None
    return None


def _that(report: Report, lo: int, hi: int) -> int | None:
    """Where "that" opens what was said, when, where and to whom it was said left out: "admitted at the summit that he …"."""
    words, quoted = report.section.words, report.section.quoted
    for k in range(lo, min(hi, lo + 12)):
        if words[k].word == "that":
            return k
        if quoted[k] or words[k].word in _FINITE or (k > lo and _breaks_off(words, k) and not words[k].capital):
            return None  # capital: "in Bergen, Norway, that …"
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
    if hi - lo < 2 and not (hi > lo and section.quoted[lo]):
        return False
    dashes = ("—", "–") if report.sentence.is_title or section.quoted[hi - 1] else ()
    if not any(mark in words[hi].gap for mark in (",", "”", '"', "»", "?", "!", "’", "…", *dashes)):
        return False
    if section.quoted[hi - 1] and report.inherited is None and not ends_title(section, hi - 1, report.sentence.lo):
        return True
    return after[0] >= after[1]  # inherited: `called it "fair," adding that …`


def ends_title(section: Section, k: int, lo: int) -> bool:
    """Whether a quotation that ends with word `k` is the name of a work and nothing that is said: `on Sunday's "Morning Hour," Berg said`."""
    start = k
    while start > lo and section.quoted[start - 1] and k - start < 6:
        start -= 1
    words = section.words
    if start <= lo or section.quoted[start - 1] or words[start - 1].word not in words_of("before_title"):
        return False
    return all(word.capital or len(word.word) <= 3 for word in words[start : k + 1]) and words[k].capital


def _up_to_aside(report: Report, span: Range) -> Range:
    """The object of a verb like "rejected", without the article's own remark on it: "offered grain, something that …"."""
    words = report.section.words
    ends = (k for k in range(span[0] + 1, span[1]) if "," in words[k].gap and words[k].word in _ASIDES)
    return (span[0], next(ends, span[1]))


def _to_last_quote(report: Report, span: Range) -> Range:
    """The span, without what the article adds behind the last quoted words: "said it was “a farce”, a charge that Kyiv denies"."""
    words, quoted = report.section.words, report.section.quoted
    last = next((k for k in range(span[1] - 1, span[0] - 1, -1) if quoted[k]), None)
    if last is None:
        return span
    ends = (k for k in range(last + 1, span[1]) if any(mark in words[k].gap for mark in ",–—"))
    end = next(ends, span[1])
    return (span[0], end) if end < span[1] and words[end].word in _ASIDES else span


def _resumed(report: Report, after: Range) -> Range:
    """Where a quotation broken off for the speaker goes on: `"Talks," Peskov said on Monday, "go on"`. What stands between is no speech."""
    words, quoted = report.section.words, report.section.quoted
    lo, hi = after
    for k in range(max(lo, report.sentence.lo + 1), hi):
        if quoted[k] and not quoted[k - 1] and any(mark in words[k].gap for mark in ",:;.–—"):
            end = next((n for n in range(k, hi) if not quoted[n]), hi)
            return (k, end)
    return (hi, hi)


def _aside(report: Report, before: Range, after: Range) -> bool:
    """Whether the report stands in the middle of what was said: "any truce, she told reporters, would have to …"."""
    words = report.section.words
    told = max(report.cue[1], report.source[1]) if report.source else report.cue[1]
    introduces = words[before[0]].word in LATER or words[before[0]].word in words_of("introductions")
    if introduces or words[report.cue[0]].word.endswith("ing"):
        return False
    return (
        before[1] > before[0]
        and "," in words[before[1]].gap
        and after[0] > told
        and after[0] < after[1]
        and "," in words[after[0]].gap
    )


def _question_before(report: Report, after: Range) -> Range | None:
    """As in `"Why talk?" Peskov asked, smiling.`: the quotation before a sentence that only names its speaker."""
    section, lo = report.section, report.sentence.lo
    words = section.words
    if after[0] < after[1] and (section.quoted[after[0]] or "," not in words[after[0]].gap):
        return None
    if (
        lo == 0
        or clause_start(report) != lo
        or not section.quoted[lo - 1]
        or section.quoted[lo]
        or report.verb.kind not in ("say", "quote")
    ):
        return None
    same_line = "\n" not in words[lo].gap and any(mark in words[lo].gap for mark in "?!…")
    return _back_to_quote(report, (lo - 1, lo)) if same_line else None


def _in_parentheses(report: Report, before: Range, after: Range) -> bool:
    """As in "Talks take long, Peskov said, because …": commas on both sides of a speaker and his verb, and no quotation."""
    words, quoted = report.section.words, report.section.quoted
    told = max(report.cue[1], report.source[1]) if report.source else report.cue[1]
    if before[1] - before[0] < 3 or not told == after[0] < after[1] or report.inherited is not None:
        return False
    commas = "," in words[before[1]].gap and "," in words[told].gap and told - before[1] <= 8
    opening = words[report.sentence.lo].word in words_of("introductions")
    return commas and not opening and not quoted[before[1] - 1] and not quoted[told] and words[told].word not in _DESCRIBING


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
