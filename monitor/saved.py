"""Reads saved articles: text, HTML, JSON, JSON Lines and feeds. Pure; run it in a worker where the files are not your own.

What a JSON file gives as title, summary and text stays untouched, since offsets in findings point into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from monitor import feeds, identity, pages
from monitor.errors import Unreadable
from rules import Article
from rules.boilerplate import boilerplate
from rules.sentences import paragraphs, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LONGEST_TITLE = 300
SHORT = 5
_END = ".!?…"
_CLOSERS = "\"'”’»)]"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The articles of one file. `problems` is what was left out of it, `notes` what was understood otherwise than written.

    `spare` holds an id for each article that nothing else in the file has, for those whose own id is taken. `extras` is what JSON
    says of an article that an article has no place for, such as labels, by its id.
    """

    articles: tuple[Article, ...] = ()
    spare: tuple[str, ...] = ()
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str) -> Saved:
    """The articles of a file called `name`, which becomes their id, or with `#` the beginning of it.

    Raises Unreadable: empty, binary, not what its suffix says, or without an article.
    """
    read = READERS.get(PurePath(name).suffix.lower())
    if read is None:
        raise Unreadable(f"not a kind of file that is read here ({', '.join(READERS)})")
    if not data.strip():
        raise Unreadable("empty")
    saved = read(data, name)
    if not saved.articles:
        raise Unreadable(saved.problems[0] if saved.problems else "no article in it")
    return saved


def _one(article: Article, name: str, notes: Sequence[str] = ()) -> Saved:
    return Saved(articles=(_signed(article),), spare=(f"{name}#1",), notes=tuple(notes))


def _signed(article: Article) -> Article:
    return replace(article, digest=identity.revision(article))


# Text


def _text(data: bytes, name: str) -> Saved:
    title, body = _titled(_decoded(data))
    return _one(Article(id=name, title=title, body=body), name)


def _decoded(data: bytes) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data:
        raise Unreadable("a binary file")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable(f"not {encoding.removesuffix('-sig').upper()} text (line {line}): save it as UTF-8") from error


def _titled(text: str) -> tuple[str, str]:
    """Title and body: the first line of the article's own is the title where it stands alone and is no sentence.

    Else the first sentence serves as title, and the body is all of the text.
    """
    lines = paragraphs(text)
    if not lines:
        raise Unreadable("empty")
    site = boilerplate([text[start:end] for start, end in lines])
    own = [at for at, masked in enumerate(site) if not masked] or [0]
    head = next((at for at in own if not _is_call(text, lines[at])), own[0])
    if not _is_title(text, lines, head):
        return _first_sentence(text, lines[head]), text
    start, end = lines[head]
    return text[start:end], text[end:].lstrip("\r\n")


def _is_call(text: str, line: tuple[int, int]) -> bool:
    """A few words with a full stop or exclamation mark before an article begins are a button or a slogan, not a title."""
    said = text[slice(*line)]
    return len(said.split()) <= SHORT and _ends_sentence(said)


def _first_sentence(text: str, line: tuple[int, int]) -> str:
    start, end = sentences(text, line)[0]
    return text[start:end]


def _is_title(text: str, lines: Sequence[tuple[int, int]], at: int) -> bool:
    """Whether a line is a title: no sentence, and not the first line of a paragraph that was wrapped."""
    start, end = lines[at]
    line = text[start:end]
    if len(line) > LONGEST_TITLE or _ends_sentence(line) or at + 1 == len(lines):
        return False
    following = text[slice(*lines[at + 1])]
    alone = text[end : lines[at + 1][0]].count("\n") > 1 or "\n\n" not in text.replace("\r", "")
    return alone or not (following[:1].islower() or _ends_sentence(following))


def _ends_sentence(line: str) -> bool:
    return line.rstrip(_CLOSERS)[-1:] in _END or line[-1:] in _END


# HTML and feeds


def _html(data: bytes, name: str) -> Saved:
    page = pages.extract(data, url="", content_type="text/html")
    title = page.title or _first_sentence(page.text, paragraphs(page.text)[0])
    article = Article(id=name, title=title, body=page.text, language=page.language, published=page.published, author=page.author)
    return _one(article, name)


def _feed(data: bytes, name: str) -> Saved:
    entries = [one for one in feeds.entries(data, url="", headers={}) if one.title or one.summary or one.body]
    found = [
        (
            one.guid or None,
            Article(
                id="",
                title=one.title,
                summary=one.summary,
                body=one.body,
                url=one.link or None,
                author=one.author,
                language=one.language,
                tags=one.tags,
                published=one.published,
                dating=one.dating,
                updated=one.updated,
            ),
        )
        for one in entries
    ]
    return _several([(place, guid and f"{name}#{guid}", article) for place, (guid, article) in enumerate(found, 1)], name)


# JSON


def _json(data: bytes, name: str) -> Saved:
    text = _decoded(data)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON that can be read: nested too deep, or a number too long") from error
    if isinstance(value, dict) and str(value.get("version", "")).startswith("https://jsonfeed.org/"):
        return _feed(data, name)
    if isinstance(value, dict) and not isinstance(value.get("articles"), list):
        return _object(value, name)
    return _entries(enumerate(value["articles"] if isinstance(value, dict) else _list(value), 1), name, "entry")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("neither an article nor a list of articles")
    return value


