"""What a stranger meets first: the hashed locks, and `./run`, which sets itself up.

`./run` is tried in a small checkout whose lock is empty, so that a first run needs no network and takes seconds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import monitor
import rules

ROOT = Path(__file__).parent.parent
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
PIN = re.compile(r"^([a-z0-9-]+)==[^\s;]+( ; [^\\/]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def unpinned(lock: str) -> str:
    """What is left of a lock when every requirement with a version and a hash is taken away."""
    return PIN.sub("", lock).strip()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_pinned_and_hashed_requirements_and_nothing_else(lock: Path) -> None:
    assert unpinned(lock.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(
    "line", ["click==8.5.1", "--index-url https://packages.example/simple", "click @ file:///elsewhere/click.whl"]
)
def test_a_line_that_does_not_belong_in_a_lock_is_noticed(line: str) -> None:
    assert unpinned(line + "\n") == line


def test_the_tests_run_on_what_the_product_runs_on() -> None:
    product, dev = (set(PIN.findall(lock.read_text(encoding="utf-8"))) for lock in LOCKS)

    assert product <= dev


def test_every_dependency_is_in_its_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    for lock, dependencies in zip(LOCKS, asked, strict=True):
        names = {re.split(r"[<>=;~! ]", each, maxsplit=1)[0].lower().replace(".", "-") for each in dependencies}
        assert names <= {name for name, _, _ in PIN.findall(lock.read_text(encoding="utf-8"))}


def test_the_code_under_test_is_this_checkout() -> None:
    assert Path(rules.__file__).parent == ROOT / "rules"
    assert Path(monitor.__file__).parent == ROOT / "monitor"


TELL = """
import json, os, sys, rules
print(json.dumps({"cwd": os.getcwd(), "args": sys.argv[1:], "stdin": sys.stdin.read(), "rules": rules.__file__}))
sys.exit(7)
"""
CLEAN = {"PATH": os.environ.get("PATH", os.defpath), "PYTHON": sys.executable}


def run(script: Path, *args: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *args], cwd=cwd, env=CLEAN | environment, input=stdin, capture_output=True, text=True, check=False, timeout=100
    )


def small_checkout(root: Path) -> Path:
    """A checkout whose monitor tells how it was called; gives its `run`."""
    for name in ("monitor/__init__.py", "rules/__init__.py", "requirements.lock"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "monitor/__main__.py").write_text(TELL)
    return Path(shutil.copy(ROOT / "run", root / "run"))


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, str, str]]]:
    """A script in a path with spaces, and what became of two first runs at once."""
    script = small_checkout(tmp_path_factory.mktemp("two words"))
    started = [
        subprocess.Popen(
            [script, "monitor"], env=CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [(process.communicate(timeout=100), process.returncode) for process in started]
    return script, [(code, out, err) for (out, err), code in ended]


@pytest.fixture
def script(first_runs: tuple[Path, list[tuple[int, str, str]]]) -> Path:
    return first_runs[0]


def test_two_first_runs_at_once_set_up_once_and_both_run(first_runs: tuple[Path, list[tuple[int, str, str]]]) -> None:
    _, ended = first_runs

    assert [code for code, _, _ in ended] == [7, 7]
    assert sum("setting up .venv once" in err for _, _, err in ended) == 1


def test_set_up_keeps_standard_output_for_the_command(first_runs: tuple[Path, list[tuple[int, str, str]]]) -> None:
    _, ended = first_runs

    assert [json.loads(out)["args"] for _, out, _ in ended] == [[], []]


def test_arguments_input_directory_and_exit_code_are_the_callers(script: Path, tmp_path: Path) -> None:
    ended = run(script, "monitor", "match", "a b", "*", cwd=tmp_path, stdin="text")
    told = json.loads(ended.stdout)

    assert (told["args"], told["stdin"], told["cwd"]) == (["match", "a b", "*"], "text", str(tmp_path.resolve()))
    assert (ended.returncode, ended.stderr) == (7, "")


def test_the_checkouts_rules_are_used_whatever_lies_where_the_caller_stands(script: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("raise SystemExit('stray')")

    ended = run(script, "monitor", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert Path(json.loads(ended.stdout)["rules"]).parent == script.parent.resolve() / "rules"


def test_without_safe_path_a_stray_module_would_be_taken(script: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("raise SystemExit('stray')")
    naive = script.with_name("naive")
    naive.write_text(script.read_text().replace("-P -m", "-m"))
    naive.chmod(0o755)

    assert "stray" in run(naive, "monitor", cwd=tmp_path).stderr


def test_it_runs_through_a_link(script: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/news").symlink_to(script)

    assert run(tmp_path / "bin/news", "monitor", cwd=tmp_path).returncode == 7


def test_a_first_run_that_was_killed_heals_in_the_next(tmp_path: Path) -> None:
    script = small_checkout(tmp_path)
    killed = subprocess.Popen([script, "monitor"], env=CLEAN, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert killed.stderr is not None
    assert "setting up" in killed.stderr.readline()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=100)

    assert run(script, "monitor", cwd=tmp_path).returncode == 7


@pytest.mark.parametrize("args", [[], ["--help"], ["python", "-V"], ["Monitor"]])
def test_anything_else_is_a_usage_error(args: list[str], tmp_path: Path) -> None:
    ended = run(ROOT / "run", *args, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "usage: ./run monitor ARGS" in ended.stderr


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    script = small_checkout(tmp_path)

    ended = run(script, "monitor", cwd=tmp_path, PYTHON="false")

    assert ended.returncode == 2
    assert "needs Python 3.11 or newer, and PYTHON=false is not" in ended.stderr


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    script = small_checkout(tmp_path)
    bare = tmp_path / "python3.11"
    bare.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    bare.chmod(0o755)

    ended = run(script, "monitor", cwd=tmp_path, PYTHON=str(bare))

    assert ended.returncode == 2
    assert "apt install python3.11-venv" in ended.stderr
