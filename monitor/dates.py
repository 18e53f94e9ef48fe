"""Reads a date as feeds and pages write it, and says how far it can be believed. Pure, linear in a short text, and no guess.

Read are RFC 822 with its usual mistakes, ISO 8601 in its basic and extended forms, epochs, and the dates of people in a dozen
languages. What could mean two days, such as 01/07/2026, is unreadable: a wrong date is worse than none. A zone that several
countries call by one name, such as IST, counts as none; CST and its like are American, as RFC 822 has it, and BST is British.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone

OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing was published on the web before: an earlier date is a wrong one."""
LONGEST = 120
"""Characters of a date; what is longer is none."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A date as it was stated: UTC, or None, and then `dating` says why. `dating` is a word of rules.article.DATINGS."""

    at: datetime | None
    dating: str


ABSENT = Stated(None, "absent")
UNREADABLE = Stated(None, "unreadable")
IMPLAUSIBLE = Stated(None, "implausible")


def read(text: str) -> Stated:
    """What the text says: `stated`, `zoneless` (taken as UTC; a day alone is its beginning), or why it is no date.

    Never `future`: that is for those to say who know what time it is.
    """
    said = unicodedata.normalize("NFKC", text[: LONGEST + 1]).strip()
    if not said:
        return ABSENT
    if len(text.strip()) > LONGEST:
        return UNREADABLE
    try:
        at, zoned = _epoch(said) or _written(said)
        when = at.astimezone(UTC)
    except OverflowError:
        return IMPLAUSIBLE
    except ValueError:
        return UNREADABLE
    return Stated(when, "stated" if zoned else "zoneless") if when >= OLDEST else IMPLAUSIBLE


# Numbers.

_SECONDS = re.compile(r"[0-9]{9,10}(\.[0-9]{1,9})?|0")
_THOUSANDTHS = re.compile(r"[0-9]{12,13}(\.0+)?")
_COMPACT = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})(0[1-9]|1[0-2])([0-3][0-9])(?:[Tt ]?([0-2][0-9])([0-5][0-9])([0-6][0-9])?)?(?![0-9])"
)


def _epoch(said: str) -> tuple[datetime, bool] | None:
    if _SECONDS.fullmatch(said):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(said)), True
    if _THOUSANDTHS.fullmatch(said) and not _COMPACT.fullmatch(said):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=float(said)), True
    return None


# Words.

_MONTHS = """
january jan janeiro janvier januar jänner enero gennaio stycznia styczeń января январь січня січень januari ocak
february fev fevereiro février februar feber febrero febbraio lutego luty февраля февраль лютого лютий februari şubat
march mar março mars märz maerz mrz marzo marca marzec марта март березня березень maart mrt mart
april avril abril aprile kwietnia kwiecień апреля апрель квітня квітень nisan
may mai maio mayo maggio maja май мая травня травень mei mayıs
june junho juin juni junio giugno czerwca czerwiec июня июнь червня червень haziran
july julho juillet juli julio luglio lipca lipiec июля июль липня липень temmuz
august agosto août aout sierpnia sierpień августа август серпня серпень augustus ağustos
september sept setembro septembre septiembre setiembre settembre września wrzesień сентября сентябрь вересня вересень eylül
october oct outubro octobre oktober octubre ottobre października październik октября октябрь жовтня жовтень ekim
november novembro novembre noviembre listopada listopad ноября ноябрь листопада листопад kasım
december dezembro décembre dezember diciembre dicembre grudnia grudzień декабря декабрь грудня грудень aralık
"""
_ZONES = """
utc 0 gmt 0 ut 0 z 0 zulu 0 wet 0 west 60 bst 60 cet 60 met 60 mez 60 cest 120 mest 120 mesz 120 eet 120 eest 180 cat 120 sast 120
msk 180 мск 180 trt 180 eat 180 msd 240 pkt 300 wib 420 hkt 480 sgt 480 jst 540 kst 540 aest 600 aedt 660 nzst 720 nzdt 780
est -300 edt -240 cst -360 cdt -300 mst -420 mdt -360 pst -480 pdt -420 akst -540 akdt -480 hst -600 brt -180 adt -180
"""
_NOISE = frozenset(
    "st nd rd th er re o a e at on as r t of the de del do da di le el la den der um uhr kl saat klo alle ore hrs hours uur "
    "г в о об год года році року р i feira".split()
)  # what stands about in dates and says nothing; folded
_DAYS_TOO = frozenset({"mar", "сер"})
_STRANGE = 6  # letters, at most, of a zone that we do not know


