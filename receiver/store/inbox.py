"""Durable deliveries and refusals. A method that returned has committed, with fsync: what is answered 200 is on disk.

A delivery is inserted once for its key and digest (docs/contract.md, "Receiving"). Its handler is claimed under a
lease shorter than Kaisa's retry interval: if the process dies in mid-handler, the next attempt takes over.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from receiver.errors import Refusal, StoreUnavailable
from receiver.store import transactions
from receiver.store.database import READING
from receiver.store.records import Arrival, Delivery, RefusalLimits, State, Stored
from receiver.store.tables import deliveries, metadata, storable
from receiver.store.transactions import Enqueue
from receiver.store.writer import Writer

__all__ = ["Inbox"]

T = TypeVar("T")


class Inbox:
    """The store, on an SQLAlchemy engine. Every method raises StoreUnavailable when the database fails."""

    def __init__(
        self,
        engine: Engine,
        *,
        limits: RefusalLimits | None = None,
        new_claim: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.engine = engine
        self._writer = Writer(engine)
        self._limits = limits or RefusalLimits()
        self._new_claim = new_claim

    def accept(self, delivery: Delivery, *, settled: str | None = None, enqueue: Enqueue | None = None) -> Stored:
        """Store a delivery, or find it stored; claim its handler unless that is done or under way.

        `settled` is the answer of a delivery that has no handler: where one would be claimed, it is handled at once.
        `enqueue` puts the background jobs of a new delivery into the same transaction.
        """
        claim = self._new_claim()
        return self.write(
            lambda connection: transactions.accept(connection, delivery, settled=settled, claim=claim, enqueue=enqueue)
        )

    def finish(self, delivery_id: int, claim: str, answer: str, at: datetime) -> bool:
        """The handler is done: store its answer (JSON text). False: the claim had gone to another run."""
        return self._end(delivery_id, claim, state=State.HANDLED, answer=answer, error=None, handled_at=at)

    def fail(self, delivery_id: int, claim: str, error: str) -> bool:
        """The handler raised: store its traceback; the next attempt runs it again. False: as of `finish`."""
        return self._end(delivery_id, claim, state=State.FAILED, error=storable(error))

    def release(self, delivery_id: int, claim: str) -> bool:
        """The handler has not begun and will not: the next attempt begins it. False: as of `finish`."""
        return self._end(delivery_id, claim, state=State.RECEIVED)

    def refuse(self, arrival: Arrival, refusal: Refusal) -> None:
        """Keep a refused request: once for its content, counted, within the limits."""
        self.write(lambda connection: transactions.refuse(connection, arrival, refusal, self._limits))

    def check_writable(self, at: datetime) -> None:
        """Raise StoreUnavailable unless something could be stored just now."""
        self.write(lambda connection: transactions.prove_writable(connection, at))

    def backlog(self) -> dict[str, tuple[int, datetime]]:
        """How many deliveries are in each state but HANDLED, and since when the oldest of them waits."""
        counted = (
            select(deliveries.c.state, func.count(), func.min(deliveries.c.first_seen))
            .where(deliveries.c.state.in_(State.UNHANDLED))
            .group_by(deliveries.c.state)
        )
        with self.reading() as connection:
            return {state: (count, oldest) for state, count, oldest in connection.execute(counted)}

    def recent(self, table: str, limit: int) -> list[dict[str, Any]]:
        """The rows of `deliveries` or `refusals` seen last, newest first."""
        source = metadata.tables[table]
        newest_first = select(source).order_by(source.c.last_seen.desc(), source.c.id.desc())
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(newest_first.limit(limit)).mappings()]

    def close(self) -> None:
        """Finish what is being written and let go of the database."""
        self._writer.close()
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store and keeps nobody waiting."""
        with _translated(), self.engine.connect().execution_options(**READING) as connection:
            yield connection

    def write(self, operation: Callable[[Connection], T], *, queue_anyway: bool = False) -> T:
        """Do something in a transaction of the writer; what it returned is committed."""
        with _translated():
            return self._writer.run(operation, queue_anyway=queue_anyway)

    def _end(self, delivery_id: int, claim: str, **values: Any) -> bool:
        # Its handler has run and will not for nothing; there are no more of them than there are threads.
        end = partial(transactions.end, delivery_id=delivery_id, claim=claim, **values)
        return self.write(end, queue_anyway=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, TimeoutError) as error:
        cause = str(getattr(error, "orig", error)) or "no commit in time"
        raise StoreUnavailable("the database did not take it", cause=cause) from error
