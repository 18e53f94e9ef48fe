"""Every condition by the key that a rule writes. To add one: a file with its class, and its name in this table."""

from __future__ import annotations

from rules.conditions.about_article import FromArticle
from rules.conditions.base import Condition, Context, TermList, names
from rules.conditions.capture import Capture
from rules.conditions.counts import All, Any, AtLeast, Nothing
from rules.conditions.mention import Mention
from rules.conditions.near import Near
from rules.conditions.scopes import Body, InParagraph, InQuote, InSentence, Lead, Title
from rules.conditions.statement import Statement
from rules.conditions.words import Words
from rules.names import Names
from rules.spec import Spec, unknown

__all__ = ["CONDITIONS", "Condition", "Context", "Names", "TermList", "Words", "names", "parse"]

_CLASSES: tuple[type[Condition], ...] = (
    Any,
    All,
    Nothing,
    AtLeast,
    Near,
    Title,
    Lead,
    Body,
    InSentence,
    InParagraph,
    InQuote,
    FromArticle,
    Capture,
    Statement,
    Mention,
)

CONDITIONS: dict[str, type[Condition]] = {one.KEY: one for one in _CLASSES} | {"not": Nothing}


def parse(spec: Spec, context: Context) -> Condition:
    """A condition as written: keys side by side must all hold; a bare term or list of terms means any of them."""
    if not isinstance(spec.value, dict):
        return Words.parse(spec, context)
    found: list[Condition] = []
    if set(spec.value) == {"any", "except"}:
        return Words.parse(spec, context)
    for key, value in spec.mapping().items():
        if key in CONDITIONS:
            found.append(CONDITIONS[key].parse(value, context))
        else:
            spec.wrong(unknown("condition", key, CONDITIONS), key=key)
    if not spec.value:
        spec.wrong("a condition is missing here")
    return found[0] if len(found) == 1 else All(tuple(found))
