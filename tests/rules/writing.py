"""How the tests of the engine write rules and articles: as short as they can be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

import rules
from rules import Article, Finding, Invalid, RuleSet

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(text: str, **more: str) -> RuleSet:
    """The rules of a file, with the files that it may include by name (`more_yaml` is more.yaml)."""
    return rules.load(files(text, **more), "rules.yaml")


def files(text: str, **more: str) -> dict[str, bytes]:
    others = {name.replace("_yaml", ".yaml"): dedent(content).encode() for name, content in more.items()}
    return {"rules.yaml": dedent(text).encode(), **others}


def loaded_or_not(data: bytes) -> RuleSet | Invalid:
    """The rules in these bytes, or why they cannot be used, which says at least one thing."""
    try:
        return rules.load({"rules.yaml": data}, "rules.yaml")
    except Invalid as error:
        if not error.problems:
            raise AssertionError("invalid for no reason") from error
        return error


def wrong(text: str, **more: str) -> list[str]:
    """The problems of a file that cannot be used, as lines."""
    with pytest.raises(Invalid) as raised:
        load(text, **more)
    return str(raised.value).splitlines()


def rule(when: str, *, lists: str = "", **keys: str) -> RuleSet:
    """One rule with this condition, and lists to refer to."""
    others = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    head = f"lists:\n{indent(dedent(lists), '  ')}\n" if lists else ""
    return load(f"{head}rules:\n  - id: it\n{others}    when:\n{indent(dedent(when), ' ' * 6)}\n")


def article(body: str = "", title: str = "", day: str | None = None, **more: str) -> Article:
    """An article; `day` is when it was published, at noon."""
    when = datetime.combine(date.fromisoformat(day), time(12), UTC) if day else None
    return Article(id="it", title=title, body=body, published=when, **more)  # type: ignore[arg-type]  # text fields only


def findings(ruleset: RuleSet, told: Article | str) -> tuple[Finding, ...]:
    """What the one rule finds; nothing where it does not fire."""
    matches = ruleset.match(article(told) if isinstance(told, str) else told)
    return matches[0].findings if matches else ()


def hits(ruleset: RuleSet, told: Article | str) -> list[str]:
    """The words that did it, over all findings."""
    return [hit.text for finding in findings(ruleset, told) for hit in finding.hits]


def values(finding: Finding) -> Mapping[str, str | None]:
    """Captures and labels together."""
    return {**finding.captures, **finding.labels}


def sound(ruleset: RuleSet, told: Article) -> None:
    """Fails unless every finding and hit is where it says."""
    for match in ruleset.match(told):
        assert match.findings
        for one in match.findings:
            assert told.text(one.field)[one.start : one.end] == one.text
            for hit in one.hits:
                assert told.text(hit.field)[hit.start : hit.end] == hit.text
