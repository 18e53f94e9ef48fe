"""What a Slack channel is told, and what Slack answers. What it looks like there is for people to see; that nothing pings is proven."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from fakenet import PUBLIC, answer, egress, head, redirect, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import spoken
from monitor.egress import Egress
from monitor.errors import DeliveryFailed, Refused
from monitor.model import Alert, Delivery, Sighting
from monitor.sinks.slack import SlackSink, escaped
from monitor.wire import Response
from rules import Article, Finding, Hit

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://hooks.slack.example/services/T0001/B0001/secret-token"
SENTENCE = "Malta will host talks, Lavrov said."
ARTICLE = Article(
    id="a1",
    title="Talks in Malta",
    body=SENTENCE,
    url="https://news.example/a?x=1&y=2",
    source="The Northern Courier",
    source_kind="independent",
    published=NOW - timedelta(hours=1),
)
FINDING = Finding(
    field="body",
    start=0,
    end=len(SENTENCE),
    text=SENTENCE,
    hits=(Hit(field="body", start=0, end=5, text="Malta"), Hit(field="body", start=16, end=21, text="talks")),
    captures={"speaker": "Sergei Lavrov", "place": "Malta", "via": None, "content": SENTENCE},
    labels={"stance": "open"},
)
ALERT = Alert(
    id="alt_1",
    kind="new",
    rule="summit",
    rule_title="Summit: {place}",
    level="high",
    version="0123456789ab",
    tags=(),
    title="Summit: Malta",
    article=ARTICLE,
    first_seen=NOW,
    raised=NOW,
    sightings=(Sighting(event="evt_1", finding=FINDING),),
)


async def unused(url: str, **_: object) -> Response:
    raise AssertionError(url)


SINK = SlackSink(id="desk", url=URL, post=unused, clock=lambda: NOW)
DELIVERY = Delivery(alert="alt_1", sink="desk", body=b'{"text":"x"}', due=NOW)


def message(alert: Alert) -> dict[str, Any]:
    found = json.loads(SINK.render(alert))
    assert isinstance(found, dict)
    return found


def texts(value: Any) -> Iterator[dict[str, Any]]:
    """Every text object of a message."""
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            yield value
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def shown(alert: Alert) -> str:
    """All that people read of it."""
    return "\n".join(html.unescape(one["text"]) for one in texts(message(alert)))


# What is said


def test_an_analyst_sees_what_it_is_the_proof_who_said_it_and_where_it_was_read() -> None:
    assert message(ALERT) == {
        "text": "HIGH · Summit: Malta",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "HIGH · Summit: Malta", "emoji": False}},
            {
                "type": "context",
                "elements": [
                    {"type": "plain_text", "text": "Talks in Malta", "emoji": False},
                    {"type": "plain_text", "text": "The Northern Courier · independent · 2026-07-01 11:00 UTC", "emoji": False},
                ],
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": "«Malta» will host «talks», Lavrov said.", "emoji": False},
                "fields": [
                    {"type": "plain_text", "text": "speaker: Sergei Lavrov", "emoji": False},
                    {"type": "plain_text", "text": "stance: open", "emoji": False},
                    {"type": "plain_text", "text": "place: Malta", "emoji": False},
                ],
            },
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": "<https://news.example/a?x=1&amp;y=2|Read the article>", "verbatim": True},
                    {"type": "plain_text", "text": "summit · alt_1", "emoji": False},
                ],
            },
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


@pytest.mark.parametrize("kind", ["update", "cancelled", "retracted"])
def test_what_is_no_new_event_says_so_first(kind: str) -> None:
    assert message(replace(ALERT, kind=kind))["text"] == f"HIGH · Summit: Malta · {kind}"


@pytest.mark.parametrize("kind", ["silent", "recovered", "digest", "alive", "unreachable"])
def test_an_alert_without_findings_says_its_reason_line_by_line(kind: str) -> None:
    about = Article(id="x#1", source="wire", title="Summit: Malta", summary="no news\nfor a <day>")

    assert "no news\nfor a <day>" in shown(replace(ALERT, kind=kind, sightings=(), article=about))
    assert kind in message(replace(ALERT, kind=kind, sightings=(), article=about))["text"]


def test_marks_are_others_where_the_sentence_has_such_quotes() -> None:
    text = "«Malta» waits."
    finding = replace(FINDING, text=text, end=len(text), hits=(Hit(field="body", start=8, end=13, text="waits"),))

    assert "«Malta» ‹waits›." in shown(replace(ALERT, sightings=(Sighting(event="e", finding=finding),)))


def test_hits_elsewhere_or_beyond_the_sentence_are_not_marked() -> None:
    hits = (Hit(field="title", start=0, end=5, text="Talks"), Hit(field="body", start=30, end=99, text="x"))

    assert SENTENCE in shown(replace(ALERT, sightings=(Sighting(event="e", finding=replace(FINDING, hits=hits)),)))


def test_as_many_findings_are_shown_as_fit_and_the_rest_is_counted() -> None:
    many = replace(ALERT, sightings=ALERT.sightings * 500)
    sections = [block for block in message(many)["blocks"] if block["type"] == "section"]

    assert 5 < len(sections) < 47
    assert f"and {500 - len(sections)} more" in shown(many)


# Nothing pings, nothing links but the article, nothing is too long


PINGS = [
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1|general>",
    "<!subteam^S1>",
    "<https://evil.example|Bank>",
    "&lt;!channel&gt;",
]
TRICKS = [
    "*bold*",
    "_it_",
    "~no~",
    "`code`",
    "```",
    "> quote",
    "&gt; quote",
    ":tada:",
    "@channel",
    "\r\n• x",
    "\u202egnp.exe",
    "\x1b[31m",
]
hostile = st.lists(
    st.sampled_from([*PINGS, *TRICKS, "\\", '"', "<", ">", "&", "|", "😀", "Пик"]) | st.text(max_size=20), max_size=40
)
words = hostile.map("".join)


def everywhere(text: str, url: str | None = None) -> Alert:
    """An alert with this text in every place that somebody else fills."""
    finding = replace(
        FINDING,
        text=text,
        end=len(text),
        hits=(Hit(field="body", start=0, end=1, text="x"),),
        captures={text: text},
        labels={"stance": text},
    )
    return replace(
        ALERT,
        id=text,
        kind=text,
        rule=text,
        level=text,
        title=text,
        article=Article(id=text, title=text, summary=text, url=url or text, source=text, source_kind=text, published=NOW),
        sightings=(Sighting(event=text, finding=finding),),
    )


@settings(deadline=None)
@given(words, st.booleans())
def test_no_text_from_outside_leaves_a_control_token(text: str, findings: bool) -> None:  # noqa: FBT001
    alert = everywhere(text)
    said = message(alert if findings else replace(alert, sightings=()))

    assert not re.search(r"[<>]", said["text"])
    for one in texts(said["blocks"]):
        if one["type"] == "mrkdwn":
            assert re.fullmatch(r"<https?://[^<>|\s]+\|Read the article>", one["text"])
            assert one["verbatim"] is True
        else:
            assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", one["text"])
            assert one["emoji"] is False
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", one["text"])


@settings(deadline=None)
@given(words)
def test_without_escaping_they_would(text: str) -> None:
    """The negative control: what is escaped is no more than that, and reads as it was."""
    assert html.unescape(escaped(text, 10**6)) == text
    if re.search(r"<[!@#]", text):
        assert not re.search(r"<[!@#]", escaped(text, 10**6))


@settings(deadline=None)
@given(words)
def test_people_read_what_was_written(text: str) -> None:
    finding = replace(FINDING, text=text, end=len(text), hits=())
    read = " ".join(shown(replace(ALERT, sightings=(Sighting(event="e", finding=finding),))).split())

    assert spoken.clean(text, 10**6)[:100] in read


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["x", "&", '"', "\\", "😀", "Ж", "漢", "<!channel>"]), st.integers(1, 6_000), st.integers(0, 60))
def test_a_message_keeps_to_the_channel_s_limits(char: str, times: int, findings: int) -> None:
    text = char * times
    alert = everywhere(text, f"https://news.example/{text}")
    body = SINK.render(replace(alert, sightings=alert.sightings * findings)).decode()
    said = json.loads(body)

    assert len(body.encode("utf-16-le")) / 2 < 10_000
    assert len(said["blocks"]) <= 50
    assert len(said["blocks"][0]["text"]["text"].encode("utf-16-le")) / 2 <= 150
    assert all(1 <= len(one["text"].encode("utf-16-le")) / 2 <= 3_000 for one in texts(said))
    assert all(len(block.get("fields", [])) <= 10 and len(block.get("elements", [])) <= 10 for block in said["blocks"])
    assert all(len(one["text"]) <= 2_000 for block in said["blocks"] for one in block.get("fields", []))
    assert bool(findings) == any(block["type"] == "section" and "fields" in block for block in said["blocks"])


@pytest.mark.parametrize(
    ("text", "longest", "cut"), [("a&b", 8, "a&amp;b"), ("a&b", 7, "a&amp;b"), ("a&b", 6, "a…"), ("😀😀😀", 5, "😀😀…")]
)
def test_what_is_too_long_is_cut_but_never_within_an_escape(text: str, longest: int, cut: str) -> None:
    assert escaped(text, longest) == cut


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "slack://open?team=T1",
        "data:text/html,x",
        "//evil.example/",
        "https://",
        "https://me:password@news.example/",
        "http://[bad",
        "https://news.example/" + "x" * 3_000,
        "https://news.example/" + "&" * 400,
        "",
    ],
)
def test_only_a_plain_web_address_becomes_a_link(url: str) -> None:
    said = message(replace(ALERT, article=replace(ARTICLE, url=url)))

    assert [one for one in texts(said) if one["type"] == "mrkdwn"] == []


def test_an_address_cannot_break_out_of_its_link() -> None:
    url = "https://news.example/a|Click> <!channel> <https://evil.example|b\r\n>\u202e"
    (link,) = [
        one["text"] for one in texts(message(replace(ALERT, article=replace(ARTICLE, url=url)))) if one["type"] == "mrkdwn"
    ]

    assert link.startswith("<https://news.example/a%7CClick%3E%20%3C!channel%3E")
    assert re.fullmatch(r"<[^<>|\s]+\|Read the article>", link)


# What Slack answers


@pytest.fixture
async def out() -> AsyncIterator[Egress]:
    async with Egress() as out:
        yield out


def answering(*answers: httpx.Response) -> respx.Route:
    return respx.post(URL).mock(side_effect=list(answers))


@respx.mock
async def test_the_frozen_message_is_sent_as_json_and_unsigned(out: Egress) -> None:
    route = answering(httpx.Response(200, text="ok"))
    receipt = await replace(SINK, post=out.post).send(DELIVERY)
    request = route.calls.last.request

    assert (receipt.status, receipt.excerpt) == (200, "ok")
    assert (request.content, request.headers["content-type"]) == (DELIVERY.body, "application/json")
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [(400, "invalid_payload", "http"), (403, "action_prohibited", "http"), (404, "<html>not found", "http"), (500, "rollup_error", "http"),
     (503, "", "asked-to-wait"), (302, "", "http")],
)  # fmt: skip
@respx.mock
async def test_what_slack_refuses_may_pass(out: Egress, status: int, said: str, kind: str) -> None:
    answering(httpx.Response(status, text=said))
    with pytest.raises(DeliveryFailed) as failed:
        await replace(SINK, post=out.post).send(DELIVERY)

    assert not isinstance(failed.value, Refused)
    assert (failed.value.kind, failed.value.status, failed.value.excerpt) == (kind, status, said)


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, "no_service"), (404, "no_team"), (404, "channel_not_found"), (410, "channel_is_archived"), (410, "")],
)
@respx.mock
async def test_a_webhook_or_channel_that_is_gone_refuses_for_ever(out: Egress, status: int, said: str) -> None:
    answering(httpx.Response(status, text=said + "\n"))
    with pytest.raises(Refused) as failed:
        await replace(SINK, post=out.post).send(DELIVERY)

    assert (failed.value.kind, failed.value.status, failed.value.excerpt) == ("gone", status, said)


@respx.mock
async def test_slack_says_how_long_to_wait(out: Egress) -> None:
    answering(httpx.Response(429, headers={"Retry-After": "30"}, text="rate_limited"))
    with pytest.raises(DeliveryFailed) as failed:
        await replace(SINK, post=out.post).send(DELIVERY)

    assert (failed.value.kind, failed.value.wait) == ("asked-to-wait", timedelta(seconds=30))


@respx.mock
async def test_the_address_which_is_the_secret_does_not_show(out: Egress) -> None:
    sink = replace(SINK, post=out.post)
    answering(httpx.Response(500, text=f"no such hook {URL} /services/T0001/B0001/secret-token secret-token"))
    with pytest.raises(DeliveryFailed) as failed:
        await sink.send(DELIVERY)

    assert failed.value.excerpt == "no such hook *** *** ***"
    assert "secret-token" not in repr(sink) + repr(sink.hearer) + str(failed.value)


async def test_over_a_real_wire_a_redirect_is_not_followed_and_the_answer_comes_back() -> None:
    async with (
        serving(answer(head("Content-Length: 2") + b"ok")) as second,
        serving(answer(redirect(second.url()))) as first,
        egress() as out,
    ):
        taken = await replace(SINK, url=second.url(), post=out.post).send(DELIVERY)
        with pytest.raises(DeliveryFailed, match=rf"HTTP 302: redirects are not followed \(it points to {PUBLIC}\)"):
            await replace(SINK, url=first.url(), post=out.post).send(DELIVERY)

    assert taken.excerpt == "ok"
    assert (len(first.seen), len(second.seen)) == (1, 1)


def test_one_message_at_a_time() -> None:
    """Slack takes one a second of a webhook, and a channel is read in order."""
    assert SINK.at_once == 1
