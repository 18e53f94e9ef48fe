"""What could be better about rules that load: terms that never match or always do, clauses that cannot hold, what is never used.

It walks the files as they were written beside the rules that were made of them, so that each remark has its place. Severity
`warning` is for what surely does not do what was meant, `hint` for what is worth a look.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rules.conditions import Condition, Words
from rules.conditions.capture import Capture
from rules.conditions.counts import All, Any, AtLeast
from rules.conditions.mention import Mention
from rules.conditions.scopes import Body, InParagraph, InQuote, InSentence, Lead, Title
from rules.conditions.statement import Statement
from rules.describe import named_lists
from rules.lint.clauses import clause, english_only, only_negative, values
from rules.lint.pace import ALWAYS_TOLD, pace
from rules.lint.terms import Remarks, at, empty, group, named
from rules.load import Lists, Parsed
from rules.problems import Problem
from rules.rule import Rule
from rules.spec import Spec, unknown
from rules.terms import Terms

__all__ = ["CAPTURES", "Known", "captured", "lint"]

CAPTURES: dict[type[Condition], tuple[str, ...]] = {
    Statement: ("speaker", "via", "cue", "kind", "as", "stance"),
    Mention: ("place", "date", "when", "ordinal", "name", "parties", "refused_by", "time", "status"),
}
"""What a finding of these always gives by name, be it None, apart from its content."""

_LONG = 1_000
"""Characters of a title that are looked through."""
_BLANK = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside the rule files. `receivers`: ids that `notify` may name; empty: nobody knows which there are.

    `matched` and `skipped` are the ids of rules for which tests elsewhere say what they must match, and what they must skip.
    """

    receivers: Collection[str] = ()
    matched: Collection[str] = ()
    skipped: Collection[str] = ()


def lint(parsed: Parsed, known: Known | None = None) -> list[Problem]:
    """Everything worth a remark, by place."""
    rules = (one for spec, rule in parsed.rules for one in _rule(spec, rule, parsed.lists, known or Known()))
    return sorted({*_lists(parsed), *rules})


# Lists


def _lists(parsed: Parsed) -> Remarks:
    used = set(named_lists([spec for spec, _ in parsed.rules], parsed.lists))
    for root in parsed.roots:
        listed = root.get("lists")
        if listed is None or not isinstance(listed.value, dict):
            continue
        for name, spec in listed.value.items():
            if name not in used:
                yield at(listed, f"no rule uses the list '{name}'", key=name)
            yield from empty(spec, f"the list '{name}'")
            yield from named(spec) if _is_who(spec) else group(spec)


def _is_who(spec: Spec) -> bool:
    return isinstance(spec.value, dict) and not set(spec.value) <= {"any", "except"}


# Rules


def _rule(spec: Spec, rule: Rule, lists: Lists, known: Known) -> Remarks:
    when = spec.get("when")
    if when is not None:
        yield from clause(when, lists, ())
        yield from only_negative(when)
        yield from english_only(when)
    labels = spec.get("labels")
    for words in [words for one in values(labels) for words in values(one)] if labels else ():
        yield from group(words, words=True)
    yield from _blanks(spec, rule)
    yield from pace(spec, rule)
    yield from _unknown_receivers(spec, known.receivers)
    yield from _unproven(spec, rule, known)


def _blanks(spec: Spec, rule: Rule) -> Remarks:
    """Names of values that nothing gives: in the title, in `once` and `frequency`, in what examples expect."""
    known = {*captured(rule.when), *(label.name for label in rule.labels)}
    expected = {name for example in rule.examples for name in example.expects}
    for one, name in _named_values(spec, expected):
        if name in ALWAYS_TOLD and name not in known:
            yield at(one, f"'{name}' needs no entry: of an event that was told it is always told", "hint")
        elif name not in known:
            have = unknown("value", name, known) if known else f"unknown value '{name}'; this rule captures none"
            yield at(one, have.replace("expected one of", "this rule gives"))


def _named_values(spec: Spec, expected: Collection[str]) -> Iterator[tuple[Spec, str]]:
    title, examples = spec.get("title"), spec.get("examples")
    if title and isinstance(title.value, str):
        yield from ((title, name) for name in dict.fromkeys(_BLANK.findall(title.value[:_LONG])))
    for outer, key in (("once", "per"), ("once", "update_on"), ("frequency", "per")):
        found = inner.get(key) if (inner := spec.get(outer)) else None
        yield from ((one, one.value) for one in (found.each() if found else ()) if isinstance(one.value, str))
    for example in _examples(examples, "match"):
        if isinstance(example.value, dict):
            yield from ((value, key) for key, value in example.value.items() if key in expected)


def captured(condition: Condition) -> tuple[str, ...]:
    """The names of the values that a finding of it may give."""
    if type(condition) in CAPTURES:
        return CAPTURES[type(condition)]
    if isinstance(condition, Capture):
        return tuple(name for name, _ in condition.groups)
    if isinstance(condition, Words):
        return _groups(condition.terms.terms)
    if isinstance(condition, Any | All | AtLeast):
        return tuple(name for part in condition.parts for name in captured(part))
    if isinstance(condition, Title | Lead | Body | InSentence | InParagraph | InQuote):
        return captured(condition.inner)
    return ()


def _groups(found: Terms) -> tuple[str, ...]:
    return tuple(name for pattern in found.patterns for name in pattern.groupindex)


def _unknown_receivers(spec: Spec, receivers: Collection[str]) -> Remarks:
    notify = spec.get("notify")
    for one in notify.each() if notify and receivers else ():
        if isinstance(one.value, str) and one.value not in receivers:
            yield at(one, unknown("receiver", one.value, receivers), "error")


def _unproven(spec: Spec, rule: Rule, known: Known) -> Remarks:
    examples = spec.get("examples")
    elsewhere = {"match": known.matched, "skip": known.skipped}
    missing = [f"must {kind}" for kind, ids in elsewhere.items() if rule.id not in ids and not _examples(examples, kind)]
    if missing:
        yield at(spec, f"'{rule.id}' has no example of an article that it {' and none that it '.join(missing)}", key="id")
    if rule.status == "draft":
        yield at(spec, f"'{rule.id}' is a draft: what it finds is recorded, and nobody is told", "hint", key="status")
    if rule.status == "deprecated":
        yield at(spec, f"'{rule.id}' is deprecated: it is not asked", "hint", key="status")


def _examples(examples: Spec | None, kind: str) -> list[Spec]:
    found = examples.get(kind) if examples else None
    return found.value if found and isinstance(found.value, list) else []
