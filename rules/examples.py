"""A rule's own examples: articles that it must match, with what is to be found in them, and articles that it must skip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rules.article import Article
from rules.spec import Spec

if TYPE_CHECKING:
    from rules.rule import Rule
    from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One of them. `expects` is compared with the captures and labels of the findings; only what is given counts."""

    article: Article
    match: bool
    expects: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    line: int = 0


_ARTICLE = ("text", "title", "published", "source", "language")


def examples(spec: Spec) -> tuple[Example, ...]:
    """The examples as written: `match:` and `skip:`, each a list of texts or of mappings."""
    spec.only(("match", "skip"))
    listed = {kind: found.items() for kind in ("match", "skip") if (found := spec.get(kind))}
    return tuple(_example(one, match=kind == "match") for kind, entries in listed.items() for one in entries)


def _example(spec: Spec, *, match: bool) -> Example:
    if not isinstance(spec.value, dict):
        return Example(article=Article(id=f"line {spec.line}", body=spec.string()), match=match, file=spec.file, line=spec.line)
    given = {key: one.string() for key, one in spec.value.items()}
    if "text" not in given and "title" not in given:
        spec.wrong("an example needs a text or a title")
    article = Article(
        id=f"line {spec.line}",
        title=given.get("title", ""),
        body=given.get("text", ""),
        published=_when(spec),
        language=given.get("language"),
    )
    expects = {key: value for key, value in given.items() if key not in _ARTICLE}
    return Example(article=article, match=match, expects=expects, file=spec.file, line=spec.line)


def _when(spec: Spec) -> datetime | None:
    written = spec.get("published")
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
    for example in rule.examples:
        matches = [match for match in rules.match(example.article) if match.rule == rule.id]
        findings = [{**one.captures, **one.labels} for match in matches for one in match.findings]
        where = f"{example.file}:{example.line}: {rule.id}:"
        if example.match and not findings:
            found.append(f"{where} should match and does not")
        elif not example.match and findings:
            found.append(f"{where} should be skipped and matches")
        elif example.match and not any(all(one.get(key) == value for key, value in example.expects.items()) for one in findings):
            found.append(f"{where} matches, but not with {dict(example.expects)}; found {findings}")
    return found
