"""Reported speech: who said what (`reports`), and who that is (`cast`)."""
