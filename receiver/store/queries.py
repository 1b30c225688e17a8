"""Questions to the store, for the commands and whoever else looks at it. They read; nothing here writes.

Deliveries are listed by when they were last seen, newest first. A page begins where the one before it ended, which an
index finds at once however many deliveries there are.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, or_, select
from sqlalchemy.sql import ColumnElement

from receiver.store.numbers import spellings
from receiver.store.tables import deliveries, metadata, storable
from receiver.wire import EventType

__all__ = ["CHUNKED", "Filter", "NotFound", "ids", "one", "page", "stream"]

# Execution options of a query whose rows come a few at a time, on PostgreSQL from a cursor of the server.
CHUNKED: Final = {"yield_per": 500}

# What a list needs not, and what is large.
_LISTED: Final = [column for column in deliveries.c if column.name not in ("body", "wire_values", "seen", "claim")]
_EXPORTED: Final = [column for column in deliveries.c if column.name not in ("body", "seen", "claim")]


class NotFound(LookupError):
    """There is no row of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries are meant: those to which everything given applies. Times are aware; `until` is not in."""

    state: str | None = None
    event_type: EventType | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    call_id: str | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        column = deliveries.c
        found: list[ColumnElement[bool]] = []
        if self.state is not None:
            found.append(column.state == self.state)
        if self.event_type is not None:
            found.append(column.event_type == self.event_type)
        if self.number is not None:
            found.append(_filed_under(self.number))
        if self.since is not None:
            found.append(column.last_seen >= self.since)
        if self.until is not None:
            found.append(column.last_seen < self.until)
        if self.call_id is not None:
            found.append(column.call_id == storable(self.call_id))
        return found


def page(connection: Connection, wanted: Filter, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Deliveries seen last, newest first; `before`: those that come after that one in the list. Raises NotFound."""
    query = select(*_LISTED).where(*wanted.conditions)
    if before is not None:
        query = query.where(_listed_after(connection, before))
    newest_first = query.order_by(deliveries.c.last_seen.desc(), deliveries.c.id.desc())
    return [dict(row) for row in connection.execute(newest_first.limit(limit)).mappings()]


def ids(connection: Connection, wanted: Filter, *, limit: int | None = None) -> Sequence[int]:
    """The ids of deliveries, oldest first."""
    return connection.scalars(_oldest_first(select(deliveries.c.id), wanted, limit)).all()


def stream(connection: Connection, wanted: Filter, *, limit: int | None = None) -> Generator[dict[str, Any]]:
    """Deliveries without their raw bytes, oldest first, a few at a time in memory."""
    query = _oldest_first(select(*_EXPORTED), wanted, limit)
    with connection.execute(query, execution_options=CHUNKED) as found:
        for row in found.mappings():
            yield dict(row)


def one(connection: Connection, table: str, row_id: int) -> dict[str, Any]:
    """Everything of a delivery or a refusal. Raises NotFound."""
    source = metadata.tables[table]
    row = connection.execute(select(source).where(source.c.id == row_id)).mappings().first()
    if row is None:
        raise NotFound(f"{table} has no {row_id}")
    return dict(row)


def _oldest_first(query: Select[*tuple[Any, ...]], wanted: Filter, limit: int | None) -> Select[*tuple[Any, ...]]:
    return query.where(*wanted.conditions).order_by(deliveries.c.last_seen, deliveries.c.id).limit(limit)


def _listed_after(connection: Connection, before: int) -> ColumnElement[bool]:
    column = deliveries.c
    found: Row[datetime] | None = connection.execute(select(column.last_seen).where(column.id == before)).first()
    if found is None:
        raise NotFound(f"deliveries has no {before}")
    # Not a row value: the comparison of the first column alone is what every database finds in its index.
    return and_(column.last_seen <= found.last_seen, or_(column.last_seen < found.last_seen, column.id < before))


def _filed_under(number: str) -> ColumnElement[bool]:
    filed = [f" {storable(spelling)} " for spelling in spellings(number)]
    return or_(*(deliveries.c.numbers.contains(spelling, autoescape=True) for spelling in filed))
