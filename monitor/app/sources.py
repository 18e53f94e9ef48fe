"""Where to look: the sources of monitor.yaml, each behind the guarded way out, each read in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitor import listing, saved, sitemaps
from monitor.app.book import now
from monitor.sources.feed import FeedSource
from monitor.sources.folder import FolderSource
from monitor.sources.labels import Labels
from monitor.sources.listing import ListingSource
from monitor.sources.sitemap import SitemapSource

if TYPE_CHECKING:
    from monitor.config import Config, Watched
    from monitor.egress import Egress
    from monitor.ports import Source
    from monitor.workers import Workers


def open_sources(config: Config, egress: Egress, workers: Workers) -> dict[str, Source]:
    """All sources by id."""
    return {one.id: FORMS[one.form](one, egress, workers) for one in config.sources}


def machine(source: Watched) -> str:
    """What must not be asked twice at once: a host; of a folder, the folder."""
    return source.place if source.form == "folder" else urlsplit(source.place).hostname or source.id


def _feed(one: Watched, egress: Egress, workers: Workers) -> Source:
    return FeedSource(**_web(one), get=egress.get, parse=workers.parse_feed)


def _page(one: Watched, egress: Egress, workers: Workers) -> Source:
    return ListingSource(**_web(one), get=egress.page, parse=partial(workers.parse, listing.parse), links=one.links)


def _sitemap(one: Watched, egress: Egress, workers: Workers) -> Source:
    return SitemapSource(**_web(one), get=egress.get, sift=partial(workers.parse, sitemaps.sift))


def _folder(one: Watched, _egress: Egress, workers: Workers) -> Source:
    return FolderSource(
        id=one.id, folder=Path(one.place), parse=partial(workers.parse, saved.parse), clock=now, labels=_labels(one)
    )


def _web(one: Watched) -> dict[str, Any]:
    """What all sources on the web have in common."""
    headers = {name: value.reveal for name, value in one.headers.items()}
    return {"id": one.id, "url": one.place, "clock": now, "labels": _labels(one), "headers": headers}


def _labels(one: Watched) -> Labels:
    return Labels(language=one.language, kind=one.kind, tags=one.tags)


FORMS: Mapping[str, Callable[[Watched, Egress, Workers], Source]] = {
    "feed": _feed,
    "page": _page,
    "sitemap": _sitemap,
    "folder": _folder,
}
"""How each form of source is made."""
