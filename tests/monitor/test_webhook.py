"""Signed webhooks: mocked for what we say, by real sockets for what receivers do."""

from __future__ import annotations

import base64
import gzip
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import httpx
import pytest
import respx
from fakenet import OK, PRIVATE, answer, head, redirect, serving
from fakenet import egress as public
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.egress import Egress
from monitor.errors import ConfigError, DeliveryFailed, Refused
from monitor.model import Delivery
from monitor.sinks.answers import EXCERPT, Hearer
from monitor.sinks.webhook import Signing, WebhookSink, key, sign
from monitor.wire import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
    return WebhookSink(id="desk", url=URL, secrets=(Signing(secret=SECRET),), post=out.post, clock=lambda: NOW)


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
    sink = WebhookSink(
        id="desk", url=URL, secrets=(Signing(secret=SECRET), Signing(secret=OTHER)), post=out.post, clock=lambda: now
    )
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
    sink = WebhookSink(id="desk", url=URL, secrets=(Signing(secret=SECRET),), post=out.post, clock=lambda: next(times))
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
        WebhookSink(id="desk", url=URL, secrets=(Signing(secret=secret),), post=post, clock=lambda: NOW)  # type: ignore[arg-type]

    assert str(refused.value) == "receiver desk: the secret must be whsec_ and base64 of 24 to 64 bytes"


def test_neither_secret_nor_address_shows(sink: WebhookSink) -> None:
    assert SECRET not in repr(sink)
    assert "secret-path" not in repr(sink)


# What comes back


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, "http"), (400, "http"), (410, "gone"), (429, "asked-to-wait"), (500, "http"), (502, "http"), (503, "asked-to-wait")],
)
@respx.mock
async def test_a_failure_says_what_it_was_and_what_came_back(sink: WebhookSink, status: int, kind: str) -> None:
    answering(httpx.Response(status, text="the desk is\r\nclosed\x1b[31m"))
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(DELIVERY)

    assert (failed.value.kind, failed.value.status, failed.value.excerpt) == (kind, status, "the desk is closed [31m")


