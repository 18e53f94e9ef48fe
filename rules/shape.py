"""What a mapping in a rule file may hold: one table that the loader reads by, the JSON Schema is made from, and the manual prints.

A shape is a table of keys; each key has a kind, which knows how to read a value (noting what is wrong with it, never raising) and how
to say what it takes as JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rules.spec import Spec

if TYPE_CHECKING:
    from rules.conditions.base import Context

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read, and what it may be."""

    read: Callable[[Spec, Context], Any]
    schema: Json


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping: what kind of value, what it is for, and what holds where it is left out."""

    kind: Kind
    help: str
    default: Any = None
    required: bool = False


Shape = Mapping[str, Key]


def fill(spec: Spec, shape: Shape, context: Context) -> dict[str, Any]:
    """The values of a mapping, those left out by their defaults; unknown and missing keys are noted."""
    spec.only(shape)
    values = {}
    for name, key in shape.items():
        found = spec.get(name)
        if found is None and key.required:
            spec.need(name, key.help)
        values[name] = key.default if found is None else key.kind.read(found, context)
    return values


def mapping(shape: Shape, **more: Any) -> Json:
    """The JSON Schema of a mapping of this shape."""
    properties = {name: {**key.kind.schema, "description": key.help} for name, key in shape.items()}
    required = [name for name, key in shape.items() if key.required]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **more,
    }


def one_or_many(item: Json) -> Json:
    """A value, or a list of them."""
    return {"anyOf": [item, {"type": "array", "items": item}]}


_TEXT: Json = {"type": ["string", "number"]}
_SPAN = r"^\d{1,6}\s*[smhdw]$"

TEXT = Kind(lambda spec, _: spec.string(), _TEXT)
TEXTS = Kind(lambda spec, _: tuple(spec.strings()), one_or_many(_TEXT))
BOOLEAN = Kind(lambda spec, _: spec.boolean(), {"type": "boolean"})
SPAN: Kind = Kind(lambda spec, _: _span(spec), {"type": "string", "pattern": _SPAN, "examples": ["30s", "15m", "6h", "3d", "2w"]})
TERMS = Kind(lambda spec, context: context.terms(spec), {"$ref": "#/$defs/terms"})
WHO = Kind(lambda spec, context: None if spec.value == "any" else context.names(spec), {"$ref": "#/$defs/who"})


def _span(spec: Spec) -> timedelta:
    return spec.span()


def whole(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`."""
    return Kind(lambda spec, _: spec.whole(low, high), {"type": "integer", "minimum": low, "maximum": high})


def number(low: float, high: float) -> Kind:
    """A number from `low` to `high`."""
    return Kind(lambda spec, _: spec.number(low, high), {"type": "number", "minimum": low, "maximum": high})


def choice(options: Collection[str]) -> Kind:
    """One of `options`."""
    return Kind(lambda spec, _: spec.choice(options), {"enum": list(options)})


def choices(options: Collection[str]) -> Kind:
    """One or more of `options`."""
    return Kind(lambda spec, _: tuple(one.choice(options) for one in spec.each()), one_or_many({"enum": list(options)}))
