"""Values as they lie in a database: times as integers, everything else whole, as JSON."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any], Any]

FAR = 2**63 - 1
"""Later than any time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONE = re.compile("[\ud800-\udfff]")
_AS_IS = {str, int, float, bool}


def micros(at: datetime) -> int:
    """Microseconds since 1970: the precision of a datetime, so that equal times come back."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The time that `micros` wrote."""
    return _EPOCH + timedelta(microseconds=micros)


def utf8(text: str) -> str:
    r"""The text with surrogates, which UTF-8 and so SQLite cannot hold, as `\udxxx`, which JSON reads back."""
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def dump(value: object) -> str:
    """The value as JSON that any database can hold."""
    return utf8(json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")))


def _plain(value: Any) -> object:
    """What JSON can hold of a value: one level of it, `json` asks for the next."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def load(kind: type[T], whole: str | bytes) -> T:
    """The value that `dump` wrote. A field added since has its default."""
    anything: Any = kind
    read = _reader(anything) or (lambda saved: saved)
    value: T = read(json.loads(whole))
    return value


@functools.cache
def _reader(kind: Any) -> Reader | None:
    """What makes a value of this kind of what JSON gives back; None: it is that already. Made once: a ledger loads thousands."""
    if kind in _AS_IS:
        return None
    if kind is datetime:
        return datetime.fromisoformat
    if kind is timedelta:
        return lambda saved: timedelta(seconds=saved)
    return _fields(kind) if dataclasses.is_dataclass(kind) else _compound(get_origin(kind), get_args(kind)[0])


def _fields(kind: Any) -> Reader:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(saved: Any) -> Any:
        given = ((name, part, readers[name]) for name, part in saved.items())
        return kind(**{name: part if part is None or one is None else one(part) for name, part, one in given})

    return read


def _compound(origin: Any, inner: Any) -> Reader | None:
    """A tuple of `inner`, an optional `inner`, or a mapping, which JSON gives back as it was."""
    if origin is not tuple:
        return _reader(inner) if origin is UnionType else None
    one = _reader(inner)
    return (lambda saved: tuple(map(one, saved))) if one else tuple
