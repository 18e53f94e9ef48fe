"""Who speaks in an article, for one list of who: names, titles and pronouns resolved in reading order.

A source is listed (on the list, or in one of its offices) or somebody else; both are remembered, so that "he" after Zelensky is
Zelensky and not the last Russian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from rules.data import table
from rules.fold import Token, fold
from rules.names import Names
from rules.reading import Reading, Section, Sentence
from rules.speech.contents import Report
from rules.speech.phrases import Range, ends_clause, subject
from rules.speech.reports import reports
from rules.speech.verbs import words_of
from rules.terms import Terms, terms

_FEMALE = frozenset("spokeswoman chairwoman she her mrs ms madam queen".split())
_MALE = frozenset("spokesman chairman he his him mr king".split())
_MEN_IN_A = frozenset("nikita ilya luka foma kuzma sasha misha joshua ezra mustafa".split())


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who speaks. `name` is canonical where a list gives one; `listed` says whether we were asked to listen."""

    name: str
    listed: bool
    person: bool
    written: str
    offices: frozenset[str] = frozenset()
    gender: str = ""
    unnamed: bool = False


class Cast:
    """The speakers of one reading for one list."""

    def __init__(self, names: Names, reading: Reading) -> None:
        self._names = names
        self._known: dict[str, Who] = {}
        self._person: Who | None = None
        self._institution: Who | None = None
        self._subject = ""
        self.speakers: dict[int, Who | None] = {}
        self.reports = reports(reading)
        self._by_sentence: dict[int, list[Report]] = {}
        for report in self.reports:
            self._by_sentence.setdefault(report.sentence.number, []).append(report)
        found: list[Report | Sentence] = [item for one in reading.sentences for item in self._by_sentence.get(one.number, [one])]
        for _ in range(2):  # the second time with what the whole article told: "the Russian diplomat said" after "Galuzin said"
            self._person = self._institution = None
            self._subject = ""
            for item in found:
                if isinstance(item, Report):
                    self.speakers[id(item)] = self._speaker(item)
                else:
                    self._introduce(item)
        self._look_ahead([item for item in found if isinstance(item, Report)])

    def near(self, report: Report, back: int) -> list[Report]:
        """The other reports of its sentence (0), or those of the sentence before (1), of the same field."""
        found = self._by_sentence.get(report.sentence.number - back, [])
        return [one for one in found if one is not report and one.section is report.section]

    def who(self, report: Report) -> Who | None:
        """Who says it; None where nobody can be made out."""
        return self.speakers.get(id(report))

    def _speaker(self, report: Report) -> Who | None:
        if report.inherited is not None and (id(report.inherited) in self.speakers or report.source is None):
            return self.speakers.get(id(report.inherited))
        who = self._resolve(report.sentence, report.source)
        if who is not None and not who.listed and who.offices and self._told_to_own(report):
            who = self._promote(who)
        self._remember(who)
        return who

    def _introduce(self, sentence: Sentence) -> None:
        """A sentence without speech: its subject is whom "he" means next, and whose ministers "the minister" may be."""
        span = subject(sentence)
        self._remember(self._resolve(sentence, span))
        if span:
            words = sentence.section.words
            own = self._names.states.search(words, *span) if self._names.offices else []
            self._subject = "own" if own and own[0][0] <= span[0] + 1 else "other"

    def _remember(self, who: Who | None) -> None:
        if who is None:
            return
        if who.person:
            self._person = who
            if not who.unnamed:
                surname = fold(who.name.split()[-1])
                self._known[surname] = who if who.listed or not self._known.get(surname, who).listed else self._known[surname]
        else:
            self._institution = who

    def _promote(self, who: Who) -> Who:
        promoted = replace(who, listed=True)
        self._known[fold(who.name.split()[-1])] = promoted
        return promoted

    def _told_to_own(self, report: Report) -> bool:
        """Whether it was told to a news outlet of the state whose offices are on the list."""
        outlets = _outlets(tuple(state for office in self._names.offices for state in office.of))
        return bool(outlets.search(report.section.words, report.cue[1], min(report.sentence.hi, report.cue[1] + 12)))

    def _resolve(self, sentence: Sentence, source: Range | None) -> Who | None:
        if source is None:
            return None
        words, (lo, hi) = sentence.section.words, source
        comma = next((k for k in range(lo + 1, hi) if "," in words[k].gap), None)
        if comma is not None and not _offices(words, lo, comma) and _offices(words, comma, hi):
            return self._described(sentence, lo, comma, hi)
        if hi - lo == 1 and words[lo].word in ("he", "she"):
            return self._of_this_sentence(sentence, lo) or self._pronoun(words[lo])
        if hi - lo == 1 and words[lo].word in ("it", "they"):
            return self._institution if words[lo].word == "it" else None
        return (
            self._listed(sentence.section, lo, hi)
            or self._officer(sentence.section, lo, hi)
            or _other(sentence.section, lo, hi, self._known)
        )

    def _described(self, sentence: Sentence, lo: int, comma: int, hi: int) -> Who | None:
        """ "Vasily Nebenzya, Moscow's ambassador to the United Nations": the name by itself, else by the office that describes it."""
        named = self._resolve(sentence, (lo, comma))
        if named is None or named.listed:
            return named
        office = self._officer(sentence.section, comma, hi)
        return replace(named, listed=bool(office and office.listed), offices=_offices(sentence.section.words, comma, hi))

    def _of_this_sentence(self, sentence: Sentence, pronoun: int) -> Who | None:
        """ "Putin found fault with Kyiv: on his trip he said …": the person that the sentence is about."""
        span = subject(sentence)
        if span is None or span[1] > pronoun or sentence.section.words[span[0]].word in ("he", "she", "it", "they"):
            return None
        who = self._resolve(sentence, span)
        wanted = "f" if sentence.section.words[pronoun].word == "she" else "m"
        return who if who and who.person and who.listed and who.gender in ("", wanted) else None

    def _pronoun(self, token: Token) -> Who | None:
        wanted = "f" if token.word == "she" else "m"
        last = self._person
        if last is None or (last.gender and last.gender != wanted):
            return next((who for who in reversed(self._known.values()) if who.gender == wanted), None)
        return last

    def _listed(self, section: Section, lo: int, hi: int) -> Who | None:
        """A listed name that is the head of the source: not "Russia's rivals", "Moscow-backed", "envoy to Russia"."""
        words = section.words
        found = self._names.search(words, lo, hi)
        for one in reversed(found):
            after = words[one.hi].word if one.hi < hi else ""
            if (one.hi < hi and after != "and") or (one.hi < len(words) and words[one.hi].glued):
                continue
            if words[one.lo].glued and one.lo > 0 and words[one.lo].gap:
                continue
            before = [word.word for word in words[max(lo, one.lo - 2) : one.lo]]
            if one.lo > lo and any(word in ("of", "for", "to", "in", "at") for word in before):
                if (
                    set(before) & {"in", "of"}
                    and _offices(words, lo, one.lo) & _GOVERNMENT
                    and _offices(words, lo, one.lo) <= _GOVERNMENT
                ):
                    written = section.hit(lo + (words[lo].word == "the"), hi).text
                    return Who(written, True, False, written, _offices(words, lo, hi), unnamed=True)
                continue
            if words[one.lo - 1].word == "and" and any(w.word == "between" for w in words[max(0, one.lo - 12) : one.lo]):
                continue  # "the inquiry into dealings between X and Russia said"
            if one.lo > lo and not one.name.person and one.hi - one.lo == 1 and _part_of_a_name(words[one.lo - 1]):
                continue  # "Radio Moscow"
            return Who(
                one.name.name,
                True,
                one.name.person,
                section.hit(lo, hi).text,
                _offices(words, lo, hi),
                _gender(words, lo, hi, one.name.name),
            )
        return None

    def _officer(self, section: Section, lo: int, hi: int) -> Who | None:
        """Somebody by office: named ("Russian Deputy Foreign Minister Andrei Rudenko") or not ("a Russian diplomat")."""
        words = section.words
        titles = self._titles(words, lo, hi)
        offices = _offices(words, lo, hi)
        if not titles or not _is_head(words, titles[-1][1], hi):
            return self._aide(section, lo, hi) or self._definite(words, lo, hi, offices)
        first, last = titles[0], titles[-1]
        name = _personal_name(words, last[1], hi)
        state = (
            "other"
            if any(w.word in ("former", "ex", "onetime") for w in words[lo : first[0] + 1])
            else self._state(words, lo, hi, first, last)
        )
        written = section.hit(lo, hi).text
        gender = _gender(words, lo, hi, section.hit(*name).text if name else "")
        if state == "other":
            shown = section.hit(*name).text if name else written
            return Who(shown, False, True, written, offices, gender, unnamed=not name)
        if name:
            known = self._known.get(words[name[1] - 1].word)
            aide = None if state else self._aide(section, lo, hi)
            if aide:
                return aide
            if state or (known and known.listed):
                return Who(
                    known.name if known and known.listed else section.hit(*name).text, True, True, written, offices, gender
                )
            return Who(section.hit(*name).text, False, True, written, offices, gender)
        person = not offices <= _BODIES
        if state:
            last_one = self._person
            if (
                words[lo].word == "the"
                and person
                and last_one
                and last_one.offices
                and not (last_one.gender and gender and gender != last_one.gender)
            ) and (last_one.listed or _may_be(last_one.offices, offices)):
                return last_one if last_one.listed else self._promote(last_one)
            shown = section.hit(lo + (words[lo].word in ("the", "a", "an")), hi).text
            return Who(shown, True, person, written, offices, gender, unnamed=True)
        definite = self._definite(words, lo, hi, offices)
        anybody = bool(offices & _ANYBODY) or any(word.capital for word in words[lo + 1 : hi])
        own = self._subject == "own" and words[lo].word == "the" and not anybody
        if definite is None and own and not _nations().search(words, lo, hi):
            return Who(section.hit(lo + 1, hi).text, True, person, written, offices, gender, unnamed=True)
        return definite

    def _titles(self, words: list[Token], lo: int, hi: int) -> list[Range]:
        """Titles in a description, a nation inside them left aside: "senior Russian diplomat" is a senior diplomat."""
        if not self._names.offices:
            return []
        found = self._names.titles.search(words, lo, hi)
        inside = [k for k in range(lo, hi) if not _nations().search(words[k : k + 1])]
        if found or len(inside) == hi - lo:
            return found
        kept = [words[k] if n == 0 or k == inside[n - 1] + 1 else _joined(words[k]) for n, k in enumerate(inside)]
        return [(inside[a], inside[b - 1] + 1) for a, b in self._names.titles.search(kept, 0, len(kept))]

    def _aide(self, section: Section, lo: int, hi: int) -> Who | None:
        """ "Putin's envoy Kirill Dmitriev", "Kremlin aide Yuri Ushakov": whoever speaks for somebody on the list."""
        words = section.words
        if not self._names.offices:
            return None
        for one in self._names.search(words, lo, hi):
            k = one.hi + (one.hi < hi and words[one.hi].word == "'s")
            while k < hi and words[k].word in words_of("modifiers"):
                k += 1
            if k < hi and words[k].word in _AIDES and one.lo <= lo + 1:
                name = _personal_name(words, k + 1, hi)
                shown = section.hit(*name).text if name else section.hit(lo + (words[lo].word == "the"), hi).text
                return Who(
                    shown,
                    True,
                    True,
                    section.hit(lo, hi).text,
                    _offices(words, lo, hi),
                    _gender(words, lo, hi, shown),
                    unnamed=not name,
                )
        return None

    def _definite(self, words: list[Token], lo: int, hi: int, offices: frozenset[str]) -> Who | None:
        """ "the spokesman": the last person who holds such an office."""
        last = self._person
        if (
            words[lo].word in ("the", "his", "her")
            and hi - lo <= 4
            and offices
            and last
            and not any(w.capital for w in words[lo + 1 : hi])
        ):
            known = last.offices | self._known_offices(last)
            gender = _gender(words, lo, hi, "")
            if last.gender and gender and gender != last.gender:
                return None
            if known & offices or _may_be(known, offices) or (not known and not offices <= _BODIES):
                return last
        return None

    def _known_offices(self, who: Who) -> frozenset[str]:
        """The offices that the list's own words give somebody: Putin is a president by "Russian president"."""
        entry = next((name for name in self._names.names if name.name == who.name), None)
        return frozenset(
            word
            for written in (entry.written if entry else ())
            for word in written.lower().split()
            if word in words_of("offices")
        )

    def _state(self, words: list[Token], lo: int, hi: int, first: Range, last: Range) -> str:
        """ "own" where the office is of a state on the list, "other" where it is of another one, "" where nobody says."""
        own = self._names.states
        for a, b in own.search(words, lo, hi):
            before = words[a - 1].word if a > lo else ""
            if a >= last[1] and before not in ("of", "for") and not (before == "the" and words[a - 2].word in ("of", "for")):
                continue
            if b < len(words) and words[b].glued and b < hi:
                continue
            return "own"
        return "other" if _nations().search(words, lo, first[0]) or _nations_of(words, last[1], hi) else ""

    def _look_ahead(self, own: list[Report]) -> None:
        """ "Russia will not attend, a senior diplomat said": an unnamed office takes the name that the next reports give it."""
        for n, report in enumerate(own):
            if self.speakers.get(id(report)) is not None and self.speakers[id(report)].listed:  # type: ignore[union-attr]
                continue
            if report.source is None or report.within or not self._speaks_for_own(report):
                continue
            words, (lo, hi) = report.section.words, report.source
            offices = _offices(words, lo, hi)
            if not offices or offices & _ANYBODY or words[lo].word not in ("a", "an", "one") or _nations().search(words, lo, hi):
                continue
            named = next(
                (who for later in own[n + 1 : n + 3] if (who := self.speakers.get(id(later))) and who.listed and who.person), None
            )
            written = report.section.hit(lo, hi).text
            self.speakers[id(report)] = named or Who(
                report.section.hit(lo + 1, hi).text, True, True, written, offices, unnamed=True
            )

    def _speaks_for_own(self, report: Report) -> bool:
        """Whether what is said begins with the state itself: "Russia will not …, a diplomat said"."""
        return any(
            any(a <= lo + 1 for a, _ in self._names.states.search(report.section.words, lo, min(hi, lo + 4)))
            for lo, hi in report.content
        )


