"""How the duty desk is told: windows, digests, caps, daily lines, silences, routes; on a simulated clock, and once for real."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fakefeeds import DAY, HOUR, MINUTE, NOON, RULES, SUBJECTS, Desk, Receiver, answer, item, rss, statement
from structlog.testing import capture_logs

import rules as language
from monitor import steps
from monitor.app.attend import Attendant
from monitor.desk import Daily, Digest, Mute, Route
from monitor.desk import Receiver as Wishes
from monitor.errors import FetchFailed
from monitor.model import Hush
from monitor.policy import Office
from monitor.policy import Route as Way
from monitor.stores.memory import MemoryStore
from rules import RuleSet, cron

if TYPE_CHECKING:
    from conftest import Desk as Bureau
    from conftest import Newsroom, Settings

NIGHT = Mute(start=time(22), end=time(6))
EVENING = NOON.replace(hour=22)


@pytest.fixture
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


def ruled(level: str = "high", extra: str = "") -> RuleSet:
    """The rule on talks, at this level, with this beside."""
    text = RULES.decode().replace("level: high", f"level: {level}") + (f"    {extra}\n" if extra else "")
    return language.load({"rules.yaml": text.encode()}, "rules.yaml")


@dataclass
class Night(Desk):
    """A desk with people at it, each with wishes; somebody attends to what is due at set times, every minute."""

    store: Any = field(default_factory=MemoryStore)
    people: Sequence[Wishes] = (Wishes(id="desk"),)
    told: dict[str, Receiver] = field(default_factory=dict)
    attendant: Attendant = field(init=False)

    def __post_init__(self) -> None:
        self.told = {one.id: Receiver(one.id) for one in self.people}
        self.attendant = self.another()
        self.web.says = {"https://paper.example/feed": answer(rss())}

    def another(self) -> Attendant:
        """Somebody who begins to attend now."""
        office = Office(routes=self.routes(), ways=self.ways, cap=self.cap)
        return Attendant(store=self.store, office=office, since=self.clock.now)

    def routes(self) -> tuple[Way, ...]:
        return tuple(Way(id=one.id, render=self.told[one.id].render, wishes=one) for one in self.people)

    async def brings(self, number: int, wait: timedelta = MINUTE, text: str | None = None, feed: str = "paper") -> None:
        """A paper brings an article on something else for each number, after a while; who is to be told is told."""
        await self.passes(wait)
        link = f"https://{feed}.example/{number}"
        entry = item(str(number), text or statement(SUBJECTS[number]), guid=link, link=link, date=self.clock.now)
        await self.visit(feed, answer(rss(entry)))
        await self.tell()

    async def passes(self, span: timedelta, step: timedelta = 10 * MINUTE) -> None:
        """Time, in which what is due is attended to."""
        end = self.clock.now + span
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + step, end)
            await self.attendant.attend(self.clock.now, {rule.id: rule for rule in self.ruleset.rules})
            await self.tell()

    async def tell(self) -> None:
        await steps.deliver(self.told, store=self.store, clock=self.clock, jitter=lambda: 0.0, lease=MINUTE)

    def heard(self, who: str = "desk") -> list[str]:
        """What somebody was told, kind and title."""
        return [f"{one['type'].rpartition('.')[2]} {one['data']['title']}" for one in map(json.loads, self.told[who].got)]

    def summary(self, who: str = "desk") -> str:
        """What the last thing says that somebody was told."""
        data = json.loads(self.told[who].got[-1])["data"]
        return str(data["reason"])


pytestmark = pytest.mark.usefixtures("quiet")
PESKOV = "new Dmitry Peskov on talks: rejects"


# Muted


async def test_what_comes_in_the_night_is_one_digest_in_the_morning() -> None:
    desk = Night(people=[Wishes(id="desk", mute=(NIGHT,))])
    desk.clock.now = EVENING
    for number in range(3):
        await desk.brings(number, HOUR)
    await desk.passes(5 * HOUR - MINUTE)
    assert desk.heard() == []
    await desk.passes(MINUTE)

    assert desk.heard() == ["digest 3 alerts: 3 on talks"]
    assert all(f"https://paper.example/{number}" in desk.summary() for number in range(3))
    await desk.brings(3)
    assert desk.heard()[1:] == [PESKOV]


async def test_a_single_one_comes_as_it_is() -> None:
    desk = Night(people=[Wishes(id="desk", mute=(NIGHT,))])
    desk.clock.now = EVENING
    await desk.brings(0, HOUR)
    await desk.passes(6 * HOUR)
    assert desk.heard() == []
    await desk.passes(2 * HOUR)
    assert desk.heard() == [PESKOV]


async def test_what_is_critical_wakes_them() -> None:
    mute = Mute(start=time(22), end=time(6), excepted=("critical",))
    desk = Night(people=[Wishes(id="desk", mute=(mute,))], ruleset=ruled("critical"))
    desk.clock.now = EVENING
    await desk.brings(0, HOUR)
    assert desk.heard() == [PESKOV]


# Too many


async def test_beyond_the_cap_the_rest_of_the_hour_is_one_digest_that_says_so() -> None:
    desk = Night(cap=2)
    for number in range(6):
        await desk.brings(number)
    assert desk.heard() == [PESKOV] * 2
    await desk.passes(HOUR)

    assert desk.heard()[2:] == ["digest 4 alerts: 4 on talks"]
    assert "more than 2 alerts in an hour of on-talks" in desk.summary()
    await desk.brings(6, HOUR)
    assert desk.heard()[3:] == [PESKOV]


async def test_without_a_cap_all_are_told_at_once() -> None:
    desk = Night(cap=0)
    for number in range(6):
        await desk.brings(number)
    assert desk.heard() == [PESKOV] * 6


# At set times


async def test_low_levels_wait_for_the_digest_and_others_do_not() -> None:
    wishes = Wishes(id="desk", digest=Digest(at=cron.parse("0 7 * * *"), levels=("low",)))
    low, high = (Night(people=[wishes], ruleset=ruled(level)) for level in ("low", "high"))
    for desk in (low, high):
        await desk.brings(0)
        await desk.brings(1)
    assert (low.heard(), high.heard()) == ([], [PESKOV] * 2)

    await low.passes(18 * HOUR)
    assert low.heard() == []
    await low.passes(HOUR)
    assert low.heard() == ["digest 2 alerts: 2 on talks"]
    await low.passes(2 * DAY)
    assert len(low.heard()) == 1


async def test_a_digest_is_sent_once_whoever_attends() -> None:
    desk = Night(people=[Wishes(id="desk", digest=Digest(at=cron.parse("0 13 * * *")))])
    await desk.brings(0)
    await desk.brings(1)
    other = desk.another()
    await desk.passes(2 * HOUR)
    await other.attend(desk.clock.now, {})
    await desk.tell()
    assert desk.heard() == ["digest 2 alerts: 2 on talks"]


async def test_the_daily_line_says_that_all_is_well_once_a_day() -> None:
    desk = Night(people=[Wishes(id="desk", daily=Daily(at=cron.parse("08:00")))])
    desk.clock.now = NOON.replace(hour=6)
    desk.attendant = desk.another()
    await desk.brings(0)
    desk.web.says["https://lost.example/feed"] = FetchFailed("cannot connect", kind="unreachable")
    desk.addresses["lost"] = "https://lost.example/feed"
    await desk.visit("lost")
    await desk.passes(2 * HOUR)

    assert desk.heard()[1:] == ["alive alive: 1 of 2 sources, 1 article, 1 alert"]
    assert desk.summary() == "not answering: lost"
    desk.attendant = desk.another()  # started again in between
    await desk.passes(22 * HOUR)
    assert len(desk.heard()) == 2
    await desk.passes(2 * HOUR)
    assert desk.heard()[2:] == ["alive alive: 1 of 2 sources, 0 articles, 0 alerts"]


async def test_who_does_not_ask_for_it_hears_nothing_while_all_is_well() -> None:
    desk = Night()
    await desk.passes(2 * DAY, HOUR)
    assert desk.heard() == []


# A rule that finds nothing


async def test_that_a_rule_has_gone_quiet_is_told_once_and_that_it_is_back() -> None:
    desk = Night(ruleset=ruled(extra="silence: 2d"))
    await desk.brings(0)
    await desk.passes(2 * DAY - HOUR, HOUR)
    assert desk.heard() == [PESKOV]
    await desk.passes(3 * DAY, HOUR)
    assert desk.heard()[1:] == ["silent Rule silent: on-talks"]
    assert desk.summary() == "nothing has matched it since 2026-07-01 12:01 UTC"

    desk.attendant = desk.another()
    await desk.brings(1)
    await desk.passes(HOUR)
    assert desk.heard()[2:] == [PESKOV, "recovered Rule recovered: on-talks"]
    await desk.passes(3 * DAY, HOUR)
    assert desk.heard()[4:] == ["silent Rule silent: on-talks"]


async def test_a_rule_is_not_quiet_while_nobody_looks() -> None:
    desk = Night(ruleset=ruled(extra="silence: 2d"))
    await desk.brings(0)
    desk.clock.now += 9 * DAY
    desk.attendant = desk.another()
    await desk.passes(DAY, HOUR)
    assert desk.heard() == [PESKOV]


# Silenced by people


async def silenced(desk: Night, target: str, span: timedelta = 6 * HOUR) -> None:
    await desk.store.hush(Hush(target=target, until=desk.clock.now + span, since=desk.clock.now, reason="we read it live"))


@pytest.mark.parametrize("target", ["rule:on-talks", "source:paper"])
async def test_a_silence_holds_until_its_time(target: str) -> None:
    desk = Night()
    await silenced(desk, target)
    await desk.brings(0)
    await desk.passes(5 * HOUR)
    assert desk.heard() == []
    assert [one.held for one in await desk.alerts()] == ["silenced until 18:00 UTC: we read it live"]

    await desk.brings(1, 2 * HOUR)
    assert desk.heard() == [PESKOV]


async def test_a_silence_that_is_ended_early_is_over() -> None:
    desk = Night()
    await silenced(desk, "rule:on-talks")
    await desk.store.unhush("rule:on-talks")
    await desk.brings(0)
    assert desk.heard() == [PESKOV]


async def test_an_event_that_is_silenced_is_followed_and_others_are_told() -> None:
    desk = Night()
    await desk.brings(0)
    (event,) = await desk.events()
    await silenced(desk, f"event:{event.id}")
    desk.addresses["wire"] = "https://wire.example/feed"
    desk.web.says["https://wire.example/feed"] = answer(rss())
    await desk.visit("wire")
    turned = (
        f"Dmitry Peskov said on Friday that talks about {SUBJECTS[0]} are welcome. Nothing else happened by the river that day."
    )
    await desk.brings(0, HOUR, turned, feed="wire")
    await desk.brings(1, MINUTE)

    assert desk.heard() == [PESKOV, PESKOV]
    assert [(one.kind, one.held is not None) for one in await desk.alerts()] == [("new", False), ("update", True), ("new", False)]
    event = next(one for one in await desk.events() if one.id == event.id)
    assert (event.values["stance"], event.articles) == ("open", 2)


# To whom


async def test_the_first_route_that_fits_decides_and_goes_on_where_it_says_so() -> None:
    people = [Wishes(id="night"), Wishes(id="chief"), Wishes(id="archive")]
    ways = (
        Route(to=("archive",), rules=("on-talks",), goes_on=True),
        Route(to=("chief",), levels=("critical",)),
        Route(to=("night",)),
        Route(to=("chief", "night", "archive")),
    )
    for level, told in (("high", ["archive", "night"]), ("critical", ["archive", "chief"])):
        desk = Night(people=people, ways=ways, ruleset=ruled(level))
        await desk.brings(0)
        assert sorted(who for who in desk.told if desk.heard(who)) == told


async def test_whom_a_rule_names_is_told_whatever_the_routes() -> None:
    desk = Night(
        people=[Wishes(id="night"), Wishes(id="chief")], ways=(Route(to=("night",)),), ruleset=ruled(extra="notify: [chief]")
    )
    await desk.brings(0)
    assert (desk.heard("night"), desk.heard("chief")) == ([], [PESKOV])


async def test_each_is_told_in_their_own_time() -> None:
    desk = Night(people=[Wishes(id="night"), Wishes(id="asleep", mute=(NIGHT,))])
    desk.clock.now = EVENING
    await desk.brings(0, HOUR)
    await desk.brings(1, HOUR)
    assert (desk.heard("night"), desk.heard("asleep")) == ([PESKOV] * 2, [])
    await desk.passes(8 * HOUR)
    assert desk.heard("asleep") == ["digest 2 alerts: 2 on talks"]


# For real

PAGE = """The capital woke up to grey skies and to a long list of appointments, as it does on most days of the week.

