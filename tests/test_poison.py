"""Articles and rules that break one another, F90 to F94 of the fault catalogue: each costs what it touches, and nothing beside it.

Real worker processes, and the real daemon. A rule called after what it does (raise, hang, crash) does it on articles that say "poison".
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

import rules
from monitor import pages, steps
from monitor.app import faults
from monitor.app.book import Book, read_rules
from monitor.app.faults import Fault, noted, split
from monitor.app.reload import InForce
from monitor.app.standing import left_faulty
from monitor.config import Config
from monitor.model import Partly
from monitor.policy import Office
from monitor.steps import Bench
from monitor.stores.memory import MemoryStore
from monitor.workers import STRIKES, Workers
from rules import Article, Found, Invalid, Limits, Match, RuleSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from conftest import Desk, Hook, Newsroom, Settings

    from rules.conditions.base import Condition
    from rules.evidence import Clause, Evidence
    from rules.reading import Reading, Sentence

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DEEDS = ("raise", "hang", "crash")


def written(*words: str) -> str:
    """A rule for each word, called after it, that finds "flood"."""
    return "rules:\n" + "".join(f"  - id: {word}\n    title: News of {word}\n    when: {{any: [flood]}}\n" for word in words)


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A condition that breaks on articles that say "poison", in one of three ways."""

    inner: Condition
    deed: str

    def possible(self, vocabulary: frozenset[str]) -> bool:
        return self.inner.possible(vocabulary)

    def describe(self) -> str:
        return self.inner.describe()

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        return self.inner.explain(reading, within)

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:
        if "poison" in reading.article.title:
            match self.deed:
                case "raise":
                    raise ValueError("odd\nthing")
                case "hang":
                    threading.Event().wait()
                case "crash":
                    os.abort()
        return self.inner.search(reading, within)


def load(files: Mapping[str, bytes], main: str) -> RuleSet:
    """The rules as written, those called after a deed poisoned."""
    whole = rules.load(files, main)
    return replace(
        whole,
        rules=tuple(
            replace(one, when=Poisoned(one.when, one.id)) if one.id in DEEDS else one  # type: ignore[arg-type]
            for one in whole.rules
        ),
    )


class Unguarded:
    """The same rules, asked all at once, as they were before each had to answer for itself."""

    def __init__(self, whole: RuleSet) -> None:
        self.whole = whole

    def possible(self, *texts: str) -> bool:
        return self.whole.possible(*texts)

    def attempt(self, article: Article, *, ended: bool = False, **_: object) -> Found:
        return Found(tuple(self.whole.match(article, ended=ended)))


def load_unguarded(files: Mapping[str, bytes], main: str) -> Unguarded:
    return Unguarded(load(files, main))


Told = list[tuple[str, str, str]]


def crew(told: Told, *words: str, guarded: bool = True, **limits: Any) -> Workers:
    return Workers(
        load=load if guarded else load_unguarded,
        files={"r": written(*words).encode()},
        main="r",
        broken=lambda article, why: told.append((article.id, "", why)),
        faulty=lambda article, rule, why: told.append((article.id, rule, why)),
        **{"parsers": 1, "match_limit": 1.0, "article_limit": 0.0, **limits},
    )


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
async def hire(told: Told) -> AsyncIterator[Callable[..., Workers]]:
    hired: list[Workers] = []

    def hire(*words: str, **limits: Any) -> Workers:
        hired.append(crew(told, *words, **limits))
        return hired[-1]

    yield hire
    for one in hired:
        await one.close()


def news(*names: str) -> list[Article]:
    return [Article(id=name, title=f"{name}: a flood") for name in names]


def by_article(found: Sequence[Sequence[Match] | None]) -> list[list[str] | None]:
    return [None if matches is None else [one.rule for one in matches] for matches in found]


WORDS = {"raise": "raised ValueError: odd thing", "hang": "gave up after 1 s", "crash": "crashed"}


@pytest.mark.parametrize("deed", DEEDS)
async def test_f90_to_f92_a_rule_that_breaks_on_an_article_costs_its_own_match_and_no_other(
    deed: str, hire: Callable[..., Workers], told: Told
) -> None:
    found = await hire("first", deed, "last").match(news("one", "poison", "two"))

    every = ["first", deed, "last"]
    assert by_article(found) == [every, ["first", "last"], every]
    assert [isinstance(one, Partly) for one in found] == [False, True, False]
    assert told == [("poison", deed, WORDS[deed])]


