"""One alert per event: real rules and the real steps over scripted feeds, in every store, on a simulated clock."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fakefeeds import DAY, HOUR, MINUTE, NOON, Clock, Desk, Web, answer, item, rss
from hypothesis import given, settings
from hypothesis import strategies as st
from mortal import Killed
from structlog.testing import capture_logs

import rules as language
from monitor.stores import STORES, open_store
from monitor.stores.memory import MemoryStore
from rules import RuleSet

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Do

    from monitor.model import Alert

LISTS = """
lists:
  officials: {Dmitry Peskov: [Peskov]}
  talks: [talks, ceasefire]
rules:
"""
TALKS = """  - id: on-talks
    title: "{speaker} on talks: {stance}"
    level: high
    when: {statement: {by: $officials, about: $talks}}
    once: {alike: 0.6, within: 3d, update_on: [stance]}
"""
SUMMIT = """  - id: on-talks
    title: "Talks announced: {place}"
    level: high
    when: {mention: {of: [summit, talks], between: states, time: upcoming, status: [planned, proposed], with: [date, place]}}
    once: {per: [place], within: 30d, update_on: [status, date]}
"""
GOODS = ("grain", "barges", "tariffs", "pumps", "valves", "cod", "tolls", "paintings")


def ruled(rule: str = TALKS, extra: str = "") -> RuleSet:
    return language.load({"rules.yaml": f"{LISTS}{rule}{extra and f'    {extra}'}\n".encode()}, "rules.yaml")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(params=sorted(STORES))
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    store = await open_store(f"{request.param}:{tmp_path / 'monitor.db'}")
    made = feeds(Desk(store), "paper", "wire", "post")
    yield made
    await store.close()


def feeds(desk: Desk, *names: str) -> Desk:
    """With these sources, each of which has been there for a while and said nothing yet."""
    desk.addresses |= {name: f"https://{name}.example/feed" for name in names}
    desk.web.says |= {address: answer(rss()) for address in desk.addresses.values()}
    return desk


async def says(desk: Desk, source: str, name: str, text: str, wait: timedelta = MINUTE, **said: Any) -> list[str]:
    """A source brings one article after a while; what was told of it. A name it had before is an edit."""
    before = len(desk.receiver.got)
    desk.clock.now += wait
    link = f"https://{source}.example/{name}"
    entry = item(name, text, guid=link, link=link, **{"date": desk.clock.now, **said})
    await desk.visit(source, answer(rss(entry)))
    await desk.tell()
    return [json.loads(body)["type"].removeprefix("alert.") for body in desk.receiver.got[before:]]


def about(number: int) -> str:
    """A statement on something else for each number."""
    goods = " ".join(f"{word}{number}" for word in GOODS)
    return f"Dmitry Peskov said on Tuesday that talks about {goods} make no sense. Afterwards {goods[::-1]}."


# Time rules


async def test_three_within_an_hour_are_told_once_and_again_after_a_pause(desk: Desk) -> None:
    desk.ruleset = ruled(extra="frequency: {at_least: 3, within: 1h, per: [speaker]}")
    waits = [20, 50, 20, 20, 10, 180, 10, 10]
    told = [await says(desk, "paper", f"n{n}", about(n), wait * MINUTE) for n, wait in enumerate(waits)]

    assert [bool(one) for one in told] == [False, False, False, True, False, False, False, True]
    held = [alert.held for alert in await desk.alerts()]
    assert held[0] == "waits: the 1st of 3 within 1 h, speaker Dmitry Peskov"
    assert held[4] == "waits: 4 within 1 h, speaker Dmitry Peskov: the same burst, which had reached 3 before"


async def test_copies_of_one_wire_make_no_burst(desk: Desk) -> None:
    desk.ruleset = ruled(extra="frequency: {at_least: 3, within: 1h}")
    for source in ("paper", "wire", "post"):
        assert await says(desk, source, "a", about(1)) == []
    assert (await desk.events())[0].articles == 3


async def test_many_times_the_usual_is_told_once(desk: Desk) -> None:
    desk.ruleset = ruled(extra="spike: {times: 4, within: 1h, against: 1d, at_least: 3}")
    usual = [await says(desk, "paper", f"n{n}", about(n), 4 * HOUR) for n in range(6)]
    burst = [await says(desk, "paper", f"m{n}", about(10 + n), 5 * MINUTE) for n in range(5)]

    assert usual == [[]] * 6
    assert [bool(one) for one in burst] == [False, True, False, False, False]  # with the last of the usual, three


FIRST = "Talks with Kyiv about grain, ports and barges make no sense for now, Dmitry Peskov said on Tuesday."
SECOND = "Peskov told reporters that talks with Kyiv on grain, ports and barges make no sense for now. It rained in the capital."
THIRD = "In the view of Dmitry Peskov, who spoke to a newspaper, talks with Kyiv about grain, ports and barges make no sense now."


async def test_the_second_source_is_told_where_two_are_asked_for(desk: Desk) -> None:
    desk.ruleset = ruled(extra="sources: {min_independent: 2}")
    told = [
        await says(desk, "paper", "a", FIRST),
        await says(desk, "post", "a", f"{FIRST} Read more at our site."),
        await says(desk, "wire", "b", SECOND),
    ]
    assert told == [[], [], ["new"]]
    assert [alert.held for alert in await desk.alerts()] == [
        "waits: 1 of 2 independent sources: paper",
        "waits: 1 of 2 independent sources: paper; a copy does not count",
        None,
    ]


async def test_one_source_is_told_low_until_there_are_two(desk: Desk) -> None:
    desk.ruleset = ruled(extra="sources: {min_independent: 2, single_source_level: low}")
    told = [await says(desk, "paper", "a", FIRST), await says(desk, "wire", "b", SECOND), await says(desk, "post", "c", THIRD)]
    assert told == [["new"], ["update"], []]
    assert [json.loads(body)["data"]["rule"]["level"] for body in desk.receiver.got] == ["low", "high"]


# What ends


async def test_an_edit_that_takes_it_back_is_told(desk: Desk) -> None:
    assert await says(desk, "paper", "a", FIRST) == ["new"]
    assert await says(desk, "paper", "a", "It rained in the capital.") == ["retracted"]
    assert [event.ended for event in await desk.events()] == ["retracted"]


async def test_an_edit_to_a_draft_is_no_news(desk: Desk) -> None:
    desk.ruleset = ruled(extra="status: draft")
    assert await says(desk, "paper", "a", FIRST) + await says(desk, "paper", "a", "It rained.") == []


async def test_what_another_source_said_before_keeps_it_standing(desk: Desk) -> None:
    """The edited article came second: what was reported before it did counts as well."""
    assert await says(desk, "paper", "a", FIRST) == ["new"]
    assert await says(desk, "wire", "b", SECOND, HOUR) == []
    assert await says(desk, "wire", "b", "It rained in the capital.", HOUR) == []
    (event,) = await desk.events()
    assert event.ended is None
    assert [report.why for report in await desk.store.reports(event.id)][-1] == "wire no longer says so; paper still do"


async def test_a_summit_is_announced_called_off_and_back_on(desk: Desk) -> None:
    desk.ruleset = ruled(SUMMIT)
    planned = "A summit of Norway and Togo will be held in Bergen next month, Norway said."
    told = [
        await says(desk, "paper", "a", planned),
        await says(
            desk, "wire", "b", "Togo and Norway are to meet for a summit in Bergen next month, officials in Lome said.", DAY
        ),
        await says(desk, "wire", "c", "The summit in Bergen has been called off, Togo said.", DAY),
        await says(desk, "post", "d", "The Bergen summit was cancelled, a minister said.", HOUR),
        await says(
            desk, "post", "e", "After all a summit of Norway and Togo will take place in Bergen next month, both said.", DAY
        ),
    ]
    assert told == [["new"], [], ["cancelled"], [], ["update"]]
    assert [event.ended for event in await desk.events()] == [None]


async def test_of_what_nobody_was_told_it_is_not_told_that_it_is_off(desk: Desk) -> None:
    desk.ruleset = ruled(SUMMIT)
    assert await says(desk, "paper", "c", "The summit in Bergen has been called off, Togo said.") == []
    assert await desk.events() == []


# The timeline


def test_the_timeline_says_who_said_what_and_when(tmp_path: Path, do: Do, unlogged: None) -> None:
    (tmp_path / "rules.yaml").write_text(f"{LISTS}{TALKS}")

    async def fill() -> str:
        store = await open_store(f"sqlite:{tmp_path / 'monitor.db'}")
        desk = feeds(Desk(store, ruleset=ruled()), "paper", "wire", "post")
        await says(desk, "paper", "a", FIRST)
        await says(desk, "post", "a", f"{FIRST} Read more at our site.", HOUR)
        await says(desk, "wire", "b", SECOND.replace("make no sense for now", "would be welcome, we are ready for them"), HOUR)
        await says(desk, "paper", "a", "It rained in the capital.", HOUR)
        (event,) = await desk.events()
        await store.close()
        return event.id

    id = asyncio.run(fill())
    code, out, err = do("events", "show", id, "--json")
    told = json.loads(out)
    lines = told["timeline"]
    assert (code, err) == (0, "")
    assert [(one["source"], one["change"], one["copy"], one["edited"]) for one in lines] == [
        ("paper", "opened", False, False),
        ("post", "repeated", True, False),
        ("wire", "updated", False, False),
        ("paper", "retracted", False, True),
    ]
    assert [one["at"] for one in lines] == [f"2026-07-01T{hour:02}:01:00Z" for hour in (12, 13, 14, 15)]
    assert [bool(one["alert"]) for one in lines] == [True, False, True, False]
    assert [one["why"].split(":")[0] for one in lines[:3]] == ["opened", "joined", "joined"]
    assert {"name": "stance", "before": "rejects", "value": "open", "kept": True} in lines[2]["changed"]
    assert [(one["kind"], one["deliveries"][0]["state"]) for one in told["alerts"]] == [("new", "sent"), ("update", "sent")]
    assert (told["state"], told["articles"], told["sources"]) == ("past", 3, ["paper", "post", "wire"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Forty copies


WIRE = (
    "Russia sees no point in another round with Ukraine while the guns are loud along the river, the Kremlin let it be known.",
    '"Talks about barges and grain make no sense at this stage," Dmitry Peskov told reporters on his daily call.',
    "Delegations of both countries had met twice this spring in a hotel near the lake, and went home without any paper to sign.",
    "In Odesa the harbour master counted eleven ships that wait for a berth, some of them since the first week of June.",
    "Insurers in London have doubled what they ask of owners whose vessels go there, a broker said, and few are willing to pay.",
    "Farmers in the south complain that silos are full while the new harvest is four weeks away from the first field.",
    "The United Nations called for calm and offered to send observers to both banks, as it had done a year before.",
    "Markets hardly moved: wheat for autumn closed a little higher in Chicago, and the rouble a little lower in Moscow.",
)
DATELINES = ("MOSCOW, July 1 (Wire) - ", "(Wire) ", "MOSCOW — ", "")
CREDITS = (
    "Reporting by our correspondents; editing by A. Lund.",
    "(c) Wire. All rights reserved.",
    "With material from Wire.",
    "",
)
OTHER = ("evening", "several", "nearly", "again", "later", "local", "minister", "crowd", "window", "yellow", "seldom", "market")


def mutated(luck: random.Random) -> str:
    """The wire as a desk prints it: a dateline, a credit, cut from the end, here and there another word."""
    kept = list(WIRE[: luck.randint(5, len(WIRE))])
    changed = [kept[0], kept[1], *(_reworded(one, luck) for one in kept[2:])]
    return " ".join([luck.choice(DATELINES) + changed[0], *changed[1:], luck.choice(CREDITS)])


def _reworded(text: str, luck: random.Random) -> str:
    return " ".join(luck.choice(OTHER) if luck.random() < 0.05 else word for word in text.split())


@dataclass
class Mortal:
    """A store whose process dies now and then, just before a call or just after it."""

    store: Any
    luck: random.Random
    often: float

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            dies = self.luck.random() < self.often
            if dies and self.luck.random() < 0.5:
                raise Killed
            result = await getattr(self.store, name)(*args, **named)
            if dies:
                raise Killed
            return result

        return call


async def lived(mortal: Desk, work: Sequence[str]) -> int:
    """Visits these sources and tells; started again as often as it dies. How often it did."""
    deaths = 0
    for source in work:
        while True:
            try:
                await mortal.visit(source)
                await mortal.tell()
                break
            except Killed:
                deaths += 1
                mortal.reader.calls += 1
                await mortal.store.store.release()
    return deaths


@pytest.mark.parametrize("seed", range(5))
async def test_forty_copies_over_ten_feeds_with_kills_between_are_one_alert(desk: Desk, seed: int) -> None:
    luck = random.Random(seed)
    names = [f"feed{n}" for n in range(10)]
    mortal = feeds(
        Desk(Mortal(desk.store, luck, 0.06), clock=desk.clock, web=desk.web, receiver=desk.receiver, ruleset=ruled()), *names
    )
    places = [(name, number) for name in names for number in range(4)]
    luck.shuffle(places)
    shown: dict[str, list[str]] = {name: [] for name in names}
    deaths = 0
    for at, (name, number) in enumerate(places):
        desk.clock.now += timedelta(minutes=luck.randint(1, 90))
        link = f"https://{name}.example/{number}"
        title = luck.choice(["Kremlin sees no point", "No point for now, Moscow says", "Ships wait off Odesa"])
        shown[name].insert(0, item(link, mutated(luck), guid=link, link=link, title=f"{title} {at}", date=desk.clock.now))
        luck.shuffle(shown[name])
        desk.web.says[mortal.addresses[name]] = answer(rss(*shown[name]))
        deaths += await lived(mortal, [name])

    (event,) = await desk.events()
    (alert,) = [one for one in await desk.store.alerts(limit=100) if one.held is None]
    reports = await desk.store.reports(event.id)
    assert deaths >= 10
    assert {json.loads(body)["data"]["id"] for body in desk.receiver.got} == {alert.id}
    assert (sorted(event.sources), event.articles) == (names, 40)
    assert len({report.article for report in reports}) == len(reports) == 40
    assert [report.copy for report in reports].count(False) == 1
    assert [report.alert for report in reports if report.alert] == [alert.id]
    assert (await desk.store.tally()).waiting == 0


async def test_without_copies_being_known_the_forty_would_be_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what keeps them one is that copies are known, and that what they say is compared."""
    monkeypatch.setattr("monitor.identity.near", lambda one, other: one == other)
    desk.ruleset = ruled(TALKS.replace("alike: 0.6", "alike: 1"))
    monkeypatch.setattr("monitor.identity.kinship.alike", lambda _, __: 0.0)
    luck = random.Random(1)
    told = [await says(desk, source, f"n{n}", mutated(luck)) for n in range(3) for source in ("paper", "wire", "post")]
    assert sum(map(len, told)) == 9


