"""Runs the customer's handlers again on stored deliveries, under a claim as the first time."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from receiver import event
from receiver.answer import EMPTY
from receiver.errors import HandlerFailed, HandlerRunning, NotReplayable
from receiver.event import CallEvent
from receiver.handling import Handling
from receiver.logs import mask
from receiver.router import Router
from receiver.store import queries
from receiver.store.inbox import Inbox
from receiver.store.records import State
from receiver.store.tables import deliveries
from receiver.store.transactions import LEASE

__all__ = ["Outcome", "look", "replay"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a replay, or would come of it."""

    id: int
    done: bool
    text: str


def look(inbox: Inbox, router: Router, delivery_id: int, now: datetime) -> Outcome:
    """What a replay would do; it does nothing."""
    try:
        with inbox.reading() as connection:
            call = _replayable(queries.one(connection, "deliveries", delivery_id), now)
    except NotReplayable as reason:
        return Outcome(delivery_id, done=False, text=f"would not be replayed: {reason}")
    except queries.NotFound:
        return Outcome(delivery_id, done=False, text="would not be replayed: there is no such delivery")
    handler = router.handler_for(call.event_type)
    name = getattr(handler, "__qualname__", repr(handler))
    return Outcome(delivery_id, done=True, text=f"would run {name}" if handler else "would run nothing: no handler")


def replay(inbox: Inbox, router: Router, delivery_id: int, now: datetime) -> Outcome:
    """Run the handler of a stored delivery, however long it takes, and store its answer."""
    claim = secrets.token_hex(16)
    try:
        call = inbox.write(lambda connection: _claim(connection, delivery_id, claim, now))
    except NotReplayable as reason:
        return Outcome(delivery_id, done=False, text=f"not replayed: {reason}")
    handler = router.handler_for(call.event_type)
    if handler is None:
        inbox.finish(delivery_id, claim, EMPTY.body(), now)
        return Outcome(delivery_id, done=True, text=f"no handler; answered {EMPTY.body()}")
    with ThreadPoolExecutor(1) as executor:
        # Nobody waits for the answer: a handler may use its whole claim.
        handling = Handling(inbox, executor, budget=LEASE, clock=lambda: now)
        try:
            answered = handling.run(handler, delivery_id, claim, call).body()
        except (HandlerFailed, HandlerRunning) as failure:
            return Outcome(delivery_id, done=False, text=f"failed: {failure}")
    return Outcome(delivery_id, done=True, text=f"answered {mask(answered)}")


def _claim(connection: Connection, delivery_id: int, claim: str, now: datetime) -> CallEvent:
    this = deliveries.c.id == delivery_id
    row = connection.execute(select(deliveries).where(this).with_for_update()).mappings().first()
    if row is None:
        raise NotReplayable("there is no such delivery")
    call = _replayable(dict(row), now)
    claimed = {"state": State.HANDLING, "claim": claim, "lease_until": now + LEASE}
    connection.execute(update(deliveries).where(this).values(claimed))
    return call


def _replayable(row: dict[str, Any], now: datetime) -> CallEvent:
    """The event as it was. Raises NotReplayable."""
    if row["fields"] is None or row["wire_values"] is None:
        raise NotReplayable("its content was purged or erased")
    lease = row["lease_until"]
    if row["state"] == State.HANDLING and lease is not None and lease >= now:
        raise NotReplayable(f"its handler is running, or was cut off; the claim ends at {lease:%Y-%m-%d %H:%M:%S}Z")
    call = event.read(json.loads(row["fields"]), wire_values=json.loads(row["wire_values"]))
    return replace(call, key=row["key"], revision=row["revision"])