def _object(value: dict[str, Any], name: str) -> Saved:
    notes: list[str] = []
    article = _article(value, notes.append)
    saved = _one(replace(article, id=_own_id(value) or name), name, notes)
    return replace(saved, extras=_by_id(saved, [value]))


def _lines(data: bytes, name: str) -> Saved:
    problems: list[str] = []

    def values() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(_decoded(data).split("\n"), 1):
            try:
                if line.strip():
                    yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                problems.append(f"line {number}: not JSON: {getattr(error, 'msg', None) or 'it cannot be read'}")

    saved = _entries(values(), name, "line")
    return replace(saved, problems=tuple(sorted((*problems, *saved.problems), key=_line_of)))


def _line_of(problem: str) -> int:
    return int(problem.split()[1].rstrip(":"))


def _entries(values: Iterator[tuple[int, Any]], name: str, what: str) -> Saved:
    """The articles among values, each with its place; what is no article is a problem, and the others stay."""
    found: list[tuple[int, str | None, Article]] = []
    rows: list[Mapping[str, Any]] = []
    problems: list[str] = []
    notes: list[str] = []
    for place, value in values:

        def note(message: str, place: int = place) -> None:
            notes.append(f"{what} {place}: {message}")

        try:
            found.append((place, _own_id(value), _article(value, note)))
            rows.append(value)
        except Unreadable as error:
            problems.append(f"{what} {place}: {error}")
    saved = _several(found, name)
    return replace(saved, problems=tuple(problems), notes=(*notes, *saved.notes), extras=_by_id(saved, rows))


def _by_id(saved: Saved, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What each row says besides its article, by the article's id; nothing of those that say no more."""
    said = ({key: value for key, value in row.items() if key not in _READ} for row in rows)
    return {article.id: extra for article, extra in zip(saved.articles, said, strict=True) if extra}


def _own_id(value: Any) -> str | None:
    said = value.get("id") if isinstance(value, dict) else None
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    return _whole(str(said)).strip() or None


_READ = frozenset("id title summary text body source url link author language lang tags published date".split())


def _article(value: Any, note: Callable[[str], None]) -> Article:
    if not isinstance(value, dict):
        raise Unreadable("not an article (a JSON object)")
    read = _Reader(value, note)
    article = Article(
        id="",
        title=read.text("title"),
        summary=read.text("summary"),
        body=read.text("text", "body"),
        source=read.text("source"),
        url=read.text("url", "link") or None,
        author=read.text("author") or None,
        language=read.text("language", "lang") or None,
        tags=read.words("tags"),
        published=read.date("published", "date"),
    )
    if not (article.title + article.summary + article.body).strip():
        raise Unreadable("no title, summary or text")
    return article


@dataclass(frozen=True, slots=True)
class _Reader:
    """The values of a JSON object; what is not of its kind counts as missing, and is noted."""

    value: Mapping[str, Any]
    note: Callable[[str], None]

    def first(self, *keys: str) -> tuple[str, Any]:
        return next(((key, self.value[key]) for key in keys if self.value.get(key) not in (None, "")), (keys[0], None))

    def text(self, *keys: str) -> str:
        key, said = self.first(*keys)
        if isinstance(said, str):
            return _whole(said)
        if said is not None:
            self.note(f"'{key}' is not text and was left out")
        return ""

    def words(self, key: str) -> tuple[str, ...]:
        said = self.value.get(key)
        if isinstance(said, str):
            return (_whole(said),)
        return tuple(_whole(one) for one in said if isinstance(one, str)) if isinstance(said, list) else ()

    def date(self, *keys: str) -> datetime | None:
        key, said = self.first(*keys)
        if said is None:
            return None
        try:
            when = datetime.fromisoformat(said.strip())
            return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        except (AttributeError, ValueError, OverflowError):
            self.note(f"'{key}' is not a date such as 2026-07-01T12:00:00Z: the article counts as undated")
            return None


def _whole(text: str) -> str:
    """Half a surrogate pair, which nothing can store or send, becomes the replacement sign: as long, so that offsets hold."""
    return text if text.isascii() else "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


# Ids


def _several(found: Sequence[tuple[int, str | None, Article]], name: str) -> Saved:
    """Articles with their place in the file and their own ids; without one, or with one that is taken, they go by their place."""
    articles: list[Article] = []
    notes: list[str] = []
    taken: set[str] = set()
    without = [place for place, own, _ in found if own is None]
    if without:
        notes.append(f"{len(without)} without an id: called by place, as in {name}#{without[0]}")
    for place, own, article in found:
        if own in taken:
            notes.append(f"{place} repeats the id {own}: called {name}#{place}")
        id = own if own is not None and own not in taken else f"{name}#{place}"
        taken.add(id)
        articles.append(_signed(replace(article, id=id)))
    spare = tuple(f"{name}#{place}" for place, _, _ in found)
    return Saved(articles=tuple(articles), spare=spare, notes=tuple(notes))


READERS: Mapping[str, Callable[[bytes, str], Saved]] = {
    ".txt": _text,
    ".html": _html,
    ".htm": _html,
    ".json": _json,
    ".jsonl": _lines,
    ".xml": _feed,
    ".rss": _feed,
    ".atom": _feed,
}
"""What is read, by suffix."""
