"""Rule files to a rule set, or all their problems at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from rules.conditions import Context, parse
from rules.conditions.base import TermList, names
from rules.examples import examples
from rules.names import Names
from rules.problems import Invalid
from rules.rule import LEVELS, STATUSES, Once, Rule
from rules.ruleset import RuleSet
from rules.spec import Notes, Spec, read

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_KEYS = ("id", "title", "description", "level", "status", "tags", "owner", "references", "when", "once", "notify", "examples")
_MOST_FILES = 100


def bundle(main: str, reader: Callable[[str], bytes]) -> dict[str, bytes]:
    """The main file and all that it includes, by name. Raises Invalid where one cannot be read.

    `reader` gives the bytes of a file by its name and raises OSError; names of included files are relative to the one that names them.
    """
    notes = Notes()
    found: dict[str, bytes] = {}
    _follow(main, reader, found, notes, None)
    notes.settle()
    return found


def _follow(name: str, reader: Callable[[str], bytes], found: dict[str, bytes], notes: Notes, asked: Spec | None) -> None:
    if name in found or len(found) >= _MOST_FILES:
        return
    try:
        found[name] = reader(name)
    except OSError as error:
        reason = f"cannot read {name}: {error.strerror or error}"
        (asked or Spec(None, name, 1, 1, notes)).wrong(reason)
        return
    root = read(found[name], name, Notes())
    for one in _included(root):
        _follow(_beside(name, one.string()), reader, found, notes, _on(one, notes))


def _on(spec: Spec, notes: Notes) -> Spec:
    return Spec(spec.value, spec.file, spec.line, spec.column, notes)


def _included(root: Spec | None) -> list[Spec]:
    include = root.get("include") if root else None
    return [one for one in include.each() if isinstance(one.value, str)] if include else []


def _beside(file: str, name: str) -> str:
    return str(PurePosixPath(file).parent / name)


def load(files: Mapping[str, bytes], main: str) -> RuleSet:
    """The rules of all files, `main` first, the others as included. Raises Invalid with every problem of every file."""
    notes = Notes()
    roots = [root for root in (read(files[name], name, notes) for name in _order(files, main)) if root is not None]
    lists: dict[str, TermList | Names] = {}
    context = Context(lists)
    for root in roots:
        root.only(("include", "lists", "rules"))
        _lists(root, context, lists)
    written = {name: spec.plain() for root in roots for name, spec in _mapping(root.get("lists")).items()}
    seen: dict[str, str] = {}
    rules = [rule for root in roots for rule in _rules(root, context, written, seen)]
    notes.settle()
    return RuleSet(tuple(rules), tuple(sorted(notes.problems)))


def _order(files: Mapping[str, bytes], main: str) -> Iterable[str]:
    return [main, *(name for name in files if name != main)]


def _lists(root: Spec, context: Context, lists: dict[str, TermList | Names]) -> None:
    found = root.get("lists")
    if found is None:
        return
    for name, spec in found.mapping().items():
        if name in lists:
            found.wrong(f"the list '{name}' is defined twice", key=name)
        who = isinstance(spec.value, dict) and not set(spec.value) <= {"any", "except"}
        made = names(spec) if who else context.terms(spec)
        lists[name] = made if made is not None else Names()


def _mapping(spec: Spec | None) -> dict[str, Spec]:
    return spec.value if spec is not None and isinstance(spec.value, dict) else {}


def _rules(root: Spec, context: Context, written: Mapping[str, object], seen: dict[str, str]) -> list[Rule]:
    listed = root.get("rules")
    if listed is None:
        return []
    found = []
    for spec in listed.items():
        spec.only(_KEYS)
        rule = _rule(spec, context, written)
        if rule.id in seen:
            spec.wrong(f"the rule id '{rule.id}' is used twice (first at {seen[rule.id]})", key="id")
        seen.setdefault(rule.id, f"{spec.file}:{spec.line}")
        found.append(rule)
    return found


def _rule(spec: Spec, context: Context, written: Mapping[str, object]) -> Rule:
    id_ = spec.need("id", "a short name such as summit-announced")
    name = id_.string() if id_ else "?"
    if id_ and not _ID.match(name):
        id_.wrong("an id is made of small letters, digits, - and _, at most 64 of them")
    when = spec.need("when", "the condition under which the rule fires")
    title, once, notify, shown = (spec.get(key) for key in ("title", "once", "notify", "examples"))
    level, status = spec.get("level"), spec.get("status")
    condition = parse(when, context) if when else parse(Spec("?", spec.file, spec.line, spec.column, spec.notes), context)
    return Rule(
        id=name,
        title=title.string() if title else name,
        when=condition,
        version=_version(spec, written),
        description=_text(spec, "description"),
        level=level.choice(LEVELS) if level else "medium",
        status=status.choice(STATUSES) if status else "active",
        tags=_texts(spec, "tags"),
        owner=_text(spec, "owner"),
        references=_texts(spec, "references"),
        once=_once(once) if once else Once(alike=0.8),
        notify=tuple(notify.strings()) if notify else None,
        examples=examples(shown) if shown else (),
    )


def _text(spec: Spec, key: str) -> str:
    found = spec.get(key)
    return found.string() if found else ""


def _texts(spec: Spec, key: str) -> tuple[str, ...]:
    found = spec.get(key)
    return tuple(found.strings()) if found else ()


def _once(spec: Spec) -> Once:
    spec.only(("per", "alike", "within", "update_on"))
    per, alike, within, update = (spec.get(key) for key in ("per", "alike", "within", "update_on"))
    if per is None and alike is None:
        spec.wrong("say what makes it the same event: per: [place, date], alike: 0.6, or both")
    return Once(
        per=tuple(per.strings()) if per else (),
        alike=alike.number(0, 1) if alike else None,
        within=within.span() if within else Once().within,
        update_on=tuple(update.strings()) if update else (),
    )


def _version(spec: Spec, written: Mapping[str, object]) -> str:
    """First 12 hex digits of the SHA-256 of what the rule means: its lists written out, without examples, notify and owner."""
    meaning = {key: one.plain() for key, one in spec.mapping().items() if key not in ("examples", "notify", "owner")}
    used: dict[str, object] = {}
    _follow_lists(meaning, written, used)
    whole = json.dumps([meaning, used], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _follow_lists(value: object, written: Mapping[str, object], used: dict[str, object]) -> None:
    """Adds every list that a value names, and every list that those name."""
    for name in re.findall(r'"\$([^"]+)"', json.dumps(value, ensure_ascii=False)):
        if name in written and name not in used:
            used[name] = written[name]
            _follow_lists(written[name], written, used)


__all__ = ["Invalid", "bundle", "load"]
