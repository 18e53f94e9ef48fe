"""`monitor explain`: why an article satisfies a rule, or how near it came and what is missing, clause by clause."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import envelope, report, saved
from monitor.app import kept, marks
from monitor.app.book import read_draft, read_rules
from monitor.app.replay import Rehearsal, rehearsing
from monitor.cli import options
from rules import Article, Clause, Match, Rule
from rules.examples import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.app.book import Book
    from monitor.config import Config
    from monitor.report import Style

MOST_HITS = 8
"""Words of one clause that are quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What became of one rule. `match` is what the monitor itself would find; the clause tells why, or why not."""

    rule: Rule
    clause: Clause
    match: Match | None

    @property
    def unasked(self) -> str:
        """Why there is no match although the condition holds."""
        if self.match or not self.clause.holds:
            return ""
        return (
            "the rule is deprecated, so it is not asked" if self.rule.status == "deprecated" else "there is nothing to read in it"
        )


@click.command(epilog="Example: monitor explain https://example.org/news/1 --rule summit-announced")
@click.argument("article", metavar="ARTICLE")
@click.option("--rule", "wanted", metavar="ID", help="Only this rule.")
@click.option(
    "--with", "draft", metavar="DRAFT", type=options.FILE, help="The rules of this file, which may use the lists of the others."
)
@click.option("--article", "id", metavar="ID", help="Which one, where a file holds several.")
@options.as_json
@options.rules
@options.config
def explain(  # noqa: PLR0913, PLR0917 - one parameter an option
    article: str,
    wanted: str | None,
    draft: Path | None,
    id: str | None,
    as_json: bool,  # noqa: FBT001 - an option
    rules_file: Path | None,
    config_file: Path | None,
) -> None:
    """Say why an article matches the rules, or what is missing.

    ARTICLE is a saved file, the address of a web page, the id of an alert (alt_…), or - for a text that is piped in.
    """
    config = options.load_or_lend(config_file, rules_file)
    book = read_draft(draft, config.rules, config.limits) if draft else read_rules(config.rules, config.limits)
    options.warn(book.ruleset.warnings)
    if wanted:
        marks.find_rule(book, wanted)
    read = asyncio.run(_article(config, book, article, id))
    found = [one for one in explained(book, read) if wanted in (None, one.rule.id)]
    if as_json:
        for one in found:
            options.line(plain(read, one))
    else:
        options.show("\n".join(told(read, found, options.style())))


async def _article(config: Config, book: Book, where: str, id: str | None) -> Article:
    """The article, from wherever it is. Raises FetchFailed, Unreadable, ConfigError or StoreError."""
    if where.startswith("alt_"):
        async with kept.open_kept(config) as store:
            alert = await store.alert(where)
        if alert is None:
            raise click.UsageError(f"{config.store} has no alert {where}")
        return alert.article
    async with rehearsing(Rehearsal(book=book)) as rehearsal:
        if where == "-":
            return piped(sys.stdin.buffer.read())
        if where.startswith(("http://", "https://")):
            return await marks.fetch(config, rehearsal, where)
        return await marks.read(rehearsal, Path(where), id)


def piped(data: bytes) -> Article:
    """A text, or an article as `monitor match --articles` prints it. Raises Unreadable."""
    name = "stdin.json" if data.lstrip().startswith(b"{") else "stdin.txt"
    return saved.parse(data, name).articles[0]


def explained(book: Book, article: Article) -> list[Explained]:
    """Every rule: those that match in the order they are written, then the others, the nearest first."""
    matches = {match.rule: match for match in book.ruleset.match(article)}
    every = [Explained(rule=rule, clause=clause, match=matches.get(rule.id)) for rule, clause in book.ruleset.explain(article)]
    return sorted(every, key=lambda one: (one.match is None, -one.clause.near if one.match is None else 0.0))


# For people


def told(article: Article, found: Sequence[Explained], style: Style) -> Iterator[str]:
    """The article, and each rule with its clauses."""
    about = {"title": article.title, "url": article.url}
    yield style.paint(report.clean(article.id), bold=True)
    yield from report.article(about, style)
    for one in found:
        yield ""
        yield from _rule(one, style)


def _rule(one: Explained, style: Style) -> Iterator[str]:
    verdict = "matches" if one.match else "does not match" + _nearness(one.clause)
    draft = " (a draft)" if one.rule.status == "draft" else ""
    yield f"{_mark(style, holds=one.match is not None)} {style.paint(one.rule.id, bold=True)}{draft} {verdict}"
    if one.unasked:
        yield f"    {one.unasked}"
    yield from _clause(one.clause, style, "  ")
    if one.match:
        yield from report.findings([envelope.finding(each) for each in one.match.findings], style)


def _clause(clause: Clause, style: Style, indent: str) -> Iterator[str]:
    """A clause and its parts: whether it holds, what was found, or why it does not hold."""
    first, *others = _wrapped(_heading(clause) if clause.parts else clause.says, indent + "  ", style)
    yield f"{indent}{_mark(style, holds=clause.holds)}{first[len(indent) + 1 :]}"
    yield from others
    said = "" if clause.parts else _quoted(clause) if clause.holds else clause.why
    yield from (style.paint(line, dim=True) for line in _wrapped(said, indent + "    ", style))
    for part in clause.parts:
        yield from _clause(part, style, indent + "    ")


def _heading(clause: Clause) -> str:
    """A clause whose parts are told below it: where they must hold, and how many of them do."""
    where = clause.says[: max(0, clause.says.find(clause.parts[0].says))].rstrip("(")
    held = f"{sum(part.holds for part in clause.parts)} of {len(clause.parts)} hold"
    return ("" if where.endswith(": ") else where) + (held if clause.holds else clause.why)


def _quoted(clause: Clause) -> str:
    """The words that satisfied a clause, each once."""
    assert clause.evidence is not None
    hits = [*clause.evidence.hits, *(hit for finding in clause.evidence.findings for hit in finding.hits)]
    words = list(dict.fromkeys(report.clean(hit.text) for hit in hits))
    more = f" and {len(words) - MOST_HITS} more" if len(words) > MOST_HITS else ""
    return ", ".join(f"“{word}”" for word in words[:MOST_HITS]) + more


def _wrapped(text: str, indent: str, style: Style) -> list[str]:
    return textwrap.wrap(report.clean(text), max(40, style.width), initial_indent=indent, subsequent_indent=indent)


def _mark(style: Style, *, holds: bool) -> str:
    return style.paint("✓", fg="green") if holds else style.paint("✗", fg="red")


def _nearness(clause: Clause) -> str:
    return f", but comes {clause.near:.0%} of the way" if 0 < clause.near < 1 else ""


# For programs


def plain(article: Article, one: Explained) -> dict[str, Any]:
    """One rule, with its clauses as they were evaluated."""
    return {
        "article": article.id,
        "rule": one.rule.id,
        "version": one.rule.version,
        "status": one.rule.status,
        "matches": one.match is not None,
        "missing": nearest(one.clause),
        "clause": _plain(one.clause),
        "findings": [envelope.finding(each) for each in one.match.findings] if one.match else [],
    }


def _plain(clause: Clause) -> dict[str, Any]:
    return {
        "says": clause.says,
        "holds": clause.holds,
        "why": clause.why,
        "near": round(clause.near, 3),
        "hits": [asdict(hit) for hit in clause.evidence.hits] if clause.evidence else [],
        "parts": [_plain(part) for part in clause.parts],
    }
