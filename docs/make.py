"""Writes docs/rules.md, the manual of the rule language, from the docstrings and tables that the loader itself reads by.

It also follows docs/tutorial.md as a reader would, in a folder of its own, and writes down what each command there says.

python docs/make.py
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from monitor import rhythm
from monitor.cli import invoke
from rules import pace, spec, trial
from rules.article import DATINGS
from rules.conditions import CONDITIONS, Words
from rules.examples import EXAMPLES
from rules.load import FILE, ONCE, RULE
from rules.rule import Frequency, Once, Sources, Spike
from rules.shape import Json, Key, Shape

PAGE = Path(__file__).with_name("rules.md")
TUTORIAL = Path(__file__).with_name("tutorial.md")
SOURCES = Path(__file__).with_name("sources.md")

START = """\
# The rule language

*Made from the code by `python docs/make.py`; what it says is what the loader does. New here? Begin with the [tutorial](tutorial.md).*

A rule file is YAML: lists of words and names, and rules that use them.

```yaml
lists:
  ministers: {Ann Lee: [Lee], Bo Ek: [Ek]}
  budget: [budget, spending plan, deficit*]

rules:
  - id: ministers-on-budget
    title: "{speaker} on the budget: {stance}"
    level: high
    when:
      statement: {by: $ministers, about: $budget}
    once: {alike: 0.6, within: 3d, update_on: [stance]}
    examples:
      match:
        - text: '"We will not touch the spending plan," Lee told reporters.'
          speaker: Ann Lee
      skip:
        - text: The budget committee meets on Monday.
```

`monitor check` names everything that is wrong with a file, `monitor rules show ID` reads a rule back in plain English, `monitor explain ARTICLE`
says why an article matches or what is missing, `monitor test` runs the examples, and `monitor schema` prints a JSON Schema for editors.

It is the plain heart of YAML: mappings, lists and values, without anchors, aliases, merge keys or tags. `no`, `on` and `12:30` are words
here. A key that nobody knows is an error, and so is one that is there twice.
"""

LISTS = """\
A list of **terms** is used where terms can stand, as `$name`, also inside other lists:

```yaml
lists:
  ships: [tanker*, freighter*, ferry, ferries]
  boats: [$ships, trawler*, tug]
```

A list of **who** gives the name to show, and what people write for it. The name itself counts too. `except` are contexts in which it does not
count; an `office` stands for whoever holds it, and the name comes out as written; `include` takes in other lists.

```yaml
lists:
  harbour:
    Inga Solberg: [Solberg, harbour master]
    Harbour Board: {any: [Harbour Board, the port], except: [port wine]}
    officials: {office: [spokesman, spokeswoman, engineer], of: [Harbour Board]}
  city:
    include: $harbour
    Mayor Dahl: [Dahl]
```

Where terms are wanted, a list of who stands for all that people write for its names.
"""

WHEN = """\
Keys side by side must all hold. Where a condition can stand, a term can stand too, or a list of them (any one will do), or `$name`.

```yaml
when:
  title: [flood*, high water]
  none: [exercise, drill]
```
"""

PACE_TEXT = """\
A rule may ask for more than one match before anybody is told, and tell when matches stop. Copies of one report count once. Where several of
these keys stand side by side, all of them must hold.

```yaml
frequency: {at_least: 5, within: 1h, per: [speaker]}
spike: {times: 3, within: 1h, against: 7d, at_least: 3}
silence: 24h
sources: {min_independent: 2, single_source_level: low}
```

`silence` tells when nothing matched for so long, and when something does again.
"""

LABELS = """\
Values read off the sentence that was found: the first whose terms stand in it. They fill blanks in the title (`{toll}`), tell events apart in
`once`, and can be expected in examples. `statement` and `mention` bring labels of their own.

```yaml
labels:
  toll:
    deaths: [dead, killed, /\\d+ bodies/]
    injuries: [injured, wounded]
```
"""

EXAMPLES_TEXT = """\
Articles that the rule must match, and articles that it must skip; `monitor test` runs them. An example is a text, or a mapping with
{fields}. Any other key is a value that one of the findings must have; `null` says that it must have none.

```yaml
when: {any: [flood*, evacuat*], none: [flood of applications]}
examples:
  match:
    - The river burst its banks, and a flood warning is in force.
    - title: Flood warning for Dorston
      published: 2026-05-13
      text: Two hundred people were evacuated.
  skip:
    - text: A flood of applications reached the office.
```
"""

TESTS = """\
Longer tests, and sequences of articles, stand in `*_test.yaml` files beside the rules:
"""

INCLUDE = """\
```yaml
include: [lists.yaml, more/harbour.yaml]
```

