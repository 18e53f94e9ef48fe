"""What can be set, as frozen values. Secrets show in no repr."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from monitor import __version__
from rules import Invalid, Limits, Problem
from rules.receivers import CAP, Route
from rules.receivers import Receiver as Wishes

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORMS = {
    "feed": "the address of an RSS, Atom or JSON feed",
    "page": "the address of a web page that lists articles",
    "sitemap": "the address of a sitemap",
    "folder": "the path of a folder with saved articles",
}
CHANNELS = {
    "webhook": "the address of a webhook, which gets each alert signed",
    "slack": "the address of an incoming webhook of Slack",
    "email": "one e-mail address or several",
}
TLS_PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""How a line to a mail server is encrypted, and the port that is usual for that."""
FULL_TEXT = ("auto", "always", "never")
USER_AGENT = f"news-tripwire-monitor/{__version__}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is shown nowhere; `reveal` gives it to the one who needs it."""

    reveal: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A source to watch. `form` is one of FORMS, `place` its address, or the path of a folder.

    `every`: how often to look; None: as its own rhythm asks. `full_text`: whether to fetch each article's page ("auto": where
    the source gives only a teaser). `links`: a CSS selector for the links of a page. `patience`: how long it may bring nothing new
    before somebody is told; None: as its own rhythm suggests.
    """

    id: str
    place: str
    form: str = "feed"
    every: timedelta | None = None
    full_text: str = "auto"
    links: str | None = None
    kind: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    headers: Mapping[str, Secret] = field(default_factory=dict)
    patience: timedelta | None = None

    @property
    def host(self) -> str:
        """Where it is; the rest of its address may hold a key. Of a folder, its path."""
        return self.place if self.form == "folder" else host_of(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long what was fetched is kept; what an alert tells of stays. `pages`: the bytes of pages."""

    articles: timedelta = timedelta(days=90)
    pages: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A secret that signs, and until when; None: for good."""

    secret: Secret
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody to tell, how they want to be told, and where. `form` is one of CHANNELS.

    `place` is the address of what is no e-mail. `signing`: two secrets while one is changed. `at_once`: how many deliveries may be
    under way to it at the same time; None: as many as its form has.
    """

    wishes: Wishes
    form: str = "webhook"
    place: Secret = Secret("")
    addresses: tuple[str, ...] = ()
    signing: tuple[Signing, ...] = ()
    at_once: int | None = None

    @property
    def id(self) -> str:
        """What rules name it under `notify`."""
        return self.wishes.id

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels it takes; empty: all."""
        return self.wishes.levels

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of which it takes what has one; empty: everything."""
        return self.wishes.tags

    @property
    def host(self) -> str:
        """Where it is, as far as anybody may know: the path of a webhook is a secret. Of e-mail, the domains of its addresses."""
        if self.form != "email":
            return host_of(self.place.reveal)
        return ", ".join(dict.fromkeys(address.rpartition("@")[2] for address in self.addresses)) or "?"

    @property
    def where(self) -> str:
        """Its form, and a digest of where it is, which says nothing but whether that has changed: "webhook:0123456789abcdef"."""
        said = "\n".join((self.form, self.place.reveal, *self.addresses))
        return f"{self.form}:{sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The server that takes our e-mail, and who it is from. `tls` is one of TLS_PORTS."""

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    user: str | None = None
    password: Secret = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to answer for health and metrics. `explicit`: it was asked for, so that it must work."""

    host: str = "127.0.0.1"
    port: int = 8585
    explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Private networks that may be reached all the same: for fetching, and for telling."""

    sources: tuple[Network, ...] = ()
    receivers: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. `warnings` are worth a look; `unset` are secrets that are not there: only telling somebody needs them."""

    file: Path | None = None
    sources: tuple[Watched, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    cap: int = CAP
    """Alerts a rule and hour that are told at once; 0: as many as there are."""
    store: str = "monitor.db"
    rules: Path = Path("rules.yaml")
    allow: Allow = field(default_factory=Allow)
    keep: Keep = field(default_factory=Keep)
    user_agent: str = USER_AGENT
    fetches: int = 50
    """Sources visited at once."""
    pause: timedelta = timedelta(seconds=2)
    """Between two requests to one host."""
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    """How much a rule file may hold."""
    mail: Mail | None = None
    listen: Listen | None = field(default_factory=Listen)
    """None: nowhere."""
    token: Secret | None = None
    """Who asks for health and metrics has to know it."""
    hosts: tuple[str, ...] = ()
    """Further names under which it may be asked."""
    warnings: tuple[Problem, ...] = ()
    unset: tuple[Problem, ...] = ()

    def complete(self) -> Config:
        """Itself, where every receiver can be told. Raises Invalid, naming each secret that is missing."""
        if self.unset:
            raise Invalid(self.unset)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """How to log: `style` is "console" or "json"; None: what suits the stream, and the command."""

    style: str | None = None
    level: str | None = None


def host_of(url: str) -> str:
    """The host and port of an address, all that may be shown of it."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"
