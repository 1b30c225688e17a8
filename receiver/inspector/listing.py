"""Deliveries and refusals as one list, the one seen last first, a page at a time.

What one index answers is found at once, however many there are. What none does (a number, a text, two filters together)
is looked for in so many rows and no more: the page says how far it looked, and the next one goes on from there.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, quote_plus

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    Table,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    true,
)

from receiver.inspector.search import DELIVERY, REFUSAL, REFUSED, Place, Search
from receiver.store import numbers
from receiver.store.queries import Filter
from receiver.store.records import State
from receiver.store.tables import deliveries, refusals, storable

__all__ = ["PAGE", "Found", "Row", "counts", "find", "place", "revisions"]

Row = dict[str, Any]
Condition = ColumnElement[bool]

PAGE: Final = 50

# Rows a page looks through for what no index finds.
_LOOKED_THROUGH: Final = {DELIVERY: 20_000, REFUSAL: 1_000}
# More than so many are not counted.
_COUNTED: Final = 1_000
# Fields of more than this are not read for a list.
_LISTED_BYTES: Final = 16_384

_IN_WORDS: Final = ("detail", "code", "content_type")

_COLUMNS: Final[dict[str, list[ColumnElement[Any]]]] = {
    DELIVERY: [
        *(
            deliveries.c[name]
            for name in ("id", "state", "revision", "attempts", "first_seen", "last_seen", "handled_at")
        ),
        *(deliveries.c[name] for name in ("event_type", "call_id", "answer", "error", "signed_by", "encoding")),
        case((func.length(deliveries.c.fields) <= _LISTED_BYTES, deliveries.c.fields)).label("fields"),
    ],
    REFUSAL: [column for column in refusals.c if column.name not in ("body", "digest")],
}


@dataclass(frozen=True, slots=True)
class Found:
    """Rows, each with its `kind`; where the next page begins, if anywhere; how far was looked, where not to the end."""

    rows: list[Row]
    next: Place | None
    looked_to: datetime | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of one table: what one index answers, and what is looked for among that."""

    kind: str
    table: Table
    indexed: list[Condition]
    others: list[Condition]


def find(connection: Connection, search: Search, *, limit: int = PAGE) -> Found:
    """A page of what a search asks for."""
    if search.problems:
        return Found([], None, None)
    rows: list[Row] = []
    ends: list[Place] = []
    for wanted in _wanted(connection, search):
        end = _end(connection, wanted) if wanted.others else None
        rows += _rows(connection, wanted, end, limit + 1)
        ends += [end] if end else []
    rows.sort(key=lambda row: place(row).order, reverse=True)
    end = max(ends, key=lambda each: each.order, default=None)
    if end:  # beyond it one of the two tables was not looked through
        rows = [row for row in rows if place(row).order >= end.order]
    if len(rows) > limit:
        return Found(rows[:limit], place(rows[limit - 1]), None)
    return Found(rows, end, end.at if end else None)


def place(row: Row) -> Place:
    """Where a row stands."""
    return Place(row["last_seen"], row["kind"], row["id"])


def counts(connection: Connection) -> dict[str, int]:
    """How many there are of what wants attention, up to a thousand."""
    found = {state: _count(connection, deliveries, deliveries.c.state == state) for state in State.UNHANDLED}
    return found | {REFUSED: _count(connection, refusals, true())}


def revisions(connection: Connection, key: str) -> list[Row]:
    """The deliveries of one event, the first revision first."""
    names = ("id", "revision", "first_seen")
    query = select(*(deliveries.c[name] for name in names)).where(deliveries.c.key == key)
    return [dict(row) for row in connection.execute(query.order_by(deliveries.c.revision).limit(PAGE)).mappings()]


