"""Rule files to a rule set, or all their problems at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rules import shape
from rules.conditions import Context, Words, parse
from rules.conditions.base import Condition, TermList, names
from rules.examples import EXAMPLES, Example
from rules.names import Names
from rules.pace import PACE
from rules.problems import Invalid, Problem
from rules.rule import LEVELS, STATUSES, Label, Once, Rule
from rules.ruleset import RuleSet
from rules.shape import Key, Kind, Shape
from rules.spec import Limits, Notes, Spec, read
from rules.terms import Terms

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")

DEFAULT = Limits()

# What the files may hold


def _once(spec: Spec, context: Context) -> Once:
    values = shape.fill(spec, ONCE, context)
    if values["per"] == () and values["alike"] is None:
        spec.wrong("say what makes it the same event: per: [place, date], alike: 0.6, or both")
    return Once(**values)


def _labels(spec: Spec, context: Context) -> tuple[Label, ...]:
    return tuple(
        Label(name, tuple((value, context.terms(words)) for value, words in values.mapping().items()))
        for name, values in spec.mapping().items()
    )


def _id(spec: Spec, _: Context) -> str:
    name = spec.string()
    if not _ID.match(name):
        spec.wrong("an id is made of small letters, digits, - and _, at most 64 of them")
    return name


ONCE: Shape = {
    "per": Key(shape.TEXTS, "values that are equal for the same event, such as place and date", default=()),
    "alike": Key(shape.number(0, 1), "how alike their contents are at least, from 0 to 1"),
    "within": Key(shape.SPAN, "how long after the last sighting it still counts as the same", default=Once().within),
    "update_on": Key(shape.TEXTS, "values whose change is told as an update", default=()),
}

_LABELS: shape.Json = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": {"$ref": "#/$defs/terms"}},
}

RULE: Shape = {
    "id": Key(
        Kind(_id, {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}),
        "a short name such as summit-announced",
        "?",
        required=True,
    ),
    "title": Key(shape.TEXT, "what alerts are called; {speaker} and the like are filled in"),
    "description": Key(shape.TEXT, "what it is for, in a sentence", default=""),
    "level": Key(shape.choice(LEVELS), "how much it matters", default="medium"),
    "status": Key(shape.choice(STATUSES), "a draft records and tells nobody; deprecated rules are not asked", default="active"),
    "tags": Key(shape.TEXTS, "words to route and filter by", default=()),
    "owner": Key(shape.TEXT, "who answers for it", default=""),
    "references": Key(shape.TEXTS, "where it comes from: links, tickets", default=()),
    "when": Key(Kind(parse, {"$ref": "#/$defs/condition"}), "the condition under which it fires", required=True),
    "labels": Key(Kind(_labels, _LABELS), "values read off the evidence: label: {value: terms}", default=()),
    "once": Key(Kind(_once, shape.mapping(ONCE)), "what counts as the same event", default=Once()),
    **PACE,
    "notify": Key(shape.TEXTS, "receivers by id; left out: all"),
    "examples": Key(EXAMPLES, "articles that it must match, and articles that it must skip", default=()),
}

FILE: Shape = {
    "include": Key(shape.TEXTS, "more rule files, by path from this one", default=()),
    "lists": Key(Kind(lambda spec, _: spec.mapping(), {"$ref": "#/$defs/lists"}), "names and terms to use in rules as $name"),
    "rules": Key(
        Kind(lambda spec, _: spec.items(), {"type": "array", "items": {"$ref": "#/$defs/rule"}}),
        "what to be told about",
        default=[],
    ),
}

# Files


def bundle(main: str, reader: Callable[[str], bytes], limits: Limits = DEFAULT) -> dict[str, bytes]:
    """The main file and all that it includes, by name. Raises Invalid where one cannot be read.

    `reader` gives the bytes of a file by its name and raises OSError; names of included files are relative to the one that names them.
    """
    found, problems = gather(main, reader, limits)
    if problems:
        raise Invalid(problems)
    return found


def gather(main: str, reader: Callable[[str], bytes], limits: Limits = DEFAULT) -> tuple[dict[str, bytes], list[Problem]]:
    """As `bundle`, with what cannot be read as problems beside what can."""
    notes = Notes(limits=limits)
    found: dict[str, bytes] = {}
    _follow(main, reader, found, notes, None)
    return found, notes.problems


def _follow(name: str, reader: Callable[[str], bytes], found: dict[str, bytes], notes: Notes, asked: Spec | None) -> None:
    here = asked or Spec(None, name, 1, 1, notes)
    if name in found:
        return
    if len(found) >= notes.limits.files:
        here.wrong(f"more than {notes.limits.files} files are included")
        return
    try:
        found[name] = reader(name)
    except (OSError, ValueError) as error:
        here.wrong(f"cannot read {name}: {getattr(error, 'strerror', None) or error}")
        return
    for one in _included(read(found[name], name, Notes(limits=notes.limits))):
        _follow(_beside(name, one.string()), reader, found, notes, replace(one, notes=notes))


def _included(root: Spec | None) -> list[Spec]:
    include = root.get("include") if root else None
    return [one for one in include.each() if isinstance(one.value, str)] if include else []


def _beside(file: str, name: str) -> str:
    return str(PurePosixPath(file).parent / name)


def load(files: Mapping[str, bytes], main: str, limits: Limits = DEFAULT) -> RuleSet:
    """The rules of all files, `main` first, the others as included. Raises Invalid with every problem of every file."""
    return parse_files(files, main, limits=limits).checked()


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rule files as they were written: their trees, lists and rules, and every problem so far; some of it may be unusable."""

    roots: tuple[Spec, ...]
    lists: Lists
    rules: tuple[tuple[Spec, Rule], ...]
    """Each rule beside the place where it is written."""
    problems: tuple[Problem, ...]

    def checked(self) -> RuleSet:
        """The rules. Raises Invalid with every problem, if one of them is an error."""
        if any(problem.severity == "error" for problem in self.problems):
            raise Invalid(self.problems)
        return RuleSet(tuple(rule for _, rule in self.rules), tuple(sorted(self.problems)))


