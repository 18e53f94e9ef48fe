"""The table of all figures that there are, with what each means; docs/operations.md has it, too."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
SLOW = (1.0, 5.0, 15.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
"""Bounds of what publishers and feeds take, in seconds."""
QUICK = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, _HOUR, 6 * _HOUR, _DAY)
"""Bounds of what we and receivers take."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table."""

    name: str
    kind: str
    """"counter", "gauge" or "histogram"."""
    labels: tuple[str, ...]
    help: str
    bounds: tuple[float, ...] = ()


METRICS = {
    one.name: one
    for one in (
        # rules
        Metric(
            "monitor_rule_examined_total",
            "counter",
            ("rule",),
            "Articles the rule was asked about; one whose page came later counts again.",
        ),
        Metric(
            "monitor_rule_matched_total", "counter", ("rule",), "Articles that the rule matched, whether anybody was told or not."
        ),
        Metric(
            "monitor_rule_suppressed_total", "counter", ("rule", "reason"), "Matches that nobody was told of at once, by reason."
        ),
        Metric("monitor_alerts_raised_total", "counter", ("rule", "kind"), "Alerts that were raised and not held back, by kind."),
        # receivers
        Metric("monitor_deliveries_sent_total", "counter", ("receiver",), "Deliveries that the receiver took."),
        Metric(
            "monitor_delivery_failures_total",
            "counter",
            ("receiver", "reason"),
            "Attempts at a delivery that failed, probes included, by reason.",
        ),
        Metric(
            "monitor_deliveries_given_up_total",
            "counter",
            ("receiver",),
            "Deliveries that were given up; they are kept and can be replayed.",
        ),
        Metric(
            "monitor_receiver_state",
            "gauge",
            ("receiver", "state"),
            "1 for the state that its breaker is in: closed (all flows), open (it fails) or disabled.",
        ),
        Metric(
            "monitor_deliveries_waiting",
            "gauge",
            ("receiver",),
            "Deliveries that are still to be sent, those under way included.",
        ),
        Metric("monitor_deliveries_gathered", "gauge", ("receiver",), "Alerts that wait for the receiver's digest."),
        Metric("monitor_deliveries_dead", "gauge", ("receiver",), "Deliveries that were given up and not replayed yet."),
        Metric(
            "monitor_deliveries_oldest_waiting_seconds",
            "gauge",
            ("receiver",),
            "How long the oldest of what waits has waited; 0: nothing waits.",
        ),
        # sources
        Metric(
            "monitor_source_visits_total", "counter", ("source", "result"), "Visits to the source: ok, or the kind of failure."
        ),
        Metric(
            "monitor_source_entries",
            "gauge",
            ("source",),
            "Entries that the source listed at the last visit on which something had changed.",
        ),
        Metric("monitor_source_articles_total", "counter", ("source",), "Articles of the source that were new."),
        Metric(
            "monitor_source_answered_age_seconds",
            "gauge",
            ("source",),
            "Time since the source answered well; if it never did, since its first visit.",
        ),
        Metric(
            "monitor_source_overdue_seconds",
            "gauge",
            ("source",),
            "For how long the source should have been visited; 0: it is not due yet.",
        ),
        # how long it takes
        Metric(
            "monitor_published_to_seen_seconds",
            "histogram",
            (),
            "From an article's stated date until it was fetched: new articles only, no backlog.",
            SLOW,
        ),
        Metric(
            "monitor_seen_to_matched_seconds",
            "histogram",
            (),
            "From fetching an article until it was filled, matched and decided on.",
            QUICK,
        ),
        Metric(
            "monitor_matched_to_delivered_seconds",
            "histogram",
            ("receiver",),
            "From the moment an alert was due for the receiver until the receiver had it.",
            QUICK,
        ),
        # the monitor
        Metric("monitor_loop_lag_seconds", "histogram", (), "How late the event loop was, ten samples a second."),
        Metric("monitor_ticks_total", "counter", (), "Ticks of the schedule, five a second."),
        Metric("monitor_tick_age_seconds", "gauge", (), "Time since the schedule ticked."),
        Metric("monitor_uptime_seconds", "gauge", (), "Time since the monitor was started."),
        Metric("monitor_build_info", "gauge", ("version", "python"), "1, with the versions that run."),
        Metric(
            "monitor_rules_info",
            "gauge",
            ("version",),
            "1, with a digest of the rules in force: it changes when what they mean does.",
        ),
        Metric("monitor_rules", "gauge", (), "Rules in force."),
        Metric(
            "monitor_rules_stale",
            "gauge",
            (),
            "1 while the rule file says something that cannot be used, and the rules before it stay in force.",
        ),
        Metric("monitor_store_bytes", "gauge", (), "Size of the store's files."),
        Metric("monitor_store_answers", "gauge", (), "1 where the store answered in time; at 0 what only it knows is left out."),
    )
}

SUPPRESSED = {
    "repeated": "it says nothing new of an event that was told",
    "copy": "it is a copy of an article that was told",
    "backlog": "it was more than a day old when its source was new",
    "draft": "the rule is a draft",
    "silenced": "somebody silenced the rule, the source or the event",
    "waiting": "a time rule waits for more: articles, or independent sources",
    "gathered": "every receiver has it later: with a digest, after the hour's cap, or when it is no longer muted",
    "unwanted": "no receiver wants it",
}
"""Why nobody was told of a match at once."""