Kremlin spokesman Dmitry Peskov said on Tuesday that talks with Kyiv make no sense at this stage.

The market nearby opened on time, and vendors there said that they expected a quiet day with few customers from abroad."""


async def test_somebody_silences_a_rule_beside_the_daemon_and_nobody_is_told(
    newsroom: Newsroom, desk: Bureau, settings: Settings, rules: str
) -> None:
    newsroom.publish("dull", "Nothing much", "Nothing.", "Nothing happened today, and nobody said anything at all about it.")
    desk.write(settings(), rules)
    daemon = await desk.start()
    await daemon.says('"first poll"')

    code, out, _ = await desk.command("silence", "start", "rule:on-talks", "--for", "6h", "--reason", "we read it live")
    assert code == 0
    assert out.startswith("rule:on-talks is silenced until")
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", PAGE, datetime.now(UTC))
    await daemon.says('"held": 1')
    await newsroom.until_asked("/feed/feed", times=newsroom.asked.count("/feed/feed") + 2)

    assert newsroom.hooks.empty()
    code, out, _ = await desk.command("alerts", "--json")
    (alert,) = [json.loads(line) for line in out.splitlines()]
    assert alert["held"].startswith("silenced until ")
    assert alert["held"].endswith(": we read it live")
    code, out, _ = await desk.command("alerts")
    assert "we read it live" in out
    assert await daemon.stop() == 0
