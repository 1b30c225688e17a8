"""One request through the receiver, in order, once: decode, verify, read, store, handle, answer. Knows no framework."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from receiver import body, event, signature
from receiver.answer import EMPTY
from receiver.body import Body
from receiver.errors import HandlerRunning, InvalidFields, Problem, SignatureMissing
from receiver.event import CallEvent, EventType
from receiver.handling import Handling
from receiver.macro import Macro, Reading
from receiver.router import Router
from receiver.signature import Profile, TrustedKey
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, Delivery, State, Stored
from receiver.store.transactions import Enqueue

if TYPE_CHECKING:
    from receiver.jobs.queue import Jobs

__all__ = ["Receipt", "Receiver", "event_key"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is answered with 200, and what the log says of it."""

    answer: str
    event: CallEvent
    stored: Stored
    signed_by: TrustedKey | None
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    @property
    def duplicate(self) -> bool:
        """Whether this is another attempt of a delivery already stored."""
        return self.stored.attempts > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The pipeline. Without trusted keys it accepts unsigned requests: config.py sees that this was asked for."""

    macro: Macro
    keys: Sequence[TrustedKey]
    profile: Profile
    inbox: Inbox
    router: Router
    handling: Handling
    jobs: "Jobs | None" = None  # without background handlers nobody imports their engine

    def receive(self, arrival: Arrival) -> Receipt:
        """Take a request in. Raises a Refusal for everything that is not to be answered 200."""
        decoded = body.decode(arrival.content_type, arrival.body)
        signed_by = self._verify(decoded, arrival)
        values = decoded.values()
        reading = self._map(values)
        call = event.read(reading.fields, wire_values=values)
        digest = hashlib.sha256(decoded.payload).hexdigest()
        delivery = Delivery(
            arrival=arrival,
            key=event_key(call, digest),
            digest=digest,
            encoding=decoded.encoding,
            signed_by=signed_by.fingerprint if signed_by else None,
            call_id=call.id,
            event_type=call.event_type,
            numbers=call.numbers,
            fields=reading.fields,
            wire_values=values,
        )
        return self._store_and_answer(delivery, call, signed_by, reading)

    def background(self) -> str | None:
        """How the jobs of background handlers stand, in words; None without such handlers."""
        if self.jobs is None:
            return None
        with self.inbox.reading() as connection:
            return str(self.jobs.overview(connection))

    def _verify(self, decoded: Body, arrival: Arrival) -> TrustedKey | None:
        if not self.keys:
            return None
        if decoded.envelope is None:
            raise SignatureMissing("the body lacks 'payload', 'sign' or both, and only signed requests are accepted")
        envelope = decoded.envelope
        return signature.verify(envelope.payload, envelope.signature, self.keys, self.profile, now=arrival.at)

    def _map(self, values: dict[str, object]) -> Reading:
        reading = self.macro.read(values)
        if reading.mismatched:
            problems = [
                Problem(name, "does not have the literal text the macro puts around its value", InvalidFields.remedy)
                for name in reading.mismatched
            ]
            raise InvalidFields("values that do not fit KAISA_MACRO", code="macro-mismatch", problems=problems)
        if len(reading.missing) == len(self.macro.pairs):
            raise InvalidFields("not one name of KAISA_MACRO is in the body", code="macro-mismatch")
        return reading

    def _store_and_answer(
        self, delivery: Delivery, call: CallEvent, signed_by: TrustedKey | None, reading: Reading
    ) -> Receipt:
        handler = self.router.handler_for(call.event_type)
        enqueue = self._enqueue(call.event_type)
        stored = self.inbox.accept(delivery, settled=None if handler else EMPTY.body(), enqueue=enqueue)
        call = replace(call, key=delivery.key, revision=stored.revision)
        text = stored.answer
        if handler and stored.claim:
            text = self.handling.run(handler, stored.id, stored.claim, call, since=delivery.arrival.at).body()
        elif stored.state != State.HANDLED or text is None:
            raise HandlerRunning("an earlier attempt's handler has not finished")
        return Receipt(text, call, stored, signed_by, reading.missing, reading.unexpected)

    def _enqueue(self, event_type: EventType | None) -> Enqueue | None:
        handlers = self.router.background.names_for(event_type)
        return partial(self.jobs.enqueue, handlers=handlers) if self.jobs and handlers else None


def event_key(call: CallEvent, digest: str) -> str:
    """What identifies an event (D): its id and event type, or the payload's digest where one of them is not sent."""
    if call.id is None or call.event_type is None:
        return f"payload:{digest}"
    identity = json.dumps([call.id, int(call.event_type)]).encode()
    return f"event:{hashlib.sha256(identity).hexdigest()}"
