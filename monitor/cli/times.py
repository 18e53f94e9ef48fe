"""Times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from monitor.app.book import now
from rules.spec import Notes, Spec


class Moment(click.ParamType[datetime]):
    """A time as ISO 8601; UTC where it does not say."""

    name = "iso time"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> datetime:
        """The time. Fails with a usage error."""
        try:
            when = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-07-01T12:00:00Z", param, context)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


class Span(click.ParamType[timedelta]):
    """A length of time as in the settings: 12h, 7d, 2w."""

    name = "30d"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> timedelta:
        """The length of time. Fails with a usage error."""
        notes = Notes()
        span = Spec(str(value), "", 1, 1, notes).span()
        if notes.failed:
            self.fail(f"{value!r} is not a length of time such as 12h, 7d or 2w", param, context)
        return span


class Since(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "30d|iso time"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> datetime:
        """The time. Fails with a usage error."""
        notes = Notes()
        ago = Spec(str(value), "", 1, 1, notes).span()
        return Moment().convert(value, param, context) if notes.failed else now() - ago
