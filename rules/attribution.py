"""Who is said to have said what: every report of speech in a reading, whoever the speaker is.

A report has a cue (the verb), a source (the words that name the speaker) and a content (what was said). This module finds the
three by the order of words that news English keeps; who the source is and whether the content matters is for a condition to ask.

    source cue content      Peskov said negotiations were possible · The Kremlin accused Kyiv of …, warning that …
    content source cue      "…," Peskov told reporters · Talks can resume, the Kremlin said
    content cue source      "…," said Peskov · a proposal rejected by Kyiv · according to Peskov
    headline                Kremlin: no talks planned · 'Door not shut' – Kremlin
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from rules.data import table
from rules.fold import Token
from rules.reading import Reading, Section, Sentence

Range = tuple[int, int]
_DASHES = ("–", "—", " - ", "|")
_CLAUSE = (",", ";", ":", "–", "—", "(", ")")
_PRONOUNS = frozenset(("he", "she", "they", "it"))
_BE = frozenset(("is", "was", "were", "are", "be", "been", "being", "got"))
_TIME = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow on this last late early earlier week month "
    "year morning afternoon evening night january february march april may june july august september october november december "
    "in day days hours ago the same previous".split(),
)
_PREPOSITIONS = frozenset("of for to in at on with from by under".split())
_RELATIVES = frozenset(
    "who which whose a an the speaking citing quoting in at on after during when asked also himself himself then now referring "
    "responding commenting writing himself one his her its their known seen left right center".split(),
)
_ADDRESS = frozenset(
    "reporters journalists media a an the news conference briefing tass ria interfax agency agencies state run russian television tv radio "
    "interview statement address speech his her their its press daily newspaper channel correspondents audience novosti by with to "
    "local international new separate joint written video telegram post call phone weekly regular after meeting".split(),
)
_MODAL_REFUSAL = frozenset("attend participate join take send negotiate hold engage sign meet".split())
_OTHER_VERBS = frozenset("is was are were be been has have had will would can could should must may might does did do".split())


@dataclass(frozen=True, slots=True)
class Verb:
    """A cue as a lemma, what kind of thing follows it, and how many words it takes."""

    lemma: str
    kind: str
    words: int = 1


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
    continued: bool = False
    """A quotation that goes on after the sentence that names its speaker."""

    @property
    def kind(self) -> str:
        """direct, mixed or indirect: whether the content stands in quotation marks, partly, or not."""
        flags = [self.section.quoted[i] for lo, hi in self.content for i in range(lo, hi)]
        quoted = sum(flags)
        return "indirect" if not quoted else "direct" if quoted >= len(flags) * 0.9 else "mixed"


@cache
def verbs() -> dict[str, list[Verb]]:
    """Every form of every speech verb by its first word."""
    forms: dict[str, list[Verb]] = {}
    for kind in ("say", "reject", "blame", "favor", "demand"):
        for entry in table("speech")[kind]:
            lemma, written = next(iter(entry.items())) if isinstance(entry, dict) else (entry, _inflected(entry))
            for form in written:
                parts = form.split("_")
                forms.setdefault(parts[0], []).append(Verb(lemma, kind, len(parts)))
                if len(parts) > 1:
                    _particles().setdefault(parts[0], set()).add(tuple(parts[1:]))
    return forms


@cache
def _particles() -> dict[str, set[tuple[str, ...]]]:
    return {}


def _inflected(lemma: str) -> list[str]:
    head, *rest = lemma.split("_")
    stem = head.removesuffix("e")
    forms = [head, head + ("es" if head.endswith(("s", "sh", "ch", "x")) else "s"), stem + "ed", stem + "ing"]
    return ["_".join([form, *rest]) for form in forms]


@cache
def words_of(name: str) -> frozenset[str]:
    """One of the word lists of `data/speech.yaml`."""
    return frozenset(table("speech")[name])


def reports(reading: Reading) -> list[Report]:
    """Every report of speech of an article, in reading order."""
    found: list[Report] = []
    for section in reading.sections:
        by_sentence = [_complete(_in_sentence(sentence)) for sentence in section.sentences]
        before: Report | None = None
        for n, sentence in enumerate(section.sentences):
            own = by_sentence[n]
            if not own and before is not None and not _said_later(section, n, by_sentence):
                own = _continuation(sentence, before)
            found += own
            before = own[-1] if own else None
    return found


def _complete(own: list[Report]) -> list[Report]:
    _nest(own)
    for report in own:
        _contents(report, own)
    return own


def _said_later(section: Section, n: int, by_sentence: list[list[Report]]) -> bool:
    """Whether the quotation that sentence `n` is in ends in a later sentence, which names its speaker."""
    here = section.sentences[n].start + 1
    end = next((end for start, end in section.quotes if start <= here < end), here)
    last = next((k for k in range(n, len(section.sentences)) if section.sentences[k].end >= end), n)
    return last > n and bool(by_sentence[last])


def _in_sentence(sentence: Sentence) -> list[Report]:
    section = sentence.section
    found: list[Report] = []
    i = sentence.lo
    while i < sentence.hi:
        verb = None if section.quoted[i] else _verb_at(sentence, i)
        if verb is None:
            i += 1
            continue
        report = _report(sentence, i, verb, found)
        if report is not None:
            found.append(report)
        i += verb.words
    return found or _headline(sentence)


def _verb_at(sentence: Sentence, i: int) -> Verb | None:
    words = sentence.section.words
    word = words[i].word
    if word in ("will", "won't", "would", "wouldn't", "cannot", "can't"):
        return _refusal_at(sentence, i)
    if word == "according" and i + 1 < sentence.hi and words[i + 1].word == "to":
        return Verb("according to", "say", 2)
    for verb in verbs().get(word, ()):
        if verb.words == 1 or _particle_follows(words, i, verb, sentence.hi):
            return verb
    return None


def _particle_follows(words: list[Token], i: int, verb: Verb, hi: int) -> bool:
    """Whether the words after the verb are its particle: "ruled out"."""
    rest = tuple(word.word for word in words[i + 1 : min(hi, i + verb.words)])
    return rest in _particles().get(words[i].word, ())


def _refusal_at(sentence: Sentence, i: int) -> Verb | None:
    """"will not attend": a refusal without a verb of speech."""
    words = sentence.section.words[i : min(i + 4, sentence.hi)]
    rest = [word.word for word in words]
    negated = rest[0].endswith("n't") or rest[0] == "cannot"
    verb = rest[1:2] if negated else rest[2:3] if rest[1:2] == ["not"] else []
    if verb and verb[0] in _MODAL_REFUSAL:
        return Verb("refuse", "reject", 2 if negated else 3)
    return None


def _report(sentence: Sentence, i: int, verb: Verb, earlier: list[Report]) -> Report | None:
    section = sentence.section
    words = section.words
    cue = (i, i + verb.words)
    report = Report(section, sentence, cue, verb, None)
    before = words[i - 1].word if i > sentence.lo and "\n" not in words[i].gap else ""
    report.hedged = any(w.word in words_of("hedges") for w in words[max(sentence.lo, i - 3) : min(sentence.hi, cue[1] + 2)])
    if verb.lemma == "according to":
        report.source = right_np(words, cue[1], sentence.hi)
        return report if report.source else None
    if cue[1] < sentence.hi and words[cue[1]].word == "by" and not _ends_clause(words, cue[1]) and words[i].word not in ("said", "told"):
        report.source = right_np(words, cue[1] + 1, sentence.hi)
        return report if report.source else None
    if words[i].glued or (words[i].word.endswith("ing") and before == "as" and not _quoted_as(words, i, sentence.lo)):
        return None
    if _quoted_as(words, i, sentence.lo):
        start = next(k for k in range(i, sentence.lo - 1, -1) if words[k].word in ("quoted", "cited"))
        report.source = left_np(words, start, sentence.lo)
        return report if report.source else None
    if before in words_of("noun_before") and not _ends_clause(words, i):
        return None
    if before in _BE and verb.lemma not in ("say", "tell") and not words[i].word.endswith("ing"):
        return None  # a passive without "by": somebody else accuses, or nobody
    return _sourced(report, sentence, earlier)


def _sourced(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    """The report with its source found to the left, to the right, or taken from the clause before."""
    words, i = sentence.section.words, report.cue[0]
    form = words[i].word
    comma = _ends_clause(words, i)
    if form.endswith("ing"):
        if not (comma or (i > sentence.lo and words[i - 1].word in ("and", "is", "are", "was", "while", "before", "after", "by", "but"))):
            return None
        if words[i - 1].word in ("is", "are", "was", "were"):
            report.source = left_np(words, i, sentence.lo)
            return report if report.source else None
        return _inheriting(report, sentence, earlier)
    if i > sentence.lo and words[_skip_between(words, i, sentence.lo)].word in ("and", "but", "or", "then") and not comma:
        inherited = _inheriting(report, sentence, earlier)
        if inherited:
            return inherited
    report.source = left_np(words, i, sentence.lo)
    if report.source is None and _inversion(sentence, i):
        report.source = right_np(words, report.cue[1], sentence.hi)
    if report.source is None and comma and i > sentence.lo and not _inversion(sentence, i):
        return _inheriting(report, sentence, earlier)
    return report if report.source else None


def _inversion(sentence: Sentence, i: int) -> bool:
    """Whether the verb follows what was said: `…," said Peskov`."""
    section = sentence.section
    gap = section.words[i].gap
    return i > sentence.lo and ("," in gap or "”" in gap or '"' in gap or "»" in gap or "’" in gap or section.quoted[i - 1])


def _inheriting(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    if earlier:
        report.inherited = earlier[-1]
        return report
    report.source = subject(sentence)
    if report.source and report.source[1] <= report.cue[0]:
        return report
    return None


def _quoted_as(words: list[Token], i: int, lo: int) -> bool:
    near = [word.word for word in words[max(lo, i - 8) : i]]
    return near[-1:] == ["as"] and any(word in ("quoted", "cited") for word in near)


def _ends_clause(words: list[Token], i: int) -> bool:
    """Whether a comma or a stronger mark stands before word `i`."""
    return any(mark in words[i].gap for mark in _CLAUSE)


def _skip_between(words: list[Token], i: int, lo: int) -> int:
    """The index of the first word to the left of `i` that is not an adverb, auxiliary or date."""
    k = i - 1
    while k > lo and not _ends_clause(words, k + 1) and _is_between(words, k):
        k -= 1
    return k


def _is_between(words: list[Token], k: int) -> bool:
    word = words[k].word
    return word in words_of("between") or word in words_of("hedges") or (word.endswith("ly") and not words[k].capital) or (
        word in _TIME and not (word == "may" and not words[k].capital)
    ) or word.isdigit()


def left_np(words: list[Token], i: int, lo: int) -> Range | None:
    """The words that name whoever does the verb at `i`, looking left; None where there is no such thing."""
    k = i - 1
    if k < lo:
        return None
    if not _ends_clause(words, i):
        k = _skip_between(words, i, lo)
    if k + 1 < len(words) and k + 1 <= i and _ends_clause(words, k + 1):
        return _before_apposition(words, k, lo)
    return _np_ending(words, k, lo)


def _before_apposition(words: list[Token], k: int, lo: int) -> Range | None:
    """The name before "…, who is visiting Kyiv, said", or the one after "Russia's envoy, Kirill Dmitriev, said"."""
    if any(mark in words[k + 1].gap for mark in (";", ":", "–", "—")) and "," not in words[k + 1].gap:
        mark_ok = "–" in words[k + 1].gap or "—" in words[k + 1].gap
        if not mark_ok:
            return None
    if '"' in words[k + 1].gap or "”" in words[k + 1].gap or "’" in words[k + 1].gap[:1]:
        return None
    for start in range(k, max(lo, k - 30), -1):
        if not _ends_clause(words, start):
            continue
        named = _np_ending(words, start - 1, lo)
        whole_name = _np_ending(words, k, start)
        if whole_name and whole_name[0] == start and words[start].capital:
            if named and words[named[1] - 1].word in words_of("offices"):
                return (named[0], whole_name[1])
            return whole_name if named is None or words[start].word not in _RELATIVES else named
        if named and (words[start].word in _RELATIVES or words[start].word in words_of("modifiers") or words[start].word in words_of("offices")):
            return named
    return None


def _np_ending(words: list[Token], k: int, lo: int) -> Range | None:
    """The noun phrase whose last word is `k`, by the words it can be made of."""
    if k < lo:
        return None
    head = words[k]
    if head.word in _PRONOUNS:
        return (k, k + 1)
    if head.word in _OTHER_VERBS or head.word in _PREPOSITIONS or head.word in ("that", "and", "but", "which", "who", "to", "than"):
        return None
    start = k
    room = 14
    while start - 1 >= lo and room:
        here, left = words[start], words[start - 1]
        if _ends_clause(words, start) or "\n" in here.gap:
            break
        if '"' in here.gap or "“" in here.gap or "”" in here.gap:
            break
        if not _inside_np(words, start - 1, lo, k):
            break
        start -= 1
        room -= 1
    while start < k and words[start].word in ("of", "for", "to", "in", "at", "on", "and", "'s", "with", "by", "from", "as", "while"):
        start += 1
    if not any(w.capital or w.word in words_of("offices") for w in words[start : k + 1]) and k - start < 1:
        return None
    return (start, k + 1)


def _inside_np(words: list[Token], k: int, lo: int, head: int) -> bool:
    """Whether word `k`, left of a noun phrase so far, belongs to it."""
    token = words[k]
    word = token.word
    if word in verbs() and word not in words_of("offices") and not _noun_use(words, k, lo):
        return False
    if word == "'s" or token.capital and word not in words_of("introductions") and word not in _PREPOSITIONS:
        return word not in _WEEKDAYS
    if words[k + 1].glued:
        return True
    if word in words_of("offices") or word in words_of("modifiers"):
        return True
    if word in ("of", "for", "to", "in", "at") and k - 1 >= lo and not _ends_clause(words, k):
        return words[k - 1].word in words_of("offices") or (word == "of" and words[k - 1].capital)
    if word == "and" and k - 1 >= lo:
        return words[k - 1].capital and words[k + 1].capital
    return k == head - 1 and not words[head].capital and word.isalpha() and word not in _STOPPERS


_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_STOPPERS = frozenset(
    "that as after before while when where which who because since if whether although though but and or than then is was are were "
    "will would on in at of for to from by with about over into not".split(),
)


def _noun_use(words: list[Token], k: int, lo: int) -> bool:
    return k > lo and words[k - 1].word in words_of("noun_before")


def right_np(words: list[Token], i: int, hi: int) -> Range | None:
    """The noun phrase that starts at word `i`; None where there is none."""
    if i >= hi:
        return None
    if words[i].word in _PRONOUNS:
        return (i, i + 1)
    end = i
    while end < hi and end - i < 14:
        token = words[end]
        if end > i and (_ends_clause(words, end) or any(mark in token.gap for mark in "\"“”.\n")):
            break
        bridge = token.word in ("of", "for", "to", "in", "at") and end > i and words[end - 1].word in words_of("offices")
        part = token.capital or token.word in words_of("offices") or token.word in words_of("modifiers") or token.word == "'s"
        if token.word in _WEEKDAYS or not (part or bridge or token.glued) or (token.word in verbs() and end > i):
            break
        end += 1
    while end > i and words[end - 1].word in ("of", "for", "to", "in", "at", "the", "a", "'s"):
        end -= 1
    if end == i or not any(w.capital or w.word in words_of("offices") for w in words[i:end]):
        return None
    return _with_name_after_comma(words, i, end, hi)


def _with_name_after_comma(words: list[Token], i: int, end: int, hi: int) -> Range:
    """"said the envoy, Kirill Dmitriev": the name belongs to the office before the comma."""
    if end < hi and "," in words[end].gap and words[end].capital and words[end - 1].word in words_of("offices"):
        stop = end
        while stop < hi and words[stop].capital and (stop == end or not _ends_clause(words, stop)):
            stop += 1
        if 1 < stop - end <= 4:
            return (i, stop)
    return (i, end)


def subject(sentence: Sentence) -> Range | None:
    """The noun phrase that a sentence begins with, an introduction up to the first comma left aside."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    if words[lo].word in words_of("introductions"):
        after = next((k for k in range(lo + 1, hi) if "," in words[k].gap), None)
        if after is not None:
            lo = after
        elif words[lo].word in ("but", "and", "however", "still"):
            lo += 1
        else:
            return None
    return None if sentence.section.quoted[lo] else right_np(words, lo, hi)


