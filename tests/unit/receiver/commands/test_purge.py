"""`receiver deliveries purge` and `erase`, `receiver refusals show` and `delete`: what goes, and what must not."""

import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from receiver.errors import UnreadableBody
from receiver.store import numbers, retention
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival
from tests.calls import FORM, POST_CALL, form, json_text
from tests.clock import NOON
from tests.unit.receiver.commands.conftest import FAILED, HANDLING, Filled, Run, ago
from tests.unit.receiver.store.conftest import Store

NUMBER = "+46701234567"
GONE = {"body": None, "fields": None, "wire_values": None, "error": None, "numbers": ""}


def contents(filled: Filled, delivery: int) -> dict[str, object]:
    row = filled.row(delivery)
    return {name: row[name] for name in GONE}


def refuse(inbox: Inbox, body: bytes, content_type: str = FORM, detail: str = "cannot be read") -> None:
    inbox.refuse(Arrival(content_type, body, NOON, "192.0.2.1"), UnreadableBody(detail, code="malformed-form"))


def refused(inbox: Inbox) -> list[int]:
    return sorted(row["id"] for row in inbox.recent("refusals", 100))


@pytest.fixture
def aged(filled: Filled) -> Filled:
    """1, 2, 3: handled 40, 30 and 20 days ago; 4, 5: failed and cut off 40 days ago; 6: handled 5 days ago."""
    for days in (40, 30, 20):
        filled.add(f"{days} days", at=ago(days=days), answer='{"append": "noted"}')
    filled.add("failed", at=ago(days=40), state=FAILED)
    filled.add("cut off", at=ago(days=40), state=HANDLING)
    filled.add("5 days", at=ago(days=5))
    return filled


def test_the_content_of_old_handled_deliveries_goes_and_the_rest_stays(run: Run, aged: Filled) -> None:
    before = {delivery: dict(aged.row(delivery)) for delivery in range(1, 7)}
    result = run("deliveries", "purge", "--older-than", "30d")
    assert (result.exit_code, result.output) == (0, "emptied: 1 delivery\n")
    assert dict(aged.row(1)) == {**before[1], **GONE}
    assert [dict(aged.row(delivery)) for delivery in range(2, 7)] == [before[delivery] for delivery in range(2, 7)]
    assert run("deliveries", "purge", "--older-than", "29d").output == "emptied: 1 delivery\n"
    assert run("deliveries", "purge", "--older-than", "29d").output == "emptied: 0 deliveries\n"


def test_a_dry_run_counts_and_changes_nothing(run: Run, aged: Filled, inbox: Inbox) -> None:
    before = inbox.recent("deliveries", 10)
    result = run("deliveries", "purge", "--older-than", "10d", "--forget-keys", "--dry-run")
    assert result.output == "would be emptied: 0 deliveries\nwould be deleted: 3 deliveries\n"
    assert run("deliveries", "purge", "--older-than", "10d", "--dry-run").output == "would be emptied: 3 deliveries\n"
    assert inbox.recent("deliveries", 10) == before
    assert aged.row(1)["body"] is not None


def test_keys_are_kept_for_8_days_whatever_is_asked_for(run: Run, filled: Filled, inbox: Inbox) -> None:
    for name, at in {"young": ago(days=8), "old": ago(days=8, microseconds=1), "new": ago(seconds=1)}.items():
        filled.add(name, at=at)
    result = run("deliveries", "purge", "--older-than", "0s", "--forget-keys")
    assert result.output == "emptied: 2 deliveries\ndeleted: 1 delivery\n"
    assert [(row["call_id"], row["body"]) for row in inbox.recent("deliveries", 9)] == [("new", None), ("young", None)]


def test_a_span_longer_than_time_purges_nothing(run: Run, aged: Filled) -> None:
    assert run("deliveries", "purge", "--older-than", "999999d").output == "emptied: 0 deliveries\n"
    assert aged.row(1)["body"] is not None


def test_a_duplicate_of_a_purged_or_erased_delivery_gets_its_stored_answer(run: Run, filled: Filled) -> None:
    filled.add("a", at=ago(days=2), answer='{"append": "noted"}')
    filled.add("b", at=ago(hours=1), answer='{"append": "noted too"}')
    run("deliveries", "purge", "--older-than", "1d")
    run("deliveries", "erase", "--number", NUMBER)
    for delivery, answer in ((1, '{"append": "noted"}'), (2, '{"append": "noted too"}')):
        assert contents(filled, delivery) == GONE
        row = filled.row(delivery)
        assert (row["state"], row["answer"], row["attempts"]) == ("handled", answer, 1)
    assert [filled.add("a", answer="{}"), filled.add("b", answer="{}")] == [1, 2]
    assert [filled.row(delivery)["answer"] for delivery in (1, 2)] == ['{"append": "noted"}', '{"append": "noted too"}']


