"""Mistakes are made in the code that must not fail, one at a time: does a test notice each?

    PYTHONPATH=. python benchmarks/mutants.py                   all of it: an hour on a quiet machine
    PYTHONPATH=. python benchmarks/mutants.py breaker guard     some of it: the names are those of SUBJECTS
    ... --only text                                             only what mutmut leaves alone: SQL, and tables at the top of a module
    ... --control tests/monitor/test_wire.py                    run with these tests instead, which know nothing of it: it must fail

Needs mutmut, which is in no lock: pip install "mutmut==3.8.*". Everything happens in a copy of the checkout in the system's folder for
such; `--children` says how many mutants are tried at once. mutmut changes what functions do; what it leaves alone is changed here: in
SQL, a comparison has no say any more or one more or less, an order is turned around, a state is forgotten, `coalesce` and `min` forget an
argument; of tables and numbers at the top of a module one entry is missing, or one more. A mutant that no test notices has survived, and
is printed with what it changed. The score is the share of those that did not; exit code 1 where it is below 90 % for a subject. Why those
that are left survive is in CONTRIBUTING.md, "How well it is tested".
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Not used here, but by the tests, of which each mutant runs some in a child: what is imported once need not be imported again.
import aiohttp  # noqa: F401
import httpx  # noqa: F401
import hypothesis  # noqa: F401
import lxml.html  # noqa: F401
import pytest
import respx  # noqa: F401
import sqlite_utils  # noqa: F401
import structlog  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.90
COPIED = ("monitor", "rules", "tests", "seeds", "docs", "benchmarks", "rules.yaml", "monitor.yaml", "README.md", "pyproject.toml")
PATIENCE = 300
"""Seconds of computing after which the tests are said to hang, and have noticed something."""
sys.dont_write_bytecode = True  # of one mutant, what would be taken for the next


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Modules, and the tests that are to notice any mistake in them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    those: tuple[str, ...] = ()
    """Which of them, where text is changed: the memory store knows no SQL, and the rest would take its time."""


ELSEWHERE = (
    "article", "page", "bytes", "source", "paragraph", "timeline", "ledger", "event", "hush", "version", "visit", "url", "file",
    "megabyte", "stamp", "voice", "plan",
)  # fmt: skip
"""Words in the names of tests of what the store keeps beside the outbox."""

SUBJECTS = {
    "outbox": Subject(
        modules=("monitor/stores/flowing.py", "monitor/stores/telling.py", "monitor/stores/outbox.py"),
        tests=("tests/contracts/test_stores.py",),
        those=("-k", f"sqlite and not ({' or '.join(ELSEWHERE)})"),
    ),
    "delivering": Subject(
        modules=("monitor/steps/delivering.py",), tests=("tests/monitor/test_sender.py", "tests/monitor/test_steps.py")
    ),
    "policy": Subject(modules=("monitor/policy.py",), tests=("tests/monitor/test_policy.py", "tests/monitor/test_steps.py")),
    "breaker": Subject(modules=("monitor/breaker.py",), tests=("tests/monitor/test_breaker.py",)),
    "signer": Subject(
        modules=("monitor/sinks/webhook.py", "monitor/sinks/answers.py"),
        tests=("tests/monitor/test_webhook.py", "tests/monitor/test_answers.py", "tests/contracts/test_sinks.py"),
    ),
    "guard": Subject(modules=("monitor/addresses.py",), tests=("tests/monitor/test_addresses.py",)),
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake: where it is, what it changes, and whether a test noticed."""

    module: str
    change: str
    noticed: bool


def main() -> int:
    """Runs what the command line names, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all unless named")
    parser.add_argument("--only", choices=("code", "text"), help="mutmut's mutants only, or only those that it does not make")
    parser.add_argument("--children", type=int, default=1)
    parser.add_argument("--control", nargs="+", metavar="TEST", help="tests to run instead of those that know the subject")
    given = parser.parse_args()
    if strange := set(given.subjects) - SUBJECTS.keys():
        parser.error(f"there is no subject {', '.join(sorted(strange))}: it is one of {', '.join(SUBJECTS)}")
    os.environ["CI"] = "1"  # Hypothesis then tries the same examples each time, and does not look at the clock
    scores = [score(name, given) for name in given.subjects or SUBJECTS]
    return min(scores) < ENOUGH


def score(name: str, given: argparse.Namespace) -> float:
    """The share of a subject's mutants that its tests notice; prints each module's, and the others."""
    subject = SUBJECTS[name]
    tests = tuple(given.control or subject.tests)
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for one in mutants(subject, tests, copied(Path(folder)), given):
            made.append(one)
            if not one.noticed:
                print(f"\n{one.module}: survived, {len(made)} tried\n{one.change}", flush=True)
    for module in subject.modules:
        print(f"{name}: {module}: {told([one for one in made if one.module == module])}")
    print(f"{name}: {told(made)}", flush=True)
    return share(made)


def mutants(subject: Subject, tests: tuple[str, ...], copy: Path, given: argparse.Namespace) -> Iterator[Mutant]:
    """All of a subject's, one after the other."""
    if given.only != "text":
        yield from in_code(copy, subject.modules, tests, given.children)
    if given.only != "code":
        for module in subject.modules:
            yield from in_text(copy, module, tests + subject.those)


