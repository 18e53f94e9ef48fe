"""Where alerts go. A new kind is a class with `id`, `render` and `send`, and a line here."""

from monitor.sinks.terminal import TerminalSink
from monitor.sinks.webhook import WebhookSink

SINKS = {"webhook": WebhookSink, "terminal": TerminalSink}
