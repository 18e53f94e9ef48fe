"""Signed webhooks: mocked for what we say, by real sockets for what receivers do."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import respx
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.egress import Egress
from monitor.errors import ConfigError, DeliveryFailed, Refused
from monitor.model import Delivery
from monitor.sinks.webhook import WebhookSink, key, sign

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://hooks.example/team/very-secret-path"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
DELIVERY = Delivery(alert="alt_1", sink="desk", body='{"text":"Пик"}'.encode(), due=NOW)


@pytest.fixture
async def out() -> AsyncIterator[Egress]:
    async with Egress() as out:
        yield out


@pytest.fixture
def sink(out: Egress) -> WebhookSink:
    return WebhookSink(id="desk", url=URL, secrets=(SECRET,), post=out.post, clock=lambda: NOW)


def answering(*answers: httpx.Response | Exception) -> respx.Route:
    return respx.post(URL).mock(side_effect=list(answers))


def test_the_standard_s_own_example_is_signed_as_it_says() -> None:
    secret, message, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'

    signature = sign([key(secret, "r")], message, 1614265330, body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature == Webhook(secret).sign(message, datetime.fromtimestamp(1614265330, UTC), body.decode())


@respx.mock
async def test_the_frozen_bytes_are_sent_and_verify(sink: WebhookSink, monkeypatch: pytest.MonkeyPatch) -> None:
    route = answering(httpx.Response(204))
    await sink.send(DELIVERY)
    request = route.calls.last.request

    assert request.content == DELIVERY.body
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["webhook-id"], request.headers["webhook-timestamp"]) == ("alt_1", str(int(NOW.timestamp())))
    assert verified(SECRET, request) == {"text": "Пик"}


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "secret"])
@respx.mock
async def test_whatever_is_changed_no_longer_verifies(sink: WebhookSink, change: str) -> None:
    """The negative control of the test above."""
    route = answering(httpx.Response(204))
    await sink.send(DELIVERY)
    request = route.calls.last.request
    if change == "body":
        request = httpx.Request("POST", URL, headers=request.headers, content=b"{}")
    elif change != "secret":
        request.headers[change] = "1" + request.headers[change][1:-1] + "7"

    with pytest.raises(WebhookVerificationError):
        verified(OTHER if change == "secret" else SECRET, request)


def verified(secret: str, request: httpx.Request) -> object:
    """What the library of the standard makes of it; its own clock is not ours, so its tolerance is not asked for."""
    webhook = Webhook(secret)
    expected = webhook.sign(
        request.headers["webhook-id"],
        datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC),
        request.content.decode(),
    )
    if expected not in request.headers["webhook-signature"].split():
        raise WebhookVerificationError("no matching signature")
    return httpx.Response(200, content=request.content).json()


async def test_the_library_itself_accepts_what_is_sent_now(out: Egress) -> None:
    now = datetime.now(UTC)
    sink = WebhookSink(id="desk", url=URL, secrets=(SECRET, OTHER), post=out.post, clock=lambda: now)
    with respx.mock:
        route = answering(httpx.Response(200))
        await sink.send(DELIVERY)
    request = route.calls.last.request

    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(request.content, dict(request.headers)) == {"text": "Пик"}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 24).decode()).verify(request.content, dict(request.headers))


@respx.mock
async def test_each_attempt_has_the_same_id_and_body_and_a_fresh_timestamp(out: Egress) -> None:
    times = iter([NOW, NOW + timedelta(minutes=10)])
    sink = WebhookSink(id="desk", url=URL, secrets=(SECRET,), post=out.post, clock=lambda: next(times))
    route = answering(httpx.Response(500), httpx.Response(200))
    with pytest.raises(DeliveryFailed, match=r"^HTTP 500$"):
        await sink.send(DELIVERY)
    await sink.send(DELIVERY)
    first, second = (call.request for call in route.calls)

    assert first.content == second.content
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 600
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@respx.mock
async def test_every_2xx_is_a_success(sink: WebhookSink, status: int) -> None:
    answering(httpx.Response(status))

    await sink.send(DELIVERY)


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 502, 503])
@respx.mock
async def test_anything_else_is_a_failure_that_may_pass(sink: WebhookSink, status: int) -> None:
    route = answering(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(DeliveryFailed, match=f"^HTTP {status}") as failed:
        await sink.send(DELIVERY)

    assert not isinstance(failed.value, Refused)
    assert route.call_count == 1


@respx.mock
async def test_a_receiver_that_is_gone_refuses_for_ever(sink: WebhookSink) -> None:
    answering(httpx.Response(410))
    with pytest.raises(Refused, match="HTTP 410"):
        await sink.send(DELIVERY)


@pytest.mark.parametrize(
    ("status", "said", "wait"), [(429, "30", 30), (503, "Wed, 01 Jul 2026 12:01:00 GMT", 60), (503, "x", None), (500, "30", None)]
)
@respx.mock
async def test_an_overloaded_receiver_says_how_long_to_wait(sink: WebhookSink, status: int, said: str, wait: int | None) -> None:
    answering(httpx.Response(status, headers={"Retry-After": said}))
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(DELIVERY)

    assert failed.value.wait == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (httpx.ConnectError("secret"), "cannot connect"),
        (httpx.ConnectTimeout("secret"), "connecting took too long"),
        (httpx.RemoteProtocolError("secret"), "the answer is not proper HTTP"),
        (httpx.ReadError("secret"), "the connection broke off"),
    ],
)
@respx.mock
async def test_a_failure_to_connect_is_told_in_plain_words_and_names_only_the_host(
    sink: WebhookSink, error: Exception, why: str
) -> None:
    answering(error)
    with pytest.raises(DeliveryFailed, match=rf"^hooks\.example: {why}$"):
        await sink.send(DELIVERY)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_not base64!",
        "whsec_ключ",
        SECRET + "\n",
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(secret: str) -> None:
    async def post(url: str, **_: object) -> object:
        raise AssertionError

    with pytest.raises(ConfigError) as refused:
        WebhookSink(id="desk", url=URL, secrets=(secret,), post=post, clock=lambda: NOW)  # type: ignore[arg-type]

    assert str(refused.value) == "receiver desk: the secret must be whsec_ and base64 of 24 to 64 bytes"


def test_neither_secret_nor_address_shows(sink: WebhookSink) -> None:
    assert SECRET not in repr(sink)
    assert "secret-path" not in repr(sink)
