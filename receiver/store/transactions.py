"""What the inbox does inside a transaction: SQL that every database understands, and rules of its own."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, and_, bindparam, delete, func, or_, select, update

from receiver import wire
from receiver.errors import Refusal
from receiver.store.prepared import Prepared
from receiver.store.records import Arrival, Delivery, RefusalLimits, State, Stored
from receiver.store.tables import deliveries, probe, refusals, storable

__all__ = ["Enqueue", "accept", "end", "prove_writable", "refuse"]

# Long enough for any sensible handler, and over before the next attempt comes.
LEASE: Final = wire.RETRY_INTERVAL - timedelta(minutes=10)

# Each lost try is a revision that another process stored: many more than can come at once for one call.
_TRIES: Final = 100

# Puts the background jobs of a new delivery into the transaction that stores it: both are there, or neither.
Enqueue = Callable[[Connection, int], None]

# The times that are kept of a delivery's attempts: more than Kaisa makes, so that replays do not make a row grow.
_SEEN_KEPT: Final = 400

# Bytes that must be to spare for the store to count as writable.
_ROOM: Final = bytes(64 * 1024)

# Statements of every delivery, built once: building one takes longer than running it. What they are given by name is
# `same_...` and `held_...`, because a column's own name stands for its new value.
_SAME_KEY: Final = deliveries.c.key == bindparam("same_key")
_NEXT_REVISION: Final = select(func.coalesce(func.max(deliveries.c.revision), 0) + 1).where(_SAME_KEY).scalar_subquery()
_FIND: Final = select(deliveries).where(_SAME_KEY, deliveries.c.digest == bindparam("same_digest")).with_for_update()
_CHANGE: Final = update(deliveries).where(deliveries.c.id == bindparam("same_id"))
_HELD: Final = and_(deliveries.c.id == bindparam("held_id"), deliveries.c.claim == bindparam("held_claim"))
_END: Final = Prepared(lambda _: update(deliveries).where(_HELD))


def accept(
    connection: Connection, delivery: Delivery, *, settled: str | None, claim: str, enqueue: Enqueue | None = None
) -> Stored:
    """Insert a delivery once for its key and digest, or find it; claim its handler where nobody holds it.

    `settled` is the answer of a delivery that has no handler: where one would be claimed, it is handled at once.
    `enqueue` is called for a delivery that is new, also if it is another revision.
    """
    for _ in range(_TRIES):
        if stored := _insert(connection, delivery, settled, claim):
            if enqueue:
                enqueue(connection, stored.id)
            return stored
        if stored := _find(connection, delivery, settled, claim):
            return stored
    # Each time another process took the revision that this one was about to take.
    raise RuntimeError(f"{delivery.key} keeps changing")


def end(connection: Connection, delivery_id: int, claim: str, **values: Any) -> bool:
    """Write a handler's outcome, unless its claim has gone to another run. Returns whether it was written."""
    held = {"held_id": delivery_id, "held_claim": claim}
    ended = _END.run(connection, {**held, "claim": None, "lease_until": None, **values})
    return bool(ended.rowcount)


def refuse(connection: Connection, arrival: Arrival, refusal: Refusal, limits: RefusalLimits) -> None:
    """Keep a refused request: once for its content, counted; the oldest go where there are too many."""
    digest = hashlib.sha256(f"{arrival.content_type}\0".encode("utf-8", "backslashreplace") + arrival.body)
    row = {
        "last_seen": arrival.at,
        "status": refusal.status,
        "code": refusal.code,
        "detail": storable("; ".join(filter(None, (refusal.detail, refusal.evidence)))),
        "remedy": refusal.remedy,
        "remote": _storable(arrival.remote),
        "content_type": _storable(arrival.content_type),
        "body": arrival.body,
    }
    upsert = (
        _insert_into(refusals, connection.dialect.name)
        .values(**row, digest=digest.hexdigest(), count=1, first_seen=arrival.at)
        .on_conflict_do_update(index_elements=["digest"], set_={**row, "count": refusals.c.count + 1})
    )
    if connection.execute(upsert.returning(refusals.c.count)).scalar_one() == 1:
        _drop_oldest_refusals(connection, limits)


