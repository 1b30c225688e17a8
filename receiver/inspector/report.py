"""What was verified of a request, step by step, as it is recorded: each passed, failed, not applicable, or to come.

Of a delivery everything up to the store has passed, or it would not be one; of a refusal its code says where it
stopped. Nothing is verified anew here: the settings may have changed since. The doctor does that, when it is asked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from receiver import wire
from receiver.body import Body, decode
from receiver.commands import counted
from receiver.config import Settings
from receiver.decorators import name_of
from receiver.errors import (
    InvalidFields,
    Refusal,
    SignatureMissing,
    SignatureWrong,
    UnreadableBody,
    UnsupportedContentType,
)
from receiver.router import Router
from receiver.store.records import State
from receiver.wire import EventType

__all__ = ["Mark", "Step", "of_delivery", "of_refusal"]

Row = Mapping[str, Any]

_ENCODING: Final = "Content type and encoding"
_ENVELOPE: Final = "Envelope"
_SIGNATURE: Final = "Signature and key"
_FIELDS: Final = "Fields"
_DUPLICATE: Final = "Duplicate or revision"
_STORE: Final = "Store"
_HANDLER: Final = "Handler"
_ANSWER: Final = "Answer"
_STEPS: Final = (_ENCODING, _ENVELOPE, _SIGNATURE, _FIELDS, _DUPLICATE, _STORE, _HANDLER, _ANSWER)

# The step that each kind of refusal is told at.
_STOPPED_AT: Final[dict[type[Refusal], str]] = {
    UnreadableBody: _ENCODING,
    UnsupportedContentType: _ENCODING,
    SignatureMissing: _ENVELOPE,
    SignatureWrong: _SIGNATURE,
    InvalidFields: _FIELDS,
}
_STEP_OF_CODE: Final = {code: step for kind, step in _STOPPED_AT.items() for code in (*kind.codes, kind.code)}
_NAMES_SHOWN: Final = 8
_MINUTES: Final = int(wire.RETRY_INTERVAL.total_seconds() // 60)


class Mark(StrEnum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the receiver does with a request, how it went and why; what to change where it failed."""

    name: str
    mark: Mark
    reason: str
    remedy: str = ""


def of_delivery(row: Row, revisions: Sequence[Row], settings: Settings, router: Router) -> list[Step]:
    """The steps of a stored delivery. `revisions` are those of its event, its own among them."""
    handler = router.handler_for(None if row["event_type"] is None else EventType(row["event_type"]))
    body = None if row["body"] is None else _decoded(row["content_type"], row["body"])
    return [
        Step(_ENCODING, Mark.PASSED, f"{wire.CONTENT_TYPES[row['encoding']]}, read as {row['encoding']}{_size(row)}"),
        _envelope(row, body),
        _signature(row, settings),
        _fields(row, settings),
        _duplicate(row, revisions),
        Step(_STORE, Mark.PASSED, f"delivery {row['id']}, on disk since {_time(row['first_seen'])}, before any answer"),
        _handler(row, name_of(handler) if handler else None),
        _answer(row),
    ]


def of_refusal(row: Row) -> list[Step]:
    """The steps of a refused request: those before the one that refused it have passed, no other was reached."""
    stopped = _STEPS.index(_STEP_OF_CODE.get(row["code"], _ENCODING))
    known = {_ENCODING: f"read as {row['content_type']}{_size(row)}", _ENVELOPE: "'payload' and 'sign' are there"}
    steps = [_passed_before(name, known, row["code"]) for name in _STEPS[:stopped]]
    steps.append(Step(_STEPS[stopped], Mark.FAILED, row["detail"], row["remedy"]))
    steps += [Step(name, Mark.NOT_APPLICABLE, "not reached: refused before") for name in _STEPS[stopped + 1 : -1]]
    told = f"{row['status']} {row['code']}, and nothing was lost: Kaisa sends it again after {_MINUTES} minutes"
    return [*steps, Step(_ANSWER, Mark.FAILED, told)]


def _passed_before(name: str, known: Mapping[str, str], code: str) -> Step:
    if code in (*InvalidFields.codes, InvalidFields.code) and name in (_ENVELOPE, _SIGNATURE):
        return Step(name, Mark.PASSED, "in order, or not asked for: it was not refused for it")
    return Step(name, Mark.PASSED, known[name])


