"""What the operator says of a source, put on each of its articles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Language, kind and tags of all that comes from a source; its own word on the language counts where we have none."""

    language: str | None = None
    kind: str | None = None
    tags: tuple[str, ...] = ()

    def on(self, article: Article) -> Article:
        """The article with these labels."""
        tags = tuple(dict.fromkeys((*self.tags, *article.tags)))
        return replace(article, language=self.language or article.language, source_kind=self.kind, tags=tags)
