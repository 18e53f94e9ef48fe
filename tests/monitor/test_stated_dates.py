"""A date is read as it was meant, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import dates
from monitor.dates import read
from rules.article import DATINGS

TEN = datetime(2026, 7, 1, 10, tzinfo=UTC)
SEVEN = datetime(2026, 7, 1, 7, tzinfo=UTC)
DAY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        # RFC 822, and what is made of it
        "Wed, 01 Jul 2026 10:00:00 GMT",
        "Wed, 01 Jul 2026 10:00:00 +0000",
        "Wed, 1 Jul 2026 10:00 UT",
        "01 Jul 26 10:00 GMT",
        "01 Jul 126 10:00 GMT",
        "Fri, 01 Jul 2026 10:00:00 GMT",
        "Wed , 01  Jul  2026  10:00:00  GMT",
        "Wed,01 Jul 2026 10:00:00 GMT",
        "Wednesday, 01-Jul-26 10:00:00 GMT",
        "Wed, July 1, 2026 10:00:00 GMT",
        "Wed Jul  1 10:00:00 2026 GMT",
        "Wed Jul  1 10:00:00 UTC 2026",
        "Wed Jul 01 10:00:00 +0000 2026",
        "Wed, 01 Jul 2026 12:00:00 CEST",
        "Wed, 01 Jul 2026 12:00:00 MESZ",
        "Wed, 01 Jul 2026 11:00:00 CET",
        "Wed, 01 Jul 2026 11:00:00 BST",
        "Wed, 01 Jul 2026 13:00:00 MSK",
        "Wed, 01 Jul 2026 13:00:00 EEST",
        "Wed, 01 Jul 2026 05:00:00 EST",
        "Wed, 01 Jul 2026 06:00:00 EDT",
        "Wed, 01 Jul 2026 03:00:00 PDT",
        "Wed, 01 Jul 2026 13:00:00 GMT+0300",
        "Wed, 01 Jul 2026 13:00:00 GMT +3",
        "Wed, 01 Jul 2026 13:00:00 +03:00",
        "Wed, 01 Jul 2026 13:00:00 +0300 (MSK)",
        "Wed Jul 01 2026 13:00:00 GMT+0300 (Eastern European Summer Time)",
        "Wed, 01 Jul 2026 06:00:00 -0400 EDT",
        "Tue, 30 Jun 2026 24:00:00 -1000",
        "Wed, 01 Jul 2026 09:59:60 GMT",
        # ISO 8601
        "2026-07-01T10:00:00Z",
        "2026-07-01T10:00:00.000Z",
        "2026-07-01T10:00:00,000000000Z",
        "2026-07-01t10:00:00z",
        "2026-07-01 10:00:00 UTC",
        "2026-07-01T12:00+02:00",
        "2026-07-01T12:00:00+02",
        "2026-07-01T12:00:00 +0200",
        "2026-07-01T05:30:00−04:30",
        "2026-07-01T12:00:00+02:00[Europe/Paris]",
        "20260701T100000Z",
        "20260701T1000Z",
        "20260701T130000+0300",
        "20260701100000 GMT",
        "2026-W27-3T10:00:00Z",
        "2026W273T100000Z",
        "2026-182T10:00:00Z",
        "2026182T100000Z",
        "2026/07/01 10:00 GMT",
        # epochs
        "1782900000",
        "1782900000.0",
        "1782900000000",
        # people
        "July 1, 2026 10:00 am UTC",
        "July 1st, 2026 at 10 a.m. GMT",
        "1 July 2026 13:00 GMT+3",
        "10:00 GMT, 1 July 2026",
        "Mi, 01 Jul 2026 12:00:00 +0200",
        "Mittwoch, den 1. Juli 2026 um 12:00 Uhr MESZ",
        "am 1. Juli 2026, 12.00 Uhr CEST",
        "mer., 01 juil. 2026 12:00:00 +0200",
        "le mercredi 1er juillet 2026 à 12h00 CEST",
        "mié, 01 jul 2026 12:00:00 +0200",
        "miércoles, 1 de julio de 2026, 12:00 CEST",
        "mer, 01 lug 2026 12:00:00 +0200",
        "qua, 1 de julho de 2026 às 07h00 BRT",
        "śr., 1 lip 2026 12:00:00 +0200",
        "1 lipca 2026 r. 12:00 CEST",
        "Ср, 01 июл 2026 13:00:00 +0300",
        "среда, 1 июля 2026 года в 13:00 МСК",
        "середа, 1 липня 2026 року 13:00 EEST",
        "13:00 MSK 01.07.2026",
        "01.07.2026 12:00 CEST",
        "2026年7月1日 10:00 UTC",
    ],
)
def test_what_was_stated_is_read(said: str) -> None:
    assert read(said) == dates.Stated(TEN, "stated")


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026/07/01 10:00", TEN),
        ("2026-07-01T10:00:00", TEN),
        ("20260701T100000", TEN),
        ("202607011000", TEN),
        ("July 1, 2026 10:00 am", TEN),
        ("01.07.26 10:00", TEN),
        ("1 juillet 2026 10:00", TEN),
        ("Wed, 01 Jul 2026 10:00:00", TEN),
        ("Wed, 01 Jul 2026 10:00:00 IST", TEN),
        ("Wed, 01 Jul 2026 10:00:00 Kyiv", TEN),
        ("Wed, 01 Jul 2026 12:00 am", DAY),
        ("2026-07-01", DAY),
        ("20260701", DAY),
        ("2026-07-01Z", DAY),
        ("1 July 2026", DAY),
        ("July 1, 2026", DAY),
        ("2026 July 1", DAY),
        ("1. 7. 2026", DAY),
        ("07/01/2026 00:00", None),
        ("13/07/2026", datetime(2026, 7, 13, tzinfo=UTC)),
        ("07/13/2026", datetime(2026, 7, 13, tzinfo=UTC)),
        ("mar, 30 giu 2026", datetime(2026, 6, 30, tzinfo=UTC)),
        ("mar 3 mar 2026", datetime(2026, 3, 3, tzinfo=UTC)),
        ("12:30 pm, am 1. Juli 2026", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
        ("am 1. Juli 2026 um 12:30", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_without_a_zone_that_is_known_it_is_utc_and_says_so_and_what_could_be_two_days_is_none(
    said: str, at: datetime | None
) -> None:
    assert read(said) == (dates.Stated(at, "zoneless") if at else dates.UNREADABLE)


@pytest.mark.parametrize(
    ("said", "dating"),
    [
        ("", "absent"),
        (" \n\u00a0", "absent"),
        ("yesterday", "unreadable"),
        ("10:00", "unreadable"),
        ("July 2026", "unreadable"),
        ("2026", "unreadable"),
        ("2026-07", "unreadable"),
        ("1 July", "unreadable"),
        ("31 Feb 2026 10:00 GMT", "unreadable"),
        ("2026-13-01", "unreadable"),
        ("2026-07-01T25:00:00Z", "unreadable"),
        ("2026-07-01T10:61:00Z", "unreadable"),
        ("2026-07-01 10:00 +9900", "unreadable"),
        ("2026-07-01 10:00 CET MSK", "unreadable"),
        ("1 July 2026 - 3 July 2026", "unreadable"),
        ("1 July 2026 10:00-11:00", "unreadable"),
        ("2026-07-01 or 2026-07-02", "unreadable"),
        ("two days after 1 July 2026 or so", "unreadable"),
        ("$date", "unreadable"),
        ("<b>1 July 2026</b>", "unreadable"),
        ("0000-00-00 00:00:00", "unreadable"),
        ("12345", "unreadable"),
        ("1" * 5_000, "unreadable"),
        ("1 " * 5_000, "unreadable"),
        ("0", "implausible"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "implausible"),
        ("0001-01-01T00:00:00+14:00", "implausible"),
        ("9999-12-31T23:59:59-14:00", "implausible"),
        ("1782-07-01", "implausible"),
    ],
)
def test_what_is_no_date_says_why(said: str, dating: str) -> None:
    assert read(said) == dates.Stated(None, dating)


def test_a_date_that_lies_ahead_is_for_others_to_judge() -> None:
    assert read("2099-01-01T00:00:00Z") == dates.Stated(datetime(2099, 1, 1, tzinfo=UTC), "stated")


@given(st.text(max_size=200) | st.text("0123456789-+:./ TZWapmJulyMärzGMT,()年月日", max_size=130))
def test_whatever_is_written_gets_an_answer(said: str) -> None:
    stated = read(said)

    assert stated.dating in DATINGS
    assert stated.dating != "future"
    assert (stated.at is None) == (stated.dating in ("absent", "unreadable", "implausible"))
    assert stated.at is None or (stated.at.utcoffset() == UTC.utcoffset(None) and stated.at >= dates.OLDEST)


@given(st.integers(0, 3_000_000_000), st.integers(-13 * 60, 13 * 60))
def test_iso_dates_come_back_as_they_were(after: int, minutes: int) -> None:
    when = dates.OLDEST + timedelta(days=1, seconds=after)

    assert read(when.astimezone(timezone(timedelta(minutes=minutes))).isoformat()) == dates.Stated(when, "stated")
    assert read(when.isoformat().removesuffix("+00:00")) == dates.Stated(when, "zoneless")
