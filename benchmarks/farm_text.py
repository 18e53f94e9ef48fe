"""News that nobody wrote: feeds and pages of the farm, each entry different, some of them what the shipped rules look for."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

FORMATS = ("rss", "atom", "rdf", "json")
SHOWN = 30
"""Entries that a feed holds."""
TEASER = 300
"""Characters of an entry whose text stands on a page."""

_WHO = "The ministry|A spokesman|The council|The mayor|Officials|Analysts|The company|Residents|The union|The bank|Researchers|Police".split(
    "|"
)
_DID = "said|reported|warned|denied|confirmed|promised|noted|argued|announced|estimated|recalled|insisted".split("|")
_WHAT = (
    "the harvest|the budget|a new bridge|exports of steel|the railway|prices of bread|the election|fishing quotas|a power station|"
    "the football season|school meals|the drought|housing|the river port|a film festival|the airline|tax reform|mobile networks|"
    "tourism|a vaccine|the museum|mountain roads|wine growers|the harbour|satellites|water meters|the census|a gas field"
).split("|")
_HOW = (
    "would cost more than last year|was growing slowly|had been delayed again|needed another review|was ahead of plan|"
    "could not wait any longer|had doubled within a decade|was of little concern|would be discussed in spring|"
    "had surprised nobody|was a matter for the courts|depended on the weather|left many questions open"
).split("|")
_CYRILLIC = (
    "Министерство сообщило, что строительство моста задерживается|Урожай пшеницы оказался выше прошлогоднего|"
    "Городской совет обсудил новый бюджет|Цены на хлеб остались прежними|Железная дорога открыла новый маршрут|"
    "Музей показал редкую коллекцию|Метеорологи ждут сильных дождей на юге|Завод увеличил выпуск тракторов"
).split("|")
_SYLLABLES = "ba ke li mo nu ra se ti vo za dri fel gan hor jul pek sul tam wen yor".split()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was made. `key` ends its address; `alerts`: the shipped rules find something in it."""

    key: str
    title: str
    paragraphs: tuple[str, ...]
    when: datetime
    alerts: bool = False
    teaser: bool = False
    """Its text stands on its page only."""


def invented(chance: Random, words: int) -> str:
    """Words of no language, so that no two statements are alike."""
    return " ".join("".join(chance.choices(_SYLLABLES, k=3)) for _ in range(words))


def sentence(chance: Random, *, cyrillic: bool) -> str:
    """A sentence that no rule looks for."""
    if cyrillic:
        return f"{chance.choice(_CYRILLIC)} в {chance.randrange(1990, 2040)} году."
    return f"{chance.choice(_WHO)} {chance.choice(_DID)} that {chance.choice(_WHAT)} {chance.choice(_HOW)} in {chance.randrange(2, 400)} places."


def paragraph(chance: Random, *, cyrillic: bool = False) -> str:
    """About 400 characters."""
    return " ".join(sentence(chance, cyrillic=cyrillic) for _ in range(5))


def statement(chance: Random) -> str:
    """What the shipped rule on statements alerts to, each time about something else."""
    thing = invented(chance, 7)
    return f"Kremlin spokesman Dmitry Peskov said that Russia is ready for talks on {thing}. He did not say when."


def stock(chance: Random, number: int, *, cyrillic: bool = False) -> list[str]:
    """Paragraphs to make entries of: choosing is quicker than writing."""
    return [paragraph(chance, cyrillic=cyrillic) for _ in range(number)]


def entry(  # noqa: PLR0913 - what makes an entry
    chance: Random, key: str, stock: Sequence[str], size: int, when: datetime, *, alerts: bool = False, teaser: bool = False
) -> Entry:
    """An entry of about `size` characters."""
    paragraphs = chance.choices(stock, k=max(1, size // 400))
    if alerts:
        paragraphs.insert(0, statement(chance))
    title = f"{invented(chance, 2).title()}: {chance.choice(_WHAT)} {chance.choice(_HOW)}"
    return Entry(key, title, tuple(paragraphs), when, alerts, teaser)


def page(one: Entry, size: int) -> bytes:
    """The entry's web page, with about `size` bytes of what stands around articles."""
    around = f"<div class='teaser'><a href='/x'>{one.title[:40]}</a><script>var a = {{}};</script></div>"
    text = "".join(f"<p>{paragraph}</p>" for paragraph in one.paragraphs)
    furniture = around * max(1, (size - len(text)) // len(around))
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{one.title}</title></head><body><nav>{around}</nav>"
        f"<article><h1>{one.title}</h1>{text}</article><aside>{furniture}</aside></body></html>"
    ).encode()


@dataclass(slots=True, kw_only=True)
class Channel:
    """One feed: what it holds now, in the format it speaks."""

    url: str
    format: str
    name: str
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=SHOWN))

    def render(self) -> bytes:
        """The feed, newest entry first."""
        return _RENDER[self.format](self, list(reversed(self.entries))).encode()

    def link(self, one: Entry) -> str:
        """Where an entry stands."""
        return f"{self.url}/page/{one.key}"


def content(one: Entry) -> str:
    """What the feed gives of an entry: no more than a teaser where the text stands on a page."""
    if one.teaser:
        return one.paragraphs[-1][:TEASER] + " …"
    return "".join(f"<p>{paragraph}</p>" for paragraph in one.paragraphs)


def _rss(feed: Channel, entries: list[Entry]) -> str:
    items = "".join(
        f"<item><guid>{feed.link(one)}</guid><title>{one.title}</title><link>{feed.link(one)}</link>"
        f"<pubDate>{format_datetime(one.when)}</pubDate><description>{one.title}</description>"
        f"<content:encoded><![CDATA[{content(one)}]]></content:encoded></item>"
        for one in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>{feed.name}</title><link>{feed.url}/</link><description>News</description>{items}</channel></rss>"
    )


def _atom(feed: Channel, entries: list[Entry]) -> str:
    items = "".join(
        f'<entry><id>{feed.link(one)}</id><title>{one.title}</title><link href="{feed.link(one)}"/>'
        f"<updated>{one.when.isoformat()}</updated><published>{one.when.isoformat()}</published>"
        f'<content type="html"><![CDATA[{content(one)}]]></content></entry>'
        for one in entries
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>{feed.url}/</id>'
        f"<title>{feed.name}</title><updated>{datetime.now(UTC).isoformat()}</updated>{items}</feed>"
    )


def _rdf(feed: Channel, entries: list[Entry]) -> str:
    items = "".join(
        f'<item rdf:about="{feed.link(one)}"><title>{one.title}</title><link>{feed.link(one)}</link>'
        f"<dc:date>{one.when.isoformat()}</dc:date><description>{one.title}</description>"
        f"<content:encoded><![CDATA[{content(one)}]]></content:encoded></item>"
        for one in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f'<channel rdf:about="{feed.url}/"><title>{feed.name}</title><link>{feed.url}/</link></channel>{items}</rdf:RDF>'
    )


def _json(feed: Channel, entries: list[Entry]) -> str:
    items = [
        {
            "id": feed.link(one),
            "url": feed.link(one),
            "title": one.title,
            "content_html": content(one),
            "date_published": one.when.isoformat(),
        }
        for one in entries
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": feed.name, "items": items}, ensure_ascii=False)


_RENDER = {"rss": _rss, "atom": _atom, "rdf": _rdf, "json": _json}


def backlog(now: datetime, number: int) -> list[datetime]:
    """Dates of entries that were there before anybody asked, oldest first: none of them is news any more."""
    return [now - timedelta(days=2, hours=number - at) for at in range(number)]
