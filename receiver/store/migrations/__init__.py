"""The tables, step by step, with Alembic, which is imported only where there is something to migrate."""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, text

__all__ = ["HEAD", "UnknownRevision", "current", "upgrade"]

# The revision this version of the receiver works with.
HEAD: Final = "0001"

# Any number, as long as every receiver takes the same: migrations of one database wait for each other.
_LOCK: Final = 5_820_351


class UnknownRevision(Exception):
    """The database was made by a newer receiver."""


def current(engine: Engine) -> str | None:
    """The revision a database is at; None: it has no tables yet."""
    with engine.connect().execution_options(reading=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def upgrade(engine: Engine) -> None:
    """Bring a database to HEAD, in one transaction. Raises UnknownRevision."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            raise UnknownRevision(f"it was made by another version of the receiver: {error}") from None
