"""What `monitor test` does: the tests on a shelf, run through the engine and the very steps of the monitor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor import desk, identity
from monitor.app import replay as stage
from monitor.app.replay import Rehearsal
from monitor.model import Hush
from rules import Rule, RuleSet, examples, trial
from rules.trial import Case, Expected, Step, Story, Test

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from monitor.app.book import Book
    from monitor.app.shelf import Shelf
    from monitor.desk import Choice
    from monitor.model import Alert
    from rules import Article

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One thing that was not as expected: where that is written, what, and where the rule came nearest."""

    file: str
    line: int
    message: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a test; `missed` is empty where all was as expected."""

    test: Test
    missed: tuple[Miss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many tests say that a rule must match, and how many that it must skip."""

    rule: Rule
    match: int
    skip: int

    @property
    def lacks(self) -> str:
        """What there is none of: "match", "skip", both, or nothing."""
        return " or ".join(kind for kind, count in (("match", self.match), ("skip", self.skip)) if not count)


async def run(shelf: Shelf, tests: Sequence[Test]) -> list[Result]:
    """These of the shelf's tests, in order."""
    async with stage.rehearsing(Rehearsal(book=shelf.book)) as rehearsal:
        return [Result(test=test, missed=tuple(await _missed(test, rehearsal))) for test in tests]


def coverage(shelf: Shelf) -> list[Coverage]:
    """How the measured rules are covered, their own examples included, whatever is run."""
    beyond = [trial.covered(test) for test in shelf.tests if test.file not in shelf.book.files]
    return [
        Coverage(
            rule=rule,
            match=sum(one.match for one in rule.examples) + sum(rule.id in positive for positive, _ in beyond),
            skip=sum(not one.match for one in rule.examples) + sum(rule.id in negative for _, negative in beyond),
        )
        for rule in shelf.measured
    ]


async def _missed(test: Test, rehearsal: Rehearsal) -> list[Miss]:
    if isinstance(test, Case):
        return _case(test, rehearsal.book.rules[test.rule])
    return await _story(test, rehearsal)


def _case(case: Case, rule: Rule) -> list[Miss]:
    one = case.example
    try:
        wrong = examples.failure(RuleSet((rule,)), rule, one)
        near = nearest(rule, one.article) if wrong and one.match else ()
    except Exception as error:  # noqa: BLE001 - an article that breaks the engine fails its test, and the others are run
        wrong, near = f"breaks the engine: {type(error).__name__}: {error}", ()
    return [Miss(file=case.file, line=case.line, message=wrong, near=near)] if wrong else []


def nearest(rule: Rule, article: Article) -> tuple[str, ...]:
    """Where a rule that does not match an article came nearest."""
    if rule.status == "deprecated":
        return ("the rule is deprecated: it is not asked any more",)
    ((_, clause),) = RuleSet((rule,)).explain(article)
    return tuple(examples.nearest(clause))


async def _story(story: Story, rehearsal: Rehearsal) -> list[Miss]:
    """A story runs through the steps of the monitor on a store of its own."""
    missed = []
    duty = _Duty(story=story, rules=rehearsal.book.rules)
    async with stage.open_kept_or_not(None) as store:
        for number, step in enumerate(story.steps, 1):
            if step.article is None:
                for hush in duty.silenced(step):
                    await store.hush(hush)
                continue
            article = _arriving(step, step.article)
            alerts = await stage.replay(rehearsal, [article], at=step.at, store=store)
            choices = duty.told(number, alerts, step.at)
            counted = [one for one in alerts if story.rule in (None, one.rule)]
            decided = [one for alert in counted for one in choices[alert.id]]
            found = [*_broken(rehearsal), *_of_alerts(step, counted, article, rehearsal.book), *_of_told(step, decided, counted)]
            missed += [
                Miss(file=story.file, line=step.line, message=f"article {number}: {said}", near=near) for said, near in found
            ]
    return missed


@dataclass(slots=True, kw_only=True)
class _Duty:
    """Who is told of the alerts of a story: what came before, as far as that matters."""

    story: Story
    rules: Mapping[str, Rule]
    events: dict[int, list[str]] = field(default_factory=dict)
    """The events that the alerts of each article told of."""
    past: list[tuple[str, datetime]] = field(default_factory=list)
    """Rules of which somebody was told at once, and when."""

    def silenced(self, step: Step) -> list[Hush]:
        """What nobody wants to be told of from this step on."""
        if step.silence is None:
            return []
        kind, _, name = step.silence.target.partition(":")
        targets = [f"event:{event}" for event in self.events[int(name)]] if kind == "article" else [step.silence.target]
        return [Hush(target=one, until=step.silence.until, since=step.at, reason=step.silence.reason) for one in targets]

    def told(self, number: int, alerts: Sequence[Alert], at: datetime) -> dict[str, list[Choice]]:
        """What is decided of each alert of an article."""
        self.events[number] = [one.event for alert in alerts for one in alert.sightings]
        return {alert.id: self._decided(alert, at) for alert in alerts}

    def _decided(self, alert: Alert, at: datetime) -> list[Choice]:
        choices = desk.decide(
            alert,
            self.rules[alert.rule].notify,
            receivers=self.story.receivers,
            routes=self.story.routes,
            told_last_hour=Counter(rule for rule, when in self.past if at - when < HOUR),
            cap=self.story.cap,
        )
        if any(one.how == "now" for one in choices):
            self.past.append((alert.rule, at))
        return choices


