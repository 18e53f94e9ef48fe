"""What must hold of whatever the intake makes of a fuzzed document. Each check raises Broken, which says what does not hold.

Whatever else a check raises is broken, too: only Unreadable may come out of a parser, and the checks expect it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlsplit

import fuzz_made as made
from fuzz_made import Case

import rules
from monitor import dates, discovery, feeds, hrefs, identity, listing, opml, pages, sitemaps, wire
from monitor.egress import robots
from monitor.errors import Unreadable
from monitor.feeds import rss
from monitor.feeds.entry import told_apart
from monitor.stores import rows
from rules import Article, RuleSet
from rules.article import DATINGS
from rules.fold import tokens, vocabulary

NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SOURCE = "s"
_Read = TypeVar("_Read")


class Broken(AssertionError):
    """Something that must hold does not."""


def _hold(fact: object, what: str) -> None:
    if not fact:
        raise Broken(what)


def _read(parser: Callable[..., _Read], *args: Any, **named: Any) -> _Read | str:
    """What the parser gives, the same the second time; the reason if the document cannot be read."""
    first = _once(parser, *args, **named)
    _hold(first == _once(parser, *args, **named), "reading it twice gives two results")
    return first


def _once(parser: Callable[..., _Read], *args: Any, **named: Any) -> _Read | str:
    try:
        return parser(*args, **named)
    except Unreadable as error:
        _line(str(error), "the reason", 400)
        _hold(str(error), "it cannot be read for no reason")
        return str(error)


# Values.


def _text(text: object, name: str, most: int = feeds.LONGEST) -> None:
    _hold(isinstance(text, str), f"{name} is no text")
    found = _CONTROL.search(str(text))
    _hold(found is None, f"{name} has {found[0]!r} in it" if found else "")
    _hold(len(str(text)) <= most, f"{name} has more than {most} characters")


def _line(text: str | None, name: str, most: int = feeds.LONGEST) -> None:
    """On one line; None is none."""
    _text(text or "", name, most)
    _hold(not {"\n", "\t"} & set(text or ""), f"{name} is not on one line")


def _link(url: str | None, name: str) -> None:
    if url is None:
        return
    _line(url, name, 50_000)
    parts = urlsplit(url)
    _hold(parts.scheme in ("http", "https"), f"{name} leads to {parts.scheme}:")
    _hold(parts.hostname, f"{name} has no host")
    _hold("@" not in parts.netloc, f"{name} has credentials")
    _hold(parts.port is None or parts.port >= 0, f"{name} has no port")


def _moment(when: datetime | None, name: str) -> None:
    if when is not None:
        _hold(when.tzinfo is UTC, f"{name} is not in UTC")
        _hold(when >= dates.OLDEST, f"{name} lies before 1990")
        _hold(rows.moment(rows.micros(when)) == when, f"{name} cannot be stored")


def _dated(at: datetime | None, dating: str, name: str) -> None:
    _moment(at, name)
    _hold(dating in DATINGS, f"{name} is dated {dating!r}")
    _hold((dating in ("stated", "zoneless")) == (at is not None), f"{name} is {dating}, but {'there' if at else 'not there'}")


def _storable(value: Any) -> None:
    """It comes back from a database as it went in."""
    [(back,)] = _database().execute("select ?", (rows.dump(value),))
    _hold(rows.load(type(value), back) == value, "a store gives something else back")


@cache
def _database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


def _articles(found: Iterable[Article]) -> None:
    found = list(found)
    for article in found:
        _article(article)
    _hold(len({article.id for article in found}) == len(found), "two articles have one id")


def _article(article: Article) -> None:
    _hold(article.id.startswith(f"{_SOURCE}#") and len(article.id) > len(_SOURCE) + 1, "an article has no id")
    _line(article.id, "the id", 5_000)
    _line(article.title, "the title")
    _text(article.summary, "the summary")
    _text(article.body, "the body")
    _line(article.author, "the author", 1_000)
    _hold(article.author != "", "the author is nobody")
    _link(article.url, "the link")
    _dated(article.published, article.dating, "the date")
    _moment(article.updated, "the date of change")
    _hold(article.language is None or re.fullmatch("[a-z]{2,3}", article.language), "the language is none")
    _hold(len(article.tags) <= 50, "there are too many tags")
    for tag in article.tags:
        _line(tag, "a tag", 200)
    _hold(re.fullmatch("[0-9a-f]{64}", article.digest), "the digest is none")
    _storable(article)


# Feeds.


def feed(case: Case) -> None:
    """Feeds: whole and sifted, the same entries; what is known never comes again."""
    given = {"source": _SOURCE, "url": case.url, "headers": {"content-type": case.content_type} if case.content_type else {}}
    found = _read(feeds.parse, case.body, **given)
    if isinstance(found, str):
        return
    _articles(found.articles)
    _line(found.title, "the feed's title", 200)
    _hold(found.ttl is None or timedelta(0) < found.ttl <= timedelta(days=365), "the ttl makes no sense")
    _hold(len(found.marks) <= feeds.MOST, "there are too many marks")
    _hold(all(re.fullmatch("[0-9a-f]{16}", one) for one in found.marks), "a mark is none")
    _known(case.body, given, found)
    _as_feedparser(case.body, given, found)


def _known(body: bytes, given: dict[str, Any], found: feeds.Parsed) -> None:
    again = feeds.parse(body, **given, known=frozenset(found.marks))
    _hold(again.articles == (), "what is known comes again")
    _hold(again.marks == found.marks, "marks depend on what is known")
    some = feeds.parse(body, **given, known=frozenset(found.marks[::2]))
    _hold(set(some.articles) <= set(found.articles), "an article depends on what is known")
    _hold(some.marks == found.marks, "marks depend on what is known")


def _as_feedparser(body: bytes, given: dict[str, Any], found: feeds.Parsed) -> None:
    """Whatever way it was read, it says what feedparser says of the whole of it."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        entries = rss.read(body, given["url"], given["headers"]).entries
        whole = told_apart(entries, given["url"], frozenset()).fresh
        _hold(
            [entry.title for _, entry in whole] == [one.title for one in found.articles],
            "sifted, it has other entries than whole",
        )
        _hold(
            [f"{_SOURCE}#{key}" for key, _ in whole] == [one.id for one in found.articles],
            "sifted, its ids are others than whole",
        )


