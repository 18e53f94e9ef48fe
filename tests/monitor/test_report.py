"""What people read of an alert."""

from __future__ import annotations

from typing import Any

import pytest

from monitor import report
from monitor.report import Style

SENTENCE = "Peskov said on Tuesday that talks\nmake no sense."


def finding(**changes: Any) -> dict[str, Any]:
    hits = [{"start": 100, "end": 106, "text": "Peskov"}, {"start": 128, "end": 133, "text": "talks"}]
    captures = {"speaker": "Dmitry Peskov", "via": None, "cue": "said", "kind": "indirect"}
    return {
        "event": "evt_abc",
        "field": "body",
        "start": 100,
        "end": 100 + len(SENTENCE),
        "text": SENTENCE,
        "hits": hits,
        "captures": captures,
        "labels": {"stance": "rejects"},
        **changes,
    }


def data(**changes: Any) -> dict[str, Any]:
    return {
        "id": "alt_1",
        "kind": "new",
        "rule": {"id": "kremlin", "title": "t", "level": "high", "version": "v", "tags": []},
        "title": "Dmitry Peskov on negotiations: rejects",
        "article": {
            "id": "a.txt",
            "url": "https://n.example/a",
            "title": "A title",
            "source": "times",
            "published": "2025-08-29T10:00:00Z",
        },
        "findings": [finding()],
        **changes,
    }


def test_an_alert_says_what_who_where_and_proves_it() -> None:
    assert report.alert(data(), Style()) == (
        "HIGH  Dmitry Peskov on negotiations: rejects\n"
        "    kremlin · times · 2025-08-29 10:00\n"
        "    A title\n"
        "    https://n.example/a\n"
        "\n"
        "    > «Peskov» said on Tuesday that «talks» make no sense.\n"
        "      speaker    Dmitry Peskov\n"
        "      stance     rejects\n"
        "      kind       indirect\n"
        "      event      evt_abc\n"
    )


def test_on_a_terminal_hits_are_coloured_and_without_colour_nothing_is() -> None:
    assert "\x1b[1;33mtalks\x1b[0m" in report.alert(data(), Style(colour=True))
    assert "\x1b" not in report.alert(data(), Style())


def test_an_update_says_so() -> None:
    assert report.alert(data(kind="update"), Style()).splitlines()[0].endswith("rejects  update")


def test_a_topic_in_another_sentence_is_shown_beside() -> None:
    hits = [{"start": 20, "end": 35, "text": "peace\nconference"}]
    assert "      nearby     peace conference\n" in report.alert(data(findings=[finding(hits=hits)]), Style())


def test_hits_that_overlap_are_marked_once() -> None:
    hits = [{"start": 128, "end": 133, "text": "talks"}, {"start": 123, "end": 133, "text": "that talks"}]
    assert "Tuesday «that talks» make" in report.alert(data(findings=[finding(hits=hits)]), Style())


def test_whatever_a_rule_captures_is_shown() -> None:
    assert "      amount     5 bn\n" in report.alert(data(findings=[finding(captures={"amount": "5 bn"}, labels={})]), Style())


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x9b2J", "\u202e", "\x00", "\ue000", "\r", "\x07"])
def test_foreign_text_cannot_steer_the_terminal(evil: str) -> None:
    text = f"a{evil}b"
    hits = [{"start": 0, "end": 1, "text": "a"}]
    found = finding(text=text, start=0, end=len(text), hits=hits, captures={"speaker": text}, labels={evil + "x": text})
    shown = report.alert(data(title=text, findings=[found], article={"id": text, "title": text, "url": text}), Style())
    assert evil not in shown
    assert "> «a»" in shown


def test_long_sentences_are_wrapped_with_their_marks_intact() -> None:
    text = "word " * 40 + "talks"
    found = finding(text=text, start=0, end=len(text), hits=[{"start": 200, "end": 205, "text": "talks"}])
    lines = report.alert(data(findings=[found]), Style(width=60)).splitlines()
    assert max(map(len, lines)) <= 60
    assert "«talks»" in "".join(lines)