def _arriving(step: Step, article: Article) -> Article:
    """The article as a source would hand it on: dated, and known by what it says."""
    dated = replace(article, published=min(article.published or step.at, step.at))
    return replace(dated, digest=identity.revision(dated))


_Said = tuple[str, tuple[str, ...]]


def _broken(rehearsal: Rehearsal) -> list[_Said]:
    found: list[_Said] = [(f"breaks the engine: {one.reason}", ()) for one in rehearsal.broken]
    rehearsal.broken.clear()
    return found


def _of_alerts(step: Step, alerts: Sequence[Alert], article: Article, book: Book) -> Iterator[_Said]:
    if step.skip and alerts:
        yield f"should raise no alert, but raised {' and '.join(map(_shown, alerts))}", ()
    for one in step.expects:
        if not any(_fits(alert, one) for alert in alerts):
            raised = [alert for alert in alerts if one.rule in (None, alert.rule)]
            found = " and ".join(_shown(alert, one.values) for alert in raised) or "none"
            near = () if raised else _why_not(one, article, book, step)
            yield f"expected {_asked(one)}; found {found}", near


def _why_not(expected: Expected, article: Article, book: Book, step: Step) -> tuple[str, ...]:
    """Why an alert was not raised: the rule does not match, or what it found is no news."""
    if expected.rule is None:
        return ()
    rule = book.rules[expected.rule]
    near = nearest(rule, replace(article, seen=step.at))
    return near or ("the rule matches, but tells nothing new: what it found belongs to an event of an article before (see once)",)


def _of_told(step: Step, choices: Sequence[Choice], alerts: Sequence[Alert]) -> Iterator[_Said]:
    told = {one.receiver for one in choices if one.how == "now"}
    draft = " (a draft tells nobody)" if any(alert.held == "draft" for alert in alerts) else ""
    found = f"told: {', '.join(sorted(told)) or 'nobody'}{draft}"
    if step.told == () and told:
        yield f"expected that nobody is told; {found}", _reasons(choices, told)
    for name in step.told or ():
        if name not in told:
            yield f"expected {name} to be told; {found}", _reasons(choices, {name})
    for name in step.not_told:
        if name in told:
            yield f"expected {name} not to be told; {found}", _reasons(choices, {name})
    for name, why in step.why.items():
        said = _reasons(choices, {name})
        if not any((why or "") in one for one in said):
            yield f"expected of {name}: …{why}…; found {' and '.join(said) or 'no alert'}", ()


def _reasons(choices: Sequence[Choice], names: Collection[str]) -> tuple[str, ...]:
    """What was decided for these receivers, and why, in a line each."""
    return tuple(dict.fromkeys(str(one) for one in choices if one.receiver in names))


def _fits(alert: Alert, expected: Expected) -> bool:
    """Whether an alert is as expected; the values must be those of one of its findings."""
    return (
        expected.rule in (None, alert.rule)
        and expected.kind in (None, alert.kind)
        and (expected.title is None or expected.title in alert.title)
        and any(_has(one, expected.values) for one in _values(alert))
    )


def _has(values: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> bool:
    return all(values.get(key) == value for key, value in wanted.items())


def _values(alert: Alert) -> list[dict[str, str | None]]:
    return [examples.values(one.finding) for one in alert.sightings]


def _asked(expected: Expected) -> str:
    title = f"title: …{expected.title}…" if expected.title else ""
    return _told_of(expected.rule, [expected.kind or "", title, *_pairs(expected.values)])


def _shown(alert: Alert, asked: Iterable[str] = ()) -> str:
    values = [{key: one.get(key) for key in asked} for one in _values(alert)]
    return _told_of(alert.rule, [alert.kind, f"title: {alert.title}", *dict.fromkeys(", ".join(_pairs(one)) for one in values)])


def _told_of(rule: str | None, said: Iterable[str]) -> str:
    what = ", ".join(filter(None, said))
    return ("an alert" + (f" of {rule}" if rule else "")) + (f" ({what})" if what else "")


def _pairs(values: Mapping[str, str | None]) -> list[str]:
    return [f"{key}: {'nothing' if value is None else value}" for key, value in values.items()]