@respx.mock
async def test_a_success_gives_a_receipt(sink: WebhookSink) -> None:
    answering(httpx.Response(202, text="queued as 7"))
    receipt = await sink.send(DELIVERY)

    assert (receipt.status, receipt.excerpt) == (202, "queued as 7")


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://elsewhere.example/a/token?key=1", " (it points to elsewhere.example)"),
        ("https://me:password@elsewhere.example/", " (it points to elsewhere.example)"),
        ("https://very-secret-path.example/", " (it points to ***.example)"),
        ("/login?next=token", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
@respx.mock
async def test_of_a_redirect_only_the_host_is_told(sink: WebhookSink, location: str, said: str) -> None:
    answering(httpx.Response(302, headers={"Location": location}))
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(DELIVERY)

    assert str(failed.value) == f"HTTP 302: redirects are not followed{said}"


HOOK = "https://hooks.example/services/T0123/very-secret-path?key=a+b%2Fc&team=blue-team"


def plainly(text: str) -> str:
    return text


def every_byte(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def inside_base64(text: str) -> str:
    return base64.b64encode(f'{{"u": "{text}"}}'.encode()).decode()


ECHOES = [
    plainly,
    quote,
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: quote(text, safe="").lower(),
    every_byte,
    str.upper,
    lambda text: json.dumps(text).replace("/", "\\/"),
    lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    lambda text: text.replace("&", "&amp;").replace("/", "&#x2F;"),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(b"??" + text.encode()).decode().rstrip("="),
    inside_base64,
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize(
    "part", [HOOK, HOOK.partition("hooks.example")[2], "very-secret-path", "key=a+b%2Fc&team=blue-team", SECRET]
)
def test_the_address_and_secrets_are_masked_however_they_are_echoed(echo: Callable[[str], str], part: str) -> None:
    said = echo(part)
    answer = Response(status=400, url=HOOK, body=f"cannot take <{said}> now".encode())
    told = Hearer(url=HOOK, secrets=(SECRET,)).excerpt(answer)

    assert "***" in told
    assert told.startswith("cannot take <")
    assert told.endswith("> now")
    for secret in ("very-secret-path", "blue-team", SECRET[6:]):
        assert secret not in told
        assert secret not in readings(told)


def readings(text: str) -> str:
    """What somebody could still read who knows the encodings."""
    tokens = re.findall(r"[A-Za-z0-9+/_-]{8,}", text)
    decoded = [
        base64.urlsafe_b64decode(one.replace("+", "-").replace("/", "_") + "=" * (-len(one) % 4))
        for one in tokens
        if len(one) % 4 != 1
    ]
    return "".join([unquote(unquote(text)), *(one.decode("latin-1") for one in decoded)])


def test_without_the_mask_the_secret_is_there_to_be_read() -> None:
    """The negative control of the test above: another receiver's answers are not masked for this one."""
    stranger = Hearer(url="https://other.example/")

    for echo in (plainly, every_byte, inside_base64):
        told = stranger.excerpt(Response(status=400, url=HOOK, body=f"cannot take <{echo('very-secret-path')}> now".encode()))
        assert "very-secret-path" in told + readings(told)


def test_a_secret_that_the_end_of_an_excerpt_would_cut_is_masked_all_the_same() -> None:
    hearer = Hearer(url=HOOK, secrets=(SECRET,))
    for before in range(EXCERPT - 60, EXCERPT + 1):
        told = hearer.excerpt(Response(status=400, url=HOOK, body=b"." * before + SECRET.encode() * 400))
        assert SECRET[:12] not in told


def test_a_short_address_masks_nothing_but_itself() -> None:
    told = Hearer(url="https://hooks.example/").excerpt(Response(status=400, url="", body=b"see https://hooks.example/ or /help"))

    assert told == "see *** or /help"


@settings(deadline=None)
@example("x" * 1_023 + " " + "x" * 9)
@example("é " * 600)
@given(st.text(max_size=3_000) | st.binary(max_size=3_000).map(lambda data: data.decode("latin-1")))
def test_an_excerpt_is_one_short_line_without_controls(said: str) -> None:
    told = Hearer(url=HOOK).excerpt(Response(status=200, url=HOOK, body=said.encode("utf-8", "replace")))

    assert len(told.encode()) <= EXCERPT
    assert told == " ".join(told.split())
    assert not [char for char in told if unicodedata.category(char) in ("Cc", "Cs")]
    assert not set(told) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def test_what_is_packed_though_nobody_asked_is_not_shown() -> None:
    answer = Response(status=400, url=HOOK, headers={"content-encoding": "gzip"}, body=gzip.compress(b"no"))

    assert Hearer(url=HOOK).excerpt(answer) == ""


# Changing a secret

UNTIL = NOW + timedelta(hours=24)
ROTATING = (Signing(secret=OTHER), Signing(secret=SECRET, until=UNTIL))


@pytest.mark.parametrize(
    ("secrets", "at", "verify"),
    [
        ((Signing(secret=SECRET),), NOW, {"old"}),
        (ROTATING, NOW, {"old", "new"}),
        (ROTATING, UNTIL - timedelta(microseconds=1), {"old", "new"}),
        (ROTATING, UNTIL, {"new"}),
        ((Signing(secret=OTHER),), UNTIL, {"new"}),
    ],
    ids=["before", "during", "at the last moment", "over", "after"],
)
@respx.mock
async def test_during_the_overlap_both_secrets_verify_and_after_it_only_the_new_one(
    out: Egress, secrets: tuple[Signing, ...], at: datetime, verify: set[str]
) -> None:
    route = answering(httpx.Response(200))
    await WebhookSink(id="desk", url=URL, secrets=secrets, post=out.post, clock=lambda: at).send(DELIVERY)

    assert {name for name, secret in (("old", SECRET), ("new", OTHER)) if verifies(secret, route.calls.last.request)} == verify
    assert len(route.calls.last.request.headers["webhook-signature"].split(" ")) == len(verify)


def verifies(secret: str, request: httpx.Request) -> bool:
    try:
        verified(secret, request)
    except WebhookVerificationError:
        return False
    return True


@respx.mock
async def test_the_retries_of_one_delivery_go_through_a_change_of_secrets(out: Egress) -> None:
    times = [NOW, UNTIL]
    sink = WebhookSink(id="desk", url=URL, secrets=ROTATING, post=out.post, clock=lambda: times.pop(0))
    route = answering(httpx.Response(500), httpx.Response(200))
    with pytest.raises(DeliveryFailed):
        await sink.send(DELIVERY)
    await sink.send(DELIVERY)
    first, second = (call.request for call in route.calls)

    assert (verifies(SECRET, first), verifies(OTHER, first)) == (True, True)
    assert (verifies(SECRET, second), verifies(OTHER, second)) == (False, True)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@respx.mock
async def test_with_no_secret_left_nothing_is_sent(out: Egress) -> None:
    route = answering(httpx.Response(200))
    sink = WebhookSink(id="desk", url=URL, secrets=(Signing(secret=SECRET, until=NOW),), post=out.post, clock=lambda: NOW)
    with pytest.raises(
        DeliveryFailed, match=r"no secret of receiver desk signs any more .*2026-07-01 12:00 UTC.*give it a new"
    ) as failed:
        await sink.send(DELIVERY)

    assert failed.value.kind == "ours"
    assert SECRET not in str(failed.value)
    assert route.call_count == 0


@pytest.mark.parametrize("secrets", [(), (Signing(secret=SECRET),) * 3])
def test_one_or_two_secrets_are_needed(out: Egress, secrets: tuple[Signing, ...]) -> None:
    with pytest.raises(ConfigError, match=r"receiver desk: (no secret|at most two secrets)"):
        WebhookSink(id="desk", url=URL, secrets=secrets, post=out.post, clock=lambda: NOW)


def test_a_secret_does_not_show_in_a_signing() -> None:
    assert SECRET not in repr(Signing(secret=SECRET))


# What the standard's library makes of forgeries of what we send


async def sent_now(out: Egress, body: bytes = DELIVERY.body) -> dict[str, str]:
    now = datetime.now(UTC)
    sink = WebhookSink(id="desk", url=URL, secrets=(Signing(secret=SECRET),), post=out.post, clock=lambda: now)
    with respx.mock:
        route = answering(httpx.Response(200))
        await sink.send(replace(DELIVERY, body=body))
    return dict(route.calls.last.request.headers)


def later(stamp: str, by: timedelta) -> str:
    return str(int(stamp) + int(by.total_seconds()))


FORGERIES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "another id": lambda sent: {**sent, "webhook-id": "alt_2"},
    "no id": lambda sent: {**sent, "webhook-id": ""},
    "another second": lambda sent: {**sent, "webhook-timestamp": later(sent["webhook-timestamp"], timedelta(seconds=1))},
    "no time": lambda sent: {**sent, "webhook-timestamp": "soon"},
    "cut": lambda sent: {**sent, "webhook-signature": sent["webhook-signature"][:-4]},
    "no signature": lambda sent: {**sent, "webhook-signature": "v1,"},
    "another version": lambda sent: {**sent, "webhook-signature": sent["webhook-signature"].replace("v1,", "v2,")},
    "no list": lambda sent: {**sent, "webhook-signature": sent["webhook-signature"].replace(",", "")},
    "commas": lambda sent: {**sent, "webhook-signature": sent["webhook-signature"] + ",x"},
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_the_library_turns_forgeries_away(out: Egress, forge: Callable[[dict[str, str]], dict[str, str]]) -> None:
    sent = await sent_now(out)

    assert Webhook(SECRET).verify(DELIVERY.body, sent) == {"text": "Пик"}
    with pytest.raises((WebhookVerificationError, ValueError)):  # ValueError is how it says that a list is malformed
        Webhook(SECRET).verify(DELIVERY.body, forge(sent))


async def test_the_library_turns_every_other_body_away(out: Egress) -> None:
    body = b'{"text":"peak"}'
    sent = await sent_now(out, body)

    assert Webhook(SECRET).verify(body, sent) == {"text": "peak"}
    for at in range(len(body)):
        for other in (body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], body[:at]):
            with pytest.raises(WebhookVerificationError):
                Webhook(SECRET).verify(other, sent)


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_the_library_turns_a_good_signature_of_another_time_away(out: Egress, minutes: int) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    with respx.mock:
        route = answering(httpx.Response(200))
        await WebhookSink(id="desk", url=URL, secrets=(Signing(secret=SECRET),), post=out.post, clock=lambda: now).send(DELIVERY)
    request = route.calls.last.request

    assert verifies(SECRET, request)
    with pytest.raises(WebhookVerificationError, match="too old" if minutes < 0 else "too new"):
        Webhook(SECRET).verify(request.content, dict(request.headers))


# Over a real wire


def to(url: str, out: Egress) -> WebhookSink:
    return WebhookSink(id="desk", url=url, secrets=(Signing(secret=SECRET),), post=out.post, clock=lambda: NOW)


@pytest.mark.parametrize("status", ["429 Slower", "503 Busy"])
@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("Retry-After: 30", timedelta(seconds=30)),
        ("retry-after:Wed, 01 Jul 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        ("Retry-After: 99999999", timedelta(days=1)),
        ("Retry-After: -1", None),
        ("Retry-After: soon", None),
        ("X-None: 1", None),
    ],
)
async def test_how_long_it_asks_to_wait_is_heard_over_the_wire(status: str, said: str, wait: timedelta | None) -> None:
    async with serving(answer(head(said, "Content-Length: 0", status=status))) as server, public() as out:
        with pytest.raises(DeliveryFailed) as failed:
            await to(server.url(), out).send(DELIVERY)

    assert (failed.value.kind, failed.value.wait) == ("asked-to-wait", wait)


async def test_gone_is_heard_over_the_wire_with_one_request() -> None:
    async with serving(answer(head("Content-Length: 3", status="410 Gone") + b"bye")) as server, public() as out:
        with pytest.raises(Refused) as failed:
            await to(server.url(), out).send(DELIVERY)

    assert (failed.value.kind, failed.value.excerpt, len(server.seen)) == ("gone", "bye", 1)


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
async def test_where_a_redirect_points_nobody_is_asked(status: str) -> None:
    async with serving(answer(OK)) as second, serving(answer(OK), PRIVATE) as forbidden, public() as out:
        for target in (second, forbidden):
            async with serving(answer(redirect(target.url(), status))) as first:
                with pytest.raises(DeliveryFailed, match="redirects are not followed"):
                    await to(first.url(), out).send(DELIVERY)
                assert len(first.seen) == 1

    assert (second.connections, forbidden.connections) == (0, 0)


async def test_a_huge_answer_is_a_success_by_its_status() -> None:
    async with serving(answer(head() + b"x" * 10_000_000)) as server, public() as out:
        receipt = await to(server.url(), out).send(DELIVERY)

    assert receipt.status == 200
    assert EXCERPT - 3 <= len(receipt.excerpt.encode()) <= EXCERPT


# What exactly is said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (299, None),
        (300, "HTTP 300: redirects are not followed"),
        (399, "HTTP 399: redirects are not followed"),
        (400, "HTTP 400"),
        (410, "HTTP 410: the receiver is gone"),
        (199, "HTTP 199"),
    ],
)
def test_what_an_answer_means_is_told_by_its_status(status: int, said: str | None) -> None:
    hearer, answer = Hearer(url=HOOK), Response(status=status, url=HOOK, body=b"done")
    if said is None:
        assert hearer.receipt(answer, NOW).status == status
        return
    with pytest.raises(DeliveryFailed) as failed:
        hearer.receipt(answer, NOW)

    assert (str(failed.value), failed.value.status, failed.value.excerpt) == (said, status, "done")