# Pages.


def page(case: Case) -> None:
    """Articles' pages: what is not read could not have mattered."""
    given = {"url": case.url, "content_type": case.content_type}
    found = _read(pages.extract, case.body, **given)
    seen = _once(pages.visible, case.body, case.content_type)
    if isinstance(found, pages.Page):
        _page(found)
        _hold(not isinstance(seen, pages.Page), "it has text, and nothing to be seen")
        _hold(not (missing := _unseen(found, seen)), f"its text has words that are not seen: {missing[:3]}")
        _hold(pages.promising(case.body, case.content_type, _anything()), "it is of no promise even where anything will do")
    for ruleset in _rulesets():
        _as_wanted(case.body, given, found, ruleset)


def _unseen(found: pages.Page, seen: str) -> list[str]:
    """Words of the page that are not seen on it, not even in pieces: what the extractor left out between two may make them one word."""
    missing = vocabulary(f"{found.title}\n\n{found.text}") - vocabulary(seen)
    together = "".join(token.word for token in tokens(seen)) if missing else ""
    return sorted(word for word in missing if not any(word[:at] in together and word[at:] in together for at in range(len(word))))


def _page(found: pages.Page) -> None:
    _line(found.title, "the title", 1_000)
    _text(found.text, "the text", 2_000_000)
    _hold(found.text, "there is no text")
    _line(found.author, "the author", 300)
    _link(found.url, "the page's own address")
    _dated(found.published, found.dating, "the date")
    _moment(found.updated, "the date of change")
    _hold(found.language is None or re.fullmatch("[a-z]{2,3}", found.language), "the language is none")
    _storable(Article(id="it", title=found.title, body=found.text, author=found.author, url=found.url, published=found.published))


