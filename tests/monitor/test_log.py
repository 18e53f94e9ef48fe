"""One stream of log lines, safe to read and to parse."""

from __future__ import annotations

import io
import json
import logging
import warnings

import pytest
import structlog

from monitor import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("unlogged")


def test_a_pipe_gets_one_json_line_an_event() -> None:
    stream = io.StringIO()
    log.start(stream)
    structlog.get_logger("x").info("examined", fresh=3, title="Тест")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["fresh"], line["title"], line["level"]) == ("examined", 3, "Тест", "info")


def test_libraries_log_into_the_same_stream() -> None:
    stream = io.StringIO()
    log.start(stream)
    logging.getLogger("some.library").warning("careful with %s", "this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["logger"]) == ("careful with this", "some.library")
    assert "old" in second["event"]


def test_addresses_of_webhooks_are_not_logged_by_httpx() -> None:
    stream = io.StringIO()
    log.start(stream, level="DEBUG")
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.example/SECRET")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("style", ["json", "console"])
def test_tracebacks_show_no_local_variables(style: str) -> None:
    stream = io.StringIO()
    log.start(stream, style=style)

    def leak() -> None:
        token = str(sum([1234, 4321]))
        raise ValueError(len(token))

    try:
        leak()
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "5555" not in stream.getvalue()


def test_a_terminal_gets_words_and_foreign_text_cannot_steer_it() -> None:
    stream = Terminal()
    log.start(stream)
    structlog.get_logger().info("examined", title="\x1b[2Jgone\nfake line")
    assert "\x1b[2J" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_the_level_holds() -> None:
    stream = io.StringIO()
    log.start(stream, level="WARNING")
    structlog.get_logger().info("examined")
    assert stream.getvalue() == ""
