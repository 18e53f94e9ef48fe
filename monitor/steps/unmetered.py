"""Nobody counts: for replays, and for tests that count nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.model import Attempt, Delivery, Outcome, Plan, Visit
    from rules import Match


class Unmetered:
    """A meter that does not move."""

    def visited(self, visit: Visit) -> None:
        """Nothing."""

    def examined(
        self, plan: Plan, asked: Collection[str], matches: Sequence[Match], *, seen: datetime | None = None, late: bool = False
    ) -> None:
        """Nothing."""

    def attempted(self, delivery: Delivery, outcome: Outcome, attempt: Attempt) -> None:
        """Nothing."""


UNMETERED = Unmetered()
