"""Where sentences, paragraphs and quotations begin and end, in code points.

Sentences are split inside quotations too, as a reader counts them: the kept libraries that were tried (sentencex, pysbd) keep a
quotation of five sentences in one piece, and the sentence is what we show as evidence.
"""

from __future__ import annotations

import re

Span = tuple[int, int]

# Words that end in a full stop within a sentence. General English and Russian usage; initials are handled by shape.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st gen lt col maj capt cmdr adm sgt rep sen gov rev hon pres amb jr sr vs etc inc ltd corp co "
    "no art fig jan feb mar apr jun jul aug sept sep oct nov dec mon tue wed thu fri "
    "г гг ул им тыс млн млрд руб стр см др пр т.е т.д т.п".split(),
)
# Possessive, and only at the start of a run of marks: a run that ends no sentence is looked at once.
_END = re.compile(r"(?<![.!?…])[.!?…]++(?:[\"”’»'\)\]]*+(?=\s|$)|(?=[“«„‘]))")
_LAST_WORD = re.compile(r"(\S{1,30})\Z")
_OPENERS = "\"“«„‘'([—–- "
_DOUBLE = {"“": "”", "«": "»", "„": "“”"}
_MARKS = re.compile("[\"“”«»„‘']")
_SINGLE_ENDS = re.compile("[\"“”’']")
_LONGEST_SINGLE = 400
LONGEST = 1_500


def paragraphs(text: str) -> list[Span]:
    """The lines that hold anything, without the white space around them."""
    found = []
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if bare:
            start = at + line.index(bare)
            found.append((start, start + len(bare)))
        at += len(line)
    return found


def sentences(text: str, paragraph: Span) -> list[Span]:
    """The sentences of a paragraph, without the white space around them.

    A sentence longer than LONGEST characters is cut there, between words: what looks at a sentence as a whole stays cheap.
    """
    return [piece for whole in _stops(text, paragraph) for piece in _cut(text, *whole)]


def _cut(text: str, start: int, end: int) -> list[Span]:
    pieces = []
    while end - start > LONGEST:
        room = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        at = room if room > 0 else start + LONGEST
        pieces.append((start, at))
        start = at
        while start < end and text[start].isspace():
            start += 1
    return [*pieces, (start, end)] if start < end else pieces


def _stops(text: str, paragraph: Span) -> list[Span]:
    start, end = paragraph
    found = []
    for match in _END.finditer(text, start, end):
        if match.end() >= end or _goes_on(text, start, match):
            continue
        found.append((start, match.end()))
        start = match.end()
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        found.append((start, end))
    return found


def _goes_on(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the sentence continues after this stop: an abbreviation, an initial, or a small letter follows."""
    following = text[match.end() : match.end() + 40].lstrip()
    letter = following.lstrip(_OPENERS)[:1]
    if letter.islower():
        return True
    mark = match.group()
    if mark[0] != "." or len(mark.rstrip("\"”’»')]")) > 1:
        return False
    word = _LAST_WORD.search(text, max(start, match.start() - 30), match.start())
    last = word.group(1).lstrip(_OPENERS) if word else ""
    if len(mark) > 1 or not last:
        return False
    if last.lower() in _ABBREVIATIONS:
        return True
    if len(last) == 1 and last.isupper():  # an initial: J. D. Vance
        return True
    dotted = "." in last and last.replace(".", "").isalpha()  # U.S. orders; but "in the U.S. The" ends
    return dotted and not following[:4].startswith(("The ", "He ", "She", "It ", "In ", "But", "“", '"'))


def quotations(text: str) -> list[Span]:
    """The insides of quotations, double and single; one that has no end in its paragraph runs to the end of it."""
    return [span for start, end in paragraphs(text) for span in _quoted(text, start, end)]


def _quoted(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    closers, inside = "", 0
    for mark in _MARKS.finditer(text, start, end):
        at, char = mark.start(), mark.group()
        if closers:
            if char in closers and not (char == '"' and _opens(text, at, start) and not _closes(text, at, end)):
                spans.append((inside, at))
                closers = ""
        elif char in _DOUBLE:
            closers, inside = _DOUBLE[char] + ('"' if char == "“" else ""), at + 1
        elif char == '"' and _opens(text, at, start):
            closers, inside = '"”', at + 1
        elif char in "‘'" and _opens(text, at, start):
            close = _single_close(text, at + 1, min(end, at + _LONGEST_SINGLE))
            if close:
                spans.append((at + 1, close))
    return [*spans, (inside, end)] if closers else spans


def _opens(text: str, at: int, start: int) -> bool:
    return at == start or text[at - 1].isspace() or text[at - 1] in '([—–-“"‘'


def _closes(text: str, at: int, end: int) -> bool:
    return at + 1 >= end or not text[at + 1].isalnum()


def _single_close(text: str, start: int, end: int) -> int | None:
    """The end of a single quotation, told from an apostrophe by what follows it; None where there is none."""
    for mark in _SINGLE_ENDS.finditer(text, start, end):
        at = mark.start()
        if text[at] in '“"”':
            return None
        if at > start and (at + 1 >= len(text) or not text[at + 1].isalnum()):
            plural = text[at - 1] == "s" and text[at + 1 : at + 3].strip()[:1].islower()
            if not plural:
                return at
    return None
