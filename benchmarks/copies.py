"""How well copies of one text are told from other texts: by kind of copy, and for several ways of measuring likeness.

    python benchmarks/copies.py CORPUS [--every N] [--only NAME] [--show N]

CORPUS is the folder with clusters.jsonl, rss_items.jsonl, unlabelled.jsonl and unlabelled_ru.jsonl. Copies are made from one article in N
by mutation (COPIES, SHORT below); recall is the share of them that are near to what they were made from. Three kinds of pairs are no copies:

- events: two articles of the labelled sets of different `cluster_id`; "alike" are those of them that share an ecb+ `topic_id`, two events
  of one kind;
- stream: two feed items of different addresses and different titles;
- round-ups: an article, and a text that has all of it (or its first half) among the same of others (ROUNDUPS), in any order, and of which
  it is less than half: where it is more, the text is a copy that says something else, too.

A pair of these that is called a copy is a wrong merge. Given are the pairs, and what is stricter, the share of articles that are in one at
least. Every way is read at the lowest bar that keeps wrong merges of events, alike events and the stream at or under 0.5 % of the articles
each, as does "now": what monitor.identity does, at its own bar.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from copies_made import COPIES, HARD, ROUNDUPS, SHORT, Change, Stock, Text, Words, own_start, roundup, words_of
from copies_ways import Way, ways
from corpus import rows_of

from monitor import identity

ALLOWED = 0.005
BARS = [n / 100 for n in range(20, 100)]


@dataclass(frozen=True, slots=True)
class Known:
    """An article of the corpus: `event` tells different ones apart, `topic` brings look-alikes together."""

    text: Text
    words: Words
    event: str
    topic: str

    @property
    def kind(self) -> str:
        """The set that the event is labelled in."""
        return "stream" if self.event.startswith("http") else self.event.partition(" ")[0]


def article_of(row: dict[str, Any]) -> Text:
    """A row as a text; one without paragraphs gets one to three sentences."""
    body = row.get("text") or row.get("summary") or ""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    if len(lines) < 3:
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-ZА-Я“\"«])", body.strip())
        lines = [" ".join(sentences[at : at + 2]) for at in range(0, len(sentences), 2)]
    return Text(row["title"] or "", tuple(lines) or ("",))


def known_of(path: Path, label: Callable[[dict[str, Any]], tuple[str, str]]) -> list[Known]:
    """The articles of a file that say anything at all."""
    texts = [(article_of(row), *label(row)) for row in rows_of(path)]
    return [Known(text, words, event, topic) for text, event, topic in texts if len(words := text.words) > 9]


def stock_of(known: Sequence[Known], chance: random.Random) -> Stock:
    """What editors add, from some of these."""
    some = chance.sample(known, min(200, len(known)))
    return Stock(
        words=[word for one in some for line in one.text.paragraphs for word in line.split()],
        leads=[" ".join(" ".join(one.text.paragraphs).split()[:40]) for one in some],
        titles=[one.text.title for one in some if one.text.title],
    )


Pairs = list[tuple[float, int, int]]


def between(way: Way, sketches: Sequence[Any], different: Callable[[int, int], bool]) -> Pairs:
    """The scores of all pairs that are different and could be near."""
    lowest_bar = min(BARS)
    found = ((way.score(sketches[a], sketches[b]), a, b) for a, b in candidates(way, sketches) if different(a, b))
    return [pair for pair in found if pair[0] >= lowest_bar]


def candidates(way: Way, sketches: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Pairs that share at least two keys; a key of more than a hundred articles is no trace."""
    if way.keys is None:
        yield from combinations(range(len(sketches)), 2)
        return
    held: defaultdict[Any, list[int]] = defaultdict(list)
    for at, sketch in enumerate(sketches):
        for key in way.keys(sketch):
            held[key].append(at)
    shared = Counter(pair for places in held.values() if len(places) <= 100 for pair in combinations(places, 2))
    yield from (pair for pair, n in shared.items() if n > 1)


def in_wrong(pairs: Pairs, bar: float) -> int:
    """How many articles are in a pair at or over the bar."""
    return len({at for score, a, b in pairs if score >= bar for at in (a, b)})


