"""Macro and values -> the exact bytes of a request. Values are escaped by the encoder, never pasted."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote_plus

from receiver import wire
from receiver.macro import Macro, Placeholder
from sender_sim.core.sign import Signer

__all__ = ["AS_WRITTEN", "body", "data", "expand"]

Pairs = Sequence[tuple[str, str]]

# Values that leave a macro as it was written.
AS_WRITTEN: Final = {field.name: f"{{{field.name}}}" for field in wire.FIELDS}
# Each byte as form data has it; looking them up takes a third of the time that urllib takes over a text.
_ESCAPED: Final = {byte: quote_plus(bytes([byte])) for byte in range(256)}


def expand(macro: Macro, values: Mapping[str, str]) -> Pairs:
    """Wire names and their text, in the macro's order."""
    return [
        (
            pair.wire_name,
            "".join(values[part.name] if isinstance(part, Placeholder) else part for part in pair.template),
        )
        for pair in macro.pairs
    ]


def data(pairs: Pairs, encoding: str) -> bytes:
    """The pairs as form data or as one flat JSON object."""
    return _form(pairs) if encoding == wire.FORM else _json(pairs)


def body(pairs: Pairs, encoding: str, signer: Signer | None) -> bytes:
    """A request's body: the data, or an envelope with the data in `payload` and its signature in `sign` (C7)."""
    payload = data(pairs, encoding)
    if signer is None:
        return payload
    # Both are ASCII: the encoders leave nothing else.
    return data([(wire.PAYLOAD, payload.decode("ascii")), (wire.SIGN, signer.sign(payload))], encoding)


def _form(pairs: Pairs) -> bytes:
    # surrogatepass: a lone surrogate is sent, not refused, so that it comes out as it went in.
    escaped = ((_escape(name), _escape(text)) for name, text in pairs)
    return "&".join(f"{name}={text}" for name, text in escaped).encode("ascii")


def _escape(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1").translate(_ESCAPED)


def _json(pairs: Pairs) -> bytes:
    return json.dumps(dict(pairs), separators=(",", ":")).encode("ascii")
