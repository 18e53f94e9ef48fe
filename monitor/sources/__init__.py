"""Where articles come from. A new kind is a class with `id` and `fetch`, and a line here."""

from monitor.sources.feed import FeedSource

SOURCES = {"feed": FeedSource}
