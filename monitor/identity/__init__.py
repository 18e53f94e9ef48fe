"""Which article, which version, which event, and whether two texts are copies of one another. Pure.

Ids are derived from content and never random, so that doing anything twice is harmless. An article is known again by, in this
order: its source's id for it; its address (`address`), if title or text are the same too (`same_page`); its text (`near`).
"""

from __future__ import annotations

from monitor.identity.copies import FEWEST, NEAR, SKETCH, near, overlap, shared, sketch, substance
from monitor.identity.gist import alike, gist
from monitor.identity.ids import alert_id, digest, event_id, revision, same_page
from monitor.identity.known import address
from monitor.identity.profile import profile, resemblance
from monitor.identity.spelling import canonical

__all__ = [
    "FEWEST",
    "NEAR",
    "SKETCH",
    "address",
    "alert_id",
    "alike",
    "canonical",
    "digest",
    "event_id",
    "gist",
    "near",
    "overlap",
    "profile",
    "resemblance",
    "revision",
    "same_page",
    "shared",
    "sketch",
    "substance",
]
