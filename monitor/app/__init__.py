"""The composition root: which store, sources, sinks and workers make up a monitor, and how they are opened and closed.

`watching` opens and closes what `monitor run` needs, `daemon` is what it does meanwhile; `replay` wires the same steps otherwise: saved
articles, a store in memory, no pages, the articles' own clock. `kept` opens what a monitor has kept, for looking.
"""