@pytest.mark.parametrize("deed", DEEDS)
async def test_if_all_were_asked_at_once_it_would_cost_all_of_them(deed: str, hire: Callable[..., Workers], told: Told) -> None:
    found = await hire("first", deed, "last", guarded=False).match(news("one", "poison", "two"))

    every = ["first", deed, "last"]
    assert by_article(found) == [every, None, every]
    assert told == [("poison", "", WORDS[deed])]


async def test_several_rules_may_break_on_one_article_each_in_its_way(hire: Callable[..., Workers], told: Told) -> None:
    found = await hire("hang", "first", "crash", "raise").match(news("poison"))

    assert by_article(found) == [["first"]]
    assert sorted(told) == [("poison", deed, WORDS[deed]) for deed in ("crash", "hang", "raise")]


async def test_f91_while_a_rule_hangs_the_loop_goes_on(hire: Callable[..., Workers]) -> None:
    workers = hire("hang", "last")
    await workers.match(news("warm"))
    matching = asyncio.create_task(workers.match(news("poison")))
    turns = 0
    while not matching.done():
        await asyncio.sleep(0)
        turns += 1
    assert by_article(await matching) == [["last"]]
    assert turns > 100  # a loop that stood still would have turned once


async def test_f91_after_three_articles_the_rule_is_asked_apart_and_what_is_sound_is_still_found(
    hire: Callable[..., Workers], told: Told
) -> None:
    workers = hire("hang", "last", match_limit=0.5, apart_limit=0.25)
    bad = [f"poison {number}" for number in range(STRIKES)]
    await workers.match(news(*bad))
    del told[:]

    found = await workers.match(news("one", "poison again"))
    assert by_article(found) == [["last", "hang"], ["last"]]
    assert told == [("poison again", "hang", "gave up after 0.25 s")]  # its own limit: the others were through by then


