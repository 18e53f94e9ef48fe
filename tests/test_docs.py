"""What the documentation says holds: every piece of YAML in it loads, every command and option in it is there, the manual is fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import click
import pytest

from monitor import config
from monitor.cli import monitor
from monitor.errors import ConfigError
from rules import trial
from rules.conditions import CONDITIONS
from rules.describe import references
from rules.examples import failures
from rules.load import FILE, RULE, gather, parse_files
from rules.spec import Notes, Spec, read

ROOT = Path(__file__).parent.parent
MANUAL = ROOT / "docs" / "rules.md"
SOURCES = ROOT / "docs" / "sources.md"
EVENTS, OPERATIONS = ROOT / "docs" / "events.md", ROOT / "docs" / "operations.md"
PAGES = [ROOT / "README.md", MANUAL, ROOT / "docs" / "tutorial.md", SOURCES, EVENTS, ROOT / "docs" / "receivers.md", OPERATIONS]
LESSON = "should match, but does not"
"""An example that fails on purpose, in the tutorial; following it shows that it does."""
SETTINGS = {"sources", "receivers", "routes", "settings"}
PACE = {"frequency", "spike", "silence"}
"""Keys of a rule that may stand beside its own `sources`."""


def snippets(page: Path, language: str) -> Iterator[Any]:
    """The blocks of a page in one language, each with its line for an id."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        line = text[: found.start()].count("\n") + 2
        yield pytest.param(re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE), id=f"{page.name}:{line}")


def every(language: str) -> list[Any]:
    return [one for page in PAGES for one in snippets(page, language)]


def problems(text: str) -> list[str]:
    """What is wrong with a piece of YAML, whatever it is a piece of: settings, a test file, a rule file, a rule, a condition."""
    notes = Notes()
    root = read(text.encode(), "here", notes)
    if root is None or not isinstance(root.value, dict | list):
        return list(map(str, notes.problems)) or ["neither a mapping nor a list"]
    keys = set(root.value) if isinstance(root.value, dict) else set()
    if keys & SETTINGS and "tests" not in keys and not keys & PACE:
        return of_settings(text)
    if "tests" in keys:
        return of_tests(root, notes)
    return of_rules(text, root, keys)


def of_settings(text: str) -> list[str]:
    try:
        config.parse(text.encode(), Path("monitor.yaml"), {})
    except (ValueError, ConfigError) as error:
        return [str(error)]
    return []


def of_tests(root: Spec, notes: Notes) -> list[str]:
    tests = root.mapping()["tests"].items()
    named = {str(rule.value) for one in tests if (rule := one.get("rule"))}
    trial.suite(root, named, library=dict.fromkeys(trial.files(root), ()))
    return [str(one) for one in notes.problems if "the id" not in one.message]


def of_rules(text: str, root: Spec, keys: set[str]) -> list[str]:
    """The problems of a file, of rules, of a part of a rule, or of a condition; and what the examples in it get wrong."""
    if keys <= set(FILE):
        whole = text
    elif isinstance(root.value, list):
        whole = f"rules:\n{indented(text, 2)}"
    elif keys <= set(CONDITIONS):
        whole = f"rules:\n  - id: it\n    when:\n{indented(text, 6)}"
    elif keys <= set(RULE):
        needed = [f"{key}: {value}" for key, value in {"id": "it", "when": "flood", "level": "low"}.items() if key not in keys]
        whole = "rules:\n  - " + "\n    ".join(needed) + "\n" + indented(text, 4)
    else:
        return [f"keys of nothing: {keys}"]
    whole += stubs(whole)
    parsed = parse_files({"here": whole.encode()}, "here")
    wrong = [str(one) for one in parsed.problems]
    return wrong or [line for _, rule in parsed.rules for line in failures(parsed.checked(), rule)]


