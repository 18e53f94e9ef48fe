"""Which event a finding tells of, and whether it says anything new of it. Pure.

A finding belongs to an open event of its rule when the values named in `once.per` that both know are equal and the contents
are alike enough: as `once.alike` says, or 0.5 where one side lacks a value. Of several such events the one with most equal
values wins, then the most alike, then the oldest. What else an article has said of an event helps to recognise it.

Copies (near-duplicate texts) and edits belong to the events of their original however late they come, and the very words of
the original are the original's finding even where a date reads differently ("on Thursday", reprinted a week later).
An undated article belongs to an event only as a copy or edit: nobody knows when it speaks.

An event that has ended (cancelled, retracted) is told of again where it turns out to stand: "the summit is back on" is an update
of the cancelled one. What was written before it ended, and copies of it, do not bring it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor import identity
from monitor.identity import kinship
from monitor.identity.kinship import ALIKE, Values, View, content, fold, values
from monitor.model import Event, Report

if TYPE_CHECKING:
    from datetime import datetime

    from rules import Article, Finding, Once, Rule

__all__ = ["ALIKE", "Home", "Look", "after", "content", "homes", "line", "news", "report", "values"]

SKETCHES = 8
"""Sketches kept with an event: its first article's and the latest."""

ENDS = "cancelled"
"""The status of an event that was called off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An article under examination: `edited` where an earlier version of it was seen."""

    article: Article
    first_seen: datetime
    edited: bool
    revision: str
    sketch: tuple[int, ...]
    at: datetime
    _profiles: dict[tuple[str, int, int], dict[str, float]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def profile(self, finding: Finding) -> dict[str, float]:
        """What the article is about, as far as this finding goes; made once, for it is asked for with every open event."""
        place = (finding.field, finding.start, finding.end)
        if place not in self._profiles:
            self._profiles[place] = identity.profile(self.article, finding)
        return self._profiles[place]


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
    why: dict[int, str] = field(default_factory=dict)
    """Of each finding, why it belongs here, in a line for people: "opened: …" or "joined: …"."""
    revived: bool = False
    """It had ended, and the article says that it stands."""


def homes(look: Look, rule: Rule, findings: Sequence[Finding], events: Iterable[Event]) -> list[Home]:
    """The events that an article tells of, those it opens last. Every finding is in exactly one of them."""
    found = [Home(event=event, known=True, copied=_copied(look, event)) for event in events if event.rule == rule.id]
    for place, finding in enumerate(findings):
        home, why = _best(look, rule.once, finding, found), ""
        if home is None and (home := _reprinted(look, finding, found)):
            why = f"joined: {_as_copy(look, home.event)}"
        if home is None:
            why = f"opened: {_apart(look, rule.once, finding, found)}"
            home = Home(event=_opened(look, rule, finding, found), known=False, copied=True)
            found.append(home)
        home.why[place] = why or f"joined: {_together(look, rule.once, finding, home)}"
        home.findings[place] = finding
    for home in found:
        home.revived = _revived(look, home)
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
    if _over(home):
        return {}
    if not home.known or (wakes and home.event.silent):
        return home.findings
    turns, spoken = _turns(home, once), _spoken(home)
    if home.revived:
        return spoken or home.findings  # its own article may say the very words again that it took back
    return {
        place: one
        for place, one in spoken.items()
        if any(value in turns.get(name, ()) for name, value in _watched(one, once).items())
    }


def after(look: Look, home: Home, once: Once, *, held: bool = False, wakes: bool = False) -> Event:
    """The event as it is once the article has been seen; `held`: nobody is told."""
    event, worth = home.event, news(home, once, wakes=wakes)
    told = (f"{name}={fold(value)}" for one in worth.values() for name, value in _watched(one, once).items())
    return replace(
        event,
        seen=max(event.seen, look.at),
        values=_latest(home, once),
        sketches=_sketches(event.sketches, look.sketch),
        articles=event.articles + _counts(look, home),
        sources=tuple(dict.fromkeys((*event.sources, *filter(None, [look.article.source])))),
        silent=(event.silent or not home.known) and (held or not worth),
        told=tuple(dict.fromkeys((*event.told, *told))),
        ended=None if home.revived else event.ended,
    )


def report(look: Look, home: Home, once: Once, alert_id: str | None) -> Report:
    """What the article said of the event, for its timeline; `alert_id`: the alert that told of it, if one did."""
    best = min(home.findings)
    bare = line(
        look,
        home.event,
        change="opened" if not home.known else "updated" if news(home, once) else "repeated",
        why=home.why.get(best, ""),
        values=values(home.findings[best]),
    )
    return replace(bare, copy=home.copied and home.known and home.event.article != look.article.id, alert=alert_id)


def line(look: Look, event: Event, *, change: str, why: str, values: Values) -> Report:
    """A line of the event's timeline: that the article opened or changed it, repeated it or took it back, and why."""
    return Report(
        event=event.id,
        rule=event.rule,
        article=look.article.id,
        source=look.article.source,
        at=look.at,
        published=look.article.published,
        title=look.article.title,
        url=look.article.url,
        change=change,
        why=why,
        values=values,
    )


# Belonging


def _best(look: Look, once: Once, finding: Finding, found: Sequence[Home]) -> Home | None:
    ranked = [(rank, home) for home in found if (rank := _rank(look, once, finding, home))]
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None  # the first of equals: the oldest


def _rank(look: Look, once: Once, finding: Finding, home: Home) -> tuple[int, float] | None:
    """How well a finding fits an event: equal values, then likeness. None: it is not that event."""
    if not (home.copied or _open(look, once, home.event)):
        return None
    mine = _view(look, once, finding, home)
    ceiling = ALIKE if home.copied and home.known else math.inf
    ranks = [kinship.kinship(once, mine, other, ceiling) for other in _kin(look, once, home)]
    if _repeats(home, finding):
        ranks.append((len(kinship.equal(once, mine.values, home.event.values)), 1.0))
    return max((rank for rank in ranks if rank), default=None)


def _view(look: Look, once: Once, finding: Finding, home: Home) -> View:
    """A finding, to be compared with an event; with its article as a whole only where that is another one's event."""
    whole = not home.copied and kinship.is_ordinary(finding, once)
    return View(values(finding), content(finding), look.profile(finding) if whole else {})


def _kin(look: Look, once: Once, home: Home) -> list[View]:
    """What a finding may resemble: the event, and what the article has said of it so far."""
    said = [View(values(one), content(one)) for one in home.findings.values()]
    return [kinship.seen(home.event, once, look.at, whole=not home.copied), *said]


def _open(look: Look, once: Once, event: Event) -> bool:
    return look.article.published is not None and look.at - event.seen <= once.within


def _copied(look: Look, event: Event) -> bool:
    return event.article == look.article.id or any(identity.near(look.sketch, sketch) for sketch in event.sketches)


def _repeats(home: Home, finding: Finding) -> bool:
    """Whether a copy only says the original's words again."""
    return home.known and home.copied and identity.gist(content(finding)) == identity.gist(home.event.content)


# Saying why


def _together(look: Look, once: Once, finding: Finding, home: Home) -> str:
    """Why a finding belongs to an event."""
    if home.known and home.copied:
        return _as_copy(look, home.event)
    mine = _view(look, once, finding, home)
    likest = max(_kin(look, once, home), key=lambda one: kinship.kinship(once, mine, one) or (-1, 0.0))
    return f"{'' if home.known else 'beside another sentence, '}{kinship.together(once, mine, likest)}"


def _as_copy(look: Look, event: Event) -> str:
    if event.article == look.article.id:
        return "its own article, edited" if look.edited else "its own article"
    share = max(identity.shared(look.sketch, sketch) for sketch in event.sketches)
    return f"a copy, shares {share:.0%} of its three-word runs".replace("%", " %")


def _apart(look: Look, once: Once, finding: Finding, found: Sequence[Home]) -> str:
    """Why a finding belongs to none of the events that there are."""
    known = [home for home in found if home.known]
    if known and look.article.published is None:
        return "undated, and no copy of what is known"
    near = [_distance(look, once, finding, home) for home in known if _open(look, once, home.event)]
    share, _, why = max(near, key=lambda one: one[:2], default=(0.0, 0, ""))
    return why if share else "no open event of this rule is like it" if near else "no event of this rule is open"


def _distance(look: Look, once: Once, finding: Finding, home: Home) -> tuple[float, int, str]:
    """How alike an event is that a finding does not belong to, and what keeps them apart."""
    mine, other = _view(look, once, finding, home), _kin(look, once, home)[0]
    why = f"the nearest, {home.event.id}, {kinship.apart(once, mine, other)}"
    return kinship.likeness(mine, other), len(kinship.equal(once, mine.values, other.values)), why


# Change


def _over(home: Home) -> bool:
    """Whether the event has ended, and what the article says of it does not change that: it was written before."""
    return home.event.ended is not None and not home.revived


def _revived(look: Look, home: Home) -> bool:
    """Whether an event that had ended stands after all: its own article says so again, or another one that was written since."""
    event, published = home.event, look.article.published
    if event.ended is None or any(fold(values(one).get("status")) == ENDS for one in home.findings.values()):
        return False
    return event.article == look.article.id or (not home.copied and published is not None and published >= event.seen)


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
    for name in once.update_on if home.known and not _over(home) else ():
        given = list(filter(None, (values(one).get(name) for one in _spoken(home).values())))
        if fold(home.event.values.get(name)) in map(fold, given):
            given = [value for value in given if home.event.told and f"{name}={fold(value)}" not in home.event.told]
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
        profile=look.profile(finding) if kinship.is_ordinary(finding, rule.once) else {},
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
