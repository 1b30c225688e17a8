"""One digit of a request's data, changed as on the way to the endpoint."""

import re
from typing import Final

from receiver.macro import Macro, Placeholder

__all__ = ["can_be_tampered", "tampered"]

_FIELD: Final = "duration"
# The first digit of the duration, in form and JSON, bare and in an envelope.
_DURATION: Final = re.compile(rb"duration\\*\"?(?:%3D|=|:)\\*\"?(\d)")


def can_be_tampered(macro: Macro) -> bool:
    """Whether the macro sends the duration under its own name, so that there is a digit to change."""
    return any(pair.wire_name == _FIELD and pair.template[:1] == (Placeholder(_FIELD),) for pair in macro.pairs)


def tampered(body: bytes) -> bytes:
    """The body with the first digit of the duration changed. Raises ValueError where there is none."""
    found = _DURATION.search(body)
    if not found:
        raise ValueError("nothing to tamper with: the body has no duration")
    at = found.start(1)
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
