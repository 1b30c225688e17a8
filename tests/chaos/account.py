"""What was answered 200 against what is in the store and what the handlers did."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from receiver.event import EventType
from tests.chaos.supervised import Supervised
from tests.database import sql

__all__ = ["Account", "let_leases_lapse"]


@dataclass(frozen=True)
class Account:
    """Both sides of the books, under `<call>/<event type>`."""

    answered: Mapping[str, str | None]  # the append that came with the 200
    stored: Mapping[str, list[tuple[str, str | None]]]  # state and append of each row
    handled: Counter[str]
    booked: Counter[str]

    @classmethod
    def of(cls, answered: Mapping[str, str | None], url: str, receiver: Supervised) -> "Account":
        """The books as they stand."""
        stored: dict[str, list[tuple[str, str | None]]] = {}
        for call, kind, state, answer in sql(url, "SELECT call_id, event_type, state, answer FROM deliveries"):
            append = json.loads(answer).get("append") if answer else None
            stored.setdefault(f"{call}/{EventType(kind).label}", []).append((state, append))
        return cls(answered, stored, Counter(receiver.noted("handled")), Counter(receiver.noted("booked")))

    @property
    def repeated(self) -> int:
        """How often a handler ran once more: its process was killed after the effect, before that was stored."""
        return sum(self.handled.values()) - len(self.handled)

    @property
    def repeated_in_the_background(self) -> int:
        return sum(self.booked.values()) - len(self.booked)

    def findings(self) -> Iterator[str]:
        """Everything in which they differ."""
        for delivery, append in self.answered.items():
            rows = self.stored.get(delivery, [])
            if rows != [("handled", append)]:
                yield f"{delivery} was answered 200 with {append!r}; the store has {rows or 'nothing'}"
            if not self.handled[delivery]:
                yield f"{delivery} was answered 200; its handler has not run"
            if not self.booked[delivery]:
                yield f"{delivery} was answered 200; its background handler has not run"
        for delivery, rows in self.stored.items():
            if len(rows) > 1:
                yield f"{delivery} is stored {len(rows)} times"


def let_leases_lapse(url: str, *, older_than: float = 2.0) -> None:
    """Make the claims of handlers that began over so many seconds ago look 20 minutes old.

    The simulator's half hours are a second long; a lease is real time. No handler of these experiments takes a second.
    """
    sqlite = url.startswith("sqlite")
    claimed_before = (
        f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '+20 minutes', '-{older_than} seconds')"
        if sqlite
        else f"now() + interval '20 minutes' - interval '{older_than} seconds'"
    )
    abandoned = f"SELECT id FROM deliveries WHERE state = 'handling' AND lease_until < {claimed_before}"  # noqa: S608 - our own numbers
    free = "" if sqlite else " FOR UPDATE SKIP LOCKED"  # what the receiver holds just now is for the next time
    sql(url, f"UPDATE deliveries SET lease_until = '2000-01-01 00:00:00.000000' WHERE id IN ({abandoned}{free})")  # noqa: S608 - as above
