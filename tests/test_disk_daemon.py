"""The real daemon on a bad disk: one that is full, one that changes what is on it; and a backup put back under it."""

from __future__ import annotations

import json
import resource
from contextlib import closing
from typing import TYPE_CHECKING, Any

from monitor.stores import opening

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Daemon, Desk, Newsroom, Settings

FIRST = """The capital woke up to grey skies and to a long list of appointments, as it does on most days of the week.

Kremlin spokesman Dmitry Peskov said on Tuesday that talks with Kyiv make no sense at this stage.

The market nearby opened on time, and vendors there said that they expected a quiet day with few customers from abroad."""
SECOND = """Rain fell on the coast all weekend, and the ferries stayed in port.

Sergei Lavrov said that a ceasefire would be welcome if both armies withdrew to the river first.

The harbour master expects the first boats to leave on Monday morning, weather permitting, with few passengers aboard."""
RULES = """
lists:
  officials: {Dmitry Peskov: [Peskov], Sergei Lavrov: [Lavrov]}
  talks: [talks, ceasefire]
rules:
  - id: on-talks
    title: "{speaker} on talks: {stance}"
    level: high
    when:
      statement: {by: $officials, about: $talks}
    once: {per: [speaker], within: 3d}
"""
NOTHING = 1
"""Bytes that a file may have when nothing can be written."""


def disk_of(daemon: Daemon, size: int) -> None:
    """From now on the daemon can make no file longer; what it writes beyond that fails, as on a full disk."""
    _, most = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, most))


async def lines(desk: Desk, *command: str) -> list[dict[str, Any]]:
    code, out, _ = await desk.command(*command, "--json")
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


async def alerts(desk: Desk) -> list[str]:
    return [one["data"]["id"] for one in await lines(desk, "alerts")]


def visit(desk: Desk) -> dict[str, Any]:
    with closing(opening.reader(desk.folder / "monitor.db")) as conn:
        [(whole,)] = conn.execute("SELECT whole FROM visits")
    found = json.loads(whole)
    assert isinstance(found, dict)
    return found


async def test_on_a_full_disk_nothing_is_lost_reading_goes_on_and_it_goes_on_by_itself(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", FIRST)
    desk.write(settings(), RULES)
    daemon = await desk.start()
    first = (await newsroom.told()).headers["webhook-id"]
    await newsroom.until_asked("/feed/feed", times=2)

    disk_of(daemon, NOTHING)
    newsroom.publish("two", "A quiet Wednesday", "Blue skies.", SECOND)
    said = await daemon.says("disk I/O error")
    before = visit(desk)
    assert await alerts(desk) == [first]  # reading goes on
    assert "monitor.db" in said
    assert newsroom.hooks.empty()
    assert visit(desk)["cursor"] == before["cursor"]

    disk_of(daemon, resource.RLIM_INFINITY)
    second = (await newsroom.told()).headers["webhook-id"]
    assert await daemon.stop() == 0

    assert set(await alerts(desk)) == {first, second}
    assert not [line for line in daemon.err if "Traceback" in line]
    with closing(opening.reader(desk.folder / "monitor.db")) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_visit_that_could_not_be_kept_is_made_again_at_once_when_there_is_room(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    """Its source is leased for longer than anybody wants to wait for."""
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", FIRST)
    newsroom.open_pages.clear()
    desk.write(settings(), RULES)
    daemon = await desk.start()
    await newsroom.until_asked("/page/one")  # claimed, and half-way

    disk_of(daemon, NOTHING)
    newsroom.open_pages.set()
    await daemon.says("disk I/O error")
    disk_of(daemon, resource.RLIM_INFINITY)

    told = (await newsroom.told()).headers["webhook-id"]
    assert await daemon.stop() == 0
    assert await alerts(desk) == [told]


def spoil(file: Path, table: str) -> None:
    """Writes nonsense over the first page of a table, and has whoever keeps it in memory look again."""
    with closing(opening.connect(file.as_uri())) as conn:
        (root,) = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
        (busy, _, _) = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy
        with file.open("r+b") as raw:
            raw.seek((root - 1) * size)
            raw.write(b"\xff" * size)
        conn.execute("""INSERT INTO hushes (target, whole) VALUES ('rule:none', '{}')""")
        conn.execute("DELETE FROM hushes")


async def test_a_store_that_is_damaged_while_it_runs_ends_it_and_it_says_what_to_do(
    newsroom: Newsroom, desk: Desk, settings: Settings
) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", FIRST)
    desk.write(settings(), RULES)
    daemon = await desk.start()
    await newsroom.told()
    await newsroom.until_asked("/feed/feed", times=2)

    spoil(desk.folder / "monitor.db", "articles")
    newsroom.publish("two", "A quiet Wednesday", "Blue skies.", SECOND)

    assert await daemon.ends() == 2
    assert daemon.err[-1] == (
        "monitor: monitor.db is no sound database (database disk image is malformed): restore a backup, or name another file\n"
    )
    assert not [line for line in daemon.err if "Traceback" in line]
    assert newsroom.hooks.empty()

    code, _, err = await desk.command("run")  # and it stays so
    assert (code, "restore a backup" in err) == (2, True)


async def test_after_an_older_backup_is_restored_nothing_has_a_new_id(newsroom: Newsroom, desk: Desk, settings: Settings) -> None:
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", FIRST)
    desk.write(settings(), RULES)
    daemon = await desk.start()
    first = await newsroom.told()
    code, out, _ = await desk.command("backup", "older.db")  # beside it
    assert (code, "1 alert, " in out) == (0, True)
    newsroom.publish("two", "A quiet Wednesday", "Blue skies.", SECOND)
    second = await newsroom.told()
    code, _, err = await desk.command("restore", "older.db")
    assert (code, f"(pid {daemon.process.pid})" in err) == (2, True)
    assert await daemon.stop() == 0

    code, out, _ = await desk.command("restore", "older.db")
    assert (code, "1 alert, " in out) == (0, True)
    assert await alerts(desk) == [first.headers["webhook-id"]]

    again = await desk.start()
    told = [await newsroom.told()]
    while told[-1].headers["webhook-id"] != second.headers["webhook-id"]:
        told.append(await newsroom.told())
    await newsroom.until_asked("/feed/feed", times=newsroom.asked.count("/feed/feed") + 2)
    assert await again.stop() == 0

    known = {first.headers["webhook-id"]: first.body, second.headers["webhook-id"]: second.body}
    assert {one.headers["webhook-id"] for one in told} <= known.keys()
    assert newsroom.hooks.empty()
    assert set(await alerts(desk)) == known.keys()
    with closing(opening.reader(desk.folder / "monitor.db")) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_store_that_is_no_store_is_refused_in_one_line_and_left_alone(desk: Desk, settings: Settings) -> None:
    desk.write(settings(), RULES)
    (desk.folder / "monitor.db").write_text("dear diary, " * 1_000)

    for command in ("run", "status", "alerts", "backup x.db"):
        code, out, err = await desk.command(*command.split())
        assert (code, out) == (2, "")
        assert err.endswith(
            "monitor: monitor.db is no sound database (file is not a database): restore a backup, or name another file\n"
        )
        assert "Traceback" not in err
    assert (desk.folder / "monitor.db").read_text() == "dear diary, " * 1_000
