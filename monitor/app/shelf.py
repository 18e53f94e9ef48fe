"""The tests of rules, found: examples in rule files, and the test files beside them, each with the rules that it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import rules
from monitor.app import replay as stage
from monitor.app.book import Book, read_rules
from monitor.app.replay import Rehearsal
from monitor.errors import ConfigError, Unreadable
from monitor.sources.replay import content
from rules import Invalid, Rule, spec, trial
from rules.spec import Notes, Spec
from rules.trial import Case, Test

if TYPE_CHECKING:
    from monitor.config import Config
    from rules import Article

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rules, their tests in the order they are run, and those of the rules that should be covered by them."""

    book: Book
    tests: tuple[Test, ...]
    measured: tuple[Rule, ...]


async def collect(config: Config, paths: Sequence[Path]) -> list[Shelf]:
    """All tests in these rule files, test files and folders; without any, those of the settings' rules and all beside them.

    Raises ConfigError where something is not there, and Invalid with the problems of all test files.
    """
    finder = _Finder(config, home=_home(config, needed=not paths))
    for path in paths or [config.rules]:
        finder.take(path, everything=not paths)
    async with AsyncExitStack() as stack:
        found = [await finder.shelf(name, stack) for name in finder.books]
    finder.notes.settle()
    return found


def is_test_file(path: Path) -> bool:
    """Whether a file is called as test files are: rules_test.yaml."""
    return path.suffix in SUFFIXES and path.stem.endswith("_test")


def parts(book: Book) -> dict[Path, Path]:
    """The files of a book: where they really are, and what they are called."""
    return {Path(name).resolve(): Path(name) for name in book.files}


def target(path: Path, root: Spec | None, config: Config) -> Path:
    """The rule file that a test file is for."""
    named = root.get("rules") if root is not None else None
    if named is not None and isinstance(named.value, str):
        return path.parent / named.value
    own = path.with_name(path.stem.removesuffix("_test") + path.suffix)
    beside = [one for one in (own, path.with_name("rules.yaml")) if one.exists()]
    return beside[0] if beside else config.rules


def desk(config: Config) -> trial.Desk:
    """That of monitor.yaml, as tests see it."""
    return trial.Desk(receivers=tuple(one.wishes for one in config.receivers), routes=config.routes, cap=config.cap)


def read_file(path: Path, notes: Notes) -> Spec | None:
    """A YAML file as a Spec. Raises ConfigError where it cannot be read at all; what is wrong in it is noted."""
    try:
        return spec.read(path.read_bytes(), str(path), notes)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error


def _home(config: Config, *, needed: bool) -> Book | None:
    """The rules of the settings. Where only other files are asked for, they may be missing or broken."""
    try:
        return read_rules(config.rules, config.limits)
    except (ConfigError, Invalid):
        if needed:
            raise
        return None


