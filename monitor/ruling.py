"""What one rule makes of one article: the events as they shall be, what was said of them, and the alert, if one is due. Pure.

Three things make an alert: a finding that is news of its event (`novelty`); a threshold that is reached with this article, though it
says nothing new (`tempo`); and an event that ends, because the article calls it off or, edited, no longer says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor import desk, identity, novelty, tempo
from monitor.headline import headline
from monitor.model import Alert, Event, Ledger, Report, Sighting
from rules import LEVELS, Finding

if TYPE_CHECKING:
    from monitor.novelty import Home, Look
    from rules import Match, Rule

ENDS = ("cancelled", "retracted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """`alert` None: there is nothing to tell."""

    events: tuple[Event, ...] = ()
    reports: tuple[Report, ...] = ()
    alert: Alert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What the article says of one event. `kind` None: nothing of it is worth an alert; `waits`: something is, but not yet."""

    event: Event
    report: Report
    kind: str | None = None
    level: str = ""
    sightings: dict[int, Sighting] = field(default_factory=dict)
    waits: str = ""
    besides: bool = False
    """It is none of the match's findings."""


def ruling(  # noqa: PLR0913 - a decision names all that it rests on
    look: Look, rule: Rule, match: Match | None, ledger: Ledger, *, held: str | None, wakes: bool, whole: bool = True
) -> Ruling:
    """What the rule makes of the article. `match` None: an edited article that it matched before, and does no longer.

    `held`: why nobody is told, whatever it says. `wakes`: it is fresh, so an event of which nobody was told is as good as new.
    `whole`: all of it is at hand; where its page is missing, what it does not say may stand there, and nothing is taken back.
    """
    homes = novelty.homes(look, rule, match.findings, ledger.events) if match else []
    ended = _called_off(look, rule, match, ledger) if match else []
    parts = [_said(look, rule, home, ledger, held=held, wakes=wakes) for home in homes]
    here = {part.event.id for part in parts}
    parts += [_off(look, rule, home, ledger) for home in ended if home.event.id not in here]
    parts += _taken_back(look, rule, ledger, {part.event.id for part in parts}) if whole else []
    chosen = _chosen(parts)
    alert = _alert(look, rule, chosen, ledger, held) if chosen else None
    told = alert.id if alert else None
    reports = (replace(part.report, alert=told if part in chosen else None) for part in parts)
    return Ruling(events=tuple(part.event for part in parts), reports=tuple(reports), alert=alert)


def _chosen(parts: Sequence[_Part]) -> list[_Part]:
    """Those that the alert tells of; where nothing is told, those that would be, did they not wait."""
    return [part for part in parts if part.kind and not part.waits] or [part for part in parts if part.waits]


# What it says


def _said(  # noqa: PLR0913 - as above
    look: Look, rule: Rule, home: Home, ledger: Ledger, *, held: str | None, wakes: bool
) -> _Part:
    worth = novelty.news(home, rule.once, wakes=wakes)
    report = novelty.report(look, home, rule.once, None)
    verdict = _verdict(rule, home.event if home.known else None, report, ledger, look)
    findings = worth if verdict.told else {}
    if verdict.reached:
        findings = worth or home.findings
    waits = verdict.why if worth and not findings else ""
    event = novelty.after(look, home, rule.once, held=held is not None or bool(waits), wakes=wakes)
    if findings and held is None:
        event = replace(event, silent=False)
    if not findings and _has_said(look, home, ledger):
        event = replace(event, seen=home.event.seen)
    fresh = not home.known or (wakes and home.event.silent)
    off = not fresh and _is_off(home, findings)
    if off:
        event, report = replace(event, ended="cancelled"), replace(report, change="cancelled")
    why = f"; {verdict.why}" if verdict.why else ""
    return _Part(
        event=event,
        report=report,
        kind=("new" if fresh else "cancelled" if off else "update") if findings or waits else None,
        level=verdict.level,
        sightings={
            place: Sighting(event=home.event.id, finding=finding, why=home.why.get(place, "") + why)
            for place, finding in (findings or (worth if waits else {})).items()
        },
        waits=waits,
    )


def _is_off(home: Home, findings: Mapping[int, Finding]) -> bool:
    """Whether a rule that asks for no status finds that an event that stood is called off."""
    said = {novelty.values(one).get("status") for one in findings.values()}
    return said == {"cancelled"} and home.event.values.get("status") != "cancelled"


