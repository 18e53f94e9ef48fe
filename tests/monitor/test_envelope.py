"""The envelope is what the contract says, and always fits."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import envelope
from monitor.model import Alert, Sighting
from rules import Article, Finding, Hit

NOON = datetime(2026, 7, 1, 12, 0, 0, 5, UTC)
FOUND = Finding(
    field="body",
    start=3,
    end=24,
    text="Переговоры в Валлетте",
    hits=(Hit(field="body", start=3, end=13, text="Переговоры"), Hit(field="title", start=0, end=5, text="Talks")),
    captures={"place": "Malta", "date": None},
    labels={"status": "planned"},
)
ALERT = Alert(
    id="alt_abcdefghijklmnopqrstuvwxyz",
    kind="new",
    rule="talks",
    rule_title="Talks: {place}",
    level="high",
    version="0123456789ab",
    tags=("war",),
    title="Talks: Malta",
    article=Article(
        id="seed.json#1", title="Talks", source="agency", url="https://news.example/1", language="ru", published=NOON
    ),
    first_seen=NOON,
    raised=NOON,
    sightings=(Sighting(event="evt_1", finding=FOUND),),
)


def test_the_envelope_is_what_the_contract_says() -> None:
    assert envelope.envelope(ALERT) == {
        "type": "alert.new",
        "timestamp": "2026-07-01T12:00:00Z",
        "data": {
            "id": "alt_abcdefghijklmnopqrstuvwxyz",
            "kind": "new",
            "rule": {"id": "talks", "title": "Talks: {place}", "level": "high", "version": "0123456789ab", "tags": ["war"]},
            "title": "Talks: Malta",
            "article": {
                "id": "seed.json#1",
                "url": "https://news.example/1",
                "title": "Talks",
                "source": "agency",
                "published": "2026-07-01T12:00:00Z",
                "first_seen": "2026-07-01T12:00:00Z",
                "language": "ru",
            },
            "findings": [
                {
                    "event": "evt_1",
                    "field": "body",
                    "start": 3,
                    "end": 24,
                    "text": "Переговоры в Валлетте",
                    "hits": [
                        {"start": 3, "end": 13, "text": "Переговоры"},
                        {"field": "title", "start": 0, "end": 5, "text": "Talks"},
                    ],
                    "captures": {"place": "Malta", "date": None},
                    "labels": {"status": "planned"},
                }
            ],
        },
    }


def test_what_its_source_is_and_a_date_in_doubt_are_told() -> None:
    article = replace(ALERT.article, source_kind="state-media", dating="future")
    told = envelope.envelope(replace(ALERT, article=article))["data"]["article"]

    assert (told["source_kind"], told["dating"]) == ("state-media", "future")


def test_a_silent_source_is_told_of_as_a_source() -> None:
    article = Article(id="paper#silent", source="paper", title="Source silent: paper", summary="nothing new for 3 days")
    told = envelope.envelope(replace(ALERT, kind="silent", article=article, sightings=()))

    assert (told["type"], told["data"]["reason"], told["data"]["findings"]) == ("source.silent", "nothing new for 3 days", [])


def test_an_undated_article_has_no_date() -> None:
    undated = replace(ALERT, article=replace(ALERT.article, published=None))

    assert envelope.envelope(undated)["data"]["article"]["published"] is None


def test_times_are_utc() -> None:
    assert envelope.stamp(datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))) == "2026-07-01T12:00:00Z"


def test_rendering_is_compact_and_keeps_letters() -> None:
    body = envelope.render(ALERT)

    assert json.loads(body) == envelope.envelope(ALERT)
    assert "Переговоры".encode() in body
    assert b'": ' not in body


def test_half_a_character_does_not_break_it() -> None:
    assert "A?B" in envelope.render(replace(ALERT, title="A\ud800B")).decode()


def test_too_many_findings_are_dropped_from_the_end() -> None:
    many = [Sighting(event=f"evt_{n}", finding=replace(FOUND, hits=FOUND.hits * 50)) for n in range(200)]
    data = json.loads(envelope.render(replace(ALERT, sightings=tuple(many))))["data"]

    assert data["truncated"] is True
    assert [one["event"] for one in data["findings"]] == [f"evt_{n}" for n in range(len(data["findings"]))]
    assert len(data["findings"]) > 20
    assert {len(one["hits"]) for one in data["findings"]} == {3}
    assert data["findings"][0]["text"] == FOUND.text


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    long = replace(FOUND, text="Щ" * 30_000, end=30_003)
    data = json.loads(envelope.render(replace(ALERT, sightings=(Sighting(event="evt_1", finding=long),))))["data"]

    assert data["truncated"] is True
    assert data["findings"][0]["end"] == 30_003
    assert data["findings"][0]["text"].endswith("Щ…")


_texts = st.text(st.sampled_from('aЩ\N{PARTY POPPER}\x00"\\\ud800'), max_size=3)


@settings(max_examples=40, deadline=None)
@given(_texts, _texts, st.sets(_texts, max_size=30), st.sampled_from([1, 100, 4000]))
def test_it_always_fits_and_keeps_its_id(title: str, text: str, names: set[str], times: int) -> None:
    text *= times
    many = {name * times: text for name in names}
    found = replace(FOUND, text=text, captures=many, labels=many, hits=(Hit(field="body", start=0, end=1, text=text),) * 9)
    hostile = replace(
        ALERT,
        title=title * times,
        tags=tuple(many),
        rule_title=text,
        article=replace(ALERT.article, id=title, url=text, title=text, source=text),
        sightings=(Sighting(event="evt_1", finding=found),) * 50,
    )
    body = envelope.render(hostile)

    assert len(body) <= envelope.LIMIT
    assert json.loads(body)["data"]["id"] == ALERT.id
