"""When to look at a source again, and what state it is in. Pure: the clock comes in, a new visit goes out.

pacing  how often: learnt from when its articles came
visits  what a visit leaves behind: answered, failed, unfinished; and what is believed of a source
alarm   whether somebody is to be told that it is silent, or back
states  one word and one line for people
start   the first minutes of a run, and a network that is down
"""

from monitor.rhythm.alarm import patience_of, silence, told
from monitor.rhythm.pacing import QUICKEST, SLOWEST
from monitor.rhythm.start import UNREACHED, offline, spread
from monitor.rhythm.states import WORDS, State, state
from monitor.rhythm.visits import UNSTABLE, address, answered, failed, is_gone, sane, unfinished, was_away

__all__ = [
    "QUICKEST",
    "SLOWEST",
    "UNREACHED",
    "UNSTABLE",
    "WORDS",
    "State",
    "address",
    "answered",
    "failed",
    "is_gone",
    "offline",
    "patience_of",
    "sane",
    "silence",
    "spread",
    "state",
    "told",
    "unfinished",
    "was_away",
]
