"""`article`: filters on what the article is, rather than on what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from rules import shape
from rules.conditions.base import Context, leaf, one_of
from rules.evidence import Clause, Evidence
from rules.reading import Reading, Sentence
from rules.shape import Json
from rules.spec import Spec


@dataclass(frozen=True, slots=True)
class FromArticle:
    """The article is of one of these sources or kinds, in one of these languages, carries one of these tags, is not older than that.

        article: {source: [bbc-world, dw], kind: independent, language: en, tags: world, younger_than: 2d}

    `source` is the id of a source in monitor.yaml, or what a saved article gives; `kind` is what monitor.yaml calls it. An article
    without a language passes no language filter; one without a date is as old as its first sight.
    """

    KEY: ClassVar[str] = "article"
    SHAPE: ClassVar[shape.Shape] = {
        "source": shape.Key(shape.TEXTS, "ids of sources", default=()),
        "kind": shape.Key(shape.TEXTS, "what sources are called in monitor.yaml: government, state-media …", default=()),
        "language": shape.Key(shape.TEXTS, "two-letter codes such as en, ru, uk", default=()),
        "tags": shape.Key(shape.TEXTS, "tags of the source or the article", default=()),
        "younger_than": shape.Key(shape.SPAN, "how long ago it may have been published when it is first seen"),
    }

    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    younger_than: timedelta | None = None

    @classmethod
    def parse(cls, spec: Spec, context: Context) -> Self:
        """`{source, kind, language, tags, younger_than}`."""
        values = shape.fill(spec, cls.SHAPE, context)
        if isinstance(spec.value, dict) and not spec.value:
            spec.wrong(f"an empty filter lets everything pass: give one of {', '.join(cls.SHAPE)}")
        return cls(values["source"], values["kind"], values["language"], values["tags"], values["younger_than"])

    @classmethod
    def schema(cls) -> Json:
        """`{source, kind, language, tags, younger_than}`."""
        return shape.mapping(cls.SHAPE, minProperties=1)

    def search(self, reading: Reading, within: Sequence[Sentence]) -> Evidence | None:  # noqa: ARG002 - it asks the whole article
        """Empty evidence, if the article passes."""
        return None if self._objection(reading) else Evidence()

    def explain(self, reading: Reading, within: Sequence[Sentence]) -> Clause:
        """What it is instead."""
        return leaf(self, self.search(reading, within), lambda: (self._objection(reading), 0.0))

    def _objection(self, reading: Reading) -> str:
        article = reading.article
        if self.sources and article.source not in self.sources:
            return f"its source is {article.source or 'unknown'}"
        if self.kinds and article.source_kind not in self.kinds:
            return f"its source is {f'of the kind {article.source_kind}' if article.source_kind else 'of no known kind'}"
        language = (article.language or "").lower().split("-")[0]
        if self.languages and language not in self.languages:
            return f"its language is {article.language or 'unknown'}"
        if self.tags and not set(self.tags) & set(article.tags):
            return f"its tags are {', '.join(article.tags) or 'none'}"
        if self.younger_than and article.published and article.seen and article.seen - article.published > self.younger_than:
            return f"it was {(article.seen - article.published).days} days old when it was seen"
        return ""

    def possible(self, vocabulary: frozenset[str]) -> bool:  # noqa: ARG002 - the seam asks for it
        """Always: words have nothing to do with it."""
        return True

    def describe(self) -> str:
        """In plain English."""
        said = [f"comes from {one_of(self.sources)}"] if self.sources else []
        said += [f"comes from a source of the kind {one_of(self.kinds)}"] if self.kinds else []
        said += [f"is in the language {one_of(self.languages)}"] if self.languages else []
        said += [f"is tagged {one_of(self.tags)}"] if self.tags else []
        said += [f"was at most {_long(self.younger_than)} old when it was first seen"] if self.younger_than else []
        return "the article " + ", and ".join(said)


def _long(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 and hours % 24 == 0 else f"{hours:g} hours"
