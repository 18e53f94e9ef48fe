"""`monitor articles` and `monitor prune`: what was fetched comes back byte for byte, and what was edited shows."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor.cli import invoke
from monitor.cli.articles import difference
from monitor.model import Alert, Original, Plan, Revision, Visit
from monitor.stores import open_store
from rules import Article

if TYPE_CHECKING:
    from conftest import Desk, Do, Newsroom, Settings

pytestmark = pytest.mark.usefixtures("unlogged")

NOW = datetime.now(UTC).replace(microsecond=0)
OLD = NOW - timedelta(days=10)
HTML = "<html><body><article><h1>A title</h1><p>{}</p></article></body></html>"
LONG = "Ministers met in the capital on Tuesday, and nobody said a word about what they had agreed upon. "


def article(**changes: Any) -> Article:
    return Article(**{"id": "paper#1", "title": "A title", "summary": "A teaser", "source": "paper", "digest": "d1", **changes})


def page(text: str, at: datetime = OLD) -> Original:
    return Original(url="https://p.example/1", at=at, body=HTML.format(text).encode(), kind="page", content_type="text/html")


def plan(revision: str, **changes: Any) -> Plan:
    return Plan(**{"article": article(), "revision": revision, "first_seen": OLD, "at": OLD, **changes})


def alert(of: Article, **changes: Any) -> Alert:
    whole: dict[str, Any] = {"id": "alt_one", "kind": "new", "rule": "r", "rule_title": "R", "level": "high", "version": "v"}
    whole |= {"tags": (), "title": "T", "article": of, "first_seen": OLD, "raised": OLD, "sightings": ()}
    return Alert(**{**whole, **changes})


FIRST = article(body="First.")
EDITED = article(title="Another title", body="Second.", digest="d2")
PLANS = (
    plan("v1", article=FIRST, originals=(page("First."),), alerts=(alert(FIRST),)),
    plan("v2", article=EDITED, at=NOW, originals=(page("Second.", NOW),)),
    plan(
        "u1", article=article(id="other#2", source="other", digest="u"), originals=(page(LONG * 5),), unread=page(LONG * 5).sha256
    ),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store: one article that an alert tells of, edited since, and one whose page was not read."""
    for name in ("MONITOR_CONFIG", "MONITOR_STORE", "MONITOR_RULES", "MONITOR_LOG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    async def fill() -> None:
        store = await open_store("monitor.db")
        for one in PLANS:
            await store.record(one)
        notice = alert(
            article(id="source:paper", title="paper is silent"), id="alt_notice", kind="silent", title="paper is silent"
        )
        await store.visited(Visit(source="paper", at=NOW, due=NOW), [notice])
        await store.close()

    asyncio.run(fill())
    return tmp_path


def values(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# list


def test_articles_are_listed_as_they_came(do: Do) -> None:
    code, out, err = do("articles", "list", "--since", "30d")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{OLD:%Y-%m-%d %H:%M}  paper#1",
        "                  Another title",
        f"{OLD:%Y-%m-%d %H:%M}  other#2",
        "                  A title",
    ]


def test_a_list_can_be_narrowed(do: Do) -> None:
    assert do("articles", "list") == (0, "", "")
    _, out, _ = do("articles", "list", "--since", "30d", "--source", "other", "--json")
    (one,) = values(out)
    assert (one["id"], one["source"], one["first_seen"]) == ("other#2", "other", f"{OLD:%Y-%m-%dT%H:%M:%SZ}")


def test_without_a_store_there_is_nothing_to_list(do: Do, here: Path) -> None:
    (here / "monitor.db").unlink()
    code, _, err = do("articles", "list")
    assert (code, err) == (2, "monitor: monitor.db is not there yet: 'monitor run' makes it\n")


# show


def test_the_last_version_is_shown_with_its_proof(do: Do) -> None:
    code, out, err = do("articles", "show", "paper#1")
    assert (code, err) == (0, "")
    body = page("Second.").body
    assert out.splitlines()[:2] == ["Another title", f"  paper#1, version 2 of 2, examined {NOW:%Y-%m-%dT%H:%M:%SZ}"]
    assert f"  page kept    {len(body)} bytes of https://p.example/1, fetched {NOW:%Y-%m-%dT%H:%M:%SZ}\n" in out
    assert f"sha256 {sha256(body).hexdigest()}\n" in out
    assert out.endswith("\nA teaser\n\nSecond.\n")


def test_of_an_alert_the_version_is_shown_that_it_tells_of(do: Do) -> None:
    _, out, _ = do("articles", "show", "alt_one")
    assert out.splitlines()[:2] == ["A title", f"  paper#1, version 1 of 2, examined {OLD:%Y-%m-%dT%H:%M:%SZ}"]
    assert do("articles", "show", "alt_one", "--version", "2")[1].startswith("Another title\n")


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (("alt_one",), page("First.").body),
        (("paper#1",), page("Second.").body),
        (("paper#1", "--version", "1", "--kind", "page"), page("First.").body),
    ],
)
def test_raw_bytes_are_those_that_were_fetched(
    here: Path, capfdbinary: pytest.CaptureFixture[bytes], arguments: tuple[str, ...], body: bytes
) -> None:
    assert invoke(("articles", "show", *arguments, "--raw")) == 0
    out, err = capfdbinary.readouterr()
    assert out == body
    assert f"sha256 {sha256(body).hexdigest()}".encode() in err


