"""The nouns of the service: what is decided, stored and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256

from rules import Article, Finding, Match


class Partly(list[Match]):
    """The matches of an article with all rules but one or more that broke on it: it is to be examined again later."""


Cursor = Mapping[str, str]
"""Where a source left off (an ETag, a file name); written and read by that source only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a source gave: the articles that it did not give the last time, and the cursor to hand back next time."""

    articles: tuple[Article, ...] = ()
    cursor: Cursor = field(default_factory=dict)
    unchanged: bool = False
    """The source said that nothing is new (304, or the same bytes): `articles` is empty for that reason."""
    listed: int | None = None
    """How many entries it holds, known ones included; None: it did not say (unchanged)."""
    original: Original | None = None
    """The bytes that the articles were read from."""
    lasting: timedelta | None = None
    """How long it says that this answer is good for (max-age, Expires, ttl)."""
    moved: str | None = None
    """Where it says that it has moved for good (301, 308)."""
    remarks: tuple[str, ...] = ()
    """What is odd about it, though it could be read: "unstable ids", "cut at 2,000 entries"."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """Bytes as they were fetched, unpacked: the proof of what an address said at a time. `url` is the last one after redirects."""

    url: str
    at: datetime
    body: bytes = field(repr=False)
    kind: str = "feed"
    """"feed" or "page"."""
    content_type: str = ""

    @cached_property
    def sha256(self) -> str:
        """The digest of the bytes, in hex."""
        return sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What happened the last time we looked at a source, and when to look again."""

    source: str
    at: datetime
    due: datetime
    cursor: Cursor = field(default_factory=dict)
    articles: int = 0
    error: str | None = None
    failures: int = 0
    """Failed visits in a row; 0 after one that it answered well, though we may have failed then (`error` says so)."""
    answered: datetime | None = None
    """The last time that it answered well; None: never yet."""
    known: datetime | None = None
    """The first time that all it gave was taken charge of: what came later and is old is no backlog. None: it is still new."""
    since: datetime | None = None
    """The first visit ever."""
    news: datetime | None = None
    """The last visit that brought an article that was new."""
    arrivals: tuple[datetime, ...] = ()
    """When its latest articles were published (or first seen, where that is not known), in order, 20 at most: its rhythm."""
    pause: timedelta | None = None
    """The longest time of late between two articles: its nights and weekends. Older ones count for less."""
    trouble: str | None = None
    """What kind of failure the last one was: a word of errors.TROUBLES. None: it went well."""
    gone: Claim | None = None
    """It says that it is gone for good (410)."""
    moved: Claim | None = None
    """It says that it has moved for good, and where."""
    unstable: int = 0
    """Visits in a row on which it gave known articles new ids."""
    remarks: tuple[str, ...] = ()
    silent: datetime | None = None
    """When somebody was told that it is silent; None: it is not, or nobody was told yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Something that a source says of itself and is believed once it was said often enough, for long enough."""

    since: datetime
    times: int = 1
    told: str = ""
    """What it said, such as an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """An article worth examining: never seen, or seen in another version. `first_seen` is None for the former."""

    article: Article
    first_seen: datetime | None = None
    fills: int = 0
    """How often its page was asked for, or it was examined, in vain."""
    unread: str | None = None
    """SHA-256 of its page, which is kept but was not read: nothing in it was of interest to the rules of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An article with its page, as far as that was fetched. `read`: the page's text is in the article."""

    article: Article
    page: Original | None = None
    read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A version of an article that was examined, and what is kept of the bytes that it was read from."""

    article: Article
    revision: str
    at: datetime
    originals: tuple[Original, ...] = ()
    unread: str | None = None
    """Of the present version, as `Fresh` has it; of earlier ones that is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be: counts, and bytes of originals as they were stored."""

    articles: int = 0
    originals: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What one or more articles report, as one rule sees it. Open from `opened` until the rule's `within` after `seen`."""

    id: str
    rule: str
    article: str
    """The article that opened it."""
    opened: datetime
    seen: datetime
    values: Mapping[str, str | None]
    """Captures and labels together, the latest that are known."""
    content: str
    """What likeness is measured against."""
    sketches: tuple[tuple[int, ...], ...] = ()
    """Sketches (`identity.sketch`) of its articles' text: a near-duplicate of one of them belongs to it."""
    articles: int = 1
    sources: tuple[str, ...] = ()
    silent: bool = False
    """Nobody was told of it: whatever told of it was backlog, or the rule a draft."""
    told: tuple[str, ...] = ()
    """Values of `update_on` that were told of it ("stance=open"): an article that repeats the state with them is no news."""
    acknowledged: datetime | None = None
    """When somebody said that they look after it."""
    note: str = ""
    """What they added to that."""
    ended: str | None = None
    """"cancelled" or "retracted", once that was reported; None: it stands."""
    profile: Mapping[str, float] = field(default_factory=dict)
    """What its first article is about (`identity.profile`), where likeness is measured on that; else empty."""


