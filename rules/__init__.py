"""The rule engine: articles in, findings out. Pure: no I/O, no clock, and it knows nothing of the service around it."""

from rules.article import FIELDS, Article
from rules.evidence import Finding, Hit, Match
from rules.problems import Invalid, Problem
from rules.rule import LEVELS, Once, Rule

__all__ = ["FIELDS", "LEVELS", "Article", "Finding", "Hit", "Invalid", "Match", "Once", "Problem", "Rule"]