def parse_files(
    files: Mapping[str, bytes], main: str, lent: Mapping[str, bytes] | None = None, limits: Limits = DEFAULT
) -> Parsed:
    """What the files hold, never raising. Lists of `lent` files may be used where these have none of that name."""
    notes = Notes(limits=limits)
    roots = [root for root in (read(files[name], name, notes) for name in _order(files, main)) if root is not None]
    behind = [
        root for name, data in (lent or {}).items() if name not in files and (root := read(data, name, Notes(limits=limits)))
    ]
    lists = Lists(roots, behind)
    context = Context(lists)
    tops = [shape.fill(root, FILE, context) for root in roots]
    lists.settle()
    seen: dict[str, str] = {}
    rules = [(spec, _rule(spec, context, lists, seen)) for top in tops for spec in top["rules"]]
    return Parsed(tuple(roots), lists, tuple(rules), tuple(notes.problems))


def _order(files: Mapping[str, bytes], main: str) -> Iterable[str]:
    return [main, *(name for name in files if name != main)]


class Lists(Mapping[str, TermList | Names]):
    """The lists of all files, each made when it is first asked for, so that lists can name lists."""

    def __init__(self, roots: Iterable[Spec], behind: Iterable[Spec] = ()) -> None:
        """`behind`: files whose lists count where `roots` have none of that name."""
        self.specs: dict[str, Spec] = {}
        self._made: dict[str, TermList | Names] = {}
        self._making: list[str] = []
        for root in roots:
            found = root.get("lists")
            for name, spec in found.mapping().items() if found else ():
                if name in self.specs:
                    first = self.specs[name]
                    spec.wrong(f"the list '{name}' is defined twice (first at {first.file}:{first.line})")
                self.specs.setdefault(name, spec)
        for root in behind:
            found = root.get("lists")
            for name, spec in found.mapping().items() if found else ():
                self.specs.setdefault(name, spec)

    def __getitem__(self, name: str) -> TermList | Names:
        if name not in self._made:
            spec = self.specs[name]
            if name in self._making:
                spec.wrong(f"the list '{name}' names itself: {' > '.join([*self._making, name])}")
                return TermList(Terms())
            self._making.append(name)
            self._made[name] = self._make(name, spec)
            self._making.pop()
        return self._made[name]

    def _make(self, name: str, spec: Spec) -> TermList | Names:
        who = isinstance(spec.value, dict) and not set(spec.value) <= {"any", "except"}
        context = Context(self)
        if not who:
            return replace(context.terms(spec), label=f"${name}")
        return names(spec, context, f"${name}") or Names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)

    def __contains__(self, name: object) -> bool:
        return name in self.specs

    def settle(self) -> None:
        """Makes all of them, so that the problems of those that no rule uses are noted too."""
        for name in self.specs:
            self[name]


# Rules


def _rule(spec: Spec, context: Context, lists: Lists, seen: dict[str, str]) -> Rule:
    values = shape.fill(spec, RULE, context)
    if values["id"] in seen:
        spec.wrong(f"the rule id '{values['id']}' is used twice (first at {seen[values['id']]})", key="id")
    seen.setdefault(values["id"], f"{spec.file}:{spec.line}")
    condition: Condition = values["when"] or Words(TermList(Terms()))
    examples: tuple[Example, ...] = values["examples"]
    values |= {"when": condition, "title": values["title"] or values["id"], "examples": examples}
    return Rule(version=_version(spec, lists), file=spec.file, line=spec.line, **values)


def _version(spec: Spec, lists: Lists) -> str:
    """First 12 hex digits of the SHA-256 of what the rule means: its lists written out, without examples, notify and owner."""
    meaning = {key: one.plain() for key, one in spec.mapping().items() if key not in ("examples", "notify", "owner")}
    used: dict[str, object] = {}
    _follow_lists(meaning, lists, used)
    whole = json.dumps([meaning, used], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _follow_lists(value: object, lists: Lists, used: dict[str, object]) -> None:
    """Adds every list that a value names, and every list that those name."""
    for name in re.findall(r'"\$([^"]+)"', json.dumps(value, ensure_ascii=False)):
        if name in lists and name not in used:
            used[name] = lists.specs[name].plain()
            _follow_lists(used[name], lists, used)
