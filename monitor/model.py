"""The nouns of the service: what is decided, stored and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules import Article, Finding

Cursor = Mapping[str, str]
"""Where a source left off (an ETag, a file name); written and read by that source only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a source gave: its articles, and the cursor to hand back next time. `links` are redirects to remember."""

    articles: tuple[Article, ...] = ()
    cursor: Cursor = field(default_factory=dict)
    unchanged: bool = False
    """The source said that nothing is new (304, or the same bytes): `articles` is empty for that reason."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """An article worth examining: never seen, or seen in another version. `first_seen` is None for the former."""

    article: Article
    first_seen: datetime | None = None
    fills: int = 0
    """How often its page was asked for, or it was examined, in vain."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The open events of some rules, with a stamp a rule that changes whenever one of its events does."""

    events: tuple[Event, ...] = ()
    stamps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A finding that an alert tells of, and the event that it opened or updated."""

    event: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What was said, and why, so that it still makes sense after the rule is edited or deleted."""

    id: str
    kind: str
    """"new" or "update"."""
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
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much the store holds, and what waits."""

    articles: int = 0
    alerts: int = 0
    unfilled: int = 0
    waiting: int = 0
    """Deliveries still to be made."""
    dead: int = 0
    """Deliveries given up."""
    newest_dead: datetime | None = None
    """When the latest of those was last due."""
    oldest_waiting: datetime | None = None