_GOVERNMENT = frozenset("ministry ministries government authorities administration council embassy".split())
_ANYBODY = frozenset("president premier leader leaders official officials source sources king".split())
_AIDES = frozenset("aide envoy adviser advisor spokesman spokeswoman spokesperson negotiator representative".split())
_BODIES = frozenset(
    "ministry ministries embassy council government administration authorities parliament mission service committee agency "
    "media newspaper television delegation sources officials authorities".split()
)


def _joined(token: Token) -> Token:
    return replace(token, gap=" ")


def _is_head(words: list[Token], k: int, hi: int) -> bool:
    """Whether a title that ends before word `k` is what the description comes to: a name or "of …" may follow, no other noun."""
    for word in words[k:hi]:
        if word.word in ("of", "for", "to", "in", "at", "'s") or ends_clause(words, k):
            return True
        if not word.capital or word.caps:
            return word.word in ("the", "a", "on", "and") or word.word in words_of("offices")
    return True


def _may_be(known: frozenset[str], said: frozenset[str]) -> bool:
    """Whether somebody with these offices can be called so: a deputy minister is a diplomat, anybody is an official."""
    people = said - _BODIES
    loose = {"diplomat", "official", "envoy", "politician", "leader"}
    return bool(known & people) or (bool(people & loose) and bool(known - _BODIES))


