"""The service around the rule engine: fetches news, decides, and tells."""

__version__ = "0.1.0"
