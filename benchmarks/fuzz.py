"""Feeds broken documents to the intake, and says what does not hold of what comes out.

    python benchmarks/fuzz.py --cases 1000000 [--seed N] [--target feeds,html,dates,urls,sitemaps,listing,opml,robots,headers]
                              [--save FILE] [--case TARGET:NUMBER] [--jobs N]

Prints a line for each target: cases, seconds, the slowest; and what was found, each kind once with its number. The same seed and
number make the same case: `--seed N --case TARGET:NUMBER` reads that one alone, with a traceback. `--save` writes the cases found
into a file, a line of JSON each, the document in base64. Ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fuzz_holds import TARGETS, Broken  # noqa: E402 - found beside this folder, installed or not
from fuzz_made import Case  # noqa: E402, TC002

SLOW = 2.0
"""Seconds that no case may take."""
HANGS = 20
"""Seconds after which it is not waited for any longer."""
_AT_ONCE = 500
_PARTICULAR = re.compile(r"\\x..|\[.*|\b(?=[\w']*[0-9])[\w']+|'[^']*'")


class Hangs(BaseException):
    """It took so long that nobody waited: not an Exception, for parsers catch those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A case of which something does not hold."""

    target: str
    seed: int
    number: int
    what: str

    @property
    def kind(self) -> str:
        """What is found again and again under other numbers and words."""
        return f"{self.target}: {_PARTICULAR.sub('…', self.what)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Some cases of a target: how long they took, the slowest, and what was found."""

    target: str
    cases: int
    seconds: float = 0.0
    slowest: float = 0.0
    at: int = -1
    found: tuple[Found, ...] = ()


def case(target: str, seed: int, number: int) -> Case:
    """One case: the same for the same seed and number."""
    return TARGETS[target].make(Random(f"{seed}:{target}:{number}"))  # noqa: S311 - the same cases every time


def tried(target: str, seed: int, number: int) -> str:
    """What does not hold of the case; nothing if all does."""
    one = case(target, seed, number)
    try:
        TARGETS[target].check(one)
    except Broken as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - that is what we are here for
        return f"{type(error).__name__}: {error}"
    return ""


def ran(target: str, seed: int, numbers: Sequence[int], slow: float = SLOW) -> Ran:
    """Tries some cases. None may take longer than `slow` seconds of its process."""
    found, slowest, total = [], (0.0, -1), 0.0
    for number in numbers:
        began = time.process_time()
        what = tried(target, seed, number)
        took = time.process_time() - began
        if what or took > slow:
            found.append(Found(target=target, seed=seed, number=number, what=what or f"took more than {slow:g} s"))
        slowest, total = max(slowest, (took, number)), total + took
    return Ran(target=target, cases=len(numbers), seconds=total, slowest=slowest[0], at=slowest[1], found=tuple(found))


def shares(cases: int, targets: Sequence[str]) -> dict[str, int]:
    """How many cases each target gets: more where little can be read quickly."""
    whole = sum(TARGETS[target].share for target in targets)
    return {target: max(1, cases * TARGETS[target].share // whole) for target in targets}


def _chunks(seed: int, counts: dict[str, int]) -> Iterator[tuple[str, int, range]]:
    for target, count in counts.items():
        yield from ((target, seed, range(start, min(start + _AT_ONCE, count))) for start in range(0, count, _AT_ONCE))


def _patient(chunk: tuple[str, int, range]) -> Ran:
    """As `ran`, and a case that hangs is given up, with the rest of its chunk."""
    target, seed, numbers = chunk
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, _give_up)
    parts = []
    for number in numbers:
        signal.alarm(HANGS)
        try:
            parts.append(ran(target, seed, [number]))
        except Hangs:
            hung = Found(target=target, seed=seed, number=number, what=f"hangs for more than {HANGS} s")
            parts.append(Ran(target=target, cases=1, seconds=HANGS, slowest=HANGS, at=number, found=(hung,)))
        finally:
            signal.alarm(0)
    return together(parts)


def _give_up(*_: object) -> None:
    raise Hangs


def together(parts: Iterable[Ran]) -> Ran:
    """The runs of one target as one."""
    parts = list(parts)
    slowest, at = max((part.slowest, part.at) for part in parts)
    return Ran(
        target=parts[0].target,
        cases=sum(part.cases for part in parts),
        seconds=sum(part.seconds for part in parts),
        slowest=slowest,
        at=at,
        found=tuple(one for part in parts for one in part.found),
    )


def main(args: argparse.Namespace) -> int:
    """Runs it; 1 if anything was found."""
    if args.case:
        target, _, number = args.case.partition(":")
        print(repr(case(target, args.seed, int(number))))
        TARGETS[target].check(case(target, args.seed, int(number)))
        return 0
    targets = args.target.split(",") if args.target else list(TARGETS)
    chunks = list(_chunks(args.seed, shares(args.cases, targets)))
    with ProcessPoolExecutor(args.jobs) as pool:
        parts = [*pool.map(_patient, chunks)]
    return ended([together(part for part in parts if part.target == target) for target in targets], args.save)


def ended(runs: Sequence[Ran], save: str = "") -> int:
    """Tells what became of each target; 1 if anything was found."""
    found = [one for run in runs for one in _told(run)]
    if save:
        Path(save).write_text("".join(_saved(one) for one in found))
    return 1 if found else 0


def _told(run: Ran) -> tuple[Found, ...]:
    """Prints what became of one target."""
    each = 1000 * run.seconds / run.cases
    print(
        f"{run.target:9} {run.cases:9,} cases {each:7.2f} ms each, slowest {run.slowest:5.2f} s (:{run.at})  {len(run.found):,} found",
        flush=True,
    )
    kinds: dict[str, list[Found]] = {}
    for one in run.found:
        kinds.setdefault(one.kind, []).append(one)
    for several in kinds.values():
        first = several[0]
        print(f"    {len(several):6,} × {first.what[:200]}   --seed {first.seed} --case {first.target}:{first.number}")
    return run.found


def _saved(one: Found) -> str:
    made = case(one.target, one.seed, one.number)
    body = base64.b64encode(made.body or made.text.encode("utf-8", "surrogatepass")).decode("ascii")
    return json.dumps({**asdict(one), "url": made.url, "content_type": made.content_type, "document": body}) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="", help=",".join(TARGETS))
    parser.add_argument("--save", default="", metavar="FILE")
    parser.add_argument("--case", default="", metavar="TARGET:NUMBER")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_arguments()))
