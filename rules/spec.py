"""A YAML value that knows where it was written, and notes problems instead of stopping at the first.

Only the plain heart of YAML is read: mappings, lists and scalars. Aliases, anchors, merge keys, tags and duplicate keys are
problems; so are files that are too big or too deep. Scalars follow YAML 1.2, so `no` and `12:30` stay words.
The reader walks the parser's events, never recursing, so that hostile input costs time linear in its length.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import yaml

from rules.problems import Invalid, Problem

Scalar = str | int | float | bool | None
_INT = re.compile(r"[-+]?[0-9]{1,15}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,15}(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)\Z")
_CENTURY = timedelta(days=36_500)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a rule file may hold before it is refused: bytes, values (keys and scalars), levels of nesting, files in all."""

    bytes: int = 1 << 20
    values: int = 50_000
    depth: int = 20
    files: int = 100


@dataclass(slots=True)
class Notes:
    """Where the readers of one file, and of those it includes, leave what they found wrong, and how much they may read."""

    problems: list[Problem] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)

    @property
    def failed(self) -> bool:
        """Whether anything worse than a warning was noted."""
        return any(p.severity == "error" for p in self.problems)

    def settle(self) -> None:
        """Raises Invalid with everything that was noted, if any of it is an error."""
        if self.failed:
            raise Invalid(self.problems)


@dataclass(slots=True, eq=False)
class Spec:
    """One value of a file: `value` is a scalar, a dict of key to Spec, or a list of Spec."""

    value: Scalar | dict[str, Spec] | list[Spec]
    file: str
    line: int
    column: int
    notes: Notes
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    quoted: bool = False

    def wrong(self, message: str, *, key: str | None = None, severity: str = "error") -> None:
        """Notes a problem at this value, or at one of its keys."""
        line, column = self.keys.get(key or "", (self.line, self.column))
        self.notes.problems.append(Problem(self.file, line, column, message, severity))

    def kind(self) -> str:
        """What it is, in a user's words."""
        kinds = {dict: "a mapping", list: "a list", str: "text", bool: "yes or no", int: "a number", float: "a number"}
        return kinds.get(type(self.value), "nothing")

    # Readers: each returns a usable value in any case, having noted what was wrong.

    def mapping(self) -> dict[str, Spec]:
        """The keys and values, or nothing."""
        if isinstance(self.value, dict):
            return self.value
        self.wrong(f"expected a mapping (key: value), found {self.kind()}")
        return {}

    def items(self) -> list[Spec]:
        """The entries of a list."""
        if isinstance(self.value, list):
            return self.value
        self.wrong(f"expected a list, found {self.kind()}")
        return []

    def each(self) -> list[Spec]:
        """The entries of a list, or the one value that stands where a list could."""
        return self.value if isinstance(self.value, list) else [self]

    def string(self) -> str:
        """Text. Numbers count as the text they were written as."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        self.wrong(f"expected text, found {self.kind()}")
        return ""

    def strings(self) -> list[str]:
        """A list of texts; one text counts as a list of one."""
        return [one.string() for one in self.each()]

    def number(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool) and low <= self.value <= high:
            return self.value
        self.wrong(f"expected a number from {low:g} to {high:g}, found {self.shown()}")
        return low

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        if isinstance(self.value, int) and not isinstance(self.value, bool) and low <= self.value <= high:
            return self.value
        self.wrong(f"expected a whole number from {low} to {high}, found {self.shown()}")
        return low

    def boolean(self) -> bool:
        """True or false."""
        if isinstance(self.value, bool):
            return self.value
        self.wrong(f"expected true or false, found {self.shown()}")
        return False

    def span(self) -> timedelta:
        """A length of time: 30s, 15m, 6h, 3d, 2w. A hundred years at most: calendars end."""
        found = _SPAN.match(str(self.value))
        span = timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else None
        if span is not None and span <= _CENTURY:
            return span
        self.wrong(f"expected a length of time such as 30s, 15m, 6h, 3d or 2w, found {self.shown()}")
        return timedelta(days=1)

    def choice(self, options: Collection[str]) -> str:
        """One of `options`."""
        word = self.string()
        if word not in options:
            self.wrong(unknown("value", word, options))
            return next(iter(options))
        return word

    def shown(self) -> str:
        """The value as a message shows it."""
        return self.kind() if isinstance(self.value, dict | list) else repr(self.value)

    def get(self, key: str) -> Spec | None:
        """The value of a key of a mapping, if it is there."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def only(self, keys: Collection[str], what: str = "key") -> None:
        """Notes every key that is not one of `keys`."""
        for key in self.mapping():
            if key not in keys:
                self.wrong(unknown(what, key, keys), key=key)

    def need(self, key: str, why: str = "") -> Spec | None:
        """The value of a key that must be there."""
        found = self.get(key)
        if found is None and isinstance(self.value, dict):
            self.wrong(f"'{key}' is missing{': ' + why if why else ''}")
        return found

    def plain(self) -> object:
        """The value with nothing but dicts, lists and scalars: for hashing and showing."""
        if isinstance(self.value, dict):
            return {key: one.plain() for key, one in self.value.items()}
        if isinstance(self.value, list):
            return [one.plain() for one in self.value]
        return self.value


