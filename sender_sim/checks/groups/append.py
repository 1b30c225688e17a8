"""What the endpoint asks to have saved with the call (R7)."""

import json
from typing import Any, Final

from receiver import wire
from receiver.wire import EventType
from sender_sim.checks.judging import NO_APPEND, append_of, body_of
from sender_sim.checks.model import Broken, NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.call import Kind
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered

__all__ = ["GROUP"]

GROUP: Final = Group("append", "The append")

# A family is seven code points, one character on the screen, and 25 bytes.
_TEXTS: Final = ("A message longer than forty characters. " * 3, "👩‍👩‍👧‍👦" * 41, 'She said "hi"\n')


@GROUP.must(
    "append-readable",
    rule="R7 S",
    expected='an answer that looks like JSON is JSON, with "append" in it once',
    cause="the JSON is put together from strings, or something is printed before or after it",
    change="make the answer with a JSON encoder, and print nothing else",
)
async def readable(probe: Probe) -> None:
    """A violation that is not of what the append is."""
    exchanges = await _answers(probe)
    for exchange in exchanges:
        append = append_of(exchange)
        fine = append is NO_APPEND or (isinstance(append, str) and len(append) <= wire.APPEND_LIMIT)
        if exchange.violation and fine:
            raise Broken(exchange.violation.what, exchange)
    if not any(_looks_like_json(exchange) for exchange in exchanges):
        raise NotRun("no answer holds JSON, so none asks for an append")


@GROUP.must(
    "append-text",
    rule="R7 S",
    expected='"append" is text',
    cause="a number, null or an object is put into it",
    change='convert it to text; leave "append" out where there is nothing to save',
)
async def text(probe: Probe) -> None:
    """Its JSON type."""
    for exchange, append in await _appends(probe):
        if not isinstance(append, str):
            raise Broken(f"the append is not text: {json.dumps(append)[:40]}", exchange)


@GROUP.must(
    "append-length",
    rule="R7 S",
    expected=f'"append" has at most {wire.APPEND_LIMIT} characters (D: code points), whatever the caller wrote',
    cause="text from the call is put into it whole, or what is counted is not code points",
    change=f"cut it to {wire.APPEND_LIMIT} code points",
)
async def length(probe: Probe) -> None:
    """Tried with a long text and with characters of many code points each."""
    for exchange, append in await _appends(probe):
        if isinstance(append, str) and len(append) > wire.APPEND_LIMIT:
            raise Broken(f"the append has {len(append)} characters; {wire.APPEND_LIMIT} are saved at most", exchange)


@GROUP.should(
    "append-content-type",
    rule="R7 D",
    expected="an answer with an append has the content type application/json",
    cause="the framework's default content type is HTML",
    change="set Content-Type: application/json, or answer with the framework's function for JSON",
)
async def content_type(probe: Probe) -> None:
    """Kaisa does not say that it looks; whoever does sees what it is."""
    for exchange, _ in await _appends(probe):
        given = _header(exchange, "content-type")
        if given.partition(";")[0].strip().lower() != wire.CONTENT_TYPES[wire.JSON]:
            raise Broken(f"the content type is {given!r}" if given else "the answer has no content type", exchange)


async def _answers(probe: Probe) -> list[Exchange]:
    """What deliveries of all kinds are answered with, with texts that are long, and that have to be escaped."""
    exchanges = []
    for details in _TEXTS:
        for event_type in EventType:
            kind = Kind.SMS if event_type is EventType.SMS else Kind.VOICE
            request = probe.delivery(probe.call(kind, details=details), event_type)
            exchanges.append(await probe.post(request))
    return [exchange for exchange in exchanges if probe.takes(exchange)]


async def _appends(probe: Probe) -> list[tuple[Exchange, Any]]:
    """The answers that have an append, and the append. Raises NotRun if there are none."""
    appends = [(exchange, append_of(exchange)) for exchange in await _answers(probe)]
    if found := [pair for pair in appends if pair[1] is not NO_APPEND]:
        return found
    raise NotRun("no answer holds an append")


def _looks_like_json(exchange: Exchange) -> bool:
    return body_of(exchange).lstrip()[:1] in (b"{", b"[")


def _header(exchange: Exchange, name: str) -> str:
    headers = exchange.outcome.headers if isinstance(exchange.outcome, Answered) else ()
    return next((value for each, value in headers if each.lower() == name), "")
