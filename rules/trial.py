"""Test files, `*_test.yaml` beside a rule file: what rules must find and skip in articles, and who must be told of it.

    rules: rules.yaml                     # what is tested; left out: the file of the same name without _test
    receivers:                            # who there is to tell; left out: those of monitor.yaml
      - {id: desk, levels: [high, critical]}
      - {id: night, tags: [urgent]}
    tests:
      - name: ready for talks             # one article: it must match, with these values in one of its findings
        rule: on-talks
        text: Dmitry Peskov said that Moscow was ready for talks.
        expect: {speaker: Dmitry Peskov, stance: open}
      - name: the harvest                 # or it must be skipped
        rule: on-talks
        file: articles/harvest.txt        # a saved article, by its path from here; keys beside it replace what it says
        skip: true
      - name: told once, then the turn    # articles that come in one after the other, on a clock of their own
        rule: on-talks                    # alerts of other rules do not matter; left out: those of all rules do
        articles:
          - at: 2026-07-01T10:00:00Z
            text: Dmitry Peskov said that Moscow was ready for talks.
            expect: {kind: new, title: Peskov on talks, stance: open}
            told: [desk]
          - at: +2h                       # after the one before
            text: Dmitry Peskov said again that Moscow was ready for talks.
            skip: true                    # no alert
            told: []                      # nobody
          - at: +3h
            text: Dmitry Peskov said that Moscow rejects talks.
            expect: {kind: update, stance: rejects}
            told: [desk]
            not_told: [night]
            why: {night: takes only tag urgent}   # a part of the reason why it is told, or is not
          - at: +1h                       # no article: somebody asks not to be told of a rule, a source,
            silence: {rule: on-talks, until: +2h, reason: known exercise}     # or of the events of article 1 (article: 1)

An article has the keys file, id, title, summary, text, source, url, author, language, tags and published; `at` is when it is first
seen, and in a sequence also its date where it has no other. The same `id` once more is an edit. Expectations match partially: what
they do not name may be anything. In a sequence `expect` is one alert or a list of them, each with rule, kind (new, update, …), title
(a part of it) and any values. A rule's `notify`, the routes and what the receivers wish decide who is told, as in the monitor itself;
`told` are those who are told at once: who is muted, or waits for a digest, is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rules import shape
from rules.article import Article
from rules.conditions.base import Context
from rules.examples import Example, when
from rules.receivers import CAP, NEWS, Receiver, Route, receiver, route
from rules.shape import Json, Key, Kind, Shape
from rules.spec import Spec, unknown

Library = Mapping[str, Sequence[Article] | str]
"""The saved articles that tests name, by the path they write: the articles in the file, or why it cannot be read."""

_NOTHING = Context({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One article, which a rule must match or skip."""

    name: str
    rule: str
    example: Example

    @property
    def file(self) -> str:
        """Where it is written."""
        return self.example.file

    @property
    def line(self) -> int:
        """Where it is written."""
        return self.example.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An alert that is to be raised. What is None, and values that are not named, may be anything."""

    rule: str | None = None
    kind: str | None = None
    title: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Somebody asks not to be told of something: "rule:ID", "source:ID", or "article:1", the events that it raised alerts of."""

    target: str
    until: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An article that comes in, and what is to follow. `told` None: anybody may be; empty: nobody is.

    `why`: a part of the reason why a receiver is told, or is not. Where there is a `silence`, there is no article.
    """

    article: Article | None
    at: datetime
    silence: Silence | None = None
    expects: tuple[Expected, ...] = ()
    skip: bool = False
    told: tuple[str, ...] | None = None
    not_told: tuple[str, ...] = ()
    why: Mapping[str, str | None] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Articles that come in one after the other. `rule`: the only one whose alerts count; None: all count."""

    name: str
    rule: str | None
    steps: tuple[Step, ...]
    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    cap: int = CAP
    file: str = ""
    line: int = 0


Test = Case | Story


def covered(test: Test) -> tuple[set[str], set[str]]:
    """The rules for which a test says what must match, and those for which it says what must be skipped."""
    if isinstance(test, Case):
        return ({test.rule}, set()) if test.example.match else (set(), {test.rule})
    positive = {one.rule for step in test.steps for one in step.expects if one.rule}
    return positive, {test.rule} if test.rule and any(step.skip for step in test.steps) else set()


# What the files may hold


