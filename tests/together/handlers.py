"""Handlers that keep a book of their runs (the file named by HANDLED) and answer with the details."""

import os
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()

FAILS_ONCE = "fails once"


@on.any
def note(event: CallEvent) -> str | None:
    book = Path(os.environ["HANDLED"])
    entry = f"{event.id}/{event.event_type.label if event.event_type is not None else '-'}"
    first = entry not in book.read_text("utf-8").splitlines()
    with book.open("a", encoding="utf-8") as file:
        file.write(f"{entry}\n")
    if first and event.details == FAILS_ONCE:
        raise RuntimeError("as it was told")
    return event.details