def _decoded(content_type: str | None, body: bytes) -> Body | None:
    try:
        return decode(content_type, body)
    except Refusal:  # it was read once, by another version
        return None


def _envelope(row: Row, body: Body | None) -> Step:
    if row["body"] is None:
        return Step(_ENVELOPE, Mark.NOT_APPLICABLE, "its content was purged or erased")
    if body and body.envelope:
        payload, sign = len(body.envelope.payload), len(body.envelope.signature)
        told = f"'payload' of {counted(payload, 'byte')}, 'sign' of {counted(sign, 'character')}"
        return Step(_ENVELOPE, Mark.PASSED, told)
    return Step(_ENVELOPE, Mark.NOT_APPLICABLE, "bare: the data stands in the body itself")


def _signature(row: Row, settings: Settings) -> Step:
    made_by = row["signed_by"]
    if made_by is None:
        return Step(_SIGNATURE, Mark.NOT_APPLICABLE, "accepted unsigned: no key was trusted (KAISA_ACCEPT_UNSIGNED)")
    name = next((key.name for key in settings.trusted_keys if key.fingerprint == made_by), None)
    who = f"{name} ({made_by[:16]})" if name else f"key {made_by[:16]}, which is not trusted any more"
    return Step(_SIGNATURE, Mark.PASSED, f"verified over the exact bytes, with {who}")


def _fields(row: Row, settings: Settings) -> Step:
    if row["fields"] is None:
        return Step(_FIELDS, Mark.NOT_APPLICABLE, "its content was purged or erased")
    reading = settings.macro.read(json.loads(row["wire_values"]))
    count = len(settings.macro.pairs)
    parts = [f"{count - len(reading.missing)} of the {count} names of KAISA_MACRO"]
    for what, names in (("missing", reading.missing), ("more than it has", reading.unexpected)):
        if names:
            shown = ", ".join([*names[:_NAMES_SHOWN], *(["…"] if len(names) > _NAMES_SHOWN else [])])
            parts.append(f"{what}: {shown}")
    return Step(_FIELDS, Mark.PASSED, "; ".join(parts))


def _duplicate(row: Row, revisions: Sequence[Row]) -> Step:
    parts = []
    if row["revision"] > 1:
        parts.append(f"revision {row['revision']}: other content than before for the same event")
    elif len(revisions) > 1:
        parts.append(f"the first of {len(revisions)} revisions of its event")
    else:
        parts.append("the only content of its event")
    if row["attempts"] > 1:
        parts.append(f"sent {row['attempts']} times with the same content, stored once")
    return Step(_DUPLICATE, Mark.PASSED, "; ".join(parts))


def _handler(row: Row, handler: str | None) -> Step:
    match row["state"]:
        case State.HANDLED if handler is None:
            return Step(_HANDLER, Mark.NOT_APPLICABLE, "no handler takes such an event")
        case State.HANDLED:
            return Step(_HANDLER, Mark.PASSED, f"{handler} returned at {_time(row['handled_at'])}")
        case State.FAILED:
            last = (row["error"] or "its traceback was erased").rstrip().splitlines()[-1]
            remedy = f"mend {handler or 'the handler'}; the next attempt runs it again, and so does Replay"
            return Step(_HANDLER, Mark.FAILED, last, remedy)
        case State.HANDLING:
            told = f"{handler or 'the handler'} runs, or was cut off: its claim ends at {_time(row['lease_until'])}"
            return Step(_HANDLER, Mark.TO_COME, told)
    return Step(_HANDLER, Mark.TO_COME, "it has not begun: no thread was free; the next attempt begins it")


def _answer(row: Row) -> Step:
    if row["state"] == State.FAILED:
        return Step(_ANSWER, Mark.FAILED, f"500 handler-failed: Kaisa sends it again after {_MINUTES} minutes")
    if row["state"] != State.HANDLED or row["answer"] is None:
        return Step(_ANSWER, Mark.TO_COME, "503 handler-running for now; the next attempt gets the answer")
    append = json.loads(row["answer"]).get(wire.APPEND_KEY)
    if append is None:
        return Step(_ANSWER, Mark.PASSED, f"200 with {row['answer']}: nothing to save with the call")
    told = f"200 with {append!r}: {len(append)} of {wire.APPEND_LIMIT} characters, saved with the call"
    return Step(_ANSWER, Mark.PASSED, told)


def _size(row: Row) -> str:
    return "" if row["body"] is None else f", {counted(len(row['body']), 'byte')}"


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
