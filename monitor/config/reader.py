"""Reads monitor.yaml into values, noting every problem at its place."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from monitor import listing
from monitor.config import channels, serving
from monitor.config.places import identifier, url
from monitor.config.secret import Environment, Secrets
from monitor.config.values import FORMS, FULL_TEXT, USER_AGENT, Allow, Config, Keep, Network, Receiver, Secret, Watched
from rules import Limits
from rules.receivers import Route, route
from rules.spec import Spec

__all__ = ["Environment", "Reader", "Secrets"]

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*:)(.*)", re.DOTALL)
_QUICK = timedelta(minutes=1)
_DAY = timedelta(days=1)
_Named = TypeVar("_Named", "Watched", "Receiver")


def _limits(spec: Spec) -> Limits:
    """`limits: {bytes: 2000000, values: 100000}`: what a rule file may hold."""
    spec.only(Limits.__slots__)
    found = {name: one.whole(1, 1_000_000_000 if name == "bytes" else 10_000_000) for name, one in spec.mapping().items()}
    return Limits(**{name: value for name, value in found.items() if name in Limits.__slots__})


@dataclass(slots=True)
class Reader:
    """Reads one file: where it lies, and where its secrets are."""

    folder: Path
    secrets: Secrets

    def config(self, spec: Spec, config: Config) -> Config:
        """All of the file."""
        spec.only(("sources", "receivers", "routes", "settings"))
        config = replace(
            config,
            sources=self.several(spec.get("sources"), self.watched),
            receivers=self.several(spec.get("receivers"), self.receiver),
            store=str(self.folder / config.store),
            rules=self.folder / config.rules,
        )
        config = replace(config, routes=self.routes(spec.get("routes"), config.receivers))
        settings = spec.get("settings")
        if settings is not None and settings.value is not None:
            config = self.settings(settings, config)
        if config.mail is None:
            _unmailed(spec.get("receivers"))
        return replace(config, unset=tuple(self.secrets.unset))

    def several(self, spec: Spec | None, reader: Callable[[Spec], _Named]) -> tuple[_Named, ...]:
        """Each entry of a list as `reader` reads it; an id that was there before is a problem."""
        found: dict[str, _Named] = {}
        for entry in spec.items() if spec is not None and spec.value is not None else ():
            one = reader(entry)
            if one.id in found and one.id:
                entry.wrong(f"the id '{one.id}' is here twice: give one of them another 'id'")
            found.setdefault(one.id, one)
        return tuple(found.values())

    def watched(self, spec: Spec) -> Watched:
        """One source: what it is stands in the key that holds its address."""
        if isinstance(spec.value, str):
            spec.wrong("expected a source such as {feed: https://example.org/feed.xml}, found text: write 'feed: ' before it")
            return Watched(id="", place="")
        spec.only((*FORMS, *_SOURCE))
        form = next((form for form in FORMS if spec.get(form) is not None), "feed")
        if sum(spec.get(one) is not None for one in FORMS) > 1:
            spec.wrong(f"a source is one of {', '.join(FORMS)}: write two sources")
        written = spec.need(form, FORMS[form])
        place = self.located(form, written) if written else ""
        bare = Watched(id="", place=place, form=form, **(_FOLDER if form == "folder" else {}))
        # A folder is called as it is written, not where it lies.
        said = str(written.value) if form == "folder" and written else place
        return replace(self.described(spec, bare), id=identifier(spec.get("id")) or _name(said))

    def located(self, form: str, spec: Spec) -> str:
        """A source's address, or the path of a folder, which is relative to the file."""
        if form != "folder":
            return url(spec)
        if not spec.string().strip():
            spec.wrong("expected the path of a folder with saved articles, such as inbox")
        return str(self.folder / spec.string())

    def described(self, spec: Spec, source: Watched) -> Watched:
        """What else is said of a source."""
        found: dict[str, Any] = {key: read(one) for key, read in _SOURCE.items() if read and (one := spec.get(key))}
        if source.form != "folder" and (every := spec.get("every")) and found["every"] < _QUICK:
            every.wrong("asking more than once a minute makes enemies of publishers", severity="warning")
        found = {_FIELDS.get(key, key): value for key, value in found.items()}
        if headers := spec.get("headers"):
            found["headers"] = dict(self.header(headers, name, value) for name, value in headers.mapping().items())
        if source.form != "page" and (links := spec.get("links")):
            links.wrong("only a 'page' has links to select")
        return replace(source, **found)

    def header(self, spec: Spec, name: str, value: Spec) -> tuple[str, Secret]:
        """A header to send; its value is text, or lies in the environment or a file like any secret."""
        if not _HEADER.match(name):
            spec.wrong(f"'{name[:60]}' is not the name of a header", key=name)
        text = self.secrets.text(value) if isinstance(value.value, dict) else value.string()
        if not text.isprintable():
            value.wrong("a header's value is one line of printable text")
        return name, Secret(text)

    def receiver(self, spec: Spec) -> Receiver:
        """One receiver."""
        return channels.receiver(spec, self.secrets)

    def routes(self, spec: Spec | None, receivers: Sequence[Receiver]) -> tuple[Route, ...]:
        """Which alerts go to which of the receivers."""
        entries = spec.items() if spec is not None and spec.value is not None else ()
        return tuple(route(one, [receiver.id for receiver in receivers]) for one in entries)

    def settings(self, spec: Spec, config: Config) -> Config:
        """What holds for all sources and receivers."""
        spec.only(_SETTINGS)
        config = replace(config, **{key: read(self, one) for key, read in _SETTINGS.items() if (one := spec.get(key))})
        if listen := spec.get("listen"):
            serving.guarded(listen, config.listen, config.token)
        return config

    def place(self, store: str) -> str:
        """A store's address as it is, or a file beside monitor.yaml."""
        scheme, rest = found.groups() if (found := _SCHEME.fullmatch(store)) else ("", store)
        if scheme not in ("", "sqlite:") or rest.startswith("//"):
            return store
        return scheme + str(self.folder / rest)