def _values(spec: Spec, _: Context) -> dict[str, str | None]:
    return {key: None if one.value is None else one.string() for key, one in spec.mapping().items()}


def _each(spec: Spec, _: Context) -> list[Spec]:
    return spec.items()


def _whole(spec: Spec, _: Context) -> Spec:
    return spec


_LIST: Json = {"type": "array", "items": {"type": "object"}}
_EXPECT = Kind(_whole, shape.one_or_many({"type": "object"}))
_VALUES = Kind(_values, {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}})
_LISTED = Kind(_each, _LIST)
_WHEN = Kind(lambda spec, _: when(spec), {"type": "string"})
_AT = Kind(_whole, {"type": "string", "examples": ["2026-07-01T10:00:00Z", "+2h"]})

ARTICLE: Shape = {
    "file": Key(shape.TEXT, "a saved article, by its path from the test file; keys beside it replace what it says"),
    "id": Key(shape.TEXT, "which article it is; with a file that holds several, which of them"),
    "title": Key(shape.TEXT, "the headline"),
    "summary": Key(shape.TEXT, "the teaser"),
    "text": Key(shape.TEXT, "the article itself"),
    "source": Key(shape.TEXT, "the id of its source"),
    "url": Key(shape.TEXT, "its address"),
    "author": Key(shape.TEXT, "who wrote it"),
    "language": Key(shape.TEXT, "a two-letter code such as en, ru, uk"),
    "tags": Key(shape.TEXTS, "tags of the source or the article"),
    "published": Key(_WHEN, "its date, or date and time"),
    "at": Key(_AT, "when it is first seen: a date and time; in a sequence also +2h, after the one before"),
}
_FIELDS = ("id", "title", "summary", "source", "url", "author", "language", "tags", "published")

CASE: Shape = {
    "name": Key(shape.TEXT, "what the test is called", default=""),
    "rule": Key(shape.TEXT, "the rule that is tested", default="", required=True),
    "expect": Key(_VALUES, "values that one of its findings must have", default=None),
    "skip": Key(shape.BOOLEAN, "true: it must not match", default=False),
    **ARTICLE,
}

STEP: Shape = {
    **ARTICLE,
    "expect": Key(_EXPECT, "an alert, or alerts: rule, kind, title and any values"),
    "skip": Key(shape.BOOLEAN, "true: it raises no alert", default=False),
    "told": Key(shape.TEXTS, "receivers that are told; []: nobody is"),
    "not_told": Key(shape.TEXTS, "receivers that are not", default=()),
    "why": Key(_VALUES, "a part of the reason why a receiver is told, or is not: {night: muted}", default={}),
    "silence": Key(_EXPECT, "instead of an article: what is not to be told any more: rule, source or article, until, reason"),
}

SILENCE: Shape = {
    "rule": Key(shape.TEXT, "a rule"),
    "source": Key(shape.TEXT, "a source"),
    "article": Key(shape.whole(1, 10_000), "the events that the alerts of this article of the sequence, counted from 1, tell of"),
    "until": Key(_AT, "until when: a date and time, or +2h, after the step itself", required=True),
    "reason": Key(shape.TEXT, "why", default=""),
}
_TARGETS = ("rule", "source", "article")

_TELLING: Shape = {
    "routes": Key(_LISTED, "which alerts go to which of the receivers, as in monitor.yaml"),
    "cap": Key(shape.whole(0, 100_000), "alerts a rule and hour that are told at once; 0: all"),
}

STORY: Shape = {
    "name": Key(shape.TEXT, "what the test is called", default=""),
    "rule": Key(shape.TEXT, "the only rule whose alerts count"),
    "receivers": Key(_LISTED, "who there is to tell, in this test"),
    **_TELLING,
    "articles": Key(_LISTED, "articles that come in one after the other", default=[], required=True),
}

FILE: Shape = {
    "rules": Key(shape.TEXT, "the rule file that is tested, by its path from here"),
    "receivers": Key(_LISTED, "who there is to tell; left out: the receivers and routes of monitor.yaml"),
    **_TELLING,
    "tests": Key(_LISTED, "articles, and sequences of articles, with what must come of them", default=[], required=True),
}

# Reading them


def files(root: Spec) -> list[str]:
    """The saved articles that the tests of a file name, as they write them: what its `Library` must hold."""
    tests = _entries(root, "tests")
    named = [one.get("file") for test in tests for one in (test, *_entries(test, "articles"))]
    return list(dict.fromkeys(one.value for one in named if one is not None and isinstance(one.value, str)))


