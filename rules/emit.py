"""Writes articles into test files, so that they read back exactly as they were. What is in the file stays as it is.

A text becomes a block scalar, which people can read and edit; one that a block scalar cannot hold (control characters, odd line ends)
a quoted one with escapes. Only halves of surrogate pairs, which no file can hold, become replacement signs: as long, so offsets hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rules.article import Article
from rules.spec import Limits, Notes, Spec, read

_PLAIN = re.compile(r"[a-z][a-z0-9_-]*\Z")
_WORDS = ("true", "false", "null")
_NOT_PRINTED = re.compile(
    "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)  # json leaves them raw; YAML reads them otherwise or not at all
_NOT_BLOCK = re.compile("[^\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("(?<=\n)|(?<=\r)(?!\n)|(?<=[\x85\u2028\u2029])")  # what ends a line for YAML


MOST = Limits().bytes
"""Bytes that a test file may have."""


class Full(ValueError):
    """A file that would be larger with one more entry than files may be."""


def scalar(text: str) -> str:
    """A text in one line."""
    text = _whole(text)
    if _PLAIN.match(text) and text not in _WORDS:
        return text
    return _NOT_PRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def block(text: str, indent: int) -> str:
    """A text as a block scalar whose lines are indented by so much; as a quoted scalar where it needs one."""
    text = _whole(text)
    if not text.strip() or _NOT_BLOCK.search(text):
        return scalar(text)
    end = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    lines = "\n".join(" " * indent + line if line else "" for line in text.removesuffix("\n").split("\n"))
    said = "2" if text[0].isspace() else ""  # the indentation, where the text itself begins with white space
    return f"|{said}{end}\n{lines}"


def entry(article: Article, *, rule: str, match: bool, name: str) -> list[str]:
    """The entry of a test file that says that a rule must match, or skip, an article: its lines, without indentation."""
    told: list[tuple[str, str | None]] = [
        ("name", scalar(name)),
        ("rule", scalar(rule)),
        ("skip", None if match else "true"),
        *((key, _given(getattr(article, key))) for key in ("id", "source", "url", "author", "language")),
        ("tags", f"[{', '.join(map(scalar, article.tags))}]" if article.tags else None),
        ("published", _stamp(article.published)),
        ("at", _stamp(article.seen)),
        *((key, _given(getattr(article, key))) for key in ("title", "summary")),
        ("text", block(article.body, 4) if article.body else None),
    ]
    lines = "\n".join(f"  {key}: {value}" for key, value in told if value is not None)
    return ("- " + lines[2:]).split("\n")


def start(rules: str) -> str:
    """A test file without tests yet, for these rules."""
    return f"# Tests of {' '.join(_whole(rules).split())}: run them with 'monitor test'.\nrules: {scalar(rules)}\ntests:\n"


def add(existing: str, one: Sequence[str], under: str = "tests") -> str:
    """A file with one more entry at the end of the list that stands `under` a key; all that is there stays, comments included.

    Raises Full, or ValueError where what is there leaves no place for it.
    """
    return extend(existing, [one], under)


def extend(existing: str, entries: Sequence[Sequence[str]], under: str, limits: Limits | None = None) -> str:
    """As `add`, with several entries; `limits` are those of the file, else those of rule files."""
    old = _read(existing, limits)
    lines = _BREAK.split(existing)
    if not lines[-1]:
        lines.pop()
    at = _end(old, lines, under)
    added = [("\n" if at == len(lines) and lines and not lines[-1].endswith(("\n", "\r")) else "")]
    added += [f"{under}:\n"] if old.get(under) is None else []
    indent = " " * _indent(old, lines, under)
    added += [f"{indent}{line}\n" if line else "\n" for one in entries for line in one]
    new = "".join([*lines[:at], "".join(added).replace("\n", "\r\n" if "\r\n" in existing else "\n"), *lines[at:]])
    if len(new.encode()) > (most := limits.bytes if limits else MOST):
        raise Full(f"the file would have more than {most:,} bytes")
    alone = "".join(f"{line}\n" for one in entries for line in one)
    if not _holds(_read(new, limits), old, _read(f"{under}:\n{alone}", limits), under):
        raise ValueError("what is there would read otherwise")
    return new


def find(root: Spec, article: Article, rule: str) -> Spec | None:
    """The entry of a test file that is about this article, as it reads now, and this rule."""
    tests = root.get("tests")
    for one in tests.value if tests is not None and isinstance(tests.value, list) else ():
        if _said(one, "rule") == rule and tuple(_said(one, key) for key in ("title", "summary", "text")) == _texts(article):
            return one
    return None


def _texts(article: Article) -> tuple[str, str, str]:
    return _whole(article.title), _whole(article.summary), _whole(article.body)


def _said(one: Spec, key: str) -> str:
    found = one.get(key)
    return "" if found is None or found.value is None else str(found.value)


def _given(text: str | None) -> str | None:
    return scalar(text) if text else None


def _stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _whole(text: str) -> str:
    return text if text.isascii() else "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _read(text: str, limits: Limits | None) -> Spec:
    notes = Notes(limits=limits or Limits())
    root = read(text.encode(), "", notes)
    if root is None or notes.failed or not isinstance(root.value, dict):
        problem = notes.problems[0].message if notes.problems else "no mapping"
        raise ValueError(problem)
    return root


def _end(root: Spec, lines: Sequence[str], under: str) -> int:
    """The line before which the next entry goes: the end, or where the next key begins, with the comments above it."""
    here = root.keys.get(under)
    at = min([line - 1 for line, _ in root.keys.values() if here is not None and line > here[0]], default=len(lines))
    while at < len(lines) and at > 0 and (not lines[at - 1].strip() or lines[at - 1].startswith("#")):
        at -= 1
    return at


def _indent(root: Spec, lines: Sequence[str], under: str) -> int:
    there = root.get(under)
    if there is None or there.value is None:
        return 2
    if not isinstance(there.value, list) or lines[there.line - 1][there.column - 1 :][:1] != "-":
        raise ValueError(f"its {under} are not written as a list of dashes, one under the other")
    return there.column - 1


def _holds(new: Spec, old: Spec, entries: Spec, under: str) -> bool:
    """Whether the new file is the old one and the entries. Empty lines at the end of a text are no difference."""
    was: Any = old.plain()
    now: Any = new.plain()
    some: Any = entries.plain()
    whole = {**was, under: [*(was.get(under) or []), *some[under]]}
    return bool(_bare(whole) == _bare(now) and some[under] == now[under][-len(some[under]) :])


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return value.rstrip("\n") if isinstance(value, str) else value