# The same whatever the order


WORDS = ("grain", "prisoners", "pipelines")
TURNS = ("are useless", "are welcome")
Said = tuple[int, int, int, int]
"""An article: its topic, its stance, the hour of its date, its source."""


def entry(number: int, said: Said) -> str:
    topic, turn, hour, source = said
    goods = f"{WORDS[topic]} {GOODS[topic]} {GOODS[topic + 3]}"
    text = (
        f"Dmitry Peskov said on Tuesday that talks about {goods} {TURNS[turn]}. Number {number} of a long day, in {number} words."
    )
    link = f"https://s{source}.example/{number}"
    return item(f"{number}", text, guid=link, link=link, date=NOON + hour * HOUR)


async def after(made: Sequence[tuple[int, Said]], *, again: bool = False) -> tuple[list[Any], list[Any]]:
    """Alerts and events after three sources listed these articles in this order, visited one after the other."""
    desk = feeds(Desk(MemoryStore(), clock=Clock(NOON + 4 * HOUR), web=Web(), ruleset=ruled()), "s0", "s1", "s2")
    for _ in range(1 + again):
        for source in range(3):
            listed = [entry(number, said) for number, said in made if said[3] == source]
            await desk.visit(f"s{source}", answer(rss(*listed)))
    events = sorted((one.id, one.articles, one.sources, tuple(sorted(one.values.items()))) for one in await desk.events())
    return sorted(_told(alert) for alert in await desk.alerts()), events


def _told(alert: Alert) -> tuple[str, str, str, datetime]:
    return alert.id, alert.kind, alert.title, alert.raised


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=10),
    st.randoms(use_true_random=False),
)
async def test_shuffled_feeds_and_repeated_runs_give_the_same_alerts(made: list[Said], luck: random.Random) -> None:
    listed = list(enumerate(made))
    first = await after(listed)
    assert await after(listed) == first
    luck.shuffle(listed)
    assert await after(listed) == first
    assert await after(listed, again=True) == first


async def test_unless_feeds_are_put_in_order_shuffling_changes_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: two of one event in a feed, the older below, as feeds have them."""
    listed = list(enumerate([(0, 0, 0, 0), (0, 1, 1, 0)]))
    assert await after(listed) == await after(listed[::-1])
    monkeypatch.setattr("monitor.steps.ingesting._in_order", list)
    assert await after(listed) != await after(listed[::-1])
