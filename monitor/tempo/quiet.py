"""`silence`: somebody is told when a rule matched nothing for too long, and when it does again, once each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rules import Rule


def silence(
    rule: Rule, last: datetime | None, started: datetime, told: datetime | None, at: datetime
) -> Literal["silent", "recovered"] | None:
    """ "silent" or "recovered" where somebody is to be told now; None: nobody is.

    `last`: when it last matched; `started`: since when that is watched: a rule is not silent while nobody looks. `told`: when
    somebody was told that it is silent, None once it has recovered (and before): keep `at` after "silent", None after "recovered".
    """
    if rule.silence is None:
        return None
    quiet = at - max(last or started, started) >= rule.silence
    if told is None:
        return "silent" if quiet else None
    matched = last is not None and last >= told
    return "recovered" if matched and not quiet else None
