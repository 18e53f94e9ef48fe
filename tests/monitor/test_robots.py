"""What robots.txt keeps us from."""

from __future__ import annotations

import asyncio
from time import process_time

import pytest
from fakenet import NOT_FOUND, OK, PUBLIC, Clock, Names, answer, answers, egress, head, redirect, reset_after, serving, text
from yarl import URL

from monitor.egress import robots
from monitor.egress.robots import LONGEST, Robots, ours, whole_lines
from monitor.errors import FetchFailed
from monitor.wire import Response

AGENT = "News-Tripwire/1.2 (+https://example.org/about)"


@pytest.mark.parametrize(
    ("said", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /private", "/private/x", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /\nAllow: /news", "/news/1", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: *\nDisallow: /a%3Cb", "/a<b", False),
        ("User-agent: *\nDisallow: /новости", "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8", False),
        ("User-agent: *\nDisallow: /search?q=", "/search?q=x", False),
        ("User-agent: news-tripwire\nDisallow: /", "/a", False),
        ("user-agent: NEWS-TRIPWIRE/9\ndisallow: /", "/a", False),
        ("User-agent: news\nDisallow: /", "/a", True),  # a beginning of our name is not our name
        ("User-agent: news-tripwire-2\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: news-tripwire\nDisallow: /only", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: news-tripwire", "/a", True),
        ("User-agent: news-tripwire\nUser-agent: other\nDisallow: /x", "/x", False),
        ("User-agent: news-tripwire\nDisallow: /x\nUser-agent: other\nDisallow: /y", "/y", True),
        (
            "User-agent: news-tripwire\nDisallow: /x\nUser-agent: *\nDisallow: /z\nUser-agent: news-tripwire\nDisallow: /y",
            "/y",
            False,
        ),
        ("User-agent: other\nCrawl-delay: 5\nUser-agent: *\nDisallow: /b", "/b", False),
        ("User-agent: *\nSitemap: /s.xml\nUser-agent: other\nDisallow: /b", "/b", False),
        ("User-agent: * # all\r\nDisallow: /b # mine\r\n", "/b", False),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisalow: /b", "/b", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("<html>User-agent</html>", "/a", True),
        ("\ufeffUser-agent: *\nDisallow: /b", "/b", False),
        ("User-agent: *\rDisallow: /b", "/b", False),
    ],
)
async def test_the_rules_that_are_ours_decide(said: str, path: str, allowed: bool) -> None:  # noqa: FBT001
    rules = ours(whole_lines(said.encode()), AGENT)

    assert await rules.allow(f"https://example.org{path}") is allowed


@pytest.mark.parametrize(
    ("said", "delay"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("99999", 99999.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("1e9", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_a_crawl_delay_is_a_plain_number(said: str, delay: float) -> None:
    assert ours(f"User-agent: *\nCrawl-delay: {said}", AGENT).delay == delay


def test_a_line_that_was_cut_is_no_rule() -> None:
    start = b"User-agent: *\n" + b"#" * (LONGEST - 14 - 12) + b"\nDisallow: /private"

    assert ours(whole_lines(start[:LONGEST]), AGENT).text == ""
    assert ours(whole_lines(start[:14] + start[15:LONGEST]), AGENT).text == "disallow: /"  # the negative control


HOSTILE = {
    "agents": "".join(f"User-agent: a{n}\n" for n in range(15_000)) + "".join(f"Disallow: /{n}\n" for n in range(15_000)),
    "rules": "User-agent: *\n" + "".join(f"Allow:/{n}\n" for n in range(50_000)),
    "wildcards": "User-agent: *\n" + "".join(f"Allow:*a*a*b{n}\n" for n in range(30_000)),
    "one rule": "User-agent: *\nDisallow: " + "*a" * 250_000,
    "one word": "User-agent: *\n" + "a" * LONGEST,
    "spaces": "User-agent: *\n" + " " * LONGEST,
    "colons": "User-agent" + ":" * LONGEST,
    "ours": "User-agent: *\nUser-agent: news-tripwire\n" * 10_000,
    "in turn": "User-agent: *\nDisallow: /a\n" * 17_000,
    "percents": "User-agent: *\nDisallow: " + "%41" * 160_000,
    "dollars": "User-agent: *\nDisallow: " + "$" * LONGEST,
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_file_costs_little_and_never_holds_up_the_loop(said: str) -> None:
    began = process_time()
    said = said[:LONGEST]
    rules = await robots._aside(len(said), ours, said, AGENT)
    await rules.allow("https://example.org/" + "a" * 4_000)

    assert process_time() - began < 5  # seconds: quadratic ones take minutes


# Over the wire.


async def test_a_page_is_fetched_where_robots_txt_has_nothing_against_it() -> None:
    pages = {"/robots.txt": text("User-agent: tripwire-test\nDisallow: /private\n")}
    async with egress() as out, serving(answer(OK), pages=pages) as server:
        assert (await out.page(server.url(), headers={"Accept": "text/html"})).body == b"news"
        with pytest.raises(FetchFailed, match=r"^robots\.txt of 127\.0\.0\.2 asks us to stay away from this page$") as failed:
            await out.page(server.url(path="/private/1"))

    assert failed.value.kind == "robots"
    assert server.paths() == ["/robots.txt", "/feed"]  # once, and the forbidden page never


async def test_a_feed_is_fetched_without_asking() -> None:
    pages = {"/robots.txt": text("User-agent: *\nDisallow: /\n")}
    async with egress() as out, serving(answer(OK), pages=pages) as server:
        assert (await out.get(server.url())).body == b"news"  # the negative control of the test above, too

    assert server.paths() == ["/feed"]


async def test_many_pages_at_once_ask_once() -> None:
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": NOT_FOUND}) as server:
        await asyncio.gather(*(out.page(server.url(path=f"/{n}")) for n in range(20)))

    assert server.paths().count("/robots.txt") == 1


async def test_it_is_asked_for_again_after_a_day() -> None:
    clock = Clock()
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": NOT_FOUND}) as server:
        await out.page(server.url())
        await clock.jump(86_000)
        await out.page(server.url())
        assert server.paths().count("/robots.txt") == 1
        await clock.jump(500)
        server.pages = {"/robots.txt": text("User-agent: *\nDisallow: /\n")}
        with pytest.raises(FetchFailed, match="stay away"):
            await out.page(server.url())


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "403 No", "404 None", "410 Gone", "451 Law"])
async def test_a_robots_txt_that_is_not_there_allows_all(status: str) -> None:
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": head(status=status)}) as server:
        assert (await out.page(server.url())).body == b"news"


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (head(status="500 Oops"), "http", "HTTP 500"),
        (head(status="503 Busy"), "http", "HTTP 503"),
        (head(status="429 Many"), "http", "HTTP 429"),
        (b"", "unreachable", "the connection broke off"),
        (b"SSH-2.0\r\n\r\n", "http", "the answer is not proper HTTP"),
        (head("Content-Encoding: br") + b"x", "unreadable", "unknown content encoding 'br'"),
    ],
)
async def test_one_that_cannot_be_had_allows_nothing_for_ten_minutes(data: bytes, kind: str, why: str) -> None:
    clock = Clock()
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": data}) as server:
        for _ in range(2):
            with pytest.raises(FetchFailed, match=f"^robots.txt of {PUBLIC} could not be had: {why}$") as failed:
                await out.page(server.url())
            assert failed.value.kind == kind
            assert failed.value.wait is not None
            assert 590 < failed.value.wait.total_seconds() <= 600
        assert set(server.paths()) == {"/robots.txt"}
        server.pages = {"/robots.txt": NOT_FOUND}
        await clock.jump(601)
        assert (await out.page(server.url())).body == b"news"


async def test_where_it_cannot_be_had_what_it_said_before_still_holds() -> None:
    clock = Clock()
    pages = {"/robots.txt": text("User-agent: *\nDisallow: /private\n")}
    async with egress() as out, serving(answer(OK), pages=pages) as server:
        await out.page(server.url())
        server.pages = {"/robots.txt": head(status="500 Oops")}
        await clock.jump(86_401)
        assert (await out.page(server.url())).body == b"news"
        with pytest.raises(FetchFailed, match="stay away"):
            await out.page(server.url(path="/private"))


async def test_a_resting_host_is_not_asked_and_nothing_is_concluded() -> None:
    clock = Clock()
    waits = answers(head("Retry-After: 60", status="503 Busy"), OK)
    async with egress() as out, serving(waits, pages={"/robots.txt": NOT_FOUND}) as server:
        await out.get(server.url())
        with pytest.raises(FetchFailed, match="left alone") as failed:
            await out.page(server.url())
        assert failed.value.kind == "asked-to-wait"
        await clock.jump(61)
        assert (await out.page(server.url())).body == b"news"


async def test_after_a_redirect_the_other_origin_s_robots_txt_counts() -> None:
    names = Names({"strict.example": [[PUBLIC]], "open.example": [[PUBLIC]]})
    away = {"/robots.txt": text("User-agent: *\nDisallow: /\n")}
    async with egress(names) as out, serving(answer(OK), pages=away) as other, serving(answer(OK)) as server:
        server.pages = {"/robots.txt": NOT_FOUND, "/feed": redirect(other.url("strict.example", "/x"))}
        with pytest.raises(FetchFailed, match=r"^robots\.txt of strict\.example asks us"):
            await out.page(server.url("open.example"))

    assert other.paths() == ["/robots.txt"]


async def test_a_redirected_robots_txt_counts_for_where_it_was_asked_for() -> None:
    pages = {"/robots.txt": redirect("/other"), "/other": text("User-agent: *\nDisallow: /\n")}
    async with egress() as out, serving(answer(OK), pages=pages) as server:
        with pytest.raises(FetchFailed, match="stay away"):
            await out.page(server.url())


async def test_a_ring_of_redirects_is_no_robots_txt() -> None:
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": redirect("/robots.txt")}) as server:
        assert (await out.page(server.url())).body == b"news"


async def test_of_a_huge_one_the_first_500_kib_count() -> None:
    start = "User-agent: *\nDisallow: /private\n"
    huge = text(start + "#\n" * LONGEST + "User-agent: *\nDisallow: /\n")
    async with egress() as out, serving(answer(OK), pages={"/robots.txt": huge}) as server:
        assert (await out.page(server.url())).body == b"news"
        with pytest.raises(FetchFailed, match="stay away"):
            await out.page(server.url(path="/private"))


async def test_one_that_breaks_off_is_not_taken_for_whole() -> None:
    broken = reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nUser-agent: *\n")
    async with egress() as out, serving(broken) as server:
        with pytest.raises(FetchFailed, match="could not be had"):
            await out.page(server.url())


async def test_the_memory_for_robots_txt_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "ORIGINS", 50)
    monkeypatch.setattr(robots, "ROOM", 10_000)

    async def ask(url: str) -> Response:
        body = b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % n for n in range(100 if "big" in url else 1))
        return Response(status=200, url=url, body=body)

    known = Robots(ask=ask, agent=AGENT)
    for n in range(200):
        await known.rules(URL(f"https://{n}.example/"))
    assert len(known._known) == 50
    for n in range(200):
        await known.rules(URL(f"https://big{n}.example/"))
    assert known._size <= 10_000
    assert known._size == sum(len(one.rules.text) for one in known._known.values() if one.rules)
    assert not known._asking
