"""How the duty desk wants to be told: whom of an alert, at once or later, and in what. Pure: time is an argument.

`choices` decides for one alert and says of every receiver why; `hours` knows the clocks on their walls; `notices` makes the
alerts that stand for many, or for none.
"""

from monitor.desk.choices import Choice, capped, decide, hushed, next_hour, told_to, why_gathered
from monitor.desk.hours import daily_due, muted_until, next_digest
from monitor.desk.notices import ALIVE, DIGEST, alive, digest, gathered
from rules.receivers import CAP, KINDS, Daily, Digest, Mute, Receiver, Route

__all__ = [
    "ALIVE",
    "CAP",
    "DIGEST",
    "KINDS",
    "Choice",
    "Daily",
    "Digest",
    "Mute",
    "Receiver",
    "Route",
    "alive",
    "capped",
    "daily_due",
    "decide",
    "digest",
    "gathered",
    "hushed",
    "muted_until",
    "next_digest",
    "next_hour",
    "told_to",
    "why_gathered",
]
