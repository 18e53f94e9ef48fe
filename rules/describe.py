"""What a rule means, read back in plain English: for whoever has to trust it and did not write it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rules.conditions import TermList
from rules.conditions.base import Condition, one_of
from rules.conditions.counts import All, Any, AtLeast, Nothing
from rules.conditions.scopes import Body, InParagraph, InQuote, InSentence, Lead, Title
from rules.load import Lists, Parsed
from rules.names import Name, Names, Office
from rules.rule import Frequency, Once, Rule, Sources, Spike
from rules.spec import Spec

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """A rule in sentences. `lists` are those it names, directly or through another, each with its entries."""

    fires: tuple[str, ...]
    """A sentence, or its beginning and an indented line for each part; then what is asked of several matches, in sentences."""
    same: str
    labels: tuple[str, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]


def read_back(parsed: Parsed, id: str) -> ReadBack:
    """The rule of this id, read back. Raises KeyError."""
    found = {rule.id: (spec, rule) for spec, rule in parsed.rules}
    spec, rule = found[id]
    return ReadBack(
        fires=(*fires(rule), *paced(rule)),
        same=same(rule.once),
        labels=tuple(
            f"{label.name} is " + ", or ".join(f"{value} where it says {terms.describe()}" for value, terms in label.values)
            for label in rule.labels
        ),
        lists=tuple((name, entries(parsed.lists[name])) for name in named_lists([spec], parsed.lists)),
    )


def fires(rule: Rule) -> tuple[str, ...]:
    """When it fires: one sentence where there is one condition, else a line for each."""
    first, *parts = _tree(rule.when)
    return (f"Fires when {first}{'' if parts else '.'}", *parts)


def _tree(condition: Condition) -> list[str]:
    """A condition as a line, its parts as lines below it; whatever is said in a few words stays one line."""
    where, inner = "", condition
    while isinstance(inner, Title | Lead | Body | InSentence | InParagraph | InQuote):
        where += inner.describe().removesuffix(inner.inner.describe())
        inner = inner.inner
    while isinstance(inner, Any) and len(inner.parts) == 1:
        inner = inner.parts[0]
    if not isinstance(inner, Any | All | Nothing | AtLeast) or inner.describe().startswith("it does not say"):
        return [where + inner.describe()]
    lines = [line for part in inner.parts for line in _listed(_tree(part))]
    return [f"{where}{_heading(inner)}:", *lines]


def _heading(condition: Any | All | Nothing | AtLeast) -> str:
    if isinstance(condition, Any):
        return "at least one of these holds"
    if isinstance(condition, All):
        return "both of these hold" if len(condition.parts) == 2 else "all of these hold"
    if isinstance(condition, Nothing):
        return "this does not hold" if len(condition.parts) == 1 else "none of these holds"
    return f"at least {condition.count} of these hold"


def _listed(lines: Sequence[str]) -> list[str]:
    return [f"  {'- ' if n == 0 else '  '}{line}" for n, line in enumerate(lines)]


def same(once: Once) -> str:
    """What counts as the same event, and what is told of it later."""
    tests = [f"they have the same {_and(once.per)}, as far as both say"] if once.per else []
    tests += [f"what they say is at least {once.alike:.0%} alike"] if once.alike is not None else []
    tests = tests or ["they are alike enough"]
    told = f" A change of {one_of(once.update_on)} is told as an update." if once.update_on else ""
    when = f"Two findings are one event when {' and '.join(tests)}, and no more than {_long(once.within)} lie between them."
    return when + " Each event is told once." + told


def paced(rule: Rule) -> tuple[str, ...]:
    """What is asked of several matches before anybody is told, a sentence each; nothing of most rules."""
    return (*_counted(rule.frequency), *_rises(rule.spike), *_confirmed(rule.sources), *_misses(rule.silence))


def _counted(asked: Frequency | None) -> Iterator[str]:
    if asked:
        each = f" with the same {_and(asked.per)}" if asked.per else ""
        yield f"It is told only once at least {asked.at_least} articles{each} matched within {_long(asked.within)}; copies count once."


def _rises(asked: Spike | None) -> Iterator[str]:
    if asked:
        yield (
            f"It is told only when {asked.times:g} times as many articles match within {_long(asked.within)} as is usual over"
            f" {_long(asked.against)}, and at least {asked.at_least}; copies count once."
        )


def _confirmed(asked: Sources | None) -> Iterator[str]:
    if asked:
        before = (
            f"until then its level is {asked.single_source_level}" if asked.single_source_level else "until then nobody is told"
        )
        yield f"It is told once at least {asked.min_independent} sources that do not copy one another report it; {before}."


def _misses(asked: timedelta | None) -> Iterator[str]:
    if asked:
        yield f"When nothing matched for {_long(asked)}, that is told, and so is the next match."


def shortened(listed: Sequence[str], shown: int = _SHOWN) -> str:
    """The first entries of a list, and how many more there are."""
    more = f" … and {len(listed) - shown} more" if len(listed) > shown else ""
    return "; ".join(listed[:shown]) + more


def entries(listed: TermList | Names) -> tuple[str, ...]:
    """Each entry of a list, written out."""
    if isinstance(listed, Names):
        return (*map(_name, listed.names), *map(_office, listed.offices))
    besides = listed.besides.written
    return (*listed.terms.written, *([f"but not inside {one_of([f'“{one}”' for one in besides], 100)}"] if besides else ()))


def named_lists(specs: Collection[Spec], lists: Lists) -> list[str]:
    """The lists that these values name, and those that these lists name, in the order they are met."""
    found: dict[str, None] = {}
    waiting = deque(name for spec in specs for name in references(spec))
    while waiting:
        name = waiting.popleft()
        if name in lists and name not in found:
            found[name] = None
            waiting += references(lists.specs[name])
    return list(found)


def references(spec: Spec) -> Iterator[str]:
    """Every `$name` in a value; examples are text and name nothing."""
    if isinstance(spec.value, dict):
        for key, one in spec.value.items():
            if key != "examples":
                yield from references(one)
    elif isinstance(spec.value, list):
        for one in spec.value:
            yield from references(one)
    elif isinstance(spec.value, str) and spec.value.startswith("$"):
        yield spec.value.removeprefix("$")


def _name(one: Name) -> str:
    others = [f"“{written}”" for written in one.written if written != one.name]
    also = f" (also {', '.join(others)})" if others else ""
    return one.name + also + (f", but not inside {one_of([f'“{word}”' for word in one.besides], 100)}" if one.besides else "")


def _office(one: Office) -> str:
    return f"whoever is {one_of(one.titles, 100)} of {one_of(one.of, 100)}"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _long(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}{'s' if seconds != length else ''}"
    raise AssertionError
