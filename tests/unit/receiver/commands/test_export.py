"""`receiver deliveries export`: CSV and JSON lines, as a stream, whole or not at all."""

import csv
import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from receiver import wire
from receiver.store import queries, tables
from receiver.store.inbox import Inbox
from receiver.store.queries import Filter
from tests.calls import POST_CALL
from tests.unit.receiver.commands.conftest import FAILED, Filled, Run, ago
from tests.unit.receiver.store.conftest import Store

FIELDS = [field.name for field in wire.FIELDS]


def many(inbox: Inbox, number: int) -> None:
    """Copy delivery 1 until there are that many."""
    with inbox.engine.begin() as connection:
        row = dict(connection.execute(select(tables.deliveries)).mappings().one())
        del row["id"]
        copies = [
            row | {"key": f"copy:{each}", "fields": json.dumps({"details": "x" * 3000})} for each in range(number - 1)
        ]
        connection.execute(insert(tables.deliveries), copies)


def test_csv_has_a_column_for_every_field_and_a_row_for_every_delivery(run: Run, filled: Filled) -> None:
    filled.add("b", answer='{"append": "noted"}')
    filled.add("a", at=ago(days=1), state=FAILED, event_type="2", details='say "hi", twice\nor more')
    result = run("deliveries", "export")
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout_bytes.decode(), newline="")))
    assert [row["delivery"] for row in rows] == ["2", "1"]
    assert {name: rows[1][name] for name in rows[1] if name != "wire_values"} == {
        "delivery": "1",
        "state": "handled",
        "revision": "1",
        "attempts": "1",
        "encoding": "form",
        "signed_by": "",
        "key": filled.row(1)["key"],
        "first_seen": "2026-03-01T12:00:00+00:00",
        "last_seen": "2026-03-01T12:00:00+00:00",
        "handled_at": "2026-03-01T12:00:00+00:00",
        "event": "post-call",
        "append": "noted",
        **POST_CALL,
        "id": "b",
        "recording_id": "",
        "error": "",
    }
    assert json.loads(rows[1]["wire_values"]) == {**POST_CALL, "id": "b"}
    assert rows[0]["details"] == 'say "hi", twice\nor more'
    assert rows[0]["error"].endswith("ValueError: no")
    assert (rows[0]["event"], rows[0]["append"], rows[0]["handled_at"]) == ("pre-call", "", "")


CELLS = [
    ("=1+1", "'=1+1"),
    ("+1+1", "'+1+1"),
    ("-1+1", "'-1+1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\n=1", "'\n=1"),
    ("＝1+1", "'＝1+1"),  # noqa: RUF001 - full width is meant
    ("'=1", "''=1"),
    ("+46701234567", "+46701234567"),
    ("-5", "-5"),
    ("+46 70", "'+46 70"),
    ("+1\n=1", "'+1\n=1"),
    ("a=1", "a=1"),
    ("a;=1", "a;=1"),
    ("\ud800\0", "\\ud800\\x00"),
]


def test_no_cell_is_a_formula(run: Run, filled: Filled) -> None:
    for number, (text, _) in enumerate(CELLS):
        filled.add(f"call-{number}", details=text)
    exported = run("deliveries", "export").stdout_bytes.decode()
    rows = csv.DictReader(io.StringIO(exported, newline=""))
    assert [row["details"] for row in rows] == [cell for _, cell in CELLS]
    # Quoted, so that no other separator splits it.
    assert [cell for _, cell in CELLS if f'"{cell}"' not in exported] == []


def test_json_lines_hold_the_text_as_it_was(run: Run, filled: Filled) -> None:
    filled.add(details="=1\ud800", answer='{"append": "noted"}')
    (line,) = run("deliveries", "export", "--format", "jsonl").stdout.splitlines()
    record = json.loads(line)
    assert list(record)[:2] == ["delivery", "state"]
    assert {name: record[name] for name in FIELDS} == {**POST_CALL, "details": "=1\ud800", "recording_id": None}
    assert (record["event"], record["append"], record["error"]) == ("post-call", "noted", None)


def test_filters_and_a_limit_hold_as_for_a_list(run: Run, filled: Filled) -> None:
    for hour in range(4):
        filled.add(f"call-{hour}", at=ago(hours=hour), state=FAILED if hour == 2 else "handled")
    lines = run("deliveries", "export", "--format", "jsonl", "--state", "handled", "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["call-3", "call-1"]


def test_a_purged_delivery_is_exported_without_its_content(run: Run, filled: Filled) -> None:
    filled.add(at=ago(days=2), answer='{"append": "noted"}')
    run("deliveries", "purge", "--older-than", "1d")
    (line,) = run("deliveries", "export", "--format", "jsonl").stdout.splitlines()
    record = json.loads(line)
    assert (record["append"], record["wire_values"], {record[name] for name in FIELDS}) == ("noted", None, {None})


def test_a_file_is_there_when_it_is_whole(run: Run, filled: Filled, tmp_path: Path) -> None:
    filled.add()
    file = tmp_path / "calls.csv"
    file.write_text("of yesterday")
    result = run("deliveries", "export", "--output", str(file))
    assert (result.exit_code, result.output) == (0, "")
    assert file.read_bytes() == run("deliveries", "export").stdout_bytes
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.glob(".calls*")] == []


def test_an_export_that_fails_leaves_what_was_there(
    run: Run, filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.add()
    file = tmp_path / "calls.csv"
    file.write_text("of yesterday")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("receiver.commands.export._cell", full)
    result = run("deliveries", "export", "--output", str(file))
    assert (result.exit_code, result.output) == (1, f"Error: cannot write {file}: No space left on device\n")
    assert file.read_text() == "of yesterday"
    assert [each.name for each in tmp_path.glob(".calls*")] == []


def test_a_folder_that_is_not_there_is_told(run: Run, filled: Filled, tmp_path: Path) -> None:
    filled.add()
    result = run("deliveries", "export", "--output", str(tmp_path / "no" / "calls.csv"))
    assert result.exit_code == 1
    assert result.stderr == f"Error: cannot write {tmp_path}/no/calls.csv: No such file or directory\n"


def test_memory_does_not_grow_with_the_number_of_rows(filled: Filled, inbox: Inbox) -> None:
    filled.add()
    many(inbox, 6_000)
    with inbox.reading() as connection:
        rows = queries.stream(connection, Filter())
        for _ in range(1_000):
            next(rows)
        tracemalloc.start()
        assert sum(1 for _ in rows) == 5_000
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3_000_000  # of 15 MB that are read


def test_who_reads_may_stop(store: Store, filled: Filled, inbox: Inbox) -> None:
    filled.add()
    many(inbox, 1_000)
    export = f"{sys.executable} -m receiver deliveries export --format jsonl | head -n 1"
    done = subprocess.run(
        ["bash", "-c", export], env={"DATABASE_URL": store.url}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