def test_raw_bytes_never_go_to_a_terminal(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys.stdout, "isatty", lambda: True)
        code, out, err = do("articles", "show", "paper#1", "--raw")
    assert (code, out) == (2, "")
    assert "could steer a terminal: send it to a file (--raw > page.html)" in err
    assert do("articles", "show", "paper#1", "--raw")[0] == 0  # the control


def test_a_diff_shows_what_was_edited(do: Do) -> None:
    code, out, _ = do("articles", "show", "paper#1", "--diff")
    assert code == 0
    assert out.splitlines()[2:] == ["@@ -1,3 +1,3 @@", "-A title", "+Another title", " A teaser", "-First.", "+Second."]
    assert do("articles", "show", "paper#1", "--diff", "--version", "2")[1] == out
    for only in (("paper#1", "--version", "1"), ("other#2",)):
        assert do("articles", "show", *only, "--diff")[1] == "There is no version before it: nothing has changed.\n"


def test_a_page_that_was_not_read_is_no_text_that_was_taken_out(do: Do, here: Path) -> None:
    """An edit may take out the very words for which the page was read before."""
    body = page(LONG * 5)
    edit = plan("u2", article=article(id="other#2", source="other", digest="u3"), at=NOW, originals=(page(LONG * 4, NOW),))

    async def keep() -> None:
        store = await open_store("monitor.db")
        await store.record(plan("u1", article=article(id="other#2", digest="u", body=LONG * 5), originals=(body,)))
        await store.record(replace(edit, unread=edit.originals[0].sha256))
        await store.close()

    asyncio.run(keep())
    _, out, _ = do("articles", "show", "other#2", "--diff")
    added = [line for line in out.splitlines() if line.startswith("+Ministers")]
    assert len(added) == 1
    assert added[0].count("Ministers") == 4


def test_versions_in_a_diff_have_their_numbers() -> None:
    versions = [Revision(article=article(title=str(n)), revision=str(n), at=NOW) for n in range(3)]
    heads = [line.split("\t")[0] for line in difference(versions[1:], 2) if line.startswith(("---", "+++"))]
    assert heads == ["--- version 2", "+++ version 3"]
    heads = [line.split("\t")[0] for line in difference(versions) if line.startswith("+++")]
    assert heads == ["+++ version 2", "+++ version 3"]


def test_every_version_in_json(do: Do) -> None:
    first, second = values(do("articles", "show", "paper#1", "--json")[1])
    assert (first["version"], first["title"], second["version"], second["title"]) == (1, "A title", 2, "Another title")
    (kept,) = first["originals"]
    assert kept == {
        "kind": "page",
        "url": "https://p.example/1",
        "fetched": f"{OLD:%Y-%m-%dT%H:%M:%SZ}",
        "content_type": "text/html",
        "bytes": len(page("First.").body),
        "sha256": page("First.").sha256,
    }
    assert [one["version"] for one in values(do("articles", "show", "paper#1", "--json", "--version", "1")[1])] == [1]


