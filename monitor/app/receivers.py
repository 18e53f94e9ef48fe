"""Whom to tell: the receivers of monitor.yaml as sinks, behind the one guarded way out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.addresses import Guard
from monitor.app.book import Book, now
from monitor.egress import Egress
from monitor.errors import ConfigError
from monitor.policy import SILENT, Route
from monitor.sinks.webhook import WebhookSink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.config import Config, Receiver
    from monitor.ports import Sink

ATTEMPT = timedelta(seconds=60)
"""How long a delivery is ours: longer than an attempt may take."""

BATCH = 20
"""Deliveries made at once in one round."""


def check(config: Config, book: Book) -> None:
    """Raises ConfigError where rules name receivers that there are not (without any, all goes to the terminal)."""
    known = {receiver.id for receiver in config.receivers}
    unknown = [
        f"rule '{rule.id}' notifies '{name}'" for rule in book.ruleset.rules for name in rule.notify or () if name not in known
    ]
    if known and unknown:
        raise ConfigError(f"{', '.join(unknown)}: no such receiver; {config.file} has {', '.join(sorted(known))}")
    there = {*book.rules, SILENT}
    asked = {name for one in config.receivers for name in one.wishes.rules} | {
        name for one in config.routes for name in one.rules
    }
    if strange := sorted(asked - there):
        raise ConfigError(
            f"{config.file}: receivers or routes ask for the rule '{strange[0]}', which there is not: {', '.join(sorted(there))}"
        )


def open_egress(config: Config) -> Egress:
    """The way out: into public networks, and those that the settings allow."""
    return Egress(
        fetches=Guard(config.allow.sources),
        deliveries=Guard(config.allow.receivers),
        user_agent=config.user_agent,
        pause=config.pause.total_seconds(),
    )


def sinks(config: Config, egress: Egress) -> dict[str, Sink]:
    """A signed webhook for each receiver."""
    return {
        one.id: WebhookSink(
            id=one.id,
            url=one.webhook.reveal,
            secrets=tuple(secret.reveal for secret in one.secrets),
            post=egress.post,
            clock=now,
        )
        for one in config.receivers
    }


def routes(wanted: Sequence[Receiver], sinks: Mapping[str, Sink]) -> list[Route]:
    """Who takes what; a sink that is no receiver (the terminal) takes everything."""
    wishes = {one.id: one for one in wanted}
    return [
        Route(
            id=name,
            render=sink.render,
            wishes=wishes[name].wishes if name in wishes else None,
        )
        for name, sink in sinks.items()
    ]
