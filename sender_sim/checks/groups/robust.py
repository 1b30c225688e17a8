"""Connections as networks make them: slow, in pieces, and gone in the middle."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Final

from sender_sim.checks.connections import Connection, http_bytes
from sender_sim.checks.judging import expect_taken
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.outcome import Failed, Failure, Outcome, timed_out
from sender_sim.transports import words

__all__ = ["GROUP"]

GROUP: Final = Group("robust", "Slow and broken connections")

_PIECES: Final = 8
_PAUSE_SECONDS: Final = 0.02
_SLOW_CLIENTS: Final = 10
# What any handshake of TLS begins with.
_HALF_A_HANDSHAKE: Final = b"\x16\x03\x01"


@GROUP.must(
    "connection-drip",
    rule="R2 S",
    expected="a delivery that comes in pieces is accepted",
    cause="what the first read of the socket gives is taken for the whole request",
    change="read on until Content-Length bytes are there; every HTTP server does",
)
async def drip(probe: Probe) -> None:
    """Head and body in pieces, each in a packet of its own."""
    request = probe.delivery()
    head, body = http_bytes(request)
    async with probe.connect() as connection:
        outcome = await _in_pieces(probe, connection, head + body)
    expect_taken(probe, probe.note(request, outcome))


@GROUP.should(
    "connection-slow-others",
    rule="Receiving D",
    expected=f"while {_SLOW_CLIENTS} clients take their time to send a request, others are answered",
    cause="each slow client holds a worker, and there are fewer workers than that",
    change="put a proxy in front that reads requests whole (nginx does), or serve with more threads",
)
async def slow_others(probe: Probe) -> None:
    """Clients that sent half of a request, and then nothing."""
    head, body = http_bytes(probe.delivery())
    half = head + body[: len(body) // 2]
    async with AsyncExitStack() as stack:
        for _ in range(_SLOW_CLIENTS):
            connection = await stack.enter_async_context(probe.connect())
            with suppress(OSError):  # it is free to throw them out
                await connection.write(half)
        exchange = await probe.post(probe.delivery())
    expect_taken(probe, exchange)


@GROUP.must(
    "connection-cut",
    rule="R2 S",
    expected="after connections that were cut at any point, a delivery is still accepted",
    cause="an error of the socket ends the worker, the thread or the whole server",
    change="treat a connection that ends early as nothing but that",
)
async def cut(probe: Probe) -> None:
    """Before, in and after the request; then a delivery."""
    head, body = http_bytes(probe.delivery())
    whole = head + body
    for sent in (b"", whole[: len(head) // 2], head, whole[: -len(body) // 2], whole):
        async with probe.connect() as connection:
            with suppress(OSError):  # whatever becomes of it
                await connection.write(sent)
            connection.reset()
    async with probe.connect(plain=True) as connection:
        with suppress(OSError):
            await connection.write(_HALF_A_HANDSHAKE)
        connection.reset()
    expect_taken(probe, await probe.post(probe.delivery()))


async def _in_pieces(probe: Probe, connection: Connection, data: bytes) -> Outcome:
    size = -(-len(data) // _PIECES)
    try:
        async with asyncio.timeout(probe.patience):
            for at in range(0, len(data), size):
                await connection.write(data[at : at + size])
                await asyncio.sleep(_PAUSE_SECONDS)
            return await connection.answer()
    except TimeoutError:
        return timed_out(probe.integration.timeout, probe.patience)
    except OSError as error:
        return Failed(Failure.RESET, words(error))