def _offices(words: list[Token], lo: int, hi: int) -> frozenset[str]:
    return frozenset(word.word for word in words[lo:hi] if word.word in words_of("offices"))


def _personal_name(words: list[Token], lo: int, hi: int) -> Range | None:
    """The name after a title: the last one to three capitalised words, a place after "to" left aside."""
    end = hi
    start = hi
    while start > lo and words[start - 1].capital and words[start - 1].word != "'s" and hi - start < 3:
        start -= 1
        if start < hi - 1 and any(mark in words[start + 1].gap for mark in (",",)):
            start += 1
            break
    if start > lo and words[start - 1].word in ("to", "of", "in", "at", "for") and start < end:
        start += 1 if end - start > 2 else end - start
    return (start, end) if start < end else None


def _part_of_a_name(before: Token) -> bool:
    """Whether a capitalised word before an institution makes it another one's name."""
    return before.capital and before.word not in ("the", "in", "and") and not _adjective(before)


def _adjective(token: Token) -> bool:
    return bool(_nations().search([token]))


def _other(section: Section, lo: int, hi: int, known: dict[str, Who]) -> Who | None:
    """Somebody who is not on the list, or is by a surname that the article introduced."""
    words = section.words
    name = _personal_name(words, lo, hi)
    if name:
        before = known.get(words[name[1] - 1].word)
        if before is not None:
            return before
        text = section.hit(*name).text
        place = bool(_nations().search(words, name[0], name[1]))
        return Who(text, False, not place, section.hit(lo, hi).text, _offices(words, lo, hi), _gender(words, lo, hi, text))
    text = section.hit(lo, hi).text
    return Who(
        text,
        False,
        not _offices(words, lo, hi) <= _BODIES,
        text,
        _offices(words, lo, hi),
        _gender(words, lo, hi, ""),
        unnamed=True,
    )


