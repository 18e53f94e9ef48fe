"""The load run and the soak measure what they say: the farm behaves as its roles, lateness and delays are counted right."""

from __future__ import annotations

import asyncio
import gzip
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # they are scripts, and lend one another what they know

import farm  # type: ignore[import-not-found]  # noqa: E402
import farm_faults  # type: ignore[import-not-found]  # noqa: E402
import farm_text  # type: ignore[import-not-found]  # noqa: E402
import load  # type: ignore[import-not-found]  # noqa: E402
import soak  # type: ignore[import-not-found]  # noqa: E402

from monitor import lag  # noqa: E402

MARKS = load.Marks(began=0.0, first=100.0, end=200.0)
QUICK = {"role": "quiet", "delay": 0.0}


@pytest.fixture
async def place() -> AsyncIterator[farm.Farm]:
    """A farm with every fault, without slow sources."""
    made, server = await farm.opened(farm.Mix(sources=24, bad=0.5, slow=0, quiet=0.25, alerts=1.0))
    yield made
    server.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.5), auto_decompress=False) as session:
        yield session


def first(place: farm.Farm, role: str) -> farm.Source:
    return next(one for one in place.sources if one.role == role)


# The farm


def test_a_mix_has_the_shares_that_it_was_asked_for() -> None:
    roles = [one.role for one in farm.planted(farm.Mix(sources=200), 1).sources]

    assert (roles.count("quiet"), roles.count("slow"), sum(role in farm_faults.FAULTS for role in roles)) == (140, 4, 10)


def test_the_same_seed_plants_the_same_farm() -> None:
    one, other = (farm.planted(farm.Mix(sources=20), 1) for _ in range(2))

    assert [source.channel.render().partition(b"<item")[0] for source in one.sources if source.channel.format == "rss"] == [
        source.channel.render().partition(b"<item")[0] for source in other.sources if source.channel.format == "rss"
    ]
    assert [source.role for source in one.sources] == [source.role for source in other.sources]


async def test_a_quiet_source_says_304_to_who_knows_it_and_to_nobody_else(
    place: farm.Farm, client: aiohttp.ClientSession
) -> None:
    url = f"{first(place, 'quiet').channel.url}/feed"

    async with client.get(url) as whole, client.get(url, headers={"If-Modified-Since": whole.headers["Last-Modified"]}) as known:
        assert (whole.status, known.status) == (200, 304)


async def test_a_busy_source_brings_news_every_time_but_the_first(place: farm.Farm, client: aiohttp.ClientSession) -> None:
    source = first(place, "busy")

    sizes = []
    for _ in range(2):
        async with client.get(f"{source.channel.url}/feed") as answer:
            await answer.read()
        sizes.append(sum(one.alerts for one in source.channel.entries))

    assert sizes[0] == 0
    assert 1 <= sizes[1] <= 3
    assert [number for _, number in place.journal.asked] == [source.number] * 2


async def test_the_journal_says_when_an_alerting_text_went_out_and_when_its_alert_came_in(
    place: farm.Farm, client: aiohttp.ClientSession
) -> None:
    source = next(one for one in place.sources if one.role == "busy" and one.size >= farm.TEASERS)
    for _ in range(2):
        async with client.get(f"{source.channel.url}/feed") as answer:
            await answer.read()
    key = next(iter(place.journal.sent))
    alert = {"data": {"article": {"url": f"{source.channel.url}/page/{key}"}}}
    async with client.post(f"http://127.0.0.1:{place.port}/hook", json=alert) as answer:
        assert answer.status == 200

    [(told, which)] = place.journal.told
    assert which == key
    assert place.journal.sent[key][0] <= told


@pytest.mark.parametrize("role", farm_faults.FAULTS)
async def test_a_broken_source_is_broken_in_its_own_way(role: str, place: farm.Farm, client: aiohttp.ClientSession) -> None:
    try:
        async with client.get(f"{first(place, role).channel.url}/feed", max_redirects=3) as answer:
            outcome: object = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome = type(error)

    match outcome:
        case (200, bytes(body)):
            assert role in {"web page", "truncated", "bomb", "bad charset"}
            assert role != "bomb" or len(gzip.decompress(body)) == farm_faults.BOMB
        case (status, _):
            assert str(status) == role
        case _:
            assert role in {"reset", "wrong length", "drip", "redirects for ever", "silent"}


# Judging