def stubs(text: str) -> str:
    """Lists for the names that a piece uses and does not define; of names, which serve as terms too."""
    root = read(text.encode(), "here", Notes())
    if root is None:
        return ""
    lists = root.get("lists")
    known = set(lists.mapping()) if lists else set()
    missing = dict.fromkeys(name for name in references(root) if name not in known)
    if not missing or lists:
        return ""
    return "\nlists:\n" + "".join(f"  {name}: {{Ann Lee: [Lee]}}\n" for name in missing)


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("text", every("yaml"))
def test_every_piece_of_yaml_in_the_documentation_loads_and_its_examples_hold(text: str) -> None:
    assert [one for one in problems(text) if LESSON not in one] == []


@pytest.mark.parametrize(
    "text",
    ["rulez: []", "near: {terms: [a1]}", "when: {wrods: [a1]}", "- {id: it}", "rules: [{id: it, when: flood, examples: {match: [dry]}}]",
     "receivers: [{id: desk}]", "tests: [{rule: it, expect: [a]}]", "once: {peer: [a]}"],
)  # fmt: skip
def test_a_piece_that_does_not_load_is_noticed(text: str) -> None:
    assert problems(text)


def test_the_manual_is_what_docs_make_would_write() -> None:
    made = run_path(str(ROOT / "docs" / "make.py"))["manual"]()
    assert MANUAL.read_text(encoding="utf-8") == made, "run: python docs/make.py"


@pytest.mark.usefixtures("unlogged")
def test_the_tables_of_the_guide_to_sources_are_those_of_the_code() -> None:
    text = SOURCES.read_text(encoding="utf-8")
    assert run_path(str(ROOT / "docs" / "make.py"))["tabled"](text) == text


def test_the_tutorial_goes_as_it_says() -> None:
    """Its files are written and its commands run, in order, in an empty folder."""
    told = EVENTS.read_text(encoding="utf-8")
    assert run_path(str(ROOT / "docs" / "make.py"))["followed"](told) == told, "run: python docs/make.py"


def test_every_condition_has_its_place_in_the_manual() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    assert [key for key in CONDITIONS if f"### `{key}`" not in text and f"`{key}` is another word" not in text] == []


# Commands


def commands(group: click.Group, before: str = "monitor") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{before} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")


KNOWN = dict(commands(monitor))


_LINE = re.compile(r"`(monitor [a-z][^`\n]*)`|^ *(?:\$ |\.{0,2}/?run )(monitor [a-z][^#\n|]*)", re.MULTILINE)


def written() -> list[Any]:
    """Every command line in the documentation, in blocks and between back quotes."""
    found = [
        (page.name, (one[1] or one[2]).strip()) for page in PAGES for one in _LINE.finditer(page.read_text(encoding="utf-8"))
    ]
    return [pytest.param(line, id=f"{name}: {line}") for name, line in dict.fromkeys(found)]


def strange(line: str) -> list[str]:
    """Words of a command line that are neither a command nor an option of it."""
    words = line.split()
    name = next((name for name in (" ".join(words[:n]) for n in (3, 2)) if name in KNOWN), "")
    if not name:
        return words[:2]
    if isinstance(KNOWN[name], click.Group) and not getattr(KNOWN[name], "invoke_without_command", False):
        return words[2:]
    known = {option for one in KNOWN[name].params for option in one.opts} | {"--help"}
    return [word for word in words if word.startswith("--") and word not in known]


@pytest.mark.parametrize("line", written())
def test_every_command_in_the_documentation_is_there(line: str) -> None:
    assert strange(line) == []


@pytest.mark.parametrize("line", ["monitor wach", "monitor rules lists", "monitor replay seeds/ --jason"])
def test_a_command_that_is_not_there_is_noticed(line: str) -> None:
    assert strange(line)


@pytest.mark.parametrize("name", KNOWN)
def test_every_command_says_what_it_is_for_and_gives_an_example(name: str) -> None:
    command = KNOWN[name]
    assert command.help
    assert isinstance(command, click.Group) or name in (command.epilog or "")


def test_included_files_of_the_shipped_rules_are_all_there() -> None:
    files, missing = gather(str(ROOT / "rules.yaml"), lambda name: Path(name).read_bytes())
    assert missing == []
    assert parse_files(files, str(ROOT / "rules.yaml")).problems == ()
