"""An alert as receivers get it: the envelope of Standard Webhooks, with the evidence. Pure.

It never takes more than 20,000 bytes. Where it would, the last findings and their hits go first, then long texts are cut, and
`truncated` says so; a cut finding's offsets still are those of the whole sentence.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model import Alert, Sighting
    from rules import Article, Finding, Hit

LIMIT = 20_000
"""Bytes that a webhook may have: the most that the Standard Webhooks recommend."""

_HITS = 3
_FINDINGS = 80  # no more than that many fit
_CUTS = (2_000, 500, 200, 60, 32)  # down to the length of our own ids, which are never cut


def envelope(alert: Alert) -> dict[str, Any]:
    """The whole of an alert: what `monitor replay --json` prints and a webhook sends."""
    return {
        "type": _type(alert),
        "timestamp": stamp(alert.raised),
        "data": {
            "id": alert.id,
            "kind": alert.kind,
            "rule": {
                "id": alert.rule,
                "title": alert.rule_title,
                "level": alert.level,
                "version": alert.version,
                "tags": list(alert.tags),
            },
            "title": alert.title,
            "article": _article(alert.article, alert.first_seen),
            **({} if alert.sightings else {"reason": alert.article.summary}),
            "findings": [_sighting(one) for one in alert.sightings],
        },
    }


def _type(alert: Alert) -> str:
    """What it is about: an event ("alert.new"), a source or rule that is silent, a receiver, many alerts, or the monitor itself."""
    if alert.kind in ("digest", "alive", "test"):
        return f"monitor.{alert.kind}"
    if alert.kind in ("unreachable", "disabled", "reachable"):
        return f"receiver.{alert.kind}"
    if alert.kind in ("silent", "recovered"):
        return f"{'source' if alert.article.source else 'rule'}.{alert.kind}"
    return f"alert.{alert.kind}"


def _sighting(one: Sighting) -> dict[str, Any]:
    """A finding with its event, and why it belongs to it, where that is known."""
    return {"event": one.event, **finding(one.finding), **({"why": one.why} if one.why else {})}


def finding(found: Finding) -> dict[str, Any]:
    """One occurrence with its evidence: `article[field][start:end] == text`, in code points."""
    return {
        "field": found.field,
        "start": found.start,
        "end": found.end,
        "text": found.text,
        "hits": [_hit(hit, found.field) for hit in found.hits],
        "captures": dict(found.captures),
        "labels": dict(found.labels),
    }


def _hit(hit: Hit, field: str) -> dict[str, Any]:
    """A hit in another field than its finding's says so."""
    where = {} if hit.field == field else {"field": hit.field}
    return {**where, "start": hit.start, "end": hit.end, "text": hit.text}


def _article(article: Article, first_seen: datetime) -> dict[str, Any]:
    return {
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "source": article.source,
        "published": stamp(article.published) if article.published else None,
        "first_seen": stamp(first_seen),
        "language": article.language,
        **_of_note(article),
    }


def _of_note(article: Article) -> dict[str, Any]:
    """What is worth saying only where it is so: what its source is, and that its date is not what it stated."""
    doubt = {"dating": article.dating} if article.published and article.dating != "stated" else {}
    return {"source_kind": article.source_kind, **doubt} if article.source_kind else doubt


def stamp(at: datetime) -> str:
    """A time as ISO 8601 in UTC, to the second, always of one length: it sorts as text."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def render(alert: Alert) -> bytes:
    """The envelope in JSON as every receiver and every retry gets it: compact UTF-8, at most LIMIT bytes."""
    whole = envelope(alert)
    body = encode(whole)
    return body if len(body) <= LIMIT else _shorter(whole)


def _shorter(whole: dict[str, Any]) -> bytes:
    """With as many findings as fit; where not even the first does, with every text cut as little as it takes."""
    data = whole["data"]
    found = [{**one, "hits": one["hits"][:_HITS]} for one in data["findings"][:_FINDINGS]]
    bare = len(encode({**whole, "data": {**data, "findings": [], "truncated": True}}))
    sizes = accumulate((len(encode(one)) + 1 for one in found), initial=bare)
    kept = sum(size <= LIMIT for size in sizes) - 1
    if kept > 0:
        return encode({**whole, "data": {**data, "findings": found[:kept], "truncated": True}})
    first = {**data, "findings": found[:1]}
    versions = (encode({**whole, "data": {**_cut(first, longest), "truncated": True}}) for longest in _CUTS)
    return next(body for body in versions if len(body) <= LIMIT)


def encode(value: Mapping[str, Any]) -> bytes:
    """Compact JSON; what is no character (half a surrogate pair) becomes '?'."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _cut(value: Any, longest: int) -> Any:
    """The value with every text in it cut, and every list and mapping kept to a bounded number of entries."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + "…"
    if isinstance(value, list):
        return [_cut(one, longest) for one in value[:10]]
    if isinstance(value, dict):
        return {_cut(name, longest): _cut(one, longest) for name, one in list(value.items())[:12]}
    return value
