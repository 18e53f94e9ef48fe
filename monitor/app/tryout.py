"""A receiver tried out: one sample alert in its own format, and what came back. Nothing is stored, no breaker is touched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor import identity
from monitor.app.receivers import open_egress, sinks
from monitor.errors import DeliveryFailed
from monitor.model import Alert, Delivery, Receipt, Sighting
from monitor.steps import LEASE
from rules import Article, Finding, Hit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from monitor.config import Config, Receiver
    from monitor.ports import Clock, Sink

TEST = "test"
"""The rule, as it were, and the kind of a sample alert."""

SENTENCE = "This is a test of the receiver '{}': nothing has happened, and nothing needs to be done."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `failure`: why it was not taken; None: it was."""

    id: str
    """The sample's, which a webhook carries as its `webhook-id`."""
    took: float
    """Seconds."""
    receipt: Receipt
    failure: DeliveryFailed | None = None


async def try_out(config: Config, receiver: Receiver, clock: Clock) -> Answer:
    """Sends a sample to this receiver as a monitor would. Raises Invalid where a secret is missing, ConfigError for one of no use."""
    alone = replace(config.complete(), receivers=(receiver,))
    async with open_egress(alone) as egress:
        return await _sent(sinks(alone, egress)[receiver.id], sample(receiver.id, clock()))


async def _sent(sink: Sink, alert: Alert) -> Answer:
    delivery = Delivery(alert=alert.id, sink=sink.id, body=sink.render(alert), due=alert.raised, attempts=1)
    passed = asyncio.get_running_loop().time
    began = passed()
    try:
        async with asyncio.timeout(0.9 * LEASE.total_seconds()):
            receipt = await sink.send(delivery)
    except DeliveryFailed as error:
        return Answer(
            id=alert.id, took=passed() - began, receipt=Receipt(status=error.status, excerpt=error.excerpt), failure=error
        )
    except TimeoutError:
        failure = DeliveryFailed(f"not done after {0.9 * LEASE.total_seconds():.0f} s", kind="slow")
        return Answer(id=alert.id, took=passed() - began, receipt=Receipt(), failure=failure)
    return Answer(id=alert.id, took=passed() - began, receipt=receipt)


def sample(receiver: str, at: datetime) -> Alert:
    """An alert that says that it is a test, with all that others have. Each has an id of its own, or it would be taken for a repeat."""
    article = Article(
        id=f"{receiver}#{TEST}",
        title="A sample article",
        body=SENTENCE.format(receiver),
        url="https://example.org/sample",
        published=at,
        source="example",
    )
    return Alert(
        id=identity.alert_id(TEST, receiver, at.isoformat()),
        kind=TEST,
        rule=TEST,
        rule_title="Test of a receiver",
        level="low",
        version="",
        tags=(),
        title="Test: this is a sample alert",
        article=article,
        first_seen=at,
        raised=at,
        sightings=(Sighting(event=identity.event_id(TEST, receiver, at.isoformat()), finding=_finding(article.body)),),
    )


def _finding(sentence: str) -> Finding:
    start = sentence.index("test")
    hit = Hit(field="body", start=start, end=start + len("test"), text="test")
    return Finding(field="body", start=0, end=len(sentence), text=sentence, hits=(hit,), labels={"status": "test"})


# What to look at

STATUSES: Mapping[int, str] = {
    400: "it did not understand it: is this the address of something that takes alerts in this form?",
    401: "it does not accept who we are: is the secret on its side the one that monitor.yaml names, and is its clock right?",
    403: "it does not accept who we are: is the secret on its side the one that monitor.yaml names, and are we allowed in?",
    404: "there is nothing at this address: compare its path with what you were given",
    405: "nothing takes a POST at this address: compare its path with what you were given",
    408: "it did not wait for us: look at its log, or try again",
    410: "it says that it is gone for good, and a running monitor would disable it: ask for its new address",
    413: "it takes less than 20,000 bytes: let it take more",
    415: "it does not take JSON here: is this the address of something that takes alerts in this form?",
    422: "it did not understand it: is this the address of something that takes alerts in this form?",
    429: "it was asked too often: try again later",
    503: "it is busy or down for now: try again later",
}
"""By status of HTTP."""

ANSWERS: Mapping[str, str] = {
    "invalid_payload": "it did not understand it: 'slack' is for the incoming webhooks of Slack, and for what takes the same",
    "no_text": "it wants Slack's form: write 'slack' in the place of 'webhook'",
    "invalid_token": "the address is no longer good: make a new incoming webhook",
    "no_service": "the address is no longer good: make a new incoming webhook",
    "no_team": "the workspace is not there: make a new incoming webhook",
    "team_disabled": "the workspace is not there: make a new incoming webhook",
    "channel_not_found": "its channel is not there: make a new incoming webhook",
    "channel_is_archived": "its channel is archived: unarchive it, or make a new incoming webhook",
    "action_prohibited": "an administrator does not allow it: ask who runs the workspace",
    "posting_to_general_channel_denied": "nobody may post to that channel: choose another one",
}
"""By what Slack says."""

MAIL: Mapping[int, str] = {
    421: "the mail server is busy or closing: try again later",
    450: "the mailbox is busy, or strangers are made to wait (greylisting): try again later",
    451: "the mail server has troubles of its own, or strangers are made to wait (greylisting): try again later",
    530: "the mail server wants TLS, or user name and password, first",
    534: "the mail server wants another way to log in: many need a password made for applications",
    535: "the mail server does not accept user name and password: many need one made for applications",
    550: "the mail server does not take it: is there such a mailbox, and may we send as this sender?",
    553: "the mail server does not like an address: look at sender and recipients",
    554: "the mail server does not take it: what it said may tell why",
}
"""By reply of SMTP."""

KINDS: Mapping[str, str] = {
    "unreachable": "is its name written as it should be, does it run, and may this machine reach it (firewall, proxy)?",
    "slow": "it has to answer within 15 seconds: let it answer first and work later, and look at its log",
    "tls": "is its certificate valid for this name, in date, and complete with what lies between it and a known authority?",
    "blocked": "an address in a private network is reached only if settings allow it: allow: {receivers: [10.1.2.0/24]}",
    "gone": STATUSES[410],
    "asked-to-wait": STATUSES[429],
}
"""By word of errors.TROUBLES."""


def advice(failure: DeliveryFailed, form: str) -> str:
    """What to look at after this failure of a receiver of this form; empty where nothing is known."""
    status = failure.status or 0
    if form == "email":
        return MAIL.get(status) or KINDS.get(failure.kind, "")
    if 300 <= status < 400:
        return "redirects are not followed: write the address that it leads to"
    said = next((told for word, told in ANSWERS.items() if failure.excerpt.startswith(word)), "")
    known = said or STATUSES.get(status) or KINDS.get(failure.kind)
    return known or ("the failure is on its side: look at its log" if status >= 500 else "")
