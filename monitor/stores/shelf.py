"""Articles in dictionaries: the part of the memory store that knows which are new, and keeps versions and bytes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from monitor.identity import same_page
from monitor.model import Fresh, Original, Plan, Pruned, Revision
from monitor.stores.articles import LOOKED_AT, first_of_each, key, once, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from rules import Article

Place = tuple[str, str]
"""An article's source and the key of its address."""


@dataclass(slots=True)
class Kept:
    """An article as it is, its earlier versions by revision, and by revision and digest what they were read from."""

    plan: Plan
    earlier: dict[str, Plan] = field(default_factory=dict)
    originals: dict[tuple[str, str], Original] = field(default_factory=dict)
    learnt: bool = False
    """Its paragraphs were counted."""
    told: bool = False
    """An alert tells of it, so it stays."""


Proof = tuple[Kept, tuple[str, str]]
"""An article, and of what is kept of its bytes the revision and the digest."""


class Shelf:
    """All articles, in the order they came."""

    def __init__(self) -> None:
        self._articles: dict[str, Kept] = {}
        self._texts: Counter[tuple[str, str]] = Counter()
        self._places: defaultdict[Place, dict[str, None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._articles)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._articles.values())

    def get(self, id: str) -> Kept | None:
        """The article of this id."""
        return self._articles.get(id)

    def set_clock(self, by: timedelta, latest: datetime) -> None:
        """Pages that are to be asked for again, are asked for as much later as they would have been."""
        for one in self:
            if one.plan.refill:
                one.plan = replace(one.plan, refill=min(one.plan.refill + by, latest))

    # New or not

    def unseen(self, articles: Sequence[Article]) -> list[Fresh]:
        """Those that are new, or new versions of what is known by id, or by address and title."""
        return once(self._fresh(one) for one in first_of_each(articles))

    def _fresh(self, article: Article) -> Fresh | None:
        known = self._articles.get(article.id)
        if known is None:
            return self._by_address(article)
        if known.plan.article.digest == article.digest:
            return None
        return Fresh(article=article, first_seen=known.plan.first_seen)

    def _by_address(self, article: Article) -> Fresh | None:
        at = key(article)
        if at is None:
            return Fresh(article=article)
        if self._texts[at, article.digest] > 0:
            return None
        return self._renamed(article, (article.source, at)) or Fresh(article=article)

    def _renamed(self, article: Article, place: Place) -> Fresh | None:
        there = islice(reversed(self._places.get(place, {})), LOOKED_AT if article.source else 0)
        for plan in (self._articles[id].plan for id in there):
            if same_page(plan.article.title, plan.article.digest, article):
                return Fresh(article=replace(article, id=plan.article.id), first_seen=plan.first_seen)
        return None

    # Reading

    def page(self, since: datetime, after: str | None, limit: int) -> list[Fresh]:
        """Articles first seen at or after `since` that came after the one called `after`."""
        came = list(self._articles)
        start = came.index(after) + 1 if after in self._articles else 0
        plans = (plan for id in came[start:] if (plan := self._articles[id].plan).first_seen >= since)
        return [_read(plan) for plan in islice(plans, limit)]

    def unfilled(self, now: datetime, limit: int) -> list[Fresh]:
        """Articles whose page is to be asked for again by now, oldest first."""
        due = [(one.plan.refill, one.plan) for one in self if one.plan.refill and one.plan.refill <= now]
        oldest = [plan for _, plan in sorted(due, key=lambda pair: pair[0])]
        return [replace(_read(plan), fills=plan.fills) for plan in oldest[:limit]]

    def revisions(self, article: str) -> list[Revision]:
        """Every version of an article, the present one last."""
        kept = self._articles.get(article)
        if kept is None:
            return []
        earlier = [_version(plan, kept) for plan in kept.earlier.values()]
        return [*earlier, replace(_version(kept.plan, kept), unread=kept.plan.unread)]

    def originals(self) -> Iterator[Original]:
        """What is kept of bytes, as often as articles were read from them."""
        return (one for kept in self for one in kept.originals.values())

    # Keeping

    def keep(self, plan: Plan) -> Kept:
        """The article, which is now as the plan says; what it was before has become an earlier version."""
        kept = self._articles.get(plan.article.id)
        if kept:
            self._leave(kept.plan)
            plan = _succeed(kept, plan)
        else:
            kept = self._articles[plan.article.id] = Kept(plan)
        kept.originals = {(plan.revision, one.sha256): one for one in plan.originals} | kept.originals
        kept.plan = replace(plan, originals=(), alerts=(), deliveries=(), events=(), paragraphs=())
        self._settle(plan)
        return kept

    def _settle(self, plan: Plan) -> None:
        if at := key(plan.article):
            self._texts[at, plan.article.digest] += 1
            self._places[plan.article.source, at][plan.article.id] = None

    def _leave(self, plan: Plan) -> None:
        if at := key(plan.article):
            self._texts[at, plan.article.digest] -= 1
            del self._places[plan.article.source, at][plan.article.id]

    # Pruning

    def prune(self, articles: datetime, originals: datetime, limit: int, *, dry: bool) -> Pruned:
        """Removes what is old and no alert tells of; `dry`: only counts it."""
        free = [one for one in self if not one.told]
        old = sorted((one for one in free if one.plan.first_seen < articles), key=lambda one: one.plan.first_seen)[:limit]
        doomed = [(one, proof) for one in old for proof in one.originals]
        stale = [(one, proof) for one in free for proof, given in one.originals.items() if given.at < originals]
        stale.sort(key=lambda pair: pair[0].originals[pair[1]].at)
        doomed += [pair for pair in stale[:limit] if all(pair[0] is not one for one in old)]
        gone = self._counted(old, doomed)
        if not dry:
            self._remove(old, doomed)
        return gone

    def _counted(self, old: Sequence[Kept], doomed: Sequence[Proof]) -> Pruned:
        lost = Counter(digest for _, (_, digest) in doomed)
        held = Counter(one.sha256 for one in self.originals())
        bodies = {one.sha256: one.body for one in self.originals()}
        last = [pack(bodies[digest]) for digest, times in lost.items() if held[digest] == times]
        return Pruned(articles=len(old), originals=len(last), bytes=sum(map(len, last)))

    def _remove(self, old: Iterable[Kept], doomed: Iterable[Proof]) -> None:
        for kept, proof in doomed:
            del kept.originals[proof]
            if kept.plan.unread not in {digest for _, digest in kept.originals}:
                kept.plan = replace(kept.plan, unread=None)
        for kept in old:
            self._leave(kept.plan)
            del self._articles[kept.plan.article.id]


def _succeed(kept: Kept, plan: Plan) -> Plan:
    """The plan, which takes the place of the one before; that becomes an earlier version if this is another."""
    before = kept.plan
    if before.revision == plan.revision:
        return replace(plan, first_seen=before.first_seen, at=before.at)
    kept.earlier.pop(plan.revision, None)
    kept.earlier[before.revision] = before
    return replace(plan, first_seen=before.first_seen)


def _read(plan: Plan) -> Fresh:
    return Fresh(article=plan.article, first_seen=plan.first_seen, unread=plan.unread)


def _version(plan: Plan, kept: Kept) -> Revision:
    given = sorted((one for (revision, _), one in kept.originals.items() if revision == plan.revision), key=lambda one: one.at)
    return Revision(article=plan.article, revision=plan.revision, at=plan.at, originals=tuple(given))
