"""For those who write rules: `monitor test`, `monitor alerts wrong` and `monitor missed`."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor import junit, report
from monitor.app import kept, marks, shelf, trials
from monitor.app import replay as stage
from monitor.app.book import read_rules
from monitor.app.replay import Rehearsal
from monitor.cli import options
from monitor.errors import ConfigError
from rules import RuleSet
from rules.trial import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.app.book import Book
    from monitor.app.marks import Marked
    from monitor.app.trials import Coverage, Miss, Result
    from monitor.config import Config
    from monitor.model import Alert
    from rules import Article, Rule
    from rules.trial import Test

FAILED = 1

# test


@click.command(epilog="Example: monitor test rules_test.yaml --run summit-announced")
@click.argument("paths", nargs=-1, metavar="[FILES]...", type=click.Path(path_type=Path))
@click.option("--run", "wanted", metavar="PATTERN", help="Only tests whose rule or name holds this; * and ? stand for anything.")
@click.option("--junit", "xml", type=options.FILE, help="Write the results to this file as JUnit XML too.")
@options.as_json
@options.rules
@options.config
@click.pass_context
def test(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    paths: tuple[Path, ...],
    wanted: str | None,
    xml: Path | None,
    as_json: bool,  # noqa: FBT001 - an option
    rules_file: Path | None,
    config_file: Path | None,
) -> None:
    """Run the examples of rules, and the tests in the *_test.yaml files beside them.

    FILES are rule files, test files or folders; without any, the rules of the settings and all test files beside them. The exit
    code is 1 where a test fails. Rules that no test says must match something, and must skip something, are named.
    """
    config = options.load(config_file, rules_file)
    tested = asyncio.run(_tested(config, paths, wanted))
    if wanted and not tested.results:
        raise click.UsageError(f"none of the {report.count(tested.found, 'test')} has '{wanted}' in its rule or name")
    if xml:
        _save(xml, junit.render([_row(one) for one in tested.results]))
    for line in _lines(tested) if as_json else ():
        options.line(line)
    if not as_json:
        options.show("\n".join(_told(tested)))
    for one in () if wanted else tested.coverage:
        if one.lacks:
            click.echo(
                f"{one.rule.file}:{one.rule.line}: {one.rule.id} has no examples that it must {one.lacks} (warning)", err=True
            )
    context.exit(FAILED if tested.failed else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What was run. `found` are all tests there are; `coverage` is that of the rules concerned."""

    found: int
    results: Sequence[Result]
    coverage: Sequence[Coverage]

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(bool(one.missed) for one in self.results)


async def _tested(config: Config, paths: Sequence[Path], wanted: str | None) -> Tested:
    shelves = await shelf.collect(config, paths)
    results: list[Result] = []
    for one in shelves:
        options.warn(one.book.ruleset.warnings)
        results += await trials.run(one, [each for each in one.tests if wanted is None or _is_wanted(each, wanted)])
    concerned = {rule for one in results for rule in _rules(one.test)}
    coverage = [each for one in shelves for each in trials.coverage(one) if wanted is None or each.rule.id in concerned]
    return Tested(found=sum(len(one.tests) for one in shelves), results=results, coverage=coverage)


def _rules(test: Test) -> set[str]:
    """The rules that a test names."""
    if isinstance(test, Case):
        return {test.rule}
    return {rule for rule in (test.rule, *(one.rule for step in test.steps for one in step.expects)) if rule}


def _is_wanted(test: Test, pattern: str) -> bool:
    names = [name.casefold() for name in (test.name, *_rules(test))]
    wanted = pattern.casefold()
    if re.search(r"[*?]", wanted):
        return any(fnmatchcase(name, wanted) for name in names)
    return any(wanted in name for name in names)


def _told(tested: Tested) -> Iterator[str]:
    """The failed ones, then the figures."""
    style = options.style()
    for one in tested.results:
        for each in one.missed:
            yield f"{style.paint('FAILED', fg='red', bold=True)} {_place(each)}: {_name(one.test)}"
            yield f"    {report.clean(each.message)}"
            yield from _near(each.near, "    nearest: ")
            yield ""
    if tested.coverage:
        width = max(len(one.rule.id) for one in tested.coverage)
        yield f"{'rule':<{width}}  match  skip"
        yield from (f"{one.rule.id:<{width}}  {one.match:>5}  {one.skip:>4}" for one in tested.coverage)
        yield ""
    passed = len(tested.results) - tested.failed
    figures = f"{report.count(len(tested.results), 'test')}: {passed} passed, {tested.failed} failed"
    yield style.paint(figures, fg="red" if tested.failed else "green", bold=True)


def _near(lines: Sequence[str], indent: str) -> Iterator[str]:
    """Where a rule came nearest, from the whole down to the part that failed."""
    for depth, line in enumerate(lines):
        yield (indent if depth == 0 else " " * len(indent) + "  " * depth) + report.clean(line)


def _place(missed: Miss) -> str:
    return f"{missed.file}:{missed.line}"


def _name(test: Test) -> str:
    return report.clean(": ".join(filter(None, (test.rule, test.name))))


