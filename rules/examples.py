"""A rule's own examples: articles that it must match, with what is to be found in them, and articles that it must skip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rules import shape
from rules.article import Article
from rules.spec import Spec

if TYPE_CHECKING:
    from rules.conditions.base import Context
    from rules.rule import Rule
    from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One of them. `expects` is compared with the captures and labels of the findings; only what is given counts."""

    article: Article
    match: bool
    expects: Mapping[str, str | None] = field(default_factory=dict)
    file: str = ""
    line: int = 0


_ARTICLE = ("text", "title", "summary", "published", "source", "language", "url", "tags")


def _read(spec: Spec, _: Context) -> tuple[Example, ...]:
    spec.only(("match", "skip"))
    listed = {kind: found.items() for kind in ("match", "skip") if (found := spec.get(kind))}
    return tuple(example(one, match=kind == "match") for kind, entries in listed.items() for one in entries)


_ONE: shape.Json = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {key: {"type": "string"} for key in _ARTICLE if key != "tags"},
            "additionalProperties": {"type": ["string", "number", "null"]},
        },
    ]
}

EXAMPLES = shape.Kind(
    _read,
    {
        "type": "object",
        "properties": {kind: {"type": "array", "items": _ONE} for kind in ("match", "skip")},
        "additionalProperties": False,
    },
)


def example(spec: Spec, *, match: bool) -> Example:
    """One example: a text, or a mapping of an article's fields and of what is to be found."""
    if not isinstance(spec.value, dict):
        article = Article(id=f"line {spec.line}", body=spec.string())
        return Example(article=article, match=match, file=spec.file, line=spec.line)
    expects = {key: None if one.value is None else one.string() for key, one in spec.value.items() if key not in _ARTICLE}
    return Example(article=article_of(spec), match=match, expects=expects, file=spec.file, line=spec.line)


def article_of(spec: Spec) -> Article:
    """The article that a mapping describes: text, title, summary, published, source, language, url, tags."""
    given = {key: one.string() for key in _ARTICLE if key != "tags" and (one := spec.get(key)) is not None}
    tags = spec.get("tags")
    if "text" not in given and "title" not in given:
        spec.wrong("an example needs a text or a title")
    return Article(
        id=f"line {spec.line}",
        title=given.get("title", ""),
        summary=given.get("summary", ""),
        body=given.get("text", ""),
        source=given.get("source", ""),
        url=given.get("url"),
        language=given.get("language"),
        tags=tuple(tags.strings()) if tags else (),
        published=moment(spec, "published"),
    )


def moment(spec: Spec, key: str) -> datetime | None:
    """A date, or a date and time, in UTC where no zone is given."""
    written = spec.get(key)
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written.string())
    except ValueError:
        written.wrong(f"expected a date such as 2026-05-01, found {written.shown()}")
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def failures(rules: RuleSet, rule: Rule) -> list[str]:
    """What the rule's own examples got wrong, as lines with file and line number; nothing where all is well."""
    found = []
    for one in rule.examples:
        wrong = failure(rules, rule, one)
        if wrong:
            found.append(f"{one.file}:{one.line}: {rule.id}: {wrong}")
    return found


def failure(rules: RuleSet, rule: Rule, one: Example) -> str:
    """What is wrong with one example; nothing where it is as expected. Expectations match partially."""
    matches = [match for match in rules.match(one.article) if match.rule == rule.id]
    values = [{**finding.captures, **finding.labels} for match in matches for finding in match.findings]
    if not one.match:
        return f"should be skipped, but matches: {matches[0].findings[0].text[:100]}" if values else ""
    if not values:
        return "should match, but does not"
    if any(all(found.get(key) == value for key, value in one.expects.items()) for found in values):
        return ""
    wrong = [
        f"{key}: expected {value}, found {' / '.join(sorted({str(f.get(key)) for f in values}))}"
        for key, value in one.expects.items()
        if all(found.get(key) != value for found in values)
    ]
    return "matches, but not as expected: " + ("; ".join(wrong) or "no single finding has all of it")
