"""Times and numbers in words."""

from datetime import datetime, timedelta

__all__ = ["count", "day", "length", "moment", "numbers"]


def moment(at: datetime, *, after: datetime | None = None) -> str:
    """`Mon 5 Jan 09:30:00`; without the day if it is that of the moment told before it."""
    return f"{at:%H:%M:%S}" if after and after.date() == at.date() else f"{day(at)} {at:%H:%M:%S}"


def day(at: datetime) -> str:
    """`Mon 5 Jan`."""
    return f"{at:%a} {at.day} {at:%b}"


def length(span: timedelta) -> str:
    """`30 min`, `7 days`, `2 h 5 min`, `12 s`; parts of a second are left out."""
    parts = [
        (span.days, "day" if span.days == 1 else "days"),
        (span.seconds // 3600, "h"),
        (span.seconds % 3600 // 60, "min"),
        (span.seconds % 60, "s"),
    ]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 attempt`, `1,234 attempts`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def numbers(first: int, last: int) -> str:
    """`attempt 1`, `attempts 2 to 336`."""
    return f"attempt {first}" if first == last else f"attempts {first} to {last}"
