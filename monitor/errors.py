"""Everything that is expected to go wrong.

MonitorError
├── ConfigError         a setting that cannot be used
├── FetchFailed         a source or page that did not answer usefully
├── Unreadable          bytes that are not what they should be (not a feed, binary, empty)
├── DeliveryFailed      a receiver that may take it later
│   └── Refused         a receiver that never will
├── Outdated            a plan decided on events that have changed since
└── StoreError          the store cannot be opened or written
"""

from __future__ import annotations

from datetime import timedelta


class MonitorError(Exception):
    """The root: what a command shows as one line, without a traceback."""


class ConfigError(MonitorError):
    """A setting that cannot be used; says which, where, and what to do."""


class FetchFailed(MonitorError):
    """A source or page that did not answer usefully. `wait`: how long it asked to be left alone."""

    def __init__(self, reason: str, *, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Unreadable(MonitorError):
    """Bytes that are not what they should be."""


class DeliveryFailed(MonitorError):
    """A receiver did not take it and may later. `wait`: how long it asked us to wait."""

    def __init__(self, reason: str, *, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(DeliveryFailed):
    """A receiver that will never take it (410 Gone)."""


class Outdated(MonitorError):
    """The events that a plan was decided on have changed since: read them again and plan again."""


class StoreError(MonitorError):
    """The store cannot be opened, is held by another process, or cannot be written."""
