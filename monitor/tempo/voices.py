"""`sources`: how many sources report an event without copying one another.

A source counts once, however often it reports; a copy (`Report.copy`) adds none, for it is the same wire again; an article that
was edited and no longer says it takes its word back. Sources without a name count as one, and only where no other is known: each
of them may be any of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.tempo.stage import HELD, LOWER, OPEN, Stage
from monitor.tempo.words import listed, nth

if TYPE_CHECKING:
    from monitor.model import Event, Report
    from rules.rule import Sources


def confirmed(asked: Sources, event: Event | None, earlier: Sequence[Report], fresh: Sequence[Report], at: datetime) -> Stage:
    """Whether so many independent sources reported the event, before the article came and with it."""
    until = LOWER if asked.single_source_level else HELD
    before = independent(_standing(earlier))
    known = len(before) >= asked.min_independent or _outlived(asked, event, earlier, at)
    now = independent([*_standing(earlier, fresh), *fresh])
    enough = known or len(now) >= asked.min_independent
    return Stage(
        before=OPEN if known else until,
        now=OPEN if enough else until,
        why=_all(now) if known else _reached(before, now) if enough else _missing(asked, now, fresh),
    )


def independent(reports: Iterable[Report]) -> list[str]:
    """The sources that report in words of their own, in the order in which they did."""
    own = sorted((one.at, one.source) for one in reports if not one.copy and one.change != "retracted")
    names = list(dict.fromkeys(source for _, source in own))
    return list(filter(None, names)) or names


def _standing(earlier: Sequence[Report], fresh: Sequence[Report] = ()) -> list[Report]:
    """Without the articles whose last word is that they do not say so any longer; what `fresh` says is later."""
    latest = {one.article: one.at for one in sorted(earlier, key=lambda one: one.at)}
    speaking = {one.article for one in fresh}
    gone = {one.article for one in earlier if one.change == "retracted" and one.at == latest[one.article]} - speaking
    return [one for one in earlier if one.article not in gone]


def _outlived(asked: Sources, event: Event | None, earlier: Sequence[Report], at: datetime) -> bool:
    """Whether the event is older than its reports at hand, and had enough sources: it was told long ago, and is not told again."""
    if event is None or event.opened >= min((one.at for one in earlier), default=at):
        return False
    return len(event.sources) >= asked.min_independent


def _all(names: Sequence[str]) -> str:
    return f"independent sources: {listed(names)}" if names else ""


def _reached(before: Sequence[str], now: Sequence[str]) -> str:
    new = [name for name in now if name not in before]
    return f"{nth(len(now))} independent source: {listed(new)}" + (f" after {listed(before)}" if before else "")


def _missing(asked: Sources, names: Sequence[str], fresh: Sequence[Report]) -> str:
    copy = "; a copy does not count" if fresh and all(one.copy for one in fresh) else ""
    return f"{len(names)} of {asked.min_independent} independent sources" + (f": {listed(names)}" if names else "") + copy
