"""Reads who is told and where: a webhook, Slack, or e-mail addresses."""

from __future__ import annotations

from monitor.config.places import address, identifier, not_a_url, url
from monitor.config.secret import Secrets, where
from monitor.config.values import CHANNELS, Receiver, Secret, Signing
from rules import shape
from rules.conditions.base import Context
from rules.receivers import RECEIVER
from rules.receivers import told as wishes
from rules.shape import Key, Kind, Shape
from rules.spec import Spec

MOST_ADDRESSES = 20


def receiver(spec: Spec, secrets: Secrets) -> Receiver:
    """One receiver: what it is stands in the key that holds its address."""
    values = shape.fill(spec, _RECEIVER, _NOTHING)
    form = _form(spec)
    written = values[form]
    told = _addresses(written) if written and form == "email" else ()
    place = _place(form, written, secrets) if written and form != "email" else ""
    return Receiver(
        wishes=wishes(values),
        form=form,
        place=Secret(place),
        addresses=told,
        signing=_signed(spec, form, values["secret"], secrets),
        at_once=values["at_once"],
    )


def _form(spec: Spec) -> str:
    """Which of CHANNELS it is."""
    said = [form for form in CHANNELS if spec.get(form) is not None]
    if len(said) > 1:
        spec.wrong(f"a receiver is one of {', '.join(CHANNELS)}: write two receivers", key=said[1])
    if not said and isinstance(spec.value, dict):
        ways = "; ".join(f"'{form}', {what}" for form, what in CHANNELS.items())
        spec.wrong(f"it is not said where this receiver is told. Write one of: {ways}")
    return said[0] if said else "webhook"


def _signed(spec: Spec, form: str, written: Spec | None, secrets: Secrets) -> tuple[Signing, ...]:
    """What signs it; only a webhook is signed, and must be."""
    if form == "webhook":
        if written is None and spec.get("webhook") is not None:
            spec.need("secret", "what alerts are signed with, {env: NAME} or {file: PATH}")
        return secrets.signing(written) if written is not None else ()
    if written is not None:
        spec.wrong("only a webhook is signed: take 'secret' away", key="secret")
    return ()


def _place(form: str, spec: Spec, secrets: Secrets) -> str:
    """Where to send: an address, or where to find it (the path of many webhooks is a secret)."""
    if not isinstance(spec.value, dict):
        said = url(spec)
        if said and form == "slack":
            words = "whoever reads this address can write to your Slack: keep it elsewhere, {env: NAME} or {file: PATH}"
            spec.wrong(words, severity="warning")
        return said
    found = secrets.text(spec)
    if found and (wrong := not_a_url(found)):
        secrets.missing(spec, f"what {where(spec)} holds is no address to send to: {wrong}")
    return found


def _addresses(spec: Spec) -> tuple[str, ...]:
    """One e-mail address or several, all different."""
    found: list[str] = []
    written = spec.each()
    if not written:
        spec.wrong("no address: write such as chief@example.org")
    if len(written) > MOST_ADDRESSES:
        spec.wrong(f"more than {MOST_ADDRESSES} addresses: write a second receiver, or use a mailing list")
    for one in written[:MOST_ADDRESSES]:
        person = address(one)
        if person and person in found:
            one.wrong(f"the address {person} is here twice")
        found.append(person)
    return tuple(filter(None, found))


_NOTHING = Context({})
_WHOLE = Kind(lambda spec, _: spec, {})

_RECEIVER: Shape = {
    "id": Key(Kind(lambda spec, _: identifier(spec), {}), "rules name it under 'notify'", "", required=True),
    **{form: Key(_WHOLE, what) for form, what in CHANNELS.items()},
    "secret": Key(_WHOLE, "what a webhook is signed with"),
    "at_once": Key(shape.whole(1, 64), "how many deliveries may be under way at once"),
    **{key: value for key, value in RECEIVER.items() if key != "id"},
}
"""What may be said of a receiver; addresses and secrets are read here, the rest as in test files."""
