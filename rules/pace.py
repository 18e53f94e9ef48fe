"""The keys of a rule that ask for more than one match: `frequency`, `spike`, `silence` and `sources`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rules import shape
from rules.rule import LEVELS, Frequency, Sources, Spike
from rules.shape import Key, Kind, Shape
from rules.spec import Spec

if TYPE_CHECKING:
    from rules.conditions.base import Context

_MOST = 100_000
_LONGEST = timedelta(days=90)
"""How far back matches are counted: every one of them is looked at whenever another comes."""


def _several(spec: Spec, _: Context) -> int:
    if spec.value in (0, 1) and not isinstance(spec.value, bool):
        spec.wrong("one match is enough without it: write 2 or more, or leave it out")
        return 2
    return spec.whole(2, _MOST)


def _some_time(spec: Spec, _: Context) -> timedelta:
    span = spec.span()
    if not span:
        spec.wrong("nothing happens in no time: write a length such as 15m, 6h or 3d")
    return span


def _counted(spec: Spec, context: Context) -> timedelta:
    span = _some_time(spec, context)
    if span > _LONGEST:
        spec.wrong(f"matches are counted over {_LONGEST.days}d at most")
    return span


def _frequency(spec: Spec, context: Context) -> Frequency:
    return Frequency(**shape.fill(spec, FREQUENCY, context))


def _spike(spec: Spec, context: Context) -> Spike:
    values = shape.fill(spec, SPIKE, context)
    if spec.get("within") and spec.get("against") and values["within"] >= values["against"]:
        spec.wrong(
            "what is usual is read off a longer time than the one compared with it: within: 1h, against: 7d", key="against"
        )
    return Spike(**values)


def _sources(spec: Spec, context: Context) -> Sources:
    return Sources(**shape.fill(spec, SOURCES, context))


_SEVERAL = Kind(_several, shape.whole(2, _MOST).schema)
_COUNTED = Kind(_counted, shape.SPAN.schema)

FREQUENCY: Shape = {
    "at_least": Key(_SEVERAL, "how many articles", default=2, required=True),
    "within": Key(_COUNTED, "in how long a time", default=timedelta(hours=1), required=True),
    "per": Key(shape.TEXTS, "values of each of which they are counted by themselves, such as speaker", default=()),
}

SPIKE: Shape = {
    "times": Key(shape.number(1.1, 1000), "how many times as many as is usual", default=2, required=True),
    "within": Key(_COUNTED, "the time in which they come", default=timedelta(hours=1), required=True),
    "against": Key(_COUNTED, "the time off which is read what is usual", default=timedelta(days=7), required=True),
    "at_least": Key(_SEVERAL, "how many articles it takes in any case", default=3),
}

SOURCES: Shape = {
    "min_independent": Key(_SEVERAL, "how many sources that do not copy one another", default=2, required=True),
    "single_source_level": Key(shape.choice(LEVELS), "the level it is told at until then; left out: nobody is told"),
}

PACE: Shape = {
    "frequency": Key(Kind(_frequency, shape.mapping(FREQUENCY)), "tell only once so many articles matched within a time"),
    "spike": Key(Kind(_spike, shape.mapping(SPIKE)), "tell only when more articles match than is usual"),
    "silence": Key(Kind(_some_time, shape.SPAN.schema), "tell when nothing matched for so long, and when something does again"),
    "sources": Key(
        Kind(_sources, shape.mapping(SOURCES)), "tell only once so many sources report it that do not copy one another"
    ),
}
"""What `rules.load` reads of it, key by key."""
