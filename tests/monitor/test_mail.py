"""E-mail: what a letter looks like whatever feeds smuggle in, and how it is handed over, to real servers on real sockets."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import structlog
import trustme
from fakemail import MailServer, receiving
from fakenet import NO_TLS, PRIVATE, PUBLIC, Names, egress
from hypothesis import given
from hypothesis import strategies as st

from monitor import config
from monitor.addresses import Blocked, Guard
from monitor.app.receivers import open_egress, sinks
from monitor.egress import Egress, Relay
from monitor.egress.lookups import NoAddress
from monitor.errors import ConfigError, DeliveryFailed
from monitor.model import Alert, Delivery, Sighting
from monitor.sinks import SINKS
from monitor.sinks.mail import LIMIT, MailSink, letter
from monitor.sinks.slack import SlackSink
from monitor.sinks.webhook import WebhookSink
from monitor.wire import Mailed
from rules import Article, Finding, Hit

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SENDER = "monitor@news.example"
TO = ("chief@desk.example", "night@desk.example")
NAME = "mail.example"
PASSWORD = "a/Päss word+1"

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Auto-Submitted", "List-Id", "X-Monitor-Alert",
    "X-Monitor-Rule", "X-Monitor-Level", "MIME-Version", "Content-Type",
]  # fmt: skip


def alert(**changes: object) -> Alert:
    sentence = "Ministers of Malta and Chile agreed to hold talks in Oslo on Friday."
    at = sentence.index("talks")
    found = Finding(
        field="body",
        start=0,
        end=len(sentence),
        text=sentence,
        hits=(Hit(field="body", start=at, end=at + 5, text="talks"),),
        captures={"place": "Oslo"},
        labels={"stance": "open"},
    )
    usual = Alert(
        id="alt_abc",
        kind="new",
        rule="talks",
        rule_title="Talks announced",
        level="high",
        version="1",
        tags=(),
        title="Talks announced: Malta, Chile",
        article=Article(
            id="a1", source="courier", url="https://courier.example/a?b=1&c=2", title="Malta & Chile to talk", published=NOW
        ),
        first_seen=NOW,
        raised=NOW,
        sightings=(Sighting(event="evt_one", finding=found),),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def parsed(data: bytes) -> EmailMessage:
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return str(found.get_content()).replace("\r\n", "\n")


class Tags(HTMLParser):
    """Every tag with its attributes, and the text without them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# What a letter looks like


def test_a_letter_says_what_happened_and_shows_the_sentence_that_proves_it() -> None:
    message = parsed(letter(alert(), SENDER, TO))

    assert message.keys() == HEADERS
    assert message["Subject"] == "HIGH · Talks announced: Malta, Chile"
    assert (message["From"], message["To"]) == (SENDER, "chief@desk.example, night@desk.example")
    assert message["Date"].datetime == NOW
    assert part(message, "plain").splitlines() == [
        "HIGH · Talks announced: Malta, Chile",
        "courier · 2026-07-01 12:00 UTC",
        "Malta & Chile to talk",
        "https://courier.example/a?b=1&c=2",
        "",
        "> Ministers of Malta and Chile agreed to hold «talks» in Oslo on Friday.",
        "  stance     open",
        "  place      Oslo",
        "",
        "talks · alt_abc",
    ]


def test_its_page_marks_the_evidence_and_leads_to_the_article() -> None:
    page = part(parsed(letter(alert(), SENDER, TO)), "html")
    found = Tags(page)

    assert "agreed to hold <mark>talks</mark> in" in page
    assert ("a", {"href": "https://courier.example/a?b=1&c=2", "rel": "noreferrer"}) in found.tags
    assert "Malta &amp; Chile to talk" in page
    assert {name for name, _ in found.tags} <= ALLOWED


