"""Dates as news writes them, resolved against the day of the article: "on Friday", "this weekend", "in June", "June 15-16".

Only what is said is resolved: a day is `2024-06-15`, a range `2024-06-15/2024-06-16`, a week or a month its first and last day.
Without a day to count from, a relative date is known to be there but has no value.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rules.fold import Token

WEEKDAYS = {name: n for n, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())}
MONTHS = {
    name: n
    for n, name in enumerate("january february march april may june july august september october november december".split(), 1)
}
MONTHS |= {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
SEASONS = frozenset("spring summer autumn fall winter".split())
_UNITS = {"day", "days", "week", "weeks", "month", "months", "year", "years", "hours", "weekend"}
# What a date may begin with, besides a number: most words do not, and are not looked at further.
_FIRST = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *"today tonight tomorrow yesterday later earlier coming next following last this past in".split(),
        *"a two three four five six several few weeks days months".split(),
    )
)
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\Z")
_YEAR = re.compile(r"(?:19|20)\d\d\Z")


@dataclass(frozen=True, slots=True)
class Dated:
    """A date in a text: its words, its value if it can be told, and whether it lies ahead ("future"), behind ("past") or either ("")."""

    lo: int
    hi: int
    sense: str
    value: str | None = None
    weekday: bool = False
    bare: bool = False
    """Whether it is a month or a day of a month without its year: which year is for the reader to tell."""


def find(words: Sequence[Token], lo: int, hi: int, day: date | None, sense: str = "") -> list[Dated]:
    """Every date in words[lo:hi]. `sense` says which way a bare "Friday" or "June" points; without it, to the nearer one."""
    found: list[Dated] = []
    i = lo
    while i < hi:
        word = words[i].word
        one = _at(words, i, hi, day, sense) if word in _FIRST or word[0].isdigit() else None
        if one is None:
            i += 1
            continue
        found.append(one)
        i = one.hi
    return found


def _at(words: Sequence[Token], i: int, hi: int, day: date | None, sense: str) -> Dated | None:
    """The date that starts at word `i`; one beyond the ends of the calendar has no value."""
    try:
        return (
            _relative(words, i, hi, day)
            or _month(words, i, hi, day, sense)
            or _weekday(words, i, hi, day, sense)
            or _year(words, i, day)
        )
    except (OverflowError, ValueError):
        return _at(words, i, hi, None, sense) if day else None


def _word(words: Sequence[Token], i: int, hi: int) -> str:
    return words[i].word if i < hi else ""


def _span(start: date, end: date) -> str:
    return start.isoformat() if start == end else f"{start.isoformat()}/{end.isoformat()}"


def _relative(words: Sequence[Token], i: int, hi: int, day: date | None) -> Dated | None:  # noqa: C901 - one line a phrase
    a, b, c = (_word(words, i + k, hi) for k in range(3))
    near = {"today": (0, ""), "tonight": (0, "future"), "tomorrow": (1, "future"), "yesterday": (-1, "past")}
    if a in near:
        return Dated(i, i + 1, near[a][1], (day + timedelta(near[a][0])).isoformat() if day else None)
    if a in ("later", "earlier") and b in ("this", "in") and (c in _UNITS or c in SEASONS or c in MONTHS):
        return Dated(i, i + 3, "future" if a == "later" else "past", _period(c, 0, day) if c != "week" else _rest(day, a))
    if a in ("coming", "next", "following") and b in ("few", "two", "three", "several") and c in _UNITS:
        return Dated(i, i + 3, "future")
    if a == "coming" and b in _UNITS:
        return Dated(i, i + 2, "future", _period(b, 1, day) if b == "week" else None)
    if a in ("next", "last", "this", "coming", "past") and (b in _UNITS or b in SEASONS or b in WEEKDAYS or b in MONTHS):
        step = {"next": 1, "coming": 1, "last": -1, "past": -1, "this": 0}[a]
        sense = {1: "future", -1: "past", 0: ""}[step]
        return Dated(
            i, i + 2, "future" if (a, b) == ("this", "weekend") else sense, _next_or_last(b, step, day), weekday=b in WEEKDAYS
        )
    if a in ("ahead", "ago"):
        return None
    if a.isdigit() or a in ("a", "two", "three", "four", "five", "six", "several", "few", "weeks", "days", "months"):
        for k in (1, 2):
            if _word(words, i + k, hi) in ("ago", "earlier") and _word(words, i + k - 1, hi) in _UNITS:
                return Dated(i, i + k + 1, "past")
    if (
        a == "in"
        and b in ("a", "two", "three", "several", "few", "coming")
        and (c in _UNITS or _word(words, i + 3, hi) in _UNITS)
    ):
        return Dated(i, i + 4 if c not in _UNITS else i + 3, "future")
    return None


def _rest(day: date | None, which: str) -> str | None:
    """ "later this week": from today to its Sunday; "earlier this week": from its Monday to today."""
    if day is None:
        return None
    monday = day - timedelta(day.weekday())
    return _span(day, monday + timedelta(6)) if which == "later" else _span(monday, day)


def _next_or_last(unit: str, step: int, day: date | None) -> str | None:
    if day is None:
        return None
    if unit in WEEKDAYS:
        ahead = (WEEKDAYS[unit] - day.weekday()) % 7
        moved = ahead + (7 if step == 1 and ahead == 0 else -7 if step == -1 else 0)
        return (day + timedelta(moved)).isoformat()
    if unit in MONTHS:
        month = MONTHS[unit]
        year = day.year + (1 if step == 1 and month <= day.month else -1 if step == -1 and month >= day.month else 0)
        return _whole_month(year, month)
    return _period(unit, step, day)


def _period(unit: str, step: int, day: date | None) -> str | None:
    """A week, weekend, month or year as its first and last day."""
    if day is None:
        return None
    monday = day - timedelta(day.weekday())
    if unit == "week":
        return _span(monday + timedelta(7 * step), monday + timedelta(7 * step + 6))
    if unit == "weekend":
        return _span(monday + timedelta(7 * step + 5), monday + timedelta(7 * step + 6))
    if unit == "month":
        year, month = divmod(day.year * 12 + day.month - 1 + step, 12)
        return _whole_month(year, month + 1)
    if unit == "year":
        return _span(date(day.year + step, 1, 1), date(day.year + step, 12, 31)) if 1 < day.year + step < 9999 else None
    if unit in MONTHS:
        return _whole_month(day.year, MONTHS[unit])
    return None


def _whole_month(year: int, month: int) -> str:
    return _span(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))


def _month(words: Sequence[Token], i: int, hi: int, day: date | None, sense: str) -> Dated | None:
    """ "June 15", "June 15-16, 2024", "15 June", "the 15th of June", "in June", "June 2024"."""
    at, first = i, None
    number = _DAY.match(_word(words, i, hi))
    if number and 1 <= int(number[1]) <= 31:
        first = int(number[1])
        at = i + (2 if _word(words, i + 1, hi) == "of" else 1)
    month = MONTHS.get(_word(words, at, hi)) if at < hi and words[at].capital else None
    if month is None or (words[at].word == "may" and first is None and not _month_context(words, at, hi)):
        return None
    if i > 0 and words[i - 1].word == "that":
        return Dated(i, at + 1, "past")  # "in Paris that December": a month of the story's own time
    end = at + 1
    last = first
    if first is None:
        number = _DAY.match(_word(words, end, hi))
        if number and 1 <= int(number[1]) <= 31:
            first = last = int(number[1])
            end += 1
            if _word(words, end, hi) in ("to", "and") and _DAY.match(_word(words, end + 1, hi)):
                end += 1
            number = _DAY.match(_word(words, end, hi))
            joined = number and (words[end].gap.strip() in ("-", "–", "—") or words[end - 1].word in ("to", "and"))
            if number and joined and first < int(number[1]) <= 31:
                last = int(number[1])
                end += 1
    year = int(words[end].word) if end < hi and _YEAR.match(words[end].word) and words[end].gap.strip() in ("", ",") else None
    end += year is not None
    return _dated(i, end, month, first, last, year, day, sense)


def _month_context(words: Sequence[Token], at: int, hi: int) -> bool:
    before = words[at - 1].word if at else ""
    return before in ("in", "by", "until", "since", "last", "next", "late", "early", "mid", "of", "for") or bool(
        _DAY.match(_word(words, at + 1, hi))
    )


def _dated(  # noqa: PLR0913, PLR0917 - the parts of a date
    lo: int, hi: int, month: int, first: int | None, last: int | None, year: int | None, day: date | None, sense: str
) -> Dated | None:
    said = year is not None
    if year is None and day is None:
        return Dated(lo, hi, "")
    try:
        if year is None:
            assert day is not None
            years = [day.year - 1, day.year, day.year + 1]
            starts = [date(y, month, min(first or 1, calendar.monthrange(y, month)[1])) for y in years]
            ahead = [d for d in starts if d >= (day if first else day.replace(day=1))]
            behind = [d for d in starts if d <= day]
            chosen = ahead[0] if sense == "future" else behind[-1] if sense == "past" else min(starts, key=lambda d: abs(d - day))
            year = chosen.year
        if first is None:
            value = _whole_month(year, month)
            start, end = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        else:
            start, end = date(year, month, first), date(year, month, last or first)
            value = _span(start, end)
    except ValueError:
        return None
    told = "" if day is None else "future" if start > day else "past" if end < day else ""
    return Dated(lo, hi, told, value, bare=not said)


def _year(words: Sequence[Token], i: int, day: date | None) -> Dated | None:
    """ "in 2019", "a 2027 summit": a year that is not the article's."""
    if day is None or not _YEAR.match(words[i].word) or i == 0 or words[i - 1].word not in _BEFORE_YEARS:
        return None
    year = int(words[i].word)
    if year == day.year:
        return None
    return Dated(i, i + 1, "future" if year > day.year else "past", _span(date(year, 1, 1), date(year, 12, 31)))


_BEFORE_YEARS = frozenset("in a the an since by of until during early late mid before after".split())


def _weekday(words: Sequence[Token], i: int, hi: int, day: date | None, sense: str) -> Dated | None:
    word = _word(words, i, hi)
    if word not in WEEKDAYS or not words[i].capital:
        return None
    named = _month(words, i + 1, hi, day, sense) if i + 1 < hi and words[i + 1].gap.strip() in ("", ",") else None
    if named is not None and named.value is not None and "/" not in named.value:
        return replace(named, lo=i)  # "Thursday, May 16, 2024"
    if day is None:
        return Dated(i, i + 1, "", weekday=True)
    ahead = (WEEKDAYS[word] - day.weekday()) % 7
    back = ahead - 7 if ahead else 0
    moved = back if sense == "past" else ahead
    return Dated(i, i + 1, "", (day + timedelta(moved)).isoformat(), weekday=True)