def _as_wanted(body: bytes, given: dict[str, Any], found: pages.Page | str, ruleset: RuleSet) -> None:
    """With rules that may not want it, it is the same page, or none on which they match."""
    read = _once(pages.read, body, ruleset=ruleset, **given)
    if read is not None:
        _hold(read == found, "with rules it is another page than without")
    elif isinstance(found, pages.Page):
        _hold(
            not ruleset.match(Article(id="it", title=found.title, body=found.text)), "a page on which the rules match is not read"
        )
        _hold(not pages.promising(body, given["content_type"], ruleset), "it is promising and yet not read")


@cache
def _rulesets() -> tuple[RuleSet, ...]:
    return tuple(
        map(_rule, ("[Waffenruhe, Кремл*, nobody]", "{all: [[talk*, ~переговоры], [Geneva, Женева]]}", "[AT&T, co-operation]"))
    )


@cache
def _anything() -> RuleSet:
    return _rule("{none: [zeppelin]}")


def _rule(when: str) -> RuleSet:
    return rules.load({"rules.yaml": f"rules: [{{id: it, when: {when}}}]".encode()}, "rules.yaml")


# Lists.


def lists(case: Case) -> None:
    """Pages that list articles, with a selector and without, and the feeds that a page names."""
    for links in (None, "h2 a, .card"):
        found = _read(listing.parse, case.body, source=_SOURCE, url=case.url, content_type=case.content_type, links=links)
        if isinstance(found, listing.Listed):
            _articles(found.articles)
            _hold(0 < len(found.articles) == min(found.listed, listing.MOST), "it lists more or fewer articles than it says")
            _hold(all(len(one.title) <= listing.LONGEST for one in found.articles), "a title is too long")
    candidates = _read(discovery.feeds, case.body, case.url, case.content_type)
    _hold(not isinstance(candidates, str), "to look for feeds is an error")
    _hold(len(candidates) <= discovery.MOST + 2 * len(discovery.GUESSES), "there are too many feeds to try")
    for one in candidates:
        assert isinstance(one, discovery.Candidate)
        if one.url != case.url:  # a feed itself: its address is that which was given
            _link(one.url, "a feed's address")
        _line(one.title, "a feed's title", 200)


def maps(case: Case) -> None:
    """Sitemaps: bounded, newest first, and what is known never comes again."""
    found = _read(sitemaps.parse, case.body, source=_SOURCE, url=case.url)
    if isinstance(found, str):
        return
    _articles(found.articles)
    times = [one.published or one.updated or dates.OLDEST for one in found.articles]
    _hold(times == sorted(times, reverse=True), "the newest is not the first")
    for child in found.children:
        _link(child.url, "a sitemap's address")
        _moment(child.changed, "the date of a sitemap")
    _hold(len(found.articles) + len(found.children) <= sitemaps.MOST, "there are too many addresses")
    for reading in (sitemaps.FIRST, sitemaps.FOUND, sitemaps.AGAIN):
        _sifted(case, reading)


def _sifted(case: Case, reading: str) -> None:
    given = {"source": _SOURCE, "url": case.url}
    found = sitemaps.sift(case.body, **given, look=sitemaps.Look(now=NOW, reading=reading))
    known = sitemaps.Look(now=NOW, reading=sitemaps.AGAIN, known=frozenset(found.marks))
    _hold(len(found.articles) <= sitemaps.NEW and len(found.marks) <= sitemaps.MARKS, "there is too much new in it")
    _hold(len(found.children) <= sitemaps.CHILDREN, "there are too many sitemaps in it")
    if found.listed <= sitemaps.MARKS:
        _hold(sitemaps.sift(case.body, **given, look=known).articles == (), "what is known comes again")


def outlines(case: Case) -> None:
    """OPML: what was read is written and read again."""
    found = _read(opml.read, case.body)
    if isinstance(found, str):
        return
    _hold(0 < len(found) <= opml.MOST, "there are too many feeds, or none")
    for one in found:
        _line(one.title, "the title", 2_000)
        _hold(one.title, "a feed has no title")
        _link(one.url, "a feed's address")
        _link(one.page, "a site's address")
        _hold(all(one.folders) and len(one.folders) <= 20, "there are too many folders, or some without a name")
        for name in one.folders:
            _line(name, "a folder's name", 300)
    again = opml.read(opml.write(found))
    _hold({one.url: one for one in again} == {one.url: one for one in found}, "what is written reads otherwise")


