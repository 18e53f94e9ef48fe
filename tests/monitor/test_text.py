"""Markup becomes plain text with paragraphs."""

from __future__ import annotations

import pytest

from monitor.text import clean, plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("hello <b>w</b>orld &amp; you", "hello world & you"),
        ("<p>a</p>\n<p>b<br>c<br/>d</p> tail", "a\n\nb\nc\nd\n\ntail"),
        ("<ul><li>1<li>2</ul>", "1\n\n2"),
        ("x < y and 3<4", "x < y and 3<4"),
        ("AT&T &lt;b&gt; &nbsp; x", "AT&T <b> x"),
        ("<?xml version='1.0' encoding='x'?>hi", "hi"),
        ("<!-- c -->z", "z"),
        ("<script>evil('<p>')</script>ok<style>p {}</style>", "ok"),
        ("<title>t</title>after", "after"),
        ("</div>out<p>in", "out\n\nin"),
        ("привет &mdash; <i>мир</i>", "привет — мир"),
        ("a\x00b\ud800c", "abc"),
        ("one\ntwo", "one two"),
    ],
)
def test_markup_is_read_as_a_browser_shows_it(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_clean_text_keeps_lines_tabs_and_every_script() -> None:
    assert clean("a\tb\nПривет 🎉\x1b[31m\ufffe") == "a\tb\nПривет 🎉[31m"


def test_control_characters_of_latin_1_are_what_windows_1252_means_by_them() -> None:
    assert clean("don\x92t wait\x85\x81\x7f") == "don’t wait…"


def test_a_control_character_that_was_written_as_an_entity_is_none_either() -> None:
    assert plain("<p>a&#27;[2Jb&#146;c&#8;") == "a[2Jb’c"