def share(made: list[Mutant]) -> float:
    """How many of them were noticed."""
    return sum(one.noticed for one in made) / len(made) if made else 1.0


def told(made: list[Mutant]) -> str:
    """The same in words."""
    return f"{sum(one.noticed for one in made)} of {len(made)} noticed, {share(made):.1%}"


def copied(folder: Path) -> Path:
    """A copy of the checkout to make mistakes in."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "labels"))
        else:
            shutil.copy(source, target)
    return folder


# In code, by mutmut


def in_code(copy: Path, modules: tuple[str, ...], tests: tuple[str, ...], children: int) -> Iterator[Mutant]:
    """What mutmut makes of these modules. It notes the exit code of the tests for each mutant beside the module that it changed."""
    tool = Path(sys.executable).with_name("mutmut")
    if not tool.exists():
        raise SystemExit('mutmut is not there: pip install "mutmut==3.8.*"')
    configure(copy, modules, tests)
    run = subprocess.run(  # noqa: S603 - our own tool
        [tool, "run", "--max-children", str(children)], cwd=copy, check=False, capture_output=True, text=True
    )
    if run.returncode:  # the tests fail as it is, say
        raise SystemExit(f"mutmut did not get through:\n{run.stdout[-3_000:]}\n{run.stderr[-3_000:]}")
    for module in modules:
        notes = copy / "mutants" / f"{module}.meta"
        for name, code in json.loads(notes.read_text())["exit_code_by_key"].items():
            noticed = code not in (0, 2, 5, 33, 34, None)  # 0: all passed; 5, 33: no test gets there; others: it was not tried
            yield Mutant(module=module, change="" if noticed else shown(tool, copy, name), noticed=noticed)


def configure(copy: Path, modules: tuple[str, ...], tests: tuple[str, ...]) -> None:
    """Tells mutmut, in the copy's pyproject.toml, what to change and which tests to run."""
    settings = {
        "source_paths": list(modules),
        "pytest_add_cli_args_test_selection": list(tests),
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "also_copy": list(COPIED),
    }
    project = copy / "pyproject.toml"
    assert "mutmut" not in tomllib.loads(project.read_text())["tool"]
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project.write_text("\n".join([project.read_text(), "[tool.mutmut]", *lines, ""]))


def shown(tool: Path, copy: Path, name: str) -> str:
    """What a mutant changes."""
    run = subprocess.run([tool, "show", name], cwd=copy, check=False, capture_output=True, text=True)  # noqa: S603 - as above
    lines = [line for line in run.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return "\n".join([f"  {name}", *(f"  {line}" for line in lines)])


# In text, by ourselves

_HOLE = re.compile(r"[\w.]+ (?:<=|>=|!=|<|>|=) (?:\?|:\w+)|[\w.]+ (?:NOT )?IN \([^()]*(?:\([^()]*\))?\)|\w+ IS (?:NOT )?NULL")
"""A condition of SQL. It is put out of action with its holes in place, so that the statement can still be run."""
_SWAPS = {
    "<=": "<", ">=": ">", "<": "<=", ">": ">=", " DESC": "", " ORDER BY ": None, "min(": "max(", "max(": "min(", " + :": " - :",
    "('waiting', ": "(", ", 'leased'": "", ", 'sent'": "", ", 'dead'": "", ", 'collected'": "", "DO NOTHING": None, "LEFT JOIN": "JOIN",
    "attempts = 0": "attempts = attempts", "sent_at = NULL": "sent_at = sent_at", "token = ''": "token = token",
    "leased_until = NULL": "leased_until = leased_until", " AND ": " OR ", " OR ": " AND ", "'dead'": "'sent'", "'sent'": "'dead'",
    "'collected'": "'waiting'", "'waiting'": "'collected'", "OFFSET ?": "OFFSET ? + 1", "LIMIT ?": "LIMIT ? + 1",
}  # fmt: skip
_COALESCE = re.compile(r"coalesce\(([^(),]+), ([^(),]+)\)")


def in_text(copy: Path, module: str, tests: tuple[str, ...]) -> Iterator[Mutant]:
    """What mutmut leaves alone, changed one thing at a time."""
    path = copy / module
    right = path.read_text()
    if notices(copy, tests):
        raise SystemExit(f"{', '.join(tests)} fail as it is: nothing can be said of {module}")
    try:
        for change, wrong in wrongs(right):
            path.write_text(wrong)
            yield Mutant(module=module, change=f"  {change}", noticed=notices(copy, tests))
    finally:
        path.write_text(right)


def notices(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests fail, in a child of this process: what they need of other people is imported already."""
    child = os.fork()
    if not child:
        try:
            os._exit(ends(copy, tests))
        finally:  # whatever happens, only the parent goes on and cleans up
            os._exit(70)
    return os.waitpid(child, 0)[1] != 0


def ends(copy: Path, tests: tuple[str, ...]) -> int:
    """How the tests of the copy end. Who computes for too long is killed; one that waits for too long fails by itself."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    os.chdir(copy)
    sys.path[:] = [str(copy), *(one for one in sys.path if Path(one).resolve() not in {ROOT, ROOT / "benchmarks"})]
    return int(pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests]))


