"""Who is told, and how they want it: what monitor.yaml and test files say of receivers, and of routes to them.

receivers:
  - id: night
    timezone: Europe/Berlin           # of all times below; left out: UTC
    levels: [high, critical]          # only alerts of these levels; and so tags, rules, kinds
    kinds: [new, update]
    mute: [{days: mon-fri, from: "22:00", to: "06:00", except: [critical]}]
    digest: {at: "0 7 * * *", levels: [low]}
    daily: "08:00"
routes:                               # the first that fits decides; then the receivers' own wishes
  - {levels: [critical], to: [night, chief], continue: true}
  - {tags: [sea], to: night}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from rules import cron, shape
from rules.conditions.base import Context
from rules.rule import LEVELS
from rules.shape import Json, Key, Kind, Shape
from rules.spec import Spec, unknown

NEWS = ("new", "update", "cancelled", "retracted", "silent", "recovered")
"""What an alert can say of its event, rule or source."""

KINDS = (*NEWS, "unreachable", "disabled", "reachable")
"""The same, and what it can say of another receiver."""

CAP = 0
"""Alerts of a rule that are told at once in an hour, unless the settings say otherwise. 0: all, since nothing is put off unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A window in which somebody is not told at once, on the days on which it begins (0 is Monday); it may go over midnight."""

    days: frozenset[int] = frozenset(range(7))
    start: time = time(0)
    end: time = time(0)
    """Where it equals `start`: a whole day."""
    zone: tzinfo = UTC
    excepted: tuple[str, ...] = ()
    """Levels that are told all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When somebody gets what has gathered, and of which levels that is; empty: of all."""

    at: cron.Cron
    zone: tzinfo = UTC
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """When somebody is told that all is well."""

    at: cron.Cron
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody who could be told. `levels`, `tags`, `rules` and `kinds` narrow what they take; empty: everything."""

    id: str
    levels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    mute: tuple[Mute, ...] = ()
    digest: Digest | None = None
    daily: Daily | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which alerts go to whom; what is empty fits everything. `goes_on`: the routes below it are asked, too."""

    to: tuple[str, ...]
    levels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    goes_on: bool = False


# What may be said

_NOTHING = Context({})


def _whole(spec: Spec, _: Context) -> Spec:
    return spec


def _text(spec: Spec) -> str | None:
    """Text; None, with the reason noted, where it is none."""
    text = spec.string()
    return text if text or spec.value == "" else None


def _zone(spec: Spec, _: Context) -> tzinfo:
    """A time zone by its name."""
    name = _text(spec)
    try:
        return UTC if name is None else ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # OSError: "Europe" is a folder
        spec.wrong(f"unknown time zone {spec.shown()}: expected one such as UTC or Europe/Berlin")
        return UTC


def _clock(spec: Spec, _: Context) -> time:
    text = _text(spec)
    found = cron.clock(text or "")
    if found is None and text is not None:
        spec.wrong(f'expected a time of day such as "22:00", found {spec.shown()}')
    return found or time(0)


def _times(spec: Spec, _: Context) -> cron.Cron:
    text = _text(spec)
    try:
        return cron.parse("00:00" if text is None else text)
    except ValueError as error:
        spec.wrong(f"{error}; found {spec.shown()}")
        return cron.parse("00:00")


def _days(spec: Spec, _: Context) -> frozenset[int]:
    return frozenset(day for one in spec.each() for day in _week(one))


def _week(spec: Spec) -> list[int]:
    """Weekdays as they are written: mon-fri, sat, fri-mon."""
    first, _, last = (part.strip() for part in spec.string().lower().partition("-"))
    if first not in cron.WEEKDAYS or (last and last not in cron.WEEKDAYS):
        spec.wrong(f"expected days such as mon-fri or sat, found {spec.shown()}")
        return []
    start, end = cron.WEEKDAYS.index(first), cron.WEEKDAYS.index(last or first)
    return [(start + n) % 7 for n in range((end - start) % 7 + 1)]


_LIST: Json = {"type": "array", "items": {"type": "object"}}
_ZONE = Kind(_zone, {"type": "string", "examples": ["Europe/Berlin"]})
_CLOCK = Kind(_clock, {"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"})
_TIMES = Kind(_times, {"type": "string", "examples": ["07:00", "0 7 * * mon-fri"]})
_DAYS = Kind(_days, shape.one_or_many({"type": "string", "examples": ["mon-fri", "sat"]}))
_LEVELS = shape.choices(LEVELS)

MUTE: Shape = {
    "days": Key(_DAYS, "the days on which it begins; left out: all", default=frozenset(range(7))),
    "from": Key(_CLOCK, "when it begins; left out: at midnight", default=time(0)),
    "to": Key(_CLOCK, "when it ends, the day after where that is not later than from; left out: at midnight", default=time(0)),
    "timezone": Key(_ZONE, "whose time that is; left out: the receiver's"),
    "except": Key(_LEVELS, "levels that are told all the same", default=()),
}

DIGEST: Shape = {
    "at": Key(_TIMES, "when it is sent: a time of day, or a crontab's five fields", cron.parse("00:00"), required=True),
    "timezone": Key(_ZONE, "whose time that is; left out: the receiver's"),
    "levels": Key(_LEVELS, "levels that wait for it; left out: all", default=()),
}

DAILY: Shape = {key: DIGEST[key] for key in ("at", "timezone")}

_NARROWS: Shape = {
    "levels": Key(_LEVELS, "only alerts of these levels", default=()),
    "tags": Key(shape.TEXTS, "only alerts with one of these tags", default=()),
    "rules": Key(shape.TEXTS, "only alerts of these rules", default=()),
    "kinds": Key(shape.choices(KINDS), "only alerts of these kinds", default=()),
}

RECEIVER: Shape = {
    "id": Key(shape.TEXT, "what rules name under notify", "?", required=True),
    **_NARROWS,
    "timezone": Key(_ZONE, "whose times the others are; left out: UTC", default=UTC),
    "mute": Key(Kind(_whole, _LIST), "when nobody is told at once: what gathers is sent at its end", default=None),
    "digest": Key(Kind(_whole, {"type": "object"}), "what is gathered and sent together, and when", default=None),
    "daily": Key(Kind(_whole, {"type": ["string", "object"]}), 'when to say that all is well: "08:00"', default=None),
}

ROUTE: Shape = {
    **_NARROWS,
    "to": Key(shape.TEXTS, "receivers", default=(), required=True),
    "continue": Key(shape.BOOLEAN, "true: the routes below are asked, too", default=False),
}

# Reading it


def receiver(spec: Spec) -> Receiver:
    """One receiver; what is wrong is noted."""
    return told(shape.fill(spec, RECEIVER, _NOTHING))


def told(values: dict[str, Any]) -> Receiver:
    """The receiver that the values of RECEIVER's keys make."""
    zone, digest, daily = values["timezone"], values["digest"], values["daily"]
    return Receiver(
        **{key: values[key] for key in ("id", *_NARROWS)},
        mute=tuple(_mute(one, zone) for one in values["mute"].each()) if values["mute"] else (),
        digest=_digest(digest, zone) if digest else None,
        daily=_daily(daily, zone) if daily else None,
    )


