"""Where alerts go. A new kind is a class with `id`, `at_once`, `render` and `send`, and a line here."""

from monitor.sinks.mail import MailSink
from monitor.sinks.slack import SlackSink
from monitor.sinks.terminal import TerminalSink
from monitor.sinks.webhook import WebhookSink

SINKS = {"webhook": WebhookSink, "slack": SlackSink, "email": MailSink, "terminal": TerminalSink}
