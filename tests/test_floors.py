"""Imports only go down, and the world is touched where it should be. Read from the source with `ast`; nothing is run.

Each check has its negative control: a line or two that break the rule and must be found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    "__main__ cli": 6,  # talk to people
    "app schedule config log workers lag service": 5,  # wire and time
    "sources stores sinks links web egress meters": 4,  # touch the world; never import one another
    "steps": 3,
    # pure decisions and parsing
    "ruling headline": 2,  # the heart of policy
    "policy tempo desk rhythm novelty envelope backtest feeds dates pages imprint habits saved identity text unpack addresses report junit": 2,
    "listing sitemaps arrivals opml discovery hrefs markup breaker spoken": 2,  # what is not a feed, and finding feeds
    "model errors ports wire": 1,  # words and seams
    "rules monitor": 0,  # the engine, and the bare package: a version and no more
}
FLOOR = {room: floor for rooms, floor in FLOORS.items() for room in rooms.split()}
TOP = max(FLOORS.values())
STRANGERS = {0, 4}  # floors whose rooms do not know one another

Check = Callable[[str, ast.Module], Iterator[str]]


def room(module: str) -> str:
    """The part of a dotted name that has a floor: `stores` of monitor.stores.sqlite, `rules` of rules.fold."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "monitor" and rest else top


def imports(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported, at run time or for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [*module.split(".")[: -node.level], node.module])) if node.level else node.module
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def only_down(module: str, tree: ast.Module) -> Iterator[str]:
    here = room(module)
    for line, name in imports(module, tree):
        there = room(name)
        if name.split(".")[0] not in {"monitor", "rules"} or there.startswith("__version") or there == here:
            continue
        if there not in FLOOR:
            yield f"{module}:{line} imports {name}, which has no floor in this test's table"
        elif FLOOR[there] > FLOOR.get(here, TOP) or (FLOOR[there] == FLOOR.get(here) and FLOOR[there] in STRANGERS):
            yield f"{module}:{line} imports {name}: upward or sideways"


def environment_only_in_config(module: str, tree: ast.Module) -> Iterator[str]:
    touching = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}
    named = [(line, name) for line, name in imports(module, tree) if name in touching]
    used = [(node.lineno, ast.unparse(node)) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for line, name in named + used:
        if name in touching and module != "monitor.config":
            yield f"{module}:{line} touches {name}"


def clients_only_in_egress(module: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imports(module, tree):
        reaches_out = name.split(".")[0] in {"aiohttp", "httpx", "httpcore", "aiosmtplib", "smtplib", "requests", "urllib3"}
        reaches_out |= name.startswith(("urllib.request", "http.client"))
        serves = room(module) == "web" and name.startswith("aiohttp.web")
        if reaches_out and room(module) != "egress" and not serves:
            yield f"{module}:{line} imports {name}: it could reach out past the guard"


def feedparser_only_in_feeds(module: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imports(module, tree):
        if name.split(".")[0] == "feedparser" and room(module) != "feeds":
            yield f"{module}:{line} imports {name}"


def nobody_sleeps(module: str, tree: ast.Module) -> Iterator[str]:
    """Giving way for one turn of the loop (`sleep(0)`) is not sleeping, nor is lending a library its `sleep`."""
    lent = {line for node in ast.walk(tree) if getattr(node, "name", "") == "sleep" for line, _ in calls(node)}
    for line, call in calls(tree):
        if re.match(r"[\w.]*\bsleep\((?!0\))", call) and line not in lent:
            yield f"{module}:{line} calls {call}: only the schedule knows about time"


def no_clock_or_chance_below_the_world(module: str, tree: ast.Module) -> Iterator[str]:
    if FLOOR.get(room(module), TOP) >= 4:
        return
    for line, name in imports(module, tree):
        if name.split(".")[0] in {"time", "random", "secrets", "uuid"}:
            yield f"{module}:{line} imports {name}"
    for line, call in calls(tree):
        if re.match(r"[\w.]*\b(datetime\.now|utcnow|today)\(", call):
            yield f"{module}:{line} calls {call}"


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and source of everything called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node)


BROKEN: list[tuple[Check, str, str]] = [
    (only_down, "monitor.policy", "from monitor.steps import examine"),
    (only_down, "monitor.model", "def f():\n    import monitor.app"),
    (only_down, "monitor.steps", "from monitor import stores"),
    (only_down, "monitor.sinks.webhook", "from monitor.egress import Egress"),
    (only_down, "monitor.sinks.webhook", "from ..stores.sqlite import SqliteStore"),
    (only_down, "monitor.steps", "from . import cli"),
    (only_down, "monitor.cli", "from monitor.managers import Manager"),
    (only_down, "rules.fold", "if TYPE_CHECKING:\n    from monitor.model import Alert"),
    (only_down, "rules.fold", "import monitor"),
    (environment_only_in_config, "monitor.app", "import os\nhome = os.environ['HOME']"),
    (environment_only_in_config, "rules.data", "from os import getenv"),
    (clients_only_in_egress, "monitor.sinks.webhook", "import httpx"),
    (clients_only_in_egress, "monitor.sources.feed", "from aiohttp import ClientSession"),
    (clients_only_in_egress, "monitor.web", "from aiohttp import ClientSession, web"),
    (feedparser_only_in_feeds, "monitor.sources.feed", "import feedparser"),
    (nobody_sleeps, "monitor.schedule", "import asyncio\nawait asyncio.sleep(1)"),
    (nobody_sleeps, "monitor.stores.sqlite", "from time import sleep\nsleep(1)"),
    (no_clock_or_chance_below_the_world, "monitor.policy", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
    (no_clock_or_chance_below_the_world, "monitor.identity", "from uuid import uuid4"),
    (no_clock_or_chance_below_the_world, "rules.rule", "import time"),
]
CHECKS = list(dict.fromkeys(check for check, _, _ in BROKEN))


def trees() -> dict[str, ast.Module]:
    """Every module of ours by its dotted name."""
    found = {}
    for path in [*ROOT.glob("rules/**/*.py"), *ROOT.glob("monitor/**/*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_code_keeps_to_its_floors(check: Check) -> None:
    assert [problem for module, tree in trees().items() for problem in check(module, tree)] == []


@pytest.mark.parametrize(("check", "module", "source"), BROKEN)
def test_a_broken_floor_is_noticed(check: Check, module: str, source: str) -> None:
    assert list(check(module, ast.parse(source)))


def test_every_module_has_a_floor() -> None:
    assert {room(module) for module in trees()} - FLOOR.keys() == set()


def cycle(found: dict[str, ast.Module]) -> list[str]:
    """Modules of the monitor that import one another in a ring, or nothing."""
    graph = {
        module: {name if name in found else name.rpartition(".")[0] for _, name in imports(module, tree)}
        & found.keys() - {module}
        for module, tree in found.items()
        if module.startswith("monitor.")
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_one_another_in_a_ring() -> None:
    assert cycle(trees()) == []


def test_a_ring_is_noticed() -> None:
    ring = {
        "monitor.feeds": ast.parse("from monitor import pages"),
        "monitor.pages": ast.parse("from monitor.feeds import parse"),
    }

    assert cycle(ring)