def lowest_bar(way: Way, groups: Sequence[tuple[Pairs, int]]) -> float:
    """The lowest bar at which no group has more than ALLOWED of its articles in wrong pairs."""
    if way.bar is not None:
        return way.bar
    good = [bar for bar in BARS if all(in_wrong(pairs, bar) <= ALLOWED * many for pairs, many in groups)]
    return min(good, default=1.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """An original, and copies or round-ups made from it."""

    kind: str
    one: Words
    other: Words


def trials(known: Sequence[Known], changes: dict[str, Change], stocks: dict[bool, Stock], chance: random.Random) -> list[Trial]:
    """Every kind of copy of every article."""
    return [
        Trial(
            kind,
            own_start(one.text, chance, stock).words if change is own_start else one.words,
            change(one.text, chance, stock).words,
        )
        for one in known
        for stock in [stocks[cyrillic(one.text.title)]]
        for kind, change in changes.items()
    ]


def roundups(known: Sequence[Known], pool: Sequence[Known], stocks: dict[bool, Stock], chance: random.Random) -> list[Trial]:
    """For each kind: an article and a round-up that has it among others of its script."""
    found = []
    peers = {script: [one.text for one in pool if cyrillic(one.text.title) == script] for script in stocks}
    for kind, (many, share) in ROUNDUPS.items():
        for one in known:
            script = cyrillic(one.text.title)
            parts = chance.sample([one.text, *chance.sample(peers[script], many - 1)], many)
            whole = roundup(parts, share, chance, stocks[script]).words
            if len(one.words) * share < len(whole) / 2:
                found.append(Trial(kind, one.words, whole))
    return found


def cyrillic(text: str) -> bool:
    """Whether it is written in Cyrillic."""
    return bool(re.search("[а-я]", text))


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a way is measured on."""

    events: list[Known]
    stream: list[Known]
    copies: list[Trial]
    roundups: list[Trial]


def bench(corpus: Path, every: int) -> Bench:
    """Reads the corpus and makes the copies, always the same ones."""
    chance = random.Random(20260504)  # noqa: S311 - chance that repeats
    events = known_of(corpus / "clusters.jsonl", lambda row: (f"{row['dataset']} {row['cluster_id']}", topic_of(row)))
    stream = known_of(corpus / "rss_items.jsonl", lambda row: (identity.address(row["url"]), " ".join(words_of(row["title"]))))
    more = [*known_of(corpus / "unlabelled.jsonl", nobody), *known_of(corpus / "unlabelled_ru.jsonl", nobody)]
    pool = [one for one in [*events, *more] if len(one.words) >= 80]
    whole = pool[::every]
    short = [one for one in [*stream, *more] if 15 <= len(one.words) < 60][::every]
    stocks = {
        script: stock_of([one for one in [*events, *more] if cyrillic(one.text.title) == script], chance)
        for script in (False, True)
    }
    copies = [*trials(whole, COPIES, stocks, chance), *trials(short, SHORT, stocks, chance)]
    return Bench(events, stream, copies, roundups(whole, pool, stocks, chance))


def topic_of(row: dict[str, Any]) -> str:
    """What look-alike events share."""
    return str(row.get("topic_id") or "")


def nobody(row: dict[str, Any]) -> tuple[str, str]:
    """The labels of an article that has none."""
    return row["id"], ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a way did at a bar."""

    bar: float
    recall: dict[str, float]
    events: Pairs
    alike: Pairs
    stream: Pairs
    swallowed: dict[str, float]
    micros: tuple[float, float]


def outcome(way: Way, given: Bench) -> Outcome:
    """Everything that is measured of a way."""
    began = time.perf_counter()
    events = [way.make(one.words) for one in given.events]
    stream = [way.make(one.words) for one in given.stream]
    make = (time.perf_counter() - began) / (len(events) + len(stream))
    apart = between(way, events, lambda a, b: unlike(given.events[a], given.events[b]))
    alike = [pair for pair in apart if given.events[pair[1]].topic and given.events[pair[1]].topic == given.events[pair[2]].topic]
    items = between(
        way, stream, lambda a, b: unlike(given.stream[a], given.stream[b]) and given.stream[a].topic != given.stream[b].topic
    )
    in_topics = sum(bool(one.topic) for one in given.events)
    bar = lowest_bar(way, [(apart, len(events)), (alike, in_topics), (items, len(stream))])
    made = [(trial, way.make(trial.one), way.make(trial.other)) for trial in [*given.copies, *given.roundups]]
    began = time.perf_counter()
    scores = [(trial.kind, way.score(one, other)) for trial, one, other in made]
    compare = (time.perf_counter() - began) / len(made)
    shares = {
        kind: share(score >= bar for named, score in scores if named == kind)
        for kind in dict.fromkeys(kind for kind, _ in scores)
    }
    wrong = [[pair for pair in pairs if pair[0] >= bar] for pairs in (apart, alike, items)]
    recall = {kind: value for kind, value in shares.items() if kind not in ROUNDUPS}
    swallowed = {kind: value for kind, value in shares.items() if kind in ROUNDUPS}
    return Outcome(bar, recall, wrong[0], wrong[1], wrong[2], swallowed, (make * 1e6, compare * 1e6))


def unlike(one: Known, other: Known) -> bool:
    """Of different events in one labelled set, or different items of the stream; between sets nobody has said."""
    return one.event != other.event and one.kind == other.kind


def share(facts: Iterable[bool]) -> float:
    """How many of them hold."""
    found = list(facts)
    return sum(found) / len(found) if found else math.nan


def main() -> None:
    """Prints a table of ways, then recall by kind of copy."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("corpus", type=Path)
    options.add_argument("--every", type=int, default=25, help="make copies of one article in this many (25)")
    options.add_argument("--only", default="", help="ways whose name has this (a regular expression)")
    options.add_argument("--show", type=int, default=0, help="print this many wrong pairs of what the product does")
    args = options.parse_args()
    given = bench(args.corpus, args.every)
    chosen = [way for way in ways(one.words for one in [*given.events, *given.stream]) if re.search(args.only, way.name)]
    found = {way.name: outcome(way, given) for way in chosen}
    report(found, given)
    if "now" in found:
        show(found["now"], given, args.show)


def report(found: dict[str, Outcome], given: Bench) -> None:
    """Prints the ways side by side."""
    originals = len(given.copies)
    print(
        f"{originals} copies; {len(given.events)} articles of events, {len(given.stream)} feed items, {len(given.roundups)} round-ups\n"
    )
    print(
        "                                    mean of  worst of   wrong pairs (articles in one, %)                round-ups  make  compare"
    )
    print(
        "way                            bar   copies    copies   events         alike          stream         swallowed  (µs)  (µs)"
    )
    for name, one in found.items():
        counted = {kind: value for kind, value in one.recall.items() if kind not in HARD}
        worst = min(counted, key=lambda kind: counted[kind])
        many = (len(given.events), sum(bool(known.topic) for known in given.events), len(given.stream))
        wrong = [
            f"{len(pairs):>4} ({100 * in_wrong(pairs, 0) / total:4.2f})   "
            for pairs, total in zip((one.events, one.alike, one.stream), many, strict=True)
        ]
        print(
            f"{name:<29} {one.bar:4.2f}   {100 * sum(counted.values()) / len(counted):5.1f}     {100 * counted[worst]:5.1f}   {' '.join(wrong)} "
            f"{100 * sum(one.swallowed.values()) / len(one.swallowed):5.1f}   {one.micros[0]:6.0f} {one.micros[1]:6.1f}   worst: {worst}"
        )
    print("\nby kind, %".ljust(29), *(f"{name[:24]:>25}" for name in found))
    for kind in [*COPIES, *SHORT, *ROUNDUPS]:
        values = [(one.recall | one.swallowed)[kind] for one in found.values()]
        print(f"{'round-up: ' * (kind in ROUNDUPS) + kind:<28}", *(f"{100 * value:>25.1f}" for value in values))


def show(one: Outcome, given: Bench, limit: int) -> None:
    """Some wrong pairs, to be read."""
    for name, pairs, known in (("events", one.events, given.events), ("stream", one.stream, given.stream)):
        for _, a, b in pairs[:limit]:
            print(f"\n{name}: {known[a].text.title!r} {known[a].event}\n        {known[b].text.title!r} {known[b].event}")


if __name__ == "__main__":
    main()
