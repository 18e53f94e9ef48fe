"""What reading feeds costs, and what cutting known entries out beforehand saves.

python benchmarks/feeds.py CORPUS [--runs 5]

CORPUS is a folder of feeds with `manifest.jsonl`, one object a line: `file`. Well-formed ones of 20 to 200 kB are read whole by feedparser,
and sifted with no, one and all entries new; CPU time, the best of several runs, and its ratio to feedparser's in the same run. Then every
file, broken ones too, is read once, and the slowest are shown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from lxml import etree  # noqa: E402 - found beside this folder, installed or not

from monitor import feeds  # noqa: E402
from monitor.errors import Unreadable  # noqa: E402
from monitor.feeds.sift import sift  # noqa: E402

_URL = "https://news.example/feed.xml"
_SIZES = range(20_000, 200_000)
_SLOW = 2.0


def main() -> int:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    rows = [json.loads(line) for line in (given.corpus / "manifest.jsonl").read_text("utf-8").splitlines()]
    bodies = {row["file"]: (given.corpus / row["file"]).read_bytes() for row in rows}
    _sifting([body for body in bodies.values() if len(body) in _SIZES and _sifts(body)], given.runs)
    return _slowest(bodies)


def _sifts(body: bytes) -> bool:
    found = sift(body, _URL, "")
    return found is not None and len(found.marks) > 1


def _sifting(bodies: list[bytes], runs: int) -> None:
    parse = partial(feeds.parse, source="s", url=_URL, headers={})
    marks = [parse(body).marks for body in bodies]
    ways: dict[str, Callable[[int], object]] = {
        "feedparser, whole": lambda at: feeds.entries(bodies[at], url=_URL, headers={}),
        "sifted, all new": lambda at: parse(bodies[at]),
        "sifted, one new": lambda at: parse(bodies[at], known=frozenset(marks[at][1:])),
        "sifted, none new": lambda at: parse(bodies[at], known=frozenset(marks[at])),
        "the sifting alone": lambda at: sift(bodies[at], _URL, ""),
        "lxml, the tree alone": lambda at: etree.fromstring(bodies[at], etree.XMLParser(recover=True, resolve_entities=False)),
    }
    print(
        f"{len(bodies)} feeds, {statistics.mean(map(len, bodies)) / 1000:.0f} kB and {statistics.mean(map(len, marks)):.0f} entries"
    )
    whole = 0.0
    for name, way in ways.items():
        took = sum(min(_seconds(partial(way, at)) for _ in range(runs)) for at in range(len(bodies)))
        whole = whole or took
        print(f"{name:22} {1000 * took / len(bodies):7.2f} ms a feed  {took / whole:6.3f} of feedparser's")


def _seconds(ask: Callable[[], object]) -> float:
    start = time.process_time()
    ask()
    return time.process_time() - start


def _slowest(bodies: dict[str, bytes]) -> int:
    took = {name: _seconds(partial(_read, body)) for name, body in bodies.items()}
    print(f"{len(bodies)} files, all: {sum(took.values()):.1f} s; the slowest:")
    for name, seconds in sorted(took.items(), key=lambda one: -one[1])[:3]:
        print(f"  {seconds:.2f} s  {name}")
    return int(max(took.values()) > _SLOW)


def _read(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        feeds.parse(body, source="s", url=_URL, headers={})


if __name__ == "__main__":
    sys.exit(main())