@dataclass(slots=True)
class _Finder:
    """Gathers, for each rule file that stands for itself: which of its files are tested, and by which test files."""

    config: Config
    home: Book | None
    notes: Notes = field(default_factory=Notes)
    books: dict[Path, Book] = field(default_factory=dict)
    tested: dict[Path, set[Path]] = field(default_factory=dict)
    files: dict[Path, Spec] = field(default_factory=dict)
    """Test files, by their real place."""
    of: dict[Path, Path] = field(default_factory=dict)
    """The book of each test file."""

    def take(self, path: Path, *, everything: bool = False) -> None:
        if path.is_dir():
            self.folder(path)
        elif is_test_file(path):
            self.test_file(path)
        else:
            self.rule_file(path, everything=everything)

    def folder(self, path: Path) -> None:
        inside = [one for suffix in SUFFIXES for one in path.rglob(f"*{suffix}") if not _hidden(one.relative_to(path))]
        mains = {one: _bundled(one) for one in sorted(inside) if not is_test_file(one) and _is_rules(one)}
        included = {other for one, others in mains.items() for other in others if other != one.resolve()}
        for one in mains:
            if one.resolve() not in included:
                self.rule_file(one, everything=False)
        for one in sorted(inside):
            if is_test_file(one):
                self.test_file(one)
        if not inside:
            raise ConfigError(f"{path}: no rule files and no test files in it")

    def rule_file(self, path: Path, *, everything: bool) -> None:
        """A rule file, with all it includes, and the test files beside them; of a file that others include, its own."""
        book = self.book(path)
        files, place = parts(book), path.resolve()
        whole = place == Path(book.main).resolve()
        self.tested.setdefault(Path(book.main).resolve(), set()).update(files if whole else [place])
        beside = {one.parent for one in files.values()} if whole else {path.parent}
        for one in sorted(one for folder in beside for suffix in SUFFIXES for one in folder.glob(f"*_test{suffix}")):
            mine = one.name.startswith(f"{path.stem}_")
            if everything or (self.is_for(one, book) and (whole or mine)):
                self.test_file(one)

    def is_for(self, path: Path, book: Book) -> bool:
        root = read_file(path, Notes())
        return target(path, root, self.config).resolve() in parts(book)

    def test_file(self, path: Path) -> None:
        place = path.resolve()
        if place in self.files:
            return
        root = read_file(path, self.notes)
        if root is not None and _is_there(root, self.config):
            book = self.book(target(path, root, self.config))
            self.files[place] = root
            self.of[place] = Path(book.main).resolve()

    def book(self, path: Path) -> Book:
        """The rules that a file belongs to: those of the settings, or others read before, that include it; else itself."""
        place = path.resolve()
        for known in (self.home, *self.books.values()):
            if known is not None and place in parts(known):
                return self.books.setdefault(Path(known.main).resolve(), known)
        return self.books.setdefault(place, read_rules(path))

    async def shelf(self, name: Path, stack: AsyncExitStack) -> Shelf:
        book = self.books[name]
        rehearsal = await stack.enter_async_context(stage.rehearsing(Rehearsal(book=book)))
        tests = [*self.inline(name), *[one for root in self.roots(name) for one in await self.suite(root, book, rehearsal)]]
        named = {rule for test in tests for ids in trial.covered(test) for rule in ids}
        measured = {rule.id for rule in self.asked(name)} | named
        return Shelf(book, tuple(tests), tuple(rule for rule in book.ruleset.rules if rule.id in measured))

    def inline(self, name: Path) -> Iterator[Case]:
        """The examples in the rule files that are tested."""
        for rule in self.asked(name):
            yield from own(rule)

    def asked(self, name: Path) -> Iterator[Rule]:
        """The rules in them. Deprecated rules are not asked, so neither are their examples."""
        book = self.books[name]
        tested = {called for called in book.files if Path(called).resolve() in self.tested.get(name, ())}
        return (rule for rule in book.ruleset.rules if rule.file in tested and rule.status != "deprecated")

    def roots(self, name: Path) -> list[Spec]:
        return [root for place, root in self.files.items() if self.of[place] == name]

    async def suite(self, root: Spec, book: Book, rehearsal: Rehearsal) -> tuple[Test, ...]:
        library = {name: await _saved(Path(root.file).parent / name, rehearsal) for name in trial.files(root)}
        return trial.suite(root, list(book.rules), desk=desk(self.config), library=library)


def own(rule: Rule) -> Iterator[Case]:
    """A rule's own examples as tests: called by their place and how they begin."""
    for kind, match in (("match", True), ("skip", False)):
        for place, one in enumerate((one for one in rule.examples if one.match is match), 1):
            begins = " ".join((one.article.title or one.article.body).split())[:60]
            yield Case(name=f"{kind} {place}: {begins}", rule=rule.id, example=one)


def _is_there(root: Spec, config: Config) -> bool:
    """Whether the rule file that a test file names is there; noted where not."""
    named, wanted = root.get("rules"), target(Path(root.file), root, config)
    if named is None or wanted.is_file():
        return True
    named.wrong(f"{wanted} is not there: name the rule file that is tested, by its path from here")
    return False


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_rules(path: Path) -> bool:
    """Whether a file holds rules, or cannot be read and might: then it is to be said what is wrong with it."""
    root = read_file(path, Notes())
    return root is None or any(root.get(key) is not None for key in ("rules", "lists", "include"))


def _bundled(path: Path) -> set[Path]:
    """The file and those that it includes. A broken one stands for itself: reading it says what is wrong."""
    try:
        return {Path(name).resolve() for name in rules.bundle(str(path), lambda name: Path(name).read_bytes())}
    except Invalid:
        return {path.resolve()}


async def _saved(path: Path, rehearsal: Rehearsal) -> tuple[Article, ...] | str:
    """The articles in a file, or why there are none."""
    try:
        return (await rehearsal.parse(content(path), path.name)).articles
    except (Unreadable, OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
