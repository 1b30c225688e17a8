"""Deliveries and refusals."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("claim", sa.String(32)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True)),
        sa.Column("encoding", sa.String(8), nullable=False),
        sa.Column("signed_by", sa.String(64)),
        sa.Column("call_id", sa.Text),
        sa.Column("event_type", sa.Integer),
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("fields", sa.Text),
        sa.Column("wire_values", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("key", "digest"),
        sa.UniqueConstraint("key", "revision"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_last_seen", "deliveries", ["last_seen"])
    op.create_index("deliveries_by_state", "deliveries", ["state", "last_seen"])
    op.create_index("deliveries_by_event", "deliveries", ["event_type", "last_seen"])
    op.create_index("deliveries_by_call", "deliveries", ["call_id"], postgresql_using="hash")
    op.create_table(
        "refusals",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
        sa.Column("remote", sa.Text),
        sa.Column("content_type", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("refusals_by_last_seen", "refusals", ["last_seen"])
    op.create_table(
        "probe",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.LargeBinary),
    )