def test_a_page_that_was_not_read_is_said_to_be_and_can_be_read_now(do: Do) -> None:
    _, out, _ = do("articles", "show", "other#2")
    assert "page unread" in out
    assert "--text reads it now" in out
    assert "Ministers" not in out
    _, out, _ = do("articles", "show", "other#2", "--text")
    assert "page unread" not in out
    assert "Ministers met in the capital" in out
    (one,) = values(do("articles", "show", "other#2", "--text", "--json")[1])
    assert (one["unread"], one["text"].count("Ministers")) == (False, 5)
    (one,) = values(do("articles", "show", "other#2", "--json")[1])
    assert (one["unread"], one["text"]) == (True, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nix",), "nothing is kept under the id 'nix': 'monitor articles list --since 90d' lists them"),
        (("alt_nix",), "nothing is kept under the id 'alt_nix': 'monitor alerts' lists the alerts"),
        (("alt_notice",), "the alert alt_notice tells of a source, not of an article: paper is silent"),
        (("paper#1", "--version", "3"), "there are 2 versions of it, none has the number 3"),
        (("other#2", "--version", "2"), "there is 1 version of it, none has the number 2"),
        (("paper#1", "--raw", "--kind", "feed"), "the feed of version 2 is not kept: pages are kept for as long as 'keep' says"),
        (("paper#1", "--raw", "--json"), "--raw, --diff and --json are different answers: ask for one"),
    ],
)
def test_what_is_not_there_is_told(do: Do, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = do("articles", "show", *arguments)
    assert (code, out) == (2, "")
    assert message in err


# prune


def test_a_dry_run_counts_what_would_go_and_leaves_it(do: Do) -> None:
    told = do("prune", "--dry-run")
    assert told == (0, "Would remove 0 articles and 1 kept page (0.0 MB).\n", "")
    assert do("prune", "--dry-run") == told


def test_what_is_old_goes_and_what_an_alert_tells_of_stays(do: Do) -> None:
    assert do("prune")[1] == "Removed 0 articles and 1 kept page (0.0 MB).\n"
    assert do("articles", "show", "alt_one", "--raw")[0] == 0
    code, out, _ = do("articles", "show", "other#2")
    assert code == 0
    assert "no bytes: none were fetched for it, or they were pruned" in out
    assert "unread" not in out
    code, _, err = do("articles", "show", "other#2", "--raw")
    assert code == 2
    assert "no bytes are kept of version 1" in err
    assert do("articles", "show", "other#2", "--text")[0] == 2
    assert do("prune", "--articles", "1d")[1] == "Removed 1 article and 0 kept pages (0.0 MB).\n"
    assert do("articles", "show", "other#2")[0] == 2
    assert do("articles", "show", "paper#1")[0] == 0


def test_nothing_is_kept_where_nothing_is_asked_for(do: Do) -> None:
    """0d is a length of time, too, and not the same as none."""
    assert do("prune", "--pages", "30d")[1].startswith("Removed 0 articles and 0 kept pages")
    assert do("prune", "--articles", "30d", "--pages", "0d")[1].startswith("Removed 0 articles and 1 kept page ")


@pytest.mark.parametrize(
    "command", [("prune", "--articles", "999999w"), ("prune", "--pages", "soon"), ("articles", "list", "--since", "999999w")]
)
def test_a_length_of_time_that_is_none_is_a_usage_error(do: Do, command: tuple[str, ...]) -> None:
    code, out, err = do(*command)
    assert (code, out) == (2, "")
    assert f"'{command[-1]}' is not a" in err


# The real thing


async def test_what_a_running_monitor_fetched_comes_back_and_an_edit_shows(
    newsroom: Newsroom, desk: Desk, settings: Settings, rules: str
) -> None:
    proof = "Dmitry Peskov said that talks with Kyiv make no sense."
    newsroom.publish("one", "A quiet Tuesday", "Grey skies.", f"First came the weather. {proof}\n\n{LONG}")
    desk.write(settings(), rules)
    daemon = await desk.start()
    told = json.loads((await newsroom.told()).body)["data"]
    sent = newsroom.pages["one"].encode()
    newsroom.items.clear()
    newsroom.publish("one", "A quiet Tuesday", "Grey skies, corrected.", f"First came the weather. Nobody said a word.\n\n{LONG}")
    await newsroom.until_asked("/page/one", 2)
    await daemon.says('"fresh": 1, "unchanged": false')
    _, listed, _ = await desk.command("alerts", "--json")
    gone, one = values(listed)
    assert (gone["type"], gone["data"]["findings"][0]["why"]) == ("alert.retracted", "feed no longer says so")
    code, raw, err = await desk.command("articles", "show", one["data"]["id"], "--raw")
    assert (code, raw.encode()) == (0, sent)
    assert sha256(sent).hexdigest() in err
    _, out, _ = await desk.command("articles", "show", told["article"]["id"], "--diff")
    assert [line for line in out.splitlines() if line.startswith(("-G", "+G", "-F", "+F"))] == [
        "-Grey skies.",
        "+Grey skies, corrected.",
        f"-First came the weather. {proof}",
        "+First came the weather. Nobody said a word.",
    ]
    code, out, _ = await desk.command("prune", "--pages", "0d")  # beside the daemon
    assert (code, out) == (0, "Removed 0 articles and 0 kept pages (0.0 MB).\n")
    assert await daemon.stop() == 0