def _folded(word: str) -> str:
    """Without case and accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(char))


def _prefixes(lines: Sequence[str]) -> dict[str, int]:
    """Every beginning of three letters or more that only one month has, in whatever language: "Sept", "janv", "juil"."""
    found: dict[str, set[int]] = {}
    for month, line in enumerate(lines, 1):
        for name in map(_folded, line.split()):
            for end in range(3, len(name) + 1):
                found.setdefault(name[:end], set()).add(month)
    return {beginning: months.pop() for beginning, months in found.items() if len(months) == 1}


_MONTH = _prefixes(_MONTHS.strip().splitlines())
_ZONE = dict(zip(_ZONES.split()[::2], map(int, _ZONES.split()[1::2]), strict=True))

# What is written.

_SPELLED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[−–‐‑]"), "-"),
    (re.compile(r"\[[^\[\]]*\]"), " "),  # Java: ...+02:00[Europe/Paris]
    (re.compile(r"([+-][0-9]{2}:?[0-9]{2}) ?\([^()]*\)"), r"\1"),  # JavaScript: ...GMT+0300 (Eastern European Summer Time)
    (re.compile(r"(?<=[0-9])[Tt]([0-9]{2})([0-9]{2})([0-9]{2})(?![0-9:])"), r" \1:\2:\3 "),
    (re.compile(r"(?<=[0-9])[Tt]([0-9]{2})([0-9]{2})(?![0-9:])"), r" \1:\2 "),
    (re.compile(r"(?<=[0-9])[Tt](?=[0-9])"), " "),
    (re.compile(r"(?<=[0-9]) ?[年月] ?(?=[0-9])"), "-"),
    (re.compile(r"(?<=[0-9]) ?日"), " "),
    (re.compile(r"(?<=[0-9])([-/])([^\W\d_]{3,12})\.?\1(?=[0-9])"), r" \2 "),  # 01-Jul-2026
    (re.compile(r"\b([AaPp])\. ?[Mm]\b\.?"), r"\1m"),
    (re.compile(r"(?<=[0-9]) ?[Hh](?=[0-9]{2}\b)"), ":"),  # 10h30
    (re.compile(r"(?<=[ ,][0-9]{2})\.(?=[0-9]{2} [Uu]hr)"), ":"),
)
_HOURS = re.compile(r"(?<![Tt0-9:])[0-9]{1,2}:[0-9]{2} ?[-–] ?[0-9]{1,2}:[0-9]{2}")
_TOKEN = re.compile(
    r"""
    (?P<clock> (?<![0-9:+-]) [0-9]{1,2} : [0-9]{1,2} (?: : [0-9]{1,2} (?: [.,][0-9]{1,9} )? )? (?![0-9]) (?: \ ?[AaPp][Mm]\b )? )
  | (?P<hour> [0-9]{1,2} \ ?[AaPp][Mm]\b )
  | (?P<day> [0-9]{4}-W[0-9]{2}-[1-7] | [0-9]{4}W[0-9]{2}[1-7] | (?:19|20)[0-9]{2}-?[0-9]{3} (?![0-9-]) )
  | (?P<date> [0-9]{1,4} (?P<by> [-/] | \.\ ? ) [0-9]{1,2} (?P=by) [0-9]{1,4} (?![0-9]) )
  | (?P<offset> [+-] \ ? [0-9]{1,2} (?: :?[0-9]{2} )? (?![0-9]) )
  | (?P<number> [0-9]+ )
  | (?P<word> [^\W\d_]+ )
  | (?P<wrong> [^\s,.:;()/|'’·•_-] )
    """,
    re.VERBOSE,
)


@dataclass(slots=True)
class _Said:
    """What the words and numbers of a date are, as far as they were read."""

    day: date | None = None
    clock: timedelta | None = None
    month: int | None = None
    tuesday: bool = False
    """The month's word could be the weekday: "mar, 3 lug"."""
    numbers: list[str] = field(default_factory=list)
    zones: set[int] = field(default_factory=set)
    offset: int | None = None
    strange: list[str] = field(default_factory=list)
    """Words that could be a weekday, before the date, or a zone, after the time."""


def _written(said: str) -> tuple[datetime, bool]:
    """The date, and whether its zone is known. Raises ValueError and OverflowError."""
    if _HOURS.search(said):
        raise ValueError("from one time to another")
    said = _COMPACT.sub(_apart, said)
    for pattern, instead in _SPELLED:
        said = pattern.sub(instead, said)
    found = _Said()
    for token in _TOKEN.finditer(said):
        _READ[str(token.lastgroup)](found, token[0])
    day, offset = found.day or _named(found), _offset_of(found)
    at = datetime.combine(day, time(), timezone(timedelta(minutes=offset or 0))) + (found.clock or timedelta())
    return at, found.clock is not None and offset is not None


def _apart(compact: re.Match[str]) -> str:
    year, month, day, hour, minute, second = compact.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}:{second or '00'} " if hour else " ")


def _clock(found: _Said, token: str) -> None:
    hour, minute, second, half = _CLOCK.fullmatch(token).groups()  # type: ignore[union-attr]  # the token is one
    seconds = float((second or "0").replace(",", "."))
    if found.clock is not None or int(minute or 0) > 59 or seconds >= 61:
        raise ValueError(token)
    hours = int(hour) % 12 + 12 * (half in ("p", "P")) if half and int(hour) <= 12 else int(hour)
    found.clock = timedelta(hours=hours, minutes=int(minute or 0), seconds=seconds)
    if found.clock > timedelta(days=1):
        raise ValueError(token)


_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9.,]+))?)? ?(?:([AaPp])[Mm])?")