def route(spec: Spec, known: Sequence[str]) -> Route:
    """One route; `known` are the receivers that there are."""
    values = shape.fill(spec, ROUTE, _NOTHING)
    to = spec.get("to")
    for one in to.each() if to else ():
        if isinstance(one.value, str) and one.value not in known:
            one.wrong(unknown("receiver", one.value, known) if known else "there are no receivers: name some under receivers:")
    return Route(to=values["to"], goes_on=values["continue"], **{key: values[key] for key in _NARROWS})


def _mute(spec: Spec, zone: tzinfo) -> Mute:
    noted = len(spec.notes.problems)
    values = shape.fill(spec, MUTE, _NOTHING)
    found = Mute(
        days=values["days"],
        start=values["from"],
        end=values["to"],
        zone=values["timezone"] or zone,
        excepted=values["except"],
    )
    fine = len(spec.notes.problems) == noted
    if fine and len(found.days) == 7 and found.start == found.end and not found.excepted:
        spec.wrong("this mutes every day from morning till night: nobody would ever be told")
    return found


def _digest(spec: Spec, zone: tzinfo) -> Digest:
    values = shape.fill(spec, DIGEST, _NOTHING)
    return Digest(at=values["at"], zone=values["timezone"] or zone, levels=values["levels"])


def _daily(spec: Spec, zone: tzinfo) -> Daily:
    """A time of day, or a mapping with a time zone of its own."""
    if not isinstance(spec.value, dict):
        return Daily(at=_times(spec, _NOTHING), zone=zone)
    values = shape.fill(spec, DAILY, _NOTHING)
    return Daily(at=values["at"], zone=values["timezone"] or zone)
