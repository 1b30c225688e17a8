"""The sender's rules R1-R7, each as one function without state."""

import json
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from receiver import wire
from receiver.wire import EventType
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import ANSWER_LIMIT, Answered, Outcome

__all__ = ["Append", "Violation", "events_at_start", "next_attempt", "read_append", "silence", "wait_ends"]


@dataclass(frozen=True, slots=True)
class Append:
    """Text that is saved with the call."""

    text: str


@dataclass(frozen=True, slots=True)
class Violation:
    """An answer that breaks the contract, with the rule it breaks."""

    rule: str
    what: str


def silence(call: Call, integration: Integration) -> str | None:
    """Why these settings send nothing of a call; None: they do (C1, C6)."""
    if not integration.active:
        return "the integration is not active"
    if call.direction is Direction.OUTBOUND and not integration.after_outbound:
        return "'Enable after outbound call' is off"
    return None


def events_at_start(call: Call, integration: Integration) -> tuple[EventType, ...]:
    """What is sent when a call begins or a text message arrives (R1, C5); a post-call follows when the call ends."""
    if silence(call, integration):
        return ()
    if call.kind is Kind.SMS:
        return (EventType.SMS,)
    return (EventType.PRE_CALL,) if integration.pre_call else ()


def wait_ends(call: Call) -> datetime:
    """When a post-call is sent even without a recording (R6)."""
    return call.end + wire.RECORDING_WAIT


def next_attempt(first: datetime, previous: datetime) -> datetime | None:
    """When a failed delivery is tried again, from when its first and previous attempt were due; None: never (R4)."""
    due = previous + wire.RETRY_INTERVAL
    return due if due <= first + wire.RETRY_WINDOW else None


def read_append(outcome: Outcome) -> Append | Violation | None:
    """What an answer asks to save (R7). None: it asks for nothing, as any answer but a 200 does."""
    if not isinstance(outcome, Answered) or not outcome.success:
        return None
    # Plain text such as "OK" is no attempt at an append.
    looks_like_json = outcome.body.removeprefix(BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    if outcome.cut:
        return Violation("R7", f"the answer is over {ANSWER_LIMIT} bytes") if looks_like_json else None
    try:
        answer = json.loads(outcome.body.decode("utf-8"), object_pairs_hook=_unique)
    except _TwiceError:
        return Violation("R7", f"the answer names {wire.APPEND_KEY!r} twice")
    except (ValueError, RecursionError) as error:
        return Violation("R7", f"the answer is not readable JSON: {error}") if looks_like_json else None
    if not isinstance(answer, dict) or wire.APPEND_KEY not in answer:
        return None
    return _judge(answer[wire.APPEND_KEY])


def _judge(append: object) -> Append | Violation:
    if not isinstance(append, str):
        return Violation("R7", f"the append is not text: {json.dumps(append)[:40]}")
    if len(append) > wire.APPEND_LIMIT:
        return Violation("R7", f"the append has {len(append)} characters; {wire.APPEND_LIMIT} are saved at most")
    return Append(append)


class _TwiceError(ValueError):
    """The append is named twice."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if sum(name == wire.APPEND_KEY for name, _ in pairs) > 1:
        raise _TwiceError
    return dict(pairs)
