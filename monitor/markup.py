"""How XML from outside is parsed: nothing is fetched, opened or expanded, and what is broken is read as far as it goes. Pure."""

from __future__ import annotations

from typing import Any

from lxml import etree


def parser(**more: Any) -> etree.XMLParser:
    """A parser that is safe to feed anything; `more` is what lxml's takes besides."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        **more,
    )
