"""Signed requests (C7): Kaisa's are accepted, and nobody else's."""

import json
import re
from dataclasses import replace
from typing import Final

from receiver import wire
from sender_sim.checks.diagnosis import blame
from sender_sim.checks.judging import expect_4xx, expect_refused, expect_taken
from sender_sim.checks.message import Message
from sender_sim.checks.model import NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.call import Call

__all__ = ["GROUP"]

GROUP: Final = Group("signed", "Signatures")

_ESCAPE: Final = re.compile(rb"%[0-9A-F]{2}")
_VERIFY: Final = "verify 'sign' over the exact bytes of 'payload' with Kaisa's public key, before anything else is done"
_UNVERIFIED: Final = "the signature is not verified, or what it says is not acted on"


@GROUP.must(
    "signed-accepted",
    rule="C7 S",
    expected="a delivery that is signed with the given key is accepted",
    cause="the endpoint trusts another key, or expects another digest, padding or encoding of the signature",
    change="have it trust the public key of --sign, with the same --digest, --padding and --encoding",
    needs_key=True,
    foundation=True,
)
async def accepted(probe: Probe) -> None:
    """The plain delivery, which is signed."""
    await blame(probe, "signed-accepted")


@GROUP.must(
    "signed-exact-bytes",
    rule="C7 S",
    expected="the signature is verified over the bytes that came, however the sender spells its data",
    cause="the payload is parsed and written anew before it is verified, so other bytes are verified than were signed",
    change="verify the payload after one decoding of the outer layer, byte for byte, and parse it afterwards",
    needs_key=True,
)
async def exact_bytes(probe: Probe) -> None:
    """The same data as another encoder writes it, signed as it is."""
    data = _respelt(probe.data(probe.call()), probe.integration.encoding)
    expect_taken(probe, await probe.post(probe.request(probe.message(data))))


@GROUP.must(
    "signed-payload-tampered",
    rule="C7 S",
    expected="a delivery whose data was changed after it was signed is refused",
    cause=_UNVERIFIED,
    change=_VERIFY,
    needs_key=True,
)
async def payload_tampered(probe: Probe) -> None:
    """One field of the call is another."""
    expect_refused(await probe.post(probe.request(_tampered(probe))))


@GROUP.must(
    "signed-signature-tampered",
    rule="C7 S",
    expected="a delivery with one character of its signature changed is refused",
    cause="only the presence or the form of the signature is looked at",
    change=_VERIFY,
    needs_key=True,
)
async def signature_tampered(probe: Probe) -> None:
    """In the middle, where it is no padding, and to another character of the same alphabet."""
    message = probe.message(probe.data(probe.call()))
    sign = message.signature or ""
    at = len(sign) // 2
    changed = "0" if sign[at] != "0" else "1"
    forged = replace(message, signature=f"{sign[:at]}{changed}{sign[at + 1 :]}")
    expect_refused(await probe.post(probe.request(forged)))


@GROUP.must(
    "signed-other-key",
    rule="C7 S",
    expected="a delivery signed with a key that is not Kaisa's is refused",
    cause="any well-formed signature counts, or the key to verify with is taken from the request",
    change="trust the keys that are configured, and no others",
    needs_key=True,
)
async def other_key(probe: Probe) -> None:
    """Right in everything but the key."""
    message = probe.message(probe.data(probe.call()), by=probe.stranger())
    expect_refused(await probe.post(probe.request(message)))


@GROUP.must(
    "signed-other-delivery",
    rule="C7 S",
    expected="a delivery with the signature of another one is refused",
    cause="that the signature is Kaisa's is verified, but not over this payload",
    change=_VERIFY,
    needs_key=True,
)
async def other_delivery(probe: Probe) -> None:
    """The other one was accepted, so its signature is good."""
    seen = probe.message(probe.data(probe.call()))
    expect_taken(probe, await probe.post(probe.request(seen)))
    forged = replace(seen, data=probe.data(probe.call()))
    if forged.data == seen.data:
        raise NotRun("the macro sends nothing that tells two calls apart")
    expect_refused(await probe.post(probe.request(forged)))


