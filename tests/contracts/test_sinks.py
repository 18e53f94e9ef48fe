"""What every sink promises. If these pass for a new sink, it works."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from monitor.errors import DeliveryFailed
from monitor.model import Alert, Delivery, Receipt, Sighting
from monitor.report import Style
from monitor.sinks import SINKS
from monitor.sinks.mail import MailSink
from monitor.sinks.slack import SlackSink
from monitor.sinks.terminal import TerminalSink
from monitor.sinks.webhook import Signing, WebhookSink
from monitor.wire import Mailed, Response
from rules import Article, Finding, Hit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.ports import Sink

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
TEXT = "Talks were announced. \x1b[31m"
ALERT = Alert(
    id="alt_1",
    kind="new",
    rule="summit",
    rule_title="Summit announced",
    level="high",
    version="0123456789ab",
    tags=("world",),
    title="Summit announced: Malta",
    article=Article(id="a1", title="A title", body=TEXT, url="https://news.example/a", source="wire"),
    first_seen=NOON,
    raised=NOON,
    sightings=(
        Sighting(
            event="evt_1",
            finding=Finding(
                field="body",
                start=0,
                end=len(TEXT),
                text=TEXT,
                hits=(Hit(field="body", start=0, end=5, text="Talks"),),
                captures={"place": "Malta"},
                labels={"status": "planned"},
            ),
        ),
    ),
)


@dataclass
class Receiver:
    """The other side of a sink: what came, and whether it takes anything."""

    came: list[bytes] = field(default_factory=list)
    closed: bool = False

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Response:
        if self.closed:
            raise DeliveryFailed("hooks.example: cannot connect", kind="unreachable")
        self.came.append(body)
        return Response(status=200, url=url)

    async def mail(self, sender: str, recipients: Sequence[str], letter: bytes, *, together: bool = False) -> Mailed:
        if self.closed:
            raise DeliveryFailed("mail.example: cannot connect", kind="unreachable")
        self.came.append(letter)
        return Mailed(status=250)


class Pipe(io.StringIO):
    """Standard output that leads to the receiver."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self.receiver = receiver

    def write(self, text: str) -> int:
        if self.receiver.closed:
            raise BrokenPipeError
        self.receiver.came.append(text.removesuffix("\n").encode())
        return len(text)


def webhook(receiver: Receiver) -> Sink:
    return WebhookSink(
        id="desk", url="https://hooks.example/x", secrets=(Signing(secret=SECRET),), post=receiver.post, clock=lambda: NOON
    )


def terminal(receiver: Receiver) -> Sink:
    return TerminalSink(id="desk", out=Pipe(receiver))


def slack(receiver: Receiver) -> Sink:
    return SlackSink(id="desk", url="https://hooks.example/x", post=receiver.post, clock=lambda: NOON)


def email(receiver: Receiver) -> Sink:
    return MailSink(id="desk", addresses=("desk@example.org",), sender="monitor@example.org", mail=receiver.mail)


MADE = {"webhook": webhook, "slack": slack, "email": email, "terminal": terminal}


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(params=sorted(SINKS))
def sink(request: pytest.FixtureRequest, receiver: Receiver) -> Sink:
    return MADE[request.param](receiver)


def delivery(sink: Sink) -> Delivery:
    return Delivery(alert=ALERT.id, sink=sink.id, body=sink.render(ALERT), due=NOON)


def test_it_says_who_it_is(sink: Sink) -> None:
    assert sink.id == "desk"


def test_rendering_twice_gives_the_same_bytes(sink: Sink) -> None:
    assert sink.render(ALERT) == sink.render(ALERT)
    assert len(sink.render(ALERT)) <= 20_000


async def test_what_was_rendered_is_what_arrives(sink: Sink, receiver: Receiver) -> None:
    await sink.send(delivery(sink))

    assert receiver.came == [sink.render(ALERT)]
    assert b"alt_1" in receiver.came[0]


@pytest.mark.parametrize("kind", ["webhook", "slack", "terminal"])
def test_what_is_json_can_be_read(kind: str, receiver: Receiver) -> None:
    assert json.loads(MADE[kind](receiver).render(ALERT))


async def test_taking_it_gives_a_receipt(sink: Sink) -> None:
    assert isinstance(await sink.send(delivery(sink)), Receipt)


def test_it_says_how_many_it_takes_at_once(sink: Sink) -> None:
    assert sink.at_once >= 1


async def test_sending_again_sends_the_same(sink: Sink, receiver: Receiver) -> None:
    await sink.send(delivery(sink))
    await sink.send(delivery(sink))

    assert len(set(receiver.came)) == 1


async def test_a_receiver_that_does_not_take_it_is_a_failed_delivery(sink: Sink, receiver: Receiver) -> None:
    receiver.closed = True
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(delivery(sink))
    assert failed.value.kind == "unreachable"

    receiver.closed = False
    await sink.send(delivery(sink))
    assert len(receiver.came) == 1


async def test_people_on_a_terminal_read_text_that_cannot_steer_it() -> None:
    out = io.StringIO()
    sink = TerminalSink(id="desk", out=out, style=Style())
    await sink.send(delivery(sink))

    assert "Summit announced: Malta" in out.getvalue()
    assert "«Talks» were announced." in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_only_a_terminal_gets_text() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert TerminalSink.to("desk", Terminal()).style is not None
    assert TerminalSink.to("desk", io.StringIO()).style is None
