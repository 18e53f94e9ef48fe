"""Logging: one stream for our events and those of the libraries, readable on a terminal, JSON lines elsewhere.

Call `start` once. Events are short and lower-case, their values are fields: `log.info("examined", fresh=3, alerts=1)`.
Text from outside goes into fields only, where it is quoted; the console prints the event itself as it is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.typing import Processor

# httpx tells every URL at INFO, and the path of a webhook is a secret; the others are merely loud.
_QUIET = ("apscheduler", "httpx", "httpcore", "asyncio", "trafilatura", "htmldate", "courlan")


def start(stream: TextIO, *, style: str | None = None, level: str = "INFO", colour: bool | None = None) -> None:
    """Sends all logging to `stream` as "console" or "json" lines; None: what suits it. May be called again."""
    console = stream.isatty() if style is None else style == "console"
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(_console(stream.isatty() if colour is None else colour) if console else _JSON))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel("WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)

# Both renderers are told to leave local variables out of tracebacks: their defaults print them, secrets included.
_JSON: tuple[Processor, ...] = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False))


def _console(colour: bool) -> tuple[Processor, ...]:  # noqa: FBT001 - private, one caller
    return (structlog.dev.ConsoleRenderer(colors=colour, exception_formatter=structlog.dev.plain_traceback, pad_event_to=16),)


def _formatter(tail: Sequence[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
    )
