"""What a test may say of an event, of its way and of the integration; and the text of fields."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypedDict

from receiver import wire
from sender_sim.reading import near_miss

__all__ = ["Faults", "Fields", "Options", "aware", "texts"]

Text = str | None

_EVENT_TYPE: Final = "event_type"
_FIELDS: Final = tuple(field.name for field in wire.FIELDS if field.name != _EVENT_TYPE)


class Options(TypedDict, total=False):
    """Where an application takes webhooks, how it is reached, and settings other than Kaisa's defaults.

    `path` is an application's, `/webhook` unless given; `ca` has the certificates to trust instead of the system's;
    `allow_http` permits http, to this machine only. `attempts` (5) is how many may fail before a delivery is left;
    virtual time begins at `start`, or else now; without a time zone it is UTC. The rest is named as in a settings file
    (docs/simulator.md), `digest`, `padding` and `encoding` being those of the signature.
    """

    path: str
    ca: Path | None
    allow_http: bool
    attempts: int
    start: datetime
    macro: str
    json: bool
    retry: bool
    wait_for_recording: bool
    timeout: float
    digest: str
    padding: str
    encoding: str


class Faults(TypedDict, total=False):
    """What goes wrong on the way: `refuse` connections first, then `lose_answer` of that many attempts.

    `faults` are more of them, in words: `["status:code=502,attempts=1-3"]` (docs/pytest.md).
    """

    refuse: int
    lose_answer: int
    faults: Sequence[str]


class Fields(Faults, total=False):
    """Fields of the call, where they differ from a sample's; None: the value does not exist. And what goes wrong."""

    start: datetime | str
    duration: timedelta | int | str
    answered: bool | str
    from_nr: Text
    from_nr_area: Text
    to_nr: Text
    end_nr: Text
    channel: Text
    publisher_id: Text
    campaign_id: Text
    referrer: Text
    url: Text
    details: Text
    custnr: Text
    id: Text
    fsid: Text
    recording_id: Text


def texts(fields: Mapping[str, object], sent: Collection[str]) -> dict[str, str]:
    """The text of each field; `sent` are those that the macro has.

    Raises TypeError for what is no field and for a value that none can have, ValueError for a field that is not sent.
    """
    for name in fields:
        if name == _EVENT_TYPE:
            raise TypeError(f"{name!r} follows from the method: post_call(), sms() or pre_call()")
        if name not in _FIELDS:
            raise TypeError(f"{name!r} is no field of a call; {near_miss(name, _FIELDS)}")
        if name not in sent:
            raise ValueError(f"the macro does not send {{{name}}}, so the endpoint cannot know of it")
    return {name: _text(name, value) for name, value in fields.items()}


def aware(time: datetime) -> datetime:
    """The time; without a time zone it is UTC, wherever the tests run."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _text(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int():
            return str(int(value))
        case timedelta():
            return str(int(value.total_seconds()))
        case datetime():
            return aware(value).astimezone(UTC).strftime(wire.START_FORMAT)
        case _:
            raise TypeError(f"{name}={value!r} has no text of its own; give the text that is to be sent")