CHANGES = ("opened", "updated", "repeated", "retracted", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one article said of one event: a line of the event's timeline."""

    event: str
    rule: str
    article: str
    source: str
    at: datetime
    """When it was examined."""
    published: datetime | None = None
    title: str = ""
    url: str | None = None
    change: str = "repeated"
    """One of CHANGES."""
    why: str = ""
    """Why it was counted to the event, or opened it, in a line for people."""
    values: Mapping[str, str | None] = field(default_factory=dict)
    copy: bool = False
    """It is a copy of what another report of the event is from: the same wire, which counts once."""
    alert: str | None = None
    """The alert that told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hush:
    """Somebody asked not to be told of something until a time. `target` is "rule:ID", "event:ID" or "source:ID"."""

    target: str
    until: datetime
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The open events of some rules, with a stamp a rule that changes whenever one of its events does."""

    events: tuple[Event, ...] = ()
    stamps: Mapping[str, int] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    """What was reported of the rules whose history was asked for, oldest first."""
    hushes: tuple[Hush, ...] = ()
    """What nobody wants to be told of now."""
    told: Mapping[str, int] = field(default_factory=dict)
    """How many alerts of each of these rules were told at once in the hour before."""
    started: Mapping[str, datetime] = field(default_factory=dict)
    """Since when there are events of each of the rules whose history was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A finding that an alert tells of, and the event that it opened or updated."""

    event: str
    finding: Finding
    why: str = ""
    """Why it belongs to the event, or opened it: "opened: …", "joined: …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What was said, and why, so that it still makes sense after the rule is edited or deleted."""

    id: str
    kind: str
    """"new", "update", "cancelled" (it is called off) or "retracted" (an article no longer says it).

    Of a source or rule, "silent" or "recovered"; of a receiver, "unreachable", "disabled" or "reachable"; of many alerts, "digest"; of
    the monitor itself, "alive": then the summary of the article says all there is to say.
    """
    rule: str
    rule_title: str
    level: str
    version: str
    tags: tuple[str, ...]
    title: str
    article: Article
    first_seen: datetime
    raised: datetime
    sightings: tuple[Sighting, ...]
    held: str | None = None
    """Why nobody was told: "backlog" (older than a day when its source was new) or "draft"; None: it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert for one receiver: the exact bytes that every attempt sends."""

    alert: str
    sink: str
    body: bytes
    due: datetime
    attempts: int = 0
    """Attempts made so far."""
    token: str = ""
    """The lease it is held under; settling with another one does nothing."""
    digest: bool = False
    """It waits for the receiver's digest and is not sent by itself."""
    since: datetime | None = None
    """When it was first due; None: at `due`."""
    probe: bool = False
    """It was claimed to see whether its receiver is back, and is not counted as an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How telling one receiver of an alert stands."""

    alert: str
    sink: str
    state: str
    """"waiting" (or under way), "parked" (its receiver is disabled), "digest" (it waits for the next one), "sent" or "dead"."""
    at: datetime
    """When it was sent; else when it is, or was, due."""
    attempts: int = 0
    reason: str | None = None
    """Why the last attempt failed."""
    since: datetime | None = None
    """When it was first due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receiver answered: a status, where its protocol has one, and the beginning of what it said, without secrets."""

    status: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a delivery, and what came back."""

    began: datetime
    took: timedelta = timedelta(0)
    status: int | None = None
    trouble: str | None = None
    """What kind of failure it was: a word of errors.TROUBLES. None: it went well."""
    reason: str = ""
    excerpt: str = ""
    """The beginning of what the receiver said, without secrets."""
    wait: timedelta | None = None
    """How long the receiver asked to be left alone."""
    probe: bool = False
    """It was made to see whether the receiver is back, and is not counted."""
    width: int = 64
    """How many deliveries its receiver is sent at once, at most."""

    @property
    def ended(self) -> datetime:
        """When the answer was there, or the wait for it was over."""
        return self.began + self.took


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Whether a receiver is sent what is due, and how much of it at once: the circuit breaker between it and the outbox."""

    sink: str
    state: str = "closed"
    """"closed" (all flows), "open" (it fails: one probe now and then) or "disabled" (it failed for days or said that it is gone)."""
    failures: int = 0
    """Failed attempts in a row."""
    since: datetime | None = None
    """When the first of them ended."""
    probes: int = 0
    """How many of them were probes."""
    due: datetime | None = None
    """Nothing is sent before: the next probe, or the end of the rest that it asked for."""
    width: int = 64
    """How many deliveries may be under way at once."""
    reason: str = ""
    """Why the last attempt failed."""
    address: str = ""
    """A digest of where it is: at a new address it starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What lies in the outbox for one receiver."""

    sink: str
    waiting: int = 0
    """Still to be sent, those under way included."""
    collected: int = 0
    """Gathered for its digest."""
    sent: int = 0
    dead: int = 0
    oldest: datetime | None = None
    """Since when the oldest of what waits does so."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver took it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Again:
    """It did not work, and is tried again when `due`."""

    at: datetime
    due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """It did not work and will not be tried again by itself; kept, and can be replayed."""

    at: datetime
    reason: str


Outcome = Sent | Again | GaveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that one examined article changes, decided before anything is written; `Store.record` writes it whole or not at all."""

    article: Article
    revision: str
    """Digest of the text that was matched (with its page, where that was fetched)."""
    first_seen: datetime
    at: datetime
    sketch: tuple[int, ...] = ()
    refill: datetime | None = None
    """When to ask for its page and examine it again; None: it is complete, or given up."""
    fills: int = 0
    """How often that was in vain, this time included."""
    stamps: Mapping[str, int] = field(default_factory=dict)
    """The ledger's stamps that this plan was decided on."""
    events: tuple[Event, ...] = ()
    """Events opened, updated or seen again, as they shall be."""
    reports: tuple[Report, ...] = ()
    """What it said of each of them."""
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    originals: tuple[Original, ...] = ()
    """What it was read from, as far as that is to be kept: its page; where it raised an alert, the feed, too."""
    unread: str | None = None
    """SHA-256 of the page among them that was not read; None: there is none, or it was."""
    paragraphs: tuple[int, ...] = ()
    """Hashes of the body's paragraphs, by which a source's standing texts are learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much the store holds, and what waits."""

    articles: int = 0
    alerts: int = 0
    unfilled: int = 0
    waiting: int = 0
    """Deliveries still to be made."""
    collected: int = 0
    """Alerts that wait for a receiver's digest."""
    dead: int = 0
    """Deliveries given up."""
    newest_dead: datetime | None = None
    """When the latest of those was last due."""
    oldest_waiting: datetime | None = None
