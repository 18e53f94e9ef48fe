"""A Slack channel, through an incoming webhook: what an analyst wants to see of an alert, within what Slack takes.

Whatever comes from outside stands in `plain_text`, where Slack formats nothing, and with `&`, `<` and `>` escaped, as Slack asks: so it
can neither ping anybody nor dress up as a link. The one piece of `mrkdwn` is the link to the article, in our own words.
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from monitor import envelope, spoken
from monitor.sinks.answers import Hearer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.model import Alert, Delivery, Receipt
    from monitor.ports import Clock
    from monitor.wire import Post, Response

HEADER, BLOCKS, WHOLE = 150, 50, 9_500
"""Characters of a header, and blocks and characters of a message; Slack refuses the last at some 12,000."""

# Characters of each text, far below the 3,000 that Slack takes: JSON may double them, and the first finding has to fit in any case.
_SENTENCE, _FACT, _LINE, _LINK, _NOTES = 1_200, 150, 300, 1_000, 2_400
_FIELDS = 8
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOST = {"no_service", "no_team", "no_active_hooks", "channel_not_found", "channel_is_archived"}
"""What it says, with a 404 or 403, of a webhook that will never work again."""

Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSink:
    """One channel. The URL is the secret, and does not show. Slack takes about one message a second of each webhook."""

    id: str
    url: str = field(repr=False)
    post: Post = field(repr=False)
    clock: Clock = field(repr=False)
    at_once: int = 1
    hearer: Hearer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hearer", Hearer(url=self.url))

    def render(self, alert: Alert) -> bytes:
        """The message."""
        return message(envelope.envelope(alert)["data"])

    async def send(self, delivery: Delivery) -> Receipt:
        """Sends the frozen message. Raises DeliveryFailed unless the answer is 2xx, Refused where webhook or channel are gone."""
        answer = await self.post(self.url, body=delivery.body, headers={"Content-Type": "application/json"})
        if answer.status in (403, 404) and (said := _said(answer)) in _LOST:
            raise self.hearer.refused(answer, f"Slack says {said}: make a new webhook for the channel")
        return self.hearer.receipt(answer, self.clock())


def message(data: Mapping[str, Any]) -> bytes:
    """The alert (what its envelope holds under "data") as a message: as many findings as fit, and how many do not."""
    top, bottom = list(_top(data)), list(_bottom(data))
    found = [_finding(one) for one in spoken.passages(data)[: BLOCKS - len(top) - len(bottom) - 1]]
    kept = _fitting(found, WHOLE - _length(_encoded(data, [*top, _more(1_000), *bottom])))
    left = len(data["findings"]) - kept
    return _encoded(data, [*top, *found[:kept], *([_more(left)] if left else []), *bottom]).encode()


def _fitting(found: Sequence[Block], room: int) -> int:
    """How many of them there is room for."""
    sizes = accumulate(_length(_json(one)) + 1 for one in found)
    return sum(size <= room for size in sizes)


def _encoded(data: Mapping[str, Any], blocks: Sequence[Block]) -> str:
    fallback = escaped(spoken.headline(data, HEADER), HEADER)  # what notifications show
    return _json({"text": fallback, "blocks": blocks, "unfurl_links": False, "unfurl_media": False})


def _json(value: Mapping[str, Any]) -> str:
    return envelope.encode(value).decode()


def _top(data: Mapping[str, Any]) -> Iterator[Block]:
    """Level, title and kind; the article; what an alert without findings says."""
    yield {"type": "header", "text": _plain(spoken.headline(data, HEADER), HEADER)}
    about = [spoken.clean(data["article"].get("title") or "", 300), spoken.origin(data)]
    said = spoken.notes(data)
    shown = [one for one in about if one and one not in said and one != spoken.clean(data["title"], 300)]
    if shown:
        yield {"type": "context", "elements": [_plain(one, _LINE) for one in shown]}
    if said:
        yield {"type": "section", "text": _plain("\n".join(said), _NOTES)}


def _finding(passage: spoken.Passage) -> Block:
    """The sentence with its hits marked; beside it who said it, where they stand, where and when."""
    fields = [_plain(f"{name}: {value}", _FACT) for name, value in passage.facts[:_FIELDS]]
    said = {"type": "section", "text": _plain(passage.text, _SENTENCE)}
    return {**said, "fields": fields} if fields else said


def _more(left: int) -> Block:
    return {"type": "context", "elements": [_plain(f"and {left:,} more", _LINE)]}


def _bottom(data: Mapping[str, Any]) -> Iterator[Block]:
    """The way to the article, and the names to look the alert up by."""
    target = (spoken.link(data) or "").replace("&", "&amp;")  # what would end it, `|` and `>`, is percent-encoded
    good = 0 < len(target) <= _LINK
    link = [{"type": "mrkdwn", "text": f"<{target}|Read the article>", "verbatim": True}] if good else []
    yield {"type": "context", "elements": [*link, _plain(spoken.signed(data), _LINE)]}


def _plain(text: str, longest: int) -> Block:
    return {"type": "plain_text", "text": escaped(text, longest) or "?", "emoji": False}


def escaped(text: str, longest: int) -> str:
    """The text as Slack wants it, cut where it would take more than `longest`: never within an escape."""
    written = [_ESCAPES.get(char, char) for char in text]
    ends = list(accumulate(map(_length, written)))
    if not ends or ends[-1] <= longest:
        return "".join(written)
    return "".join(written[: sum(end < longest for end in ends)]) + "…"


def _length(text: str) -> int:
    """How long it is for JavaScript: an emoji counts as two."""
    return len(text) + sum(char > "\uffff" for char in text)


def _said(answer: Response) -> str:
    """Slack's own word for what is wrong."""
    return answer.body[:100].decode("ascii", "replace").strip()