def _day(found: _Said, token: str) -> None:
    """A day of a week, or of a year: 2026-W27-3, 2026-182."""
    if "W" in token:
        _settle(found, date.fromisoformat(token))
    else:
        year, number = int(token[:4]), int(token[-3:])
        day = date(year, 1, 1) + timedelta(days=number - 1)
        if day.year != year:
            raise ValueError(token)
        _settle(found, day)


def _date(found: _Said, token: str) -> None:
    first, second, third = re.split(r"[-/.] ?", token)
    if len(first) == 4:
        _settle(found, date(int(first), int(second), int(third)))
    elif "." in token or int(first) > 12 or first == second:
        _settle(found, date(_year(third), int(second), int(first)))
    elif int(second) > 12:
        _settle(found, date(_year(third), int(first), int(second)))
    else:
        raise ValueError("could be two days")


def _settle(found: _Said, day: date) -> None:
    if found.day is not None:
        raise ValueError("two days")
    found.day = day


def _offset(found: _Said, token: str) -> None:
    digits = token.lstrip("+- ")
    if found.clock is None and found.day is None:
        _number(found, digits)  # Jul-01-2026
        return
    hours, minutes = (digits.split(":") if ":" in digits else (digits[:-2], digits[-2:])) if len(digits) > 2 else (digits, "0")
    if found.offset is not None or int(hours) > 14 or int(minutes) > 59:
        raise ValueError(token)
    found.offset = (-1 if token[0] == "-" else 1) * (60 * int(hours) + int(minutes))


def _number(found: _Said, token: str) -> None:
    found.numbers.append(token)


def _word(found: _Said, token: str) -> None:
    word = _folded(token)
    if word in _MONTH:
        _month(found, word)
    elif word in _ZONE:
        found.zones.add(_ZONE[word])
    elif word not in _NOISE:
        first = not (found.numbers or found.month or found.day or found.clock is not None)
        if not (first or (found.clock is not None and len(word) <= _STRANGE)) or len(found.strange) == 3:
            raise ValueError(token)
        found.strange.append(word)


def _month(found: _Said, word: str) -> None:
    if found.month and not found.tuesday:
        raise ValueError("two months")
    found.tuesday = word in _DAYS_TOO and not (found.month or found.numbers)
    found.month = _MONTH[word]


def _wrong(_found: _Said, token: str) -> None:
    raise ValueError(token)


_READ: dict[str, Callable[[_Said, str], None]] = {
    "clock": _clock,
    "hour": _clock,
    "day": _day,
    "date": _date,
    "offset": _offset,
    "number": _number,
    "word": _word,
    "wrong": _wrong,
}


def _named(found: _Said) -> date:
    """The day of a month that has a name, with the year last unless it shows by its length."""
    if found.month is None or len(found.numbers) != 2:
        raise ValueError("no day")
    day, year = found.numbers if len(found.numbers[0]) <= 2 else reversed(found.numbers)
    return date(_year(year), found.month, int(day))


def _year(digits: str) -> int:
    """RFC 2822: 49 is 2049, 50 is 1950, and 126, of programs that count from 1900, 2026."""
    year = int(digits[:5])
    if len(digits) == 3:
        return year + 1900
    return year if len(digits) > 2 else year + (2000 if year < 50 else 1900)


def _offset_of(found: _Said) -> int | None:
    """Minutes east; None: not known. A number beside a name, as in GMT+3, decides."""
    if (found.day and found.numbers) or (found.day and found.month) or len(found.zones) > 1 > (found.offset is not None):
        raise ValueError("too much")
    return found.offset if found.offset is not None else next(iter(found.zones), None)