The lists of all files are known in all of them; a list or a rule id that is there twice is an error. Paths are relative to the file that names them.
"""


def manual() -> str:
    """The whole page."""
    parts = [
        START,
        _section("Terms", _terms()),
        _section("Lists", LISTS),
        _section("Rules", "A rule has these keys:\n\n" + table(RULE)),
        _section("Conditions", "\n".join([WHEN, *_conditions()])),
        _section("Once", _once()),
        _section("Over time", _pace()),
        _section("Labels", LABELS),
        _section("Examples", EXAMPLES_TEXT.replace("{fields}", _fields()) + "\n" + _tests()),
        _section("Files", "A file has these keys:\n\n" + table(FILE) + "\n" + INCLUDE),
        _section("Limits", _limits()),
    ]
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _terms() -> str:
    return prose(Words) + "\n" + NOTES


NOTES = """\
Words are compared without case, accents and invisible marks; hyphens and spaces are alike, and so are straight and curly quotation marks and
apostrophes. `*` stands at the end of a word only. A comma, a full stop and the like end a phrase, and a term never runs over the end of a
sentence. A regular expression is searched for in each sentence as it is written, in any case.
"""


def _conditions() -> Iterator[str]:
    seen = set()
    for key, condition in CONDITIONS.items():
        if condition not in seen:
            yield f"### `{key}`\n\n{prose(condition)}\n{table(getattr(condition, 'SHAPE', {}))}".rstrip() + "\n"
        seen.add(condition)


_LEFT_OUT = """Left out: articles that an ordinary condition finds must be about the same, statements and events must say the same,
within 7 days."""


def _once() -> str:
    example = "```yaml\nonce: {per: [place, date], within: 30d, update_on: [status]}\n```\n"
    return f"{_cleaned(Once)}\n\n{table(ONCE)}\n{example}\n{_LEFT_OUT}\n"


def _pace() -> str:
    """The keys that ask for more than one match, each with its table."""
    documented = {"frequency": (Frequency, pace.FREQUENCY), "spike": (Spike, pace.SPIKE), "sources": (Sources, pace.SOURCES)}
    tables = [f"### `{key}`\n\n{_cleaned(meant)}\n\n{table(shape)}" for key, (meant, shape) in documented.items()]
    return "\n".join([PACE_TEXT, *tables])


def _fields() -> str:
    known = EXAMPLES.schema["properties"]["match"]["items"]["anyOf"][1]["properties"]
    return ", ".join(f"`{key}`" for key in known)


def _tests() -> str:
    text = inspect.cleandoc(trial.__doc__ or "").partition("\n\n")[2]
    shapes = {
        "A test file": trial.FILE,
        "A test of one article, beside the keys of the article": _own(trial.CASE),
        "A sequence": trial.STORY,
        "An article of a sequence, beside the keys of the article": _own(trial.STEP),
        "An article": trial.ARTICLE,
    }
    tables = "\n".join(f"{what}:\n\n{table(shape)}" for what, shape in shapes.items())
    return f"{TESTS}\n{markdown(text)}\n{tables}"


def _own(shape: Shape) -> Shape:
    return {name: key for name, key in shape.items() if name not in trial.ARTICLE}


def _limits() -> str:
    limits = spec.Limits()
    return (
        f"A file has at most {limits.bytes:,} bytes, {limits.values:,} values and {limits.depth} levels; a rule set at most"
        f" {limits.files} files. Split what is larger with `include`, or raise the limits in monitor.yaml:"
        " `settings: {limits: {values: 100000}}`. A regular expression must be one that RE2 can run in a mebibyte:"
        " no look-ahead, no back references, at most 1,000 counted repetitions.\n\n"
        f"`statement` and `mention` read English. Everything else works in any script; `~stems` know English and Russian.\n"
    )


# Docstrings as Markdown


def prose(documented: type) -> str:
    """A docstring as Markdown: what is indented, or is a condition, is YAML."""
    return markdown(_cleaned(documented))


def _cleaned(documented: type) -> str:
    return inspect.cleandoc(documented.__doc__ or "")


def markdown(text: str) -> str:
    """Text with blocks of YAML and tables in it."""
    return "\n\n".join(map(_block, _blocks(text))) + "\n"


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs; the indented ones in a row are one."""
    waiting: list[str] = []
    for block in text.split("\n\n"):
        if block.startswith("    "):
            waiting.append(block)
            continue
        if waiting:
            yield "\n\n".join(waiting)
        waiting = []
        yield block
    if waiting:
        yield "\n\n".join(waiting)


