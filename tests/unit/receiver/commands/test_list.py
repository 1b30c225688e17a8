"""`receiver deliveries list` and `show`: the right ones, in order, page by page."""

import base64
import json

import pytest
from click.testing import Result

from receiver.store.inbox import Inbox
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.unit.receiver.commands.conftest import FAILED, HANDLING, Filled, Run, ago


def listed(result: Result) -> list[int]:
    assert result.exit_code == 0, result.output
    return [int(line.split()[0]) for line in result.stdout.splitlines() if not line.startswith(" " * 8)]


@pytest.fixture
def calls(filled: Filled) -> Filled:
    """1 to 6, each an hour after the one before it; 6 was seen last."""
    filled.add("a", at=ago(hours=5))
    filled.add("b", at=ago(hours=4), state=FAILED, event_type="1", from_nr="+46 70-999 99 99")
    filled.add("c", at=ago(hours=3), state=HANDLING, event_type="2", to_nr="070-123 45 67")
    filled.add("d", at=ago(hours=2), event_type="")
    filled.add("e", at=ago(hours=1), from_nr="46705555555")
    filled.add("f", at=NOON)
    return filled


FILTERS: list[tuple[list[str], list[int]]] = [
    ([], [6, 5, 4, 3, 2, 1]),
    (["--state", "handled"], [6, 5, 4, 1]),
    (["--state", "failed"], [2]),
    (["--state", "handling"], [3]),
    (["--state", "received"], []),
    (["--event", "post-call"], [6, 5, 1]),
    (["--event", "sms"], [2]),
    (["--event", "pre-call"], [3]),
    (["--call", "d"], [4]),
    (["--call", "\udce9"], []),
    (["--since", "2h"], [6, 5, 4]),
    (["--since", "2026-03-01T10:00"], [6, 5, 4]),
    (["--since", "2026-03-01T11:00+01:00"], [6, 5, 4]),
    (["--until", "120m"], [3, 2, 1]),
    (["--until", "2026-03-01"], []),
    (["--since", "3h", "--until", "2026-03-01T11:00:00Z", "--state", "handled"], [4]),
    (["--number", "+46709999999"], [2]),
    (["--number", "+46 70 999-99-99"], [2]),
    (["--number", "0046 709999999"], [2]),
    (["--number", "46709999999"], [2]),
    (["--number", "+46705555555"], [5]),
    (["--number", "070-123 45 67"], [3]),
    (["--number", "0701234567"], []),
    (["--number", "+4670999999"], []),
    (["--number", "%"], []),
    (["--number", "+46701234567", "--event", "post-call", "--limit", "2"], [6, 1]),
    (["--limit", "2"], [6, 5]),
    (["--limit", "2", "--before", "5"], [4, 3]),
    (["--before", "1"], []),
    (["--state", "handled", "--before", "5"], [4, 1]),
    (["--state", "handled", "--before", "3"], [1]),
]


@pytest.mark.usefixtures("calls")
def test_a_list_holds_what_every_filter_lets_through_newest_first(run: Run) -> None:
    assert [listed(run("deliveries", "list", *filters)) for filters, _ in FILTERS] == [ids for _, ids in FILTERS]


