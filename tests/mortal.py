"""A store whose process dies: what a test of kill -9 needs where no process is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Killed(BaseException):
    """kill -9: nothing may catch it."""


@dataclass
class Mortal:
    """A store whose process dies at a given call, just before it or just after; it remembers what was called."""

    store: Any
    dies_at: int | None = None
    after: bool = False
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            self.calls.append(name)
            doomed = len(self.calls) - 1 == self.dies_at
            if doomed and not self.after:
                raise Killed
            result = await getattr(self.store, name)(*args, **named)
            if doomed:
                raise Killed
            return result

        return call
