"""Who is said to have said what: every report of speech in a reading, whoever the speaker is.

A report has a cue (the verb), a source (the words that name the speaker) and a content (what was said). This module finds the three by the
order of words that news English keeps; who the source is and whether the content matters is for others to ask.

    source cue content      Peskov said negotiations were possible · The Kremlin accused Kyiv of …, warning that …
    content source cue      "…," Peskov told reporters · Talks can resume, the Kremlin said
    content cue source      "…," said Peskov · a proposal rejected by Kyiv · according to Peskov
    headline                Kremlin: no talks planned · 'Door not shut' – Kremlin
"""

from __future__ import annotations

from itertools import takewhile

from rules.fold import Token
from rules.reading import Reading, Section, Sentence
from rules.speech.contents import Report, closes_sentence, ends_before, ends_title, fill_content, is_frame
from rules.speech.phrases import (
    Range,
    anybody_np,
    clause_subject,
    described_np,
    ends_clause,
    left_np,
    np_ending,
    right_np,
    skip_between,
    subject,
)
from rules.speech.verbs import Verb, is_bare, is_noun, verb_at, words_of

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
            before = _goes_on_with(own) or (None if own else _speaking(sentence))
    return found


def _complete(own: list[Report]) -> list[Report]:
    nest(own)
    for report in own:
        fill_content(report, own)
    return own


def _goes_on_with(own: list[Report]) -> Report | None:
    """The report of a sentence that a quotation in the next one would continue: the last one that quotes."""
    first_hand = [one for one in own if one.within is None] or own
    return next((one for one in reversed(first_hand) if one.kind != "indirect"), first_hand[-1] if first_hand else None)


def _speaking(sentence: Sentence) -> Report | None:
    """ "Lavrov spoke to the press." reports nothing, but a quotation that follows is his."""
    words, quoted = sentence.section.words, sentence.section.quoted
    for i in range(sentence.lo + 1, sentence.hi):
        if words[i].word in words_of("speaking") and not quoted[i] and words[i - 1].word != "to":
            report = Report(sentence.section, sentence, (i, i + 1), Verb(words[i].word, "say"), left_np(words, i, sentence.lo))
            return report if report.source else None
    return None


def _said_later(section: Section, n: int, by_sentence: list[list[Report]]) -> bool:
    """Whether the quotation that sentence `n` is in ends in a later sentence, which names its speaker."""
    here = section.sentences[n].start + 1
    quote = section.quote_around(here)
    last = section.sentence_ending(quote[1] if quote else here)
    nearby = [one for k in {n + 1, last + 1} if k < len(by_sentence) for one in by_sentence[k]]
    if any(span[0] < section.sentences[n].hi for one in nearby for span in one.content):
        return True  # `"Why talk?" Peskov asked.`
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
    return _under_headline(sentence, found) or _headline(sentence)


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
_MODALS = frozenset("could may might would should must will can".split())
_IF = frozenset("if unless until whether once lest".split())
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
    if _is_silent(report) or word.glued or (word.word.endswith("ing") and before == "as") or _is_in_a_name(report):
        return True
    gerund = word.word.endswith("ing") and before in ("by", "with", "after", "before", "without")
    may_be_noun = not gerund and not word.word.endswith("ed") and word.word not in ("said", "told", "says")
    if may_be_noun and before in words_of("noun_before") and not ends_clause(words, i):
        return True
    if before == "'s" and not ends_clause(words, i):
        return True
    return before in _BE and report.verb.lemma not in ("say", "tell") and not word.word.endswith("ing")


def _is_silent(report: Report) -> bool:
    """ "did not say": nothing is reported. What is said to be not so ("… is not, Peskov said") is no part of the verb."""
    words, quoted, i = report.section.words, report.section.quoted, report.cue[0]
    near = range(i - 1, max(report.sentence.lo, i - 2) - 1, -1)
    own = takewhile(lambda k: not quoted[k] and not ends_clause(words, k + 1), near)
    return report.verb.kind == "say" and any(words[k].word in _NOT for k in own)


def _is_in_a_name(report: Report) -> bool:
    """Whether a capital makes it part of a name ("the United States"), but for headlines, where every word has one."""
    sentence, i = report.sentence, report.cue[0]
    words = report.section.words
    if not words[i].capital or i == sentence.lo or not words[i - 1].capital or ends_clause(words, i):
        return False
    long = [word for word in words[sentence.lo : sentence.hi] if len(word.word) > 3]
    headline = (sentence.is_title or len(long) > 3) and 2 * sum(word.capital for word in long) > len(long) + 1
    return not headline


