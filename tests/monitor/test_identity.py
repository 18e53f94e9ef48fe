"""Ids are derived from content, addresses have one spelling, and copies are told from other reports of one kind."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import identity
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTERS = Path(__file__).parents[3] / "shared" / "corpus" / "clusters.jsonl"

WIRE = (
    "Delegations of both countries will meet in Valletta on Saturday for a second round of talks on prisoners of war, "
    "the foreign ministry said. The first round in March ended without a result. Mediators hope for agreement on the release of "
    "two hundred soldiers and on the return of civilians who were taken across the border in the first weeks of the war."
)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("HTTPS://News.Example:443/a/?utm_source=x&b=2&a=1#top", "https://news.example/a?b=2&a=1"),
        ("http://news.example:8080/", "http://news.example:8080/"),
        ("http://news.example", "http://news.example/"),
        ("https://news.example/story/amp/", "https://news.example/story"),
        ("https://news.example/story.amp.html?amp=1", "https://news.example/story.html"),
        ("https://news.example/amp/", "https://news.example/amp"),
        ("https://news.example/example/", "https://news.example/example"),
        ("https://news.example/?id=7&fbclid=abc&gclid=1&at_medium=RSS", "https://news.example/?id=7"),
        ("https://news.example/Case/Sensitive", "https://news.example/Case/Sensitive"),
        ("https://[::1]:443/x", "https://[::1]/x"),
        ("https://news.example:99999/x", "https://news.example:99999/x"),
        (" mailto:desk@news.example ", "mailto:desk@news.example"),
        ("not an address", "not an address"),
    ],
)
def test_an_address_has_one_spelling(given_: str, expected: str) -> None:
    assert identity.canonical(given_) == expected


@given(st.text())
def test_a_canonical_address_stays_as_it_is(url: str) -> None:
    once = identity.canonical(url)

    assert identity.canonical(once) == once


def test_a_digest_knows_where_one_text_ends() -> None:
    assert identity.digest("ab", "c") != identity.digest("a", "bc")
    assert len(identity.digest("\ud800")) == 64


def test_a_revision_changes_with_the_texts_and_nothing_else() -> None:
    article = Article(id="a", title="Talks", body=WIRE)

    assert identity.revision(article) == identity.revision(dataclasses.replace(article, id="b", source="other", url="u"))
    assert identity.revision(article) != identity.revision(dataclasses.replace(article, body=WIRE + " More."))


def test_ids_are_stable_and_have_no_dot() -> None:
    assert identity.alert_id("rule", "article", "revision") == identity.alert_id("rule", "article", "revision")
    assert identity.alert_id("rule", "article", "revision") != identity.alert_id("rule", "article", "other")
    assert identity.event_id("r.1", "a.b", "body:0:5").startswith("evt_")
    assert "." not in identity.event_id("r.1", "a.b", "body:0:5") + identity.alert_id("r.1", "a.b", "x.y")


def test_a_syndicated_copy_is_near() -> None:
    copy = "VALLETTA (Agency) – " + WIRE.replace("Mediators hope", "Mediators still hope") + " Reporting by A. Writer."

    assert identity.near(identity.sketch(WIRE), identity.sketch(copy))


def test_another_report_on_the_same_event_is_not_a_copy() -> None:
    other = "Envoys gather in Malta this weekend: prisoners and abducted civilians are on the table, the ministry announced."

    assert not identity.near(identity.sketch(WIRE), identity.sketch(other))


def test_texts_of_few_words_are_copies_only_when_equal() -> None:
    assert identity.near(identity.sketch("Talks in Malta on Saturday"), identity.sketch("TALKS in Malta, on Saturday!"))
    assert not identity.near(identity.sketch("Talks in Malta on Saturday"), identity.sketch("Talks in Malta on Sunday"))
    assert not identity.near(identity.sketch(""), identity.sketch(""))


def test_articles_that_share_an_appeal_are_not_copies() -> None:
    appeal = "\n\n".join(  # noqa: FLY002 - a list of paragraphs, read as one
        [
            "Dear readers, we need your help: support independent journalism with a monthly donation, however small it may be.",
            "Sign up for our free weekly newsletter and receive the best of our reporting in your mailbox every Friday morning.",
            "We, the journalists of this paper, refuse to be silenced. Please support us monthly. It is quick to set up.",
            "Thank you for standing with us, and for defending a free press in the face of those who would like us gone.",
        ]
    )
    one = Article(id="1", title="Storks leave late", body=f"The last storks have left the delta.\n\n{appeal}")
    other = Article(id="2", title="Ferries resume", body=f"Ferries to the outer islands run again.\n\n{appeal}")

    def near(text: Callable[[Article], str]) -> bool:
        return identity.near(identity.sketch(text(one)), identity.sketch(text(other)))

    assert not near(identity.substance)
    assert near(lambda article: f"{article.title}\n{article.body}")  # the control: what the appeal would do


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("Talks will be held in Malta", "In Malta, talks are to be held", 1.0, 1.0),
        ("Переговоры пройдут в Стамбуле", "В Стамбуле прошли переговоры", 0.6, 1.0),
        ("Russia will attend the summit", "Russia will not attend the summit", 0.5, 0.9),
        ("Talks will be held in Malta", "Storks left the delta", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("", "talks", 0.0, 0.0),
    ],
)
def test_likeness_is_of_content_words(one: str, other: str, low: float, high: float) -> None:
    assert low <= identity.alike(one, other) <= high


@given(st.text(), st.text())
def test_likeness_and_nearness_are_mutual(one: str, other: str) -> None:
    left, right = identity.sketch(one), identity.sketch(other)

    assert identity.alike(one, other) == identity.alike(other, one)
    assert 0 <= identity.alike(one, other) <= 1.000001
    assert identity.near(left, right) == identity.near(right, left)
    assert left == tuple(sorted(set(left)))
    assert len(left) <= identity.SKETCH


@pytest.mark.skipif(not CLUSTERS.exists(), reason="the shared corpus is not there")
def test_near_texts_of_the_corpus_are_of_one_event() -> None:
    """The risk is two events of one kind, reported in the same words but for the names; the corpus has them on purpose."""
    rows = [json.loads(line) for line in CLUSTERS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if "topic_id" in row]
    sketches = [identity.sketch(f"{row['title']}\n{row['text']}") for row in rows]
    wrong = [
        (one["id"], other["id"])
        for at, one in enumerate(rows)
        for other_at, other in enumerate(rows[:at])
        if one["topic_id"] == other["topic_id"]
        and one["cluster_id"] != other["cluster_id"]
        and identity.near(sketches[at], sketches[other_at])
    ]

    assert wrong == []
