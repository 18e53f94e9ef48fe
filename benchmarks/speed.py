"""How long the shipped rules take on articles, on one core.

python benchmarks/speed.py ARTICLES.jsonl [--articles 1000] [--runs 3] [--profile]

Prints CPU seconds, articles per second and µs per character: for both rules together, for each alone, and for finding the words of the
articles and no more, which every rule needs: what the rules cost is told as a multiple of that, so that machines can be compared. The best
of several runs counts, as others may use the machine. `--profile` also prints where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from corpus import article, rows_of, shipped

from rules import Article
from rules.reading import Reading

_WARM = [Article(id="first", body="Kremlin spokesman Dmitry Peskov said the talks will be held in Geneva on Friday.")]
_SHOWN = 45  # lines of a profile


def main() -> int:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles_of", type=Path, metavar="ARTICLES.jsonl")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    read = [article(row) for row in islice(rows_of(given.articles_of), given.articles)]
    measured(read, given.runs)
    if given.profile:
        profiled(read)
    return 0


def measured(read: Sequence[Article], runs: int) -> None:
    """Prints a line for finding words, for each rule alone, and for all together."""
    whole = shipped()
    characters = sum(len(one.title) + len(one.body) for one in read)
    print(f"{len(read)} articles, {characters / 1e6:.1f} million characters; CPU, best of {runs}")
    asked: dict[str, Callable[[Article], object]] = {
        "words alone": lambda one: Reading(one).vocabulary,
        "words and sentences": lambda one: Reading(one).sentences,
        **{one.id: replace(whole, rules=(one,)).match for one in whole.rules},
        "both rules" if len(whole.rules) == 2 else "all rules": whole.match,
    }
    print(f"{'the first article, once':26} {_seconds(whole.match, _WARM):6.2f} s  for reading the lists and the gazetteer")
    baseline = 0.0
    for name, ask in asked.items():
        seconds = min(_seconds(ask, read) for _ in range(runs))
        baseline = baseline or seconds
        print(
            f"{name:26} {seconds:6.2f} s  {len(read) / seconds:7.0f} articles/s  {seconds / characters * 1e6:6.3f} µs/character"
            f"  {seconds / baseline:5.1f} times the words"
        )


def _seconds(ask: Callable[[Article], object], read: Sequence[Article]) -> float:
    start = time.process_time()
    for one in read:
        ask(one)
    return time.process_time() - start


def profiled(read: Sequence[Article]) -> None:
    """Prints the functions that take longest, callees not counted; the profiler makes small functions look dear."""
    whole = shipped()
    with cProfile.Profile() as profile:
        for one in read:
            whole.match(one)
    pstats.Stats(profile).sort_stats("tottime").print_stats(_SHOWN)


if __name__ == "__main__":
    sys.exit(main())
