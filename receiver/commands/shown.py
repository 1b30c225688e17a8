"""How deliveries are shown: a line in a list, all that is known of one, JSON."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from receiver.commands import counted, on_one_line
from receiver.event import EventType
from receiver.logs import mask, mask_number

__all__ = ["as_json", "body_text", "details", "escaped", "event_label", "line", "mask_raw", "masked", "times"]

Row = Mapping[str, Any]
Mask = Callable[[str], str]

_LISTED: Final = (
    "id",
    "state",
    "revision",
    "attempts",
    "encoding",
    "signed_by",
    "call_id",
    "event_type",
    "key",
    "error",
)
_NUMBERS: Final = ("from_nr", "to_nr", "end_nr")
# Digits of one number with what stands between them in a raw body: `%2B46+70-123%2045`.
_GAP: Final = r"(?:[+\s().\-/]|%(?:25)*(?:20|28|29|2[dDeEfF]))*"
_RAW_NUMBER: Final = re.compile(rf"\d(?:{_GAP}\d){{6,}}")
_START: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_GONE: Final = "(purged or erased)"


def event_label(row: Row) -> str:
    """`post-call`; `-` where the macro leaves the event type out."""
    return EventType(row["event_type"]).label if row["event_type"] is not None else "-"


def escaped(body: bytes) -> str:
    """Bytes as printable text: UTF-8 as it is, what would move the cursor and what is no UTF-8 escaped."""
    return on_one_line(body.decode("utf-8", "backslashreplace"))


def masked(body: bytes) -> str:
    """As `escaped`, with every number in it hidden but for its ends."""
    return mask_raw(escaped(body))


def mask_raw(text: str) -> str:
    """`text` out of a raw body, of the same length, with every number in it hidden but for its ends."""
    return mask(_RAW_NUMBER.sub(lambda found: mask_number(found[0]), text))


def times(row: Row, *names: str) -> dict[str, str | None]:
    """Times as ISO 8601."""
    return {name: _iso(row[name]) for name in names}


def line(row: Row) -> str:
    """A delivery in a list, and below it the last line of its handler's traceback."""
    values = json.loads(row["fields"] or "{}")
    call, caller = on_one_line(mask(str(row["call_id"]))), on_one_line(mask_number(values.get("from_nr", "")))
    answered = f"answered {mask(row['answer'])}" if row["answer"] else "not answered with 200 yet"
    shown = (
        f"{row['id']:>6}  {row['last_seen']:%Y-%m-%d %H:%M:%S}Z  {row['state']:<8} {event_label(row):<9} "
        f"call {call} from {caller or 'nobody named'}, revision {row['revision']}, "
        f"{counted(row['attempts'], 'attempt')}, {answered}"
    )
    if row["error"]:
        shown += f"\n        -> {on_one_line(mask(row['error'].rstrip().splitlines()[-1]))}"
    return shown


def as_json(row: Row) -> dict[str, Any]:
    """A delivery as an object; with everything that the row has."""
    shown = {name: row[name] for name in _LISTED} | times(row, "first_seen", "last_seen")
    shown |= {"answer": json.loads(row["answer"] or "null"), "fields": json.loads(row["fields"] or "null")}
    if "body" in row:
        body = row["body"]
        shown |= times(row, "handled_at", "lease_until") | {
            "digest": row["digest"],
            "seen": json.loads(row["seen"]),
            "content_type": row["content_type"],
            "wire_values": json.loads(row["wire_values"] or "null"),
            "body": None if body is None else body_text(body),
            "body_base64": None if body is None else base64.b64encode(body).decode(),
        }
    return shown


def body_text(body: bytes) -> str:
    """Bytes as text, what is no UTF-8 escaped."""
    return body.decode("utf-8", "backslashreplace")


def details(row: Row, *, show_numbers: bool) -> Iterator[str]:
    """Everything known of a delivery, line by line."""
    hide: Mask = str if show_numbers else mask
    yield f"delivery {row['id']}: {event_label(row)} of call {on_one_line(hide(str(row['call_id'])))}"
    lease = f", its claim ends at {_iso(row['lease_until'])}" if row["lease_until"] else ""
    yield f"state: {row['state']}{lease}"
    yield f"revision: {row['revision']}"
    yield f"attempts: {row['attempts']}"
    yield from (f"    {attempt}" for attempt in json.loads(row["seen"]))
    yield f"handled: {_iso(row['handled_at']) or 'not yet'}"
    yield f"encoding: {row['encoding']}, {on_one_line(row['content_type'])}"
    yield f"signed by: {row['signed_by'] or 'nobody: accepted unsigned'}"
    yield f"key: {row['key']}"
    yield f"digest: {row['digest']}"
    yield f"answer: {on_one_line(hide(row['answer'])) if row['answer'] else 'none yet'}"
    yield from _values("fields", row["fields"], hide, show_numbers=show_numbers)
    yield from _values("wire values", row["wire_values"], hide, show_numbers=show_numbers)
    yield f"body: {_body(row['body'], show_numbers=show_numbers)}"
    if row["error"]:
        yield "error:"
        yield from (f"    {on_one_line(hide(text))}" for text in row["error"].rstrip().splitlines())


def _values(title: str, text: str | None, hide: Mask, *, show_numbers: bool) -> Iterator[str]:
    if text is None:
        yield f"{title}: {_GONE}"
        return
    yield f"{title}:"
    for name, value in json.loads(text).items():
        shown = value if isinstance(value, str) else json.dumps(value)
        if name in _NUMBERS and not show_numbers:
            shown = mask_number(shown)
        elif not _START.fullmatch(shown):
            shown = hide(shown)
        yield f"    {on_one_line(name)} = {on_one_line(shown)}"


def _body(body: bytes | None, *, show_numbers: bool) -> str:
    if body is None:
        return _GONE
    return escaped(body) if show_numbers else masked(body)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