def _lines(tested: Tested) -> Iterator[dict[str, Any]]:
    """One value a test, and one with the figures."""
    for one in tested.results:
        yield {
            "test": one.test.name,
            "rule": one.test.rule,
            "file": one.test.file,
            "line": one.test.line,
            "passed": not one.missed,
            "missed": [
                {"file": each.file, "line": each.line, "message": each.message, "near": list(each.near)} for each in one.missed
            ],
        }
    yield {
        "passed": len(tested.results) - tested.failed,
        "failed": tested.failed,
        "coverage": [{"rule": one.rule.id, "match": one.match, "skip": one.skip} for one in tested.coverage],
    }


def _row(one: Result) -> junit.Row:
    wrong = ["\n    ".join([f"{_place(each)}: {each.message}", *each.near]) for each in one.missed]
    return junit.Row(rule=one.test.rule or "", name=one.test.name, file=one.test.file, line=one.test.line, wrong=wrong)


def _save(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error


# alerts wrong


@click.command(epilog="Example: monitor alerts wrong alt_0123456789abcdef01234567")
@click.argument("id", metavar="ID")
@options.rules
@options.config
@click.pass_context
def wrong(context: click.Context, id: str, rules_file: Path | None, config_file: Path | None) -> None:
    """Say that an alert was wrong: its article becomes one that the rule must skip.

    It is added to a test file beside the rule's file; 'monitor test' then fails until the rule is mended. 'monitor alerts' lists
    the IDs.
    """
    outer = context.parent.params if context.parent else {}
    config = options.load(config_file or outer.get("config_file"), rules_file)
    alert = asyncio.run(_alert(config, id))
    book = read_rules(config.rules, config.limits)
    rule = marks.find_rule(book, alert.rule)
    article = replace(alert.article, seen=alert.first_seen)
    done = marks.mark(book, rule, article, match=False, name=f"wrong: {report.clean(alert.title)}"[:100])
    _say(done, rule, f"must skip “{report.clean(article.title or article.id)}”")
    if done.entry and not RuleSet((rule,)).match(article):
        options.show(f"{rule.id} skips it already, as it is written now: the test keeps it so.")


async def _alert(config: Config, id: str) -> Alert:
    async with kept.open_kept(config) as store:
        found = await store.alert(id)
    if found is None:
        raise ConfigError(f"there is no alert '{id}': 'monitor alerts' lists them with their IDs")
    return found


def _say(done: Marked, rule: Rule, what: str) -> None:
    """What was written, where, and how to run it."""
    place = f"{done.file}:{done.line}"
    if not done.entry:
        options.show(f"{place} says already that {rule.id} {what}. Nothing was written.")
    else:
        options.show(f"{place}: added: {rule.id} {what}.\n\n{_shortened(done.entry)}\n")
    options.show(f"Run it: monitor test {shlex.quote(str(done.file))} --run {rule.id}")


def _shortened(entry: str, most: int = 16) -> str:
    """The first lines of what was written, without what could steer a terminal."""
    lines = [_line(line) for line in entry.split("\n")]
    more = [f"    … and {len(lines) - most} more lines"] if len(lines) > most else []
    return "\n".join(f"  {line}".rstrip() for line in [*lines[:most], *more])


def _line(line: str, longest: int = 160) -> str:
    kept = line[: len(line) - len(line.lstrip(" "))] + report.clean(line)
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


# missed


@click.command(epilog="Example: monitor missed saved/article.html --rule summit-announced")
@click.argument("where", metavar="URL|FILE")
@click.option("--rule", "rule_id", required=True, metavar="ID", help="The rule that should have matched.")
@click.option("--article", "article_id", metavar="ID", help="Which article, in a file that holds several.")
@options.rules
@options.config
def missed(where: str, rule_id: str, article_id: str | None, rules_file: Path | None, config_file: Path | None) -> None:
    """Say that a rule missed an article: see why, and make it one that the rule must match.

    The article is that of a web page (URL), or a saved one (FILE: .txt, .html, .json, .jsonl or a feed). It is added to a test file
    beside the rule's file; 'monitor test' then fails until the rule is mended. Where the rule matches it, nothing is written.
    """
    config = options.load(config_file, rules_file)
    book = read_rules(config.rules, config.limits)
    rule = marks.find_rule(book, rule_id)
    article = asyncio.run(_read(config, book, where, article_id))
    title = report.clean(article.title or article.id)
    if found := RuleSet((rule,)).match(article):
        options.show(f"{rule.id} matches “{title}”: “{report.clean(found[0].findings[0].text)}”\nNothing was written.")
        options.show(_why_quiet(rule))
        return
    options.show("\n".join(_why_missed(rule, article, title)))
    done = marks.mark(book, rule, article, match=True, name=f"missed: {title}"[:100])
    _say(done, rule, f"must match “{title}”")


async def _read(config: Config, book: Book, where: str, id: str | None) -> Article:
    async with stage.rehearsing(Rehearsal(book=book)) as rehearsal:
        if where.startswith(("http://", "https://")):
            return await marks.fetch(config, rehearsal, where)
        return await marks.read(rehearsal, Path(where), id)


def _why_quiet(rule: Rule) -> str:
    if rule.status == "draft":
        return "It is a draft, which tells nobody: status: active makes it tell."
    return f"Was it one more article on an event that was told already? See: monitor alerts --rule {rule.id}"


def _why_missed(rule: Rule, article: Article, title: str) -> Iterator[str]:
    yield f"{rule.id} does not match “{title}”. Where it came nearest:"
    yield from _near(trials.nearest(rule, article), "  ")
    yield ""
