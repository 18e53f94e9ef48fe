"""Copies are known through what editors and sites do to them; other reports, standing columns and round-ups are not copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import identity
from monitor.identity import copies

CLUSTERS = Path(__file__).parents[3] / "shared" / "corpus" / "clusters.jsonl"


def story(seed: str, sentences: int = 24) -> list[str]:
    """Sentences of ten words that nobody else's story has, the first of them its headline."""
    return [" ".join(f"{seed}{at * 10 + n}" for n in range(10)) for at in range(sentences)]


HARBOUR, FERRIES, STORKS = story("harbour"), story("ferry"), story("stork")


def near(one: list[str], other: list[str]) -> bool:
    return identity.near(identity.sketch("\n".join(one)), identity.sketch("\n".join(other)))


def every(nth: int, sentences: list[str]) -> list[str]:
    """With one word in so many replaced."""
    words = "\n".join(sentences).split(" ")
    return " ".join("other" if at % nth == 0 else word for at, word in enumerate(words)).split("\n")


@pytest.mark.parametrize(
    "copy",
    [
        HARBOUR,
        ["VALLETTA (Agency) –", *HARBOUR, "Reporting by A. Writer; editing by B. Desk"],
        ["A headline of its own over the same old text", *HARBOUR[1:]],
        HARBOUR[:20],
        HARBOUR[:12],
        HARBOUR[:9],
        HARBOUR[12:] + HARBOUR[:12],
        every(20, HARBOUR),
        every(10, HARBOUR),
        [*FERRIES[:4], *HARBOUR[1:]],
        [line.upper() for line in HARBOUR],
        [line.replace(" ", ", ") for line in HARBOUR],
    ],
    ids="same sourced retitled cut-83 cut-50 cut-38 reordered words-5 words-10 own-start capitals commas".split(" "),
)
def test_a_copy_is_known(copy: list[str]) -> None:
    assert near(HARBOUR, copy)
    assert near(copy, HARBOUR)


@pytest.mark.parametrize(
    "other",
    [
        FERRIES,
        [*FERRIES[:18], *HARBOUR[6:12]],
        [*FERRIES, *HARBOUR, *STORKS],
        ["Morning briefing", *FERRIES[:8], *HARBOUR[:8], *STORKS[:8]],
        HARBOUR[:3],
        HARBOUR[14:23],
        [],
    ],
    ids="other long-quotation round-up briefing teaser passage nothing".split(" "),
)
def test_what_only_shares_a_passage_is_no_copy(other: list[str]) -> None:
    assert not near(HARBOUR, other)
    assert not near(other, HARBOUR)


def test_a_round_up_would_swallow_its_stories_if_beginnings_did_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: all of the article is in it, as all of a text cut short is in the original."""
    monkeypatch.setattr(copies, "ALIKE_HEADS", 0.0)

    assert near(HARBOUR, [*FERRIES, *HARBOUR, *STORKS])


def test_a_cut_copy_would_be_missed_by_resemblance_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of containment."""
    monkeypatch.setattr(copies, "CONTAINED", 1.1)

    assert not near(HARBOUR, HARBOUR[:9])


def test_a_teaser_with_a_standing_wording_is_no_copy() -> None:
    standing = "a selection of the best pictures taken all over the islands this week"
    first, second = (
        f"The week in pictures: storks leave the delta late {standing}",
        f"The week in pictures: ferries stay in port {standing}",
    )

    assert not near([first], [second])
    assert near([first], [first.upper()])


def test_what_is_shared_can_be_said() -> None:
    whole, half = identity.sketch("\n".join(HARBOUR)), identity.sketch("\n".join(HARBOUR[:12]))

    assert identity.shared(whole, half) == pytest.approx(1.0, abs=0.1)
    assert identity.shared(half, identity.sketch("\n".join(FERRIES))) == 0.0
    assert identity.shared((), half) == 0.0


@given(st.text(), st.text())
def test_a_sketch_is_small_and_in_order_whatever_the_text(one: str, other: str) -> None:
    told = identity.sketch(one)

    assert list(told) == sorted(told)
    assert len(told) <= copies.SKETCH + copies.HEAD
    assert tuple(json.loads(json.dumps(told))) == told
    assert identity.near(told, identity.sketch(other)) == identity.near(identity.sketch(other), told)
    assert identity.near(told, told) == bool(told)


def test_a_sketch_of_a_long_text_stays_small() -> None:
    assert len(identity.sketch("\n".join(story("x", 5000)))) == copies.SKETCH + copies.HEAD


@pytest.mark.skipif(not CLUSTERS.exists(), reason="../shared/corpus/clusters.jsonl is not there")
def test_two_events_of_one_kind_are_not_merged() -> None:
    rows = [row for row in map(json.loads, CLUSTERS.read_text(encoding="utf-8").splitlines()) if row["dataset"] == "ecb+"]
    told = [(row["topic_id"], row["cluster_id"], identity.sketch(f"{row['title']}\n{row['text']}")) for row in rows]
    wrong = [
        (cluster, other)
        for at, (topic, cluster, one) in enumerate(told)
        for kind, other, two in told[:at]
        if kind == topic and other != cluster and identity.near(one, two)
    ]

    assert len({cluster for _, cluster, _ in told}) >= 30
    assert not wrong
