"""The address of a list: which deliveries and refusals are looked for, read from the query string and written to it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import click

from receiver.commands.options import MOMENT, NUMBER
from receiver.errors import Refusal
from receiver.store.records import State
from receiver.wire import EventType

__all__ = ["CODES", "DELIVERY", "EVENTS", "REFUSAL", "REFUSED", "STATES", "Place", "Search", "parse"]

DELIVERY: Final = "delivery"
REFUSAL: Final = "refusal"

# Where a request stands: a delivery's states, and that it was refused.
REFUSED: Final = "refused"
STATES: Final = (State.FAILED, State.HANDLING, State.RECEIVED, State.HANDLED, REFUSED)
EVENTS: Final = {kind.label: kind for kind in EventType}

# What an address may name, in the order it is written in.
_NAMES: Final = ("text", "state", "event", "number", "call", "code", "since", "until", "before", "live")
_PLACE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z-(d|r)(\d{1,18})")
_KINDS: Final = {"d": DELIVERY, "r": REFUSAL}
_LONGEST: Final = 200


def _codes() -> tuple[str, ...]:
    """The codes of refusals that are kept, by their status."""
    found: dict[str, None] = {}
    classes = sorted(Refusal.__subclasses__(), key=lambda each: each.status)
    for each in classes:
        if each.kept:
            found |= dict.fromkeys(each.codes or (each.code,))
    return tuple(found)


CODES: Final = _codes()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in the list: by when it was last seen, then deliveries before refusals, then by id."""

    at: datetime
    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z-{self.kind[0]}{self.id}"

    @property
    def order(self) -> tuple[datetime, bool, int]:
        """What comes first in the list has the greatest."""
        return self.at, self.kind == DELIVERY, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What an address asks for. `given` is as it was written, without what is empty; `problems` are by name."""

    given: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    event: EventType | None = None
    number: str | None = None
    call: str | None = None
    text: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Place | None = None

    @property
    def filtered(self) -> bool:
        """Whether anything is asked for but everything."""
        return any(name not in ("before", "live") for name in self.given)

    @property
    def live(self) -> bool:
        """Whether new rows are to appear by themselves: on the first page, unless the address says they are not."""
        return "before" not in self.given and "live" not in self.given

    @property
    def deliveries(self) -> bool:
        """Whether a delivery can be meant."""
        return self.state != REFUSED and self.code is None

    @property
    def refusals(self) -> bool:
        """Whether a refusal can be meant: it has no state, and what it reports is not known."""
        return self.state in (None, REFUSED) and self.event is None and self.call is None

    def but(self, **changed: str | None) -> dict[str, str]:
        """The query string of another list; None leaves something out."""
        values = {**self.given, **changed}
        return {name: value for name in _NAMES if (value := values.get(name))}


def parse(args: Mapping[str, str]) -> Search:
    """Read a query string; names that nobody knows are left out. `live` is `off` or nothing."""
    given = {name: value for name in _NAMES if (value := args.get(name, "").strip()[:_LONGEST])}
    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, text in given.items():
        if read := _READERS.get(name):
            try:
                values[name] = read(text)
            except (ValueError, click.BadParameter) as error:
                problems[name] = getattr(error, "message", str(error))
    return Search(given=given, problems=problems, **values)


def _choice(choices: Mapping[str, Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return choices[text]

    return read


def _place(text: str) -> Place:
    found = _PLACE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no place in the list")
    return Place(datetime.fromisoformat(found[1]).replace(tzinfo=UTC), _KINDS[found[2]], int(found[3]))


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "text": str,
    "state": _choice({state: state for state in STATES}),
    "event": _choice(EVENTS),
    "number": lambda text: NUMBER.convert(text, None, None),
    "call": str,
    "code": _choice({code: code for code in CODES}),
    "since": lambda text: MOMENT.convert(text, None, None),
    "until": lambda text: MOMENT.convert(text, None, None),
    "before": _place,
}
