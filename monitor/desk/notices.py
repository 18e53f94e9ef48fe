"""One alert that stands for many, and one that says that there are none."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from monitor import envelope, identity
from monitor.model import Alert
from rules import LEVELS, Article

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rules.receivers import Receiver

DIGEST = "digest"
ALIVE = "alive"
"""The rules, as it were, and kinds of what stands for many alerts, and of the daily line."""

ROOM = 12_000
"""Bytes of JSON that the lines of a digest may take: with all that is around them they stay below what a webhook may have."""

_TITLE = 200
_URL = 500
_NAMED = 5
_NAME = 60
_BLANK = re.compile(r"\{[\w-]+\}")


def gathered(alerts: Sequence[Alert], receiver: Receiver, at: datetime, why: str) -> Alert:
    """What is sent of alerts that have gathered: a single one as it is, more of them as a digest."""
    return alerts[0] if len(alerts) == 1 else digest(alerts, receiver, at, why)


def digest(alerts: Sequence[Alert], receiver: Receiver, at: datetime, why: str) -> Alert:
    """One alert for all of these, in their order; `why` they were gathered. The same alerts make the same digest whenever."""
    return _notice(
        DIGEST,
        identity.digest(*sorted(one.id for one in alerts)),
        receiver,
        at,
        title=f"{len(alerts):,} alerts: {_counts(alerts)}",
        summary="\n".join([why, *_lines(alerts)]),
        rule_title="Several alerts",
        level=max((one.level for one in alerts), key=LEVELS.index),
        tags=tuple(dict.fromkeys(tag for one in alerts for tag in one.tags if len(tag) <= _NAME))[:_NAMED],
    )


def alive(  # noqa: PLR0913 - what is told is named
    receiver: Receiver, due: datetime, *, sources: int, answering: int, articles: int, alerts: int, silent: Sequence[str] = ()
) -> Alert:
    """The line that all is well; `due` is the time at which it was to be sent, which makes its id. `silent`: sources to name."""
    title = f"alive: {answering:,} of {_many(sources, 'source')}, {_many(articles, 'article')}, {_many(alerts, 'alert')}"
    named = ", ".join(_cut(one, 100) for one in silent[:20])
    more = f" and {len(silent) - 20:,} more" if len(silent) > 20 else ""
    summary = f"not answering: {named}{more}" if silent else "every source answers" if answering == sources else title
    return _notice(
        ALIVE, due.isoformat(), receiver, due, title=title, summary=summary, rule_title="The monitor is alive", level="low"
    )


def _notice(  # noqa: PLR0913
    kind: str,
    key: str,
    receiver: Receiver,
    at: datetime,
    *,
    title: str,
    summary: str,
    rule_title: str,
    level: str,
    tags: tuple[str, ...] = (),
) -> Alert:
    """An alert without findings: its article's summary is what it says."""
    return Alert(
        id=identity.alert_id(kind, receiver.id, key),
        kind=kind,
        rule=kind,
        rule_title=rule_title,
        level=level,
        version="",
        tags=tags,
        title=title,
        article=Article(id=f"{receiver.id}#{kind}", title=title, summary=summary),
        first_seen=at,
        raised=at,
        sightings=(),
    )


def _counts(alerts: Sequence[Alert]) -> str:
    """How many of each rule, the most first: "4 Talks announced, 3 Fires and 2 others"."""
    counted = Counter(one.rule for one in alerts)
    titles = {one.rule: _named(one) for one in reversed(alerts)}
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    said = ", ".join(f"{count:,} {titles[rule]}" for rule, count in ranked[:_NAMED])
    others = sum(count for _, count in ranked[_NAMED:])
    return said + (f" and {_many(others, 'other')}" if others else "")


def _named(alert: Alert) -> str:
    """What a rule's alerts are called, without the blanks that each fills in differently."""
    return _cut(" ".join(_BLANK.sub("", alert.rule_title).split()).strip(" :;,.–—-"), _NAME) or alert.rule


def _lines(alerts: Sequence[Alert]) -> Iterator[str]:
    """Title and address of each, as long as there is room; then how many there is none for."""
    left = ROOM
    for number, alert in enumerate(alerts):
        line = _line(alert)
        left -= len(envelope.encode({"": line}))
        if left < 0:
            yield f"… and {len(alerts) - number:,} more"
            return
        yield line


def _line(alert: Alert) -> str:
    kind = "" if alert.kind == "new" else f" ({alert.kind})"
    url = alert.article.url or ""
    return " ".join(filter(None, [f"- {_cut(_plain(alert.title), _TITLE)}{kind}", _plain(url) if len(url) <= _URL else ""]))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
