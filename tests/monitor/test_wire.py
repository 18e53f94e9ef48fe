"""How long an answer asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.wire import Response, failure, retry_after

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        ("86401", timedelta(days=1)),
        ("9" * 5000, timedelta(days=1)),
        ("Wed, 01 Jul 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Wed, 01 Jul 2026 14:05:00 +0200", timedelta(minutes=5)),
        ("Wed, 01 Jul 2026 11:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Wed, 99 Jul 2026 12:05:00 GMT", None),
        ("", None),
    ],
)
def test_seconds_and_dates_count_up_to_a_day_and_garbage_does_not(said: str, wait: timedelta | None) -> None:
    assert retry_after(Response(status=503, url="", headers={"retry-after": said}), NOW) == wait


def test_only_429_and_503_may_ask_for_it() -> None:
    assert retry_after(Response(status=500, url="", headers={"retry-after": "9"}), NOW) is None
    assert retry_after(Response(status=429, url=""), NOW) is None


def test_a_failure_names_its_status_and_its_wait() -> None:
    error = failure(Response(status=429, url="http://example.org/secret", headers={"retry-after": "9"}), NOW)

    assert (str(error), error.wait) == ("HTTP 429", timedelta(seconds=9))
