"""How sure an event is: planned, proposed, cancelled, ruled out, hypothetical or held, by the verbs it hangs on and the words around it.

A word of denial counts where the event is what is denied: the verb that the event is subject or object of is negated, or the event stands
in the clause that a cue ("ruled out", "reports that") governs. A "but" or the next sentence starts afresh.
"""

from __future__ import annotations

from functools import cache

from rules.data import table
from rules.events.around import COMING, Around
from rules.events.called_off import called_off, flatly_denied
from rules.events.groups import Group
from rules.terms import Terms, terms

_NEAR, _CLAUSE = 4, 16  # words within which a cue reaches: beside the event, and over its clause
_CERTAIN = ("is to", "is due to", "will", "plans to", "is doing")


def status(around: Around, time: str | None, *, dated: bool, refused: bool) -> str | None:
    """One of planned, proposed, held, cancelled, ruled-out, hypothetical; None where the words do not tell.

    `time` is upcoming, under way, past or None; `dated` tells that a date of its own lies ahead, `refused` that a side will not come.
    """
    if _called_off(around) or called_off(around, denied=False) or any(one.tense == "was to have" for _, one in around.links):
        return "cancelled"
    if _inverted(around):
        return "hypothetical"
    if not refused and time != "past" and _ruled_out(around):
        return "ruled-out"
    if _asked(around, dated=dated) or _conditional(around):
        return "hypothetical"
    if time in ("past", "under way"):
        return "held"
    return _planned(around, time, dated=dated)


def _planned(around: Around, time: str | None, *, dated: bool) -> str | None:
    proposed, planned = _beside(around, "proposed", _NEAR + 4), _beside(around, "planned", _NEAR + 6)
    if proposed and not planned:
        return "proposed"
    if dated or any(one.tense in _CERTAIN for _, one in around.links):
        return "planned"
    doubtful = _beside(around, "hypothetical", _NEAR + 2) or any(one.tense == "may" for _, one in around.links)
    if doubtful and not planned:
        return "hypothetical"
    return "planned" if planned or time == "upcoming" else None


# Called off


def _called_off(around: Around) -> bool:
    for lo, hi in _cues("cancelled").search(around.words, around.sentence.lo, around.sentence.hi):
        if _turned(around, lo):
            continue
        over = {"after", "despite", "following", "previously", "twice"} & {
            word.word for word in around.words[max(0, lo - 2) : lo]
        }
        if not over and _reaches(around, lo, hi, _NEAR + 2) and not _new_date(around, hi):
            return True
    return False


def _new_date(around: Around, after: int) -> bool:
    """Whether a date is named that it moves to: "postponed until June 12", "put off and will now open on Friday"."""
    words = around.words
    for one in around.dated:
        if one.sense == "past" or not after <= one.lo <= after + _CLAUSE:
            continue
        if words[one.lo - 1].word in ("to", "until", "till") or any(
            g.tense in _CERTAIN and after <= g.lo < one.lo for g in around.groups
        ):
            return True
    return False


# Ruled out


def _ruled_out(around: Around) -> bool:
    at_it = "preposition: during" in around.found  # "will not meet him at the summit"
    if any(one.negated and _denies(how, one) and not (at_it and how == "before") for how, one in around.links):
        return True
    if "determiner: no" in around.found or _neither(around) or flatly_denied(around):
        return True
    words, sentence = around.words, around.sentence
    for lo, hi in _cues("ruled_out").search(words, sentence.lo, sentence.hi):
        if not _turned(around, lo) and _governs(around, lo, hi):
            return True
    return _is_false_report(around)


def _denies(how: str, one: Group) -> bool:
    """Whether a negated verb denies the event: "will not take place", "would not be meeting"; not "did not end"."""
    if how == "after":
        return one.kind in ("hold", "plan") or one.verb in ("be", "go", "happen")
    return one.tense not in ("past", "had", "has") and (how == "own" or one.kind in ("hold", "plan", "wish"))


def _neither(around: Around) -> bool:
    words, (lo, _) = around.words, around.span
    first = next((k for k in range(around.sentence.lo, min(lo, around.sentence.lo + 8)) if words[k].word == "neither"), None)
    return first is not None and not around.commas(first, lo + 1)


def _governs(around: Around, lo: int, hi: int) -> bool:
    """Whether words of denial govern the event: it follows them in their clause, or stands right before them."""
    if hi <= around.span[0] and "preposition: during" in around.found:
        return False  # "has no plans to meet him at the summit"
    if any(word.word in _OUTSIDE for word in around.words[hi : around.span[0]]):
        return False
    return _reaches(around, lo, hi, _CLAUSE if hi <= around.span[0] else _NEAR)


def _turned(around: Around, cue: int) -> bool:
    """Whether a cue of denial is itself denied: "not ruling out", "not cancelled"."""
    return cue > around.sentence.lo and around.words[cue - 1].word in ("not", "never", "without", "nor")


_OUTSIDE = frozenset("as when before ahead after until if following during".split())
"""Words by which what follows is no longer what is denied: "rules out concessions before Friday's talks"."""


