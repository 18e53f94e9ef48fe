"""Sources written into monitor.yaml: ids that never clash, and a file that keeps all that was there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from monitor import config as settings
from monitor.app import entries, written
from monitor.app.entries import Entry, Names, added, slug
from monitor.config import Config, Watched
from monitor.errors import ConfigError
from monitor.opml import Outline
from rules.spec import Notes, read

ONE = Entry(id="one", place="https://one.example/feed?a=1&b=2#x", title='The "One": #1\n🎉 \x07', tags=("a", "été b"))
TWO = Entry(id="two", place="https://two.example/", kind="wire: {x}", language="en")


def plain(text: str) -> Any:
    notes = Notes()
    spec = read(text.encode(), "monitor.yaml", notes)
    assert spec is not None, notes.problems
    assert not notes.problems
    return spec.plain()


# What is written


def test_an_entry_has_a_line_for_each_thing_that_is_said() -> None:
    assert ONE.lines() == [
        '- id: one  # The "One": #1 🎉',
        '  feed: "https://one.example/feed?a=1&b=2#x"',
        '  tags: [a, "été b"]',
    ]
    assert Entry(id="p", place="https://p.example/", form="page", links="h3 a").lines() == [
        "- id: p",
        '  page: "https://p.example/"',
        '  links: "h3 a"',
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "settings: {}\n",
        "sources:\n# a comment\nsettings: {}\n",
        "# mine\nsources: []  # none yet\nsettings: {}\n",
        "sources: [\n  # none yet\n]\n",
        "{sources: []}\n",
        "{sources: [{feed: 'https://a.example/'}], settings: {}}\n",
        "sources: [{feed: 'https://a.example/'}]  # c 🎉\nsettings: {}",
        "sources: [{feed: 'https://a.example/'},]\n",
        "# 🎉\r\nsources: [\r\n  {feed: 'https://a.example/ünï🎉'},  # first\r\n  {id: b, feed: 'https://b.example/'},\r\n]\r\n",
        "\ufeffsources: [{feed: 'https://a.example/'}]",
        "\ufeffsources:\n  - feed: 'https://a.example/'",
        "sources:\n- feed: 'https://a.example/'\n# tail\n\n# of settings\nsettings: {}",
        "sources:\r\n    - feed: 'https://a.example/'  # c\r\nsettings: {}\r\n",
        "settings: {}\nsources:\n  - feed: 'https://a.example/'\n    # a tail that is indented\n",
        "sources:\n  - feed: 'https://a.example/'  # no line end",
    ],
)
def test_a_file_keeps_what_was_there_and_reads_back_with_the_new_sources(text: str) -> None:
    new = added(text, [ONE, TWO])
    was = plain(text) if text else {}
    assert plain(new) == {
        **was,
        "sources": [
            *(was.get("sources") or []),
            {"id": "one", "feed": ONE.place, "tags": ["a", "été b"]},
            {"id": "two", "feed": TWO.place, "language": "en", "kind": "wire: {x}"},
        ],
    }
    rest = iter(new)
    assert all(char in rest for char in text.replace("sources: []", "sources:")), "what was there is not all there, in its order"
    assert all(comment in new for comment in re.findall("#.*", text))


def test_a_list_of_lines_gets_lines_as_it_has_them() -> None:
    assert added("# mine\nsources:\n    - feed: 'https://a.example/'  # a\n\n# the rest\nsettings: {}\n", [TWO]) == (
        "# mine\nsources:\n    - feed: 'https://a.example/'  # a\n"
        '    - id: two\n      feed: "https://two.example/"\n      language: en\n      kind: "wire: {x}"\n'
        "\n# the rest\nsettings: {}\n"
    )


def test_a_list_in_brackets_gets_entries_in_brackets() -> None:
    assert added(
        "sources: [\r\n    {feed: 'https://a.example/'},  # a\r\n]\r\n", [Entry(id="b", place="https://b.example/")]
    ) == ("sources: [\r\n    {feed: 'https://a.example/'},\r\n    {id: b, feed: \"https://b.example/\"},  # a\r\n]\r\n")


@pytest.mark.parametrize("text", ["sources: none\n", "{settings: {}}\n", "sources:\n  a: b\n", "# only a comment\n", "a: [b\n"])
def test_where_there_is_no_place_the_entry_is_told_and_nothing_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        entries.write(file, [TWO], {})
    assert "cannot be added to" in str(error.value)
    assert 'Put this under its sources:\n\n- id: two\n  feed: "https://two.example/"' in str(error.value)
    assert file.read_text() == text


def test_an_entry_that_is_not_as_it_should_be_is_told_and_nothing_written(tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"
    with pytest.raises(ConfigError, match="not written: an id is 1 to 100 letters"):
        entries.write(file, [Entry(id="no id", place="https://a.example/")], {})
    assert not file.exists()


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text("# mine\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(ConfigError, match="No space left on device"):
            written.whole(file, "new\n")
    assert (file.read_text(), list(tmp_path.iterdir())) == ("# mine\n", [file])
    written.whole(file, "new\n")  # the control
    assert file.read_text() == "new\n"


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.yaml", tmp_path / "monitor.yaml"
    real.write_text("")
    real.chmod(0o600)
    link.symlink_to(real)
    entries.write(link, [TWO], {})
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert settings.load(link, {}).sources[0].id == "two"


# Ids


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("BBC News - World", "bbc-news-world"),
        ("  Élysée: l’actualité  ", "élysée-l-actualité"),
        ("ТАСС", "тасс"),
        ("News ❤️ today", "news-today"),
        ("bbc.co.uk/news", "bbc.co.uk/news"),
        ("a\nb\x00c\u202ed", "a-b-c-d"),
        ("लोकसत्ता", "l.example/feed"),  # vowels that an id does not hold
        ("…", "l.example/feed"),
        ("", "l.example/feed"),
        ("Very long names of feeds are cut, but never in the middle", "very-long-names-of-feeds-are-cut-but"),
        ("X" * 60, "x" * 40),
    ],
)
def test_an_id_is_made_of_a_title_else_of_the_address(title: str, name: str) -> None:
    made = Names().new(title, "https://www.l.example/feed")
    assert made.replace("l-example-feed", "l.example/feed") == name
    assert settings.parse(f'sources: [{{id: "{made}", feed: "https://a.example/"}}]'.encode(), Path("m.yaml"), {}).sources


def test_no_id_is_given_twice() -> None:
    names = Names(["news", "news-2"])
    assert [names.new(title, "") for title in ("News", "news 3", "News", "", "")] == [
        "news-3",
        "news-3-2",
        "news-4",
        "feed",
        "feed-2",
    ]


def test_many_feeds_of_one_name_are_named_quickly() -> None:
    names = Names()
    made = {names.new("News", "") for _ in range(20_000)}
    assert len(made) == 20_000


def test_a_slug_is_short() -> None:
    assert slug("a" * 10_000) == "a" * 40


# What is watched already


def watching(*places: str) -> Config:
    return Config(sources=tuple(Watched(id=f"s{n}", place=place) for n, place in enumerate(places)))


@pytest.mark.parametrize(
    "url", ["https://a.example/feed", "http://a.example/feed", "https://A.example/feed/", "https://a.example/feed#x"]
)
def test_an_address_is_known_however_it_is_spelt(url: str) -> None:
    there = entries.watched(watching("https://a.example/feed"), url)
    assert there is not None
    assert there.id == "s0"


@pytest.mark.parametrize("url", ["https://b.example/feed", "https://a.example/Feed", "https://a.example/feed?x=1"])
def test_another_address_is_another(url: str) -> None:
    assert entries.watched(watching("https://a.example/feed"), url) is None


def test_outlines_become_entries_once_with_their_folders_as_tags() -> None:
    outlines = [
        Outline(title="S0", url="https://new.example/1", folders=("World News", "World  News", "…", "Wire")),
        Outline(title="Known", url="http://known.example/feed/"),
        Outline(title="Again", url="https://new.example/1/"),
    ]
    (made,) = entries.entries(outlines, watching("https://known.example/feed"))
    assert made == Entry(id="s0-2", place="https://new.example/1", title="S0", tags=("world-news", "wire"))
