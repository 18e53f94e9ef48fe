"""Everything that is expected to go wrong.

MonitorError
├── ConfigError         a setting that cannot be used
├── FetchFailed         a source or page that did not answer usefully
├── Unreadable          bytes that are not what they should be (not a feed, binary, empty)
├── DeliveryFailed      a receiver that may take it later
│   └── Refused         a receiver that is gone for good
├── Outdated            a plan decided on events that have changed since
└── StoreError          the store cannot be opened or written
    ├── Held            another process has it
    └── Damaged         what is in it is not as it was written
"""

from __future__ import annotations

from datetime import timedelta


class MonitorError(Exception):
    """The root: what a command shows as one line, without a traceback."""


class ConfigError(MonitorError):
    """A setting that cannot be used; says which, where, and what to do."""


TROUBLES = {
    "unreachable": "no connection: the name was not found, nobody listens, or it broke off",
    "slow": "it did not answer in time",
    "tls": "its certificate is not good, or TLS failed",
    "http": "it answered with an error",
    "gone": "it said that it is gone for good (410)",
    "asked-to-wait": "it, or its host, asked to be left alone (429, 503)",
    "blocked": "the address is a private one, or otherwise not allowed",
    "robots": "its robots.txt asks us to stay away",
    "too-large": "more than the limits allow, or a decompression bomb",
    "unreadable": "not a feed, or not the page or file that it should be",
    "ours": "the failure is our own",
}
"""The kinds of failure of a source or receiver, and what each means."""


class FetchFailed(MonitorError):
    """A source or page that did not answer usefully. `kind` is one of TROUBLES; `wait`: how long it asked to be left alone."""

    def __init__(self, reason: str, *, kind: str = "http", wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.wait = wait


class Unreadable(MonitorError):
    """Bytes that are not what they should be."""


class DeliveryFailed(MonitorError):
    """A receiver did not take it and may later. `kind` is one of TROUBLES; `wait`: how long it asked us to wait.

    `status` and `excerpt` are what it answered, if it did, without secrets.
    """

    def __init__(
        self, reason: str, *, kind: str = "http", wait: timedelta | None = None, status: int | None = None, excerpt: str = ""
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.wait = wait
        self.status = status
        self.excerpt = excerpt


class Refused(DeliveryFailed):
    """A receiver that is gone for good (410): nothing more is sent to it until somebody says otherwise."""


class Outdated(MonitorError):
    """The events that a plan was decided on have changed since: read them again and plan again."""


class StoreError(MonitorError):
    """The store cannot be opened, is held by another process, or cannot be written."""


class Held(StoreError):
    """Another monitor has the store."""


class Damaged(StoreError):
    """What is in the store is not as it was written: nothing more may be built on it."""
