"""The tables of the inbox, the same on every database. How they came about is in migrations/."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

__all__ = ["deliveries", "metadata", "probe", "refusals", "storable"]


class _UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out, also where the database keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class's signature
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class's signature
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


# Large, because each duplicate uses a number up. SQLite numbers rows only where the type is INTEGER, as large there.
_Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", String(80), nullable=False),  # one event of one call
    Column("digest", String(64), nullable=False),  # SHA-256 of the payload's bytes
    Column("revision", Integer, nullable=False),  # 1, then 2 and more for other content under the same key
    Column("state", String(16), nullable=False),
    Column("lease_until", _UtcDateTime),  # a handler's claim holds until then
    Column("claim", String(32)),  # whose claim it is: only that run of the handler may end it
    Column("attempts", Integer, nullable=False),
    Column("seen", Text, nullable=False),  # JSON: when each attempt came, ISO 8601
    Column("first_seen", _UtcDateTime, nullable=False),
    Column("last_seen", _UtcDateTime, nullable=False),
    Column("handled_at", _UtcDateTime),
    Column("encoding", String(8), nullable=False),
    Column("signed_by", String(64)),  # fingerprint of the key that matched; null: accepted unsigned
    Column("call_id", Text),
    Column("event_type", Integer),
    Column("numbers", Text, nullable=False),  # " +4670... +4680... ": the phone numbers, to find them by
    Column("content_type", Text),
    # Null once purged; the row stays for its key.
    Column("body", LargeBinary),
    Column("fields", Text),  # JSON: field -> text, by the macro of that day
    Column("wire_values", Text),  # JSON: wire name -> value
    Column("answer", Text),  # the JSON that was answered with 200
    Column("error", Text),  # traceback of the handler
    UniqueConstraint("key", "digest"),
    UniqueConstraint("key", "revision"),
    Index("deliveries_by_last_seen", "last_seen"),
    # What a list can be narrowed to, in the order it is listed in.
    Index("deliveries_by_state", "state", "last_seen"),
    Index("deliveries_by_event", "event_type", "last_seen"),
    # On PostgreSQL a hash (migration 0001): a B-tree there takes no long ids. To say so here would load its dialect.
    Index("deliveries_by_call", "call_id"),
    sqlite_autoincrement=True,  # a job is named after its delivery's id: none may come twice
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of content type and body
    Column("count", Integer, nullable=False),
    Column("first_seen", _UtcDateTime, nullable=False),
    Column("last_seen", _UtcDateTime, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("remote", Text),
    Column("content_type", Text),
    Column("body", LargeBinary, nullable=False),
    Index("refusals_by_last_seen", "last_seen"),
)

# One row, written by readiness checks: what cannot be written cannot be acknowledged.
probe = Table(
    "probe",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", _UtcDateTime, nullable=False),
    Column("room", LargeBinary),
)


def storable(text: str) -> str:
    """Text that every database keeps: lone surrogates and NUL are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
