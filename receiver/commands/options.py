"""What the commands take: times, spans of time, phone numbers, and the filters of deliveries."""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import click

from receiver import build
from receiver.store import numbers
from receiver.store.queries import Filter
from receiver.store.records import State
from receiver.wire import EventType

__all__ = ["ID", "MOMENT", "NUMBER", "PERIOD", "filtered", "form", "shows_numbers"]

F = TypeVar("F", bound=Callable[..., Any])

# The largest id that a database holds.
ID: Final = click.IntRange(1, 2**63 - 1)

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PERIOD: Final = re.compile(r"(\d{1,9})([smhdw])")
_EVENTS: Final = {kind.label: kind for kind in EventType}


class _Period(click.ParamType[timedelta]):
    """`45s`, `30m`, `2h`, `3d`, `2w`."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if not (found := _PERIOD.fullmatch(value)):
            self.fail(f"{value!r} is not a span of time like 45s, 30m, 2h, 3d or 2w", param, ctx)
        try:
            return timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError:
            self.fail(f"{value!r} is longer ago than time is counted", param, ctx)


class _Moment(click.ParamType[datetime]):
    """ISO 8601, UTC unless it says otherwise; or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if _PERIOD.fullmatch(value):
                return build.utc_now() - PERIOD.convert(value, param, ctx)
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            self.fail(f"{value!r} is longer ago than time is counted", param, ctx)
        except ValueError:
            self.fail(f"{value!r} is neither ISO 8601 (2026-03-01T12:00) nor how long ago (2h, 3d)", param, ctx)


class _Number(click.ParamType[str]):
    """A phone number with enough digits to be found by."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if len(numbers.digits(value)) < numbers.MIN_DIGITS:
            self.fail(f"{value!r} has fewer than {numbers.MIN_DIGITS} digits", param, ctx)
        return str(value)


PERIOD: Final = _Period()
NUMBER: Final = _Number()
MOMENT: Final = _Moment()


def filtered(command: F) -> F:
    """Add the filters; the command is given them as one `Filter`, `wanted`."""

    @functools.wraps(command)
    def with_filter(*args: Any, event: str | None, **options: Any) -> Any:
        names = ("state", "number", "since", "until", "call_id")
        given = {name: options.pop(name) for name in names}
        return command(*args, wanted=Filter(event_type=_EVENTS[event] if event else None, **given), **options)

    states = [State.RECEIVED, State.HANDLING, State.HANDLED, State.FAILED]
    for option in reversed(
        (
            click.option("--state", type=click.Choice(states), help="Where they stand."),
            click.option("--event", type=click.Choice(list(_EVENTS)), help="What they report."),
            click.option("--number", help="A phone number in it, international, in any spelling: '+46 70-123 45 67'."),
            click.option("--since", type=MOMENT, help="Last seen then or later: ISO 8601, or how long ago (2h, 3d)."),
            click.option("--until", type=MOMENT, help="Last seen before then."),
            click.option("--call", "call_id", metavar="ID", help="Kaisa's id of the call."),
        )
    ):
        with_filter = option(with_filter)
    return with_filter  # type: ignore[return-value]  # what click decorates is called by click alone


def form(command: F) -> F:
    """Add `--format text|json`."""
    choice = click.Choice(["text", "json"])
    return click.option("--format", "form", type=choice, default="text", help="JSON: one object a line.")(command)


def shows_numbers(command: F) -> F:
    """Add `--show-numbers`."""
    return click.option("--show-numbers", is_flag=True, help="Do not mask phone numbers (JSON never does).")(command)
