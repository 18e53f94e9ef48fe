"""Which sources are to be visited next: those longest due, and of each host one at a time."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from monitor.stores.rows import micros

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from sqlite_utils import Database


def one_per_host(sources: Iterable[str], hosts: Mapping[str, str], busy: Iterable[str], limit: int) -> list[str]:
    """The first `limit` of the sources that have a host, of each host one, and of a busy host none."""
    return list(islice(_one_per_host(sources, hosts, set(busy)), max(0, limit)))


def _one_per_host(sources: Iterable[str], hosts: Mapping[str, str], taken: set[str]) -> Iterator[str]:
    for source in sources:
        host = hosts.get(source)
        if host is not None and host not in taken:
            taken.add(host)
            yield source


def meet(db: Database, sources: Collection[str]) -> None:
    """Gives sources that may have no row yet one, which is never removed."""
    db.conn.executemany("INSERT INTO visits (source) VALUES (?) ON CONFLICT DO NOTHING", ((source,) for source in sources))


def claim_sources(db: Database, hosts: Mapping[str, str], now: datetime, lease: timedelta, limit: int) -> list[str]:
    """Leases and gives sources that are due, each of which has a row.

    Only rows that are due are read, along an index, and only as many as it takes: what is not due costs nothing. The host of a
    lease stands beside it, so that a host is busy even where its source is no longer asked for.
    """
    busy = [host for (host,) in db.execute("SELECT host FROM visits WHERE leased_until > ?", (micros(now),))]
    claimed = one_per_host(chain(_never_visited(db, hosts, now), _due(db, now)), hosts, busy, limit)
    hold = "UPDATE visits SET leased_until = ?, host = ? WHERE source = ?"
    db.conn.executemany(hold, ((micros(now + lease), hosts[source], source) for source in claimed))
    return claimed


def let_go(db: Database, sources: Iterable[str]) -> None:
    """Voids the leases of these sources."""
    db.conn.executemany("UPDATE visits SET leased_until = NULL WHERE source = ?", ((source,) for source in sources))


def _never_visited(db: Database, hosts: Mapping[str, str], now: datetime) -> list[str]:
    sql = "SELECT source FROM visits WHERE due IS NULL AND (leased_until IS NULL OR leased_until <= ?)"
    found = {source for (source,) in db.execute(sql, (micros(now),))}
    return [source for source in hosts if source in found] if found else []


def _due(db: Database, now: datetime) -> Iterator[str]:
    sql = "SELECT source FROM visits WHERE due <= ? AND (leased_until IS NULL OR leased_until <= ?) ORDER BY due"
    return (source for (source,) in db.execute(sql, (micros(now), micros(now))))