def test_of_a_long_host_that_a_redirect_points_to_the_beginning_is_told() -> None:
    host = ".".join(["abcdefghi"] * 20)
    answer = Response(status=302, url=HOOK, headers={"location": f"https://{host}/"})

    told = str(Hearer(url=HOOK).failure(answer, NOW))
    assert len(told.partition("points to ")[2].rstrip(")")) <= 100
    assert host[:90] in told


@pytest.mark.parametrize("coding", ["identity", " Identity ", ""])
def test_an_answer_that_says_that_it_is_not_packed_is_shown(coding: str) -> None:
    answer = Response(status=400, url=HOOK, headers={"content-encoding": coding}, body=b"no")

    assert Hearer(url=HOOK).excerpt(answer) == "no"


def test_an_excerpt_is_as_long_as_it_may_be_and_cut_between_characters() -> None:
    def excerpt(said: str) -> str:
        return Hearer(url=HOOK).excerpt(Response(status=400, url=HOOK, body=said.encode()))

    assert excerpt("x" * 1_024) == "x" * 1_024
    assert excerpt("x" * 5_000) == "x" * 1_023  # the sign that it was cut had no room
    assert excerpt("x" + "\N{EURO SIGN}" * 2_000) == "x" + "\N{EURO SIGN}" * 341
    assert excerpt("x" * 1_023 + " " + "x" * 9) == "x" * 1_023


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    answer = Response(status=400, url=HOOK, body=b"caf\xe9 closed")

    assert Hearer(url=HOOK).excerpt(answer) == "caf\N{REPLACEMENT CHARACTER} closed"


