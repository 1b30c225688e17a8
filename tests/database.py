"""A look into the receiver's database past its code, with the databases' own drivers."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Done and committed; the rows."""
    path = url.partition("sqlite:///")[2]
    connection: Any = sqlite3.connect(path, timeout=20) if path else psycopg.connect(url)
    with closing(connection):
        cursor = connection.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        connection.commit()
        return rows
