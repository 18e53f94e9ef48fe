"""How much of the gold text the page extractor finds: 4-word shingle scores over a corpus.

    python -m benchmarks.pages CORPUS

CORPUS is a folder with `gold.jsonl`, one object a line: `file`, `url`, `text`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from monitor.errors import Unreadable
from monitor.pages import extract


def main(corpus: Path) -> None:
    """Prints mean precision, recall and F1, the time a page takes, and the worst pages."""
    rows = [json.loads(line) for line in (corpus / "gold.jsonl").read_text("utf-8").splitlines()]
    began = time.perf_counter()
    texts = [_text(corpus / row["file"], row["url"]) for row in rows]
    took = time.perf_counter() - began
    scores = [_score(text, row["text"]) for text, row in zip(texts, rows, strict=True)]
    precision, recall, f1 = (statistics.mean(column) for column in zip(*scores, strict=True))
    print(
        f"{len(rows)} pages  precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}  {1000 * took / len(rows):.1f} ms a page"
    )
    for score, row in sorted(zip(scores, rows, strict=True), key=lambda pair: pair[0][2])[:5]:
        print(f"  F1 {score[2]:.2f}  {row['file']}")


def _text(file: Path, url: str) -> str:
    try:
        return extract(file.read_bytes(), url=url).text
    except Unreadable:
        return ""


def _score(found: str, gold: str) -> tuple[float, float, float]:
    ours, theirs = _shingles(found), _shingles(gold)
    common = len(ours & theirs)
    precision, recall = common / max(1, len(ours)), common / max(1, len(theirs))
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 4]) for at in range(len(words) - 3)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
