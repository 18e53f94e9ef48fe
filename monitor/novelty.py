"""Which event a finding tells of, and whether it says anything new of it. Pure.

A finding belongs to an open event of its rule when the values named in `once.per` that both know are equal and the contents
are alike enough: as `once.alike` says, or 0.5 where one side lacks a value. Of several such events the one with most equal
values wins, then the most alike, then the oldest. What else an article has said of an event helps to recognise it.

Copies (near-duplicate texts) and edits belong to the events of their original however late they come, and the very words of
the original are the original's finding even where a date reads differently ("on Thursday", reprinted a week later).
An undated article belongs to an event only as a copy or edit: nobody knows when it speaks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor import identity
from monitor.model import Event

if TYPE_CHECKING:
    from datetime import datetime

    from rules import Article, Finding, Once, Rule

ALIKE = 0.5
"""How alike contents are where a value that tells events apart is missing, or the article is a copy."""

SKETCHES = 8
"""Sketches kept with an event: its first article's and the latest."""

Values = Mapping[str, str | None]
_View = tuple[Values, str]  # a finding or an event, as far as telling events apart goes: what it knows, and its content


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An article under examination: `edited` where an earlier version of it was seen."""

    article: Article
    first_seen: datetime
    edited: bool
    revision: str
    sketch: tuple[int, ...]
    at: datetime


@dataclass(slots=True, kw_only=True)
class Home:
    """An event with what one article says of it, each finding under its place in the match.

    `known`: the ledger holds it; else this article opens it. `copied`: the article is its opener's edit or a copy of one of its
    articles.
    """

    event: Event
    known: bool
    copied: bool
    findings: dict[int, Finding] = field(default_factory=dict)


def homes(look: Look, rule: Rule, findings: Sequence[Finding], events: Iterable[Event]) -> list[Home]:
    """The events that an article tells of, those it opens last. Every finding is in exactly one of them."""
    found = [Home(event=event, known=True, copied=_copied(look, event)) for event in events if event.rule == rule.id]
    for place, finding in enumerate(findings):
        home = _best(look, rule.once, finding, found) or _reprinted(look, finding, found)
        if home is None:
            home = Home(event=_opened(look, rule, finding, found), known=False, copied=True)
            found.append(home)
        home.findings[place] = finding
    return [home for home in found if home.findings]


def _reprinted(look: Look, finding: Finding, found: Sequence[Home]) -> Home | None:
    """A reprint gets a headline of its own, which says what the original says: it belongs where the original does."""
    if finding.field != "title":
        return None
    return next((home for home in found if home.known and home.copied and home.event.article != look.article.id), None)


def news(home: Home, once: Once, *, wakes: bool = False) -> dict[int, Finding]:
    """The findings worth telling: all of an event that opens; of a known one, those with a value that changes it.

    `wakes`: the article is fresh and will be told, so an event of which nobody was told is as good as new.
    """
    if not home.known or (wakes and home.event.silent):
        return home.findings
    turns = _turns(home, once)
    return {
        place: one
        for place, one in _spoken(home).items()
        if any(value in turns.get(name, ()) for name, value in _watched(one, once).items())
    }


def after(look: Look, home: Home, once: Once, *, held: bool = False, wakes: bool = False) -> Event:
    """The event as it is once the article has been seen; `held`: nobody is told."""
    event, worth = home.event, news(home, once, wakes=wakes)
    told = (f"{name}={_fold(value)}" for one in worth.values() for name, value in _watched(one, once).items())
    return replace(
        event,
        seen=max(event.seen, look.at),
        values=_latest(home, once),
        sketches=_sketches(event.sketches, look.sketch),
        articles=event.articles + _counts(look, home),
        sources=tuple(dict.fromkeys((*event.sources, *filter(None, [look.article.source])))),
        silent=(event.silent or not home.known) and (held or not worth),
        told=tuple(dict.fromkeys((*event.told, *told))),
    )


def values(finding: Finding) -> dict[str, str | None]:
    """Labels and captures together; a capture goes before a label of its name. The content is kept apart."""
    both = {**finding.labels, **finding.captures}
    both.pop("content", None)
    return both


def content(finding: Finding) -> str:
    """What likeness is measured on: what was said, where the finding knows, else its sentence."""
    return finding.captures.get("content") or finding.text


# Belonging


def _best(look: Look, once: Once, finding: Finding, found: Sequence[Home]) -> Home | None:
    ranked = [(rank, home) for home in found if (rank := _rank(look, once, finding, home))]
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None  # the first of equals: the oldest


def _rank(look: Look, once: Once, finding: Finding, home: Home) -> tuple[int, float] | None:
    """How well a finding fits an event: equal values, then likeness. None: it is not that event."""
    if not (home.copied or _open(look, once, home.event)):
        return None
    mine = (values(finding), content(finding))
    kin = [(home.event.values, home.event.content), *((values(one), content(one)) for one in home.findings.values())]
    ceiling = ALIKE if home.copied and home.known else math.inf
    ranks = [_kinship(once, mine, other, ceiling) for other in kin]
    if _repeats(home, finding):
        ranks.append((_equal(once, mine[0], home.event.values), 1.0))
    return max((rank for rank in ranks if rank), default=None)


def _open(look: Look, once: Once, event: Event) -> bool:
    return look.article.published is not None and look.at - event.seen <= once.within


def _kinship(once: Once, mine: _View, other: _View, ceiling: float) -> tuple[int, float] | None:
    """Equal values and likeness of two that tell of one event; None of two that do not. No more is asked than `ceiling`."""
    bar = _bar(once, mine[0], other[0])
    alike = identity.alike(mine[1], other[1])
    return (_equal(once, mine[0], other[0]), alike) if bar <= 1 and alike >= min(bar, ceiling) else None


def _bar(once: Once, mine: Values, theirs: Values) -> float:
    """How alike contents have to be: infinitely where a value differs.

    A value that neither side knows asks for its share of likeness only: two reports of talks in one place on one day are of one
    event, though neither counts the rounds.
    """
    pairs = [(mine.get(name), theirs.get(name)) for name in once.per]
    if any(one and other and _fold(one) != _fold(other) for one, other in pairs):
        return math.inf
    if once.alike is not None:
        return once.alike
    if any(bool(one) != bool(other) for one, other in pairs):
        return ALIKE
    return ALIKE * sum(not one for one, _ in pairs) / max(1, len(pairs))


def _equal(once: Once, mine: Values, theirs: Values) -> int:
    pairs = ((mine.get(name), theirs.get(name)) for name in once.per)
    return sum(bool(one and other) and _fold(one) == _fold(other) for one, other in pairs)


def _copied(look: Look, event: Event) -> bool:
    return event.article == look.article.id or any(identity.near(look.sketch, sketch) for sketch in event.sketches)


def _repeats(home: Home, finding: Finding) -> bool:
    """Whether a copy only says the original's words again."""
    return home.known and home.copied and identity.gist(content(finding)) == identity.gist(home.event.content)


