"""The JSON Schema of a rule file, made from the very tables that the loader reads by."""

from __future__ import annotations

from rules import shape
from rules.conditions import CONDITIONS
from rules.load import FILE, RULE
from rules.shape import Json


def schema() -> Json:
    """A JSON Schema (2020-12) that editors complete and check rule files with."""
    text: Json = {"type": ["string", "number"]}
    condition = {
        "type": "object",
        "properties": {key: {**one.schema(), "description": _first_sentence(one)} for key, one in CONDITIONS.items()},
        "additionalProperties": False,
        "minProperties": 1,
    }
    excepted = {
        "type": "object",
        "properties": {"any": {"$ref": "#/$defs/words"}, "except": {"$ref": "#/$defs/words"}},
        "required": ["any"],
        "additionalProperties": False,
    }
    office = {
        "type": "object",
        "properties": {"office": {"$ref": "#/$defs/words"}, "of": {"$ref": "#/$defs/words"}},
        "required": ["office", "of"],
        "additionalProperties": False,
    }
    who = {"type": "object", "additionalProperties": {"anyOf": [{"$ref": "#/$defs/words"}, excepted, office, {"type": "null"}]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of the news monitor",
        **shape.mapping(FILE),
        "$defs": {
            "words": shape.one_or_many(text),
            "terms": {"anyOf": [{"$ref": "#/$defs/words"}, excepted]},
            "who": {"anyOf": [{"$ref": "#/$defs/words"}, who]},
            "condition": {"anyOf": [{"$ref": "#/$defs/terms"}, condition]},
            "conditions": shape.one_or_many({"$ref": "#/$defs/condition"}),
            "lists": {"type": "object", "additionalProperties": {"anyOf": [{"$ref": "#/$defs/terms"}, who]}},
            "rule": shape.mapping(RULE),
        },
    }


def _first_sentence(one: object) -> str:
    return (one.__doc__ or "").strip().splitlines()[0]