def test_every_letter_of_one_event_belongs_to_the_same_thread_and_has_one_name() -> None:
    first, update = (parsed(letter(alert(id=id, kind=kind), SENDER, TO)) for id, kind in (("alt_1", "new"), ("alt_2", "update")))

    assert (first["Message-ID"], update["Message-ID"]) == ("<alt_1@news.example>", "<alt_2@news.example>")
    assert first["References"] == update["References"] == "<evt_one@news.example>"
    assert update["In-Reply-To"] == "<evt_one@news.example>"
    assert update["Subject"].endswith(" · update")


def test_programs_are_told_who_writes_and_why() -> None:
    message = parsed(letter(alert(rule="Gespräche/1"), SENDER, TO))

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<gespr-che-1.news.example>"
    assert (message["X-Monitor-Rule"], message["X-Monitor-Level"], message["X-Monitor-Alert"]) == (
        "Gespräche/1",
        "high",
        "alt_abc",
    )


def test_what_is_no_article_says_why_and_belongs_to_no_thread() -> None:
    silent = alert(
        kind="silent",
        title="Source silent: courier",
        sightings=(),
        article=Article(id="courier#silent", source="courier", title="Source silent: courier", summary="no answer\nsince <noon>"),
    )
    message = parsed(letter(silent, SENDER, TO))

    assert "no answer\nsince <noon>" in part(message, "plain")
    assert "since &lt;noon&gt;" in part(message, "html")
    assert "References" not in message
    assert "In-Reply-To" not in message


def test_the_same_alert_is_the_same_letter_to_the_byte() -> None:
    assert letter(alert(), SENDER, TO) == letter(alert(), SENDER, TO)


@pytest.mark.parametrize("title", ["plain words", "Мальта и Чили договорились" * 20])
def test_every_line_of_a_body_ends_as_it_must_in_either_encoding(title: str) -> None:
    bodies = [
        one.get_payload(decode=True)
        for one in parsed(letter(alert(title=title, article=Article(id="a", title=title * 9)), SENDER, TO)).walk()
    ]

    for body in filter(None, bodies):
        assert isinstance(body, bytes)
        assert body.count(b"\n") == body.count(b"\r\n") == body.count(b"\r") > 5


@pytest.mark.parametrize("text", ["Мальта и Чили договорились", "馬耳他與智利同意會談", "plain words", "half 中 and half"])
def test_any_script_can_be_read_in_subject_and_body(text: str) -> None:
    message = parsed(letter(alert(title=text), SENDER, TO))

    assert message["Subject"] == f"HIGH · {text}"
    assert f"HIGH · {text}" in part(message, "plain")


def test_lines_are_as_the_wire_wants_them() -> None:
    data = letter(alert(title="д" * 400, article=Article(id="a", title="x" * 3_000)), SENDER, TO)

    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 160
    assert len(str(parsed(data)["Subject"])) <= 150


def test_a_letter_that_would_be_too_large_is_plain_text_and_says_that_it_is_cut() -> None:
    text = "&" * 50_000
    huge = alert(
        sightings=tuple(
            Sighting(event=f"e{n}", finding=Finding(field="body", start=0, end=len(text), text=text, hits=(), captures={}))
            for n in range(50)
        )
    )
    message = parsed(letter(huge, SENDER, TO))

    assert len(letter(huge, SENDER, TO)) <= LIMIT
    assert "This is not all of it" in part(message, "plain")


# What feeds may smuggle in

NASTY = [
    "x\r\nBcc: all@evil.example", "x\nX-Evil: 1\n\n<script>", "=?utf-8?q?x=0D=0ABcc=3A_all=40evil.example?=", "=?utf-8?b?PHNjcmlwdD4=?=",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title><b>", '" onmouseover="x', "\u202egnp.exe", "a\u2028b\u2029c\x85d",
    "\x00\x1b[31m\x9b", "--=_", "\r\n.\r\nMAIL FROM:<x@evil.example>", "\ud800", "<!--", "]]>", "&lt;&amp;#x3c;", "From me", ".", "",
]  # fmt: skip
ALLOWED = {"html", "head", "meta", "body", "h3", "p", "a", "blockquote", "mark", "table", "tr", "td", "small"}
STEERING = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f",
}