def test_pages_hold_every_delivery_once_also_where_many_were_seen_at_one_moment(run: Run, filled: Filled) -> None:
    ids = [filled.add(f"call-{number}", at=ago(hours=number // 4)) for number in range(10)]
    seen: list[int] = []
    arguments = ["--limit", "3"]
    while page := listed(result := run("deliveries", "list", *arguments)):
        seen += page
        assert result.stderr == (f"there are more: --before {page[-1]}\n" if len(seen) < len(ids) else "")
        arguments = ["--limit", "3", "--before", str(page[-1])]
    assert seen == [4, 3, 2, 1, 8, 7, 6, 5, 10, 9]


def test_a_delivery_that_was_seen_again_comes_first(run: Run, filled: Filled) -> None:
    filled.add("a", at=ago(hours=2))
    filled.add("b", at=ago(hours=1))
    filled.add("a", at=NOON)
    assert listed(run("deliveries", "list")) == [1, 2]


MISTAKES: list[tuple[list[str], str]] = [
    (["list", "--before", "7"], "Error: Invalid value for --before: there is no delivery 7\n"),
    (["list", "--since", "yesterday"], "'yesterday' is neither ISO 8601 (2026-03-01T12:00) nor how long ago"),
    (["list", "--since", "999999999w"], "'999999999w' is longer ago than time is counted"),
    (["list", "--since", "999999d"], "'999999d' is longer ago than time is counted"),
    (["list", "--until", "0001-01-01T00:00+14:00"], "is longer ago than time is counted"),
    (["list", "--state", "lost"], "'lost' is not one of 'received', 'handling', 'handled', 'failed'"),
    (["list", "--event", "call"], "'call' is not one of 'post-call', 'sms', 'pre-call'"),
    (["list", "--before", "9223372036854775808"], "9223372036854775808 is not in the range"),
    (["purge", "--older-than", "30"], "'30' is not a span of time like 45s, 30m, 2h, 3d or 2w"),
    (["purge"], "Missing option '--older-than'"),
    (["erase"], "Missing option '--number'"),
    (["erase", "--number", "1234"], "'1234' has fewer than 5 digits"),
    (["replay"], "name deliveries by ID, or by filters such as --state failed; one of the two"),
    (["replay", "1", "--state", "failed"], "one of the two"),
]


def test_what_cannot_be_meant_is_a_usage_error(run: Run) -> None:
    for arguments, message in MISTAKES:
        result = run("deliveries", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert message in result.stderr


def test_everything_of_a_delivery_is_shown_with_numbers_masked(run: Run, filled: Filled) -> None:
    error = "Traceback (most recent call last):\n  ...\nValueError: +46701234567"
    filled.add(state=FAILED, at=ago(minutes=30), details="\x1b[2Jring +46 70 123 45 67", error=error)
    filled.add(state=FAILED, details="\x1b[2Jring +46 70 123 45 67", error=error)
    row = filled.row(1)
    result = run("deliveries", "show", "1")
    assert result.exit_code == 0
    body = row["body"]
    assert isinstance(body, bytes)
    lines = result.stdout.splitlines()
    assert lines[:13] == [
        "delivery 1: post-call of call call-1",
        "state: failed",
        "revision: 1",
        "attempts: 2",
        "    2026-03-01T11:30:00+00:00",
        "    2026-03-01T12:00:00+00:00",
        "handled: not yet",
        f"encoding: form, {FORM}",
        "signed by: nobody: accepted unsigned",
        f"key: {row['key']}",
        f"digest: {row['digest']}",
        "answer: none yet",
        "fields:",
    ]
    assert lines[13 : 13 + len(POST_CALL)] == lines[14 + len(POST_CALL) : 14 + 2 * len(POST_CALL)]
    assert lines[15] == "    from_nr = +46*******67"
    assert lines[-4:-1] == ["error:", "    Traceback (most recent call last):", "      ..."]
    assert lines[-1] == "    ValueError: +46*******67"
    for digits in ("1234567", "123+45", "123 45", "12345678", "50000000"):
        assert digits not in result.stdout
    unmasked = run("deliveries", "show", "1", "--show-numbers").stdout
    assert f"body: {body.decode()}\n" in unmasked
    assert "    details = \\x1b[2Jring +46 70 123 45 67\n" in unmasked


def test_a_delivery_as_json_has_its_exact_bytes(run: Run, filled: Filled) -> None:
    filled.add(answer='{"append": "noted"}')
    row = filled.row(1)
    assert json.loads(run("deliveries", "show", "1", "--format", "json").stdout) == {
        "id": 1,
        "state": "handled",
        "revision": 1,
        "attempts": 1,
        "encoding": "form",
        "signed_by": None,
        "call_id": "call-1",
        "event_type": 0,
        "key": row["key"],
        "digest": row["digest"],
        "error": None,
        "first_seen": "2026-03-01T12:00:00+00:00",
        "last_seen": "2026-03-01T12:00:00+00:00",
        "handled_at": "2026-03-01T12:00:00+00:00",
        "lease_until": None,
        "seen": ["2026-03-01T12:00:00+00:00"],
        "answer": {"append": "noted"},
        "content_type": FORM,
        "fields": POST_CALL,
        "wire_values": POST_CALL,
        "body": form(POST_CALL).decode(),
        "body_base64": base64.b64encode(form(POST_CALL)).decode(),
    }


def test_the_claim_of_a_running_handler_is_shown(run: Run, filled: Filled) -> None:
    filled.add(state=HANDLING)
    assert "state: handling, its claim ends at 2026-03-01T12:20:00+00:00\n" in run("deliveries", "show", "1").stdout


@pytest.mark.parametrize("command", ["deliveries", "refusals"])
def test_what_is_not_there_cannot_be_shown(run: Run, command: str) -> None:
    result = run(command, "show", "7")
    assert (result.exit_code, result.output) == (1, f"Error: there is no {command.replace('ies', 'y').rstrip('s')} 7\n")


@pytest.mark.parametrize("arguments", [["list"], ["show", "1"], ["export"], ["erase", "--number", "+46701234567"]])
def test_a_database_that_fails_on_the_way_is_told_in_words(
    run: Run, filled: Filled, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    filled.add()
    monkeypatch.setattr("receiver.store.tables.deliveries.name", "gone")
    monkeypatch.setattr("receiver.store.tables.deliveries.fullname", "gone")
    result = run("deliveries", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the database did not take it: ")
    assert "gone" in result.stderr


# PostgreSQL scans tables as small as this one.
@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
def test_a_list_is_read_from_an_index(filled: Filled, inbox: Inbox) -> None:
    filled.add()
    plans = {
        "": "SCAN deliveries USING INDEX deliveries_by_last_seen",
        "WHERE last_seen <= '2026' AND (last_seen < '2026' OR id < 1)": "deliveries_by_last_seen (last_seen<?)",
        "WHERE state = 'x' AND last_seen <= '2026'": "deliveries_by_state (state=? AND last_seen<?)",
        "WHERE event_type = 1 AND last_seen <= '2026'": "deliveries_by_event (event_type=? AND last_seen<?)",
        "WHERE call_id = 'x'": "USING INDEX deliveries_by_call (call_id=?)",
    }
    with inbox.reading() as connection:
        for where, expected in plans.items():
            query = f"EXPLAIN QUERY PLAN SELECT * FROM deliveries {where} ORDER BY last_seen DESC, id DESC LIMIT 9"  # noqa: S608 - the test's own words
            plan = " ".join(row.detail for row in connection.exec_driver_sql(query))
            assert expected in plan
            assert ("TEMP B-TREE" in plan) == ("call_id" in where)
