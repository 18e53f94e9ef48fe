"""A newsroom on a simulated clock: feeds as scripts, the real sources and steps, any store, and a receiver that keeps what it got."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import rules
from monitor import desk, envelope, feeds, rhythm, steps
from monitor.model import Alert, Delivery, Event, Original, Receipt, Visit
from monitor.policy import Office, Route
from monitor.ports import Fill
from monitor.sources.feed import FeedSource
from monitor.steps import Bench, Round
from monitor.wire import Response
from rules import Article, Match, RuleSet

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
URL = "https://paper.example/feed"
XML = "application/rss+xml"
RULES = b"""
lists:
  officials: {Dmitry Peskov: [Peskov]}
  talks: [talks, ceasefire]
rules:
  - id: on-talks
    title: "{speaker} on talks: {stance}"
    level: high
    when:
      statement: {by: $officials, about: $talks}
    once: {alike: 0.6, within: 3d, update_on: [stance]}
"""
RULESET = rules.load({"rules.yaml": RULES}, "rules.yaml")
SUBJECTS = (
    "grain barges canals tariffs seeds",
    "prisoners buses hospitals lists doctors",
    "pipelines valves pressure metering gas",
    "satellites orbits antennas radio launches",
    "fishing nets trawlers quotas cod",
    "bridges tolls lorries weighing customs",
    "museums paintings icons loans insurance",
    "reactors fuel cooling inspectors turbines",
    "visas students exchange dormitories grants",
    "forests fires helicopters pilots smoke",
)


@dataclass
class Clock:
    """What time it is, until somebody moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


# What feeds say


def statement(subject: str) -> str:
    """A text that the rule finds once, of an event of its own for each subject."""
    return (
        f"Dmitry Peskov said on Tuesday that talks about {subject} make no sense. The harbour was quiet, and {subject} went on."
    )


def item(name: str, text: str = "", **said: str | datetime | None) -> str:
    """An entry; `guid`, `link`, `title` and `date` where they are to be others than usual, None where they are to be left out."""
    link = f"https://paper.example/{name}"
    given = {"guid": link, "link": link, "title": f"Report {name}", "date": NOON, **said}
    date = format_datetime(given["date"]) if isinstance(given["date"], datetime) else given["date"]
    texts = {"guid": given["guid"], "link": given["link"], "title": given["title"], "pubDate": date, "description": text}
    return "<item>" + "".join(f"<{tag}>{escape(str(one))}</{tag}>" for tag, one in texts.items() if one is not None) + "</item>"


def rss(*items: str) -> bytes:
    """A feed of these entries."""
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Paper</title>{''.join(items)}</channel></rss>".encode()