def test_what_is_seen_again_in_the_meantime_is_kept(filled: Filled, inbox: Inbox) -> None:
    filled.add("a", at=ago(days=40))
    before = ago(days=30)
    found = retention.expired(inbox, before, NOON, forget_keys=True)
    filled.add("a", at=NOON)
    assert found == retention.Expired([], [1])
    assert retention.purge(inbox, found, before, rest=lambda _: None) == retention.Expired([], [])
    assert filled.row(1)["body"] is not None


def test_webhooks_come_in_between_batches(filled: Filled, inbox: Inbox) -> None:
    for number in range(450):
        filled.add(f"call-{number}", at=ago(days=40))
    before = ago(days=30)
    arrived: list[int] = []

    def rest(seconds: float) -> None:
        assert seconds >= 0
        arrived.append(filled.add(f"new-{len(arrived)}"))

    found = retention.expired(inbox, before, NOON, forget_keys=False)
    assert len(retention.purge(inbox, found, before, rest=rest).content) == 450
    assert arrived == [451, 452, 453]


def test_everything_of_a_number_goes_and_nothing_else(run: Run, filled: Filled) -> None:
    filled.add("caller")
    filled.add("another", from_nr="+46709999999")
    filled.add("destination", from_nr="+46709999999", end_nr="+46 (0)70-123 45 67")
    filled.add("in a text", from_nr="+46709999999", details="call 0046 70 123 45 67 back")
    filled.add("in a traceback", from_nr="+46709999999", state=FAILED, error=f"ValueError: {NUMBER}")
    filled.add("longer", from_nr="+467012345678")
    others = {delivery: contents(filled, delivery) for delivery in (2, 6)}
    dry = run("deliveries", "erase", "--number", "+46 70-123 45 67", "--dry-run")
    assert dry.output == "would be emptied: 4 deliveries\nwould be deleted: 0 refusals\n"
    assert filled.row(1)["body"] is not None
    result = run("deliveries", "erase", "--number", "+46 70-123 45 67")
    assert (result.exit_code, result.output) == (0, "emptied: 4 deliveries\ndeleted: 0 refusals\n")
    assert [contents(filled, delivery) for delivery in (1, 3, 4, 5)] == [GONE] * 4
    assert {delivery: contents(filled, delivery) for delivery in (2, 6)} == others
    assert run("deliveries", "erase", "--number", NUMBER).output == "emptied: 0 deliveries\ndeleted: 0 refusals\n"


def test_an_answer_or_a_call_id_that_names_the_number_goes_too(run: Run, filled: Filled) -> None:
    filled.add(f"call {NUMBER}", from_nr="", answer='{"append": "of 0046701234567"}')
    assert run("deliveries", "erase", "--number", NUMBER).output.startswith("emptied: 1 delivery\n")
    row = filled.row(1)
    assert (row["call_id"], row["answer"], row["state"]) == (None, "{}", "handled")


def test_a_number_that_was_sent_nationally_is_erased_where_it_is_given_so(run: Run, filled: Filled) -> None:
    filled.add("a", from_nr="070-123 45 67")
    assert run("deliveries", "erase", "--number", NUMBER).output.startswith("emptied: 0 deliveries\n")
    result = run("deliveries", "erase", "--number", NUMBER, "--number", "0701234567")
    assert result.output.startswith("emptied: 1 delivery\n")


ENVELOPE = {"payload": form({**POST_CALL, "from_nr": NUMBER}).decode(), "sign": "x"}
JSON_ENVELOPE = {"payload": json_text({**POST_CALL, "from_nr": NUMBER}).decode(), "sign": "x"}
BODIES = {
    "form": form({"from_nr": NUMBER}),
    "form with separators": form({"from_nr": "+46 70-123 45 67"}),
    "plus as it is": f"from_nr={NUMBER}&x=1".encode(),
    "after a space": b"x=%2046701234567",
    "digits escaped": ("x=" + "".join(f"%{ord(digit):02x}" for digit in NUMBER)).encode(),
    "twice": quote(quote_plus(NUMBER)).encode(),
    "JSON": json_text({"from_nr": NUMBER}),
    "JSON number": b'{"from_nr": 46701234567}',
    "JSON escapes": json.dumps({"x": NUMBER}).replace("+4", "\\u002b\\u0034").encode(),
    "slashes escaped": b'{"x": "46\\/70\\/1234567"}',
    "no-break spaces": json_text({"x": "+46\u00a070\u00a01234567"}),
    "arabic digits": json_text({"x": "+٤٦٧٠١٢٣٤٥٦٧"}),
    "signed form": form(ENVELOPE),
    "signed JSON": json_text(JSON_ENVELOPE),
    "JSON in a form": form(JSON_ENVELOPE),
    "form in JSON": json_text(ENVELOPE),
    "envelope in an envelope": json_text({"payload": json_text(JSON_ENVELOPE).decode(), "sign": "x"}),
    "beside bytes that are no UTF-8": b"\xe9\0" + NUMBER.encode() + b"\xff",
    "Latin-1": "å 0046701234567".encode("latin-1"),
}
OTHERS = {
    "longer": b"x=467012345678",
    "in a longer one": b"x=1246701234567",
    "another": b"x=46701234568",
    "national": b"x=0701234567",
    "nothing": b"",
}


