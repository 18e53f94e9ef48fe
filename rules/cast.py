"""Who speaks in an article, for one list of who: names, titles and pronouns resolved in reading order.

A source is listed (on the list, or in one of its offices) or somebody else; both are remembered, so that "he" after Zelensky is
Zelensky and not the last Russian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rules.attribution import Range, Report, reports, subject, words_of
from rules.data import table
from rules.fold import Token, fold
from rules.names import Names
from rules.reading import Reading, Section, Sentence
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
        self.speakers: dict[int, Who | None] = {}
        self.reports = reports(reading)
        found = _in_order(reading, self.reports)
        for _ in range(2):  # the second time with what the whole article told: "the Russian diplomat said" after "Galuzin said"
            self._person = self._institution = None
            for item in found:
                if isinstance(item, Report):
                    self.speakers[id(item)] = self._speaker(item)
                else:
                    self._remember(self._resolve(item, subject(item)))
        self._look_ahead([item for item in found if isinstance(item, Report)])

    def who(self, report: Report) -> Who | None:
        """Who says it; None where nobody can be made out."""
        return self.speakers.get(id(report))

    def _speaker(self, report: Report) -> Who | None:
        if report.inherited is not None:
            return self.speakers.get(id(report.inherited))
        who = self._resolve(report.sentence, report.source)
        if who is not None and not who.listed and who.offices and self._told_to_own(report):
            who = self._promote(who)
        self._remember(who)
        return who

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
        if hi - lo == 1 and words[lo].word in ("he", "she"):
            return self._pronoun(words[lo])
        if hi - lo == 1 and words[lo].word in ("it", "they"):
            return self._institution if words[lo].word == "it" else None
        return self._listed(sentence.section, lo, hi) or self._officer(sentence.section, lo, hi) or _other(sentence.section, lo, hi, self._known)

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
                continue
            if not one.name.person and one.lo > lo and words[one.lo - 1].capital and words[one.lo - 1].word not in ("the", "in"):
                if words[one.lo - 1].word not in ("and",) and one.hi - one.lo == 1 and not _adjective(words[one.lo - 1]):
                    continue  # "Radio Moscow", "Ekho Moskvy"
            return Who(one.name.name, True, one.name.person, section.hit(lo, hi).text, _offices(words, lo, hi), _gender(words, lo, hi, one.name.name))
        return None

    def _officer(self, section: Section, lo: int, hi: int) -> Who | None:
        """Somebody by office: named ("Russian Deputy Foreign Minister Andrei Rudenko") or not ("a Russian diplomat")."""
        words = section.words
        titles = self._names.titles.search(words, lo, hi) if self._names.offices else []
        offices = _offices(words, lo, hi)
        if not titles:
            return self._definite(words, lo, hi, offices)
        first, last = titles[0], titles[-1]
        name = _personal_name(words, last[1], hi)
        state = self._state(words, lo, hi, first, last)
        written = section.hit(lo, hi).text
        gender = _gender(words, lo, hi, section.hit(*name).text if name else "")
        if state == "other":
            shown = section.hit(*name).text if name else written
            return Who(shown, False, True, written, offices, gender, unnamed=not name)
        if name:
            known = self._known.get(words[name[1] - 1].word)
            if state or (known and known.listed):
                return Who(known.name if known and known.listed else section.hit(*name).text, True, True, written, offices, gender)
            return Who(section.hit(*name).text, False, True, written, offices, gender)
        person = not offices <= _BODIES
        if state:
            last_one = self._person
            if words[lo].word == "the" and person and last_one and last_one.offices and not (last_one.gender and gender and gender != last_one.gender):
                if last_one.listed or _may_be(last_one.offices, offices):
                    return last_one if last_one.listed else self._promote(last_one)
            shown = section.hit(lo + (words[lo].word in ("the", "a", "an")), hi).text
            return Who(shown, True, person, written, offices, gender, unnamed=True)
        return self._definite(words, lo, hi, offices)

    def _definite(self, words: list[Token], lo: int, hi: int, offices: frozenset[str]) -> Who | None:
        """"the spokesman": the last person who holds such an office."""
        last = self._person
        if words[lo].word in ("the", "his", "her") and hi - lo <= 4 and offices and last and not any(w.capital for w in words[lo + 1 : hi]):
            if last.offices & offices or _may_be(last.offices, offices):
                return last
        return None

    def _state(self, words: list[Token], lo: int, hi: int, first: Range, last: Range) -> str:
        """"own" where the office is of a state on the list, "other" where it is of another one, "" where nobody says."""
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
        """"Russia will not attend, a senior diplomat said": an unnamed office takes the name that the next reports give it."""
        for n, report in enumerate(own):
            if self.speakers.get(id(report)) is not None and self.speakers[id(report)].listed:  # type: ignore[union-attr]
                continue
            if report.source is None or report.within or not self._speaks_for_own(report):
                continue
            words, (lo, hi) = report.section.words, report.source
            offices = _offices(words, lo, hi)
            if not offices or words[lo].word not in ("a", "an", "one") or _nations().search(words, lo, hi):
                continue
            named = next((who for later in own[n + 1 : n + 3] if (who := self.speakers.get(id(later))) and who.listed and who.person), None)
            written = report.section.hit(lo, hi).text
            self.speakers[id(report)] = named or Who(report.section.hit(lo + 1, hi).text, True, True, written, offices, unnamed=True)

    def _speaks_for_own(self, report: Report) -> bool:
        """Whether what is said begins with the state itself: "Russia will not …, a diplomat said"."""
        for lo, hi in report.content:
            if any(a <= lo + 1 for a, _ in self._names.states.search(report.section.words, lo, min(hi, lo + 4))):
                return True
        return False


def _in_order(reading: Reading, found: list[Report]) -> list[Report | Sentence]:
    """Reports, and the sentences that have none, in reading order."""
    by_sentence: dict[int, list[Report]] = {}
    for report in found:
        by_sentence.setdefault(report.sentence.number, []).append(report)
    order: list[Report | Sentence] = []
    for sentence in reading.sentences:
        order += by_sentence.get(sentence.number, [sentence])
    return order


_BODIES = frozenset("ministry ministries embassy council government administration authorities parliament mission service committee agency "
                    "media newspaper television delegation sources officials authorities".split())


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
    while start > lo and words[start - 1].capital and not words[start - 1].word == "'s" and hi - start < 3:
        start -= 1
        if start < hi - 1 and any(mark in words[start + 1].gap for mark in (",",)):
            start += 1
            break
    if start > lo and words[start - 1].word in ("to", "of", "in", "at", "for") and start < end:
        start += 1 if end - start > 2 else end - start
    return (start, end) if start < end else None


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
    return Who(text, False, not _offices(words, lo, hi) <= _BODIES, text, _offices(words, lo, hi), _gender(words, lo, hi, ""), unnamed=True)


def _gender(words: list[Token], lo: int, hi: int, name: str) -> str:
    said = {word.word for word in words[lo:hi]}
    if said & _FEMALE:
        return "f"
    if said & _MALE:
        return "m"
    first = fold(name.split()[0]) if len(name.split()) > 1 else ""
    surname = fold(name.split()[-1]) if name else ""
    if surname.endswith(("ova", "eva", "ina", "skaya", "aya")) and first.endswith("a"):
        return "f"
    return "m" if first and not first.endswith("a") and surname.endswith(("ov", "ev", "in", "sky", "skiy", "ko")) else ""


_cache: dict[str, Terms] = {}


def _nations() -> Terms:
    """Every country and its adjectives."""
    if "nations" not in _cache:
        rows = table("demonyms")
        _cache["nations"] = terms([word for country, words in rows.items() for word in (country, *words)] + _CAPITALS)
    return _cache["nations"]


_CAPITALS = ["Kyiv", "Kiev", "Washington", "Beijing", "Berlin", "Paris", "London", "Ankara", "Tehran", "Minsk", "Brussels", "Warsaw",
             "White House", "Pentagon", "State Department", "NATO", "United Nations", "UN", "Tokyo", "Delhi", "Riyadh", "Moscow", "Kremlin"]


def _nations_of(words: list[Token], lo: int, hi: int) -> bool:
    return any(a > lo and words[a - 1].word in ("of", "for") for a, _ in _nations().search(words, lo, hi))


def _outlets(states: tuple[str, ...]) -> Terms:
    key = "outlets:" + ",".join(states)
    if key not in _cache:
        rows = table("outlets")
        _cache[key] = terms(outlet for state in states for outlet in rows.get(state, ()))
    return _cache[key]
