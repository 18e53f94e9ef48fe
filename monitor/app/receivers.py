"""Whom to tell: the receivers of monitor.yaml as sinks, behind the one guarded way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from monitor.addresses import Guard
from monitor.app.book import Book, now
from monitor.egress import Egress, Relay
from monitor.errors import ConfigError
from monitor.policy import FAILING, SILENT, Route
from monitor.sinks.mail import MailSink
from monitor.sinks.slack import SlackSink
from monitor.sinks.webhook import Signing, WebhookSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.config import Config, Receiver
    from monitor.ports import Sink


def check(config: Config, book: Book) -> None:
    """Raises ConfigError where rules name receivers that there are not (without any, all goes to the terminal)."""
    known = {receiver.id for receiver in config.receivers}
    unknown = [
        f"rule '{rule.id}' notifies '{name}'" for rule in book.ruleset.rules for name in rule.notify or () if name not in known
    ]
    if known and unknown:
        raise ConfigError(f"{', '.join(unknown)}: no such receiver; {config.file} has {', '.join(sorted(known))}")
    there = {*book.rules, SILENT, FAILING}
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
    """Each receiver in its own form."""
    return {one.id: _FORMS[one.form](one, config, egress) for one in config.receivers}


def _webhook(one: Receiver, _: Config, egress: Egress) -> Sink:
    secrets = tuple(Signing(secret=signing.secret.reveal, until=signing.until) for signing in one.signing)
    return WebhookSink(id=one.id, url=one.place.reveal, secrets=secrets, post=egress.post, clock=now, **_width(one))


def _slack(one: Receiver, _: Config, egress: Egress) -> Sink:
    return SlackSink(id=one.id, url=one.place.reveal, post=egress.post, clock=now, **_width(one))


def _mail(one: Receiver, config: Config, egress: Egress) -> Sink:
    """Raises ConfigError where there is no mail server: the settings say so before."""
    if config.mail is None:
        raise ConfigError(f"receiver {one.id}: e-mail needs a server that takes it: write 'mail' under settings")
    mail = config.mail
    relay = Relay(host=mail.host, port=mail.port, tls=mail.tls, user=mail.user, password=mail.password.reveal)
    return MailSink(id=one.id, addresses=one.addresses, sender=mail.sender, mail=partial(egress.mail, relay), **_width(one))


def _width(one: Receiver) -> dict[str, int]:
    """How many deliveries at once, where that was said."""
    return {"at_once": one.at_once} if one.at_once is not None else {}


_FORMS: Mapping[str, Callable[[Receiver, Config, Egress], Sink]] = {"webhook": _webhook, "slack": _slack, "email": _mail}
"""The sink of each of config.CHANNELS."""


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
