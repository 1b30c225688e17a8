"""What Kaisa never sends: it is refused by name, so that whoever sends it by mistake learns of it."""

from collections.abc import Iterator
from typing import Final

from receiver import wire
from sender_sim.checks.judging import expect_4xx, expect_taken
from sender_sim.checks.message import Message
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.outcome import Failed, Failure

__all__ = ["GROUP"]

GROUP: Final = Group("refusals", "What is no delivery")

_LARGE: Final = 10 * 1024 * 1024
_OTHER_TYPES: Final = ("text/plain", "application/xml", "multipart/form-data; boundary=x", "")


@GROUP.should(
    "body-empty",
    rule="Receiving D",
    expected="an empty body is refused with a 4xx",
    cause="no field is required, so nothing is a delivery too",
    change="answer 400 to a body without data",
)
async def empty(probe: Probe) -> None:
    """No bytes at all."""
    expect_4xx(probe, await probe.post(probe.request(probe.message(b""), body=b"")))


@GROUP.should(
    "body-malformed",
    rule="Receiving D",
    expected="a body that cannot be read is refused with a 4xx, not accepted and not a 5xx",
    cause="the parser's error is not caught (5xx), or what it could not read is guessed (200)",
    change="catch the parser's error and answer 400: Kaisa tries again, so nothing is lost",
)
async def malformed(probe: Probe) -> None:
    """What comes cut or garbled; signed too, so that a signature is no reason to refuse it."""
    for what, request_body in _garbled(probe):
        message = Message(probe.integration.encoding, request_body)
        in_an_envelope = probe.signer is not None and request_body.isascii()  # it holds text
        for each in [message, probe.message(request_body)] if in_an_envelope else [message]:
            expect_4xx(probe, await probe.post(probe.request(each)), what=what)


@GROUP.should(
    "body-large",
    rule="Receiving D",
    expected="a body of 10 MiB is refused with a 4xx (413), or cut off",
    cause="there is no size limit: whoever likes can fill memory and disk",
    change="limit the size of a body, in the server or the framework; 1 MiB is plenty",
)
async def large(probe: Probe) -> None:
    """Good in everything but its size."""
    exchange = await probe.post(probe.delivery(more={"padding": "x" * _LARGE}))
    if isinstance(exchange.outcome, Failed) and exchange.outcome.failure is Failure.RESET:
        return  # it did not wait for the end, and rightly
    expect_4xx(probe, exchange)


@GROUP.should(
    "content-type-other",
    rule="Receiving D",
    expected="data under another content type, or none, is refused with a 4xx (415)",
    cause="the content type is not looked at, so the body is read as what it does not say it is",
    change="answer 415 to what is neither application/x-www-form-urlencoded nor application/json",
)
async def content_type(probe: Probe) -> None:
    """A delivery in everything but that header."""
    for other in _OTHER_TYPES:
        request = probe.request(probe.message(probe.data(probe.call())), content_type=other)
        expect_4xx(probe, await probe.post(request), what=f"content type {other!r}")


@GROUP.should(
    "method-get",
    rule="Receiving D",
    expected="GET is refused with a 4xx (405)",
    cause="the route takes every method, or a page is shown at the same URL",
    change="let the route take POST alone",
)
async def get(probe: Probe) -> None:
    """What a browser sends when somebody tries the URL."""
    request = probe.request(probe.message(b""), body=b"", content_type="", method="GET")
    expect_4xx(probe, await probe.post(request))


@GROUP.must(
    "still-answering",
    rule="R2 S",
    expected="after all that, a delivery is still accepted",
    cause="an error on the way took the worker, the database connection or a lock with it",
    change="catch errors for each request, and give back in a `finally` what it holds",
)
async def still_answering(probe: Probe) -> None:
    """A delivery like the first one."""
    expect_taken(probe, await probe.post(probe.delivery()))


def _garbled(probe: Probe) -> Iterator[tuple[str, bytes]]:
    data = probe.data(probe.call())
    if probe.integration.encoding == wire.FORM:
        yield "a '%' without two hex digits", data + b"&garbled=%ZZ"
        yield "not UTF-8", data + b"&garbled=%E9"
    else:
        yield "JSON that is cut short", data[:-1]
        yield "JSON that is no object", b"[1, 2, 3]"
        yield "not UTF-8", data[:-1] + b',"garbled":"\xe9"}'