def wrongs(source: str) -> Iterator[tuple[str, str]]:
    """All mistakes in a module that are made here: what is changed, and the module as it then is."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\b(?:SELECT|UPDATE|WHERE|FROM)\b", node.value)
        ):
            right = node.value
            for change, wrong in in_sql(right):
                if parses(wrong) or not parses(right):  # the right one may be a fragment
                    node.value = wrong
                    yield change, ast.unparse(tree)
            node.value = right
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            yield from in_table(tree, node.value)


def parses(sql: str) -> bool:
    """Whether SQLite can read it: what no database runs is a mistake that every test finds."""
    try:
        sqlite3.connect(":memory:").execute(f"EXPLAIN {sql}")
    except sqlite3.ProgrammingError:
        return True
    except sqlite3.Error as error:
        return "syntax" not in str(error) and "incomplete" not in str(error)
    return True


def in_sql(sql: str) -> Iterator[tuple[str, str]]:
    """One statement, wrong in one place."""
    if "\n\n" in sql or sql.rstrip().endswith("."):  # prose
        return
    for found in _HOLE.finditer(sql):
        if re.findall(r"\b(?:SET|WHERE|ON|THEN|CASE|iif|sum)\b", sql[: found.start()])[-1:] != ["SET"]:
            yield place(sql, found, f"({found[0]} OR 1)")
    for found in _COALESCE.finditer(sql):
        for kept in found.groups():
            yield place(sql, found, kept)
    for word, other in _SWAPS.items():
        for found in re.finditer(rf"(?<![<>]){re.escape(word)}(?!=)", sql):
            if other is None:
                yield from gone(sql, word, found)
            else:
                yield place(sql, found, other)


def gone(sql: str, word: str, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    """An order that nobody gave: turned around, so that chance does not give it."""
    if word == " ORDER BY ":
        end = re.compile(r"[^,)\n]*?(?= LIMIT|,| DESC|\)|\s*$)", re.MULTILINE).match(sql, found.end())
        if end and sql[end.end() : end.end() + 5] != " DESC":
            yield place(sql, end, f"{end[0]} DESC")


def place(sql: str, found: re.Match[str], other: str) -> tuple[str, str]:
    """What it says there, and the whole as it then is."""
    wrong = sql[: found.start()] + other + sql[found.end() :]
    around = " ".join(sql[max(0, found.start() - 50) : found.end() + 30].split())
    return f"{found[0].strip()!r} -> {other.strip()!r} in … {around} …", wrong


def in_table(tree: ast.Module, value: ast.expr) -> Iterator[tuple[str, str]]:
    """Numbers one more, and entries that are missing, in what stands at the top of a module."""
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            right = node.value
            node.value = right + 1
            yield f"{right} -> {right + 1} in {ast.unparse(value)[:100]}", ast.unparse(tree)
            node.value = right
        elif isinstance(node, ast.Tuple | ast.Set) and len(node.elts) > 1:
            for one in list(node.elts):
                at = node.elts.index(one)
                node.elts.pop(at)
                yield f"without {ast.unparse(one)} in {ast.unparse(value)[:100]}", ast.unparse(tree)
                node.elts.insert(at, one)


if __name__ == "__main__":
    sys.exit(main())
