"""A rule's own examples: articles that it must match, with what is to be found in them, and articles that it must skip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rules import shape
from rules.article import Article
from rules.evidence import Clause, Finding
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
            "properties": {key: (shape.TEXTS if key == "tags" else shape.TEXT).schema for key in _ARTICLE},
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
    """The date under a key, where it is given."""
    written = spec.get(key)
    return None if written is None else when(written)


def when(spec: Spec) -> datetime | None:
    """A date, or a date and time, in UTC where no zone is given; None, with the reason noted, where it is neither."""
    try:
        found = datetime.fromisoformat(spec.string())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        spec.wrong(f"expected a date such as 2026-05-01 or 2026-05-01T12:00:00Z, found {spec.shown()}")
        return None


# What came of them


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
    found = [finding for match in rules.match(one.article) if match.rule == rule.id for finding in match.findings]
    if not one.match:
        return f"should be skipped, but matches: {_shown(found[0])}" if found else ""
    if not found:
        return "should match, but does not" + (f" (expected {_listed(one.expects)})" if one.expects else "")
    return _unlike(found, one.expects)


def values(finding: Finding) -> dict[str, str | None]:
    """All that was read off a finding: captures and labels together."""
    return {**finding.captures, **finding.labels}


def nearest(clause: Clause) -> list[str]:
    """For a condition that does not hold, where it came nearest: from the whole down to the part that failed, a line each."""
    if clause.holds:
        return []
    failed = [part for part in clause.parts if not part.holds]
    deeper = nearest(max(failed, key=lambda part: part.near)) if failed else []
    return [f"{_cut(clause.says)}: {clause.why}", *deeper]


def _unlike(found: Sequence[Finding], expects: Mapping[str, str | None]) -> str:
    read = [values(one) for one in found]
    if any(all(each.get(key) == value for key, value in expects.items()) for each in read):
        return ""
    wrong = [
        f"{key}: expected {_said(value)}, found {' / '.join(sorted({_said(each.get(key)) for each in read}))}"
        for key, value in expects.items()
        if all(each.get(key) != value for each in read)
    ]
    return f"matches, but not as expected: {'; '.join(wrong) or 'no single finding has all of it'}: {_shown(found[0])}"


def _shown(finding: Finding) -> str:
    known = {key: value for key, value in values(finding).items() if value and key not in ("content", "cue")}
    return f"“{_cut(finding.text)}”" + (f" ({_listed(known)})" if known else "")


def _listed(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{key}: {_cut(_said(value))}" for key, value in values.items())


def _said(value: str | None) -> str:
    return "nothing" if value is None else value


def _cut(text: str, longest: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
