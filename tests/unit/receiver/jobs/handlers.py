"""Handlers as a customer writes them. What they did and what they are to do are files in the folder EFFECTS."""

import os
import time
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()

_TRIES = 3_000


@on.post_call
def answered(event: CallEvent) -> str:
    """An ordinary handler beside the background ones."""
    return f"thanks for {event.id}"


@on.background.post_call
def book(event: CallEvent) -> str:
    """Note the event; wait while there is a file `hold`, fail while there is one `broken`."""
    _note("begun", event)
    for _ in range(_TRIES):
        if not _folder().joinpath("hold").exists():
            break
        time.sleep(0.01)
    if _folder().joinpath("broken").exists():
        raise ValueError("no connection to +46701234567")
    _note("booked", event)
    return "a result that nobody reads"


@on.background.sms
def leave(event: CallEvent) -> None:
    """A handler that ends its process, or tries to."""
    _note("left", event)
    raise SystemExit(3)


def _folder() -> Path:
    return Path(os.environ["EFFECTS"])


def _note(what: str, event: CallEvent) -> None:
    with _folder().joinpath(what).open("a") as file:
        file.write(f"{event.id} {event.key} {event.revision} {os.getpid()} {time.time()}\n")
