"""Events and outcomes as JSON-ready values, and back.

Times are ISO 8601, periods are seconds, bytes are the characters of the same numbers (what is sent is ASCII), an event
type has the name people use. The class of an event stands under `event`.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.delivery import Request
from sender_sim.core.events import Event
from sender_sim.core.outcome import Answered, Failed, Outcome

__all__ = ["as_dict", "from_dict", "outcome_as_dict", "outcome_from_dict"]

_KINDS: Final = {name: getattr(events, name) for name in events.__all__}
_TYPES: Final = {event_type.label: event_type for event_type in EventType}


def as_dict(event: Event) -> dict[str, Any]:
    """The event as JSON-ready values."""
    return {"event": type(event).__name__, **_CONVERTER.unstructure(event)}


def from_dict(values: dict[str, Any]) -> Event:
    """The event that `as_dict` made these values of. Raises KeyError and cattrs' errors for what is none."""
    event: Event = _CONVERTER.structure(values, _KINDS[values["event"]])
    return event


def outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    """What came of an attempt, as JSON-ready values."""
    values: dict[str, Any] = _CONVERTER.unstructure(outcome)
    return values


def outcome_from_dict(values: dict[str, Any]) -> Outcome:
    """The outcome that `outcome_as_dict` made these values of."""
    if "status" in values:
        return _CONVERTER.structure(values, Answered)
    return _CONVERTER.structure(values, Failed)


def _converter() -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    for kind, write, read in (
        (datetime, datetime.isoformat, datetime.fromisoformat),
        (timedelta, timedelta.total_seconds, lambda seconds: timedelta(seconds=seconds)),
        (bytes, lambda body: body.decode("latin-1"), lambda text: text.encode("latin-1")),
        (EventType, lambda event_type: event_type.label, _TYPES.__getitem__),
    ):
        converter.register_unstructure_hook(kind, write)
        converter.register_structure_hook(kind, lambda value, _, read=read: read(value))
    only_others = override(omit_if_default=True)  # a POST is what everybody expects
    converter.register_unstructure_hook(Request, make_dict_unstructure_fn(Request, converter, method=only_others))
    return converter


_CONVERTER: Final = _converter()
