"""Values as text in the columns of the state, and back."""

import base64
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from sender_sim.console.trouble import Trouble
from sender_sim.core.call import Call
from sender_sim.core.delivery import Request
from sender_sim.core.events import CallBegan
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.core.records import as_dict, from_dict

__all__ = [
    "ANSWER_KEPT",
    "call",
    "call_text",
    "outcome",
    "outcome_text",
    "request",
    "request_text",
    "trouble",
    "trouble_text",
]

# An endpoint that answers megabytes to every attempt is not to fill the disk.
ANSWER_KEPT: Final = 64 * 1024


def call_text(value: Call) -> str:
    """A call, as the event of its beginning."""
    return json.dumps(as_dict(CallBegan(value.start, value.id, value)))


def call(text: str) -> Call:
    """The call. Raises TypeError for the text of something else."""
    began = from_dict(json.loads(text))
    if not isinstance(began, CallBegan):
        raise TypeError(f"{began} is no call")
    return began.facts


def trouble_text(value: Trouble | None) -> str | None:
    """What goes wrong with a call, if anything does."""
    return json.dumps(asdict(value)) if value else None


def trouble(text: str | None) -> Trouble | None:
    """What goes wrong with a call, if anything does."""
    return Trouble(**json.loads(text)) if text else None


def request_text(value: Request) -> str:
    """A request; what is sent is ASCII."""
    body, timeout = value.body.decode("ascii"), value.timeout.total_seconds()
    return json.dumps([value.url, value.content_type, body, timeout])


def request(text: str) -> Request:
    """The request."""
    url, content_type, body, timeout = json.loads(text)
    return Request(url, content_type, body.encode("ascii"), timedelta(seconds=timeout))


def outcome_text(value: Outcome) -> str:
    """What came of an attempt; an answer's body up to ANSWER_KEPT bytes."""
    if isinstance(value, Failed):
        return json.dumps([value.failure, value.detail, value.seconds])
    body = base64.b64encode(value.body[:ANSWER_KEPT]).decode("ascii")
    cut = value.cut or len(value.body) > ANSWER_KEPT
    return json.dumps([value.status, body, value.headers, value.seconds, cut, value.note])


def outcome(text: str) -> Outcome:
    """What came of an attempt."""
    kind, *rest = json.loads(text)
    if isinstance(kind, str):
        return Failed(Failure(kind), *rest)
    body, headers, seconds, cut, note = rest
    named = tuple((name, value) for name, value in headers)
    return Answered(kind, base64.b64decode(body), named, seconds, cut=cut, note=note)
