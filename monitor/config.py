"""What the operator wrote: `monitor.yaml` and a few MONITOR_* variables, read once, into frozen values.

This is the only reader of the environment. All problems of the file are found at once, each with line and column.
Secrets are named in the file, never written there; they show in no repr and no message.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from monitor import __version__
from monitor.errors import ConfigError
from rules import LEVELS, Invalid, Limits, Problem
from rules.spec import Notes, Spec, read, unknown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Environment = Mapping[str, str]

PAGES = ("auto", "always", "never")
USER_AGENT = f"news-tripwire-monitor/{__version__}"
_SECRET_BYTES = 1 << 16
_ID = re.compile(r"\w[\w.:/~-]{0,99}\Z")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*:)(.*)", re.DOTALL)
_QUICK = timedelta(minutes=1)
_Named = TypeVar("_Named", "Feed", "Receiver")


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is shown nowhere; `reveal` gives it to the one who needs it."""

    reveal: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed to watch. `page`: whether to fetch each article's page ("auto": where the feed gives only a teaser)."""

    id: str
    url: str
    every: timedelta = timedelta(minutes=15)
    page: str = "auto"
    language: str | None = None
    tags: tuple[str, ...] = ()
    headers: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Where it is; the rest of its address may hold a key."""
        return _host(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody to tell. `levels` and `tags` narrow what it is told; empty: everything. Two secrets are live in a rotation."""

    id: str
    webhook: Secret
    secrets: tuple[Secret, ...]
    levels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Where it is, as far as anybody may know: the path of a webhook is a secret."""
        return _host(self.webhook.reveal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. `warnings` are worth a look; `unset` are secrets that are not there: only telling somebody needs them."""

    file: Path | None = None
    sources: tuple[Feed, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    store: str = "monitor.db"
    rules: Path = Path("rules.yaml")
    allow: tuple[Network, ...] = ()
    user_agent: str = USER_AGENT
    fetches: int = 20
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    """How much a rule file may hold."""
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


def environment() -> Environment:
    """The variables that this process was started with."""
    return os.environ


def colours(environment: Environment) -> bool:
    """Whether colour is welcome at all: https://no-color.org."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def logging(environment: Environment) -> Logging:
    """What MONITOR_LOG says: a style, a level, or both ("json,debug"). Raises ConfigError."""
    chosen = Logging()
    for word in re.split(r"[,\s]+", environment.get("MONITOR_LOG", "").strip().lower()):
        if word in ("console", "json"):
            chosen = replace(chosen, style=word)
        elif word in ("debug", "info", "warning", "error"):
            chosen = replace(chosen, level=word.upper())
        elif word:
            raise ConfigError("MONITOR_LOG: " + unknown("word", word, ("console", "json", "debug", "info", "warning", "error")))
    return chosen


def load(file: Path | None, environment: Environment) -> Config:
    """Reads `file`, else what MONITOR_CONFIG names, else monitor.yaml if there is one, else nothing but defaults.

    Raises Invalid with all problems of the file, or ConfigError where it was asked for and is not there.
    """
    named = file or (Path(environment["MONITOR_CONFIG"]) if environment.get("MONITOR_CONFIG") else None)
    path = named or Path("monitor.yaml")
    if named is None and not path.exists():
        return _overridden(Config(), environment)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: name another with --config, or write one: monitor init") from error
    return _overridden(parse(data, path, environment), environment)


def parse(data: bytes, path: Path, environment: Environment) -> Config:
    """The settings that `data`, found at `path`, holds. Raises Invalid with all problems."""
    notes = Notes()
    spec = read(data, str(path), notes)
    config = Config(file=path)
    if spec is not None and spec.value is not None:
        config = _Reader(path.parent, environment, notes).config(spec, config)
    notes.settle()
    return replace(config, warnings=tuple(p for p in notes.problems if p.severity != "error"))


def _overridden(config: Config, environment: Environment) -> Config:
    if environment.get("MONITOR_STORE"):
        config = replace(config, store=environment["MONITOR_STORE"])
    if environment.get("MONITOR_RULES"):
        config = replace(config, rules=Path(environment["MONITOR_RULES"]))
    return config


def _limits(spec: Spec) -> Limits:
    """`limits: {bytes: 2000000, values: 100000}`: what a rule file may hold."""
    spec.only(Limits.__slots__)
    found = {name: one.whole(1, 1_000_000_000 if name == "bytes" else 10_000_000) for name, one in spec.mapping().items()}
    return Limits(**{name: value for name, value in found.items() if name in Limits.__slots__})


@dataclass(slots=True)
class _Reader:
    """Reads one file: where it lies, what the environment holds, and which secrets were missing."""

    folder: Path
    environment: Environment
    notes: Notes
    unset: list[Problem] = field(default_factory=list)

    def config(self, spec: Spec, config: Config) -> Config:
        spec.only(("sources", "receivers", "settings"))
        config = replace(
            config,
            sources=self.several(spec.get("sources"), self.feed),
            receivers=self.several(spec.get("receivers"), self.receiver),
            store=str(self.folder / config.store),
            rules=self.folder / config.rules,
        )
        settings = spec.get("settings")
        if settings is not None and settings.value is not None:
            config = self.settings(settings, config)
        return replace(config, unset=tuple(self.unset))

    def several(self, spec: Spec | None, reader: Callable[[Spec], _Named]) -> tuple[_Named, ...]:
        """Each entry of a list as `reader` reads it; an id that was there before is a problem."""
        found: dict[str, _Named] = {}
        for entry in spec.items() if spec is not None and spec.value is not None else ():
            one = reader(entry)
            if one.id in found and one.id:
                entry.wrong(f"the id '{one.id}' is here twice: give one of them another 'id'")
            found.setdefault(one.id, one)
        return tuple(found.values())

    def feed(self, spec: Spec) -> Feed:
        spec.only(("id", "feed", "every", "page", "language", "tags", "headers"))
        address = spec.need("feed", "the address of an RSS, Atom or JSON feed")
        url = _url(address) if address else ""
        feed = Feed(id=_id(spec.get("id")) or _name(url), url=url)
        if every := spec.get("every"):
            feed = replace(feed, every=_interval(every))
        if page := spec.get("page"):
            feed = replace(feed, page=page.choice(PAGES))
        if language := spec.get("language"):
            feed = replace(feed, language=language.string())
        if tags := spec.get("tags"):
            feed = replace(feed, tags=tuple(tags.strings()))
        if headers := spec.get("headers"):
            feed = replace(feed, headers=dict(self.header(headers, name, value) for name, value in headers.mapping().items()))
        return feed

    def header(self, spec: Spec, name: str, value: Spec) -> tuple[str, Secret]:
        """A header to send; its value is text, or lies in the environment or a file like any secret."""
        if not _HEADER.match(name):
            spec.wrong(f"'{name[:60]}' is not the name of a header", key=name)
        text = self.secret(value) if isinstance(value.value, dict) else value.string()
        if not text.isprintable():
            value.wrong("a header's value is one line of printable text")
        return name, Secret(text)

    def receiver(self, spec: Spec) -> Receiver:
        spec.only(("id", "webhook", "secret", "levels", "tags"))
        name, webhook, secret = spec.need("id", "rules name it under 'notify'"), spec.need("webhook"), spec.need("secret")
        return Receiver(
            id=_id(name),
            webhook=Secret(self.webhook(webhook) if webhook else ""),
            secrets=tuple(Secret(self.key(one)) for one in secret.each()) if secret else (),
            levels=tuple(one.choice(LEVELS) for one in levels.each()) if (levels := spec.get("levels")) else (),
            tags=tuple(tags.strings()) if (tags := spec.get("tags")) else (),
        )

    def webhook(self, spec: Spec) -> str:
        """Where to send: an address, or where to find it (the path of many webhooks is a secret)."""
        if not isinstance(spec.value, dict):
            return _url(spec)
        url = self.secret(spec)
        if url and (wrong := _not_a_url(url)):
            self.missing(spec, f"what {_where(spec)} holds is no address to send to: {wrong}")
        return url

    def key(self, spec: Spec) -> str:
        """A signing secret. One that stands in the file itself is refused: files are shared, logged and committed."""
        if not isinstance(spec.value, dict):
            spec.wrong("a secret does not belong in this file, which others may read: write {env: NAME} or {file: PATH}")
            return ""
        key = self.secret(spec)
        if key and not _is_key(key):
            self.missing(spec, f"what {_where(spec)} holds is no signing secret: 'whsec_' and then 24 to 64 bytes in base64")
        return key

    def secret(self, spec: Spec) -> str:
        """The text that {env: NAME} or {file: PATH} stands for; empty, with the reason noted, where it is not there."""
        spec.only(("env", "file"))
        if len(spec.mapping()) != 1:
            spec.wrong("expected {env: NAME} or {file: PATH}")
            return ""
        env, file = spec.get("env"), spec.get("file")
        if env:
            return self.variable(env)
        return self.content(file) if file else ""

    def variable(self, spec: Spec) -> str:
        text = self.environment.get(spec.string(), "").strip()
        if not text:
            self.missing(spec, f"the environment variable {spec.string()} is not set")
        return text

    def content(self, spec: Spec) -> str:
        path = self.folder / spec.string()
        try:
            if path.stat().st_mode & stat.S_IROTH:
                spec.wrong(f"everybody on this machine can read {path}: chmod o-r it", severity="warning")
            with path.open(encoding="utf-8") as file:
                text = file.read(_SECRET_BYTES).strip()
        except (OSError, ValueError) as error:
            self.missing(spec, f"cannot read the secret in {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
            return ""
        if not text:
            self.missing(spec, f"{path} is empty")
        return text

    def missing(self, spec: Spec, message: str) -> None:
        self.unset.append(Problem(spec.file, spec.line, spec.column, message))

    def settings(self, spec: Spec, config: Config) -> Config:
        spec.only(("store", "rules", "allow", "user_agent", "fetches", "workers", "limits"))
        if store := spec.get("store"):
            config = replace(config, store=self.place(store.string()))
        if rules := spec.get("rules"):
            config = replace(config, rules=self.folder / rules.string())
        if allow := spec.get("allow"):
            config = replace(config, allow=tuple(net for one in allow.each() if (net := _network(one))))
        if agent := spec.get("user_agent"):
            config = replace(config, user_agent=_line(agent) or USER_AGENT)
        if fetches := spec.get("fetches"):
            config = replace(config, fetches=fetches.whole(1, 500))
        if workers := spec.get("workers"):
            config = replace(config, workers=workers.whole(1, 64))
        if limits := spec.get("limits"):
            config = replace(config, limits=_limits(limits))
        return config

    def place(self, store: str) -> str:
        """A store's address as it is, or a file beside monitor.yaml."""
        scheme, rest = found.groups() if (found := _SCHEME.fullmatch(store)) else ("", store)
        if scheme not in ("", "sqlite:") or rest.startswith("//"):
            return store
        return scheme + str(self.folder / rest)


def _where(spec: Spec) -> str:
    return " ".join(str(one.value) for one in spec.mapping().values())


def _id(spec: Spec | None) -> str:
    if spec is None:
        return ""
    if not _ID.match(spec.string()):
        spec.wrong("an id is 1 to 100 letters, digits and . - _ : / ~, and starts with a letter or digit")
    return spec.string()


def _name(url: str) -> str:
    """What a source without an id is called: its address without what all of them share.

    It depends on nothing but the address, so that adding another source never renames this one.
    """
    parts = urlsplit(url)
    name = re.sub(r"^(www|feeds?|rss)\.", "", parts.netloc) + parts.path + (f"~{parts.query}" if parts.query else "")
    name = re.sub(r"(/(rss|feed|atom|index)?(\.(xml|rss|atom|json))?/?)\Z", "", name)
    return re.sub(r"[^\w.:/~-]", "-", name)[:100]


def _interval(spec: Spec) -> timedelta:
    every = spec.span()
    if every < _QUICK:
        spec.wrong("asking more than once a minute makes enemies of publishers", severity="warning")
    return max(every, timedelta(seconds=1))


def _url(spec: Spec) -> str:
    """An address, or nothing, with the reason noted."""
    wrong = _not_a_url(spec.string())
    if wrong:
        spec.wrong(wrong)
    return "" if wrong else spec.string()


def _not_a_url(url: str) -> str:
    """Why it cannot be asked or told; never quotes it."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "not a valid address"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or not url.isprintable() or " " in url:
        return "expected an address such as https://example.org/feed.xml"
    if "@" in parts.netloc:
        return "an address holds no user name or password: use 'headers' with {env: NAME}"
    return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"


def _network(spec: Spec) -> Network | None:
    try:
        return ipaddress.ip_network(spec.string(), strict=False)
    except ValueError:
        spec.wrong("expected a network such as 10.1.0.0/16 or an address such as 10.1.2.3")
        return None


def _line(spec: Spec) -> str:
    if not spec.string().isprintable():
        spec.wrong("expected one line of printable text")
        return ""
    return spec.string()


def _is_key(text: str) -> bool:
    """As the Standard Webhooks write one."""
    try:
        return text.startswith("whsec_") and 24 <= len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) <= 64
    except (binascii.Error, ValueError):
        return False
