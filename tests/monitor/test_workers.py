"""Workers that can be killed: real processes, with what kills them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.errors import ConfigError, Unreadable
from monitor.workers import Unavailable, Workers, pool
from rules import Article, Finding, Found, Match

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ROOT = Path(__file__).parents[2]
GOOD = b"<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>News</title></item></channel></rss>"
# An e-mail pattern of feedparser needs time that grows with the square of this (its issue 562).
EVIL = GOOD.replace(b"<guid>", b"<author>" + b"a" * 200_000 + b"</author><guid>")


class Words:
    """Rules in a nutshell: finds the main file's word in titles, and does what evil titles say."""

    def __init__(self, word: str) -> None:
        self.word = word

    def possible(self, *texts: str) -> bool:
        return any(self.word in text for text in texts)

    def attempt(self, article: Article, **_: object) -> Found:
        match article.title:
            case "hang":
                threading.Event().wait()
            case "crash":
                os.abort()
            case "raise":
                raise ValueError("odd")
        found = Finding(field="title", start=0, end=len(self.word), text=self.word)
        matches = (Match(rule=self.word, article=article.id, findings=(found,)),) if self.word in article.title else ()
        return Found(matches)


def load(files: Mapping[str, bytes], main: str) -> Words:
    word = files[main].decode()
    if word == "broken":
        raise ValueError("rules.yaml:1:1: broken")
    return Words(word)


def hog() -> int:
    return len(bytearray(3 << 30))


def crash() -> None:
    os.abort()


def loud() -> None:
    logging.getLogger("some.library").error("discarding data: None")
    warnings.warn("old", UserWarning, stacklevel=1)


def doubled(number: int) -> int:
    return 2 * number


def pid() -> int:
    return os.getpid()


def unsendable() -> object:
    return threading.Lock()


def articles(*titles: str) -> list[Article]:
    return [Article(id=title, title=title) for title in titles]


@pytest.fixture
def broken() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def crew(broken: list[tuple[str, str]]) -> AsyncIterator[Workers]:
    crew = Workers(
        load=load,
        files={"rules.yaml": b"talks"},
        main="rules.yaml",
        broken=lambda article, why: broken.append((article.id, why)),
        parsers=1,
        parse_limit=1.0,
        match_limit=1.0,
        article_limit=0.0,
    )
    yield crew
    await crew.close()


async def test_a_feed_is_parsed_and_a_page_read(crew: Workers) -> None:
    found = await crew.parse_feed(GOOD, source="s", url="http://example.org/feed", headers={})
    page = await crew.extract(b"<html><body><p>" + b"News of the day. " * 30 + b"</p></body></html>", url="http://example.org/")

    assert [article.id for article in found.articles] == ["s#1"]
    assert page.text.startswith("News of the day.")


async def test_what_cannot_be_read_is_told_in_the_parser_s_words(crew: Workers) -> None:
    with pytest.raises(Unreadable, match="HTML where a feed should be"):
        await crew.parse_feed(b"<html></html>", source="s", url="http://example.org/", headers={})


async def test_a_feed_that_hangs_the_parser_is_given_up_and_the_next_one_is_parsed(crew: Workers) -> None:
    with pytest.raises(Unreadable, match="the parser gave up after 1 s"):
        await crew.parse_feed(EVIL, source="s", url="http://example.org/", headers={})

    assert await crew.parse_feed(GOOD, source="s", url="http://example.org/", headers={})


async def test_what_libraries_say_there_does_not_stand_between_our_log_lines(
    crew: Workers, capfd: pytest.CaptureFixture[str]
) -> None:
    await crew.parse(loud)

    assert capfd.readouterr().err == ""


async def test_one_that_crashes_the_parser_costs_only_itself(crew: Workers) -> None:
    with pytest.raises(Unreadable, match="the parser crashed"):
        await crew.parse(crash)

    assert await crew.parse(doubled, 4) == 8


async def test_one_that_eats_memory_is_stopped_by_the_limit(crew: Workers) -> None:
    with pytest.raises(Unreadable, match="the parser ran out of memory"):
        await crew.parse(hog)

    assert await crew.parse(doubled, 4) == 8


async def test_what_cannot_be_sent_back_is_an_error_and_not_a_hang(crew: Workers) -> None:
    with pytest.raises(Unreadable, match="cannot be sent"):
        await crew.parse(unsendable)


async def test_a_worker_that_somebody_killed_is_replaced(crew: Workers) -> None:
    first = await crew.parse(pid)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it is dying already

    assert await crew.parse(pid) != first


async def test_a_worker_retires_after_its_tasks(crew: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "TASKS", 2)

    assert len({await crew.parse(pid) for _ in range(4)}) == 2


