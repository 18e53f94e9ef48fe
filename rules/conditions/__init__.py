"""Every condition by the key that a rule writes. To add one: a class and a line in this table."""

from __future__ import annotations

from rules.conditions import mention, statement
from rules.conditions.base import Condition, Context, TermList, names
from rules.conditions.words import AtLeast, Each, Near, Parse, Part, Without, Words, near, parts
from rules.names import Names
from rules.spec import Spec, unknown

__all__ = ["CONDITIONS", "Condition", "Context", "Names", "Near", "TermList", "Words", "names", "parse"]


def _any(spec: Spec, context: Context) -> Condition:
    simple = not any(isinstance(one.value, dict) for one in spec.each())
    return Words(context.terms(spec)) if simple and spec.each() else AtLeast(1, parts(spec, context, parse))


def _all(spec: Spec, context: Context) -> Condition:
    found = parts(spec, context, parse)
    return AtLeast(len(found), found)


def _none(spec: Spec, context: Context) -> Condition:
    return Without(parts(spec, context, parse) if not isinstance(spec.value, dict) else (parse(spec, context),))


def _at_least(spec: Spec, context: Context) -> Condition:
    spec.only(("count", "of"))
    count, of = spec.need("count"), spec.need("of", "the conditions to count")
    found = parts(of, context, parse) if of else ()
    return AtLeast(count.whole(1, max(1, len(found))) if count else 1, found)


def _part(name: str) -> Parse:
    return lambda spec, context: Part(name, parse(spec, context))


def _each(name: str) -> Parse:
    return lambda spec, context: Each(name, parse(spec, context))


CONDITIONS: dict[str, Parse] = {
    "any": _any,
    "all": _all,
    "none": _none,
    "not": _none,
    "at_least": _at_least,
    "near": near,
    "title": _part("title"),
    "lead": _part("lead"),
    "body": _part("body"),
    "sentence": _each("sentence"),
    "paragraph": _each("paragraph"),
    "quote": _each("quote"),
    "statement": statement.parse,
    "mention": mention.parse,
}


def parse(spec: Spec, context: Context) -> Condition:
    """A condition as written: keys side by side must all hold; a bare term or list of terms means any of them."""
    if not isinstance(spec.value, dict):
        return Words(context.terms(spec))
    found = []
    for key, value in spec.mapping().items():
        if key in CONDITIONS:
            found.append(CONDITIONS[key](value, context))
        else:
            spec.wrong(unknown("condition", key, CONDITIONS), key=key)
    if not found and not spec.notes.failed:
        spec.wrong("a condition is missing here")
    return found[0] if len(found) == 1 else AtLeast(len(found), tuple(found))
