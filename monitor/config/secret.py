"""Reads what must not stand in monitor.yaml: texts that lie in the environment or in a file, and how a receiver is signed with them."""

from __future__ import annotations

import base64
import binascii
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from monitor.config.values import Secret, Signing
from rules import Problem
from rules.spec import Spec

Environment = Mapping[str, str]

_SECRET_BYTES = 1 << 16
_ROTATE = (
    "to change a secret, write the new one before the old one, give the old one 'until' (such as 2026-11-23T12:00:00Z) and take it "
    "away after that"
)


@dataclass(slots=True)
class Secrets:
    """Reads one file's secrets: where it lies, what the environment holds, the time, and (in `unset`) which were missing."""

    folder: Path
    environment: Environment
    now: datetime
    unset: list[Problem] = field(default_factory=list)

    def elsewhere(self, spec: Spec) -> str:
        """The text that {env: NAME} or {file: PATH} stands for; one that stands in the file itself is refused."""
        if not isinstance(spec.value, dict):
            spec.wrong("a secret does not belong in this file, which others may read: write {env: NAME} or {file: PATH}")
            return ""
        return self.text(spec)

    def text(self, spec: Spec, *more: str) -> str:
        """The text that {env: NAME} or {file: PATH} stands for; empty, with the reason noted, where it is not there.

        `more` are other keys that may stand beside.
        """
        spec.only(("env", "file", *more))
        env, file = spec.get("env"), spec.get("file")
        if not isinstance(spec.value, dict) or len(spec.value.keys() - set(more)) != 1:
            spec.wrong("expected {env: NAME} or {file: PATH}")
            return ""
        if env:
            return self._variable(env)
        return self._content(file) if file else ""

    def _variable(self, spec: Spec) -> str:
        """The text of a variable; empty, with the reason noted, where it is not set."""
        text = self.environment.get(spec.string(), "").strip()
        if not text:
            self.missing(spec, f"the environment variable {spec.string()} is not set")
        return text

    def _content(self, spec: Spec) -> str:
        """The text of a file; empty, with the reason noted, where it cannot be read."""
        path = self.folder / spec.string()
        try:
            if path.stat().st_mode & stat.S_IROTH:
                spec.wrong(f"everybody on this machine can read {path}: chmod o-r it", severity="warning")
            with path.open(encoding="utf-8") as file:
                text = file.read(_SECRET_BYTES).strip()
        except (OSError, ValueError) as error:
            self.missing(spec, f"cannot read the secret in {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
            return ""
        if not text:
            self.missing(spec, f"{path} is empty")
        return text

    def missing(self, spec: Spec, message: str) -> None:
        """Notes a secret that is not there."""
        self.unset.append(Problem(spec.file, spec.line, spec.column, message))

    # What a webhook is signed with

    def signing(self, spec: Spec) -> tuple[Signing, ...]:
        """One secret, or two while it is changed."""
        written = spec.each()
        if not written:
            spec.wrong("no secret to sign with: write {env: NAME} or {file: PATH}")
        if len(written) > 2:
            spec.wrong(f"more than two secrets: {_ROTATE}")
        found = tuple(map(self._signing, written[:2]))
        ends = [one.until for one in found if one.until]
        if ends and len(ends) == len(found):
            self._ending(spec, max(ends))
        elif any(end <= self.now for end in ends):
            spec.wrong("one of these secrets is over and signs no longer: take it away", severity="warning")
        return found

    def _ending(self, spec: Spec, last: datetime) -> None:
        """Every secret has an end: from the last one on nothing can be signed."""
        if last <= self.now:
            spec.wrong(f"no secret is left to sign with, the last one ended {_clock(last)}: one has to stand without 'until'")
        else:
            words = f"from {_clock(last)} on there is no secret to sign with: let one stand without 'until'"
            spec.wrong(words, severity="warning")

    def _signing(self, spec: Spec) -> Signing:
        """A signing secret, and until when it signs."""
        key = self.text(spec, "until") if isinstance(spec.value, dict) else self.elsewhere(spec)
        if key and not _is_key(key):
            self.missing(spec, f"what {where(spec)} holds is no signing secret: 'whsec_' and then 24 to 64 bytes in base64")
        return Signing(secret=Secret(key), until=_moment(until) if (until := spec.get("until")) else None)


def where(spec: Spec) -> str:
    """What the file says of where a secret lies."""
    return " ".join(str(one.value) for name, one in spec.mapping().items() if name in ("env", "file"))


def _moment(spec: Spec) -> datetime | None:
    """A time with its zone, as ISO 8601 has it."""
    try:
        found = datetime.fromisoformat(spec.value) if isinstance(spec.value, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    spec.wrong(f"expected a time with its zone such as 2026-11-23T12:00:00Z, found {spec.shown()}")
    return None


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _is_key(text: str) -> bool:
    """As the Standard Webhooks write one."""
    try:
        return text.startswith("whsec_") and 24 <= len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) <= 64
    except (binascii.Error, ValueError):
        return False