texts = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=80), st.lists(st.sampled_from(NASTY), min_size=2, max_size=4).map("".join)
)


@given(title=texts, headline=texts, sentence=texts, speaker=texts, rule=texts, url=texts, reason=texts)
def test_nothing_from_outside_becomes_a_header_a_tag_or_a_control(
    title: str, headline: str, sentence: str, speaker: str, rule: str, url: str, reason: str
) -> None:
    cut = max(len(sentence) // 2, 1)
    found = Finding(
        field="body",
        start=0,
        end=len(sentence),
        text=sentence,
        hits=(Hit(field="body", start=0, end=cut, text=sentence[:cut]),),
        captures={"speaker": speaker},
    )
    article = Article(id="a", source=speaker, url=url or None, title=headline, summary=reason)
    for sightings in ((Sighting(event="evt_one", finding=found),), ()):
        hostile = alert(title=title, rule=rule or "r", article=article, sightings=sightings)
        message = parsed(letter(hostile, SENDER, TO))
        only_ours(message, sightings=bool(sightings))


def only_ours(message: EmailMessage, *, sightings: bool) -> None:
    names = [name for name in HEADERS if sightings or name not in ("References", "In-Reply-To")]
    assert message.keys() == names
    assert not any(STEERING & set(str(value)) for value in message.values())
    assert (message["From"], message["To"]) == (SENDER, ", ".join(TO))
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    plain, page = part(message, "plain"), part(message, "html")
    assert not STEERING & set(plain + page) - {"\n"}
    assert str(message["Subject"]).split() == plain.splitlines()[0].split()
    tags = Tags(page).tags
    assert {name for name, _ in tags} <= ALLOWED
    assert {key for _, attributes in tags for key in attributes} <= {"charset", "style", "dir", "href", "rel"}
    assert all(str(attributes["href"]).startswith(("http://", "https://")) for name, attributes in tags if name == "a")


@pytest.mark.parametrize("text", NASTY)
def test_what_is_nasty_is_shown_as_the_words_that_it_is(text: str) -> None:
    """The escaping above loses nothing: who reads it sees the words."""
    seen = " ".join("".join(" " if char in STEERING or char in "\u2028\u2029\ud800" else char for char in text).split())
    message = parsed(letter(alert(title=f"[{text}]"), SENDER, TO))

    assert " ".join(seen.split()) in str(message["Subject"])
    assert " ".join(seen.split()) in Tags(part(message, "html")).text


def test_what_is_written_without_care_does_all_of_that() -> None:
    """The negative control: what the tests above look for can be seen."""
    careless = parsed(f"From: {SENDER}\r\nSubject: {NASTY[0]}\r\nX-Word: {NASTY[3]}\r\n\r\nhello".encode())

    assert careless["Bcc"] == "all@evil.example"
    assert careless["X-Word"] == "<script>"
    assert "script" in {name for name, _ in Tags(NASTY[4]).tags}


# How it is handed over


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def shown(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server of these names shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def going_out(tls: ssl.SSLContext = NO_TLS, allow: str = f"{PUBLIC}/32", host: str = PUBLIC) -> AsyncIterator[Egress]:
    async with egress(Names({NAME: [[host]]}), allow, tls=tls) as out:
        yield out


async def post(out: Egress, relay: Relay, to: tuple[str, ...] = TO, deadline: float = 15.0) -> Mailed:
    return await out.mail(relay, SENDER, to, letter(alert(), SENDER, to), deadline=deadline)


async def failure(out: Egress, relay: Relay, to: tuple[str, ...] = TO, deadline: float = 15.0) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        await post(out, relay, to, deadline)
    return caught.value


def plain(server: MailServer, **more: str) -> Relay:
    return Relay(host=NAME, port=server.port, tls="none", **more)


async def test_a_letter_arrives_byte_for_byte_with_all_its_recipients() -> None:
    async with receiving(MailServer()) as server, going_out() as out:
        answer = await post(out, plain(server))

    (got,) = server.letters
    assert (got.sender, tuple(got.recipients), got.data) == (SENDER, TO, letter(alert(), SENDER, TO))
    assert answer == Mailed(status=250, said="taken as 4711")
    assert server.said[0] == "EHLO news.example"
    assert server.said[-1] == "QUIT"


async def test_lines_that_begin_with_a_dot_arrive_as_they_are() -> None:
    data = b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\n"
    async with receiving(MailServer()) as server, going_out() as out:
        await out.mail(plain(server), SENDER, TO, data)

    assert server.letters[0].data == data


async def test_starttls_encrypts_before_anything_of_worth_is_said(authority: trustme.CA) -> None:
    server = MailServer(tls=shown(authority, NAME), offers_starttls=True, users={"news": PASSWORD})
    async with receiving(server), going_out(trusting(authority)) as out:
        await post(out, Relay(host=NAME, port=server.port, user="news", password=PASSWORD))

    assert server.said[:2] == ["EHLO news.example", "STARTTLS"]
    assert all(line.startswith("*") for line in server.said[2:])
    assert server.logins == ["*news"]
    assert len(server.letters) == 1


async def test_tls_encrypts_from_the_first_byte_on(authority: trustme.CA) -> None:
    server = MailServer(tls=shown(authority, NAME), users={"news": PASSWORD})
    async with receiving(server, implicit=True), going_out(trusting(authority)) as out:
        await post(out, Relay(host=NAME, port=server.port, tls="tls", user="news", password=PASSWORD))

    assert all(line.startswith("*") for line in server.said)
    assert (server.logins, len(server.letters)) == (["*news"], 1)


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_a_certificate_for_another_name_is_not_believed(authority: trustme.CA, tls: str) -> None:
    server = MailServer(tls=shown(authority, "other.example"), offers_starttls=True)
    async with receiving(server, implicit=tls == "tls"), going_out(trusting(authority)) as out:
        error = await failure(out, Relay(host=NAME, port=server.port, tls=tls))

    assert (error.kind, str(error)) == ("tls", "mail.example: the TLS certificate is not valid for this host")
    assert server.letters == []


async def test_a_server_whose_offer_of_starttls_is_taken_away_gets_nothing(authority: trustme.CA) -> None:
    server = MailServer(users={"news": PASSWORD})
    async with receiving(server), going_out(trusting(authority)) as out:
        error = await failure(out, Relay(host=NAME, port=server.port, user="news", password=PASSWORD))

    assert (error.kind, str(error)) == ("tls", "mail.example: it offers no encryption (STARTTLS), and nothing was sent")
    assert (server.said, server.logins, server.letters) == (["EHLO news.example"], [], [])


async def test_without_encryption_the_same_server_would_get_it() -> None:
    """The negative control of the test above."""
    async with receiving(MailServer()) as server, going_out() as out:
        await post(out, plain(server))

    assert len(server.letters) == 1


async def test_a_password_never_goes_over_an_open_line_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MailServer(users={"news": PASSWORD})
    async with receiving(server), going_out() as out:
        monkeypatch.setattr("monitor.egress.mail._local", lambda _: False)  # as if it were elsewhere
        error = await failure(out, plain(server, user="news", password=PASSWORD))
    assert error.kind == "tls"
    assert "a password is never sent over a line that is not encrypted" in str(error)
    assert (server.connections, server.logins) == (0, [])


async def test_within_the_machine_a_password_may() -> None:
    """The negative control of the test above."""
    server = MailServer(users={"news": PASSWORD})
    async with receiving(server), going_out() as out:
        await post(out, plain(server, user="news", password=PASSWORD))

    assert server.logins == ["news"]


async def test_a_wrong_password_is_told_without_showing_it() -> None:
    server = MailServer(users={"news": "other"})
    async with receiving(server), going_out() as out:
        relay = plain(server, user="news", password=PASSWORD)
        error = await failure(out, relay)

    assert (error.kind, error.status) == ("http", 535)
    assert str(error) == "mail.example: it does not take user and password (535)"
    assert error.excerpt == "no: *** ***"
    for text in (str(error), error.excerpt, repr(error), repr(relay)):
        assert PASSWORD not in text
        assert b64encode(f"\0news\0{PASSWORD}".encode()).decode() not in text


async def test_a_server_that_lets_nobody_log_in_is_told() -> None:
    async with receiving(MailServer()) as server, going_out() as out:
        error = await failure(out, plain(server, user="news", password=PASSWORD))

    assert (error.kind, str(error)) == ("http", "mail.example: it lets nobody log in")


async def test_a_challenge_that_makes_no_sense_is_told() -> None:
    server = MailServer(users={"news": PASSWORD}, auth="CRAM-MD5", answers={"AUTH": "334 abcde"})
    async with receiving(server), going_out() as out:
        error = await failure(out, plain(server, user="news", password=PASSWORD))

    assert (error.kind, str(error)) == ("http", "mail.example: it does not take user and password (334)")


@pytest.mark.parametrize("at", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
async def test_a_server_that_falls_silent_is_left_at_the_deadline(at: str) -> None:
    async with receiving(MailServer(hangs=at)) as server, going_out() as out:
        error = await failure(out, plain(server), deadline=0.2)

    assert (error.kind, str(error)) == ("slow", "mail.example: timed out after 0.2 s")


@pytest.mark.parametrize("at", ["EHLO", "DATA"])
async def test_a_server_that_drips_is_left_at_the_deadline(at: str) -> None:
    async with receiving(MailServer(drips=at)) as server, going_out() as out:
        error = await failure(out, plain(server), deadline=0.2)

    assert error.kind == "slow"


async def test_a_handshake_that_hangs_is_left_at_the_deadline(authority: trustme.CA) -> None:
    async with receiving(MailServer(hangs="")) as server, going_out(trusting(authority)) as out:
        error = await failure(out, Relay(host=NAME, port=server.port, tls="tls"), deadline=0.2)

    assert error.kind == "slow"


async def test_a_goodbye_that_hangs_does_not_spoil_what_was_delivered() -> None:
    async with receiving(MailServer(hangs="QUIT")) as server, going_out() as out:
        answer = await post(out, plain(server), deadline=0.5)

    assert (answer.status, len(server.letters)) == (250, 1)


async def test_an_answer_without_end_is_cut_off() -> None:
    flood = "\r\n".join(["250-" + "x" * 4_000] * 30)
    async with receiving(MailServer(answers={"EHLO": flood})) as server, going_out() as out:
        error = await failure(out, plain(server))

    assert (error.kind, error.status) == ("http", None)
    assert len(error.excerpt) <= 500


@pytest.mark.parametrize(
    ("answers", "kind", "status"),
    [
        ({"": "421 too busy"}, "asked-to-wait", 421),
        ({"": "554 go away"}, "http", 554),
        ({"EHLO": "500 what?"}, "http", 500),
        ({"MAIL": "451 try later"}, "asked-to-wait", 451),
        ({"MAIL": "530 log in first"}, "http", 530),
        ({"RCPT": "450 greylisted"}, "asked-to-wait", 450),
        ({"RCPT": "421 closing"}, "asked-to-wait", 421),
        ({"RCPT": "550 no such user"}, "http", 550),
        ({"RCPT TO:<chief": "550 no such user", "RCPT": "452 full"}, "asked-to-wait", 452),
        ({"DATA": "554 no"}, "http", 554),
        ({".": "552 too large"}, "http", 552),
        ({".": "452 disk full"}, "asked-to-wait", 452),
        ({"DATA": "nonsense"}, "http", None),
    ],
)
async def test_what_a_server_refuses_is_a_failure_of_its_kind(answers: dict[str, str], kind: str, status: int | None) -> None:
    async with receiving(MailServer(answers=answers)) as server, going_out() as out:
        error = await failure(out, plain(server))

    assert (error.kind, error.status) == (kind, status)
    assert server.letters == []
    if status:
        assert f"({status})" in str(error)
        assert error.excerpt == next(text for text in answers.values() if text.startswith(str(status)))[4:]


async def test_a_connection_that_breaks_off_or_is_refused_is_unreachable() -> None:
    async with receiving(MailServer()) as server, going_out() as out:
        gone = plain(server)
    async with going_out() as out:
        assert (await failure(out, gone)).kind == "unreachable"
        nobody = Names(broken={NAME: NoAddress("the host name has no address")})
        async with egress(nobody) as lost:
            assert str(await failure(lost, gone)) == "mail.example: the host name has no address"


async def test_a_mail_server_in_a_private_network_is_not_reached() -> None:
    async with receiving(MailServer(host=PRIVATE)) as server, going_out(host=PRIVATE) as out:
        error = await failure(out, plain(server))

    assert (error.kind, str(error)) == ("blocked", f"mail.example: blocked address {PRIVATE}")
    assert server.connections == 0


async def test_one_that_is_allowed_is() -> None:
    """The negative control of the test above."""
    async with receiving(MailServer(host=PRIVATE)) as server, going_out(allow=f"{PRIVATE}/32", host=PRIVATE) as out:
        await post(out, plain(server))

    assert len(server.letters) == 1


async def test_the_name_is_looked_up_once_and_the_address_that_was_checked_is_used() -> None:
    names = Names({NAME: [[PUBLIC], [PRIVATE]]})
    async with receiving(MailServer()) as server, egress(names) as out:
        await post(out, plain(server))

    assert (names.asked, len(server.letters)) == ([NAME], 1)


async def test_an_address_that_is_not_allowed_is_passed_over_for_the_next() -> None:
    async with receiving(MailServer()) as server, egress(Names({NAME: [[PRIVATE, PUBLIC]]})) as out:
        await post(out, plain(server))

    assert len(server.letters) == 1


def test_the_guard_lets_mail_go_to_the_port_of_mail_and_nothing_else() -> None:
    guard = Guard()
    guard.check("93.184.216.34", 587, ports={587})
    for ports in ({}, {"ports": {25}}):
        with pytest.raises(Blocked, match="blocked port 587"):
            guard.check("93.184.216.34", 587, **ports)
    with pytest.raises(Blocked, match="blocked address"):
        guard.check("10.0.0.1", 587, ports={587})


async def test_a_public_mail_server_at_its_usual_port_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection leaves this machine: what would be connected to is written down instead."""
    asked: list[tuple[str, int]] = []

    async def connection(found: ResolveResult, port: int) -> socket.socket:
        asked.append((found["host"], port))
        raise ConnectionRefusedError

    monkeypatch.setattr("monitor.egress.mail._connection", connection)
    async with egress(Names({NAME: [["93.184.216.34"]]})) as out:
        assert (await failure(out, Relay(host=NAME, port=587))).kind == "unreachable"

    assert asked == [("93.184.216.34", 587)]


# The sink


class Postman:
    """Takes every letter, for all but those in `refused`."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.refused = refused or {}
        self.taken: list[tuple[str, tuple[str, ...], bytes]] = []

    async def __call__(self, sender: str, recipients: object, letter: bytes, *, together: bool = False) -> Mailed:
        self.taken.append((sender, tuple(recipients), letter))  # type: ignore[arg-type]
        return Mailed(status=250, said="queued", refused=self.refused)


def delivery(body: bytes = b"frozen") -> Delivery:
    return Delivery(alert="alt_abc", sink="desk", body=body, due=NOW)


async def test_the_sink_sends_the_frozen_bytes() -> None:
    postman = Postman()
    sink = MailSink(id="desk", addresses=TO, sender=SENDER, mail=postman)
    receipt = await sink.send(delivery())

    assert postman.taken == [(SENDER, TO, b"frozen")]
    assert (receipt.status, receipt.excerpt, sink.at_once) == (250, "queued", 2)
    assert sink.render(alert()) == letter(alert(), SENDER, TO)


def through(out: Egress, server: MailServer) -> MailSink:
    """A receiver with the addresses in TO, behind this server."""
    return MailSink(id="desk", addresses=TO, sender=SENDER, mail=partial(out.mail, plain(server)))


async def test_one_address_of_two_that_is_refused_is_named_and_the_other_gets_it_once() -> None:
    server = MailServer(answers={"RCPT TO:<night": "550 no such user"})
    async with receiving(server), going_out() as out:
        with structlog.testing.capture_logs() as logged:
            receipt = await through(out, server).send(replace(delivery(letter(alert(), SENDER, TO)), attempts=1))

    assert [got.recipients for got in server.letters] == [["chief@desk.example"]]
    assert receipt.excerpt == "taken as 4711; not for night@desk.example: 550 no such user"
    (warning,) = [entry for entry in logged if entry["event"] == "addresses refused"]
    assert (warning["log_level"], warning["refused"]) == ("warning", {"night@desk.example": "550 no such user"})


async def attempts(sink: MailSink, numbers: Iterable[int], *, probe: bool = False) -> list[DeliveryFailed]:
    """Why these attempts at one letter failed, until one does not."""
    failures: list[DeliveryFailed] = []
    for number in numbers:
        try:
            await sink.send(replace(delivery(letter(alert(), SENDER, TO)), attempts=number, probe=probe))
        except DeliveryFailed as error:
            failures.append(error)
        else:
            break
    return failures


GREYLISTED = {"RCPT TO:<night": ["450 4.2.0 greylisted", "450 4.2.0 greylisted"]}


async def test_while_one_address_is_asked_to_come_later_none_gets_it_and_then_each_gets_it_once() -> None:
    server = MailServer(first=GREYLISTED)
    async with receiving(server), going_out() as out:
        first, second = await attempts(through(out, server), range(1, 15))

    assert (first.kind, first.status) == (second.kind, second.status) == ("asked-to-wait", 450)
    assert str(first) == "mail.example: it does not take the mail for every address yet (450)"
    assert first.excerpt == "not for night@desk.example: 450 4.2.0 greylisted"
    assert server.copies() == {"chief@desk.example": 1, "night@desk.example": 1}
    assert [line.split()[0] for line in server.said].count("DATA") == 1
    assert [line.split()[0] for line in server.said].count("QUIT") == 3  # it takes its leave also where there is no letter


async def test_where_it_is_sent_to_some_at_once_the_others_never_get_it() -> None:
    """The negative control of the test above: a probe, which must show whether anything is taken, waits for nobody."""
    server = MailServer(first=GREYLISTED)
    async with receiving(server), going_out() as out:
        assert await attempts(through(out, server), range(1, 15), probe=True) == []

    assert server.copies() == {"chief@desk.example": 1}


async def test_from_the_sixth_attempt_on_those_get_it_whom_the_server_takes_it_for() -> None:
    server = MailServer(answers={"RCPT TO:<night": "450 mailbox busy"})
    async with receiving(server), going_out() as out:
        sink = through(out, server)
        assert len(await attempts(sink, range(1, 6))) == 5
        assert server.copies() == {}

        receipt = await sink.send(replace(delivery(letter(alert(), SENDER, TO)), attempts=6))

    assert receipt.excerpt == "taken as 4711; not for night@desk.example: 450 mailbox busy"
    assert server.copies() == {"chief@desk.example": 1}


@pytest.mark.parametrize(("said", "kind", "status"), [("451 later", "asked-to-wait", 451), ("454 no", "http", 454)])
async def test_whoever_is_refused_for_good_does_not_spoil_the_wait_for_another(said: str, kind: str, status: int) -> None:
    to = (*TO, "gone@desk.example")
    server = MailServer(first={"RCPT TO:<night": [said]}, answers={"RCPT TO:<gone": "550 no such user"})
    async with receiving(server), going_out() as out:
        sink = replace(through(out, server), addresses=to)
        (failed,) = await attempts(sink, range(1, 15))

    assert (failed.kind, failed.status) == (kind, status)
    assert failed.excerpt == f"not for night@desk.example: {said}; not for gone@desk.example: 550 no such user"
    assert server.copies() == {"chief@desk.example": 1, "night@desk.example": 1}


async def test_of_several_that_wait_the_answer_that_asks_for_it_counts() -> None:
    server = MailServer(answers={"RCPT TO:<night": "454 no", "RCPT TO:<third": "452 full"})
    async with receiving(server), going_out() as out:
        (failed,) = await attempts(replace(through(out, server), addresses=(*TO, "third@desk.example")), [1])

    assert (failed.kind, failed.status, server.letters) == ("asked-to-wait", 452, [])


async def test_a_goodbye_that_hangs_does_not_spoil_the_wait() -> None:
    server = MailServer(answers={"RCPT TO:<night": "450 greylisted"}, hangs="QUIT")
    async with receiving(server), going_out() as out:
        with pytest.raises(DeliveryFailed) as failed:
            await out.mail(plain(server), SENDER, TO, letter(alert(), SENDER, TO), deadline=0.5, together=True)

    assert (failed.value.kind, failed.value.status) == ("asked-to-wait", 450)


# Whom monitor.yaml names

SETTINGS = """
receivers:
  - {id: hook, webhook: "https://h.example/x", secret: [{env: KEY}, {env: KEY, until: "2099-01-01T00:00:00Z"}], at_once: 3}
  - {id: chat, slack: {env: SLACK}}
  - {id: people, email: [chief@desk.example, night@desk.example], at_once: 5}
settings:
  mail: {host: mail.example, user: news, password: {env: PASSWORD}, sender: monitor@news.example}
"""
ENVIRONMENT = {"KEY": "whsec_" + "QUJD" * 11, "SLACK": "https://hooks.slack.example/T/B/x", "PASSWORD": PASSWORD}


async def test_each_receiver_is_told_in_its_own_form() -> None:
    found = config.parse(SETTINGS.encode(), config.Config().rules, ENVIRONMENT)
    async with open_egress(found) as out:
        hook, chat, people = sinks(found, out).values()

    assert isinstance(hook, WebhookSink)
    assert (hook.at_once, [one.until for one in hook.secrets]) == (3, [None, datetime(2099, 1, 1, tzinfo=UTC)])
    assert isinstance(chat, SlackSink)
    assert chat.url == ENVIRONMENT["SLACK"]
    assert isinstance(people, MailSink)
    assert (people.addresses, people.sender, people.at_once) == (TO, SENDER, 5)
    assert SINKS.keys() == {"webhook", "slack", "email", "terminal"}
    for one in (hook, chat, people):
        assert not any(secret in repr(one) for secret in ENVIRONMENT.values())


async def test_e_mail_without_a_server_makes_no_sink() -> None:
    found = replace(config.parse(SETTINGS.encode(), config.Config().rules, ENVIRONMENT), mail=None)
    async with open_egress(found) as out:
        with pytest.raises(ConfigError, match="e-mail needs a server that takes it"):
            sinks(found, out)
