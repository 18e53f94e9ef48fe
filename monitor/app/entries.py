"""Sources as they are written into monitor.yaml, by `monitor feeds add` and `import`. All else in the file stays as it is."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from monitor import config as settings
from monitor import report
from monitor.app import written
from monitor.errors import ConfigError
from rules import Invalid, emit
from rules.spec import Notes, read

if TYPE_CHECKING:
    from monitor.app.finder import Found
    from monitor.config import Config, Watched
    from monitor.opml import Outline

LONGEST = 40
"""Characters of an id that is made from a title."""
_ID = re.compile(r"(?!.*://)[a-z0-9][a-z0-9_.:/~-]{0,99}\Z")
"""What is an id as it is."""
_SHOWN = 20
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A source as it is written. `form` is the key that holds its address: "feed" or "page"."""

    id: str
    place: str
    form: str = "feed"
    title: str = ""
    links: str | None = None
    language: str | None = None
    kind: str | None = None
    tags: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Its lines, without indentation."""
        first, *rest = self._said()
        note = report.clean(self.title)[:80]
        return [f"- {first}" + (f"  # {note}" if note else ""), *(f"  {one}" for one in rest)]

    def in_one_line(self) -> str:
        """The same for a list in brackets."""
        return f"{{{', '.join(self._said())}}}"

    def _said(self) -> list[str]:
        said = [("id", self.id), (self.form, self.place), ("links", self.links), ("language", self.language), ("kind", self.kind)]
        lines = [f"{key}: {emit.scalar(value)}" for key, value in said if value]
        return [*lines, f"tags: [{', '.join(map(emit.scalar, self.tags))}]"] if self.tags else lines


def entry(found: Found, config: Config) -> Entry:
    """The entry for what was found; its id is made from its title."""
    name = Names(one.id for one in config.sources).new(found.title, found.url)
    return Entry(id=name, place=found.url, form=found.form, title=found.title, links=found.links)


def entries(outlines: Iterable[Outline], config: Config) -> list[Entry]:
    """Entries for the feeds of an OPML file that are not watched yet; the folders that they lie in become tags."""
    names, there = Names(one.id for one in config.sources), {spelt(one.place) for one in config.sources}
    made = []
    for one in outlines:
        if spelt(one.url) not in there:
            there.add(spelt(one.url))
            tags = tuple(dict.fromkeys(tag for folder in one.folders if (tag := slug(folder))))
            made.append(Entry(id=names.new(one.title, one.url), place=one.url, title=one.title, tags=tags))
    return made


def watched(config: Config, url: str) -> Watched | None:
    """The source that watches this address already, however it is spelt there."""
    return next((one for one in config.sources if spelt(one.place) == spelt(url)), None)


def spelt(url: str) -> str:
    """An address without what makes no difference: http or https, capitals in the host's name, a slash at the end."""
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc=parts.netloc.lower(), path=parts.path.rstrip("/"), fragment="").geturl()


# Writing


def write(file: Path, entries: Sequence[Entry], environment: settings.Environment) -> None:
    """Adds sources to monitor.yaml, which keeps all else, comments included; makes the file where there is none.

    Raises ConfigError where there is no place for them, or one of them is not as it should be, and then nothing is written.
    """
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        new = added(text, entries)
        settings.parse(new.encode(), file, environment)
    except Invalid as error:
        raise ConfigError("\n".join(dict.fromkeys(f"not written: {one.message}" for one in error.problems))) from error
    except (ValueError, OSError, yaml.YAMLError) as error:
        said = "\n".join(line for one in entries[:_SHOWN] for line in one.lines())
        raise ConfigError(f"{file} cannot be added to: {error}. Put this under its sources:\n\n{said}\n") from error
    written.whole(file, new)


def added(text: str, entries: Sequence[Entry]) -> str:
    """The settings with more sources, written as those that are there. Raises ValueError where they leave no place for it."""
    if text.startswith(_MARK):
        return _MARK + added(text.removeprefix(_MARK), entries)
    root: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    if (listed := _bracketed(root)) is not None:
        start, end = listed.start_mark.index, listed.end_mark.index
        if root.flow_style or listed.value or text[start + 1 : end - 1].strip():
            return _checked(_in_brackets(text, listed, entries), text, entries)
        text = text[:start].rstrip(" ") + text[end:]  # "[]" says that there is none: what follows has a line each
    lines = [one.lines() for one in entries]
    return emit.extend(text if text.strip() else "sources:\n", lines, "sources", settings.LIMITS)


def _bracketed(root: Any) -> yaml.SequenceNode | None:
    """The list of sources, where it is written `[…]`."""
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "sources" and isinstance(value, yaml.SequenceNode) and value.flow_style:
            return value
    return None


def _in_brackets(text: str, listed: yaml.SequenceNode, entries: Sequence[Entry]) -> str:
    """With the entries after the last one of a list in brackets; on lines of their own where that one is, too."""
    if not listed.value:
        at = listed.start_mark.index + 1
        return text[:at] + ", ".join(one.in_one_line() for one in entries) + text[at:]
    last, between = listed.value[-1], " "
    if last.start_mark.line > listed.start_mark.line:
        between = ("\r\n" if "\r\n" in text else "\n") + " " * last.start_mark.column
    at = last.end_mark.index
    return text[:at] + "".join(f",{between}{one.in_one_line()}" for one in entries) + text[at:]


def _checked(new: str, old: str, entries: Sequence[Entry]) -> str:
    """The new text, if it reads as the old one with the entries."""
    was, now, some = (
        _plain(text) for text in (old, new, "sources:\n" + "\n".join(line for one in entries for line in one.lines()))
    )
    if now != {**was, "sources": [*was["sources"], *some["sources"]]}:
        raise ValueError("what is there would read otherwise")
    return new


def _plain(text: str) -> Any:
    spec = read(text.encode(), "", Notes(limits=settings.LIMITS))
    return spec.plain() if spec else None


# Ids


class Names:
    """Ids, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._times: Counter[str] = Counter()

    def new(self, title: str, url: str) -> str:
        """An id made from a title, else from an address, that no other source has."""
        bare = title.strip()
        name = bare if _ID.match(bare) else slug(bare) or slug(_place(url)) or "feed"
        if name in self._taken:
            numbers = count(max(2, self._times[name] + 1))
            self._times[name], name = next((n, one) for n in numbers if (one := f"{name}-{n}") not in self._taken)
        self._taken.add(name)
        return name


def slug(text: str) -> str:
    """Letters and digits in lower case with '-' between words, 40 characters at most; nothing where words have other signs.

    Those are the vowels of many scripts, which an id does not hold: what is left would be no word.
    """
    plain = unicodedata.normalize("NFC", text.replace("\ufe0f", "").strip().lower())
    if any(unicodedata.category(char)[0] == "M" for char in plain):
        return ""
    words = re.sub(r"[\W_]+", "-", plain).strip("-")
    return words if len(words) <= LONGEST else words[: LONGEST + 1].rpartition("-")[0] or words[:LONGEST]


def _place(url: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", url)