def _gender(words: list[Token], lo: int, hi: int, name: str) -> str:
    said = {word.word for word in words[lo:hi]}
    if said & _FEMALE:
        return "f"
    if said & _MALE:
        return "m"
    first = fold(name.split(maxsplit=1)[0]) if len(name.split()) > 1 else ""
    surname = fold(name.rsplit(maxsplit=1)[-1]) if name else ""
    if surname.endswith(("ova", "eva", "ina", "skaya", "aya")) and first.endswith("a"):
        return "f"
    return "m" if first and not first.endswith("a") and surname.endswith(("ov", "ev", "in", "sky", "skiy", "ko")) else ""


@cache
def _nations() -> Terms:
    """Every country and its adjectives."""
    return terms([word for country, words in table("demonyms").items() for word in (country, *words)] + _CAPITALS)


_CAPITALS = [
    "Kyiv",
    "Kiev",
    "Washington",
    "Beijing",
    "Berlin",
    "Paris",
    "London",
    "Ankara",
    "Tehran",
    "Minsk",
    "Brussels",
    "Warsaw",
    "White House",
    "Pentagon",
    "State Department",
    "NATO",
    "United Nations",
    "UN",
    "Tokyo",
    "Delhi",
    "Riyadh",
    "Moscow",
    "Kremlin",
]


def _nations_of(words: list[Token], lo: int, hi: int) -> bool:
    return any(a > lo and words[a - 1].word in ("of", "for") for a, _ in _nations().search(words, lo, hi))


@cache
def _outlets(states: tuple[str, ...]) -> Terms:
    """The news outlets of some states."""
    return terms(outlet for state in states for outlet in table("outlets").get(state, ()))