def _reaches(around: Around, lo: int, hi: int, words_between: int) -> bool:
    """Whether a cue reaches the event: near enough, and no other clause begins between."""
    a, b = (hi, around.span[0]) if hi <= around.span[0] else (around.span[1], lo)
    if b < a or b - a > words_between:
        return lo < around.span[1] and around.span[0] < hi
    words = around.words
    if hi <= around.span[0] and _own_clause(around, hi):
        return False
    for k in range(a, min(b + 1, around.sentence.hi)):
        if words[k].word in _TURNS or any(mark in words[k].gap for mark in ";—–"):
            return False
        if (
            k > a
            and "," in words[k].gap
            and words[k].word in ("and", "saying", "said", "as", "confirms", "confirmed", "with", "after")
        ):
            return False
    return True


def _own_clause(around: Around, after: int) -> bool:
    """Whether the event's own verb begins a clause after a comma: "having ruled it out, she will now meet him"."""
    own = next((one for how, one in around.links if how in ("own", "before") and one.lo >= after), None)
    return own is not None and own.tense in (*_CERTAIN, "does") and around.commas(after, own.lo + 1) > 0


_TURNS = frozenset("but while although though despite whereas however yet confirms confirmed".split())


def _is_false_report(around: Around) -> bool:
    """ "Reports that the two will meet are pure invention"."""
    words, sentence, start = around.words, around.sentence, around.span[0]
    told = any(word.word in _REPORTS for word in words[max(sentence.lo, start - 12) : start])
    return told and bool(_cues("false").search(words, sentence.lo, sentence.hi))


_REPORTS = frozenset(
    "report reports claim claims rumor rumors rumour rumours suggestion suggestions speculation story stories".split()
)


# Asked, or under a condition


def _asked(around: Around, *, dated: bool) -> bool:
    if any(one.verb in COMING or (how == "after" and one.tense in _CERTAIN and _told_apart(around)) for how, one in around.links):
        return False  # "whether he will attend the summit that Uganda is to host"
    fixed = (dated or around.nearest is not None) and around.found.keys() & _FIXED
    if around.sentence.text.rstrip('"”’ ').endswith("?"):
        return not fixed
    words = around.words
    start = around.span[0]
    for k in range(start - 1, max(around.sentence.lo, start - 10) - 1, -1):
        if words[k].word == "whether":
            return not fixed
        if "," in words[k + 1].gap or words[k].word in _TURNS:
            return False
    return False


def _told_apart(around: Around) -> bool:
    """Whether a relative clause tells more of the event."""
    end = around.span[1]
    return end < around.sentence.hi and around.words[end].word in ("that", "which")


_FIXED = {"determiner: the", "determiner: owned", "when it happens", "as it happens"}
"""Signs that a dated event is no question any more: "what will they say when they meet on Friday?"."""


def _conditional(around: Around) -> bool:
    """Whether the event stands in a conditional clause, or hangs on one."""
    if around.found.keys() & {"when it happens", "as it happens"}:
        return False
    words, sentence = around.words, around.sentence
    for lo, hi in _cues("if").search(words, sentence.lo, sentence.hi):
        if words[lo - 1].word == "even" and lo > sentence.lo:
            continue  # "even if no truce is in place, they will meet"
        end = next((k for k in range(hi, sentence.hi) if any(mark in words[k].gap for mark in ",;")), sentence.hi)
        if lo <= around.span[0] < end:
            if around.found.keys() & {"adjective: ahead", "fixed"}:
                return False  # "if the scheduled meeting goes well"
            return hi <= around.span[0] <= hi + _CLAUSE and not any(w.word in _TURNS for w in words[hi : around.span[0]])
        if any(_hangs_on(around, one, lo) for _, one in around.links):
            return True
    return False


def _inverted(around: Around) -> bool:
    """ "Were the two to hold a summit", "Should talks resume"."""
    first = around.words[around.sentence.lo].word
    return first in ("should", "were", "had") and not around.sentence.text.rstrip().endswith("?")


def _hangs_on(around: Around, one: Group, condition: int) -> bool:
    """Whether a verb depends on the condition that begins at a word: no stronger mark than a comma stands between."""
    first, last = sorted((one.lo, condition))
    return (
        one.tense in ("will", "would", "may", "is due to", "does")
        and one.kind in ("hold", "plan")
        and not around.stopped(first + 1, last + 1)
    )


def _beside(around: Around, kind: str, within: int) -> bool:
    found = _cues(kind).search(around.words, around.sentence.lo, around.sentence.hi)
    return any(_reaches(around, lo, hi, within) and not _apart(around, lo, hi) for lo, hi in found)


def _apart(around: Around, lo: int, hi: int) -> bool:
    """Whether a comma or a clause of its own stands between a cue and the event."""
    first, last = (hi, around.span[0]) if hi <= around.span[0] else (around.span[1], lo)
    between = {word.word for word in around.words[first:last]}
    return around.commas(first, last + 1) > 0 or bool(between & {"that", "which", "who"})


@cache
def _cues(kind: str) -> Terms:
    return terms(table("mention")[kind])
