"""Test results as JUnit XML, which continuous integration shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from monitor.text import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One test: `rule` is the class that it is listed under; `wrong` is empty where it passed."""

    rule: str
    name: str
    file: str
    line: int
    wrong: Sequence[str] = ()


def render(rows: Sequence[Row]) -> bytes:
    """The whole file."""
    failed = sum(bool(row.wrong) for row in rows)
    counts = {"tests": str(len(rows)), "failures": str(failed), "errors": "0"}
    root = etree.Element("testsuites", name="monitor test", **counts)
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.file, []).append(row)
    for file, listed in files.items():
        root.append(_suite(file, listed))
    etree.indent(root)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _suite(file: str, rows: Sequence[Row]) -> etree._Element:
    failed = sum(bool(row.wrong) for row in rows)
    suite = etree.Element("testsuite", name=_text(file), tests=str(len(rows)), failures=str(failed), errors="0", skipped="0")
    for row in rows:
        case = etree.SubElement(
            suite, "testcase", classname=_text(row.rule), name=_text(row.name), file=_text(row.file), line=str(row.line)
        )
        if row.wrong:
            failure = etree.SubElement(case, "failure", message=_text(row.wrong[0].partition("\n")[0]), type="failure")
            failure.text = _text("\n".join(row.wrong))
    return suite


def _text(text: str) -> str:
    """What XML can hold of it."""
    return clean(text)