def _entries(spec: Spec, key: str) -> list[Spec]:
    found = spec.get(key)
    return found.value if found is not None and isinstance(found.value, list) else []


def suite(root: Spec, rules: Collection[str], *, desk: Desk | None = None, library: Library | None = None) -> tuple[Test, ...]:
    """The tests of a file; what is wrong with it is noted. `rules` are the ids that there are, `desk` is that of monitor.yaml."""
    top = shape.fill(root, FILE, _NOTHING)
    reader = _Reader(rules, _desk(top, desk or Desk()), library or {})
    return tuple(reader.test(one) for one in top["tests"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who there is to tell, and how: receivers, the routes to them, and how many alerts a rule and hour are told at once."""

    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    cap: int = CAP


def _desk(values: Mapping[str, Any], outer: Desk) -> Desk:
    """The desk as a file or a test has it; what it does not say is as around it. Own receivers have no routes but their own."""
    own, routes, cap = (values[key] for key in ("receivers", "routes", "cap"))
    there = outer.receivers if own is None else tuple(map(receiver, own))
    kept = outer.routes if own is None else ()
    ids = [one.id for one in there]
    return Desk(
        receivers=there,
        routes=kept if routes is None else tuple(route(one, ids) for one in routes),
        cap=outer.cap if cap is None else cap,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the tests of one file: the rules, the desk and the saved articles that they may name."""

    rules: Collection[str]
    desk: Desk
    library: Library

    def test(self, spec: Spec) -> Test:
        return self.story(spec) if spec.get("articles") is not None else self.case(spec)

    def case(self, spec: Spec) -> Case:
        values = shape.fill(spec, CASE, _NOTHING)
        self.known(spec)
        if values["skip"] and values["expect"] is not None:
            spec.wrong("an article to skip has no values to expect", key="expect")
        at = when(values["at"]) if values["at"] is not None else None
        article = replace(self.article(spec, values), seen=at)
        example = Example(
            article=article, match=not values["skip"], expects=values["expect"] or {}, file=spec.file, line=spec.line
        )
        return Case(name=values["name"] or f"line {spec.line}", rule=values["rule"], example=example)

    def story(self, spec: Spec) -> Story:
        values = shape.fill(spec, STORY, _NOTHING)
        self.known(spec)
        reader = replace(self, desk=_desk(values, self.desk))
        steps: list[Step] = []
        for one in values["articles"]:
            silent = one.get("silence") is not None
            steps.append(reader.silence(one, steps) if silent else reader.step(one, values["rule"], steps))
        return Story(
            name=values["name"] or f"line {spec.line}",
            rule=values["rule"],
            steps=tuple(steps),
            receivers=reader.desk.receivers,
            routes=reader.desk.routes,
            cap=reader.desk.cap,
            file=spec.file,
            line=spec.line,
        )

    def silence(self, spec: Spec, before: Sequence[Step]) -> Step:
        """A step at which somebody asks not to be told of something."""
        spec.only(("at", "silence"), "key of a silence")
        at = _at(spec, spec.get("at"), None, before[-1].at if before else None)
        said = spec.value["silence"] if isinstance(spec.value, dict) else spec
        values = shape.fill(said, SILENCE, _NOTHING)
        self.known(said)
        named = [f"{key}:{values[key]}" for key in _TARGETS if values[key] is not None]
        if len(named) != 1 and isinstance(said.value, dict):
            said.wrong(f"say what is silenced: one of {', '.join(_TARGETS)}")
        if (number := values["article"]) is not None and (number > len(before) or before[number - 1].article is None):
            said.wrong(f"there is no article {number} before it", key="article")
        until = _clock(values["until"], at) if values["until"] else None
        silence = Silence(target=named[0] if named else "", until=until or at, reason=values["reason"])
        return Step(article=None, at=at, silence=silence, line=spec.line)

    def step(self, spec: Spec, rule: str | None, before: Sequence[Step]) -> Step:
        values = shape.fill(spec, STEP, _NOTHING)
        if values["skip"] and values["expect"] is not None:
            spec.wrong("an article that raises no alert has none to expect", key="expect")
        article = self.article(spec, values)
        for key in ("told", "not_told"):
            self.known_receivers(*_each_of(spec.get(key)))
        self.known_receivers(*_keys(spec.get("why")))
        return Step(
            article=article,
            at=_at(spec, values["at"], article.published, before[-1].at if before else None),
            expects=tuple(self.expected(one, rule) for one in values["expect"].each()) if values["expect"] else (),
            skip=values["skip"],
            told=values["told"],
            not_told=values["not_told"],
            why=values["why"],
            line=spec.line,
        )

    def expected(self, spec: Spec, rule: str | None) -> Expected:
        self.known(spec)
        given = _values(spec, _NOTHING)
        kind = spec.get("kind")
        if kind is not None:
            kind.choice(NEWS)
        asked = given.pop("rule", None) or rule
        if rule and asked != rule:
            spec.wrong(f"this test is about the rule '{rule}' only: take its 'rule' out to expect alerts of others", key="rule")
        return Expected(rule=asked, kind=given.pop("kind", None), title=given.pop("title", None), values=given)

    def article(self, spec: Spec, values: Mapping[str, Any]) -> Article:
        """The article that a mapping describes; an id where it has none."""
        article = self.saved(spec, values["id"]) if spec.get("file") else Article(id=values["id"] or f"line {spec.line}")
        given = {key: values[key] for key in _FIELDS if values[key] is not None}
        if values["text"] is not None:
            given["body"] = values["text"]
        article = replace(article, **given)
        if isinstance(spec.value, dict) and not spec.get("file") and not any(map(article.text, ("title", "summary", "body"))):
            spec.wrong("an article needs a text, a title or a file")
        return article

    def saved(self, spec: Spec, id: str | None) -> Article:
        """The article in the file that a test names."""
        written = spec.get("file")
        assert written is not None
        found = self.library.get(str(written.value), "it was not read")
        several = [] if isinstance(found, str) else [one for one in found if id is None or one.id == id]
        if isinstance(found, str):
            written.wrong(f"cannot read {written.shown()}: {found}")
        elif not several:
            written.wrong(f"no article there has the id '{id}'; there are {', '.join(one.id for one in found[:10])}")
        elif len(several) > 1:
            written.wrong(f"{len(several)} articles are there: say which with id, such as {several[0].id}")
        return several[0] if len(several) == 1 else Article(id="?", body="?")

    def known(self, spec: Spec) -> None:
        """Notes a rule that there is not."""
        rule = spec.get("rule")
        if rule is not None and str(rule.value) not in self.rules:
            rule.wrong(unknown("rule", str(rule.value), self.rules) if self.rules else "there are no rules to test")

    def known_receivers(self, *named: Spec) -> None:
        """Notes receivers that there are not."""
        there = [one.id for one in self.desk.receivers]
        for one in named:
            if isinstance(one.value, str) and one.value not in there:
                one.wrong(
                    unknown("receiver", one.value, there) if there else "there are no receivers: name some under receivers:"
                )


def _each_of(spec: Spec | None) -> list[Spec]:
    return spec.each() if spec is not None else []


def _keys(spec: Spec | None) -> list[Spec]:
    """The keys of a mapping as values of their own, at their places."""
    if spec is None or not isinstance(spec.value, dict):
        return []
    places = {key: spec.keys.get(key, (spec.line, spec.column)) for key in spec.value}
    return [replace(spec, value=key, line=line, column=column) for key, (line, column) in places.items()]


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = "say when the first article comes in, such as  at: 2026-07-01T10:00:00Z"


def _at(spec: Spec, written: Spec | None, published: datetime | None, before: datetime | None) -> datetime:
    """When an article comes in: as written, else when it was published, else with the one before."""
    found = _clock(written, before) if written is not None else published or before
    if found is None and written is None:
        spec.wrong(_FIRST)
    elif found is not None and before is not None and found < before:
        spec.wrong("it comes in before the one above it: put them in the order of time", key="at")
    return found or before or _NEVER


def _clock(written: Spec, before: datetime | None) -> datetime | None:
    """A date and time, or a span after the one before; None, with the reason noted, where it is neither."""
    if not (isinstance(written.value, str) and written.value.startswith("+")):
        return when(written)
    if before is None:
        written.wrong(_FIRST)
        return None
    try:
        return before + replace(written, value=written.value[1:].strip()).span()
    except OverflowError:
        written.wrong("no clock goes on that far")
        return None
