"""The receiver of the README, run as it stands there: what it takes, what it takes once, and what it turns away."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fakenet import NO_TLS
from standardwebhooks import Webhook

from monitor import envelope
from monitor.addresses import Guard
from monitor.egress import Egress
from monitor.model import Alert, Delivery, Sighting
from monitor.sinks.webhook import Signing, WebhookSink
from rules import Article, Finding

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
README = Path(__file__).parent.parent / "README.md"
PATIENCE = 40
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def alert(id: str, *sentences: str) -> Alert:
    """An alert with these findings; without any, one of a silent source."""
    return Alert(
        id=id,
        kind="new" if sentences else "silent",
        rule="talks",
        rule_title="Talks",
        level="high",
        version="0123456789ab",
        tags=(),
        title="Talks announced",
        article=Article(id="a1", title="A title", summary="no news for a day"),
        first_seen=NOON,
        raised=NOON,
        sightings=tuple(
            Sighting(
                event="evt_1",
                finding=Finding(field="body", start=0, end=len(one), text=one, hits=(), captures={}, labels={}),
            )
            for one in sentences
        ),
    )


def code() -> str:
    """The program, as a reader would copy it."""
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if "DESK_SECRET" in block]
    return str(found)


@dataclass
class Program:
    """The receiver as a process, in a folder of its own."""

    folder: Path
    source: str
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        """On a free port; returns once it listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        assert "port=9000" in self.source
        (self.folder / "receiver.py").write_text(self.source.replace("port=9000", f"port={self.port}"), encoding="utf-8")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "receiver.py"),
            cwd=self.folder,
            env={**os.environ, "DESK_SECRET": SECRET},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert "Running on" in await self.line()
        await self.line()  # how to stop it

    async def line(self) -> str:
        """The next line that it prints."""
        assert self.process
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().strip()

    async def stop(self) -> list[str]:
        """Ends it the hard way; all that it has printed and nobody has read."""
        assert self.process
        assert self.process.stdout
        if self.process.returncode is None:
            self.process.kill()
        rest = (await self.process.stdout.read()).decode().split("\n")
        await self.process.wait()
        return [line for line in rest if line]


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    program = Program(tmp_path, code())
    await program.start()
    yield program
    await program.stop()


def signed(id: str, body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    """The headers that the standard's own library makes."""
    at = at or datetime.now(UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
    }


async def post(program: Program, body: bytes, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        return (await client.post(program.url, content=body, headers=headers)).status_code


async def test_an_alert_that_comes_twice_is_acted_on_once_even_after_a_crash(program: Program) -> None:
    body = envelope.render(alert("alt_1", "The port will close."))

    assert await post(program, body, signed("alt_1", body)) == 200
    assert await program.line() == "Talks announced | The port will close."
    assert await post(program, body, signed("alt_1", body)) == 200
    assert await program.stop() == []
    await program.start()
    assert await post(program, body, signed("alt_1", body)) == 200
    assert await program.stop() == []


async def test_without_its_memory_it_would_act_again(program: Program) -> None:
    """The negative control of the test above."""
    body = envelope.render(alert("alt_1", "The port will close."))
    await post(program, body, signed("alt_1", body))
    await program.stop()
    (program.folder / "seen.db").unlink()
    await program.start()
    await post(program, body, signed("alt_1", body))

    assert await program.stop() == ["Talks announced | The port will close."]


async def test_forged_stale_early_and_broken_requests_are_turned_away(program: Program) -> None:
    body = envelope.render(alert("alt_1", "The port will close."))
    good, now = signed("alt_1", body), datetime.now(UTC)
    unsigned = {name: value for name, value in good.items() if name != "webhook-signature"}
    for headers in (
        {},
        unsigned,
        {**good, "webhook-id": "alt_2"},
        {**good, "webhook-signature": good["webhook-signature"][:-4]},
        {**good, "webhook-signature": "v1"},
        {**good, "webhook-signature": "v1,?,?"},
        {**good, "webhook-timestamp": "soon"},
        signed("alt_1", body, secret=OTHER),
        signed("alt_1", body, at=now - timedelta(minutes=6)),
        signed("alt_1", body, at=now + timedelta(minutes=6)),
    ):
        assert await post(program, body, headers) == 401
    assert await post(program, body + b" ", good) == 401
    assert await post(program, b"\xff", good) == 401
    assert await program.stop() == []


async def test_what_fails_after_verification_is_not_taken_for_done(tmp_path: Path) -> None:
    """Its memory and what it does go together: else an alert that it could not act on would never come again."""
    program = Program(tmp_path, code().replace('print(data["title"]', 'print(open("ready").read(), data["title"]'))
    await program.start()
    body = envelope.render(alert("alt_1", "The port will close."))

    assert await post(program, body, signed("alt_1", body)) == 500
    (tmp_path / "ready").write_text("now")
    assert await post(program, body, signed("alt_1", body)) == 200
    assert await program.stop() == ["now Talks announced | The port will close."]


async def test_it_takes_what_our_own_sink_sends_whatever_the_alert_tells_of(program: Program) -> None:
    allowed = Guard.of(["127.0.0.1/32"])
    async with Egress(deliveries=allowed, tls=NO_TLS) as out:
        sink = WebhookSink(
            id="desk",
            url=program.url,
            secrets=(Signing(secret=OTHER), Signing(secret=SECRET)),
            post=out.post,
            clock=lambda: datetime.now(UTC),
        )
        for one in (alert("alt_1", "The port will close."), alert("alt_2"), alert("alt_1", "The port will close.")):
            receipt = await sink.send(Delivery(alert=one.id, sink="desk", body=sink.render(one), due=NOON))
            assert (receipt.status, receipt.excerpt) == (200, "")

    assert await program.stop() == ["Talks announced | The port will close.", "Talks announced | no news for a day"]


def test_the_id_that_it_remembers_is_the_webhook_s_id() -> None:
    """The body's is the header's: what is verified is what counts."""
    one = alert("alt_1", "The port will close.")

    assert json.loads(envelope.render(one))["data"]["id"] == one.id