def _block(block: str) -> str:
    if block.startswith("    "):
        return f"```yaml\n{textwrap.dedent(block)}\n```"
    if block.partition(":")[0] in CONDITIONS:
        return f"```yaml\n{block}\n```" if len(block.splitlines()) == 1 else _alternatives(block)
    if block.startswith("|"):
        return "\n".join(re.sub(r"`[^`]*`", lambda code: code[0].replace("|", "\\|"), line) for line in block.splitlines())
    return block


def _alternatives(block: str) -> str:
    """Several lines, each a condition by itself."""
    return "\n\n".join(f"```yaml\n{line}\n```" for line in block.splitlines())


# Tables


def table(shape: Shape) -> str:
    """The keys of a mapping: what each takes, what holds where it is left out, and what it is for."""
    if not shape:
        return ""
    rows = [
        f"| `{name}` | {_cell(takes(key.kind.schema))} | {left_out(key)} | {_cell(key.help)} |" for name, key in shape.items()
    ]
    return "\n".join(["| key | takes | left out | for |", "| --- | --- | --- | --- |", *rows]) + "\n"


def left_out(key: Key) -> str:
    """What holds where the key is left out."""
    if key.required:
        return "*must be there*"
    value = key.default
    if isinstance(value, timedelta):
        return f"`{value.days}d`"
    if isinstance(value, tuple) and value and all(isinstance(one, str) for one in value):
        return f"`[{', '.join(value)}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int | float) and value != "" else ""


def takes(schema: Json) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        return _either(schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "$ref" in schema:
        return _NAMED[schema["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return "such as " + ", ".join(f"`{one}`" for one in schema["examples"])
    if "minimum" in schema:
        return (
            f"{'a whole number' if schema['type'] == 'integer' else 'a number'} from {schema['minimum']} to {schema['maximum']}"
        )
    return _KINDS.get(str(schema.get("type")), "text")


def _either(options: Iterable[Json]) -> str:
    one, *others = options
    many = any(other.get("type") == "array" and other.get("items") == one for other in others)
    return f"{takes(one)}, or a list of them" if many else " or ".join(map(takes, [one, *others]))


_NAMED = {
    "terms": "terms",
    "words": "terms",
    "who": "a list of who, names, or `any`",
    "condition": "a [condition](#conditions)",
    "conditions": "terms and conditions",
    "lists": "[lists](#lists)",
    "rule": "[rules](#rules)",
}
_KINDS = {"object": "a mapping", "array": "a list", "boolean": "`true` or `false`"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# The tutorial

_STEP = re.compile(r"Save this as `([^`]+)`[^`]*?\n\n```\w+\n(.*?)^```\n|^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def tabled(page: str) -> str:
    """The page with its tables of words as the code has them, between `<!-- states -->` and `<!-- /states -->`."""
    for name, words in {"states": rhythm.WORDS, "datings": DATINGS}.items():
        rows = "".join(f"| `{word}` | {meaning} |\n" for word, meaning in words.items())
        made = f"<!-- {name} -->\n| word | what it means |\n| --- | --- |\n{rows}<!-- /{name} -->"
        page = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, made=made: made, page, flags=re.DOTALL)
    return page


def followed(tutorial: str) -> str:
    """The tutorial, with what its commands really print. Its files are written and its commands run in the order they stand."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), patch.dict(os.environ, {"COLUMNS": "96"}):
        for name in [name for name in os.environ if name.startswith("MONITOR_")]:
            del os.environ[name]
        return _STEP.sub(_follow, tutorial)


def _follow(step: re.Match[str]) -> str:
    if step[1]:
        path = Path(step[1])
        path.parent.mkdir(exist_ok=True)
        path.write_text(step[2], encoding="utf-8")
        return step[0]
    said = [f"{line}\n{_said(line)}" for line in step[3].splitlines() if line.startswith("$ monitor ")]
    return "```console\n" + "\n".join(said) + "```\n"


def _said(line: str) -> str:
    """What a command prints, to a screen that is no terminal."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        invoke(shlex.split(line)[2:])
    screen.flush()
    lines = screen.detach().getvalue().decode().rstrip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def main() -> None:
    """Writes both pages."""
    PAGE.write_text(manual(), encoding="utf-8")
    TUTORIAL.write_text(followed(TUTORIAL.read_text(encoding="utf-8")), encoding="utf-8")
    SOURCES.write_text(tabled(SOURCES.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