def unknown(what: str, word: str, options: Collection[str]) -> str:
    """ "unknown condition 'wrods'; did you mean 'words'? expected one of all, any, …"."""
    near = difflib.get_close_matches(word, list(options), 1)
    hint = f" did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{word[:60]}';{hint} expected one of {', '.join(sorted(options))}"


def read(data: bytes, file: str, notes: Notes) -> Spec | None:
    """The one document of a file as a Spec; None, with the reason noted, where it cannot be read at all."""
    here = Spec(None, file, 1, 1, notes)
    if len(data) > notes.limits.bytes:
        here.wrong(f"the file has {len(data):,} bytes; the limit is {notes.limits.bytes:,}: split it with include:")
        return None
    try:
        return _Tree(file, notes).grow(yaml.parse(data.decode("utf-8-sig"), Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        Spec(None, file, line, 1, notes).wrong(f"not UTF-8 text (byte {error.start}): save the file as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        tab = data.splitlines()[line - 1 : line] and b"\t" in data.splitlines()[line - 1][:column]
        words = "a tab is used for indentation; use spaces" if tab else _plainly(error)
        Spec(None, file, line, column, notes).wrong(f"not valid YAML: {words}")
    except (yaml.YAMLError, ValueError) as error:
        here.wrong(f"not valid YAML: {str(error).splitlines()[0][:200]}")
    return None


def _plainly(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


class _TooMuch(Exception):
    """A limit was passed; what is wrong has been noted."""


class _Tree:
    """A tree of Specs that grows from parser events, with an explicit stack; stops at the first limit."""

    def __init__(self, file: str, notes: Notes) -> None:
        self._file, self._notes = file, notes
        self._root: Spec | None = None
        self._stack: list[tuple[Spec, list[str]]] = []  # open collections, each with the key that waits for its value
        self._documents = 0

    def grow(self, events: Iterator[yaml.Event]) -> Spec | None:
        """The root of the document; None where there is none or it passes a limit."""
        try:
            for count, event in enumerate(events):
                if count >= self._notes.limits.values:
                    self._stop(event, f"more than {self._notes.limits.values:,} values in one file: split it with include:")
                self._take(event)
        except _TooMuch:
            return None
        if self._root is None:
            Spec(None, self._file, 1, 1, self._notes).wrong("the file is empty")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:
                self._at(event).wrong("a second document ('---') in one file: use include: instead")
        elif isinstance(event, yaml.AliasEvent):
            self._at(event).wrong(f"aliases are not used here: write out what '*{event.anchor}' stands for")
            self._put(self._at(event))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._add(event)

    def _add(self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        spec = self._at(event)
        if event.anchor is not None:
            spec.wrong(f"anchors are not used here: remove '&{event.anchor}'")
        if event.tag is not None:
            spec.wrong(f"tags are not used here: remove '{event.tag}'")
        if isinstance(event, yaml.ScalarEvent):
            spec.value, spec.quoted = event.value if event.style else _scalar(event.value), bool(event.style)
            self._put(spec)
            return
        if len(self._stack) >= self._notes.limits.depth:
            self._stop(event, f"nested more than {self._notes.limits.depth} levels deep")
        spec.value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(spec)
        self._stack.append((spec, []))

    def _put(self, spec: Spec) -> None:
        if not self._stack:
            self._root = self._root or spec
        elif isinstance(self._stack[-1][0].value, list):
            self._stack[-1][0].value.append(spec)
        else:
            _put_pair(*self._stack[-1], spec)

    def _at(self, event: yaml.Event) -> Spec:
        mark = event.start_mark
        return Spec(None, self._file, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, self._notes)

    def _stop(self, event: yaml.Event, message: str) -> None:
        self._at(event).wrong(message)
        raise _TooMuch


def _put_pair(parent: Spec, waiting: list[str], spec: Spec) -> None:
    assert isinstance(parent.value, dict)
    if waiting:
        key = waiting.pop()
        parent.value.setdefault(key, spec)
        return
    if isinstance(spec.value, dict | list):
        spec.wrong("a key must be text, not a mapping or a list")
        key = f"?{spec.line}:{spec.column}"
    else:
        key = spec.value if isinstance(spec.value, str) else "" if spec.value is None else str(spec.value)
        if key == "<<" and not spec.quoted:
            spec.wrong("merge keys ('<<') are not used here: write the keys out")
        if key in parent.keys:
            spec.wrong(f"'{key[:60]}' is here twice (first on line {parent.keys[key][0]})")
    parent.keys.setdefault(key, (spec.line, spec.column))
    waiting.append(key)


def _scalar(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


Reader = Callable[[str], bytes]
"""Gives the bytes of an included file by its path relative to the first one; raises OSError."""