# Change


def _spoken(home: Home) -> dict[int, Finding]:
    """What is said in the article's own words, which for a copy excludes those of the original."""
    return {place: one for place, one in home.findings.items() if not (_repeats(home, one) or _retitles(home, one))}


def _retitles(home: Home, finding: Finding) -> bool:
    """Whether it is the headline of a copy, which a copy's editor wrote anew."""
    return home.known and home.copied and finding.field == "title"


def _watched(finding: Finding, once: Once) -> dict[str, str]:
    mine = values(finding)
    return {name: value for name in once.update_on if (value := mine.get(name))}


def _turns(home: Home, once: Once) -> dict[str, list[str]]:
    """The watched values that change a known event, by name, best first.

    An article that gives the present value again may recall earlier ones too; of those, only what was never told is news.
    """
    turns: dict[str, list[str]] = {}
    for name in once.update_on if home.known else ():
        given = list(filter(None, (values(one).get(name) for one in _spoken(home).values())))
        if _fold(home.event.values.get(name)) in map(_fold, given):
            given = [value for value in given if home.event.told and f"{name}={_fold(value)}" not in home.event.told]
        if given:
            turns[name] = given
    return turns


def _latest(home: Home, once: Once) -> dict[str, str | None]:
    """The event's values with what is known now, the best finding first; watched values give way to a change only."""
    fresh: dict[str, str | None] = {}
    for finding in _spoken(home).values():
        fresh |= {name: value for name, value in values(finding).items() if value and not fresh.get(name)}
    kept = {name: value for name, value in home.event.values.items() if value and name in once.update_on}
    return {**home.event.values, **fresh, **kept, **{name: given[0] for name, given in _turns(home, once).items()}}


def _opened(look: Look, rule: Rule, finding: Finding, found: Sequence[Home]) -> Event:
    return Event(
        id=_event_id(look, rule, finding, {home.event.id for home in found}),
        rule=rule.id,
        article=look.article.id,
        opened=look.at,
        seen=look.at,
        values=values(finding),
        content=content(finding),
        articles=0,
    )


def _event_id(look: Look, rule: Rule, finding: Finding, taken: set[str]) -> str:
    """By the finding's place in the article; where an earlier version opened another event there, by the version too."""
    place = f"{finding.field}:{finding.start}:{finding.end}"
    tries = (place, f"{place}:{look.revision}", *(f"{place}:{look.revision}:{n}" for n in range(len(taken))))
    return next(name for one in tries if (name := identity.event_id(rule.id, look.article.id, one)) not in taken)


def _counts(look: Look, home: Home) -> int:
    """1 for an article that the event has not been seen in, as far as one can tell."""
    seen = home.known and (home.event.article == look.article.id or (look.edited and home.copied))
    return 0 if seen else 1


def _sketches(kept: tuple[tuple[int, ...], ...], sketch: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    if sketch in kept or not sketch:
        return kept
    return (*kept, sketch) if len(kept) < SKETCHES else (kept[0], *kept[2:], sketch)


def _fold(value: str | None) -> str:
    return " ".join((value or "").casefold().split())
