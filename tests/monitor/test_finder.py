"""Finding a site's feed: a real server, the real guard, the real workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.app.finder import TRIES, Finder, Found, open_finder
from monitor.config import Allow, Config
from monitor.errors import FetchFailed

LOCAL = Allow(sources=(ip_network("127.0.0.0/8"),))


def rss(title: str = "The Paper", *items: tuple[str, str]) -> str:
    written = "".join(f"<item><title>{name}</title><link>https://p.example/{name}</link>{date}</item>" for name, date in items)
    return f"<rss version='2.0'><channel><title>{title}</title>{written}</channel></rss>"


@dataclass
class Site:
    """A web site; `pages` has a body by path, `sends` a status and where to."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    sends: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path in self.sends:
            status, place = self.sends[request.path]
            return web.Response(status=status, headers={"Location": place} if place else {})
        if request.path not in self.pages:
            return web.Response(status=404)
        return web.Response(text=self.pages[request.path], content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", site.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    site.url = str(server.make_url("")).rstrip("/")
    yield site
    await server.close()


@pytest.fixture
async def finder() -> AsyncIterator[Finder]:
    async with open_finder(Config(allow=LOCAL, pause=timedelta(0)), lambda _: None) as finder:
        yield finder


def titles(found: Found) -> list[str]:
    return [article.title for article in found.articles]


async def test_a_feed_is_found_at_its_own_address_newest_first(site: Site, finder: Finder) -> None:
    site.pages["/feed"] = rss(
        "The Paper",
        ("old", "<pubDate>Wed, 01 Jul 2026 10:00:00 GMT</pubDate>"),
        ("undated", ""),
        ("new", "<pubDate>Thu, 02 Jul 2026 10:00:00 GMT</pubDate>"),
    )
    found = await finder.feed(f"{site.url}/feed")
    assert (found.url, found.title, found.form) == (f"{site.url}/feed", "The Paper", "feed")
    assert titles(found) == ["new", "old", "undated"]
    assert site.asked == ["/feed"]


async def test_a_page_leads_to_the_feed_that_it_states(site: Site) -> None:
    site.pages["/"] = "<html><head><link rel=alternate type='application/rss+xml' title='All' href='/all.xml'></head></html>"
    site.pages["/all.xml"] = rss("", ("one", ""))
    told: list[str] = []
    async with open_finder(Config(allow=LOCAL, pause=timedelta(0)), told.append) as finder:
        found = await finder.feed(f"{site.url}/")
    assert (found.url, found.title) == (f"{site.url}/all.xml", "All")
    assert told == [f"{site.url}/", f"{site.url}/all.xml"]


async def test_what_is_stated_and_does_not_work_is_passed_over(site: Site, finder: Finder) -> None:
    site.pages["/"] = (
        "<html><head><link rel=alternate type='application/rss+xml' href='/gone.xml'>"
        "<link rel=alternate type='application/rss+xml' href='/page.xml'>"
        "<link rel=alternate type='application/atom+xml' href='/good.xml'></head></html>"
    )
    site.pages |= {"/page.xml": "<html><body>Sign in</body></html>", "/good.xml": rss("Good", ("one", ""))}
    assert (await finder.feed(f"{site.url}/")).url == f"{site.url}/good.xml"


async def test_where_a_page_states_none_the_usual_places_are_tried(site: Site, finder: Finder) -> None:
    site.pages |= {"/news": "<html><body>Hello</body></html>", "/rss.xml": rss("Good", ("one", ""))}
    assert (await finder.feed(f"{site.url}/news")).url == f"{site.url}/rss.xml"


async def test_where_there_is_none_all_that_was_tried_is_told_and_what_to_do(site: Site, finder: Finder) -> None:
    links = "".join(f"<link rel=alternate type='application/rss+xml' href='/{n}.xml'>" for n in range(40))
    site.pages["/"] = f"<html><head>{links}</head></html>"
    with pytest.raises(FetchFailed) as error:
        await finder.feed(f"{site.url}/")
    lines = str(error.value).splitlines()
    assert lines[0] == f"no feed found from {site.url}/; asked:"
    assert lines[1] == f"  {site.url}/: HTML where a feed should be"
    assert lines[2] == f"  {site.url}/0.xml: HTTP 404"
    assert len(site.asked) == 1 + TRIES
    assert f"monitor feeds add {site.url}/ --page" in lines[-2]
    assert '--links "h3 a"' in lines[-1]


@pytest.mark.parametrize(("status", "place"), [(301, "/new.xml"), (308, "/new.xml"), (302, "/old.xml"), (307, "/old.xml")])
async def test_a_feed_is_watched_where_it_moved_to_for_good(site: Site, finder: Finder, status: int, place: str) -> None:
    site.sends["/old.xml"] = (status, "/new.xml")
    site.pages["/new.xml"] = rss("The Paper", ("one", ""))
    assert (await finder.feed(f"{site.url}/old.xml")).url == site.url + place


async def test_a_feed_without_articles_is_a_feed(site: Site, finder: Finder) -> None:
    site.pages["/feed"] = rss("Empty")
    assert (await finder.feed(f"{site.url}/feed")).articles == ()


async def test_what_does_not_answer_well_is_told_with_its_address(site: Site, finder: Finder) -> None:
    with pytest.raises(FetchFailed, match=f"{site.url}/none: HTTP 404"):
        await finder.feed(f"{site.url}/none")
    with pytest.raises(FetchFailed, match=r"http://127.0.0.1:9/: cannot connect: look whether it is spelt right"):
        await finder.feed("http://127.0.0.1:9/")


async def test_a_private_address_is_not_asked_and_the_message_says_how_it_would_be(site: Site, finder: Finder) -> None:
    site.pages["/feed"] = rss()
    async with open_finder(Config(), lambda _: None) as guarded:
        with pytest.raises(FetchFailed) as error:
            await guarded.feed(f"{site.url}/feed")
    assert "blocked address 127.0.0.1" in str(error.value)
    assert "settings: {allow: {sources: [10.1.0.0/16]}}" in str(error.value)
    assert (error.value.kind, site.asked) == ("blocked", [])
    assert (await finder.feed(f"{site.url}/feed")).title == "The Paper"  # the control: the settings allow it
    assert site.asked == ["/feed"]


async def test_a_page_cannot_lead_to_a_private_address(site: Site, finder: Finder) -> None:
    site.pages["/"] = "<html><head><link rel=alternate type='application/rss+xml' href='http://10.1.2.3/feed.xml'></head></html>"
    with pytest.raises(FetchFailed, match=r"http://10\.1\.2\.3/feed\.xml: blocked address 10\.1\.2\.3"):
        await finder.feed(f"{site.url}/")


async def test_a_page_without_a_feed_is_watched_for_its_links(site: Site, finder: Finder) -> None:
    site.pages["/news"] = (
        "<html><body><h3><a href='/a/1'>A headline of some length</a></h3><p><a href='/b'>Imprint</a></p></body></html>"
    )
    found = await finder.page(f"{site.url}/news", "h3 a")
    assert (found.form, found.url, found.links, titles(found)) == (
        "page",
        f"{site.url}/news",
        "h3 a",
        ["A headline of some length"],
    )
    assert site.asked == ["/robots.txt", "/news"]


async def test_a_selector_that_picks_nothing_is_told(site: Site, finder: Finder) -> None:
    site.pages["/news"] = "<html><body><h3><a href='/a/1'>A headline of some length</a></h3></body></html>"
    with pytest.raises(FetchFailed, match="the selector 'h4 a' picks no link"):
        await finder.page(f"{site.url}/news", "h4 a")


async def test_a_page_that_robots_txt_keeps_us_from_is_not_asked_for(site: Site, finder: Finder) -> None:
    site.pages |= {"/robots.txt": "User-agent: *\nDisallow: /", "/news": "<html><body></body></html>"}
    with pytest.raises(FetchFailed, match="see whether the site has a feed"):
        await finder.page(f"{site.url}/news", None)
    assert site.asked == ["/robots.txt"]
