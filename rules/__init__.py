"""The rule engine: articles in, findings out. Pure: no I/O, no clock, and it knows nothing of the service around it."""

from rules.article import FIELDS, Article
from rules.evidence import Clause, Evidence, Finding, Hit, Match
from rules.load import bundle, load
from rules.problems import Invalid, Problem
from rules.rule import LEVELS, Once, Rule
from rules.ruleset import Found, RuleSet
from rules.schema import schema
from rules.spec import Limits

__all__ = [
    "FIELDS",
    "LEVELS",
    "Article",
    "Clause",
    "Evidence",
    "Finding",
    "Found",
    "Hit",
    "Invalid",
    "Limits",
    "Match",
    "Once",
    "Problem",
    "Rule",
    "RuleSet",
    "bundle",
    "load",
    "schema",
]