def _unmailed(receivers: Spec | None) -> None:
    """Notes every receiver of e-mail, where nothing is said of a server that takes it."""
    for one in receivers.each() if receivers is not None else ():
        if one.get("email") is not None:
            one.wrong(
                "e-mail needs a server that takes it; write under settings: mail: {host: smtp.example.org, user: NAME, "
                "password: {env: MAIL_PASSWORD}, sender: monitor@example.org}",
                key="email",
            )


def _name(url: str) -> str:
    """What a source without an id is called: its address without what all of them share.

    It depends on nothing but the address, so that adding another source never renames this one.
    """
    parts = urlsplit(url)
    name = re.sub(r"^(www|feeds?|rss)\.", "", parts.netloc) + parts.path + (f"~{parts.query}" if parts.query else "")
    name = re.sub(r"(/(rss|feed|atom|index)?(\.(xml|rss|atom|json))?/?)\Z", "", name)
    return re.sub(r"[^\w.:/~-]", "-", name)[:100]


def _selector(spec: Spec) -> str:
    """A CSS selector for the links of a page."""
    try:
        listing.selector(spec.string())
    except ValueError as error:
        spec.wrong(str(error))
    return spec.string()


def _interval(spec: Spec) -> timedelta:
    return max(spec.span(), timedelta(seconds=1))


def _allow(spec: Spec) -> Allow:
    """Networks for both purposes, or a list for each."""
    if not isinstance(spec.value, dict):
        both = _networks(spec)
        return Allow(sources=both, receivers=both)
    spec.only(("sources", "receivers"))
    return Allow(**{purpose: _networks(one) for purpose, one in spec.mapping().items() if purpose in ("sources", "receivers")})


def _networks(spec: Spec) -> tuple[Network, ...]:
    return tuple(net for one in spec.each() if (net := _network(one)))


def _keep(spec: Spec) -> Keep:
    """`keep: {articles: 90d, pages: 3d}`."""
    if not isinstance(spec.value, dict):
        spec.wrong(f"expected such as {{articles: 90d, pages: 3d}}, found {spec.shown()}")
        return Keep()
    spec.only(("articles", "pages"))
    return Keep(**{name: _days(one) for name, one in spec.value.items() if name in ("articles", "pages")})


def _days(spec: Spec) -> timedelta:
    span = spec.span()
    if span < _DAY:
        spec.wrong("nothing is kept for less than a day: it is kept for 1d", severity="warning")
    return max(span, _DAY)


def _network(spec: Spec) -> Network | None:
    try:
        return ipaddress.ip_network(spec.string(), strict=False)
    except ValueError:
        spec.wrong("expected a network such as 10.1.0.0/16 or an address such as 10.1.2.3")
        return None


def _line(spec: Spec) -> str:
    text = spec.string()
    if not text.isprintable():
        spec.wrong("expected one line of printable text")
        return ""
    return text


_SETTINGS: Mapping[str, Callable[[Reader, Spec], Any]] = {
    "store": lambda reader, spec: reader.place(spec.string()),
    "rules": lambda reader, spec: reader.folder / spec.string(),
    "allow": lambda _, spec: _allow(spec),
    "user_agent": lambda _, spec: _line(spec) or USER_AGENT,
    "fetches": lambda _, spec: spec.whole(1, 500),
    "pause": lambda _, spec: spec.span(),
    "workers": lambda _, spec: spec.whole(1, 64),
    "keep": lambda _, spec: _keep(spec),
    "limits": lambda _, spec: _limits(spec),
    "cap": lambda _, spec: spec.whole(0, 100_000),
    "mail": lambda reader, spec: serving.mail(spec, reader.secrets),
    "listen": lambda _, spec: serving.listen(spec),
    "token": lambda reader, spec: serving.token(spec, reader.secrets),
    "hosts": lambda _, spec: serving.names(spec),
}
"""What can be set for all, and how it is read."""

_SOURCE: Mapping[str, Callable[[Spec], Any] | None] = {
    "id": None,
    "every": _interval,
    "full_text": lambda spec: spec.choice(FULL_TEXT),
    "links": _selector,
    "kind": lambda spec: _line(spec) or None,
    "language": lambda spec: spec.string(),
    "tags": lambda spec: tuple(spec.strings()),
    "headers": None,
    "silent_after": lambda spec: spec.span(),
}
"""What may be said of a source, and how it is read."""

_FIELDS = {"silent_after": "patience"}

_FOLDER: Mapping[str, Any] = {"every": timedelta(seconds=10), "patience": timedelta(days=36_500)}
"""A folder costs nobody anything to look at, and nobody promised to put something there."""
