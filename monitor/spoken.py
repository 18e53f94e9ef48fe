"""An alert in plain words, for chat and e-mail: who said what, where they stand, where it was read. Pure.

It speaks of `data`, what the envelope that a webhook sends holds under "data". Text from outside comes out as one clean line: nothing
in it can start a new header, a new line, or turn the reading direction around. What else is special where it is shown (`<` in a chat)
is for the sink to escape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # shown as nothing at all
    "\u2028\u2029\ud800-\udfff\ufffe\uffff]+"  # lines, and what is no character
)
_FACTS = ("speaker", "via", "stance", "kind", "parties", "refused_by", "place", "date", "ordinal", "name", "time", "status")
_WORDS = {"parties": "states", "refused_by": "refused by"}
_INNER = {"content", "cue"}
_MARKS = (("«", "»"), ("‹", "›"), ("⟦", "⟧"), ("【", "】"), ("⟪", "⟫"))
_LONGEST_URL = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence that proves the alert: its pieces, each with whether it is a hit, and what was read off it."""

    pieces: tuple[tuple[str, bool], ...]
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The sentence with its hits between marks that do not occur in it: «talks»."""
        words = "".join(text for text, _ in self.pieces)
        on, off = next((pair for pair in _MARKS if not set(pair) & set(words)), _MARKS[0])
        return "".join(f"{on}{text}{off}" if hit else text for text, hit in self.pieces)


def clean(text: str, longest: int = 500) -> str:
    """One line of at most `longest` characters, without line breaks, controls, and marks that reverse or hide text."""
    return cut(" ".join(_UNSEEN.sub(" ", text).split()), longest)


def cut(text: str, longest: int) -> str:
    """The text, or as much of it as fits, with … at its end."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)].rstrip() + "…"


def headline(data: Mapping[str, Any], longest: int = 150) -> str:
    """Level, title, and what kind of alert it is, unless it is a new one: "HIGH · Talks announced: Malta · update"."""
    level = clean(data["rule"]["level"], 20).upper()
    kind = "" if data["kind"] == "new" else f" · {clean(data['kind'], 20)}"
    return f"{level} · {clean(data['title'], longest - len(level) - len(kind) - 3)}{kind}"


def origin(data: Mapping[str, Any]) -> str:
    """Who published it, what they are, and when: "The Northern Courier · independent · 2026-07-01 12:00 UTC"."""
    about = data["article"]
    seen = f"first seen {_time(about['first_seen'])}" if about.get("first_seen") else ""
    when = _time(about["published"]) if about.get("published") else seen
    parts = (clean(about.get("source") or "", 200), clean(about.get("source_kind") or "", 50), when)
    return " · ".join(part for part in parts if part)


def passages(data: Mapping[str, Any]) -> list[Passage]:
    """The sentences that prove it, the best first. None where it is not an article that it tells of: then there are `notes`."""
    return [Passage(pieces=tuple(_pieces(one)), facts=tuple(_facts(one))) for one in data["findings"]]


def notes(data: Mapping[str, Any]) -> list[str]:
    """What an alert without findings says (of a silent source, a receiver that fails, a digest), line by line."""
    return [line for line in (clean(one) for one in (data.get("reason") or "").split("\n")) if line]


def link(data: Mapping[str, Any]) -> str | None:
    """The address of the article, if it is one of the web, with all that could end it early percent-encoded."""
    url = (data["article"].get("url") or "").strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        good = False
    safe = quote(url.encode("utf-8", "replace"), safe="%/:?#[]@!$&'()*+,;=~-._") if good else ""
    return safe if 0 < len(safe) <= _LONGEST_URL else None


def lines(data: Mapping[str, Any]) -> Iterator[str]:
    """The whole alert as lines of text, for where there is nothing but text; an empty line parts what belongs apart."""
    yield headline(data)
    yield from filter(None, (origin(data), clean(data["article"].get("title") or "", 300), link(data)))
    if said := notes(data):
        yield from ("", *said)
    for passage in passages(data):
        yield ""
        yield f"> {passage.text}"
        yield from (f"  {name:<11}{value}" for name, value in passage.facts)
    yield ""
    yield signed(data)


def signed(data: Mapping[str, Any]) -> str:
    """What the alert is called here: the rule and the alert's id, to look it up with `monitor articles show`."""
    return f"{clean(data['rule']['id'], 100)} · {clean(data['id'], 100)}"


def _time(stamp: str) -> str:
    return f"{clean(stamp, 30)[:16].replace('T', ' ')} UTC"


def _pieces(one: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """The sentence, parted where hits begin and end; white space within it becomes single spaces, and stays where pieces meet."""
    text, start, at = one["text"], one["start"], 0
    spans = ((hit["start"] - start, hit["end"] - start) for hit in one["hits"] if _within(one, hit))
    for low, high in _merged(spans):
        yield from ((_joined(text[at:low]), False), (_joined(text[low:high]), True))
        at = high
    yield _joined(text[at:]), False


def _joined(text: str) -> str:
    return re.sub(r"\s+", " ", _UNSEEN.sub(" ", text))


def _within(one: Mapping[str, Any], hit: Mapping[str, Any]) -> bool:
    """Whether the hit lies in the sentence, as far as that is there: the envelope may have cut it."""
    same = hit.get("field", one["field"]) == one["field"]
    return bool(same and one["start"] <= hit["start"] < hit["end"] <= one["start"] + len(one["text"]))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _facts(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Who, stance, place, time …: first what readers look for, then whatever else a rule captured."""
    known = {**one["captures"], **one["labels"]}
    for name in (*_FACTS, *sorted(set(known) - {*_FACTS, *_INNER})):
        if known.get(name):
            yield clean(_WORDS.get(name, name), 50), clean(known[name], 300)