def test_refusals_that_mention_the_number_go_in_whatever_encoding(run: Run, inbox: Inbox) -> None:
    for body in (*BODIES.values(), *OTHERS.values()):
        refuse(inbox, body)
    result = run("deliveries", "erase", "--number", NUMBER)
    left = {row["body"] for row in inbox.recent("refusals", 100)}
    assert [name for name, body in BODIES.items() if body in left] == []
    assert left == set(OTHERS.values())
    assert result.output == f"emptied: 0 deliveries\ndeleted: {len(BODIES)} refusals\n"


def test_a_refusal_whose_reason_names_the_number_goes(run: Run, inbox: Inbox) -> None:
    refuse(inbox, b"?", detail=f"from_nr: '{NUMBER}' is wrong")
    assert run("deliveries", "erase", "--number", NUMBER).output.endswith("deleted: 1 refusal\n")
    assert refused(inbox) == []


# PostgreSQL has VACUUM.
@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
def test_nothing_erased_is_left_in_an_sqlite_file(run: Run, filled: Filled, inbox: Inbox, tmp_path: Path) -> None:
    filled.add(details="x" * 10_000)
    filled.add("another", from_nr="", details="y")
    refuse(inbox, form({"from_nr": NUMBER}))
    inbox.close()
    assert run("deliveries", "erase", "--number", NUMBER).exit_code == 0
    left = b"".join(file.read_bytes() for file in tmp_path.glob("inbox.sqlite3*"))
    assert b"another" in left
    assert [trace for trace in (b"46701234567", b"xxxx") if trace in left] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+46701234567", ("+46701234567", "46701234567", "0046701234567")),
        ("+46 (0)70-123 45 67", ("+46701234567", "46701234567", "0046701234567", "+46 (0)70-123 45 67")),
        ("0046701234567", ("+46701234567", "46701234567", "0046701234567")),
        ("46701234567", ("+46701234567", "46701234567", "0046701234567")),
        ("070-123 45 67", ("070-123 45 67",)),
        ("0701234567", ("0701234567",)),
        ("anonymous", ("anonymous",)),
        ("", ("",)),
    ],
)
def test_a_number_is_looked_for_under_each_of_its_spellings(number: str, expected: tuple[str, ...]) -> None:
    assert numbers.spellings(number) == expected


def test_a_refusal_is_shown_with_its_bytes_escaped_and_numbers_masked(run: Run, inbox: Inbox) -> None:
    body = b"\xe9\0from=%2B46+70%20123-45-67\x1b[2J"
    refuse(inbox, body, detail=f"'{NUMBER}' is wrong")
    result = run("refusals", "show", "1")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "refusal 1: 400 malformed-form, 1 time",
            "first seen: 2026-03-01T12:00:00+00:00",
            "last seen: 2026-03-01T12:00:00+00:00",
            "from: 192.0.2.1",
            f"content type: {FORM}",
            "detail: '+46*******67' is wrong",
            "    -> send what the content type promises, in UTF-8, each name once",
            r"body: \xe9\x00from=%2B46+************67\x1b[2J",
        ],
    )
    shown = run("refusals", "show", "1", "--show-numbers").stdout
    assert shown.endswith("body: \\xe9\\x00from=%2B46+70%20123-45-67\\x1b[2J\n")
    record = json.loads(run("refusals", "show", "1", "--format", "json").stdout)
    assert (record["id"], record["detail"]) == (1, f"'{NUMBER}' is wrong")
    assert record["body_base64"] == b64encode(body).decode()


def test_refusals_are_deleted_by_id(run: Run, inbox: Inbox) -> None:
    for body in (b"a", b"b", b"c"):
        refuse(inbox, body)
    result = run("refusals", "delete", "1", "3", "1")
    assert (result.exit_code, result.output) == (0, "deleted: 2 refusals\n")
    assert refused(inbox) == [2]
    result = run("refusals", "delete", "2", "7", "1")
    assert (result.exit_code, result.stdout) == (1, "deleted: 1 refusal\n")
    assert result.stderr == "Error: there is no refusal 7, 1\n"


def test_hashes_outlive_an_erasure(run: Run, store: Store, filled: Filled) -> None:
    filled.add()
    before = store.rows("SELECT key, digest, revision FROM deliveries")
    run("deliveries", "erase", "--number", NUMBER)
    assert store.rows("SELECT key, digest, revision FROM deliveries") == before
