"""Remarks on clauses: those that can never hold, and those that nearly always do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from rules.conditions import TermList
from rules.conditions.mention import STATUSES, TIMES
from rules.lint.terms import (
    Remarks,
    at,
    empty,
    group,
    includes,
    is_pattern,
    is_term,
    named,
    parsed_term,
    repeated,
    split,
    term_remarks,
)
from rules.load import Lists
from rules.names import Names
from rules.spec import Spec
from rules.terms import Term

_HAPPENS: Mapping[str, Collection[str]] = {
    "upcoming": ("planned", "proposed", "cancelled", "ruled-out", "hypothetical"),
    "under way": ("held", "cancelled", "ruled-out", "hypothetical"),
    "past": ("held", "cancelled", "hypothetical"),
}
"""Which statuses go with which time: what lies ahead was not held, what is over is not planned."""

_MOST = 100_000
"""Comparisons of a wanted list with a refused one; longer lists are left alone, so that no file costs more than its length."""
_SCOPES = ("title", "lead", "body", "sentence", "paragraph", "quote")


def clause(spec: Spec, lists: Lists, inside: tuple[str, ...]) -> Remarks:
    """A condition and all that it holds. `inside`: the scopes around it."""
    if not isinstance(spec.value, dict) or set(spec.value) <= {"any", "except"}:
        yield from empty(spec, "this condition")
        yield from group(spec)
        if not isinstance(spec.value, dict) or not _mixed(spec.get("any")):
            return
    yield from _contradictions(spec, lists)
    for key, value in spec.value.items() if isinstance(spec.value, dict) else ():
        if key in _SCOPES:
            yield from _scope(spec, key, value, inside)
            yield from clause(value, lists, (*inside, key))
        elif key in ("any", "all", "none", "not", "at_least"):
            yield from _several(value.get("of") if key == "at_least" else value, lists, inside)
        elif key in _LEAVES:
            yield from _LEAVES[key](value)


def _mixed(spec: Spec | None) -> bool:
    return spec is not None and any(isinstance(one.value, dict) for one in spec.each())


def _several(spec: Spec | None, lists: Lists, inside: tuple[str, ...]) -> Remarks:
    if spec is None:
        return
    yield from repeated(spec)
    yield from split(spec)
    for one in spec.each():
        if isinstance(one.value, dict):
            yield from clause(one, lists, inside)
        elif isinstance(one.value, list):
            yield from group(one)
        elif is_term(one):
            yield from term_remarks(one, common=False)


def _scope(spec: Spec, key: str, value: Spec, inside: tuple[str, ...]) -> Remarks:
    if (key == "title" and "body" in inside) or (key == "body" and "title" in inside):
        yield at(spec, "the body is what stands below the title: one inside the other never holds", key=key)
    if key in ("sentence", "paragraph", "quote") and _negative(value):
        yield at(spec, f"this holds as soon as one {key} is without it, so nearly always; write  none: {{{key}: …}}", key=key)


def _negative(spec: Spec) -> bool:
    """Whether it only says what must not be there."""
    if not isinstance(spec.value, dict) or not spec.value:
        return False
    return all(
        key in ("none", "not") or (key in ("all", *_SCOPES) and all(_negative(one) for one in value.each()))
        for key, value in spec.value.items()
    )


def only_negative(spec: Spec) -> Remarks:
    """Whether a whole rule only says what must not be there."""
    if _negative(spec):
        yield at(spec, "this only says what must not be there, so nearly every article matches: say what must be there too")


def english_only(spec: Spec) -> Remarks:
    """Conditions that read English, asked of articles in another language."""
    article = spec.get("article")
    language = article.get("language") if article else None
    asked = {str(one.value).lower() for one in language.each()} if language else {"en"}
    for key in ("statement", "mention"):
        if "en" not in asked and spec.get(key):
            yield at(
                spec, f"{key} reads English only, and the article is to be in {', '.join(sorted(asked))}: use terms", key=key
            )


def _contradictions(spec: Spec, lists: Lists) -> Remarks:
    """Terms that are wanted and refused side by side."""
    refused = [(term, one) for value in _refuses(spec) for term, one in _written(value, lists)]
    for wanted in _wants(spec):
        listed = _written(wanted, lists)
        if len(listed) * len(refused) > _MOST:
            continue
        lost = [(term, against) for term, _ in listed if (against := _refused_by(term, refused))]
        if lost and len(lost) == len(listed):
            term, (_, place) = lost[0]
            yield at(place, f"this can never hold: “{term.written}” is wanted (line {wanted.line}) and refused here")


def _refused_by(term: Term, refused: Sequence[tuple[Term, Spec]]) -> tuple[Term, Spec] | None:
    return next((one for one in refused if _stands_in(one[0], term)), None)


def _stands_in(part: Term, whole: Term) -> bool:
    """Whether `part` is found wherever `whole` is."""
    size = len(part.words)
    slices = (whole.words[n : n + size] for n in range(len(whole.words) - size + 1))
    return any(all(includes(a, b) for a, b in zip(part.words, words, strict=True)) for words in slices)


def _written(spec: Spec, lists: Lists) -> list[tuple[Term, Spec]]:
    """Every term of a value, those of its lists included, with the place that brings it; regular expressions are no terms."""
    wanted = spec.get("any") if isinstance(spec.value, dict) else spec
    found = []
    for one in wanted.each() if wanted else ():
        text = one.value if isinstance(one.value, str) else ""
        made = lists[text[1:]] if text.startswith("$") and text[1:] in lists else None
        written = _entries(made) if made else [text]
        # What is no term cannot be compared; it stands for something that nothing refuses.
        found += [(parsed_term(term) or _ANYTHING if not is_pattern(term) else _ANYTHING, one) for term in written]
    return found


_ANYTHING = Term("", ())


def _entries(made: TermList | Names) -> list[str]:
    return [term for name in made.names for term in name.written] if isinstance(made, Names) else list(made.terms.written)


def _wants(spec: Spec) -> Iterator[Spec]:
    """Values of which one term must be there for the condition to hold."""
    if not isinstance(spec.value, dict) or set(spec.value) <= {"any", "except"}:
        if not _mixed(spec.get("any") if isinstance(spec.value, dict) else spec):
            yield spec
        return
    for key, value in spec.value.items():
        if key == "any" and not _mixed(value):
            yield value
        elif key == "all" or (key == "any" and len(value.each()) == 1):
            for one in value.each():
                yield from _wants(one)
        elif key in _SCOPES:
            yield from _wants(value)
        elif key in _NEEDS:
            yield from _NEEDS[key](value)


def values(spec: Spec) -> list[Spec]:
    """The values of a mapping; none of anything else."""
    return list(spec.value.values()) if isinstance(spec.value, dict) else []


def _one(spec: Spec, key: str) -> list[Spec]:
    found = spec.get(key)
    return [found] if found else []


_NEEDS: dict[str, Callable[[Spec], list[Spec]]] = {
    "near": lambda spec: [group for groups in _one(spec, "terms") for group in groups.each()],
    "capture": values,
    "mention": lambda spec: _one(spec, "of"),
    "statement": lambda spec: _one(spec, "about"),
}


def _refuses(spec: Spec) -> Iterator[Spec]:
    """Values none of whose terms may be there."""
    for key, value in spec.value.items() if isinstance(spec.value, dict) else ():
        if key in ("none", "not"):
            yield from (one for one in value.each() if not isinstance(one.value, dict))
        elif key == "all":
            for one in value.each():
                yield from _refuses(one)


def _near(spec: Spec) -> Remarks:
    groups = spec.get("terms")
    for one in groups.each() if groups else ():
        yield from empty(one, "this group")
        yield from group(one)


def _captures(spec: Spec) -> Remarks:
    for one in values(spec):
        yield from empty(one, "this group")
        yield from group(one)


def _statement(spec: Spec) -> Remarks:
    by, about, more = spec.get("by"), spec.get("about"), spec.get("words")
    if by and isinstance(by.value, dict):
        yield from named(by)
    if by:
        yield from empty(by, "this list of speakers")
    if about:
        yield from empty(about, "this list of terms")
        yield from group(about)
    for one in values(more) if more else ():
        yield from group(one, words=True)


def _mention(spec: Spec) -> Remarks:
    of, time, status = spec.get("of"), spec.get("time"), spec.get("status")
    if of:
        yield from empty(of, "this list of terms")
        yield from group(of)
    times = [one.value for one in time.each() if one.value in TIMES] if time else []
    for one in status.each() if status and times else ():
        if one.value in STATUSES and not any(one.value in _HAPPENS[str(when)] for when in times):
            yield at(one, f"an event that is {' or '.join(map(str, times))} is never '{one.value}'")


_LEAVES: dict[str, Callable[[Spec], Remarks]] = {
    "near": _near,
    "capture": _captures,
    "statement": _statement,
    "mention": _mention,
    "article": lambda _: iter(()),
}
