"""Memory that is free goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Hands back what Python has freed: glibc keeps it, in pieces, so that a daemon grows by half a megabyte a day more than it need."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
