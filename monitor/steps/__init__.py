"""The three steps of an article's life: ingest, examine, deliver. Each reads, decides in pure code, and writes once.

Doing any of them twice is harmless. Two commits on purpose: an article is recorded with all that it changes, then the visit that
brought it; so the cursor moves last, and nothing hides behind an unchanged feed.
"""

from monitor.steps.delivering import LEASE, Delivered, Sender, Senders, deliver, senders
from monitor.steps.examining import (
    BATCH,
    Backlog,
    Bench,
    Examined,
    again,
    anew,
    as_it_is,
    examine,
    never,
    new_source,
    refill,
    was_new,
)
from monitor.steps.ingesting import Round, ingest

__all__ = [
    "BATCH",
    "LEASE",
    "Backlog",
    "Bench",
    "Delivered",
    "Examined",
    "Round",
    "Sender",
    "Senders",
    "again",
    "anew",
    "as_it_is",
    "deliver",
    "examine",
    "ingest",
    "never",
    "new_source",
    "refill",
    "senders",
    "was_new",
]
