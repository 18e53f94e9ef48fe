"""Who is said to have said what: every report of speech in a reading, whoever the speaker is.

A report has a cue (the verb), a source (the words that name the speaker) and a content (what was said). This module finds the three by the
order of words that news English keeps; who the source is and whether the content matters is for others to ask.

    source cue content      Peskov said negotiations were possible · The Kremlin accused Kyiv of …, warning that …
    content source cue      "…," Peskov told reporters · Talks can resume, the Kremlin said
    content cue source      "…," said Peskov · a proposal rejected by Kyiv · according to Peskov
    headline                Kremlin: no talks planned · 'Door not shut' – Kremlin
"""

from __future__ import annotations

from rules.fold import Token
from rules.reading import Reading, Section, Sentence
from rules.speech.contents import Report, closes_sentence, fill_content
from rules.speech.phrases import ends_clause, left_np, np_ending, right_np, skip_between, subject
from rules.speech.verbs import Verb, verb_at, words_of

_DASHES = ("–", "—", " - ", "|")
_BE = frozenset(("is", "was", "were", "are", "be", "been", "being", "got"))


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
    nest(own)
    for report in own:
        fill_content(report, own)
    return own


def _said_later(section: Section, n: int, by_sentence: list[list[Report]]) -> bool:
    """Whether the quotation that sentence `n` is in ends in a later sentence, which names its speaker."""
    here = section.sentences[n].start + 1
    quote = section.quote_around(here)
    last = section.sentence_ending(quote[1] if quote else here)
    return n < last < len(by_sentence) and bool(by_sentence[last])


def _in_sentence(sentence: Sentence) -> list[Report]:
    section = sentence.section
    found: list[Report] = []
    i = sentence.lo
    while i < sentence.hi:
        verb = None if section.quoted[i] else verb_at(sentence, i)
        if verb is None:
            i += 1
            continue
        report = _report(sentence, i, verb, found)
        if report is not None:
            found.append(report)
        i += verb.words
    return found or _headline(sentence)


def _report(sentence: Sentence, i: int, verb: Verb, earlier: list[Report]) -> Report | None:
    """The report whose verb begins at word `i`, with its source; None where the verb reports nothing, or nobody."""
    report = Report(sentence.section, sentence, (i, i + verb.words), verb, None)
    report.hedged = _hedged(report)
    if verb.lemma in _FORMULAS or _is_quoted_as(report) or _is_passive(report):
        _name_source(report)
        return report if report.source else None
    return None if _is_no_verb(report) else _sourced(report, sentence, earlier)


def _hedged(report: Report) -> bool:
    words, sentence = report.section.words, report.sentence
    near = words[max(sentence.lo, report.cue[0] - 3) : min(sentence.hi, report.cue[1] + 2)]
    return any(word.word in words_of("hedges") for word in near)


_NOT = frozenset("not never hasn't haven't didn't doesn't don't hadn't wouldn't".split())
_FORMULAS = ("according to", "in the words of", "in the words of whom")


def _is_passive(report: Report) -> bool:
    """ "rejected by Moscow": the source follows."""
    words, after = report.section.words, report.cue[1]
    form = words[report.cue[0]].word
    if after >= report.sentence.hi or form in ("said", "told") or form.endswith("ing"):
        return False
    return words[after].word == "by" and not ends_clause(words, after)


def _is_quoted_as(report: Report) -> bool:
    """ "was quoted as saying", "Interfax quoted Peskov as saying"."""
    words, i = report.section.words, report.cue[0]
    return bool(_quoted_at(words, i, report.sentence.lo))


def _name_source(report: Report) -> None:
    """Finds the source of a formula, of a passive, or of "quoted as saying"."""
    words, sentence, (lo, hi) = report.section.words, report.sentence, report.cue
    if report.verb.lemma in ("according to", "in the words of whom"):
        report.source = right_np(words, hi, sentence.hi)
    elif report.verb.lemma == "in the words of":
        report.source = np_ending(words, lo - 2, sentence.lo)
    elif quoted := _quoted_at(words, lo, sentence.lo):
        named, outlet = right_np(words, quoted + 1, lo - 1), left_np(words, quoted, sentence.lo)
        told = named is not None and named[1] == lo - 1 and outlet is not None
        report.source, report.opens = (named, outlet[0]) if told and outlet else (outlet, None)
    else:
        report.source = right_np(words, hi + 1, sentence.hi)