@GROUP.must(
    "signed-signature-missing",
    rule="C7 S",
    expected="a payload without a signature, or with an empty one, is refused",
    cause="the signature is verified only where there is one",
    change="refuse what has no signature (401)",
    needs_key=True,
)
async def signature_missing(probe: Probe) -> None:
    """First without `sign`, then with nothing in it."""
    message = probe.message(probe.data(probe.call()))
    payload = message.data.decode("ascii")
    for body in (message.envelope(payload=payload), message.envelope(payload=payload, sign="")):
        expect_refused(await probe.post(probe.request(message, body=body)))


@GROUP.must(
    "signed-payload-missing",
    rule="C7 S",
    expected="a signature without a payload is refused",
    cause="an absent payload is taken for an empty one, or for the whole body",
    change="refuse what has no payload (401 or 400)",
    needs_key=True,
)
async def payload_missing(probe: Probe) -> None:
    """First alone, then beside data that it does not cover."""
    message = probe.message(probe.data(probe.call()))
    sign = message.signature or ""
    beside = probe.data(probe.call(), more={wire.SIGN: sign})
    for body in (message.envelope(sign=sign), beside):
        expect_refused(await probe.post(probe.request(message, body=body)))


@GROUP.must(
    "signed-unsigned",
    rule="C7 S",
    expected="data that is not signed at all, as it comes while the setting is off, is refused",
    cause="the signature is verified only where there is one, so whoever leaves it out is believed",
    change="with a key configured, refuse what is not signed (401)",
    needs_key=True,
)
async def unsigned(probe: Probe) -> None:
    """Bare data, without the envelope."""
    message = replace(probe.message(probe.data(probe.call())), signature=None)
    expect_refused(await probe.post(probe.request(message)))


@GROUP.should(
    "signed-refusal-status",
    rule="Receiving D",
    expected="a forged delivery is refused with a 4xx (401 or 403), quickly and by name",
    cause="the error of the signature library is not caught",
    change="catch it, and answer 403; 401 where there is no signature",
    needs_key=True,
)
async def refusal_status(probe: Probe) -> None:
    """A wrong signature, one that is no signature at all, and none."""
    forged = _tampered(probe)
    for message in (forged, replace(forged, signature="no base64, no hex!"), replace(forged, signature=None)):
        exchange = await probe.post(probe.request(message))
        if probe.takes(exchange):
            raise NotRun("forged deliveries are not refused, which the checks above are about")
        expect_4xx(probe, exchange)


def _tampered(probe: Probe) -> Message:
    """A message with data that its signature is not over; as little is changed as can be. Raises NotRun."""
    call = probe.call()
    message = probe.message(probe.data(call))
    fields = sorted(probe.integration.macro.fields.intersection(_changes(call)))
    if not fields:
        raise NotRun("the macro sends nothing that could be tampered with")
    field = "duration" if "duration" in fields else fields[0]
    return replace(message, data=probe.data(call, changes={field: _changes(call)[field]}))


def _changes(call: Call) -> dict[str, str]:
    """Fields, and what they could be changed to: valid, but not what was signed."""
    later = str(int(call.duration.total_seconds()) + 1)
    return {"duration": later, "id": f"{call.id[:-1]}_"} | dict.fromkeys(call.details, "+46701740650")


def _respelt(data: bytes, encoding: str) -> bytes:
    """The same data with other escapes, and in JSON other white space: as right as those Python writes."""
    if encoding == wire.FORM:
        return _ESCAPE.sub(lambda escape: escape[0].lower(), data).replace(b"+", b"%20")
    return json.dumps(json.loads(data), indent=1).replace("/", "\\/").encode("ascii")