@pytest.mark.parametrize(
    ("url", "said", "told"),
    [
        ("https://hooks.example/v1/abcdef", "POST /v1/abcdef: abcdef, v1", "POST ***: ***, v1"),
        ("https://hooks.example/v1/abcde", "POST /v1/abcde: abcde", "POST ***: abcde"),
        ("https://hooks.example/in?token=abcdef&x=y", "token=abcdef&x=y, abcdef, y", "***, ***, y"),
        ("https://hooks.example/in#abcdefgh", "see abcdefgh", "see ***"),
        ("https://hooks.example/caf%C3%A9-secret", "no café-secret here", "no *** here"),
        ("https://hooks.example/in", "hooks.example is closed", "hooks.example is closed"),
    ],
)
def test_what_of_an_address_is_a_secret(url: str, said: str, told: str) -> None:
    """All of its parts but hosts and words that anybody would guess."""
    assert Hearer(url=url).masked(said) == told


def test_a_long_secret_takes_with_it_what_follows_without_a_gap() -> None:
    """Only its beginning is looked for: time is bounded by the text."""
    long = "whsec_" + base64.b64encode(bytes(range(64))).decode()
    hearer = Hearer(url=HOOK, secrets=(long,))

    assert hearer.masked(f"<{long}> {long[6:]} end") == "<***> *** end"
    assert hearer.masked(f'"{long}" {inside_base64(long)} end').endswith(" end")
    assert hearer.masked(f"{long[:64]}\n{long[64:]}").startswith("***\n")


def test_what_begins_after_what_is_looked_at_is_left_aside() -> None:
    """A secret that the end of what was read cuts in two would not be recognised."""
    hearer = Hearer(url=HOOK, secrets=(SECRET,))

    assert hearer.masked("." * 4_095 + SECRET + "tail") == "." * 4_095 + "***"
    assert hearer.masked("." * 4_096 + SECRET + "tail") == "." * 4_096
    assert hearer.masked("." * 5_000) == "." * 4_096


def test_a_secret_of_64_bytes_can_be_used_and_one_of_24() -> None:
    for size in (24, 64):
        assert key("whsec_" + base64.b64encode(b"k" * size).decode(), "desk") == b"k" * size


async def test_the_reason_why_nothing_signs_names_the_last_secret_that_did(out: Egress) -> None:
    ended = (Signing(secret=SECRET, until=NOW), Signing(secret=OTHER, until=NOW - timedelta(days=1)))
    sink = WebhookSink(id="desk", url=URL, secrets=ended, post=out.post, clock=lambda: NOW)
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(DELIVERY)

    assert str(failed.value) == (
        "no secret of receiver desk signs any more (the last one ended 2026-07-01 12:00 UTC): "
        "give it a new `secret` in the configuration, and the receiver the same one"
    )