def _is_no_verb(report: Report) -> bool:
    """Whether the word is a noun here ("his claims"), half of another word, or a passive that names nobody."""
    words, i, lo = report.section.words, report.cue[0], report.sentence.lo
    word = words[i]
    before = words[i - 1].word if i > lo else ""
    silent = report.verb.kind == "say" and any(w.word in _NOT for w in words[max(lo, i - 2) : i])
    if silent or word.glued or (word.word.endswith("ing") and before == "as"):
        return True
    may_be_noun = not word.word.endswith("ed") and word.word not in ("said", "told", "says")
    if may_be_noun and before in words_of("noun_before") and not ends_clause(words, i):
        return True
    return before in _BE and report.verb.lemma not in ("say", "tell") and not word.word.endswith("ing")


def _sourced(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    """The report with its source found to the left, to the right, or taken from the clause before."""
    words, i = sentence.section.words, report.cue[0]
    form = words[i].word
    comma = ends_clause(words, i)
    if form.endswith("ing"):
        if not (
            comma
            or (i > sentence.lo and words[i - 1].word in ("and", "is", "are", "was", "while", "before", "after", "by", "but"))
        ):
            return None
        if words[i - 1].word in ("is", "are", "was", "were"):
            report.source = left_np(words, i, sentence.lo)
            return report if report.source else None
        return _inheriting(report, sentence, earlier)
    if i > sentence.lo and words[skip_between(words, i, sentence.lo)].word in ("and", "but", "or", "then") and not comma:
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


def _quoted_at(words: list[Token], i: int, lo: int) -> int:
    """Where "quoted" or "cited" stands before "as saying" at word `i`; 0 where it does not."""
    if i <= lo or words[i - 1].word != "as":
        return 0
    return next((k for k in range(i - 1, max(lo, i - 8) - 1, -1) if words[k].word in ("quoted", "cited")), 0)


def _headline(sentence: Sentence) -> list[Report]:
    """A title that names its speaker beside a colon or a dash: "Kremlin: …", "… – Kremlin"."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    if not sentence.is_title or hi - lo < 3:
        return []
    marks = [k for k in range(lo + 1, hi) if ":" in words[k].gap or any(d in words[k].gap for d in _DASHES)]
    for k in marks:
        head = right_np(words, lo, hi)
        if ":" in words[k].gap and head and head[1] < k and words[head[1]].word == "on":
            return [Report(sentence.section, sentence, (head[1], head[1] + 1), Verb("on", "say", 1), head, [(head[1] + 1, hi)])]
        if ":" in words[k].gap and head and head[1] == k:
            return [Report(sentence.section, sentence, (lo, k), Verb(":", "say", 0), head, [(k, hi)])]
    for k in reversed(marks):
        tail = right_np(words, k, hi)
        if ":" not in words[k].gap and tail and tail[1] == hi:
            return [Report(sentence.section, sentence, (k, hi), Verb("–", "say", 0), tail, [(lo, k)])]
    return []


def nest(own: list[Report]) -> None:
    """Marks the reports that are part of what another one says: "Zelensky said that Putin told him …"."""
    for n, report in enumerate(own):
        if n and closes_sentence(report) and report.verb.kind == "say":
            for inner in own[:n]:
                if inner.within is None and not closes_sentence(inner):
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


def _continuation(sentence: Sentence, before: Report) -> list[Report]:
    """A sentence that is all quotation goes on with the speaker of the sentence before."""
    section = sentence.section
    flags = section.quoted[sentence.lo : sentence.hi]
    if not all(flags) or len(flags) < 3 or before.within is not None:
        return []
    more = Report(section, sentence, before.cue, before.verb, before.source, [(sentence.lo, sentence.hi)], before, continued=True)
    more.hedged = before.hedged
    return [more]
