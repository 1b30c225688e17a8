"""What the simulator sends, to a receiver that is not ours."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from receiver import macro, wire
from receiver.wire import EventType
from sender_sim.core.call import Call
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.core.sign import Signer
from sender_sim.transports import HttpsTransport, trust
from tests.independent.receivers import Profile, Receiver

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CALL = Call(id="call-1", fsid="FS-1", start=NOW, duration=timedelta(seconds=63), answered=True)


@cache
def signer(receiver: Receiver, profile: Profile | None = None) -> Signer:
    """Signs as the receiver expects it, or with another profile."""
    made = profile or receiver.profile
    return Signer(
        receiver.key.private.read_bytes(), digest=made.digest, padding_scheme=made.padding, encoding=made.encoding
    )


def request(receiver: Receiver, values: Mapping[str, str], text: str = wire.DEFAULT_MACRO, **settings: Any) -> Request:
    """A signed post-call with these values, as the engine makes it."""
    settings = {"signer": signer(receiver), "macro": macro.parse(text, recording=True), **settings}
    return request_for(CALL, EventType.POST_CALL, Integration(url=receiver.url, **settings), changes=values)


def outcomes(receiver: Receiver, requests: Iterable[Request]) -> list[Outcome]:
    """What came of each, over real HTTPS."""

    async def send() -> list[Outcome]:
        async with HttpsTransport.open(trust(receiver.ca)) as transport:
            return [await transport.send(Attempt("a/post-call", 1, NOW, each)) for each in requests]

    return asyncio.run(send())


def answered(receiver: Receiver, request: Request) -> Answered:
    """The answer to one."""
    [outcome] = outcomes(receiver, [request])
    assert isinstance(outcome, Answered), outcome
    return outcome


def altered(request: Request, **changes: Any) -> Request:
    """The same request but for these."""
    return replace(request, **changes)
