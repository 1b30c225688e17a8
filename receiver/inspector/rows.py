"""A delivery or a refusal as a line of the list."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from receiver import wire
from receiver.commands.shown import event_label
from receiver.inspector.listing import Row, place
from receiver.inspector.search import DELIVERY, REFUSED
from receiver.inspector.visible import Hiding
from receiver.store.records import State

__all__ = ["Line", "line"]

# Characters of a text in a line.
_SHOWN: Final = 90


@dataclass(frozen=True, slots=True)
class Line:
    """What the list shows. `version` changes whenever anything of it does."""

    kind: str
    id: int
    version: str
    state: str
    seen: datetime
    event: str
    title: Markup
    people: tuple[Markup, ...]
    times: int
    revision: int
    result: Markup


def line(row: Row, hiding: Hiding) -> Line:
    """The line of a row."""
    return _delivery(row, hiding) if row["kind"] == DELIVERY else _refusal(row, hiding)


def _delivery(row: Row, hiding: Hiding) -> Line:
    fields = json.loads(row["fields"] or "{}")
    numbers = tuple(hiding.number(fields[name]) for name in ("from_nr", "to_nr") if fields.get(name))
    return Line(
        kind=row["kind"],
        id=row["id"],
        version=f"{place(row)} {row['state']} {row['attempts']}",
        state=row["state"],
        seen=row["last_seen"],
        event=event_label(row),
        title=hiding.text(_brief(row["call_id"] or "no call id")),
        people=numbers,
        times=row["attempts"],
        revision=row["revision"],
        result=_result(row, hiding),
    )


def _result(row: Row, hiding: Hiding) -> Markup:
    if row["state"] == State.FAILED:
        return hiding.text(_brief((row["error"] or "").rstrip().rpartition("\n")[2]))
    if row["state"] != State.HANDLED:
        return Markup()
    append = json.loads(row["answer"] or "{}").get(wire.APPEND_KEY)
    return Markup() if append is None else hiding.text(append)


def _brief(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _refusal(row: Row, hiding: Hiding) -> Line:
    return Line(
        kind=row["kind"],
        id=row["id"],
        version=f"{place(row)} {row['count']}",
        state=REFUSED,
        seen=row["last_seen"],
        event=f"{row['status']}",
        title=hiding.text(row["code"]),
        people=(),
        times=row["count"],
        revision=1,
        result=hiding.text(_brief(row["detail"])),
    )
