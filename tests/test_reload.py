"""Rules that are edited while the monitor runs: all of a good set or nothing, soon, and without losing what the old ones raised.

F89 and F94 of the fault catalogue through the real daemon; when files are read, on a simulated clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from monitor import steps
from monitor.app import receivers, reload
from monitor.app.book import Book, read_rules
from monitor.app.reload import QUIET, InForce, Watch, stamped
from monitor.config import Config
from monitor.errors import ConfigError
from monitor.schedule import Schedule
from monitor.steps import Bench
from monitor.stores.memory import MemoryStore
from monitor.workers import Workers
from rules import Article, RuleSet, load

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Daemon, Desk, Hook, Newsroom, Settings

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def rules(*words: str) -> str:
    """A rule for each word, called after it."""
    return "rules:\n" + "".join(f"  - id: {word}\n    title: News of {word}\n    when: {{any: [{word}]}}\n" for word in words)


# When they are read: a watch and no files

OLD, NEW, NEWER = (("rules.yaml", (1, 10, 7)),), (("rules.yaml", (2, 11, 7)),), (("rules.yaml", (3, 12, 7)),)


def test_what_has_not_changed_is_never_read() -> None:
    watch = Watch(tried=OLD, seen=OLD).looked(OLD, 100.0)
    assert not watch.ready(1_000.0)


def test_what_was_written_is_read_once_it_lies_still() -> None:
    watch = Watch(tried=OLD, seen=OLD).looked(NEW, 100.0)
    assert not watch.ready(100.0)
    assert watch.looked(NEW, 100.0 + QUIET).ready(100.0 + QUIET)


def test_each_write_begins_the_wait_anew() -> None:
    watch = Watch(tried=OLD, seen=OLD).looked(NEW, 100.0).looked(NEWER, 100.0 + QUIET - 0.1)
    assert not watch.ready(100.0 + QUIET)
    assert watch.ready(100.0 + 2 * QUIET)


def test_a_write_that_is_taken_back_at_once_is_nothing() -> None:
    watch = Watch(tried=OLD, seen=OLD).looked(NEW, 100.0).looked(OLD, 100.1)
    assert not watch.ready(200.0)


def test_a_file_that_is_replaced_by_one_of_its_age_and_size_has_changed(tmp_path: Path) -> None:
    file, other = tmp_path / "rules.yaml", tmp_path / "new"
    file.write_text("a")
    other.write_text("b")
    about = file.stat()
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    before = stamped([str(file)])
    other.replace(file)
    assert stamped([str(file)]) != before
    file.unlink()
    assert stamped([str(file)]) == ((str(file), None),)


# What is made of them: real files, a simulated clock, matching in this process


@dataclass
class Crew:
    """Workers that match here and now; `refuses` are words that their compiler chokes on."""

    engine: RuleSet
    refuses: str = "nothing"
    prepared: Callable[[], None] = lambda: None
    swaps: int = 0
    dropped: int = 0

    @contextmanager
    def present(self) -> Iterator[Crew]:
        yield replace(self)

    async def match(self, articles: Sequence[Article]) -> list[Any]:
        return [self.engine.match(one) for one in articles]

    async def prepare(self, files: Any, main: str) -> Any:
        if any(self.refuses.encode() in data for data in files.values()):
            raise ConfigError("the rules cannot be loaded: gave up after 5 s")
        self.prepared()
        return Prepared(load(files, main), self)

    def swap(self, shift: Prepared) -> None:
        self.engine = shift.engine
        self.swaps += 1


@dataclass
class Prepared:
    engine: RuleSet
    crew: Crew

    async def close(self) -> None:
        self.crew.dropped += 1


@dataclass
class Scene:
    """Rules on the disk, and those in force."""

    folder: Path
    clock: float = 0.0
    crew: Crew = field(init=False)
    in_force: InForce = field(init=False)
    exchanged: list[Book] = field(default_factory=list)

    def begin(self) -> Scene:
        (self.folder / "monitor.yaml").write_text("sources: []\n")
        book = read_rules(self.main)
        self.crew = Crew(book.ruleset)
        config = Config(file=self.folder / "monitor.yaml", rules=self.main, store=str(self.folder / "monitor.db"))
        self.in_force = InForce(
            config=config,
            book=book,
            workers=self.crew,  # type: ignore[arg-type]
            fill=lambda _: steps.as_it_is,
            exchanged=self.exchanged.append,
            clock=lambda: self.clock,
            now=lambda: NOW,
        )
        return self

    @property
    def main(self) -> Path:
        return self.folder / "rules.yaml"

    async def look(self, after: float = 0.1) -> list[dict[str, Any]]:
        """One look, a moment later; what was logged."""
        self.clock += after
        with capture_logs() as said:
            await self.in_force.look()
        return [dict(one) for one in said]

    async def settle(self) -> list[dict[str, Any]]:
        """Looks until whatever was written has lain still."""
        return [*await self.look(), *await self.look(QUIET), *await self.look(QUIET)]

    @property
    def ids(self) -> list[str]:
        return [rule.id for rule in self.crew.engine.rules]


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    (tmp_path / "rules.yaml").write_text(rules("flood"))
    scene = Scene(tmp_path).begin()
    assert await scene.settle() == []
    return scene


def events(said: list[dict[str, Any]]) -> list[str]:
    return [one["event"] for one in said]


async def test_a_good_save_is_in_force_once_it_lies_still(scene: Scene) -> None:
    scene.main.write_text(rules("flood", "storm"))
    assert (await scene.look(), scene.ids) == ([], ["flood"])
    (said,) = await scene.look(QUIET)
    assert (said["event"], said["new"], said["changed"], said["gone"]) == ("rules exchanged", ["storm"], [], [])
    assert scene.ids == ["flood", "storm"]
    assert list(scene.in_force.rules) == ["flood", "storm"]
    assert [list(book.rules) for book in scene.exchanged] == [["flood", "storm"]]
    assert (await scene.settle(), scene.crew.swaps) == ([], 1)


BAD = {
    "broken YAML": ("rules: [\n", "rules.yaml:2:1: "),
    "an unknown key": (rules("flood") + "    wehn: 1\n", "rules.yaml:5:5: "),
    "a bad expression": ("rules:\n  - id: a\n    when: {any: ['/(/']}\n", "rules.yaml:3:18: "),
    "an empty condition": (rules("flood") + "  - {id: half}\n", "rules.yaml:5:5: "),
    "what the compiler refuses": (rules("flood", "nothing"), "the rules cannot be loaded"),
}


@pytest.mark.parametrize(("text", "where"), BAD.values(), ids=BAD)
async def test_a_bad_save_changes_nothing_and_says_where_it_is_wrong(scene: Scene, text: str, where: str) -> None:
    scene.main.write_text(text)
    (said,) = await scene.settle()
    assert said["event"] == "rules refused: the old ones stay in force"
    assert where in said["problem"]
    assert (scene.ids, scene.crew.swaps, list(scene.in_force.rules)) == (["flood"], 0, ["flood"])
    assert scene.in_force.standing.stale == NOW
    assert where in scene.in_force.standing.why[0]


async def test_a_bad_save_is_told_once_and_the_next_is_tried(scene: Scene) -> None:
    scene.main.write_text("rules: [\n")
    assert len([*await scene.settle(), *await scene.settle()]) == 1
    scene.main.write_text("rules: [[\n")
    assert len(await scene.settle()) == 1
    scene.main.write_text(rules("storm"))
    (said,) = await scene.settle()
    assert (said["new"], said["gone"]) == (["storm"], ["flood"])
    assert scene.in_force.standing.stale is None


async def test_a_mistake_taken_back_leaves_the_rules_as_they_were(scene: Scene) -> None:
    scene.main.write_text("rules: [\n")
    await scene.settle()
    scene.main.write_text(rules("flood"))
    assert events(await scene.settle()) == ["rules as they were"]
    assert (scene.in_force.standing.stale, scene.crew.swaps) == (None, 0)


async def test_a_file_written_in_two_goes_is_taken_whole(scene: Scene) -> None:
    whole = rules("flood", "storm", "drought")
    half = rules("flood", "storm")
    scene.main.write_text(half)  # valid by itself: only waiting tells that it is not all
    await scene.look()
    scene.main.write_text(whole)
    await scene.look(QUIET - 0.1)
    await scene.settle()
    assert [list(book.rules) for book in scene.exchanged] == [["flood", "storm", "drought"]]


async def test_without_the_wait_half_of_it_would_be_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr(reload, "QUIET", 0.0)
    scene.main.write_text(rules("flood", "storm"))
    await scene.look()
    scene.main.write_text(rules("flood", "storm", "drought"))
    await scene.look()
    assert [list(book.rules) for book in scene.exchanged] == [["flood", "storm"], ["flood", "storm", "drought"]]


async def test_what_is_written_while_it_is_compiled_is_not_taken_half(scene: Scene) -> None:
    def more() -> None:
        scene.main.write_text(rules("flood", "storm", "drought"))

    scene.crew.prepared = more
    scene.main.write_text(rules("flood", "storm"))
    await scene.look()
    await scene.look(QUIET)
    assert (scene.ids, scene.crew.dropped) == (["flood"], 1)
    await scene.settle()
    assert [list(book.rules) for book in scene.exchanged] == [["flood", "storm", "drought"]]


async def test_included_files_are_watched_too_and_so_are_those_that_were_missing(scene: Scene) -> None:
    scene.main.write_text("include: [more.yaml]\n" + rules("flood"))
    (said,) = await scene.settle()
    assert "cannot read" in said["problem"]
    (scene.folder / "more.yaml").write_text(rules("storm"))
    assert [one["new"] for one in await scene.settle()] == [["storm"]]
    (scene.folder / "more.yaml").write_text(rules("drought"))
    assert [(one["new"], one["gone"]) for one in await scene.settle()] == [(["drought"], ["storm"])]
    assert scene.ids == ["flood", "drought"]


async def test_a_file_that_is_gone_is_a_bad_save(scene: Scene) -> None:
    scene.main.unlink()
    (said,) = await scene.settle()
    assert "No such file" in said["problem"]
    assert scene.ids == ["flood"]


async def test_rules_that_name_an_unknown_receiver_are_not_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_config: Config, book: Book) -> None:
        raise ConfigError("rule 'storm' notifies 'nobody': no such receiver")

    monkeypatch.setattr(receivers, "check", check)
    scene.main.write_text(rules("storm"))
    (said,) = await scene.settle()
    assert said["problem"] == "rule 'storm' notifies 'nobody': no such receiver"
    assert scene.ids == ["flood"]


async def test_what_breaks_the_reader_is_a_bad_save_and_not_read_over_and_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> Book:
        raise RecursionError("too deep")

    monkeypatch.setattr(reload, "read_rules", read)
    scene.main.write_text(rules("storm"))
    said = await scene.settle()
    assert events(said) == ["rules broke", "rules refused: the old ones stay in force"]
    assert await scene.settle() == []


async def test_asked_for_they_are_read_at_once(scene: Scene) -> None:
    scene.main.write_text(rules("storm"))
    scene.in_force.asked = True
    assert events(await scene.look()) == ["rules exchanged"]
    scene.in_force.asked = True
    assert events(await scene.look()) == ["rules as they were"]
    scene.main.write_text("rules: [")
    scene.in_force.asked = True
    assert events(await scene.look()) == ["rules refused: the old ones stay in force"]


async def test_edited_settings_are_not_taken_and_that_is_said_once(scene: Scene) -> None:
    file = scene.folder / "monitor.yaml"
    os.utime(file, (1, 1))
    assert await scene.settle() == []  # touched, not edited
    file.write_text("sources: []\n# edited\n")
    assert events(await scene.settle()) == ["settings edited: restart to take them up"]
    file.write_text("sources: []\n# edited again\n")
    assert await scene.settle() == []


# Between two batches


async def test_rules_are_exchanged_between_two_batches_and_never_within_one(scene: Scene) -> None:
    """Three batches of one article each; the rules change while the second is being filled."""

    async def fill(fresh: Any) -> Any:
        if fresh.article.id == "2":
            scene.main.write_text(rules("flood", "storm"))
            await scene.settle()
        return await steps.as_it_is(fresh)

    scene.in_force.fill = lambda _: fill
    store = MemoryStore()
    bench = Bench(store=store, match=scene.crew.match, rules={}, moment=lambda _: NOW, batch=1, turn=scene.in_force.turn)
    given = [Article(id=str(n), title=f"{n}", body=f"Flood and storm number {n}, {'x' * n}.", digest=str(n)) for n in (1, 2, 3)]
    with capture_logs():
        await steps.examine(given, bench=bench)

    told = sorted((alert.article.id, alert.rule) for alert in await store.alerts())
    assert ("2", "storm") not in told
    assert ("3", "storm") in told
    assert ("1", "flood") in told


async def test_an_alert_says_the_version_that_made_it(scene: Scene) -> None:
    store = MemoryStore()
    bench = Bench(store=store, match=scene.crew.match, rules={}, moment=lambda _: NOW, turn=scene.in_force.turn)
    old = scene.in_force.book.rules["flood"].version
    with capture_logs():
        await steps.examine([Article(id="1", body="A flood in the north.", digest="1")], bench=bench)
        scene.main.write_text(rules("flood").replace("any: [flood]", "any: [flood, river]"))
        await scene.settle()
        await steps.examine([Article(id="2", body="The river has risen in the south.", digest="2")], bench=bench)

    new = scene.in_force.book.rules["flood"].version
    assert {alert.article.id: alert.version for alert in await store.alerts()} == {"1": old, "2": new}
    assert old != new


# The schedule


async def test_a_look_that_takes_long_is_not_begun_twice_and_none_after_the_end() -> None:
    gate, begun = asyncio.Event(), []

    async def nothing(*_: object) -> Any:
        return []

    async def reread() -> None:
        begun.append("look")
        await gate.wait()

    schedule = Schedule(
        claim=nothing,
        ingest=nothing,
        senders=steps.senders({}, store=MemoryStore(), clock=lambda: datetime.now(UTC), jitter=lambda: 0.0),
        refill=nothing,
        tidy=nothing,
        reread=reread,
    )
    await schedule.consult()
    await asyncio.sleep(0)
    await schedule.consult()
    assert begun == ["look"]
    gate.set()
    await schedule.drain(1, asyncio.Event())
    await schedule.consult()
    assert begun == ["look"]


# Workers


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    crew = Workers(load=load, files={"r": rules("flood").encode()}, main="r", parsers=1)
    yield crew
    await crew.close()


async def found(crew: Workers) -> list[str]:
    (matches,) = await crew.match([Article(id="a", title="Flood and storm")])
    return [one.rule for one in matches or ()]


async def test_who_holds_the_present_workers_keeps_their_rules(workers: Workers) -> None:
    files = {"r": rules("storm").encode()}
    with workers.present() as before:
        await workers.reload(files, "r")  # does not wait for us
        assert (await found(before), await found(workers)) == (["flood"], ["storm"])


async def test_closing_does_not_wait_for_who_holds_old_rules(workers: Workers) -> None:
    with workers.present() as before:
        assert await found(before) == ["flood"]
        await workers.reload({"r": rules("storm").encode()}, "r")
        await workers.close()
        with pytest.raises(Exception, match="was stopped"):
            await found(before)


# The real daemon

STORY = "The capital woke up to grey skies.\n\n{}\n\nThe market nearby opened on time, as it does on most days of the week."


class Paper:
    """Publishes stories that name a word."""

    def __init__(self, newsroom: Newsroom) -> None:
        self.newsroom = newsroom
        self.count = 0

    def tells(self, text: str) -> None:
        self.count += 1
        self.newsroom.publish(f"n{self.count}", f"Number {self.count}", "Grey skies.", STORY.format(text))


def told(hook: Hook) -> tuple[str, str]:
    data = json.loads(hook.body)["data"]
    return data["rule"]["id"], data["rule"]["version"]


async def started(desk: Desk, newsroom: Newsroom, settings: Settings) -> Daemon:
    desk.write(settings(), rules("flood"))
    daemon = await desk.start()
    await newsroom.until_asked("/feed/feed")
    return daemon


async def test_a_rule_that_is_saved_finds_what_comes_afterwards(newsroom: Newsroom, desk: Desk, settings: Settings) -> None:
    paper = Paper(newsroom)
    paper.tells("A storm hit the coast at noon and tore the roofs from nine houses.")
    daemon = await started(desk, newsroom, settings)
    await daemon.says('"first poll"')
    (desk.folder / "rules.yaml").write_text(rules("flood", "storm"))
    said = json.loads(await daemon.says('"rules exchanged"'))
    paper.tells("Another storm is on its way to the islands in the west, forecasters warned.")
    hook = await newsroom.told()

    assert said["new"] == ["storm"]
    assert told(hook) == ("storm", read_rules(desk.folder / "rules.yaml").rules["storm"].version)
    assert json.loads(hook.body)["data"]["article"]["title"] == "Number 2"
    assert await daemon.stop() == 0
    assert newsroom.hooks.empty()  # it looks forward only


async def test_f89_a_bad_save_leaves_the_old_rules_at_work_and_status_says_so(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    paper = Paper(newsroom)
    daemon = await started(desk, newsroom, settings)
    await daemon.says('"first poll"')
    (desk.folder / "rules.yaml").write_text(rules("flood", "storm") + "    wehn: 1\n")
    said = json.loads(await daemon.says('"rules refused'))
    paper.tells("A flood and a storm hit the coast at noon and tore the roofs from nine houses.")
    hook = await newsroom.told()
    code, out, _ = await desk.command("status")
    _, plain, _ = await desk.command("status", "--json")

    assert "rules.yaml:8:5: " in said["problem"]
    assert told(hook)[0] == "flood"
    assert code == 0
    assert "rules: stale since" in out
    assert "rules.yaml:8:5: " in out
    assert json.loads(plain)["rules"]["why"] == [said["problem"]]

    (desk.folder / "rules.yaml").write_text(rules("flood", "storm"))
    await daemon.says('"rules exchanged"')
    assert "stale" not in (await desk.command("status"))[1]
    assert await daemon.stop() == 0
    assert newsroom.hooks.empty()


async def test_sighup_reads_them_at_once_and_ends_nobody(newsroom: Newsroom, desk: Desk, settings: Settings) -> None:
    daemon = await started(desk, newsroom, settings)
    await daemon.says('"first poll"')
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.says('"rules as they were"')
    (desk.folder / "rules.yaml").write_text(rules("storm"))
    daemon.process.send_signal(signal.SIGHUP)
    assert json.loads(await daemon.says('"rules exchanged"'))["gone"] == ["flood"]
    assert await daemon.stop() == 0


async def test_f94_what_a_rule_raised_is_delivered_after_it_is_deleted(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    paper = Paper(newsroom)
    newsroom.answers = [500]
    daemon = await started(desk, newsroom, settings)
    version = read_rules(desk.folder / "rules.yaml").rules["flood"].version
    paper.tells("A flood hit the coast at noon and tore the roofs from nine houses.")
    first = await newsroom.told()
    await daemon.says('"delivery failed"')
    (desk.folder / "rules.yaml").write_text(rules("storm"))
    await daemon.says('"rules exchanged"')
    second = await newsroom.told()  # in its own time

    assert told(first) == told(second) == ("flood", version)
    assert first.body == second.body
    assert await daemon.stop() == 0
    _, out, _ = await desk.command("alerts", "--json")
    assert [json.loads(line)["data"]["rule"]["version"] for line in out.splitlines()] == [version]
