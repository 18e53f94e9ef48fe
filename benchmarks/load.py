"""The real daemon against a farm of feeds on this machine: is every source asked on time, how late is the loop, how quick are alerts?

    PYTHONPATH=. python benchmarks/load.py                        5,000 sources every 5 minutes, two intervals after the first round
    PYTHONPATH=. python benchmarks/load.py --sources 1000 --every 60 --seconds 60      the same rate, soon over
    ... --no-bad      the same without broken and slow sources: are good ones asked any better?
    ... --reader      beside it, the same farm asked by `reader` (PyPI): feeds per CPU-second of each

The daemon and its workers may use two cores; where the machine has more, the farm gets others, else it shares them, and its CPU is told.
Lateness is seen from the farm: how much later than its interval a source was asked again. What is measured begins when every good source
was asked once: a new source's backlog is read then, and that takes what it takes. An alert's time runs from the moment at which the farm
had sent the feed (or page) with its text to the moment at which the receiver had the webhook.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
GOOD = ("quiet", "busy", "slow")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of no use to anybody
TOLERANCE = 0.1
"""Of the interval: a source that is asked later than that is late. The monitor spreads its visits a little on purpose."""
LOOK = 2.0
"""Seconds between looks at what the daemon needs."""
GOALS = {"polled on time": 0.999, "loop lag p99 ms": 50, "memory MB": 350, "alert p50 ms": 150, "alert p99 ms": 1_000}


def main() -> int:
    """Runs what the command line names, and prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=5_000)
    parser.add_argument("--every", type=int, default=300, help="seconds between visits to a source")
    parser.add_argument("--seconds", type=int, help="how long to measure after the first round; two intervals unless told")
    parser.add_argument("--patience", type=int, default=900, help="seconds that the first round may take")
    parser.add_argument("--fetches", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--alerts", type=float, default=0.1, help="share of new entries that the rules find something in")
    parser.add_argument("--no-bad", action="store_true", help="without broken and slow sources")
    parser.add_argument("--reader", action="store_true", help="the same farm asked by `reader`, too")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout to measure; this one unless told")
    parser.add_argument("--program", default="-m monitor", help="what to hand to python to start the monitor, before 'run'")
    parser.add_argument(
        "--old-settings", action="store_true", help="write monitor.yaml as it was before `pause` and `allow` by purpose"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measured(given, Path(folder))
        if given.reader:
            report |= read_by_reader(given, Path(folder))
    print(json.dumps(report, indent=1) if given.json else table(report))
    return 0


def measured(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run of the daemon: what it did, and what it cost."""
    with farm(given, folder / "journal.json") as place:
        (folder / "rules.yaml").write_bytes((given.code / "rules.yaml").read_bytes())
        (folder / "monitor.yaml").write_text(settings(given, place))
        with daemon(given, folder) as process:
            watch = Watch(process.pid, place["pid"])
            marks = phases(given, place, watch, folder / "log")
    journal = json.loads((folder / "journal.json").read_text())
    did = judged(given, place["sources"], journal, marks)
    cost = watch.report(marks)
    lag = lags(folder / "log", marks)
    return {**did, **cost, "polls a CPU second": round(did["polls"] / max(0.01, cost["CPU s"]), 1), **lag}


# The three processes


@contextlib.contextmanager
def farm(given: argparse.Namespace, journal: Path) -> Iterator[dict[str, Any]]:
    """The farm, while it runs: its port, pid, and sources. Afterwards the journal is written."""
    bad, slow = (0, 0) if given.no_bad else (0.05, 0.02)
    command = [sys.executable, str(HERE / "farm.py"), f"--sources={given.sources}", f"--bad={bad}", f"--slow={slow}"]
    with subprocess.Popen(  # noqa: S603 - our own
        [*command, f"--alerts={given.alerts}", f"--journal={journal}"], stdout=subprocess.PIPE
    ) as process:
        os.sched_setaffinity(process.pid, cores()[1])
        try:
            assert process.stdout
            yield {**json.loads(process.stdout.readline()), "pid": process.pid, "journal": journal}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def cores() -> tuple[set[int], set[int]]:
    """Two for the daemon, and the others for the farm; where there are no others, the same."""
    every = sorted(os.sched_getaffinity(0))
    return set(every[:2]), set(every[2:]) or set(every)


@contextlib.contextmanager
def daemon(given: argparse.Namespace, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`monitor run` in the folder, on its cores, while it runs."""
    environment = {**os.environ, "PYTHONPATH": str(given.code), "LOAD_SECRET": SECRET, "MONITOR_LOG": "json"}
    command = [sys.executable, *given.program.split(), "run"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,  # noqa: S603
    ):
        os.sched_setaffinity(process.pid, cores()[0])
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def settings(given: argparse.Namespace, place: Mapping[str, Any]) -> str:
    """The daemon's monitor.yaml."""
    port, every = place["port"], f"{given.every}s"
    feeds = "".join(
        f"- {{id: s{at}, feed: 'http://{one['host']}:{port}/feed', every: {every}}}\n" for at, one in enumerate(place["sources"])
    )
    here = "[127.0.0.0/8]"
    allow = f"allow: {here}" if given.old_settings else f"allow: {{sources: {here}, receivers: {here}}}, pause: 0s"
    return (
        f"sources:\n{feeds}receivers:\n- {{id: desk, webhook: 'http://127.0.0.1:{port}/hook', secret: {{env: LOAD_SECRET}}}}\n"
        f"settings: {{{allow}, fetches: {given.fetches}, workers: {given.workers}}}\n"
    )


def phases(given: argparse.Namespace, place: Mapping[str, Any], watch: Watch, log: Path) -> Marks:
    """Waits for the first round, then as long as is measured."""
    began = time.monotonic()
    good = {f"s{at}" for at, one in enumerate(place["sources"]) if one["role"] in GOOD}
    with log.open() as lines:
        while good and time.monotonic() - began < given.patience:
            watch.look()
            time.sleep(LOOK)
            good -= {event.get("source") for event in told(lines) if event["event"] == "fetched"}
    watch.mark()
    first = time.monotonic()
    while time.monotonic() - first < (given.seconds or 2 * given.every):
        watch.look()
        time.sleep(LOOK)
    watch.mark()
    return Marks(began=began, first=first, end=time.monotonic())


def told(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The events in the daemon's log; what is no event is left out, such as a line that is not finished."""
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """When it began, when the first round was over, and when the measuring ended."""

    began: float
    first: float
    end: float


# What it cost


@dataclass(slots=True)
class Watch:
    """Memory and CPU of the daemon with its workers, and of the farm, as /proc has them."""

    daemon: int
    farm: int
    memory: list[float] = field(default_factory=list)
    spent: list[tuple[float, float]] = field(default_factory=list)

    def look(self) -> None:
        """Takes the memory."""
        self.memory.append(sum(map(_pss, tree(self.daemon))))

    def mark(self) -> None:
        """Takes the CPU seconds."""
        self.spent.append((sum(_cpu(pid, reaped=pid == self.daemon) for pid in tree(self.daemon)), _cpu(self.farm, reaped=False)))

    def report(self, marks: Marks) -> dict[str, Any]:
        """What was spent while it was measured; memory over the whole run."""
        (ours, theirs), (ours_after, theirs_after) = self.spent
        seconds = marks.end - marks.first
        return {
            "memory MB": round(max(self.memory), 1),
            "memory MB at the end": round(self.memory[-1], 1),
            "CPU s of the first round": round(ours, 1),
            "CPU s": round(ours_after - ours, 1),
            "cores used": round((ours_after - ours) / seconds, 2),
            "cores used by the farm": round((theirs_after - theirs) / seconds, 2),
            "load average": round(os.getloadavg()[0], 2),
        }


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [one for child in (task / "children").read_text().split() for one in tree(int(child))]
    return found


def _pss(pid: int) -> float:
    """Megabytes; of what is shared with others, a share."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0]) / 1_000
    return 0.0


def _cpu(pid: int, *, reaped: bool) -> float:
    """Seconds of CPU so far; `reaped`: with children that have ended."""
    with contextlib.suppress(OSError):
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
        return sum(map(int, times if reaped else times[:2])) / os.sysconf("SC_CLK_TCK")
    return 0.0


# What it did


def judged(
    given: argparse.Namespace, sources: Sequence[Mapping[str, Any]], journal: Mapping[str, Any], marks: Marks
) -> dict[str, Any]:
    """Lateness by role, and the time that alerts took."""
    late = lateness(journal["asked"], sources, given.every, marks)
    by_role = {role: [x for at, many in late.items() if sources[at]["role"] == role for x in many] for role in GOOD}
    all_good = [x for many in by_role.values() for x in many]
    polls = sum(marks.first <= when <= marks.end for when, _ in journal["asked"])
    report: dict[str, Any] = {
        "sources": len(sources),
        "every s": given.every,
        "first round s": round(marks.first - marks.began, 1),
        "measured s": round(marks.end - marks.first, 1),
        "polls": polls,
        "polls a second": round(polls / (marks.end - marks.first), 1),
        "polled on time": share(x <= TOLERANCE * given.every + 1 for x in all_good),
        "late by s, p50": percentile(all_good, 0.5),
        "late by s, p99": percentile(all_good, 0.99),
        **{f"late by s, p99, {role}": percentile(many, 0.99) for role, many in by_role.items()},
    }
    return report | alerted(journal, marks)


def lateness(
    asked: Iterable[tuple[float, int]], sources: Sequence[Mapping[str, Any]], every: float, marks: Marks
) -> dict[int, list[float]]:
    """By how much each source was asked later than its interval after its last answer, for every time it was due while measured.

    A source that was due and not asked by the end is as late as it was then, at least.
    """
    times: dict[int, list[float]] = {at: [] for at in range(len(sources))}
    for when, at in asked:
        if when <= marks.end:
            times[at].append(when)
    found = {}
    for at, moments in times.items():
        starts = moments or [marks.began]
        gaps = zip([start + sources[at]["delay"] + every for start in starts], [*starts[1:], marks.end], strict=True)
        found[at] = [after - due for due, after in gaps if due < marks.end and max(due, after) >= marks.first]
    return found


def alerted(journal: Mapping[str, Any], marks: Marks) -> dict[str, Any]:
    """How long alerts took, by where their text stood; and how many never came."""
    told: dict[str, float] = {}
    for when, key in journal["told"]:
        told.setdefault(key, when)
    report: dict[str, Any] = {}
    missing = 0
    for where, name in (("feed", "alert"), ("page", "alert from a page")):
        sent = {key: when for key, (when, by) in journal["sent"].items() if by == where and marks.first <= when <= marks.end - 10}
        took = [1_000 * (told[key] - when) for key, when in sent.items() if key in told]
        missing += len(sent) - len(took)
        report |= {f"{name}s": len(took), f"{name} p50 ms": percentile(took, 0.5), f"{name} p99 ms": percentile(took, 0.99)}
    return {**report, "alerts that never came": missing}


def lags(log: Path, marks: Marks) -> dict[str, Any]:
    """The worst p99 lateness of the daemon's loop, as it tells of itself now and then, after the first round; None: it does not."""
    offset = time.time() - time.monotonic()
    with log.open() as lines:
        events = [event for event in told(lines) if event["event"] == "loop"]
    while_measured = [
        one for one in events if marks.first <= datetime.fromisoformat(one["timestamp"]).timestamp() - offset <= marks.end
    ]
    told_as = {"loop lag p99 ms": "late_p99_ms", "loop lag max ms": "late_most_ms"}
    return {name: max((float(one[key]) for one in while_measured), default=None) for name, key in told_as.items()}


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value that so many do not exceed; None of nothing."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 2) if ordered else None


def share(values: Iterable[bool]) -> float | None:
    """How many of them are true, as a share; None of nothing."""
    every = list(values)
    return round(sum(every) / len(every), 4) if every else None


# Reader, for comparison

_READER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from reader import make_reader
reader = make_reader(":memory:")
for url in json.load(sys.stdin):
    reader.add_feed(url)
for _ in range(2):
    before = time.process_time(), time.monotonic()
    for _ in reader.update_feeds_iter(workers=20, scheduled=False): pass
    print(json.dumps([time.process_time() - before[0], time.monotonic() - before[1]]), flush=True)
"""
READ = 1_000
"""Sources that reader is given at most: its first round parses every entry."""


def read_by_reader(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Two rounds over the good, quick sources of a farm of the same make: CPU of the second, in which 3 of 4 answer 304."""
    with farm(given, folder / "journal-reader.json") as place:
        urls = [f"http://{one['host']}:{place['port']}/feed" for one in place["sources"] if one["role"] in ("quiet", "busy")][
            :READ
        ]
        done = subprocess.run(  # noqa: S603
            [with_reader(folder), "-c", _READER],
            input=json.dumps(urls),
            capture_output=True,
            text=True,
            check=True,
            timeout=1_200,
        )
    cpu, seconds = json.loads(done.stdout.splitlines()[-1])
    return {"reader: feeds": len(urls), "reader: s": round(seconds, 1), "reader: feeds a CPU second": round(len(urls) / cpu, 1)}


def with_reader(folder: Path) -> str:
    """A Python that has `reader`: this one, else one of an environment made for it.

    Its feedparser, which it brings along, needs `sgmllib`, and does not say so.
    """
    if subprocess.run([sys.executable, "-c", "import reader"], capture_output=True, check=False).returncode == 0:
        return sys.executable
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)  # noqa: S603
    python = str(folder / "venv/bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "reader>=3", "sgmllib3k"], check=True, stdout=sys.stderr)  # noqa: S603
    return python


def table(report: Mapping[str, Any]) -> str:
    """A line for each figure, with its goal where there is one."""
    return "\n".join(
        f"{name:28} {value!s:>10}" + (f"   goal {GOALS[name]}" if name in GOALS else "") for name, value in report.items()
    )


if __name__ == "__main__":
    sys.exit(main())
