"""How long an answer asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire import Response, failure, lasting, retry_after, sent

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


@pytest.mark.parametrize(
    ("status", "kind"),
    [(410, "gone"), (429, "asked-to-wait"), (503, "asked-to-wait"), (404, "http"), (500, "http"), (451, "http")],
)
def test_a_failure_has_its_kind(status: int, kind: str) -> None:
    assert failure(Response(status=status, url=""), NOW).kind == kind


@pytest.mark.parametrize(
    ("headers", "good_for"),
    [
        ({"cache-control": "max-age=300"}, timedelta(minutes=5)),
        ({"cache-control": 'public, Max-Age="300" , stale-if-error=9'}, timedelta(minutes=5)),
        ({"cache-control": "max-age=0"}, timedelta(0)),
        ({"cache-control": "max-age=86401"}, timedelta(days=1)),
        ({"cache-control": "max-age=" + "9" * 5000}, timedelta(days=1)),
        ({"cache-control": "max-age=60, max-age=9999"}, timedelta(minutes=1)),
        ({"cache-control": "s-maxage=300"}, None),
        ({"cache-control": "s-maxage=300, max-age=60"}, timedelta(minutes=1)),
        ({"cache-control": "no-cache, max-age=300"}, None),
        ({"cache-control": "max-age=300, no-store"}, None),
        ({"cache-control": 'private="set-cookie", max-age=60'}, timedelta(minutes=1)),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=1.5"}, None),
        ({"cache-control": "max-age=²"}, None),
        ({"cache-control": "max-age"}, None),
        ({"cache-control": "=,=,,;"}, None),
        ({"cache-control": ""}, None),
        ({"cache-control": "max-age=60", "expires": "Wed, 01 Jul 2026 14:00:00 GMT"}, timedelta(minutes=1)),
        ({"cache-control": "public", "expires": "Wed, 01 Jul 2026 12:30:00 GMT"}, timedelta(minutes=30)),
        ({"expires": "Wed, 01 Jul 2026 12:30:00 GMT"}, timedelta(minutes=30)),
        ({"expires": "Wed, 01 Jul 2026 12:30:00 GMT", "date": "Wed, 01 Jul 2026 12:20:00 GMT"}, timedelta(minutes=10)),
        ({"expires": "Wed, 01 Jul 2026 12:30:00 GMT", "date": "yesterday"}, timedelta(minutes=30)),
        ({"expires": "Wed, 01 Jul 2026 11:30:00 GMT"}, timedelta(0)),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, timedelta(days=1)),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({"expires": "soon"}, None),
        ({}, None),
    ],
)
def test_an_answer_is_good_for_as_long_as_it_says_up_to_a_day(headers: dict[str, str], good_for: timedelta | None) -> None:
    assert lasting(Response(status=200, url="", headers=headers), NOW) == good_for


def test_without_a_time_a_date_asks_for_no_wait() -> None:
    said = {"retry-after": "Wed, 01 Jul 2026 12:05:00 GMT"}

    assert retry_after(Response(status=503, url="", headers=said), None) is None
    assert retry_after(Response(status=503, url="", headers={"retry-after": "9"}), None) == timedelta(seconds=9)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9,:+ ;=()-]{0,60}", fullmatch=True))
def test_no_header_breaks_anything(said: str) -> None:
    answer = Response(status=503, url="", headers=dict.fromkeys(("retry-after", "date", "expires", "cache-control"), said))

    for wait in (retry_after(answer, NOW), retry_after(answer, sent(answer)), lasting(answer, NOW)):
        assert wait is None or timedelta(0) <= wait <= timedelta(days=1)
