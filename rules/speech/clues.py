"""What in a statement's words pulls toward a stance: readiness, refusal, reproach, praise, conditions, demands, each with its negation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from rules.data import table
from rules.fold import Token
from rules.speech.phrases import Range
from rules.speech.sides import FAR, HARD, NEAR, Told, grammar
from rules.speech.verbs import Verb
from rules.terms import Terms

_REQUEST = ("favor", "demand")
_ITSELF_NEGATED = ("no", "nothing", "never", "not")


@dataclass(frozen=True, slots=True)
class Clue:
    """Words that pull toward a stance, and how much."""

    span: Range
    pull: str
    weight: float = 1.0


@dataclass(frozen=True)
class Content(Told):
    """A stretch of what was said, with what it takes to find its clues."""

    kinds: Mapping[str, Terms]
    verb: Verb

    def clues(self) -> Iterator[Clue]:
        """Every clue, in no order; of words that lie inside one another, the graver kind counts."""
        faults = self._found("blames")
        judged = _outside(self._found("rejects"), faults)
        left = _outside(self._found("desertions"), faults + judged)
        refused = _outside(self._found("refusals"), faults + judged + left)
        taken = faults + judged + left + refused
        opening = _outside(self._found("open"), taken)
        praising = _outside(self._found("praise"), taken + opening)
        yield from (Clue(span, "blames") for span in faults if self._is_reproach(span))
        yield from (
            Clue(span, "open" if self._negated(span) or self._undone(span) else "rejects")
            for span in judged
            if not self._not_yet(span)
        )
        for span in left:
            yield from self._refusal(span, "own")
        for span in refused:
            yield from self._refusal(span, "other")
        for span in opening:
            yield from self._opening(span)
        for span in praising:
            yield from self._praise(span)
        for span in _outside(self._found("engage"), taken + opening):
            yield from self._absence(span)
        yield from self._offers()
        for span in _outside(self._found("merits"), taken + opening):
            if self._negated(span):
                yield Clue(span, "rejects")
        for span in _outside(self._found("harms"), taken + opening):
            yield from self._harm(span)
        yield from self._denials(taken + opening)
        yield from self._deeds()
        yield from self._pointed_at()
        yield from self._conditions(taken)
        yield from self._consequences()
        yield from self._obligations()

    def _found(self, kind: str) -> list[Range]:
        return [span for span in self.kinds[kind].search(self.words, self.lo, self.hi) if self._apt(span)]

    def _apt(self, span: Range) -> bool:
        """Whether a word that counts only in company has it: the door is open, the questions are."""
        if self._phrase(span) in ("offer", "offers", "hope", "hopes", "support") and self._is_noun(span[0]):
            return False
        company = _company().get(self._phrase(span))
        if company is None:
            return True
        around = {
            "near": (span[0] - 2, span[0]),
            "far": (span[0] - FAR, span[0]),
            "after": (span[1], span[1] + 4),
            "ahead": (span[1], span[1] + FAR),
        }
        return any(
            one.word in company[where]
            for where, (a, b) in around.items()
            for one in self.words[max(self.lo, a) : min(self.hi, b)]
        )

    def _is_noun(self, k: int) -> bool:
        """ "The latest offer"."""
        return k > self.lo and (
            self.words[k - 1].word in grammar("articles")
            or (self.words[k - 1].capital and k - 1 > self.lo and self.words[k - 2].word in grammar("articles"))
        )

    def _phrase(self, span: Range) -> str:
        return " ".join(one.word for one in self.words[span[0] : span[1]])

    def _undone(self, span: Range) -> bool:
        """ "No reason not to meet"."""
        return span[1] < self.hi and self.words[span[1]].word == "not"

    def _not_yet(self, span: Range) -> bool:
        """ "No plans so far" turns nothing down; nor is it premature to say."""
        after = [one.word for one in self.words[span[1] : min(self.hi, span[1] + 3)]]
        if self._phrase(span) == "premature":
            return any(one in grammar("conclusions") for one in after)
        before = {one.word for one in self.words[max(self.lo, span[0] - 2) : span[0]]}
        if self._phrase(span) in grammar("absent") and before & {"been", "was", "were"}:
            return True
        return self._phrase(span) == "no plans" and bool(grammar("not_yet").intersection(after))

    # Refusals and readiness, by whose they are

    def _is_reproach(self, span: Range) -> bool:
        """Whether a reproach is made of others, rather than denied."""
        if self._negated(span) and self.words[span[0]].word not in ("not", "do", "no"):
            return False
        return self.doer(span) != "own"

    def _refusal(self, span: Range, decisive: str) -> Iterator[Clue]:
        """ "We refuse to talk", "they refuse to talk", "nobody refuses to talk"; where nobody is named, some words reproach and some do not."""
        after = [one.word for one in self.words[span[1] : min(self.hi, span[1] + 3)]]
        if after[:1] == ["to"] and (grammar("silences").intersection(after[1:2]) or after[1:] == ["go", "into"]):
            return
        passive = span[0] > self.lo and self.words[span[0] - 1].word in ("be", "been", "being")
        whose = "" if passive else self.doer(span)
        if self._negated(span):
            if whose != "other":
                yield Clue(span, "open")
        elif whose in ("own", "other", "somebody"):
            yield Clue(span, "rejects" if whose == "own" else "blames")
        else:
            yield Clue(span, "rejects" if decisive == "other" else "blames")

    def _opening(self, span: Range) -> Iterator[Clue]:
        """ "We are ready", "we are not ready", "they are not ready"; that they are says nothing of the speaker."""
        whose = self.doer(span)
        if self._negated(span):
            yield Clue(span, "blames" if whose in ("other", "somebody") else "rejects")
        elif self._talked_over(span[0]):
            return  # what was talked about is nobody's stance yet
        elif whose != "other" and not (whose == "together" and self.words[span[0]].word.startswith("agree")):
            yield Clue(span, "open", 0.6)
            if self.words[span[0]].word in grammar("urging"):
                yield Clue(span, "wishes")

    def _harm(self, span: Range) -> Iterator[Clue]:
        """ "They shelled the town"; what one does oneself is no reproach, nor is it one where nobody is named."""
        if self.doer(span) in ("other", "somebody") and not self._negated(span):
            yield Clue(span, "blames", 0.7)

    def _denials(self, known: Sequence[Range]) -> Iterator[Clue]:
        """Any other verb that is denied: "we would not extend it" refuses, "they did not bother to come" reproaches."""
        begun = {a for a, _ in known}
        for k in range(self.lo, self.hi - 1):
            if not self._refuses_verb(k) or not begun.isdisjoint(range(k + 1, k + NEAR + 1)):
                continue
            at = next((n for n in range(k + 1, min(self.hi, k + 4)) if not self._adverb(n)), k + 1)
            near = {one.word for one in self.words[k : min(self.hi, k + NEAR)]}
            owed = k > self.lo and self.words[k - 1].word in ("should", "must")
            if at >= self.hi or owed or self._idle(at) or near & grammar("not_yet") or self._unreal(k):
                continue
            whose = self.doer((k, k + 1))
            if whose == "somebody" and self._future(k, at):
                whose = "own"  # it is for oneself that one speaks of what will be
            if whose in ("other", "somebody") and self.words[at].word not in grammar("idle_deeds"):
                yield Clue((k, at + 1), "blames", 0.7)
            elif (
                whose in ("own", "")
                and self._future(k, at)
                and not (whose == "" and self.words[at].word in grammar("idle_deeds"))
            ):
                yield Clue((k, at + 1), "rejects", 0.7)

    def _deeds(self) -> Iterator[Clue]:
        """ "They have used the pause to …": what another side has done or keeps doing is told as a reproach, unless it is what diplomats do."""
        for k in range(self.lo + 1, self.hi - 1):
            if self.words[k].word not in grammar("doing") or self._unreal(k):
                continue
            at = next((n for n in range(k + 1, min(self.hi, k + 4)) if not self._adverb(n)), k + 1)
            verb = self.words[at].word if at < self.hi else ""
            formed = verb.endswith("ing") if self.words[k].word in ("is", "are", "been") else not verb.endswith("ing")
            if not formed or verb.startswith(tuple(grammar("civil"))) or self._refuses_verb(k + 1):
                continue
            if any(self.whose(n) == "other" and not self._beside(n) for n in range(max(self.lo, k - 2), k)):
                yield Clue((k, at + 1), "blames", 0.3)

    def _unreal(self, k: int) -> bool:
        """ "If they do not withdraw"."""
        return any(self.words[n].word in grammar("unreal") for n in range(max(self.lo, k - NEAR), k))

    def _idle(self, at: int) -> bool:
        """Whether to deny the verb tells nothing: "would not say"; "would not be coming" is another."""
        after = self.words[at + 1].word if at + 1 < self.hi else ""
        if self.words[at].word in ("be", "been"):
            return not (after.endswith("ing") or (after.endswith("ed") and after not in grammar("managed")))
        return self.words[at].word in grammar("idle_verbs")

    def _refuses_verb(self, k: int) -> bool:
        return (self._negation(k) or self.words[k].word in ("never", "cannot")) and not self._merely(k, k + 1)

    def _adverb(self, k: int) -> bool:
        return self.words[k].word.endswith("ly") or self.words[k].word in grammar("adverbs")

    def _future(self, k: int, at: int) -> bool:
        """Whether it is denied of what will be, or of what one is doing or minds to do; what did not happen tells nothing."""
        words = self.words
        here = {words[k - 1].word if k > self.lo else "", words[k].word.removesuffix("n't"), words[k].word}
        if here & {"will", "would", "wo", "ca", "cannot", "shall", "can", "could"}:
            return True
        return bool(here & {"is", "are", "was", "were", "am", "do", "does"}) and (
            words[at].word.endswith("ing") or words[at].word in grammar("minded")
        )

    def _pointed_at(self) -> Iterator[Clue]:
        """ "It was they who left"."""
        for k in range(self.lo, self.hi - 2):
            if self.words[k].word == "it" and self.words[k + 1].word in ("is", "was"):
                whose = [self.whose(n) for n in range(k + 2, min(self.hi, k + 5))]
                clause = [one.word for one in self.words[k + 3 : min(self.hi, k + 8)]]
                if "other" in whose and ("that" in clause or "who" in clause):
                    yield Clue((k, k + 3), "blames")

    def _offers(self) -> Iterator[Clue]:
        """ "Announced a seven-point plan": a plan or a truce is all that is said, so it is held out."""
        first = self.words[self.lo].word if self.lo < self.hi else ""
        at = next((k for k in range(self.lo, min(self.hi, self.lo + 6)) if self.words[k].word in grammar("offered")), None)
        plain = at is not None and not any(one.word in grammar("finite") for one in self.words[self.lo : min(self.hi, at + 6)])
        if at is not None and plain and (first in ("a", "an", "its", "his", "her", "their", "new") or first.isdigit()):
            yield Clue((at, at + 1), "open", 0.6)

    def _praise(self, span: Range) -> Iterator[Clue]:
        """ "We welcome the plan"; "no, thank you" and "thanks, but no" decline it."""
        around = (*self.words[max(self.lo, span[0] - 1) : span[0]], *self.words[span[1] : min(self.hi, span[1] + 3)])
        if self.words[span[0]].word.startswith("thank") and any(one.word == "no" for one in around):
            yield Clue(span, "rejects")
        elif not self._negated(span) and not self._awaited(span):
            yield Clue(span, "open", 0.6)

    def _awaited(self, span: Range) -> bool:
        """ "The talks are expected to begin on Friday": a schedule, nobody's hope."""
        before = self.words[span[0] - 1].word if span[0] > self.lo else ""
        return self._phrase(span) == "expected" and before in ("is", "are", "was", "were", "be", "been", "also", "widely")

    def _talked_over(self, at: int) -> bool:
        """ "We discussed ways to make peace"."""
        return any(one.word in grammar("discussed") for one in self.words[max(self.lo, at - NEAR) : at])

    def _absence(self, span: Range) -> Iterator[Clue]:
        """ "We will not attend"."""
        whose = self.doer(span)
        past = {"did", "didn't", "had", "hadn't", "has", "hasn't", "was", "wasn't"}.intersection(
            one.word for one in self.words[max(self.lo, span[0] - 4) : span[0]]
        )
        if self._negated(span) and whose not in ("other", "together") and not (past and not whose):
            yield Clue(span, "rejects")

    # Conditions and demands

    def _conditions(self, taken: Sequence[Range]) -> Iterator[Clue]:
        for span in self._found("conditional"):
            weight = self._condition(span, taken)
            if weight:
                yield Clue(span, "conditional", weight)
        yield from (Clue(span, "conditional", 0.5) for span in self._found("soft"))
        if self.verb.kind in _REQUEST:
            yield from (Clue(span, "conditional", 0.7) for span in self._found("demands"))
        yield from self._indispensable()
        for k in range(self.lo + 1, self.hi):
            if self.words[k].word == "after" and any(one.word in ("can", "could") for one in self.words[max(self.lo, k - 3) : k]):
                yield Clue((k, k + 1), "conditional")

    def _condition(self, span: Range, taken: Sequence[Range]) -> float:
        """How much a word makes what is said depend on something: nothing where it only looks like a condition."""
        phrase = self._phrase(span)
        made = any(one.word.startswith("creat") for one in self.words[max(self.lo, span[0] - 2) : span[0]])
        if ("condition" in phrase or "requirement" in phrase) and (
            made or self._negated(span) or self._phrase((span[1], min(self.hi, span[1] + 2))) == "of anonymity"
        ):
            return 0.0
        if phrase in ("condition", "conditions"):
            return 0.5
        if phrase not in _DOUBTFUL:
            return 1.0
        return _DOUBTFUL[phrase](self, span, self.words[span[1]], taken) if span[1] < self.hi else 0.0

    def _consequences(self) -> Iterator[Clue]:
        """ "First they leave, then we talk", "we shall sign after they have left", "should they go on, there can be no talks"."""
        promised = any(one.word in grammar("future") for one in self.words[self.lo : self.hi])
        yield from self._proportions()
        for k in range(self.lo, self.hi - 2):
            word = self.words[k].word
            fulfilled = promised and word in grammar("sequels") and self._fulfilled(k)
            if (
                fulfilled
                or self._inverted(k)
                or (word == "then" and self._follows(k))
                or (word == "first" and self._comes_first(k))
            ):
                yield Clue((k, k + 1), "conditional")

    def _proportions(self) -> Iterator[Clue]:
        """ "The longer it goes on, the harder it will be"."""
        found = [k for k in range(self.lo, self.hi - 1) if self.words[k].word == "the" and self._compared(k + 1)]
        yield from (Clue((a, a + 2), "conditional") for a, b in pairwise(found) if 2 < b - a <= 2 * FAR)

    def _compared(self, k: int) -> bool:
        """Whether "the" before a word makes it "the sooner": no noun follows it at once."""
        return self.words[k].word in grammar("comparatives")

    def _inverted(self, k: int) -> bool:
        """ "Should they leave", "were Japan to lift its ban"."""
        word, after = self.words[k].word, self.words[k + 1]
        if word not in ("should", "were", "had"):
            return False
        to = word == "were" and after.capital and "to" in (self.words[k + 2].word, self.words[min(k + 3, self.hi - 1)].word)
        return to or (self._breaks(k) and (after.capital or after.word in grammar("clause_openers")))

    def _follows(self, k: int) -> bool:
        """ "Lift the sanctions, then we talk"."""
        before = (one.word for one in self.words[max(self.lo, k - 2 * FAR) : k])
        return self._breaks(k) and any(one in ("first", "let", "lift", "stop") for one in before)

    def _comes_first(self, k: int) -> bool:
        """ "They must leave first"."""
        return k > self.lo and self._breaks(k + 1) and self.words[k - 1].word not in grammar("before_first")

    def _breaks(self, k: int) -> bool:
        """Whether a clause begins at a word."""
        return k in (self.lo, self.hi) or "," in self.words[k].gap or not HARD.isdisjoint(self.words[k].gap)

    def _fulfilled(self, k: int) -> bool:
        """Whether a clause after "when", "after" or "before" is about what somebody else is to have done: "after they have left"."""
        clause = []
        for n in range(k + 1, min(self.hi, k + 9)):
            if HARD.intersection(self.words[n].gap):
                break
            clause.append(n)
        own = any(self.whose(n) == "own" or self.words[n].word in ("he", "she") for n in clause[:2])
        return not own and any(self.words[n].word in ("has", "have", "had") for n in clause[1:])

    def _if(self, span: Range, after: Token, taken: Sequence[Range]) -> float:
        """ "Even if", "if necessary"; "if they do not want to talk" is a reproach; "if we go on so" is a prospect."""
        before = self.words[span[0] - 1].word if span[0] > self.lo else ""
        asked = span[0] == self.lo and self.verb.lemma in ("ask", "wonder", "say", "tell")
        if (
            before in grammar("before_idle_if")
            or after.word in grammar("idle_if")
            or (asked and self.verb.lemma in ("ask", "wonder"))
        ):
            return 0.0
        last = min(self.hi, span[1] + 2 * FAR)
        end = next(
            (k for k in range(span[1] + 1, last) if HARD.intersection(self.words[k].gap) or "," in self.words[k].gap), last
        )
        clause = replace(self, lo=span[0], hi=end)
        if any(clause.doer(one) == "other" for one in taken if span[1] <= one[0] < end) or clause._unwilling():  # noqa: SLF001
            return 0.0
        return 0.4 if after.word == "we" else 1.0

    def _unwilling(self) -> bool:
        return any(self._negated(span) and self.doer(span) == "other" for span in self._found("open"))

    def _until(self, span: Range, after: Token, _: Sequence[Range]) -> float:
        """ "No talks until they leave"; not "we shall go on until peace comes", nor "until Monday"."""
        around = self.kinds["negations"].search(self.words, max(self.lo, span[0] - FAR), min(self.hi, span[1] + 2 * FAR))
        return 1.0 if around and after.word not in grammar("idle_until") and not after.word.isdigit() else 0.0

    def _as_soon(self, span: Range, after: Token, _: Sequence[Range]) -> float:
        """ "As soon as they leave"; not "as soon as possible", "as long as it takes"."""
        clause = [one.word for one in self.words[span[1] : min(self.hi, span[1] + NEAR)]]
        takes = clause[:2] in (["it", "takes"], ["it", "took"]) or bool({"can", "could", "possible"}.intersection(clause))
        return 0.0 if takes or after.word in grammar("idle_if") or after.word == "we" else 1.0

    def _when(self, span: Range, after: Token, _: Sequence[Range]) -> float:
        """ "We are ready when they are"; not "when asked"."""
        before = self.words[max(self.lo, span[0] - FAR) : span[0]]
        if before and before[-1].word in grammar("before_idle_if"):
            return 0.0
        held_out = any(one.word in grammar("held_out") for one in before)
        return 1.0 if held_out and (after.word in grammar("clause_openers") or after.capital) else 0.0

    def _once(self, _: Range, after: Token, __: Sequence[Range]) -> float:
        """ "Once they leave"; not "once again"."""
        return 1.0 if after.word in grammar("clause_openers") or after.capital else 0.0

    def _indispensable(self) -> Iterator[Clue]:
        """ "Without guarantees there can be no truce"; "talks without us are impossible" is something else."""
        for k in range(self.lo, self.hi - 1):
            if self.words[k].word != "without":
                continue
            near = self.words[k + 1 : min(self.hi, k + 12)]
            denied = any(one.word in ("no", "cannot", "impossible", "can't", "won't") for one in near) or (
                k > self.lo and self.words[k - 1].word == "impossible"
            )
            own = any(self.whose(n) == "own" for n in range(k + 1, min(self.hi, k + 4)))
            if denied and not own:
                yield Clue((k, k + 2), "conditional")

    def _obligations(self) -> Iterator[Clue]:
        """ "Talks must begin" is openness, "talks must take account of …" a condition; what one owes oneself is neither."""
        for span in self._found("obligations"):
            at = span[1]
            while at < self.hi and (self.words[at].word.endswith("ly") or self.words[at].word in grammar("adverbs")):
                at += 1
            before = self.words[span[0] - 1].word if span[0] > self.lo else ""
            if at >= self.hi or before in grammar("relatives") or self._begins("idle", at):
                continue
            whose = self._debtor(span[0])
            if self._asked_whether(span[0]):
                continue
            negated = any(one.word == "not" for one in self.words[span[1] : at])
            stops = self.words[at].word in ("stop", "cease") and whose == "other"
            if self.words[span[0]].word == "should" and not whose and not self._agreeable(span[0]):
                continue
            if (self._begins("peaceful", at) or whose == "together") and not negated and not stops:
                yield Clue((span[0], at + 1), "open", 0.6)
            elif whose != "own":
                yield Clue((span[0], at + 1), "conditional", 0.7)

    def _debtor(self, at: int) -> str:
        """Whose duty it is; "Gantz's departure" is nobody's."""
        near = range(at - 1, max(self.lo, at - 5) - 1, -1)
        return next((found for k in near if self.words[k + 1].word != "'s" and (found := self.whose(k))), "")

    def _asked_whether(self, at: int) -> bool:
        """ "Whether the summit should still be held"."""
        return any(one.word == "whether" for one in self.words[max(self.lo, at - 2 * FAR) : at])

    def _agreeable(self, at: int) -> bool:
        """Whether what "should" is said of is what one agrees on: talks, a plan."""
        return any(one.word in grammar("agreeable") for one in self.words[max(self.lo, at - FAR) : at]) or at == self.lo

    def _begins(self, kind: str, at: int) -> bool:
        return any(a == at for a, _ in self.kinds[kind].search(self.words, at, min(self.hi, at + 2)))

    # Negation

    def _negated(self, span: Range) -> bool:
        """Whether an odd number of negations stands shortly before, in the same clause; "neither … nor" is one and reaches far."""
        words = self.words
        if words[span[0]].word in _ITSELF_NEGATED:
            return False
        start = max(self.lo, span[0] - FAR)
        for k in range(span[0], start, -1):
            if any(mark in words[k].gap for mark in ",;:.—–") or words[k].word == "but":
                start = k
                break
        near = max(start, span[0] - NEAR)
        found = [words[a].word for a, _ in self.kinds["negations"].search(words, near, span[0]) if not self._merely(a, span[0])]
        found += [
            one.word for one in words[span[1] : min(self.hi, span[1] + 1)] if one.word in ("no", "none", "nobody", "nothing")
        ]
        far = [words[k].word for k in range(start, near) if words[k].word in grammar("sweeping")]
        far += [words[k].word for k in range(start, near) if words[k].word in grammar("thinking") and self._denied(k)]
        count = len(found) + len(far) - ("neither" in far + found and "nor" in found)
        return count % 2 == 1

    def _denied(self, k: int) -> bool:
        """ "I do not think that …": said of the thinking, meant of the thought."""
        return any(self._negation(n) for n in range(max(self.lo, k - 2), k))

    def _negation(self, k: int) -> bool:
        return self.words[k].word == "not" or self.words[k].word.endswith("n't")

    def _merely(self, at: int, of: int) -> bool:
        """ "Not only", "no doubt": no negation at all; and "without" is one of the next words alone."""
        after = self.words[at + 1].word if at + 1 < self.hi else ""
        if self.words[at].word == "without":
            return of - at > 2
        if self.words[at].word == "no" and of - at > 4:
            return True
        if self.words[at].word.startswith("den") and at > self.lo and self.words[at - 1].word in ("nor", "or"):
            return True
        if (
            any(one.word in grammar("questions") for one in self.words[at + 1 : min(of, at + 4)])
            or self._phrase((at, min(self.hi, at + 2))) == "neither confirm"
        ):
            return True
        return after in grammar("merely")


_DOUBTFUL: Mapping[str, Callable[[Content, Range, Token, Sequence[Range]], float]] = {
    "if": Content._if,  # noqa: SLF001 - a table of its own methods
    "until": Content._until,  # noqa: SLF001
    "when": Content._when,  # noqa: SLF001
    "provided": Content._once,  # noqa: SLF001
    "once": Content._once,  # noqa: SLF001
    "as soon as": Content._as_soon,  # noqa: SLF001
    "as long as": Content._as_soon,  # noqa: SLF001
    "so long as": Content._as_soon,  # noqa: SLF001
}


@cache
def _company() -> Mapping[str, Mapping[str, frozenset[str]]]:
    return {
        phrase: {where: frozenset(one.get(where, ())) for where in ("near", "far", "after", "ahead")}
        for phrase, one in table("stance_grammar")["company"].items()
    }


def _outside(spans: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    inside = {k for a, b in others for k in range(a, b)}
    return [span for span in spans if span[0] not in inside]
