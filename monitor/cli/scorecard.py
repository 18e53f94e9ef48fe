"""What a backtest came to, for programs and for people: the figures first, then what is listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor import backtest as figures
from monitor import envelope, report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.app.backtest import Ground, Version
    from monitor.backtest import Change, Estimate, Labels, Score
    from monitor.model import Alert
    from monitor.report import Style
    from rules import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it. `versions` is the rule as it is and, where two were compared, as it was; so is `alerts`.

    `label` is where the labels stand; None: there are none.
    """

    versions: Sequence[Version]
    ground: Ground
    label: str | None
    labels: Labels
    alerts: Sequence[Sequence[Alert]]
    floor: float | None
    skipped: int

    @property
    def now(self) -> Version:
        """The rule as it is."""
        return self.versions[0]

    @property
    def scores(self) -> list[Score]:
        """How right each version is."""
        return [figures.score(self.labels.by_id, version.matches) for version in self.versions]

    @property
    def change(self) -> Change | None:
        """What the change does, where two were compared."""
        if len(self.versions) < 2:
            return None
        return figures.change(self.now.matches, self.versions[1].matches, self.labels.by_id)

    @property
    def passed(self) -> bool | None:
        """Whether it is as good as asked; None: nothing was asked."""
        f1 = self.scores[0].f1
        return None if self.floor is None else f1 is not None and f1.value >= self.floor

    def per_day(self, alerts: Sequence[Alert]) -> float | None:
        """Alerts on a day of which there are articles; None: nothing is dated."""
        dated = sum(alert.article.published is not None for alert in alerts)
        return dated / len(self.ground.days) if self.ground.days else None

    def wrong(self, *, label: bool) -> list[str]:
        """Articles with this label that the rule gets wrong: the missed, or the false."""
        return [id for id, said in self.labels.by_id.items() if said is label and (id in self.now.matches) is not label]

    # For programs

    def plain(self) -> dict[str, Any]:
        """The figures."""
        days = sorted(self.ground.days)
        return {
            "what": "summary",
            "rule": self.now.rule.id,
            "articles": self.ground.articles,
            "undated": self.ground.undated,
            "skipped": self.skipped,
            "first": days[0].isoformat() if days else None,
            "last": days[-1].isoformat() if days else None,
            "days": len(days),
            **self._labelled(),
            **self._version(0),
            **self._changed(),
        }

    def _labelled(self) -> dict[str, Any]:
        if self.label is None:
            return {}
        asked = {"label": self.label, "labelled": len(self.labels.by_id), "left_out": dict(self.labels.left_out)}
        return {**asked, "floor": self.floor, "passed": self.passed}

    def _version(self, number: int) -> dict[str, Any]:
        version = self.versions[number]
        known = {"version": version.rule.version, "matches": len(version.matches)}
        if self.label is not None:
            return {**known, **self.scores[number].plain()}
        rate = self.per_day(self.alerts[number])
        return {**known, "alerts": len(self.alerts[number]), "per_day": None if rate is None else round(rate, 3)}

    def _changed(self) -> dict[str, Any]:
        change = self.change
        if change is None:
            return {}
        judged = {"mended": change.mended, "broken": change.broken, "p": round(change.p, 5)} if self.label is not None else {}
        return {"before": self._version(1), "change": {"gained": len(change.gained), "lost": len(change.lost), **judged}}

    def items(self, limit: int | None) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """What is listed: gained and lost, or false and missed, or alerts; of each how many, and the first `limit` of them."""
        change = self.change
        if change is not None:
            yield len(change.gained), [self._fired("gained", id, self.now) for id in change.gained[:limit]]
            yield len(change.lost), [self._lost(id) for id in change.lost[:limit]]
        elif self.label is not None:
            false, missed = self.wrong(label=False), self.wrong(label=True)
            yield len(false), [self._fired("false", id, self.now) for id in false[:limit]]
            yield len(missed), [{**self._item("missed", id), "nearest": self._nearest(id)} for id in missed[:limit]]
        else:
            yield len(self.alerts[0]), [_alert(alert) for alert in self.alerts[0][:limit]]

    def _item(self, what: str, id: str) -> dict[str, Any]:
        label = {"label": self.labels.by_id.get(id)} if self.label is not None else {}
        return {"what": what, "article": _article(self.ground.kept[id]), **label}

    def _fired(self, what: str, id: str, version: Version) -> dict[str, Any]:
        return {**self._item(what, id), "findings": [envelope.finding(one) for one in version.matches[id].findings]}

    def _lost(self, id: str) -> dict[str, Any]:
        """With what it matched for before, and why it does not now."""
        return {**self._fired("lost", id, self.versions[1]), "nearest": self._nearest(id)}

    def _nearest(self, id: str) -> dict[str, Any]:
        """Why it does not match: how near the rule came, and of its clauses the one that failed and came nearest, if it has any."""
        whole = self.now.explain(self.ground.kept[id])
        part = figures.nearest(whole)
        return {"near": round(whole.near, 3), "why": part.why, "clause": part.says if whole.parts else None}


