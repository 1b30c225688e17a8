"""Deliveries that come twice, late, or in another order: Kaisa tries again for 7 days (R4)."""

import asyncio
from contextlib import suppress
from typing import Final

from receiver.wire import EventType
from sender_sim.checks.connections import http_bytes
from sender_sim.checks.judging import NO_APPEND, append_of, expect_taken
from sender_sim.checks.model import Broken, NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Failed, Failure

__all__ = ["GROUP"]

GROUP: Final = Group("repeats", "Duplicates, retries, order")

_DUPLICATE_200: Final = "answer 200 to a delivery that is known already: it is not an error, its 200 was only not heard"


@GROUP.must(
    "duplicate-accepted",
    rule="R4 S",
    expected="a delivery that came before is accepted again, at once and after many others",
    cause="a duplicate is treated as a conflict, or meets a unique index",
    change=_DUPLICATE_200,
)
async def duplicate_accepted(probe: Probe) -> None:
    """One that has just come, and the first of the whole examination."""
    for exchanges in (await _twice(probe), await _long_ago(probe)):
        expect_taken(probe, *exchanges)


@GROUP.should(
    "duplicate-same-answer",
    rule="Receiving D",
    expected="a duplicate gets the answer that the first one got, at once and after many others",
    cause="the work is done again for it, and comes out otherwise",
    change="store the answer with the delivery (by id and event_type, for 8 days), and give it again",
)
async def duplicate_same_answer(probe: Probe) -> None:
    """The appends are compared, not the bytes, and even those that cannot be saved."""
    for when, (first, again) in (("at once", await _twice(probe)), ("after others", await _long_ago(probe))):
        if not (probe.takes(first) and probe.takes(again)):
            raise NotRun("duplicates are not accepted, which duplicate-accepted is about")
        if append_of(first) != append_of(again):
            raise Broken(f"{_told(first)}, {when} {_told(again)}", first, again)


@GROUP.must(
    "retry-after-lost-answer",
    rule="R4 S",
    expected="a delivery whose answer was lost is accepted when it is tried again",
    cause="the delivery is known by then and refused, or what was begun for it is stuck",
    change=_DUPLICATE_200,
)
async def retry_after_lost_answer(probe: Probe) -> None:
    """The connection is reset when the first byte of the answer is there."""
    request = probe.delivery()
    async with probe.connect() as connection:
        with suppress(OSError):  # no answer is as good as a lost one
            await connection.write(b"".join(http_bytes(request)))
            async with asyncio.timeout(probe.patience):
                await connection.read(1)
        connection.reset()
    probe.note(request, Failed(Failure.RESET, "reset by this check when the answer came"))
    expect_taken(probe, await probe.post(request))


@GROUP.must(
    "order-reversed",
    rule="R4 S",
    expected="a pre-call is accepted after the post-call of the same call: its first attempt may have failed",
    cause="a call that is over is not expected to begin, or the row of the call exists already",
    change="take events in any order: keep what the post-call said, and answer the late pre-call 200",
)
async def order_reversed(probe: Probe) -> None:
    """First what ended, then that it begins."""
    probe.sends("id", "event_type")
    call = probe.call()
    expect_taken(probe, await probe.post(probe.delivery(call, EventType.POST_CALL)))
    expect_taken(probe, await probe.post(probe.delivery(call, EventType.PRE_CALL)))


def _told(exchange: Exchange) -> str:
    append = append_of(exchange)
    return "there was no append" if append is NO_APPEND else f"the append was {append!r}"


async def _twice(probe: Probe) -> tuple[Exchange, Exchange]:
    request = probe.delivery()
    return await probe.post(request), await probe.post(request)


async def _long_ago(probe: Probe) -> tuple[Exchange, Exchange]:
    first = await probe.plain()
    return first, await probe.post(first.request)