def _has_said(look: Look, home: Home, ledger: Ledger) -> bool:
    """Whether the article has reported of the event: asking for its page again, or an edit, makes the event no younger."""
    return home.known and any(one.event == home.event.id and one.article == look.article.id for one in ledger.reports)


def _verdict(rule: Rule, event: Event | None, report: Report, ledger: Ledger, look: Look) -> tempo.Verdict:
    mine = [one for one in ledger.reports if one.rule == rule.id]
    return tempo.verdict(
        rule,
        [one for one in mine if one.event == report.event],
        mine,
        [report],
        look.at,
        event=event,
        started=ledger.started.get(rule.id),
    )


# What it ends


def _called_off(look: Look, rule: Rule, match: Match, ledger: Ledger) -> list[Home]:
    """The open events that it says are off; it opens none."""
    standing = [event for event in ledger.events if event.ended is None]
    return [home for home in novelty.homes(look, rule, match.later, standing) if home.known]


def _off(look: Look, rule: Rule, home: Home, ledger: Ledger) -> _Part:
    event = novelty.after(look, home, rule.once)
    report = replace(novelty.report(look, home, rule.once, None), change="cancelled")
    return _Part(
        besides=True,
        event=replace(event, ended="cancelled"),
        report=report,
        kind=None if home.event.silent else "cancelled",
        level=_verdict(rule, home.event, report, ledger, look).level,
        sightings={
            place: Sighting(event=event.id, finding=finding, why=home.why.get(place, ""))
            for place, finding in home.findings.items()
        },
    )


def _taken_back(look: Look, rule: Rule, ledger: Ledger, still: set[str]) -> list[_Part]:
    """The events that the article reported before it was edited, and no longer does."""
    if not look.edited:
        return []
    latest = {one.event: one.change for one in ledger.reports if one.article == look.article.id}
    said = {event for event, change in latest.items() if change != "retracted"}
    events = [one for one in ledger.events if one.rule == rule.id and one.id in said - still and one.ended is None]
    return [_retracted(look, rule, event, ledger) for event in events]


def _retracted(look: Look, rule: Rule, event: Event, ledger: Ledger) -> _Part:
    """The event stands as long as another article says it in words of its own."""
    others = _standing(event, ledger.reports, look.article.id)
    why = f"{look.article.source or 'it'} no longer says so"
    still = f"; {', '.join(others)} still do" if others else ""
    report = novelty.line(look, event, change="retracted", why=why + still, values=event.values)
    gone = Finding(field="body", start=0, end=0, text="", captures=dict(event.values))
    return _Part(
        besides=True,
        event=event if others else replace(event, ended="retracted"),
        report=report,
        kind=None if others or event.silent else "retracted",
        level=_verdict(rule, event, report, ledger, look).level,
        sightings={0: Sighting(event=event.id, finding=gone, why=why)},
    )


def _standing(event: Event, reports: Sequence[Report], without: str) -> list[str]:
    """The sources that report the event in words of their own, besides one article."""
    said = [one for one in reports if one.event == event.id and one.article != without]
    latest = {one.article: one for one in said}
    own = {one.article for one in said if not one.copy}  # its opener, edited, counts as a copy of itself
    return sorted({one.source or id for id, one in latest.items() if id in own and one.change != "retracted"})


# The alert


def _alert(look: Look, rule: Rule, chosen: Sequence[_Part], ledger: Ledger, held: str | None) -> Alert:
    kinds = [part.kind for part in chosen]
    kind = next(one for one in ("new", "update", *ENDS) if one in kinds)
    sightings = _in_order(chosen)
    alert = Alert(
        id=identity.alert_id(rule.id, look.article.id, look.revision),
        kind=kind,
        rule=rule.id,
        rule_title=rule.title,
        level=max((part.level for part in chosen), key=LEVELS.index),
        version=rule.version,
        tags=rule.tags,
        title=headline(rule.title, novelty.values(sightings[0].finding)),
        article=look.article,
        first_seen=look.first_seen,
        raised=look.at,
        sightings=tuple(sightings),
        held=held or (f"waits: {chosen[0].waits}" if chosen[0].waits else None),
    )
    return alert if alert.held else replace(alert, held=desk.hushed(alert, ledger.hushes, look.at))


def _in_order(parts: Sequence[_Part]) -> list[Sighting]:
    """The findings as the match has them, best first; what is called off or taken back besides comes last."""
    placed = [(part.besides, place, one) for part in parts for place, one in part.sightings.items()]
    return [one for _, _, one in sorted(placed, key=lambda each: each[:2])]