async def test_signals_for_the_whole_group_leave_workers_to_their_parent(crew: Workers) -> None:
    first = await crew.parse(pid)
    os.kill(first, signal.SIGTERM)
    os.kill(first, signal.SIGINT)

    assert await crew.parse(pid) == first


async def test_matches_come_in_the_order_of_the_articles(crew: Workers) -> None:
    found = await crew.match(articles("talks now", "weather", "more talks"))

    assert [[match.article for match in matches or ()] for matches in found] == [["talks now"], [], ["more talks"]]


async def test_nothing_to_match_starts_nothing(crew: Workers) -> None:
    assert await crew.match([]) == []


async def test_an_article_that_makes_the_engine_raise_loses_only_its_own_matches(
    crew: Workers, broken: list[tuple[str, str]]
) -> None:
    found = await crew.match(articles("talks 1", "raise", "talks 2"))

    assert [matches and len(matches) for matches in found] == [1, None, 1]
    assert broken == [("raise", "raised ValueError: odd")]


@pytest.mark.parametrize(("poison", "why"), [("hang", "gave up after 1 s"), ("crash", "crashed")])
async def test_so_does_one_that_hangs_or_crashes_it(crew: Workers, broken: list[tuple[str, str]], poison: str, why: str) -> None:
    found = await crew.match(articles("talks 1", poison, "talks 2"))

    assert [matches and len(matches) for matches in found] == [1, None, 1]
    assert broken == [(poison, why)]


async def test_rules_that_cannot_be_loaded_are_an_error_and_not_an_absence_of_matches(broken: list[tuple[str, str]]) -> None:
    crew = Workers(load=load, files={"r": b"broken"}, main="r", broken=lambda article, why: broken.append((article.id, why)))
    with pytest.raises(Unavailable, match=r"cannot start: raised ValueError: rules\.yaml:1:1: broken"):
        await crew.match(articles("talks"))
    await crew.close()

    assert broken == []


async def test_a_reload_swaps_the_rules(crew: Workers) -> None:
    assert [len(found or ()) for found in await crew.match(articles("talks", "truce"))] == [1, 0]

    await crew.reload({"rules.yaml": b"truce"}, "rules.yaml")

    assert [len(found or ()) for found in await crew.match(articles("talks", "truce"))] == [0, 1]


async def test_a_reload_that_fails_keeps_the_old_rules(crew: Workers) -> None:
    with pytest.raises(ConfigError, match=r"rules\.yaml:1:1: broken"):
        await crew.reload({"rules.yaml": b"broken"}, "rules.yaml")

    assert [len(found or ()) for found in await crew.match(articles("talks"))] == [1]


async def test_what_is_under_way_ends_with_the_rules_it_began_with(crew: Workers) -> None:
    await crew.match(articles("warm"))
    under_way = asyncio.create_task(crew.match(articles("hang", "talks")))
    await asyncio.sleep(0)
    await crew.reload({"rules.yaml": b"truce"}, "rules.yaml")

    assert [found and len(found) for found in await under_way] == [None, 1]


async def test_closing_ends_a_worker_that_hangs_and_says_so_rather_than_finding_nothing(
    crew: Workers, broken: list[tuple[str, str]]
) -> None:
    crew.match_limit = 60.0
    await crew.match(articles("warm"))
    under_way = asyncio.create_task(crew.match(articles("hang")))
    await asyncio.sleep(0)
    await crew.close()

    with pytest.raises(Unavailable, match="was stopped"):
        await under_way
    with pytest.raises(Unavailable, match="was stopped"):
        await crew.match(articles("talks"))
    assert broken == []


async def test_a_cancelled_task_gives_its_worker_back_when_it_is_over(crew: Workers) -> None:
    asking = asyncio.create_task(crew.parse(doubled, 4))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert await crew.parse(doubled, 5) == 10


PARENT = """
import asyncio, time
from monitor.workers import Workers

async def main():
    crew = Workers(load=None, files={}, main="", parsers=1, parse_limit=600.0)
    await crew.parse(str)
    busy = asyncio.create_task(crew.parse(TASK))
    await asyncio.sleep(0)
    print("ready", flush=True)
    await busy

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("task", ["str", "time.sleep, 600"], ids=["idle", "busy"])
def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path, task: str) -> None:
    """Workers hold the parent's standard output: it ends when the last of them does."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT.replace("TASK", task))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()
        assert parent.stdout.read() == b""


async def test_a_page_is_read_where_the_rules_in_force_could_want_it(crew: Workers) -> None:
    told, dull = (
        f"<html><body><article><p>{'News of the day about ' + word + '. ' * 3}</p></article></body></html>".encode()
        for word in ("talks", "nothing")
    )

    assert (found := await crew.read_page(told, url="http://example.org/")) is not None
    assert "talks" in found.text
    assert await crew.read_page(dull, url="http://example.org/") is None
