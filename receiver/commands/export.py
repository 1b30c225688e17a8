"""`receiver deliveries export`: deliveries as CSV or JSON lines, as a stream."""

import csv
import io
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

import click

from receiver import wire
from receiver.commands import store
from receiver.commands.options import filtered
from receiver.commands.shown import event_label, times
from receiver.store import queries
from receiver.store.queries import Filter
from receiver.store.tables import storable

__all__ = ["export"]

_OWN: Final = ("state", "revision", "attempts", "encoding", "signed_by", "key")
_TIMES: Final = ("first_seen", "last_seen", "handled_at")
_FIELDS: Final = tuple(field.name for field in wire.FIELDS)
_COLUMNS: Final = ("delivery", *_OWN, *_TIMES, "event", "append", *_FIELDS, "wire_values", "error")

# What makes a spreadsheet take a cell for a formula, also in full width; and `'`, so that it can be taken off again.
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n'＝＋－＠]")  # noqa: RUF001 - these are meant
# A number computes nothing, and nobody wants `'+46701234567`.
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+")


@click.command()
@filtered
@click.option("--limit", type=click.IntRange(1), help="How many at most.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; it is there when it is whole.")
def export(wanted: Filter, limit: int | None, form: str, output: Path | None) -> None:
    """Write deliveries as CSV or JSON lines, the oldest first.

    In CSV a cell that a spreadsheet could take for a formula begins with an apostrophe; phone numbers are left alone.
    """
    write = _write_csv if form == "csv" else _write_lines
    with (
        store() as inbox,
        inbox.reading() as connection,
        closing(queries.stream(connection, wanted, limit=limit)) as rows,
        _opened(output) as file,
    ):
        write(file, map(_record, rows))


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = json.loads(row["fields"] or "{}")
    return {
        "delivery": row["id"],
        **{name: row[name] for name in _OWN},
        **times(row, *_TIMES),
        "event": event_label(row),
        "append": json.loads(row["answer"] or "{}").get(wire.APPEND_KEY),
        **{name: fields.get(name) for name in _FIELDS},
        "wire_values": json.loads(row["wire_values"] or "null"),
        "error": row["error"],
    }


def _write_lines(file: TextIO, records: Iterable[Mapping[str, Any]]) -> None:
    file.writelines(json.dumps(record) + "\n" for record in records)


def _write_csv(file: TextIO, records: Iterable[Mapping[str, Any]]) -> None:
    # Everything quoted: another separator than the comma, as spreadsheets of other countries have, splits no cell.
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for record in records:
        writer.writerow([_cell(record[name]) for name in _COLUMNS])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = storable(value if isinstance(value, str) else json.dumps(value))
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    try:
        if path is None:
            with _standard_output() as file:
                yield file
        else:
            with _renamed_when_whole(path) as file:
                yield file
    except BrokenPipeError:
        raise  # who reads has had enough: click ends quietly
    except OSError as error:
        raise click.ClickException(f"cannot write {path or 'the output'}: {error.strerror}") from None


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    # Line ends are the writer's, and UTF-8 whatever the terminal is set to.
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    yield file
    file.detach()


@contextmanager
def _renamed_when_whole(path: Path) -> Iterator[TextIO]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor
            yield file
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