def _headline(sentence: Sentence) -> list[Report]:
    """A title that names its speaker beside a colon or a dash: "Kremlin: …", "… – Kremlin"."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    if not sentence.is_title or hi - lo < 3:
        return []
    marks = [k for k in range(lo + 1, hi) if ":" in words[k].gap or any(d in words[k].gap for d in _DASHES)]
    for k in marks:
        head = right_np(words, lo, hi)
        if ":" in words[k].gap and head and head[1] == k:
            return [Report(sentence.section, sentence, (lo, k), Verb(":", "say", 0), head, [(k, hi)])]
    for k in reversed(marks):
        tail = right_np(words, k, hi)
        if ":" not in words[k].gap and tail and tail[1] == hi:
            return [Report(sentence.section, sentence, (k, hi), Verb("–", "say", 0), tail, [(lo, k)])]
    return []


def _nest(own: list[Report]) -> None:
    """Marks the reports that are part of what another one says: "Zelensky said that Putin told him …"."""
    for n, report in enumerate(own):
        if n and _closes_sentence(report) and report.verb.kind == "say":
            for inner in own[:n]:
                if inner.within is None and not _closes_sentence(inner):
                    inner.within = report
            continue
        if report.source is None or n == 0:
            continue
        outer = own[n - 1]
        words = report.section.words
        start = report.source[0]
        if outer.source and outer.source[0] > outer.cue[0]:  # inverted: what follows it is a new clause
            continue
        lead = [word.word for word in words[max(outer.cue[1], start - 3) : start]]
        fresh = any(word in words_of("connectors") for word in lead) or any(m in words[start].gap for m in (";", "–", "—"))
        if start >= outer.cue[1] and not fresh and outer.verb.lemma != "according to":
            report.within = outer.within or outer
        elif outer.within is not None and not fresh:
            report.within = outer.within


def _contents(report: Report, own: list[Report]) -> None:
    if report.content:
        return
    sentence, words = report.sentence, report.section.words
    later = [one for one in own if one.cue[0] > report.cue[0] and one.within is None]
    end = _clause_start(later[0]) if later else sentence.hi
    earlier = [one for one in own if one.cue[1] <= report.cue[0] and one.within is None and not _closes_sentence(report)]
    begin = sentence.lo if not earlier else max(earlier[-1].cue[1], sentence.lo)
    inverted = report.source is not None and report.source[0] >= report.cue[1]
    after = (max(report.cue[1], report.source[1]) if inverted and report.source else report.cue[1], end)
    before = (begin, _clause_start(report))
    if report.verb.lemma == "according to":
        report.content = [before] if before[1] - before[0] > 2 else [after]
        return
    if report.cue[1] < sentence.hi and words[report.cue[1]].word == "by" and inverted:
        report.content = [before, after]
        return
    after = _complement(report, after) if report.verb.kind == "say" else after
    takes_before = report.verb.kind == "say" and _said_before(report, before, after)
    ranges = [_back_to_quote(report, before)] if takes_before else []
    if after[0] < after[1] or not takes_before:
        ranges.append(after)
    report.content = [span for span in ranges if span[1] > span[0]]


def _closes_sentence(report: Report) -> bool:
    """Whether it stands at the end, after what was said: then all that goes before is its content."""
    if report.verb.kind != "say" or report.source is None or report.source[0] <= report.sentence.lo:
        return False
    words, sentence = report.section.words, report.sentence
    start = _clause_start(report)
    comma = "," in words[start].gap or "”" in words[start].gap or '"' in words[start].gap
    rest = (max(report.cue[1], report.source[1]), sentence.hi)
    lo, hi = _complement(report, rest)
    return comma and lo >= hi and not words[sentence.lo].word in words_of("introductions")


def _complement(report: Report, after: Range) -> Range:
    """What follows the verb as what was said: nothing where a comma follows whom it was told and when."""
    words, section = report.section.words, report.section
    lo, hi = after
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
        return (hi, hi)
    opens = any(mark in words[k].gap for mark in ":\"“«‘") or section.quoted[k]
    return (k, hi) if opens or words[k].word == "that" else (hi, hi)


_FINITE = frozenset("is was are were be would will could can should must has had have may might he she they it there we".split())


def _breaks_off(words: list[Token], k: int) -> bool:
    return any(mark in words[k].gap for mark in (",", ";", ":", "–", "—", "("))


def _addressed(words: list[Token], k: int, lo: int) -> bool:
    """Whether a word after the verb says when, where or to whom it was said."""
    word = words[k].word
    if word in _ADDRESS or word in _TIME or word.isdigit():
        return True
    before = words[k - 1].word if k > lo else ""
    return words[k].capital and before in ("in", "at", "to", "on", "with", "by", "news", "agency", "the", "television", "channel", "network") or (
        words[k].capital and k > lo and words[k - 1].capital and _addressed(words, k - 1, lo)
    )


def _clause_start(report: Report) -> int:
    return min(report.cue[0], report.source[0]) if report.source else report.cue[0]


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


def _back_to_quote(report: Report, span: Range) -> Range:
    """The span, begun where its quotation does, if that was sentences earlier."""
    words, section = report.section.words, report.section
    at = words[span[0]].start
    for start, end in section.quotes:
        if start < at < end and start >= at - 2_000:
            lo = next((i for i in range(span[0], -1, -1) if words[i].start <= start), 0)
            lo = lo if words[lo].start >= start else lo + 1
            return (lo, span[1])
    return span


def _continuation(sentence: Sentence, before: Report) -> list[Report]:
    """A sentence that is all quotation goes on with the speaker of the sentence before."""
    section = sentence.section
    flags = section.quoted[sentence.lo : sentence.hi]
    if not all(flags) or len(flags) < 3 or before.within is not None:
        return []
    more = Report(section, sentence, before.cue, before.verb, before.source, [(sentence.lo, sentence.hi)], before, continued=True)
    more.hedged = before.hedged
    return [more]
