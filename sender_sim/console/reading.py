"""What an endpoint reads out of a request: names and values, those of the signed data where it is an envelope."""

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from receiver import wire
from sender_sim.core.delivery import Request

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """`payload` and `signature` are those of an envelope."""

    pairs: list[tuple[str, str]]
    payload: str | None = None
    signature: str | None = None


def read(request: Request) -> Reading:
    """What stands in a request that the simulator made."""
    outer = _pairs(request.body.decode("ascii"), request.content_type)
    named = dict(outer)
    if named.keys() != {wire.PAYLOAD, wire.SIGN}:
        return Reading(outer)
    return Reading(_pairs(named[wire.PAYLOAD], request.content_type), named[wire.PAYLOAD], named[wire.SIGN])


def _pairs(text: str, content_type: str) -> list[tuple[str, str]]:
    if content_type != wire.CONTENT_TYPES[wire.JSON]:
        return parse_qsl(text, keep_blank_values=True, errors="backslashreplace")
    return list(json.loads(text).items())
