"""Ways to sketch a text and to measure likeness. For `copies.py`."""

from __future__ import annotations

import hashlib
import heapq
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor import identity

if TYPE_CHECKING:
    from copies_made import Words


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sketch a text and to measure how far two sketches are of one; `keys`: what near sketches must share some of."""

    name: str
    make: Callable[[Words], Any]
    score: Callable[[Any, Any], float]
    keys: Callable[[Any], Iterable[Any]] | None = None
    bar: float | None = None


def runs(words: Words, length: int) -> set[int]:
    """The hashes of a text's runs of words."""
    found = {" ".join(words[at : at + length]) for at in range(max(1, len(words) - length + 1))} if words else set()
    return {zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in found}


def lowest(length: int, kept: int) -> Callable[[Words], tuple[int, ...]]:
    """The lowest hashes of runs, in order."""
    return lambda words: tuple(heapq.nsmallest(kept, runs(words, length)))


def resemblance(kept: int) -> Callable[[Sequence[int], Sequence[int]], float]:
    """The Jaccard index, as sketches of `kept` values tell."""

    def score(one: Sequence[int], other: Sequence[int]) -> float:
        left, right = set(one), set(other)
        both = heapq.nsmallest(kept, left | right)
        return sum(value in left and value in right for value in both) / len(both) if both else 0.0

    return score


def size(sketch: Sequence[int], kept: int) -> float:
    """How many runs a text has, as its sketch tells: the highest of the lowest values says how densely they lie."""
    return len(sketch) if len(sketch) < kept else (kept - 1) * 2**32 / max(1, sketch[-1])


def containment(kept: int, ratio: float) -> Callable[[Sequence[int], Sequence[int]], float]:
    """The share of the shorter text's runs that the longer one has; 0 where it is shorter than this part of it."""
    like = resemblance(kept)

    def score(one: Sequence[int], other: Sequence[int]) -> float:
        sizes = sorted((size(one, kept), size(other, kept)))
        if not sizes[0] or sizes[0] < ratio * sizes[1]:
            return 0.0
        jaccard = like(one, other)
        return min(1.0, jaccard / (1 + jaccard) * sum(sizes) / sizes[0])

    return score


def winnowed(words: Words) -> frozenset[int]:
    """Winnowing (Schleimer 2003): of each 8 successive runs of three words the lowest hash."""
    row = [zlib.crc32(" ".join(words[at : at + 3]).encode("utf-8", "surrogatepass")) for at in range(max(1, len(words) - 2))]
    return frozenset(min(row[at : at + 8]) for at in range(max(1, len(row) - 7)))


def of_sets(one: frozenset[int], other: frozenset[int]) -> float:
    """The Jaccard index of two sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


def simhash(words: Words) -> int:
    """SimHash (Charikar 2002) of 64 bits over runs of three words."""
    sums = [0] * 64
    for run in {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))}:
        value = int.from_bytes(hashlib.blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        for bit in range(64):
            sums[bit] += 1 if value >> bit & 1 else -1
    return sum(1 << bit for bit in range(64) if sums[bit] > 0)


def of_bits(one: int, other: int) -> float:
    """The share of bits in common, from one half up."""
    return 1 - (one ^ other).bit_count() / 32


def by_rarity(counts: Counter[int], many: int) -> Callable[[Words], dict[int, float]]:
    """64 values chosen and weighed by how rare their runs are in the corpus: ICWS would be exact; this takes u^(1/w)."""

    def make(words: Words) -> dict[int, float]:
        weights = {run: math.log(many / (1 + counts[run])) for run in runs(words, 3)}
        return dict(heapq.nsmallest(64, weights.items(), key=lambda pair: -math.log((pair[0] + 1) / 2**32) / max(0.01, pair[1])))

    return make


def of_weights(one: dict[int, float], other: dict[int, float]) -> float:
    """The weighted Jaccard index of what was kept."""
    both = sum(weight for run, weight in one.items() if run in other)
    return both / max(1e-9, sum(one.values()) + sum(other.values()) - both)


def minhash() -> Way | None:
    """The MinHash of rensa, where it is installed; for comparison."""
    try:
        from rensa import RMinHash  # type: ignore[import-not-found]  # noqa: PLC0415 - not among our packages
    except ImportError:
        return None

    def make(words: Words) -> Any:
        told = RMinHash(num_perm=128, seed=1)
        told.update([" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))])
        return tuple(told.digest())

    def score(one: tuple[int, ...], other: tuple[int, ...]) -> float:
        return sum(map(int.__eq__, one, other)) / len(one)

    return Way("MinHash 128 (rensa)", make, score, enumerate)


def ways(everything: Iterable[Words]) -> list[Way]:
    """What is compared; the first is what the product does."""
    counts = Counter(run for words in everything for run in runs(words, 3))
    keys = list

    def now(words: Words) -> tuple[int, ...]:
        return identity.sketch(" ".join(words))

    found = [
        Way("now", now, lambda one, other: float(identity.near(one, other)), keys, bar=1.0),
        Way("before: Jaccard 0.65, 64", lowest(3, 64), resemblance(64), keys, bar=0.65),
        Way("Jaccard, 3 words, 64", lowest(3, 64), resemblance(64), keys),
        Way("Jaccard, 3 words, 128", lowest(3, 128), resemblance(128), keys),
        Way("Jaccard, 4 words, 128", lowest(4, 128), resemblance(128), keys),
        Way("Jaccard, 5 words, 128", lowest(5, 128), resemblance(128), keys),
        Way("contained, 3 words, 64, any", lowest(3, 64), containment(64, 0), keys),
        Way("contained, 3 words, 64, 0.3", lowest(3, 64), containment(64, 0.3), keys),
        Way("contained, 3 words, 128, 0.3", lowest(3, 128), containment(128, 0.3), keys),
        Way("contained, 4 words, 128, 0.3", lowest(4, 128), containment(128, 0.3), keys),
        Way("weighed by rarity, 64", by_rarity(counts, 10_000), of_weights, keys),
        Way("winnowing, 3 of 8", winnowed, of_sets, keys),
        Way("SimHash 64", simhash, of_bits),
        minhash(),
    ]
    return [way for way in found if way]