def answer(body: bytes = b"", status: int = 200, moved: str | None = None, **headers: str) -> Response:
    """What a server says; `_` in names of headers is `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, url=URL, headers={"content-type": XML, **named}, body=body, moved=moved)


Script = Callable[[str, Mapping[str, str]], Response]


@dataclass
class Web:
    """Answers as it is told for each address: with a response, an error, or what a script makes of the request."""

    says: dict[str, Response | Exception | Script] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        self.asked.append((url, dict(headers)))
        said = self.says[url]
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Response) else said(url, headers)

    def addresses(self) -> list[str]:
        """What was asked, in order."""
        return [url for url, _ in self.asked]


@dataclass
class Reader:
    """The real reader of feeds, in this process; it counts."""

    calls: int = 0

    async def __call__(
        self, body: bytes, *, source: str, url: str, headers: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> feeds.Parsed:
        self.calls += 1
        return feeds.parse(body, source=source, url=url, headers=headers, known=known)


@dataclass
class Receiver:
    """Takes everything."""

    id: str = "desk"
    at_once: int = 1
    got: list[bytes] = field(default_factory=list)

    def render(self, alert: Alert) -> bytes:
        return envelope.render(alert)

    async def send(self, delivery: Delivery) -> Receipt:
        self.got.append(delivery.body)
        return Receipt()


# The desk


@dataclass
class Desk:
    """Sources, a store and a receiver, on one clock. `addresses` has the configured address of each source that is not at URL."""

    store: Any
    clock: Clock = field(default_factory=Clock)
    web: Web = field(default_factory=Web)
    reader: Reader = field(default_factory=Reader)
    receiver: Receiver = field(default_factory=Receiver)
    fill: Fill = steps.as_it_is
    addresses: dict[str, str] = field(default_factory=dict)
    every: timedelta | None = None
    patience: timedelta | None = None
    offline: Callable[[], bool] = lambda: False
    ruleset: RuleSet = RULESET
    wishes: desk.Receiver | None = None
    """What the receiver asks for."""
    ways: tuple[desk.Route, ...] = ()
    cap: int = 0

    def source(self, name: str = "paper") -> FeedSource:
        """A source as it is configured now."""
        return FeedSource(id=name, url=self.addresses.get(name, URL), get=self.web.get, parse=self.reader, clock=self.clock)

    def bench(self) -> Bench:
        """What examining takes."""
        return Bench(
            store=self.store,
            match=self.match,
            rules={rule.id: rule for rule in self.ruleset.rules},
            moment=lambda _: self.clock(),
            fill=self.fill,
            batch=steps.BATCH,
            office=Office(routes=self.routes(), ways=self.ways, cap=self.cap),
        )

    async def match(self, articles: Sequence[Article]) -> list[list[Match]]:
        """The real rules."""
        return [self.ruleset.match(article, ended=True) for article in articles]

    def routes(self) -> tuple[Route, ...]:
        return (Route(id=self.receiver.id, render=self.receiver.render, wishes=self.wishes),)

    async def accept(self, articles: Sequence[Article], original: Original | None) -> None:
        await steps.examine(articles, original, bench=self.bench(), backlog=steps.new_source(self.store, self.clock))

    async def visit(self, name: str = "paper", says: Any = None) -> Visit:
        """Looks at a source now; `says` is what its address answers from now on."""
        if says is not None:
            self.web.says[self.addresses.get(name, URL)] = says
        around = Round(
            store=self.store,
            accept=self.accept,
            clock=self.clock,
            every=self.every,
            patience=self.patience,
            offline=self.offline,
            office=Office(routes=self.routes()),
        )
        return await steps.ingest(self.source(name), around)

    async def visits(self, until: datetime, name: str = "paper") -> list[Visit]:
        """Looks at a source whenever it is due, from now up to a time."""
        found: list[Visit] = []
        while (last := await self.store.last_visit(name)) is None or last.due <= until:
            self.clock.now = max(self.clock.now, last.due if last else self.clock.now)
            found.append(await self.visit(name))
        return found

    async def later(self, wait: timedelta, name: str = "paper", says: Any = None) -> Visit:
        """The same after a while."""
        self.clock.now += wait
        return await self.visit(name, says)

    async def tell(self) -> None:
        """A round of deliveries."""
        await steps.deliver({"desk": self.receiver}, store=self.store, clock=self.clock, jitter=lambda: 0.0, lease=MINUTE)

    async def alerts(self) -> list[Alert]:
        """What was raised of articles, oldest first, what was held back included."""
        found: list[Alert] = await self.store.alerts(rule="on-talks", limit=1_000)
        return found[::-1]

    async def notices(self) -> list[str]:
        """What was raised of sources, oldest first."""
        return [f"{one.article.source} {one.kind}" for one in (await self.store.alerts(rule="source-silent", limit=1_000))[::-1]]

    async def events(self) -> list[Event]:
        return list((await self.store.ledger(["on-talks"], datetime(2000, 1, 1, tzinfo=UTC))).events)

    async def word(self, name: str = "paper") -> str:
        """The state of a source."""
        visit = await self.store.last_visit(name)
        return rhythm.state(visit, self.clock(), every=self.every, patience=self.patience).word
