"""YOUR FILE: what happens when Kaisa reports a call. Everything else works as it is.

Each function is given a `CallEvent` (receiver/event.py) and returns up to 40 characters that Kaisa saves with the call,
or None. It runs once for an event, however often Kaisa sends it. Raise, and Kaisa tries again in 30 minutes. Take no
longer than KAISA_HANDLER_BUDGET; after a crash in mid-handler it may run again, so make its effects idempotent with
`event.key`.

What takes longer, or has to be tried until it succeeds, is for `@on.background.post_call` (docs/background.md).
"""

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.post_call
def call_ended(event: CallEvent) -> str | None:
    """After a call."""
    if event.answered and event.duration is not None:
        return f"answered, {event.duration} s"
    return "missed" if event.answered is False else None  # None: your macro does not send {answered}


@on.pre_call
def call_starting(event: CallEvent) -> str | None:  # noqa: ARG001 - a template shows the whole signature
    """Before a call is connected; Kaisa's switchboard waits, so be quick. Only with "Enable pre-call"."""
    return None


@on.sms
def text_message(event: CallEvent) -> str | None:  # noqa: ARG001 - a template shows the whole signature
    """A text message; its text is in `event.details`."""
    return None