def prove_writable(connection: Connection, at: datetime) -> None:
    """Write as much as a delivery may need, and free it: a database that is read-only, full or gone fails here."""
    values = {"at": at, "room": _ROOM}
    row = _insert_into(probe, connection.dialect.name).values(id=1, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
    connection.execute(update(probe).values(room=None))


def _insert_into(table: Table, dialect: str) -> Any:
    """An insert that knows ON CONFLICT: both databases do, and SQLAlchemy has it in each dialect's own insert.

    The other dialect is not imported: together they take longer to import than Flask's own modules do.
    """
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


def _insert_once(dialect: str) -> Any:
    insert = _insert_into(deliveries, dialect).values(revision=_NEXT_REVISION).on_conflict_do_nothing()
    return insert.returning(deliveries.c.id, deliveries.c.revision)


_INSERT_ONCE: Final = Prepared(_insert_once)


def _insert(connection: Connection, delivery: Delivery, settled: str | None, claim: str) -> Stored | None:
    arrival = delivery.arrival
    row = {
        "key": delivery.key,
        "digest": delivery.digest,
        "attempts": 1,
        "seen": json.dumps([arrival.at.isoformat()]),
        "first_seen": arrival.at,
        "last_seen": arrival.at,
        "encoding": delivery.encoding,
        "signed_by": delivery.signed_by,
        "call_id": _storable(delivery.call_id),
        "event_type": delivery.event_type,
        "numbers": storable("".join(f" {number} " for number in delivery.numbers)),
        "content_type": _storable(arrival.content_type),
        "body": arrival.body,
        "fields": json.dumps(dict(delivery.fields)),
        "wire_values": json.dumps(dict(delivery.wire_values)),
        **_outcome(settled, arrival.at, claim),
    }
    inserted = _INSERT_ONCE.run(connection, {**row, "same_key": delivery.key}).fetchone()
    return _stored({**row, "id": inserted[0], "revision": inserted[1]}, claim) if inserted else None


def _find(connection: Connection, delivery: Delivery, settled: str | None, claim: str) -> Stored | None:
    same, now = {"same_key": delivery.key, "same_digest": delivery.digest}, delivery.arrival.at
    row = connection.execute(_FIND, same).mappings().first()
    if row is None:
        return None
    counted = {
        "attempts": row["attempts"] + 1,
        "seen": json.dumps([*json.loads(row["seen"]), now.isoformat()][-_SEEN_KEPT:]),
        "last_seen": now,
    }
    changed = counted | (_outcome(settled, now, claim) if _claimable(row, now) else {})
    connection.execute(_CHANGE, {"same_id": row["id"], **changed})
    return _stored({**row, **changed}, claim)


def _claimable(row: RowMapping, now: datetime) -> bool:
    """Whether a delivery's handler is to run: it has not begun, it failed, or the one that ran it is gone."""
    abandoned = row["lease_until"] is not None and row["lease_until"] < now
    return row["state"] in (State.RECEIVED, State.FAILED) or (row["state"] == State.HANDLING and abandoned)


def _outcome(settled: str | None, now: datetime, claim: str) -> dict[str, Any]:
    """The columns of a delivery whose handler is claimed, or that has none."""
    if settled is None:
        return {"state": State.HANDLING, "lease_until": now + LEASE, "claim": claim}
    # An abandoned run that ends after all must not find its claim here.
    ended = {"lease_until": None, "claim": None, "error": None}
    return {"state": State.HANDLED, "answer": settled, "handled_at": now, **ended}


def _stored(row: dict[str, Any], claim: str) -> Stored:
    claimed = row["state"] == State.HANDLING and row.get("claim") == claim
    return Stored(
        row["id"], row["revision"], row["attempts"], row["state"], claim if claimed else None, row.get("answer")
    )


def _drop_oldest_refusals(connection: Connection, limits: RefusalLimits) -> None:
    newest_first = (refusals.c.last_seen.desc(), refusals.c.id.desc())
    ranked = select(
        refusals.c.id,
        func.row_number().over(order_by=newest_first).label("position"),
        func.sum(func.length(refusals.c.body)).over(order_by=newest_first).label("size"),
    ).subquery()
    # The newest stays even if it is too large alone: it is what the operator is looking for.
    too_large = and_(ranked.c.size > limits.size, ranked.c.position > 1)
    surplus = select(ranked.c.id).where(or_(ranked.c.position > limits.count, too_large))
    # What another process holds just now is left to the next refusal: two that drop would wait for each other.
    free = select(refusals.c.id).where(refusals.c.id.in_(surplus)).with_for_update(skip_locked=True)
    connection.execute(delete(refusals).where(refusals.c.id.in_(free)))


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
