"""Whether an alert is told now: the time rules over matches. Pure: reports and a clock come in, a verdict goes out.

verdicts  all time rules of a rule together: told or not, at which level, and why; how much history that takes
bursts    `frequency` and `spike`: so many articles within a time, so many more than is usual
voices    `sources`: how many sources report an event without copying one another
quiet     `silence`: nothing matched for so long, and something does again
stage     what each of them answers with
words     numbers and lengths of time for people
"""

from monitor.tempo.quiet import silence
from monitor.tempo.verdicts import Verdict, history, verdict

__all__ = ["Verdict", "history", "silence", "verdict"]
