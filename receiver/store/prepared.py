"""A statement that every delivery needs: SQLAlchemy writes it once, the driver runs it.

Running it through SQLAlchemy takes longer than the database takes to do it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

__all__ = ["Prepared"]


class Prepared:
    """An INSERT or UPDATE; `statement` is given the name of a dialect."""

    def __init__(self, statement: Callable[[str], UpdateBase]) -> None:
        self._statement = statement
        self._written: dict[tuple[str, tuple[str, ...]], _Written] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it with the columns in `values` and the names it has of its own. Returns the driver's cursor.

        Raises DBAPIError.
        """
        written = self._for(connection.dialect, tuple(values))
        driver: Any = connection.connection.driver_connection
        try:
            return driver.execute(written.text, written.parameters(values))
        except connection.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(written.text, None, error) from error

    def _for(self, dialect: Dialect, names: tuple[str, ...]) -> "_Written":
        written = self._written.get((dialect.name, names))
        if written is None:
            written = self._written[dialect.name, names] = _Written(self._statement(dialect.name), dialect, names)
        return written


class _Written:
    """Its text for one database and some columns, and how their values are given to the driver."""

    def __init__(self, statement: UpdateBase, dialect: Dialect, names: tuple[str, ...]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
        self.text: Final[str] = compiled.string
        self._positions: Final = compiled.positiontup  # None: the driver takes names
        self._constants: Final = {name: value for name, value in compiled.params.items() if name not in names}
        adapted = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items() if name in names}
        processors = {name: impl.bind_processor(dialect) for name, impl in adapted.items()}
        self._processors: Final = [(name, process) for name, process in processors.items() if process]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """What the driver is given."""
        given = {**self._constants, **values}
        for name, process in self._processors:
            given[name] = process(given[name])
        return given if self._positions is None else [given[name] for name in self._positions]
