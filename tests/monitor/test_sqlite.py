"""What is true of the SQLite store alone: what is on the disk stays there, one process at a time, bad files are left alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sqlite3 as stdlib_sqlite
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.model import Alert, Attempt, Claim, Delivery, Fresh, Ledger, Original, Plan, Report, Sent, Tally, Visit
from monitor.stores import migrations, opening, pruning, rows
from monitor.stores.sqlite import SqliteStore, is_held
from rules import Article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def an_article(n: int = 1) -> Article:
    return Article(id=f"a{n}", body="word " * 200, digest=f"d{n}")


def a_plan(n: int = 1) -> Plan:
    article = an_article(n)
    alert = Alert(
        id=f"alert-{n}",
        kind="new",
        rule="r",
        rule_title="R",
        level="low",
        version="v",
        tags=(),
        title="t",
        article=article,
        first_seen=NOON,
        raised=NOON,
        sightings=(),
    )
    delivery = Delivery(alert=alert.id, sink="desk", body=b"{}", due=NOON)
    return Plan(article=article, revision="", first_seen=NOON, at=NOON, alerts=(alert,), deliveries=(delivery,))


def an_orphaned_plan() -> Plan:
    """A plan whose last insert fails, after its article was written."""
    return Plan(
        article=an_article(),
        revision="",
        first_seen=NOON,
        at=NOON,
        deliveries=(Delivery(alert="no such alert", sink="desk", body=b"{}", due=NOON),),
    )


@contextmanager
def python(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs this script, with its standard input and output; killed at the end."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=here) as process:
        try:
            yield process
        finally:
            process.kill()


def line(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline().strip()


def say(process: subprocess.Popen[str], text: object) -> None:
    assert process.stdin
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


# Nothing is lost


RECORDER = """
    import asyncio, itertools, pathlib, sys
    from monitor.stores.sqlite import SqliteStore
    from test_sqlite import a_plan

    async def main():
        store = await SqliteStore.open(pathlib.Path(sys.argv[1]), sole=True)
        for n in itertools.count():
            await store.record(a_plan(n))
            print(n, flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize("records", [1, 20, 150])
async def test_what_record_returned_from_survives_kill_9_and_nothing_is_half_there(records: int, tmp_path: Path) -> None:
    with python(RECORDER, tmp_path / "monitor.db") as process:
        for _ in range(records):
            assert line(process.stdout)
        process.send_signal(signal.SIGKILL)
        assert process.stdout
        acknowledged = records + sum(text.endswith("\n") for text in process.stdout)
        process.wait()

    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
    tally = await store.tally()
    assert await store.unseen([an_article(n) for n in range(acknowledged)]) == []
    assert tally == Tally(articles=tally.articles, alerts=tally.articles, waiting=tally.articles, oldest_waiting=NOON)
    assert acknowledged <= tally.articles <= acknowledged + 1
    await store.close()


async def test_every_commit_is_synced_to_a_write_ahead_log(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")

    settings = [await store._rows(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]

    assert settings == [[("wal",)], [(2,)], [(1,)], [(500,)]]  # ten times that, while nobody closes it
    await store.close()


async def test_an_sqlite_whose_wal_can_be_corrupted_gets_a_rollback_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "SOUND_WAL", (99,))
    for n in (1, 2):
        store = await SqliteStore.open(tmp_path / "monitor.db")
        await store.record(a_plan(n))
        assert await store._rows("PRAGMA journal_mode") == [("truncate",)]
        await store.close()
    assert (tmp_path / "monitor.db-journal").stat().st_size == 0


async def test_a_plan_whose_last_insert_fails_is_rolled_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
        await store.record(an_orphaned_plan())

    assert (await store.tally()).articles == 0
    await store.record(a_plan())
    await store.close()


async def test_without_the_transaction_half_a_plan_would_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: it is the transaction that takes the article back."""
    monkeypatch.setattr(opening, "transaction", lambda db, begin, work: work(db))
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError):
        await store.record(an_orphaned_plan())

    assert (await store.tally()).articles == 1
    await store.close()


SILENT = Visit(source="agency", at=NOON, due=NOON)


def what_cannot_be_told() -> tuple[list[Alert], list[Delivery]]:
    return list(a_plan().alerts), [Delivery(alert="no such alert", sink="desk", body=b"{}", due=NOON)]


async def test_a_visit_that_cannot_be_told_of_is_rolled_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
        await store.visited(SILENT, *what_cannot_be_told())

    assert (await store.visits(), await store.alerts()) == ([], [])
    await store.close()


async def test_without_the_transaction_half_of_it_would_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr(opening, "transaction", lambda db, begin, work: work(db))
    store = await SqliteStore.open(tmp_path / "monitor.db")

    with pytest.raises(StoreError):
        await store.visited(SILENT, *what_cannot_be_told())

    assert len(await store.visits()) == len(await store.alerts()) == 1
    await store.close()


async def test_giving_up_the_wait_does_not_undo_or_halve_a_record(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    task = asyncio.create_task(store.record(a_plan()))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.tally() == Tally(articles=1, alerts=1, waiting=1, oldest_waiting=NOON)
    await store.close()


async def test_a_full_disk_refuses_the_plan_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    [(pages,)] = await store._rows("PRAGMA page_count")
    await store._rows(f"PRAGMA max_page_count = {pages}")

    results = [result async for result in attempts(store, 50)]

    assert "full" in results[-1]
    kept = await store.tally()
    assert kept.articles == kept.alerts == kept.waiting < 50

    await store._rows("PRAGMA max_page_count = 100000")

    await store.record(a_plan(50))
    await store.close()


async def attempts(store: SqliteStore, times: int) -> AsyncIterator[str]:
    """What became of each plan: an error, or nothing."""
    for n in range(times):
        try:
            await store.record(a_plan(n))
            yield ""
        except StoreError as error:
            yield str(error)


async def test_two_connections_never_claim_the_same_delivery(tmp_path: Path) -> None:
    one, two = [await SqliteStore.open(tmp_path / "monitor.db") for _ in range(2)]
    for n in range(30):
        await one.record(a_plan(n))

    batches = await asyncio.gather(*(store.claim("desk", NOON, MINUTE, 4) for store in [one, two] * 5))

    alerts = [delivery.alert for batch in batches for delivery in batch]
    assert sorted(alerts) == sorted(f"alert-{n}" for n in range(30))
    await one.close()
    await two.close()


async def test_a_writer_waits_for_another_that_is_writing(tmp_path: Path) -> None:
    store, other = [await SqliteStore.open(tmp_path / "monitor.db") for _ in range(2)]
    await other._on_thread(lambda: other._db.execute("BEGIN IMMEDIATE"))
    await store._on_thread(lambda: store._db.execute("PRAGMA busy_timeout = 0"))
    with pytest.raises(StoreError, match="database is locked"):
        await store.record(a_plan())
    await store._on_thread(lambda: store._db.execute("PRAGMA busy_timeout = 5000"))

    waiting = asyncio.create_task(store.record(a_plan()))
    await asyncio.sleep(0)
    await other._on_thread(lambda: other._db.execute("COMMIT"))

    await waiting
    await store.close()
    await other.close()


async def test_a_store_that_is_closed_waits_no_longer_for_another_that_is_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = [await SqliteStore.open(tmp_path / "monitor.db") for _ in range(2)]
    monkeypatch.setattr(opening, "TURNS", 10**9)  # it would wait for ever: what ends this test is that it is closed
    await store._on_thread(lambda: store._db.execute("PRAGMA busy_timeout = 0"))
    await other._on_thread(lambda: other._db.execute("BEGIN IMMEDIATE"))
    tried, enough, loop, begun = 0, asyncio.Event(), asyncio.get_running_loop(), opening.transaction

    def counted(*given: object) -> object:
        nonlocal tried
        tried += 1
        if tried == 50:
            loop.call_soon_threadsafe(enough.set)
        return begun(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "transaction", counted)
    writing = [asyncio.create_task(store.record(a_plan(n))) for n in range(3)]
    await enough.wait()
    assert not any(task.done() for task in writing)  # the negative control: unless it is closed, it goes on waiting
    writing[0].cancel()  # nobody waits for the one that is under way
    await asyncio.gather(writing[0], return_exceptions=True)

    await store.close()

    for task in writing[1:]:  # somebody waits for these
        with pytest.raises(StoreError, match="database is locked"):
            await task
    await other._on_thread(lambda: other._db.execute("ROLLBACK"))
    assert await other.tally() == Tally()
    await other.close()


async def test_only_for_another_that_is_writing_is_anything_tried_twice(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    tried = 0

    def fails(db: Database) -> None:
        nonlocal tried
        tried += 1
        db.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError, match="no such table"):
        await store._write(fails)

    assert tried == 1
    await store.close()


# One at a time


OPENER = """
    import asyncio, pathlib, sys
    from monitor.errors import StoreError
    from monitor.stores.sqlite import SqliteStore

    async def main():
        print("ready", flush=True)
        for path in sys.stdin:
            try:
                store = await SqliteStore.open(pathlib.Path(path.strip()))
                await store.tally()
                await store.close()
                print("opened", flush=True)
            except StoreError as error:
                print(error, flush=True)

    asyncio.run(main())
"""


def test_processes_that_open_a_fresh_file_at_once_all_succeed(tmp_path: Path) -> None:
    with python(OPENER) as one, python(OPENER) as two, python(OPENER) as three:
        crowd = [one, two, three]
        assert [line(process.stdout) for process in crowd] == ["ready"] * 3
        for n in range(40):
            for process in crowd:
                say(process, tmp_path / f"{n}.db")
            assert [line(process.stdout) for process in crowd] == ["opened"] * 3


HOLDER = """
    import asyncio, os, pathlib, sys
    from monitor.stores.sqlite import SqliteStore

    async def main():
        store = await SqliteStore.open(pathlib.Path(sys.argv[1]), sole=True)
        if "forking" in sys.argv and os.fork() == 0:
            os.write(1, b"forked\\n")  # in one piece: the parent writes, too
            sys.stdin.read()
            os._exit(0)
        os.write(1, f"{os.getpid()}\\n".encode())
        sys.stdin.read()

    asyncio.run(main())
"""


async def test_a_second_sole_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    with python(HOLDER, file) as holder:
        pid = line(holder.stdout)

        with pytest.raises(StoreError) as refused:
            await SqliteStore.open(file, sole=True)

    assert str(refused.value) == f"{file} is in use by another monitor (pid {pid}): stop that one, or name another file"


async def test_others_may_look_while_a_sole_owner_works(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db") as holder:
        assert line(holder.stdout)

        store = await SqliteStore.open(tmp_path / "monitor.db")

        assert await store.tally() == Tally()
        await store.close()


async def test_a_glance_says_whether_somebody_works_on_it_and_keeps_nobody_out(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    assert not is_held(file)
    with python(HOLDER, file) as holder:
        assert line(holder.stdout)
        assert is_held(file)
        holder.kill()
        holder.wait()
    assert not is_held(file)
    await (await SqliteStore.open(file, sole=True)).close()


async def test_a_killed_owner_leaves_no_lock_behind(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db") as holder:
        assert line(holder.stdout)
        holder.kill()
        holder.wait()

        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


async def test_a_child_that_outlives_its_killed_parent_does_not_keep_the_lock(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path / "monitor.db", "forking") as holder:
        assert {line(holder.stdout), line(holder.stdout)} == {"forked", str(holder.pid)}
        holder.kill()
        holder.wait()

        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


async def test_closing_gives_the_lock_back(tmp_path: Path) -> None:
    for _ in range(2):
        store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)
        await store.close()


# Files that an earlier version made

RELEASED = """
    CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
    CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations (migration_set, name);
    INSERT INTO _sqlite_migrations VALUES (1, 'monitor', 'm001_spine', '2026-01-01');
    CREATE TABLE articles (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, url TEXT, revision TEXT NOT NULL,
        first_seen INTEGER NOT NULL, refill INTEGER, fills INTEGER NOT NULL, sketch TEXT NOT NULL, whole TEXT NOT NULL
    ) STRICT;
    CREATE INDEX articles_page ON articles (url, digest) WHERE url IS NOT NULL;
    CREATE INDEX articles_unfilled ON articles (refill) WHERE refill IS NOT NULL;
    CREATE TABLE events (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL,
        opened INTEGER NOT NULL, seen INTEGER NOT NULL, whole TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_open ON events (rule, seen);
    CREATE TABLE stamps (rule TEXT PRIMARY KEY, stamp INTEGER NOT NULL) STRICT;
    CREATE TABLE alerts (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, raised INTEGER NOT NULL, whole TEXT NOT NULL
    ) STRICT;
    CREATE INDEX alerts_newest ON alerts (raised, row);
    CREATE INDEX alerts_newest_of_rule ON alerts (rule, raised, row);
    CREATE TABLE deliveries (
        alert TEXT NOT NULL REFERENCES alerts (id), sink TEXT NOT NULL, body BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'sent', 'dead')),
        since INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
        token TEXT NOT NULL DEFAULT '', leased_until INTEGER, reason TEXT, sent_at INTEGER,
        PRIMARY KEY (alert, sink)
    ) STRICT;
    CREATE INDEX deliveries_open ON deliveries (since, due, leased_until) WHERE state IN ('waiting', 'leased');
    CREATE TABLE visits (source TEXT PRIMARY KEY, due INTEGER, leased_until INTEGER, whole TEXT) STRICT;

    INSERT INTO articles (id, digest, url, revision, first_seen, refill, fills, sketch, whole) VALUES
        ('feed#1', 'd1', 'http://www.news.example/talks?utm_source=x', 'r1', 1748779200123456, 1748779260000000, 2, '[1,2]',
         '{"id":"feed#1","title":"Talks in Malta","summary":"","body":"It said \\ud800.","source":"feed",
           "url":"http://www.news.example/talks?utm_source=x","author":null,"language":"en","tags":["world"],
           "published":"2025-06-01T11:00:00+00:00","seen":null,"digest":"d1"}'),
        ('odd \\ud800', 'd2', NULL, 'r2', 1748779200123456, NULL, 0, '[]',
         '{"id":"odd \\ud800","title":"Odd","summary":"","body":"","source":"feed","url":null,"author":null,"language":null,
           "tags":[],"published":null,"seen":null,"digest":"d2"}');
    INSERT INTO alerts (id, rule, raised, whole) VALUES
        ('alt_1', 'talks', 1748779200123456,
         '{"id":"alt_1","kind":"new","rule":"talks","rule_title":"Talks","level":"low","version":"v","tags":[],"title":"Talks",
           "article":{"id":"odd \\ud800","title":"Odd","digest":"d2"},"first_seen":"2025-06-01T12:00:00.123456+00:00",
           "raised":"2025-06-01T12:00:00.123456+00:00","sightings":[],"held":null}');
    INSERT INTO deliveries (alert, sink, body, since, due, attempts) VALUES ('alt_1', 'desk', x'7b7d', 1, 1, 3);
    INSERT INTO visits VALUES
        ('feed', 1748779200123456, NULL,
         '{"source":"feed","at":"2025-06-01T12:00:00+00:00","due":"2025-06-01T12:15:00+00:00","cursor":{"etag":"x"},"articles":2,
           "error":null,"failures":0,"answered":"2025-06-01T12:00:00+00:00","known":null}'),
        ('new', NULL, 1748779200123456, NULL);
"""
FIRST_SEEN = NOON + timedelta(microseconds=123456)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A file as the released code of m001 left it, written with plain SQL."""
    with closing(stdlib_sqlite.connect(tmp_path / "monitor.db")) as db:
        db.executescript(RELEASED)
        db.commit()
    return tmp_path / "monitor.db"


async def test_a_file_of_the_first_release_comes_up_with_all_that_is_in_it(released: Path) -> None:
    store = await SqliteStore.open(released)

    one, odd = await store.articles(NOON)
    [version] = await store.revisions("feed#1")
    [visit] = await store.visits()
    [delivery] = await store.claim("desk", NOON, MINUTE, 10)

    assert (one.article.title, one.article.body, one.first_seen, one.unread) == (
        "Talks in Malta",
        "It said \ud800.",
        FIRST_SEEN,
        None,
    )
    assert (one.article.dating, one.article.site, odd.article.id) == ("stated", (), "odd \ud800")
    assert [fresh.fills for fresh in await store.unfilled(NOON + MINUTE, 10)] == [2]
    assert (version.article, version.revision, version.at, version.originals) == (one.article, "r1", FIRST_SEEN, ())
    assert (visit.cursor, visit.since, visit.arrivals, visit.gone, visit.unstable) == ({"etag": "x"}, None, (), None, 0)
    assert (delivery.alert, delivery.attempts) == ("alt_1", 4)
    assert await store.claim_sources({"feed": "a", "new": "a"}, NOON + 15 * MINUTE, MINUTE, 10) == ["new"]
    await store.close()


async def test_articles_of_the_first_release_are_known_by_address_and_stay_if_told_of(released: Path) -> None:
    store = await SqliteStore.open(released)
    renamed = Article(id="feed#9", title="TALKS in Malta!", source="feed", url="https://news.example/talks/", digest="d9")

    assert await store.unseen([renamed]) == [
        Fresh(
            article=Article(id="feed#1", title="TALKS in Malta!", source="feed", url=renamed.url, digest="d9"),
            first_seen=FIRST_SEEN,
        )
    ]
    assert await store.unseen([Article(id="feed#9", source="other", url="https://news.example/talks", digest="d1")]) == []
    assert (await store.prune(NOON + MINUTE, NOON, 10)).articles == 1
    assert await store.revisions("feed#1") == []
    assert len(await store.revisions("odd \ud800")) == 1
    await store.close()


async def test_a_move_to_a_newer_schema_that_fails_half_way_leaves_the_old_one(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(stdlib_sqlite.connect(released)) as db:
        before = list(db.iterdump())
    with monkeypatch.context() as broken:
        broken.setattr(migrations, "_PROOF_INDEXES", ("DROP INDEX articles_page", "CREATE INDEX nonsense ON nowhere (x)"))
        with pytest.raises(StoreError, match="no such table"):
            await SqliteStore.open(released)

    with closing(stdlib_sqlite.connect(released)) as db:
        assert list(db.iterdump()) == before
    await (await SqliteStore.open(released)).close()


MIGRATOR = """
    import asyncio, pathlib, sys
    from monitor.stores import migrations
    from monitor.stores.sqlite import SqliteStore

    def stop(db, catch_up=migrations._catch_up):
        catch_up(db)
        db.execute("PRAGMA cache_size = 1")
        db.execute("CREATE TABLE spilled (x)")
        for _ in range(50):
            db.execute("INSERT INTO spilled VALUES (randomblob(4000))")
        print("half-way", flush=True)
        sys.stdin.read()

    migrations._catch_up = stop
    asyncio.run(SqliteStore.open(pathlib.Path(sys.argv[1])))
"""


async def test_a_move_to_a_newer_schema_cut_short_by_kill_9_is_made_again(released: Path) -> None:
    with python(MIGRATOR, released) as process:
        assert line(process.stdout) == "half-way"
        process.send_signal(signal.SIGKILL)
        process.wait()

    store = await SqliteStore.open(released)

    assert [fresh.article.title for fresh in await store.articles(NOON)] == ["Talks in Malta", "Odd"]
    assert await store._rows("SELECT name FROM sqlite_schema WHERE name = 'spilled'") == []
    await store.close()


# The second release: what it left is that of the first, brought up to it, and what it could write.
PROVED = """
    UPDATE deliveries SET state = 'leased', leased_until = 9, token = 'held', reason = '503';
    INSERT INTO events (id, rule, opened, seen, whole) VALUES
        ('evt_1', 'talks', 1748779200123456, 1748779200123456,
         '{"id":"evt_1","rule":"talks","article":"odd \\ud800","opened":"2025-06-01T12:00:00.123456+00:00",
           "seen":"2025-06-01T12:00:00.123456+00:00","values":{"place":"Malta"},"content":"odd \\ud800","sketches":[[1,2]],
           "articles":2,"sources":["feed"],"silent":false,"told":["place=malta"]}'),
        ('evt_2', 'talks', 1748779200123456, 1748779200123457,
         '{"id":"evt_2","rule":"talks","article":"feed#1","opened":"2025-06-01T12:00:00.123456+00:00",
           "seen":"2025-06-01T12:00:00.123457+00:00","values":{},"content":""}');
    INSERT INTO stamps VALUES ('talks', 7);
    INSERT INTO alerts (id, rule, raised, whole) SELECT 'alt_2', rule, raised + 1,
        replace(replace(whole, 'alt_1', 'alt_2'), '"sightings":[]', '"sightings":[{"event":"evt_1","finding":
            {"field":"body","start":0,"end":3,"text":"odd","hits":[],"captures":{},"labels":{"odd":"\\ud800"}}}]') FROM alerts;
    INSERT INTO deliveries (alert, sink, body, state, since, due, attempts, sent_at) VALUES
        ('alt_2', 'desk', x'01', 'waiting', 1, 1, 0, NULL), ('alt_2', 'mail', x'02', 'sent', 1, 1, 1, 2),
        ('alt_1', 'mail', x'03', 'dead', 1, 5, 14, NULL), ('alt_1', 'pager', x'04', 'waiting', 1, 1, 0, NULL);
"""


@pytest.fixture
def proved(released: Path) -> Path:
    """A file as the released code of m002 left it."""
    with closing(stdlib_sqlite.connect(released, isolation_level=None)) as conn:
        migrations.migrations.apply(Database(conn), stop_before="m003_timeline")
        conn.executescript(PROVED)
    return released


def dumped(file: Path) -> list[str]:
    with closing(stdlib_sqlite.connect(file)) as db:
        return list(db.iterdump())


async def test_a_file_of_the_second_release_comes_up_with_all_that_is_in_it(proved: Path) -> None:
    store = await SqliteStore.open(proved)

    one, two = (await store.ledger(["talks"], NOON)).events

    assert (one.id, one.content, one.told, one.articles) == ("evt_1", "odd \ud800", ("place=malta",), 2)
    assert (one.acknowledged, one.note, one.ended) == (None, "", None)
    assert await store.ledger(["talks"], NOON, {"talks": NOON}) == Ledger(
        events=(one, two), stamps={"talks": 7}, started={"talks": one.opened}
    )
    assert [event.id for event in await store.events()] == ["evt_2", "evt_1"]
    assert (await store.reports("evt_1"), await store.reported("odd \ud800"), await store.hushes()) == ([], [], [])
    assert [sighting.why for alert in await store.alerts() for sighting in alert.sightings] == [""]
    await store.close()


async def test_its_deliveries_stand_as_they_stood_and_go_in_the_same_order(proved: Path) -> None:
    store = await SqliteStore.open(proved)

    assert await store.tally() == Tally(
        articles=2, alerts=2, unfilled=1, waiting=3, dead=1, oldest_waiting=rows.moment(1), newest_dead=rows.moment(5)
    )
    assert [(one.sink, one.state, one.attempts, one.reason) for one in await store.told("alt_1")] == [
        ("desk", "waiting", 3, "503"),
        ("mail", "dead", 14, None),
        ("pager", "waiting", 0, None),
    ]
    held = Delivery(alert="alt_1", sink="desk", body=b"", due=NOON, token="held")
    await store.settle(held, Sent(NOON), Attempt(began=NOON))
    assert await store.due(["desk", "mail", "pager"], NOON) == ["desk", "pager"]
    assert [(one.alert, one.body) for one in await store.claim("desk", NOON, MINUTE, 10)] == [("alt_2", b"\x01")]
    assert [(one.alert, one.body) for one in await store.claim("pager", NOON, MINUTE, 10)] == [("alt_1", b"\x04")]
    await store.close()


async def test_what_is_reported_of_its_events_stays_if_they_were_told_of(proved: Path) -> None:
    store = await SqliteStore.open(proved)
    said = [Report(event=f"evt_{n}", rule="talks", article="a1", source="feed", at=NOON) for n in (1, 2)]
    await store.record(Plan(article=an_article(), revision="", first_seen=NOON, at=NOON, reports=tuple(said)))

    await store.prune(NOON + MINUTE, NOON, 10)

    assert (await store.reports("evt_1"), await store.reports("evt_2")) == ([said[0]], [])
    await store.close()


async def test_a_file_brought_up_has_the_schema_of_a_new_one(proved: Path, tmp_path: Path) -> None:
    theirs, ours = [await schema(file) for file in (proved, tmp_path / "new.db")]

    assert theirs == ours


async def schema(file: Path) -> list[str]:
    """What the file is made of once it is brought up, without white space."""
    store = await SqliteStore.open(file)
    found = await store._rows(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE '%migrations' ORDER BY type, name"
    )
    assert await store._rows("PRAGMA foreign_key_check") == []
    await store.close()
    return ["".join(" ".join(map(str, row)).split()) for row in found]


@pytest.mark.parametrize("step", range(len(migrations._DIGESTS) + 1))
async def test_a_move_to_the_third_that_fails_at_any_step_leaves_the_second(
    step: int, proved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dumped(proved)
    with monkeypatch.context() as broken:
        broken.setattr(migrations, "_DIGESTS", (*migrations._DIGESTS[:step], "CREATE INDEX nonsense ON nowhere (x)"))
        with pytest.raises(StoreError, match="no such table"):
            await SqliteStore.open(proved)

    assert dumped(proved) == before
    await (await SqliteStore.open(proved)).close()
    assert dumped(proved) != before


KILLED_MOVING = """
    import asyncio, pathlib, sys
    from monitor.stores import migrations
    from monitor.stores.sqlite import SqliteStore

    class Stopping(tuple):
        def __iter__(self):
            for n, statement in enumerate(super().__iter__()):
                if n == int(sys.argv[2]):
                    print("half-way", flush=True)
                    sys.stdin.read()
                yield statement

    def spill(db, tell=migrations._tell):
        tell(db)
        db.execute("PRAGMA cache_size = 1")
        db.execute("CREATE TABLE spilled (x)")
        for _ in range(50):
            db.execute("INSERT INTO spilled VALUES (randomblob(4000))")

    migrations._tell = spill
    migrations._DIGESTS = Stopping(migrations._DIGESTS)
    asyncio.run(SqliteStore.open(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.parametrize("step", [1, 3, 5])
async def test_a_move_to_the_third_cut_short_by_kill_9_is_made_again(step: int, proved: Path) -> None:
    """Copied, with the old table gone, and with all but the last index."""
    before = dumped(proved)
    with python(KILLED_MOVING, proved, step) as process:
        assert line(process.stdout) == "half-way"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert dumped(proved) == before

    store = await SqliteStore.open(proved)

    assert len(await store.told("alt_1")) == 3
    assert await store._rows("SELECT name FROM sqlite_schema WHERE name LIKE 'spilled' OR name LIKE '%_with_digests'") == []
    await store.close()


async def test_a_visit_saved_before_a_source_could_be_gone_has_that_as_unknown(tmp_path: Path) -> None:
    gone = Claim(since=NOON, times=2)
    store = await SqliteStore.open(tmp_path / "monitor.db")
    await store.visited(Visit(source="agency", at=NOON, due=NOON, gone=gone, arrivals=(NOON,)))
    await store._rows("UPDATE visits SET whole = json_remove(whole, '$.gone', '$.arrivals')")

    assert await store.last_visit("agency") == Visit(source="agency", at=NOON, due=NOON)
    await store.close()


# Room on the disk


def a_kept_plan(n: int) -> Plan:
    """A plan that nothing tells of, with 20 kB that do not compress."""
    page = Original(url=f"https://news.example/{n}", at=NOON, body=os.urandom(20_000), kind="page")
    return Plan(article=an_article(n), revision="", first_seen=NOON, at=NOON, originals=(page,))


async def test_pruning_gives_the_disk_its_room_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    for n in range(200):
        await store.record(a_kept_plan(n))
    before = await store.sizes()

    await store.prune(NOON + MINUTE, NOON, 10_000)

    after = await store.sizes()
    assert before["file"] > 200 * 20_000
    assert after["file"] < before["file"] / 10
    assert after["idle"] <= after["file"] / pruning.SLACK
    await store.close()
    assert (tmp_path / "monitor.db").stat().st_size == after["file"]


async def test_a_file_of_the_first_release_is_pruned_and_keeps_its_room_for_what_comes(released: Path) -> None:
    store = await SqliteStore.open(released)
    for n in range(50):
        await store.record(a_kept_plan(n))
    before = await store.sizes()

    await store.prune(NOON + MINUTE, NOON, 10_000)

    after = await store.sizes()
    assert after["file"] == before["file"]
    assert after["idle"] > 50 * 20_000
    await store.close()


async def test_while_much_is_pruned_others_get_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 10)
    store = await SqliteStore.open(tmp_path / "monitor.db")
    for n in range(100):
        await store.record(a_kept_plan(n))

    pruning_all = asyncio.create_task(store.prune(NOON + MINUTE, NOON, 10_000))
    left = [(await store.tally()).articles for _ in range(12)]

    assert (await pruning_all).articles == 100
    assert any(0 < articles < 100 for articles in left)
    await store.close()


async def test_a_prune_cut_short_leaves_nothing_half_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await SqliteStore.open(tmp_path / "monitor.db")
    await store.record(a_kept_plan(1))

    def break_off(_db: object, _limit: int) -> None:
        raise KeyError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(pruning, "forget", break_off)
        with pytest.raises(KeyError):
            await store.prune(NOON + MINUTE, NOON, 10)

    [version] = await store.revisions("a1")
    assert len(version.originals) == 1
    assert (await store.prune(NOON + MINUTE, NOON, 10)).originals == 1
    await store.close()


# Files that are not for us


async def refusal(file: Path) -> str:
    with pytest.raises(StoreError) as refused:
        await SqliteStore.open(file, sole=True)
    text = str(refused.value)
    assert text.startswith(f"{file} ")
    assert "\n" not in text
    return text.removeprefix(f"{file} ")


async def a_used_file(folder: Path) -> Path:
    store = await SqliteStore.open(folder / "monitor.db")
    for n in range(200):
        await store.record(a_plan(n))
    await store.close()
    return folder / "monitor.db"


@pytest.mark.parametrize("content", [b"x", b"not a database, and longer than a header of one hundred bytes " * 50])
async def test_a_file_that_is_no_database_is_refused_and_untouched(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    file.write_bytes(content)

    assert await refusal(file) == "is no sound database (file is not a database): restore a backup, or name another file"
    assert file.read_bytes() == content


@pytest.mark.parametrize("damage", ["flipped", "cut short"])
async def test_a_damaged_database_is_refused_and_untouched(damage: str, tmp_path: Path) -> None:
    file = await a_used_file(tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    else:
        del content[len(content) // 2 :]
    file.write_bytes(content)

    assert (await refusal(file)).startswith("is no sound database (")
    assert file.read_bytes() == content


async def test_a_damaged_database_keeps_the_log_of_its_last_commits(tmp_path: Path) -> None:
    """Closing a database moves its log into it; not here, where both may be needed to save what can be saved."""
    file = await a_used_file(tmp_path)
    with python(RECORDER, file) as process:
        assert line(process.stdout)
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    before = fingerprint(file), fingerprint(tmp_path / "monitor.db-wal")

    assert (await refusal(file)).startswith("is no sound database (")
    assert (fingerprint(file), fingerprint(tmp_path / "monitor.db-wal")) == before


async def test_a_database_made_by_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    file = await a_used_file(tmp_path)
    with closing(stdlib_sqlite.connect(file)) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('monitor', 'm999_later', 'now')")
        db.commit()
    before = fingerprint(file)

    assert await refusal(file) == "cannot be used: a newer version of the monitor made it (it has 'm999_later'): upgrade this one"
    assert fingerprint(file) == before


async def test_the_database_of_another_program_is_refused_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite"
    with closing(stdlib_sqlite.connect(file)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
        db.commit()
    before = fingerprint(file)

    assert await refusal(file) == "cannot be used: it belongs to another program (it has a table 'bookmarks')"
    assert fingerprint(file) == before


async def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert await refusal(tmp_path / "missing" / "monitor.db") == "cannot be used: No such file or directory"


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert await refusal(tmp_path) == "cannot be used: it is a folder"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody may look into, which is not so of tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o700)


def forbid_writing(file: Path) -> None:
    file.chmod(0o444)
    file.parent.chmod(0o555)


@pytest.mark.parametrize("how", ["sole", "shared"])
async def test_a_file_that_may_not_be_written_is_refused(how: str, folder: Path) -> None:
    file = await a_used_file(folder)
    before = fingerprint(file)
    forbid_writing(file)

    with as_nobody(), pytest.raises(StoreError, match=r"monitor\.db cannot be used: "):
        await SqliteStore.open(file, sole=how == "sole")

    assert fingerprint(file) == before


KILLED_WHILE_MAKING = """
    import sys
    from monitor.stores.opening import sqlite3

    db = sqlite3.connect(sys.argv[1], isolation_level=None)
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN")
    db.execute("CREATE TABLE half_made (x)")
    for _ in range(50):
        db.execute("INSERT INTO half_made VALUES (randomblob(4000))")
    print("spilled", flush=True)
    sys.stdin.read()
"""


async def test_a_file_whose_making_was_cut_short_by_kill_9_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    with python(KILLED_WHILE_MAKING, file) as process:
        assert line(process.stdout) == "spilled"
    assert file.stat().st_size > 0

    store = await SqliteStore.open(file)

    await store.record(a_plan())
    await store.close()


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").touch()

    store = await SqliteStore.open(tmp_path / "monitor.db")

    assert await store.tally() == Tally()
    await store.close()


async def test_a_refused_file_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").write_bytes(b"garbage " * 100)
    await refusal(tmp_path / "monitor.db")
    (tmp_path / "monitor.db").unlink()

    store = await SqliteStore.open(tmp_path / "monitor.db", sole=True)

    assert await store.tally() == Tally()
    await store.close()