# Short texts.


def moments(case: Case) -> None:
    """Dates."""
    stated = dates.read(case.text)
    _hold(stated.dating != "future", "only who knows the time knows the future")
    _dated(stated.at, stated.dating, "the date")
    _hold(stated == dates.read(f"  {case.text}\n") or len(case.text) > dates.LONGEST, "a space around it makes another date")
    if stated.at is not None:
        _hold(dates.read(stated.at.isoformat()) == dates.Stated(stated.at, "stated"), "written as ISO 8601 it is another date")


def addresses(case: Case) -> None:
    """Addresses: one spelling, which stays the same, and none that leads anywhere but to the web."""
    one = identity.canonical(case.text)
    _hold(identity.canonical(one) == one, "the canonical address has a canonical address")
    key = identity.address(case.text)
    _hold(identity.address(key) == key, "the key of an address has another key")
    for link in (hrefs.absolute(case.text, case.url), hrefs.feed(case.text, case.url), rss.link_of(case.text, case.url)):
        if link:
            _link(link, "the link")
            _hold(hrefs.absolute(link) == link or len(link) > hrefs.LONGEST, "an absolute address is made another")
            _link(identity.canonical(link), "the canonical link")
            _hold(hrefs.same_site(link, link), "an address is not of its own site")
    _hold(hrefs.same_site(case.text, case.url) == hrefs.same_site(case.url, case.text), "only one is of the other's site")


def manners(case: Case) -> None:
    """robots.txt: what it says to us, in bounds."""
    text = robots.whole_lines(case.body)
    found = robots.ours(text, "news-tripwire/1.0 (+https://news.example)")
    _hold(found == robots.ours(text, "News-Tripwire"), "it depends on the version who is meant")
    _hold(0 <= found.delay < 1_000_000, "the delay makes no sense")
    _hold(len(found.text) <= len(text) + 20 * text.count("\n") + 40, "more is said to us than is said")
    for url in (case.url, "https://news.example/private/news-1.html", "https://news.example/%zz?q=é"):
        _hold(found._allow(url) in (True, False), "it neither allows nor forbids")  # noqa: SLF001 - without a loop


def cached(case: Case) -> None:
    """Headers about time: a day at most, and no date that is none."""
    for name in ("retry-after", "cache-control", "expires", "date"):
        answer = wire.Response(status=503, url=case.url, headers={"expires": "Thu, 02 Jul 2026 13:00:00 GMT", name: case.text})
        for wait in (wire.retry_after(answer, NOW), wire.lasting(answer, NOW)):
            _hold(wait is None or timedelta(0) <= wait <= wire.LONGEST_WAIT, "the wait makes no sense")
        when = wire.sent(answer)
        _hold(when is None or when.utcoffset() == timedelta(0), "a date is not in UTC")


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: how its cases are made, what must hold of them, and its share of all cases."""

    make: Callable[[Random], Case]
    check: Callable[[Case], None]
    share: int


def _documents(makers: Any) -> Callable[[Random], Case]:
    return lambda rng: made.document(rng, makers)


def _texts(make: Any) -> Callable[[Random], Case]:
    return lambda rng: made.text(rng, make)


TARGETS = {
    "feeds": Target(_documents(made.FEEDS), feed, 15),
    "html": Target(_documents(made.PAGES), page, 10),
    "listing": Target(_documents(made.LISTS), lists, 8),
    "sitemaps": Target(_documents(made.MAPS), maps, 8),
    "opml": Target(_documents(made.OUTLINES), outlines, 6),
    "robots": Target(_documents(made.ROBOTS), manners, 3),
    "dates": Target(_texts(made.date), moments, 25),
    "urls": Target(_texts(made.url), addresses, 20),
    "headers": Target(_texts(made.header), cached, 5),
}