def _sourced(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    """The report with its source found to the left, to the right, or taken from the clause before."""
    words, i = sentence.section.words, report.cue[0]
    comma = ends_clause(words, i)
    if words[i].word.endswith("ing"):
        return _of_gerund(report, sentence, earlier)
    if i > sentence.lo and words[skip_between(words, i, sentence.lo)].word in ("and", "but", "or", "then") and not comma:
        inherited = _inheriting(report, sentence, earlier)
        if inherited:
            return None if _is_not_so(inherited) else inherited
    if not comma and not _agrees(report):
        return None
    found = _with_source(report, sentence, earlier)
    return None if found is not None and _is_not_so(found) else found


def _of_gerund(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    """ "…, saying that", "is saying", "with Peskov saying": a participle's source."""
    words, i = sentence.section.words, report.cue[0]
    before = words[i - 1].word if i > sentence.lo else ""
    if before in ("is", "are", "was", "were"):
        report.source = left_np(words, i, sentence.lo)
        return report if report.source else None
    put_out = i > sentence.lo and words[skip_between(words, i, sentence.lo)].word in words_of("papers")
    if ends_clause(words, i) or before in ("and", "while", "before", "after", "by", "but") or put_out:
        return _inheriting(report, sentence, earlier)
    absolute = left_np(words, i, sentence.lo)
    if absolute and absolute[0] > sentence.lo and words[absolute[0] - 1].word == "with":
        report.source = absolute
        return report
    quotes = words[i].word in ("saying", "telling") and i + 1 < sentence.hi and sentence.section.quoted[i + 1]
    return _inheriting(report, sentence, earlier) if quotes else None  # `opened the day saying "…"`


def _with_source(report: Report, sentence: Sentence, earlier: list[Report]) -> Report | None:
    words, i = sentence.section.words, report.cue[0]
    comma = ends_clause(words, i)
    ends_quote = sentence.section.quoted[i - 1] and i > sentence.lo and any(mark in words[i].gap for mark in ",!?…—–")
    ends_quote = ends_quote and not ends_title(sentence.section, i - 1, sentence.lo)
    report.source = None if ends_quote else _since_quotation(report, left_np(words, i, sentence.lo))
    if comma and not ends_quote:
        report.source = _named_at_end(report) or report.source
    if report.source is None and _inversion(sentence, i):
        report.source = right_np(words, report.cue[1], sentence.hi)
        if report.source is None and ends_quote:
            told = (report.cue[1], sentence.hi)
            report.source = described_np(words, *told) or anybody_np(words, *told)
        if report.source and not ends_quote and words[report.source[0]].word in ("it", "he", "she", "they"):
            report.source = None  # "the lawyer for the group, said it …"
    if not ends_quote and (report.source is None or _is_thing_said_of(report)):
        report.source = clause_subject(words, i, sentence) or report.source
    if report.source is None and comma and i > sentence.lo and not _inversion(sentence, i):
        return _inheriting(report, sentence, earlier)
    return report if report.source else None


def _named_at_end(report: Report) -> Range | None:
    """ "The rain will go on, said Anna Berg, a farmer": a name with which the sentence ends, but for who that is."""
    words, sentence, i = report.section.words, report.sentence, report.cue[0]
    named = right_np(words, report.cue[1], sentence.hi) if words[i].word in ("said", "says", "added", "wrote", "writes") else None
    if named is None or i - sentence.lo < 4 or not words[named[1] - 1].capital:
        return None
    after = named[1]
    rest = [word.word for word in words[after : min(sentence.hi, after + 4)]]
    fits = rest[:1] and (
        rest[0] in ("a", "an", "the", "who", "one") or rest[0].isdigit() or words_of("offices").intersection(rest)
    )
    described = fits and "," in words[after].gap
    return named if after == sentence.hi or described else None


def _is_thing_said_of(report: Report) -> bool:
    """Whether the words before the verb name nobody, and may end a clause about the subject: "aides who spoke to discuss plans said"."""
    words, (lo, hi) = report.section.words, report.source or (0, 0)
    return lo > report.sentence.lo and not any(
        w.capital or w.word in words_of("offices") or w.word in _PRONOUNS for w in words[lo:hi]
    )


_PRONOUNS = frozenset(("he", "she", "they", "it", "who", "which", "i", "we", "you"))


def _is_not_so(report: Report) -> bool:
    """Whether it is only supposed: "could agree", "would welcome", "if Russia rejects"."""
    words, source, cue, lo = report.section.words, report.source, report.cue[0], report.sentence.lo
    between = [word.word for word in words[skip_between(words, cue, lo) + 1 : cue]]
    if _MODALS.intersection(between) and not _NOT.intersection(between) and "only" not in between:
        return True
    if source is None or source[0] > cue or source[0] == lo:
        return False
    return words[source[0] - 1].word in _IF and not ends_clause(words, source[0])


def _agrees(report: Report) -> bool:
    """Whether a form without an ending has a plural or an auxiliary before it ("officials say", "will say"): else it is a noun ("an appeal").

    Of forms with -s that are nouns as well ("member states"), one that follows a common noun is one.
    """
    words, i, lo = report.section.words, report.cue[0], report.sentence.lo
    k = skip_between(words, i, lo)
    before, word = words[k], words[i].word
    if i == lo or ends_clause(words, i):
        return True
    if report.section.quoted[i - 1]:  # "its “mean-spirited” comments"
        return any(mark in words[i].gap for mark in "?!…") or not (is_noun(word) or is_bare(word))
    if is_bare(word) and report.verb.words == 1:
        auxiliary = any(one.word in words_of("auxiliaries") for one in words[k:i])
        return auxiliary or before.word.endswith("s") or before.word in words_of("plurals") or _several(words, k, lo)
    common = (
        not before.capital and before.word not in words_of("offices") and before.word not in ("he", "she", "it", "who", "which")
    )
    return not (is_noun(word) and common and before is words[i - 1])


def _several(words: list[Token], k: int, lo: int) -> bool:
    """Whether a noun phrase that ends at word `k` joins two: "Kyiv and Moscow agree"."""
    return any(word.word == "and" for word in words[max(lo, k - 4) : k])


def _since_quotation(report: Report, span: Range | None) -> Range | None:
    """The noun phrase, begun where the quotation before it ends: `…," the campaign manager Jeff Weaver said`."""
    section, words = report.section, report.section.words
    if span is None:
        return None
    start = next((k for k in range(span[0], max(report.sentence.lo, span[0] - 14), -1) if section.quoted[k - 1]), None)
    if start is None or start == span[0] or section.quoted[start] or not any(mark in words[start].gap for mark in ",!?…"):
        return span
    between = range(start + 1, span[0] + 1)
    plain = words[start].word not in words_of("introductions") and not any(ends_clause(words, k) for k in between)
    return (start, span[1]) if plain and verb_at(report.sentence, start) is None else span


def _inversion(sentence: Sentence, i: int) -> bool:
    """Whether the verb follows what was said: `…," said Peskov`."""
    section = sentence.section
    gap = section.words[i].gap
    if i == sentence.lo:
        return section.words[i].word in ("said", "says", "added", "asked", "wrote") or _told_after(sentence, i)
    return "," in gap or "”" in gap or '"' in gap or "»" in gap or "’" in gap or section.quoted[i - 1]


def _told_after(sentence: Sentence, i: int) -> bool:
    """Whether a name and a colon follow a verb that opens a sentence: `Continued Peskov: "…"`."""
    words = sentence.section.words
    named = right_np(words, i + 1, sentence.hi)
    return named is not None and named[1] < sentence.hi and ":" in words[named[1]].gap


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
    if hi - lo < 3:
        return []
    if not sentence.is_title:
        return _script(sentence)
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


def _under_headline(sentence: Sentence, found: list[Report]) -> list[Report]:
    """ "Kyiv and Moscow agree to meet — Kremlin": who stands behind the dash says it all, unless it says already who says it."""
    said = any(report.verb.kind == "say" for report in found)
    whole = _headline(sentence) if found and sentence.is_title and not said else []
    if not whole or whole[0].verb.lemma != "–" or "|" in sentence.section.words[whole[0].cue[0]].gap:
        return found
    for report in found:
        report.within = whole[0]
    return [*found, *whole]


def _script(sentence: Sentence) -> list[Report]:
    """`Peskov: "…"`, as in an interview or a list of quotations."""
    words, lo, hi = sentence.section.words, sentence.lo, sentence.hi
    k = next((k for k in range(lo + 1, min(hi, lo + 8)) if ":" in words[k].gap), None)
    quoted = sentence.section.quoted
    if k is None or quoted[lo] or not quoted[k] or right_np(words, lo, k) != (lo, k):
        return []  # quoted: `"Look: it rains"`
    return [Report(sentence.section, sentence, (lo, k), Verb(":", "say", 0), (lo, k), [(k, hi)])]


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
        fresh = (fresh or ends_before(outer, start)) and not is_frame(outer)
        if start >= outer.cue[1] and not fresh and outer.verb.lemma != "according to":
            report.within = outer.within or outer
        elif outer.within is not None and not fresh:
            report.within = outer.within


def _continuation(sentence: Sentence, before: Report) -> list[Report]:
    """A sentence that is all quotation goes on with the speaker of the sentence before."""
    section = sentence.section
    flags = section.quoted[sentence.lo : sentence.hi]
    if not flags or not all(flags) or before.within is not None:
        return []
    more = Report(section, sentence, before.cue, before.verb, before.source, [(sentence.lo, sentence.hi)], before, continued=True)
    more.hedged = before.hedged
    return [more]
