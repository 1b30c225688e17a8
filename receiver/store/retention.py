"""What is dropped when its time is over, and what is removed because someone asks for it.

A delivery's row outlives its content: its key and digest (hashes both) recognise a duplicate, its stored answer
answers it. Everything is done a few rows at a time, with a rest as long as the work: webhooks come in between.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, delete, or_, select, update
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Delete, Update

from receiver import wire
from receiver.answer import EMPTY
from receiver.store import database
from receiver.store.inbox import Inbox
from receiver.store.numbers import Mentions
from receiver.store.queries import CHUNKED
from receiver.store.records import State
from receiver.store.tables import deliveries, refusals

__all__ = ["KEYS_KEPT", "Expired", "Traces", "drop_refusals", "erase", "expired", "purge", "traces"]

# Kaisa retries for 7 days: a key must outlive them (D).
KEYS_KEPT: Final = wire.RETRY_WINDOW + timedelta(days=1)

_BATCH: Final = 200

_EMPTIED: Final[dict[str, Any]] = {"body": None, "fields": None, "wire_values": None, "error": None, "numbers": ""}

Rest = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Expired:
    """Deliveries whose content is to go, and those of them that are to go altogether."""

    content: Sequence[int]
    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a number is found: deliveries, and of these those with it in their call id or answer; refusals."""

    deliveries: list[int]
    call_ids: list[int]
    answers: list[int]
    refusals: list[int]


def expired(inbox: Inbox, before: datetime, now: datetime, *, forget_keys: bool) -> Expired:
    """Handled deliveries last seen before a time; their keys only where Kaisa cannot send them again."""
    column = deliveries.c
    holds = or_(column.numbers != "", *(column[name].is_not(None) for name, to in _EMPTIED.items() if to is None))
    forgotten = _over(min(before, now - KEYS_KEPT)) if forget_keys else None
    with inbox.reading() as connection:
        keys = [] if forgotten is None else connection.scalars(select(column.id).where(forgotten)).all()
        going = set(keys)
        content = connection.scalars(select(column.id).where(_over(before), holds)).all()
    return Expired([each for each in content if each not in going], keys)


def purge(inbox: Inbox, found: Expired, before: datetime, *, rest: Rest = time.sleep) -> Expired:
    """Drop what `expired` found, unless it was seen again since. Returns what was dropped."""
    content = _change(inbox, deliveries, found.content, update(deliveries).values(_EMPTIED), _over(before), rest=rest)
    keys = _change(inbox, deliveries, found.keys, delete(deliveries), _over(before), rest=rest)
    database.forget_deleted(inbox.engine)
    return Expired(content, keys)


def traces(inbox: Inbox, numbers: Sequence[str]) -> Traces:
    """Read everything that is stored and find what mentions one of the numbers."""
    mentions, found = Mentions(numbers), Traces([], [], [], [])
    with inbox.reading() as connection:
        _search_deliveries(connection, mentions, found)
        _search_refusals(connection, mentions, found)
    return found


def erase(inbox: Inbox, found: Traces, *, rest: Rest = time.sleep) -> None:
    """Remove what `traces` found; keys, digests and answers that do not name the number stay."""
    for ids, change in (
        (found.deliveries, update(deliveries).values(_EMPTIED)),
        (found.call_ids, update(deliveries).values(call_id=None)),
        (found.answers, update(deliveries).values(answer=EMPTY.body())),
    ):
        _change(inbox, deliveries, ids, change, rest=rest)
    drop_refusals(inbox, found.refusals, rest=rest)


def drop_refusals(inbox: Inbox, ids: Sequence[int], *, rest: Rest = time.sleep) -> Sequence[int]:
    """Remove refusals. Returns the ids of those there were."""
    dropped = _change(inbox, refusals, ids, delete(refusals), rest=rest)
    database.forget_deleted(inbox.engine)
    return dropped


def _over(before: datetime) -> ColumnElement[bool]:
    return and_(deliveries.c.state == State.HANDLED, deliveries.c.last_seen < before)


def _search_deliveries(connection: Connection, mentions: Mentions, found: Traces) -> None:
    column = deliveries.c
    query = select(
        column.id,
        column.numbers,
        column.body,
        column.fields,
        column.wire_values,
        column.error,
        column.call_id,
        column.answer,
    )
    with connection.execute(query, execution_options=CHUNKED) as rows:
        for row in rows:
            in_call_id, in_answer = mentions.found_in(row.call_id), mentions.found_in(row.answer)
            content = (row.numbers, row.body, row.fields, row.wire_values, row.error)
            if in_call_id or in_answer or mentions.found_in(*content):
                found.deliveries.append(row.id)
            if in_call_id:
                found.call_ids.append(row.id)
            if in_answer:
                found.answers.append(row.id)


def _search_refusals(connection: Connection, mentions: Mentions, found: Traces) -> None:
    query = select(refusals.c.id, refusals.c.body, refusals.c.detail, refusals.c.content_type)
    with connection.execute(query, execution_options=CHUNKED) as rows:
        found.refusals.extend(row.id for row in rows if mentions.found_in(row.body, row.detail, row.content_type))


def _change(
    inbox: Inbox,
    table: Table,
    ids: Sequence[int],
    change: Update | Delete,
    *conditions: ColumnElement[bool],
    rest: Rest,
) -> list[int]:
    """Change rows in short transactions. Returns the ids of those to which it applied."""
    changed: list[int] = []
    for start in range(0, len(ids), _BATCH):
        some = change.where(table.c.id.in_(ids[start : start + _BATCH]), *conditions).returning(table.c.id)
        began = time.monotonic()
        changed += inbox.write(lambda connection, some=some: _overwriting(connection, some))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        rest(time.monotonic() - began)
    return changed


def _overwriting(connection: Connection, change: Update | Delete) -> list[int]:
    database.overwrite_deleted(connection)
    return list(connection.scalars(change))