def late(*asked: float, every: float = 60.0, delay: float = 0.0) -> list[float]:
    found: dict[int, list[float]] = load.lateness([(when, 0) for when in asked], [{**QUICK, "delay": delay}], every, MARKS)
    return found[0]


def test_a_source_that_is_asked_every_interval_is_never_late() -> None:
    assert late(10, 70, 130, 190) == [0, 0]


def test_what_was_late_before_the_measuring_does_not_count() -> None:
    assert late(0, 95, 155) == [0]


def test_a_source_that_was_due_and_never_asked_again_is_late() -> None:
    assert late(90) == [50]
    assert late() == [140]


def test_the_time_that_a_source_takes_itself_is_not_ours() -> None:
    assert late(90, 170, delay=20) == [0]


def test_alerts_are_timed_from_the_text_that_was_sent_and_missing_ones_counted() -> None:
    journal = {
        "sent": {
            "a": [110.0, "feed"],
            "b": [120.0, "feed"],
            "c": [130.0, "page"],
            "early": [10.0, "feed"],
            "last": [199.0, "feed"],
        },
        "told": [[110.1, "a"], [115.0, "a"], [130.5, "c"]],
    }

    report = load.alerted(journal, MARKS)

    assert (report["alerts"], report["alert p50 ms"], report["alert from a page p50 ms"]) == (1, 100, 500)
    assert report["alerts that never came"] == 1


def test_lag_is_read_from_what_the_daemon_says_while_it_is_measured(tmp_path: Path) -> None:
    said = '{"event": "loop", "late_p99_ms": %d, "late_most_ms": %d, "timestamp": "%s"}\n'
    now = datetime.now(UTC)
    long_ago, lately = said % (900, 950, "2020-01-01T00:00:00Z"), said % (3, 4, now.isoformat())
    (tmp_path / "log").write_text(f"not an event\n{long_ago}{lately}")
    marks = load.Marks(began=0, first=time.monotonic() - 30, end=time.monotonic() + 30)

    assert load.lags(tmp_path / "log", marks) == {"loop lag p99 ms": 3, "loop lag max ms": 4}


def test_the_settings_name_every_source_on_its_own_host() -> None:
    given = Namespace(every=60, fetches=5, workers=1, old_settings=False)
    text = load.settings(given, {"port": 8080, "sources": [{"host": farm.host(at)} for at in range(300)]})

    assert text.count("/feed'") == len({line.split("//")[1] for line in text.splitlines() if "feed:" in line}) == 300


# The soak


async def test_a_soak_lives_through_its_days_on_the_simulated_clock(tmp_path: Path) -> None:
    days = await soak.soak(tmp_path, days=2, sources=3)

    assert [day.day for day in days] == [1, 2]
    assert days[0].visits >= 3 * 4
    assert days[1].visits >= days[0].visits + 3 * 4
    assert days[1].articles > days[0].articles >= 3 * farm_text.SHOWN
    assert days[1].file > 0


def test_the_slope_is_that_of_the_line_that_fits_best_after_the_first_day() -> None:
    assert soak.slope([(2, 10.0), (3, 11.5), (4, 13.0)]) == pytest.approx(1.5)
    days = [
        soak.Day(day=at, memory=memory, cached=0, objects=0, articles=1, alerts=0, file=0, visits=0, seconds=0)
        for at, memory in enumerate((50, 90, 91, 92), 1)
    ]
    assert soak.judged(days)["MB a day"] == 1


def test_a_leak_shows_in_the_memory() -> None:
    before = soak.resident()
    leaked = b"x" * 100_000_000

    assert soak.resident() - before > 90
    assert leaked


# Lag


async def test_a_loop_that_stands_still_is_late_by_as_long() -> None:
    probe = lag.Lag(every=0.001)
    probe.start()
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_later(0.005, _stand_still, loop, 0.06)
    loop.call_later(0.08, turned.set_result, None)
    await turned
    probe.stop()

    assert probe.take().longest >= 0.05
    assert probe.take().samples == 0


def _stand_still(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    end = loop.time() + seconds
    while loop.time() < end:
        pass


def test_percentiles_are_at_most_a_quarter_too_high() -> None:
    counted = lag.Histogram()
    for number in range(1, 101):
        counted.add(number / 1_000)
    found = counted.summary()

    assert 0.050 <= found.p50 <= 0.0625
    assert 0.099 <= found.p99 <= 0.100
    assert (found.samples, found.longest) == (100, 0.100)


def test_nothing_counted_is_nothing_late() -> None:
    assert lag.Histogram().summary() == lag.Lateness()