async def test_one_article_that_comes_again_and_again_puts_no_rule_apart(
    hire: Callable[..., Workers], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.workers.STRIKES", 2)
    workers = hire("hang", "last", match_limit=0.5, apart_limit=0.25)
    for _ in range(3):
        await workers.match(news("poison"))
    assert {why for _, _, why in told} == {"gave up after 0.5 s"}


async def test_rules_that_were_exchanged_begin_anew(
    hire: Callable[..., Workers], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.workers.STRIKES", 1)
    workers = hire("hang", match_limit=0.5, apart_limit=0.25)
    await workers.match(news("poison"))
    await workers.reload({"r": written("hang", "more").encode()}, "r")
    del told[:]
    await workers.match(news("poison"))
    assert told == [("poison", "hang", "gave up after 0.5 s")]


# Odd texts


ODD = {
    "lone surrogates": "\ud800\udfff\udc00 flood \ud834",
    "text that runs both ways": "\u202e\u2066flood\u2069\u202c \u200f\u061c",
    "control characters": "".join(map(chr, range(32))) + " flood \x7f\x80\x9f\ufeff\ufffe\uffff",
    "a tower of accents": "flo" + "\u0301" * 20_000 + "od",
    "flags, joiners and variants": "\U0001f1fa\U0001f1e6\u200d\ufe0f\U000e0067\U000e007f flood " * 500,
    "letters that grow when folded": "\ufb03\u0130\u1e9e\ufdfa\u3300" * 2_000 + " flood",
    "no space in it": "flood" * 30_000,
    "only spaces": "\u3000\u2003\u00a0\n\t" * 20_000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_f90_odd_text_breaks_no_rule_and_hides_no_other_article(
    text: str, hire: Callable[..., Workers], told: Told
) -> None:
    workers = hire("first", match_limit=20.0)
    odd = Article(id="odd", title="A flood", body=text, summary=text[:300], site=(), digest="")
    found = await workers.match([*news("one"), odd, *news("two")])
    assert by_article(found) == [["first"], ["first"], ["first"]]
    assert told == []


async def test_f90_five_megabytes_of_text_cost_no_other_article_its_matches(hire: Callable[..., Workers], told: Told) -> None:
    long = Article(id="long", title="News", body="A flood came to the town of Bath on Friday. " * 115_000)
    assert len(long.body) > 5_000_000
    found = await hire("first").match([*news("one"), long, *news("two")])
    assert [by_article(found)[0], by_article(found)[2]] == [["first"], ["first"]]
    assert {article for article, _, _ in told} <= {"long"}


def endless_page() -> bytes:
    told = "".join(
        f"<p>The river rose again in week {week}, and {week} people were led out of town.</p>" for week in range(4_000)
    )
    return f"<html><body><article>{told}</article></body></html>".encode()


def test_of_a_page_without_end_as_much_is_read_as_can_be_matched() -> None:
    assert len(pages.extract(endless_page(), url="http://example.org/").text) == 200_000


def test_without_the_limit_all_of_it_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LONGEST", 10_000_000)
    assert len(pages.extract(endless_page(), url="http://example.org/").text) > 200_000


# What becomes of the article


def bench(store: MemoryStore, whole: RuleSet, *, partly: bool = True) -> Bench:
    async def match(articles: Sequence[Article]) -> list[list[Match]]:
        found = [whole.attempt(one, ended=True) for one in articles]
        return [Partly(one.matches) if one.broken and partly else list(one.matches) for one in found]

    return Bench(store=store, match=match, rules={one.id: one for one in whole.rules}, moment=lambda _: NOON, office=Office())


def story(text: str = "A flood came to the town.", digest: str = "1") -> Article:
    return Article(id="a", source="paper", title="poison", body=text, digest=digest, published=NOON)


SICK, SOUND = (make({"r": written("first", "raise").encode()}, "r") for make in (load, rules.load))


async def raised(store: MemoryStore) -> list[tuple[str, str]]:
    return sorted((one.rule, one.kind) for one in await store.alerts())


async def test_f90_the_others_alert_at_once_and_the_mended_rule_alerts_afterwards() -> None:
    store = MemoryStore()
    result = await steps.examine([story()], bench=bench(store, SICK))
    assert (await raised(store), result.pending) == ([("first", "new")], ("a",))

    await steps.anew(["a"], bench=bench(store, SOUND))
    assert await raised(store) == [("first", "new"), ("raise", "new")]
    await steps.anew(["a"], bench=bench(store, SOUND))  # it waits for nothing any more
    assert await raised(store) == [("first", "new"), ("raise", "new")]


async def test_without_anybody_asking_it_is_examined_again_after_a_minute() -> None:
    store = MemoryStore()
    await steps.examine([story()], bench=bench(store, SICK))
    assert (await steps.refill(bench=bench(store, SOUND), now=NOON)).fresh == 0
    assert (await steps.refill(bench=bench(store, SOUND), now=NOON + MINUTE)).fresh == 1
    assert await raised(store) == [("first", "new"), ("raise", "new")]


async def test_if_it_were_taken_for_examined_the_alert_would_be_missing_for_good() -> None:
    store = MemoryStore()
    await steps.examine([story()], bench=bench(store, SICK, partly=False))
    await steps.anew(["a"], bench=bench(store, SOUND))
    assert await raised(store) == [("first", "new")]


@pytest.mark.parametrize("partly", [True, False])
async def test_what_a_broken_rule_said_before_an_edit_is_not_taken_back(partly: bool) -> None:  # noqa: FBT001
    store = MemoryStore()
    await steps.examine([story()], bench=bench(store, SOUND))
    before = await raised(store)
    await steps.examine([story("A flood came to the town on Monday.", "2")], bench=bench(store, SICK, partly=partly))
    taken_back = [event for event in await store.events(rule="raise") if event.ended is not None]
    assert bool(taken_back) is not partly  # taken for silence, it would be
    if partly:
        assert await raised(store) == before


# Who is told of it


def fault(rule: str = "flood", article: str = "a", version: str = "1", minutes: int = 0) -> Fault:
    return Fault(rule=rule, version=version, article=article, reason="crashed", at=NOON + minutes * MINUTE)


def test_of_a_rule_and_an_article_there_is_one_fault_which_counts() -> None:
    twice = noted(noted((), fault()), fault(minutes=5))
    assert twice == (replace(fault(minutes=5), times=2),)
    assert noted(twice, fault(version="2")) == (fault(version="2"),)  # another version begins anew


def test_only_the_latest_faults_are_kept() -> None:
    known: tuple[Fault, ...] = ()
    for number in range(faults.MOST + 5):
        known = noted(known, fault(article=f"a{number}"))
    assert [one.article for one in known] == [f"a{number}" for number in range(5, faults.MOST + 5)]


def test_a_fault_ends_with_the_version_of_the_rule_that_had_it() -> None:
    rule = SOUND.rule("first")
    left, mended = split([fault("first", "a", rule.version), fault("first", "b", "old"), fault("gone", "c")], {"first": rule})
    assert ([one.article for one in left], set(mended)) == (["a"], {"b", "c"})


def test_faults_are_read_as_they_were_written() -> None:
    known = (fault(), replace(fault(article="b"), times=3))
    assert faults.read(json.loads(json.dumps(faults.plain(known)))) == known


def opened(folder: Path, text: str) -> InForce:
    main = folder / "rules.yaml"
    main.write_text(text)
    config = Config(rules=main, store=str(folder / "monitor.db"))
    book: Book = read_rules(main)
    workers: Any = None
    return InForce(config=config, book=book, workers=workers, fill=lambda _: steps.as_it_is, now=lambda: NOON)


async def test_a_fault_is_written_down_and_known_after_a_restart(tmp_path: Path) -> None:
    before = opened(tmp_path, written("first", "raise"))
    with capture_logs() as said:
        before.broke(story(), "raise", "crashed")
    await before.look()
    after = opened(tmp_path, written("first", "raise"))

    assert [(one["event"], one["rule"], one["article"]) for one in said] == [("rule broke", "raise", "a")]
    assert after.standing.faults == before.standing.faults == left_faulty(after.config)
    assert [(one.rule, one.article, one.times) for one in after.standing.faults] == [("raise", "a", 1)]
    assert after.mended == frozenset()


async def test_a_rule_that_was_mended_while_nobody_ran_has_its_article_examined_again(tmp_path: Path) -> None:
    before = opened(tmp_path, written("first", "raise"))
    before.broke(story(), "raise", "crashed")
    await before.look()
    after = opened(tmp_path, written("first", "raise").replace("News of raise", "Better news"))
    assert (after.standing.faults, set(after.mended)) == ((), {"a"})


# F93: many rules


def many(first: int, last: int, pad: int = 0) -> str:
    described = f"    description: {'x' * pad}\n" if pad else ""
    return "rules:\n" + "".join(
        f"  - id: r{number}\n    title: News\n{described}    when: {{any: [a{number}, b{number}]}}\n"
        for number in range(first, last)
    )


def test_f93_ten_thousand_rules_in_five_megabytes_are_refused_unread_and_it_says_why() -> None:
    data = many(0, 10_000, 430).encode()
    assert len(data) > 5_000_000
    with pytest.raises(Invalid) as refused:
        rules.load({"rules.yaml": data}, "rules.yaml")
    (problem,) = refused.value.problems
    assert str(problem) == f"rules.yaml:1:1: the file has {len(data):,} bytes; the limit is 1,048,576: split it with include:"


def test_f93_too_many_values_are_refused_where_they_are_too_many() -> None:
    with pytest.raises(Invalid, match=r"rules\.yaml:\d+:\d+: more than 50,000 values in one file: split it with include:"):
        rules.load({"rules.yaml": many(0, 10_000).encode()}, "rules.yaml")


def test_f93_split_as_it_says_they_load() -> None:
    parts = {f"part{number}.yaml": many(1_000 * number, 1_000 * (number + 1), 430).encode() for number in range(10)}
    main = f"include: [{', '.join(parts)}]\n".encode()
    assert len(rules.load({"rules.yaml": main, **parts}, "rules.yaml").rules) == 10_000


def test_f93_with_the_limits_lifted_one_file_loads_too() -> None:
    limits = Limits(bytes=8_000_000, values=200_000)
    whole = rules.load({"rules.yaml": many(0, 10_000, 430).encode()}, "rules.yaml", limits)
    found = whole.attempt(Article(id="a", title="Of b9999"))
    assert [one.rule for one in found.matches] == ["r9999"]


# The real daemon

STORY = "The capital woke up to grey skies.\n\n{}\n\nThe market nearby opened on time, as it does on most days of the week."
OTHER = """Engineers from the ministry flew to the northern islands this morning to see what could be repaired by the summer.

Two bridges were swept away by a flood on Friday, and the school will stay closed until the ferries can land again."""
SABOTAGE = '''
"""Poisons every process: the rule called "raise", unless it is titled "Mended", breaks on articles that say "poison"."""
import os, threading
from rules import ruleset

whole = ruleset._match

def broken(rule, reading, *, ended):
    if rule.id in ("raise", "hang", "crash") and rule.title != "Mended" and "poison" in reading.article.title:
        if rule.id == "raise":
            raise ValueError("odd")
        if rule.id == "crash":
            os.abort()
        threading.Event().wait()
    return whole(rule, reading, ended=ended)

ruleset._match = broken
'''


def rule_of(hook: Hook) -> tuple[str, str]:
    data = json.loads(hook.body)["data"]
    return data["rule"]["id"], data["article"]["title"]


@pytest.mark.parametrize("deed", ["raise", "crash"])
async def test_f90_the_daemon_tells_the_rest_names_the_fault_and_tells_what_was_missing_once_it_is_mended(
    deed: str, newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    (desk.folder / "sabotage").mkdir()
    (desk.folder / "sabotage" / "sitecustomize.py").write_text(SABOTAGE)
    path = os.pathsep.join([str(desk.folder / "sabotage"), desk.environment["PYTHONPATH"]])
    newsroom.publish(
        "p", "poison", "Grey skies.", STORY.format("A flood hit the coast at noon and tore the roofs from nine houses.")
    )
    desk.write(settings(), written("first", deed))
    daemon = await desk.start("run", PYTHONPATH=path)

    assert rule_of(await newsroom.told()) == ("first", "poison")
    said = json.loads(await daemon.says('"rule broke"'))
    assert (said["rule"], said["level"]) == (deed, "error")
    await daemon.says('"first poll"')
    newsroom.publish("q", "sound", "Bridges are gone.", OTHER)
    assert sorted([rule_of(await newsroom.told()), rule_of(await newsroom.told())]) == sorted(
        [("first", "sound"), (deed, "sound")]
    )
    _, plain, _ = await desk.command("status", "--json")
    (shown,) = json.loads(plain)["rules"]["faults"]
    assert (shown["rule"], shown["article"], shown["times"]) == (deed, said["article"], 1)

    (desk.folder / "rules.yaml").write_text(written("first", deed).replace(f"News of {deed}", "Mended"))
    assert rule_of(await newsroom.told()) == (deed, "poison")
    _, plain, _ = await desk.command("status", "--json")
    assert json.loads(plain)["rules"]["faults"] == []
    assert await daemon.stop() == 0
    assert newsroom.hooks.empty()  # nobody was told twice


async def test_f94_what_a_rule_raised_is_delivered_though_it_is_called_otherwise_by_then(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    newsroom.answers = [500]
    newsroom.publish(
        "p", "Number 1", "Grey skies.", STORY.format("A flood hit the coast at noon and tore the roofs from nine houses.")
    )
    desk.write(settings(), written("first"))
    version = read_rules(desk.folder / "rules.yaml").rules["first"].version
    daemon = await desk.start()
    before = await newsroom.told()
    await daemon.says('"delivery failed"')
    (desk.folder / "rules.yaml").write_text(written("second"))
    said = json.loads(await daemon.says('"rules exchanged"'))
    after = await newsroom.told()

    assert (said["new"], said["gone"]) == (["second"], ["first"])
    assert (before.body, before.headers["webhook-id"]) == (after.body, after.headers["webhook-id"])
    assert json.loads(after.body)["data"]["rule"]["version"] == version
    assert await daemon.stop() == 0
    _, out, _ = await desk.command("alerts", "--json")
    assert [json.loads(line)["data"]["rule"]["id"] for line in out.splitlines()] == ["first"]