def _alert(alert: Alert) -> dict[str, Any]:
    findings = envelope.envelope(alert)["data"]["findings"]
    return {"what": "alert", "kind": alert.kind, "title": alert.title, "article": _article(alert.article), "findings": findings}


def _article(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "published": envelope.stamp(article.published) if article.published else None,
    }


# For people


def told(result: Result, limit: int, style: Style) -> Iterator[str]:
    """All of it, line by line; of each kind at most `limit`."""
    versions = ", before ".join(version.rule.version for version in result.versions)
    yield f"{style.paint(result.now.rule.id, bold=True)} ({versions}): {', '.join(_material(result.plain()))}"
    yield ""
    yield from _rates(result) if result.label is None else _scores(result)
    yield from _turned(result)
    for number, items in result.items(limit):
        yield from _listed(number, items, style)
    if result.passed is not None:
        yield ""
        yield f"F1 is {'not below' if result.passed else 'below'} the floor of {result.floor:g}"


def _material(summary: Mapping[str, Any]) -> Iterator[str]:
    """What it was tried on."""
    dates = f" of {summary['first']} to {summary['last']}" if summary["days"] else ""
    yield report.count(summary["articles"], "article") + dates
    if summary["undated"]:
        yield f"{summary['undated']:,} undated"
    if "labelled" in summary:
        left = ", ".join(f"{number:,} {report.clean(word)}" for word, number in sorted(summary["left_out"].items()))
        yield f"{summary['labelled']:,} labelled {report.clean(summary['label'])}{f' (left out: {left})' if left else ''}"
    if summary["skipped"]:
        yield f"{summary['skipped']:,} skipped"


def _scores(result: Result) -> Iterator[str]:
    now, *before = result.scores
    for name in ("precision", "recall", "f1"):
        was = f"   before {_share(getattr(before[0], name))}" if before else ""
        yield f"{name.replace('f1', 'F1'):<10} {_share(getattr(now, name))}{was}"
    yield ""
    for when, one in zip(("", "before: "), result.scores, strict=False):
        yield f"{when}{one.hits} right, {one.false} false, {one.missed} missed, {one.passed_over} rightly passed over"


def _share(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"


def _rates(result: Result) -> Iterator[str]:
    days = report.count(len(result.ground.days), "day")
    for when, version, alerts in zip(("", "before: "), result.versions, result.alerts, strict=False):
        rate = result.per_day(alerts)
        daily = f"; {rate:.2f} a day on {days} with articles" if rate is not None else ""
        yield f"{when}{report.count(len(version.matches), 'match', 'matches')}, {report.count(len(alerts), 'alert')}{daily}"


def _turned(result: Result) -> Iterator[str]:
    change = result.change
    if change is not None:
        judged = f"; of the labelled {change.mended} mended, {change.broken} broken (McNemar's exact test: p = {change.p:.2g})"
        said = f"The change gains {len(change.gained)} and loses {len(change.lost)}"
        yield said + (judged if result.label is not None else "")


_HEADS = {
    "false": "False: they match and should not",
    "missed": "Missed: they should match and do not",
    "gained": "Gained: they match now and did not before",
    "lost": "Lost: they matched before and do not now",
    "alert": "Alerts",
}
_VERDICTS = {
    ("gained", True): "  rightly",
    ("gained", False): "  wrongly",
    ("lost", True): "  wrongly",
    ("lost", False): "  rightly",
}


def _listed(number: int, items: Sequence[Mapping[str, Any]], style: Style) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"{style.paint(_HEADS[items[0]['what']], bold=True)} ({number:,})"
    for item in items:
        yield from (_in_a_line(item),) if item["what"] == "alert" else _in_lines(item, style)
    if number > len(items):
        yield f"  … and {number - len(items):,} more: --limit, or --json"


def _in_a_line(item: Mapping[str, Any]) -> str:
    update = "update: " if item["kind"] == "update" else ""
    return f"{_where(item)}  {update}{report.clean(item['title'])}: {report.clean(item['findings'][0]['text'])}"


def _in_lines(item: Mapping[str, Any], style: Style) -> Iterable[str]:
    """The article, why it does not match, and the sentence for which it did."""
    yield _where(item) + style.paint(_VERDICTS.get((item["what"], item.get("label", "")), ""), bold=True)
    if "nearest" in item:
        yield f"      {_why(item['nearest'])}"
    yield from list(report.findings(item.get("findings", ())[:1], style))[1:]


def _where(item: Mapping[str, Any]) -> str:
    about = item["article"]
    return f"  {(about['published'] or 'undated')[:10]:<10}  {report.clean(about['title']) or '-'} ({report.clean(about['id'])})"


def _why(nearest: Mapping[str, Any]) -> str:
    clause = f"{report.clean(nearest['clause'])}: " if nearest["clause"] else ""
    return f"{nearest['near']:.0%} there: {clause}{report.clean(nearest['why']) or 'it does not hold'}"