def _count(connection: Connection, table: Table, condition: Condition) -> int:
    some = select(table.c.id).where(condition).limit(_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _wanted(connection: Connection, search: Search) -> Iterator[_Wanted]:
    if search.deliveries:
        yield _wanted_deliveries(search)
    if search.refusals:
        yield _wanted_refusals(search, connection.dialect.name)


def _wanted_deliveries(search: Search) -> _Wanted:
    column = deliveries.c
    handled = search.state == State.HANDLED  # nearly all are: any other index leads sooner to the few
    asked: list[tuple[ColumnElement[Any], Any]] = [
        (column.call_id, search.call and storable(search.call)),
        (column.state, None if handled else search.state),
        (column.event_type, search.event),
        (column.state, search.state if handled else None),
    ]
    equal = [(each, value) for each, value in asked if value is not None]
    indexed = [each == value for each, value in equal[:1]]
    others = [_without_index(each) == value for each, value in equal[1:]]
    if search.text is not None:
        others.append(_mentions(search.text))
    others += Filter(number=search.number).conditions
    return _Wanted(DELIVERY, deliveries, indexed + _between(search, deliveries, DELIVERY), others)


def _wanted_refusals(search: Search, dialect: str) -> _Wanted:
    others: list[Condition] = []
    if search.code is not None:
        others.append(refusals.c.code == search.code)
    if search.number is not None:
        plain = numbers.spellings(search.number)[0].removeprefix("+")
        others.append(_in_body(dialect, plain.encode("utf-8", "replace")))
    if search.text is not None:
        in_words = or_(*(refusals.c[name].icontains(storable(search.text), autoescape=True) for name in _IN_WORDS))
        others.append(or_(in_words, *(_in_body(dialect, spelling) for spelling in _spellings(search.text))))
    return _Wanted(REFUSAL, refusals, _between(search, refusals, REFUSAL), others)


def _between(search: Search, table: Table, kind: str) -> list[Condition]:
    """Seen in the time that is asked for, and after the row that the page before ended with."""
    seen, before = table.c.last_seen, search.before
    found: list[Condition] = []
    if search.since is not None:
        found.append(seen >= search.since)
    if search.until is not None:
        found.append(seen < search.until)
    if before is not None and kind == before.kind:
        # Not a row value: the comparison of the first column alone is what every database finds in its index.
        found.append(and_(seen <= before.at, or_(seen < before.at, table.c.id < before.id)))
    elif before is not None:
        found.append(seen <= before.at if before.kind == DELIVERY else seen < before.at)
    return found


def _end(connection: Connection, wanted: _Wanted) -> Place | None:
    """The last row that is looked through; None: all are."""
    column = wanted.table.c
    query = select(column.last_seen, column.id).where(*wanted.indexed)
    last = query.order_by(column.last_seen.desc(), column.id.desc()).offset(_LOOKED_THROUGH[wanted.kind] - 1).limit(1)
    row = connection.execute(last).first()
    return Place(row.last_seen, wanted.kind, row.id) if row else None


def _rows(connection: Connection, wanted: _Wanted, end: Place | None, limit: int) -> list[Row]:
    column = wanted.table.c
    query = select(*_COLUMNS[wanted.kind]).where(*wanted.indexed, *wanted.others)
    if end:
        query = query.where(column.last_seen >= end.at, or_(column.last_seen > end.at, column.id >= end.id))
    newest_first = query.order_by(column.last_seen.desc(), column.id.desc()).limit(limit)
    return [{"kind": wanted.kind, **row} for row in connection.execute(newest_first).mappings()]


def _without_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same value, which a database does not go and look up: it would have to guess which index leads sooner."""
    return column + ("" if isinstance(column.type, String) else 0)


def _mentions(text: str) -> Condition:
    """What was sent, answered or raised holds a text; of letters only a-z are the same in either case."""
    as_stored = json.dumps(text)[1:-1]
    return or_(
        deliveries.c.wire_values.icontains(as_stored, autoescape=True),
        deliveries.c.answer.icontains(as_stored, autoescape=True),
        deliveries.c.error.icontains(storable(text), autoescape=True),
    )


def _spellings(text: str) -> tuple[bytes, ...]:
    """A text as a body may hold it: as it is, percent-encoded once and, in an envelope, twice, or escaped for JSON."""
    spelt = (text, quote_plus(text), quote(text), quote_plus(quote_plus(text)), json.dumps(text)[1:-1])
    return tuple(dict.fromkeys(each.encode("utf-8", "replace") for each in spelt))


def _in_body(dialect: str, part: bytes) -> Condition:
    body = refusals.c.body
    sought = literal(part, LargeBinary)
    return (func.instr(body, sought) if dialect == "sqlite" else func.position(sought.op("IN")(body))) > 0
